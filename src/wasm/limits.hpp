// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every limit that Anew sets to a module, in one place. A module past one of them is refused with ErrorCode::kLimit.
// Where the JavaScript embedding names an implementation limit (WebAssembly JavaScript Interface, "Implementation-
// defined Limits") the same number stands here, so that what browsers accept, Anew accepts.
#pragma once

#include <cstdint>

namespace anew::wasm::limits {

inline constexpr std::uint64_t kModuleBytes = 1ull << 30;
inline constexpr std::uint32_t kTypes = 1'000'000;
inline constexpr std::uint32_t kFunctions = 1'000'000;
inline constexpr std::uint32_t kImports = 1'000'000;
inline constexpr std::uint32_t kExports = 1'000'000;
inline constexpr std::uint32_t kGlobals = 1'000'000;
inline constexpr std::uint32_t kDataSegments = 100'000;
inline constexpr std::uint32_t kElementSegments = 10'000'000;
inline constexpr std::uint32_t kElementsInSegment = 10'000'000;
inline constexpr std::uint32_t kElements = 10'000'000;  ///< of all segments together: each takes 16 bytes of memory
inline constexpr std::uint32_t kTables = 1'000;  ///< the JavaScript limit is 100,000; each has a place in every cell
/// Elements of all tables of an instance together; a module whose tables begin with more can be compiled, but not
/// instantiated.
inline constexpr std::uint32_t kTableElements = 10'000'000;
inline constexpr std::uint32_t kMemories = 100;  ///< each reserves 4 GiB of address space in every instance
inline constexpr std::uint32_t kTags = 1'000'000;
inline constexpr std::uint32_t kCatchClauses = 10'000;  ///< of one try_table
/// Wasm pages of 64 KiB: the natural maximum of 32-bit memories, and Anew's limit for what 64-bit ones may begin with;
/// their memory.grow fails past it.
inline constexpr std::uint32_t kMemoryPages = 65'536;
inline constexpr std::uint32_t kFunctionBytes = 7'654'321;
inline constexpr std::uint32_t kLocals = 50'000;  ///< of a function, parameters included
inline constexpr std::uint32_t kParameters = 1'000;
inline constexpr std::uint32_t kResults = 1'000;
inline constexpr std::uint32_t kBrTableTargets = 65'520;
inline constexpr std::uint32_t kNesting = 100'000;         ///< blocks open at once in one function
inline constexpr std::uint32_t kOperandStack = 1'000'000;  ///< operands on the stack at once in one function
inline constexpr std::uint32_t kNameBytes = 100'000;       ///< of an import's or export's name

/// Machine code of a module, in bytes: at most kTextBytesForAll and kTextBytesPerByte for each byte of a body, four
/// bytes counted for each function besides; never over kTextBytes, which a 32-bit displacement spans. Compilers' output
/// takes 2 to 4 bytes of code a byte, and no more than 50 where branches and calls crowd; only where hundreds of values
/// pass at once does a small module become gigabytes.
inline constexpr std::uint64_t kTextBytesPerByte = 64;
inline constexpr std::uint64_t kTextBytesForAll = 16 << 20;
inline constexpr std::uint64_t kTextBytes = 0x7000'0000;

}  // namespace anew::wasm::limits
