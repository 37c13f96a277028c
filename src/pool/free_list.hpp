// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "pool/thread_number.hpp"

namespace anew::pool {

/// Indices 0 to capacity - 1, shared by threads without a lock; what is put back last, whose memory is warm in some
/// cache, is taken first. Each thread has a place of its own for one index, and a stack (Treiber, 1986) behind it that
/// it shares with few others, each on a cache line of its own: so threads that call at the same time neither wait for
/// one another's cache line nor take over one another's instances. Only when both are empty does a thread look at the
/// others'.
///
/// A place holds an index, or none, and a counter. Only its thread puts something in, and only when nothing is in: that
/// is a plain store. Anyone may take it out, by exchange. A stack's head holds the index on top and a counter that each
/// change raises. A thread that was about to replace a word which others have meanwhile changed and changed back sees
/// another counter and tries again; it would have to sleep through exactly 2^32 changes to be deceived.
///
/// Memory order: putting back releases and taking acquires the word, so whoever takes an index sees all that its last
/// holder did. next_ needs no order of its own: it is written before the push that publishes it, and a stale value read
/// by a pop that lost the race is thrown away with its failed exchange. An index is in one stack at most, so all share
/// next_. Putting back touches nothing of the list after the index can be taken.
class FreeList {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  explicit FreeList(std::uint32_t capacity) : next_(std::make_unique<std::atomic<std::uint32_t>[]>(capacity)) {}

  void push(std::uint32_t index) noexcept {
    const std::uint32_t thread = this_threads_number();
    if (thread >= kOwnNumbers) [[unlikely]] {
      push_chain(stack_of(thread), index, index);
      return;
    }
    std::atomic<std::uint64_t>& place = places_[thread].word;
    std::uint64_t word = place.load(std::memory_order_relaxed);
    if (index_of(word) != kNone) [[unlikely]] {
      // What lies there is colder and gives way to the stack, unless somebody takes it just now.
      if (place.compare_exchange_strong(word, emptied(word), std::memory_order_acquire, std::memory_order_relaxed))
        push_chain(stack_of(thread), index_of(word), index_of(word));
    }
    place.store(raised(index, word), std::memory_order_release);
  }

  /// @return an index, or kNone if there was a moment during the call at which there was none.
  [[nodiscard]] std::uint32_t pop() noexcept {
    const std::uint32_t thread = this_threads_number();
    if (thread < kOwnNumbers) [[likely]] {
      if (const std::uint32_t index = take_from(places_[thread].word); index != kNone) [[likely]]
        return index;
    }
    const std::uint32_t index = pop_from(stack_of(thread));
    return index != kNone ? index : pop_from_any(thread);
  }

  /// Looks at each index that is in the list and leaves in it those for which `keep` is true. Meanwhile others may find
  /// the list emptier than it is. One thread at a time.
  template <typename Keep>
  void sift(Keep&& keep) {
    for (Word& stack : stacks_) {
      std::uint64_t head = stack.word.load(std::memory_order_acquire);
      while (index_of(head) != kNone &&
             !stack.word.compare_exchange_weak(head, raised(kNone, head), std::memory_order_acquire)) {
      }
      // Nobody else knows the chain now.
      std::uint32_t first = kNone;
      std::uint32_t last = kNone;
      for (std::uint32_t index = index_of(head); index != kNone;) {
        const std::uint32_t next = next_[index].load(std::memory_order_relaxed);
        if (keep(index)) {
          if (first == kNone) first = index;
          if (last != kNone) next_[last].store(index, std::memory_order_relaxed);
          last = index;
        }
        index = next;
      }
      if (first != kNone) push_chain(stack.word, first, last);
    }
    for (std::uint32_t thread = 0; thread < kOwnNumbers; ++thread) {
      const std::uint32_t index = take_from(places_[thread].word);
      if (index != kNone && keep(index)) push_chain(stack_of(thread), index, index);
    }
  }

