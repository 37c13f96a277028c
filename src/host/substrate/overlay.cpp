// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/overlay.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <new>
#include <utility>
#include <vector>

#include "host/substrate/changed_trie.hpp"
#include "host/substrate/trie_node.hpp"

namespace anew::substrate {
namespace {

/// What a key was before a transaction changed it first.
struct UndoRecord {
  ChangedTrie* trie;
  ChangedTrie::Place place;
  std::optional<ChangedTrie::Entry> before;  // nothing: it had not changed
};

bool is_child_root_key(BytesView key) { return starts_with(key, as_bytes(kChildStoragePrefix)); }

/// A root as the top trie has it: null of a trie without keys.
StorageValue root_value(const Hash& root) {
  if (root == empty_root(blake2b_256)) return nullptr;
  return std::make_shared<const Bytes>(root.begin(), root.end());
}

/// The keys of the base that begin with a prefix: `limit` at most, and whether these are all.
struct BaseKeys {
  std::vector<Bytes> keys;
  bool all = true;
};
Result<BaseKeys> list_keys(const StateBackend& base, TrieId trie, BytesView prefix, std::uint32_t limit) {
  BaseKeys list;
  const Result<StorageValue> of_prefix = base.get(trie, prefix);  // next_key() answers with greater keys only
  if (!of_prefix) return std::unexpected(of_prefix.error());
  Result<std::optional<Bytes>> key = Bytes(prefix.begin(), prefix.end());
  if (*of_prefix == nullptr) key = base.next_key(trie, prefix);
  while (key && *key && starts_with(**key, prefix)) {
    if (list.keys.size() == limit) {
      list.all = false;
      return list;
    }
    list.keys.push_back(std::move(**key));
    key = base.next_key(trie, list.keys.back());
  }
  if (!key) return std::unexpected(std::move(key.error()));
  return list;
}

}  // namespace

struct Overlay::State {
  explicit State(const StateBackend& base_state) : base(base_state) {}

  const StateBackend& base;
  ChangedTrie top{TrieId()};
  std::map<Bytes, ChangedTrie, KeyOrder> children;  // by storage key; none is empty
  // The journal: of each open transaction, one record for each key that it changed.
  std::vector<std::vector<UndoRecord>> transactions;

  /// What changed of a trie, or null.
  [[nodiscard]] ChangedTrie* find(TrieId id) {
    if (!id.is_child()) return &top;
    const auto child = children.find(id.storage_key());
    return child == children.end() ? nullptr : &child->second;
  }

  void change(TrieId id, BytesView key, OverlayValue value) {
    ChangedTrie& trie = find_or_add(id);
    const auto [place, added] = trie.insert(key);
    change(trie, place, added, std::move(value));
  }

  void change(ChangedTrie& trie, ChangedTrie::Place place, bool added, OverlayValue value) {
    const std::size_t open = transactions.size();
    if (place->second.recorded_in < open) {
      try {
        transactions.back().push_back({&trie, place, added ? std::nullopt : std::optional(place->second)});
      } catch (const std::bad_alloc&) {
        // What could not be undone is not done.
        if (added) trie.erase(place);
        throw;
      }
    }
    trie.assign(place, {std::move(value), open});
    top.root.reset();
  }

  void undo(const UndoRecord& record) {
    ChangedTrie& trie = *record.trie;
    top.root.reset();
    if (record.before) {
      trie.assign(record.place, *record.before);
      return;
    }
    trie.erase(record.place);
    if (trie.empty() && trie.id().is_child()) children.erase(children.find(trie.id().storage_key()));
  }

  /// Puts the root of a child trie, which was computed, into the top trie if it is not there.
  void put_root(const ChangedTrie& child) {
    const Bytes key = child_root_key(child.id().storage_key());
    StorageValue value = root_value(child.root->hash);
    if (const ChangedTrie::Entry* entry = top.find(key)) {
      const StorageValue old = entry->value.value();
      if (old == value || (old != nullptr && value != nullptr && *old == *value)) return;
    }
    change({}, key, OverlayValue(std::move(value)));
  }

  /// Computes the root of a child trie unless it is known.
  [[nodiscard]] Result<void> compute_root(ChangedTrie& child, StateVersion version) const {
    if (child.root && child.root->version == version) return {};
    const Result<Hash> root = base.root(child.id(), child.changes(), version);
    if (!root) return std::unexpected(root.error());
    child.root = {version, *root};
    return {};
  }

