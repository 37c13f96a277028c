// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Host functions: values both ways, failures and exceptions, calls back into guests.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <stdexcept>
#include <thread>
#include <tuple>

#include "abi/library.hpp"
#include "runtime/thread.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

TEST(HostFunction, GetsAndReturnsEachType) {
  Linker linker;
  linker.define("env", "mix", [](std::int32_t a, std::uint64_t b, float c, double d, bool e) -> double {
    return a + static_cast<double>(b) + static_cast<double>(c) + d + (e ? 1000 : 0);
  });
  linker.define("env", "negate", [](std::int64_t value) { return -value; });
  linker.define("env", "half", [](float value) { return value / 2; });
  const Pool pool = make_pool(R"((module
    (import "env" "mix" (func $mix (param i32 i64 f32 f64 i32) (result f64)))
    (import "env" "negate" (func $negate (param i64) (result i64)))
    (import "env" "half" (func $half (param f32) (result f32)))
    (func (export "mix") (result f64)
      (call $mix (i32.const -5) (i64.const 10) (f32.const 0.5) (f64.const 0.25) (i32.const 1)))
    (func (export "negate") (param i64) (result i64) (call $negate (local.get 0)))
    (export "half" (func $half))))",
                              {}, linker);
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call<double>("mix").value(), -5 + 10 + 0.5 + 0.25 + 1000);
  EXPECT_EQ(lease.call<std::int64_t>("negate", std::int64_t{1} << 40).value(), -(std::int64_t{1} << 40));
  EXPECT_EQ(lease.call<float>("half", 3.0f).value(), 1.5f) << "an import that is exported again";
}

TEST(HostFunction, DefinedBySlotsTakesAndReturnsSeveralValues) {
  Linker linker;
  linker.define("env", "swap", {{ValueType::kI32, ValueType::kI64}, {ValueType::kI64, ValueType::kI32}},
                [](Caller, std::span<std::uint64_t> slots) -> Result<void> {
                  std::swap(slots[0], slots[1]);
                  return {};
                });
  const Pool pool = make_pool(R"((module
    (import "env" "swap" (func $swap (param i32 i64) (result i64 i32)))
    (func (export "swap") (param i32 i64) (result i64 i32) (call $swap (local.get 0) (local.get 1)))))",
                              {}, linker);
  const std::vector<Value> arguments = {Value::i32(7), Value::i64(1ull << 60)};
  const std::vector<Value> expected = {Value::i64(1ull << 60), Value::i32(7)};
  EXPECT_EQ(pool.acquire()->call_values("swap", arguments).value(), expected);
}

TEST(HostFunction, ThatDoesNotWriteItsResultsGivesZerosAndNotWhatAnEarlierCallLeft) {
  Linker linker;
  linker.define("env", "forget", {{}, {ValueType::kI64, ValueType::kI64, ValueType::kI64}},
                [](Caller, std::span<std::uint64_t>) -> Result<void> { return {}; });
  const Pool pool = make_pool(R"((module (import "env" "forget" (func $forget (result i64 i64 i64)))
    (func $nothing)
    (func $fill (param i64) (result i64) (local i64 i64 i64 i64 i64 i64)
      (local.set 1 (local.get 0)) (local.set 2 (local.get 0)) (local.set 3 (local.get 0))
      (local.set 4 (local.get 0)) (local.set 5 (local.get 0)) (local.set 6 (local.get 0))
      (call $nothing)
      (i64.and (local.get 1) (i64.and (local.get 2) (i64.and (local.get 3)
        (i64.and (local.get 4) (i64.and (local.get 5) (local.get 6)))))))
    (func (export "fill") (param i64) (result i64) (call $fill (local.get 0)))
    (func (export "peek") (result i64) (call $forget) i64.or i64.or)))",
                              {}, linker);
  ASSERT_EQ(pool.acquire()->call<std::uint64_t>("fill", std::uint64_t{0x5EC7E7}).value(), 0x5EC7E7u);
  EXPECT_EQ(pool.acquire()->call<std::uint64_t>("peek").value(), 0u);
}

