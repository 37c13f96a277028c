// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the quick tier knows of a loop beforehand.
#include "codegen/quick/look_ahead.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace anew::codegen::quick {
namespace {

constexpr std::uint8_t kUnreachable = 0x00, kBlock = 0x02, kLoop = 0x03, kIf = 0x04, kTry = 0x06, kEnd = 0x0B;
constexpr std::uint8_t kBrIf = 0x0D, kCall = 0x10, kCatchAll = 0x19, kEmpty = 0x40;
constexpr std::uint8_t kGet = 0x20, kSet = 0x21, kTee = 0x22;

/// A body without declarations of locals, which begins at position 100; the first operator stands at 101.
class LookAheadTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kFirst = 101;

  void begin(std::span<const std::uint8_t> operators, std::uint32_t locals = 4) {
    bytes_.assign(1, std::byte{0});
    for (const std::uint8_t each : operators) bytes_.push_back(std::byte{each});
    look_ahead_.begin_function({.bytes = bytes_, .offset = kFirst - 1}, locals);
  }
  void begin(std::initializer_list<std::uint8_t> operators) { begin(std::span(operators.begin(), operators.end())); }
  /// At this offset from the first operator.
  [[nodiscard]] const LookAhead::Loop* loop_at(std::uint32_t offset, bool in_try = false) {
    return look_ahead_.loop_at(kFirst + offset, in_try);
  }

  std::vector<std::byte> bytes_;
  LookAhead look_ahead_;
};

TEST_F(LookAheadTest, ALoopUsesWhatItsInnerLoopsUse) {
  begin({kLoop, kEmpty, kGet, 1, kLoop, kEmpty, kSet, 2, kEnd, kEnd, kGet, 3, kEnd});
  const LookAhead::Loop* outer = loop_at(0);
  ASSERT_NE(outer, nullptr);
  EXPECT_TRUE(outer->reads(1));
  EXPECT_TRUE(outer->assigns(2));
  EXPECT_FALSE(outer->assigns(1));
  EXPECT_FALSE(outer->reads(3));
  EXPECT_EQ(outer->first_locals().size(), 2u);
  const LookAhead::Loop* inner = loop_at(4);
  ASSERT_NE(inner, nullptr);
  EXPECT_FALSE(inner->reads(1));
  EXPECT_TRUE(inner->assigns(2));
}

TEST_F(LookAheadTest, FindsLoopsBehindOthersAndBehindSomeThatNobodyAskedFor) {
  begin({kLoop, kEmpty, kLoop, kEmpty, kEnd, kLoop, kEmpty, kGet, 1, kEnd, kEnd, kLoop, kEmpty, kGet, 2, kEnd, kEnd});
  ASSERT_NE(loop_at(0), nullptr);
  const LookAhead::Loop* inner = loop_at(5);
  ASSERT_NE(inner, nullptr);
  EXPECT_TRUE(inner->reads(1));
  const LookAhead::Loop* last = loop_at(11);
  ASSERT_NE(last, nullptr);
  EXPECT_TRUE(last->reads(2));
  EXPECT_FALSE(last->reads(1));
}

TEST_F(LookAheadTest, WhatEachRoundAssignsFirstIsDeadAtTheLoopsStart) {
  // 0 is assigned first, 1 after a way out, 2 in an arm, 3 after a branch that stays in the loop.
  begin({kLoop,  kEmpty, kSet, 0,    kBlock, kEmpty, kBrIf, 0, kEnd,  kSet, 3,    kIf,
         kEmpty, kSet,   2,    kEnd, kBrIf,  1,      kSet,  1, kBrIf, 0,    kEnd, kEnd});
  const LookAhead::Loop* loop = loop_at(0);
  ASSERT_NE(loop, nullptr);
  EXPECT_TRUE(loop->assigns_first(0));
  EXPECT_FALSE(loop->assigns_first(1));
  EXPECT_FALSE(loop->assigns_first(2));
  EXPECT_TRUE(loop->assigns_first(3));
}

