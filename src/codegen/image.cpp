// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/image.hpp"

#include <algorithm>
#include <functional>
#include <ranges>
#include <utility>

#include "codegen/positions.hpp"
#include "wasm/limits.hpp"

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

namespace {

/// A function's code, and the entry of its positions; none before the first.
struct Found {
  std::uint32_t function;
  std::optional<PositionReader> entry;
};

/// The stream of one of some optimized functions.
std::span<const std::byte> stream_of(std::span<const OptimizedFunction> functions, std::span<const std::byte> positions,
                                     std::size_t index) noexcept {
  const std::uint64_t begin = functions[index].positions;
  const std::uint64_t end = index + 1 == functions.size() ? positions.size() : functions[index + 1].positions;
  return begin > end || end > positions.size() ? std::span<const std::byte>() : positions.subspan(begin, end - begin);
}

std::optional<Found> find_optimized(std::span<const OptimizedFunction> functions, std::span<const std::byte> positions,
                                    std::uint64_t text_offset) noexcept {
  const auto after = std::ranges::upper_bound(functions, text_offset, std::less<>(), &OptimizedFunction::offset);
  if (after == functions.begin()) return std::nullopt;
  const auto index = static_cast<std::size_t>(after - functions.begin() - 1);  // never negative
  const OptimizedFunction& found = functions[index];
  return Found{found.function, find_in_positions(stream_of(functions, positions, index), text_offset - found.offset)};
}

std::optional<Found> find(const ImageView& image, std::uint32_t imported_functions,
                          std::uint64_t text_offset) noexcept {
  if (text_offset >= image.text.size()) {
    if (text_offset >= image.reach) return std::nullopt;
    const OptimizedLayer* layer = image.layers->load(std::memory_order_acquire);
    for (; layer != nullptr; layer = layer->older)
      if (auto optimized = find_optimized(layer->functions, layer->positions, text_offset)) return optimized;
    return std::nullopt;
  }
  if (image.functions.empty()) return std::nullopt;
  if (auto optimized = find_optimized(image.optimized, image.optimized_positions, text_offset)) return optimized;
  const auto begin = image.functions.begin();
  const auto after = std::upper_bound(begin, image.functions.end(), text_offset);
  if (after == begin) return std::nullopt;
  // The distance is at most the number of functions, which is 32 bits wide.
  const auto function = static_cast<std::uint32_t>(after - begin - 1);
  if (function < imported_functions) {
    const bool in_thunk = !image.thunks.empty() && text_offset >= image.thunks.front();
    if (in_thunk) return std::nullopt;
    return Found{function, std::nullopt};
  }
  return Found{function, find_in_positions(positions_of(image, imported_functions, function),
                                           text_offset - image.functions[function])};
}

}  // namespace

std::uint64_t code_bytes(const ImageView& image) noexcept {
  const OptimizedLayer* const newest =
      image.layers != nullptr ? image.layers->load(std::memory_order_acquire) : nullptr;
  return newest != nullptr ? newest->end : image.text.size();
}

OptimizedCode optimized_by_now(const ImageView& image) {
  std::vector<const OptimizedLayer*> layers;
  if (image.layers != nullptr)
    for (const auto* layer = image.layers->load(std::memory_order_acquire); layer != nullptr; layer = layer->older)
      layers.push_back(layer);
  OptimizedCode all{.code_bytes = layers.empty() ? image.text.size() : layers.front()->end,
                    .functions = {image.optimized.begin(), image.optimized.end()},
                    .positions = {image.optimized_positions.begin(), image.optimized_positions.end()}};
  for (const OptimizedLayer* const layer : layers | std::views::reverse) {
    // Both are at most kTextBytes. What is left out has its quick code.
    if (all.positions.size() + layer->positions.size() > wasm::limits::kTextBytes) break;
    const auto before = static_cast<std::uint32_t>(all.positions.size());
    for (OptimizedFunction each : layer->functions) {
      each.positions += before;
      all.functions.push_back(each);
    }
    all.positions.insert(all.positions.end(), layer->positions.begin(), layer->positions.end());
  }
  return all;
}

std::span<const std::byte> positions_of_optimized(const ImageView& image, std::size_t index) noexcept {
  return stream_of(image.optimized, image.optimized_positions, index);
}

std::optional<CodePosition> find_position(const ImageView& image, std::uint32_t imported_functions,
                                          std::uint64_t text_offset) noexcept {
  const auto found = find(image, imported_functions, text_offset);
  if (!found) return std::nullopt;
  CodePosition position{found->function, found->entry ? found->entry->module_offset() : 0};
  bool is_innermost = true;
  if (found->entry) {
    found->entry->for_each_inlined([&](const InlinedFunction& inlined) {
      if (std::exchange(is_innermost, false)) position.function_index = inlined.function;
    });
  }
  if (position.function_index >= image.functions.size()) return std::nullopt;  // whatever the stream holds
  return position;
}

std::vector<CodePosition> find_positions(const ImageView& image, std::uint32_t imported_functions,
                                         std::uint64_t text_offset) {
  std::vector<CodePosition> positions;
  const auto found = find(image, imported_functions, text_offset);
  if (!found) return positions;
  std::uint64_t module_offset = found->entry ? found->entry->module_offset() : 0;
  if (found->entry) {
    found->entry->for_each_inlined([&](const InlinedFunction& inlined) {
      const std::uint64_t offset = std::exchange(module_offset, inlined.call_offset);
      if (inlined.function < image.functions.size()) positions.push_back({inlined.function, offset});
    });
  }
  positions.push_back({found->function, module_offset});
  return positions;
}

}  // namespace anew::codegen
