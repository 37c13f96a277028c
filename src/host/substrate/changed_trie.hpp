// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an overlay has of one trie: which keys changed, and to what.
#pragma once

#include <anew/error.hpp>
#include <anew/substrate/state.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include "host/substrate/overlay_value.hpp"
#include "host/substrate/storage_keys.hpp"

namespace anew::substrate {

class ChangedTrie {
 public:
  struct Entry {
    OverlayValue value;
    /// Which open transaction, counted from the outermost one, has the latest undo record of it; zero: none has.
    std::size_t recorded_in = 0;
  };
  using Entries = std::map<Bytes, Entry, KeyOrder>;
  using Place = Entries::iterator;

  struct Root {
    StateVersion version;
    Hash hash;
  };

  /// @param id  its key must outlive this.
  explicit ChangedTrie(TrieId id) noexcept : id_(id) {}

  [[nodiscard]] TrieId id() const noexcept { return id_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// The entry of a key, or null if it did not change.
  [[nodiscard]] Entry* find(BytesView key);
  /// The entries whose keys begin with a prefix, from first to second.
  [[nodiscard]] std::pair<Place, Place> with_prefix(BytesView prefix);
  [[nodiscard]] TrieChanges changes() const;

  /// The place of a key, which stays valid until it is erased, and whether it was added: then without a value.
  std::pair<Place, bool> insert(BytesView key);
  void assign(Place place, Entry entry);
  void erase(Place place);

  /// The first key of the trie that is greater, with the base's keys that did not change.
  [[nodiscard]] Result<std::optional<Bytes>> next_key(const StateBackend& base, BytesView key);

  /// Of the trie with all changes, as it was last computed; assign() and erase() reset it.
  std::optional<Root> root;

 private:
  [[nodiscard]] BytesView skip_gap(BytesView key) const;
  void add_gap(BytesView begin, BytesView end);
  void key_may_appear(Place place) noexcept;
  void split_gap(Place place);

  TrieId id_;
  Entries entries_;
  // Where next_key() found only removed keys, so that it does not walk over them again and again: no key that is
  // greater than the first and not greater than the second is in the trie. They do not touch each other.
  std::map<Bytes, Bytes, KeyOrder> gaps_;
};

}  // namespace anew::substrate
