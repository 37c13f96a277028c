// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pools, pool caches, and what a lease is asked for but its calls, for C.
#include <limits>

#include "c/objects.hpp"
#include "pool/pool_state.hpp"

using namespace anew;  // NOLINT: most functions below are C's

namespace {

/// Makes a lease for C out of what acquiring one gives.
Result<void> give_lease(Result<Lease> lease, anew_lease_t** out) {
  auto taken = TRY(std::move(lease));
  *out = new anew_lease_t(std::move(taken));
  return {};
}

Result<void> give_pool(Result<Pool> pool, anew_pool_t** out) {
  auto made = TRY(std::move(pool));
  *out = new anew_pool_t(std::move(made));
  return {};
}

Result<PoolSettings> to_settings(const anew_pool_settings_t* given) {
  const auto settings = TRY(c::read_options(given));
  auto compile = TRY(c::to_compile_options(settings.compile));
  auto snapshot = TRY(c::to_snapshot_options(settings.snapshot));
  return PoolSettings{compile, std::move(snapshot)};
}

Hash to_hash(const std::uint8_t* bytes) noexcept {
  Hash hash;
  std::memcpy(hash.data(), bytes, hash.size());
  return hash;
}

Result<PoolCacheOptions> to_cache_options(const anew_pool_cache_options_t& options) {
  PoolCacheOptions made;
  if (options.maximum_bytes != 0) made.maximum_bytes = options.maximum_bytes;
  if (options.maximum_mappings != 0) made.maximum_mappings = options.maximum_mappings;
  if (options.maximum_address_space != 0) made.maximum_address_space = options.maximum_address_space;
  if (options.remembered_failures != 0)
    made.remembered_failures = options.remembered_failures == UINT64_MAX ? 0 : options.remembered_failures;
  auto pool = TRY(c::to_pool_options(options.pool));
  made.pool = std::move(pool);
  return made;
}

/// What PoolCacheOptions::prepare does for C. @param own  the linker of the cache.
Result<Linker> prepare_linker(const anew_pool_cache_options_t& options, void* data, const Module& module,
                              const Linker& own) {
  const anew_module_t asked(module);
  anew_linker_t* given = nullptr;
  anew_error_t* const error = options.prepare(data, &asked, &given);
  const std::unique_ptr<anew_linker_t> linker(given);
  if (error != nullptr) return std::unexpected(c::take_error(error));
  return linker != nullptr ? linker->linker : own;
}

}  // namespace

