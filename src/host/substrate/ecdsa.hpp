// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Keys that make ECDSA signatures over secp256k1. signatures.hpp verifies them.
#pragma once

#include <anew/substrate/types.hpp>
#include <array>
#include <cstddef>
#include <optional>

#include "host/substrate/secret.hpp"

namespace anew::substrate {

class EcdsaKey {
 public:
  /// @return nothing if the seed is no key: 0, or not less than the order of the group.
  [[nodiscard]] static std::optional<EcdsaKey> from_seed(const Seed& seed) noexcept;

  /// Compressed.
  [[nodiscard]] const std::array<std::byte, 33>& public_key() const noexcept { return public_key_; }
  /// @return r, s and the recovery id, the same for the same hash (RFC 6979).
  [[nodiscard]] std::array<std::byte, 65> sign(const Hash& message_hash) const noexcept;

 private:
  explicit EcdsaKey(const Seed& secret) noexcept : secret_(secret) {}

  Seed secret_;
  std::array<std::byte, 33> public_key_{};
};

}  // namespace anew::substrate
