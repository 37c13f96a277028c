// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Puts what the optimizing tier made of functions where it can run: behind a module's quick code, before the module
// runs or while it does.
#pragma once

#include <anew/error.hpp>
#include <memory>
#include <span>

#include "codegen/compiler.hpp"
#include "codegen/llvm/protocol.hpp"

namespace anew::tier {

/// Copies the module's code to memory with room for these functions' behind it, and adds them to the image; functions
/// without code are passed over. Entries are not filled.
/// @return kResource; kLimit if it does not fit what a displacement spans.
[[nodiscard]] Result<void> add_optimized(codegen::Compiled& compiled,
                                         std::span<const codegen::optimizing::FunctionCode> functions);

/// The same for a module that runs: from then on calls find them. One at a time for a module.
/// @param entries  how many functions the module has, imports included.
/// @return the layer, which has to live as long as the code, and to be found by then (ImageView::layers); its functions
///         are entered by enter() once it is. kResource; kLimit.
[[nodiscard]] Result<std::unique_ptr<codegen::OptimizedLayer>> make_layer(
    codegen::CodeMemory& code, std::uint64_t entries, std::span<const codegen::optimizing::FunctionCode> functions);
void enter(codegen::CodeMemory& code, const codegen::OptimizedLayer& layer) noexcept;

}  // namespace anew::tier
