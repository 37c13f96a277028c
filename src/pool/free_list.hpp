// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace anew::pool {

/// A stack of indices 0 to capacity - 1, shared by threads without a lock (Treiber, 1986): the one put back last, whose
/// memory is warm in some cache, is taken first.
///
/// The head holds the index on top and a counter that each change raises. A thread that was about to replace a head
/// which others have meanwhile removed and put back sees another counter and tries again; it would have to sleep
/// through exactly 2^32 changes to be deceived.
///
/// Memory order: push releases and pop acquires the head, so whoever takes an index sees all that its last holder did.
/// next_ needs no order of its own: it is written before the push that publishes it, and a stale value read by a pop
/// that lost the race is thrown away with its failed exchange.
class FreeList {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  explicit FreeList(std::uint32_t capacity) : next_(std::make_unique<std::atomic<std::uint32_t>[]>(capacity)) {}

  void push(std::uint32_t index) noexcept {
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    do {
      next_[index].store(index_of(head), std::memory_order_relaxed);
    } while (
        !head_.compare_exchange_weak(head, combine(index, head), std::memory_order_release, std::memory_order_relaxed));
  }

  /// @return an index, or kNone if there is none.
  [[nodiscard]] std::uint32_t pop() noexcept {
    std::uint64_t head = head_.load(std::memory_order_acquire);
    while (index_of(head) != kNone) {
      const std::uint32_t next = next_[index_of(head)].load(std::memory_order_relaxed);
      if (head_.compare_exchange_weak(head, combine(next, head), std::memory_order_acquire,
                                      std::memory_order_acquire)) {
        return index_of(head);
      }
    }
    return kNone;
  }

 private:
  static constexpr std::uint32_t index_of(std::uint64_t head) noexcept { return static_cast<std::uint32_t>(head); }
  /// `index` with the counter after that of `head`; it wraps.
  static constexpr std::uint64_t combine(std::uint32_t index, std::uint64_t head) noexcept {
    return ((head >> 32) + 1) << 32 | index;
  }

  // On a cache line of its own: every thread writes it.
  alignas(64) std::atomic<std::uint64_t> head_{kNone};
  std::unique_ptr<std::atomic<std::uint32_t>[]> next_;
};

}  // namespace anew::pool
