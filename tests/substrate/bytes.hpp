// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bytes written down in tests.
#pragma once

#include <anew/substrate.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace anew::substrate {

/// From hexadecimal digits and blanks.
inline Bytes from_hex(std::string_view text) {
  Bytes bytes;
  std::string digits;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::byte>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

inline Bytes from_text(std::string_view text) {
  Bytes bytes;
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

inline Bytes join(std::initializer_list<Bytes> parts) {
  Bytes bytes;
  for (const Bytes& part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

inline Bytes to_bytes(BytesView view) { return {view.begin(), view.end()}; }

/// @param bit  of all bits of the bytes.
inline Bytes with_bit_flipped(Bytes bytes, std::size_t bit) {
  bytes[bit / 8] ^= std::byte{1} << bit % 8;
  return bytes;
}

}  // namespace anew::substrate
