// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls that are left in a host function and go on later, here and on other threads.
#include "runtime/suspended_call.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "runtime/group.hpp"
#include "runtime/library.hpp"
#include "runtime/store_state.hpp"

namespace anew::test {
namespace {

using detail::SuspendedCall;

/// A host function that is left each time.
Linker waiting(FunctionType type) {
  Linker linker;
  linker.define_raw("env", "wait",
                    {.type = std::move(type),
                     .call = [](void*, std::byte*, std::uint64_t* slots) { return detail::leave(slots); },
                     .environment = nullptr});
  return linker;
}
Linker waiting_for_i64() { return waiting({{ValueType::kI64}, {ValueType::kI64}}); }

/// A call of an export, with its slots.
class Call {
 public:
  Call(detail::Instance& instance, std::string_view name) : instance_(instance) {
    for (const wasm::Export& exported : instance.linked->wasm().exports)
      if (exported.name == name) handle_ = detail::function_handle(*instance.linked, exported.index);
  }
  Call(const Instance& instance, std::string_view name) : Call(*instance.state(), name) {}

  std::uint32_t start(std::uint64_t argument = 0) {
    slots[0] = argument;
    return detail::start(suspended, instance_, handle_, slots);
  }
  /// The host function's result.
  std::uint32_t go_on(std::uint64_t result) {
    suspended.host_slots[0] = result;
    return detail::resume(suspended, [](detail::SuspendedCall&) noexcept { return 0u; });
  }
  std::uint32_t go_on_elsewhere(std::uint64_t result) {
    std::uint32_t answer = 0;
    std::thread([&] { answer = go_on(result); }).join();
    return answer;
  }
  /// On the thread where it ended with that trap.
  Error error(std::uint32_t trap) { return detail::make_trap_error(instance_, trap); }

  SuspendedCall suspended;
  std::uint64_t slots[8] = {};

 private:
  detail::Instance& instance_;
  detail::FunctionHandle handle_;
};

constexpr const char* kSum = R"((module (import "env" "wait" (func $wait (param i64) (result i64)))
  (memory (export "memory") 1)
  ;; Something in every kind of register, at each depth.
  (func $sum (param $n i64) (result i64) (local $f f64) (local $a i64) (local $b i64) (local $c i64)
    (local.set $f (f64.convert_i64_s (local.get $n)))
    (local.set $a (i64.mul (local.get $n) (i64.const 3)))
    (local.set $b (i64.mul (local.get $n) (i64.const 5)))
    (local.set $c (i64.mul (local.get $n) (i64.const 7)))
    (i64.store (i32.wrap_i64 (i64.mul (local.get $n) (i64.const 8))) (local.get $c))
    (i64.add
      (if (result i64) (i64.eqz (local.get $n))
        (then (call $wait (i64.const 42)))
        (else (call $sum (i64.sub (local.get $n) (i64.const 1)))))
      (i64.add (i64.trunc_f64_s (local.get $f)) (i64.add (local.get $a) (i64.add (local.get $b) (local.get $c))))))
  (func (export "sum") (param i64) (result i64) (call $sum (local.get 0)))
  (func (export "twice") (param i64) (result i64)
    (i64.add (i64.mul (call $wait (local.get 0)) (i64.const 1000)) (call $wait (i64.const 1))))
  (func (export "trap") (param i64) (result i64) (drop (call $wait (local.get 0))) unreachable)
  (func (export "spin") (param i64) (result i64) (drop (call $wait (local.get 0))) (loop (br 0)) unreachable)
  (func (export "plain") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))))";

constexpr std::uint64_t sum(std::uint64_t n) { return 16 * n * (n + 1) / 2; }

TEST(SuspendedCall, GoesOnWhereItWas) {
  Group group;
  const Instance instance = group.add("", kSum, waiting_for_i64());
  Call call(instance, "sum");
  ASSERT_EQ(call.start(10), abi::kLeft);
  EXPECT_EQ(call.suspended.host_slots[0], 42u) << "the host function's argument";
  EXPECT_EQ(detail::current_thread()->depth, 0u);
  ASSERT_EQ(call.go_on(1'000'000), 0u);
  EXPECT_EQ(call.slots[0], 1'000'000 + sum(10));
  EXPECT_EQ(test::call(instance, "plain", {Value::i64(4)}).bits, 5u);
}

TEST(SuspendedCall, GoesOnOnAnotherThread) {
  Group group;
  const Instance instance = group.add("", kSum, waiting_for_i64());
  Call call(instance, "sum");
  ASSERT_EQ(call.start(200), abi::kLeft);
  ASSERT_EQ(call.go_on_elsewhere(7), 0u);
  EXPECT_EQ(call.slots[0], 7 + sum(200));
  EXPECT_EQ(test::call(instance, "plain", {Value::i64(4)}).bits, 5u) << "back on this thread, which has a stack";
}

