// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Recursive groups of types, declared supertypes, and what the validator makes of them.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "module_bytes.hpp"
#include "recording_sink.hpp"
#include "support/processor_time.hpp"
#include "wasm/limits.hpp"
#include "wasm/subtyping.hpp"

namespace anew::wasm::test {
namespace {

ByteVector group(std::initializer_list<ByteVector> types) { return join({{0x4E}, vector(types)}); }
/// Not final.
ByteVector sub(const ByteVector& type) { return join({{0x50, 0}, type}); }
ByteVector sub(std::uint8_t supertype, const ByteVector& type) { return join({{0x50, 1, supertype}, type}); }
ByteVector final_sub(std::uint8_t supertype, const ByteVector& type) { return join({{0x4F, 1, supertype}, type}); }
/// [(ref heap_type)] -> [] and [] -> [(ref heap_type)].
ByteVector takes(std::uint8_t heap_type) { return {0x60, 1, kRef, heap_type, 0}; }
ByteVector gives(std::uint8_t heap_type) { return {0x60, 0, 1, kRef, heap_type}; }

const ByteVector kEmptyType = type({}, {});

std::vector<std::uint32_t> canonical_types(std::initializer_list<ByteVector> groups) {
  const ByteVector bytes = module({section(1, vector(groups))});
  const Result<Module> decoded = decode_module(view(bytes));
  EXPECT_TRUE(decoded) << decoded.error().message;
  return decoded ? decoded->canonical_types : std::vector<std::uint32_t>{};
}

void expect_refused(const ByteVector& types, ErrorCode code, std::string_view words) {
  const ByteVector bytes = module({section(1, types)});
  const Result<Module> decoded = decode_module(view(bytes));
  ASSERT_FALSE(decoded) << words;
  EXPECT_EQ(decoded.error().code, code) << decoded.error().message;
  EXPECT_NE(decoded.error().message.find(words), std::string::npos) << decoded.error().message;
  EXPECT_TRUE(decoded.error().offset);
}
void expect_refused(std::initializer_list<ByteVector> groups, ErrorCode code, std::string_view words) {
  expect_refused(vector(groups), code, words);
}

using Indices = std::vector<std::uint32_t>;

TEST(RecursiveTypes, EqualGroupsHaveEqualTypes) {
  // Two that name one another, twice, and with their parts exchanged.
  EXPECT_EQ(canonical_types({group({takes(1), gives(0)}), group({takes(3), gives(2)}), group({gives(5), takes(4)})}),
            (Indices{0, 1, 0, 1, 4, 5}));
  // To name the types of an equal group is not to name those of one's own.
  EXPECT_EQ(canonical_types({group({takes(1), gives(0)}), group({takes(1), gives(0)})}), (Indices{0, 1, 2, 3}));
  // But all types of an equal group are named alike from outside.
  EXPECT_EQ(canonical_types({group({takes(1), gives(0)}), group({takes(3), gives(2)}), takes(1), takes(3)}),
            (Indices{0, 1, 0, 1, 4, 4}));
}

TEST(RecursiveTypes, ATypeIsItsPlaceInItsGroup) {
  EXPECT_EQ(canonical_types({group({kEmptyType, kEmptyType}), group({kEmptyType}), kEmptyType, group({}),
                             group({kEmptyType, kEmptyType, kEmptyType}), group({kEmptyType, kEmptyType})}),
            (Indices{0, 1, 2, 2, 4, 5, 6, 0, 1}));
}

TEST(RecursiveTypes, FinalityAndSupertypeArePartOfAType) {
  // "func" is short for "sub final" without a supertype.
  EXPECT_EQ(canonical_types({kEmptyType, join({{0x4F, 0}, kEmptyType}), sub(kEmptyType), sub(kEmptyType)}),
            (Indices{0, 0, 2, 2}));
  EXPECT_EQ(canonical_types({sub(kEmptyType), sub(takes(kFuncRef)), sub(0, kEmptyType), sub(0, kEmptyType),
                             final_sub(0, kEmptyType), sub(2, kEmptyType), sub(3, kEmptyType)}),
            (Indices{0, 1, 2, 2, 4, 5, 5}));
  // A supertype in the group, by its place.
  EXPECT_EQ(canonical_types({group({sub(kEmptyType), sub(0, kEmptyType)}), group({sub(kEmptyType), sub(2, kEmptyType)}),
                             group({sub(kEmptyType), sub(0, kEmptyType)})}),
            (Indices{0, 1, 0, 1, 4, 5}));
}

TEST(RecursiveTypes, AGroupNamesItselfAndWhatIsBefore) {
  expect_refused({group({takes(2)}), kEmptyType}, ErrorCode::kInvalid, "unknown type 2");
  expect_refused({group({takes(1)}), group({kEmptyType})}, ErrorCode::kInvalid, "unknown type 1");
  expect_refused({group({group({kEmptyType})})}, ErrorCode::kMalformed, "malformed function type: 0x4E");
  expect_refused({join({{0x4E}, leb(1'000'001)})}, ErrorCode::kMalformed, "unexpected end");
}

TEST(RecursiveTypes, StructuresArraysAndI31AreRefusedByName) {
  expect_refused({{0x5F, 0}}, ErrorCode::kUnsupported, "not supported yet: garbage-collected types, structures");
  expect_refused({sub({0x5F, 0})}, ErrorCode::kUnsupported, "structures");
  expect_refused({group({kEmptyType, {0x5E, kI32, 0}})}, ErrorCode::kUnsupported, "arrays");
  expect_refused({takes(0x6C)}, ErrorCode::kUnsupported, "garbage-collected types, i31");
  expect_refused({takes(0x6B)}, ErrorCode::kUnsupported, "structures");
  expect_refused({type({0x6A}, {})}, ErrorCode::kUnsupported, "arrays");
}

TEST(RecursiveTypes, DeclaredSupertypesMatch) {
  // Results go down, parameters up; 0x70 is func, 0x73 nofunc.
  EXPECT_EQ(canonical_types({sub(gives(0x70)), sub(0, gives(0)), sub(1, gives(0x73))}).size(), 3u);
  EXPECT_EQ(canonical_types({sub(takes(0x73)), sub(0, takes(0)), sub(1, takes(0x70))}).size(), 3u);
  // Within a group, also of types that come later.
  EXPECT_EQ(canonical_types({group({sub(gives(1)), sub(0, gives(2)), sub(1, gives(2))})}).size(), 3u);
  expect_refused({sub(gives(0)), sub(0, gives(0x70))}, ErrorCode::kInvalid,
                 "sub type 1 does not match its supertype 0");
  expect_refused({sub(takes(0x70)), sub(0, takes(0x73))}, ErrorCode::kInvalid, "does not match");
  expect_refused({sub(kEmptyType), sub(0, type({kI32}, {}))}, ErrorCode::kInvalid, "does not match");
  expect_refused({sub(type({kI32}, {})), sub(0, kEmptyType)}, ErrorCode::kInvalid, "does not match");
  expect_refused({sub(type({}, {kI32})), sub(0, type({}, {kI64}))}, ErrorCode::kInvalid, "does not match");
  expect_refused({group({sub(gives(2)), sub(0, gives(1)), sub(gives(0))})}, ErrorCode::kInvalid, "does not match");
}

TEST(RecursiveTypes, SupertypesComeBeforeAreOneAndNotFinal) {
  expect_refused({kEmptyType, sub(0, kEmptyType)}, ErrorCode::kInvalid, "sub type 1 of type 0, which is final");
  expect_refused({sub(kEmptyType), final_sub(0, kEmptyType), sub(1, kEmptyType)}, ErrorCode::kInvalid, "final");
  expect_refused({sub(0, kEmptyType)}, ErrorCode::kInvalid, "unknown type 0");
  expect_refused({group({sub(1, kEmptyType), sub(kEmptyType)})}, ErrorCode::kInvalid, "unknown type 1");
  expect_refused({sub(kEmptyType), sub(kEmptyType), join({{0x50, 2, 0, 1}, kEmptyType})}, ErrorCode::kInvalid,
                 "declares 2 supertypes");
}

/// A section of `count` types, each below the one before.
ByteVector chain(std::uint32_t count) {
  ByteVector types = join({leb(count), sub(kEmptyType)});
  for (std::uint32_t i = 1; i < count; ++i) {
    const ByteVector each = join({{0x50, 1}, leb(i - 1), kEmptyType});
    types.insert(types.end(), each.begin(), each.end());
  }
  return types;
}

TEST(RecursiveTypes, SupertypesAboveOneAnotherAreLimited) {
  const ByteVector bytes = module({section(1, chain(limits::kSupertypes + 1))});
  const Result<Module> decoded = decode_module(view(bytes));
  ASSERT_TRUE(decoded) << decoded.error().message;
  for (std::uint32_t below = 0; below <= limits::kSupertypes; ++below) {
    EXPECT_EQ(decoded->declarations[below].depth, below);
    for (std::uint32_t above = 0; above <= limits::kSupertypes; ++above) {
      if (above <= below) {
        EXPECT_EQ(supertype_at(decoded->declarations, below, static_cast<std::uint8_t>(above)), above);
      }
      EXPECT_EQ(is_subtype(decoded->declarations, typed_reference(below, false), typed_reference(above, true)),
                above <= below);
      EXPECT_FALSE(is_subtype(decoded->declarations, typed_reference(below, true), typed_reference(above, false)));
    }
  }
  expect_refused(chain(limits::kSupertypes + 2), ErrorCode::kLimit, "too many supertypes");
}

TEST(RecursiveTypes, OneOfTwoBranchesIsNotBelowTheOther) {
  const ByteVector bytes = module({section(
      1, vector({sub(kEmptyType), sub(0, kEmptyType), final_sub(0, kEmptyType), sub(1, kEmptyType), kEmptyType}))});
  const Module decoded = decode_module(view(bytes)).value();
  const std::vector<std::vector<std::uint32_t>> above = {{0}, {0, 1}, {0, 2}, {0, 1, 3}, {4}};
  for (std::uint32_t type = 0; type < above.size(); ++type) {
    for (std::uint32_t wanted = 0; wanted < above.size(); ++wanted) {
      EXPECT_EQ(is_subtype(decoded.declarations, typed_reference(type, true), typed_reference(wanted, true)),
                std::ranges::find(above[type], wanted) != above[type].end())
          << type << " " << wanted;
    }
    EXPECT_TRUE(is_subtype(decoded.declarations, typed_reference(type, true), ValueType::kFuncRef));
    EXPECT_TRUE(is_subtype(decoded.declarations, ValueType::kNullFuncRef, typed_reference(type, true)));
    EXPECT_FALSE(is_subtype(decoded.declarations, typed_reference(type, true), ValueType::kAnyRef));
  }
}

/// A function of type 3, [(ref null 0) (ref null 1) (ref null 2)] -> [], in a module with
/// 0 [] -> []; 1 below 0; 2 below 1, final; a table of (ref null 1); functions 0 to 2 of types 0 to 2, imported.
ByteVector a_module(const ByteVector& operators, const ByteVector& locals) {
  const auto import = [](std::uint8_t type) { return join({text(""), text(""), {0, type}}); };
  return module({
      section(1, vector({sub(kEmptyType),
                         sub(0, kEmptyType),
                         final_sub(1, kEmptyType),
                         {0x60, 3, kRefNull, 0, kRefNull, 1, kRefNull, 2, 0}})),
      section(2, vector({import(0), import(1), import(2)})),
      section(3, vector({{3}})),
      section(4, vector({{kRefNull, 1, 0x00, 4}})),
      section(9, vector({{0x03, 0x00, 3, 0, 1, 2}})),
      section(10, vector({body(operators, locals)})),
  });
}

Result<void> validate(const ByteVector& operators, const ByteVector& locals = {0}) {
  const ByteVector bytes = a_module(operators, locals);
  const Result<Module> decoded = decode_module(view(bytes));
  if (!decoded) return std::unexpected(decoded.error());
  FunctionValidator validator(*decoded);
  NullSink sink;
  return validator.validate(0, sink);
}

TEST(RecursiveTypes, ASubtypeDoesWhereItsSupertypeIsAskedFor) {
  const auto accepts = [](const ByteVector& operators, const ByteVector& locals = {0}) {
    const Result<void> result = validate(operators, locals);
    return result || (ADD_FAILURE() << result.error().message, false);
  };
  const auto refuses = [](const ByteVector& operators, const ByteVector& locals = {0}) {
    const Result<void> result = validate(operators, locals);
    return !result && result.error().message.find("type mismatch") != std::string::npos;
  };
  for (std::uint8_t type = 0; type < 3; ++type) {
    for (std::uint8_t wanted = 0; wanted < 3; ++wanted) {
      const bool below = wanted <= type;
      const auto verdict = [&](const ByteVector& operators, const ByteVector& locals = {0}) {
        EXPECT_TRUE(below ? accepts(operators, locals) : refuses(operators, locals)) << +type << " for " << +wanted;
      };
      verdict({0x20, type, 0x21, wanted});                                          // local.set
      verdict({0xD2, type, 0x21, 3}, {1, 1, kRef, wanted});                         // of ref.func, which is not null
      verdict({0x20, type, 0x14, wanted});                                          // call_ref
      verdict({0x20, type, 0x15, wanted});                                          // return_call_ref
      verdict({0x02, kRefNull, wanted, 0x20, type, 0x0B, 0x1A});                    // the end of a block
      verdict({0x02, kRefNull, wanted, 0x20, type, 0x0C, 0, 0x0B, 0x1A});           // br
      verdict({0x02, kRef, wanted, 0x20, type, 0xD6, 0, 0x00, 0x0B, 0x1A});         // br_on_non_null
      verdict({0x20, type, 0x20, type, 0x41, 0, 0x1C, 1, kRefNull, wanted, 0x1A});  // select
      if (wanted == 1) {
        verdict({0x41, 0, 0x20, type, 0x26, 0});              // table.set
        verdict({0x20, type, 0x41, 1, 0xFC, 0x0F, 0, 0x1A});  // table.grow
      }
      if (type == 1) {
        verdict({0x41, 0, 0x25, 0, 0x21, wanted});  // table.get
      }
    }
  }
}

/// The lines of a function of a_module().
std::vector<std::string> handed_over(const ByteVector& operators, const ByteVector& locals = {0}) {
  const ByteVector bytes = a_module(operators, locals);
  const Module decoded = decode_module(view(bytes)).value();
  FunctionValidator validator(decoded);
  RecordingSink sink;
  const Result<void> result = validator.validate(0, sink);
  EXPECT_TRUE(result) << result.error().message;
  ReachabilitySink reachability;
  EXPECT_TRUE(validator.validate(0, reachability));
  sink.lines.erase(sink.lines.begin());
  return sink.lines;
}

void expect_invalid(const ByteVector& operators, std::string_view words) {
  const Result<void> result = validate(operators);
  ASSERT_FALSE(result) << words;
  EXPECT_NE(result.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
}

using Lines = std::vector<std::string>;

TEST(Casts, GoToAnyTypeOfTheHierarchy) {
  EXPECT_EQ(handed_over({0x20, 0, 0xFB, 0x14, 1, 0x1A}),
            (Lines{"local.get 0", "ref.test (ref 1)", "drop", "end_function true"}));
  EXPECT_EQ(handed_over({0x20, 2, 0xFB, 0x15, kFuncRef, 0x1A}),
            (Lines{"local.get 2", "ref.test funcref", "drop", "end_function true"}));
  EXPECT_EQ(handed_over({0x20, 0, 0xFB, 0x16, 2, 0x21, 3}, {1, 1, kRef, 1}),
            (Lines{"local.get 0", "ref.cast (ref 2)", "local.set 3", "end_function true"}));
  EXPECT_EQ(handed_over({0xD0, kExternRef, 0xFB, 0x17, 0x72, 0x1A}),
            (Lines{"ref.null externref", "ref.cast nullexternref", "drop", "end_function true"}));
  expect_invalid({0x20, 0, 0xFB, 0x14, kExternRef, 0x1A}, "ref.test expects externref, found (ref null 0)");
  expect_invalid({0x41, 0, 0xFB, 0x17, 0, 0x1A}, "ref.cast expects funcref, found i32");
  expect_invalid({0x20, 0, 0xFB, 0x17, 0, 0x21, 1}, "local.set expects (ref null 1), found (ref null 0)");
  expect_invalid({0x20, 0, 0xFB, 0x14, 4, 0x1A}, "unknown type 4");
  EXPECT_TRUE(validate({0x00, 0xFB, 0x16, 2, 0x21, 1}));
}

TEST(Casts, ABranchCarriesWhatItLookedForOrTheRest) {
  const std::uint8_t given_null = 1;
  const std::uint8_t wanted_null = 2;
  // What is not the wanted type stays of the type it was, but without null if the wanted type has null.
  EXPECT_EQ(handed_over({0x02, kRef, 1, 0x20, 0, 0xFB, 0x18, given_null, 0, 0, 1, 0x21, 0, 0x00, 0x0B, 0x1A}),
            (Lines{"block [] -> [(ref 1)]", "local.get 0", "br_on_cast 0 (ref 1)", "local.set 0", "unreachable",
                   "end false", "drop", "end_function true"}));
  const ByteVector local = {1, 1, kRef, 0};
  EXPECT_TRUE(validate(
      {0x02, kRefNull, 1, 0x20, 0, 0xFB, 0x18, given_null | wanted_null, 0, 0, 1, 0x21, 3, 0x00, 0x0B, 0x1A}, local));
  expect_invalid({0x02, kRef, 1, 0x20, 0, 0xFB, 0x18, given_null | wanted_null, 0, 0, 1, 0x1A, 0x00, 0x0B, 0x1A},
                 "br_on_cast expects (ref 1), found (ref null 1)");
  // The other way round.
  EXPECT_EQ(handed_over({0x02, kRefNull, 0, 0x20, 0, 0xFB, 0x19, given_null, 0, 0, 1, 0x21, 1, 0x00, 0x0B, 0x1A}),
            (Lines{"block [] -> [(ref null 0)]", "local.get 0", "br_on_cast_fail 0 (ref 1)", "local.set 1",
                   "unreachable", "end false", "drop", "end_function true"}));
  EXPECT_TRUE(
      validate({0x02, kRef, 0, 0x20, 0, 0xFB, 0x19, given_null | wanted_null, 0, 0, 1, 0x21, 1, 0x00, 0x0B, 0x1A}));
  expect_invalid({0x02, kRef, 0, 0x20, 0, 0xFB, 0x19, given_null, 0, 0, 1, 0x1A, 0x00, 0x0B, 0x1A},
                 "br_on_cast_fail expects (ref 0), found (ref null 0)");
  // With operands that the label takes before it.
  EXPECT_TRUE(
      validate({0x41, 0, 0x20, 0, 0xFB, 0x18, given_null, 0, 0, 1, 0x00}).error().message.find("takes nothing") !=
      std::string::npos);
  expect_invalid({0x02, kRef, 2, 0x20, 1, 0xFB, 0x18, given_null, 0, 1, 0, 0x1A, 0x00, 0x0B, 0x1A},
                 "br_on_cast to (ref 0), which is not below (ref null 1)");
  expect_invalid({0x02, kRef, 1, 0x20, 0, 0xFB, 0x18, wanted_null, 0, 0, 1, 0x1A, 0x00, 0x0B, 0x1A},
                 "not below (ref 0)");
  expect_invalid({0x02, kRef, 1, 0x20, 0, 0xFB, 0x18, 0, 0, 0, 1, 0x1A, 0x00, 0x0B, 0x1A},
                 "br_on_cast expects (ref 0), found (ref null 0)");
  expect_invalid({0x02, kRef, 1, 0x20, 0, 0xFB, 0x18, 4, 0, 0, 1, 0x1A, 0x00, 0x0B, 0x1A},
                 "malformed cast flags: 0x04");
  expect_invalid({0x02, kRef, 1, 0x20, 0, 0xFB, 0x18, given_null, 2, 0, 1, 0x1A, 0x00, 0x0B, 0x1A}, "unknown label 2");
}

TEST(RecursiveTypes, ManyGroupsAreBearable) {
  // Groups that differ in their last type alone, twice over; and chains of supertypes as deep as they may be.
  constexpr std::uint32_t kGroups = 400;
  constexpr std::uint32_t kSize = 100;
  ByteVector types = leb(2 * kGroups + 20'000);
  const auto add = [&](const ByteVector& bytes) { types.insert(types.end(), bytes.begin(), bytes.end()); };
  for (std::uint32_t i = 0; i < 2 * kGroups; ++i) {
    add({0x4E, kSize});
    for (std::uint32_t k = 1; k < kSize; ++k) {
      add(type({kI32, kI64, kF32, kF64}, {}));
    }
    add(type(ByteVector(1 + i % kGroups, kI32), {}));
  }
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const std::uint32_t index = 2 * kGroups * kSize + i;
    add(i % 64 == 0 ? sub(type({}, {kI32})) : join({{0x50, 1}, leb(index - 1), type({}, {kI32})}));
  }
  const ByteVector bytes = module({section(1, types)});
  const auto start = anew::test::thread_time();
  const Result<Module> decoded = decode_module(view(bytes), MemoryLimit(1 << 30, UINT64_MAX));
  EXPECT_LT(anew::test::thread_time() - start, std::chrono::seconds(10));
  ASSERT_TRUE(decoded) << decoded.error().message;
  for (std::uint32_t i = 0; i < kGroups * kSize; ++i) {
    ASSERT_EQ(decoded->canonical_types[i], i);
    ASSERT_EQ(decoded->canonical_types[kGroups * kSize + i], i);
  }
}

}  // namespace
}  // namespace anew::wasm::test
