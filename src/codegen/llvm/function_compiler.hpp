// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sink of the optimizing tier (wasm/sink.hpp has the contract): functions, control flow, calls and locals.
//
// Locals are allocas that the optimizer takes away; operands that cross a label are phis. The entry block, which takes
// the arguments, and the way out are made at the function's end: only then it is known which type the function has, for
// its first tail call decides (unit.hpp), and what its frame costs.
//
// A function whose frame must be found by unwinding, because it has a handler or holds exnrefs, is not compiled
// (NotCompiled): the quick tier's code is as good.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "codegen/fuel.hpp"
#include "codegen/llvm/operators.hpp"
#include "wasm/validator.hpp"

namespace anew::codegen::optimizing {

class FunctionCompiler : public Operators {
 public:
  using Operators::Operators;

  /// Undoes a function that was begun and not ended.
  void discard();

  void begin_function(std::uint32_t function_index, const FunctionType& type, std::span<const ValueType> locals);
  void end_function(bool reachable);
  void at(std::uint64_t module_offset);

  void unreachable();
  void block(wasm::BlockType type);
  void loop(wasm::BlockType type);
  void if_(wasm::BlockType type);
  void else_(bool reachable);
  void end(bool reachable);
  void br(std::uint32_t depth);
  void br_if(std::uint32_t depth);
  void br_table(std::span<const std::uint32_t> depths);
  void br_on_null(std::uint32_t depth);
  void br_on_non_null(std::uint32_t depth);
  void br_on_cast(std::uint32_t depth, ValueType wanted);
  void br_on_cast_fail(std::uint32_t depth, ValueType wanted);
  void return_();
  void throw_(std::uint32_t tag);
  void call(std::uint32_t function);
  void call_indirect(std::uint32_t type, std::uint32_t table);
  void call_ref(std::uint32_t type);
  void return_call(std::uint32_t function);
  void return_call_indirect(std::uint32_t type, std::uint32_t table);
  void return_call_ref(std::uint32_t type);
  void local_get(std::uint32_t local);
  void local_set(std::uint32_t local);
  void local_tee(std::uint32_t local);
  void global_get(std::uint32_t global);
  void table_get(std::uint32_t table);
  void memory_grow(std::uint32_t memory);
  void table_grow(std::uint32_t table);

  // Functions with these keep their quick code.
  void try_table(wasm::BlockType type, std::span<const wasm::CatchClause> clauses);
  void throw_ref();
  void try_(wasm::BlockType type);
  void catch_(std::uint32_t tag, bool reachable);
  void catch_all(bool reachable);
  void delegate(std::uint32_t depth, bool reachable);
  void rethrow(std::uint32_t depth);

 private:
  struct Control {
    enum class Kind : std::uint8_t { kBlock, kLoop, kIf, kElse };
    Kind kind = Kind::kBlock;
    std::size_t height = 0;  ///< of the stack below the parameters
    wasm::BlockType type;
    BasicBlock* label = nullptr;
    BasicBlock* otherwise = nullptr;       ///< kIf: where it goes on if the condition does not hold
    std::vector<Value*> parameters;        ///< kIf: what there is then
    std::vector<::llvm::PHINode*> values;  ///< of the label; from its first branch on
    [[nodiscard]] std::span<const ValueType> label_types() const noexcept {
      return kind == Kind::kLoop ? type.parameters : type.results;
    }
  };

  // --- Functions (function_compiler.cpp) ---

  /// Gives the function that is being made the uniform type.
  void become_uniform();
  /// The entry block: arguments, locals, the price of the frame.
  void enter();
  /// What the function returns, of the values of its body's label.
  [[nodiscard]] Value* packed_results();
  static void refuse_exceptions(ValueType type);

  // --- Control flow (control.cpp) ---

  Control& open_block(Control::Kind kind, wasm::BlockType type, const char* label);
  [[nodiscard]] Control& block_at(std::uint32_t depth) { return controls_[controls_.size() - 1 - depth]; }
  /// The depth of the function's body.
  [[nodiscard]] std::uint32_t open_blocks() const noexcept { return static_cast<std::uint32_t>(controls_.size() - 1); }
  /// On at an if's else or, without one, on the way past it.
  void go_on_otherwise(Control& control);
  /// Hands the values on top of the stack, which stay there, to the label of a branch from here.
  void pass_to_label(Control& control);
  void branch(std::uint32_t depth);
  void branch_if(Value* condition, std::uint32_t depth);
  /// Opaque to the optimizer, so that no misprediction leads past the table that is made of a br_table.
  [[nodiscard]] Value* smaller_of(Value* index, std::uint64_t last);

  // --- Calls (calls.cpp) ---

  /// As it travels in its register, and back.
  [[nodiscard]] Value* passed(Value* value, ValueType type, Shape shape);
  [[nodiscard]] Value* received(Value* value, ValueType type, Shape shape);
  [[nodiscard]] Value* spilled_value(std::uint32_t slot);
  /// Takes a callee off the stack. @return a FunctionReference* (kHeaderSpace), checked.
  [[nodiscard]] Value* take_indirect_callee(std::uint32_t type, std::uint32_t table);
  [[nodiscard]] Value* take_reference_callee();
  /// What to call or jump to for a function that may be another instance's.
  /// @param import  its index, or nothing
  /// @param library_offset  who sees to the way into another instance: Library::call_other or tail_call.
  [[nodiscard]] Value* target_of(Value* reference, std::optional<std::uint32_t> import, std::size_t library_offset);
  [[nodiscard]] ::llvm::CallInst* make_call(std::uint32_t type_index, Shape shape, Value* target, Value* reference);
  /// @param reference  null: the function is this instance's.
  void emit_call(std::uint32_t type_index, Value* target, Value* reference);
  void emit_tail_call(std::uint32_t type_index, Value* target, Value* reference);

  // --- What is metered (metering.cpp) ---

  /// Takes or gives a number that is filled in later, its operand 1, from a counter in the thread's record, which is
  /// exact wherever the guest is stopped.
  ::llvm::BinaryOperator* count(::llvm::Instruction::BinaryOps operation, std::int32_t counter);
  void charge_operator(std::uint64_t module_offset);
  void charge(std::uint64_t units);
  void charge_call(std::uint32_t type_index);
  void charge_branch(std::uint32_t depth);
  void end_segment();
  void trap_if_out_of_fuel();
  void pay_for_frame();
  void give_back_frame();

  std::uint32_t function_index_ = 0;
  std::uint32_t type_index_ = 0;
  Shape shape_ = Shape::kOwn;
  const wasm::FunctionBody* body_ = nullptr;
  BasicBlock* entry_ = nullptr;
  BasicBlock* first_ = nullptr;  ///< of the body
  std::vector<::llvm::AllocaInst*> locals_;
  std::uint32_t local_slots_ = 0;
  std::vector<Control> controls_;  ///< that are open, the body first

  std::uint64_t entry_price_ = 0;             ///< not yet charged
  std::uint64_t price_ = 0;                   ///< of the segment so far
  ::llvm::BinaryOperator* charge_ = nullptr;  ///< of the segment, once something was charged
  std::uint32_t highest_operands_ = 0;        ///< slots, before any operator so far (Options::metered_stack)
  std::vector<::llvm::BinaryOperator*> given_back_;
};
static_assert(wasm::OperatorSink<FunctionCompiler>);

/// Compiles the body of a defined function into the unit: `definition` finds it then.
/// @return why it does not, if it does not.
[[nodiscard]] std::optional<std::string> compile_function(const Unit& unit, wasm::FunctionValidator& validator,
                                                          std::uint32_t function);

}  // namespace anew::codegen::optimizing