TEST(HostFunction, CannotGiveAGuestAFunctionOfAnotherInstance) {
  std::uint64_t kept = 0;
  Linker linker;
  linker.define("env", "keep", {{ValueType::kFuncRef}, {}},
                [&kept](Caller, std::span<std::uint64_t> slots) -> Result<void> {
                  kept = slots[0];
                  return {};
                });
  linker.define("env", "give", {{}, {ValueType::kFuncRef}},
                [&kept](Caller, std::span<std::uint64_t> slots) -> Result<void> {
                  slots[0] = kept;
                  return {};
                });
  const Pool pool = make_pool(R"((module
    (import "env" "keep" (func $keep (param funcref))) (import "env" "give" (func $give (result funcref)))
    (type $t (func (result i32))) (table 1 funcref) (elem declare func $f)
    (func $f (type $t) (i32.const 7))
    (func (export "keep") (call $keep (ref.func $f)))
    (func (export "run") (result i32)
      (table.set 0 (i32.const 0) (call $give)) (call_indirect (type $t) (i32.const 0)))))",
                              {.capacity = 2}, linker);
  Lease first = pool.acquire().value();
  Lease second = pool.acquire().value();
  ASSERT_TRUE(first.call("keep").has_value());
  EXPECT_EQ(first.call<int>("run").value(), 7) << "its own comes back";
  const Error error = second.call<int>("run").error();
  EXPECT_EQ(error.trap, TrapKind::kHostError);
  EXPECT_NE(error.message.find("function reference"), std::string::npos) << error.message;
}

TEST(HostFunction, KeepsTheGuestsValuesOverTheCall) {
  Linker linker;
  linker.define("env", "clobber", [] {});
  const Pool pool = make_pool(R"((module (import "env" "clobber" (func $clobber))
    (func (export "sum") (param i32 i64 f32 f64) (result f64)
      (f64.convert_i32_s (local.get 0)) (f64.convert_i64_s (local.get 1)) (f64.promote_f32 (local.get 2)) (local.get 3)
      (call $clobber) f64.add f64.add f64.add
      (f64.add (f64.convert_i32_s (local.get 0))))))",
                              {}, linker);
  EXPECT_EQ(pool.acquire()->call<double>("sum", 1, std::int64_t{20}, 300.0f, 4000.0).value(), 4322.0);
}

TEST(HostFunction, TakesItsCallerInAnyWay) {
  Linker linker;
  linker.define("env", "by_value", [](Caller caller) { return static_cast<int>(caller.memory().size()); });
  linker.define("env", "by_reference", [](Caller& caller) { return static_cast<int>(caller.memory().size()); });
  linker.define("env", "by_constant", [](const Caller& caller) { return static_cast<int>(caller.memory().size()); });
  const Pool pool = make_pool(R"((module (import "env" "by_value" (func (result i32)))
    (import "env" "by_reference" (func (result i32))) (import "env" "by_constant" (func (result i32))) (memory 1)
    (func (export "run") (result i32) (i32.add (call 0) (i32.add (call 1) (call 2))))))",
                              {}, linker);
  EXPECT_EQ(pool.acquire()->call<int>("run").value(), 3 * 65536);
}

TEST(HostFunction, ThatFailsTrapsTheGuestWithItsMessageAndItsName) {
  Linker linker;
  linker.define("env", "fail", [](std::int32_t code) -> Result<std::int32_t> {
    if (code == 0) return 1;
    return fail(ErrorCode::kNotFound, "no such key");
  });
  const Pool pool = make_pool(R"((module (import "env" "fail" (func $fail (param i32) (result i32)))
    (func (export "run") (param i32) (result i32) (call $fail (local.get 0)))))",
                              {}, linker);
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call<int>("run", 0).value(), 1);
  const Error error = lease.call<int>("run", 1).error();
  EXPECT_EQ(error.code, ErrorCode::kTrap);
  EXPECT_EQ(error.trap, TrapKind::kHostError);
  EXPECT_EQ(error.message, "host function failed: no such key");
  ASSERT_EQ(error.backtrace.size(), 2u);
  EXPECT_EQ(error.backtrace[0].function_index, 0u) << "the import is the innermost frame";
  EXPECT_NE(error.backtrace[0].function_name.find("fail"), std::string::npos);
  EXPECT_EQ(error.backtrace[1].function_name, "run");
}

