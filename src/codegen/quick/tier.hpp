// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The quick tier as others see it.
#pragma once

#include <vector>

#include "codegen/compiler.hpp"

namespace anew::codegen::quick {

[[nodiscard]] const Compiler& tier() noexcept;

/// Machine code that raises the traps of optimized code: the stub of a TrapKind is called at kTrapStubBytes times its
/// number, with the cell pointer as everywhere; the return address tells where the trap was. That of kNone takes the
/// kind as its argument.
[[nodiscard]] std::vector<std::byte> trap_stubs();
inline constexpr std::uint32_t kTrapStubBytes = 16;

}  // namespace anew::codegen::quick
