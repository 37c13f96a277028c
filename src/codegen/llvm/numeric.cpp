// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numeric operators of the optimizing tier, select and constants (specification, 4.3). The results are the quick tier's
// but for the bits of a NaN where the specification leaves them open: of two NaNs the processor gives back the first,
// and the optimizer may have swapped the operands; what is computed of constants at compile time, 0 / 0 say, is the
// positive NaN, the processor's is the negative one. With Options::canonical_nan there is no difference.
#include <llvm/ADT/APFloat.h>
#include <llvm/Analysis/ConstantFolding.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/MDBuilder.h>

#include <cassert>
#include <cmath>

#include "codegen/llvm/operators.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::optimizing {

using wasm::Op;
using Instruction = ::llvm::Instruction;
using Compare = ::llvm::CmpInst;
namespace Intrinsic = ::llvm::Intrinsic;

void Operators::select(ValueType /*type*/) {
  Value* const condition = ir_.CreateICmpNE(pop(), i32(0));
  Value* const otherwise = pop();
  Value* const chosen = pop();
  push(ir_.CreateSelect(condition, chosen, otherwise));
}

// A float by its bits: a signalling NaN stays one.
void Operators::constant(ValueType type, std::uint64_t bits) {
  using ::llvm::APFloat;
  using ::llvm::APInt;
  switch (type) {
    case ValueType::kI32: return push(i32(static_cast<std::uint32_t>(bits)));  // its slot's lower half
    case ValueType::kF32:
      return push(::llvm::ConstantFP::get(context_, APFloat(APFloat::IEEEsingle(), APInt(32, bits & 0xFFFF'FFFF))));
    case ValueType::kF64:
      return push(::llvm::ConstantFP::get(context_, APFloat(APFloat::IEEEdouble(), APInt(64, bits))));
    default: return push(i64(bits));
  }
}

void Operators::numeric(Op op) {
  if (wasm::is_vector_operator(op)) return vector_numeric(op);
  if (wasm::signature_of(op).results == 2) return wide_numeric(op);
  Value* const result = compute(op);
  const wasm::Outcome outcome = wasm::outcome_of(op);
  const bool is_open = outcome == wasm::Outcome::kNan32 || outcome == wasm::Outcome::kNan64;
  push(is_open ? canonical(result) : result);
}

Operators::Value* Operators::compute(Op op) {
  Type* const int32 = ir_.getInt32Ty();
  Type* const int64 = ir_.getInt64Ty();
  Type* const float32 = ir_.getFloatTy();
  Type* const float64 = ir_.getDoubleTy();
  const auto binary_float = [&](Instruction::BinaryOps operation) {
    Value* const right = pop();
    return float_binary(operation, pop(), right);
  };
  const auto min_max = [&](bool is_min) {
    Value* const right = pop();
    return float_min_max(is_min, pop(), right);
  };
  switch (op) {
    case Op::kI32Eqz:
    case Op::kI64Eqz: return ir_.CreateZExt(ir_.CreateIsNull(pop()), int32);
    case Op::kI32Eq:
    case Op::kI64Eq: return compare(Compare::ICMP_EQ);
    case Op::kI32Ne:
    case Op::kI64Ne: return compare(Compare::ICMP_NE);
    case Op::kI32LtS:
    case Op::kI64LtS: return compare(Compare::ICMP_SLT);
    case Op::kI32LtU:
    case Op::kI64LtU: return compare(Compare::ICMP_ULT);
    case Op::kI32GtS:
    case Op::kI64GtS: return compare(Compare::ICMP_SGT);
    case Op::kI32GtU:
    case Op::kI64GtU: return compare(Compare::ICMP_UGT);
    case Op::kI32LeS:
    case Op::kI64LeS: return compare(Compare::ICMP_SLE);
    case Op::kI32LeU:
    case Op::kI64LeU: return compare(Compare::ICMP_ULE);
    case Op::kI32GeS:
    case Op::kI64GeS: return compare(Compare::ICMP_SGE);
    case Op::kI32GeU:
    case Op::kI64GeU: return compare(Compare::ICMP_UGE);
    case Op::kF32Eq:
    case Op::kF64Eq: return compare(Compare::FCMP_OEQ);
    case Op::kF32Ne:
    case Op::kF64Ne: return compare(Compare::FCMP_UNE);
    case Op::kF32Lt:
    case Op::kF64Lt: return compare(Compare::FCMP_OLT);
    case Op::kF32Gt:
    case Op::kF64Gt: return compare(Compare::FCMP_OGT);
    case Op::kF32Le:
    case Op::kF64Le: return compare(Compare::FCMP_OLE);
    case Op::kF32Ge:
    case Op::kF64Ge: return compare(Compare::FCMP_OGE);

    case Op::kI32Clz:
    case Op::kI64Clz: return count_zeros(Intrinsic::ctlz);
    case Op::kI32Ctz:
    case Op::kI64Ctz: return count_zeros(Intrinsic::cttz);
    case Op::kI32Popcnt:
    case Op::kI64Popcnt: return unary(Intrinsic::ctpop);
    case Op::kI32Add:
    case Op::kI64Add: return binary(Instruction::Add);
    case Op::kI32Sub:
    case Op::kI64Sub: return binary(Instruction::Sub);
    case Op::kI32Mul:
    case Op::kI64Mul: return binary(Instruction::Mul);
    case Op::kI32And:
    case Op::kI64And: return binary(Instruction::And);
    case Op::kI32Or:
    case Op::kI64Or: return binary(Instruction::Or);
    case Op::kI32Xor:
    case Op::kI64Xor: return binary(Instruction::Xor);
    case Op::kI32DivS:
    case Op::kI64DivS: return divide(true, false);
    case Op::kI32DivU:
    case Op::kI64DivU: return divide(false, false);
    case Op::kI32RemS:
    case Op::kI64RemS: return divide(true, true);
    case Op::kI32RemU:
    case Op::kI64RemU: return divide(false, true);
    case Op::kI32Shl:
    case Op::kI64Shl: return shift(Instruction::Shl);
    case Op::kI32ShrS:
    case Op::kI64ShrS: return shift(Instruction::AShr);
    case Op::kI32ShrU:
    case Op::kI64ShrU: return shift(Instruction::LShr);
    case Op::kI32Rotl:
    case Op::kI64Rotl: return rotate(Intrinsic::fshl);
    case Op::kI32Rotr:
    case Op::kI64Rotr: return rotate(Intrinsic::fshr);

    case Op::kI32WrapI64: return ir_.CreateTrunc(pop(), int32);
    case Op::kI64ExtendI32S: return ir_.CreateSExt(pop(), int64);
    case Op::kI64ExtendI32U: return ir_.CreateZExt(pop(), int64);
    case Op::kI32Extend8S:
    case Op::kI64Extend8S: return sign_extend(8);
    case Op::kI32Extend16S:
    case Op::kI64Extend16S: return sign_extend(16);
    case Op::kI64Extend32S: return sign_extend(32);

    case Op::kF32Add:
    case Op::kF64Add: return binary_float(Instruction::FAdd);
    case Op::kF32Sub:
    case Op::kF64Sub: return binary_float(Instruction::FSub);
    case Op::kF32Mul:
    case Op::kF64Mul: return binary_float(Instruction::FMul);
    case Op::kF32Div:
    case Op::kF64Div: return binary_float(Instruction::FDiv);
    case Op::kF32Min:
    case Op::kF64Min: return min_max(true);
    case Op::kF32Max:
    case Op::kF64Max: return min_max(false);
    // LLVM says of these three that they are operations on bits.
    case Op::kF32Abs:
    case Op::kF64Abs: return unary(Intrinsic::fabs);
    case Op::kF32Neg:
    case Op::kF64Neg: return ir_.CreateFNeg(pop());
    case Op::kF32Copysign:
    case Op::kF64Copysign: {
      Value* const sign = pop();
      return ir_.CreateBinaryIntrinsic(Intrinsic::copysign, pop(), sign);
    }
    case Op::kF32Ceil:
    case Op::kF64Ceil: return unary(Intrinsic::ceil);
    case Op::kF32Floor:
    case Op::kF64Floor: return unary(Intrinsic::floor);
    case Op::kF32Trunc:
    case Op::kF64Trunc: return unary(Intrinsic::trunc);
    case Op::kF32Nearest:
    case Op::kF64Nearest: return unary(Intrinsic::roundeven);
    case Op::kF32Sqrt:
    case Op::kF64Sqrt: return unary(Intrinsic::sqrt);

    case Op::kI32TruncF32S:
    case Op::kI32TruncF64S: return integer_from_float(int32, true);
    case Op::kI32TruncF32U:
    case Op::kI32TruncF64U: return integer_from_float(int32, false);
    case Op::kI64TruncF32S:
    case Op::kI64TruncF64S: return integer_from_float(int64, true);
    case Op::kI64TruncF32U:
    case Op::kI64TruncF64U: return integer_from_float(int64, false);
    case Op::kI32TruncSatF32S:
    case Op::kI32TruncSatF64S: return integer_from_float_saturated(int32, true);
    case Op::kI32TruncSatF32U:
    case Op::kI32TruncSatF64U: return integer_from_float_saturated(int32, false);
    case Op::kI64TruncSatF32S:
    case Op::kI64TruncSatF64S: return integer_from_float_saturated(int64, true);
    case Op::kI64TruncSatF32U:
    case Op::kI64TruncSatF64U: return integer_from_float_saturated(int64, false);

    case Op::kF32ConvertI32S:
    case Op::kF32ConvertI64S: return float_from_integer(float32, true);
    case Op::kF32ConvertI32U:
    case Op::kF32ConvertI64U: return float_from_integer(float32, false);
    case Op::kF64ConvertI32S:
    case Op::kF64ConvertI64S: return float_from_integer(float64, true);
    case Op::kF64ConvertI32U:
    case Op::kF64ConvertI64U: return float_from_integer(float64, false);
    case Op::kF32DemoteF64: {
      Value* wide = pop();
      // Of a promoted float the optimizer makes that float again, signalling or not (see hide_neutral).
      if (::llvm::isa<::llvm::FPExtInst>(wide)) wide = ir_.CreateArithmeticFence(wide, float64);
      return ir_.CreateFPTrunc(wide, float32);
    }
    case Op::kF64PromoteF32: return ir_.CreateFPExt(pop(), float64);
    case Op::kI32ReinterpretF32: return ir_.CreateBitCast(pop(), int32);
    case Op::kI64ReinterpretF64: return ir_.CreateBitCast(pop(), int64);
    case Op::kF32ReinterpretI32: return ir_.CreateBitCast(pop(), float32);
    case Op::kF64ReinterpretI64: return ir_.CreateBitCast(pop(), float64);
    default:
      // The opcode table holds no other numeric operator; the validator hands over nothing else.
      assert(false);
      return pop();
  }
}

// --- Integers ---

Operators::Value* Operators::compare(Compare::Predicate predicate) {
  Value* const right = pop();
  return ir_.CreateZExt(ir_.CreateCmp(predicate, pop(), right), ir_.getInt32Ty());
}

Operators::Value* Operators::binary(Instruction::BinaryOps op) {
  Value* const right = pop();
  return ir_.CreateBinOp(op, pop(), right);
}

Operators::Value* Operators::shift(Instruction::BinaryOps op) {
  Value* const count = pop();
  Value* const value = pop();
  return ir_.CreateBinOp(op, value, ir_.CreateAnd(count, value->getType()->getIntegerBitWidth() - 1));
}

Operators::Value* Operators::rotate(Intrinsic::ID funnel_shift) {
  Value* const count = pop();
  Value* const value = pop();
  return ir_.CreateIntrinsic(value->getType(), funnel_shift, {value, value, count});
}

Operators::Value* Operators::count_zeros(Intrinsic::ID count) {
  return ir_.CreateBinaryIntrinsic(count, pop(), ir_.getFalse());  // false: of 0 it is the width
}

Operators::Value* Operators::sign_extend(std::uint32_t bits) {
  Value* const value = pop();
  return ir_.CreateSExt(ir_.CreateTrunc(value, ir_.getIntNTy(bits)), value->getType());
}

Operators::Value* Operators::divide(bool is_signed, bool remainder) {
  Value* divisor = pop();
  Value* const dividend = pop();
  Type* const type = divisor->getType();
  trap_if(ir_.CreateIsNull(divisor), TrapKind::kIntegerDivideByZero);
  if (!is_signed) return remainder ? ir_.CreateURem(dividend, divisor) : ir_.CreateUDiv(dividend, divisor);
  Value* const is_minus_one = ir_.CreateICmpEQ(divisor, ::llvm::Constant::getAllOnesValue(type));
  if (remainder) {  // by -1 it is 0, as by 1, also where the quotient overflows
    divisor = ir_.CreateSelect(is_minus_one, ::llvm::ConstantInt::get(type, 1), divisor);
    return ir_.CreateSRem(dividend, divisor);
  }
  const auto lowest = ::llvm::APInt::getSignedMinValue(type->getIntegerBitWidth());
  Value* const is_lowest = ir_.CreateICmpEQ(dividend, ::llvm::ConstantInt::get(type, lowest));
  trap_if(ir_.CreateAnd(is_minus_one, is_lowest), TrapKind::kIntegerOverflow);
  return ir_.CreateSDiv(dividend, divisor);
}

void Operators::wide_numeric(Op op) {
  Type* const int64 = ir_.getInt64Ty();
  Type* const int128 = ir_.getInt128Ty();
  const auto pop_wide = [&] {
    Value* const high = ir_.CreateShl(ir_.CreateZExt(pop(), int128), 64);
    return ir_.CreateOr(high, ir_.CreateZExt(pop(), int128));
  };
  Value* result = nullptr;
  if (op == Op::kI64MulWideS || op == Op::kI64MulWideU) {
    const bool is_signed = op == Op::kI64MulWideS;
    Value* const right = ir_.CreateIntCast(pop(), int128, is_signed);
    Value* const left = ir_.CreateIntCast(pop(), int128, is_signed);
    result = ir_.CreateMul(left, right);
  } else {
    Value* const right = pop_wide();
    Value* const left = pop_wide();
    result = op == Op::kI64Add128 ? ir_.CreateAdd(left, right) : ir_.CreateSub(left, right);
  }
  push(ir_.CreateTrunc(result, int64));
  push(ir_.CreateTrunc(ir_.CreateLShr(result, 64), int64));
}

// --- Floats ---

Operators::Value* Operators::canonical(Value* value) {
  if (!unit_.options.canonical_nan) return value;
  return ir_.CreateSelect(ir_.CreateFCmpUNO(value, value), ::llvm::ConstantFP::getQNaN(value->getType()), value);
}

Operators::Value* Operators::hide_neutral(Value* operand) {
  const auto* known = ::llvm::dyn_cast<::llvm::Constant>(operand);
  if (known == nullptr || unit_.options.canonical_nan) return operand;
  known = ::llvm::ConstantFoldConstant(known, unit_.ir.getDataLayout());  // a v128's lanes as floats
  const auto is_neutral = [](const ::llvm::Constant* lane) {
    const auto* const number = ::llvm::dyn_cast_if_present<::llvm::ConstantFP>(lane);
    return number == nullptr || number->isZero() || number->isExactlyValue(1) || number->isExactlyValue(-1);
  };
  bool found = false;
  if (const auto* const vector = ::llvm::dyn_cast<::llvm::FixedVectorType>(known->getType()))
    for (unsigned i = 0; i < vector->getNumElements(); ++i) found |= is_neutral(known->getAggregateElement(i));
  else
    found = is_neutral(known);
  return found ? ir_.CreateArithmeticFence(operand, operand->getType()) : operand;
}

Operators::Value* Operators::float_binary(Instruction::BinaryOps op, Value* left, Value* right) {
  left = hide_neutral(left);
  right = hide_neutral(right);
  return ir_.CreateBinOp(op, left, right);
}

// A select by < becomes the processor's min, which gives its second operand for NaNs and for zeros of either sign. One
// in each order, and their bits combined, have the right zero: min takes the negative one, max the positive one, and
// equal bits stay as they are. If one is a NaN, the sum is a quiet NaN.
Operators::Value* Operators::float_min_max(bool is_min, Value* left, Value* right) {
  const auto extreme = [&](Value* first, Value* second) {
    Value* const takes_first = is_min ? ir_.CreateFCmpOLT(first, second) : ir_.CreateFCmpOGT(first, second);
    Value* const result = ir_.CreateSelect(takes_first, first, second);
    Type* const type = result->getType();
    const auto lane_bits = static_cast<unsigned>(type->getScalarSizeInBits());
    Type* const bits = type->isVectorTy() ? lanes(ir_.getIntNTy(lane_bits)) : ir_.getIntNTy(lane_bits);
    return ir_.CreateBitCast(result, bits);
  };
  Value* const one = extreme(left, right);
  Value* const other = extreme(right, left);
  Value* const both = is_min ? ir_.CreateOr(one, other) : ir_.CreateAnd(one, other);
  return ir_.CreateSelect(ir_.CreateFCmpUNO(left, right), float_binary(Instruction::FAdd, left, right),
                          ir_.CreateBitCast(both, left->getType()));
}

// --- Conversions ---

Operators::Value* Operators::float_from_integer(Type* type, bool is_signed) {
  return is_signed ? ir_.CreateSIToFP(pop(), type) : ir_.CreateUIToFP(pop(), type);
}

// A float that is too large or no number must not reach LLVM's conversion, whose result would be poison.
Operators::Value* Operators::integer_from_float(Type* type, bool is_signed) {
  Value* const value = pop();
  const auto number = [&](double limit) { return ::llvm::ConstantFP::get(value->getType(), limit); };
  const auto bits = static_cast<int>(type->getIntegerBitWidth());
  // What is truncated to the least integer lies above that less 1, where the float has a fraction there to tell.
  const double least = is_signed ? -std::ldexp(1.0, bits - 1) : 0.0;
  const bool exact = least == 0.0 || (bits == 32 && value->getType()->isDoubleTy());
  Value* const is_above = exact ? ir_.CreateFCmpOGT(value, number(least - 1)) : ir_.CreateFCmpOGE(value, number(least));
  Value* const is_below = ir_.CreateFCmpOLT(value, number(std::ldexp(1.0, is_signed ? bits - 1 : bits)));
  auto* const outside = ::llvm::BasicBlock::Create(context_, "outside", function_);
  auto* const branch = ir_.CreateCondBr(ir_.CreateAnd(is_above, is_below), outside, outside,
                                        ::llvm::MDBuilder(context_).createLikelyBranchWeights());
  ir_.SetInsertPoint(outside);
  trap_if(ir_.CreateFCmpUNO(value, value), TrapKind::kInvalidConversionToInteger);
  trap(TrapKind::kIntegerOverflow);
  branch->setSuccessor(0, ir_.GetInsertBlock());  // behind the trap, where the number fits
  return is_signed ? ir_.CreateFPToSI(value, type) : ir_.CreateFPToUI(value, type);
}

Operators::Value* Operators::integer_from_float_saturated(Type* type, bool is_signed) {
  Value* const value = pop();
  return ir_.CreateIntrinsic(is_signed ? Intrinsic::fptosi_sat : Intrinsic::fptoui_sat, {type, value->getType()},
                             {value});
}

}  // namespace anew::codegen::optimizing
