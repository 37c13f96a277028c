// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The validator's state while it goes through a component; private to validator*.cpp. validator.cpp goes through
// definitions, validator_types.cpp has what they share with the types of components and instances: types, aliases,
// and aliases; validator_externals.cpp imports and exports; validator_canonical.cpp what is lifted and lowered.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "component/binary.hpp"
#include "component/core_types.hpp"
#include "component/effort.hpp"
#include "component/names.hpp"
#include "component/scope.hpp"
#include "component/static_types.hpp"

namespace anew::component {

/// Errors have no offset: component() adds that of the definition.
class ComponentValidator {
 public:
  explicit ComponentValidator(std::span<const wasm::Module* const> modules) : modules_(modules) {}
  /// @return its type.
  [[nodiscard]] Result<TypeId> component(const binary::Component& component, Scope* outer);

 private:
  [[nodiscard]] Result<void> define(Scope& scope, const binary::Definition& definition);
  [[nodiscard]] Result<void> core_module(Scope& scope);
  [[nodiscard]] Result<void> core_instance(Scope& scope, const binary::CoreInstance& instance);
  [[nodiscard]] Result<void> core_instantiate(Scope& scope, const binary::CoreInstantiate& instantiate);
  [[nodiscard]] Result<void> core_items(Scope& scope, const binary::CoreItems& items);
  [[nodiscard]] Result<void> instance(Scope& scope, const binary::ComponentInstance& instance);
  [[nodiscard]] Result<TypeId> instantiate(Scope& scope, const binary::Instantiate& instantiate);
  [[nodiscard]] Result<TypeId> items(Scope& scope, const binary::Items& items);
  [[nodiscard]] Result<void> export_(Scope& scope, const binary::Export& exported);
  [[nodiscard]] Result<TypeId> finish(Scope& scope);

  [[nodiscard]] Result<void> canonical(Scope& scope, const binary::Canonical& canonical);
  [[nodiscard]] Result<void> lift(Scope& scope, const binary::Lift& lift);
  [[nodiscard]] Result<void> lower(Scope& scope, const binary::Lower& lower);
  [[nodiscard]] Result<void> canonical_options(Scope& scope, const binary::CanonicalOptions& options);
  /// Whether a type is a resource that the component defines itself.
  [[nodiscard]] Result<void> local_resource(Scope& scope, std::uint32_t type);
  void add_core_function(Scope& scope, std::vector<anew::ValueType> parameters, std::vector<anew::ValueType> results);

  [[nodiscard]] Result<void> core_type(Scope& scope, const binary::CoreType& type);
  [[nodiscard]] Result<std::uint32_t> module_type(Scope& scope, const binary::ModuleType& type);
  [[nodiscard]] Result<void> type(Scope& scope, const binary::TypeDefinition& definition);
  [[nodiscard]] Result<TypeId> make_type(Scope& scope, const binary::TypeDefinition& definition);
  [[nodiscard]] Result<TypeId> function_type(Scope& scope, const binary::FunctionType& type);
  [[nodiscard]] Result<TypeId> resource_type(Scope& scope, const binary::ResourceType& type);
  [[nodiscard]] Result<TypeId> component_type(Scope& outer, const binary::ComponentType& type);
  [[nodiscard]] Result<TypeId> instance_type(Scope& outer, const binary::InstanceType& type);
  [[nodiscard]] Result<void> declare(Scope& scope, const binary::Declaration& declaration);
  [[nodiscard]] Result<TypeId> value_type(Scope& scope, const binary::ValueType& type);
  [[nodiscard]] Result<TypeId> optional_value_type(Scope& scope, const std::optional<binary::ValueType>& type);
  [[nodiscard]] Result<TypeId> handle(Scope& scope, Kind kind, std::uint32_t resource);

  [[nodiscard]] Result<void> alias(Scope& scope, const binary::Alias& alias);
  [[nodiscard]] Result<void> core_export_alias(Scope& scope, const binary::CoreExportAlias& alias);
  [[nodiscard]] Result<void> export_alias(Scope& scope, const binary::ExportAlias& alias);
  [[nodiscard]] Result<void> outer_alias(Scope& scope, const binary::OuterAlias& alias);

  [[nodiscard]] Result<void> import(Scope& scope, const binary::Import& import);
  [[nodiscard]] Result<void> add_export(Scope& scope, std::string_view name, Entity entity);
  [[nodiscard]] Result<Entity> external_type(Scope& scope, const binary::ExternalType& type);
  [[nodiscard]] Result<Entity> item(Scope& scope, const binary::Item& item);
  static void add_entity(Scope& scope, Entity entity);

  enum class Direction : std::uint8_t { kImport, kExport };
  [[nodiscard]] static ScopeSide& side(Scope& scope, Direction direction);
  /// Adds it to what the scope imports or exports, and to its index space.
  [[nodiscard]] Result<void> add_external(Scope& scope, Direction direction, std::string_view name, Entity entity);
  [[nodiscard]] Result<void> note_exported_resources(Scope& scope, Entity entity);
  [[nodiscard]] Result<void> add_name(ScopeSide& side, std::string_view name, Entity entity);
  /// Whether a function may be called a constructor, method or static function.
  [[nodiscard]] Result<void> function_name(const ResourceNames& names, const ExternalName& name, Entity entity);
  /// Whether an import or export speaks of types alone that have a name; from then on those that it brings have one.
  [[nodiscard]] Result<bool> takes_named_types(Scope& scope, Direction direction, Entity entity);
  [[nodiscard]] Result<bool> has_named_parts(Scope& scope, Direction direction, TypeId type);
  [[nodiscard]] Result<bool> is_named(Scope& scope, Direction direction, TypeId type);

  std::span<const wasm::Module* const> modules_;  ///< those that are still to come
  Effort effort_;
  CoreTypes core_{effort_};
  StaticTypes types_{effort_, core_};
};

}  // namespace anew::component
