// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The single truth about WebAssembly operators (specification, 5.4 and the appendix "Index of Instructions").
//
// ANEW_OPERATORS(X) expands X(name, text, code, immediate, signature) for each. Decoder, validator, code generator and
// printer are all driven by this table:
//   code       the opcode byte; for a prefixed operator, prefix << 8 | sub-opcode; the sub-opcodes of prefix 0xFD from
//              256 on stand at 0xFF00 | sub-opcode - 256 (0xFF is no prefix)
//   immediate  what follows the opcode; an Immediate
//   signature  operands and result of a numeric operator, loads and stores included; kSpecial where they depend on more
//              than the opcode
#pragma once

#include <cstdint>
#include <string_view>

// clang-format off
#define ANEW_CONTROL_OPERATORS(X)                                              \
  X(Unreachable,   "unreachable",   0x00, None,         Special)               \
  X(Nop,           "nop",           0x01, None,         Special)               \
  X(Block,         "block",         0x02, BlockType,    Special)               \
  X(Loop,          "loop",          0x03, BlockType,    Special)               \
  X(If,            "if",            0x04, BlockType,    Special)               \
  X(Else,          "else",          0x05, None,         Special)               \
  X(Throw,         "throw",         0x08, Tag,          Special)               \
  X(ThrowRef,      "throw_ref",     0x0A, None,         Special)               \
  X(End,           "end",           0x0B, None,         Special)               \
  X(Br,            "br",            0x0C, Label,        Special)               \
  X(BrIf,          "br_if",         0x0D, Label,        Special)               \
  X(BrTable,       "br_table",      0x0E, BrTable,      Special)               \
  X(Return,        "return",        0x0F, None,         Special)               \
  X(Call,          "call",          0x10, Function,     Special)               \
  X(CallIndirect,  "call_indirect", 0x11, CallIndirect, Special)               \
  X(ReturnCall,         "return_call",          0x12, Function,     Special)   \
  X(ReturnCallIndirect, "return_call_indirect", 0x13, CallIndirect, Special)   \
  X(CallRef,       "call_ref",      0x14, Type,         Special)               \
  X(ReturnCallRef, "return_call_ref", 0x15, Type,       Special)               \
  X(Drop,          "drop",          0x1A, None,         Special)               \
  X(Select,        "select",        0x1B, None,         Special)               \
  X(SelectTyped,   "select",        0x1C, SelectTypes,  Special)               \
  X(TryTable,      "try_table",     0x1F, TryTable,     Special)               \
  X(LocalGet,      "local.get",     0x20, Local,        Special)               \
  X(LocalSet,      "local.set",     0x21, Local,        Special)               \
  X(LocalTee,      "local.tee",     0x22, Local,        Special)               \
  X(GlobalGet,     "global.get",    0x23, Global,       Special)               \
  X(GlobalSet,     "global.set",    0x24, Global,       Special)               \
  X(TableGet,      "table.get",     0x25, Table,        Special)               \
  X(TableSet,      "table.set",     0x26, Table,        Special)               \
  X(MemorySize,    "memory.size",   0x3F, Memory,       Special)               \
  X(MemoryGrow,    "memory.grow",   0x40, Memory,       Special)               \
  X(I32Const,      "i32.const",     0x41, I32,          Special)               \
  X(I64Const,      "i64.const",     0x42, I64,          Special)               \
  X(F32Const,      "f32.const",     0x43, F32,          Special)               \
  X(F64Const,      "f64.const",     0x44, F64,          Special)               \
  X(RefNull,       "ref.null",      0xD0, HeapType,     Special)               \
  X(RefIsNull,     "ref.is_null",   0xD1, None,         Special)               \
  X(RefFunc,       "ref.func",      0xD2, Function,     Special)               \
  X(RefAsNonNull,  "ref.as_non_null", 0xD4, None,       Special)               \
  X(BrOnNull,      "br_on_null",    0xD5, Label,        Special)               \
  X(BrOnNonNull,   "br_on_non_null", 0xD6, Label,       Special)               \
  X(RefTest,       "ref.test",      0xFB14, HeapType,   Special)                \
  X(RefTestNull,   "ref.test",      0xFB15, HeapType,   Special)                \
  X(RefCast,       "ref.cast",      0xFB16, HeapType,   Special)                \
  X(RefCastNull,   "ref.cast",      0xFB17, HeapType,   Special)                \
  X(BrOnCast,      "br_on_cast",    0xFB18, CastBranch, Special)                \
  X(BrOnCastFail,  "br_on_cast_fail", 0xFB19, CastBranch, Special)              \
  X(MemoryInit,    "memory.init",   0xFC08, DataMemory,   Special)             \
  X(DataDrop,      "data.drop",     0xFC09, Data,         Special)             \
  X(MemoryCopy,    "memory.copy",   0xFC0A, MemoryMemory, Special)             \
  X(MemoryFill,    "memory.fill",   0xFC0B, Memory,       Special)             \
  X(TableInit,     "table.init",    0xFC0C, ElementTable, Special)             \
  X(ElemDrop,      "elem.drop",     0xFC0D, Element,      Special)             \
  X(TableCopy,     "table.copy",    0xFC0E, TableTable,   Special)             \
  X(TableGrow,     "table.grow",    0xFC0F, Table,        Special)             \
  X(TableSize,     "table.size",    0xFC10, Table,        Special)             \
  X(TableFill,     "table.fill",    0xFC11, Table,        Special)             \
  X(V128Const,     "v128.const",    0xFD0C, Vector,       Special)             \
  X(I8x16Shuffle,  "i8x16.shuffle", 0xFD0D, Shuffle,      V128V128_V128)       \
  X(AtomicFence,   "atomic.fence",  0xFE03, Fence,        Special)

#define ANEW_LOAD_OPERATORS(X)                                                 \
  X(I32Load,       "i32.load",      0x28, MemoryArgument4, I32_I32)            \
  X(I64Load,       "i64.load",      0x29, MemoryArgument8, I32_I64)            \
  X(F32Load,       "f32.load",      0x2A, MemoryArgument4, I32_F32)            \
  X(F64Load,       "f64.load",      0x2B, MemoryArgument8, I32_F64)            \
  X(I32Load8S,     "i32.load8_s",   0x2C, MemoryArgument1, I32_I32)            \
  X(I32Load8U,     "i32.load8_u",   0x2D, MemoryArgument1, I32_I32)            \
  X(I32Load16S,    "i32.load16_s",  0x2E, MemoryArgument2, I32_I32)            \
  X(I32Load16U,    "i32.load16_u",  0x2F, MemoryArgument2, I32_I32)            \
  X(I64Load8S,     "i64.load8_s",   0x30, MemoryArgument1, I32_I64)            \
  X(I64Load8U,     "i64.load8_u",   0x31, MemoryArgument1, I32_I64)            \
  X(I64Load16S,    "i64.load16_s",  0x32, MemoryArgument2, I32_I64)            \
  X(I64Load16U,    "i64.load16_u",  0x33, MemoryArgument2, I32_I64)            \
  X(I64Load32S,    "i64.load32_s",  0x34, MemoryArgument4, I32_I64)            \
  X(I64Load32U,    "i64.load32_u",  0x35, MemoryArgument4, I32_I64)

#define ANEW_STORE_OPERATORS(X)                                                \
  X(I32Store,      "i32.store",     0x36, MemoryArgument4, I32I32_)            \
  X(I64Store,      "i64.store",     0x37, MemoryArgument8, I32I64_)            \
  X(F32Store,      "f32.store",     0x38, MemoryArgument4, I32F32_)            \
  X(F64Store,      "f64.store",     0x39, MemoryArgument8, I32F64_)            \
  X(I32Store8,     "i32.store8",    0x3A, MemoryArgument1, I32I32_)            \
  X(I32Store16,    "i32.store16",   0x3B, MemoryArgument2, I32I32_)            \
  X(I64Store8,     "i64.store8",    0x3C, MemoryArgument1, I32I64_)            \
  X(I64Store16,    "i64.store16",   0x3D, MemoryArgument2, I32I64_)            \
  X(I64Store32,    "i64.store32",   0x3E, MemoryArgument4, I32I64_)