TEST(SuspendedCall, OutlivesTheThreadThatBeganIt) {
  Group group;
  const Instance instance = group.add("", kSum, waiting_for_i64());
  Call call(instance, "twice");
  std::thread([&] { ASSERT_EQ(call.start(3), abi::kLeft); }).join();
  ASSERT_EQ(call.go_on_elsewhere(5), abi::kLeft) << "it waits again";
  EXPECT_EQ(call.suspended.host_slots[0], 1u);
  ASSERT_EQ(call.go_on_elsewhere(6), 0u);
  EXPECT_EQ(call.slots[0], 5006u);
}

TEST(SuspendedCall, LeavesItsThreadToOthersOfWhichAnyNumberMayWait) {
  Group groups[20];
  std::vector<std::unique_ptr<Call>> calls;
  const Linker linker = waiting_for_i64();
  const Module module = compile(kSum);
  for (Group& group : groups) {
    calls.push_back(std::make_unique<Call>(group.add("", module, linker), "sum"));
    ASSERT_EQ(calls.back()->start(calls.size()), abi::kLeft);
  }
  for (std::size_t i = calls.size(); i-- > 0;) {
    ASSERT_EQ(i % 2 == 0 ? calls[i]->go_on(i) : calls[i]->go_on_elsewhere(i), 0u);
    EXPECT_EQ(calls[i]->slots[0], i + sum(i + 1));
  }
}

TEST(SuspendedCall, MayTrapWithABacktraceOfAllItsFrames) {
  Group group;
  const Instance instance = group.add("", kSum, waiting_for_i64());
  Call call(instance, "trap");
  ASSERT_EQ(call.start(0), abi::kLeft);
  std::thread([&] {
    const std::uint32_t trap = call.go_on(0);
    ASSERT_EQ(trap, static_cast<std::uint32_t>(TrapKind::kUnreachable));
    const Error error = call.error(trap);
    ASSERT_EQ(error.backtrace.size(), 1u);
    EXPECT_EQ(error.backtrace[0].function_name, "trap");
  }).join();
}

TEST(SuspendedCall, WhoseHostFunctionFailsInTheEndTraps) {
  Group group;
  const Instance instance = group.add("", kSum, waiting_for_i64());
  Call call(instance, "sum");
  ASSERT_EQ(call.start(2), abi::kLeft);
  const std::uint32_t trap = detail::resume(call.suspended, [](detail::SuspendedCall&) noexcept {
    return static_cast<std::uint32_t>(TrapKind::kMemoryOutOfBounds);
  });
  ASSERT_EQ(trap, static_cast<std::uint32_t>(TrapKind::kMemoryOutOfBounds));
  const Error error = call.error(trap);
  ASSERT_EQ(error.backtrace.size(), 5u) << error.to_string();
  EXPECT_TRUE(error.backtrace[0].is_host);
  EXPECT_EQ(error.backtrace[4].function_name, "sum");
}

TEST(SuspendedCall, HasItsDeadlineWhereverItGoesOn) {
  using namespace std::chrono_literals;
  Group group;
  const Instance instance = group.add("", kSum, waiting_for_i64());
  Call call(instance, "spin");
  std::atomic<std::int64_t>& deadline = instance.state()->store->deadline;
  deadline = detail::to_deadline(std::chrono::steady_clock::now() + 50ms);
  ASSERT_EQ(call.start(0), abi::kLeft);
  EXPECT_EQ(call.go_on_elsewhere(0), static_cast<std::uint32_t>(TrapKind::kInterrupted));

  Call late(instance, "sum");
  deadline = detail::to_deadline(std::chrono::steady_clock::now() + 50ms);
  ASSERT_EQ(late.start(3), abi::kLeft);
  std::this_thread::sleep_for(60ms);
  EXPECT_EQ(late.go_on(0), static_cast<std::uint32_t>(TrapKind::kInterrupted)) << "it passed meanwhile";
  EXPECT_FALSE(late.suspended.is_suspended());
}

TEST(SuspendedCall, CrossesInstances) {
  Group group;
  group.add("inner", R"((module (import "env" "wait" (func $wait (param i64) (result i64)))
    (global $n (mut i64) (i64.const 100))
    (func (export "get") (param i64) (result i64)
      (i64.add (call $wait (local.get 0)) (global.get $n)))))",
            waiting_for_i64());
  const Instance outer = group.add("outer", R"((module (import "inner" "get" (func $get (param i64) (result i64)))
    (global $n (mut i64) (i64.const 10))
    (func (export "run") (param i64) (result i64) (i64.add (call $get (local.get 0)) (global.get $n)))
    (func (export "tail") (param i64) (result i64) (return_call $get (local.get 0)))))");
  for (const char* const name : {"run", "tail"}) {
    Call call(outer, name);
    ASSERT_EQ(call.start(0), abi::kLeft);
    ASSERT_EQ(call.go_on_elsewhere(1), 0u);
    EXPECT_EQ(call.slots[0], std::string_view(name) == "run" ? 111u : 101u);
  }
}

