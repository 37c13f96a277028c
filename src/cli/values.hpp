// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// WebAssembly values as the command line writes them.
#pragma once

#include <anew/error.hpp>
#include <anew/value.hpp>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace anew::cli {

/// Reads a value: integers decimal or hexadecimal (0x...), signed or unsigned, -2^31 to 2^32-1 for an i32 and -2^63 to
/// 2^64-1 for an i64; floats decimal or hexadecimal, inf, nan, nan:0x...; a v128 as 0x and 32 digits or as lanes, such
/// as i32x4:1,2,3,4, lane 0 first; `null` for a reference.
/// @return kArgument if the text is no value of the type or out of its range.
[[nodiscard]] Result<Value> parse_value(ValueType type, std::string_view text);

/// Reads the arguments of a call. @return kArgument, with the function's type, for a wrong count or argument.
[[nodiscard]] Result<std::vector<Value>> parse_arguments(std::string_view function, const FunctionType& type,
                                                         std::span<const std::string> texts);

/// The value as a line of output. A reference that is not null has no identity outside its instance: it prints as its
/// type.
[[nodiscard]] std::string format_value(const Value& value);
/// The same as JSON: a number where JSON has one for it, else a string.
[[nodiscard]] nlohmann::ordered_json value_json(const Value& value);

}  // namespace anew::cli
