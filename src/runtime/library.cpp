// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// These functions run on a guest stack, in guest state: a fault on the guest stack's guard or a stop from outside ends
// them at any instruction, and nothing is undone. So they take no lock, allocate nothing and keep no state outside the
// cell; and each leaves the cell so that a restore works wherever it was stopped. This file is compiled with frame
// pointers, for backtraces, and without PLT calls, because the dynamic linker must not run here (CMakeLists.txt).
#include "runtime/library.hpp"

#include <cstring>

namespace anew::detail {
namespace {

constexpr std::uint64_t kRefused = 0xFFFF'FFFF;

constexpr std::uint32_t code(TrapKind kind) noexcept { return static_cast<std::uint32_t>(kind); }

/// Whether [begin, begin + count) lies in [0, size). The sums of 32-bit numbers cannot overflow 64 bits.
constexpr bool in_bounds(std::uint32_t begin, std::uint32_t count, std::uint64_t size) noexcept {
  return std::uint64_t{begin} + count <= size;
}

bool is_dropped(const Instance& instance, std::int32_t displacement) noexcept {
  return *instance.at<std::uint8_t>(displacement) != 0;
}

std::uint64_t memory_grow(std::byte* cell, std::uint32_t delta_pages) noexcept {
  abi::HotHeader& header = abi::hot_header(cell);
  const std::uint64_t old_bytes = header.memory_bytes;
  const std::uint64_t old_pages = old_bytes / abi::kWasmPageBytes;
  const std::uint64_t delta_bytes = delta_pages * abi::kWasmPageBytes;  // under 2^48
  if (delta_bytes > header.memory_maximum - old_bytes) return kRefused;
  if (delta_bytes == 0) return old_pages;
  // In this order: whatever is accessible lies below memory_reached, and whatever is in memory_bytes is accessible.
  const std::uint64_t new_bytes = old_bytes + delta_bytes;
  if (new_bytes > header.memory_reached) header.memory_reached = new_bytes;
  if (!os::protect(cell + old_bytes, delta_bytes, os::Access::kReadWrite)) return kRefused;
  header.memory_bytes = new_bytes;
  return old_pages;
}

std::uint32_t memory_fill(std::byte* cell, std::uint32_t destination, std::uint32_t value,
                          std::uint32_t count) noexcept {
  if (!in_bounds(destination, count, abi::hot_header(cell).memory_bytes)) return code(TrapKind::kMemoryOutOfBounds);
  mark_written(cell, destination, count);
  std::memset(cell + destination, static_cast<int>(value & 0xFF), count);
  return 0;
}

std::uint32_t memory_copy(std::byte* cell, std::uint32_t destination, std::uint32_t source,
                          std::uint32_t count) noexcept {
  const std::uint64_t size = abi::hot_header(cell).memory_bytes;
  if (!in_bounds(destination, count, size) || !in_bounds(source, count, size)) {
    return code(TrapKind::kMemoryOutOfBounds);
  }
  mark_written(cell, destination, count);
  std::memmove(cell + destination, cell + source, count);
  return 0;
}

std::uint32_t memory_init(std::byte* cell, std::uint32_t destination, std::uint32_t source, std::uint32_t count,
                          std::uint32_t segment) noexcept {
  const Instance& instance = instance_of(cell);
  wasm::Bytes bytes = instance.linked->wasm().data[segment].bytes;
  if (is_dropped(instance, instance.layout().dropped_data(segment))) bytes = {};
  if (!in_bounds(destination, count, instance.header().memory_bytes) || !in_bounds(source, count, bytes.size())) {
    return code(TrapKind::kMemoryOutOfBounds);
  }
  if (count == 0) return 0;
  mark_written(cell, destination, count);
  std::memcpy(cell + destination, bytes.data() + source, count);
  return 0;
}

void fill_elements(std::uint64_t* elements, std::uint64_t value, std::uint64_t count) noexcept {
  for (std::uint64_t i = 0; i < count; ++i) elements[i] = value;
}

std::uint64_t table_grow(std::byte* cell, std::uint64_t value, std::uint32_t delta, std::uint32_t table) noexcept {
  const Instance& instance = instance_of(cell);
  std::uint64_t& size = instance.table_size(table);
  const std::uint64_t old_size = size;
  // linked_module.cpp has set a maximum for every table.
  if (delta > *instance.linked->tables[table].maximum - old_size) return kRefused;
  instance.header().tables_written = 1;
  // Size first: a restore clears what is below the size. New elements are null until they are filled.
  size = old_size + delta;
  fill_elements(instance.table(table) + old_size, value, delta);
  return old_size;
}

std::uint32_t table_fill(std::byte* cell, std::uint32_t index, std::uint64_t value, std::uint32_t count,
                         std::uint32_t table) noexcept {
  const Instance& instance = instance_of(cell);
  if (!in_bounds(index, count, instance.table_size(table))) return code(TrapKind::kTableOutOfBounds);
  instance.header().tables_written = 1;
  fill_elements(instance.table(table) + index, value, count);
  return 0;
}

std::uint32_t table_copy(std::byte* cell, std::uint32_t destination, std::uint32_t source, std::uint32_t count,
                         std::uint32_t destination_table, std::uint32_t source_table) noexcept {
  const Instance& instance = instance_of(cell);
  if (!in_bounds(destination, count, instance.table_size(destination_table)) ||
      !in_bounds(source, count, instance.table_size(source_table))) {
    return code(TrapKind::kTableOutOfBounds);
  }
  instance.header().tables_written = 1;
  std::memmove(instance.table(destination_table) + destination, instance.table(source_table) + source,
               std::uint64_t{count} * sizeof(std::uint64_t));
  return 0;
}

std::uint32_t table_init(std::byte* cell, std::uint32_t destination, std::uint32_t source, std::uint32_t count,
                         std::uint32_t table, std::uint32_t segment) noexcept {
  const Instance& instance = instance_of(cell);
  std::span<const wasm::ConstantOperator> elements = instance.linked->wasm().elements[segment].elements;
  if (is_dropped(instance, instance.layout().dropped_elements(segment))) elements = {};
  if (!in_bounds(destination, count, instance.table_size(table)) || !in_bounds(source, count, elements.size())) {
    return code(TrapKind::kTableOutOfBounds);
  }
  instance.header().tables_written = 1;
  for (std::uint32_t i = 0; i < count; ++i) {
    // A constant expression of reference type is one operator: none takes a reference as an operand.
    instance.table(table)[destination + i] = constant_value(instance, elements[source + i]);
  }
  return 0;
}

}  // namespace

const abi::Library& library() noexcept {
  static constexpr abi::Library kLibrary = {
      abi::anew_trap, abi::anew_call_host, memory_grow, memory_fill, memory_copy,
      memory_init,    table_grow,          table_fill,  table_copy,  table_init,
  };
  return kLibrary;
}

std::uint64_t constant_value(const Instance& instance, const wasm::ConstantOperator& op) noexcept {
  switch (op.op) {
    case wasm::Op::kGlobalGet: return instance.global(static_cast<std::uint32_t>(op.immediate));  // a validated index
    case wasm::Op::kRefFunc:
      return instance.reference_to(static_cast<std::uint32_t>(op.immediate));  // a validated index
    case wasm::Op::kRefNull: return 0;
    default: return op.immediate;  // t.const: its bits
  }
}

void mark_written(std::byte* cell, std::uint64_t address, std::uint64_t count) noexcept {
  if (count == 0) return;
  const Instance& instance = instance_of(cell);
  const std::uint32_t shift = instance.layout().card_shift();
  const std::uint64_t first = address >> shift;
  const std::uint64_t last = (address + count - 1) >> shift;
  std::memset(instance.cards() + first, 1, last - first + 1);
}

}  // namespace anew::detail
