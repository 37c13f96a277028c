// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Modules in which almost everything that is written is also executed, and what it computes is seen. wasm-smith reaches
//! every corner of the format, but most of its code is behind a trap or a branch: a wrong operator takes it long to find.
//!
//! Statements assign typed expressions to locals, globals, memories and tables. Addresses and indices are mostly masked
//! to be inside; divisions and unmasked addresses trap now and then. Each function and loop takes one unit of fuel.
//! What may give a NaN is followed by what makes it zero, since the sign and payload of NaNs are the engine's choice;
//! with the feature "nans" it is not.

use crate::features::Set;
use crate::operators::*;
use crate::random::Random;
use wasm_encoder::*;

pub type I = Instruction<'static>;

pub fn value_type(letter: char) -> ValType {
    match letter {
        'i' => ValType::I32,
        'I' => ValType::I64,
        'f' => ValType::F32,
        'F' => ValType::F64,
        _ => ValType::V128,
    }
}

#[derive(Clone)]
pub struct Signature {
    pub parameters: String,
    pub results: String,
}

#[derive(Clone, Copy)]
pub struct Memory {
    pub is_64: bool,
    pub pages: u64,
}

pub struct Generator<'a> {
    pub random: Random,
    pub features: &'a Set,
    pub letters: Vec<char>,
    pub functions: Vec<Signature>, // imports first
    pub imports: u32,
    pub memories: Vec<Memory>,
    pub globals: Vec<char>, // the last one is the fuel
    pub has_table: bool,
    pub table64: bool,
    pub has_tag: bool,
    // Of the function that is being made:
    pub locals: Vec<char>,
    pub temporaries: u32, // the first of six locals that no expression reads: one of each type, and a counter
    pub counters: u32,    // in use
    pub index: u32,
    pub f: Function,
    pub budget: i32, // operators it may still have, roughly
}

pub const TABLE_ELEMENTS: u64 = 16;

