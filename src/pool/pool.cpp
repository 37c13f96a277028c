// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <algorithm>
#include <anew/pool.hpp>
#include <exception>
#include <new>

#include "os/try.hpp"
#include "pool/pool_state.hpp"
#include "reset/restore.hpp"
#include "runtime/library.hpp"
#include "runtime/trap_handler.hpp"
#include "runtime/without_exceptions.hpp"
#include "wasm/printable.hpp"

namespace anew {
namespace {

constexpr std::uint32_t kMaximumInstances = 1u << 20;  // far more than fit in 47 bits of address space

Result<void> check_options(const PoolOptions& options) {
  if (options.capacity == 0 || options.capacity > kMaximumInstances) {
    return fail(ErrorCode::kArgument,
                fmt::format("a pool's capacity is 1 to {}, not {}", kMaximumInstances, options.capacity));
  }
  if (options.minimum_warm > options.capacity) {
    return fail(ErrorCode::kArgument, fmt::format("PoolOptions::minimum_warm is {}, more than the capacity, {}",
                                                  options.minimum_warm, options.capacity));
  }
  return {};
}

}  // namespace

// --- Pool -----------------------------------------------------------------------------------------------------------

Result<Pool> Pool::create(const Module& module, const Linker& linker, PoolOptions options) {
  return detail::without_exceptions("a pool is made", [&]() -> Result<Pool> {
    TRY(check_options(options));
    detail::install_signal_handlers();
    auto snapshot =
        TRY(reset::Snapshot::take(module.state(), *linker.state(), options.snapshot, options.maximum_memory_bytes));
    if (options.audit_every == 0) snapshot.original.reset();
    Pool pool(std::shared_ptr<detail::PoolState>(new detail::PoolState(std::move(snapshot), std::move(options)),
                                                 [](detail::PoolState* state) { state->orphan(); }));
    TRY(pool.state_->warm_up());
    return pool;
  });
}

Result<Lease> Pool::acquire() const {
  std::uint32_t stale = detail::PoolState::kNone;
  if (detail::Instance* const instance = state_->acquire_ready(stale)) [[likely]]
    return Lease(state_.get(), instance);
  return acquire_otherwise(stale, std::nullopt);
}

Result<Lease> Pool::acquire_until(std::chrono::steady_clock::time_point deadline) const {
  std::uint32_t stale = detail::PoolState::kNone;
  if (detail::Instance* const instance = state_->acquire_ready(stale)) [[likely]]
    return Lease(state_.get(), instance);
  return acquire_otherwise(stale, deadline);
}

Result<Lease> Pool::acquire_otherwise(std::uint32_t stale,
                                      std::optional<std::chrono::steady_clock::time_point> until) const {
  auto instance =
      TRY(detail::without_exceptions("an instance is acquired", [&] { return state_->acquire(stale, until); }));
  return Lease(state_.get(), instance);
}

Result<Lease> Pool::instantiate() const {
  auto store = TRY(detail::without_exceptions("an instance is made", [&] { return state_->instantiate(); }));
  return Lease(state_.get(), &store->main());
}

std::uint32_t Pool::trim() const noexcept { return state_->trim(); }

Result<void> Pool::drain(std::chrono::steady_clock::time_point deadline) const {
  return detail::without_exceptions("a pool is drained", [&] { return state_->close(deadline, false); });
}

Result<void> Pool::shutdown(std::chrono::steady_clock::time_point deadline) const {
  return detail::without_exceptions("a pool is shut down", [&] { return state_->close(deadline, true); });
}

Result<void> Pool::save_snapshot(const std::filesystem::path& path) const {
  return detail::without_exceptions("a snapshot is written", [&]() -> Result<void> {
    if (state_->snapshot().is_group) {
      return fail(ErrorCode::kArgument,
                  "the pool is of a component's core instances: component::Pool::save_snapshot writes their snapshot");
    }
    const auto saved = TRY(reset::to_saved(state_->snapshot()));
    const std::vector<std::byte> bytes = artifact::encode(saved);
    const BytesView pieces[] = {bytes};
    return os::write_file(path, pieces, 0644);
  });
}

PoolStatistics Pool::statistics() const noexcept { return state_->statistics(); }

std::string Pool::audit_report() const { return state_->audit_report(); }

const detail::LinkedModule& Pool::module() const noexcept { return state_->linked(); }

// --- Canceller ------------------------------------------------------------------------------------------------------

void Canceller::cancel() const noexcept {
  if (cancellation_) cancellation_->cancel(lease_);  // not if it was moved from
}

// --- Lease ----------------------------------------------------------------------------------------------------------

Error detail::empty_lease() noexcept {
  return make_bare_error(ErrorCode::kArgument,
                         "the lease holds no instance: it was released or moved from; acquire another one");
}

void Lease::give_back() noexcept {
  // First, so that a hook that runs meanwhile and comes back to this lease finds it empty.
  detail::PoolState* const pool = std::exchange(pool_, nullptr);
  detail::StoreState& store = *std::exchange(instance_, nullptr)->store;
  if (pool != nullptr) pool->give_back(store);  // else it is of an instance that a snapshot is to be taken of
}

const detail::LinkedModule& Lease::module() const noexcept { return *instance_->linked; }

detail::AnyState* Lease::find_any_state(const detail::StateType& type) const noexcept {
  return instance_ != nullptr ? instance_->store->host_states.find(type) : nullptr;
}

Result<std::vector<Value>> Lease::call_values(std::string_view export_name, std::span<const Value> arguments) {
  if (instance_ == nullptr) return std::unexpected(detail::empty_lease());
  return detail::call_export(*instance_, export_name, arguments);
}

MemoryView Lease::memory() const noexcept { return instance_ != nullptr ? instance_->memory_view() : MemoryView(); }

Result<MemoryView> Lease::memory(std::string_view export_name) const {
  if (instance_ == nullptr) return std::unexpected(detail::empty_lease());
  return detail::exported_memory(*instance_, export_name);
}

Result<Value> Lease::global(std::string_view export_name) const {
  if (instance_ == nullptr) return std::unexpected(detail::empty_lease());
  return detail::exported_global(*instance_, export_name);
}

void Lease::set_deadline(std::chrono::steady_clock::time_point deadline) noexcept {
  if (instance_ == nullptr) return;
  detail::StoreState& store = *instance_->store;
  const std::int64_t time = std::max(detail::to_deadline(deadline), detail::kCancelled + 1);
  if (store.has_cancellers)
    store.cancellation->set_deadline(time);
  else
    store.deadline.store(time, std::memory_order_relaxed);
}

void Lease::set_time_slice(std::chrono::nanoseconds slice) noexcept {
  if (instance_ == nullptr) return;
  instance_->store->time_slice = std::max<std::int64_t>(slice.count(), 1);
}

Result<Canceller> Lease::canceller() {
  if (instance_ == nullptr) return std::unexpected(detail::empty_lease());
  return detail::without_exceptions("a canceller is made", [&]() -> Result<Canceller> {
    detail::StoreState& store = *instance_->store;
    if (!store.cancellation) store.cancellation = std::make_shared<detail::Cancellation>(store);
    store.has_cancellers = true;
    return Canceller(store.cancellation, store.cancellation->lease());
  });
}

void Lease::set_fuel(std::uint64_t fuel) noexcept {
  // What does not fit is more than any call can use.
  if (instance_ != nullptr)
    instance_->store->fuel = static_cast<std::int64_t>(std::min<std::uint64_t>(fuel, detail::kAllFuel));
}

std::uint64_t Lease::fuel() const noexcept {
  if (instance_ == nullptr) return 0;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(instance_->store->fuel, 0));
}

std::uint64_t Lease::dirty_bytes() const noexcept {
  return instance_ != nullptr ? reset::count_dirty_bytes(*instance_->store) : 0;
}

}  // namespace anew
