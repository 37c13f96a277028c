// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CompileOptions::stack_limit: what frames cost to the unit, that the machine's stack never ends before the limit, and
// that whatever ends a frame gives its units back (abi/stack_limit.hpp, docs/determinism.md).
#include "abi/stack_limit.hpp"

#include <algorithm>
#include <map>

#include "group.hpp"
#include "os/temporary_directory.hpp"
#include "wasm/module.hpp"

namespace anew::test {
namespace {

using wasm::Op;

constexpr ValueType kI32 = ValueType::kI32;
constexpr ValueType kI64 = ValueType::kI64;
constexpr std::uint32_t kPlenty = 100'000;

const Engine& engine(std::uint64_t stack_bytes = 1 << 20) {
  static std::map<std::uint64_t, Engine> engines;
  return engines.try_emplace(stack_bytes, EngineOptions{.cache = false, .stack_bytes = stack_bytes}).first->second;
}

Pool pool_of(const std::vector<std::byte>& binary, std::uint32_t limit, std::uint64_t stack_bytes = 1 << 20) {
  const Module module = engine(stack_bytes).compile(binary, {.stack_limit = limit}).value();
  return Pool::create(module, Linker(), {.capacity = 1, .audit_every = 1}).value();
}

TrapKind trap_of(const Pool& pool, std::string_view name, std::vector<Value> arguments = {}) {
  const auto results = pool.acquire()->call_values(name, arguments);
  return results ? TrapKind::kNone : results.error().trap;
}

/// The least limit with which the call returns.
std::uint32_t units_of(const std::vector<std::byte>& binary, std::string_view name, std::vector<Value> arguments = {}) {
  std::uint32_t low = 0;  // it does not
  std::uint32_t high = kPlenty;
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    const TrapKind trap = trap_of(pool_of(binary, middle), name, arguments);
    EXPECT_TRUE(trap == TrapKind::kNone || trap == TrapKind::kStackExhausted) << to_string(trap);
    (trap == TrapKind::kNone ? high : low) = middle;
  }
  return high;
}

TEST(StackLimit, IsPaidByFramesForTheirLocalsAndOperands) {
  const auto binary = wat(R"((module (memory 1)
    (func (export "nothing"))
    (func (export "parameter") (param i32))
    (func (export "locals") (local i32 i64 f32 f64))
    (func (export "vector_local") (local v128))
    (func (export "operands") (drop (i32.add (i32.const 1) (i32.add (i32.const 2) (i32.const 3)))))
    (func (export "vector_operand") (drop (v128.const i64x2 0 0)))
    (func (export "unreachable_operands") (return) (drop (i32.add (i32.const 1) (i32.const 2))))
    (func (export "result") (result i32) (i32.const 1))
    (func (export "both_arms") (param i32)
      (if (local.get 0) (then (drop (i32.const 1))) (else (drop (i32.add (i32.const 1) (i32.const 2))))))
    (func (export "behind_a_branch") (block (br 0) (drop (i32.const 1)) (drop (i32.const 2))))
    (func $leaf (param i32 i32) (result i64) (i64.const 1))
    (func (export "call") (drop (call $leaf (i32.const 1) (i32.const 2))))
    (func (export "twice") (drop (call $leaf (i32.const 1) (i32.const 2)))
                           (drop (call $leaf (i32.const 1) (i32.const 2))))))");
  EXPECT_EQ(units_of(binary, "nothing"), 4u);
  EXPECT_EQ(units_of(binary, "parameter", {Value::i32(1)}), 4u + 1);
  EXPECT_EQ(units_of(binary, "locals"), 4u + 4);
  EXPECT_EQ(units_of(binary, "vector_local"), 4u + 2);
  EXPECT_EQ(units_of(binary, "operands"), 4u + 3);
  EXPECT_EQ(units_of(binary, "vector_operand"), 4u + 2);
  EXPECT_EQ(units_of(binary, "unreachable_operands"), 4u);
  EXPECT_EQ(units_of(binary, "result"), 4u + 1);
  EXPECT_EQ(units_of(binary, "both_arms", {Value::i32(1)}), 4u + 1 + 2) << "the arm that is not taken counts";
  EXPECT_EQ(units_of(binary, "behind_a_branch"), 4u);
  EXPECT_EQ(units_of(binary, "call"), (4u + 2) + (4 + 2 + 1));
  EXPECT_EQ(units_of(binary, "twice"), (4u + 2) + (4 + 2 + 1)) << "a frame that returned takes nothing";
}