TEST(HostFunction, ThatThrowsTrapsTheGuest) {
  Linker linker;
  linker.define("env", "throw", [](std::int32_t what) {
    if (what == 0) throw std::runtime_error("broken");
    if (what == 1) throw 42;
  });
  const Pool pool = make_pool(R"((module (import "env" "throw" (func $throw (param i32)))
    (func (export "run") (param i32) (call $throw (local.get 0)))))",
                              {.audit_every = 1}, linker);
  const Error error = pool.acquire()->call("run", 0).error();
  EXPECT_EQ(error.trap, TrapKind::kHostError);
  EXPECT_NE(error.message.find("broken"), std::string::npos) << error.message;
  EXPECT_EQ(pool.acquire()->call("run", 1).error().trap, TrapKind::kHostError);
  EXPECT_TRUE(pool.acquire()->call("run", 2).has_value());
  EXPECT_EQ(pool.statistics().audit_failures, 0u);
}

TEST(HostFunction, ReadsAndWritesTheCallersMemoryWithinBounds) {
  Linker linker;
  linker.define("env", "poke", [](Caller caller, std::uint32_t address) -> Result<void> {
    return caller.memory().store(address, std::uint32_t{0xABCD});
  });
  const Pool pool = make_pool(R"((module (import "env" "poke" (func $poke (param i32))) (memory 1)
    (func (export "run") (param i32) (result i32) (call $poke (local.get 0)) (i32.load (local.get 0)))
    (func (export "peek") (param i32) (result i32) (i32.load (local.get 0)))))",
                              {.capacity = 1, .audit_every = 1}, linker);
  EXPECT_EQ(pool.acquire()->call<std::uint32_t>("run", 65532).value(), 0xABCDu);
  EXPECT_EQ(pool.acquire()->call<std::uint32_t>("peek", 65532).value(), 0u) << "host writes are restored";
  const Error error = pool.acquire()->call<std::uint32_t>("run", 65533).error();
  EXPECT_NE(error.message.find("0xfffd"), std::string::npos) << error.message;
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(HostFunction, SeesTheGlobalsThatTheCallerExports) {
  Linker linker;
  linker.define("env", "base", [](Caller caller) -> Result<std::int32_t> {
    auto value = caller.global("__heap_base");
    if (!value) return std::unexpected(value.error());
    return static_cast<std::int32_t>(value->bits);
  });
  const Pool pool = make_pool(R"((module (import "env" "base" (func $base (result i32)))
    (global (export "__heap_base") i32 (i32.const 4711)) (export "run" (func $base))))",
                              {}, linker);
  EXPECT_EQ(pool.acquire()->call<int>("run").value(), 4711);
}

TEST(HostFunction, MayCallTheGuestAgainAndOtherGuests) {
  const Pool other = make_pool(R"((module (func (export "triple") (param i32) (result i32)
    (i32.mul (local.get 0) (i32.const 3)))))");
  Lease* self = nullptr;
  Linker linker;
  linker.define("env", "twice", [&](std::int32_t value) -> Result<std::int32_t> {
    auto mine = self->call<std::int32_t>("add_to_global", value);
    if (!mine) return mine;
    return other.acquire()->call<std::int32_t>("triple", *mine);
  });
  const Pool pool = make_pool(R"((module (import "env" "twice" (func $twice (param i32) (result i32)))
    (global $g (mut i32) (i32.const 100))
    (func (export "add_to_global") (param i32) (result i32)
      (global.set $g (i32.add (global.get $g) (local.get 0))) (global.get $g))
    (func (export "run") (result i32) (local i32)
      (local.set 0 (i32.const 7))
      (i32.add (call $twice (i32.const 1)) (i32.add (global.get $g) (local.get 0))))))",
                              {}, linker);
  Lease lease = pool.acquire().value();
  self = &lease;
  EXPECT_EQ(lease.call<int>("run").value(), 303 + 101 + 7);
}

