// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "reset/snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "os/pagemap.hpp"
#include "os/try.hpp"
#include "reset/cards.hpp"
#include "reset/restore.hpp"
#include "wasm/printable.hpp"

namespace anew::reset {
namespace {

using detail::Instance;
using detail::LinkedModule;
using detail::StoreState;

/// Keeps the pages of [begin, end) of a memory.
void keep_pages(ImageWriter& image, const std::byte* memory, std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t page = begin / os::kPageBytes; page * os::kPageBytes < end; ++page)
    image.add(page, memory + page * os::kPageBytes);
}

struct Look {
  std::optional<Ledger> ledger;  ///< of the store; nothing if no cell will ever map the images
  bool at_cards;                 ///< see take_store
  bool at_table_cards;
};

Result<MemoryImage> take_memory(const Instance& instance, std::uint32_t index, Look look) {
  const abi::MemoryReference& memory = instance.memory(index);
  const std::uint64_t bytes = abi::hot_header(memory.base).memory_bytes;
  auto writer = TRY(ImageWriter::create(bytes));
  if (look.at_cards) {
    for_each_dirty_run(
        memory.cards, card_blocks(memory.card_shift, bytes),
        [&](std::uint64_t first, std::uint64_t end) {
          const ByteRange range = bytes_of_cards(memory.card_shift, first, end, bytes);
          keep_pages(writer, memory.base, range.begin, range.end);
        },
        [](std::size_t) {});
  } else {
    keep_pages(writer, memory.base, 0, bytes);
  }
  auto image = writer.finish(look.ledger);
  if (!image) return image;
  image->memory = index;
  image->reference = instance.layout().memory_reference(index);
  return image;
}

/// What a reference means in any store that is put together like this one: a function's number, or the host's bits.
/// @param where  for messages: "global 3".
Result<std::uint64_t> to_portable(const Instance& instance, ValueType type, std::uint64_t bits,
                                  std::string_view where) {
  if (is_function_reference(type)) {
    if (const auto number = instance.store->function_number(bits)) return *number;
    return fail(ErrorCode::kHost,
                fmt::format("{} holds a function reference that is not of this store: a host function made it up; let "
                            "it return null or a reference that came from the guest",
                            where));
  }
  if (is_exception_reference(type) && bits != 0) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} holds an exception, which a snapshot cannot keep: take the snapshot before the "
                            "exception is stored, or let the module set it to null again",
                            where));
  }
  return bits;
}

Result<void> take_globals(InstanceImage& image, const Instance& instance) {
  const auto block = instance.restored_block();
  image.restored_block.assign(block.begin(), block.end());
  const auto& globals = instance.linked->wasm().globals;
  const abi::CellLayout& layout = instance.layout();
  for (std::uint32_t i = 0; i < globals.size(); ++i) {
    const ValueType type = globals[i].type.type;
    if (!is_reference(type) || !instance.linked->owns_global(i)) continue;
    const auto portable = TRY(to_portable(instance, type, *instance.global(i), fmt::format("global {}", i)));
    if (!is_function_reference(type)) continue;
    if (portable != 0) image.function_globals.push_back({layout.global_value(i), portable});
    // Inside the block, as every global of the instance's own is.
    std::memset(image.restored_block.data() + (layout.global_value(i) - layout.restored_begin()), 0,
                sizeof(std::uint64_t));
  }
  return {};
}

Result<TableImage> take_table(const Instance& instance, std::uint32_t index, Look look) {
  std::uint64_t* const elements = instance.table(index);
  const abi::TableHeader& header = detail::table_header(elements);
  const ValueType type = instance.linked->wasm().tables[index].element;
  TableImage image{.table = index, .functions = is_function_reference(type), .size = header.size};
  std::optional<Error> error;
  const auto take = [&](std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t i = begin; i < end && !error; ++i) {
      if (elements[i] == 0) continue;  // most are
      auto portable = to_portable(instance, type, elements[i], fmt::format("element {} of table {}", i, index));
      if (!portable)
        error = std::move(portable.error());
      else
        image.set(i, *portable);
    }
  };
  if (look.at_table_cards) {
    for_each_dirty_run(
        header.cards, table_card_blocks(header.size),
        [&](std::uint64_t first, std::uint64_t end) {
          take(first << abi::kTableCardShift, std::min(end << abi::kTableCardShift, header.size));
        },
        [](std::size_t) {});
  } else {
    take(0, header.size);
  }
  if (error) return std::unexpected(std::move(*error));
  return image;
}

