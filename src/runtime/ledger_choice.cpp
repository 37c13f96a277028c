// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/ledger_choice.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "abi/cell.hpp"
#include "os/pagemap.hpp"

namespace anew {

const char* to_string(Ledger ledger) noexcept {
  switch (ledger) {
    case Ledger::kAuto: return "auto";
    case Ledger::kCards: return "cards";
    case Ledger::kPagemap: return "pagemap";
    case Ledger::kCow: return "cow";
  }
  return "unknown";
}

namespace detail {
namespace {

/// From this size of a memory on the kernel's page tables are read sooner than a card table of 4 KiB cards
/// (docs/ledgers.md).
constexpr std::uint64_t kLargeMemory = 1ull << 30;

std::uint64_t largest_memory(const wasm::Module& module) noexcept {
  std::uint64_t pages = 0;
  for (const MemoryType& each : module.memories) pages = std::max(pages, each.limits.minimum);
  return std::min(pages * abi::kWasmPageBytes, abi::kMemoryAddressSpace);  // the decoder bounds the number of pages
}

}  // namespace

LedgerChoice choose_ledger(Ledger asked, const wasm::Module& module) {
  switch (asked) {
    case Ledger::kCards: return {Ledger::kCards, "asked for"};
    case Ledger::kCow: return {Ledger::kCow, "asked for"};
    case Ledger::kPagemap:
      if (os::has_pagemap_scan()) return {Ledger::kPagemap, "asked for"};
      return {Ledger::kCow, "asked for pagemap, but this kernel does not answer PAGEMAP_SCAN (Linux 6.7 and later do)"};
    case Ledger::kAuto: break;
  }
  const std::uint64_t bytes = largest_memory(module);
  if (bytes >= kLargeMemory && os::has_pagemap_scan()) {
    return {Ledger::kPagemap,
            fmt::format("the memory begins with {} MiB, more than a card table is quick to scan for", bytes >> 20)};
  }
  return {Ledger::kCards, "marks cost stores little, and a reset needs no system call"};
}

}  // namespace detail
}  // namespace anew
