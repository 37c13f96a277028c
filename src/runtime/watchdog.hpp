// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How calls are stopped at their deadlines.
//
// A call with a deadline stores it in its activation and in Thread::watched. The watchdog, a thread of its own, looks
// at all threads every few milliseconds while there are deadlines about, and nudges each whose deadline has passed. A
// nudge carries no order: the thread itself, in its signal handler, finds out which of its activations is to end, so
// that a nudge that comes late finds nothing to do. decide() sets `kill` for the outermost such activation, whose depth
// is kill_depth. The flag stays until that activation has ended, so that each one inside it ends at once when the host
// function that made it returns, whatever that makes of the error. Nudges are repeated until decide() has run.
//
// The end of a time slice (suspended_call.hpp) is watched in the same way, of the innermost activation alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "runtime/thread.hpp"

namespace anew::detail {

enum class WatchdogState : std::uint32_t { kAwake, kAsleep, kNotRunning };

struct Watch {
  std::atomic<WatchdogState> state = WatchdogState::kNotRunning;
  std::atomic<std::int64_t> now = 0;  ///< when the watchdog last looked
};
extern constinit Watch watch;

/// Behind the store of a deadline to Thread::watched: whether the watchdog must be woken or the deadline has passed for
/// certain. There is no fence between that store and these loads. The watchdog looks once more, some milliseconds after
/// it has said that it will sleep; the store is visible by then ("in a reasonable amount of time", as the standard
/// says).
[[nodiscard]] inline bool needs_watchdog(std::int64_t deadline) noexcept {
  return watch.state.load(std::memory_order_relaxed) != WatchdogState::kAwake ||
         deadline <= watch.now.load(std::memory_order_relaxed);
}

/// Has the watchdog see to a deadline of the innermost activation. @return 0, or the trap that the call ends with: the
/// deadline has passed, or nobody can watch it, with the reason in `pending`.
[[nodiscard]] std::uint32_t arm(Thread& thread, std::int64_t deadline) noexcept;
/// Has the watchdog nudge the thread when the innermost activation has run for that long. @return as arm().
[[nodiscard]] std::uint32_t arm_slice(Thread& thread, std::int64_t time_slice) noexcept;
/// On the current thread: whether the innermost activation has run for its time slice. Then it gets another one,
/// whatever comes of this one's end. Async-signal-safe.
[[nodiscard]] bool take_slice_end(Thread& thread) noexcept;

/// On the current thread: decides anew which of its activations are to end. Async-signal-safe.
void decide(Thread& thread) noexcept;

/// Behind an activation that ended, at this depth, while `kill` was set. @return the trap that it is to end with.
[[nodiscard]] std::uint32_t end_killed(Thread& thread, std::uint32_t depth, std::uint32_t trap) noexcept;

/// What a thread was at when it was asked where its guest is.
struct GuestSample {
  std::uint64_t pc;
  std::uint64_t caller;  ///< a return address; 0 if there is none
};
/// Appends what threads have answered since the last time, and asks those that run a guest now.
void sample_guests(std::vector<GuestSample>& samples);

/// The list of all threads.
void watch_thread(Thread& thread) noexcept;
void forget_thread(Thread& thread) noexcept;

}  // namespace anew::detail
