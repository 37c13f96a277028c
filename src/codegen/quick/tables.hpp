// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the functions of a module share while they compile, and what they leave behind beside their code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "abi/cell.hpp"
#include "abi/places.hpp"
#include "codegen/image.hpp"
#include "wasm/module.hpp"

namespace anew::codegen::quick {

/// What unwinding and the collection of exceptions need, with offsets in the batch's code.
struct TryTables {
  std::vector<CallSite> call_sites;
  std::vector<TryBlock> try_blocks;
  std::vector<Handler> handlers;
  std::vector<Roots> roots;
};

/// What functions leave behind beside their code, with offsets in the batch's code.
struct Tables {
  std::vector<std::uint32_t> functions;        ///< of each function, its first byte
  std::vector<std::uint32_t> position_starts;  ///< of each function in `positions`
  std::vector<std::byte> positions;
  TryTables try_tables;
  /// Displacements of 32 bits that are to reach the table of entry addresses; the code holds where in it.
  std::vector<std::uint32_t> entries;
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return positions.size() + std::span(try_tables.call_sites).size_bytes() +
           std::span(try_tables.try_blocks).size_bytes() + std::span(try_tables.handlers).size_bytes() +
           std::span(try_tables.roots).size_bytes() + std::span(entries).size_bytes();
  }
};

/// Thrown where what is made of functions grows past QuickCompiler::limit_bytes.
struct CodeTooLarge {};

/// What all functions of a module share while they compile.
struct ModuleContext {
  const wasm::Module& module;
  const abi::CellLayout& layout;
  const Options& options;
  std::span<const abi::Places> arguments;  ///< by type index
  std::span<const abi::Places> results;
};

}  // namespace anew::codegen::quick