impl Generator<'_> {
    pub fn emit(&mut self, instruction: I) {
        self.f.instruction(&instruction);
    }
    pub fn emit_op(&mut self, prefix: u8, code: u8) {
        match prefix {
            0 => self.f.raw([code]),
            0xFE => self.f.raw([0xFD, code | 0x80, 0x02]), // relaxed: 0x100 and above
            _ if code >= 0x80 => self.f.raw([prefix, code, 0x01]),
            _ => self.f.raw([prefix, code]),
        };
    }

    pub fn constant(&mut self, letter: char) {
        let r = &mut self.random;
        let word = match r.below(4) {
            0 => r.next(),
            1 => r.choose(&[0, 1, u64::MAX, 1 << 31, 1 << 63, 0x7FFF_FFFF, 0x8000, 0xFF, 31, 32, 33, 63, 64, 1 << 32]),
            2 => r.below(256),
            _ => (r.below(64) as i64 - 32) as u64,
        };
        let fs = [
            0,
            0x8000_0000,
            0x3F80_0000,
            0xBF80_0000,
            0x7F80_0000,
            0xFF80_0000,
            0x4F00_0000,
            0xCF00_0000,
            0x5F00_0000,
            1,
            0x3F00_0000,
            0x4020_0000,
            0x7FC0_0000,
            0x4F80_0000,
            0xDF00_0000,
            0x7F7F_FFFF,
        ];
        let f = if r.one_in(3) { r.next() as u32 } else { r.choose(&fs) };
        let double = if r.one_in(3) { r.next() } else { f64::from(f32::from_bits(r.choose(&fs))).to_bits() };
        let high = if r.one_in(2) { r.next() } else { word };
        let instruction = match letter {
            'i' => I::I32Const(word as i32),
            'I' => I::I64Const(word as i64),
            'f' => I::F32Const(Ieee32::new(f)),
            'F' => I::F64Const(Ieee64::new(double)),
            _ => match r.below(3) {
                0 => I::V128Const(i128::from(word) << 64 | i128::from(high)),
                1 => I::V128Const((u128::from(f) * 0x1_0000_0001_0000_0001_0000_0001) as i128),
                _ => I::V128Const((u128::from(double) << 64 | u128::from(high)) as i128),
            },
        };
        self.emit(instruction);
    }

    pub fn leaf(&mut self, letter: char) {
        let locals: Vec<u32> = (0..self.locals.len() as u32).filter(|l| self.locals[*l as usize] == letter).collect();
        let globals: Vec<u32> =
            (0..self.globals.len() as u32 - 1).filter(|g| self.globals[*g as usize] == letter).collect();
        if !locals.is_empty() && !self.random.one_in(3) {
            let local = self.random.choose(&locals);
            self.emit(I::LocalGet(local));
        } else if !globals.is_empty() && self.random.one_in(3) {
            let global = self.random.choose(&globals);
            self.emit(I::GlobalGet(global));
        } else {
            self.constant(letter);
        }
    }

    pub fn temporary(&self, letter: char) -> u32 {
        self.temporaries + "iIfFV".find(letter).expect("a letter of a type") as u32
    }

    /// What is on the stack if it is no NaN, else zero.
    pub fn without_nan(&mut self, kind: char) {
        if self.features.has("nans") {
            return;
        }
        match kind {
            'f' | 'F' => {
                let t = self.temporary(kind);
                self.emit(I::LocalTee(t));
                self.emit(if kind == 'f' { I::F32Const(Ieee32::new(0)) } else { I::F64Const(Ieee64::new(0)) });
                self.emit(I::LocalGet(t));
                self.emit(I::LocalGet(t));
                self.emit(if kind == 'f' { I::F32Eq } else { I::F64Eq });
                self.emit(I::Select);
            }
            _ => {
                let t = self.temporary('V');
                self.emit(I::LocalTee(t));
                self.emit(I::LocalGet(t));
                self.emit(I::LocalGet(t));
                self.emit(if kind == 'v' { I::F32x4Eq } else { I::F64x2Eq });
                self.emit(I::V128And);
            }
        }
    }

    /// An address, mostly inside, and where to go from it.
    pub fn address(&mut self, depth: u32, most_align: u32) -> MemArg {
        let index = self.random.below(self.memories.len() as u64) as u32;
        let Memory { is_64, pages } = self.memories[index as usize];
        let wild = self.random.one_in(60);
        let letter = if is_64 { 'I' } else { 'i' };
        self.expression(letter, depth);
        if !wild {
            // A few places often, so that what is written is also read.
            let mask = self.random.choose(&[0xFF, 0xFFF, 0xFFFF]) as i64;
            self.emit(if is_64 { I::I64Const(mask) } else { I::I32Const(mask as i32) });
            self.emit(if is_64 { I::I64And } else { I::I32And });
        }
        let bytes = pages << 16;
        let offset = match self.random.below(24) {
            0..=11 => 0,
            12..=19 => self.random.below(64),
            20..=21 => self.random.below(4096),
            22 => bytes.saturating_sub(0x1_0000 + 16),
            _ if wild => self.random.choose(&[bytes, bytes - 1, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x0200_0000, 0x01FF_FFFF]),
            _ => 8,
        };
        MemArg {
            offset,
            align: self.random.below(u64::from(most_align) + 1) as u32,
            target: MemArgTarget::Memory(index),
            ordering: None,
        }
    }
    pub fn emit_access(&mut self, prefix: Option<u8>, code: u8, argument: MemArg, lane: Option<u8>) {
        let mut bytes: Vec<u8> = prefix.into_iter().collect();
        bytes.push(code);
        argument.encode(&mut bytes);
        bytes.extend(lane);
        self.f.raw(bytes);
    }

    /// Often changes bits of the integer on the stack that do not count: all but the lowest `bits`.
    pub fn soil(&mut self, letter: char, bits: u32) {
        let all = if letter == 'I' { 64 } else { 32 };
        if bits >= all || self.random.one_in(2) {
            return;
        }
        let any = if self.random.one_in(2) { self.random.next() } else { 1 << (all - 1) };
        let upper = any >> bits << bits;
        self.emit(if letter == 'I' { I::I64Const(upper as i64) } else { I::I32Const(upper as i32) });
        self.emit(if letter == 'I' { I::I64Xor } else { I::I32Xor });
    }

    /// An atomic access of a width of ATOMIC_WIDTHS; all but a store leave a value on the stack.
    pub fn atomic(&mut self, family: u8, width: u8, depth: u32) {
        let (letter, align) = ATOMIC_WIDTHS[usize::from(width)];
        let mut argument = self.address(depth, 0);
        argument.align = align;
        let MemArgTarget::Memory(index) = argument.target else { unreachable!("address() names a memory") };
        let is_64 = self.memories[index as usize].is_64;
        if !self.random.one_in(60) {
            argument.offset &= !7;
            self.emit(if is_64 { I::I64Const(!7) } else { I::I32Const(!7) });
            self.emit(if is_64 { I::I64And } else { I::I32And });
        }
        let operands = if family == 0 { 0 } else { 1 + u32::from(family == ATOMIC_CMPXCHG) };
        for operand in 0..operands {
            // Half of the time what is expected is what is there.
            if family == ATOMIC_CMPXCHG && operand == 0 && self.random.one_in(2) {
                let place = self.temporary(if is_64 { 'I' } else { 'i' });
                self.emit(I::LocalTee(place));
                self.emit(I::LocalGet(place));
                self.emit_access(Some(0xFE), 0x10 + width, argument, None);
            } else {
                self.expression(letter, depth);
            }
            self.soil(letter, 8 << align);
        }
        self.emit_access(Some(0xFE), 0x10 + 7 * family + width, argument, None);
    }

    pub fn operator(&mut self, letter: char, depth: u32) {
        let mut tables = vec![(0, SCALAR)];
        if self.features.has("sign-extension") {
            tables.push((0, SIGN_EXTENSION));
        }
        if self.features.has("saturating-float-to-int") {
            tables.push((0xFC, SATURATING));
        }
        if self.features.has("simd") {
            tables.push((0xFD, VECTOR));
            tables.push((0xFF, LANES));
            if self.features.has("relaxed-simd") {
                tables.push((0xFE, RELAXED));
            }
        }
        // Each operator as likely as any other of its result's type.
        let mut choices = vec![];
        for (prefix, table) in tables {
            for (first, last, operands, result) in table {
                if *result == letter {
                    if prefix == 0xFF {
                        choices.push((prefix, *first, *last, *operands));
                    } else {
                        choices.extend((*first..=*last).map(|code| (prefix, code, 0, *operands)));
                    }
                }
            }
        }
        let (prefix, code, lanes, operands) = self.random.choose(&choices);
        for operand in operands.chars() {
            self.expression(operand, depth);
        }
        if let Some(bits) = bits_that_count(prefix, code) {
            self.soil(operands.chars().last().expect("it has operands"), bits);
        }
        if prefix == 0xFF {
            let lane = self.random.below(u64::from(lanes)) as u8;
            self.f.raw([0xFD, code, lane]);
            return;
        }
        // Divisors are seldom zero, and what is truncated seldom too large.
        if prefix == 0 && !self.random.one_in(40) {
            match code {
                0x6D..=0x70 => {
                    self.emit(I::I32Const(1));
                    self.emit(I::I32Or)
                }
                0x7F..=0x82 => {
                    self.emit(I::I64Const(1));
                    self.emit(I::I64Or)
                }
                0xA8 | 0xA9 | 0xAE | 0xAF => {
                    self.without_nan('f');
                    self.emit(I::F32Const(Ieee32::new(0x3F80_0000)));
                    self.emit(I::F32Min);
                    self.emit(I::F32Const(Ieee32::new(0)));
                    self.emit(I::F32Max);
                }
                0xAA | 0xAB | 0xB0 | 0xB1 => {
                    self.without_nan('F');
                    self.emit(I::F64Const(1e9.into()));
                    self.emit(I::F64Min);
                    self.emit(I::F64Const(0.0.into()));
                    self.emit(I::F64Max);
                }
                _ => {}
            }
        }
        self.emit_op(prefix, code);
        if let Some(kind) = may_give_nan(prefix, code) {
            self.without_nan(kind);
        }
    }

    pub fn load(&mut self, letter: char, depth: u32) {
        if letter == 'V' {
            if self.random.one_in(4) {
                let argument_code = self.random.below(4) as u8;
                let argument = self.address(depth, 0);
                self.expression('V', depth);
                let lane = self.random.below(16 >> argument_code) as u8;
                self.emit_access(Some(0xFD), 84 + argument_code, argument, Some(lane));
            } else {
                let (code, align) = self.random.choose(VECTOR_LOADS);
                let argument = self.address(depth, align);
                self.emit_access(Some(0xFD), code, argument, None);
            }
            return;
        }
        if self.features.has("threads") && "iI".contains(letter) && self.random.one_in(3) {
            let widths: Vec<u8> = (0..7).filter(|width| ATOMIC_WIDTHS[usize::from(*width)].0 == letter).collect();
            let width = self.random.choose(&widths);
            let family = self.random.choose(&[0, 2, 3, 4, 5, 6, 7, 8, 8]);
            return self.atomic(family, width, depth);
        }
        let choices: Vec<_> = LOADS.iter().filter(|load| load.2 == letter).copied().collect();
        let (code, align, _) = self.random.choose(&choices);
        let argument = self.address(depth, align);
        self.emit_access(None, code, argument, None);
    }

    /// Leaves a value of the type on the stack.
    pub fn expression(&mut self, letter: char, depth: u32) {
        self.budget -= 1;
        if depth == 0 || self.budget < 0 {
            return self.leaf(letter);
        }
        let depth = depth - 1;
        let result = BlockType::Result(value_type(letter));
        match self.random.below(20) {
            0..=1 => self.leaf(letter),
            2..=11 => self.operator(letter, depth),
            12..=13 if !self.memories.is_empty() => self.load(letter, depth),
            14 => {
                self.expression(letter, depth);
                self.expression(letter, depth);
                self.expression('i', depth);
                if self.features.has("reference-types") && self.random.one_in(2) {
                    self.emit(I::TypedSelect(value_type(letter)));
                } else {
                    self.emit(I::Select);
                }
            }
            15 => {
                self.expression('i', depth);
                self.emit(I::If(result));
                self.expression(letter, depth);
                self.emit(I::Else);
                self.expression(letter, depth);
                self.emit(I::End);
            }
            16 => {
                self.emit(I::Block(result));
                self.expression(letter, depth);
                self.expression('i', depth);
                self.emit(I::BrIf(0));
                self.emit(I::Drop);
                self.expression(letter, depth);
                self.emit(I::End);
            }
            17 => {
                let locals: Vec<u32> =
                    (0..self.locals.len() as u32).filter(|l| self.locals[*l as usize] == letter).collect();
                self.expression(letter, depth);
                if !locals.is_empty() {
                    let local = self.random.choose(&locals);
                    self.emit(I::LocalTee(local));
                }
            }
            18 => {
                let callees: Vec<u32> = (0..self.functions.len() as u32)
                    .filter(|f| {
                        (*f < self.imports || *f > self.index)
                            && self.functions[*f as usize].results == letter.to_string()
                    })
                    .collect();
                if callees.is_empty() {
                    return self.operator(letter, depth);
                }
                let callee = self.random.choose(&callees);
                self.arguments(callee, depth.min(1));
                self.emit(I::Call(callee));
            }
            _ if letter == 'V' && self.features.has("simd") => {
                self.expression('V', depth);
                self.expression('V', depth);
                let lanes: [u8; 16] = std::array::from_fn(|_| self.random.below(32) as u8);
                self.emit(I::I8x16Shuffle(lanes));
            }
            _ => self.operator(letter, depth),
        }
    }
}

