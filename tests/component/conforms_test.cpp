// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a host gives that is not of a function's types is refused before the guest is touched, and where it is wrong.
#include "component/conforms.hpp"

#include <gtest/gtest.h>

#include "guest.hpp"

namespace anew::component {
namespace {

class Conforms : public ::testing::Test {
 protected:
  TypeMaker make;

  void refuses(Type type, const Value& value, const std::string& message) {
    const auto result = conforms_to_result(make.types, {.parameters = {}, .result = type}, value);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kArgument);
    EXPECT_EQ(result.error().message, "the result" + message);
    // As an argument, too: nothing is asked of the guest.
    Guest guest(make.types);
    EXPECT_EQ(guest.lower(type, value).error().code, ErrorCode::kArgument);
    EXPECT_TRUE(guest.requests.empty());
  }
};

TEST_F(Conforms, NumbersAreOfTheVeryType) {
  refuses(kS32, std::uint32_t{1}, ": expected s32, not a u32");
  refuses(kU8, std::int32_t{1}, ": expected u8, not an s32");
  refuses(kF64, 1.0F, ": expected f64, not an f32");
  refuses(kBool, Value(), ": expected bool, not no value");
  refuses(kChar, static_cast<char32_t>(0xD800), ": 0xd800 is no Unicode scalar value");
  refuses(kChar, static_cast<char32_t>(0x110000), ": 0x110000 is no Unicode scalar value");
  refuses(kString, Bytes(), ": expected string, not bytes");
}

TEST_F(Conforms, SaysWhere) {
  const Type record = make.record({{"name", kString}, {"sizes", make.list(make.tuple({kU8, kU16}))}});
  refuses(record, Values{std::string("a")},
          ": expected 2 values, for record { name: string, sizes: list<tuple<u8, u16>> }, not 1");
  refuses(record,
          Values{std::string("a"), Values{Values{std::uint8_t{1}, std::uint16_t{2}}, Values{std::uint8_t{1}, true}}},
          ", field \"sizes\", element 1, element 1: expected u16, not a bool");
  refuses(make.option(kU8), some(true), ", case \"some\": expected u8, not a bool");
}

TEST_F(Conforms, ListsOfBytesAreBytes) {
  refuses(make.list(kU8), values<std::uint8_t>(1, 2), ": expected list<u8>, not a list or record");
  refuses(make.list(kS8), bytes({1, 2}), ": expected list<s8>, not bytes");
}

TEST_F(Conforms, ListsAreBounded) {
  Type large = kU8;
  for (int k = 0; k < 6; ++k) large = make.tuple(std::vector<Type>(16, large));
  // 16 MiB each. They are not looked at.
  refuses(make.list(large), Values(16), ": 268435456 bytes are more than a string or list may have, 268435455");
  const auto fits = conforms_to_result(make.types, {.parameters = {}, .result = make.list(large)}, Values(15));
  EXPECT_TRUE(fits.error().message.starts_with("the result, element 0: expected tuple<")) << fits.error().message;
}

TEST_F(Conforms, Cases) {
  refuses(make.option(kU8), Case(2), ": case 2 of option<u8>, which has 2 cases");
  refuses(make.option(kU8), Case(1), ": case \"some\" lacks a payload");
  refuses(make.option(kU8), Case(0, std::uint8_t{1}), ": case \"none\" must not have a payload");
  refuses(make.option(kU8), std::uint8_t{1}, ": expected option<u8>, not a u8");
  refuses(make.enumeration(3), Case(3), ": case 3 of enum { c0, c1, c2 }, which has 3 cases");
}

TEST_F(Conforms, FlagsThatAreNone) {
  refuses(make.flags(2), Flags{4}, ": bits 0x4 for flags { f0, f1 }, which has 2 flags");
  refuses(make.flags(2), std::uint32_t{1}, ": expected flags { f0, f1 }, not a u32");
}

TEST_F(Conforms, Arguments) {
  const FunctionType type = {.parameters = {{"left", kU8}, {"right", kU8}}, .result = {}};
  EXPECT_TRUE(conforms(make.types, type, values<std::uint8_t>(1, 2)));
  EXPECT_EQ(conforms(make.types, type, values<std::uint8_t>(1)).error().message,
            "the function takes 2 arguments, not 1");
  EXPECT_EQ(conforms(make.types, type, Values{std::uint8_t{1}, true}).error().message,
            "argument \"right\": expected u8, not a bool");
}

}  // namespace
}  // namespace anew::component
