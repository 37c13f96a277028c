// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/hex.hpp"

#include <fmt/format.h>

#include "wasm/printable.hpp"

namespace anew::substrate {
namespace {

/// The value of a hexadecimal digit, or -1.
constexpr int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

const char* decode_hex(std::string_view text, Bytes& bytes) {
  if (!text.starts_with("0x")) return "does not begin with 0x";
  text.remove_prefix(2);
  if (text.size() % 2 != 0) return "has an odd number of hexadecimal digits";
  bytes.resize(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit_value(text[2 * i]);
    const int low = digit_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return "has a character that is no hexadecimal digit";
    bytes[i] = static_cast<std::byte>(high * 16 + low);  // at most 255
  }
  return nullptr;
}

std::string encode_hex(BytesView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "0x";
  text.reserve(2 + 2 * bytes.size());
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    text += kDigits[value >> 4];
    text += kDigits[value & 0xF];
  }
  return text;
}

std::string quote(std::string_view text) {
  return text.size() <= 80 ? fmt::format("\"{}\"", wasm::printable(text))
                           : fmt::format("\"{}...\"", wasm::printable(text.substr(0, 77)));
}

}  // namespace anew::substrate
