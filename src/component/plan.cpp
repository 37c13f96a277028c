// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/plan.hpp"

#include <fmt/format.h>

#include <deque>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "component/abi.hpp"
#include "wasm/printable.hpp"

namespace anew::component {
namespace {

/// Definitions that are looked at, those of a component once for each of its instances: a component of a few hundred
/// bytes can ask for 2^50.
constexpr std::uint64_t kMostSteps = 4'000'000;
constexpr std::size_t kMostMembers = 1000;
constexpr std::uint32_t kMostInstances = 10'000;
constexpr int kMostNested = 100;

// Kind begins as Primitive does.
static_assert(static_cast<int>(Kind::kBool) == static_cast<int>(binary::Primitive::kBool) &&
              static_cast<int>(Kind::kString) == static_cast<int>(binary::Primitive::kString));

/// What ends the making of a plan.
struct Refusal {
  Error error;
};

[[noreturn]] void refuse(ErrorCode code, std::string message) { throw Refusal{make_error(code, std::move(message))}; }

struct Scope;

struct InstanceTypeIn {
  const binary::InstanceType* type;
  const Scope* scope;  ///< that it is written in
};
struct OtherType {};  // of a component or core module
using FunctionTypePointer = std::shared_ptr<const FunctionType>;
struct ResourceEntity {
  ResourceId id;
};
using TypeEntity = std::variant<Type, FunctionTypePointer, ResourceEntity, InstanceTypeIn, OtherType>;

struct FunctionEntity {
  FunctionSource source;
  FunctionTypePointer type;
};
struct ComponentEntity {
  const binary::Component* component;
  const Scope* scope;  ///< that it is written in
};
struct ModuleEntity {
  std::span<const std::byte> bytes;
};
struct Entity;
using Exports = std::map<std::string, Entity, std::less<>>;
using InstanceEntity = std::shared_ptr<const Exports>;
struct Entity : std::variant<FunctionEntity, TypeEntity, ComponentEntity, InstanceEntity, ModuleEntity> {
  using variant::variant;
};

/// The index spaces of one instance of a component, or of a type of an instance.
struct Scope {
  const Scope* parent;     ///< of the component that this one is written in
  std::uint32_t instance;  ///< the number of the component's instance
  std::vector<CoreItem> core_functions;
  std::vector<CoreItem> core_tables;
  std::vector<CoreItem> core_memories;
  std::vector<CoreItem> core_globals;
  std::vector<CoreItem> core_tags;
  std::vector<ModuleEntity> modules;
  std::vector<CoreInstance> core_instances;
  std::vector<FunctionEntity> functions;
  std::vector<TypeEntity> types;
  std::vector<ComponentEntity> components;
  std::vector<InstanceEntity> instances;
};

/// (module (import "" "" (func (type 0))) (export "" (func 0))) @param type  of numbers, kMostFlatParameters and one at
/// most: each length is less than 128, one byte.
std::vector<std::byte> module_exporting_again(const anew::FunctionType& type) {
  std::vector<std::byte> bytes;
  const auto append = [&bytes](std::initializer_list<std::size_t> values) {
    for (const std::size_t value : values) bytes.push_back(static_cast<std::byte>(value));
  };
  const auto append_types = [&append](const std::vector<anew::ValueType>& types) {
    append({types.size()});
    for (const anew::ValueType each : types) append({static_cast<std::size_t>(each)});  // its byte
  };
  append({0, 'a', 's', 'm', 1, 0, 0, 0});
  append({1, 4 + type.parameters.size() + type.results.size(), 1, 0x60});
  append_types(type.parameters);
  append_types(type.results);
  append({2, 5, 1, 0, 0, 0, 0});
  append({7, 4, 1, 0, 0, 0});
  return bytes;
}

template <typename T>
const T& at(const std::vector<T>& items, std::uint32_t index, const char* what) {
  if (index >= items.size()) refuse(ErrorCode::kInvalid, fmt::format("there is no {} {}", what, index));
  return items[index];
}

class Planner {
 public:
  Plan plan(const binary::Component& component) {
    const Exports exports = instantiate({&component, nullptr}, nullptr, 0);
    for (const auto& [name, entity] : exports) {
      if (const auto* const function = std::get_if<FunctionEntity>(&entity)) {
        plan_.exports.emplace(name, function->source);
      } else if (const auto* const instance = std::get_if<InstanceEntity>(&entity)) {
        for (const auto& [field, item] : **instance)
          if (const auto* const its = std::get_if<FunctionEntity>(&item))
            plan_.exports.emplace(fmt::format("{}#{}", name, field), its->source);
      }
    }
    return std::move(plan_);
  }

