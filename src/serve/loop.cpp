// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/loop.hpp"

#include <exception>

namespace anew::serve {

Loop::Loop() = default;

Loop::~Loop() { stop(); }

bool Loop::start() noexcept {
  const std::lock_guard lock(mutex_);
  try {
    is_free_ = true;
    threads_.emplace_back([this] { run(); });
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void Loop::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  context_.stop();
  turn_is_free_.notify_all();
  for (std::thread& thread : threads_) thread.join();  // none is added any more
  threads_.clear();
}

void Loop::pass_on(std::uint64_t turn) noexcept {
  if (turn_.load(std::memory_order_relaxed) != turn) return;
  const std::lock_guard lock(mutex_);
  if (turn_.load(std::memory_order_relaxed) != turn || is_stopping_) return;
  if (idle_ == 0) {
    try {
      threads_.emplace_back([this] { run(); });
    } catch (const std::exception&) {
      return;
    }
  }
  is_free_ = true;
  turn_.store(turn + 1, std::memory_order_release);
  turn_is_free_.notify_one();
}

void Loop::run() noexcept {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    if (!is_free_) {
      ++idle_;
      turn_is_free_.wait(lock, [&] { return is_free_ || is_stopping_; });
      --idle_;
      continue;
    }
    is_free_ = false;
    const std::uint64_t turn = turn_.load(std::memory_order_relaxed);
    lock.unlock();
    while (turn_.load(std::memory_order_acquire) == turn && !context_.stopped()) context_.run_one();
    lock.lock();
  }
}

}  // namespace anew::serve
