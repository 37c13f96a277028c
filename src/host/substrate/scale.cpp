// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/scale.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wasm/reader.hpp"

namespace anew::substrate {

bool ScaleReader::integer(std::size_t bytes, std::uint32_t& value) {
  if (remaining() < bytes) return fail_at(bytes_.size(), "the data ends early");
  value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(bytes_[position_ + i]);
  position_ += bytes;
  return true;
}

bool ScaleReader::u8(std::uint8_t& value) {
  std::uint32_t wide = 0;
  if (!integer(1, wide)) return false;
  value = static_cast<std::uint8_t>(wide);  // read from one byte
  return true;
}

bool ScaleReader::u32(std::uint32_t& value) { return integer(4, value); }

bool ScaleReader::boolean(bool& value) {
  const std::size_t start = position_;
  std::uint8_t byte = 0;
  if (!u8(byte)) return false;
  value = byte == 1;
  return byte <= 1 || fail_at(start, "a bool or Option begins with neither 0 nor 1");
}

bool ScaleReader::raw(std::span<std::byte> value) {
  if (remaining() < value.size()) return fail_at(bytes_.size(), "the data ends early");
  std::ranges::copy(bytes_.subspan(position_, value.size()), value.begin());
  position_ += value.size();
  return true;
}

bool ScaleReader::take(std::size_t size, std::span<const std::byte>& value) {
  if (remaining() < size) return fail_at(bytes_.size(), "the data ends early");
  value = bytes_.subspan(position_, size);
  position_ += size;
  return true;
}

bool ScaleReader::bytes(std::span<const std::byte>& value) {
  std::uint32_t size = 0;
  return length(1, size) && take(size, value);
}

bool ScaleReader::compact(std::uint32_t& value) {
  const std::size_t start = position_;
  if (remaining() == 0) return fail_at(start, "the data ends early");
  const auto mode = std::to_integer<std::uint32_t>(bytes_[position_]) & 3;  // the two lowest bits choose the form
  if (mode < 3) {
    if (!integer(std::size_t{1} << mode, value)) return false;
    value >>= 2;
    const bool shortest = mode == 0 || value >= (mode == 1 ? 1u << 6 : 1u << 14);
    return shortest || fail_at(start, "a compact integer is not in its shortest form");
  }
  if (bytes_[position_] != std::byte{3}) return fail_at(start, "a compact integer has more than 32 bits");
  ++position_;
  if (!u32(value)) return false;
  return value >= 1u << 30 || fail_at(start, "a compact integer is not in its shortest form");
}

bool ScaleReader::length(std::size_t element_bytes, std::uint32_t& count) {
  const std::size_t start = position_;
  if (!compact(count)) return false;
  if (count > remaining() / element_bytes) return fail_at(start, "a length is more than the data that follows");
  return true;
}

bool ScaleReader::string(std::string& value) {
  const std::size_t start = position_;
  std::span<const std::byte> content;
  if (!bytes(content)) return false;
  value.resize(content.size());
  std::ranges::transform(content, value.begin(), [](std::byte b) { return static_cast<char>(b); });  // a character
  return wasm::is_utf8(value) || fail_at(start, "a string is not UTF-8");
}

bool ScaleReader::fail_at(std::size_t position, const char* what) {
  wrong_ = what;
  wrong_position_ = position;
  return false;
}

Error ScaleReader::error() const {
  return make_error(ErrorCode::kMalformed,
                    fmt::format("SCALE data of {} bytes: {} (byte {})", bytes_.size(), wrong_, wrong_position_));
}

CompactLength::CompactLength(std::uint32_t value) noexcept {
  const auto append = [&](std::uint64_t word, int count) {
    for (; count > 0; --count, word >>= 8) bytes_[size_++] = static_cast<std::byte>(word);  // the low byte
  };
  if (value < 1u << 6) {
    append(std::uint64_t{value} << 2, 1);
  } else if (value < 1u << 14) {
    append(std::uint64_t{value} << 2 | 1, 2);
  } else if (value < 1u << 30) {
    append(std::uint64_t{value} << 2 | 2, 4);
  } else {
    append(3, 1);
    append(value, 4);
  }
}

void append_compact(std::vector<std::byte>& bytes, std::uint32_t value) {
  const CompactLength length(value);
  bytes.insert(bytes.end(), length.bytes().begin(), length.bytes().end());
}

void append_u32(std::vector<std::byte>& bytes, std::uint32_t value) {
  for (int i = 0; i < 4; ++i, value >>= 8) bytes.push_back(static_cast<std::byte>(value));  // the low byte
}

void append_bytes(std::vector<std::byte>& bytes, std::span<const std::byte> value) {
  append_compact(bytes, static_cast<std::uint32_t>(value.size()));  // fits, says the caller
  bytes.insert(bytes.end(), value.begin(), value.end());
}

}  // namespace anew::substrate
