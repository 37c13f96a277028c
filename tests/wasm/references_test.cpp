// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Typed references to functions: equal types, subtyping, operators on references, tail calls, locals without null.
#include <gtest/gtest.h>

#include <chrono>

#include "feature_module.hpp"
#include "support/processor_time.hpp"

namespace anew::wasm::test {
namespace {

using Lines = std::vector<std::string>;

std::vector<std::uint32_t> canonical_types(std::initializer_list<ByteVector> types) {
  const ByteVector bytes = module({section(1, vector(types))});
  const Result<Module> decoded = decode_module(view(bytes));
  EXPECT_TRUE(decoded) << decoded.error().message;
  return decoded ? decoded->canonical_types : std::vector<std::uint32_t>{};
}

/// A function type of one parameter, a reference.
ByteVector takes(std::uint8_t form, std::uint8_t heap_type) { return {0x60, 1, form, heap_type, 0}; }

TEST(References, EqualTypesHaveOneIndex) {
  EXPECT_EQ(canonical_types({type({}, {}), type({kI32}, {}), type({}, {}), type({}, {kI32}), type({kI32}, {})}),
            (std::vector<std::uint32_t>{0, 1, 0, 3, 1}));
  // The same through what they name, which is equal itself.
  EXPECT_EQ(canonical_types({type({}, {}), type({}, {}), takes(kRef, 0), takes(kRef, 1), takes(kRefNull, 1)}),
            (std::vector<std::uint32_t>{0, 0, 2, 2, 4}));
  EXPECT_EQ(canonical_types({takes(kRef, kFuncRef), takes(kRefNull, kFuncRef), type({kFuncRef}, {})}),
            (std::vector<std::uint32_t>{0, 1, 1}));
}

TEST(References, TypesThatNameThemselvesAreEqualIfTheyDoItAlike) {
  EXPECT_EQ(canonical_types({takes(kRef, 0), takes(kRef, 1), takes(kRefNull, 2), takes(kRef, 3)}),
            (std::vector<std::uint32_t>{0, 0, 2, 0}));
  // To name an equal type is not to name oneself.
  EXPECT_EQ(canonical_types({takes(kRef, 0), takes(kRef, 0), takes(kRef, 2), takes(kRef, 2)}),
            (std::vector<std::uint32_t>{0, 1, 0, 1}));
  const ByteVector bytes = module({section(1, vector({takes(kRef, 0), takes(kRef, 1), takes(kRef, 1)}))});
  const Module decoded = decode_module(view(bytes)).value();
  for (const FunctionType& each : decoded.types) EXPECT_EQ(each.parameters, std::vector{typed_reference(0, false)});
}

TEST(References, TypesNameThemselvesAndEarlierOnesOnly) {
  const ByteVector bytes = module({section(1, vector({takes(kRef, 1), type({}, {})}))});
  const Result<Module> decoded = decode_module(view(bytes));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(decoded.error().message, "unknown type 1");
}

TEST(References, ManyTypesAreBearable) {
  // Chains of types that differ in what they name alone, twice over.
  constexpr std::uint32_t kCount = 20'000;
  ByteVector types = leb(2 * kCount);
  for (std::uint32_t i = 0; i < 2 * kCount; ++i) {
    const std::uint32_t named = i == 0 || i == kCount ? i : i - 1;
    const ByteVector each = join({{0x60, 1, kRef}, signed_leb(named), {0}});
    types.insert(types.end(), each.begin(), each.end());
  }
  const ByteVector bytes = module({section(1, types)});
  const auto start = anew::test::thread_time();
  const Result<Module> decoded = decode_module(view(bytes));
  EXPECT_LT(anew::test::thread_time() - start, std::chrono::seconds(10));
  ASSERT_TRUE(decoded) << decoded.error().message;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(decoded->canonical_types[i], i);
    ASSERT_EQ(decoded->canonical_types[kCount + i], i);
  }
}

TEST(References, AreNamedByTheCanonicalIndexEverywhere) {
  const ByteVector five = {kRefNull, 1};
  const ByteVector bytes = module({
      section(1, vector({type({}, {}), type({}, {}), takes(kRefNull, 1)})),
      section(2, vector({join({{0, 0, 1}, five, {0, 1}}), join({{0, 0, 3}, five, {0}})})),
      section(3, vector({{2}})),
      section(4, vector({join({five, {0, 1}})})),
      section(6, vector({join({five, {0, 0xD0, 1, 0x0B}})})),
      section(9, vector({join({{5}, five, {1, 0xD0, 1, 0x0B}})})),
      section(10, vector({body({0x02, kRefNull, 1, 0xD0, 1, 0x0B, 0x21, 1, 0x20, 0, 0x21, 1}, {1, 1, kRefNull, 1})})),
  });
  const Result<Module> decoded = decode_module(view(bytes));
  ASSERT_TRUE(decoded) << decoded.error().message;
  constexpr ValueType kCanonical = typed_reference(0, true);
  EXPECT_EQ(decoded->tables[0].element, kCanonical);
  EXPECT_EQ(decoded->tables[1].element, kCanonical);
  EXPECT_EQ(decoded->globals[0].type.type, kCanonical);
  EXPECT_EQ(decoded->globals[1].type.type, kCanonical);
  EXPECT_EQ(decoded->globals[1].initializer[0].immediate, static_cast<std::uint64_t>(kCanonical));
  EXPECT_EQ(decoded->elements[0].type, kCanonical);
  EXPECT_EQ(decoded->types[2].parameters[0], kCanonical);
  FunctionValidator validator(*decoded);
  RecordingSink sink;
  const Result<void> result = validator.validate(0, sink);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(sink.lines, (Lines{"function 0 [(ref null 0)] -> [] (ref null 0) (ref null 0)",
                               "block [] -> [(ref null 0)]", "ref.null (ref null 0)", "end true", "local.set 1",
                               "local.get 0", "local.set 1", "end_function true"}));
}

TEST(References, AreWrittenInShortAndInFull) {
  for (const std::uint8_t heap_type : ByteVector{kFuncRef, kExternRef, kExnRef, 0x73, 0x72, 0x74})
    expect_accepted({0xD0, heap_type, 0x21, 0, 0x20, 0, 0x21, 1}, 0, {2, 1, heap_type, 1, kRefNull, heap_type});
}

TEST(References, RefFuncHasTheFunctionsType) {
  EXPECT_EQ(handed_over({0x41, 0, 0xD2, 0, 0x14, 1, 0x1A}),
            (Lines{"i32.const 0", "ref.func 0", "call_ref 1", "drop", "end_function true"}));
  expect_accepted({0x41, 0, 0xD2, 0, 0x14, 5, 0x1A});  // type 5 is equal
  expect_accepted({0xD2, 0, 0x21, 0}, 0, {1, 1, kFuncRef});
  expect_accepted({0xD2, 0, 0xD1, 0x1A});
  expect_invalid_function({0xD2, 0, 0x14, 0}, "type mismatch: call_ref expects (ref null 0), found (ref 1)", 2);
  expect_invalid_function({0xD2, 2, 0x1A}, "undeclared function reference", 0);
}

TEST(References, CallRefTakesWhatMayBeNull) {
  expect_accepted({0x41, 0, 0xD0, 1, 0x14, 1, 0x1A});
  expect_accepted({0x41, 0, 0xD0, 0x73, 0x14, 1, 0x1A});  // (ref null nofunc)
  expect_accepted({0x00, 0x14, 1, 0x1A});
  expect_invalid_function({0x41, 0, 0xD0, kFuncRef, 0x14, 1, 0x1A}, "expects (ref null 1), found funcref", 4);
  expect_invalid_function({0xD0, 1, 0x14, 1, 0x1A}, "type mismatch", 2);
  expect_invalid_function({0xD0, 1, 0x14, 14, 0x1A}, "unknown type 14", 2);
}

TEST(References, RefAsNonNullForgetsNull) {
  EXPECT_EQ(handed_over({0xD0, 1, 0xD4, 0x1A}),
            (Lines{"ref.null (ref null 1)", "ref.as_non_null", "drop", "end_function true"}));
  expect_accepted({0xD0, kExternRef, 0xD4, 0x21, 0}, 0, {1, 1, kRef, kExternRef});
  expect_invalid_function({0x41, 0, 0xD4, 0x1A}, "type mismatch: ref.as_non_null expects a reference, found i32", 2);
  expect_invalid_function({0xD4, 0x1A}, "found nothing on the stack", 0);
}

TEST(References, BranchOnNullLeavesWhatIsNotNull) {
  EXPECT_EQ(
      handed_over({0x02, kEmpty, 0xD0, 1, 0xD5, 0, 0x1A, 0x0B}),
      (Lines{"block [] -> []", "ref.null (ref null 1)", "br_on_null 0", "drop", "end true", "end_function true"}));
  // The label's operands stay, with the label's types.
  expect_accepted({0x02, kI32, 0x41, 0, 0xD0, 1, 0xD5, 0, 0x1A, 0x0B, 0x1A});
  expect_accepted({0x02, kEmpty, 0xD0, 1, 0xD5, 0, 0x21, 0, 0x0B}, 0, {1, 1, kRef, 1});
  expect_invalid_function({0x02, kI32, 0xD0, 1, 0xD5, 0, 0x1A, 0x41, 0, 0x0B, 0x1A}, "type mismatch", 4);
  expect_invalid_function({0x02, kEmpty, 0x41, 0, 0xD5, 0, 0x1A, 0x0B}, "expects a reference", 4);
  expect_invalid_function({0xD0, 1, 0xD5, 1, 0x1A}, "unknown label 1", 2);
  // It reaches its label.
  EXPECT_EQ(handed_over({0x02, kEmpty, 0xD0, 1, 0xD5, 0, 0x00, 0x0B}).back(), "end_function true");
}

TEST(References, BranchOnNonNullCarriesTheReference) {
  EXPECT_EQ(handed_over({0x02, kRef, 1, 0xD0, 1, 0xD6, 0, 0x00, 0x0B, 0x1A}),
            (Lines{"block [] -> [(ref 1)]", "ref.null (ref null 1)", "br_on_non_null 0", "unreachable", "end false",
                   "drop", "end_function true"}));
  expect_accepted({0x02, kFuncRef, 0xD0, 1, 0xD6, 0, 0x00, 0x0B, 0x1A});  // the label takes more than is carried
  expect_invalid_function({0x02, kExternRef, 0xD0, 1, 0xD6, 0, 0x00, 0x0B, 0x1A}, "type mismatch", 4);
  expect_invalid_function({0x02, kI32, 0xD0, 1, 0xD6, 0, 0x00, 0x0B, 0x1A}, "type mismatch", 4);
  expect_invalid_function({0x02, kEmpty, 0xD0, 1, 0xD6, 0, 0x0B}, "a label that takes nothing", 4);
  expect_invalid_function({0x02, kFuncRef, 0x41, 0, 0xD6, 0, 0x00, 0x0B, 0x1A}, "expects a reference", 4);
  expect_invalid_function({0x02, kFuncRef, 0xD0, 1, 0xD6, 0, 0x0B, 0x1A}, "type mismatch: end", 6);
}

TEST(References, WhatIsUnknownMayBeAnyReference) {
  expect_accepted({0x00, 0xD4, 0x14, 1, 0x1A});                         // ref.as_non_null, call_ref
  expect_accepted({0x00, 0xD4, 0x21, 0}, 0, {1, 1, kRef, kExternRef});  // or external
  expect_accepted({0x02, kEmpty, 0x00, 0xD5, 0, 0x14, 1, 0x1A, 0x0B});  // what br_on_null leaves
  expect_accepted({0x02, kRef, 1, 0x00, 0xD6, 0, 0x00, 0x0B, 0x1A});    // br_on_non_null
  expect_accepted({0x00, 0xD4, 0xD4, 0xD1, 0x1A});
  expect_accepted({0x00, 0xD4, 0x0F}, 12);
  // But nothing else than a reference.
  expect_invalid_function({0x00, 0xD4, 0x6A, 0x1A}, "type mismatch: i32.add expects i32, found (ref unknown)", 2);
  expect_invalid_function({0x00, 0xD4, 0x0F}, "type mismatch", 2, 1);
  expect_invalid_function({0x00, 0xD4, 0x41, 0, 0x1B, 0x1A}, "must state their type", 4);
  expect_invalid_function({0x02, kI32, 0x00, 0xD6, 0, 0x00, 0x0B, 0x1A}, "type mismatch", 3);
}

TEST(References, ASubtypeDoesWhereverAValueIsPopped) {
  expect_accepted({0xD2, 0}, 3);                             // the end of a function
  expect_accepted({0xD2, 0, 0x0F}, 3);                       // return
  expect_accepted({0xD2, 0, 0x21, 0}, 0, {1, 1, kFuncRef});  // local.set
  expect_accepted({0x02, kFuncRef, 0xD2, 0, 0x0B, 0x1A});    // the end of a block
  expect_accepted({0xD2, 0, 0x02, 13, 0x0B, 0x1A});          // its start
  expect_accepted({0xD0, 0x73, 0x0F}, 12);                   // (ref null nofunc) is below all
  expect_invalid_function({0xD0, kFuncRef}, "type mismatch: end expects (ref null 1), found funcref", 2, 3);
}

TEST(References, TailCallsReturnWhatTheFunctionReturns) {
  EXPECT_EQ(handed_over({0x20, 0, 0x12, 0}, 1), (Lines{"local.get 0", "return_call 0", "end_function false"}));
  EXPECT_EQ(handed_over({0x20, 0, 0x41, 0, 0x13, 1, 0}, 1),
            (Lines{"local.get 0", "i32.const 0", "return_call_indirect 1 0", "end_function false"}));
  EXPECT_EQ(handed_over({0x20, 0, 0x42, 0, 0x13, 1, 3}, 1),  // through a table of 64 bits
            (Lines{"local.get 0", "i64.const 0", "return_call_indirect 1 3", "end_function false"}));
  EXPECT_EQ(handed_over({0x20, 0, 0xD2, 0, 0x15, 1}, 1),
            (Lines{"local.get 0", "ref.func 0", "return_call_ref 1", "end_function false"}));
  // A subtype of it: type 6 returns (ref 1), type 12 funcref.
  expect_accepted({0x20, 0, 0xD0, 6, 0x15, 6}, 12);
  expect_invalid_function(
      {0x20, 0, 0xD0, 12, 0x15, 12},
      "type mismatch: the callee of a tail call returns [funcref], the function must return [(ref 1)]", 4, 6);
  expect_invalid_function({0x41, 0, 0x12, 0}, "the function must return []", 2);
  expect_invalid_function({0x12, 2}, "the callee of a tail call returns []", 0, 1);
  expect_invalid_function({0x42, 0, 0x12, 0}, "type mismatch: return_call expects i32, found i64", 2, 1);
  expect_invalid_function({0x41, 0, 0x41, 0, 0x13, 1, 1}, "a table that does not hold functions", 4, 1);
  expect_invalid_function({0x41, 0, 0x42, 0, 0x13, 1, 0}, "type mismatch", 4, 1);
  // What follows is unreachable.
  expect_accepted({0x20, 0, 0x12, 0, 0x6A, 0x1A}, 1);
}

TEST(References, LocalsWithoutNullAreSetBeforeTheyAreRead) {
  const ByteVector local = {1, 1, kRef, 1};
  EXPECT_EQ(handed_over({0xD2, 0, 0x21, 0, 0x20, 0, 0x1A}, 0, local),
            (Lines{"ref.func 0", "local.set 0", "local.get 0", "drop", "end_function true"}));
  expect_accepted({0xD2, 0, 0x22, 0, 0x1A, 0x20, 0, 0x1A}, 0, local);  // local.tee sets as well
  expect_accepted({}, 0, local);
  expect_accepted({0x20, 0, 0x1A}, 8);  // a parameter has its value
  expect_invalid_function({0x20, 0, 0x1A}, "uninitialized local 0: its type (ref 1) has no null", 0, 0, local);
  expect_invalid_function({0x00, 0x20, 0, 0x1A}, "uninitialized local", 1, 0, local);
  expect_invalid_function({0x20, 1, 0x1A}, "unknown local 1", 0, 0, local);
  expect_invalid_function({0xD2, 0, 0x21, 1}, "unknown local 1", 2, 0, local);
  expect_invalid_function({0xD0, 1, 0x21, 0}, "type mismatch: local.set expects (ref 1), found (ref null 1)", 2, 0,
                          local);
  // Others beside them are as ever.
  expect_accepted({0x20, 0, 0x1A, 0x20, 2, 0x1A}, 0, {3, 1, kI32, 1, kRef, 1, 1, kFuncRef});
}

TEST(References, WhatABlockSetIsForgottenAtItsEnd) {
  const ByteVector locals = {1, 2, kRef, 1};
  const ByteVector set = {0xD2, 0, 0x21, 0};
  const ByteVector get = {0x20, 0, 0x1A};
  for (const std::uint8_t block : ByteVector{0x02, 0x03}) {
    expect_accepted(join({{block, kEmpty}, set, get, {0x0B}}), 0, locals);
    expect_accepted(join({set, {block, kEmpty}, get, {0x0B}, get}), 0, locals);
    expect_accepted(join({set, {block, kEmpty}, set, {0x0B}, get}), 0, locals);
    expect_invalid_function(join({{block, kEmpty}, set, {0x0B}, get}), "uninitialized local 0", 7, 0, locals);
  }
  // Of an if, the first arm says nothing to the second.
  expect_accepted(join({{0x41, 0, 0x04, kEmpty}, set, {0x05}, set, get, {0x0B}}), 0, locals);
  expect_invalid_function(join({{0x41, 0, 0x04, kEmpty}, set, {0x05}, get, {0x0B}}), "uninitialized local 0", 9, 0,
                          locals);
  expect_invalid_function(join({{0x41, 0, 0x04, kEmpty}, set, {0x05}, set, {0x0B}, get}), "uninitialized local 0", 14,
                          0, locals);
  expect_invalid_function(join({{0x1F, kEmpty, 0}, set, {0x0B}, get}), "uninitialized local 0", 8, 0, locals);
  // Only what this block set.
  expect_accepted(join({set, {0x02, kEmpty, 0xD2, 0, 0x21, 1, 0x0B}, get}), 0, locals);
  // And in the next function nothing is set.
  const ByteVector bytes = feature_module(join({set, get}), 0, locals);
  const Module module = decode_module(view(bytes)).value();
  FunctionValidator validator(module);
  NullSink sink;
  EXPECT_TRUE(validator.validate(0, sink));
  EXPECT_TRUE(validator.validate(0, sink));
}

TEST(References, SettingLocalsInManyBlocksIsLinear) {
  // Many locals set in one block after the other, all inside a block that set as many before.
  constexpr std::uint32_t kLocals = 40'000;
  ByteVector operators;
  for (std::uint32_t i = 0; i < kLocals; ++i) {
    const ByteVector set = join({{0x02, kEmpty, 0xD2, 0, 0x21}, leb(i), {0x0B, 0xD2, 0, 0x21}, leb(i)});
    operators.insert(operators.end(), set.begin(), set.end());
  }
  const auto start = anew::test::thread_time();
  expect_accepted(operators, 0, join({{1}, leb(kLocals), {kRef, 1}}));
  EXPECT_LT(anew::test::thread_time() - start, std::chrono::seconds(20));
}

TEST(References, TablesAndSegmentsGoFromSubtypeToSupertype) {
  // table.set, table.fill and table.grow of a subtype; table.get gives the table's type.
  expect_accepted({0x41, 0, 0xD2, 0, 0x26, 0});
  expect_accepted({0x41, 0, 0xD2, 0, 0x26, 2});
  expect_accepted({0x41, 0, 0x41, 0, 0x25, 2, 0x14, 1, 0x1A});
  expect_invalid_function({0x41, 0, 0xD0, kFuncRef, 0x26, 2}, "expects (ref null 1), found funcref", 4);
  const ByteVector three = {0x41, 0, 0x41, 0, 0x41, 0};
  expect_accepted(join({three, {0xFC, 14, 0, 2}}));  // table.copy into funcref
  expect_invalid_function(join({three, {0xFC, 14, 2, 0}}), "the source table holds what the destination may not", 6);
  expect_accepted(join({three, {0xFC, 12, 0, 0}}));  // table.init
  expect_invalid_function(join({three, {0xFC, 12, 0, 2}}), "the element segment holds what the table may not", 6);
  // Calls go through tables of any type of functions.
  expect_accepted({0x41, 0, 0x41, 0, 0x11, 1, 2, 0x1A});
}

TEST(References, ElementSegmentsAreOfASubtypeOfTheTables) {
  const auto with_segment = [](const ByteVector& segment) {
    return module({section(1, vector({type({}, {}), type({kI32}, {})})),
                   section(2, vector({{0, 0, 0, 0}, {0, 0, 0, 1}})),
                   section(4, vector({{kRefNull, 0, 0, 1}, {kFuncRef, 0, 1}})), section(9, vector({segment}))});
  };
  const auto decodes = [&](const ByteVector& segment) {
    const ByteVector bytes = with_segment(segment);
    return decode_module(view(bytes)).has_value();
  };
  const ByteVector offset = {0x41, 0, 0x0B};
  // (ref 0) and (ref null 0) for a table of (ref null 0).
  EXPECT_TRUE(decodes(join({{6, 0}, offset, {kRef, 0, 1, 0xD2, 0, 0x0B}})));
  EXPECT_TRUE(decodes(join({{6, 0}, offset, {kRefNull, 0, 1, 0xD0, 0, 0x0B}})));
  EXPECT_TRUE(decodes(join({{6, 1}, offset, {kRefNull, 0, 1, 0xD0, 0, 0x0B}})));  // for one of funcref too
  EXPECT_FALSE(decodes(join({{6, 0}, offset, {kRef, 0, 1, 0xD0, 0, 0x0B}})));     // null is not (ref 0)
  EXPECT_FALSE(decodes(join({{6, 0}, offset, {kRef, 0, 1, 0xD2, 1, 0x0B}})));     // nor is function 1
  EXPECT_FALSE(decodes(join({{6, 0}, offset, {kFuncRef, 1, 0xD2, 0, 0x0B}})));
  // Functions by index are (ref func).
  EXPECT_FALSE(decodes(join({{0}, offset, {1, 0}})));
  EXPECT_TRUE(decodes(join({{2, 1}, offset, {0, 1, 0}})));
  const ByteVector by_index = with_segment({1, 0, 1, 0});
  EXPECT_EQ(decode_module(view(by_index))->elements[0].type, non_null(ValueType::kFuncRef));
}

TEST(References, LabelsTakeSubtypes) {
  expect_accepted({0x02, kFuncRef, 0xD2, 0, 0x0C, 0, 0x0B, 0x1A});
  // br_if leaves the label's type.
  expect_invalid_function({0x02, kFuncRef, 0xD2, 0, 0x41, 0, 0x0D, 0, 0xD4, 0x14, 1, 0x00, 0x0B, 0x1A},
                          "call_ref expects (ref null 1), found (ref func)", 9);
  // Each label of a br_table is asked by itself.
  expect_accepted({0x02, kFuncRef, 0x02, kRef, 1, 0xD2, 0, 0x41, 0, 0x0E, 1, 0, 1, 0x0B, 0x0B, 0x1A});
  expect_invalid_function({0x02, kExternRef, 0x02, kRef, 1, 0xD2, 0, 0x41, 0, 0x0E, 1, 0, 1, 0x0B, 0x00, 0x0B, 0x1A},
                          "type mismatch", 9);
  // An if without else passes its parameters on.
  expect_invalid_function({0x41, 0, 0x41, 0, 0x04, 6, 0x1A, 0xD2, 0, 0x0B, 0x1A}, "an if without else", 9);
  expect_accepted({0xD2, 0, 0x41, 0, 0x04, 13, 0x0B, 0x1A});
}

TEST(References, SelectBetweenReferencesStatesTheirType) {
  expect_accepted({0xD2, 0, 0xD0, 1, 0x41, 0, 0x1C, 1, kRefNull, 1, 0x1A});
  expect_accepted({0xD2, 0, 0xD0, 1, 0x41, 0, 0x1C, 1, kFuncRef, 0x1A});
  expect_invalid_function({0xD2, 0, 0xD2, 0, 0x41, 0, 0x1B, 0x1A}, "must state their type", 6);
  expect_invalid_function({0xD2, 0, 0xD0, 1, 0x41, 0, 0x1C, 1, kRef, 1, 0x1A}, "type mismatch", 6);
}

}  // namespace
}  // namespace anew::wasm::test
