// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/cell.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "abi/convention.hpp"
#include "wasm/limits.hpp"

namespace anew::abi {
namespace {

constexpr std::uint64_t kCacheLineBytes = 64;
constexpr std::uint64_t kHeaderAlignment = 4096;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) noexcept {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace

Result<CellLayout> CellLayout::of(const wasm::Module& module, std::uint32_t card_shift) {
  if (card_shift < kMinimumCardShift || card_shift > kMaximumCardShift) {
    return fail(ErrorCode::kArgument, fmt::format("a card of 2^{} bytes: use 512, 1024, 2048 or 4096", card_shift));
  }
  CellLayout layout;
  layout.card_shift_ = card_shift;
  layout.data_segments_ = static_cast<std::uint32_t>(module.data.size());  // at most limits::kDataSegments

  // `depth` counts bytes below the cell pointer; every count is bounded by wasm/limits.hpp, so 64 bits cannot overflow.
  std::uint64_t depth = sizeof(HotHeader);
  auto place = [&depth](std::uint64_t bytes, std::uint64_t alignment) {
    depth = round_up(depth + bytes, alignment);
    return -static_cast<std::int64_t>(depth);
  };
  depth += 8 * module.globals.size();
  layout.dropped_ = static_cast<std::int32_t>(place(module.data.size() + module.elements.size(), 8));
  std::uint32_t spilled = 0;
  for (const FunctionType& type : module.types) {
    spilled = std::max(spilled, result_places(type.results).memory_slots);
  }
  layout.spilled_results_ = static_cast<std::int32_t>(place(8ull * spilled, 8));
  // One card for each stretch of the whole address space, guard included (invariant C4), and a little more so that
  // scans may read whole vectors.
  layout.card_table_bytes_ = ((kMemoryAddressSpace + kGuardBytes) >> card_shift) + kCacheLineBytes;
  layout.cards_ = static_cast<std::int32_t>(place(layout.card_table_bytes_, kCacheLineBytes));
  layout.type_ids_ = static_cast<std::int32_t>(place(4 * module.types.size(), 8));
  layout.table_sizes_ = static_cast<std::int32_t>(place(8 * module.tables.size(), 8));
  layout.function_references_ =
      static_cast<std::int32_t>(place(sizeof(FunctionReference) * module.functions.size(), 8));

  std::uint64_t elements_in_all = 0;
  for (const TableType& type : module.tables) elements_in_all += type.limits.minimum;
  if (elements_in_all > wasm::limits::kTableElements) {
    return fail(ErrorCode::kLimit, fmt::format("the module's tables begin with {} elements in all; the limit is {}",
                                               elements_in_all, wasm::limits::kTableElements));
  }
  // What is left of the limit is shared out evenly as room to grow; it is address space until it is touched.
  const std::uint64_t room =
      module.tables.empty() ? 0 : (wasm::limits::kTableElements - elements_in_all) / module.tables.size();
  for (const TableType& type : module.tables) {
    const std::uint64_t most = type.limits.minimum + room;
    const std::uint64_t capacity = std::min(most, type.limits.maximum.value_or(most));
    layout.tables_.push_back({static_cast<std::int32_t>(place(8 * capacity, 8)), static_cast<std::uint32_t>(capacity)});
  }
  depth = round_up(depth, kHeaderAlignment);
  // Invariant C5. With the limits of wasm/limits.hpp the sum stays under 200 MB.
  if (depth > 0x7FFF'0000) return fail(ErrorCode::kLimit, "the module's globals, functions and tables take over 2 GiB");
  layout.header_bytes_ = depth;
  return layout;
}

std::uint32_t default_card_shift(const wasm::Module& module) noexcept {
  // At most 4,096 cards, 25 to 50 ns to scan, wherever the card size can still grow to get there.
  constexpr std::uint64_t kCards = 4096;
  const std::uint64_t bytes = module.memories.empty() ? 0 : module.memories[0].limits.minimum * kWasmPageBytes;
  std::uint32_t shift = kMinimumCardShift;
  while (shift < kMaximumCardShift && (bytes >> shift) > kCards) ++shift;
  return shift;
}

}  // namespace anew::abi
