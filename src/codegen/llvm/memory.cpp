// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Linear memories in the optimizing tier. What a load or store may assume and when it is checked is the same as in the
// quick tier's memory.cpp.
#include <llvm/IR/InlineAsm.h>

#include <cstddef>

#include "abi/library.hpp"
#include "codegen/llvm/operators.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::optimizing {

using wasm::Op;

namespace {

/// An offset below needs no check (invariant C3 of abi/cell.hpp).
constexpr std::uint64_t kMaximumUncheckedOffset = abi::kGuardBytes - wasm::kMaximumAccessBytes;

/// Of a pointer into a memory's address space, guard included, which is one object: it stays in there.
::llvm::GEPNoWrapFlags within() {
  return ::llvm::GEPNoWrapFlags::inBounds() | ::llvm::GEPNoWrapFlags::noUnsignedWrap();
}

constexpr bool is_sign_extending(Op op) noexcept {
  switch (op) {
    case Op::kI32Load8S:
    case Op::kI32Load16S:
    case Op::kI64Load8S:
    case Op::kI64Load16S:
    case Op::kI64Load32S: return true;
    default: return false;
  }
}

}  // namespace

// --- Addresses ---

Operators::Value* Operators::memory_base(std::uint32_t memory) {
  Type* const pointer = ir_.getPtrTy(kMemorySpace + memory);
  if (is_own_memory(memory)) return ir_.CreateAddrSpaceCast(cell(), pointer);
  return link(pointer,
              unit_.layout.memory_reference(memory) + static_cast<std::int32_t>(offsetof(abi::MemoryReference, base)));
}

Operators::Value* Operators::memory_bytes(std::uint32_t memory) {
  Value* const place =
      is_own_memory(memory)
          ? cell_field(abi::kMemoryBytes)
          : at(ir_.CreateAddrSpaceCast(memory_base(memory), ir_.getPtrTy(kHeaderSpace)), abi::kMemoryBytes);
  return Builder::load(ir_.getInt64Ty(), place, Access::kHeader);
}

Operators::Value* Operators::address(Value* operand, const wasm::MemoryArgument& argument, std::uint32_t bytes) {
  const MemoryType& memory = unit_.module.memories[argument.memory];
  const bool explicit_bounds = unit_.options.explicit_bounds;
  if (memory.is_64) return checked_address(operand, argument, bytes);
  // Needs no clamp, which checked_address() has: whatever the comparison says, the access stays in the memory's address
  // space, where nothing but zeros lies behind its end.
  const auto compare_with_size = [&](Value* last) {
    trap_if(ir_.CreateICmpUGE(last, memory_bytes(argument.memory)), TrapKind::kMemoryOutOfBounds);
  };
  if (const auto* const known = ::llvm::dyn_cast<::llvm::ConstantInt>(operand)) {
    // Both are below 2^32, so the sum is exact.
    const std::uint64_t place = known->getZExtValue() + argument.offset;
    if (place + bytes > abi::kMemoryAddressSpace) {
      trap(TrapKind::kMemoryOutOfBounds);
      return memory_base(argument.memory);
    }
    // Memories never shrink in a call.
    const std::uint64_t always = memory.limits.minimum * abi::kWasmPageBytes;
    if (explicit_bounds && place + bytes > always) compare_with_size(i64(place + bytes - 1));
    return ir_.CreatePtrAdd(memory_base(argument.memory), i64(place), "", within());
  }
  // The guard does not cover a larger offset.
  if (argument.offset >= kMaximumUncheckedOffset) return checked_address(operand, argument, bytes);
  Value* const index = widen(operand);
  if (explicit_bounds) compare_with_size(ir_.CreateAdd(index, i64(argument.offset + bytes - 1), "", true, true));
  // The sum of base and index on its own, so that accesses at several offsets share it.
  Value* const place = ir_.CreatePtrAdd(memory_base(argument.memory), index, "", within());
  return argument.offset == 0 ? place : ir_.CreatePtrAdd(place, i64(argument.offset), "", within());
}

// Compares the end of the access with the memory's size.
Operators::Value* Operators::checked_address(Value* operand, const wasm::MemoryArgument& argument,
                                             std::uint32_t bytes) {
  const std::uint64_t distance = argument.offset + bytes;
  if (distance < bytes) {  // past 2^64
    trap(TrapKind::kMemoryOutOfBounds);
    return memory_base(argument.memory);
  }
  Value* const index = widen(operand);
  Value* end = nullptr;
  if (unit_.module.memories[argument.memory].is_64) {
    Value* const sum = ir_.CreateBinaryIntrinsic(::llvm::Intrinsic::uadd_with_overflow, index, i64(distance));
    end = ir_.CreateExtractValue(sum, 0);
    trap_if(ir_.CreateExtractValue(sum, 1), TrapKind::kMemoryOutOfBounds);
  } else {  // a 32-bit address and an offset below 2^32 + 16 cannot carry
    end = ir_.CreateAdd(index, i64(distance), "", true, true);
  }
  Value* const size = memory_bytes(argument.memory);
  trap_if(ir_.CreateICmpUGT(end, size), TrapKind::kMemoryOutOfBounds);
  // Past a mispredicted check goes what begins before the memory's end, or is clamped to 0: nothing lies behind the end
  // in reach of one access.
  Value* const start = ir_.CreateSub(end, i64(bytes), "", true);
  return ir_.CreatePtrAdd(memory_base(argument.memory), clamp(start, size), "", within());
}

