// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/image.hpp"

#include <algorithm>

#include "codegen/positions.hpp"

namespace anew::codegen {

std::span<const std::byte> positions_of(const ImageView& image, std::uint32_t imported_functions,
                                        std::uint32_t function) noexcept {
  if (function < imported_functions) return {};
  const std::uint32_t defined = function - imported_functions;
  if (defined + 1 >= image.position_starts.size()) return {};
  const std::uint32_t from = image.position_starts[defined];
  const std::uint32_t to = image.position_starts[defined + 1];
  if (from > to || to > image.positions.size()) return {};
  return image.positions.subspan(from, to - from);
}

std::optional<CodePosition> find_position(const ImageView& image, std::uint32_t imported_functions,
                                          std::uint64_t text_offset) noexcept {
  if (text_offset >= image.text.size() || image.functions.empty()) return std::nullopt;
  const auto begin = image.functions.begin();
  const auto after = std::upper_bound(begin, image.functions.end(), text_offset);
  if (after == begin) return std::nullopt;
  // The distance is at most the number of functions, which is 32 bits wide.
  const auto function = static_cast<std::uint32_t>(after - begin - 1);
  if (function < imported_functions) {
    const bool in_thunk = !image.thunks.empty() && text_offset >= image.thunks.front();
    if (in_thunk) return std::nullopt;
    return CodePosition{function, 0};
  }
  const FoundPosition found =
      find_in_positions(positions_of(image, imported_functions, function), text_offset - image.functions[function]);
  return CodePosition{function, found.module_offset};
}

}  // namespace anew::codegen
