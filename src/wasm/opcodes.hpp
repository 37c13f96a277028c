// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The single truth about WebAssembly operators (specification, 5.4 and the appendix "Index of Instructions").
//
// ANEW_OPERATORS(X) expands X(name, text, code, proposal, immediate, signature, outcome) for each. Decoder, validator,
// code generator and printer are all driven by this table, and no other list repeats a column of it:
//   code       the opcode byte; for a prefixed operator, prefix << 8 | sub-opcode; the sub-opcodes of prefix 0xFD from
//              256 on stand at 0xFF00 | sub-opcode - 256 (0xFF is no prefix)
//   proposal   a Feature, without which an engine refuses it; Mvp: every engine accepts it
//   immediate  what follows the opcode; an Immediate. Of a memory argument with the bytes that are accessed, which are
//              the natural alignment; of a lane with the number of lanes
//   signature  operands and results of a numeric operator, loads and stores included; kSpecial where they depend on
//   more
//              than the opcode
//   outcome    what may come of it besides a result that the operands determine: Total: nothing; Traps: a trap; Nan32
//              and Nan64: a NaN whose bits the specification leaves open, in an f32 or f64 or in lanes of them
#pragma once

#include <cstdint>
#include <string_view>

// clang-format off
#define ANEW_CONTROL_OPERATORS(X)                                              \
  X(Unreachable,        "unreachable",          0x00,   Mvp,                None,         Special,       Traps) \
  X(Nop,                "nop",                  0x01,   Mvp,                None,         Special,       Total) \
  X(Block,              "block",                0x02,   Mvp,                BlockType,    Special,       Total) \
  X(Loop,               "loop",                 0x03,   Mvp,                BlockType,    Special,       Total) \
  X(If,                 "if",                   0x04,   Mvp,                BlockType,    Special,       Total) \
  X(Else,               "else",                 0x05,   Mvp,                None,         Special,       Total) \
  X(Try,                "try",                  0x06,   LegacyExceptions,   BlockType,    Special,       Total) \
  X(Catch,              "catch",                0x07,   LegacyExceptions,   Tag,          Special,       Total) \
  X(Throw,              "throw",                0x08,   Exceptions,         Tag,          Special,       Traps) \
  X(Rethrow,            "rethrow",              0x09,   LegacyExceptions,   Label,        Special,       Traps) \
  X(ThrowRef,           "throw_ref",            0x0A,   Exceptions,         None,         Special,       Traps) \
  X(End,                "end",                  0x0B,   Mvp,                None,         Special,       Total) \
  X(Br,                 "br",                   0x0C,   Mvp,                Label,        Special,       Total) \
  X(BrIf,               "br_if",                0x0D,   Mvp,                Label,        Special,       Total) \
  X(BrTable,            "br_table",             0x0E,   Mvp,                BrTable,      Special,       Total) \
  X(Return,             "return",               0x0F,   Mvp,                None,         Special,       Total) \
  X(Call,               "call",                 0x10,   Mvp,                Function,     Special,       Traps) \
  X(CallIndirect,       "call_indirect",        0x11,   Mvp,                CallIndirect, Special,       Traps) \
  X(ReturnCall,         "return_call",          0x12,   TailCall,           Function,     Special,       Traps) \
  X(ReturnCallIndirect, "return_call_indirect", 0x13,   TailCall,           CallIndirect, Special,       Traps) \
  X(CallRef,            "call_ref",             0x14,   FunctionReferences, Type,         Special,       Traps) \
  X(ReturnCallRef,      "return_call_ref",      0x15,   FunctionReferences, Type,         Special,       Traps) \
  X(Delegate,           "delegate",             0x18,   LegacyExceptions,   Label,        Special,       Total) \
  X(CatchAll,           "catch_all",            0x19,   LegacyExceptions,   None,         Special,       Total) \
  X(Drop,               "drop",                 0x1A,   Mvp,                None,         Special,       Total) \
  X(Select,             "select",               0x1B,   Mvp,                None,         Special,       Total) \
  X(SelectTyped,        "select",               0x1C,   ReferenceTypes,     SelectTypes,  Special,       Total) \
  X(TryTable,           "try_table",            0x1F,   Exceptions,         TryTable,     Special,       Total) \
  X(LocalGet,           "local.get",            0x20,   Mvp,                Local,        Special,       Total) \
  X(LocalSet,           "local.set",            0x21,   Mvp,                Local,        Special,       Total) \
  X(LocalTee,           "local.tee",            0x22,   Mvp,                Local,        Special,       Total) \
  X(GlobalGet,          "global.get",           0x23,   Mvp,                Global,       Special,       Total) \
  X(GlobalSet,          "global.set",           0x24,   Mvp,                Global,       Special,       Total) \
  X(TableGet,           "table.get",            0x25,   ReferenceTypes,     Table,        Special,       Traps) \
  X(TableSet,           "table.set",            0x26,   ReferenceTypes,     Table,        Special,       Traps) \
  X(MemorySize,         "memory.size",          0x3F,   Mvp,                Memory,       Special,       Total) \
  X(MemoryGrow,         "memory.grow",          0x40,   Mvp,                Memory,       Special,       Total) \
  X(I32Const,           "i32.const",            0x41,   Mvp,                I32,          Special,       Total) \
  X(I64Const,           "i64.const",            0x42,   Mvp,                I64,          Special,       Total) \
  X(F32Const,           "f32.const",            0x43,   Mvp,                F32,          Special,       Total) \
  X(F64Const,           "f64.const",            0x44,   Mvp,                F64,          Special,       Total) \
  X(RefNull,            "ref.null",             0xD0,   ReferenceTypes,     HeapType,     Special,       Total) \
  X(RefIsNull,          "ref.is_null",          0xD1,   ReferenceTypes,     None,         Special,       Total) \
  X(RefFunc,            "ref.func",             0xD2,   ReferenceTypes,     Function,     Special,       Total) \
  X(RefAsNonNull,       "ref.as_non_null",      0xD4,   FunctionReferences, None,         Special,       Traps) \
  X(BrOnNull,           "br_on_null",           0xD5,   FunctionReferences, Label,        Special,       Total) \
  X(BrOnNonNull,        "br_on_non_null",       0xD6,   FunctionReferences, Label,        Special,       Total) \
  X(RefTest,            "ref.test",             0xFB14, Gc,                 HeapType,     Special,       Total) \
  X(RefTestNull,        "ref.test",             0xFB15, Gc,                 HeapType,     Special,       Total) \
  X(RefCast,            "ref.cast",             0xFB16, Gc,                 HeapType,     Special,       Traps) \
  X(RefCastNull,        "ref.cast",             0xFB17, Gc,                 HeapType,     Special,       Traps) \
  X(BrOnCast,           "br_on_cast",           0xFB18, Gc,                 CastBranch,   Special,       Total) \
  X(BrOnCastFail,       "br_on_cast_fail",      0xFB19, Gc,                 CastBranch,   Special,       Total) \
  X(MemoryInit,         "memory.init",          0xFC08, BulkMemory,         DataMemory,   Special,       Traps) \
  X(DataDrop,           "data.drop",            0xFC09, BulkMemory,         Data,         Special,       Total) \
  X(MemoryCopy,         "memory.copy",          0xFC0A, BulkMemory,         MemoryMemory, Special,       Traps) \
  X(MemoryFill,         "memory.fill",          0xFC0B, BulkMemory,         Memory,       Special,       Traps) \
  X(TableInit,          "table.init",           0xFC0C, BulkMemory,         ElementTable, Special,       Traps) \
  X(ElemDrop,           "elem.drop",            0xFC0D, BulkMemory,         Element,      Special,       Total) \
  X(TableCopy,          "table.copy",           0xFC0E, BulkMemory,         TableTable,   Special,       Traps) \
  X(TableGrow,          "table.grow",           0xFC0F, ReferenceTypes,     Table,        Special,       Total) \
  X(TableSize,          "table.size",           0xFC10, ReferenceTypes,     Table,        Special,       Total) \
  X(TableFill,          "table.fill",           0xFC11, ReferenceTypes,     Table,        Special,       Traps) \
  X(V128Const,          "v128.const",           0xFD0C, Simd,               Vector,       Special,       Total) \
  X(I8x16Shuffle,       "i8x16.shuffle",        0xFD0D, Simd,               Shuffle,      V128V128_V128, Total) \
  X(AtomicFence,        "atomic.fence",         0xFE03, Threads,            Fence,        Special,       Total)

#define ANEW_LOAD_OPERATORS(X)                                                 \
  X(I32Load,    "i32.load",     0x28, Mvp, MemoryArgument4, I32_I32, Traps) \
  X(I64Load,    "i64.load",     0x29, Mvp, MemoryArgument8, I32_I64, Traps) \
  X(F32Load,    "f32.load",     0x2A, Mvp, MemoryArgument4, I32_F32, Traps) \
  X(F64Load,    "f64.load",     0x2B, Mvp, MemoryArgument8, I32_F64, Traps) \
  X(I32Load8S,  "i32.load8_s",  0x2C, Mvp, MemoryArgument1, I32_I32, Traps) \
  X(I32Load8U,  "i32.load8_u",  0x2D, Mvp, MemoryArgument1, I32_I32, Traps) \
  X(I32Load16S, "i32.load16_s", 0x2E, Mvp, MemoryArgument2, I32_I32, Traps) \
  X(I32Load16U, "i32.load16_u", 0x2F, Mvp, MemoryArgument2, I32_I32, Traps) \
  X(I64Load8S,  "i64.load8_s",  0x30, Mvp, MemoryArgument1, I32_I64, Traps) \
  X(I64Load8U,  "i64.load8_u",  0x31, Mvp, MemoryArgument1, I32_I64, Traps) \
  X(I64Load16S, "i64.load16_s", 0x32, Mvp, MemoryArgument2, I32_I64, Traps) \
  X(I64Load16U, "i64.load16_u", 0x33, Mvp, MemoryArgument2, I32_I64, Traps) \
  X(I64Load32S, "i64.load32_s", 0x34, Mvp, MemoryArgument4, I32_I64, Traps) \
  X(I64Load32U, "i64.load32_u", 0x35, Mvp, MemoryArgument4, I32_I64, Traps)