 private:
  static constexpr std::uint32_t kStacks = 16;
  struct alignas(64) Word {
    std::atomic<std::uint64_t> word{kNone};
  };

  [[nodiscard]] std::atomic<std::uint64_t>& stack_of(std::uint32_t thread) noexcept {
    return stacks_[thread % kStacks].word;
  }

  [[nodiscard]] static std::uint32_t take_from(std::atomic<std::uint64_t>& place) noexcept {
    std::uint64_t word = place.load(std::memory_order_relaxed);
    while (index_of(word) != kNone)
      if (place.compare_exchange_weak(word, emptied(word), std::memory_order_acquire, std::memory_order_relaxed))
        return index_of(word);
    return kNone;
  }

  /// Puts indices that are linked by next_ from `first` to `last` onto a stack.
  void push_chain(std::atomic<std::uint64_t>& top, std::uint32_t first, std::uint32_t last) noexcept {
    std::uint64_t head = top.load(std::memory_order_relaxed);
    do {
      next_[last].store(index_of(head), std::memory_order_relaxed);
    } while (
        !top.compare_exchange_weak(head, raised(first, head), std::memory_order_release, std::memory_order_relaxed));
  }

  [[nodiscard]] std::uint32_t pop_from(std::atomic<std::uint64_t>& top) noexcept {
    std::uint64_t head = top.load(std::memory_order_acquire);
    while (index_of(head) != kNone) {
      const std::uint32_t next = next_[index_of(head)].load(std::memory_order_relaxed);
      if (top.compare_exchange_weak(head, raised(next, head), std::memory_order_acquire, std::memory_order_acquire))
        return index_of(head);
    }
    return kNone;
  }

  /// Looks at all stacks and places, beginning behind the thread's own. That each was empty when it was looked at does
  /// not mean that all were at once: another thread may have put an index back behind our back. But that raises a
  /// counter, so if a second look finds the same words, all were empty between the two.
  [[nodiscard, gnu::noinline]] std::uint32_t pop_from_any(std::uint32_t thread) noexcept {
    std::array<std::uint64_t, kStacks + kOwnNumbers> last{};
    for (bool second = false;; second = true) {
      bool same = true;
      const auto look = [&](std::atomic<std::uint64_t>& word, std::uint64_t& before) {
        const std::uint64_t now = word.load(std::memory_order_acquire);
        same &= now == before && index_of(now) == kNone;
        before = now;
      };
      for (std::uint32_t i = 0; i < kStacks; ++i) {
        const std::uint32_t stack = (thread + 1 + i) % kStacks;
        if (const std::uint32_t index = pop_from(stacks_[stack].word); index != kNone) return index;
        look(stacks_[stack].word, last[stack]);
      }
      for (std::uint32_t i = 0; i < kOwnNumbers; ++i) {
        const std::uint32_t place = (thread + 1 + i) % kOwnNumbers;
        if (const std::uint32_t index = take_from(places_[place].word); index != kNone) return index;
        look(places_[place].word, last[kStacks + place]);
      }
      if (second && same) return kNone;
    }
  }

  [[nodiscard]] static std::uint32_t index_of(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(word);  // its low half
  }
  /// The word that follows `last` when something is put in or taken from a stack.
  [[nodiscard]] static std::uint64_t raised(std::uint32_t index, std::uint64_t last) noexcept {
    return ((last >> 32) + 1) << 32 | index;
  }
  /// A place's word once its index is taken. The counter need not change: what is put in next raises it.
  [[nodiscard]] static std::uint64_t emptied(std::uint64_t word) noexcept { return word | kNone; }

  std::array<Word, kStacks> stacks_;
  std::array<Word, kOwnNumbers> places_;
  std::unique_ptr<std::atomic<std::uint32_t>[]> next_;  // of each index, the one below it in its stack
};

}  // namespace anew::pool
