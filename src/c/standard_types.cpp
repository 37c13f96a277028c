// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vectors and types of the standard wasm-c-api.
#include "c/standard_types.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>

#include "c/standard_objects.hpp"

namespace anew::c {
namespace {

// Behind those that the standard lists.
constexpr wasm_valkind_t kVector = 4;
constexpr wasm_valkind_t kOtherReference = 130;

wasm_limits_t to_limits(const Limits& limits) noexcept {
  constexpr std::uint64_t kMost = 0xFFFFFFFF;
  return {static_cast<std::uint32_t>(std::min(limits.minimum, kMost)),
          static_cast<std::uint32_t>(std::min(limits.maximum.value_or(kMost), kMost))};
}

wasm_valtype_vec_t make_types(const std::vector<ValueType>& types) {
  wasm_valtype_vec_t made;
  allocate(&made, types.size());
  if (made.size != types.size()) throw std::bad_alloc();
  for (std::size_t i = 0; i < types.size(); ++i) {
    made.data[i] = wasm_valtype_new(to_kind(types[i]));
    if (made.data[i] != nullptr) continue;
    wasm_valtype_vec_delete(&made);
    throw std::bad_alloc();
  }
  return made;
}

wasm_valtype_vec_t copy_types(const wasm_valtype_vec_t& types) {
  wasm_valtype_vec_t made;
  wasm_valtype_vec_copy(&made, &types);
  if (made.size != types.size) throw std::bad_alloc();
  return made;
}

std::optional<std::vector<ValueType>> from_types(const wasm_valtype_vec_t& types) {
  std::vector<ValueType> made;
  for (std::size_t i = 0; i < types.size; ++i) {
    const auto type = types.data[i] != nullptr ? from_kind(types.data[i]->kind) : std::nullopt;
    if (!type) return std::nullopt;
    made.push_back(*type);
  }
  return made;
}

}  // namespace

wasm_valkind_t to_kind(ValueType type) noexcept {
  switch (type) {
    case ValueType::kI32: return WASM_I32;
    case ValueType::kI64: return WASM_I64;
    case ValueType::kF32: return WASM_F32;
    case ValueType::kF64: return WASM_F64;
    case ValueType::kV128: return kVector;
    default: break;
  }
  if (is_function_reference(type)) return WASM_FUNCREF;
  if (is_extern_reference(type)) return WASM_EXTERNREF;
  return kOtherReference;
}

bool is_standard(const FunctionType& type) noexcept {
  const auto is_known = [](ValueType each) { return from_kind(to_kind(each)).has_value(); };
  return std::ranges::all_of(type.parameters, is_known) && std::ranges::all_of(type.results, is_known);
}

std::optional<ValueType> from_kind(wasm_valkind_t kind) noexcept {
  switch (kind) {
    case WASM_I32: return ValueType::kI32;
    case WASM_I64: return ValueType::kI64;
    case WASM_F32: return ValueType::kF32;
    case WASM_F64: return ValueType::kF64;
    case WASM_EXTERNREF: return ValueType::kExternRef;
    case WASM_FUNCREF: return ValueType::kFuncRef;
    default: return std::nullopt;
  }
}

std::optional<FunctionType> from_type(const wasm_functype_t& type) {
  auto parameters = from_types(type.parameters);
  auto results = from_types(type.results);
  if (!parameters || !results) return std::nullopt;
  return FunctionType{std::move(*parameters), std::move(*results)};
}

std::unique_ptr<wasm_functype_t> make_type(const FunctionType& type) {
  auto made = std::make_unique<wasm_functype_t>(wasm_valtype_vec_t{}, wasm_valtype_vec_t{});
  made->parameters = make_types(type.parameters);
  made->results = make_types(type.results);
  return made;
}

std::unique_ptr<wasm_externtype_t> make_type(const detail::ExternalType& type) {
  if (const auto* const function = std::get_if<FunctionType>(&type)) return make_type(*function);
  if (const auto* const tag = std::get_if<detail::TagType>(&type))
    return std::make_unique<wasm_tagtype_t>(make_type(tag->type));
  if (const auto* const table = std::get_if<TableType>(&type))
    return std::make_unique<wasm_tabletype_t>(wasm_valtype_t{to_kind(table->element)}, to_limits(table->limits));
  if (const auto* const memory = std::get_if<MemoryType>(&type))
    return std::make_unique<wasm_memorytype_t>(to_limits(memory->limits));
  const auto& global = std::get<GlobalType>(type);
  return std::make_unique<wasm_globaltype_t>(wasm_valtype_t{to_kind(global.type)},
                                             global.is_mutable ? WASM_VAR : WASM_CONST);
}

std::unique_ptr<wasm_externtype_t> clone(const wasm_externtype_t& type) {
  switch (type.kind) {
    case WASM_EXTERN_FUNC: {
      const auto& function = static_cast<const wasm_functype_t&>(type);  // of that kind, as each cast below
      auto made = std::make_unique<wasm_functype_t>(wasm_valtype_vec_t{}, wasm_valtype_vec_t{});
      made->parameters = copy_types(function.parameters);
      made->results = copy_types(function.results);
      return made;
    }
    case WASM_EXTERN_GLOBAL: {
      const auto& global = static_cast<const wasm_globaltype_t&>(type);
      return std::make_unique<wasm_globaltype_t>(global.content, global.mutability);
    }
    case WASM_EXTERN_TABLE: {
      const auto& table = static_cast<const wasm_tabletype_t&>(type);
      return std::make_unique<wasm_tabletype_t>(table.element, table.limits);
    }
    case WASM_EXTERN_MEMORY:
      return std::make_unique<wasm_memorytype_t>(static_cast<const wasm_memorytype_t&>(type).limits);
    default: {
      auto function = clone(*static_cast<const wasm_tagtype_t&>(type).type);
      return std::make_unique<wasm_tagtype_t>(
          std::unique_ptr<wasm_functype_t>(static_cast<wasm_functype_t*>(function.release())));
    }
  }
}

wasm_byte_vec_t make_bytes(std::string_view text, bool with_zero) {
  wasm_byte_vec_t made;
  allocate(&made, text.size() + (with_zero ? 1 : 0));
  if (made.size < text.size() || (with_zero && made.size == 0)) throw std::bad_alloc();
  std::copy(text.begin(), text.end(), made.data);
  return made;
}

namespace {

wasm_name_t copy_name(const wasm_name_t& name) {
  return name.size != 0 ? make_bytes({name.data, name.size}) : wasm_name_t{};
}

}  // namespace
}  // namespace anew::c

