// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <anew/substrate/state.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "host/substrate/hashing.hpp"
#include "substrate/bytes.hpp"
#include "substrate/chain_files.hpp"
#include "substrate/naive_trie.hpp"

namespace anew::substrate {
namespace {

Bytes bytes_of(const Hash& hash) { return {hash.begin(), hash.end()}; }
StorageValue value_of(Bytes bytes) { return std::make_shared<const Bytes>(std::move(bytes)); }
Bytes root_key(std::string_view storage_key) {
  return from_text(fmt::format(":child_storage:default:{}", storage_key));
}

const Bytes kEmptyRoot = from_hex("03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314");

struct Genesis {
  const char* chain;
  const char* root;
  const char* block_hash;  // by which the chain is known
};
void PrintTo(const Genesis& genesis, std::ostream* stream) { *stream << genesis.chain; }

class GenesisTest : public testing::TestWithParam<Genesis> {
 protected:
  void SetUp() override {
    spec = read_spec(GetParam().chain);
    state = genesis_of(GetParam().chain);
  }
  ChainSpec spec;
  MemoryState state;
};

TEST_P(GenesisTest, HasTheRootOfItsFirstBlock) {
  EXPECT_EQ(bytes_of(state.root()), from_hex(GetParam().root));
  EXPECT_EQ(state.size(), spec.top.size());
  EXPECT_EQ(state.root({}, {}, StateVersion::kV1), state.root());
  // Parent, number, state root, root of no extrinsics, no digest.
  const Bytes header = join({Bytes(32), Bytes(1), bytes_of(state.root()), kEmptyRoot, Bytes(1)});
  EXPECT_EQ(bytes_of(blake2b_256(header)), from_hex(GetParam().block_hash));
}

TEST_P(GenesisTest, HoldsAllPairsInTheirOrder) {
  std::optional<Bytes> key;
  if (!state.get({}, {}).value()) key = state.next_key({}, {}).value();
  for (const auto& [expected, value] : spec.top) {
    ASSERT_TRUE(key);
    ASSERT_EQ(*key, expected);
    ASSERT_EQ(*state.get({}, *key).value(), value);
    key = state.next_key({}, *key).value();
  }
  EXPECT_FALSE(key);
  EXPECT_EQ(state.value_hash(from_text(":code")).value(), blake2b_256(spec.code()));
}

TEST_P(GenesisTest, ChangesMakeTheRootThatAllPairsMakeAnew) {
  NaiveMap map;
  for (const auto& [key, value] : spec.top) map[key] = {value, false};
  StateChanges changes;
  std::mt19937 random(3);
  for (const auto& [key, value] : spec.top) {
    if (random() % 50 != 0) continue;
    Bytes changed(random() % 70, std::byte{9});
    map[key] = {changed, changed.size() >= 33};
    changes.top[key] = value_of(changed);
    Bytes gone = key;
    gone.back() ^= std::byte{1};
    map.erase(gone);
    changes.top[gone] = nullptr;
  }
  const auto next = state.with(changes, StateVersion::kV1);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->root(), NaiveTrie::root(map));
  std::vector<TrieChange> list;
  for (const auto& [key, value] : changes.top) list.push_back({key, value});
  EXPECT_EQ(state.root({}, list, StateVersion::kV1), next->root());
  EXPECT_EQ(bytes_of(state.root()), from_hex(GetParam().root)) << "the first one is as it was";
}

INSTANTIATE_TEST_SUITE_P(
    Chains, GenesisTest,
    testing::Values(Genesis{"polkadot", "29d0d972cd27cbc511e9589fcb7a4506d5eb6a9e8df205f00472e5ab354a4e17",
                            "91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3"},
                    Genesis{"kusama", "b0006203c3a6e6bd2c6a17b1d4ae8ca49a31da0f4579da950b127774b44aef6b",
                            "b0a8d493285c2df73290dfb7e61f870f17b41801197a149ca93654499ea3dafe"},
                    Genesis{"westend", "7e92439a94f79671f9cade9dff96a094519b9001a7432244d46ab644bb6f746f",
                            "e143f23803ac50e8f6f8e62695d1ce9e4e1d68aa36c1cd2cfd15340213f3423e"}),
    [](const auto& test) { return test.param.chain; });

TEST(MemoryState, WithoutKeysHasTheEmptyRoot) {
  const MemoryState state;
  EXPECT_EQ(bytes_of(state.root()), kEmptyRoot);
  EXPECT_EQ(state.size(), 0u);
  EXPECT_EQ(state.get({}, {}).value(), nullptr);
  EXPECT_EQ(state.value_hash(from_text(":code")).value(), std::nullopt);
  EXPECT_EQ(state.next_key({}, {}).value(), std::nullopt);
  EXPECT_EQ(bytes_of(state.root(TrieId::child(from_text("one")), {}, StateVersion::kV1).value()), kEmptyRoot);
}

TEST(MemoryState, IsWholeAfterItWasMovedFrom) {
  MemoryState state;
  const MemoryState other = std::move(state);
  EXPECT_EQ(state.root(), other.root());  // NOLINT: what is promised
}

TEST(MemoryState, PutsTheRootsOfChildTriesIntoTheTopTrie) {
  const Bytes one = from_text("one");
  const MemoryState empty;
  StateChanges changes;
  changes.top[from_hex("01")] = value_of(from_hex("02"));
  changes.children[one][from_hex("0a")] = value_of(from_hex("0b"));
  const auto state = empty.with(changes, StateVersion::kV1);
  ASSERT_TRUE(state) << state.error().message;
  const Hash child_root = NaiveTrie::root({{from_hex("0a"), {from_hex("0b")}}});
  EXPECT_EQ(state->root(),
            NaiveTrie::root({{from_hex("01"), {from_hex("02")}}, {root_key("one"), {bytes_of(child_root)}}}));
  EXPECT_EQ(*state->get({}, root_key("one")).value(), bytes_of(child_root));
  EXPECT_EQ(*state->get(TrieId::child(one), from_hex("0a")).value(), from_hex("0b"));
  EXPECT_EQ(state->get({}, from_hex("0a")).value(), nullptr);
  EXPECT_EQ(state->get(TrieId::child(from_text("two")), from_hex("0a")).value(), nullptr);
  EXPECT_EQ(state->next_key(TrieId::child(one), {}).value(), from_hex("0a"));
  EXPECT_EQ(state->root(TrieId::child(one), {}, StateVersion::kV1), child_root);

  // Its root goes with its last key.
  StateChanges removal;
  const Bytes key = from_hex("0a");
  removal.children[one][key] = nullptr;
  const std::vector<TrieChange> key_goes = {{key, nullptr}};
  EXPECT_EQ(bytes_of(state->root(TrieId::child(one), key_goes, StateVersion::kV1).value()), kEmptyRoot);
  const auto without = state->with(removal, StateVersion::kV1);
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_EQ(without->root(), NaiveTrie::root({{from_hex("01"), {from_hex("02")}}}));
  EXPECT_EQ(without->get({}, root_key("one")).value(), nullptr);
  EXPECT_EQ(*state->get(TrieId::child(one), from_hex("0a")).value(), from_hex("0b"));
}

TEST(MemoryState, ComputesTheRootsOfAChainSpecsChildTries) {
  ChainSpec spec;
  spec.top = {{root_key("one"), from_hex("00")}, {root_key("two"), from_hex("00")}};
  spec.children = {{from_text("one"), {{from_hex("0a"), Bytes(40, std::byte{1})}}}, {from_text("two"), {}}};
  const auto state = MemoryState::from_chain_spec(spec, StateVersion::kV1);
  ASSERT_TRUE(state) << state.error().message;
  const Hash child_root = NaiveTrie::root({{from_hex("0a"), {Bytes(40, std::byte{1}), true}}});
  EXPECT_EQ(state->root(), NaiveTrie::root({{root_key("one"), {bytes_of(child_root)}}}));
}

TEST(MemoryState, KnowsTheHashOfItsCode) {
  const Bytes code_key = from_text(":code");
  const Bytes code(100'000, std::byte{0x61});
  for (const StateVersion version : {StateVersion::kV0, StateVersion::kV1}) {
    StateChanges changes;
    changes.top[code_key] = value_of(code);
    changes.top[from_hex("01")] = value_of(code);
    const auto state = MemoryState().with(changes, version);
    ASSERT_TRUE(state);
    EXPECT_EQ(state->value_hash(code_key).value(), blake2b_256(code));
    EXPECT_EQ(state->value_hash(from_hex("01")).value(), blake2b_256(code));
    StateChanges upgrade;
    upgrade.top[code_key] = value_of(from_hex("02"));
    EXPECT_EQ(state->with(upgrade, version)->value_hash(code_key).value(), blake2b_256(from_hex("02")));
    StateChanges removal;
    removal.top[code_key] = nullptr;
    EXPECT_EQ(state->with(removal, version)->value_hash(code_key).value(), std::nullopt);
    EXPECT_EQ(state->value_hash(code_key).value(), blake2b_256(code));
  }
}

TEST(MemoryState, MayBeReadAndChangedByManyThreads) {
  StateChanges changes;
  for (unsigned i = 0; i < 1000; ++i) {
    const Digest<32> key = blake2b_256(Bytes{static_cast<std::byte>(i), static_cast<std::byte>(i >> 8)});
    changes.top[bytes_of(key)] = value_of(Bytes(i % 50, std::byte{5}));
  }
  changes.top[from_text(":code")] = value_of(Bytes(50'000));
  auto shared = std::make_unique<MemoryState>(MemoryState().with(changes, StateVersion::kV0).value());
  const Hash root = shared->root();
  const Hash code_hash = blake2b_256(Bytes(50'000));
  std::vector<std::string> failures(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < failures.size(); ++i) {
      threads.emplace_back([&, i, state = *shared]() mutable {
        if (state.value_hash(from_text(":code")).value() != code_hash) failures[i] = "another hash";
        std::optional<Bytes> key = Bytes{};
        for (int count = 0; (key = state.next_key({}, *key).value()); ++count) {
          if (state.get({}, *key).value() == nullptr) failures[i] = "a key without a value";
          if (count % 20 != 0) continue;
          StateChanges own;
          own.top[*key] = value_of(Bytes(i + 1));
          state = state.with(own, StateVersion::kV1).value();  // and an older one goes
        }
        if (state.root() == root) failures[i] = "the same root";
      });
    }
    shared.reset();
  }
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
}

TEST(MemoryState, ReadsPairs) {
  for (const char* json : {R"([["0x01", "0xAA"], ["0x", "0x"]])",
                           R"({"jsonrpc": "2.0", "id": 1, "result": [["0x01", "0xaa"], ["0x", "0x"]]})"}) {
    const auto state = MemoryState::from_pairs(json, StateVersion::kV0);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->root(), NaiveTrie::root({{{}, {{}}}, {from_hex("01"), {from_hex("aa")}}}));
  }
  EXPECT_EQ(bytes_of(MemoryState::from_pairs("[]", StateVersion::kV1)->root()), kEmptyRoot);
}

TEST(MemoryState, PairsAreStoredAsTheVersionSays) {
  const std::string json = fmt::format(R"([["0x01", "0x{}"]])", std::string(66, '0'));
  for (const bool hashed : {false, true}) {
    const auto state = MemoryState::from_pairs(json, hashed ? StateVersion::kV1 : StateVersion::kV0);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->root(), NaiveTrie::root({{from_hex("01"), {Bytes(33), hashed}}}));
  }
}

// state_getPairs lists the roots of child tries, but nothing of what is in them.
TEST(MemoryState, RefusesChildTriesWithoutTheirKeysByName) {
  const auto hexadecimal = [](const Bytes& bytes) {
    std::string text = "0x";
    for (const std::byte b : bytes) text += fmt::format("{:02x}", std::to_integer<int>(b));
    return text;
  };
  const Bytes key = root_key("one");
  const auto pairs = MemoryState::from_pairs(fmt::format(R"([["0x01", "0x02"], ["{}", "0x0102"]])", hexadecimal(key)),
                                             StateVersion::kV0);
  ASSERT_FALSE(pairs);
  EXPECT_EQ(pairs.error().code, ErrorCode::kMalformed);
  const std::string name = hexadecimal(from_text("one"));
  EXPECT_NE(pairs.error().message.find("the child trie \"" + name), std::string::npos) << pairs.error().message;

  ChainSpec spec;
  spec.top[key] = from_hex("0102");
  spec.children[from_text("other")][from_hex("0a")] = from_hex("0b");
  const auto genesis = MemoryState::from_chain_spec(spec, StateVersion::kV0);
  ASSERT_FALSE(genesis);
  EXPECT_NE(genesis.error().message.find("the child trie \"" + name), std::string::npos) << genesis.error().message;
  spec.children[from_text("one")];  // without keys: its root goes
  EXPECT_TRUE(MemoryState::from_chain_spec(spec, StateVersion::kV0));
  spec.children[from_text("one")][from_hex("0a")] = from_hex("0b");
  EXPECT_TRUE(MemoryState::from_chain_spec(spec, StateVersion::kV0));
}

TEST(MemoryState, ComputesNoRootOfAChildTrieThatIsNotKnown) {
  const Bytes key = root_key("one");
  StateChanges root_only;
  root_only.top[key] = value_of(from_hex("0102"));
  const auto state = MemoryState().with(root_only, StateVersion::kV0);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->root(), NaiveTrie::root({{key, {from_hex("0102")}}}));
  const Bytes one = from_text("one");
  StateChanges changes;
  const Bytes child_key = from_hex("0a");
  changes.children[one][child_key] = value_of(from_hex("0b"));
  const std::vector<TrieChange> child_changes = {{child_key, changes.children[one][child_key]}};
  const auto root = state->root(TrieId::child(one), child_changes, StateVersion::kV0);
  ASSERT_FALSE(root);
  EXPECT_EQ(root.error().code, ErrorCode::kNotFound);
  const auto next = state->with(changes, StateVersion::kV0);
  ASSERT_FALSE(next);
  EXPECT_NE(next.error().message.find("not its keys"), std::string::npos) << next.error().message;
}

struct Malformed {
  const char* what;
  std::string json;
  const char* message;
};

TEST(MemoryState, SaysWhatIsWrongWithPairs) {
  const std::string long_key(100'000, 'a');
  const std::vector<Malformed> cases = {
      {"empty", "", "not JSON"},
      {"cut short", R"([["0x01", "0x02"])", "not JSON"},
      {"behind the end", R"([] 1)", "not JSON"},
      {"not UTF-8", "[[\"\xFF\", \"0x\"]]", "not JSON"},
      {"nested deep", std::string(200'000, '['), "not JSON"},
      {"nested deep and whole", std::string(200'000, '[') + std::string(200'000, ']'), "entry 0 is not a list of two"},
      {"a number", "1", "neither a list nor an object"},
      {"no result", "{}", "without a \"result\""},
      {"an error", R"({"error": {"code": -32601, "message": "Method not found"}})", "Method not found"},
      {"a long error", fmt::format(R"({{"error": "{}"}})", long_key), "the answer is an error"},
      {"a deep error", R"({"error": )" + std::string(200'000, '[') + std::string(200'000, ']') + "}",
       "the answer is an error"},
      {"a deep message", R"({"error": {"message": )" + std::string(200'000, '[') + std::string(200'000, ']') + "}}",
       "the answer is an error"},
      {"result null", R"({"result": null})", "\"result\" is not a list"},
      {"entry a string", R"([["0x01", "0x02"], "0x03"])", "entry 1 is not a list of two strings"},
      {"entry an object", R"([{"0x01": "0x02"}])", "entry 0 is not a list of two strings"},
      {"entry short", R"([["0x01"]])", "entry 0 is not a list of two strings"},
      {"entry long", R"([["0x01", "0x02", "0x03"]])", "entry 0 is not a list of two strings"},
      {"key a number", R"([[1, "0x02"]])", "entry 0 is not a list of two strings"},
      {"value null", R"([["0x01", null]])", "entry 0 is not a list of two strings"},
      {"key not hex", R"([["0x01", "0x"], ["0x0g", "0x02"]])", "entry 1 has a key \"0x0g\" that has a character"},
      {"value not hex", R"([["0x01", "02"]])", "entry 0 has a value, of key \"0x01\", that does not begin with 0x"},
      {"value odd", R"([["0x01", "0x2"]])", "entry 0 has a value, of key \"0x01\", that has an odd number"},
      {"key twice", R"([["0xaa", "0x"], ["0x01", "0x02"], ["0xAA", "0x"]])", "entry 2 has a key that was there before"},
      {"long key", fmt::format(R"([["{}", "0x"]])", long_key), "entry 0 has a key \"aaa"},
  };
  for (const Malformed& malformed : cases) {
    SCOPED_TRACE(malformed.what);
    const auto state = MemoryState::from_pairs(malformed.json, StateVersion::kV0);
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, ErrorCode::kMalformed);
    EXPECT_NE(state.error().message.find(malformed.message), std::string::npos) << state.error().message;
    EXPECT_LT(state.error().message.size(), 600u) << "a message quotes no more than a line of the file";
  }
}

}  // namespace
}  // namespace anew::substrate
