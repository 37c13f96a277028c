// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a snapshot to what a file says, and back. Nothing that a file says is believed: sizes must be possible for the
// module, references must be to functions of the right type, or null where null is allowed.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "os/try.hpp"
#include "reset/restore.hpp"
#include "reset/snapshot.hpp"

namespace anew::reset {
namespace {

using artifact::SavedInstance;
using artifact::SavedMemory;
using artifact::SavedSnapshot;
using artifact::SavedTable;
using detail::Instance;
using detail::StoreState;

// --- to a file ------------------------------------------------------------------------------------------------------

Result<void> no_host_references(ValueType type, std::uint64_t bits, const std::string& where) {
  if (!is_extern_reference(type) || bits == 0) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("{} holds an external reference, which means nothing to another process: a snapshot file "
                          "cannot keep it; set it to null in the prelude",
                          where));
}

Result<SavedInstance> to_saved(const Snapshot& snapshot, std::uint32_t number) {
  const InstanceImage& image = snapshot.instances[number];
  const detail::LinkedModule& linked = *image.linked;
  const wasm::Module& module = linked.wasm();
  const abi::CellLayout& layout = linked.layout();
  SavedInstance saved;
  for (const auto& [name, which] : snapshot.names)
    if (which == number) saved.names.push_back(name);
  saved.binary = linked.module->binary;
  // Inside the block, as every global of the instance's own is, and every segment's byte.
  const auto in_block = [&](std::int32_t displacement) {
    return image.restored_block.data() + (displacement - layout.restored_begin());
  };
  for (std::uint32_t i = 0; i < module.globals.size(); ++i) {
    if (!linked.owns_global(i)) continue;
    const ValueType type = module.globals[i].type.type;
    std::uint64_t slots[2] = {};
    std::memcpy(slots, in_block(layout.global_value(i)), slots_of(type) * sizeof(std::uint64_t));
    for (const auto& each : image.function_globals)
      if (each.displacement == layout.global_value(i)) slots[0] = each.number;
    TRY(no_host_references(type, slots[0], fmt::format("global {}", i)));
    saved.globals.insert(saved.globals.end(), slots, slots + slots_of(type));
  }
  const std::byte* const dropped = in_block(layout.restored_begin());
  saved.dropped.assign(dropped, dropped + module.data.size() + module.elements.size());
  for (const MemoryImage& each : image.memories) {
    SavedMemory& memory = saved.memories.emplace_back();
    memory.memory = each.memory;
    memory.bytes = each.bytes;
    for (std::uint64_t page = 0; page < each.bytes / os::kPageBytes; ++page) {
      if (!each.is_nonzero(page)) continue;
      memory.pages.push_back(page);
      memory.contents.push_back(each.pages.data() + page * os::kPageBytes);
    }
  }
  for (const TableImage& each : image.tables) {
    const ValueType type = module.tables[each.table].element;
    std::vector<std::uint64_t> elements(each.size);
    for (std::uint64_t i = 0; i < each.size; ++i) {
      const std::uint64_t* const of_card = each.of_card(i >> abi::kTableCardShift);
      if (of_card != nullptr) elements[i] = of_card[i % abi::kTableCardElements];
      TRY(no_host_references(type, elements[i], fmt::format("element {} of table {}", i, each.table)));
    }
    saved.tables.push_back({each.table, std::move(elements)});
  }
  return saved;
}

// --- from a file ----------------------------------------------------------------------------------------------------

std::unexpected<Error> misfit(const std::string& what) {
  return fail(ErrorCode::kArtifact,
              fmt::format("the snapshot does not fit its module: {}; take it again with `anew snapshot`", what));
}

/// Checks the number of a reference. @param mapped  a store with all instances.
Result<void> check_reference(const Instance& mapped, ValueType type, std::uint64_t number, const std::string& where) {
  std::uint64_t bits = 0;
  if (number != 0 && is_function_reference(type)) {
    const std::uint64_t instance = (number - 1) >> 32;
    const std::uint64_t function = (number - 1) & 0xFFFF'FFFF;
    const auto& instances = mapped.store->instances;
    if (instance >= instances.size() || function >= instances[instance]->linked->wasm().functions.size())
      return misfit(where + " refers to a function that is not there");
    bits = mapped.store->function_reference(number);
  } else if (number != 0) {
    return misfit(where + " holds a reference that a file cannot have");
  }
  if (const char* const problem = mapped.store->reference_problem({type, mapped.linked->type_scope()}, bits))
    return misfit(fmt::format("{} {}", where, problem));
  return {};
}

Result<void> read_globals(InstanceImage& image, const Instance& mapped, const SavedInstance& saved) {
  const wasm::Module& module = mapped.linked->wasm();
  const abi::CellLayout& layout = mapped.layout();
  image.restored_block.resize(layout.restored_bytes());
  if (saved.dropped.size() != module.data.size() + module.elements.size() ||
      std::ranges::any_of(saved.dropped, [](std::byte each) { return each > std::byte{1}; })) {
    return misfit("its segments");
  }
  std::ranges::copy(saved.dropped, image.restored_block.begin());
  std::size_t slot = 0;
  for (std::uint32_t i = 0; i < module.globals.size(); ++i) {
    if (!mapped.linked->owns_global(i)) continue;
    const ValueType type = module.globals[i].type.type;
    if (saved.globals.size() - slot < slots_of(type)) return misfit("it has too few globals");
    const std::uint64_t* const slots = saved.globals.data() + slot;
    slot += slots_of(type);
    if (is_reference(type)) {
      auto good = check_reference(mapped, type, slots[0], fmt::format("global {}", i));
      if (!good) return good;
      if (slots[0] != 0) image.function_globals.push_back({layout.global_value(i), slots[0]});
      continue;
    }
    std::memcpy(image.restored_block.data() + (layout.global_value(i) - layout.restored_begin()), slots,
                slots_of(type) * sizeof(std::uint64_t));
  }
  return slot == saved.globals.size() ? Result<void>() : misfit("it has too many globals");
}

Result<void> read_memories(InstanceImage& image, const Instance& mapped, const SavedInstance& saved, Ledger ledger) {
  const auto& sizes = mapped.linked->memory_sizes;
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < sizes.size(); ++i) {
    if (!owns_memory(mapped, i)) continue;
    if (next == saved.memories.size() || saved.memories[next].memory != i) return misfit("its memories");
    const SavedMemory& from = saved.memories[next++];
    if (from.bytes % abi::kWasmPageBytes != 0 || from.bytes < sizes[i].initial || from.bytes > sizes[i].maximum)
      return misfit(fmt::format("memory {} of {} bytes", i, from.bytes));
    auto writer = TRY(ImageWriter::create(from.bytes));
    for (std::size_t j = 0; j < from.pages.size(); ++j) {
      if (from.pages[j] >= from.bytes / os::kPageBytes) return misfit(fmt::format("a page of memory {}", i));
      writer.add(from.pages[j], from.contents[j]);
    }
    auto memory = TRY(writer.finish(ledger));
    memory.memory = i;
    memory.reference = mapped.layout().memory_reference(i);
    image.memories.push_back(std::move(memory));
  }
  return next == saved.memories.size() ? Result<void>() : misfit("its memories");
}

