// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a pool does under its gate's mutex: waiting for instances, closing, and the pool's end.
#include <fmt/format.h>

#include <algorithm>

#include "os/process_barrier.hpp"
#include "pool/pool_state.hpp"

namespace anew::detail {
namespace {

/// How often those that wait look themselves, where the system has no os::barrier_in_all_threads.
constexpr std::chrono::milliseconds kLookAgain{1};
/// How often calls are stopped while a pool is shut down: a lease may begin another one.
constexpr std::chrono::milliseconds kStopAgain{2};

}  // namespace

Result<Instance*> PoolState::acquire(std::uint32_t stale, std::optional<TimePoint> until) {
  if (stale != kNone) return take(stale);
  Given given;
  {
    Lock lock(gate_->mutex);
    // What the helper restores just now is not leased: soon it will be there.
    while (!closed() && first_waiter_ == nullptr) {
      given = find(lock);
      if (given.what != Given::What::kNothing || until || !helper_will_restore(lock)) break;
      progress_.wait(lock);
    }
    if (closed()) return refusal();
    if (given.what == Given::What::kNothing) {
      if (!until) return refusal();
      given = wait(lock, *until);
      if (given.what == Given::What::kNothing) {
        return fail(ErrorCode::kResource,
                    fmt::format("no instance of the pool was given back before the deadline; all {} are leased: give "
                                "leases back sooner, or raise the pool's capacity",
                                options_.capacity));
      }
    }
  }
  return use(given);
}

std::unexpected<Error> PoolState::refusal() const {
  if (closed())
    return fail(ErrorCode::kResource, "the pool is closed (Pool::drain, Pool::shutdown): make another pool");
  return fail(ErrorCode::kResource,
              fmt::format("all {} instances of the pool are leased{}: give leases back sooner, wait for one with "
                          "acquire_until(), or raise the pool's capacity",
                          options_.capacity, first_waiter_ != nullptr ? " or promised to callers that wait" : ""));
}

bool PoolState::closed() const noexcept {
  return (gate_->word.load(std::memory_order_relaxed) & pool::Gate::kClosed) != 0;
}

PoolState::Given PoolState::find(const Lock&) noexcept {
  if (const std::uint32_t index = free_.pop(); index != kNone) return {Given::What::kStore, index};
  if (!set_aside_.empty()) {
    const std::uint32_t index = set_aside_.back();
    set_aside_.pop_back();
    return {Given::What::kStore, index};
  }
  if (!empty_slots_.empty()) {
    const std::uint32_t index = empty_slots_.back();
    empty_slots_.pop_back();
    return {Given::What::kEmptySlot, index};
  }
  const std::uint32_t used = slots_used_.load(std::memory_order_relaxed);
  if (used == options_.capacity) return {};
  std::construct_at(slots_.get() + used);
  slots_used_.store(used + 1, std::memory_order_release);  // statistics() may look at it now
  return {Given::What::kEmptySlot, used};
}

PoolState::Given PoolState::wait(Lock& lock, TimePoint until) {
  Waiter self;
  (last_waiter_ != nullptr ? last_waiter_->next : first_waiter_) = &self;
  last_waiter_ = &self;
  gate_->word.fetch_add(1, std::memory_order_relaxed);
  waited_.fetch_add(1, std::memory_order_relaxed);
  const bool seen = os::barrier_in_all_threads();  // see put()
  serve(lock);
  while (self.given.what == Given::What::kNothing) {
    const TimePoint now = std::chrono::steady_clock::now();
    if (now >= until) {
      Waiter** link = &first_waiter_;
      Waiter* before = nullptr;
      while (*link != &self) {
        before = *link;
        link = &before->next;
      }
      *link = self.next;
      if (last_waiter_ == &self) last_waiter_ = before;
      gate_->word.fetch_sub(1, std::memory_order_relaxed);
      timed_out_.fetch_add(1, std::memory_order_relaxed);
      break;
    }
    self.wake.wait_until(lock, seen ? until : std::min(until, now + kLookAgain));
    if (!seen) serve(lock);
  }
  return self.given;
}

void PoolState::serve(const Lock& lock) noexcept {
  while (first_waiter_ != nullptr) {
    const Given given = closed() ? Given{Given::What::kClosed, kNone} : find(lock);
    if (given.what == Given::What::kNothing) return;
    Waiter& first = *first_waiter_;
    first_waiter_ = first.next;
    if (first_waiter_ == nullptr) last_waiter_ = nullptr;
    gate_->word.fetch_sub(1, std::memory_order_relaxed);
    first.given = given;
    first.wake.notify_one();  // under the lock: `first` goes as soon as its thread has it
  }
}

void PoolState::serve_behind(pool::Gate& gate, std::uint64_t life) noexcept {
  Lock lock(gate.mutex);
  if (gate.life.load(std::memory_order_relaxed) == life) gate.pool->settle(lock);
}

bool PoolState::all_back() const noexcept {
  return empty_slots_.size() == slots_used_.load(std::memory_order_relaxed) &&
         instantiated_.load(std::memory_order_relaxed) == 0 && being_destroyed_ == 0;
}

void PoolState::settle(Lock& lock) noexcept {
  serve(lock);
  if (closed()) {
    while (drop_idle(lock, 1) != 0) {
    }
    progress_.notify_all();
    if (orphaned_ && all_back()) {
      gate_->pool = nullptr;
      gate_->life.fetch_add(1, std::memory_order_relaxed);
      lock.unlock();
      delete this;
      return;
    }
  }
  lock.unlock();
}

Result<void> PoolState::close(TimePoint deadline, bool interrupt) {
  Lock lock(gate_->mutex);
  gate_->word.fetch_or(pool::Gate::kClosed, std::memory_order_relaxed);
  const bool seen = os::barrier_in_all_threads();  // see put()
  for (;;) {
    settle(lock);  // not the end: the caller's Pool keeps the state
    if (interrupt) interrupt_calls(this);
    lock.lock();
    if (all_back()) return {};
    const TimePoint now = std::chrono::steady_clock::now();
    if (now >= deadline) break;
    if (interrupt || !seen)
      progress_.wait_until(lock, std::min(deadline, now + (interrupt ? kStopAgain : kLookAgain)));
    else
      progress_.wait_until(lock, deadline);
  }
  const std::uint64_t out =
      slots_used_.load(std::memory_order_relaxed) - empty_slots_.size() + instantiated_.load(std::memory_order_relaxed);
  return fail(ErrorCode::kResource,
              fmt::format("{} of the pool's instances are still leased at the deadline: give the leases back{}", out,
                          interrupt ? "" : ", or stop the calls with Pool::shutdown"));
}

void PoolState::orphan() noexcept {
  // In a child after fork() nobody can join the helper, nor destroy what it waited on: the state stays.
  if (helper_.joinable() && helpers_process_ != os::process_id()) return;
  if (is_helper()) {
    helper_.detach();
    const Lock lock(gate_->mutex);
    stop_helper_ = true;
    orphaned_by_helper_ = true;
    return;
  }
  stop_helper();
  Lock lock(gate_->mutex);
  orphaned_ = true;
  gate_->word.fetch_or(pool::Gate::kClosed, std::memory_order_relaxed);
  (void)os::barrier_in_all_threads();
  settle(lock);
}

}  // namespace anew::detail