#define ANEW_ONE_BYTE_NUMERIC_OPERATORS(X)                                     \
  X(I32Eqz,        "i32.eqz",       0x45, None, I32_I32)                       \
  X(I32Eq,         "i32.eq",        0x46, None, I32I32_I32)                    \
  X(I32Ne,         "i32.ne",        0x47, None, I32I32_I32)                    \
  X(I32LtS,        "i32.lt_s",      0x48, None, I32I32_I32)                    \
  X(I32LtU,        "i32.lt_u",      0x49, None, I32I32_I32)                    \
  X(I32GtS,        "i32.gt_s",      0x4A, None, I32I32_I32)                    \
  X(I32GtU,        "i32.gt_u",      0x4B, None, I32I32_I32)                    \
  X(I32LeS,        "i32.le_s",      0x4C, None, I32I32_I32)                    \
  X(I32LeU,        "i32.le_u",      0x4D, None, I32I32_I32)                    \
  X(I32GeS,        "i32.ge_s",      0x4E, None, I32I32_I32)                    \
  X(I32GeU,        "i32.ge_u",      0x4F, None, I32I32_I32)                    \
  X(I64Eqz,        "i64.eqz",       0x50, None, I64_I32)                       \
  X(I64Eq,         "i64.eq",        0x51, None, I64I64_I32)                    \
  X(I64Ne,         "i64.ne",        0x52, None, I64I64_I32)                    \
  X(I64LtS,        "i64.lt_s",      0x53, None, I64I64_I32)                    \
  X(I64LtU,        "i64.lt_u",      0x54, None, I64I64_I32)                    \
  X(I64GtS,        "i64.gt_s",      0x55, None, I64I64_I32)                    \
  X(I64GtU,        "i64.gt_u",      0x56, None, I64I64_I32)                    \
  X(I64LeS,        "i64.le_s",      0x57, None, I64I64_I32)                    \
  X(I64LeU,        "i64.le_u",      0x58, None, I64I64_I32)                    \
  X(I64GeS,        "i64.ge_s",      0x59, None, I64I64_I32)                    \
  X(I64GeU,        "i64.ge_u",      0x5A, None, I64I64_I32)                    \
  X(F32Eq,         "f32.eq",        0x5B, None, F32F32_I32)                    \
  X(F32Ne,         "f32.ne",        0x5C, None, F32F32_I32)                    \
  X(F32Lt,         "f32.lt",        0x5D, None, F32F32_I32)                    \
  X(F32Gt,         "f32.gt",        0x5E, None, F32F32_I32)                    \
  X(F32Le,         "f32.le",        0x5F, None, F32F32_I32)                    \
  X(F32Ge,         "f32.ge",        0x60, None, F32F32_I32)                    \
  X(F64Eq,         "f64.eq",        0x61, None, F64F64_I32)                    \
  X(F64Ne,         "f64.ne",        0x62, None, F64F64_I32)                    \
  X(F64Lt,         "f64.lt",        0x63, None, F64F64_I32)                    \
  X(F64Gt,         "f64.gt",        0x64, None, F64F64_I32)                    \
  X(F64Le,         "f64.le",        0x65, None, F64F64_I32)                    \
  X(F64Ge,         "f64.ge",        0x66, None, F64F64_I32)                    \
  X(I32Clz,        "i32.clz",       0x67, None, I32_I32)                       \
  X(I32Ctz,        "i32.ctz",       0x68, None, I32_I32)                       \
  X(I32Popcnt,     "i32.popcnt",    0x69, None, I32_I32)                       \
  X(I32Add,        "i32.add",       0x6A, None, I32I32_I32)                    \
  X(I32Sub,        "i32.sub",       0x6B, None, I32I32_I32)                    \
  X(I32Mul,        "i32.mul",       0x6C, None, I32I32_I32)                    \
  X(I32DivS,       "i32.div_s",     0x6D, None, I32I32_I32)                    \
  X(I32DivU,       "i32.div_u",     0x6E, None, I32I32_I32)                    \
  X(I32RemS,       "i32.rem_s",     0x6F, None, I32I32_I32)                    \
  X(I32RemU,       "i32.rem_u",     0x70, None, I32I32_I32)                    \
  X(I32And,        "i32.and",       0x71, None, I32I32_I32)                    \
  X(I32Or,         "i32.or",        0x72, None, I32I32_I32)                    \
  X(I32Xor,        "i32.xor",       0x73, None, I32I32_I32)                    \
  X(I32Shl,        "i32.shl",       0x74, None, I32I32_I32)                    \
  X(I32ShrS,       "i32.shr_s",     0x75, None, I32I32_I32)                    \
  X(I32ShrU,       "i32.shr_u",     0x76, None, I32I32_I32)                    \
  X(I32Rotl,       "i32.rotl",      0x77, None, I32I32_I32)                    \
  X(I32Rotr,       "i32.rotr",      0x78, None, I32I32_I32)                    \
  X(I64Clz,        "i64.clz",       0x79, None, I64_I64)                       \
  X(I64Ctz,        "i64.ctz",       0x7A, None, I64_I64)                       \
  X(I64Popcnt,     "i64.popcnt",    0x7B, None, I64_I64)                       \
  X(I64Add,        "i64.add",       0x7C, None, I64I64_I64)                    \
  X(I64Sub,        "i64.sub",       0x7D, None, I64I64_I64)                    \
  X(I64Mul,        "i64.mul",       0x7E, None, I64I64_I64)                    \
  X(I64DivS,       "i64.div_s",     0x7F, None, I64I64_I64)                    \
  X(I64DivU,       "i64.div_u",     0x80, None, I64I64_I64)                    \
  X(I64RemS,       "i64.rem_s",     0x81, None, I64I64_I64)                    \
  X(I64RemU,       "i64.rem_u",     0x82, None, I64I64_I64)                    \
  X(I64And,        "i64.and",       0x83, None, I64I64_I64)                    \
  X(I64Or,         "i64.or",        0x84, None, I64I64_I64)                    \
  X(I64Xor,        "i64.xor",       0x85, None, I64I64_I64)                    \
  X(I64Shl,        "i64.shl",       0x86, None, I64I64_I64)                    \
  X(I64ShrS,       "i64.shr_s",     0x87, None, I64I64_I64)                    \
  X(I64ShrU,       "i64.shr_u",     0x88, None, I64I64_I64)                    \
  X(I64Rotl,       "i64.rotl",      0x89, None, I64I64_I64)                    \
  X(I64Rotr,       "i64.rotr",      0x8A, None, I64I64_I64)                    \
  X(F32Abs,        "f32.abs",       0x8B, None, F32_F32)                       \
  X(F32Neg,        "f32.neg",       0x8C, None, F32_F32)                       \
  X(F32Ceil,       "f32.ceil",      0x8D, None, F32_F32)                       \
  X(F32Floor,      "f32.floor",     0x8E, None, F32_F32)                       \
  X(F32Trunc,      "f32.trunc",     0x8F, None, F32_F32)                       \
  X(F32Nearest,    "f32.nearest",   0x90, None, F32_F32)                       \
  X(F32Sqrt,       "f32.sqrt",      0x91, None, F32_F32)                       \
  X(F32Add,        "f32.add",       0x92, None, F32F32_F32)                    \
  X(F32Sub,        "f32.sub",       0x93, None, F32F32_F32)                    \
  X(F32Mul,        "f32.mul",       0x94, None, F32F32_F32)                    \
  X(F32Div,        "f32.div",       0x95, None, F32F32_F32)                    \
  X(F32Min,        "f32.min",       0x96, None, F32F32_F32)                    \
  X(F32Max,        "f32.max",       0x97, None, F32F32_F32)                    \
  X(F32Copysign,   "f32.copysign",  0x98, None, F32F32_F32)                    \
  X(F64Abs,        "f64.abs",       0x99, None, F64_F64)                       \
  X(F64Neg,        "f64.neg",       0x9A, None, F64_F64)                       \
  X(F64Ceil,       "f64.ceil",      0x9B, None, F64_F64)                       \
  X(F64Floor,      "f64.floor",     0x9C, None, F64_F64)                       \
  X(F64Trunc,      "f64.trunc",     0x9D, None, F64_F64)                       \
  X(F64Nearest,    "f64.nearest",   0x9E, None, F64_F64)                       \
  X(F64Sqrt,       "f64.sqrt",      0x9F, None, F64_F64)                       \
  X(F64Add,        "f64.add",       0xA0, None, F64F64_F64)                    \
  X(F64Sub,        "f64.sub",       0xA1, None, F64F64_F64)                    \
  X(F64Mul,        "f64.mul",       0xA2, None, F64F64_F64)                    \
  X(F64Div,        "f64.div",       0xA3, None, F64F64_F64)                    \
  X(F64Min,        "f64.min",       0xA4, None, F64F64_F64)                    \
  X(F64Max,        "f64.max",       0xA5, None, F64F64_F64)                    \
  X(F64Copysign,   "f64.copysign",  0xA6, None, F64F64_F64)                    \
  X(I32WrapI64,        "i32.wrap_i64",        0xA7, None, I64_I32)             \
  X(I32TruncF32S,      "i32.trunc_f32_s",     0xA8, None, F32_I32)             \
  X(I32TruncF32U,      "i32.trunc_f32_u",     0xA9, None, F32_I32)             \
  X(I32TruncF64S,      "i32.trunc_f64_s",     0xAA, None, F64_I32)             \
  X(I32TruncF64U,      "i32.trunc_f64_u",     0xAB, None, F64_I32)             \
  X(I64ExtendI32S,     "i64.extend_i32_s",    0xAC, None, I32_I64)             \
  X(I64ExtendI32U,     "i64.extend_i32_u",    0xAD, None, I32_I64)             \
  X(I64TruncF32S,      "i64.trunc_f32_s",     0xAE, None, F32_I64)             \
  X(I64TruncF32U,      "i64.trunc_f32_u",     0xAF, None, F32_I64)             \
  X(I64TruncF64S,      "i64.trunc_f64_s",     0xB0, None, F64_I64)             \
  X(I64TruncF64U,      "i64.trunc_f64_u",     0xB1, None, F64_I64)             \
  X(F32ConvertI32S,    "f32.convert_i32_s",   0xB2, None, I32_F32)             \
  X(F32ConvertI32U,    "f32.convert_i32_u",   0xB3, None, I32_F32)             \
  X(F32ConvertI64S,    "f32.convert_i64_s",   0xB4, None, I64_F32)             \
  X(F32ConvertI64U,    "f32.convert_i64_u",   0xB5, None, I64_F32)             \
  X(F32DemoteF64,      "f32.demote_f64",      0xB6, None, F64_F32)             \
  X(F64ConvertI32S,    "f64.convert_i32_s",   0xB7, None, I32_F64)             \
  X(F64ConvertI32U,    "f64.convert_i32_u",   0xB8, None, I32_F64)             \
  X(F64ConvertI64S,    "f64.convert_i64_s",   0xB9, None, I64_F64)             \
  X(F64ConvertI64U,    "f64.convert_i64_u",   0xBA, None, I64_F64)             \
  X(F64PromoteF32,     "f64.promote_f32",     0xBB, None, F32_F64)             \
  X(I32ReinterpretF32, "i32.reinterpret_f32", 0xBC, None, F32_I32)             \
  X(I64ReinterpretF64, "i64.reinterpret_f64", 0xBD, None, F64_I64)             \
  X(F32ReinterpretI32, "f32.reinterpret_i32", 0xBE, None, I32_F32)             \
  X(F64ReinterpretI64, "f64.reinterpret_i64", 0xBF, None, I64_F64)             \
  X(I32Extend8S,       "i32.extend8_s",       0xC0, None, I32_I32)             \
  X(I32Extend16S,      "i32.extend16_s",      0xC1, None, I32_I32)             \
  X(I64Extend8S,       "i64.extend8_s",       0xC2, None, I64_I64)             \
  X(I64Extend16S,      "i64.extend16_s",      0xC3, None, I64_I64)             \
  X(I64Extend32S,      "i64.extend32_s",      0xC4, None, I64_I64)

