// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/engine.hpp>
#include <string>

namespace anew::detail {

struct LedgerChoice {
  Ledger ledger;       ///< never kAuto
  std::string reason;  ///< in words
};

/// Which ledger serves compiled code, given what was asked for and what the system has.
/// @param marks  whether the code marks what it writes. It does if cards, or auto, were asked for when it was compiled.
[[nodiscard]] LedgerChoice choose_ledger(Ledger asked, bool marks);

}  // namespace anew::detail
