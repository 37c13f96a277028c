// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A pool: the stores of one snapshot, each with the main instance that a lease calls and those that it is linked to. A
// store is made when one is wanted and none is free, is restored when its lease goes, and waits in the free list for
// the next. What happens on every call takes no lock and makes no system call; making, destroying and auditing stores
// do.
#pragma once

#include <anew/pool.hpp>
#include <atomic>
#include <mutex>

#include "pool/free_list.hpp"
#include "reset/snapshot.hpp"

namespace anew::detail {

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
  std::unique_ptr<StoreState> store;
  Instance* main = nullptr;  ///< of the store
  SlotCounter acquired;
  SlotCounter restored;
  SlotCounter distrusted;
  SlotCounter bytes_restored;
  SlotCounter audited;
  SlotCounter audit_failures;
};

struct PoolState {
  PoolState(reset::Snapshot snapshot, PoolOptions options);

  /// @return the main instance of a store as new.
  [[nodiscard]] Result<Instance*> acquire();
  /// Restores the store and keeps it, or destroys it if it cannot be restored or failed its audit.
  void give_back(StoreState& store) noexcept;
  /// A store made the slow way, in no slot.
  [[nodiscard]] Result<std::unique_ptr<StoreState>> instantiate() const;
  [[nodiscard]] PoolStatistics statistics() const noexcept;
  [[nodiscard]] std::string audit_report() const;

  [[nodiscard]] const reset::Snapshot& snapshot() const noexcept { return snapshot_; }
  [[nodiscard]] const LinkedModule& linked() const noexcept { return snapshot_.main(); }

 private:
  [[nodiscard]] Result<Instance*> make_store();
  /// Makes the store one as new. @return false if it is to be destroyed.
  [[nodiscard]] bool renew(StoreState& store, Slot& slot);
  [[nodiscard]] bool passes_audit(const StoreState& store, Slot& slot);
  [[nodiscard]] Result<void> attach_host_state(StoreState& store) const;

  const reset::Snapshot snapshot_;
  const PoolOptions options_;
  std::unique_ptr<Slot[]> slots_;  // as many as the capacity
  pool::FreeList free_;
  std::atomic<std::uint64_t> restores_{0};  // counted only if audits are asked for
  std::atomic<std::uint64_t> made_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::uint32_t slots_used_ = 0;
  std::vector<std::uint32_t> empty_slots_;  // below slots_used_, their stores destroyed
  std::string audit_report_;
};

}  // namespace anew::detail