pub fn module(seed: u64, features: &Set) -> Option<Vec<u8>> {
    let mut random = Random::new(seed ^ 0x6465_6E73);
    let features = &features.subset(&mut random);
    let mut letters = vec!['i', 'I', 'f', 'F'];
    if features.has("simd") {
        letters.extend(['V', 'V']);
    }
    let most_results = if features.has("multi-value") { 4 } else { 2 };
    let imports = random.below(3) as u32;
    let mut functions = vec![];
    for index in 0..imports + 2 + random.below(6) as u32 {
        // JavaScript can neither give nor take a vector.
        let usable = &letters[..if index < imports { 4 } else { letters.len() }];
        let count = if random.one_in(8) { 14 } else { random.below(6) };
        let parameters = (0..count).map(|_| random.choose(usable)).collect();
        let results = (0..random.below(most_results)).map(|_| random.choose(usable)).collect();
        functions.push(Signature { parameters, results });
    }
    let memory64 = features.has("memory64");
    let memories = if random.one_in(10) {
        0
    } else if features.has("multi-memory") {
        1 + random.below(3)
    } else {
        1
    };
    let memories: Vec<Memory> =
        (0..memories).map(|_| Memory { is_64: memory64 && random.one_in(2), pages: 2 + random.below(2) }).collect();
    let mut globals: Vec<char> = (0..random.below(6)).map(|_| random.choose(&letters)).collect();
    globals.push('i');
    let has_table = random.one_in(2);
    let has_tag = features.has("exceptions") && random.one_in(2);
    let fuel = random.choose(&[30, 100, 400]);
    let mut generator = Generator {
        table64: features.has("table64") && random.one_in(2),
        random,
        features,
        letters,
        functions,
        imports,
        memories,
        globals,
        has_table,
        has_tag,
        locals: vec![],
        temporaries: 0,
        counters: 0,
        index: 0,
        f: Function::new([]),
        budget: 0,
    };
    let bodies: Vec<Function> =
        (imports..generator.functions.len() as u32).map(|index| generator.function(index)).collect();
    let binary = assemble(&mut generator, bodies, fuel);
    let fuel_global = generator.globals.len() as u32 - 1;
    crate::instrument::module(&binary, seed, features, Some((fuel_global, fuel)))
}

