// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <anew/linker.hpp>

#include "runtime/instance.hpp"

namespace anew {
namespace {

/// A host function that is defined by its slots.
struct SlotFunction {
  std::size_t parameters;
  std::size_t slots;                    ///< the larger number of parameters and results
  std::vector<std::size_t> references;  ///< results of type funcref
  std::function<Result<void>(Caller, std::span<std::uint64_t>)> function;
};

std::uint32_t call_slot_function(void* environment, std::byte* cell, std::uint64_t* slots) {
  const auto& target = *static_cast<const SlotFunction*>(environment);  // made by define() below, of this very type
  try {
    // They lie on the guest stack: a result that is not written must not be what an earlier call left there.
    std::fill(slots + target.parameters, slots + target.slots, 0);
    auto result = target.function(Caller(cell), std::span(slots, target.slots));
    if (!result) return detail::raise_host_error(std::move(result.error()));
    for (const std::size_t slot : target.references) {
      // Compiled code follows such a reference, and runs what it finds there in this cell.
      if (detail::instance_of(cell).function_number(slots[slot])) continue;
      return detail::raise_host_error(Error{ErrorCode::kHost,
                                            "it returned a function reference that is not of the instance that called "
                                            "it; return null or one that came from there",
                                            std::nullopt,
                                            TrapKind::kNone,
                                            {}});
    }
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
  SlotFunction target{
      type.parameters.size(), std::max(type.parameters.size(), type.results.size()), {}, std::move(function)};
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    if (type.results[i] == ValueType::kFuncRef) target.references.push_back(i);
  }
  definition.environment = std::make_shared<SlotFunction>(std::move(target));
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
