// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vector operators on integer lanes and on bits that take more than one instruction.
#include <array>
#include <cassert>

#include "codegen/quick/x86_64/operators.hpp"
#include "codegen/quick/x86_64/vectors.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;
namespace Inst = asmjit::x86::Inst;

void Operators::vector_integer(Op op) {
  switch (op) {
    case Op::kV128Not:
    case Op::kV128Bitselect:
    case Op::kI8x16RelaxedLaneselect:
    case Op::kI16x8RelaxedLaneselect:
    case Op::kI32x4RelaxedLaneselect:
    case Op::kI64x2RelaxedLaneselect: return vector_bitwise(op);

    case Op::kI8x16Ne: return vector_compare_negated(Inst::kIdVpcmpeqb, false);
    case Op::kI16x8Ne: return vector_compare_negated(Inst::kIdVpcmpeqw, false);
    case Op::kI32x4Ne: return vector_compare_negated(Inst::kIdVpcmpeqd, false);
    case Op::kI64x2Ne: return vector_compare_negated(Inst::kIdVpcmpeqq, false);
    case Op::kI64x2LeS: return vector_compare_negated(Inst::kIdVpcmpgtq, false);
    case Op::kI64x2GeS: return vector_compare_negated(Inst::kIdVpcmpgtq, true);

    case Op::kI8x16LeS: return vector_order(Inst::kIdVpminsb, Inst::kIdVpcmpeqb, false);
    case Op::kI8x16LeU: return vector_order(Inst::kIdVpminub, Inst::kIdVpcmpeqb, false);
    case Op::kI8x16GeS: return vector_order(Inst::kIdVpmaxsb, Inst::kIdVpcmpeqb, false);
    case Op::kI8x16GeU: return vector_order(Inst::kIdVpmaxub, Inst::kIdVpcmpeqb, false);
    case Op::kI8x16GtU: return vector_order(Inst::kIdVpminub, Inst::kIdVpcmpeqb, true);
    case Op::kI8x16LtU: return vector_order(Inst::kIdVpmaxub, Inst::kIdVpcmpeqb, true);
    case Op::kI16x8LeS: return vector_order(Inst::kIdVpminsw, Inst::kIdVpcmpeqw, false);
    case Op::kI16x8LeU: return vector_order(Inst::kIdVpminuw, Inst::kIdVpcmpeqw, false);
    case Op::kI16x8GeS: return vector_order(Inst::kIdVpmaxsw, Inst::kIdVpcmpeqw, false);
    case Op::kI16x8GeU: return vector_order(Inst::kIdVpmaxuw, Inst::kIdVpcmpeqw, false);
    case Op::kI16x8GtU: return vector_order(Inst::kIdVpminuw, Inst::kIdVpcmpeqw, true);
    case Op::kI16x8LtU: return vector_order(Inst::kIdVpmaxuw, Inst::kIdVpcmpeqw, true);
    case Op::kI32x4LeS: return vector_order(Inst::kIdVpminsd, Inst::kIdVpcmpeqd, false);
    case Op::kI32x4LeU: return vector_order(Inst::kIdVpminud, Inst::kIdVpcmpeqd, false);
    case Op::kI32x4GeS: return vector_order(Inst::kIdVpmaxsd, Inst::kIdVpcmpeqd, false);
    case Op::kI32x4GeU: return vector_order(Inst::kIdVpmaxud, Inst::kIdVpcmpeqd, false);
    case Op::kI32x4GtU: return vector_order(Inst::kIdVpminud, Inst::kIdVpcmpeqd, true);
    case Op::kI32x4LtU: return vector_order(Inst::kIdVpmaxud, Inst::kIdVpcmpeqd, true);

    case Op::kI8x16Neg: return vector_negate(Inst::kIdVpsubb);
    case Op::kI16x8Neg: return vector_negate(Inst::kIdVpsubw);
    case Op::kI32x4Neg: return vector_negate(Inst::kIdVpsubd);
    case Op::kI64x2Neg: return vector_negate(Inst::kIdVpsubq);
    case Op::kI64x2Abs: return vector_absolute_64();
    case Op::kI8x16Popcnt: return vector_popcnt();

    case Op::kI8x16Shl:
    case Op::kI8x16ShrU: return vector_shift_bytes(op == Op::kI8x16Shl);
    case Op::kI8x16ShrS: return vector_shift_signed_bytes();
    case Op::kI16x8Shl: return vector_shift(Inst::kIdVpsllw, 16);
    case Op::kI16x8ShrS: return vector_shift(Inst::kIdVpsraw, 16);
    case Op::kI16x8ShrU: return vector_shift(Inst::kIdVpsrlw, 16);
    case Op::kI32x4Shl: return vector_shift(Inst::kIdVpslld, 32);
    case Op::kI32x4ShrS: return vector_shift(Inst::kIdVpsrad, 32);
    case Op::kI32x4ShrU: return vector_shift(Inst::kIdVpsrld, 32);
    case Op::kI64x2Shl: return vector_shift(Inst::kIdVpsllq, 64);
    case Op::kI64x2ShrU: return vector_shift(Inst::kIdVpsrlq, 64);
    case Op::kI64x2ShrS: return vector_shift_signed_64();

    case Op::kI64x2Mul: return vector_multiply_64();
    case Op::kI16x8Q15mulrSatS:
    case Op::kI16x8RelaxedQ15mulrS: return vector_q15mulr();
    case Op::kI32x4RelaxedDotI8x16I7x16AddS: return vector_dot_add();

    case Op::kI16x8ExtmulLowI8x16S: return vector_extmul_8(Inst::kIdVpmovsxbw, false);
    case Op::kI16x8ExtmulHighI8x16S: return vector_extmul_8(Inst::kIdVpmovsxbw, true);
    case Op::kI16x8ExtmulLowI8x16U: return vector_extmul_8(Inst::kIdVpmovzxbw, false);
    case Op::kI16x8ExtmulHighI8x16U: return vector_extmul_8(Inst::kIdVpmovzxbw, true);
    case Op::kI32x4ExtmulLowI16x8S: return vector_extmul_16(Inst::kIdVpmulhw, Inst::kIdVpunpcklwd);
    case Op::kI32x4ExtmulHighI16x8S: return vector_extmul_16(Inst::kIdVpmulhw, Inst::kIdVpunpckhwd);
    case Op::kI32x4ExtmulLowI16x8U: return vector_extmul_16(Inst::kIdVpmulhuw, Inst::kIdVpunpcklwd);
    case Op::kI32x4ExtmulHighI16x8U: return vector_extmul_16(Inst::kIdVpmulhuw, Inst::kIdVpunpckhwd);
    case Op::kI64x2ExtmulLowI32x4S: return vector_extmul_32(Inst::kIdVpmuldq, Inst::kIdVpunpckldq);
    case Op::kI64x2ExtmulHighI32x4S: return vector_extmul_32(Inst::kIdVpmuldq, Inst::kIdVpunpckhdq);
    case Op::kI64x2ExtmulLowI32x4U: return vector_extmul_32(Inst::kIdVpmuludq, Inst::kIdVpunpckldq);
    case Op::kI64x2ExtmulHighI32x4U: return vector_extmul_32(Inst::kIdVpmuludq, Inst::kIdVpunpckhdq);

    case Op::kI16x8ExtaddPairwiseI8x16S:
    case Op::kI16x8ExtaddPairwiseI8x16U:
    case Op::kI32x4ExtaddPairwiseI16x8S:
    case Op::kI32x4ExtaddPairwiseI16x8U: return vector_extadd_pairwise(op);
    case Op::kI16x8ExtendHighI8x16S: return vector_extend_high(Inst::kIdVpmovsxbw);
    case Op::kI16x8ExtendHighI8x16U: return vector_extend_high(Inst::kIdVpmovzxbw);
    case Op::kI32x4ExtendHighI16x8S: return vector_extend_high(Inst::kIdVpmovsxwd);
    case Op::kI32x4ExtendHighI16x8U: return vector_extend_high(Inst::kIdVpmovzxwd);
    case Op::kI64x2ExtendHighI32x4S: return vector_extend_high(Inst::kIdVpmovsxdq);
    case Op::kI64x2ExtendHighI32x4U: return vector_extend_high(Inst::kIdVpmovzxdq);

    case Op::kV128AnyTrue: return vector_any_true();
    case Op::kI8x16AllTrue: return vector_all_true(Inst::kIdVpcmpeqb);
    case Op::kI16x8AllTrue: return vector_all_true(Inst::kIdVpcmpeqw);
    case Op::kI32x4AllTrue: return vector_all_true(Inst::kIdVpcmpeqd);
    case Op::kI64x2AllTrue: return vector_all_true(Inst::kIdVpcmpeqq);
    case Op::kI8x16Bitmask:
    case Op::kI16x8Bitmask:
    case Op::kI32x4Bitmask:
    case Op::kI64x2Bitmask: return vector_bitmask(op);
    default: return vector_float(op);
  }
}

