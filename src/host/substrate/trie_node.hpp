// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The nodes of a state's trie and their encoding, of which Merkle values and so the root are made (Polkadot
// specification, "Merkle Proof"; polkadot-sdk, substrate/primitives/trie).
//
//   header: kind and number of nibbles | partial key | bitmap of children | value or its hash | Merkle values
//
//   01nnnnnn  a leaf                    001nnnnn  a leaf with its value's hash
//   10nnnnnn  a branch without a value  0001nnnn  a branch with its value's hash
//   11nnnnnn  a branch with a value     00000000  the empty trie
#pragma once

#include <anew/substrate/state.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "host/substrate/hashing.hpp"
#include "host/substrate/partial_key.hpp"

namespace anew::substrate {

/// The hash function of a trie.
using TrieHasher = Digest<32> (*)(BytesView);

/// From this size on a value of state version 1 lies in its node as its hash.
inline constexpr std::size_t kHashedValueBytes = 33;

/// What a branch holds of a child: the child's encoding if it is shorter than a hash, else its hash.
class MerkleValue {
 public:
  /// Not known yet.
  MerkleValue() = default;
  MerkleValue(BytesView encoding, TrieHasher hasher);

  [[nodiscard]] bool known() const noexcept { return size_ != 0; }
  [[nodiscard]] BytesView bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<std::byte, 32> bytes_{};
  std::uint8_t size_ = 0;  // no encoding is empty
};

struct TrieNode;

/// A node as its parent holds it.
struct TrieChild {
  std::shared_ptr<const TrieNode> node;  // null: there is none
  MerkleValue merkle_value;
};

/// Has a value, or two children at least, or both. Never changed once a trie holds it, as any number of tries may.
struct TrieNode {
  PartialKey partial;
  StorageValue value;               // null: none
  std::optional<Hash> value_hash;   // if set, the encoding has this in the value's place
  std::uint16_t bitmap = 0;         // bit n: there is a child for nibble n
  std::vector<TrieChild> children;  // one for each bit that is set
  TrieNode* next_to_go = nullptr;   // of make_node()'s nodes, once nobody has them

  /// The child for a nibble, or null.
  [[nodiscard]] const TrieChild* find_child(std::uint8_t nibble) const noexcept;
  [[nodiscard]] const TrieNode* child(std::uint8_t nibble) const noexcept;
  /// Sets the child for a nibble, of a Merkle value that is not known yet. @param node  null: it goes.
  void set_child(std::uint8_t nibble, std::shared_ptr<const TrieNode> node);
  /// The first nibble that is not less than `nibble` and has a child, or 16.
  [[nodiscard]] std::uint8_t next_child(unsigned nibble) const noexcept;
};

/// Nodes for tries. A trie may be as deep as its longest key, so they do not go recursively, and they go without
/// allocating anything: also when memory is out.
[[nodiscard]] std::shared_ptr<TrieNode> make_node(TrieNode node = {});

/// What a node's first bits say.
struct NodeKind {
  std::uint8_t bits;
  unsigned count;  ///< of these bits
};
inline constexpr NodeKind kLeaf{0b0100'0000, 2};
inline constexpr NodeKind kBranch{0b1000'0000, 2};
inline constexpr NodeKind kBranchWithValue{0b1100'0000, 2};
inline constexpr NodeKind kLeafWithHash{0b0010'0000, 3};
inline constexpr NodeKind kBranchWithHash{0b0001'0000, 4};

/// Appends a node's header: the kind's bits and the number of nibbles of its partial key, over as many bytes as it
/// needs.
void append_node_header(Bytes& bytes, NodeKind kind, std::size_t nibbles);
/// Appends a node's encoding. @pre the Merkle values of its children are known.
void append_node(Bytes& bytes, const TrieNode& node);

/// The root of a trie without keys.
[[nodiscard]] Hash empty_root(TrieHasher hasher);

}  // namespace anew::substrate
