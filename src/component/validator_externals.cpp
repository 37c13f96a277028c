// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Imports and exports: what they are, their names, and which types they may speak of.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "component/checks.hpp"
#include "component/component_validator.hpp"
#include "component/names.hpp"
#include "os/try.hpp"

namespace anew::component {

using namespace binary;

ScopeSide& ComponentValidator::side(Scope& scope, Direction direction) {
  return direction == Direction::kImport ? scope.imports : scope.exports;
}

Result<Entity> ComponentValidator::item(Scope& scope, const Item& item) {
  const auto entity = [&](const std::vector<std::uint32_t>& space, std::string_view what) -> Result<Entity> {
    return Entity{item.sort, TRY(at(space, item.index, what))};
  };
  switch (item.sort) {
    case Sort::kCoreModule: return entity(scope.core_modules, "core module");
    case Sort::kFunction: return entity(scope.functions, "function");
    case Sort::kType: return entity(scope.types, "type");
    case Sort::kComponent: return entity(scope.components, "component");
    case Sort::kInstance: return entity(scope.instances, "instance");
    default:
      return fail(ErrorCode::kInvalid,
                  "only core modules, functions, types, components and instances can be exported or passed");
  }
}

Result<Entity> ComponentValidator::external_type(Scope& scope, const ExternalType& type) {
  const auto of_form = [&](Form form, std::string_view what) -> Result<Entity> {
    const TypeId found = TRY(at(scope.types, type.type, "type"));
    if (types_[found].form != form) return fail(ErrorCode::kInvalid, fmt::format("type {} is not {}", type.type, what));
    return Entity{type.sort, found};
  };
  switch (type.sort) {
    case Sort::kCoreModule: {
      const CoreTypeEntry found = TRY(at(scope.core_types, type.type, "core type"));
      if (!found.is_module)
        return fail(ErrorCode::kInvalid, fmt::format("core type {} is not a module type", type.type));
      return Entity{type.sort, found.type};
    }
    case Sort::kFunction: return of_form(Form::kFunction, "a function type");
    case Sort::kComponent: return of_form(Form::kComponent, "a component type");
    case Sort::kInstance: return of_form(Form::kInstance, "an instance type");
    default:  // kType: the decoder makes no others
      if (std::holds_alternative<AnyResource>(type.bound)) return Entity{type.sort, types_.add_resource()};
      return Entity{type.sort, types_.renamed(TRY(at(scope.types, std::get<EqualType>(type.bound).type, "type")))};
  }
}

void ComponentValidator::add_entity(Scope& scope, Entity entity) {
  switch (entity.sort) {
    case Sort::kCoreModule: scope.core_modules.push_back(entity.type); break;
    case Sort::kFunction: scope.functions.push_back(entity.type); break;
    case Sort::kComponent: scope.components.push_back(entity.type); break;
    case Sort::kInstance: scope.instances.push_back(entity.type); break;
    default: scope.types.push_back(entity.type); break;  // kType: entities have no other sort
  }
}

Result<void> ComponentValidator::import(Scope& scope, const Import& import) {
  Entity entity = TRY(external_type(scope, import.type));
  if (const auto* const equal = std::get_if<EqualType>(&import.type.bound);
      entity.sort == Sort::kType && equal != nullptr) {
    const TypeId type = scope.types[equal->type];  // external_type() found it
    if (scope.exports.named.contains(type) && !scope.imports.named.contains(type)) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("\"{}\" is not valid to be used as import: its type has its name from an export", import.name));
    }
  }
  if (entity.sort == Sort::kInstance) entity.type = TRY(types_.instance_of(entity.type, scope.imported));
  if (entity.sort == Sort::kType && std::holds_alternative<AnyResource>(import.type.bound))
    scope.imported.push_back(types_[entity.type].resource);
  return add_external(scope, Direction::kImport, import.name, entity);
}

Result<void> ComponentValidator::add_export(Scope& scope, std::string_view name, Entity entity) {
  if (entity.sort == Sort::kInstance) entity.type = TRY(types_.instance_of(entity.type, scope.defined));
  TRY(note_exported_resources(scope, entity));
  return add_external(scope, Direction::kExport, name, entity);
}

Result<void> ComponentValidator::add_external(Scope& scope, Direction direction, std::string_view name, Entity entity) {
  add_entity(scope, entity);
  ScopeSide& names = side(scope, direction);
  if (entity.sort == Sort::kType && types_[entity.type].form == Form::kResource) {
    names.resources.by_type.emplace(entity.type, name);
    names.resources.all.insert(name);
  }
  // Instance types may speak of what is around them.
  const bool is_named = scope.kind == Scope::Kind::kInstanceType || TRY(takes_named_types(scope, direction, entity));
  if (!is_named) {
    return fail(ErrorCode::kInvalid,
                fmt::format("\"{}\" is not valid to be used as {}: it speaks of a type that is not "
                            "{} by a name itself",
                            name, direction == Direction::kImport ? "import" : "export",
                            direction == Direction::kImport ? "imported" : "exported"));
  }
  return add_name(names, name, entity);
}

