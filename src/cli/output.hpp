// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace anew::cli {

/// Text that came from a module, safe to print: control characters, which could drive a terminal, become \xNN. Line
/// feeds and tabs stay.
[[nodiscard]] std::string printable(std::string_view text);

/// Prints the object on a line of its own; what is not UTF-8 in it is replaced.
void print_json(const nlohmann::ordered_json& object);

}  // namespace anew::cli
