// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module as compiled code in a file: artifact/ knows the file, this what a module makes of it.
#pragma once

#include <anew/engine.hpp>
#include <filesystem>
#include <memory>

#include "artifact/artifact.hpp"
#include "runtime/module_state.hpp"

namespace anew::detail {

/// With all that is optimized by now. Looks at the module.
[[nodiscard]] artifact::Encoded encode(const ModuleState& state);
/// @return kIo if a tool that EngineOptions names cannot be told of the code.
[[nodiscard]] Result<std::shared_ptr<ModuleState>> to_state(const std::shared_ptr<EngineState>& engine,
                                                            artifact::Loaded&& loaded, const CompileOptions& options,
                                                            bool from_cache);
/// @return kArtifact if it is not what the options ask for; what artifact::read() returns.
[[nodiscard]] Result<std::shared_ptr<ModuleState>> load_artifact(const std::shared_ptr<EngineState>& engine,
                                                                 const std::filesystem::path& path,
                                                                 const CompileOptions& options);

}  // namespace anew::detail
