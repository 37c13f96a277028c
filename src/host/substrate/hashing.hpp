// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The hash functions of the host API, with results as arrays of bytes. Of long data they ask now and then whether the
// call is to end (runtime/stop.hpp).
#pragma once

#include <anew/substrate/types.hpp>
#include <array>
#include <cstddef>

namespace anew::substrate {

template <std::size_t N>
using Digest = std::array<std::byte, N>;

[[nodiscard]] Digest<16> blake2b_128(BytesView data);
[[nodiscard]] Digest<32> blake2b_256(BytesView data);
/// XXH64 with seeds 0, 1, ..., one behind the other, little-endian ("twox").
[[nodiscard]] Digest<8> twox_64(BytesView data);
[[nodiscard]] Digest<16> twox_128(BytesView data);
[[nodiscard]] Digest<32> twox_256(BytesView data);
/// Keccak with its original padding, not that of SHA-3.
[[nodiscard]] Digest<32> keccak_256(BytesView data);
[[nodiscard]] Digest<64> keccak_512(BytesView data);
[[nodiscard]] Digest<32> sha2_256(BytesView data);

}  // namespace anew::substrate