Result<void> read_tables(InstanceImage& image, const Instance& mapped, const SavedInstance& saved) {
  const wasm::Module& module = mapped.linked->wasm();
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < module.tables.size(); ++i) {
    if (!owns_table(mapped, i)) continue;
    if (next == saved.tables.size() || saved.tables[next].table != i) return misfit("its tables");
    const SavedTable& from = saved.tables[next++];
    const ValueType type = module.tables[i].element;
    if (from.elements.size() < mapped.linked->table_sizes[i].minimum ||
        from.elements.size() > detail::table_header(mapped.table(i)).maximum) {
      return misfit(fmt::format("table {} of {} elements", i, from.elements.size()));
    }
    TableImage& table = image.tables.emplace_back();
    table = {.table = i, .functions = is_function_reference(type), .size = from.elements.size()};
    for (std::size_t j = 0; j < from.elements.size(); ++j) {
      auto good = check_reference(mapped, type, from.elements[j], fmt::format("element {} of table {}", j, i));
      if (!good) return good;
      table.set(j, from.elements[j]);
    }
  }
  return next == saved.tables.size() ? Result<void>() : misfit("its tables");
}

/// @param mapped  a store with all instances, not initialized.
Result<Snapshot> read_store(const StoreState& mapped, const SavedSnapshot& saved, const detail::LinkerState& linker,
                            const SnapshotOptions& options, std::uint64_t maximum_memory_bytes) {
  Snapshot snapshot;
  snapshot.maximum_memory_bytes = maximum_memory_bytes;
  snapshot.names = mapped.names;
  snapshot.ledger = ledger_of(mapped);
  snapshot.keeps_growth = keeps_growth(mapped);
  for (std::size_t i = 0; i < saved.instances.size(); ++i) {
    const Instance& instance = *mapped.instances[i];
    InstanceImage& image = snapshot.instances.emplace_back();
    image.linked = instance.linked;
    TRY(read_memories(image, instance, saved.instances[i], snapshot.ledger));
    TRY(read_globals(image, instance, saved.instances[i]));
    TRY(read_tables(image, instance, saved.instances[i]));
  }
  snapshot.start_after_restore = saved.start_after_restore;
  snapshot.options = options;
  snapshot.options.extra_memory_pages = saved.extra_memory_pages;
  snapshot.from_file = true;
  snapshot.states = linker.states;
  auto original = TRY(make_store(snapshot));
  snapshot.original = std::move(original);
  return snapshot;
}

}  // namespace