#define ANEW_SATURATING_OPERATORS(X)                                           \
  X(I32TruncSatF32S,   "i32.trunc_sat_f32_s", 0xFC00, None, F32_I32)           \
  X(I32TruncSatF32U,   "i32.trunc_sat_f32_u", 0xFC01, None, F32_I32)           \
  X(I32TruncSatF64S,   "i32.trunc_sat_f64_s", 0xFC02, None, F64_I32)           \
  X(I32TruncSatF64U,   "i32.trunc_sat_f64_u", 0xFC03, None, F64_I32)           \
  X(I64TruncSatF32S,   "i64.trunc_sat_f32_s", 0xFC04, None, F32_I64)           \
  X(I64TruncSatF32U,   "i64.trunc_sat_f32_u", 0xFC05, None, F32_I64)           \
  X(I64TruncSatF64S,   "i64.trunc_sat_f64_s", 0xFC06, None, F64_I64)           \
  X(I64TruncSatF64U,   "i64.trunc_sat_f64_u", 0xFC07, None, F64_I64)

#define ANEW_NUMERIC_OPERATORS(X)    \
  ANEW_ONE_BYTE_NUMERIC_OPERATORS(X) \
  ANEW_SATURATING_OPERATORS(X)

// Vectors of 128 bits. Loads and stores of other shapes than the scalar ones; operators with one lane index, and with
// a memory argument and a lane index.
#define ANEW_VECTOR_LOAD_OPERATORS(X)                                          \
  X(V128Load,                  "v128.load",                        0xFD00, MemoryArgument16, I32_V128) \
  X(V128Load8x8S,              "v128.load8x8_s",                   0xFD01, MemoryArgument8, I32_V128) \
  X(V128Load8x8U,              "v128.load8x8_u",                   0xFD02, MemoryArgument8, I32_V128) \
  X(V128Load16x4S,             "v128.load16x4_s",                  0xFD03, MemoryArgument8, I32_V128) \
  X(V128Load16x4U,             "v128.load16x4_u",                  0xFD04, MemoryArgument8, I32_V128) \
  X(V128Load32x2S,             "v128.load32x2_s",                  0xFD05, MemoryArgument8, I32_V128) \
  X(V128Load32x2U,             "v128.load32x2_u",                  0xFD06, MemoryArgument8, I32_V128) \
  X(V128Load8Splat,            "v128.load8_splat",                 0xFD07, MemoryArgument1, I32_V128) \
  X(V128Load16Splat,           "v128.load16_splat",                0xFD08, MemoryArgument2, I32_V128) \
  X(V128Load32Splat,           "v128.load32_splat",                0xFD09, MemoryArgument4, I32_V128) \
  X(V128Load64Splat,           "v128.load64_splat",                0xFD0A, MemoryArgument8, I32_V128) \
  X(V128Load32Zero,            "v128.load32_zero",                 0xFD5C, MemoryArgument4, I32_V128) \
  X(V128Load64Zero,            "v128.load64_zero",                 0xFD5D, MemoryArgument8, I32_V128)

#define ANEW_VECTOR_STORE_OPERATORS(X)                                         \
  X(V128Store,                 "v128.store",                       0xFD0B, MemoryArgument16, I32V128_)

