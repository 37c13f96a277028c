// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "reset/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "reset/cards.hpp"
#include "reset/restore.hpp"
#include "reset/snapshot.hpp"
#include "wasm/printable.hpp"

namespace anew::reset {
namespace {

using detail::Instance;
using detail::StoreState;

std::string differs(std::string_view what, std::uint64_t found, std::uint64_t expected) {
  return found == expected ? std::string() : fmt::format("{}: expected {}, found {}", what, expected, found);
}

std::string audit_sizes(std::uint32_t index, const abi::HotHeader& found, const abi::HotHeader& expected) {
  if (found.memory_bytes != expected.memory_bytes)
    return differs(fmt::format("size of memory {}", index), found.memory_bytes, expected.memory_bytes);
  if (found.memory_reached != found.memory_bytes)
    return differs(fmt::format("reached size of memory {}", index), found.memory_reached, found.memory_bytes);
  return differs(fmt::format("maximum of memory {}", index), found.memory_maximum, expected.memory_maximum);
}

/// @param size  of both memories.
std::string audit_bytes(std::uint32_t index, const std::byte* found, const std::byte* expected, std::uint64_t size) {
  for (std::uint64_t offset = 0; offset < size; offset += os::kPageBytes) {
    const std::byte* const page = found + offset;
    if (std::memcmp(page, expected + offset, os::kPageBytes) == 0) continue;
    const auto at =
        offset + static_cast<std::uint64_t>(std::mismatch(page, page + os::kPageBytes, expected + offset).first - page);
    return fmt::format("memory {}, address 0x{:x}: expected 0x{:02x}, found 0x{:02x}", index, at, expected[at],
                       found[at]);
  }
  return "";
}

std::string audit_growth(std::uint32_t index, const std::byte* memory, std::uint64_t begin, std::uint64_t end) {
  const std::byte* const found =
      std::find_if(memory + begin, memory + std::max(begin, end), [](std::byte each) { return each != std::byte{0}; });
  if (found == memory + std::max(begin, end)) return "";
  return fmt::format("memory {}, address 0x{:x}, past its size: expected 0x00, found 0x{:02x}", index, found - memory,
                     *found);
}

std::string audit_cards(const Instance& instance, std::uint32_t index) {
  // Under other ledgers library functions mark too, and nobody looks.
  if (instance.store->ledger != Ledger::kCards) return "";
  const abi::MemoryReference& memory = instance.memory(index);
  // A whole number of blocks.
  const std::size_t blocks = abi::card_table_bytes(static_cast<std::uint32_t>(memory.card_shift)) / kBlockCards;
  const std::size_t block = find_dirty_block(memory.cards, 0, blocks);
  if (block == blocks) return "";
  const std::uint8_t* const begin = memory.cards + block * kBlockCards;
  const std::uint64_t card =
      block * kBlockCards +
      static_cast<std::uint64_t>(std::find_if(begin, begin + kBlockCards, [](auto each) { return each != 0; }) - begin);
  return fmt::format("card {} of memory {}, of address 0x{:x}: expected clear, found set", card, index,
                     card << memory.card_shift);
}

std::string audit_memories(const Instance& instance, const Instance& reference) {
  const auto count = static_cast<std::uint32_t>(instance.linked->wasm().memories.size());  // limits::kMemories
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!owns_memory(instance, i)) continue;
    const abi::MemoryReference& found = instance.memory(i);
    const abi::MemoryReference& expected = reference.memory(i);
    const abi::HotHeader& header = abi::hot_header(found.base);
    if (auto text = audit_sizes(i, header, abi::hot_header(expected.base)); !text.empty()) return text;
    if (auto text = audit_bytes(i, found.base, expected.base, header.memory_bytes); !text.empty()) return text;
    if (auto text = audit_cards(instance, i); !text.empty()) return text;
    // What the guest would find if it grew the memory, where that stays accessible.
    if (auto text = audit_growth(i, found.base, header.memory_bytes, instance.regions[i].accessible); !text.empty())
      return text;
  }
  return "";
}

/// Bits that mean the same in every store: a reference to a function becomes its number.
std::uint64_t portable(const Instance& instance, ValueType type, std::uint64_t bits) {
  if (!is_function_reference(type)) return bits;
  return instance.store->function_number(bits).value_or(~std::uint64_t{0});
}

