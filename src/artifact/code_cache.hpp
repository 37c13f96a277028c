// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiled modules on disk, by what they were made from.
//
// A flat directory of artifacts, private to the user. A file's name tells all that changes its content: the hash of the
// module, and a hash of options, tier, format, ABI, processor features and version; so a stale file is never found,
// only evicted one day. Files appear by rename and are never changed afterwards, so any number of processes may share
// the directory without locks: two that compile the same module at once write the same file, and the last rename wins.
// Only what Tier::kAuto found differs, and is replaced by a new file of the same name; the last rename wins there, too.
// After each store, the least recently used files leave until the rest fits the bound.
#pragma once

#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "artifact/artifact.hpp"
#include "os/file.hpp"

namespace anew::artifact {

struct CacheKey {
  Hash hash{};
  CompileOptions options;  ///< as asked for: a card size of 0 stays 0, so that a lookup need not decode the module
  codegen::Tier tier = codegen::Tier::kQuick;
  bool foreign_memory = false;  ///< codegen::Options
};

/// What code needs that more is to come of while it runs.
[[nodiscard]] constexpr codegen::CodeMemory::Spare spare_of(const CompileOptions& options) noexcept {
  return options.tier == Tier::kAuto ? codegen::CodeMemory::Spare::kKept : codegen::CodeMemory::Spare::kNone;
}
/// Whether code for a ledger has marks.
[[nodiscard]] constexpr bool has_marks(Ledger ledger) noexcept {
  return ledger == Ledger::kAuto || ledger == Ledger::kCards;
}

struct CacheEntry {
  std::string name;    ///< of the file
  std::string module;  ///< the module's hash in hexadecimal
  std::uint64_t bytes = 0;
  std::chrono::sys_time<std::chrono::nanoseconds> used{};  ///< when last written or read
  std::optional<codegen::Options> options;                 ///< as the file says, unchecked; empty: of another version
  std::uint64_t optimized = 0;                             ///< functions, as the file says
};

class CodeCache {
 public:
  /// Where the cache lies: `directory` if it is not empty, else $ANEW_CACHE_DIR, else $XDG_CACHE_HOME/anew, else
  /// $HOME/.cache/anew. @return kIo if none of these is set.
  [[nodiscard]] static Result<std::filesystem::path> locate(const std::filesystem::path& directory);
  /// Opens the cache, and makes its directory with mode 0700 if there is none. @return kIo if it cannot be made or
  /// opened, if another user owns it, or if others may write to it.
  [[nodiscard]] static Result<CodeCache> open(const std::filesystem::path& directory);

  /// @return the module; nothing if it is not there; or why the file that is there was refused. Marks it as used.
  [[nodiscard]] Result<std::optional<Loaded>> find(const CacheKey& key) const;
  /// Writes an artifact and evicts others until at most `limit` bytes are left. @return kIo if the file cannot be
  /// written (a read-only or full disk), kLimit if it alone is larger than `limit`.
  [[nodiscard]] Result<void> store(const CacheKey& key, const Encoded& artifact, std::uint64_t limit) const;

  /// The artifacts, most recently used first.
  [[nodiscard]] Result<std::vector<CacheEntry>> list() const;
  /// Removes all artifacts and temporary files. @return the bytes given back.
  [[nodiscard]] Result<std::uint64_t> clear() const;
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_.path(); }

 private:
  explicit CodeCache(os::Directory directory) : directory_(std::move(directory)) {}
  os::Directory directory_;
};

/// The name of the file that holds what `key` stands for.
[[nodiscard]] std::string file_name(const CacheKey& key);

}  // namespace anew::artifact
