// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types, imports, functions, tables, memories, exports and the start function (specification, 5.3, 5.5, 3.2 and 3.4).
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wasm/limits.hpp"
#include "wasm/module_decoder.hpp"

namespace anew::wasm {

bool ModuleDecoder::within(std::size_t total, std::uint32_t limit, std::string_view what, std::uint64_t at) {
  return total <= limit ||
         reader_.fail(ErrorCode::kLimit, at, fmt::format("too many {}: {}, the limit is {}", what, total, limit));
}

// Types.

bool ModuleDecoder::type_section() {
  std::uint32_t count = 0;
  if (!reader_.count(limits::kTypes, "types", count)) {
    return false;
  }
  module_.types.resize(count);
  return std::ranges::all_of(module_.types, [this](FunctionType& type) { return function_type(type); });
}

bool ModuleDecoder::function_type(FunctionType& type) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t form = 0;
  if (!reader_.byte(form)) {
    return false;
  }
  if (form >= 0x4E && form <= 0x5F) {  // rec, sub, sub final, array, struct and what is left free between them
    return reader_.fail(ErrorCode::kUnsupported, start,
                        fmt::format("not supported yet: garbage collection (type 0x{:02X})", form));
  }
  if (form != 0x60) {
    return reader_.fail(ErrorCode::kMalformed, start, fmt::format("malformed function type: 0x{:02X}", form));
  }
  return value_types(limits::kParameters, "parameters of a function", type.parameters) &&
         value_types(limits::kResults, "results of a function", type.results);
}

bool ModuleDecoder::value_types(std::uint32_t limit, std::string_view what, std::vector<ValueType>& types) {
  std::uint32_t count = 0;
  if (!reader_.count(limit, what, count)) {
    return false;
  }
  types.resize(count);
  return std::ranges::all_of(types, [this](ValueType& type) { return reader_.value_type(type); });
}

bool ModuleDecoder::size_limits(bool with_maximum, std::uint64_t at, std::uint64_t most, const char* too_large,
                                Limits& limits) {
  std::uint32_t minimum = 0;
  std::uint32_t maximum = 0;
  if (!reader_.u32(minimum) || (with_maximum && !reader_.u32(maximum))) {
    return false;
  }
  if (minimum > most || maximum > most) {
    return reader_.fail(ErrorCode::kInvalid, at, too_large);
  }
  if (with_maximum && minimum > maximum) {
    return reader_.fail(ErrorCode::kInvalid, at,
                        fmt::format("size minimum must not be greater than maximum: {} and {}", minimum, maximum));
  }
  limits.minimum = minimum;
  if (with_maximum) {
    limits.maximum = maximum;
  }
  return true;
}

bool ModuleDecoder::table_type(TableType& type) {
  if (!reader_.reference_type(type.element)) {
    return false;
  }
  const std::uint64_t start = reader_.offset();
  std::uint8_t flags = 0;
  if (!reader_.byte(flags)) {
    return false;
  }
  if (flags == 4 || flags == 5) {
    return reader_.fail(ErrorCode::kUnsupported, start, "not supported yet: 64-bit tables (memory64)");
  }
  if (flags > 1) {
    return reader_.fail(ErrorCode::kMalformed, start, fmt::format("malformed limits flags: 0x{:02X}", flags));
  }
  if (!size_limits(flags == 1, start, UINT32_MAX, "", type.limits)) {
    return false;
  }
  return type.limits.minimum <= limits::kTableElements ||
         reader_.fail(
             ErrorCode::kLimit, start,
             fmt::format("table size: {} elements, the limit is {}", type.limits.minimum, limits::kTableElements));
}

bool ModuleDecoder::memory_type(MemoryType& type) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t flags = 0;
  if (!reader_.byte(flags)) {
    return false;
  }
  if (flags >= 4 && flags <= 7) {
    return reader_.fail(ErrorCode::kUnsupported, start, "not supported yet: 64-bit memories (memory64)");
  }
  if (flags > 3) {
    return reader_.fail(ErrorCode::kMalformed, start, fmt::format("malformed limits flags: 0x{:02X}", flags));
  }
  if (flags == 2) {
    return reader_.fail(ErrorCode::kInvalid, start, "shared memory must have maximum");
  }
  type.shared = flags == 3;
  return size_limits((flags & 1) != 0, start, limits::kMemoryPages, "memory size must be at most 65536 pages (4GiB)",
                     type.limits);
}

