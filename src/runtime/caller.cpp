// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <anew/caller.hpp>
#include <stdexcept>

#include "runtime/stop.hpp"
#include "runtime/store_state.hpp"

namespace anew {

void detail::throw_missing_state(const StateType& type) {
  throw std::logic_error(fmt::format("its store has no host state {}: define it with Linker::define_state", type.name));
}

detail::Instance& Caller::instance() const noexcept { return detail::instance_of(cell_); }

const detail::LinkedModule& Caller::module() const noexcept { return *instance().linked; }

detail::AnyState* Caller::find_any_state(const detail::StateType& type) const noexcept {
  return instance().store->host_states.find(type);
}

MemoryView Caller::memory() const noexcept { return instance().memory_view(); }

Result<MemoryView> Caller::memory(std::string_view export_name) const {
  return detail::exported_memory(instance(), export_name);
}

Result<Value> Caller::global(std::string_view export_name) const {
  return detail::exported_global(instance(), export_name);
}

Result<std::vector<Value>> Caller::call_values(std::string_view export_name, std::span<const Value> arguments) const {
  return detail::call_export(instance(), export_name, arguments);
}

bool Caller::stopping() const noexcept { return detail::stop_requested(); }

}  // namespace anew
