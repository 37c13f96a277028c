// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls, globals and memory for C, between them the way that must be fast: anew_lease_call.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "c/objects.hpp"
#include "runtime/library.hpp"
#include "runtime/store_state.hpp"

namespace anew::c {
namespace {

/// A view for C holds the library's, which is plain words.
struct MemoryWords {
  MemoryView view;
  std::uintptr_t unused = 0;
};
static_assert(sizeof(MemoryWords) == sizeof(anew_memory_t) && std::is_trivially_copyable_v<MemoryWords>);

MemoryView view_of(const anew_memory_t& memory) noexcept { return std::bit_cast<MemoryWords>(memory).view; }

[[gnu::noinline, gnu::cold]] anew_error_t* fail_slots(std::size_t needed) noexcept {
  return guarded("an error is made", [&]() -> Result<void> {
    return fail(
        ErrorCode::kArgument,
        fmt::format("a call of the function takes {} slots, and there are fewer: see anew_function_slots", needed));
  });
}

/// What is wrong with the references among the arguments; null if nothing is.
[[gnu::noinline]] anew_error_t* check_references(const detail::Instance& instance, const FunctionType& type,
                                                 const std::uint64_t* slots) noexcept {
  return guarded("a function is called", [&]() -> Result<void> {
    for (const ValueType each : type.parameters) {
      const char* const problem = is_reference(each)
                                      ? instance.store->reference_problem({each, instance.linked->type_scope()}, *slots)
                                      : nullptr;
      if (problem != nullptr)
        return fail(ErrorCode::kArgument, fmt::format("an argument, {}, {}", to_string(each), problem));
      slots += slots_of(each);
    }
    return {};
  });
}

}  // namespace

anew_error_t* call(detail::Instance& instance, const anew_function_t& function, std::uint64_t* slots,
                   std::size_t slot_count) noexcept {
  if (slot_count < function.slots || (slots == nullptr && function.slots != 0)) [[unlikely]]
    return fail_slots(function.slots);
  if (function.takes_references) [[unlikely]] {
    // Types of another module would be compared by indices that mean nothing here; invoke() refuses that itself.
    if (function.module == instance.linked) {
      if (anew_error_t* const error = check_references(instance, *function.handle.type, slots)) return error;
    }
  }
  const std::uint32_t trap = detail::invoke(instance, function.handle, slots);
  if (trap != 0) [[unlikely]]
    return to_c(detail::make_trap_error(instance, trap));
  return nullptr;
}

Result<anew_function_t*> find_function(std::shared_ptr<const detail::LinkedModule> module, std::string_view name,
                                       const anew_function_type_t* type) {
  const auto found = TRY(module->find_export(name, ExternalKind::kFunction));
  auto function = std::make_unique<anew_function_t>();
  function->handle = detail::function_handle(*module, found.index);
  const FunctionType& actual = *function->handle.type;
  if (type != nullptr) {
    const auto wanted = TRY(to_function_type(*type));
    TRY(detail::find_function(*module, name, wanted.parameters, wanted.results));
  }
  function->slots = std::max(slots_of(actual.parameters), slots_of(actual.results));
  function->takes_references = std::ranges::any_of(actual.parameters, is_reference);
  function->type = FunctionTypeText(actual);
  function->module = std::move(module);
  return function.release();
}

Result<void> call_values(detail::Instance& instance, std::string_view name, const anew_value_t* arguments,
                         std::size_t argument_count, anew_value_t* results, std::size_t result_count) {
  const auto found = TRY(instance.linked->find_export(name, ExternalKind::kFunction));
  const FunctionType& type = instance.linked->wasm().function_type(found.index);
  if (type.results.size() != result_count) {
    return fail(ErrorCode::kArgument, fmt::format("the function is {}: it has {} results, and there is room for {}",
                                                  to_string(type), type.results.size(), result_count));
  }
  const auto values = TRY(to_values(arguments, argument_count));
  const auto returned = TRY(detail::call_export(instance, name, values));
  std::ranges::transform(returned, results, from_value);
  return {};
}

Result<anew_memory_t> find_memory(const detail::Instance& instance, const char* name, std::size_t size) {
  MemoryWords words = {instance.memory_view()};
  if (name != nullptr) words.view = TRY(detail::exported_memory(instance, text(name, size)));
  return std::bit_cast<anew_memory_t>(words);
}

}  // namespace anew::c

using namespace anew;  // NOLINT: the functions below are C's

