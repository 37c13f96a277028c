// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every way a guest can stop, with its kind and its backtrace, and that the pool works afterwards.
#include <gtest/gtest.h>

#include "support/print.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

constexpr std::string_view kTraps = R"((module
  (type $nullary (func))
  (type $unary (func (param i32)))
  (memory 1 2)
  (table 4 funcref)
  (elem $passive func $trap)
  (elem (i32.const 0) $takes_one $trap)
  (data $bytes "abc")
  (func $takes_one (param i32))
  (func $trap (export "unreachable") unreachable)
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "load_far") (param i32) (result i32) (i32.load offset=4294967295 (local.get 0)))
  (func (export "store") (param i32) (i64.store (local.get 0) (i64.const 1)))
  (func (export "fill") (param i32) (memory.fill (local.get 0) (i32.const 1) (i32.const 10)))
  (func (export "copy") (param i32) (memory.copy (i32.const 0) (local.get 0) (i32.const 10)))
  (func (export "init") (param i32) (memory.init $bytes (i32.const 0) (local.get 0) (i32.const 3)))
  (func (export "table_get") (param i32) (drop (table.get 0 (local.get 0))))
  (func (export "table_set") (param i32) (table.set 0 (local.get 0) (ref.null func)))
  (func (export "table_fill") (param i32) (table.fill 0 (local.get 0) (ref.null func) (i32.const 2)))
  (func (export "table_copy") (param i32) (table.copy (i32.const 0) (local.get 0) (i32.const 2)))
  (func (export "table_init") (param i32) (table.init $passive (local.get 0) (i32.const 0) (i32.const 1)))
  (func (export "call_indirect") (param i32) (call_indirect (type $nullary) (local.get 0)))
  (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 0x80000000) (local.get 0)))
  (func (export "truncate") (param f32) (result i32) (i32.trunc_f32_s (local.get 0)))
  (func $recurse (export "recurse") (call $recurse))
  (func (export "fine") (result i32) (i32.const 1))
))";

struct Case {
  const char* function;
  Value argument;
  TrapKind kind;
  const char* words;
};

void PrintTo(const Case& value, std::ostream* out) { *out << value.function << " " << to_string(value.argument); }

class Trap : public testing::TestWithParam<Case> {};