#define ANEW_VECTOR_NUMERIC_OPERATORS(X)                                       \
  X(I8x16Swizzle,              "i8x16.swizzle",                    0xFD0E, None, V128V128_V128) \
  X(I8x16Splat,                "i8x16.splat",                      0xFD0F, None, I32_V128) \
  X(I16x8Splat,                "i16x8.splat",                      0xFD10, None, I32_V128) \
  X(I32x4Splat,                "i32x4.splat",                      0xFD11, None, I32_V128) \
  X(I64x2Splat,                "i64x2.splat",                      0xFD12, None, I64_V128) \
  X(F32x4Splat,                "f32x4.splat",                      0xFD13, None, F32_V128) \
  X(F64x2Splat,                "f64x2.splat",                      0xFD14, None, F64_V128) \
  X(I8x16Eq,                   "i8x16.eq",                         0xFD23, None, V128V128_V128) \
  X(I8x16Ne,                   "i8x16.ne",                         0xFD24, None, V128V128_V128) \
  X(I8x16LtS,                  "i8x16.lt_s",                       0xFD25, None, V128V128_V128) \
  X(I8x16LtU,                  "i8x16.lt_u",                       0xFD26, None, V128V128_V128) \
  X(I8x16GtS,                  "i8x16.gt_s",                       0xFD27, None, V128V128_V128) \
  X(I8x16GtU,                  "i8x16.gt_u",                       0xFD28, None, V128V128_V128) \
  X(I8x16LeS,                  "i8x16.le_s",                       0xFD29, None, V128V128_V128) \
  X(I8x16LeU,                  "i8x16.le_u",                       0xFD2A, None, V128V128_V128) \
  X(I8x16GeS,                  "i8x16.ge_s",                       0xFD2B, None, V128V128_V128) \
  X(I8x16GeU,                  "i8x16.ge_u",                       0xFD2C, None, V128V128_V128) \
  X(I16x8Eq,                   "i16x8.eq",                         0xFD2D, None, V128V128_V128) \
  X(I16x8Ne,                   "i16x8.ne",                         0xFD2E, None, V128V128_V128) \
  X(I16x8LtS,                  "i16x8.lt_s",                       0xFD2F, None, V128V128_V128) \
  X(I16x8LtU,                  "i16x8.lt_u",                       0xFD30, None, V128V128_V128) \
  X(I16x8GtS,                  "i16x8.gt_s",                       0xFD31, None, V128V128_V128) \
  X(I16x8GtU,                  "i16x8.gt_u",                       0xFD32, None, V128V128_V128) \
  X(I16x8LeS,                  "i16x8.le_s",                       0xFD33, None, V128V128_V128) \
  X(I16x8LeU,                  "i16x8.le_u",                       0xFD34, None, V128V128_V128) \
  X(I16x8GeS,                  "i16x8.ge_s",                       0xFD35, None, V128V128_V128) \
  X(I16x8GeU,                  "i16x8.ge_u",                       0xFD36, None, V128V128_V128) \
  X(I32x4Eq,                   "i32x4.eq",                         0xFD37, None, V128V128_V128) \
  X(I32x4Ne,                   "i32x4.ne",                         0xFD38, None, V128V128_V128) \
  X(I32x4LtS,                  "i32x4.lt_s",                       0xFD39, None, V128V128_V128) \
  X(I32x4LtU,                  "i32x4.lt_u",                       0xFD3A, None, V128V128_V128) \
  X(I32x4GtS,                  "i32x4.gt_s",                       0xFD3B, None, V128V128_V128) \
  X(I32x4GtU,                  "i32x4.gt_u",                       0xFD3C, None, V128V128_V128) \
  X(I32x4LeS,                  "i32x4.le_s",                       0xFD3D, None, V128V128_V128) \
  X(I32x4LeU,                  "i32x4.le_u",                       0xFD3E, None, V128V128_V128) \
  X(I32x4GeS,                  "i32x4.ge_s",                       0xFD3F, None, V128V128_V128) \
  X(I32x4GeU,                  "i32x4.ge_u",                       0xFD40, None, V128V128_V128) \
  X(F32x4Eq,                   "f32x4.eq",                         0xFD41, None, V128V128_V128) \
  X(F32x4Ne,                   "f32x4.ne",                         0xFD42, None, V128V128_V128) \
  X(F32x4Lt,                   "f32x4.lt",                         0xFD43, None, V128V128_V128) \
  X(F32x4Gt,                   "f32x4.gt",                         0xFD44, None, V128V128_V128) \
  X(F32x4Le,                   "f32x4.le",                         0xFD45, None, V128V128_V128) \
  X(F32x4Ge,                   "f32x4.ge",                         0xFD46, None, V128V128_V128) \
  X(F64x2Eq,                   "f64x2.eq",                         0xFD47, None, V128V128_V128) \
  X(F64x2Ne,                   "f64x2.ne",                         0xFD48, None, V128V128_V128) \
  X(F64x2Lt,                   "f64x2.lt",                         0xFD49, None, V128V128_V128) \
  X(F64x2Gt,                   "f64x2.gt",                         0xFD4A, None, V128V128_V128) \
  X(F64x2Le,                   "f64x2.le",                         0xFD4B, None, V128V128_V128) \
  X(F64x2Ge,                   "f64x2.ge",                         0xFD4C, None, V128V128_V128) \
  X(V128Not,                   "v128.not",                         0xFD4D, None, V128_V128) \
  X(V128And,                   "v128.and",                         0xFD4E, None, V128V128_V128) \
  X(V128Andnot,                "v128.andnot",                      0xFD4F, None, V128V128_V128) \
  X(V128Or,                    "v128.or",                          0xFD50, None, V128V128_V128) \
  X(V128Xor,                   "v128.xor",                         0xFD51, None, V128V128_V128) \
  X(V128Bitselect,             "v128.bitselect",                   0xFD52, None, V128V128V128_V128) \
  X(V128AnyTrue,               "v128.any_true",                    0xFD53, None, V128_I32) \
  X(F32x4DemoteF64x2Zero,      "f32x4.demote_f64x2_zero",          0xFD5E, None, V128_V128) \
  X(F64x2PromoteLowF32x4,      "f64x2.promote_low_f32x4",          0xFD5F, None, V128_V128) \
  X(I8x16Abs,                  "i8x16.abs",                        0xFD60, None, V128_V128) \
  X(I8x16Neg,                  "i8x16.neg",                        0xFD61, None, V128_V128) \
  X(I8x16Popcnt,               "i8x16.popcnt",                     0xFD62, None, V128_V128) \
  X(I8x16AllTrue,              "i8x16.all_true",                   0xFD63, None, V128_I32) \
  X(I8x16Bitmask,              "i8x16.bitmask",                    0xFD64, None, V128_I32) \
  X(I8x16NarrowI16x8S,         "i8x16.narrow_i16x8_s",             0xFD65, None, V128V128_V128) \
  X(I8x16NarrowI16x8U,         "i8x16.narrow_i16x8_u",             0xFD66, None, V128V128_V128) \
  X(F32x4Ceil,                 "f32x4.ceil",                       0xFD67, None, V128_V128) \
  X(F32x4Floor,                "f32x4.floor",                      0xFD68, None, V128_V128) \
  X(F32x4Trunc,                "f32x4.trunc",                      0xFD69, None, V128_V128) \
  X(F32x4Nearest,              "f32x4.nearest",                    0xFD6A, None, V128_V128) \
  X(I8x16Shl,                  "i8x16.shl",                        0xFD6B, None, V128I32_V128) \
  X(I8x16ShrS,                 "i8x16.shr_s",                      0xFD6C, None, V128I32_V128) \
  X(I8x16ShrU,                 "i8x16.shr_u",                      0xFD6D, None, V128I32_V128) \
  X(I8x16Add,                  "i8x16.add",                        0xFD6E, None, V128V128_V128) \
  X(I8x16AddSatS,              "i8x16.add_sat_s",                  0xFD6F, None, V128V128_V128) \
  X(I8x16AddSatU,              "i8x16.add_sat_u",                  0xFD70, None, V128V128_V128) \
  X(I8x16Sub,                  "i8x16.sub",                        0xFD71, None, V128V128_V128) \
  X(I8x16SubSatS,              "i8x16.sub_sat_s",                  0xFD72, None, V128V128_V128) \
  X(I8x16SubSatU,              "i8x16.sub_sat_u",                  0xFD73, None, V128V128_V128) \
  X(F64x2Ceil,                 "f64x2.ceil",                       0xFD74, None, V128_V128) \
  X(F64x2Floor,                "f64x2.floor",                      0xFD75, None, V128_V128) \
  X(I8x16MinS,                 "i8x16.min_s",                      0xFD76, None, V128V128_V128) \
  X(I8x16MinU,                 "i8x16.min_u",                      0xFD77, None, V128V128_V128) \
  X(I8x16MaxS,                 "i8x16.max_s",                      0xFD78, None, V128V128_V128) \
  X(I8x16MaxU,                 "i8x16.max_u",                      0xFD79, None, V128V128_V128) \
  X(F64x2Trunc,                "f64x2.trunc",                      0xFD7A, None, V128_V128) \
  X(I8x16AvgrU,                "i8x16.avgr_u",                     0xFD7B, None, V128V128_V128) \
  X(I16x8ExtaddPairwiseI8x16S, "i16x8.extadd_pairwise_i8x16_s",    0xFD7C, None, V128_V128) \
  X(I16x8ExtaddPairwiseI8x16U, "i16x8.extadd_pairwise_i8x16_u",    0xFD7D, None, V128_V128) \
  X(I32x4ExtaddPairwiseI16x8S, "i32x4.extadd_pairwise_i16x8_s",    0xFD7E, None, V128_V128) \
  X(I32x4ExtaddPairwiseI16x8U, "i32x4.extadd_pairwise_i16x8_u",    0xFD7F, None, V128_V128) \
  X(I16x8Abs,                  "i16x8.abs",                        0xFD80, None, V128_V128) \
  X(I16x8Neg,                  "i16x8.neg",                        0xFD81, None, V128_V128) \
  X(I16x8Q15mulrSatS,          "i16x8.q15mulr_sat_s",              0xFD82, None, V128V128_V128) \
  X(I16x8AllTrue,              "i16x8.all_true",                   0xFD83, None, V128_I32) \
  X(I16x8Bitmask,              "i16x8.bitmask",                    0xFD84, None, V128_I32) \
  X(I16x8NarrowI32x4S,         "i16x8.narrow_i32x4_s",             0xFD85, None, V128V128_V128) \
  X(I16x8NarrowI32x4U,         "i16x8.narrow_i32x4_u",             0xFD86, None, V128V128_V128) \
  X(I16x8ExtendLowI8x16S,      "i16x8.extend_low_i8x16_s",         0xFD87, None, V128_V128) \
  X(I16x8ExtendHighI8x16S,     "i16x8.extend_high_i8x16_s",        0xFD88, None, V128_V128) \
  X(I16x8ExtendLowI8x16U,      "i16x8.extend_low_i8x16_u",         0xFD89, None, V128_V128) \
  X(I16x8ExtendHighI8x16U,     "i16x8.extend_high_i8x16_u",        0xFD8A, None, V128_V128) \
  X(I16x8Shl,                  "i16x8.shl",                        0xFD8B, None, V128I32_V128) \
  X(I16x8ShrS,                 "i16x8.shr_s",                      0xFD8C, None, V128I32_V128) \
  X(I16x8ShrU,                 "i16x8.shr_u",                      0xFD8D, None, V128I32_V128) \
  X(I16x8Add,                  "i16x8.add",                        0xFD8E, None, V128V128_V128) \
  X(I16x8AddSatS,              "i16x8.add_sat_s",                  0xFD8F, None, V128V128_V128) \
  X(I16x8AddSatU,              "i16x8.add_sat_u",                  0xFD90, None, V128V128_V128) \
  X(I16x8Sub,                  "i16x8.sub",                        0xFD91, None, V128V128_V128) \
  X(I16x8SubSatS,              "i16x8.sub_sat_s",                  0xFD92, None, V128V128_V128) \
  X(I16x8SubSatU,              "i16x8.sub_sat_u",                  0xFD93, None, V128V128_V128) \
  X(F64x2Nearest,              "f64x2.nearest",                    0xFD94, None, V128_V128) \
  X(I16x8Mul,                  "i16x8.mul",                        0xFD95, None, V128V128_V128) \
  X(I16x8MinS,                 "i16x8.min_s",                      0xFD96, None, V128V128_V128) \
  X(I16x8MinU,                 "i16x8.min_u",                      0xFD97, None, V128V128_V128) \
  X(I16x8MaxS,                 "i16x8.max_s",                      0xFD98, None, V128V128_V128) \
  X(I16x8MaxU,                 "i16x8.max_u",                      0xFD99, None, V128V128_V128) \
  X(I16x8AvgrU,                "i16x8.avgr_u",                     0xFD9B, None, V128V128_V128) \
  X(I16x8ExtmulLowI8x16S,      "i16x8.extmul_low_i8x16_s",         0xFD9C, None, V128V128_V128) \
  X(I16x8ExtmulHighI8x16S,     "i16x8.extmul_high_i8x16_s",        0xFD9D, None, V128V128_V128) \
  X(I16x8ExtmulLowI8x16U,      "i16x8.extmul_low_i8x16_u",         0xFD9E, None, V128V128_V128) \
  X(I16x8ExtmulHighI8x16U,     "i16x8.extmul_high_i8x16_u",        0xFD9F, None, V128V128_V128) \
  X(I32x4Abs,                  "i32x4.abs",                        0xFDA0, None, V128_V128) \
  X(I32x4Neg,                  "i32x4.neg",                        0xFDA1, None, V128_V128) \
  X(I32x4AllTrue,              "i32x4.all_true",                   0xFDA3, None, V128_I32) \
  X(I32x4Bitmask,              "i32x4.bitmask",                    0xFDA4, None, V128_I32) \
  X(I32x4ExtendLowI16x8S,      "i32x4.extend_low_i16x8_s",         0xFDA7, None, V128_V128) \
  X(I32x4ExtendHighI16x8S,     "i32x4.extend_high_i16x8_s",        0xFDA8, None, V128_V128) \
  X(I32x4ExtendLowI16x8U,      "i32x4.extend_low_i16x8_u",         0xFDA9, None, V128_V128) \
  X(I32x4ExtendHighI16x8U,     "i32x4.extend_high_i16x8_u",        0xFDAA, None, V128_V128) \
  X(I32x4Shl,                  "i32x4.shl",                        0xFDAB, None, V128I32_V128) \
  X(I32x4ShrS,                 "i32x4.shr_s",                      0xFDAC, None, V128I32_V128) \
  X(I32x4ShrU,                 "i32x4.shr_u",                      0xFDAD, None, V128I32_V128) \
  X(I32x4Add,                  "i32x4.add",                        0xFDAE, None, V128V128_V128) \
  X(I32x4Sub,                  "i32x4.sub",                        0xFDB1, None, V128V128_V128) \
  X(I32x4Mul,                  "i32x4.mul",                        0xFDB5, None, V128V128_V128) \
  X(I32x4MinS,                 "i32x4.min_s",                      0xFDB6, None, V128V128_V128) \
  X(I32x4MinU,                 "i32x4.min_u",                      0xFDB7, None, V128V128_V128) \
  X(I32x4MaxS,                 "i32x4.max_s",                      0xFDB8, None, V128V128_V128) \
  X(I32x4MaxU,                 "i32x4.max_u",                      0xFDB9, None, V128V128_V128) \
  X(I32x4DotI16x8S,            "i32x4.dot_i16x8_s",                0xFDBA, None, V128V128_V128) \
  X(I32x4ExtmulLowI16x8S,      "i32x4.extmul_low_i16x8_s",         0xFDBC, None, V128V128_V128) \
  X(I32x4ExtmulHighI16x8S,     "i32x4.extmul_high_i16x8_s",        0xFDBD, None, V128V128_V128) \
  X(I32x4ExtmulLowI16x8U,      "i32x4.extmul_low_i16x8_u",         0xFDBE, None, V128V128_V128) \
  X(I32x4ExtmulHighI16x8U,     "i32x4.extmul_high_i16x8_u",        0xFDBF, None, V128V128_V128) \
  X(I64x2Abs,                  "i64x2.abs",                        0xFDC0, None, V128_V128) \
  X(I64x2Neg,                  "i64x2.neg",                        0xFDC1, None, V128_V128) \
  X(I64x2AllTrue,              "i64x2.all_true",                   0xFDC3, None, V128_I32) \
  X(I64x2Bitmask,              "i64x2.bitmask",                    0xFDC4, None, V128_I32) \
  X(I64x2ExtendLowI32x4S,      "i64x2.extend_low_i32x4_s",         0xFDC7, None, V128_V128) \
  X(I64x2ExtendHighI32x4S,     "i64x2.extend_high_i32x4_s",        0xFDC8, None, V128_V128) \
  X(I64x2ExtendLowI32x4U,      "i64x2.extend_low_i32x4_u",         0xFDC9, None, V128_V128) \
  X(I64x2ExtendHighI32x4U,     "i64x2.extend_high_i32x4_u",        0xFDCA, None, V128_V128) \
  X(I64x2Shl,                  "i64x2.shl",                        0xFDCB, None, V128I32_V128) \
  X(I64x2ShrS,                 "i64x2.shr_s",                      0xFDCC, None, V128I32_V128) \
  X(I64x2ShrU,                 "i64x2.shr_u",                      0xFDCD, None, V128I32_V128) \
  X(I64x2Add,                  "i64x2.add",                        0xFDCE, None, V128V128_V128) \
  X(I64x2Sub,                  "i64x2.sub",                        0xFDD1, None, V128V128_V128) \
  X(I64x2Mul,                  "i64x2.mul",                        0xFDD5, None, V128V128_V128) \
  X(I64x2Eq,                   "i64x2.eq",                         0xFDD6, None, V128V128_V128) \
  X(I64x2Ne,                   "i64x2.ne",                         0xFDD7, None, V128V128_V128) \
  X(I64x2LtS,                  "i64x2.lt_s",                       0xFDD8, None, V128V128_V128) \
  X(I64x2GtS,                  "i64x2.gt_s",                       0xFDD9, None, V128V128_V128) \
  X(I64x2LeS,                  "i64x2.le_s",                       0xFDDA, None, V128V128_V128) \
  X(I64x2GeS,                  "i64x2.ge_s",                       0xFDDB, None, V128V128_V128) \
  X(I64x2ExtmulLowI32x4S,      "i64x2.extmul_low_i32x4_s",         0xFDDC, None, V128V128_V128) \
  X(I64x2ExtmulHighI32x4S,     "i64x2.extmul_high_i32x4_s",        0xFDDD, None, V128V128_V128) \
  X(I64x2ExtmulLowI32x4U,      "i64x2.extmul_low_i32x4_u",         0xFDDE, None, V128V128_V128) \
  X(I64x2ExtmulHighI32x4U,     "i64x2.extmul_high_i32x4_u",        0xFDDF, None, V128V128_V128) \
  X(F32x4Abs,                  "f32x4.abs",                        0xFDE0, None, V128_V128) \
  X(F32x4Neg,                  "f32x4.neg",                        0xFDE1, None, V128_V128) \
  X(F32x4Sqrt,                 "f32x4.sqrt",                       0xFDE3, None, V128_V128) \
  X(F32x4Add,                  "f32x4.add",                        0xFDE4, None, V128V128_V128) \
  X(F32x4Sub,                  "f32x4.sub",                        0xFDE5, None, V128V128_V128) \
  X(F32x4Mul,                  "f32x4.mul",                        0xFDE6, None, V128V128_V128) \
  X(F32x4Div,                  "f32x4.div",                        0xFDE7, None, V128V128_V128) \
  X(F32x4Min,                  "f32x4.min",                        0xFDE8, None, V128V128_V128) \
  X(F32x4Max,                  "f32x4.max",                        0xFDE9, None, V128V128_V128) \
  X(F32x4Pmin,                 "f32x4.pmin",                       0xFDEA, None, V128V128_V128) \
  X(F32x4Pmax,                 "f32x4.pmax",                       0xFDEB, None, V128V128_V128) \
  X(F64x2Abs,                  "f64x2.abs",                        0xFDEC, None, V128_V128) \
  X(F64x2Neg,                  "f64x2.neg",                        0xFDED, None, V128_V128) \
  X(F64x2Sqrt,                 "f64x2.sqrt",                       0xFDEF, None, V128_V128) \
  X(F64x2Add,                  "f64x2.add",                        0xFDF0, None, V128V128_V128) \
  X(F64x2Sub,                  "f64x2.sub",                        0xFDF1, None, V128V128_V128) \
  X(F64x2Mul,                  "f64x2.mul",                        0xFDF2, None, V128V128_V128) \
  X(F64x2Div,                  "f64x2.div",                        0xFDF3, None, V128V128_V128) \
  X(F64x2Min,                  "f64x2.min",                        0xFDF4, None, V128V128_V128) \
  X(F64x2Max,                  "f64x2.max",                        0xFDF5, None, V128V128_V128) \
  X(F64x2Pmin,                 "f64x2.pmin",                       0xFDF6, None, V128V128_V128) \
  X(F64x2Pmax,                 "f64x2.pmax",                       0xFDF7, None, V128V128_V128) \
  X(I32x4TruncSatF32x4S,       "i32x4.trunc_sat_f32x4_s",          0xFDF8, None, V128_V128) \
  X(I32x4TruncSatF32x4U,       "i32x4.trunc_sat_f32x4_u",          0xFDF9, None, V128_V128) \
  X(F32x4ConvertI32x4S,        "f32x4.convert_i32x4_s",            0xFDFA, None, V128_V128) \
  X(F32x4ConvertI32x4U,        "f32x4.convert_i32x4_u",            0xFDFB, None, V128_V128) \
  X(I32x4TruncSatF64x2SZero,   "i32x4.trunc_sat_f64x2_s_zero",     0xFDFC, None, V128_V128) \
  X(I32x4TruncSatF64x2UZero,   "i32x4.trunc_sat_f64x2_u_zero",     0xFDFD, None, V128_V128) \
  X(F64x2ConvertLowI32x4S,     "f64x2.convert_low_i32x4_s",        0xFDFE, None, V128_V128) \
  X(F64x2ConvertLowI32x4U,     "f64x2.convert_low_i32x4_u",        0xFDFF, None, V128_V128) \
  X(I8x16RelaxedSwizzle,       "i8x16.relaxed_swizzle",            0xFF00, None, V128V128_V128) \
  X(I32x4RelaxedTruncF32x4S,   "i32x4.relaxed_trunc_f32x4_s",      0xFF01, None, V128_V128) \
  X(I32x4RelaxedTruncF32x4U,   "i32x4.relaxed_trunc_f32x4_u",      0xFF02, None, V128_V128) \
  X(I32x4RelaxedTruncF64x2SZero, "i32x4.relaxed_trunc_f64x2_s_zero", 0xFF03, None, V128_V128) \
  X(I32x4RelaxedTruncF64x2UZero, "i32x4.relaxed_trunc_f64x2_u_zero", 0xFF04, None, V128_V128) \
  X(F32x4RelaxedMadd,          "f32x4.relaxed_madd",               0xFF05, None, V128V128V128_V128) \
  X(F32x4RelaxedNmadd,         "f32x4.relaxed_nmadd",              0xFF06, None, V128V128V128_V128) \
  X(F64x2RelaxedMadd,          "f64x2.relaxed_madd",               0xFF07, None, V128V128V128_V128) \
  X(F64x2RelaxedNmadd,         "f64x2.relaxed_nmadd",              0xFF08, None, V128V128V128_V128) \
  X(I8x16RelaxedLaneselect,    "i8x16.relaxed_laneselect",         0xFF09, None, V128V128V128_V128) \
  X(I16x8RelaxedLaneselect,    "i16x8.relaxed_laneselect",         0xFF0A, None, V128V128V128_V128) \
  X(I32x4RelaxedLaneselect,    "i32x4.relaxed_laneselect",         0xFF0B, None, V128V128V128_V128) \
  X(I64x2RelaxedLaneselect,    "i64x2.relaxed_laneselect",         0xFF0C, None, V128V128V128_V128) \
  X(F32x4RelaxedMin,           "f32x4.relaxed_min",                0xFF0D, None, V128V128_V128) \
  X(F32x4RelaxedMax,           "f32x4.relaxed_max",                0xFF0E, None, V128V128_V128) \
  X(F64x2RelaxedMin,           "f64x2.relaxed_min",                0xFF0F, None, V128V128_V128) \
  X(F64x2RelaxedMax,           "f64x2.relaxed_max",                0xFF10, None, V128V128_V128) \
  X(I16x8RelaxedQ15mulrS,      "i16x8.relaxed_q15mulr_s",          0xFF11, None, V128V128_V128) \
  X(I16x8RelaxedDotI8x16I7x16S, "i16x8.relaxed_dot_i8x16_i7x16_s", 0xFF12, None, V128V128_V128) \
  X(I32x4RelaxedDotI8x16I7x16AddS, "i32x4.relaxed_dot_i8x16_i7x16_add_s", 0xFF13, None, V128V128V128_V128)

