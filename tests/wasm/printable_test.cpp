// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/printable.hpp"

#include <gtest/gtest.h>

#include <string>

#include "wasm/reader.hpp"

namespace anew::wasm::test {
namespace {

TEST(Printable, EscapesWhatDrivesATerminalOrForgesALine) {
  EXPECT_EQ(printable("plain \"text\" \\ ~"), "plain \"text\" \\ ~");
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable(std::string_view("\0\x1b[2J\x7f", 6)), "\\x00\\x1b[2J\\x7f");
  EXPECT_EQ(printable("\u0080\u009b\u00a0"), "\\u{80}\\u{9b}\u00a0");
  EXPECT_EQ(printable("\u202a\u202e\u2066\u2069\u200e\u200f\u061c"),
            "\\u{202a}\\u{202e}\\u{2066}\\u{2069}\\u{200e}\\u{200f}\\u{61c}");
  EXPECT_EQ(printable("\u2028\u2029"), "\\u{2028}\\u{2029}");
  EXPECT_EQ(printable("Zürich 東京 \U0001F980"), "Zürich 東京 \U0001F980");
}

TEST(Printable, EscapesWhatIsNoUtf8) {
  EXPECT_EQ(printable("\xff\xc3("), "\\xff\\xc3(");
  EXPECT_EQ(printable("\xe2\x80"), "\\xe2\\x80");           // cut short
  EXPECT_EQ(printable("\xc0\x8a"), "\\xc0\\x8a");           // a line feed, overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Printable, LetsNoByteThrough) {
  // Every pair of bytes, alone and behind the beginnings of longer characters.
  for (const std::string_view before : {"", "\xe2", "\xe2\x80", "\xf0\x9f"}) {
    for (unsigned i = 0; i < 0x10000; ++i) {
      const std::string text =
          std::string(before) + static_cast<char>(i >> 8) + static_cast<char>(i & 0xFF);  // bytes as characters
      const std::string safe = printable(text);
      ASSERT_TRUE(is_utf8(safe)) << i;
      for (const char c : safe) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) << i;
      for (const char* const hidden : {"\xc2\x85", "\xe2\x80\xae", "\xe2\x80\xa8", "\xe2\x81\xa6"})
        ASSERT_EQ(safe.find(hidden), std::string::npos) << i;
    }
  }
}

TEST(Printable, CutsNamesBetweenCharacters) {
  EXPECT_EQ(printable_name(std::string(400, 'x')), std::string(400, 'x'));
  EXPECT_EQ(printable_name(std::string(401, 'x')), std::string(400, 'x') + "...");
  EXPECT_EQ(printable_name(std::string(399, 'x') + "ü"), std::string(399, 'x') + "...");
  EXPECT_EQ(printable_name(std::string(397, 'x') + "\U0001F980"), std::string(397, 'x') + "...");
  EXPECT_EQ(printable_name(std::string(1000, '\xBF')).substr(0, 8), "\\xbf\\xbf");  // no UTF-8 at all
}

TEST(Printable, FunctionsAreDemangledAndThenEscaped) {
  EXPECT_EQ(function_text("_ZN3foo3barE"), "foo::bar");
  EXPECT_EQ(function_text("_ZN3f\no3barE"), "f\\no::bar");
  EXPECT_EQ(function_text("ma\nin"), "ma\\nin");
}

}  // namespace
}  // namespace anew::wasm::test
