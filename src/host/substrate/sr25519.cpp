// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// schnorrkel (https://github.com/w3f/schnorrkel) as Substrate uses it. A signature is R and s, a key A; with k drawn
// from a transcript of the context, the message, A and R, it is good if [s]B == R + [k]A. The top bit of s marks it as
// schnorrkel's. Points are those of ristretto255, where each has one encoding, and where the identity's is all zeros:
// schnorrkel takes it as it takes any other point.
#include "host/substrate/sr25519.hpp"

#include <sodium.h>

#include <algorithm>
#include <string_view>

#include "host/substrate/merlin.hpp"
#include "host/substrate/octets.hpp"
#include "host/substrate/signatures.hpp"

namespace anew::substrate {
namespace {

constexpr std::byte kMark{0x80};
constexpr std::string_view kContext = "substrate";

/// The encoding of a point.
using Point = std::array<std::byte, 32>;

/// Whether bytes are the encoding of a point. libsodium 1.0.18 does not look at the top bit, which must be 0.
bool is_point(std::span<const std::byte, 32> bytes) noexcept {
  return (bytes.back() & std::byte{0x80}) == std::byte{0} &&
         crypto_core_ristretto255_is_valid_point(octets(bytes.data())) != 0;
}

/// [n]B.
Point multiply_base(const Scalar25519& scalar) noexcept {
  Point product{};
  // It fails for the identity only, whose encoding is in place then.
  if (crypto_scalarmult_ristretto255_base(octets(product.data()), octets(scalar.data())) != 0) product.fill({});
  return product;
}

/// [n]P. @param point  a valid one.
Point multiply(const Scalar25519& scalar, std::span<const std::byte, 32> point) noexcept {
  Point product{};
  // The same.
  if (crypto_scalarmult_ristretto255(octets(product.data()), octets(scalar.data()), octets(point.data())) != 0)
    product.fill({});
  return product;
}

Scalar25519 challenge_scalar(Transcript& transcript, std::string_view label) noexcept {
  std::array<std::byte, 64> wide;
  transcript.challenge(label, wide);
  return reduce_scalar(wide);
}

/// The transcript of a message in Substrate's context.
Transcript transcript_of(BytesView message) {
  static const Transcript context = [] {  // is the same for all
    Transcript transcript("SigningContext");
    transcript.append("", as_bytes(kContext));
    return transcript;
  }();
  Transcript transcript = context;
  transcript.append("sign-bytes", message);
  transcript.append("proto-name", as_bytes("Schnorr-sig"));
  return transcript;
}

/// The labels under which key and R are appended and k is drawn.
struct Labels {
  std::string_view key;
  std::string_view r;
  std::string_view challenge;
};
constexpr Labels kLabels = {"sign:pk", "sign:R", "sign:c"};
constexpr Labels kLabelsBeforeAudit = {"pk", "no", ""};

/// @param transcript  with the message.
bool verify(Signature signature, Transcript transcript, const Labels& labels, PublicKey key) {
  Scalar25519 s;
  std::ranges::copy(signature.last<32>(), s.begin());
  s.back() &= ~kMark;
  if (!is_canonical_scalar(s) || !is_point(key)) return false;

  transcript.append(labels.key, key);
  transcript.append(labels.r, signature.first<32>());
  const Point left = multiply_base(s);
  const Point right = multiply(challenge_scalar(transcript, labels.challenge), key);
  Point r;
  return crypto_core_ristretto255_sub(octets(r.data()), octets(left.data()), octets(right.data())) == 0 &&
         std::ranges::equal(r, signature.first<32>());
}

bool is_marked(Signature signature) noexcept { return (signature.back() & kMark) != std::byte{0}; }

/// What a key derives others from.
Transcript derivation_of(const ChainCode& code) {
  Transcript transcript("SchnorrRistrettoHDKD");
  transcript.append("sign-bytes", {});
  transcript.append("chain-code", code);
  return transcript;
}

}  // namespace

bool verify_sr25519(Signature signature, BytesView message, PublicKey key) {
  return is_marked(signature) && verify(signature, transcript_of(message), kLabels, key);
}

bool verify_sr25519_deprecated(Signature signature, BytesView message, PublicKey key) {
  if (is_marked(signature)) return verify_sr25519(signature, message, key);
  Transcript transcript(kContext);
  transcript.append("sign-bytes", message);
  transcript.append("proto-name", as_bytes("Schnorr-sig"));
  return verify(signature, transcript, kLabelsBeforeAudit, key);
}

Sr25519Key::Sr25519Key(const Seed& seed) noexcept {
  Secret<64> hash;
  (void)crypto_hash_sha512(octets(hash.bytes.data()), octets(seed.bytes.data()), seed.bytes.size());  // always 0
  const auto half = hash.bytes.begin() + 32;
  std::copy(hash.bytes.begin(), half, scalar_.bytes.begin());
  std::copy(half, hash.bytes.end(), nonce_.bytes.begin());
  // Ed25519's multiple of 8 below 2^255, divided by 8: less than 2^252, and so than L.
  scalar_.bytes.front() &= std::byte{0xF8};
  scalar_.bytes.back() &= std::byte{0x3F};
  scalar_.bytes.back() |= std::byte{0x40};
  for (std::size_t i = 0; i < 32; ++i)
    scalar_.bytes[i] = scalar_.bytes[i] >> 3 | (i < 31 ? scalar_.bytes[i + 1] << 5 : std::byte{0});
  public_key_ = multiply_base(scalar_.bytes);
}

Sr25519Key Sr25519Key::derive_hard(const ChainCode& code) const {
  Transcript transcript = derivation_of(code);
  transcript.append("secret-key", scalar_.bytes);
  Seed seed;
  transcript.challenge("HDKD-hard", seed.bytes);
  return Sr25519Key(seed);
}

Sr25519Key Sr25519Key::derive_soft(const ChainCode& code) const {
  Transcript transcript = derivation_of(code);
  transcript.append("public-key", public_key_);
  const Scalar25519 tweak = challenge_scalar(transcript, "HDKD-scalar");
  Sr25519Key derived;
  crypto_core_ristretto255_scalar_add(octets(derived.scalar_.bytes.data()), octets(scalar_.bytes.data()),
                                      octets(tweak.data()));
  transcript.witness("HDKD-nonce", {nonce_.bytes, scalar_.bytes}, derived.nonce_.bytes);
  derived.public_key_ = multiply_base(derived.scalar_.bytes);
  return derived;
}

std::array<std::byte, 64> Sr25519Key::sign(BytesView message) const {
  Transcript transcript = transcript_of(message);
  transcript.append(kLabels.key, public_key_);
  Secret<64> wide;
  transcript.witness("signing", {nonce_.bytes}, wide.bytes);
  Secret<32> nonce;
  nonce.bytes = reduce_scalar(wide.bytes);
  const Point r = multiply_base(nonce.bytes);
  transcript.append(kLabels.r, r);

  // s = k * key + nonce
  Scalar25519 s = challenge_scalar(transcript, kLabels.challenge);
  crypto_core_ristretto255_scalar_mul(octets(s.data()), octets(s.data()), octets(scalar_.bytes.data()));
  crypto_core_ristretto255_scalar_add(octets(s.data()), octets(s.data()), octets(nonce.bytes.data()));
  s.back() |= kMark;

  std::array<std::byte, 64> signature;
  std::ranges::copy(s, std::ranges::copy(r, signature.begin()).out);
  return signature;
}

}  // namespace anew::substrate