 private:
  void step() {
    if (++steps_ > kMostSteps)
      refuse(ErrorCode::kLimit, fmt::format("the component's instances have more than {} definitions", kMostSteps));
  }

  Scope& new_scope(const Scope* parent, std::uint32_t instance) {
    scopes_.push_back({});
    scopes_.back().parent = parent;
    scopes_.back().instance = instance;
    return scopes_.back();
  }

  /// @param arguments  null for the whole, which the host serves.
  Exports instantiate(const ComponentEntity& entity, const Exports* arguments, int depth) {
    if (depth > kMostNested)
      refuse(ErrorCode::kLimit, fmt::format("components are instantiated more than {} deep", kMostNested));
    if (plan_.instances == kMostInstances)
      refuse(ErrorCode::kLimit, fmt::format("there are more than {} instances of components", kMostInstances));
    Scope& scope = new_scope(entity.scope, plan_.instances++);
    Exports exports;
    for (const binary::Definition& definition : entity.component->definitions) {
      step();
      std::visit([&](const auto& each) { define(scope, each, arguments, exports, depth); }, definition);
    }
    return exports;
  }

  // --- Definitions, in the order of binary::Definition ---

  void define(Scope& scope, const binary::CoreModule& module, const Exports*, Exports&, int) {
    scope.modules.push_back({module.bytes});
  }

  void define(Scope& scope, const binary::CoreInstance& instance, const Exports*, Exports&, int) {
    if (const auto* const items = std::get_if<binary::CoreItems>(&instance)) {
      CoreItems exports;
      for (const binary::NamedItem& each : items->exports) {
        step();
        exports.insert_or_assign(each.name, core_item(scope, each.item));
      }
      scope.core_instances.emplace_back(std::make_shared<const CoreItems>(std::move(exports)));
      return;
    }
    const auto& made = std::get<binary::CoreInstantiate>(instance);
    Member member;
    member.module = module_number(at(scope.modules, made.module, "core module"));
    for (const binary::CoreArgument& argument : made.arguments) {
      step();
      member.arguments.insert_or_assign(argument.name, at(scope.core_instances, argument.instance, "core instance"));
    }
    scope.core_instances.emplace_back(add_member(std::move(member)));
  }

  void define(Scope&, const binary::CoreType&, const Exports*, Exports&, int) {}  // nothing here needs one

  void define(Scope& scope, const std::unique_ptr<binary::Component>& component, const Exports*, Exports&, int) {
    scope.components.push_back({component.get(), &scope});
  }

  void define(Scope& scope, const binary::ComponentInstance& instance, const Exports*, Exports&, int depth) {
    Exports exports;
    if (const auto* const items = std::get_if<binary::Items>(&instance)) {
      add_items(scope, items->exports, exports);
    } else {
      const auto& made = std::get<binary::Instantiate>(instance);
      Exports arguments;
      add_items(scope, made.arguments, arguments);
      const ComponentEntity component = at(scope.components, made.component, "component");
      exports = instantiate(component, &arguments, depth + 1);
    }
    scope.instances.push_back(std::make_shared<const Exports>(std::move(exports)));
  }

  void define(Scope& scope, const binary::Alias& alias, const Exports*, Exports&, int) { define_alias(scope, alias); }

