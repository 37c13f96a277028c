// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A C program with DWARF, tests/data/debug/divide.c, and what tests change in it.
#pragma once

#include <algorithm>
#include <anew/anew.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/module_builder.hpp"
#include "wasm/decoder.hpp"

namespace anew::test {

/// @param dwarf  its version, 4 or 5.
inline std::vector<std::byte> debug_module(int dwarf) {
  const std::string path = ANEW_SOURCE_DIR "/tests/data/debug/divide-dwarf" + std::to_string(dwarf) + ".wasm";
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const auto view = std::as_bytes(std::span(bytes));
  if (view.empty()) throw std::runtime_error("cannot read " + path);
  return {view.begin(), view.end()};
}

/// What is in it, behind its name.
inline std::vector<std::byte> custom_section(std::span<const std::byte> binary, std::string_view name) {
  const auto module = wasm::decode_module(binary);
  for (const wasm::SectionRange& section : module.value().sections) {
    if (section.name != name || section.id != 0) continue;
    const std::uint64_t name_bytes = name.size() + 1;  // a name in these tests has less than 128 bytes
    const auto content = binary.subspan(section.offset + name_bytes, section.size - name_bytes);
    return {content.begin(), content.end()};
  }
  return {};
}

/// The module with that in its place.
inline std::vector<std::byte> with_section(std::span<const std::byte> binary, std::string_view name,
                                           std::span<const std::byte> content) {
  const auto module = wasm::decode_module(binary);
  Code result;
  const auto put = [&result](std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) result.byte(std::to_integer<std::uint8_t>(byte));
  };
  put(binary.first(8));
  for (const wasm::SectionRange& section : module.value().sections) {
    if (section.name == name && section.id == 0) continue;
    put(Code().byte(section.id).unsigned_leb(section.size).bytes());
    put(binary.subspan(section.offset, section.size));
  }
  put(Code().byte(0).unsigned_leb(1 + name.size() + content.size()).name(name).bytes());
  put(content);
  return result.bytes();
}

/// How run(argument) ends.
inline Error trap_of(std::span<const std::byte> binary, std::uint32_t argument, EngineOptions options = {}) {
  options.cache = false;
  const Module module = Engine(std::move(options)).compile(binary).value();
  const Pool pool = Pool::create(module, Linker(), {.capacity = 1}).value();
  return pool.acquire().value().call<std::uint32_t>("run", argument).error();
}

}  // namespace anew::test
