// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How other threads wake a guest's that waits for them and for descriptors of the system at once.
#pragma once

#include <atomic>

#include "os/file.hpp"
#include "os/sandbox/streams.hpp"

namespace anew::wasi::detail {

/// Takes a system call only where a thread waits.
class Waker {
 public:
  /// From any thread, at any time.
  void wake() noexcept {
    if (is_armed_.exchange(false)) os::signal_event(event_.number());
  }
  /// What is waked from now on signals the event. Call it, look whether there is something to wait for, then wait.
  /// @return the event's descriptor, or -1 if there is none: the system has no more. Look again now and then.
  [[nodiscard]] int arm() {
    if (!event_.is_open()) {
      auto made = os::make_event();
      if (!made) return -1;
      event_ = std::move(*made);
    }
    os::clear_event(event_.number());
    is_armed_.store(true);
    return event_.number();
  }
  void disarm() noexcept { is_armed_.store(false); }

 private:
  std::atomic<bool> is_armed_ = false;
  os::Descriptor event_;  ///< not changed once it is open, and read by others after is_armed_ alone
};

}  // namespace anew::wasi::detail