  void define(Scope& scope, const binary::TypeDefinition& type, const Exports*, Exports&, int) {
    define_type(scope, type);
  }

  void define(Scope& scope, const binary::Canonical& canonical, const Exports*, Exports&, int) {
    std::visit([&](const auto& each) { define_canonical(scope, each); }, canonical);
  }

  void define(Scope& scope, const binary::Import& import, const Exports* arguments, Exports&, int) {
    if (arguments == nullptr) return import_from_host(scope, import);
    const auto found = arguments->find(import.name);
    if (found == arguments->end())
      refuse(ErrorCode::kInvalid, fmt::format("no argument \"{}\" is given", wasm::printable_name(import.name)));
    add(scope, found->second);
  }

  void define(Scope& scope, const binary::Export& exported, const Exports*, Exports& exports, int) {
    const Entity entity = item(scope, exported.item);
    if (const auto* const type = std::get_if<TypeEntity>(&entity)) name(*type, exported.name);
    exports.insert_or_assign(exported.name, entity);
    add(scope, entity);
  }

  /// A resource of a component's is called as it is first exported.
  void name(const TypeEntity& type, const std::string& exported) {
    const auto* const resource = std::get_if<ResourceEntity>(&type);
    if (resource == nullptr || !plan_.resources[resource->id].name.empty()) return;
    plan_.resources[resource->id].name = exported;
    plan_.types.name_resource(resource->id, exported);
  }

  // --- Core items ---

  static std::vector<CoreItem>& core_space(Scope& scope, binary::Sort sort) {
    switch (sort) {
      case binary::Sort::kCoreFunction: return scope.core_functions;
      case binary::Sort::kCoreTable: return scope.core_tables;
      case binary::Sort::kCoreMemory: return scope.core_memories;
      case binary::Sort::kCoreGlobal: return scope.core_globals;
      case binary::Sort::kCoreTag: return scope.core_tags;
      default: refuse(ErrorCode::kInvalid, "what is exported by a core instance is of another sort");
    }
  }

  static CoreItem core_item(Scope& scope, binary::Item item) {
    return at(core_space(scope, item.sort), item.index, "core item");
  }

  /// A core item as a member exports it: a core function of the plan's own is given to a member that exports it again,
  /// so that all that is called is a member's.
  CoreExport core_export(Scope& scope, binary::Sort sort, std::uint32_t index) {
    const CoreItem found = core_item(scope, {sort, index});
    if (const auto* const exported = std::get_if<CoreExport>(&found)) return *exported;
    const std::uint32_t number = std::get<std::uint32_t>(found);
    const auto [known, is_new] = exported_again_.try_emplace(number);
    if (is_new) {
      plan_.made_modules.push_back(module_exporting_again(core_type(plan_.core_functions[number])));
      plan_.modules.emplace_back(plan_.made_modules.back());
      const auto module = static_cast<std::uint32_t>(plan_.modules.size() - 1);  // at most as many as there are steps
      auto given = std::make_shared<const CoreItems>(CoreItems{{"", number}});
      known->second = {add_member({module, {{"", std::move(given)}}}), ""};
    }
    return known->second;
  }

  anew::FunctionType core_type(const CoreFunction& function) const {
    if (const auto* const lowered = std::get_if<Lowered>(&function))
      return core_type_of_lower(plan_.types, *lowered->type);
    return core_type_of(std::get<ResourceBuiltin>(function));
  }

  std::uint32_t add_member(Member member) {
    if (plan_.members.size() == kMostMembers)
      refuse(ErrorCode::kLimit, fmt::format("there are more than {} core instances", kMostMembers));
    plan_.members.push_back(std::move(member));
    return static_cast<std::uint32_t>(plan_.members.size() - 1);
  }

  std::uint32_t module_number(const ModuleEntity& module) {
    const auto [found, is_new] =
        module_numbers_.try_emplace(module.bytes.data(), static_cast<std::uint32_t>(plan_.modules.size()));
    if (is_new) plan_.modules.push_back(module.bytes);
    return found->second;
  }

