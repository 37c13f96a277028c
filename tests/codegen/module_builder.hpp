// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Modules in the binary format (specification, chapter 5), for tests that generate them. Text is for hand-written ones
// (support/wat.hpp).
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

namespace anew::codegen::test {

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

class ModuleBuilder {
 public:
  /// @return the index of this type, which is there once.
  std::uint32_t type(const FunctionType& wanted) {
    const auto found = std::find(types_.begin(), types_.end(), wanted);
    if (found != types_.end()) return static_cast<std::uint32_t>(found - types_.begin());
    types_.push_back(wanted);
    return static_cast<std::uint32_t>(types_.size() - 1);
  }
  /// All imports before the first function.
  std::uint32_t import_function(std::string_view module, std::string_view field, const FunctionType& wanted) {
    imports_.name(module).name(field).byte(0).unsigned_leb(type(wanted));
    return import_count_++;
  }
  void memory(std::uint32_t minimum, std::optional<std::uint32_t> maximum = {}) {
    memory_ = Code().unsigned_leb(1).byte(maximum ? 1 : 0).unsigned_leb(minimum);
    if (maximum) memory_->unsigned_leb(*maximum);
    export_item("memory", 2, 0);
  }
  /// A mutable global, exported if it has a name.
  std::uint32_t global(ValueType value, std::uint64_t bits, std::string_view exported = {}) {
    globals_.type(value).byte(1).constant(value, bits).end();
    if (!exported.empty()) export_item(exported, 3, global_count_);
    return global_count_++;
  }
  /// Table 0: these functions, then null elements up to `size`.
  void table(std::span<const std::uint32_t> functions, std::uint32_t size) {
    table_size_ = size;
    elements_.assign(functions.begin(), functions.end());
  }
  /// A tag whose exceptions carry these values.
  std::uint32_t tag(const std::vector<ValueType>& values) {
    tags_.byte(0).unsigned_leb(type({values, {}}));
    return tag_count_++;
  }
  /// A passive data segment.
  std::uint32_t data(std::span<const std::byte> bytes) {
    data_.byte(1).unsigned_leb(bytes.size());
    for (const std::byte each : bytes) data_.byte(std::to_integer<std::uint8_t>(each));
    return data_count_++;
  }
  /// @param body  operators without the last `end`.
  std::uint32_t function(const FunctionType& wanted, std::span<const ValueType> locals, const Code& body,
                         std::string_view exported = {}) {
    Code whole;
    Code declarations;
    std::uint32_t groups = 0;
    for (std::size_t i = 0; i < locals.size(); ++groups) {
      std::size_t j = i;
      while (j < locals.size() && locals[j] == locals[i]) ++j;
      declarations.unsigned_leb(j - i).type(locals[i]);
      i = j;
    }
    whole.unsigned_leb(groups).append(declarations).append(body).end();
    bodies_.unsigned_leb(whole.size()).append(whole);
    functions_.unsigned_leb(type(wanted));
    const std::uint32_t index = import_count_ + function_count_++;
    if (!exported.empty()) export_item(exported, 0, index);
    return index;
  }

  [[nodiscard]] std::vector<std::byte> finish() const {
    Code out;
    out.fixed(0x6D73'6100, 4).fixed(1, 4);
    Code types;
    for (const FunctionType& each : types_) {
      types.byte(0x60).unsigned_leb(each.parameters.size());
      for (const ValueType value : each.parameters) types.type(value);
      types.unsigned_leb(each.results.size());
      for (const ValueType value : each.results) types.type(value);
    }
    section(out, 1, types_.size(), types);
    section(out, 2, import_count_, imports_);
    section(out, 3, function_count_, functions_);
    if (table_size_) section(out, 4, 1, Code().type(ValueType::kFuncRef).byte(0).unsigned_leb(*table_size_));
    if (memory_) out.byte(5).unsigned_leb(memory_->size()).append(*memory_);
    section(out, 13, tag_count_, tags_);
    section(out, 6, global_count_, globals_);
    section(out, 7, export_count_, exports_);
    if (!elements_.empty()) {
      Code segment;
      segment.byte(0).i32(0).end().unsigned_leb(elements_.size());
      for (const std::uint32_t each : elements_) segment.unsigned_leb(each);
      section(out, 9, 1, segment);
    }
    if (data_count_ != 0) out.byte(12).unsigned_leb(Code().unsigned_leb(data_count_).size()).unsigned_leb(data_count_);
    section(out, 10, function_count_, bodies_);
    section(out, 11, data_count_, data_);
    return out.bytes();
  }

 private:
  void export_item(std::string_view exported, std::uint8_t kind, std::uint32_t index) {
    exports_.name(exported).byte(kind).unsigned_leb(index);
    ++export_count_;
  }
  static void section(Code& out, std::uint8_t id, std::size_t count, const Code& entries) {
    if (count == 0) return;
    Code content;
    content.unsigned_leb(count).append(entries);
    out.byte(id).unsigned_leb(content.size()).append(content);
  }

  std::vector<FunctionType> types_;
  Code imports_, functions_, globals_, exports_, bodies_, data_, tags_;
  std::optional<Code> memory_;
  std::optional<std::uint32_t> table_size_;
  std::vector<std::uint32_t> elements_;
  std::uint32_t import_count_ = 0, function_count_ = 0, global_count_ = 0, export_count_ = 0, data_count_ = 0,
                tag_count_ = 0;
};

}  // namespace anew::codegen::test
