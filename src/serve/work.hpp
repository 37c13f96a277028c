// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A request in work whose guest leaves the thread, while it waits or when it has computed for long. Then the exchange
// is parked, and nothing but this object is left of it, until what it waits for is there, or others have had their
// turn.
#pragma once

#include <anew/error.hpp>
#include <anew/pool.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "os/sandbox/streams.hpp"
#include "runtime/without_exceptions.hpp"
#include "serve/application.hpp"
#include "serve/exchange.hpp"

namespace anew::serve {

class Work : public std::enable_shared_from_this<Work> {
 public:
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  virtual ~Work() = default;

  /// Goes on if it is parked: where the loop runs, or at once.
  void wake() noexcept { post(&Work::wake_now); }
  void wake_now();

 protected:
  Work(Exchange& exchange, Answered answered);

  /// The next step, on the thread that runs the loop, or that the guest was parked on.
  virtual void go_on() = 0;
  /// Lets go of the guest and of what else needs the exchange.
  virtual void let_go() noexcept = 0;

  /// Has the lease's calls end with the exchange, and share its thread.
  [[nodiscard]] Result<void> take_care_of(Lease& lease);
  /// Leaves the thread. @param until  has something call wake() or wake_now(), with the lock.
  void park(const std::function<void()>& until);
  /// The same, until others have had their turn. Goes on on this thread.
  void park_for_others();
  /// Tells who asked. The exchange is gone behind it.
  void end(Result<void> result);

  [[nodiscard]] Exchange& exchange() const noexcept { return exchange_; }

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

/// Work whose steps are those of one call of a guest. @tparam Derived  has
///
///   Result<bool> start();         begins the call. @return false if the exchange has its answer without one
///   auto& call();                 a Call<void> or component::Call
///   void resume();                the call that has left
///   Result<void> end_of_guest();  of a call that is done: what became of it
///   Result<bool> send_rest();     of the response, behind that. @return whether it was all
template <typename Derived>
class CallWork : public Work {
 public:
  void begin() {
    auto has_begun = attempt([&] { return self().start(); });
    if (!has_begun) return end(std::unexpected(std::move(has_begun.error())));
    *has_begun ? settle() : end({});
  }

 private:
  friend Derived;
  CallWork(Exchange& exchange, Answered answered) : Work(exchange, std::move(answered)) {}

  [[nodiscard]] Derived& self() noexcept { return static_cast<Derived&>(*this); }
  template <typename F>
  static auto attempt(F&& function) {
    return anew::detail::without_exceptions("a request is answered", std::forward<F>(function));
  }

  void go_on() final {
    if (is_guest_gone_) return send();
    const auto resumed = attempt([&]() -> Result<void> {
      self().resume();
      return {};
    });
    if (!resumed) return end(resumed);
    settle();
  }

  /// Behind each step of the guest's.
  void settle() {
    if (self().call().is_done()) {
      const auto ended = attempt([&] { return self().end_of_guest(); });
      is_guest_gone_ = true;
      return ended ? send() : end(ended);
    }
    if (self().call().is_parked()) return park_for_others();
    park([this] {
      self().call().on_ready([weak = weak_from_this()] {
        if (const auto work = weak.lock()) work->wake();
      });
    });
  }

  /// Behind the guest: what is left of its response is sent as the client takes it.
  void send() {
    auto is_sent = attempt([&] { return self().send_rest(); });
    if (!is_sent) return end(std::unexpected(std::move(is_sent.error())));
    if (*is_sent) return end({});
    park([this] {
      exchange().when_ready(os::kCanWrite, [weak = weak_from_this()] {
        if (const auto work = weak.lock()) work->wake_now();
      });
    });
  }

  bool is_guest_gone_ = false;
};

/// Application::handle() by an object of such a class.
template <typename Derived, typename Of>
void work_on(Of& application, Exchange& exchange, const Answered& answered) noexcept {
  std::shared_ptr<Derived> work;
  const auto made = anew::detail::without_exceptions("a request is answered", [&]() -> Result<void> {
    work = std::make_shared<Derived>(application, exchange, answered);
    return {};
  });
  if (!made) return answered(made);
  work->begin();
}

}  // namespace anew::serve
