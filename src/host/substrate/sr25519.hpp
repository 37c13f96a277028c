// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Keys that make schnorrkel signatures over ristretto255 ("sr25519"). signatures.hpp verifies them.
#pragma once

#include <anew/substrate/types.hpp>
#include <array>
#include <cstddef>

#include "host/substrate/scalar25519.hpp"
#include "host/substrate/secret.hpp"

namespace anew::substrate {

class Sr25519Key {
 public:
  /// Expands a seed as Ed25519 does.
  explicit Sr25519Key(const Seed& seed) noexcept;

  /// The key under a hard junction: from its public key nothing leads back here.
  [[nodiscard]] Sr25519Key derive_hard(const ChainCode& code) const;
  /// The key under a soft junction: its public key follows from this one's.
  [[nodiscard]] Sr25519Key derive_soft(const ChainCode& code) const;

  [[nodiscard]] const std::array<std::byte, 32>& public_key() const noexcept { return public_key_; }
  /// With the context "substrate". Another signature each time.
  [[nodiscard]] std::array<std::byte, 64> sign(BytesView message) const;

 private:
  Sr25519Key() noexcept = default;

  Secret<32> scalar_;  // less than L
  Secret<32> nonce_;   // goes into each signature's nonce, lest its randomness is bad
  std::array<std::byte, 32> public_key_{};
};

}  // namespace anew::substrate
