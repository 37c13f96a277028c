// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/wave.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "guest.hpp"

namespace anew::component {
namespace {

class Wave : public ::testing::Test {
 protected:
  TypeMaker make;

  /// The text of the value, and the value of the text.
  void both(Type type, const Value& value, const std::string& text) {
    EXPECT_EQ(to_wave(make.types, type, value), text);
    reads(type, text, value);
  }
  void reads(Type type, const std::string& text, const Value& expected) {
    const auto value = from_wave(make.types, type, text);
    ASSERT_TRUE(value) << text << ": " << value.error().message;
    EXPECT_EQ(*value, expected) << text;
  }
  void refuses(Type type, const std::string& text, const std::string& message) {
    const auto value = from_wave(make.types, type, text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::kArgument);
    EXPECT_EQ(value.error().message, message);
  }
};

TEST_F(Wave, Numbers) {
  both(kBool, true, "true");
  both(kBool, false, "false");
  both(kS8, std::int8_t{-128}, "-128");
  both(kU8, std::uint8_t{255}, "255");
  both(kS16, std::int16_t{-32768}, "-32768");
  both(kU16, std::uint16_t{65535}, "65535");
  both(kS32, std::numeric_limits<std::int32_t>::min(), "-2147483648");
  both(kU32, std::uint32_t{4294967295}, "4294967295");
  both(kS64, std::numeric_limits<std::int64_t>::min(), "-9223372036854775808");
  both(kU64, std::numeric_limits<std::uint64_t>::max(), "18446744073709551615");
  both(kF32, 3.14F, "3.14");
  both(kF64, 3.14, "3.14");
  both(kF64, -0.0, "-0");
  both(kF64, 6.022e+23, "6.022e+23");
  both(kF32, std::numeric_limits<float>::infinity(), "inf");
  both(kF64, -std::numeric_limits<double>::infinity(), "-inf");
  EXPECT_EQ(to_wave(make.types, kF32, std::nanf("")), "nan");
  EXPECT_TRUE(std::isnan(from_wave(make.types, kF64, "nan").value().as<double>()));
  reads(kF64, "1E2", 100.0);
  reads(kF64, "  7 // seven\n // and that is all", 7.0);
}

TEST_F(Wave, NumbersThatAreNone) {
  refuses(kU8, "256", "column 1: 256 is out of the range of u8");
  refuses(kU8, "-1", "column 1: -1 is out of the range of u8");
  refuses(kS8, " 128", "column 2: 128 is out of the range of s8");
  refuses(kF32, "1e39", "column 1: 1e39 is out of the range of f32");
  refuses(kU32, "", "column 1: expected u32, not the end");
  refuses(kU32, "-", "column 1: expected u32, not \"-\"");
  refuses(kU32, "1.5", "column 2: expected the end, not \".5\"");
  refuses(kF64, "1.", "column 1: expected f64, not \"1.\"");
  refuses(kF64, "1e", "column 1: expected f64, not \"1e\"");
  refuses(kF64, "nano", "column 1: expected f64, not \"nano\"");
  refuses(kF64, "infinity", "column 1: expected f64, not \"infinity\"");
  refuses(kF64, "0x10", "column 2: expected the end, not \"x10\"");
  refuses(kBool, "truest", "column 1: expected true or false, not \"truest\"");
  refuses(kBool, "%true", "column 1: expected true or false, not \"%true\"");
}

TEST_F(Wave, Strings) {
  both(kString, std::string("abc\t123"), R"("abc\t123")");
  both(kString, std::string(), R"("")");
  both(kString, std::string("\"quoted\" 'not' \\"), R"("\"quoted\" 'not' \\")");
  both(kString, std::string("\n\r\x01\x7F", 4), R"("\n\r\u{1}\u{7f}")");
  both(kString, std::string("\0", 1), R"("\u{0}")");
  both(kString, std::string("☃ 👋"), R"("☃ 👋")");
  both(kString, std::string("\u202Eevil"), R"("\u{202e}evil")");
  reads(kString, R"("\'\u{1F44B}")", std::string("'👋"));
  both(kChar, U'x', "'x'");
  both(kChar, U'☃', "'☃'");
  both(kChar, U'\'', R"('\'')");
  both(kChar, U'"', R"('"')");
  both(kChar, U'\0', R"('\u{0}')");
  refuses(kString, "\"abc", "column 5: expected a closing \", not the end");
  refuses(kString, "\"a\nc\"", "column 3: expected a closing \", not \"\\nc\"\"");
  refuses(kString, R"("\x41")",
          R"(column 2: expected an escape, which is one of \' \" \\ \t \n \r \u{1F600}, not "\x41"")");
  refuses(kString, R"("\u{D800}")", "column 2: U+D800 is no Unicode scalar value");
  refuses(kString, R"("\u{110000}")", "column 2: U+110000 is no Unicode scalar value");
  EXPECT_FALSE(from_wave(make.types, kString, R"("\u{FFFFFFFFFF}")"));
  EXPECT_FALSE(from_wave(make.types, kString, R"("\u{41")"));
  EXPECT_FALSE(from_wave(make.types, kString, R"("\)"));
  refuses(kString, "\"\xFF\"", "column 2: the text is not UTF-8");
  refuses(kChar, "''", "column 2: expected a character, not \"'\"");
  refuses(kChar, "'ab'", "column 3: expected a closing ', not \"b'\"");
  refuses(kChar, "'", "column 2: expected a closing ', not the end");
  refuses(kString, "abc", "column 1: expected \"\"\", not \"abc\"");
}

TEST_F(Wave, Lists) {
  both(make.list(kU32), values<std::uint32_t>(1, 2, 3), "[1, 2, 3]");
  both(make.list(kU32), Values(), "[]");
  both(make.list(kU8), bytes({0, 255}), "[0, 255]");
  both(make.list(make.list(kString)), Values{Values{std::string("a")}, Values()}, R"([["a"], []])");
  reads(make.list(kU32), "[ 1,2 , ]", values<std::uint32_t>(1, 2));
  refuses(make.list(kU8), "[1, 300]", "column 5: 300 is out of the range of u8");
  refuses(make.list(kU32), "[1 2]", "column 4: expected \",\" or \"]\", not \"2]\"");
  refuses(make.list(kU32), "[,]", "column 2: expected u32, not \",]\"");
  refuses(make.list(kU32), "[1", "column 3: expected \",\" or \"]\", not the end");
  refuses(make.list(kU32), "[1]]", "column 4: expected the end, not \"]\"");
}

TEST_F(Wave, TuplesAndRecords) {
  both(make.tuple({kString, kU8}), Values{std::string("abc"), std::uint8_t{123}}, R"(("abc", 123))");
  refuses(make.tuple({kU8, kU8}), "(1)", "column 3: 1 elements for tuple<u8, u8>");
  refuses(make.tuple({kU8, kU8}), "(1, 2, 3)", "column 8: expected \")\" after the 2 elements, not \"3)\"");

  const Type record = make.record({{"must-have", kU8}, {"optional", make.option(kU8)}});
  both(record, Values{std::uint8_t{1}, some(std::uint8_t{2})}, "{must-have: 1, optional: some(2)}");
  both(record, Values{std::uint8_t{1}, none()}, "{must-have: 1, optional: none}");
  reads(record, "{ %optional:none,must-have : 123, }", Values{std::uint8_t{123}, none()});
  reads(record, "{must-have: 123}", Values{std::uint8_t{123}, none()});
  reads(make.record({{"optional", make.option(kU8)}}), "{:}", Values{none()});
  refuses(record, "{optional: 1}", "column 1: the record lacks its field must-have");
  refuses(record, "{:}", "column 1: the record lacks its field must-have");
  refuses(record, "{must-have: 1, must-have: 2}", "column 16: the field must-have is there twice");
  refuses(record, "{other: 1}",
          "column 2: expected a field of record { must-have: u8, optional: option<u8> }, not \"other: 1}\"");
  refuses(record, "{must-have 1}", "column 12: expected \":\", not \"1}\"");
}

TEST_F(Wave, Cases) {
  const Type variant = make.variant({{"empty", std::nullopt}, {"body", make.list(kU8)}, {"err", kString}});
  both(variant, Case(0), "empty");
  both(variant, Case(1, bytes({79, 75})), "body([79, 75])");
  both(variant, Case(2, std::string("oops")), R"(%err("oops"))");
  reads(variant, "%empty", Case(0));
  reads(variant, "body ( [] )", Case(1, Bytes()));
  refuses(variant, "err(\"oops\")", "column 1: the case err is a keyword, and is written %err");
  refuses(variant, "body", "column 5: expected \"(\", not the end");
  refuses(variant, "empty(1)", "column 6: expected the end, not \"(1)\"");
  refuses(variant, "full", "column 1: expected a case of variant { empty, body(list<u8>), err(string) }, not \"full\"");

  const Type status = make.make(Kind::kEnum, {{"ok", std::nullopt}, {"not-found", std::nullopt}});
  both(status, Case(0), "%ok");
  both(status, Case(1), "not-found");

  both(make.option(kU8), some(std::uint8_t{123}), "some(123)");
  both(make.option(kU8), none(), "none");
  reads(make.option(kU8), "123", some(std::uint8_t{123}));
  reads(make.option(kString), R"("flat some")", some(std::string("flat some")));
  both(make.option(make.option(kU8)), some(none()), "some(none)");
  refuses(make.option(make.option(kU8)), "1", "column 1: expected option<option<u8>>, not \"1\"");
  refuses(make.option(kU8), "some", "column 5: expected \"(\", not the end");
  both(make.option(status), some(Case(0)), "some(%ok)");
  reads(make.option(status), "%ok", some(Case(0)));

  both(make.result(kU8, kString), ok(std::uint8_t{1}), "ok(1)");
  both(make.result(kU8, kString), error(std::string("oops")), R"(err("oops"))");
  reads(make.result(kU8, kString), "1", ok(std::uint8_t{1}));
  both(make.result(std::nullopt, std::nullopt), ok(), "ok");
  both(make.result(std::nullopt, std::nullopt), error(), "err");
  refuses(make.result(std::nullopt, kString), "1", "column 1: expected result<_, string>, not \"1\"");
}

TEST_F(Wave, Flags) {
  const Type permissions = make.make(Kind::kFlags, {{"read", {}}, {"write", {}}, {"exec", {}}});
  both(permissions, Flags{3}, "{read, write}");
  both(permissions, Flags{0}, "{}");
  reads(permissions, "{write, %read,}", Flags{3});
  refuses(permissions, "{read, read}", "column 8: the flag read is there twice");
  refuses(permissions, "{fly}", "column 2: expected one of flags { read, write, exec }, not \"fly}\"");
  both(make.flags(32), Flags{0x80000000}, "{f31}");
}

TEST_F(Wave, HandlesAreShownOnly) {
  make.types.name_resource(1, "file");
  EXPECT_EQ(to_wave(make.types, {Kind::kOwn, 1}, Resource{7, true}), "<own<file> 7>");
  refuses({Kind::kBorrow, 1}, "7",
          "column 1: a handle, borrow<file>, cannot be written: call a function that returns one");
}

}  // namespace
}  // namespace anew::component
