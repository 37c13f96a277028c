// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Binaries of components, put together by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace anew::component {

/// A number as LEB128.
[[nodiscard]] inline std::string number(std::size_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7) text.push_back(static_cast<char>((value & 0x7F) | 0x80));
  text.push_back(static_cast<char>(value));
  return text;
}
/// The index of a type where a value type stands: below 2^13, as signed LEB128.
[[nodiscard]] inline std::string value_type(std::size_t index) {
  if (index < 0x40) return {static_cast<char>(index)};
  return {static_cast<char>((index & 0x7F) | 0x80), static_cast<char>(index >> 7)};
}
[[nodiscard]] inline std::string byte(unsigned value) { return {static_cast<char>(value)}; }
/// A string with its length.
[[nodiscard]] inline std::string sized(std::string_view text) { return number(text.size()) + std::string(text); }
[[nodiscard]] inline std::string section(unsigned id, std::string_view payload) { return byte(id) + sized(payload); }
/// A section of one definition.
[[nodiscard]] inline std::string one(unsigned id, std::string_view definition) {
  return section(id, number(1) + std::string(definition));
}
[[nodiscard]] inline std::string component(std::string_view sections) {
  return std::string("\0asm\x0D\0\x01\0", 8) + std::string(sections);
}
[[nodiscard]] inline std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace anew::component