#define ANEW_STORE_OPERATORS(X)                                                \
  X(I32Store,   "i32.store",   0x36, Mvp, MemoryArgument4, I32I32_, Traps) \
  X(I64Store,   "i64.store",   0x37, Mvp, MemoryArgument8, I32I64_, Traps) \
  X(F32Store,   "f32.store",   0x38, Mvp, MemoryArgument4, I32F32_, Traps) \
  X(F64Store,   "f64.store",   0x39, Mvp, MemoryArgument8, I32F64_, Traps) \
  X(I32Store8,  "i32.store8",  0x3A, Mvp, MemoryArgument1, I32I32_, Traps) \
  X(I32Store16, "i32.store16", 0x3B, Mvp, MemoryArgument2, I32I32_, Traps) \
  X(I64Store8,  "i64.store8",  0x3C, Mvp, MemoryArgument1, I32I64_, Traps) \
  X(I64Store16, "i64.store16", 0x3D, Mvp, MemoryArgument2, I32I64_, Traps) \
  X(I64Store32, "i64.store32", 0x3E, Mvp, MemoryArgument4, I32I64_, Traps)

#define ANEW_ONE_BYTE_NUMERIC_OPERATORS(X)                                     \
  X(I32Eqz,            "i32.eqz",             0x45, Mvp,           None, I32_I32,    Total) \
  X(I32Eq,             "i32.eq",              0x46, Mvp,           None, I32I32_I32, Total) \
  X(I32Ne,             "i32.ne",              0x47, Mvp,           None, I32I32_I32, Total) \
  X(I32LtS,            "i32.lt_s",            0x48, Mvp,           None, I32I32_I32, Total) \
  X(I32LtU,            "i32.lt_u",            0x49, Mvp,           None, I32I32_I32, Total) \
  X(I32GtS,            "i32.gt_s",            0x4A, Mvp,           None, I32I32_I32, Total) \
  X(I32GtU,            "i32.gt_u",            0x4B, Mvp,           None, I32I32_I32, Total) \
  X(I32LeS,            "i32.le_s",            0x4C, Mvp,           None, I32I32_I32, Total) \
  X(I32LeU,            "i32.le_u",            0x4D, Mvp,           None, I32I32_I32, Total) \
  X(I32GeS,            "i32.ge_s",            0x4E, Mvp,           None, I32I32_I32, Total) \
  X(I32GeU,            "i32.ge_u",            0x4F, Mvp,           None, I32I32_I32, Total) \
  X(I64Eqz,            "i64.eqz",             0x50, Mvp,           None, I64_I32,    Total) \
  X(I64Eq,             "i64.eq",              0x51, Mvp,           None, I64I64_I32, Total) \
  X(I64Ne,             "i64.ne",              0x52, Mvp,           None, I64I64_I32, Total) \
  X(I64LtS,            "i64.lt_s",            0x53, Mvp,           None, I64I64_I32, Total) \
  X(I64LtU,            "i64.lt_u",            0x54, Mvp,           None, I64I64_I32, Total) \
  X(I64GtS,            "i64.gt_s",            0x55, Mvp,           None, I64I64_I32, Total) \
  X(I64GtU,            "i64.gt_u",            0x56, Mvp,           None, I64I64_I32, Total) \
  X(I64LeS,            "i64.le_s",            0x57, Mvp,           None, I64I64_I32, Total) \
  X(I64LeU,            "i64.le_u",            0x58, Mvp,           None, I64I64_I32, Total) \
  X(I64GeS,            "i64.ge_s",            0x59, Mvp,           None, I64I64_I32, Total) \
  X(I64GeU,            "i64.ge_u",            0x5A, Mvp,           None, I64I64_I32, Total) \
  X(F32Eq,             "f32.eq",              0x5B, Mvp,           None, F32F32_I32, Total) \
  X(F32Ne,             "f32.ne",              0x5C, Mvp,           None, F32F32_I32, Total) \
  X(F32Lt,             "f32.lt",              0x5D, Mvp,           None, F32F32_I32, Total) \
  X(F32Gt,             "f32.gt",              0x5E, Mvp,           None, F32F32_I32, Total) \
  X(F32Le,             "f32.le",              0x5F, Mvp,           None, F32F32_I32, Total) \
  X(F32Ge,             "f32.ge",              0x60, Mvp,           None, F32F32_I32, Total) \
  X(F64Eq,             "f64.eq",              0x61, Mvp,           None, F64F64_I32, Total) \
  X(F64Ne,             "f64.ne",              0x62, Mvp,           None, F64F64_I32, Total) \
  X(F64Lt,             "f64.lt",              0x63, Mvp,           None, F64F64_I32, Total) \
  X(F64Gt,             "f64.gt",              0x64, Mvp,           None, F64F64_I32, Total) \
  X(F64Le,             "f64.le",              0x65, Mvp,           None, F64F64_I32, Total) \
  X(F64Ge,             "f64.ge",              0x66, Mvp,           None, F64F64_I32, Total) \
  X(I32Clz,            "i32.clz",             0x67, Mvp,           None, I32_I32,    Total) \
  X(I32Ctz,            "i32.ctz",             0x68, Mvp,           None, I32_I32,    Total) \
  X(I32Popcnt,         "i32.popcnt",          0x69, Mvp,           None, I32_I32,    Total) \
  X(I32Add,            "i32.add",             0x6A, Mvp,           None, I32I32_I32, Total) \
  X(I32Sub,            "i32.sub",             0x6B, Mvp,           None, I32I32_I32, Total) \
  X(I32Mul,            "i32.mul",             0x6C, Mvp,           None, I32I32_I32, Total) \
  X(I32DivS,           "i32.div_s",           0x6D, Mvp,           None, I32I32_I32, Traps) \
  X(I32DivU,           "i32.div_u",           0x6E, Mvp,           None, I32I32_I32, Traps) \
  X(I32RemS,           "i32.rem_s",           0x6F, Mvp,           None, I32I32_I32, Traps) \
  X(I32RemU,           "i32.rem_u",           0x70, Mvp,           None, I32I32_I32, Traps) \
  X(I32And,            "i32.and",             0x71, Mvp,           None, I32I32_I32, Total) \
  X(I32Or,             "i32.or",              0x72, Mvp,           None, I32I32_I32, Total) \
  X(I32Xor,            "i32.xor",             0x73, Mvp,           None, I32I32_I32, Total) \
  X(I32Shl,            "i32.shl",             0x74, Mvp,           None, I32I32_I32, Total) \
  X(I32ShrS,           "i32.shr_s",           0x75, Mvp,           None, I32I32_I32, Total) \
  X(I32ShrU,           "i32.shr_u",           0x76, Mvp,           None, I32I32_I32, Total) \
  X(I32Rotl,           "i32.rotl",            0x77, Mvp,           None, I32I32_I32, Total) \
  X(I32Rotr,           "i32.rotr",            0x78, Mvp,           None, I32I32_I32, Total) \
  X(I64Clz,            "i64.clz",             0x79, Mvp,           None, I64_I64,    Total) \
  X(I64Ctz,            "i64.ctz",             0x7A, Mvp,           None, I64_I64,    Total) \
  X(I64Popcnt,         "i64.popcnt",          0x7B, Mvp,           None, I64_I64,    Total) \
  X(I64Add,            "i64.add",             0x7C, Mvp,           None, I64I64_I64, Total) \
  X(I64Sub,            "i64.sub",             0x7D, Mvp,           None, I64I64_I64, Total) \
  X(I64Mul,            "i64.mul",             0x7E, Mvp,           None, I64I64_I64, Total) \
  X(I64DivS,           "i64.div_s",           0x7F, Mvp,           None, I64I64_I64, Traps) \
  X(I64DivU,           "i64.div_u",           0x80, Mvp,           None, I64I64_I64, Traps) \
  X(I64RemS,           "i64.rem_s",           0x81, Mvp,           None, I64I64_I64, Traps) \
  X(I64RemU,           "i64.rem_u",           0x82, Mvp,           None, I64I64_I64, Traps) \
  X(I64And,            "i64.and",             0x83, Mvp,           None, I64I64_I64, Total) \
  X(I64Or,             "i64.or",              0x84, Mvp,           None, I64I64_I64, Total) \
  X(I64Xor,            "i64.xor",             0x85, Mvp,           None, I64I64_I64, Total) \
  X(I64Shl,            "i64.shl",             0x86, Mvp,           None, I64I64_I64, Total) \
  X(I64ShrS,           "i64.shr_s",           0x87, Mvp,           None, I64I64_I64, Total) \
  X(I64ShrU,           "i64.shr_u",           0x88, Mvp,           None, I64I64_I64, Total) \
  X(I64Rotl,           "i64.rotl",            0x89, Mvp,           None, I64I64_I64, Total) \
  X(I64Rotr,           "i64.rotr",            0x8A, Mvp,           None, I64I64_I64, Total) \
  X(F32Abs,            "f32.abs",             0x8B, Mvp,           None, F32_F32,    Total) \
  X(F32Neg,            "f32.neg",             0x8C, Mvp,           None, F32_F32,    Total) \
  X(F32Ceil,           "f32.ceil",            0x8D, Mvp,           None, F32_F32,    Nan32) \
  X(F32Floor,          "f32.floor",           0x8E, Mvp,           None, F32_F32,    Nan32) \
  X(F32Trunc,          "f32.trunc",           0x8F, Mvp,           None, F32_F32,    Nan32) \
  X(F32Nearest,        "f32.nearest",         0x90, Mvp,           None, F32_F32,    Nan32) \
  X(F32Sqrt,           "f32.sqrt",            0x91, Mvp,           None, F32_F32,    Nan32) \
  X(F32Add,            "f32.add",             0x92, Mvp,           None, F32F32_F32, Nan32) \
  X(F32Sub,            "f32.sub",             0x93, Mvp,           None, F32F32_F32, Nan32) \
  X(F32Mul,            "f32.mul",             0x94, Mvp,           None, F32F32_F32, Nan32) \
  X(F32Div,            "f32.div",             0x95, Mvp,           None, F32F32_F32, Nan32) \
  X(F32Min,            "f32.min",             0x96, Mvp,           None, F32F32_F32, Nan32) \
  X(F32Max,            "f32.max",             0x97, Mvp,           None, F32F32_F32, Nan32) \
  X(F32Copysign,       "f32.copysign",        0x98, Mvp,           None, F32F32_F32, Total) \
  X(F64Abs,            "f64.abs",             0x99, Mvp,           None, F64_F64,    Total) \
  X(F64Neg,            "f64.neg",             0x9A, Mvp,           None, F64_F64,    Total) \
  X(F64Ceil,           "f64.ceil",            0x9B, Mvp,           None, F64_F64,    Nan64) \
  X(F64Floor,          "f64.floor",           0x9C, Mvp,           None, F64_F64,    Nan64) \
  X(F64Trunc,          "f64.trunc",           0x9D, Mvp,           None, F64_F64,    Nan64) \
  X(F64Nearest,        "f64.nearest",         0x9E, Mvp,           None, F64_F64,    Nan64) \
  X(F64Sqrt,           "f64.sqrt",            0x9F, Mvp,           None, F64_F64,    Nan64) \
  X(F64Add,            "f64.add",             0xA0, Mvp,           None, F64F64_F64, Nan64) \
  X(F64Sub,            "f64.sub",             0xA1, Mvp,           None, F64F64_F64, Nan64) \
  X(F64Mul,            "f64.mul",             0xA2, Mvp,           None, F64F64_F64, Nan64) \
  X(F64Div,            "f64.div",             0xA3, Mvp,           None, F64F64_F64, Nan64) \
  X(F64Min,            "f64.min",             0xA4, Mvp,           None, F64F64_F64, Nan64) \
  X(F64Max,            "f64.max",             0xA5, Mvp,           None, F64F64_F64, Nan64) \
  X(F64Copysign,       "f64.copysign",        0xA6, Mvp,           None, F64F64_F64, Total) \
  X(I32WrapI64,        "i32.wrap_i64",        0xA7, Mvp,           None, I64_I32,    Total) \
  X(I32TruncF32S,      "i32.trunc_f32_s",     0xA8, Mvp,           None, F32_I32,    Traps) \
  X(I32TruncF32U,      "i32.trunc_f32_u",     0xA9, Mvp,           None, F32_I32,    Traps) \
  X(I32TruncF64S,      "i32.trunc_f64_s",     0xAA, Mvp,           None, F64_I32,    Traps) \
  X(I32TruncF64U,      "i32.trunc_f64_u",     0xAB, Mvp,           None, F64_I32,    Traps) \
  X(I64ExtendI32S,     "i64.extend_i32_s",    0xAC, Mvp,           None, I32_I64,    Total) \
  X(I64ExtendI32U,     "i64.extend_i32_u",    0xAD, Mvp,           None, I32_I64,    Total) \
  X(I64TruncF32S,      "i64.trunc_f32_s",     0xAE, Mvp,           None, F32_I64,    Traps) \
  X(I64TruncF32U,      "i64.trunc_f32_u",     0xAF, Mvp,           None, F32_I64,    Traps) \
  X(I64TruncF64S,      "i64.trunc_f64_s",     0xB0, Mvp,           None, F64_I64,    Traps) \
  X(I64TruncF64U,      "i64.trunc_f64_u",     0xB1, Mvp,           None, F64_I64,    Traps) \
  X(F32ConvertI32S,    "f32.convert_i32_s",   0xB2, Mvp,           None, I32_F32,    Total) \
  X(F32ConvertI32U,    "f32.convert_i32_u",   0xB3, Mvp,           None, I32_F32,    Total) \
  X(F32ConvertI64S,    "f32.convert_i64_s",   0xB4, Mvp,           None, I64_F32,    Total) \
  X(F32ConvertI64U,    "f32.convert_i64_u",   0xB5, Mvp,           None, I64_F32,    Total) \
  X(F32DemoteF64,      "f32.demote_f64",      0xB6, Mvp,           None, F64_F32,    Nan32) \
  X(F64ConvertI32S,    "f64.convert_i32_s",   0xB7, Mvp,           None, I32_F64,    Total) \
  X(F64ConvertI32U,    "f64.convert_i32_u",   0xB8, Mvp,           None, I32_F64,    Total) \
  X(F64ConvertI64S,    "f64.convert_i64_s",   0xB9, Mvp,           None, I64_F64,    Total) \
  X(F64ConvertI64U,    "f64.convert_i64_u",   0xBA, Mvp,           None, I64_F64,    Total) \
  X(F64PromoteF32,     "f64.promote_f32",     0xBB, Mvp,           None, F32_F64,    Nan64) \
  X(I32ReinterpretF32, "i32.reinterpret_f32", 0xBC, Mvp,           None, F32_I32,    Total) \
  X(I64ReinterpretF64, "i64.reinterpret_f64", 0xBD, Mvp,           None, F64_I64,    Total) \
  X(F32ReinterpretI32, "f32.reinterpret_i32", 0xBE, Mvp,           None, I32_F32,    Total) \
  X(F64ReinterpretI64, "f64.reinterpret_i64", 0xBF, Mvp,           None, I64_F64,    Total)

