// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/strings.hpp"

#include <cstdint>

namespace anew::component {
namespace {

constexpr char32_t kPastLatin1 = 0x100;
constexpr char32_t kPastTwoBytes = 0x10000;  ///< in UTF-16

std::uint32_t unit_at(std::span<const std::byte> text, std::size_t k) {
  return std::to_integer<std::uint32_t>(text[k]) | std::to_integer<std::uint32_t>(text[k + 1]) << 8;
}

void put_unit(std::span<std::byte> to, std::size_t k, char32_t unit) {
  to[k] = static_cast<std::byte>(unit & 0xFF);
  to[k + 1] = static_cast<std::byte>(unit >> 8);
}

}  // namespace

void append_utf8(std::string& text, char32_t character) {
  const auto byte = [&](char32_t bits) { text += static_cast<char>(static_cast<unsigned char>(bits)); };
  if (character < 0x80) return byte(character);
  if (character < 0x800) {
    byte(0xC0 | character >> 6);
  } else {
    if (character < 0x10000) {
      byte(0xE0 | character >> 12);
    } else {
      byte(0xF0 | character >> 18);
      byte(0x80 | (character >> 12 & 0x3F));
    }
    byte(0x80 | (character >> 6 & 0x3F));
  }
  byte(0x80 | (character & 0x3F));
}

char32_t take_utf8(std::string_view& text) noexcept {
  const auto byte = [&](std::size_t k) -> char32_t { return static_cast<unsigned char>(text[k]); };
  char32_t character = byte(0);
  if (character < 0x80) {
    text.remove_prefix(1);
    return character;
  }
  const std::size_t length = character < 0xE0 ? 2 : character < 0xF0 ? 3 : 4;
  character &= 0xFFU >> (length + 1);
  for (std::size_t k = 1; k < length; ++k) character = character << 6 | (byte(k) & 0x3F);
  text.remove_prefix(length);
  return character;
}

std::optional<std::string> utf8_of_utf16(std::span<const std::byte> text) {
  std::string utf8;
  utf8.reserve(text.size() / 2);  // enough for English
  for (std::size_t k = 0; k < text.size(); k += 2) {
    char32_t character = unit_at(text, k);
    if (character >= 0xD800 && character < 0xE000) {
      if (character >= 0xDC00 || k + 2 >= text.size()) return std::nullopt;
      k += 2;
      const std::uint32_t low = unit_at(text, k);
      if (low < 0xDC00 || low >= 0xE000) return std::nullopt;
      character = 0x10000 + ((character & 0x3FF) << 10 | (low & 0x3FF));
    }
    append_utf8(utf8, character);
  }
  return utf8;
}

std::string utf8_of_latin1(std::span<const std::byte> text) {
  std::string utf8;
  utf8.reserve(text.size());
  for (const std::byte byte : text) append_utf8(utf8, std::to_integer<char32_t>(byte));
  return utf8;
}

std::size_t utf16_bytes(std::string_view text) noexcept {
  std::size_t bytes = 0;
  while (!text.empty()) bytes += take_utf8(text) < kPastTwoBytes ? 2 : 4;
  return bytes;
}

void to_utf16(std::string_view text, std::span<std::byte> to) noexcept {
  for (std::size_t k = 0; !text.empty(); k += 2) {
    const char32_t character = take_utf8(text);
    if (character < kPastTwoBytes) {
      put_unit(to, k, character);
    } else {
      put_unit(to, k, 0xD800 + ((character - kPastTwoBytes) >> 10));
      k += 2;
      put_unit(to, k, 0xDC00 + (character & 0x3FF));
    }
  }
}

std::optional<std::size_t> latin1_bytes(std::string_view text) noexcept {
  std::size_t bytes = 0;
  for (; !text.empty(); ++bytes)
    if (take_utf8(text) >= kPastLatin1) return std::nullopt;
  return bytes;
}

void to_latin1(std::string_view text, std::span<std::byte> to) noexcept {
  for (std::size_t k = 0; !text.empty(); ++k) to[k] = static_cast<std::byte>(take_utf8(text));
}

}  // namespace anew::component
