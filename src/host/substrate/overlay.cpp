// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/overlay.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>
#include <vector>

#include "host/substrate/changed_trie.hpp"
#include "host/substrate/trie_node.hpp"
#include "os/try.hpp"
#include "runtime/stop.hpp"

namespace anew::substrate {
namespace {

using Number = KeyIndex::Number;
constexpr Number kNone = KeyIndex::kNone;

/// What a key was before a transaction changed it first.
struct UndoRecord {
  std::size_t trie;
  Number number;
  std::optional<ChangedTrie::Entry> before;  // nothing: it had not changed
};

bool is_child_root_key(BytesView key) { return starts_with(key, as_bytes(kChildStoragePrefix)); }

/// A root as the top trie has it: null of a trie without keys.
StorageValue root_value(const Hash& root) {
  if (root == empty_root(blake2b_256)) return nullptr;
  return std::make_shared<const Bytes>(root.begin(), root.end());
}

Result<void> pay(const Overlay::Charge& charge, std::uint64_t bytes) { return charge ? charge(bytes) : Result<void>(); }

}  // namespace

struct Overlay::State {
  explicit State(const StateBackend& base_state) : base(&base_state) {}

  const StateBackend* base;
  std::vector<ChangedTrie> tries = std::vector<ChangedTrie>(1);  // the top one, and child tries, of which none is empty
  KeyIndex children;  // storage keys: that with number n is of the trie n + 1
  // The journal: of each open transaction, one record for each key that it changed.
  std::vector<std::vector<UndoRecord>> transactions;

  [[nodiscard]] ChangedTrie& top() noexcept { return tries.front(); }
  [[nodiscard]] ChangedTrie& child(Number number) noexcept { return tries[number + 1]; }
  [[nodiscard]] TrieId id_of(Number child) const noexcept { return TrieId::child(children.key(child)); }

  /// What changed of a trie, or null.
  [[nodiscard]] ChangedTrie* find(TrieId id) noexcept {
    if (!id.is_child()) return &top();
    const Number number = children.find(id.storage_key());
    return number == kNone ? nullptr : &child(number);
  }

  void change(TrieId id, BytesView key, OverlayValue value) {
    if (!transactions.empty()) make_room(transactions.back());  // what could not be undone is not done
    const std::size_t trie = find_or_add(id);
    try {
      const auto [number, added] = tries[trie].insert(key);
      change(trie, number, added, std::move(value));
    } catch (const std::bad_alloc&) {
      drop_if_empty(trie);
      throw;
    }
  }

  void change(std::size_t trie, Number number, bool added, OverlayValue value) {
    const std::size_t open = transactions.size();
    const ChangedTrie::Entry& entry = tries[trie].entry(number);
    if (entry.recorded_in < open) {
      make_room(transactions.back());
      transactions.back().push_back({trie, number, added ? std::nullopt : std::optional(entry)});
    }
    tries[trie].assign(number, {std::move(value), open});
    top().root.reset();
  }

  /// @pre all that was recorded later is undone.
  void undo(UndoRecord& record) noexcept {
    top().root.reset();
    if (record.before) {
      tries[record.trie].assign(record.number, std::move(*record.before));
      return;
    }
    tries[record.trie].remove_last();
    drop_if_empty(record.trie);
  }

  /// Puts the root of a child trie, which was computed, into the top trie if it is not there.
  void put_root(Number number) {
    const Bytes key = child_root_key(children.key(number));
    StorageValue value = root_value(child(number).root->hash);
    if (const ChangedTrie::Entry* entry = top().find(key)) {
      const StorageValue old = entry->value.value();
      if (old == value || (old != nullptr && value != nullptr && *old == *value)) return;
    }
    change({}, key, OverlayValue(std::move(value)));
  }

  /// Computes the root of a child trie unless it is known.
  [[nodiscard]] Result<void> compute_root(Number number, StateVersion version) {
    ChangedTrie& trie = child(number);
    if (trie.root && trie.root->version == version) return {};
    const auto root = TRY(base->root(id_of(number), trie.changes(), version));
    trie.root = {version, root};
    return {};
  }

  [[nodiscard]] Result<Removal> clear_prefix(TrieId id, BytesView prefix, std::optional<std::uint32_t> limit,
                                             const Charge& charge, BytesView start);

 private:
  std::size_t find_or_add(TrieId id) {
    if (!id.is_child()) return 0;
    make_room(tries);
    const auto [number, added] = children.insert(id.storage_key());
    if (added) tries.emplace_back();
    return number + std::size_t{1};
  }