TEST(NestedCall, ThatTrapsMayBeHandledByTheHostAndTheOuterCallGoesOn) {
  const Pool inner = make_pool(R"((module (memory 1) (func (export "trap") (drop (i32.load (i32.const -4))))
    (func $recurse (export "recurse") (call $recurse))))");
  Linker linker;
  linker.define("env", "try", [&]() -> std::int32_t {
    const bool memory = inner.acquire()->call("trap").error().trap == TrapKind::kMemoryOutOfBounds;
    const bool stack = inner.acquire()->call("recurse").error().trap == TrapKind::kStackExhausted;
    return memory && stack ? 1 : 0;
  });
  const Pool pool = make_pool(R"((module (import "env" "try" (func $try (result i32))) (memory 1)
    (func (export "run") (result i32) (i32.add (call $try) (i32.const 10)))
    (func (export "run_and_trap") (result i32) (drop (call $try)) (i32.load (i32.const 65536)))))",
                              {}, linker);
  EXPECT_EQ(pool.acquire()->call<int>("run").value(), 11);
  const Error error = pool.acquire()->call<int>("run_and_trap").error();
  EXPECT_EQ(error.trap, TrapKind::kMemoryOutOfBounds) << "the outer guest's own faults are still known";
  ASSERT_EQ(error.backtrace.size(), 1u);
  EXPECT_EQ(error.backtrace[0].function_name, "run_and_trap");
}

TEST(NestedCall, WhoseErrorTheHostPassesOnHasBothBacktraces) {
  const Pool inner = make_pool(R"((module (func $deep unreachable) (func (export "inner") (call $deep))))");
  Linker linker;
  linker.define("env", "pass", [&] { return inner.acquire()->call("inner"); });
  const Pool pool = make_pool(R"((module (import "env" "pass" (func $pass))
    (func $between (call $pass)) (func (export "outer") (call $between))))",
                              {}, linker);
  const Error error = pool.acquire()->call("outer").error();
  EXPECT_EQ(error.trap, TrapKind::kUnreachable);
  std::vector<std::string> names;
  for (const Frame& frame : error.backtrace) names.push_back(frame.function_name);
  ASSERT_EQ(names.size(), 5u) << error.to_string();
  EXPECT_EQ(names[0], "deep");
  EXPECT_EQ(names[1], "inner");
  EXPECT_EQ(names[3], "between");
  EXPECT_EQ(names[4], "outer");
}

TEST(NestedCall, WithoutEndIsStackExhaustion) {
  Lease* self = nullptr;
  int depth = 0;
  Linker linker;
  linker.define("env", "again", [&]() -> Result<void> {
    ++depth;
    return self->call("run");
  });
  const Pool pool =
      make_pool(R"((module (import "env" "again" (func $again)) (func (export "run") (call $again))))", {}, linker);
  Lease lease = pool.acquire().value();
  self = &lease;
  EXPECT_EQ(lease.call("run").error().trap, TrapKind::kStackExhausted);
  EXPECT_EQ(depth, 64);
  depth = 0;
  EXPECT_EQ(lease.call("run").error().trap, TrapKind::kStackExhausted) << "and all of it was unwound";
  EXPECT_EQ(depth, 64);
}

TEST(HostFunction, RunsOnTheThreadsOwnStackWithRoomForWhatTheHostNeeds) {
  Linker linker;
  linker.define("env", "deep", []() -> std::int32_t {
    volatile char space[4 << 20] = {};  // more than a guest stack, less than the thread's
    space[0] = 1;
    space[sizeof(space) - 1] = 2;
    return space[0] + space[sizeof(space) - 1];
  });
  const Pool pool =
      make_pool(R"((module (import "env" "deep" (func $deep (result i32))) (export "run" (func $deep))))", {}, linker);
  EXPECT_EQ(pool.acquire()->call<int>("run").value(), 3);
}

TEST(Kill, StopsTheGuestWhenItIsEnteredAndWhenAHostFunctionReturns) {
  Linker linker;
  linker.define("env", "kill", [] { detail::current_thread()->kill = 1; });
  const Pool pool =
      make_pool(R"((module (import "env" "kill" (func $kill)) (global $g (export "g") (mut i32) (i32.const 0))
    (func (export "run") (call $kill) (global.set $g (i32.const 1)))
    (func (export "fine"))))",
                {}, linker);
  Lease lease = pool.acquire().value();
  const Error after_host = lease.call("run").error();
  EXPECT_EQ(after_host.trap, TrapKind::kInterrupted);
  EXPECT_EQ(after_host.backtrace.size(), 2u);
  EXPECT_EQ(lease.global("g")->bits, 0u);
  detail::current_thread()->kill = 1;  // the flag went with the call that it ended
  const Error at_entry = lease.call("fine").error();
  EXPECT_EQ(at_entry.trap, TrapKind::kInterrupted);
  EXPECT_TRUE(at_entry.backtrace.empty());
  EXPECT_TRUE(lease.call("fine").has_value());
}