  // --- Items ---

  Entity item(Scope& scope, binary::Item item) {
    switch (item.sort) {
      case binary::Sort::kFunction: return at(scope.functions, item.index, "function");
      case binary::Sort::kType: return at(scope.types, item.index, "type");
      case binary::Sort::kComponent: return at(scope.components, item.index, "component");
      case binary::Sort::kInstance: return at(scope.instances, item.index, "instance");
      case binary::Sort::kCoreModule: return at(scope.modules, item.index, "core module");
      default: refuse(ErrorCode::kInvalid, "an item is of a sort that cannot be exported");
    }
  }

  void add_items(Scope& scope, const std::vector<binary::NamedItem>& items, Exports& exports) {
    for (const binary::NamedItem& each : items) {
      step();
      exports.insert_or_assign(each.name, item(scope, each.item));
    }
  }

  static void add(Scope& scope, const Entity& entity) {
    if (const auto* const function = std::get_if<FunctionEntity>(&entity)) scope.functions.push_back(*function);
    if (const auto* const type = std::get_if<TypeEntity>(&entity)) scope.types.push_back(*type);
    if (const auto* const component = std::get_if<ComponentEntity>(&entity)) scope.components.push_back(*component);
    if (const auto* const instance = std::get_if<InstanceEntity>(&entity)) scope.instances.push_back(*instance);
    if (const auto* const module = std::get_if<ModuleEntity>(&entity)) scope.modules.push_back(*module);
  }

  void define_alias(Scope& scope, const binary::Alias& alias) {
    if (const auto* const core = std::get_if<binary::CoreExportAlias>(&alias)) {
      const CoreInstance& instance = at(scope.core_instances, core->instance, "core instance");
      if (const auto* const member = std::get_if<std::uint32_t>(&instance)) {
        core_space(scope, core->sort).push_back(CoreExport{*member, core->name});
        return;
      }
      const CoreItems& items = *std::get<std::shared_ptr<const CoreItems>>(instance);
      const auto found = items.find(core->name);
      if (found == items.end())
        refuse(ErrorCode::kInvalid, fmt::format("a core instance has no \"{}\"", wasm::printable_name(core->name)));
      core_space(scope, core->sort).push_back(found->second);
      return;
    }
    if (const auto* const exported = std::get_if<binary::ExportAlias>(&alias)) {
      const InstanceEntity instance = at(scope.instances, exported->instance, "instance");
      const auto found = instance->find(exported->name);
      if (found == instance->end())
        refuse(ErrorCode::kInvalid, fmt::format("an instance has no \"{}\"", wasm::printable_name(exported->name)));
      add(scope, found->second);
      return;
    }
    const auto& outer = std::get<binary::OuterAlias>(alias);
    const Scope* from = &scope;
    for (std::uint32_t i = 0; i < outer.count && from != nullptr; ++i) from = from->parent;
    if (from == nullptr) refuse(ErrorCode::kInvalid, "an alias leads out of the outermost component");
    switch (outer.sort) {
      case binary::Sort::kCoreModule: scope.modules.push_back(at(from->modules, outer.index, "core module")); return;
      case binary::Sort::kType: {
        const TypeEntity type = at(from->types, outer.index, "type");  // a copy: `from` may be this scope
        scope.types.push_back(type);
        return;
      }
      case binary::Sort::kComponent: {
        const ComponentEntity component = at(from->components, outer.index, "component");
        scope.components.push_back(component);
        return;
      }
      case binary::Sort::kCoreType: return;
      default: refuse(ErrorCode::kInvalid, "an outer alias is of a sort that cannot be");
    }
  }

  // --- Types ---

