// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What lies in a store of the standard wasm-c-api, between its handles and the engine: kinds, types, values, traps.
#pragma once

#include <string>

#include "c/standard_objects.hpp"
#include "runtime/type_text.hpp"

namespace anew::c {

[[nodiscard]] ExternalKind to_external(RefKind kind) noexcept;

/// The handle as one of its kind, or null.
template <typename T>
T* as(wasm_ref_t* ref, RefKind kind) noexcept {
  return ref != nullptr && ref->kind == kind ? static_cast<T*>(ref) : nullptr;  // of that kind, it was made as one
}
template <typename T>
const T* as(const wasm_ref_t* ref, RefKind kind) noexcept {
  return ref != nullptr && ref->kind == kind ? static_cast<const T*>(ref) : nullptr;
}

inline bool is_extern(const wasm_ref_t* ref) noexcept { return ref != nullptr && ref->kind <= RefKind::kTag; }

[[nodiscard]] const FunctionType& type_of(const wasm_func_t& function) noexcept;
/// With the sizes that memories and tables have now.
[[nodiscard]] detail::ExternalType type_of(const wasm_extern_t& external);

/// The bits of a reference that the host passes to what expects that type. @return what is wrong, or null.
[[nodiscard]] const char* to_reference(StoreData& store, const wasm_ref_t* ref, const detail::ScopedType& type,
                                       std::uint64_t& bits);
/// A value that the host passes, in its slot. @return what is wrong, or null.
[[nodiscard]] const char* to_slot(StoreData& store, const wasm_val_t& value, const detail::ScopedType& type,
                                  std::uint64_t& slot);
[[nodiscard]] wasm_ref_t* from_reference(StoreData& store, ValueType type, std::uint64_t bits);
[[nodiscard]] wasm_val_t from_slot(StoreData& store, ValueType type, std::uint64_t slot);

/// Never null but where there is no memory for it.
[[nodiscard]] wasm_trap_t* make_trap(StoreData& store, Error&& error) noexcept;
[[nodiscard]] wasm_trap_t* refuse(StoreData& store, const std::string& message) noexcept;

}  // namespace anew::c
