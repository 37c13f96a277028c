// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls: arguments and results of any number and type, what they must leave alone, and the stack they run on.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "support/generator.hpp"
#include "support/module_builder.hpp"
#include "support/wat.hpp"

namespace anew::codegen::test {
namespace {

const Engine& engine() {
  static const Engine kept(EngineOptions{.compile_threads = 1, .cache = false, .cache_directory = {}, .progress = {}});
  return kept;
}

Pool make_pool(const ModuleBuilder& builder, const Linker& linker = {}) {
  auto module = engine().compile(builder.finish());
  EXPECT_TRUE(module) << module.error().to_string();
  return Pool::create(*module, linker, {.audit_every = 1}).value();
}

std::vector<ValueType> random_types(Random& random, std::size_t count) {
  std::vector<ValueType> types(count);
  for (ValueType& type : types) type = kValueTypes[random.below(kValueTypes.size())];
  return types;
}

std::vector<std::uint32_t> random_order(Random& random, std::size_t count) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

template <typename T>
std::vector<T> ordered(const std::vector<T>& values, const std::vector<std::uint32_t>& order) {
  std::vector<T> result;
  for (const std::uint32_t i : order) result.push_back(values[i]);
  return result;
}

std::vector<Value> random_values(Random& random, const std::vector<ValueType>& types) {
  std::vector<Value> values;
  for (const ValueType type : types) values.push_back({type, random_value(random, type)});
  return values;
}

// How the caller comes by its arguments.
enum class Source : std::uint8_t { kLocals, kRegisters, kHomes, kMixed, kCount };

TEST(Calls, PassArgumentsAndResultsInAnyOrder) {
  // The caller passes its parameters on in another order, the callee returns them in yet another: registers must be
  // exchanged in cycles of every length, and what has no register goes over the stack and the cell.
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const std::size_t count = seed < 63 ? seed % 21 : random.below(random.percent(5) ? 100 : 21);
    const std::vector<ValueType> types = random_types(random, count);
    const std::vector<std::uint32_t> passed = random_order(random, count);
    const std::vector<std::uint32_t> returned = random_order(random, count);
    const std::vector<ValueType> passed_types = ordered(types, passed);
    const std::vector<ValueType> returned_types = ordered(passed_types, returned);
    ModuleBuilder builder;
    const std::uint32_t nothing = builder.function({}, {}, {});
    std::vector<std::uint32_t> globals;
    for (const ValueType type : types) globals.push_back(builder.global(type, 0));
    Code callee;
    for (const std::uint32_t i : returned) callee.get(i);
    const std::uint32_t function = builder.function({passed_types, returned_types}, {}, callee);
    const std::uint32_t indices[] = {function};
    builder.table(indices, 1);
    for (std::uint32_t source = 0; source < static_cast<std::uint32_t>(Source::kCount); ++source) {
      for (const bool indirect : {false, true}) {
        Code caller;
        for (std::uint32_t i = 0; i < count; ++i) caller.get(i).op(Op::kGlobalSet, globals[i]);
        // A value on either side of the arguments must outlive the call.
        caller.i64(0x1234'5678'9ABC'DEF0).op(Op::kGlobalGet, globals.empty() ? 0 : globals[0]);
        for (const std::uint32_t i : passed) {
          const auto kind = static_cast<Source>(source);
          const bool local = kind == Source::kLocals || (kind == Source::kMixed && i % 3 == 0);
          local ? caller.get(i) : caller.op(Op::kGlobalGet, globals[i]);
          if (kind == Source::kHomes || (kind == Source::kMixed && i == count / 2)) caller.call(nothing);
        }
        if (indirect)
          caller.i32(0).op(Op::kCallIndirect).unsigned_leb(builder.type({passed_types, returned_types})).byte(0);
        else
          caller.call(function);
        std::vector<ValueType> results = {kI64};
        if (count > 0) results.push_back(types[0]);
        results.insert(results.end(), returned_types.begin(), returned_types.end());
        if (count == 0)  // no global to read
          caller = Code().i64(0x1234'5678'9ABC'DEF0).call(function);
        builder.function({types, results}, {}, caller, fmt::format("run {} {}", source, indirect));
      }
    }
    const Pool pool = make_pool(builder);
    for (std::uint32_t source = 0; source < static_cast<std::uint32_t>(Source::kCount); ++source) {
      for (const bool indirect : {false, true}) {
        const std::vector<Value> arguments = random_values(random, types);
        std::vector<Value> expected = {Value::i64(0x1234'5678'9ABC'DEF0)};
        if (count > 0) expected.push_back(arguments[0]);
        for (const Value& value : ordered(ordered(arguments, passed), returned)) expected.push_back(value);
        const auto results = pool.acquire()->call_values(fmt::format("run {} {}", source, indirect), arguments);
        ASSERT_TRUE(results) << results.error().to_string();
        ASSERT_EQ(*results, expected) << "seed " << seed << ", source " << source << ", indirect " << indirect;
      }
    }
  }
}

TEST(Calls, LeaveWhatTheCallerHoldsAsItWas) {
  // Locals and operands in all registers, preserved ones too; the callee uses all registers itself.
  for (std::uint32_t count = 1; count <= 24; ++count) {
    ModuleBuilder builder;
    std::vector<ValueType> types;
    for (std::uint32_t i = 0; i < count; ++i) types.push_back(i % 3 == 2 ? kF64 : kI64);
    Code greedy;  // keeps many values of its own alive
    for (std::uint32_t i = 0; i < 30; ++i) greedy.get(0).i64(i).op(Op::kI64Add).get(1).get(1).op(Op::kF64Mul);
    for (std::uint32_t i = 0; i < 30; ++i) greedy.set(1).set(0);
    const std::uint32_t callee = builder.function({{kI64, kF64}, {}}, {}, greedy);
    Code code;
    std::vector<ValueType> locals = types;
    for (std::uint32_t i = 0; i < count; ++i) {  // locals n.. hold other values
      code.get(i);
      types[i] == kI64 ? code.i64(1).op(Op::kI64Add) : code.op(Op::kF64Neg);
      code.set(count + i);
    }
    for (std::uint32_t i = 0; i < count; ++i) code.get(i).get(count + i);  // by reference
    for (std::uint32_t i = 0; i < count; ++i) {                            // by value
      code.get(count + i);
      types[i] == kI64 ? code.i64(1).op(Op::kI64Add) : code.op(Op::kF64Neg);
    }
    code.i64(5).constant(kF64, 0).call(callee);
    std::vector<ValueType> results;
    for (std::uint32_t i = 0; i < count; ++i) results.insert(results.end(), 2, types[i]);
    results.insert(results.end(), types.begin(), types.end());
    for (std::uint32_t i = 0; i < count; ++i) {
      code.get(i);
      results.push_back(types[i]);
    }
    builder.function({types, results}, locals, code, "run");
    const Pool pool = make_pool(builder);
    Random random(count);
    const std::vector<Value> arguments = random_values(random, types);
    std::vector<Value> expected;
    const auto changed = [](Value value, int times) {
      for (; times > 0; --times) value.bits = value.type == kI64 ? value.bits + 1 : value.bits ^ (1ull << 63);
      return value;
    };
    for (const Value& value : arguments) {
      expected.push_back(value);
      expected.push_back(changed(value, 1));
    }
    for (const Value& value : arguments) expected.push_back(changed(value, 2));
    expected.insert(expected.end(), arguments.begin(), arguments.end());
    const auto found = pool.acquire()->call_values("run", arguments);
    ASSERT_TRUE(found) << found.error().to_string();
    EXPECT_EQ(*found, expected) << count;
  }
}

TEST(Calls, LeaveTheStackPointerWhereItWas) {
  // A thousand calls in one frame, with any number of arguments on the stack; then one that writes over what lies
  // below.
  for (std::uint32_t count = 6; count < 12; ++count) {
    ModuleBuilder builder;
    const std::vector<ValueType> types(count, kI64);
    const std::uint32_t callee = builder.function({types, {kI64}}, {}, Code().get(count - 1));
    constexpr std::uint32_t kLocals = 300;
    Code dirt;
    for (std::uint32_t i = 0; i < kLocals; ++i) dirt.i64(~0ull).set(i);
    const std::uint32_t dirty = builder.function({}, std::vector<ValueType>(kLocals, kI64), dirt);
    Code code;
    for (std::uint32_t i = 1; i < kLocals; ++i) code.i64(i).set(i);
    code.i64(1'000).set(0).open(Op::kLoop);
    for (std::uint32_t i = 0; i < count; ++i) code.get(0);
    code.call(callee).i64(1).op(Op::kI64Sub).tee(0).op(Op::kI64Eqz).op(Op::kI32Eqz).op(Op::kBrIf, 0u).end();
    code.call(dirty).i64(0);
    for (std::uint32_t i = 0; i < kLocals; ++i) code.get(i).op(Op::kI64Add);
    builder.function({{}, {kI64}}, std::vector<ValueType>(kLocals, kI64), code, "run");
    const Pool pool = make_pool(builder);
    EXPECT_EQ(pool.acquire()->call<std::uint64_t>("run").value(), kLocals * (kLocals - 1) / 2) << count;
  }
}

TEST(Calls, ThroughTablesCheckIndexNullAndType) {
  const Pool pool = anew::test::make_pool(R"((module
    (type $binary (func (param i32 i32) (result i32)))
    (type $same (func (param i32 i32) (result i32)))
    (type $other (func (param i32 i64) (result i32)))
    (table 10 funcref)
    (elem (i32.const 1) $add $sub $other)
    (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))
    (func $sub (type $same) (i32.sub (local.get 0) (local.get 1)))
    (func $other (type $other) (local.get 0))
    (func (export "call") (param i32 i32 i32) (result i32)
      (i32.add (i32.const 100)
        (call_indirect (type $binary) (local.get 1) (local.get 2) (local.get 0))))
    (func (export "set and call") (param $index i32) (param $f i32) (result i32)
      (table.set 0 (local.get $index) (table.get 0 (local.get $f)))
      (call_indirect (type $same) (i32.const 7) (i32.const 3) (local.get $index)))
    (func (export "constant") (result i32) (call_indirect (type $same) (i32.const 7) (i32.const 3) (i32.const 2)))))",
                                          {.audit_every = 1});
  const auto call = [&](std::uint32_t index) { return pool.acquire()->call<std::uint32_t>("call", index, 9u, 4u); };
  EXPECT_EQ(call(1).value(), 113u);
  EXPECT_EQ(call(2).value(), 105u);
  EXPECT_EQ(call(3).error().trap, TrapKind::kIndirectCallTypeMismatch);
  EXPECT_EQ(call(0).error().trap, TrapKind::kUninitializedElement);
  EXPECT_EQ(call(9).error().trap, TrapKind::kUninitializedElement);
  EXPECT_EQ(call(10).error().trap, TrapKind::kUndefinedElement);
  EXPECT_EQ(call(0x8000'0000).error().trap, TrapKind::kUndefinedElement);
  EXPECT_EQ(call(~0u).error().trap, TrapKind::kUndefinedElement);
  EXPECT_EQ(pool.acquire()->call<std::uint32_t>("constant").value(), 4u);
  for (int again = 0; again < 2; ++again) {  // the table, too, is as new
    EXPECT_EQ(pool.acquire()->call<std::uint32_t>("set and call", 5u, 1u).value(), 10u);
    EXPECT_EQ(call(5).error().trap, TrapKind::kUninitializedElement);
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Calls, ReachTheHostAndReturnFromIt) {
  for (std::uint32_t seed = 0; seed < 80; ++seed) {
    Random random(seed);
    const FunctionType type{random_types(random, seed % 13), random_types(random, seed % 7)};
    std::vector<Value> received;
    const std::vector<Value> answers = random_values(random, type.results);
    Linker linker;
    linker.define("host", "f", type, [&](Caller, std::span<std::uint64_t> slots) -> Result<void> {
      received.clear();
      for (std::size_t i = 0; i < type.parameters.size(); ++i) received.push_back({type.parameters[i], slots[i]});
      for (std::size_t i = 0; i < type.results.size(); ++i) slots[i] = answers[i].bits;
      return {};
    });
    ModuleBuilder builder;
    const std::uint32_t host = builder.import_function("host", "f", type);
    // A local and an operand outlive the call; the parameters go through in a register, the results come back.
    const auto parameters = static_cast<std::uint32_t>(type.parameters.size());
    Code code = Code().i64(0xABCD).set(parameters).get(parameters).i64(1).op(Op::kI64Add);
    for (std::uint32_t i = 0; i < parameters; ++i) code.get(i);
    code.call(host).get(parameters);
    std::vector<ValueType> results = {kI64};
    results.insert(results.end(), type.results.begin(), type.results.end());
    results.push_back(kI64);
    const ValueType locals[] = {kI64};
    builder.function({type.parameters, results}, locals, code, "run");
    const Pool pool = make_pool(builder, linker);
    const std::vector<Value> arguments = random_values(random, type.parameters);
    const auto found = pool.acquire()->call_values("run", arguments);
    ASSERT_TRUE(found) << found.error().to_string();
    EXPECT_EQ(received, arguments) << "seed " << seed;
    std::vector<Value> expected = {Value::i64(0xABCE)};
    expected.insert(expected.end(), answers.begin(), answers.end());
    expected.push_back(Value::i64(0xABCD));
    EXPECT_EQ(*found, expected) << "seed " << seed;
  }
}

TEST(Calls, OfCppFunctionsTakeTheirTypes) {
  Linker linker;
  linker.define("host", "mix", [](std::int32_t a, float b, std::uint64_t c, double d, bool e, std::int64_t f) {
    return d + b + static_cast<double>(a) + static_cast<double>(c) + static_cast<double>(f) + (e ? 0.5 : 0.0);
  });
  const Pool pool = anew::test::make_pool(R"((module
    (import "host" "mix" (func $mix (param i32 f32 i64 f64 i32 i64) (result f64)))
    (func (export "run") (result f64)
      (f64.neg (call $mix (i32.const -1) (f32.const 20) (i64.const 300) (f64.const 4000) (i32.const 1) (i64.const -50000))))))",
                                          {}, linker);
  EXPECT_EQ(pool.acquire()->call<double>("run").value(), -(-1 + 20 + 300 + 4000 + 0.5 - 50'000));
}

// --- Frames ---

TEST(Frames, BeginWithLocalsOfZero) {
  for (const std::uint32_t count :
       {1u, 2u, 3u, 4u, 5u, 15u, 16u, 31u, 32u, 33u, 34u, 63u, 64u, 65u, 66u, 500u, 1'001u}) {
    for (const std::uint32_t parameters : {0u, 1u, 7u, 8u, 9u}) {
      ModuleBuilder builder;
      Code dirt;  // leaves ones on the stack where the next function's frame will be
      for (std::uint32_t i = 0; i < 1'200; ++i) dirt.i64(~0ull).set(i);
      const std::uint32_t dirty = builder.function({}, std::vector<ValueType>(1'200, kI64), dirt);
      const FunctionType type{std::vector<ValueType>(parameters, kI64), {kI64}};
      std::vector<ValueType> locals;
      Code code = Code().i64(0);
      for (std::uint32_t i = 0; i < count; ++i) {
        locals.push_back(kValueTypes[i % 4]);
        code.get(parameters + i);
        if (i % 4 == 2) code.op(Op::kI32ReinterpretF32);
        if (i % 4 == 3) code.op(Op::kI64ReinterpretF64);
        if (i % 4 == 0 || i % 4 == 2) code.op(Op::kI64ExtendI32S);
        code.op(Op::kI64Or);
      }
      for (std::uint32_t i = 0; i < parameters; ++i) code.get(i).op(Op::kI64Or);
      const std::uint32_t callee = builder.function(type, locals, code);
      Code caller = Code().call(dirty);
      for (std::uint32_t i = 0; i < parameters; ++i) caller.i64(1ull << (i + 40));
      builder.function({{}, {kI64}}, {}, caller.call(callee), "run");
      const Pool pool = make_pool(builder);
      EXPECT_EQ(pool.acquire()->call<std::uint64_t>("run").value(), ((1ull << parameters) - 1) << 40)
          << count << " locals, " << parameters << " parameters";
    }
  }
}

TEST(Frames, OfAnySizeExhaustTheStackCleanly) {
  // Around one page, where the prologue begins to touch each page on its way down, and far larger than the stack.
  for (const std::uint32_t locals :
       {0u, 1u, 100u, 500u, 504u, 505u, 506u, 507u, 508u, 509u, 510u, 520u, 1'020u, 1'030u, 5'000u, 49'999u}) {
    ModuleBuilder builder;
    // f(n) = n == 0 ? 0 : 1 + f(n - 1), with the last local set and read again.
    Code code = Code().get(0).op(Op::kI32Eqz).open(Op::kIf).i32(0).op(Op::kReturn).end();
    code.get(0).set(locals).get(0).i32(1).op(Op::kI32Sub).call(0).i32(1).op(Op::kI32Add);
    code.get(locals).get(0).op(Op::kI32Sub).op(Op::kI32Add);
    builder.function({{kI32}, {kI32}}, std::vector<ValueType>(locals, kI32), code, "run");
    const Pool pool = make_pool(builder);
    // A MiB of stack holds one frame more.
    const std::uint32_t fits = (900u << 10) / (8 * (locals + 16)) - 1;
    ASSERT_EQ(pool.acquire()->call<std::uint32_t>("run", fits), fits) << locals;
    for (const std::uint32_t depth : {1'000'000u, fits * 4 + 10}) {
      const auto result = pool.acquire()->call<std::uint32_t>("run", depth);
      ASSERT_FALSE(result) << locals;
      EXPECT_EQ(result.error().trap, TrapKind::kStackExhausted) << locals;
    }
    EXPECT_EQ(pool.acquire()->call<std::uint32_t>("run", fits).value(), fits) << locals;
    EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
  }
}

TEST(Frames, WithManyArgumentsAndResultsExhaustTheStackCleanly) {
  for (const std::uint32_t count : {7u, 20u, 1'000u}) {
    ModuleBuilder builder;
    const std::vector<ValueType> types(count, kI64);
    Code code;
    for (std::uint32_t i = 0; i < count; ++i) code.get(i);
    code.call(0);
    builder.function({types, types}, {}, code);
    Code entry;
    for (std::uint32_t i = 0; i < count; ++i) entry.i64(i);
    entry.call(0);
    for (std::uint32_t i = 0; i < count; ++i) entry.op(Op::kDrop);
    builder.function({}, {}, entry, "run");
    const Pool pool = make_pool(builder);
    for (int again = 0; again < 3; ++again)
      EXPECT_EQ(pool.acquire()->call("run").error().trap, TrapKind::kStackExhausted) << count;
  }
}

TEST(Frames, OfRecursiveFunctionsAreTheirOwn) {
  const Pool pool = anew::test::make_pool(R"((module
    (func $ackermann (export "ackermann") (param $m i64) (param $n i64) (result i64)
      (if (result i64) (i64.eqz (local.get $m))
        (then (i64.add (local.get $n) (i64.const 1)))
        (else (if (result i64) (i64.eqz (local.get $n))
          (then (call $ackermann (i64.sub (local.get $m) (i64.const 1)) (i64.const 1)))
          (else (call $ackermann (i64.sub (local.get $m) (i64.const 1))
                  (call $ackermann (local.get $m) (i64.sub (local.get $n) (i64.const 1)))))))))
    (func $even (export "even") (param i32) (result i32)
      (if (result i32) (local.get 0) (then (call $odd (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 1))))
    (func $odd (param i32) (result i32)
      (if (result i32) (local.get 0) (then (call $even (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))))");
  EXPECT_EQ(pool.acquire()->call<std::uint64_t>("ackermann", 2ull, 9ull).value(), 21u);
  EXPECT_EQ(pool.acquire()->call<std::uint64_t>("ackermann", 3ull, 5ull).value(), 253u);
  EXPECT_EQ(pool.acquire()->call<std::uint32_t>("even", 1'001u).value(), 0u);

  // Many locals, all alive over two recursive calls, each level's own.
  constexpr std::uint32_t kLocals = 40;
  ModuleBuilder builder;
  Code code = Code().get(0).op(Op::kI64Eqz).open(Op::kIf).i64(1).op(Op::kReturn).end();
  for (std::uint32_t i = 0; i < kLocals; ++i) code.get(0).i64(i + 1).op(Op::kI64Mul).set(1 + i);
  for (int call = 0; call < 2; ++call) code.get(0).i64(1).op(Op::kI64Sub).call(0);
  code.op(Op::kI64Add);
  for (std::uint32_t i = 0; i < kLocals; ++i) code.get(1 + i).op(Op::kI64Add);
  builder.function({{kI64}, {kI64}}, std::vector<ValueType>(kLocals, kI64), code, "run");
  const Pool deep = make_pool(builder);
  std::uint64_t expected = 1;
  for (std::uint64_t n = 1; n <= 12; ++n) expected = 2 * expected + n * kLocals * (kLocals + 1) / 2;
  EXPECT_EQ(deep.acquire()->call<std::uint64_t>("run", 12ull).value(), expected);
}

}  // namespace
}  // namespace anew::codegen::test
