// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/ledger_choice.hpp"

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

detail::LedgerChoice detail::choose_ledger(Ledger asked, bool marks) {
  if (marks) {
    // docs/ledgers.md: whatever a call dirties and however large its memory is, up to gigabytes.
    if (asked == Ledger::kAuto) return {Ledger::kCards, "a reset by the others costs more than the marks save"};
    return {Ledger::kCards, "asked for"};
  }
  const std::string why = asked == Ledger::kAuto ? "the module was compiled without marks" : "asked for";
  if (asked == Ledger::kCow) return {Ledger::kCow, why};
  if (os::has_pagemap_scan()) return {Ledger::kPagemap, why};
  return {Ledger::kCow, why + (asked == Ledger::kPagemap ? " pagemap" : "") +
                            ", but this kernel does not answer PAGEMAP_SCAN, as Linux 6.7 and later do; cow takes its "
                            "place"};
}

}  // namespace anew
