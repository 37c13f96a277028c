// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pools by the hash of their code, for hosts whose code comes and goes: compiled once however many ask at once, kept
// while it is used, forgotten when room is needed.
//
//   anew::PoolCache cache(engine, linker, {.maximum_bytes = 256 << 20});
//   anew::Pool pool = cache.get(code).value();
//   anew::Pool same = cache.get(hash, [&] { return fetch_code(); }).value();   // fetched only if it is not there
#pragma once

#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <anew/linker.hpp>
#include <anew/pool.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace anew {

namespace detail {
struct PoolCacheState;
}

/// With the hash, what a pool is found by: another value of any of these is another pool. Pools that differ in the
/// snapshot only share one compiled module.
struct PoolSettings {
  CompileOptions compile = {};
  SnapshotOptions snapshot = {};
};

/// What a cache may keep, and how it makes pools.
struct PoolCacheOptions {
  /// What the cached pools may take together; the least recently used go first. A compiled module counts with its
  /// binary and its machine code; a pool with the pages of its snapshot that are not zero and its tables, and each of
  /// its instances with these again, 16 KiB, and 4 KiB for each memory behind the first. Pages that calls touched
  /// beyond do not count.
  std::uint64_t maximum_bytes = 1ull << 30;
  /// Likewise, of the mappings that a process may have (the system's vm.max_map_count, 65,530 by default): two for each
  /// memory of each instance, and up to two for its image.
  std::uint64_t maximum_mappings = 32'000;
  /// Likewise, of the 2^47 bytes of address space: 4 GiB and some for each memory of each instance.
  std::uint64_t maximum_address_space = 1ull << 46;
  std::size_t remembered_failures = 64;  ///< so many of the last failures are remembered; 0: none
  /// For all pools; the snapshot is that of the PoolSettings.
  PoolOptions pool = {};
  /// Called before each pool is made, from the thread that makes it, maybe from several at once: what depends on the
  /// module. May change the options. @return the linker for it, always of the same definitions for the same module:
  /// that they do not fit is remembered. Empty: the cache's own linker for all.
  std::function<Result<Linker>(const Module&, PoolOptions&)> prepare = {};
};

/// What a cache did so far. Each call of get() counts as one of the first four.
struct PoolCacheStatistics {
  std::uint64_t hits = 0;                 ///< the pool was there
  std::uint64_t joined = 0;               ///< somebody else was making it
  std::uint64_t misses = 0;               ///< it had to be made
  std::uint64_t remembered_failures = 0;  ///< making it had failed before, and was not tried again
  std::uint64_t compilations = 0;         ///< calls of Engine::compile, those that failed included
  std::uint64_t failures = 0;             ///< modules and pools that could not be made
  std::uint64_t evictions = 0;            ///< pools that went because others needed the room
  std::uint64_t pools = 0;                ///< now
  std::uint64_t bytes = 0;                ///< now, counted as PoolCacheOptions::maximum_bytes says
  std::uint64_t mappings = 0;             ///< likewise
  std::uint64_t address_space = 0;        ///< likewise, in bytes
};

/// Cheap to copy; may be used from many threads. When the system refuses memory, mappings, address space or files, for
/// a module, a pool, or an instance of a pool of this cache, pools that nobody uses go, the least recently used first,
/// then idle instances, and it is tried again. A Pool that it handed out works on, whatever the cache forgets.
class ANEW_API PoolCache {
 public:
  using Clock = std::chrono::steady_clock;
  /// Fetches code, from the thread that asks for the pool. Must not ask the cache for the same code.
  using Loader = std::function<Result<std::vector<std::byte>>()>;

  /// @param linker  for all pools, unless PoolCacheOptions::prepare returns others.
  PoolCache(Engine engine, Linker linker, PoolCacheOptions options = {});

  /// The pool for this code. If it is not there it is made; whoever asks for it meanwhile waits for that, but not past
  /// the deadline. The one who makes it is not stopped by a deadline.
  /// @return what Engine::compile and Pool::create return. Failures that code and settings alone decide are remembered;
  ///         not those for want of resources (kResource, kIo) or time, of the host (kHost) or because of options
  ///         (kArgument), nor any of a start function or prelude that called the host. kResource if the deadline
  ///         passed.
  [[nodiscard]] Result<Pool> get(std::span<const std::byte> code, const PoolSettings& settings = {},
                                 Clock::time_point deadline = Clock::time_point::max()) const;
  /// The same for code whose hash is known. The loader is called if the pool and its module are not there; what it
  /// fails with is returned, not remembered. The caller vouches that the hash is that of the code and of none else: of
  /// the binary to share pools with the other get(), but that of compressed code will do.
  [[nodiscard]] Result<Pool> get(const Hash& hash, const Loader& loader, const PoolSettings& settings = {},
                                 Clock::time_point deadline = Clock::time_point::max()) const;

  /// Forgets what it has of this code, failures too; what is being made now is not kept. @return how many pools.
  std::size_t invalidate(const Hash& hash) const noexcept;
  /// Forgets everything.
  void clear() const noexcept;
  /// Drops the pools that are least recently used until the limits are kept: pools grow with their instances, and are
  /// looked at only when another one is made. A pool that somebody has a copy or a lease of stays. @return how many.
  std::size_t trim() const noexcept;
  [[nodiscard]] PoolCacheStatistics statistics() const;

 private:
  std::shared_ptr<detail::PoolCacheState> state_;
};

// The old names, for one release.
using RuntimeCache [[deprecated("use anew::PoolCache")]] = PoolCache;
using RuntimeCacheOptions [[deprecated("use anew::PoolCacheOptions")]] = PoolCacheOptions;
using RuntimeCacheStatistics [[deprecated("use anew::PoolCacheStatistics")]] = PoolCacheStatistics;
using RuntimeSettings [[deprecated("use anew::PoolSettings")]] = PoolSettings;

}  // namespace anew
