// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "pool/pool_state.hpp"

#include <fmt/format.h>

#include "abi/planted_fault.hpp"
#include "reset/audit.hpp"
#include "reset/restore.hpp"
#include "runtime/instance.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::detail {

PoolState::PoolState(reset::Snapshot snapshot, PoolOptions options)
    : snapshot_(std::move(snapshot)),
      options_(std::move(options)),
      slots_(std::make_unique<Slot[]>(options_.capacity)),
      free_(options_.capacity) {
  // So that destroying a store, which happens where nothing may fail, allocates nothing.
  empty_slots_.reserve(options_.capacity);
}

// --- every call -----------------------------------------------------------------------------------------------------

Result<Instance*> PoolState::acquire() {
  const std::uint32_t index = free_.pop();
  if (index == pool::FreeList::kNone) [[unlikely]]
    return make_store();
  Slot& slot = slots_[index];
  slot.acquired.add(1);
  return slot.main;
}

void PoolState::give_back(StoreState& store) noexcept {
  const std::uint32_t index = store.slot;
  if (index == kNoSlot) [[unlikely]] {
    delete &store;  // Pool::instantiate released it to the lease
    return;
  }
  Slot& slot = slots_[index];
  bool renewed = false;
  try {
    renewed = renew(store, slot);
  } catch (...) {
    // A hook of the embedder threw, or an audit ran out of memory: the store goes.
  }
  if (renewed) [[likely]] {
    free_.push(index);
    return;
  }
  slot.store.reset();
  const std::lock_guard lock(mutex_);
  empty_slots_.push_back(index);
}

bool PoolState::renew(StoreState& store, Slot& slot) {
  if (store.distrusted) [[unlikely]]
    slot.distrusted.add(1);
  const reset::Restored restored = reset::restore(store, snapshot_);
  if (!restored.ok) [[unlikely]]
    return false;
  slot.restored.add(1);
  slot.bytes_restored.add(restored.bytes);
  if (options_.audit_every != 0 && restores_.fetch_add(1, std::memory_order_relaxed) % options_.audit_every == 0 &&
      !passes_audit(store, slot)) {
    return false;
  }
  if constexpr (!abi::is_planted(abi::PlantedFault::kHostState)) {
    if (const HostState& host = slot.main->host_state; host.reset) host.reset(host.state.get());
  }
  if constexpr (abi::is_planted(abi::PlantedFault::kStart)) return true;
  // If it fails now, it will fail again for whoever acquires the next store, and is reported there.
  return !snapshot_.start_after_restore ||
         run_start(*slot.main, deadline_in(snapshot_.options.start_timeout)).has_value();
}

// --- now and then ---------------------------------------------------------------------------------------------------

Result<Instance*> PoolState::make_store() {
  std::uint32_t index = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!empty_slots_.empty()) {
      index = empty_slots_.back();
      empty_slots_.pop_back();
    } else if (slots_used_ < options_.capacity) {
      index = slots_used_++;
    } else {
      return fail(ErrorCode::kResource,
                  fmt::format("all {} instances of the pool are leased: give leases back sooner, or raise the pool's "
                              "capacity",
                              options_.capacity));
    }
  }
  // Outside the lock: it takes system calls, and may call the embedder.
  auto made = without_exceptions("an instance is made", [&]() -> Result<std::unique_ptr<StoreState>> {
    auto store = reset::make_store(snapshot_);
    if (!store) return store;
    (*store)->slot = index;
    if (auto ready = attach_host_state(**store); !ready) return std::unexpected(std::move(ready.error()));
    if (snapshot_.start_after_restore) {
      if (auto ready = run_start((*store)->main(), deadline_in(snapshot_.options.start_timeout)); !ready)
        return std::unexpected(std::move(ready.error()));
    }
    return store;
  });
  if (!made) {
    const std::lock_guard lock(mutex_);
    empty_slots_.push_back(index);
    return std::unexpected(std::move(made.error()));
  }
  made_.fetch_add(1, std::memory_order_relaxed);
  Slot& slot = slots_[index];  // ours alone until it is pushed
  slot.store = std::move(*made);
  slot.main = &slot.store->main();
  slot.acquired.add(1);
  return slot.main;
}

Result<void> PoolState::attach_host_state(StoreState& store) const {
  if (!options_.make_host_state) return {};
  return without_exceptions("PoolOptions::make_host_state runs", [&]() -> Result<void> {
    HostState made = options_.make_host_state();
    for (const auto& instance : store.instances) instance->host_state.state = made.state;
    store.main().host_state.reset = std::move(made.reset);  // once for all of them
    return {};
  });
}

Result<std::unique_ptr<StoreState>> PoolState::instantiate() const {
  auto store = reset::instantiate(snapshot_, false);
  if (!store) return store;
  if (auto ready = attach_host_state(**store); !ready) return std::unexpected(std::move(ready.error()));
  if (!snapshot_.start_after_restore) return store;
  const std::int64_t deadline = deadline_in(snapshot_.options.start_timeout);
  if (auto ready = run_start((*store)->main(), deadline); !ready) return std::unexpected(std::move(ready.error()));
  return store;
}

bool PoolState::passes_audit(const StoreState& store, Slot& slot) {
  slot.audited.add(1);
  std::string difference = reset::audit(store, *snapshot_.original);
  if (difference.empty()) return true;
  slot.audit_failures.add(1);
  const std::lock_guard lock(mutex_);
  if (audit_report_.empty()) audit_report_ = std::move(difference);
  return false;
}

PoolStatistics PoolState::statistics() const noexcept {
  PoolStatistics sum;
  sum.instances = made_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < options_.capacity; ++i) {
    const Slot& slot = slots_[i];
    sum.acquired += slot.acquired.get();
    sum.restored += slot.restored.get();
    sum.distrusted += slot.distrusted.get();
    sum.bytes_restored += slot.bytes_restored.get();
    sum.audited += slot.audited.get();
    sum.audit_failures += slot.audit_failures.get();
  }
  return sum;
}

std::string PoolState::audit_report() const {
  const std::lock_guard lock(mutex_);
  return audit_report_;
}

}  // namespace anew::detail
