// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vector operators on bits and on integer lanes (specification, 4.3.2 and 4.3.5). Where no operation of LLVM's is
// exactly the wanted one, the processor's instruction is asked for: results are those of the quick tier, whose
// vector.cpp lists what is decided about the relaxed operators.
#include <llvm/IR/IntrinsicsX86.h>

#include <string_view>

#include "codegen/llvm/operators.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::optimizing {

using wasm::Op;
namespace Intrinsic = ::llvm::Intrinsic;

void Operators::vector_numeric(Op op) {
  vector_integer(op);
  const wasm::Outcome outcome = wasm::outcome_of(op);
  if (outcome == wasm::Outcome::kNan32) push_vector(canonical(pop_as(lanes(ir_.getFloatTy()))));
  if (outcome == wasm::Outcome::kNan64) push_vector(canonical(pop_as(lanes(ir_.getDoubleTy()))));
}

void Operators::vector_integer(Op op) {
  using Binary = ::llvm::Instruction::BinaryOps;
  using Compare = ::llvm::CmpInst::Predicate;
  switch (op) {
    case Op::kV128Not: return push(ir_.CreateNot(pop()));
    case Op::kV128And: return vector_binary(op, Binary::And);
    case Op::kV128Or: return vector_binary(op, Binary::Or);
    case Op::kV128Xor: return vector_binary(op, Binary::Xor);
    case Op::kV128Andnot: push(ir_.CreateNot(pop())); return vector_binary(op, Binary::And);
    case Op::kV128Bitselect:
    case Op::kI8x16RelaxedLaneselect:
    case Op::kI16x8RelaxedLaneselect:
    case Op::kI32x4RelaxedLaneselect:
    case Op::kI64x2RelaxedLaneselect: return vector_bitselect();
    case Op::kV128AnyTrue: return push_bool(ir_.CreateIsNotNull(ir_.CreateBitCast(pop(), ir_.getInt128Ty())));

    case Op::kI8x16AllTrue:
    case Op::kI16x8AllTrue:
    case Op::kI32x4AllTrue:
    case Op::kI64x2AllTrue: return push_bool(ir_.CreateIsNull(lane_bits(ir_.CreateIsNull(pop_as(shape_of(op))))));
    case Op::kI8x16Bitmask:
    case Op::kI16x8Bitmask:
    case Op::kI32x4Bitmask:
    case Op::kI64x2Bitmask:
      return push(ir_.CreateZExt(lane_bits(ir_.CreateIsNeg(pop_as(shape_of(op)))), ir_.getInt32Ty()));

    case Op::kI8x16Eq:
    case Op::kI16x8Eq:
    case Op::kI32x4Eq:
    case Op::kI64x2Eq: return vector_compare(op, Compare::ICMP_EQ);
    case Op::kI8x16Ne:
    case Op::kI16x8Ne:
    case Op::kI32x4Ne:
    case Op::kI64x2Ne: return vector_compare(op, Compare::ICMP_NE);
    case Op::kI8x16LtS:
    case Op::kI16x8LtS:
    case Op::kI32x4LtS:
    case Op::kI64x2LtS: return vector_compare(op, Compare::ICMP_SLT);
    case Op::kI8x16LtU:
    case Op::kI16x8LtU:
    case Op::kI32x4LtU: return vector_compare(op, Compare::ICMP_ULT);
    case Op::kI8x16GtS:
    case Op::kI16x8GtS:
    case Op::kI32x4GtS:
    case Op::kI64x2GtS: return vector_compare(op, Compare::ICMP_SGT);
    case Op::kI8x16GtU:
    case Op::kI16x8GtU:
    case Op::kI32x4GtU: return vector_compare(op, Compare::ICMP_UGT);
    case Op::kI8x16LeS:
    case Op::kI16x8LeS:
    case Op::kI32x4LeS:
    case Op::kI64x2LeS: return vector_compare(op, Compare::ICMP_SLE);
    case Op::kI8x16LeU:
    case Op::kI16x8LeU:
    case Op::kI32x4LeU: return vector_compare(op, Compare::ICMP_ULE);
    case Op::kI8x16GeS:
    case Op::kI16x8GeS:
    case Op::kI32x4GeS:
    case Op::kI64x2GeS: return vector_compare(op, Compare::ICMP_SGE);
    case Op::kI8x16GeU:
    case Op::kI16x8GeU:
    case Op::kI32x4GeU: return vector_compare(op, Compare::ICMP_UGE);

    case Op::kI8x16Neg:
    case Op::kI16x8Neg:
    case Op::kI32x4Neg:
    case Op::kI64x2Neg: return push_vector(ir_.CreateNeg(pop_as(shape_of(op))));
    case Op::kI8x16Abs:
    case Op::kI16x8Abs:
    case Op::kI32x4Abs:
    case Op::kI64x2Abs:  // the smallest number stays what it is
      return push_vector(ir_.CreateBinaryIntrinsic(Intrinsic::abs, pop_as(shape_of(op)), ir_.getFalse()));
    case Op::kI8x16Popcnt: return vector_unary(op, Intrinsic::ctpop);

    case Op::kI8x16Shl:
    case Op::kI16x8Shl:
    case Op::kI32x4Shl:
    case Op::kI64x2Shl: return vector_shift(op, Binary::Shl);
    case Op::kI8x16ShrS:
    case Op::kI16x8ShrS:
    case Op::kI32x4ShrS:
    case Op::kI64x2ShrS: return vector_shift(op, Binary::AShr);
    case Op::kI8x16ShrU:
    case Op::kI16x8ShrU:
    case Op::kI32x4ShrU:
    case Op::kI64x2ShrU: return vector_shift(op, Binary::LShr);

    case Op::kI8x16Add:
    case Op::kI16x8Add:
    case Op::kI32x4Add:
    case Op::kI64x2Add: return vector_binary(op, Binary::Add);
    case Op::kI8x16Sub:
    case Op::kI16x8Sub:
    case Op::kI32x4Sub:
    case Op::kI64x2Sub: return vector_binary(op, Binary::Sub);
    case Op::kI16x8Mul:
    case Op::kI32x4Mul:
    case Op::kI64x2Mul: return vector_binary(op, Binary::Mul);
    case Op::kI8x16AddSatS:
    case Op::kI16x8AddSatS: return vector_binary(op, Intrinsic::sadd_sat);
    case Op::kI8x16AddSatU:
    case Op::kI16x8AddSatU: return vector_binary(op, Intrinsic::uadd_sat);
    case Op::kI8x16SubSatS:
    case Op::kI16x8SubSatS: return vector_binary(op, Intrinsic::ssub_sat);
    case Op::kI8x16SubSatU:
    case Op::kI16x8SubSatU: return vector_binary(op, Intrinsic::usub_sat);
    case Op::kI8x16MinS:
    case Op::kI16x8MinS:
    case Op::kI32x4MinS: return vector_binary(op, Intrinsic::smin);
    case Op::kI8x16MinU:
    case Op::kI16x8MinU:
    case Op::kI32x4MinU: return vector_binary(op, Intrinsic::umin);
    case Op::kI8x16MaxS:
    case Op::kI16x8MaxS:
    case Op::kI32x4MaxS: return vector_binary(op, Intrinsic::smax);
    case Op::kI8x16MaxU:
    case Op::kI16x8MaxU:
    case Op::kI32x4MaxU: return vector_binary(op, Intrinsic::umax);
    case Op::kI8x16AvgrU:
    case Op::kI16x8AvgrU: return vector_average(op);

    case Op::kI16x8Q15mulrSatS:
    case Op::kI16x8RelaxedQ15mulrS: return vector_q15mulr();
    case Op::kI32x4DotI16x8S: return vector_instruction(lanes(ir_.getInt16Ty()), Intrinsic::x86_sse2_pmadd_wd);
    case Op::kI16x8RelaxedDotI8x16I7x16S: return push_vector(relaxed_dot());
    case Op::kI32x4RelaxedDotI8x16I7x16AddS: {
      Value* const addend = pop_as(shape_of(op));
      return push_vector(ir_.CreateAdd(sum_of_pairs(relaxed_dot()), addend));
    }
    case Op::kI8x16NarrowI16x8S: return vector_instruction(lanes(ir_.getInt16Ty()), Intrinsic::x86_sse2_packsswb_128);
    case Op::kI8x16NarrowI16x8U: return vector_instruction(lanes(ir_.getInt16Ty()), Intrinsic::x86_sse2_packuswb_128);
    case Op::kI16x8NarrowI32x4S: return vector_instruction(lanes(ir_.getInt32Ty()), Intrinsic::x86_sse2_packssdw_128);
    case Op::kI16x8NarrowI32x4U: return vector_instruction(lanes(ir_.getInt32Ty()), Intrinsic::x86_sse41_packusdw);

    case Op::kI16x8ExtendLowI8x16S:
    case Op::kI32x4ExtendLowI16x8S:
    case Op::kI64x2ExtendLowI32x4S: return push_vector(widened_half(op, false, true));
    case Op::kI16x8ExtendHighI8x16S:
    case Op::kI32x4ExtendHighI16x8S:
    case Op::kI64x2ExtendHighI32x4S: return push_vector(widened_half(op, true, true));
    case Op::kI16x8ExtendLowI8x16U:
    case Op::kI32x4ExtendLowI16x8U:
    case Op::kI64x2ExtendLowI32x4U: return push_vector(widened_half(op, false, false));
    case Op::kI16x8ExtendHighI8x16U:
    case Op::kI32x4ExtendHighI16x8U:
    case Op::kI64x2ExtendHighI32x4U: return push_vector(widened_half(op, true, false));
    case Op::kI16x8ExtmulLowI8x16S:
    case Op::kI32x4ExtmulLowI16x8S:
    case Op::kI64x2ExtmulLowI32x4S: return vector_extmul(op, false, true);
    case Op::kI16x8ExtmulHighI8x16S:
    case Op::kI32x4ExtmulHighI16x8S:
    case Op::kI64x2ExtmulHighI32x4S: return vector_extmul(op, true, true);
    case Op::kI16x8ExtmulLowI8x16U:
    case Op::kI32x4ExtmulLowI16x8U:
    case Op::kI64x2ExtmulLowI32x4U: return vector_extmul(op, false, false);
    case Op::kI16x8ExtmulHighI8x16U:
    case Op::kI32x4ExtmulHighI16x8U:
    case Op::kI64x2ExtmulHighI32x4U: return vector_extmul(op, true, false);
    case Op::kI16x8ExtaddPairwiseI8x16S:
    case Op::kI16x8ExtaddPairwiseI8x16U:
    case Op::kI32x4ExtaddPairwiseI16x8S:
    case Op::kI32x4ExtaddPairwiseI16x8U: return vector_extadd_pairwise(op);
    default: return vector_float(op);
  }
}

