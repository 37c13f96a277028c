// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "pool/pool_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <new>
#include <set>
#include <vector>

#include "os/try.hpp"
#include "pool/make_with_room.hpp"
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
  const Thread* const thread = current_thread();
  return thread != nullptr ? thread->host_calls + thread->refused_growths : 0;
}

bool is_in_use(const Pool& pool) {
  // Copies are made by those who have one, or by the cache under its lock.
  return pool.state().use_count() > 1 || pool.statistics().leased > 0;
}

/// Of the code, and of the file that it is mapped from.
constexpr std::uint64_t kMappingsOfModule = 4;

}  // namespace

PoolCacheState::PoolCacheState(Engine with_engine, Linker with_linker, PoolCacheOptions with_options)
    : engine_(std::move(with_engine)), linker_(std::move(with_linker)), options_(std::move(with_options)) {}

template <typename T>
Result<T> PoolCacheState::wait_for(Lock& lock, const std::shared_ptr<Making<T>>& making, Deadline deadline) {
  if (made_.wait_until(lock, deadline, [&] { return making->result.has_value(); })) return copy_of(*making->result);
  return fail(ErrorCode::kResource, "the code was still being compiled at the deadline: ask again later");
}

Result<Pool> PoolCacheState::get(const PoolKey& key, const PoolCache::Loader& load, Deadline deadline) {
  std::shared_ptr<Making<Pool>> making;
  UsedPools place(1);
  {
    Lock lock(mutex_);
    if (const auto found = pools_.find(key); found != pools_.end()) {
      if (found->second.making != nullptr) {
        ++counts_.joined;
        return wait_for(lock, std::shared_ptr(found->second.making), deadline);
      }
      ++counts_.hits;
      by_use_.splice(by_use_.begin(), by_use_, found->second.used);
      return *found->second.used->pool;
    }
    for (const Failure& each : failures_) {
      if (each.module == key.module && (!each.snapshot || *each.snapshot == key.snapshot)) {
        ++counts_.remembered_failures;
        return std::unexpected(each.error);
      }
    }
    ++counts_.misses;
    making = std::make_shared<Making<Pool>>();
    pools_.emplace(key, CachedPool{making, {}});
  }
  Result<Pool> made =
      without_exceptions("a pool is made for the cache", [&] { return make_pool(key, load, deadline); });
  keep(key, making, made, std::move(place));
  return made;
}

void PoolCacheState::keep(const PoolKey& key, const std::shared_ptr<Making<Pool>>& making, const Result<Pool>& made,
                          UsedPools place) noexcept {
  UsedPools dropped;
  const Lock lock(mutex_);
  making->result = copy_of(made);
  made_.notify_all();
  const auto found = pools_.find(key);
  if (found == pools_.end() || found->second.making != making) return;  // forgotten meanwhile
  if (!made) {
    pools_.erase(found);
    return;
  }
  place.front() = {&found->first, *made};
  found->second = {nullptr, place.begin()};
  by_use_.splice(by_use_.begin(), place);
  dropped = take_out(&by_use_.front(), [this] { return is_over(); });
}

Result<Pool> PoolCacheState::make_pool(const PoolKey& key, const PoolCache::Loader& load, Deadline deadline) {
  auto module = TRY(get_module(key.module, load, deadline));
  PoolOptions options = options_.pool;
  options.snapshot = key.snapshot;
  Result<Linker> linker = linker_;
  if (options_.prepare) linker = options_.prepare(module, options);
  if (!linker) return std::unexpected(std::move(linker.error()));
  const std::uint64_t encounters = count_encounters();
  auto made = pool::make_with_room([&] { return Pool::create(module, *linker, options); },
                                   [this](std::size_t count) { return make_room(count); });
  if (!made) {
    const Lock lock(mutex_);
    ++counts_.failures;
    if (pools_.contains(key) && count_encounters() == encounters) remember(key.module, &key.snapshot, made.error());
    return made;
  }
  made->state()->set_make_room([weak = weak_from_this()](std::size_t count) {
    const auto cache = weak.lock();
    return cache != nullptr && cache->make_room(count);
  });
  return made;
}

Result<Module> PoolCacheState::get_module(const ModuleKey& key, const PoolCache::Loader& load, Deadline deadline) {
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
    const auto code = TRY(load());
    loaded = true;
    return pool::make_with_room([&] { return engine_.compile(code, key.compile); },
                                [this](std::size_t count) { return make_room(count); });
  });
  const Lock lock(mutex_);
  making->result = copy_of(made);
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

void PoolCacheState::remember(const ModuleKey& module, const SnapshotOptions* snapshot, const Error& error) noexcept {
  if (options_.remembered_failures == 0 || !comes_again(error)) return;
  try {
    failures_.push_back({module, snapshot != nullptr ? std::optional(*snapshot) : std::nullopt, error});
    if (failures_.size() > options_.remembered_failures) failures_.pop_front();
  } catch (const std::bad_alloc&) {
    return;  // it will be found once more
  }
}

