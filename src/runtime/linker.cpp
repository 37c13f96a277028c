// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/linker.hpp>

#include "runtime/linked_module.hpp"

namespace anew {
namespace {

/// A host function that is defined by its slots.
struct SlotFunction {
  std::size_t slots;  ///< the larger number of parameters and results
  std::function<Result<void>(Caller, std::span<std::uint64_t>)> function;
};

std::uint32_t call_slot_function(void* environment, std::byte* cell, std::uint64_t* slots) {
  const auto& target = *static_cast<const SlotFunction*>(environment);  // made by define() below, of this very type
  try {
    auto result = target.function(Caller(cell), std::span(slots, target.slots));
    if (!result) return detail::raise_host_error(std::move(result.error()));
    return 0;
  } catch (...) {
    return detail::raise_host_exception();
  }
}

}  // namespace

Linker::Linker() : state_(std::make_shared<detail::LinkerState>()) {}

void Linker::define_raw(std::string_view module, std::string_view name, detail::HostDefinition definition) {
  state_->definitions.insert_or_assign({std::string(module), std::string(name)}, std::move(definition));
}

void Linker::define(std::string_view module, std::string_view name, FunctionType type,
                    std::function<Result<void>(Caller, std::span<std::uint64_t>)> function) {
  detail::HostDefinition definition;
  definition.environment =
      std::make_shared<SlotFunction>(std::max(type.parameters.size(), type.results.size()), std::move(function));
  definition.type = std::move(type);
  definition.call = call_slot_function;
  define_raw(module, name, std::move(definition));
}

void Linker::define_global(std::string_view module, std::string_view name, Value value) {
  state_->definitions.insert_or_assign({std::string(module), std::string(name)}, value);
}

void Linker::define_memory(std::string_view module, std::string_view name, Limits limits) {
  state_->definitions.insert_or_assign({std::string(module), std::string(name)}, limits);
}

void Linker::define_table(std::string_view module, std::string_view name, TableType type) {
  state_->definitions.insert_or_assign({std::string(module), std::string(name)}, type);
}

void Linker::trap_unknown_functions() { state_->trap_unknown_functions = true; }

}  // namespace anew
