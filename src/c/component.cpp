// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Components for C: values cross as text.
#include <anew_component.h>
#include <fmt/format.h>

#include <anew/component/component.hpp>

#include "c/component_objects.hpp"
#include "c/objects.hpp"
#include "component/linked.hpp"
#include "component/wave.hpp"

using namespace anew;  // NOLINT: most functions below are C's

/// On the stack of the frame around a host function.
struct anew_component_result_t {
  std::optional<std::string> text;
};

namespace anew::c {
namespace {

anew_text_t to_text(const std::string& text) noexcept { return {text.data(), text.size()}; }

anew_component_item_t item_at(const std::vector<component::Description>& items, std::size_t index) noexcept {
  if (index >= items.size()) return {};
  return {to_text(items[index].name), to_text(items[index].type)};
}

/// A host function's arguments.
class Texts {
 public:
  Texts(const component::Caller& caller, const component::Values& arguments) {
    const component::Types& types = caller.function().component->plan().types;
    const component::FunctionType& type = *caller.function().type;
    for (std::size_t i = 0; i < arguments.size(); ++i)
      texts_.push_back(component::to_wave(types, *type.parameters[i].type, arguments[i]));
    for (const std::string& each : texts_) views_.push_back(to_text(each));
  }
  [[nodiscard]] std::span<const anew_text_t> views() const noexcept { return views_; }

 private:
  std::vector<std::string> texts_;
  std::vector<anew_text_t> views_;
};

Result<component::Value> call_host(anew_component_function_t function, void* data, const component::Caller& caller,
                                   const component::Values& arguments) {
  const component::Types& types = caller.function().component->plan().types;
  const component::FunctionType& type = *caller.function().type;
  const Texts texts(caller, arguments);
  anew_component_result_t result;
  if (anew_error_t* const error = function(data, texts.views().data(), texts.views().size(), &result))
    return std::unexpected(take_error(error));
  if (!type.result) return component::Value();
  if (!result.text) return fail(ErrorCode::kHost, "the host function gave no result");
  return component::from_wave(types, *type.result, *result.text);
}

Result<void> give_lease(Result<component::Lease> lease, anew_component_lease_t** out) {
  auto taken = TRY(std::move(lease));
  *out = new anew_component_lease_t(std::move(taken));
  return {};
}

Result<component::Values> to_arguments(const component::Function& function, std::span<const anew_text_t> texts) {
  const component::Types& types = function.get()->component->plan().types;
  const component::FunctionType& type = *function.get()->type;
  if (texts.size() != type.parameters.size()) {
    return fail(ErrorCode::kArgument, fmt::format("the function is {}: it takes {} arguments, not {}", function.type(),
                                                  type.parameters.size(), texts.size()));
  }
  component::Values arguments;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto value = component::from_wave(types, *type.parameters[i].type, text(texts[i]));
    if (!value) return fail(ErrorCode::kArgument, fmt::format("argument {}: {}", i + 1, value.error().message));
    arguments.push_back(*std::move(value));
  }
  return arguments;
}

std::string to_result(const component::Function& function, const component::Value& result) {
  const component::FunctionType& type = *function.get()->type;
  return type.result ? component::to_wave(function.get()->component->plan().types, *type.result, result)
                     : std::string();
}

Result<void> call_component(anew_component_lease_t& lease, std::string_view name, std::span<const anew_text_t> texts,
                            anew_text_t& out) {
  const auto function = TRY(lease.lease.function(name));
  const auto arguments = TRY(to_arguments(function, texts));
  lease.result = to_result(function, TRY(lease.lease.call(function, arguments)));
  out = to_text(lease.result);
  return {};
}

Result<void> make_pool(const anew_component_t& component, const anew_component_linker_t& linker,
                       const anew_pool_options_t* options, component::WarmUp warm_up, anew_component_pool_t** out) {
  auto pool_options = TRY(to_pool_options(options));
  auto made =
      TRY(component::Pool::create(component.component, linker.linker, std::move(pool_options), std::move(warm_up)));
  *out = new anew_component_pool_t(std::move(made));
  return {};
}

/// The client has the lease for as long as its function runs.
Result<void> warm_up_by(anew_component_warm_up_t function, void* data, component::Lease& lease) {
  anew_component_lease_t lent(std::move(lease), true);
  anew_error_t* const error = function(data, &lent);
  lease = std::move(lent.lease);
  if (error != nullptr) return std::unexpected(take_error(error));
  return {};
}

/// Ends the completion.
Result<void> complete(const anew_component_completion_t& completion, std::string_view text) {
  Result<component::Value> value = component::Value();
  if (completion.type->result)
    value = component::from_wave(completion.component->plan.types, *completion.type->result, text);
  else if (!text.empty())
    value = fail(ErrorCode::kArgument, "the function has no result");
  if (value) {
    completion.completion.complete(*std::move(value));
    return {};
  }
  value.error().code = ErrorCode::kArgument;
  completion.completion.fail(value.error());
  return std::unexpected(std::move(value.error()));
}

}  // namespace
}  // namespace anew::c

