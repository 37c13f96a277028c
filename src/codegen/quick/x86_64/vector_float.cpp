// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vector operators on float lanes that take more than one instruction, and conversions of lanes.
#include <cassert>

#include "codegen/quick/x86_64/operators.hpp"
#include "codegen/quick/x86_64/vectors.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;
namespace Inst = asmjit::x86::Inst;

namespace {

// Floats by their bits.
constexpr std::uint32_t kTwoTo16As32 = 0x4780'0000;
constexpr std::uint32_t kTwoTo31As32 = 0x4F00'0000;
constexpr std::uint64_t kTwoTo52As64 = 0x4330'0000'0000'0000;
constexpr std::uint64_t kLargestI32As64 = 0x41DF'FFFF'FFC0'0000;
constexpr std::uint64_t kLargestU32As64 = 0x41EF'FFFF'FFE0'0000;

// Predicates of vcmp.
constexpr int kEqual = 0x00, kUnordered = 0x03, kGreaterEqual = 0x1D;
constexpr int kTrunc = 11;  // vround's mode, with its flag to raise no inexact exception

constexpr wasm::Vector sign_bits(bool is_64) noexcept {
  return is_64 ? splat64(std::uint64_t{1} << 63) : splat32(std::uint32_t{1} << 31);
}
constexpr wasm::Vector other_bits(bool is_64) noexcept {
  return is_64 ? splat64(~(std::uint64_t{1} << 63)) : splat32(~(std::uint32_t{1} << 31));
}

}  // namespace

void Operators::vector_float(Op op) {
  switch (op) {
    case Op::kF32x4Abs: return vector_float_bits(Inst::kIdVandps, other_bits(false));
    case Op::kF64x2Abs: return vector_float_bits(Inst::kIdVandpd, other_bits(true));
    case Op::kF32x4Neg: return vector_float_bits(Inst::kIdVxorps, sign_bits(false));
    case Op::kF64x2Neg: return vector_float_bits(Inst::kIdVxorpd, sign_bits(true));
    case Op::kF32x4Min:
    case Op::kF32x4RelaxedMin: return vector_min_max(false, true);
    case Op::kF32x4Max:
    case Op::kF32x4RelaxedMax: return vector_min_max(false, false);
    case Op::kF64x2Min:
    case Op::kF64x2RelaxedMin: return vector_min_max(true, true);
    case Op::kF64x2Max:
    case Op::kF64x2RelaxedMax: return vector_min_max(true, false);
    case Op::kF32x4RelaxedMadd: return vector_madd(Inst::kIdVfmadd213ps, Inst::kIdVfmadd231ps);
    case Op::kF64x2RelaxedMadd: return vector_madd(Inst::kIdVfmadd213pd, Inst::kIdVfmadd231pd);
    case Op::kF32x4RelaxedNmadd: return vector_madd(Inst::kIdVfnmadd213ps, Inst::kIdVfnmadd231ps);
    case Op::kF64x2RelaxedNmadd: return vector_madd(Inst::kIdVfnmadd213pd, Inst::kIdVfnmadd231pd);

    case Op::kI32x4TruncSatF32x4S:
    case Op::kI32x4RelaxedTruncF32x4S: return vector_trunc_32_signed();
    case Op::kI32x4TruncSatF32x4U:
    case Op::kI32x4RelaxedTruncF32x4U: return vector_trunc_32_unsigned();
    case Op::kI32x4TruncSatF64x2SZero:
    case Op::kI32x4RelaxedTruncF64x2SZero: return vector_trunc_64_signed();
    case Op::kI32x4TruncSatF64x2UZero:
    case Op::kI32x4RelaxedTruncF64x2UZero: return vector_trunc_64_unsigned();
    case Op::kF32x4ConvertI32x4U:
    case Op::kF64x2ConvertLowI32x4U: return vector_convert_unsigned(op == Op::kF64x2ConvertLowI32x4U);
    default: return vector_splat(op);
  }
}

// --- Arithmetic ---

void Operators::vector_float_bits(InstId inst, wasm::Vector bits) {
  const Vectors v = take_vectors(1);
  a_.emit(inst, v.to, v.a, vector_in_code(bits));
  push_vector(v);
}

// The processor's min and max return the second operand for NaN and for zeros of either sign. So take both orders:
// they differ in zeros, of which min wants the negative and max the positive one, and where there is a NaN. There the
// sum is the wanted result, a quiet NaN.
void Operators::vector_min_max(bool is_64, bool is_min) {
  const InstId inst =
      is_64 ? (is_min ? Inst::kIdVminpd : Inst::kIdVmaxpd) : (is_min ? Inst::kIdVminps : Inst::kIdVmaxps);
  const Vectors v = take_vectors(2);
  const Xmm unordered = xmm(allocate(true));
  a_.emit(inst, x86::xmm15, v.a, v.b);
  a_.emit(inst, unordered, v.b, v.a);
  a_.emit(is_min ? Inst::kIdVorps : Inst::kIdVandps, x86::xmm15, x86::xmm15, unordered);
  a_.emit(is_64 ? Inst::kIdVcmppd : Inst::kIdVcmpps, unordered, v.a, v.b, asmjit::imm(kUnordered));
  a_.emit(is_64 ? Inst::kIdVaddpd : Inst::kIdVaddps, v.to, v.a, v.b);
  a_.emit(is_64 ? Inst::kIdVblendvpd : Inst::kIdVblendvps, v.to, x86::xmm15, v.to, unordered);
  push_vector(v);
}

