// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/type_registry.hpp"

#include <algorithm>
#include <mutex>
#include <string>
#include <unordered_map>

#include "wasm/subtyping.hpp"

namespace anew::detail {
namespace {

/// The structure of a function type without anything of its module: words of 32 bits, distinct for distinct types. A
/// typed reference is its nullability and the identity of what it refers to, 0 for the type itself.
std::u32string structure_of(const FunctionType& type, std::uint32_t own_index,
                            std::span<const std::uint32_t> earlier_ids) {
  std::u32string key;
  const auto add = [&](const std::vector<ValueType>& types) {
    for (const ValueType each : types) {
      if (!is_typed_reference(each)) {
        key.push_back(number(each));
        continue;
      }
      // The decoder lets a type refer to itself and to earlier ones only.
      const std::uint32_t index = type_index(each);
      key.push_back(number(typed_reference(0, is_nullable(each))));
      key.push_back(index == own_index ? 0 : earlier_ids[index]);
    }
  };
  key.reserve(type.parameters.size() + type.results.size() + 1);
  add(type.parameters);
  key.push_back(0);  // no type's number
  add(type.results);
  return key;
}

bool is_unscoped(const ScopedType& type) noexcept { return is_typed_reference(type.type) && type.ids.empty(); }

}  // namespace

std::vector<std::uint32_t> type_identities(const wasm::Module& module) {
  static std::mutex mutex;
  static std::unordered_map<std::u32string, std::uint32_t> known;
  std::vector<std::uint32_t> ids;
  ids.reserve(module.types.size());
  const std::lock_guard lock(mutex);
  for (std::uint32_t i = 0; i < module.types.size(); ++i) {
    if (const std::uint32_t same = module.canonical_types[i]; same != i) {
      ids.push_back(ids[same]);
      continue;
    }
    // Modules have at most a million types each, and equal ones share an id: 32 bits do.
    const auto next = static_cast<std::uint32_t>(known.size() + 1);
    ids.push_back(known.try_emplace(structure_of(module.types[i], i, ids), next).first->second);
  }
  return ids;
}

bool equal_types(const ScopedType& left, const ScopedType& right) noexcept {
  return is_subtype(left, right) && is_subtype(right, left);
}

bool is_subtype(const ScopedType& type, const ScopedType& wanted) noexcept {
  if (is_unscoped(type) || is_unscoped(wanted)) return false;
  if (!is_typed_reference(type.type) || !is_typed_reference(wanted.type)) {
    return wasm::is_subtype(type.type, wanted.type);  // looks at no index
  }
  return type.ids[type_index(type.type)] == wanted.ids[type_index(wanted.type)] &&
         (is_nullable(wanted.type) || !is_nullable(type.type));
}

bool has_typed_references(const FunctionType& type) noexcept {
  return std::ranges::any_of(type.parameters, is_typed_reference) ||
         std::ranges::any_of(type.results, is_typed_reference);
}

}  // namespace anew::detail
