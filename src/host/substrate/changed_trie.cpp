// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/changed_trie.hpp"

#include <iterator>
#include <new>
#include <utility>

namespace anew::substrate {
namespace {

constexpr KeyOrder kLess;

Bytes copy(BytesView key) { return {key.begin(), key.end()}; }

}  // namespace

ChangedTrie::Entry* ChangedTrie::find(BytesView key) {
  const Place place = entries_.find(key);
  return place == entries_.end() ? nullptr : &place->second;
}

std::pair<ChangedTrie::Place, ChangedTrie::Place> ChangedTrie::with_prefix(BytesView prefix) {
  const Place first = entries_.lower_bound(prefix);
  Place last = first;
  while (last != entries_.end() && starts_with(last->first, prefix)) ++last;
  return {first, last};
}

TrieChanges ChangedTrie::changes() const {
  TrieChanges changes;
  for (const auto& [key, entry] : entries_) changes.emplace_hint(changes.end(), key, entry.value.value());
  return changes;
}

std::pair<ChangedTrie::Place, bool> ChangedTrie::insert(BytesView key) {
  const Place place = entries_.lower_bound(key);
  if (place != entries_.end() && !kLess(key, place->first)) return {place, false};
  return {entries_.emplace_hint(place, copy(key), Entry()), true};
}

void ChangedTrie::assign(Place place, Entry entry) {
  root.reset();
  if (entry.value.has_value()) key_may_appear(place);
  place->second = std::move(entry);
}

void ChangedTrie::erase(Place place) {
  root.reset();
  key_may_appear(place);  // the base may have it
  entries_.erase(place);
}

Result<std::optional<Bytes>> ChangedTrie::next_key(const StateBackend& base, BytesView key) {
  BytesView from = skip_gap(key);
  Result<std::optional<Bytes>> next = base.next_key(id_, from);
  while (next) {
    const Place changed = entries_.upper_bound(from);
    if (changed == entries_.end() || (*next && kLess(**next, changed->first))) break;
    if (changed->second.value.has_value()) {
      *next = changed->first;
      break;
    }
    from = skip_gap(changed->first);  // that was removed
    if (*next && !kLess(from, **next)) next = base.next_key(id_, from);
  }
  if (kLess(key, from)) add_gap(key, from);
  return next;
}

/// The end of the gap that a key is in, or the key.
BytesView ChangedTrie::skip_gap(BytesView key) const {
  const auto after = gaps_.upper_bound(key);
  if (after == gaps_.begin()) return key;
  const BytesView end = std::prev(after)->second;
  return kLess(key, end) ? end : key;
}

/// @param end  no gap that begins in this one may reach beyond it.
void ChangedTrie::add_gap(BytesView begin, BytesView end) {
  Bytes last = copy(end);  // it may be of one that is erased
  auto gap = gaps_.upper_bound(begin);
  while (gap != gaps_.end() && !kLess(last, gap->first)) gap = gaps_.erase(gap);
  if (gap != gaps_.begin() && !kLess(std::prev(gap)->second, begin)) {
    std::prev(gap)->second = std::move(last);
  } else {
    gaps_.emplace_hint(gap, copy(begin), std::move(last));
  }
}

/// Takes an entry's key out of the gap that it is in. Never fails: changes must be undone when memory is out, too.
void ChangedTrie::key_may_appear(Place place) noexcept {
  try {
    split_gap(place);
  } catch (const std::bad_alloc&) {
    gaps_.clear();  // they but save time
  }
}

void ChangedTrie::split_gap(Place place) {
  auto gap = gaps_.lower_bound(place->first);
  if (gap == gaps_.begin()) return;
  --gap;
  Bytes end = gap->second;
  if (kLess(end, place->first)) return;
  // All that the base has in a gap was removed, so what is left of it ends with the entry before.
  if (place != entries_.begin() && kLess(gap->first, std::prev(place)->first)) {
    gap->second = std::prev(place)->first;
  } else {
    gaps_.erase(gap);
  }
  if (kLess(place->first, end)) gaps_.emplace(place->first, std::move(end));
}

}  // namespace anew::substrate
