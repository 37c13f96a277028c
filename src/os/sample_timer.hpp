// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <chrono>
#include <memory>

#include "os/machine_context.hpp"

namespace anew::os {

/// Runs inside a signal handler of the thread that is sampled.
using SampleHandler = void (*)(const MachineContext& context) noexcept;

/// Has a handler called each time that the current thread has used so much processor time, while this lives. The system
/// may round the interval up to its own tick, of 1 to 10 ms. One at a time in a process; it takes SIGPROF, and gives it
/// back to whom it belonged. Made and destroyed on the thread that it samples.
class SampleTimer {
 public:
  /// @return kResource if the system refuses.
  [[nodiscard]] static Result<SampleTimer> start(std::chrono::nanoseconds interval, SampleHandler handler);
  SampleTimer(SampleTimer&&) noexcept;
  SampleTimer& operator=(SampleTimer&&) = delete;
  ~SampleTimer();

 private:
  struct State;
  explicit SampleTimer(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace anew::os
