// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Stopping guests from outside: at a deadline, or at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace anew::detail {

/// Deadlines are nanoseconds of std::chrono::steady_clock.
inline constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int64_t>::max();
/// A lease's deadline once it is cancelled (cancellation.hpp): one that has always passed.
inline constexpr std::int64_t kCancelled = std::numeric_limits<std::int64_t>::min();

struct StoreState;

[[nodiscard]] inline std::int64_t to_deadline(std::chrono::steady_clock::time_point time) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}
/// The deadline that lies so many ns behind a time; none if that is past the clock's end.
[[nodiscard]] inline std::int64_t deadline_behind(std::int64_t time, std::int64_t nanoseconds) noexcept {
  return nanoseconds >= kNoDeadline - time ? kNoDeadline : time + nanoseconds;
}
[[nodiscard]] inline std::int64_t deadline_in(std::chrono::nanoseconds timeout) noexcept {
  return deadline_behind(to_deadline(std::chrono::steady_clock::now()), timeout.count());
}

/// Stops every call that runs now in a store of this owner (StoreState::owner), on whatever thread: it ends with
/// TrapKind::kInterrupted. A call in a host function ends when that returns. Calls that begin later are not stopped.
void interrupt_calls(const void* owner) noexcept;
/// Has each thread with a call in the store look whether that is to end, because the store's deadline is kCancelled
/// now.
void nudge_calls_in(const StoreState& store) noexcept;

}  // namespace anew::detail