Result<InstanceImage> take_instance(const Instance& instance, Look look) {
  InstanceImage image;
  image.linked = instance.linked;
  const wasm::Module& module = instance.linked->wasm();
  for (std::uint32_t i = 0; i < module.memories.size(); ++i) {
    if (!owns_memory(instance, i)) continue;
    auto memory = TRY(take_memory(instance, i, look));
    image.memories.push_back(std::move(memory));
  }
  TRY(take_globals(image, instance));
  for (std::uint32_t i = 0; i < module.tables.size(); ++i) {
    if (!owns_table(instance, i)) continue;
    auto table = TRY(take_table(instance, i, look));
    image.tables.push_back(std::move(table));
  }
  return image;
}

/// Runs an instance's start function with every host function of the store replaced by one that stops it.
/// @return whether it ran to its end without calling the host; kTrap if it trapped.
Result<bool> run_start_without_host(Instance& started, std::chrono::nanoseconds timeout) {
  bool called = false;
  const abi::HostFunction stop = {[](void* environment, std::byte*, std::uint64_t*) -> std::uint32_t {
                                    // `called` of the enclosing function, which is on the stack.
                                    *static_cast<bool*>(environment) = true;
                                    return static_cast<std::uint32_t>(TrapKind::kInterrupted);
                                  },
                                  &called};
  std::size_t most = 0;
  for (const auto& instance : started.store->instances) most = std::max(most, instance->linked->host_functions.size());
  const std::vector<abi::HostFunction> stops(most, stop);
  for (const auto& instance : started.store->instances) instance->header().host_functions = stops.data();
  auto result = detail::run_start(started, detail::deadline_in(timeout));
  for (const auto& instance : started.store->instances)
    instance->header().host_functions = instance->linked->host_functions.data();
  if (called) return false;
  if (!result) return std::unexpected(std::move(result.error()));
  return true;
}

/// Adds an instance to a store, up to but not including its start function.
Result<Instance*> add_instance(std::shared_ptr<const LinkedModule> linked, StoreState& store) {
  auto instance = detail::map_instance(std::move(linked), store);
  if (!instance) return instance;
  TRY(detail::initialize(**instance));
  return instance;
}

Error of_module(const std::string& name, Error error) {
  error.message = fmt::format("module \"{}\": {}", wasm::printable_name(name), error.message);
  return error;
}

/// The named instances of a store, with their start functions run.
Result<void> add_named_instances(const detail::LinkerState& linker, StoreState& store, const SnapshotOptions& options) {
  for (const auto& [name, module] : linker.modules) {
    auto linked = detail::link(module, linker, store, 0);
    if (!linked) return std::unexpected(of_module(name, std::move(linked.error())));
    auto instance = add_instance(std::move(*linked), store);
    if (!instance) return std::unexpected(of_module(name, std::move(instance.error())));
    auto frozen = run_start_without_host(**instance, options.start_timeout);
    if (!frozen) return std::unexpected(of_module(name, std::move(frozen.error())));
    if (!*frozen) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("module \"{}\": its start function calls the host. Only that of a main module may, which "
                              "runs after each reset; export it and let the main module's start function call it",
                              wasm::printable_name(name)));
    }
    store.names.insert_or_assign(name, (*instance)->number);
  }
  return {};
}

/// The members of a group, with their start functions run by the host's functions.
Result<void> add_group(const detail::LinkerState& linker, StoreState& store, const SnapshotOptions& options) {
  TRY(store.host_states.add(linker.states));
  for (const detail::GroupMember& member : linker.group) {
    auto linked = TRY(detail::link_member(member, linker, store));
    auto instance = TRY(add_instance(std::move(linked), store));
    TRY(detail::run_start(*instance, detail::deadline_in(options.start_timeout)));
  }
  return {};
}

