// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The quick tier: validated operators in, machine code out, in one pass and linear time. It is built in layers, each of
// which knows those below it only and keeps its state to itself:
//
//   QuickCompiler  quick_compiler.hpp     the sink: functions, control flow, calls, exceptions, locals
//   Operators      x86_64/operators.hpp   straight-line operators: numbers, vectors, memories, globals, tables
//   Blocks         blocks.hpp             the model: blocks that are open, labels, what registers hold at each
//   Values         values.hpp             the model: the operand stack, registers, caches of locals, marks
//   Frame          x86_64/frame.hpp       emission: prologue, epilogue, homes, what is filled in at the end
//   Emitter        x86_64/emitter.hpp     emission: moves, jumps, calls, and what stands behind a function
//
// What lies in x86_64/ is what a port to another processor replaces. The rest names no instruction; the house test
// holds that.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "codegen/quick/x86_64/operators.hpp"

namespace anew::codegen::quick {

/// The sink that makes machine code (see wasm/sink.hpp for the contract). Appends function after function to one
/// asmjit section; one thread at a time.
class QuickCompiler : public Operators {
 public:
  /// The assembler's code and the tables are those of one batch of functions.
  QuickCompiler(const ModuleContext& context, Assembler& assembler, Tables& tables)
      : Operators(context, assembler, tables) {}

  /// Of the functions so far, what the largest took of the compiler's own memory, if it was worth counting.
  [[nodiscard]] std::uint64_t most_scratch() const noexcept { return most_scratch_; }

  void begin_function(std::uint32_t function_index, const FunctionType& type, std::span<const ValueType> locals);
  void end_function(bool reachable);
  void at(std::uint64_t module_offset) {
    set_position(module_offset);
    if (--operators_until_check_ == 0) [[unlikely]]
      check_and_clear();
    check_code_size();
    if (context_.options.metered_stack) note_slots(next_slot());
  }

  void unreachable();
  void block(wasm::BlockType type);
  void loop(wasm::BlockType type);
  void if_(wasm::BlockType type);
  void try_table(wasm::BlockType type, std::span<const wasm::CatchClause> clauses);
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
  void throw_ref();
  void try_(wasm::BlockType type);
  void catch_(std::uint32_t tag, bool reachable);
  void catch_all(bool reachable);
  void delegate(std::uint32_t depth, bool reachable);
  void rethrow(std::uint32_t depth);
  void call(std::uint32_t function);
  void call_indirect(std::uint32_t type, std::uint32_t table);
  void call_ref(std::uint32_t type);
  void return_call(std::uint32_t function);
  void return_call_indirect(std::uint32_t type, std::uint32_t table);
  void return_call_ref(std::uint32_t type);
  void drop();
  void local_get(std::uint32_t local);
  void local_set(std::uint32_t local);
  void local_tee(std::uint32_t local);
  void constant(ValueType type, std::uint64_t bits);
  void memory_grow(std::uint32_t memory);
  void memory_init(std::uint32_t segment, std::uint32_t memory);
  void memory_copy(std::uint32_t destination, std::uint32_t source);
  void memory_fill(std::uint32_t memory);
  void table_init(std::uint32_t segment, std::uint32_t table);
  void table_copy(std::uint32_t destination, std::uint32_t source);
  void table_grow(std::uint32_t table);
  void table_fill(std::uint32_t table);
  void ref_null(ValueType type);
  void ref_as_non_null();
  void ref_test(ValueType wanted);
  void ref_cast(ValueType wanted);

 private:
  /// Looks at what need not be looked at for each operator: how large the tables are, and how much waits to be emitted
  /// out of line. Much of that is emitted amid the function, jumped over, so that the compiler needs no memory in
  /// proportion to a function's traps.
  void check_and_clear();

  // --- Control flow (control.cpp) ---

  void end_if(bool reachable);
  /// Goes from the end of the innermost block's arm, of which there is another, to the label.
  void leave_arm(bool reachable);
  /// Ends a block that has one arm, or the last of its arms.
  void end_block(bool reachable);
  void branch(std::uint32_t depth);
  /// A branch that is taken on a condition of the flags. Emits nothing but moves before it.
  void branch_if(Condition condition, std::uint32_t depth);
  /// Moves the results to where the caller finds them.
  void move_results_of_function();

  // --- Calls (calls.cpp) ---

  void emit_call(std::uint32_t type_index, Callee callee, std::uint32_t function);
  void emit_tail_call(std::uint32_t type_index, Callee callee, std::uint32_t function);
  /// Leaves a function reference, checked, in kCallee.
  void take_indirect_callee(std::uint32_t type, std::uint32_t table);
  void take_reference_callee();
  /// Takes the arguments and puts them where the callee expects them. Leaves a reference in kCallee where it is.
  void place_arguments(std::uint32_t type_index, Callee callee);
  /// Calls a library function with the top `arguments` operands and then the constants; pops the operands.
  void call_library(std::size_t library_offset, std::uint32_t arguments,
                    std::initializer_list<std::uint64_t> constants);
  void call_library_that_may_trap(std::size_t library_offset, std::uint32_t arguments,
                                  std::initializer_list<std::uint64_t> constants);
  /// Calls one with the operands from `first` on and then the constants; all that it clobbers must be spilled.
  void pass_to_library(std::size_t library_offset, std::uint32_t first, std::initializer_list<std::uint64_t> constants);
  /// Asks the library whether the reference on top of the stack, which stays, is of a type. @return in the flags.
  [[nodiscard]] Condition test_reference(ValueType wanted);
  /// Pushes what a library function returned as the size before growing.
  void push_size_before(ValueType type);

  // --- Exceptions (exceptions.cpp) ---

  /// Opens a block in which a throw finds the handlers of a new try block.
  Control& open_try(Control::Kind kind, wasm::BlockType type);
  /// Leaves the part of the innermost block in which it does.
  void leave_try();
  void end_try_table(bool reachable);
  void emit_clauses(const Control& control);
  /// Begins what runs once an exception was caught, which is in kCaughtException, with the operands below the try.
  void begin_handler(const Control& control);
  /// Pushes what the caught exception carries.
  void push_caught_values(std::uint32_t tag);
  void begin_catch(wasm::CatchKind kind, std::uint32_t tag, bool reachable);
  /// Hands the handlers of a try that is no longer open to its try block.
  void end_handlers(const Control& control);

  std::uint64_t most_scratch_ = 0;
  std::uint32_t operators_until_check_ = 0;
  std::vector<Move> moves_;                   ///< scratch of calls
  std::vector<std::uint32_t> stub_of_depth_;  ///< br_table's scratch: the offset of the way there, or kNone
  std::vector<wasm::CatchClause> clauses_;    ///< of the try_tables that are open
  std::vector<Handler> handlers_;             ///< of the trys that are open
};

}  // namespace anew::codegen::quick
