// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <anew/features.hpp>

#include "wasm/module.hpp"

namespace anew::wasm {

/// Decodes and validates a module and its function bodies, and makes nothing of it.
/// @return the proposals that it needs; or what decode_module and FunctionValidator return, with the function's name.
[[nodiscard]] Result<Features> validate_module(BytesView binary, Features accepted);

}  // namespace anew::wasm
