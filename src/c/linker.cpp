// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Linkers, host functions, their callers and states for C.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

#include "c/objects.hpp"
#include "runtime/stop.hpp"
#include "runtime/store_state.hpp"

namespace anew::c {
namespace {

/// What a host function of C is to the library.
struct HostFunction {
  CallbackData data;
  anew_slots_function_t by_slots;
  anew_values_function_t by_values;  ///< if the other is null
  FunctionType type;
  std::size_t parameters;  ///< slots of all together
  std::size_t slots;       ///< of the parameters or of the results, whichever are more
  bool returns_references;
};

/// Calls the form with values, between slots.
anew_error_t* call_by_values(const HostFunction& function, anew_caller_t& caller, std::uint64_t* slots) {
  std::array<anew_value_t, 16> few;
  std::vector<anew_value_t> many;
  const std::size_t arguments = function.type.parameters.size();
  const std::size_t results = function.type.results.size();
  anew_value_t* values = few.data();
  if (arguments + results > few.size()) {
    many.resize(arguments + results);
    values = many.data();
  }
  std::uint64_t* slot = slots;
  for (std::size_t i = 0; i < arguments; ++i) {
    const ValueType type = function.type.parameters[i];
    values[i] = from_value({type, slot[0], slots_of(type) == 2 ? slot[1] : 0});
    slot += slots_of(type);
  }
  for (std::size_t i = 0; i < results; ++i) values[arguments + i] = from_value({function.type.results[i], 0});
  anew_value_t* const returned = values + arguments;
  if (anew_error_t* const error =
          function.by_values(function.data.get(), &caller, values, arguments, returned, results))
    return error;
  slot = slots;
  for (std::size_t i = 0; i < results; ++i) {
    const ValueType type = function.type.results[i];
    if (returned[i].type != anew::detail::number(type)) {
      return guarded("an error is made", [&]() -> Result<void> {
        return fail(ErrorCode::kHost,
                    fmt::format("result {} must be {}, but its type was changed", i + 1, to_string(type)));
      });
    }
    std::copy_n(returned[i].of.slots, slots_of(type), slot);
    slot += slots_of(type);
  }
  return nullptr;
}

std::uint32_t call_host_function(void* environment, std::byte* cell, std::uint64_t* slots) {
  const auto& function = *static_cast<const HostFunction*>(environment);  // made by define() below, of this very type
  try {
    // They lie on the guest stack: a result that is not written must not be what an earlier call left there.
    std::fill(slots + function.parameters, slots + function.slots, 0);
    anew_caller_t caller = {cell};
    anew_error_t* const error = function.by_slots != nullptr ? function.by_slots(function.data.get(), &caller, slots)
                                                             : call_by_values(function, caller, slots);
    if (error != nullptr) return detail::raise_host_error(take_error(error));
    return function.returns_references ? detail::check_returned(cell, function.type.results, slots) : 0;
  } catch (...) {
    return detail::raise_host_exception();
  }
}

Result<void> define(anew_linker_t& linker, std::string_view module, std::string_view name,
                    const anew_function_type_t& given, CallbackData data, anew_slots_function_t by_slots,
                    anew_values_function_t by_values) {
  auto type = TRY(to_function_type(given));
  const std::size_t parameters = slots_of(type.parameters);
  detail::HostDefinition definition;
  definition.type = type;
  const bool returns_references = std::ranges::any_of(type.results, is_reference);
  const std::size_t slots = std::max(parameters, slots_of(type.results));
  definition.environment = std::make_shared<HostFunction>(std::move(data), by_slots, by_values, std::move(type),
                                                          parameters, slots, returns_references);
  definition.call = call_host_function;
  linker.linker.define_raw(module, name, std::move(definition));
  return {};
}

anew_error_t* define_global(anew_linker_t& linker, std::string_view module, std::string_view name,
                            const anew_value_t& value, Mutability mutability) noexcept {
  return guarded("a global is defined", [&]() -> Result<void> {
    const auto known = TRY(to_value(value));
    linker.linker.define_global(module, name, known, mutability);
    return {};
  });
}

Limits to_limits(std::uint64_t minimum, std::uint64_t maximum) noexcept {
  Limits limits = {minimum, std::nullopt};
  if (maximum != UINT64_MAX) limits.maximum = maximum;
  return limits;
}

}  // namespace

/// A kind of host state, and how it is made and put back.
class StateDefinition final : public detail::StateDefinition, public std::enable_shared_from_this<StateDefinition> {
 public:
  // The base refers to a member, and looks at it later only.
  StateDefinition(std::string name, const anew_state_options_t& options, CallbackData data)
      : detail::StateDefinition(type_),
        name_(std::move(name)),
        type_{name_},
        options_(options),
        data_(std::move(data)) {}

