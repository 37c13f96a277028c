// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// These functions run on a guest stack, in guest state: a fault on the guest stack's guard or a stop from outside ends
// them at any instruction, and nothing is undone. So they take no lock, allocate nothing and keep no state outside the
// cell; and each leaves the cell so that a restore works wherever it was stopped. This file is compiled with frame
// pointers, for backtraces, and without PLT calls, because the dynamic linker must not run here (CMakeLists.txt).
#include "runtime/library.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "abi/planted_fault.hpp"
#include "runtime/exception_room.hpp"
#include "runtime/fuel.hpp"
#include "runtime/store_state.hpp"

namespace anew::detail {
namespace {

constexpr std::uint64_t kRefused = ~std::uint64_t{0};

constexpr std::uint32_t code(TrapKind kind) noexcept { return static_cast<std::uint32_t>(kind); }

/// Whether [begin, begin + count) lies in [0, size). Written so that no sum can overflow.
constexpr bool in_bounds(std::uint64_t begin, std::uint64_t count, std::uint64_t size) noexcept {
  return count <= size && begin <= size - count;
}

bool is_dropped(const Instance& instance, std::int32_t displacement) noexcept {
  return *instance.at<std::uint8_t>(displacement) != 0;
}

std::uint64_t size_of(const abi::MemoryReference& memory) noexcept { return abi::hot_header(memory.base).memory_bytes; }

/// Too little fuel for it is found by the throw that follows.
std::uint64_t new_exception(std::byte* cell, std::uint32_t tag) noexcept {
  const Instance& instance = instance_of(cell);
  const wasm::Module& module = instance.linked->wasm();
  (void)charge(instance, module.types[module.tags[tag].type].parameters.size(), kElementsPerUnit);
  return reinterpret_cast<std::uint64_t>(make_exception(cell, tag));  // an exnref's bits are its address
}

std::uint64_t memory_grow(std::byte* cell, std::uint64_t delta_pages, std::uint32_t memory) noexcept {
  const Instance& instance = instance_of(cell);
  std::byte* const base = instance.memory(memory).base;
  const abi::HotHeader& header = abi::hot_header(base);
  if (delta_pages > (header.memory_maximum - header.memory_bytes) / abi::kWasmPageBytes) return kRefused;
  if (!charge(instance, delta_pages * abi::kWasmPageBytes, kBytesPerUnit)) return kRefused;
  return grow_memory(base, delta_pages);
}

std::uint32_t memory_fill(std::byte* cell, std::uint64_t destination, std::uint32_t value, std::uint64_t count,
                          std::uint32_t memory) noexcept {
  const Instance& instance = instance_of(cell);
  const abi::MemoryReference& to = instance.memory(memory);
  if (!in_bounds(destination, count, size_of(to))) return code(TrapKind::kMemoryOutOfBounds);
  if (!charge(instance, count, kBytesPerUnit)) return code(TrapKind::kOutOfFuel);
  mark_written(to, destination, count);
  std::memset(to.base + destination, static_cast<int>(value & 0xFF), count);
  return 0;
}

std::uint32_t memory_copy(std::byte* cell, std::uint64_t destination, std::uint64_t source, std::uint64_t count,
                          std::uint32_t destination_memory, std::uint32_t source_memory) noexcept {
  const Instance& instance = instance_of(cell);
  const abi::MemoryReference& to = instance.memory(destination_memory);
  const abi::MemoryReference& from = instance.memory(source_memory);
  if (!in_bounds(destination, count, size_of(to)) || !in_bounds(source, count, size_of(from)))
    return code(TrapKind::kMemoryOutOfBounds);
  if (!charge(instance, count, kBytesPerUnit)) return code(TrapKind::kOutOfFuel);
  mark_written(to, destination, count);
  std::memmove(to.base + destination, from.base + source, count);
  return 0;
}

std::uint32_t memory_init(std::byte* cell, std::uint64_t destination, std::uint32_t source, std::uint32_t count,
                          std::uint32_t segment, std::uint32_t memory) noexcept {
  const Instance& instance = instance_of(cell);
  const abi::MemoryReference& to = instance.memory(memory);
  BytesView bytes = instance.linked->wasm().data[segment].bytes;
  if (is_dropped(instance, instance.layout().dropped_data(segment))) bytes = {};
  if (!in_bounds(destination, count, size_of(to)) || !in_bounds(source, count, bytes.size()))
    return code(TrapKind::kMemoryOutOfBounds);
  if (!charge(instance, count, kBytesPerUnit)) return code(TrapKind::kOutOfFuel);
  if (count == 0) return 0;
  mark_written(to, destination, count);
  std::memcpy(to.base + destination, bytes.data() + source, count);
  return 0;
}

std::uint64_t table_grow(std::byte* cell, std::uint64_t value, std::uint64_t delta, std::uint32_t table) noexcept {
  const Instance& instance = instance_of(cell);
  std::uint64_t* const elements = instance.table(table);
  abi::TableHeader& header = table_header(elements);
  const std::uint64_t old_size = header.size;
  if (delta > header.maximum - old_size || !charge(instance, delta, kElementsPerUnit)) return kRefused;
  if (!instance.store->take_bytes(delta * sizeof(*elements))) return kRefused;
  // In this order, also when compiled, since a guest may be stopped in between: a restore looks at tables that are
  // noted as written, and at what is below their size.
  header.written = 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  header.size = old_size + delta;
  if (value == 0) return old_size;  // new elements are null already (invariant C6)
  mark_elements(elements, old_size, delta);
  std::fill_n(elements + old_size, delta, value);
  return old_size;
}

std::uint32_t table_fill(std::byte* cell, std::uint64_t index, std::uint64_t value, std::uint64_t count,
                         std::uint32_t table) noexcept {
  const Instance& instance = instance_of(cell);
  std::uint64_t* const elements = instance.table(table);
  abi::TableHeader& header = table_header(elements);
  if (!in_bounds(index, count, header.size)) return code(TrapKind::kTableOutOfBounds);
  if (!charge(instance, count, kElementsPerUnit)) return code(TrapKind::kOutOfFuel);
  if constexpr (!abi::is_planted(abi::PlantedFault::kTableNote)) mark_elements(elements, index, count);
  std::fill_n(elements + index, count, value);
  return 0;
}

std::uint32_t table_copy(std::byte* cell, std::uint64_t destination, std::uint64_t source, std::uint64_t count,
                         std::uint32_t destination_table, std::uint32_t source_table) noexcept {
  const Instance& instance = instance_of(cell);
  std::uint64_t* const to = instance.table(destination_table);
  std::uint64_t* const from = instance.table(source_table);
  if (!in_bounds(destination, count, table_header(to).size) || !in_bounds(source, count, table_header(from).size))
    return code(TrapKind::kTableOutOfBounds);
  if (!charge(instance, count, kElementsPerUnit)) return code(TrapKind::kOutOfFuel);
  mark_elements(to, destination, count);
  // In bounds of a table, so at most limits::kTableElements: the product cannot overflow.
  std::memmove(to + destination, from + source, count * sizeof(std::uint64_t));
  return 0;
}

std::uint32_t table_init(std::byte* cell, std::uint64_t destination, std::uint32_t source, std::uint32_t count,
                         std::uint32_t table, std::uint32_t segment) noexcept {
  const Instance& instance = instance_of(cell);
  std::span<const wasm::ConstantOperator> from = instance.linked->wasm().elements[segment].elements;
  if (is_dropped(instance, instance.layout().dropped_elements(segment))) from = {};
  std::uint64_t* const elements = instance.table(table);
  abi::TableHeader& header = table_header(elements);
  if (!in_bounds(destination, count, header.size) || !in_bounds(source, count, from.size()))
    return code(TrapKind::kTableOutOfBounds);
  if (!charge(instance, count, kElementsPerUnit)) return code(TrapKind::kOutOfFuel);
  mark_elements(elements, destination, count);
  for (std::uint32_t i = 0; i < count; ++i) {
    // A constant expression of reference type is one operator: none takes a reference as an operand.
    elements[destination + i] = constant_value(instance, from[source + i])[0];
  }
  return 0;
}

std::uint32_t is_reference_of(std::byte* cell, std::uint64_t reference, std::uint32_t type_number) noexcept {
  const auto type = static_cast<ValueType>(type_number);  // compiled code passes types of its module
  if (reference == 0) return is_nullable(type) ? 1 : 0;
  if (is_typed_reference(type)) {
    // What is not null in this hierarchy is a FunctionReference.
    const auto& function = *reinterpret_cast<const abi::FunctionReference*>(reference);
    return is_of_type(function, instance_of(cell).linked->type_scope(), type_index(type)) ? 1 : 0;
  }
  // The top of the hierarchy has all that is not null; what is below it and not typed, null alone.
  return with_null(type) == wasm::top_of(type) ? 1 : 0;
}

}  // namespace

const abi::Library& library() noexcept {
  static constexpr abi::Library kLibrary = {
      .trap = abi::anew_trap,
      .call_host = abi::anew_call_host,
      .throw_exception = abi::anew_throw,
      .call_other = abi::anew_call_other,
      .tail_call = abi::anew_tail_call,
      .new_exception = new_exception,
      .memory_grow = memory_grow,
      .memory_fill = memory_fill,
      .memory_copy = memory_copy,
      .memory_init = memory_init,
      .table_grow = table_grow,
      .table_fill = table_fill,
      .table_copy = table_copy,
      .table_init = table_init,
      .is_reference_of = is_reference_of,
  };
  return kLibrary;
}

wasm::Vector constant_value(const Instance& instance, const wasm::ConstantOperator& op) noexcept {
  const auto index = static_cast<std::uint32_t>(op.immediate);  // where it is one, a validated one
  const wasm::Module& module = instance.linked->wasm();
  switch (op.op) {
    case wasm::Op::kGlobalGet: {
      const std::uint64_t* const slots = instance.global(index);
      return {slots[0], slots_of(module.globals[index].type.type) == 2 ? slots[1] : 0};
    }
    case wasm::Op::kRefFunc: return {instance.reference_to(index), 0};
    case wasm::Op::kRefNull: return {};
    case wasm::Op::kV128Const: return module.vectors[index];
    default: return {op.immediate, 0};  // t.const: its bits
  }
}

std::uint64_t grow_memory(std::byte* base, std::uint64_t delta_pages) noexcept {
  abi::HotHeader& header = abi::hot_header(base);
  const std::uint64_t old_bytes = header.memory_bytes;
  const std::uint64_t old_pages = old_bytes / abi::kWasmPageBytes;
  if (delta_pages > (header.memory_maximum - old_bytes) / abi::kWasmPageBytes) return kRefused;
  if (delta_pages == 0) return old_pages;
  Instance& instance = instance_of(base);
  const std::uint64_t new_bytes = old_bytes + delta_pages * abi::kWasmPageBytes;
  if (!instance.store->take_bytes(new_bytes - old_bytes)) return kRefused;
  // In this order, since a guest may be stopped in between: whatever is accessible lies below memory_reached or is as
  // the last restore left it, and whatever is in memory_bytes is accessible.
  header.memory_reached = std::max(header.memory_reached, new_bytes);
  MemoryRegion& region = instance.region_of(base);
  if (new_bytes > region.accessible) {
    if (!os::protect(base + region.accessible, new_bytes - region.accessible, os::Access::kReadWrite)) {
      if (Thread* const thread = current_thread()) ++thread->refused_growths;
      instance.store->give_bytes_back(new_bytes - old_bytes);
      return kRefused;
    }
    region.accessible = new_bytes;
  }
  header.memory_bytes = new_bytes;
  return old_pages;
}

void mark_written(const abi::MemoryReference& memory, std::uint64_t address, std::uint64_t count) noexcept {
  if (count == 0) return;
  if constexpr (abi::is_planted(abi::PlantedFault::kRangeMark)) count = 1;
  const std::uint64_t first = address >> memory.card_shift;
  const std::uint64_t last = (address + count - 1) >> memory.card_shift;
  if (first == last)  // most often
    memory.cards[first] = 1;
  else
    std::memset(memory.cards + first, 1, last - first + 1);
}

void mark_elements(std::uint64_t* elements, std::uint64_t index, std::uint64_t count) noexcept {
  if (count == 0) return;
  if constexpr (abi::is_planted(abi::PlantedFault::kTableRange)) count = 1;
  abi::TableHeader& header = table_header(elements);
  const std::uint64_t first = index >> abi::kTableCardShift;
  // In this order, also when compiled, and both before the elements (invariant C6).
  header.written = 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::memset(header.cards + first, 1, ((index + count - 1) >> abi::kTableCardShift) - first + 1);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace anew::detail
