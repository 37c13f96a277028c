// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <anew/substrate.hpp>
#include <cstdint>
#include <random>

#include "host/substrate/scale.hpp"
#include "substrate/bytes.hpp"

namespace anew::substrate {
namespace {

/// "polkadot", "parity", then 1, 2, 3, then `apis`, then `rest`.
Bytes version_with(std::string_view apis, std::string_view rest) {
  return join({from_hex("20"), from_text("polkadot"), from_hex("18"), from_text("parity"),
               from_hex("01000000 02000000 03000000"), from_hex(apis), from_hex(rest)});
}

constexpr ApiId kCore = {0xDF, 0x6A, 0xCB, 0x68, 0x99, 0x07, 0x60, 0x9B};

TEST(ApiNames, AreFoundByTheHashOfTheName) {
  EXPECT_EQ(api_name(kCore), "Core");
  EXPECT_EQ(api_name({0x37, 0xE3, 0x97, 0xFC, 0x7C, 0x91, 0xF5, 0xE4}), "Metadata");
  EXPECT_EQ(api_name({0xAB, 0x3C, 0x05, 0x72, 0x29, 0x1F, 0xEB, 0x8B}), "SessionKeys");
  EXPECT_EQ(api_name({}), "");
  EXPECT_EQ(api_name({0xDF, 0x6A, 0xCB, 0x68, 0x99, 0x07, 0x60, 0x9C}), "");
}

TEST(RuntimeVersion, OldestLayoutHasNoTransactionVersion) {
  const auto version = decode_version(version_with("08 df6acb689907609b 02000000 37e397fc7c91f5e4 01000000", ""));
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->spec_name, "polkadot");
  EXPECT_EQ(version->impl_name, "parity");
  EXPECT_EQ(version->authoring_version, 1u);
  EXPECT_EQ(version->spec_version, 2u);
  EXPECT_EQ(version->impl_version, 3u);
  ASSERT_EQ(version->apis.size(), 2u);
  EXPECT_EQ(version->apis[0], (RuntimeApi{kCore, 2}));
  EXPECT_EQ(api_name(version->apis[1].id), "Metadata");
  EXPECT_EQ(version->transaction_version, 1u);
  EXPECT_EQ(version->state_version, 0u);
}

TEST(RuntimeVersion, CoreApi3HasATransactionVersion) {
  const auto version = decode_version(version_with("04 df6acb689907609b 03000000", "07000000"));
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->transaction_version, 7u);
  EXPECT_EQ(version->state_version, 0u);
}

TEST(RuntimeVersion, CoreApi4HasAStateVersion) {
  const auto version = decode_version(version_with("04 df6acb689907609b 04000000", "07000000 01"));
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->transaction_version, 7u);
  EXPECT_EQ(version->state_version, 1u);
}

TEST(RuntimeVersion, WithoutACoreApiTheLayoutIsTheOldest) {
  const auto version = decode_version(version_with("00", "07000000 01"));
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_TRUE(version->apis.empty());
  EXPECT_EQ(version->transaction_version, 1u) << "what follows the layout is not looked at";
}

TEST(RuntimeVersion, CutShortAnywhereIsRefused) {
  const Bytes whole = version_with("08 df6acb689907609b 04000000 37e397fc7c91f5e4 01000000", "07000000 01");
  ASSERT_TRUE(decode_version(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto version = decode_version(std::span(whole).first(size));
    ASSERT_FALSE(version) << "cut to " << size;
    EXPECT_EQ(version.error().code, ErrorCode::kMalformed);
    EXPECT_TRUE(version.error().message.starts_with("runtime version: ")) << version.error().message;
  }
}

TEST(RuntimeVersion, AStringMustBeUtf8) {
  const auto version = decode_version(from_hex("08 c328 00 00000000 00000000 00000000 00"));
  ASSERT_FALSE(version);
  EXPECT_NE(version.error().message.find("not UTF-8 (byte 0)"), std::string::npos) << version.error().message;
}

TEST(RuntimeVersion, ALengthPastTheDataReservesNothing) {
  const auto version = decode_version(version_with("03ffffffff df6acb689907609b 04000000", ""));
  ASSERT_FALSE(version);
  EXPECT_NE(version.error().message.find("a length is more than the data"), std::string::npos)
      << version.error().message;
}

TEST(RuntimeVersion, GarbageNeverDoesMoreThanFail) {
  std::mt19937 random(11);
  const Bytes whole = version_with("08 df6acb689907609b 04000000 37e397fc7c91f5e4 01000000", "07000000 01");
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes = whole;
    for (auto changes = random() % 4 + 1; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    }
    const auto version = decode_version(bytes);
    refused += version ? 0 : 1;
    if (version) {
      ASSERT_LE(version->apis.size(), bytes.size() / 12);
    }
  }
  EXPECT_GT(refused, 1000) << "lengths and UTF-8 were hit, too";
}

TEST(ScaleCompact, ReadsWhatItWrites) {
  std::mt19937 random(13);
  std::vector<std::uint32_t> values = {0, 1, 63, 64, 16'383, 16'384, (1u << 30) - 1, 1u << 30, 0xFFFF'FFFF};
  for (int i = 0; i < 1000; ++i) values.push_back(static_cast<std::uint32_t>(random() >> random() % 32));
  for (const std::uint32_t value : values) {
    Bytes bytes;
    append_compact(bytes, value);
    ScaleReader reader(bytes);
    std::uint32_t read = 0;
    ASSERT_TRUE(reader.compact(read)) << value;
    EXPECT_EQ(read, value);
    EXPECT_EQ(reader.position(), bytes.size());
  }
}

TEST(ScaleCompact, OnlyTheShortestFormIsValid) {
  // 63 in two bytes, 16,383 in four, 2^30 - 1 in five, 1 in nine.
  for (const char* longer : {"fd00", "feff0000", "03ffffff3f", "130100000000000000"}) {
    const Bytes bytes = from_hex(longer);
    ScaleReader reader(bytes);
    std::uint32_t value = 0;
    EXPECT_FALSE(reader.compact(value)) << longer;
  }
}

}  // namespace
}  // namespace anew::substrate