  /// A child trie without changes is the one that was added last.
  void drop_if_empty(std::size_t trie) noexcept {
    if (trie == 0 || !tries[trie].empty()) return;
    tries.pop_back();
    children.remove_last();
  }
};

Result<Overlay::Removal> Overlay::State::clear_prefix(TrieId id, BytesView prefix, std::optional<std::uint32_t> limit,
                                                      const Charge& charge, BytesView start) {
  Removal removal;
  if (const ChangedTrie* found = find(id)) {
    const auto trie = static_cast<std::size_t>(found - tries.data());  // it is one of them
    const KeyIndex& keys = found->keys();
    for (Number number = keys.not_less(prefix); number != kNone && starts_with(keys.key(number), prefix);
         number = keys.next(number)) {
      if (!tries[trie].entry(number).value.has_value()) continue;
      TRY(pay(charge, 0));
      change(trie, number, false, OverlayValue());
      ++removal.unique;
    }
  }

  const BytesView first = KeyOrder()(prefix, start) ? start : prefix;
  const Result<StorageValue> of_first = base->get(id, first);  // next_key() answers with greater keys only
  if (!of_first) return std::unexpected(of_first.error());
  Result<std::optional<Bytes>> key = Bytes(first.begin(), first.end());
  if (*of_first == nullptr) key = base->next_key(id, first);
  for (; key && *key && starts_with(**key, prefix); key = base->next_key(id, **key)) {
    detail::check_stop();
    if (removal.removed == limit) {
      removal.all = false;
      removal.next = std::move(**key);
      return removal;
    }
    ++removal.removed;
    ChangedTrie* const changed = find(id);
    if (changed != nullptr && changed->find(**key) != nullptr) continue;  // removed above, or before
    const std::uint64_t name_bytes = id.is_child() ? id.storage_key().size() : 0;
    TRY(pay(charge, name_bytes + (*key)->size()));
    change(id, **key, OverlayValue());
    ++removal.from_base;
    ++removal.unique;
  }
  if (!key) return std::unexpected(std::move(key.error()));
  return removal;
}

Overlay::Overlay(const StateBackend& base) : state_(std::make_unique<State>(base)) {}
Overlay::Overlay(Overlay&&) noexcept = default;
Overlay& Overlay::operator=(Overlay&&) noexcept = default;
Overlay::~Overlay() = default;

Overlay Overlay::fork() const {
  Overlay copy(*state_->base);
  copy.state_->tries = state_->tries;
  copy.state_->children = state_->children;
  // Values that grow share what they grow by with their copies, of which only one may go on growing.
  for (ChangedTrie& trie : copy.state_->tries) {
    for (Number number = 0; number < trie.keys().size(); ++number) {
      OverlayValue& value = trie.entry(number).value;
      value = OverlayValue(value.value());
    }
  }
  return copy;
}

Result<StorageValue> Overlay::get(TrieId trie, BytesView key) const {
  if (ChangedTrie* changed = state_->find(trie)) {
    if (const ChangedTrie::Entry* entry = changed->find(key)) return entry->value.value();
  }
  return state_->base->get(trie, key);
}

Result<bool> Overlay::exists(TrieId trie, BytesView key) const {
  if (ChangedTrie* changed = state_->find(trie)) {
    if (const ChangedTrie::Entry* entry = changed->find(key)) return entry->value.has_value();
  }
  const Result<StorageValue> value = state_->base->get(trie, key);
  if (!value) return std::unexpected(value.error());
  return *value != nullptr;
}

void Overlay::set(TrieId trie, BytesView key, StorageValue value) {
  if (!trie.is_child() && is_child_root_key(key)) return;
  state_->change(trie, key, OverlayValue(std::move(value)));
}

Result<void> Overlay::append(BytesView key, BytesView item, const Charge& charge) {
  ChangedTrie::Entry* const entry = state_->top().find(key);
  OverlayValue value;
  if (entry != nullptr) {
    value = entry->value;
  } else {
    auto old = TRY(state_->base->get({}, key));
    value = OverlayValue(std::move(old));
  }
  // The first time its items are copied, and they are once more when the value is asked for.
  if (auto paid = pay(charge, 2 * (value.bytes_to_copy() + item.size())); !paid) return paid;
  value.prepare_append();
  if (entry != nullptr) entry->value = value;  // so that what is undone later shares the copy
  value.append(item);
  state_->change({}, key, std::move(value));
  return {};
}

Result<Overlay::Removal> Overlay::clear_prefix(TrieId trie, BytesView prefix, std::optional<std::uint32_t> limit,
                                               const Charge& charge, BytesView start) {
  const bool meets_child_roots = is_child_root_key(prefix) || starts_with(as_bytes(kChildStoragePrefix), prefix);
  if (!trie.is_child() && meets_child_roots) return Removal{};

  // A transaction of its own, since it may fail after some keys.
  start_transaction();
  try {
    Result<Removal> removal = state_->clear_prefix(trie, prefix, limit, charge, start);
    (void)(removal ? commit_transaction() : rollback_transaction());  // it is open
    return removal;
  } catch (...) {
    (void)rollback_transaction();
    throw;
  }
}

Result<std::optional<Bytes>> Overlay::next_key(TrieId trie, BytesView key) const {
  ChangedTrie* changed = state_->find(trie);
  return changed == nullptr ? state_->base->next_key(trie, key) : changed->next_key(*state_->base, trie, key);
}

Result<Hash> Overlay::root(StateVersion version, const Charge& charge) {
  State& state = *state_;
  if (state.top().root && state.top().root->version == version) return state.top().root->hash;

  // Nothing is put into the top trie until all that may fail is done.
  const KeyIndex& children = state.children;
  std::vector<Bytes> keys;
  keys.reserve(children.size());  // they stay where they are
  std::vector<TrieChange> roots;
  for (Number number = children.first(); number != kNone; number = children.next(number)) {
    if (Result<void> done = state.compute_root(number, version); !done) return std::unexpected(std::move(done.error()));
    const Bytes& key = keys.emplace_back(child_root_key(children.key(number)));
    TRY(pay(charge, key.size() + sizeof(Hash)));
    roots.push_back({key, root_value(state.child(number).root->hash)});
  }
  std::vector<TrieChange> changes = state.top().changes();
  if (!roots.empty()) {
    std::vector<TrieChange> both;
    std::ranges::set_union(roots, changes, std::back_inserter(both), KeyOrder(), &TrieChange::key, &TrieChange::key);
    changes = std::move(both);
  }
  Result<Hash> root = state.base->root({}, changes, version);
  if (!root) return root;
  for (Number number = children.first(); number != kNone; number = children.next(number)) state.put_root(number);
  state.top().root = {version, *root};
  return root;
}

Result<Hash> Overlay::child_root(BytesView storage_key, StateVersion version) {
  if (const Number number = state_->children.find(storage_key); number != kNone) {
    if (Result<void> done = state_->compute_root(number, version); !done)
      return std::unexpected(std::move(done.error()));
    state_->put_root(number);
    return state_->child(number).root->hash;
  }
  const auto stored = TRY(state_->base->get({}, child_root_key(storage_key)));
  Hash root = empty_root(blake2b_256);
  if (stored != nullptr && stored->size() >= root.size()) std::copy_n(stored->begin(), root.size(), root.begin());
  return root;
}

void Overlay::start_transaction() { state_->transactions.emplace_back(); }

bool Overlay::commit_transaction() {
  auto& transactions = state_->transactions;
  if (transactions.empty()) return false;
  const std::size_t open = transactions.size() - 1;
  std::vector<UndoRecord>& committed = transactions.back();
  if (open != 0) {
    std::vector<UndoRecord>& outer = transactions[open - 1];
    if (const std::size_t size = outer.size() + committed.size(); size > outer.capacity() && !outer.empty())
      outer.reserve(std::max(size, outer.size() * 2));
    // What the outer transaction has an older record of needs no other.
    for (UndoRecord& record : committed) state_->tries[record.trie].entry(record.number).recorded_in = open;
    std::erase_if(committed,
                  [&](const UndoRecord& record) { return record.before && record.before->recorded_in == open; });
    if (outer.empty())
      outer.swap(committed);
    else
      outer.insert(outer.end(), std::make_move_iterator(committed.begin()), std::make_move_iterator(committed.end()));
  } else {
    for (const UndoRecord& record : committed) state_->tries[record.trie].entry(record.number).recorded_in = 0;
  }
  transactions.pop_back();
  return true;
}

bool Overlay::rollback_transaction() {
  auto& transactions = state_->transactions;
  if (transactions.empty()) return false;
  std::vector<UndoRecord>& undone = transactions.back();
  for (auto record = undone.rbegin(); record != undone.rend(); ++record) state_->undo(*record);
  transactions.pop_back();
  return true;
}

std::size_t Overlay::open_transactions() const noexcept { return state_->transactions.size(); }

StateChanges Overlay::changes() const {
  const auto changes_of = [](const ChangedTrie& trie) {
    TrieChanges changes;
    for (const auto& [key, value] : trie.changes())
      changes.emplace_hint(changes.end(), Bytes(key.begin(), key.end()), value);
    return changes;
  };
  StateChanges changes;
  changes.top = changes_of(state_->top());
  const KeyIndex& children = state_->children;
  for (Number number = children.first(); number != kNone; number = children.next(number)) {
    const BytesView name = children.key(number);
    changes.children.emplace_hint(changes.children.end(), Bytes(name.begin(), name.end()),
                                  changes_of(state_->child(number)));
  }
  return changes;
}

}  // namespace anew::substrate
