// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writes modules in the binary format (specification, chapter 5), for benchmarks that make their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace anew::bench {

/// A piece of a module. Each function appends and returns the piece itself.
class ModuleBytes {
 public:
  ModuleBytes() = default;
  ModuleBytes(std::initializer_list<int> bytes) { raw(bytes); }

  ModuleBytes& raw(std::initializer_list<int> bytes) {
    for (const int byte : bytes) bytes_.push_back(static_cast<std::byte>(byte));
    return *this;
  }
  ModuleBytes& raw(const ModuleBytes& bytes) {
    bytes_.insert(bytes_.end(), bytes.bytes_.begin(), bytes.bytes_.end());
    return *this;
  }
  /// LEB128.
  ModuleBytes& u(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::byte>((value & 0x7F) | 0x80));
    bytes_.push_back(static_cast<std::byte>(value));
    return *this;
  }
  /// Signed LEB128 of a number that is not negative.
  ModuleBytes& s(std::uint64_t value) {
    for (; value >= 0x40; value >>= 7) bytes_.push_back(static_cast<std::byte>((value & 0x7F) | 0x80));
    bytes_.push_back(static_cast<std::byte>(value));
    return *this;
  }
  /// An operator and its immediate, an index.
  ModuleBytes& op(int opcode, std::uint64_t index) { return raw({opcode}).u(index); }
  ModuleBytes& sized(const ModuleBytes& bytes) { return u(bytes.bytes_.size()).raw(bytes); }
  ModuleBytes& name(std::string_view text) {
    u(text.size());
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  ModuleBytes& repeat(std::uint64_t times, std::initializer_list<int> bytes) {
    for (; times > 0; --times) raw(bytes);
    return *this;
  }
  [[nodiscard]] std::span<const std::byte> span() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

inline constexpr int kI32 = 0x7F, kI64 = 0x7E, kF64 = 0x7C;

/// Sections that are vectors, put together an entry at a time.
class ModuleBuilder {
 public:
  std::uint32_t type(const ModuleBytes& parameters, const ModuleBytes& results) {
    types_.raw({0x60}).u(parameters.span().size()).raw(parameters).u(results.span().size()).raw(results);
    return type_count_++;
  }
  /// An entry of the type section as it is written there; the indices that type() gives are right before it only.
  void type_entry(const ModuleBytes& entry) {
    types_.raw(entry);
    ++type_count_;
  }
  /// @param parameters  `count` types, which may take several bytes each.
  std::uint32_t wide_type(std::uint32_t count, const ModuleBytes& parameters) {
    types_.raw({0x60}).u(count).raw(parameters).raw({0});
    return type_count_++;
  }
  void import_function(std::string_view name, std::uint32_t type) {
    imports_.name("env").name(name).raw({0}).u(type);
    ++import_count_;
  }
  /// @param locals  as in the binary format: their number, then a count and a type each.  @param body  without its end.
  std::uint32_t function(std::uint32_t type, const ModuleBytes& locals, const ModuleBytes& body) {
    functions_.u(type);
    bodies_.sized(ModuleBytes().raw(locals).raw(body).raw({0x0B}));
    return import_count_ + function_count_++;
  }
  void global(std::uint64_t value) {
    globals_.raw({kI32, 1, 0x41}).s(value).raw({0x0B});
    ++global_count_;
  }
  void export_function(std::string_view name, std::uint32_t function) {
    exports_.name(name).raw({0}).u(function);
    ++export_count_;
  }
  void data(std::uint64_t address, const ModuleBytes& bytes) {
    data_.raw({0, 0x41}).s(address).raw({0x0B}).sized(bytes);
    ++data_count_;
  }
  void elements(std::uint64_t at, const ModuleBytes& function_indices, std::uint32_t count) {
    elements_.raw({0, 0x41}).s(at).raw({0x0B}).u(count).raw(function_indices);
    ++element_count_;
  }
  /// Declares a function, so that code may refer to it.
  void declare(std::uint64_t function) {
    elements_.raw({3, 0, 1}).u(function);
    ++element_count_;
  }
  void memory(std::uint64_t pages) { memory_ = ModuleBytes({1, 0}).u(pages); }
  /// @param limits  of each.
  void memories(std::uint64_t count, const ModuleBytes& limits) { memory_ = ModuleBytes().u(count).raw(limits); }
  void table(std::uint64_t size) { table_ = ModuleBytes({1, 0x70, 0}).u(size); }

  [[nodiscard]] ModuleBytes build() const {
    ModuleBytes module{0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
    auto section = [&](int id, const ModuleBytes& content) {
      if (!content.span().empty()) module.raw({id}).sized(content);
    };
    auto vector = [&](int id, std::uint32_t count, const ModuleBytes& content) {
      if (count != 0) module.raw({id}).sized(ModuleBytes().u(count).raw(content));
    };
    vector(1, type_count_, types_);
    vector(2, import_count_, imports_);
    vector(3, function_count_, functions_);
    section(4, table_);
    section(5, memory_);
    vector(6, global_count_, globals_);
    vector(7, export_count_, exports_);
    vector(9, element_count_, elements_);
    vector(10, function_count_, bodies_);
    vector(11, data_count_, data_);
    return module;
  }

 private:
  ModuleBytes types_, imports_, functions_, table_, memory_, globals_, exports_, elements_, bodies_, data_;
  std::uint32_t type_count_ = 0, import_count_ = 0, function_count_ = 0, global_count_ = 0, export_count_ = 0,
                element_count_ = 0, data_count_ = 0;
};

}  // namespace anew::bench
