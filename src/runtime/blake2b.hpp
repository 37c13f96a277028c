// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <sodium.h>

#include <anew/types.hpp>
#include <array>
#include <cstddef>

namespace anew::detail {

/// BLAKE2b (RFC 7693) with a digest of N bytes, 1 to 64, over what is added piece by piece.
template <std::size_t N>
class Blake2b {
  static_assert(N >= 1 && N <= 64);

 public:
  // None of the three fails: the digest has a length that BLAKE2b takes, and there is no key.
  Blake2b() noexcept { (void)crypto_generichash_blake2b_init(&state_, nullptr, 0, N); }
  void add(BytesView piece) noexcept {
    // unsigned char may view any object, here and below.
    (void)crypto_generichash_blake2b_update(&state_, reinterpret_cast<const unsigned char*>(piece.data()),
                                            piece.size());
  }
  [[nodiscard]] std::array<std::byte, N> finish() noexcept {
    std::array<std::byte, N> digest;
    (void)crypto_generichash_blake2b_final(&state_, reinterpret_cast<unsigned char*>(digest.data()), N);
    return digest;
  }
  /// Overwrites what is left of a secret.
  void wipe() noexcept { sodium_memzero(&state_, sizeof state_); }

 private:
  crypto_generichash_blake2b_state state_;
};

template <std::size_t N>
[[nodiscard]] std::array<std::byte, N> blake2b(BytesView data) noexcept {
  Blake2b<N> hash;
  hash.add(data);
  return hash.finish();
}

}  // namespace anew::detail
