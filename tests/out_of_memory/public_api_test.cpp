// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Memory runs out at each allocation that the public API makes, but for those of compilation: functions that return a
// Result return kResource and everything works on afterwards; others throw std::bad_alloc and have changed nothing.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "attempts.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using Clock = std::chrono::steady_clock;

// Names too long for a string to hold within itself.
constexpr std::string_view kLibrary = R"((module (memory (export "a memory of the library") 1)
  (func (export "a function of the library") (result i32) (i32.const 1))))";
constexpr std::string_view kGuest = R"((module
  (import "an environment" "a host function" (func $host (param i32) (result i32)))
  (import "an environment" "a host function by its slots" (func (param i64) (result f64)))
  (import "an environment" "a global of the host" (global $global i32))
  (import "an environment" "a memory of the host" (memory $memory 1))
  (import "an environment" "a table of the host" (table 3 funcref))
  (import "the library" "a function of the library" (func $library (result i32)))
  (memory (export "a further memory") 1 2)
  (global (export "a global of the guest") (mut i64) (i64.const 5))
  (type $wide (func (param v128 f32 f64) (result i32 v128)))
  (data (memory $memory) (i32.const 8) "some bytes of data that are not zero") (elem (i32.const 0) $f $f)
  (func $f (export "a function that returns") (result i32) (i32.const 7))
  (func (export "a function with several results") (param i32) (result i32 i64 f32)
    (local.get 0) (i64.const 2) (f32.const 3))
  (func (export "a function that calls the host") (param i32) (result i32) (call $host (local.get 0)))
  (func (export "a function that calls the library") (result i32) (call $library))
  (func $trap (export "a function that traps") unreachable)
  (func (export "a function for the prelude") (global.set 1 (i64.const 6)))))";

const Module& guest() {
  static const Module module = compile(kGuest);
  return module;
}
const Module& library() {
  static const Module module = compile(kLibrary);
  return module;
}

void define_all(Linker& linker) {
  linker.define("an environment", "a host function",
                [](Caller caller, std::string&, std::int32_t what) -> Result<std::int32_t> {
                  if (what == 1) return fail(ErrorCode::kIo, "a message that says what was wrong in the host");
                  if (what == 2) throw std::runtime_error("another message that says what was wrong");
                  if (what == 4) return caller.call<std::int32_t>("a function that returns");
                  if (what == 5) return caller.call<std::int32_t>("a function that is not there");
                  if (what == 6) return static_cast<std::int32_t>(caller.state<std::optional<int>>().value_or(0));
                  return what;
                });
  linker.define("an environment", "a host function by its slots", {{ValueType::kI64}, {ValueType::kF64}},
                [](Caller, std::span<std::uint64_t>) -> Result<void> { return {}; });
  linker.define_state<int>();
  linker.define_state<std::string>([] { return std::string("a state that needs memory of its own"); });
  linker.define_state<std::vector<int>>([] { return std::vector<int>(3); },
                                        [](std::vector<int>& numbers) { numbers.clear(); });
  linker.define_global("an environment", "a global of the host", Value::i32(3));
  linker.define_memory("an environment", "a memory of the host", {1, 4});
  linker.define_table("an environment", "a table of the host", {ValueType::kFuncRef, {3, 3}});
  linker.define_module("the library", library());
}
const Linker& linker() {
  static const Linker* const defined = [] {
    auto* const made = new Linker;
    define_all(*made);
    return made;
  }();
  return *defined;
}

PoolOptions options() {
  PoolOptions options;
  options.capacity = 2;
  options.snapshot.prelude = {"a function for the prelude"};
  options.audit_every = 1;
  return options;
}
Pool make_guests() { return Pool::create(guest(), linker(), options()).value(); }

