// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How far loops go: how often they run, or up to which limit, and so what addresses in arithmetic progression they
// write to. For marks that stand before a loop (marks.cpp).
#pragma once

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/IR/IRBuilder.h>

#include <cstdint>
#include <optional>

#include "codegen/llvm/marks.hpp"

namespace anew::codegen::optimizing {

/// Of a memory's address space, guard included.
inline constexpr std::uint64_t kAddressEnd = abi::kMemoryAddressSpace + abi::kGuardBytes;
/// A loop that takes more steps than that, of a byte or more each, traps.
inline constexpr std::uint64_t kMaximumSteps = std::uint64_t{1} << 34;

/// How a loop is left: it goes on while a counter is below a limit.
struct Limit {
  ::llvm::Value* start = nullptr;
  ::llvm::Value* step = nullptr;
  ::llvm::Value* end = nullptr;  ///< null: there is no limit
  bool is_included = false;      ///< the end itself
  bool is_signed = false;
  bool is_wide = false;   ///< 64 bits, and no sum of the three wraps around; else 32
  bool is_ahead = false;  ///< what is compared is the next iteration's counter
};
/// What a walk writes to, as code.
struct Extent {
  ::llvm::Value* first;
  ::llvm::Value* last;
  ::llvm::Value* stride;  ///< from one to the next
  ::llvm::Value* wraps;   ///< whether it does all the same go elsewhere
};

[[nodiscard]] std::optional<std::int64_t> constant_in(const ::llvm::SCEV* expression);

/// How often a loop goes back to its beginning: exactly, but for traps and exceptions. Null: that is not known.
[[nodiscard]] const ::llvm::SCEV* steps_of(::llvm::ScalarEvolution& evolution, const ::llvm::Loop& loop);
/// How far a walk goes if its loop, which has a latch, goes on while a counter is below a limit, and the counter moves
/// by as much as the walk does. Without an end if the loop is none of these.
/// @param step  of the walk.
[[nodiscard]] Limit limit_of(::llvm::ScalarEvolution& evolution, const ::llvm::Loop& loop, const ::llvm::SCEV* step);

/// Of a walk whose number of steps is known. @param most_steps  that there may be.
[[nodiscard]] Extent extent_of(::llvm::IRBuilder<>& ir, ::llvm::Value* start, ::llvm::Value* count, ::llvm::Value* step,
                               const ::llvm::APInt& most_steps);
/// Of a walk up to a limit.
[[nodiscard]] Extent extent_to(::llvm::IRBuilder<>& ir, const Limit& limit, ::llvm::Value* start, MarkFault planted);

}  // namespace anew::codegen::optimizing