TEST_F(LookAheadTest, WhatIsReadBeforeItIsAssignedIsNotAssignedFirst) {
  // 0 by the loop, 1 by a loop in it; 2 is assigned first by the loop in it alone.
  begin({kLoop, kEmpty, kGet, 0, kTee, 0, kLoop, kEmpty, kTee, 2, kGet, 1, kEnd, kSet, 1, kSet, 2, kEnd, kEnd});
  const LookAhead::Loop* outer = loop_at(0);
  ASSERT_NE(outer, nullptr);
  for (const std::uint32_t local : {0u, 1u, 2u}) EXPECT_FALSE(outer->assigns_first(local)) << local;
  const LookAhead::Loop* inner = loop_at(6);
  ASSERT_NE(inner, nullptr);
  EXPECT_TRUE(inner->assigns_first(2));
}

TEST_F(LookAheadTest, AWayOutOfAnInnerLoopMayBeOneOutOfTheOuter) {
  begin({kLoop, kEmpty, kLoop, kEmpty, kBrIf, 2, kEnd, kSet, 0, kEnd, kEnd});
  const LookAhead::Loop* loop = loop_at(0);
  ASSERT_NE(loop, nullptr);
  EXPECT_FALSE(loop->assigns_first(0));
}

TEST_F(LookAheadTest, ACallThatMayThrowIsAWayOut) {
  const std::initializer_list<std::uint8_t> body = {kLoop, kEmpty, kCall, 0, kSet, 0, kEnd, kEnd};
  for (const bool in_try : {false, true}) {
    begin(body);
    const LookAhead::Loop* loop = loop_at(0, in_try);
    ASSERT_NE(loop, nullptr);
    EXPECT_TRUE(loop->calls);
    EXPECT_NE(loop->assigns_first(0), in_try);
  }
  begin({kLoop, kEmpty, kTry, kEmpty, kLoop, kEmpty, kCall, 0, kSet, 0, kEnd, kCatchAll, kGet, 0, kEnd, kEnd, kEnd});
  ASSERT_NE(loop_at(0), nullptr);
  const LookAhead::Loop* inner = loop_at(4, true);
  ASSERT_NE(inner, nullptr);
  EXPECT_FALSE(inner->assigns_first(0));
}

TEST_F(LookAheadTest, KeepsTheFirstLocalsAndWhichTheRestMayBe) {
  std::vector<std::uint8_t> body = {kLoop, kEmpty};
  for (std::uint8_t local = 0; local < 20; ++local) body.insert(body.end(), {kSet, local});
  body.insert(body.end(), {kEnd, kEnd});
  begin(body, 20);
  const LookAhead::Loop* loop = loop_at(0);
  ASSERT_NE(loop, nullptr);
  EXPECT_EQ(loop->first_locals().size(), 16u);
  EXPECT_TRUE(loop->assigns_first(15));
  EXPECT_TRUE(loop->assigns(19));
  EXPECT_FALSE(loop->assigns_first(19));
  EXPECT_TRUE(loop->assigns(64));  // has the same bit as 0
  EXPECT_FALSE(loop->assigns_first(64));
}

TEST_F(LookAheadTest, NothingIsKnownOfWhatItDoesNotUnderstand) {
  const std::initializer_list<std::uint8_t> bodies[] = {
      {kLoop, kEmpty, kGet, 0},                                      // an end is missing
      {kLoop, kEmpty, kGet, 4, kEnd, kEnd},                          // there is no such local
      {kLoop, kEmpty, 0xFF, kEnd, kEnd},                             // nor such an operator
      {kLoop, kEmpty, 0xFD, 0xFF, 0x7F, kEnd, kEnd},                 // nor behind a prefix
      {kLoop, kEmpty, 0x44, 0, 0, kEnd},                             // a constant beyond the end
      {kLoop, kEmpty, 0x0E, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, kEnd},  // so many labels
      {kLoop, kEmpty, 0x0E, 0xFF, 0xFF},                             // a count that does not end
  };
  for (const auto& body : bodies) {
    begin(body);
    EXPECT_EQ(loop_at(0), nullptr);
    EXPECT_EQ(look_ahead_.bytes(), 0u);
  }
}

