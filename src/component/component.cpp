// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <algorithm>
#include <anew/component/component.hpp>

#include "abi/cell.hpp"
#include "artifact/saved_snapshot.hpp"
#include "component/decoder.hpp"
#include "component/linked.hpp"
#include "component/validator.hpp"
#include "os/file.hpp"
#include "os/try.hpp"
#include "pool/pool_state.hpp"
#include "reset/snapshot.hpp"
#include "runtime/near_match.hpp"
#include "runtime/without_exceptions.hpp"
#include "wasm/limits.hpp"
#include "wasm/printable.hpp"

namespace anew::component {

namespace detail {

namespace {

/// All core modules, those of nested components too, in the order of their bytes.
void collect_modules(const binary::Component& component, std::vector<std::span<const std::byte>>& modules) {
  for (const binary::Definition& definition : component.definitions) {
    if (const auto* const module = std::get_if<binary::CoreModule>(&definition)) modules.push_back(module->bytes);
    if (const auto* const nested = std::get_if<std::unique_ptr<binary::Component>>(&definition))
      collect_modules(**nested, modules);
  }
}

/// The smallest module: the main instance of a component that has none of its own.
constexpr unsigned char kEmptyModule[] = {0, 'a', 's', 'm', 1, 0, 0, 0};

/// A component's calls take microseconds, and often those of a language's engine, which writes a little in many places:
/// fewer bytes to copy back are worth more cards to look at. scripts/bench-serve prints how many.
CompileOptions with_small_cards(CompileOptions options) {
  if (options.card_bytes == 0) options.card_bytes = 1u << abi::kMinimumCardShift;
  return options;
}

Result<std::shared_ptr<const ComponentState>> compile(const Engine& engine, std::span<const std::byte> binary,
                                                      const CompileOptions& given,
                                                      std::shared_ptr<const artifact::SavedSnapshot> saved = nullptr) {
  const CompileOptions options = with_small_cards(given);
  if (!is_component(binary))
    return fail(ErrorCode::kMalformed, "the bytes do not begin as a component's: a core module is for Engine::compile");
  auto state = std::make_shared<ComponentState>();
  state->saved = std::move(saved);
  state->binary.assign(binary.begin(), binary.end());
  const auto decoded = TRY(decode(state->binary));
  std::vector<std::span<const std::byte>> spans;
  collect_modules(*decoded, spans);
  std::vector<Module> modules;
  std::vector<const wasm::Module*> decoded_modules;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    auto module = engine.compile(spans[i], options);
    if (!module) {
      Error error = std::move(module.error());
      error.message = fmt::format("core module {}: {}", i, error.message);
      return std::unexpected(std::move(error));
    }
    decoded_modules.push_back(&module->state()->module);
    modules.push_back(*std::move(module));
  }
  TRY(validate(*decoded, decoded_modules));
  auto plan = TRY(make_plan(*decoded));
  for (const std::span<const std::byte> module : plan.modules) {
    const auto found = std::ranges::find_if(spans, [&](const auto& each) { return each.data() == module.data(); });
    if (found == spans.end())
      state->modules.push_back(TRY(engine.compile(module, options)));
    else
      state->modules.push_back(modules[static_cast<std::size_t>(found - spans.begin())]);
  }
  if (plan.members.empty()) {
    auto module = TRY(engine.compile(std::as_bytes(std::span(kEmptyModule)), options));
    plan.members.push_back({static_cast<std::uint32_t>(state->modules.size()), {}});
    state->modules.push_back(std::move(module));
  }
  state->plan = std::move(plan);
  return std::shared_ptr<const ComponentState>(std::move(state));
}

std::string full_name(const std::string& interface, const std::string& name) {
  return interface.empty() ? name : fmt::format("{}#{}", interface, name);
}

/// An export by its name: with its version, or without one whatever version it has.
const FunctionSource* find_export(const Plan& plan, std::string_view name) {
  const auto exact = plan.exports.find(name);
  if (exact != plan.exports.end()) return &exact->second;
  const std::size_t hash = name.find('#');
  if (hash == std::string_view::npos) return nullptr;
  const std::string_view interface = name.substr(0, hash);
  for (const auto& [exported, source] : plan.exports) {
    const std::size_t at = exported.find('#');
    if (at == std::string::npos || std::string_view(exported).substr(at) != name.substr(hash)) continue;
    const std::string_view its = std::string_view(exported).substr(0, at);
    if (unversioned_name(its) == interface || compatible_name(its) == compatible_name(interface)) return &source;
  }
  return nullptr;
}

Result<const ExportedFunction*> find_function(const LinkedComponent& linked, std::string_view name) {
  const Plan& plan = linked.plan();
  const FunctionSource* const source = find_export(plan, name);
  if (source == nullptr) {
    std::vector<std::string_view> names;
    for (const auto& [exported, its] : plan.exports) names.push_back(exported);
    return fail(ErrorCode::kNotFound, fmt::format("the component exports no function \"{}\"{}",
                                                  wasm::printable_name(name), anew::detail::near_matches(name, names)));
  }
  if (!source->is_lifted) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("\"{}\" is an import that the component exports again", wasm::printable_name(name)));
  }
  return &linked.lifted[source->index];
}

