// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Components that are changed a little, and still whole enough that what was changed is looked at.
#pragma once

#include <random>
#include <string>
#include <string_view>

namespace anew::component {

/// Changes some bytes of a section, or moves, repeats or leaves out a section; lengths fit again.
/// @param other  another component, a section of which may be put in.
[[nodiscard]] std::string mutate(std::string_view component, std::string_view other, std::mt19937& random);

}  // namespace anew::component
