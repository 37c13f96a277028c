// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls into guests.
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <ranges>
#include <utility>

#include "abi/processor.hpp"
#include "abi/stack_limit.hpp"
#include "runtime/library.hpp"
#include "runtime/store_state.hpp"
#include "runtime/suspended_call.hpp"
#include "runtime/thread.hpp"
#include "runtime/watchdog.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::detail {
namespace {

/// A call that cannot begin: there is no guest frame to report.
[[gnu::noinline, gnu::cold]] std::uint32_t refuse(Thread& thread, TrapKind kind) noexcept {
  thread.trap_pc = 0;
  thread.trap_fp = 0;
  return static_cast<std::uint32_t>(kind);
}

[[gnu::noinline, gnu::cold]] std::uint32_t refuse_foreign(Thread& thread) noexcept {
  thread.pending = make_bare_error(ErrorCode::kArgument,
                                   "the function handle was found in another pool: find it in the pool of the lease");
  return refuse(thread, TrapKind::kHostError);
}

/// Makes the stack of the next activation hold that much. @return 0, or the trap.
[[gnu::noinline, gnu::cold]] std::uint32_t prepare_stack(Thread& thread, StoreState& store,
                                                         std::uint64_t bytes) noexcept {
  const bool is_room = thread.depth < kMaximumNesting;
  if (is_room && thread.map_stack(bytes)) return 0;
  store.distrusted = true;
  return refuse(thread, is_room ? TrapKind::kHostError : TrapKind::kStackExhausted);
}

/// Makes an activation what signal handlers look at. @return the store's deadline. It is read only then: see
/// Cancellation. It is the activation's only once it is stored there.
[[gnu::always_inline]] inline std::int64_t begin(Thread& thread, std::uint32_t depth, StoreState& store) noexcept {
  Activation& activation = thread.activations[depth];
  activation.store.store(&store, std::memory_order_relaxed);
  activation.owner.store(store.owner, std::memory_order_relaxed);
  activation.serial.store(activation.serial.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  thread.depth.store(depth + 1, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return store.deadline.load(std::memory_order_relaxed);
}

/// @param watched  what it was before the activation.
[[gnu::always_inline]] inline void end(Thread& thread, std::uint32_t depth, std::int64_t watched) noexcept {
  thread.depth.store(depth, std::memory_order_release);
  thread.activations[depth].deadline.store(kNoDeadline, std::memory_order_relaxed);
  thread.watched.store(watched, std::memory_order_release);
  // A handler that ran before this line may have set the kill flag for this activation; later ones see the outer ones.
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

[[gnu::always_inline]] inline abi::EnterResult enter(Thread& thread, const GuestStack& stack, const Instance& instance,
                                                     const FunctionHandle& function, std::uint64_t* slots) noexcept {
  // Of this instance, or a copy of that of the instance that defines the function.
  const abi::FunctionReference& callee = *instance.at<abi::FunctionReference>(function.reference);
  // The stack may be larger than this engine asks for, mapped for another one. The guest starts lower then: the guard
  // is always as far away as asked for, and how deep a guest may go does not depend on what ran before.
  return abi::anew_enter(&thread, callee.cell, function.thunk, slots, callee.entry,
                         stack.bottom() + function.stack_bytes);
}

/// Behind end(), if the call trapped or `kill` is set.
[[gnu::noinline, gnu::cold]] std::uint32_t end_stopped(Thread& thread, std::uint32_t depth,
                                                       std::uint32_t trap) noexcept {
  if (thread.kill != 0) {
    trap = end_killed(thread, depth, trap);
    if (trap == abi::kLeft || trap == abi::kParked) trap = static_cast<std::uint32_t>(TrapKind::kInterrupted);
  }
  if (trap != 0 && trap != abi::kLeft && trap != abi::kParked) {
    StoreState& store =
        *thread.activations[depth].store.load(std::memory_order_relaxed);  // still there: its lease is in use
    store.distrusted = true;
    store.trap = trap;
  }
  return trap;
}

/// A call that is not to begin although begin() has run.
[[gnu::noinline, gnu::cold]] std::uint32_t end_refused(Thread& thread, std::uint32_t depth, std::int64_t watched,
                                                       std::uint32_t trap) noexcept {
  refuse(thread, static_cast<TrapKind>(trap));  // arm() gives no other numbers
  end(thread, depth, watched);
  return end_stopped(thread, depth, trap);
}

/// While a call in a store whose code is metered is active, the thread's record holds what that store has left of fuel
/// and stack. The call may be in the same store as one around it, with others in between.
class Metering {
 public:
  Metering(Thread& thread, std::uint32_t depth, StoreState& store) noexcept : thread_(thread), store_(store) {
    if (!store.is_metered) return;
    bool is_active = false;
    for (std::uint32_t i = depth; i > 0; --i) {
      StoreState* const each = thread.activations[i - 1].store.load(std::memory_order_relaxed);
      if (around_ == nullptr && each->is_metered) around_ = each;
      is_active = is_active || each == &store;
    }
    if (around_ != nullptr) {
      around_->fuel = thread.fuel;
      around_->stack_left = thread.stack_left;
    }
    // A call that a host function makes into a store whose guest waits for it nests in that guest's calls.
    stack_left_ = is_active ? store.stack_left : store.stack_limit;
    thread.fuel = store.fuel;
    thread.stack_left = stack_left_;
  }
  Metering(const Metering&) = delete;
  Metering& operator=(const Metering&) = delete;
  ~Metering() {
    if (!store_.is_metered) return;
    store_.fuel = thread_.fuel;
    store_.stack_left = stack_left_;  // the frames are gone, however they went
    if (around_ == nullptr) return;
    thread_.fuel = around_->fuel;
    thread_.stack_left = around_->stack_left;
  }

 private:
  Thread& thread_;
  StoreState& store_;
  StoreState* around_ = nullptr;
  std::int64_t stack_left_ = 0;  ///< before the call
};

/// A call in the activation at `depth`, which has its stack, with all that it may meet.
/// @param call  what keeps it if it is left; null if it may not be.
/// @param run  enters the guest or goes on with it. @return 0, a TrapKind, abi::kLeft or kParked.
template <typename Run>
std::uint32_t run_activation(Thread& thread, std::uint32_t depth, StoreState& store, SuspendedCall* call,
                             Run&& run) noexcept {
  Activation& activation = thread.activations[depth];
  const std::int64_t watched_around = thread.watched.load(std::memory_order_relaxed);
  const std::uint64_t stub_frame_around = thread.stub_frame;  // the activation around this one needs it back
  activation.stub_frame_around = stub_frame_around;           // before begin(): the profiler's signal looks at it
  if (const std::int64_t deadline = begin(thread, depth, store); deadline != kNoDeadline) {
    activation.deadline.store(deadline, std::memory_order_relaxed);
    if (const std::uint32_t trap = arm(thread, deadline); trap != 0)
      return end_refused(thread, depth, watched_around, trap);
  }
  // A call within one of the same store is not parked: that one could not go on on its thread alone.
  const bool is_nested = depth > 0 && thread.activations[depth - 1].store.load(std::memory_order_relaxed) == &store;
  if (call != nullptr && !is_nested && store.time_slice != kNoDeadline) {
    if (const std::uint32_t trap = arm_slice(thread, store.time_slice); trap != 0) {
      activation.slice_end.store(kNoDeadline, std::memory_order_relaxed);
      return end_refused(thread, depth, watched_around, trap);
    }
  }
  activation.suspendable = call;
  const Metering metering(thread, depth, store);
  const std::uint64_t host_sp_around = thread.host_sp;  // likewise
  const std::uint32_t float_control = abi::float_control();
  const bool is_foreign = abi::is_foreign_float_control(float_control);
  if (is_foreign) abi::set_float_control(abi::kGuestFloatControl);
  const std::uint32_t trap = run();
  if (is_foreign) abi::set_float_control(float_control);
  if (call != nullptr) {
    call->stack_left = thread.stack_left;
    call->stub_frame = thread.stub_frame;
  }
  thread.host_sp = host_sp_around;
  thread.stub_frame = stub_frame_around;
  activation.suspendable = nullptr;
  activation.slice_end.store(kNoDeadline, std::memory_order_relaxed);
  end(thread, depth, watched_around);
  return (trap | thread.kill) != 0 ? end_stopped(thread, depth, trap) : 0;
}

/// invoke() with all that it may meet.
[[gnu::noinline]] std::uint32_t invoke_any(Instance& instance, const FunctionHandle& function, std::uint64_t* slots,
                                           SuspendedCall* call) noexcept {
  Thread* const made = this_thread();
  if (made == nullptr) return static_cast<std::uint32_t>(TrapKind::kHostError);  // make_trap_error says why
  Thread& thread = *made;
  const std::uint32_t depth = thread.depth.load(std::memory_order_relaxed);
  StoreState& store = *instance.store;
  if (function.owner != instance.linked.get()) return refuse_foreign(thread);
  const GuestStack& stack = thread.activations[depth].stack;
  if (!stack.holds(function.stack_bytes)) {
    if (const std::uint32_t trap = prepare_stack(thread, store, function.stack_bytes); trap != 0) return trap;
  }
  return run_activation(thread, depth, store, call, [&]() noexcept {
    // A TrapKind, kLeft or kParked, so it fits.
    return static_cast<std::uint32_t>(enter(thread, stack, instance, function, slots).trap);
  });
}

/// What compiled code has in the thread's record at the moment.
Result<void> keep_record(SuspendedCall& call, const Thread& thread) noexcept {
  return without_exceptions("a call leaves its thread", [&]() -> Result<void> {
    call.callee = thread.callee;
    const auto last = std::ranges::find_if(thread.spilled_values | std::views::reverse,
                                           [](std::uint64_t value) { return value != 0; });
    call.spilled.assign(std::begin(thread.spilled_values), last.base());
    return {};
  });
}

/// If the call was left: the thread keeps the stack that it had before, the call its own.
std::uint32_t keep_if_left(SuspendedCall& call, std::uint32_t result) noexcept {
  if (result != abi::kLeft && result != abi::kParked) return result;
  Thread& thread = *current_thread();  // the call ran on it
  if (result == abi::kParked) {
    if (auto kept = keep_record(call, thread); !kept) {
      call.instance->store->distrusted = true;
      call.instance->store->trap = static_cast<std::uint32_t>(TrapKind::kHostError);
      thread.pending = std::move(kept.error());
      return refuse(thread, TrapKind::kHostError);
    }
    call.parked_on = &thread;
  }
  call.guest_stack_pointer = thread.left_stack_pointer;
  std::swap(call.stack, thread.activations[thread.depth.load(std::memory_order_relaxed)].stack);
  return abi::kLeft;
}

/// Goes on with a call that has left its thread. @param run  as in run_activation, with the thread and the guest's
/// stack pointer.
template <typename Run>
std::uint32_t go_on(SuspendedCall& call, Run&& run) noexcept {
  Thread* const made = this_thread();
  if (made == nullptr) return static_cast<std::uint32_t>(TrapKind::kHostError);  // make_trap_error says why
  Thread& thread = *made;
  StoreState& store = *call.instance->store;
  const std::uint32_t depth = thread.depth.load(std::memory_order_relaxed);
  const std::uint64_t stack_pointer = std::exchange(call.guest_stack_pointer, 0);
  // The call brings its stack, but the thread may lack what faults of guests need.
  if (const std::uint32_t trap = prepare_stack(thread, store, 0); trap != 0) return trap;
  Activation& activation = thread.activations[depth];
  std::swap(call.stack, activation.stack);
  for (const auto& instance : store.instances) instance->header().thread = &thread;
  abi::set_first_return(activation.stack.bottom() + call.function.stack_bytes);
  const std::uint32_t result = run_activation(thread, depth, store, &call, [&]() noexcept {
    thread.stack_left = call.stack_left;
    thread.stub_frame = call.stub_frame;
    return run(thread, stack_pointer);
  });
  return keep_if_left(call, result);
}

}  // namespace

FunctionHandle function_handle(const LinkedModule& linked, std::uint32_t function) noexcept {
  const ModuleState& module = *linked.module;
  const std::uint32_t type = module.module.functions[function];
  std::uint64_t stack_bytes = module.engine->options.stack_bytes;
  if (module.stack_limit != 0) stack_bytes = std::max(stack_bytes, abi::stack_bytes_for(module.stack_limit));
  return {module.image.text.data() + module.image.thunks[type], module.layout.function_reference(function),
          &module.module.types[type], &linked, stack_bytes};
}

std::uint32_t invoke(Instance& instance, const FunctionHandle& function, std::uint64_t* slots) noexcept {
  // The way of most calls: a thread's only one. It calls nothing but the guest, and keeps nothing in registers over it.
  Thread* const thread = current_thread();
  StoreState& store = *instance.store;
  if (thread == nullptr || thread->depth.load(std::memory_order_relaxed) != 0 ||
      function.owner != instance.linked.get() || !thread->activations[0].stack.holds(function.stack_bytes) ||
      store.is_metered || abi::is_foreign_float_control(abi::float_control())) [[unlikely]] {
    return invoke_any(instance, function, slots, nullptr);
  }
  if (const std::int64_t deadline = begin(*thread, 0, store); deadline != kNoDeadline) {
    thread->activations[0].deadline.store(deadline, std::memory_order_relaxed);
    // There is no activation around this one whose deadline could be earlier.
    thread->watched.store(deadline, std::memory_order_release);
    if (needs_watchdog(deadline)) [[unlikely]] {
      end(*thread, 0, kNoDeadline);
      return invoke_any(instance, function, slots, nullptr);
    }
  }
  const abi::EnterResult result = enter(*thread, thread->activations[0].stack, instance, function, slots);
  auto& same_thread = static_cast<Thread&>(*result.record);  // every ThreadRecord is a Thread's
  end(same_thread, 0, kNoDeadline);
  // A TrapKind, so it fits.
  const auto trap = static_cast<std::uint32_t>(result.trap);
  if ((trap | same_thread.kill) != 0) [[unlikely]]
    return end_stopped(same_thread, 0, trap);
  return 0;
}

std::uint32_t start(SuspendedCall& call, Instance& instance, const FunctionHandle& function,
                    std::uint64_t* slots) noexcept {
  call.instance = &instance;
  call.function = function;
  call.slots = slots;
  call.guest_stack_pointer = 0;
  return keep_if_left(call, invoke_any(instance, function, slots, &call));
}

std::uint32_t resume(SuspendedCall& call, FinishHostCall finish) noexcept {
  return go_on(call, [&](Thread& thread, std::uint64_t stack_pointer) noexcept {
    const std::uint32_t status = finish(call);
    thread.left_stack_pointer = stack_pointer;
    if (status == abi::kLeft) return status;
    return static_cast<std::uint32_t>(abi::anew_resume(&thread, stack_pointer, status).trap);  // as above
  });
}

std::uint32_t resume_parked(SuspendedCall& call) noexcept {
  call.parked_on = nullptr;
  return go_on(call, [&](Thread& thread, std::uint64_t stack_pointer) noexcept {
    thread.callee = call.callee;
    const auto rest = std::ranges::copy(call.spilled, std::begin(thread.spilled_values)).out;
    std::fill(rest, std::end(thread.spilled_values), std::uint64_t{0});
    return static_cast<std::uint32_t>(abi::anew_resume_parked(&thread, stack_pointer).trap);  // as above
  });
}

SuspendedCall* suspendable_call() noexcept {
  const Thread& thread = *current_thread();  // a guest of this thread called the host
  return thread.activations[thread.depth.load(std::memory_order_relaxed) - 1].suspendable;
}

std::uint32_t leave(std::uint64_t* slots) noexcept {
  SuspendedCall* const call = suspendable_call();
  if (call == nullptr) {
    return raise_host_error(
        make_error(ErrorCode::kHost, "it waits for its result, which the call it was made in cannot do"));
  }
  call->host_slots = slots;
  return abi::kLeft;
}

std::uint32_t raise_host_error(Error&& error) noexcept {
  current_thread()->pending = std::move(error);  // a guest of this thread called the host
  return static_cast<std::uint32_t>(TrapKind::kHostError);
}

std::uint32_t raise_host_exception() noexcept {
  Error error;
  error.code = ErrorCode::kHost;
  try {
    try {
      throw;
    } catch (const std::exception& exception) {
      error.message = fmt::format("it threw an exception: {}", exception.what());
    } catch (...) {
      error.message = "it threw an object that is no std::exception";
    }
  } catch (...) {
    // No memory for the message: the trap alone tells.
  }
  return raise_host_error(std::move(error));
}

}  // namespace anew::detail