// --- Bits ---

void Operators::vector_bitwise(Op op) {
  if (op == Op::kV128Not) {
    const Vectors v = take_vectors(1);
    a_.vpcmpeqd(x86::xmm15, x86::xmm15, x86::xmm15);
    a_.vpxor(v.to, v.a, x86::xmm15);
    return push_vector(v);
  }
  const Vectors v = take_vectors(3);
  a_.vpand(x86::xmm15, v.a, v.c);
  a_.vpandn(v.to, v.c, v.b);
  a_.vpor(v.to, v.to, x86::xmm15);
  push_vector(v);
}

void Operators::vector_any_true() {
  const Vectors v = take_vectors(1);
  a_.vptest(v.a, v.a);
  release();
  push_flags(Condition::kNE);
}

void Operators::vector_all_true(InstId equal) {
  const Vectors v = take_vectors(1);
  a_.vpxor(x86::xmm15, x86::xmm15, x86::xmm15);
  a_.emit(equal, x86::xmm15, x86::xmm15, v.a);
  a_.vptest(x86::xmm15, x86::xmm15);  // no lane is zero
  release();
  push_flags(Condition::kE);
}

void Operators::vector_bitmask(Op op) {
  const Register from = use(pop());
  const Register to = allocate(false);
  switch (op) {
    case Op::kI8x16Bitmask: a_.vpmovmskb(gp32(to), xmm(from)); break;
    case Op::kI16x8Bitmask:
      a_.vpacksswb(x86::xmm15, xmm(from), xmm(from));  // saturating keeps the signs; the mask is there twice
      a_.vpmovmskb(gp32(to), x86::xmm15);
      a_.movzx(gp32(to), gp32(to).r8());
      break;
    case Op::kI32x4Bitmask: a_.vmovmskps(gp32(to), xmm(from)); break;
    default: a_.vmovmskpd(gp32(to), xmm(from)); break;
  }
  push_register(ValueType::kI32, to);
  release();
}

