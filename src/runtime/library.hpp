// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operations that compiled code calls out of line (abi/library.hpp), and what host code shares with them.
#pragma once

#include <cstdint>

#include "abi/library.hpp"
#include "runtime/instance.hpp"

namespace anew::detail {

/// One for the process.
[[nodiscard]] const abi::Library& library() noexcept;

/// The value of an operator without operands in a constant expression, in slots. Allocates nothing.
[[nodiscard]] wasm::Vector constant_value(const Instance& instance, const wasm::ConstantOperator& op) noexcept;

/// Grows a memory. @return the old size in Wasm pages, or 2^64 - 1 if its maximum, the store's limit or the system
/// refuses.
[[nodiscard]] std::uint64_t grow_memory(std::byte* base, std::uint64_t delta_pages) noexcept;

/// Marks the cards of [address, address + count), which lies inside the memory.
void mark_written(const abi::MemoryReference& memory, std::uint64_t address, std::uint64_t count) noexcept;

/// Marks elements of a table, which has room for them. To be called before they are written.
void mark_elements(std::uint64_t* elements, std::uint64_t index, std::uint64_t count) noexcept;

/// What a call of a function needs to know of it.
[[nodiscard]] FunctionHandle function_handle(const LinkedModule& linked, std::uint32_t function) noexcept;

}  // namespace anew::detail
