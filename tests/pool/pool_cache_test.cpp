// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <anew/runtime_cache.hpp>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <latch>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Code = std::vector<std::byte>;

/// A module whose function "f" returns `answer`, with a snapshot of 16 pages that are not zero.
Code module_of(int answer) {
  const std::string page(65'536, 'x');
  return wat("(module (memory (export \"memory\") 1) (data (i32.const 0) \"" + page +
             "\") (func (export \"f\") (result i32) (i32.const " + std::to_string(answer) + ")))");
}

const Code& traps_at_start() {
  static const Code code = wat("(module (func $f unreachable) (start $f))");
  return code;
}

PoolCache make_cache(PoolCacheOptions options = {}, Linker linker = {}) {
  return {Engine(EngineOptions{.cache = false}), std::move(linker), std::move(options)};
}

int answer_of(const Pool& pool) { return pool.acquire().value().call<int>("f").value(); }

PoolCache::Loader must_not_load() {
  return []() -> Result<Code> { return fail(ErrorCode::kIo, "it was loaded"); };
}

TEST(PoolCache, CompilesOnceAndHandsOutTheSamePool) {
  const PoolCache cache = make_cache();
  const Code code = module_of(1);
  const Pool first = cache.get(code).value();
  const Pool second = cache.get(code).value();
  EXPECT_EQ(first.state(), second.state());
  EXPECT_EQ(answer_of(second), 1);
  EXPECT_EQ(cache.get(hash_code(code), must_not_load()).value().state(), first.state());
  EXPECT_NE(cache.get(module_of(2)).value().state(), first.state());
  const PoolCacheStatistics statistics = cache.statistics();
  EXPECT_EQ(statistics.compilations, 2u);
  EXPECT_EQ(statistics.misses, 2u);
  EXPECT_EQ(statistics.hits, 2u);
  EXPECT_EQ(statistics.pools, 2u);
  EXPECT_GT(statistics.bytes, 3u * 65'536) << "two images and one instance at least";
}

TEST(PoolCache, HasTheHashOfTheModule) {
  const Code code = module_of(1);
  EXPECT_EQ(hash_code(code), Engine({.cache = false}).compile(code)->code_hash());
}

TEST(PoolCache, LoadsCodeThatIsNotThereAndReturnsWhatTheLoaderFailsWith) {
  const PoolCache cache = make_cache();
  const Code code = module_of(3);
  int loads = 0;
  const auto load = [&]() -> Result<Code> {
    if (++loads == 1) return fail(ErrorCode::kNotFound, "not synced yet");
    return code;
  };
  EXPECT_EQ(cache.get(hash_code(code), load).error().message, "not synced yet");
  EXPECT_EQ(answer_of(cache.get(hash_code(code), load).value()), 3) << "that failure is not remembered";
  EXPECT_EQ(answer_of(cache.get(hash_code(code), load).value()), 3);
  EXPECT_EQ(loads, 2);
  EXPECT_EQ(cache.statistics().remembered_failures, 0u);
  const auto throws = []() -> Result<Code> { throw 1; };
  EXPECT_EQ(cache.get(Hash{std::byte{1}}, throws).error().code, ErrorCode::kHost);
}

TEST(PoolCache, CompilesOnceForDifferentHeapPages) {
  const PoolCache cache = make_cache();
  const Code code = module_of(4);
  const Pool small = cache.get(code).value();
  const Pool large = cache.get(code, {.snapshot = {.extra_memory_pages = 10}}).value();
  const Pool again = cache.get(code, {.snapshot = {.extra_memory_pages = 10}}).value();
  EXPECT_NE(small.state(), large.state());
  EXPECT_EQ(large.state(), again.state());
  EXPECT_EQ(small.acquire()->memory().size(), 65'536u);
  EXPECT_EQ(large.acquire()->memory().size(), 11 * 65'536u);
  EXPECT_EQ(cache.statistics().compilations, 1u);
  const Pool other_code = cache.get(code, {.compile = {.card_bytes = 4096}}).value();
  EXPECT_NE(other_code.state(), small.state());
  EXPECT_EQ(cache.statistics().compilations, 2u);
}

TEST(PoolCache, RemembersTheLastFailures) {
  const PoolCache cache = make_cache({.remembered_failures = 2});
  const Code bad = {std::byte{1}, std::byte{2}};
  const Code worse = {std::byte{3}};
  const Error first = cache.get(bad).error();
  EXPECT_EQ(first.code, ErrorCode::kMalformed);
  EXPECT_EQ(cache.get(bad).error().message, first.message);
  EXPECT_EQ(cache.get(bad, {.snapshot = {.extra_memory_pages = 1}}).error().message, first.message)
      << "the code is as bad with another snapshot";
  EXPECT_EQ(cache.statistics().compilations, 1u);
  EXPECT_EQ(cache.statistics().remembered_failures, 2u);

  const Error trap = cache.get(traps_at_start()).error();
  EXPECT_EQ(trap.code, ErrorCode::kTrap);
  EXPECT_EQ(cache.get(traps_at_start()).error().trap, TrapKind::kUnreachable);
  EXPECT_EQ(cache.statistics().compilations, 2u);
  EXPECT_EQ(cache.statistics().remembered_failures, 3u);

  EXPECT_FALSE(cache.get(worse).has_value());  // pushes `bad` out
  EXPECT_FALSE(cache.get(bad).has_value());
  EXPECT_EQ(cache.statistics().compilations, 4u);
  EXPECT_EQ(cache.statistics().failures, 4u);
  EXPECT_EQ(cache.statistics().pools, 0u);

  EXPECT_EQ(cache.invalidate(hash_code(bad)), 0u);
  EXPECT_FALSE(cache.get(bad).has_value());
  EXPECT_EQ(cache.statistics().compilations, 5u) << "tried again";
}

TEST(PoolCache, DoesNotRememberWhatMayChange) {
  int calls = 0;
  PoolCacheOptions options;
  options.prepare = [&calls](const Module&, PoolOptions&) -> Result<Linker> {
    if (++calls == 1) return fail(ErrorCode::kHost, "not today");
    return Linker();
  };
  const PoolCache cache = make_cache(options);
  const Code code = module_of(5);
  EXPECT_EQ(cache.get(code).error().message, "not today");
  EXPECT_EQ(answer_of(cache.get(code).value()), 5);
}

/// A host function that fails once, by `fail`, while the snapshot of a module with that prelude or start function is
/// taken: asked for twice more, the cache makes the pool.
void expect_second_try(const std::string& start, const SnapshotOptions& snapshot, const std::function<void()>& fail,
                       TrapKind trap) {
  int calls = 0;
  Linker linker;
  linker.define("env", "h", [&]() -> std::int32_t {
    if (++calls == 1) fail();
    return calls;
  });
  const PoolCache cache = make_cache({}, linker);
  const Code code = wat("(module (import \"env\" \"h\" (func $h (result i32)))" + start +
                        "(func (export \"f\") (result i32) (i32.const 6)))");
  const auto refused = cache.get(code, {.snapshot = snapshot});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().trap, trap);
  const auto made = cache.get(code, {.snapshot = snapshot});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(answer_of(*made), 6);
  EXPECT_EQ(cache.statistics().remembered_failures, 0u);
  EXPECT_EQ(cache.statistics().hits, 0u);
}

TEST(PoolCache, DoesNotRememberWhatTheHostDidToAPreludeOrStartFunction) {
  const std::string prelude = "(func (export \"init\") (drop (call $h)))";
  const std::string start = "(func $start (drop (call $h))) (start $start)";
  const auto fails = [] { throw 1; };
  expect_second_try(prelude, {.prelude = {"init"}}, fails, TrapKind::kHostError);
  expect_second_try(start, {.freeze_start = true}, fails, TrapKind::kHostError);
  const auto sleeps = [] { std::this_thread::sleep_for(300ms); };
  expect_second_try(prelude, {.prelude = {"init"}, .start_timeout = 100ms}, sleeps, TrapKind::kInterrupted);
  expect_second_try(start, {.freeze_start = true, .start_timeout = 100ms}, sleeps, TrapKind::kInterrupted);
  // The guest's own trap may come of what the host told it.
  const std::string asks = "(func (export \"init\") (if (i32.eq (call $h) (i32.const 1)) (then (unreachable))))";
  expect_second_try(asks, {.prelude = {"init"}}, [] {}, TrapKind::kUnreachable);
}

TEST(PoolCache, DoesNotRememberThatACallWasTooDeepInsideOthers) {
  const PoolCache cache = make_cache();
  const Code code = wat("(module (func $f) (start $f) (func (export \"f\") (result i32) (i32.const 8)))");
  TrapKind trap = TrapKind::kNone;
  std::optional<Pool> nests;
  Linker linker;
  linker.define("env", "in", [&] {
    if (nests->acquire()->call("f").has_value() || trap != TrapKind::kNone) return;
    if (const auto refused = cache.get(code); !refused) trap = refused.error().trap;
  });
  nests = make_pool("(module (import \"env\" \"in\" (func $in)) (func (export \"f\") (call $in)))", {.capacity = 100},
                    linker);
  (void)nests->acquire()->call("f");
  EXPECT_EQ(trap, TrapKind::kStackExhausted);
  EXPECT_EQ(answer_of(cache.get(code).value()), 8);
}

TEST(PoolCache, DoesNotRememberATrapForWantOfMemory) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers need memory of their own";
  const PoolCache cache = make_cache();
  const Code code = wat(R"((module (memory 1)
    (func $start (if (i32.eq (memory.grow (i32.const 4096)) (i32.const -1)) (then (unreachable)))) (start $start)
    (func (export "f") (result i32) (i32.const 9))))");
  (void)cache.get(traps_at_start());  // maps what the thread needs
  // Only what is writable counts, so the 4 GiB of a cell do not.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_DATA, &before), 0);
  rlimit low = before;
  low.rlim_cur = 256 << 20;
  ASSERT_EQ(setrlimit(RLIMIT_DATA, &low), 0);
  const auto refused = cache.get(code);
  ASSERT_EQ(setrlimit(RLIMIT_DATA, &before), 0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().trap, TrapKind::kUnreachable);
  EXPECT_EQ(answer_of(cache.get(code).value()), 9);
}

TEST(PoolCache, AsksForTheLinkerAndTheOptionsThatDependOnTheModule) {
  PoolCacheOptions options;
  options.prepare = [](const Module& module, PoolOptions& pool) -> Result<Linker> {
    pool.capacity = 1;
    Linker linker;
    linker.define(module.imports().at(0).module, "g", [] { return 77; });
    return linker;
  };
  const PoolCache cache = make_cache(options);
  const Pool pool =
      cache.get(wat(R"((module (import "m" "g" (func $g (result i32))) (func (export "f") (result i32) (call $g))))"))
          .value();
  const Lease lease = pool.acquire().value();
  EXPECT_FALSE(pool.acquire().has_value());
}

TEST(PoolCache, DropsTheLeastRecentlyUsedThatNobodyUses) {
  // Room for the code and the images of three, not of four.
  const PoolCache cache = make_cache({.maximum_bytes = 3 * 2 * 65'536 + 100'000});
  const std::vector<Code> codes = {module_of(0), module_of(1), module_of(2), module_of(3), module_of(4)};
  const auto is_there = [&](std::size_t i) { return cache.get(hash_code(codes[i]), must_not_load()).has_value(); };
  std::optional<Lease> lease = cache.get(codes[0]).value().acquire().value();
  lease.reset();
  for (std::size_t i = 1; i < 3; ++i) ASSERT_TRUE(cache.get(codes[i]).has_value());
  EXPECT_EQ(cache.statistics().evictions, 0u);
  EXPECT_TRUE(is_there(0)) << "and is the one used last now";
  ASSERT_TRUE(cache.get(codes[3]).has_value());
  EXPECT_FALSE(is_there(1)) << "was used least recently";
  EXPECT_TRUE(is_there(2));
  EXPECT_TRUE(is_there(3));
  EXPECT_EQ(cache.statistics().evictions, 1u);

  // In the order of use: 0, 2, 3. What is held or leased stays.
  lease = cache.get(codes[0]).value().acquire().value();  // a lease without a copy of its Pool
  const Pool held = cache.get(codes[2]).value();
  EXPECT_TRUE(is_there(3));
  ASSERT_TRUE(cache.get(codes[4]).has_value());
  EXPECT_FALSE(is_there(3));
  EXPECT_TRUE(is_there(0));
  EXPECT_TRUE(is_there(2));
  EXPECT_EQ(lease->call<int>("f").value(), 0);
  EXPECT_LE(cache.statistics().bytes, 3u * 2 * 65'536 + 100'000);
}

/// The same code as often as wanted, each time under another hash: with a custom section that nobody reads.
Code numbered(Code code, int number) {
  for (const int byte : std::array<int, 5>{0, 3, 1, 'n', number}) code.push_back(static_cast<std::byte>(byte));
  return code;
}

TEST(PoolCache, CountsMappingsAndAddressSpace) {
  const Code code =
      wat("(module (memory 1) (memory 1) (memory 1) (table 1000 funcref) (elem (i32.const 0) $f) (func $f))");
  {
    const PoolCache cache = make_cache();
    const Pool pool = cache.get(code).value();
    const PoolCacheStatistics without = cache.statistics();
    EXPECT_EQ(without.address_space >> 32, 0u);
    (void)pool.acquire().value();
    const PoolCacheStatistics with = cache.statistics();
    EXPECT_EQ(with.address_space >> 32, 3u);
    EXPECT_EQ(with.mappings - without.mappings, 6u);
    EXPECT_GT(with.bytes - without.bytes, 24u << 10) << "a cell, two further memories, and some of the table";
  }
  for (const PoolCacheOptions& options :
       {PoolCacheOptions{.maximum_mappings = 40}, PoolCacheOptions{.maximum_address_space = 50ull << 30}}) {
    const PoolCache cache = make_cache(options);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(cache.get(numbered(code, i)).value().acquire().has_value());
    EXPECT_TRUE(cache.get(numbered(code, 20)).has_value());
    const PoolCacheStatistics statistics = cache.statistics();
    EXPECT_LE(statistics.mappings, options.maximum_mappings);
    EXPECT_LE(statistics.address_space, options.maximum_address_space);
    EXPECT_GE(statistics.pools, 3u);
    EXPECT_EQ(statistics.evictions + statistics.pools, 21u);
  }
}

TEST(PoolCache, MakesRoomForWhatTheSystemRefuses) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers need address space of their own";
  const Code code = wat("(module (memory 1) (memory 1) (func (export \"f\") (result i32) (i32.const 3)))");
  const PoolCache cache = make_cache();
  EXPECT_EQ(answer_of(cache.get(code).value()), 3);  // maps what the thread needs
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  rlimit low = before;
  low.rlim_cur = pages * 4096 + (40ull << 30);  // four instances and some
  ASSERT_EQ(setrlimit(RLIMIT_AS, &low), 0);
  int made = 0;
  for (int i = 0; i < 20; ++i) {
    const auto pool = cache.get(numbered(code, i));
    made += pool && answer_of(*pool) == 3 ? 1 : 0;
  }
  const std::uint64_t evictions = cache.statistics().evictions;
  // A pool that is there takes the room of those that nobody uses, too, ...
  const Pool pool = cache.get(numbered(code, 0)).value();
  std::vector<Lease> leases;
  for (auto lease = pool.acquire(); lease; lease = pool.acquire()) leases.push_back(std::move(*lease));
  const std::size_t most = leases.size();
  const std::uint64_t pools = cache.statistics().pools;
  // ... and then of idle instances of those that somebody has.
  leases.clear();
  const auto other = cache.get(numbered(code, 1));
  const bool other_works = other && answer_of(*other) == 3;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_EQ(made, 20);
  EXPECT_GE(evictions, 10u);
  EXPECT_GE(most, 4u);
  EXPECT_LT(most, 16u);
  EXPECT_EQ(pools, 1u);
  EXPECT_TRUE(other_works);
}

