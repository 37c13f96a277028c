// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "wasm/printable.hpp"

namespace anew::cli {

using wasm::printable;

/// A message of several lines, each of them printable: the library's messages escape what a guest put into them, this
/// is for what comes from elsewhere.
[[nodiscard]] std::string printable_lines(std::string_view text);

/// Prints the object on a line of its own, in ASCII; what is not UTF-8 in it is replaced.
void print_json(const nlohmann::ordered_json& object);

}  // namespace anew::cli
