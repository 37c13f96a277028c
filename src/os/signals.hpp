// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Signals: memory accesses that the processor refused (faults), and what makes a thread look at itself (nudges).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "os/machine_context.hpp"

namespace anew::os {

/// Decides about a refused memory access of the current thread, inside a signal handler: it may only read memory that
/// cannot fault itself. The thread goes on with what it makes of the context.
/// @param address  that was accessed.
/// @return whether the fault is the handler's own; if not, the context is as it was.
using FaultHandler = bool (*)(MachineContext& context, std::uint64_t address) noexcept;

/// Makes `handler` see every fault (SIGSEGV, SIGBUS) of the process first. Faults that it does not claim, and signals
/// that somebody sent, go to the handler that was installed before, under the conditions that it was installed with.
/// Call it once. @return false if the system refused.
[[nodiscard]] bool install_fault_handler(FaultHandler handler) noexcept;

/// Runs on a thread that was nudged, inside a signal handler, whatever the thread was doing. The thread goes on with
/// what it makes of the context.
using NudgeHandler = void (*)(MachineContext& context) noexcept;

/// Makes nudge() work. Signals of the same number that somebody else sent go to the handler that was installed before.
/// Faults and nudges of one thread do not interrupt each other's handlers. Call it once, before any nudge.
/// @return false if the system refused.
[[nodiscard]] bool install_nudge_handler(NudgeHandler handler) noexcept;

/// The real-time signal that nudges are sent with.
[[nodiscard]] int nudge_signal() noexcept;

/// A thread of this process; of meaning while it runs.
using ThreadId = unsigned long;
[[nodiscard]] ThreadId current_thread_id() noexcept;

/// Has the handler called on a thread that runs; later, if the thread masks the signal. System calls that wait may
/// return EINTR there. @return false if the system has no room for another signal now: try again.
[[nodiscard]] bool nudge(ThreadId thread) noexcept;

/// The current thread's alternate signal stack, on which the handler runs: the one that the thread already has if it is
/// large enough, else one of our own that goes with this object. Made and destroyed on the thread it serves.
class SignalStack {
 public:
  SignalStack() noexcept;
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

  /// Whether the thread has a stack now that is large enough.
  [[nodiscard]] bool ready() const noexcept { return ready_; }

 private:
  struct Own;
  std::unique_ptr<Own> own_;
  bool ready_ = false;
};

}  // namespace anew::os
