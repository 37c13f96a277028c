// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Makes a module comparable. All of its exports go; instead it exports
//!
//! * `fN` every function; `wN` a function through a wrapper in which vectors are pairs of i64 and other references are
//!   null or only tested for null, because JavaScript cannot pass them;
//! * `mN`, `tN`, `globals`: observers, functions without parameters that give a hash of a memory, a table or all
//!   globals as an i64, so that state is compared without any help from an engine's API;
//! * `refuel`, which gives the module back the fuel that bounds its loops.
//!
//! Imports become `host.N`. The custom section `anew.plan` says in JSON what to import and what to call, with a letter
//! for each parameter and result: i32 `i`, i64 `I`, f32 `f`, f64 `F`, funcref `a`, externref `x`.

use crate::features::Set;
use crate::random::Random;
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::*;
use wasmparser::Payload;

/// Functions that are called, at most; the rest is reached through them.
const MOST_CALLS: usize = 12;
const MOST_INITIAL_PAGES: u64 = 16;
/// What a memory or table may grow to, beyond what it starts with.
const MOST_PAGES: u64 = 4;
const MOST_ELEMENTS: u64 = 64;
/// What is hashed at most.
const HASHED_BYTES: i64 = ((MOST_INITIAL_PAGES + MOST_PAGES) << 16) as i64;
const HASHED_ELEMENTS: i64 = 256;

struct Info {
    types: Vec<wasmparser::FuncType>,
    imports: Vec<u32>,   // type index
    functions: Vec<u32>, // of all functions
    tables: Vec<wasmparser::TableType>,
    memories: Vec<wasmparser::MemoryType>,
    globals: Vec<wasmparser::ValType>,
    hang_limit: Option<u32>, // Binaryen's function that gives fuel
    has_tags: bool,
}

