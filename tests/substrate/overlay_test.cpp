// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The overlay beside a model of it that copies everything at every transaction, and the rules that it takes from
// Substrate (sp_state_machine's Ext and OverlayedChanges).
#include "host/substrate/overlay.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "host/substrate/scale.hpp"
#include "host/substrate/storage_keys.hpp"
#include "substrate/bytes.hpp"
#include "substrate/naive_trie.hpp"

namespace anew::substrate {
namespace {

using Map = std::map<Bytes, Bytes>;
const Bytes kChild = from_text("child");
const Bytes kEmptyRoot = from_hex("03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314");

MemoryState state_of(const Map& top, const std::map<Bytes, Map>& children = {}) {
  StateChanges changes;
  for (const auto& [key, value] : top) changes.top[key] = make_value(value);
  for (const auto& [storage_key, child] : children) {
    for (const auto& [key, value] : child) changes.children[storage_key][key] = make_value(value);
  }
  return MemoryState().with(changes, StateVersion::kV0).value();
}

/// A sequence of so many items, encoded.
Bytes sequence(std::uint32_t count, const Bytes& items) {
  Bytes encoded;
  append_compact(encoded, count);
  return join({encoded, items});
}

std::optional<Bytes> get(const Overlay& overlay, TrieId trie, const Bytes& key) {
  const auto value = overlay.get(trie, key).value();
  return value == nullptr ? std::nullopt : std::optional(*value);
}
std::optional<Bytes> get(const Overlay& overlay, const Bytes& key) { return get(overlay, {}, key); }

void set(Overlay& overlay, std::string_view key, std::string_view value) {
  overlay.set({}, from_text(key), make_value(from_text(value)));
}

/// All keys, as next_key finds them.
std::vector<Bytes> keys(const Overlay& overlay, TrieId trie = {}) {
  std::vector<Bytes> found;
  if (get(overlay, trie, {})) found.emplace_back();
  for (auto key = overlay.next_key(trie, {}).value(); key; key = overlay.next_key(trie, *key).value()) {
    found.push_back(*key);
  }
  return found;
}

/// Tries as maps, and a copy of them for each open transaction.
struct Model {
  struct Tries {
    Map top;
    Map child;
    bool child_changed = false;
    bool operator==(const Tries&) const = default;
  };
  Tries now;
  std::vector<Tries> saved;

