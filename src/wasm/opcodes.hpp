// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The single truth about WebAssembly operators (specification, 5.4 and the appendix "Index of Instructions").
//
// ANEW_OPERATORS(X) expands X(name, text, code, immediate, signature) for each. Decoder, validator, code generator and
// printer are all driven by this table:
//   code       the opcode byte; for a prefixed operator, prefix << 8 | sub-opcode (sub-opcodes here are below 256)
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
  X(End,           "end",           0x0B, None,         Special)               \
  X(Br,            "br",            0x0C, Label,        Special)               \
  X(BrIf,          "br_if",         0x0D, Label,        Special)               \
  X(BrTable,       "br_table",      0x0E, BrTable,      Special)               \
  X(Return,        "return",        0x0F, None,         Special)               \
  X(Call,          "call",          0x10, Function,     Special)               \
  X(CallIndirect,  "call_indirect", 0x11, CallIndirect, Special)               \
  X(Drop,          "drop",          0x1A, None,         Special)               \
  X(Select,        "select",        0x1B, None,         Special)               \
  X(SelectTyped,   "select",        0x1C, SelectTypes,  Special)               \
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
  X(MemoryInit,    "memory.init",   0xFC08, DataMemory,   Special)             \
  X(DataDrop,      "data.drop",     0xFC09, Data,         Special)             \
  X(MemoryCopy,    "memory.copy",   0xFC0A, MemoryMemory, Special)             \
  X(MemoryFill,    "memory.fill",   0xFC0B, Memory,       Special)             \
  X(TableInit,     "table.init",    0xFC0C, ElementTable, Special)             \
  X(ElemDrop,      "elem.drop",     0xFC0D, Element,      Special)             \
  X(TableCopy,     "table.copy",    0xFC0E, TableTable,   Special)             \
  X(TableGrow,     "table.grow",    0xFC0F, Table,        Special)             \
  X(TableSize,     "table.size",    0xFC10, Table,        Special)             \
  X(TableFill,     "table.fill",    0xFC11, Table,        Special)

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

#define ANEW_NUMERIC_OPERATORS(X)                                              \
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
  X(I64Extend32S,      "i64.extend32_s",      0xC4, None, I64_I64)             \
  X(I32TruncSatF32S,   "i32.trunc_sat_f32_s", 0xFC00, None, F32_I32)           \
  X(I32TruncSatF32U,   "i32.trunc_sat_f32_u", 0xFC01, None, F32_I32)           \
  X(I32TruncSatF64S,   "i32.trunc_sat_f64_s", 0xFC02, None, F64_I32)           \
  X(I32TruncSatF64U,   "i32.trunc_sat_f64_u", 0xFC03, None, F64_I32)           \
  X(I64TruncSatF32S,   "i64.trunc_sat_f32_s", 0xFC04, None, F32_I64)           \
  X(I64TruncSatF32U,   "i64.trunc_sat_f32_u", 0xFC05, None, F32_I64)           \
  X(I64TruncSatF64S,   "i64.trunc_sat_f64_s", 0xFC06, None, F64_I64)           \
  X(I64TruncSatF64U,   "i64.trunc_sat_f64_u", 0xFC07, None, F64_I64)
// clang-format on

#define ANEW_OPERATORS(X)   \
  ANEW_CONTROL_OPERATORS(X) \
  ANEW_LOAD_OPERATORS(X)    \
  ANEW_STORE_OPERATORS(X)   \
  ANEW_NUMERIC_OPERATORS(X)

namespace anew::wasm {

enum class Op : std::uint16_t {
#define ANEW_X(name, text, code, immediate, signature) k##name = (code),
  ANEW_OPERATORS(ANEW_X)
#undef ANEW_X
};

/// The operator's name in the text format, or "" for a code that is none.
[[nodiscard]] std::string_view to_string(Op op) noexcept;

/// The WebAssembly feature that an opcode or prefix byte belongs to, if it is one that Anew does not run; else "".
[[nodiscard]] std::string_view unsupported_feature(std::uint8_t opcode) noexcept;

}  // namespace anew::wasm
