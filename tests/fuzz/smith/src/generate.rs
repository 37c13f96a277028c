// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! wasm-smith, told to stay within a set of features.

use crate::features::Set;
use crate::random::Random;
use arbitrary::Unstructured;
use wasm_smith::{Config, MemoryOffsetChoices};

/// The host functions that a module may import: all that differs between two engines' hosts must be expressible in
/// both, so no vectors.
fn host_functions(random: &mut Random, features: &Set) -> Vec<u8> {
    use wasm_encoder::*;
    let numbers = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];
    let choose = |random: &mut Random| {
        if features.has("reference-types") && random.one_in(5) {
            random.choose(&[ValType::EXTERNREF, ValType::FUNCREF])
        } else {
            random.choose(&numbers)
        }
    };
    let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
    for index in 0..1 + random.below(4) as u32 {
        let parameters = if random.one_in(4) { random.below(14) } else { random.below(4) };
        let most_results = if features.has("multi-value") { 9 } else { 2 };
        let results = if random.one_in(4) { random.below(most_results) } else { random.below(2) };
        let parameters: Vec<ValType> = (0..parameters).map(|_| choose(random)).collect();
        let results: Vec<ValType> = (0..results).map(|_| choose(random)).collect();
        types.ty().function(parameters, results);
        imports.import("host", &format!("f{index}"), EntityType::Function(index));
    }
    let mut module = Module::new();
    module.section(&types).section(&imports);
    module.finish()
}

fn config(random: &mut Random, features: &Set) -> Config {
    let mut c = Config::default();
    c.multi_value_enabled = features.has("multi-value");
    c.sign_extension_ops_enabled = features.has("sign-extension");
    c.saturating_float_to_int_enabled = features.has("saturating-float-to-int");
    c.bulk_memory_enabled = features.has("bulk-memory");
    c.reference_types_enabled = features.has("reference-types") && c.bulk_memory_enabled;
    c.extended_const_enabled = features.has("extended-const");
    c.tail_call_enabled = features.has("tail-call");
    c.memory64_enabled = features.has("memory64") && features.has("table64");
    c.simd_enabled = features.has("simd");
    c.relaxed_simd_enabled = features.has("relaxed-simd") && c.simd_enabled;
    c.exceptions_enabled = features.has("exceptions") && c.reference_types_enabled;
    c.wide_arithmetic_enabled = features.has("wide-arithmetic");
    c.gc_enabled = false;
    c.threads_enabled = false;
    c.shared_everything_threads_enabled = false;
    c.acquire_release_atomics_enabled = false;
    c.custom_page_sizes_enabled = false;
    c.custom_descriptors_enabled = false;
    c.compact_imports_enabled = false;
    c.multibyte_array_access_enabled = false;

    c.canonicalize_nans = !features.has("nans");
    c.export_everything = true;
    c.allow_start_export = random.one_in(3);
    c.disallow_traps = random.one_in(3);
    c.generate_custom_sections = false;
    c.min_types = 2;
    c.max_types = 20;
    c.max_type_size = 1000;
    c.min_funcs = 1 + random.below(6) as usize;
    c.max_funcs = c.min_funcs + random.below(10) as usize;
    c.max_instructions = random.choose(&[30, 100, 300, 1000]);
    c.min_globals = random.below(5) as usize;
    c.max_globals = 20;
    c.max_tags = 4;
    c.max_memories = if features.has("multi-memory") { 1 + random.below(3) as usize } else { 1 };
    c.min_memories = u32::from(!random.one_in(8));
    c.max_memory32_bytes = (1 + random.below(4)) << 16;
    c.max_memory64_bytes = u128::from((1 + random.below(4)) << 16);
    c.memory_max_size_required = true;
    let (inside, at_edge, outside) = random.choose(&[(90, 9, 1), (50, 50, 1), (75, 20, 5), (100, 0, 0)]);
    c.memory_offset_choices = MemoryOffsetChoices(inside, at_edge, outside);
    c.max_tables = if features.has("reference-types") { 1 + random.below(4) as usize } else { 1 };
    c.max_table_elements = 1 + random.below(100);
    c.table_max_size_required = true;
    c.max_imports = 0;
    if random.one_in(2) {
        c.available_imports = Some(host_functions(random, features));
        c.max_imports = 6;
    }
    c
}

pub fn module(seed: u64, features: &Set) -> Option<Vec<u8>> {
    let mut random = Random::new(seed ^ 0x616E_6577);
    let features = features.subset(&mut random);
    let config = config(&mut random, &features);
    let size = match random.below(4) {
        0 => 200 + random.below(1000),
        1 => 1000 + random.below(4000),
        2 => 4000 + random.below(8000),
        _ => 8000 + random.below(20000),
    };
    let bytes: Vec<u8> = (0..size).map(|_| random.next() as u8).collect();
    let mut module = wasm_smith::Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    let fuel = random.choose(&[20, 100, 1000]);
    let fuel_global = module.ensure_termination(fuel).ok()?;
    let binary = module.to_bytes();
    crate::instrument::module(&binary, seed, &features, Some((fuel_global, fuel)))
}
