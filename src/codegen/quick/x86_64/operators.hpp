// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The straight-line operators of the quick tier: numbers, vectors, memories, globals and tables. Each takes its
// operands from the model of values, chooses registers and instructions for them together, as x86-64 wants it, and
// pushes what it makes. None branches to a label of the function, and none calls; what they cannot do, they leave to a
// trap.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "codegen/quick/blocks.hpp"

namespace anew::codegen::quick {

/// A part of the sink (wasm/sink.hpp).
class Operators : public Blocks {
 public:
  void select(ValueType type);
  void global_get(std::uint32_t global);
  void global_set(std::uint32_t global);
  void vector_constant(wasm::Vector bits);
  void numeric(wasm::Op op);
  void lane(wasm::Op op, std::uint32_t lane);
  void shuffle(std::span<const std::uint8_t, 16> lanes);
  void load_lane(wasm::Op op, wasm::MemoryArgument argument, std::uint32_t lane);
  void store_lane(wasm::Op op, wasm::MemoryArgument argument, std::uint32_t lane);
  void atomic(wasm::Op op, wasm::MemoryArgument argument);
  void atomic_fence();
  void load(wasm::Op op, wasm::MemoryArgument argument);
  void store(wasm::Op op, wasm::MemoryArgument argument);
  void memory_size(std::uint32_t memory);
  void data_drop(std::uint32_t segment);
  void table_get(std::uint32_t table);
  void table_set(std::uint32_t table);
  void elem_drop(std::uint32_t segment);
  void table_size(std::uint32_t table);
  void ref_is_null();
  void ref_func(std::uint32_t function);

 protected:
  using Blocks::Blocks;

  /// Takes a function reference out of a table to kCallee. It may be null.
  void take_callee(std::uint32_t table);

 private:
  // --- Memories, globals and tables (memory.cpp, tables.cpp) ---