// --- Comparisons ---

void Operators::vector_compare_negated(InstId compare, bool swap) {
  const Vectors v = take_vectors(2);
  a_.emit(compare, v.to, swap ? v.b : v.a, swap ? v.a : v.b);
  a_.vpcmpeqd(x86::xmm15, x86::xmm15, x86::xmm15);
  a_.vpxor(v.to, v.to, x86::xmm15);
  push_vector(v);
}

// a <= b if the smaller of both is a, a >= b if the larger is; there is no instruction for either.
void Operators::vector_order(InstId extreme, InstId equal, bool negate) {
  const Vectors v = take_vectors(2);
  a_.emit(extreme, x86::xmm15, v.a, v.b);
  a_.emit(equal, v.to, v.a, x86::xmm15);
  if (negate) {
    a_.vpcmpeqd(x86::xmm15, x86::xmm15, x86::xmm15);
    a_.vpxor(v.to, v.to, x86::xmm15);
  }
  push_vector(v);
}

// --- One operand ---

void Operators::vector_negate(InstId subtract) {
  const Vectors v = take_vectors(1);
  a_.vpxor(x86::xmm15, x86::xmm15, x86::xmm15);
  a_.emit(subtract, v.to, x86::xmm15, v.a);
  push_vector(v);
}

void Operators::vector_absolute_64() {
  const Vectors v = take_vectors(1);
  a_.vpxor(x86::xmm15, x86::xmm15, x86::xmm15);
  a_.vpcmpgtq(x86::xmm15, x86::xmm15, v.a);  // all ones, -1, where negative
  a_.vpxor(v.to, v.a, x86::xmm15);
  a_.vpsubq(v.to, v.to, x86::xmm15);
  push_vector(v);
}

// The bits of each half of a byte, from a table of 16 entries.
void Operators::vector_popcnt() {
  static constexpr VectorBytes kBitsOf = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
  const Vectors v = take_vectors(1);
  const Xmm table = xmm(allocate(true));
  const Mem low_half = vector_in_code(splat8(0x0F));
  a_.vmovups(table, vector_in_code(vector_of(kBitsOf)));
  a_.vpand(x86::xmm15, v.a, low_half);
  a_.vpsrlw(v.to, v.a, 4);
  a_.vpand(v.to, v.to, low_half);
  a_.vpshufb(x86::xmm15, table, x86::xmm15);
  a_.vpshufb(v.to, table, v.to);
  a_.vpaddb(v.to, v.to, x86::xmm15);
  push_vector(v);
}

