// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which values may stand where a type is asked for (specification, 3.3).
#pragma once

#include <algorithm>
#include <anew/value.hpp>
#include <span>

namespace anew::wasm {

/// In unreachable code, the type of an operand that is not there: it matches every type.
inline constexpr ValueType kUnknown{};
/// There also, the type of one of which is known that it is a reference, and not null: it matches every reference.
inline constexpr auto kUnknownReference = static_cast<ValueType>(0x60 | anew::detail::kNonNull);

/// Whether every value of `type` is one of `wanted`. Types of one module, typed references by canonical index.
[[nodiscard]] constexpr bool is_subtype(ValueType type, ValueType wanted) noexcept {
  if (type == wanted || type == kUnknown) {
    return true;
  }
  if (!is_reference(type) || !is_reference(wanted) || (is_nullable(type) && !is_nullable(wanted))) {
    return false;
  }
  if (type == kUnknownReference) {
    return true;
  }
  const ValueType below = with_null(type);
  const ValueType above = with_null(wanted);
  return below == above || (below == ValueType::kNullFuncRef && is_function_reference(above)) ||
         (above == ValueType::kFuncRef && is_typed_reference(below)) ||
         (below == ValueType::kNullExternRef && above == ValueType::kExternRef) ||
         (below == ValueType::kNullExnRef && above == ValueType::kExnRef);
}

/// Whether they are as many, and each is a subtype of the one at its place.
[[nodiscard]] constexpr bool are_subtypes(std::span<const ValueType> types,
                                          std::span<const ValueType> wanted) noexcept {
  return std::ranges::equal(types, wanted, is_subtype);
}

}  // namespace anew::wasm
