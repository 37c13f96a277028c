// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/static_types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "component/checks.hpp"
#include "component/limits.hpp"
#include "os/try.hpp"

namespace anew::component {
namespace {

using binary::Sort;

constexpr std::string_view name_of(Form form) {
  switch (form) {
    case Form::kValue: return "a value type";
    case Form::kFunction: return "a function type";
    case Form::kResource: return "a resource";
    case Form::kInstance: return "an instance type";
    default: return "a component type";
  }
}

std::string_view name_of(Sort sort) {
  switch (sort) {
    case Sort::kCoreModule: return "a core module";
    case Sort::kFunction: return "a function";
    case Sort::kType: return "a type";
    case Sort::kComponent: return "a component";
    default: return "an instance";
  }
}

/// What they cost to make or look at.
std::uint64_t steps(const std::vector<std::string_view>& names, const std::vector<TypeId>& parts) {
  constexpr std::uint64_t kBytesOfStep = 16;
  std::uint64_t all = 1 + names.size() + parts.size();
  for (const std::string_view name : names) all += name.size() / kBytesOfStep;
  return all;
}

/// Names of the cases, as the ABI's types have them (types.hpp).
std::vector<std::string_view> names_of_cases(Kind kind) {
  if (kind == Kind::kOption) return {"none", "some"};
  if (kind == Kind::kResult) return {"ok", "err"};
  return {};
}

}  // namespace

bool Interface::add(std::string_view name, Entity entity) {
  if (!index_->emplace(name, entries_.size()).second) return false;
  entries_.push_back({name, entity});
  return true;
}

Interface Interface::with(std::vector<Entry> entries) const {
  Interface other = *this;  // and its index
  other.entries_ = std::move(entries);
  return other;
}

StaticTypes::StaticTypes(Effort& effort, CoreTypes& core) : effort_(&effort), core_(&core) {
  for (std::uint8_t k = 0; k <= static_cast<std::uint8_t>(Kind::kString); ++k) {
    const auto kind = static_cast<Kind>(k);  // one of the first enumerators
    shapes_.push_back(std::make_shared<const Shape>(Shape{.value = {kind, 0}, .has_pointer = kind == Kind::kString}));
  }
}

Result<TypeId> StaticTypes::add(Shape shape) {
  if (shape.depth > limits::kNesting)
    return fail(ErrorCode::kLimit, fmt::format("types are nested more than {} deep", limits::kNesting));
  shapes_.push_back(std::make_shared<const Shape>(std::move(shape)));
  return static_cast<TypeId>(shapes_.size() - 1);  // limits::kSteps at most
}

TypeId StaticTypes::renamed(TypeId type) {
  shapes_.push_back(shapes_[type]);
  return static_cast<TypeId>(shapes_.size() - 1);  // limits::kSteps at most
}

TypeId StaticTypes::add_resource() { return add_resource(next_resource_++); }
TypeId StaticTypes::add_resource(ResourceId resource) {
  shapes_.push_back(std::make_shared<const Shape>(Shape{.form = Form::kResource, .resource = resource}));
  return static_cast<TypeId>(shapes_.size() - 1);  // limits::kSteps at most
}

Result<TypeId> StaticTypes::add_value(Kind kind, std::vector<std::string_view> names, std::vector<TypeId> parts) {
  TRY(effort_->take(steps(names, parts)));
  Shape shape = {.form = Form::kValue, .names = std::move(names), .parts = std::move(parts)};
  for (const TypeId part : shape.parts) {
    if (part == kNoType) continue;
    shape.depth = std::max(shape.depth, shapes_[part]->depth + 1);
    shape.has_borrow |= shapes_[part]->has_borrow;
    shape.has_pointer |= shapes_[part]->has_pointer;
  }
  if (kind == Kind::kOwn || kind == Kind::kBorrow) {
    shape.value = {kind, shapes_[shape.parts[0]]->resource};
    shape.has_borrow = kind == Kind::kBorrow;
    return add(std::move(shape));
  }
  if (kind == Kind::kList) shape.has_pointer = true;
  std::vector<NamedType> named;
  const std::vector<std::string_view> cases = names_of_cases(kind);
  const std::vector<std::string_view>& labels = cases.empty() ? shape.names : cases;
  const std::size_t count = std::max(labels.size(), shape.parts.size());
  named.reserve(count);
  for (std::size_t k = 0; k < count; ++k) {
    NamedType& part = named.emplace_back();
    if (k < labels.size()) part.name = labels[k];
    if (k < shape.parts.size() && shape.parts[k] != kNoType) part.type = shapes_[shape.parts[k]]->value;
  }
  shape.value = TRY(abi_.add(kind, std::move(named)));
  return add(std::move(shape));
}

Result<TypeId> StaticTypes::add_function(std::vector<std::string_view> names, std::vector<TypeId> parts) {
  TRY(effort_->take(steps(names, parts)));
  Shape shape = {.form = Form::kFunction, .names = std::move(names), .parts = std::move(parts)};
  for (const TypeId part : shape.parts)
    if (part != kNoType) shape.depth = std::max(shape.depth, shapes_[part]->depth + 1);
  return add(std::move(shape));
}

Result<std::uint32_t> StaticTypes::depth_above(const Interface& interface) {
  TRY(effort_->take(1 + interface.entries().size()));
  std::uint32_t depth = 1;
  for (const Interface::Entry& each : interface.entries())
    if (each.entity.sort != Sort::kCoreModule) depth = std::max(depth, shapes_[each.entity.type]->depth + 1);
  return depth;
}

Result<TypeId> StaticTypes::add_instance(Interface exports, std::vector<ResourceId> bound) {
  const std::uint32_t depth = TRY(depth_above(exports));
  std::ranges::sort(bound);
  return add({.form = Form::kInstance, .depth = depth, .exports = std::move(exports), .exported = std::move(bound)});
}

Result<TypeId> StaticTypes::add_component(Interface imports, std::vector<ResourceId> imported, Interface exports,
                                          std::vector<ResourceId> exported) {
  const std::uint32_t below = TRY(depth_above(imports));
  const std::uint32_t depth = TRY(depth_above(exports));
  std::ranges::sort(imported);
  std::ranges::sort(exported);
  return add({.form = Form::kComponent,
              .depth = std::max(below, depth),
              .imports = std::move(imports),
              .exports = std::move(exports),
              .imported = std::move(imported),
              .exported = std::move(exported)});
}

Result<TypeId> StaticTypes::instance_of(TypeId type, std::vector<ResourceId>& resources) {
  const std::shared_ptr<const Shape> shape = shapes_[type];  // shapes_ grows
  if (shape->exported.empty()) return type;
  Substitution given;
  for (const ResourceId each : shape->exported) {
    given.resources.emplace(each, next_resource_);
    resources.push_back(next_resource_++);
  }
  Interface exports = TRY(substitute(shape->exports, given));
  return add_instance(std::move(exports), {});
}

Result<TypeId> StaticTypes::instantiate(TypeId component, const std::unordered_map<std::string_view, Entity>& arguments,
                                        std::vector<ResourceId>& resources) {
  const std::shared_ptr<const Shape> shape = shapes_[component];  // shapes_ grows
  Substitution given = {.bound = &shape->imported};
  for (const Interface::Entry& import : shape->imports.entries()) {
    const auto argument = arguments.find(import.name);
    if (argument == arguments.end())
      return fail(ErrorCode::kInvalid, fmt::format("missing import named \"{}\" of the component", import.name));
    TRY(within(match(argument->second, import.entity, given),
               [&] { return fmt::format("type mismatch for import \"{}\"", import.name); }));
  }
  for (const ResourceId each : shape->exported) {
    given.resources.emplace(each, next_resource_);
    resources.push_back(next_resource_++);
  }
  Interface exports = TRY(substitute(shape->exports, given));
  return add_instance(std::move(exports), {});
}

Result<TypeId> StaticTypes::substitute(TypeId type, Substitution& given) {
  if (const auto found = given.types.find(type); found != given.types.end()) return found->second;
  const std::shared_ptr<const Shape> shape = shapes_[type];  // shapes_ grows
  TypeId other = type;
  switch (shape->form) {
    case Form::kResource: {
      TRY(effort_->take(1));
      const auto found = given.resources.find(shape->resource);
      if (found != given.resources.end()) other = add_resource(found->second);
      break;
    }
    case Form::kValue:
    case Form::kFunction: {
      TRY(effort_->take(1 + shape->parts.size()));
      std::vector<TypeId> parts = shape->parts;
      for (TypeId& part : parts)
        if (part != kNoType) part = TRY(substitute(part, given));
      if (parts == shape->parts) break;
      if (shape->form == Form::kFunction)
        other = TRY(add_function(shape->names, std::move(parts)));
      else
        other = TRY(add_value(shape->value.kind, shape->names, std::move(parts)));
      break;
    }
    case Form::kInstance: {
      Interface exports = TRY(substitute(shape->exports, given));
      other = TRY(add_instance(std::move(exports), shape->exported));
      break;
    }
    case Form::kComponent: {
      Interface imports = TRY(substitute(shape->imports, given));
      Interface exports = TRY(substitute(shape->exports, given));
      other = TRY(add_component(std::move(imports), shape->imported, std::move(exports), shape->exported));
      break;
    }
  }
  given.types.emplace(type, other);
  return other;
}

Result<Interface> StaticTypes::substitute(const Interface& interface, Substitution& given) {
  TRY(effort_->take(1 + interface.entries().size()));
  std::vector<Interface::Entry> entries = interface.entries();
  for (Interface::Entry& each : entries)
    if (each.entity.sort != Sort::kCoreModule) each.entity.type = TRY(substitute(each.entity.type, given));
  return interface.with(std::move(entries));
}

Result<void> StaticTypes::match(Entity actual, Entity expected, Substitution& given) {
  TRY(effort_->take(1));
  if (actual.sort != expected.sort) {
    return fail(ErrorCode::kInvalid,
                fmt::format("expected {}, found {}", name_of(expected.sort), name_of(actual.sort)));
  }
  if (actual.sort == Sort::kCoreModule) return core_->match_modules(actual.type, expected.type);
  TRY(match_types(actual.type, expected.type, given));
  // From here on the type that is given stands for the one that was expected, which has a name of its own.
  if (actual.sort == Sort::kType) given.types.insert_or_assign(expected.type, actual.type);
  return {};
}

Result<void> StaticTypes::match_types(TypeId actual, TypeId expected, Substitution& given) {
  const Form form = shapes_[expected]->form;
  if (shapes_[actual]->form != form) {
    return fail(ErrorCode::kInvalid,
                fmt::format("expected {}, found {}", name_of(form), name_of(shapes_[actual]->form)));
  }
  switch (form) {
    case Form::kResource: return match_resources(actual, expected, given);
    case Form::kValue: {
      const TypeId wanted = TRY(substitute(expected, given));
      if (shapes_[actual]->value == shapes_[wanted]->value) return {};
      return fail(ErrorCode::kInvalid, fmt::format("expected the type {}, found {}", abi_.text(shapes_[wanted]->value),
                                                   abi_.text(shapes_[actual]->value)));
    }
    case Form::kFunction: return match_functions(actual, expected, given);
    case Form::kInstance: {
      const std::shared_ptr<const Shape> shape = shapes_[actual];  // shapes_ grows
      const std::shared_ptr<const Shape> wanted = shapes_[expected];
      return match_interfaces(shape->exports, wanted->exports, "export", given);
    }
    default: {
      const TypeId wanted = TRY(substitute(expected, given));
      return match_components(actual, wanted);
    }
  }
}

Result<void> StaticTypes::match_resources(TypeId actual, TypeId expected, Substitution& given) {
  const ResourceId resource = shapes_[actual]->resource;
  ResourceId wanted = shapes_[expected]->resource;
  if (const auto found = given.resources.find(wanted); found != given.resources.end()) {
    wanted = found->second;
  } else if (given.bound != nullptr && std::ranges::binary_search(*given.bound, wanted)) {
    given.resources.emplace(wanted, resource);
    return {};
  }
  if (resource == wanted) return {};
  return fail(ErrorCode::kInvalid, "the resource types are not the same");
}

Result<void> StaticTypes::match_functions(TypeId actual, TypeId expected, Substitution& given) {
  const TypeId wanted_type = TRY(substitute(expected, given));
  const Shape& shape = *shapes_[actual];
  const Shape& wanted = *shapes_[wanted_type];
  TRY(effort_->take(steps(shape.names, shape.parts)));
  const bool is_same =
      shape.names == wanted.names && std::ranges::equal(shape.parts, wanted.parts, [&](TypeId part, TypeId other) {
        if (part == kNoType || other == kNoType) return part == other;
        return shapes_[part]->value == shapes_[other]->value;
      });
  if (is_same) return {};
  const FunctionType expected_function = TRY(function(wanted_type));
  const FunctionType actual_function = TRY(function(actual));
  return fail(ErrorCode::kInvalid,
              fmt::format("expected {}, found {}", abi_.text(expected_function), abi_.text(actual_function)));
}

Result<void> StaticTypes::match_interfaces(const Interface& actual, const Interface& expected, std::string_view what,
                                           Substitution& given) {
  for (const Interface::Entry& wanted : expected.entries()) {
    const Entity* const found = actual.find(wanted.name);
    if (found == nullptr) return fail(ErrorCode::kInvalid, fmt::format("missing {} named \"{}\"", what, wanted.name));
    TRY(within(match(*found, wanted.entity, given),
               [&] { return fmt::format("type mismatch in {} \"{}\"", what, wanted.name); }));
  }
  return {};
}

// What the expected component is given for its imports must do for the imports of the actual one; what that exports
// then must do for what is expected.
Result<void> StaticTypes::match_components(TypeId actual, TypeId expected) {
  const std::shared_ptr<const Shape> shape = shapes_[actual];  // shapes_ grows
  const std::shared_ptr<const Shape> wanted = shapes_[expected];
  Substitution imports = {.bound = &shape->imported};
  TRY(match_interfaces(wanted->imports, shape->imports, "import", imports));
  const Interface exports = TRY(substitute(shape->exports, imports));
  Substitution given = {.bound = &wanted->exported};
  return match_interfaces(exports, wanted->exports, "export", given);
}

struct StaticTypes::Walk {
  std::unordered_set<TypeId> seen;
  std::unordered_set<ResourceId> found;
  std::unordered_set<ResourceId> bound;

