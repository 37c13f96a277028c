// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "component/linked.hpp"
#include "os/try.hpp"
#include "runtime/near_match.hpp"
#include "wasm/printable.hpp"

namespace anew::component {
namespace detail {
namespace {

/// A message names this many imports.
constexpr std::size_t kShownProblems = 100;

std::string host_key(std::string_view interface, std::string_view name) {
  return fmt::format("{}#{}", compatible_name(interface), name);
}

std::string shown(std::string_view interface, std::string_view name) {
  return interface.empty() ? wasm::printable_name(name)
                           : fmt::format("{}#{}", wasm::printable_name(interface), wasm::printable_name(name));
}

class ComponentLinking {
 public:
  ComponentLinking(std::shared_ptr<const ComponentState> component, const LinkerState& linker)
      : component_(*component), linker_(linker), linked_(std::make_shared<LinkedComponent>()) {
    linked_->component = std::move(component);
  }

  Result<std::shared_ptr<const LinkedComponent>> run() {
    const Plan& plan = component_.plan;
    linked_->imported.reserve(plan.imported.size());
    linked_->lifted.reserve(plan.lifted.size());
    linked_->core_functions.reserve(plan.core_functions.size());
    for (const Imported& each : plan.imported) import(each);
    for (const ResourceType& each : plan.resources) TRY(add_resource(each));
    if (!problems_.empty()) {
      return fail(ErrorCode::kLink,
                  fmt::format("{} of the component's imports cannot be linked:\n  {}{}", problems_in_all_,
                              fmt::join(problems_, "\n  "), problems_in_all_ > problems_.size() ? "\n  and more" : ""));
    }
    for (const Lifted& each : plan.lifted) TRY(add_lifted(each));
    for (const component::CoreFunction& each : plan.core_functions) TRY(add_core_function(each));
    return std::shared_ptr<const LinkedComponent>(linked_);
  }

 private:
  template <typename T>
  const T* find(const std::map<std::string, T, std::less<>>& defined, const std::string& interface,
                const std::string& name) const {
    auto found = defined.find(host_key(interface, name));
    if (found == defined.end()) found = defined.find(host_key(unversioned_name(interface), name));
    return found != defined.end() ? &found->second : nullptr;
  }

  void refuse(std::string problem) {
    ++problems_in_all_;
    if (problems_.size() < kShownProblems) problems_.push_back(std::move(problem));
  }

  std::string near(const std::string& interface, const std::string& name) const {
    std::vector<std::string_view> names;
    for (const auto& [key, function] : linker_.functions) names.push_back(key);
    return anew::detail::near_matches(host_key(interface, name), names);
  }

  void import(const Imported& each) {
    std::string name = shown(each.interface, each.name);
    if (const AnyHostFunction* const function = find(linker_.functions, each.interface, each.name)) {
      linked_->imported.push_back({std::move(name), *function});
    } else if (linker_.trap_unknown_functions) {
      linked_->imported.push_back({name, Linker::Function([](Caller&, Values) -> Result<Value> {
                                     return fail(ErrorCode::kHost, "not implemented");
                                   })});
    } else {
      refuse(fmt::format("{} ({}) is not defined{}", name, component_.plan.types.text(*each.type),
                         problems_.size() < kShownProblems ? near(each.interface, each.name) : ""));
    }
  }

  Result<void> add_resource(const ResourceType& each) {
    LinkedResource resource;
    linked_->implementers.push_back(each.implementer);
    if (each.implementer == kHost) {
      const auto* const dropped = find(linker_.resources, each.interface, each.name);
      if (dropped != nullptr)
        resource.dropped = *dropped;
      else if (!linker_.trap_unknown_functions)
        refuse(fmt::format("{} (resource) is not defined", shown(each.interface, each.name)));
    } else if (each.destructor) {
      resource.destructor =
          TRY(find_function(*each.destructor, {{anew::ValueType::kI32}, {}}, "the destructor of a resource"));
    }
    linked_->resources.push_back(std::move(resource));
    return {};
  }

  const anew::detail::ModuleState& module_of(std::uint32_t member) const {
    return *component_.modules[component_.plan.members[member].module].state();
  }

