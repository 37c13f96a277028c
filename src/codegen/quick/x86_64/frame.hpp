// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The second layer of the quick tier: a function's frame. It says where homes are, and emits what enters and leaves.
//
//   [rbp - 8] ... [rbp - 32]    the preserved registers rbx r12 r14 r15, saved if the function uses them
//   [rbp - 40]                  the cell pointer, where a handler needs it
//   [rbp - 48 - 8s]             slot s: first the locals in order, then the operands; a v128 takes two
//
// Invariants:
//  - The prologue is emitted last, into room that was kept free before the body: how large the frame is, which
//    preserved registers it saves and which locals it zeroes is known at the end only. What else depends on that, in
//    handlers, tail calls and the price of a frame (Options::metered_stack), finish_frame() fills in.
//  - The frame reaches to the lowest slot that something named: home() and operand_home() note it. Below the others,
//    a frame has what earlier ones left on the stack. So a local's home holds nothing of the function's until it is
//    stored there or zero_at_entry() asked for it.
//  - A function that unwinding may resume saves all preserved registers (preserve_all), so that its epilogue restores
//    its caller's whatever the functions that were unwound had in them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "codegen/quick/x86_64/emitter.hpp"

namespace anew::codegen::quick {

class Frame : public Emitter {
 protected:
  using Emitter::Emitter;

  /// Lays out the locals, and leaves room for the prologue.
  void begin_frame(std::uint32_t function_index, const FunctionType& type, std::span<const ValueType> locals);
  /// Where returns jump to. Only what is out of line stands behind it.
  void emit_epilogue();
  /// Emits the prologue.
  void finish_frame();
  void jump_to_epilogue() { a_.jmp(epilogue_); }
  void jump_to_epilogue_if(Condition condition) { a_.j(condition, epilogue_); }
  /// The frame makes way for a callee.
  void take_down();
  /// A handler begins with nothing but the frame pointer: sets up the stack and cell pointer from it.
  void enter_handler();
  /// What handlers find in the frame: the cell pointer, and what is left of a metered stack.
  void prepare_for_handlers();
  void note_use_of(RegisterSet registers) noexcept { preserved_used_ |= registers & kPreserved; }
  /// The first of the locals behind the parameters, as a set: bit i is the i-th. Those behind these are always zeroed.
  using LocalSet = std::uint64_t;
  /// Of a local; empty if it is a parameter or not among the first.
  [[nodiscard]] LocalSet in_set(std::uint32_t local) const noexcept {
    const std::uint32_t index = local - parameters_;  // wraps for a parameter, far past all
    return index < std::numeric_limits<LocalSet>::digits ? LocalSet{1} << index : 0;
  }
  /// Their homes are zero when the body begins.
  void zero_at_entry(LocalSet locals) noexcept { zeroed_ |= locals; }

  [[nodiscard]] Mem home(std::uint32_t local, ValueType type) { return home_at(slot_of(local), type); }
  [[nodiscard]] Mem operand_home(std::uint32_t slot, ValueType type) {
    return home_at(std::uint64_t{local_slots_} + slot, type);
  }

  [[nodiscard]] const FunctionType& function_type() const noexcept { return *type_; }
  /// The places of its results, and of its arguments.
  [[nodiscard]] const abi::Places& result_places() const noexcept { return context_.results[type_index_]; }
  [[nodiscard]] const abi::Places& argument_places() const noexcept { return context_.arguments[type_index_]; }
  [[nodiscard]] std::span<const ValueType> locals() const noexcept { return locals_; }
  /// How many operands' slots there are before an operator (Options::metered_stack).
  void note_slots(std::uint32_t slots) noexcept { highest_operands_ = std::max(highest_operands_, slots); }
  [[nodiscard]] std::uint64_t patches() const noexcept { return frame_size_at_.size(); }

 private:
  void load_preserved(RegisterSet registers);
  /// Whether the function changes the i-th of kPreservedRegisters, so that it saves it.
  [[nodiscard]] bool saves(std::size_t i) const noexcept {
    return (preserved_used_ & bit(kPreservedRegisters[i])) != 0;
  }
  [[nodiscard]] std::uint32_t slot_of(std::uint32_t local) const noexcept {
    return local_slot_.empty() ? local : local_slot_[local];
  }
  [[nodiscard]] Mem home_at(std::uint64_t slot, ValueType type);
  /// What the frame holds below rbp, in bytes.
  [[nodiscard]] std::uint32_t frame_bytes() const noexcept;
  /// Slots to zero, by stretches in their order.
  struct Stretch {
    std::uint32_t first;
    std::uint32_t last;  ///< one past the end
  };
  void find_zeroed();
  void emit_zeros();
  /// @return where the displacement of its call to the probe is, if it has one; else 0.
  [[nodiscard]] std::uint64_t emit_prologue(std::uint32_t frame);

  // --- Metered stack (metered_stack.cpp) ---

  /// Pays for the function's frame, or traps. Uses r11.
  void enter_metered(std::uint32_t function_index);
  /// Gives the units back. Uses r11.
  void leave_metered();
  /// Keeps what the function has left for its handlers, and goes on with that. Use r10 and r11.
  void keep_stack_left();
  void restore_stack_left();
  /// What the frame costs; known once all operators were seen.
  [[nodiscard]] std::uint32_t stack_units() const noexcept;
  void fill_in_stack_units(std::uint32_t frame_bytes);
  [[nodiscard]] static Mem stack_left();
  [[nodiscard]] Mem kept_stack_left();

  const FunctionType* type_ = nullptr;
  std::uint32_t type_index_ = 0;
  std::span<const ValueType> locals_;
  std::uint32_t parameters_ = 0;           ///< of locals_
  std::uint32_t local_slots_ = 0;          ///< with that of kept_stack_left()
  std::vector<std::uint32_t> local_slot_;  ///< by local, if some are v128; else empty: local i has slot i
  Label epilogue_;
  std::uint64_t body_start_ = 0;                   ///< offset in the code; the prologue ends there
  std::uint32_t room_ = 0;                         ///< bytes before it, at least
  LocalSet zeroed_ = 0;                            ///< locals whose homes the prologue zeroes
  std::vector<Stretch> stretches_;                 ///< scratch of finish_frame
  std::uint64_t used_slots_ = 0;                   ///< one past the last that a home in use has
  bool keeps_cell_ = false;                        ///< kSavedCell is used
  RegisterSet preserved_used_ = 0;                 ///< preserved registers that the function changes
  std::vector<std::uint32_t> frame_size_at_;       ///< where code holds the frame's size as a displacement
  std::vector<std::uint32_t> preserved_loads_at_;  ///< where tail calls restore all preserved registers
  std::uint32_t highest_operands_ = 0;             ///< slots, before any operator so far (Options::metered_stack)
  std::vector<std::uint64_t> stack_units_at_;      ///< where code holds what the frame costs
};

}  // namespace anew::codegen::quick