#define ANEW_LANE_OPERATORS(X)                                                 \
  X(I8x16ExtractLaneS,         "i8x16.extract_lane_s",             0xFD15, Lane16, V128_I32) \
  X(I8x16ExtractLaneU,         "i8x16.extract_lane_u",             0xFD16, Lane16, V128_I32) \
  X(I8x16ReplaceLane,          "i8x16.replace_lane",               0xFD17, Lane16, V128I32_V128) \
  X(I16x8ExtractLaneS,         "i16x8.extract_lane_s",             0xFD18, Lane8, V128_I32) \
  X(I16x8ExtractLaneU,         "i16x8.extract_lane_u",             0xFD19, Lane8, V128_I32) \
  X(I16x8ReplaceLane,          "i16x8.replace_lane",               0xFD1A, Lane8, V128I32_V128) \
  X(I32x4ExtractLane,          "i32x4.extract_lane",               0xFD1B, Lane4, V128_I32) \
  X(I32x4ReplaceLane,          "i32x4.replace_lane",               0xFD1C, Lane4, V128I32_V128) \
  X(I64x2ExtractLane,          "i64x2.extract_lane",               0xFD1D, Lane2, V128_I64) \
  X(I64x2ReplaceLane,          "i64x2.replace_lane",               0xFD1E, Lane2, V128I64_V128) \
  X(F32x4ExtractLane,          "f32x4.extract_lane",               0xFD1F, Lane4, V128_F32) \
  X(F32x4ReplaceLane,          "f32x4.replace_lane",               0xFD20, Lane4, V128F32_V128) \
  X(F64x2ExtractLane,          "f64x2.extract_lane",               0xFD21, Lane2, V128_F64) \
  X(F64x2ReplaceLane,          "f64x2.replace_lane",               0xFD22, Lane2, V128F64_V128)