extern "C" {

anew_error_t* anew_lease_call(anew_lease_t* lease, const anew_function_t* function, uint64_t* slots,
                              size_t slot_count) {
  ANEW_NOT_NULL(lease);
  ANEW_NOT_NULL(function);
  const c::Use use(lease->entered);
  return c::call(lease->instance, *function, slots, slot_count);
}

anew_error_t* anew_lease_call_values(anew_lease_t* lease, const char* name, size_t name_size,
                                     const anew_value_t* arguments, size_t argument_count, anew_value_t* results,
                                     size_t result_count) {
  ANEW_NOT_NULL(lease);
  if (argument_count != 0) ANEW_NOT_NULL(arguments);
  if (result_count != 0) ANEW_NOT_NULL(results);
  const c::Use use(lease->entered);
  return c::guarded("a function is called", [&] {
    return c::call_values(lease->instance, c::text(name, name_size), arguments, argument_count, results, result_count);
  });
}

anew_error_t* anew_lease_memory(const anew_lease_t* lease, const char* name, size_t name_size, anew_memory_t* out) {
  ANEW_NOT_NULL(lease);
  ANEW_NOT_NULL(out);
  const c::Use use(lease->entered);
  return c::guarded("a memory is looked up", [&]() -> Result<void> {
    *out = TRY(c::find_memory(lease->instance, name, name_size));
    return {};
  });
}

anew_error_t* anew_lease_global(const anew_lease_t* lease, const char* name, size_t name_size, anew_value_t* out) {
  ANEW_NOT_NULL(lease);
  ANEW_NOT_NULL(out);
  const c::Use use(lease->entered);
  return c::guarded("a global is read", [&]() -> Result<void> {
    const auto value = TRY(lease->lease.global(c::text(name, name_size)));
    *out = c::from_value(value);
    return {};
  });
}

// --- Function -------------------------------------------------------------------------------------------------------

void anew_function_delete(anew_function_t* function) {
  if (!c::is_missing(function, __func__)) delete function;
}

anew_function_type_t anew_function_type(const anew_function_t* function) {
  return c::is_missing(function, __func__) ? anew_function_type_t{} : function->type.view();
}

size_t anew_function_slots(const anew_function_t* function) {
  return c::is_missing(function, __func__) ? 0 : function->slots;
}

// --- Memory ---------------------------------------------------------------------------------------------------------

uint64_t anew_memory_size(const anew_memory_t* memory) { return memory == nullptr ? 0 : c::view_of(*memory).size(); }

anew_error_t* anew_memory_read(const anew_memory_t* memory, uint64_t address, void* bytes, size_t size) {
  ANEW_NOT_NULL(memory);
  if (size != 0) ANEW_NOT_NULL(bytes);
  return c::guarded("memory is read", [&]() -> Result<void> {
    const auto found = TRY(c::view_of(*memory).read(address, size));
    if (size != 0) std::memcpy(bytes, found.data(), size);
    return {};
  });
}

anew_error_t* anew_memory_write(const anew_memory_t* memory, uint64_t address, const void* bytes, size_t size) {
  ANEW_NOT_NULL(memory);
  if (size != 0) ANEW_NOT_NULL(bytes);
  return c::guarded("memory is written", [&]() -> Result<void> {
    const auto found = TRY(c::view_of(*memory).write(address, size));
    if (size != 0) std::memcpy(found.data(), bytes, size);
    return {};
  });
}

anew_error_t* anew_memory_view(const anew_memory_t* memory, uint64_t address, uint64_t size, const uint8_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(memory);
  return c::guarded("memory is read", [&]() -> Result<void> {
    const auto found = TRY(c::view_of(*memory).read(address, size));
    *out = reinterpret_cast<const std::uint8_t*>(found.data());  // bytes by another name
    return {};
  });
}

anew_error_t* anew_memory_view_writable(const anew_memory_t* memory, uint64_t address, uint64_t size, uint8_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(memory);
  return c::guarded("memory is written", [&]() -> Result<void> {
    const auto found = TRY(c::view_of(*memory).write(address, size));
    *out = reinterpret_cast<std::uint8_t*>(found.data());  // as above
    return {};
  });
}

anew_error_t* anew_memory_grow(const anew_memory_t* memory, uint64_t delta_pages, uint64_t* old_pages) {
  ANEW_NOT_NULL(memory);
  return c::guarded("a memory grows", [&]() -> Result<void> {
    const auto old = TRY(c::view_of(*memory).grow(delta_pages));
    if (old_pages != nullptr) *old_pages = old;
    return {};
  });
}

}  // extern "C"