  Result<const wasm::Export*> find_export(const CoreExport& core, ExternalKind kind) const {
    const std::vector<wasm::Export>& exports = module_of(core.member).module.exports;
    const auto found = std::ranges::find_if(
        exports, [&](const wasm::Export& each) { return each.name == core.name && each.kind == kind; });
    if (found == exports.end()) {
      return fail(ErrorCode::kInvalid, fmt::format("core instance {} exports no {} \"{}\"", core.member,
                                                   to_string(kind), wasm::printable_name(core.name)));
    }
    return &*found;
  }

  /// The types are compared because slots are made and read by them.
  Result<MemberFunction> find_function(const CoreExport& core, const anew::FunctionType& type, const char* what) const {
    const auto* const exported = TRY(find_export(core, ExternalKind::kFunction));
    const wasm::Module& module = module_of(core.member).module;
    const anew::FunctionType& found = module.function_type(exported->index);
    if (found != type) {
      return fail(ErrorCode::kInvalid, fmt::format("{}, the core function \"{}\", is {}, and must be {}", what,
                                                   wasm::printable_name(core.name), to_string(found), to_string(type)));
    }
    return MemberFunction{core.member, exported->index};
  }

  Result<LinkedOptions> link_options(const PlanOptions& options, const std::vector<anew::ValueType>& results) const {
    using enum anew::ValueType;
    LinkedOptions linked;
    linked.encoding = options.encoding;
    if (options.memory) {
      const auto* const exported = TRY(find_export(*options.memory, ExternalKind::kMemory));
      if (module_of(options.memory->member).module.memories[exported->index].is_64)
        return fail(ErrorCode::kInvalid, "the memory of canonical options is a 64-bit one");
      linked.memory = MemberMemory{options.memory->member, exported->index};
    }
    if (options.realloc)
      linked.realloc = TRY(find_function(*options.realloc, {{kI32, kI32, kI32, kI32}, {kI32}}, "realloc"));
    if (options.post_return)
      linked.post_return = TRY(find_function(*options.post_return, {results, {}}, "post-return"));
    return linked;
  }

  Result<void> add_lifted(const Lifted& each) {
    const anew::FunctionType core = core_type_of_lift(component_.plan.types, *each.type);
    ExportedFunction function;
    function.component = linked_.get();
    function.type = each.type;
    function.callee = TRY(find_function(each.callee, core, "what is lifted"));
    function.options = TRY(link_options(each.options, core.results));
    function.instance = each.instance;
    function.parameters = core.parameters.size();
    function.results = core.results.size();
    linked_->lifted.push_back(std::move(function));
    return {};
  }

  Result<void> add_core_function(const component::CoreFunction& each) {
    if (const auto* const builtin = std::get_if<ResourceBuiltin>(&each)) {
      linked_->core_functions.emplace_back(LinkedBuiltin{linked_.get(), *builtin});
      return {};
    }
    const auto& lowered = std::get<Lowered>(each);
    const anew::FunctionType core = core_type_of_lower(component_.plan.types, *lowered.type);
    LoweredFunction function;
    function.component = linked_.get();
    function.type = lowered.type;
    if (lowered.function.is_lifted)
      function.target = &linked_->lifted[lowered.function.index];
    else
      function.target = &linked_->imported[lowered.function.index];
    function.options = TRY(link_options(lowered.options, {}));
    function.instance = lowered.instance;
    function.parameters = core.parameters.size();
    function.results = core.results.size();
    linked_->core_functions.emplace_back(std::move(function));
    return {};
  }

