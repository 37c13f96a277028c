// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <algorithm>
#include <anew/linker.hpp>

#include "runtime/store_state.hpp"

namespace anew {
namespace {

/// A host function that is defined by its slots.
struct SlotFunction {
  std::size_t parameters;          ///< slots of all together
  std::size_t slots;               ///< of the parameters or of the results, whichever are more
  std::vector<ValueType> results;  ///< empty if none is a reference
  std::function<Result<void>(Caller, std::span<std::uint64_t>)> function;
};

std::uint32_t call_slot_function(void* environment, std::byte* cell, std::uint64_t* slots) {
  const auto& target = *static_cast<const SlotFunction*>(environment);  // made by define() below, of this very type
  try {
    // They lie on the guest stack: a result that is not written must not be what an earlier call left there.
    std::fill(slots + target.parameters, slots + target.slots, 0);
    auto result = target.function(detail::MakesCallers::of(cell), std::span(slots, target.slots));
    if (!result) return detail::raise_host_error(std::move(result.error()));
    return detail::check_returned(cell, target.results, slots);
  } catch (...) {
    return detail::raise_host_exception();
  }
}

}  // namespace

std::uint32_t detail::check_returned(std::byte* cell, std::span<const ValueType> types, const std::uint64_t* slots) {
  for (const ValueType type : types) {
    // Linking refuses host functions with typed references: there are no type identities to look at.
    const char* const problem =
        is_reference(type) ? instance_of(cell).store->reference_problem({type, {}}, *slots) : nullptr;
    if (problem != nullptr) {
      return raise_host_error(
          make_error(ErrorCode::kHost, fmt::format("what it returned as {} {}", to_string(type), problem)));
    }
    slots += slots_of(type);
  }
  return 0;
}

Linker::Linker() : state_(std::make_shared<detail::LinkerState>()) {}

void Linker::define_raw(std::string_view module, std::string_view name, detail::HostDefinition definition) {
  state_->definitions.insert_or_assign({std::string(module), std::string(name)}, std::move(definition));
}

void Linker::define_raw(std::shared_ptr<const detail::StateDefinition> state) {
  const auto found =
      std::ranges::find_if(state_->states, [&state](const auto& each) { return &each->type() == &state->type(); });
  if (found != state_->states.end())
    *found = std::move(state);
  else
    state_->states.push_back(std::move(state));
}

void Linker::define(std::string_view module, std::string_view name, FunctionType type,
                    std::function<Result<void>(Caller, std::span<std::uint64_t>)> function) {
  detail::HostDefinition definition;
  const std::size_t parameters = slots_of(type.parameters);
  SlotFunction target{parameters, std::max(parameters, slots_of(type.results)), {}, std::move(function)};
  if (std::ranges::any_of(type.results, is_reference)) target.results = type.results;
  definition.environment = std::make_shared<SlotFunction>(std::move(target));
  definition.type = std::move(type);
  definition.call = call_slot_function;
  define_raw(module, name, std::move(definition));
}

void Linker::define_global(std::string_view module, std::string_view name, Value value, Mutability mutability) {
  state_->definitions.insert_or_assign({std::string(module), std::string(name)},
                                       detail::GlobalDefinition{value, mutability == Mutability::kMutable});
}

void Linker::define_memory(std::string_view module, std::string_view name, Limits limits) {
  state_->definitions.insert_or_assign({std::string(module), std::string(name)}, limits);
}

void Linker::define_table(std::string_view module, std::string_view name, TableType type) {
  state_->definitions.insert_or_assign({std::string(module), std::string(name)}, type);
}

void Linker::define_module(std::string_view name, const Module& module) {
  state_->modules.emplace_back(name, module.state());
}

void Linker::trap_unknown_functions() { state_->trap_unknown_functions = true; }

}  // namespace anew
