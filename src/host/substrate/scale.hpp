// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// SCALE, the encoding of all that passes between a Substrate host and its runtime: fixed little-endian integers,
// compact lengths, and sequences of them, with no types or names in between.
#pragma once

#include <anew/error.hpp>
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
  /// A compact integer that fits in 32 bits, as lengths do; only the shortest form is valid.
  [[nodiscard]] bool compact(std::uint32_t& value);
  /// A length of a sequence, checked against what is left: each element takes `element_bytes` at least.
  [[nodiscard]] bool length(std::size_t element_bytes, std::uint32_t& count);
  /// A string, which must be UTF-8.
  [[nodiscard]] bool string(std::string& value);

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] Error error() const;

 private:
  [[nodiscard]] bool integer(std::size_t bytes, std::uint32_t& value);
  [[nodiscard]] bool fail_at(std::size_t position, const char* what);
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - position_; }

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;  // <= bytes_.size()
  const char* wrong_ = "";
  std::size_t wrong_position_ = 0;
};

/// Appends a compact integer.
void append_compact(std::vector<std::byte>& bytes, std::uint32_t value);

}  // namespace anew::substrate
