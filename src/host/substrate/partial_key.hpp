// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Keys as sequences of nibbles (half bytes, the high one first), and the piece of a key that a node of a trie holds.
//
// A partial key keeps its nibbles where they lie in the key's bytes: one that begins within a byte still begins within
// one. So whole bytes are compared with a key and copied out of it, and a node that moves up or down the trie shifts
// nothing.
//
//   key 0x12 0x34 0x56, nibbles 1 to 4:   0x.2 0x34
#pragma once

#include <anew/substrate/types.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace anew::substrate {

[[nodiscard]] constexpr std::size_t nibble_count(BytesView key) noexcept { return key.size() * 2; }

/// @param index  less than nibble_count(key).
[[nodiscard]] constexpr std::uint8_t nibble_at(BytesView key, std::size_t index) noexcept {
  const auto byte = std::to_integer<std::uint8_t>(key[index / 2]);
  return index % 2 == 0 ? byte >> 4 : byte & 0xF;
}

/// How many bytes two sequences begin with that are the same.
[[nodiscard]] std::size_t common_bytes(BytesView a, BytesView b) noexcept;
/// How many nibbles two keys begin with that are the same.
[[nodiscard]] std::size_t common_nibbles(BytesView a, BytesView b) noexcept;

/// Never changed; copies and slices share the bytes. What a short slice needs of a long key is copied: so it keeps not
/// much more alive than it needs, and a key that is cut again and again costs its length no more than a few times.
class PartialKey {
 public:
  PartialKey() = default;
  /// Nibbles [begin, end) of a key.
  PartialKey(BytesView key, std::size_t begin, std::size_t end);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint8_t at(std::size_t index) const noexcept { return nibble_at(bytes(), begin_ + index); }
  /// Nibbles [begin, end) of this.
  [[nodiscard]] PartialKey slice(std::size_t begin, std::size_t end) const;

  /// How many of these nibbles, from the first on, are those of a key from nibble `depth` on, where this begins.
  [[nodiscard]] std::size_t match(BytesView key, std::size_t depth) const noexcept;

  /// Appends the nibbles as nodes hold them: in pairs, and before them, in a byte of its own, the first one if their
  /// number is odd.
  void append_packed(Bytes& bytes) const;

 private:
  friend class KeyPath;
  /// Those with nibbles of it; in the first and the last one may be one nibble that is not.
  [[nodiscard]] BytesView bytes() const noexcept { return {shared_.get() + offset_, (begin_ + size_ + 1) / 2}; }

  std::shared_ptr<const std::byte[]> shared_;  // null if it is empty
  std::size_t shared_size_ = 0;                // in bytes
  std::size_t offset_ = 0;                     // of its first byte
  std::size_t size_ = 0;                       // in nibbles
  std::uint8_t begin_ = 0;                     // where in the first byte: 0 or 1
};

/// A key, or a piece of one, that grows at its end.
class KeyPath {
 public:
  explicit KeyPath(const PartialKey& beginning) : begin_(beginning.begin_) { append(beginning); }
  /// The first nibbles of a key.
  KeyPath(BytesView key, std::size_t size);

  /// Adds a nibble behind the last one.
  void push(std::uint8_t nibble);
  /// Adds nibbles behind the last one. @param more  begins where this ends, as far as the place in a byte goes.
  void append(const PartialKey& more);

  [[nodiscard]] PartialKey partial_key() const { return {bytes_, begin_, begin_ + size_}; }
  /// The bytes of a key of which this is all. @pre an even number of nibbles, beginning with a whole byte.
  [[nodiscard]] Bytes into_key() && noexcept { return std::move(bytes_); }

 private:
  Bytes bytes_;  // what is not part of it is zero
  std::size_t size_ = 0;
  std::uint8_t begin_ = 0;
};

}  // namespace anew::substrate