bool ModuleDecoder::global_type(GlobalType& type) {
  if (!reader_.value_type(type.type)) {
    return false;
  }
  const std::uint64_t start = reader_.offset();
  std::uint8_t mutability = 0;
  if (!reader_.byte(mutability)) {
    return false;
  }
  type.is_mutable = mutability == 1;
  return mutability <= 1 ||
         reader_.fail(ErrorCode::kMalformed, start, fmt::format("malformed mutability: 0x{:02X}", mutability));
}

bool ModuleDecoder::type_index(std::uint32_t& index) {
  const std::uint64_t start = reader_.offset();
  return reader_.u32(index) && (index < module_.types.size() ||
                                reader_.fail(ErrorCode::kInvalid, start, fmt::format("unknown type {}", index)));
}

bool ModuleDecoder::function_index(std::uint32_t& index) {
  const std::uint64_t start = reader_.offset();
  return reader_.u32(index) && (index < module_.functions.size() ||
                                reader_.fail(ErrorCode::kInvalid, start, fmt::format("unknown function {}", index)));
}

// Imports and definitions.

bool ModuleDecoder::import_section() {
  std::uint32_t count = 0;
  if (!reader_.count(limits::kImports, "imports", count)) {
    return false;
  }
  module_.imports.resize(count);
  return std::ranges::all_of(module_.imports, [this](Import& each) { return import(each); });
}

bool ModuleDecoder::import(Import& import) {
  const std::uint64_t start = reader_.offset();
  if (!reader_.name(import.module) || !reader_.name(import.name)) {
    return false;
  }
  if (std::max(import.module.size(), import.name.size()) > limits::kNameBytes) {
    return reader_.fail(ErrorCode::kLimit, start,
                        fmt::format("name of an import is longer than {} bytes", limits::kNameBytes));
  }
  const std::uint64_t kind_offset = reader_.offset();
  std::uint8_t kind = 0;
  if (!reader_.byte(kind)) {
    return false;
  }
  switch (kind) {
    case 0: {
      std::uint32_t type = 0;
      if (!type_index(type)) {
        return false;
      }
      import.type.emplace<0>(type);
      module_.functions.push_back(type);
      ++module_.imported_functions;
      return within(module_.functions.size(), limits::kFunctions, "functions", start);
    }
    case 1: {
      TableType type;
      if (!table_type(type)) {
        return false;
      }
      import.type = type;
      module_.tables.push_back(type);
      ++module_.imported_tables;
      return within(module_.tables.size(), limits::kTables, "tables", start);
    }
    case 2: {
      MemoryType type;
      if (!memory_type(type)) {
        return false;
      }
      import.type = type;
      module_.memories.push_back(type);
      ++module_.imported_memories;
      return module_.memories.size() <= limits::kMemories ||
             reader_.fail(ErrorCode::kUnsupported, start, "not supported yet: multiple memories");
    }
    case 3: {
      Global global;
      if (!global_type(global.type)) {
        return false;
      }
      import.type = global.type;
      module_.globals.push_back(std::move(global));
      ++module_.imported_globals;
      return within(module_.globals.size(), limits::kGlobals, "globals", start);
    }
    case 4:
      return reader_.fail(ErrorCode::kUnsupported, kind_offset, "not supported yet: exception handling (tag import)");
    default:
      return reader_.fail(ErrorCode::kMalformed, kind_offset, fmt::format("malformed import kind: 0x{:02X}", kind));
  }
}

bool ModuleDecoder::function_section() {
  const std::uint64_t start = reader_.offset();
  std::uint32_t count = 0;
  if (!reader_.count(limits::kFunctions, "functions", count) ||
      !within(module_.functions.size() + count, limits::kFunctions, "functions", start)) {
    return false;
  }
  module_.functions.reserve(module_.functions.size() + count);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t type = 0;
    if (!type_index(type)) {
      return false;
    }
    module_.functions.push_back(type);
  }
  return true;
}