/// recurse(n): n frames of its own around the innermost, with that many parameters and locals.
std::vector<std::byte> recursion(std::size_t more_parameters, std::size_t locals, ValueType type) {
  ModuleBuilder builder;
  FunctionType own{{kI32}, {}};
  own.parameters.insert(own.parameters.end(), more_parameters, type);
  Code body = Code().get(0).op(Op::kIf).byte(0x40).get(0).i32(1).op(Op::kI32Sub);
  for (std::uint32_t i = 1; i <= more_parameters; ++i) body.get(i);
  body.call(0).end();
  builder.function(own, std::vector<ValueType>(locals, type), body, "recurse");
  return builder.finish();
}

TEST(StackLimit, ComesBeforeTheEndOfTheMachinesStack) {
  struct Shape {
    std::size_t parameters, locals;
    ValueType type;
  };
  for (const Shape& shape :
       {Shape{0, 0, kI32}, Shape{3, 1, kI64}, Shape{30, 0, kI32}, Shape{500, 0, kI64}, Shape{60, 0, ValueType::kV128},
        Shape{0, 3'000, kI64}, Shape{0, 40'000, kI32}, Shape{9, 7, ValueType::kF64}}) {
    const auto binary = recursion(shape.parameters, shape.locals, shape.type);
    const std::size_t slots = slots_of(shape.type);
    const std::size_t frame = 4 + 1 + slots * (shape.parameters + shape.locals)          // locals
                              + std::max<std::size_t>(2, 1 + slots * shape.parameters);  // operands
    for (const std::uint32_t limit : {kPlenty, 1'000'000u}) {
      // The engine's own stack is far too small, or far larger than what is needed.
      for (const std::uint64_t stack_bytes : {16u << 10, 256u << 20}) {
        const Pool pool = pool_of(binary, limit, stack_bytes);
        const auto depth = static_cast<std::uint32_t>(limit / frame);
        std::vector<Value> arguments = {Value::i32(depth - 1)};
        arguments.insert(arguments.end(), shape.parameters, Value{shape.type, 0});
        EXPECT_EQ(trap_of(pool, "recurse", arguments), TrapKind::kNone) << frame << " of " << limit;
        arguments[0] = Value::i32(depth);
        EXPECT_EQ(trap_of(pool, "recurse", arguments), TrapKind::kStackExhausted) << frame << " of " << limit;
      }
    }
  }
}

TEST(StackLimit, NamesTheFunctionThatIsEnteredInTheBacktrace) {
  const Pool pool = make_pool(R"((module (func $deep (export "run") (call $deep))))", {}, {}, {.stack_limit = 40});
  const Error error = pool.acquire()->call("run").error();
  EXPECT_EQ(error.trap, TrapKind::kStackExhausted);
  ASSERT_EQ(error.backtrace.size(), 11u);
  for (const Frame& frame : error.backtrace) {
    EXPECT_EQ(frame.function_name, "deep");
    EXPECT_NE(frame.module_offset, 0u);
  }
}

