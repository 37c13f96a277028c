// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Strings of guests in all three encodings: what is read, what is refused, and how the allocator is asked.
#include "component/strings.hpp"

#include <gtest/gtest.h>

#include "guest.hpp"

namespace anew::component {
namespace {

using binary::StringEncoding;
using Slots = std::vector<std::uint64_t>;
using Requests = std::vector<Request>;

constexpr std::uint64_t kUtf16Tag = 1U << 31;

class Strings : public ::testing::Test {
 protected:
  Types types;
  Guest guest{types};

  void lifts(StringEncoding encoding, std::string_view memory, std::uint64_t length, const std::string& expected) {
    guest.side.encoding = encoding;
    guest.write(0, memory);
    const auto lifted = guest.lift(kString, {0, length});
    ASSERT_TRUE(lifted) << lifted.error().message;
    EXPECT_EQ(lifted->as<std::string>(), expected);
  }
  void traps(StringEncoding encoding, std::string_view memory, std::uint64_t length, std::string_view words) {
    guest.side.encoding = encoding;
    guest.write(0, memory);
    const auto lifted = guest.lift(kString, {0, length});
    ASSERT_FALSE(lifted);
    EXPECT_EQ(lifted.error().code, ErrorCode::kTrap);
    EXPECT_NE(lifted.error().message.find(words), std::string::npos) << lifted.error().message;
  }
  /// Lowers, and compares what is in memory, its length and what the allocator was asked for.
  void lowers(StringEncoding encoding, const std::string& text, std::string_view memory, std::uint64_t length,
              const Requests& requests) {
    guest.side.encoding = encoding;
    guest.requests.clear();
    const Slots slots = guest.lower(kString, text).value();
    EXPECT_EQ(guest.read(slots[0], memory.size()), memory);
    EXPECT_EQ(slots[1], length);
    for (Request& request : guest.requests)
      if (request.old != 0) request.old = 1;  // "what it gave before"
    EXPECT_EQ(guest.requests, requests);
    EXPECT_EQ(guest.lift(kString, slots).value(), Value(text));
  }
};

TEST_F(Strings, ComeBackInEachEncoding) {
  for (const auto encoding : {StringEncoding::kUtf8, StringEncoding::kUtf16, StringEncoding::kLatin1OrUtf16}) {
    guest.side.encoding = encoding;
    for (const std::string& text :
         {std::string(), std::string("a"), std::string("hi"), std::string("\0", 1), std::string("a\0b", 3),
          std::string("\u0080"), std::string("\u0080b"), std::string("ab\u00efc"), std::string("\u01ffy"),
          std::string("xy\u01ff"), std::string("a\ud7ffb"), std::string("a\u02ff\u03ff\u04ffbc"), std::string("\uf123"),
          std::string("\uf123\uf123abc"), std::string("abcdef\uf123"), std::string("\U0001F44B"),
          std::string("a\U0010FFFF\u00ff"), std::string("\u00ff\u0100"), std::string(10000, 'x') + "\u0416"}) {
      EXPECT_EQ(guest.lift(kString, guest.lower(kString, text).value()).value(), Value(text)) << text;
    }
  }
}

TEST_F(Strings, Utf8) {
  lowers(StringEncoding::kUtf8, "h\u00efj", "h\xC3\xAFj", 4, {{0, 0, 1, 4}});
  lowers(StringEncoding::kUtf8, "", "", 0, {{0, 0, 1, 0}});
  for (const std::string_view bad : {"\x80", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "ab\xC3", "abcdefgh\xFF"})
    traps(StringEncoding::kUtf8, bad, bad.size(), "not UTF-8");
}

TEST_F(Strings, Utf16) {
  const std::string_view hi("h\0i\0", 4);
  lifts(StringEncoding::kUtf16, hi, 2, "hi");
  lifts(StringEncoding::kUtf16, std::string_view("\x3D\xD8\x4B\xDC", 4), 2, "\U0001F44B");
  traps(StringEncoding::kUtf16, std::string_view("\x3D\xD8", 2), 1, "not UTF-16");          // half of it
  traps(StringEncoding::kUtf16, std::string_view("\x3D\xD8h\0", 4), 2, "not UTF-16");       // no other half
  traps(StringEncoding::kUtf16, std::string_view("\x4B\xDC\x3D\xD8", 4), 2, "not UTF-16");  // the wrong way round
  traps(StringEncoding::kUtf16, std::string_view("h\0\x3D\xD8\x3D\xD8", 6), 3, "not UTF-16");
  EXPECT_TRUE(component::traps(guest.lift(kString, {1, 2})));  // not aligned
  EXPECT_EQ(guest.lift(kString, {0, 40000}).error().trap, TrapKind::kMemoryOutOfBounds);
  EXPECT_TRUE(component::traps(guest.lift(kString, {0, 0xFFFFFFFF})));

  lowers(StringEncoding::kUtf16, "", "", 0, {{0, 0, 2, 0}});
  lowers(StringEncoding::kUtf16, "hi", hi, 2, {{0, 0, 2, 4}});
  lowers(StringEncoding::kUtf16, "\u0416", "\x16\x04", 1, {{0, 0, 2, 4}, {1, 4, 2, 2}});
  lowers(StringEncoding::kUtf16, "\U0001F44B", "\x3D\xD8\x4B\xDC", 2, {{0, 0, 2, 8}, {1, 8, 2, 4}});
}

TEST_F(Strings, Latin1OrUtf16) {
  lifts(StringEncoding::kLatin1OrUtf16, "h\xEFj", 3, "h\u00efj");
  lifts(StringEncoding::kLatin1OrUtf16, std::string_view("h\0i\0", 4), 2 | kUtf16Tag, "hi");
  traps(StringEncoding::kLatin1OrUtf16, std::string_view("\x3D\xD8", 2), 1 | kUtf16Tag, "not UTF-16");
  EXPECT_TRUE(component::traps(guest.lift(kString, {1, 2})));  // not aligned, as Latin-1 either
  EXPECT_EQ(guest.lift(kString, {0, 65537}).error().trap, TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(guest.lift(kString, {0, 40000 | kUtf16Tag}).error().trap, TrapKind::kMemoryOutOfBounds);
  EXPECT_TRUE(component::traps(guest.lift(kString, {0, 0xFFFFFFFF})));

  lowers(StringEncoding::kLatin1OrUtf16, "", "", 0, {{0, 0, 2, 0}});
  lowers(StringEncoding::kLatin1OrUtf16, "hi", "hi", 2, {{0, 0, 2, 2}});
  lowers(StringEncoding::kLatin1OrUtf16, "h\u00ff", "h\xFF", 2, {{0, 0, 2, 3}, {1, 3, 2, 2}});
  lowers(StringEncoding::kLatin1OrUtf16, "\u00ff\u0100", std::string_view("\xFF\0\0\1", 4), 2 | kUtf16Tag,
         {{0, 0, 2, 4}, {1, 4, 2, 8}, {1, 8, 2, 4}});
  // As long in UTF-16 as it may be at most cannot be: a character past Latin-1 has two bytes in UTF-8.
  lowers(StringEncoding::kLatin1OrUtf16, "ab\u0100", std::string_view("a\0b\0\0\1", 6), 3 | kUtf16Tag,
         {{0, 0, 2, 4}, {1, 4, 2, 8}, {1, 8, 2, 6}});
}

TEST_F(Strings, TextOfTheHostIsChecked) {
  for (const char* bad : {"\x80", "\xED\xA0\x80", "ab\xC3"}) {
    const auto lowered = guest.lower(kString, bad);
    ASSERT_FALSE(lowered);
    EXPECT_EQ(lowered.error().code, ErrorCode::kArgument);
    EXPECT_EQ(lowered.error().message, "argument \"it\": the string is not UTF-8");
  }
  EXPECT_TRUE(guest.requests.empty());
}

}  // namespace
}  // namespace anew::component
