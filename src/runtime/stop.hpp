// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whether the host's work for a call is still wanted. A guest is stopped wherever it is, a host function only where it
// asks: whatever can take longer than some milliseconds asks now and then.
#pragma once

#include <exception>

#include "runtime/thread.hpp"

namespace anew::detail {

/// Thrown from wherever the host works, as std::bad_alloc is, and caught where a host function returns to its guest.
struct ANEW_DETAIL_API CallStopped : std::exception {
  [[nodiscard]] const char* what() const noexcept override {
    return "the call is to end: its deadline has passed, or it was stopped";
  }
};

/// Whether a call that is active on a thread is to end (watchdog.hpp). May be asked from others, which work for it.
/// @param thread  null: there is none.
[[nodiscard]] inline bool stop_requested(const Thread* thread = current_thread()) noexcept {
  return thread != nullptr && __atomic_load_n(&thread->kill, __ATOMIC_RELAXED) != 0;
}

/// Between two pieces of long work. @throw CallStopped
inline void check_stop(const Thread* thread = current_thread()) {
  if (stop_requested(thread)) [[unlikely]]
    throw CallStopped();
}

}  // namespace anew::detail
