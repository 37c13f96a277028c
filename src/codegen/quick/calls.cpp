// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls of the quick tier: between functions, through tables, into the library; and the stubs around a module.
#include <cassert>

#include "codegen/quick/registers.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

// --- Calls between functions ---

void QuickCompiler::emit_call(const FunctionType& type, std::uint32_t type_index, std::uint32_t function) {
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
  add_position();
  if (function == kNone) {
    a_.call(x86::qword_ptr(x86::r10));
  } else {
    // call [rip + disp32]: FF 15, then where the entry lies from the end of the instruction, filled in by the linker.
    static constexpr std::uint8_t kCall[6] = {0xFF, 0x15, 0, 0, 0, 0};
    a_.embed(kCall, sizeof(kCall));
    entries_.push_back({static_cast<std::uint32_t>(code_offset() - 4), function});
  }
  drop_to(first);
  forget_volatile_registers();

  const abi::Places& results = context_.results[type_index];
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
        const Register scratch = is_float(result) ? kXmm15 : kR11;
        load_register(scratch, cell_field(context_.layout.spilled_result(place.index), bytes_of(result)), result);
        store_register(operand_home(operand.height, result), scratch, result);
        break;
      }
    }
  }
}

void QuickCompiler::call(std::uint32_t function) {
  settle_flags();
  const std::uint32_t type_index = context_.module.functions[function];
  emit_call(context_.module.types[type_index], type_index, function);
}

void QuickCompiler::call_indirect(std::uint32_t type, std::uint32_t table) {
  settle_flags();
  const Operand index = pop();
  bounds_check_table(table, index, TrapKind::kUndefinedElement);
  release();
  a_.mov(x86::r10, x86::Mem(x86::r13, x86::r10, 3, context_.layout.table_elements(table), 8));
  a_.test(x86::r10, x86::r10);
  a_.jz(cold_trap(TrapKind::kUninitializedElement));
  a_.mov(x86::r11d, cell_field(context_.layout.type_id(type), 4));
  a_.cmp(x86::dword_ptr(x86::r10, offsetof(abi::FunctionReference, type_id)), x86::r11d);
  a_.jne(cold_trap(TrapKind::kIndirectCallTypeMismatch));
  a_.mov(x86::r10, x86::qword_ptr(x86::r10, offsetof(abi::FunctionReference, entry)));
  emit_call(context_.module.types[type], type, kNone);
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
void register_to_slot(x86::Assembler& a, const x86::Mem& slot, Register reg, ValueType type) {
  if (type == ValueType::kF64) {
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

void slot_to_register(x86::Assembler& a, Register reg, x86::Mem slot, ValueType type) {
  slot.setSize(bytes_of(type));
  if (type == ValueType::kF64) {
    a.vmovsd(x86::xmm(reg - kFirstXmm), slot);
  } else if (type == ValueType::kF32) {
    a.vmovss(x86::xmm(reg - kFirstXmm), slot);
  } else if (type == ValueType::kI32) {
    a.mov(x86::gpd(reg), slot);
  } else {
    a.mov(x86::gpq(reg), slot);
  }
}

void memory_to_memory(x86::Assembler& a, const x86::Mem& to, x86::Mem from, ValueType type) {
  from.setSize(bytes_of(type));
  is_wide(type) ? a.mov(x86::r11, from) : a.mov(x86::r11d, from);
  a.mov(to, x86::r11);
}

x86::Mem slot_at(const x86::Gp& base, std::size_t index) {
  // At most limits::kParameters or kResults slots.
  return x86::qword_ptr(base, static_cast<std::int32_t>(8 * index));
}

}  // namespace

void emit_import_stub(x86::Assembler& a, const ModuleContext& context, std::uint32_t import) {
  const std::uint32_t type_index = context.module.functions[import];
  const FunctionType& type = context.module.types[type_index];
  const abi::Places& arguments = context.arguments[type_index];
  const abi::Places& results = context.results[type_index];
  const std::size_t slots = std::max(type.parameters.size(), type.results.size());
  a.align(asmjit::AlignMode::kCode, 16);
  a.push(x86::rbp);
  a.mov(x86::rbp, x86::rsp);
  a.sub(x86::rsp, static_cast<std::uint32_t>((8 * slots + 15) & ~std::size_t{15}));
  for (std::size_t i = 0; i < type.parameters.size(); ++i) {
    const abi::Place place = arguments.places[i];
    if (place.kind == abi::Place::Kind::kMemory) {
      memory_to_memory(a, slot_at(x86::rsp, i), slot_at(x86::rbp, 2 + place.index), type.parameters[i]);
    } else {
      register_to_slot(a, slot_at(x86::rsp, i), register_of(place, false), type.parameters[i]);
    }
  }
  a.mov(x86::eax, import);
  a.mov(x86::rdi, x86::rsp);
  a.mov(x86::r11, x86::qword_ptr(x86::r13, abi::kLibrary));
  a.call(x86::qword_ptr(x86::r11, offsetof(abi::Library, call_host)));
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const abi::Place place = results.places[i];
    if (place.kind == abi::Place::Kind::kMemory) {
      memory_to_memory(a, x86::qword_ptr(x86::r13, context.layout.spilled_result(place.index)), slot_at(x86::rsp, i),
                       type.results[i]);
    } else {
      slot_to_register(a, register_of(place, true), slot_at(x86::rsp, i), type.results[i]);
    }
  }
  a.leave();
  arguments.stack_bytes() != 0 ? a.ret(arguments.stack_bytes()) : a.ret();
}

void emit_entry_thunk(x86::Assembler& a, const ModuleContext& context, std::uint32_t type_index) {
  const FunctionType& type = context.module.types[type_index];
  const abi::Places& arguments = context.arguments[type_index];
  const abi::Places& results = context.results[type_index];
  a.align(asmjit::AlignMode::kCode, 16);
  a.push(x86::rbp);
  a.mov(x86::rbp, x86::rsp);
  a.push(x86::rdi);  // the slots, at [rbp - 8]
  a.sub(x86::rsp, 8 + arguments.stack_bytes());
  a.mov(x86::r10, x86::rdi);
  a.mov(x86::rax, x86::rsi);
  for (std::size_t i = 0; i < type.parameters.size(); ++i) {
    const abi::Place place = arguments.places[i];
    if (place.kind == abi::Place::Kind::kMemory) {
      memory_to_memory(a, slot_at(x86::rsp, place.index), slot_at(x86::r10, i), type.parameters[i]);
    } else {
      slot_to_register(a, register_of(place, false), slot_at(x86::r10, i), type.parameters[i]);
    }
  }
  a.call(x86::qword_ptr(x86::rax));
  a.mov(x86::r10, x86::qword_ptr(x86::rbp, -8));
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const abi::Place place = results.places[i];
    if (place.kind == abi::Place::Kind::kMemory) {
      memory_to_memory(a, slot_at(x86::r10, i), x86::qword_ptr(x86::r13, context.layout.spilled_result(place.index)),
                       type.results[i]);
    } else {
      register_to_slot(a, slot_at(x86::r10, i), register_of(place, true), type.results[i]);
    }
  }
  a.leave();
  a.ret();
}

}  // namespace anew::codegen::quick
