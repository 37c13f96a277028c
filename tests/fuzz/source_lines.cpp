// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fuzzes the reading of line tables: the input is what ".debug_line" holds.
#include "debug/source_lines.hpp"

#include <anew/types.hpp>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tests/support/module_builder.hpp"
#include "wasm/decoder.hpp"

namespace {

using anew::test::Code;

void append_section(Code& binary, std::string_view name, std::span<const std::uint8_t> content) {
  binary.byte(0).unsigned_leb(1 + name.size() + content.size()).name(name);
  for (const std::uint8_t byte : content) binary.byte(byte);
}

/// A code section of 200 functions that do nothing, and the sections of a line table.
std::vector<std::byte> module_with(std::span<const std::uint8_t> line_table) {
  constexpr unsigned kFunctions = 200;
  Code binary;
  binary.fixed(0x6D736100, 4).fixed(1, 4);
  binary.byte(1).unsigned_leb(4).byte(1).byte(0x60).byte(0).byte(0);
  binary.byte(3).unsigned_leb(2 + kFunctions).unsigned_leb(kFunctions);
  for (unsigned i = 0; i < kFunctions; ++i) binary.byte(0);
  binary.byte(10).unsigned_leb(2 + 3 * kFunctions).unsigned_leb(kFunctions);
  for (unsigned i = 0; i < kFunctions; ++i) binary.byte(2).byte(0).byte(0x0B);
  const std::vector<std::uint8_t> strings = {'a', '/', 'b', 0, 'c', 0, 'd'};
  append_section(binary, ".debug_str", strings);
  append_section(binary, ".debug_line_str", strings);
  append_section(binary, ".debug_line", line_table);
  return binary.bytes();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::byte> binary = module_with({data, size});
  const auto module = anew::wasm::decode_module(binary);
  if (!module) std::abort();  // what is around the table is right
  const anew::debug::SourceLines lines(*module, binary);
  for (std::uint64_t at = 0; at <= binary.size(); ++at) {
    const auto line = lines.find(at);
    if (!line) continue;
    if (line->file >= lines.files() || line->line == 0) std::abort();
    if (lines.file(line->file).size() > 2 * anew::debug::kMaximumPath + 1) std::abort();
  }
  return 0;
}
