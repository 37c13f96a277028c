// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types, and what the types of components and instances declare.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>
#include <variant>

#include "component/checks.hpp"
#include "component/component_validator.hpp"
#include "component/names.hpp"
#include "os/try.hpp"

namespace anew::component {

using namespace binary;

namespace {

/// Checks labels that stand together: of parameters, fields, cases or flags.
class Labels {
 public:
  explicit Labels(std::string_view what) : what_(what) {}
  Result<void> add(std::string_view label) {
    if (!is_label(label)) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} name \"{}\" is not in kebab case, as in get-value", what_, label));
    }
    if (!keys_.insert(unique_key(label)).second)
      return fail(ErrorCode::kInvalid, fmt::format("{} name \"{}\" conflicts with a previous one", what_, label));
    labels_.push_back(label);
    return {};
  }
  [[nodiscard]] std::vector<std::string_view> take() { return std::move(labels_); }

 private:
  std::string_view what_;
  std::unordered_set<std::string> keys_;
  std::vector<std::string_view> labels_;
};

Result<std::vector<std::string_view>> labels_of(const std::vector<std::string>& names, std::string_view what) {
  Labels labels(what);
  for (const std::string& each : names) TRY(labels.add(each));
  return labels.take();
}

}  // namespace

Result<void> ComponentValidator::core_type(Scope& scope, const CoreType& type) {
  if (const auto* const function = std::get_if<anew::FunctionType>(&type)) {
    scope.core_types.push_back({false, core_.add(*function)});
    return {};
  }
  const std::uint32_t module = TRY(module_type(scope, std::get<ModuleType>(type)));
  scope.core_types.push_back({true, module});
  return {};
}

Result<std::uint32_t> ComponentValidator::module_type(Scope& scope, const ModuleType& type) {
  std::vector<std::uint32_t> types;
  CoreModuleType module;
  auto exports = std::make_shared<CoreExports>();
  const auto item = [&](const CoreExternalType& external) -> Result<CoreItem> {
    if (const auto* const function = std::get_if<std::uint32_t>(&external))
      return CoreFunction{TRY(at(types, *function, "core type"))};
    if (const auto* const tag = std::get_if<wasm::Tag>(&external)) {
      const std::uint32_t of = TRY(at(types, tag->type, "core type"));
      if (!core_.function(of).results.empty()) return fail(ErrorCode::kInvalid, "the type of a tag has no results");
      return CoreTag{of};
    }
    if (const auto* const table = std::get_if<TableType>(&external)) return *table;
    if (const auto* const memory = std::get_if<MemoryType>(&external)) return *memory;
    return std::get<GlobalType>(external);
  };
  for (const CoreDeclaration& each : type.declarations) {
    if (const auto* const function = std::get_if<anew::FunctionType>(&each)) {
      types.push_back(core_.add(*function));
    } else if (const auto* const outer = std::get_if<OuterAlias>(&each)) {
      if (outer->count == 0) {
        types.push_back(TRY(at(types, outer->index, "core type")));
        continue;
      }
      const Scope* from = &scope;
      for (std::uint32_t k = 1; k < outer->count && from != nullptr; ++k) from = from->outer;
      if (from == nullptr)
        return fail(ErrorCode::kInvalid, fmt::format("invalid outer alias count of {}", outer->count));
      const CoreTypeEntry found = TRY(at(from->core_types, outer->index, "core type"));
      if (found.is_module) return fail(ErrorCode::kInvalid, "a core module's type may not alias that of a core module");
      types.push_back(found.type);
    } else if (const auto* const import = std::get_if<CoreImport>(&each)) {
      module.imports.push_back({import->module, import->name, TRY(item(import->type))});
    } else {
      const auto& exported = std::get<binary::CoreExport>(each);
      if (!exports->emplace(exported.name, TRY(item(exported.type))).second)
        return fail(ErrorCode::kInvalid, fmt::format("duplicate export name \"{}\" already defined", exported.name));
    }
  }
  module.exports = std::move(exports);
  return core_.add_module(std::move(module));
}

