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
};

}  // namespace anew::detail
