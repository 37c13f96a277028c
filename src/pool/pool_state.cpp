// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "pool/pool_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ranges>
#include <system_error>

#include "abi/planted_fault.hpp"
#include "os/try.hpp"
#include "pool/make_with_room.hpp"
#include "reset/audit.hpp"
#include "reset/restore.hpp"
#include "runtime/instance.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::detail {
namespace {

constexpr std::uint64_t kCellBytes = 16 << 10;   // of its header, tables and cards, that are touched in any case
constexpr std::uint64_t kRegionBytes = 4 << 10;  // likewise, of a further memory

Footprint footprint_of_snapshot(const reset::Snapshot& snapshot) noexcept {
  Footprint sum;
  for (const reset::InstanceImage& instance : snapshot.instances) {
    for (const reset::MemoryImage& memory : instance.memories) {
      if (memory.nonzero_count == 0) continue;
      sum.add({memory.nonzero_count * os::kPageBytes, 1, memory.pages.size()});
    }
    for (const reset::TableImage& table : instance.tables) sum.bytes += table.elements.size() * sizeof(std::uint64_t);
  }
  return sum;
}

/// The pages of the snapshot are counted for each store: whatever is written takes a copy.
Footprint footprint_of_store(const reset::Snapshot& snapshot) noexcept {
  Footprint sum;
  sum.bytes = footprint_of_snapshot(snapshot).bytes;
  for (const reset::InstanceImage& instance : snapshot.instances) {
    const abi::CellLayout& layout = instance.linked->layout();
    // What can be accessed and what cannot, and a mapped image in the midst of the former.
    sum.add({kCellBytes, 2, layout.reservation_bytes()});
    const std::uint64_t region =
        abi::memory_header_bytes(layout.card_shift()) + abi::kMemoryAddressSpace + abi::kGuardBytes;
    for (const reset::MemoryImage& memory : instance.memories) {
      if (memory.memory != 0) sum.add({kRegionBytes, 2, region});
      if (memory.is_mapped()) sum.mappings += 2;
    }
  }
  return sum;
}

}  // namespace

PoolState::PoolState(reset::Snapshot snapshot, PoolOptions options)
    : snapshot_(std::move(snapshot)),
      options_(std::move(options)),
      of_snapshot_(footprint_of_snapshot(snapshot_)),
      of_store_(footprint_of_store(snapshot_)),
      gate_(&pool::Gate::take(*this)),
      // Not touched: that of unused slots costs nothing.
      slots_(std::allocator<Slot>().allocate(options_.capacity), {options_.capacity}),
      free_(options_.capacity) {
  // So that giving a store back or destroying it, which happens where nothing may fail, allocates nothing.
  empty_slots_.reserve(options_.capacity);
  if (options_.reset == ResetWhen::kHelper) set_aside_.reserve(options_.capacity);
  if (options_.idle_time.count() > 0) doomed_.reserve(options_.capacity);
}

PoolState::~PoolState() { std::destroy_n(slots_.get(), slots_used_.load()); }

// --- every call -----------------------------------------------------------------------------------------------------

void PoolState::give_back(StoreState& store) noexcept {
  const std::uint32_t index = store.slot;
  if (index == kNoSlot) [[unlikely]] {
    delete &store;  // instantiate() released it to the lease
    Lock lock(gate_->mutex);
    instantiated_.fetch_sub(1, std::memory_order_relaxed);
    settle(lock);
    return;
  }
  Slot& slot = slots_[index];
  if (options_.reset != ResetWhen::kRelease) [[unlikely]] {
    set_aside(index);
    return;
  }
  const bool renewed = renew(slot);
  slot.turns.add(1);
  if (renewed) [[likely]]
    put(index);
  else
    drop(index);
}

void PoolState::put(std::uint32_t index) noexcept {
  pool::Gate& gate = *gate_;
  const std::uint64_t life = gate.life.load(std::memory_order_relaxed);
  free_.push(index);
  // Whoever begins to wait, or closes the pool, first makes it seen in the gate, then has all threads pass a barrier
  // (os::barrier_in_all_threads), then looks for what was put back: so either this load sees the one or that look sees
  // the other, and only the compiler must not exchange the two here.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (gate.word.load(std::memory_order_relaxed) != 0) [[unlikely]]
    serve_behind(gate, life);
}

