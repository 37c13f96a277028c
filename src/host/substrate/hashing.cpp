// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/hashing.hpp"

#include <sodium.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <new>

#include "host/substrate/keccak.hpp"
#include "host/substrate/octets.hpp"
#include "host/substrate/pieces.hpp"
#include "runtime/blake2b.hpp"

namespace anew::substrate {
namespace {

template <std::size_t N>
Digest<N> blake2b(BytesView data) {
  detail::Blake2b<N> hash;
  for_each_piece(data, [&](BytesView piece) { hash.add(piece); });
  return hash.finish();
}

std::uint64_t xxh64(BytesView data, std::uint64_t seed) {
  if (data.size() <= kPiece) return XXH64(data.data(), data.size(), seed);
  const std::unique_ptr<XXH64_state_t, decltype(&XXH64_freeState)> state(XXH64_createState(), &XXH64_freeState);
  if (state == nullptr) throw std::bad_alloc();
  (void)XXH64_reset(state.get(), seed);
  for_each_piece(data, [&](BytesView piece) { (void)XXH64_update(state.get(), piece.data(), piece.size()); });
  return XXH64_digest(state.get());
}

template <std::size_t N>
Digest<N> twox(BytesView data) {
  static_assert(std::endian::native == std::endian::little);
  Digest<N> digest;
  for (std::size_t seed = 0; seed < N / 8; ++seed) {
    const std::uint64_t hash = xxh64(data, seed);
    std::ranges::copy(std::bit_cast<Digest<8>>(hash), digest.begin() + static_cast<std::ptrdiff_t>(8 * seed));  // < N
  }
  return digest;
}

void add(std::byte* state, BytesView data) noexcept {
  for (std::size_t i = 0; i < data.size(); ++i) state[i] ^= data[i];
}

/// The sponge, with the padding 1 0* 1.
template <std::size_t N>
Digest<N> keccak(BytesView data) {
  constexpr std::size_t kRate = KeccakState::kBytes - 2 * N;
  static_assert(N <= kRate);  // one squeeze is enough
  KeccakState state;
  for (std::size_t blocks = 1; data.size() >= kRate; data = data.subspan(kRate), ++blocks) {
    add(state.bytes(), data.first(kRate));
    state.permute();
    if (blocks % (kPiece / kRate) == 0) detail::check_stop();
  }
  add(state.bytes(), data);
  state.bytes()[data.size()] ^= std::byte{0x01};
  state.bytes()[kRate - 1] ^= std::byte{0x80};
  state.permute();
  Digest<N> digest;
  std::copy_n(state.bytes(), N, digest.begin());
  return digest;
}

}  // namespace

Digest<16> blake2b_128(BytesView data) { return blake2b<16>(data); }
Digest<32> blake2b_256(BytesView data) { return blake2b<32>(data); }

Digest<8> twox_64(BytesView data) { return twox<8>(data); }
Digest<16> twox_128(BytesView data) { return twox<16>(data); }
Digest<32> twox_256(BytesView data) { return twox<32>(data); }

Digest<32> keccak_256(BytesView data) { return keccak<32>(data); }
Digest<64> keccak_512(BytesView data) { return keccak<64>(data); }

Digest<32> sha2_256(BytesView data) {
  crypto_hash_sha256_state state;
  (void)crypto_hash_sha256_init(&state);  // these always return 0
  for_each_piece(data,
                 [&](BytesView piece) { (void)crypto_hash_sha256_update(&state, octets(piece.data()), piece.size()); });
  Digest<32> digest;
  (void)crypto_hash_sha256_final(&state, octets(digest.data()));
  return digest;
}

}  // namespace anew::substrate
