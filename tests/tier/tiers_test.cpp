// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Modules in the optimizing tier as an embedder has them, with the program that optimizes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "os/child_process.hpp"
#include "os/temporary_directory.hpp"
#include "support/wat.hpp"

namespace anew {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

const fs::path kBuilt = fs::path(ANEW_BINARY_DIR) / "anew-optimizer";

class Tiers : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kBuilt)) GTEST_SKIP() << "built where LLVM is found only";
    setenv("ANEW_OPTIMIZER", kBuilt.c_str(), 1);
  }
  void TearDown() override { unsetenv("ANEW_OPTIMIZER"); }
};

// A store, a loop, a call that can be inlined, a trap in it, a host function, more arguments than there are registers.
constexpr const char* kProgram = R"((module
  (import "host" "twice" (func $twice (param i32) (result i32)))
  (memory (export "memory") 2)
  (global $count (mut i32) (i32.const 0))
  (table funcref (elem $load))
  (type $one (func (param i32) (result i32)))
  (func $load (type $one) (i32.load offset=4 (local.get 0)))
  (func (export "sum") (param i32) (result i32) (local i32 i32)
    (loop $again
      (i32.store (i32.shl (local.get 1) (i32.const 2)) (local.get 1))
      (local.set 2 (i32.add (local.get 2) (i32.load (i32.shl (local.get 1) (i32.const 2)))))
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (br_if $again (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 0))))
    (i32.add (local.get 2) (global.get $count)))
  (func (export "load") (param i32) (result i32) (i32.add (call $load (local.get 0)) (i32.const 1)))
  (func (export "indirect") (param i32) (result i32) (call_indirect (type $one) (local.get 0) (i32.const 0)))
  (func (export "host") (param i32) (result i32) (i32.add (call $twice (local.get 0)) (i32.const 1)))
  (func $many (param i32 i64 i32 i64 i32 i64 i32 i64 i32) (result i64)
    (i64.add (i64.add (local.get 1) (local.get 7)) (i64.extend_i32_u (i32.add (local.get 6) (local.get 8)))))
  (func (export "many") (param i32) (result i64)
    (call $many (local.get 0) (i64.const 1) (local.get 0) (i64.const 2) (local.get 0) (i64.const 3) (local.get 0) (i64.const 4)
      (i32.const 5)))))";

Linker make_linker() {
  Linker linker;
  linker.define("host", "twice", [](std::int32_t value) { return 2 * value; });
  return linker;
}

struct Tried {
  Pool pool;
  Optimization optimization;
};

Tried try_program(const Engine& engine, CompileOptions options, const Linker& linker = make_linker()) {
  options.tier = Tier::kOptimized;
  const Module module = engine.compile(test::wat(kProgram), options).value();
  return {Pool::create(module, linker, {.capacity = 1, .audit_every = 1}).value(), module.optimization()};
}

std::string names(const Error& error) {
  std::string text;
  for (const Frame& frame : error.backtrace) text += std::to_string(frame.function_index) + " ";
  return text;
}

