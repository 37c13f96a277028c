// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The standard wasm-c-api on anew::Store: engines, stores and handles, calls, instances, modules, and what is read and
// changed of globals, tables and memories.
#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "c/standard_store.hpp"
#include "c/standard_types.hpp"
#include "runtime/library.hpp"
#include "runtime/without_exceptions.hpp"
#include "wasm/validate_module.hpp"

namespace anew::c {
namespace {

wasm_trap_t* call_function(const wasm_func_t& function, const wasm_val_vec_t* arguments, wasm_val_vec_t* results) {
  StoreData& store = *function.store;
  const FunctionType& type = type_of(function);
  const std::size_t given = arguments != nullptr && arguments->data != nullptr ? arguments->size : 0;
  const std::size_t room = results != nullptr && results->data != nullptr ? results->size : 0;
  if (!is_standard(type))
    return refuse(store, fmt::format("the function is {}, which this interface cannot call", to_string(type)));
  if (given != type.parameters.size() || room < type.results.size()) {
    return refuse(store, fmt::format("the function is {}: it was given {} arguments, and room for {} results",
                                     to_string(type), given, room));
  }
  // Each value of these types takes one.
  std::vector<std::uint64_t> slots(std::max({given, type.results.size(), std::size_t{1}}));
  for (std::size_t i = 0; i < given; ++i) {
    const detail::ScopedType wanted = {type.parameters[i], function.instance->linked->type_scope()};
    if (const char* const problem = to_slot(store, arguments->data[i], wanted, slots[i])) {
      return refuse(store,
                    fmt::format("argument {} of the function, which is {}, {}", i + 1, to_string(type), problem));
    }
  }
  const detail::FunctionHandle handle = detail::function_handle(*function.instance->linked, function.index);
  if (const std::uint32_t trap = detail::invoke(*function.instance, handle, slots.data()); trap != 0)
    return make_trap(store, detail::make_trap_error(*function.instance, trap));
  for (std::size_t i = 0; i < type.results.size(); ++i) results->data[i] = from_slot(store, type.results[i], slots[i]);
  return nullptr;
}

// --- Instances ------------------------------------------------------------------------------------------------------

Result<wasm_instance_t*> make_instance(StoreData& store, const wasm_module_t& module,
                                       const wasm_extern_vec_t* imports) {
  const std::size_t given = imports != nullptr && imports->data != nullptr ? imports->size : 0;
  const std::vector<wasm::Import>& wanted = module.module.state()->module.imports;
  if (given < wanted.size())
    return fail(ErrorCode::kLink, fmt::format("the module has {} imports, and {} were given", wanted.size(), given));
  std::vector<detail::Supplied> supplied;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const wasm_extern_t* const each = imports->data[i];
    if (each == nullptr || each->store != &store)
      return fail(ErrorCode::kLink, fmt::format("import {} is {}", i, each == nullptr ? "null" : "of another store"));
    supplied.push_back({to_external(each->kind), each->instance, each->index});
  }
  auto made = store.store.instantiate_with(module.module, supplied);
  if (!made) return std::unexpected(std::move(made.error()));
  detail::Instance& instance = *made->state();
  store.store.define(std::to_string(instance.number), *made);  // for backtraces
  auto kept = std::make_unique<wasm_instance_t>(store.entity(RefKind::kInstance, &instance, 0),
                                                store.shared_from_this(), instance);
  auto handle = std::make_unique<wasm_instance_t>(*kept);
  kept->keep.reset();
  store.instances.insert_or_assign(instance.number, std::move(kept));
  return handle.release();
}

wasm_frame_t* make_frame(const std::shared_ptr<StoreData>& store, const FrameData& data) {
  const auto found = store->instances.find(data.instance);
  return new wasm_frame_t{store, found != store->instances.end() ? found->second.get() : nullptr, data};
}

wasm_module_t* compile(wasm_store_t* store, const wasm_byte_vec_t* binary) noexcept {
  if (store == nullptr || binary == nullptr || binary->data == nullptr) return nullptr;
  return attempt([&]() -> wasm_module_t* {
    const std::span<const char> bytes(binary->data, binary->size);
    auto module = store->data->engine.engine.compile(std::as_bytes(bytes));
    return module ? new wasm_module_t(store->data, std::move(*module)) : nullptr;
  });
}

/// Fills a vector with what `make` makes of each; empty if one fails. @param destroy  deletes what a vector holds.
/// @param make  gives a pointer; may throw.
template <typename V, typename R>
void fill(V* out, const R& range, void (*destroy)(V*), auto&& make) noexcept {
  allocate(out, range.size());
  try {
    for (std::size_t i = 0; i < out->size; ++i) out->data[i] = make(range[i]);
  } catch (...) {
    destroy(out);
  }
}

std::uint64_t* elements_of(const wasm_table_t& table) noexcept { return table.instance->table(table.index); }

/// The bits of an element for a table. @return whether it may have it.
bool to_element(const wasm_table_t& table, const wasm_ref_t* ref, std::uint64_t& bits) {
  const detail::LinkedModule& linked = *table.instance->linked;
  const ValueType element = linked.wasm().tables[table.index].element;
  if (!is_extern_reference(element) && !is_function_reference(element)) return false;
  return to_reference(*table.store, ref, {element, linked.type_scope()}, bits) == nullptr;
}

MemoryView view_of(const wasm_memory_t& memory) noexcept { return MemoryView(memory.instance->memory(memory.index)); }

}  // namespace
}  // namespace anew::c

