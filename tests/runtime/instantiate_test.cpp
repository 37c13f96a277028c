// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Instantiation, in the order that the specification gives (4.5.4).
#include <gtest/gtest.h>

#include <array>

#include "support/wat.hpp"

namespace anew::test {
namespace {

Error create_error(std::string_view text) {
  auto pool = Pool::create(compile(text), Linker(), {});
  if (pool) {
    ADD_FAILURE() << "it was created";
    return {};
  }
  return pool.error();
}

/// An instance restored from the snapshot, and one made the slow way.
std::array<Lease, 2> both(const Pool& pool) { return {std::move(*pool.acquire()), std::move(*pool.instantiate())}; }

TEST(Instantiation, AppliesSegmentsInOrder) {
  const Pool pool = make_pool(R"((module (memory 1) (table 4 funcref)
    (type $t (func (result i32)))
    (data (i32.const 10) "abcd") (data (i32.const 12) "XY") (data (i32.const 65536) "")
    (elem (i32.const 0) $one $one $one) (elem (i32.const 1) $two)
    (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
    (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "call") (param i32) (result i32) (call_indirect (type $t) (local.get 0)))))");
  for (std::array leases = both(pool); Lease & lease : leases) {
    EXPECT_EQ(lease.call<int>("byte", 11).value(), 'b');
    EXPECT_EQ(lease.call<int>("byte", 12).value(), 'X');
    EXPECT_EQ(lease.call<int>("call", 0).value(), 1);
    EXPECT_EQ(lease.call<int>("call", 1).value(), 2);
    EXPECT_EQ(lease.call<int>("call", 2).value(), 1);
    EXPECT_EQ(lease.call<int>("call", 3).error().trap, TrapKind::kUninitializedElement);
  }
}

TEST(Instantiation, TrapsIfASegmentDoesNotFit) {
  const Error data = create_error(R"((module (memory 1) (data (i32.const 0) "") (data (i32.const 65535) "ab")))");
  EXPECT_EQ(data.code, ErrorCode::kTrap);
  EXPECT_EQ(data.trap, TrapKind::kMemoryOutOfBounds);
  EXPECT_NE(data.message.find("data segment 1"), std::string::npos) << data.message;
  const Error negative = create_error(R"((module (memory 1) (data (i32.const -1) "a")))");
  EXPECT_EQ(negative.trap, TrapKind::kMemoryOutOfBounds);
  const Error element = create_error(R"((module (table 1 funcref) (func $f) (elem (i32.const 1) $f)))");
  EXPECT_EQ(element.trap, TrapKind::kTableOutOfBounds);
  EXPECT_NE(element.message.find("element segment 0"), std::string::npos) << element.message;
}

TEST(Instantiation, DropsActiveAndDeclaredSegmentsAndKeepsPassiveOnes) {
  const Pool pool = make_pool(R"((module (memory 1) (table 4 funcref) (func $f)
    (data $active (i32.const 0) "a") (data $passive "p")
    (elem $active_elements (i32.const 0) $f) (elem $passive_elements func $f) (elem $declared declare func $f)
    (func (export "active") (memory.init $active (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "active_nothing") (memory.init $active (i32.const 0) (i32.const 0) (i32.const 0)))
    (func (export "passive") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "active_elements") (table.init $active_elements (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "passive_elements") (table.init $passive_elements (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "declared") (table.init $declared (i32.const 0) (i32.const 0) (i32.const 1)))))");
  for (std::array leases = both(pool); Lease & lease : leases) {
    EXPECT_EQ(lease.call("active").error().trap, TrapKind::kMemoryOutOfBounds);
    EXPECT_TRUE(lease.call("active_nothing").has_value());
    EXPECT_TRUE(lease.call("passive").has_value());
    EXPECT_EQ(lease.call("active_elements").error().trap, TrapKind::kTableOutOfBounds);
    EXPECT_TRUE(lease.call("passive_elements").has_value());
    EXPECT_EQ(lease.call("declared").error().trap, TrapKind::kTableOutOfBounds);
  }
}

TEST(Instantiation, EvaluatesConstantExpressions) {
  Linker linker;
  linker.define_global("env", "base", Value::i32(100));
  const Pool pool = make_pool(R"((module (import "env" "base" (global $base i32))
    (memory 1) (table 3 funcref)
    (global $f funcref (ref.func $seven))
    (global (export "pi") f64 (f64.const 3.25)) (global (export "copy") i32 (global.get $base))
    (data (global.get $base) "z") (elem (i32.const 1) funcref (ref.null func) (ref.func $seven))
    (type $t (func (result i32))) (func $seven (result i32) (i32.const 7))
    (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "through_global") (result i32)
      (table.set 0 (i32.const 0) (global.get $f)) (call_indirect (type $t) (i32.const 0)))
    (func (export "call") (param i32) (result i32) (call_indirect (type $t) (local.get 0)))))",
                              {}, linker);
  for (std::array leases = both(pool); Lease & lease : leases) {
    EXPECT_EQ(lease.global("pi").value(), Value::f64(3.25));
    EXPECT_EQ(lease.global("copy").value(), Value::i32(100));
    EXPECT_EQ(lease.call<int>("byte", 100).value(), 'z');
    EXPECT_EQ(lease.call<int>("through_global").value(), 7);
    EXPECT_EQ(lease.call<int>("call", 1).error().trap, TrapKind::kUninitializedElement);
    EXPECT_EQ(lease.call<int>("call", 2).value(), 7);
  }
}

