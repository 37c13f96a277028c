// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators on whole memories and tables, on segments and on references: the second half of validator_inl.hpp.
// Included by validator.hpp only.
#pragma once

#include "wasm/validator.hpp"

namespace anew::wasm {

template <typename Sink>
bool FunctionValidator::memory_operator(Op op, Sink& sink) {
  constexpr ValueType kThree[] = {ValueType::kI32, ValueType::kI32, ValueType::kI32};
  std::uint32_t memory = 0;
  std::uint32_t index = 0;  // of the segment, or of the source memory
  switch (op) {
    case Op::kMemorySize:
      if (!memory_index(memory) || !push(ValueType::kI32)) {
        return false;
      }
      if (live(sink)) {
        sink.memory_size(memory);
      }
      return true;
    case Op::kMemoryGrow:
      if (!memory_index(memory) || !pop(ValueType::kI32) || !push(ValueType::kI32)) {
        return false;
      }
      if (live(sink)) {
        sink.memory_grow(memory);
      }
      return true;
    case Op::kMemoryInit:
      if (!data_index(index) || !memory_index(memory) || !pop(kThree)) {
        return false;
      }
      if (live(sink)) {
        sink.memory_init(index, memory);
      }
      return true;
    case Op::kDataDrop:
      if (!data_index(index)) {
        return false;
      }
      if (live(sink)) {
        sink.data_drop(index);
      }
      return true;
    case Op::kMemoryCopy:
      if (!memory_index(memory) || !memory_index(index) || !pop(kThree)) {
        return false;
      }
      if (live(sink)) {
        sink.memory_copy(memory, index);
      }
      return true;
    default:  // kMemoryFill
      if (!memory_index(memory) || !pop(kThree)) {
        return false;
      }
      if (live(sink)) {
        sink.memory_fill(memory);
      }
      return true;
  }
}

template <typename Sink>
bool FunctionValidator::table_operator(Op op, Sink& sink) {
  constexpr ValueType kThree[] = {ValueType::kI32, ValueType::kI32, ValueType::kI32};
  std::uint32_t index = 0;  // of the segment, or of the source table
  std::uint32_t table = 0;
  if (op == Op::kTableInit || op == Op::kElemDrop) {
    if (!element_index(index)) {
      return false;
    }
    if (op == Op::kElemDrop) {
      if (live(sink)) {
        sink.elem_drop(index);
      }
      return true;
    }
  }
  if (!table_index(table)) {
    return false;
  }
  const ValueType element = module_.tables[table].element;
  switch (op) {
    case Op::kTableGet:
      if (!pop(ValueType::kI32) || !push(element)) {
        return false;
      }
      if (live(sink)) {
        sink.table_get(table);
      }
      return true;
    case Op::kTableSet:
      if (!pop(element) || !pop(ValueType::kI32)) {
        return false;
      }
      if (live(sink)) {
        sink.table_set(table);
      }
      return true;
    case Op::kTableInit:
      if (module_.elements[index].type != element) {
        return invalid("type mismatch: the element segment and the table hold different types");
      }
      if (!pop(kThree)) {
        return false;
      }
      if (live(sink)) {
        sink.table_init(index, table);
      }
      return true;
    case Op::kTableCopy:
      if (!table_index(index)) {
        return false;
      }
      if (module_.tables[index].element != element) {
        return invalid("type mismatch: the two tables hold different types");
      }
      if (!pop(kThree)) {
        return false;
      }
      if (live(sink)) {
        sink.table_copy(table, index);
      }
      return true;
    case Op::kTableGrow:
      if (!pop(ValueType::kI32) || !pop(element) || !push(ValueType::kI32)) {
        return false;
      }
      if (live(sink)) {
        sink.table_grow(table);
      }
      return true;
    case Op::kTableSize:
      if (!push(ValueType::kI32)) {
        return false;
      }
      if (live(sink)) {
        sink.table_size(table);
      }
      return true;
    default:  // kTableFill
      if (!pop(ValueType::kI32) || !pop(element) || !pop(ValueType::kI32)) {
        return false;
      }
      if (live(sink)) {
        sink.table_fill(table);
      }
      return true;
  }
}

template <typename Sink>
bool FunctionValidator::reference_operator(Op op, Sink& sink) {
  ValueType type{};
  std::uint32_t index = 0;
  if (op == Op::kRefNull) {
    if (!reader_.reference_type(type) || !push(type)) {
      return false;
    }
    if (live(sink)) {
      sink.ref_null(type);
    }
    return true;
  }
  if (op == Op::kRefIsNull) {
    if (!pop_any(type)) {
      return false;
    }
    if (!is_reference(type) && type != kUnknown) {
      return mismatch(ValueType::kFuncRef, type);
    }
    if (!push(ValueType::kI32)) {
      return false;
    }
    if (live(sink)) {
      sink.ref_is_null();
    }
    return true;
  }
  if (!function_index(index)) {
    return false;
  }
  if (!module_.declared_functions[index]) {
    return invalid("undeclared function reference");
  }
  if (!push(ValueType::kFuncRef)) {
    return false;
  }
  if (live(sink)) {
    sink.ref_func(index);
  }
  return true;
}

}  // namespace anew::wasm
