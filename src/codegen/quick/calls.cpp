// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls of the quick tier: between functions, through tables and references, into other instances and the library; and
// the stubs around a module.
#include <cassert>

#include "codegen/quick/registers.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

// --- Calls between functions ---

QuickCompiler::Mem QuickCompiler::spilled_result(const Gp& thread, std::uint32_t slot, ValueType type) {
  // At most 2 * limits::kResults slots.
  return {thread, abi::kSpilledResults + static_cast<std::int32_t>(8 * slot), bytes_of(type)};
}

void QuickCompiler::place_arguments(std::uint32_t type_index) {
  const FunctionType& type = context_.module.types[type_index];
  const auto count = static_cast<std::uint32_t>(type.parameters.size());
  const abi::Places& places = context_.arguments[type_index];
  const std::uint32_t first = height() - count;
  spill_for_call(first);
  if (places.stack_bytes() != 0) a_.sub(x86::rsp, places.stack_bytes());
  moves_.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Move& move = moves_[i];
    move = Move{};
    move.operand = stack_[first + i];
    const abi::Place place = places.places[i];
    switch (place.kind) {
      case abi::Place::Kind::kInteger: move.reg = kArgumentRegisters[place.index]; break;
      case abi::Place::Kind::kFloat: move.reg = static_cast<Register>(kXmm0 + place.index); break;
      case abi::Place::Kind::kMemory:
        move.memory = x86::Mem(x86::rsp, static_cast<std::int32_t>(8 * place.index), bytes_of(type.parameters[i]));
        break;
    }
  }
  move_all(moves_);
  drop_to(first);
}

void QuickCompiler::emit_entry_jump(const std::uint8_t (&opcode)[2], std::uint32_t function) {
  // The opcode, then where the entry lies: in the table for now, from the end of the instruction once it is linked.
  const std::uint8_t jump[6] = {opcode[0], opcode[1], 0, 0, 0, 0};
  a_.embed(jump, sizeof(jump));
  const auto at = static_cast<std::uint32_t>(code_offset() - 4);
  a_.patch(at, 8 * function);  // functions are at most limits::kFunctions and kImports
  tables_.entries.push_back(at);
}

QuickCompiler::CrossCall& QuickCompiler::check_cell(Callee callee, std::uint32_t function) {
  constexpr auto kCellAt = static_cast<std::int32_t>(offsetof(abi::FunctionReference, cell));
  const bool imported = callee == Callee::kImported;
  a_.cmp(imported ? cell_field(context_.layout.function_reference(function) + kCellAt, 8)
                  : x86::qword_ptr(x86::r10, kCellAt),
         x86::r13);
  CrossCall& cross = cross_calls_.emplace_back();
  cross.module_offset = module_offset_;
  cross.import = imported ? function : kNone;
  cross.try_block = kNoTryBlock;
  cross.roots = kNoRoots;
  cross.stack_bytes = 0;
  a_.jne(cross.label);
  return cross;
}

void QuickCompiler::emit_cross_call(CrossCall& cross) {
  module_offset_ = cross.module_offset;
  a_.bind(cross.label);
  if (cross.import != kNone) a_.lea(x86::r10, cell_field(context_.layout.function_reference(cross.import), 8));
  if (!cross.back.is_bound()) {  // a tail call
    a_.mov(x86::eax, cross.stack_bytes);
    a_.mov(x86::r11, cell_field(abi::kLibrary, 8));
    a_.jmp(x86::qword_ptr(x86::r11, offsetof(abi::Library, tail_call)));
    return;
  }
  a_.mov(x86::qword_ptr(x86::rbp, kSavedCell), x86::r13);
  a_.mov(x86::r11, cell_field(abi::kThread, 8));
  a_.mov(x86::r13, x86::qword_ptr(x86::r10, offsetof(abi::FunctionReference, cell)));
  a_.mov(cell_field(abi::kThread, 8), x86::r11);
  a_.mov(x86::r10, x86::qword_ptr(x86::r10, offsetof(abi::FunctionReference, entry)));
  add_position();
  a_.call(x86::qword_ptr(x86::r10));
  note_call_site(cross.try_block, cross.roots);
  a_.mov(x86::r13, x86::qword_ptr(x86::rbp, kSavedCell));
  a_.jmp(cross.back);
}

