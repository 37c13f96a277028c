// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/names.hpp"

#include <fmt/format.h>

#include "wasm/printable.hpp"
#include "wasm/reader.hpp"

namespace anew::wasm {
namespace {

// Ids of subsections.
constexpr std::uint8_t kFunctionNames = 1;
constexpr std::uint8_t kGlobalNames = 7;

// The map from function indices to names; entries for functions that the module has not are passed over.
void read_function_names(BytesView subsection, std::vector<std::string>& names) {
  Reader reader(subsection);
  std::uint32_t count = 0;
  if (!reader.u32(count)) return;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t index = 0;
    std::string_view name;
    if (!reader.u32(index) || !reader.name(name)) return;
    if (index < names.size()) names[index] = name;
  }
}

void read_name_section(BytesView section, std::vector<std::string>& names) {
  Reader reader(section);
  std::uint8_t id = 0;
  std::uint32_t size = 0;
  BytesView subsection;
  while (!reader.at_end() && reader.byte(id) && reader.u32(size) && reader.bytes(size, subsection))
    if (id == kFunctionNames) return read_function_names(subsection, names);
}

}  // namespace

FunctionNames::FunctionNames(const Module& module) : names_(module.functions.size()) {
  read_name_section(module.name_section, names_);
  std::size_t function = 0;
  for (const Import& import : module.imports) {
    if (import.kind() != ExternalKind::kFunction) continue;
    if (names_[function].empty()) names_[function].append(import.module).append(".").append(import.name);
    ++function;
  }
  for (const Export& exported : module.exports)
    if (exported.kind == ExternalKind::kFunction && names_[exported.index].empty())
      names_[exported.index] = exported.name;
}

std::string_view FunctionNames::operator[](std::uint32_t function) const noexcept {
  return function < names_.size() ? std::string_view(names_[function]) : std::string_view();
}

std::string import_name(const Module& module, std::uint32_t function) {
  std::uint32_t index = 0;
  for (const Import& import : module.imports) {
    if (import.kind() != ExternalKind::kFunction) continue;
    if (index++ == function) return fmt::format("{}.{}", import.module, import.name);
  }
  return "";
}

void name_function(Error& error, const FunctionNames& names, std::uint32_t function) {
  const std::string name = function_text(names[function]);
  error.message = name.empty() ? fmt::format("function {}: {}", function, error.message)
                               : fmt::format("function {} ({}): {}", function, name, error.message);
}

std::map<std::uint32_t, std::string> find_global_names(const Module& module) {
  std::map<std::uint32_t, std::string> names;
  Reader reader(module.name_section);
  std::uint8_t id = 0;
  std::uint32_t size = 0;
  BytesView subsection;
  while (!reader.at_end() && reader.byte(id) && reader.u32(size) && reader.bytes(size, subsection)) {
    if (id != kGlobalNames) continue;
    Reader entries(subsection);
    std::uint32_t count = 0;
    if (!entries.u32(count)) break;
    std::uint32_t index = 0;
    std::string_view name;
    while (count-- > 0 && entries.u32(index) && entries.name(name))
      if (index < module.globals.size()) names[index] = name;
  }
  std::uint32_t imported = 0;
  for (const Import& import : module.imports)
    if (import.kind() == ExternalKind::kGlobal)
      names.try_emplace(imported++, std::string(import.module) + "." + std::string(import.name));
  for (const Export& exported : module.exports)
    if (exported.kind == ExternalKind::kGlobal) names.try_emplace(exported.index, exported.name);
  return names;
}

}  // namespace anew::wasm
