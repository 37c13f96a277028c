// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Looking up in a trie.
#include "host/substrate/trie.hpp"

#include <utility>

namespace anew::substrate {
namespace {

constexpr std::uint8_t kNoNibble = 16;

/// The first key of a subtrie. @param path  leads to the subtrie, without its partial key.
Bytes first_key(const TrieNode& subtrie, KeyPath path) {
  const TrieNode* node = &subtrie;
  for (path.append(node->partial); node->value == nullptr; path.append(node->partial)) {
    const std::uint8_t nibble = node->next_child(0);  // a node without a value has children
    path.push(nibble);
    node = node->child(nibble);
  }
  return std::move(path).into_key();
}

}  // namespace

const TrieNode* Trie::find(BytesView key) const noexcept {
  const std::size_t end = nibble_count(key);
  std::size_t depth = 0;
  for (const TrieNode* node = root_.get(); node != nullptr;) {
    const std::size_t matched = node->partial.match(key, depth);
    if (matched != node->partial.size()) return nullptr;
    depth += matched;
    if (depth == end) return node->value != nullptr ? node : nullptr;
    node = node->child(nibble_at(key, depth));
    ++depth;
  }
  return nullptr;
}

std::optional<Bytes> Trie::next_key(BytesView key) const {
  const std::size_t end = nibble_count(key);
  // The deepest child so far that lies behind the key's path: the path to it is the key's up to its parent's children.
  const TrieNode* parent = nullptr;
  std::size_t parent_depth = 0;
  std::uint8_t nibble = kNoNibble;

  std::size_t depth = 0;
  for (const TrieNode* node = root_.get(); node != nullptr;) {
    const std::size_t matched = node->partial.match(key, depth);
    const bool key_ends = depth + matched == end;
    if (matched != node->partial.size()) {
      if (!key_ends && node->partial.at(matched) < nibble_at(key, depth + matched)) break;
      return first_key(*node, KeyPath(key, depth));
    }
    depth += matched;
    const std::uint8_t behind = node->next_child(key_ends ? 0 : nibble_at(key, depth) + 1u);
    if (behind != kNoNibble) {
      parent = node;
      parent_depth = depth;
      nibble = behind;
    }
    if (key_ends) break;
    node = node->child(nibble_at(key, depth));
    ++depth;
  }
  if (parent == nullptr) return std::nullopt;
  KeyPath path(key, parent_depth);
  path.push(nibble);
  return first_key(*parent->child(nibble), std::move(path));
}

}  // namespace anew::substrate
