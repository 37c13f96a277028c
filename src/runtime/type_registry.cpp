// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/type_registry.hpp"

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <new>
#include <string>
#include <unordered_map>
#include <utility>

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

/// The types of all modules that are linked now. A structure names other types by their identities; they stay, because
/// every module that has the type has those too.
struct Registry {
  struct Users {
    std::uint32_t id = 0;
    std::uint64_t count = 0;  ///< type indices of linked modules
  };
  using Types = std::unordered_map<std::u32string, Users>;

  std::mutex mutex;                       // guards what follows
  Types types;                            // by structure
  std::vector<Types::value_type*> by_id;  // by identity - 1; null if no type has it now
  std::vector<std::uint32_t> free_ids;    // of which there is none; has room for all, so that giving back cannot fail

  /// Never destroyed: modules may go while the process ends.
  static Registry& instance() noexcept {
    alignas(Registry) static std::byte room[sizeof(Registry)];
    static Registry& registry = *new (room) Registry;  // allocates nothing
    return registry;
  }

  std::uint32_t take(std::u32string structure) {
    if (free_ids.empty()) make_id();
    const auto [place, is_new] = types.try_emplace(std::move(structure));
    if (is_new) {
      place->second.id = free_ids.back();
      free_ids.pop_back();
      by_id[place->second.id - 1] = &*place;
    }
    ++place->second.count;
    return place->second.id;
  }
  std::uint32_t take_again(std::uint32_t id) noexcept {
    ++by_id[id - 1]->second.count;
    return id;
  }
  void give_back(std::uint32_t id) noexcept {
    Types::value_type& type = *by_id[id - 1];
    if (--type.second.count != 0) return;
    by_id[id - 1] = nullptr;
    free_ids.push_back(id);
    types.erase(types.find(type.first));
  }
  /// After many have gone. What stays of a type that is gone is at most the 12 bytes of its identity.
  void shrink() noexcept {
    if (types.empty()) {
      types = Types();
      by_id = decltype(by_id)();
      free_ids = decltype(free_ids)();
    } else if (types.bucket_count() / 8 > types.size()) {
      try {
        types.rehash(0);
      } catch (const std::bad_alloc&) {
        return;  // next time
      }
    }
  }

 private:
  /// There are as many as there were types at once; these take memory, so 32 bits do.
  void make_id() {
    if (by_id.size() == by_id.capacity()) by_id.reserve(2 * by_id.size() + 16);
    free_ids.reserve(by_id.capacity());
    by_id.push_back(nullptr);
    free_ids.push_back(static_cast<std::uint32_t>(by_id.size()));
  }
};

bool is_unscoped(const ScopedType& type) noexcept { return is_typed_reference(type.type) && type.ids.empty(); }

}  // namespace

TypeIdentities::TypeIdentities(const wasm::Module& module)
    : TypeIdentities() {  // so what fails gives back what it took
  ids_.reserve(module.types.size());
  Registry& registry = Registry::instance();
  const std::lock_guard lock(registry.mutex);
  for (std::uint32_t i = 0; i < module.types.size(); ++i) {
    const std::uint32_t same = module.canonical_types[i];
    ids_.push_back(same != i ? registry.take_again(ids_[same]) : registry.take(structure_of(module.types[i], i, ids_)));
  }
}

TypeIdentities::~TypeIdentities() {
  if (ids_.empty()) return;
  Registry& registry = Registry::instance();
  const std::lock_guard lock(registry.mutex);
  for (const std::uint32_t id : ids_) registry.give_back(id);
  registry.shrink();
}

std::size_t count_known_types() noexcept {
  Registry& registry = Registry::instance();
  const std::lock_guard lock(registry.mutex);
  return registry.types.size();
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
