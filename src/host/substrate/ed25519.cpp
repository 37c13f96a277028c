// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A signature is R and s, a key A. With k = SHA-512(R, A, message), those who verify agree that a signature of an
// honest signer satisfies [s]B == R + [k]A; they differ about what else does. Chains need one answer, which is
// ZIP-215's (https://zips.z.cash/zip-0215):
//
//   s     less than L
//   R, A  any 32 bytes whose y, modulo p, belongs to a point: also y >= p, also -0 for x, also points of small order
//   [8][s]B == [8]R + [8][k]A
//
// libsodium's own verification demands more everywhere: all that it accepts is good, and it is fast. What it refuses is
// nearly always bad, but must be decided by the rules above.
#include "host/substrate/ed25519.hpp"

#include <sodium.h>

#include <algorithm>

#include "host/substrate/octets.hpp"
#include "host/substrate/pieces.hpp"
#include "host/substrate/scalar25519.hpp"
#include "host/substrate/signatures.hpp"

namespace anew::substrate {
namespace {

/// The canonical encoding of a point.
using Point = std::array<std::byte, 32>;
constexpr Point kIdentity = {std::byte{1}};
constexpr Scalar25519 kZero = {};
constexpr Scalar25519 kEight = {std::byte{8}};

/// [8]P, which lies in the group of order L. @return false if the bytes are no point.
bool multiply_by_cofactor(std::span<const std::byte, 32> bytes, Point& product) noexcept {
  // This addition takes every encoding that ZIP-215 does.
  if (crypto_core_ed25519_add(octets(product.data()), octets(bytes.data()), octets(bytes.data())) != 0) return false;
  for (int i = 0; i < 2; ++i)
    if (crypto_core_ed25519_add(octets(product.data()), octets(product.data()), octets(product.data())) != 0)
      return false;
  return true;
}

/// [n]P for a point of the group of order L. libsodium refuses to compute with or to the identity.
bool multiply(const Scalar25519& scalar, const Point& point, Point& product) noexcept {
  if (scalar == kZero || point == kIdentity) {
    product = kIdentity;
    return true;
  }
  return crypto_scalarmult_ed25519_noclamp(octets(product.data()), octets(scalar.data()), octets(point.data())) == 0;
}

/// [n]B.
bool multiply_base(const Scalar25519& scalar, Point& product) noexcept {
  if (scalar == kZero) {
    product = kIdentity;
    return true;
  }
  return crypto_scalarmult_ed25519_base_noclamp(octets(product.data()), octets(scalar.data())) == 0;
}

/// k.
Scalar25519 challenge(Signature signature, BytesView message, PublicKey key) {
  std::array<std::byte, 64> hash;
  crypto_hash_sha512_state state;
  crypto_hash_sha512_init(&state);
  crypto_hash_sha512_update(&state, octets(signature.data()), 32);
  crypto_hash_sha512_update(&state, octets(key.data()), key.size());
  for_each_piece(message,
                 [&](BytesView piece) { crypto_hash_sha512_update(&state, octets(piece.data()), piece.size()); });
  crypto_hash_sha512_final(&state, octets(hash.data()));
  return reduce_scalar(hash);
}

bool verify_by_zip_215(Signature signature, BytesView message, PublicKey key) {
  Scalar25519 s;
  std::ranges::copy(signature.last<32>(), s.begin());
  if (!is_canonical_scalar(s)) return false;
  Point r_by_8;
  Point a_by_8;
  if (!multiply_by_cofactor(signature.first<32>(), r_by_8) || !multiply_by_cofactor(key, a_by_8)) return false;

  Scalar25519 s_by_8;
  crypto_core_ed25519_scalar_mul(octets(s_by_8.data()), octets(s.data()), octets(kEight.data()));
  Point left;
  Point right;
  if (!multiply_base(s_by_8, left) || !multiply(challenge(signature, message, key), a_by_8, right)) return false;
  if (crypto_core_ed25519_add(octets(right.data()), octets(right.data()), octets(r_by_8.data())) != 0) return false;
  return left == right;
}

}  // namespace

bool verify_ed25519(Signature signature, BytesView message, PublicKey key) {
  // libsodium accepts less, but is quicker, if the message is not long: then it cannot be stopped.
  const bool is_short = message.size() <= kPiece;
  return (is_short && crypto_sign_ed25519_verify_detached(octets(signature.data()), octets(message.data()),
                                                          message.size(), octets(key.data())) == 0) ||
         verify_by_zip_215(signature, message, key);
}

Ed25519Key::Ed25519Key(const Seed& seed) noexcept {
  (void)crypto_sign_ed25519_seed_keypair(octets(public_key_.data()), octets(secret_.bytes.data()),
                                         octets(seed.bytes.data()));  // always 0
}

std::array<std::byte, 64> Ed25519Key::sign(BytesView message) const noexcept {
  std::array<std::byte, 64> signature;
  (void)crypto_sign_ed25519_detached(octets(signature.data()), nullptr, octets(message.data()), message.size(),
                                     octets(secret_.bytes.data()));  // always 0
  return signature;
}

}  // namespace anew::substrate
