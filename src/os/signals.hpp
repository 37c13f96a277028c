// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Faults: the memory accesses that the processor refused, as this process sees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace anew::os {

/// A refused memory access of the current thread.
struct Fault {
  std::uint64_t address;        ///< that was accessed
  std::uint64_t pc;             ///< of the instruction that did
  std::uint64_t frame_pointer;  ///< rbp then
  std::uint64_t r13;            ///< then
};

/// Where the thread goes on instead.
struct Resumption {
  std::uint64_t pc;
  std::uint64_t argument;  ///< in the first argument register
};

/// Decides about a fault, inside a signal handler: it may only read memory that cannot fault itself.
/// @return true and a resumption if the fault is the handler's own, else false.
using FaultHandler = bool (*)(const Fault& fault, Resumption& resumption) noexcept;

/// Makes `handler` see every fault (SIGSEGV, SIGBUS) of the process first. Faults that it does not claim, and signals
/// that somebody sent, go to the handler that was installed before, under the conditions that it was installed with.
/// Call it once. @return false if the system refused.
[[nodiscard]] bool install_fault_handler(FaultHandler handler) noexcept;

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