using namespace anew;  // NOLINT: the functions below are C's
using c::RefKind;

extern "C" {

// --- Engine and store -----------------------------------------------------------------------------------------------

wasm_config_t* wasm_config_new(void) { return new (std::nothrow) wasm_config_t; }
void wasm_config_delete(wasm_config_t* config) { delete config; }
wasm_engine_t* wasm_engine_new(void) {
  return c::attempt([] { return new wasm_engine_t; });
}
wasm_engine_t* wasm_engine_new_with_config(wasm_config_t* config) {
  delete config;
  return wasm_engine_new();
}
void wasm_engine_delete(wasm_engine_t* engine) { delete engine; }
wasm_store_t* wasm_store_new(wasm_engine_t* engine) {
  if (engine == nullptr) return nullptr;
  return c::attempt([&] { return new wasm_store_t{std::make_shared<c::StoreData>(*engine)}; });
}
void wasm_store_delete(wasm_store_t* store) { delete store; }

// --- Values and references ------------------------------------------------------------------------------------------

void wasm_val_delete(wasm_val_t* value) {
  if (value != nullptr && wasm_valkind_is_ref(value->kind)) delete std::exchange(value->of.ref, nullptr);
}
void wasm_val_copy(wasm_val_t* out, const wasm_val_t* value) {
  if (out == nullptr || value == nullptr) return;
  *out = *value;
  if (wasm_valkind_is_ref(value->kind)) out->of.ref = wasm_ref_copy(value->of.ref);
}

/// What all handles have. @param name  of the interface's type for them.
#define ANEW_HANDLE(name)                                                                                          \
  void wasm_##name##_delete(wasm_##name##_t* handle) { delete handle; }                                            \
  wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t* handle) {                                             \
    if (handle == nullptr) return nullptr;                                                                         \
    return static_cast<wasm_##name##_t*>(c::attempt([&] { return handle->copy(); }));                              \
  }                                                                                                                \
  bool wasm_##name##_same(const wasm_##name##_t* one, const wasm_##name##_t* other) {                              \
    return one != nullptr && other != nullptr && one->entity == other->entity;                                     \
  }                                                                                                                \
  void* wasm_##name##_get_host_info(const wasm_##name##_t* handle) {                                               \
    return handle != nullptr ? handle->entity->host_info : nullptr;                                                \
  }                                                                                                                \
  void wasm_##name##_set_host_info(wasm_##name##_t* handle, void* info) {                                          \
    if (handle != nullptr) handle->entity->set_host_info(info, nullptr);                                           \
  }                                                                                                                \
  void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t* handle, void* info, void (*finalizer)(void*)) { \
    if (handle != nullptr) handle->entity->set_host_info(info, finalizer);                                         \
  }
/// @param is_one  whether a wasm_ref_t that is not null is a handle of that type.
#define ANEW_REFERENCE(name, is_one)                                                             \
  ANEW_HANDLE(name)                                                                              \
  wasm_ref_t* wasm_##name##_as_ref(wasm_##name##_t* handle) { return handle; }                   \
  const wasm_ref_t* wasm_##name##_as_ref_const(const wasm_##name##_t* handle) { return handle; } \
  wasm_##name##_t* wasm_ref_as_##name(wasm_ref_t* ref) {                                         \
    return ref != nullptr && (is_one) ? static_cast<wasm_##name##_t*>(ref) : nullptr;            \
  }                                                                                              \
  const wasm_##name##_t* wasm_ref_as_##name##_const(const wasm_ref_t* ref) {                     \
    return ref != nullptr && (is_one) ? static_cast<const wasm_##name##_t*>(ref) : nullptr;      \
  }
