// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>

#include <algorithm>
#include <anew/substrate/executor.hpp>
#include <string>
#include <utility>

#include "host/substrate/externalities_state.hpp"
#include "host/substrate/header.hpp"
#include "host/substrate/runtime_pool.hpp"
#include "host/substrate/storage_keys.hpp"
#include "os/try.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::substrate {
namespace {

using Clock = std::chrono::steady_clock;

/// The value of ":heappages", where the state has it.
Result<std::uint64_t> find_heap_pages(const StateBackend& state, std::uint64_t otherwise) {
  const auto value = TRY(state.get({}, as_bytes(kHeapPagesKey)));
  if (value == nullptr) return otherwise;
  // As in Substrate: what is too short counts as none, what is behind eight bytes is not looked at, and 32 bits count.
  if (value->size() < sizeof(std::uint64_t)) return otherwise;
  std::uint32_t pages = 0;
  for (std::size_t i = sizeof(pages); i-- > 0;) pages = pages << 8 | std::to_integer<std::uint32_t>((*value)[i]);
  return pages;
}

PoolCacheOptions cache_options(const ExecutorOptions& options) {
  PoolCacheOptions cache;
  cache.maximum_bytes = options.maximum_bytes;
  cache.prepare = [runtime = options.runtime](const Module& module, PoolOptions& pool) {
    RuntimeOptions own = runtime;
    own.heap_pages = pool.snapshot.extra_memory_pages;  // for the runtimes that it asks for their version
    return prepare_runtime(module, own, pool);
  };
  return cache;
}

/// Now and so much later; never, if that is further away than the clock reaches.
Clock::time_point after(std::chrono::nanoseconds time) {
  const auto now = Clock::now();
  return time > Clock::time_point::max() - now ? Clock::time_point::max() : now + time;
}

}  // namespace

struct Executor::State {
  State(const Engine& engine, ExecutorOptions with_options)
      : options(std::move(with_options)), cache(engine, Linker(), cache_options(options)) {}

  [[nodiscard]] Result<Runtime> runtime(const StateBackend& state) const;
  [[nodiscard]] Result<Bytes> call(const Runtime& runtime, Externalities& externalities, std::string_view method,
                                   BytesView arguments) const;
  [[nodiscard]] Result<BlockOutcome> execute_block(const StateBackend& state, BytesView block) const;

  ExecutorOptions options;
  PoolCache cache;
};

Result<Runtime> Executor::State::runtime(const StateBackend& state) const {
  const auto hash = TRY(state.value_hash(as_bytes(kCodeKey)));
  if (!hash) {
    return fail(
        ErrorCode::kNotFound,
        "the state has no key 0x3a636f6465 (\":code\"), so there is no runtime to execute; is it a whole state?");
  }
  const auto heap_pages = TRY(find_heap_pages(state, options.runtime.heap_pages));

  const auto load = [&]() -> Result<Bytes> {
    const auto code = TRY(state.get({}, as_bytes(kCodeKey)));
    if (code == nullptr) return fail(ErrorCode::kNotFound, "the state has a hash of \":code\", but no value");
    return decompress_code(*code);
  };
  PoolSettings settings;
  settings.compile = runtime_compile_options(options.runtime.tier);
  settings.snapshot.extra_memory_pages = heap_pages;
  auto pool = TRY(cache.get(*hash, load, settings));
  return Runtime(std::move(pool));
}

Result<Bytes> Executor::State::call(const Runtime& runtime, Externalities& externalities, std::string_view name,
                                    BytesView arguments) const {
  const auto method = TRY(runtime.method(name));
  auto lease = TRY(runtime.pool().acquire_until(after(options.acquire_timeout)));
  if (options.call_timeout != std::chrono::nanoseconds{}) lease.set_deadline(after(options.call_timeout));
  Bytes result;
  TRY(Runtime::call_in(lease, method, arguments, result, &externalities));
  return result;
}

Result<BlockOutcome> Executor::State::execute_block(const StateBackend& state, BytesView encoded) const {
  auto block = TRY(decode_block(encoded));
  const auto found = TRY(runtime(state));

  Externalities externalities(state);
  TRY(call(found, externalities, "Core_execute_block", block.executable()));
  return outcome_of(externalities, std::move(block),
                    "the runtime accepted the block, but the state root after it is not the one in its header");
}

Result<BlockOutcome> outcome_of(Externalities& externalities, Block block, std::string_view wrong) {
  // A runtime computes the root to compare it or to put it into the header: in its own version, which need not be asked
  // for.
  const StateVersion version = externalities.state().root_version.value_or(StateVersion::kV0);
  const auto root = TRY(externalities.root(version));
  if (root != block.header.state_root) return fail(ErrorCode::kHost, std::string(wrong));
  return BlockOutcome{std::move(block),
                      root,
                      version,
                      externalities.changes(),
                      externalities.offchain_index(),
                      externalities.transaction_index()};
}

Executor::Executor(const Engine& engine, ExecutorOptions options)
    : state_(std::make_shared<const State>(engine, std::move(options))) {}

Result<Runtime> Executor::runtime(const StateBackend& state) const {
  return detail::without_exceptions("a state's runtime is looked up", [&] { return state_->runtime(state); });
}

Result<Bytes> Executor::call(const StateBackend& state, Externalities& externalities, std::string_view method,
                             BytesView arguments) const {
  return detail::without_exceptions("a runtime is called", [&]() -> Result<Bytes> {
    const auto found = TRY(state_->runtime(state));
    return state_->call(found, externalities, method, arguments);
  });
}

Result<CallOutcome> Executor::call(const StateBackend& state, std::string_view method, BytesView arguments,
                                   HostServices services) const {
  return detail::without_exceptions("a runtime is called", [&]() -> Result<CallOutcome> {
    Externalities externalities(state, services);
    auto result = TRY(call(state, externalities, method, arguments));
    return CallOutcome{std::move(result), externalities.changes(), externalities.offchain_index(),
                       externalities.transaction_index()};
  });
}

Result<BlockOutcome> Executor::execute_block(const StateBackend& state, BytesView block) const {
  return detail::without_exceptions("a block is executed", [&] { return state_->execute_block(state, block); });
}

PoolCacheStatistics Executor::statistics() const { return state_->cache.statistics(); }

}  // namespace anew::substrate
