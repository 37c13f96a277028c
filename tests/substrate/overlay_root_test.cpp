// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <string>

#include "substrate/naive_trie.hpp"
#include "substrate/overlay_fixture.hpp"

namespace anew::substrate {
namespace {

Bytes bytes_of(const Hash& hash) { return {hash.begin(), hash.end()}; }

const Bytes kEmptyRoot = from_hex("03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314");

TEST_F(OverlayTest, RootIsThatOfTheStateWithTheChanges) {
  set("a", std::string(40, 'x'));
  remove("b", kChild);
  set("new", "new", kChild);
  set("x", "x", TrieId::child(from_text("other")));
  for (const StateVersion version : {kV0, kV1}) {
    const Hash expected = base.state.with(overlay.changes(), version).value().root();
    EXPECT_EQ(overlay.root(version).value(), expected);
    EXPECT_EQ(base.state.with(overlay.changes(), version).value().root(), expected);
    const TrieChanges top = overlay.changes().top;
    std::vector<TrieChange> list;
    for (const auto& [key, value] : top) list.push_back({key, value});
    EXPECT_EQ(base.state.root({}, list, version).value(), expected) << "with the roots of child tries";
  }
}

TEST_F(OverlayTest, RootIsComputedOnlyIfSomethingChanged) {
  set("a", "new");
  set("a", "new", kChild);
  const Hash root = overlay.root(kV1).value();
  const Hash child_root = overlay.child_root(kChildKey, kV1).value();
  base.asked = 0;
  overlay.start_transaction();
  EXPECT_EQ(overlay.root(kV1).value(), root);
  ASSERT_TRUE(overlay.commit_transaction());
  overlay.start_transaction();
  EXPECT_EQ(overlay.root(kV1).value(), root);
  EXPECT_EQ(overlay.child_root(kChildKey, kV1).value(), child_root);
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(overlay.root(kV1).value(), root);
  EXPECT_EQ(base.asked, 0u);

  overlay.start_transaction();
  set("b", "new");
  EXPECT_NE(overlay.root(kV1).value(), root);
  EXPECT_EQ(base.asked, 1u) << "the child trie's is known";
  set("c", "new", kChild);
  EXPECT_NE(overlay.root(kV1).value(), root);
  EXPECT_EQ(base.asked, 3u);
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(overlay.root(kV1).value(), root);
  EXPECT_EQ(overlay.child_root(kChildKey, kV1).value(), child_root);
  EXPECT_EQ(base.asked, 5u);
}

TEST_F(OverlayTest, RootDependsOnTheVersion) {
  set("a", std::string(40, 'x'));
  set("a", std::string(40, 'x'), kChild);
  const Hash v0 = overlay.root(kV0).value();
  const Hash child_v0 = overlay.child_root(kChildKey, kV0).value();
  EXPECT_NE(overlay.root(kV1).value(), v0);
  EXPECT_NE(overlay.child_root(kChildKey, kV1).value(), child_v0);
  EXPECT_EQ(overlay.root(kV0).value(), v0);
  EXPECT_EQ(overlay.child_root(kChildKey, kV0).value(), child_v0);
}

TEST_F(OverlayTest, ChildRootIsPutIntoTheTopTrie) {
  const Bytes before = *overlay.get({}, root_key("child")).value();
  EXPECT_EQ(bytes_of(overlay.child_root(kChildKey, kV1).value()), before) << "it did not change";
  EXPECT_EQ(bytes_of(overlay.child_root(from_text("other"), kV1).value()), kEmptyRoot);
  EXPECT_TRUE(overlay.changes().empty());

  overlay.start_transaction();
  set("a", "new", kChild);
  EXPECT_EQ(*overlay.get({}, root_key("child")).value(), before);
  const Hash root = overlay.child_root(kChildKey, kV1).value();
  EXPECT_EQ(root, NaiveTrie::root({{from_text("a"), {from_text("new")}},
                                   {from_text("b"), {from_text("child's")}},
                                   {from_text("c"), {from_text("child's")}}}));
  EXPECT_EQ(*overlay.get({}, root_key("child")).value(), bytes_of(root));
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(*overlay.get({}, root_key("child")).value(), before);

  clear("", std::nullopt, kChild);
  EXPECT_EQ(bytes_of(overlay.child_root(kChildKey, kV1).value()), kEmptyRoot);
  EXPECT_EQ(overlay.get({}, root_key("child")).value(), nullptr) << "it goes with the last key";
}

TEST_F(OverlayTest, ARootThatWasUndoneIsPutAgain) {
  set("a", "new", kChild);
  overlay.start_transaction();
  const Hash root = overlay.root(kV1).value();
  const StorageValue child_root = overlay.get({}, root_key("child")).value();
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_NE(*overlay.get({}, root_key("child")).value(), *child_root);
  EXPECT_EQ(overlay.root(kV1).value(), root);
  EXPECT_EQ(*overlay.get({}, root_key("child")).value(), *child_root);
}

// The child trie's root in the top trie is that of an older time, which the transaction comes back to.
TEST_F(OverlayTest, RootOfAnotherTimeIsForgottenWithTheTransaction) {
  set("a", "one", kChild);
  const Hash one = overlay.root(kV1).value();
  set("a", "two", kChild);
  overlay.start_transaction();
  set("a", "one", kChild);
  EXPECT_EQ(overlay.root(kV1).value(), one);
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_NE(overlay.root(kV1).value(), one);
}

}  // namespace
}  // namespace anew::substrate
