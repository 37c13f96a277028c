// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A pool: the stores of one snapshot, each with the main instance that a lease calls and those that it is linked to. A
// store is made when one is wanted and none is free, is restored when its lease goes, and waits in the free list for
// the next. What happens on every call takes no lock and makes no system call; making, destroying and auditing stores
// do, and waiting for them.
//
//   pool_state.cpp   what every call does; making and auditing stores
//   waiting.cpp      what is done under the gate's mutex: waiting for stores, closing the pool, its end
//   upkeep.cpp       idle stores: the helper thread, trimming
//
// A slot's index is in one place at a time: in the free list, in set_aside_, in empty_slots_, or with one thread, which
// alone uses the slot meanwhile. All indices below slots_used_ that are not in empty_slots_ have a store, or are with
// the thread that makes it.
#pragma once

#include <anew/pool.hpp>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "os/thread.hpp"
#include "pool/free_list.hpp"
#include "pool/gate.hpp"
#include "reset/snapshot.hpp"

namespace anew::detail {

using TimePoint = std::chrono::steady_clock::time_point;

/// Counts that one thread at a time writes, whoever holds the slot, and any thread may read: no read-modify-write.
class SlotCounter {
 public:
  void add(std::uint64_t amount) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// A place for a store. The counts outlive the store that is in it.
struct alignas(64) Slot {
  // What every call uses: one cache line.
  std::unique_ptr<StoreState> store;
  Instance* main = nullptr;  ///< of the store
  SlotCounter turns;         ///< one more when the store is leased, and when it is back: odd while it is leased
  SlotCounter restored;
  SlotCounter bytes_restored;
  bool stale = false;    ///< to be restored before it is leased
  bool trimmed = false;  ///< and whole: its memory was given back to the system

  SlotCounter distrusted;
  SlotCounter traps;
  SlotCounter kills;
  SlotCounter audited;
  SlotCounter audit_failures;
  // What upkeep saw last.
  std::uint64_t turns_seen = 0;
  TimePoint idle_since = {};
};

/// What a pool, or one of its stores, takes of the system's, as PoolCacheOptions counts it.
struct Footprint {
  std::uint64_t bytes = 0;
  std::uint64_t mappings = 0;
  std::uint64_t address_space = 0;

  void add(const Footprint& other, std::uint64_t times = 1) noexcept {
    bytes += times * other.bytes;
    mappings += times * other.mappings;
    address_space += times * other.address_space;
  }
};

/// Frees room for slots, whose objects are destroyed.
struct FreesSlots {
  std::size_t count;
  void operator()(Slot* slots) const noexcept { std::allocator<Slot>().deallocate(slots, count); }
};

struct GivesGateBack {
  void operator()(pool::Gate* gate) const noexcept { pool::Gate::give_back(*gate); }
};

struct PoolState {
  static constexpr std::uint32_t kNone = pool::FreeList::kNone;

  /// A pool without instances and without a helper thread.
  PoolState(reset::Snapshot snapshot, PoolOptions options);
  ~PoolState();

  /// The stores and the helper thread that the options ask for. Before anyone else uses the pool.
  [[nodiscard]] Result<void> warm_up();
  /// The last Pool is gone: deletes the state, or leaves that to the last lease.
  void orphan() noexcept;

  /// @return the main instance of a store as new, or null if none lies ready; then acquire() with what `stale` is now.
  [[nodiscard]] Instance* acquire_ready(std::uint32_t& stale) noexcept {
    if (gate_->word.load(std::memory_order_relaxed) != 0) [[unlikely]]
      return nullptr;
    const std::uint32_t index = free_.pop();
    if (index == kNone) [[unlikely]]
      return nullptr;
    Slot& slot = slots_[index];
    if (slot.stale) [[unlikely]] {
      stale = index;
      return nullptr;
    }
    slot.turns.add(1);
    return slot.main;
  }
  /// The same, restoring or making one, or waiting for one if `until` is given.
  [[nodiscard]] Result<Instance*> acquire(std::uint32_t stale, std::optional<TimePoint> until);
  /// Restores the store and keeps it, or destroys it if it cannot be restored or failed its audit. The state may be
  /// gone afterwards, if the last Pool is.
  void give_back(StoreState& store) noexcept;
  /// A store made the slow way, in no slot; give_back deletes it.
  [[nodiscard]] Result<StoreState*> instantiate();

  std::uint32_t trim() noexcept;
  /// What the helper does with idle instances when the steady clock says `now`. For tests, whose time does not pass by
  /// itself.
  void keep_up(TimePoint now) noexcept;
  /// Closes the pool and waits for the leases, stopping the calls in them if asked to.
  [[nodiscard]] Result<void> close(TimePoint deadline, bool interrupt);

  [[nodiscard]] PoolStatistics statistics() const noexcept;
  [[nodiscard]] std::string audit_report() const;
  [[nodiscard]] Footprint footprint() const noexcept;
  /// Has `make_room` called, maybe by several threads at once, when the system refuses what an instance takes: see
  /// pool::make_with_room. Before anyone else uses the pool.
  void set_make_room(std::function<bool(std::size_t)> make_room) { make_room_ = std::move(make_room); }
  [[nodiscard]] const LinkedModule& linked() const noexcept { return snapshot_.main(); }
  [[nodiscard]] const reset::Snapshot& snapshot() const noexcept { return snapshot_; }

