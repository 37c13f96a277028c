// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

namespace anew::detail {
struct PoolState;
}

namespace anew::pool {

/// What tells the threads that use a pool to leave the path without locks: somebody waits for an instance, or the pool
/// is closed.
///
/// A thread that gives an instance back puts it where others find it and then looks at `word`. As soon as it was put
/// there, all instances may be back and the pool be destroyed. So a Gate is never unmapped: a pool that goes leaves it
/// to another one, and `life` tells the thread whether the pool that it knew is still there.
struct Gate {
  static constexpr std::uint32_t kClosed = 1u << 31;
  alignas(64) std::atomic<std::uint32_t> word{0};  ///< callers that wait, and kClosed; changed under the mutex
  std::atomic<std::uint64_t> life{0};              ///< changed under the mutex, when a pool goes
  std::mutex mutex;                                ///< the pool's
  detail::PoolState* pool = nullptr;               ///< guarded by the mutex

  /// A gate for a pool. May throw std::bad_alloc.
  [[nodiscard]] static Gate& take(detail::PoolState& pool);
  /// For the next pool. @pre this thread does not hold the mutex.
  static void give_back(Gate& gate) noexcept;

 private:
  friend struct Gates;
  Gate* next_ = nullptr;  ///< of those that have no pool
};

}  // namespace anew::pool
