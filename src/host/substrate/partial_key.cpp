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
  bytes_.assign(key.begin() + offset(begin / 2), key.begin() + offset((end + 1) / 2));
  if (begin % 2 != 0) bytes_.front() &= kLow;
  if (end % 2 != 0) bytes_.back() &= kHigh;
}

PartialKey PartialKey::slice(std::size_t begin, std::size_t end) const {
  return {bytes_, begin_ + begin, begin_ + end};
}

std::size_t PartialKey::match(BytesView key, std::size_t depth) const noexcept {
  const std::size_t most = std::min(size_, nibble_count(key) - depth);
  if (most == 0) return 0;
  const BytesView rest = key.subspan(depth / 2);
  if (begin_ != 0 && (rest[0] & kLow) != bytes_[0]) return 0;
  // In nibbles of bytes_, whose first byte is whole or was looked at; what lies behind the last nibble does not count.
  const std::size_t first = begin_;
  const std::size_t same = first + common_bytes(BytesView(bytes_).subspan(first), rest.subspan(first));
  std::size_t nibbles = same * 2;
  if (same < bytes_.size() && same < rest.size() && (bytes_[same] & kHigh) == (rest[same] & kHigh)) ++nibbles;
  return std::min(nibbles - begin_, most);
}

void PartialKey::push(std::uint8_t nibble) {
  const std::size_t place = (begin_ + size_) % 2;
  const auto bits = static_cast<std::byte>(place == 0 ? nibble << 4 : nibble);  // a nibble is less than 16
  if (place == 0 || bytes_.empty()) {
    bytes_.push_back(bits);
  } else {
    bytes_.back() |= bits;
  }
  ++size_;
}

void PartialKey::append(const PartialKey& other) {
  if (other.size_ == 0) return;
  std::size_t joined = 0;
  if (other.begin_ != 0 && !bytes_.empty()) {
    bytes_.back() |= other.bytes_.front();
    joined = 1;
  }
  bytes_.insert(bytes_.end(), other.bytes_.begin() + offset(joined), other.bytes_.end());
  size_ += other.size_;
}

void PartialKey::append_packed(Bytes& bytes) const {
  if (size_ == 0) return;
  if ((begin_ + size_) % 2 == 0) {  // the pairs are the bytes
    bytes.insert(bytes.end(), bytes_.begin(), bytes_.end());
    return;
  }
  std::byte high = begin_ == 0 ? std::byte{0} : bytes_[0] << 4;
  for (std::size_t i = begin_; i < bytes_.size(); ++i) {
    bytes.push_back(high | bytes_[i] >> 4);
    high = bytes_[i] << 4;
  }
}

}  // namespace anew::substrate
