// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Lifted and lowered calls (CanonicalABI.md, canon_lift and canon_lower).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "component/linked.hpp"
#include "component/trap.hpp"
#include "os/try.hpp"
#include "runtime/library.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::component::detail {
namespace {

using anew::detail::Instance;

/// Each restore copies them.
constexpr std::size_t kMostKeptHandles = 4096;
constexpr const char* kCannotEnter = "cannot enter the component's instance: a call of it runs, or one trapped";
constexpr const char* kCannotLeave = "cannot leave the component's instance: it is called to allocate or clean up";

/// Calls a core function. @param slots  as many as it has parameters or results, whichever are more.
Result<void> call_core(StoreState& store, MemberFunction function, std::uint64_t* slots) {
  Instance& instance = *store.instances[function.member];
  const anew::detail::FunctionHandle handle = anew::detail::function_handle(*instance.linked, function.function);
  if (const std::uint32_t trap = anew::detail::invoke(instance, handle, slots); trap != 0)
    return std::unexpected(anew::detail::make_trap_error(instance, trap));
  return {};
}

class GuestAllocator final : public Allocator {
 public:
  GuestAllocator(StoreState& store, MemberFunction realloc) noexcept : store_(store), realloc_(realloc) {}

  Result<std::uint64_t> reallocate(std::uint32_t old, std::uint32_t old_size, std::uint32_t alignment,
                                   std::uint32_t size) override {
    std::array<std::uint64_t, 4> slots = {old, old_size, alignment, size};
    TRY(call_core(store_, realloc_, slots.data()));
    return static_cast<std::uint32_t>(slots[0]);
  }

 private:
  StoreState& store_;
  MemberFunction realloc_;
};

/// A side of a call with what it needs for as long as it takes.
class Border {
 public:
  Border(StoreState& store, const LinkedComponent& component, const LinkedOptions& options, std::uint32_t instance,
         InstanceStates& states)
      : side_{.types = &component.plan().types,
              .encoding = options.encoding,
              .handles = &states.instances[instance].handles,
              .instance = instance,
              .implementers = component.implementers,
              .scope = &scope_} {
    if (options.memory)
      side_.memory = MemoryView(store.instances[options.memory->member]->memory(options.memory->memory));
    if (options.realloc) side_.allocator = &allocator_.emplace(store, *options.realloc);
  }
  Border(const Border&) = delete;
  Border& operator=(const Border&) = delete;

  [[nodiscard]] Side& side() noexcept { return side_; }
  [[nodiscard]] CallScope& scope() noexcept { return scope_; }

 private:
  CallScope scope_;
  std::optional<GuestAllocator> allocator_;
  Side side_;
};

InstanceStates& states_of(StoreState& store) {
  auto* const found =
      anew::detail::value_of<InstanceStates>(store.host_states.find(anew::detail::kStateType<InstanceStates>));
  if (found == nullptr) throw std::logic_error("the store of a component has no instances of it");
  return *found;
}

Result<void> run_lowered(const LoweredFunction& function, std::byte* cell, std::span<std::uint64_t> slots) {
  StoreState& store = *anew::detail::instance_of(cell).store;
  InstanceStates& states = states_of(store);
  InstanceState& mine = states.instances[function.instance];
  if (!mine.may_leave) return trap(kCannotLeave);
  Border border(store, *function.component, function.options, function.instance, states);
  auto arguments = TRY(lift_parameters(border.side(), *function.type, slots.first(function.parameters)));
  // Nobody calls into this instance meanwhile. After a trap nobody does either.
  const bool may_enter = std::exchange(mine.may_enter, false);
  Value result;
  if (const auto* const host = std::get_if<const HostFunction*>(&function.target)) {
    Caller caller(anew::detail::MakesCallers::of(cell), &function);
    auto returned = (*host)->function(caller, std::move(arguments));
    if (!returned) {
      Error error = std::move(returned.error());
      error.message = fmt::format("{}: {}", (*host)->name, error.message);
      return std::unexpected(std::move(error));
    }
    result = *std::move(returned);
  } else {
    result = TRY(call_lifted(store, *std::get<const ExportedFunction*>(function.target), arguments));
  }
  mine.may_enter = may_enter;
  TRY(end_scope(border.scope()));
  mine.may_leave = false;
  TRY(lower_result(border.side(), *function.type, result, slots));
  mine.may_leave = true;
  return {};
}

Result<void> run_builtin(const LinkedBuiltin& linked, std::byte* cell, std::uint64_t* slots) {
  const ResourceBuiltin& builtin = linked.builtin;
  StoreState& store = *anew::detail::instance_of(cell).store;
  InstanceStates& states = states_of(store);
  InstanceState& mine = states.instances[builtin.instance];
  const auto argument = static_cast<std::uint32_t>(slots[0]);
  if (builtin.kind == ResourceBuiltin::Kind::kRepresentation) {
    slots[0] = TRY(mine.handles.representation(builtin.resource, argument));
    return {};
  }
  if (!mine.may_leave) return trap(kCannotLeave);
  if (builtin.kind == ResourceBuiltin::Kind::kNew) {
    slots[0] = TRY(mine.handles.add_own(builtin.resource, argument));
    return {};
  }
  const auto owned = TRY(mine.handles.drop(builtin.resource, argument));
  if (!owned) return {};
  const LinkedResource& resource = linked.component->resources[builtin.resource];
  const std::uint32_t implementer = linked.component->implementers[builtin.resource];
  if (implementer == kHost) {
    if (!resource.dropped) return {};
    Caller caller(anew::detail::MakesCallers::of(cell), nullptr);
    return resource.dropped(caller, *owned);
  }
  return destroy(store, *linked.component, builtin.resource, *owned, builtin.instance);
}

/// For host functions: what a call of one returns.
template <typename Run>
std::uint32_t as_host_function(Run&& run) noexcept {
  try {
    auto result = run();
    if (!result) return anew::detail::raise_host_error(std::move(result.error()));
    return 0;
  } catch (...) {
    return anew::detail::raise_host_exception();
  }
}

}  // namespace