TEST(StackLimit, IsNotUsedUpByTailCalls) {
  const Pool pool = make_pool(R"((module
    (type $t (func (param i32) (result i32)))
    (table funcref (elem $indirect))
    (func $large (param i32) (result i32) (local i64 i64 i64 i64)
      (if (result i32) (local.get 0)
        (then (return_call $small (i32.sub (local.get 0) (i32.const 1)) (i64.const 1)))
        (else (i32.const 7))))
    (func $small (param i32 i64) (result i32) (return_call $large (local.get 0)))
    (func $indirect (type $t)
      (if (result i32) (local.get 0)
        (then (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
        (else (i32.const 8))))
    (func (export "direct") (param i32) (result i32) (call $large (local.get 0)))
    (func (export "indirect") (param i32) (result i32) (call $indirect (local.get 0)))
    (func $deeper (param i32) (if (local.get 0) (then (call $deeper (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "both") (param i32)
      (drop (call $large (i32.const 1000))) (call $deeper (local.get 0)))))",
                              {.audit_every = 1}, {}, {.stack_limit = 50});
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call<std::int32_t>("direct", 100'000u).value(), 7);
  EXPECT_EQ(lease.call<std::int32_t>("indirect", 100'000u).value(), 8);
  // both: 4 + 1 + 1; deeper: 4 + 1 + 2 each.
  EXPECT_TRUE(lease.call("both", (50 - 6) / 7 - 1u));
  EXPECT_EQ(lease.call("both", (50 - 6) / 7 + 0u).error().trap, TrapKind::kStackExhausted);
}

TEST(StackLimit, ComesBackToWhatAHandlersFunctionHad) {
  ModuleBuilder builder;
  const std::uint32_t tag = builder.tag({});
  // throws(n): n frames deep it throws.
  const std::uint32_t throws = 0;
  builder.function(
      {{kI32}, {}}, {},
      Code().get(0).op(Op::kIf).byte(0x40).get(0).i32(1).op(Op::kI32Sub).call(throws).end().op(Op::kThrow, tag));
  // run(times, depth, then): catches that so often, then goes `then` frames deep.
  const std::uint32_t deeper = 1;
  builder.function({{kI32}, {}}, {},
                   Code().get(0).op(Op::kIf).byte(0x40).get(0).i32(1).op(Op::kI32Sub).call(deeper).end());
  Code body;
  body.open(Op::kLoop).open(Op::kBlock).open(Op::kTryTable).unsigned_leb(1);
  body.byte(static_cast<std::uint8_t>(wasm::CatchKind::kCatch)).unsigned_leb(tag).unsigned_leb(0);
  body.get(1).call(throws).end().end();
  body.get(0).i32(1).op(Op::kI32Sub).tee(0).op(Op::kBrIf, 0).end().get(2).call(deeper);
  builder.function({{kI32, kI32, kI32}, {}}, {}, body, "run");
  constexpr std::uint32_t kRun = 4 + 3 + 2, kFrame = 4 + 1 + 2, kDeepest = 9;
  const Pool pool = pool_of(builder.finish(), kRun + kDeepest * kFrame);
  const auto run = [&](std::uint32_t depth, std::uint32_t then) {
    return trap_of(pool, "run", {Value::i32(100), Value::i32(depth), Value::i32(then)});
  };
  EXPECT_EQ(run(0, kDeepest - 1), TrapKind::kNone);
  EXPECT_EQ(run(kDeepest - 1, kDeepest - 1), TrapKind::kNone);
  EXPECT_EQ(run(kDeepest - 1, kDeepest), TrapKind::kStackExhausted);
  EXPECT_EQ(run(kDeepest, 0), TrapKind::kStackExhausted);
}

TEST(StackLimit, BeginsAnewWithEachCallHoweverTheLastOneEnded) {
  const Pool pool = make_pool(R"((module
    (func $deeper (export "deeper") (param i32)
      (if (local.get 0) (then (call $deeper (i32.sub (local.get 0) (i32.const 1)))) (else (unreachable))))))",
                              {.capacity = 1}, {}, {.stack_limit = 70});
  Lease lease = pool.acquire().value();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(lease.call("deeper", 9u).error().trap, TrapKind::kUnreachable);
    EXPECT_EQ(lease.call("deeper", 10u).error().trap, TrapKind::kStackExhausted);
  }
}

constexpr std::string_view kDeeper = R"((module (table (export "t") 1 funcref) (elem (i32.const 0) $deeper)
  (func $deeper (export "deeper") (param i32)
    (if (local.get 0) (then (call $deeper (i32.sub (local.get 0) (i32.const 1))))))))";

TEST(StackLimit, IsOneForAGroupOfInstancesTheLeastOfTheirs) {
  const Module library = compile(kDeeper, {.stack_limit = 5'000});
  constexpr std::string_view kUser = R"((module
    (import "library" "deeper" (func $deeper (param i32))) (import "library" "t" (table 1 funcref))
    (func (export "direct") (param i32) (call $deeper (local.get 0)) (call $deeper (local.get 0)))
    (func (export "tail") (param i32) (return_call $deeper (local.get 0)))
    (func (export "through") (param i32)
      (call_indirect (param i32) (local.get 0) (i32.const 0))
      (call_indirect (param i32) (local.get 0) (i32.const 0)))))";
  for (const std::uint32_t limit : {70u, 1'000'000u}) {
    Group group;
    group.add("library", library);
    const Instance user = group.add("user", compile(kUser, {.stack_limit = limit}));
    const std::uint32_t all = std::min(limit, 5'000u);
    for (const auto& [name, own] :
         {std::pair("direct", 4u + 1 + 1), std::pair("through", 4u + 1 + 2), std::pair("tail", 0u)}) {
      const std::uint32_t deepest = (all - own) / 7;  // frames of $deeper
      EXPECT_TRUE(try_call(user, name, {Value::i32(deepest - 1)})) << name << " of " << all;
      EXPECT_EQ(call_error(user, name, {Value::i32(deepest)}).trap, TrapKind::kStackExhausted) << name << " of " << all;
    }
  }
}

TEST(StackLimit, OfACallThatTheHostMakesInACallIsWhatItsStoreHasLeft) {
  // run(n): n calls to the host, which calls run(n - 1) in one store or another.
  constexpr std::string_view kText = R"((module (import "host" "call" (func $host (param i32)))
    (func (export "run") (param i32)
      (if (local.get 0) (then (call $host (i32.sub (local.get 0) (i32.const 1))))))))";
  constexpr std::uint32_t kFrame = 4 + 1 + 2;
  Group a;
  Group b;
  std::vector<Instance> instances;  // taken in turn
  std::uint32_t failures = 0;
  bool forgives = false;
  Linker linker;
  linker.define("host", "call", FunctionType{{kI32}, {}}, [&](Caller, std::span<std::uint64_t> slots) -> Result<void> {
    const auto left = static_cast<std::uint32_t>(slots[0]);
    const Value arguments[] = {Value::i32(left)};
    auto results = instances[left % instances.size()].call_values("run", arguments);
    if (results) return {};
    ++failures;
    if (forgives) return {};
    return std::unexpected(std::move(results.error()));
  });
  const Module module = compile(kText, {.stack_limit = 5 * kFrame});
  const Instance in_a = a.add("main", module, linker);
  const Instance in_b = b.add("main", module, linker);
  instances = {in_a};
  EXPECT_TRUE(try_call(in_a, "run", {Value::i32(4)}));
  EXPECT_FALSE(try_call(in_a, "run", {Value::i32(5)}));
  EXPECT_EQ(failures, 5u);
  instances = {in_a, in_b};  // an even number in a, an odd one in b: five frames of each
  failures = 0;
  EXPECT_TRUE(try_call(in_b, "run", {Value::i32(9)}));
  EXPECT_FALSE(try_call(in_a, "run", {Value::i32(10)}));
  EXPECT_EQ(failures, 10u);
  // A call that failed inside has given back what it took.
  instances = {in_a};
  failures = 0;
  forgives = true;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(try_call(in_a, "run", {Value::i32(5)}));
  EXPECT_EQ(failures, 3u);
}

