// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls of the quick tier: between functions, through tables and references, into other instances and the library.
#include <cassert>

#include "codegen/quick/quick_compiler.hpp"

namespace anew::codegen::quick {

// --- Calls between functions ---

void QuickCompiler::place_arguments(std::uint32_t type_index, Callee callee) {
  const FunctionType& type = context_.module.types[type_index];
  const auto count = static_cast<std::uint32_t>(type.parameters.size());
  const abi::Places& places = context_.arguments[type_index];
  const std::uint32_t first = height() - count;
  spill_for_call(first);
  const bool keeps_callee = places.memory_slots != 0 && callee == Callee::kReference;
  if (keeps_callee) keep_callee();
  if (places.memory_slots != 0) load_thread();
  moves_.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Move& move = moves_[i];
    move = Move{};
    move.operand = operand(first + i);
    const abi::Place place = places.places[i];
    if (place.kind == abi::Place::Kind::kMemory)
      move.memory = spilled_value(place.index, type.parameters[i]);
    else
      move.reg = argument_register(place);
  }
  move_all(moves_);
  if (keeps_callee) take_callee_back();
  drop_to(first);
}

void QuickCompiler::emit_call(std::uint32_t type_index, Callee callee, std::uint32_t function) {
  place_arguments(type_index, callee);
  call_function(callee, function, call_notes());
  forget_volatile_registers();
  push_call_results(context_.module.types[type_index], context_.results[type_index]);
}

void QuickCompiler::emit_tail_call(std::uint32_t type_index, Callee callee, std::uint32_t function) {
  check_code_size();
  place_arguments(type_index, callee);
  add_position();
  take_down();
  jump_to_function(callee, function);
}

void QuickCompiler::take_indirect_callee(std::uint32_t type, std::uint32_t table) {
  take_callee(table);
  trap_if_zero(kCallee, true, TrapKind::kUninitializedElement);
  const bool is_final = context_.module.declarations[type].is_final;
  if (!is_final) {  // for the check may call the library
    spill_for_call(height());
    forget_volatile_registers();
  }
  check_callee_type(type, is_final);
}

void QuickCompiler::take_reference_callee() {
  const Operand reference = pop();
  move_to(kCallee, reference);
  release();
  trap_if_zero(kCallee, true, TrapKind::kNullFunctionReference);
}

void QuickCompiler::call(std::uint32_t function) {
  settle_flags();
  const bool imported = function < context_.module.imported_functions;
  emit_call(context_.module.functions[function], imported ? Callee::kImported : Callee::kDefined, function);
}

void QuickCompiler::return_call(std::uint32_t function) {
  settle_flags();
  const bool imported = function < context_.module.imported_functions;
  emit_tail_call(context_.module.functions[function], imported ? Callee::kImported : Callee::kDefined, function);
}

void QuickCompiler::call_indirect(std::uint32_t type, std::uint32_t table) {
  settle_flags();
  take_indirect_callee(type, table);
  emit_call(type, Callee::kReference, kNone);
}

void QuickCompiler::return_call_indirect(std::uint32_t type, std::uint32_t table) {
  settle_flags();
  take_indirect_callee(type, table);
  emit_tail_call(type, Callee::kReference, kNone);
}

void QuickCompiler::call_ref(std::uint32_t type) {
  settle_flags();
  take_reference_callee();
  emit_call(type, Callee::kReference, kNone);
}

void QuickCompiler::return_call_ref(std::uint32_t type) {
  settle_flags();
  take_reference_callee();
  emit_tail_call(type, Callee::kReference, kNone);
}

// --- Calls to the library ---

void QuickCompiler::call_library(std::size_t library_offset, std::uint32_t arguments,
                                 std::initializer_list<std::uint64_t> constants) {
  settle_flags();
  const std::uint32_t first = height() - arguments;
  spill_for_call(first);
  pass_to_library(library_offset, first, constants);
  drop_to(first);
  forget_volatile_registers();
}

void QuickCompiler::pass_to_library(std::size_t library_offset, std::uint32_t first,
                                    std::initializer_list<std::uint64_t> constants) {
  assert(1 + (height() - first) + constants.size() <= kArgumentRegisters.size());
  moves_.clear();
  std::size_t next = 1;  // the first argument is the cell
  for (std::uint32_t at = first; at < height(); ++at) {
    Move& move = moves_.emplace_back();
    move.operand = operand(at);
    move.reg = kArgumentRegisters[next++];
  }
  for (const std::uint64_t constant : constants) {
    Move& move = moves_.emplace_back();
    move.operand.type = ValueType::kI64;
    move.operand.kind = Operand::Kind::kConstant;
    move.operand.bits = constant;
    move.reg = kArgumentRegisters[next++];
  }
  move_all(moves_);
  call_library_function(library_offset, call_notes());
}

void QuickCompiler::call_library_that_may_trap(std::size_t library_offset, std::uint32_t arguments,
                                               std::initializer_list<std::uint64_t> constants) {
  call_library(library_offset, arguments, constants);
  trap_if_library_failed();
}

// --- Operators that the library does ---

QuickCompiler::Condition QuickCompiler::test_reference(ValueType wanted) {
  settle_flags();
  spill_for_call(height());
  pass_to_library(offsetof(abi::Library, is_reference_of), height() - 1, {anew::detail::number(wanted)});
  forget_volatile_registers();
  return compare_with_zero(kLibraryResult, false);
}

void QuickCompiler::ref_test(ValueType wanted) {
  const Condition is_wanted = test_reference(wanted);
  drop_to(height() - 1);
  push_flags(is_wanted);
}

void QuickCompiler::ref_cast(ValueType wanted) {
  const Condition is_wanted = test_reference(wanted);
  jump_if(negate(is_wanted), cold_trap(TrapKind::kCastFailure));
}

void QuickCompiler::push_size_before(ValueType type) {
  if (type == ValueType::kI32) narrow_library_result();  // 2^64 - 1 becomes 2^32 - 1
  claim(kLibraryResult);
  push_register(type, kLibraryResult);
}

void QuickCompiler::memory_grow(std::uint32_t memory) {
  call_library(offsetof(abi::Library, memory_grow), 1, {memory});
  push_size_before(context_.module.memory_address(memory));
}

void QuickCompiler::memory_init(std::uint32_t segment, std::uint32_t memory) {
  call_library_that_may_trap(offsetof(abi::Library, memory_init), 3, {segment, memory});
}

void QuickCompiler::memory_copy(std::uint32_t destination, std::uint32_t source) {
  call_library_that_may_trap(offsetof(abi::Library, memory_copy), 3, {destination, source});
}

void QuickCompiler::memory_fill(std::uint32_t memory) {
  call_library_that_may_trap(offsetof(abi::Library, memory_fill), 3, {memory});
}

void QuickCompiler::table_grow(std::uint32_t table) {
  call_library(offsetof(abi::Library, table_grow), 2, {table});
  push_size_before(context_.module.table_address(table));
}

void QuickCompiler::table_fill(std::uint32_t table) {
  call_library_that_may_trap(offsetof(abi::Library, table_fill), 3, {table});
}

void QuickCompiler::table_copy(std::uint32_t destination, std::uint32_t source) {
  call_library_that_may_trap(offsetof(abi::Library, table_copy), 3, {destination, source});
}

void QuickCompiler::table_init(std::uint32_t segment, std::uint32_t table) {
  call_library_that_may_trap(offsetof(abi::Library, table_init), 3, {table, segment});
}

}  // namespace anew::codegen::quick
