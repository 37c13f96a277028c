// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types as the validator knows them: values, functions, resources, instances and components, put together, compared,
// and with resources substituted (component model, design/mvp/Explainer.md, "Type Checking").
//
// Types are compared by structure, but each has an identity as well: exporting or importing a type makes a new one of
// the same structure, and only that one has a name that others may know it by. Resources are different from each other
// unless they have the same number. Instance types and component types bind some of the resources that they speak of:
// these stand for whatever an instance will have there.
#pragma once

#include <anew/error.hpp>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "component/binary.hpp"
#include "component/core_types.hpp"
#include "component/effort.hpp"
#include "component/types.hpp"

namespace anew::component {

/// Of a type in StaticTypes; primitive types have the numbers of their Kind.
using TypeId = std::uint32_t;
inline constexpr TypeId kNoType = UINT32_MAX;

/// What an import, export or argument is.
struct Entity {
  binary::Sort sort;   ///< kCoreModule, kFunction, kType, kComponent or kInstance
  std::uint32_t type;  ///< a TypeId; for kCoreModule that of CoreTypes
};

/// Imports or exports, in their order.
class Interface {
 public:
  struct Entry {
    std::string_view name;  ///< a view of what the binary was decoded to
    Entity entity;
  };
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] const Entity* find(std::string_view name) const noexcept {
    const auto found = index_->find(name);
    return found == index_->end() ? nullptr : &entries_[found->second].entity;
  }
  /// @return false if there is one of that name.
  [[nodiscard]] bool add(std::string_view name, Entity entity);
  /// The same names with other types, in the same order.
  [[nodiscard]] Interface with(std::vector<Entry> entries) const;

 private:
  using Index = std::unordered_map<std::string_view, std::size_t>;
  std::vector<Entry> entries_;
  std::shared_ptr<Index> index_ = std::make_shared<Index>();  ///< of entries_; several with the same names share it
};

enum class Form : std::uint8_t { kValue, kFunction, kResource, kInstance, kComponent };

struct Shape {
  Form form = Form::kValue;
  std::uint32_t depth = 1;  ///< types in one another: what walks them is recursive

  // kValue and kFunction.
  Type value = {};                           ///< of kValue: by it types are compared
  std::vector<std::string_view> names = {};  ///< of fields, cases, flags or parameters
  /// Of fields and so on, kNoType of a case without one; the one type of an option or list; the resource of a handle;
  /// parameters, and behind them the result or kNoType.
  std::vector<TypeId> parts = {};
  bool has_borrow = false;
  bool has_pointer = false;  ///< a string or a list

  ResourceId resource = 0;  ///< of kResource

  // kInstance and kComponent.
  Interface imports = {};
  Interface exports = {};
  std::vector<ResourceId> imported = {};  ///< resources that the imports bind, in rising order
  std::vector<ResourceId> exported = {};  ///< that the exports bind, in rising order
};

/// What stands for the resources and types that a component or instance type binds.
struct Substitution {
  const std::vector<ResourceId>* bound = nullptr;  ///< may be given something by match(); in rising order
  std::unordered_map<ResourceId, ResourceId> resources = {};
  std::unordered_map<TypeId, TypeId> types = {};  ///< given by match(), and those that were substituted before
};

class StaticTypes {
 public:
  StaticTypes(Effort& effort, CoreTypes& core);

  [[nodiscard]] const Shape& operator[](TypeId type) const noexcept { return *shapes_[type]; }
  [[nodiscard]] const Types& abi() const noexcept { return abi_; }

  [[nodiscard]] Result<TypeId> add_value(Kind kind, std::vector<std::string_view> names, std::vector<TypeId> parts);
  [[nodiscard]] Result<TypeId> add_function(std::vector<std::string_view> names, std::vector<TypeId> parts);
  [[nodiscard]] Result<TypeId> add_instance(Interface exports, std::vector<ResourceId> bound);
  [[nodiscard]] Result<TypeId> add_component(Interface imports, std::vector<ResourceId> imported, Interface exports,
                                             std::vector<ResourceId> exported);
  /// A resource unlike any other.
  [[nodiscard]] TypeId add_resource();
  /// A type of its own identity with the same structure.
  [[nodiscard]] TypeId renamed(TypeId type);

  /// An instance of an instance type: what it binds becomes resources unlike any other, which are added to `resources`.
  [[nodiscard]] Result<TypeId> instance_of(TypeId type, std::vector<ResourceId>& resources);
  /// An instance of a component. @param arguments  by the names of what it imports.
  [[nodiscard]] Result<TypeId> instantiate(TypeId component,
                                           const std::unordered_map<std::string_view, Entity>& arguments,
                                           std::vector<ResourceId>& resources);

  /// Whether what is there may stand where something is expected. Notes in `given` what it gives for what that binds.
  [[nodiscard]] Result<void> match(Entity actual, Entity expected, Substitution& given);
  [[nodiscard]] Result<void> match(Entity actual, Entity expected) {
    Substitution none;
    return match(actual, expected, none);
  }

  /// The resources that an item speaks of and does not bind itself.
  [[nodiscard]] Result<std::unordered_set<ResourceId>> free_resources(const Interface& interface);
  [[nodiscard]] Result<bool> has_free_resources(TypeId type);

  /// A function's type for the canonical ABI.
  [[nodiscard]] Result<FunctionType> function(TypeId type) const;

 private:
  struct Walk;

  [[nodiscard]] Result<TypeId> add(Shape shape);
  [[nodiscard]] TypeId add_resource(ResourceId resource);
  [[nodiscard]] Result<std::uint32_t> depth_above(const Interface& interface);
  [[nodiscard]] Result<TypeId> substitute(TypeId type, Substitution& given);
  [[nodiscard]] Result<Interface> substitute(const Interface& interface, Substitution& given);
  [[nodiscard]] Result<void> match_types(TypeId actual, TypeId expected, Substitution& given);
  [[nodiscard]] Result<void> match_resources(TypeId actual, TypeId expected, Substitution& given);
  [[nodiscard]] Result<void> match_functions(TypeId actual, TypeId expected, Substitution& given);
  [[nodiscard]] Result<void> match_interfaces(const Interface& actual, const Interface& expected, std::string_view what,
                                              Substitution& given);
  [[nodiscard]] Result<void> match_components(TypeId actual, TypeId expected);
  [[nodiscard]] Result<void> walk(TypeId type, Walk& walk) const;
  [[nodiscard]] Result<void> walk(const Interface& interface, Walk& walk) const;

  Effort* effort_;   ///< the validator's, which outlives this
  CoreTypes* core_;  ///< likewise
  Types abi_;
  std::vector<std::shared_ptr<const Shape>> shapes_;
  ResourceId next_resource_ = 0;
};

}  // namespace anew::component
