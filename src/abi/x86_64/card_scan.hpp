// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scans of a card table (a byte a card, not 0 if the card was written) with whole vectors.
#pragma once

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace anew::abi {

/// Cards are looked at in blocks of this many; a card table may be read up to the end of its last block.
inline constexpr std::size_t kBlockCards = 64;

/// @return the first block at or after `from` with a card set, or `blocks` if there is none.
[[nodiscard]] std::size_t find_dirty_block(const std::uint8_t* cards, std::size_t from, std::size_t blocks) noexcept;

/// What find_dirty_block is on one processor or another: all that this one can run, for tests.
using FindDirtyBlock = std::size_t (*)(const std::uint8_t* cards, std::size_t from, std::size_t blocks) noexcept;
[[nodiscard]] std::span<const FindDirtyBlock> scanners() noexcept;

/// Bit i is set if card i of the block is.
[[nodiscard]] inline std::uint64_t block_mask(const std::uint8_t* block) noexcept {
  const __m128i zero = _mm_setzero_si128();
  std::uint64_t clean = 0;
  for (int i = 0; i < 4; ++i) {
    // An unaligned load of 16 of the block's 64 bytes.
    const __m128i cards = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + std::ptrdiff_t{16} * i));
    const auto mask = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(cards, zero)));  // 16 bits
    clean |= std::uint64_t{mask} << (16 * i);
  }
  return ~clean;
}

}  // namespace anew::abi