std::string audit_globals(const Instance& instance, const Instance& reference) {
  const auto& globals = instance.linked->wasm().globals;
  for (std::uint32_t i = 0; i < globals.size(); ++i) {
    if (!instance.linked->owns_global(i)) continue;
    const ValueType type = globals[i].type.type;
    for (std::uint32_t slot = 0; slot < slots_of(type); ++slot) {
      const std::uint64_t found = portable(instance, type, instance.global(i)[slot]);
      const std::uint64_t expected = portable(reference, type, reference.global(i)[slot]);
      if (found != expected) return fmt::format("global {}: expected 0x{:x}, found 0x{:x}", i, expected, found);
    }
  }
  // What is left of the restored block, at its low end: a byte a segment.
  const wasm::Module& module = instance.linked->wasm();
  const std::int32_t begin = instance.layout().restored_begin();
  const auto end = begin + static_cast<std::int32_t>(module.data.size() + module.elements.size());  // in the layout
  for (std::int32_t at = begin; at < end; ++at) {
    const std::uint8_t found = *instance.at<std::uint8_t>(at);
    const std::uint8_t expected = *reference.at<std::uint8_t>(at);
    if (found != expected)
      return fmt::format("dropped segments, byte {}: expected {}, found {}", at - begin, expected, found);
  }
  return "";
}

/// Elements past a table's size that are looked at; all that it has room for would take long.
constexpr std::uint64_t kAuditedRoom = 4096;

/// That no card of a table is set, and that the guest finds null if it grows the table.
std::string audit_room_of_table(const Instance& instance, std::uint32_t index) {
  const std::uint64_t* const elements = instance.table(index);
  const abi::TableHeader& header = detail::table_header(instance.table(index));
  const std::size_t blocks = table_card_blocks(header.maximum);
  if (const std::size_t block = find_dirty_block(header.cards, 0, blocks); block != blocks) {
    return fmt::format("a card of {} to {} of table {}: expected clear, found set", block * kBlockCards,
                       (block + 1) * kBlockCards - 1, index);
  }
  const std::uint64_t end = std::min(header.size + kAuditedRoom, header.maximum);
  for (std::uint64_t i = header.size; i < end; ++i)
    if (elements[i] != 0) return fmt::format("table {}, element {}, past its size: not null", index, i);
  return "";
}

std::string audit_tables(const Instance& instance, const Instance& reference) {
  const auto& tables = instance.linked->wasm().tables;
  for (std::uint32_t i = 0; i < tables.size(); ++i) {
    if (!owns_table(instance, i)) continue;
    const abi::TableHeader& found = detail::table_header(instance.table(i));
    const abi::TableHeader& expected = detail::table_header(reference.table(i));
    if (found.size != expected.size) return differs(fmt::format("size of table {}", i), found.size, expected.size);
    if (found.maximum != expected.maximum)
      return differs(fmt::format("maximum of table {}", i), found.maximum, expected.maximum);
    if (found.written != 0) return differs(fmt::format("note that table {} was written", i), found.written, 0);
    for (std::uint64_t j = 0; j < found.size; ++j) {
      const std::uint64_t is = portable(instance, tables[i].element, instance.table(i)[j]);
      const std::uint64_t should_be = portable(reference, tables[i].element, reference.table(i)[j]);
      if (is != should_be) return differs(fmt::format("table {}, element {}", i, j), is, should_be);
    }
    if (auto text = audit_room_of_table(instance, i); !text.empty()) return text;
  }
  return "";
}

// --- what no guest can change, and compiled code relies on ----------------------------------------------------------

std::string audit_header(const Instance& instance) {
  const abi::HotHeader& header = instance.header();
  if (header.exception_bytes != 0) return differs("bytes of exceptions", header.exception_bytes, 0);
  const bool pointers = header.instance == &instance && header.library != nullptr &&
                        header.host_functions == instance.linked->host_functions.data();
  return pointers ? "" : "the header's pointers: they were overwritten";
}

bool same(const abi::MemoryReference& one, const abi::MemoryReference& other) noexcept {
  return one.base == other.base && one.cards == other.cards && one.card_shift == other.card_shift;
}
bool same(const abi::FunctionReference& one, const abi::FunctionReference& other) noexcept {
  return one.type_id == other.type_id && one.function_index == other.function_index && one.entry == other.entry &&
         one.cell == other.cell;
}