  struct State final : detail::AnyState {
    explicit State(std::shared_ptr<const StateDefinition> made_by) noexcept : definition(std::move(made_by)) {}
    ~State() override {
      if (is_made && definition->options_.destroy != nullptr)
        definition->options_.destroy(definition->data_.get(), value);
    }
    std::shared_ptr<const StateDefinition> definition;
    void* value = nullptr;
    bool is_made = false;
  };

  [[nodiscard]] Result<std::unique_ptr<detail::AnyState>> make() const override {
    auto state = std::make_unique<State>(shared_from_this());
    if (anew_error_t* const error = options_.create(data_.get(), &state->value))
      return std::unexpected(take_error(error));
    state->is_made = true;
    return state;
  }

  [[nodiscard]] Result<void> reset(std::unique_ptr<detail::AnyState>& state) const override {
    if (options_.reset == nullptr) {
      state.reset();  // first, so that it gives back what the new one may want to take
      auto made = TRY(make());
      state = std::move(made);
      return {};
    }
    if (anew_error_t* const error = options_.reset(data_.get(), value_of(state.get())))
      return std::unexpected(take_error(error));
    return {};
  }

  /// @param state  of this definition, or null.
  [[nodiscard]] static void* value_of(const detail::AnyState* state) noexcept {
    return state != nullptr ? static_cast<const State*>(state)->value : nullptr;
  }

 private:
  std::string name_;
  detail::StateType type_;
  anew_state_options_t options_;
  CallbackData data_;
};

void* find_state(const detail::Instance& instance, const anew_state_type_t& type) noexcept {
  // Found by the definition's own type, so it is of that definition.
  return StateDefinition::value_of(instance.store->host_states.find(type.definition->type()));
}

}  // namespace anew::c

using namespace anew;  // NOLINT: the functions below are C's

