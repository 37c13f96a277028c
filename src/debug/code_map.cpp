// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "debug/code_map.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "codegen/positions.hpp"
#include "wasm/printable.hpp"

namespace anew::debug {

std::vector<Symbol> symbols_of(const Code& code) {
  const codegen::ImageView& image = code.image;
  // Of code that is executed: an address as an integer, to tell it to others.
  const auto text = reinterpret_cast<std::uint64_t>(image.text.data());
  std::vector<Symbol> symbols;
  symbols.reserve(image.functions.size() + image.thunks.size() + image.optimized.size());
  const auto name_of = [&](std::uint32_t function) {
    std::string name = wasm::function_text(code.names[function]);
    return name.empty() ? fmt::format("function {}", function) : name;
  };
  for (std::uint32_t i = 0; i < image.functions.size(); ++i) {
    symbols.push_back(
        {name_of(i), text + image.functions[i], 0, i, codegen::positions_of(image, code.module.imported_functions, i)});
  }
  for (std::size_t i = 0; i < image.optimized.size(); ++i) {
    const codegen::OptimizedFunction& each = image.optimized[i];
    symbols.push_back({name_of(each.function) + "_optimized", text + each.offset, 0, each.function,
                       codegen::positions_of_optimized(image, i)});
  }
  for (std::size_t i = 0; i < image.thunks.size(); ++i)
    symbols.push_back({fmt::format("entry thunk {}", i), text + image.thunks[i], 0, Symbol::kThunk, {}});
  std::ranges::sort(symbols, {}, &Symbol::address);
  // Each reaches to the next.
  std::uint64_t end = text + image.text.size();
  for (std::size_t i = symbols.size(); i-- > 0;) {
    symbols[i].bytes = end - symbols[i].address;
    end = symbols[i].address;
  }
  return symbols;
}

std::vector<CodeLine> lines_of(const Code& code, const Symbol& function) {
  std::vector<CodeLine> lines;
  const std::uint32_t imports = code.module.imported_functions;
  if (code.lines.empty() || function.function == Symbol::kThunk || function.function < imports) return lines;
  const auto add = [&](std::uint64_t offset, std::uint64_t module_offset) {
    const auto line = code.lines.find(module_offset);
    if (line && offset < function.bytes && (lines.empty() || lines.back().line != *line))
      lines.push_back({function.address + offset, *line});
  };
  add(0, code.module.bodies[function.function - imports].offset);
  for (codegen::PositionReader reader(function.positions); reader.next();)
    add(reader.code_offset(), reader.module_offset());
  return lines;
}

}  // namespace anew::debug
