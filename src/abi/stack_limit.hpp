// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How deep calls may nest where that is metered (CompileOptions::stack_limit): the same in every tier and on every
// machine. A frame costs what its function alone determines, in units:
//
//   kFrameUnits + slots of the locals, parameters among them + slots of the highest operand stack
//
// A value takes one slot, a v128 two. The highest operand stack is that before any operator, `end` and `else` among
// them, that can be reached (wasm/sink.hpp says which these are). Behind a `catch` or `catch_all` it holds one slot
// more, below the block's values, for what was caught.
//
// A function pays as it is entered and traps if the units go below zero; it gives them back as it returns, or makes way
// for a tail call. A handler goes on with what its function had left. Host functions and the library pay nothing.
//
// Invariant: a frame takes at most kStackBytesPerUnit of machine stack for each of its units, whatever the tier. So a
// guest stack of stack_bytes_for(limit) is never used up before the units are.
#pragma once

#include <cstdint>

namespace anew::abi {

inline constexpr std::uint32_t kFrameUnits = 4;
inline constexpr std::uint32_t kStackBytesPerUnit = 32;
/// For what runs on a guest stack and pays nothing: the entry thunk, an import's stub with its slots (at most 16 KiB of
/// arguments and as much again), the library.
inline constexpr std::uint64_t kUnmeteredStackBytes = 64 << 10;
inline constexpr std::uint32_t kMaximumStackLimit = 100'000'000;

/// A multiple of 4096.
[[nodiscard]] constexpr std::uint64_t stack_bytes_for(std::uint32_t stack_limit) noexcept {
  return (kUnmeteredStackBytes + std::uint64_t{kStackBytesPerUnit} * stack_limit + 4095) & ~std::uint64_t{4095};
}

}  // namespace anew::abi
