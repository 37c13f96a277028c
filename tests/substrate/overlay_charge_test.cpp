// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the overlay says that changes take of the host's memory.
#include <malloc.h>

#include <cstdint>

#include "host/substrate/storage_keys.hpp"
#include "substrate/overlay_fixture.hpp"

namespace anew::substrate {
namespace {

class OverlayChargeTest : public OverlayTest {
 protected:
  Result<void> charge(std::uint64_t bytes) {
    if (bytes > left) return fail(ErrorCode::kLimit, "too much");
    left -= bytes;
    charged += bytes;
    ++times;
    return {};
  }
  Overlay::Charge charges() {
    return [this](std::uint64_t bytes) { return charge(bytes); };
  }
  /// What was charged since the last time.
  std::uint64_t take() { return std::exchange(charged, 0); }

  std::uint64_t left = 1u << 30;
  std::uint64_t charged = 0;
  unsigned times = 0;
};

TEST_F(OverlayChargeTest, RemovingAPrefixIsChargedForEachKeyThatItRemoves) {
  set("a", "own");
  set("ab", "own");
  set("zz", "own");
  ASSERT_TRUE(overlay.clear_prefix(kChild, {}, std::nullopt, charges()));
  EXPECT_EQ(times, 3u) << "a, b and c, each with the trie's name";
  EXPECT_EQ(take(), 3u * (kChildKey.size() + 1));
  ASSERT_TRUE(overlay.clear_prefix(kChild, {}, std::nullopt, charges()));
  EXPECT_EQ(times, 3u) << "they are gone";
  ASSERT_TRUE(overlay.clear_prefix({}, from_text("a"), std::nullopt, charges()));
  EXPECT_EQ(times, 5u) << "a and ab";
}

TEST_F(OverlayChargeTest, WhatIsNotPaidForChangesNothing) {
  set("bb", "own");
  set("x", "own", TrieId::child(from_text("other")));
  const StateChanges before = overlay.changes();
  left = 2 * (kChildKey.size() + 1);
  const auto refused = overlay.clear_prefix(kChild, {}, std::nullopt, charges());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_EQ(keys(kChild), (std::vector<std::string>{"a", "b", "c"}));
  left = 0;
  EXPECT_FALSE(overlay.append(from_text("a"), from_text("x"), charges()));
  EXPECT_EQ(get("a"), "base");
  EXPECT_FALSE(overlay.root(kV1, charges()));
  EXPECT_EQ(overlay.changes().top, before.top);
  EXPECT_EQ(overlay.changes().children, before.children);
  EXPECT_EQ(overlay.open_transactions(), 0u);
}

TEST_F(OverlayChargeTest, AppendingIsChargedForWhatItCopies) {
  set("list", "\x04" + std::string(100, 'x'));
  ASSERT_TRUE(overlay.append(from_text("list"), from_text("yz"), charges()));
  EXPECT_EQ(take(), 2u * (101 + 2));
  ASSERT_TRUE(overlay.append(from_text("list"), from_text("yz"), charges()));
  EXPECT_EQ(take(), 2u * 2);
}

// Of two versions in turn, each root puts those of all child tries into the top trie anew.
TEST_F(OverlayChargeTest, RootsOfChildTriesAreCharged) {
  set("a", std::string(40, 'x'), kChild);
  set("a", "x", TrieId::child(from_text("other")));
  for (const StateVersion version : {kV0, kV1, kV0}) {
    ASSERT_TRUE(overlay.root(version, charges()));
    EXPECT_EQ(take(), root_key("child").size() + root_key("other").size() + 2 * sizeof(Hash));
    ASSERT_TRUE(overlay.root(version, charges()));
    EXPECT_EQ(take(), 0u) << "known";
  }
}

TEST_F(OverlayChargeTest, NothingIsKeptOfAKeyThatIsAskedFor) {
  for (const char* key : {"ba", "bb", "bc"}) set(key, "own");
  for (const char* key : {"ba", "bb", "bc"}) remove(key);
  const auto in_use = [] { return mallinfo2().uordblks + mallinfo2().hblkhd; };
  constexpr std::size_t kLong = 8u << 20;
  const std::size_t before = in_use();
  for (const char* begin : {"b", "ba", "bb"}) {
    Bytes key = from_text(begin);
    key.resize(kLong);
    ASSERT_EQ(overlay.next_key({}, key).value(), from_text("c"));
  }
  EXPECT_LT(in_use(), before + kLong);
}

}  // namespace
}  // namespace anew::substrate