/// Calls the functions of the prelude.
Result<void> run_prelude(StoreState& store, const LinkedComponent& linked, const std::vector<std::string>& prelude) {
  for (const std::string& name : prelude) {
    const auto* const function = TRY(find_function(linked, name));
    if (!function->type->parameters.empty()) {
      return fail(ErrorCode::kArgument,
                  fmt::format("the prelude \"{}\" is {}, and must take no parameters", wasm::printable_name(name),
                              linked.plan().types.text(*function->type)));
    }
    auto called = call_lifted(store, *function, {});
    if (!called) {
      Error error = std::move(called.error());
      error.message = fmt::format("the prelude \"{}\": {}", wasm::printable_name(name), error.message);
      return std::unexpected(std::move(error));
    }
  }
  return {};
}

/// What the instances of a component begin with, known once the snapshot is taken.
class Beginning {
 public:
  explicit Beginning(std::size_t instances) : states_(instances) {}
  [[nodiscard]] const InstanceStates& states() const noexcept { return states_; }
  /// What a file says.
  Result<void> set(const artifact::SavedSnapshot& saved, const LinkedComponent& linked) {
    if (saved.handles.size() != states_.instances.size()) return misfit();
    for (std::size_t i = 0; i < saved.handles.size(); ++i) {
      auto handles = HandleTable::from_numbers(saved.handles[i], linked.implementers);
      if (!handles) return misfit();
      states_.instances[i].handles = *std::move(handles);
    }
    // As many as could have been kept.
    states_ = TRY(states_.kept(linked));
    is_set_ = true;
    return {};
  }
  /// Of the first store that is made: all others are to be like it.
  Result<void> set(const StoreState& store, const LinkedComponent& linked) {
    if (is_set_) return {};
    const auto* const states =
        anew::detail::value_of<InstanceStates>(store.host_states.find(anew::detail::kStateType<InstanceStates>));
    states_ = TRY(states->kept(linked));
    is_set_ = true;
    return {};
  }

 private:
  static std::unexpected<Error> misfit() {
    return fail(ErrorCode::kArtifact,
                "the snapshot does not fit its component: its handles; take it again with `anew snapshot`");
  }

  InstanceStates states_;
  bool is_set_ = false;  ///< by the thread that makes the pool, before others have it
};

