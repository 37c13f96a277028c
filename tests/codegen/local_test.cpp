// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A local is zero until it is assigned, whatever lay on the stack before. Functions zero at their start only what may
// be read before that, so each way to a place where control flow meets has to be known to lead there.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "run.hpp"
#include "support/soiled_stack.hpp"

namespace anew::codegen::test {
namespace {

constexpr ValueType kV128 = ValueType::kV128;
constexpr ValueType kFuncRef = ValueType::kFuncRef;
constexpr ValueType kExnRef = ValueType::kExnRef;

constexpr std::uint32_t kFlag = 0;          ///< the parameter: 0 for the way that assigns nothing, else 1
constexpr std::uint32_t kCounter = 1;       ///< an i32
constexpr std::uint32_t kOther = 2;         ///< an i64 that is assigned with the local, so that registers differ
constexpr std::uint32_t kThrowsIfZero = 0;  ///< a function
constexpr std::uint32_t kTag = 0;

/// What a way is made of.
struct Parts {
  Code assign;
  Code read;
};

/// Pushes what the local holds, as an i64.
Code read(std::uint32_t local, ValueType type) {
  Code code = Code().get(local);
  switch (type) {
    case kI32: return code.op(Op::kI64ExtendI32U);
    case kF32: return code.op(Op::kI32ReinterpretF32).op(Op::kI64ExtendI32U);
    case kF64: return code.op(Op::kI64ReinterpretF64);
    case kV128:
      code.op(Op::kI64x2ExtractLane).byte(0).get(local).op(Op::kI64x2ExtractLane).byte(1);
      return code.op(Op::kI64Or);
    case kFuncRef:
    case kExnRef: return code.op(Op::kRefIsNull).op(Op::kI32Eqz).op(Op::kI64ExtendI32U);
    default: return code;
  }
}

/// Code that pushes what it has read, and has assigned the local before if the flag says so.
struct Way {
  const char* name;
  std::function<Code(const Parts&)> make;
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

Code flag() { return Code().get(kFlag); }
Code no_flag() { return Code().get(kFlag).op(Op::kI32Eqz); }
Code catch_all(std::uint32_t label) { return Code().unsigned_leb(1).byte(2).unsigned_leb(label); }
/// A reference that is null if the condition is zero.
Code reference(const Code& condition) {
  Code code = condition;
  return code.open(Op::kIf, kFuncRef).op(Op::kRefFunc, kThrowsIfZero).op(Op::kElse).constant(kFuncRef, 0).end();
}
Code of_reference() { return Code().byte(0x64).byte(0x70); }  // (ref func)
/// br_on_cast and br_on_cast_fail from funcref to (ref func), to label 0.
Code cast(Op op) { return Code().op(op).byte(1).unsigned_leb(0).byte(0x70).byte(0x70); }

std::vector<Way> ways() {
  return {
      {"If", [](const Parts& p) { return flag().open(Op::kIf).append(p.assign).end().append(p.read); }},
      {"Else",
       [](const Parts& p) { return no_flag().open(Op::kIf).op(Op::kElse).append(p.assign).end().append(p.read); }},
      {"ThenWithAnElse",
       [](const Parts& p) { return flag().open(Op::kIf).append(p.assign).op(Op::kElse).end().append(p.read); }},
      {"OneArmLeaves",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).append(flag()).open(Op::kIf).append(p.assign).op(Op::kElse);
         return code.op(Op::kBr, 1).end().append(p.assign).end().append(p.read);
       }},
      {"OneArmTraps",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).append(no_flag()).op(Op::kBrIf, 0).append(flag()).open(Op::kIf);
         return code.append(p.assign).op(Op::kElse).op(Op::kUnreachable).end().end().append(p.read);
       }},
      {"BrIf",
       [](const Parts& p) {
         return Code().open(Op::kBlock).append(no_flag()).op(Op::kBrIf, 0).append(p.assign).end().append(p.read);
       }},
      {"BrIfAlreadyInPlace",  // the second way to the label takes no code
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).open(Op::kBlock).append(no_flag()).op(Op::kBrIf, 0).append(p.assign);
         return code.op(Op::kBr, 1).end().get(kFlag).op(Op::kBrIf, 0).end().append(p.read);
       }},
      {"BrIfInPlaceBehindAWayThatAssigns",  // the calls empty the registers
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).append(flag()).open(Op::kIf).append(p.assign).i32(1).call(kThrowsIfZero);
         code.op(Op::kBr, 1).end().i32(1).call(kThrowsIfZero).append(no_flag()).op(Op::kBrIf, 0).append(p.assign);
         return code.end().append(p.read);
       }},
      {"BrIfWithAValue",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock, kI64).i64(1).append(no_flag()).op(Op::kBrIf, 0).op(Op::kDrop);
         return code.append(p.assign).i64(2).end().op(Op::kDrop).append(p.read);
       }},
      {"BrTable",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).open(Op::kBlock).append(flag()).op(Op::kBrTable).unsigned_leb(1);
         return code.unsigned_leb(1).unsigned_leb(0).end().append(p.assign).end().append(p.read);
       }},
      {"BrTablesDefault",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).open(Op::kBlock).append(no_flag()).op(Op::kBrTable).unsigned_leb(1);
         return code.unsigned_leb(0).unsigned_leb(1).end().append(p.assign).end().append(p.read);
       }},
      {"BrTableBehindAWayThatAssigns",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).append(flag()).open(Op::kIf).append(p.assign).op(Op::kBr, 1).end();
         return code.append(flag())
             .op(Op::kBrTable)
             .unsigned_leb(1)
             .unsigned_leb(0)
             .unsigned_leb(0)
             .end()
             .append(p.read);
       }},
      {"FallsThroughBehindAWayThatAssigns",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).append(flag()).open(Op::kIf).append(p.assign).op(Op::kBr, 1).end();
         return code.end().append(p.read);
       }},
      {"BrOutOfSeveral",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).open(Op::kBlock).open(Op::kBlock).append(flag()).op(Op::kBrIf, 0);
         return code.op(Op::kBr, 2).end().append(p.assign).end().append(p.assign).end().append(p.read);
       }},
      {"Return",
       [](const Parts& p) {
         Code code = no_flag().open(Op::kIf).append(p.read).op(Op::kReturn).end();
         return code.append(p.assign).append(p.read);
       }},
      {"FirstRound",  // each round reads what the one before assigned
       [](const Parts& p) {
         Code code = Code().open(Op::kLoop, kI64).append(p.read).append(p.assign);
         code.get(kCounter).i32(1).op(Op::kI32Add).tee(kCounter).get(kFlag).op(Op::kI32LeU).open(Op::kIf);
         return code.op(Op::kBr, 1).end().end();
       }},
      {"LoopThatIsLeft",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).open(Op::kLoop).append(no_flag()).op(Op::kBrIf, 1).append(p.assign);
         code.get(kCounter).i32(1).op(Op::kI32Add).tee(kCounter).i32(3).op(Op::kI32LtU).op(Op::kBrIf, 0);
         return code.end().end().append(p.read);
       }},
      {"LoopInALoop",
       [](const Parts& p) {
         Code code = Code().open(Op::kLoop).open(Op::kBlock).open(Op::kLoop).append(no_flag()).op(Op::kBrIf, 1);
         code.append(p.assign).end().end().get(kCounter).i32(1).op(Op::kI32Add).tee(kCounter).i32(3);
         return code.op(Op::kI32LtU).op(Op::kBrIf, 0).end().append(p.read);
       }},
      {"Throw",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).open(Op::kTryTable).append(catch_all(0)).append(no_flag()).open(Op::kIf);
         return code.op(Op::kThrow, kTag).end().append(p.assign).end().end().append(p.read);
       }},
      {"ThrowOfACallee",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).open(Op::kTryTable).append(catch_all(0)).append(flag());
         return code.call(kThrowsIfZero).append(p.assign).end().end().append(p.read);
       }},
      {"ThrowBeforeAndBehindWhatAssigns",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).open(Op::kTryTable).append(catch_all(0)).append(flag());
         return code.call(kThrowsIfZero).append(p.assign).i32(0).call(kThrowsIfZero).end().end().append(p.read);
       }},
      {"Catch",
       [](const Parts& p) {
         Code code = Code().op(Op::kTry).byte(0x40).append(flag()).call(kThrowsIfZero).append(p.assign);
         return code.op(Op::kCatch, kTag).end().append(p.read);
       }},
      {"CatchAll",
       [](const Parts& p) {
         Code code = Code().op(Op::kTry).byte(0x40).append(flag()).call(kThrowsIfZero).append(p.assign);
         return code.op(Op::kCatchAll).end().append(p.read);
       }},
      {"OneOfTheCatches",
       [](const Parts& p) {
         Code code = Code().op(Op::kTry).byte(0x40).append(no_flag()).call(kThrowsIfZero).op(Op::kCatch, kTag);
         return code.append(p.assign).op(Op::kCatchAll).append(p.assign).end().append(p.read);
       }},
      {"Delegate",
       [](const Parts& p) {
         Code code = Code().op(Op::kTry).byte(0x40).op(Op::kTry).byte(0x40).append(flag()).call(kThrowsIfZero);
         return code.append(p.assign).op(Op::kDelegate, 0).op(Op::kCatchAll).end().append(p.read);
       }},
      {"Rethrow",
       [](const Parts& p) {
         Code code = Code().op(Op::kTry).byte(0x40).op(Op::kTry).byte(0x40).append(flag()).call(kThrowsIfZero);
         code.append(p.assign).op(Op::kCatchAll).op(Op::kRethrow, 0).end().op(Op::kCatchAll).end();
         return code.append(p.read);
       }},
      {"BrOnNull",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock).append(reference(flag())).op(Op::kBrOnNull, 0).op(Op::kDrop);
         return code.append(p.assign).end().append(p.read);
       }},
      {"BrOnNonNull",
       [](const Parts& p) {
         Code code = Code().op(Op::kBlock).append(of_reference()).append(reference(no_flag())).op(Op::kBrOnNonNull, 0);
         return code.append(p.assign).op(Op::kRefFunc, kThrowsIfZero).end().op(Op::kDrop).append(p.read);
       }},
      {"BrOnCast",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock, kFuncRef).append(reference(no_flag())).append(cast(Op::kBrOnCast));
         return code.append(p.assign).end().op(Op::kDrop).append(p.read);
       }},
      {"BrOnCastFail",
       [](const Parts& p) {
         Code code = Code().open(Op::kBlock, kFuncRef).append(reference(flag())).append(cast(Op::kBrOnCastFail));
         return code.append(p.assign).end().op(Op::kDrop).append(p.read);
       }},
  };
}