using namespace anew;  // NOLINT: the functions below are C's

extern "C" {

// --- Vectors --------------------------------------------------------------------------------------------------------

/// @param destroy_each  what deletes an element that is no null pointer; likewise what copies one.
#define ANEW_VECTOR(name, element, destroy_each, copy_each)                                  \
  void wasm_##name##_vec_new_empty(wasm_##name##_vec_t* out) {                               \
    if (out != nullptr) *out = {};                                                           \
  }                                                                                          \
  void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t* out, size_t size) {          \
    if (out != nullptr) c::allocate(out, size);                                              \
  }                                                                                          \
  void wasm_##name##_vec_new(wasm_##name##_vec_t* out, size_t size, element const array[]) { \
    if (out == nullptr) return;                                                              \
    c::allocate(out, array != nullptr ? size : 0);                                           \
    for (std::size_t i = 0; i < out->size; ++i) out->data[i] = array[i];                     \
    if (out->size != 0 || array == nullptr) return;                                          \
    for (std::size_t i = 0; i < size; ++i) { /* they were given, and there is no memory */   \
      element each = array[i];                                                               \
      destroy_each(each);                                                                    \
    }                                                                                        \
  }                                                                                          \
  void wasm_##name##_vec_copy(wasm_##name##_vec_t* out, const wasm_##name##_vec_t* from) {   \
    if (out == nullptr) return;                                                              \
    c::allocate(out, from != nullptr && from->data != nullptr ? from->size : 0);             \
    for (std::size_t i = 0; i < out->size; ++i) {                                            \
      out->data[i] = copy_each(from->data[i]);                                               \
      if (c::is_lost(out->data[i], from->data[i])) return wasm_##name##_vec_delete(out);     \
    }                                                                                        \
  }                                                                                          \
  void wasm_##name##_vec_delete(wasm_##name##_vec_t* vector) {                               \
    if (vector == nullptr || vector->data == nullptr) return;                                \
    for (std::size_t i = 0; i < vector->size; ++i) destroy_each(vector->data[i]);            \
    std::free(vector->data);                                                                 \
    *vector = {};                                                                            \
  }
#define ANEW_NOTHING(each) (void)(each)
#define ANEW_SAME(each) (each)
#define ANEW_DELETE_VALUE(each) c::destroy(each)

