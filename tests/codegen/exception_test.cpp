// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exceptions: what handlers find in their frame, whatever was unwound, and what is left of exceptions afterwards.
#include <gtest/gtest.h>

#include <vector>

#include "run.hpp"
#include "wasm/module.hpp"

namespace anew::codegen::test {
namespace {

using wasm::CatchKind;

constexpr ValueType kV128 = ValueType::kV128;

/// A clause of a try_table.
Code clause(CatchKind kind, std::uint32_t tag, std::uint32_t label) {
  Code code;
  code.byte(static_cast<std::uint8_t>(kind));
  if (kind == CatchKind::kCatch || kind == CatchKind::kCatchRef) code.unsigned_leb(tag);
  return code.unsigned_leb(label);
}

Code& try_table(Code& code, const std::vector<Code>& clauses) {
  code.open(Op::kTryTable).unsigned_leb(clauses.size());
  for (const Code& each : clauses) code.append(each);
  return code;
}

TEST(Exceptions, CarryValuesOfAllTypes) {
  ModuleBuilder builder;
  const std::vector<ValueType> types = {kI32, kV128, kF64, kI64, kF32, kV128};
  const std::uint32_t tag = builder.tag(types);
  Code thrower;
  thrower.i32(11).v128(1, 22).constant(kF64, std::bit_cast<std::uint64_t>(33.0)).i64(44);
  thrower.constant(kF32, std::bit_cast<std::uint32_t>(55.0F)).v128(2, 66).op(Op::kThrow, tag);
  const std::uint32_t throws = builder.function({{}, {}}, {}, thrower);
  Code body;  // ((11 * 100 + 22) * 100 + ...)
  body.open(Op::kBlock, builder.type({{}, types}));
  try_table(body, {clause(CatchKind::kCatch, tag, 0)}).call(throws).end().op(Op::kUnreachable).end();
  body.op(Op::kI64x2ExtractLane).byte(1).set(0);
  const auto shift_in = [&](std::uint64_t scale) { body.i64(scale).op(Op::kI64Mul).get(0).op(Op::kI64Add).set(0); };
  body.op(Op::kI64TruncF32U);
  shift_in(100);
  shift_in(10'000);
  body.op(Op::kI64TruncF64U);
  shift_in(1'000'000);
  body.op(Op::kI64x2ExtractLane).byte(1);
  shift_in(100'000'000);
  body.op(Op::kI64ExtendI32U);
  shift_in(10'000'000'000);
  body.get(0);
  builder.function({{}, {kI64}}, std::vector{kI64}, body, "run");
  const auto pool = make_pool(builder);
  ASSERT_TRUE(pool);
  const auto result = run<std::uint64_t>(*pool, "run");
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(*result, 112'233'445'566u);
}

/// Locals that changed in the try_table, operands below it and the caller's own values survive an unwound callee that
/// used every register.
TEST(Exceptions, LeaveLocalsOperandsAndCallersIntact) {
  ModuleBuilder builder;
  const std::uint32_t tag = builder.tag({kI32});
  constexpr std::uint32_t kLocals = 24;
  Code callee;  // all its locals live across a call, so that it uses the preserved registers
  const std::uint32_t nothing = builder.function({{}, {}}, {}, Code());
  for (std::uint32_t i = 1; i < kLocals; ++i) callee.get(0).i32(i).op(Op::kI32Add).set(i);
  callee.call(nothing);
  for (std::uint32_t i = 1; i < kLocals; ++i) callee.get(i).set(0);
  callee.get(0).op(Op::kThrow, tag);
  const std::uint32_t throws = builder.function({{kI32}, {}}, std::vector(kLocals, kI32), callee);

  Code middle;                              // f(x): 1000 + ... + caught value + locals
  middle.get(0).i32(1000).op(Op::kI32Add);  // an operand below the block
  middle.open(Op::kBlock, kI32);
  try_table(middle, {clause(CatchKind::kCatch, tag, 0)});
  for (std::uint32_t i = 1; i < 8; ++i) middle.get(0).i32(i).op(Op::kI32Mul).set(i);
  middle.get(0).call(throws).i32(99).set(1).end().i32(0).end();
  middle.op(Op::kI32Add);
  for (std::uint32_t i = 1; i < 8; ++i) middle.get(i).op(Op::kI32Add);
  const std::uint32_t catches = builder.function({{kI32}, {kI32}}, std::vector(8, kI32), middle);

  Code entry;
  for (std::uint32_t i = 1; i < 8; ++i) entry.get(0).i32(i * 7).op(Op::kI32Add).set(i);
  entry.get(0).call(catches);
  for (std::uint32_t i = 1; i < 8; ++i) entry.get(i).op(Op::kI32Add);
  builder.function({{kI32}, {kI32}}, std::vector(8, kI32), entry, "run");
  const auto pool = make_pool(builder);
  ASSERT_TRUE(pool);
  for (const std::uint32_t x : {0u, 1u, 12345u}) {
    const auto result = run<std::uint32_t>(*pool, "run", x);
    ASSERT_TRUE(result) << result.error().to_string();
    EXPECT_EQ(*result, (x + 1000) + (x + kLocals - 1) + 28 * x + (7 * x + 28 * 7)) << x;
  }
}

TEST(Exceptions, HandlersAroundALoopFindWhatTheLastWholeRoundAssigned) {
  // Each round assigns local 1 before it reads it, but behind a call: where that throws, the last round's is wanted.
  ModuleBuilder builder;
  const std::uint32_t tag = builder.tag(std::vector<ValueType>{});
  Code thrower;
  thrower.get(0).i32(3).op(Op::kI32Eq).open(Op::kIf).op(Op::kThrow, tag).end();
  const std::uint32_t throws_at_3 = builder.function({{kI32}, {}}, {}, thrower);
  Code body;
  body.open(Op::kBlock);
  try_table(body, {clause(CatchKind::kCatch, tag, 0)}).open(Op::kLoop);
  body.get(0).call(throws_at_3);
  body.get(0).i32(10).op(Op::kI32Mul).set(1);
  body.get(0).i32(1).op(Op::kI32Add).set(0);
  body.op(Op::kBr, 0).end().end().end().get(1);
  builder.function({{kI32}, {kI32}}, std::vector(1, kI32), body, "run");
  const auto pool = make_pool(builder);
  ASSERT_TRUE(pool);
  for (const std::uint32_t first : {0u, 2u, 3u}) {
    const auto result = run<std::uint32_t>(*pool, "run", first);
    ASSERT_TRUE(result) << result.error().to_string();
    EXPECT_EQ(*result, first == 3 ? 0u : 20u) << first;
  }
}

TEST(Exceptions, FindTheInnermostHandlerThatMatches) {
  ModuleBuilder builder;
  const std::uint32_t a = builder.tag({kI32});
  const std::uint32_t b = builder.tag({kI32});
  Code thrower;  // throws a, b or nothing
  thrower.get(0).op(Op::kI32Eqz).open(Op::kIf).i32(7).op(Op::kThrow, a).end();
  thrower.get(0).i32(1).op(Op::kI32Eq).open(Op::kIf).i32(8).op(Op::kThrow, b).end();
  const std::uint32_t throws = builder.function({{kI32}, {}}, {}, thrower);
  Code body;  // inner catches b, outer a; what each adds tells which it was
  body.open(Op::kBlock, kI32);
  body.open(Op::kBlock, kI32);
  try_table(body, {clause(CatchKind::kCatch, a, 1)});
  try_table(body, {clause(CatchKind::kCatch, b, 1)});
  body.get(0).call(throws).end().end().i32(1).op(Op::kReturn);
  body.end().i32(200).op(Op::kI32Add).op(Op::kReturn);
  body.end().i32(100).op(Op::kI32Add);
  builder.function({{kI32}, {kI32}}, {}, body, "run");
  const auto pool = make_pool(builder);
  ASSERT_TRUE(pool);
  EXPECT_EQ(run<std::uint32_t>(*pool, "run", 0u).value(), 107u);
  EXPECT_EQ(run<std::uint32_t>(*pool, "run", 1u).value(), 208u);
  EXPECT_EQ(run<std::uint32_t>(*pool, "run", 2u).value(), 1u);
}

TEST(Exceptions, AreThrownAgainByReferenceAndEndTheCallIfNobodyCatchesThem) {
  ModuleBuilder builder;
  const std::uint32_t tag = builder.tag({kI64});
  Code thrower;
  thrower.i64(77).op(Op::kThrow, tag);
  const std::uint32_t throws = builder.function({{}, {}}, {}, thrower, "throw");
  Code rethrower;
  rethrower.open(Op::kBlock, ValueType::kExnRef);
  try_table(rethrower, {clause(CatchKind::kCatchAllRef, 0, 0)}).call(throws).end().op(Op::kReturn).end();
  rethrower.op(Op::kThrowRef);
  const std::uint32_t rethrows = builder.function({{}, {}}, {}, rethrower, "rethrow");
  Code body;
  body.open(Op::kBlock, kI64);
  try_table(body, {clause(CatchKind::kCatch, tag, 0)}).call(rethrows).end().i64(0).end();
  builder.function({{}, {kI64}}, {}, body, "catch");
  Code null;
  null.op(Op::kRefNull).type(ValueType::kExnRef).op(Op::kThrowRef);
  builder.function({{}, {}}, {}, null, "null");
  const auto pool = make_pool(builder);
  ASSERT_TRUE(pool);
  EXPECT_EQ(run<std::uint64_t>(*pool, "catch").value(), 77u);
  const auto unhandled = run<void>(*pool, "rethrow");
  ASSERT_FALSE(unhandled);
  EXPECT_EQ(unhandled.error().trap, TrapKind::kUnhandledException);
  EXPECT_GE(unhandled.error().backtrace.size(), 1u);
  EXPECT_EQ(run<void>(*pool, "null").error().trap, TrapKind::kNullExceptionReference);
}

/// Exceptions that nobody holds take no room, whether they were caught by reference or not.
TEST(Exceptions, AreNotBoundedInNumber) {
  ModuleBuilder builder;
  const std::uint32_t tag = builder.tag({kI64});
  Code thrower;
  thrower.i64(1).op(Op::kThrow, tag);
  const std::uint32_t throws = builder.function({{}, {}}, {}, thrower);
  const auto loop = [&](CatchKind kind) {
    Code body;
    body.open(Op::kLoop);
    body.open(Op::kBlock,
              kind == CatchKind::kCatchAll ? builder.type({{}, {}}) : builder.type({{}, {ValueType::kExnRef}}));
    try_table(body, {clause(kind, 0, 0)}).call(throws).end().op(Op::kUnreachable).end();
    if (kind == CatchKind::kCatchAllRef) body.op(Op::kDrop);
    body.get(0).i32(1).op(Op::kI32Sub).tee(0).op(Op::kBrIf, 0u).end();
    return body;
  };
  builder.function({{kI32}, {}}, {}, loop(CatchKind::kCatchAll), "free");
  builder.function({{kI32}, {}}, {}, loop(CatchKind::kCatchAllRef), "held");
  const auto pool = make_pool(builder);
  ASSERT_TRUE(pool);
  EXPECT_TRUE(run<void>(*pool, "free", 4'000'000u));
  EXPECT_TRUE(run<void>(*pool, "held", 4'000'000u));
}

}  // namespace
}  // namespace anew::codegen::test
