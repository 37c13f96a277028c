// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module from a snapshot file.
#pragma once

#include <anew/engine.hpp>
#include <cstddef>
#include <memory>
#include <vector>

#include "os/file.hpp"
#include "runtime/module_state.hpp"

namespace anew::detail {

/// Compiles the modules of a snapshot file. @param bytes  its first ones, which were read already.
[[nodiscard]] Result<std::shared_ptr<ModuleState>> load_snapshot(const std::shared_ptr<EngineState>& engine,
                                                                 os::File& file, std::vector<std::byte> bytes,
                                                                 const CompileOptions& options);

}  // namespace anew::detail
