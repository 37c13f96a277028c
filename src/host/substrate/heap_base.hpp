// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where a runtime's heap begins: behind its static data and its stack.
#pragma once

#include <anew/substrate/runtime.hpp>
#include <optional>

#include "wasm/module.hpp"

namespace anew::substrate {

/// By the global `__heap_base`, as linkers make it, that the module exports or names.
[[nodiscard]] std::optional<HeapBase> find_announced_heap_base(const wasm::Module& module);

/// The same, or else the end of the initial memory: static data and stack lie in there, whatever linked the module.
/// @return kLink if the module has no memory, or if nothing of it is left for a heap.
[[nodiscard]] Result<HeapBase> find_heap_base(const wasm::Module& module);

}  // namespace anew::substrate
