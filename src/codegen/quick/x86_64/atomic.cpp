// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Atomic operators of the quick tier (threads). Memories are never shared between threads (Feature::kUnsharedMemory),
// and one thread at a time runs an instance: ordinary loads and stores are atomic enough. What is left of atomicity is
// that an access must be aligned. That is checked before its bounds, as the specification's interpreter does.
#include <cassert>

#include "abi/planted_fault.hpp"
#include "codegen/quick/x86_64/operators.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;
namespace Inst = asmjit::x86::Inst;

namespace {

enum class Family : std::uint8_t { kLoad, kStore, kAdd, kSub, kAnd, kOr, kXor, kExchange, kCompareExchange };

/// The opcodes come in families of seven, one for each type and width.
constexpr std::size_t kFamilyMembers = 7;

constexpr std::size_t number_of(Op op) noexcept {
  return static_cast<std::size_t>(op) - static_cast<std::size_t>(Op::kI32AtomicLoad);
}
constexpr Family family_of(Op op) noexcept { return static_cast<Family>(number_of(op) / kFamilyMembers); }
static_assert(family_of(Op::kI64AtomicLoad32U) == Family::kLoad && family_of(Op::kI32AtomicStore) == Family::kStore &&
              family_of(Op::kI32AtomicRmwAdd) == Family::kAdd && family_of(Op::kI32AtomicRmwSub) == Family::kSub &&
              family_of(Op::kI32AtomicRmwAnd) == Family::kAnd && family_of(Op::kI32AtomicRmwOr) == Family::kOr &&
              family_of(Op::kI32AtomicRmwXor) == Family::kXor &&
              family_of(Op::kI32AtomicRmwXchg) == Family::kExchange &&
              family_of(Op::kI64AtomicRmw32CmpxchgU) == Family::kCompareExchange);

x86::Gp sized(const x86::Gp& reg, std::uint32_t bytes) noexcept {
  switch (bytes) {
    case 1: return reg.r8();
    case 2: return reg.r16();
    case 4: return reg.r32();
    default: return reg.r64();
  }
}

}  // namespace

void Operators::atomic(Op op, wasm::MemoryArgument argument) {
  settle_flags();
  switch (op) {
    case Op::kMemoryAtomicNotify: return atomic_notify(argument);
    case Op::kMemoryAtomicWait32:
    case Op::kMemoryAtomicWait64: return atomic_wait(argument, wasm::access_bytes(op));
    default: break;
  }
  const std::uint32_t bytes = wasm::access_bytes(op);
  const ValueType type = wasm::signature_of(op).result;  // not of a store
  switch (family_of(op)) {
    case Family::kLoad: return atomic_load(argument, type, bytes);
    case Family::kStore: return atomic_store(argument, bytes);
    case Family::kAdd: return atomic_update(Inst::kIdAdd, argument, type, bytes);
    case Family::kSub: return atomic_update(Inst::kIdSub, argument, type, bytes);
    case Family::kAnd: return atomic_update(Inst::kIdAnd, argument, type, bytes);
    case Family::kOr: return atomic_update(Inst::kIdOr, argument, type, bytes);
    case Family::kXor: return atomic_update(Inst::kIdXor, argument, type, bytes);
    case Family::kExchange: return atomic_update(Inst::kIdMov, argument, type, bytes);
    case Family::kCompareExchange: return atomic_compare_exchange(argument, type, bytes);
  }
}

// Nothing to order: see above.
void Operators::atomic_fence() {}

// The memory's base is aligned, so what counts is the base operand and the offset.
void Operators::check_alignment(Operand& base, const wasm::MemoryArgument& argument, std::uint32_t bytes) {
  if (bytes == 1) return;
  const auto low_offset = static_cast<std::int32_t>(argument.offset & (bytes - 1));
  if (base.kind == Operand::Kind::kConstant) {
    if (((base.bits + argument.offset) & (bytes - 1)) != 0) trap(TrapKind::kUnalignedAtomic);
    return;
  }
  const Register index = use(base);
  if (base.kind == Operand::Kind::kHome) {  // so that it is loaded once
    base.kind = Operand::Kind::kRegister;
    base.reg = index;
  }
  if (low_offset == 0) {
    a_.test(gp32(index).r8(), bytes - 1);
  } else {
    a_.lea(x86::r11d, x86::ptr(gp64(index), low_offset));
    a_.test(x86::r11b, bytes - 1);
  }
  a_.jnz(cold_trap(TrapKind::kUnalignedAtomic));
}