// --- Shifts ---

void Operators::vector_count_to_xmm15(const Operand& count, std::uint32_t bits, std::uint32_t add) {
  move_to(kR11, count);
  a_.and_(x86::r11d, bits - 1);
  if (add != 0) a_.add(x86::r11d, add);
  a_.vmovd(x86::xmm15, x86::r11d);
}

void Operators::vector_shift(InstId inst, std::uint32_t bits) {
  const Operand count = pop();
  const Vectors v = take_vectors(1);
  if (count.kind == Operand::Kind::kConstant) {
    a_.emit(inst, v.to, v.a, asmjit::imm(count.bits & (bits - 1)));
  } else {
    vector_count_to_xmm15(count, bits, 0);
    a_.emit(inst, v.to, v.a, x86::xmm15);
  }
  push_vector(v);
}

// Shifts words and clears the bits that came from the neighbouring byte.
void Operators::vector_shift_bytes(bool left) {
  const Operand count = pop();
  const Vectors v = take_vectors(1);
  const InstId inst = left ? Inst::kIdVpsllw : Inst::kIdVpsrlw;
  if (count.kind == Operand::Kind::kConstant) {
    const auto by = static_cast<unsigned>(count.bits & 7);
    const auto kept = static_cast<std::uint8_t>(left ? 0xFFu << by : 0xFFu >> by);  // the low eight bits
    a_.emit(inst, v.to, v.a, asmjit::imm(by));
    if (by != 0) a_.vpand(v.to, v.to, vector_in_code(splat8(kept)));
  } else {
    const Xmm kept = xmm(allocate(true));
    vector_count_to_xmm15(count, 8, 0);
    a_.vpcmpeqd(kept, kept, kept);
    a_.emit(inst, kept, kept, x86::xmm15);
    if (!left) a_.vpsrlw(kept, kept, 8);  // ones shifted right stand in the word's upper byte
    a_.vpbroadcastb(kept, kept);
    a_.emit(inst, v.to, v.a, x86::xmm15);
    a_.vpand(v.to, v.to, kept);
  }
  push_vector(v);
}

// Each byte becomes the upper half of a word, is shifted there, and the words are narrowed again.
void Operators::vector_shift_signed_bytes() {
  const Operand count = pop();
  const Vectors v = take_vectors(1);
  const Xmm high = xmm(allocate(true));
  a_.vpunpckhbw(high, v.a, v.a);
  a_.vpunpcklbw(v.to, v.a, v.a);
  if (count.kind == Operand::Kind::kConstant) {
    const std::uint64_t by = (count.bits & 7) + 8;
    a_.vpsraw(high, high, by);
    a_.vpsraw(v.to, v.to, by);
  } else {
    vector_count_to_xmm15(count, 8, 8);
    a_.vpsraw(high, high, x86::xmm15);
    a_.vpsraw(v.to, v.to, x86::xmm15);
  }
  a_.vpacksswb(v.to, v.to, high);
  push_vector(v);
}

// AVX2 has no such shift: shift in zeros, then extend from where the sign bit has gone: (x ^ sign) - sign.
void Operators::vector_shift_signed_64() {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  const Operand count = pop();
  const Vectors v = take_vectors(1);
  if (count.kind == Operand::Kind::kConstant) {
    const auto by = static_cast<unsigned>(count.bits & 63);
    if (by == 63) {
      a_.vpxor(x86::xmm15, x86::xmm15, x86::xmm15);
      a_.vpcmpgtq(v.to, x86::xmm15, v.a);
    } else {
      const Mem sign = vector_in_code(splat64(kSign >> by));
      a_.vpsrlq(v.to, v.a, by);
      a_.vpxor(v.to, v.to, sign);
      a_.vpsubq(v.to, v.to, sign);
    }
  } else {
    const Xmm sign = xmm(allocate(true));
    vector_count_to_xmm15(count, 64, 0);
    a_.vmovups(sign, vector_in_code(splat64(kSign)));
    a_.vpsrlq(sign, sign, x86::xmm15);
    a_.vpsrlq(v.to, v.a, x86::xmm15);
    a_.vpxor(v.to, v.to, sign);
    a_.vpsubq(v.to, v.to, sign);
  }
  push_vector(v);
}

