// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/engine.hpp>
#include <string>

#include "wasm/module.hpp"

namespace anew::detail {

struct LedgerChoice {
  Ledger ledger;       ///< never kAuto
  std::string reason;  ///< in words
};

/// Which ledger serves a module, given what was asked for and what the system has.
[[nodiscard]] LedgerChoice choose_ledger(Ledger asked, const wasm::Module& module);

}  // namespace anew::detail
