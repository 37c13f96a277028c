// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/reader.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "module_bytes.hpp"

namespace anew::wasm::test {
namespace {

TEST(Reader, ReadsUnsignedIntegersOfEveryLength) {
  for (unsigned bits = 0; bits <= 32; ++bits) {
    const std::uint64_t value = (std::uint64_t{1} << bits) - 1;
    const ByteVector bytes = leb(value);
    Reader reader(view(bytes));
    std::uint32_t read = 0;
    ASSERT_TRUE(reader.u32(read)) << value;
    EXPECT_EQ(read, value);
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(Reader, ReadsSignedIntegers) {
  struct Case {
    ByteVector bytes;
    std::int64_t value;
  };
  const Case cases[] = {
      {{0x00}, 0},
      {{0x3F}, 63},
      {{0x40}, -64},
      {{0x7F}, -1},
      {{0xC0, 0x00}, 64},
      {{0xFF, 0x7E}, -129},
      {{0x80, 0x7F}, -128},
      {{0xFF, 0xFF, 0xFF, 0xFF, 0x07}, std::numeric_limits<std::int32_t>::max()},
      {{0x80, 0x80, 0x80, 0x80, 0x78}, std::numeric_limits<std::int32_t>::min()},
      {{0xFF, 0xFF, 0xFF, 0xFF, 0x7F}, -1},  // padded
  };
  for (const Case& each : cases) {
    std::uint32_t bits = 0;
    std::int64_t s33 = 0;
    std::uint64_t s64 = 0;
    ASSERT_TRUE(Reader(view(each.bytes)).s32(bits));
    EXPECT_EQ(static_cast<std::int32_t>(bits), each.value);
    ASSERT_TRUE(Reader(view(each.bytes)).s33(s33));
    EXPECT_EQ(s33, each.value);
    ASSERT_TRUE(Reader(view(each.bytes)).s64(s64));
    EXPECT_EQ(static_cast<std::int64_t>(s64), each.value);
  }
  const ByteVector lowest = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7F};
  std::uint64_t bits = 0;
  ASSERT_TRUE(Reader(view(lowest)).s64(bits));
  EXPECT_EQ(bits, std::uint64_t{1} << 63);
}

TEST(Reader, RefusesIntegersThatAreTooLongOrTooLarge) {
  const auto error_of = [](const ByteVector& bytes, auto read) {
    Reader reader(view(bytes), 100);
    EXPECT_FALSE(read(reader));
    return reader.take_error();
  };
  std::uint32_t u32 = 0;
  std::uint64_t s64 = 0;
  std::int64_t s33 = 0;
  const auto read_u32 = [&](Reader& reader) { return reader.u32(u32); };
  const auto read_s32 = [&](Reader& reader) { return reader.s32(u32); };
  const auto read_s33 = [&](Reader& reader) { return reader.s33(s33); };
  const auto read_s64 = [&](Reader& reader) { return reader.s64(s64); };

  const ByteVector six = {0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
  for (const Error& error : {error_of(six, read_u32), error_of(six, read_s32), error_of(six, read_s33)}) {
    EXPECT_EQ(error.code, ErrorCode::kMalformed);
    EXPECT_EQ(error.message, "integer representation too long");
    EXPECT_EQ(error.offset, 100u);
  }
  EXPECT_NE(error_of({0x80, 0x80, 0x80, 0x80, 0x10}, read_u32).message.find("integer too large"), std::string::npos);
  EXPECT_NE(error_of({0x80, 0x80, 0x80, 0x80, 0x08}, read_s32).message.find("integer too large"), std::string::npos);
  EXPECT_NE(error_of({0xFF, 0xFF, 0xFF, 0xFF, 0x4F}, read_s32).message.find("integer too large"), std::string::npos);
  EXPECT_NE(error_of({0x80, 0x80, 0x80, 0x80, 0x10}, read_s33).message.find("integer too large"), std::string::npos);
  const ByteVector nine(9, 0x80);
  EXPECT_NE(error_of(join({nine, {0x01}}), read_s64).message.find("integer too large"), std::string::npos);
  EXPECT_NE(error_of(join({nine, {0x80, 0x00}}), read_s64).message.find("too long"), std::string::npos);
  EXPECT_NE(error_of({0x80, 0x80}, read_u32).message.find("unexpected end"), std::string::npos);
  EXPECT_NE(error_of({}, read_s64).message.find("unexpected end"), std::string::npos);
}

TEST(Reader, ChecksCountsAgainstTheBytesLeftBeforeTheLimit) {
  std::uint32_t count = 0;
  const ByteVector hostile = {0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00};
  Reader reader(view(hostile));
  EXPECT_FALSE(reader.count(10, "things", count));
  EXPECT_EQ(reader.take_error().code, ErrorCode::kMalformed);

  const ByteVector many = {3, 0, 0, 0};
  Reader second(view(many));
  EXPECT_FALSE(second.count(2, "things", count));
  EXPECT_EQ(second.take_error().code, ErrorCode::kLimit);
  Reader third(view(many));
  EXPECT_TRUE(third.count(3, "things", count));
}

TEST(Utf8, AcceptsWhatIsWellFormedAndNothingElse) {
  for (const std::string_view good : {"", "a", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                                      "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "gr\xC3\xBC\xC3\x9F"}) {
    EXPECT_TRUE(is_utf8(good));
  }
  for (const std::string_view bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE1\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xFE", "\xF1\x80\x80\xC0"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

}  // namespace
}  // namespace anew::wasm::test
