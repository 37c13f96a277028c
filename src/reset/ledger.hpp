// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ledgers: what tells a restore which bytes of a memory were written since the last one. Each is a function that puts
// [0, end) of a memory back and adds to `bytes` what it copied or zeroed; [image.bytes, end), what the memory grew by,
// becomes zero.
//
//   cards     the marks of compiled code: a byte a card. No system call; the cost grows with what was written, and by a
//             byte for each card with the size of the memory. Past kCopiedBytes it is cheaper to give pages back.
//   pagemap   the kernel's page tables: every page that is the cell's own, and not the image's file's or untouched, was
//             written at some time. One system call, or one for every 128 runs; pages stay the cell's own once they
//             were written, so the cost grows with all that ever was, up to kKeptBytes: what is above is given back.
//   cow       nothing is known: every page of the cell's own is given back, and is the image's again. One system call,
//             and page faults when the next call touches them.
//
// docs/ledgers.md shows what they cost.
#pragma once

#include "reset/snapshot.hpp"

namespace anew::reset {

struct Restored;  // restore.hpp

/// What a restore copies or zeroes under the cards ledger. If the cards say that more was written, the rest of the
/// memory is given back, and so is that of those that follow: one store to each card takes a call a fraction of the
/// time that copying the cards takes, and no deadline ends a restore. Not less, since page faults of the next call cost
/// more.
inline constexpr std::uint64_t kCopiedBytes = 64 << 20;
/// Puts back what the cards say, and clears them. @param restored  with what was copied of other memories; not ok any
/// more if the system refused.
void restore_by_cards(const abi::MemoryReference& memory, const MemoryImage& image, std::uint64_t end,
                      Restored& restored) noexcept;

/// What a cell keeps of its own under the pagemap ledger, from one call to the next.
inline constexpr std::uint64_t kKeptBytes = 4 << 20;
/// @pre the memory is the image's mapping, or anonymous where that has nothing. @return false if the system refused.
[[nodiscard]] bool restore_by_pagemap(const abi::MemoryReference& memory, const MemoryImage& image, std::uint64_t end,
                                      std::uint64_t& bytes) noexcept;

/// Of a memory that maps its image or not; `begin` is a page's. @return false if the system refused.
[[nodiscard]] bool restore_by_discarding(const abi::MemoryReference& memory, const MemoryImage& image,
                                         std::uint64_t begin, std::uint64_t end, std::uint64_t& bytes) noexcept;

/// Copies [begin, end) of a memory from its image, or zeroes it where the image has nothing.
void restore_bytes(std::byte* memory, const MemoryImage& image, std::uint64_t begin, std::uint64_t end) noexcept;

}  // namespace anew::reset
