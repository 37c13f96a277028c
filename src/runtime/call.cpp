// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the host does with an instance by name: exports called with values known at run time only, and looked at.
#include <fmt/format.h>

#include <algorithm>
#include <anew/store.hpp>

#include "os/try.hpp"
#include "runtime/library.hpp"
#include "runtime/store_state.hpp"
#include "runtime/without_exceptions.hpp"
#include "wasm/printable.hpp"

namespace anew {
namespace detail {
namespace {

/// Whether a value of type `given` may be looked at as one of type `wanted`; if they are references, reference_problem
/// decides about its bits.
bool is_of_kind(ValueType given, ValueType wanted) noexcept {
  if (is_function_reference(wanted)) return is_function_reference(given);
  if (is_extern_reference(wanted)) return is_extern_reference(given);
  if (is_exception_reference(wanted)) return is_exception_reference(given);
  if (is_any_reference(wanted)) return is_any_reference(given);
  return given == wanted;
}

bool is_narrow(ValueType type) noexcept { return type == ValueType::kI32 || type == ValueType::kF32; }

Result<void> check_arguments(const Instance& instance, std::string_view export_name, const FunctionType& type,
                             std::span<const Value> arguments) {
  const auto name = [export_name] { return wasm::printable_name(export_name); };  // for messages
  if (arguments.size() != type.parameters.size()) {
    return fail(ErrorCode::kArgument, fmt::format("the function \"{}\" is {}: it takes {} arguments, not {}", name(),
                                                  to_string(type), type.parameters.size(), arguments.size()));
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Value& argument = arguments[i];
    const ValueType wanted = type.parameters[i];
    if (!is_of_kind(argument.type, wanted)) {
      return fail(ErrorCode::kArgument,
                  fmt::format("argument {} of \"{}\" must be {}, is {}; the function is {}", i + 1, name(),
                              to_string(wanted), to_string(argument.type), to_string(type)));
    }
    if (is_narrow(wanted) && argument.bits >> 32 != 0) {
      return fail(ErrorCode::kArgument, fmt::format("argument {} of \"{}\" is {}, but has bits above the low 32 set",
                                                    i + 1, name(), to_string(wanted)));
    }
    if (!is_reference(wanted)) continue;
    if (const char* const problem =
            instance.store->reference_problem({wanted, instance.linked->type_scope()}, argument.bits)) {
      return fail(ErrorCode::kArgument,
                  fmt::format("argument {} of \"{}\", {}, {}", i + 1, name(), to_string(wanted), problem));
    }
  }
  return {};
}

Value read_value(ValueType type, const std::uint64_t* slots) noexcept {
  // Compiled code writes the low half of a 32-bit global only.
  const std::uint64_t bits = is_narrow(type) ? static_cast<std::uint32_t>(slots[0]) : slots[0];
  return {type, bits, slots_of(type) == 2 ? slots[1] : 0};
}

}  // namespace

Result<std::vector<Value>> call_export(Instance& instance, std::string_view name, std::span<const Value> arguments) {
  return without_exceptions("a function is called", [&]() -> Result<std::vector<Value>> {
    const auto found = TRY(instance.linked->find_export(name, ExternalKind::kFunction));
    const FunctionHandle handle = function_handle(*instance.linked, found.index);
    const FunctionType& type = *handle.type;
    TRY(check_arguments(instance, name, type, arguments));
    std::vector<std::uint64_t> slots(std::max({slots_of(type.parameters), slots_of(type.results), std::size_t{1}}));
    std::uint64_t* slot = slots.data();
    for (const Value& argument : arguments) {
      *slot++ = argument.bits;
      if (slots_of(argument.type) == 2) *slot++ = argument.high;
    }
    std::vector<Value> results;
    results.reserve(type.results.size());  // before the call, so that what it did is never lost
    if (const std::uint32_t trap = invoke(instance, handle, slots.data()); trap != 0)
      return std::unexpected(make_trap_error(instance, trap));
    slot = slots.data();
    for (const ValueType result : type.results) {
      results.push_back(read_value(result, slot));
      slot += slots_of(result);
    }
    return results;
  });
}

Result<FunctionHandle> find_function(const LinkedModule& module, std::string_view name,
                                     std::span<const ValueType> parameters, std::span<const ValueType> results) {
  return without_exceptions("a function is looked up", [&]() -> Result<FunctionHandle> {
    const auto found = TRY(module.find_export(name, ExternalKind::kFunction));
    const FunctionHandle handle = function_handle(module, found.index);
    const FunctionType& type = *handle.type;
    if (std::ranges::equal(type.parameters, parameters) && std::ranges::equal(type.results, results)) return handle;
    const FunctionType wanted = {{parameters.begin(), parameters.end()}, {results.begin(), results.end()}};
    return fail(ErrorCode::kArgument, fmt::format("the function \"{}\" is {}, but is called as {}",
                                                  wasm::printable_name(name), to_string(type), to_string(wanted)));
  });
}

Result<void> check_references(const Instance& instance, std::span<const ValueType> types, const std::uint64_t* slots) {
  return without_exceptions("a function is called", [&]() -> Result<void> {
    for (std::size_t i = 0; i < types.size(); ++i) {
      const char* const problem =
          is_reference(types[i]) ? instance.store->reference_problem({types[i], {}}, *slots) : nullptr;
      if (problem != nullptr)
        return fail(ErrorCode::kArgument, fmt::format("argument {}, {}, {}", i + 1, to_string(types[i]), problem));
      slots += slots_of(types[i]);
    }
    return {};
  });
}

Result<Value> exported_global(const Instance& instance, std::string_view name) {
  return without_exceptions("a global is read", [&]() -> Result<Value> {
    const auto found = TRY(instance.linked->find_export(name, ExternalKind::kGlobal));
    return read_value(instance.linked->wasm().globals[found.index].type.type, instance.global(found.index));
  });
}

Result<MemoryView> exported_memory(const Instance& instance, std::string_view name) {
  return without_exceptions("a memory is looked up", [&]() -> Result<MemoryView> {
    const auto found = TRY(instance.linked->find_export(name, ExternalKind::kMemory));
    return MemoryView(instance.memory(found.index));
  });
}

}  // namespace detail

// --- Instance -------------------------------------------------------------------------------------------------------

Result<std::vector<Value>> Instance::call_values(std::string_view export_name, std::span<const Value> arguments) const {
  return detail::call_export(*instance_, export_name, arguments);
}

Result<Value> Instance::global(std::string_view export_name) const {
  return detail::exported_global(*instance_, export_name);
}

MemoryView Instance::memory() const noexcept { return instance_->memory_view(); }

Result<MemoryView> Instance::memory(std::string_view export_name) const {
  return detail::exported_memory(*instance_, export_name);
}

}  // namespace anew
