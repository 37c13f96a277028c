// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vectors and types of the standard wasm-c-api, as C++ objects.
#pragma once

#include <anew/wasm-c-api/wasm.h>

#include <anew/value.hpp>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "runtime/type_text.hpp"

namespace anew::c {

/// Runs what may throw; what it would return is `otherwise` if it does.
template <typename F, typename T = std::invoke_result_t<F>>
T attempt(F&& work, T otherwise = {}) noexcept {
  try {
    return work();
  } catch (...) {
    return otherwise;
  }
}

inline void destroy(wasm_byte_t) noexcept {}
inline void destroy(wasm_val_t& value) noexcept { wasm_val_delete(&value); }
inline wasm_byte_t copy(wasm_byte_t byte) noexcept { return byte; }
inline wasm_val_t copy(const wasm_val_t& value) noexcept {
  wasm_val_t made = {};
  wasm_val_copy(&made, &value);
  return made;
}

/// Of a vector `V` of the header; its elements are bytes, values or pointers to objects.
template <typename V>
using Element = std::remove_pointer_t<decltype(V::data)>;

/// Room for elements that are zero; an empty vector if there is no memory for them.
template <typename V>
void allocate(V* out, std::size_t size) noexcept {
  // The caller of the interface may fill it with anything, so it is plain memory.
  out->data = size != 0 ? static_cast<Element<V>*>(std::calloc(size, sizeof(Element<V>))) : nullptr;
  out->size = out->data != nullptr ? size : 0;
}

/// Whether there was no memory to copy an element of a vector.
template <typename T>
bool is_lost(const T* copy, const T* of) noexcept {
  return of != nullptr && copy == nullptr;
}
inline bool is_lost(wasm_byte_t, wasm_byte_t) noexcept { return false; }
inline bool is_lost(const wasm_val_t& copy, const wasm_val_t& of) noexcept {
  return wasm_valkind_is_ref(of.kind) && is_lost(copy.of.ref, of.of.ref);
}

}  // namespace anew::c

struct wasm_valtype_t {
  wasm_valkind_t kind;
};

/// The base of all types that imports and exports have.
struct wasm_externtype_t {
  explicit wasm_externtype_t(wasm_externkind_t of_kind) noexcept : kind(of_kind) {}
  wasm_externtype_t(const wasm_externtype_t&) = delete;
  wasm_externtype_t& operator=(const wasm_externtype_t&) = delete;
  virtual ~wasm_externtype_t() = default;
  wasm_externkind_t kind;
};

/// Takes what the vectors hold.
struct wasm_functype_t final : wasm_externtype_t {
  wasm_functype_t(wasm_valtype_vec_t taken_parameters, wasm_valtype_vec_t taken_results) noexcept
      : wasm_externtype_t(WASM_EXTERN_FUNC), parameters(taken_parameters), results(taken_results) {}
  ~wasm_functype_t() override {
    wasm_valtype_vec_delete(&parameters);
    wasm_valtype_vec_delete(&results);
  }
  wasm_valtype_vec_t parameters;
  wasm_valtype_vec_t results;
};

struct wasm_globaltype_t final : wasm_externtype_t {
  wasm_globaltype_t(wasm_valtype_t of_content, wasm_mutability_t is_variable) noexcept
      : wasm_externtype_t(WASM_EXTERN_GLOBAL), content(of_content), mutability(is_variable) {}
  wasm_valtype_t content;
  wasm_mutability_t mutability;
};

struct wasm_tabletype_t final : wasm_externtype_t {
  wasm_tabletype_t(wasm_valtype_t of_element, wasm_limits_t with_limits) noexcept
      : wasm_externtype_t(WASM_EXTERN_TABLE), element(of_element), limits(with_limits) {}
  wasm_valtype_t element;
  wasm_limits_t limits;
};

struct wasm_memorytype_t final : wasm_externtype_t {
  explicit wasm_memorytype_t(wasm_limits_t with_limits) noexcept
      : wasm_externtype_t(WASM_EXTERN_MEMORY), limits(with_limits) {}
  wasm_limits_t limits;
};

struct wasm_tagtype_t final : wasm_externtype_t {
  explicit wasm_tagtype_t(std::unique_ptr<wasm_functype_t> of_type) noexcept
      : wasm_externtype_t(WASM_EXTERN_TAG), type(std::move(of_type)) {}
  std::unique_ptr<wasm_functype_t> type;
};

struct wasm_importtype_t {
  wasm_name_t module;
  wasm_name_t name;
  std::unique_ptr<wasm_externtype_t> type;
  wasm_importtype_t(wasm_name_t taken_module, wasm_name_t taken_name,
                    std::unique_ptr<wasm_externtype_t> of_type) noexcept
      : module(taken_module), name(taken_name), type(std::move(of_type)) {}
  wasm_importtype_t(const wasm_importtype_t&) = delete;
  wasm_importtype_t& operator=(const wasm_importtype_t&) = delete;
  ~wasm_importtype_t() {
    wasm_name_delete(&module);
    wasm_name_delete(&name);
  }
};

struct wasm_exporttype_t {
  wasm_name_t name;
  std::unique_ptr<wasm_externtype_t> type;
  wasm_exporttype_t(wasm_name_t taken_name, std::unique_ptr<wasm_externtype_t> of_type) noexcept
      : name(taken_name), type(std::move(of_type)) {}
  wasm_exporttype_t(const wasm_exporttype_t&) = delete;
  wasm_exporttype_t& operator=(const wasm_exporttype_t&) = delete;
  ~wasm_exporttype_t() { wasm_name_delete(&name); }
};

namespace anew::c {

/// The kind of a value type; one that the header does not list for types that the standard has not.
[[nodiscard]] wasm_valkind_t to_kind(ValueType type) noexcept;
/// Whether the standard has all value types of a function type.
[[nodiscard]] bool is_standard(const FunctionType& type) noexcept;
/// @return nothing for a kind that the header does not list.
[[nodiscard]] std::optional<ValueType> from_kind(wasm_valkind_t kind) noexcept;
[[nodiscard]] std::optional<FunctionType> from_type(const wasm_functype_t& type);

/// May throw std::bad_alloc.
[[nodiscard]] std::unique_ptr<wasm_functype_t> make_type(const FunctionType& type);
[[nodiscard]] std::unique_ptr<wasm_externtype_t> make_type(const detail::ExternalType& type);
[[nodiscard]] std::unique_ptr<wasm_externtype_t> clone(const wasm_externtype_t& type);
/// Bytes with or without a zero behind them. @throws std::bad_alloc
[[nodiscard]] wasm_byte_vec_t make_bytes(std::string_view text, bool with_zero = false);

}  // namespace anew::c