void QuickCompiler::note_call_site(std::uint32_t try_block, std::uint32_t roots) {
  if (try_block == kNoTryBlock && roots == kNoRoots) return;
  // Text stays below 2^31 bytes or is refused as a whole (compile.cpp).
  try_tables_.call_sites.push_back({static_cast<std::uint32_t>(code_offset()), try_block, roots});
}

void QuickCompiler::emit_call(std::uint32_t type_index, Callee callee, std::uint32_t function) {
  static constexpr std::uint8_t kCallEntry[2] = {0xFF, 0x15};
  place_arguments(type_index);
  if (callee == Callee::kDefined) {
    add_position();
    emit_entry_jump(kCallEntry, function);
    note_call_site();
  } else {
    CrossCall& cross = check_cell(callee, function);
    cross.try_block = try_block_;
    cross.roots = current_roots();
    add_position();
    if (callee == Callee::kImported) {
      emit_entry_jump(kCallEntry, function);
    } else {
      a_.mov(x86::r10, x86::qword_ptr(x86::r10, offsetof(abi::FunctionReference, entry)));
      a_.call(x86::qword_ptr(x86::r10));
    }
    note_call_site();
    a_.bind(cross.back);
  }
  forget_volatile_registers();
  push_call_results(type_index);
}

void QuickCompiler::push_call_results(std::uint32_t type_index) {
  const FunctionType& type = context_.module.types[type_index];
  const abi::Places& results = context_.results[type_index];
  if (results.memory_slots != 0) a_.mov(x86::r10, cell_field(abi::kThread, 8));
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const ValueType result = type.results[i];
    const abi::Place place = results.places[i];
    switch (place.kind) {
      case abi::Place::Kind::kInteger:
      case abi::Place::Kind::kFloat: {
        const Register reg = place.kind == abi::Place::Kind::kFloat ? static_cast<Register>(kXmm0 + place.index)
                                                                    : kResultRegisters[place.index];
        claim(reg);
        push_register(result, reg);
        break;
      }
      case abi::Place::Kind::kMemory: {
        const Operand& operand = push(result, Operand::Kind::kHome);
        const Register scratch = is_in_xmm(result) ? kXmm15 : kR11;
        load_register(scratch, spilled_result(x86::r10, place.index, result), result);
        store_register(operand_home(operand.slot, result), scratch, result);
        break;
      }
    }
  }
}

// The frame makes way for the callee, which returns to this function's caller. The stack arguments go where this
// function's own ones lie, their ends aligned, since the caller expects those to be gone:
//
//   before   [rbp] caller's rbp   [rbp + 8] return address   [rbp + 16, rbp + 16 + own) own stack arguments
//   after                            return address, [rbp + 16 + own - callee, rbp + 16 + own) the callee's
//
// A function of another instance gets there by way of Library::tail_call.
void QuickCompiler::emit_tail_call(std::uint32_t type_index, Callee callee, std::uint32_t function) {
  static constexpr std::uint8_t kJumpToEntry[2] = {0xFF, 0x25};
  check_code_size();
  place_arguments(type_index);
  add_position();
  // Both are multiples of 16, of at most 1,000 parameters.
  const auto own = static_cast<std::int32_t>(context_.arguments[type_index_].stack_bytes());
  const auto callees = static_cast<std::int32_t>(context_.arguments[type_index].stack_bytes());
  if (context_.options.metered_stack) leave_metered();
  preserved_loads_at_.push_back(static_cast<std::uint32_t>(code_offset()));
  for (std::size_t i = 0; i < kPreservedRegisters.size(); ++i) {
    a_.mov(gp64(kPreservedRegisters[i]), x86::qword_ptr(x86::rbp, -8 * static_cast<std::int32_t>(i + 1)));
  }
  if (own == 0 && callees == 0) {
    a_.leave();
  } else {
    a_.mov(x86::rax, x86::qword_ptr(x86::rbp));
    a_.mov(x86::r11, x86::qword_ptr(x86::rbp, 8));
    // Upwards in memory, so from the last to the first.
    for (std::int32_t at = callees - 16; at >= 0; at -= 16) {
      a_.vmovups(x86::xmm15, x86::xmmword_ptr(x86::rsp, at));
      a_.vmovups(x86::xmmword_ptr(x86::rbp, 16 + own - callees + at), x86::xmm15);
    }
    a_.mov(x86::qword_ptr(x86::rbp, 8 + own - callees), x86::r11);
    a_.lea(x86::rsp, x86::ptr(x86::rbp, 8 + own - callees));
    a_.mov(x86::rbp, x86::rax);
  }
  if (callee != Callee::kDefined)
    check_cell(callee, function).stack_bytes = context_.arguments[type_index].stack_bytes();
  if (callee == Callee::kReference) {
    a_.mov(x86::r10, x86::qword_ptr(x86::r10, offsetof(abi::FunctionReference, entry)));
    a_.jmp(x86::qword_ptr(x86::r10));
  } else {
    emit_entry_jump(kJumpToEntry, function);
  }
}

