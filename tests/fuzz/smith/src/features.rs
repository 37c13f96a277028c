// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! What a module may use beyond WebAssembly 1.0, by name, with a probe for each: an engine has the feature if it accepts
//! the probe.

use wasm_encoder::*;

pub const ALL: &[&str] = &[
    "multi-value",
    "sign-extension",
    "saturating-float-to-int",
    "bulk-memory",
    "reference-types",
    "extended-const",
    "tail-call",
    "multi-memory",
    "memory64",
    "table64",
    "simd",
    "relaxed-simd",
    "function-references",
    "exceptions",
    "wide-arithmetic",
    "threads",
    // No feature of an engine: modules may look at which NaN it is.
    "nans",
];

pub struct Set(Vec<String>);

impl Set {
    pub fn parse(list: &str) -> Self {
        let names: Vec<String> = list.split(',').filter(|n| !n.is_empty() && *n != "-").map(str::to_string).collect();
        for name in &names {
            assert!(ALL.contains(&name.as_str()), "unknown feature: {name}");
        }
        Set(names)
    }
    pub fn has(&self, feature: &str) -> bool {
        self.0.iter().any(|name| name == feature)
    }
    /// Whether the module is valid with these features and no others.
    pub fn accepts(&self, binary: &[u8]) -> bool {
        use wasmparser::WasmFeatures as F;
        let mut features = F::WASM1;
        for (name, feature) in [
            ("multi-value", F::MULTI_VALUE),
            ("sign-extension", F::SIGN_EXTENSION),
            ("saturating-float-to-int", F::SATURATING_FLOAT_TO_INT),
            ("bulk-memory", F::BULK_MEMORY),
            ("reference-types", F::REFERENCE_TYPES),
            ("extended-const", F::EXTENDED_CONST),
            ("tail-call", F::TAIL_CALL),
            ("multi-memory", F::MULTI_MEMORY),
            ("memory64", F::MEMORY64),
            ("simd", F::SIMD),
            ("relaxed-simd", F::RELAXED_SIMD),
            ("function-references", F::FUNCTION_REFERENCES),
            ("exceptions", F::EXCEPTIONS),
            ("wide-arithmetic", F::WIDE_ARITHMETIC),
            ("threads", F::THREADS),
        ] {
            features.set(feature, self.has(name));
        }
        wasmparser::Validator::new_with_features(features).validate_all(binary).is_ok()
    }
    /// Some of these, so that features also meet modules without the others.
    pub fn subset(&self, random: &mut crate::random::Random) -> Self {
        if random.one_in(4) {
            return Set(self.0.clone());
        }
        Set(self.0.iter().filter(|_| !random.one_in(3)).cloned().collect())
    }
}

/// A module with one function of no parameters that gives `results`.
struct Probe {
    module: Module,
    types: TypeSection,
    body: Vec<Instruction<'static>>,
}

fn function(results: &[ValType], body: Vec<Instruction<'static>>) -> Probe {
    let mut types = TypeSection::new();
    types.ty().function([], results.to_vec());
    Probe { module: Module::new(), types, body }
}

impl Probe {
    fn finish(mut self, memories: &[MemoryType], table64: bool, tag: bool) -> Vec<u8> {
        self.module.section(&self.types);
        let mut functions = FunctionSection::new();
        functions.function(0);
        self.module.section(&functions);
        let mut tables = TableSection::new();
        tables.table(TableType { element_type: RefType::FUNCREF, table64, minimum: 1, maximum: None, shared: false });
        self.module.section(&tables);
        let mut memory_section = MemorySection::new();
        for memory in memories {
            memory_section.memory(*memory);
        }
        self.module.section(&memory_section);
        if tag {
            let mut tags = TagSection::new();
            tags.tag(TagType { kind: TagKind::Exception, func_type_idx: 0 });
            self.module.section(&tags);
        }
        let mut exports = ExportSection::new();
        exports.export("f", ExportKind::Func, 0);
        self.module.section(&exports);
        let mut code = CodeSection::new();
        let mut f = Function::new([]);
        for instruction in &self.body {
            f.instruction(instruction);
        }
        f.instruction(&Instruction::End);
        code.function(&f);
        self.module.section(&code);
        self.module.finish()
    }
}

fn memory(memory64: bool) -> MemoryType {
    MemoryType { minimum: 1, maximum: Some(2), memory64, shared: false, page_size_log2: None }
}

fn probe_of(results: &[ValType], body: Vec<Instruction<'static>>) -> Vec<u8> {
    function(results, body).finish(&[memory(false)], false, false)
}

pub fn probe(feature: &str) -> Option<Vec<u8>> {
    use Instruction as I;
    let f32_zero = || I::F32Const(Ieee32::new(0));
    Some(match feature {
        "multi-value" => probe_of(&[ValType::I32, ValType::I32], vec![I::I32Const(0), I::I32Const(0)]),
        "sign-extension" => probe_of(&[ValType::I32], vec![I::I32Const(0), I::I32Extend8S]),
        "saturating-float-to-int" => probe_of(&[ValType::I32], vec![f32_zero(), I::I32TruncSatF32S]),
        "bulk-memory" => probe_of(&[], vec![I::I32Const(0), I::I32Const(0), I::I32Const(0), I::MemoryFill(0)]),
        "reference-types" => probe_of(&[ValType::EXTERNREF], vec![I::RefNull(HeapType::EXTERN)]),
        "extended-const" => {
            let mut module = Module::new();
            let mut globals = GlobalSection::new();
            let kind = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
            globals.global(kind, &ConstExpr::i32_const(1).with_i32_const(2).with_i32_add());
            module.section(&globals);
            module.finish()
        }
        "tail-call" => probe_of(&[], vec![I::ReturnCall(0)]),
        "multi-memory" => function(&[], vec![]).finish(&[memory(false), memory(false)], false, false),
        "memory64" => function(&[], vec![]).finish(&[memory(true)], false, false),
        "table64" => function(&[], vec![]).finish(&[memory(false)], true, false),
        "simd" => probe_of(&[ValType::V128], vec![I::V128Const(0)]),
        "relaxed-simd" => probe_of(&[ValType::V128], vec![I::V128Const(0), I::V128Const(0), I::I8x16RelaxedSwizzle]),
        "function-references" => probe_of(&[], vec![I::RefFunc(0), I::RefAsNonNull, I::CallRef(0)]),
        "exceptions" => {
            let handlers = std::borrow::Cow::Borrowed(&[Catch::All { label: 0 }][..]);
            let body = vec![I::TryTable(BlockType::Empty, handlers), I::Throw(0), I::End];
            function(&[], body).finish(&[memory(false)], false, true)
        }
        // Atomic operators on memories that are not shared; only dense.rs makes them.
        "threads" => {
            let argument = MemArg { offset: 0, align: 2, target: MemArgTarget::Memory(0), ordering: None };
            probe_of(&[ValType::I32], vec![I::I32Const(0), I::I32AtomicLoad(argument)])
        }
        "wide-arithmetic" => {
            let body = vec![I::I64Const(0), I::I64Const(0), I::I64MulWideU];
            probe_of(&[ValType::I64, ValType::I64], body)
        }
        _ => return None,
    })
}