Result<std::shared_ptr<const PoolState>> make_pool(const Component& component, const Linker& linker,
                                                   PoolOptions options, WarmUp warm_up) {
  auto state = std::make_shared<PoolState>();
  state->linked = TRY(link(component.state(), *linker.state()));
  anew::Linker core;
  *core.state() = *linker.state()->core.state();
  anew::detail::LinkerState& group = *core.state();
  group.group = TRY(make_group(state->linked));
  const auto beginning = std::make_shared<Beginning>(state->linked->plan().instances);
  core.define_state<InstanceStates>([beginning] { return beginning->states(); },
                                    [beginning](InstanceStates& states) { states = beginning->states(); });
  // Lowered calls look for it first.
  std::rotate(group.states.begin(), group.states.end() - 1, group.states.end());
  if (const auto& saved = state->linked->component->saved) {
    if (!options.snapshot.prelude.empty() || warm_up) {
      return fail(
          ErrorCode::kArgument,
          "the component comes from a snapshot file, whose state is what it is: give the prelude and what warms "
          "it up when the snapshot is taken");
    }
    TRY(beginning->set(*saved, *state->linked));
    group.saved_group = saved;
  }
  group.initialize_group = [linked = state->linked, beginning, prelude = std::exchange(options.snapshot.prelude, {}),
                            warm_up = std::move(warm_up)](StoreState& store) -> Result<void> {
    TRY(run_prelude(store, *linked, prelude));
    if (warm_up) {
      Lease lease(anew::Lease(nullptr, &store.main()), std::make_shared<PoolState>(PoolState{linked, std::nullopt}));
      TRY(warm_up(lease));
    }
    return beginning->set(store, *linked);
  };
  if (options.snapshot.extra_memory_pages != 0)
    return fail(ErrorCode::kArgument, "extra memory pages are for core modules, not for components");
  const Module main(group.group.back().module);
  state->core = TRY(anew::Pool::create(main, core, std::move(options)));
  state->beginning = beginning->states();
  return std::shared_ptr<const PoolState>(std::move(state));
}

Result<void> save_snapshot(const PoolState& pool, const std::filesystem::path& path) {
  auto saved = TRY(reset::to_saved(pool.core->state()->snapshot()));
  saved.component = pool.linked->component->binary;
  for (const InstanceState& each : pool.beginning.instances) saved.handles.push_back(each.handles.to_numbers());
  const std::vector<std::byte> bytes = artifact::encode(saved);
  const BytesView pieces[] = {bytes};
  return os::write_file(path, pieces, 0644);
}

}  // namespace
}  // namespace detail

// --- Component ---

Result<Component> Component::compile(const Engine& engine, std::span<const std::byte> binary,
                                     const CompileOptions& options) {
  return anew::detail::without_exceptions("a component is compiled", [&]() -> Result<Component> {
    return Component(TRY(detail::compile(engine, binary, options)));
  });
}

Result<Component> Component::load(const Engine& engine, const std::filesystem::path& file,
                                  const CompileOptions& options) {
  return anew::detail::without_exceptions("a component is loaded", [&]() -> Result<Component> {
    auto opened = TRY(os::File::open(file, os::File::Links::kFollow));
    auto bytes = TRY(opened.read(artifact::kSnapshotBeginning));
    if (!artifact::has_snapshot_magic(bytes)) {
      TRY(opened.read_rest(bytes, wasm::limits::kModuleBytes));
      return Component(TRY(detail::compile(engine, bytes, options)));
    }
    TRY(opened.read_rest(bytes, artifact::kMaximumSavedBytes));
    auto saved =
        std::make_shared<artifact::SavedSnapshot>(TRY(artifact::decode_saved(std::move(bytes), file.string())));
    if (!saved->is_component()) {
      return fail(ErrorCode::kArgument, fmt::format("{} is the snapshot of a module, and of no component: it is for "
                                                    "Engine::load",
                                                    file.string()));
    }
    if (saved->component.size() > wasm::limits::kModuleBytes)
      return fail(ErrorCode::kLimit, fmt::format("the component in {} is too large", file.string()));
    return Component(TRY(detail::compile(engine, saved->component, options, saved)));
  });
}

