// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Changing a trie. The changes come in the order of their keys, so the nodes that change are opened on the way down to
// each key and closed for good once a later key lies elsewhere:
//
//   open nodes    root - 12 - 1234 - 123456        the path to the last key that changed
//   next key      1278...                          closes 1234 and what is below it, goes down from 12
//
// A node gets its Merkle value only when its parent is closed, for it may be merged into another one before.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "host/substrate/trie.hpp"

namespace anew::substrate {
namespace {

/// A node that is being changed, or that lies above such a one.
struct OpenNode {
  std::size_t begin = 0;  // where its partial key begins in the keys below it, in nibbles
  TrieChild before;       // what was there; if nothing changed, it stays
  bool changed = false;

  PartialKey partial;
  StorageValue value;
  std::optional<Hash> value_hash;
  std::array<TrieChild, 16> children;
  std::uint8_t open_child = 0;  // the child that the next open node is, or that was looked at last

  [[nodiscard]] std::size_t end() const noexcept { return begin + partial.size(); }
};

class TrieUpdate {
 public:
  TrieUpdate(TrieHasher hasher, StateVersion version, TrieChild root, std::size_t size)
      : hasher_(hasher), version_(version), root_(std::move(root)), size_(size) {}

  void apply(std::span<const TrieChange> changes) {
    BytesView previous;
    for (const TrieChange& change : changes) {
      const std::size_t common = common_nibbles(previous, change.key);
      while (!open_.empty() && open_.back().end() > common) close();
      go_down(change);
      previous = change.key;
    }
    while (!open_.empty()) close();
  }

  [[nodiscard]] const std::shared_ptr<const TrieNode>& root() const noexcept { return root_.node; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] Hash root_hash() { return root_.node == nullptr ? empty_root(hasher_) : hasher_(encode(*root_.node)); }

 private:
  BytesView encode(const TrieNode& node) {
    encoding_.clear();
    append_node(encoding_, node);
    return encoding_;
  }

  /// Where the next node below the open ones lies.
  TrieChild& slot() noexcept { return open_.empty() ? root_ : open_.back().children[open_.back().open_child]; }

  /// From the open nodes, which all lead to the key, down to it.
  void go_down(const TrieChange& change) {
    const std::size_t end = nibble_count(change.key);
    // The key is not that of an open node: it is greater than one below it.
    if (!open_.empty()) open_.back().open_child = nibble_at(change.key, open_.back().end());
    for (;;) {
      const std::size_t depth = open_.empty() ? 0 : open_.back().end() + 1;
      TrieChild& below = slot();
      if (below.node == nullptr) {
        if (change.value != nullptr) open_leaf(change, depth);
        return;
      }
      const std::size_t matched = below.node->partial.match(change.key, depth);
      if (matched < below.node->partial.size()) {
        if (change.value == nullptr) return;
        split(below, depth, matched);
      } else {
        open(below, depth);
      }
      if (depth + matched == end) return set_value(open_.back(), change.value);
      open_.back().open_child = nibble_at(change.key, depth + matched);
    }
  }

  void open_leaf(const TrieChange& change, std::size_t depth) {
    OpenNode& leaf = open_.emplace_back();
    leaf.begin = depth;
    leaf.partial = PartialKey(change.key, depth, nibble_count(change.key));
    set_value(leaf, change.value);
  }

  void open(TrieChild& child, std::size_t depth) {
    TrieChild before = std::move(child);  // open_ may move, and with it the child
    OpenNode& opened = open_.emplace_back();
    opened.begin = depth;
    const TrieNode& node = *before.node;
    opened.partial = node.partial;
    opened.value = node.value;
    opened.value_hash = node.value_hash;
    std::size_t i = 0;
    for (std::uint8_t nibble = node.next_child(0); nibble < 16; nibble = node.next_child(nibble + 1u)) {
      opened.children[nibble] = node.children[i++];
    }
    opened.before = std::move(before);
  }

  /// Opens a new branch between a child and its parent, for the first nibbles of its partial key.
  void split(TrieChild& child, std::size_t depth, std::size_t nibbles) {
    const std::shared_ptr<const TrieNode> before = std::move(child.node);
    child = {};
    const auto rest = std::make_shared<TrieNode>(*before);
    rest->partial = before->partial.slice(nibbles + 1, before->partial.size());

    OpenNode& branch = open_.emplace_back();
    branch.begin = depth;
    branch.changed = true;
    branch.partial = before->partial.slice(0, nibbles);
    branch.children[before->partial.at(nibbles)].node = rest;
  }

  void set_value(OpenNode& node, const StorageValue& value) {
    if (value == nullptr) {
      if (node.value == nullptr) return;
      --size_;
      node.value_hash.reset();
    } else {
      const bool hashed = version_ == StateVersion::kV1 && value->size() >= kHashedValueBytes;
      if (node.value == nullptr) {
        ++size_;
      } else if (node.value_hash.has_value() == hashed && (node.value == value || *node.value == *value)) {
        return;
      }
      node.value_hash = hashed ? std::optional(hasher_(*value)) : std::nullopt;
    }
    node.value = value;
    node.changed = true;
  }

  /// Puts what became of the last open node into its parent.
  void close() {
    OpenNode node = std::move(open_.back());
    open_.pop_back();
    if (!node.changed) {
      slot() = std::move(node.before);
      return;
    }
    slot() = TrieChild{closed(std::move(node)), {}};
    if (!open_.empty()) open_.back().changed = true;
  }

  std::shared_ptr<const TrieNode> closed(OpenNode&& open) {
    const auto exists = [](const TrieChild& child) { return child.node != nullptr; };
    const auto count = std::count_if(open.children.begin(), open.children.end(), exists);
    if (open.value == nullptr && count == 0) return nullptr;

    std::shared_ptr<TrieNode> node;
    if (open.value == nullptr && count == 1) {  // the child takes its place
      const auto only = std::find_if(open.children.begin(), open.children.end(), exists);
      node = std::make_shared<TrieNode>(*only->node);
      node->partial = std::move(open.partial);
      node->partial.push(static_cast<std::uint8_t>(only - open.children.begin()));  // less than 16
      node->partial.append(only->node->partial);
      return node;
    }
    node = std::make_shared<TrieNode>();
    node->partial = std::move(open.partial);
    node->value = std::move(open.value);
    node->value_hash = open.value_hash;
    node->children.reserve(static_cast<std::size_t>(count));  // 16 at most
    for (unsigned nibble = 0; nibble < 16; ++nibble) {
      TrieChild& child = open.children[nibble];
      if (child.node == nullptr) continue;
      if (!child.merkle_value.known()) child.merkle_value = MerkleValue(encode(*child.node), hasher_);
      node->bitmap = static_cast<std::uint16_t>(node->bitmap | 1u << nibble);  // of 16 bits
      node->children.push_back(std::move(child));
    }
    return node;
  }

  TrieHasher hasher_;
  StateVersion version_;
  TrieChild root_;
  std::size_t size_;
  std::vector<OpenNode> open_;  // each but the first in its predecessor's place open_child
  Bytes encoding_;              // room for one
};

}  // namespace

Trie Trie::with(std::span<const TrieChange> changes, StateVersion version) const {
  TrieUpdate update(hasher_, version, TrieChild{root_, {}}, size_);
  update.apply(changes);
  Trie result = *this;
  if (update.root() == root_) return result;
  result.root_ = update.root();
  result.root_hash_ = update.root_hash();
  result.size_ = update.size();
  return result;
}

}  // namespace anew::substrate