TEST(SuspendedCall, KeepsTheHandlersOfItsFrames) {
  Group group;
  const FunctionType type{{ValueType::kI64}, {ValueType::kI64}};
  ModuleBuilder module;
  (void)module.import_function("env", "wait", type);
  (void)module.tag({ValueType::kI64});
  // (block (result i64) (try_table (catch 0 0) (throw 0 (call $wait (local.get 0)))) unreachable)
  const Code body = Code()
                        .open(wasm::Op::kBlock, ValueType::kI64)
                        .append(Code().byte(0x1F).byte(0x40).byte(1).byte(0x00).byte(0).byte(0))
                        .get(0)
                        .call(0)
                        .op(wasm::Op::kThrow, 0)
                        .end()
                        .op(wasm::Op::kUnreachable)
                        .end();
  (void)module.function(type, {}, body, "run");
  const Instance instance = group.add("", Engine({.cache = false}).compile(module.finish()).value(), waiting_for_i64());
  Call call(instance, "run");
  ASSERT_EQ(call.start(1), abi::kLeft);
  ASSERT_EQ(call.go_on_elsewhere(77), 0u);
  EXPECT_EQ(call.slots[0], 77u) << "the host function's result, thrown and caught";
}

TEST(SuspendedCall, MayBeMadeByAHostFunctionThatGoesOnWithoutIt) {
  Group inner_group;
  const Instance inner = inner_group.add("", kSum, waiting_for_i64());
  Call inner_call(inner, "sum");
  Linker linker;
  linker.define("env", "begin", [&]() -> std::int32_t { return inner_call.start(5) == abi::kLeft ? 1 : 0; });
  Group group;
  const Instance outer =
      group.add("", R"((module (import "env" "begin" (func $begin (result i32))) (func (export "run") (result i32)
                       (i32.add (call $begin) (i32.const 10)))))",
                linker);
  EXPECT_EQ(test::call(outer, "run").bits, 11u);
  ASSERT_EQ(inner_call.go_on(9), 0u) << "at another depth";
  EXPECT_EQ(inner_call.slots[0], 9 + sum(5));
}

TEST(SuspendedCall, IsRefusedWhereNobodyKeepsIt) {
  Group group;
  const Instance instance = group.add("", kSum, waiting_for_i64());
  const Error error = call_error(instance, "sum", {Value::i64(1)});
  EXPECT_EQ(error.trap, TrapKind::kHostError);
  EXPECT_TRUE(contains(error.message, "it waits for its result, which the call it was made in cannot do"));
}

TEST(SuspendedCall, ThatIsGivenUpLeavesNothingInAnInstanceAsNew) {
  const Linker linker = waiting_for_i64();
  const Pool pool = make_pool(kSum, {.capacity = 1, .audit_every = 1}, linker);
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.memory().load<std::uint64_t>(80).value(), 0u);
    // The pool's instances are not const, only what a lease shows of them.
    Call call(const_cast<detail::Instance&>(*lease.instance()), "sum");
    ASSERT_EQ(call.start(20), abi::kLeft);
    EXPECT_EQ(lease.memory().load<std::uint64_t>(80).value(), 70u);
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u);
}

TEST(SuspendedCall, CountsItsFuelAndFramesOn) {
  Group group;
  const Module module = compile(kSum, {.fuel = true, .stack_limit = 1 << 16});
  const Instance instance = group.add("", module, waiting_for_i64());
  detail::StoreState& store = *instance.state()->store;
  const auto used = [&](bool elsewhere) {
    store.fuel = 1'000'000;
    Call call(instance, "twice");
    EXPECT_EQ(call.start(1), abi::kLeft);
    const std::int64_t stack_left = call.suspended.stack_left;
    EXPECT_LT(stack_left, store.stack_limit);
    EXPECT_EQ(elsewhere ? call.go_on_elsewhere(2) : call.go_on(2), abi::kLeft);
    EXPECT_EQ(call.suspended.stack_left, stack_left) << "in the same function";
    EXPECT_EQ(call.go_on(2), 0u);
    return 1'000'000 - store.fuel;
  };
  EXPECT_EQ(used(false), used(true));
  EXPECT_GT(used(false), 0);
}

}  // namespace
}  // namespace anew::test
