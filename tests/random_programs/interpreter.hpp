// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "support/program.hpp"

namespace anew::codegen::test {

/// What a call may leave behind: what two runs are compared by.
struct Effects {
  TrapKind trap = TrapKind::kNone;
  std::vector<std::uint64_t> results;
  std::vector<std::uint64_t> globals;
  std::vector<std::byte> memory;
  std::uint64_t fuel = 0;   ///< used; of a call that trapped, not that which metered code has used
  std::uint64_t stack = 0;  ///< the most units of stack in use at a time (abi/stack_limit.hpp)
  std::uint64_t host = 0;   ///< of all calls to the host, in their order: see call_host
};

/// What both imports do, in the interpreter and for the compiled module: fold the arguments into `host` and make the
/// results of them.
void call_host(std::uint64_t& host, std::uint32_t function, const FunctionType& type, std::span<std::uint64_t> slots,
               Nans nans);

/// Calls the program's last function in a fresh instance. With Nans::kShown, operators give canonical NaNs.
/// @return nothing if it takes more than `steps` operators.
[[nodiscard]] std::optional<Effects> interpret(const Program& program, std::span<const std::uint64_t> arguments,
                                               std::uint64_t steps, Nans nans);

}  // namespace anew::codegen::test
