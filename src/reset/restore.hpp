// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <algorithm>
#include <cstdint>

#include "reset/cards.hpp"
#include "reset/snapshot.hpp"

namespace anew::reset {

struct ByteRange {
  std::uint64_t begin;
  std::uint64_t end;
};

/// The bytes of memory 0 that a run of cards stands for: with the slack behind it, clamped to the memory's size.
[[nodiscard]] inline ByteRange bytes_of_cards(const detail::Instance& instance, std::uint64_t first, std::uint64_t end,
                                              std::uint64_t memory_bytes) noexcept {
  const std::uint32_t shift = instance.layout().card_shift();
  return {std::min(first << shift, memory_bytes), std::min((end << shift) + abi::kSlackBytes, memory_bytes)};
}

/// Blocks of the card table that cover `memory_bytes`. The table covers 4 GiB and more, so the last block is inside it.
[[nodiscard]] inline std::size_t card_blocks(const detail::Instance& instance, std::uint64_t memory_bytes) noexcept {
  const std::uint32_t shift = instance.layout().card_shift();
  const std::uint64_t cards = (memory_bytes + (std::uint64_t{1} << shift) - 1) >> shift;
  return (cards + kBlockCards - 1) / kBlockCards;
}

struct Restored {
  bool ok = false;          ///< false: the system refused; the cell is to be destroyed
  std::uint64_t cards = 0;  ///< dirty cards copied back or zeroed
};

/// Puts a cell back after a normal return: what its cards and its header say was changed. Without system calls, unless
/// the memory grew. @pre the cell is not distrusted and its module has marks.
[[nodiscard]] Restored restore(detail::Instance& instance, const Snapshot& snapshot) noexcept;

/// Puts a cell back without trusting anything in it but memory_reached.
[[nodiscard]] Restored restore_whole(detail::Instance& instance, const Snapshot& snapshot) noexcept;

/// Dirty cards of memory 0 as it is now.
[[nodiscard]] std::uint64_t count_dirty_cards(const detail::Instance& instance) noexcept;

/// Makes an instance: an empty cell, restored whole. Its start function is not run.
[[nodiscard]] Result<std::unique_ptr<detail::Instance>> make_instance(const Snapshot& snapshot);

}  // namespace anew::reset
