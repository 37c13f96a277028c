// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a decoded module to machine code that can be run.
#pragma once

#include <anew/error.hpp>
#include <cstdint>
#include <functional>

#include "abi/cell.hpp"
#include "codegen/code_memory.hpp"
#include "codegen/image.hpp"
#include "wasm/memory_limit.hpp"
#include "wasm/module.hpp"

namespace anew::codegen {

struct Compiled {
  Image image;  ///< without its text, which `code` has
  CodeMemory code;
};

/// (functions done, functions in all); may be called from several threads at once.
using Progress = std::function<void(std::uint32_t, std::uint32_t)>;

/// Validates and compiles every function of the module with the quick tier, on `threads` threads (0: all cores).
/// @param limit  of what Module::memory_bytes has counted already, of code, its tables, counted twice for they are
///               copied once, and of what the compiler remembers of a function. Whether it suffices depends on module
///               and options alone, not on threads.
/// @return the code, without its entries filled; or the first error in the order of the functions, with the function's
///         name in the message.
[[nodiscard]] Result<Compiled> compile_quick(const wasm::Module& module, const abi::CellLayout& layout,
                                             const Options& options, unsigned threads, const Progress& progress,
                                             const wasm::MemoryLimit& limit);

}  // namespace anew::codegen
