// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scanning a card table: a byte a card, not 0 if the card was written.
#pragma once

#include <emmintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace anew::reset {

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

/// Calls on_run(first, end) for each longest run [first, end) of set cards, in ascending order, over block boundaries.
/// @param on_block  called with each block's first card before its runs are handed over; may clear it.
/// @return the number of set cards.
template <typename OnRun, typename OnBlock>
std::uint64_t for_each_dirty_run(const std::uint8_t* cards, std::size_t blocks, OnRun&& on_run, OnBlock&& on_block) {
  std::uint64_t count = 0;
  std::size_t run_first = 0;
  std::size_t run_end = 0;  // the run found last is not handed over until it cannot go on
  for (std::size_t block = find_dirty_block(cards, 0, blocks); block < blocks;
       block = find_dirty_block(cards, block + 1, blocks)) {
    const std::size_t base = block * kBlockCards;
    std::uint64_t mask = block_mask(cards + base);
    on_block(base);
    count += static_cast<std::uint64_t>(std::popcount(mask));
    while (mask != 0) {
      const auto first = static_cast<unsigned>(std::countr_zero(mask));
      const auto length = static_cast<unsigned>(std::countr_one(mask >> first));
      if (base + first != run_end) {
        if (run_end != 0) on_run(run_first, run_end);
        run_first = base + first;
      }
      run_end = base + first + length;
      mask = first + length == kBlockCards ? 0 : mask & (~std::uint64_t{0} << (first + length));
    }
  }
  if (run_end != 0) on_run(run_first, run_end);
  return count;
}

/// The same, clearing each card before its run is handed over.
template <typename OnRun>
std::uint64_t take_dirty_runs(std::uint8_t* cards, std::size_t blocks, OnRun&& on_run) {
  return for_each_dirty_run(cards, blocks, on_run,
                            [cards](std::size_t base) { std::memset(cards + base, 0, kBlockCards); });
}

}  // namespace anew::reset
