// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The calling convention of compiled code, the same in every tier (LLVM's swiftcc / swifttailcc on x86-64).
//
//   cell pointer   r13, preserved by every function. Whoever calls a function of another instance sets it to that one's
//                  cell, and that cell's thread, and sets it back behind the call
//   arguments      integers and references: rdi rsi rdx rcx r8 r9; floats and vectors: xmm0 to xmm7; the rest on the
//                  stack in order, 8 bytes each, 16 and 16-aligned for a v128, first at [rsp] before the call. An i32
//                  is zero-extended to 64 bits.
//   results        integers and references: rax rdx rcx r8; floats and vectors: xmm0 to xmm3; the rest in the thread's
//                  spilled results (ThreadRecord), 8 bytes each, 16 for a v128
//   stack          16-aligned at every call. The callee pops its stack arguments (rounded up to 16 bytes).
//   preserved      rbx rbp r12 r13 r14 r15
//   frames         every function pushes rbp and sets it to rsp: a backtrace follows it
#pragma once

#include <anew/value.hpp>
#include <cstdint>
#include <span>
#include <vector>

namespace anew::abi {

inline constexpr std::uint32_t kIntegerArguments = 6;
inline constexpr std::uint32_t kFloatArguments = 8;
inline constexpr std::uint32_t kIntegerResults = 4;
inline constexpr std::uint32_t kFloatResults = 4;

/// Where one argument or result is.
struct Place {
  enum class Kind : std::uint8_t { kInteger, kFloat /* or vector */, kMemory };
  Kind kind;
  std::uint32_t index;  ///< number of the register in its class; or of the 8-byte slot on the stack / spilled result
};

struct Places {
  std::vector<Place> places;
  std::uint32_t memory_slots = 0;
  /// Bytes of stack arguments that the callee pops.
  [[nodiscard]] std::uint32_t stack_bytes() const noexcept { return (memory_slots * 8 + 15) & ~15u; }
};

[[nodiscard]] Places argument_places(std::span<const ValueType> types);
[[nodiscard]] Places result_places(std::span<const ValueType> types);

}  // namespace anew::abi
