// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whether what a host gives is of the types that a component declares.
#pragma once

#include <anew/component/value.hpp>
#include <anew/error.hpp>
#include <span>

#include "component/types.hpp"

namespace anew::component {

/// @return kArgument, with where in the value it is another: "argument 2, field "name": expected string, not s32".
[[nodiscard]] Result<void> conforms(const Types& types, const FunctionType& type, std::span<const Value> arguments);
/// @param value  Value() if the function has no result.
[[nodiscard]] Result<void> conforms_to_result(const Types& types, const FunctionType& type, const Value& value);

}  // namespace anew::component
