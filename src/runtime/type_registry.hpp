// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types compared across modules. A module names function types by its own indices; here each has one identity in the
// process, by which call_indirect and linking compare them.
#pragma once

#include <anew/value.hpp>
#include <cstdint>
#include <span>
#include <vector>

#include "wasm/module.hpp"

namespace anew::detail {

/// By type index: equal types have equal ids, in all modules. Never 0. Thread-safe.
[[nodiscard]] std::vector<std::uint32_t> type_identities(const wasm::Module& module);

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
