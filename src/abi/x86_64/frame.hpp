// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What all frames on a guest stack have in common, those of the library too, which is compiled for it: each function
// pushes its caller's rbp and sets rbp to that place. What else a frame holds, its image says (codegen/image.hpp).
#pragma once

#include <cstdint>

#include "abi/library.hpp"
#include "abi/x86_64/offsets.h"

namespace anew::abi {

/// From a frame pointer: the caller's one, and where the function returns to.
inline constexpr std::uint64_t kCallersFrame = 0;
inline constexpr std::uint64_t kReturnAddress = 8;
/// From a frame pointer on, of both.
inline constexpr std::uint64_t kFrameBytes = 16;

/// What a call into another instance, or a chain of tail calls, has on the stack beside its functions' frames.
inline constexpr std::uint32_t kOtherCellBytes = ANEW_OTHER_CELL_BYTES;
/// From the frame pointer of a function that was called by anew_call_other, anew_tail_call or an entry thunk: its cell.
/// The register keeps it at calls alone; in between, what is optimized may need it for something else.
inline constexpr std::int32_t kCellOfCalled = 16;

/// Has the first function of a guest whose call was left return to anew_return_resumed.
/// @param stack_top  where its guest stack started: below lies the return address that anew_enter pushed.
inline void set_first_return(std::uint64_t stack_top) noexcept {
  // Aligned, and accessible as all of the stack is.
  *reinterpret_cast<std::uint64_t*>(stack_top - sizeof(std::uint64_t)) =
      reinterpret_cast<std::uint64_t>(&anew_return_resumed);
}

}  // namespace anew::abi
