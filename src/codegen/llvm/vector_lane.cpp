// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vector operators that move lanes, and constants.
#include <llvm/IR/IntrinsicsX86.h>

#include <cassert>

#include "codegen/llvm/operators.hpp"

namespace anew::codegen::optimizing {

using wasm::Op;
namespace Intrinsic = ::llvm::Intrinsic;

void Operators::vector_constant(wasm::Vector bits) {
  push(::llvm::ConstantDataVector::get(context_, ::llvm::ArrayRef<std::uint64_t>(bits)));
}

void Operators::vector_move(Op op) {
  switch (op) {
    case Op::kI8x16Swizzle:
    case Op::kI8x16RelaxedSwizzle: {
      Type* const bytes = lanes(ir_.getInt8Ty());
      // The instruction gives 0 if the index's top bit is set; this sets it from 16 on.
      Value* const index =
          ir_.CreateBinaryIntrinsic(Intrinsic::uadd_sat, pop_as(bytes), ::llvm::ConstantInt::get(bytes, 0x70));
      return push_vector(ir_.CreateIntrinsic(Intrinsic::x86_ssse3_pshuf_b_128, {}, {pop_as(bytes), index}));
    }
    case Op::kI8x16Splat: return push_vector(splat(ir_.CreateTrunc(pop(), ir_.getInt8Ty())));
    case Op::kI16x8Splat: return push_vector(splat(ir_.CreateTrunc(pop(), ir_.getInt16Ty())));
    case Op::kI32x4Splat:
    case Op::kI64x2Splat:
    case Op::kF32x4Splat:
    case Op::kF64x2Splat: return push_vector(splat(pop()));
    default:
      // The opcode table holds no other vector operator; the validator hands over nothing else.
      assert(false);
  }
}

Operators::Value* Operators::splat(Value* lane) {
  return ir_.CreateVectorSplat(128 / lane->getType()->getScalarSizeInBits(), lane);
}

void Operators::lane(Op op, std::uint32_t lane) {
  Type* const shape = shape_of(op);
  switch (op) {
    case Op::kI8x16ReplaceLane:
    case Op::kI16x8ReplaceLane:
    case Op::kI32x4ReplaceLane:
    case Op::kI64x2ReplaceLane:
    case Op::kF32x4ReplaceLane:
    case Op::kF64x2ReplaceLane: {
      Value* value = pop();
      if (value->getType()->isIntegerTy()) value = ir_.CreateTrunc(value, shape->getScalarType());
      return push_vector(ir_.CreateInsertElement(pop_as(shape), value, lane));
    }
    default: break;
  }
  Value* const value = ir_.CreateExtractElement(pop_as(shape), lane);
  switch (op) {
    case Op::kI8x16ExtractLaneS:
    case Op::kI16x8ExtractLaneS: return push(ir_.CreateSExt(value, ir_.getInt32Ty()));
    case Op::kI8x16ExtractLaneU:
    case Op::kI16x8ExtractLaneU: return push(ir_.CreateZExt(value, ir_.getInt32Ty()));
    default: return push(value);
  }
}

void Operators::shuffle(std::span<const std::uint8_t, 16> lanes) {
  ::llvm::SmallVector<int, 16> indices(lanes.begin(), lanes.end());
  Type* const bytes = this->lanes(ir_.getInt8Ty());
  Value* const b = pop_as(bytes);
  Value* const a = pop_as(bytes);
  push_vector(ir_.CreateShuffleVector(a, b, indices));
}

}  // namespace anew::codegen::optimizing
