// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace anew::cli {

/// Whether a file that begins so is WebAssembly text: a parenthesis or a comment comes first.
[[nodiscard]] bool looks_like_wat(std::string_view beginning) noexcept;

/// Translates the text format to the binary format, names included, with libwabt.
/// @return kInvalid with libwabt's messages (line, column and the source line), or kLimit for nesting so deep that
///         libwabt's parser, which recurses, would run out of stack.
[[nodiscard]] Result<std::vector<std::byte>> wat_to_wasm(const std::string& file_name, std::string_view text);

}  // namespace anew::cli
