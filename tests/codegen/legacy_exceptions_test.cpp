// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// try, catch, catch_all, rethrow and delegate (legacy-exceptions): who catches what, what a catch finds in its frame
// and leaves behind, and shapes that are made to be expensive.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "run.hpp"
#include "support/wat.hpp"

namespace anew::codegen::test {
namespace {

using anew::test::compile;
using anew::test::wat;

Pool pool_of(std::string_view text, const CompileOptions& options = {}) {
  return anew::test::make_pool(text, {.audit_every = 1}, {}, options);
}

TEST(LegacyExceptions, AreCaughtByTheFirstClauseThatMatches) {
  const Pool pool = pool_of(R"((module
    (tag $a (param i32)) (tag $b (param i32)) (tag $c)
    (func $throw (param i32)
      (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $a (i32.const 10))))
      (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $b (i32.const 20))))
      (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $c))))
    (func (export "run") (param i32) (result i32)
      try (result i32)
        try (result i32)
          local.get 0  call $throw  i32.const 1
        catch $b  i32.const 1  i32.add
        catch $b  i32.const 2  i32.add
        end
      catch $a  i32.const 3  i32.add
      catch_all  i32.const 4
      end)))");
  EXPECT_EQ(run<std::uint32_t>(pool, "run", 0u).value(), 1u);
  EXPECT_EQ(run<std::uint32_t>(pool, "run", 1u).value(), 13u);
  EXPECT_EQ(run<std::uint32_t>(pool, "run", 2u).value(), 21u);
  EXPECT_EQ(run<std::uint32_t>(pool, "run", 3u).value(), 4u);
}

TEST(LegacyExceptions, CarryValuesOfAllTypes) {
  const Pool pool = pool_of(R"((module
    (tag $t (param i32 v128 f64 i64 f32))
    (func $throw (throw $t (i32.const 1) (v128.const i64x2 0 20) (f64.const 300) (i64.const 4000) (f32.const 50000)))
    (func (export "run") (result i64) (local i64)
      try (result i32 v128 f64 i64)
        call $throw  unreachable
      catch $t
        i64.trunc_f32_u  local.set 0
      end
      local.get 0  i64.add  local.set 0
      i64.trunc_f64_u  local.get 0  i64.add  local.set 0
      i64x2.extract_lane 1  local.get 0  i64.add  local.set 0
      i64.extend_i32_u  local.get 0  i64.add)))");
  EXPECT_EQ(run<std::uint64_t>(pool, "run").value(), 54'321u);
}

TEST(LegacyExceptions, FindLocalsAndOperandsAsTheyWereAtTheThrow) {
  const Pool pool = pool_of(R"((module
    (tag $t (param i32))
    (func $nothing)
    (func $throw (param i32) (local i32 i32 i32 i32 i32 i32)
      ;; uses every register across a call, so that what its caller had there is gone
      (local.set 1 (i32.mul (local.get 0) (i32.const 3))) (local.set 2 (i32.mul (local.get 0) (i32.const 5)))
      (local.set 3 (i32.mul (local.get 0) (i32.const 7))) (local.set 4 (i32.mul (local.get 0) (i32.const 9)))
      (call $nothing)
      (local.set 5 (i32.add (i32.add (local.get 1) (local.get 2)) (i32.add (local.get 3) (local.get 4))))
      (throw $t (local.get 5)))
    (func (export "run") (param i32) (result i32) (local i32 i32)
      local.get 0                       ;; below the try: a local that changes within,
      local.get 0  i32.const 1  i32.add ;; a register,
      i32.const 1000                    ;; and a constant
      local.get 0  i32.const 2  i32.mul  local.set 1
      local.get 0
      try (param i32) (result i32)
        i32.const 7  local.set 0
        local.get 1  i32.const 5  i32.add  local.set 1
        call $throw
        i32.const 99  local.set 2
        i32.const 5
      catch $t
        local.get 1  i32.add  local.get 2  i32.add
        local.get 0  i32.const 1000000  i32.mul  i32.add
      end
      i32.add i32.add i32.add)))");
  for (const std::uint32_t x : {0u, 1u, 77u}) {
    const std::uint32_t caught = 24 * x + (2 * x + 5) + 0 + 7'000'000;
    EXPECT_EQ(run<std::uint32_t>(pool, "run", x).value(), caught + 1000 + (x + 1) + x) << x;
  }
}

