// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/trie.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <ctime>
#include <map>
#include <random>
#include <vector>

#include "substrate/bytes.hpp"
#include "substrate/naive_trie.hpp"

namespace anew::substrate {
namespace {

StorageValue value_of(Bytes bytes) { return std::make_shared<const Bytes>(std::move(bytes)); }

/// A trie next to the model it is compared with.
class Model {
 public:
  void apply(const std::map<Bytes, StorageValue>& changes, StateVersion version) {
    std::vector<TrieChange> list;
    for (const auto& [key, value] : changes) {
      list.push_back({key, value});
      if (value == nullptr) {
        map.erase(key);
      } else {
        map[key] = {*value, version == StateVersion::kV1 && value->size() >= 33};
      }
    }
    trie = trie.with(list, version);
  }

  void check() const {
    ASSERT_EQ(trie.root(), NaiveTrie::root(map));
    ASSERT_EQ(trie.size(), map.size());
    ASSERT_EQ(trie.empty(), map.empty());
    for (const auto& [key, value] : map) {
      const TrieNode* node = trie.find(key);
      ASSERT_NE(node, nullptr);
      ASSERT_EQ(*node->value, value.bytes);
      ASSERT_EQ(node->value_hash.has_value(), value.hashed);
    }
  }

  void check_key(const Bytes& key) const {
    ASSERT_EQ(trie.find(key) != nullptr, map.contains(key));
    const auto next = map.upper_bound(key);
    const auto found = trie.next_key(key);
    ASSERT_EQ(found.has_value(), next != map.end());
    if (found) {
      ASSERT_EQ(*found, next->first);
    }
  }

  Trie trie{blake2b_256};
  NaiveMap map;
};

/// Keys that share prefixes, are prefixes of each other, and diverge at either nibble.
class KeySource {
 public:
  explicit KeySource(unsigned seed) : random_(seed) {}

  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }  // less than n
  Bytes key() {
    constexpr unsigned kAlphabet[] = {0x00, 0x01, 0x10, 0x11, 0x1F, 0xF1, 0xFF};
    Bytes key;
    if (below(3) == 0) key = from_hex("a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2");
    for (unsigned n = below(6); n > 0; --n) key.push_back(static_cast<std::byte>(kAlphabet[below(7)]));
    if (below(20) == 0) key.resize(key.size() + 20 + below(200), std::byte{0x5A});
    return key;
  }
  StorageValue value() {
    constexpr unsigned kSizes[] = {0, 1, 4, 20, 27, 28, 29, 30, 31, 32, 33, 34, 63, 64, 65, 200, 16'383, 16'384};
    const unsigned size = kSizes[below(below(8) == 0 ? 18 : 15)];
    return value_of(Bytes(size, static_cast<std::byte>(below(4))));
  }

 private:
  std::mt19937 random_;
};

TEST(Trie, WithoutKeysHasTheRootOfTheEmptyTrie) {
  const Trie trie(blake2b_256);
  const Bytes root(trie.root().begin(), trie.root().end());
  EXPECT_EQ(root, from_hex("03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"));
  EXPECT_EQ(trie.find({}), nullptr);
  EXPECT_EQ(trie.next_key({}), std::nullopt);
}

TEST(Trie, ChangesMakeTheRootThatAllPairsMakeAnew) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    KeySource source(seed);
    Model model;
    for (int round = 0; round < 25; ++round) {
      std::map<Bytes, StorageValue> changes;
      for (unsigned n = 1 + source.below(seed % 2 == 0 ? 4 : 40); n > 0; --n) {
        changes[source.key()] = source.below(5) < 2 ? nullptr : source.value();
      }
      if (source.below(6) == 0) {  // most of what is there goes
        for (const auto& [key, value] : model.map) {
          if (source.below(8) != 0) changes[key] = nullptr;
        }
      }
      model.apply(changes, source.below(2) == 0 ? StateVersion::kV0 : StateVersion::kV1);
      ASSERT_NO_FATAL_FAILURE(model.check());
      for (int i = 0; i < 20; ++i) ASSERT_NO_FATAL_FAILURE(model.check_key(source.key()));
      for (const auto& [key, value] : model.map) ASSERT_NO_FATAL_FAILURE(model.check_key(key));
    }
  }
}

