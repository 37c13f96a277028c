// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Atomic operators of the optimizing tier (threads). Memories are never shared between threads
// (Feature::kUnsharedMemory), so ordinary loads and stores are atomic enough, as in the quick tier's atomic.cpp. What
// is left of atomicity is that an access must be aligned. That is checked before its bounds, as the specification's
// interpreter does.
#include "codegen/llvm/operators.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::optimizing {

using wasm::Op;
using Instruction = ::llvm::Instruction;

namespace {

enum class Family : std::uint8_t { kLoad, kStore, kAdd, kSub, kAnd, kOr, kXor, kExchange, kCompareExchange };

/// The opcodes come in families of seven, one for each type and width.
constexpr Family family_of(Op op) noexcept {
  constexpr std::size_t kFamilyMembers = 7;
  const std::size_t number = static_cast<std::size_t>(op) - static_cast<std::size_t>(Op::kI32AtomicLoad);
  return static_cast<Family>(number / kFamilyMembers);  // an atomic access's: below 63
}
static_assert(family_of(Op::kI64AtomicLoad32U) == Family::kLoad && family_of(Op::kI32AtomicStore) == Family::kStore &&
              family_of(Op::kI32AtomicRmwAdd) == Family::kAdd && family_of(Op::kI32AtomicRmwSub) == Family::kSub &&
              family_of(Op::kI32AtomicRmwAnd) == Family::kAnd && family_of(Op::kI32AtomicRmwOr) == Family::kOr &&
              family_of(Op::kI32AtomicRmwXor) == Family::kXor &&
              family_of(Op::kI32AtomicRmwXchg) == Family::kExchange &&
              family_of(Op::kI64AtomicRmw32CmpxchgU) == Family::kCompareExchange);

}  // namespace

// The memory's base is aligned, so what counts is the address operand and the offset.
Operators::Value* Operators::atomic_place(const wasm::MemoryArgument& argument, std::uint32_t bytes) {
  Value* const operand = pop();
  Type* const type = operand->getType();
  Value* const place = ir_.CreateAdd(operand, ::llvm::ConstantInt::get(type, argument.offset & (bytes - 1)));
  trap_if(ir_.CreateIsNotNull(ir_.CreateAnd(place, bytes - 1)), TrapKind::kUnalignedAtomic);
  return address(operand, argument, bytes);
}

void Operators::atomic(Op op, wasm::MemoryArgument argument) {
  const std::uint32_t bytes = wasm::access_bytes(op);
  Type* const type = ir_.getIntNTy(8 * bytes);
  if (op == Op::kMemoryAtomicNotify) {
    pop();  // how many to wake: nobody can wait on a memory that is not shared. The access is checked all the same
    guest_load(type, atomic_place(argument, bytes));
    return push(i32(0));
  }
  if (op == Op::kMemoryAtomicWait32 || op == Op::kMemoryAtomicWait64) return atomic_wait(argument, bytes);

  const Family family = family_of(op);
  if (family == Family::kStore) {
    Value* const value = pop();
    return store_to_guest(value, bytes, atomic_place(argument, bytes));
  }
  // The operands, but for a load, wrapped to the access's width.
  Value* const value = family == Family::kLoad ? nullptr : ir_.CreateTrunc(pop(), type);
  Value* const expected = family == Family::kCompareExchange ? ir_.CreateTrunc(pop(), type) : nullptr;
  Value* const place = atomic_place(argument, bytes);
  Value* const narrow = load_without_witness(type, place);
  Value* const old = ir_.CreateZExt(narrow, type_of(wasm::signature_of(op).result));
  witness(old);
  push(old);
  switch (family) {
    case Family::kLoad:
    case Family::kStore: return;
    case Family::kAdd: return guest_store(ir_.CreateAdd(narrow, value), place);
    case Family::kSub: return guest_store(ir_.CreateSub(narrow, value), place);
    case Family::kAnd: return guest_store(ir_.CreateAnd(narrow, value), place);
    case Family::kOr: return guest_store(ir_.CreateOr(narrow, value), place);
    case Family::kXor: return guest_store(ir_.CreateXor(narrow, value), place);
    case Family::kExchange: return guest_store(value, place);
    case Family::kCompareExchange:  // stores what is there if it is not what was expected
      return guest_store(ir_.CreateSelect(ir_.CreateICmpEQ(narrow, expected), value, narrow), place);
  }
}

void Operators::atomic_wait(const wasm::MemoryArgument& argument, std::uint32_t bytes) {
  pop();  // how long to wait
  Value* const expected = pop();
  Value* const found = guest_load(expected->getType(), atomic_place(argument, bytes));
  // Nobody could end the wait.
  const bool shared = unit_.module.memories[argument.memory].shared;
  trap_if(shared ? ir_.CreateICmpEQ(found, expected) : ir_.getTrue(), TrapKind::kExpectedSharedMemory);
  push(i32(1));  // "not-equal"
}

// Nothing to order: see above.
void Operators::atomic_fence() {}

}  // namespace anew::codegen::optimizing
