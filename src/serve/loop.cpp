// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/loop.hpp"

#include <chrono>
#include <deque>
#include <exception>
#include <utility>

namespace anew::serve {
namespace {

/// How long the loop goes on before what waits in its thread has its turn: as long as that may take.
constexpr std::chrono::milliseconds kLoopsTurn{1};

/// Of a loop's thread.
struct OwnThread {
  std::uint64_t turn = 0;
  std::deque<std::function<void()>> later;
};
thread_local OwnThread* own_thread = nullptr;

}  // namespace

std::uint64_t Loop::turn() noexcept { return own_thread->turn; }

void Loop::later(std::function<void()> function) { own_thread->later.push_back(std::move(function)); }

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
  OwnThread own;
  own_thread = &own;
  const auto go_on = [&own] {
    const auto next = std::move(own.later.front());
    own.later.pop_front();
    next();
  };
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    if (!is_free_ && own.later.empty()) {
      ++idle_;
      turn_is_free_.wait(lock, [&] { return is_free_ || is_stopping_; });
      --idle_;
      continue;
    }
    const bool runs_loop = std::exchange(is_free_, false);
    if (runs_loop) own.turn = turn_.load(std::memory_order_relaxed);
    lock.unlock();
    if (!runs_loop) go_on();
    while (runs_loop && turn_.load(std::memory_order_acquire) == own.turn && !context_.stopped()) {
      if (own.later.empty()) {
        context_.run_one();
        continue;
      }
      const auto end = std::chrono::steady_clock::now() + kLoopsTurn;
      while (turn_.load(std::memory_order_acquire) == own.turn && context_.poll_one() != 0 &&
             std::chrono::steady_clock::now() < end) {
      }
      if (!own.later.empty()) go_on();
    }
    lock.lock();
  }
}

}  // namespace anew::serve
