// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <algorithm>
#include <anew/pool.hpp>
#include <exception>
#include <new>

#include "pool/pool_state.hpp"
#include "reset/restore.hpp"
#include "runtime/library.hpp"
#include "runtime/trap_handler.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew {
namespace {

constexpr std::uint32_t kMostInstances = 1u << 20;  // far more than fit in 47 bits of address space

Result<detail::FunctionHandle> find_function(const detail::LinkedModule& linked, std::string_view name) {
  const auto found = linked.find_export(name, ExternalKind::kFunction);
  if (!found) return std::unexpected(found.error());
  return detail::function_handle(linked, found->index);
}

Result<detail::FunctionHandle> find_typed(const detail::LinkedModule& linked, std::string_view name,
                                          std::span<const ValueType> parameters, std::span<const ValueType> results) {
  auto handle = find_function(linked, name);
  if (!handle) return handle;
  if (std::ranges::equal(handle->type->parameters, parameters) && std::ranges::equal(handle->type->results, results)) {
    return handle;
  }
  const FunctionType wanted = {{parameters.begin(), parameters.end()}, {results.begin(), results.end()}};
  return fail(ErrorCode::kArgument, fmt::format("the function \"{}\" is {}, but is called as {}", name,
                                                to_string(*handle->type), to_string(wanted)));
}

}  // namespace

// --- Pool -----------------------------------------------------------------------------------------------------------

Result<Pool> Pool::create(const Module& module, const Linker& linker, PoolOptions options) {
  if (options.capacity == 0 || options.capacity > kMostInstances) {
    return fail(ErrorCode::kArgument,
                fmt::format("a pool's capacity is 1 to {}, not {}", kMostInstances, options.capacity));
  }
  return detail::without_exceptions("a pool is made", [&]() -> Result<Pool> {
    detail::install_signal_handlers();
    auto snapshot = reset::Snapshot::take(module.state(), *linker.state(), options.snapshot, options.make_host_state);
    if (!snapshot) return std::unexpected(std::move(snapshot.error()));
    if (options.audit_every == 0) snapshot->original.reset();
    return Pool(std::make_shared<detail::PoolState>(std::move(*snapshot), std::move(options)));
  });
}

Result<Lease> Pool::acquire() const {
  auto instance = state_->acquire();
  if (!instance) [[unlikely]]
    return std::unexpected(std::move(instance.error()));
  return Lease(state_.get(), *instance);
}

Result<Lease> Pool::instantiate() const {
  auto store = detail::without_exceptions("an instance is made", [&] { return state_->instantiate(); });
  if (!store) return std::unexpected(std::move(store.error()));
  return Lease(state_.get(), &store->release()->main());  // PoolState::give_back deletes it
}

Result<void> Pool::save_snapshot(const std::filesystem::path& path) const {
  return detail::without_exceptions("a snapshot is written", [&]() -> Result<void> {
    const auto saved = reset::to_saved(state_->snapshot());
    if (!saved) return std::unexpected(saved.error());
    const std::vector<std::byte> bytes = artifact::encode(*saved);
    const os::Bytes pieces[] = {bytes};
    return os::write_file(path, pieces, 0644);
  });
}

PoolStatistics Pool::statistics() const noexcept { return state_->statistics(); }

std::string Pool::audit_report() const { return state_->audit_report(); }

Result<detail::FunctionHandle> Pool::find(std::string_view export_name, std::span<const ValueType> parameters,
                                          std::span<const ValueType> results) const {
  return find_typed(state_->linked(), export_name, parameters, results);
}

// --- Lease ----------------------------------------------------------------------------------------------------------

void Lease::release() noexcept {
  if (instance_ == nullptr) return;
  pool_->give_back(*instance_->store);
  pool_ = nullptr;
  instance_ = nullptr;
}

Result<detail::FunctionHandle> Lease::find(std::string_view export_name, std::span<const ValueType> parameters,
                                           std::span<const ValueType> results) const {
  return find_typed(*instance_->linked, export_name, parameters, results);
}

Result<std::vector<Value>> Lease::call_values(std::string_view export_name, std::span<const Value> arguments) {
  return detail::call_export(*instance_, export_name, arguments);
}

MemoryView Lease::memory() const noexcept { return MemoryView(instance_->cell); }

Result<MemoryView> Lease::memory(std::string_view export_name) const {
  return detail::exported_memory(*instance_, export_name);
}

Result<Value> Lease::global(std::string_view export_name) const {
  return detail::exported_global(*instance_, export_name);
}

void Lease::set_deadline(std::chrono::steady_clock::time_point deadline) noexcept {
  instance_->store->deadline = detail::to_deadline(deadline);
}

void Lease::set_fuel(std::uint64_t fuel) noexcept {
  // What does not fit is more than any call can use.
  instance_->store->fuel = static_cast<std::int64_t>(std::min<std::uint64_t>(fuel, detail::kAllFuel));
}

std::uint64_t Lease::fuel() const noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(instance_->store->fuel, 0));
}

void* Lease::host_state() const noexcept { return instance_->host_state.state.get(); }

std::uint64_t Lease::dirty_bytes() const noexcept { return reset::count_dirty_bytes(*instance_->store); }

}  // namespace anew
