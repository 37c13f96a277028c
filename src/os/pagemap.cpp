// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The ioctl and its structures: Linux, Documentation/admin-guide/mm/pagemap.rst; include/uapi/linux/fs.h. They are
// repeated here because a Debian 12 has the headers of Linux 6.1.
#include "os/pagemap.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "os/background_thread.hpp"

namespace anew::os {
namespace {

struct PageRegion {
  std::uint64_t start;
  std::uint64_t end;
  std::uint64_t categories;
};
struct ScanArgument {
  std::uint64_t size;
  std::uint64_t flags;
  std::uint64_t start;
  std::uint64_t end;
  std::uint64_t walk_end;
  std::uint64_t vec;
  std::uint64_t vec_len;
  std::uint64_t max_pages;
  std::uint64_t category_inverted;
  std::uint64_t category_mask;
  std::uint64_t category_anyof_mask;
  std::uint64_t return_mask;
};
constexpr unsigned long kPagemapScan = _IOWR('f', 16, ScanArgument);
constexpr std::uint64_t kIsFile = 1 << 2;
constexpr std::uint64_t kIsPresent = 1 << 3;
constexpr std::uint64_t kIsSwapped = 1 << 4;
constexpr std::uint64_t kIsZeroPage = 1 << 5;

int open_pagemap() noexcept { return open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC); }

/// /proc/self/pagemap. It stands for the address space of the process that opened it, so it is never closed but in a
/// child, which would look at its parent's pages and miss what it writes itself. Below 0 if it cannot be opened.
int pagemap() noexcept {
  static int descriptor = -1;  // changed in a child's only thread
  static const bool opened = [] {
    const auto reopen = [] {
      close(descriptor);
      descriptor = open_pagemap();
    };
    // Without room to remember that, no use of it is safe.
    if (call_at_fork(nullptr, nullptr, reopen)) descriptor = open_pagemap();
    return true;
  }();
  (void)opened;
  return descriptor;
}

/// @return the runs found, or below 0.
int scan(std::uint64_t begin, std::uint64_t end, std::span<PageRegion> regions, std::uint64_t& walk_end) noexcept {
  ScanArgument argument{};
  argument.size = sizeof argument;
  argument.start = begin;
  argument.end = end;
  argument.vec = reinterpret_cast<std::uint64_t>(regions.data());  // the kernel takes addresses as integers
  argument.vec_len = regions.size();
  // Neither a file's page nor the page of zeros; and present or swapped out.
  argument.category_inverted = kIsFile | kIsZeroPage;
  argument.category_mask = kIsFile | kIsZeroPage;
  argument.category_anyof_mask = kIsPresent | kIsSwapped;
  argument.return_mask = kIsPresent;
  int found = 0;
  do {
    found = ioctl(pagemap(), kPagemapScan, &argument);
  } while (found < 0 && errno == EINTR);
  walk_end = argument.walk_end;
  return found;
}

}  // namespace

bool has_pagemap_scan() noexcept {
  static const bool has = [] {
    std::array<PageRegion, 1> region{};
    std::uint64_t walk_end = 0;
    // Of one page that is certainly there: this function's stack.
    const auto page = reinterpret_cast<std::uint64_t>(&region) & ~(kPageBytes - 1);
    return pagemap() >= 0 && scan(page, page + kPageBytes, region, walk_end) >= 0;
  }();
  return has;
}

PagemapScan scan_pagemap(std::byte* begin, std::byte* end, std::span<PageRun> found) noexcept {
  std::array<PageRegion, 128> regions;
  const auto wanted = std::span(regions).first(std::min(regions.size(), found.size()));
  const auto base = reinterpret_cast<std::uint64_t>(begin);
  std::uint64_t walk_end = 0;
  const int count = scan(base, reinterpret_cast<std::uint64_t>(end), wanted, walk_end);
  if (count < 0) return {0, nullptr};
  const auto runs = static_cast<std::size_t>(count);  // at most the number asked for
  for (std::size_t i = 0; i < runs; ++i)
    found[i] = {begin + (regions[i].start - base), begin + (regions[i].end - base)};
  return {runs, begin + (walk_end - base)};
}

}  // namespace anew::os
