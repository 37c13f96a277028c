// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "pool/runtime_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pool/pool_state.hpp"
#include "runtime/module_state.hpp"
#include "runtime/thread.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew {
namespace detail {
namespace {

/// Whether trying again would end in the same way, if no guest met anything that its code does not decide.
bool comes_again(const Error& error) noexcept {
  switch (error.trap) {
    case TrapKind::kHostError:
    case TrapKind::kInterrupted:
    case TrapKind::kStackExhausted: return false;  // the last is also what a call too deep inside others ends with
    default: break;
  }
  switch (error.code) {
    case ErrorCode::kMalformed:
    case ErrorCode::kInvalid:
    case ErrorCode::kUnsupported:
    case ErrorCode::kLimit:
    case ErrorCode::kLink:
    case ErrorCode::kTrap:
    case ErrorCode::kNotFound: return true;
    case ErrorCode::kArgument:
    case ErrorCode::kIo:
    case ErrorCode::kResource:
    case ErrorCode::kArtifact:
    case ErrorCode::kHost: break;
  }
  return false;
}

/// Grows with all that guests of this thread met that their code does not decide: calls of the host, and memory that
/// the system refused them.
std::uint64_t count_encounters() noexcept {
  const Thread& thread = this_thread();
  return thread.host_calls + thread.refused_growths;
}

bool is_in_use(const Pool& pool) {
  // Copies are made by those who have one, or by the cache under its lock.
  return pool.state().use_count() > 1 || pool.statistics().leased > 0;
}

std::uint64_t bytes_of(const ModuleState& module) noexcept { return module.binary.size() + module.code.text().size(); }

}  // namespace

RuntimeCacheState::RuntimeCacheState(Engine with_engine, Linker with_linker, RuntimeCacheOptions with_options)
    : engine_(std::move(with_engine)), linker_(std::move(with_linker)), options_(std::move(with_options)) {}

template <typename T>
Result<T> RuntimeCacheState::wait_for(Lock& lock, const std::shared_ptr<Making<T>>& making, Deadline deadline) {
  if (made_.wait_until(lock, deadline, [&] { return making->result.has_value(); })) return *making->result;
  return fail(ErrorCode::kResource, "the code was still being compiled at the deadline: ask again later");
}

Result<Pool> RuntimeCacheState::get(const PoolKey& key, const RuntimeCache::Loader& load, Deadline deadline) {
  std::shared_ptr<Making<Pool>> making;
  {
    Lock lock(mutex_);
    if (const auto found = pools_.find(key); found != pools_.end()) {
      if (found->second.making != nullptr) {
        ++counts_.joined;
        return wait_for(lock, std::shared_ptr(found->second.making), deadline);
      }
      ++counts_.hits;
      by_use_.splice(by_use_.begin(), by_use_, found->second.used);
      return *found->second.pool;
    }
    for (const Failure& each : failures_) {
      if (each.module == key.module && (!each.snapshot || *each.snapshot == key.snapshot)) {
        ++counts_.remembered_failures;
        return std::unexpected(each.error);
      }
    }
    ++counts_.misses;
    making = std::make_shared<Making<Pool>>();
    pools_.emplace(key, CachedPool{making, std::nullopt, {}});
  }
  Result<Pool> made =
      without_exceptions("a pool is made for the cache", [&] { return make_pool(key, load, deadline); });
  keep(key, making, made);
  return made;
}

void RuntimeCacheState::keep(const PoolKey& key, const std::shared_ptr<Making<Pool>>& making,
                             const Result<Pool>& made) {
  Dropped dropped;
  const Lock lock(mutex_);
  making->result = made;
  made_.notify_all();
  const auto found = pools_.find(key);
  if (found == pools_.end() || found->second.making != making) return;  // forgotten meanwhile
  if (!made) {
    pools_.erase(found);
    return;
  }
  by_use_.push_front(&found->first);
  found->second = {nullptr, *made, by_use_.begin()};
  dropped = evict(&*found->second.pool);
}

Result<Pool> RuntimeCacheState::make_pool(const PoolKey& key, const RuntimeCache::Loader& load, Deadline deadline) {
  auto module = get_module(key.module, load, deadline);
  if (!module) return std::unexpected(std::move(module.error()));
  PoolOptions options = options_.pool;
  options.snapshot = key.snapshot;
  Result<Linker> linker = linker_;
  if (options_.prepare) linker = options_.prepare(*module, options);
  if (!linker) return std::unexpected(std::move(linker.error()));
  const std::uint64_t encounters = count_encounters();
  auto made = Pool::create(*module, *linker, std::move(options));
  if (!made) {
    const Lock lock(mutex_);
    ++counts_.failures;
    if (pools_.contains(key) && count_encounters() == encounters) remember(key.module, &key.snapshot, made.error());
  }
  return made;
}

Result<Module> RuntimeCacheState::get_module(const ModuleKey& key, const RuntimeCache::Loader& load,
                                             Deadline deadline) {
  auto making = std::make_shared<Making<Module>>();
  {
    Lock lock(mutex_);
    std::erase_if(modules_,
                  [](const auto& each) { return each.second.making == nullptr && each.second.module.expired(); });
    CachedModule& cached = modules_[key];
    if (cached.making != nullptr) return wait_for(lock, std::shared_ptr(cached.making), deadline);
    if (auto module = cached.module.lock()) return Module(std::move(module));
    cached.making = making;
  }
  bool loaded = false;
  Result<Module> made = without_exceptions("code is loaded and compiled", [&]() -> Result<Module> {
    const auto code = load();
    if (!code) return std::unexpected(code.error());
    loaded = true;
    return engine_.compile(*code, key.compile);
  });
  const Lock lock(mutex_);
  making->result = made;
  made_.notify_all();
  if (loaded) ++counts_.compilations;
  if (!made) ++counts_.failures;
  const auto found = modules_.find(key);
  if (found == modules_.end() || found->second.making != making) return made;  // forgotten meanwhile
  if (made) {
    found->second = {nullptr, made->state()};
  } else {
    modules_.erase(found);
    if (loaded) remember(key, nullptr, made.error());
  }
  return made;
}

void RuntimeCacheState::remember(const ModuleKey& module, const SnapshotOptions* snapshot, const Error& error) {
  if (options_.remembered_failures == 0 || !comes_again(error)) return;
  if (failures_.size() == options_.remembered_failures) failures_.pop_front();
  failures_.push_back({module, snapshot != nullptr ? std::optional(*snapshot) : std::nullopt, error});
}

std::uint64_t RuntimeCacheState::count_bytes() const {
  std::uint64_t bytes = 0;
  std::set<const ModuleState*> modules;
  for (const PoolKey* const key : by_use_) {
    const PoolState& pool = *pools_.at(*key).pool->state();
    bytes += pool.count_bytes();
    for (const reset::InstanceImage& each : pool.snapshot().instances) modules.insert(each.linked->module.get());
  }
  for (const ModuleState* const module : modules) bytes += bytes_of(*module);
  return bytes;
}

/// @param spare  the pool that was just asked for.
RuntimeCacheState::Dropped RuntimeCacheState::evict(const Pool* spare) {
  Dropped dropped;
  for (auto place = by_use_.end(); place != by_use_.begin() && count_bytes() > options_.maximum_bytes;) {
    --place;
    const auto found = pools_.find(**place);
    Pool& pool = *found->second.pool;
    if (&pool == spare || is_in_use(pool)) continue;
    dropped.push_back(std::move(pool));
    place = by_use_.erase(place);
    pools_.erase(found);
    ++counts_.evictions;
  }
  return dropped;
}

std::size_t RuntimeCacheState::trim() {
  Dropped dropped;
  const Lock lock(mutex_);
  dropped = evict(nullptr);
  return dropped.size();
}

std::size_t RuntimeCacheState::forget(const CodeHash* hash) {
  Dropped dropped;
  const Lock lock(mutex_);
  const auto meant = [hash](const ModuleKey& key) { return hash == nullptr || key.hash == *hash; };
  std::erase_if(failures_, [&](const Failure& each) { return meant(each.module); });
  std::erase_if(modules_, [&](const auto& each) { return meant(each.first); });
  for (auto each = pools_.begin(); each != pools_.end();) {
    if (!meant(each->first.module)) {
      ++each;
      continue;
    }
    if (CachedPool& cached = each->second; cached.pool) {
      dropped.push_back(std::move(*cached.pool));
      by_use_.erase(cached.used);
    }
    each = pools_.erase(each);
  }
  return dropped.size();
}

RuntimeCacheStatistics RuntimeCacheState::statistics() {
  const Lock lock(mutex_);
  RuntimeCacheStatistics now = counts_;
  now.pools = by_use_.size();
  now.bytes = count_bytes();
  return now;
}

}  // namespace detail

RuntimeCache::RuntimeCache(Engine engine, Linker linker, RuntimeCacheOptions options)
    : state_(std::make_shared<detail::RuntimeCacheState>(std::move(engine), std::move(linker), std::move(options))) {}

Result<Pool> RuntimeCache::get(std::span<const std::byte> code, const RuntimeSettings& settings,
                               Clock::time_point deadline) const {
  const auto copy = [code]() -> Result<std::vector<std::byte>> {
    return std::vector<std::byte>(code.begin(), code.end());
  };
  return get(hash_code(code), copy, settings, deadline);
}

Result<Pool> RuntimeCache::get(const CodeHash& hash, const Loader& loader, const RuntimeSettings& settings,
                               Clock::time_point deadline) const {
  return detail::without_exceptions("a pool is taken from the cache", [&] {
    return state_->get({{hash, settings.compile}, settings.snapshot}, loader, deadline);
  });
}

std::size_t RuntimeCache::invalidate(const CodeHash& hash) const { return state_->forget(&hash); }

void RuntimeCache::clear() const { (void)state_->forget(nullptr); }

std::size_t RuntimeCache::trim() const { return state_->trim(); }

RuntimeCacheStatistics RuntimeCache::statistics() const { return state_->statistics(); }

}  // namespace anew
