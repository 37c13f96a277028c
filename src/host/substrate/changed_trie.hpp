// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an overlay has of one trie: which keys changed, and to what.
#pragma once

#include <anew/error.hpp>
#include <anew/substrate/state.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "host/substrate/key_index.hpp"
#include "host/substrate/overlay_value.hpp"
#include "host/substrate/storage_keys.hpp"

namespace anew::substrate {

class ChangedTrie {
 public:
  using Number = KeyIndex::Number;

  struct Entry {
    OverlayValue value;
    /// Which open transaction, counted from the outermost one, has the latest undo record of it; zero: none has.
    std::size_t recorded_in = 0;
  };

  struct Root {
    StateVersion version;
    Hash hash;
  };

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// The keys that changed, whose numbers are their entries'.
  [[nodiscard]] const KeyIndex& keys() const noexcept { return keys_; }
  [[nodiscard]] Entry& entry(Number number) noexcept { return entries_[number]; }
  /// The entry of a key, or null if it did not change.
  [[nodiscard]] Entry* find(BytesView key) noexcept;
  /// In the order of the keys, which are valid until the next change.
  [[nodiscard]] std::vector<TrieChange> changes() const;

  /// The number of a key, and whether it was added: then without a value. Changes nothing if memory is out.
  std::pair<Number, bool> insert(BytesView key);
  void assign(Number number, Entry entry) noexcept;
  /// Removes the entry that was added last.
  void remove_last() noexcept;

  /// The first key of the trie that is greater, with the base's keys that did not change.
  [[nodiscard]] Result<std::optional<Bytes>> next_key(const StateBackend& base, TrieId id, BytesView key);

  /// Of the trie with all changes, as it was last computed; assign() and remove_last() reset it.
  std::optional<Root> root;

 private:
  [[nodiscard]] Number end_of_gap(BytesView key) const;
  void add_gap(Number begin, Number end);
  void key_may_appear(Number number) noexcept;
  void split_gap(Number number);

  KeyIndex keys_;
  std::vector<Entry> entries_;
  // Where next_key() found only removed keys, so that it does not walk over them again and again: no key that is
  // greater than the first and not greater than that of the entry is in the trie. They do not touch each other.
  std::map<Bytes, Number, KeyOrder> gaps_;
};

}  // namespace anew::substrate
