// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The two files in which Linux's perf finds code that is made as a program runs.
#pragma once

#include <anew/error.hpp>
#include <span>

#include "debug/code_map.hpp"

namespace anew::debug {

/// /tmp/perf-PID.map: a line for each stretch of code with address, size and name, both hexadecimal.
/// @return kIo if it cannot be written. Thread-safe, as the other one.
[[nodiscard]] Result<void> add_to_perf_map(std::span<const Symbol> symbols);

/// jit-PID.dump in the working directory: names, machine code and lines, as perf's source describes them
/// (tools/perf/Documentation/jitdump-specification.txt, version 1).
[[nodiscard]] Result<void> add_to_jitdump(const Code& code, std::span<const Symbol> symbols);

}  // namespace anew::debug
