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

namespace anew::detail {
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

/// The cache of an engine, or why it has none.
std::optional<artifact::CodeCache> open_cache(const EngineOptions& options, std::string& note) {
  if (!options.cache) return std::nullopt;
  auto opened = artifact::CodeCache::open(options.cache_directory);
  if (opened) return *std::move(opened);
  note = opened.error().message;
  return std::nullopt;
}

/// @param key      but for its tier.
/// @param compile  what is not there.
template <typename Compile>
Result<std::shared_ptr<ModuleState>> find_or_compile(const std::shared_ptr<EngineState>& engine, artifact::CacheKey key,
                                                     Compile&& compile) {
  std::string note;
  const auto add_note = [&note](const std::string& more) { note += (note.empty() ? "" : "; ") + more; };
  const auto cache = open_cache(engine->options, note);
  std::shared_ptr<ModuleState> state;
  if (cache) {
    for (const codegen::Tier tier : tiers_that_do(key.options.tier)) {
      key.tier = tier;
      auto found = cache->find(key);
      if (!found) add_note(found.error().message);
      // What another engine kept there may need more than this one accepts: compiling says what.
      if (!found || !*found || !engine->options.features.has_all((*found)->module.features)) continue;
      state = TRY(to_state(engine, std::move(**found), key.options, true));
      break;
    }
  }
  if (state == nullptr) {
    state = TRY(compile());
    // Where the optimizer could not be started or failed, another time it may not.
    const Optimization& made = state->optimization;
    key.tier = choose_tier(key.options);
    const bool is_final =
        key.tier == codegen::Tier::kQuick ||
        (made.note.empty() && std::ranges::none_of(made.not_optimized, &Optimization::Function::for_now));
    if (cache && is_final) {
      if (auto stored = cache->store(key, encode(*state), engine->options.cache_bytes); !stored)
        add_note(stored.error().message);
    }
  }
  state->cache_note = std::move(note);
  if (!cache) return state;
  // By a path that stays the same, whatever the process's directory and environment are by then.
  state->cache_place = CachePlace{std::filesystem::absolute(cache->directory()), key};
  if (state->tier_up != nullptr) {
    key.tier = codegen::Tier::kAuto;
    keep_in_cache(*state->tier_up, {state->cache_place->directory, key});
  }
  return state;
}

}  // namespace

Result<std::shared_ptr<ModuleState>> compile_or_find(const std::shared_ptr<EngineState>& engine,
                                                     std::span<const std::byte> binary, const CompileOptions& options) {
  const artifact::CacheKey key{.hash = hash_code(binary), .options = options};
  return find_or_compile(engine, key, [&] { return compile_fresh(engine, binary, key.hash, options); });
}

Result<std::shared_ptr<const ModuleState>> ModuleState::foreign_variant() const {
  const std::lock_guard lock(variant_mutex_);
  if (variant_) return variant_;
  if (cache_place) {
    artifact::CacheKey key = cache_place->key;
    key.foreign_memory = true;
    variant_ = TRY(find_or_compile(engine, key, [this] { return compile_foreign(*this); }));
  } else {
    variant_ = TRY(compile_foreign(*this));
  }
  return variant_;
}

}  // namespace anew::detail
