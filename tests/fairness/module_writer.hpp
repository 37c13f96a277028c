// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Modules in the binary format with several memories and tables, segments of every kind and imports of every kind: what
// codegen/module_builder.hpp, whose Code this takes, has no need of.
#pragma once

#include <string_view>

#include "codegen/module_builder.hpp"

namespace anew::fairness {

using codegen::test::Code;
using wasm::Op;

/// An element segment's mode, table and offset, and a data segment's, are the caller's to encode.
class ModuleWriter {
 public:
  std::uint32_t type(const FunctionType& wanted) {
    const auto found = std::find(types_.begin(), types_.end(), wanted);
    if (found != types_.end()) return static_cast<std::uint32_t>(found - types_.begin());
    types_.push_back(wanted);
    return static_cast<std::uint32_t>(types_.size() - 1);
  }

  // Imports of a kind come before what the module defines of it.
  std::uint32_t import_function(std::string_view module, std::string_view name, const FunctionType& wanted) {
    import_item(module, name, ExternalKind::kFunction).unsigned_leb(type(wanted));
    return function_count_++;
  }
  std::uint32_t import_table(std::string_view module, std::string_view name, const TableType& wanted) {
    encode(import_item(module, name, ExternalKind::kTable), wanted);
    return table_count_++;
  }
  std::uint32_t import_memory(std::string_view module, std::string_view name, const MemoryType& wanted) {
    encode(import_item(module, name, ExternalKind::kMemory), wanted.limits, wanted.is_64);
    return memory_count_++;
  }
  std::uint32_t import_global(std::string_view module, std::string_view name, const GlobalType& wanted) {
    import_item(module, name, ExternalKind::kGlobal).type(wanted.type).byte(wanted.is_mutable ? 1 : 0);
    return global_count_++;
  }

  std::uint32_t table(const TableType& wanted) {
    encode(tables_.entry(), wanted);
    return table_count_++;
  }
  std::uint32_t memory(const MemoryType& wanted) {
    encode(memories_.entry(), wanted.limits, wanted.is_64);
    return memory_count_++;
  }
  /// @param value  a constant expression without `end`.
  std::uint32_t global(const GlobalType& wanted, const Code& value) {
    globals_.entry().type(wanted.type).byte(wanted.is_mutable ? 1 : 0).append(value).end();
    return global_count_++;
  }
  std::uint32_t tag(const std::vector<ValueType>& values) {
    tags_.entry().byte(0).unsigned_leb(type({values, {}}));
    return tags_.count - 1;
  }
  std::uint32_t element_segment(const Code& whole) {
    elements_.entry().append(whole);
    return elements_.count - 1;
  }
  /// @param mode  without the bytes.
  std::uint32_t data_segment(const Code& mode, std::span<const std::byte> bytes) {
    Code& entry = data_.entry().append(mode).unsigned_leb(bytes.size());
    for (const std::byte each : bytes) entry.byte(std::to_integer<std::uint8_t>(each));
    return data_.count - 1;
  }
  /// Its body is the next one given to body(), in the order of these calls.
  std::uint32_t declare_function(const FunctionType& wanted) {
    functions_.entry().unsigned_leb(type(wanted));
    return function_count_++;
  }
  /// @param code  without the last `end`.
  void body(std::span<const ValueType> locals, const Code& code) {
    Code whole;
    whole.unsigned_leb(locals.size());
    for (const ValueType each : locals) whole.unsigned_leb(1).type(each);
    whole.append(code).end();
    bodies_.entry().unsigned_leb(whole.size()).append(whole);
  }
  void export_item(std::string_view name, ExternalKind kind, std::uint32_t index) {
    exports_.entry().name(name).byte(static_cast<std::uint8_t>(kind)).unsigned_leb(index);
  }
  void start(std::uint32_t function) { start_ = Code().unsigned_leb(function); }

  [[nodiscard]] std::vector<std::byte> finish() const {
    Code out;
    out.fixed(0x6D73'6100, 4).fixed(1, 4);
    Section types;
    for (const FunctionType& each : types_) {
      Code& entry = types.entry().byte(0x60).unsigned_leb(each.parameters.size());
      for (const ValueType value : each.parameters) entry.type(value);
      entry.unsigned_leb(each.results.size());
      for (const ValueType value : each.results) entry.type(value);
    }
    append(out, 1, types);
    append(out, 2, imports_);
    append(out, 3, functions_);
    append(out, 4, tables_);
    append(out, 5, memories_);
    append(out, 13, tags_);
    append(out, 6, globals_);
    append(out, 7, exports_);
    if (start_) append(out, 8, *start_);
    append(out, 9, elements_);
    append(out, 12, Code().unsigned_leb(data_.count));
    append(out, 10, bodies_);
    append(out, 11, data_);
    return out.bytes();
  }

 private:
  struct Section {
    Code content;
    std::uint32_t count = 0;
    Code& entry() {
      ++count;
      return content;
    }
  };
  static void append(Code& out, std::uint8_t id, const Code& content) {
    out.byte(id).unsigned_leb(content.size()).append(content);
  }
  static void append(Code& out, std::uint8_t id, const Section& section) {
    if (section.count != 0) append(out, id, Code().unsigned_leb(section.count).append(section.content));
  }
  static void encode(Code& to, const Limits& limits, bool is_64) {
    to.byte(static_cast<std::uint8_t>((limits.maximum ? 1 : 0) | (is_64 ? 4 : 0))).unsigned_leb(limits.minimum);
    if (limits.maximum) to.unsigned_leb(*limits.maximum);
  }
  static void encode(Code& to, const TableType& wanted) {
    encode(to.type(wanted.element), wanted.limits, wanted.is_64);
  }
  Code& import_item(std::string_view module, std::string_view name, ExternalKind kind) {
    return imports_.entry().name(module).name(name).byte(static_cast<std::uint8_t>(kind));
  }

  std::vector<FunctionType> types_;
  Section imports_, functions_, tables_, memories_, tags_, globals_, exports_, elements_, bodies_, data_;
  std::optional<Code> start_;
  std::uint32_t function_count_ = 0, table_count_ = 0, memory_count_ = 0, global_count_ = 0;
};

}  // namespace anew::fairness
