// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/llvm/loop_extents.hpp"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/Analysis/ValueTracking.h>

#include <utility>

namespace anew::codegen::optimizing {
namespace {

using ::llvm::dyn_cast;
using ::llvm::Instruction;
using ::llvm::isa;
using ::llvm::Loop;
using ::llvm::SCEV;
using ::llvm::Value;
using Builder = ::llvm::IRBuilder<>;

/// Blocks from which a loop may be left, but for traps and exceptions.
::llvm::SmallVector<::llvm::BasicBlock*, 4> exits_of(const Loop& loop) {
  ::llvm::SmallVector<::llvm::BasicBlock*, 4> exits;
  loop.getExitingBlocks(exits);
  ::llvm::erase_if(exits, [&](const ::llvm::BasicBlock* block) {
    return ::llvm::all_of(::llvm::successors(block), [&](const ::llvm::BasicBlock* next) {
      return loop.contains(next) || isa<::llvm::UnreachableInst>(next->getTerminator());
    });
  });
  return exits;
}

}  // namespace

std::optional<std::int64_t> constant_in(const SCEV* expression) {
  const auto* const constant = dyn_cast<::llvm::SCEVConstant>(expression);
  if (constant == nullptr || constant->getAPInt().getSignificantBits() > 64) return std::nullopt;
  return constant->getAPInt().getSExtValue();
}

const SCEV* steps_of(::llvm::ScalarEvolution& evolution, const Loop& loop) {
  ::llvm::SmallVector<const SCEV*, 4> counts;
  for (const ::llvm::BasicBlock* const block : exits_of(loop)) {
    const SCEV* const count = evolution.getExitCount(&loop, block);
    if (isa<::llvm::SCEVCouldNotCompute>(count) || evolution.getTypeSizeInBits(count->getType()) > 64) return nullptr;
    counts.push_back(count);
  }
  return counts.empty() ? nullptr : evolution.getUMinFromMismatchedTypes(counts, true);
}

Limit limit_of(::llvm::ScalarEvolution& evolution, const Loop& loop, const SCEV* walk_step) {
  ::llvm::BasicBlock* const latch = loop.getLoopLatch();
  const auto* const branch = dyn_cast<::llvm::BranchInst>(latch->getTerminator());
  if (branch == nullptr || !branch->isConditional()) return {};
  if (const auto exits = exits_of(loop); exits.size() != 1 || exits.front() != latch) return {};
  const auto* const comparison = dyn_cast<::llvm::ICmpInst>(branch->getCondition());
  if (comparison == nullptr) return {};
  auto predicate =
      branch->getSuccessor(0) == loop.getHeader() ? comparison->getPredicate() : comparison->getInversePredicate();
  Value* counter = comparison->getOperand(0);
  Limit limit;
  limit.end = comparison->getOperand(1);
  if (loop.isLoopInvariant(counter)) {
    std::swap(counter, limit.end);
    predicate = ::llvm::CmpInst::getSwappedPredicate(predicate);
  }
  limit.is_signed = ::llvm::CmpInst::isSigned(predicate);
  limit.is_included = predicate == ::llvm::CmpInst::ICMP_ULE || predicate == ::llvm::CmpInst::ICMP_SLE;
  if (!limit.is_included && predicate != ::llvm::CmpInst::ICMP_ULT && predicate != ::llvm::CmpInst::ICMP_SLT) return {};

  auto* phi = dyn_cast<::llvm::PHINode>(counter);
  limit.is_ahead = phi == nullptr;
  auto* next = dyn_cast<::llvm::BinaryOperator>(counter);
  const bool recurs = limit.is_ahead
                          ? next != nullptr && ::llvm::matchSimpleRecurrence(next, phi, limit.start, limit.step)
                          : ::llvm::matchSimpleRecurrence(phi, next, limit.start, limit.step);
  if (!recurs || next->getOpcode() != Instruction::Add || phi->getParent() != loop.getHeader() ||
      !loop.isLoopInvariant(limit.step) || !loop.isLoopInvariant(limit.end))
    return {};

  limit.is_wide = counter->getType()->isIntegerTy(64);
  const SCEV* const step = evolution.getSCEV(limit.step);
  if (limit.is_wide) {
    // So small that no sum of them wraps.
    constexpr std::uint64_t kSmall = std::uint64_t{1} << 62;
    if (limit.is_signed || evolution.getUnsignedRangeMax(step).uge(kSmall) ||
        evolution.getUnsignedRangeMax(evolution.getSCEV(limit.end)).uge(kSmall))
      return {};
  } else if (!counter->getType()->isIntegerTy(32)) {
    return {};
  }
  if (const auto constant = constant_in(step); constant && *constant <= 0) return {};
  ::llvm::Type* const type = walk_step->getType();
  const SCEV* const moved =
      limit.is_signed ? evolution.getTruncateOrSignExtend(step, type) : evolution.getTruncateOrZeroExtend(step, type);
  return moved == walk_step ? limit : Limit();
}

Extent extent_of(Builder& ir, Value* start, Value* count, Value* step, const ::llvm::APInt& most_steps) {
  count = ir.CreateZExt(count, ir.getInt64Ty());
  if (most_steps.ugt(kMaximumSteps))
    count = ir.CreateBinaryIntrinsic(::llvm::Intrinsic::umin, count, ir.getInt64(kMaximumSteps));
  step = ir.CreateSExt(step, ir.getInt64Ty());
  if (const auto* const constant = dyn_cast<::llvm::ConstantInt>(step)) {
    // At most a card: the span is below 2^47.
    const bool is_down = constant->isNegative();
    Value* const width = ir.getInt64(constant->getValue().abs().getZExtValue());
    Value* const span = ir.CreateMul(count, width);
    return {is_down ? ir.CreateSub(start, span) : start, is_down ? start : ir.CreateAdd(start, span), width,
            ir.getFalse()};
  }
  Value* const is_down = ir.CreateICmpSLT(step, ir.getInt64(0));
  Value* const width = ir.CreateSelect(is_down, ir.CreateNeg(step), step);
  Value* const product = ir.CreateBinaryIntrinsic(::llvm::Intrinsic::umul_with_overflow, count, width);
  Value* const span = ir.CreateSelect(
      ir.CreateExtractValue(product, 1), ir.getInt64(kAddressEnd),
      ir.CreateBinaryIntrinsic(::llvm::Intrinsic::umin, ir.CreateExtractValue(product, 0), ir.getInt64(kAddressEnd)));
  return {ir.CreateSelect(is_down, ir.CreateSub(start, span), start),
          ir.CreateSelect(is_down, start, ir.CreateAdd(start, span)), width, ir.getFalse()};
}

// From what is compared it goes on by whole steps: the last is made from below the end.
Extent extent_to(Builder& ir, const Limit& limit, Value* start, MarkFault planted) {
  // Poison is none before the loop compares it, which it might never do.
  const auto wide = [&](Value* value) {
    return ir.CreateIntCast(ir.CreateFreeze(value), ir.getInt64Ty(), limit.is_signed);
  };
  Value* const compared = wide(limit.is_ahead ? ir.CreateAdd(limit.start, limit.step) : limit.start);
  Value* const step = wide(limit.step);
  Value* const end = limit.is_included ? ir.CreateAdd(wide(limit.end), ir.getInt64(1)) : wide(limit.end);
  Value* const goes_on =
      ir.CreateICmp(limit.is_signed ? ::llvm::CmpInst::ICMP_SLT : ::llvm::CmpInst::ICMP_ULT, compared, end);
  Value* span = ir.CreateSub(ir.CreateSub(end, compared), ir.getInt64(1));
  if (planted != MarkFault::kLimit) span = ir.CreateAdd(span, step);
  Value* wraps = ir.getFalse();
  if (!limit.is_wide && planted != MarkFault::kCounter) {
    // The next one from below the end is no counter, or lies on the other side of it: it goes on from there.
    Value* const bound = ir.getInt64(std::uint64_t{1} << (limit.is_signed ? 31 : 32));
    wraps = ir.CreateICmpSGT(ir.CreateAdd(end, step), bound);
    if (limit.is_signed) wraps = ir.CreateOr(wraps, ir.CreateICmpSLT(step, ir.getInt64(0)));
    wraps = ir.CreateAnd(wraps, goes_on);
  }
  Value* const last = ir.CreateAdd(start, ir.CreateSelect(goes_on, span, ir.getInt64(0)));
  return {start, last, step, wraps};
}

}  // namespace anew::codegen::optimizing
