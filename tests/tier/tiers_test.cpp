// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Modules in the optimizing tier as an embedder has them, with the program that optimizes.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "os/child_process.hpp"
#include "os/temporary_directory.hpp"
#include "support/optimizer.hpp"
#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

class Tiers : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(test::kOptimizer)) GTEST_SKIP() << "built where LLVM is found only";
    setenv("ANEW_OPTIMIZER", test::kOptimizer.c_str(), 1);
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
                                           {.ledger = Ledger::kPagemap},
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

TEST_F(Tiers, LoadsTrapWhateverBecomesOfTheirValues) {
  struct Shape {
    const char* name;
    const char* body;  ///< of a function of an i32: {0} is the load, {1} its type, {2} from that to i64
  };
  const std::vector<Shape> shapes = {
      {"unused", "local.get 0 {0} drop i32.const 1"},
      {"one bit", "local.get 0 {0} {2} i64.const 1 i64.and i32.wrap_i64"},
      {"times 0", "local.get 0 {0} {2} i64.const 0 i64.mul i32.wrap_i64"},
      {"compared", "local.get 0 {0} {2} i64.eqz"},
      {"in both arms",
       "local.get 0 if (result {1}) local.get 0 {0} else local.get 0 {0} offset=1 end drop i32.const 1"},
      {"twice", "local.get 0 {0} drop local.get 0 {0} {2} i32.wrap_i64"},
      {"behind a store", "i32.const 8 i64.const 7 i64.store local.get 0 {0} drop i32.const 8 i32.load"},
      {"in a loop",
       "(local i32) loop local.get 0 {0} drop local.get 1 i32.const 1 i32.add local.tee 1 i32.const 9 i32.lt_u br_if 0 "
       "end "
       "local.get 1"}};
  struct Load {
    const char* op;
    const char* type;
    const char* wide;  ///< from its type to i64
  };
  const std::vector<Load> loads = {{"i32.load", "i32", "i64.extend_i32_u"},
                                   {"i32.load8_s", "i32", "i64.extend_i32_u"},
                                   {"i32.load16_u", "i32", "i64.extend_i32_u"},
                                   {"i64.load", "i64", ""},
                                   {"i64.load8_u", "i64", ""},
                                   {"i64.load32_s", "i64", ""},
                                   {"f32.load", "f32", "i32.reinterpret_f32 i64.extend_i32_u"},
                                   {"f64.load", "f64", "i64.reinterpret_f64"},
                                   {"v128.load", "v128", "i64x2.extract_lane 1"}};
  const Engine engine({.cache = false});
  for (const bool explicit_bounds : {false, true}) {
    std::string text = "(module (memory 1)";
    std::vector<std::string> names;
    for (const Load& load : loads) {
      for (const Shape& shape : shapes) {
        names.push_back(std::string(load.op) + " " + shape.name);
        text += "(func (export \"" + names.back() + "\") (param i32) (result i32) " +
                fmt::format(fmt::runtime(shape.body), load.op, load.type, load.wide) + ")";
      }
    }
    const Module module =
        engine.compile(test::wat(text + ")"), {.explicit_bounds = explicit_bounds, .tier = Tier::kOptimized}).value();
    ASSERT_EQ(module.optimization().optimized, names.size());
    const Pool pool = Pool::create(module, {}, {.capacity = 1}).value();
    for (const std::string& name : names) {
      const auto function = pool.function<std::int32_t(std::int32_t)>(name).value();
      EXPECT_TRUE(pool.acquire().value().call(function, 64)) << name;
      const auto outside = pool.acquire().value().call(function, 65'536);
      ASSERT_FALSE(outside) << name;
      EXPECT_NE(outside.error().message.find("out of bounds"), std::string::npos) << outside.error().message;
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

TEST_F(Tiers, ExceptionsPassThroughOptimizedFrames) {
  // "outer" and "between" are optimized and have more values than registers; the handler in "catch" must give back
  // those that "between" took from "outer".
  std::string live;
  std::string sum = "(local.get 0)";
  std::string locals;
  for (int i = 1; i <= 12; ++i) {
    const std::string local = std::to_string(i);
    locals += " i64";
    live += "(local.set " + local + " (i64.mul (local.get 0) (i64.load (i32.const " + std::to_string(8 * i) + "))))";
    sum = "(i64.add " + sum + " (local.get " + local + "))";
  }
  const std::string text =
      R"((module (memory 1) (global $value i64 (i64.const 11)) (tag $tag (param i64))
    (table funcref (elem $catch $between $throw)) (type $t (func (param i64) (result i64)))
    (func $start (local i32) (loop $again
      (i64.store (local.get 0) (global.get $value))
      (br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 8))) (i32.const 200)))))
    (start $start)
    (func $throw (type $t) (throw $tag (i64.add (local.get 0) (i64.const 1))))
    (func $catch (type $t) (try (result i64)
      (do (call_indirect (type $t) (local.get 0) (i32.const 1)))
      (catch $tag (i64.mul (i64.const 1000)))))
    (func $between (type $t) (local)" +
      locals + ")" + live + R"((i64.add (call_indirect (type $t) (local.get 0) (i32.const 2)) )" + sum + R"())
    (func (export "outer") (type $t) (local)" +
      locals + ")" + live + R"((i64.add (call_indirect (type $t) (local.get 0) (i32.const 0)) )" + sum + ")))";
  const Module module = test::compile(text, {.tier = Tier::kOptimized});
  EXPECT_EQ(module.optimization().optimized, 4u);
  ASSERT_EQ(module.optimization().not_optimized.size(), 1u);
  const Pool pool = Pool::create(module, Linker(), {.capacity = 1, .audit_every = 1}).value();
  for (std::int64_t i = 1; i < 4; ++i)
    EXPECT_EQ(pool.acquire().value().call<std::int64_t>("outer", i).value(), 1000 * (i + 1) + i + 12 * 11 * i);
}

TEST_F(Tiers, ACallThatWaitsGoesOnOnAnotherThread) {
  // More arguments than there are registers go by way of the record of the thread that runs the call.
  constexpr const char* kText = R"((module (import "host" "ask" (func $ask (param i32) (result i32)))
    (type $nine (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
    (table funcref (elem $nine))
    (func $nine (type $nine) (i64.sub (i64.add (local.get 7) (local.get 8)) (local.get 0)))
    (func $call (param i64) (result i64) (call_indirect (type $nine)
      (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
      (local.get 0) (i32.const 0)))
    (func (export "run") (param i32) (result i64)
      (i64.add (i64.mul (call $call (i64.const 1)) (i64.const 1000))
        (call $call (i64.extend_i32_u (call $ask (local.get 0))))))))";
  std::optional<Completion<std::int32_t>> asked;
  Linker linker;
  linker.define_async("host", "ask", [&](std::int32_t, Completion<std::int32_t> answer) { asked = std::move(answer); });
  const Module module = test::compile(kText, {.tier = Tier::kOptimized});
  EXPECT_EQ(module.optimization().optimized, 3u);
  const Pool pool = Pool::create(module, linker, {.capacity = 1, .audit_every = 1}).value();
  const auto run = pool.function<std::int64_t(std::int32_t)>("run").value();
  std::optional<Call<std::int64_t>> call;
  std::thread([&] { call.emplace(pool.acquire().value().start(run, 7)); }).join();
  asked.value().complete(5);
  EXPECT_TRUE(call->resume());
  EXPECT_EQ(call->result().value(), 1005);
}

TEST_F(Tiers, PerfIsToldOfBothCodesOfAFunction) {
  const int status = test::run_in_child([] {
    const fs::path map = "/tmp/perf-" + std::to_string(getpid()) + ".map";
    const Engine engine({.compile_threads = 1, .cache = false, .perf_map = true});
    const bool is_compiled = engine.compile(test::wat("(module (func $f))"), {.tier = Tier::kOptimized}).has_value();
    std::ostringstream text;
    text << std::ifstream(map).rdbuf();
    fs::remove(map);
    return is_compiled && text.str().find(" f\n") != std::string::npos &&
                   text.str().find(" f_optimized\n") != std::string::npos
               ? 0
               : 1;
  });
  EXPECT_EQ(status, 0);
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
  if (test::kSanitized) GTEST_SKIP() << "the sanitizers' own threads and locks do not survive a fork";
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
