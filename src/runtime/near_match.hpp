// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace anew::detail {

/// For messages about a name that is not there: "; did you mean "add" or "add2"?" with up to three of `names` that are
/// a few edits away from `wanted` or begin with it; empty if none is near.
[[nodiscard]] std::string near_matches(std::string_view wanted, std::span<const std::string_view> names);

}  // namespace anew::detail