 private:
  using Lock = std::unique_lock<std::mutex>;  // of the gate's mutex

  /// What somebody who wants an instance is given.
  struct Given {
    enum class What : std::uint8_t { kNothing, kStore, kEmptySlot, kClosed };
    What what = What::kNothing;
    std::uint32_t index = kNone;
  };
  struct Waiter {
    std::condition_variable wake;
    Given given = {};
    Waiter* next = nullptr;
  };

  // pool_state.cpp
  [[nodiscard]] Result<Instance*> use(const Given& given);
  [[nodiscard]] Result<Instance*> take(std::uint32_t index);
  [[nodiscard]] Result<Instance*> make_store(std::uint32_t index);
  [[nodiscard]] Result<void> fill(std::uint32_t index);
  template <typename Make>
  auto with_room(Make&& make) -> decltype(make());
  /// Makes the store one as new. @return false if it is to be destroyed.
  [[nodiscard]] bool renew(Slot& slot) noexcept;
  [[nodiscard]] bool renew_or_throw(StoreState& store, Slot& slot);
  [[nodiscard]] bool passes_audit(const StoreState& store, Slot& slot);
  [[nodiscard]] Result<void> run_start_in_time(StoreState& store) const;
  void set_fresh(Slot& slot) noexcept;  ///< not stale any more
  void count_how_it_ended(const StoreState& store, Slot& slot) const noexcept;
  /// Where others find it. The state may be gone afterwards.
  void put(std::uint32_t index) noexcept;
  /// Empties a slot that this thread holds. The state may be gone afterwards.
  void drop(std::uint32_t index) noexcept;

  // waiting.cpp
  [[nodiscard]] Given find(const Lock&) noexcept;
  [[nodiscard]] Given wait(Lock& lock, TimePoint until);
  void serve(const Lock&) noexcept;
  static void serve_behind(pool::Gate& gate, std::uint64_t life) noexcept;
  /// Serves those who wait and, if the pool is closed, drops what is idle. Unlocks; the state may be gone afterwards.
  void settle(Lock& lock) noexcept;
  [[nodiscard]] bool all_back() const noexcept;
  [[nodiscard]] bool closed() const noexcept;
  [[nodiscard]] std::unexpected<Error> refusal() const;

  // upkeep.cpp
  void set_aside(std::uint32_t index) noexcept;
  void help() noexcept;
  void keep_up(Lock& lock, TimePoint now) noexcept;
  std::uint32_t drop_idle(Lock& lock, std::uint32_t at_most) noexcept;
  /// Empties a slot that is in no list now. Its store is to be destroyed without the lock.
  [[nodiscard]] std::unique_ptr<StoreState> take_store_out(std::uint32_t index) noexcept;
  void stop_helper() noexcept;
  /// Whether this is the helper, in a function of the embedder that it called.
  [[nodiscard]] bool is_helper() const noexcept { return std::this_thread::get_id() == helper_.get_id(); }
  /// Whether the helper is about to have restored an instance: not if it is the one who asks, nor in a child after
  /// fork(), where there is none.
  [[nodiscard]] bool helper_will_restore(const Lock&) const noexcept {
    return helper_restores_ && !is_helper() && helpers_process_ == os::process_id();
  }

  const reset::Snapshot snapshot_;
  const PoolOptions options_;
  const Footprint of_snapshot_;                 // of the snapshot alone
  const Footprint of_store_;                    // of each store
  std::function<bool(std::size_t)> make_room_;  // may be empty
  std::unique_ptr<pool::Gate, GivesGateBack> gate_;
  std::unique_ptr<Slot[], FreesSlots> slots_;  // room for as many as the capacity; constructed below slots_used_
  pool::FreeList free_;
  std::atomic<std::uint64_t> restores_{0};  // counted only if audits are asked for

  // Guarded by gate_->mutex; what is atomic may be read without.
  std::atomic<std::uint32_t> slots_used_{0};
  std::vector<std::uint32_t> empty_slots_;  // below slots_used_, their stores destroyed
  std::vector<std::uint32_t> set_aside_;    // ResetWhen::kHelper: stale ones, for the helper or whoever comes first
  std::vector<std::unique_ptr<StoreState>> doomed_;  // the helper's own
  Waiter* first_waiter_ = nullptr;
  Waiter* last_waiter_ = nullptr;
  bool orphaned_ = false;
  bool stop_helper_ = false;
  bool orphaned_by_helper_ = false;    // it had the last Pool, and orphans the state when it ends
  std::uint32_t being_destroyed_ = 0;  // stores whose slot is empty already
  bool helper_restores_ = false;       // the helper holds a slot
  std::condition_variable progress_;   // of closing: something came back; of the helper: it restored something
  std::condition_variable for_helper_;
  std::thread helper_;
  int helpers_process_ = 0;
  std::atomic<std::uint64_t> made_{0};
  std::atomic<std::uint64_t> live_{0};          // stores in slots
  std::atomic<std::uint64_t> cold_{0};          // of these, those trimmed
  std::atomic<std::uint64_t> instantiated_{0};  // leases of stores in no slot
  std::atomic<std::uint64_t> waited_{0};
  std::atomic<std::uint64_t> timed_out_{0};
  std::atomic<std::uint64_t> trimmed_{0};
  std::atomic<std::uint64_t> evictions_{0};

  mutable std::mutex audit_mutex_;  // guards what follows
  std::string audit_report_;
};

}  // namespace anew::detail
