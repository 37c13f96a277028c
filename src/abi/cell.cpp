// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/cell.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wasm/limits.hpp"

namespace anew::abi {
namespace {

constexpr std::uint64_t kCacheLineBytes = 64;
constexpr std::uint64_t kHeaderAlignment = 4096;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) noexcept {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace

Result<CellLayout> CellLayout::of(const wasm::Module& module, std::uint32_t card_shift, bool foreign_memory) {
  if (card_shift < kMinimumCardShift || card_shift > kMaximumCardShift)
    return fail(ErrorCode::kArgument, fmt::format("a card of 2^{} bytes: use 512, 1024, 2048 or 4096", card_shift));
  CellLayout layout;
  layout.card_shift_ = card_shift;
  layout.has_memory_ = !module.memories.empty() && !foreign_memory;
  layout.data_segments_ = static_cast<std::uint32_t>(module.data.size());  // at most limits::kDataSegments

  // `depth` counts bytes below the cell pointer; every count is bounded by wasm/limits.hpp, so 64 bits cannot overflow,
  // and 32 can hold what is placed before the check of invariant C5: under 200 MB.
  std::uint64_t depth = sizeof(HotHeader);
  auto place = [&depth](std::uint64_t bytes, std::uint64_t alignment) {
    depth = round_up(depth + bytes, alignment);
    return static_cast<std::int32_t>(-static_cast<std::int64_t>(depth));
  };
  const auto is_linked = [&module](std::size_t global) {
    return global < module.imported_globals && module.globals[global].type.is_mutable;
  };
  layout.globals_.resize(module.globals.size());
  layout.linked_values_.resize(module.imported_globals);
  for (std::size_t i = 0; i < module.globals.size(); ++i)
    (is_linked(i) ? layout.linked_values_ : layout.globals_)[i] =
        place(8ull * slots_of(module.globals[i].type.type), 8);
  layout.dropped_ = place(module.data.size() + module.elements.size(), 8);
  for (std::size_t i = 0; i < module.imported_globals; ++i)
    if (is_linked(i)) layout.globals_[i] = place(8, 8);
  layout.memories_ = place(sizeof(MemoryReference) * module.memories.size(), 8);
  layout.table_links_ = place(8ull * module.imported_tables, 8);
  layout.tags_ = place(8 * module.tags.size(), 8);
  layout.cards_ = place(layout.has_memory_ ? abi::card_table_bytes(card_shift) : 0, kCacheLineBytes);
  layout.type_ids_ = place(4 * module.types.size(), 8);
  layout.function_references_ = place(sizeof(FunctionReference) * module.functions.size(), 8);

  // A table that begins with more elements than there is room for has none: an instance of the module is refused.
  std::uint64_t left = wasm::limits::kTableElements;
  std::vector<std::uint64_t> first;
  first.reserve(module.tables.size());
  for (const TableType& type : module.tables) {
    first.push_back(type.limits.minimum <= left ? type.limits.minimum : 0);
    left -= first.back();
  }
  // What is left of the limit is shared out evenly as room to grow; it is address space until it is touched.
  const std::uint64_t room = module.tables.empty() ? 0 : left / module.tables.size();
  for (std::size_t i = 0; i < first.size(); ++i) {
    const std::uint64_t most = first[i] + room;
    const std::uint64_t capacity = std::min(most, module.tables[i].limits.maximum.value_or(most));
    layout.tables_.push_back({0, 0, static_cast<std::uint32_t>(capacity)});
  }
  // Scans read whole blocks of 64 cards.
  for (Table& table : layout.tables_)
    table.cards = place(round_up(abi::table_cards(table.capacity), kCacheLineBytes), kCacheLineBytes);
  for (Table& table : layout.tables_) {
    table.elements = place(8ull * table.capacity, 8);
    place(sizeof(TableHeader), 8);
  }
  layout.exception_space_ = module.tags.empty() ? 0 : kExceptionSpace;
  layout.exceptions_ = place(layout.exception_space_, 16);
  depth = round_up(depth, kHeaderAlignment);
  // Invariant C5. With the limits of wasm/limits.hpp the sum stays under 300 MB.
  if (depth > 0x7FFF'0000) return fail(ErrorCode::kLimit, "the module's globals, functions and tables take over 2 GiB");
  layout.header_bytes_ = depth;
  return layout;
}

std::uint32_t default_card_shift(const wasm::Module& module) noexcept {
  // At most 4,096 cards, 25 to 50 ns to scan, wherever the card size can still grow to get there.
  constexpr std::uint64_t kCards = 4096;
  // Of all memories together: their cards are scanned together. At most limits::kMemories times 4 GiB; what begins with
  // more has no instances.
  std::uint64_t bytes = 0;
  for (const MemoryType& memory : module.memories)
    bytes += std::min<std::uint64_t>(memory.limits.minimum, wasm::limits::kMemoryPages) * kWasmPageBytes;
  std::uint32_t shift = kMinimumCardShift;
  while (shift < kMaximumCardShift && (bytes >> shift) > kCards) ++shift;
  return shift;
}

}  // namespace anew::abi