 private:
  ChangedTrie& find_or_add(TrieId id) {
    if (ChangedTrie* found = find(id)) return *found;
    const BytesView key = id.storage_key();
    const auto child = children.emplace(Bytes(key.begin(), key.end()), ChangedTrie{TrieId()}).first;
    child->second = ChangedTrie(TrieId::child(child->first));
    return child->second;
  }
};

Overlay::Overlay(const StateBackend& base) : state_(std::make_unique<State>(base)) {}
Overlay::Overlay(Overlay&&) noexcept = default;
Overlay& Overlay::operator=(Overlay&&) noexcept = default;
Overlay::~Overlay() = default;

Result<StorageValue> Overlay::get(TrieId trie, BytesView key) const {
  if (ChangedTrie* changed = state_->find(trie)) {
    if (const ChangedTrie::Entry* entry = changed->find(key)) return entry->value.value();
  }
  return state_->base.get(trie, key);
}

Result<bool> Overlay::exists(TrieId trie, BytesView key) const {
  if (ChangedTrie* changed = state_->find(trie)) {
    if (const ChangedTrie::Entry* entry = changed->find(key)) return entry->value.has_value();
  }
  const Result<StorageValue> value = state_->base.get(trie, key);
  if (!value) return std::unexpected(value.error());
  return *value != nullptr;
}

void Overlay::set(TrieId trie, BytesView key, StorageValue value) {
  if (!trie.is_child() && is_child_root_key(key)) return;
  state_->change(trie, key, OverlayValue(std::move(value)));
}

Result<void> Overlay::append(BytesView key, BytesView item) {
  OverlayValue value;
  if (ChangedTrie::Entry* entry = state_->top.find(key)) {
    entry->value.prepare_append();
    value = entry->value;
  } else {
    Result<StorageValue> old = state_->base.get({}, key);
    if (!old) return std::unexpected(std::move(old.error()));
    value = OverlayValue(std::move(*old));
  }
  value.append(item);
  state_->change({}, key, std::move(value));
  return {};
}

Result<Overlay::Removal> Overlay::clear_prefix(TrieId trie, BytesView prefix, std::optional<std::uint32_t> limit) {
  const bool meets_child_roots = is_child_root_key(prefix) || starts_with(as_bytes(kChildStoragePrefix), prefix);
  if (!trie.is_child() && meets_child_roots) return Removal{};

  constexpr std::uint32_t kNoLimit = std::numeric_limits<std::uint32_t>::max();
  const Result<BaseKeys> of_base = list_keys(state_->base, trie, prefix, limit.value_or(kNoLimit));
  if (!of_base) return std::unexpected(of_base.error());

  if (ChangedTrie* changed = state_->find(trie)) {
    const auto [first, last] = changed->with_prefix(prefix);
    for (auto place = first; place != last; ++place) {
      if (place->second.value.has_value()) state_->change(*changed, place, false, OverlayValue());
    }
  }
  for (const Bytes& key : of_base->keys) {
    ChangedTrie* changed = state_->find(trie);
    if (changed == nullptr || changed->find(key) == nullptr) state_->change(trie, key, OverlayValue());
  }
  // Not more than the limit, which has 32 bits.
  return Removal{static_cast<std::uint32_t>(of_base->keys.size()), of_base->all};
}

Result<std::optional<Bytes>> Overlay::next_key(TrieId trie, BytesView key) const {
  ChangedTrie* changed = state_->find(trie);
  return changed == nullptr ? state_->base.next_key(trie, key) : changed->next_key(state_->base, key);
}

Result<Hash> Overlay::root(StateVersion version) {
  State& state = *state_;
  if (state.top.root && state.top.root->version == version) return state.top.root->hash;

  // Nothing is put into the top trie until all that may fail is done.
  TrieChanges changes = state.top.changes();
  for (auto& [storage_key, child] : state.children) {
    if (Result<void> done = state.compute_root(child, version); !done) return std::unexpected(std::move(done.error()));
    changes.insert_or_assign(child_root_key(storage_key), root_value(child.root->hash));
  }
  Result<Hash> root = state.base.root({}, changes, version);
  if (!root) return root;
  for (const auto& [storage_key, child] : state.children) state.put_root(child);
  state.top.root = {version, *root};
  return root;
}

Result<Hash> Overlay::child_root(BytesView storage_key, StateVersion version) {
  if (ChangedTrie* child = state_->find(TrieId::child(storage_key))) {
    if (Result<void> done = state_->compute_root(*child, version); !done) {
      return std::unexpected(std::move(done.error()));
    }
    state_->put_root(*child);
    return child->root->hash;
  }
  const Result<StorageValue> stored = state_->base.get({}, child_root_key(storage_key));
  if (!stored) return std::unexpected(stored.error());
  Hash root = empty_root(blake2b_256);
  if (*stored != nullptr && (*stored)->size() >= root.size())
    std::copy_n((*stored)->begin(), root.size(), root.begin());
  return root;
}

void Overlay::start_transaction() { state_->transactions.emplace_back(); }

bool Overlay::commit_transaction() {
  auto& transactions = state_->transactions;
  if (transactions.empty()) return false;
  const std::size_t open = transactions.size() - 1;
  std::vector<UndoRecord>& committed = transactions.back();
  for (UndoRecord& record : committed) record.place->second.recorded_in = open;
  if (open != 0) {
    // What the outer transaction has an older record of needs no other.
    std::erase_if(committed,
                  [&](const UndoRecord& record) { return record.before && record.before->recorded_in == open; });
    std::vector<UndoRecord>& outer = transactions[open - 1];
    outer.insert(outer.end(), std::make_move_iterator(committed.begin()), std::make_move_iterator(committed.end()));
  }
  transactions.pop_back();
  return true;
}

bool Overlay::rollback_transaction() {
  auto& transactions = state_->transactions;
  if (transactions.empty()) return false;
  for (const UndoRecord& record : transactions.back()) state_->undo(record);
  transactions.pop_back();
  return true;
}

std::size_t Overlay::open_transactions() const noexcept { return state_->transactions.size(); }

StateChanges Overlay::changes() const {
  StateChanges changes;
  changes.top = state_->top.changes();
  for (const auto& [storage_key, child] : state_->children) {
    changes.children.emplace_hint(changes.children.end(), storage_key, child.changes());
  }
  return changes;
}

}  // namespace anew::substrate
