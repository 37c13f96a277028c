// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Values that grow.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string_view>

#include "host/substrate/scale.hpp"
#include "substrate/overlay_fixture.hpp"
#include "support/processor_time.hpp"

namespace anew::substrate {
namespace {

TEST_F(OverlayTest, AppendsToSequences) {
  append("new", "one");
  EXPECT_EQ(get("new"), "\x04one");
  append("new", "");
  EXPECT_EQ(get("new"), "\x08one");
  remove("new");
  append("new", "two");
  EXPECT_EQ(get("new"), "\x04two");
  set("new", "\x0cxyz");
  append("new", "four");
  EXPECT_EQ(get("new"), "\x10xyzfour");
  EXPECT_EQ(get("new"), "\x10xyzfour");
  append("new", "!");
  EXPECT_EQ(get("new"), "\x14xyzfour!");
}

TEST_F(OverlayTest, AppendsToSequencesOfTheBase) {
  StateChanges changes;
  changes.top[from_text("list")] = text("\x08xy");
  base.state = MemoryState().with(changes, kV1).value();
  overlay.start_transaction();
  append("list", "z");
  EXPECT_EQ(get("list"), "\x0cxyz");
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(get("list"), "\x08xy");
  EXPECT_TRUE(overlay.changes().empty());
}

TEST_F(OverlayTest, ReplacesByASequenceWhatIsNone) {
  // Empty, cut short, not in its shortest form, more than 32 bits.
  for (const char* value : {"", "01", "02 00 00", "01 00", "03 ff ff ff 3f", "07 00 00 00 00 01"}) {
    overlay.set({}, from_text("new"), std::make_shared<const Bytes>(from_hex(value)));
    overlay.start_transaction();
    append("new", "item");
    EXPECT_EQ(get("new"), "\x04item") << value;
    ASSERT_TRUE(overlay.rollback_transaction());
    EXPECT_EQ(*overlay.get({}, from_text("new")).value(), from_hex(value));
    append("new", "item");
    EXPECT_EQ(get("new"), "\x04item") << value;
  }
}

TEST_F(OverlayTest, TheCountOfASequenceGrowsInWidth) {
  for (const std::uint32_t count : {63u, 16'383u, (1u << 30) - 1}) {
    Bytes before;
    append_compact(before, count);
    Bytes after;
    append_compact(after, count + 1);
    ASSERT_GT(after.size(), before.size());
    const Bytes items = from_text("items");
    overlay.set({}, from_text("new"), std::make_shared<const Bytes>(join({before, items})));
    overlay.start_transaction();
    append("new", "!");
    EXPECT_EQ(*overlay.get({}, from_text("new")).value(), join({after, items, from_text("!")}));
    ASSERT_TRUE(overlay.rollback_transaction());
    EXPECT_EQ(*overlay.get({}, from_text("new")).value(), join({before, items}));
  }
  overlay.set({}, from_text("new"), std::make_shared<const Bytes>(from_hex("03 ff ff ff ff 01")));
  append("new", "!");
  EXPECT_EQ(*overlay.get({}, from_text("new")).value(), from_hex("00 01 21")) << "as Substrate's release builds do";
}

TEST_F(OverlayTest, UndoesAppends) {
  append("list", "r");
  const StorageValue held = overlay.get({}, from_text("list")).value();
  overlay.start_transaction();
  append("list", "s");
  overlay.start_transaction();
  append("list", "t");
  set("list", "another value");
  append("list", "!");
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(get("list"), "\x08rs");
  overlay.start_transaction();
  append("list", "u");
  ASSERT_TRUE(overlay.commit_transaction());
  EXPECT_EQ(get("list"), "\x0crsu");
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(get("list"), "\x04r");
  append("list", "v");
  EXPECT_EQ(get("list"), "\x08rv");
  EXPECT_EQ(text_of(*held), "\x04r") << "values that were given out stay as they are";
}

// Were each append to copy the value, these two would move hundreds of gigabytes.
TEST_F(OverlayTest, AppendsToWhatWasSetCostWhatTheyAppend) {
  const auto start = anew::test::thread_time();
  Bytes value(20'000'000);
  value[0] = std::byte{4};  // one item
  const Bytes list = from_text("list");
  overlay.set({}, list, std::make_shared<const Bytes>(value));
  for (unsigned i = 0; i < 20'000; ++i) {
    overlay.start_transaction();
    ASSERT_TRUE(overlay.append(list, list));
    ASSERT_TRUE(overlay.rollback_transaction());
  }
  EXPECT_EQ(*overlay.get({}, list).value(), value);
  EXPECT_LT(anew::test::thread_time() - start, std::chrono::seconds(10));
}

TEST_F(OverlayTest, AppendsCostWhatTheyAppend) {
  const auto start = anew::test::thread_time();
  constexpr unsigned kCount = 200'000;
  const Bytes list = from_text("list");
  const Bytes item(20, std::byte{7});
  set("list", std::string_view("\0", 1));
  overlay.start_transaction();
  for (unsigned i = 0; i < kCount; ++i) {
    overlay.start_transaction();
    ASSERT_TRUE(overlay.append(list, item));
    overlay.start_transaction();
    ASSERT_TRUE(overlay.append(list, item));
    ASSERT_TRUE(overlay.rollback_transaction());
    ASSERT_TRUE(i % 4 == 0 ? overlay.rollback_transaction() : overlay.commit_transaction());
  }
  Bytes expected;
  append_compact(expected, kCount / 4 * 3);
  expected.resize(expected.size() + item.size() * kCount / 4 * 3, std::byte{7});
  EXPECT_EQ(*overlay.get({}, list).value(), expected);
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(get("list"), std::string_view("\0", 1));
  EXPECT_LT(anew::test::thread_time() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace anew::substrate
