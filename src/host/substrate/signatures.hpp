// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Verification of signatures, as chains agree on it: what these functions accept is consensus. Of a long message they
// ask now and then whether the call is to end (runtime/stop.hpp).
#pragma once

#include <anew/substrate/types.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace anew::substrate {

using PublicKey = std::span<const std::byte, 32>;
using Signature = std::span<const std::byte, 64>;

/// Ed25519 as ZIP-215 has it (ed25519-zebra): cofactored, with encodings of points that need not be canonical.
[[nodiscard]] bool verify_ed25519(Signature signature, BytesView message, PublicKey key);

/// Schnorrkel signatures over ristretto255 with the context "substrate".
[[nodiscard]] bool verify_sr25519(Signature signature, BytesView message, PublicKey key);
/// The same; and signatures without schnorrkel's mark as its version 0.1.1 made them (host function version 1).
[[nodiscard]] bool verify_sr25519_deprecated(Signature signature, BytesView message, PublicKey key);

/// ECDSA over secp256k1. `signature` is r, s and the recovery id.
using EcdsaSignature = std::span<const std::byte, 65>;

/// The numbers are those of the host API's EcdsaVerifyError.
enum class RecoverError : std::uint8_t { kBadRs = 0, kBadV = 1, kBadSignature = 2 };
/// How r and s that are past the group's order are taken: version 1 of the host functions reduces them, version 2
/// refuses them.
enum class EcdsaParsing : std::uint8_t { kOverflowing, kStandard };

/// The key that made the signature: 64 bytes, without the leading 4. A recovery id may also be as Ethereum writes it,
/// with 27 added. A wrong one is kBadV, whatever else is wrong; r or s that is 0 is kBadSignature.
[[nodiscard]] std::expected<std::array<std::byte, 64>, RecoverError> recover_ecdsa(EcdsaSignature signature,
                                                                                   const Hash& message_hash,
                                                                                   EcdsaParsing parsing) noexcept;
/// The same, compressed: 33 bytes.
[[nodiscard]] std::expected<std::array<std::byte, 33>, RecoverError> recover_ecdsa_compressed(
    EcdsaSignature signature, const Hash& message_hash, EcdsaParsing parsing) noexcept;
/// By recovering the key, over a hash of the message. The recovery id must be 0 to 3.
[[nodiscard]] bool verify_ecdsa(EcdsaSignature signature, const Hash& message_hash, std::span<const std::byte, 33> key,
                                EcdsaParsing parsing) noexcept;

}  // namespace anew::substrate
