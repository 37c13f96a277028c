// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Globals, tables and references in the optimizing tier.
#include <cstddef>

#include "abi/library.hpp"
#include "codegen/llvm/operators.hpp"

namespace anew::codegen::optimizing {

Operators::Value* Operators::link(Type* type, std::int32_t displacement) {
  Value* const pointer = Builder::load(type, cell_field(displacement), Access::kHeader);
  auto* const none = ::llvm::MDNode::get(context_, {});
  ::llvm::cast<::llvm::LoadInst>(pointer)->setMetadata(::llvm::LLVMContext::MD_invariant_load, none);
  return pointer;
}

// --- Globals ---

Operators::Value* Operators::global_place(std::uint32_t global) {
  const std::int32_t displacement = unit_.layout.global(global);
  if (!unit_.layout.is_linked_global(global)) return cell_field(displacement);
  return link(ir_.getPtrTy(kHeaderSpace), displacement);
}

void Operators::global_get(std::uint32_t global) {
  push(Builder::load(type_of(unit_.module.globals[global].type.type), global_place(global), Access::kGlobal));
}

void Operators::global_set(std::uint32_t global) { Builder::store(pop(), global_place(global), Access::kGlobal); }

// --- Tables ---

Operators::Value* Operators::table_base(std::uint32_t table) {
  if (table >= unit_.module.imported_tables) return cell_field(unit_.layout.table_elements(table));
  return link(ir_.getPtrTy(kHeaderSpace), unit_.layout.table_link(table));
}

Operators::Value* Operators::table_index(Value* base, Value* index, TrapKind kind) {
  Value* const size = Builder::load(ir_.getInt64Ty(), at(base, abi::kTableSize), Access::kTableHeader);
  Value* const wide = widen(index);
  trap_if(ir_.CreateICmpUGE(wide, size), kind);
  return clamp(wide, size);
}

Operators::Value* Operators::table_element(std::uint32_t table, Value* index, TrapKind kind) {
  Value* const base = table_base(table);
  Value* const place = ir_.CreateInBoundsGEP(ir_.getInt64Ty(), base, table_index(base, index, kind));
  return Builder::load(ir_.getInt64Ty(), place, Access::kTable);
}

void Operators::table_get(std::uint32_t table) { push(table_element(table, pop(), TrapKind::kTableOutOfBounds)); }

// The marks come first, wherever a guest is stopped (invariant C6 of abi/cell.hpp): what is volatile stays in its
// order.
void Operators::table_set(std::uint32_t table) {
  Value* const value = pop();
  Value* const base = table_base(table);
  Value* const index = table_index(base, pop(), TrapKind::kTableOutOfBounds);
  Value* const cards = Builder::load(ir_.getPtrTy(kHeaderSpace), at(base, abi::kTableCards), Access::kTableHeader);
  Value* const card = ir_.CreateInBoundsPtrAdd(cards, ir_.CreateLShr(index, abi::kTableCardShift));
  constexpr bool kVolatile = true;
  ir_.CreateStore(i64(1), at(base, abi::kTableWritten), kVolatile);
  ir_.CreateStore(ir_.getInt8(1), card, kVolatile);
  ir_.CreateStore(value, ir_.CreateInBoundsGEP(ir_.getInt64Ty(), base, index), kVolatile);
}

void Operators::table_size(std::uint32_t table) {
  push_size(Builder::load(ir_.getInt64Ty(), at(table_base(table), abi::kTableSize), Access::kTableHeader),
            unit_.module.table_address(table));
}

void Operators::table_grow(std::uint32_t table) {
  Value* const delta = widen(pop());
  Value* const value = pop();
  push_size(call_library(offsetof(abi::Library, table_grow), ir_.getInt64Ty(), {value, delta, i32(table)}),
            unit_.module.table_address(table));
}

void Operators::table_fill(std::uint32_t table) {
  Value* const count = widen(pop());
  Value* const value = pop();
  Value* const index = widen(pop());
  trap_if_library_failed(
      call_library(offsetof(abi::Library, table_fill), ir_.getInt32Ty(), {index, value, count, i32(table)}));
}

void Operators::table_copy(std::uint32_t destination, std::uint32_t source) {
  Value* const count = widen(pop());
  Value* const from = widen(pop());
  Value* const to = widen(pop());
  trap_if_library_failed(call_library(offsetof(abi::Library, table_copy), ir_.getInt32Ty(),
                                      {to, from, count, i32(destination), i32(source)}));
}

void Operators::table_init(std::uint32_t segment, std::uint32_t table) {
  Value* const count = pop();
  Value* const source = pop();
  Value* const destination = widen(pop());
  trap_if_library_failed(call_library(offsetof(abi::Library, table_init), ir_.getInt32Ty(),
                                      {destination, source, count, i32(table), i32(segment)}));
}

void Operators::elem_drop(std::uint32_t segment) {
  Builder::store(ir_.getInt8(1), cell_field(unit_.layout.dropped_elements(segment)), Access::kHeader);
}

// --- References ---

void Operators::ref_null(ValueType /*type*/) { push(i64(0)); }

void Operators::ref_is_null() { push_bool(ir_.CreateIsNull(pop())); }

void Operators::ref_as_non_null() { trap_if(ir_.CreateIsNull(operands_.back()), TrapKind::kNullReference); }

void Operators::ref_func(std::uint32_t function) {
  push(ir_.CreatePtrToInt(cell_field(unit_.layout.function_reference(function)), ir_.getInt64Ty()));
}

Operators::Value* Operators::is_reference_of(Value* reference, ValueType wanted) {
  return ir_.CreateIsNotNull(call_library(offsetof(abi::Library, is_reference_of), ir_.getInt32Ty(),
                                          {reference, i32(anew::detail::number(wanted))}));
}

void Operators::ref_test(ValueType wanted) { push_bool(is_reference_of(pop(), wanted)); }

void Operators::ref_cast(ValueType wanted) {
  trap_if(ir_.CreateNot(is_reference_of(operands_.back(), wanted)), TrapKind::kCastFailure);
}

}  // namespace anew::codegen::optimizing
