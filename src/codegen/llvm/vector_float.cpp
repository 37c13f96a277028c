// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vector operators on float lanes, and conversions of lanes.
#include <llvm/IR/IntrinsicsX86.h>

#include "codegen/llvm/operators.hpp"

namespace anew::codegen::optimizing {

using wasm::Op;
namespace Intrinsic = ::llvm::Intrinsic;

void Operators::vector_float(Op op) {
  using Binary = ::llvm::Instruction::BinaryOps;
  using Compare = ::llvm::CmpInst::Predicate;
  switch (op) {
    case Op::kF32x4Eq:
    case Op::kF64x2Eq: return vector_compare(op, Compare::FCMP_OEQ);
    case Op::kF32x4Ne:
    case Op::kF64x2Ne: return vector_compare(op, Compare::FCMP_UNE);
    case Op::kF32x4Lt:
    case Op::kF64x2Lt: return vector_compare(op, Compare::FCMP_OLT);
    case Op::kF32x4Gt:
    case Op::kF64x2Gt: return vector_compare(op, Compare::FCMP_OGT);
    case Op::kF32x4Le:
    case Op::kF64x2Le: return vector_compare(op, Compare::FCMP_OLE);
    case Op::kF32x4Ge:
    case Op::kF64x2Ge: return vector_compare(op, Compare::FCMP_OGE);

    case Op::kF32x4Abs:
    case Op::kF64x2Abs: return vector_unary(op, Intrinsic::fabs);
    case Op::kF32x4Neg:
    case Op::kF64x2Neg: return push_vector(ir_.CreateFNeg(pop_as(shape_of(op))));
    case Op::kF32x4Ceil:
    case Op::kF64x2Ceil: return vector_unary(op, Intrinsic::ceil);
    case Op::kF32x4Floor:
    case Op::kF64x2Floor: return vector_unary(op, Intrinsic::floor);
    case Op::kF32x4Trunc:
    case Op::kF64x2Trunc: return vector_unary(op, Intrinsic::trunc);
    case Op::kF32x4Nearest:
    case Op::kF64x2Nearest: return vector_unary(op, Intrinsic::roundeven);
    case Op::kF32x4Sqrt:
    case Op::kF64x2Sqrt: return vector_unary(op, Intrinsic::sqrt);

    case Op::kF32x4Add:
    case Op::kF64x2Add: return vector_arithmetic(op, Binary::FAdd);
    case Op::kF32x4Sub:
    case Op::kF64x2Sub: return vector_arithmetic(op, Binary::FSub);
    case Op::kF32x4Mul:
    case Op::kF64x2Mul: return vector_arithmetic(op, Binary::FMul);
    case Op::kF32x4Div:
    case Op::kF64x2Div: return vector_arithmetic(op, Binary::FDiv);
    case Op::kF32x4Min:
    case Op::kF64x2Min:
    case Op::kF32x4RelaxedMin:
    case Op::kF64x2RelaxedMin: return vector_min_max(op, true);
    case Op::kF32x4Max:
    case Op::kF64x2Max:
    case Op::kF32x4RelaxedMax:
    case Op::kF64x2RelaxedMax: return vector_min_max(op, false);
    case Op::kF32x4Pmin:
    case Op::kF64x2Pmin:
    case Op::kF32x4Pmax:
    case Op::kF64x2Pmax: {
      Value* const b = pop_as(shape_of(op));
      Value* const a = pop_as(shape_of(op));
      return push_vector(extreme(b, a, op == Op::kF32x4Pmin || op == Op::kF64x2Pmin));
    }
    case Op::kF32x4RelaxedMadd:
    case Op::kF64x2RelaxedMadd: return vector_madd(op, false);
    case Op::kF32x4RelaxedNmadd:
    case Op::kF64x2RelaxedNmadd: return vector_madd(op, true);

    case Op::kI32x4TruncSatF32x4S:
    case Op::kI32x4RelaxedTruncF32x4S: return vector_trunc_32_signed();
    case Op::kI32x4TruncSatF32x4U:
    case Op::kI32x4RelaxedTruncF32x4U: return vector_trunc_32_unsigned();
    case Op::kI32x4TruncSatF64x2SZero:
    case Op::kI32x4RelaxedTruncF64x2SZero: return vector_trunc_64_signed();
    case Op::kI32x4TruncSatF64x2UZero:
    case Op::kI32x4RelaxedTruncF64x2UZero: return vector_trunc_64_unsigned();
    case Op::kF32x4ConvertI32x4S: return push_vector(ir_.CreateSIToFP(pop_as(lanes(ir_.getInt32Ty())), shape_of(op)));
    case Op::kF32x4ConvertI32x4U: return push_vector(ir_.CreateUIToFP(pop_as(lanes(ir_.getInt32Ty())), shape_of(op)));
    case Op::kF64x2ConvertLowI32x4S:
      return push_vector(ir_.CreateSIToFP(low_half(pop_as(lanes(ir_.getInt32Ty()))), shape_of(op)));
    case Op::kF64x2ConvertLowI32x4U:
      return push_vector(ir_.CreateUIToFP(low_half(pop_as(lanes(ir_.getInt32Ty()))), shape_of(op)));
    case Op::kF64x2PromoteLowF32x4:
      return push_vector(ir_.CreateFPExt(low_half(pop_as(lanes(ir_.getFloatTy()))), shape_of(op)));
    case Op::kF32x4DemoteF64x2Zero: return vector_demote();
    default: return vector_move(op);
  }
}

Operators::Value* Operators::low_half(Value* four) { return ir_.CreateShuffleVector(four, {0, 1}); }

// --- Arithmetic ---

void Operators::vector_arithmetic(Op op, ::llvm::Instruction::BinaryOps operation) {
  Value* const b = pop_as(shape_of(op));
  Value* const a = pop_as(shape_of(op));
  push_vector(float_binary(operation, a, b));
}

Operators::Value* Operators::extreme(Value* a, Value* b, bool is_min) {
  return ir_.CreateSelect(is_min ? ir_.CreateFCmpOLT(a, b) : ir_.CreateFCmpOGT(a, b), a, b);
}

void Operators::vector_min_max(Op op, bool is_min) {
  Value* const b = pop_as(shape_of(op));
  Value* const a = pop_as(shape_of(op));
  push_vector(float_min_max(is_min, a, b));
}

// Rounded once, as the instruction does.
void Operators::vector_madd(Op op, bool negate) {
  Type* const shape = shape_of(op);
  Value* const addend = hide_neutral(pop_as(shape));
  Value* const b = hide_neutral(pop_as(shape));
  Value* const a = hide_neutral(pop_as(shape));
  push_vector(ir_.CreateIntrinsic(Intrinsic::fma, {shape}, {negate ? ir_.CreateFNeg(a) : a, b, addend}));
}

// --- Conversions ---

void Operators::vector_demote() {
  Type* const doubles = lanes(ir_.getDoubleTy());
  const auto* const bits = ::llvm::dyn_cast<::llvm::BitCastInst>(operands_.back());
  Value* wide = pop_as(doubles);
  // Of promoted floats the optimizer makes those floats again, signalling or not (see hide_neutral).
  if (bits != nullptr && ::llvm::isa<::llvm::FPExtInst>(bits->getOperand(0)))
    wide = ir_.CreateArithmeticFence(wide, doubles);
  Value* const narrow = ir_.CreateFPTrunc(wide, ::llvm::FixedVectorType::get(ir_.getFloatTy(), 2));
  push_vector(ir_.CreateShuffleVector(narrow, ::llvm::Constant::getNullValue(narrow->getType()), {0, 1, 2, 3}));
}

// The instruction gives 0x80000000 for NaN and what is out of range. So clear NaNs, and invert the lanes that are too
// large. (LLVM 19 makes its own saturating conversion of vectors a lane
// at a time.)
void Operators::vector_trunc_32_signed() {
  Type* const floats = lanes(ir_.getFloatTy());
  Value* const from = pop_as(floats);
  Value* const number = ir_.CreateSelect(ir_.CreateFCmpORD(from, from), from, ::llvm::Constant::getNullValue(floats));
  Value* const too_large = all_ones_where(ir_.CreateFCmpOGE(number, ::llvm::ConstantFP::get(floats, 0x1p31)));
  push_vector(ir_.CreateXor(ir_.CreateIntrinsic(Intrinsic::x86_sse2_cvttps2dq, {}, {number}), too_large));
}

// x, clamped to 0 below, is converted as it is, which gives 2^31 from there on, and so is what of it exceeds 2^31,
// clamped to 0 below and 2^31 - 1 above: the sum is the result.
void Operators::vector_trunc_32_unsigned() {
  Type* const floats = lanes(ir_.getFloatTy());
  Type* const integers = lanes(ir_.getInt32Ty());
  Value* const two_to_31 = ::llvm::ConstantFP::get(floats, 0x1p31);
  // The second operand, zero, for NaN.
  Value* const number = extreme(pop_as(floats), ::llvm::Constant::getNullValue(floats), false);
  Value* const above = ir_.CreateFSub(number, two_to_31);
  Value* const too_large = all_ones_where(ir_.CreateFCmpOGE(above, two_to_31));
  Value* upper = ir_.CreateXor(ir_.CreateIntrinsic(Intrinsic::x86_sse2_cvttps2dq, {}, {above}), too_large);
  upper = ir_.CreateBinaryIntrinsic(Intrinsic::smax, upper, ::llvm::Constant::getNullValue(integers));
  push_vector(ir_.CreateAdd(ir_.CreateIntrinsic(Intrinsic::x86_sse2_cvttps2dq, {}, {number}), upper));
}

// Every i32 is an f64, so it is enough to clamp above: below, the instruction gives 0x80000000 by itself.
void Operators::vector_trunc_64_signed() {
  Type* const floats = lanes(ir_.getDoubleTy());
  Value* const from = pop_as(floats);
  Value* const most = ir_.CreateSelect(ir_.CreateFCmpORD(from, from), ::llvm::ConstantFP::get(floats, 0x1.FFFFFFFCp30),
                                       ::llvm::Constant::getNullValue(floats));  // zero for NaN
  push_vector(ir_.CreateIntrinsic(Intrinsic::x86_sse2_cvttpd2dq, {}, {extreme(from, most, true)}));
}

// Clamped and truncated, then added to 2^52: the lower half of the sum's bits is the number.
void Operators::vector_trunc_64_unsigned() {
  Type* const floats = lanes(ir_.getDoubleTy());
  Value* number = extreme(pop_as(floats), ::llvm::Constant::getNullValue(floats), false);  // zero for NaN
  number = extreme(number, ::llvm::ConstantFP::get(floats, 0x1.FFFFFFFEp31), true);
  number = ir_.CreateUnaryIntrinsic(Intrinsic::trunc, number);
  number = ir_.CreateFAdd(number, ::llvm::ConstantFP::get(floats, 0x1p52));
  Value* const halves = ir_.CreateBitCast(number, lanes(ir_.getInt32Ty()));
  push_vector(ir_.CreateShuffleVector(halves, ::llvm::Constant::getNullValue(halves->getType()), {0, 2, 4, 5}));
}

}  // namespace anew::codegen::optimizing