TEST_F(LookAheadTest, NothingIsKnownBehindTooManyLoops) {
  std::vector<std::uint8_t> body;
  constexpr std::uint32_t kMany = 2000;
  for (std::uint32_t i = 0; i < kMany; ++i) body.insert(body.end(), {kLoop, kEmpty});
  body.insert(body.end(), kMany, kEnd);
  body.insert(body.end(), {kLoop, kEmpty, kEnd, kUnreachable, kEnd});
  begin(body);
  EXPECT_EQ(loop_at(0), nullptr);
  EXPECT_EQ(loop_at(2), nullptr);
  EXPECT_EQ(loop_at(3 * kMany), nullptr);
  EXPECT_EQ(look_ahead_.bytes(), 0u);
}

TEST_F(LookAheadTest, SkipsEachKindOfImmediate) {
  // Behind each a loop reads a local. Where they can, immediates look like operators on locals.
  const std::initializer_list<std::uint8_t> operators[] = {
      {0x02, 0x63, 0x20, kEnd},                                // block (result (ref null 32))
      {0x02, 0x7F, kEnd},                                      // block (result i32)
      {0x02, 0xA0, 0x00, kEnd},                                // block (type 32)
      {0x02, 0xE3, 0x00, kEnd},                                // block (type 99)
      {0x06, 0x40, 0x07, 0x20, kEnd},                          // try, catch 32
      {0x06, 0x40, 0x18, 0x20},                                // try, delegate 32
      {0x0C, 0x20},                                            // br 32
      {0x0E, 0x02, 0x20, 0x20, 0x20},                          // br_table 32 32 32
      {0x10, 0x20},                                            // call 32
      {0x11, 0x20, 0x20},                                      // call_indirect
      {0x1C, 0x02, 0x63, 0x20, 0x7F},                          // select (result (ref null 32) i32)
      {0x1F, 0x40, 0x02, 0x00, 0x20, 0x20, 0x02, 0x20, kEnd},  // try_table (catch 32 32) (catch_all 32)
      {0x28, 0x02, 0x20},                                      // i32.load offset=32
      {0x28, 0x42, 0x20, 0x20},                                // i32.load 32 offset=32
      {0x41, 0xA0, 0x80, 0x80, 0x80, 0x00},                    // i32.const 32
      {0x42, 0xA0, 0x00},                                      // i64.const 32
      {0x43, 0x20, 0x20, 0x20, 0x20},                          // f32.const
      {0x44, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20},  // f64.const
      {0xD0, 0x20},                                            // ref.null 32
      {0xFB, 0x18, 0x03, 0x20, 0x20, 0x20},                    // br_on_cast
      {0xFC, 0x08, 0x20, 0x20},                                // memory.init
      {0xFC, 0x0B, 0x20},                                      // memory.fill
      {0xFD, 0x0C, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20},
      {0xFD, 0x0D, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20},
      {0xFD, 0x15, 0x20},              // i8x16.extract_lane_s
      {0xFD, 0x54, 0x02, 0x20, 0x20},  // v128.load8_lane
      {0xFD, 0x80, 0x02},              // i8x16.relaxed_swizzle
      {0xFE, 0x03, 0x00},              // atomic.fence
      {0xFE, 0x10, 0x02, 0x20},        // i32.atomic.load
  };
  for (const auto& each : operators) {
    std::vector<std::uint8_t> body = {kLoop, kEmpty};
    body.insert(body.end(), each);
    body.insert(body.end(), {kGet, 3, kEnd, kEnd});
    begin(body);
    const LookAhead::Loop* found = loop_at(0);
    ASSERT_NE(found, nullptr) << "around opcode " << int{each.begin()[0]};
    EXPECT_EQ(found->first_locals().size(), 1u);
  }
}

}  // namespace
}  // namespace anew::codegen::quick
