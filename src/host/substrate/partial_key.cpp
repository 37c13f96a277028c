// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/partial_key.hpp"

#include <algorithm>
#include <cstring>

namespace anew::substrate {
namespace {

constexpr std::byte kHigh{0xF0};
constexpr std::byte kLow{0x0F};

std::ptrdiff_t offset(std::size_t index) noexcept { return static_cast<std::ptrdiff_t>(index); }  // of a vector's item

}  // namespace

std::size_t common_bytes(BytesView a, BytesView b) noexcept {
  const std::size_t size = std::min(a.size(), b.size());
  // Most often all are the same. The pointers of empty spans may be null, which memcmp does not take.
  if (size == 0 || std::memcmp(a.data(), b.data(), size) == 0) return size;
  const auto first = std::mismatch(a.begin(), a.begin() + offset(size), b.begin()).first;
  return static_cast<std::size_t>(first - a.begin());  // not before the beginning
}

std::size_t common_nibbles(BytesView a, BytesView b) noexcept {
  const std::size_t bytes = common_bytes(a, b);
  if (bytes == std::min(a.size(), b.size())) return bytes * 2;
  return bytes * 2 + ((a[bytes] & kHigh) == (b[bytes] & kHigh) ? 1 : 0);
}

PartialKey::PartialKey(BytesView key, std::size_t begin, std::size_t end)
    : size_(end - begin), begin_(static_cast<std::uint8_t>(begin % 2)) {
  if (size_ == 0) return;
  const BytesView needed = key.subspan(begin / 2, (end + 1) / 2 - begin / 2);
  auto copy = std::make_shared_for_overwrite<std::byte[]>(needed.size());
  std::memcpy(copy.get(), needed.data(), needed.size());
  shared_ = std::move(copy);
  shared_size_ = needed.size();
}

PartialKey PartialKey::slice(std::size_t begin, std::size_t end) const {
  constexpr std::size_t kFew = 64;  // less than a node takes
  const std::size_t needed = (begin_ + end + 1) / 2 - (begin_ + begin) / 2;
  if (begin == end || shared_size_ > std::max(kFew, 2 * needed)) return {bytes(), begin_ + begin, begin_ + end};
  PartialKey part = *this;
  part.offset_ += (begin_ + begin) / 2;
  part.size_ = end - begin;
  part.begin_ = static_cast<std::uint8_t>((begin_ + begin) % 2);
  return part;
}

std::size_t PartialKey::match(BytesView key, std::size_t depth) const noexcept {
  const std::size_t most = std::min(size_, nibble_count(key) - depth);
  if (most == 0) return 0;
  const BytesView own = bytes();
  const BytesView rest = key.subspan(depth / 2);
  if (begin_ != 0 && (rest[0] & kLow) != (own[0] & kLow)) return 0;
  // In nibbles of the bytes, of which the first is whole or was looked at; what lies behind the last one of both does
  // not count.
  const std::size_t first = begin_;
  const std::size_t same = first + common_bytes(own.subspan(first), rest.subspan(first));
  std::size_t nibbles = same * 2;
  if (same < own.size() && same < rest.size() && (own[same] & kHigh) == (rest[same] & kHigh)) ++nibbles;
  return std::min(nibbles - begin_, most);
}

void PartialKey::append_packed(Bytes& packed) const {
  if (size_ == 0) return;
  const BytesView own = bytes();
  std::size_t from = packed.size();
  packed.resize(from + (size_ + 1) / 2);
  if ((begin_ + size_) % 2 == 0) {  // the pairs are the bytes
    std::memcpy(packed.data() + from, own.data(), own.size());
    if (begin_ != 0) packed[from] &= kLow;
    return;
  }
  std::byte high = begin_ == 0 ? std::byte{0} : own[0] << 4;
  for (std::size_t i = begin_; i < own.size(); ++i) {
    packed[from++] = high | own[i] >> 4;
    high = own[i] << 4;
  }
}

KeyPath::KeyPath(BytesView key, std::size_t size)
    : bytes_(key.begin(), key.begin() + offset((size + 1) / 2)), size_(size) {
  if (size % 2 != 0) bytes_.back() &= kHigh;
}

void KeyPath::push(std::uint8_t nibble) {
  const std::size_t place = (begin_ + size_) % 2;
  const auto bits = static_cast<std::byte>(place == 0 ? nibble << 4 : nibble);  // a nibble is less than 16
  if (place == 0 || bytes_.empty())
    bytes_.push_back(bits);
  else
    bytes_.back() |= bits;
  ++size_;
}

void KeyPath::append(const PartialKey& more) {
  if (more.size_ == 0) return;
  BytesView own = more.bytes();
  if (more.begin_ != 0) {
    const std::byte first = own[0] & kLow;
    if (bytes_.empty())
      bytes_.push_back(first);
    else
      bytes_.back() |= first;
    own = own.subspan(1);
  }
  bytes_.insert(bytes_.end(), own.begin(), own.end());
  size_ += more.size_;
  if ((begin_ + size_) % 2 != 0) bytes_.back() &= kHigh;
}

}  // namespace anew::substrate