// --- What several have in common ---

Operators::Type* Operators::shape_of(Op op) {
  const std::string_view name = wasm::to_string(op);
  if (name.starts_with("i8x16.")) return lanes(ir_.getInt8Ty());
  if (name.starts_with("i16x8.")) return lanes(ir_.getInt16Ty());
  if (name.starts_with("i32x4.")) return lanes(ir_.getInt32Ty());
  if (name.starts_with("f32x4.")) return lanes(ir_.getFloatTy());
  if (name.starts_with("f64x2.")) return lanes(ir_.getDoubleTy());
  return lanes(ir_.getInt64Ty());
}

void Operators::vector_unary(Op op, Intrinsic::ID operation) {
  push_vector(ir_.CreateUnaryIntrinsic(operation, pop_as(shape_of(op))));
}

void Operators::vector_binary(Op op, ::llvm::Instruction::BinaryOps operation) {
  Value* const b = pop_as(shape_of(op));
  Value* const a = pop_as(shape_of(op));
  push_vector(ir_.CreateBinOp(operation, a, b));
}

void Operators::vector_binary(Op op, Intrinsic::ID operation) {
  Value* const b = pop_as(shape_of(op));
  Value* const a = pop_as(shape_of(op));
  push_vector(ir_.CreateBinaryIntrinsic(operation, a, b));
}

