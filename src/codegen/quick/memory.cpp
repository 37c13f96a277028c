// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Memory, globals and tables of the quick tier.
#include <cassert>

#include "abi/planted_fault.hpp"
#include "codegen/quick/registers.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;

namespace {

/// The widest access; with it, an offset below kGuardBytes - kWidest needs no check (invariant C3 of abi/cell.hpp).
constexpr std::uint64_t kWidest = 16;
constexpr std::uint64_t kMaximumUncheckedOffset = abi::kGuardBytes - kWidest;

constexpr std::uint32_t access_bytes(Op op) noexcept {
  switch (op) {
    case Op::kI32Load8S:
    case Op::kI32Load8U:
    case Op::kI64Load8S:
    case Op::kI64Load8U:
    case Op::kI32Store8:
    case Op::kI64Store8: return 1;
    case Op::kI32Load16S:
    case Op::kI32Load16U:
    case Op::kI64Load16S:
    case Op::kI64Load16U:
    case Op::kI32Store16:
    case Op::kI64Store16: return 2;
    case Op::kI32Load:
    case Op::kF32Load:
    case Op::kI64Load32S:
    case Op::kI64Load32U:
    case Op::kI32Store:
    case Op::kF32Store:
    case Op::kI64Store32: return 4;
    default: return 8;
  }
}

constexpr ValueType loaded_type(Op op) noexcept {
  switch (op) {
    case Op::kI32Load:
    case Op::kI32Load8S:
    case Op::kI32Load8U:
    case Op::kI32Load16S:
    case Op::kI32Load16U: return ValueType::kI32;
    case Op::kF32Load: return ValueType::kF32;
    case Op::kF64Load: return ValueType::kF64;
    default: return ValueType::kI64;
  }
}

}  // namespace

// --- Addresses ---

Register QuickCompiler::memory_base(std::uint32_t memory) {
  if (is_own_memory(memory)) return kR13;
  const Register base = allocate(false);
  a_.mov(gp64(base), cell_field(context_.layout.memory_reference(memory) +
                                    static_cast<std::int32_t>(offsetof(abi::MemoryReference, base)),
                                8));
  return base;
}

