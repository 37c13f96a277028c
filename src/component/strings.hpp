// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Strings of guests in UTF-16 and Latin-1, and as the host has them, in UTF-8. UTF-16 is little-endian, at any address.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace anew::component {

/// @param text  of an even size. @return nothing if a surrogate has no other half.
[[nodiscard]] std::optional<std::string> utf8_of_utf16(std::span<const std::byte> text);
[[nodiscard]] std::string utf8_of_latin1(std::span<const std::byte> text);

// Of well-formed UTF-8.

/// Bytes that it takes in UTF-16: twice as many as it has in UTF-8 at most.
[[nodiscard]] std::size_t utf16_bytes(std::string_view text) noexcept;
/// @param to  of that size.
void to_utf16(std::string_view text, std::span<std::byte> to) noexcept;
/// Bytes, which are its characters, that it takes in Latin-1; nothing if there are others in it.
[[nodiscard]] std::optional<std::size_t> latin1_bytes(std::string_view text) noexcept;
void to_latin1(std::string_view text, std::span<std::byte> to) noexcept;

/// Appends a character, which is a Unicode scalar value.
void append_utf8(std::string& text, char32_t character);
/// The character that a text, which is not empty, begins with; takes it away.
[[nodiscard]] char32_t take_utf8(std::string_view& text) noexcept;

}  // namespace anew::component
