// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The overlay against a model of it that is plain: maps, of which a transaction keeps a copy.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "host/substrate/overlay.hpp"
#include "host/substrate/scale.hpp"
#include "host/substrate/storage_keys.hpp"
#include "substrate/bytes.hpp"
#include "substrate/naive_trie.hpp"

namespace anew::substrate {
namespace {

using Name = std::optional<Bytes>;  // of a child trie, or nothing: the top one
using Trie = std::map<Bytes, std::optional<Bytes>>;
using Tries = std::map<Name, Trie>;

TrieId id_of(const Name& name) { return name ? TrieId::child(*name) : TrieId(); }
Bytes bytes_of(const Hash& hash) { return {hash.begin(), hash.end()}; }

class Model {
 public:
  explicit Model(Tries base) : base_(std::move(base)) {}

  std::optional<Bytes> get(const Name& name, const Bytes& key) const {
    const Trie all = merged(name);
    const auto found = all.find(key);
    return found == all.end() ? std::nullopt : found->second;
  }

  void set(const Name& name, const Bytes& key, std::optional<Bytes> value) {
    if (!name && starts_with(key, as_bytes(":child_storage:"))) return;
    changes_[name][key] = std::move(value);
  }

  void append(const Bytes& key, const Bytes& item) {
    const Bytes old = get({}, key).value_or(Bytes());
    ScaleReader reader(old);
    std::uint32_t count = 0;
    Bytes items;
    if (reader.compact(count))
      items = Bytes(BytesView(old).subspan(reader.position()).begin(), BytesView(old).end());
    else
      count = 0;
    Bytes value;
    append_compact(value, count + 1);
    changes_[{}][key] = join({value, items, item});
  }

  std::pair<std::uint32_t, bool> clear_prefix(const Name& name, const Bytes& prefix,
                                              std::optional<std::uint32_t> limit) {
    const Bytes roots = from_text(":child_storage:");
    if (!name && (starts_with(prefix, roots) || starts_with(roots, prefix))) return {0, true};
    for (auto& [key, value] : changes_[name])
      if (starts_with(key, prefix)) value.reset();
    std::uint32_t looked_at = 0;
    for (const auto& [key, value] : base_[name]) {
      if (!starts_with(key, prefix)) continue;
      if (looked_at == limit) return {looked_at, false};
      changes_[name][key].reset();
      ++looked_at;
    }
    return {looked_at, true};
  }

  std::optional<Bytes> next_key(const Name& name, const Bytes& key) const {
    const Trie all = merged(name);
    const auto next = all.upper_bound(key);
    return next == all.end() ? std::nullopt : std::optional(next->first);
  }

  Bytes child_root(const Bytes& child, StateVersion version) {
    const auto changed = changes_.find(child);
    if (changed == changes_.end() || changed->second.empty()) return bytes_of(trie_root(child, version));
    std::optional<Bytes> root = bytes_of(trie_root(child, version));
    const Bytes answer = *root;
    if (merged(child).empty()) root.reset();
    changes_[{}][child_root_key(child)] = std::move(root);
    return answer;
  }

  Bytes root(StateVersion version) {
    const Tries changes = changes_;
    for (const auto& [name, trie] : changes)
      if (name) child_root(*name, version);
    return bytes_of(trie_root({}, version));
  }

  void start() { snapshots_.push_back(changes_); }
  bool close(bool commit) {
    if (snapshots_.empty()) return false;
    if (!commit) changes_ = std::move(snapshots_.back());
    snapshots_.pop_back();
    return true;
  }
  std::size_t open() const { return snapshots_.size(); }

  Tries changes() const {
    Tries changes = changes_;
    std::erase_if(changes, [](const auto& trie) { return trie.second.empty(); });
    return changes;
  }

 private:
  Trie merged(const Name& name) const {
    Trie all = base_.contains(name) ? base_.at(name) : Trie();
    if (const auto changed = changes_.find(name); changed != changes_.end())
      for (const auto& [key, value] : changed->second) all[key] = value;
    std::erase_if(all, [](const auto& pair) { return !pair.second; });
    return all;
  }

  // All values of the base have the form of version 0.
  Hash trie_root(const Name& name, StateVersion version) const {
    NaiveMap map;
    const auto changed = changes_.find(name);
    for (const auto& [key, value] : merged(name)) {
      const bool is_new = changed != changes_.end() && changed->second.contains(key);
      map[key] = {*value, is_new && version == StateVersion::kV1 && value->size() > 32};
    }
    return NaiveTrie::root(map);
  }

  Tries base_;
  Tries changes_;
  std::vector<Tries> snapshots_;
};

Tries as_tries(const StateChanges& changes) {
  Tries tries;
  const auto add = [&](const Name& name, const TrieChanges& trie) {
    for (const auto& [key, value] : trie) tries[name][key] = value ? std::optional(*value) : std::nullopt;
  };
  add({}, changes.top);
  for (const auto& [name, trie] : changes.children) add(name, trie);
  return tries;
}

/// Random operations.
class OverlayModelTest : public testing::TestWithParam<unsigned> {
 protected:
  OverlayModelTest() {
    StateChanges genesis;
    for (unsigned i = below(60); i > 0; --i) {
      const Name name = this->name();
      TrieChanges& trie = name ? genesis.children[*name] : genesis.top;
      trie[plain_key()] = std::make_shared<const Bytes>(value());
    }
    base = MemoryState().with(genesis, StateVersion::kV0).value();
    Tries tries = as_tries(genesis);
    for (const auto& [child, changes] : genesis.children)
      tries[{}][child_root_key(child)] = *base.get({}, child_root_key(child)).value();
    model = Model(std::move(tries));
  }

