// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a guest does against the canonical ABI, as a trap of its own.
#pragma once

#include <anew/error.hpp>
#include <expected>
#include <string>
#include <utility>

namespace anew::component {

/// kTrap with these words. @param kind  kHostError where no trap of the specification is meant: it is the host that
/// finds the fault.
[[nodiscard]] inline std::unexpected<Error> trap(std::string message, TrapKind kind = TrapKind::kHostError) {
  return std::unexpected(Error{ErrorCode::kTrap, std::move(message), std::nullopt, kind, {}});
}

}  // namespace anew::component