  struct Address {
    Mem mem;
    Register index = kNoRegister;  ///< the register that was added to the memory's base, if any
    bool traps = false;            ///< the access is out of bounds for every memory: a trap was emitted
  };
  /// Whether the memory's base is the cell pointer.
  [[nodiscard]] bool is_own_memory(std::uint32_t memory) const noexcept {
    return memory == 0 && !context_.options.foreign_memory;
  }
  /// The operand of an access of `bytes` bytes. May leave its sum in r10 and holds up to two registers; uses r11.
  Address address(const Operand& base, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  /// Traps unless the last byte of an access lies in the memory with that base.
  void compare_with_size(const Gp& last, Register memory);
  Address checked_address(const Operand& base, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  /// Marks what a store to that address is about to write. Uses r11 only.
  void mark(const Operand& base, const Address& to, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  void mark_linked(const Address& to, std::uint32_t memory);
  /// The place of a global's value. May use r11.
  Mem global_place(std::uint32_t global);
  /// A register with the memory's base: r13 for the own one, else one that is held.
  Register memory_base(std::uint32_t memory);
  [[nodiscard]] bool already_marked(const Operand& base, std::uint64_t offset, std::uint32_t bytes) noexcept;
  /// An element of a table: the index checked and clamped; `kind` is the trap if it is too large. Uses r10 and r11,
  /// which the operand may refer to.
  Mem table_element(std::uint32_t table, const Operand& index, TrapKind kind, bool written);

  // --- Vectors (vector*.cpp) and atomics (atomic.cpp) ---

  /// An operator's vectors: up to three to read from, and the register for the result, which may be one of these.
  struct Vectors {
    Register result;
    Xmm to, a, b, c;
  };
  /// Pops one to three vectors; the topmost is the last.
  Vectors take_vectors(std::uint32_t count);
  /// The same for operands that pop() gave.
  Vectors use_vectors(std::span<const Operand> operands);
  /// Pushes the result and ends the operator.
  void push_vector(const Vectors& vectors);
  void vector_load(wasm::Op op, wasm::MemoryArgument argument);
  void vector_store(wasm::Op op, wasm::MemoryArgument argument);
  // Each of the next four hands on to the next what is not its own.
  void vector_numeric(wasm::Op op);
  void vector_integer(wasm::Op op);
  void vector_float(wasm::Op op);
  void vector_splat(wasm::Op op);
  void vector_bitwise(wasm::Op op);
  void vector_any_true();
  void vector_all_true(InstId equal);
  void vector_bitmask(wasm::Op op);
  void vector_compare_negated(InstId compare, bool swap);
  void vector_order(InstId extreme, InstId equal, bool negate);
  void vector_negate(InstId subtract);
  void vector_absolute_64();
  void vector_popcnt();
  /// The count modulo `bits`, plus `add`, to xmm15. Uses r11.
  void vector_count_to_xmm15(const Operand& count, std::uint32_t bits, std::uint32_t add);
  void vector_shift(InstId inst, std::uint32_t bits);
  void vector_shift_bytes(bool left);
  void vector_shift_signed_bytes();
  void vector_shift_signed_64();
  void vector_multiply_64();
  void vector_q15mulr();
  void vector_dot_add();
  void vector_extmul_8(InstId extend, bool high);
  void vector_extmul_16(InstId high_half, InstId unpack);
  void vector_extmul_32(InstId multiply, InstId unpack);
  void vector_extend_high(InstId extend);
  void vector_extadd_pairwise(wasm::Op op);
  void vector_float_bits(InstId inst, wasm::Vector bits);
  void vector_min_max(bool is_64, bool is_min);
  void vector_madd(InstId onto_factor, InstId onto_addend);
  void vector_trunc_32_signed();
  void vector_trunc_32_unsigned();
  void vector_trunc_64_signed();
  void vector_trunc_64_unsigned();
  void vector_convert_unsigned(bool to_64);
  void extract_float_lane(bool is_64, std::uint32_t lane);
  void replace_lane(wasm::Op op, std::uint32_t lane);
  void shuffle_one(const Vectors& v, std::span<const std::uint8_t, 16> lanes);
  void shuffle_two(const Vectors& v, std::span<const std::uint8_t, 16> lanes);
  void shuffle_units(const Vectors& v, const std::array<std::uint8_t, 4>& units);

  void atomic_load(const wasm::MemoryArgument& argument, ValueType type, std::uint32_t bytes);
  void atomic_store(const wasm::MemoryArgument& argument, std::uint32_t bytes);
  void atomic_update(InstId inst, const wasm::MemoryArgument& argument, ValueType type, std::uint32_t bytes);
  void atomic_compare_exchange(const wasm::MemoryArgument& argument, ValueType type, std::uint32_t bytes);
  void atomic_notify(const wasm::MemoryArgument& argument);
  void atomic_wait(const wasm::MemoryArgument& argument, std::uint32_t bytes);
  /// Emits the check of an atomic access's alignment. Uses r11; may bring the base into a register.
  void check_alignment(Operand& base, const wasm::MemoryArgument& argument, std::uint32_t bytes);
  void load_zero_extended(Register to, const Mem& from, std::uint32_t bytes);

  // --- Numeric operators (numeric.cpp, floating.cpp, canonical_nan.cpp) ---

  void integer_binary(InstId inst, bool is_64, bool commutative);
  void integer_add(bool is_64);
  void integer_compare(Condition condition, bool is_64);
  void integer_eqz(bool is_64);
  void shift(InstId by_constant, InstId by_register, bool is_64);
  void rotate(InstId inst, bool is_64);
  void divide(bool is_64, bool is_signed, bool remainder);
  void wide_add(InstId low_half, InstId high_half, bool commutative);
  void wide_multiply(InstId inst);
  void integer_unary(InstId inst, bool is_64);
  void extend(InstId inst, std::uint32_t bits, ValueType result);
  void compute(wasm::Op op);
  void float_numeric(wasm::Op op);
  void float_binary(InstId inst, ValueType type);
  void float_round(bool is_64, int mode);
  void float_sqrt(bool is_64);
  void float_sign(bool is_64, bool negate);
  void float_copysign(bool is_64);
  void float_min_max(bool is_64, bool is_min);
  void float_compare(wasm::Op op, bool is_64);
  void float_from_integer(bool to_64, bool from_64, bool is_signed);
  void integer_from_float(bool to_64, bool from_64, bool is_signed, bool saturate);
  void wide_unsigned_from_float(bool from_64, bool saturate, Register x, Register result);
  /// Replaces the operator's result, or lanes of it, by the canonical NaN where it is some other NaN.
  void canonicalize_nan(wasm::Op op);
};

}  // namespace anew::codegen::quick