void PoolState::set_fresh(Slot& slot) noexcept {
  slot.stale = false;
  if (slot.trimmed) cold_.fetch_sub(1, std::memory_order_relaxed);
  slot.trimmed = false;
}

bool PoolState::renew(Slot& slot) noexcept {
  try {
    return renew_or_throw(*slot.store, slot);
  } catch (...) {
    return false;  // a hook of the embedder threw, or an audit ran out of memory
  }
}

bool PoolState::renew_or_throw(StoreState& store, Slot& slot) {
  if (store.has_cancellers) [[unlikely]] {
    store.has_cancellers = false;
    store.cancellation->end_lease();
  }
  if (store.distrusted) [[unlikely]]
    count_how_it_ended(store, slot);
  if (slot.trimmed) [[unlikely]]
    store.distrusted = true;  // all of its memory is to be restored
  const reset::Restored restored = reset::restore(store, snapshot_);
  if (!restored.ok) [[unlikely]]
    return false;
  store.deadline.store(kNoDeadline, std::memory_order_relaxed);
  store.time_slice = kNoDeadline;
  store.fuel = kAllFuel;
  slot.restored.add(1);
  slot.bytes_restored.add(restored.bytes);
  if (options_.audit_every != 0 && restores_.fetch_add(1, std::memory_order_relaxed) % options_.audit_every == 0 &&
      !passes_audit(store, slot)) {
    return false;
  }
  if constexpr (!abi::is_planted(abi::PlantedFault::kHostState)) {
    if (store.host_states.size() != 0 && !store.host_states.reset()) return false;
  }
  if constexpr (abi::is_planted(abi::PlantedFault::kStart)) return true;
  // If it fails now, it will fail again for whoever acquires the next store, and is reported there.
  return !snapshot_.start_after_restore || run_start_in_time(store).has_value();
}

void PoolState::count_how_it_ended(const StoreState& store, Slot& slot) const noexcept {
  slot.distrusted.add(1);
  if (store.trap == 0) return;  // the call could not begin
  (store.trap == static_cast<std::uint32_t>(TrapKind::kInterrupted) ? slot.kills : slot.traps).add(1);
}

// --- now and then ---------------------------------------------------------------------------------------------------

Result<Instance*> PoolState::use(const Given& given) {
  switch (given.what) {
    case Given::What::kStore: return take(given.index);
    case Given::What::kEmptySlot: return make_store(given.index);
    case Given::What::kNothing:
    case Given::What::kClosed: break;
  }
  const Lock lock(gate_->mutex);
  return refusal();
}

Result<Instance*> PoolState::take(std::uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.stale) {
    if (!renew(slot)) {
      live_.fetch_sub(1, std::memory_order_relaxed);
      slot.store.reset();
      set_fresh(slot);
      return make_store(index);
    }
    set_fresh(slot);
  }
  slot.turns.add(1);
  return slot.main;
}

Result<Instance*> PoolState::make_store(std::uint32_t index) {
  if (auto made = fill(index); !made) {
    Lock lock(gate_->mutex);
    empty_slots_.push_back(index);
    settle(lock);
    return std::unexpected(std::move(made.error()));
  }
  slots_[index].turns.add(1);
  return slots_[index].main;
}

template <typename Make>
auto PoolState::with_room(Make&& make) -> decltype(make()) {
  const auto make_room = [this](std::size_t count) { return make_room_ && make_room_(count); };
  return pool::make_with_room([&] { return without_exceptions("an instance is made", make); }, make_room);
}

Result<void> PoolState::fill(std::uint32_t index) {
  // It takes system calls, and may call the embedder.
  auto made = without_exceptions("an instance is made", [&]() -> Result<std::unique_ptr<StoreState>> {
    auto store = with_room([&] { return reset::make_store(snapshot_); });
    if (!store) return store;
    (*store)->slot = index;
    (*store)->owner = this;
    TRY((*store)->host_states.add(snapshot_.states));
    if (snapshot_.start_after_restore) TRY(run_start_in_time(**store));
    return store;
  });
  if (!made) return std::unexpected(std::move(made.error()));
  made_.fetch_add(1, std::memory_order_relaxed);
  live_.fetch_add(1, std::memory_order_relaxed);
  Slot& slot = slots_[index];
  slot.store = std::move(*made);
  slot.main = &slot.store->main();
  return {};
}

