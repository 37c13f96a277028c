// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which values may stand where a type is asked for (specification, 3.3).
#pragma once

#include <algorithm>
#include <anew/value.hpp>
#include <span>

#include "wasm/module.hpp"

namespace anew::wasm {

/// In unreachable code, the type of an operand that is not there: it matches every type.
inline constexpr ValueType kUnknown{};
/// There also, the type of one of which is known that it is a reference, and not null: it matches every reference.
inline constexpr auto kUnknownReference = static_cast<ValueType>(0x60 | anew::detail::kNonNull);

/// Whether every value of `type` is one of `wanted`.
/// @param is_declared_subtype  called with the indices that two typed references name, of which the types may differ.
template <typename IsDeclaredSubtype>
[[nodiscard]] constexpr bool is_subtype(ValueType type, ValueType wanted, IsDeclaredSubtype is_declared_subtype) {
  if (type == kUnknown) return true;
  if (!is_reference(type) || !is_reference(wanted)) return type == wanted;
  if (is_nullable(type) && !is_nullable(wanted)) return false;
  if (type == kUnknownReference) return true;
  if (is_typed_reference(type) && is_typed_reference(wanted))
    return is_declared_subtype(type_index(type), type_index(wanted));
  const ValueType below = with_null(type);
  const ValueType above = with_null(wanted);
  return below == above || (below == ValueType::kNullFuncRef && is_function_reference(above)) ||
         (above == ValueType::kFuncRef && is_typed_reference(below)) ||
         (below == ValueType::kNullExternRef && above == ValueType::kExternRef) ||
         (below == ValueType::kNullExnRef && above == ValueType::kExnRef) ||
         (above == ValueType::kAnyRef && is_any_reference(below)) ||
         (below == ValueType::kNullRef && above == ValueType::kEqRef);
}

/// The supertype that has `depth` supertypes itself, or the type. In a number of steps that is logarithmic in the depth
/// (E. Myers, "An applicative random-access stack": each type also names one further up).
/// @param type  canonical, of that depth or more.
[[nodiscard]] constexpr std::uint32_t supertype_at(std::span<const TypeDeclaration> declarations, std::uint32_t type,
                                                   std::uint8_t depth) noexcept {
  while (declarations[type].depth > depth) {
    const TypeDeclaration& declaration = declarations[type];
    type = declarations[declaration.far].depth < depth ? declaration.supertype : declaration.far;
  }
  return type;
}

/// Types of one module, typed references by canonical index.
[[nodiscard]] constexpr bool is_subtype(std::span<const TypeDeclaration> declarations, ValueType type,
                                        ValueType wanted) noexcept {
  return type == wanted || is_subtype(type, wanted, [declarations](std::uint32_t below, std::uint32_t above) {
           return below == above || (declarations[below].depth > declarations[above].depth &&
                                     supertype_at(declarations, below, declarations[above].depth) == above);
         });
}

/// Whether they are as many, and each is a subtype of the one at its place.
[[nodiscard]] constexpr bool are_subtypes(std::span<const TypeDeclaration> declarations,
                                          std::span<const ValueType> types,
                                          std::span<const ValueType> wanted) noexcept {
  return std::ranges::equal(
      types, wanted, [declarations](ValueType type, ValueType above) { return is_subtype(declarations, type, above); });
}

/// The type of all references of a kind, null with them.
[[nodiscard]] constexpr ValueType top_of(ValueType reference) noexcept {
  return is_function_reference(reference)    ? ValueType::kFuncRef
         : is_extern_reference(reference)    ? ValueType::kExternRef
         : is_exception_reference(reference) ? ValueType::kExnRef
                                             : ValueType::kAnyRef;
}

}  // namespace anew::wasm