#define ANEW_EXTERN(name, of_kind)                                                                     \
  ANEW_REFERENCE(name, ref->kind == (of_kind))                                                         \
  wasm_extern_t* wasm_##name##_as_extern(wasm_##name##_t* handle) { return handle; }                   \
  const wasm_extern_t* wasm_##name##_as_extern_const(const wasm_##name##_t* handle) { return handle; } \
  wasm_##name##_t* wasm_extern_as_##name(wasm_extern_t* external) {                                    \
    return c::as<wasm_##name##_t>(external, of_kind);                                                  \
  }                                                                                                    \
  const wasm_##name##_t* wasm_extern_as_##name##_const(const wasm_extern_t* external) {                \
    return c::as<wasm_##name##_t>(external, of_kind);                                                  \
  }
ANEW_HANDLE(ref)
ANEW_REFERENCE(trap, ref->kind == RefKind::kTrap)
ANEW_REFERENCE(foreign, ref->kind == RefKind::kForeign)
ANEW_REFERENCE(module, ref->kind == RefKind::kModule)
ANEW_REFERENCE(instance, ref->kind == RefKind::kInstance)
ANEW_REFERENCE(extern, c::is_extern(ref))
ANEW_EXTERN(func, RefKind::kFunc)
ANEW_EXTERN(global, RefKind::kGlobal)
ANEW_EXTERN(table, RefKind::kTable)
ANEW_EXTERN(memory, RefKind::kMemory)

wasm_externkind_t wasm_extern_kind(const wasm_extern_t* external) {
  return external != nullptr ? static_cast<wasm_externkind_t>(external->kind) : wasm_externkind_t{};
}
wasm_externtype_t* wasm_extern_type(const wasm_extern_t* external) {
  if (external == nullptr) return nullptr;
  return c::attempt([&] { return c::make_type(c::type_of(*external)).release(); });
}

wasm_foreign_t* wasm_foreign_new(wasm_store_t* store) {
  if (store == nullptr) return nullptr;
  return c::attempt([&] { return new wasm_foreign_t(store->data); });
}

// --- Traps and frames -----------------------------------------------------------------------------------------------

wasm_trap_t* wasm_trap_new(wasm_store_t* store, const wasm_message_t* message) {
  if (store == nullptr || message == nullptr) return nullptr;
  return c::attempt([&] {
    auto data = std::make_shared<c::TrapData>();
    if (message->data != nullptr) data->message.assign(message->data, message->size);
    if (data->message.ends_with('\0')) data->message.pop_back();
    return new wasm_trap_t(store->data, std::move(data));
  });
}
void wasm_trap_message(const wasm_trap_t* trap, wasm_message_t* out) {
  if (out == nullptr) return;
  *out = {};
  if (trap == nullptr) return;
  *out = c::attempt([&] { return c::make_bytes(trap->data->message, true); });
}
wasm_frame_t* wasm_trap_origin(const wasm_trap_t* trap) {
  if (trap == nullptr || trap->data->frames.empty()) return nullptr;
  return c::attempt([&] { return c::make_frame(trap->keep, trap->data->frames.front()); });
}
void wasm_trap_trace(const wasm_trap_t* trap, wasm_frame_vec_t* out) {
  if (out == nullptr) return;
  *out = {};
  if (trap == nullptr) return;
  c::fill(out, trap->data->frames, wasm_frame_vec_delete,
          [&](const c::FrameData& frame) { return c::make_frame(trap->keep, frame); });
}

void wasm_frame_delete(wasm_frame_t* frame) { delete frame; }
wasm_frame_t* wasm_frame_copy(const wasm_frame_t* frame) {
  return frame != nullptr ? new (std::nothrow) wasm_frame_t(*frame) : nullptr;
}
wasm_instance_t* wasm_frame_instance(const wasm_frame_t* frame) { return frame != nullptr ? frame->instance : nullptr; }
uint32_t wasm_frame_func_index(const wasm_frame_t* frame) { return frame != nullptr ? frame->data.function : 0; }
size_t wasm_frame_module_offset(const wasm_frame_t* frame) { return frame != nullptr ? frame->data.module_offset : 0; }
size_t wasm_frame_func_offset(const wasm_frame_t* frame) {
  if (frame == nullptr || frame->instance == nullptr) return 0;
  const wasm::Module& module = frame->instance->instance->linked->wasm();
  const std::uint32_t function = frame->data.function;
  if (function < module.imported_functions || function >= module.functions.size()) return 0;
  const std::uint64_t begin = module.bodies[function - module.imported_functions].offset;
  return frame->data.module_offset > begin ? frame->data.module_offset - begin : 0;
}

