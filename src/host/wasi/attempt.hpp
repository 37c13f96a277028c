// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions of preview 1 that would wait, in a call that may leave its thread: they end with Errno::kLeft, the call is
// left, and they are called again from their beginning when there may be something. So they change nothing before.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "host/wasi/watch.hpp"
#include "os/sandbox/streams.hpp"
#include "runtime/wait.hpp"

namespace anew::wasi::detail {

/// What the function waits for, from one attempt to the next.
struct Waited {
  std::shared_ptr<anew::detail::Wait> wait;  ///< null: it does not
  std::shared_ptr<const void> watch;         ///< what completes it
};

/// While there is one, of this thread, what would wait may say so instead.
class ANEW_DETAIL_API Attempt {
 public:
  /// @param may_leave  otherwise current() is null as long as this is there.
  explicit Attempt(bool may_leave) noexcept;
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt();

  /// Null where one has to wait.
  [[nodiscard]] static Attempt* current() noexcept;

  /// Another one when one of the descriptors is ready, or at that time of os::monotonic_time().
  /// @return false if nobody can tell: one has to wait.
  [[nodiscard]] bool again_when(std::span<const os::Awaited> descriptors, std::uint64_t time = Watch::kForever);
  /// Another one when `until` says so: it is given what is to be called, once.
  void again(const std::function<void(std::function<void()> tell)>& until);
  [[nodiscard]] Waited take() noexcept { return std::exchange(waited_, {}); }
  [[nodiscard]] bool waits() const noexcept { return waited_.wait != nullptr; }

 private:
  Attempt* const around_;
  Waited waited_;
};

}  // namespace anew::wasi::detail