Result<void> ComponentValidator::type(Scope& scope, const TypeDefinition& definition) {
  const TypeId type = TRY(make_type(scope, definition));
  scope.types.push_back(type);
  return {};
}

Result<TypeId> ComponentValidator::make_type(Scope& scope, const TypeDefinition& definition) {
  struct Visitor {
    ComponentValidator& validator;
    Scope& scope;
    Result<TypeId> operator()(Primitive primitive) const { return static_cast<TypeId>(primitive); }  // see TypeId
    Result<TypeId> operator()(const Record& record) const {
      Labels labels("record field");
      std::vector<TypeId> parts;
      for (const Field& each : record.fields) {
        TRY(labels.add(each.name));
        parts.push_back(TRY(validator.value_type(scope, each.type)));
      }
      return validator.types_.add_value(Kind::kRecord, labels.take(), std::move(parts));
    }
    Result<TypeId> operator()(const Variant& variant) const {
      Labels labels("variant case");
      std::vector<TypeId> parts;
      for (const binary::Case& each : variant.cases) {
        TRY(labels.add(each.name));
        parts.push_back(TRY(validator.optional_value_type(scope, each.type)));
      }
      return validator.types_.add_value(Kind::kVariant, labels.take(), std::move(parts));
    }
    Result<TypeId> operator()(const List& list) const {
      const TypeId element = TRY(validator.value_type(scope, list.element));
      return validator.types_.add_value(Kind::kList, {}, {element});
    }
    Result<TypeId> operator()(const Tuple& tuple) const {
      std::vector<TypeId> parts;
      for (const binary::ValueType& each : tuple.types) parts.push_back(TRY(validator.value_type(scope, each)));
      return validator.types_.add_value(Kind::kTuple, {}, std::move(parts));
    }
    Result<TypeId> operator()(const binary::Flags& flags) const {
      std::vector<std::string_view> labels = TRY(labels_of(flags.names, "flag"));
      return validator.types_.add_value(Kind::kFlags, std::move(labels), {});
    }
    Result<TypeId> operator()(const Enum& enumeration) const {
      std::vector<std::string_view> labels = TRY(labels_of(enumeration.names, "enum case"));
      return validator.types_.add_value(Kind::kEnum, std::move(labels), {});
    }
    Result<TypeId> operator()(const Option& option) const {
      const TypeId some = TRY(validator.value_type(scope, option.type));
      return validator.types_.add_value(Kind::kOption, {}, {kNoType, some});
    }
    Result<TypeId> operator()(const ResultType& result) const {
      const TypeId ok = TRY(validator.optional_value_type(scope, result.ok));
      const TypeId error = TRY(validator.optional_value_type(scope, result.error));
      return validator.types_.add_value(Kind::kResult, {}, {ok, error});
    }
    Result<TypeId> operator()(const Own& own) const { return validator.handle(scope, Kind::kOwn, own.resource); }
    Result<TypeId> operator()(const Borrow& borrow) const {
      return validator.handle(scope, Kind::kBorrow, borrow.resource);
    }
    Result<TypeId> operator()(const binary::FunctionType& type) const { return validator.function_type(scope, type); }
    Result<TypeId> operator()(const ResourceType& type) const { return validator.resource_type(scope, type); }
    Result<TypeId> operator()(const std::unique_ptr<ComponentType>& type) const {
      return validator.component_type(scope, *type);
    }
    Result<TypeId> operator()(const std::unique_ptr<InstanceType>& type) const {
      return validator.instance_type(scope, *type);
    }
  };
  return std::visit(Visitor{*this, scope}, definition);
}

Result<TypeId> ComponentValidator::value_type(Scope& scope, const binary::ValueType& type) {
  if (const auto* const primitive = std::get_if<Primitive>(&type))
    return static_cast<TypeId>(*primitive);  // see TypeId
  const std::uint32_t index = std::get<std::uint32_t>(type);
  const TypeId found = TRY(at(scope.types, index, "type"));
  if (types_[found].form == Form::kValue) return found;
  return fail(ErrorCode::kInvalid, fmt::format("type {} is not a value type", index));
}

