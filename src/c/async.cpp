// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Host functions that give their results later, and calls that wait for them, for C.
#include <fmt/format.h>

#include <algorithm>

#include "c/objects.hpp"

namespace anew::c {
namespace {

struct AsyncFunction {
  CallbackData data;
  anew_async_function_t function;
  std::size_t results;  ///< slots
};

std::uint32_t call_async_function(void* environment, std::byte* cell, std::uint64_t* slots) {
  // anew_linker_define_async made it, of this very type.
  const auto& function = *static_cast<const AsyncFunction*>(environment);
  try {
    anew_caller_t caller = {cell};
    std::shared_ptr<detail::Wait> wait = detail::make_wait();
    auto* const completion = new anew_completion_t(wait, function.results);  // the function's, which ends it
    if (anew_error_t* const error = function.function(function.data.get(), &caller, slots, completion))
      return detail::raise_host_error(take_error(error));
    return detail::wait_for(std::move(wait), slots);
  } catch (...) {
    return detail::raise_host_exception();
  }
}

Result<void> define_async(anew_linker_t& linker, std::string_view module, std::string_view name,
                          const anew_function_type_t& given, CallbackData data, anew_async_function_t function) {
  auto type = TRY(to_function_type(given));
  if (std::ranges::any_of(type.results, is_reference))
    return fail(ErrorCode::kArgument, "a host function that completes later returns numbers and vectors only");
  detail::HostDefinition definition;
  definition.environment = std::make_shared<AsyncFunction>(std::move(data), function, slots_of(type.results));
  definition.type = std::move(type);
  definition.call = call_async_function;
  linker.linker.define_raw(module, name, std::move(definition));
  return {};
}

}  // namespace
}  // namespace anew::c

using namespace anew;  // NOLINT: the functions below are C's

extern "C" {

anew_error_t* anew_linker_define_async(anew_linker_t* linker, const char* module, size_t module_size, const char* name,
                                       size_t name_size, const anew_function_type_t* type,
                                       anew_async_function_t function, void* data, anew_finalizer_t finalize) {
  c::CallbackData owned(data, finalize);
  ANEW_NOT_NULL(linker);
  ANEW_NOT_NULL(type);
  if (function == nullptr) return c::null_argument(__func__, "function");
  return c::guarded("a host function is defined", [&] {
    return c::define_async(*linker, c::text(module, module_size), c::text(name, name_size), *type, std::move(owned),
                           function);
  });
}

anew_error_t* anew_completion_complete(anew_completion_t* completion, const uint64_t* slots, size_t slot_count) {
  ANEW_NOT_NULL(completion);
  const std::unique_ptr<anew_completion_t> ended(completion);
  if (slot_count != 0) ANEW_NOT_NULL(slots);
  return c::guarded("a call is completed", [&]() -> Result<void> {
    if (slot_count != completion->slots) {
      return fail(ErrorCode::kArgument,
                  fmt::format("the results take {} slots, and {} are given", completion->slots, slot_count));
    }
    detail::complete(completion->promise.wait(), std::span(slots, slot_count));
    return {};
  });
}

void anew_completion_fail(anew_completion_t* completion, const char* message, size_t message_size) {
  if (c::is_missing(completion, __func__)) return;
  const std::unique_ptr<anew_completion_t> ended(completion);
  // Without memory for the words what nobody completed fails with others.
  anew_error_delete(c::guarded("a call is failed", [&]() -> Result<void> {
    detail::complete(completion->promise.wait(),
                     make_error(ErrorCode::kHost, std::string(c::text(message, message_size))));
    return {};
  }));
}

anew_error_t* anew_lease_start(anew_lease_t* lease, const anew_function_t* function, const uint64_t* slots,
                               size_t slot_count, anew_call_t** out) {
  ANEW_NOT_NULL(lease);
  std::unique_ptr<anew_lease_t> owned(lease);
  ANEW_OUT(out);
  ANEW_NOT_NULL(function);
  if (slot_count != 0) ANEW_NOT_NULL(slots);
  return c::guarded("a call is begun", [&]() -> Result<void> {
    if (slot_count < function->slots) {
      return fail(ErrorCode::kArgument,
                  fmt::format("a call of the function takes {} slots, and there are fewer: see anew_function_slots",
                              function->slots));
    }
    if (function->takes_references) return fail(ErrorCode::kArgument, "a call that may wait takes no references");
    auto call = std::make_unique<anew_call_t>();
    call->result_slots = slots_of(function->handle.type->results);
    call->state = detail::start_call(lease->instance, function->handle, std::span(slots, slot_count));
    call->lease = std::move(owned);
    *out = call.release();
    return {};
  });
}

bool anew_call_done(const anew_call_t* call) { return !c::is_missing(call, __func__) && detail::is_done(*call->state); }

bool anew_call_ready(const anew_call_t* call) {
  return !c::is_missing(call, __func__) && detail::is_ready(*call->state);
}

bool anew_call_parked(const anew_call_t* call) {
  return !c::is_missing(call, __func__) && detail::is_parked(*call->state);
}

bool anew_call_resume(anew_call_t* call) { return !c::is_missing(call, __func__) && detail::resume_call(*call->state); }

anew_error_t* anew_call_on_ready(anew_call_t* call, void (*wake)(void* data), void* data) {
  ANEW_NOT_NULL(call);
  if (wake == nullptr) return c::null_argument(__func__, "wake");
  return c::guarded("a call is waited for", [&]() -> Result<void> {
    detail::on_ready(*call->state, [wake, data] { wake(data); });
    return {};
  });
}

anew_error_t* anew_call_results(const anew_call_t* call, uint64_t* slots, size_t slot_count) {
  ANEW_NOT_NULL(call);
  if (slot_count != 0) ANEW_NOT_NULL(slots);
  return c::guarded("results are read", [&]() -> Result<void> {
    if (!detail::is_done(*call->state))
      return fail(ErrorCode::kArgument, "the call is not done: resume it until it is");
    if (const Error* const error = detail::error_of(*call->state)) return std::unexpected(*error);
    if (slot_count < call->result_slots)
      return fail(ErrorCode::kArgument, fmt::format("the results take {} slots", call->result_slots));
    std::copy_n(detail::slots_of(*call->state), call->result_slots, slots);
    return {};
  });
}

void anew_call_delete(anew_call_t* call) {
  if (!c::is_missing(call, __func__)) delete call;
}

}  // extern "C"