  static Type type_of(const Scope& scope, const binary::ValueType& type) {
    if (const auto* const primitive = std::get_if<binary::Primitive>(&type)) return {static_cast<Kind>(*primitive), 0};
    const TypeEntity& entity = at(scope.types, std::get<std::uint32_t>(type), "type");
    if (const auto* const found = std::get_if<Type>(&entity)) return *found;
    refuse(ErrorCode::kInvalid, "a type of values was expected");
  }

  static std::optional<Type> type_of(const Scope& scope, const std::optional<binary::ValueType>& type) {
    if (!type) return std::nullopt;
    return type_of(scope, *type);
  }

  static ResourceId resource_of(const Scope& scope, std::uint32_t index) {
    const TypeEntity& entity = at(scope.types, index, "type");
    if (const auto* const found = std::get_if<ResourceEntity>(&entity)) return found->id;
    refuse(ErrorCode::kInvalid, "a resource type was expected");
  }

  Type add_type(Kind kind, std::vector<NamedType> parts) {
    auto type = plan_.types.add(kind, std::move(parts));
    if (!type) throw Refusal{std::move(type.error())};
    return *type;
  }

  static std::vector<NamedType> fields(const Scope& scope, const std::vector<binary::Field>& from) {
    std::vector<NamedType> parts;
    for (const binary::Field& field : from) parts.push_back({field.name, type_of(scope, field.type)});
    return parts;
  }

  static std::vector<NamedType> names(const std::vector<std::string>& from) {
    std::vector<NamedType> parts;
    for (const std::string& name : from) parts.push_back({name, std::nullopt});
    return parts;
  }

  ResourceId new_resource(ResourceType resource) {
    const auto id = static_cast<ResourceId>(plan_.resources.size());  // at most as many as there are steps
    plan_.types.name_resource(id, resource.name);
    plan_.resources.push_back(std::move(resource));
    return id;
  }

  void define_type(Scope& scope, const binary::TypeDefinition& definition) {
    struct Visitor {
      Planner& planner;
      Scope& scope;
      TypeEntity operator()(const binary::Primitive& primitive) const { return Type{static_cast<Kind>(primitive), 0}; }
      TypeEntity operator()(const binary::Record& type) const {
        return planner.add_type(Kind::kRecord, fields(scope, type.fields));
      }
      TypeEntity operator()(const binary::Variant& type) const {
        std::vector<NamedType> parts;
        for (const binary::Case& each : type.cases) parts.push_back({each.name, type_of(scope, each.type)});
        return planner.add_type(Kind::kVariant, std::move(parts));
      }
      TypeEntity operator()(const binary::List& type) const {
        return planner.add_type(Kind::kList, {{"", type_of(scope, type.element)}});
      }
      TypeEntity operator()(const binary::Tuple& type) const {
        std::vector<NamedType> parts;
        for (const binary::ValueType& each : type.types) parts.push_back({"", type_of(scope, each)});
        return planner.add_type(Kind::kTuple, std::move(parts));
      }
      TypeEntity operator()(const binary::Flags& type) const {
        return planner.add_type(Kind::kFlags, names(type.names));
      }
      TypeEntity operator()(const binary::Enum& type) const { return planner.add_type(Kind::kEnum, names(type.names)); }
      TypeEntity operator()(const binary::Option& type) const {
        return planner.add_type(Kind::kOption, {{"none", std::nullopt}, {"some", type_of(scope, type.type)}});
      }
      TypeEntity operator()(const binary::ResultType& type) const {
        return planner.add_type(Kind::kResult, {{"ok", type_of(scope, type.ok)}, {"err", type_of(scope, type.error)}});
      }
      TypeEntity operator()(const binary::Own& type) const {
        return Type{Kind::kOwn, resource_of(scope, type.resource)};
      }
      TypeEntity operator()(const binary::Borrow& type) const {
        return Type{Kind::kBorrow, resource_of(scope, type.resource)};
      }
      TypeEntity operator()(const binary::FunctionType& type) const {
        return std::make_shared<const FunctionType>(
            FunctionType{fields(scope, type.parameters), type_of(scope, type.result)});
      }
      TypeEntity operator()(const binary::ResourceType& type) const {
        ResourceType resource;
        resource.implementer = scope.instance;
        if (type.destructor)
          resource.destructor = planner.core_export(scope, binary::Sort::kCoreFunction, *type.destructor);
        return ResourceEntity{planner.new_resource(std::move(resource))};
      }
      TypeEntity operator()(const std::unique_ptr<binary::ComponentType>&) const { return OtherType{}; }
      TypeEntity operator()(const std::unique_ptr<binary::InstanceType>& type) const {
        return InstanceTypeIn{type.get(), &scope};
      }
    };
    TypeEntity entity = std::visit(Visitor{*this, scope}, definition);
    scope.types.push_back(std::move(entity));
  }

