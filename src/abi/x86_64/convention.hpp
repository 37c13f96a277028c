// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The calling convention of compiled code, the same in every tier (LLVM's swiftcc on x86-64).
//
//   cell pointer   r13, preserved by every function. Whoever calls a function of another instance sets it to that one's
//                  cell, and that cell's thread, and sets it back behind the call
//   arguments      integers and references: rdi rsi rdx rcx r8 r9; floats and vectors: xmm0 to xmm7; the rest in the
//                  thread's spilled values (ThreadRecord) in order, 8 bytes each, 16 for a v128. An i32 in a register
//                  is zero-extended to 64 bits; of a slot only the bytes of the type mean something. None travels on
//                  the stack: so a tail call is a jump whatever caller and callee take, and so is the way into another
//                  instance
//   results        integers and references: rax rdx rcx r8; floats and vectors: xmm0 to xmm3; the rest in the thread's
//                  spilled values
//   stack          16-aligned at every call
//   preserved      rbx rbp r12 r13 r14 r15
//   frames         every function pushes rbp and sets it to rsp: a backtrace follows it (frame.hpp)
//
// The library (abi/library.hpp) is called by `mov r11, [r13 + kLibrary]; call [r11 + offset]`, with the arguments of
// System V, the cell first. Its first five are not functions:
//
//   trap             called by cold code with eax = TrapKind
//   call_host        called by an import's stub with eax = index of the import and rdi = its slots. It clobbers what a
//                    System V call clobbers
//   throw_exception  called with rdi = Exception* and r13 = the thrower's cell. A handler begins with rbp = the frame
//                    pointer of its function and rax = the exception, and sets rsp and r13 itself
//   call_other       called with r10 = FunctionReference*, and all else as the callee expects it but for r13, which is
//                    the caller's cell, and is again behind the call
//   tail_call        jumped to likewise
//
// Who calls a function for another instance, and an entry thunk, has its cell directly above the return address
// (frame.hpp).
//
// An entry thunk is called with r14 = slots, rsi = the slot in the table of entry addresses of the function to call,
// r13 = cell and rbp = 0.
#pragma once

#include "abi/places.hpp"

namespace anew::abi {

inline constexpr std::uint32_t kIntegerArguments = 6;
inline constexpr std::uint32_t kFloatArguments = 8;
inline constexpr std::uint32_t kIntegerResults = 4;
inline constexpr std::uint32_t kFloatResults = 4;

[[nodiscard]] inline Places argument_places(std::span<const ValueType> types) {
  return place_values(types, kIntegerArguments, kFloatArguments);
}
[[nodiscard]] inline Places result_places(std::span<const ValueType> types) {
  return place_values(types, kIntegerResults, kFloatResults);
}

}  // namespace anew::abi
