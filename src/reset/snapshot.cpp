// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "reset/snapshot.hpp"

#include <algorithm>
#include <cstring>

#include "reset/cards.hpp"
#include "reset/restore.hpp"

namespace anew::reset {
namespace {

using detail::Instance;
using detail::LinkedModule;

bool is_zero_page(const std::byte* page) noexcept {
  // A page is equal to itself moved by one byte only if all its bytes are the same.
  return page[0] == std::byte{0} && std::memcmp(page, page + 1, os::kPageBytes - 1) == 0;
}

/// Keeps the pages of [begin, end) of memory 0 that are not all zero.
void keep_pages(Snapshot& snapshot, const Instance& instance, std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t page = begin / os::kPageBytes; page * os::kPageBytes < end; ++page) {
    const std::byte* const source = instance.cell + page * os::kPageBytes;
    if (snapshot.is_nonzero(page) || is_zero_page(source)) continue;
    std::memcpy(snapshot.image.data() + page * os::kPageBytes, source, os::kPageBytes);
    snapshot.nonzero_pages[page / 64] |= std::uint64_t{1} << (page % 64);
  }
}

Result<void> take_memory(Snapshot& snapshot, const Instance& instance) {
  snapshot.memory_bytes = instance.header().memory_bytes;
  if (snapshot.memory_bytes == 0) return {};
  auto image = os::Mapping::reserve(snapshot.memory_bytes);
  if (!image) return std::unexpected(std::move(image.error()));
  snapshot.image = std::move(*image);
  snapshot.nonzero_pages.resize((snapshot.memory_bytes / os::kPageBytes + 63) / 64);
  if (!os::protect(snapshot.image.data(), snapshot.memory_bytes, os::Access::kReadWrite)) {
    return fail(ErrorCode::kResource, "the system refused memory for the snapshot of an instance");
  }
  if (instance.linked->module->options.marks) {
    // The memory was zero, and whatever wrote to it marked the cards: looking at those pages alone saves touching
    // all of a large memory.
    for_each_dirty_run(
        instance.cards(), card_blocks(instance, snapshot.memory_bytes),
        [&](std::uint64_t first, std::uint64_t end) {
          const ByteRange range = bytes_of_cards(instance, first, end, snapshot.memory_bytes);
          keep_pages(snapshot, instance, range.begin, range.end);
        },
        [](std::size_t) {});
  } else {
    keep_pages(snapshot, instance, 0, snapshot.memory_bytes);
  }
  if (!os::protect(snapshot.image.data(), snapshot.memory_bytes, os::Access::kRead)) {
    return fail(ErrorCode::kResource, "the system refused to make the snapshot of an instance read-only");
  }
  return {};
}

/// A function's number, which cannot be missing: only a host function that returned a made-up reference could cause it.
Result<std::uint64_t> number_of(const Instance& instance, std::uint64_t reference) {
  if (const auto number = instance.function_number(reference)) return *number;
  return fail(ErrorCode::kHost,
              "a host function gave the guest a function reference that is not of this instance; return null or a "
              "reference that came from it");
}

Result<void> take_globals(Snapshot& snapshot, const Instance& instance) {
  const auto block = instance.restored_block();
  snapshot.restored_block.assign(block.begin(), block.end());
  const auto& globals = instance.linked->wasm().globals;
  for (std::uint32_t i = 0; i < globals.size(); ++i) {
    if (globals[i].type.type != ValueType::kFuncRef) continue;
    const auto number = number_of(instance, instance.global(i));
    if (!number) return std::unexpected(number.error());
    // A number of a function of the module fits in 32 bits.
    if (*number != 0) snapshot.function_globals.push_back({i, static_cast<std::uint32_t>(*number - 1)});
    const std::int32_t at = instance.layout().global(i) - instance.layout().restored_begin();  // inside the block
    std::memset(snapshot.restored_block.data() + at, 0, sizeof(std::uint64_t));
  }
  return {};
}

Result<void> take_tables(Snapshot& snapshot, const Instance& instance) {
  const auto& tables = instance.linked->wasm().tables;
  for (std::uint32_t i = 0; i < tables.size(); ++i) {
    const std::span elements(instance.table(i), instance.table_size(i));
    Snapshot::Table table;
    table.elements.reserve(elements.size());
    for (const std::uint64_t element : elements) {
      if (tables[i].element != ValueType::kFuncRef) {
        table.elements.push_back(element);
        continue;
      }
      const auto number = number_of(instance, element);
      if (!number) return std::unexpected(number.error());
      table.elements.push_back(*number);
    }
    snapshot.tables.push_back(std::move(table));
  }
  return {};
}

/// Runs the start function with every host function replaced by one that stops it.
/// @return whether it ran to its end without calling the host; kTrap if it trapped.
Result<bool> run_start_without_host(Instance& instance) {
  bool called = false;
  const abi::HostFunction stop = {[](void* environment, std::byte*, std::uint64_t*) -> std::uint32_t {
                                    *static_cast<bool*>(environment) =
                                        true;  // `called` of the enclosing function, which is on the stack
                                    return static_cast<std::uint32_t>(TrapKind::kInterrupted);
                                  },
                                  &called};
  const std::vector<abi::HostFunction> stops(instance.linked->host_functions.size(), stop);
  instance.header().host_functions = stops.data();
  auto result = detail::run_start(instance);
  instance.header().host_functions = instance.linked->host_functions.data();
  if (called) return false;
  if (!result) return std::unexpected(std::move(result.error()));
  return true;
}

}  // namespace

Result<std::unique_ptr<Instance>> instantiate(std::shared_ptr<const LinkedModule> linked, bool run_start) {
  const std::uint64_t memory_bytes = linked->memory_initial;
  auto instance = detail::map_instance(std::move(linked), memory_bytes);
  if (!instance) return instance;
  if (auto done = detail::initialize(**instance); !done) return std::unexpected(std::move(done.error()));
  if (run_start) {
    if (auto done = detail::run_start(**instance); !done) return std::unexpected(std::move(done.error()));
  }
  return instance;
}

Result<Snapshot> Snapshot::take(std::shared_ptr<const LinkedModule> linked) {
  Snapshot snapshot;
  snapshot.linked = std::move(linked);
  auto instance = instantiate(snapshot.linked, false);
  if (!instance) return std::unexpected(std::move(instance.error()));
  if (snapshot.linked->wasm().start) {
    const auto frozen = run_start_without_host(**instance);
    if (!frozen) return std::unexpected(frozen.error());
    if (!*frozen) {
      snapshot.start_after_restore = true;
      instance = instantiate(snapshot.linked, false);
      if (!instance) return std::unexpected(std::move(instance.error()));
    }
  }
  if (auto done = take_memory(snapshot, **instance); !done) return std::unexpected(std::move(done.error()));
  if (auto done = take_globals(snapshot, **instance); !done) return std::unexpected(std::move(done.error()));
  if (auto done = take_tables(snapshot, **instance); !done) return std::unexpected(std::move(done.error()));
  return snapshot;
}

}  // namespace anew::reset
