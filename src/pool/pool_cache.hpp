// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/pool_cache.hpp>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "pool/pool_state.hpp"

namespace anew::detail {

struct ModuleKey {
  Hash hash{};
  CompileOptions compile;
  bool operator==(const ModuleKey&) const = default;
};
struct PoolKey {
  ModuleKey module;
  SnapshotOptions snapshot;
  bool operator==(const PoolKey&) const = default;
};
/// The code's hash is one already; of the same code there are few.
struct KeyHash {
  std::size_t operator()(const ModuleKey& key) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, key.hash.data(), sizeof value);
    return value;
  }
  std::size_t operator()(const PoolKey& key) const noexcept { return (*this)(key.module); }
};

/// Something that one thread makes while others wait for it.
template <typename T>
struct Making {
  std::optional<Result<T>> result;
};

/// A pool that is there, in the order of use.
struct UsedPool {
  const PoolKey* key = nullptr;  ///< in the map
  std::optional<Pool> pool;
};
using UsedPools = std::list<UsedPool>;
/// A pool, or the promise of one.
struct CachedPool {
  std::shared_ptr<Making<Pool>> making;  ///< null once it is there
  UsedPools::iterator used;              ///< then its place
};
struct CachedModule {
  std::shared_ptr<Making<Module>> making;
  std::weak_ptr<const ModuleState> module;  ///< kept by the pools
};
struct Failure {
  ModuleKey module;
  std::optional<SnapshotOptions> snapshot;  ///< nothing: the code does not compile, with whatever snapshot
  Error error;
};

struct PoolCacheState : std::enable_shared_from_this<PoolCacheState> {
  using Deadline = PoolCache::Clock::time_point;

  PoolCacheState(Engine with_engine, Linker with_linker, PoolCacheOptions with_options);

  /// @param load  the code; called at most once.
  [[nodiscard]] Result<Pool> get(const PoolKey& key, const PoolCache::Loader& load, Deadline deadline);
  [[nodiscard]] std::size_t forget(const Hash* hash) noexcept;  ///< null: everything
  [[nodiscard]] std::size_t trim() noexcept;
  /// For what the system refuses: lets so many pools go that nobody uses, the least recently used first; where there is
  /// none, the idle instances of the others. @return whether anything went.
  [[nodiscard]] bool make_room(std::size_t count) noexcept;
  [[nodiscard]] PoolCacheStatistics statistics();

 private:
  using Lock = std::unique_lock<std::mutex>;

  [[nodiscard]] Result<Pool> make_pool(const PoolKey& key, const PoolCache::Loader& load, Deadline deadline);
  [[nodiscard]] Result<Module> get_module(const ModuleKey& key, const PoolCache::Loader& load, Deadline deadline);
  template <typename T>
  [[nodiscard]] Result<T> wait_for(Lock& lock, const std::shared_ptr<Making<T>>& making, Deadline deadline);
  /// @param place  of one element, for the pool: so nothing can fail here.
  void keep(const PoolKey& key, const std::shared_ptr<Making<Pool>>& making, const Result<Pool>& made,
            UsedPools place) noexcept;
  void remember(const ModuleKey& module, const SnapshotOptions* snapshot, const Error& error) noexcept;
  [[nodiscard]] Footprint count() const;
  [[nodiscard]] bool is_over() const noexcept;
  /// Takes pools that nobody uses out, the least recently used first, while `more` says so. They are to be destroyed
  /// without the lock: that may call the embedder.
  template <typename More>
  [[nodiscard]] UsedPools take_out(const UsedPool* spare, More&& more) noexcept;

  const Engine engine_;
  const Linker linker_;
  const PoolCacheOptions options_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable made_;
  std::unordered_map<PoolKey, CachedPool, KeyHash> pools_;
  UsedPools by_use_;  // of pools_, those that are there; the least recently used last
  std::unordered_map<ModuleKey, CachedModule, KeyHash> modules_;
  std::deque<Failure> failures_;  // the last one last
  PoolCacheStatistics counts_;
};

}  // namespace anew::detail
