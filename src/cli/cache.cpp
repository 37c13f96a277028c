// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew cache: the compiled modules that are kept on disk.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "artifact/code_cache.hpp"
#include "cli/command_line.hpp"
#include "os/try.hpp"

namespace anew::cli {

namespace {

Result<artifact::CodeCache> open_cache() {
  const auto directory = TRY(artifact::CodeCache::locate({}));
  return artifact::CodeCache::open(directory);
}

Result<ExitCode> print_path() {
  const auto directory = TRY(artifact::CodeCache::locate({}));
  fmt::print("{}\n", directory.string());
  return kSuccess;
}

/// The options that the code was compiled with, as far as they are not the default.
std::string describe(const artifact::CacheEntry& entry) {
  if (!entry.options) return "of another version of Anew";
  const codegen::Options& options = *entry.options;
  std::string text = options.marks ? fmt::format("cards of {} bytes", 1u << options.card_shift) : "no marks";
  if (options.explicit_bounds) text += ", explicit bounds";
  if (options.fuel) text += ", fuel";
  if (options.canonical_nan) text += ", canonical NaN";
  if (options.metered_stack) text += ", stack limit";
  if (options.tier != codegen::Tier::kQuick)
    text += fmt::format(", tier {} ({} functions optimized)", codegen::to_string(options.tier), entry.optimized);
  return text;
}

Result<ExitCode> list() {
  const auto cache = TRY(open_cache());
  const auto entries = TRY(cache.list());
  std::uint64_t bytes = 0;
  for (const artifact::CacheEntry& entry : entries) {
    const auto used = std::chrono::floor<std::chrono::seconds>(entry.used);
    fmt::print("{:%Y-%m-%d %H:%M:%S} UTC {:>12}  {}  {}\n", fmt::gmtime(std::chrono::system_clock::to_time_t(used)),
               entry.bytes, entry.module, describe(entry));
    bytes += entry.bytes;
  }
  fmt::print("{} compiled modules, {} bytes, in {}\n", entries.size(), bytes, cache.directory().string());
  return kSuccess;
}

Result<ExitCode> clear() {
  const auto cache = TRY(open_cache());
  const auto bytes = TRY(cache.clear());
  fmt::print("gave back {} bytes in {}\n", bytes, cache.directory().string());
  return kSuccess;
}

}  // namespace

void add_cache(const Command& anew) {
  const Command command = anew.subcommand("cache",
                                          "Lists or clears the compiled modules kept on disk. The directory is "
                                          "$ANEW_CACHE_DIR, else $XDG_CACHE_HOME/anew, else ~/.cache/anew");
  command.allow_subcommand();
  command
      .subcommand(
          "list",
          "Lists when each was last used, its bytes, its module's hash, and the options of its code (the default)")
      .runs(list);
  command.subcommand("clear", "Removes them all").runs(clear);
  command.subcommand("path", "Prints the directory").runs(print_path);
  command.runs(list);
}

}  // namespace anew::cli