/// What a group does before its snapshot is taken.
Result<void> run_initializer(const detail::GroupInitializer& initialize, StoreState& store,
                             const SnapshotOptions& options) {
  if (!initialize) return {};
  store.deadline.store(detail::deadline_in(options.start_timeout), std::memory_order_relaxed);
  auto initialized = initialize(store);
  store.deadline.store(detail::kNoDeadline, std::memory_order_relaxed);
  store.fuel = detail::kAllFuel;
  return initialized;
}

/// Calls the functions of the prelude in a store's main instance.
Result<void> run_prelude(StoreState& store, const SnapshotOptions& options) {
  for (const std::string& name : options.prelude) {
    auto refuse = [&name](Error error) {
      error.message = fmt::format("the prelude \"{}\": {}", wasm::printable_name(name), error.message);
      return std::unexpected(std::move(error));
    };
    Instance& main = store.main();
    const auto found = main.linked->find_export(name, ExternalKind::kFunction);
    if (!found) return refuse(found.error());
    const FunctionType& type = main.linked->wasm().function_type(found->index);
    if (!type.parameters.empty()) {
      return refuse({ErrorCode::kArgument,
                     fmt::format("it is {}, and must take no parameters", to_string(type)),
                     std::nullopt,
                     TrapKind::kNone,
                     {}});
    }
    store.deadline.store(detail::deadline_in(options.start_timeout), std::memory_order_relaxed);
    auto called = detail::call_export(main, name, {});
    store.deadline.store(detail::kNoDeadline, std::memory_order_relaxed);
    store.fuel = detail::kAllFuel;
    if (!called) return refuse(std::move(called.error()));
  }
  return {};
}

}  // namespace

Ledger ledger_of(const StoreState& store) noexcept {
  const Ledger wanted = store.main().linked->module->ledger;
  const bool marks =
      std::ranges::all_of(store.instances, [](const auto& each) { return each->linked->module->options.marks; });
  if (wanted != Ledger::kCards || marks) return wanted;
  return os::has_pagemap_scan() ? Ledger::kPagemap : Ledger::kCow;
}

bool keeps_growth(const StoreState& store) noexcept {
  return std::ranges::all_of(store.instances,
                             [](const auto& each) { return each->linked->module->options.explicit_bounds; });
}

Result<Snapshot> take_store(const StoreState& store, bool mapped, bool look_at_cards) {
  Snapshot snapshot;
  snapshot.names = store.names;
  if (store.instances.empty()) return snapshot;
  snapshot.ledger = ledger_of(store);
  // Under the other ledgers a restore needs cells that map the image.
  if (!mapped && snapshot.ledger != Ledger::kCards) snapshot.ledger = Ledger::kCow;
  const Look look{mapped ? std::optional(snapshot.ledger) : std::nullopt, look_at_cards, mapped};
  for (const auto& instance : store.instances) {
    auto image = take_instance(*instance, look);
    if (!image) {
      Error error = std::move(image.error());
      const std::string_view name = store.name_of(*instance);
      if (!name.empty()) error.message = fmt::format("instance \"{}\": {}", wasm::printable_name(name), error.message);
      return std::unexpected(std::move(error));
    }
    snapshot.instances.push_back(std::move(*image));
  }
  snapshot.keeps_growth = mapped && keeps_growth(store);
  return snapshot;
}

Result<std::unique_ptr<StoreState>> instantiate(const Snapshot& snapshot, bool run_start) {
  if (snapshot.from_file) {
    auto made = TRY(make_store(snapshot));
    TRY(made->host_states.add(snapshot.states));
    return made;
  }
  auto store = std::make_unique<StoreState>();
  store->names = snapshot.names;
  store->growable_bytes = snapshot.maximum_memory_bytes;
  TRY(store->host_states.add(snapshot.states));
  for (std::size_t i = 0; i < snapshot.instances.size(); ++i) {
    auto instance = TRY(add_instance(snapshot.instances[i].linked, *store));
    const bool is_main = i + 1 == snapshot.instances.size();
    if (is_main && snapshot.start_after_restore && !run_start) return store;
    TRY(detail::run_start(*instance, detail::deadline_in(snapshot.options.start_timeout)));
  }
  TRY(run_prelude(*store, snapshot.options));
  TRY(run_initializer(snapshot.initialize_group, *store, snapshot.options));
  // What they did to the host's states is not part of the snapshot, and so of no instance.
  store->host_states.keep(0);
  TRY(store->host_states.add(snapshot.states));
  return store;
}

