// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a debugger needs to get from a frame to its caller's: rules in DWARF's form (DWARF 4, chapter 6.4; the
// registers' numbers are those of the System V ABI).
#pragma once

#include <array>
#include <cstdint>

namespace anew::abi {

/// The common information entry: what the offsets in rules are multiples of, and where the return address is.
inline constexpr std::uint8_t kDwarfDataAlignment = 0x78;  // -8 as a signed LEB128 number
inline constexpr std::uint8_t kDwarfReturnAddress = 16;    // rip
/// At a function's first instruction: the frame's address is rsp + 8, and the return address lies 8 below it.
inline constexpr std::array<std::uint8_t, 5> kDwarfEntryRules = {0x0c, 7, 8, 0x90, 1};

/// Of a function and an import's stub. Behind `push rbp` (one byte) the frame's address is rsp + 16, and the caller's
/// rbp lies 16 below it; behind `mov rbp, rsp` (three bytes) it is rbp + 16.
inline constexpr std::array<std::uint8_t, 8> kDwarfFunctionRules = {0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6};

/// Of an entry thunk: its caller runs on another stack, and there is no way to it.
inline constexpr std::array<std::uint8_t, 2> kDwarfThunkRules = {0x07, kDwarfReturnAddress};

}  // namespace anew::abi