// --- Accesses ---

Operators::Value* Operators::load_without_witness(Type* type, Value* from) {
  ::llvm::LoadInst* const value = ir_.CreateAlignedLoad(type, from, ::llvm::Align(1));
  value->setMetadata(::llvm::LLVMContext::MD_tbaa, tbaa(Access::kMemory));
  return value;
}

Operators::Value* Operators::guest_load(Type* type, Value* from) {
  Value* const value = load_without_witness(type, from);
  witness(value);
  return value;
}

void Operators::guest_store(Value* value, Value* to) {
  ::llvm::StoreInst* const store = ir_.CreateAlignedStore(value, to, ::llvm::Align(1));
  store->setMetadata(::llvm::LLVMContext::MD_tbaa, tbaa(Access::kMemory));
}

// No instruction: it takes the value in a register, as if it did something with it that nobody can see but that cannot
// be left out or moved across others of its kind. What memory holds it neither reads nor writes. Volatile loads would
// do as well, but the optimizer makes nothing of those: witnesses.hpp.
void Operators::witness(Value* value) {
  Type* const type = value->getType();
  if (type->isIntegerTy() && type->getIntegerBitWidth() < 32) return witness(ir_.CreateZExt(value, ir_.getInt32Ty()));
  auto* const taker = ::llvm::FunctionType::get(ir_.getVoidTy(), {type}, false);
  constexpr bool kSideEffects = true;
  ::llvm::CallInst* const call =
      ir_.CreateCall(::llvm::InlineAsm::get(taker, "", type->isIntegerTy() ? "r" : "x", kSideEffects), {value});
  call->setDoesNotThrow();
  call->addFnAttr(::llvm::Attribute::WillReturn);
  call->setMemoryEffects(::llvm::MemoryEffects::inaccessibleMemOnly());
}

void Operators::load(Op op, wasm::MemoryArgument argument) {
  if (wasm::is_vector_operator(op)) return vector_load(op, argument);
  const std::uint32_t bytes = wasm::access_bytes(op);
  Type* const type = type_of(wasm::signature_of(op).result);
  Value* const from = address(pop(), argument, bytes);
  if (type->getPrimitiveSizeInBits() == std::uint64_t{8} * bytes) return push(guest_load(type, from));
  Value* const narrow = load_without_witness(ir_.getIntNTy(8 * bytes), from);
  Value* const value = ir_.CreateIntCast(narrow, type, is_sign_extending(op));
  witness(value);
  push(value);
}

void Operators::store(Op op, wasm::MemoryArgument argument) {
  if (wasm::is_vector_operator(op)) return vector_store(op, argument);
  const std::uint32_t bytes = wasm::access_bytes(op);
  Value* const value = pop();
  store_to_guest(value, bytes, address(pop(), argument, bytes));
}

void Operators::store_to_guest(Value* value, std::uint32_t bytes, Value* to) {
  guest_store(value->getType()->isIntegerTy() ? ir_.CreateTrunc(value, ir_.getIntNTy(8 * bytes)) : value, to);
}

// --- Whole memories and segments ---

void Operators::memory_size(std::uint32_t memory) {
  static_assert(abi::kWasmPageBytes == 1 << 16);
  push_size(ir_.CreateLShr(memory_bytes(memory), 16), unit_.module.memory_address(memory));
}

void Operators::memory_grow(std::uint32_t memory) {
  Value* const pages = widen(pop());
  push_size(call_library(offsetof(abi::Library, memory_grow), ir_.getInt64Ty(), {pages, i32(memory)}),
            unit_.module.memory_address(memory));
}

void Operators::memory_init(std::uint32_t segment, std::uint32_t memory) {
  Value* const count = pop();
  Value* const source = pop();
  Value* const destination = widen(pop());
  trap_if_library_failed(call_library(offsetof(abi::Library, memory_init), ir_.getInt32Ty(),
                                      {destination, source, count, i32(segment), i32(memory)}));
}

void Operators::data_drop(std::uint32_t segment) {
  Builder::store(ir_.getInt8(1), cell_field(unit_.layout.dropped_data(segment)), Access::kHeader);
}

void Operators::memory_copy(std::uint32_t destination, std::uint32_t source) {
  Value* const count = widen(pop());
  Value* const from = widen(pop());
  Value* const to = widen(pop());
  trap_if_library_failed(call_library(offsetof(abi::Library, memory_copy), ir_.getInt32Ty(),
                                      {to, from, count, i32(destination), i32(source)}));
}

void Operators::memory_fill(std::uint32_t memory) {
  Value* const count = widen(pop());
  Value* const value = pop();
  Value* const destination = widen(pop());
  trap_if_library_failed(
      call_library(offsetof(abi::Library, memory_fill), ir_.getInt32Ty(), {destination, value, count, i32(memory)}));
}

}  // namespace anew::codegen::optimizing
