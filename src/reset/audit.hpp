// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <string>

#include "runtime/instance.hpp"

namespace anew::reset {

/// Compares a restored cell with one made the slow way (reset::instantiate): every byte of memory, its size, globals
/// and dropped segments, tables and their sizes, what no guest can change, and that no card is set.
/// @return "" if a guest cannot tell them apart, else what differs first, where, and what was expected and found.
[[nodiscard]] std::string audit(const detail::Instance& instance, const detail::Instance& reference);

}  // namespace anew::reset