#define ANEW_SIGN_EXTENSION_OPERATORS(X)                                        \
  X(I32Extend8S,       "i32.extend8_s",       0xC0, SignExtension, None, I32_I32,    Total) \
  X(I32Extend16S,      "i32.extend16_s",      0xC1, SignExtension, None, I32_I32,    Total) \
  X(I64Extend8S,       "i64.extend8_s",       0xC2, SignExtension, None, I64_I64,    Total) \
  X(I64Extend16S,      "i64.extend16_s",      0xC3, SignExtension, None, I64_I64,    Total) \
  X(I64Extend32S,      "i64.extend32_s",      0xC4, SignExtension, None, I64_I64,    Total)

#define ANEW_SATURATING_OPERATORS(X)                                           \
  X(I32TruncSatF32S, "i32.trunc_sat_f32_s", 0xFC00, SaturatingFloatToInt, None, F32_I32, Total) \
  X(I32TruncSatF32U, "i32.trunc_sat_f32_u", 0xFC01, SaturatingFloatToInt, None, F32_I32, Total) \
  X(I32TruncSatF64S, "i32.trunc_sat_f64_s", 0xFC02, SaturatingFloatToInt, None, F64_I32, Total) \
  X(I32TruncSatF64U, "i32.trunc_sat_f64_u", 0xFC03, SaturatingFloatToInt, None, F64_I32, Total) \
  X(I64TruncSatF32S, "i64.trunc_sat_f32_s", 0xFC04, SaturatingFloatToInt, None, F32_I64, Total) \
  X(I64TruncSatF32U, "i64.trunc_sat_f32_u", 0xFC05, SaturatingFloatToInt, None, F32_I64, Total) \
  X(I64TruncSatF64S, "i64.trunc_sat_f64_s", 0xFC06, SaturatingFloatToInt, None, F64_I64, Total) \
  X(I64TruncSatF64U, "i64.trunc_sat_f64_u", 0xFC07, SaturatingFloatToInt, None, F64_I64, Total)

// Integers of 128 bits as two i64, the low half first.
#define ANEW_WIDE_OPERATORS(X)                                                 \
  X(I64Add128,   "i64.add128",     0xFC13, WideArithmetic, None, I64I64I64I64_I64I64, Total) \
  X(I64Sub128,   "i64.sub128",     0xFC14, WideArithmetic, None, I64I64I64I64_I64I64, Total) \
  X(I64MulWideS, "i64.mul_wide_s", 0xFC15, WideArithmetic, None, I64I64_I64I64,       Total) \
  X(I64MulWideU, "i64.mul_wide_u", 0xFC16, WideArithmetic, None, I64I64_I64I64,       Total)

#define ANEW_NUMERIC_OPERATORS(X)    \
  ANEW_ONE_BYTE_NUMERIC_OPERATORS(X) \
  ANEW_SIGN_EXTENSION_OPERATORS(X)   \
  ANEW_SATURATING_OPERATORS(X)

