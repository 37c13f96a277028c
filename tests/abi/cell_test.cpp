// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/cell.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "wasm/limits.hpp"

namespace anew::abi {
namespace {

/// A stretch of the cell, as displacements.
struct Stretch {
  std::string what;
  std::int64_t begin;
  std::int64_t end;
};

/// Every part of a module's cell below the cell pointer.
std::vector<Stretch> parts(const wasm::Module& module, const CellLayout& layout) {
  std::vector<Stretch> all = {{"hot header", -64, 0}};
  auto add = [&](std::string what, std::int64_t begin, std::uint64_t bytes) {
    if (bytes != 0) all.push_back({std::move(what), begin, begin + static_cast<std::int64_t>(bytes)});
  };
  for (std::uint32_t i = 0; i < module.globals.size(); ++i) {
    if (layout.is_linked_global(i)) add("linked global", layout.global(i), 8);
    add("global", layout.global_value(i), 8 * slots_of(module.globals[i].type.type));
  }
  for (std::uint32_t i = 0; i < module.data.size(); ++i) add("dropped data", layout.dropped_data(i), 1);
  for (std::uint32_t i = 0; i < module.elements.size(); ++i) add("dropped elements", layout.dropped_elements(i), 1);
  for (std::uint32_t i = 0; i < module.memories.size(); ++i)
    add("memory", layout.memory_reference(i), sizeof(MemoryReference));
  for (std::uint32_t i = 0; i < module.imported_tables; ++i) add("table link", layout.table_link(i), 8);
  for (std::uint32_t i = 0; i < module.tags.size(); ++i) add("tag", layout.tag(i), 8);
  if (layout.has_memory()) add("cards", layout.cards(), layout.card_table_bytes());
  for (std::uint32_t i = 0; i < module.types.size(); ++i) add("type id", layout.type_id(i), 4);
  for (std::uint32_t i = 0; i < module.tables.size(); ++i) {
    constexpr auto kHeader = static_cast<std::int32_t>(sizeof(TableHeader));
    add("table", layout.table_elements(i) - kHeader, 8ull * layout.table_capacity(i) + kHeader);
    // Scanned in whole blocks of 64.
    add("cards of a table", layout.table_cards(i), (table_cards(layout.table_capacity(i)) + 63) / 64 * 64);
    EXPECT_EQ(layout.table_cards(i) % 64, 0);
  }
  for (std::uint32_t i = 0; i < module.functions.size(); ++i)
    add("function reference", layout.function_reference(i), sizeof(FunctionReference));
  add("exceptions", layout.exceptions(), layout.exception_space());
  return all;
}

std::vector<wasm::Module> modules() {
  std::vector<wasm::Module> all(1);
  wasm::Module& full = all.emplace_back();
  full.types = {{{}, {}}, {{}, std::vector<ValueType>(23, ValueType::kI64)}, {{ValueType::kI32}, {}}};
  full.functions = {0, 1, 2, 0, 1};
  full.globals.resize(13);
  full.data.resize(7);
  full.elements.resize(5);
  full.memories.resize(1);
  full.tables = {
      {ValueType::kFuncRef, {10, 100}}, {ValueType::kExternRef, {0, std::nullopt}}, {ValueType::kFuncRef, {3, 3}}};
  wasm::Module& linked = all.emplace_back(full);
  linked.globals[0].type = linked.globals[2].type = {ValueType::kI32, true};
  linked.globals[1].type = linked.globals[5].type = {ValueType::kV128, false};
  linked.globals[6].type = {ValueType::kV128, true};
  linked.imported_globals = 4;
  linked.imported_tables = 2;
  linked.memories.resize(3);
  linked.tags.resize(4);
  wasm::Module& large = all.emplace_back();
  large.types.resize(1'000);
  large.functions.resize(100'000);
  large.globals.resize(100'000);
  large.tables.resize(wasm::limits::kTables);
  return all;
}

TEST(CellLayout, GivesEveryPartItsOwnAlignedPlace) {
  for (const wasm::Module& module : modules()) {
    for (std::uint32_t shift = kMinimumCardShift; shift <= kMaximumCardShift; ++shift) {
      const CellLayout layout = CellLayout::of(module, shift).value();
      std::vector<Stretch> all = parts(module, layout);
      std::ranges::sort(all, {}, &Stretch::begin);
      for (std::size_t i = 0; i + 1 < all.size(); ++i)
        ASSERT_LE(all[i].end, all[i + 1].begin) << all[i].what << " reaches into " << all[i + 1].what;
      EXPECT_GE(all.front().begin, -static_cast<std::int64_t>(layout.header_bytes()));
      EXPECT_LE(layout.header_bytes(), 0x7FFF'FFFFu);  // C5
      EXPECT_EQ(layout.header_bytes() % 4'096, 0u);
      EXPECT_EQ(layout.has_memory(), !module.memories.empty());
      EXPECT_EQ(layout.reservation_bytes(),
                layout.header_bytes() + (layout.has_memory() ? kMemoryAddressSpace + kGuardBytes : 0));
      for (const Stretch& each : all) {
        const std::int64_t alignment = each.what == "cards"               ? 64
                                       : each.what == "exceptions"        ? 16
                                       : each.what == "type id"           ? 4
                                       : each.what.starts_with("dropped") ? 1
                                                                          : 8;
        EXPECT_EQ(each.begin % alignment, 0) << each.what;
      }
    }
  }
}

TEST(CellLayout, HasACardForEveryAddressThatAStoreCanReach) {
  for (std::uint32_t shift = kMinimumCardShift; shift <= kMaximumCardShift; ++shift) {
    wasm::Module module;
    module.memories.resize(1);
    const CellLayout layout = CellLayout::of(module, shift).value();
    // C4: the largest base and the largest offset that is not checked.
    const std::uint64_t farthest = 0xFFFF'FFFFull + (kGuardBytes - 17);
    EXPECT_LT(farthest >> shift, layout.card_table_bytes());
    EXPECT_LT(layout.cards() + static_cast<std::int64_t>(layout.card_table_bytes()), 0);
    EXPECT_GE(memory_header_bytes(shift), layout.card_table_bytes() + sizeof(HotHeader));
    EXPECT_EQ(memory_header_bytes(shift) % 4'096, 0u);
  }
}

TEST(CellLayout, HasNoRoomForAMemoryThatIsAnotherInstances) {
  wasm::Module module;
  module.memories.resize(2);
  const CellLayout layout = CellLayout::of(module, 12, true).value();
  EXPECT_FALSE(layout.has_memory());
  EXPECT_EQ(layout.reservation_bytes(), layout.header_bytes());
  EXPECT_LT(layout.header_bytes(), std::uint64_t{1} << 20);
}

TEST(CellLayout, HoldsWhatARestorePutsBackInOneStretch) {
  for (const wasm::Module& module : modules()) {
    const CellLayout layout = CellLayout::of(module, 12).value();
    const std::int64_t begin = layout.restored_begin();
    const std::int64_t end = begin + layout.restored_bytes();
    EXPECT_EQ(end, -static_cast<std::int64_t>(sizeof(HotHeader)));
    for (const Stretch& each : parts(module, layout)) {
      const bool restored = each.what == "global" || each.what.starts_with("dropped");
      EXPECT_EQ(each.begin >= begin && each.end <= end, restored) << each.what;
    }
  }
}

TEST(CellLayout, GivesTablesTheRoomTheyMayGrowTo) {
  wasm::Module module;
  module.tables = {{ValueType::kFuncRef, {10, 20}}, {ValueType::kFuncRef, {5, std::nullopt}}};
  const CellLayout layout = CellLayout::of(module, 9).value();
  EXPECT_EQ(layout.table_capacity(0), 20u);
  EXPECT_GT(layout.table_capacity(1), 1'000'000u);
  module.tables[0].limits = {wasm::limits::kTableElements, std::nullopt};
  module.tables[1].limits = {1, std::nullopt};
  // One that begins with more than there is gets less than it begins with: no instance of it can be made.
  const CellLayout full = CellLayout::of(module, 9).value();
  EXPECT_EQ(full.table_capacity(0), wasm::limits::kTableElements);
  EXPECT_EQ(full.table_capacity(1), 0u);
}

TEST(CellLayout, RefusesOtherCardSizes) {
  for (const std::uint32_t shift : {0u, kMinimumCardShift - 1, kMaximumCardShift + 1, 64u}) {
    const auto refused = CellLayout::of({}, shift);
    ASSERT_FALSE(refused) << shift;
    EXPECT_EQ(refused.error().code, ErrorCode::kArgument);
  }
}

TEST(CardSize, GrowsWithTheMemory) {
  EXPECT_EQ(default_card_shift({}), kMinimumCardShift);
  wasm::Module module;
  module.memories.resize(1);
  std::uint32_t before = 0;
  for (const std::uint64_t pages : {0, 1, 16, 32, 33, 64, 65, 200, 65'536}) {
    module.memories[0].limits.minimum = pages;
    const std::uint32_t shift = default_card_shift(module);
    EXPECT_GE(shift, std::max(before, kMinimumCardShift)) << pages;
    EXPECT_LE(shift, kMaximumCardShift) << pages;
    before = shift;
  }
  EXPECT_EQ(before, kMaximumCardShift);
  module.memories[0].limits.minimum = 1;
  module.memories.resize(100);
  EXPECT_EQ(default_card_shift(module), kMinimumCardShift);
  module.memories[99].limits.minimum = ~std::uint64_t{0};
  EXPECT_EQ(default_card_shift(module), kMaximumCardShift) << "the cards of all memories are scanned";
}

TEST(HotHeader, LiesWhereCompiledCodeLooksForIt) {
  alignas(64) std::array<std::byte, 128> cell{};
  HotHeader& header = hot_header(cell.data() + 64);
  const auto displacement = [&](const void* field) {
    return static_cast<const std::byte*>(field) - (cell.data() + 64);
  };
  EXPECT_EQ(displacement(&header.host_functions), kHostFunctions);
  EXPECT_EQ(displacement(&header.library), kLibrary);
  EXPECT_EQ(displacement(&header.thread), kThread);
  EXPECT_EQ(displacement(&header.memory_bytes), kMemoryBytes);
}

TEST(TableHeader, LiesWhereCompiledCodeLooksForIt) {
  struct Table {
    TableHeader header;
    std::uint64_t elements[1];
  };
  const Table table{};
  const auto displacement = [&](const void* field) {
    return static_cast<const std::byte*>(field) -
           static_cast<const std::byte*>(static_cast<const void*>(table.elements));
  };
  EXPECT_EQ(displacement(&table.header.size), kTableSize);
  EXPECT_EQ(displacement(&table.header.written), kTableWritten);
  EXPECT_EQ(displacement(static_cast<const void*>(&table.header.cards)), kTableCards);
}

}  // namespace
}  // namespace anew::abi
