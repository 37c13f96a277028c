// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every limit that Anew sets to a module, in one place. A module past one of them is refused with ErrorCode::kLimit.
// Where the JavaScript embedding names an implementation limit (WebAssembly JavaScript Interface, "Implementation-
// defined Limits") the same number stands here, so that what browsers accept, Anew accepts.
#pragma once

#include <cstdint>

namespace anew::wasm::limits {

inline constexpr std::uint64_t kModuleBytes = 1ull << 30;
inline constexpr std::uint32_t kTypes = 1'000'000;  ///< and as many recursive groups of them
inline constexpr std::uint32_t kSupertypes = 63;    ///< of a type, their supertypes included
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

/// Memory that a compilation may take, in bytes: the module's own copy, what it is decoded to, machine code, its
/// tables, and what the compiler knows of the largest function; each further thread that compiles has another
/// function's. A module that takes more is refused. Compilers' output takes 3 to 6 bytes for each of its own, with fuel
/// and explicit bounds; only where branches, traps or values crowd does it become more.
inline constexpr std::uint64_t kCompileBytesForAll = 24 << 20;
inline constexpr std::uint64_t kCompileBytesPerByte = 8;
/// Of these, what a compilation takes for the compiler itself, whatever the module.
inline constexpr std::uint64_t kCompilerBytes = 3 << 20;
[[nodiscard]] constexpr std::uint64_t compile_bytes(std::uint64_t module_bytes) noexcept {
  return kCompileBytesForAll + kCompileBytesPerByte * module_bytes;  // of at most kModuleBytes
}
/// Machine code of a module: what a 32-bit displacement spans.
inline constexpr std::uint64_t kTextBytes = 0x7000'0000;

}  // namespace anew::wasm::limits
