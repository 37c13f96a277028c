// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tells tools outside of the program of compiled code (docs/debugging.md).
#pragma once

#include <anew/error.hpp>
#include <memory>

#include "debug/code_map.hpp"
#include "debug/gdb.hpp"

namespace anew::debug {

struct Tools {
  bool perf_map = false;
  bool jitdump = false;
  bool gdb = false;
  [[nodiscard]] bool any() const noexcept { return perf_map || jitdump || gdb; }
};

/// @return what has to live as long as the code does, since gdb forgets the code when it goes; kIo if a file cannot be
/// written. Thread-safe.
[[nodiscard]] Result<std::unique_ptr<GdbRegistration>> announce(const Code& code, Tools tools);

}  // namespace anew::debug