  // A bound resource stands nowhere but within the types that bind it.
  void close() {
    for (const ResourceId each : bound) found.erase(each);
  }
};

Result<void> StaticTypes::walk(TypeId type, Walk& walk) const {
  if (!walk.seen.insert(type).second) return {};
  const Shape& shape = *shapes_[type];
  TRY(effort_->take(1 + shape.parts.size()));
  if (shape.form == Form::kResource) walk.found.insert(shape.resource);
  for (const TypeId part : shape.parts)
    if (part != kNoType) TRY(this->walk(part, walk));
  TRY(this->walk(shape.imports, walk));
  TRY(this->walk(shape.exports, walk));
  walk.bound.insert(shape.imported.begin(), shape.imported.end());
  walk.bound.insert(shape.exported.begin(), shape.exported.end());
  return {};
}

Result<void> StaticTypes::walk(const Interface& interface, Walk& walk) const {
  TRY(effort_->take(interface.entries().size()));
  for (const Interface::Entry& each : interface.entries())
    if (each.entity.sort != Sort::kCoreModule) TRY(this->walk(each.entity.type, walk));
  return {};
}

Result<std::unordered_set<ResourceId>> StaticTypes::free_resources(const Interface& interface) {
  Walk walk;
  TRY(this->walk(interface, walk));
  walk.close();
  return std::move(walk.found);
}

Result<bool> StaticTypes::has_free_resources(TypeId type) {
  Walk walk;
  TRY(this->walk(type, walk));
  walk.close();
  return !walk.found.empty();
}

Result<FunctionType> StaticTypes::function(TypeId type) const {
  const Shape& shape = *shapes_[type];
  TRY(effort_->take(steps(shape.names, shape.parts)));
  FunctionType function;
  function.parameters.reserve(shape.names.size());
  for (std::size_t k = 0; k < shape.names.size(); ++k)
    function.parameters.push_back({std::string(shape.names[k]), shapes_[shape.parts[k]]->value});
  if (shape.parts.back() != kNoType) function.result = shapes_[shape.parts.back()]->value;
  return function;
}

}  // namespace anew::component
