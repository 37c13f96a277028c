// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/trie_proof.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "host/substrate/partial_key.hpp"
#include "host/substrate/scale.hpp"
#include "runtime/stop.hpp"

namespace anew::substrate {
namespace {

constexpr std::size_t kHashBytes = 32;
/// A node that lies in its parent has no more bytes than a hash, and more than one that lies in it.
constexpr std::size_t kMaximumNested = kHashBytes;

enum class ValueForm : std::uint8_t { kNone, kInline, kHashed };

/// A node of a proof, as views of its encoding. No node has two encodings, so what stays as it was is copied.
struct ProofNode {
  bool is_branch = false;
  ValueForm value_form = ValueForm::kNone;
  std::size_t nibbles = 0;  // of the partial key
  BytesView partial;        // packed
  BytesView bitmap;         // of a branch
  BytesView value;
  std::array<std::optional<BytesView>, 16> children;  // Merkle values
  BytesView behind_value;                             // of the encoding
};

/// A node of which one child's Merkle value is to be put between these parts.
struct OpenNode {
  BytesView before;
  BytesView behind;
  bool is_nested;  // it lies in its parent
};

void append(Bytes& bytes, BytesView more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

/// How many bytes of the data lie before a view of some of it.
std::size_t bytes_before(BytesView data, BytesView part) noexcept {
  return static_cast<std::size_t>(part.data() - data.data());  // both are of the same bytes
}

/// The number of nibbles that a header says.
bool read_nibbles(ScaleReader& reader, std::uint8_t first, unsigned kind_bits, std::size_t& nibbles) {
  const std::size_t most = 0xFFu >> kind_bits;
  nibbles = first & most;
  if (nibbles < most) return true;
  for (std::uint8_t more = 255; more == 255; nibbles += more)  // no more than 255 for each byte of the data
    if (!reader.u8(more)) return false;
  return true;
}

/// @return nothing of what is malformed, nor of the node of an empty trie: that proves no value.
std::optional<ProofNode> decode(BytesView data) {
  ScaleReader reader(data);
  std::uint8_t first = 0;
  if (!reader.u8(first)) return std::nullopt;
  const auto is = [first](NodeKind kind) { return first >> (8 - kind.count) == kind.bits >> (8 - kind.count); };
  ProofNode node;
  node.is_branch = is(kBranch) || is(kBranchWithValue) || is(kBranchWithHash);
  const bool is_hashed = is(kLeafWithHash) || is(kBranchWithHash);
  if (!node.is_branch && !is(kLeaf) && !is_hashed) return std::nullopt;
  if (!is(kBranch)) node.value_form = is_hashed ? ValueForm::kHashed : ValueForm::kInline;

  const unsigned kind_bits = !is_hashed ? 2 : node.is_branch ? kBranchWithHash.count : kLeafWithHash.count;
  if (!read_nibbles(reader, first, kind_bits, node.nibbles)) return std::nullopt;
  const std::size_t padding = node.nibbles % 2;
  if (!reader.take((node.nibbles + padding) / 2, node.partial)) return std::nullopt;
  if (padding != 0 && nibble_at(node.partial, 0) != 0) return std::nullopt;

  unsigned bits = 0;
  if (node.is_branch) {
    if (!reader.take(2, node.bitmap)) return std::nullopt;
    bits = std::to_integer<unsigned>(node.bitmap[0]) | std::to_integer<unsigned>(node.bitmap[1]) << 8;
    if (bits == 0) return std::nullopt;
  }
  if (node.value_form == ValueForm::kInline && !reader.bytes(node.value)) return std::nullopt;
  if (node.value_form == ValueForm::kHashed && !reader.take(kHashBytes, node.value)) return std::nullopt;
  const std::size_t children = reader.position();
  for (std::size_t i = 0; i < node.children.size(); ++i)
    if ((bits & 1u << i) != 0 && !reader.bytes(node.children[i].emplace())) return std::nullopt;
  node.behind_value = data.subspan(children, reader.position() - children);
  return node;
}

/// Whether the nibbles of the key from `depth` on begin with the node's.
bool matches(const ProofNode& node, BytesView key, std::size_t depth) {
  if (node.nibbles > nibble_count(key) - depth) return false;
  const std::size_t padding = node.nibbles % 2;
  for (std::size_t i = 0; i < node.nibbles; ++i)
    if (nibble_at(node.partial, padding + i) != nibble_at(key, depth + i)) return false;
  return true;
}

/// @param open  the child that is left open, if any.
bool has_valid_children(const ProofNode& node, std::optional<std::uint8_t> open) {
  for (std::size_t i = 0; i < node.children.size(); ++i)
    if (i != open && node.children[i] && node.children[i]->size() > kHashBytes) return false;
  return true;
}

/// The encoding of the node where the path ends, with the value in it.
Bytes with_value(const ProofNode& node, BytesView value, StateVersion version, TrieHasher hasher) {
  const bool is_hashed = version == StateVersion::kV1 && value.size() >= kHashedValueBytes;
  Bytes encoding;
  if (node.is_branch)
    append_node_header(encoding, is_hashed ? kBranchWithHash : kBranchWithValue, node.nibbles);
  else
    append_node_header(encoding, is_hashed ? kLeafWithHash : kLeaf, node.nibbles);
  append(encoding, node.partial);
  append(encoding, node.bitmap);
  if (is_hashed)
    append(encoding, hasher(value));
  else
    append_bytes(encoding, value);  // of a guest's memory: its length fits
  append(encoding, node.behind_value);
  return encoding;
}

}  // namespace

bool verify_trie_proof(std::span<const std::byte, 32> root, std::span<const BytesView> proof, BytesView key,
                       BytesView value, StateVersion version, TrieHasher hasher) {
  if (proof.empty()) return false;
  BytesView data = proof.front();
  proof = proof.subspan(1);
  std::vector<OpenNode> path;
  std::size_t nested = 0;  // nodes up to here that each lie in their parent
  std::size_t depth = 0;   // nibbles of the key
  std::optional<ProofNode> node;
  for (;;) {
    detail::check_stop();
    node = decode(data);
    if (!node || !matches(*node, key, depth)) return false;
    depth += node->nibbles;
    if (depth == nibble_count(key)) break;
    if (!node->is_branch) return false;
    const std::uint8_t nibble = nibble_at(key, depth++);
    const std::optional<BytesView> child = node->children[nibble];
    // A hash there could have been left out, so it must be.
    if (!child || child->size() == kHashBytes || !has_valid_children(*node, nibble)) return false;
    const std::size_t length_bytes = CompactLength(static_cast<std::uint32_t>(child->size())).bytes().size();
    const std::size_t end = bytes_before(data, node->behind_value) + node->behind_value.size();
    const std::size_t behind = bytes_before(data, *child) + child->size();
    path.push_back(
        {data.first(bytes_before(data, *child) - length_bytes), data.subspan(behind, end - behind), nested != 0});
    if (!child->empty()) {
      if (++nested > kMaximumNested) return false;
      data = *child;
    } else {
      if (proof.empty()) return false;
      nested = 0;
      data = proof.front();
      proof = proof.subspan(1);
    }
  }
  const ValueForm left_out = node->is_branch ? ValueForm::kNone : ValueForm::kInline;
  if (node->value_form != left_out || !node->value.empty() || !has_valid_children(*node, {})) return false;
  if (!proof.empty()) return false;

  Bytes encoding = with_value(*node, value, version, hasher);
  for (bool is_nested = nested != 0; !path.empty(); path.pop_back()) {
    detail::check_stop();
    if (is_nested && encoding.size() > kHashBytes) return false;
    const Bytes merkle_value = is_nested ? std::move(encoding) : [&] {
      const Hash hash = hasher(encoding);
      return Bytes(hash.begin(), hash.end());
    }();
    const OpenNode& parent = path.back();
    encoding.assign(parent.before.begin(), parent.before.end());
    append_bytes(encoding, merkle_value);  // 32 bytes at most
    append(encoding, parent.behind);
    is_nested = parent.is_nested;
  }
  return std::ranges::equal(hasher(encoding), root);
}

}  // namespace anew::substrate
