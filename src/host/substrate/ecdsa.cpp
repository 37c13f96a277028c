// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/ecdsa.hpp"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include <algorithm>
#include <memory>

#include "host/substrate/octets.hpp"
#include "host/substrate/signatures.hpp"
#include "os/try.hpp"

namespace anew::substrate {
namespace {

/// The order of the group, big-endian.
constexpr std::array<std::uint8_t, 32> kOrder = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                                 0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xBA, 0xAE, 0xDC, 0xE6, 0xAF, 0x48,
                                                 0xA0, 0x3B, 0xBF, 0xD2, 0x5E, 0x8C, 0xD0, 0x36, 0x41, 0x41};

/// Takes the order off a number that is not less. What is left is less: the order is more than half of 2^256.
void reduce(std::span<std::uint8_t, 32> number) noexcept {
  if (std::ranges::lexicographical_compare(number, kOrder)) return;
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int digit = number[i] - kOrder[i] - borrow;
    borrow = digit < 0 ? 1 : 0;
    number[i] = static_cast<std::uint8_t>(digit);  // modulo 256, as the borrow has it
  }
}

/// @param recovery_id  0 to 3, or it is kBadV.
std::expected<secp256k1_pubkey, RecoverError> recover(EcdsaSignature signature, unsigned recovery_id,
                                                      const Hash& message_hash, EcdsaParsing parsing) noexcept {
  if (recovery_id > 3) return std::unexpected(RecoverError::kBadV);
  std::array<std::uint8_t, 64> rs;
  std::ranges::transform(signature.first<64>(), rs.begin(),
                         [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  if (parsing == EcdsaParsing::kOverflowing) {
    reduce(std::span(rs).first<32>());
    reduce(std::span(rs).last<32>());
  }
  // Recovery needs none of what only a context made at run time has.
  secp256k1_ecdsa_recoverable_signature parsed;
  if (secp256k1_ecdsa_recoverable_signature_parse_compact(secp256k1_context_static, &parsed, rs.data(),
                                                          static_cast<int>(recovery_id)) == 0) {  // 0 to 3
    return std::unexpected(RecoverError::kBadRs);
  }
  secp256k1_pubkey key;
  if (secp256k1_ecdsa_recover(secp256k1_context_static, &key, &parsed, octets(message_hash.data())) == 0)
    return std::unexpected(RecoverError::kBadSignature);  // also if r or s is 0
  return key;
}

/// The key's encoding, as long as `format` makes it.
template <std::size_t N>
std::array<std::byte, N> serialize(const secp256k1_pubkey& key, unsigned format) noexcept {
  std::array<std::byte, N> bytes;
  std::size_t size = N;
  (void)secp256k1_ec_pubkey_serialize(secp256k1_context_static, octets(bytes.data()), &size, &key, format);  // always 1
  return bytes;
}

unsigned last_byte(EcdsaSignature signature) noexcept { return std::to_integer<unsigned>(signature.back()); }

/// The recovery id as the host functions that recover take it: also as Ethereum writes it.
unsigned recovery_id_of(EcdsaSignature signature) noexcept {
  const unsigned v = last_byte(signature);
  return v > 26 ? v - 27 : v;
}

/// What secret keys are used with, blinded against side channels.
const secp256k1_context* signing_context() noexcept {
  struct Destroy {
    void operator()(secp256k1_context* context) const noexcept { secp256k1_context_destroy(context); }
  };
  static const std::unique_ptr<secp256k1_context, Destroy> context = [] {
    std::unique_ptr<secp256k1_context, Destroy> made(secp256k1_context_create(SECP256K1_CONTEXT_NONE));
    const Seed blinding = Seed::random();
    [[maybe_unused]] const int randomized =  // always 1 for such a context
        secp256k1_context_randomize(made.get(), octets(blinding.bytes.data()));
    return made;
  }();
  return context.get();
}

}  // namespace

std::expected<std::array<std::byte, 64>, RecoverError> recover_ecdsa(EcdsaSignature signature, const Hash& message_hash,
                                                                     EcdsaParsing parsing) noexcept {
  const auto key = TRY(recover(signature, recovery_id_of(signature), message_hash, parsing));
  const auto tagged = serialize<65>(key, SECP256K1_EC_UNCOMPRESSED);
  std::array<std::byte, 64> bytes;
  std::copy(tagged.begin() + 1, tagged.end(), bytes.begin());
  return bytes;
}

std::expected<std::array<std::byte, 33>, RecoverError> recover_ecdsa_compressed(EcdsaSignature signature,
                                                                                const Hash& message_hash,
                                                                                EcdsaParsing parsing) noexcept {
  const auto key = TRY(recover(signature, recovery_id_of(signature), message_hash, parsing));
  return serialize<33>(key, SECP256K1_EC_COMPRESSED);
}

bool verify_ecdsa(EcdsaSignature signature, const Hash& message_hash, std::span<const std::byte, 33> key,
                  EcdsaParsing parsing) noexcept {
  const auto recovered = recover(signature, last_byte(signature), message_hash, parsing);
  return recovered && std::ranges::equal(serialize<33>(*recovered, SECP256K1_EC_COMPRESSED), key);
}

std::optional<EcdsaKey> EcdsaKey::from_seed(const Seed& seed) noexcept {
  secp256k1_pubkey point;
  if (secp256k1_ec_pubkey_create(signing_context(), &point, octets(seed.bytes.data())) == 0) return std::nullopt;
  EcdsaKey key(seed);
  key.public_key_ = serialize<33>(point, SECP256K1_EC_COMPRESSED);
  return key;
}

std::array<std::byte, 65> EcdsaKey::sign(const Hash& message_hash) const noexcept {
  secp256k1_ecdsa_recoverable_signature made;
  // Always 1: the key is valid, and a nonce that does not do is replaced by the next.
  (void)secp256k1_ecdsa_sign_recoverable(signing_context(), &made, octets(message_hash.data()),
                                         octets(secret_.bytes.data()), nullptr, nullptr);
  std::array<std::byte, 65> signature;
  int recovery_id = 0;
  (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(secp256k1_context_static, octets(signature.data()),
                                                                &recovery_id, &made);  // always 1
  signature.back() = static_cast<std::byte>(recovery_id);                              // 0 to 3
  return signature;
}

}  // namespace anew::substrate
