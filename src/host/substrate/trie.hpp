// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A base-16 Merkle-Patricia trie in memory. It is immutable: with() makes another one that shares all nodes but those
// on the paths to what changed. Each branch keeps the Merkle values of its children, so only new nodes are ever hashed.
//
// Keys come from guests, and so does the depth of a trie: nothing here is recursive.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "host/substrate/trie_node.hpp"

namespace anew::substrate {

class Trie {
 public:
  /// No keys.
  explicit Trie(TrieHasher hasher) : hasher_(hasher), root_hash_(empty_root(hasher)) {}

  /// This trie with changes. Values that are set take the form of `version`, also those that were the same before; all
  /// others keep theirs.
  /// @param changes  in the strict order of their keys. Between them it asks whether the call is to end, and may throw
  ///                 CallStopped (runtime/stop.hpp).
  [[nodiscard]] Trie with(std::span<const TrieChange> changes, StateVersion version) const;

  [[nodiscard]] bool empty() const noexcept { return root_ == nullptr; }
  /// How many keys there are.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const Hash& root() const noexcept { return root_hash_; }

  /// The node with a key's value, or null. Lives as long as a trie that has it.
  [[nodiscard]] const TrieNode* find(BytesView key) const noexcept;
  /// The first key that is greater, or nothing.
  [[nodiscard]] std::optional<Bytes> next_key(BytesView key) const;

 private:
  TrieHasher hasher_;
  std::shared_ptr<const TrieNode> root_;  // null: no keys
  Hash root_hash_;
  std::size_t size_ = 0;
};

}  // namespace anew::substrate
