// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/printable.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

#include "wasm/demangle.hpp"
#include "wasm/reader.hpp"

namespace anew::wasm {
namespace {

constexpr std::size_t kMaximumNameBytes = 400;

/// Whether a character outside of ASCII must be escaped: controls, what sets the direction of writing, separators of
/// lines and paragraphs.
bool is_escaped(std::uint32_t character) noexcept {
  return character <= 0x9F || character == 0x061C || character == 0x200E || character == 0x200F ||
         (character >= 0x2028 && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069);
}

/// @param bytes  one well-formed character of two to four bytes.
std::uint32_t decode(std::string_view bytes) noexcept {
  // The bits of the first byte that count: all but as many as there are bytes, and one.
  std::uint32_t character = static_cast<unsigned char>(bytes[0]) & (0x7Fu >> bytes.size());  // char may be signed
  for (const char byte : bytes.substr(1)) character = character << 6 | (static_cast<unsigned char>(byte) & 0x3Fu);
  return character;
}

void append_ascii(std::string& text, char character) {
  switch (character) {
    case '\n': text += "\\n"; return;
    case '\t': text += "\\t"; return;
    case '\r': text += "\\r"; return;
    default: break;
  }
  if (character < 0x20 || character == 0x7F)
    fmt::format_to(std::back_inserter(text), "\\x{:02x}", static_cast<unsigned char>(character));
  else
    text += character;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      fmt::format_to(std::back_inserter(safe), "\\x{:02x}", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    const std::string_view character = text.substr(0, length);
    if (length == 1)
      append_ascii(safe, text[0]);
    else if (const std::uint32_t code = decode(character); is_escaped(code))
      fmt::format_to(std::back_inserter(safe), "\\u{{{:x}}}", code);
    else
      safe += character;
    text.remove_prefix(length);
  }
  return safe;
}

std::string printable_name(std::string_view name) {
  if (name.size() <= kMaximumNameBytes) return printable(name);
  std::size_t cut = kMaximumNameBytes;
  // Not within a character, which has at most three bytes behind its first.
  for (int i = 0; i < 3 && (static_cast<unsigned char>(name[cut]) & 0xC0) == 0x80; ++i) --cut;
  return printable(name.substr(0, cut)) + "...";
}

std::string function_text(std::string_view name) {
  const std::string readable = demangle(name);
  return printable_name(readable.empty() ? name : std::string_view(readable));
}

}  // namespace anew::wasm
