// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/types.hpp"

#include <gtest/gtest.h>

#include "guest.hpp"

namespace anew::component {
namespace {

class TypesOfComponents : public ::testing::Test {
 protected:
  TypeMaker make;

  void lays_out(Type type, std::uint32_t size, std::uint32_t alignment) {
    EXPECT_EQ(make.types.layout(type).size, size) << make.types.text(type);
    EXPECT_EQ(make.types.layout(type).alignment, alignment) << make.types.text(type);
  }
};

TEST_F(TypesOfComponents, EqualTypesAreOne) {
  const Type first = make.record({{"a", kU8}, {"b", make.list(kString)}});
  EXPECT_EQ(make.record({{"a", kU8}, {"b", make.list(kString)}}), first);
  EXPECT_NE(make.record({{"a", kU8}, {"c", make.list(kString)}}), first);
  EXPECT_NE(make.record({{"a", kU8}, {"b", make.list(kU8)}}), first);
  EXPECT_NE(make.tuple({kU8, make.list(kString)}), first);
  EXPECT_NE(make.list({Kind::kOwn, 1}), make.list({Kind::kOwn, 2}));
  EXPECT_NE(make.list({Kind::kOwn, 1}), make.list({Kind::kBorrow, 1}));
}

TEST_F(TypesOfComponents, Layouts) {
  lays_out(kBool, 1, 1);
  lays_out(kU64, 8, 8);
  lays_out(kString, 8, 4);
  lays_out(make.list(kU64), 8, 4);
  lays_out({Kind::kOwn, 0}, 4, 4);
  lays_out(make.tuple({kU8, kU16, kU8, kU32}), 12, 4);
  lays_out(make.tuple({kU8, kU64, kU8}), 24, 8);
  lays_out(make.flags(8), 1, 1);
  lays_out(make.flags(9), 2, 2);
  lays_out(make.flags(17), 4, 4);
  lays_out(make.option(kU8), 2, 1);
  lays_out(make.option(kU64), 16, 8);
  lays_out(make.result(kU8, kString), 12, 4);
  lays_out(make.variant({{"a", kU64}, {"b", make.tuple({kU64, kU8})}}), 24, 8);
  lays_out(make.enumeration(256), 1, 1);
  lays_out(make.enumeration(257), 2, 2);
}

TEST_F(TypesOfComponents, AreBounded) {
  EXPECT_EQ(make.types.add(Kind::kTuple, {}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(make.types.add(Kind::kFlags, TypeMaker::numbered("f", 33)).error().code, ErrorCode::kLimit);

  Type type = kU8;
  for (std::uint32_t k = 0; k < kMostDepth; ++k) type = make.list(type);
  EXPECT_EQ(make.types.add(Kind::kList, {{"", type}}).error().message, "a type is nested more than 100 deep");

  type = kU8;
  for (int k = 0; k < 6; ++k) type = make.tuple(std::vector<Type>(16, type));
  type = make.tuple(std::vector<Type>(15, type));
  lays_out(type, 15 << 24, 1);
  EXPECT_EQ(make.types.add(Kind::kTuple, TypeMaker::unnamed({type, type})).error().message,
            "a value of a type takes more than 268435455 bytes");
  EXPECT_EQ(make.types.add(Kind::kTuple, TypeMaker::unnamed(std::vector<Type>(1000, type))).error().code,
            ErrorCode::kLimit);
}

TEST_F(TypesOfComponents, AsText) {
  const auto text = [&](Type type) { return make.types.text(type); };
  EXPECT_EQ(text(make.list(make.tuple({kString, kU32}))), "list<tuple<string, u32>>");
  EXPECT_EQ(text(make.record({{"a", kBool}, {"b", kF64}})), "record { a: bool, b: f64 }");
  EXPECT_EQ(text(make.variant({{"a", kChar}, {"b", std::nullopt}})), "variant { a(char), b }");
  EXPECT_EQ(text(make.enumeration(2)), "enum { c0, c1 }");
  EXPECT_EQ(text(make.flags(2)), "flags { f0, f1 }");
  EXPECT_EQ(text(make.option(kS8)), "option<s8>");
  EXPECT_EQ(text(make.result(kU8, kString)), "result<u8, string>");
  EXPECT_EQ(text(make.result(kU8, {})), "result<u8>");
  EXPECT_EQ(text(make.result({}, kU8)), "result<_, u8>");
  EXPECT_EQ(text(make.result({}, {})), "result");
  make.types.name_resource(3, "stream");
  EXPECT_EQ(text({Kind::kOwn, 3}), "own<stream>");
  EXPECT_EQ(text({Kind::kBorrow, 2}), "borrow<resource-2>");
}

TEST_F(TypesOfComponents, TextIsCut) {
  // 2^45 words, each of which would cost a step.
  Type type = kU8;
  for (int k = 0; k < 45; ++k) type = make.list(make.tuple({type, type}));
  const std::string text = make.types.text(type);
  EXPECT_EQ(text.size(), 503u);
  EXPECT_TRUE(text.ends_with("..."));
}

}  // namespace
}  // namespace anew::component
