// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Code that stands out of line amid a large function: traps, constants, tables of jumps and calls into other instances
// work the same wherever they are emitted, and say where they happened.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <anew/anew.hpp>
#include <string>
#include <vector>

#include "support/module_builder.hpp"

namespace anew::codegen::test {
namespace {

constexpr std::uint32_t kUnits = 3'000;

struct Unit {
  std::uint64_t division;  ///< where its operator that traps stands in the body
};

/// A function of one i32 that traps in the unit of that number, if there is one, and else returns how many calls of the
/// import it made, one a unit. Each unit has a constant, a table of jumps, a comparison whose flags wait for a branch,
/// a call and two traps; the number of operators in one is coprime with how often the compiler looks for what waits.
Code units(std::vector<Unit>& where) {
  Code code;
  for (std::uint32_t i = 0; i < kUnits; ++i) {
    code.open(Op::kBlock).open(Op::kBlock);
    code.get(0).v128(i, 0).op(Op::kI32x4ExtractLane).byte(0).op(Op::kI32Sub);
    code.op(Op::kBrTable).unsigned_leb(1).unsigned_leb(0).unsigned_leb(1).end();
    code.get(0).i32(i).op(Op::kI32Ne).op(Op::kBrIf, 0);
    code.i32(1).get(1);
    where.push_back({code.size()});
    code.op(Op::kI32DivS).op(Op::kDrop).end();
    code.get(2).call(0).op(Op::kI32Add).set(2);
  }
  return code.get(2);
}

TEST(OutOfLine, TrapsConstantsTablesAndCallsWorkThroughoutALargeFunction) {
  for (const bool fuel : {false, true}) {
    ModuleBuilder builder;
    builder.import_function("other", "one", {{}, {kI32}});
    const ValueType locals[] = {kI32, kI32};
    std::vector<Unit> where;
    builder.function({{kI32}, {kI32}}, locals, units(where), "units");
    const std::vector<std::byte> binary = builder.finish();
    ModuleBuilder other;
    other.function({{}, {kI32}}, {}, Code().i32(1), "one");

    const Engine engine(EngineOptions{.cache = false});
    const auto module = engine.compile(binary, {.fuel = fuel});
    ASSERT_TRUE(module) << module.error().to_string();
    Linker linker;
    linker.define_module("other", engine.compile(other.finish(), {.fuel = fuel}).value());
    const Pool pool = Pool::create(*module, linker).value();
    auto lease = pool.acquire();
    if (fuel) lease->set_fuel(1'000'000);
    EXPECT_EQ(lease->call<std::uint32_t>("units", ~0u).value(), kUnits);

    // All divisions stand as far from the first one's offset as in the body.
    std::uint64_t first = 0;
    for (std::uint32_t unit = 0; unit < kUnits; unit += unit == 0 ? 1 : 7) {
      auto one = pool.acquire();
      if (fuel) one->set_fuel(1'000'000);
      const auto result = one->call<std::uint32_t>("units", unit);
      ASSERT_FALSE(result) << unit;
      ASSERT_EQ(result.error().trap, TrapKind::kIntegerDivideByZero) << unit;
      ASSERT_FALSE(result.error().backtrace.empty());
      const std::uint64_t offset = result.error().backtrace.front().module_offset;
      if (unit == 0) first = offset;
      ASSERT_EQ(offset - first, where[unit].division - where[0].division) << unit;
    }
  }
}

}  // namespace
}  // namespace anew::codegen::test