// --- Products ---

// low(a) * low(b) + 2^32 * (low(a) * high(b) + high(a) * low(b))
void Operators::vector_multiply_64() {
  const Vectors v = take_vectors(2);
  const Xmm cross = xmm(allocate(true));
  a_.vpsrlq(cross, v.b, 32);
  a_.vpmuludq(cross, cross, v.a);
  a_.vpsrlq(x86::xmm15, v.a, 32);
  a_.vpmuludq(x86::xmm15, x86::xmm15, v.b);
  a_.vpaddq(cross, cross, x86::xmm15);
  a_.vpsllq(cross, cross, 32);
  a_.vpmuludq(v.to, v.a, v.b);
  a_.vpaddq(v.to, v.to, cross);
  push_vector(v);
}

// The instruction does not saturate: -1 * -1 gives 0x8000, as nothing else does, instead of 0x7FFF.
void Operators::vector_q15mulr() {
  const Vectors v = take_vectors(2);
  a_.vpmulhrsw(x86::xmm15, v.a, v.b);
  a_.vpcmpeqw(v.to, x86::xmm15, vector_in_code(splat16(0x8000)));
  a_.vpxor(v.to, v.to, x86::xmm15);
  push_vector(v);
}

void Operators::vector_dot_add() {
  const Vectors v = take_vectors(3);
  a_.vpmaddubsw(x86::xmm15, v.b, v.a);  // the first operand is the unsigned one
  a_.vpmaddwd(x86::xmm15, x86::xmm15, vector_in_code(splat16(1)));
  a_.vpaddd(v.to, x86::xmm15, v.c);
  push_vector(v);
}

void Operators::vector_extmul_8(InstId extend, bool high) {
  const Vectors v = take_vectors(2);
  if (high) {
    a_.vpunpckhqdq(x86::xmm15, v.a, v.a);
    a_.vpunpckhqdq(v.to, v.b, v.b);
    a_.emit(extend, x86::xmm15, x86::xmm15);
    a_.emit(extend, v.to, v.to);
  } else {
    a_.emit(extend, x86::xmm15, v.a);
    a_.emit(extend, v.to, v.b);
  }
  a_.vpmullw(v.to, v.to, x86::xmm15);
  push_vector(v);
}

void Operators::vector_extmul_16(InstId high_half, InstId unpack) {
  const Vectors v = take_vectors(2);
  a_.vpmullw(x86::xmm15, v.a, v.b);
  a_.emit(high_half, v.to, v.a, v.b);
  a_.emit(unpack, v.to, x86::xmm15, v.to);
  push_vector(v);
}

void Operators::vector_extmul_32(InstId multiply, InstId unpack) {
  const Vectors v = take_vectors(2);
  a_.emit(unpack, x86::xmm15, v.a, v.a);  // the multiplication reads every other lane
  a_.emit(unpack, v.to, v.b, v.b);
  a_.emit(multiply, v.to, v.to, x86::xmm15);
  push_vector(v);
}

// --- Widening ---

void Operators::vector_extend_high(InstId extend) {
  const Vectors v = take_vectors(1);
  a_.vpunpckhqdq(x86::xmm15, v.a, v.a);
  a_.emit(extend, v.to, x86::xmm15);
  push_vector(v);
}

// Multiplications by one that add neighbouring products.
void Operators::vector_extadd_pairwise(Op op) {
  const Vectors v = take_vectors(1);
  switch (op) {
    case Op::kI16x8ExtaddPairwiseI8x16S:
      a_.vmovups(x86::xmm15, vector_in_code(splat8(1)));
      a_.vpmaddubsw(v.to, x86::xmm15, v.a);  // the first operand is the unsigned one
      break;
    case Op::kI16x8ExtaddPairwiseI8x16U: a_.vpmaddubsw(v.to, v.a, vector_in_code(splat8(1))); break;
    case Op::kI32x4ExtaddPairwiseI16x8S: a_.vpmaddwd(v.to, v.a, vector_in_code(splat16(1))); break;
    default:
      a_.vpsrld(x86::xmm15, v.a, 16);
      a_.vpand(v.to, v.a, vector_in_code(splat32(0xFFFF)));
      a_.vpaddd(v.to, v.to, x86::xmm15);
      break;
  }
  push_vector(v);
}

}  // namespace anew::codegen::quick