TEST(LegacyExceptions, AreRethrownFromTheCatchThatIsNamed) {
  const Pool pool = pool_of(R"((module
    (tag $t (param i32))
    (func $throw (param i32) (throw $t (local.get 0)))
    (func $again (param i32 i32)
      try
        local.get 0  call $throw
      catch_all
        try
          local.get 0  i32.const 1  i32.add  call $throw
        catch $t
          drop
          local.get 1
          if
            rethrow 2     ;; the outer exception
          end
          rethrow 0       ;; the inner one
        end
      end)
    (func (export "run") (param i32 i32) (result i32)
      try (result i32)
        local.get 0  local.get 1  call $again  i32.const 0
      catch $t
      end)
    (func (export "within") (result i32)   ;; a rethrow within another try
      try (result i32)
        i32.const 5  call $throw  i32.const 0
      catch $t
        try (param i32) (result i32)
          i32.const 10  i32.add  drop
          rethrow 1
        catch $t
          i32.const 100  i32.add
        end
      end)
    (func (export "uncaught") (try (do (call $throw (i32.const 1))) (catch_all (rethrow 0))))))");
  EXPECT_EQ(run<std::uint32_t>(pool, "run", 7u, 1u).value(), 7u);
  EXPECT_EQ(run<std::uint32_t>(pool, "run", 7u, 0u).value(), 8u);
  EXPECT_EQ(run<std::uint32_t>(pool, "within").value(), 105u);
  const auto uncaught = run<void>(pool, "uncaught");
  ASSERT_FALSE(uncaught);
  EXPECT_EQ(uncaught.error().trap, TrapKind::kUnhandledException);
}

TEST(LegacyExceptions, AreDelegatedToTheLabelThatIsNamed) {
  const Pool pool = pool_of(R"((module
    (tag $t)
    (func $throw (throw $t))
    (func (export "past_one") (result i32)
      try $outer (result i32)
        try (result i32)
          try
            call $throw
          delegate 1
          i32.const 1
        catch_all  i32.const 2
        end
      catch_all  i32.const 3
      end)
    (func (export "to_a_block") (result i32)    ;; what is around the block catches it
      try (result i32)
        block
          try
            try
              call $throw
            delegate 1
          catch_all  i32.const 2  return
          end
        end
        i32.const 1
      catch_all  i32.const 3
      end)
    (func $to_the_caller
      try
        try
          call $throw
        delegate 1
      catch_all
      end)
    (func (export "to_the_caller") (result i32)
      (try (result i32) (do (call $to_the_caller) (i32.const 1)) (catch_all (i32.const 4))))
    (func (export "from_a_catch") (result i32)  ;; the catch is not within its own try
      try (result i32)
        try (result i32)
          call $throw  i32.const 0
        catch_all
          try
            call $throw
          delegate 0
          i32.const 1
        end
      catch_all  i32.const 5
      end)
    (func (export "twice") (result i32)
      try (result i32)
        try (result i32)
          try
            try
              call $throw
            delegate 0
          delegate 1
          i32.const 1
        catch_all  i32.const 2
        end
      catch_all  i32.const 6
      end)
    (func (export "falls_through") (param i32) (result i32)
      i32.const 40
      try (param i32) (result i32)
        local.get 0
        if
          i32.const 7  br 1
        end
        i32.const 2  i32.add
      delegate 0)))");
  EXPECT_EQ(run<std::uint32_t>(pool, "past_one").value(), 3u);
  EXPECT_EQ(run<std::uint32_t>(pool, "to_a_block").value(), 3u);
  EXPECT_EQ(run<std::uint32_t>(pool, "to_the_caller").value(), 4u);
  EXPECT_EQ(run<std::uint32_t>(pool, "from_a_catch").value(), 5u);
  EXPECT_EQ(run<std::uint32_t>(pool, "twice").value(), 6u);
  EXPECT_EQ(run<std::uint32_t>(pool, "falls_through", 0u).value(), 42u);
  EXPECT_EQ(run<std::uint32_t>(pool, "falls_through", 1u).value(), 7u);
}