std::vector<Description> Component::imports() const {
  std::vector<Description> descriptions;
  for (const ResourceType& each : state_->plan.resources)
    if (each.implementer == kHost) descriptions.push_back({detail::full_name(each.interface, each.name), "resource"});
  for (const Imported& each : state_->plan.imported)
    descriptions.push_back({detail::full_name(each.interface, each.name), state_->plan.types.text(*each.type)});
  return descriptions;
}

std::vector<Description> Component::exports() const {
  const Plan& plan = state_->plan;
  std::vector<Description> descriptions;
  for (const auto& [name, source] : plan.exports) {
    const FunctionType& type = source.is_lifted ? *plan.lifted[source.index].type : *plan.imported[source.index].type;
    descriptions.push_back({name, plan.types.text(type)});
  }
  return descriptions;
}

// --- Function ---

std::string Function::type() const { return function_->component->plan().types.text(*function_->type); }

// --- Lease ---

Result<Value> Lease::call(const Function& function, std::span<const Value> arguments) {
  return anew::detail::without_exceptions("a function is called", [&]() -> Result<Value> {
    if (core_.instance() == nullptr) return std::unexpected(anew::detail::empty_lease());
    if (function.get()->component != pool_->linked.get())
      return fail(ErrorCode::kArgument, "the function is of another pool than the lease");
    return detail::call_lifted(*core_.instance()->store, *function.get(), arguments);
  });
}

Result<Value> Lease::call(std::string_view export_name, std::span<const Value> arguments) {
  return anew::detail::without_exceptions("a function is called", [&]() -> Result<Value> {
    const auto* const function = TRY(detail::find_function(*pool_->linked, export_name));
    return call(Function(function), arguments);
  });
}

Result<Function> Lease::function(std::string_view name) const {
  return anew::detail::without_exceptions("a function is looked up", [&]() -> Result<Function> {
    return Function(TRY(detail::find_function(*pool_->linked, name)));
  });
}

Result<void> Lease::drop(const Resource& resource) {
  return anew::detail::without_exceptions("a resource is dropped", [&]() -> Result<void> {
    if (core_.instance() == nullptr) return std::unexpected(anew::detail::empty_lease());
    const detail::LinkedComponent& linked = *pool_->linked;
    if (!resource.is_owned || resource.type >= linked.resources.size() || linked.implementers[resource.type] == kHost)
      return fail(ErrorCode::kArgument, "what is to be dropped is no owned resource of the component's");
    return detail::destroy(*core_.instance()->store, linked, resource.type, resource.representation, kHost);
  });
}

// --- Pool ---

Result<Pool> Pool::create(const Component& component, const Linker& linker, PoolOptions options, WarmUp warm_up) {
  return anew::detail::without_exceptions("a pool is made", [&]() -> Result<Pool> {
    return Pool(TRY(detail::make_pool(component, linker, std::move(options), std::move(warm_up))));
  });
}

Result<Lease> Pool::acquire() const {
  auto lease = state_->core->acquire();
  if (!lease) return std::unexpected(std::move(lease.error()));
  return Lease(*std::move(lease), state_);
}

Result<Lease> Pool::acquire_until(std::chrono::steady_clock::time_point deadline) const {
  auto lease = state_->core->acquire_until(deadline);
  if (!lease) return std::unexpected(std::move(lease.error()));
  return Lease(*std::move(lease), state_);
}

Result<Lease> Pool::instantiate() const {
  auto lease = state_->core->instantiate();
  if (!lease) return std::unexpected(std::move(lease.error()));
  return Lease(*std::move(lease), state_);
}

Result<Function> Pool::function(std::string_view name) const {
  return anew::detail::without_exceptions("a function is looked up", [&]() -> Result<Function> {
    return Function(TRY(detail::find_function(*state_->linked, name)));
  });
}

Result<void> Pool::save_snapshot(const std::filesystem::path& path) const {
  return anew::detail::without_exceptions("a snapshot is written",
                                          [&] { return detail::save_snapshot(*state_, path); });
}

const anew::Pool& Pool::core() const noexcept { return *state_->core; }

}  // namespace anew::component