  // --- Functions ---

  PlanOptions options_of(Scope& scope, const binary::CanonicalOptions& options) {
    PlanOptions result;
    result.encoding = options.encoding;
    if (options.memory) result.memory = core_export(scope, binary::Sort::kCoreMemory, *options.memory);
    if (options.realloc) result.realloc = core_export(scope, binary::Sort::kCoreFunction, *options.realloc);
    if (options.post_return) result.post_return = core_export(scope, binary::Sort::kCoreFunction, *options.post_return);
    return result;
  }

  void define_canonical(Scope& scope, const binary::Lift& lift) {
    const TypeEntity& type = at(scope.types, lift.type, "type");
    const auto* const function_type = std::get_if<FunctionTypePointer>(&type);
    if (function_type == nullptr) refuse(ErrorCode::kInvalid, "what is lifted has no function's type");
    Lifted lifted;
    lifted.type = *function_type;
    lifted.callee = core_export(scope, binary::Sort::kCoreFunction, lift.core_function);
    lifted.options = options_of(scope, lift.options);
    lifted.instance = scope.instance;
    const auto index = static_cast<std::uint32_t>(plan_.lifted.size());  // at most as many as there are steps
    scope.functions.push_back({{true, index}, lifted.type});
    plan_.lifted.push_back(std::move(lifted));
  }

  void define_canonical(Scope& scope, const binary::Lower& lower) {
    const FunctionEntity& function = at(scope.functions, lower.function, "function");
    add_core_function(scope, Lowered{function.source, function.type, options_of(scope, lower.options), scope.instance});
  }

  void define_canonical(Scope& scope, const binary::ResourceNew& builtin) {
    add_builtin(scope, ResourceBuiltin::Kind::kNew, builtin.resource);
  }
  void define_canonical(Scope& scope, const binary::ResourceDrop& builtin) {
    add_builtin(scope, ResourceBuiltin::Kind::kDrop, builtin.resource);
  }
  void define_canonical(Scope& scope, const binary::ResourceRepresentation& builtin) {
    add_builtin(scope, ResourceBuiltin::Kind::kRepresentation, builtin.resource);
  }

  void add_builtin(Scope& scope, ResourceBuiltin::Kind kind, std::uint32_t type) {
    const ResourceId resource = resource_of(scope, type);
    if (kind != ResourceBuiltin::Kind::kDrop && plan_.resources[resource].implementer != scope.instance)
      refuse(ErrorCode::kInvalid, "only the component that defines a resource makes it and looks into it");
    add_core_function(scope, ResourceBuiltin{kind, resource, scope.instance});
  }

  void add_core_function(Scope& scope, CoreFunction function) {
    scope.core_functions.emplace_back(static_cast<std::uint32_t>(plan_.core_functions.size()));
    plan_.core_functions.push_back(std::move(function));
  }

  // --- What the whole imports ---

  FunctionEntity host_function(const std::string& interface, const std::string& name, const TypeEntity& type) {
    const auto* const function_type = std::get_if<FunctionTypePointer>(&type);
    if (function_type == nullptr) refuse(ErrorCode::kInvalid, "a function's type was expected");
    const auto index = static_cast<std::uint32_t>(plan_.imported.size());  // at most as many as there are steps
    plan_.imported.push_back({interface, name, *function_type});
    return {{false, index}, *function_type};
  }