TEST_P(Trap, HasItsKindAndWordsAndTheFunctionAndThePoolWorksAfterwards) {
  const Case& expected = GetParam();
  const Pool pool = make_pool(kTraps, {.capacity = 1, .audit_every = 1});
  {
    Lease lease = pool.acquire().value();
    std::vector<Value> arguments = {expected.argument};
    if (lease.call_values(expected.function, arguments).has_value()) FAIL() << "it did not trap";
    const Error error = lease.call_values(expected.function, arguments).error();
    EXPECT_EQ(error.code, ErrorCode::kTrap);
    EXPECT_EQ(error.trap, expected.kind);
    EXPECT_EQ(error.message, expected.words);
    ASSERT_FALSE(error.backtrace.empty());
    EXPECT_EQ(error.backtrace.back().function_name, expected.function);
    EXPECT_NE(error.backtrace.back().module_offset, 0u);
  }
  EXPECT_EQ(pool.acquire()->call<int>("fine").value(), 1);
  EXPECT_EQ(pool.statistics().instances, 1u);
  EXPECT_EQ(pool.statistics().distrusted, 1u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

constexpr const char* kMemory = "out of bounds memory access";
constexpr const char* kTable = "out of bounds table access";
INSTANTIATE_TEST_SUITE_P(
    All, Trap,
    testing::Values(Case{"load", Value::i32(65533), TrapKind::kMemoryOutOfBounds, kMemory},
                    Case{"load", Value::i32(0xFFFFFFFF), TrapKind::kMemoryOutOfBounds, kMemory},
                    Case{"load_far", Value::i32(0), TrapKind::kMemoryOutOfBounds, kMemory},
                    Case{"load_far", Value::i32(0xFFFFFFFF), TrapKind::kMemoryOutOfBounds, kMemory},
                    Case{"store", Value::i32(65529), TrapKind::kMemoryOutOfBounds, kMemory},
                    Case{"store", Value::i32(0xFFFFFFFF), TrapKind::kMemoryOutOfBounds, kMemory},
                    Case{"fill", Value::i32(65527), TrapKind::kMemoryOutOfBounds, kMemory},
                    Case{"fill", Value::i32(0xFFFFFFFF), TrapKind::kMemoryOutOfBounds, kMemory},
                    Case{"copy", Value::i32(65527), TrapKind::kMemoryOutOfBounds, kMemory},
                    Case{"init", Value::i32(1), TrapKind::kMemoryOutOfBounds, kMemory},
                    Case{"init", Value::i32(0xFFFFFFFF), TrapKind::kMemoryOutOfBounds, kMemory},
                    Case{"table_get", Value::i32(4), TrapKind::kTableOutOfBounds, kTable},
                    Case{"table_set", Value::i32(0xFFFFFFFF), TrapKind::kTableOutOfBounds, kTable},
                    Case{"table_fill", Value::i32(3), TrapKind::kTableOutOfBounds, kTable},
                    Case{"table_copy", Value::i32(3), TrapKind::kTableOutOfBounds, kTable},
                    Case{"table_init", Value::i32(4), TrapKind::kTableOutOfBounds, kTable},
                    Case{"call_indirect", Value::i32(4), TrapKind::kUndefinedElement, "undefined element"},
                    Case{"call_indirect", Value::i32(0xFFFFFFFF), TrapKind::kUndefinedElement, "undefined element"},
                    Case{"call_indirect", Value::i32(2), TrapKind::kUninitializedElement, "uninitialized element"},
                    Case{"call_indirect", Value::i32(0), TrapKind::kIndirectCallTypeMismatch,
                         "indirect call type mismatch"},
                    Case{"divide", Value::i32(0), TrapKind::kIntegerDivideByZero, "integer divide by zero"},
                    Case{"divide", Value::i32(0xFFFFFFFF), TrapKind::kIntegerOverflow, "integer overflow"},
                    Case{"truncate", Value::f32(1e20f), TrapKind::kIntegerOverflow, "integer overflow"},
                    Case{"truncate", Value::f32(std::numeric_limits<float>::quiet_NaN()),
                         TrapKind::kInvalidConversionToInteger, "invalid conversion to integer"}),
    name_of<Case>);

TEST(Unreachable, Traps) {
  const Pool pool = make_pool(kTraps);
  const Error error = pool.acquire()->call("unreachable").error();
  EXPECT_EQ(error.trap, TrapKind::kUnreachable);
  EXPECT_EQ(error.message, "unreachable");
}

TEST(Backtrace, NamesEachFrameWithTheOperatorThatCalledOrTrapped) {
  constexpr std::string_view kText = R"((module
    (type $nullary (func))
    (table funcref (elem $inner))
    (func $inner unreachable)
    (func $middle (drop (i32.const 1)) (call_indirect (type $nullary) (i32.const 0)) (nop))
    (func (export "outer") (nop) (call $middle))))";
  const std::vector<std::byte> binary = wat(kText);
  const Pool pool = make_pool(kText);
  const Error error = pool.acquire()->call("outer").error();
  ASSERT_EQ(error.backtrace.size(), 3u);
  const auto opcode = [&](std::size_t frame) { return binary.at(error.backtrace[frame].module_offset); };
  EXPECT_EQ(error.backtrace[0].function_name, "inner");
  EXPECT_EQ(opcode(0), std::byte{0x00});  // unreachable
  EXPECT_EQ(error.backtrace[1].function_name, "middle");
  EXPECT_EQ(opcode(1), std::byte{0x11});  // call_indirect
  EXPECT_EQ(error.backtrace[2].function_name, "outer");
  EXPECT_EQ(error.backtrace[2].function_index, 2u);
  EXPECT_EQ(opcode(2), std::byte{0x10});  // call
  EXPECT_NE(error.to_string().find("\n  at middle, function 1, byte 0x"), std::string::npos) << error.to_string();
}

TEST(Backtrace, OfAFaultNamesTheFaultingOperator) {
  constexpr std::string_view kText = R"((module (memory 1)
    (func (export "f") (param i32) (result i32)
      (i32.add (i32.load (i32.const 0)) (i32.load16_u (local.get 0))))))";
  const std::vector<std::byte> binary = wat(kText);
  const Pool pool = make_pool(kText);
  const Error error = pool.acquire()->call<int>("f", 70000).error();
  ASSERT_EQ(error.backtrace.size(), 1u);
  EXPECT_EQ(binary.at(error.backtrace[0].module_offset), std::byte{0x2F});  // i32.load16_u
}

