// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/quick/x86_64/stubs.hpp"

#include <algorithm>

#include "abi/library.hpp"
#include "codegen/quick/tier.hpp"
#include "codegen/quick/x86_64/registers.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

namespace {

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
  if (type == ValueType::kV128)
    a.vmovups(x86::xmm(reg - kFirstXmm), slot);
  else if (type == ValueType::kF64)
    a.vmovsd(x86::xmm(reg - kFirstXmm), slot);
  else if (type == ValueType::kF32)
    a.vmovss(x86::xmm(reg - kFirstXmm), slot);
  else if (type == ValueType::kI32)
    a.mov(x86::gpd(reg), slot);
  else
    a.mov(x86::gpq(reg), slot);
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

/// Of a value for which there is no register.
x86::Mem spilled_slot(const x86::Gp& thread, abi::Place place) {
  return x86::qword_ptr(thread, abi::kSpilledValues + static_cast<std::int32_t>(8 * place.index));
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
  if (arguments.memory_slots != 0) a.mov(x86::r10, x86::qword_ptr(x86::r13, abi::kThread));
  std::size_t slot = 0;
  for (std::size_t i = 0; i < type.parameters.size(); ++i) {
    const abi::Place place = arguments.places[i];
    if (place.kind == abi::Place::Kind::kMemory)
      memory_to_memory(a, slot_at(x86::rsp, slot), spilled_slot(x86::r10, place), type.parameters[i]);
    else
      register_to_slot(a, slot_at(x86::rsp, slot), argument_register(place), type.parameters[i]);
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
    if (place.kind == abi::Place::Kind::kMemory)
      memory_to_memory(a, spilled_slot(x86::r10, place), slot_at(x86::rsp, slot), type.results[i]);
    else
      slot_to_register(a, result_register(place), slot_at(x86::rsp, slot), type.results[i]);
    slot += slots_of(type.results[i]);
  }
  a.leave();
  a.ret();
}

void emit_entry_thunk(Assembler& a, const ModuleContext& context, std::uint32_t type_index) {
  const FunctionType& type = context.module.types[type_index];
  const abi::Places& arguments = context.arguments[type_index];
  const abi::Places& results = context.results[type_index];
  a.align(asmjit::AlignMode::kCode, 16);
  a.push(x86::r13);  // for backtraces (abi::kCellOfCalled)
  a.mov(x86::rax, x86::rsi);
  if (arguments.memory_slots != 0) a.mov(x86::r10, x86::qword_ptr(x86::r13, abi::kThread));
  std::size_t slot = 0;
  for (std::size_t i = 0; i < type.parameters.size(); ++i) {
    const abi::Place place = arguments.places[i];
    if (place.kind == abi::Place::Kind::kMemory)
      memory_to_memory(a, spilled_slot(x86::r10, place), slot_at(x86::r14, slot), type.parameters[i]);
    else
      slot_to_register(a, argument_register(place), slot_at(x86::r14, slot), type.parameters[i]);
    slot += slots_of(type.parameters[i]);
  }
  a.call(x86::qword_ptr(x86::rax));
  if (results.memory_slots != 0) a.mov(x86::r10, x86::qword_ptr(x86::r13, abi::kThread));
  slot = 0;
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const abi::Place place = results.places[i];
    if (place.kind == abi::Place::Kind::kMemory)
      memory_to_memory(a, slot_at(x86::r14, slot), spilled_slot(x86::r10, place), type.results[i]);
    else
      register_to_slot(a, slot_at(x86::r14, slot), result_register(place), type.results[i]);
    slot += slots_of(type.results[i]);
  }
  a.add(x86::rsp, 8);
  a.ret();
}

void emit_trap_stubs(Assembler& a) {
  for (std::uint32_t kind = 0; kind < abi::kTrapKinds; ++kind) {
    kind == 0 ? a.mov(x86::eax, x86::edi) : a.mov(x86::eax, kind);
    a.mov(x86::r11, x86::qword_ptr(x86::r13, abi::kLibrary));
    a.jmp(x86::qword_ptr(x86::r11, offsetof(abi::Library, trap)));
    a.align(asmjit::AlignMode::kCode, kTrapStubBytes);
  }
}

}  // namespace anew::codegen::quick