// Vectors of 128 bits. Loads and stores of other shapes than the scalar ones; operators with one lane index, and with
// a memory argument and a lane index.
#define ANEW_VECTOR_LOAD_OPERATORS(X)                                          \
  X(V128Load,        "v128.load",         0xFD00, Simd, MemoryArgument16, I32_V128, Traps) \
  X(V128Load8x8S,    "v128.load8x8_s",    0xFD01, Simd, MemoryArgument8,  I32_V128, Traps) \
  X(V128Load8x8U,    "v128.load8x8_u",    0xFD02, Simd, MemoryArgument8,  I32_V128, Traps) \
  X(V128Load16x4S,   "v128.load16x4_s",   0xFD03, Simd, MemoryArgument8,  I32_V128, Traps) \
  X(V128Load16x4U,   "v128.load16x4_u",   0xFD04, Simd, MemoryArgument8,  I32_V128, Traps) \
  X(V128Load32x2S,   "v128.load32x2_s",   0xFD05, Simd, MemoryArgument8,  I32_V128, Traps) \
  X(V128Load32x2U,   "v128.load32x2_u",   0xFD06, Simd, MemoryArgument8,  I32_V128, Traps) \
  X(V128Load8Splat,  "v128.load8_splat",  0xFD07, Simd, MemoryArgument1,  I32_V128, Traps) \
  X(V128Load16Splat, "v128.load16_splat", 0xFD08, Simd, MemoryArgument2,  I32_V128, Traps) \
  X(V128Load32Splat, "v128.load32_splat", 0xFD09, Simd, MemoryArgument4,  I32_V128, Traps) \
  X(V128Load64Splat, "v128.load64_splat", 0xFD0A, Simd, MemoryArgument8,  I32_V128, Traps) \
  X(V128Load32Zero,  "v128.load32_zero",  0xFD5C, Simd, MemoryArgument4,  I32_V128, Traps) \
  X(V128Load64Zero,  "v128.load64_zero",  0xFD5D, Simd, MemoryArgument8,  I32_V128, Traps)

#define ANEW_VECTOR_STORE_OPERATORS(X)                                         \
  X(V128Store, "v128.store", 0xFD0B, Simd, MemoryArgument16, I32V128_, Traps)