namespace {

/// The snapshot of a store that is as its instances are to begin.
Result<Snapshot> finish_taking(std::unique_ptr<StoreState> store, const detail::LinkerState& linker,
                               const SnapshotOptions& options, std::uint64_t maximum_memory_bytes,
                               bool start_after_restore) {
  // What was mapped as zero was written by code and library functions only, which mark.
  const bool marks =
      std::ranges::all_of(store->instances, [](const auto& each) { return each->linked->module->options.marks; });
  auto snapshot = take_store(*store, true, marks);
  if (!snapshot) return snapshot;
  snapshot->start_after_restore = start_after_restore;
  snapshot->options = options;
  snapshot->maximum_memory_bytes = maximum_memory_bytes;
  snapshot->states = linker.states;
  snapshot->is_group = !linker.group.empty();
  snapshot->initialize_group = linker.initialize_group;
  store->host_states.keep(0);
  snapshot->original = std::move(store);
  return snapshot;
}

}  // namespace

Result<Snapshot> Snapshot::take(std::shared_ptr<const detail::ModuleState> module, const detail::LinkerState& linker,
                                const SnapshotOptions& options, std::uint64_t maximum_memory_bytes) {
  if (module->saved) return take_saved(std::move(module), linker, options, maximum_memory_bytes);
  if (linker.saved_group) return take_saved_group(linker, options, maximum_memory_bytes);
  auto store = std::make_unique<StoreState>();
  store->growable_bytes = maximum_memory_bytes;
  if (!linker.group.empty()) {
    TRY(add_group(linker, *store, options));
    TRY(run_initializer(linker.initialize_group, *store, options));
    return finish_taking(std::move(store), linker, options, maximum_memory_bytes, false);
  }
  TRY(add_named_instances(linker, *store, options));
  auto linked = TRY(detail::link(std::move(module), linker, *store, options.extra_memory_pages));
  auto instance = TRY(add_instance(std::move(linked), *store));

  // Host functions that run now find states that are theirs.
  if (options.freeze_start || !options.prelude.empty()) TRY(store->host_states.add(linker.states));
  bool start_after_restore = false;
  if (options.freeze_start) {
    TRY(detail::run_start(*instance, detail::deadline_in(options.start_timeout)));
  } else if (instance->linked->wasm().start) {
    auto frozen = TRY(run_start_without_host(*instance, options.start_timeout));
    start_after_restore = !frozen;
  }
  if (start_after_restore) {
    if (!options.prelude.empty()) {
      return fail(ErrorCode::kArgument,
                  "the start function calls the host, so it runs after each reset; a prelude would run before it: set "
                  "SnapshotOptions::freeze_start (--freeze-start), or do without the prelude");
    }
    // What the start function did before it was stopped is undone by making the store anew.
    Snapshot stopped;
    stopped.names = store->names;
    stopped.options = options;
    stopped.maximum_memory_bytes = maximum_memory_bytes;
    stopped.start_after_restore = true;
    for (const auto& each : store->instances) stopped.instances.emplace_back().linked = each->linked;
    auto again = TRY(instantiate(stopped, false));
    store = std::move(again);
  } else if (!options.prelude.empty()) {
    TRY(run_prelude(*store, options));
  }

  return finish_taking(std::move(store), linker, options, maximum_memory_bytes, start_after_restore);
}

std::uint64_t Snapshot::memory_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (const InstanceImage& instance : instances) {
    for (const MemoryImage& memory : instance.memories) bytes += memory.bytes;
    for (const TableImage& table : instance.tables) bytes += table.size * sizeof(std::uint64_t);
  }
  return bytes;
}

Result<Snapshot> Snapshot::of(const StoreState& store) { return take_store(store, false, false); }

}  // namespace anew::reset
