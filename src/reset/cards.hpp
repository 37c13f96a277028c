// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scanning a card table: a byte a card, not 0 if the card was written. The vectors are the processor's.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "abi/processor.hpp"

namespace anew::reset {

using abi::block_mask;
using abi::find_dirty_block;
using abi::kBlockCards;

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
