// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/cached_compilation.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "artifact/code_cache.hpp"
#include "os/try.hpp"
#include "runtime/compilation.hpp"
#include "runtime/engine_options.hpp"
#include "runtime/module_artifact.hpp"

namespace anew {

Result<std::shared_ptr<detail::ModuleState>> detail::compile_or_find(const std::shared_ptr<EngineState>& engine,
                                                                     std::span<const std::byte> binary,
                                                                     const CompileOptions& options) {
  const artifact::CacheKey key{.hash = hash_code(binary), .options = options, .tier = choose_tier(options)};
  std::optional<artifact::CodeCache> cache;
  std::string note;
  if (engine->options.cache) {
    if (auto opened = artifact::CodeCache::open(engine->options.cache_directory))
      cache = std::move(*opened);
    else
      note = std::move(opened.error().message);
  }
  if (cache) {
    auto found = cache->find(key);
    // What another engine kept there may need more than this one accepts: compiling says what.
    if (found && *found && engine->options.features.has_all((*found)->module.features))
      return to_state(engine, std::move(**found), options, true);
    if (!found) note = std::move(found.error().message);
  }
  auto state = TRY(compile_fresh(engine, binary, key.hash, options));
  // Where the optimizer could not be started or failed, another time it may not.
  const Optimization& made = state->optimization;
  const bool is_final =
      key.tier == codegen::Tier::kQuick ||
      (made.note.empty() && std::ranges::none_of(made.not_optimized, &Optimization::Function::for_now));
  if (cache && is_final) {
    if (auto stored = cache->store(key, encode(*state), engine->options.cache_bytes); !stored)
      note += (note.empty() ? "" : "; ") + stored.error().message;
  }
  state->cache_note = std::move(note);
  return state;
}

}  // namespace anew
