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

Result<void> check_arguments(const detail::Instance& instance, std::string_view name, const FunctionType& type,
                             std::span<const Value> arguments) {
  if (arguments.size() != type.parameters.size()) {
    return fail(ErrorCode::kArgument, fmt::format("the function \"{}\" is {}: it takes {} arguments, not {}", name,
                                                  to_string(type), type.parameters.size(), arguments.size()));
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Value& argument = arguments[i];
    if (argument.type != type.parameters[i]) {
      return fail(ErrorCode::kArgument,
                  fmt::format("argument {} of \"{}\" must be {}, is {}; the function is {}", i + 1, name,
                              to_string(type.parameters[i]), to_string(argument.type), to_string(type)));
    }
    const bool is_narrow = argument.type == ValueType::kI32 || argument.type == ValueType::kF32;
    if (is_narrow && argument.bits >> 32 != 0) {
      return fail(ErrorCode::kArgument, fmt::format("argument {} of \"{}\" is {}, but has bits above the low 32 set",
                                                    i + 1, name, to_string(argument.type)));
    }
    // Compiled code follows such a reference: a made-up one would let the guest read anything.
    if (argument.type == ValueType::kFuncRef && !instance.function_number(argument.bits)) {
      return fail(ErrorCode::kArgument,
                  fmt::format("argument {} of \"{}\" is a function reference that this instance did not hand out; pass "
                              "null or one that it returned",
                              i + 1, name));
    }
  }
  return {};
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
    auto linked = detail::link(module.state(), *linker.state(), options.extra_memory_pages);
    if (!linked) return std::unexpected(std::move(linked.error()));
    auto snapshot = reset::Snapshot::take(std::move(*linked));
    if (!snapshot) return std::unexpected(std::move(snapshot.error()));
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
  auto instance = detail::without_exceptions("an instance is made", [&] { return state_->instantiate(); });
  if (!instance) return std::unexpected(std::move(instance.error()));
  return Lease(state_.get(), instance->release());  // PoolState::give_back deletes it
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
  pool_->give_back(*instance_);
  pool_ = nullptr;
  instance_ = nullptr;
}

Result<detail::FunctionHandle> Lease::find(std::string_view export_name, std::span<const ValueType> parameters,
                                           std::span<const ValueType> results) const {
  return find_typed(*instance_->linked, export_name, parameters, results);
}

Result<std::vector<Value>> Lease::call_values(std::string_view export_name, std::span<const Value> arguments) {
  const auto handle = find_function(*instance_->linked, export_name);
  if (!handle) return std::unexpected(handle.error());
  const FunctionType& type = *handle->type;
  if (auto checked = check_arguments(*instance_, export_name, type, arguments); !checked) {
    return std::unexpected(std::move(checked.error()));
  }
  std::vector<std::uint64_t> slots(std::max({type.parameters.size(), type.results.size(), std::size_t{1}}));
  std::ranges::transform(arguments, slots.begin(), &Value::bits);
  if (const std::uint32_t trap = detail::invoke(*instance_, *handle, slots.data()); trap != 0) {
    return std::unexpected(detail::make_trap_error(*instance_, trap));
  }
  std::vector<Value> results;
  results.reserve(type.results.size());
  for (std::size_t i = 0; i < type.results.size(); ++i) results.push_back({type.results[i], slots[i]});
  return results;
}

MemoryView Lease::memory() const noexcept { return MemoryView(instance_->cell); }

Result<Value> Lease::global(std::string_view export_name) const {
  return detail::exported_global(*instance_, export_name);
}

void* Lease::host_state() const noexcept { return instance_->host_state.state.get(); }

std::uint64_t Lease::dirty_bytes() const noexcept {
  if (!instance_->linked->module->options.marks) return instance_->header().memory_bytes;
  return reset::count_dirty_cards(*instance_) << instance_->layout().card_shift();
}

}  // namespace anew