#define ANEW_VECTOR_NUMERIC_OPERATORS(X)                                       \
  X(I8x16Swizzle,                  "i8x16.swizzle",                       0xFD0E, Simd,        None, V128V128_V128,     Total) \
  X(I8x16Splat,                    "i8x16.splat",                         0xFD0F, Simd,        None, I32_V128,          Total) \
  X(I16x8Splat,                    "i16x8.splat",                         0xFD10, Simd,        None, I32_V128,          Total) \
  X(I32x4Splat,                    "i32x4.splat",                         0xFD11, Simd,        None, I32_V128,          Total) \
  X(I64x2Splat,                    "i64x2.splat",                         0xFD12, Simd,        None, I64_V128,          Total) \
  X(F32x4Splat,                    "f32x4.splat",                         0xFD13, Simd,        None, F32_V128,          Total) \
  X(F64x2Splat,                    "f64x2.splat",                         0xFD14, Simd,        None, F64_V128,          Total) \
  X(I8x16Eq,                       "i8x16.eq",                            0xFD23, Simd,        None, V128V128_V128,     Total) \
  X(I8x16Ne,                       "i8x16.ne",                            0xFD24, Simd,        None, V128V128_V128,     Total) \
  X(I8x16LtS,                      "i8x16.lt_s",                          0xFD25, Simd,        None, V128V128_V128,     Total) \
  X(I8x16LtU,                      "i8x16.lt_u",                          0xFD26, Simd,        None, V128V128_V128,     Total) \
  X(I8x16GtS,                      "i8x16.gt_s",                          0xFD27, Simd,        None, V128V128_V128,     Total) \
  X(I8x16GtU,                      "i8x16.gt_u",                          0xFD28, Simd,        None, V128V128_V128,     Total) \
  X(I8x16LeS,                      "i8x16.le_s",                          0xFD29, Simd,        None, V128V128_V128,     Total) \
  X(I8x16LeU,                      "i8x16.le_u",                          0xFD2A, Simd,        None, V128V128_V128,     Total) \
  X(I8x16GeS,                      "i8x16.ge_s",                          0xFD2B, Simd,        None, V128V128_V128,     Total) \
  X(I8x16GeU,                      "i8x16.ge_u",                          0xFD2C, Simd,        None, V128V128_V128,     Total) \
  X(I16x8Eq,                       "i16x8.eq",                            0xFD2D, Simd,        None, V128V128_V128,     Total) \
  X(I16x8Ne,                       "i16x8.ne",                            0xFD2E, Simd,        None, V128V128_V128,     Total) \
  X(I16x8LtS,                      "i16x8.lt_s",                          0xFD2F, Simd,        None, V128V128_V128,     Total) \
  X(I16x8LtU,                      "i16x8.lt_u",                          0xFD30, Simd,        None, V128V128_V128,     Total) \
  X(I16x8GtS,                      "i16x8.gt_s",                          0xFD31, Simd,        None, V128V128_V128,     Total) \
  X(I16x8GtU,                      "i16x8.gt_u",                          0xFD32, Simd,        None, V128V128_V128,     Total) \
  X(I16x8LeS,                      "i16x8.le_s",                          0xFD33, Simd,        None, V128V128_V128,     Total) \
  X(I16x8LeU,                      "i16x8.le_u",                          0xFD34, Simd,        None, V128V128_V128,     Total) \
  X(I16x8GeS,                      "i16x8.ge_s",                          0xFD35, Simd,        None, V128V128_V128,     Total) \
  X(I16x8GeU,                      "i16x8.ge_u",                          0xFD36, Simd,        None, V128V128_V128,     Total) \
  X(I32x4Eq,                       "i32x4.eq",                            0xFD37, Simd,        None, V128V128_V128,     Total) \
  X(I32x4Ne,                       "i32x4.ne",                            0xFD38, Simd,        None, V128V128_V128,     Total) \
  X(I32x4LtS,                      "i32x4.lt_s",                          0xFD39, Simd,        None, V128V128_V128,     Total) \
  X(I32x4LtU,                      "i32x4.lt_u",                          0xFD3A, Simd,        None, V128V128_V128,     Total) \
  X(I32x4GtS,                      "i32x4.gt_s",                          0xFD3B, Simd,        None, V128V128_V128,     Total) \
  X(I32x4GtU,                      "i32x4.gt_u",                          0xFD3C, Simd,        None, V128V128_V128,     Total) \
  X(I32x4LeS,                      "i32x4.le_s",                          0xFD3D, Simd,        None, V128V128_V128,     Total) \
  X(I32x4LeU,                      "i32x4.le_u",                          0xFD3E, Simd,        None, V128V128_V128,     Total) \
  X(I32x4GeS,                      "i32x4.ge_s",                          0xFD3F, Simd,        None, V128V128_V128,     Total) \
  X(I32x4GeU,                      "i32x4.ge_u",                          0xFD40, Simd,        None, V128V128_V128,     Total) \
  X(F32x4Eq,                       "f32x4.eq",                            0xFD41, Simd,        None, V128V128_V128,     Total) \
  X(F32x4Ne,                       "f32x4.ne",                            0xFD42, Simd,        None, V128V128_V128,     Total) \
  X(F32x4Lt,                       "f32x4.lt",                            0xFD43, Simd,        None, V128V128_V128,     Total) \
  X(F32x4Gt,                       "f32x4.gt",                            0xFD44, Simd,        None, V128V128_V128,     Total) \
  X(F32x4Le,                       "f32x4.le",                            0xFD45, Simd,        None, V128V128_V128,     Total) \
  X(F32x4Ge,                       "f32x4.ge",                            0xFD46, Simd,        None, V128V128_V128,     Total) \
  X(F64x2Eq,                       "f64x2.eq",                            0xFD47, Simd,        None, V128V128_V128,     Total) \
  X(F64x2Ne,                       "f64x2.ne",                            0xFD48, Simd,        None, V128V128_V128,     Total) \
  X(F64x2Lt,                       "f64x2.lt",                            0xFD49, Simd,        None, V128V128_V128,     Total) \
  X(F64x2Gt,                       "f64x2.gt",                            0xFD4A, Simd,        None, V128V128_V128,     Total) \
  X(F64x2Le,                       "f64x2.le",                            0xFD4B, Simd,        None, V128V128_V128,     Total) \
  X(F64x2Ge,                       "f64x2.ge",                            0xFD4C, Simd,        None, V128V128_V128,     Total) \
  X(V128Not,                       "v128.not",                            0xFD4D, Simd,        None, V128_V128,         Total) \
  X(V128And,                       "v128.and",                            0xFD4E, Simd,        None, V128V128_V128,     Total) \
  X(V128Andnot,                    "v128.andnot",                         0xFD4F, Simd,        None, V128V128_V128,     Total) \
  X(V128Or,                        "v128.or",                             0xFD50, Simd,        None, V128V128_V128,     Total) \
  X(V128Xor,                       "v128.xor",                            0xFD51, Simd,        None, V128V128_V128,     Total) \
  X(V128Bitselect,                 "v128.bitselect",                      0xFD52, Simd,        None, V128V128V128_V128, Total) \
  X(V128AnyTrue,                   "v128.any_true",                       0xFD53, Simd,        None, V128_I32,          Total) \
  X(F32x4DemoteF64x2Zero,          "f32x4.demote_f64x2_zero",             0xFD5E, Simd,        None, V128_V128,         Nan32) \
  X(F64x2PromoteLowF32x4,          "f64x2.promote_low_f32x4",             0xFD5F, Simd,        None, V128_V128,         Nan64) \
  X(I8x16Abs,                      "i8x16.abs",                           0xFD60, Simd,        None, V128_V128,         Total) \
  X(I8x16Neg,                      "i8x16.neg",                           0xFD61, Simd,        None, V128_V128,         Total) \
  X(I8x16Popcnt,                   "i8x16.popcnt",                        0xFD62, Simd,        None, V128_V128,         Total) \
  X(I8x16AllTrue,                  "i8x16.all_true",                      0xFD63, Simd,        None, V128_I32,          Total) \
  X(I8x16Bitmask,                  "i8x16.bitmask",                       0xFD64, Simd,        None, V128_I32,          Total) \
  X(I8x16NarrowI16x8S,             "i8x16.narrow_i16x8_s",                0xFD65, Simd,        None, V128V128_V128,     Total) \
  X(I8x16NarrowI16x8U,             "i8x16.narrow_i16x8_u",                0xFD66, Simd,        None, V128V128_V128,     Total) \
  X(F32x4Ceil,                     "f32x4.ceil",                          0xFD67, Simd,        None, V128_V128,         Nan32) \
  X(F32x4Floor,                    "f32x4.floor",                         0xFD68, Simd,        None, V128_V128,         Nan32) \
  X(F32x4Trunc,                    "f32x4.trunc",                         0xFD69, Simd,        None, V128_V128,         Nan32) \
  X(F32x4Nearest,                  "f32x4.nearest",                       0xFD6A, Simd,        None, V128_V128,         Nan32) \
  X(I8x16Shl,                      "i8x16.shl",                           0xFD6B, Simd,        None, V128I32_V128,      Total) \
  X(I8x16ShrS,                     "i8x16.shr_s",                         0xFD6C, Simd,        None, V128I32_V128,      Total) \
  X(I8x16ShrU,                     "i8x16.shr_u",                         0xFD6D, Simd,        None, V128I32_V128,      Total) \
  X(I8x16Add,                      "i8x16.add",                           0xFD6E, Simd,        None, V128V128_V128,     Total) \
  X(I8x16AddSatS,                  "i8x16.add_sat_s",                     0xFD6F, Simd,        None, V128V128_V128,     Total) \
  X(I8x16AddSatU,                  "i8x16.add_sat_u",                     0xFD70, Simd,        None, V128V128_V128,     Total) \
  X(I8x16Sub,                      "i8x16.sub",                           0xFD71, Simd,        None, V128V128_V128,     Total) \
  X(I8x16SubSatS,                  "i8x16.sub_sat_s",                     0xFD72, Simd,        None, V128V128_V128,     Total) \
  X(I8x16SubSatU,                  "i8x16.sub_sat_u",                     0xFD73, Simd,        None, V128V128_V128,     Total) \
  X(F64x2Ceil,                     "f64x2.ceil",                          0xFD74, Simd,        None, V128_V128,         Nan64) \
  X(F64x2Floor,                    "f64x2.floor",                         0xFD75, Simd,        None, V128_V128,         Nan64) \
  X(I8x16MinS,                     "i8x16.min_s",                         0xFD76, Simd,        None, V128V128_V128,     Total) \
  X(I8x16MinU,                     "i8x16.min_u",                         0xFD77, Simd,        None, V128V128_V128,     Total) \
  X(I8x16MaxS,                     "i8x16.max_s",                         0xFD78, Simd,        None, V128V128_V128,     Total) \
  X(I8x16MaxU,                     "i8x16.max_u",                         0xFD79, Simd,        None, V128V128_V128,     Total) \
  X(F64x2Trunc,                    "f64x2.trunc",                         0xFD7A, Simd,        None, V128_V128,         Nan64) \
  X(I8x16AvgrU,                    "i8x16.avgr_u",                        0xFD7B, Simd,        None, V128V128_V128,     Total) \
  X(I16x8ExtaddPairwiseI8x16S,     "i16x8.extadd_pairwise_i8x16_s",       0xFD7C, Simd,        None, V128_V128,         Total) \
  X(I16x8ExtaddPairwiseI8x16U,     "i16x8.extadd_pairwise_i8x16_u",       0xFD7D, Simd,        None, V128_V128,         Total) \
  X(I32x4ExtaddPairwiseI16x8S,     "i32x4.extadd_pairwise_i16x8_s",       0xFD7E, Simd,        None, V128_V128,         Total) \
  X(I32x4ExtaddPairwiseI16x8U,     "i32x4.extadd_pairwise_i16x8_u",       0xFD7F, Simd,        None, V128_V128,         Total) \
  X(I16x8Abs,                      "i16x8.abs",                           0xFD80, Simd,        None, V128_V128,         Total) \
  X(I16x8Neg,                      "i16x8.neg",                           0xFD81, Simd,        None, V128_V128,         Total) \
  X(I16x8Q15mulrSatS,              "i16x8.q15mulr_sat_s",                 0xFD82, Simd,        None, V128V128_V128,     Total) \
  X(I16x8AllTrue,                  "i16x8.all_true",                      0xFD83, Simd,        None, V128_I32,          Total) \
  X(I16x8Bitmask,                  "i16x8.bitmask",                       0xFD84, Simd,        None, V128_I32,          Total) \
  X(I16x8NarrowI32x4S,             "i16x8.narrow_i32x4_s",                0xFD85, Simd,        None, V128V128_V128,     Total) \
  X(I16x8NarrowI32x4U,             "i16x8.narrow_i32x4_u",                0xFD86, Simd,        None, V128V128_V128,     Total) \
  X(I16x8ExtendLowI8x16S,          "i16x8.extend_low_i8x16_s",            0xFD87, Simd,        None, V128_V128,         Total) \
  X(I16x8ExtendHighI8x16S,         "i16x8.extend_high_i8x16_s",           0xFD88, Simd,        None, V128_V128,         Total) \
  X(I16x8ExtendLowI8x16U,          "i16x8.extend_low_i8x16_u",            0xFD89, Simd,        None, V128_V128,         Total) \
  X(I16x8ExtendHighI8x16U,         "i16x8.extend_high_i8x16_u",           0xFD8A, Simd,        None, V128_V128,         Total) \
  X(I16x8Shl,                      "i16x8.shl",                           0xFD8B, Simd,        None, V128I32_V128,      Total) \
  X(I16x8ShrS,                     "i16x8.shr_s",                         0xFD8C, Simd,        None, V128I32_V128,      Total) \
  X(I16x8ShrU,                     "i16x8.shr_u",                         0xFD8D, Simd,        None, V128I32_V128,      Total) \
  X(I16x8Add,                      "i16x8.add",                           0xFD8E, Simd,        None, V128V128_V128,     Total) \
  X(I16x8AddSatS,                  "i16x8.add_sat_s",                     0xFD8F, Simd,        None, V128V128_V128,     Total) \
  X(I16x8AddSatU,                  "i16x8.add_sat_u",                     0xFD90, Simd,        None, V128V128_V128,     Total) \
  X(I16x8Sub,                      "i16x8.sub",                           0xFD91, Simd,        None, V128V128_V128,     Total) \
  X(I16x8SubSatS,                  "i16x8.sub_sat_s",                     0xFD92, Simd,        None, V128V128_V128,     Total) \
  X(I16x8SubSatU,                  "i16x8.sub_sat_u",                     0xFD93, Simd,        None, V128V128_V128,     Total) \
  X(F64x2Nearest,                  "f64x2.nearest",                       0xFD94, Simd,        None, V128_V128,         Nan64) \
  X(I16x8Mul,                      "i16x8.mul",                           0xFD95, Simd,        None, V128V128_V128,     Total) \
  X(I16x8MinS,                     "i16x8.min_s",                         0xFD96, Simd,        None, V128V128_V128,     Total) \
  X(I16x8MinU,                     "i16x8.min_u",                         0xFD97, Simd,        None, V128V128_V128,     Total) \
  X(I16x8MaxS,                     "i16x8.max_s",                         0xFD98, Simd,        None, V128V128_V128,     Total) \
  X(I16x8MaxU,                     "i16x8.max_u",                         0xFD99, Simd,        None, V128V128_V128,     Total) \
  X(I16x8AvgrU,                    "i16x8.avgr_u",                        0xFD9B, Simd,        None, V128V128_V128,     Total) \
  X(I16x8ExtmulLowI8x16S,          "i16x8.extmul_low_i8x16_s",            0xFD9C, Simd,        None, V128V128_V128,     Total) \
  X(I16x8ExtmulHighI8x16S,         "i16x8.extmul_high_i8x16_s",           0xFD9D, Simd,        None, V128V128_V128,     Total) \
  X(I16x8ExtmulLowI8x16U,          "i16x8.extmul_low_i8x16_u",            0xFD9E, Simd,        None, V128V128_V128,     Total) \
  X(I16x8ExtmulHighI8x16U,         "i16x8.extmul_high_i8x16_u",           0xFD9F, Simd,        None, V128V128_V128,     Total) \
  X(I32x4Abs,                      "i32x4.abs",                           0xFDA0, Simd,        None, V128_V128,         Total) \
  X(I32x4Neg,                      "i32x4.neg",                           0xFDA1, Simd,        None, V128_V128,         Total) \
  X(I32x4AllTrue,                  "i32x4.all_true",                      0xFDA3, Simd,        None, V128_I32,          Total) \
  X(I32x4Bitmask,                  "i32x4.bitmask",                       0xFDA4, Simd,        None, V128_I32,          Total) \
  X(I32x4ExtendLowI16x8S,          "i32x4.extend_low_i16x8_s",            0xFDA7, Simd,        None, V128_V128,         Total) \
  X(I32x4ExtendHighI16x8S,         "i32x4.extend_high_i16x8_s",           0xFDA8, Simd,        None, V128_V128,         Total) \
  X(I32x4ExtendLowI16x8U,          "i32x4.extend_low_i16x8_u",            0xFDA9, Simd,        None, V128_V128,         Total) \
  X(I32x4ExtendHighI16x8U,         "i32x4.extend_high_i16x8_u",           0xFDAA, Simd,        None, V128_V128,         Total) \
  X(I32x4Shl,                      "i32x4.shl",                           0xFDAB, Simd,        None, V128I32_V128,      Total) \
  X(I32x4ShrS,                     "i32x4.shr_s",                         0xFDAC, Simd,        None, V128I32_V128,      Total) \
  X(I32x4ShrU,                     "i32x4.shr_u",                         0xFDAD, Simd,        None, V128I32_V128,      Total) \
  X(I32x4Add,                      "i32x4.add",                           0xFDAE, Simd,        None, V128V128_V128,     Total) \
  X(I32x4Sub,                      "i32x4.sub",                           0xFDB1, Simd,        None, V128V128_V128,     Total) \
  X(I32x4Mul,                      "i32x4.mul",                           0xFDB5, Simd,        None, V128V128_V128,     Total) \
  X(I32x4MinS,                     "i32x4.min_s",                         0xFDB6, Simd,        None, V128V128_V128,     Total) \
  X(I32x4MinU,                     "i32x4.min_u",                         0xFDB7, Simd,        None, V128V128_V128,     Total) \
  X(I32x4MaxS,                     "i32x4.max_s",                         0xFDB8, Simd,        None, V128V128_V128,     Total) \
  X(I32x4MaxU,                     "i32x4.max_u",                         0xFDB9, Simd,        None, V128V128_V128,     Total) \
  X(I32x4DotI16x8S,                "i32x4.dot_i16x8_s",                   0xFDBA, Simd,        None, V128V128_V128,     Total) \
  X(I32x4ExtmulLowI16x8S,          "i32x4.extmul_low_i16x8_s",            0xFDBC, Simd,        None, V128V128_V128,     Total) \
  X(I32x4ExtmulHighI16x8S,         "i32x4.extmul_high_i16x8_s",           0xFDBD, Simd,        None, V128V128_V128,     Total) \
  X(I32x4ExtmulLowI16x8U,          "i32x4.extmul_low_i16x8_u",            0xFDBE, Simd,        None, V128V128_V128,     Total) \
  X(I32x4ExtmulHighI16x8U,         "i32x4.extmul_high_i16x8_u",           0xFDBF, Simd,        None, V128V128_V128,     Total) \
  X(I64x2Abs,                      "i64x2.abs",                           0xFDC0, Simd,        None, V128_V128,         Total) \
  X(I64x2Neg,                      "i64x2.neg",                           0xFDC1, Simd,        None, V128_V128,         Total) \
  X(I64x2AllTrue,                  "i64x2.all_true",                      0xFDC3, Simd,        None, V128_I32,          Total) \
  X(I64x2Bitmask,                  "i64x2.bitmask",                       0xFDC4, Simd,        None, V128_I32,          Total) \
  X(I64x2ExtendLowI32x4S,          "i64x2.extend_low_i32x4_s",            0xFDC7, Simd,        None, V128_V128,         Total) \
  X(I64x2ExtendHighI32x4S,         "i64x2.extend_high_i32x4_s",           0xFDC8, Simd,        None, V128_V128,         Total) \
  X(I64x2ExtendLowI32x4U,          "i64x2.extend_low_i32x4_u",            0xFDC9, Simd,        None, V128_V128,         Total) \
  X(I64x2ExtendHighI32x4U,         "i64x2.extend_high_i32x4_u",           0xFDCA, Simd,        None, V128_V128,         Total) \
  X(I64x2Shl,                      "i64x2.shl",                           0xFDCB, Simd,        None, V128I32_V128,      Total) \
  X(I64x2ShrS,                     "i64x2.shr_s",                         0xFDCC, Simd,        None, V128I32_V128,      Total) \
  X(I64x2ShrU,                     "i64x2.shr_u",                         0xFDCD, Simd,        None, V128I32_V128,      Total) \
  X(I64x2Add,                      "i64x2.add",                           0xFDCE, Simd,        None, V128V128_V128,     Total) \
  X(I64x2Sub,                      "i64x2.sub",                           0xFDD1, Simd,        None, V128V128_V128,     Total) \
  X(I64x2Mul,                      "i64x2.mul",                           0xFDD5, Simd,        None, V128V128_V128,     Total) \
  X(I64x2Eq,                       "i64x2.eq",                            0xFDD6, Simd,        None, V128V128_V128,     Total) \
  X(I64x2Ne,                       "i64x2.ne",                            0xFDD7, Simd,        None, V128V128_V128,     Total) \
  X(I64x2LtS,                      "i64x2.lt_s",                          0xFDD8, Simd,        None, V128V128_V128,     Total) \
  X(I64x2GtS,                      "i64x2.gt_s",                          0xFDD9, Simd,        None, V128V128_V128,     Total) \
  X(I64x2LeS,                      "i64x2.le_s",                          0xFDDA, Simd,        None, V128V128_V128,     Total) \
  X(I64x2GeS,                      "i64x2.ge_s",                          0xFDDB, Simd,        None, V128V128_V128,     Total) \
  X(I64x2ExtmulLowI32x4S,          "i64x2.extmul_low_i32x4_s",            0xFDDC, Simd,        None, V128V128_V128,     Total) \
  X(I64x2ExtmulHighI32x4S,         "i64x2.extmul_high_i32x4_s",           0xFDDD, Simd,        None, V128V128_V128,     Total) \
  X(I64x2ExtmulLowI32x4U,          "i64x2.extmul_low_i32x4_u",            0xFDDE, Simd,        None, V128V128_V128,     Total) \
  X(I64x2ExtmulHighI32x4U,         "i64x2.extmul_high_i32x4_u",           0xFDDF, Simd,        None, V128V128_V128,     Total) \
  X(F32x4Abs,                      "f32x4.abs",                           0xFDE0, Simd,        None, V128_V128,         Total) \
  X(F32x4Neg,                      "f32x4.neg",                           0xFDE1, Simd,        None, V128_V128,         Total) \
  X(F32x4Sqrt,                     "f32x4.sqrt",                          0xFDE3, Simd,        None, V128_V128,         Nan32) \
  X(F32x4Add,                      "f32x4.add",                           0xFDE4, Simd,        None, V128V128_V128,     Nan32) \
  X(F32x4Sub,                      "f32x4.sub",                           0xFDE5, Simd,        None, V128V128_V128,     Nan32) \
  X(F32x4Mul,                      "f32x4.mul",                           0xFDE6, Simd,        None, V128V128_V128,     Nan32) \
  X(F32x4Div,                      "f32x4.div",                           0xFDE7, Simd,        None, V128V128_V128,     Nan32) \
  X(F32x4Min,                      "f32x4.min",                           0xFDE8, Simd,        None, V128V128_V128,     Nan32) \
  X(F32x4Max,                      "f32x4.max",                           0xFDE9, Simd,        None, V128V128_V128,     Nan32) \
  X(F32x4Pmin,                     "f32x4.pmin",                          0xFDEA, Simd,        None, V128V128_V128,     Total) \
  X(F32x4Pmax,                     "f32x4.pmax",                          0xFDEB, Simd,        None, V128V128_V128,     Total) \
  X(F64x2Abs,                      "f64x2.abs",                           0xFDEC, Simd,        None, V128_V128,         Total) \
  X(F64x2Neg,                      "f64x2.neg",                           0xFDED, Simd,        None, V128_V128,         Total) \
  X(F64x2Sqrt,                     "f64x2.sqrt",                          0xFDEF, Simd,        None, V128_V128,         Nan64) \
  X(F64x2Add,                      "f64x2.add",                           0xFDF0, Simd,        None, V128V128_V128,     Nan64) \
  X(F64x2Sub,                      "f64x2.sub",                           0xFDF1, Simd,        None, V128V128_V128,     Nan64) \
  X(F64x2Mul,                      "f64x2.mul",                           0xFDF2, Simd,        None, V128V128_V128,     Nan64) \
  X(F64x2Div,                      "f64x2.div",                           0xFDF3, Simd,        None, V128V128_V128,     Nan64) \
  X(F64x2Min,                      "f64x2.min",                           0xFDF4, Simd,        None, V128V128_V128,     Nan64) \
  X(F64x2Max,                      "f64x2.max",                           0xFDF5, Simd,        None, V128V128_V128,     Nan64) \
  X(F64x2Pmin,                     "f64x2.pmin",                          0xFDF6, Simd,        None, V128V128_V128,     Total) \
  X(F64x2Pmax,                     "f64x2.pmax",                          0xFDF7, Simd,        None, V128V128_V128,     Total) \
  X(I32x4TruncSatF32x4S,           "i32x4.trunc_sat_f32x4_s",             0xFDF8, Simd,        None, V128_V128,         Total) \
  X(I32x4TruncSatF32x4U,           "i32x4.trunc_sat_f32x4_u",             0xFDF9, Simd,        None, V128_V128,         Total) \
  X(F32x4ConvertI32x4S,            "f32x4.convert_i32x4_s",               0xFDFA, Simd,        None, V128_V128,         Total) \
  X(F32x4ConvertI32x4U,            "f32x4.convert_i32x4_u",               0xFDFB, Simd,        None, V128_V128,         Total) \
  X(I32x4TruncSatF64x2SZero,       "i32x4.trunc_sat_f64x2_s_zero",        0xFDFC, Simd,        None, V128_V128,         Total) \
  X(I32x4TruncSatF64x2UZero,       "i32x4.trunc_sat_f64x2_u_zero",        0xFDFD, Simd,        None, V128_V128,         Total) \
  X(F64x2ConvertLowI32x4S,         "f64x2.convert_low_i32x4_s",           0xFDFE, Simd,        None, V128_V128,         Total) \
  X(F64x2ConvertLowI32x4U,         "f64x2.convert_low_i32x4_u",           0xFDFF, Simd,        None, V128_V128,         Total) \
  X(I8x16RelaxedSwizzle,           "i8x16.relaxed_swizzle",               0xFF00, RelaxedSimd, None, V128V128_V128,     Total) \
  X(I32x4RelaxedTruncF32x4S,       "i32x4.relaxed_trunc_f32x4_s",         0xFF01, RelaxedSimd, None, V128_V128,         Total) \
  X(I32x4RelaxedTruncF32x4U,       "i32x4.relaxed_trunc_f32x4_u",         0xFF02, RelaxedSimd, None, V128_V128,         Total) \
  X(I32x4RelaxedTruncF64x2SZero,   "i32x4.relaxed_trunc_f64x2_s_zero",    0xFF03, RelaxedSimd, None, V128_V128,         Total) \
  X(I32x4RelaxedTruncF64x2UZero,   "i32x4.relaxed_trunc_f64x2_u_zero",    0xFF04, RelaxedSimd, None, V128_V128,         Total) \
  X(F32x4RelaxedMadd,              "f32x4.relaxed_madd",                  0xFF05, RelaxedSimd, None, V128V128V128_V128, Nan32) \
  X(F32x4RelaxedNmadd,             "f32x4.relaxed_nmadd",                 0xFF06, RelaxedSimd, None, V128V128V128_V128, Nan32) \
  X(F64x2RelaxedMadd,              "f64x2.relaxed_madd",                  0xFF07, RelaxedSimd, None, V128V128V128_V128, Nan64) \
  X(F64x2RelaxedNmadd,             "f64x2.relaxed_nmadd",                 0xFF08, RelaxedSimd, None, V128V128V128_V128, Nan64) \
  X(I8x16RelaxedLaneselect,        "i8x16.relaxed_laneselect",            0xFF09, RelaxedSimd, None, V128V128V128_V128, Total) \
  X(I16x8RelaxedLaneselect,        "i16x8.relaxed_laneselect",            0xFF0A, RelaxedSimd, None, V128V128V128_V128, Total) \
  X(I32x4RelaxedLaneselect,        "i32x4.relaxed_laneselect",            0xFF0B, RelaxedSimd, None, V128V128V128_V128, Total) \
  X(I64x2RelaxedLaneselect,        "i64x2.relaxed_laneselect",            0xFF0C, RelaxedSimd, None, V128V128V128_V128, Total) \
  X(F32x4RelaxedMin,               "f32x4.relaxed_min",                   0xFF0D, RelaxedSimd, None, V128V128_V128,     Nan32) \
  X(F32x4RelaxedMax,               "f32x4.relaxed_max",                   0xFF0E, RelaxedSimd, None, V128V128_V128,     Nan32) \
  X(F64x2RelaxedMin,               "f64x2.relaxed_min",                   0xFF0F, RelaxedSimd, None, V128V128_V128,     Nan64) \
  X(F64x2RelaxedMax,               "f64x2.relaxed_max",                   0xFF10, RelaxedSimd, None, V128V128_V128,     Nan64) \
  X(I16x8RelaxedQ15mulrS,          "i16x8.relaxed_q15mulr_s",             0xFF11, RelaxedSimd, None, V128V128_V128,     Total) \
  X(I16x8RelaxedDotI8x16I7x16S,    "i16x8.relaxed_dot_i8x16_i7x16_s",     0xFF12, RelaxedSimd, None, V128V128_V128,     Total) \
  X(I32x4RelaxedDotI8x16I7x16AddS, "i32x4.relaxed_dot_i8x16_i7x16_add_s", 0xFF13, RelaxedSimd, None, V128V128V128_V128, Total)

