// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types compared across modules. A module names function types by its own indices; here each has one identity in the
// process, by which call_indirect and linking compare them, for as long as a module that has it is linked.
#pragma once

#include <anew/value.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "wasm/module.hpp"

namespace anew::detail {

/// The identities of a module's types, by type index: equal types have equal ones, in all modules. Never 0. What has
/// none left becomes another type's identity, so whatever holds or compares an identity (cells, compiled code) keeps
/// the TypeIdentities of its module: LinkedModule has them.
class TypeIdentities {
 public:
  TypeIdentities() noexcept = default;
  /// Thread-safe, as the destructor is.
  explicit TypeIdentities(const wasm::Module& module);
  TypeIdentities(TypeIdentities&& other) noexcept : ids_(std::exchange(other.ids_, {})) {}
  TypeIdentities& operator=(TypeIdentities&& other) noexcept {
    std::swap(ids_, other.ids_);
    return *this;
  }
  ~TypeIdentities();

  [[nodiscard]] std::uint32_t operator[](std::size_t type) const noexcept { return ids_[type]; }
  [[nodiscard]] auto begin() const noexcept { return ids_.begin(); }
  [[nodiscard]] auto end() const noexcept { return ids_.end(); }

 private:
  std::vector<std::uint32_t> ids_;
};

/// How many types have an identity now. Thread-safe.
[[nodiscard]] std::size_t count_known_types() noexcept;

/// A type with the identities of the module that it belongs to; none for a host's, which cannot name a module's types.
struct ScopedType {
  ValueType type;
  std::span<const std::uint32_t> ids;
};

/// Whether they are the same type.
[[nodiscard]] bool equal_types(const ScopedType& left, const ScopedType& right) noexcept;
/// Whether every value of `type` is one of `wanted` (specification, 3.3).
[[nodiscard]] bool is_subtype(const ScopedType& type, const ScopedType& wanted) noexcept;

/// Whether the type names function types of a module.
[[nodiscard]] bool has_typed_references(const FunctionType& type) noexcept;

}  // namespace anew::detail