TEST_F(Tiers, OptimizedCodeDoesWhatQuickCodeDoes) {
  const Engine engine({.cache = false});
  const std::vector<CompileOptions> all = {{},
                                           {.card_bytes = 512},
                                           {.ledger = Ledger::kCow},
                                           {.explicit_bounds = true},
                                           {.fuel = true},
                                           {.canonical_nan = true},
                                           {.stack_limit = 1000}};
  for (const CompileOptions& options : all) {
    const Tried tried = try_program(engine, options);
    EXPECT_EQ(tried.optimization.note, "");
    EXPECT_EQ(tried.optimization.optimized, 7u);
    EXPECT_TRUE(tried.optimization.not_optimized.empty());
    const Pool quick =
        Pool::create(engine.compile(test::wat(kProgram), options).value(), make_linker(), {.capacity = 1}).value();
    for (int i = 0; i < 3; ++i) {  // each as new
      Lease lease = tried.pool.acquire().value();
      Lease other = quick.acquire().value();
      if (options.fuel) {
        lease.set_fuel(100'000);
        other.set_fuel(100'000);
      }
      EXPECT_EQ(lease.call<std::int32_t>("sum", 1000).value(), 1000 * 999 / 2 + 1000);
      EXPECT_EQ(lease.call<std::int32_t>("load", 16).value(), 6);
      EXPECT_EQ(lease.call<std::int32_t>("indirect", 16).value(), 5);
      EXPECT_EQ(lease.call<std::int32_t>("host", 21).value(), 43);
      EXPECT_EQ(lease.call<std::int64_t>("many", 7).value(), 17);
      (void)other.call<std::int32_t>("sum", 1000).value();
      (void)other.call<std::int32_t>("load", 16).value();
      (void)other.call<std::int32_t>("indirect", 16).value();
      (void)other.call<std::int32_t>("host", 21).value();
      (void)other.call<std::int64_t>("many", 7).value();
      if (options.fuel) {
        EXPECT_EQ(lease.fuel(), other.fuel());
      }
    }
  }
}

TEST_F(Tiers, BacktracesNameWhatIsInlined) {
  const Engine engine({.cache = false});
  const Tried tried = try_program(engine, {});
  const Pool quick = Pool::create(engine.compile(test::wat(kProgram)).value(), make_linker(), {.capacity = 1}).value();
  for (const char* name : {"load", "indirect"}) {
    const auto trapped = tried.pool.acquire().value().call<std::int32_t>(name, -1000);
    const auto expected = quick.acquire().value().call<std::int32_t>(name, -1000);
    ASSERT_FALSE(trapped);
    ASSERT_FALSE(expected);
    EXPECT_EQ(trapped.error().trap, TrapKind::kMemoryOutOfBounds);
    ASSERT_EQ(names(trapped.error()), names(expected.error())) << name;
    for (std::size_t i = 0; i < expected.error().backtrace.size(); ++i)
      EXPECT_EQ(trapped.error().backtrace[i].module_offset, expected.error().backtrace[i].module_offset) << name << i;
  }
}

TEST_F(Tiers, AnArtifactKeepsOptimizedCode) {
  const test::TemporaryDirectory directory;
  const Engine engine({.cache = false});
  const Module module = engine.compile(test::wat(kProgram), {.tier = Tier::kOptimized}).value();
  const fs::path path = directory.path() / "program.anew";
  ASSERT_TRUE(engine.save(module, path));
  const Module loaded = engine.load(path, {.tier = Tier::kOptimized}).value();
  EXPECT_EQ(loaded.optimization().optimized, 7u);
  const Pool pool = Pool::create(loaded, make_linker(), {.capacity = 1, .audit_every = 1}).value();
  EXPECT_EQ(pool.acquire().value().call<std::int32_t>("sum", 10).value(), 55);
  const auto trapped = pool.acquire().value().call<std::int32_t>("load", -1000);
  ASSERT_FALSE(trapped);
  EXPECT_EQ(names(trapped.error()), "1 3 ");
  EXPECT_EQ(engine.load(path, {.tier = Tier::kAuto}).value().optimization().optimized, 7u);
  // Quick code is none of what is asked for.
  ASSERT_TRUE(engine.save(engine.compile(test::wat(kProgram)).value(), path));
  EXPECT_FALSE(engine.load(path, {.tier = Tier::kOptimized}));
}

TEST_F(Tiers, WithoutTheOptimizerTheQuickCodeRunsAndANoteSaysWhy) {
  setenv("ANEW_OPTIMIZER", "/nonexistent/anew-optimizer", 1);
  const Tried tried = try_program(Engine({.cache = false}), {});
  EXPECT_EQ(tried.optimization.optimized, 0u);
  EXPECT_NE(tried.optimization.note.find("/nonexistent/anew-optimizer"), std::string::npos);
  EXPECT_EQ(tried.pool.acquire().value().call<std::int32_t>("sum", 10).value(), 55);
}

/// Calls a module of Tier::kAuto until something of it is optimized. @return how often; 0: it never was.
int run_until_optimized(const Module& module) {
  const Pool pool = Pool::create(module, make_linker(), {.capacity = 1}).value();
  const auto end = std::chrono::steady_clock::now() + seconds(200);
  for (int calls = 1; std::chrono::steady_clock::now() < end; ++calls) {
    (void)pool.acquire().value().call<std::int32_t>("sum", 30'000).value();
    if (module.optimization().optimized > 0) return calls;
  }
  return 0;
}

TEST_F(Tiers, WhatRunsLongIsOptimizedWhileItRuns) {
  const Engine engine({.cache = false});
  const Module module = engine.compile(test::wat(kProgram), {.tier = Tier::kAuto}).value();
  const Pool pool = Pool::create(module, make_linker(), {.capacity = 1, .audit_every = 1}).value();
  EXPECT_EQ(module.optimization().optimized, 0u);
  const auto end = std::chrono::steady_clock::now() + seconds(300);
  while (module.optimization().optimized == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << module.optimization().note;
    EXPECT_EQ(pool.acquire().value().call<std::int32_t>("sum", 30'000).value(), 449'985'000 + 30'000);
  }
  EXPECT_EQ(module.optimization().note, "");
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(pool.acquire().value().call<std::int32_t>("sum", 30'000).value(), 449'985'000 + 30'000);
  const auto trapped = pool.acquire().value().call<std::int32_t>("sum", 100'000);
  ASSERT_FALSE(trapped);
  EXPECT_EQ(names(trapped.error()), "2 ");
}

/// Processes that this one started and that run.
int count_children() {
  int count = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "stat");  // "id (name) state parent ..."
    std::string text;
    if (!std::getline(file, text) || text.rfind(')') == text.npos) continue;
    std::istringstream rest(text.substr(text.rfind(')') + 1));
    char state = 0;
    long parent = 0;
    rest >> state >> parent;
    count += parent == getpid() && state != 'Z' ? 1 : 0;
  }
  return count;
}

TEST_F(Tiers, OneProcessWorksForAllModules) {
  const Engine engine({.cache = false});
  std::vector<Module> modules;
  std::vector<Pool> pools;
  for (int i = 0; i < 8; ++i) {
    modules.push_back(engine.compile(test::wat(kProgram), {.tier = Tier::kAuto}).value());
    pools.push_back(Pool::create(modules.back(), make_linker(), {.capacity = 1}).value());
  }
  int most = 0;
  const auto is_left = [](const Module& module) { return module.optimization().optimized == 0; };
  for (const auto end = Clock::now() + seconds(300); std::ranges::any_of(modules, is_left);) {
    ASSERT_LT(Clock::now(), end);
    for (const Pool& pool : pools)
      EXPECT_EQ(pool.acquire().value().call<std::int32_t>("sum", 30'000).value(), 449'985'000 + 30'000);
    most = std::max(most, count_children());
  }
  EXPECT_LE(most, 1);
}

TEST_F(Tiers, ModulesGoWhileTheyAreOptimized) {
  const Engine engine({.cache = false});
  // How many calls it takes until something is optimized; the modules after it go at all times before and behind that.
  int calls = 0;
  {
    const Module module = engine.compile(test::wat(kProgram), {.tier = Tier::kAuto}).value();
    calls = run_until_optimized(module);
  }
  ASSERT_GT(calls, 0);
  for (int i = 0; i < 40; ++i) {
    const Module module = engine.compile(test::wat(kProgram), {.tier = Tier::kAuto}).value();
    const Pool pool = Pool::create(module, make_linker(), {.capacity = 1}).value();
    for (int j = 0; j < std::min(calls, 2'000) * i / 32; ++j)
      (void)pool.acquire().value().call<std::int32_t>("sum", 30'000).value();
  }
  // Whatever became of theirs, what comes after them is optimized.
  EXPECT_GT(run_until_optimized(engine.compile(test::wat(kProgram), {.tier = Tier::kAuto}).value()), 0);
}

TEST_F(Tiers, AForkedChildOptimizesModulesOfItsOwn) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizers' own threads and locks do not survive a fork";
#endif
  const Engine engine({.cache = false});
  const Module module = engine.compile(test::wat(kProgram), {.tier = Tier::kAuto}).value();
  ASSERT_GT(run_until_optimized(module), 0);
  const int status = test::run_in_child([] {
    alarm(300);  // a thread that is not there is waited for until then
    for (int i = 0; i < 2; ++i) {
      const Engine own({.compile_threads = 1, .cache = false});
      if (run_until_optimized(own.compile(test::wat(kProgram), {.tier = Tier::kAuto}).value()) == 0) return 1 + i;
    }
    return 0;
  });
  EXPECT_EQ(status, 0) << "of the child; -1: it was killed, such as by its alarm";
  const Pool pool = Pool::create(module, make_linker(), {.capacity = 1}).value();
  EXPECT_EQ(pool.acquire().value().call<std::int32_t>("sum", 10).value(), 55);
}

}  // namespace
}  // namespace anew