TEST(StackExhaustion, IsATrapWithABoundedBacktraceAndCanHappenAgainAndAgain) {
  const Pool pool = make_pool(kTraps, {.capacity = 1, .audit_every = 1});
  for (int i = 0; i < 3; ++i) {
    const Error error = pool.acquire()->call("recurse").error();
    EXPECT_EQ(error.trap, TrapKind::kStackExhausted);
    EXPECT_EQ(error.message.find("call stack exhausted"), 0u) << error.message;
    EXPECT_NE(error.message.find("outermost frames"), std::string::npos) << error.message;
    EXPECT_EQ(error.backtrace.size(), 64u);
    EXPECT_EQ(error.backtrace.front().function_name, "recurse");
    EXPECT_EQ(pool.acquire()->call<int>("fine").value(), 1);
  }
  EXPECT_EQ(pool.statistics().instances, 1u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(StackExhaustion, ComesAtTheSameDepthWhereverTheCallComesFrom) {
  const Pool pool = make_pool(R"((module
    (global $depth (export "depth") (mut i32) (i32.const 0))
    (func $recurse (export "recurse") (global.set $depth (i32.add (global.get $depth) (i32.const 1))) (call $recurse))))");
  const auto depth = [&pool] {
    Lease lease = pool.acquire().value();
    EXPECT_FALSE(lease.call("recurse").has_value());
    return lease.global("depth")->bits;
  };
  const std::uint64_t here = depth();
  EXPECT_GT(here, 1000u);
  const auto deeper_in_the_host = [&depth](auto& self, int levels) -> std::uint64_t {
    return levels == 0 ? depth() : self(self, levels - 1);
  };
  EXPECT_EQ(deeper_in_the_host(deeper_in_the_host, 1000), here) << "the thread's own stack plays no part";
}

TEST(StackExhaustion, OfFunctionsWithHugeFramesIsSeenInTheGuard) {
  // 20,000 locals of 8 bytes, all kept over the call: a frame larger than the guard.
  std::string text = "(module (func $recurse (export \"recurse\") (param i64)";
  for (int i = 0; i < 20'000; ++i) text += " (local i64)";
  text += " (call $recurse (local.get 0)) (drop (local.get 19999))))";
  const Pool pool = make_pool(text, {.capacity = 1, .audit_every = 1});
  EXPECT_EQ(pool.acquire()->call("recurse", 1l).error().trap, TrapKind::kStackExhausted);
}

TEST(Traps, LeaveTheFloatingPointControlOfTheThreadAlone) {
  const Pool pool = make_pool(kTraps);
  const unsigned before = __builtin_ia32_stmxcsr();
  EXPECT_FALSE(pool.acquire()->call("load", 1 << 30).has_value());
  EXPECT_EQ(__builtin_ia32_stmxcsr() & ~0x3Fu, before & ~0x3Fu);
}

TEST(Guests, AreNotAffectedByTheThreadsFloatingPointControl) {
  const Pool pool = make_pool(R"((module
    (func (export "subnormal") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5)))
    (func (export "third") (result f64) (f64.div (f64.const 1) (f64.const 3)))
    (func (export "trap") unreachable)))");
  const double smallest_normal = std::numeric_limits<double>::min();
  const double third = pool.acquire()->call<double>("third").value();
  const unsigned before = __builtin_ia32_stmxcsr();
  const unsigned foreign = before | 0x8040u | 0x4000u;  // flush to zero, subnormals are zero, round up
  __builtin_ia32_ldmxcsr(foreign);
  const auto half = pool.acquire()->call<double>("subnormal", smallest_normal);
  const auto third_again = pool.acquire()->call<double>("third");
  const auto trap = pool.acquire()->call("trap");
  const unsigned after = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before);
  EXPECT_EQ(*half, std::numeric_limits<double>::denorm_min() * (1ull << 51));
  EXPECT_EQ(*third_again, third);
  EXPECT_FALSE(trap.has_value());
  EXPECT_EQ(after & ~0x3Fu, foreign & ~0x3Fu);
}

}  // namespace
}  // namespace anew::test
