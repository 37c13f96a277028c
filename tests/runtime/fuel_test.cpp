// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fuel: what calls use to the unit, that they end where it does, and whose it is (docs/fuel.md).
#include "group.hpp"
#include "runtime/store_state.hpp"
#include "wasm/module.hpp"

namespace anew::test {
namespace {

using wasm::Op;

constexpr CompileOptions kFuel = {.fuel = true};
constexpr std::uint64_t kPlenty = 1'000'000;
constexpr ValueType kI32 = ValueType::kI32;

Pool make_metered(std::string_view text, const Linker& linker = {}) {
  return make_pool(text, {.capacity = 2, .audit_every = 1}, linker, kFuel);
}

/// What a call costs that returns. It does so again with just that much, and runs out with one less.
template <typename... A>
std::uint64_t price(const Pool& pool, std::string_view name, A... arguments) {
  const std::vector<Value> values = {Value::i32(arguments)...};
  Lease lease = pool.acquire().value();
  lease.set_fuel(kPlenty);
  const auto done = lease.call_values(name, values);
  EXPECT_TRUE(done) << name << ": " << done.error().to_string();
  const std::uint64_t used = kPlenty - lease.fuel();
  lease = pool.acquire().value();
  lease.set_fuel(used);
  EXPECT_TRUE(lease.call_values(name, values)) << name << " with " << used;
  EXPECT_EQ(lease.fuel(), 0u) << name;
  if (used > 0) {
    lease = pool.acquire().value();
    lease.set_fuel(used - 1);
    const auto stopped = lease.call_values(name, values);
    EXPECT_FALSE(stopped) << name << " with " << used - 1;
    if (!stopped) {
      EXPECT_EQ(stopped.error().trap, TrapKind::kOutOfFuel) << name;
    }
    EXPECT_EQ(lease.fuel(), 0u) << name;
  }
  lease.release();
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << name << ": " << pool.audit_report();
  return used;
}

TEST(Fuel, IsOneForEachOperatorThatRuns) {
  const Pool pool = make_metered(R"((module (memory 1)
    (func (export "nothing"))
    (func (export "free") (nop) (block (block)) (loop) (nop))
    (func (export "straight") (result i32) (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))))
    (func (export "store") (i64.store (i32.const 8) (i64.const 1)) (drop (i64.load (i32.const 8))))
    (func (export "loop") (param i32)
      (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "if") (param i32) (if (local.get 0) (then (drop (i32.const 1)))))
    (func (export "if_else") (param i32) (result i32)
      (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.add (i32.const 1) (i32.const 2)))))
    (func (export "compared") (param i32) (result i32)
      (i32.lt_u (local.get 0) (i32.const 5)) (if (param) (then (drop (i32.const 0)))) (i32.const 7)
      (br_if 0 (i32.gt_s (local.get 0) (i32.const 5))) (drop) (i32.const 8))
    (func (export "skip") (param i32) (result i32)
      (block (br_if 0 (local.get 0)) (drop (i32.const 1)) (drop (i32.const 2))) (i32.const 3))
    (func (export "table") (param i32) (result i32)
      (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10))) (drop (i32.const 0)))
      (i32.const 30))
    (func (export "dead") (result i32)
      (block (result i32) (br 0 (i32.const 1)) (drop (i32.const 2)) (i32.const 3))
      (return) (loop (drop (i32.const 0)) (br 0)) (i32.const 0))
    (func (export "seven") (local i32 i32 i32 i32 i32 i32 i32))
    (func (export "eight") (param i32) (local i32 i32 i64 i32 i32 f64 i32 i32))
    (func (export "twenty") (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
      (loop))))");
  EXPECT_EQ(price(pool, "nothing"), 0u);
  EXPECT_EQ(price(pool, "free"), 0u);
  EXPECT_EQ(price(pool, "straight"), 5u);
  EXPECT_EQ(price(pool, "store"), 6u);
  for (const std::uint32_t rounds : {1u, 2u, 1'000u}) EXPECT_EQ(price(pool, "loop", rounds), 5u * rounds);
  EXPECT_EQ(price(pool, "if", 1u), 4u);
  EXPECT_EQ(price(pool, "if", 0u), 2u);
  EXPECT_EQ(price(pool, "if_else", 1u), 3u);
  EXPECT_EQ(price(pool, "if_else", 0u), 5u);
  EXPECT_EQ(price(pool, "compared", 3u), 4u + 2 + 5 + 2);
  EXPECT_EQ(price(pool, "compared", 5u), 4u + 5 + 2);
  EXPECT_EQ(price(pool, "compared", 6u), 4u + 5);
  EXPECT_EQ(price(pool, "skip", 0u), 2u + 4 + 1);
  EXPECT_EQ(price(pool, "skip", 1u), 2u + 1);
  EXPECT_EQ(price(pool, "table", 0u), 2u + 2);
  EXPECT_EQ(price(pool, "table", 1u), 2u + 2 + 1);
  EXPECT_EQ(price(pool, "table", 2u), 2u + 1);
  EXPECT_EQ(price(pool, "dead"), 3u);
  EXPECT_EQ(price(pool, "seven"), 0u);
  EXPECT_EQ(price(pool, "eight", 1u), 1u);
  EXPECT_EQ(price(pool, "twenty"), 2u);
}

TEST(Fuel, IsSharedByACallAndItsCallees) {
  const Pool pool = make_metered(R"((module
    (type $t (func (param i32) (result i32)))
    (table 4 funcref) (elem (i32.const 0) $add $fibonacci)
    (func $add (type $t) (i32.add (local.get 0) (i32.const 1)))
    (func $fibonacci (export "fibonacci") (type $t)
      (if (i32.lt_u (local.get 0) (i32.const 2)) (then (return (local.get 0))))
      (i32.add (call $fibonacci (i32.sub (local.get 0) (i32.const 1)))
               (call $fibonacci (i32.sub (local.get 0) (i32.const 2)))))
    (func (export "call") (result i32) (call $add (call $add (i32.const 1))))
    (func (export "indirect") (param i32) (result i32)
      (call_indirect (type $t) (i32.const 3) (local.get 0)))
    (func $count (export "tail") (param i32)
      (if (i32.eqz (local.get 0)) (then (return)))
      (return_call $count (i32.sub (local.get 0) (i32.const 1))))))");
  EXPECT_EQ(price(pool, "call"), 3u + 3 + 3);
  EXPECT_EQ(price(pool, "indirect", 0u), 3u + 3);
  // Base cases: 4 operators and 2 in the if. Others: 4, and 9 with both calls.
  const auto fibonacci = [](auto self, std::uint32_t n) -> std::uint64_t {
    return n < 2 ? 6 : 13 + self(self, n - 1) + self(self, n - 2);
  };
  EXPECT_EQ(price(pool, "fibonacci", 1u), 6u);
  EXPECT_EQ(price(pool, "fibonacci", 12u), fibonacci(fibonacci, 12));
  EXPECT_EQ(price(pool, "indirect", 1u), 3u + fibonacci(fibonacci, 3));
  EXPECT_EQ(price(pool, "tail", 100u), 100u * (3 + 4) + 4);
  // At any amount too little, wherever that ends.
  const std::uint64_t all = fibonacci(fibonacci, 4);
  for (std::uint64_t fuel = 0; fuel < all; ++fuel) {
    Lease lease = pool.acquire().value();
    lease.set_fuel(fuel);
    const auto stopped = lease.call<std::uint32_t>("fibonacci", 4u);
    ASSERT_FALSE(stopped) << fuel;
    EXPECT_EQ(stopped.error().trap, TrapKind::kOutOfFuel);
  }
}