#define ANEW_LOAD_LANE_OPERATORS(X)                                            \
  X(V128Load8Lane,             "v128.load8_lane",                  0xFD54, MemoryLane1, I32V128_V128) \
  X(V128Load16Lane,            "v128.load16_lane",                 0xFD55, MemoryLane2, I32V128_V128) \
  X(V128Load32Lane,            "v128.load32_lane",                 0xFD56, MemoryLane4, I32V128_V128) \
  X(V128Load64Lane,            "v128.load64_lane",                 0xFD57, MemoryLane8, I32V128_V128)

#define ANEW_STORE_LANE_OPERATORS(X)                                           \
  X(V128Store8Lane,            "v128.store8_lane",                 0xFD58, MemoryLane1, I32V128_) \
  X(V128Store16Lane,           "v128.store16_lane",                0xFD59, MemoryLane2, I32V128_) \
  X(V128Store32Lane,           "v128.store32_lane",                0xFD5A, MemoryLane4, I32V128_) \
  X(V128Store64Lane,           "v128.store64_lane",                0xFD5B, MemoryLane8, I32V128_)

// Atomic accesses (threads), on memory that is not shared.
#define ANEW_ATOMIC_OPERATORS(X)                                               \
  X(MemoryAtomicNotify,        "memory.atomic.notify",             0xFE00, MemoryArgument4, I32I32_I32) \
  X(MemoryAtomicWait32,        "memory.atomic.wait32",             0xFE01, MemoryArgument4, I32I32I64_I32) \
  X(MemoryAtomicWait64,        "memory.atomic.wait64",             0xFE02, MemoryArgument8, I32I64I64_I32) \
  X(I32AtomicLoad,             "i32.atomic.load",                  0xFE10, MemoryArgument4, I32_I32) \
  X(I64AtomicLoad,             "i64.atomic.load",                  0xFE11, MemoryArgument8, I32_I64) \
  X(I32AtomicLoad8U,           "i32.atomic.load8_u",               0xFE12, MemoryArgument1, I32_I32) \
  X(I32AtomicLoad16U,          "i32.atomic.load16_u",              0xFE13, MemoryArgument2, I32_I32) \
  X(I64AtomicLoad8U,           "i64.atomic.load8_u",               0xFE14, MemoryArgument1, I32_I64) \
  X(I64AtomicLoad16U,          "i64.atomic.load16_u",              0xFE15, MemoryArgument2, I32_I64) \
  X(I64AtomicLoad32U,          "i64.atomic.load32_u",              0xFE16, MemoryArgument4, I32_I64) \
  X(I32AtomicStore,            "i32.atomic.store",                 0xFE17, MemoryArgument4, I32I32_) \
  X(I64AtomicStore,            "i64.atomic.store",                 0xFE18, MemoryArgument8, I32I64_) \
  X(I32AtomicStore8,           "i32.atomic.store8",                0xFE19, MemoryArgument1, I32I32_) \
  X(I32AtomicStore16,          "i32.atomic.store16",               0xFE1A, MemoryArgument2, I32I32_) \
  X(I64AtomicStore8,           "i64.atomic.store8",                0xFE1B, MemoryArgument1, I32I64_) \
  X(I64AtomicStore16,          "i64.atomic.store16",               0xFE1C, MemoryArgument2, I32I64_) \
  X(I64AtomicStore32,          "i64.atomic.store32",               0xFE1D, MemoryArgument4, I32I64_) \
  X(I32AtomicRmwAdd,           "i32.atomic.rmw.add",               0xFE1E, MemoryArgument4, I32I32_I32) \
  X(I64AtomicRmwAdd,           "i64.atomic.rmw.add",               0xFE1F, MemoryArgument8, I32I64_I64) \
  X(I32AtomicRmw8AddU,         "i32.atomic.rmw8.add_u",            0xFE20, MemoryArgument1, I32I32_I32) \
  X(I32AtomicRmw16AddU,        "i32.atomic.rmw16.add_u",           0xFE21, MemoryArgument2, I32I32_I32) \
  X(I64AtomicRmw8AddU,         "i64.atomic.rmw8.add_u",            0xFE22, MemoryArgument1, I32I64_I64) \
  X(I64AtomicRmw16AddU,        "i64.atomic.rmw16.add_u",           0xFE23, MemoryArgument2, I32I64_I64) \
  X(I64AtomicRmw32AddU,        "i64.atomic.rmw32.add_u",           0xFE24, MemoryArgument4, I32I64_I64) \
  X(I32AtomicRmwSub,           "i32.atomic.rmw.sub",               0xFE25, MemoryArgument4, I32I32_I32) \
  X(I64AtomicRmwSub,           "i64.atomic.rmw.sub",               0xFE26, MemoryArgument8, I32I64_I64) \
  X(I32AtomicRmw8SubU,         "i32.atomic.rmw8.sub_u",            0xFE27, MemoryArgument1, I32I32_I32) \
  X(I32AtomicRmw16SubU,        "i32.atomic.rmw16.sub_u",           0xFE28, MemoryArgument2, I32I32_I32) \
  X(I64AtomicRmw8SubU,         "i64.atomic.rmw8.sub_u",            0xFE29, MemoryArgument1, I32I64_I64) \
  X(I64AtomicRmw16SubU,        "i64.atomic.rmw16.sub_u",           0xFE2A, MemoryArgument2, I32I64_I64) \
  X(I64AtomicRmw32SubU,        "i64.atomic.rmw32.sub_u",           0xFE2B, MemoryArgument4, I32I64_I64) \
  X(I32AtomicRmwAnd,           "i32.atomic.rmw.and",               0xFE2C, MemoryArgument4, I32I32_I32) \
  X(I64AtomicRmwAnd,           "i64.atomic.rmw.and",               0xFE2D, MemoryArgument8, I32I64_I64) \
  X(I32AtomicRmw8AndU,         "i32.atomic.rmw8.and_u",            0xFE2E, MemoryArgument1, I32I32_I32) \
  X(I32AtomicRmw16AndU,        "i32.atomic.rmw16.and_u",           0xFE2F, MemoryArgument2, I32I32_I32) \
  X(I64AtomicRmw8AndU,         "i64.atomic.rmw8.and_u",            0xFE30, MemoryArgument1, I32I64_I64) \
  X(I64AtomicRmw16AndU,        "i64.atomic.rmw16.and_u",           0xFE31, MemoryArgument2, I32I64_I64) \
  X(I64AtomicRmw32AndU,        "i64.atomic.rmw32.and_u",           0xFE32, MemoryArgument4, I32I64_I64) \
  X(I32AtomicRmwOr,            "i32.atomic.rmw.or",                0xFE33, MemoryArgument4, I32I32_I32) \
  X(I64AtomicRmwOr,            "i64.atomic.rmw.or",                0xFE34, MemoryArgument8, I32I64_I64) \
  X(I32AtomicRmw8OrU,          "i32.atomic.rmw8.or_u",             0xFE35, MemoryArgument1, I32I32_I32) \
  X(I32AtomicRmw16OrU,         "i32.atomic.rmw16.or_u",            0xFE36, MemoryArgument2, I32I32_I32) \
  X(I64AtomicRmw8OrU,          "i64.atomic.rmw8.or_u",             0xFE37, MemoryArgument1, I32I64_I64) \
  X(I64AtomicRmw16OrU,         "i64.atomic.rmw16.or_u",            0xFE38, MemoryArgument2, I32I64_I64) \
  X(I64AtomicRmw32OrU,         "i64.atomic.rmw32.or_u",            0xFE39, MemoryArgument4, I32I64_I64) \
  X(I32AtomicRmwXor,           "i32.atomic.rmw.xor",               0xFE3A, MemoryArgument4, I32I32_I32) \
  X(I64AtomicRmwXor,           "i64.atomic.rmw.xor",               0xFE3B, MemoryArgument8, I32I64_I64) \
  X(I32AtomicRmw8XorU,         "i32.atomic.rmw8.xor_u",            0xFE3C, MemoryArgument1, I32I32_I32) \
  X(I32AtomicRmw16XorU,        "i32.atomic.rmw16.xor_u",           0xFE3D, MemoryArgument2, I32I32_I32) \
  X(I64AtomicRmw8XorU,         "i64.atomic.rmw8.xor_u",            0xFE3E, MemoryArgument1, I32I64_I64) \
  X(I64AtomicRmw16XorU,        "i64.atomic.rmw16.xor_u",           0xFE3F, MemoryArgument2, I32I64_I64) \
  X(I64AtomicRmw32XorU,        "i64.atomic.rmw32.xor_u",           0xFE40, MemoryArgument4, I32I64_I64) \
  X(I32AtomicRmwXchg,          "i32.atomic.rmw.xchg",              0xFE41, MemoryArgument4, I32I32_I32) \
  X(I64AtomicRmwXchg,          "i64.atomic.rmw.xchg",              0xFE42, MemoryArgument8, I32I64_I64) \
  X(I32AtomicRmw8XchgU,        "i32.atomic.rmw8.xchg_u",           0xFE43, MemoryArgument1, I32I32_I32) \
  X(I32AtomicRmw16XchgU,       "i32.atomic.rmw16.xchg_u",          0xFE44, MemoryArgument2, I32I32_I32) \
  X(I64AtomicRmw8XchgU,        "i64.atomic.rmw8.xchg_u",           0xFE45, MemoryArgument1, I32I64_I64) \
  X(I64AtomicRmw16XchgU,       "i64.atomic.rmw16.xchg_u",          0xFE46, MemoryArgument2, I32I64_I64) \
  X(I64AtomicRmw32XchgU,       "i64.atomic.rmw32.xchg_u",          0xFE47, MemoryArgument4, I32I64_I64) \
  X(I32AtomicRmwCmpxchg,       "i32.atomic.rmw.cmpxchg",           0xFE48, MemoryArgument4, I32I32I32_I32) \
  X(I64AtomicRmwCmpxchg,       "i64.atomic.rmw.cmpxchg",           0xFE49, MemoryArgument8, I32I64I64_I64) \
  X(I32AtomicRmw8CmpxchgU,     "i32.atomic.rmw8.cmpxchg_u",        0xFE4A, MemoryArgument1, I32I32I32_I32) \
  X(I32AtomicRmw16CmpxchgU,    "i32.atomic.rmw16.cmpxchg_u",       0xFE4B, MemoryArgument2, I32I32I32_I32) \
  X(I64AtomicRmw8CmpxchgU,     "i64.atomic.rmw8.cmpxchg_u",        0xFE4C, MemoryArgument1, I32I64I64_I64) \
  X(I64AtomicRmw16CmpxchgU,    "i64.atomic.rmw16.cmpxchg_u",       0xFE4D, MemoryArgument2, I32I64I64_I64) \
  X(I64AtomicRmw32CmpxchgU,    "i64.atomic.rmw32.cmpxchg_u",       0xFE4E, MemoryArgument4, I32I64I64_I64)