void expect_works(const Pool& pool) {
  EXPECT_EQ(pool.acquire().value().call<int>("a function that returns").value(), 7);
  EXPECT_EQ(pool.statistics().leased, 0u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(PublicApi, OfModulesDescriptions) {
  ASSERT_TRUE(guest().exports().size() == 8 && library().exports().size() == 2);
  for_each_allocation("function_type", [] {
    const auto type = attempt([] { return guest().function_type("a function with several results"); });
    if (type) {
      EXPECT_EQ(type->results.size(), 3u);
    }
    EXPECT_FALSE(attempt([] { return guest().function_type("a function that is not there"); }, ErrorCode::kNotFound));
  });
  for_each_allocation("imports and exports", [] {
    std::vector<ImportDescription> imports;
    if (may_throw([&] { imports = guest().imports(); })) {
      EXPECT_EQ(imports.size(), 6u);
    }
    std::vector<ExportDescription> exports;
    if (may_throw([&] { exports = guest().exports(); })) {
      EXPECT_EQ(exports.size(), 8u);
    }
  });
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("anew-out-of-memory-api-" + std::to_string(getpid()));
  const Engine engine(EngineOptions{.cache = false});
  for_each_allocation("save", [&] { (void)attempt([&] { return engine.save(guest(), path); }, ErrorCode::kIo); });
  EXPECT_TRUE(std::filesystem::remove(path)) << "the last one succeeded";
}

TEST(PublicApi, OfLinkersAndEngines) {
  for_each_allocation("definitions", [] {
    Linker linker;
    if (may_throw([&] { define_all(linker); })) {
      EXPECT_TRUE(Pool::create(guest(), linker).has_value());
    }
    define_all(linker);
    EXPECT_TRUE(Pool::create(guest(), linker).has_value());
  });
  for_each_allocation("lists of features", [] {
    EXPECT_EQ(attempt([] { return Features::parse("mvp,simd,-simd"); }).value_or(Features()), Features::mvp());
    (void)attempt([] { return Features::parse("all,-a proposal that is not there"); }, ErrorCode::kArgument);
    (void)attempt([] { return Features::parse("simd"); }, ErrorCode::kArgument);
  });
  for_each_allocation("constructors", [] {
    (void)may_throw([] { const Linker made; });
    (void)may_throw([] { const Engine made(EngineOptions{.cache = false}); });
    (void)may_throw([] { const Store made; });
    (void)may_throw([] { (void)Features::all().list(); });
    (void)may_throw([] { const PoolCache made{Engine(EngineOptions{.cache = false}), Linker()}; });
  });
}

TEST(PublicApi, OfPools) {
  expect_works(make_guests());
  for_each_allocation("create", [] {
    PoolOptions given = options();
    auto pool = attempt([&] { return Pool::create(guest(), linker(), std::move(given)); });
    if (pool) expect_works(*pool);
  });
  for_each_allocation("create that is refused", [] {
    PoolOptions bad = options();
    bad.capacity = 0;
    (void)attempt([&] { return Pool::create(guest(), linker(), std::move(bad)); }, ErrorCode::kArgument);
    const Linker nothing;
    (void)attempt([&] { return Pool::create(guest(), nothing); }, ErrorCode::kLink);
  });
  for_each_allocation("warm", [] {
    PoolOptions warm = options();
    warm.minimum_warm = 2;
    warm.reset = ResetWhen::kHelper;
    auto pool = attempt([&] { return Pool::create(guest(), linker(), std::move(warm)); });
    if (pool) {
      EXPECT_TRUE(pool->acquire_until(Clock::now() + std::chrono::hours(1)).has_value());
    }
  });
}

TEST(PublicApi, OfLeases) {
  for_each_allocation("acquire", [] {
    const Pool pool = make_guests();
    {
      auto first = attempt([&] { return pool.acquire(); });
      auto second = attempt([&] { return pool.instantiate(); });
      auto third = attempt([&] { return pool.acquire(); });
      auto fourth = attempt([&] { return pool.acquire(); }, ErrorCode::kResource);
      auto fifth = attempt([&] { return pool.acquire_until(Clock::now() - std::chrono::hours(1)); });
      for (auto* const each : {&first, &second, &third, &fourth, &fifth}) {
        if (*each) never_fails([&] { (*each)->release(); });
      }
    }
    expect_works(pool);
    EXPECT_TRUE(attempt([&] { return pool.drain(Clock::now() + std::chrono::hours(1)); }));
    (void)attempt([&] { return pool.acquire(); });
  });
  for_each_allocation("those that are out at the end", [] {
    const Pool pool = make_guests();
    const Lease lease = pool.acquire().value();
    (void)attempt([&] { return pool.drain(Clock::now()); });
    (void)attempt([&] { return pool.shutdown(Clock::now()); });
  });
  for_each_allocation("a lease's parts", [pool = make_guests()] {
    {
      Lease lease = pool.acquire().value();
      EXPECT_TRUE(attempt([&] { return lease.global("a global of the guest"); })->bits == 6u);
      (void)attempt([&] { return lease.global("a global that is not there"); }, ErrorCode::kNotFound);
      (void)attempt([&] { return lease.memory("a memory that is not there"); }, ErrorCode::kNotFound);
      MemoryView memory = attempt([&] { return lease.memory("a further memory"); }).value();
      (void)attempt([&] { return memory.read(1, 65'536); }, ErrorCode::kArgument);
      (void)attempt([&] { return memory.write(~std::uint64_t{0}, 2); }, ErrorCode::kArgument);
      (void)attempt([&] { return memory.load<std::uint64_t>(65'530); }, ErrorCode::kArgument);
      EXPECT_TRUE(attempt([&] { return memory.grow(1); }).has_value());
      (void)attempt([&] { return memory.grow(1); });
      (void)attempt([&] { return lease.canceller(); });
      lease.release();
      (void)attempt([&] { return lease.call<int>("a function that returns"); }, ErrorCode::kArgument);
      (void)attempt([&] { return lease.call_values("a function that returns", {}); }, ErrorCode::kArgument);
      (void)attempt([&] { return lease.canceller(); }, ErrorCode::kArgument);
    }
    expect_works(pool);
  });
}

TEST(PublicApi, OfCalls) {
  const Pool pool = make_guests();
  const auto returns = pool.function<int()>("a function that returns").value();
  const auto traps = pool.function<void()>("a function that traps").value();
  for_each_allocation("functions", [&] {
    (void)attempt([&] { return pool.function<int()>("a function that returns"); });
    (void)attempt([&] { return pool.function<int(int)>("a function that returns"); }, ErrorCode::kArgument);
    (void)attempt([&] { return pool.function<int()>("a function that retruns"); }, ErrorCode::kNotFound);
  });
  for_each_allocation("calls", [&] {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(attempt([&] { return lease.call(returns); }).value(), 7);
    EXPECT_EQ(attempt([&] { return lease.call<int>("a function that calls the library"); }).value(), 1);
    EXPECT_EQ(attempt([&] { return lease.call<int>("a function that calls the host", 3); }).value(), 3);
    EXPECT_EQ(attempt([&] { return lease.call<int>("a function that calls the host", 4); }).value(), 7);
    const Value arguments[] = {Value::i32(1)};
    const auto results = attempt([&] { return lease.call_values("a function with several results", arguments); });
    if (results) {
      EXPECT_EQ(results->at(1), Value::i64(2));
    }
    (void)attempt([&] { return lease.call_values("a function with several results", {}); }, ErrorCode::kArgument);
    (void)attempt([&] { return lease.call_values("a function that is not there", {}); }, ErrorCode::kNotFound);
    (void)attempt([&] { return lease.call<float>("a function that returns"); }, ErrorCode::kArgument);
  });
  for_each_allocation("traps", [&] {
    Lease lease = pool.acquire().value();
    const auto trap = attempt([&] { return lease.call(traps); }, ErrorCode::kTrap);
    EXPECT_EQ(trap.error().code, ErrorCode::kTrap);
    EXPECT_EQ(trap.error().trap, TrapKind::kUnreachable);
    EXPECT_NE(trap.error().message, "");
    for (const std::int32_t what : {1, 2, 5, 6}) {
      const auto failed =
          attempt([&] { return lease.call<int>("a function that calls the host", what); }, ErrorCode::kTrap);
      EXPECT_EQ(failed.error().trap, TrapKind::kHostError);
    }
    std::string text;
    if (may_throw([&] { text = trap.error().to_string(); })) {
      EXPECT_FALSE(text.empty());
    }
  });
  expect_works(pool);
}

TEST(PublicApi, OfBytesFunctions) {
  const Pool pool = make_pool(R"((module (memory 1)
    (func (export "a function that allocates") (param i32) (result i32) (i32.const 1024))
    (func (export "a function of bytes") (param i32 i32) (result i64) (i64.const 0x40000000010))
    (func (export "a function that points outside") (param i32 i32) (result i64) (i64.const -1))))");
  const std::vector<std::byte> input(10);
  for_each_allocation("bytes", [&] {
    auto function =
        attempt([&] { return BytesFunction::find(pool, "a function of bytes", "a function that allocates"); });
    auto outside = attempt(
        [&] { return BytesFunction::find(pool, "a function that points outside", "a function that allocates"); });
    (void)attempt([&] { return BytesFunction::find(pool, "a function of bytes", "no such function in the module"); },
                  ErrorCode::kNotFound);
    Lease lease = pool.acquire().value();
    if (function) (void)attempt([&] { return function->call(lease, input); });
    if (outside) (void)attempt([&] { return outside->call(lease, input); }, ErrorCode::kTrap);
  });
}

TEST(PublicApi, OfTheFirstCallOfAThread) {
  const Pool pool = make_guests();
  const auto returns = pool.function<int()>("a function that returns").value();
  int succeeded = 0;
  // Which allocations fail is the thread's own affair, so it asks for one number after the other.
  for (std::uint64_t number = 0; number < 12; ++number) {
    std::thread([&] {
      fail_allocation(number);
      Lease lease = pool.acquire().value();
      const auto result = attempt([&] { return lease.call(returns); });
      succeeded += result && *result == 7 ? 1 : 0;
    }).join();
  }
  EXPECT_GT(succeeded, 0);
  EXPECT_LT(succeeded, 12);
  expect_works(pool);
}

TEST(PublicApi, OfSnapshotFiles) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("anew-out-of-memory-api-" + std::to_string(getpid()));
  for_each_allocation("save_snapshot", [&, pool = make_guests()] {
    (void)attempt([&] { return pool.save_snapshot(path); }, ErrorCode::kIo);
  });
  EXPECT_TRUE(std::filesystem::remove(path)) << "the last one succeeded";
}

TEST(PublicApi, OfStores) {
  // Made here, where no allocation fails.
  (void)linker();
  (void)library();
  (void)guest();
  for_each_allocation("a store", [] {
    std::optional<Store> made_store;
    if (!may_throw([&] { made_store.emplace(StoreOptions{.audit = true}); })) return;
    Store& store = *made_store;
    const auto made = attempt([&] { return store.instantiate(library(), linker()); });
    if (!made) return;
    if (!may_throw([&] { store.define("the library", *made); })) return;
    const auto main = attempt([&] { return store.instantiate(guest(), linker()); });
    if (!main) return;
    if (!attempt([&] { return store.freeze(); })) return;
    (void)attempt([&] { return main->call_values("a function that calls the library", {}); });
    (void)attempt([&] { return main->call_values("a function that traps", {}); }, ErrorCode::kTrap);
    (void)attempt([&] { return main->global("a global of the guest"); });
    (void)attempt([&] { return main->memory("no such memory in the store"); }, ErrorCode::kNotFound);
    (void)attempt([&] { return store.reset(); });
  });
}

TEST(PublicApi, OfPoolCaches) {
  const std::vector<std::byte> code = wat(kGuest);
  // Of so few bytes, each pool goes as soon as nobody uses it and trim() is called.
  const PoolCache cache(Engine(EngineOptions{.cache = false}), linker(), {.maximum_bytes = 1, .pool = options()});
  const Pool first = cache.get(code).value();  // compiled once for all
  int round = 0;
  for_each_allocation("get", [&] {
    const PoolSettings settings{.snapshot = {.extra_memory_pages = 2}};
    (void)attempt([&] { return cache.get(code, settings); });
    EXPECT_TRUE(cache.get(code, settings).has_value()) << "nobody is left waiting, and no such failure is remembered";
    const PoolSettings bad{.snapshot = {.prelude = {"no function has such a name " + std::to_string(++round)}}};
    (void)attempt([&] { return cache.get(code, bad); }, ErrorCode::kNotFound);
    EXPECT_EQ(cache.get(code, bad).error().code, ErrorCode::kNotFound);
    (void)attempt([&] { return cache.get(code, bad); }, ErrorCode::kNotFound);
    const auto loader = []() -> Result<std::vector<std::byte>> { return fail(ErrorCode::kIo, "no disk"); };
    (void)attempt([&] { return cache.get(Hash{std::byte{1}}, loader); }, ErrorCode::kIo);
    (void)may_throw([&] { (void)cache.statistics(); });
    never_fails([&] { (void)cache.trim(); });
    EXPECT_EQ(cache.statistics().pools, 1u);
  });
  EXPECT_EQ(cache.statistics().compilations, 1u);
  for_each_allocation("forget", [&] {
    never_fails([&] {
      (void)cache.invalidate(hash_code(code));
      cache.clear();
    });
  });
  EXPECT_EQ(cache.statistics().pools, 0u);
  expect_works(first);
}

}  // namespace
}  // namespace anew::test
