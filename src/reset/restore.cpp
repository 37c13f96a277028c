// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "reset/restore.hpp"

#include <cstring>

namespace anew::reset {
namespace {

using detail::Instance;
using detail::StoreState;

/// Up to this much of the room for exceptions keeps its pages: giving them back is a system call.
constexpr std::uint64_t kKeptExceptionBytes = 64 << 10;

/// Copies [begin, end) of a memory from its image, or zeroes it where the image has nothing.
void restore_bytes(std::byte* memory, const MemoryImage& image, std::uint64_t begin, std::uint64_t end) noexcept {
  while (begin < end) {
    const bool nonzero = image.is_nonzero(begin / os::kPageBytes);
    std::uint64_t page = begin / os::kPageBytes + 1;
    while (page * os::kPageBytes < end && image.is_nonzero(page) == nonzero) ++page;
    const std::uint64_t stop = std::min(page * os::kPageBytes, end);
    if (nonzero) {
      std::memcpy(memory + begin, image.pages.data() + begin, stop - begin);
    } else {
      std::memset(memory + begin, 0, stop - begin);
    }
    begin = stop;
  }
}

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

/// Clears the whole card table: before a trap a store past the memory's end may have marked any card of it.
bool clear_cards(const abi::MemoryReference& memory) noexcept {
  // uint8_t and std::byte may view any object.
  auto* const begin = reinterpret_cast<std::byte*>(memory.cards);
  return zero(begin, begin + abi::card_table_bytes(static_cast<std::uint32_t>(memory.card_shift)));  // at most 12
}

/// Takes back what a memory grew by: not accessible, and zero when it grows again.
[[gnu::cold, gnu::noinline]] bool shrink(std::byte* memory, std::uint64_t to) noexcept {
  abi::HotHeader& header = abi::hot_header(memory);
  std::byte* const begin = memory + to;
  const std::uint64_t bytes = header.memory_reached - to;
  if (!os::discard(begin, bytes) || !os::protect(begin, bytes, os::Access::kNone)) return false;
  header.memory_bytes = to;
  header.memory_reached = to;
  return true;
}

/// After normal returns. The cards above the image's size stand for what is discarded.
[[gnu::cold, gnu::noinline]] bool take_back_growth(const abi::MemoryReference& memory, std::uint64_t to) noexcept {
  const std::uint64_t first = to >> memory.card_shift;
  const std::uint64_t end = abi::hot_header(memory.base).memory_reached >> memory.card_shift;
  std::memset(memory.cards + first, 0, end - first);
  return shrink(memory.base, to);
}

bool restore_memory(const abi::MemoryReference& memory, const MemoryImage& image, std::uint64_t& cards) noexcept {
  if (abi::hot_header(memory.base).memory_reached != image.bytes) [[unlikely]] {
    if (!take_back_growth(memory, image.bytes)) return false;
  }
  cards += take_dirty_runs(memory.cards, card_blocks(memory.card_shift, image.bytes),
                           [&](std::uint64_t first, std::uint64_t end) {
                             const ByteRange range = bytes_of_cards(memory.card_shift, first, end, image.bytes);
                             restore_bytes(memory.base, image, range.begin, range.end);
                           });
  return true;
}

bool restore_memory_whole(const abi::MemoryReference& memory, const MemoryImage& image, std::uint64_t& cards) noexcept {
  abi::HotHeader& header = abi::hot_header(memory.base);
  if (header.memory_reached > image.bytes && !shrink(memory.base, image.bytes)) return false;
  if (header.memory_reached < image.bytes &&
      !os::protect(memory.base + header.memory_reached, image.bytes - header.memory_reached, os::Access::kReadWrite)) {
    return false;  // a cell fresh from the system, whose start function has grown the memory
  }
  header.memory_bytes = image.bytes;
  header.memory_reached = image.bytes;
  if (image.bytes != 0 && !os::discard(memory.base, image.bytes)) return false;
  // Pages that are zero in the image are so already.
  for (std::uint64_t page = 0; page < image.bytes / os::kPageBytes; ++page) {
    if (!image.is_nonzero(page)) continue;
    const std::uint64_t offset = page * os::kPageBytes;
    std::memcpy(memory.base + offset, image.pages.data() + offset, os::kPageBytes);
    cards += os::kPageBytes >> memory.card_shift;
  }
  return clear_cards(memory);
}

void restore_globals(const Instance& instance, const InstanceImage& image) noexcept {
  // The block ends where the HotHeader begins (CellLayout::restored_bytes).
  std::ranges::copy(image.restored_block, instance.cell - sizeof(abi::HotHeader) - image.restored_block.size());
  for (const auto& each : image.function_globals) {
    *instance.at<std::uint64_t>(each.displacement) = instance.store->function_reference(each.number);
  }
}

[[gnu::noinline]] void restore_table(const Instance& instance, const TableImage& image) noexcept {
  std::uint64_t* const elements = instance.table(image.table);
  abi::TableHeader& header = detail::table_header(elements);
  const std::size_t count = image.elements.size();
  for (std::size_t i = 0; i < count; ++i) {
    elements[i] = image.functions ? instance.store->function_reference(image.elements[i]) : image.elements[i];
  }
  if (header.size > count) std::memset(elements + count, 0, (header.size - count) * sizeof(*elements));
  header.size = count;
  header.written = 0;
}

/// The exceptions of past calls: nothing refers to them any more.
bool drop_exceptions(const Instance& instance) noexcept {
  abi::HotHeader& header = instance.header();
  const std::uint64_t bytes = header.exception_bytes;
  if (bytes == 0) [[likely]]
    return true;
  header.exception_bytes = 0;
  std::byte* const room = instance.cell + instance.layout().exceptions();
  return bytes <= kKeptExceptionBytes || zero(room, room + bytes);
}

bool restore_instance(const Instance& instance, const InstanceImage& image, std::uint64_t& cards) noexcept {
  for (const MemoryImage& each : image.memories) {
    if (!restore_memory(*instance.at<abi::MemoryReference>(each.reference), each, cards)) return false;
  }
  restore_globals(instance, image);
  for (const TableImage& each : image.tables) {
    if (detail::table_header(instance.table(each.table)).written != 0) [[unlikely]]
      restore_table(instance, each);
  }
  return drop_exceptions(instance);
}

bool restore_instance_whole(const Instance& instance, const InstanceImage& image, std::uint64_t& cards) noexcept {
  for (const MemoryImage& each : image.memories) {
    if (!restore_memory_whole(*instance.at<abi::MemoryReference>(each.reference), each, cards)) return false;
  }
  restore_globals(instance, image);
  for (const TableImage& each : image.tables) restore_table(instance, each);
  return drop_exceptions(instance);
}

/// Calls on_memory for each memory that an instance of the store owns.
template <typename OnMemory>
void for_each_memory(const StoreState& store, OnMemory&& on_memory) {
  for (const auto& instance : store.instances) {
    const auto count = static_cast<std::uint32_t>(instance->linked->wasm().memories.size());  // limits::kMemories
    for (std::uint32_t i = 0; i < count; ++i) {
      if (owns_memory(*instance, i)) on_memory(instance->memory(i), instance->linked->module->options);
    }
  }
}

}  // namespace

Restored restore(StoreState& store, const Snapshot& snapshot) noexcept {
  std::uint64_t cards = 0;
  for (std::size_t i = 0; i < snapshot.instances.size(); ++i) {
    if (!restore_instance(*store.instances[i], snapshot.instances[i], cards)) [[unlikely]]
      return {};
  }
  return {true, cards};
}

Restored restore_whole(StoreState& store, const Snapshot& snapshot) noexcept {
  std::uint64_t cards = 0;
  for (std::size_t i = 0; i < snapshot.instances.size(); ++i) {
    if (!restore_instance_whole(*store.instances[i], snapshot.instances[i], cards)) return {};
  }
  store.distrusted = false;
  return {true, cards};
}

bool settle(StoreState& store) noexcept {
  bool ok = true;
  for_each_memory(store, [&](const abi::MemoryReference& memory, const codegen::Options&) {
    if (store.distrusted) {
      ok = clear_cards(memory) && ok;
    } else {
      const std::size_t blocks = card_blocks(memory.card_shift, abi::hot_header(memory.base).memory_bytes);
      take_dirty_runs(memory.cards, blocks, [](std::uint64_t, std::uint64_t) {});
    }
  });
  for (const auto& instance : store.instances) {
    const auto count = static_cast<std::uint32_t>(instance->linked->wasm().tables.size());  // limits::kTables
    for (std::uint32_t i = 0; i < count; ++i) detail::table_header(instance->table(i)).written = 0;
    ok = drop_exceptions(*instance) && ok;
  }
  store.distrusted = !ok;
  return ok;
}

std::uint64_t count_dirty_bytes(const StoreState& store) noexcept {
  std::uint64_t bytes = 0;
  for_each_memory(store, [&bytes](const abi::MemoryReference& memory, const codegen::Options& options) {
    const std::uint64_t size = abi::hot_header(memory.base).memory_bytes;
    if (!options.marks) {
      bytes += size;
      return;
    }
    bytes +=
        for_each_dirty_run(
            memory.cards, card_blocks(memory.card_shift, size), [](std::uint64_t, std::uint64_t) {}, [](std::size_t) {})
        << memory.card_shift;
  });
  return bytes;
}

Result<std::unique_ptr<StoreState>> make_store(const Snapshot& snapshot) {
  auto store = std::make_unique<StoreState>();
  store->names = snapshot.names;
  for (const InstanceImage& image : snapshot.instances) {
    if (auto mapped = detail::map_instance(image.linked, *store); !mapped) {
      return std::unexpected(std::move(mapped.error()));
    }
  }
  if (!restore_whole(*store, snapshot).ok) {
    return fail(ErrorCode::kResource, "the system refused memory for an instance: keep fewer instances");
  }
  return store;
}

}  // namespace anew::reset
