// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tier::kAuto: what the code cache gets of it, and what it takes at most. The optimizer is one of the test's own, at
// once there and never tired, whose code gives a result of its own: so it shows which code ran.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "artifact/code_cache.hpp"
#include "codegen/image.hpp"
#include "os/child_process.hpp"
#include "os/temporary_directory.hpp"
#include "runtime/module_state.hpp"
#include "support/sanitizers.hpp"
#include "support/wat.hpp"
#include "tier/optimizer_process.hpp"

namespace anew {
namespace {

namespace fs = std::filesystem;
using codegen::optimizing::FunctionCode;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

/// Long behind what any of this takes.
constexpr seconds kNever(300);

/// A module of functions f0, f1 and so on: each takes a time and a number, and returns the number.
std::vector<std::byte> make_module(int functions) {
  std::string text = "(module (memory 1)";
  for (int i = 0; i < functions; ++i) {
    text += "(func (export \"f" + std::to_string(i) + "\") (param i32 i32) (result i32)" +
            "(loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))" + "(local.get 1))";
  }
  return test::wat(text + ")");
}
constexpr std::uint32_t kShort = 1;
constexpr std::uint32_t kLong = 1 << 20;  // some samples' time

/// What the optimizer was asked for.
struct Asked {
  std::mutex mutex;
  int at_once = 0, most_at_once = 0, jobs = 0;
  std::map<std::uint32_t, int> functions;  ///< how often each
};

class Auto : public testing::Test {
 protected:
  void SetUp() override {
    setenv("ANEW_OPTIMIZER", "/nowhere", 1);  // is not asked whether it is there
    {
      const std::lock_guard lock(asked_.mutex);
      asked_.most_at_once = asked_.jobs = 0;
      asked_.functions.clear();
    }
    code_bytes_ = 4;
    answers_ = true;
    tier::set_optimizer(optimize);
  }
  void TearDown() override {
    tier::set_optimizer(nullptr);
    unsetenv("ANEW_OPTIMIZER");
    // Whoever still asks has begun before: it ends.
    for (bool idle = false; !idle; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
      const std::lock_guard lock(asked_.mutex);
      idle = asked_.at_once == 0;
    }
  }

  /// Code that returns the number and one more, at once.
  static Result<std::vector<FunctionCode>> optimize(const tier::OptimizeJob& job) {
    {
      const std::lock_guard lock(asked_.mutex);
      ++asked_.jobs;
      asked_.most_at_once = std::max(asked_.most_at_once, ++asked_.at_once);
      for (const auto& unit : job.units)
        for (const std::uint32_t function : unit) ++asked_.functions[function];
    }
    std::vector<FunctionCode> codes;
    for (const auto& unit : job.units) {
      for (const std::uint32_t function : unit) {
        FunctionCode& code = codes.emplace_back();
        code.function = function;
        for (const int byte : {0x8D, 0x46, 0x01, 0xC3})
          code.code.push_back(std::byte(byte));  // lea eax, [rsi + 1]; ret
        code.code.resize(code_bytes_);
        code.frame_bytes = 16;
      }
    }
    const std::lock_guard lock(asked_.mutex);
    --asked_.at_once;
    if (!answers_) return fail(ErrorCode::kResource, "the test refuses");
    return codes;
  }

  /// Calls the function until it is optimized. @return whether it was.
  static bool heat(const Pool& pool, const std::string& name) {
    for (const auto end = Clock::now() + kNever; Clock::now() < end;)
      if (pool.acquire().value().call<std::int32_t>(name, kLong, 5).value() == 6) return true;
    return false;
  }
  static bool is_optimized(const Pool& pool, const std::string& name) {
    return pool.acquire().value().call<std::int32_t>(name, kShort, 5).value() == 6;
  }
  static Pool pool_of(const Module& module) { return Pool::create(module, {}, {.capacity = 1}).value(); }

  static int jobs() {
    const std::lock_guard lock(asked_.mutex);
    return asked_.jobs;
  }