extern "C" {

anew_error_t* anew_component_new(const anew_engine_t* engine, const void* binary, size_t size,
                                 const anew_compile_options_t* options, anew_component_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(engine);
  ANEW_NOT_NULL(binary);
  return c::guarded("a component is compiled", [&]() -> Result<void> {
    const auto compile_options = TRY(c::to_compile_options(options));
    auto made = TRY(component::Component::compile(engine->engine, c::bytes(binary, size), compile_options));
    *out = new anew_component_t(std::move(made));
    return {};
  });
}

anew_error_t* anew_component_load(const anew_engine_t* engine, const char* path, size_t path_size,
                                  const anew_compile_options_t* options, anew_component_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(engine);
  ANEW_NOT_NULL(path);
  return c::guarded("a component is loaded", [&]() -> Result<void> {
    const auto compile_options = TRY(c::to_compile_options(options));
    auto made = TRY(component::Component::load(engine->engine, c::text(path, path_size), compile_options));
    *out = new anew_component_t(std::move(made));
    return {};
  });
}

void anew_component_delete(anew_component_t* component) {
  if (!c::is_missing(component, __func__)) delete component;
}

size_t anew_component_import_count(const anew_component_t* component) {
  return c::is_missing(component, __func__) ? 0 : component->imports.size();
}

anew_component_item_t anew_component_import(const anew_component_t* component, size_t index) {
  return c::is_missing(component, __func__) ? anew_component_item_t{} : c::item_at(component->imports, index);
}

size_t anew_component_export_count(const anew_component_t* component) {
  return c::is_missing(component, __func__) ? 0 : component->exports.size();
}

anew_component_item_t anew_component_export(const anew_component_t* component, size_t index) {
  return c::is_missing(component, __func__) ? anew_component_item_t{} : c::item_at(component->exports, index);
}

anew_error_t* anew_component_result_set(anew_component_result_t* result, const char* text, size_t size) {
  if (result == nullptr) return c::null_argument(__func__, "result");
  return c::guarded("a result is set", [&]() -> Result<void> {
    result->text.emplace(c::text(text, size));
    return {};
  });
}

anew_error_t* anew_component_linker_new(anew_component_linker_t** out) {
  ANEW_OUT(out);
  return c::guarded("a linker is made", [&]() -> Result<void> {
    *out = new anew_component_linker_t;
    return {};
  });
}

void anew_component_linker_delete(anew_component_linker_t* linker) {
  if (!c::is_missing(linker, __func__)) delete linker;
}

anew_error_t* anew_component_linker_define(anew_component_linker_t* linker, const char* interface_name,
                                           size_t interface_size, const char* name, size_t name_size,
                                           anew_component_function_t function, void* data, anew_finalizer_t finalize) {
  c::CallbackData owned(data, finalize);
  ANEW_NOT_NULL(linker);
  if (function == nullptr) return c::null_argument(__func__, "function");
  return c::guarded("a host function is defined", [&]() -> Result<void> {
    const auto kept = std::make_shared<const c::CallbackData>(std::move(owned));
    linker->linker.define(c::text(interface_name, interface_size), c::text(name, name_size),
                          [kept, function](component::Caller& caller, const component::Values& arguments) {
                            return c::call_host(function, kept->get(), caller, arguments);
                          });
    return {};
  });
}

anew_error_t* anew_component_linker_define_async(anew_component_linker_t* linker, const char* interface_name,
                                                 size_t interface_size, const char* name, size_t name_size,
                                                 anew_component_async_function_t function, void* data,
                                                 anew_finalizer_t finalize) {
  c::CallbackData owned(data, finalize);
  ANEW_NOT_NULL(linker);
  if (function == nullptr) return c::null_argument(__func__, "function");
  return c::guarded("a host function is defined", [&]() -> Result<void> {
    const auto kept = std::make_shared<const c::CallbackData>(std::move(owned));
    linker->linker.define_async(
        c::text(interface_name, interface_size), c::text(name, name_size),
        [kept, function](component::Caller& caller, const component::Values& arguments,
                         component::Completion completion) -> Result<void> {
          const c::Texts texts(caller, arguments);
          auto* const given = new anew_component_completion_t(std::move(completion), caller);  // the client's
          if (anew_error_t* const error = function(kept->get(), texts.views().data(), texts.views().size(), given))
            return std::unexpected(c::take_error(error));
          return {};
        });
    return {};
  });
}

anew_error_t* anew_component_completion_complete(anew_component_completion_t* completion, const char* text,
                                                 size_t size) {
  ANEW_NOT_NULL(completion);
  const std::unique_ptr<anew_component_completion_t> ended(completion);
  return c::guarded("a call is completed", [&] { return c::complete(*completion, c::text(text, size)); });
}

void anew_component_completion_fail(anew_component_completion_t* completion, const char* message, size_t message_size) {
  if (c::is_missing(completion, __func__)) return;
  const std::unique_ptr<anew_component_completion_t> ended(completion);
  // Without memory for the words what nobody completed fails with others.
  anew_error_delete(c::guarded("a call is failed", [&]() -> Result<void> {
    completion->completion.fail(make_error(ErrorCode::kHost, std::string(c::text(message, message_size))));
    return {};
  }));
}

void anew_component_completion_delete(anew_component_completion_t* completion) {
  if (!c::is_missing(completion, __func__)) delete completion;
}

anew_error_t* anew_component_linker_trap_unknown_functions(anew_component_linker_t* linker) {
  ANEW_NOT_NULL(linker);
  linker->linker.trap_unknown_functions();
  return nullptr;
}

anew_error_t* anew_component_pool_new(const anew_component_t* component, const anew_component_linker_t* linker,
                                      const anew_pool_options_t* options, anew_component_pool_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(component);
  ANEW_NOT_NULL(linker);
  return c::guarded("a pool is made", [&] { return c::make_pool(*component, *linker, options, {}, out); });
}

anew_error_t* anew_component_pool_new_warm(const anew_component_t* component, const anew_component_linker_t* linker,
                                           const anew_pool_options_t* options, anew_component_warm_up_t warm_up,
                                           void* data, anew_finalizer_t finalize, anew_component_pool_t** out) {
  c::CallbackData owned(data, finalize);
  ANEW_OUT(out);
  ANEW_NOT_NULL(component);
  ANEW_NOT_NULL(linker);
  if (warm_up == nullptr) return c::null_argument(__func__, "warm_up");
  return c::guarded("a pool is made", [&] {
    const auto kept = std::make_shared<const c::CallbackData>(std::move(owned));
    return c::make_pool(
        *component, *linker, options,
        [kept, warm_up](component::Lease& lease) { return c::warm_up_by(warm_up, kept->get(), lease); }, out);
  });
}

anew_error_t* anew_component_pool_save_snapshot(const anew_component_pool_t* pool, const char* path, size_t path_size) {
  ANEW_NOT_NULL(pool);
  ANEW_NOT_NULL(path);
  return c::guarded("a snapshot is written", [&] { return pool->pool.save_snapshot(c::text(path, path_size)); });
}

void anew_component_pool_delete(anew_component_pool_t* pool) {
  if (!c::is_missing(pool, __func__)) delete pool;
}

anew_error_t* anew_component_pool_acquire(const anew_component_pool_t* pool, anew_component_lease_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(pool);
  return c::guarded("an instance is acquired", [&] { return c::give_lease(pool->pool.acquire(), out); });
}

anew_error_t* anew_component_pool_acquire_until(const anew_component_pool_t* pool, int64_t deadline,
                                                anew_component_lease_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(pool);
  return c::guarded("an instance is acquired",
                    [&] { return c::give_lease(pool->pool.acquire_until(c::to_time(deadline)), out); });
}

void anew_component_lease_release(anew_component_lease_t* lease) {
  if (c::is_missing(lease, __func__) || lease->is_lent) return;
  lease->entered.expect_idle(__func__);
  delete lease;
}

anew_error_t* anew_component_lease_call(anew_component_lease_t* lease, const char* name, size_t name_size,
                                        const anew_text_t* arguments, size_t argument_count, anew_text_t* result) {
  ANEW_NOT_NULL(lease);
  ANEW_NOT_NULL(result);
  *result = {};
  if (argument_count != 0) ANEW_NOT_NULL(arguments);
  const c::Use use(lease->entered);
  return c::guarded("a function is called", [&] {
    lease->result.clear();
    return c::call_component(*lease, c::text(name, name_size), std::span(arguments, argument_count), *result);
  });
}

void anew_component_lease_set_deadline(anew_component_lease_t* lease, int64_t deadline) {
  if (c::is_missing(lease, __func__)) return;
  const c::Use use(lease->entered);
  lease->lease.core().set_deadline(c::to_time(deadline));
}

void anew_component_lease_set_time_slice(anew_component_lease_t* lease, int64_t nanoseconds) {
  if (c::is_missing(lease, __func__)) return;
  const c::Use use(lease->entered);
  lease->lease.core().set_time_slice(std::chrono::nanoseconds(nanoseconds));
}

void anew_component_lease_set_fuel(anew_component_lease_t* lease, uint64_t fuel) {
  if (c::is_missing(lease, __func__)) return;
  const c::Use use(lease->entered);
  lease->lease.core().set_fuel(fuel);
}

anew_error_t* anew_component_lease_canceller(anew_component_lease_t* lease, anew_canceller_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(lease);
  const c::Use use(lease->entered);
  return c::guarded("a canceller is made", [&]() -> Result<void> {
    auto canceller = TRY(lease->lease.core().canceller());
    *out = new anew_canceller_t(std::move(canceller));
    return {};
  });
}

anew_error_t* anew_component_lease_start(anew_component_lease_t* lease, const char* name, size_t name_size,
                                         const anew_text_t* arguments, size_t argument_count,
                                         anew_component_call_t** out) {
  ANEW_NOT_NULL(lease);
  if (lease->is_lent) {
    return c::guarded("a call is begun", []() -> Result<void> {
      return fail(ErrorCode::kArgument, "the lease of a warm-up cannot be given away: call it");
    });
  }
  std::unique_ptr<anew_component_lease_t> owned(lease);
  ANEW_OUT(out);
  if (argument_count != 0) ANEW_NOT_NULL(arguments);
  return c::guarded("a call is begun", [&]() -> Result<void> {
    const auto function = TRY(lease->lease.function(c::text(name, name_size)));
    const auto values = TRY(c::to_arguments(function, std::span(arguments, argument_count)));
    *out = new anew_component_call_t(function, std::move(lease->lease).start(function, values));
    return {};
  });
}

bool anew_component_call_done(const anew_component_call_t* call) {
  return !c::is_missing(call, __func__) && call->call.is_done();
}

bool anew_component_call_ready(const anew_component_call_t* call) {
  return !c::is_missing(call, __func__) && call->call.is_ready();
}

bool anew_component_call_parked(const anew_component_call_t* call) {
  return !c::is_missing(call, __func__) && call->call.is_parked();
}

bool anew_component_call_resume(anew_component_call_t* call) {
  return !c::is_missing(call, __func__) && call->call.resume();
}

anew_error_t* anew_component_call_on_ready(anew_component_call_t* call, void (*wake)(void* data), void* data) {
  ANEW_NOT_NULL(call);
  if (wake == nullptr) return c::null_argument(__func__, "wake");
  return c::guarded("a call is waited for", [&]() -> Result<void> {
    call->call.on_ready([wake, data] { wake(data); });
    return {};
  });
}

anew_error_t* anew_component_call_result(anew_component_call_t* call, anew_text_t* result) {
  ANEW_NOT_NULL(call);
  ANEW_NOT_NULL(result);
  *result = {};
  return c::guarded("a result is read", [&]() -> Result<void> {
    call->result = c::to_result(call->function, TRY(call->call.result()));
    *result = c::to_text(call->result);
    return {};
  });
}

void anew_component_call_delete(anew_component_call_t* call) {
  if (!c::is_missing(call, __func__)) delete call;
}

}  // extern "C"
