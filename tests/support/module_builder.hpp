// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Modules in the binary format (specification, chapter 5), for tests that generate them. Text is for hand-written ones
// (wat.hpp); the tests of the format itself write theirs byte by byte (wasm/module_bytes.hpp).
#pragma once

#include <algorithm>
#include <anew/value.hpp>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wasm/opcodes.hpp"

namespace anew::test {

using wasm::Op;

inline constexpr ValueType kI32 = ValueType::kI32;
inline constexpr ValueType kI64 = ValueType::kI64;
inline constexpr ValueType kF32 = ValueType::kF32;
inline constexpr ValueType kF64 = ValueType::kF64;

/// A growing string of bytes: operators and their immediates, or anything else of a module.
class Code {
 public:
  Code& byte(std::uint8_t value) {
    bytes_.push_back(static_cast<std::byte>(value));
    return *this;
  }
  Code& unsigned_leb(std::uint64_t value) {
    do {
      const auto low = static_cast<std::uint8_t>(value & 0x7F);
      value >>= 7;
      byte(value == 0 ? low : static_cast<std::uint8_t>(low | 0x80));
    } while (value != 0);
    return *this;
  }
  Code& signed_leb(std::int64_t value) {
    for (;;) {
      const auto low = static_cast<std::uint8_t>(value & 0x7F);
      value >>= 7;
      const bool last = (value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0);
      byte(last ? low : static_cast<std::uint8_t>(low | 0x80));
      if (last) return *this;
    }
  }
  Code& fixed(std::uint64_t bits, unsigned count) {
    for (unsigned i = 0; i < count; ++i) byte(static_cast<std::uint8_t>(bits >> (8 * i)));
    return *this;
  }
  Code& append(const Code& other) {
    bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
    return *this;
  }
  Code& name(std::string_view text) {
    unsigned_leb(text.size());
    for (const char c : text) byte(static_cast<std::uint8_t>(c));
    return *this;
  }
  Code& type(ValueType value) { return byte(static_cast<std::uint8_t>(value)); }

  /// An operator without immediates, or only its opcode.
  Code& op(Op value) {
    const auto code = static_cast<std::uint32_t>(value);
    if (code < 0x100) return byte(static_cast<std::uint8_t>(code));
    if (code >> 8 == 0xFF) return byte(0xFD).unsigned_leb(0x100 + (code & 0xFF));  // see wasm/opcodes.hpp
    return byte(static_cast<std::uint8_t>(code >> 8)).unsigned_leb(code & 0xFF);
  }
  /// An operator with one index.
  Code& op(Op value, std::uint32_t index) { return op(value).unsigned_leb(index); }
  Code& get(std::uint32_t local) { return op(Op::kLocalGet, local); }
  Code& set(std::uint32_t local) { return op(Op::kLocalSet, local); }
  Code& tee(std::uint32_t local) { return op(Op::kLocalTee, local); }
  Code& call(std::uint32_t function) { return op(Op::kCall, function); }
  Code& constant(ValueType value, std::uint64_t bits) {
    switch (value) {
      case ValueType::kI32:
        return op(Op::kI32Const).signed_leb(static_cast<std::int32_t>(static_cast<std::uint32_t>(bits)));
      case ValueType::kI64: return op(Op::kI64Const).signed_leb(static_cast<std::int64_t>(bits));
      case ValueType::kF32: return op(Op::kF32Const).fixed(bits, 4);
      case ValueType::kF64: return op(Op::kF64Const).fixed(bits, 8);
      case ValueType::kV128: return v128(bits, ~bits);
      default: return op(Op::kRefNull).type(value);
    }
  }
  Code& i32(std::uint32_t value) { return constant(kI32, value); }
  Code& i64(std::uint64_t value) { return constant(kI64, value); }
  Code& v128(std::uint64_t low, std::uint64_t high) { return op(Op::kV128Const).fixed(low, 8).fixed(high, 8); }
  /// A load or store.
  Code& access(Op value, std::uint32_t offset, std::uint32_t align_log2 = 0) {
    return op(value).unsigned_leb(align_log2).unsigned_leb(offset);
  }
  /// block, loop or if without a type, or with one result.
  Code& open(Op value) { return op(value).byte(0x40); }
  Code& open(Op value, ValueType result) { return op(value).type(result); }
  /// The same with the index of a type.
  Code& open(Op value, std::uint32_t type_index) { return op(value).signed_leb(type_index); }
  Code& end() { return op(Op::kEnd); }