  static inline Asked asked_;
  static inline std::atomic<std::size_t> code_bytes_ = 4;
  static inline std::atomic<bool> answers_ = true;
};

class AutoCache : public Auto {
 protected:
  [[nodiscard]] Engine engine() const { return Engine({.compile_threads = 1, .cache_directory = path()}); }
  [[nodiscard]] Module compile(Tier tier) const { return engine().compile(binary_, {.tier = tier}).value(); }
  [[nodiscard]] fs::path path() const { return directory_ / "cache"; }
  [[nodiscard]] std::vector<artifact::CacheEntry> entries() const {
    return artifact::CodeCache::open(path()).value().list().value();
  }
  /// How many functions are optimized in the cache's artifact of a tier; -1: there is none.
  [[nodiscard]] int kept(codegen::Tier tier) const {
    for (const artifact::CacheEntry& entry : entries())
      if (entry.options.value().tier == tier) return static_cast<int>(entry.optimized);
    return -1;
  }
  /// Whether so many are, soon: a module that went may be in use by who optimizes it, a moment longer.
  [[nodiscard]] bool comes_to_be_kept(int functions) const {
    for (const auto end = Clock::now() + kNever; Clock::now() < end;
         std::this_thread::sleep_for(std::chrono::milliseconds(5)))
      if (kept(codegen::Tier::kAuto) == functions) return true;
    return false;
  }
  test::TemporaryDirectory directory_;
  std::vector<std::byte> binary_ = make_module(4);
};

TEST_F(AutoCache, TheNextProcessBeginsWithWhatWasFound) {
  {
    const Module module = compile(Tier::kAuto);
    EXPECT_FALSE(module.from_cache());
    ASSERT_TRUE(heat(pool_of(module), "f1"));
  }
  ASSERT_TRUE(comes_to_be_kept(1));
  EXPECT_EQ(kept(codegen::Tier::kQuick), 0);
  {
    const Module next = compile(Tier::kAuto);
    EXPECT_TRUE(next.from_cache());
    EXPECT_EQ(next.cache_note(), "");
    EXPECT_EQ(next.optimized_functions(), 1u);
    const Pool pool = pool_of(next);
    EXPECT_TRUE(is_optimized(pool, "f1"));
    EXPECT_FALSE(is_optimized(pool, "f2"));
    // And it goes on from there.
    ASSERT_TRUE(heat(pool, "f2"));
    EXPECT_TRUE(is_optimized(pool, "f1"));
    EXPECT_FALSE(is_optimized(pool, "f0"));
    EXPECT_EQ(next.optimized_functions(), 2u);
  }
  ASSERT_TRUE(comes_to_be_kept(2));
  const Module last = compile(Tier::kAuto);
  EXPECT_TRUE(is_optimized(pool_of(last), "f1"));
  EXPECT_TRUE(is_optimized(pool_of(last), "f2"));
  const std::lock_guard lock(asked_.mutex);
  for (const auto& [function, times] : asked_.functions) EXPECT_EQ(times, 1) << function;
}

TEST_F(AutoCache, OtherTiersDoNotTakeIt) {
  ASSERT_TRUE(heat(pool_of(compile(Tier::kAuto)), "f1"));
  ASSERT_TRUE(comes_to_be_kept(1));
  const Module quick = compile(Tier::kQuick);
  EXPECT_TRUE(quick.from_cache());
  EXPECT_EQ(quick.optimized_functions(), 0u);
  EXPECT_FALSE(is_optimized(pool_of(quick), "f1"));
  const Module optimized = compile(Tier::kOptimized);
  EXPECT_FALSE(optimized.from_cache());
  EXPECT_EQ(optimized.optimized_functions(), 4u);
  // Nor under another name.
  fs::path file;
  for (const artifact::CacheEntry& entry : entries())
    if (entry.options.value().tier == codegen::Tier::kAuto) file = path() / entry.name;
  ASSERT_NE(file, "");
  const auto refused = engine().load(file, {.tier = Tier::kOptimized});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kArtifact);
  // What is optimized throughout is better than what was found.
  const Module best = compile(Tier::kAuto);
  EXPECT_TRUE(best.from_cache());
  EXPECT_EQ(best.optimized_functions(), 4u);
}

TEST_F(AutoCache, AModuleIsWrittenAWhileAfterItsFirstFunctionAndNotForEach) {
  const Module module = compile(Tier::kAuto);
  const Pool pool = pool_of(module);
  ASSERT_TRUE(heat(pool, "f0"));
  const auto found = Clock::now();
  ASSERT_TRUE(heat(pool, "f1"));
  const int now = kept(codegen::Tier::kAuto);
  if (Clock::now() - found < seconds(4)) {
    EXPECT_EQ(now, -1);
  }
  EXPECT_TRUE(comes_to_be_kept(2)) << "with the module there";
}

TEST_F(AutoCache, ACacheThatGoesStopsNothing) {
  {
    const Module module = compile(Tier::kAuto);
    fs::remove_all(path());
    std::ofstream(path()) << "a file";
    ASSERT_TRUE(heat(pool_of(module), "f1"));
  }
  EXPECT_TRUE(fs::is_regular_file(path()));
}

TEST_F(AutoCache, ASavedModuleHasWhatWasFound) {
  const Engine without({.compile_threads = 1, .cache = false});
  const Module module = without.compile(binary_, {.tier = Tier::kAuto}).value();
  ASSERT_TRUE(heat(pool_of(module), "f3"));
  ASSERT_TRUE(without.save(module, directory_ / "module.anew"));
  for (const Tier tier : {Tier::kQuick, Tier::kAuto}) {
    const Module loaded = without.load(directory_ / "module.anew", {.tier = tier}).value();
    EXPECT_EQ(loaded.optimized_functions(), 1u);
    EXPECT_TRUE(is_optimized(pool_of(loaded), "f3"));
  }
}

// --- What it takes ---

/// The threads of this process, by now.
std::ptrdiff_t count_threads() {
  return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator());
}

