// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a pool does with instances that nobody uses.
#include <algorithm>

#include "os/available_memory.hpp"
#include "pool/pool_state.hpp"
#include "reset/snapshot.hpp"

namespace anew::detail {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kShortestTick = std::chrono::milliseconds(1);
constexpr nanoseconds kPressureTick = std::chrono::milliseconds(500);

/// How often the helper looks: so that an instance goes at most a quarter of the idle time late.
nanoseconds tick_of(const PoolOptions& options) noexcept {
  nanoseconds tick = nanoseconds::max();
  if (options.idle_time.count() > 0) tick = options.idle_time / 4;
  if (options.minimum_available_bytes != 0) tick = std::min(tick, kPressureTick);
  return std::max(tick, kShortestTick);
}

/// Gives the pages of the store's memories back. It must be restored whole before it is used again.
void discard_memories(const StoreState& store) noexcept {
  for (const auto& instance : store.instances) {
    const auto count = static_cast<std::uint32_t>(instance->linked->wasm().memories.size());  // limits::kMemories
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!reset::owns_memory(*instance, i)) continue;
      std::byte* const base = instance->memory(i).base;
      // If the system refuses, the memory stays: no harm.
      if (const std::uint64_t bytes = abi::hot_header(base).memory_reached; bytes != 0) (void)os::discard(base, bytes);
    }
  }
}

bool memory_is_short(std::uint64_t minimum) noexcept {
  try {
    return os::available_memory() < minimum;
  } catch (...) {
    return true;  // not even enough to read a file
  }
}

}  // namespace

void PoolState::set_aside(std::uint32_t index) noexcept {
  Slot& slot = slots_[index];
  slot.stale = true;
  if (options_.reset == ResetWhen::kAcquire) {
    slot.turns.add(1);
    put(index);
    return;
  }
  {
    const Lock lock(gate_->mutex);
    if (gate_->word.load(std::memory_order_relaxed) == 0) {
      slot.turns.add(1);
      set_aside_.push_back(index);
      for_helper_.notify_one();  // under the lock: behind it the state may be gone
      return;
    }
  }
  // Somebody waits for it, or the pool is closed.
  slot.turns.add(1);
  put(index);
}

void PoolState::help() noexcept {
  const nanoseconds tick = tick_of(options_);
  const bool ticks = tick != nanoseconds::max();
  TimePoint next_tick = std::chrono::steady_clock::now();
  if (ticks) next_tick += tick;  // nothing is idle yet
  Lock lock(gate_->mutex);
  while (!stop_helper_) {
    if (!set_aside_.empty()) {
      const std::uint32_t index = set_aside_.back();
      set_aside_.pop_back();
      helper_restores_ = true;
      lock.unlock();
      Slot& slot = slots_[index];
      if (renew(slot)) {
        set_fresh(slot);
        put(index);
      } else {
        drop(index);
      }
      lock.lock();
      helper_restores_ = false;
      progress_.notify_all();
      continue;
    }
    if (!ticks) {
      for_helper_.wait(lock);
      continue;
    }
    const TimePoint now = std::chrono::steady_clock::now();
    if (now < next_tick) {
      for_helper_.wait_until(lock, next_tick);
      continue;
    }
    next_tick = now + tick;
    keep_up(lock, now);
  }
  if (!orphaned_by_helper_) return;
  lock.unlock();
  orphan();
}

void PoolState::stop_helper() noexcept {
  {
    const Lock lock(gate_->mutex);
    stop_helper_ = true;
    for_helper_.notify_one();
  }
  if (helper_.joinable()) helper_.join();
}

void PoolState::keep_up(TimePoint now) noexcept {
  Lock lock(gate_->mutex);
  keep_up(lock, now);
}

/// Others find the free list emptier than it is while it is sifted, and then look again under the lock.
void PoolState::keep_up(Lock& lock, TimePoint now) noexcept {
  if (options_.minimum_available_bytes != 0) {
    lock.unlock();
    const bool is_short = memory_is_short(options_.minimum_available_bytes);
    lock.lock();
    if (is_short) drop_idle(lock, options_.capacity);
  }
  if (options_.idle_time.count() <= 0) return;
  std::uint64_t live = live_.load(std::memory_order_relaxed);
  free_.sift([&](std::uint32_t index) {
    Slot& slot = slots_[index];
    if (slot.turns.get() != slot.turns_seen || slot.idle_since == TimePoint{}) {
      slot.turns_seen = slot.turns.get();
      slot.idle_since = now;
    }
    const nanoseconds idle = now - slot.idle_since;
    if (idle >= options_.idle_time && !slot.trimmed &&
        live > cold_.load(std::memory_order_relaxed) + options_.minimum_warm) {
      discard_memories(*slot.store);
      slot.stale = true;
      slot.trimmed = true;
      cold_.fetch_add(1, std::memory_order_relaxed);
      trimmed_.fetch_add(1, std::memory_order_relaxed);
    }
    if (idle / 2 < options_.idle_time || live <= options_.minimum_warm) return true;
    --live;
    doomed_.push_back(take_store_out(index));
    return false;
  });
  serve(lock);  // what was sifted meanwhile was not there for those who looked
  if (doomed_.empty()) return;
  ++being_destroyed_;
  lock.unlock();
  doomed_.clear();
  lock.lock();
  --being_destroyed_;
  progress_.notify_all();
}

std::uint32_t PoolState::trim() noexcept {
  Lock lock(gate_->mutex);
  return drop_idle(lock, options_.capacity);
}

std::unique_ptr<StoreState> PoolState::take_store_out(std::uint32_t index) noexcept {
  empty_slots_.push_back(index);
  live_.fetch_sub(1, std::memory_order_relaxed);
  if (!closed()) evictions_.fetch_add(1, std::memory_order_relaxed);
  set_fresh(slots_[index]);  // whatever is made there next
  return std::move(slots_[index].store);
}

/// Unlocks meanwhile.
std::uint32_t PoolState::drop_idle(Lock& lock, std::uint32_t at_most) noexcept {
  std::uint32_t dropped = 0;
  while (dropped < at_most) {
    if (!closed() && live_.load(std::memory_order_relaxed) <= options_.minimum_warm) break;
    std::uint32_t index = kNone;
    if (!set_aside_.empty()) {
      index = set_aside_.back();
      set_aside_.pop_back();
    } else {
      index = free_.pop();
    }
    if (index == kNone) break;
    // Destroying it may call the embedder, who may call the pool.
    std::unique_ptr<StoreState> store = take_store_out(index);
    ++being_destroyed_;
    ++dropped;
    serve(lock);
    lock.unlock();
    store.reset();
    lock.lock();
    --being_destroyed_;
    progress_.notify_all();
  }
  return dropped;
}

}  // namespace anew::detail
