// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bytes that nobody may find in memory later.
#pragma once

#include <sodium.h>

#include <array>
#include <cstddef>

namespace anew::substrate {

/// Wiped when it goes.
template <std::size_t N>
struct Secret {
  Secret() noexcept = default;
  Secret(const Secret&) noexcept = default;
  Secret& operator=(const Secret&) noexcept = default;
  ~Secret() { sodium_memzero(bytes.data(), N); }

  [[nodiscard]] static Secret random() noexcept {
    Secret secret;
    randombytes_buf(secret.bytes.data(), N);
    return secret;
  }

  std::array<std::byte, N> bytes{};
};

/// What a key is made from; schnorrkel's "mini secret key".
using Seed = Secret<32>;

/// What a key is derived with.
using ChainCode = std::array<std::byte, 32>;

}  // namespace anew::substrate