/// The results of a catch lie above what was caught, which is still there where a branch was not taken.
TEST(LegacyExceptions, LeaveTheirResultsWhereTheBlockEnds) {
  const Pool pool = pool_of(R"((module
    (tag $t (param i32 i32 i32)) (tag $u (param i32))
    (func $throw (throw $t (i32.const 1) (i32.const 20) (i32.const 300)))
    (func (export "fall") (result i32)
      try (result i32 i32 i32)
        call $throw  unreachable
      catch $t
      end
      i32.add i32.add)
    (func (export "branch") (param i32) (result i32)
      try (result i32)
        block (result i32 i32 i32)
          try (result i32 i32 i32)
            call $throw  unreachable
          catch $t
            local.get 0  i32.const 1  i32.eq  br_if 0
            local.get 0  i32.const 2  i32.eq  br_if 1
            block (param i32 i32 i32) (result i32 i32 i32)
              local.get 0  br_table 0 0 0 1 2 0
            end
            rethrow 0
          end
          i32.const 1000  i32.add
        end
        i32.add i32.add
      catch $t
        i32.add i32.add  i32.const 5000  i32.add
      end)
    (func (export "keep") (param i32) (result i32)  ;; one result, in a register
      try (result i32)
        try (result i32)
          (throw $u (i32.const 6))
        catch $u
          i32.const 7  local.get 0  br_if 0
          drop
          rethrow 0
        end
      catch $u
        i32.const 90  i32.add
      end)))");
  EXPECT_EQ(run<std::uint32_t>(pool, "fall").value(), 321u);
  EXPECT_EQ(run<std::uint32_t>(pool, "branch", 0u).value(), 5321u);
  EXPECT_EQ(run<std::uint32_t>(pool, "branch", 1u).value(), 1321u);
  EXPECT_EQ(run<std::uint32_t>(pool, "branch", 2u).value(), 321u);
  EXPECT_EQ(run<std::uint32_t>(pool, "branch", 3u).value(), 1321u);
  EXPECT_EQ(run<std::uint32_t>(pool, "branch", 4u).value(), 321u);
  EXPECT_EQ(run<std::uint32_t>(pool, "keep", 1u).value(), 7u);
  EXPECT_EQ(run<std::uint32_t>(pool, "keep", 0u).value(), 96u);
}

constexpr std::string_view kStopped = R"((module
  (memory 1) (tag $t)
  (func $deep (call $deep) (call $deep))
  (func (export "unreachable") (try (do (unreachable)) (catch_all)))
  (func (export "divide") (param i32) (try (do (drop (i32.div_u (i32.const 1) (local.get 0)))) (catch_all)))
  (func (export "outside") (param i32) (try (do (drop (i32.load (local.get 0)))) (catch_all)))
  (func (export "deep") (try (do (call $deep)) (catch_all)))
  (func (export "spin") (try (do (loop (br 0))) (catch_all)))
  (func (export "spin_in_catch") (try (do (throw $t)) (catch_all (loop (br 0)))))
  (func (export "throw_on") (loop (try (do (throw $t)) (catch_all)) (br 0)))
  (func $none)
  (func $throw (throw $t))
  (func (export "tail") (try (do (return_call $throw)) (catch_all)))))";

