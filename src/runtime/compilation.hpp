// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a binary to a module, by whichever tier the options name.
#pragma once

#include <anew/engine.hpp>
#include <memory>
#include <span>

#include "runtime/module_state.hpp"

namespace anew::detail {

/// Compiles without regard to the cache.
[[nodiscard]] Result<std::shared_ptr<ModuleState>> compile_fresh(const std::shared_ptr<EngineState>& engine,
                                                                 std::span<const std::byte> binary, const Hash& hash,
                                                                 const CompileOptions& options);
/// The same module for a memory 0 that is another instance's.
[[nodiscard]] Result<std::shared_ptr<ModuleState>> compile_foreign(const ModuleState& module);

}  // namespace anew::detail
