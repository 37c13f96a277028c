// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_crypto_*: signatures, and keys of the host's keystore.
#include <algorithm>

#include "host/substrate/hashing.hpp"
#include "host/substrate/host_functions.hpp"
#include "host/substrate/scale.hpp"
#include "os/try.hpp"
#include "wasm/reader.hpp"

namespace anew::substrate {
namespace {

using State = Externalities::State;
using KeyTypeBytes = std::span<const std::byte, 4>;
using CompressedKey = std::span<const std::byte, 33>;

KeyTypeId to_key_type(KeyTypeBytes bytes) noexcept {
  KeyTypeId type;
  std::ranges::transform(bytes, type.begin(), [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  return type;
}

Result<Keystore*> keystore_of(State& state) {
  if (state.services.keystore != nullptr) return state.services.keystore;
  return fail(ErrorCode::kHost, "this call has no keystore; give one in HostServices");
}

Bytes encode_keys(const std::vector<Bytes>& keys) {
  Bytes encoded;
  append_compact(encoded, static_cast<std::uint32_t>(keys.size()));  // as many as were generated
  for (const Bytes& key : keys) encoded.insert(encoded.end(), key.begin(), key.end());
  return encoded;
}

/// An Option of bytes of a fixed size: they have no length before them.
Blob encode_signature(const std::optional<Bytes>& signature) {
  Bytes encoded = {signature ? std::byte{1} : std::byte{0}};
  if (signature) encoded.insert(encoded.end(), signature->begin(), signature->end());
  return Blob{std::move(encoded)};
}

/// The functions that every scheme has for its keys. @tparam N  size of a public key in bytes.
template <std::size_t N>
void define_keys(HostFunctions& functions, KeyScheme scheme, std::string_view public_keys, std::string_view generate,
                 std::string_view sign) {
  functions.define(public_keys, [scheme](State& state, KeyTypeBytes type) -> Result<Blob> {
    const auto keystore = TRY(keystore_of(state));
    return Blob{encode_keys(keystore->public_keys(scheme, to_key_type(type)))};
  });
  functions.define(
      generate,
      [scheme](State& state, KeyTypeBytes type, std::optional<BytesView> seed) -> Result<std::array<std::byte, N>> {
        const auto keystore = TRY(keystore_of(state));
        std::optional<std::string_view> suri;
        if (seed) {
          // Bytes seen as characters, which may alias any object.
          suri.emplace(reinterpret_cast<const char*>(seed->data()), seed->size());
          if (!wasm::is_utf8(*suri)) return fail(ErrorCode::kHost, "the seed is not UTF-8");
        }
        const auto key = TRY(keystore->generate(scheme, to_key_type(type), suri));
        std::array<std::byte, N> result{};
        std::ranges::copy_n(key.begin(), static_cast<std::ptrdiff_t>(std::min(N, key.size())), result.begin());
        return result;
      });
  functions.define(
      sign,
      [scheme](State& state, KeyTypeBytes type, std::span<const std::byte, N> key, BytesView message) -> Result<Blob> {
        const auto keystore = TRY(keystore_of(state));
        return encode_signature(keystore->sign(scheme, to_key_type(type), key, message));
      });
}

/// A result of a verification, noted for finish_batch_verify. Signatures are verified at once, whether a batch was
/// started or not, as today's nodes do.
bool note(State& state, bool good) noexcept {
  if (state.batch) *state.batch = *state.batch && good;
  return good;
}

void define_verification(HostFunctions& functions) {
  functions.define("ext_crypto_ed25519_verify_version_1",
                   [](const HostCall&, Signature signature, BytesView message, PublicKey key) {
                     return verify_ed25519(signature, message, key);
                   });
  functions.define("ext_crypto_ed25519_batch_verify_version_1",
                   [](State& state, Signature signature, BytesView message, PublicKey key) {
                     return note(state, verify_ed25519(signature, message, key));
                   });
  functions.define("ext_crypto_sr25519_verify_version_1",
                   [](const HostCall&, Signature signature, BytesView message, PublicKey key) {
                     return verify_sr25519_deprecated(signature, message, key);
                   });
  functions.define("ext_crypto_sr25519_verify_version_2",
                   [](const HostCall&, Signature signature, BytesView message, PublicKey key) {
                     return verify_sr25519(signature, message, key);
                   });
  functions.define("ext_crypto_sr25519_batch_verify_version_1",
                   [](State& state, Signature signature, BytesView message, PublicKey key) {
                     return note(state, verify_sr25519(signature, message, key));
                   });
  functions.define("ext_crypto_ecdsa_verify_version_1",
                   [](const HostCall&, EcdsaSignature signature, BytesView message, CompressedKey key) {
                     return verify_ecdsa(signature, blake2b_256(message), key, EcdsaParsing::kOverflowing);
                   });
  functions.define("ext_crypto_ecdsa_verify_version_2",
                   [](const HostCall&, EcdsaSignature signature, BytesView message, CompressedKey key) {
                     return verify_ecdsa(signature, blake2b_256(message), key, EcdsaParsing::kStandard);
                   });
  functions.define("ext_crypto_ecdsa_verify_prehashed_version_1",
                   [](const HostCall&, EcdsaSignature signature, HashBytes hash, CompressedKey key) {
                     return verify_ecdsa(signature, to_hash(hash), key, EcdsaParsing::kStandard);
                   });
  functions.define("ext_crypto_ecdsa_batch_verify_version_1",
                   [](State& state, EcdsaSignature signature, BytesView message, CompressedKey key) {
                     return note(state, verify_ecdsa(signature, blake2b_256(message), key, EcdsaParsing::kStandard));
                   });
  functions.define("ext_crypto_start_batch_verify_version_1", [](State& state) -> Result<void> {
    if (state.batch) return fail(ErrorCode::kHost, "a batch was started already");
    state.batch = true;
    return {};
  });
  functions.define("ext_crypto_finish_batch_verify_version_1", [](State& state) -> Result<bool> {
    if (!state.batch) return fail(ErrorCode::kHost, "no batch was started");
    const bool good = *state.batch;
    state.batch.reset();
    return good;
  });
}

void define_recovery(HostFunctions& functions) {
  using Key = std::expected<std::array<std::byte, 64>, RecoverError>;
  using ShortKey = std::expected<std::array<std::byte, 33>, RecoverError>;
  functions.define("ext_crypto_secp256k1_ecdsa_recover_version_1",
                   [](const HostCall&, EcdsaSignature signature, HashBytes hash) -> Key {
                     return recover_ecdsa(signature, to_hash(hash), EcdsaParsing::kOverflowing);
                   });
  functions.define("ext_crypto_secp256k1_ecdsa_recover_version_2",
                   [](const HostCall&, EcdsaSignature signature, HashBytes hash) -> Key {
                     return recover_ecdsa(signature, to_hash(hash), EcdsaParsing::kStandard);
                   });
  functions.define("ext_crypto_secp256k1_ecdsa_recover_compressed_version_1",
                   [](const HostCall&, EcdsaSignature signature, HashBytes hash) -> ShortKey {
                     return recover_ecdsa_compressed(signature, to_hash(hash), EcdsaParsing::kOverflowing);
                   });
  functions.define("ext_crypto_secp256k1_ecdsa_recover_compressed_version_2",
                   [](const HostCall&, EcdsaSignature signature, HashBytes hash) -> ShortKey {
                     return recover_ecdsa_compressed(signature, to_hash(hash), EcdsaParsing::kStandard);
                   });
}

}  // namespace

void define_crypto(HostFunctions& functions) {
  define_keys<32>(functions, KeyScheme::kEd25519, "ext_crypto_ed25519_public_keys_version_1",
                  "ext_crypto_ed25519_generate_version_1", "ext_crypto_ed25519_sign_version_1");
  define_keys<32>(functions, KeyScheme::kSr25519, "ext_crypto_sr25519_public_keys_version_1",
                  "ext_crypto_sr25519_generate_version_1", "ext_crypto_sr25519_sign_version_1");
  define_keys<33>(functions, KeyScheme::kEcdsa, "ext_crypto_ecdsa_public_keys_version_1",
                  "ext_crypto_ecdsa_generate_version_1", "ext_crypto_ecdsa_sign_version_1");
  functions.define("ext_crypto_ecdsa_sign_prehashed_version_1",
                   [](State& state, KeyTypeBytes type, CompressedKey key, HashBytes hash) -> Result<Blob> {
                     const auto keystore = TRY(keystore_of(state));
                     return encode_signature(keystore->sign_prehashed(to_key_type(type), key, to_hash(hash)));
                   });
  define_verification(functions);
  define_recovery(functions);
}

}  // namespace anew::substrate
