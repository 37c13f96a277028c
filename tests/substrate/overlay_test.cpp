// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/overlay.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "substrate/overlay_fixture.hpp"

namespace anew::substrate {
namespace {

using Keys = std::vector<std::string>;

Bytes number(unsigned n) { return from_text(fmt::format("{:08}", n)); }

template <typename T>
std::optional<Error> error_of(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error());
}

bool same(const TrieChanges& a, const TrieChanges& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    const bool same_value = x.second && y.second ? *x.second == *y.second : x.second == y.second;
    return x.first == y.first && same_value;
  });
}
bool same(const StateChanges& a, const StateChanges& b) {
  return same(a.top, b.top) && std::ranges::equal(a.children, b.children, [](const auto& x, const auto& y) {
           return x.first == y.first && same(x.second, y.second);
         });
}

void expect_removal(const Overlay::Removal& removal, std::uint32_t removed, bool all) {
  EXPECT_EQ(removal.removed, removed);
  EXPECT_EQ(removal.all, all);
}

TEST_F(OverlayTest, HasWhatChangedAndElseTheBase) {
  set("b", "new");
  remove("c");
  set("e", "");
  EXPECT_EQ(get("a"), "base");
  EXPECT_EQ(get("b"), "new");
  EXPECT_EQ(get("c"), "none");
  EXPECT_EQ(get("e"), "");
  EXPECT_EQ(get("f"), "none");
  const StateChanges changes = overlay.changes();
  EXPECT_EQ(changes.top.size(), 3u);
  EXPECT_EQ(changes.top.at(from_text("c")), nullptr);
  EXPECT_TRUE(changes.children.empty());
}

TEST_F(OverlayTest, ChildTriesAreOnTheirOwn) {
  set("a", "new", kChild);
  remove("b", kChild);
  const Bytes other_key = from_text("other");
  set("a", "other's", TrieId::child(other_key));
  EXPECT_EQ(get("a"), "base");
  EXPECT_EQ(get("a", kChild), "new");
  EXPECT_EQ(get("a", TrieId::child(other_key)), "other's");
  EXPECT_EQ(keys(kChild), (Keys{"a", "c"}));
  EXPECT_EQ(keys(TrieId::child(other_key)), Keys{"a"});
  EXPECT_EQ(keys(TrieId::child(from_text("third"))), Keys{});
  EXPECT_EQ(overlay.changes().children.size(), 2u);
}

TEST_F(OverlayTest, ListsKeysOfTheBaseAndItsOwnInOrder) {
  remove("a");
  remove("aa");  // never was
  remove("c");
  remove("d");
  set("b", "new");
  set("bb", "new");
  EXPECT_EQ(keys(), (Keys{":child_storage:default:child", "b", "bb"}));
  set("z", "new");
  EXPECT_EQ(keys(), (Keys{":child_storage:default:child", "b", "bb", "z"}));
  EXPECT_EQ(overlay.next_key({}, from_text("bb")).value(), from_text("z"));
  EXPECT_EQ(overlay.next_key({}, from_text("z")).value(), std::nullopt);
}

TEST_F(OverlayTest, KeysThatComeBackAreListedAgain) {
  for (const char* key : {"a", "b", "c", "d"}) remove(key);
  EXPECT_EQ(keys(), Keys{":child_storage:default:child"});
  set("b", "back");
  EXPECT_EQ(keys(), (Keys{":child_storage:default:child", "b"}));
  remove("b");
  EXPECT_EQ(keys(), Keys{":child_storage:default:child"});
  overlay.start_transaction();
  set("d", "back");
  append("bb", "x");
  EXPECT_EQ(keys(), (Keys{":child_storage:default:child", "bb", "d"}));
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(keys(), Keys{":child_storage:default:child"});
}