void QuickCompiler::take_indirect_callee(std::uint32_t type, std::uint32_t table) {
  const Operand index = pop();
  a_.mov(x86::r10, table_element(table, index, TrapKind::kUndefinedElement, false));
  release();
  a_.test(x86::r10, x86::r10);
  a_.jz(cold_trap(TrapKind::kUninitializedElement));
  a_.mov(x86::r11d, cell_field(context_.layout.type_id(type), 4));
  a_.cmp(x86::dword_ptr(x86::r10, offsetof(abi::FunctionReference, type_id)), x86::r11d);
  a_.jne(cold_trap(TrapKind::kIndirectCallTypeMismatch));
}

void QuickCompiler::take_reference_callee() {
  const Operand reference = pop();
  move_to(kR10, reference);
  release();
  a_.test(x86::r10, x86::r10);
  a_.jz(cold_trap(TrapKind::kNullFunctionReference));
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
  assert(1 + arguments + constants.size() <= kArgumentRegisters.size());
  moves_.clear();
  std::size_t next = 1;  // the first argument is the cell
  for (std::uint32_t i = 0; i < arguments; ++i) {
    Move& move = moves_.emplace_back();
    move.operand = stack_[first + i];
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
  a_.mov(x86::rdi, x86::r13);
  a_.mov(x86::r11, cell_field(abi::kLibrary, 8));
  add_position();
  a_.call(x86::qword_ptr(x86::r11, static_cast<std::int32_t>(library_offset)));
  note_call_site();
  drop_to(first);
  forget_volatile_registers();
}

void QuickCompiler::call_library_that_may_trap(std::size_t library_offset, std::uint32_t arguments,
                                               std::initializer_list<std::uint64_t> constants) {
  call_library(library_offset, arguments, constants);
  a_.test(x86::eax, x86::eax);
  a_.jnz(cold_trap(TrapKind::kNone));
}

// --- Stubs ---

namespace {

Register register_of(abi::Place place, bool result) noexcept {
  if (place.kind == abi::Place::Kind::kFloat) return static_cast<Register>(kXmm0 + place.index);
  return result ? kResultRegisters[place.index] : kArgumentRegisters[place.index];
}

/// Stores a register to an 8-byte slot in the form of anew::Value: what a narrow type does not fill is zero.
void register_to_slot(Assembler& a, const x86::Mem& slot, Register reg, ValueType type) {
  if (type == ValueType::kV128) {
    a.vmovups(slot.cloneResized(16), x86::xmm(reg - kFirstXmm));
  } else if (type == ValueType::kF64) {
    a.vmovsd(slot, x86::xmm(reg - kFirstXmm));
  } else if (type == ValueType::kF32) {
    a.vmovd(x86::r11d, x86::xmm(reg - kFirstXmm));
    a.mov(slot, x86::r11);
  } else if (type == ValueType::kI32) {
    a.mov(x86::r11d, x86::gpd(reg));
    a.mov(slot, x86::r11);
  } else {
    a.mov(slot, x86::gpq(reg));
  }
}

void slot_to_register(Assembler& a, Register reg, x86::Mem slot, ValueType type) {
  slot.setSize(bytes_of(type));
  if (type == ValueType::kV128) {
    a.vmovups(x86::xmm(reg - kFirstXmm), slot);
  } else if (type == ValueType::kF64) {
    a.vmovsd(x86::xmm(reg - kFirstXmm), slot);
  } else if (type == ValueType::kF32) {
    a.vmovss(x86::xmm(reg - kFirstXmm), slot);
  } else if (type == ValueType::kI32) {
    a.mov(x86::gpd(reg), slot);
  } else {
    a.mov(x86::gpq(reg), slot);
  }
}

void memory_to_memory(Assembler& a, const x86::Mem& to, x86::Mem from, ValueType type) {
  from.setSize(bytes_of(type));
  if (type == ValueType::kV128) {
    a.vmovups(x86::xmm15, from);
    a.vmovups(to.cloneResized(16), x86::xmm15);
    return;
  }
  is_wide(type) ? a.mov(x86::r11, from) : a.mov(x86::r11d, from);
  a.mov(to, x86::r11);
}

x86::Mem spilled_slot(const x86::Gp& thread, abi::Place place) {
  return x86::qword_ptr(thread, abi::kSpilledResults + static_cast<std::int32_t>(8 * place.index));
}

x86::Mem slot_at(const x86::Gp& base, std::size_t index) {
  // At most 2 * limits::kParameters or kResults slots.
  return x86::qword_ptr(base, static_cast<std::int32_t>(8 * index));
}

}  // namespace

void emit_import_stub(Assembler& a, const ModuleContext& context, std::uint32_t import) {
  const std::uint32_t type_index = context.module.functions[import];
  const FunctionType& type = context.module.types[type_index];
  const abi::Places& arguments = context.arguments[type_index];
  const abi::Places& results = context.results[type_index];
  const std::size_t slots = std::max(slots_of(type.parameters), slots_of(type.results));
  a.align(asmjit::AlignMode::kCode, 16);
  a.push(x86::rbp);
  a.mov(x86::rbp, x86::rsp);
  a.sub(x86::rsp, static_cast<std::uint32_t>((8 * slots + 15) & ~std::size_t{15}));
  std::size_t slot = 0;
  for (std::size_t i = 0; i < type.parameters.size(); ++i) {
    const abi::Place place = arguments.places[i];
    if (place.kind == abi::Place::Kind::kMemory) {
      memory_to_memory(a, slot_at(x86::rsp, slot), slot_at(x86::rbp, 2 + place.index), type.parameters[i]);
    } else {
      register_to_slot(a, slot_at(x86::rsp, slot), register_of(place, false), type.parameters[i]);
    }
    slot += slots_of(type.parameters[i]);
  }
  a.mov(x86::eax, import);
  a.mov(x86::rdi, x86::rsp);
  a.mov(x86::r11, x86::qword_ptr(x86::r13, abi::kLibrary));
  a.call(x86::qword_ptr(x86::r11, offsetof(abi::Library, call_host)));
  if (results.memory_slots != 0) a.mov(x86::r10, x86::qword_ptr(x86::r13, abi::kThread));
  slot = 0;
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const abi::Place place = results.places[i];
    if (place.kind == abi::Place::Kind::kMemory) {
      memory_to_memory(a, spilled_slot(x86::r10, place), slot_at(x86::rsp, slot), type.results[i]);
    } else {
      slot_to_register(a, register_of(place, true), slot_at(x86::rsp, slot), type.results[i]);
    }
    slot += slots_of(type.results[i]);
  }
  a.leave();
  arguments.stack_bytes() != 0 ? a.ret(arguments.stack_bytes()) : a.ret();
}