// --- Modules --------------------------------------------------------------------------------------------------------

wasm_module_t* wasm_module_new(wasm_store_t* store, const wasm_byte_vec_t* binary) { return c::compile(store, binary); }
wasm_module_t* wasm_module_deserialize(wasm_store_t* store, const wasm_byte_vec_t* serialized) {
  return c::compile(store, serialized);
}
void wasm_module_serialize(const wasm_module_t* module, wasm_byte_vec_t* out) {
  if (out == nullptr) return;
  *out = {};
  if (module == nullptr) return;
  const BytesView binary = module->module.state()->binary;
  // Bytes by another name.
  *out = c::attempt([&] { return c::make_bytes({reinterpret_cast<const char*>(binary.data()), binary.size()}); });
}
bool wasm_module_validate(wasm_store_t* store, const wasm_byte_vec_t* binary) {
  if (store == nullptr || binary == nullptr || binary->data == nullptr) return false;
  return c::attempt([&] {
    const std::span<const char> bytes(binary->data, binary->size);
    return wasm::validate_module(std::as_bytes(bytes), Features::all()).has_value();
  });
}
void wasm_module_imports(const wasm_module_t* module, wasm_importtype_vec_t* out) {
  if (out == nullptr) return;
  *out = {};
  if (module == nullptr) return;
  const wasm::Module& decoded = module->module.state()->module;
  c::fill(out, decoded.imports, wasm_importtype_vec_delete, [&](const wasm::Import& import) {
    auto made = std::make_unique<wasm_importtype_t>(wasm_name_t{}, wasm_name_t{},
                                                    c::make_type(detail::type_of(decoded, import)));
    made->module = c::make_bytes(import.module);
    made->name = c::make_bytes(import.name);
    return made.release();
  });
}
void wasm_module_exports(const wasm_module_t* module, wasm_exporttype_vec_t* out) {
  if (out == nullptr) return;
  *out = {};
  if (module == nullptr) return;
  const wasm::Module& decoded = module->module.state()->module;
  c::fill(out, decoded.exports, wasm_exporttype_vec_delete, [&](const wasm::Export& exported) {
    auto made = std::make_unique<wasm_exporttype_t>(
        wasm_name_t{}, c::make_type(detail::type_of(decoded, exported.kind, exported.index)));
    made->name = c::make_bytes(exported.name);
    return made.release();
  });
}
wasm_shared_module_t* wasm_module_share(const wasm_module_t* module) {
  if (module == nullptr) return nullptr;
  return c::attempt([&] { return new wasm_shared_module_t{module->module}; });
}
void wasm_shared_module_delete(wasm_shared_module_t* module) { delete module; }
wasm_module_t* wasm_module_obtain(wasm_store_t* store, const wasm_shared_module_t* module) {
  if (store == nullptr || module == nullptr) return nullptr;
  return c::attempt([&] { return new wasm_module_t(store->data, module->module); });
}

// --- Functions ------------------------------------------------------------------------------------------------------

wasm_functype_t* wasm_func_type(const wasm_func_t* function) {
  if (function == nullptr) return nullptr;
  return c::attempt([&] { return c::make_type(c::type_of(*function)).release(); });
}
size_t wasm_func_param_arity(const wasm_func_t* function) {
  return function != nullptr ? c::type_of(*function).parameters.size() : 0;
}
size_t wasm_func_result_arity(const wasm_func_t* function) {
  return function != nullptr ? c::type_of(*function).results.size() : 0;
}
wasm_trap_t* wasm_func_call(const wasm_func_t* function, const wasm_val_vec_t* arguments, wasm_val_vec_t* results) {
  if (function == nullptr) return nullptr;
  try {
    return c::call_function(*function, arguments, results);
  } catch (...) {
    return c::make_trap(*function->store, detail::error_of_exception("a function is called"));
  }
}

// --- Globals --------------------------------------------------------------------------------------------------------

wasm_globaltype_t* wasm_global_type(const wasm_global_t* global) {
  return static_cast<wasm_globaltype_t*>(wasm_extern_type(global));  // the type of a global is one
}
void wasm_global_get(const wasm_global_t* global, wasm_val_t* out) {
  if (out == nullptr) return;
  *out = {};
  if (global == nullptr) return;
  const ValueType type = global->instance->linked->wasm().globals[global->index].type.type;
  const std::uint64_t slot = *global->instance->global(global->index);
  out->kind = c::to_kind(type);
  if (!c::from_kind(out->kind)) return;  // a type that the standard has no values of
  *out = c::attempt([&] { return c::from_slot(*global->store, type, slot); });
}
void wasm_global_set(wasm_global_t* global, const wasm_val_t* value) {
  if (global == nullptr || value == nullptr) return;
  const detail::LinkedModule& linked = *global->instance->linked;
  const GlobalType& type = linked.wasm().globals[global->index].type;
  if (!type.is_mutable || !c::from_kind(c::to_kind(type.type))) return;
  c::attempt([&] {
    std::uint64_t slot = 0;
    if (c::to_slot(*global->store, *value, {type.type, linked.type_scope()}, slot) != nullptr) return false;
    *global->instance->global(global->index) = slot;
    return true;
  });
}