TEST(Threads, MayCallAGuestWhileTheirThreadLocalObjectsAreDestroyed) {
  const Pool pool = make_pool(R"((module (func (export "seven") (result i32) (i32.const 7))))");
  struct AtExit {
    std::function<void()> action;
    ~AtExit() {
      if (action) action();
    }
  };
  int result = 0;
  std::thread([&] {
    thread_local AtExit at_exit;  // made before what the runtime keeps for the thread, so destroyed after it
    at_exit.action = [&] { result = pool.acquire()->call<int>("seven").value(); };
    EXPECT_TRUE(pool.acquire()->call<int>("seven").has_value());
  }).join();
  EXPECT_EQ(result, 7);
}

TEST(Threads, HaveTheirOwnStacksAndGiveThemBack) {
  const Pool pool = make_pool(R"((module (memory 1) (func $recurse (export "recurse") (call $recurse))
    (func (export "fault") (drop (i32.load (i32.const -1))))))",
                              {.capacity = 4});
  for (int round = 0; round < 8; ++round) {
    std::thread([&pool] {
      EXPECT_EQ(pool.acquire()->call("recurse").error().trap, TrapKind::kStackExhausted);
      EXPECT_EQ(pool.acquire()->call("fault").error().trap, TrapKind::kMemoryOutOfBounds);
    }).join();
  }
}

// --- Types that take several slots or none of C++'s own -----------------------------------------------------------

TEST(TypedCall, GivesSeveralResultsAsATuple) {
  const Pool pool = make_pool(R"((module
    (func (export "none"))
    (func (export "spread") (param i32 v128 f64) (result f64 v128 i32 i64)
      (local.get 2) (local.get 1) (local.get 0) (i64.const -1))))");
  Lease lease = pool.acquire().value();
  const V128 vector = V128::of<std::uint16_t>({1, 2, 3, 4, 5, 6, 7, 8});
  using Spread = std::tuple<double, V128, int, std::int64_t>;
  const auto spread = pool.function<Spread(int, V128, double)>("spread").value();
  EXPECT_EQ(lease.call(spread, -3, vector, 2.5).value(), Spread(2.5, vector, -3, -1));
  EXPECT_EQ(lease.call<Spread>("spread", 5, V128{}, 0.0).value(), Spread(0.0, V128{}, 5, -1));
  EXPECT_TRUE(lease.call<std::tuple<>>("none").has_value());
  const Error fewer = pool.function<std::tuple<double, V128, int>(int, V128, double)>("spread").error();
  EXPECT_EQ(fewer.code, ErrorCode::kArgument);
  EXPECT_NE(fewer.message.find("is called as [i32 v128 f64] -> [f64 v128 i32]"), std::string::npos) << fewer.message;
}

