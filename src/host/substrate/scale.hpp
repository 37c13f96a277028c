// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// SCALE, the encoding of all that passes between a Substrate host and its runtime: fixed little-endian integers,
// compact lengths, and sequences of them, with no types or names in between.
#pragma once

#include <anew/error.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace anew::substrate {

/// Reads values one after the other. Each read returns false at the first value that is cut short or malformed, and
/// then error() says which.
class ScaleReader {
 public:
  explicit ScaleReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] bool u8(std::uint8_t& value);
  [[nodiscard]] bool u32(std::uint32_t& value);
  /// One byte that is 0 or 1: a bool, or the first of an Option.
  [[nodiscard]] bool boolean(bool& value);
  /// The next bytes, as they are.
  [[nodiscard]] bool raw(std::span<std::byte> value);
  /// The next bytes, as a view of the data.
  [[nodiscard]] bool take(std::size_t size, std::span<const std::byte>& value);
  /// A compact integer that fits in 32 bits, as lengths do; only the shortest form is valid.
  [[nodiscard]] bool compact(std::uint32_t& value);
  /// A length of a sequence, checked against what is left: each element takes `element_bytes` at least.
  [[nodiscard]] bool length(std::size_t element_bytes, std::uint32_t& count);
  /// A sequence of bytes: a length and so many bytes, as a view of the data.
  [[nodiscard]] bool bytes(std::span<const std::byte>& value);
  /// A string, which must be UTF-8.
  [[nodiscard]] bool string(std::string& value);

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  /// Refuses the data at a position: for what the caller knows to be wrong. @return false.
  [[nodiscard]] bool fail_at(std::size_t position, const char* what);
  [[nodiscard]] Error error() const;

 private:
  [[nodiscard]] bool integer(std::size_t bytes, std::uint32_t& value);

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;  // <= bytes_.size()
  const char* wrong_ = "";
  std::size_t wrong_position_ = 0;
};

/// A compact integer, encoded.
class CompactLength {
 public:
  explicit CompactLength(std::uint32_t value) noexcept;
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return std::span(bytes_).first(size_); }

 private:
  std::array<std::byte, 5> bytes_{};
  std::size_t size_ = 0;
};

/// Appends a compact integer.
void append_compact(std::vector<std::byte>& bytes, std::uint32_t value);
/// Appends a fixed integer, little-endian.
void append_u32(std::vector<std::byte>& bytes, std::uint32_t value);
/// Appends a sequence of bytes: its length, which must fit in 32 bits, and they.
void append_bytes(std::vector<std::byte>& bytes, std::span<const std::byte> value);

}  // namespace anew::substrate