/// None if the module has what cannot be compared.
fn inspect(binary: &[u8], features: &Set) -> Option<Info> {
    let mut info = Info {
        types: vec![],
        imports: vec![],
        functions: vec![],
        tables: vec![],
        memories: vec![],
        globals: vec![],
        hang_limit: None,
        has_tags: false,
    };
    for payload in wasmparser::Parser::new(0).parse_all(binary) {
        match payload.ok()? {
            Payload::TypeSection(section) => {
                for group in section {
                    for sub in group.ok()?.into_types() {
                        match sub.composite_type.inner {
                            wasmparser::CompositeInnerType::Func(function) => info.types.push(function),
                            _ => return None,
                        }
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import.ok()?.ty {
                        wasmparser::TypeRef::Func(index) => {
                            info.imports.push(index);
                            info.functions.push(index);
                        }
                        _ => return None,
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for index in section {
                    info.functions.push(index.ok()?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    info.tables.push(table.ok()?.ty);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    info.memories.push(memory.ok()?);
                }
            }
            Payload::TagSection(_) => info.has_tags = true,
            Payload::GlobalSection(section) => {
                for global in section {
                    info.globals.push(global.ok()?.ty.content_type);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.ok()?;
                    if export.name == "hangLimitInitializer" {
                        info.hang_limit = Some(export.index);
                    }
                }
            }
            _ => {}
        }
    }
    let fits = info.tables.iter().all(|t| t.initial <= 10_000 && (!t.table64 || features.has("table64")))
        && info.memories.iter().all(|m| m.initial <= MOST_INITIAL_PAGES)
        && info.imports.iter().all(|t| {
            let t = &info.types[*t as usize];
            t.params().iter().chain(t.results()).all(|v| letter(*v).is_some())
        });
    fits.then_some(info)
}

fn letter(value: wasmparser::ValType) -> Option<char> {
    use wasmparser::{RefType, ValType};
    match value {
        ValType::I32 => Some('i'),
        ValType::I64 => Some('I'),
        ValType::F32 => Some('f'),
        ValType::F64 => Some('F'),
        ValType::Ref(RefType::FUNCREF) => Some('a'),
        ValType::Ref(RefType::EXTERNREF) => Some('x'),
        _ => None,
    }
}

fn letters(values: &[wasmparser::ValType]) -> Option<String> {
    values.iter().map(|value| letter(*value)).collect()
}

/// What is put behind the module's own types and functions.
struct Added {
    types: Vec<(Vec<ValType>, Vec<ValType>)>,
    functions: Vec<(u32, Function)>, // type, body
    exports: Vec<(String, u32)>,
    first_type: u32,
    first_function: u32,
}

impl Added {
    fn add(&mut self, name: &str, parameters: Vec<ValType>, results: Vec<ValType>, body: Function) {
        self.types.push((parameters, results));
        let kind = self.first_type + self.types.len() as u32 - 1;
        self.exports.push((name.to_string(), self.first_function + self.functions.len() as u32));
        self.functions.push((kind, body));
    }
}

/// Locals: 0 the hash, 1 the position, 2 the end.
fn memory_observer(index: u32, memory: &wasmparser::MemoryType) -> Function {
    use Instruction as I;
    let mut f = Function::new([(3, ValType::I64)]);
    f.instruction(&I::MemorySize(index));
    if !memory.memory64 {
        f.instruction(&I::I64ExtendI32U);
    }
    f.instructions().local_tee(0).i64_const(16).i64_shl().local_tee(2);
    f.instructions().i64_const(HASHED_BYTES).local_get(2).i64_const(HASHED_BYTES).i64_lt_u().select().local_set(2);
    f.instructions().block(BlockType::Empty).loop_(BlockType::Empty);
    f.instructions().local_get(1).local_get(2).i64_ge_u().br_if(1);
    f.instructions().local_get(0).i64_const(0x0100_0000_01B3).i64_mul().local_get(1);
    if !memory.memory64 {
        f.instructions().i32_wrap_i64();
    }
    f.instructions()
        .i64_load(MemArg { offset: 0, align: 3, target: MemArgTarget::Memory(index), ordering: None })
        .i64_xor();
    // What is high must reach what is low, or a multiplication never sees it.
    f.instructions().local_tee(0).local_get(0).i64_const(29).i64_shr_u().i64_xor().local_set(0);
    f.instructions().local_get(1).i64_const(8).i64_add().local_set(1).br(0).end().end().local_get(0).end();
    f
}

fn table_observer(index: u32, table: &wasmparser::TableType) -> Function {
    let mut f = Function::new([(3, ValType::I64)]);
    f.instructions().table_size(index);
    if !table.table64 {
        f.instructions().i64_extend_i32_u();
    }
    f.instructions().local_tee(0).local_tee(2);
    f.instructions()
        .i64_const(HASHED_ELEMENTS)
        .local_get(2)
        .i64_const(HASHED_ELEMENTS)
        .i64_lt_u()
        .select()
        .local_set(2);
    f.instructions().block(BlockType::Empty).loop_(BlockType::Empty);
    f.instructions().local_get(1).local_get(2).i64_ge_u().br_if(1);
    f.instructions().local_get(0).i64_const(31).i64_mul().local_get(1);
    if !table.table64 {
        f.instructions().i32_wrap_i64();
    }
    f.instructions().table_get(index).ref_is_null().i64_extend_i32_u().i64_add().local_set(0);
    f.instructions().local_get(1).i64_const(1).i64_add().local_set(1).br(0).end().end().local_get(0).end();
    f
}

/// Folds the value on the stack into the i64 in local 0; local 1 is an i64 and local 2 a vector, if there are any.
fn fold(f: &mut Function, value: wasmparser::ValType) {
    use wasmparser::ValType as V;
    let mut sink = f.instructions();
    match value {
        V::I32 => sink.i64_extend_i32_u(),
        V::I64 => &mut sink,
        V::F32 => sink.i32_reinterpret_f32().i64_extend_i32_u(),
        V::F64 => sink.i64_reinterpret_f64(),
        V::V128 => {
            sink.local_tee(2).i64x2_extract_lane(0).local_get(2).i64x2_extract_lane(1).i64_const(7).i64_rotl().i64_xor()
        }
        V::Ref(_) => sink.ref_is_null().i64_extend_i32_u(),
    };
    sink.local_get(0).i64_const(0x0100_0000_01B3).i64_mul().i64_add().local_set(0);
}

fn globals_observer(globals: &[wasmparser::ValType]) -> Function {
    let mut locals = vec![(2, ValType::I64)];
    if globals.contains(&wasmparser::ValType::V128) {
        locals.push((1, ValType::V128));
    }
    let mut f = Function::new(locals);
    for (index, value) in globals.iter().enumerate() {
        f.instructions().global_get(index as u32);
        fold(&mut f, *value);
    }
    f.instructions().local_get(0).end();
    f
}

/// The wrapper of a function that JavaScript cannot call: its parameters, its results, its body.
fn wrapper(index: u32, kind: &wasmparser::FuncType) -> Option<(String, String, Function)> {
    use wasmparser::ValType as V;
    let mut re = RoundtripReencoder;
    let mut parameters = String::new();
    let mut loads: Vec<Vec<Instruction>> = vec![];
    for value in kind.params() {
        let local = parameters.len() as u32;
        match (*value, letter(*value)) {
            (_, Some(letter)) => {
                parameters.push(letter);
                loads.push(vec![Instruction::LocalGet(local)]);
            }
            (V::V128, _) => {
                parameters.push_str("II");
                loads.push(vec![
                    Instruction::LocalGet(local),
                    Instruction::I64x2Splat,
                    Instruction::LocalGet(local + 1),
                    Instruction::I64x2ReplaceLane(1),
                ]);
            }
            (V::Ref(reference), _) if reference.is_nullable() => {
                loads.push(vec![Instruction::RefNull(re.heap_type(reference.heap_type()).ok()?)]);
            }
            _ => return None,
        }
    }
    let first_local = parameters.len() as u32;
    let mut locals = vec![];
    for value in kind.results() {
        if let V::Ref(reference) = value {
            if !reference.is_nullable() {
                return None;
            }
        }
        locals.push((1, re.val_type(*value).ok()?));
    }
    let mut f = Function::new(locals);
    for instruction in loads.iter().flatten() {
        f.instruction(instruction);
    }
    f.instructions().call(index);
    for position in (0..kind.results().len() as u32).rev() {
        f.instructions().local_set(first_local + position);
    }
    let mut results = String::new();
    for (position, value) in (first_local..).zip(kind.results()) {
        f.instructions().local_get(position);
        match (*value, letter(*value)) {
            (_, Some(letter)) => results.push(letter),
            (V::V128, _) => {
                results.push_str("II");
                f.instructions().i64x2_extract_lane(0).local_get(position).i64x2_extract_lane(1);
            }
            _ => {
                results.push('i');
                f.instructions().ref_is_null();
            }
        }
    }
    f.instructions().end();
    Some((parameters, results, f))
}

fn value_types(letters: &str) -> Vec<ValType> {
    let one = |letter| match letter {
        'i' => ValType::I32,
        'I' => ValType::I64,
        'f' => ValType::F32,
        'F' => ValType::F64,
        'a' => ValType::FUNCREF,
        _ => ValType::EXTERNREF,
    };
    letters.chars().map(one).collect()
}

/// @param fuel  the global that holds it, and how much there is.
pub fn module(binary: &[u8], seed: u64, features: &Set, fuel: Option<(u32, u32)>) -> Option<Vec<u8>> {
    let info = inspect(binary, features)?;
    let mut random = Random::new(seed ^ 0x706C_616E);
    let mut added = Added {
        types: vec![],
        functions: vec![],
        exports: vec![],
        first_type: info.types.len() as u32,
        first_function: info.functions.len() as u32,
    };

    let mut candidates: Vec<u32> = (info.imports.len() as u32..info.functions.len() as u32).collect();
    candidates.retain(|index| Some(*index) != info.hang_limit);
    while candidates.len() > MOST_CALLS {
        candidates.remove(random.below(candidates.len() as u64) as usize);
    }
    let mut calls = vec![];
    for index in candidates {
        let kind = &info.types[info.functions[index as usize] as usize];
        if let (Some(parameters), Some(results)) = (letters(kind.params()), letters(kind.results())) {
            calls.push(format!(r#"["f{index}","{parameters}","{results}"]"#));
        } else if let Some((parameters, results, body)) = wrapper(index, kind) {
            let name = format!("w{index}");
            calls.push(format!(r#"["{name}","{parameters}","{results}"]"#));
            added.add(&name, value_types(&parameters), value_types(&results), body);
        }
    }

    let mut observers = vec![];
    let mut observe = |added: &mut Added, name: String, body: Function| {
        added.add(&name, vec![], vec![ValType::I64], body);
        observers.push(format!(r#""{name}""#));
    };
    for (index, memory) in info.memories.iter().enumerate() {
        observe(&mut added, format!("m{index}"), memory_observer(index as u32, memory));
    }
    if features.has("reference-types") {
        for (index, table) in info.tables.iter().enumerate() {
            if table.element_type.is_nullable() {
                observe(&mut added, format!("t{index}"), table_observer(index as u32, table));
            }
        }
    }
    observe(&mut added, "globals".into(), globals_observer(&info.globals));
    if let Some((global, amount)) = fuel {
        let mut f = Function::new([]);
        f.instructions().i32_const(amount as i32).global_set(global).end();
        added.add("refuel", vec![], vec![], f);
    } else if let Some(function) = info.hang_limit {
        let mut f = Function::new([]);
        f.instructions().call(function).end();
        added.add("refuel", vec![], vec![], f);
    } else {
        return None; // nothing bounds its loops
    }

    let imports: Vec<String> = info
        .imports
        .iter()
        .map(|kind| {
            let kind = &info.types[*kind as usize];
            Some(format!(r#"["{}","{}"]"#, letters(kind.params())?, letters(kind.results())?))
        })
        .collect::<Option<_>>()?;
    // An error of the host is an exception to one engine and a trap to the other, so a module that could catch it
    // never sees one.
    let plan = format!(
        r#"{{"imports":[{}],"calls":[{}],"observers":[{}],"host_fails":{}}}"#,
        imports.join(","),
        calls.join(","),
        observers.join(","),
        !info.has_tags && !features.has("exceptions")
    );
    assemble(binary, &info, &added, &plan, features, &mut random)
}

/// A call, now and then through a reference.
fn instruction(f: &mut Function, instruction: Instruction, info: &Info, features: &Set, random: &mut Random) {
    if features.has("function-references") && random.one_in(3) {
        let reference = match instruction {
            Instruction::Call(index) => Some((index, false)),
            Instruction::ReturnCall(index) => Some((index, true)),
            _ => None,
        };
        if let Some((index, tail)) = reference {
            let kind = info.functions[index as usize];
            match random.below(3) {
                0 => f.instructions().ref_func(index),
                1 => f.instructions().ref_func(index).ref_as_non_null(),
                _ => f
                    .instructions()
                    .block(BlockType::Result(ValType::Ref(RefType {
                        nullable: true,
                        heap_type: HeapType::Concrete(kind),
                    })))
                    .ref_func(index)
                    .end(),
            };
            f.instruction(&if tail { Instruction::ReturnCallRef(kind) } else { Instruction::CallRef(kind) });
            return;
        }
    }
    f.instruction(&instruction);
}

fn assemble(
    binary: &[u8],
    info: &Info,
    added: &Added,
    plan: &str,
    features: &Set,
    random: &mut Random,
) -> Option<Vec<u8>> {
    let mut re = RoundtripReencoder;
    let mut module = Module::new();
    let mut exports = ExportSection::new();
    for index in 0..info.functions.len() as u32 {
        exports.export(&format!("f{index}"), ExportKind::Func, index);
    }
    for (name, index) in &added.exports {
        exports.export(name, ExportKind::Func, *index);
    }
    let mut exported = false;
    let mut code = CodeSection::new();
    let mut bodies_left = 0;
    for payload in wasmparser::Parser::new(0).parse_all(binary) {
        let payload = payload.ok()?;
        // The section of exports stands before these.
        let behind = matches!(
            payload,
            Payload::StartSection { .. }
                | Payload::ElementSection(_)
                | Payload::DataCountSection { .. }
                | Payload::CodeSectionStart { .. }
        );
        if behind && !exported {
            module.section(&exports);
            exported = true;
        }
        match payload {
            Payload::TypeSection(section) => {
                let mut types = TypeSection::new();
                re.parse_type_section(&mut types, section).ok()?;
                for (parameters, results) in &added.types {
                    types.ty().function(parameters.clone(), results.clone());
                }
                module.section(&types);
            }
            Payload::ImportSection(_) => {
                let mut imports = ImportSection::new();
                for (index, kind) in info.imports.iter().enumerate() {
                    imports.import("host", &index.to_string(), EntityType::Function(*kind));
                }
                module.section(&imports);
            }
            Payload::FunctionSection(section) => {
                let mut functions = FunctionSection::new();
                re.parse_function_section(&mut functions, section).ok()?;
                for (kind, _) in &added.functions {
                    functions.function(*kind);
                }
                module.section(&functions);
            }
            Payload::TableSection(section) => {
                let mut tables = TableSection::new();
                for table in section {
                    let mut table = table.ok()?;
                    let most = table.ty.initial + MOST_ELEMENTS;
                    table.ty.maximum = Some(table.ty.maximum.unwrap_or(most).min(most));
                    re.parse_table(&mut tables, table).ok()?;
                }
                module.section(&tables);
            }
            Payload::MemorySection(section) => {
                let mut memories = MemorySection::new();
                for memory in section {
                    let mut memory = memory.ok()?;
                    let most = memory.initial + MOST_PAGES;
                    memory.maximum = Some(memory.maximum.unwrap_or(most).min(most));
                    memories.memory(re.memory_type(memory).ok()?);
                }
                module.section(&memories);
            }
            Payload::TagSection(section) => {
                let mut tags = TagSection::new();
                re.parse_tag_section(&mut tags, section).ok()?;
                module.section(&tags);
            }
            Payload::GlobalSection(section) => {
                let mut globals = GlobalSection::new();
                re.parse_global_section(&mut globals, section).ok()?;
                module.section(&globals);
            }
            Payload::StartSection { func, .. } => {
                module.section(&StartSection { function_index: func });
            }
            Payload::ElementSection(section) => {
                let mut elements = ElementSection::new();
                re.parse_element_section(&mut elements, section).ok()?;
                module.section(&elements);
            }
            Payload::DataCountSection { count, .. } => {
                module.section(&DataCountSection { count });
            }
            Payload::CodeSectionStart { count, .. } => bodies_left = count,
            Payload::CodeSectionEntry(body) => {
                let mut f = re.new_function_with_parsed_locals(&body).ok()?;
                let mut reader = body.get_operators_reader().ok()?;
                while !reader.eof() {
                    instruction(&mut f, re.parse_instruction(&mut reader).ok()?, info, features, random);
                }
                code.function(&f);
                bodies_left -= 1;
                if bodies_left == 0 {
                    for (_, body) in &added.functions {
                        code.function(body);
                    }
                    module.section(&code);
                }
            }
            Payload::DataSection(section) => {
                let mut data = DataSection::new();
                re.parse_data_section(&mut data, section).ok()?;
                module.section(&data);
            }
            _ => {}
        }
    }
    if code.is_empty() {
        return None;
    }
    module.section(&CustomSection { name: "anew.plan".into(), data: plan.as_bytes().into() });
    Some(module.finish())
}
