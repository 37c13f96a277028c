// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vector operators of the quick tier (specification, 4.3.5 and 4.4.3): the operands, the operators that are one
// instruction, and constants. Only VEX encodings are emitted: they clear what lies above 128 bits, and never wait for
// it.
//
// What the specification leaves open for the relaxed operators is decided here, the same for every processor:
//
//   i8x16.relaxed_swizzle                    as i8x16.swizzle
//   i32x4.relaxed_trunc_*                    as i32x4.trunc_sat_*
//   *.relaxed_madd, relaxed_nmadd            fused: rounded once
//   *.relaxed_laneselect                     as v128.bitselect
//   *.relaxed_min, relaxed_max               as *.min, *.max
//   i16x8.relaxed_q15mulr_s                  as i16x8.q15mulr_sat_s
//   i16x8.relaxed_dot_i8x16_i7x16_s          the second operand's bytes are unsigned, the sums of two products saturate
//   i32x4.relaxed_dot_i8x16_i7x16_add_s      the same; their sums by two, and the third operand, are added modulo 2^32
#include <algorithm>
#include <array>
#include <cassert>

#include "codegen/quick/x86_64/operators.hpp"
#include "codegen/quick/x86_64/vectors.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;
namespace Inst = asmjit::x86::Inst;

namespace {

/// An operator that is one instruction.
struct OneInstruction {
  enum class Form : std::uint8_t { kNone, kUnary, kBinary, kSwapped /* the second operand comes first */ };
  Form form = Form::kNone;
  bool has_immediate = false;
  std::uint8_t immediate = 0;
  asmjit::InstId inst = 0;
};

/// Sub-opcodes of prefix 0xFD; the operator table keeps those from 256 on at prefix 0xFF.
constexpr std::size_t index_of(Op op) noexcept {
  const auto code = static_cast<std::size_t>(op);  // an unsigned 16-bit code
  return (code & 0xFF) + (code >> 8 == 0xFF ? 0x100 : 0);
}

// Rounding modes of vround, with its flag to raise no inexact exception.
constexpr std::uint8_t kNearest = 8, kFloor = 9, kCeil = 10, kTrunc = 11;
// Predicates of vcmp that raise no exception for quiet NaNs. But for "not equal", unordered lanes compare false.
constexpr std::uint8_t kEqual = 0x00, kNotEqual = 0x04, kLess = 0x11, kLessEqual = 0x12, kGreaterEqual = 0x1D,
                       kGreater = 0x1E;

constexpr auto kOneInstruction = [] {
  std::array<OneInstruction, 0x120> table{};
  auto unary = [&](Op op, asmjit::InstId inst) {
    table[index_of(op)] = {OneInstruction::Form::kUnary, false, 0, inst};
  };
  auto binary = [&](Op op, asmjit::InstId inst) {
    table[index_of(op)] = {OneInstruction::Form::kBinary, false, 0, inst};
  };
  auto swapped = [&](Op op, asmjit::InstId inst) {
    table[index_of(op)] = {OneInstruction::Form::kSwapped, false, 0, inst};
  };
  auto round = [&](Op op, asmjit::InstId inst, std::uint8_t mode) {
    table[index_of(op)] = {OneInstruction::Form::kUnary, true, mode, inst};
  };
  auto compare = [&](Op op, asmjit::InstId inst, std::uint8_t predicate) {
    table[index_of(op)] = {OneInstruction::Form::kBinary, true, predicate, inst};
  };

  binary(Op::kV128And, Inst::kIdVpand);
  binary(Op::kV128Or, Inst::kIdVpor);
  binary(Op::kV128Xor, Inst::kIdVpxor);
  swapped(Op::kV128Andnot, Inst::kIdVpandn);  // the instruction inverts its first operand

  binary(Op::kI8x16Eq, Inst::kIdVpcmpeqb);
  binary(Op::kI8x16GtS, Inst::kIdVpcmpgtb);
  swapped(Op::kI8x16LtS, Inst::kIdVpcmpgtb);
  binary(Op::kI8x16Add, Inst::kIdVpaddb);
  binary(Op::kI8x16AddSatS, Inst::kIdVpaddsb);
  binary(Op::kI8x16AddSatU, Inst::kIdVpaddusb);
  binary(Op::kI8x16Sub, Inst::kIdVpsubb);
  binary(Op::kI8x16SubSatS, Inst::kIdVpsubsb);
  binary(Op::kI8x16SubSatU, Inst::kIdVpsubusb);
  binary(Op::kI8x16MinS, Inst::kIdVpminsb);
  binary(Op::kI8x16MinU, Inst::kIdVpminub);
  binary(Op::kI8x16MaxS, Inst::kIdVpmaxsb);
  binary(Op::kI8x16MaxU, Inst::kIdVpmaxub);
  binary(Op::kI8x16AvgrU, Inst::kIdVpavgb);
  unary(Op::kI8x16Abs, Inst::kIdVpabsb);
  binary(Op::kI8x16NarrowI16x8S, Inst::kIdVpacksswb);
  binary(Op::kI8x16NarrowI16x8U, Inst::kIdVpackuswb);

  binary(Op::kI16x8Eq, Inst::kIdVpcmpeqw);
  binary(Op::kI16x8GtS, Inst::kIdVpcmpgtw);
  swapped(Op::kI16x8LtS, Inst::kIdVpcmpgtw);
  binary(Op::kI16x8Add, Inst::kIdVpaddw);
  binary(Op::kI16x8AddSatS, Inst::kIdVpaddsw);
  binary(Op::kI16x8AddSatU, Inst::kIdVpaddusw);
  binary(Op::kI16x8Sub, Inst::kIdVpsubw);
  binary(Op::kI16x8SubSatS, Inst::kIdVpsubsw);
  binary(Op::kI16x8SubSatU, Inst::kIdVpsubusw);
  binary(Op::kI16x8Mul, Inst::kIdVpmullw);
  binary(Op::kI16x8MinS, Inst::kIdVpminsw);
  binary(Op::kI16x8MinU, Inst::kIdVpminuw);
  binary(Op::kI16x8MaxS, Inst::kIdVpmaxsw);
  binary(Op::kI16x8MaxU, Inst::kIdVpmaxuw);
  binary(Op::kI16x8AvgrU, Inst::kIdVpavgw);
  unary(Op::kI16x8Abs, Inst::kIdVpabsw);
  binary(Op::kI16x8NarrowI32x4S, Inst::kIdVpackssdw);
  binary(Op::kI16x8NarrowI32x4U, Inst::kIdVpackusdw);
  unary(Op::kI16x8ExtendLowI8x16S, Inst::kIdVpmovsxbw);
  unary(Op::kI16x8ExtendLowI8x16U, Inst::kIdVpmovzxbw);
  swapped(Op::kI16x8RelaxedDotI8x16I7x16S, Inst::kIdVpmaddubsw);  // its first operand is the unsigned one

  binary(Op::kI32x4Eq, Inst::kIdVpcmpeqd);
  binary(Op::kI32x4GtS, Inst::kIdVpcmpgtd);
  swapped(Op::kI32x4LtS, Inst::kIdVpcmpgtd);
  binary(Op::kI32x4Add, Inst::kIdVpaddd);
  binary(Op::kI32x4Sub, Inst::kIdVpsubd);
  binary(Op::kI32x4Mul, Inst::kIdVpmulld);
  binary(Op::kI32x4MinS, Inst::kIdVpminsd);
  binary(Op::kI32x4MinU, Inst::kIdVpminud);
  binary(Op::kI32x4MaxS, Inst::kIdVpmaxsd);
  binary(Op::kI32x4MaxU, Inst::kIdVpmaxud);
  binary(Op::kI32x4DotI16x8S, Inst::kIdVpmaddwd);
  unary(Op::kI32x4Abs, Inst::kIdVpabsd);
  unary(Op::kI32x4ExtendLowI16x8S, Inst::kIdVpmovsxwd);
  unary(Op::kI32x4ExtendLowI16x8U, Inst::kIdVpmovzxwd);

  binary(Op::kI64x2Eq, Inst::kIdVpcmpeqq);
  binary(Op::kI64x2GtS, Inst::kIdVpcmpgtq);
  swapped(Op::kI64x2LtS, Inst::kIdVpcmpgtq);
  binary(Op::kI64x2Add, Inst::kIdVpaddq);
  binary(Op::kI64x2Sub, Inst::kIdVpsubq);
  unary(Op::kI64x2ExtendLowI32x4S, Inst::kIdVpmovsxdq);
  unary(Op::kI64x2ExtendLowI32x4U, Inst::kIdVpmovzxdq);

  compare(Op::kF32x4Eq, Inst::kIdVcmpps, kEqual);
  compare(Op::kF32x4Ne, Inst::kIdVcmpps, kNotEqual);
  compare(Op::kF32x4Lt, Inst::kIdVcmpps, kLess);
  compare(Op::kF32x4Gt, Inst::kIdVcmpps, kGreater);
  compare(Op::kF32x4Le, Inst::kIdVcmpps, kLessEqual);
  compare(Op::kF32x4Ge, Inst::kIdVcmpps, kGreaterEqual);
  round(Op::kF32x4Ceil, Inst::kIdVroundps, kCeil);
  round(Op::kF32x4Floor, Inst::kIdVroundps, kFloor);
  round(Op::kF32x4Trunc, Inst::kIdVroundps, kTrunc);
  round(Op::kF32x4Nearest, Inst::kIdVroundps, kNearest);
  unary(Op::kF32x4Sqrt, Inst::kIdVsqrtps);
  binary(Op::kF32x4Add, Inst::kIdVaddps);
  binary(Op::kF32x4Sub, Inst::kIdVsubps);
  binary(Op::kF32x4Mul, Inst::kIdVmulps);
  binary(Op::kF32x4Div, Inst::kIdVdivps);
  swapped(Op::kF32x4Pmin, Inst::kIdVminps);  // unless first < second, the instruction gives the second: the wanted one
  swapped(Op::kF32x4Pmax, Inst::kIdVmaxps);
  unary(Op::kF32x4ConvertI32x4S, Inst::kIdVcvtdq2ps);
  unary(Op::kF32x4DemoteF64x2Zero, Inst::kIdVcvtpd2ps);

  compare(Op::kF64x2Eq, Inst::kIdVcmppd, kEqual);
  compare(Op::kF64x2Ne, Inst::kIdVcmppd, kNotEqual);
  compare(Op::kF64x2Lt, Inst::kIdVcmppd, kLess);
  compare(Op::kF64x2Gt, Inst::kIdVcmppd, kGreater);
  compare(Op::kF64x2Le, Inst::kIdVcmppd, kLessEqual);
  compare(Op::kF64x2Ge, Inst::kIdVcmppd, kGreaterEqual);
  round(Op::kF64x2Ceil, Inst::kIdVroundpd, kCeil);
  round(Op::kF64x2Floor, Inst::kIdVroundpd, kFloor);
  round(Op::kF64x2Trunc, Inst::kIdVroundpd, kTrunc);
  round(Op::kF64x2Nearest, Inst::kIdVroundpd, kNearest);
  unary(Op::kF64x2Sqrt, Inst::kIdVsqrtpd);
  binary(Op::kF64x2Add, Inst::kIdVaddpd);
  binary(Op::kF64x2Sub, Inst::kIdVsubpd);
  binary(Op::kF64x2Mul, Inst::kIdVmulpd);
  binary(Op::kF64x2Div, Inst::kIdVdivpd);
  swapped(Op::kF64x2Pmin, Inst::kIdVminpd);
  swapped(Op::kF64x2Pmax, Inst::kIdVmaxpd);
  unary(Op::kF64x2ConvertLowI32x4S, Inst::kIdVcvtdq2pd);
  unary(Op::kF64x2PromoteLowF32x4, Inst::kIdVcvtps2pd);
  return table;
}();

}  // namespace

