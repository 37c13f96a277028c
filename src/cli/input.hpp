// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// FILE on the command line: a file, or standard input for "-".
#pragma once

#include <anew/error.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace anew::cli {

/// A file's beginning is so long that it shows what the file is, white space before the text included.
inline constexpr std::size_t kBeginningBytes = 256;

/// How many bytes a file that begins so may have.
using MostBytes = std::function<std::uint64_t(std::span<const std::byte> beginning)>;

/// @return kIo if it cannot be read; kLimit if it is larger; kArgument if standard input is asked for a second time.
[[nodiscard]] Result<std::vector<std::byte>> read_input(const std::string& file, const MostBytes& most);
[[nodiscard]] Result<std::vector<std::byte>> read_input(const std::string& file, std::uint64_t most);

/// Bytes as the characters of a text.
[[nodiscard]] std::string_view as_text(std::span<const std::byte> bytes) noexcept;

/// The first character that is no white space, or 0.
[[nodiscard]] char first_character(std::string_view text) noexcept;

}  // namespace anew::cli
