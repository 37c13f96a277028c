// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiled code as debuggers and profilers see it: stretches with a name, and the lines that they come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "codegen/image.hpp"
#include "debug/source_lines.hpp"
#include "wasm/module.hpp"
#include "wasm/names.hpp"

namespace anew::debug {

/// What is to know of a module's code. Looks at what belongs to the module.
struct Code {
  const wasm::Module& module;
  const wasm::FunctionNames& names;
  const codegen::ImageView& image;  ///< its text is where it is executed
  const SourceLines& lines;
};

/// A function, what the optimizing tier made of one, an import's stub or an entry thunk.
struct Symbol {
  std::string name;  ///< printable, demangled, in one line
  std::uint64_t address;
  std::uint64_t bytes;
  std::uint32_t function = kThunk;            ///< in the index space with imports
  std::span<const std::byte> positions = {};  ///< of this code (codegen/positions.hpp)
  static constexpr std::uint32_t kThunk = UINT32_MAX;
};

/// In the order of their addresses.
[[nodiscard]] std::vector<Symbol> symbols_of(const Code& code);

/// From this address on, until the next one, code is of this line.
struct CodeLine {
  std::uint64_t address;
  SourceLine line;
};

/// The lines of a function, in the order of their addresses: that of its first byte, and those of operators that can
/// trap or call, which have positions.
[[nodiscard]] std::vector<CodeLine> lines_of(const Code& code, const Symbol& function);

}  // namespace anew::debug
