// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace anew::pool {

/// Indices 0 to capacity - 1, shared by threads without a lock, in stacks (Treiber, 1986): what is put back last, whose
/// memory is warm in some cache, is taken first. There are several stacks, each on a cache line of its own, and each
/// thread has one of them that it takes from first and puts back to: so threads that call at the same time neither wait
/// for one another's cache line nor take over one another's instances. Only when its own is empty does a thread look at
/// the others.
///
/// A head holds the index on top and a counter that each change raises. A thread that was about to replace a head
/// which others have meanwhile removed and put back sees another counter and tries again; it would have to sleep
/// through exactly 2^32 changes to be deceived.
///
/// Memory order: push releases and pop acquires the head, so whoever takes an index sees all that its last holder did.
/// next_ needs no order of its own: it is written before the push that publishes it, and a stale value read by a pop
/// that lost the race is thrown away with its failed exchange. An index is in one stack at most, so all share next_.
class FreeList {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  explicit FreeList(std::uint32_t capacity) : next_(std::make_unique<std::atomic<std::uint32_t>[]>(capacity)) {}

  void push(std::uint32_t index) noexcept {
    std::atomic<std::uint64_t>& top = stacks_[this_threads_stack()].head;
    std::uint64_t head = top.load(std::memory_order_relaxed);
    do {
      next_[index].store(index_of(head), std::memory_order_relaxed);
    } while (
        !top.compare_exchange_weak(head, combine(index, head), std::memory_order_release, std::memory_order_relaxed));
  }

  /// @return an index, or kNone if there was a moment during the call at which there was none.
  [[nodiscard]] std::uint32_t pop() noexcept {
    const std::uint32_t mine = this_threads_stack();
    const std::uint32_t index = pop_from(stacks_[mine].head);
    return index != kNone ? index : pop_from_any(mine);
  }

 private:
  static constexpr std::uint32_t kStacks = 16;
  struct alignas(64) Stack {
    std::atomic<std::uint64_t> head{kNone};
  };

  /// Threads are dealt out to the stacks in turn.
  [[nodiscard]] static std::uint32_t this_threads_stack() noexcept {
    static constinit std::atomic<std::uint32_t> threads{0};
    static constinit thread_local std::uint32_t mine = kNone;
    if (mine == kNone) [[unlikely]]
      mine = threads.fetch_add(1, std::memory_order_relaxed) % kStacks;
    return mine;
  }

  [[nodiscard]] std::uint32_t pop_from(std::atomic<std::uint64_t>& top) noexcept {
    std::uint64_t head = top.load(std::memory_order_acquire);
    while (index_of(head) != kNone) {
      const std::uint32_t next = next_[index_of(head)].load(std::memory_order_relaxed);
      if (top.compare_exchange_weak(head, combine(next, head), std::memory_order_acquire, std::memory_order_acquire)) {
        return index_of(head);
      }
    }
    return kNone;
  }

  /// Looks at all stacks, beginning behind `mine`. That each was empty when it was looked at does not mean that all
  /// were at once: another thread may have put an index back behind our back. But a change raises a counter, so if a
  /// second look finds the same heads, all were empty between the two.
  [[nodiscard, gnu::noinline]] std::uint32_t pop_from_any(std::uint32_t mine) noexcept {
    std::array<std::uint64_t, kStacks> last{};
    for (bool second = false;; second = true) {
      bool same = true;
      for (std::uint32_t i = 0; i < kStacks; ++i) {
        std::atomic<std::uint64_t>& top = stacks_[(mine + 1 + i) % kStacks].head;
        if (const std::uint32_t index = pop_from(top); index != kNone) return index;
        const std::uint64_t head = top.load(std::memory_order_acquire);
        same &= head == last[i] && index_of(head) == kNone;
        last[i] = head;
      }
      if (second && same) return kNone;
    }
  }

  static constexpr std::uint32_t index_of(std::uint64_t head) noexcept { return static_cast<std::uint32_t>(head); }
  /// `index` with the counter after that of `head`; it wraps.
  static constexpr std::uint64_t combine(std::uint32_t index, std::uint64_t head) noexcept {
    return ((head >> 32) + 1) << 32 | index;
  }

  std::array<Stack, kStacks> stacks_;
  std::unique_ptr<std::atomic<std::uint32_t>[]> next_;
};

}  // namespace anew::pool
