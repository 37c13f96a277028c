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

Result<component::Value> call_host(anew_component_function_t function, void* data, const component::Caller& caller,
                                   const component::Values& arguments) {
  const component::Types& types = caller.function().component->plan().types;
  const component::FunctionType& type = *caller.function().type;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    texts.push_back(component::to_wave(types, *type.parameters[i].type, arguments[i]));
  std::vector<anew_text_t> views;
  for (const std::string& each : texts) views.push_back(to_text(each));
  anew_component_result_t result;
  if (anew_error_t* const error = function(data, views.data(), views.size(), &result))
    return std::unexpected(take_error(error));
  if (!type.result) return component::Value();
  if (!result.text) return fail(ErrorCode::kHost, "the host function gave no result");
  return component::from_wave(types, *type.result, *result.text);
}

Result<void> give_lease(Result<component::Lease> lease, const component::Pool& pool, anew_component_lease_t** out) {
  auto taken = TRY(std::move(lease));
  *out = new anew_component_lease_t(std::move(taken), pool);
  return {};
}

Result<void> call_component(anew_component_lease_t& lease, std::string_view name, std::span<const anew_text_t> texts,
                            anew_text_t& out) {
  const auto function = TRY(lease.pool.function(name));
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
  const auto result = TRY(lease.lease.call(function, arguments));
  if (type.result) lease.result = component::to_wave(types, *type.result, result);
  out = to_text(lease.result);
  return {};
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
  return c::guarded("a pool is made", [&]() -> Result<void> {
    auto pool_options = TRY(c::to_pool_options(options));
    auto made = TRY(component::Pool::create(component->component, linker->linker, std::move(pool_options)));
    *out = new anew_component_pool_t(std::move(made));
    return {};
  });
}

void anew_component_pool_delete(anew_component_pool_t* pool) {
  if (!c::is_missing(pool, __func__)) delete pool;
}

anew_error_t* anew_component_pool_acquire(const anew_component_pool_t* pool, anew_component_lease_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(pool);
  return c::guarded("an instance is acquired", [&] { return c::give_lease(pool->pool.acquire(), pool->pool, out); });
}

anew_error_t* anew_component_pool_acquire_until(const anew_component_pool_t* pool, int64_t deadline,
                                                anew_component_lease_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(pool);
  return c::guarded("an instance is acquired",
                    [&] { return c::give_lease(pool->pool.acquire_until(c::to_time(deadline)), pool->pool, out); });
}

void anew_component_lease_release(anew_component_lease_t* lease) {
  if (c::is_missing(lease, __func__)) return;
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

}  // extern "C"
