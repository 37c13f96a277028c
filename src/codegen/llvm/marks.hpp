// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Marks in the optimizing tier (abi/cell.hpp: card table, slack): the last pass over a function's IR before machine
// code. It runs behind the optimizer, because that would take marks for stores to somewhere else, sink them out of
// loops and delete them across traps.
//
// A store is to linear memory m if its pointer's address space is kMemorySpace + m (unit.hpp), which no pass changes.
// It fails closed: a function that writes through a pointer of address space 0 that does not lead to its own frame, or
// by an instruction that this pass does not know, is refused.
//
// Promise: whenever a store has been executed, each byte that it wrote lies in a card that was marked before in this
// call of the function, or at most abi::kSlackBytes behind the end of one. So a host call that looks finds it marked,
// and so does whoever resets the instance after the call; marks stay until then.
#pragma once

#include <llvm/IR/Function.h>

#include "codegen/llvm/unit.hpp"

namespace anew::codegen::optimizing {

/// For statistics and tests.
struct MarkCounts {
  std::uint32_t stores = 0;  ///< that write to linear memories
  std::uint32_t marks = 0;   ///< that were inserted, loops of marks counted once
};

/// What a test makes go wrong, to see that it notices: a fault in a way of leaving out a mark.
enum class MarkFault : std::uint8_t {
  kNone,
  kReach,      ///< a mark is thought to serve stores that lie 16 bytes too far behind it
  kBase,       ///< a base is marked for stores that lie 16 bytes too far behind it
  kConstant,   ///< a mark of a constant address is thought to serve the last 16 bytes of the card before
  kDominance,  ///< a mark serves stores that are executed without it
  kProof,      ///< a mark is moved though its address may be no memory's
  kRangeEnd,   ///< the last card of a loop's range is not marked
  kStride,     ///< where a loop's step is no constant, every other mark is left out
  kWrap,       ///< no loop's addresses are thought to wrap around
  kDistance,   ///< those at a distance from a loop's others are not looked at for that
  kLimit,      ///< what a loop with a limit writes to in its last iteration is not marked
  kCounter,    ///< no loop's counter is thought to wrap around
  kGrowth,     ///< a memory is thought not to grow while a loop runs
  kEnd         ///< none: how many there are
};

/// Inserts the marks that a function's stores need; none if Options::marks does not ask for them.
/// @throw NotCompiled.
MarkCounts add_marks(const Unit& unit, ::llvm::Function& function, MarkFault planted = MarkFault::kNone);

}  // namespace anew::codegen::optimizing
