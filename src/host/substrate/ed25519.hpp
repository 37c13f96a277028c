// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Keys that make Ed25519 signatures (RFC 8032). signatures.hpp verifies them.
#pragma once

#include <anew/substrate/types.hpp>
#include <array>
#include <cstddef>

#include "host/substrate/secret.hpp"

namespace anew::substrate {

class Ed25519Key {
 public:
  explicit Ed25519Key(const Seed& seed) noexcept;

  [[nodiscard]] const std::array<std::byte, 32>& public_key() const noexcept { return public_key_; }
  [[nodiscard]] std::array<std::byte, 64> sign(BytesView message) const noexcept;

 private:
  Secret<64> secret_;  // the seed and the public key, as libsodium wants them
  std::array<std::byte, 32> public_key_;
};

}  // namespace anew::substrate