Result<InstanceStates> InstanceStates::kept(const LinkedComponent& component) const {
  std::size_t handles = 0;  // at most HandleTable::kMost of each instance
  for (const InstanceState& each : instances) {
    if (!each.may_enter || !each.may_leave)
      return fail(ErrorCode::kTrap, "an instance of the component trapped before the snapshot was taken");
    handles += each.handles.size();
  }
  if (handles > kMostKeptHandles) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("what runs before the snapshot had {} handles of resources, and each restore would have to "
                            "make them again: {} are allowed",
                            handles, kMostKeptHandles));
  }
  InstanceStates result(instances.size());
  for (std::size_t i = 0; i < instances.size(); ++i) {
    result.instances[i].handles = instances[i].handles;
    result.instances[i].handles.forget_hosts(component.implementers);
  }
  return result;
}

std::uint32_t call_lowered(void* environment, std::byte* cell, std::uint64_t* slots) {
  // link() gave the environment, of this very type.
  const auto& function = *static_cast<const LoweredFunction*>(environment);
  return as_host_function(
      [&] { return run_lowered(function, cell, std::span(slots, std::max(function.parameters, function.results))); });
}

std::uint32_t call_builtin(void* environment, std::byte* cell, std::uint64_t* slots) {
  const auto& builtin = *static_cast<const LinkedBuiltin*>(environment);  // as above
  return as_host_function([&] { return run_builtin(builtin, cell, slots); });
}

Result<Value> call_lifted(StoreState& store, const ExportedFunction& function, std::span<const Value> arguments) {
  InstanceStates& states = states_of(store);
  InstanceState& mine = states.instances[function.instance];
  if (!mine.may_enter) return trap(kCannotEnter);
  Border border(store, *function.component, function.options, function.instance, states);
  std::array<std::uint64_t, kMostSlots> slots = {};
  mine.may_leave = false;
  auto lowered =
      lower_parameters(border.side(), *function.type, arguments, std::span(slots).first(function.parameters));
  mine.may_leave = true;
  if (!lowered) {
    // Arguments of other types are the caller's fault, and no trap: nothing was called, unless to allocate.
    if (lowered.error().code == ErrorCode::kTrap) mine.may_enter = false;
    return std::unexpected(std::move(lowered.error()));
  }
  mine.may_enter = false;  // and so after a trap
  TRY(call_core(store, function.callee, slots.data()));
  auto result = TRY(lift_result(border.side(), *function.type, std::span(slots).first(function.results)));
  if (function.options.post_return) {
    mine.may_leave = false;
    TRY(call_core(store, *function.options.post_return, slots.data()));
    mine.may_leave = true;
  }
  TRY(end_scope(border.scope()));
  mine.may_enter = true;
  return result;
}

Result<void> destroy(StoreState& store, const LinkedComponent& component, ResourceId resource,
                     std::uint32_t representation, std::uint32_t dropped_by) {
  const std::uint32_t implementer = component.implementers[resource];
  // An instance may drop what is its own while it is entered; for all others it must be free to be called.
  if (implementer != dropped_by && !states_of(store).instances[implementer].may_enter) return trap(kCannotEnter);
  const std::optional<MemberFunction>& destructor = component.resources[resource].destructor;
  if (!destructor) return {};
  std::uint64_t slots[1] = {representation};
  return call_core(store, *destructor, slots);
}

}  // namespace anew::component::detail
