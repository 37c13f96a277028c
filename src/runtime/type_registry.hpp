// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types compared across modules. A module names function types by its own indices; here each has one identity in the
// process, by which call_indirect and linking compare them, for as long as a module that has it is linked. A type is
// what its recursive group says and its place there, so groups are what the registry keeps.
#pragma once

#include <anew/value.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "wasm/subtyping.hpp"

namespace anew::detail {

struct KnownGroup;

/// The identities of a module's types, by type index: equal types have equal ones, in all modules. Never 0. What has
/// none left becomes another type's identity, so whatever holds or compares an identity (cells, compiled code) keeps
/// the TypeIdentities of its module: LinkedModule has them.
class TypeIdentities {
 public:
  TypeIdentities() noexcept = default;
  /// Thread-safe, as the destructor is.
  explicit TypeIdentities(const wasm::Module& module);
  TypeIdentities(TypeIdentities&& other) noexcept
      : ids_(std::exchange(other.ids_, {})), groups_(std::exchange(other.groups_, {})) {}
  TypeIdentities& operator=(TypeIdentities&& other) noexcept {
    std::swap(ids_, other.ids_);
    std::swap(groups_, other.groups_);
    return *this;
  }
  ~TypeIdentities();

  [[nodiscard]] std::uint32_t operator[](std::size_t type) const noexcept { return ids_[type]; }
  [[nodiscard]] auto begin() const noexcept { return ids_.begin(); }
  [[nodiscard]] auto end() const noexcept { return ids_.end(); }

 private:
  std::vector<std::uint32_t> ids_;
  std::vector<KnownGroup*> groups_;  ///< that this counts for
};

/// How many types have an identity now. Thread-safe.
[[nodiscard]] std::size_t count_known_types() noexcept;

/// The types of a linked module, which outlives it; none for a host, which cannot name a module's types.
struct TypeScope {
  std::span<const wasm::TypeDeclaration> declarations;
  std::span<const std::uint32_t> ids;
};
/// Whether a module's type, by its index, is another module's, or has it among its supertypes. Takes no lock, and a
/// small number of steps.
[[nodiscard]] inline bool is_subtype(const TypeScope& scope, std::uint32_t type, const TypeScope& wanted_scope,
                                     std::uint32_t wanted) noexcept {
  const std::uint32_t id = wanted_scope.ids[wanted];
  if (scope.ids[type] == id) return true;
  const std::uint8_t depth = wanted_scope.declarations[wanted].depth;
  return scope.declarations[type].depth > depth && scope.ids[wasm::supertype_at(scope.declarations, type, depth)] == id;
}

/// A type and the module that it belongs to.
struct ScopedType {
  ValueType type;
  TypeScope scope;
};

/// Whether they are the same type.
[[nodiscard]] bool equal_types(const ScopedType& left, const ScopedType& right) noexcept;
/// Whether every value of `type` is one of `wanted` (specification, 3.3).
[[nodiscard]] bool is_subtype(const ScopedType& type, const ScopedType& wanted) noexcept;

/// Whether the type names function types of a module.
[[nodiscard]] bool has_typed_references(const FunctionType& type) noexcept;

}  // namespace anew::detail
