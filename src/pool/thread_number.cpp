// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "pool/thread_number.hpp"

#include <atomic>
#include <bit>

namespace anew::pool {
namespace {

static_assert(kOwnNumbers == 64);
constinit std::atomic<std::uint64_t> taken{0};  // a bit for each number below kOwnNumbers
constinit std::atomic<std::uint32_t> further{0};

/// Leaves the thread a number that is not its own: it may still use pools while its other objects are destroyed.
struct GivesNumberBack {
  std::uint32_t own = kNoNumber;
  ~GivesNumberBack() {
    if (own == kNoNumber) return;
    thread_number = kOwnNumbers + own;
    taken.fetch_and(~(std::uint64_t{1} << own), std::memory_order_release);
  }
};

}  // namespace

[[gnu::tls_model("initial-exec")]] constinit thread_local std::uint32_t thread_number = kNoNumber;

[[gnu::noinline, gnu::cold]] std::uint32_t take_thread_number() noexcept {
  static thread_local GivesNumberBack at_exit;
  std::uint64_t bits = taken.load(std::memory_order_relaxed);
  while (~bits != 0) {
    const auto free = static_cast<std::uint32_t>(std::countr_one(bits));  // at most 63
    if (taken.compare_exchange_weak(bits, bits | std::uint64_t{1} << free, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      at_exit.own = free;
      return thread_number = free;
    }
  }
  return thread_number = kOwnNumbers + further.fetch_add(1, std::memory_order_relaxed) % kOwnNumbers;
}

}  // namespace anew::pool
