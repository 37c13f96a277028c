// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators on whole memories and tables, on segments and on references: a part of validator_inl.hpp. Included by
// validator.hpp only.
#pragma once

#include "wasm/validator.hpp"

namespace anew::wasm {

/// The type of a count of what is copied between two memories or tables: it is within both.
[[nodiscard]] constexpr ValueType smaller_address(ValueType first, ValueType second) noexcept {
  return first == ValueType::kI64 ? second : first;
}

// The operators of one byte that are too rare for the switch in operators().
template <typename Sink>
bool FunctionValidator::rare_operator(Op op, Sink& sink) {
  if (!accepted(op)) return false;
  switch (op) {
    case Op::kTry:
    case Op::kTryTable: return open_block(op, sink);
    case Op::kCatch:
    case Op::kCatchAll: return catch_block(op, sink);
    case Op::kDelegate: return delegate(sink);
    case Op::kRethrow: return rethrow(sink);
    case Op::kThrow:
    case Op::kThrowRef: return throw_operator(op, sink);
    case Op::kBrOnNull:
    case Op::kBrOnNonNull: return branch_operator(op, sink);
    case Op::kCallRef:
    case Op::kReturnCall:
    case Op::kReturnCallIndirect:
    case Op::kReturnCallRef: return call_operator(op, sink);
    case Op::kMemorySize:
    case Op::kMemoryGrow: return memory_operator(op, sink);
    case Op::kTableGet:
    case Op::kTableSet: return table_operator(op, sink);
    case Op::kRefNull:
    case Op::kRefIsNull:
    case Op::kRefFunc:
    case Op::kRefAsNonNull: return reference_operator(op, sink);
    default: return illegal_opcode(static_cast<std::uint8_t>(op));  // a code of one byte
  }
}

template <typename Sink>
bool FunctionValidator::memory_operator(Op op, Sink& sink) {
  std::uint32_t memory = 0;
  std::uint32_t index = 0;  // of the segment, or of the source memory
  if (op == Op::kDataDrop) {
    if (!data_index(index)) return false;
    if (live(sink)) sink.data_drop(index);
    return true;
  }
  if ((op == Op::kMemoryInit && !data_index(index)) || !memory_index(memory)) return false;
  const ValueType address = module_.memory_address(memory);
  switch (op) {
    case Op::kMemorySize:
      if (!push(address)) return false;
      if (live(sink)) sink.memory_size(memory);
      return true;
    case Op::kMemoryGrow:
      if (!pop(address) || !push(address)) return false;
      if (live(sink)) sink.memory_grow(memory);
      return true;
    case Op::kMemoryInit:
      if (!pop(std::array{address, ValueType::kI32, ValueType::kI32})) return false;
      if (live(sink)) sink.memory_init(index, memory);
      return true;
    case Op::kMemoryCopy: {
      if (!memory_index(index)) return false;
      const ValueType source = module_.memory_address(index);
      if (!pop(std::array{address, source, smaller_address(address, source)})) return false;
      if (live(sink)) sink.memory_copy(memory, index);
      return true;
    }
    default:  // kMemoryFill
      if (!pop(std::array{address, ValueType::kI32, address})) return false;
      if (live(sink)) sink.memory_fill(memory);
      return true;
  }
}

template <typename Sink>
bool FunctionValidator::table_operator(Op op, Sink& sink) {
  std::uint32_t index = 0;  // of the segment, or of the source table
  std::uint32_t table = 0;
  if (op == Op::kTableInit || op == Op::kElemDrop) {
    if (!element_index(index)) return false;
    if (op == Op::kElemDrop) {
      if (live(sink)) sink.elem_drop(index);
      return true;
    }
  }
  if (!table_index(table)) return false;
  const ValueType element = module_.tables[table].element;
  const ValueType address = module_.table_address(table);
  switch (op) {
    case Op::kTableGet:
      if (!pop(address) || !push(element)) return false;
      if (live(sink)) sink.table_get(table);
      return true;
    case Op::kTableSet:
      if (!pop(std::array{address, element})) return false;
      if (live(sink)) sink.table_set(table);
      return true;
    case Op::kTableInit:
      if (!is_subtype(module_.declarations, module_.elements[index].type, element))
        return invalid("type mismatch: the element segment holds what the table may not");
      if (!pop(std::array{address, ValueType::kI32, ValueType::kI32})) return false;
      if (live(sink)) sink.table_init(index, table);
      return true;
    case Op::kTableCopy: {
      if (!table_index(index)) return false;
      if (!is_subtype(module_.declarations, module_.tables[index].element, element))
        return invalid("type mismatch: the source table holds what the destination may not");
      const ValueType source = module_.table_address(index);
      if (!pop(std::array{address, source, smaller_address(address, source)})) return false;
      if (live(sink)) sink.table_copy(table, index);
      return true;
    }
    case Op::kTableGrow:
      if (!pop(std::array{element, address}) || !push(address)) return false;
      if (live(sink)) sink.table_grow(table);
      return true;
    case Op::kTableSize:
      if (!push(address)) return false;
      if (live(sink)) sink.table_size(table);
      return true;
    default:  // kTableFill
      if (!pop(std::array{address, element, address})) return false;
      if (live(sink)) sink.table_fill(table);
      return true;
  }
}

template <typename Sink>
bool FunctionValidator::reference_operator(Op op, Sink& sink) {
  ValueType type{};
  std::uint32_t index = 0;
  if (op == Op::kRefNull) {
    if (!reader_.heap_type(module_.canonical_types, type) || !push(type)) return false;
    if (live(sink)) sink.ref_null(type);
    return true;
  }
  if (op == Op::kRefIsNull) {
    if (!pop_reference(type) || !push(ValueType::kI32)) return false;
    if (live(sink)) sink.ref_is_null();
    return true;
  }
  if (op == Op::kRefAsNonNull) {
    if (!pop_reference(type) || !push(non_null(type))) return false;
    if (live(sink)) sink.ref_as_non_null();
    return true;
  }
  if (!function_index(index)) return false;
  if (!module_.declared_functions[index]) return invalid("undeclared function reference");
  if (!push(typed_reference(module_.canonical_types[module_.functions[index]], false))) return false;
  if (live(sink)) sink.ref_func(index);
  return true;
}

}  // namespace anew::wasm