void Operators::load_zero_extended(Register to, const Mem& from, std::uint32_t bytes) {
  if (bytes < 4)
    a_.movzx(gp32(to), from);
  else
    a_.mov(gp(to, bytes == 8), from);
}

void Operators::atomic_load(const wasm::MemoryArgument& argument, ValueType type, std::uint32_t bytes) {
  Operand base = pop();
  check_alignment(base, argument, bytes);
  const Mem from = address(base, argument, bytes).mem;
  const Register to = allocate(false);
  add_position();
  load_zero_extended(to, from, bytes);
  push_register(type, to);
  release();
}

void Operators::atomic_store(const wasm::MemoryArgument& argument, std::uint32_t bytes) {
  const Operand value = pop();
  Operand base = pop();
  const Register from = use(value);
  check_alignment(base, argument, bytes);
  const Address to = address(base, argument, bytes);
  if (!to.traps) {
    mark(base, to, argument, bytes);
    add_position();
    a_.mov(to.mem, sized(gp32(from), bytes));
  }
  release();
}

void Operators::atomic_update(InstId inst, const wasm::MemoryArgument& argument, ValueType type, std::uint32_t bytes) {
  const Operand value = pop();
  Operand base = pop();
  const Register from = use(value);
  check_alignment(base, argument, bytes);
  const Address at = address(base, argument, bytes);
  const Register result = allocate(false);
  if (!at.traps) {
    if constexpr (!abi::is_planted(abi::PlantedFault::kAtomicMark)) mark(base, at, argument, bytes);
    add_position();
    load_zero_extended(result, at.mem, bytes);
    a_.emit(inst, at.mem, sized(gp32(from), bytes));
  }
  push_register(type, result);
  release();
}

// A narrow one wraps the expected operand to the access's width, as it does the replacement.
void Operators::atomic_compare_exchange(const wasm::MemoryArgument& argument, ValueType type, std::uint32_t bytes) {
  const Operand replacement = pop();
  const Operand expected = pop();
  Operand base = pop();
  const Register from = use(replacement);
  const Register wanted = use(expected);
  check_alignment(base, argument, bytes);
  const Address at = address(base, argument, bytes);
  const Register result = allocate(false);
  if (!at.traps) {
    Label done;
    mark(base, at, argument, bytes);
    add_position();
    load_zero_extended(result, at.mem, bytes);
    a_.cmp(sized(gp32(result), bytes), sized(gp32(wanted), bytes));
    a_.jne(done);
    a_.mov(at.mem, sized(gp32(from), bytes));
    a_.bind(done);
  }
  push_register(type, result);
  release();
}

// Nobody can wait on a memory that is not shared, so nobody is woken. The access is checked all the same.
void Operators::atomic_notify(const wasm::MemoryArgument& argument) {
  constexpr std::uint32_t kBytes = 4;
  pop();  // how many to wake
  Operand base = pop();
  check_alignment(base, argument, kBytes);
  const Mem at = address(base, argument, kBytes).mem;
  add_position();
  a_.mov(x86::r11d, at);
  push_constant(ValueType::kI32, 0);
  release();
}

void Operators::atomic_wait(const wasm::MemoryArgument& argument, std::uint32_t bytes) {
  pop();  // how long to wait
  const Operand expected = pop();
  Operand base = pop();
  const Register value = use(expected);
  check_alignment(base, argument, bytes);
  const Mem at = address(base, argument, bytes).mem;
  add_position();
  load_zero_extended(kR11, at, bytes);
  if (context_.module.memories[argument.memory].shared) {
    const bool is_64 = bytes == 8;
    a_.cmp(gp(kR11, is_64), gp(value, is_64));
    a_.jz(cold_trap(TrapKind::kExpectedSharedMemory));  // nobody could end the wait
  } else {
    trap(TrapKind::kExpectedSharedMemory);
  }
  push_constant(ValueType::kI32, 1);  // "not-equal"
  release();
}

}  // namespace anew::codegen::quick
