// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Globals, tables, function references, and what is known of a memory or segment without a look into it.
#include "abi/planted_fault.hpp"
#include "codegen/quick/x86_64/operators.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

// --- Memories and segments ---

void Operators::memory_size(std::uint32_t memory) {
  settle_flags();
  const Register reg = allocate(false);
  if (is_own_memory(memory)) {
    a_.mov(gp64(reg), cell_field(abi::kMemoryBytes, 8));
  } else {
    a_.mov(gp64(reg), cell_field(context_.layout.memory_reference(memory), 8));
    a_.mov(gp64(reg), x86::qword_ptr(gp64(reg), abi::kMemoryBytes));
  }
  a_.shr(gp64(reg), 16);
  push_register(context_.module.memory_address(memory), reg);
  release();
}

void Operators::data_drop(std::uint32_t segment) {
  settle_flags();
  a_.mov(cell_field(context_.layout.dropped_data(segment), 1), 1);
}

void Operators::elem_drop(std::uint32_t segment) {
  settle_flags();
  a_.mov(cell_field(context_.layout.dropped_elements(segment), 1), 1);
}

// --- Globals ---

Operators::Mem Operators::global_place(std::uint32_t global) {
  const std::uint32_t bytes = bytes_of(context_.module.globals[global].type.type);
  const std::int32_t displacement = context_.layout.global(global);
  if (!context_.layout.is_linked_global(global)) return cell_field(displacement, bytes);
  a_.mov(x86::r11, cell_field(displacement, 8));
  return {x86::r11, 0, bytes};
}

void Operators::global_get(std::uint32_t global) {
  settle_flags();
  const ValueType type = context_.module.globals[global].type.type;
  const Register reg = allocate_for(type);
  load_register(reg, global_place(global), type);
  push_register(type, reg);
  release();
}

void Operators::global_set(std::uint32_t global) {
  settle_flags();
  const Operand value = pop();
  if (value.kind == Operand::Kind::kConstant && value.type == ValueType::kI32) {
    a_.mov(global_place(global), asmjit::imm(static_cast<std::int32_t>(static_cast<std::uint32_t>(value.bits))));
  } else {
    const Register from = use(value);
    store_register(global_place(global), from, context_.module.globals[global].type.type);
  }
  release();
}

// --- Tables ---

Operators::Mem Operators::table_element(std::uint32_t table, const Operand& index, TrapKind kind, bool written) {
  const bool is_linked = table < context_.module.imported_tables;
  const Register base = is_linked ? allocate(false) : kR13;
  const std::int32_t elements = is_linked ? 0 : context_.layout.table_elements(table);
  if (is_linked) a_.mov(gp64(base), cell_field(context_.layout.table_link(table), 8));
  move_to(kR10, index);
  a_.cmp(x86::r10, x86::qword_ptr(gp64(base), elements + abi::kTableSize));
  a_.jae(cold_trap(kind));
  // Against a mispredicted check: all ones if the comparison set the carry flag, as it did on this path.
  a_.sbb(x86::r11, x86::r11);
  a_.and_(x86::r10, x86::r11);
  if (written) {  // before the store that follows (invariant C6 of abi/cell.hpp)
    a_.mov(x86::qword_ptr(gp64(base), elements + abi::kTableWritten), 1);
    if constexpr (!abi::is_planted(abi::PlantedFault::kTableMark)) {
      a_.mov(x86::r11, x86::r10);
      a_.shr(x86::r11, abi::kTableCardShift);
      a_.add(x86::r11, x86::qword_ptr(gp64(base), elements + abi::kTableCards));
      a_.mov(x86::byte_ptr(x86::r11), 1);
    }
  }
  return {gp64(base), x86::r10, 3, elements, 8};
}

void Operators::table_get(std::uint32_t table) {
  settle_flags();
  const Operand index = pop();
  const Mem from = table_element(table, index, TrapKind::kTableOutOfBounds, false);
  const Register reg = allocate(false);
  a_.mov(gp64(reg), from);
  push_register(context_.module.tables[table].element, reg);
  release();
}

void Operators::table_set(std::uint32_t table) {
  settle_flags();
  const Operand value = pop();
  const Operand index = pop();
  const Register from = use(value);
  a_.mov(table_element(table, index, TrapKind::kTableOutOfBounds, true), gp64(from));
  release();
}

void Operators::table_size(std::uint32_t table) {
  settle_flags();
  const Register reg = allocate(false);
  if (table < context_.module.imported_tables) {
    a_.mov(gp64(reg), cell_field(context_.layout.table_link(table), 8));
    a_.mov(gp64(reg), x86::qword_ptr(gp64(reg), abi::kTableSize));
  } else {
    a_.mov(gp64(reg), cell_field(context_.layout.table_elements(table) + abi::kTableSize, 8));
  }
  push_register(context_.module.table_address(table), reg);
  release();
}

void Operators::take_callee(std::uint32_t table) {
  static_assert(kCallee == kR10);
  const Operand index = pop();
  a_.mov(x86::r10, table_element(table, index, TrapKind::kUndefinedElement, false));
  release();
}

// --- References ---

void Operators::ref_func(std::uint32_t function) {
  settle_flags();
  const Register reg = allocate(false);
  a_.lea(gp64(reg), cell_field(context_.layout.function_reference(function), 8));
  push_register(non_null(ValueType::kFuncRef), reg);
  release();
}

void Operators::ref_is_null() {
  settle_flags();
  const Operand value = pop();
  const Register reg = use(value);
  a_.test(gp64(reg), gp64(reg));
  release();
  push_flags(Condition::kZero);
}

}  // namespace anew::codegen::quick
