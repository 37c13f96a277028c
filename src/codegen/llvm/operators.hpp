// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The straight-line operators of the optimizing tier: numbers, vectors, memories, globals and tables.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "codegen/llvm/builder.hpp"
#include "wasm/opcodes.hpp"
#include "wasm/sink.hpp"

namespace anew::codegen::optimizing {

/// A part of the sink (wasm/sink.hpp).
class Operators : public Builder {
 public:
  using Builder::Builder;

  void drop() { pop(); }
  void select(ValueType type);
  void constant(ValueType type, std::uint64_t bits);
  void global_get(std::uint32_t global);
  void global_set(std::uint32_t global);
  void vector_constant(wasm::Vector bits);
  /// Scalars (numeric.cpp), and hands vectors on to vector_numeric().
  void numeric(wasm::Op op);
  void lane(wasm::Op op, std::uint32_t lane);
  void shuffle(std::span<const std::uint8_t, 16> lanes);
  void load(wasm::Op op, wasm::MemoryArgument argument);
  void store(wasm::Op op, wasm::MemoryArgument argument);
  void load_lane(wasm::Op op, wasm::MemoryArgument argument, std::uint32_t lane);
  void store_lane(wasm::Op op, wasm::MemoryArgument argument, std::uint32_t lane);
  void atomic(wasm::Op op, wasm::MemoryArgument argument);
  void atomic_fence();
  void memory_size(std::uint32_t memory);
  void memory_grow(std::uint32_t memory);
  void memory_init(std::uint32_t segment, std::uint32_t memory);
  void data_drop(std::uint32_t segment);
  void memory_copy(std::uint32_t destination, std::uint32_t source);
  void memory_fill(std::uint32_t memory);
  void table_get(std::uint32_t table);
  void table_set(std::uint32_t table);
  void table_init(std::uint32_t segment, std::uint32_t table);
  void elem_drop(std::uint32_t segment);
  void table_copy(std::uint32_t destination, std::uint32_t source);
  void table_grow(std::uint32_t table);
  void table_size(std::uint32_t table);
  void table_fill(std::uint32_t table);
  void ref_null(ValueType type);
  void ref_is_null();
  void ref_as_non_null();
  void ref_test(ValueType wanted);
  void ref_cast(ValueType wanted);
  void ref_func(std::uint32_t function);

 protected:
  // --- Floats (numeric.cpp) ---

  /// The canonical NaN in place of any other, if Options::canonical_nan asks for it. For scalars and vectors of floats.
  Value* canonical(Value* value);
  /// The optimizer takes x for x + -0 and x * 1, and -x for -0 - x and x * -1, even if x may be a signalling NaN, of
  /// which Wasm wants a quiet one. So constants of that kind, or with such a lane, are hidden from it, unless every NaN
  /// becomes the canonical one anyhow. Not hidden are those that it finds only later, in a local, say: a signalling NaN
  /// may remain one there.
  Value* hide_neutral(Value* operand);
  /// Adds, subtracts, multiplies or divides scalars or vectors, without what hide_neutral() is about.
  Value* float_binary(::llvm::Instruction::BinaryOps op, Value* left, Value* right);
  /// Wasm's min and max, of scalars and vectors.
  Value* float_min_max(bool is_min, Value* left, Value* right);

  // --- Memory (memory.cpp) ---