  [[nodiscard]] const std::vector<std::byte>& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

 private:
  std::vector<std::byte> bytes_;
};

/// Puts a module together an entry at a time. Imports of a kind come before what the module defines of it.
class ModuleBuilder {
 public:
  /// @return the index of this type, which is there once.
  std::uint32_t type(const FunctionType& wanted) {
    const auto found = std::find(types_.begin(), types_.end(), wanted);
    if (found != types_.end()) return static_cast<std::uint32_t>(found - types_.begin());
    types_.push_back(wanted);
    return static_cast<std::uint32_t>(types_.size() - 1);
  }

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
  /// Table 0: these functions, then null elements up to `size`.
  void table(std::span<const std::uint32_t> functions, std::uint32_t size) {
    table({.element = ValueType::kFuncRef, .limits = {size, std::nullopt}});
    if (functions.empty()) return;
    Code segment;
    segment.byte(0).i32(0).end().unsigned_leb(functions.size());
    for (const std::uint32_t each : functions) segment.unsigned_leb(each);
    element_segment(segment);
  }
  std::uint32_t memory(const MemoryType& wanted) {
    encode(memories_.entry(), wanted.limits, wanted.is_64);
    return memory_count_++;
  }
  /// Of 32 bits, exported as "memory".
  void memory(std::uint32_t minimum, std::optional<std::uint32_t> maximum = {}) {
    export_item("memory", ExternalKind::kMemory, memory({.limits = {minimum, maximum}}));
  }
  /// @param value  a constant expression without `end`.
  std::uint32_t global(const GlobalType& wanted, const Code& value) {
    globals_.entry().type(wanted.type).byte(wanted.is_mutable ? 1 : 0).append(value).end();
    return global_count_++;
  }
  /// A mutable global, exported if it has a name.
  std::uint32_t global(ValueType value, std::uint64_t bits, std::string_view exported = {}) {
    const std::uint32_t index = global({.type = value, .is_mutable = true}, Code().constant(value, bits));
    if (!exported.empty()) export_item(exported, ExternalKind::kGlobal, index);
    return index;
  }
  /// A tag whose exceptions carry these values.
  std::uint32_t tag(const std::vector<ValueType>& values) {
    tags_.entry().byte(0).unsigned_leb(type({values, {}}));
    return tags_.count - 1;
  }
  /// @param whole  with its mode, table and offset.
  std::uint32_t element_segment(const Code& whole) {
    elements_.entry().append(whole);
    return elements_.count - 1;
  }
  /// @param mode  with its memory and offset.
  std::uint32_t data_segment(const Code& mode, std::span<const std::byte> bytes) {
    Code& entry = data_.entry().append(mode).unsigned_leb(bytes.size());
    for (const std::byte each : bytes) entry.byte(std::to_integer<std::uint8_t>(each));
    return data_.count - 1;
  }
  /// A passive data segment.
  std::uint32_t data(std::span<const std::byte> bytes) { return data_segment(Code().byte(1), bytes); }

  /// Its body is the next one given to body(), in the order of these calls.
  std::uint32_t declare_function(const FunctionType& wanted) {
    functions_.entry().unsigned_leb(type(wanted));
    return function_count_++;
  }
  /// @param code  operators without the last `end`.
  void body(std::span<const ValueType> locals, const Code& code) {
    Code declarations;
    std::uint32_t groups = 0;
    for (std::size_t i = 0; i < locals.size(); ++groups) {
      std::size_t j = i;
      while (j < locals.size() && locals[j] == locals[i]) ++j;
      declarations.unsigned_leb(j - i).type(locals[i]);
      i = j;
    }
    Code whole;
    whole.unsigned_leb(groups).append(declarations).append(code).end();
    bodies_.entry().unsigned_leb(whole.size()).append(whole);
  }
  /// Both at once; exported if it has a name.
  std::uint32_t function(const FunctionType& wanted, std::span<const ValueType> locals, const Code& code,
                         std::string_view exported = {}) {
    const std::uint32_t index = declare_function(wanted);
    body(locals, code);
    if (!exported.empty()) export_item(exported, ExternalKind::kFunction, index);
    return index;
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
    if (data_.count != 0) append(out, 12, Code().unsigned_leb(data_.count));
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

}  // namespace anew::test

namespace anew::codegen::test {

using namespace anew::test;  // for the tests of code generation

}  // namespace anew::codegen::test
