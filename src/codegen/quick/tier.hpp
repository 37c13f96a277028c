// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The quick tier as others see it.
#pragma once

#include "codegen/compiler.hpp"

namespace anew::codegen::quick {

[[nodiscard]] const Compiler& tier() noexcept;

}  // namespace anew::codegen::quick
