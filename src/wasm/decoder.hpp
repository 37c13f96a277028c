// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "wasm/memory_limit.hpp"
#include "wasm/module.hpp"

namespace anew::wasm {

/// Decodes and validates everything of a module but the function bodies, which it only cuts apart (specification,
/// chapters 5 and 3.4). Time and memory are linear in `binary`; counts are checked against what is left of the input
/// before anything is reserved.
/// @param binary  must outlive the result, which holds views into it.
/// @param memory_limit  for Module::memory_bytes.
/// @param accepted      the proposals that the module may use; kUnsupported, with the proposal's name, if it uses
/// others.
/// @return the module, or kMalformed, kInvalid, kUnsupported or kLimit with the byte offset.
[[nodiscard]] ANEW_DETAIL_API Result<Module> decode_module(BytesView binary, const MemoryLimit& memory_limit,
                                                           Features accepted = Features::all());
/// The same with the limit that the module's size sets, and all proposals.
[[nodiscard]] Result<Module> decode_module(BytesView binary);

}  // namespace anew::wasm
