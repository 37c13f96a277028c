// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What all of the Substrate headers speak of.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace anew::substrate {

using Bytes = std::vector<std::byte>;
using BytesView = std::span<const std::byte>;

/// A hash of 256 bits, such as a state root.
using Hash = std::array<std::byte, 32>;

}  // namespace anew::substrate
