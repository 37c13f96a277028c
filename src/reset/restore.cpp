// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "reset/restore.hpp"

#include <cstring>

namespace anew::reset {
namespace {

using detail::Instance;

/// Copies [begin, end) of memory 0 from the image, or zeroes it where the image has nothing.
void restore_bytes(const Instance& instance, const Snapshot& snapshot, std::uint64_t begin,
                   std::uint64_t end) noexcept {
  while (begin < end) {
    const bool nonzero = snapshot.is_nonzero(begin / os::kPageBytes);
    std::uint64_t page = begin / os::kPageBytes + 1;
    while (page * os::kPageBytes < end && snapshot.is_nonzero(page) == nonzero) ++page;
    const std::uint64_t stop = std::min(page * os::kPageBytes, end);
    if (nonzero) {
      std::memcpy(instance.cell + begin, snapshot.image.data() + begin, stop - begin);
    } else {
      std::memset(instance.cell + begin, 0, stop - begin);
    }
    begin = stop;
  }
}

void restore_globals(const Instance& instance, const Snapshot& snapshot) noexcept {
  std::ranges::copy(snapshot.restored_block, instance.restored_block().begin());
  for (const auto& each : snapshot.function_globals)
    instance.global(each.global) = instance.reference_to(each.function);
}

void restore_tables(const Instance& instance, const Snapshot& snapshot) noexcept {
  const auto& types = instance.linked->wasm().tables;
  for (std::uint32_t i = 0; i < snapshot.tables.size(); ++i) {
    const std::vector<std::uint64_t>& pristine = snapshot.tables[i].elements;
    std::uint64_t* const elements = instance.table(i);
    const bool functions = types[i].element == ValueType::kFuncRef;
    for (std::size_t j = 0; j < pristine.size(); ++j) {
      // Function numbers are indices plus 1, and indices are 32 bits wide.
      elements[j] = functions && pristine[j] != 0 ? instance.reference_to(static_cast<std::uint32_t>(pristine[j] - 1))
                                                  : pristine[j];
    }
    std::uint64_t& size = instance.table_size(i);
    if (size > pristine.size())
      std::memset(elements + pristine.size(), 0, (size - pristine.size()) * sizeof(*elements));
    size = pristine.size();
  }
  instance.header().tables_written = 0;
}

/// Takes back what the memory grew by: not accessible, and zero when it grows again.
[[gnu::cold]] bool shrink(const Instance& instance, std::uint64_t to) noexcept {
  abi::HotHeader& header = instance.header();
  std::byte* const begin = instance.cell + to;
  const std::uint64_t bytes = header.memory_reached - to;
  if (!os::discard(begin, bytes) || !os::protect(begin, bytes, os::Access::kNone)) return false;
  header.memory_bytes = to;
  header.memory_reached = to;
  return true;
}

/// Clears the whole card table: before a trap a store past the memory's end may have marked any card of it.
bool clear_cards(const Instance& instance) noexcept {
  std::byte* const begin = instance.cell + instance.layout().cards();
  std::byte* const end = begin + instance.layout().card_table_bytes();
  // Whole pages are given back rather than written: most have never been touched.
  const auto align = [](std::byte* address, std::uint64_t add) {
    const auto bits = reinterpret_cast<std::uint64_t>(address) + add;
    return address + add - bits % os::kPageBytes;  // stays in the cell: its header is made of whole pages
  };
  std::byte* const first_page = align(begin, os::kPageBytes - 1);
  std::byte* const end_page = align(end, 0);
  std::memset(begin, 0, static_cast<std::size_t>(first_page - begin));
  std::memset(end_page, 0, static_cast<std::size_t>(end - end_page));
  return os::discard(first_page, static_cast<std::uint64_t>(end_page - first_page));
}

}  // namespace

Restored restore(Instance& instance, const Snapshot& snapshot) noexcept {
  abi::HotHeader& header = instance.header();
  if (header.memory_reached != snapshot.memory_bytes) [[unlikely]] {
    // Cards above the snapshot's size stand for what is now discarded.
    const std::uint32_t shift = instance.layout().card_shift();
    const std::uint64_t first = snapshot.memory_bytes >> shift;
    std::memset(instance.cards() + first, 0, (header.memory_reached >> shift) - first);
    if (!shrink(instance, snapshot.memory_bytes)) return {};
  }
  const std::uint64_t cards = take_dirty_runs(
      instance.cards(), card_blocks(instance, snapshot.memory_bytes), [&](std::uint64_t first, std::uint64_t end) {
        const ByteRange range = bytes_of_cards(instance, first, end, snapshot.memory_bytes);
        restore_bytes(instance, snapshot, range.begin, range.end);
      });
  restore_globals(instance, snapshot);
  if (header.tables_written != 0) [[unlikely]]
    restore_tables(instance, snapshot);
  return {true, cards};
}

Restored restore_whole(Instance& instance, const Snapshot& snapshot) noexcept {
  abi::HotHeader& header = instance.header();
  if (header.memory_reached > snapshot.memory_bytes && !shrink(instance, snapshot.memory_bytes)) return {};
  header.memory_bytes = snapshot.memory_bytes;
  header.memory_reached = snapshot.memory_bytes;
  if (snapshot.memory_bytes != 0 && !os::discard(instance.cell, snapshot.memory_bytes)) return {};
  // Pages that are zero in the image are so already.
  std::uint64_t cards = 0;
  for (std::uint64_t page = 0; page < snapshot.memory_bytes / os::kPageBytes; ++page) {
    if (!snapshot.is_nonzero(page)) continue;
    const std::uint64_t offset = page * os::kPageBytes;
    std::memcpy(instance.cell + offset, snapshot.image.data() + offset, os::kPageBytes);
    cards += os::kPageBytes >> instance.layout().card_shift();
  }
  if (!clear_cards(instance)) return {};
  restore_globals(instance, snapshot);
  restore_tables(instance, snapshot);
  instance.distrusted = false;
  return {true, cards};
}

std::uint64_t count_dirty_cards(const Instance& instance) noexcept {
  return for_each_dirty_run(
      instance.cards(), card_blocks(instance, instance.header().memory_bytes), [](std::uint64_t, std::uint64_t) {},
      [](std::size_t) {});
}

Result<std::unique_ptr<Instance>> make_instance(const Snapshot& snapshot) {
  auto instance = detail::map_instance(snapshot.linked, snapshot.memory_bytes);
  if (!instance) return instance;
  if (!restore_whole(**instance, snapshot).ok) {
    return fail(ErrorCode::kResource, "the system refused memory for an instance: keep fewer instances");
  }
  return instance;
}

}  // namespace anew::reset