TEST(LegacyExceptions, AreNotTrapsNorDeadlines) {
  const Pool pool = pool_of(kStopped);
  const auto trap = [&](std::string_view function, auto... arguments) {
    const bool ends = !function.starts_with("spin") && !function.starts_with("throw");
    Lease lease = pool.acquire().value();
    lease.set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(ends ? 60'000 : 20));
    const auto result = lease.call<void>(function, arguments...);
    return result ? TrapKind::kNone : result.error().trap;
  };
  EXPECT_EQ(trap("unreachable"), TrapKind::kUnreachable);
  EXPECT_EQ(trap("divide", 0u), TrapKind::kIntegerDivideByZero);
  EXPECT_EQ(trap("outside", 0xFFFF'0000u), TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(trap("deep"), TrapKind::kStackExhausted);
  EXPECT_EQ(trap("tail"), TrapKind::kUnhandledException) << "the function is gone";
  for (const char* const forever : {"spin", "spin_in_catch", "throw_on"})
    EXPECT_EQ(trap(forever), TrapKind::kInterrupted) << forever;
  const Pool metered = pool_of(kStopped, {.fuel = true});
  for (const char* const forever : {"spin", "spin_in_catch", "throw_on"}) {
    Lease lease = metered.acquire().value();
    lease.set_fuel(10'000);
    EXPECT_EQ(lease.call<void>(forever).error().trap, TrapKind::kOutOfFuel) << forever;
  }
}

/// What is caught stays as long as its catch may rethrow it, and no longer.
TEST(LegacyExceptions, AreHeldWhileTheirCatchIsOpen) {
  const Pool pool = pool_of(R"((module
    (tag $t (param i64 i64 i64 i64))
    (func $throw (param i64) (throw $t (local.get 0) (local.get 0) (i64.const 3) (i64.const 4)))
    (func $churn (param i32) ;; megabytes of exceptions
      loop
        try
          i64.const -1  call $throw
        catch_all
        end
        local.get 0  i32.const 1  i32.sub  local.tee 0  br_if 0
      end)
    (func (export "churn") (param i32) (call $churn (local.get 0)))
    (func $nest (param i32)
      try
        local.get 0  i64.extend_i32_u  call $throw
      catch $t
        drop drop drop drop
        local.get 0
        if
          try
            local.get 0  i32.const 1  i32.sub  call $nest
          catch_all
          end
        else
          i32.const 100000  call $churn
        end
        rethrow 0
      end)
    (func (export "nest") (param i32) (result i64)
      try (result i64)
        local.get 0  call $nest  i64.const -2
      catch $t
        drop drop drop
      end)))");
  EXPECT_TRUE(run<void>(pool, "churn", 3'000'000u));
  EXPECT_EQ(run<std::uint64_t>(pool, "nest", 50u).value(), 50u);
  EXPECT_EQ(run<std::uint64_t>(pool, "nest", 0u).value(), 0u);
}

/// A try_table finds what a try does not catch, and the other way round.
TEST(LegacyExceptions, WorkTogetherWithTheNewerOnes) {
  ModuleBuilder builder;
  const std::uint32_t a = builder.tag({kI32});
  const std::uint32_t b = builder.tag({kI32});
  Code thrower;
  thrower.get(0).open(Op::kIf).i32(1).op(Op::kThrow, a).end().i32(2).op(Op::kThrow, b);
  const std::uint32_t throws = builder.function({{kI32}, {}}, {}, thrower);
  const auto try_table = [](Code& code, std::uint32_t tag) -> Code& {  // catch TAG 0
    return code.open(Op::kTryTable).unsigned_leb(1).byte(0).unsigned_leb(tag).unsigned_leb(0);
  };
  Code outside;
  outside.open(Op::kBlock, kI32);
  try_table(outside, a).open(Op::kTry).get(0).call(throws).op(Op::kCatch, b).i32(20).op(Op::kI32Add);
  outside.op(Op::kReturn).end().end().i32(0).end().i32(10).op(Op::kI32Add);
  builder.function({{kI32}, {kI32}}, {}, outside, "table_outside");
  Code inside;
  inside.open(Op::kTry, kI32).open(Op::kBlock, kI32);
  try_table(inside, b).open(Op::kTry).get(0).call(throws).op(Op::kDelegate, 0u).end().i32(0).end();
  inside.i32(20).op(Op::kI32Add).op(Op::kCatch, a).i32(10).op(Op::kI32Add).end();
  builder.function({{kI32}, {kI32}}, {}, inside, "table_inside");
  const auto pool = make_pool(builder);
  ASSERT_TRUE(pool);
  for (const char* const function : {"table_outside", "table_inside"}) {
    EXPECT_EQ(run<std::uint32_t>(*pool, function, 1u).value(), 11u) << function;
    EXPECT_EQ(run<std::uint32_t>(*pool, function, 0u).value(), 22u) << function;
  }
}

TEST(LegacyExceptions, CrossInstancesAndArtifacts) {
  const Module library = compile(R"((module
    (tag $t (export "tag") (param i32)) (tag $other)
    (func (export "throw") (param i32) (if (local.get 0) (then (throw $t (local.get 0)))) (throw $other))))");
  constexpr std::string_view kMain = R"((module
    (import "library" "tag" (tag $t (param i32))) (import "library" "throw" (func $throw (param i32)))
    (memory 1) (tag $mine (param i32))
    (func (export "run") (param i32) (result i32)
      try (result i32)
        try
          local.get 0  call $throw
        catch $t
          local.set 0  i32.const 0  local.get 0  i32.store
          rethrow 0
        end
        i32.const 0
      catch $mine
      catch $t  i32.const 100  i32.add  i32.const 0  i32.load  i32.add
      catch_all  i32.const -1
      end)))";
  const std::string file = testing::TempDir() + "legacy_exceptions.anew";
  ASSERT_TRUE(engine().save(engine().compile(wat(kMain)).value(), file));
  Linker linker;
  linker.define_module("library", library);
  for (const Module& main : {engine().compile(wat(kMain)).value(), engine().load(file).value()}) {
    const Pool pool = Pool::create(main, linker, {.audit_every = 1}).value();
    EXPECT_EQ(run<std::uint32_t>(pool, "run", 7u).value(), 114u);
    EXPECT_EQ(run<std::uint32_t>(pool, "run", 0u).value(), ~0u);
  }
}

