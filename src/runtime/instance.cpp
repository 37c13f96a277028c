// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From address space to an instance whose cell is as empty as the specification lets one be.
#include "runtime/instance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "os/try.hpp"
#include "runtime/library.hpp"
#include "runtime/store_state.hpp"

namespace anew::detail {
namespace {

std::unexpected<Error> refused(std::uint64_t bytes) {
  return fail(ErrorCode::kResource,
              fmt::format("the system refused {} bytes of memory for an instance: keep fewer instances, or raise "
                          "vm.max_map_count or the limit on memory",
                          bytes));
}

/// Reserves a region and makes its low end accessible (invariant C2).
Result<os::Mapping> map_region(std::uint64_t bytes, std::uint64_t accessible) {
  auto mapping = os::Mapping::reserve(bytes);
  if (mapping && !os::protect(mapping->data(), accessible, os::Access::kReadWrite)) return refused(accessible);
  return mapping;
}

/// The memories that the instance owns; memory 0 is in the cell.
Result<void> map_memories(Instance& instance) {
  const LinkedModule& linked = *instance.linked;
  const std::uint64_t header = abi::memory_header_bytes(instance.layout().card_shift());
  instance.regions.resize(linked.memory_sizes.size());
  for (std::uint32_t i = 0; i < instance.regions.size(); ++i) {
    if (!linked.memory_source(i).is_own()) continue;
    const MemorySize& size = linked.memory_sizes[i];
    instance.regions[i].accessible = size.initial;
    if (i == 0) {
      instance.regions[0].base = instance.cell;
      continue;
    }
    auto mapping = TRY(map_region(header + abi::kMemoryAddressSpace + abi::kGuardBytes, header + size.initial));
    MemoryRegion& region = instance.regions[i];
    region.base = mapping.data() + header;
    region.mapping = std::move(mapping);
    new (&abi::hot_header(region.base)) abi::HotHeader{.instance = &instance,
                                                       .exception_bytes = 0,
                                                       .memory_reached = size.initial,
                                                       .memory_maximum = size.maximum,
                                                       .host_functions = nullptr,
                                                       .library = nullptr,
                                                       .thread = nullptr,
                                                       .memory_bytes = size.initial};
  }
  return {};
}

void fill_memories(Instance& instance, const StoreState& store) {
  const LinkedModule& linked = *instance.linked;
  for (std::uint32_t i = 0; i < linked.memory_sizes.size(); ++i) {
    abi::MemoryReference& reference = instance.memory(i);
    if (const Source source = linked.memory_source(i); !source.is_own()) {
      new (&reference) abi::MemoryReference(store.instances[source.instance]->memory(source.index));
      continue;
    }
    const bool in_cell = i == 0;
    std::byte* const base = in_cell ? instance.cell : instance.regions[i].base;
    std::byte* const cards = in_cell ? instance.cell + instance.layout().cards() : instance.regions[i].mapping.data();
    // Cards are bytes, and a byte may be looked at as an unsigned character.
    new (&reference) abi::MemoryReference{base, reinterpret_cast<std::uint8_t*>(cards), instance.layout().card_shift()};
  }
}

void fill_tables(Instance& instance, const StoreState& store) {
  const LinkedModule& linked = *instance.linked;
  const abi::CellLayout& layout = instance.layout();
  for (std::uint32_t i = 0; i < linked.table_sizes.size(); ++i) {
    const Source source = linked.table_source(i);
    std::uint64_t* elements = instance.at<std::uint64_t>(layout.table_elements(i));
    if (source.is_own()) {
      const TableSize& size = linked.table_sizes[i];
      // linked_module.cpp has set a maximum for every table.
      new (&table_header(elements))
          // Cards are bytes, and a byte may be looked at as an unsigned character.
          abi::TableHeader{.cards = instance.at<std::uint8_t>(layout.table_cards(i)),
                           .maximum = *size.maximum,
                           .written = 0,
                           .size = size.minimum};
    } else {
      elements = store.instances[source.instance]->table(source.index);
    }
    if (i < linked.tables.size()) *instance.at<std::uint64_t*>(layout.table_link(i)) = elements;
  }
}

void fill_links(Instance& instance, const StoreState& store) {
  const LinkedModule& linked = *instance.linked;
  const abi::CellLayout& layout = instance.layout();
  for (std::uint32_t i = 0; i < linked.globals.size(); ++i) {
    if (!layout.is_linked_global(i)) continue;
    const Source source = linked.globals[i];
    *instance.at<std::uint64_t*>(layout.global(i)) = source.is_own()
                                                         ? instance.at<std::uint64_t>(layout.global_value(i))
                                                         : store.instances[source.instance]->global(source.index);
  }
  for (std::uint32_t i = 0; i < linked.wasm().tags.size(); ++i) {
    auto* const link = instance.at<const void*>(layout.tag(i));
    if (i >= linked.tags.size()) {
      *link = static_cast<const void*>(link);  // its own address is the tag's identity
      continue;
    }
    const Source source = linked.tags[i];  // never its own: a host has no tags
    const Instance& owner = *store.instances[source.instance];
    *link = *owner.at<const void*>(owner.layout().tag(source.index));
  }
}

void fill_functions(Instance& instance, const StoreState& store) {
  const LinkedModule& linked = *instance.linked;
  std::ranges::copy(linked.type_ids, instance.at<std::uint32_t>(instance.layout().type_id(0)));
  const std::vector<std::uint32_t>& functions = linked.wasm().functions;
  for (std::uint32_t i = 0; i < functions.size(); ++i) {
    abi::FunctionReference reference = {linked.type_ids[functions[i]], i, linked.module->code.entry(i), instance.cell};
    if (i < linked.functions.size() && !linked.functions[i].is_own()) {
      const Source source = linked.functions[i];
      reference = store.instances[source.instance]->function_references()[source.index];
    }
    new (instance.function_references() + i) abi::FunctionReference(reference);
  }
}

/// What the memories and tables that an instance owns begin with. At most limits::kMemories times 4 GiB, and 80 MB.
std::uint64_t initial_bytes(const LinkedModule& linked) noexcept {
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < linked.memory_sizes.size(); ++i)
    if (linked.memory_source(i).is_own()) bytes += linked.memory_sizes[i].initial;
  for (std::uint32_t i = 0; i < linked.table_sizes.size(); ++i)
    if (linked.table_source(i).is_own()) bytes += linked.table_sizes[i].minimum * sizeof(std::uint64_t);
  return bytes;
}

/// map_instance() of what is counted in StoreState::grown_bytes.
Result<Instance*> map_counted_instance(std::shared_ptr<const LinkedModule> linked, StoreState& store) {
  const abi::CellLayout& layout = linked->layout();
  const MemorySize memory = layout.has_memory() ? linked->memory_sizes[0] : MemorySize{};
  auto mapping = TRY(map_region(layout.reservation_bytes(), layout.header_bytes() + memory.initial));
  auto made = std::make_unique<Instance>();
  Instance& instance = *made;
  instance.cell = mapping.data() + layout.header_bytes();
  instance.mapping = std::move(mapping);
  instance.linked = std::move(linked);
  instance.store = &store;
  const ModuleState& module = *instance.linked->module;
  store.is_metered = store.is_metered || module.options.fuel || module.options.metered_stack;
  if (module.stack_limit != 0) store.stack_limit = std::min<std::int64_t>(store.stack_limit, module.stack_limit);
  instance.number = static_cast<std::uint32_t>(store.instances.size());  // each takes pages: far fewer than 2^32
  new (&instance.header()) abi::HotHeader{
      .instance = &instance,
      .exception_bytes = 0,
      .memory_reached = memory.initial,
      .memory_maximum = memory.maximum,
      .host_functions = instance.linked->host_functions.data(),
      .library = &library(),
      .thread = nullptr,
      .memory_bytes = memory.initial,
  };
  TRY(map_memories(instance));
  store.instances.reserve(store.instances.size() + 1);
  // From here on nothing fails: the store either has the instance, whole, or nothing of it. Links may lead to itself,
  // each to an import before it.
  store.instances.push_back(std::move(made));
  fill_memories(instance, store);
  if (!instance.linked->wasm().memories.empty()) instance.memory_0 = &instance.memory(0);
  fill_tables(instance, store);
  fill_links(instance, store);
  fill_functions(instance, store);
  return &instance;
}

}  // namespace

Result<Instance*> map_instance(std::shared_ptr<const LinkedModule> linked, StoreState& store) {
  const std::uint64_t initial = initial_bytes(*linked);
  if (!store.take_bytes(initial)) {
    return fail(
        ErrorCode::kLimit,
        fmt::format("the module's memories and tables begin with {} bytes, and {} are left of what its store may "
                    "have: raise the limit, maximum_memory_bytes (--max-memory)",
                    initial, store.growable_bytes - store.grown_bytes));
  }
  auto instance = map_counted_instance(std::move(linked), store);
  if (!instance) store.give_bytes_back(initial);
  return instance;
}

}  // namespace anew::detail
