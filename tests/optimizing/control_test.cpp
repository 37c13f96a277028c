// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions, control flow and calls of the optimizing tier: the IR that is made, and what it does.
#include <gtest/gtest.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

#include <anew/anew.hpp>
#include <numeric>

#include "abi/stack_limit.hpp"
#include "optimizing/program.hpp"
#include "support/module_builder.hpp"
#include "support/wat.hpp"

namespace anew::codegen::optimizing::test {
namespace {

using anew::test::Code;
using anew::test::ModuleBuilder;
using anew::test::wat;
using wasm::Op;

Outcome returned(Slots results) { return {TrapKind::kNone, std::move(results)}; }
Outcome trapped(TrapKind kind) { return {kind, {}}; }

/// With code as it is made, and optimized.
class Control : public ::testing::TestWithParam<bool> {
 protected:
  abi::ThreadRecord thread_;
};
INSTANTIATE_TEST_SUITE_P(Passes, Control, ::testing::Bool(),
                         [](const auto& optimized) { return optimized.param ? "with" : "without"; });

// --- Blocks and branches ---

TEST_P(Control, BlocksHandOnTheirValues) {
  Program program(wat(R"((module
    (func $if (param i32 i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (local.get 1) (i32.const 1)))
        (else (i32.sub (local.get 1) (i32.const 1)))))
    (func $sum (param i32) (result i64) (local i64)
      (block (loop
        (br_if 1 (i32.eqz (local.get 0)))
        (local.set 1 (i64.add (local.get 1) (i64.extend_i32_u (local.get 0))))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br 0)))
      (local.get 1))
    (func $fibonacci (param i32) (result i64 i64) (local i64 i64)
      i64.const 0
      i64.const 1
      loop (param i64 i64) (result i64 i64)
        local.tee 1
        i64.add
        local.set 2
        local.get 1
        local.get 2
        local.get 0
        i32.const 1
        i32.sub
        local.tee 0
        br_if 0
      end)
    (func $without_else (param i32 i64) (result i64)
      local.get 1
      local.get 0
      if (param i64) (result i64)
        i64.const 5
        i64.mul
      end)
    (func $dead (result i32)
      i32.const 1
      block (result i32)
        block
          i32.const 7
          br 1
          unreachable
        end
        i32.const 9
      end
      i32.add)
    (func $both_arms_leave (param i32) (result i32)
      (block (result i32)
        (if (local.get 0) (then (br 1 (i32.const 3))) (else (return (i32.const 4))))
        unreachable))
    (func $traps (param i32) (if (local.get 0) (then unreachable)))
  ))"));
  program.make_code(GetParam());
  const Cell cell(program, thread_);
  EXPECT_EQ(program.call(cell, 0, {1, 10}), returned({11}));
  EXPECT_EQ(program.call(cell, 0, {0, 0}), returned({0xFFFF'FFFF}));
  EXPECT_EQ(program.call(cell, 1, {1000}), returned({500'500}));
  EXPECT_EQ(program.call(cell, 2, {10}), returned({55, 89}));
  EXPECT_EQ(program.call(cell, 3, {1, 7}), returned({35}));
  EXPECT_EQ(program.call(cell, 3, {0, 7}), returned({7}));
  EXPECT_EQ(program.call(cell, 4, {}), returned({8}));
  EXPECT_EQ(program.call(cell, 5, {1}), returned({3}));
  EXPECT_EQ(program.call(cell, 5, {0}), returned({4}));
  EXPECT_EQ(program.call(cell, 6, {0}), returned({}));
  EXPECT_EQ(program.call(cell, 6, {1}), trapped(TrapKind::kUnreachable));
}

TEST_P(Control, TablesOfBranches) {
  for (const std::uint32_t targets : {1u, 3u, 4u, 40u}) {
    // Each target adds its number; the first and the default are the function's end.
    Code code;
    for (std::uint32_t i = 0; i < targets; ++i) code.open(Op::kBlock, ValueType::kI32);
    code.i32(1000).get(0).op(Op::kBrTable).unsigned_leb(targets);
    code.unsigned_leb(targets);
    for (std::uint32_t i = 1; i < targets; ++i) code.unsigned_leb(i - 1);
    code.unsigned_leb(targets);
    for (std::uint32_t i = 0; i < targets; ++i) code.end().i32(i + 1).op(Op::kI32Add);
    ModuleBuilder builder;
    builder.function({{ValueType::kI32}, {ValueType::kI32}}, {}, code);
    Program program(builder.finish());
    program.make_code(GetParam());
    const Cell cell(program, thread_);
    for (const std::uint32_t index : {0u, 1u, targets - 1, targets, targets + 1, 0x7FFF'FFFFu, 0xFFFF'FFFFu}) {
      std::uint32_t expected = 1000;
      if (index != 0 && index < targets)
        for (std::uint32_t i = index - 1; i < targets; ++i) expected += i + 1;
      EXPECT_EQ(program.call(cell, 0, {index}), returned({expected})) << targets << ' ' << index;
    }
  }
}

TEST_P(Control, BranchesOnReferences) {
  const FunctionType type = {{}, {ValueType::kI32}};
  const std::uint8_t func = static_cast<std::uint8_t>(ValueType::kFuncRef);
  ModuleBuilder builder;
  const std::uint32_t any = builder.function(type, {}, Code().i32(42), "any");
  for (const Code& reference : {Code().op(Op::kRefNull).byte(func), Code().op(Op::kRefFunc, any)}) {
    builder.function(type, {},
                     Code()
                         .open(Op::kBlock)
                         .append(reference)
                         .op(Op::kBrOnNull, 0)
                         .op(Op::kDrop)
                         .i32(1)
                         .op(Op::kReturn)
                         .end()
                         .i32(2));
    builder.function(type, {},
                     Code()
                         .open(Op::kBlock, ValueType::kFuncRef)
                         .append(reference)
                         .op(Op::kBrOnNonNull, 0)
                         .i32(1)
                         .op(Op::kReturn)
                         .end()
                         .op(Op::kDrop)
                         .i32(2));
  }
  Program program(builder.finish());
  program.make_code(GetParam());
  const Cell cell(program, thread_);
  EXPECT_EQ(program.call(cell, 1, {}), returned({2}));
  EXPECT_EQ(program.call(cell, 2, {}), returned({1}));
  EXPECT_EQ(program.call(cell, 3, {}), returned({1}));
  EXPECT_EQ(program.call(cell, 4, {}), returned({2}));
}

// --- Calls ---

TEST(ControlIr, RecursionWithoutEndIsNoLoop) {
  Program program(wat(R"((module
    (func $deep (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
      (call $deep (i32.sub (local.get 0) (i32.const 1)))))
  )"));
  program.optimize();
  EXPECT_TRUE(program.text_of(0).contains("call swiftcc")) << program.text_of(0);
  EXPECT_FALSE(program.text_of(0).contains(" phi ")) << program.text_of(0);
}

/// Of each type more than there are registers for.
FunctionType many_values() {
  FunctionType type;
  for (int i = 0; i < 4; ++i) {
    for (const ValueType each :
         {ValueType::kI32, ValueType::kF64, ValueType::kI64, ValueType::kV128, ValueType::kF32}) {
      type.parameters.push_back(each);
      type.results.push_back(each);
    }
  }
  return type;
}

Slots numbered(const FunctionType& type) {
  Slots slots(slots_of(type.parameters));
  std::iota(slots.begin(), slots.end(), 1);
  return slots;
}

TEST_P(Control, ManyArgumentsAndResultsTravel) {
  const FunctionType type = many_values();
  Code all;
  for (std::uint32_t i = 0; i < type.parameters.size(); ++i) all.get(i);
  ModuleBuilder builder;
  const std::uint32_t imported = builder.import_function("a", "b", type);
  const std::uint32_t end = builder.function(type, {}, all);
  builder.function(type, {}, Code(all).call(end));
  builder.function(type, {}, Code(all).op(Op::kReturnCall, end));
  builder.function(type, {}, Code(all).call(end + 2));  // of the uniform type
  builder.function(type, {}, Code(all).call(imported));
  builder.function(type, {}, Code(all).op(Op::kReturnCall, imported));
  Program program(builder.finish());
  program.make_code(GetParam());
  program.entries()[imported] = program.entries()[end];
  const Cell cell(program, thread_);
  const Cell other(program, thread_);
  for (const Cell* const owner : {&cell, &other}) {
    cell.function(imported).cell = owner->pointer();
    for (std::uint32_t function = end; function <= end + 5; ++function)
      EXPECT_EQ(program.call(cell, function, numbered(type)), returned(numbered(type))) << function;
  }
}

TEST_P(Control, TailCallsTakeNoStack) {
  Program program(wat(R"((module
    (table 1 funcref)
    (func $even (param i64) (result i32)
      (if (i64.eqz (local.get 0)) (then (return (i32.const 1))))
      (return_call $odd (i64.sub (local.get 0) (i64.const 1)) (f32.const 1)))
    (func $odd (param i64 f32) (result i32)
      (if (i64.eqz (local.get 0)) (then (return (i32.const 0))))
      (return_call_indirect (param i64) (result i32) (i64.sub (local.get 0) (i64.const 1)) (i32.const 0)))
    (func $caller (param i64) (result i32) (i32.add (call $even (local.get 0)) (i32.const 10)))
  ))"));
  EXPECT_TRUE(program.text_of(0).contains("musttail call swiftcc")) << program.text_of(0);
  EXPECT_TRUE(program.text_of(2).contains("@f0(")) << program.text_of(2);
  program.make_code(GetParam());
  const Cell cell(program, thread_);
  cell.fill_table(0, {&cell.function(0)});
  EXPECT_EQ(program.call(cell, 2, {10'000'001}), returned({10}));
  EXPECT_EQ(program.call(cell, 2, {10'000'000}), returned({11}));
}

TEST_P(Control, FunctionsOfOtherInstancesRunInTheirCells) {
  Program program(wat(R"((module
    (import "a" "b" (func $imported (param i64) (result i64)))
    (table 2 funcref)
    (global $own (mut i64) (i64.const 0))
    (func $add (param i64) (result i64) (i64.add (local.get 0) (global.get $own)))
    (func $call (param i64) (result i64)
      (i64.add (i64.mul (call $imported (local.get 0)) (i64.const 1000)) (global.get $own)))
    (func $tail (param i64) (result i64) (return_call $imported (local.get 0)))
    (func $call_tail (param i64) (result i64)
      (i64.add (i64.mul (call $tail (local.get 0)) (i64.const 1000)) (global.get $own)))
    (func $indirect (param i64) (result i64)
      (i64.add (i64.mul (call_indirect (param i64) (result i64) (local.get 0) (i32.const 0)) (i64.const 1000))
               (global.get $own)))
  ))"));
  program.make_code(GetParam());
  program.entries()[0] = program.entries()[1];
  const Cell cell(program, thread_);
  const Cell other(program, thread_);
  const std::int32_t global = program.unit().layout.global(0);
  cell.at<std::uint64_t>(global) = 5;
  other.at<std::uint64_t>(global) = 7;
  cell.fill_table(0, {&cell.function(0), nullptr});
  for (const std::uint32_t function : {2u, 4u, 5u}) {
    cell.function(0) = cell.function(1);
    EXPECT_EQ(program.call(cell, function, {1}), returned({6'005})) << function;
    cell.function(0) = other.function(1);
    EXPECT_EQ(program.call(cell, function, {1}), returned({8'005})) << function;
  }
}

TEST_P(Control, IndirectCallsCheckWhomTheyCall) {
  Program program(wat(R"((module
    (table 4 funcref)
    (func $call (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
    (func $tail (param i32) (result i32) (return_call_indirect (result i32) (local.get 0)))
    (func $answer (result i32) (i32.const 42))
    (func $wrong (result i64) (i64.const 42))
  ))"));
  program.make_code(GetParam());
  const Cell cell(program, thread_);
  cell.fill_table(0, {&cell.function(2), &cell.function(3), nullptr});
  for (const std::uint32_t function : {0u, 1u}) {
    EXPECT_EQ(program.call(cell, function, {0}), returned({42}));
    EXPECT_EQ(program.call(cell, function, {1}), trapped(TrapKind::kIndirectCallTypeMismatch));
    EXPECT_EQ(program.call(cell, function, {2}), trapped(TrapKind::kUninitializedElement));
    EXPECT_EQ(program.call(cell, function, {3}), trapped(TrapKind::kUndefinedElement));
  }
}

TEST_P(Control, ReferencesAreCalledUnlessTheyAreNull) {
  const FunctionType type = {{}, {ValueType::kI32}};
  ModuleBuilder builder;
  const std::uint32_t index = builder.type(type);
  const std::uint32_t answer = builder.function(type, {}, Code().i32(42), "answer");
  for (const Op call : {Op::kCallRef, Op::kReturnCallRef}) {
    builder.function(type, {}, Code().op(Op::kRefFunc, answer).op(call, index));
    builder.function(type, {}, Code().op(Op::kRefNull).signed_leb(index).op(call, index));
  }
  Program program(builder.finish());
  program.make_code(GetParam());
  const Cell cell(program, thread_);
  for (const std::uint32_t function : {1u, 3u}) {
    EXPECT_EQ(program.call(cell, function, {}), returned({42}));
    EXPECT_EQ(program.call(cell, function + 1, {}), trapped(TrapKind::kNullFunctionReference));
  }
}

// --- The IR ---

TEST(ControlIr, CallsByNameAreToBeCompiledIntoTheirCaller) {
  const Program program(wat(R"((module
    (func $callee (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func $caller (param i32) (result i32) (call $callee (local.get 0)))
  ))"));
  EXPECT_EQ(definition(program.unit(), 0), &declare_function(program.unit(), 0, Shape::kOwn));
  const std::string caller = program.text_of(1);
  EXPECT_TRUE(caller.contains("@f0(")) << caller;
  EXPECT_FALSE(caller.contains(kEntriesSymbol)) << caller;
  EXPECT_TRUE(caller.contains("swiftcc")) << caller;
}

TEST(ControlIr, TrapsKnowTheirOperator) {
  const std::vector<std::byte> binary = wat("(module (func nop nop unreachable))");
  const Program program(binary);
  std::vector<std::uint64_t> offsets;
  for (const ::llvm::Instruction& each : ::llvm::instructions(*definition(program.unit(), 0)))
    if (::llvm::isa<::llvm::CallInst>(each)) offsets.push_back(each.getDebugLoc().getLine());
  ASSERT_EQ(offsets.size(), 1u);
  EXPECT_EQ(binary[offsets[0]], std::byte{0});  // unreachable
  EXPECT_EQ(offsets[0], program.unit().module.bodies[0].offset + 3);
}

TEST(ControlIr, FunctionsThatHandleExceptionsAreLeft) {
  const Program program(wat(R"((module
    (tag $tag (param i32 f64))
    (func $catches (try (do (throw $tag (i32.const 1) (f64.const 2))) (catch_all)))
    (func $throws (throw $tag (i32.const 1) (f64.const 2)))
    (func $calls (call $catches) (call $throws))
  ))"));
  EXPECT_EQ(program.refusal(0), "it handles exceptions");
  EXPECT_EQ(definition(program.unit(), 0), nullptr);
  EXPECT_EQ(program.refusal(1), "");
  EXPECT_TRUE(program.text_of(1).contains("call swiftcc void %")) << program.text_of(1);
  EXPECT_EQ(program.refusal(2), "");
}

// --- Fuel and metered stacks ---

TEST_P(Control, FuelIsWhatTheQuickTierTakes) {
  static constexpr std::string_view kText = R"((module
    (func $callee (param i32) (result i32) (local i64 i64 i64 i64 i64 i64 i64 i64 i64)
      (if (result i32) (i32.rem_u (local.get 0) (i32.const 3))
        (then (i32.const 5))
        (else nop (i32.add (i32.const 6) (i32.const 1)))))
    (func $run (export "run") (param i32) (result i32) (local i32)
      (block (loop
        (br_if 1 (i32.eqz (local.get 0)))
        (local.set 1 (i32.add (local.get 1) (call $callee (local.get 0))))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (block (block (block
          (br_table 0 1 2 1 0 (i32.and (local.get 0) (i32.const 7)))) (br 1)) (local.set 1 (i32.add (local.get 1) (i32.const 9))))
        (br 0)))
      (local.get 1))
  ))";
  Program program(wat(kText), {.fuel = true});
  program.make_code(GetParam());
  const Cell cell(program, thread_);
  const Pool pool = anew::test::make_pool(kText, {}, {}, {.fuel = true});
  for (const std::uint32_t rounds : {0u, 1u, 2u, 17u, 100u}) {
    auto lease = pool.acquire();
    lease->set_fuel(100'000);
    const auto expected =
        static_cast<std::uint32_t>(lease->call<std::int32_t>("run", static_cast<std::int32_t>(rounds)).value());
    thread_.fuel = 100'000;
    EXPECT_EQ(program.call(cell, 1, {rounds}), returned({expected}));
    EXPECT_EQ(thread_.fuel, static_cast<std::int64_t>(lease->fuel()));
    const std::int64_t used = 100'000 - thread_.fuel;
    thread_.fuel = used;
    EXPECT_EQ(program.call(cell, 1, {rounds}), returned({expected}));
    thread_.fuel = used - 1;
    EXPECT_EQ(program.call(cell, 1, {rounds}), trapped(TrapKind::kOutOfFuel));
  }
}

TEST_P(Control, FramesPayForTheirDepth) {
  Program program(wat(R"((module
    (func $deep (param i32) (result i32) (local v128)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
      (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
    (func $tail (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
      (return_call $tail (i32.sub (local.get 0) (i32.const 1))))
  ))"),
                  {.metered_stack = true});
  // Locals: an i32 and a v128. Operands: i32.const, the argument and what is taken from it.
  constexpr std::int64_t kDeep = abi::kFrameUnits + 3 + 3;
  constexpr std::int64_t kTail = abi::kFrameUnits + 1 + 2;
  EXPECT_EQ(definition(program.unit(), 0)->getFnAttribute(kStackUnitsAttribute).getValueAsString(),
            std::to_string(kDeep));
  program.make_code(GetParam());
  const Cell cell(program, thread_);
  thread_.stack_left = 11 * kDeep;
  EXPECT_EQ(program.call(cell, 0, {10}), returned({10}));
  EXPECT_EQ(thread_.stack_left, 11 * kDeep);
  EXPECT_EQ(program.call(cell, 0, {11}), trapped(TrapKind::kStackExhausted));
  thread_.stack_left = kTail;
  EXPECT_EQ(program.call(cell, 1, {1'000}), returned({0}));
  EXPECT_EQ(thread_.stack_left, kTail);
  thread_.stack_left = kTail - 1;
  EXPECT_EQ(program.call(cell, 1, {0}), trapped(TrapKind::kStackExhausted));
}

}  // namespace
}  // namespace anew::codegen::optimizing::test