ANEW_VECTOR(byte, wasm_byte_t, ANEW_NOTHING, ANEW_SAME)
ANEW_VECTOR(valtype, wasm_valtype_t*, wasm_valtype_delete, wasm_valtype_copy)
ANEW_VECTOR(functype, wasm_functype_t*, wasm_functype_delete, wasm_functype_copy)
ANEW_VECTOR(globaltype, wasm_globaltype_t*, wasm_globaltype_delete, wasm_globaltype_copy)
ANEW_VECTOR(tabletype, wasm_tabletype_t*, wasm_tabletype_delete, wasm_tabletype_copy)
ANEW_VECTOR(memorytype, wasm_memorytype_t*, wasm_memorytype_delete, wasm_memorytype_copy)
ANEW_VECTOR(tagtype, wasm_tagtype_t*, wasm_tagtype_delete, wasm_tagtype_copy)
ANEW_VECTOR(externtype, wasm_externtype_t*, wasm_externtype_delete, wasm_externtype_copy)
ANEW_VECTOR(importtype, wasm_importtype_t*, wasm_importtype_delete, wasm_importtype_copy)
ANEW_VECTOR(exporttype, wasm_exporttype_t*, wasm_exporttype_delete, wasm_exporttype_copy)
ANEW_VECTOR(val, wasm_val_t, c::destroy, c::copy)
ANEW_VECTOR(frame, wasm_frame_t*, wasm_frame_delete, wasm_frame_copy)
ANEW_VECTOR(extern, wasm_extern_t*, wasm_extern_delete, wasm_extern_copy)

// --- Value types ----------------------------------------------------------------------------------------------------

wasm_valtype_t* wasm_valtype_new(wasm_valkind_t kind) { return new (std::nothrow) wasm_valtype_t{kind}; }
void wasm_valtype_delete(wasm_valtype_t* type) { delete type; }
wasm_valtype_t* wasm_valtype_copy(const wasm_valtype_t* type) {
  return type != nullptr ? wasm_valtype_new(type->kind) : nullptr;
}
wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t* type) { return type != nullptr ? type->kind : wasm_valkind_t{}; }

// --- Types of imports and exports -----------------------------------------------------------------------------------

wasm_functype_t* wasm_functype_new(wasm_valtype_vec_t* parameters, wasm_valtype_vec_t* results) {
  wasm_valtype_vec_t taken_parameters = parameters != nullptr ? std::exchange(*parameters, {}) : wasm_valtype_vec_t{};
  wasm_valtype_vec_t taken_results = results != nullptr ? std::exchange(*results, {}) : wasm_valtype_vec_t{};
  auto* const made = new (std::nothrow) wasm_functype_t(taken_parameters, taken_results);
  if (made == nullptr) {
    wasm_valtype_vec_delete(&taken_parameters);
    wasm_valtype_vec_delete(&taken_results);
  }
  return made;
}
const wasm_valtype_vec_t* wasm_functype_params(const wasm_functype_t* type) {
  return type != nullptr ? &type->parameters : nullptr;
}
const wasm_valtype_vec_t* wasm_functype_results(const wasm_functype_t* type) {
  return type != nullptr ? &type->results : nullptr;
}

wasm_globaltype_t* wasm_globaltype_new(wasm_valtype_t* content, wasm_mutability_t mutability) {
  const std::unique_ptr<wasm_valtype_t> taken(content);
  return taken ? new (std::nothrow) wasm_globaltype_t(*taken, mutability) : nullptr;
}
const wasm_valtype_t* wasm_globaltype_content(const wasm_globaltype_t* type) {
  return type != nullptr ? &type->content : nullptr;
}
wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t* type) {
  return type != nullptr ? type->mutability : wasm_mutability_t{WASM_CONST};
}

wasm_tabletype_t* wasm_tabletype_new(wasm_valtype_t* element, const wasm_limits_t* limits) {
  const std::unique_ptr<wasm_valtype_t> taken(element);
  return taken && limits != nullptr ? new (std::nothrow) wasm_tabletype_t(*taken, *limits) : nullptr;
}
const wasm_valtype_t* wasm_tabletype_element(const wasm_tabletype_t* type) {
  return type != nullptr ? &type->element : nullptr;
}
const wasm_limits_t* wasm_tabletype_limits(const wasm_tabletype_t* type) {
  return type != nullptr ? &type->limits : nullptr;
}

wasm_memorytype_t* wasm_memorytype_new(const wasm_limits_t* limits) {
  return limits != nullptr ? new (std::nothrow) wasm_memorytype_t(*limits) : nullptr;
}
const wasm_limits_t* wasm_memorytype_limits(const wasm_memorytype_t* type) {
  return type != nullptr ? &type->limits : nullptr;
}

wasm_tagtype_t* wasm_tagtype_new(wasm_functype_t* function) {
  std::unique_ptr<wasm_functype_t> taken(function);
  return taken ? new (std::nothrow) wasm_tagtype_t(std::move(taken)) : nullptr;
}
const wasm_functype_t* wasm_tagtype_functype(const wasm_tagtype_t* type) {
  return type != nullptr ? type->type.get() : nullptr;
}

wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t* type) {
  return type != nullptr ? type->kind : wasm_externkind_t{};
}
void wasm_externtype_delete(wasm_externtype_t* type) { delete type; }
wasm_externtype_t* wasm_externtype_copy(const wasm_externtype_t* type) {
  return type != nullptr ? c::attempt([&] { return c::clone(*type).release(); }) : nullptr;
}

