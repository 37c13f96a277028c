// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/trap_handler.hpp"

#include <cstdio>
#include <cstdlib>

#include "abi/cell.hpp"
#include "abi/interruption.hpp"
#include "os/loaded_object.hpp"
#include "os/signals.hpp"
#include "runtime/call_sites.hpp"
#include "runtime/stack_walk.hpp"
#include "runtime/store_state.hpp"
#include "runtime/thread.hpp"
#include "runtime/watchdog.hpp"

namespace anew::detail {
namespace {

/// Whether the address lies in the inaccessible part of the memory with that base.
bool is_past_end(std::byte* base, std::uint64_t address) noexcept {
  const std::uint64_t distance = address - reinterpret_cast<std::uint64_t>(base);  // huge if below
  return distance >= abi::hot_header(base).memory_bytes && distance < abi::kMemoryAddressSpace + abi::kGuardBytes;
}

TrapKind classify(const StoreState& store, const GuestStack& stack, std::uint64_t address) noexcept {
  if (address >= stack.guard_begin() && address < stack.bottom()) return TrapKind::kStackExhausted;
  for (const auto& instance : store.instances) {
    if (instance->layout().has_memory() && is_past_end(instance->cell, address)) return TrapKind::kMemoryOutOfBounds;
    for (const MemoryRegion& region : instance->regions)
      if (region.base != nullptr && is_past_end(region.base, address)) return TrapKind::kMemoryOutOfBounds;
  }
  return TrapKind::kNone;
}

/// Whether the signal interrupted a guest. While the state is guest it may also be another signal's handler, on the
/// alternate stack, that did: that one is never left in its midst.
__attribute__((no_sanitize("thread"))) bool is_guest(const Thread& thread,
                                                     const abi::Interrupted& interrupted) noexcept {
  if (thread.state != static_cast<std::uint32_t>(abi::ThreadState::kGuest)) return false;
  return thread.activations[thread.depth.load(std::memory_order_relaxed) - 1].stack.has(interrupted.stack_pointer);
}

/// Ends the innermost activation of a thread in guest state.
__attribute__((no_sanitize("thread"))) void land(Thread& thread, TrapKind kind, const abi::Interrupted& interrupted,
                                                 os::MachineContext& context) noexcept {
  thread.trap_kind = static_cast<std::uint32_t>(kind);
  thread.trap_is_fault = 1;
  thread.trap_pc = interrupted.pc;
  thread.trap_fp = interrupted.frame_pointer;
  abi::resume_at_landing(context, thread);
}

bool on_fault(os::MachineContext& context, std::uint64_t address) noexcept {
  Thread* const thread = current_thread();
  const abi::Interrupted interrupted = abi::interrupted_by(context);
  if (thread == nullptr || !is_guest(*thread, interrupted)) return false;
  const std::uint32_t innermost = thread->depth.load(std::memory_order_relaxed) - 1;  // a guest runs: at least one
  const TrapKind kind = classify(*thread->activations[innermost].store.load(std::memory_order_relaxed),
                                 thread->activations[innermost].stack, address);
  if (kind == TrapKind::kNone) return false;
  land(*thread, kind, interrupted, context);
  return true;
}

/// Tells where the guest is (sample_guests).
__attribute__((no_sanitize("thread"))) void answer(Thread& thread, const os::MachineContext& context) noexcept {
  const abi::Interrupted interrupted = abi::interrupted_by(context);
  if (thread.state != static_cast<std::uint32_t>(abi::ThreadState::kGuest) || !is_guest(thread, interrupted)) {
    thread.sampled.store(Thread::kNotAsked, std::memory_order_relaxed);
    return;
  }
  const GuestStack& stack = thread.activations[thread.depth.load(std::memory_order_relaxed) - 1].stack;
  StackWalk walk(stack, interrupted.pc, interrupted.frame_pointer);
  thread.sampled_caller.store(walk.next() ? walk.pc() : 0, std::memory_order_relaxed);
  thread.sampled.store(interrupted.pc, std::memory_order_release);
}

/// Has the innermost call leave its thread if that is in the midst of compiled code.
__attribute__((no_sanitize("thread"))) void park(Thread& thread, const abi::Interrupted& interrupted,
                                                 os::MachineContext& context) noexcept {
  if (!is_guest(thread, interrupted)) return;
  const Activation& innermost = thread.activations[thread.depth.load(std::memory_order_relaxed) - 1];
  const StoreState& store = *innermost.store.load(std::memory_order_relaxed);
  if (find_code(store, store.main(), interrupted.pc) == nullptr) return;
  (void)abi::resume_at_park(context, thread, innermost.stack.bottom());  // without room: another time
}

__attribute__((no_sanitize("thread"))) void on_nudge(os::MachineContext& context) noexcept {
  Thread* const thread = current_thread();
  if (thread == nullptr) return;  // it is about to end
  if (thread->sampled.load(std::memory_order_relaxed) == Thread::kAsked) answer(*thread, context);
  const bool slice_is_over = take_slice_end(*thread);
  decide(*thread);
  if (thread->kill == 0 && !slice_is_over) return;
  if (thread->state != static_cast<std::uint32_t>(abi::ThreadState::kGuest)) return;
  const abi::Interrupted interrupted = abi::interrupted_by(context);
  if (thread->kill == 0) return park(*thread, interrupted, context);
  if (!is_guest(*thread, interrupted)) {
    thread->attention.store(true, std::memory_order_relaxed);  // once more, when that handler may have returned
    return;
  }
  // Several nudges may come at once. The first has told where the guest was.
  if (interrupted.pc == reinterpret_cast<std::uint64_t>(&abi::anew_landing)) return;
  land(*thread, TrapKind::kInterrupted, interrupted, context);
}

}  // namespace

void install_signal_handlers() noexcept {
  // The handlers, the watchdog and what ends with a thread run this code as long as the process lives.
  static const bool installed = [] {
    os::stay_loaded();
    return os::install_fault_handler(on_fault) && os::install_nudge_handler(on_nudge);
  }();
  if (!installed) {
    std::fputs("anew: the system refuses handlers for signals, without which guests cannot be contained\n", stderr);
    std::abort();
  }
}

}  // namespace anew::detail