extern "C" {

anew_error_t* anew_pool_new(const anew_module_t* module, const anew_linker_t* linker,
                            const anew_pool_options_t* options, anew_pool_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(module);
  ANEW_NOT_NULL(linker);
  return c::guarded("a pool is made", [&]() -> Result<void> {
    auto pool_options = TRY(c::to_pool_options(options));
    return give_pool(Pool::create(module->module, linker->linker, std::move(pool_options)), out);
  });
}

void anew_pool_delete(anew_pool_t* pool) {
  if (!c::is_missing(pool, __func__)) delete pool;
}

anew_error_t* anew_pool_copy(const anew_pool_t* pool, anew_pool_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(pool);
  return c::guarded("a pool is copied", [&] { return give_pool(pool->pool, out); });
}

anew_error_t* anew_pool_acquire(const anew_pool_t* pool, anew_lease_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(pool);
  return c::guarded("an instance is acquired", [&] { return give_lease(pool->pool.acquire(), out); });
}

anew_error_t* anew_pool_acquire_until(const anew_pool_t* pool, int64_t deadline, anew_lease_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(pool);
  return c::guarded("an instance is acquired",
                    [&] { return give_lease(pool->pool.acquire_until(c::to_time(deadline)), out); });
}

anew_error_t* anew_pool_instantiate(const anew_pool_t* pool, anew_lease_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(pool);
  return c::guarded("an instance is made", [&] { return give_lease(pool->pool.instantiate(), out); });
}

uint32_t anew_pool_trim(const anew_pool_t* pool) { return c::is_missing(pool, __func__) ? 0 : pool->pool.trim(); }

anew_error_t* anew_pool_drain(const anew_pool_t* pool, int64_t deadline) {
  ANEW_NOT_NULL(pool);
  return c::guarded("a pool is drained", [&] { return pool->pool.drain(c::to_time(deadline)); });
}

anew_error_t* anew_pool_shutdown(const anew_pool_t* pool, int64_t deadline) {
  ANEW_NOT_NULL(pool);
  return c::guarded("a pool is shut down", [&] { return pool->pool.shutdown(c::to_time(deadline)); });
}

anew_error_t* anew_pool_function(const anew_pool_t* pool, const char* name, size_t name_size,
                                 const anew_function_type_t* type, anew_function_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(pool);
  return c::guarded("a function is looked up", [&]() -> Result<void> {
    *out =
        TRY(c::find_function(pool->pool.state()->snapshot().instances.back().linked, c::text(name, name_size), type));
    return {};
  });
}

anew_error_t* anew_pool_save_snapshot(const anew_pool_t* pool, const char* path, size_t path_size) {
  ANEW_NOT_NULL(pool);
  ANEW_NOT_NULL(path);
  return c::guarded("a snapshot is written", [&] { return pool->pool.save_snapshot(c::text(path, path_size)); });
}

anew_error_t* anew_pool_statistics(const anew_pool_t* pool, anew_pool_statistics_t* out) {
  ANEW_NOT_NULL(pool);
  ANEW_NOT_NULL(out);
  return c::guarded("statistics are read", [&] {
    const PoolStatistics found = pool->pool.statistics();
    return c::fill_struct(out, {.struct_size = 0,
                                .instances = found.instances,
                                .leased = found.leased,
                                .idle = found.idle,
                                .acquired = found.acquired,
                                .waited = found.waited,
                                .timed_out = found.timed_out,
                                .restored = found.restored,
                                .distrusted = found.distrusted,
                                .traps = found.traps,
                                .kills = found.kills,
                                .pages_restored = found.pages_restored,
                                .audited = found.audited,
                                .audit_failures = found.audit_failures,
                                .trimmed = found.trimmed,
                                .evictions = found.evictions});
  });
}

anew_error_t* anew_pool_audit(const anew_pool_t* pool) {
  ANEW_NOT_NULL(pool);
  return c::guarded("an audit is reported", [&]() -> Result<void> {
    std::string report = pool->pool.audit_report();
    if (report.empty()) return {};
    return fail(ErrorCode::kHost, std::move(report));
  });
}

// --- Lease ----------------------------------------------------------------------------------------------------------

void anew_lease_release(anew_lease_t* lease) {
  if (c::is_missing(lease, __func__)) return;
  lease->entered.expect_idle(__func__);
  delete lease;
}

void anew_lease_set_deadline(anew_lease_t* lease, int64_t deadline) {
  if (c::is_missing(lease, __func__)) return;
  const c::Use use(lease->entered);
  lease->lease.set_deadline(c::to_time(deadline));
}

void anew_lease_set_time_slice(anew_lease_t* lease, int64_t nanoseconds) {
  if (c::is_missing(lease, __func__)) return;
  const c::Use use(lease->entered);
  lease->lease.set_time_slice(std::chrono::nanoseconds(nanoseconds));
}

void anew_lease_set_fuel(anew_lease_t* lease, uint64_t fuel) {
  if (c::is_missing(lease, __func__)) return;
  const c::Use use(lease->entered);
  lease->lease.set_fuel(fuel);
}

uint64_t anew_lease_fuel(const anew_lease_t* lease) {
  if (c::is_missing(lease, __func__)) return 0;
  const c::Use use(lease->entered);
  return lease->lease.fuel();
}

uint64_t anew_lease_dirty_bytes(const anew_lease_t* lease) {
  if (c::is_missing(lease, __func__)) return 0;
  const c::Use use(lease->entered);
  return lease->lease.dirty_bytes();
}

void* anew_lease_state(const anew_lease_t* lease, const anew_state_type_t* type) {
  if (c::is_missing(lease, __func__) || c::is_missing(type, __func__)) return nullptr;
  const c::Use use(lease->entered);
  return c::find_state(lease->instance, *type);
}

anew_error_t* anew_lease_canceller(anew_lease_t* lease, anew_canceller_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(lease);
  const c::Use use(lease->entered);
  return c::guarded("a canceller is made", [&]() -> Result<void> {
    auto canceller = TRY(lease->lease.canceller());
    *out = new anew_canceller_t(std::move(canceller));
    return {};
  });
}

void anew_canceller_cancel(const anew_canceller_t* canceller) {
  if (!c::is_missing(canceller, __func__)) canceller->canceller.cancel();
}

void anew_canceller_delete(anew_canceller_t* canceller) {
  if (!c::is_missing(canceller, __func__)) delete canceller;
}

// --- Pool cache -----------------------------------------------------------------------------------------------------

anew_error_t* anew_pool_cache_new(const anew_engine_t* engine, const anew_linker_t* linker,
                                  const anew_pool_cache_options_t* options, anew_pool_cache_t** out) {
  anew_pool_cache_options_t known = {};
  anew_error_t* const unreadable = c::read_callback_options(options, known);
  c::CallbackData prepare_data(known.prepare_data, known.prepare_finalize);
  if (unreadable != nullptr) {
    if (out != nullptr) *out = nullptr;
    return unreadable;
  }
  ANEW_OUT(out);
  ANEW_NOT_NULL(engine);
  ANEW_NOT_NULL(linker);
  return c::guarded("a pool cache is made", [&]() -> Result<void> {
    auto cache_options = TRY(to_cache_options(known));
    if (known.prepare != nullptr) {
      cache_options.prepare = [data = std::make_shared<const c::CallbackData>(std::move(prepare_data)), known,
                               own = linker->linker](const Module& module, PoolOptions&) {
        return prepare_linker(known, data->get(), module, own);
      };
    }
    *out = new anew_pool_cache_t(PoolCache(engine->engine, linker->linker, std::move(cache_options)));
    return {};
  });
}

void anew_pool_cache_delete(anew_pool_cache_t* cache) {
  if (!c::is_missing(cache, __func__)) delete cache;
}

anew_error_t* anew_pool_cache_get(const anew_pool_cache_t* cache, const void* code, size_t size,
                                  const anew_pool_settings_t* settings, int64_t deadline, anew_pool_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(cache);
  ANEW_NOT_NULL(code);
  return c::guarded("a pool is looked up", [&]() -> Result<void> {
    const auto asked = TRY(to_settings(settings));
    return give_pool(cache->cache.get(c::bytes(code, size), asked, c::to_time(deadline)), out);
  });
}

anew_error_t* anew_pool_cache_get_by_hash(const anew_pool_cache_t* cache, const uint8_t hash[32], anew_loader_t loader,
                                          void* loader_data, const anew_pool_settings_t* settings, int64_t deadline,
                                          anew_pool_t** out) {
  ANEW_OUT(out);
  ANEW_NOT_NULL(cache);
  ANEW_NOT_NULL(hash);
  if (loader == nullptr) return c::null_argument(__func__, "loader");
  return c::guarded("a pool is looked up", [&]() -> Result<void> {
    const auto asked = TRY(to_settings(settings));
    const auto load = [&]() -> Result<Bytes> {
      const void* code = nullptr;
      std::size_t size = 0;
      if (anew_error_t* const error = loader(loader_data, &code, &size)) return std::unexpected(c::take_error(error));
      const BytesView loaded = c::bytes(code, size);
      return Bytes(loaded.begin(), loaded.end());
    };
    return give_pool(cache->cache.get(to_hash(hash), load, asked, c::to_time(deadline)), out);
  });
}

size_t anew_pool_cache_invalidate(const anew_pool_cache_t* cache, const uint8_t hash[32]) {
  return c::is_missing(cache, __func__) || hash == nullptr ? 0 : cache->cache.invalidate(to_hash(hash));
}

void anew_pool_cache_clear(const anew_pool_cache_t* cache) {
  if (!c::is_missing(cache, __func__)) cache->cache.clear();
}

size_t anew_pool_cache_trim(const anew_pool_cache_t* cache) {
  return c::is_missing(cache, __func__) ? 0 : cache->cache.trim();
}

anew_error_t* anew_pool_cache_statistics(const anew_pool_cache_t* cache, anew_pool_cache_statistics_t* out) {
  ANEW_NOT_NULL(cache);
  ANEW_NOT_NULL(out);
  return c::guarded("statistics are read", [&] {
    const PoolCacheStatistics found = cache->cache.statistics();
    return c::fill_struct(out, {.struct_size = 0,
                                .hits = found.hits,
                                .joined = found.joined,
                                .misses = found.misses,
                                .remembered_failures = found.remembered_failures,
                                .compilations = found.compilations,
                                .failures = found.failures,
                                .evictions = found.evictions,
                                .pools = found.pools,
                                .bytes = found.bytes,
                                .mappings = found.mappings,
                                .address_space = found.address_space});
  });
}

}  // extern "C"