// clang-format on

#define ANEW_OPERATORS(X)          \
  ANEW_CONTROL_OPERATORS(X)        \
  ANEW_LOAD_OPERATORS(X)           \
  ANEW_STORE_OPERATORS(X)          \
  ANEW_NUMERIC_OPERATORS(X)        \
  ANEW_VECTOR_LOAD_OPERATORS(X)    \
  ANEW_VECTOR_STORE_OPERATORS(X)   \
  ANEW_VECTOR_NUMERIC_OPERATORS(X) \
  ANEW_LANE_OPERATORS(X)           \
  ANEW_LOAD_LANE_OPERATORS(X)      \
  ANEW_STORE_LANE_OPERATORS(X)     \
  ANEW_ATOMIC_OPERATORS(X)

namespace anew::wasm {

enum class Op : std::uint16_t {
#define ANEW_X(name, text, code, immediate, signature) k##name = (code),
  ANEW_OPERATORS(ANEW_X)
#undef ANEW_X
};

/// Whether it is one of the operators on vectors, by its code.
[[nodiscard]] constexpr bool is_vector_operator(Op op) noexcept {
  const unsigned prefix = static_cast<unsigned>(op) >> 8;  // an unsigned 16-bit code
  return prefix == 0xFD || prefix == 0xFF;
}

/// The operator's name in the text format, or "" for a code that is none.
[[nodiscard]] std::string_view to_string(Op op) noexcept;

/// Why Anew does not run an operator that WebAssembly has, or had, with this opcode or prefix byte; "" for any other.
/// @param sub_opcode  behind a prefix.
[[nodiscard]] std::string_view why_unsupported(std::uint8_t opcode, std::uint32_t sub_opcode) noexcept;

}  // namespace anew::wasm
