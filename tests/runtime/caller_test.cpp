// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls that a host function makes into the guest that calls it.
#include <gtest/gtest.h>

#include <anew/store.hpp>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "group.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// What a host has in hand does not become what only the library makes.
static_assert(!std::is_constructible_v<Caller, std::byte*> && !std::is_convertible_v<std::byte*, Caller>);
static_assert(!std::is_constructible_v<MemoryView, std::byte*>);

/// A guest that asks the host for bytes, which come to where its allocator says. The allocator grows the memory.
constexpr std::string_view kAllocates = R"((module (import "env" "text" (func $text (param i32) (result i32)))
  (memory (export "memory") 1) (global $next (mut i32) (i32.const 65536))
  (func (export "allocate") (param $bytes i32) (result i32) (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (local.get $at) (local.get $bytes)))
    (loop $more (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)) (br $more))))
    (local.get $at))
  (func (export "last_of") (param i32) (result i32)
    (i32.load8_u (i32.sub (i32.add (call $text (local.get 0)) (local.get 0)) (i32.const 1))))))";

TEST(Caller, CallsTheGuestsAllocator) {
  Linker linker;
  linker.define("env", "text", [](const Caller& caller, std::uint32_t bytes) -> Result<std::uint32_t> {
    MemoryView memory = caller.memory();
    EXPECT_EQ(memory.size(), 65536u);
    const auto at = caller.call<std::uint32_t>("allocate", bytes);
    if (!at) return at;
    EXPECT_GT(memory.size(), 65536u) << "a view sees what the memory grew by";
    auto room = memory.write(*at, bytes);
    if (!room) return std::unexpected(room.error());
    std::ranges::fill(*room, std::byte{'x'});
    return *at;
  });
  const Pool pool = make_pool(kAllocates, {.capacity = 1, .audit_every = 1}, linker);
  const auto last_of = pool.function<int(std::uint32_t)>("last_of").value();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pool.acquire()->call(last_of, 100).value(), 'x');
    EXPECT_EQ(pool.acquire()->call(last_of, 200'000).value(), 'x');
  }
  EXPECT_EQ(pool.statistics().distrusted, 0u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

using Allocate = Function<std::uint32_t(std::uint32_t)>;
struct Allocator {
  std::optional<Allocate> allocate;  ///< found by the first call, and kept by the reset
};

TEST(Caller, CallsThroughAHandleThatAHostStateKeepsOrThatThePoolFound) {
  int found = 0;
  std::optional<Allocate> of_pool;
  Linker linker;
  linker.define_state<Allocator>({}, [](Allocator&) {});
  linker.define("env", "text", [&](Caller caller, Allocator& allocator, std::uint32_t bytes) -> Result<std::uint32_t> {
    if (of_pool) return caller.call(*of_pool, bytes);
    if (!allocator.allocate) {
      auto allocate = caller.function<std::uint32_t(std::uint32_t)>("allocate");
      if (!allocate) return std::unexpected(allocate.error());
      allocator.allocate = *allocate;
      ++found;
    }
    return caller.call(*allocator.allocate, bytes);
  });
  const Pool pool = make_pool(kAllocates, {.capacity = 1, .audit_every = 1}, linker);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.acquire()->call<int>("last_of", 50u).value(), 0);
  EXPECT_EQ(found, 1);
  of_pool = pool.function<std::uint32_t(std::uint32_t)>("allocate").value();
  EXPECT_EQ(pool.acquire()->call<int>("last_of", 50u).value(), 0);
}

TEST(Caller, RefusesWhatTheGuestDoesNotHave) {
  const Pool other = make_pool(R"((module (func (export "allocate") (param i32) (result i32) (local.get 0))))");
  const auto foreign = other.function<std::uint32_t(std::uint32_t)>("allocate").value();
  Linker linker;
  linker.define("env", "text", [&](Caller caller, std::uint32_t) {
    EXPECT_EQ(caller.call("alocate").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(caller.call("memory").error().code, ErrorCode::kArgument);
    EXPECT_EQ(caller.call<float>("allocate", 1u).error().code, ErrorCode::kArgument);
    EXPECT_EQ(caller.function<void()>("allocate").error().code, ErrorCode::kArgument);
    EXPECT_EQ(caller.call_values("allocate", {}).error().code, ErrorCode::kArgument);
    EXPECT_EQ(caller.call(foreign, 1).error().code, ErrorCode::kArgument);
    const Value eight[] = {Value::i32(8)};
    EXPECT_EQ(caller.call_values("allocate", eight).value(), std::vector<Value>{Value::i32(65536)});
    return 8;
  });
  const Pool pool = make_pool(kAllocates, {.capacity = 1}, linker);
  EXPECT_EQ(pool.acquire()->call<int>("last_of", 1u).value(), 0);
}

/// A guest whose host function "host" calls the export that it is told the number of.
constexpr std::string_view kNests = R"((module (import "env" "host" (func $host (param i32) (result i32)))
  (memory (export "memory") 1) (global $g (export "g") (mut i32) (i32.const 0))
  (func (export "run") (param i32) (result i32)
    (i32.add (call $host (local.get 0)) (i32.mul (global.get $g) (i32.const 1000))))
  (func $return (export "0") (global.set $g (i32.add (global.get $g) (i32.const 1))))
  (func (export "1") (call $return) (i32.store (i32.const 40000) (i32.const 7)) (call $trap))
  (func $trap unreachable)
  (func (export "2") (loop (br 0)))
  (func (export "4") (drop (call $host (i32.const 4))))
  (func (export "5") (drop (i32.load (i32.const -1))))
  (func $deeper (export "6") (call $deeper))
  (func (export "peek") (result i32) (i32.load (i32.const 40000)))))";

