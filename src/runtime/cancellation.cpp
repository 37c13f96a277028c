// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/cancellation.hpp"

#include <chrono>
#include <thread>

#include "os/process_barrier.hpp"
#include "runtime/store_state.hpp"

namespace anew::detail {
namespace {

/// Where the system has no os::barrier_in_all_threads: what a thread stored is seen by others long before that.
constexpr std::chrono::milliseconds kUntilSeen{2};

}  // namespace

void Cancellation::cancel(std::uint64_t lease) noexcept {
  const std::lock_guard lock(mutex_);
  if (store_ == nullptr || lease != lease_) return;
  store_->deadline.store(kCancelled, std::memory_order_relaxed);
  if (!os::barrier_in_all_threads()) std::this_thread::sleep_for(kUntilSeen);
  nudge_calls_in(*store_);
}

void Cancellation::set_deadline(std::int64_t deadline) noexcept {
  const std::lock_guard lock(mutex_);
  if (store_->deadline.load(std::memory_order_relaxed) == kCancelled) return;
  store_->deadline.store(deadline, std::memory_order_relaxed);
}

void Cancellation::end_lease() noexcept {
  const std::lock_guard lock(mutex_);
  ++lease_;
}

void Cancellation::end_store() noexcept {
  const std::lock_guard lock(mutex_);
  store_ = nullptr;
}

}  // namespace anew::detail