// As a runtime does that takes the first of a queue's keys again and again.
TEST_F(OverlayTest, WalksOverRemovedKeysOnce) {
  constexpr unsigned kCount = 2000;
  StateChanges changes;
  for (unsigned i = 0; i < kCount; ++i) changes.top[number(i)] = text("base");
  base.state = MemoryState().with(changes, kV1).value();
  for (const bool undo : {false, true}) {
    if (undo) overlay.start_transaction();
    for (unsigned i = 0; i < kCount; ++i) {
      ASSERT_EQ(overlay.next_key({}, {}).value(), number(i));
      overlay.set({}, number(i), nullptr);
      if (undo) overlay.set({}, number(i / 2), nullptr);
    }
    EXPECT_EQ(overlay.next_key({}, {}).value(), std::nullopt);
    // One that comes and goes in the midst of them leaves the others known.
    for (unsigned i = 0; i < kCount; ++i) {
      overlay.set({}, number(i), text("back"));
      ASSERT_EQ(overlay.next_key({}, {}).value(), number(i));
      overlay.set({}, number(i), nullptr);
      ASSERT_EQ(overlay.next_key({}, {}).value(), std::nullopt);
    }
    EXPECT_LT(base.asked, 10 * kCount);
    overlay = Overlay(base);
    base.asked = 0;
  }
}

TEST_F(OverlayTest, RefusesToSetRootsOfChildTries) {
  const Bytes root = *overlay.get({}, root_key("child")).value();
  for (const char* key : {":child_storage:", ":child_storage:default:child", ":child_storage:x"}) {
    set(key, "mine");
    remove(key);
  }
  EXPECT_TRUE(overlay.changes().empty());
  EXPECT_EQ(*overlay.get({}, root_key("child")).value(), root);
  set(":child_storage", "mine");
  EXPECT_EQ(get(":child_storage"), "mine");
  set(":child_storage:default:x", "in a child trie they are keys as others", kChild);
  EXPECT_EQ(get(":child_storage:default:x", kChild), "in a child trie they are keys as others");
  // Nor does Substrate refuse this.
  append(":child_storage:default:x", "i");
  EXPECT_EQ(get(":child_storage:default:x"), "\x04i");
}

TEST_F(OverlayTest, RefusesToClearPrefixesThatRootsOfChildTriesHave) {
  for (const char* prefix : {"", ":", ":child_storage", ":child_storage:", ":child_storage:default:child"}) {
    expect_removal(clear(prefix), 0, true);
    expect_removal(clear(prefix, 1), 0, true);
  }
  EXPECT_TRUE(overlay.changes().empty());
  set(":child_storagE", "x");
  expect_removal(clear(":child_storagE"), 0, true);
  EXPECT_EQ(get(":child_storagE"), "none");
}

TEST_F(OverlayTest, ClearsAllKeysOfItsOwnAndTheBasesUpToTheLimit) {
  for (const char* key : {"a", "aa", "ab", "zz"}) set(key, "own", kChild);
  expect_removal(clear("", 0, kChild), 0, false);
  EXPECT_EQ(keys(kChild), (Keys{"b", "c"})) << "what lies over a key of the base goes, and the key with it";
  // Keys that are removed already count, as in Substrate.
  expect_removal(clear("", 1, kChild), 1, false);
  EXPECT_EQ(keys(kChild), (Keys{"b", "c"}));
  expect_removal(clear("", 2, kChild), 2, false);
  EXPECT_EQ(keys(kChild), Keys{"c"});
  expect_removal(clear("", 3, kChild), 3, true);
  EXPECT_EQ(keys(kChild), Keys{});
  expect_removal(clear("", std::nullopt, kChild), 3, true);
  EXPECT_EQ(overlay.changes().children.at(kChildKey).size(), 6u);
}

TEST_F(OverlayTest, ClearsThePrefixItselfAndNoOthers) {
  for (const char* key : {"", "a", "ab", "abc", "ac", "b"}) set(key, "own");
  expect_removal(clear("a"), 1, true);
  EXPECT_EQ(keys(), (Keys{":child_storage:default:child", "b", "c", "d"}));
  EXPECT_EQ(get(""), "own");
  const Bytes ff = from_hex("ff");
  overlay.set({}, from_hex("ff ff"), text("own"));
  expect_removal(overlay.clear_prefix({}, ff, std::nullopt).value(), 0, true);
  EXPECT_EQ(overlay.get({}, from_hex("ff ff")).value(), nullptr);
  expect_removal(clear("nothing", std::nullopt, TrieId::child(from_text("other"))), 0, true);
  EXPECT_TRUE(overlay.changes().children.empty());
}

