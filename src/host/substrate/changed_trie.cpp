// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/changed_trie.hpp"

#include <iterator>
#include <new>
#include <utility>

#include "runtime/stop.hpp"

namespace anew::substrate {
namespace {

constexpr KeyOrder kLess;
constexpr KeyIndex::Number kNone = KeyIndex::kNone;

Bytes copy(BytesView key) { return {key.begin(), key.end()}; }

}  // namespace

ChangedTrie::Entry* ChangedTrie::find(BytesView key) noexcept {
  const Number number = keys_.find(key);
  return number == kNone ? nullptr : &entries_[number];
}

std::vector<TrieChange> ChangedTrie::changes() const {
  std::vector<TrieChange> changes;
  changes.reserve(entries_.size());
  for (Number number = keys_.first(); number != kNone; number = keys_.next(number))
    changes.push_back({keys_.key(number), entries_[number].value.value()});
  return changes;
}

std::pair<ChangedTrie::Number, bool> ChangedTrie::insert(BytesView key) {
  make_room(entries_);
  const auto inserted = keys_.insert(key);
  if (inserted.second) entries_.emplace_back();
  return inserted;
}

void ChangedTrie::assign(Number number, Entry entry) noexcept {
  root.reset();
  if (entry.value.has_value()) key_may_appear(number);
  entries_[number] = std::move(entry);
}

void ChangedTrie::remove_last() noexcept {
  root.reset();
  key_may_appear(static_cast<Number>(entries_.size() - 1));  // the base may have it; numbers fit
  entries_.pop_back();
  keys_.remove_last();
}

Result<std::optional<Bytes>> ChangedTrie::next_key(const StateBackend& base, TrieId id, BytesView key) {
  // From the key to that of this entry, there is nothing in the trie.
  Number nothing_to = end_of_gap(key);
  Number nothing_from = nothing_to;
  const auto from = [&] { return nothing_to == kNone ? key : keys_.key(nothing_to); };
  Result<std::optional<Bytes>> next = base.next_key(id, from());
  while (next) {
    detail::check_stop();
    const Number changed = nothing_to == kNone ? keys_.greater(key) : keys_.next(nothing_to);
    if (changed == kNone || (*next && kLess(**next, keys_.key(changed)))) break;
    if (entries_[changed].value.has_value()) {
      *next = copy(keys_.key(changed));
      break;
    }
    const Number end = end_of_gap(keys_.key(changed));
    nothing_to = end == kNone ? changed : end;
    if (nothing_from == kNone) nothing_from = changed;
    if (*next && !kLess(from(), **next)) next = base.next_key(id, from());
  }
  // A gap begins with a key that is kept already: the one that was asked for may be much longer.
  if (nothing_from != nothing_to) add_gap(nothing_from, nothing_to);
  return next;
}

/// The last entry of the gap that a key is in, or begins; or kNone.
ChangedTrie::Number ChangedTrie::end_of_gap(BytesView key) const {
  if (gaps_.empty()) return kNone;
  const auto after = gaps_.upper_bound(key);
  if (after == gaps_.begin()) return kNone;
  const Number end = std::prev(after)->second;
  return kLess(key, keys_.key(end)) ? end : kNone;
}

/// @param end  no gap that begins in this one may reach beyond it.
void ChangedTrie::add_gap(Number begin, Number end) {
  const BytesView first = keys_.key(begin);
  auto gap = gaps_.upper_bound(first);
  while (gap != gaps_.end() && !kLess(keys_.key(end), gap->first)) gap = gaps_.erase(gap);
  if (gap != gaps_.begin() && !kLess(keys_.key(std::prev(gap)->second), first))
    std::prev(gap)->second = end;
  else
    gaps_.emplace_hint(gap, copy(first), end);
}

/// Takes an entry's key out of the gap that it is in. Never fails: changes must be undone when memory is out, too.
void ChangedTrie::key_may_appear(Number number) noexcept {
  if (gaps_.empty()) return;
  try {
    split_gap(number);
  } catch (const std::bad_alloc&) {
    gaps_.clear();  // they but save time
  }
}

void ChangedTrie::split_gap(Number number) {
  const BytesView key = keys_.key(number);
  auto gap = gaps_.lower_bound(key);
  if (gap == gaps_.begin()) return;
  --gap;
  const Number end = gap->second;
  if (kLess(keys_.key(end), key)) return;
  // All that the base has in a gap was removed, so what is left of it ends with the entry before.
  const Number previous = keys_.previous(number);
  if (previous != kNone && kLess(gap->first, keys_.key(previous)))
    gap->second = previous;
  else
    gaps_.erase(gap);
  if (end != number) gaps_.emplace(copy(key), end);
}

}  // namespace anew::substrate