/// Links lead to what the module is linked to.
std::string audit_links(const Instance& instance) {
  const detail::LinkedModule& linked = *instance.linked;
  const wasm::Module& module = linked.wasm();
  const abi::CellLayout& layout = instance.layout();
  const auto broken = [](const char* what, std::size_t index) {
    return fmt::format("the link to {} {}: it was overwritten", what, index);
  };
  const auto other = [&](const detail::Source& source) -> const Instance& {
    return *instance.store->instances[source.instance];
  };
  for (std::uint32_t i = 0; i < module.memories.size(); ++i) {
    const detail::Source source = linked.memory_source(i);
    const abi::MemoryReference& found = instance.memory(i);
    if (!source.is_own()) {
      if (!same(found, other(source).memory(source.index))) return broken("memory", i);
      continue;
    }
    // A further memory's card table is at the low end of its region.
    const abi::MemoryReference expected =
        i == 0 ? abi::MemoryReference{instance.cell, instance.at<std::uint8_t>(layout.cards()), layout.card_shift()}
               : abi::MemoryReference{instance.regions[i].base,
                                      reinterpret_cast<std::uint8_t*>(instance.regions[i].mapping.data()),
                                      layout.card_shift()};
    if (!same(found, expected)) return broken("memory", i);
  }
  for (std::uint32_t i = 0; i < module.imported_tables; ++i) {
    const detail::Source source = linked.table_source(i);
    const std::uint64_t* const expected =
        source.is_own() ? instance.at<std::uint64_t>(layout.table_elements(i)) : other(source).table(source.index);
    if (instance.table(i) != expected) return broken("table", i);
  }
  for (std::uint32_t i = 0; i < module.imported_globals; ++i) {
    if (!layout.is_linked_global(i)) continue;
    const detail::Source source = linked.globals[i];
    const std::uint64_t* const expected =
        source.is_own() ? instance.at<std::uint64_t>(layout.global_value(i)) : other(source).global(source.index);
    if (instance.global(i) != expected) return broken("global", i);
  }
  for (std::uint32_t i = 0; i < module.tags.size(); ++i) {
    const void* const found = *instance.at<const void*>(layout.tag(i));
    // A tag of the module itself has its own place for its identity.
    const void* expected = static_cast<const void*>(instance.cell + layout.tag(i));
    if (i < module.imported_tags) {
      const Instance& owner = other(linked.tags[i]);
      expected = *owner.at<const void*>(owner.layout().tag(linked.tags[i].index));
    }
    if (found != expected) return broken("tag", i);
  }
  return "";
}

std::string audit_functions(const Instance& instance) {
  const detail::LinkedModule& linked = *instance.linked;
  if (!std::equal(linked.type_ids.begin(), linked.type_ids.end(),
                  instance.at<std::uint32_t>(instance.layout().type_id(0)))) {
    return "the type identities: they were overwritten";
  }
  const auto& functions = linked.wasm().functions;
  for (std::uint32_t i = 0; i < functions.size(); ++i) {
    abi::FunctionReference expected{linked.type_ids[functions[i]], i, linked.module->code.entry(i), instance.cell};
    if (i < linked.functions.size() && !linked.functions[i].is_own()) {
      const detail::Source source = linked.functions[i];
      expected = instance.store->instances[source.instance]->function_references()[source.index];
    }
    if (!same(instance.function_references()[i], expected))
      return fmt::format("the reference to function {}: it was overwritten", i);
  }
  return "";
}

std::string audit_instance(const Instance& instance, const Instance& reference) {
  if (auto text = audit_header(instance); !text.empty()) return text;
  // Before the links are followed.
  if (auto text = audit_links(instance); !text.empty()) return text;
  if (auto text = audit_memories(instance, reference); !text.empty()) return text;
  if (auto text = audit_globals(instance, reference); !text.empty()) return text;
  if (auto text = audit_tables(instance, reference); !text.empty()) return text;
  return audit_functions(instance);
}

std::string audit_growth_count(const StoreState& store) {
  return differs("bytes that memories and tables grew by", store.grown_bytes, 0);
}

std::string in_instance(const StoreState& store, std::size_t number, std::string text) {
  if (text.empty() || store.instances.size() == 1) return text;
  const std::string_view name = store.name_of(*store.instances[number]);
  return name.empty() ? fmt::format("instance {}: {}", number, text)
                      : fmt::format("instance \"{}\": {}", wasm::printable_name(name), text);
}

std::vector<std::byte> copy_bytes(const std::byte* begin, const std::byte* end) { return {begin, end}; }

struct Stretch {
  const std::byte* begin;
  const std::byte* end;
};
Stretch constants_of(const Instance& instance) {
  return {instance.cell + instance.layout().function_reference(0), instance.cell + instance.layout().cards()};
}
Stretch links_of(const Instance& instance) {
  const std::uint64_t cards = instance.layout().has_memory() ? instance.layout().card_table_bytes() : 0;
  return {instance.cell + instance.layout().cards() + cards, instance.cell - sizeof(abi::HotHeader)};
}
Stretch table_of(const Instance& instance, std::uint32_t table) {
  const std::uint64_t* const elements = instance.table(table);
  const abi::TableHeader* const header = &detail::table_header(instance.table(table));
  // std::byte may view any object.
  return {reinterpret_cast<const std::byte*>(header), reinterpret_cast<const std::byte*>(elements + header->size)};
}