  /// The pointer of an access of `bytes` bytes, in the memory's address space: checked where the guard does not cover
  /// it (invariant C3 of abi/cell.hpp) or Options::explicit_bounds asks for it, and clamped then as the quick tier
  /// does. Takes the address operand as it was popped.
  Value* address(Value* operand, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  /// A load of guest memory: alignment 1, and a witness behind it, so that it traps where the operator stands, in its
  /// full width, whether or not the value is used.
  Value* guest_load(Type* type, Value* from);
  /// The same without the witness, for who extends the value at once: it takes the result, so that the extension is
  /// part of the load.
  Value* load_without_witness(Type* type, Value* from);
  /// A store to guest memory: alignment 1. Its mark is marks.cpp's.
  void guest_store(Value* value, Value* to);
  /// Keeps the trap of an access that made `value`, and its order among others.
  void witness(Value* value);

  // --- Tables and references (tables.cpp) ---

  /// A reference out of a table, i64; it may be null. Traps if the index, an i32 or i64, is too large.
  Value* table_element(std::uint32_t table, Value* index, TrapKind kind);
  /// Whether the reference is of that type, i1.
  Value* is_reference_of(Value* reference, ValueType wanted);

  // --- Vectors (vector*.cpp) ---

  void vector_numeric(wasm::Op op);
  void vector_load(wasm::Op op, wasm::MemoryArgument argument);
  void vector_store(wasm::Op op, wasm::MemoryArgument argument);

 private:
  // --- Numbers (numeric.cpp) ---

  Value* compute(wasm::Op op);
  void wide_numeric(wasm::Op op);
  Value* compare(::llvm::CmpInst::Predicate predicate);
  Value* binary(::llvm::Instruction::BinaryOps op);
  Value* shift(::llvm::Instruction::BinaryOps op);
  /// By llvm.fshl or llvm.fshr, which take the count modulo the width.
  Value* rotate(::llvm::Intrinsic::ID funnel_shift);
  Value* divide(bool is_signed, bool remainder);
  /// llvm.ctlz or llvm.cttz.
  Value* count_zeros(::llvm::Intrinsic::ID count);
  Value* unary(::llvm::Intrinsic::ID function) { return ir_.CreateUnaryIntrinsic(function, pop()); }
  Value* sign_extend(std::uint32_t bits);
  Value* integer_from_float(Type* type, bool is_signed);
  Value* integer_from_float_saturated(Type* type, bool is_signed);
  Value* float_from_integer(Type* type, bool is_signed);

  // --- Memory (memory.cpp) ---

  /// Whether the memory's base is the cell pointer.
  [[nodiscard]] bool is_own_memory(std::uint32_t memory) const noexcept {
    return memory == 0 && !unit_.options.foreign_memory;
  }
  /// Address 0, in the memory's address space.
  Value* memory_base(std::uint32_t memory);
  /// Bytes now, i64.
  Value* memory_bytes(std::uint32_t memory);
  Value* checked_address(Value* operand, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  void store_to_guest(Value* value, std::uint32_t bytes, Value* to);
  /// An address, size or count as the library wants it.
  Value* widen(Value* value) { return ir_.CreateZExt(value, ir_.getInt64Ty()); }
  /// Pushes the size before that the library returned, i64; 2^64 - 1 becomes 2^32 - 1.
  void push_size(Value* size, ValueType type) { push(ir_.CreateTrunc(size, type_of(type))); }

  // --- Globals and tables (tables.cpp) ---

  Value* global_place(std::uint32_t global);
  /// A pointer in the cell's links, which never change.
  Value* link(Type* type, std::int32_t displacement);
  /// The table's first element.
  Value* table_base(std::uint32_t table);
  /// An index, i64, that was checked and clamped; traps if it is too large.
  Value* table_index(Value* base, Value* index, TrapKind kind);

  // --- Atomic operators (atomic.cpp) ---

  /// The checked place of an access, of which the address operand is on top.
  Value* atomic_place(const wasm::MemoryArgument& argument, std::uint32_t bytes);
  void atomic_wait(const wasm::MemoryArgument& argument, std::uint32_t bytes);

  // --- Vectors (vector*.cpp) ---

  /// The lanes that the operator's name begins with; those of i64x2 for v128.
  [[nodiscard]] Type* shape_of(wasm::Op op);
  [[nodiscard]] static unsigned lane_count(const Value* vector) {
    return ::llvm::cast<::llvm::FixedVectorType>(vector->getType())->getNumElements();
  }
  /// A comparison's result as vector operators want it.
  [[nodiscard]] Value* all_ones_where(Value* holds);
  /// The same as an integer with a bit for each lane.
  [[nodiscard]] Value* lane_bits(Value* holds);
  [[nodiscard]] Value* splat(Value* lane);

  void vector_integer(wasm::Op op);
  void vector_unary(wasm::Op op, ::llvm::Intrinsic::ID operation);
  void vector_binary(wasm::Op op, ::llvm::Instruction::BinaryOps operation);
  void vector_binary(wasm::Op op, ::llvm::Intrinsic::ID operation);
  void vector_instruction(Type* operands, ::llvm::Intrinsic::ID instruction);
  void vector_compare(wasm::Op op, ::llvm::CmpInst::Predicate predicate);
  void vector_bitselect();
  void vector_shift(wasm::Op op, ::llvm::Instruction::BinaryOps operation);
  void vector_average(wasm::Op op);
  void vector_q15mulr();
  [[nodiscard]] Value* relaxed_dot();
  /// Of 16-bit lanes.
  [[nodiscard]] Value* sum_of_pairs(Value* words);
  /// Half of the topmost vector's lanes, as the operator's.
  [[nodiscard]] Value* widened_half(wasm::Op op, bool high, bool is_signed);
  void vector_extmul(wasm::Op op, bool high, bool is_signed);
  void vector_extadd_pairwise(wasm::Op op);

  void vector_float(wasm::Op op);
  void vector_arithmetic(wasm::Op op, ::llvm::Instruction::BinaryOps operation);
  /// Two of four lanes.
  [[nodiscard]] Value* low_half(Value* four);
  /// The processor's min or max: the second one if they are equal or one is a NaN.
  [[nodiscard]] Value* extreme(Value* a, Value* b, bool is_min);
  void vector_min_max(wasm::Op op, bool is_min);
  void vector_demote();
  void vector_madd(wasm::Op op, bool negate);
  void vector_trunc_32_signed();
  void vector_trunc_32_unsigned();
  void vector_trunc_64_signed();
  void vector_trunc_64_unsigned();

  void vector_move(wasm::Op op);
};

}  // namespace anew::codegen::optimizing