TEST(Trie, IsLeftAsItWasByChanges) {
  KeySource source(1);
  std::vector<Model> history(1);
  for (int i = 0; i < 40; ++i) {
    Model next = history.back();
    next.apply({{source.key(), source.value()}, {source.key(), nullptr}, {source.key(), source.value()}},
               StateVersion::kV1);
    history.push_back(std::move(next));
  }
  std::shuffle(history.begin(), history.end(), std::mt19937(2));
  while (!history.empty()) {
    ASSERT_NO_FATAL_FAILURE(history.back().check());
    history.pop_back();  // what the others share stays
  }
}

TEST(Trie, ASetValueTakesTheFormOfTheVersionAndAllOthersKeepTheirs) {
  Model model;
  const StorageValue value = value_of(Bytes(40, std::byte{7}));
  model.apply({{from_hex("1234"), value}, {from_hex("1256"), value}, {from_hex("125678"), value}}, StateVersion::kV0);
  ASSERT_NO_FATAL_FAILURE(model.check());
  const Hash inline_root = model.trie.root();
  model.apply({{from_hex("1256"), value_of(*value)}}, StateVersion::kV1);  // the same bytes
  ASSERT_NO_FATAL_FAILURE(model.check());
  EXPECT_NE(model.trie.root(), inline_root);
  model.apply({{from_hex("12"), value_of(from_hex("00"))}}, StateVersion::kV1);
  model.apply({{from_hex("12"), nullptr}, {from_hex("1256"), value}}, StateVersion::kV0);
  ASSERT_NO_FATAL_FAILURE(model.check());
  EXPECT_EQ(model.trie.root(), inline_root);
}

TEST(Trie, ChangesThatChangeNothingShareAllNodes) {
  Model model;
  const Bytes key = from_hex("123456");
  model.apply({{from_hex("12"), value_of(from_hex("01"))}, {key, value_of(from_hex("02"))}}, StateVersion::kV1);
  const TrieNode* before = model.trie.find(key);
  model.apply({{from_hex(""), nullptr},
               {from_hex("1234"), nullptr},
               {key, value_of(from_hex("02"))},
               {from_hex("12345678"), nullptr},
               {from_hex("ff"), nullptr}},
              StateVersion::kV1);
  EXPECT_EQ(model.trie.find(key), before);
  ASSERT_NO_FATAL_FAILURE(model.check());
}