TEST(PoolCache, TrimsWhatHasGrown) {
  const PoolCache cache = make_cache({.maximum_bytes = 8 * 65'536});
  std::optional<Pool> pool = cache.get(module_of(1)).value();
  {
    std::vector<Lease> leases;
    for (int i = 0; i < 10; ++i) leases.push_back(pool->acquire().value());
  }
  EXPECT_GT(cache.statistics().bytes, 10u * 65'536);
  EXPECT_EQ(cache.trim(), 0u) << "somebody has a copy";
  pool.reset();
  EXPECT_EQ(cache.trim(), 1u);
  EXPECT_EQ(cache.statistics().bytes, 0u);
}

TEST(PoolCache, ForgetsOnDemandAndPoolsWorkOn) {
  const PoolCache cache = make_cache();
  const Code code = module_of(6);
  const Pool pool = cache.get(code).value();
  ASSERT_TRUE(cache.get(code, {.snapshot = {.extra_memory_pages = 1}}).has_value());
  ASSERT_TRUE(cache.get(module_of(7)).has_value());
  EXPECT_EQ(cache.invalidate(hash_code(code)), 2u);
  EXPECT_EQ(cache.statistics().pools, 1u);
  EXPECT_EQ(answer_of(pool), 6);
  EXPECT_NE(cache.get(code).value().state(), pool.state());
  cache.clear();
  EXPECT_EQ(cache.statistics().pools, 0u);
  EXPECT_EQ(cache.statistics().bytes, 0u);
  EXPECT_EQ(answer_of(pool), 6);
}

TEST(PoolCache, CompilesOnceHoweverManyAskAtOnce) {
  constexpr int kThreads = 8;
  constexpr int kCodes = 3;
  const PoolCache cache = make_cache();
  std::vector<Code> codes;
  for (int i = 0; i < kCodes; ++i) codes.push_back(module_of(i));
  std::atomic<int> wrong{0};
  {
    std::latch together(kThreads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        together.arrive_and_wait();
        for (int i = 0; i < 30; ++i) {
          const int which = (i + t) % kCodes;
          const std::uint64_t pages = static_cast<std::uint64_t>(i + t) % 2;
          const auto pool =
              cache.get(codes[static_cast<std::size_t>(which)], {.snapshot = {.extra_memory_pages = pages}});
          if (!pool || pool->acquire_until(Clock::now() + 120s)->call<int>("f").value() != which) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong.load(), 0);
  const PoolCacheStatistics statistics = cache.statistics();
  EXPECT_EQ(statistics.compilations, static_cast<std::uint64_t>(kCodes));
  EXPECT_EQ(statistics.misses, 2u * kCodes);
  EXPECT_EQ(statistics.hits + statistics.joined + statistics.misses, 30u * kThreads);
}

/// A loader that waits until it is let go.
struct SlowLoader {
  Code code;
  std::latch begun{1};
  std::latch go{1};
  PoolCache::Loader loader() {
    return [this]() -> Result<Code> {
      begun.count_down();
      go.wait();
      return code;
    };
  }
};

TEST(PoolCache, LetsOthersWaitUpToTheirDeadline) {
  const PoolCache cache = make_cache();
  SlowLoader slow{module_of(8)};
  const Hash hash = hash_code(slow.code);
  std::jthread maker([&] { EXPECT_EQ(answer_of(cache.get(hash, slow.loader()).value()), 8); });
  slow.begun.wait();
  const auto late = cache.get(hash, must_not_load(), {}, Clock::now() + 5ms);
  EXPECT_EQ(late.error().code, ErrorCode::kResource);
  const auto other_heap = cache.get(hash, must_not_load(), {.snapshot = {.extra_memory_pages = 1}}, Clock::now() + 5ms);
  EXPECT_EQ(other_heap.error().code, ErrorCode::kResource) << "its module is being made";
  EXPECT_TRUE(cache.get(module_of(9)).has_value()) << "other code need not wait";
  std::jthread waiter([&] { EXPECT_EQ(answer_of(cache.get(hash, must_not_load()).value()), 8); });
  while (cache.statistics().joined < 2) std::this_thread::sleep_for(1ms);
  slow.go.count_down();
  maker.join();
  waiter.join();
  EXPECT_EQ(cache.statistics().compilations, 2u);
}

TEST(PoolCache, DoesNotKeepWhatWasInvalidatedMeanwhile) {
  const PoolCache cache = make_cache();
  SlowLoader slow{module_of(8)};
  const Hash hash = hash_code(slow.code);
  std::jthread maker([&] { EXPECT_EQ(answer_of(cache.get(hash, slow.loader()).value()), 8); });
  slow.begun.wait();
  EXPECT_EQ(cache.invalidate(hash), 0u);
  slow.go.count_down();
  maker.join();
  EXPECT_EQ(cache.statistics().pools, 0u);
  EXPECT_EQ(cache.get(hash, must_not_load()).error().code, ErrorCode::kIo);
}

TEST(PoolCache, StaysWithinBoundsWhileThreadsChurn) {
  constexpr std::uint64_t kBytes = 4 * 2 * 65'536;
  const PoolCache cache = make_cache({.maximum_bytes = kBytes});
  std::vector<Code> codes;
  for (int i = 0; i < 8; ++i) codes.push_back(module_of(i));
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 60; ++i) {
          const int which = (i * (t + 1)) % 8;
          const auto pool = cache.get(codes[static_cast<std::size_t>(which)]);
          if (!pool || pool->acquire_until(Clock::now() + 120s)->call<int>("f").value() != which) ++wrong;
          if (i % 20 == 19) (void)cache.invalidate(hash_code(codes[static_cast<std::size_t>(t)]));
        }
      });
    }
  }
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_GT(cache.statistics().evictions, 0u);
  (void)cache.trim();
  EXPECT_LE(cache.statistics().bytes, kBytes);
}

TEST(PoolCache, HasItsOldNamesForOneRelease) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  EXPECT_TRUE((std::is_same_v<RuntimeCache, PoolCache>));
  EXPECT_TRUE((std::is_same_v<RuntimeCacheOptions, PoolCacheOptions>));
  EXPECT_TRUE((std::is_same_v<RuntimeCacheStatistics, PoolCacheStatistics>));
  EXPECT_TRUE((std::is_same_v<RuntimeSettings, PoolSettings>));
#pragma GCC diagnostic pop
}

}  // namespace
}  // namespace anew::test
