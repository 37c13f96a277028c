// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The result of a host function that its call waits for (anew/async.hpp).
#pragma once

#include <anew/async.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace anew::detail {

struct Wait {
  std::mutex mutex;
  std::condition_variable is_there;  // for calls that cannot be left
  // Guarded by the mutex.
  bool ready = false;
  std::vector<std::uint64_t> slots;
  std::optional<Error> error;
  std::function<void()> wake;
  /// What is made of the result, in place of copying `slots`: on the guest's thread, as by its host function, which is
  /// given its own slots. @return as FinishHostCall. Set before the guest's thread looks whether it is ready.
  std::function<std::uint32_t(std::uint64_t*)> finish;
};

[[nodiscard]] bool is_ready(Wait& wait);
/// Completes it, once: `set` is called under the lock if nobody has yet.
void complete_by(Wait& wait, const std::function<void()>& set);

}  // namespace anew::detail
