// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "codegen/compiler.hpp"

namespace anew::detail {

[[nodiscard]] const codegen::Compiler& compiler_of(codegen::Tier tier) noexcept;

}  // namespace anew::detail
