// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Lifted and lowered calls (CanonicalABI.md, canon_lift and canon_lower).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

#include "component/linked.hpp"
#include "component/trap.hpp"
#include "os/try.hpp"
#include "runtime/library.hpp"
#include "runtime/suspended_call.hpp"
#include "runtime/wait.hpp"
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

/// A call of a lowered function, from its arguments to its result.
class LoweredCall {
 public:
  LoweredCall(StoreState& store, const LoweredFunction& function)
      : function_(function),
        mine_(states_of(store).instances[function.instance]),
        border_(store, *function.component, function.options, function.instance, states_of(store)) {}

  Result<Values> begin(std::span<const std::uint64_t> slots) {
    if (!mine_.may_leave) return trap(kCannotLeave);
    auto arguments = TRY(lift_parameters(border_.side(), *function_.type, slots.first(function_.parameters)));
    // Nobody calls into this instance meanwhile. After a trap nobody does either.
    may_enter_ = std::exchange(mine_.may_enter, false);
    return arguments;
  }
  Result<void> end(const Value& result, std::span<std::uint64_t> slots) {
    mine_.may_enter = may_enter_;
    TRY(end_scope(border_.scope()));
    mine_.may_leave = false;
    TRY(lower_result(border_.side(), *function_.type, result, slots));
    mine_.may_leave = true;
    return {};
  }

 private:
  const LoweredFunction& function_;
  InstanceState& mine_;
  Border border_;
  bool may_enter_ = false;
};

std::unexpected<Error> error_of(const HostFunction& host, Error error) {
  error.message = fmt::format("{}: {}", host.name, error.message);
  return std::unexpected(std::move(error));
}

[[nodiscard]] std::span<std::uint64_t> slots_of(const LoweredFunction& function, std::uint64_t* slots) {
  return {slots, std::max(function.parameters, function.results)};
}

Result<void> run_lowered(const LoweredFunction& function, std::byte* cell, std::uint64_t* slots) {
  StoreState& store = *anew::detail::instance_of(cell).store;
  LoweredCall call(store, function);
  auto arguments = TRY(call.begin(slots_of(function, slots)));
  Value result;
  if (const auto* const host = std::get_if<const HostFunction*>(&function.target)) {
    Caller caller(anew::detail::MakesCallers::of(cell), &function);
    auto returned = std::get<Linker::Function>((*host)->function)(caller, std::move(arguments));
    if (!returned) return error_of(**host, std::move(returned.error()));
    result = *std::move(returned);
  } else {
    result = TRY(call_lifted(store, *std::get<const ExportedFunction*>(function.target), arguments));
  }
  return call.end(result, slots_of(function, slots));
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

/// A call of a host function that may give its result later; shared by the wait and whoever completes it.
struct LaterCall {
  LaterCall(StoreState& store, const LoweredFunction& function) : call(store, function) {}
  LoweredCall call;
  Result<Value> result = Value();  ///< guarded by the wait
};

/// The host function that a lowered one calls, if it is of that kind.
template <typename Kind>
const HostFunction* host_function(const LoweredFunction& function) {
  const auto* const host = std::get_if<const HostFunction*>(&function.target);
  return host != nullptr && std::holds_alternative<Kind>((*host)->function) ? *host : nullptr;
}

/// A call of a host function that is tried until it has a result.
struct WaitingCall {
  WaitingCall(StoreState& store, const LoweredFunction& lowered, const HostFunction& called, std::byte* caller)
      : call(store, lowered), function(lowered), host(called), cell(caller) {}
  LoweredCall call;
  const LoweredFunction& function;
  const HostFunction& host;
  std::byte* cell;  ///< of the instance that calls
  Attempt attempt;
};

/// @return 0, a TrapKind, or kLeft.
std::uint32_t try_until_left(const std::shared_ptr<WaitingCall>& waiting, std::uint64_t* slots) {
  anew::detail::SuspendedCall* const suspended = anew::detail::suspendable_call();
  for (;;) {
    Again again;
    bool is_done = false;
    bool is_left = false;
    const std::uint32_t trap = as_host_function([&]() -> Result<void> {
      Caller caller(anew::detail::MakesCallers::of(waiting->cell), &waiting->function);
      auto result = waiting->attempt(caller, suspended != nullptr ? &again : nullptr);
      if (!result) return error_of(waiting->host, std::move(result.error()));
      if (*result) {
        is_done = true;
        return waiting->call.end(**result, slots_of(waiting->function, slots));
      }
      if (again.wait() == nullptr) throw std::logic_error("a host function waits for nothing");
      if (anew::detail::is_ready(*again.wait())) return {};
      again.wait()->finish = [waiting](std::uint64_t* results) { return try_until_left(waiting, results); };
      is_left = true;
      return {};
    });
    if (trap != 0 || is_done) return trap;
    if (!is_left) continue;
    suspended->waits_for = again.wait();
    return anew::detail::leave(slots);
  }
}

std::uint32_t call_waiting(const LoweredFunction& function, const HostFunction& host, std::byte* cell,
                           std::uint64_t* slots) {
  std::shared_ptr<WaitingCall> waiting;
  const std::uint32_t trap = as_host_function([&]() -> Result<void> {
    waiting = std::make_shared<WaitingCall>(*anew::detail::instance_of(cell).store, function, host, cell);
    auto arguments = TRY(waiting->call.begin(slots_of(function, slots)));
    Caller caller(anew::detail::MakesCallers::of(cell), &function);
    waiting->attempt = std::get<Linker::WaitingFunction>(host.function)(caller, std::move(arguments));
    return {};
  });
  return trap != 0 ? trap : try_until_left(waiting, slots);
}

}  // namespace