void PoolState::drop(std::uint32_t index) noexcept {
  slots_[index].store.reset();
  set_fresh(slots_[index]);
  live_.fetch_sub(1, std::memory_order_relaxed);
  Lock lock(gate_->mutex);
  empty_slots_.push_back(index);
  settle(lock);
}

Result<void> PoolState::warm_up() {
  std::vector<std::uint32_t> made(options_.minimum_warm);
  for (std::uint32_t& index : made) {
    index = find(Lock(gate_->mutex)).index;
    if (auto filled = fill(index); !filled) {
      const Lock lock(gate_->mutex);
      empty_slots_.push_back(index);
      for (const std::uint32_t each : std::span(made.data(), &index)) free_.push(each);
      return filled;
    }
  }
  for (const std::uint32_t index : made | std::views::reverse) put(index);  // the first is taken first
  const bool upkeep = options_.idle_time.count() > 0 || options_.minimum_available_bytes != 0;
  if (!upkeep && options_.reset != ResetWhen::kHelper) return {};
  try {
    helpers_process_ = os::process_id();
    helper_ = std::thread([this] { help(); });
  } catch (const std::system_error& error) {
    return fail(ErrorCode::kResource,
                fmt::format("the system refused a thread for the upkeep of a pool: {}", error.what()));
  }
  return {};
}

Result<void> PoolState::run_start_in_time(StoreState& store) const {
  return run_start(store.main(), deadline_in(snapshot_.options.start_timeout));
}

Result<StoreState*> PoolState::instantiate() {
  {
    const Lock lock(gate_->mutex);
    if (closed()) return refusal();
    instantiated_.fetch_add(1, std::memory_order_relaxed);
  }
  auto made = without_exceptions("an instance is made", [&]() -> Result<std::unique_ptr<StoreState>> {
    auto store = with_room([&] { return reset::instantiate(snapshot_, false); });
    if (!store) return store;
    (*store)->owner = this;
    if (snapshot_.start_after_restore) TRY(run_start_in_time(**store));
    return store;
  });
  if (made) return made->release();
  Lock lock(gate_->mutex);
  instantiated_.fetch_sub(1, std::memory_order_relaxed);
  settle(lock);
  return std::unexpected(std::move(made.error()));
}

bool PoolState::passes_audit(const StoreState& store, Slot& slot) {
  slot.audited.add(1);
  std::string difference = reset::audit(store, *snapshot_.original);
  if (difference.empty()) return true;
  slot.audit_failures.add(1);
  const std::lock_guard lock(audit_mutex_);
  if (audit_report_.empty()) audit_report_ = std::move(difference);
  return false;
}

PoolStatistics PoolState::statistics() const noexcept {
  PoolStatistics sum;
  sum.leased = instantiated_.load(std::memory_order_relaxed);
  std::uint64_t leased = 0;
  std::uint64_t bytes = 0;
  const std::uint32_t slots = slots_used_.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < slots; ++i) {
    const Slot& slot = slots_[i];
    const std::uint64_t turns = slot.turns.get();
    sum.acquired += (turns + 1) / 2;
    leased += turns % 2;
    sum.restored += slot.restored.get();
    bytes += slot.bytes_restored.get();
    sum.distrusted += slot.distrusted.get();
    sum.traps += slot.traps.get();
    sum.kills += slot.kills.get();
    sum.audited += slot.audited.get();
    sum.audit_failures += slot.audit_failures.get();
  }
  sum.leased += leased;
  const std::uint64_t live = live_.load(std::memory_order_relaxed);
  sum.idle = live - std::min(leased, live);
  sum.pages_restored = (bytes + os::kPageBytes - 1) / os::kPageBytes;
  sum.instances = made_.load(std::memory_order_relaxed);
  sum.waited = waited_.load(std::memory_order_relaxed);
  sum.timed_out = timed_out_.load(std::memory_order_relaxed);
  sum.trimmed = trimmed_.load(std::memory_order_relaxed);
  sum.evictions = evictions_.load(std::memory_order_relaxed);
  return sum;
}

Footprint PoolState::footprint() const noexcept {
  Footprint sum = of_snapshot_;
  const std::uint64_t originals = snapshot_.original != nullptr ? 1 : 0;
  sum.add(of_store_, live_.load(std::memory_order_relaxed) + originals);
  return sum;
}

std::string PoolState::audit_report() const {
  const std::lock_guard lock(audit_mutex_);
  return audit_report_;
}

}  // namespace anew::detail