  const ComponentState& component_;
  const LinkerState& linker_;
  std::shared_ptr<LinkedComponent> linked_;
  std::vector<std::string> problems_;
  std::uint64_t problems_in_all_ = 0;
};

/// What a module imports under two names from a core instance.
const CoreItem* find_item(const Member& member, const wasm::Import& import, CoreItem& room) {
  const auto argument = member.arguments.find(import.module);
  if (argument == member.arguments.end()) return nullptr;
  if (const auto* const number = std::get_if<std::uint32_t>(&argument->second)) {
    room = CoreExport{*number, std::string(import.name)};
    return &room;
  }
  const CoreItems& items = *std::get<std::shared_ptr<const CoreItems>>(argument->second);
  const auto found = items.find(import.name);
  return found != items.end() ? &found->second : nullptr;
}

}  // namespace

std::string_view unversioned_name(std::string_view interface) noexcept {
  return interface.substr(0, interface.find('@'));
}

std::string compatible_name(std::string_view interface) {
  const std::size_t at = interface.find('@');
  if (at == std::string_view::npos) return std::string(interface);
  const std::string_view version = interface.substr(at + 1);
  // A version before a release is compatible with itself alone.
  if (version.find_first_of("-+") != std::string_view::npos) return std::string(interface);
  const std::size_t first = version.find('.');
  const std::size_t second = first == std::string_view::npos ? first : version.find('.', first + 1);
  if (second == std::string_view::npos) return std::string(interface);
  if (version.substr(0, first) != "0") return std::string(interface.substr(0, at + 1 + first));
  if (version.substr(first + 1, second - first - 1) != "0") return std::string(interface.substr(0, at + 1 + second));
  return std::string(interface);
}

Result<std::shared_ptr<const LinkedComponent>> link(std::shared_ptr<const ComponentState> component,
                                                    const LinkerState& linker) {
  return ComponentLinking(std::move(component), linker).run();
}

Result<std::vector<anew::detail::GroupMember>> make_group(const std::shared_ptr<const LinkedComponent>& linked) {
  const Plan& plan = linked->plan();
  std::vector<anew::detail::GroupMember> group;
  for (std::size_t i = 0; i < plan.members.size(); ++i) {
    const Member& member = plan.members[i];
    anew::detail::GroupMember& made = group.emplace_back();
    made.module = linked->component->modules[member.module].state();
    for (const wasm::Import& import : made.module->module.imports) {
      CoreItem room;
      const CoreItem* const item = find_item(member, import, room);
      if (item == nullptr) {
        return fail(ErrorCode::kInvalid,
                    fmt::format("core instance {} is not given \"{}\" \"{}\"", i, wasm::printable_name(import.module),
                                wasm::printable_name(import.name)));
      }
      if (const auto* const exported = std::get_if<CoreExport>(item)) {
        if (exported->member >= i) return fail(ErrorCode::kInvalid, "a core instance imports from a later one");
        made.imports.emplace_back(anew::detail::GroupMember::Export{exported->member, exported->name});
        continue;
      }
      const std::uint32_t number = std::get<std::uint32_t>(*item);
      const auto& function = linked->core_functions[number];
      anew::detail::HostDefinition definition;
      if (const auto* const lowered = std::get_if<LoweredFunction>(&function)) {
        definition.type = core_type_of_lower(plan.types, *lowered->type);
        definition.call = call_lowered;
        // Host functions' environments are not const; these are only read.
        definition.environment = {linked, const_cast<LoweredFunction*>(lowered)};
      } else {
        const auto& builtin = std::get<LinkedBuiltin>(function);
        definition.type = core_type_of(builtin.builtin);
        definition.call = call_builtin;
        definition.environment = {linked, const_cast<LinkedBuiltin*>(&builtin)};  // as above
      }
      made.imports.emplace_back(std::move(definition));
    }
  }
  return group;
}

}  // namespace detail

Linker::Linker() : state_(std::make_shared<detail::LinkerState>()) {}

void Linker::define(std::string_view interface, std::string_view function, Function host_function) {
  state_->functions.insert_or_assign(detail::host_key(interface, function), std::move(host_function));
}

void Linker::define_resource(std::string_view interface, std::string_view name,
                             std::function<Result<void>(Caller&, std::uint32_t)> drop) {
  state_->resources.insert_or_assign(detail::host_key(interface, name), std::move(drop));
}

void Linker::define_async(std::string_view interface, std::string_view function, AsyncFunction host_function) {
  state_->functions.insert_or_assign(detail::host_key(interface, function), std::move(host_function));
}

void Linker::define_waiting(std::string_view interface, std::string_view function, WaitingFunction host_function) {
  state_->functions.insert_or_assign(detail::host_key(interface, function), std::move(host_function));
}

void Linker::trap_unknown_functions() { state_->trap_unknown_functions = true; }

anew::Linker& Linker::core() noexcept { return state_->core; }

}  // namespace anew::component
