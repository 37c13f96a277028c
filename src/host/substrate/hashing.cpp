// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/hashing.hpp"

#include <sodium.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "host/substrate/keccak.hpp"
#include "host/substrate/octets.hpp"

namespace anew::substrate {
namespace {

template <std::size_t N>
Digest<N> blake2b(BytesView data) noexcept {
  Digest<N> digest;
  // Cannot fail: BLAKE2b takes any output length from 1 to 64.
  (void)crypto_generichash_blake2b(octets(digest.data()), N, octets(data.data()), data.size(), nullptr, 0);
  return digest;
}

template <std::size_t N>
Digest<N> twox(BytesView data) noexcept {
  static_assert(std::endian::native == std::endian::little);
  Digest<N> digest;
  for (std::size_t seed = 0; seed < N / 8; ++seed) {
    const std::uint64_t hash = XXH64(data.data(), data.size(), seed);
    std::ranges::copy(std::bit_cast<Digest<8>>(hash), digest.begin() + static_cast<std::ptrdiff_t>(8 * seed));  // < N
  }
  return digest;
}

void add(std::byte* state, BytesView data) noexcept {
  for (std::size_t i = 0; i < data.size(); ++i) state[i] ^= data[i];
}

/// The sponge, with the padding 1 0* 1.
template <std::size_t N>
Digest<N> keccak(BytesView data) noexcept {
  constexpr std::size_t kRate = KeccakState::kBytes - 2 * N;
  static_assert(N <= kRate);  // one squeeze is enough
  KeccakState state;
  for (; data.size() >= kRate; data = data.subspan(kRate)) {
    add(state.bytes(), data.first(kRate));
    state.permute();
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

Digest<16> blake2b_128(BytesView data) noexcept { return blake2b<16>(data); }
Digest<32> blake2b_256(BytesView data) noexcept { return blake2b<32>(data); }

Digest<8> twox_64(BytesView data) noexcept { return twox<8>(data); }
Digest<16> twox_128(BytesView data) noexcept { return twox<16>(data); }
Digest<32> twox_256(BytesView data) noexcept { return twox<32>(data); }

Digest<32> keccak_256(BytesView data) noexcept { return keccak<32>(data); }
Digest<64> keccak_512(BytesView data) noexcept { return keccak<64>(data); }

Digest<32> sha2_256(BytesView data) noexcept {
  Digest<32> digest;
  (void)crypto_hash_sha256(octets(digest.data()), octets(data.data()), data.size());  // always 0
  return digest;
}

}  // namespace anew::substrate
