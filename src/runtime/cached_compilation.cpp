// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/cached_compilation.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "artifact/code_cache.hpp"
#include "os/try.hpp"
#include "runtime/compilation.hpp"
#include "runtime/engine_options.hpp"
#include "runtime/module_artifact.hpp"

namespace anew {

namespace {

/// Whose code does, the best first.
std::span<const codegen::Tier> tiers_that_do(Tier tier) noexcept {
  static constexpr codegen::Tier kOfAuto[] = {codegen::Tier::kOptimized, codegen::Tier::kAuto, codegen::Tier::kQuick};
  static constexpr codegen::Tier kOfQuick[] = {codegen::Tier::kQuick};
  static constexpr codegen::Tier kOfOptimized[] = {codegen::Tier::kOptimized};
  switch (tier) {
    case Tier::kQuick: return kOfQuick;
    case Tier::kAuto: return kOfAuto;
    case Tier::kOptimized: return kOfOptimized;
  }
  std::unreachable();
}

}  // namespace

Result<std::shared_ptr<detail::ModuleState>> detail::compile_or_find(const std::shared_ptr<EngineState>& engine,
                                                                     std::span<const std::byte> binary,
                                                                     const CompileOptions& options) {
  artifact::CacheKey key{.hash = hash_code(binary), .options = options};
  std::optional<artifact::CodeCache> cache;
  std::string note;
  const auto add_note = [&note](const std::string& more) { note += (note.empty() ? "" : "; ") + more; };
  if (engine->options.cache) {
    if (auto opened = artifact::CodeCache::open(engine->options.cache_directory))
      cache = std::move(*opened);
    else
      add_note(opened.error().message);
  }
  std::shared_ptr<ModuleState> state;
  if (cache) {
    for (const codegen::Tier tier : tiers_that_do(options.tier)) {
      key.tier = tier;
      auto found = cache->find(key);
      if (!found) add_note(found.error().message);
      // What another engine kept there may need more than this one accepts: compiling says what.
      if (!found || !*found || !engine->options.features.has_all((*found)->module.features)) continue;
      state = TRY(to_state(engine, std::move(**found), options, true));
      break;
    }
  }
  if (state == nullptr) {
    state = TRY(compile_fresh(engine, binary, key.hash, options));
    // Where the optimizer could not be started or failed, another time it may not.
    const Optimization& made = state->optimization;
    key.tier = choose_tier(options);
    const bool is_final =
        key.tier == codegen::Tier::kQuick ||
        (made.note.empty() && std::ranges::none_of(made.not_optimized, &Optimization::Function::for_now));
    if (cache && is_final) {
      if (auto stored = cache->store(key, encode(*state), engine->options.cache_bytes); !stored)
        add_note(stored.error().message);
    }
  }
  state->cache_note = std::move(note);
  if (cache && state->tier_up != nullptr) {
    key.tier = codegen::Tier::kAuto;
    // By a path that stays the same, whatever the process's directory and environment are by then.
    keep_in_cache(*state->tier_up, {std::filesystem::absolute(cache->directory()), key});
  }
  return state;
}

}  // namespace anew
