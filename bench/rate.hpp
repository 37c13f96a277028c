// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How often several threads together do something.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "support.hpp"

namespace anew::bench {

/// Makes what one thread repeats.
using Work = std::function<std::function<void()>()>;

/// Calls a second of so many threads together, over so much time.
[[nodiscard]] inline double calls_per_second(const Work& work, unsigned threads, std::chrono::milliseconds time) {
  std::atomic<unsigned> ready{0};
  std::atomic<bool> go{false};
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> calls{0};
  std::vector<std::jthread> running;
  for (unsigned t = 0; t < threads; ++t) {
    running.emplace_back([&] {
      const auto call = work();
      call();
      ++ready;
      while (!go.load()) std::this_thread::yield();
      std::uint64_t mine = 0;
      for (; !stop.load(std::memory_order_relaxed); ++mine) call();
      calls += mine;
    });
  }
  while (ready < threads) std::this_thread::yield();
  const auto begin = Clock::now();
  go = true;
  std::this_thread::sleep_for(time);
  stop = true;
  running.clear();
  return static_cast<double>(calls) * 1e9 / nanoseconds(Clock::now() - begin);
}

}  // namespace anew::bench