Result<TypeId> ComponentValidator::optional_value_type(Scope& scope, const std::optional<binary::ValueType>& type) {
  if (!type) return kNoType;
  return value_type(scope, *type);
}

Result<TypeId> ComponentValidator::handle(Scope& scope, Kind kind, std::uint32_t resource) {
  const TypeId type = TRY(at(scope.types, resource, "type"));
  if (types_[type].form == Form::kResource) return types_.add_value(kind, {}, {type});
  return fail(ErrorCode::kInvalid, fmt::format("type {} is not a resource type", resource));
}

Result<TypeId> ComponentValidator::function_type(Scope& scope, const binary::FunctionType& type) {
  Labels labels("function parameter");
  std::vector<TypeId> parts;
  for (const Field& each : type.parameters) {
    TRY(labels.add(each.name));
    parts.push_back(TRY(value_type(scope, each.type)));
  }
  const TypeId result = TRY(optional_value_type(scope, type.result));
  if (result != kNoType && types_[result].has_borrow)
    return fail(ErrorCode::kInvalid, "function result cannot contain a `borrow` type");
  parts.push_back(result);
  return types_.add_function(labels.take(), std::move(parts));
}

Result<TypeId> ComponentValidator::resource_type(Scope& scope, const ResourceType& type) {
  if (scope.kind != Scope::Kind::kComponent)
    return fail(ErrorCode::kInvalid, "resources can only be defined within a concrete component");
  if (type.destructor) {
    const std::uint32_t destructor = TRY(at(scope.core_functions, *type.destructor, "core function"));
    if (core_.function(destructor) != anew::FunctionType{{anew::ValueType::kI32}, {}}) {
      return fail(ErrorCode::kInvalid, fmt::format("core function {} has wrong signature for a destructor: {}",
                                                   *type.destructor, anew::to_string(core_.function(destructor))));
    }
  }
  const TypeId resource = types_.add_resource();
  scope.defined.push_back(types_[resource].resource);
  scope.represented.insert(types_[resource].resource);
  return resource;
}

Result<TypeId> ComponentValidator::component_type(Scope& outer, const ComponentType& type) {
  Scope scope = {.kind = Scope::Kind::kComponentType, .outer = &outer};
  for (const Declaration& each : type.declarations) TRY(declare(scope, each));
  return finish(scope);
}

Result<TypeId> ComponentValidator::instance_type(Scope& outer, const InstanceType& type) {
  Scope scope = {.kind = Scope::Kind::kInstanceType, .outer = &outer};
  for (const Declaration& each : type.declarations) TRY(declare(scope, each));
  return types_.add_instance(std::move(scope.exports.interface), std::move(scope.defined));
}

Result<void> ComponentValidator::declare(Scope& scope, const Declaration& declaration) {
  if (const auto* const core = std::get_if<CoreType>(&declaration)) return core_type(scope, *core);
  if (const auto* const definition = std::get_if<TypeDefinition>(&declaration)) return type(scope, *definition);
  if (const auto* const aliased = std::get_if<Alias>(&declaration)) return alias(scope, *aliased);
  if (const auto* const imported = std::get_if<Import>(&declaration)) return import(scope, *imported);
  const auto& exported = std::get<ExportDeclaration>(declaration);
  const Entity entity = TRY(external_type(scope, exported.type));
  if (entity.sort == Sort::kType && std::holds_alternative<AnyResource>(exported.type.bound))
    scope.defined.push_back(types_[entity.type].resource);
  return add_export(scope, exported.name, entity);
}