void Operators::vector_instruction(Type* operands, Intrinsic::ID instruction) {
  Value* const b = pop_as(operands);
  Value* const a = pop_as(operands);
  push_vector(ir_.CreateIntrinsic(instruction, {}, {a, b}));
}

void Operators::vector_compare(Op op, ::llvm::CmpInst::Predicate predicate) {
  Type* const shape = shape_of(op);
  Value* const b = pop_as(shape);
  Value* const a = pop_as(shape);
  push_vector(all_ones_where(ir_.CreateCmp(predicate, a, b)));
}

Operators::Value* Operators::all_ones_where(Value* holds) {
  return ir_.CreateSExt(holds, lanes(ir_.getIntNTy(128 / lane_count(holds))));
}

Operators::Value* Operators::lane_bits(Value* holds) {
  return ir_.CreateBitCast(holds, ir_.getIntNTy(lane_count(holds)));
}

// --- Bits, shifts and averages ---

void Operators::vector_bitselect() {
  Value* const mask = pop();
  Value* const b = pop();
  Value* const a = pop();
  push(ir_.CreateOr(ir_.CreateAnd(a, mask), ir_.CreateAnd(b, ir_.CreateNot(mask))));
}

void Operators::vector_shift(Op op, ::llvm::Instruction::BinaryOps operation) {
  Type* const shape = shape_of(op);
  Value* const count = ir_.CreateAnd(pop(), shape->getScalarSizeInBits() - 1);
  Value* const vector = pop_as(shape);
  Value* const lane = ir_.CreateZExtOrTrunc(count, shape->getScalarType());
  push_vector(ir_.CreateBinOp(operation, vector, ir_.CreateVectorSplat(lane_count(vector), lane)));
}