/// What completions share: the last one that goes fails what nobody has completed.
class LaterResult {
 public:
  LaterResult(std::shared_ptr<anew::detail::Wait> wait, std::shared_ptr<LaterCall> later)
      : promise_(std::move(wait)), later_(std::move(later)) {}
  void complete(Result<Value> result) {
    anew::detail::complete_by(promise_.wait(), [&] { later_->result = std::move(result); });
  }

 private:
  anew::detail::Promise promise_;
  std::shared_ptr<LaterCall> later_;
};

namespace {

std::uint32_t call_async(const LoweredFunction& function, const HostFunction& host, std::byte* cell,
                         std::uint64_t* slots) {
  std::shared_ptr<anew::detail::Wait> wait;
  const std::uint32_t trap = as_host_function([&]() -> Result<void> {
    wait = anew::detail::make_wait();
    const auto later = std::make_shared<LaterCall>(*anew::detail::instance_of(cell).store, function);
    auto arguments = TRY(later->call.begin(slots_of(function, slots)));
    wait->finish = [later, &function, &host](std::uint64_t* results) {
      return as_host_function([&]() -> Result<void> {
        if (!later->result) return error_of(host, std::move(later->result.error()));
        return later->call.end(*later->result, slots_of(function, results));
      });
    };
    Caller caller(anew::detail::MakesCallers::of(cell), &function);
    auto begun = std::get<Linker::AsyncFunction>(host.function)(caller, std::move(arguments),
                                                                Completion(std::make_shared<LaterResult>(wait, later)));
    if (!begun) return error_of(host, std::move(begun.error()));
    return {};
  });
  return trap != 0 ? trap : anew::detail::wait_for(std::move(wait), slots);
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

namespace {
std::uint32_t call_nested(const LoweredFunction& function, const ExportedFunction& callee, std::byte* cell,
                          std::uint64_t* slots);
}  // namespace

std::uint32_t call_lowered(void* environment, std::byte* cell, std::uint64_t* slots) {
  // link() gave the environment, of this very type.
  const auto& function = *static_cast<const LoweredFunction*>(environment);
  const auto* const callee = std::get_if<const ExportedFunction*>(&function.target);
  if (callee != nullptr && anew::detail::suspendable_call() != nullptr)
    return call_nested(function, **callee, cell, slots);
  if (const auto* const host = host_function<Linker::AsyncFunction>(function))
    return call_async(function, *host, cell, slots);
  if (const auto* const host = host_function<Linker::WaitingFunction>(function))
    return call_waiting(function, *host, cell, slots);
  return as_host_function([&] { return run_lowered(function, cell, slots); });
}

std::uint32_t call_builtin(void* environment, std::byte* cell, std::uint64_t* slots) {
  const auto& builtin = *static_cast<const LinkedBuiltin*>(environment);  // as above
  return as_host_function([&] { return run_builtin(builtin, cell, slots); });
}

namespace {

/// A call of a lifted function, from its arguments to its result.
class LiftedCall {
 public:
  using Slots = std::array<std::uint64_t, kMostSlots>;

  LiftedCall(StoreState& store, const ExportedFunction& function)
      : store_(store),
        function_(function),
        mine_(states_of(store).instances[function.instance]),
        border_(store, *function.component, function.options, function.instance, states_of(store)) {}

  /// Lowers the arguments. The core function is to be called with the slots.
  Result<void> begin(std::span<const Value> arguments, Slots& slots) {
    if (!mine_.may_enter) return trap(kCannotEnter);
    mine_.may_leave = false;
    auto lowered =
        lower_parameters(border_.side(), *function_.type, arguments, std::span(slots).first(function_.parameters));
    mine_.may_leave = true;
    // Arguments of other types are the caller's fault, and no trap: nothing was called, unless to allocate.
    if (lowered || lowered.error().code == ErrorCode::kTrap) mine_.may_enter = false;  // and so after a trap
    return lowered;
  }
  /// Lifts the result, when the core function has returned.
  Result<Value> end(Slots& slots) {
    auto result = TRY(lift_result(border_.side(), *function_.type, std::span(slots).first(function_.results)));
    if (function_.options.post_return) {
      mine_.may_leave = false;
      TRY(call_core(store_, *function_.options.post_return, slots.data()));
      mine_.may_leave = true;
    }
    TRY(end_scope(border_.scope()));
    mine_.may_enter = true;
    return result;
  }

 private:
  StoreState& store_;
  const ExportedFunction& function_;
  InstanceState& mine_;
  Border border_;
};

}  // namespace

Result<Value> call_lifted(StoreState& store, const ExportedFunction& function, std::span<const Value> arguments) {
  LiftedCall call(store, function);
  LiftedCall::Slots slots = {};
  TRY(call.begin(arguments, slots));
  TRY(call_core(store, function.callee, slots.data()));
  return call.end(slots);
}

class StartedCall {
 public:
  /// One that did not begin.
  explicit StartedCall(Error error) : result_(std::unexpected(std::move(error))) {}
  StartedCall(StoreState& store, const ExportedFunction& function, std::span<const Value> arguments)
      : call_(std::in_place, store, function) {
    LiftedCall::Slots slots = {};
    if (auto begun = call_->begin(arguments, slots); !begun) {
      result_ = std::unexpected(std::move(begun.error()));
      return;
    }
    Instance& instance = *store.instances[function.callee.member];
    core_ = anew::detail::start_call(instance,
                                     anew::detail::function_handle(*instance.linked, function.callee.function), slots);
    settle();
  }

  [[nodiscard]] bool is_ready() const noexcept { return !result_ && anew::detail::is_ready(*core_); }
  [[nodiscard]] bool is_parked() const noexcept { return !result_ && anew::detail::is_parked(*core_); }
  [[nodiscard]] const std::optional<Result<Value>>& result() const noexcept { return result_; }
  void resume() {
    if (result_) return;
    anew::detail::resume_call(*core_);
    settle();
  }
  void on_ready(std::function<void()> wake) {
    if (!result_) anew::detail::on_ready(*core_, std::move(wake));
  }

 private:
  void settle() {
    if (!anew::detail::is_done(*core_)) return;
    if (const Error* const error = anew::detail::error_of(*core_)) {
      result_ = std::unexpected(*error);
      return;
    }
    LiftedCall::Slots slots;
    std::copy_n(anew::detail::slots_of(*core_), slots.size(), slots.begin());
    result_ = anew::detail::without_exceptions("a result is lifted", [&] { return call_->end(slots); });
  }

  std::optional<LiftedCall> call_;
  anew::detail::CallPointer core_;  ///< null if it did not begin
  std::optional<Result<Value>> result_;
};

namespace {

/// A call of one component by another that may leave its thread: where the callee does, the caller does as well, each
/// with its own stack, and they go on together.
struct NestedCall {
  NestedCall(StoreState& store, const LoweredFunction& lowered) : call(store, lowered), function(lowered) {}
  LoweredCall call;
  const LoweredFunction& function;
  std::optional<StartedCall> callee;
};

/// @return 0, a TrapKind, or kLeft.
std::uint32_t end_or_leave(const std::shared_ptr<NestedCall>& nested, std::uint64_t* slots) {
  std::shared_ptr<anew::detail::Wait> wait;  // null at the end
  const std::uint32_t trap = as_host_function([&]() -> Result<void> {
    StartedCall& callee = *nested->callee;
    if (const auto& result = callee.result()) {
      if (!*result) return std::unexpected(result->error());
      return nested->call.end(**result, slots_of(nested->function, slots));
    }
    wait = anew::detail::make_wait();
    // What it refers to goes with the caller's call, which does not outlast the wait.
    wait->finish = [nested](std::uint64_t* results) {
      const std::uint32_t failed = as_host_function([&]() -> Result<void> {
        nested->callee->resume();
        return {};
      });
      return failed != 0 ? failed : end_or_leave(nested, results);
    };
    callee.on_ready([wait] { anew::detail::complete(*wait, std::span<const std::uint64_t>()); });
    return {};
  });
  if (trap != 0 || wait == nullptr) return trap;
  anew::detail::suspendable_call()->waits_for = std::move(wait);
  return anew::detail::leave(slots);
}

std::uint32_t call_nested(const LoweredFunction& function, const ExportedFunction& callee, std::byte* cell,
                          std::uint64_t* slots) {
  std::shared_ptr<NestedCall> nested;
  const std::uint32_t trap = as_host_function([&]() -> Result<void> {
    StoreState& store = *anew::detail::instance_of(cell).store;
    nested = std::make_shared<NestedCall>(store, function);
    const auto arguments = TRY(nested->call.begin(slots_of(function, slots)));
    nested->callee.emplace(store, callee, arguments);
    return {};
  });
  return trap != 0 ? trap : end_or_leave(nested, slots);
}

}  // namespace

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

namespace anew::component {

std::function<void()> Again::wake() {
  if (wait_ == nullptr) wait_ = anew::detail::make_wait();
  return [wait = wait_] { anew::detail::complete(*wait, std::span<const std::uint64_t>()); };
}

void Completion::complete(Value result) const { result_->complete(std::move(result)); }
void Completion::fail(Error error) const { result_->complete(std::unexpected(std::move(error))); }

Call::Call(Lease lease, std::unique_ptr<detail::StartedCall> state) noexcept
    : lease_(std::move(lease)), state_(std::move(state)) {}
Call::Call(Call&&) noexcept = default;
// The call that was here goes as if it were destroyed: before its lease.
Call& Call::operator=(Call&& other) noexcept {
  if (this != &other) {
    state_ = std::move(other.state_);
    lease_ = std::move(other.lease_);
  }
  return *this;
}
Call::~Call() = default;

bool Call::is_done() const noexcept { return state_->result().has_value(); }
bool Call::is_ready() const noexcept { return state_->is_ready(); }
bool Call::is_parked() const noexcept { return state_->is_parked(); }
bool Call::resume() {
  state_->resume();
  return is_done();
}
void Call::on_ready(std::function<void()> wake) { state_->on_ready(std::move(wake)); }
Result<Value> Call::result() const {
  if (!is_done()) return anew::fail(ErrorCode::kArgument, "the call is not done: resume it until it is");
  return *state_->result();
}

Call Lease::start(const Function& function, std::span<const Value> arguments) && {
  auto state = anew::detail::without_exceptions("a call begins", [&]() -> Result<std::unique_ptr<detail::StartedCall>> {
    if (core_.instance() == nullptr) return std::unexpected(anew::detail::empty_lease());
    if (function.get()->component != pool_->linked.get())
      return anew::fail(ErrorCode::kArgument, "the function is of another pool than the lease");
    return std::make_unique<detail::StartedCall>(*core_.instance()->store, *function.get(), arguments);
  });
  if (!state) return Call(std::move(*this), std::make_unique<detail::StartedCall>(std::move(state.error())));
  return Call(std::move(*this), *std::move(state));
}

Call Lease::start(const Function& function, std::initializer_list<Value> arguments) && {
  return std::move(*this).start(function, std::span(arguments.begin(), arguments.size()));
}

}  // namespace anew::component