extern "C" {

anew_error_t* anew_linker_new(anew_linker_t** out) {
  ANEW_OUT(out);
  return c::guarded("a linker is made", [&]() -> Result<void> {
    *out = new anew_linker_t;
    return {};
  });
}

void anew_linker_delete(anew_linker_t* linker) {
  if (!c::is_missing(linker, __func__)) delete linker;
}

anew_error_t* anew_linker_define_slots(anew_linker_t* linker, const char* module, size_t module_size, const char* name,
                                       size_t name_size, const anew_function_type_t* type,
                                       anew_slots_function_t function, void* data, anew_finalizer_t finalize) {
  c::CallbackData owned(data, finalize);
  ANEW_NOT_NULL(linker);
  ANEW_NOT_NULL(type);
  if (function == nullptr) return c::null_argument(__func__, "function");
  return c::guarded("a host function is defined", [&] {
    return c::define(*linker, c::text(module, module_size), c::text(name, name_size), *type, std::move(owned), function,
                     nullptr);
  });
}

anew_error_t* anew_linker_define_values(anew_linker_t* linker, const char* module, size_t module_size, const char* name,
                                        size_t name_size, const anew_function_type_t* type,
                                        anew_values_function_t function, void* data, anew_finalizer_t finalize) {
  c::CallbackData owned(data, finalize);
  ANEW_NOT_NULL(linker);
  ANEW_NOT_NULL(type);
  if (function == nullptr) return c::null_argument(__func__, "function");
  return c::guarded("a host function is defined", [&] {
    return c::define(*linker, c::text(module, module_size), c::text(name, name_size), *type, std::move(owned), nullptr,
                     function);
  });
}

anew_error_t* anew_linker_define_global(anew_linker_t* linker, const char* module, size_t module_size, const char* name,
                                        size_t name_size, const anew_value_t* value) {
  ANEW_NOT_NULL(linker);
  ANEW_NOT_NULL(value);
  return c::define_global(*linker, c::text(module, module_size), c::text(name, name_size), *value,
                          Mutability::kImmutable);
}

anew_error_t* anew_linker_define_mutable_global(anew_linker_t* linker, const char* module, size_t module_size,
                                                const char* name, size_t name_size, const anew_value_t* value) {
  ANEW_NOT_NULL(linker);
  ANEW_NOT_NULL(value);
  return c::define_global(*linker, c::text(module, module_size), c::text(name, name_size), *value,
                          Mutability::kMutable);
}

anew_error_t* anew_linker_define_memory(anew_linker_t* linker, const char* module, size_t module_size, const char* name,
                                        size_t name_size, uint64_t minimum, uint64_t maximum) {
  ANEW_NOT_NULL(linker);
  return c::guarded("a memory is defined", [&]() -> Result<void> {
    linker->linker.define_memory(c::text(module, module_size), c::text(name, name_size),
                                 c::to_limits(minimum, maximum));
    return {};
  });
}

anew_error_t* anew_linker_define_table(anew_linker_t* linker, const char* module, size_t module_size, const char* name,
                                       size_t name_size, anew_type_t element, uint64_t minimum, uint64_t maximum) {
  ANEW_NOT_NULL(linker);
  return c::guarded("a table is defined", [&]() -> Result<void> {
    const auto type = TRY(c::to_type(element));
    if (!is_reference(type))
      return fail(ErrorCode::kArgument, fmt::format("the elements of a table are references, not {}", to_string(type)));
    linker->linker.define_table(c::text(module, module_size), c::text(name, name_size),
                                {.element = type, .limits = c::to_limits(minimum, maximum)});
    return {};
  });
}

anew_error_t* anew_linker_define_module(anew_linker_t* linker, const char* name, size_t name_size,
                                        const anew_module_t* module) {
  ANEW_NOT_NULL(linker);
  ANEW_NOT_NULL(module);
  return c::guarded("a module is defined", [&]() -> Result<void> {
    linker->linker.define_module(c::text(name, name_size), module->module);
    return {};
  });
}

anew_error_t* anew_linker_trap_unknown_functions(anew_linker_t* linker) {
  ANEW_NOT_NULL(linker);
  linker->linker.trap_unknown_functions();
  return nullptr;
}

anew_error_t* anew_state_type_new(const char* name, size_t name_size, const anew_state_options_t* options,
                                  anew_state_type_t** out) {
  anew_state_options_t known = {};
  anew_error_t* const unreadable = c::read_callback_options(options, known);
  c::CallbackData owned(known.data, known.finalize);
  if (unreadable != nullptr) {
    if (out != nullptr) *out = nullptr;
    return unreadable;
  }
  ANEW_OUT(out);
  if (known.create == nullptr) return c::null_argument(__func__, "options->create");
  return c::guarded("a kind of host state is made", [&]() -> Result<void> {
    auto definition =
        std::make_shared<c::StateDefinition>(std::string(c::text(name, name_size)), known, std::move(owned));
    *out = new anew_state_type_t(std::move(definition));
    return {};
  });
}

void anew_state_type_delete(anew_state_type_t* type) {
  if (!c::is_missing(type, __func__)) delete type;
}

anew_error_t* anew_linker_define_state(anew_linker_t* linker, const anew_state_type_t* type) {
  ANEW_NOT_NULL(linker);
  ANEW_NOT_NULL(type);
  return c::guarded("a host state is defined", [&]() -> Result<void> {
    linker->linker.define_raw(type->definition);
    return {};
  });
}

// --- Caller ---------------------------------------------------------------------------------------------------------

anew_error_t* anew_caller_memory(const anew_caller_t* caller, const char* name, size_t name_size, anew_memory_t* out) {
  ANEW_NOT_NULL(caller);
  ANEW_NOT_NULL(out);
  return c::guarded("a memory is looked up", [&]() -> Result<void> {
    *out = TRY(c::find_memory(detail::instance_of(caller->cell), name, name_size));
    return {};
  });
}

anew_error_t* anew_caller_global(const anew_caller_t* caller, const char* name, size_t name_size, anew_value_t* out) {
  ANEW_NOT_NULL(caller);
  ANEW_NOT_NULL(out);
  return c::guarded("a global is read", [&]() -> Result<void> {
    const auto value = TRY(detail::exported_global(detail::instance_of(caller->cell), c::text(name, name_size)));
    *out = c::from_value(value);
    return {};
  });
}

anew_error_t* anew_caller_call(const anew_caller_t* caller, const anew_function_t* function, uint64_t* slots,
                               size_t slot_count) {
  ANEW_NOT_NULL(caller);
  ANEW_NOT_NULL(function);
  return c::call(detail::instance_of(caller->cell), *function, slots, slot_count);
}

anew_error_t* anew_caller_call_values(const anew_caller_t* caller, const char* name, size_t name_size,
                                      const anew_value_t* arguments, size_t argument_count, anew_value_t* results,
                                      size_t result_count) {
  ANEW_NOT_NULL(caller);
  if (argument_count != 0) ANEW_NOT_NULL(arguments);
  if (result_count != 0) ANEW_NOT_NULL(results);
  return c::guarded("a function is called", [&] {
    return c::call_values(detail::instance_of(caller->cell), c::text(name, name_size), arguments, argument_count,
                          results, result_count);
  });
}

anew_error_t* anew_caller_function(const anew_caller_t* caller, const char* name, size_t name_size,
                                   const anew_function_type_t* type, anew_function_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(caller);
  return c::guarded("a function is looked up", [&]() -> Result<void> {
    *out = TRY(c::find_function(detail::instance_of(caller->cell).linked, c::text(name, name_size), type));
    return {};
  });
}

void* anew_caller_state(const anew_caller_t* caller, const anew_state_type_t* type) {
  if (caller == nullptr || c::is_missing(type, __func__)) return nullptr;
  return c::find_state(detail::instance_of(caller->cell), *type);
}

bool anew_caller_stopping(const anew_caller_t* caller) { return caller != nullptr && detail::stop_requested(); }

}  // extern "C"