#define ANEW_LANE_OPERATORS(X)                                                 \
  X(I8x16ExtractLaneS, "i8x16.extract_lane_s", 0xFD15, Simd, Lane16, V128_I32,     Total) \
  X(I8x16ExtractLaneU, "i8x16.extract_lane_u", 0xFD16, Simd, Lane16, V128_I32,     Total) \
  X(I8x16ReplaceLane,  "i8x16.replace_lane",   0xFD17, Simd, Lane16, V128I32_V128, Total) \
  X(I16x8ExtractLaneS, "i16x8.extract_lane_s", 0xFD18, Simd, Lane8,  V128_I32,     Total) \
  X(I16x8ExtractLaneU, "i16x8.extract_lane_u", 0xFD19, Simd, Lane8,  V128_I32,     Total) \
  X(I16x8ReplaceLane,  "i16x8.replace_lane",   0xFD1A, Simd, Lane8,  V128I32_V128, Total) \
  X(I32x4ExtractLane,  "i32x4.extract_lane",   0xFD1B, Simd, Lane4,  V128_I32,     Total) \
  X(I32x4ReplaceLane,  "i32x4.replace_lane",   0xFD1C, Simd, Lane4,  V128I32_V128, Total) \
  X(I64x2ExtractLane,  "i64x2.extract_lane",   0xFD1D, Simd, Lane2,  V128_I64,     Total) \
  X(I64x2ReplaceLane,  "i64x2.replace_lane",   0xFD1E, Simd, Lane2,  V128I64_V128, Total) \
  X(F32x4ExtractLane,  "f32x4.extract_lane",   0xFD1F, Simd, Lane4,  V128_F32,     Total) \
  X(F32x4ReplaceLane,  "f32x4.replace_lane",   0xFD20, Simd, Lane4,  V128F32_V128, Total) \
  X(F64x2ExtractLane,  "f64x2.extract_lane",   0xFD21, Simd, Lane2,  V128_F64,     Total) \
  X(F64x2ReplaceLane,  "f64x2.replace_lane",   0xFD22, Simd, Lane2,  V128F64_V128, Total)

