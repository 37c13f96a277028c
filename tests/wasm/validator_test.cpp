// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/validator.hpp"

#include <gtest/gtest.h>

#include <string>

#include "module_bytes.hpp"
#include "wasm/limits.hpp"

namespace anew::wasm::test {
namespace {

Result<void> validate(const ByteVector& bytes, std::uint64_t* body_offset = nullptr) {
  const Result<Module> module = decode_module(view(bytes));
  if (!module) return std::unexpected(module.error());
  if (body_offset != nullptr) *body_offset = module->bodies[0].offset;
  FunctionValidator validator(*module);
  NullSink sink;
  return validator.validate(0, sink);
}

void expect_valid(const ByteVector& operators, std::uint8_t type = 0, const ByteVector& locals = {0}) {
  const Result<void> result = validate(module_around(operators, type, locals));
  EXPECT_TRUE(result) << result.error().message;
}

/// @param offset  of what is wrong, from the first operator of the body on.
void expect_refused(const ByteVector& operators, ErrorCode code, std::string_view words, std::uint64_t offset,
                    std::uint8_t type = 0) {
  std::uint64_t body = 0;
  const Result<void> result = validate(module_around(operators, type), &body);
  ASSERT_FALSE(result) << words;
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
  ASSERT_TRUE(result.error().offset);
  EXPECT_EQ(*result.error().offset, body + 1 + offset) << result.error().message;
}

void expect_invalid(const ByteVector& operators, std::string_view words, std::uint64_t offset, std::uint8_t type = 0) {
  expect_refused(operators, ErrorCode::kInvalid, words, offset, type);
}

TEST(Validator, OperandsMustHaveTheTypesOfTheOperator) {
  expect_valid({0x41, 1, 0x41, 2, 0x6A, 0x1A});
  expect_invalid({0x41, 1, 0x42, 2, 0x6A, 0x1A}, "type mismatch: i32.add expects i32, found i64", 4);
  expect_invalid({0x42, 1, 0x41, 2, 0x6A, 0x1A}, "type mismatch: i32.add expects i32, found i64", 4);
  expect_invalid({0x41, 2, 0x6A, 0x1A}, "found nothing on the stack", 2);
  expect_invalid({0x6A, 0x1A}, "type mismatch", 0);
  expect_invalid({0x42, 1, 0xFC, 0, 0x1A}, "i32.trunc_sat_f32_s expects f32, found i64", 2);
  expect_invalid({0x41, 1, 0x41, 1, 0x37, 0, 0}, "type mismatch: i64.store", 4);
  expect_invalid({0x42, 1, 0x28, 0, 0, 0x1A}, "type mismatch: i32.load", 2);
}

TEST(Validator, OperatorsOnWideIntegersTakeAndGiveHalves) {
  expect_valid({0x42, 1, 0x42, 2, 0x42, 3, 0x42, 4, 0xFC, 0x13, 0x42, 5, 0x42, 6, 0xFC, 0x14, 0x1A, 0x1A});
  expect_valid({0x42, 1, 0x42, 2, 0xFC, 0x15, 0xFC, 0x16, 0x1A, 0x1A});
  expect_valid({0x00, 0xFC, 0x13, 0x1A, 0x1A});
  expect_invalid({0x42, 1, 0x42, 2, 0x42, 3, 0xFC, 0x13, 0x1A, 0x1A}, "i64.add128 expects i64, found nothing", 6);
  expect_invalid({0x41, 1, 0x42, 2, 0x42, 3, 0x42, 4, 0xFC, 0x14, 0x1A, 0x1A}, "i64.sub128 expects i64, found i32", 8);
  expect_invalid({0x42, 1, 0x41, 2, 0xFC, 0x16, 0x1A, 0x1A}, "i64.mul_wide_u expects i64, found i32", 4);
  expect_invalid({0x42, 1, 0x42, 2, 0xFC, 0x16, 0x1A}, "type mismatch", 7);
  expect_refused({0xFC, 0x17}, ErrorCode::kMalformed, "illegal opcode 0xFC 23", 0);
}

TEST(Validator, OperandsOfAnOuterBlockAreOutOfReach) {
  expect_invalid({0x41, 1, 0x41, 2, 0x02, kEmpty, 0x6A, 0x0B, 0x1A, 0x1A}, "type mismatch", 6);
  expect_invalid({0x41, 1, 0x02, kEmpty, 0x1A, 0x0B}, "type mismatch", 4);
  expect_valid({0x41, 1, 0x02, 1, 0x0B, 0x1A});  // unless the block takes them
}

TEST(Validator, BlocksLeaveTheirResultsAndNothingElse) {
  expect_invalid({0x02, kI32, 0x0B, 0x1A}, "type mismatch", 2);
  expect_invalid({0x02, kEmpty, 0x41, 0, 0x0B}, "type mismatch", 4);
  expect_invalid({0x02, kI32, 0x42, 0, 0x0B, 0x1A}, "type mismatch", 4);
  expect_invalid({0x41, 0}, "type mismatch", 2);
  expect_invalid({}, "type mismatch", 0, 1);
  expect_valid({0x02, 3, 0x41, 1, 0x42, 1, 0x0B, 0x1A, 0x1A});
}

TEST(Validator, IfAndElse) {
  expect_valid({0x41, 0, 0x04, kI32, 0x41, 1, 0x05, 0x41, 2, 0x0B, 0x1A});
  expect_invalid({0x41, 0, 0x04, kI32, 0x41, 1, 0x0B, 0x1A}, "type mismatch: an if without else", 6);
  expect_invalid({0x41, 0, 0x04, kI32, 0x05, 0x41, 2, 0x0B, 0x1A}, "type mismatch", 4);
  expect_invalid({0x05, 0x0B}, "else without if", 0);
  expect_invalid({0x41, 0, 0x04, kEmpty, 0x05, 0x05, 0x0B}, "else without if", 5);
  expect_invalid({0x42, 0, 0x04, kEmpty, 0x0B}, "type mismatch", 2);
}

TEST(Validator, IndicesMustExist) {
  expect_invalid({0x20, 0, 0x1A}, "unknown local 0", 0);
  expect_invalid({0x23, 2, 0x1A}, "unknown global 2", 0);
  expect_invalid({0x10, 3}, "unknown function 3", 0);
  expect_invalid({0x41, 0, 0x11, 5, 0}, "unknown type 5", 2);
  expect_invalid({0x41, 0, 0x11, 0, 2}, "unknown table 2", 2);
  expect_invalid({0x02, 5, 0x0B}, "unknown type 5", 0);
  expect_invalid({0x0C, 1}, "unknown label 1", 0);
  expect_invalid({0x41, 0, 0x0E, 1, 0, 1}, "unknown label 1", 2);
  expect_invalid({0xFC, 9, 1}, "unknown data segment 1", 0);
  expect_invalid({0xFC, 13, 2}, "unknown elem segment 2", 0);
  expect_invalid({0xD2, 9, 0x1A}, "unknown function 9", 0);
  const ByteVector bare = module({section(1, vector({type({}, {})})), section(3, vector({{0}})),
                                  section(10, vector({body({0x41, 0, 0x28, 0, 0, 0x1A})}))});
  EXPECT_EQ(validate(bare).error().message, "unknown memory 0");
}

TEST(Validator, GlobalsMustBeMutableToBeSet) {
  expect_valid({0x41, 0, 0x24, 0});
  expect_invalid({0x42, 0, 0x24, 1}, "global is immutable", 2);
}

TEST(Validator, FunctionsMustBeDeclaredToBeReferredTo) {
  expect_valid({0xD2, 0, 0x1A, 0xD2, 1, 0x1A});
  expect_invalid({0xD2, 2, 0x1A}, "undeclared function reference", 0);
}

TEST(Validator, AlignmentIsAtMostNatural) {
  expect_valid({0x41, 0, 0x28, 2, 0, 0x1A});
  expect_invalid({0x41, 0, 0x28, 3, 0, 0x1A}, "alignment must not be larger than natural", 2);
  expect_invalid({0x41, 0, 0x2C, 1, 0, 0x1A}, "alignment must not be larger than natural", 2);
  expect_invalid({0x41, 0, 0x42, 0, 0x37, 4, 0}, "alignment must not be larger than natural", 4);
  expect_invalid({0x41, 0, 0x28, 0x3F, 0, 0x1A}, "alignment must not be larger than natural", 2);
  expect_refused({0x41, 0, 0x28, 0x80, 0x01, 0, 0x1A}, ErrorCode::kMalformed, "malformed memop flags", 2);
}

TEST(Validator, OffsetsAreWithinTheAddressType) {
  expect_valid({0x41, 0, 0x28, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x1A});
  expect_invalid({0x41, 0, 0x28, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F, 0x1A}, "offset out of range", 2);
  expect_refused(join({{0x41, 0, 0x28, 2}, ByteVector(9, 0x80), {0x02, 0x1A}}), ErrorCode::kMalformed,
                 "integer too large", 4);
  expect_refused(join({{0x41, 0, 0x28, 2}, ByteVector(10, 0x80), {0x00, 0x1A}}), ErrorCode::kMalformed, "too long", 4);
}

TEST(Validator, SelectChoosesBetweenEqualTypes) {
  expect_valid({0x43, 0, 0, 0, 0, 0x43, 0, 0, 0, 0, 0x41, 0, 0x1B, 0x1A});
  expect_invalid({0x41, 0, 0x42, 0, 0x41, 0, 0x1B, 0x1A}, "type mismatch", 6);
  expect_invalid({0xD0, kFuncRef, 0xD0, kFuncRef, 0x41, 0, 0x1B, 0x1A}, "type mismatch", 6);
  expect_invalid({0x00, 0xD0, kFuncRef, 0x41, 0, 0x1B, 0x1A}, "type mismatch", 5);
  expect_invalid({0x41, 0, 0x41, 0, 0x41, 0, 0x1C, 0, 0x1A}, "invalid result arity", 6);
  expect_invalid({0x41, 0, 0x41, 0, 0x41, 0, 0x1C, 2, kI32, kI32, 0x1A}, "invalid result arity", 6);
  expect_invalid({0x41, 0, 0x41, 0, 0x41, 0, 0x1C, 1, kI64, 0x1A}, "type mismatch", 6);
}

TEST(Validator, BranchesCarryTheLabelsTypes) {
  expect_valid({0x02, kI32, 0x41, 1, 0x0C, 0, 0x0B, 0x1A});
  expect_invalid({0x02, kI32, 0x42, 1, 0x0C, 0, 0x0B, 0x1A}, "type mismatch", 4);
  // A loop's label takes its parameters.
  expect_valid({0x03, kI32, 0x0C, 0, 0x0B, 0x1A});
  expect_invalid({0x41, 0, 0x03, 1, 0x1A, 0x0C, 0, 0x0B, 0x1A}, "type mismatch", 5);
  // br_if leaves them.
  expect_valid({0x02, kI32, 0x41, 1, 0x41, 0, 0x0D, 0, 0x0B, 0x1A});
  expect_invalid({0x02, kI32, 0x41, 0, 0x0D, 0, 0x0B, 0x1A}, "type mismatch", 4);
}

TEST(Validator, TargetsOfABranchTableAgree) {
  expect_valid({0x02, kI32, 0x02, kI32, 0x41, 1, 0x41, 0, 0x0E, 2, 0, 1, 0, 0x0B, 0x0B, 0x1A});
  expect_invalid({0x02, kI32, 0x02, kEmpty, 0x41, 1, 0x41, 0, 0x0E, 1, 0, 1, 0x0B, 0x00, 0x0B, 0x1A},
                 "type mismatch: labels of one br_table", 8);
  expect_invalid({0x02, kI64, 0x02, kI32, 0x41, 1, 0x41, 0, 0x0E, 1, 0, 1, 0x0B, 0x00, 0x0B, 0x1A}, "type mismatch", 8);
  // In unreachable code labels of different types may meet, if nothing says which the operand has.
  expect_valid({0x02, kI64, 0x02, kI32, 0x00, 0x41, 0, 0x0E, 1, 0, 1, 0x0B, 0x1A, 0x42, 0, 0x0B, 0x1A});
  expect_invalid({0x02, kI64, 0x02, kI32, 0x00, 0x41, 1, 0x41, 0, 0x0E, 1, 0, 1, 0x0B, 0x00, 0x0B, 0x1A},
                 "type mismatch", 9);
}

TEST(Validator, UnreachableCodeIsStillValidated) {
  expect_valid({0x00, 0x6A, 0x1A});
  expect_valid({0x00, 0x41, 1, 0x6A, 0x1A});
  expect_valid({0x00, 0x1B, 0x1A});
  expect_valid({0x00, 0xD1, 0x1A});
  expect_valid({0x00}, 2);
  expect_valid({0x00, 0x1B, 0xA7, 0x1A});  // what select leaves is of unknown type
  expect_invalid({0x00, 0x42, 1, 0x6A, 0x1A}, "type mismatch", 3);
  expect_invalid({0x00, 0x41, 1}, "type mismatch", 3);
  expect_invalid({0x00, 0x20, 9, 0x1A}, "unknown local 9", 1);
  expect_invalid({0x00, 0x02, kEmpty, 0x6A, 0x1A, 0x0B}, "type mismatch", 3);
  expect_invalid({0x0F, 0x41, 0, 0xD1, 0x1A}, "type mismatch", 3);
  // Behind a block that is never left, operands are counted again.
  expect_invalid({0x02, kEmpty, 0x00, 0x0B, 0x1A}, "type mismatch", 4);
}

TEST(Validator, CallsTakeAndLeaveWhatTheTypeSays) {
  expect_valid({0x41, 0, 0x10, 0, 0x1A});
  expect_invalid({0x42, 0, 0x10, 0, 0x1A}, "type mismatch: call", 2);
  expect_invalid({0x10, 0, 0x1A}, "type mismatch: call", 0);
  expect_valid({0x41, 0, 0x42, 0, 0x41, 0, 0x11, 4, 0});
  expect_invalid({0x41, 0, 0x41, 0, 0x41, 0, 0x11, 4, 0}, "type mismatch", 6);
  expect_invalid({0x41, 0, 0x11, 0, 1}, "type mismatch: call_indirect", 2);
  expect_invalid({0x41, 0, 0x0F}, "type mismatch: return", 2, 3);
}

TEST(Validator, TablesAndSegmentsHoldOneType) {
  const ByteVector three = {0x41, 0, 0x41, 0, 0x41, 0};
  expect_valid(join({three, {0xFC, 12, 1, 1}}));
  expect_invalid(join({three, {0xFC, 12, 1, 0}}), "type mismatch", 6);
  expect_invalid(join({three, {0xFC, 14, 1, 0}}), "type mismatch", 6);
  expect_invalid({0x41, 0, 0xD0, kFuncRef, 0x26, 1}, "type mismatch", 4);
  expect_invalid({0x41, 0, 0x41, 0, 0x26, 1}, "type mismatch", 4);
  expect_invalid({0x41, 0, 0xD1, 0x1A}, "type mismatch", 2);
}

TEST(Validator, RefusesMalformedBodies) {
  expect_refused({0x02, kEmpty}, ErrorCode::kMalformed, "END opcode expected", 3);
  expect_refused({0x0B, 0x01}, ErrorCode::kMalformed, "operators remaining after end of function", 1);
  expect_refused({0x27}, ErrorCode::kMalformed, "illegal opcode 0x27", 0);
  expect_refused({0xFF}, ErrorCode::kMalformed, "illegal opcode 0xFF", 0);
  expect_refused({0xFC, 18}, ErrorCode::kMalformed, "illegal opcode 0xFC 18", 0);
  expect_refused({0xFC, 0x80, 0x02}, ErrorCode::kMalformed, "illegal opcode 0xFC 256", 0);
  expect_refused({0xFC, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, ErrorCode::kMalformed, "too long", 1);
  expect_invalid({0x3F, 1, 0x1A}, "unknown memory 1", 0);
  expect_valid({0x3F, 0x80, 0x00, 0x1A});  // a padded index
  expect_refused({0xFD, 0x9A, 0x01}, ErrorCode::kMalformed, "illegal opcode 0xFD 154", 0);
  expect_refused({0xFD, 0x94, 0x02}, ErrorCode::kMalformed, "illegal opcode 0xFD 276", 0);
  expect_refused({0xFD, 0x80, 0x04}, ErrorCode::kMalformed, "illegal opcode 0xFD 512", 0);
  expect_refused({0xFE, 0x04, 0x00}, ErrorCode::kMalformed, "illegal opcode 0xFE 4", 0);
  expect_refused({0xFE, 0x80, 0x02}, ErrorCode::kMalformed, "illegal opcode 0xFE 256", 0);
  expect_refused({0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x1A}, ErrorCode::kMalformed, "too long", 1);
  expect_refused({0x02, 0x80, 0x7F, 0x0B}, ErrorCode::kMalformed, "malformed block type", 1);
  expect_refused({0x02, 0x41, 0x0B}, ErrorCode::kMalformed, "malformed value type", 1);
  expect_refused({0xD0, kI32, 0x1A}, ErrorCode::kMalformed, "malformed heap type", 1);
  expect_valid({0xFC, 0x89, 0x80, 0x00, 0x00});  // a padded sub-opcode
}

TEST(Validator, NamesTheFeatureThatIsNotSupported) {
  expect_refused({0xFB, 0}, ErrorCode::kUnsupported, "not supported yet: garbage-collected types, structures", 0);
  expect_refused({0xFB, 0x13}, ErrorCode::kUnsupported, "not supported yet: garbage-collected types, arrays", 0);
  expect_refused({0xFB, 0x1A}, ErrorCode::kUnsupported, "conversions from and to externref", 0);
  expect_refused({0xFB, 0x1E}, ErrorCode::kUnsupported, "garbage-collected types, i31 (opcode 0xFB 30)", 0);
  expect_refused({0xFB, 0x1F}, ErrorCode::kMalformed, "illegal opcode 0xFB 31", 0);
  expect_refused({0xD3}, ErrorCode::kUnsupported, "not supported yet: garbage-collected types", 0);
  expect_refused({0xD0, 0x6C, 0x1A}, ErrorCode::kUnsupported, "not supported yet: garbage-collected types", 1);
  expect_refused({0x02, 0x6B}, ErrorCode::kUnsupported, "not supported yet: garbage-collected types", 1);
}

TEST(Validator, SegmentsOfDataNeedTheDataCountSection) {
  const ByteVector bytes =
      module({section(1, vector({type({}, {})})), section(3, vector({{0}})), section(5, vector({{0, 1}})),
              section(10, vector({body({0xFC, 9, 0})})), section(11, vector({{1, 0}}))});
  const Result<void> result = validate(bytes);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kMalformed);
  EXPECT_EQ(result.error().message, "data count section required by data.drop");
}

TEST(Validator, LocalsAreCountedWithoutOverflow) {
  const auto code_of = [](const ByteVector& locals) {
    const Result<void> result = validate(module_around({}, 0, locals));
    EXPECT_FALSE(result);
    EXPECT_NE(result.error().message.find("too many locals"), std::string::npos) << result.error().message;
    return result.error().code;
  };
  static_assert(limits::kLocals == 50'000);
  expect_valid({}, 0, {1, 0xD0, 0x86, 0x03, kI32});                    // 50,000
  EXPECT_EQ(code_of({1, 0xD1, 0x86, 0x03, kI32}), ErrorCode::kLimit);  // and one more
  EXPECT_EQ(code_of({2, 0xD0, 0x86, 0x03, kI32, 1, kI64}), ErrorCode::kLimit);
  EXPECT_EQ(code_of({2, 1, kI32, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, kI64}), ErrorCode::kMalformed);  // 2^32
  EXPECT_EQ(code_of({2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, kI64, 1, kI32}), ErrorCode::kMalformed);
  expect_valid({0x20, 2, 0x1A}, 4, {2, 0, kI32, 1, kF64});  // an empty group
}

TEST(Validator, DeepNestingAndHighStacksAreLimited) {
  const auto nested = [](std::uint32_t depth) {
    ByteVector operators;
    for (std::uint32_t i = 0; i < depth; ++i) operators.insert(operators.end(), {0x02, kEmpty});
    operators.insert(operators.end(), depth, 0x0B);
    return operators;
  };
  expect_valid(nested(limits::kNesting));
  expect_refused(nested(limits::kNesting + 1), ErrorCode::kLimit, "nested too deep", 2 * limits::kNesting);

  ByteVector pushes;
  for (std::uint32_t i = 0; i < limits::kOperandStack; ++i) pushes.insert(pushes.end(), {0x41, 0});
  expect_valid(join({pushes, {0x00}}));
  expect_refused(join({pushes, {0x41, 0, 0x00}}), ErrorCode::kLimit, "too many operands", 2 * limits::kOperandStack);
}

TEST(Validator, ManyOperandsAreComparedOneByOne) {
  // Twenty results whose lowest operand is unknown, and one of the others wrong.
  constexpr std::size_t kCount = 20;
  const auto operands_with = [](std::size_t wrong) {
    ByteVector operators = {0x02, 1, 0x00, 0x1B};
    for (std::size_t i = 1; i < kCount; ++i) {
      operators.push_back(i == wrong ? 0x42 : 0x41);
      operators.push_back(0);
    }
    return module({section(1, vector({type({}, {}), type({}, ByteVector(kCount, kI32))})), section(3, vector({{0}})),
                   section(10, vector({body(join({operators, {0x41, 0, 0x0D, 0, 0x0B, 0x00}}))}))});
  };
  EXPECT_TRUE(validate(operands_with(kCount)));
  for (std::size_t wrong = 1; wrong < kCount; ++wrong) {
    const Result<void> result = validate(operands_with(wrong));
    ASSERT_FALSE(result) << wrong;
    EXPECT_EQ(result.error().message, "type mismatch: br_if expects i32, found i64");
  }
}

TEST(Validator, ManyTargetsOfManyResultsAreBearable) {
  // br_table with 65,520 targets of 1,000 results each, over and over, first in reachable and then in unreachable code.
  const ByteVector wide(limits::kResults, kI32);
  ByteVector operators = {0x02, 1};
  for (int i = 0; i < 1000; ++i) operators.insert(operators.end(), {0x41, 0});
  for (int i = 0; i < 20; ++i) {
    operators.insert(operators.end(), {0x41, 0, 0x0E, 0xF0, 0xFF, 0x03});
    operators.insert(operators.end(), std::size_t{limits::kBrTableTargets} + 1, 0);
  }
  operators.insert(operators.end(), {0x0B, 0x00});
  const ByteVector bytes = module({section(1, vector({type({}, {}), type({}, wide)})), section(3, vector({{0}})),
                                   section(10, vector({body(operators)}))});
  const Result<void> result = validate(bytes);
  EXPECT_TRUE(result) << result.error().message;
}

}  // namespace
}  // namespace anew::wasm::test
