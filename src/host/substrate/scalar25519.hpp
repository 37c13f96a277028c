// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Integers modulo L, the order of the groups of Ed25519 and ristretto255, little-endian.
#pragma once

#include <sodium.h>

#include <algorithm>
#include <anew/substrate/types.hpp>
#include <array>
#include <cstddef>
#include <span>

#include "host/substrate/octets.hpp"

namespace anew::substrate {

using Scalar25519 = std::array<std::byte, 32>;

/// A number of 64 bytes modulo L.
[[nodiscard]] inline Scalar25519 reduce_scalar(std::span<const std::byte, 64> wide) noexcept {
  Scalar25519 scalar;
  crypto_core_ed25519_scalar_reduce(octets(scalar.data()), octets(wide.data()));
  return scalar;
}

/// Whether a number is less than L.
[[nodiscard]] inline bool is_canonical_scalar(std::span<const std::byte, 32> number) noexcept {
  std::array<std::byte, 64> wide{};
  std::ranges::copy(number, wide.begin());
  return std::ranges::equal(reduce_scalar(wide), number);
}

}  // namespace anew::substrate
