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

/// The bytes of a memory that a run of its cards stands for: with the slack behind it, clamped to the memory's size.
[[nodiscard]] inline ByteRange bytes_of_cards(std::uint64_t card_shift, std::uint64_t first, std::uint64_t end,
                                              std::uint64_t memory_bytes) noexcept {
  return {std::min(first << card_shift, memory_bytes), std::min((end << card_shift) + abi::kSlackBytes, memory_bytes)};
}

/// Blocks of a card table that cover `memory_bytes`. The table covers 4 GiB and more, so the last block is inside it.
[[nodiscard]] inline std::size_t card_blocks(std::uint64_t card_shift, std::uint64_t memory_bytes) noexcept {
  const std::uint64_t cards = (memory_bytes + (std::uint64_t{1} << card_shift) - 1) >> card_shift;
  return (cards + kBlockCards - 1) / kBlockCards;
}

/// Blocks of the cards of so many elements of a table; the cards take whole blocks.
[[nodiscard]] constexpr std::size_t table_card_blocks(std::uint64_t elements) noexcept {
  return (abi::table_cards(elements) + kBlockCards - 1) / kBlockCards;
}

struct Restored {
  bool ok = false;          ///< false: the system refused; the store is to be destroyed
  std::uint64_t bytes = 0;  ///< of memory, copied back, zeroed or given back to the system
};

/// Puts a store back: after normal returns what its ledger and headers say was changed. If it is distrusted, all of its
/// memories, without trusting anything of them but the sizes that they reached. With the cards as the ledger a normal
/// return takes no system call, unless a memory grew, or a call held very many exceptions or wrote very much of a
/// table.
[[nodiscard]] Restored restore(detail::StoreState& store, const Snapshot& snapshot) noexcept;

/// Makes the state of a store, as it is, the one that the next restore starts from: nothing counts as written. For the
/// snapshot that was just taken of it. @return false if the system refused: the store is distrusted then.
[[nodiscard]] bool settle(detail::StoreState& store) noexcept;

/// What a restore would put back now, in bytes of memory: what the dirty cards amount to, the cell's own pages, or all.
[[nodiscard]] std::uint64_t count_dirty_bytes(const detail::StoreState& store) noexcept;

/// Makes a store: empty cells, restored whole. A start function that runs after each restore is not run.
[[nodiscard]] Result<std::unique_ptr<detail::StoreState>> make_store(const Snapshot& snapshot);

}  // namespace anew::reset