#define ANEW_LOAD_LANE_OPERATORS(X)                                            \
  X(V128Load8Lane,  "v128.load8_lane",  0xFD54, Simd, MemoryLane1, I32V128_V128, Traps) \
  X(V128Load16Lane, "v128.load16_lane", 0xFD55, Simd, MemoryLane2, I32V128_V128, Traps) \
  X(V128Load32Lane, "v128.load32_lane", 0xFD56, Simd, MemoryLane4, I32V128_V128, Traps) \
  X(V128Load64Lane, "v128.load64_lane", 0xFD57, Simd, MemoryLane8, I32V128_V128, Traps)

#define ANEW_STORE_LANE_OPERATORS(X)                                           \
  X(V128Store8Lane,  "v128.store8_lane",  0xFD58, Simd, MemoryLane1, I32V128_, Traps) \
  X(V128Store16Lane, "v128.store16_lane", 0xFD59, Simd, MemoryLane2, I32V128_, Traps) \
  X(V128Store32Lane, "v128.store32_lane", 0xFD5A, Simd, MemoryLane4, I32V128_, Traps) \
  X(V128Store64Lane, "v128.store64_lane", 0xFD5B, Simd, MemoryLane8, I32V128_, Traps)

// Atomic accesses (threads), on memory that is not shared.
#define ANEW_ATOMIC_OPERATORS(X)                                               \
  X(MemoryAtomicNotify,     "memory.atomic.notify",       0xFE00, Threads, MemoryArgument4, I32I32_I32,    Traps) \
  X(MemoryAtomicWait32,     "memory.atomic.wait32",       0xFE01, Threads, MemoryArgument4, I32I32I64_I32, Traps) \
  X(MemoryAtomicWait64,     "memory.atomic.wait64",       0xFE02, Threads, MemoryArgument8, I32I64I64_I32, Traps) \
  X(I32AtomicLoad,          "i32.atomic.load",            0xFE10, Threads, MemoryArgument4, I32_I32,       Traps) \
  X(I64AtomicLoad,          "i64.atomic.load",            0xFE11, Threads, MemoryArgument8, I32_I64,       Traps) \
  X(I32AtomicLoad8U,        "i32.atomic.load8_u",         0xFE12, Threads, MemoryArgument1, I32_I32,       Traps) \
  X(I32AtomicLoad16U,       "i32.atomic.load16_u",        0xFE13, Threads, MemoryArgument2, I32_I32,       Traps) \
  X(I64AtomicLoad8U,        "i64.atomic.load8_u",         0xFE14, Threads, MemoryArgument1, I32_I64,       Traps) \
  X(I64AtomicLoad16U,       "i64.atomic.load16_u",        0xFE15, Threads, MemoryArgument2, I32_I64,       Traps) \
  X(I64AtomicLoad32U,       "i64.atomic.load32_u",        0xFE16, Threads, MemoryArgument4, I32_I64,       Traps) \
  X(I32AtomicStore,         "i32.atomic.store",           0xFE17, Threads, MemoryArgument4, I32I32_,       Traps) \
  X(I64AtomicStore,         "i64.atomic.store",           0xFE18, Threads, MemoryArgument8, I32I64_,       Traps) \
  X(I32AtomicStore8,        "i32.atomic.store8",          0xFE19, Threads, MemoryArgument1, I32I32_,       Traps) \
  X(I32AtomicStore16,       "i32.atomic.store16",         0xFE1A, Threads, MemoryArgument2, I32I32_,       Traps) \
  X(I64AtomicStore8,        "i64.atomic.store8",          0xFE1B, Threads, MemoryArgument1, I32I64_,       Traps) \
  X(I64AtomicStore16,       "i64.atomic.store16",         0xFE1C, Threads, MemoryArgument2, I32I64_,       Traps) \
  X(I64AtomicStore32,       "i64.atomic.store32",         0xFE1D, Threads, MemoryArgument4, I32I64_,       Traps) \
  X(I32AtomicRmwAdd,        "i32.atomic.rmw.add",         0xFE1E, Threads, MemoryArgument4, I32I32_I32,    Traps) \
  X(I64AtomicRmwAdd,        "i64.atomic.rmw.add",         0xFE1F, Threads, MemoryArgument8, I32I64_I64,    Traps) \
  X(I32AtomicRmw8AddU,      "i32.atomic.rmw8.add_u",      0xFE20, Threads, MemoryArgument1, I32I32_I32,    Traps) \
  X(I32AtomicRmw16AddU,     "i32.atomic.rmw16.add_u",     0xFE21, Threads, MemoryArgument2, I32I32_I32,    Traps) \
  X(I64AtomicRmw8AddU,      "i64.atomic.rmw8.add_u",      0xFE22, Threads, MemoryArgument1, I32I64_I64,    Traps) \
  X(I64AtomicRmw16AddU,     "i64.atomic.rmw16.add_u",     0xFE23, Threads, MemoryArgument2, I32I64_I64,    Traps) \
  X(I64AtomicRmw32AddU,     "i64.atomic.rmw32.add_u",     0xFE24, Threads, MemoryArgument4, I32I64_I64,    Traps) \
  X(I32AtomicRmwSub,        "i32.atomic.rmw.sub",         0xFE25, Threads, MemoryArgument4, I32I32_I32,    Traps) \
  X(I64AtomicRmwSub,        "i64.atomic.rmw.sub",         0xFE26, Threads, MemoryArgument8, I32I64_I64,    Traps) \
  X(I32AtomicRmw8SubU,      "i32.atomic.rmw8.sub_u",      0xFE27, Threads, MemoryArgument1, I32I32_I32,    Traps) \
  X(I32AtomicRmw16SubU,     "i32.atomic.rmw16.sub_u",     0xFE28, Threads, MemoryArgument2, I32I32_I32,    Traps) \
  X(I64AtomicRmw8SubU,      "i64.atomic.rmw8.sub_u",      0xFE29, Threads, MemoryArgument1, I32I64_I64,    Traps) \
  X(I64AtomicRmw16SubU,     "i64.atomic.rmw16.sub_u",     0xFE2A, Threads, MemoryArgument2, I32I64_I64,    Traps) \
  X(I64AtomicRmw32SubU,     "i64.atomic.rmw32.sub_u",     0xFE2B, Threads, MemoryArgument4, I32I64_I64,    Traps) \
  X(I32AtomicRmwAnd,        "i32.atomic.rmw.and",         0xFE2C, Threads, MemoryArgument4, I32I32_I32,    Traps) \
  X(I64AtomicRmwAnd,        "i64.atomic.rmw.and",         0xFE2D, Threads, MemoryArgument8, I32I64_I64,    Traps) \
  X(I32AtomicRmw8AndU,      "i32.atomic.rmw8.and_u",      0xFE2E, Threads, MemoryArgument1, I32I32_I32,    Traps) \
  X(I32AtomicRmw16AndU,     "i32.atomic.rmw16.and_u",     0xFE2F, Threads, MemoryArgument2, I32I32_I32,    Traps) \
  X(I64AtomicRmw8AndU,      "i64.atomic.rmw8.and_u",      0xFE30, Threads, MemoryArgument1, I32I64_I64,    Traps) \
  X(I64AtomicRmw16AndU,     "i64.atomic.rmw16.and_u",     0xFE31, Threads, MemoryArgument2, I32I64_I64,    Traps) \
  X(I64AtomicRmw32AndU,     "i64.atomic.rmw32.and_u",     0xFE32, Threads, MemoryArgument4, I32I64_I64,    Traps) \
  X(I32AtomicRmwOr,         "i32.atomic.rmw.or",          0xFE33, Threads, MemoryArgument4, I32I32_I32,    Traps) \
  X(I64AtomicRmwOr,         "i64.atomic.rmw.or",          0xFE34, Threads, MemoryArgument8, I32I64_I64,    Traps) \
  X(I32AtomicRmw8OrU,       "i32.atomic.rmw8.or_u",       0xFE35, Threads, MemoryArgument1, I32I32_I32,    Traps) \
  X(I32AtomicRmw16OrU,      "i32.atomic.rmw16.or_u",      0xFE36, Threads, MemoryArgument2, I32I32_I32,    Traps) \
  X(I64AtomicRmw8OrU,       "i64.atomic.rmw8.or_u",       0xFE37, Threads, MemoryArgument1, I32I64_I64,    Traps) \
  X(I64AtomicRmw16OrU,      "i64.atomic.rmw16.or_u",      0xFE38, Threads, MemoryArgument2, I32I64_I64,    Traps) \
  X(I64AtomicRmw32OrU,      "i64.atomic.rmw32.or_u",      0xFE39, Threads, MemoryArgument4, I32I64_I64,    Traps) \
  X(I32AtomicRmwXor,        "i32.atomic.rmw.xor",         0xFE3A, Threads, MemoryArgument4, I32I32_I32,    Traps) \
  X(I64AtomicRmwXor,        "i64.atomic.rmw.xor",         0xFE3B, Threads, MemoryArgument8, I32I64_I64,    Traps) \
  X(I32AtomicRmw8XorU,      "i32.atomic.rmw8.xor_u",      0xFE3C, Threads, MemoryArgument1, I32I32_I32,    Traps) \
  X(I32AtomicRmw16XorU,     "i32.atomic.rmw16.xor_u",     0xFE3D, Threads, MemoryArgument2, I32I32_I32,    Traps) \
  X(I64AtomicRmw8XorU,      "i64.atomic.rmw8.xor_u",      0xFE3E, Threads, MemoryArgument1, I32I64_I64,    Traps) \
  X(I64AtomicRmw16XorU,     "i64.atomic.rmw16.xor_u",     0xFE3F, Threads, MemoryArgument2, I32I64_I64,    Traps) \
  X(I64AtomicRmw32XorU,     "i64.atomic.rmw32.xor_u",     0xFE40, Threads, MemoryArgument4, I32I64_I64,    Traps) \
  X(I32AtomicRmwXchg,       "i32.atomic.rmw.xchg",        0xFE41, Threads, MemoryArgument4, I32I32_I32,    Traps) \
  X(I64AtomicRmwXchg,       "i64.atomic.rmw.xchg",        0xFE42, Threads, MemoryArgument8, I32I64_I64,    Traps) \
  X(I32AtomicRmw8XchgU,     "i32.atomic.rmw8.xchg_u",     0xFE43, Threads, MemoryArgument1, I32I32_I32,    Traps) \
  X(I32AtomicRmw16XchgU,    "i32.atomic.rmw16.xchg_u",    0xFE44, Threads, MemoryArgument2, I32I32_I32,    Traps) \
  X(I64AtomicRmw8XchgU,     "i64.atomic.rmw8.xchg_u",     0xFE45, Threads, MemoryArgument1, I32I64_I64,    Traps) \
  X(I64AtomicRmw16XchgU,    "i64.atomic.rmw16.xchg_u",    0xFE46, Threads, MemoryArgument2, I32I64_I64,    Traps) \
  X(I64AtomicRmw32XchgU,    "i64.atomic.rmw32.xchg_u",    0xFE47, Threads, MemoryArgument4, I32I64_I64,    Traps) \
  X(I32AtomicRmwCmpxchg,    "i32.atomic.rmw.cmpxchg",     0xFE48, Threads, MemoryArgument4, I32I32I32_I32, Traps) \
  X(I64AtomicRmwCmpxchg,    "i64.atomic.rmw.cmpxchg",     0xFE49, Threads, MemoryArgument8, I32I64I64_I64, Traps) \
  X(I32AtomicRmw8CmpxchgU,  "i32.atomic.rmw8.cmpxchg_u",  0xFE4A, Threads, MemoryArgument1, I32I32I32_I32, Traps) \
  X(I32AtomicRmw16CmpxchgU, "i32.atomic.rmw16.cmpxchg_u", 0xFE4B, Threads, MemoryArgument2, I32I32I32_I32, Traps) \
  X(I64AtomicRmw8CmpxchgU,  "i64.atomic.rmw8.cmpxchg_u",  0xFE4C, Threads, MemoryArgument1, I32I64I64_I64, Traps) \
  X(I64AtomicRmw16CmpxchgU, "i64.atomic.rmw16.cmpxchg_u", 0xFE4D, Threads, MemoryArgument2, I32I64I64_I64, Traps) \
  X(I64AtomicRmw32CmpxchgU, "i64.atomic.rmw32.cmpxchg_u", 0xFE4E, Threads, MemoryArgument4, I32I64I64_I64, Traps)