fn assemble(g: &mut Generator, bodies: Vec<Function>, fuel: u32) -> Vec<u8> {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    for signature in &g.functions {
        let all = |letters: &str| letters.chars().map(value_type).collect::<Vec<_>>();
        types.ty().function(all(&signature.parameters), all(&signature.results));
    }
    types.ty().function([ValType::I32], []); // of the tag
    module.section(&types);
    let mut imports = ImportSection::new();
    let mut functions = FunctionSection::new();
    for index in 0..g.functions.len() as u32 {
        if index < g.imports {
            imports.import("host", &index.to_string(), EntityType::Function(index));
        } else {
            functions.function(index);
        }
    }
    module.section(&imports).section(&functions);
    if g.has_table {
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: g.table64,
            minimum: TABLE_ELEMENTS,
            maximum: Some(TABLE_ELEMENTS + 10),
            shared: false,
        });
        module.section(&tables);
    }
    let mut memories = MemorySection::new();
    for memory in &g.memories {
        memories.memory(MemoryType {
            minimum: memory.pages,
            maximum: Some(memory.pages + 2),
            memory64: memory.is_64,
            shared: false,
            page_size_log2: None,
        });
    }
    module.section(&memories);
    if g.has_tag {
        let mut tags = TagSection::new();
        tags.tag(TagType { kind: TagKind::Exception, func_type_idx: g.functions.len() as u32 });
        module.section(&tags);
    }
    let mut globals = GlobalSection::new();
    for (index, letter) in g.globals.iter().enumerate() {
        let kind = GlobalType { val_type: value_type(*letter), mutable: true, shared: false };
        let is_fuel = index + 1 == g.globals.len();
        let value = match letter {
            'i' => ConstExpr::i32_const(if is_fuel { fuel as i32 } else { g.random.next() as i32 }),
            'I' => ConstExpr::i64_const(g.random.next() as i64),
            'f' => ConstExpr::f32_const(1.5.into()),
            'F' => ConstExpr::f64_const((-2.25).into()),
            _ => ConstExpr::v128_const(i128::from(g.random.next()) << 50),
        };
        globals.global(kind, &value);
    }
    module.section(&globals);
    if g.has_table {
        let all: Vec<u32> = (0..g.functions.len().min(TABLE_ELEMENTS as usize) as u32).collect();
        let mut elements = ElementSection::new();
        let offset = if g.table64 { ConstExpr::i64_const(0) } else { ConstExpr::i32_const(0) };
        elements.active(g.table64.then_some(0), &offset, Elements::Functions(all.as_slice().into()));
        if g.features.has("bulk-memory") {
            elements.passive(Elements::Functions(all[..2].into()));
        }
        module.section(&elements);
    }
    let with_data = !g.memories.is_empty();
    if with_data && g.features.has("bulk-memory") {
        module.section(&DataCountSection { count: 2 });
    }
    let mut code = CodeSection::new();
    for body in &bodies {
        code.function(body);
    }
    module.section(&code);
    if with_data {
        let mut data = DataSection::new();
        let bytes: Vec<u8> = (0..64 + g.random.below(5000)).map(|_| g.random.next() as u8).collect();
        let is_64 = g.memories[0].is_64;
        let at = g.random.below(4096) as i64;
        let offset = if is_64 { ConstExpr::i64_const(at) } else { ConstExpr::i32_const(at as i32) };
        data.active(0, &offset, bytes.iter().copied());
        if g.features.has("bulk-memory") {
            data.passive(bytes[..32].iter().copied());
        }
        module.section(&data);
    }
    module.finish()
}
