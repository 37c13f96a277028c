// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a call changes of a state: an overlay over a read-only base, with nested transactions. It follows that of
// Substrate (sp_state_machine).
//
// Each trie that changed has an index of the keys that did (changed_trie.hpp). Each open transaction has a list of what
// these keys were before it: one record a key. Rolling back applies it, from its end, committing hands it to the
// transaction around. So what was added last is what goes first, and all may be referred to by number.
#pragma once

#include <anew/substrate/state.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace anew::substrate {

/// An error is one of the base, or of a Charge, and then nothing changed.
class Overlay {
 public:
  /// Is told how much of the host's memory a change will take, roughly and in bytes, before it does. An error of it
  /// ends what asked. Given where this may be far more than what a caller passes in.
  using Charge = std::function<Result<void>(std::uint64_t bytes)>;

  /// @param base  must outlive the overlay.
  explicit Overlay(const StateBackend& base);
  Overlay(Overlay&&) noexcept;
  Overlay& operator=(Overlay&&) noexcept;
  ~Overlay();

  /// Another overlay over the same base with the same changes. @pre no transaction is open.
  [[nodiscard]] Overlay fork() const;

  [[nodiscard]] Result<StorageValue> get(TrieId trie, BytesView key) const;
  /// Whether a key has a value: costs less than that, after append().
  [[nodiscard]] Result<bool> exists(TrieId trie, BytesView key) const;
  /// Does nothing to keys of the top trie where roots of child tries lie. @param value  null: removes the key.
  void set(TrieId trie, BytesView key, StorageValue value);
  /// Appends an item to a value of the top trie that is a SCALE-encoded sequence; a value that is none is replaced by a
  /// sequence of that item. Costs the item's size, also within transactions, and the first time the value's.
  [[nodiscard]] Result<void> append(BytesView key, BytesView item, const Charge& charge = {});

  struct Removal {
    std::uint32_t removed = 0;    ///< "loops" of the host API: keys of the base, also those that were removed before
    bool all = true;              ///< whether none of the base is left
    std::uint32_t from_base = 0;  ///< keys of the base that had not changed
    std::uint32_t unique = 0;     ///< these, and keys that had changed and had a value
    Bytes next = {};              ///< the first key of the base that is left, unless all are gone
  };
  /// Removes all keys that begin with the prefix, but of those in the base the first `limit` at most. Does nothing to
  /// the top trie if roots of child tries may lie under the prefix.
  /// @param start  keys of the base before this one stay.
  [[nodiscard]] Result<Removal> clear_prefix(TrieId trie, BytesView prefix, std::optional<std::uint32_t> limit,
                                             const Charge& charge = {}, BytesView start = {});

  /// The first key that is greater, or nothing.
  [[nodiscard]] Result<std::optional<Bytes>> next_key(TrieId trie, BytesView key) const;

  /// The root of the top trie, computed only if something changed since the last time. Roots of child tries that
  /// changed are put into the top trie first.
  [[nodiscard]] Result<Hash> root(StateVersion version, const Charge& charge = {});
  /// The root of a child trie. If the trie changed, its root is put into the top trie, or goes with the last key.
  [[nodiscard]] Result<Hash> child_root(BytesView storage_key, StateVersion version);

  void start_transaction();
  /// @return false if none is open.
  [[nodiscard]] bool commit_transaction();
  [[nodiscard]] bool rollback_transaction();
  [[nodiscard]] std::size_t open_transactions() const noexcept;

  /// All that changed, open transactions included.
  [[nodiscard]] StateChanges changes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace anew::substrate
