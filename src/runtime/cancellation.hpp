// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdint>
#include <mutex>

#include "runtime/deadline.hpp"

namespace anew::detail {

struct StoreState;

/// What a store's Cancellers share with it. It is made with the first of them, serves all later leases of the store,
/// and outlives the store as long as there are Cancellers.
///
/// A cancelled lease is one whose deadline is kCancelled. A call shows its activation and then reads the deadline
/// (invoke.cpp); cancel() writes the deadline, has all threads pass a barrier, and then looks for activations: so the
/// call has read this deadline, or its thread is nudged and finds it (decide()). The mutex is held meanwhile and taken
/// when a lease ends: what belongs to one lease never reaches the next.
class Cancellation {
 public:
  explicit Cancellation(StoreState& store) noexcept : store_(&store) {}

  /// The number of the store's lease. For its thread.
  [[nodiscard]] std::uint64_t lease() const noexcept { return lease_; }
  /// Of this lease's calls, unless it has gone.
  void cancel(std::uint64_t lease) noexcept;
  /// Of the lease, unless it is cancelled.
  void set_deadline(std::int64_t deadline) noexcept;
  /// From now on no Canceller of the lease does anything.
  void end_lease() noexcept;
  void end_store() noexcept;

 private:
  std::mutex mutex_;
  StoreState* store_;        ///< null when it is gone; guarded by the mutex
  std::uint64_t lease_ = 0;  ///< written under the mutex by the lease's thread
};

}  // namespace anew::detail
