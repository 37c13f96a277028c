// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Imports, functions, tables, memories, exports and the start function (specification, 5.3, 5.5, 3.2 and 3.4).
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wasm/limits.hpp"
#include "wasm/module_decoder.hpp"
#include "wasm/printable.hpp"

namespace anew::wasm {
namespace {

// Bits of the byte before limits (5.3.13).
constexpr std::uint8_t kWithMaximum = 1;
constexpr std::uint8_t kShared = 2;
constexpr std::uint8_t kIs64 = 4;

}  // namespace

bool ModuleDecoder::within(std::size_t total, std::uint32_t limit, std::string_view what, std::uint64_t at) {
  return total <= limit ||
         reader_.fail(ErrorCode::kLimit, at, fmt::format("too many {}: {}, the limit is {}", what, total, limit));
}

bool ModuleDecoder::several_tables(std::uint64_t at) {
  return module_.tables.size() <= 1 || reader_.needs(Feature::kReferenceTypes, at, "a second table");
}

bool ModuleDecoder::several_memories(std::uint64_t at) {
  return module_.memories.size() <= 1 || reader_.needs(Feature::kMultiMemory, at, "a second memory");
}

// Types of what is imported and defined.

bool ModuleDecoder::size_limits(bool with_maximum, std::uint64_t at, std::uint64_t most, const char* too_large,
                                Limits& limits) {
  std::uint64_t maximum = 0;
  if (!reader_.u64(limits.minimum) || (with_maximum && !reader_.u64(maximum)) || !reader_.wide_integers_accepted())
    return false;
  if (limits.minimum > most || maximum > most) return reader_.fail(ErrorCode::kInvalid, at, too_large);
  if (!with_maximum) return true;
  limits.maximum = maximum;
  return limits.minimum <= maximum ||
         reader_.fail(ErrorCode::kInvalid, at,
                      fmt::format("size minimum must not be greater than maximum: {} and {}", limits.minimum, maximum));
}

bool ModuleDecoder::table_type(TableType& type) {
  if (!reader_.reference_type(module_.canonical_types, type.element)) return false;
  const std::uint64_t start = reader_.offset();
  std::uint8_t flags = 0;
  if (!reader_.byte(flags)) return false;
  if ((flags & ~(kWithMaximum | kIs64)) != 0)
    return reader_.fail(ErrorCode::kMalformed, start, fmt::format("malformed limits flags: 0x{:02X}", flags));
  type.is_64 = (flags & kIs64) != 0;
  if (type.is_64 && !reader_.needs(Feature::kMemory64, start, "a table with addresses of 64 bits")) return false;
  return size_limits((flags & kWithMaximum) != 0, start, type.is_64 ? UINT64_MAX : UINT32_MAX,
                     "table size must be at most 2^32 - 1 elements", type.limits);
}

bool ModuleDecoder::memory_type(MemoryType& type) {
  const std::uint64_t start = reader_.offset();
  std::uint8_t flags = 0;
  if (!reader_.byte(flags)) return false;
  if ((flags & ~(kWithMaximum | kShared | kIs64)) != 0)
    return reader_.fail(ErrorCode::kMalformed, start, fmt::format("malformed limits flags: 0x{:02X}", flags));
  const bool with_maximum = (flags & kWithMaximum) != 0;
  type.shared = (flags & kShared) != 0;
  type.is_64 = (flags & kIs64) != 0;
  if (type.is_64 && !reader_.needs(Feature::kMemory64, start, "a memory with addresses of 64 bits")) return false;
  if (type.shared && !with_maximum) return reader_.fail(ErrorCode::kInvalid, start, "shared memory must have maximum");
  if (!(type.is_64 ? size_limits(with_maximum, start, std::uint64_t{1} << 48,
                                 "memory size must be at most 2^48 pages (2^64 bytes)", type.limits)
                   : size_limits(with_maximum, start, limits::kMemoryPages,
                                 "memory size must be at most 65536 pages (4GiB)", type.limits))) {
    return false;
  }
  if (type.shared && !reader_.accepts(Feature::kUnsharedMemory)) {
    return reader_.fail(
        ErrorCode::kUnsupported, start,
        "not supported: shared memory; what threads share cannot be restored, for nothing stops the other threads. A "
        "module that starts none can have it for itself: add unshared-memory to EngineOptions::features (--features "
        "all,unshared-memory)");
  }
  return type.limits.minimum <= limits::kMemoryPages ||
         reader_.fail(
             ErrorCode::kLimit, start,
             fmt::format("memory size: it begins with {} pages; memories of 64-bit addresses have {} (4 GiB) at "
                         "most here, as those of 32-bit ones do",
                         type.limits.minimum, limits::kMemoryPages));
}

bool ModuleDecoder::tag_type(Tag& tag) {
  const std::uint64_t start = reader_.offset();
  if (!reader_.needs(Feature::kExceptions, start, "a tag") || !reader_.zero_byte() || !type_index(tag.type))
    return false;
  return module_.types[tag.type].results.empty() ||
         reader_.fail(ErrorCode::kInvalid, start,
                      fmt::format("non-empty tag result type: {}", to_string(module_.types[tag.type])));
}

bool ModuleDecoder::global_type(GlobalType& type) {
  if (!reader_.value_type(module_.canonical_types, type.type)) return false;
  const std::uint64_t start = reader_.offset();
  std::uint8_t mutability = 0;
  if (!reader_.byte(mutability)) return false;
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
  if (!reader_.count(limits::kImports, "imports", count)) return false;
  if (!take_memory(count, memory::kImport)) return false;
  module_.imports.resize(count);
  return std::ranges::all_of(module_.imports, [this](Import& each) { return import(each); });
}

bool ModuleDecoder::import(Import& import) {
  const std::uint64_t start = reader_.offset();
  if (!reader_.name(import.module) || !reader_.name(import.name)) return false;
  if (std::max(import.module.size(), import.name.size()) > limits::kNameBytes) {
    return reader_.fail(ErrorCode::kLimit, start,
                        fmt::format("name of an import is longer than {} bytes", limits::kNameBytes));
  }
  const std::uint64_t kind_offset = reader_.offset();
  std::uint8_t kind = 0;
  if (!reader_.byte(kind)) return false;
  switch (kind) {
    case 0: {
      std::uint32_t type = 0;
      if (!type_index(type)) return false;
      import.type.emplace<0>(type);
      module_.functions.push_back(type);
      ++module_.imported_functions;
      return take_memory(1, memory::kFunction + import.module.size() + import.name.size()) &&
             within(module_.functions.size(), limits::kFunctions, "functions", start);
    }
    case 1: {
      TableType type;
      if (!table_type(type)) return false;
      import.type = type;
      module_.tables.push_back(type);
      ++module_.imported_tables;
      return within(module_.tables.size(), limits::kTables, "tables", start) && several_tables(start);
    }
    case 2: {
      MemoryType type;
      if (!memory_type(type)) return false;
      import.type = type;
      module_.memories.push_back(type);
      ++module_.imported_memories;
      return within(module_.memories.size(), limits::kMemories, "memories", start) && several_memories(start);
    }
    case 3: {
      Global global;
      if (!global_type(global.type) || (global.type.is_mutable && !reader_.needs(Feature::kMutableGlobal, start,
                                                                                 "the import of a mutable global"))) {
        return false;
      }
      import.type = global.type;
      module_.globals.push_back(std::move(global));
      ++module_.imported_globals;
      return within(module_.globals.size(), limits::kGlobals, "globals", start);
    }
    case 4: {
      Tag tag;
      if (!tag_type(tag)) return false;
      import.type = tag;
      module_.tags.push_back(tag);
      ++module_.imported_tags;
      return within(module_.tags.size(), limits::kTags, "tags", start);
    }
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
  if (!take_memory(count, memory::kFunction)) return false;
  module_.functions.reserve(module_.functions.size() + count);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t type = 0;
    if (!type_index(type)) return false;
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
  module_.table_initializers.resize(count);
  for (ConstantExpression& initializer : module_.table_initializers) {
    const std::uint64_t at = reader_.offset();
    if (!table(initializer) || !several_tables(at)) return false;
  }
  return true;
}

bool ModuleDecoder::table(ConstantExpression& initializer) {
  const std::uint64_t start = reader_.offset();
  const bool with_initializer = reader_.is_next(0x40);
  TableType type;
  std::uint8_t form = 0;
  if ((with_initializer && !(reader_.needs(Feature::kFunctionReferences, start, "a table with an initializer") &&
                             reader_.byte(form) && reader_.zero_byte())) ||
      !table_type(type)) {
    return false;
  }
  if (with_initializer) {
    if (!constant_expression(type.element, initializer)) return false;
  } else if (!is_nullable(type.element)) {
    return reader_.fail(
        ErrorCode::kInvalid, start,
        fmt::format("type mismatch: a table of {} needs an initializer, it has no null", to_string(type.element)));
  }
  module_.tables.push_back(type);
  return true;
}

bool ModuleDecoder::memory_section() {
  const std::uint64_t start = reader_.offset();
  std::uint32_t count = 0;
  if (!reader_.count(UINT32_MAX, "memories", count) ||
      !within(module_.memories.size() + count, limits::kMemories, "memories", start)) {
    return false;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t at = reader_.offset();
    if (!memory_type(module_.memories.emplace_back()) || !several_memories(at)) return false;
  }
  return true;
}

bool ModuleDecoder::tag_section() {
  const std::uint64_t start = reader_.offset();
  std::uint32_t count = 0;
  if (!reader_.count(limits::kTags, "tags", count) ||
      !within(module_.tags.size() + count, limits::kTags, "tags", start)) {
    return false;
  }
  if (!take_memory(count, memory::kTag)) return false;
  for (std::uint32_t i = 0; i < count; ++i)
    if (!tag_type(module_.tags.emplace_back())) return false;
  return true;
}

// Exports and the start function.

bool ModuleDecoder::export_section() {
  std::uint32_t count = 0;
  if (!reader_.count(limits::kExports, "exports", count)) return false;
  if (!take_memory(count, memory::kExport)) return false;
  module_.exports.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Export each{{}, ExternalKind::kFunction, 0};
    if (!export_(each)) return false;
    module_.exports.push_back(each);
  }
  return unique_export_names();
}

bool ModuleDecoder::export_(Export& exported) {
  const std::uint64_t start = reader_.offset();
  if (!reader_.name(exported.name)) return false;
  if (exported.name.size() > limits::kNameBytes) {
    return reader_.fail(ErrorCode::kLimit, start,
                        fmt::format("name of an export is longer than {} bytes", limits::kNameBytes));
  }
  const std::uint64_t kind_offset = reader_.offset();
  std::uint8_t kind = 0;
  if (!reader_.byte(kind)) return false;
  if (kind > 4)
    return reader_.fail(ErrorCode::kMalformed, kind_offset, fmt::format("malformed export kind: 0x{:02X}", kind));
  exported.kind = static_cast<ExternalKind>(kind);  // 0 to 4, its enumerators
  if (exported.kind == ExternalKind::kFunction) {
    if (!function_index(exported.index)) return false;
    declare(exported.index);
    return take_memory(1, exported.name.size());
  }
  const std::uint64_t index_offset = reader_.offset();
  const std::size_t count = exported.kind == ExternalKind::kTable    ? module_.tables.size()
                            : exported.kind == ExternalKind::kMemory ? module_.memories.size()
                            : exported.kind == ExternalKind::kGlobal ? module_.globals.size()
                                                                     : module_.tags.size();
  if (!reader_.u32(exported.index)) return false;
  if (exported.index >= count) {
    return reader_.fail(ErrorCode::kInvalid, index_offset,
                        fmt::format("unknown {} {}", to_string(exported.kind), exported.index));
  }
  return exported.kind != ExternalKind::kGlobal || !module_.globals[exported.index].type.is_mutable ||
         reader_.needs(Feature::kMutableGlobal, start, "the export of a mutable global");
}

// By sorting, which no choice of names can make quadratic, as it could a hash table.
bool ModuleDecoder::unique_export_names() {
  std::vector<std::string_view> names;
  names.reserve(module_.exports.size());
  for (const Export& each : module_.exports) names.push_back(each.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice == names.end()) return true;
  // The later one of the two; both views point into the binary, and empty ones too.
  const char* later = std::max(twice->data(), (twice + 1)->data());
  const auto offset = reinterpret_cast<const std::byte*>(later) - binary_.data();  // the view was made of these bytes
  return reader_.fail(ErrorCode::kInvalid, static_cast<std::uint64_t>(offset),
                      fmt::format("duplicate export name \"{}\"", printable_name(*twice)));
}

bool ModuleDecoder::start_section() {
  const std::uint64_t start = reader_.offset();
  std::uint32_t index = 0;
  if (!function_index(index)) return false;
  if (module_.function_type(index) != FunctionType{}) {
    return reader_.fail(
        ErrorCode::kInvalid, start,
        fmt::format("start function must have type [] -> [], has {}", to_string(module_.function_type(index))));
  }
  module_.start = index;
  return true;
}

}  // namespace anew::wasm
