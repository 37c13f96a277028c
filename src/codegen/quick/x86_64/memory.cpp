// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads and stores of the quick tier, and their marks.
#include <cassert>

#include "abi/planted_fault.hpp"
#include "codegen/quick/x86_64/operators.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;

namespace {

/// An offset below needs no check (invariant C3 of abi/cell.hpp).
constexpr std::uint64_t kMaximumUncheckedOffset = abi::kGuardBytes - wasm::kMaximumAccessBytes;

}  // namespace

// --- Addresses ---

Register Operators::memory_base(std::uint32_t memory) {
  if (is_own_memory(memory)) return kR13;
  const Register base = allocate(false);
  a_.mov(gp64(base), cell_field(context_.layout.memory_reference(memory) +
                                    static_cast<std::int32_t>(offsetof(abi::MemoryReference, base)),
                                8));
  return base;
}

Operators::Address Operators::address(const Operand& base, const wasm::MemoryArgument& argument, std::uint32_t bytes) {
  if (context_.module.memories[argument.memory].is_64) return checked_address(base, argument, bytes);
  if (base.kind == Operand::Kind::kConstant) {
    // Both are below 2^32, so the sum is exact.
    const std::uint64_t at = base.bits + argument.offset;
    if (at + bytes > abi::kMemoryAddressSpace) {
      trap(TrapKind::kMemoryOutOfBounds);
      return {cell_field(0, bytes), kNoRegister, true};
    }
    const Register memory = memory_base(argument.memory);
    // Memories never shrink in a call.
    const std::uint64_t always = context_.module.memories[argument.memory].limits.minimum * abi::kWasmPageBytes;
    if (context_.options.explicit_bounds && at + bytes > always) {
      a_.mov(x86::r10d, asmjit::imm(at + bytes - 1));
      compare_with_size(x86::r10, memory);
    }
    if (memory == kR13 && at <= 0x7FFF'FFFF) return {cell_field(static_cast<std::int32_t>(at), bytes)};
    a_.mov(x86::r10d, asmjit::imm(at));
    return {x86::Mem(gp64(memory), x86::r10, 0, 0, bytes), kR10};
  }
  // The guard does not cover a larger offset.
  if (argument.offset >= kMaximumUncheckedOffset) return checked_address(base, argument, bytes);
  const Register index = use(base);
  const Register memory = memory_base(argument.memory);
  const auto offset = static_cast<std::int32_t>(argument.offset);
  if (context_.options.explicit_bounds) {
    const std::int32_t to_last = offset + static_cast<std::int32_t>(bytes - 1);
    if (to_last != 0) a_.lea(x86::r10, x86::ptr(gp64(index), to_last));
    compare_with_size(gp64(to_last != 0 ? kR10 : index), memory);
  }
  return {x86::Mem(gp64(memory), gp64(index), 0, offset, bytes), index};
}

// Needs no mask against a mispredicted check, which checked_address() has: whatever the comparison says, the access
// stays in the memory's address space (invariant C3), where nothing but zeros lies behind its end.
void Operators::compare_with_size(const Gp& last, Register memory) {
  a_.cmp(last, x86::qword_ptr(gp64(memory), abi::kMemoryBytes));
  a_.jae(cold_trap(TrapKind::kMemoryOutOfBounds));
}

// Compares the end of the access with the memory's size; r10 is that end.
Operators::Address Operators::checked_address(const Operand& base, const wasm::MemoryArgument& argument,
                                              std::uint32_t bytes) {
  const std::uint64_t distance = argument.offset + bytes;
  if (distance < bytes) {  // past 2^64
    trap(TrapKind::kMemoryOutOfBounds);
    return {cell_field(0, bytes), kNoRegister, true};
  }
  const Register memory = memory_base(argument.memory);
  move_to(kR10, base);
  if (distance <= 0x7FFF'FFFF) {
    a_.add(x86::r10, asmjit::imm(distance));
  } else {
    a_.mov(x86::r11, asmjit::imm(distance));
    a_.add(x86::r10, x86::r11);
  }
  // A 32-bit address and an offset below 2^32 + 16 cannot carry.
  if (context_.module.memories[argument.memory].is_64) a_.jc(cold_trap(TrapKind::kMemoryOutOfBounds));
  a_.cmp(x86::r10, x86::qword_ptr(gp64(memory), abi::kMemoryBytes));
  a_.ja(cold_trap(TrapKind::kMemoryOutOfBounds));
  // Against a mispredicted check: what goes on behind it with an end past the memory's has it replaced.
  a_.mov(x86::r11d, bytes);
  a_.cmova(x86::r10, x86::r11);
  return {x86::Mem(gp64(memory), x86::r10, 0, -static_cast<std::int32_t>(bytes), bytes), kR10};
}

bool Operators::already_marked(const Operand& base, std::uint64_t offset, std::uint32_t bytes) noexcept {
  const bool is_constant = base.kind == Operand::Kind::kConstant;
  if (!is_constant && base.kind != Operand::Kind::kLocal) return false;
  StoreMarks::Place place;
  place.offset = base.bits + offset;
  if (!is_constant) place = marks().place(base.local, offset);
  const std::uint64_t slack = abi::kSlackBytes + (abi::is_planted(abi::PlantedFault::kMemberMark) ? 16 : 0);
  return marks().cover(place, bytes, std::uint64_t{1} << context_.layout.card_shift(), slack);
}

void Operators::mark(const Operand& base, const Address& to, const wasm::MemoryArgument& argument,
                     std::uint32_t bytes) {
  if (!context_.options.marks) return;
  if (!is_own_memory(argument.memory)) return mark_linked(to, argument.memory);
  const std::uint32_t shift = context_.layout.card_shift();
  const std::int32_t cards = context_.layout.cards();
  if (context_.module.memories[0].is_64) {  // the address is r10 less the width
    a_.lea(x86::r11, x86::ptr(gp64(to.index), static_cast<std::int32_t>(to.mem.offset())));
    a_.shr(x86::r11, shift);
    a_.mov(x86::Mem(x86::r13, x86::r11, 0, cards, 1), 1);
    return;
  }
  if (already_marked(base, argument.offset, bytes)) return;
  StoreMarks::Place marked;
  if (base.kind == Operand::Kind::kConstant) {
    marked.offset = base.bits + argument.offset;
    const std::uint64_t card = marked.offset >> shift;
    // address() let only addresses below 4 GiB through, and cards + (2^32 >> shift) < 0 fits (invariant C5).
    a_.mov(cell_field(static_cast<std::int32_t>(cards + static_cast<std::int64_t>(card)), 1), 1);
  } else {
    // Where the slack reaches from the base to the store, mark the base: that serves all members of a struct or frame,
    // in whatever order they are stored, and saves the addition.
    const std::int64_t displacement = to.mem.offset();
    const bool at_base = argument.offset + bytes <= abi::kSlackBytes;
    if (at_base || displacement == 0)
      a_.mov(x86::r11, gp64(to.index));
    else
      a_.lea(x86::r11, x86::ptr(gp64(to.index), static_cast<std::int32_t>(displacement)));
    a_.shr(x86::r11, shift);
    a_.mov(x86::Mem(x86::r13, x86::r11, 0, cards, 1), 1);
    if (base.kind != Operand::Kind::kLocal) return;
    marked = marks().place(base.local, at_base ? 0 : argument.offset);
  }
  marks().add(marked);
}

// The card table and the size of its cards are those of the memory's owner.
void Operators::mark_linked(const Address& to, std::uint32_t memory) {
  if constexpr (abi::is_planted(abi::PlantedFault::kLinkedMark)) return;
  const std::int32_t reference = context_.layout.memory_reference(memory);
  constexpr auto kCardsAt = static_cast<std::int32_t>(offsetof(abi::MemoryReference, cards));
  constexpr auto kShiftAt = static_cast<std::int32_t>(offsetof(abi::MemoryReference, card_shift));
  const Register shift = allocate(false);
  a_.mov(gp64(shift), cell_field(reference + kShiftAt, 8));
  a_.lea(x86::r11, x86::ptr(gp64(to.index), static_cast<std::int32_t>(to.mem.offset())));
  a_.shrx(x86::r11, x86::r11, gp64(shift));
  a_.add(x86::r11, cell_field(reference + kCardsAt, 8));
  a_.mov(x86::byte_ptr(x86::r11), 1);
}

// --- Loads and stores ---

void Operators::load(Op op, wasm::MemoryArgument argument) {
  if (wasm::is_vector_operator(op)) return vector_load(op, argument);
  settle_flags();
  const Operand base = pop();
  const std::uint32_t bytes = wasm::access_bytes(op);
  const ValueType type = wasm::signature_of(op).result;
  const Mem from = address(base, argument, bytes).mem;
  // The base's own register can take the result.
  const Register to = base.kind == Operand::Kind::kRegister && !is_float(type) ? base.reg : allocate_for(type);
  add_position();
  switch (op) {
    case Op::kI32Load:
    case Op::kI64Load:
    case Op::kF32Load:
    case Op::kF64Load: load_register(to, from, type); break;
    case Op::kI64Load32U: a_.mov(gp32(to), from); break;
    case Op::kI64Load32S: a_.movsxd(gp64(to), from); break;
    case Op::kI32Load8U:
    case Op::kI32Load16U:
    case Op::kI64Load8U:
    case Op::kI64Load16U: a_.movzx(gp32(to), from); break;
    default: a_.movsx(gp(to, is_wide(type)), from); break;
  }
  push_register(type, to);
  release();
}

void Operators::store(Op op, wasm::MemoryArgument argument) {
  if (wasm::is_vector_operator(op)) return vector_store(op, argument);
  settle_flags();
  const Operand value = pop();
  const Operand base = pop();
  const std::uint32_t bytes = wasm::access_bytes(op);
  const bool is_immediate = value.kind == Operand::Kind::kConstant && !is_float(value.type) &&
                            (bytes < 8 || static_cast<std::int64_t>(value.bits) ==
                                              static_cast<std::int32_t>(static_cast<std::uint32_t>(value.bits)));
  // Before address(), which may leave its sum in r10: moving a constant to an xmm register uses r11 only.
  const Register from = is_immediate ? kNoRegister : use(value);
  const Address to = address(base, argument, bytes);
  if (!to.traps) {
    mark(base, to, argument, bytes);
    add_position();
    if (is_immediate) {
      // Of a narrower store only the low bytes count.
      std::int64_t immediate = static_cast<std::int64_t>(value.bits);
      if (bytes == 4) immediate = static_cast<std::int32_t>(static_cast<std::uint32_t>(value.bits));
      if (bytes == 2) immediate = static_cast<std::int16_t>(static_cast<std::uint16_t>(value.bits));
      // NOLINTNEXTLINE(bugprone-signed-char-misuse): the assembler wants the byte as a signed number
      if (bytes == 1) immediate = static_cast<std::int8_t>(static_cast<std::uint8_t>(value.bits));
      a_.mov(to.mem, asmjit::imm(immediate));
    } else if (bytes == 1) {
      a_.mov(to.mem, gp32(from).r8());
    } else if (bytes == 2) {
      a_.mov(to.mem, gp32(from).r16());
    } else if (bytes == 4 && !is_float(value.type)) {
      a_.mov(to.mem, gp32(from));
    } else {
      store_register(to.mem, from, value.type);
    }
  }
  release();
}

}  // namespace anew::codegen::quick
