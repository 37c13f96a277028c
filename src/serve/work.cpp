// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/work.hpp"

#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "os/try.hpp"
#include "runtime/without_exceptions.hpp"
#include "serve/loop.hpp"

namespace anew::serve {

Work::Work(Exchange& exchange, Answered answered)
    : exchange_(exchange), loop_(exchange.loop()), answered_(std::move(answered)) {}

/// Others may go on with it as soon as the lock is gone. Who gives it up before that does so again: the overseer tells
/// those that are to end each millisecond.
void Work::park(const std::function<void()>& until) {
  const auto parked = anew::detail::without_exceptions("a request is answered", [&]() -> Result<void> {
    std::shared_ptr<Work> self = shared_from_this();
    exchange_.park([weak = weak_from_this()] {
      if (const auto work = weak.lock()) work->post(&Work::give_up);
    });
    const std::lock_guard lock(mutex_);
    until();
    self_ = std::move(self);
    state_ = State::kParked;
    return {};
  });
  if (!parked) end(parked);
}

void Work::park_for_others() {
  park([this] {
    Loop::later([weak = weak_from_this()] {
      if (const auto work = weak.lock()) work->wake_now();
    });
  });
}

std::shared_ptr<Work> Work::take() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kParked) return nullptr;
  state_ = State::kAtWork;
  return std::exchange(self_, nullptr);
}

void Work::wake_now() {
  const std::shared_ptr<Work> self = take();
  if (self == nullptr) return;
  exchange_.unpark();
  go_on();
}

void Work::give_up() {
  const std::shared_ptr<Work> self = take();
  if (self == nullptr) return;
  exchange_.unpark();
  end(fail(ErrorCode::kIo, "the request was given up while the guest waited"));
}

Result<void> Work::take_care_of(Lease& lease) {
  lease.set_deadline(exchange_.deadline());
  lease.set_time_slice(Exchange::kTimeSlice);
  auto canceller = TRY(lease.canceller());
  exchange_.set_canceller(std::move(canceller));
  return {};
}

void Work::end(Result<void> result) {
  exchange_.clear_canceller();
  let_go();
  answered_(std::move(result));
}

void Work::post(void (Work::*function)()) noexcept {
  try {
    boost::asio::post(loop_.context(), [self = shared_from_this(), function] { (*self.*function)(); });
  } catch (const std::exception&) {
    // No memory: what gives it up is told again; what would go on is given up when its time is over.
  }
}

}  // namespace anew::serve