TEST_F(OverlayTest, UndoesWhatATransactionChanged) {
  set("b", "before");
  overlay.start_transaction();
  set("a", "inner");
  set("b", "inner");
  set("b", "inner again");
  remove("c");
  set("a", "inner", kChild);
  EXPECT_EQ(overlay.open_transactions(), 1u);
  EXPECT_EQ(get("b"), "inner again");
  EXPECT_EQ(overlay.changes().children.size(), 1u);
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(get("a"), "base");
  EXPECT_EQ(get("b"), "before");
  EXPECT_EQ(get("c"), "base");
  EXPECT_EQ(get("a", kChild), "child's");
  EXPECT_EQ(overlay.changes().top.size(), 1u);
  EXPECT_TRUE(overlay.changes().children.empty());
  EXPECT_EQ(overlay.open_transactions(), 0u);
  EXPECT_FALSE(overlay.rollback_transaction());
  EXPECT_FALSE(overlay.commit_transaction());
}

TEST_F(OverlayTest, UndoesWhatInnerTransactionsCommitted) {
  overlay.start_transaction();
  set("b", "outer");
  overlay.start_transaction();
  set("a", "inner");
  set("b", "inner");
  ASSERT_TRUE(overlay.commit_transaction());
  EXPECT_EQ(get("b"), "inner");
  overlay.start_transaction();
  set("a", "second");
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(get("a"), "inner");
  set("a", "outer");
  ASSERT_TRUE(overlay.rollback_transaction());
  EXPECT_TRUE(overlay.changes().empty());
  EXPECT_EQ(get("a"), "base");
  EXPECT_EQ(get("b"), "base");
}

TEST_F(OverlayTest, NestsAsDeepAsARuntimeLikes) {
  constexpr unsigned kDepth = 100'000;
  for (unsigned i = 0; i < kDepth; ++i) {
    overlay.start_transaction();
    set("a", fmt::format("{}", i));
    append("list", "i");
  }
  for (unsigned i = kDepth; --i > 0;)
    ASSERT_TRUE(i % 2 == 0 ? overlay.commit_transaction() : overlay.rollback_transaction());
  EXPECT_EQ(get("a"), "0");
  EXPECT_EQ(get("list"), "\x04i");
}

TEST_F(OverlayTest, PassesErrorsOfTheBaseOnAndStaysAsItWas) {
  set("b", "new");
  set("a", "new", kChild);
  set("a", "new", TrieId::child(from_text("other")));
  const std::vector<std::pair<std::string, std::function<std::optional<Error>(Overlay&)>>> calls = {
      {"get", [](Overlay& o) { return error_of(o.get({}, from_text("a"))); }},
      {"append", [](Overlay& o) { return error_of(o.append(from_text("a"), from_text("x"))); }},
      {"clear_prefix", [](Overlay& o) { return error_of(o.clear_prefix(kChild, {}, std::nullopt)); }},
      {"next_key", [](Overlay& o) { return error_of(o.next_key({}, from_text("a"))); }},
      {"root", [](Overlay& o) { return error_of(o.root(kV1)); }},
      {"child_root", [](Overlay& o) { return error_of(o.child_root(kChildKey, kV1)); }},
      {"child_root of another", [](Overlay& o) { return error_of(o.child_root(from_text("third"), kV1)); }},
  };
  const StateChanges before = overlay.changes();
  for (const auto& [name, call] : calls) {
    SCOPED_TRACE(name);
    // Until it needs the base no more often than it may ask.
    for (unsigned n = 1;; ++n) {
      overlay.start_transaction();
      base.asked = 0;
      base.fails_at = n;
      const std::optional<Error> error = call(overlay);
      base.fails_at = std::numeric_limits<unsigned>::max();
      if (!error) {
        EXPECT_GT(n, 1u);
        ASSERT_TRUE(overlay.rollback_transaction());
        break;
      }
      EXPECT_EQ(error->message, "the disk is gone");
      EXPECT_TRUE(same(overlay.changes(), before));
      ASSERT_TRUE(overlay.rollback_transaction());
    }
    // Child tries' roots that were computed are kept, whatever failed later. The next call shall need them anew.
    set("b", "new");
    set("a", "new", kChild);
  }
}

}  // namespace
}  // namespace anew::substrate
