// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module out of the code cache, or compiled and put there.
#pragma once

#include <anew/engine.hpp>
#include <memory>
#include <span>

#include "runtime/module_state.hpp"

namespace anew::detail {

/// The cache is of no importance for the result: what is wrong with it, the module's note says.
[[nodiscard]] Result<std::shared_ptr<ModuleState>> compile_or_find(const std::shared_ptr<EngineState>& engine,
                                                                   std::span<const std::byte> binary,
                                                                   const CompileOptions& options);

}  // namespace anew::detail
