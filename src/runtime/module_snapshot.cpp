// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/module_snapshot.hpp"

#include <fmt/format.h>

#include <utility>

#include "artifact/saved_snapshot.hpp"
#include "os/try.hpp"
#include "runtime/cached_compilation.hpp"

namespace anew {

Result<std::shared_ptr<detail::ModuleState>> detail::load_snapshot(const std::shared_ptr<EngineState>& engine,
                                                                   os::File& file, std::vector<std::byte> bytes,
                                                                   const CompileOptions& options) {
  TRY(file.read_rest(bytes, artifact::kMaximumSavedBytes));
  auto snapshot = TRY(artifact::decode_saved(std::move(bytes), file.path().string()));
  if (snapshot.is_component()) {
    return fail(ErrorCode::kArgument,
                fmt::format("{} is the snapshot of a component, and no module: it is for component::Component::load",
                            file.path().string()));
  }
  const auto saved = std::make_shared<detail::SavedState>();
  std::shared_ptr<ModuleState> main;
  for (const artifact::SavedInstance& each : snapshot.instances) {
    auto state = TRY(compile_or_find(engine, each.binary, options));
    if (main) saved->modules.push_back(std::move(main));
    main = std::move(state);
  }
  saved->snapshot = std::move(snapshot);
  main->saved = saved;
  return main;
}

}  // namespace anew