  Map& of(TrieId trie) { return trie.is_child() ? now.child : now.top; }
  void set(TrieId trie, const Bytes& key, const std::optional<Bytes>& value) {
    if (trie.is_child()) now.child_changed = true;
    if (value) {
      of(trie)[key] = *value;
    } else {
      of(trie).erase(key);
    }
  }
  [[nodiscard]] static Hash root_of(const Map& map) {
    NaiveMap naive;
    for (const auto& [key, value] : map) naive[key] = {value, false};
    return NaiveTrie::root(naive);
  }
  /// Puts the child trie's root into the top trie.
  Hash child_root() {
    const Hash root = root_of(now.child);
    if (now.child_changed) {
      if (now.child.empty()) {
        now.top.erase(child_root_key(kChild));
      } else {
        now.top[child_root_key(kChild)] = to_bytes(root);
      }
    }
    return root;
  }
  Hash root() {
    (void)child_root();
    return root_of(now.top);
  }
};

class RandomOverlay : public testing::TestWithParam<unsigned> {
 protected:
  Bytes key() {
    // Few and short ones, so that they meet, are prefixes of one another, and are removed and set again.
    Bytes bytes(random() % 4);
    for (std::byte& byte : bytes) byte = std::byte(random() % 3);
    return bytes;
  }
  Bytes value() {
    Bytes bytes(random() % 40);
    for (std::byte& byte : bytes) byte = std::byte(random());
    return bytes;
  }
  Map map() {
    Map pairs;
    for (int i = 0; i < 20; ++i) pairs[key()] = value();
    return pairs;
  }
  std::mt19937 random{GetParam()};
};

TEST_P(RandomOverlay, DoesWhatTheModelDoes) {
  const Map top = map();
  const Map child = map();
  const MemoryState base = state_of(top, {{kChild, child}});
  Overlay overlay(base);
  Model model;
  model.now = {top, child, false};
  model.now.top[child_root_key(kChild)] = to_bytes(Model::root_of(child));
  for (int step = 0; step < 600; ++step) {
    SCOPED_TRACE(step);
    const TrieId trie = random() % 3 == 0 ? TrieId::child(kChild) : TrieId();
    const Bytes k = key();
    switch (random() % 14) {
      case 0:
      case 1:
      case 2: {
        const Bytes v = value();
        overlay.set(trie, k, make_value(v));
        model.set(trie, k, v);
        break;
      }
      case 3:
      case 4:
        overlay.set(trie, k, nullptr);
        model.set(trie, k, std::nullopt);
        break;
      case 5:
      case 6: {
        const Bytes item = value();
        ASSERT_TRUE(overlay.append(k, item));
        std::uint32_t count = 0;
        Bytes items;
        if (model.now.top.contains(k)) {
          ScaleReader reader(model.now.top[k]);
          if (reader.compact(count)) {
            items = to_bytes(BytesView(model.now.top[k]).subspan(reader.position()));
          } else {
            count = 0;
          }
        }
        model.set({}, k, sequence(count + 1, join({items, item})));
        break;
      }
      case 7:
        overlay.start_transaction();
        model.saved.push_back(model.now);
        break;
      case 8:
        ASSERT_EQ(overlay.commit_transaction(), !model.saved.empty());
        if (!model.saved.empty()) model.saved.pop_back();
        break;
      case 9:
        ASSERT_EQ(overlay.rollback_transaction(), !model.saved.empty());
        if (!model.saved.empty()) {
          model.now = model.saved.back();
          model.saved.pop_back();
        }
        break;
      case 10: {
        if (!trie.is_child() && k.empty()) break;  // meets the child tries' roots: see below
        const auto before = model.of(trie);
        std::uint32_t in_base = 0;
        for (const auto& [base_key, base_value] : trie.is_child() ? child : top) {
          if (starts_with(base_key, k)) ++in_base;
        }
        for (const auto& [gone, v] : before) {
          if (starts_with(gone, k)) model.set(trie, gone, std::nullopt);
        }
        const auto removal = overlay.clear_prefix(trie, k, std::nullopt).value();
        ASSERT_EQ(removal.removed, in_base);
        ASSERT_TRUE(removal.all);
        break;
      }
      case 11: ASSERT_EQ(to_bytes(overlay.root(StateVersion::kV0).value()), to_bytes(model.root())); break;
      case 12:
        ASSERT_EQ(to_bytes(overlay.child_root(kChild, StateVersion::kV0).value()), to_bytes(model.child_root()));
        break;
      default: {
        const auto after = model.of(trie).upper_bound(k);
        const auto expected = after == model.of(trie).end() ? std::nullopt : std::optional(after->first);
        ASSERT_EQ(overlay.next_key(trie, k).value(), expected);
      }
    }
    ASSERT_EQ(overlay.open_transactions(), model.saved.size());
    const auto found = model.of(trie).find(k);
    ASSERT_EQ(get(overlay, trie, k), found == model.of(trie).end() ? std::nullopt : std::optional(found->second));
  }
  for (const TrieId trie : {TrieId(), TrieId::child(kChild)}) {
    std::vector<Bytes> expected;
    for (const auto& [k, v] : model.of(trie)) expected.push_back(k);
    EXPECT_EQ(keys(overlay, trie), expected);
  }
  EXPECT_EQ(to_bytes(base.with(overlay.changes(), StateVersion::kV0)->root()), to_bytes(model.root()));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomOverlay, testing::Range(0u, 40u));

TEST(Overlay, ShowsTheBaseUntilSomethingChanges) {
  const MemoryState base = state_of({{from_text("a"), from_text("1")}, {from_text("b"), from_text("2")}});
  Overlay overlay(base);
  EXPECT_EQ(get(overlay, from_text("a")), from_text("1"));
  EXPECT_TRUE(overlay.changes().empty());
  EXPECT_EQ(overlay.root(StateVersion::kV0).value(), base.root());
  set(overlay, "a", "3");
  overlay.set({}, from_text("b"), nullptr);
  EXPECT_EQ(get(overlay, from_text("a")), from_text("3"));
  EXPECT_EQ(get(overlay, from_text("b")), std::nullopt);
  EXPECT_EQ(*base.get({}, from_text("a")).value(), from_text("1"));
  const StateChanges changes = overlay.changes();
  ASSERT_EQ(changes.top.size(), 2u);
  EXPECT_EQ(changes.top.at(from_text("b")), nullptr);
}

TEST(Overlay, LimitsWhatItRemovesOfTheBaseOnly) {
  Map pairs;
  for (const char c : {'a', 'b', 'c', 'd'}) pairs[from_text(std::string("p") + c)] = from_text("1");
  pairs[from_text("q")] = from_text("1");
  const MemoryState base = state_of(pairs);
  Overlay overlay(base);
  set(overlay, "pd", "changed");
  set(overlay, "pe", "new");
  overlay.set({}, from_text("pa"), nullptr);

  auto removal = overlay.clear_prefix({}, from_text("p"), 2).value();
  EXPECT_EQ(removal.removed, 2u) << "one of them was gone before: it counts, as it was looked at";
  EXPECT_FALSE(removal.all);
  EXPECT_EQ(keys(overlay), (std::vector<Bytes>{from_text("pc"), from_text("q")}));
  removal = overlay.clear_prefix({}, from_text("p"), 4).value();
  EXPECT_EQ(removal.removed, 4u);
  EXPECT_TRUE(removal.all);
  EXPECT_EQ(keys(overlay), (std::vector<Bytes>{from_text("q")}));
  removal = overlay.clear_prefix({}, from_text("q"), 0).value();
  EXPECT_EQ(removal.removed, 0u);
  EXPECT_FALSE(removal.all);
  EXPECT_TRUE(overlay.clear_prefix({}, from_text("nothing"), 0).value().all);
}

TEST(Overlay, GuardsTheRootsOfChildTries) {
  const MemoryState base = state_of({{from_text("a"), from_text("1")}}, {{kChild, {{from_text("x"), from_text("y")}}}});
  Overlay overlay(base);
  const Bytes root_key = child_root_key(kChild);
  const auto root = get(overlay, root_key);
  ASSERT_TRUE(root);
  overlay.set({}, root_key, nullptr);
  overlay.set({}, from_text(":child_storage:"), make_value(from_text("no")));
  EXPECT_EQ(get(overlay, root_key), root);
  for (const char* prefix : {"", ":", ":child_", ":child_storage:", ":child_storage:default:child"}) {
    const auto removal = overlay.clear_prefix({}, from_text(prefix), std::nullopt).value();
    EXPECT_EQ(removal.removed, 0u) << prefix;
    EXPECT_EQ(get(overlay, from_text("a")), from_text("1")) << prefix;
  }
  EXPECT_TRUE(overlay.changes().empty());
  EXPECT_EQ(overlay.clear_prefix(TrieId::child(kChild), {}, std::nullopt).value().removed, 1u);
}

TEST(Overlay, PutsRootsOfChangedChildTriesIntoTheTopTrie) {
  const MemoryState base = state_of({}, {{kChild, {{from_text("x"), from_text("y")}}}});
  Overlay overlay(base);
  const Bytes root_key = child_root_key(kChild);
  const Bytes before = *get(overlay, root_key);
  EXPECT_EQ(to_bytes(overlay.child_root(kChild, StateVersion::kV0).value()), before) << "nothing changed";
  EXPECT_EQ(to_bytes(overlay.child_root(from_text("none"), StateVersion::kV0).value()), kEmptyRoot);
  EXPECT_TRUE(overlay.changes().empty());

  overlay.start_transaction();
  overlay.set(TrieId::child(kChild), from_text("x"), make_value(from_text("z")));
  const Hash changed = overlay.child_root(kChild, StateVersion::kV0).value();
  EXPECT_EQ(get(overlay, root_key), to_bytes(changed));
  EXPECT_EQ(changed, NaiveTrie::root({{from_text("x"), {from_text("z")}}}));
  overlay.set(TrieId::child(kChild), from_text("x"), nullptr);
  EXPECT_EQ(to_bytes(overlay.child_root(kChild, StateVersion::kV0).value()), kEmptyRoot);
  EXPECT_EQ(get(overlay, root_key), std::nullopt) << "goes with the last key";
  EXPECT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(get(overlay, root_key), before);
  EXPECT_EQ(overlay.root(StateVersion::kV0).value(), base.root());
}

TEST(Overlay, AppendsAcrossTheWidthsOfTheCount) {
  const MemoryState base;
  Overlay overlay(base);
  Bytes items;
  for (std::uint32_t count = 1; count <= 17'000; ++count) {
    ASSERT_TRUE(overlay.append(from_text("events"), from_hex("2a")));
    items.push_back(std::byte{0x2a});
    if (count == 1 || count == 63 || count == 64 || count == 65 || count >= 16'383) {
      if (count > 16'385 && count < 17'000) continue;
      ASSERT_EQ(get(overlay, from_text("events")), sequence(count, items)) << count;
    }
  }
}

TEST(Overlay, AppendsToWhatIsThere) {
  const MemoryState base = state_of({{from_text("a"), from_hex("04 ff")}, {from_text("b"), from_hex("02")}});
  Overlay overlay(base);
  ASSERT_TRUE(overlay.append(from_text("a"), from_hex("ee")));
  EXPECT_EQ(get(overlay, from_text("a")), from_hex("08 ff ee"));
  ASSERT_TRUE(overlay.append(from_text("b"), from_hex("ee")));
  EXPECT_EQ(get(overlay, from_text("b")), from_hex("04 ee")) << "it was no sequence";
  ASSERT_TRUE(overlay.append(from_text("c"), from_hex("ee")));
  EXPECT_EQ(get(overlay, from_text("c")), from_hex("04 ee"));
  overlay.set({}, from_text("a"), nullptr);
  ASSERT_TRUE(overlay.append(from_text("a"), from_hex("dd")));
  EXPECT_EQ(get(overlay, from_text("a")), from_hex("04 dd"));
}

TEST(Overlay, UndoesAppends) {
  const MemoryState base;
  Overlay overlay(base);
  const Bytes key = from_text("events");
  ASSERT_TRUE(overlay.append(key, from_hex("01")));
  overlay.start_transaction();
  ASSERT_TRUE(overlay.append(key, from_hex("02")));
  overlay.start_transaction();
  ASSERT_TRUE(overlay.append(key, from_hex("03")));
  EXPECT_EQ(get(overlay, key), from_hex("0c 010203"));
  EXPECT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(get(overlay, key), from_hex("08 0102"));
  overlay.start_transaction();
  ASSERT_TRUE(overlay.append(key, from_hex("04")));
  EXPECT_TRUE(overlay.commit_transaction());
  EXPECT_EQ(get(overlay, key), from_hex("0c 010204"));
  EXPECT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(get(overlay, key), from_hex("04 01"));
  EXPECT_FALSE(overlay.commit_transaction());
  EXPECT_FALSE(overlay.rollback_transaction());
}

/// Twice as many take about twice as long: what is quadratic would take a hundred times as long as the bound.
TEST(Overlay, TakesTimeInProportionToWhatIsDone) {
  const auto begin = std::chrono::steady_clock::now();
  const MemoryState base;
  Overlay overlay(base);
  const Bytes events = from_text("events");
  const Bytes item(16);
  // A transaction for each extrinsic within one of the block, each with some events.
  overlay.start_transaction();
  for (int i = 0; i < 50'000; ++i) {
    overlay.start_transaction();
    for (int j = 0; j < 4; ++j) ASSERT_TRUE(overlay.append(events, item));
    overlay.set({}, from_text(fmt::format("key {}", i)), make_value(item));
    ASSERT_TRUE(i % 2 == 0 ? overlay.commit_transaction() : overlay.rollback_transaction());
  }
  // As deep as a guest likes.
  for (int i = 0; i < 50'000; ++i) {
    overlay.start_transaction();
    ASSERT_TRUE(overlay.append(events, item));
  }
  for (int i = 0; i < 50'000; ++i) ASSERT_TRUE(overlay.commit_transaction());
  ASSERT_TRUE(overlay.commit_transaction());
  EXPECT_EQ(get(overlay, events)->size(), 4 + 150'000 * item.size());

  // Keys that were removed are not walked over again and again.
  Map pairs;
  for (int i = 0; i < 20'000; ++i) pairs[from_text(fmt::format("{:06}", i))] = item;
  const MemoryState full = state_of(pairs);
  Overlay cleared(full);
  for (const auto& [key, value] : pairs) cleared.set({}, key, nullptr);
  for (const auto& [key, value] : pairs) ASSERT_EQ(cleared.next_key({}, key).value(), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

/// Fails from some call on.
class FailingState final : public StateBackend {
 public:
  bool failing = false;

  Result<StorageValue> get(TrieId, BytesView) const override {
    if (failing) return error();
    return nullptr;
  }
  Result<std::optional<Hash>> value_hash(BytesView) const override { return error(); }
  Result<std::optional<Bytes>> next_key(TrieId, BytesView) const override {
    if (failing) return error();
    return std::nullopt;
  }
  Result<Hash> root(TrieId, const TrieChanges&, StateVersion) const override { return error(); }

 private:
  static std::unexpected<Error> error() { return fail(ErrorCode::kIo, "the disk is gone"); }
};

TEST(Overlay, PassesErrorsOfTheBaseOnAndStaysAsItWas) {
  FailingState base;
  Overlay overlay(base);
  set(overlay, "a", "1");
  overlay.set(TrieId::child(kChild), from_text("x"), make_value(from_text("y")));
  base.failing = true;
  const auto expect_error = [](const auto& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "the disk is gone");
  };
  expect_error(overlay.get({}, from_text("b")));
  expect_error(overlay.append(from_text("b"), from_hex("01")));
  expect_error(overlay.next_key({}, from_text("b")));
  expect_error(overlay.clear_prefix({}, from_text("a"), std::nullopt));
  expect_error(overlay.root(StateVersion::kV1));
  expect_error(overlay.child_root(kChild, StateVersion::kV1));
  expect_error(overlay.child_root(from_text("another"), StateVersion::kV1));
  EXPECT_EQ(get(overlay, from_text("a")), from_text("1"));
  EXPECT_EQ(overlay.changes().top.size(), 1u);
  EXPECT_EQ(overlay.changes().children.size(), 1u);
}

/// Counts how often roots are computed.
class CountingState final : public StateBackend {
 public:
  mutable int roots = 0;
  MemoryState state = state_of({{from_text("a"), from_text("1")}}, {{kChild, {{from_text("x"), from_text("y")}}}});

  Result<StorageValue> get(TrieId trie, BytesView key) const override { return state.get(trie, key); }
  Result<std::optional<Hash>> value_hash(BytesView key) const override { return state.value_hash(key); }
  Result<std::optional<Bytes>> next_key(TrieId trie, BytesView key) const override { return state.next_key(trie, key); }
  Result<Hash> root(TrieId trie, const TrieChanges& changes, StateVersion version) const override {
    ++roots;
    return state.root(trie, changes, version);
  }
};

TEST(Overlay, ComputesRootsOnlyWhereSomethingChanged) {
  const CountingState base;
  Overlay overlay(base);
  const auto roots_of = [&](StateVersion version) {
    base.roots = 0;
    (void)overlay.root(version).value();
    return base.roots;
  };
  EXPECT_EQ(roots_of(StateVersion::kV0), 1);
  EXPECT_EQ(roots_of(StateVersion::kV0), 0);
  EXPECT_EQ(roots_of(StateVersion::kV1), 1);
  overlay.set(TrieId::child(kChild), from_text("x"), make_value(from_text("z")));
  EXPECT_EQ(roots_of(StateVersion::kV1), 2);
  set(overlay, "a", "2");
  EXPECT_EQ(roots_of(StateVersion::kV1), 1) << "the child trie's is known";
  overlay.start_transaction();
  EXPECT_EQ(roots_of(StateVersion::kV1), 0);
  set(overlay, "a", "3");
  EXPECT_TRUE(overlay.rollback_transaction());
  EXPECT_EQ(roots_of(StateVersion::kV1), 1);
  overlay.start_transaction();
  EXPECT_TRUE(overlay.commit_transaction());
  EXPECT_EQ(roots_of(StateVersion::kV1), 0);
}

}  // namespace
}  // namespace anew::substrate