QuickCompiler::Address QuickCompiler::address(const Operand& base, const wasm::MemoryArgument& argument,
                                              std::uint32_t bytes) {
  if (context_.module.memories[argument.memory].is_64) return checked_address(base, argument, bytes);
  if (base.kind == Operand::Kind::kConstant) {
    // Both are below 2^32, so the sum is exact.
    const std::uint64_t at = base.bits + argument.offset;
    if (at + bytes > abi::kMemoryAddressSpace) {
      a_.jmp(cold_trap(TrapKind::kMemoryOutOfBounds));
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
void QuickCompiler::compare_with_size(const Gp& last, Register memory) {
  a_.cmp(last, x86::qword_ptr(gp64(memory), abi::kMemoryBytes));
  a_.jae(cold_trap(TrapKind::kMemoryOutOfBounds));
}

// Compares the end of the access with the memory's size; r10 is that end.
QuickCompiler::Address QuickCompiler::checked_address(const Operand& base, const wasm::MemoryArgument& argument,
                                                      std::uint32_t bytes) {
  const std::uint64_t distance = argument.offset + bytes;
  if (distance < bytes) {  // past 2^64
    a_.jmp(cold_trap(TrapKind::kMemoryOutOfBounds));
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

bool QuickCompiler::already_marked(const Operand& base, std::uint64_t offset, std::uint32_t bytes) const noexcept {
  const bool is_constant = base.kind == Operand::Kind::kConstant;
  if (!is_constant && base.kind != Operand::Kind::kLocal) return false;
  const std::uint32_t local = is_constant ? kNone : base.local;
  const std::uint32_t version = is_constant ? 0 : local_version_[base.local];
  const std::uint64_t at = is_constant ? base.bits + offset : offset;
  const std::uint64_t card_bytes = std::uint64_t{1} << context_.layout.card_shift();
  for (std::uint32_t i = 0; i < marked_count_; ++i) {
    const Marked& marked = marked_[i];
    if (marked.local != local || marked.version != version) continue;
    // A restore reaches from the start of the marked card to kSlackBytes past its end. Where in its card the marked
    // address lies is known only if it is a constant; else it may be the first byte or the last.
    const std::uint64_t begin = is_constant ? marked.offset & ~(card_bytes - 1) : marked.offset;
    const std::uint64_t slack = abi::kSlackBytes + (abi::is_planted(abi::PlantedFault::kMemberMark) ? 16 : 0);
    const std::uint64_t bytes_covered = is_constant ? card_bytes + slack : slack;
    if (at >= begin && at - begin + bytes <= bytes_covered) return true;
  }
  return false;
}

void QuickCompiler::mark(const Operand& base, const Address& to, const wasm::MemoryArgument& argument,
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
  Marked marked;
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
    if (at_base || displacement == 0) {
      a_.mov(x86::r11, gp64(to.index));
    } else {
      a_.lea(x86::r11, x86::ptr(gp64(to.index), static_cast<std::int32_t>(displacement)));
    }
    a_.shr(x86::r11, shift);
    a_.mov(x86::Mem(x86::r13, x86::r11, 0, cards, 1), 1);
    if (base.kind != Operand::Kind::kLocal) return;
    marked = {base.local, local_version_[base.local], at_base ? 0 : argument.offset};
  }
  marked_[next_marked_] = marked;
  next_marked_ = (next_marked_ + 1) % static_cast<std::uint32_t>(marked_.size());
  marked_count_ = std::min(marked_count_ + 1, static_cast<std::uint32_t>(marked_.size()));
}

// The card table and the size of its cards are those of the memory's owner.
void QuickCompiler::mark_linked(const Address& to, std::uint32_t memory) {
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

void QuickCompiler::load(Op op, wasm::MemoryArgument argument) {
  if (wasm::is_vector_operator(op)) return vector_load(op, argument);
  settle_flags();
  const Operand base = pop();
  const std::uint32_t bytes = access_bytes(op);
  const ValueType type = loaded_type(op);
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

void QuickCompiler::store(Op op, wasm::MemoryArgument argument) {
  if (wasm::is_vector_operator(op)) return vector_store(op, argument);
  settle_flags();
  const Operand value = pop();
  const Operand base = pop();
  const std::uint32_t bytes = access_bytes(op);
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

// --- Size and bulk operators ---

void QuickCompiler::memory_size(std::uint32_t memory) {
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

void QuickCompiler::push_size_before(ValueType type) {
  if (type == ValueType::kI32) a_.mov(x86::eax, x86::eax);  // 2^64 - 1 becomes 2^32 - 1
  claim(kRax);
  push_register(type, kRax);
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

void QuickCompiler::data_drop(std::uint32_t segment) {
  settle_flags();
  a_.mov(cell_field(context_.layout.dropped_data(segment), 1), 1);
}

void QuickCompiler::elem_drop(std::uint32_t segment) {
  settle_flags();
  a_.mov(cell_field(context_.layout.dropped_elements(segment), 1), 1);
}

// --- Globals ---

QuickCompiler::Mem QuickCompiler::global_place(std::uint32_t global) {
  const std::uint32_t bytes = bytes_of(context_.module.globals[global].type.type);
  const std::int32_t displacement = context_.layout.global(global);
  if (!context_.layout.is_linked_global(global)) return cell_field(displacement, bytes);
  a_.mov(x86::r11, cell_field(displacement, 8));
  return {x86::r11, 0, bytes};
}

void QuickCompiler::global_get(std::uint32_t global) {
  settle_flags();
  const ValueType type = context_.module.globals[global].type.type;
  const Register reg = allocate_for(type);
  load_register(reg, global_place(global), type);
  push_register(type, reg);
  release();
}

void QuickCompiler::global_set(std::uint32_t global) {
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

QuickCompiler::Mem QuickCompiler::table_element(std::uint32_t table, const Operand& index, TrapKind kind,
                                                bool written) {
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

void QuickCompiler::table_get(std::uint32_t table) {
  settle_flags();
  const Operand index = pop();
  const Mem from = table_element(table, index, TrapKind::kTableOutOfBounds, false);
  const Register reg = allocate(false);
  a_.mov(gp64(reg), from);
  push_register(context_.module.tables[table].element, reg);
  release();
}

void QuickCompiler::table_set(std::uint32_t table) {
  settle_flags();
  const Operand value = pop();
  const Operand index = pop();
  const Register from = use(value);
  a_.mov(table_element(table, index, TrapKind::kTableOutOfBounds, true), gp64(from));
  release();
}

void QuickCompiler::table_size(std::uint32_t table) {
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

void QuickCompiler::ref_func(std::uint32_t function) {
  settle_flags();
  const Register reg = allocate(false);
  a_.lea(gp64(reg), cell_field(context_.layout.function_reference(function), 8));
  push_register(non_null(ValueType::kFuncRef), reg);
  release();
}

void QuickCompiler::ref_is_null() {
  settle_flags();
  const Operand value = pop();
  const Register reg = use(value);
  a_.test(gp64(reg), gp64(reg));
  release();
  push_flags(Condition::kZero);
}

}  // namespace anew::codegen::quick
