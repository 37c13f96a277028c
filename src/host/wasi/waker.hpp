// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How other threads wake a guest's that waits for them and for descriptors of the system at once, or a guest that no
// thread waits with.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

#include "os/file.hpp"
#include "os/sandbox/streams.hpp"

namespace anew::wasi::detail {

/// Takes a system call only where a thread waits.
class Waker {
 public:
  /// From any thread, at any time.
  void wake() noexcept {
    if (!is_armed_.exchange(false)) return;
    std::function<void()> tell;
    {
      const std::lock_guard lock(mutex_);
      tell = std::exchange(tell_, nullptr);
    }
    if (tell)
      tell();
    else
      os::signal_event(event_.number());
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
    set({});
    is_armed_.store(true);
    return event_.number();
  }
  /// The same, but what is waked calls this: once, on the thread that wakes.
  void arm(std::function<void()> tell) {
    set(std::move(tell));
    is_armed_.store(true);
  }
  void disarm() noexcept { is_armed_.store(false); }

 private:
  void set(std::function<void()> tell) {
    const std::lock_guard lock(mutex_);
    tell_.swap(tell);  // what was there goes behind the lock
  }

  std::atomic<bool> is_armed_ = false;
  std::mutex mutex_;
  std::function<void()> tell_;  ///< guarded by the mutex; empty: the event
  os::Descriptor event_;        ///< not changed once it is open, and read by others after is_armed_ alone
};

}  // namespace anew::wasi::detail
