// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! What the functions of dense.rs do: statements, and functions made of them.

use crate::dense::*;
use crate::operators::{ATOMIC_STORE, STORES};
use wasm_encoder::*;

impl Generator<'_> {
    pub fn arguments(&mut self, callee: u32, depth: u32) {
        for parameter in self.functions[callee as usize].parameters.clone().chars() {
            self.expression(parameter, depth);
        }
    }
    /// What a call left on the stack goes to locals, or away.
    fn take_results(&mut self, results: &str) {
        for result in results.chars().rev() {
            let local = self.locals.iter().position(|l| *l == result);
            match local {
                Some(local) if !self.random.one_in(3) => self.emit(I::LocalSet(local as u32)),
                _ => self.emit(I::Drop),
            }
        }
    }

    fn masked(&mut self, is_64: bool, mask: i64) {
        self.expression(if is_64 { 'I' } else { 'i' }, 1);
        self.emit(if is_64 { I::I64Const(mask) } else { I::I32Const(mask as i32) });
        self.emit(if is_64 { I::I64And } else { I::I32And });
    }

    fn bulk(&mut self) {
        let memory = self.random.below(self.memories.len() as u64) as u32;
        let is_64 = self.memories[memory as usize].is_64;
        match self.random.below(6) {
            0 => {
                self.masked(is_64, 0xFFFF);
                self.expression('i', 1);
                self.masked(is_64, 0x7FF);
                self.emit(I::MemoryFill(memory));
            }
            1..=2 => {
                let other = self.random.below(self.memories.len() as u64) as u32;
                let other_64 = self.memories[other as usize].is_64;
                self.masked(is_64, 0xFFFF);
                self.masked(other_64, 0xFFFF);
                self.masked(is_64 && other_64, 0x7FF);
                self.emit(I::MemoryCopy { src_mem: other, dst_mem: memory });
            }
            3 => {
                self.masked(is_64, 0xFFFF);
                self.masked(false, 0x3);
                self.masked(false, 0xF);
                self.emit(I::MemoryInit { mem: memory, data_index: 1 });
            }
            4 if self.random.one_in(4) => self.emit(I::DataDrop(1)),
            _ => {
                self.masked(is_64, 1);
                self.emit(I::MemoryGrow(memory));
                self.emit(I::Drop);
            }
        }
    }

    fn table(&mut self) {
        let is_64 = self.table64;
        let most = TABLE_ELEMENTS as i64 - 1;
        match self.random.below(6) {
            0 => {
                self.masked(is_64, most);
                let function = self.random.below(self.functions.len() as u64) as u32;
                let null = self.random.one_in(4);
                self.emit(if null { I::RefNull(HeapType::FUNC) } else { I::RefFunc(function) });
                self.emit(I::TableSet(0));
            }
            1 => {
                self.masked(is_64, most);
                self.masked(is_64, most);
                self.emit(I::TableGet(0));
                self.emit(I::TableSet(0));
            }
            2 => {
                self.masked(is_64, 7);
                self.masked(is_64, 7);
                self.masked(is_64, 7);
                self.emit(I::TableCopy { src_table: 0, dst_table: 0 });
            }
            3 => {
                self.masked(is_64, 7);
                self.emit(I::RefNull(HeapType::FUNC));
                self.masked(is_64, 3);
                self.emit(I::TableFill(0));
            }
            4 => {
                self.masked(is_64, 7);
                self.masked(false, 1);
                self.masked(false, 1);
                self.emit(I::TableInit { table: 0, elem_index: 1 });
            }
            _ => {
                self.emit(I::RefNull(HeapType::FUNC));
                self.masked(is_64, 3);
                self.emit(I::TableGrow(0));
                self.emit(I::Drop);
            }
        }
    }

    fn pay(&mut self) {
        let fuel = self.globals.len() as u32 - 1;
        self.f.instructions().global_get(fuel).i32_eqz().if_(BlockType::Empty).unreachable().end();
        self.f.instructions().global_get(fuel).i32_const(1).i32_sub().global_set(fuel);
    }

    fn statements(&mut self, depth: u32) {
        for _ in 0..1 + self.random.below(4) {
            if self.budget > 0 {
                self.statement(depth);
            }
        }
    }

    fn statement(&mut self, depth: u32) {
        self.budget -= 1;
        match self.random.below(24) {
            0..=6 => {
                let local = self.random.below(self.locals.len() as u64) as u32;
                self.expression(self.locals[local as usize], 4);
                self.emit(I::LocalSet(local));
            }
            7..=8 if self.globals.len() > 1 => {
                let global = self.random.below(self.globals.len() as u64 - 1) as u32;
                self.expression(self.globals[global as usize], 4);
                self.emit(I::GlobalSet(global));
            }
            9..=12 if !self.memories.is_empty() => {
                if self.features.has("simd") && self.random.one_in(3) {
                    if self.random.one_in(3) {
                        let code = self.random.below(4) as u8;
                        let argument = self.address(2, 0);
                        self.expression('V', 3);
                        let lane = self.random.below(16 >> code) as u8;
                        self.emit_access(Some(0xFD), 88 + code, argument, Some(lane));
                    } else {
                        let argument = self.address(2, 4);
                        self.expression('V', 3);
                        self.emit_access(Some(0xFD), 11, argument, None);
                    }
                } else if self.features.has("threads") && self.random.one_in(4) {
                    let width = self.random.below(7) as u8;
                    self.atomic(ATOMIC_STORE, width, 2);
                } else {
                    let (code, align, letter) = self.random.choose(STORES);
                    let argument = self.address(2, align);
                    self.expression(letter, 3);
                    // Not those of floats; the narrow ones' largest alignment is their width.
                    if "iI".contains(letter) {
                        self.soil(letter, 8 << align);
                    }
                    self.emit_access(None, code, argument, None);
                }
            }
            13..=14 if depth > 0 => {
                self.expression('i', 3);
                self.emit(I::If(BlockType::Empty));
                self.statements(depth - 1);
                if self.random.one_in(2) {
                    self.emit(I::Else);
                    self.statements(depth - 1);
                }
                self.emit(I::End);
            }
            15 if depth > 0 && self.counters < 2 => {
                let counter = self.temporaries + 5 + self.counters;
                let rounds = 1 + self.random.below(6) as i32;
                self.emit(I::I32Const(rounds));
                self.emit(I::LocalSet(counter));
                self.emit(I::Loop(BlockType::Empty));
                self.counters += 1;
                self.pay();
                self.statements(depth - 1);
                self.counters -= 1;
                self.f.instructions().local_get(counter).i32_const(1).i32_sub().local_tee(counter);
                self.emit(I::BrIf(0));
                self.emit(I::End);
            }
            16 if depth > 0 => {
                self.emit(I::Block(BlockType::Empty));
                self.emit(I::Block(BlockType::Empty));
                self.statements(depth - 1);
                self.expression('i', 2);
                if self.random.one_in(2) {
                    let target = self.random.below(2) as u32;
                    self.emit(I::BrIf(target));
                } else {
                    let targets: Vec<u32> = (0..self.random.below(5)).map(|_| self.random.below(2) as u32).collect();
                    self.f.instruction(&Instruction::BrTable(targets.into(), 1));
                    self.emit(I::End);
                    self.emit(I::Block(BlockType::Empty));
                }
                self.statements(depth - 1);
                self.emit(I::End);
                self.statements(depth - 1);
                self.emit(I::End);
            }
            17..=18 => {
                // Those behind this one, so that calls end; through the table any, as long as the fuel lasts.
                let first = self.index + 1;
                let last = self.functions.len() as u32;
                let callee = if first < last && !(self.imports > 0 && self.random.one_in(3)) {
                    first + self.random.below(u64::from(last - first)) as u32
                } else if self.imports > 0 {
                    self.random.below(u64::from(self.imports)) as u32
                } else {
                    return;
                };
                self.arguments(callee, 2);
                let signature = self.functions[callee as usize].clone();
                if self.features.has("function-references") && self.random.one_in(3) {
                    self.emit(I::RefFunc(callee));
                    if self.random.one_in(2) {
                        self.emit(I::RefAsNonNull);
                    }
                    self.emit(I::CallRef(callee));
                } else {
                    self.emit(I::Call(callee));
                }
                self.take_results(&signature.results);
            }
            19 if self.has_table => {
                let callee = self.random.below(self.functions.len() as u64) as u32;
                self.arguments(callee, 1);
                // The table begins with the functions in order.
                if self.random.one_in(8) {
                    self.masked(self.table64, TABLE_ELEMENTS as i64 - 1);
                } else {
                    let element = i64::from(callee) & (TABLE_ELEMENTS as i64 - 1);
                    self.emit(if self.table64 { I::I64Const(element) } else { I::I32Const(element as i32) });
                }
                self.emit(I::CallIndirect { type_index: callee, table_index: 0 });
                let results = self.functions[callee as usize].results.clone();
                self.take_results(&results);
            }
            20 if self.features.has("bulk-memory") && !self.memories.is_empty() => self.bulk(),
            21 if self.has_table && self.features.has("reference-types") && self.features.has("bulk-memory") => {
                self.table();
            }
            22 if self.has_tag && depth > 0 => {
                // block (result i32) (block (try_table (catch 0 1) (catch_all 0) ...)): the payload is added to a local
                let handlers = if self.random.one_in(2) {
                    vec![Catch::One { tag: 0, label: 1 }, Catch::All { label: 0 }]
                } else {
                    vec![Catch::One { tag: 0, label: 1 }]
                };
                self.emit(I::Block(BlockType::Result(ValType::I32)));
                self.emit(I::Block(BlockType::Empty));
                self.emit(I::TryTable(BlockType::Empty, handlers.into()));
                self.statements(depth - 1);
                if self.random.one_in(2) {
                    self.expression('i', 2);
                    self.emit(I::If(BlockType::Empty));
                    self.expression('i', 2);
                    self.emit(I::Throw(0));
                    self.emit(I::End);
                }
                self.statements(depth - 1);
                self.emit(I::End);
                self.emit(I::End);
                self.constant('i');
                self.emit(I::End);
                self.take_results("i");
            }
            23 if depth < 3 && self.random.one_in(4) => {
                self.expression('i', 2);
                self.emit(I::If(BlockType::Empty));
                let signature = self.functions[self.index as usize].clone();
                let alike: Vec<u32> = (0..self.functions.len() as u32)
                    .filter(|f| self.functions[*f as usize].results == signature.results)
                    .collect();
                if self.has_tag && self.random.one_in(4) {
                    self.expression('i', 2);
                    self.emit(I::Throw(0));
                } else if self.features.has("tail-call") && self.random.one_in(2) {
                    let callee = self.random.choose(&alike);
                    self.arguments(callee, 1);
                    self.emit(I::ReturnCall(callee));
                } else {
                    for result in signature.results.chars() {
                        self.expression(result, 1);
                    }
                    self.emit(I::Return);
                }
                self.emit(I::End);
            }
            _ => {
                let letters = self.letters.clone();
                let letter = self.random.choose(&letters);
                self.expression(letter, 4);
                self.emit(I::Drop);
            }
        }
    }

    pub fn function(&mut self, index: u32) -> Function {
        let signature = self.functions[index as usize].clone();
        let letters = self.letters.clone();
        let mut own: Vec<char> = (0..2 + self.random.below(6)).map(|_| self.random.choose(&letters)).collect();
        own.push('i');
        self.index = index;
        self.locals = signature.parameters.chars().chain(own.iter().copied()).collect();
        self.temporaries = self.locals.len() as u32;
        let vector = if self.features.has("simd") { 'V' } else { 'i' };
        let mut declared: Vec<(u32, ValType)> = own.iter().map(|l| (1, value_type(*l))).collect();
        declared.extend(['i', 'I', 'f', 'F', vector, 'i', 'i'].map(|l| (1, value_type(l))));
        self.f = Function::new(declared);
        self.budget = self.random.choose(&[40, 150, 500, 1200]);
        self.pay();
        while self.budget > 0 {
            self.statement(3);
        }
        self.budget = 20;
        for result in signature.results.chars() {
            self.expression(result, 3);
        }
        self.emit(I::End);
        std::mem::replace(&mut self.f, Function::new([]))
    }
}
