// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/trie_node.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "host/substrate/scale.hpp"

namespace anew::substrate {
namespace {

NodeKind kind_of(const TrieNode& node) noexcept {
  if (node.bitmap == 0) return node.value_hash ? kLeafWithHash : kLeaf;
  if (node.value == nullptr) return kBranch;
  return node.value_hash ? kBranchWithHash : kBranchWithValue;
}

/// Where the child for a nibble lies, or is to be put, among the children.
std::size_t place_of(std::uint16_t bitmap, std::uint8_t nibble) noexcept {
  // How many bits are set before the nibble's. std::popcount is a call, as long as any x86-64 must do.
  std::uint32_t bits = bitmap & ((1u << nibble) - 1);
  bits -= bits >> 1 & 0x5555;
  bits = (bits & 0x3333) + (bits >> 2 & 0x3333);
  bits = (bits + (bits >> 4)) & 0x0F0F;
  return (bits + (bits >> 8)) & 0x1F;
}

void append(Bytes& bytes, BytesView more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

}  // namespace

MerkleValue::MerkleValue(BytesView encoding, TrieHasher hasher) {
  if (encoding.size() < bytes_.size()) {
    std::copy(encoding.begin(), encoding.end(), bytes_.begin());
    size_ = static_cast<std::uint8_t>(encoding.size());  // less than 32
  } else {
    bytes_ = hasher(encoding);
    size_ = static_cast<std::uint8_t>(bytes_.size());  // 32
  }
}

std::shared_ptr<TrieNode> make_node(TrieNode node) {
  const auto let_go = [](TrieNode* gone) noexcept {
    thread_local TrieNode* waiting = nullptr;
    thread_local bool deleting = false;
    gone->next_to_go = waiting;
    waiting = gone;
    if (deleting) return;  // by the loop, for the sake of a parent
    deleting = true;
    while (waiting != nullptr) {
      const TrieNode* const last = waiting;
      waiting = waiting->next_to_go;
      delete last;  // its children come to wait
    }
    deleting = false;
  };
  return {new TrieNode(std::move(node)), let_go};
}

const TrieChild* TrieNode::find_child(std::uint8_t nibble) const noexcept {
  return (bitmap & 1u << nibble) == 0 ? nullptr : &children[place_of(bitmap, nibble)];
}

const TrieNode* TrieNode::child(std::uint8_t nibble) const noexcept {
  const TrieChild* found = find_child(nibble);
  return found == nullptr ? nullptr : found->node.get();
}

void TrieNode::set_child(std::uint8_t nibble, std::shared_ptr<const TrieNode> node) {
  const unsigned bit = 1u << nibble;
  const auto place = children.begin() + static_cast<std::ptrdiff_t>(place_of(bitmap, nibble));  // at most 16
  const bool was_there = (bitmap & bit) != 0;
  if (node == nullptr) {
    if (was_there) children.erase(place);
    bitmap = static_cast<std::uint16_t>(bitmap & ~bit);  // of 16 bits
  } else if (was_there) {
    *place = {std::move(node), {}};
  } else {
    children.insert(place, {std::move(node), {}});
    bitmap = static_cast<std::uint16_t>(bitmap | bit);  // likewise
  }
}

std::uint8_t TrieNode::next_child(unsigned nibble) const noexcept {
  const unsigned rest = bitmap >> nibble << nibble;
  return rest == 0 ? 16 : static_cast<std::uint8_t>(std::countr_zero(rest));  // less than 16
}

void append_node_header(Bytes& bytes, NodeKind kind, std::size_t nibbles) {
  const std::size_t most = 0xFFu >> kind.count;  // that the first byte may say: that there are this many, or more
  const auto append_byte = [&](std::size_t value) { bytes.push_back(static_cast<std::byte>(value)); };  // < 256
  append_byte(kind.bits | std::min(nibbles, most));
  if (nibbles < most) return;
  for (nibbles -= most; nibbles >= 255; nibbles -= 255) append_byte(255);
  append_byte(nibbles);
}

void append_node(Bytes& bytes, const TrieNode& node) {
  const NodeKind kind = kind_of(node);
  append_node_header(bytes, kind, node.partial.size());
  node.partial.append_packed(bytes);
  if (node.bitmap != 0) {
    bytes.push_back(static_cast<std::byte>(node.bitmap & 0xFF));
    bytes.push_back(static_cast<std::byte>(node.bitmap >> 8));  // of 16 bits
  }
  if (node.value_hash) {
    append(bytes, *node.value_hash);
  } else if (node.value != nullptr) {
    // Substrate's length has 32 bits too; no guest has a longer value.
    append_compact(bytes, static_cast<std::uint32_t>(node.value->size()));
    append(bytes, *node.value);
  }
  for (const TrieChild& child : node.children) {
    const BytesView merkle_value = child.merkle_value.bytes();
    append_compact(bytes, static_cast<std::uint32_t>(merkle_value.size()));  // at most 32
    append(bytes, merkle_value);
  }
}

Hash empty_root(TrieHasher hasher) {
  constexpr std::array kEmpty{std::byte{0}};
  return hasher(kEmpty);
}

}  // namespace anew::substrate
