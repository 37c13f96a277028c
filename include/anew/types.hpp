// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What many of the headers speak of.
#pragma once

#include <anew/version.hpp>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace anew {

using Bytes = std::vector<std::byte>;
using BytesView = std::span<const std::byte>;

/// A hash of 256 bits, such as that of a module's binary or of a chain's state.
using Hash = std::array<std::byte, 32>;

}  // namespace anew
