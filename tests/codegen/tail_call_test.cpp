// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tail calls: whatever the arguments of caller and callee take of the stack, and what their callers rely on.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "run.hpp"
#include "support/generator.hpp"
#include "support/wat.hpp"

namespace anew::codegen::test {
namespace {

constexpr ValueType kV128 = ValueType::kV128;

std::vector<ValueType> random_types(Random& random, std::size_t count) {
  constexpr ValueType kTypes[] = {kI32, kI64, kF32, kF64, kV128};
  std::vector<ValueType> types(count);
  for (ValueType& type : types) type = kTypes[random.below(std::size(kTypes))];
  return types;
}

/// Adds what the value on the stack says, and `weight`, to local `sum`, an i64.
void add_to_sum(Code& code, ValueType type, std::uint32_t sum, std::uint64_t weight) {
  switch (type) {
    case kI32: code.op(Op::kI64ExtendI32U); break;
    case kF32: code.op(Op::kI32ReinterpretF32).op(Op::kI64ExtendI32U); break;
    case kF64: code.op(Op::kI64ReinterpretF64); break;
    case kV128: {
      code.op(Op::kI64x2ExtractLane).byte(1);
      break;
    }
    default: break;
  }
  code.i64(weight).op(Op::kI64Mul).get(sum).op(Op::kI64Add).set(sum);
}

std::uint64_t as_summed(ValueType type, std::uint64_t bits) { return type == kV128 ? ~bits : bits; }

/// entry() calls middle(A...) with a value of its own alive, middle passes constants to last(B...) by a tail call, and
/// last sums up what it gets.
TEST(TailCalls, PassAnyArgumentsFromAnyFrame) {
  Random random(7);
  constexpr std::size_t kCounts[] = {0, 1, 5, 7, 8, 9, 12, 17, 30};
  for (const std::size_t own : kCounts) {
    for (const std::size_t others : kCounts) {
      ModuleBuilder builder;
      const std::vector<ValueType> first = random_types(random, own);
      const std::vector<ValueType> second = random_types(random, others);
      Code last;
      std::uint64_t expected = 0;
      std::vector<std::uint64_t> values;
      const auto sum = static_cast<std::uint32_t>(second.size());
      for (std::uint32_t i = 0; i < second.size(); ++i) {
        values.push_back(random_value(random, second[i] == kV128 ? kI64 : second[i]));
        add_to_sum(last.get(i), second[i], sum, 2 * i + 3);
        expected += as_summed(second[i], values.back()) * (2 * i + 3);
      }
      last.get(sum);
      const std::uint32_t callee = builder.function({second, {kI64}}, std::vector{kI64}, last);
      Code middle;
      for (std::uint32_t i = 0; i < second.size(); ++i) middle.constant(second[i], values[i]);
      middle.op(Op::kReturnCall, callee);
      const std::uint32_t caller = builder.function({first, {kI64}}, {}, middle);
      Code entry;  // its own values live across the call, in registers that the callees must preserve
      entry.i64(5).get(0).op(Op::kI64Add);
      for (const ValueType type : first) entry.constant(type, random_value(random, type == kV128 ? kI64 : type));
      entry.call(caller).op(Op::kI64Xor).get(0).op(Op::kI64Add);
      builder.function({{kI64}, {kI64}}, {}, entry, "entry");
      const auto pool = make_pool(builder);
      ASSERT_TRUE(pool) << own << " " << others;
      const auto result = run<std::uint64_t>(*pool, "entry", std::uint64_t{1000});
      ASSERT_TRUE(result) << result.error().to_string();
      EXPECT_EQ(*result, (std::uint64_t{1005} ^ expected) + 1000) << own << " parameters before " << others;
    }
  }
}

TEST(TailCalls, TakeNoStack) {
  const Pool pool = anew::test::make_pool(R"((module
    (type $t (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
    (type $u (func (param i64) (result i64)))
    (table 2 funcref)
    (elem (i32.const 0) $wide $narrow)
    (func $narrow (export "narrow") (type $u)
      (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 42)) (else
        (return_call $wide (i64.sub (local.get 0) (i64.const 1)) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)
                           (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)))))
    (func $wide (type $t)
      (if (i64.ne (i64.add (local.get 7) (local.get 8)) (i64.const 15)) (then (unreachable)))
      (return_call_indirect (type $u) (local.get 0) (i32.const 1)))))");
  const auto result = pool.acquire()->call<std::uint64_t>("narrow", std::uint64_t{3'000'000});
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(*result, 42u);
}

TEST(TailCalls, ReachHostFunctionsAndTheirErrors) {
  Linker linker;
  linker.define("host", "twice", [](std::uint32_t value) { return 2 * value; });
  linker.define("host", "fail",
                [](std::uint32_t) -> Result<std::uint32_t> { return fail(ErrorCode::kHost, "on purpose"); });
  const Pool pool = anew::test::make_pool(R"((module
    (import "host" "twice" (func $twice (param i32) (result i32)))
    (import "host" "fail" (func $fail (param i32) (result i32)))
    (func (export "twice") (param i32 i64 i64 i64 i64 i64 i64 i64) (result i32) (return_call $twice (local.get 0)))
    (func (export "fail") (result i32) (return_call $fail (i32.const 0)))))",
                                          {}, linker);
  auto lease = pool.acquire();
  const std::uint64_t zero = 0;
  EXPECT_EQ(*lease->call<std::uint32_t>("twice", 21u, zero, zero, zero, zero, zero, zero, zero), 42u);
  const auto failed = lease->call<std::uint32_t>("fail");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().trap, TrapKind::kHostError);
}

TEST(TailCalls, CheckTheirCallee) {
  const Pool pool = anew::test::make_pool(R"((module
    (type $t (func (result i32)))
    (table 2 funcref)
    (elem (i32.const 1) $other)
    (func $other (result i64) (i64.const 0))
    (func (export "call") (param i32) (result i32) (return_call_indirect (type $t) (local.get 0)))))");
  EXPECT_EQ(run<std::uint32_t>(pool, "call", 0u).error().trap, TrapKind::kUninitializedElement);
  EXPECT_EQ(run<std::uint32_t>(pool, "call", 1u).error().trap, TrapKind::kIndirectCallTypeMismatch);
  EXPECT_EQ(run<std::uint32_t>(pool, "call", 2u).error().trap, TrapKind::kUndefinedElement);
}

}  // namespace
}  // namespace anew::codegen::test
