// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "reset/ledger.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "abi/planted_fault.hpp"
#include "os/pagemap.hpp"
#include "reset/restore.hpp"

namespace anew::reset {

using abi::PlantedFault;

void restore_bytes(std::byte* memory, const MemoryImage& image, std::uint64_t begin, std::uint64_t end) noexcept {
  while (begin < end) {
    const bool nonzero = image.is_nonzero(begin / os::kPageBytes);
    std::uint64_t page = begin / os::kPageBytes + 1;
    while (page * os::kPageBytes < end && image.is_nonzero(page) == nonzero) ++page;
    const std::uint64_t stop = std::min(page * os::kPageBytes, end);
    if (nonzero)
      std::memcpy(memory + begin, image.pages.data() + begin, stop - begin);
    else if (!abi::is_planted(PlantedFault::kZeroPage))
      std::memset(memory + begin, 0, stop - begin);
    begin = stop;
  }
}

namespace {

/// What is given back of an image that is not mapped is copied.
bool is_cheap_to_discard(const MemoryImage& image) noexcept {
  return image.is_mapped() || image.nonzero_count * os::kPageBytes <= kCopiedBytes;
}

}  // namespace

void restore_by_cards(const abi::MemoryReference& memory, const MemoryImage& image, std::uint64_t end,
                      Restored& restored) noexcept {
  bool is_done = false;
  take_dirty_runs(memory.cards, card_blocks(memory.card_shift, end), [&](std::uint64_t first, std::uint64_t last) {
    if (abi::is_planted(PlantedFault::kCard) && first % 4 == 3) --last;
    ByteRange range = bytes_of_cards(memory.card_shift, first, last, end);
    restored.bytes += (last - first) << memory.card_shift;
    if (restored.bytes > kCopiedBytes && is_cheap_to_discard(image)) [[unlikely]] {
      // What lies in the page before the range is as in the image already.
      const std::uint64_t begin = range.begin & ~(os::kPageBytes - 1);
      if (!is_done && !restore_by_discarding(memory, image, begin, end, restored.bytes)) restored.ok = false;
      is_done = true;
      return;
    }
    if constexpr (abi::is_planted(PlantedFault::kSlack)) range.end = last << memory.card_shift;
    if constexpr (abi::is_planted(PlantedFault::kSlackEnd)) range.end -= 8;
    restore_bytes(memory.base, image, range.begin, range.end);
  });
}

bool restore_by_pagemap(const abi::MemoryReference& memory, const MemoryImage& image, std::uint64_t end,
                        std::uint64_t& bytes) noexcept {
  std::array<os::PageRun, 128> runs;
  std::byte* const stop = memory.base + end;
  std::uint64_t kept = 0;
  for (std::byte* next = memory.base; next != stop;) {
    const os::PagemapScan scan = os::scan_pagemap(next, stop, runs);
    if (scan.next == nullptr) return false;
    for (const os::PageRun& run : std::span(runs).first(scan.runs)) {
      const auto begin = static_cast<std::uint64_t>(run.begin - memory.base);
      const auto size = static_cast<std::uint64_t>(run.end - run.begin);
      bytes += size;
      if (size > kKeptBytes - kept) return os::discard(run.begin, end - begin);  // the rest, found or not
      kept += size;
      if (abi::is_planted(PlantedFault::kPagemapRun) && kept != size) continue;
      restore_bytes(memory.base, image, begin, begin + size);
    }
    next = scan.next;
  }
  return true;
}

bool restore_by_discarding(const abi::MemoryReference& memory, const MemoryImage& image, std::uint64_t begin,
                           std::uint64_t end, std::uint64_t& bytes) noexcept {
  if constexpr (abi::is_planted(PlantedFault::kDiscard)) end = std::min(end, os::kPageBytes);
  if (end > begin && !os::discard(memory.base + begin, end - begin)) return false;
  bytes += end - std::min(begin, end);
  if (image.is_mapped()) return true;
  // Pages that are zero in the image are so already.
  const std::size_t words = (image.pages.size() / os::kPageBytes + 63) / 64;
  for (std::size_t i = begin / os::kPageBytes / 64; i < words; ++i) {
    for (std::uint64_t left = image.nonzero_pages[i]; left != 0; left &= left - 1) {
      const std::uint64_t offset = (64 * i + static_cast<unsigned>(std::countr_zero(left))) * os::kPageBytes;
      if (offset < begin) continue;
      std::memcpy(memory.base + offset, image.pages.data() + offset, os::kPageBytes);
    }
  }
  return true;
}

}  // namespace anew::reset
