// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lowest layer of the optimizing tier: the function being made, its operand stack, places in the cell, traps, and
// calls of the library.
#pragma once

#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/IRBuilder.h>

#include <anew/error.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "codegen/llvm/unit.hpp"

namespace anew::codegen::optimizing {

/// What TBAA tells apart: accesses of different kinds never touch the same bytes.
enum class Access : std::uint8_t { kMemory, kGlobal, kThread, kTable, kTableHeader, kHeader /* the rest */ };

class Builder {
 public:
  explicit Builder(const Unit& unit);

 protected:
  using Value = ::llvm::Value;
  using Type = ::llvm::Type;
  using BasicBlock = ::llvm::BasicBlock;

  // --- Operands ---

  void push(Value* value) {
    operands_.push_back(value);
    operand_slots_ += slots_of_operand(value);
  }
  Value* pop() {
    Value* const value = operands_.back();
    operands_.pop_back();
    operand_slots_ -= slots_of_operand(value);
    return value;
  }
  void drop_to(std::size_t height) {
    while (operands_.size() > height) pop();
  }
  /// A v128 as lanes, such as <16 x i8>; and pushed back.
  Value* pop_as(::llvm::Type* vector_type) { return ir_.CreateBitCast(pop(), vector_type); }
  void push_vector(Value* vector) { push(ir_.CreateBitCast(vector, type_of(ValueType::kV128))); }
  /// A comparison's result as the i32 that operators push.
  void push_bool(Value* i1) { push(ir_.CreateZExt(i1, ir_.getInt32Ty())); }

  // --- Types and constants ---

  [[nodiscard]] Type* type_of(ValueType type) const { return optimizing::type_of(context_, type); }
  [[nodiscard]] Value* i32(std::uint32_t value) { return ir_.getInt32(value); }
  [[nodiscard]] Value* i64(std::uint64_t value) { return ir_.getInt64(value); }
  /// <lanes x i8, i16, i32, i64, float or double>
  [[nodiscard]] Type* lanes(Type* lane) const;

  // --- Places ---

  /// The cell pointer (address space 0).
  [[nodiscard]] Value* cell() const { return cell_; }
  /// A place in the cell's header, by its displacement from the cell pointer (kHeaderSpace).
  [[nodiscard]] Value* cell_field(std::int64_t displacement);
  /// `base` (kHeaderSpace or a memory's) and a displacement in bytes.
  [[nodiscard]] Value* at(Value* base, std::int64_t displacement);
  [[nodiscard]] Value* load(Type* type, Value* from, Access access, std::string_view name = {});
  void store(Value* value, Value* to, Access access);
  /// The thread's record (kHeaderSpace).
  [[nodiscard]] Value* thread();
  [[nodiscard]] ::llvm::MDNode* tbaa(Access access);

  // --- Traps ---

  /// Ends the block with a trap; the builder stands in a new block, behind, which nothing leads to.
  void trap(TrapKind kind);
  /// Goes on in a new block unless the condition holds.
  void trap_if(Value* condition, TrapKind kind);
  /// The same with a TrapKind that a library function returned: 0 is none.
  void trap_if_library_failed(Value* kind);

  // --- Calls of the library ---

  [[nodiscard]] Value* library_function(std::size_t library_offset);
  /// Calls a function of abi::Library with the cell and then the arguments (i32 or i64, as it declares them).
  Value* call_library(std::size_t library_offset, Type* result, std::initializer_list<Value*> arguments);

  /// An array index clamped against speculation: 0 if a mispredicted check let one past the size through. Opaque to the
  /// optimizer, which knows that `index < size` here and would fold it away.
  Value* clamp(Value* index, Value* size);

  // --- The function ---

  /// Where the operators that follow come from, for backtraces.
  void set_position(std::uint64_t module_offset);
  /// Puts the builder into a fresh block.
  BasicBlock* new_block(const char* name);

  const Unit& unit_;
  ::llvm::LLVMContext& context_;
  ::llvm::IRBuilder<> ir_;
  ::llvm::Function* function_ = nullptr;
  ::llvm::DISubprogram* subprogram_ = nullptr;  ///< of function_; null: code without positions
  Value* cell_ = nullptr;
  Value* header_ = nullptr;  ///< cell_ in kHeaderSpace
  std::vector<Value*> operands_;
  std::uint32_t operand_slots_ = 0;  ///< that they take (abi/stack_limit.hpp)

 private:
  [[nodiscard]] static std::uint32_t slots_of_operand(Value* value) { return value->getType()->isVectorTy() ? 2 : 1; }
  /// Ends the block with a trap. @param found  the kind, for kNone.
  void raise(TrapKind kind, Value* found);
  /// If the condition holds, goes on in a new block that is unlikely; else in the returned one.
  BasicBlock* leave_if(Value* condition);

  std::array<::llvm::MDNode*, 6> tbaa_{};  ///< by Access
};

}  // namespace anew::codegen::optimizing
