// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Definitions of a component, in their order.
#include "component/validator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <variant>

#include "component/checks.hpp"
#include "component/component_validator.hpp"
#include "component/names.hpp"
#include "os/try.hpp"

namespace anew::component {

using namespace binary;

Result<void> validate(const Component& component, std::span<const wasm::Module* const> core_modules) {
  const Result<TypeId> type = ComponentValidator(core_modules).component(component, nullptr);
  if (!type) return std::unexpected(type.error());
  return {};
}

Result<TypeId> ComponentValidator::component(const Component& component, Scope* outer) {
  Scope scope = {.kind = Scope::Kind::kComponent, .outer = outer};
  for (std::size_t k = 0; k < component.definitions.size(); ++k) {
    Result<void> defined = define(scope, component.definitions[k]);
    if (!defined && !defined.error().offset) defined.error().offset = component.offsets[k];  // else of a nested one
    TRY(std::move(defined));
  }
  return finish(scope);
}

Result<void> ComponentValidator::define(Scope& scope, const Definition& definition) {
  struct Visitor {
    ComponentValidator& validator;
    Scope& scope;
    Result<void> operator()(const CoreModule& /*module*/) const { return validator.core_module(scope); }
    Result<void> operator()(const CoreInstance& instance) const { return validator.core_instance(scope, instance); }
    Result<void> operator()(const CoreType& type) const { return validator.core_type(scope, type); }
    Result<void> operator()(const std::unique_ptr<Component>& component) const {
      const TypeId type = TRY(validator.component(*component, &scope));
      scope.components.push_back(type);
      return {};
    }
    Result<void> operator()(const ComponentInstance& instance) const { return validator.instance(scope, instance); }
    Result<void> operator()(const Alias& alias) const { return validator.alias(scope, alias); }
    Result<void> operator()(const TypeDefinition& type) const { return validator.type(scope, type); }
    Result<void> operator()(const Canonical& canonical) const { return validator.canonical(scope, canonical); }
    Result<void> operator()(const Import& import) const { return validator.import(scope, import); }
    Result<void> operator()(const Export& exported) const { return validator.export_(scope, exported); }
  };
  return std::visit(Visitor{*this, scope}, definition);
}

Result<void> ComponentValidator::core_module(Scope& scope) {
  if (modules_.empty()) return fail(ErrorCode::kArgument, "fewer core modules were given than the component has");
  const std::uint32_t type = TRY(core_.add_module(*modules_.front()));
  modules_ = modules_.subspan(1);
  scope.core_modules.push_back(type);
  return {};
}

Result<void> ComponentValidator::core_instance(Scope& scope, const CoreInstance& instance) {
  if (const auto* const instantiate = std::get_if<CoreInstantiate>(&instance))
    return core_instantiate(scope, *instantiate);
  return core_items(scope, std::get<CoreItems>(instance));
}

Result<void> ComponentValidator::core_instantiate(Scope& scope, const CoreInstantiate& instantiate) {
  const CoreModuleType& module = core_.module(TRY(at(scope.core_modules, instantiate.module, "core module")));
  std::unordered_map<std::string_view, const CoreExports*> arguments;
  for (const CoreArgument& each : instantiate.arguments) {
    const auto exports = TRY(at(scope.core_instances, each.instance, "core instance"));
    if (!arguments.emplace(each.name, exports.get()).second)
      return fail(ErrorCode::kInvalid, fmt::format("duplicate argument named \"{}\" of a core module", each.name));
  }
  TRY(effort_.take(module.imports.size()));
  for (const CoreModuleType::Import& import : module.imports) {
    const auto argument = arguments.find(import.module);
    if (argument == arguments.end())
      return fail(ErrorCode::kInvalid, fmt::format("missing argument named \"{}\" of a core module", import.module));
    const auto found = argument->second->find(import.name);
    if (found == argument->second->end()) {
      return fail(ErrorCode::kInvalid, fmt::format("the argument \"{}\" of a core module does not export \"{}\"",
                                                   import.module, import.name));
    }
    if (!CoreTypes::matches(found->second, import.item)) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("type mismatch: \"{}\" of the argument \"{}\" of a core module is not of the type that "
                              "the module imports",
                              import.name, import.module));
    }
  }
  scope.core_instances.push_back(module.exports);
  return {};
}

