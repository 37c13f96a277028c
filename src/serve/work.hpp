// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A request in work whose guest leaves the thread, while it waits or when it has computed for long. Then the exchange
// is parked, and nothing but this object is left of it, until what it waits for is there, or others have had their
// turn.
#pragma once

#include <anew/error.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "serve/application.hpp"
#include "serve/exchange.hpp"

namespace anew::serve {

class Work : public std::enable_shared_from_this<Work> {
 public:
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  virtual ~Work() = default;

 protected:
  Work(Exchange& exchange, Answered answered);

  /// The next step, on the thread that runs the loop, or that the guest was parked on.
  virtual void go_on() = 0;
  /// Behind all: the guest is gone. May be called by go_on(); is by give_up().
  virtual void end(Result<void> result) = 0;

  /// Leaves the thread. @param until  has something call wake() or wake_now(), with the lock.
  void park(const std::function<void()>& until);
  /// The same, until others have had their turn. Goes on on this thread.
  void park_for_others();
  /// Goes on if it is parked: where the loop runs, or at once.
  void wake() noexcept { post(&Work::wake_now); }
  void wake_now();
  /// Tells who asked: the exchange is gone behind it.
  void answer(Result<void> result);

  [[nodiscard]] Exchange& exchange() const noexcept { return exchange_; }
  /// Of what derives from this.
  template <typename T>
  [[nodiscard]] std::weak_ptr<T> weak() {
    return std::static_pointer_cast<T>(shared_from_this());
  }

 private:
  enum class State : std::uint8_t { kAtWork, kParked };

  /// What was parked is at work again. @return null if it was not parked.
  [[nodiscard]] std::shared_ptr<Work> take();
  void give_up();
  /// Has a function run on the thread that runs the loop.
  void post(void (Work::*function)()) noexcept;

  Exchange& exchange_;  ///< until answered_ is called
  Loop& loop_;
  Answered answered_;
  std::mutex mutex_;
  State state_ = State::kAtWork;  ///< guarded by the mutex
  std::shared_ptr<Work> self_;    ///< while it is parked
};

}  // namespace anew::serve
