// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "pool/pool_state.hpp"

#include <fmt/format.h>

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
  // So that destroying an instance, which happens where nothing may fail, allocates nothing.
  empty_slots_.reserve(options_.capacity);
}

// --- every call -----------------------------------------------------------------------------------------------------

Result<Instance*> PoolState::acquire() {
  const std::uint32_t index = free_.pop();
  if (index == pool::FreeList::kNone) [[unlikely]]
    return make_instance();
  Slot& slot = slots_[index];
  slot.acquired.add(1);
  return slot.instance.get();
}

void PoolState::give_back(Instance& instance) noexcept {
  const std::uint32_t index = instance.slot;
  if (index == kNoSlot) [[unlikely]] {
    delete &instance;  // Pool::instantiate released it to the lease
    return;
  }
  Slot& slot = slots_[index];
  bool renewed = false;
  try {
    renewed = renew(instance, slot);
  } catch (...) {
    // A hook of the embedder threw, or an audit ran out of memory: the instance goes.
  }
  if (renewed) [[likely]] {
    free_.push(index);
    return;
  }
  slot.instance.reset();
  const std::lock_guard lock(mutex_);
  empty_slots_.push_back(index);
}

bool PoolState::renew(Instance& instance, Slot& slot) {
  const bool whole = instance.distrusted || !snapshot_.linked->module->options.marks;
  if (instance.distrusted) [[unlikely]]
    slot.distrusted.add(1);
  const reset::Restored restored =
      whole ? reset::restore_whole(instance, snapshot_) : reset::restore(instance, snapshot_);
  if (!restored.ok) [[unlikely]]
    return false;
  slot.restored.add(1);
  slot.cards_restored.add(restored.cards);
  if (options_.audit_every != 0 && restores_.fetch_add(1, std::memory_order_relaxed) % options_.audit_every == 0 &&
      !passes_audit(instance, slot)) {
    return false;
  }
  if (instance.host_state.reset) instance.host_state.reset(instance.host_state.state.get());
  // If it fails now, it will fail again for whoever acquires the next instance, and is reported there.
  return !snapshot_.start_after_restore || run_start(instance).has_value();
}

// --- now and then ---------------------------------------------------------------------------------------------------

Result<Instance*> PoolState::make_instance() {
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
  auto made = without_exceptions("an instance is made", [&]() -> Result<std::unique_ptr<Instance>> {
    auto instance = reset::make_instance(snapshot_);
    if (!instance) return instance;
    (*instance)->slot = index;
    if (auto ready = attach_host_state(**instance); !ready) return std::unexpected(std::move(ready.error()));
    if (snapshot_.start_after_restore) {
      if (auto ready = run_start(**instance); !ready) return std::unexpected(std::move(ready.error()));
    }
    return instance;
  });
  if (!made) {
    const std::lock_guard lock(mutex_);
    empty_slots_.push_back(index);
    return std::unexpected(std::move(made.error()));
  }
  made_.fetch_add(1, std::memory_order_relaxed);
  Slot& slot = slots_[index];  // ours alone until it is pushed
  slot.instance = std::move(*made);
  slot.acquired.add(1);
  return slot.instance.get();
}

Result<void> PoolState::attach_host_state(Instance& instance) const {
  if (!options_.make_host_state) return {};
  return without_exceptions("PoolOptions::make_host_state runs", [&]() -> Result<void> {
    instance.host_state = options_.make_host_state();
    return {};
  });
}

Result<std::unique_ptr<Instance>> PoolState::instantiate() const {
  auto instance = reset::instantiate(snapshot_.linked, false);
  if (!instance) return instance;
  if (auto ready = attach_host_state(**instance); !ready) return std::unexpected(std::move(ready.error()));
  if (auto ready = run_start(**instance); !ready) return std::unexpected(std::move(ready.error()));
  return instance;
}

bool PoolState::passes_audit(const Instance& instance, Slot& slot) {
  slot.audited.add(1);
  const Instance* reference = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (reference_ == nullptr) {
      // A start function that runs after the restore has not run yet.
      if (auto made = reset::instantiate(snapshot_.linked, !snapshot_.start_after_restore)) {
        reference_ = std::move(*made);
      } else {
        if (audit_report_.empty()) audit_report_ = "no instance to compare with: " + made.error().message;
        slot.audit_failures.add(1);
        return false;
      }
    }
    reference = reference_.get();
  }
  std::string difference = reset::audit(instance, *reference);
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
    sum.cards_restored += slot.cards_restored.get();
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
