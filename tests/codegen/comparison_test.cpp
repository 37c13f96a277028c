// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Comparisons, which the quick tier leaves in the flags for whatever uses them, and select.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <anew/anew.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "run.hpp"
#include "support/module_builder.hpp"
#include "support/reference.hpp"
#include "support/wat.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

/// Ways to use an i32 that a comparison has just left: code that makes an i64 of it. $s is a scratch i32 local, number
/// `scratch`; `reference` is what it must compute.
struct Consumer {
  const char* name;
  std::function<void(Code&, std::uint32_t scratch)> emit;
  std::uint64_t (*reference)(std::uint32_t);
};

const std::vector<Consumer>& consumers() {
  static const std::vector<Consumer> all = {
      {"extend", [](Code& c, std::uint32_t) { c.op(Op::kI64ExtendI32U); },
       [](std::uint32_t x) -> std::uint64_t { return x; }},
      {"if", [](Code& c, std::uint32_t) { c.open(Op::kIf, kI64).i64(11).op(Op::kElse).i64(22).end(); },
       [](std::uint32_t x) -> std::uint64_t { return x ? 11 : 22; }},
      {"if without else",
       [](Code& c, std::uint32_t s) { c.open(Op::kIf).i32(77).set(s).end().get(s).op(Op::kI64ExtendI32U); },
       [](std::uint32_t x) -> std::uint64_t { return x ? 77 : 0; }},
      {"br_if",
       [](Code& c, std::uint32_t s) {
         c.set(s).open(Op::kBlock, kI64).i64(5).get(s).op(Op::kBrIf, 0u).op(Op::kDrop).i64(6).end();
       },
       [](std::uint32_t x) -> std::uint64_t { return x ? 5 : 6; }},
      {"br_if to the function",
       [](Code& c, std::uint32_t s) { c.set(s).i64(1).get(s).op(Op::kI32Eqz).op(Op::kBrIf, 0u).op(Op::kDrop).i64(2); },
       [](std::uint32_t x) -> std::uint64_t { return x ? 2 : 1; }},
      {"eqz", [](Code& c, std::uint32_t) { c.op(Op::kI32Eqz).op(Op::kI64ExtendI32U); },
       [](std::uint32_t x) -> std::uint64_t { return x == 0; }},
      {"eqz eqz", [](Code& c, std::uint32_t) { c.op(Op::kI32Eqz).op(Op::kI32Eqz).op(Op::kI64ExtendI32U); },
       [](std::uint32_t x) -> std::uint64_t { return x != 0; }},
      {"eqz if",
       [](Code& c, std::uint32_t) { c.op(Op::kI32Eqz).open(Op::kIf, kI64).i64(1).op(Op::kElse).i64(2).end(); },
       [](std::uint32_t x) -> std::uint64_t { return x ? 2 : 1; }},
      {"select", [](Code& c, std::uint32_t s) { c.set(s).i64(3).i64(4).get(s).op(Op::kSelect); },
       [](std::uint32_t x) -> std::uint64_t { return x ? 3 : 4; }},
      {"tee", [](Code& c, std::uint32_t s) { c.tee(s).get(s).op(Op::kI32Add).op(Op::kI64ExtendI32U); },
       [](std::uint32_t x) -> std::uint64_t { return std::uint64_t{x} * 2; }},
      {"stored",
       [](Code& c, std::uint32_t s) {
         c.set(s).i32(16).get(s).access(Op::kI32Store, 0).i32(16).access(Op::kI64Load32U, 0);
       },
       [](std::uint32_t x) -> std::uint64_t { return x; }},
      {"as an address", [](Code& c, std::uint32_t) { c.access(Op::kI64Load8U, 0); },
       [](std::uint32_t x) -> std::uint64_t { return x ? 0x22 : 0x11; }},
      {"below a constant", [](Code& c, std::uint32_t) { c.i32(5).op(Op::kI32Shl).op(Op::kI64ExtendI32U); },
       [](std::uint32_t x) -> std::uint64_t { return std::uint64_t{x} << 5; }},
      {"through a block", [](Code& c, std::uint32_t) { c.op(Op::kBlock).byte(0).op(Op::kI64ExtendI32U).end(); },
       [](std::uint32_t x) -> std::uint64_t { return x; }},
      {"through a loop", [](Code& c, std::uint32_t) { c.op(Op::kLoop).byte(0).op(Op::kI64ExtendI32U).end(); },
       [](std::uint32_t x) -> std::uint64_t { return x; }},
      {"br_table",
       [](Code& c, std::uint32_t s) {
         c.set(s).open(Op::kBlock).open(Op::kBlock).get(s).op(Op::kBrTable).byte(1).byte(0).byte(1).end();
         c.i32(10).set(s).end().get(s).op(Op::kI64ExtendI32U);
       },
       [](std::uint32_t x) -> std::uint64_t { return x ? x : 10; }},
      {"over a nop and a drop",
       [](Code& c, std::uint32_t) { c.op(Op::kNop).i32(1).op(Op::kDrop).op(Op::kI64ExtendI32U); },
       [](std::uint32_t x) -> std::uint64_t { return x; }},
      {"an argument", [](Code& c, std::uint32_t) { c.call(0); },
       [](std::uint32_t x) -> std::uint64_t { return x + 100ull; }},
  };
  return all;
}