void emit_entry_thunk(Assembler& a, const ModuleContext& context, std::uint32_t type_index) {
  const FunctionType& type = context.module.types[type_index];
  const abi::Places& arguments = context.arguments[type_index];
  const abi::Places& results = context.results[type_index];
  a.align(asmjit::AlignMode::kCode, 16);
  a.sub(x86::rsp, 8 + arguments.stack_bytes());
  a.mov(x86::rax, x86::rsi);
  std::size_t slot = 0;
  for (std::size_t i = 0; i < type.parameters.size(); ++i) {
    const abi::Place place = arguments.places[i];
    if (place.kind == abi::Place::Kind::kMemory) {
      memory_to_memory(a, slot_at(x86::rsp, place.index), slot_at(x86::r14, slot), type.parameters[i]);
    } else {
      slot_to_register(a, register_of(place, false), slot_at(x86::r14, slot), type.parameters[i]);
    }
    slot += slots_of(type.parameters[i]);
  }
  a.call(x86::qword_ptr(x86::rax));
  if (results.memory_slots != 0) a.mov(x86::r9, x86::qword_ptr(x86::r13, abi::kThread));
  slot = 0;
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const abi::Place place = results.places[i];
    if (place.kind == abi::Place::Kind::kMemory) {
      memory_to_memory(a, slot_at(x86::r14, slot), spilled_slot(x86::r9, place), type.results[i]);
    } else {
      register_to_slot(a, slot_at(x86::r14, slot), register_of(place, true), type.results[i]);
    }
    slot += slots_of(type.results[i]);
  }
  a.add(x86::rsp, 8);  // the callee has popped the rest
  a.ret();
}

}  // namespace anew::codegen::quick
