// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/wait.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/stop.hpp"
#include "runtime/store_state.hpp"
#include "runtime/suspended_call.hpp"

namespace anew::detail {
namespace {

/// How soon a call that cannot be left notices that it is to end.
constexpr std::chrono::milliseconds kLookInterval{5};

/// Writes the result where the guest reads it. @return 0, or the TrapKind of the host's error.
std::uint32_t take(Wait& wait, std::uint64_t* slots) {
  {
    const std::lock_guard lock(wait.mutex);
    if (wait.error) return raise_host_error(std::move(*wait.error));
    std::ranges::copy(wait.slots, slots);
  }
  // What it holds is the lease's, and whoever completed the wait may keep that.
  const auto finish = std::exchange(wait.finish, nullptr);
  return finish ? finish(slots) : 0;
}

}  // namespace

bool is_ready(Wait& wait) {
  const std::lock_guard lock(wait.mutex);
  return wait.ready;
}

/// A call that may be left, and how it ended.
struct CallState {
  std::vector<std::uint64_t> slots;
  SuspendedCall call;
  bool is_done = false;
  std::optional<Error> error;
};

std::shared_ptr<Wait> make_wait() { return std::make_shared<Wait>(); }

void complete_by(Wait& wait, const std::function<void()>& set) {
  std::function<void()> wake;
  {
    const std::lock_guard lock(wait.mutex);
    if (wait.ready) return;
    set();
    wait.ready = true;
    wake = std::exchange(wait.wake, nullptr);
  }
  wait.is_there.notify_all();
  if (wake) wake();
}

void complete(Wait& wait, std::span<const std::uint64_t> slots) {
  complete_by(wait, [&] { wait.slots.assign(slots.begin(), slots.end()); });
}

void complete(Wait& wait, Error error) {
  complete_by(wait, [&] { wait.error = std::move(error); });
}

Promise::~Promise() {
  if (is_ready(*wait_)) return;
  try {
    complete(*wait_, make_error(ErrorCode::kHost, "nobody is left who could give the result that it waits for"));
  } catch (...) {
    complete(*wait_, Error{ErrorCode::kHost, {}, std::nullopt, TrapKind::kNone, {}});  // without words: no memory
  }
}

std::uint32_t wait_for(std::shared_ptr<Wait> wait, std::uint64_t* slots) {
  if (is_ready(*wait)) return take(*wait, slots);
  if (SuspendedCall* const call = suspendable_call()) {
    call->waits_for = std::move(wait);
    return leave(slots);
  }
  // A call that must return before its thread goes on: the thread waits.
  std::unique_lock lock(wait->mutex);
  while (!wait->is_there.wait_for(lock, kLookInterval, [&] { return wait->ready; }))
    if (stop_requested()) return raise_host_error(make_error(ErrorCode::kHost, "the call was stopped while it waited"));
  lock.unlock();
  return take(*wait, slots);
}

bool may_be_left() noexcept { return suspendable_call() != nullptr; }

// --- Calls ---

namespace {

void settle(CallState& state, std::uint32_t result) {
  if (result == abi::kLeft) return;
  state.is_done = true;
  // A call that ended at its deadline still has one. What that holds is the lease's, which may be used again.
  if (state.call.waits_for != nullptr) std::exchange(state.call.waits_for, nullptr)->finish = nullptr;
  if (result != 0) state.error = make_trap_error(*state.call.instance, result);
}

}  // namespace

CallPointer start_call(Instance& instance, const FunctionHandle& function, std::span<const std::uint64_t> slots) {
  CallPointer state(new CallState);
  state->slots.assign(slots.begin(), slots.end());
  settle(*state, start(state->call, instance, function, state->slots.data()));
  return state;
}

CallPointer failed_call(Error error) {
  CallPointer state(new CallState);
  state->is_done = true;
  state->error = std::move(error);
  return state;
}

void EndsCall::operator()(CallState* call) const noexcept {
  // What it did so far is restored; how far it came nobody knows.
  if (!call->is_done) call->call.instance->store->distrusted = true;
  // Whoever could complete it may keep the wait, but nothing that is the lease's.
  if (call->call.waits_for != nullptr) call->call.waits_for->finish = nullptr;
  delete call;
}

bool is_done(const CallState& call) noexcept { return call.is_done; }

bool is_parked(const CallState& call) noexcept { return call.call.parked_on != nullptr; }

bool is_ready(const CallState& call) noexcept {
  if (call.is_done) return false;
  if (is_parked(call)) return call.call.parked_on == current_thread();
  return call.call.waits_for != nullptr && is_ready(*call.call.waits_for);
}

bool resume_call(CallState& state) {
  if (!is_ready(state)) return state.is_done;
  if (is_parked(state)) {
    settle(state, resume_parked(state.call));
    return state.is_done;
  }
  settle(state, resume(state.call, [](SuspendedCall& call) noexcept {
           const std::shared_ptr<Wait> wait = std::exchange(call.waits_for, nullptr);
           return take(*wait, call.host_slots);
         }));
  return state.is_done;
}

void on_ready(CallState& call, std::function<void()> wake) {
  if (is_parked(call)) return wake();
  if (call.is_done || call.call.waits_for == nullptr) return;
  Wait& wait = *call.call.waits_for;
  {
    const std::lock_guard lock(wait.mutex);
    if (!wait.ready) {
      wait.wake = std::move(wake);
      return;
    }
  }
  wake();
}

const Error* error_of(const CallState& call) noexcept { return call.error ? &*call.error : nullptr; }

const std::uint64_t* slots_of(const CallState& call) noexcept { return call.slots.data(); }

}  // namespace anew::detail