Result<void> ComponentValidator::note_exported_resources(Scope& scope, Entity entity) {
  if (entity.sort == Sort::kType && types_[entity.type].form == Form::kResource)
    scope.exported.insert(types_[entity.type].resource);
  if (entity.sort != Sort::kInstance) return {};
  const Interface& exports = types_[entity.type].exports;
  TRY(effort_.take(exports.entries().size()));
  for (const Interface::Entry& each : exports.entries()) TRY(note_exported_resources(scope, each.entity));
  return {};
}

Result<void> ComponentValidator::add_name(ScopeSide& side, std::string_view name, Entity entity) {
  const ExternalName parsed = TRY(parse_external_name(name));
  if (parsed.kind == NameKind::kConstructor || parsed.kind == NameKind::kMethod || parsed.kind == NameKind::kStatic) {
    TRY(within(function_name(side.resources, parsed, entity),
               [&] { return fmt::format("the name \"{}\" is not valid", name); }));
  }
  if (!side.keys.insert(unique_key(name)).second || !side.interface.add(name, entity))
    return fail(ErrorCode::kInvalid, fmt::format("the name \"{}\" conflicts with a previous one", name));
  return {};
}

Result<void> ComponentValidator::function_name(const ResourceNames& names, const ExternalName& name, Entity entity) {
  if (entity.sort != Sort::kFunction) return fail(ErrorCode::kInvalid, "it is not a function");
  const Shape& function = types_[entity.type];
  if (name.kind == NameKind::kStatic) {
    if (names.all.contains(name.resource)) return {};
    return fail(ErrorCode::kInvalid, "there is no resource of that name before it");
  }
  /// Of a handle; kNoType of other types.
  const auto resource_of = [this](TypeId type, Kind handle) {
    return type != kNoType && types_[type].value.kind == handle ? types_[type].parts[0] : kNoType;
  };
  TypeId resource = kNoType;
  if (name.kind == NameKind::kMethod) {
    if (function.names.empty() || function.names[0] != "self")
      return fail(ErrorCode::kInvalid, "a method has a first parameter called self");
    resource = resource_of(function.parts[0], Kind::kBorrow);
    if (resource == kNoType)
      return fail(ErrorCode::kInvalid, "a method's first parameter is a borrow handle of its resource");
  } else {
    const TypeId result = function.parts.back();
    const bool may_fail = result != kNoType && types_[result].value.kind == Kind::kResult;
    resource = resource_of(may_fail ? types_[result].parts[0] : result, Kind::kOwn);
    if (resource == kNoType) return fail(ErrorCode::kInvalid, "a constructor returns (own $T) or (result (own $T))");
  }
  const auto found = names.by_type.find(resource);
  if (found == names.by_type.end())
    return fail(ErrorCode::kInvalid, "the resource of the function does not have a name in this context");
  if (found->second == name.resource) return {};
  return fail(ErrorCode::kInvalid, fmt::format("the resource of the function is called {}", found->second));
}

Result<bool> ComponentValidator::takes_named_types(Scope& scope, Direction direction, Entity entity) {
  TRY(effort_.take(1));
  switch (entity.sort) {
    case Sort::kFunction: return has_named_parts(scope, direction, entity.type);
    case Sort::kType: {
      if (!TRY(has_named_parts(scope, direction, entity.type))) return false;
      side(scope, direction).named.insert(entity.type);
      return true;
    }
    case Sort::kInstance: {
      const Interface& exports = types_[entity.type].exports;
      for (const Interface::Entry& each : exports.entries())
        if (!TRY(takes_named_types(scope, direction, each.entity))) return false;
      return true;
    }
    default: return true;  // core modules and components stand for themselves
  }
}

Result<bool> ComponentValidator::has_named_parts(Scope& scope, Direction direction, TypeId type) {
  const Shape& shape = types_[type];
  TRY(effort_.take(1 + shape.parts.size()));
  switch (shape.form) {
    case Form::kResource:
    case Form::kComponent: return true;
    case Form::kInstance: {
      // What it exports has a name within it, and nowhere else.
      ScopeSide& names = side(scope, direction);
      const std::size_t named = names.named.size();
      const std::size_t free = names.free.size();
      bool has_all = true;
      for (const Interface::Entry& each : shape.exports.entries()) {
        if (each.entity.sort == Sort::kCoreModule || each.entity.sort == Sort::kComponent) continue;
        has_all = has_all && TRY(has_named_parts(scope, direction, each.entity.type));
        if (each.entity.sort == Sort::kType) names.named.insert(each.entity.type);
      }
      names.named.shrink(named);
      names.free.shrink(free);
      return has_all;
    }
    default: break;
  }
  for (const TypeId part : shape.parts)
    if (part != kNoType && !TRY(is_named(scope, direction, part))) return false;
  return true;
}

Result<bool> ComponentValidator::is_named(Scope& scope, Direction direction, TypeId type) {
  // What is imported may be exported, and not the other way.
  if (scope.imports.named.contains(type) || scope.imports.free.contains(type)) return true;
  if (direction == Direction::kExport && (scope.exports.named.contains(type) || scope.exports.free.contains(type)))
    return true;
  const Shape& shape = types_[type];
  if (shape.form == Form::kResource) return false;
  switch (shape.value.kind) {
    case Kind::kRecord:
    case Kind::kVariant:
    case Kind::kEnum:
    case Kind::kFlags: return false;
    default: break;
  }
  if (!TRY(has_named_parts(scope, direction, type))) return false;
  side(scope, direction).free.insert(type);
  return true;
}

}  // namespace anew::component