TEST(Comparisons, ReachWhateverUsesThem) {
  for (const Op op : numeric_operators()) {
    if (op > Op::kF64Ge) break;  // comparisons come first in the table
    const wasm::Signature& signature = wasm::signature_of(op);
    ModuleBuilder builder;
    builder.type({{kI32}, {kI64}});  // type 0, of the blocks above
    builder.memory(1);
    builder.function({{kI32}, {kI64}}, {}, Code().get(0).op(Op::kI64ExtendI32U).i64(100).op(Op::kI64Add));
    const bool binary = signature.operands == 2;
    FunctionType type{{signature.operand(0)}, {kI64}};
    if (binary) type.parameters.push_back(signature.operand(1));
    const std::uint32_t scratch = binary ? 2 : 1;
    for (const Consumer& consumer : consumers()) {
      Code code = Code().get(0);
      if (binary) code.get(1);
      code.op(op);
      consumer.emit(code, scratch);
      const ValueType locals[] = {kI32};
      builder.function(type, locals, code, consumer.name);
      // The same where the operands are no locals.
      Code computed = Code().i32(0).get(0).access(signature.operand(0) == kI32   ? Op::kI32Store
                                                  : signature.operand(0) == kI64 ? Op::kI64Store
                                                  : signature.operand(0) == kF32 ? Op::kF32Store
                                                                                 : Op::kF64Store,
                                                  32);
      const Op load = signature.operand(0) == kI32   ? Op::kI32Load
                      : signature.operand(0) == kI64 ? Op::kI64Load
                      : signature.operand(0) == kF32 ? Op::kF32Load
                                                     : Op::kF64Load;
      computed.i32(0).access(load, 32);
      if (binary) computed.get(1);
      computed.op(op);
      consumer.emit(computed, scratch);
      builder.function(type, locals, computed, fmt::format("computed {}", consumer.name));
    }
    const auto pool = make_pool(builder);
    ASSERT_TRUE(pool);
    Lease lease = pool->acquire().value();
    ASSERT_TRUE(lease.memory().store<std::uint16_t>(0, 0x2211));
    const std::vector<std::uint64_t>& values = corner_values(signature.operand(0));
    for (std::size_t i = 0; i < values.size(); i += 3) {
      for (std::size_t j = 0; j < (binary ? values.size() : 1); j += 2) {
        // Every other round with equal operands.
        const std::uint64_t right = j % 4 == 0 ? values[i] : values[j];
        const auto compared = static_cast<std::uint32_t>(evaluate(op, values[i], right).bits);
        std::vector<Value> arguments = {{signature.operand(0), values[i]}};
        if (binary) arguments.push_back({signature.operand(1), right});
        for (const Consumer& consumer : consumers()) {
          for (const char* way : {"", "computed "}) {
            const auto result = lease.call_values(std::string(way) + consumer.name, arguments);
            ASSERT_TRUE(result) << result.error().to_string();
            ASSERT_EQ(result->front().bits, consumer.reference(compared)) << fmt::format(
                "{} of {:#x} and {:#x}, {}{}", wasm::to_string(op), values[i], right, way, consumer.name);
          }
        }
      }
    }
  }
}

