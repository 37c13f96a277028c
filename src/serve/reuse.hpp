// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Instances that serve several requests before they are made as new: for comparison, since each sees what the ones
// before it left.
#pragma once

#include <anew/error.hpp>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "os/try.hpp"

namespace anew::serve {

template <typename Lease>
class Reuse {
 public:
  explicit Reuse(std::uint32_t requests) : requests_(requests) {}

  struct Held {
    Lease lease;
    std::uint32_t served = 0;
  };
  /// One that has served some, or one as new. @param acquire  gives the latter, a Result<Lease>.
  template <typename Acquire>
  Result<Held> take(const Acquire& acquire) {
    if (requests_ > 1) {
      const std::lock_guard lock(mutex_);
      if (!held_.empty()) {
        Held held = std::move(held_.back());
        held_.pop_back();
        return held;
      }
    }
    auto lease = TRY(acquire());
    return Held{std::move(lease)};
  }
  /// Behind a request that went well; behind others the instance just goes.
  void give_back(Held held) {
    if (++held.served >= requests_) return;
    const std::lock_guard lock(mutex_);
    held_.push_back(std::move(held));
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    held_.clear();
  }

 private:
  const std::uint32_t requests_;
  std::mutex mutex_;
  std::vector<Held> held_;
};

}  // namespace anew::serve