TEST(StackLimit, HoldsForStartFunctionsAndPreludes) {
  const auto start = wat(R"((module (func $deep (param i32)
      (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))))
    (func $start (call $deep (i32.const 5))) (start $start)))");
  EXPECT_TRUE(Pool::create(engine().compile(start, {.stack_limit = 4 + 1 + 6 * 7}).value(), Linker()));
  const auto refused = Pool::create(engine().compile(start, {.stack_limit = 4 + 1 + 6 * 7 - 1}).value(), Linker());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().trap, TrapKind::kStackExhausted);
}

TEST(StackLimit, IsKeptByFilesOfCompiledCode) {
  const test::TemporaryDirectory directory;
  const std::vector<std::byte> binary = wat(kDeeper);
  const auto path = directory.path() / "module";
  ASSERT_TRUE(engine().save(engine().compile(binary, {.stack_limit = 70}).value(), path));
  const auto trap = [&](const CompileOptions& options, std::uint32_t depth) {
    const Pool pool = Pool::create(engine().load(path, options).value(), Linker()).value();
    return trap_of(pool, "deeper", {Value::i32(depth)});
  };
  // The code counts; the limit is the loader's.
  EXPECT_EQ(trap({.stack_limit = 70}, 9), TrapKind::kNone);
  EXPECT_EQ(trap({.stack_limit = 70}, 10), TrapKind::kStackExhausted);
  EXPECT_EQ(trap({.stack_limit = 700}, 99), TrapKind::kNone);
  EXPECT_EQ(trap({.stack_limit = 700}, 100), TrapKind::kStackExhausted);
  EXPECT_EQ(trap({}, 1'000), TrapKind::kNone);
}

TEST(StackLimit, IsRefusedIfNoStackCouldHoldIt) {
  const std::vector<std::byte> binary = wat("(module)");
  EXPECT_TRUE(engine().compile(binary, {.stack_limit = abi::kMaximumStackLimit}));
  const auto refused = engine().compile(binary, {.stack_limit = abi::kMaximumStackLimit + 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kArgument);
}

}  // namespace
}  // namespace anew::test
