// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/type_registry.hpp"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "wasm/subtyping.hpp"

namespace anew::detail {
namespace {

/// The structure of a recursive group without anything of its module: words of 32 bits, distinct for distinct groups. A
/// typed reference is its nullability and the identity of what it refers to; 0 and the place for a type of the group.
std::u32string structure_of(const wasm::Module& module, std::uint32_t first, std::uint32_t end,
                            std::span<const std::uint32_t> earlier_ids) {
  std::u32string key;
  const auto add_index = [&](std::uint32_t index) {
    // The decoder lets a type name those of its group and of earlier ones only.
    if (index >= first) {
      key.push_back(0);
      key.push_back(index - first);
    } else {
      key.push_back(earlier_ids[index]);
    }
  };
  const auto add = [&](const std::vector<ValueType>& types) {
    for (const ValueType each : types) {
      if (!is_typed_reference(each)) {
        key.push_back(number(each));
        continue;
      }
      key.push_back(number(typed_reference(0, is_nullable(each))));
      add_index(type_index(each));
    }
    key.push_back(0);  // no type's number
  };
  std::size_t words = 0;
  for (std::uint32_t i = first; i < end; ++i)
    words += module.types[i].parameters.size() + module.types[i].results.size() + 4;
  key.reserve(words);
  for (std::uint32_t i = first; i < end; ++i) {
    const wasm::TypeDeclaration& declaration = module.declarations[i];
    const bool has_supertype = declaration.supertype != wasm::TypeDeclaration::kNone;
    key.push_back((declaration.is_final ? 1 : 0) | (has_supertype ? 2 : 0));
    if (has_supertype) add_index(declaration.supertype);
    add(module.types[i].parameters);
    add(module.types[i].results);
  }
  return key;
}

/// What a group is found by. The hash comes first in the order, so that structures are rarely compared; and an order it
/// is, because no choice of types can make that quadratic, as it could a hash table.
struct Structure {
  explicit Structure(std::u32string all) : hash(std::hash<std::u32string>()(all)), words(std::move(all)) {}
  std::size_t hash;
  std::u32string words;
  auto operator<=>(const Structure&) const = default;
};

}  // namespace

/// Of one that a linked module has.
struct KnownGroup {
  const Structure* structure = nullptr;
  std::vector<std::uint32_t> ids;  ///< of its types
  std::uint64_t modules = 0;       ///< linked modules that have it
};

namespace {

/// The groups of all modules that are linked now. A structure names other types by their identities; they stay, because
/// every module that has the group has those too.
struct Registry {
  std::mutex mutex;  // guards what follows
  std::map<Structure, KnownGroup> groups;
  std::uint32_t made_ids = 0;  // 1 to this
  std::vector<std::uint32_t>
      free_ids;  // of which there is no type now; has room for all, so that giving back cannot fail

  /// Never destroyed: modules may go while the process ends.
  static Registry& instance() noexcept {
    alignas(Registry) static std::byte room[sizeof(Registry)];
    static Registry& registry = *new (room) Registry;  // allocates nothing
    return registry;
  }

  /// The group, counted once more.
  KnownGroup& take(std::u32string words, std::uint32_t size) {
    const auto [place, is_new] = groups.try_emplace(Structure(std::move(words)));
    KnownGroup& group = place->second;
    if (is_new) {
      try {
        group.ids.reserve(size);
        make_ids(size);
      } catch (...) {
        groups.erase(place);
        throw;
      }
      group.structure = &place->first;
      group.ids.assign(free_ids.end() - size, free_ids.end());
      free_ids.resize(free_ids.size() - size);
    }
    ++group.modules;
    return group;
  }
  void give_back(KnownGroup& group) noexcept {
    if (--group.modules != 0) return;
    free_ids.insert(free_ids.end(), group.ids.begin(), group.ids.end());
    groups.erase(groups.find(*group.structure));
  }
  /// After many have gone. What stays of a type that is gone is at most the 4 bytes of its identity.
  void shrink() noexcept {
    if (!groups.empty()) return;
    made_ids = 0;
    free_ids = decltype(free_ids)();
  }

 private:
  /// So that as many are free. There are as many as there were types at once; these take memory, so 32 bits do.
  void make_ids(std::size_t count) {
    if (free_ids.size() >= count) return;
    const std::size_t missing = count - free_ids.size();
    if (made_ids + missing > free_ids.capacity()) free_ids.reserve(2 * (made_ids + missing) + 16);
    for (std::size_t i = 0; i < missing; ++i) free_ids.push_back(++made_ids);
  }
};

bool is_unscoped(const ScopedType& type) noexcept { return is_typed_reference(type.type) && type.scope.ids.empty(); }

}  // namespace

TypeIdentities::TypeIdentities(const wasm::Module& module)
    : TypeIdentities() {                                               // so what fails gives back what it took
  const auto count = static_cast<std::uint32_t>(module.types.size());  // at most limits::kTypes
  ids_.reserve(count);
  std::size_t different = 0;
  for (std::uint32_t i = 0; i < count; ++i)
    if (module.canonical_types[i] == i && module.declarations[i].group == i) ++different;
  groups_.reserve(different);
  Registry& registry = Registry::instance();
  const std::lock_guard lock(registry.mutex);
  for (std::uint32_t i = 0; i < count;) {
    if (const std::uint32_t same = module.canonical_types[i]; same != i) {
      ids_.push_back(ids_[same]);
      ++i;
      continue;
    }
    std::uint32_t end = i + 1;
    while (end < count && module.declarations[end].group == i) ++end;
    const KnownGroup& group = *groups_.emplace_back(&registry.take(structure_of(module, i, end, ids_), end - i));
    ids_.insert(ids_.end(), group.ids.begin(), group.ids.end());
    i = end;
  }
}

TypeIdentities::~TypeIdentities() {
  if (groups_.empty()) return;
  Registry& registry = Registry::instance();
  const std::lock_guard lock(registry.mutex);
  for (KnownGroup* const group : groups_) registry.give_back(*group);
  registry.shrink();
}

std::size_t count_known_types() noexcept {
  Registry& registry = Registry::instance();
  const std::lock_guard lock(registry.mutex);
  return registry.made_ids - registry.free_ids.size();
}

bool equal_types(const ScopedType& left, const ScopedType& right) noexcept {
  return is_subtype(left, right) && is_subtype(right, left);
}

bool is_subtype(const ScopedType& type, const ScopedType& wanted) noexcept {
  if (is_unscoped(type) || is_unscoped(wanted)) return false;
  return wasm::is_subtype(type.type, wanted.type, [&](std::uint32_t below, std::uint32_t above) {
    return is_subtype(type.scope, below, wanted.scope, above);
  });
}

bool has_typed_references(const FunctionType& type) noexcept {
  return std::ranges::any_of(type.parameters, is_typed_reference) ||
         std::ranges::any_of(type.results, is_typed_reference);
}

}  // namespace anew::detail