// clang-format on

// All whose signature is in the table.
#define ANEW_OPERATORS_BY_SIGNATURE(X) \
  ANEW_LOAD_OPERATORS(X)               \
  ANEW_STORE_OPERATORS(X)              \
  ANEW_NUMERIC_OPERATORS(X)            \
  ANEW_WIDE_OPERATORS(X)               \
  ANEW_VECTOR_LOAD_OPERATORS(X)        \
  ANEW_VECTOR_STORE_OPERATORS(X)       \
  ANEW_VECTOR_NUMERIC_OPERATORS(X)     \
  ANEW_LANE_OPERATORS(X)               \
  ANEW_LOAD_LANE_OPERATORS(X)          \
  ANEW_STORE_LANE_OPERATORS(X)         \
  ANEW_ATOMIC_OPERATORS(X)

#define ANEW_OPERATORS(X)   \
  ANEW_CONTROL_OPERATORS(X) \
  ANEW_OPERATORS_BY_SIGNATURE(X)

namespace anew::wasm {

enum class Op : std::uint16_t {
#define ANEW_X(name, text, code, ...) k##name = (code),
  ANEW_OPERATORS(ANEW_X)
#undef ANEW_X
};

/// Whether it is one of the operators on vectors, by its code.
[[nodiscard]] constexpr bool is_vector_operator(Op op) noexcept {
  const unsigned prefix = static_cast<unsigned>(op) >> 8;  // an unsigned 16-bit code
  return prefix == 0xFD || prefix == 0xFF;
}

/// What a trap or the bits of a NaN may come of; see the table.
enum class Outcome : std::uint8_t { kTotal, kTraps, kNan32, kNan64 };

/// The operator's name in the text format, or "" for a code that is none.
[[nodiscard]] std::string_view to_string(Op op) noexcept;

/// Why Anew does not run an operator that WebAssembly has, or had, with this opcode or prefix byte; "" for any other.
/// @param sub_opcode  behind a prefix.
[[nodiscard]] std::string_view why_unsupported(std::uint8_t opcode, std::uint32_t sub_opcode) noexcept;

}  // namespace anew::wasm
