// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Blocks, branches, locals and operands: what must hold wherever ways through a function meet.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <anew/anew.hpp>
#include <optional>
#include <string>
#include <vector>

#include "run.hpp"
#include "support/module_builder.hpp"
#include "support/reference.hpp"
#include "support/wat.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

// --- br_table ---

TEST(BranchTables, GoWhereTheirIndexSaysAndToTheDefaultPastTheEnd) {
  for (const std::uint32_t targets : {0u, 1u, 2u, 3u, 10u, 100u, 1'000u}) {
    // A block a target; each leads behind itself, where its number becomes the result.
    ModuleBuilder builder;
    Code code;
    for (std::uint32_t i = 0; i <= targets; ++i) code.open(Op::kBlock);
    code.get(0).op(Op::kBrTable).unsigned_leb(targets);
    for (std::uint32_t i = 0; i <= targets; ++i) code.unsigned_leb(i);
    for (std::uint32_t i = 0; i <= targets; ++i) code.end().i32(1'000 + i).op(Op::kReturn);
    code.op(Op::kUnreachable);
    builder.function({{kI32}, {kI32}}, {}, code, "run");
    // All to one label, with a value, but the default.
    Code same;
    same.open(Op::kBlock, kI64).open(Op::kBlock, kI64).i64(7).get(0).op(Op::kBrTable).unsigned_leb(targets);
    for (std::uint32_t i = 0; i < targets; ++i) same.unsigned_leb(0);
    same.unsigned_leb(1).end().i64(100).op(Op::kI64Add).end();
    builder.function({{kI32}, {kI64}}, {}, same, "same");
    const auto pool = make_pool(builder);
    ASSERT_TRUE(pool);
    Lease lease = pool->acquire().value();
    for (std::uint32_t index :
         {0u, 1u, 2u, 9u, targets / 2, targets - 1, targets, targets + 1, 0x7FFF'FFFFu, 0x8000'0000u, ~0u}) {
      EXPECT_EQ(lease.call<std::uint32_t>("run", index).value(), 1'000 + std::min(index, targets)) << targets;
      EXPECT_EQ(lease.call<std::uint64_t>("same", index).value(), index < targets ? 107u : 7u) << targets;
    }
  }
}

TEST(BranchTables, LeaveLocalsInTheResultsRegisterToEveryTarget) {
  // $x was computed last, so it is where the results of the blocks will be; it must be saved on each way.
  const Pool pool = anew::test::make_pool(R"((module
    (func (export "run") (param $i i32) (param $a i64) (result i64) (local $x i64)
      (i64.add
        (block $outer (result i64)
          (i64.mul (i64.const 10)
            (block $middle (result i64)
              (i64.mul (i64.const 10)
                (block $inner (result i64)
                  (local.set $x (i64.mul (local.get $a) (i64.const 1000)))
                  (br_table $inner $middle $outer (i64.const 1) (local.get $i)))))))
        (local.get $x)))))");
  EXPECT_EQ(run<std::uint64_t>(pool, "run", 0u, 5ull).value(), 5'100u);
  EXPECT_EQ(run<std::uint64_t>(pool, "run", 1u, 5ull).value(), 5'010u);
  EXPECT_EQ(run<std::uint64_t>(pool, "run", 2u, 5ull).value(), 5'001u);
}

TEST(BranchTables, CarryValuesToLabelsOfEveryKind) {
  const Pool pool = anew::test::make_pool(R"((module
    (func (export "run") (param $i i32) (param $x i64) (result i64 f64 i64) (local $n i32)
      (i64.const 1) (f64.const 2) (local.get $x)                           ;; the function's label: depth 3
      (block $outer (param i64 f64 i64) (result i64 f64 i64)
        (loop $again (param i64 f64 i64) (result i64 f64 i64)
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (i64.add (i64.const 10))
          (block $inner (param i64 f64 i64) (result i64 f64 i64)
            (i64.add (local.get $x))
            (br_table $inner $again $outer 3
              (select (local.get $i) (i32.const 2) (i32.lt_u (local.get $n) (i32.const 4)))))
          (i64.mul (i64.const 3)))
        (i64.sub (i64.const 1)))
      (i64.add (i64.const 1000)))))");
  const auto reference = [](std::uint32_t index, std::uint64_t x) {
    std::uint64_t value = x;
    for (std::uint32_t n = 1;; ++n) {
      value += 10 + x;
      const std::uint32_t to = n < 4 ? index : 2;
      if (to == 0) return value * 3 - 1 + 1'000;
      if (to == 1) continue;
      return to == 2 ? value + 1'000 : value;
    }
  };
  for (const std::uint32_t index : {0u, 1u, 2u, 3u, 4u, ~0u}) {
    const Value arguments[] = {Value::i32(index), Value::i64(5)};
    const auto results = pool.acquire()->call_values("run", arguments);
    ASSERT_TRUE(results);
    EXPECT_EQ((*results)[0], Value::i64(1)) << index;
    EXPECT_EQ((*results)[1], Value::f64(2)) << index;
    EXPECT_EQ((*results)[2], Value::i64(reference(index, 5))) << index;
  }
}

// --- Blocks ---

TEST(Blocks, CanBeLeftFromAnyDepthToAnyOther) {
  constexpr std::uint32_t kDepth = 300;
  // Blocks with a value; a br or br_if from the innermost to each; every end that is passed adds 1.
  for (const bool conditional : {false, true}) {
    ModuleBuilder builder;
    for (std::uint32_t to = 0; to <= kDepth; to += 7) {
      Code code;
      for (std::uint32_t i = 0; i < kDepth; ++i) code.open(Op::kBlock, kI32);
      code.i32(0);
      if (conditional)
        code.get(0).op(Op::kBrIf, to);
      else
        code.op(Op::kBr, to);
      for (std::uint32_t i = 0; i < kDepth; ++i) code.end().i32(1).op(Op::kI32Add);
      builder.function({{kI32}, {kI32}}, {}, code, fmt::format("to {}", to));
    }
    const auto pool = make_pool(builder);
    ASSERT_TRUE(pool);
    Lease lease = pool->acquire().value();
    for (std::uint32_t to = 0; to <= kDepth; to += 7) {
      EXPECT_EQ(lease.call<std::uint32_t>(fmt::format("to {}", to), 1u).value(), kDepth - to) << conditional;
      if (conditional) {
        EXPECT_EQ(lease.call<std::uint32_t>(fmt::format("to {}", to), 0u).value(), kDepth);
      }
    }
  }
}

TEST(Blocks, TakeAndLeaveManyValues) {
  // n values of changing types go into a block, are turned round in it, and come out; below them lies another value.
  for (const std::uint32_t count : {1u, 2u, 3u, 5u, 8u, 20u, 100u, 1'000u}) {
    for (const Op op : {Op::kBlock, Op::kLoop, Op::kIf}) {
      ModuleBuilder builder;
      std::vector<ValueType> types, turned;
      for (std::uint32_t i = 0; i < count; ++i) types.push_back(i % 3 == 0 ? kI64 : i % 3 == 1 ? kF64 : kI32);
      turned.assign(types.rbegin(), types.rend());
      std::vector<ValueType> locals = types;
      Code code = Code().i64(0x77);
      for (std::uint32_t i = 0; i < count; ++i)
        code.constant(types[i], types[i] == kF64 ? std::bit_cast<std::uint64_t>(1.0 * i) : i);
      if (op == Op::kIf) code.get(0);
      code.open(op, builder.type({types, turned}));
      for (std::uint32_t i = count; i-- > 0;) code.set(1 + i);
      for (std::uint32_t i = count; i-- > 0;) code.get(1 + i);
      if (op == Op::kIf) {
        code.op(Op::kElse);
        for (std::uint32_t i = count; i-- > 0;) code.set(1 + i);
        for (std::uint32_t i = count; i-- > 0;) code.get(1 + i);
      }
      code.end();
      // In the order in which they come off: 0, 1, ...
      const std::uint32_t sum = 1 + count;
      locals.push_back(kI64);
      for (std::uint32_t i = 0; i < count; ++i) {
        if (types[i] == kI32) code.op(Op::kI64ExtendI32U);
        if (types[i] == kF64) code.op(Op::kI64TruncF64U);
        code.get(sum).i64(5).op(Op::kI64Mul).op(Op::kI64Add).set(sum);
      }
      code.get(sum).op(Op::kI64Xor);
      builder.function({{kI32}, {kI64}}, locals, code, "run");
      const auto pool = make_pool(builder);
      ASSERT_TRUE(pool);
      std::uint64_t expected = 0;
      for (std::uint32_t i = 0; i < count; ++i) expected = expected * 5 + i;
      for (const std::uint32_t condition : {0u, 1u}) {
        EXPECT_EQ(run<std::uint64_t>(*pool, "run", condition).value(), expected ^ 0x77)
            << count << " " << wasm::to_string(op);
      }
    }
  }
}

TEST(Blocks, TakeTheTopmostValuesOfABranchWhereverTheyLie) {
  // Results that are in memory already, but of other heights, for there are more values below them.
  const Pool pool = anew::test::make_pool(R"((module
    (func $nothing)
    (func (export "run") (param $c i32) (param $a i64) (param $b i64) (result i64) (local $x i64)
      (i64.const 1000)
      (block $end (result i64 i64)
        (i64.add (local.get $a) (i64.const 1))
        (i64.add (local.get $a) (i64.const 2))
        (i64.add (local.get $b) (i64.const 3))
        (call $nothing)
        (br_if $end (local.get $c))
        (local.set $x)
        (local.set $a)
        (i64.mul (i64.const 100))
        (i64.add (local.get $a) (local.get $x)))
      (i64.sub)
      (i64.sub))))");
  EXPECT_EQ(run<std::uint64_t>(pool, "run", 1u, 10ull, 20ull).value(), 1'011u);
  EXPECT_EQ(run<std::uint64_t>(pool, "run", 0u, 10ull, 20ull).value(), 1'000ull - (1'100 - 35));
}

TEST(Blocks, MeetWithLocalsInDifferentPlaces) {
  // The ways to a label leave the locals changed, read, or in memory (behind a call); all must agree behind it.
  const Pool pool = anew::test::make_pool(R"((module
    (func $nothing)
    (func (export "run") (param $way i32) (param $a i64) (param $b f64) (param $c i64) (result i64) (local $d i64)
      (block $end
        (block $three
          (block $two
            (block $one
              (br_table $one $two $three $end (local.get $way)))
            (local.set $a (i64.add (local.get $a) (local.get $c)))        ;; changed
            (local.set $d (i64.const 9))
            (br $end))
          (call $nothing)                                                  ;; all in memory
          (local.set $c (i64.const 3))
          (br_if $end (i32.eqz (local.get $way)))
          (local.set $b (f64.const 12))
          (br $end))
        (drop (i64.sub (local.get $c) (local.get $a)))                     ;; read only
        (local.set $a (local.get $c))
        (local.set $d (local.get $a)))
      (i64.add (i64.mul (local.get $a) (i64.const 1000000))
        (i64.add (i64.mul (i64.trunc_f64_s (local.get $b)) (i64.const 10000))
          (i64.add (i64.mul (local.get $c) (i64.const 100)) (local.get $d)))))))");
  const auto result = [&](std::uint32_t way) { return run<std::uint64_t>(pool, "run", way, 1ull, 2.0, 7ull).value(); };
  EXPECT_EQ(result(0), 8'020'709u);
  EXPECT_EQ(result(1), 1'120'300u);
  EXPECT_EQ(result(2), 7'020'707u);
  EXPECT_EQ(result(3), 1'020'700u);
}

TEST(Blocks, KeepConstantsBelowThemOverEveryWay) {
  const Pool pool = anew::test::make_pool(R"((module
    (func (export "run") (param $n i32) (result i64) (local $r i64) (local $i i32) (local $f f64)
      i64.const 1000  f64.const 7  i32.const 3
      loop $again (result i64)
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br_if $again (i32.gt_s (local.get $n) (i32.const 0)))
        (if (result i64) (local.get $n) (then (i64.const 5)) (else (i64.const 6)))
      end
      local.set $r  local.set $i  local.set $f
      (i64.sub (i64.add (local.get $r) (i64.extend_i32_s (local.get $i))) (i64.trunc_f64_s (local.get $f)))
      i64.sub)))");
  EXPECT_EQ(run<std::uint64_t>(pool, "run", 4u).value(), 1'000u - (6 + 3 - 7));
  EXPECT_EQ(run<std::uint64_t>(pool, "run", ~0u).value(), 1'000u - (5 + 3 - 7));
}

TEST(Loops, CarryTheirParametersRound) {
  const Pool pool = anew::test::make_pool(R"((module
    (func (export "fibonacci") (param $n i32) (result i64) (local $a i64) (local $b i64)
      i64.const 0  i64.const 1
      loop $again (param i64 i64) (result i64 i64)
        local.set $b  local.set $a
        local.get $b
        (i64.add (local.get $a) (local.get $b))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br_if $again (local.get $n))
      end
      drop)
    (func (export "gcd") (param $a i64) (param $b i64) (result i64) (local $t i64)
      local.get $a  local.get $b
      loop $again (param i64 i64) (result i64)
        local.set $b  local.set $a
        (local.get $b)
        (i64.eqz (local.get $b))
        if (param i64) (result i64)
          drop  local.get $a
        else
          (i64.rem_u (local.get $a) (local.get $b))
          br $again
        end
      end)))");
  EXPECT_EQ(run<std::uint64_t>(pool, "fibonacci", 1u).value(), 1u);
  EXPECT_EQ(run<std::uint64_t>(pool, "fibonacci", 50u).value(), 12'586'269'025u);
  EXPECT_EQ(run<std::uint64_t>(pool, "gcd", 1'071ull, 462ull).value(), 21u);
  EXPECT_EQ(run<std::uint64_t>(pool, "gcd", 17ull, 0ull).value(), 17u);
}

TEST(Ifs, WithoutElsePassTheirParametersOn) {
  const Pool pool = anew::test::make_pool(R"((module
    (func (export "one") (param $c i32) (param $x i64) (result i64)
      local.get $x  local.get $c
      if (param i64) (result i64)
        (i64.mul (i64.const 3))
      end)
    (func (export "two") (param $c i32) (param $x i64) (param $y f32) (result i64) (local $t f32)
      local.get $x  local.get $y  local.get $c
      if (param i64 f32) (result i64 f32)
        local.set $t
        i64.const 100
        i64.add
        (f32.add (local.get $t) (f32.const 1))
      end
      i64.trunc_f32_s
      i64.sub)
    (func (export "branch") (param $c i32) (param $x i64) (result i64)
      local.get $x  local.get $c
      if (param i64) (result i64)
        (br_if 0 (i64.gt_s (local.get $x) (i64.const 5)))
        i64.const 50
        i64.add
      end)
    (func (export "unreachable") (param $c i32) (param $x i64) (result i64)
      local.get $x  local.get $c
      if (param i64) (result i64)
        return
      end
      i64.const 1
      i64.add)))");
  const auto one = [&](const char* name, std::uint32_t c, std::uint64_t x) {
    return run<std::uint64_t>(pool, name, c, x).value();
  };
  EXPECT_EQ(one("one", 0, 7), 7u);
  EXPECT_EQ(one("branch", 0, 4), 4u);
  EXPECT_EQ(one("branch", 1, 4), 54u);
  EXPECT_EQ(one("branch", 1, 6), 6u);
  EXPECT_EQ(one("unreachable", 0, 6), 7u);
  EXPECT_EQ(one("unreachable", 1, 6), 6u);
  EXPECT_EQ(run<std::uint64_t>(pool, "two", 0u, 9ull, 2.0f).value(), 7u);
  EXPECT_EQ(run<std::uint64_t>(pool, "two", 1u, 9ull, 2.0f).value(), 106u);
}

TEST(UnreachableCode, OfEveryKindIsPassedOver) {
  const Pool pool = anew::test::make_pool(R"((module
    (func (export "behind br") (result i32)
      (block (result i32) (br 0 (i32.const 1)) (i32.add) (drop) (f32.sqrt) (drop) (i64.const 1) (drop)))
    (func (export "behind return") (result i32)
      (return (i32.const 2)) (loop (br 0)) (block (result f64) (unreachable)) (drop) (i32.clz))
    (func (export "behind br_table") (param i32) (result i32)
      (block (result i32) (br_table 0 1 0 (i32.const 3) (local.get 0))
        (if (then (nop)) (else (unreachable))) (select) (i32.eqz)))
    (func (export "both arms") (param i32) (result i32)
      (if (result i32) (local.get 0) (then (return (i32.const 4))) (else (return (i32.const 5)))) (i32.const 7) (i32.mul))
    (func (export "one arm") (param i32) (result i32)
      (if (result i32) (local.get 0) (then (return (i32.const 4))) (else (i32.const 5))) (i32.const 7) (i32.mul))
    (func (export "other arm") (param i32) (result i32)
      (if (result i32) (local.get 0) (then (i32.const 5)) (else (unreachable))) (i32.const 7) (i32.mul))
    (func (export "loop") (param i32) (result i32)
      (block (result i32)
        (loop
          (br_if 1 (i32.const 6) (local.get 0)) (drop)
          (local.set 0 (i32.const 1)) (br 0) (i32.const 0) (drop))
        (unreachable)))
    (func (export "label behind") (param i32) (result i32) (local i32)
      (block
        (block (br_if 1 (local.get 0)) (br 0) (local.set 1 (i32.const 100)))
        (return (i32.add (local.get 1) (i32.const 8))))
      (i32.const 9))
    (func (export "trap") (param i32) (result i32)
      (if (local.get 0) (then (unreachable) (drop) (local.set 0)))
      (local.get 0))))");
  EXPECT_EQ(run<std::uint32_t>(pool, "behind br").value(), 1u);
  EXPECT_EQ(run<std::uint32_t>(pool, "behind return").value(), 2u);
  EXPECT_EQ(run<std::uint32_t>(pool, "behind br_table", 0u).value(), 3u);
  EXPECT_EQ(run<std::uint32_t>(pool, "behind br_table", 1u).value(), 3u);
  EXPECT_EQ(run<std::uint32_t>(pool, "both arms", 0u).value(), 5u);
  EXPECT_EQ(run<std::uint32_t>(pool, "both arms", 1u).value(), 4u);
  EXPECT_EQ(run<std::uint32_t>(pool, "one arm", 0u).value(), 35u);
  EXPECT_EQ(run<std::uint32_t>(pool, "one arm", 1u).value(), 4u);
  EXPECT_EQ(run<std::uint32_t>(pool, "other arm", 1u).value(), 35u);
  EXPECT_EQ(run<std::uint32_t>(pool, "other arm", 0u).error().trap, TrapKind::kUnreachable);
  EXPECT_EQ(run<std::uint32_t>(pool, "loop", 0u).value(), 6u);
  EXPECT_EQ(run<std::uint32_t>(pool, "label behind", 0u).value(), 8u);
  EXPECT_EQ(run<std::uint32_t>(pool, "label behind", 1u).value(), 9u);
  EXPECT_EQ(run<std::uint32_t>(pool, "trap", 0u).value(), 0u);
  EXPECT_EQ(run<std::uint32_t>(pool, "trap", 1u).error().trap, TrapKind::kUnreachable);
}

// --- Locals and operands ---

TEST(Locals, ThatChangeDoNotChangeWhatWasReadBefore) {
  // `reads` references on the stack, then the local is assigned in each way, then read again; the local is in a
  // register, changed in it, or in memory only. The results come in the order of the stack.
  for (const ValueType type : {kI32, kI64, kF32, kF64}) {
    const Op add = type == kI32 ? Op::kI32Add : type == kI64 ? Op::kI64Add : type == kF32 ? Op::kF32Add : Op::kF64Add;
    const auto number = [&](std::uint32_t value) -> std::uint64_t {
      if (type == kF32) return std::bit_cast<std::uint32_t>(static_cast<float>(value));
      if (type == kF64) return std::bit_cast<std::uint64_t>(static_cast<double>(value));
      return value;
    };
    ModuleBuilder builder;
    const std::uint32_t nothing = builder.function({}, {}, {});
    struct Way {
      const char* name;
      Code code;
      std::uint32_t value;  // of the local afterwards, where it was 5 and the other parameter is 9
      bool leaves_value;
    };
    const std::vector<Way> ways = {
        {"set constant", Code().constant(type, number(7)).set(0), 7, false},
        {"set itself", Code().get(0).set(0), 5, false},
        {"set from itself", Code().get(0).constant(type, number(1)).op(add).set(0), 6, false},
        {"set twice itself", Code().get(0).get(0).op(add).set(0), 10, false},
        {"set other local", Code().get(1).set(0), 9, false},
        {"set and set", Code().get(1).set(0).constant(type, number(2)).set(0), 2, false},
        {"tee constant", Code().constant(type, number(7)).tee(0), 7, true},
        {"tee itself", Code().get(0).tee(0), 5, true},
        {"tee other local", Code().get(1).tee(0), 9, true},
        {"tee from itself", Code().get(0).get(1).op(add).tee(0), 14, true},
        {"tee and set", Code().get(1).tee(0).constant(type, number(1)).op(add).set(0), 10, false},
        {"set in a block", Code().open(Op::kBlock).get(1).set(0).end(), 9, false},
        {"set in an if", Code().i32(1).open(Op::kIf).get(1).set(0).end(), 9, false},
        {"not set in an if", Code().i32(0).open(Op::kIf).get(1).set(0).end(), 5, false},
        {"set behind a call", Code().call(nothing).get(1).set(0), 9, false},
        {"set before a call", Code().get(1).set(0).call(nothing), 9, false},
    };
    const std::vector<std::pair<const char*, Code>> places = {
        {"fresh", Code()},
        {"changed", Code().constant(type, number(5)).set(0)},
        {"in memory", Code().call(nothing)},
        {"read again", Code().call(nothing).get(0).op(Op::kDrop)},
    };
    for (const auto& [place, prepare] : places) {
      for (const Way& way : ways) {
        for (std::uint32_t reads = 0; reads <= 3; ++reads) {
          Code code = prepare;
          for (std::uint32_t i = 0; i < reads; ++i) code.get(0);
          code.append(way.code).get(0).get(1);
          FunctionType function{{type, type}, std::vector<ValueType>(reads + 2 + (way.leaves_value ? 1 : 0), type)};
          builder.function(function, {}, code, fmt::format("{}, {}, {}", place, way.name, reads));
        }
      }
    }
    const auto pool = make_pool(builder);
    ASSERT_TRUE(pool);
    Lease lease = pool->acquire().value();
    for (const auto& [place, prepare] : places) {
      for (const Way& way : ways) {
        for (std::uint32_t reads = 0; reads <= 3; ++reads) {
          const std::string name = fmt::format("{}, {}, {}", place, way.name, reads);
          const Value arguments[] = {{type, number(5)}, {type, number(9)}};
          std::vector<Value> expected(reads, {type, number(5)});
          if (way.leaves_value) expected.push_back({type, number(way.value)});
          expected.push_back({type, number(way.value)});
          expected.push_back({type, number(9)});
          const auto results = lease.call_values(name, arguments);
          ASSERT_TRUE(results);
          EXPECT_EQ(*results, expected) << name << " " << to_string(type);
        }
      }
    }
  }
}

TEST(Operands, ByTheHundredKeepTheirValues) {
  for (const std::uint32_t count : {10u, 16u, 30u, 100u, 999u}) {
    // Sums of parameters, all computed before any is used; in between a call, a block and a branch.
    ModuleBuilder builder;
    const std::uint32_t nothing = builder.function({}, {}, {});
    for (std::uint32_t interruption = 0; interruption < 5; ++interruption) {
      Code code;
      std::vector<ValueType> results;
      for (std::uint32_t i = 0; i < count; ++i) {
        if (i % 2 == 0)
          code.get(0).i64(i).op(Op::kI64Add);
        else
          code.get(1).constant(kF64, std::bit_cast<std::uint64_t>(1.0 * i)).op(Op::kF64Add);
        results.push_back(i % 2 == 0 ? kI64 : kF64);
        if (i != count / 2) continue;
        if (interruption == 1) code.call(nothing);
        if (interruption == 2) code.open(Op::kBlock).end();
        if (interruption == 3) code.open(Op::kBlock).get(2).op(Op::kBrIf, 0u).i64(1).set(0).end();
        if (interruption == 4) code.get(0).i64(1).op(Op::kI64Sub).i64(1).op(Op::kI64Add).set(0);
      }
      builder.function({{kI64, kF64, kI32}, results}, {}, code, fmt::format("run {}", interruption));
    }
    const auto pool = make_pool(builder);
    ASSERT_TRUE(pool);
    for (std::uint32_t interruption = 0; interruption < 5; ++interruption) {
      const Value arguments[] = {Value::i64(1'000'000), Value::f64(0.5), Value::i32(1)};
      const auto results = pool->acquire()->call_values(fmt::format("run {}", interruption), arguments);
      ASSERT_TRUE(results);
      for (std::uint32_t i = 0; i < count; ++i) {
        EXPECT_EQ((*results)[i], i % 2 == 0 ? Value::i64(1'000'000 + i) : Value::f64(0.5 + i))
            << interruption << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace anew::codegen::test