Result<void> ComponentValidator::core_items(Scope& scope, const CoreItems& items) {
  auto exports = std::make_shared<CoreExports>();
  for (const auto& [name, item] : items.exports) {
    const auto core_item = [&]() -> Result<CoreItem> {
      switch (item.sort) {
        case Sort::kCoreFunction: return CoreFunction{TRY(at(scope.core_functions, item.index, "core function"))};
        case Sort::kCoreTable: return TRY(at(scope.core_tables, item.index, "core table"));
        case Sort::kCoreMemory: return TRY(at(scope.core_memories, item.index, "core memory"));
        case Sort::kCoreGlobal: return TRY(at(scope.core_globals, item.index, "core global"));
        case Sort::kCoreTag: return CoreTag{TRY(at(scope.core_tags, item.index, "core tag"))};
        default:
          return fail(ErrorCode::kInvalid,
                      "a core instance exports functions, tables, memories, globals and tags only");
      }
    };
    if (!exports->emplace(name, TRY(core_item())).second)
      return fail(ErrorCode::kInvalid, fmt::format("export name \"{}\" already defined", name));
  }
  scope.core_instances.push_back(std::move(exports));
  return {};
}

Result<void> ComponentValidator::instance(Scope& scope, const ComponentInstance& instance) {
  TypeId type = kNoType;
  if (const auto* const instantiated = std::get_if<Instantiate>(&instance))
    type = TRY(instantiate(scope, *instantiated));
  else
    type = TRY(items(scope, std::get<Items>(instance)));
  scope.instances.push_back(type);
  return {};
}

Result<TypeId> ComponentValidator::instantiate(Scope& scope, const Instantiate& instantiate) {
  const TypeId component = TRY(at(scope.components, instantiate.component, "component"));
  std::unordered_map<std::string_view, Entity> arguments;
  for (const NamedItem& each : instantiate.arguments) {
    const Entity entity = TRY(item(scope, each.item));
    if (!arguments.emplace(each.name, entity).second)
      return fail(ErrorCode::kInvalid, fmt::format("duplicate argument named \"{}\" of a component", each.name));
  }
  return types_.instantiate(component, arguments, scope.defined);
}

Result<TypeId> ComponentValidator::items(Scope& scope, const Items& items) {
  ScopeSide side;  // of the instance, where no function can be a method: its resources have no names before it is there
  for (const NamedItem& each : items.exports) {
    const Entity entity = TRY(item(scope, each.item));
    TRY(add_name(side, each.name, entity));
  }
  return types_.add_instance(std::move(side.interface), {});
}

Result<void> ComponentValidator::export_(Scope& scope, const Export& exported) {
  Entity entity = TRY(item(scope, exported.item));
  if (entity.sort == Sort::kType) entity.type = types_.renamed(entity.type);
  if (exported.type) {
    const Entity declared = TRY(external_type(scope, *exported.type));
    Substitution given;
    // A resource that is declared as any one is one of its own from outside.
    std::vector<ResourceId> bound;
    if (declared.sort == Sort::kType && std::holds_alternative<AnyResource>(exported.type->bound))
      bound.push_back(types_[declared.type].resource);
    given.bound = &bound;
    TRY(within(types_.match(entity, declared, given),
               [&] { return fmt::format("the type declared for the export \"{}\" does not fit", exported.name); }));
    scope.defined.insert(scope.defined.end(), bound.begin(), bound.end());
    entity = declared;
  }
  return add_export(scope, exported.name, entity);
}

Result<TypeId> ComponentValidator::finish(Scope& scope) {
  const auto is_imported = TRY(types_.free_resources(scope.imports.interface));
  if (std::ranges::any_of(scope.defined, [&](ResourceId each) { return is_imported.contains(each); }))
    return fail(ErrorCode::kInvalid, "an import speaks of a resource that the component defines itself");
  const auto is_exported = TRY(types_.free_resources(scope.exports.interface));
  std::vector<ResourceId> exported;
  for (const ResourceId each : scope.defined) {
    if (!is_exported.contains(each)) continue;
    if (!scope.exported.contains(each))
      return fail(ErrorCode::kInvalid, "an export speaks of a resource that is not exported itself");
    exported.push_back(each);
  }
  return types_.add_component(std::move(scope.imports.interface), std::move(scope.imported),
                              std::move(scope.exports.interface), std::move(exported));
}

}  // namespace anew::component
