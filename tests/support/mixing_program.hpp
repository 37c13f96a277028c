// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <string>

namespace anew::test {

/// A module in text format that has whatever a call may have in a register, in flags, below its stack pointer or in the
/// thread's record when a signal comes: numbers of each type, arguments and results for which there is no register,
/// loops of few instructions, recursion. Each export takes and returns an i64: "mix" and "deep" compute, "spin" writes
/// to memory and never ends, "plain" adds what is there.
[[nodiscard]] std::string mixing_program();

}  // namespace anew::test