/// A type of that kind is an externtype, and an externtype of that kind is one.
#define ANEW_EXTERNTYPE(name, of_kind)                                                                       \
  void wasm_##name##_delete(wasm_##name##_t* type) { delete type; }                                          \
  wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t* type) {                                         \
    return static_cast<wasm_##name##_t*>(wasm_externtype_copy(type));                                        \
  }                                                                                                          \
  wasm_externtype_t* wasm_##name##_as_externtype(wasm_##name##_t* type) { return type; }                     \
  const wasm_externtype_t* wasm_##name##_as_externtype_const(const wasm_##name##_t* type) { return type; }   \
  wasm_##name##_t* wasm_externtype_as_##name(wasm_externtype_t* type) {                                      \
    return type != nullptr && type->kind == (of_kind) ? static_cast<wasm_##name##_t*>(type) : nullptr;       \
  }                                                                                                          \
  const wasm_##name##_t* wasm_externtype_as_##name##_const(const wasm_externtype_t* type) {                  \
    return type != nullptr && type->kind == (of_kind) ? static_cast<const wasm_##name##_t*>(type) : nullptr; \
  }
ANEW_EXTERNTYPE(functype, WASM_EXTERN_FUNC)
ANEW_EXTERNTYPE(globaltype, WASM_EXTERN_GLOBAL)
ANEW_EXTERNTYPE(tabletype, WASM_EXTERN_TABLE)
ANEW_EXTERNTYPE(memorytype, WASM_EXTERN_MEMORY)
ANEW_EXTERNTYPE(tagtype, WASM_EXTERN_TAG)

// --- Imports and exports --------------------------------------------------------------------------------------------

wasm_importtype_t* wasm_importtype_new(wasm_name_t* module, wasm_name_t* name, wasm_externtype_t* type) {
  wasm_name_t taken_module = module != nullptr ? std::exchange(*module, {}) : wasm_name_t{};
  wasm_name_t taken_name = name != nullptr ? std::exchange(*name, {}) : wasm_name_t{};
  std::unique_ptr<wasm_externtype_t> taken(type);
  auto* const made = taken ? new (std::nothrow) wasm_importtype_t(taken_module, taken_name, std::move(taken)) : nullptr;
  if (made == nullptr) {
    wasm_name_delete(&taken_module);
    wasm_name_delete(&taken_name);
  }
  return made;
}
void wasm_importtype_delete(wasm_importtype_t* type) { delete type; }
wasm_importtype_t* wasm_importtype_copy(const wasm_importtype_t* type) {
  if (type == nullptr) return nullptr;
  return c::attempt([&] {
    auto made = std::make_unique<wasm_importtype_t>(wasm_name_t{}, wasm_name_t{}, c::clone(*type->type));
    made->module = c::copy_name(type->module);
    made->name = c::copy_name(type->name);
    return made.release();
  });
}
const wasm_name_t* wasm_importtype_module(const wasm_importtype_t* type) {
  return type != nullptr ? &type->module : nullptr;
}
const wasm_name_t* wasm_importtype_name(const wasm_importtype_t* type) {
  return type != nullptr ? &type->name : nullptr;
}
const wasm_externtype_t* wasm_importtype_type(const wasm_importtype_t* type) {
  return type != nullptr ? type->type.get() : nullptr;
}

wasm_exporttype_t* wasm_exporttype_new(wasm_name_t* name, wasm_externtype_t* type) {
  wasm_name_t taken_name = name != nullptr ? std::exchange(*name, {}) : wasm_name_t{};
  std::unique_ptr<wasm_externtype_t> taken(type);
  auto* const made = taken ? new (std::nothrow) wasm_exporttype_t(taken_name, std::move(taken)) : nullptr;
  if (made == nullptr) wasm_name_delete(&taken_name);
  return made;
}
void wasm_exporttype_delete(wasm_exporttype_t* type) { delete type; }
wasm_exporttype_t* wasm_exporttype_copy(const wasm_exporttype_t* type) {
  if (type == nullptr) return nullptr;
  return c::attempt([&] {
    auto made = std::make_unique<wasm_exporttype_t>(wasm_name_t{}, c::clone(*type->type));
    made->name = c::copy_name(type->name);
    return made.release();
  });
}
const wasm_name_t* wasm_exporttype_name(const wasm_exporttype_t* type) {
  return type != nullptr ? &type->name : nullptr;
}
const wasm_externtype_t* wasm_exporttype_type(const wasm_exporttype_t* type) {
  return type != nullptr ? type->type.get() : nullptr;
}

}  // extern "C"