  unsigned below(unsigned n) { return static_cast<unsigned>(random() % n); }  // so it fits
  bool one_in(unsigned n) { return below(n) == 0; }
  Name name() { return one_in(2) ? std::nullopt : Name(from_text(one_in(3) ? "x" : "y")); }

  /// Few and short, so that they are often the same, neighbours, and prefixes of each other.
  Bytes plain_key() {
    Bytes key;
    for (unsigned i = below(4); i > 0; --i) key.push_back(one_in(8) ? std::byte{0xFF} : from_text("abc")[below(3)]);
    return key;
  }
  Bytes key() {
    if (one_in(20)) return child_root_key(from_text(one_in(2) ? "x" : "y"));
    return one_in(40) ? from_text(":child") : plain_key();
  }
  Bytes value() {
    if (one_in(3)) return from_text("\x08xy");                                               // a sequence
    return Bytes(one_in(4) ? 30 + below(5) : below(4), static_cast<std::byte>(below(256)));  // below 256
  }
  StateVersion version() { return one_in(4) ? StateVersion::kV0 : StateVersion::kV1; }

  void change() {
    const Name name = this->name();
    const TrieId id = id_of(name);
    const Bytes key = this->key();
    switch (below(8)) {
      case 0:
      case 1: {
        const Bytes value = this->value();
        overlay.set(id, key, std::make_shared<const Bytes>(value));
        model.set(name, key, value);
        break;
      }
      case 2:
      case 3:
        overlay.set(id, key, nullptr);
        model.set(name, key, std::nullopt);
        break;
      case 4:
      case 5:
        for (unsigned i = one_in(20) ? 80 : 1; i > 0; --i) {
          const Bytes item = value();
          ASSERT_TRUE(overlay.append(key, item));
          model.append(key, item);
        }
        break;
      default: {
        const Bytes prefix(key.begin(), key.begin() + std::min<std::ptrdiff_t>(below(3), std::ssize(key)));
        const std::optional<std::uint32_t> limit = one_in(3) ? std::nullopt : std::optional(below(5));
        const auto removal = overlay.clear_prefix(id, prefix, limit);
        ASSERT_TRUE(removal);
        ASSERT_EQ(std::pair(removal->removed, removal->all), model.clear_prefix(name, prefix, limit));
      }
    }
  }

  void look() {
    const Name name = this->name();
    const Bytes key = this->key();
    const StorageValue value = overlay.get(id_of(name), key).value();
    ASSERT_EQ(value ? std::optional(*value) : std::nullopt, model.get(name, key));
    ASSERT_EQ(overlay.exists(id_of(name), key).value(), value != nullptr);
    ASSERT_EQ(overlay.next_key(id_of(name), key).value(), model.next_key(name, key));
  }

  void look_at_roots() {
    const StateVersion version = this->version();
    if (one_in(2)) {
      ASSERT_EQ(bytes_of(overlay.root(version).value()), model.root(version));
    } else {
      const Bytes child = from_text(one_in(2) ? "x" : "y");
      ASSERT_EQ(bytes_of(overlay.child_root(child, version).value()), model.child_root(child, version));
    }
  }

  void look_at_all() {
    ASSERT_EQ(as_tries(overlay.changes()), model.changes());
    for (const Name& name : {Name(), Name(from_text("x")), Name(from_text("y"))}) {
      for (std::optional<Bytes> key = Bytes(); key;) {
        const std::optional<Bytes> next = overlay.next_key(id_of(name), *key).value();
        ASSERT_EQ(next, model.next_key(name, *key));
        key = next;
      }
    }
  }

  void close_transaction() {
    const bool commit = one_in(2);
    ASSERT_EQ(commit ? overlay.commit_transaction() : overlay.rollback_transaction(), model.close(commit));
    ASSERT_EQ(overlay.open_transactions(), model.open());
  }

  std::mt19937 random{GetParam()};
  MemoryState base;
  Model model{{}};
  Overlay overlay{base};
};

TEST_P(OverlayModelTest, DoesWhatThePlainModelDoes) {
  for (unsigned i = 0; i < 4000 && !HasFatalFailure(); ++i) {
    SCOPED_TRACE(fmt::format("operation {}", i));
    switch (below(16)) {
      case 0:
        overlay.start_transaction();
        model.start();
        break;
      case 1: close_transaction(); break;
      case 2: look_at_roots(); break;
      case 3: look_at_all(); break;
      case 4:
      case 5:
      case 6:
      case 7:
      case 8: look(); break;
      default: change();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, OverlayModelTest, testing::Range(0u, 12u),
                         [](const auto& each) { return "seed_" + std::to_string(each.param); });

}  // namespace
}  // namespace anew::substrate