TEST(Trie, TakesKeysOfAMegabyte) {
  Model model;
  Bytes key(1 << 20, std::byte{0xAB});
  model.apply({{key, value_of(from_hex("01"))}}, StateVersion::kV1);
  Bytes sibling = key;
  sibling.back() = std::byte{0xAC};
  Bytes early = key;
  early[70'000] = std::byte{0xBB};
  model.apply({{sibling, value_of(from_hex("02"))}, {early, value_of(from_hex("03"))}, {{}, value_of({})}},
              StateVersion::kV1);
  ASSERT_NO_FATAL_FAILURE(model.check());
  for (const Bytes& asked : {key, sibling, early, Bytes{}}) ASSERT_NO_FATAL_FAILURE(model.check_key(asked));
  model.apply({{sibling, nullptr}, {early, nullptr}}, StateVersion::kV1);
  ASSERT_NO_FATAL_FAILURE(model.check());
}

/// Seconds of the processor that something takes.
template <typename F>
double processor_time(F&& run) {
  const std::clock_t begin = std::clock();
  run();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

/// What it takes to put so many prefixes of a long key into a trie that has it, and to remove them.
struct PrefixTimes {
  double set;
  double removed;
};
PrefixTimes time_prefixes(std::size_t count) {
  const Bytes key(4u << 20, std::byte{0x77});
  const StorageValue value = value_of(from_hex("01"));
  const Trie with_key = Trie(blake2b_256).with(std::vector<TrieChange>{{key, value}}, StateVersion::kV0);
  std::vector<TrieChange> changes;
  for (std::size_t size = 1; size <= count; ++size) changes.push_back({BytesView(key).first(size), value});
  Trie with_all = with_key;
  PrefixTimes times{};
  times.set = processor_time([&] { with_all = with_key.with(changes, StateVersion::kV0); });
  EXPECT_EQ(with_all.size(), count + 1);
  for (TrieChange& change : changes) change.value = nullptr;
  times.removed = processor_time([&] { with_all = with_all.with(changes, StateVersion::kV0); });
  EXPECT_EQ(with_all.root(), with_key.root());
  EXPECT_EQ(with_all.size(), 1u);
  return times;
}

// A node's long partial key is cut, or put together, once, and not at each of them.
TEST(Trie, ManyPrefixesOfALongKeyCostLittleMoreThanAFew) {
  const PrefixTimes few = time_prefixes(10);
  const PrefixTimes many = time_prefixes(2000);
  EXPECT_LT(many.set, 10 * few.set);
  EXPECT_LT(many.removed, 10 * few.removed);
}

TEST(Trie, KeepsNothingOfALongKeyThatIsGone) {
  const auto in_use = [] { return mallinfo2().uordblks + mallinfo2().hblkhd; };
  constexpr std::size_t kLong = 8u << 20;
  const StorageValue value = value_of(from_hex("01"));
  Trie trie(blake2b_256);
  const std::size_t before = in_use();
  {
    const Bytes key(kLong, std::byte{0x77});
    const auto apply = [&](std::size_t size, const StorageValue& now) {
      trie = trie.with(std::vector<TrieChange>{{BytesView(key).first(size), now}}, StateVersion::kV0);
    };
    apply(kLong, value);
    for (const std::size_t size : {10u, 1000u, 500u}) apply(size, value);
    apply(kLong, nullptr);
  }
  EXPECT_EQ(trie.size(), 3u);
  EXPECT_LT(in_use(), before + kLong / 8);
}

// All prefixes of one key: a trie that is as deep as the key is long. Neither changing it nor its end may recurse.
TEST(Trie, MayBeAsDeepAsItsKeysAreLong) {
  constexpr std::size_t kDepth = 20'000;
  const Bytes key(kDepth, std::byte{0x77});
  const StorageValue value = value_of(from_hex("01"));
  std::vector<TrieChange> changes;
  for (std::size_t size = 0; size <= kDepth; ++size) changes.push_back({BytesView(key).first(size), value});
  auto trie = std::make_unique<Trie>(Trie(blake2b_256).with(changes, StateVersion::kV0));
  EXPECT_EQ(trie->size(), kDepth + 1);
  EXPECT_NE(trie->find(key), nullptr);
  EXPECT_EQ(trie->next_key(BytesView(key).first(kDepth - 1)), key);
  EXPECT_EQ(trie->next_key(key), std::nullopt);

  auto changed = std::make_unique<Trie>(trie->with(std::vector<TrieChange>{{key, nullptr}}, StateVersion::kV0));
  EXPECT_EQ(changed->size(), kDepth);
  EXPECT_NE(changed->root(), trie->root());
  trie.reset();
  EXPECT_NE(changed->find(BytesView(key).first(kDepth - 1)), nullptr);
  for (TrieChange& change : changes) change.value = nullptr;
  EXPECT_TRUE(changed->with(changes, StateVersion::kV0).empty());
  changed.reset();
}

}  // namespace
}  // namespace anew::substrate
