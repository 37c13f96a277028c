// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the host makes in a store of the standard wasm-c-api: a function, global, table or memory is the export of a
// small module's instance, so that it lies in the store as all else does.
#include <fmt/format.h>

#include <new>
#include <optional>

#include "c/standard_store.hpp"
#include "c/standard_types.hpp"
#include "runtime/library.hpp"

namespace anew::c {
namespace {

// --- Modules for what the host makes --------------------------------------------------------------------------------

class ModuleBytes {
 public:
  ModuleBytes& byte(std::uint32_t value) {
    bytes_.push_back(static_cast<std::byte>(value));
    return *this;
  }
  ModuleBytes& number(std::uint64_t value) {  // unsigned LEB128 (specification, 5.2.2)
    for (; value > 0x7F; value >>= 7) byte(static_cast<std::uint32_t>(value & 0x7F) | 0x80);
    return byte(static_cast<std::uint32_t>(value));
  }
  ModuleBytes& types(const std::vector<ValueType>& types) {
    number(types.size());
    for (const ValueType type : types) byte(anew::detail::number(type));  // those of from_kind: a byte each
    return *this;
  }
  ModuleBytes& limits(const wasm_limits_t& limits) {
    const bool has_maximum = limits.max != wasm_limits_max_default;
    byte(has_maximum ? 1 : 0).number(limits.min);
    return has_maximum ? number(limits.max) : *this;
  }
  ModuleBytes& section(std::uint32_t id, const ModuleBytes& content) {
    byte(id).number(content.bytes_.size());
    bytes_.insert(bytes_.end(), content.bytes_.begin(), content.bytes_.end());
    return *this;
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

ModuleBytes module_header() {
  ModuleBytes module;
  for (const char each : {'\0', 'a', 's', 'm', '\1', '\0', '\0', '\0'}) module.byte(static_cast<std::uint32_t>(each));
  return module;
}

/// Export section of one export, number 0 of its kind, without a name.
ModuleBytes export_of(ExternalKind kind) {
  return ModuleBytes().number(1).number(0).byte(static_cast<std::uint32_t>(kind)).number(0);
}

/// An instance of a small module whose only export is what the host makes. @return null if it is refused.
detail::Instance* make_small(StoreData& store, ModuleBytes module, ExternalKind kind, const Linker& linker = {}) {
  module.section(7, export_of(kind));
  constexpr std::size_t kMost = 256;  // modules that are remembered
  auto found = store.small_modules.find(module.bytes());
  if (found == store.small_modules.end()) {
    auto compiled = store.engine.uncached.compile(module.bytes());
    if (!compiled) return nullptr;
    if (store.small_modules.size() == kMost) store.small_modules.clear();
    found = store.small_modules.emplace(module.bytes(), std::move(*compiled)).first;
  }
  const auto instance = store.store.instantiate(found->second, linker);
  return instance ? instance->state() : nullptr;
}

// --- Host functions -------------------------------------------------------------------------------------------------

struct Callback {
  StoreData* store;  ///< which keeps this
  FunctionType type;
  wasm_func_callback_t plain;
  wasm_func_callback_with_env_t with_environment;  ///< if the other is null
  void* environment;
  void (*finalizer)(void*);

  Callback(StoreData& in, FunctionType of_type, wasm_func_callback_t call, wasm_func_callback_with_env_t call_with,
           void* with, void (*finalize)(void*))
      : store(&in),
        type(std::move(of_type)),
        plain(call),
        with_environment(call_with),
        environment(with),
        finalizer(finalize) {}
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;
  ~Callback() {
    if (finalizer != nullptr) finalizer(environment);
  }
};

/// Values that go with it.
class Values {
 public:
  explicit Values(std::size_t size) {
    allocate(&values_, size);
    if (values_.size != size) throw std::bad_alloc();
  }
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;
  ~Values() { wasm_val_vec_delete(&values_); }
  [[nodiscard]] wasm_val_vec_t* get() noexcept { return &values_; }
  [[nodiscard]] wasm_val_t& operator[](std::size_t index) noexcept { return values_.data[index]; }

 private:
  wasm_val_vec_t values_;
};

std::uint32_t call_back(void* environment, std::byte*, std::uint64_t* slots) {
  const auto& callback = *static_cast<const Callback*>(environment);  // wasm_func_new made it, of this very type
  StoreData& store = *callback.store;
  try {
    Values arguments(callback.type.parameters.size());
    Values results(callback.type.results.size());
    for (std::size_t i = 0; i < callback.type.parameters.size(); ++i)
      arguments[i] = from_slot(store, callback.type.parameters[i], slots[i]);
    for (std::size_t i = 0; i < callback.type.results.size(); ++i) results[i].kind = to_kind(callback.type.results[i]);
    const std::unique_ptr<wasm_trap_t> trap(
        callback.plain != nullptr ? callback.plain(arguments.get(), results.get())
                                  : callback.with_environment(callback.environment, arguments.get(), results.get()));
    if (trap) {
      store.pending = trap->data;
      return detail::raise_host_error(make_error(ErrorCode::kHost, trap->data->message));
    }
    for (std::size_t i = 0; i < callback.type.results.size(); ++i) {
      const ValueType type = callback.type.results[i];
      const char* const problem = i < results.get()->size && results.get()->data != nullptr
                                      ? to_slot(store, results[i], {type, {}}, slots[i])
                                      : "is missing";
      if (problem != nullptr) {
        return detail::raise_host_error(
            make_error(ErrorCode::kHost, fmt::format("result {}, {}, {}", i + 1, to_string(type), problem)));
      }
    }
    return 0;
  } catch (...) {
    return detail::raise_host_exception();
  }
}

wasm_func_t* make_function(wasm_store_t& store, const wasm_functype_t& type, wasm_func_callback_t plain,
                           wasm_func_callback_with_env_t with_environment, void* environment,
                           void (*finalizer)(void*)) {
  StoreData& data = *store.data;
  detail::HostDefinition definition;
  std::optional<FunctionType> known;
  try {
    known = from_type(type);
    definition.environment = std::make_shared<Callback>(data, known.value_or(FunctionType{}), plain, with_environment,
                                                        environment, finalizer);
  } catch (...) {
    if (finalizer != nullptr) finalizer(environment);
    throw;
  }
  if (!known) return nullptr;
  definition.type = *known;
  definition.call = call_back;
  Linker linker;
  linker.define_raw("", "", std::move(definition));
  ModuleBytes module = module_header();
  module.section(1, ModuleBytes().number(1).byte(0x60).types(known->parameters).types(known->results));
  module.section(2, ModuleBytes().number(1).number(0).number(0).byte(0).number(0));
  detail::Instance* const instance = make_small(data, std::move(module), ExternalKind::kFunction, linker);
  if (instance == nullptr) return nullptr;
  return static_cast<wasm_func_t*>(data.handle(ExternalKind::kFunction, *instance, 0).release());
}

}  // namespace
}  // namespace anew::c

using namespace anew;  // NOLINT: the functions below are C's

extern "C" {

wasm_func_t* wasm_func_new(wasm_store_t* store, const wasm_functype_t* type, wasm_func_callback_t callback) {
  if (store == nullptr || type == nullptr || callback == nullptr) return nullptr;
  return c::attempt([&] { return c::make_function(*store, *type, callback, nullptr, nullptr, nullptr); });
}
wasm_func_t* wasm_func_new_with_env(wasm_store_t* store, const wasm_functype_t* type,
                                    wasm_func_callback_with_env_t callback, void* environment,
                                    void (*finalizer)(void*)) {
  if (store == nullptr || type == nullptr || callback == nullptr) {
    if (finalizer != nullptr) finalizer(environment);
    return nullptr;
  }
  return c::attempt([&] { return c::make_function(*store, *type, nullptr, callback, environment, finalizer); });
}
wasm_global_t* wasm_global_new(wasm_store_t* store, const wasm_globaltype_t* type, const wasm_val_t* value) {
  if (store == nullptr || type == nullptr || value == nullptr) return nullptr;
  const auto content = c::from_kind(type->content.kind);
  if (!content) return nullptr;
  return c::attempt([&]() -> wasm_global_t* {
    std::uint64_t slot = 0;
    if (c::to_slot(*store->data, *value, {*content, {}}, slot) != nullptr) return nullptr;
    c::ModuleBytes initial;
    switch (*content) {  // t.const 0 or ref.null, then the end (specification, 5.4)
      case ValueType::kI32: initial.byte(0x41).byte(0); break;
      case ValueType::kI64: initial.byte(0x42).byte(0); break;
      case ValueType::kF32: initial.byte(0x43).byte(0).byte(0).byte(0).byte(0); break;
      case ValueType::kF64: initial.byte(0x44).byte(0).byte(0).byte(0).byte(0).byte(0).byte(0).byte(0).byte(0); break;
      default: initial.byte(0xD0).byte(anew::detail::number(*content));
    }
    c::ModuleBytes section;
    section.number(1).byte(anew::detail::number(*content)).byte(type->mutability == WASM_VAR ? 1 : 0);
    for (const std::byte each : initial.bytes()) section.byte(static_cast<std::uint32_t>(each));
    section.byte(0x0B);
    detail::Instance* const instance =
        c::make_small(*store->data, c::module_header().section(6, section), ExternalKind::kGlobal);
    if (instance == nullptr) return nullptr;
    *instance->global(0) = slot;  // nobody has read it yet
    return static_cast<wasm_global_t*>(store->data->handle(ExternalKind::kGlobal, *instance, 0).release());
  });
}
wasm_table_t* wasm_table_new(wasm_store_t* store, const wasm_tabletype_t* type, wasm_ref_t* initial) {
  if (store == nullptr || type == nullptr) return nullptr;
  const auto element = c::from_kind(type->element.kind);
  if (!element || !is_reference(*element)) return nullptr;
  return c::attempt([&]() -> wasm_table_t* {
    std::uint64_t bits = 0;
    if (c::to_reference(*store->data, initial, {*element, {}}, bits) != nullptr) return nullptr;
    c::ModuleBytes section;
    section.number(1).byte(anew::detail::number(*element)).limits(type->limits);
    detail::Instance* const instance =
        c::make_small(*store->data, c::module_header().section(4, section), ExternalKind::kTable);
    if (instance == nullptr) return nullptr;
    if (bits != 0) (void)detail::library().table_fill(instance->cell, 0, bits, type->limits.min, 0);
    return static_cast<wasm_table_t*>(store->data->handle(ExternalKind::kTable, *instance, 0).release());
  });
}
wasm_memory_t* wasm_memory_new(wasm_store_t* store, const wasm_memorytype_t* type) {
  if (store == nullptr || type == nullptr) return nullptr;
  return c::attempt([&]() -> wasm_memory_t* {
    detail::Instance* const instance =
        c::make_small(*store->data, c::module_header().section(5, c::ModuleBytes().number(1).limits(type->limits)),
                      ExternalKind::kMemory);
    if (instance == nullptr) return nullptr;
    return static_cast<wasm_memory_t*>(store->data->handle(ExternalKind::kMemory, *instance, 0).release());
  });
}

}  // extern "C"