class Unassigned : public testing::TestWithParam<Way> {
 protected:
  /// A function whose local is the one so far behind the others that a way uses.
  static void check(const Way& way, ValueType type, std::uint32_t before, const CompileOptions& options) {
    std::vector<ValueType> locals = {kI32, kI64};
    locals.resize(locals.size() + before, before % 3 == 2 ? kV128 : kI64);
    const auto local = static_cast<std::uint32_t>(1 + locals.size());
    locals.push_back(type);
    Parts parts;
    parts.assign.constant(type, 7).set(local).get(kOther).i64(1).op(Op::kI64Add).set(kOther);
    parts.read = read(local, type);
    const std::uint64_t assigned = type == kFuncRef || type == kExnRef ? 0 : type == kV128 ? ~0ull : 7;

    ModuleBuilder builder;
    builder.tag({});
    builder.function({{kI32}, {}}, {}, no_flag().open(Op::kIf).op(Op::kThrow, kTag).end(), "throws_if_zero");
    builder.function({{kI32}, {kI64}}, locals, way.make(parts), "run");
    const auto module = engine().compile(builder.finish(), options);
    ASSERT_TRUE(module) << module.error().to_string();
    const Pool pool = Pool::create(*module, Linker()).value();
    for (const std::uint32_t flag : {0u, 1u, 0u}) {
      auto lease = pool.acquire();
      ASSERT_TRUE(lease) << lease.error().to_string();
      if (options.fuel) lease->set_fuel(1'000);
      soil_stack();
      const auto result = lease->call<std::uint64_t>("run", flag);
      ASSERT_TRUE(result) << result.error().to_string();
      EXPECT_EQ(*result, flag == 0 ? 0 : assigned) << to_string(type) << " behind " << before;
    }
  }
};

TEST_P(Unassigned, IsZero) {
  for (const ValueType type : {kI32, kI64, kF32, kF64, kV128, kFuncRef, kExnRef})
    for (const std::uint32_t before : {0u, 1u, 8u, 20u, 61u, 62u, 63u, 200u}) check(GetParam(), type, before, {});
}

TEST_P(Unassigned, IsZeroWhereFramesAndOperatorsArePaidFor) {
  for (const ValueType type : {kI32, kV128})
    for (const std::uint32_t before : {0u, 8u, 61u, 62u})
      check(GetParam(), type, before, {.fuel = true, .stack_limit = 1'000});
}

INSTANTIATE_TEST_SUITE_P(Behind, Unassigned, testing::ValuesIn(ways()),
                         [](const auto& each) { return std::string(each.param.name); });

/// Locals of which some are read, in patterns that make many stretches to zero, few, and one that a loop clears, in
/// frames of each size, which is what a prologue's length depends on.
TEST(UnassignedLocals, AreZeroWhicheverAreRead) {
  constexpr std::uint32_t kSteps[] = {1, 2, 3, 5, 17};
  // Operands at once take the preserved registers, and homes; behind many parameters homes take longer instructions.
  for (const auto& [operands, parameters] : {std::pair{0u, 1u}, {3u, 1u}, {20u, 1u}, {20u, 12u}, {600u, 12u}}) {
    ModuleBuilder builder;
    std::vector<std::string> names;
    for (const std::uint32_t count : {1u, 2u, 3u, 11u, 12u, 31u, 32u, 33u, 34u, 63u, 64u, 65u, 66u, 101u, 300u}) {
      for (const std::uint32_t step : kSteps) {
        for (const ValueType type : {kI64, kV128}) {
          Code code;
          std::vector<ValueType> locals(count, kI64);
          for (std::uint32_t i = 0; i < count; i += 4) locals[i] = type;
          for (std::uint32_t i = 0; i < operands; ++i) code.get(0).op(Op::kI64Clz);
          code.i64(0);
          for (std::uint32_t i = 0; i < count; i += step) {
            code.append(read(parameters + i, locals[i])).op(Op::kI64Or);
          }
          for (std::uint32_t i = 0; i < operands; ++i) code.op(Op::kI64Or);
          names.push_back(std::to_string(count) + " " + std::to_string(step) + " " + std::string(to_string(type)));
          builder.function({std::vector(parameters, kI64), {kI64}}, locals, code, names.back());
        }
      }
    }
    const auto pool = make_pool(builder);
    ASSERT_TRUE(pool);
    const std::vector<Value> arguments(parameters, Value{kI64, 1});
    const std::uint64_t expected = operands == 0 ? 0 : 63;
    for (const std::string& name : names) {
      Lease lease = pool->acquire().value();
      soil_stack();
      EXPECT_EQ(lease.call_values(name, arguments).value()[0].bits, expected) << operands << " " << name;
    }
  }
}

/// What an operand refers to is what the local held where it was read.
TEST(UnassignedLocals, AreZeroInOperandsThatAreReadBeforeTheyAreAssigned) {
  ModuleBuilder builder;
  Code code;
  code.get(0).get(0).i64(5).set(0).op(Op::kI64Or).get(1).get(1).set(1).op(Op::kI64Or).get(1).op(Op::kI64Or);
  builder.function({{}, {kI64}}, std::vector{kI64, kI64}, code, "run");
  const auto pool = make_pool(builder);
  ASSERT_TRUE(pool);
  Lease lease = pool->acquire().value();
  soil_stack();
  EXPECT_EQ(lease.call<std::uint64_t>("run").value(), 0u);
}

}  // namespace
}  // namespace anew::codegen::test