bool ModuleDecoder::table_section() {
  const std::uint64_t start = reader_.offset();
  std::uint32_t count = 0;
  if (!reader_.count(limits::kTables, "tables", count) ||
      !within(module_.tables.size() + count, limits::kTables, "tables", start)) {
    return false;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!reader_.at_end() && *reader_.position() == std::byte{0x40}) {
      return reader_.fail(ErrorCode::kUnsupported, reader_.offset(),
                          "not supported yet: table initializers (typed function references)");
    }
    if (!table_type(module_.tables.emplace_back())) {
      return false;
    }
  }
  return true;
}

bool ModuleDecoder::memory_section() {
  const std::uint64_t start = reader_.offset();
  std::uint32_t count = 0;
  if (!reader_.count(UINT32_MAX, "memories", count)) {
    return false;
  }
  if (module_.memories.size() + count > limits::kMemories) {
    return reader_.fail(ErrorCode::kUnsupported, start, "not supported yet: multiple memories");
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!memory_type(module_.memories.emplace_back())) {
      return false;
    }
  }
  return true;
}

// Exports and the start function.

bool ModuleDecoder::export_section() {
  std::uint32_t count = 0;
  if (!reader_.count(limits::kExports, "exports", count)) {
    return false;
  }
  module_.exports.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Export each{{}, ExternalKind::kFunction, 0};
    if (!export_(each)) {
      return false;
    }
    module_.exports.push_back(each);
  }
  return unique_export_names();
}

bool ModuleDecoder::export_(Export& exported) {
  const std::uint64_t start = reader_.offset();
  if (!reader_.name(exported.name)) {
    return false;
  }
  if (exported.name.size() > limits::kNameBytes) {
    return reader_.fail(ErrorCode::kLimit, start,
                        fmt::format("name of an export is longer than {} bytes", limits::kNameBytes));
  }
  const std::uint64_t kind_offset = reader_.offset();
  std::uint8_t kind = 0;
  if (!reader_.byte(kind)) {
    return false;
  }
  if (kind > 3) {
    return kind == 4
               ? reader_.fail(ErrorCode::kUnsupported, kind_offset,
                              "not supported yet: exception handling (tag export)")
               : reader_.fail(ErrorCode::kMalformed, kind_offset, fmt::format("malformed export kind: 0x{:02X}", kind));
  }
  exported.kind = static_cast<ExternalKind>(kind);  // 0 to 3, its enumerators
  if (exported.kind == ExternalKind::kFunction) {
    if (!function_index(exported.index)) {
      return false;
    }
    declare(exported.index);
    return true;
  }
  const std::uint64_t index_offset = reader_.offset();
  const std::size_t count = exported.kind == ExternalKind::kTable    ? module_.tables.size()
                            : exported.kind == ExternalKind::kMemory ? module_.memories.size()
                                                                     : module_.globals.size();
  return reader_.u32(exported.index) &&
         (exported.index < count ||
          reader_.fail(ErrorCode::kInvalid, index_offset,
                       fmt::format("unknown {} {}", to_string(exported.kind), exported.index)));
}

// By sorting, which no choice of names can make quadratic, as it could a hash table.
bool ModuleDecoder::unique_export_names() {
  std::vector<std::string_view> names;
  names.reserve(module_.exports.size());
  for (const Export& each : module_.exports) {
    names.push_back(each.name);
  }
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice == names.end()) {
    return true;
  }
  // The later one of the two; both views point into the binary, and empty ones too.
  const char* later = std::max(twice->data(), (twice + 1)->data());
  const auto offset = reinterpret_cast<const std::byte*>(later) - binary_.data();  // the view was made of these bytes
  return reader_.fail(ErrorCode::kInvalid, static_cast<std::uint64_t>(offset),
                      fmt::format("duplicate export name \"{}\"", *twice));
}

bool ModuleDecoder::start_section() {
  const std::uint64_t start = reader_.offset();
  std::uint32_t index = 0;
  if (!function_index(index)) {
    return false;
  }
  if (module_.function_type(index) != FunctionType{}) {
    return reader_.fail(
        ErrorCode::kInvalid, start,
        fmt::format("start function must have type [] -> [], has {}", to_string(module_.function_type(index))));
  }
  module_.start = index;
  return true;
}

}  // namespace anew::wasm