TEST(Start, RunsAfterTheSegmentsAndItsTrapIsReported) {
  const Pool pool = make_pool(R"((module (memory 1) (data (i32.const 0) "\05") (start $start)
    (global $g (export "g") (mut i32) (i32.const 0))
    (func $start (global.set $g (i32.load (i32.const 0))))))");
  EXPECT_EQ(pool.acquire()->global("g").value(), Value::i32(5));
  const Error error = create_error("(module (start $boom) (func $boom unreachable))");
  EXPECT_EQ(error.code, ErrorCode::kTrap);
  EXPECT_EQ(error.trap, TrapKind::kUnreachable);
  EXPECT_EQ(error.message, "the start function failed: unreachable");
  EXPECT_EQ(error.backtrace.at(0).function_name, "boom");
}

TEST(Tables, CanBeReadWrittenGrownFilledAndCopied) {
  const Pool pool = make_pool(R"((module
    (table $t 2 10 externref) (table $f 3 funcref) (elem (table $f) (i32.const 0) func $one $two)
    (type $nullary (func (result i32))) (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
    (func (export "set") (param i32 externref) (table.set $t (local.get 0) (local.get 1)))
    (func (export "get") (param i32) (result externref) (table.get $t (local.get 0)))
    (func (export "grow") (param externref i32) (result i32) (table.grow $t (local.get 0) (local.get 1)))
    (func (export "size") (result i32) (table.size $t))
    (func (export "fill") (param i32 externref i32) (table.fill $t (local.get 0) (local.get 1) (local.get 2)))
    (func (export "shift") (table.copy $f $f (i32.const 1) (i32.const 0) (i32.const 2)))
    (func (export "call") (param i32) (result i32) (call_indirect $f (type $nullary) (local.get 0)))))",
                              {.capacity = 1, .audit_every = 1});
  const auto external = [](std::uint64_t bits) { return Value{ValueType::kExternRef, bits}; };
  for (int round = 0; round < 2; ++round) {
    Lease lease = pool.acquire().value();
    const auto get = [&](std::uint32_t index) {
      return lease.call_values("get", std::vector{Value::i32(index)}).value().at(0).bits;
    };
    EXPECT_EQ(get(0), 0u);
    EXPECT_TRUE(lease.call_values("set", std::vector{Value::i32(1), external(11)}).has_value());
    EXPECT_EQ(get(1), 11u);
    EXPECT_EQ(lease.call_values("grow", std::vector{external(22), Value::i32(9)}).value().at(0), Value::i32(~0u));
    EXPECT_EQ(lease.call_values("grow", std::vector{external(22), Value::i32(8)}).value().at(0), Value::i32(2));
    EXPECT_EQ(get(9), 22u);
    EXPECT_TRUE(lease.call_values("fill", std::vector{Value::i32(3), external(33), Value::i32(2)}).has_value());
    EXPECT_EQ(get(2), 22u);
    EXPECT_EQ(get(4), 33u);
    EXPECT_EQ(get(5), 22u);
    EXPECT_TRUE(lease.call("shift").has_value());
    EXPECT_EQ(lease.call<int>("call", 0).value(), 1);
    EXPECT_EQ(lease.call<int>("call", 1).value(), 1);
    EXPECT_EQ(lease.call<int>("call", 2).value(), 2);
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

}  // namespace
}  // namespace anew::test
