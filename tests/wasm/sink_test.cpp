// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The contract between the validator and its sinks, as sink.hpp states it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "module_bytes.hpp"
#include "recording_sink.hpp"

namespace anew::wasm::test {
namespace {

using Lines = std::vector<std::string>;

RecordingSink record(const ByteVector& operators, std::uint8_t type = 0, const ByteVector& locals = {0}) {
  const ByteVector bytes = module_around(operators, type, locals);
  const Result<Module> module = decode_module(view(bytes));
  RecordingSink sink;
  EXPECT_TRUE(module) << module.error().message;
  if (module) {
    FunctionValidator validator(*module);
    const Result<void> result = validator.validate(0, sink);
    EXPECT_TRUE(result) << result.error().message;
    ReachabilitySink reachability;
    EXPECT_TRUE(validator.validate(0, reachability));
  }
  return sink;
}

/// What comes between begin_function and end_function, and that line.
Lines operators_of(const ByteVector& operators, std::uint8_t type = 0, const ByteVector& locals = {0}) {
  Lines lines = record(operators, type, locals).lines;
  lines.erase(lines.begin());
  return lines;
}

// The validator takes sinks that have every call, and no others.
struct LacksACall {
  void drop() {}
};
struct WrongArgument : NullSink {
  void memory_fill(const char*) {}
};
static_assert(OperatorSink<NullSink> && OperatorSink<RecordingSink> && OperatorSink<ReachabilitySink>);
static_assert(!OperatorSink<LacksACall> && !OperatorSink<WrongArgument>);
static_assert(!TakesMemories<WrongArgument> && TakesCalls<WrongArgument>);

TEST(Sink, BeginsWithTheParametersAndLocals) {
  const RecordingSink sink = record({}, 4, {2, 2, kF32, 1, kExternRef});
  EXPECT_EQ(sink.lines, (Lines{"function 1 [i32 i64] -> [] i32 i64 f32 f32 externref", "end_function true"}));
}

TEST(Sink, OffsetsAreThoseOfTheOperators) {
  // br_if with a padded index, so that operators do not all have the same length.
  const ByteVector operators = {0x41, 0x00, 0x0D, 0x80, 0x00, 0x01, 0xFC, 0x09, 0x00};
  const ByteVector bytes = module_around(operators);
  const Module module = decode_module(view(bytes)).value();
  const RecordingSink sink = record(operators);
  const std::uint64_t start = module.bodies[0].offset + 1;
  EXPECT_EQ(sink.lines, (Lines{"function 1 [] -> []", "i32.const 0", "br_if 0", "data.drop 0", "end_function true"}));
  EXPECT_EQ(sink.offsets, (std::vector<std::uint64_t>{start, start + 2, start + 6, start + 9}));  // nop at start + 5
}

TEST(Sink, ConstantsAreSlots) {
  EXPECT_EQ(operators_of({0x41, 0x7F, 0x1A, 0x42, 0x7F, 0x1A, 0x43, 0,    0,    0x80, 0xBF, 0x1A,  //
                          0x44, 1,    0,    0,    0,    0,    0,    0xF0, 0xFF, 0x1A}),
            (Lines{"i32.const ffffffff", "drop", "i64.const ffffffffffffffff", "drop", "f32.const bf800000", "drop",
                   "f64.const fff0000000000001", "drop", "end_function true"}));
}

TEST(Sink, EveryKindOfOperatorIsHandedOver) {
  EXPECT_EQ(operators_of({0x20, 0, 0x20, 1, 0x6A, 0x22, 0, 0x21, 1, 0x23, 0, 0x24, 0, 0x20, 0, 0x10, 0},  // locals, ...
                         2),
            (Lines{"local.get 0", "local.get 1", "i32.add", "local.tee 0", "local.set 1", "global.get 0",
                   "global.set 0", "local.get 0", "call 0", "end_function true"}));
  EXPECT_EQ(operators_of({0x20, 0, 0x20, 0, 0x29, 3, 8, 0xA7, 0x36, 0, 0x80, 0x01, 0x3F, 0, 0x40, 0}, 1),
            (Lines{"local.get 0", "local.get 0", "i64.load memory=0 align=3 offset=8", "i32.wrap_i64",
                   "i32.store memory=0 align=0 offset=128", "memory.size 0", "memory.grow 0", "end_function true"}));
  EXPECT_EQ(operators_of({0x20, 0,  0x20, 0, 0x20, 0, 0xFC, 8, 0,    0, 0x20, 0,  0x20, 0,    0x20, 0,
                          0xFC, 10, 0,    0, 0x20, 0, 0x20, 0, 0x20, 0, 0xFC, 11, 0,    0x20, 0},
                         1),
            (Lines{"local.get 0", "local.get 0", "local.get 0", "memory.init 0 0", "local.get 0", "local.get 0",
                   "local.get 0", "memory.copy 0 0", "local.get 0", "local.get 0", "local.get 0", "memory.fill 0",
                   "local.get 0", "end_function true"}));
  EXPECT_EQ(operators_of({0x41, 0,          0x41, 0,    0x25,       0,    0x26, 0,            // table.get, table.set
                          0xD2, 1,          0xD1, 0x1A,                                       // ref.func, ref.is_null
                          0xD0, kExternRef, 0x41, 0,    0xFC,       15,   1,    0x1A,         // table.grow
                          0xFC, 16,         1,    0xD0, kExternRef, 0x41, 0,    0xFC, 17, 1,  // table.size, table.fill
                          0x41, 0,          0x41, 0,    0x41,       0,    0xFC, 12,   1,  1,  // table.init
                          0x41, 0,          0x41, 0,    0x41,       0,    0xFC, 14,   0,  0, 0xFC, 13, 1}),
            (Lines{"i32.const 0", "i32.const 0",  "table.get 0",        "table.set 0",    "ref.func 1",
                   "ref.is_null", "drop",         "ref.null externref", "i32.const 0",    "table.grow 1",
                   "drop",        "table.size 1", "ref.null externref", "i32.const 0",    "table.fill 1",
                   "i32.const 0", "i32.const 0",  "i32.const 0",        "table.init 1 1", "i32.const 0",
                   "i32.const 0", "i32.const 0",  "table.copy 0 0",     "elem.drop 1",    "end_function true"}));
  EXPECT_EQ(operators_of({0x20, 0, 0x20, 0, 0x20, 0, 0x1B, 0x20, 0, 0x11, 1, 0}, 1),
            (Lines{"local.get 0", "local.get 0", "local.get 0", "select i32", "local.get 0", "call_indirect 1 0",
                   "end_function true"}));
  EXPECT_EQ(
      operators_of({0xD0, kFuncRef, 0xD0, kFuncRef, 0x41, 0, 0x1C, 1, kFuncRef, 0x1A}),
      (Lines{"ref.null funcref", "ref.null funcref", "i32.const 0", "select funcref", "drop", "end_function true"}));
}

TEST(Sink, BlocksComeWithTheirTypes) {
  EXPECT_EQ(operators_of({0x20, 0, 0x02, 1, 0x03, 1, 0x0B, 0x0B, 0x02, kI32, 0x41, 1, 0x0B, 0x6A}, 1),
            (Lines{"local.get 0", "block [i32] -> [i32]", "loop [i32] -> [i32]", "end true", "end true",
                   "block [] -> [i32]", "i32.const 1", "end true", "i32.add", "end_function true"}));
}

TEST(Sink, UnreachableOperatorsAreNotHandedOver) {
  for (const ByteVector& stop : {ByteVector{0x00}, ByteVector{0x0C, 0}, ByteVector{0x0F}}) {
    const Lines lines = operators_of(join({stop, {0x41, 1, 0x1A, 0x6A, 0x1A, 0x00, 0x0C, 0, 0x10, 0, 0x1A}}));
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[1], "end_function false");
  }
}

TEST(Sink, BlocksInUnreachableCodeAreNotHandedOver) {
  // unreachable; if ... else ... end; block; loop; br 1; end; end
  EXPECT_EQ(operators_of({0x00,   0x04, kEmpty, 0x01, 0x05, 0x41, 0,    0x1A, 0x0B, 0x02,
                          kEmpty, 0x03, kEmpty, 0x0C, 1,    0x0B, 0x0B, 0x41, 0,    0x1A}),
            (Lines{"unreachable", "end_function false"}));
}

TEST(Sink, ABlockThatIsNotLeftMakesWhatFollowsUnreachable) {
  // The specification's algorithm takes the code behind such a block for reachable; nothing can get there.
  EXPECT_EQ(operators_of({0x02, kEmpty, 0x00, 0x0B, 0x41, 0, 0x1A, 0x02, kEmpty, 0x0B}),
            (Lines{"block [] -> []", "unreachable", "end false", "end_function false"}));
}

TEST(Sink, ABranchMakesTheEndReachable) {
  EXPECT_EQ(operators_of({0x02, kEmpty, 0x0C, 0, 0x0B, 0x41, 0, 0x1A}),
            (Lines{"block [] -> []", "br 0", "end false", "i32.const 0", "drop", "end_function true"}));
  EXPECT_EQ(operators_of({0x02, kEmpty, 0x41, 0, 0x0D, 0, 0x00, 0x0B}),
            (Lines{"block [] -> []", "i32.const 0", "br_if 0", "unreachable", "end false", "end_function true"}));
  EXPECT_EQ(operators_of({0x02, kEmpty, 0x02, kEmpty, 0x41, 0, 0x0E, 1, 0, 1, 0x0B, 0x00, 0x0B}),
            (Lines{"block [] -> []", "block [] -> []", "i32.const 0", "br_table 0 1", "end false", "unreachable",
                   "end false", "end_function true"}));
}

TEST(Sink, AnUnreachableBranchMakesNothingReachable) {
  EXPECT_EQ(operators_of({0x02, kEmpty, 0x00, 0x0C, 0, 0x0B, 0x41, 0, 0x1A}),
            (Lines{"block [] -> []", "unreachable", "end false", "end_function false"}));
  EXPECT_EQ(operators_of({0x02, kEmpty, 0x00, 0x02, kEmpty, 0x41, 0, 0x0D, 1, 0x0B, 0x0B, 0x01}),
            (Lines{"block [] -> []", "unreachable", "end false", "end_function false"}));
}

TEST(Sink, BranchesToALoopDoNotReachItsEnd) {
  EXPECT_EQ(operators_of({0x03, kEmpty, 0x0C, 0, 0x0B, 0x41, 0, 0x1A}),
            (Lines{"loop [] -> []", "br 0", "end false", "end_function false"}));
  EXPECT_EQ(operators_of({0x03, kEmpty, 0x41, 0, 0x0D, 0, 0x0B}),
            (Lines{"loop [] -> []", "i32.const 0", "br_if 0", "end true", "end_function true"}));
}

TEST(Sink, ArmsOfAnIf) {
  // Without else: reachable behind it in any case.
  EXPECT_EQ(operators_of({0x41, 0, 0x04, kEmpty, 0x00, 0x0B}),
            (Lines{"i32.const 0", "if [] -> []", "unreachable", "end false", "end_function true"}));
  // Only the first arm falls through.
  EXPECT_EQ(operators_of({0x41, 0, 0x04, kEmpty, 0x05, 0x00, 0x0B}),
            (Lines{"i32.const 0", "if [] -> []", "else true", "unreachable", "end false", "end_function true"}));
  // Only the second.
  EXPECT_EQ(operators_of({0x41, 0, 0x04, kEmpty, 0x00, 0x41, 0, 0x1A, 0x05, 0x41, 1, 0x1A, 0x0B}),
            (Lines{"i32.const 0", "if [] -> []", "unreachable", "else false", "i32.const 1", "drop", "end true",
                   "end_function true"}));
  // Neither.
  EXPECT_EQ(
      operators_of({0x41, 0, 0x04, kEmpty, 0x00, 0x05, 0x0F, 0x0B, 0x01, 0x41, 0, 0x1A}),
      (Lines{"i32.const 0", "if [] -> []", "unreachable", "else false", "return", "end false", "end_function false"}));
  // A branch out of the first.
  EXPECT_EQ(
      operators_of({0x41, 0, 0x04, kEmpty, 0x0C, 0, 0x05, 0x00, 0x0B}),
      (Lines{"i32.const 0", "if [] -> []", "br 0", "else false", "unreachable", "end false", "end_function true"}));
}

TEST(Sink, TheBodyIsTheOutermostLabel) {
  EXPECT_EQ(operators_of({0x02, kEmpty, 0x0C, 1, 0x0B}),
            (Lines{"block [] -> []", "br 1", "end false", "end_function false"}));
  EXPECT_EQ(operators_of({0x41, 0, 0x41, 0, 0x0D, 0}, 1, {0}),
            (Lines{"i32.const 0", "i32.const 0", "br_if 0", "end_function true"}));
}

TEST(Sink, NopIsNotHandedOver) { EXPECT_EQ(operators_of({0x01, 0x01}), (Lines{"end_function true"})); }

TEST(Sink, OneValidatorServesFunctionAfterFunction) {
  const ByteVector bytes = module_around({0x02, kEmpty, 0x00, 0x0B});
  const Module module = decode_module(view(bytes)).value();
  FunctionValidator validator(module);
  for (int i = 0; i < 3; ++i) {
    RecordingSink sink;
    ASSERT_TRUE(validator.validate(0, sink));
    EXPECT_EQ(sink.lines.size(), 5u);
    RecordingSink second;
    ASSERT_TRUE(validator.validate(1, second));
    EXPECT_EQ(second.lines, (Lines{"function 2 [] -> []", "end_function true"}));
  }
}

}  // namespace
}  // namespace anew::wasm::test