  TypeEntity bound_type(const Scope& scope, const binary::ExternalType& type, const std::string& interface,
                        const std::string& name) {
    if (const auto* const equal = std::get_if<binary::EqualType>(&type.bound))
      return at(scope.types, equal->type, "type");
    return ResourceEntity{new_resource({kHost, std::nullopt, interface, name})};
  }

  void import_from_host(Scope& scope, const binary::Import& import) {
    switch (import.type.sort) {
      case binary::Sort::kFunction:
        scope.functions.push_back(host_function("", import.name, at(scope.types, import.type.type, "type")));
        return;
      case binary::Sort::kType: {
        TypeEntity type = bound_type(scope, import.type, "", import.name);
        scope.types.push_back(std::move(type));
        return;
      }
      case binary::Sort::kInstance: {
        const TypeEntity& type = at(scope.types, import.type.type, "type");
        const auto* const instance = std::get_if<InstanceTypeIn>(&type);
        if (instance == nullptr) refuse(ErrorCode::kInvalid, "an instance's type was expected");
        InstanceEntity imported = import_interface(scope, import.name, *instance);
        scope.instances.push_back(std::move(imported));
        return;
      }
      default:
        refuse(ErrorCode::kUnsupported,
               fmt::format("it imports \"{}\", a component or core module; the host gives functions, resources and "
                           "interfaces",
                           wasm::printable_name(import.name)));
    }
  }

  /// An instance of which each function and resource is the host's.
  InstanceEntity import_interface(const Scope& at_scope, const std::string& interface, const InstanceTypeIn& type) {
    Scope& scope = new_scope(type.scope, at_scope.instance);
    Exports exports;
    for (const binary::Declaration& declaration : type.type->declarations) {
      step();
      if (const auto* const definition = std::get_if<binary::TypeDefinition>(&declaration)) {
        define_type(scope, *definition);
      } else if (const auto* const alias = std::get_if<binary::Alias>(&declaration)) {
        define_alias(scope, *alias);
      } else if (const auto* const exported = std::get_if<binary::ExportDeclaration>(&declaration)) {
        Entity entity = [&]() -> Entity {
          switch (exported->type.sort) {
            case binary::Sort::kFunction:
              return host_function(interface, exported->name, at(scope.types, exported->type.type, "type"));
            case binary::Sort::kType: return bound_type(scope, exported->type, interface, exported->name);
            default:
              refuse(ErrorCode::kUnsupported,
                     fmt::format("the interface \"{}\" has \"{}\", which is no function and no type",
                                 wasm::printable_name(interface), wasm::printable_name(exported->name)));
          }
        }();
        add(scope, entity);
        exports.insert_or_assign(exported->name, std::move(entity));
      } else if (std::holds_alternative<binary::Import>(declaration)) {
        refuse(ErrorCode::kInvalid, "the type of an instance has an import");
      }
    }
    return std::make_shared<const Exports>(std::move(exports));
  }

  Plan plan_;
  std::deque<Scope> scopes_;  // entities point to them
  std::map<const std::byte*, std::uint32_t> module_numbers_;
  std::map<std::uint32_t, CoreExport> exported_again_;  ///< by number in Plan::core_functions
  std::uint64_t steps_ = 0;
};

}  // namespace

anew::FunctionType core_type_of(const ResourceBuiltin& builtin) {
  using enum anew::ValueType;
  if (builtin.kind == ResourceBuiltin::Kind::kDrop) return {{kI32}, {}};
  return {{kI32}, {kI32}};
}

Result<Plan> make_plan(const binary::Component& component) {
  try {
    return Planner().plan(component);
  } catch (Refusal& refusal) {
    return std::unexpected(std::move(refusal.error));
  }
}

}  // namespace anew::component
