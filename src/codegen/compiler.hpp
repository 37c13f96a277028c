// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A tier: from a decoded module to machine code that can be run. Who wants code asks for a tier by its name
// (runtime/tiers.hpp) and knows nothing else of it.
#pragma once

#include <anew/error.hpp>
#include <anew/features.hpp>
#include <cstdint>
#include <functional>

#include "abi/cell.hpp"
#include "codegen/code_memory.hpp"
#include "codegen/image.hpp"
#include "wasm/memory_limit.hpp"
#include "wasm/module.hpp"

namespace anew::codegen {

/// (functions done, functions in all); may be called from several threads at once.
using Progress = std::function<void(std::uint32_t, std::uint32_t)>;

/// What to compile, and with what. Only looked at.
struct Job {
  const wasm::Module& module;  ///< with its function bodies
  const abi::CellLayout& layout;
  const Options& options;
  /// Of what Module::memory_bytes has counted already, of code, its tables, counted twice for they are copied once, and
  /// of what the compiler remembers of a function. Whether it suffices depends on module and options alone, not on
  /// threads.
  wasm::MemoryLimit limit;
  unsigned threads = 0;  ///< 0: all cores
  CodeMemory::Spare spare = CodeMemory::Spare::kNone;
  Progress progress = {};
};

struct Compiled {
  Image image;  ///< without its text, which `code` has
  CodeMemory code;
  Features features;  ///< the proposals that the function bodies need
};

/// A code generator. What it makes depends on the module and the options alone.
class Compiler {
 public:
  virtual ~Compiler() = default;
  /// Validates and compiles every function of the module. Thread-safe.
  /// @return the code, without its entries filled; or the first error in the order of the functions, with the
  ///         function's name in the message.
  [[nodiscard]] virtual Result<Compiled> compile(const Job& job) const = 0;
};

}  // namespace anew::codegen
