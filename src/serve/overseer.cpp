// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "serve/overseer.hpp"

#include <algorithm>
#include <chrono>
#include <exception>

namespace anew::serve {
namespace {

constexpr std::chrono::milliseconds kTick{1};
/// For how long a request may hold up its loop: guests are parked before (Exchange::kTimeSlice), host functions are
/// not.
constexpr auto kPatience = 4 * Exchange::kTimeSlice;
constexpr std::uint64_t kTicksOfClients = 20;
/// Looked at in vain before it sleeps: waking it costs a request a system call.
constexpr std::uint64_t kIdleTicks = 100;

}  // namespace

bool Overseer::start() noexcept {
  try {
    thread_ = std::thread([this] { run(); });
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void Overseer::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  log_.flush();
}

void Overseer::cancel_all() noexcept {
  for (const auto& loop : loops_) {
    const std::lock_guard lock(loop->tenants.mutex);
    for (Exchange* const exchange : loop->tenants.exchanges) exchange->cancel(Failure::kShutDown);
  }
}

void Overseer::run() noexcept {
  std::uint64_t idle = 0;
  for (std::uint64_t tick = 0;; ++tick) {
    const bool is_time = tick % kTicksOfClients == 0;
    // In this order: a request that comes behind the look finds is_asleep_ set (Care), and wakes.
    const bool sleeps = idle > kIdleTicks;
    if (sleeps) is_asleep_.store(true);
    bool is_busy = true;
    try {
      is_busy = look(is_time);
    } catch (const std::exception&) {
      // No memory: again in a moment.
    }
    if (is_time || sleeps) log_.flush();
    idle = is_busy ? 0 : idle + 1;
    std::unique_lock lock(mutex_);
    if (is_stopping_) return;
    if (sleeps && !is_busy)
      wake_.wait(lock, [&] { return is_stopping_ || !is_asleep_.load(); });
    else
      wake_.wait_for(lock, kTick);
    is_asleep_.store(false);
    if (sleeps) idle = 0;
  }
}

bool Overseer::look(bool at_clients) {
  const Clock::time_point now = Clock::now();
  bool is_busy = false;
  for (const auto& loop : loops_) {
    const std::lock_guard lock(loop->tenants.mutex);
    is_busy = is_busy || !loop->tenants.exchanges.empty();
    clients_.clear();
    for (Exchange* const exchange : loop->tenants.exchanges) {
      clients_.push_back({exchange->socket(), os::kPeerClosed, 0});
      const Clock::duration at_work = now - exchange->at_work_since();
      if (at_work < kTick) continue;
      if (!exchange->is_parked() && at_work >= kPatience)
        loop->pass_on(exchange->turn());
      else if (exchange->is_parked() && now >= exchange->deadline())
        exchange->cancel(Failure::kTimedOut);
      exchange->tick();
    }
    if (!at_clients || clients_.empty() || !os::wait_for(clients_, 0)) continue;
    for (std::size_t i = 0; i < clients_.size(); ++i)
      if (clients_[i].found != 0) loop->tenants.exchanges[i]->cancel(Failure::kClientGone);
  }
  return is_busy;
}

Overseer::Care::Care(Overseer& overseer, Exchange& exchange) : exchange_(exchange) {
  {
    auto& tenants = exchange.loop().tenants;
    const std::lock_guard lock(tenants.mutex);
    tenants.exchanges.push_back(&exchange);
  }
  if (!overseer.is_asleep_.load()) return;
  const std::lock_guard lock(overseer.mutex_);
  overseer.is_asleep_.store(false);
  overseer.wake_.notify_one();
}

Overseer::Care::~Care() {
  auto& tenants = exchange_.loop().tenants;
  const std::lock_guard lock(tenants.mutex);
  auto& exchanges = tenants.exchanges;
  *std::ranges::find(exchanges, &exchange_) = exchanges.back();  // it is in there since the constructor
  exchanges.pop_back();
}

}  // namespace anew::serve