/// @param where  for the message.
std::string compare_bytes(std::string_view where, const std::vector<std::byte>& expected, Stretch found) {
  const auto size = static_cast<std::size_t>(found.end - found.begin);
  if (size != expected.size()) return differs(fmt::format("size of {}", where), size, expected.size());
  if (size == 0 || std::memcmp(found.begin, expected.data(), size) == 0) return "";
  const auto at = std::mismatch(expected.begin(), expected.end(), found.begin);
  return fmt::format("{}, byte {}: expected 0x{:02x}, found 0x{:02x}", where, at.first - expected.begin(), *at.first,
                     *at.second);
}

}  // namespace

std::string audit(const StoreState& store, const StoreState& reference) {
  if (auto text = audit_growth_count(store); !text.empty()) return text;
  for (std::size_t i = 0; i < reference.instances.size(); ++i) {
    std::string text = audit_instance(*store.instances[i], *reference.instances[i]);
    if (!text.empty()) return in_instance(store, i, std::move(text));
  }
  return "";
}

StateCopy::StateCopy(const StoreState& store) {
  for (const auto& instance : store.instances) {
    Copy copy;
    const Stretch constants = constants_of(*instance);
    const Stretch links = links_of(*instance);
    copy.constants = copy_bytes(constants.begin, constants.end);
    copy.links = copy_bytes(links.begin, links.end);
    const wasm::Module& module = instance->linked->wasm();
    for (std::uint32_t i = 0; i < module.memories.size(); ++i) {
      if (!owns_memory(*instance, i)) continue;
      const std::byte* const base = instance->memory(i).base;
      const abi::HotHeader& header = abi::hot_header(instance->memory(i).base);
      copy.memories.push_back({copy_bytes(base, base + header.memory_bytes), header.memory_maximum});
    }
    for (std::uint32_t i = 0; i < module.tables.size(); ++i) {
      if (!owns_table(*instance, i)) continue;
      const Stretch table = table_of(*instance, i);
      copy.tables.push_back(copy_bytes(table.begin, table.end));
    }
    instances_.push_back(std::move(copy));
  }
}

std::string StateCopy::compare(const StoreState& store) const {
  if (store.instances.size() != instances_.size())
    return differs("number of instances", store.instances.size(), instances_.size());
  if (auto text = audit_growth_count(store); !text.empty()) return text;
  for (std::size_t i = 0; i < instances_.size(); ++i)
    if (auto text = compare_instance(*store.instances[i], instances_[i]); !text.empty())
      return in_instance(store, i, std::move(text));
  return "";
}

std::string StateCopy::compare_instance(const detail::Instance& instance, const Copy& copy) {
  if (auto text = audit_header(instance); !text.empty()) return text;
  if (auto text = compare_bytes("constants", copy.constants, constants_of(instance)); !text.empty()) return text;
  if (auto text = compare_bytes("links, segments and globals", copy.links, links_of(instance)); !text.empty())
    return text;
  const wasm::Module& module = instance.linked->wasm();
  auto memory = copy.memories.begin();
  for (std::uint32_t i = 0; i < module.memories.size(); ++i) {
    if (!owns_memory(instance, i)) continue;
    const abi::MemoryReference& reference = instance.memory(i);
    const abi::HotHeader& header = abi::hot_header(reference.base);
    const std::string where = fmt::format("memory {}", i);
    if (auto text = compare_bytes(where, memory->bytes, {reference.base, reference.base + header.memory_bytes});
        !text.empty()) {
      return text;
    }
    if (auto text = differs("reached size of " + where, header.memory_reached, header.memory_bytes); !text.empty())
      return text;
    if (auto text = differs("maximum of " + where, header.memory_maximum, memory->maximum); !text.empty()) return text;
    ++memory;
    if (auto text = audit_cards(instance, i); !text.empty()) return text;
  }
  auto table = copy.tables.begin();
  for (std::uint32_t i = 0; i < module.tables.size(); ++i) {
    if (!owns_table(instance, i)) continue;
    if (auto text = compare_bytes(fmt::format("table {}", i), *table++, table_of(instance, i)); !text.empty())
      return text;
    if (auto text = audit_room_of_table(instance, i); !text.empty()) return text;
  }
  return "";
}

}  // namespace anew::reset
