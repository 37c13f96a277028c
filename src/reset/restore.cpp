// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "reset/restore.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "abi/planted_fault.hpp"
#include "os/pagemap.hpp"
#include "os/try.hpp"
#include "reset/ledger.hpp"

namespace anew::reset {
namespace {

using abi::PlantedFault;
using detail::Instance;
using detail::StoreState;

/// Up to this much of the room for exceptions keeps its pages: giving them back is a system call.
constexpr std::uint64_t kKeptExceptionBytes = 64 << 10;
/// Of a stretch of a table that becomes null more than this is given back.
constexpr std::uint64_t kKeptBytesOfTable = 64 << 10;

/// Zeroes a stretch of a cell's header, giving whole pages back rather than writing them: most were never touched.
bool zero(std::byte* begin, std::byte* end) noexcept {
  const auto align = [](std::byte* address, std::uint64_t add) {
    const auto bits = reinterpret_cast<std::uint64_t>(address) + add;
    return address + add - bits % os::kPageBytes;
  };
  std::byte* const first_page = align(begin, os::kPageBytes - 1);
  std::byte* const end_page = align(end, 0);
  if (first_page >= end_page) {
    std::memset(begin, 0, static_cast<std::size_t>(end - begin));
    return true;
  }
  std::memset(begin, 0, static_cast<std::size_t>(first_page - begin));
  std::memset(end_page, 0, static_cast<std::size_t>(end - end_page));
  return os::discard(first_page, static_cast<std::uint64_t>(end_page - first_page));
}

/// Clears the cards of [address, address + count), whole Wasm pages.
bool clear_cards(const abi::MemoryReference& memory, std::uint64_t address, std::uint64_t count) noexcept {
  // uint8_t and std::byte may view any object.
  auto* const cards = reinterpret_cast<std::byte*>(memory.cards);
  return zero(cards + (address >> memory.card_shift), cards + ((address + count) >> memory.card_shift));
}

/// Clears the whole card table: before a trap a store past the memory's end may have marked any card of it.
bool clear_all_cards(const abi::MemoryReference& memory) noexcept {
  auto* const begin = reinterpret_cast<std::byte*>(memory.cards);
  return zero(begin, begin + abi::card_table_bytes(static_cast<std::uint32_t>(memory.card_shift)));  // at most 12
}

/// How much of what a memory grew by keeps its pages, zeroed, for the next call that grows it.
constexpr std::uint64_t kKeptGrowthBytes = 4 << 20;

/// What of a grown memory a ledger restores before take_back_growth.
std::uint64_t end_of_restore(const abi::HotHeader& header, const detail::MemoryRegion& region,
                             const MemoryImage& image) noexcept {
  if constexpr (abi::is_planted(PlantedFault::kGrownBytes)) return image.bytes;
  // What was to be accessible and was refused has never been written.
  return std::min({header.memory_reached, region.accessible, image.bytes + kKeptGrowthBytes});
}

/// Takes back what a memory grew by, of which [image.bytes, restored) is zero by now: not accessible, unless the store
/// keeps it, and zero when it grows again.
[[gnu::cold, gnu::noinline]] bool take_back_growth(const Instance& instance, detail::MemoryRegion& region,
                                                   const MemoryImage& image, std::uint64_t restored) noexcept {
  if constexpr (abi::is_planted(PlantedFault::kMemoryGrowth)) return true;
  const abi::MemoryReference& memory = *instance.at<abi::MemoryReference>(image.reference);
  abi::HotHeader& header = abi::hot_header(region.base);
  const std::uint64_t reached = std::max(header.memory_reached, region.accessible);
  if (header.memory_reached > restored && !abi::is_planted(PlantedFault::kGrownBytes)) {
    if (!clear_cards(memory, restored, reached - restored)) return false;
    if (!os::discard(region.base + restored, reached - restored)) return false;
  }
  if (!instance.store->keeps_growth) {
    if (!os::protect(region.base + image.bytes, reached - image.bytes, os::Access::kNone)) return false;
    region.accessible = image.bytes;
  }
  header.memory_bytes = image.bytes;
  header.memory_reached = image.bytes;
  if constexpr (!abi::is_planted(PlantedFault::kGrownCount)) instance.store->grown_bytes = 0;  // when all is restored
  return true;
}

/// After normal returns.
template <Ledger kLedger>
bool restore_memory(Instance& instance, const MemoryImage& image, Restored& restored) noexcept {
  const abi::MemoryReference& memory = *instance.at<abi::MemoryReference>(image.reference);
  std::uint64_t end = image.bytes;
  const bool grew = abi::hot_header(memory.base).memory_reached != image.bytes;
  if (grew) [[unlikely]]
    end = end_of_restore(abi::hot_header(memory.base), instance.regions[image.memory], image);
  if constexpr (kLedger == Ledger::kCards) {
    restore_by_cards(memory, image, end, restored);
  } else if constexpr (kLedger == Ledger::kPagemap) {
    if (!restore_by_pagemap(memory, image, end, restored.bytes)) return false;
  } else {
    if (!restore_by_discarding(memory, image, 0, end, restored.bytes)) return false;
  }
  if (!grew) [[likely]]
    return true;
  return take_back_growth(instance, instance.regions[image.memory], image, end);
}

bool restore_memory_whole(Instance& instance, const MemoryImage& image, Restored& restored) noexcept {
  const abi::MemoryReference& memory = *instance.at<abi::MemoryReference>(image.reference);
  detail::MemoryRegion& region = instance.regions[image.memory];
  abi::HotHeader& header = abi::hot_header(memory.base);
  const std::uint64_t reached = std::max(header.memory_reached, region.accessible);
  if (reached > image.bytes && !take_back_growth(instance, region, image, image.bytes)) return false;
  if (region.accessible < image.bytes) {  // a cell fresh from the system, of a memory that grew before the snapshot
    if (!os::protect(memory.base + region.accessible, image.bytes - region.accessible, os::Access::kReadWrite))
      return false;
    region.accessible = image.bytes;
  }
  header.memory_bytes = image.bytes;
  header.memory_reached = image.bytes;
  if (!abi::is_planted(PlantedFault::kWholeMemory) &&
      !restore_by_discarding(memory, image, 0, image.bytes, restored.bytes)) {
    return false;
  }
  return abi::is_planted(PlantedFault::kCardsOfTrap) || clear_all_cards(memory);
}

void restore_globals(const Instance& instance, const InstanceImage& image) noexcept {
  // The block ends where the HotHeader begins (CellLayout::restored_bytes).
  std::ranges::copy(image.restored_block, instance.cell - sizeof(abi::HotHeader) - image.restored_block.size());
  for (const auto& each : image.function_globals)
    *instance.at<std::uint64_t>(each.displacement) = instance.store->function_reference(each.number);
}

/// Makes elements [begin, end) of a table null.
bool make_null(std::uint64_t* elements, std::uint64_t begin, std::uint64_t end) noexcept {
  if constexpr (abi::is_planted(PlantedFault::kTableNulls)) return true;
  const std::uint64_t bytes = (end - begin) * sizeof(*elements);  // of a table: at most 80 MB
  // std::byte may view any object.
  auto* const place = reinterpret_cast<std::byte*>(elements + begin);
  if (bytes > kKeptBytesOfTable) return zero(place, place + bytes);
  std::memset(place, 0, bytes);
  return true;
}

/// Puts the elements of the cards [card, end) back that are below `size`.
bool restore_elements(const Instance& instance, const TableImage& image, std::uint64_t card, std::uint64_t end,
                      std::uint64_t size) noexcept {
  std::uint64_t* const elements = instance.table(image.table);
  const StoreState& store = *instance.store;
  while (card < end) {
    const std::uint64_t first = card << abi::kTableCardShift;
    const std::uint64_t* const from = image.of_card(card);
    do {
      ++card;
    } while (from == nullptr && card < end && image.of_card(card) == nullptr);
    const std::uint64_t stop = std::min(card << abi::kTableCardShift, size);
    if (from == nullptr) {
      if (!make_null(elements, first, stop)) return false;
      continue;
    }
    if (!image.functions) {
      std::copy_n(from, stop - first, elements + first);
      continue;
    }
    for (std::uint64_t i = first; i < stop; ++i) {
      const std::uint64_t number = from[i - first];
      elements[i] = number == 0 ? 0 : store.function_reference(number);
    }
  }
  return true;
}

/// Of a table that was written (invariant R4).
[[gnu::noinline]] bool restore_table(const Instance& instance, const TableImage& image) noexcept {
  abi::TableHeader& header = detail::table_header(instance.table(image.table));
  const std::uint64_t size = std::max(header.size, image.size);
  bool ok = true;
  for_each_dirty_run(
      header.cards, table_card_blocks(size),
      [&](std::uint64_t first, std::uint64_t end) {
        if (abi::is_planted(PlantedFault::kTableCard) && end - first > 1) --end;
        ok = restore_elements(instance, image, first, std::min(end, abi::table_cards(size)), size) && ok;
      },
      [&](std::size_t base) {
        if constexpr (!abi::is_planted(PlantedFault::kTableClear)) std::memset(header.cards + base, 0, kBlockCards);
      });
  if (header.size != image.size && !abi::is_planted(PlantedFault::kTableGrowth)) {
    header.size = image.size;
    if constexpr (!abi::is_planted(PlantedFault::kGrownCount)) instance.store->grown_bytes = 0;  // when all is restored
  }
  header.written = 0;
  return ok;
}

/// A table that is empty becomes one of which everything in the image was overwritten.
void count_as_written(const Instance& instance, const TableImage& image) noexcept {
  abi::TableHeader& header = detail::table_header(instance.table(image.table));
  header.written = 1;
  for (std::uint64_t card = 0; card < image.starts.size(); ++card)
    if (image.of_card(card) != nullptr) header.cards[card] = 1;
}

[[gnu::always_inline]] inline bool restore_tables(const Instance& instance, const InstanceImage& image) noexcept {
  for (const TableImage& each : image.tables) {
    const bool written = detail::table_header(instance.table(each.table)).written != 0;
    if (!written || abi::is_planted(PlantedFault::kTable)) [[likely]]
      continue;
    if (!restore_table(instance, each)) return false;
  }
  return true;
}

/// The exceptions of past calls: nothing refers to them any more.
bool drop_exceptions(const Instance& instance) noexcept {
  abi::HotHeader& header = instance.header();
  const std::uint64_t bytes = header.exception_bytes;
  if (bytes == 0 || abi::is_planted(PlantedFault::kExceptions)) [[likely]]
    return true;
  header.exception_bytes = 0;
  std::byte* const room = instance.cell + instance.layout().exceptions();
  return bytes <= kKeptExceptionBytes || zero(room, room + bytes);
}

template <Ledger kLedger>
bool restore_instance(Instance& instance, const InstanceImage& image, Restored& restored) noexcept {
  for (const MemoryImage& each : image.memories) {
    if (!restore_memory<kLedger>(instance, each, restored)) return false;
    if constexpr (abi::is_planted(PlantedFault::kFurtherMemory)) break;
  }
  const abi::Spared<PlantedFault::kGlobal, 8> global(instance.cell - sizeof(abi::HotHeader) - 8);  // global 0
  const abi::Spared<PlantedFault::kDroppedSegment, 1> segment(instance.cell + instance.layout().restored_begin());
  restore_globals(instance, image);
  return restore_tables(instance, image) && drop_exceptions(instance);
}

bool restore_instance_whole(Instance& instance, const InstanceImage& image, Restored& restored) noexcept {
  for (const MemoryImage& each : image.memories)
    if (!restore_memory_whole(instance, each, restored)) return false;
  restore_globals(instance, image);
  return restore_tables(instance, image) && drop_exceptions(instance);
}

template <typename RestoreInstance>
Restored restore_each(StoreState& store, const Snapshot& snapshot, RestoreInstance restore_instance) noexcept {
  Restored restored{true, 0};
  for (std::size_t i = 0; i < snapshot.instances.size(); ++i) {
    if (abi::is_planted(PlantedFault::kLinkedInstance) && i + 1 < snapshot.instances.size()) continue;
    if (!restore_instance(*store.instances[i], snapshot.instances[i], restored)) [[unlikely]]
      return {};
  }
  return restored;
}

[[gnu::noinline]] Restored restore_distrusted(StoreState& store, const Snapshot& snapshot) noexcept {
  const Restored restored = restore_each(store, snapshot, restore_instance_whole);
  if (restored.ok) store.distrusted = false;
  store.grown_bytes = 0;
  return restored;
}

/// Calls on_memory for each memory that an instance of the store owns.
template <typename OnMemory>
void for_each_memory(const StoreState& store, OnMemory&& on_memory) {
  for (const auto& instance : store.instances) {
    const auto count = static_cast<std::uint32_t>(instance->linked->wasm().memories.size());  // limits::kMemories
    for (std::uint32_t i = 0; i < count; ++i)
      if (owns_memory(*instance, i)) on_memory(instance->memory(i));
  }
}

/// Of the pages of a memory, those that are the cell's own; all if the system refuses to say.
std::uint64_t count_own_bytes(std::byte* base, std::uint64_t size) noexcept {
  std::array<os::PageRun, 128> runs;
  std::uint64_t bytes = 0;
  for (std::byte* next = base; next != base + size;) {
    const os::PagemapScan scan = os::scan_pagemap(next, base + size, runs);
    if (scan.next == nullptr) return size;
    for (const os::PageRun& run : std::span(runs).first(scan.runs))
      bytes += static_cast<std::uint64_t>(run.end - run.begin);
    next = scan.next;
  }
  return bytes;
}

/// Maps an image copy-on-write into a cell that is empty.
Result<void> map_image(const Instance& instance, const MemoryImage& image) {
  std::byte* const base = instance.at<abi::MemoryReference>(image.reference)->base;
  return os::map_file_over(base, image.pages.size(), image.file.descriptor(), 0, os::Access::kReadWrite,
                           os::Populate::kOnTouch);
}

}  // namespace

Restored restore(StoreState& store, const Snapshot& snapshot) noexcept {
  if (store.distrusted && !abi::is_planted(PlantedFault::kDistrust)) [[unlikely]]
    return restore_distrusted(store, snapshot);
  if (snapshot.ledger == Ledger::kCards) [[likely]]
    return restore_each(store, snapshot, restore_instance<Ledger::kCards>);
  if (snapshot.ledger == Ledger::kPagemap) return restore_each(store, snapshot, restore_instance<Ledger::kPagemap>);
  return restore_each(store, snapshot, restore_instance<Ledger::kCow>);
}

bool settle(StoreState& store) noexcept {
  bool ok = true;
  for_each_memory(store, [&](const abi::MemoryReference& memory) {
    if (store.distrusted) {
      ok = clear_all_cards(memory) && ok;
    } else {
      const std::size_t blocks = card_blocks(memory.card_shift, abi::hot_header(memory.base).memory_bytes);
      take_dirty_runs(memory.cards, blocks, [](std::uint64_t, std::uint64_t) {});
    }
  });
  for (const auto& instance : store.instances) {
    const auto count = static_cast<std::uint32_t>(instance->linked->wasm().tables.size());  // limits::kTables
    for (std::uint32_t i = 0; i < count; ++i) {
      abi::TableHeader& header = detail::table_header(instance->table(i));
      take_dirty_runs(header.cards, table_card_blocks(header.size), [](std::uint64_t, std::uint64_t) {});
      header.written = 0;
    }
    ok = drop_exceptions(*instance) && ok;
  }
  store.distrusted = !ok;
  store.growable_bytes -= store.grown_bytes;
  store.grown_bytes = 0;
  return ok;
}

std::uint64_t count_dirty_bytes(const StoreState& store) noexcept {
  std::uint64_t bytes = 0;
  for_each_memory(store, [&](const abi::MemoryReference& memory) {
    const std::uint64_t size = abi::hot_header(memory.base).memory_bytes;
    if (store.ledger == Ledger::kCards) {
      bytes += for_each_dirty_run(
                   memory.cards, card_blocks(memory.card_shift, size), [](std::uint64_t, std::uint64_t) {},
                   [](std::size_t) {})
               << memory.card_shift;
    } else {
      bytes += store.ledger == Ledger::kPagemap ? count_own_bytes(memory.base, size) : size;
    }
  });
  return bytes;
}

Result<std::unique_ptr<StoreState>> make_store(const Snapshot& snapshot) {
  const std::uint64_t memory_bytes = snapshot.memory_bytes();
  if (memory_bytes > snapshot.maximum_memory_bytes) {
    return fail(ErrorCode::kLimit,
                fmt::format("the snapshot's memories and tables have {} bytes, and {} are allowed: raise the limit, "
                            "maximum_memory_bytes (--max-memory)",
                            memory_bytes, snapshot.maximum_memory_bytes));
  }
  auto store = std::make_unique<StoreState>();
  store->names = snapshot.names;
  store->ledger = snapshot.ledger;
  store->keeps_growth = snapshot.keeps_growth;
  for (const InstanceImage& image : snapshot.instances) {
    auto instance = TRY(detail::map_instance(image.linked, *store));
    for (const MemoryImage& memory : image.memories) {
      if (!memory.is_mapped()) continue;
      TRY(map_image(*instance, memory));
    }
    for (const TableImage& table : image.tables) count_as_written(*instance, table);
  }
  store->growable_bytes = snapshot.maximum_memory_bytes - memory_bytes;
  store->distrusted = true;
  if (!restore(*store, snapshot).ok)
    return fail(ErrorCode::kResource, "the system refused memory for an instance: keep fewer instances");
  return store;
}

}  // namespace anew::reset