TEST(Comparisons, OfReferencesWithNull) {
  const Pool pool = anew::test::make_pool(R"((module
    (table 2 funcref) (elem (i32.const 0) $f)
    (func $f)
    (func (export "is null") (param i32) (result i32) (ref.is_null (table.get 0 (local.get 0))))
    (func (export "if") (param i32) (result i32)
      (if (result i32) (ref.is_null (table.get 0 (local.get 0))) (then (i32.const 5)) (else (i32.const 6))))
    (func (export "constant") (result i32)
      (i32.add (ref.is_null (ref.null func)) (i32.mul (i32.const 10) (ref.is_null (ref.func $f)))))
    (func (export "select") (param i32) (result i32)
      (ref.is_null (select (result funcref) (ref.func $f) (ref.null func) (local.get 0))))
    (func (export "local") (param i32) (result i32) (local funcref) (local externref)
      (if (local.get 0) (then (local.set 1 (ref.func $f))))
      (i32.add (ref.is_null (local.get 1)) (i32.mul (i32.const 10) (ref.is_null (local.get 2)))))))");
  EXPECT_EQ(run<std::uint32_t>(pool, "is null", 0u).value(), 0u);
  EXPECT_EQ(run<std::uint32_t>(pool, "is null", 1u).value(), 1u);
  EXPECT_EQ(run<std::uint32_t>(pool, "if", 0u).value(), 6u);
  EXPECT_EQ(run<std::uint32_t>(pool, "if", 1u).value(), 5u);
  EXPECT_EQ(run<std::uint32_t>(pool, "constant").value(), 1u);
  EXPECT_EQ(run<std::uint32_t>(pool, "select", 0u).value(), 1u);
  EXPECT_EQ(run<std::uint32_t>(pool, "select", 1u).value(), 0u);
  EXPECT_EQ(run<std::uint32_t>(pool, "local", 0u).value(), 11u);
  EXPECT_EQ(run<std::uint32_t>(pool, "local", 1u).value(), 10u);
}

// --- select ---

TEST(Select, ChoosesValuesOfEveryTypeFromEveryPlace) {
  // Operands: a constant, a parameter, a global's value; condition: a parameter, a constant, a comparison.
  for (const ValueType type : {kI32, kI64, kF32, kF64}) {
    ModuleBuilder builder;
    const std::vector<std::uint64_t>& values = corner_values(type);
    const std::uint64_t first = values[values.size() / 2];
    const std::uint64_t second = values[values.size() - 1];
    const std::uint32_t global = builder.global(type, second);
    const std::vector<Code> operands = {Code().constant(type, first), Code().get(1), Code().op(Op::kGlobalGet, global)};
    const std::uint64_t expected[] = {first, values[7], second};
    const std::vector<Code> conditions = {Code().get(0), Code().get(0).i32(0).op(Op::kI32Ne),
                                          Code().get(0).op(Op::kI32Eqz).op(Op::kI32Eqz), Code().i32(1), Code().i32(0)};
    for (std::size_t a = 0; a < 3; ++a) {
      for (std::size_t b = 0; b < 3; ++b) {
        for (std::size_t c = 0; c < conditions.size(); ++c) {
          Code code = Code(operands[a]).append(operands[b]).append(conditions[c]).op(Op::kSelect);
          builder.function({{kI32, type}, {type}}, {}, code, fmt::format("{}{}{}", a, b, c));
        }
      }
    }
    const auto pool = make_pool(builder);
    ASSERT_TRUE(pool);
    Lease lease = pool->acquire().value();
    for (std::size_t a = 0; a < 3; ++a) {
      for (std::size_t b = 0; b < 3; ++b) {
        for (std::size_t c = 0; c < conditions.size(); ++c) {
          for (const std::uint32_t condition : {0u, 1u, 0x8000'0000u}) {
            const bool chosen = c == 3 || (c != 4 && condition != 0);
            const Value arguments[] = {Value::i32(condition), {type, values[7]}};
            const auto result = lease.call_values(fmt::format("{}{}{}", a, b, c), arguments);
            ASSERT_TRUE(result);
            EXPECT_EQ(result->front().bits, expected[chosen ? a : b]) << a << b << c << condition << to_string(type);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace anew::codegen::test
