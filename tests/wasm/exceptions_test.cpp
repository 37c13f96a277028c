// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exceptions: throw, throw_ref, try_table and what its clauses hand to their labels.
#include <gtest/gtest.h>

#include "feature_module.hpp"
#include "wasm/limits.hpp"

namespace anew::wasm::test {
namespace {

using Lines = std::vector<std::string>;

TEST(Exceptions, ThrowTakesWhatTheTagCarries) {
  EXPECT_EQ(handed_over({0x41, 1, 0x42, 2, 0x08, 0}),
            (Lines{"i32.const 1", "i64.const 2", "throw 0", "end_function false"}));
  EXPECT_EQ(handed_over({0x08, 1, 0x6A, 0x1A}), (Lines{"throw 1", "end_function false"}));
  expect_invalid_function({0x08, 0}, "type mismatch: throw expects i64, found nothing", 0);
  expect_invalid_function({0x42, 1, 0x42, 2, 0x08, 0}, "type mismatch: throw expects i32, found i64", 4);
  expect_invalid_function({0x08, 2}, "unknown tag 2", 0);
}

TEST(Exceptions, ThrowRefTakesAnExceptionReference) {
  EXPECT_EQ(handed_over({0xD0, kExnRef, 0x0A, 0x6A, 0x1A}),
            (Lines{"ref.null exnref", "throw_ref", "end_function false"}));
  expect_accepted({0xD0, 0x74, 0x0A});  // (ref null noexn)
  expect_accepted({0x00, 0x0A});
  expect_invalid_function({0xD0, kExternRef, 0x0A}, "type mismatch: throw_ref expects exnref", 2);
  expect_invalid_function({0x0A}, "type mismatch", 0);
}

TEST(Exceptions, TryTableIsABlock) {
  EXPECT_EQ(handed_over({0x1F, kI32, 0, 0x41, 1, 0x0B, 0x1A}),
            (Lines{"try_table [] -> [i32]", "i32.const 1", "end true", "drop", "end_function true"}));
  // With parameters, and as a label.
  EXPECT_EQ(handed_over({0x41, 1, 0x1F, 1, 0, 0x0C, 0, 0x0B, 0x1A}),
            (Lines{"i32.const 1", "try_table [i32] -> [i32]", "br 0", "end false", "drop", "end_function true"}));
  expect_invalid_function({0x1F, kI32, 0, 0x0B, 0x1A}, "type mismatch", 3);
  expect_invalid_function({0x1F, 1, 0, 0x0B, 0x1A}, "type mismatch", 0);
  expect_invalid_function({0x1F, kEmpty, 0, 0x05, 0x0B}, "else without if", 3);
}

TEST(Exceptions, ClausesHandOverWhatTheyCatch) {
  // catch 0 0, catch_ref 0 1, catch_all 2, catch_all_ref 3, each to the block that takes it; see feature_module.
  const ByteVector operators = {
      0x02, 7,       // [(ref exn)], depth 3 from the try_table
      0x02, kEmpty,  // depth 2
      0x02, 11,      // [i32 i64 exnref], depth 1
      0x02, 10,      // [i32 i64], depth 0
      0x1F, kEmpty, 4,    0,    0,    0,    1,    0,    1,    2,    2,    3,    3,    0x0B,
      0x00, 0x0B,   0x1A, 0x1A, 0x00, 0x0B, 0x1A, 0x1A, 0x1A, 0x0B, 0x00, 0x0B, 0x1A,
  };
  EXPECT_EQ(handed_over(operators),
            (Lines{"block [] -> [(ref exn)]",
                   "block [] -> []",
                   "block [] -> [i32 i64 exnref]",
                   "block [] -> [i32 i64]",
                   "try_table [] -> [] (catch 0 0) (catch_ref 0 1) (catch_all 2) (catch_all_ref 3)",
                   "end true",
                   "unreachable",
                   "end false",
                   "drop",
                   "drop",
                   "unreachable",
                   "end false",
                   "drop",
                   "drop",
                   "drop",
                   "end true",
                   "unreachable",
                   "end false",
                   "drop",
                   "end_function true"}));
}

TEST(Exceptions, ClausesMustFitTheirLabels) {
  const auto inside = [](std::uint8_t block, const ByteVector& clause) {
    return join({{0x02, block, 0x1F, kEmpty, 1}, clause, {0x0B, 0x00, 0x0B, 0x00}});
  };
  expect_accepted(inside(10, {0, 0, 0}));
  expect_accepted(inside(kEmpty, {0, 1, 0}));
  expect_accepted(inside(kEmpty, {2, 0}));
  expect_accepted(inside(kExnRef, {1, 1, 0}));
  expect_accepted(inside(7, {3, 0}));
  expect_accepted(inside(kExnRef, {3, 0}));
  expect_invalid_function(inside(kEmpty, {0, 0, 0}),
                          "type mismatch: a catch clause hands over [i32 i64], its label takes []", 2);
  expect_invalid_function(inside(10, {0, 1, 0}), "hands over [], its label takes [i32 i64]", 2);
  expect_invalid_function(inside(10, {1, 0, 0}), "hands over [i32 i64 (ref exn)]", 2);
  expect_invalid_function(inside(11, {0, 0, 0}), "type mismatch", 2);
  expect_invalid_function(inside(kExnRef, {2, 0}), "type mismatch", 2);
  expect_invalid_function(inside(kEmpty, {3, 0}), "type mismatch", 2);
  expect_invalid_function(inside(kExternRef, {3, 0}), "type mismatch", 2);
  expect_invalid_function(inside(kEmpty, {0, 2, 0}), "unknown tag 2", 2);
  expect_rejected(inside(kEmpty, {4, 0}), ErrorCode::kMalformed, "malformed catch clause: 0x04", 5);
  // A loop's label takes its parameters.
  expect_accepted({0x03, kI32, 0x1F, kEmpty, 1, 2, 0, 0x0B, 0x00, 0x0B, 0x1A});
}

TEST(Exceptions, LabelsOfClausesCountFromOutside) {
  // 0 is the function here, 1 is nothing.
  EXPECT_EQ(handed_over({0x1F, kEmpty, 1, 2, 0, 0x00, 0x0B, 0x00}),
            (Lines{"try_table [] -> [] (catch_all 0)", "unreachable", "end false", "end_function false"}));
  expect_invalid_function({0x1F, kEmpty, 1, 2, 1, 0x0B}, "unknown label 1", 0);
  // In the function, whose results the clause must give.
  expect_invalid_function({0x1F, kEmpty, 1, 2, 0, 0x0B, 0x41, 0}, "its label takes [i32]", 0, 1);
}

TEST(Exceptions, AClauseReachesItsLabel) {
  EXPECT_EQ(handed_over({0x02, kEmpty, 0x1F, kEmpty, 1, 2, 0, 0x08, 1, 0x0B, 0x0B, 0x41, 0, 0x1A}),
            (Lines{"block [] -> []", "try_table [] -> [] (catch_all 0)", "throw 1", "end false", "end false",
                   "i32.const 0", "drop", "end_function true"}));
  // Unless the try_table itself is not reached.
  EXPECT_EQ(handed_over({0x02, kEmpty, 0x00, 0x1F, kEmpty, 1, 2, 0, 0x0B, 0x0B, 0x41, 0, 0x1A}),
            (Lines{"block [] -> []", "unreachable", "end false", "end_function false"}));
  // Its own end it does not reach.
  EXPECT_EQ(handed_over({0x1F, kEmpty, 1, 2, 0, 0x08, 1, 0x0B, 0x41, 0, 0x1A}),
            (Lines{"try_table [] -> [] (catch_all 0)", "throw 1", "end false", "end_function false"}));
}

TEST(LegacyExceptions, ATryIsABlockWithArms) {
  // try [] -> [i32]: i32.const 1, catch 0 (i32 i64): drop, catch 1: i32.const 2, catch_all: i32.const 3
  EXPECT_EQ(handed_over({0x06, kI32, 0x41, 1, 0x07, 0, 0x1A, 0x07, 1, 0x41, 2, 0x19, 0x41, 3, 0x0B, 0x1A}),
            (Lines{"try [] -> [i32]", "i32.const 1", "catch 0 true", "drop", "catch 1 true", "i32.const 2",
                   "catch_all true", "i32.const 3", "end true", "drop", "end_function true"}));
  // An arm is reached if the try was; its end, if an arm ends or branches there.
  EXPECT_EQ(
      handed_over({0x06, kEmpty, 0x08, 1, 0x19, 0x0C, 0, 0x0B, 0x08, 1}),
      (Lines{"try [] -> []", "throw 1", "catch_all false", "br 0", "end false", "throw 1", "end_function false"}));
  EXPECT_EQ(handed_over({0x06, kEmpty, 0x08, 1, 0x19, 0x08, 1, 0x0B, 0x01}),
            (Lines{"try [] -> []", "throw 1", "catch_all false", "throw 1", "end false", "end_function false"}));
  EXPECT_EQ(handed_over({0x00, 0x06, kEmpty, 0x07, 1, 0x19, 0x0B}), (Lines{"unreachable", "end_function false"}));
  EXPECT_EQ(handed_over({0x41, 1, 0x06, 1, 0x0B, 0x1A}),
            (Lines{"i32.const 1", "try [i32] -> [i32]", "end true", "drop", "end_function true"}));
  expect_invalid_function({0x06, kI32, 0x41, 1, 0x19, 0x0B, 0x1A}, "type mismatch", 5);
  expect_invalid_function({0x06, kI32, 0x19, 0x41, 1, 0x0B, 0x1A}, "type mismatch: catch_all expects i32", 2);
  expect_invalid_function({0x06, kI32, 0x41, 1, 0x07, 0, 0x0B, 0x1A}, "type mismatch", 6);
  expect_invalid_function({0x06, kEmpty, 0x41, 1, 0x19, 0x0B}, "values remain on the stack at catch_all", 4);
  expect_invalid_function({0x06, kEmpty, 0x07, 2, 0x0B}, "unknown tag 2", 2);
  expect_invalid_function({0x07, 1, 0x0B}, "catch without try", 0);
  expect_invalid_function({0x1F, kEmpty, 0, 0x19, 0x0B}, "catch_all without try", 3);
  expect_invalid_function({0x06, kEmpty, 0x19, 0x07, 1, 0x0B}, "catch without try, or behind its catch_all", 3);
  expect_invalid_function({0x06, kEmpty, 0x19, 0x19, 0x0B}, "catch_all without try, or behind its catch_all", 3);
  expect_invalid_function({0x06, kEmpty, 0x05, 0x0B}, "else without if", 2);
}

TEST(LegacyExceptions, ADelegateEndsItsTry) {
  // Its label counts from outside of the try: 0 is the block, 1 the function.
  EXPECT_EQ(handed_over({0x02, kEmpty, 0x06, kI32, 0x41, 1, 0x18, 1, 0x1A, 0x0B}),
            (Lines{"block [] -> []", "try [] -> [i32]", "i32.const 1", "delegate 1 true", "drop", "end true",
                   "end_function true"}));
  EXPECT_EQ(handed_over({0x06, kEmpty, 0x08, 1, 0x18, 0, 0x01}),
            (Lines{"try [] -> []", "throw 1", "delegate 0 false", "end_function false"}));
  EXPECT_EQ(handed_over({0x06, kEmpty, 0x0C, 0, 0x18, 0}),
            (Lines{"try [] -> []", "br 0", "delegate 0 false", "end_function true"}));
  EXPECT_EQ(handed_over({0x00, 0x06, kEmpty, 0x18, 0}), (Lines{"unreachable", "end_function false"}));
  expect_invalid_function({0x06, kEmpty, 0x18, 1}, "unknown label 1", 2);
  expect_invalid_function({0x06, kI32, 0x18, 0, 0x1A}, "type mismatch: delegate expects i32", 2);
  expect_invalid_function({0x18, 0}, "delegate without try", 0);
  expect_invalid_function({0x06, kEmpty, 0x19, 0x18, 0}, "delegate without try, or behind its catch or catch_all", 3);
}

TEST(LegacyExceptions, ARethrowNamesACatch) {
  EXPECT_EQ(handed_over({0x06, kEmpty, 0x19, 0x02, kEmpty, 0x09, 1, 0x0B, 0x0B}),
            (Lines{"try [] -> []", "catch_all true", "block [] -> []", "rethrow 1", "end false", "end false",
                   "end_function true"}));
  expect_accepted({0x06, kEmpty, 0x07, 1, 0x09, 0, 0x0B});
  expect_accepted({0x06, kEmpty, 0x19, 0x06, kEmpty, 0x09, 1, 0x19, 0x09, 0, 0x0B, 0x0B});
  expect_invalid_function({0x09, 0}, "invalid rethrow label 0", 0);
  expect_invalid_function({0x06, kEmpty, 0x09, 0, 0x19, 0x0B}, "invalid rethrow label 0", 2);
  expect_invalid_function({0x06, kEmpty, 0x19, 0x02, kEmpty, 0x09, 0, 0x0B, 0x0B}, "invalid rethrow label 0", 5);
  expect_invalid_function({0x06, kEmpty, 0x19, 0x09, 2, 0x0B}, "unknown label 2", 3);
}

TEST(Exceptions, ClausesAreLimited) {
  const auto with = [](std::uint32_t count) {
    ByteVector operators = join({{0x1F, kEmpty}, leb(count)});
    for (std::uint32_t i = 0; i < count; ++i) operators.insert(operators.end(), {2, 0});
    return join({operators, {0x0B}});
  };
  expect_accepted(with(limits::kCatchClauses));
  expect_rejected(with(limits::kCatchClauses + 1), ErrorCode::kLimit, "too many catch clauses", 2);
  expect_rejected({0x1F, kEmpty, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x0B}, ErrorCode::kMalformed, "length out of bounds", 2);
}

}  // namespace
}  // namespace anew::wasm::test