// a * b + c. The instructions overwrite an operand: 213 the first factor, 231 the addend.
void Operators::vector_madd(InstId onto_factor, InstId onto_addend) {
  const Vectors v = take_vectors(3);
  if (v.to == v.a) {
    a_.emit(onto_factor, v.to, v.b, v.c);
  } else if (v.to == v.b) {
    a_.emit(onto_factor, v.to, v.a, v.c);
  } else {
    if (v.to != v.c) a_.vmovaps(v.to, v.c);
    a_.emit(onto_addend, v.to, v.a, v.b);
  }
  push_vector(v);
}

// --- Conversions ---

// The instruction gives 0x80000000 for NaN and what is out of range. So clear NaNs, and invert the lanes that are too
// large.
void Operators::vector_trunc_32_signed() {
  const Vectors v = take_vectors(1);
  a_.vcmpps(x86::xmm15, v.a, v.a, kEqual);
  a_.vandps(v.to, v.a, x86::xmm15);
  a_.vcmpps(x86::xmm15, v.to, vector_in_code(splat32(kTwoTo31As32)), kGreaterEqual);
  a_.vcvttps2dq(v.to, v.to);
  a_.vpxor(v.to, v.to, x86::xmm15);
  push_vector(v);
}

// x, clamped to 0 below, is converted as it is, which gives 2^31 from there on, and so is what of it exceeds 2^31,
// clamped to 0 below and 2^31 - 1 above: the sum is the result.
void Operators::vector_trunc_32_unsigned() {
  const Vectors v = take_vectors(1);
  const Xmm mask = xmm(allocate(true));
  const Mem two_to_31 = vector_in_code(splat32(kTwoTo31As32));
  a_.vxorps(mask, mask, mask);
  a_.vmaxps(v.to, v.a, mask);  // the second operand, zero, for NaN
  a_.vsubps(x86::xmm15, v.to, two_to_31);
  a_.vcmpps(mask, x86::xmm15, two_to_31, kGreaterEqual);
  a_.vcvttps2dq(x86::xmm15, x86::xmm15);
  a_.vpxor(x86::xmm15, x86::xmm15, mask);  // 0x80000000, from too large a number, becomes 0x7FFFFFFF
  a_.vpxor(mask, mask, mask);
  a_.vpmaxsd(x86::xmm15, x86::xmm15, mask);
  a_.vcvttps2dq(v.to, v.to);
  a_.vpaddd(v.to, v.to, x86::xmm15);
  push_vector(v);
}

// Every i32 is an f64, so it is enough to clamp above: below, the instruction gives 0x80000000 by itself.
void Operators::vector_trunc_64_signed() {
  const Vectors v = take_vectors(1);
  a_.vcmppd(x86::xmm15, v.a, v.a, kEqual);
  a_.vandpd(x86::xmm15, x86::xmm15, vector_in_code(splat64(kLargestI32As64)));  // zero for NaN
  a_.vminpd(v.to, v.a, x86::xmm15);                                             // the second operand for NaN
  a_.vcvttpd2dq(v.to, v.to);
  push_vector(v);
}

// Clamped and truncated, then added to 2^52: the lower half of the sum's bits is the number.
void Operators::vector_trunc_64_unsigned() {
  const Vectors v = take_vectors(1);
  a_.vxorpd(x86::xmm15, x86::xmm15, x86::xmm15);
  a_.vmaxpd(v.to, v.a, x86::xmm15);  // the second operand, zero, for NaN
  a_.vminpd(v.to, v.to, vector_in_code(splat64(kLargestU32As64)));
  a_.vroundpd(v.to, v.to, kTrunc);
  a_.vaddpd(v.to, v.to, vector_in_code(splat64(kTwoTo52As64)));
  a_.vshufps(v.to, v.to, x86::xmm15, 0b10'00'10'00);  // lanes 0 and 2, and zeros
  push_vector(v);
}

void Operators::vector_convert_unsigned(bool to_64) {
  const Vectors v = take_vectors(1);
  if (to_64) {  // as the lower bits of 2^52, which is then subtracted
    const Mem two_to_52 = vector_in_code(splat64(kTwoTo52As64));
    a_.vpmovzxdq(v.to, v.a);
    a_.vpor(v.to, v.to, two_to_52);
    a_.vsubpd(v.to, v.to, two_to_52);
  } else {  // each half is converted exactly; the upper one's scaling and their sum are rounded once
    a_.vpand(x86::xmm15, v.a, vector_in_code(splat32(0xFFFF)));
    a_.vpsrld(v.to, v.a, 16);
    a_.vcvtdq2ps(x86::xmm15, x86::xmm15);
    a_.vcvtdq2ps(v.to, v.to);
    a_.vfmadd132ps(v.to, x86::xmm15, vector_in_code(splat32(kTwoTo16As32)));
  }
  push_vector(v);
}

}  // namespace anew::codegen::quick