void Operators::vector_numeric(Op op) {
  settle_flags();
  const OneInstruction& one = kOneInstruction[index_of(op)];
  if (one.form == OneInstruction::Form::kNone) return vector_integer(op);
  const bool is_unary = one.form == OneInstruction::Form::kUnary;
  const Vectors v = take_vectors(is_unary ? 1 : 2);
  const asmjit::Imm immediate = asmjit::imm(one.immediate);
  if (is_unary)
    one.has_immediate ? a_.emit(one.inst, v.to, v.a, immediate) : a_.emit(one.inst, v.to, v.a);
  else if (one.form == OneInstruction::Form::kSwapped)
    a_.emit(one.inst, v.to, v.b, v.a);
  else
    one.has_immediate ? a_.emit(one.inst, v.to, v.a, v.b, immediate) : a_.emit(one.inst, v.to, v.a, v.b);
  push_vector(v);
}

// --- Operands ---

Operators::Vectors Operators::take_vectors(std::uint32_t count) {
  std::array<Operand, 3> operands;
  assert(count <= operands.size());
  for (std::uint32_t i = count; i-- > 0;) operands[i] = pop();
  return use_vectors(std::span(operands).first(count));
}

Operators::Vectors Operators::use_vectors(std::span<const Operand> operands) {
  std::array<Xmm, 3> registers;
  Register result = kNoRegister;
  for (std::size_t i = operands.size(); i-- > 0;) {
    const Register reg = use(operands[i]);
    registers[i] = xmm(reg);
    // The register of a local stays the local's; that of anything else is ours.
    if (operands[i].kind != Operand::Kind::kLocal) result = reg;
  }
  if (result == kNoRegister) result = allocate(true);
  return {result, xmm(result), registers[0], registers[1], registers[2]};
}

void Operators::push_vector(const Vectors& vectors) {
  push_register(ValueType::kV128, vectors.result);
  release();
}

// --- Constants ---

void Operators::vector_constant(wasm::Vector bits) {
  settle_flags();
  const Register to = allocate(true);
  if (bits == splat64(0))
    a_.vpxor(xmm(to), xmm(to), xmm(to));
  else if (bits == splat64(~std::uint64_t{0}))
    a_.vpcmpeqd(xmm(to), xmm(to), xmm(to));
  else
    a_.vmovups(xmm(to), vector_in_code(bits));
  push_register(ValueType::kV128, to);
  release();
}

}  // namespace anew::codegen::quick
