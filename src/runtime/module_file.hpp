// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module from a file, whose content decides what it is: a binary, compiled code, or a snapshot.
#pragma once

#include <anew/engine.hpp>
#include <filesystem>
#include <memory>

#include "runtime/module_state.hpp"

namespace anew::detail {

[[nodiscard]] Result<std::shared_ptr<ModuleState>> load_file(const std::shared_ptr<EngineState>& engine,
                                                             const std::filesystem::path& path,
                                                             const CompileOptions& options);

}  // namespace anew::detail
