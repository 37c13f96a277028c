// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which pages of a private mapping this process has made its own, as the kernel's page tables say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "os/virtual_memory.hpp"

namespace anew::os {

/// A run of pages, in addresses.
struct PageRun {
  std::byte* begin;
  std::byte* end;
};

/// Whether this kernel answers PAGEMAP_SCAN (Linux 6.7 and later) for this process. Asked once.
[[nodiscard]] bool has_pagemap_scan() noexcept;

struct PagemapScan {
  std::size_t runs;  ///< found, from the front of the span given
  std::byte* next;   ///< where to go on: the end of the range once all of it was looked at
};

/// Finds the pages of [begin, end), whole pages of a private mapping, that are not shared with a file and not
/// untouched: written since they were mapped or discarded. A page that is swapped out counts. One system call.
/// @param found  filled from the front, in ascending order; when it is full, go on at `next`.
/// @return runs 0 and next null if the system refused.
[[nodiscard]] PagemapScan scan_pagemap(std::byte* begin, std::byte* end, std::span<PageRun> found) noexcept;

}  // namespace anew::os
