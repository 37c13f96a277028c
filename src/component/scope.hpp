// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "component/core_types.hpp"
#include "component/static_types.hpp"

namespace anew::component {

/// A core type by its number in CoreTypes: a function's or a module's.
struct CoreTypeEntry {
  bool is_module;
  std::uint32_t type;
};

/// The names under which a component, or a type of one, imports or exports its resources: by the type that the import
/// or export made.
struct ResourceNames {
  std::unordered_map<TypeId, std::string_view> by_type;
  std::unordered_set<std::string_view> all;
};

/// A set of types that can be put back to what it was.
class TypeSet {
 public:
  void insert(TypeId type) {
    if (types_.insert(type).second) order_.push_back(type);
  }
  [[nodiscard]] bool contains(TypeId type) const noexcept { return types_.contains(type); }
  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }
  /// Takes out what was inserted since there were `size`.
  void shrink(std::size_t size) {
    for (; order_.size() > size; order_.pop_back()) types_.erase(order_.back());
  }

 private:
  std::unordered_set<TypeId> types_;
  std::vector<TypeId> order_;
};

/// One side, imports or exports, of a component, or of a type of one.
struct ScopeSide {
  Interface interface = {};
  std::unordered_set<std::string> keys = {};  ///< unique_key() of the names
  ResourceNames resources = {};
  TypeSet named = {};  ///< types that others know by a name, so that what is imported or exported may speak of them
  TypeSet free = {};   ///< types without need of a name that are known to speak of such alone
};

/// A component, component type or instance type that is being validated: its index spaces, and what it imports and
/// exports.
struct Scope {
  enum class Kind : std::uint8_t { kComponent, kComponentType, kInstanceType };
  Kind kind;
  Scope* outer = nullptr;  ///< null of the whole component; the outer one lives longer

  std::vector<std::uint32_t> core_functions = {};  ///< types in CoreTypes
  std::vector<TableType> core_tables = {};
  std::vector<MemoryType> core_memories = {};
  std::vector<GlobalType> core_globals = {};
  std::vector<std::uint32_t> core_tags = {};  ///< types in CoreTypes
  std::vector<CoreTypeEntry> core_types = {};
  std::vector<std::uint32_t> core_modules = {};  ///< in CoreTypes
  std::vector<std::shared_ptr<const CoreExports>> core_instances = {};
  std::vector<TypeId> functions = {};
  std::vector<TypeId> types = {};
  std::vector<TypeId> components = {};
  std::vector<TypeId> instances = {};

  ScopeSide imports = {};
  ScopeSide exports = {};

  std::vector<ResourceId> imported = {};            ///< resources that imports brought
  std::vector<ResourceId> defined = {};             ///< resources that definitions, instances and exports made
  std::unordered_set<ResourceId> represented = {};  ///< of `defined`, those that it says the representation of
  std::unordered_set<ResourceId> exported = {};     ///< resources that are exported by a name of their own
};

}  // namespace anew::component