Footprint PoolCacheState::count() const {
  Footprint sum;
  std::set<const ModuleState*> modules;
  for (const UsedPool& each : by_use_) {
    const PoolState& pool = *each.pool->state();
    sum.add(pool.footprint());
    for (const reset::InstanceImage& image : pool.snapshot().instances) modules.insert(image.linked->module.get());
  }
  for (const ModuleState* const module : modules) {
    const std::uint64_t bytes = module->binary.size() + codegen::code_bytes(module->image);
    // With what code may still come (Tier::kAuto).
    const std::uint64_t text = std::max<std::uint64_t>(module->code.text().size(), module->image.reach);
    sum.add({bytes, kMappingsOfModule, module->binary.size() + text});
  }
  return sum;
}

bool PoolCacheState::is_over() const noexcept {
  try {
    const Footprint sum = count();
    return sum.bytes > options_.maximum_bytes || sum.mappings > options_.maximum_mappings ||
           sum.address_space > options_.maximum_address_space;
  } catch (const std::bad_alloc&) {
    return true;  // not even enough to count
  }
}

template <typename More>
UsedPools PoolCacheState::take_out(const UsedPool* spare, More&& more) noexcept {
  UsedPools out;
  for (auto place = by_use_.end(); place != by_use_.begin() && more();) {
    const auto each = std::prev(place);
    if (&*each == spare || is_in_use(*each->pool)) {
      place = each;
      continue;
    }
    pools_.erase(pools_.find(*each->key));
    each->key = nullptr;
    out.splice(out.end(), by_use_, each);
    ++counts_.evictions;
  }
  return out;
}

std::size_t PoolCacheState::trim() noexcept {
  UsedPools dropped;
  const Lock lock(mutex_);
  dropped = take_out(nullptr, [this] { return is_over(); });
  return dropped.size();
}

bool PoolCacheState::make_room(std::size_t count) noexcept {
  std::vector<Pool> others;
  {
    UsedPools dropped;
    const Lock lock(mutex_);
    dropped = take_out(nullptr, [&count] { return count-- > 0; });
    if (!dropped.empty()) return true;
    try {
      others.reserve(by_use_.size());
    } catch (const std::bad_alloc&) {
      return false;
    }
    for (const UsedPool& each : by_use_) others.push_back(*each.pool);
  }
  bool any = false;
  for (const Pool& each : others) any = each.trim() > 0 || any;
  return any;
}

std::size_t PoolCacheState::forget(const Hash* hash) noexcept {
  UsedPools dropped;
  const Lock lock(mutex_);
  const auto meant = [hash](const ModuleKey& key) { return hash == nullptr || key.hash == *hash; };
  std::erase_if(failures_, [&](const Failure& each) { return meant(each.module); });
  std::erase_if(modules_, [&](const auto& each) { return meant(each.first); });
  for (auto each = pools_.begin(); each != pools_.end();) {
    if (!meant(each->first.module)) {
      ++each;
      continue;
    }
    if (each->second.making == nullptr) dropped.splice(dropped.end(), by_use_, each->second.used);
    each = pools_.erase(each);
  }
  return dropped.size();
}

PoolCacheStatistics PoolCacheState::statistics() {
  const Lock lock(mutex_);
  PoolCacheStatistics now = counts_;
  now.pools = by_use_.size();
  const Footprint sum = count();
  now.bytes = sum.bytes;
  now.mappings = sum.mappings;
  now.address_space = sum.address_space;
  return now;
}

}  // namespace detail

PoolCache::PoolCache(Engine engine, Linker linker, PoolCacheOptions options)
    : state_(std::make_shared<detail::PoolCacheState>(std::move(engine), std::move(linker), std::move(options))) {}

Result<Pool> PoolCache::get(std::span<const std::byte> code, const PoolSettings& settings,
                            Clock::time_point deadline) const {
  const auto copy = [code]() -> Result<std::vector<std::byte>> {
    return std::vector<std::byte>(code.begin(), code.end());
  };
  return get(hash_code(code), copy, settings, deadline);
}

Result<Pool> PoolCache::get(const Hash& hash, const Loader& loader, const PoolSettings& settings,
                            Clock::time_point deadline) const {
  return detail::without_exceptions("a pool is taken from the cache", [&] {
    return state_->get({{hash, settings.compile}, settings.snapshot}, loader, deadline);
  });
}

std::size_t PoolCache::invalidate(const Hash& hash) const noexcept { return state_->forget(&hash); }

void PoolCache::clear() const noexcept { (void)state_->forget(nullptr); }

std::size_t PoolCache::trim() const noexcept { return state_->trim(); }

PoolCacheStatistics PoolCache::statistics() const { return state_->statistics(); }

}  // namespace anew