/// Shapes that compile_test.cpp times: here they run.
TEST(LegacyExceptions, PassThroughManyTrysAndClauses) {
  constexpr std::uint32_t kMany = 20'000;
  ModuleBuilder builder;
  const std::uint32_t tag = builder.tag({});
  const std::uint32_t other = builder.tag({});
  const auto add = [&](const Code& inside, const Code& ends, std::string_view name) {
    Code code = Code().open(Op::kTry).append(inside).op(Op::kThrow, tag).append(ends);
    builder.function({{}, {kI32}}, {}, code.op(Op::kCatchAll).i32(7).op(Op::kReturn).end().i32(0), name);
  };
  Code trys, again, next, outermost, clauses;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    trys.open(Op::kTry);
    again.op(Op::kCatchAll).op(Op::kRethrow, 0u).end();
    next.op(Op::kDelegate, 0u);
    outermost.op(Op::kDelegate, kMany - i - 1);
    clauses.op(Op::kCatch, other);
  }
  add(trys, again, "again");
  add(trys, next, "next");
  add(trys, outermost, "outermost");
  add({}, clauses, "clauses");
  const auto pool = make_pool(builder);
  ASSERT_TRUE(pool);
  for (const char* const function : {"again", "next", "outermost", "clauses"})
    EXPECT_EQ(run<std::uint32_t>(*pool, function).value(), 7u) << function;
}

}  // namespace
}  // namespace anew::codegen::test
