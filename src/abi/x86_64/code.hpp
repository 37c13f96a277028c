// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What those must know of machine code who only carry it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anew::abi {

/// ELF's number of the processor: EM_X86_64.
inline constexpr std::uint16_t kElfMachine = 62;
/// Functions begin at multiples of it.
inline constexpr std::uint64_t kCodeAlignment = 16;
/// Fills gaps between pieces of code: int3, which nothing runs into unnoticed.
inline constexpr std::byte kCodePadding{0xCC};

}  // namespace anew::abi