/// How the nested calls ended, innermost first.
struct Ends {
  std::vector<TrapKind> traps;
};

/// @param pass_on  the host function returns the error of a call that traps; else it goes on.
Linker nesting(bool pass_on) {
  Linker linker;
  linker.define_state<Ends>();
  linker.define("env", "host", [pass_on](Caller caller, Ends& ends, int which) -> Result<int> {
    auto called = caller.call<void>(std::to_string(which));
    ends.traps.push_back(called ? TrapKind::kNone : called.error().trap);
    if (!called && pass_on) return std::unexpected(std::move(called.error()));
    return called ? 1 : 2;
  });
  return linker;
}

TEST(NestedCall, ThatTrapsLeavesTheStoreAsItIsAndTheHostMayGoOn) {
  const Pool pool = make_pool(kNests, {.capacity = 1, .audit_every = 1}, nesting(false));
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("run", 0).value(), 1001);
    EXPECT_EQ(lease.call<int>("run", 1).value(), 2002) << "what it did before the trap stays";
    EXPECT_EQ(lease.call<int>("run", 5).value(), 2002) << "a fault is its own, not that of the call around it";
    EXPECT_EQ(lease.call<int>("run", 6).value(), 2002) << "and so is the end of its stack";
    EXPECT_EQ(lease.call<int>("peek").value(), 7);
    EXPECT_EQ(lease.find_state<Ends>()->traps, (std::vector{TrapKind::kNone, TrapKind::kUnreachable,
                                                            TrapKind::kMemoryOutOfBounds, TrapKind::kStackExhausted}));
  }
  EXPECT_EQ(pool.acquire()->call<int>("peek").value(), 0);
  EXPECT_EQ(pool.statistics().distrusted, 3u) << "no ledger is trusted after a trap, though the call returned";
  EXPECT_EQ(pool.statistics().instances, 1u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(NestedCall, WhoseErrorAHostFunctionPassesOnHasTheFramesOfBothInOneInstance) {
  const Pool pool = make_pool(kNests, {.capacity = 1, .audit_every = 1}, nesting(true));
  const Error error = pool.acquire()->call<int>("run", 1).error();
  EXPECT_EQ(error.trap, TrapKind::kUnreachable);
  std::vector<std::string> names;
  for (const Frame& frame : error.backtrace) names.push_back(frame.function_name);
  EXPECT_EQ(names, (std::vector<std::string>{"trap", "1", "env.host", "run"})) << error.to_string();
}

/// (module (import "env" "host" (func (param i32) (result i32))) (tag)
///   (func (export "catch") (result i32)
///     (block (return (try_table (result i32) (catch_all 0) (call 0 (i32.const 3))))) (i32.const 9))
///   (func (export "3") (throw 0)))
Module catcher() {
  constexpr std::uint8_t kI32 = 0x7F;
  const auto code = [](std::initializer_list<std::uint8_t> bytes) {
    Code made;
    for (const std::uint8_t byte : bytes) made.byte(byte);
    return made;
  };
  return raw_module({
      {1, code({3, 0x60, 1, kI32, 1, kI32, 0x60, 0, 1, kI32, 0x60, 0, 0})},
      {2, Code().byte(1).name("env").name("host").byte(0).byte(0)},
      {3, code({2, 1, 2})},
      {13, code({1, 0, 2})},
      {7, Code().byte(2).name("catch").byte(0).byte(1).name("3").byte(0).byte(2)},
      {10, code({2, 18, 0,    0x02, 0x40, 0x1F, kI32, 1, 2, 0, 0x41, 3, 0x10, 0, 0x0B, 0x0F, 0x0B, 0x41, 9, 0x0B,  //
                 4, 0,  0x08, 0,    0x0B})},
  });
}

TEST(NestedCall, ThatThrowsEndsAsATrapAndNoHandlerAroundItSeesTheException) {
  for (const bool pass_on : {false, true}) {
    const Pool pool = Pool::create(catcher(), nesting(pass_on), {.capacity = 1, .audit_every = 1}).value();
    Lease lease = pool.acquire().value();
    const auto called = lease.call<int>("catch");
    EXPECT_EQ(lease.find_state<Ends>()->traps, std::vector{TrapKind::kUnhandledException});
    if (pass_on) {
      ASSERT_FALSE(called.has_value());
      EXPECT_EQ(called.error().trap, TrapKind::kUnhandledException);
    } else {
      EXPECT_EQ(called.value(), 2) << "the call goes on where the host function returned";
    }
    lease.release();
    EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
  }
}

TEST(NestedCall, IsAsDeepAsNestingGoes) {
  const Pool pool = make_pool(kNests, {.capacity = 1, .audit_every = 1}, nesting(false));
  for (int i = 0; i < 2; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("run", 4).value(), 1) << "the host handles it where it happens";
    const std::vector<TrapKind>& ends = lease.find_state<Ends>()->traps;
    ASSERT_EQ(ends.size(), 64u);
    EXPECT_EQ(ends[0], TrapKind::kStackExhausted) << "a call that would be the 65th";
    for (std::size_t depth = 1; depth < ends.size(); ++depth) EXPECT_EQ(ends[depth], TrapKind::kNone) << depth;
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(NestedCall, HasTheDeadlineOfTheLeaseAndItsEndIsThatOfTheCallsAroundIt) {
  std::atomic<bool> entered = false;
  Linker linker = nesting(false);
  linker.define("env", "host", [&entered](Caller caller, Ends& ends, int which) {
    entered = true;
    entered.notify_all();
    ends.traps.push_back(caller.call(std::to_string(which)).error().trap);
    EXPECT_TRUE(caller.stopping());
    ends.traps.push_back(caller.call("0").error().trap);
    return 0;
  });
  const Pool pool = make_pool(kNests, {.capacity = 1, .audit_every = 1}, linker);
  unsigned calls = 0;
  const auto run = [&](Lease& lease) {
    ++calls;
    EXPECT_EQ(lease.call<int>("run", 2).error().trap, TrapKind::kInterrupted) << "whatever the host made of it";
    if (entered) {
      EXPECT_EQ(lease.find_state<Ends>()->traps, (std::vector{TrapKind::kInterrupted, TrapKind::kInterrupted}));
    }
  };
  // A deadline may pass before the host function is called: then a later one.
  for (auto time = 100ms; !entered && time < 60s; time *= 4) {
    Lease lease = pool.acquire().value();
    lease.set_deadline(Clock::now() + time);
    run(lease);
  }
  EXPECT_TRUE(entered);
  entered = false;
  {
    Lease lease = pool.acquire().value();
    const std::jthread thread([&entered, canceller = lease.canceller().value()] {
      entered.wait(false);
      canceller.cancel();
    });
    run(lease);
    EXPECT_TRUE(entered);
    entered = true;  // were it not so, the thread would wait for ever
    entered.notify_all();
  }
  EXPECT_EQ(pool.acquire()->call<int>("peek").value(), 0);
  EXPECT_EQ(pool.statistics().kills, calls);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(NestedCall, UsesTheFuelOfTheCallAroundIt) {
  const Pool pool = make_pool(kNests, {.capacity = 1, .audit_every = 1}, nesting(false), {.fuel = true});
  Lease lease = pool.acquire().value();
  lease.set_fuel(1'000'000);
  EXPECT_EQ(lease.call<int>("run", 0).value(), 1001);
  const std::uint64_t used = 1'000'000 - lease.fuel();
  lease.set_fuel(used);
  EXPECT_EQ(lease.call<int>("run", 0).value(), 2001) << "just enough";
  EXPECT_EQ(lease.fuel(), 0u);
  for (const std::uint64_t fuel : {used - 1, std::uint64_t{100'000}}) {
    lease.set_fuel(fuel);
    EXPECT_EQ(lease.call<int>("run", fuel < used ? 0 : 2).value(), 2002) << "it had paid for the rest of it before";
    EXPECT_EQ(lease.find_state<Ends>()->traps.back(), TrapKind::kOutOfFuel);
    EXPECT_EQ(lease.fuel(), 0u) << "what the nested one used is gone";
    EXPECT_EQ(lease.call<int>("run", 0).error().trap, TrapKind::kOutOfFuel);
  }
  lease.release();
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(NestedCall, OfAnInstanceThatOthersImportIsInThatInstance) {
  Linker linker;
  linker.define("env", "name", [](Caller caller) { return caller.call<int>("own"); });
  linker.define_module("inner", compile(R"((module (import "env" "name" (func $name (result i32)))
    (func (export "own") (result i32) (i32.const 1)) (func (export "ask") (result i32) (call $name))))"));
  const Pool pool = make_pool(R"((module (import "env" "name" (func $name (result i32)))
    (import "inner" "ask" (func $ask (result i32))) (func (export "own") (result i32) (i32.const 2))
    (func (export "run") (result i32) (i32.add (i32.mul (call $ask) (i32.const 10)) (call $name)))))",
                              {.capacity = 1, .audit_every = 1}, linker);
  EXPECT_EQ(pool.acquire()->call<int>("run").value(), 12);
}

TEST(NestedCall, WorksInAStoreThatIsPutTogetherStepByStep) {
  Store store;
  const Instance instance = store.instantiate(compile(kNests), nesting(false)).value();
  const Value trap[] = {Value::i32(1)};
  EXPECT_EQ(instance.call_values("run", trap).value(), std::vector<Value>{Value::i32(1002)});
  EXPECT_EQ(instance.call_values("peek", {}).value(), std::vector<Value>{Value::i32(7)});
}

}  // namespace
}  // namespace anew::test
