// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the subcommands that make instances have in common: how the module is compiled and linked, and the state that
// its instances start from.
#pragma once

#include <anew/engine.hpp>
#include <anew/features.hpp>
#include <anew/linker.hpp>
#include <anew/pool.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.hpp"

namespace anew::cli {

/// Of code that is run here and now: kAuto where there is the program that optimizes; else kQuick, so that nobody is
/// told of the lack who did not ask.
[[nodiscard]] Tier default_tier();

struct InstanceOptions {
  CompileOptions compile = {.tier = default_tier()};
  SnapshotOptions snapshot;
  std::uint64_t maximum_memory_bytes = PoolOptions{}.maximum_memory_bytes;
  std::vector<std::string> links;    ///< NAME=FILE each
  std::vector<std::string> globals;  ///< MODULE.NAME=VALUE each
  bool trap_unknown_imports = false;
  bool cache = true;  ///< compiled modules may be kept on disk
  Features features = Features::all();
  // EngineOptions
  bool perf_map = false;
  bool jitdump = false;
  bool gdb = false;

  [[nodiscard]] EngineOptions engine() const {
    EngineOptions engine;
    engine.cache = cache;
    engine.features = features;
    engine.perf_map = perf_map;
    engine.jitdump = jitdump;
    engine.gdb = gdb;
    return engine;
  }
};

/// The options that change a module's code: --ledger, --bounds and so on. @param options  outlives the parsing.
/// @return --tier.
Option add_compile_options(const Command& command, CompileOptions& options);
/// --tier.
Option add_tier_option(const Command& command, Tier& tier);

/// --features.
void add_features_option(const Command& command, Features& features);

/// --no-cache.
void add_cache_option(const Command& command, bool& cache);

/// Those, and how instances come to be. @param options  outlives the parsing.
void add_instance_options(const Command& command, InstanceOptions& options);

/// What ends a call.
struct CallLimits {
  std::optional<std::chrono::nanoseconds> timeout;
  std::optional<std::uint64_t> fuel;

  /// For the calls that begin in the lease from now on.
  void apply(Lease& lease) const;
};

/// --timeout and --fuel. @param what  they end: "call". @param limits  outlives the parsing.
void add_limit_options(const Command& command, std::string_view what, CallLimits& limits);

/// The command provides no functions but those of the linked modules, and the globals that the options give. Memories
/// and tables that the modules import, and no linked module has, are made for each store.
[[nodiscard]] Result<Linker> make_linker(const Module& module, const InstanceOptions& options);

/// What a subcommand provides to modules besides linked ones.
enum class Provided : std::uint8_t { kNothing, kWasi };

/// Adds to an error of Pool::create what the imports are that cannot be linked, and what can be done on the command
/// line.
[[nodiscard]] Error explain(Error error, const Module& module, Provided provided = Provided::kNothing);

}  // namespace anew::cli
