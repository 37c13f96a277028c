// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a script passes to functions and expects of them. The forms of both are described in README.md.
#pragma once

#include <anew/error.hpp>
#include <anew/value.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace anew::spec {

using Json = nlohmann::json;

/// The value of an argument; nothing if it is of a garbage-collected type.
/// @throws std::exception if `argument` is no argument: the converter and the runner disagree.
[[nodiscard]] std::optional<Value> to_value(const Json& argument);

/// Whether a result is what a script expects: of that very type, and equal in every bit that the pattern fixes.
/// @throws std::exception if `expected` is no pattern.
[[nodiscard]] bool matches(const Json& expected, const Value& value);
/// The same for all results of a function.
[[nodiscard]] bool matches(const Json& expected, std::span<const Value> values);

/// Whether a trap is the one that a script names: as in the reference interpreter, its text must begin with the
/// script's.
[[nodiscard]] bool matches(std::string_view text, TrapKind kind);

[[nodiscard]] std::string to_string(std::span<const Value> values);

}  // namespace anew::spec