std::int64_t resident_bytes() {
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST_F(Auto, AThousandModulesTakeTwoThreadsAndOneJobAtATime) {
  constexpr int kModules = test::kThreadSanitizer ? 100 : 1000;  // it leaves little address space
  const Engine engine({.compile_threads = 1, .cache = false});
  const std::vector<std::byte> binary = make_module(2);
  const auto make_pools = [&](Tier tier) {
    std::vector<Pool> pools;
    for (int i = 0; i < kModules; ++i) pools.push_back(pool_of(engine.compile(binary, {.tier = tier}).value()));
    return pools;
  };
  const std::int64_t before = resident_bytes();
  const std::vector<Pool> quick = make_pools(Tier::kQuick);
  const std::int64_t middle = resident_bytes();
  const std::ptrdiff_t threads = count_threads();
  const std::vector<Pool> pools = make_pools(Tier::kAuto);
  constexpr std::int64_t kMoreForEach = 16 << 10;
  if (!test::kSanitized) {
    EXPECT_LT(resident_bytes() - middle, middle - before + kModules * kMoreForEach);
  }
  std::ptrdiff_t most_threads = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < kModules; ++i) {
      const int result =
          pools[static_cast<std::size_t>(i)].acquire().value().call<std::int32_t>("f0", kLong, i).value();
      ASSERT_TRUE(result == i || result == i + 1) << result;
    }
    most_threads = std::max(most_threads, count_threads());
  }
  EXPECT_TRUE(heat(pools.front(), "f1"));
  EXPECT_TRUE(heat(pools.back(), "f1"));
  most_threads = std::max(most_threads, count_threads());
  EXPECT_LE(most_threads, threads + 2);
  const std::lock_guard lock(asked_.mutex);
  EXPECT_EQ(asked_.most_at_once, 1);
}

TEST_F(Auto, EachOfManyHotFunctionsIsOptimizedOnce) {
  constexpr int kFunctions = 100;
  const Engine engine({.compile_threads = 1, .cache = false});
  const Module module = engine.compile(make_module(kFunctions), {.tier = Tier::kAuto}).value();
  const Pool pool = pool_of(module);
  for (const auto end = Clock::now() + kNever; module.optimized_functions() < kFunctions && Clock::now() < end;) {
    Lease lease = pool.acquire().value();
    for (int i = 0; i < kFunctions; ++i) {
      const int result = lease.call<std::int32_t>("f" + std::to_string(i), kLong, i).value();
      ASSERT_TRUE(result == i || result == i + 1) << result;
    }
  }
  EXPECT_EQ(module.optimized_functions(), kFunctions);
  const std::lock_guard lock(asked_.mutex);
  EXPECT_EQ(asked_.most_at_once, 1);
  for (int i = 0; i < kFunctions; ++i) EXPECT_EQ(asked_.functions[static_cast<std::uint32_t>(i)], 1) << i;
  EXPECT_LE(codegen::code_bytes(module.state()->image), module.state()->image.reach);
}

