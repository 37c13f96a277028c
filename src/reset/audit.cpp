// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "reset/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "reset/cards.hpp"

namespace anew::reset {
namespace {

using detail::Instance;

std::string audit_header(const Instance& instance, const Instance& reference) {
  const abi::HotHeader& found = instance.header();
  const abi::HotHeader& expected = reference.header();
  const auto differs = [](const char* what, std::uint64_t is, std::uint64_t should_be) {
    return is == should_be ? std::string() : fmt::format("{}: expected {}, found {}", what, should_be, is);
  };
  if (auto text = differs("size of memory 0", found.memory_bytes, expected.memory_bytes); !text.empty()) return text;
  if (auto text = differs("reached size of memory 0", found.memory_reached, found.memory_bytes); !text.empty()) {
    return text;
  }
  if (auto text = differs("maximum of memory 0", found.memory_maximum, expected.memory_maximum); !text.empty()) {
    return text;
  }
  if (auto text = differs("note that tables were written", found.tables_written, 0); !text.empty()) return text;
  const bool pointers = found.instance == &instance && found.library == expected.library &&
                        found.host_functions == expected.host_functions;
  return pointers ? "" : "the header's pointers: they were overwritten";
}

std::string audit_memory(const Instance& instance, const Instance& reference) {
  const std::uint64_t size = instance.header().memory_bytes;  // audit_header has compared the sizes
  for (std::uint64_t offset = 0; offset < size; offset += os::kPageBytes) {
    const std::byte* const found = instance.cell + offset;
    const std::byte* const expected = reference.cell + offset;
    if (std::memcmp(found, expected, os::kPageBytes) == 0) continue;
    const auto at = static_cast<std::uint64_t>(std::mismatch(found, found + os::kPageBytes, expected).first - found);
    return fmt::format("memory 0, address 0x{:x}: expected 0x{:02x}, found 0x{:02x}", offset + at, expected[at],
                       found[at]);
  }
  return "";
}

std::string audit_cards(const Instance& instance) {
  const std::uint64_t bytes = instance.layout().card_table_bytes();  // a whole number of blocks, see CellLayout
  const std::size_t block = find_dirty_block(instance.cards(), 0, bytes / kBlockCards);
  if (block == bytes / kBlockCards) return "";
  const std::uint8_t* const begin = instance.cards() + block * kBlockCards;
  const std::uint64_t card =
      block * kBlockCards +
      static_cast<std::uint64_t>(std::find_if(begin, begin + kBlockCards, [](auto each) { return each != 0; }) - begin);
  return fmt::format("card {}, of address 0x{:x}: expected clear, found set", card,
                     card << instance.layout().card_shift());
}

/// Bits that mean the same in every cell: a reference becomes its function's number.
std::uint64_t portable(const Instance& instance, ValueType type, std::uint64_t bits) {
  if (type != ValueType::kFuncRef) return bits;
  return instance.function_number(bits).value_or(~std::uint64_t{0});
}

std::string audit_globals(const Instance& instance, const Instance& reference) {
  const auto& globals = instance.linked->wasm().globals;
  for (std::uint32_t i = 0; i < globals.size(); ++i) {
    const ValueType type = globals[i].type.type;
    const std::uint64_t found = portable(instance, type, instance.global(i));
    const std::uint64_t expected = portable(reference, type, reference.global(i));
    if (found != expected) return fmt::format("global {}: expected 0x{:x}, found 0x{:x}", i, expected, found);
  }
  // What is left of the restored block below the globals: a byte a segment.
  const abi::CellLayout& layout = instance.layout();
  const std::int32_t end = layout.global(static_cast<std::uint32_t>(globals.size())) + 8;
  for (std::int32_t at = layout.restored_begin(); at < end; ++at) {
    const std::uint8_t found = *instance.at<std::uint8_t>(at);
    const std::uint8_t expected = *reference.at<std::uint8_t>(at);
    if (found != expected) {
      return fmt::format("dropped segments, byte {}: expected {}, found {}", at - layout.restored_begin(), expected,
                         found);
    }
  }
  return "";
}

std::string audit_tables(const Instance& instance, const Instance& reference) {
  const auto& tables = instance.linked->wasm().tables;
  for (std::uint32_t i = 0; i < tables.size(); ++i) {
    const std::uint64_t size = instance.table_size(i);
    if (size != reference.table_size(i)) {
      return fmt::format("size of table {}: expected {}, found {}", i, reference.table_size(i), size);
    }
    for (std::uint64_t j = 0; j < size; ++j) {
      const std::uint64_t found = portable(instance, tables[i].element, instance.table(i)[j]);
      const std::uint64_t expected = portable(reference, tables[i].element, reference.table(i)[j]);
      if (found != expected) {
        return fmt::format("table {}, element {}: expected {}, found {}", i, j, expected, found);
      }
    }
  }
  return "";
}

/// What no guest can change, and compiled code relies on.
std::string audit_constants(const Instance& instance) {
  const detail::LinkedModule& linked = *instance.linked;
  if (!std::equal(linked.type_ids.begin(), linked.type_ids.end(),
                  instance.at<std::uint32_t>(instance.layout().type_id(0)))) {
    return "the type identities: they were overwritten";
  }
  const auto& functions = linked.wasm().functions;
  for (std::uint32_t i = 0; i < functions.size(); ++i) {
    const abi::FunctionReference& reference = instance.function_references()[i];
    if (reference.type_id != linked.type_ids[functions[i]] || reference.function_index != i ||
        reference.entry != linked.module->code.entry(i) || reference.cell != instance.cell) {
      return fmt::format("the reference to function {}: it was overwritten", i);
    }
  }
  return "";
}

}  // namespace

std::string audit(const Instance& instance, const Instance& reference) {
  if (auto text = audit_header(instance, reference); !text.empty()) return text;
  if (auto text = audit_memory(instance, reference); !text.empty()) return text;
  if (auto text = audit_globals(instance, reference); !text.empty()) return text;
  if (auto text = audit_tables(instance, reference); !text.empty()) return text;
  if (auto text = audit_cards(instance); !text.empty()) return text;
  return audit_constants(instance);
}

}  // namespace anew::reset