// The code generator knows this form.
void Operators::vector_average(Op op) {
  Type* const shape = shape_of(op);
  Type* const wide = ::llvm::VectorType::getExtendedElementVectorType(::llvm::cast<::llvm::VectorType>(shape));
  Value* const b = ir_.CreateZExt(pop_as(shape), wide);
  Value* const a = ir_.CreateZExt(pop_as(shape), wide);
  Value* const one = ::llvm::ConstantInt::get(wide, 1);
  push_vector(ir_.CreateTrunc(ir_.CreateLShr(ir_.CreateAdd(ir_.CreateAdd(a, b), one), one), shape));
}

// --- Products ---

// The instruction does not saturate: -1 * -1 gives 0x8000, as nothing else does, instead of 0x7FFF.
void Operators::vector_q15mulr() {
  Type* const shape = lanes(ir_.getInt16Ty());
  vector_instruction(shape, Intrinsic::x86_ssse3_pmul_hr_sw_128);
  Value* const product = pop_as(shape);
  Value* const wrong = ir_.CreateICmpEQ(product, ::llvm::ConstantInt::get(shape, 0x8000));
  push_vector(ir_.CreateXor(product, all_ones_where(wrong)));
}

// The instruction's first operand is the unsigned one.
Operators::Value* Operators::relaxed_dot() {
  Value* const b = pop_as(lanes(ir_.getInt8Ty()));
  Value* const a = pop_as(lanes(ir_.getInt8Ty()));
  return ir_.CreateIntrinsic(Intrinsic::x86_ssse3_pmadd_ub_sw_128, {}, {b, a});
}

Operators::Value* Operators::sum_of_pairs(Value* words) {
  return ir_.CreateIntrinsic(Intrinsic::x86_sse2_pmadd_wd, {}, {words, ::llvm::ConstantInt::get(words->getType(), 1)});
}

// --- Widening ---

Operators::Value* Operators::widened_half(Op op, bool high, bool is_signed) {
  auto* const wide = ::llvm::cast<::llvm::FixedVectorType>(shape_of(op));
  Value* const vector = pop_as(lanes(ir_.getIntNTy(wide->getScalarSizeInBits() / 2)));
  ::llvm::SmallVector<int, 8> half;
  for (unsigned i = 0; i < wide->getNumElements(); ++i)
    half.push_back(static_cast<int>(i + (high ? wide->getNumElements() : 0)));  // below 16
  Value* const narrow = ir_.CreateShuffleVector(vector, half);
  return is_signed ? ir_.CreateSExt(narrow, wide) : ir_.CreateZExt(narrow, wide);
}

void Operators::vector_extmul(Op op, bool high, bool is_signed) {
  Value* const b = widened_half(op, high, is_signed);
  Value* const a = widened_half(op, high, is_signed);
  push_vector(ir_.CreateMul(a, b));
}

// Products with one that add neighbouring ones.
void Operators::vector_extadd_pairwise(Op op) {
  Type* const bytes = lanes(ir_.getInt8Ty());
  Value* const ones = ::llvm::ConstantInt::get(bytes, 1);
  switch (op) {
    case Op::kI16x8ExtaddPairwiseI8x16S:  // the first operand is the unsigned one
      return push_vector(ir_.CreateIntrinsic(Intrinsic::x86_ssse3_pmadd_ub_sw_128, {}, {ones, pop_as(bytes)}));
    case Op::kI16x8ExtaddPairwiseI8x16U:
      return push_vector(ir_.CreateIntrinsic(Intrinsic::x86_ssse3_pmadd_ub_sw_128, {}, {pop_as(bytes), ones}));
    case Op::kI32x4ExtaddPairwiseI16x8S: return push_vector(sum_of_pairs(pop_as(lanes(ir_.getInt16Ty()))));
    default: {
      Value* const pairs = pop_as(lanes(ir_.getInt32Ty()));
      return push_vector(ir_.CreateAdd(ir_.CreateAnd(pairs, 0xFFFF), ir_.CreateLShr(pairs, 16)));
    }
  }
}

}  // namespace anew::codegen::optimizing