TEST_F(Auto, NothingIsDoneLaterForAModuleThatIsKeptNowhere) {
  const Engine engine({.compile_threads = 1, .cache = false});
  const Pool pool = pool_of(engine.compile(make_module(1), {.tier = Tier::kAuto}).value());
  ASSERT_TRUE(heat(pool, "f0"));
  std::this_thread::sleep_for(std::chrono::milliseconds(5'500));  // one of the code cache's would be written by then
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(seconds(1));
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 4) << "of all threads";
}

TEST_F(Auto, CodeForWhichThereIsNoRoomIsLeftOut) {
  const Engine engine({.compile_threads = 1, .cache = false});
  const Module module = engine.compile(make_module(2), {.tier = Tier::kAuto}).value();
  const codegen::ImageView& image = module.state()->image;
  constexpr std::uint64_t kPage = 4096;
  // docs/optimizing.md: four times as many bytes as the quick code and 1 MiB, in whole pages.
  EXPECT_LE(image.reach, (image.text.size() + kPage) + (4 * image.text.size() + (1 << 20) + kPage));
  const Pool pool = pool_of(module);
  code_bytes_ = 700 << 10;
  ASSERT_TRUE(heat(pool, "f0"));
  for (const auto end = Clock::now() + kNever; module.optimization().note.empty() && Clock::now() < end;)
    EXPECT_EQ(pool.acquire().value().call<std::int32_t>("f1", kLong, 5).value(), 5);
  EXPECT_NE(module.optimization().note.find("no room"), std::string::npos) << module.optimization().note;
  EXPECT_TRUE(is_optimized(pool, "f0"));
  EXPECT_FALSE(is_optimized(pool, "f1"));
  EXPECT_LE(codegen::code_bytes(image), image.reach);
}

TEST_F(Auto, AnOptimizerThatCannotBeStartedIsAskedOnce) {
  const Engine engine({.compile_threads = 1, .cache = false});
  const Module module = engine.compile(make_module(4), {.tier = Tier::kAuto}).value();
  const Pool pool = pool_of(module);
  answers_ = false;
  for (const auto end = Clock::now() + kNever; module.optimization().note.empty() && Clock::now() < end;)
    EXPECT_EQ(pool.acquire().value().call<std::int32_t>("f0", kLong, 5).value(), 5);
  EXPECT_EQ(module.optimization().note, "the test refuses");
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(pool.acquire().value().call<std::int32_t>("f" + std::to_string(i % 4), kLong, 5).value(), 5);
  EXPECT_EQ(jobs(), 1);
  // Of another module that is another matter.
  answers_ = true;
  EXPECT_TRUE(heat(pool_of(engine.compile(make_module(4), {.tier = Tier::kAuto}).value()), "f0"));
}

TEST_F(Auto, EnginesGoWhileCodeIsPutInPlace) {
  const std::vector<std::byte> binary = make_module(2);
  for (int i = 0; i < 50; ++i) {
    const int before = jobs();
    const Engine engine({.compile_threads = 1, .cache = false});
    const Pool pool = pool_of(engine.compile(binary, {.tier = Tier::kAuto}).value());
    for (const auto end = Clock::now() + kNever; Clock::now() < end;) {
      const int result = pool.acquire().value().call<std::int32_t>("f1", kLong, 5).value();
      ASSERT_TRUE(result == 5 || result == 6) << result;
      if (jobs() != before) break;
    }
  }
}

std::atomic<bool> is_asked = false;

TEST_F(Auto, AProcessEndsWhileAFunctionIsOptimized) {
  if (test::kSanitized) GTEST_SKIP() << "the sanitizers' own threads and locks do not survive a fork";
  (void)std::fflush(nullptr);
  const int status = test::run_in_child([]() -> int {
    alarm(300);
    tier::set_optimizer([](const tier::OptimizeJob&) -> Result<std::vector<FunctionCode>> {
      is_asked = true;
      for (;;) std::this_thread::sleep_for(seconds(1));
    });
    static const Engine engine({.compile_threads = 1, .cache = false});
    static const Module module = engine.compile(make_module(1), {.tier = Tier::kAuto}).value();
    static const Pool pool = pool_of(module);
    while (!is_asked) (void)pool.acquire().value().call<std::int32_t>("f0", kLong, 5).value();
    std::exit(7);  // with all that static objects do at the end
  });
  EXPECT_EQ(status, 7) << "-1: it was killed, such as by its alarm";
}

// A module whose memory 0 is another instance's has a second variant, with code of its own.
TEST_F(Auto, CodeForAnotherInstancesMemoryIsOptimizedToo) {
  const Engine engine({.compile_threads = 1, .cache = false});
  const Module owner = engine.compile(test::wat("(module (memory (export \"m\") 1))"), {}).value();
  const Module user = engine
                          .compile(test::wat(R"((module (import "owner" "m" (memory 1))
    (func (export "f0") (param i32 i32) (result i32)
      (loop $again (i32.store (i32.const 8) (local.get 0))
        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1))))"),
                                   {.tier = Tier::kAuto})
                          .value();
  Linker linker;
  linker.define_module("owner", owner);
  EXPECT_TRUE(heat(Pool::create(user, linker, {.capacity = 1}).value(), "f0"));
}

}  // namespace
}  // namespace anew