// --- Tables ---------------------------------------------------------------------------------------------------------

wasm_tabletype_t* wasm_table_type(const wasm_table_t* table) {
  return static_cast<wasm_tabletype_t*>(wasm_extern_type(table));  // the type of a table is one
}
wasm_ref_t* wasm_table_get(const wasm_table_t* table, wasm_table_size_t index) {
  if (table == nullptr || index >= wasm_table_size(table)) return nullptr;
  const ValueType element = table->instance->linked->wasm().tables[table->index].element;
  if (!c::from_kind(c::to_kind(element))) return nullptr;
  return c::attempt([&] { return c::from_reference(*table->store, element, c::elements_of(*table)[index]); });
}
bool wasm_table_set(wasm_table_t* table, wasm_table_size_t index, wasm_ref_t* ref) {
  if (table == nullptr) return false;
  return c::attempt([&] {
    std::uint64_t bits = 0;
    return c::to_element(*table, ref, bits) &&
           detail::library().table_fill(table->instance->cell, index, bits, 1, table->index) == 0;
  });
}
wasm_table_size_t wasm_table_size(const wasm_table_t* table) {
  if (table == nullptr) return 0;
  // What there is room for in a cell fits.
  return static_cast<wasm_table_size_t>(detail::table_header(c::elements_of(*table)).size);
}
bool wasm_table_grow(wasm_table_t* table, wasm_table_size_t delta, wasm_ref_t* initial) {
  if (table == nullptr) return false;
  return c::attempt([&] {
    std::uint64_t bits = 0;
    return c::to_element(*table, initial, bits) &&
           detail::library().table_grow(table->instance->cell, bits, delta, table->index) != ~std::uint64_t{0};
  });
}

// --- Memories -------------------------------------------------------------------------------------------------------

wasm_memorytype_t* wasm_memory_type(const wasm_memory_t* memory) {
  return static_cast<wasm_memorytype_t*>(wasm_extern_type(memory));  // the type of a memory is one
}
byte_t* wasm_memory_data(wasm_memory_t* memory) {
  if (memory == nullptr) return nullptr;
  // Nothing is marked: these stores are never reset.
  return reinterpret_cast<byte_t*>(memory->instance->memory(memory->index).base);
}
size_t wasm_memory_data_size(const wasm_memory_t* memory) { return memory != nullptr ? c::view_of(*memory).size() : 0; }
wasm_memory_pages_t wasm_memory_size(const wasm_memory_t* memory) {
  return static_cast<wasm_memory_pages_t>(wasm_memory_data_size(memory) / MEMORY_PAGE_SIZE);  // at most 2^16
}
bool wasm_memory_grow(wasm_memory_t* memory, wasm_memory_pages_t delta) {
  return memory != nullptr && c::view_of(*memory).grow(delta).has_value();
}

// --- Instances ------------------------------------------------------------------------------------------------------

wasm_instance_t* wasm_instance_new(wasm_store_t* store, const wasm_module_t* module, const wasm_extern_vec_t* imports,
                                   wasm_trap_t** trap) {
  if (trap != nullptr) *trap = nullptr;
  if (store == nullptr || module == nullptr) return nullptr;
  auto made = detail::without_exceptions("a module is instantiated",
                                         [&] { return c::make_instance(*store->data, *module, imports); });
  if (made) return *made;
  wasm_trap_t* const why = c::make_trap(*store->data, std::move(made.error()));
  trap != nullptr ? void(*trap = why) : wasm_trap_delete(why);
  return nullptr;
}
void wasm_instance_exports(const wasm_instance_t* instance, wasm_extern_vec_t* out) {
  if (out == nullptr) return;
  *out = {};
  if (instance == nullptr) return;
  c::fill(out, instance->instance->linked->wasm().exports, wasm_extern_vec_delete, [&](const wasm::Export& exported) {
    return instance->store->handle(exported.kind, *instance->instance, exported.index).release();
  });
}

}  // extern "C"