Result<SavedSnapshot> to_saved(const Snapshot& snapshot) {
  if (snapshot.instances.size() > artifact::kMaximumSavedInstances) {
    return fail(ErrorCode::kLimit, fmt::format("a snapshot file holds at most {} instances, and the store has {}",
                                               artifact::kMaximumSavedInstances, snapshot.instances.size()));
  }
  SavedSnapshot saved;
  saved.start_after_restore = snapshot.start_after_restore;
  saved.extra_memory_pages = snapshot.options.extra_memory_pages;
  for (std::uint32_t i = 0; i < snapshot.instances.size(); ++i) {
    auto instance = TRY(to_saved(snapshot, i));
    if (snapshot.is_group) instance.binary = {};
    saved.instances.push_back(std::move(instance));
  }
  return saved;
}

Result<Snapshot> take_saved(std::shared_ptr<const detail::ModuleState> module, const detail::LinkerState& linker,
                            const SnapshotOptions& options, std::uint64_t maximum_memory_bytes) {
  const detail::SavedState& saved = *module->saved;
  if (options.extra_memory_pages != 0 || options.freeze_start || !options.prelude.empty() || !linker.modules.empty()) {
    return fail(ErrorCode::kArgument,
                "the module comes from a snapshot file, whose state is what it is: give extra memory pages, a prelude, "
                "freeze_start and linked modules when the snapshot is taken");
  }
  StoreState mapped;
  mapped.growable_bytes = maximum_memory_bytes;
  const auto& from = saved.snapshot.instances;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const bool is_main = i + 1 == from.size();
    auto linked = TRY(detail::link(is_main ? module : saved.modules[i], linker, mapped,
                                   is_main ? saved.snapshot.extra_memory_pages : 0));
    auto instance = TRY(detail::map_instance(std::move(linked), mapped));
    for (const std::string& name : from[i].names)
      if (!mapped.names.emplace(name, instance->number).second) return misfit("two instances have the same name");
  }
  return read_store(mapped, saved.snapshot, linker, options, maximum_memory_bytes);
}

Result<Snapshot> take_saved_group(const detail::LinkerState& linker, const SnapshotOptions& options,
                                  std::uint64_t maximum_memory_bytes) {
  const SavedSnapshot& saved = *linker.saved_group;
  if (saved.instances.size() != linker.group.size() || saved.start_after_restore || saved.extra_memory_pages != 0)
    return misfit("its instances");
  StoreState mapped;
  mapped.growable_bytes = maximum_memory_bytes;
  for (const detail::GroupMember& member : linker.group) {
    auto linked = TRY(detail::link_member(member, linker, mapped));
    (void)TRY(detail::map_instance(std::move(linked), mapped));
  }
  auto snapshot = TRY(read_store(mapped, saved, linker, options, maximum_memory_bytes));
  snapshot.is_group = true;
  return snapshot;
}

}  // namespace anew::reset