TEST(Fuel, EndsWhatWouldNotEnd) {
  const Pool pool = make_metered(R"((module (memory 1) (global $g (mut i32) (i32.const 0))
    (func (export "loop") (loop (br 0)))
    (func (export "writing") (loop
      (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (i32.store (global.get $g) (i32.const 1)) (br 0)))
    (func $tail (export "tail") (return_call $tail))
    (func (export "read") (result i32) (i32.add (global.get $g) (i32.load (i32.const 100))))))");
  for (const char* name : {"loop", "writing", "tail"}) {
    Lease lease = pool.acquire().value();
    lease.set_fuel(10'000);
    const auto stopped = lease.call(name);
    ASSERT_FALSE(stopped) << name;
    EXPECT_EQ(stopped.error().trap, TrapKind::kOutOfFuel) << name;
    ASSERT_EQ(stopped.error().backtrace.size(), 1u) << name;
    EXPECT_EQ(stopped.error().backtrace[0].function_name, name);
    EXPECT_NE(stopped.error().backtrace[0].module_offset, 0u) << name;
    EXPECT_EQ(lease.fuel(), 0u) << name;
    lease.release();
    lease = pool.acquire().value();
    EXPECT_EQ(lease.call<std::uint32_t>("read").value(), 0u) << "as new after " << name;
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Fuel, OfALeaseIsForAllItsCallsAndForNoOther) {
  const Pool pool =
      make_metered(R"((module (func (export "three") (result i32) (i32.add (i32.const 1) (i32.const 2)))))");
  Lease lease = pool.acquire().value();
  ASSERT_TRUE(lease.call<std::uint32_t>("three")) << "without a limit";
  lease.set_fuel(8);
  ASSERT_TRUE(lease.call<std::uint32_t>("three"));
  EXPECT_EQ(lease.fuel(), 5u);
  ASSERT_TRUE(lease.call<std::uint32_t>("three"));
  EXPECT_EQ(lease.fuel(), 2u);
  EXPECT_EQ(lease.call<std::uint32_t>("three").error().trap, TrapKind::kOutOfFuel);
  lease.set_fuel(~std::uint64_t{0});
  EXPECT_EQ(lease.fuel(), static_cast<std::uint64_t>(detail::kAllFuel));
}

TEST(Fuel, IsNotUsedByModulesThatDoNotCount) {
  const Pool pool = make_pool(R"((module (memory 1) (func (export "fill")
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)))))",
                              {.audit_every = 1});
  Lease lease = pool.acquire().value();
  lease.set_fuel(1);
  ASSERT_TRUE(lease.call("fill"));
  EXPECT_EQ(lease.fuel(), 1u);
}