Result<void> ComponentValidator::alias(Scope& scope, const Alias& alias) {
  const auto allow = [&](std::initializer_list<Sort> sorts, Sort sort) -> Result<void> {
    if (scope.kind == Scope::Kind::kComponent || std::ranges::find(sorts, sort) != sorts.end()) return {};
    return fail(ErrorCode::kInvalid, "aliases in a component or instance type may only refer to types or instances");
  };
  if (const auto* const core = std::get_if<CoreExportAlias>(&alias)) {
    TRY(allow({}, core->sort));
    return core_export_alias(scope, *core);
  }
  if (const auto* const exported = std::get_if<ExportAlias>(&alias)) {
    TRY(allow({Sort::kType, Sort::kInstance}, exported->sort));
    return export_alias(scope, *exported);
  }
  const auto& outer = std::get<OuterAlias>(alias);
  TRY(allow({Sort::kType, Sort::kCoreType}, outer.sort));
  return outer_alias(scope, outer);
}

Result<void> ComponentValidator::core_export_alias(Scope& scope, const CoreExportAlias& alias) {
  const auto exports = TRY(at(scope.core_instances, alias.instance, "core instance"));
  const auto found = exports->find(alias.name);
  if (found == exports->end()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("core instance {} has no export named \"{}\"", alias.instance, alias.name));
  }
  struct Visitor {
    Scope& scope;
    Sort wanted;
    bool operator()(CoreFunction function) const {
      scope.core_functions.push_back(function.type);
      return wanted == Sort::kCoreFunction;
    }
    bool operator()(const TableType& table) const {
      scope.core_tables.push_back(table);
      return wanted == Sort::kCoreTable;
    }
    bool operator()(const MemoryType& memory) const {
      scope.core_memories.push_back(memory);
      return wanted == Sort::kCoreMemory;
    }
    bool operator()(const GlobalType& global) const {
      scope.core_globals.push_back(global);
      return wanted == Sort::kCoreGlobal;
    }
    bool operator()(CoreTag tag) const {
      scope.core_tags.push_back(tag.type);
      return wanted == Sort::kCoreTag;
    }
  };
  if (std::visit(Visitor{scope, alias.sort}, found->second)) return {};
  return fail(ErrorCode::kInvalid,
              fmt::format("the export \"{}\" of core instance {} is of another sort", alias.name, alias.instance));
}

Result<void> ComponentValidator::export_alias(Scope& scope, const ExportAlias& alias) {
  const TypeId instance = TRY(at(scope.instances, alias.instance, "instance"));
  const Entity* const found = types_[instance].exports.find(alias.name);
  if (found == nullptr)
    return fail(ErrorCode::kInvalid, fmt::format("instance {} has no export named \"{}\"", alias.instance, alias.name));
  if (found->sort != alias.sort) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the export \"{}\" of instance {} is of another sort", alias.name, alias.instance));
  }
  add_entity(scope, *found);
  return {};
}

Result<void> ComponentValidator::outer_alias(Scope& scope, const OuterAlias& alias) {
  const Scope* from = &scope;
  bool leaves_component = false;
  for (std::uint32_t k = 0; k < alias.count && from != nullptr; ++k) {
    leaves_component |= from->kind == Scope::Kind::kComponent;
    from = from->outer;
  }
  if (from == nullptr) return fail(ErrorCode::kInvalid, fmt::format("invalid outer alias count of {}", alias.count));
  switch (alias.sort) {
    case Sort::kCoreModule:
      scope.core_modules.push_back(TRY(at(from->core_modules, alias.index, "core module")));
      return {};
    case Sort::kCoreType: scope.core_types.push_back(TRY(at(from->core_types, alias.index, "core type"))); return {};
    case Sort::kComponent: scope.components.push_back(TRY(at(from->components, alias.index, "component"))); return {};
    case Sort::kType: {
      const TypeId type = TRY(at(from->types, alias.index, "type"));
      const bool has_resources = leaves_component && TRY(types_.has_free_resources(type));
      if (has_resources) {
        return fail(ErrorCode::kInvalid,
                    "cannot alias outer type which transitively refers to resources not defined in the current "
                    "component");
      }
      scope.types.push_back(type);
      return {};
    }
    default:
      return fail(ErrorCode::kInvalid,
                  "outer aliases may only refer to core modules, core types, types and components");
  }
}

}  // namespace anew::component