TEST(TypedCall, SeesTheLanesOfVectors) {
  const Pool pool = make_pool(R"((module
    (func (export "add") (param v128 v128) (result v128) (f32x4.add (local.get 0) (local.get 1)))
    (func (export "lanes") (param v128) (result i32 i64)
      (i8x16.extract_lane_s 1 (local.get 0)) (i64x2.extract_lane 1 (local.get 0)))))");
  Lease lease = pool.acquire().value();
  const auto sum = lease.call<V128>("add", V128::of<float>({1, 2, 3, 4}), V128::of<float>({10, 20, 30, 40}));
  EXPECT_EQ(sum.value().lanes<float>(), (std::array<float, 4>{11, 22, 33, 44}));
  const V128 bytes = V128::of<std::int8_t>({1, -2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ((lease.call<std::tuple<int, std::int64_t>>("lanes", bytes).value()), std::tuple(-2, 9));
}

TEST(HostFunction, TakesAndReturnsVectorsAndTuples) {
  Linker linker;
  linker.define("env", "rotate", [](Caller&, int a, V128 b, float c) { return std::tuple(b, c, a); });
  linker.define("env", "check", [](V128 a, std::uint64_t b) -> Result<std::tuple<std::uint64_t, bool>> {
    if (b == 0) return fail(ErrorCode::kHost, "nothing to divide by");
    return std::tuple(a.low / b, a.high != 0);
  });
  const Pool pool = make_pool(R"((module
    (import "env" "rotate" (func $rotate (param i32 v128 f32) (result v128 f32 i32)))
    (import "env" "check" (func $check (param v128 i64) (result i64 i32)))
    (func (export "rotate") (param i32 v128 f32) (result v128 f32 i32)
      (call $rotate (local.get 0) (local.get 1) (local.get 2)))
    (func (export "check") (param v128 i64) (result i64 i32) (call $check (local.get 0) (local.get 1)))))",
                              {}, linker);
  Lease lease = pool.acquire().value();
  using Rotated = std::tuple<V128, float, int>;
  EXPECT_EQ(lease.call<Rotated>("rotate", 7, V128{1, 2}, 0.5f).value(), Rotated(V128{1, 2}, 0.5f, 7));
  using Checked = std::tuple<std::uint64_t, bool>;
  EXPECT_EQ(lease.call<Checked>("check", V128{12, 1}, std::uint64_t{3}).value(), Checked(4, true));
  const Error error = lease.call<Checked>("check", V128{12, 1}, std::uint64_t{0}).error();
  EXPECT_EQ(error.trap, TrapKind::kHostError);
  EXPECT_NE(error.message.find("nothing to divide by"), std::string::npos) << error.message;
}

TEST(References, CrossInTypedCallsAndOnlyWithinTheirStore) {
  FunctionReference kept;
  Linker linker;
  linker.define("env", "keep", [&kept](ExternReference box, FunctionReference function) {
    kept = function;
    return std::tuple(ExternReference{box.bits + 1}, function);
  });
  linker.define("env", "give", [&kept] { return kept; });
  const Pool pool = make_pool(R"((module
    (import "env" "keep" (func $keep (param externref funcref) (result externref funcref)))
    (import "env" "give" (func $give (result funcref)))
    (type $t (func (result i32))) (table $functions 1 funcref) (elem declare func $seven)
    (func $seven (type $t) (i32.const 7))
    (func (export "seven") (result funcref) (ref.func $seven))
    (func (export "keep") (param externref funcref) (result externref funcref)
      (call $keep (local.get 0) (local.get 1)))
    (func (export "give") (table.set $functions (i32.const 0) (call $give)))
    (func (export "is_null") (param externref funcref) (result i32 i32)
      (ref.is_null (local.get 0)) (ref.is_null (local.get 1)))
    (func (export "run") (param funcref) (result i32)
      (table.set $functions (i32.const 0) (local.get 0)) (call_indirect $functions (type $t) (i32.const 0)))))",
                              {.capacity = 2}, linker);
  Lease first = pool.acquire().value();
  const FunctionReference seven = first.call<FunctionReference>("seven").value();
  EXPECT_TRUE(seven);
  EXPECT_EQ(first.call<int>("run", seven).value(), 7);
  using Pair = std::tuple<ExternReference, FunctionReference>;
  EXPECT_EQ(first.call<Pair>("keep", ExternReference{41}, seven).value(), Pair(ExternReference{42}, seven));
  EXPECT_EQ((first.call<std::tuple<bool, bool>>("is_null", ExternReference{}, seven).value()), std::tuple(true, false));
  EXPECT_TRUE(first.call("give").has_value()) << "its own comes back";

  Lease second = pool.acquire().value();
  const Error foreign = second.call<int>("run", seven).error();
  EXPECT_EQ(foreign.code, ErrorCode::kArgument);
  EXPECT_NE(foreign.message.find("argument 1, funcref, is a function reference that this store did not hand out"),
            std::string::npos)
      << foreign.message;
  EXPECT_EQ(second.call<int>("run", FunctionReference{0x1000}).error().code, ErrorCode::kArgument) << "made up";
  EXPECT_EQ(second.call<int>("run", FunctionReference{}).error().trap, TrapKind::kUninitializedElement);
  EXPECT_EQ(second.call("give").error().trap, TrapKind::kHostError) << "the other store's";
}

}  // namespace
}  // namespace anew::test