TEST(Fuel, PaysForWhatBulkOperatorsMove) {
  const Pool pool = make_metered(R"((module (memory 1 4) (table $t 64 200 funcref) (table $u 64 funcref)
    (data $d "0123456789012345678901234567890123456789012345678901234567890123456789")
    (elem $e func 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0)
    (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
    (func (export "copy") (param i32) (memory.copy (i32.const 0) (i32.const 9) (local.get 0)))
    (func (export "init") (param i32) (memory.init $d (i32.const 0) (i32.const 0) (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "table_fill") (param i32) (table.fill $t (i32.const 0) (ref.func 0) (local.get 0)))
    (func (export "table_copy") (param i32) (table.copy $t $u (i32.const 0) (i32.const 0) (local.get 0)))
    (func (export "table_init") (param i32) (table.init $t $e (i32.const 0) (i32.const 0) (local.get 0)))
    (func (export "table_grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))))");
  for (const char* name : {"fill", "copy"}) {
    for (const std::uint32_t bytes : {0u, 63u, 64u, 127u, 128u, 60'000u})
      EXPECT_EQ(price(pool, name, bytes), 4u + bytes / 64) << name << " " << bytes;
  }
  for (const std::uint32_t bytes : {0u, 63u, 64u, 70u}) EXPECT_EQ(price(pool, "init", bytes), 4u + bytes / 64);
  EXPECT_EQ(price(pool, "grow", 0u), 2u);
  EXPECT_EQ(price(pool, "grow", 3u), 2u + 3 * 1'024);
  EXPECT_EQ(price(pool, "grow", 4u), 2u) << "what is refused is not paid for";
  for (const char* name : {"table_fill", "table_copy"}) {
    for (const std::uint32_t count : {0u, 7u, 8u, 64u}) EXPECT_EQ(price(pool, name, count), 4u + count / 8) << name;
  }
  for (const std::uint32_t count : {0u, 7u, 8u, 17u}) EXPECT_EQ(price(pool, "table_init", count), 4u + count / 8);
  EXPECT_EQ(price(pool, "table_grow", 0u), 3u);
  EXPECT_EQ(price(pool, "table_grow", 136u), 3u + 17);
  EXPECT_EQ(price(pool, "table_grow", 137u), 3u);
  // What cannot be paid is not done.
  Lease lease = pool.acquire().value();
  lease.set_fuel(4 + 1);
  EXPECT_EQ(lease.call("fill", 128u).error().trap, TrapKind::kOutOfFuel);
  EXPECT_EQ(lease.memory().load<std::uint8_t>(0).value(), 0u);
  lease = pool.acquire().value();
  lease.set_fuel(2 + 1'023);
  EXPECT_EQ(lease.call<std::uint32_t>("grow", 1u).error().trap, TrapKind::kOutOfFuel);
  EXPECT_EQ(lease.memory().size(), 65'536u);
}

TEST(Fuel, IsPaidForASegmentThatAnExceptionLeaves) {
  ModuleBuilder builder;
  const std::uint32_t tag = builder.tag({kI32});
  const std::uint32_t throws =
      builder.function({{kI32}, {}}, {}, Code().get(0).op(Op::kIf).byte(0x40).i32(5).op(Op::kThrow, tag).end());
  // What is caught goes to the label of the block: the call and the drop behind it are paid for, thrown or not.
  Code body;
  body.open(Op::kBlock, kI32).open(Op::kTryTable).unsigned_leb(1);
  body.byte(static_cast<std::uint8_t>(wasm::CatchKind::kCatch)).unsigned_leb(tag).unsigned_leb(0);
  body.get(0).call(throws).i32(1).op(Op::kDrop).end().i32(7).end();
  builder.function({{kI32}, {kI32}}, {}, body, "run");
  static const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  const Pool pool =
      Pool::create(engine.compile(builder.finish(), kFuel).value(), Linker(), {.capacity = 2, .audit_every = 1})
          .value();
  constexpr std::uint64_t kSegment = 1 + 4;  // try_table and what is in it
  EXPECT_EQ(price(pool, "run", 0u), kSegment + 2 + 1);
  constexpr std::uint64_t kSearch = 2 + 1 + 1;  // two functions, a try_table, a clause
  EXPECT_EQ(price(pool, "run", 1u), kSegment + 2 + 2 + kSearch);
}

TEST(Fuel, IsPaidForWhereAThrowLooks) {
  // run (n): the thrown exception passes n + 1 functions and, in the last one, clauses of other tags; caught by the
  // last.
  const auto make = [](std::uint32_t clauses, std::uint32_t around) {
    ModuleBuilder builder;
    const std::uint32_t thrown = builder.tag({});
    const std::uint32_t other = builder.tag({});
    Code deep =
        Code().get(0).op(Op::kIf).byte(0x40).get(0).i32(1).op(Op::kI32Sub).call(0).op(Op::kElse).op(Op::kThrow, thrown);
    builder.function({{kI32}, {}}, {}, deep.end());
    Code body = Code().open(Op::kBlock);
    for (std::uint32_t i = 0; i < around; ++i) body.open(Op::kTryTable).unsigned_leb(0);
    body.open(Op::kTryTable).unsigned_leb(clauses + 1);
    for (std::uint32_t i = 0; i < clauses; ++i) {
      body.byte(static_cast<std::uint8_t>(wasm::CatchKind::kCatch)).unsigned_leb(other).unsigned_leb(around);
    }
    body.byte(static_cast<std::uint8_t>(wasm::CatchKind::kCatchAll)).unsigned_leb(around);
    body.get(0).call(0).end();
    for (std::uint32_t i = 0; i < around; ++i) body.end();
    builder.function({{kI32}, {}}, {}, body.end(), "run");
    static const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
    return Pool::create(engine.compile(builder.finish(), kFuel).value(), Linker(), {.capacity = 2, .audit_every = 1})
        .value();
  };
  for (const std::uint32_t clauses : {0u, 1u, 100u, 9'000u}) {
    for (const std::uint32_t around : {0u, 3u}) {
      const Pool pool = make(clauses, around);
      for (const std::uint32_t depth : {0u, 1u, 50u}) {
        const std::uint64_t entered = (around + 3) + 6 * depth + 3;
        const std::uint64_t search = depth + 2 + 1 + clauses + 1;
        EXPECT_EQ(price(pool, "run", depth), entered + search) << clauses << " " << around << " " << depth;
        Lease lease = pool.acquire().value();
        for (const std::uint64_t missing : {std::uint64_t{1}, search}) {
          lease.set_fuel(entered + search - missing);
          const auto stopped = lease.call("run", depth);
          ASSERT_FALSE(stopped);
          EXPECT_EQ(stopped.error().trap, TrapKind::kOutOfFuel) << stopped.error().to_string();
          lease = pool.acquire().value();
        }
      }
    }
  }
}

TEST(Fuel, PaysForValuesThatCallsAndBranchesMove) {
  const auto price_of = [](std::uint32_t values) {
    ModuleBuilder builder;
    const std::vector<ValueType> types(values, kI32);
    const std::uint32_t source = builder.function({{}, types}, {}, [&] {
      Code code;
      for (std::uint32_t i = 0; i < values; ++i) code.i32(i);
      return code;
    }());
    const std::uint32_t sink = builder.function({types, {}}, {}, {});
    const std::uint32_t label = builder.type({{}, types});
    // Both calls, a branch that is not taken and one that is.
    Code body = Code().open(Op::kBlock, label).call(source).i32(0).op(Op::kBrIf, 0).op(Op::kBr, 0).end().call(sink);
    builder.function({{}, {}}, {}, body, "run");
    static const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
    const Pool pool =
        Pool::create(engine.compile(builder.finish(), kFuel).value(), Linker(), {.capacity = 2, .audit_every = 1})
            .value();
    return price(pool, "run");
  };
  for (const std::uint32_t values : {0u, 1u, 7u, 8u, 100u, 1'000u}) {
    EXPECT_EQ(price_of(values), 5u + values + 4 * (values / 8)) << values;
  }
}

TEST(Fuel, IsPaidForASegmentThatTraps) {
  const Pool pool = make_metered(R"((module (memory 1)
    (func (export "run") (param i32) (result i32)
      (drop (i32.load8_u (local.get 0))) (drop (i32.load8_u (local.get 0))) (i32.const 1))))");
  Lease lease = pool.acquire().value();
  lease.set_fuel(100);
  EXPECT_EQ(lease.call<std::uint32_t>("run", 65'536u).error().trap, TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(lease.fuel(), 100u - 7);
  lease = pool.acquire().value();
  lease.set_fuel(6);
  EXPECT_EQ(lease.call<std::uint32_t>("run", 65'536u).error().trap, TrapKind::kOutOfFuel);
}

TEST(Fuel, IsSharedByAGroupOfInstances) {
  const Module library = compile(R"((module (table (export "t") 1 funcref) (elem (i32.const 0) $three)
    (func $three (export "three") (result i32) (i32.add (i32.const 1) (i32.const 2)))))",
                                 kFuel);
  const Module user = compile(R"((module
    (import "library" "three" (func $three (result i32))) (import "library" "t" (table 1 funcref))
    (func (export "direct") (result i32) (i32.add (call $three) (call $three)))
    (func (export "through") (result i32) (call_indirect (result i32) (i32.const 0)))
    (func (export "tail") (result i32) (return_call $three))))",
                              kFuel);
  Group group;
  group.add("library", library);
  const Instance main = group.add("user", user);
  detail::StoreState& store = *main.state()->store;
  const auto used = [&](const char* name) {
    store.fuel = 100;
    EXPECT_EQ(call(main, name).type, kI32);
    const std::int64_t result = 100 - store.fuel;
    store.fuel = result - 1;
    EXPECT_EQ(call_error(main, name).trap, TrapKind::kOutOfFuel) << name;
    return result;
  };
  EXPECT_EQ(used("direct"), 3 + 2 * 3);
  EXPECT_EQ(used("through"), 2 + 3);
  EXPECT_EQ(used("tail"), 1 + 3);
}

TEST(Fuel, OfACallThatTheHostMakesInACallIsItsStores) {
  // The guest calls the host, which calls a guest of another store, or of the same, as long as it is told to.
  constexpr std::string_view kText = R"((module (import "host" "call" (func $host (param i32)))
    (func (export "run") (param i32)
      (if (local.get 0) (then (call $host (i32.sub (local.get 0) (i32.const 1))) (drop (i32.const 0))))
      (drop (i32.const 1)))))";
  Group a;
  Group b;
  std::vector<Instance> instances;  // taken in turn
  Linker linker;
  linker.define("host", "call", FunctionType{{kI32}, {}}, [&](Caller, std::span<std::uint64_t> slots) -> Result<void> {
    const auto left = static_cast<std::uint32_t>(slots[0]);
    const Value arguments[] = {Value::i32(left)};
    auto results = instances[left % instances.size()].call_values("run", arguments);
    if (!results) return std::unexpected(std::move(results.error()));
    return {};
  });
  const Module module = compile(kText, kFuel);
  const Instance in_a = a.add("main", module, linker);
  const Instance in_b = b.add("main", module, linker);
  std::int64_t& fuel_a = in_a.state()->store->fuel;
  std::int64_t& fuel_b = in_b.state()->store->fuel;
  constexpr std::int64_t kLast = 4;  // without the call
  constexpr std::int64_t kOuter = 4 + 6;
  instances = {in_a, in_b};  // an even number in a, an odd one in b
  fuel_a = fuel_b = 1'000;
  call(in_a, "run", {Value::i32(4)});
  EXPECT_EQ(1'000 - fuel_a, kOuter + kOuter + kLast);
  EXPECT_EQ(1'000 - fuel_b, kOuter + kOuter);
  instances = {in_a};
  fuel_a = 1'000;
  call(in_a, "run", {Value::i32(4)});
  EXPECT_EQ(1'000 - fuel_a, 4 * kOuter + kLast);
  // The innermost call in a runs out, two calls of its own and two of b around it.
  instances = {in_a, in_b};
  fuel_a = kOuter + kOuter + kLast - 1;
  fuel_b = 1'000;
  EXPECT_FALSE(try_call(in_a, "run", {Value::i32(4)}));
  EXPECT_LE(fuel_a, 0);
}

}  // namespace
}  // namespace anew::test
