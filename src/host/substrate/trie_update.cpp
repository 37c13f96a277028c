// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Changing a trie. The changes come in the order of their keys, so the nodes that change are opened on the way down to
// each key and closed for good once a later key lies elsewhere:
//
//   open nodes    root - 12 - 1234 - 123456        the path to the last key that changed
//   next key      1278...                          closes 1234 and what is below it, goes down from 12
//
// A node gets its Merkle value only when its parent is closed. Only then is it merged with its child, if nothing but
// that is left of it: a long partial key is put together once, however many nodes it is made of.
#include <utility>
#include <vector>

#include "host/substrate/trie.hpp"
#include "runtime/stop.hpp"

namespace anew::substrate {
namespace {

/// A node on the path to the key that is being changed.
struct OpenNode {
  std::size_t begin = 0;                // where its partial key begins in the keys below it, in nibbles
  std::shared_ptr<const TrieNode> was;  // null: it is new
  std::shared_ptr<TrieNode> becomes;    // null until something changes
  std::uint8_t open_child = 0;          // where the next open node is, or was looked for

  [[nodiscard]] const TrieNode& now() const noexcept { return becomes != nullptr ? *becomes : *was; }
  [[nodiscard]] std::size_t end() const noexcept { return begin + now().partial.size(); }
  [[nodiscard]] TrieNode& change() {
    if (becomes == nullptr) becomes = make_node(*was);
    return *becomes;
  }
};

class TrieUpdate {
 public:
  TrieUpdate(TrieHasher hasher, StateVersion version, std::shared_ptr<const TrieNode> root, std::size_t size)
      : hasher_(hasher), version_(version), root_(std::move(root)), size_(size) {}

  void apply(std::span<const TrieChange> changes) {
    BytesView previous;
    for (const TrieChange& change : changes) {
      detail::check_stop();
      const std::size_t common = common_nibbles(previous, change.key);
      while (!open_.empty() && open_.back().end() > common) close();
      go_down(change);
      previous = change.key;
    }
    while (!open_.empty()) close();
    root_ = merged(std::move(root_));
  }

  [[nodiscard]] const std::shared_ptr<const TrieNode>& root() const noexcept { return root_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] Hash root_hash() { return root_ == nullptr ? empty_root(hasher_) : hasher_(encode(*root_)); }

 private:
  BytesView encode(const TrieNode& node) {
    encoding_.clear();
    append_node(encoding_, node);
    return encoding_;
  }

  /// The node below the open ones, or null.
  [[nodiscard]] std::shared_ptr<const TrieNode> below() const {
    if (open_.empty()) return root_;
    const TrieChild* child = open_.back().now().find_child(open_.back().open_child);
    return child == nullptr ? nullptr : child->node;
  }

  /// From the open nodes, which all lead to the key, down to it.
  void go_down(const TrieChange& change) {
    const std::size_t end = nibble_count(change.key);
    // The key is not that of an open node: it is greater than one below it.
    if (!open_.empty()) open_.back().open_child = nibble_at(change.key, open_.back().end());
    for (;;) {
      const std::size_t depth = open_.empty() ? 0 : open_.back().end() + 1;
      std::shared_ptr<const TrieNode> node = below();
      if (node == nullptr) {
        if (change.value != nullptr) open_leaf(change, depth);
        return;
      }
      const std::size_t matched = node->partial.match(change.key, depth);
      if (matched == node->partial.size())
        open_.push_back({.begin = depth, .was = std::move(node), .becomes = nullptr});
      else if (change.value != nullptr)
        split(*node, depth, matched);
      else
        return;
      if (depth + matched == end) return set_value(open_.back(), change.value);
      open_.back().open_child = nibble_at(change.key, depth + matched);
    }
  }

  void open_leaf(const TrieChange& change, std::size_t depth) {
    OpenNode& leaf = open_.emplace_back();
    leaf.begin = depth;
    leaf.becomes = make_node();
    leaf.becomes->partial = PartialKey(change.key, depth, nibble_count(change.key));
    set_value(leaf, change.value);
  }

  /// Opens a new branch between a node and its parent, for the first nibbles of its partial key.
  void split(const TrieNode& node, std::size_t depth, std::size_t nibbles) {
    auto rest = make_node(node);
    rest->partial = node.partial.slice(nibbles + 1, node.partial.size());

    OpenNode& branch = open_.emplace_back();
    branch.begin = depth;
    branch.becomes = make_node();
    branch.becomes->partial = node.partial.slice(0, nibbles);
    branch.becomes->set_child(node.partial.at(nibbles), std::move(rest));
  }

  void set_value(OpenNode& open, const StorageValue& value) {
    const TrieNode& now = open.now();
    const bool hashed = value != nullptr && version_ == StateVersion::kV1 && value->size() >= kHashedValueBytes;
    if (value == nullptr) {
      if (now.value == nullptr) return;
      --size_;
    } else if (now.value == nullptr) {
      ++size_;
    } else if (now.value_hash.has_value() == hashed && (now.value == value || *now.value == *value)) {
      return;
    }
    TrieNode& node = open.change();
    node.value = value;
    node.value_hash = hashed ? std::optional(hasher_(*value)) : std::nullopt;
  }

  /// Puts what became of the last open node into its parent.
  void close() {
    detail::check_stop();
    std::shared_ptr<TrieNode> changed = std::move(open_.back().becomes);
    open_.pop_back();
    if (changed == nullptr) return;
    std::shared_ptr<const TrieNode> node = finish(std::move(changed));
    if (open_.empty())
      root_ = std::move(node);
    else
      open_.back().change().set_child(open_.back().open_child, std::move(node));
  }

  /// Whether a node only leads to another one, so that a trie does not hold it.
  [[nodiscard]] static bool only_leads_on(const TrieNode& node) noexcept {
    return node.value == nullptr && node.children.size() == 1;
  }

  /// What a trie holds in a node's place; null if there is none.
  static std::shared_ptr<const TrieNode> merged(std::shared_ptr<const TrieNode> node) {
    if (node == nullptr || !only_leads_on(*node)) return node;
    KeyPath path(node->partial);
    const TrieNode* last = node.get();
    while (only_leads_on(*last)) {
      path.push(last->next_child(0));
      last = last->children.front().node.get();
      path.append(last->partial);
    }
    auto whole = make_node(*last);
    whole->partial = path.partial_key();
    return whole;
  }

  /// Makes a node one that a trie may hold once it is merged; null if nothing is left of it.
  std::shared_ptr<const TrieNode> finish(std::shared_ptr<TrieNode> node) {
    if (node->value == nullptr && node->children.empty()) return nullptr;
    if (only_leads_on(*node)) return node;
    for (TrieChild& child : node->children) {
      if (child.merkle_value.known()) continue;
      child.node = merged(std::move(child.node));
      child.merkle_value = MerkleValue(encode(*child.node), hasher_);
    }
    return node;
  }

  TrieHasher hasher_;
  StateVersion version_;
  std::shared_ptr<const TrieNode> root_;
  std::size_t size_;
  std::vector<OpenNode> open_;  // each but the first in its predecessor's place open_child
  Bytes encoding_;              // room for one
};

}  // namespace

Trie Trie::with(std::span<const TrieChange> changes, StateVersion version) const {
  TrieUpdate update(hasher_, version, root_, size_);
  update.apply(changes);
  Trie result = *this;
  if (update.root() == root_) return result;
  result.root_ = update.root();
  result.root_hash_ = update.root_hash();
  result.size_ = update.size();
  return result;
}

}  // namespace anew::substrate
