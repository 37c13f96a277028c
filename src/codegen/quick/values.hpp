// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The third layer of the quick tier: the model of the operand stack and the registers, what is where. It asks the
// layers below for moves, and names no instruction.
//
// An operand is a constant, a reference to a local that was not read yet, a register, the processor's flags (a
// comparison that waits for its branch), or its *home*: the slot of the frame that belongs to its place. Registers also
// cache locals; a dirty one is newer than the local's home.
//
// Invariants:
//  - A register is exactly one of free, held by the operator being compiled, or owned by a local or an operand.
//    release() ends an operator: nothing is held or pinned then.
//  - Only the topmost operand may be flags. Every operator that cannot use them begins with settle_flags().
//  - Nothing here changes the flags but what says so.
//  - Each operator costs a bounded number of steps: operands are spilled at most once (`settled_`), the references to
//    one local are chained so that an assignment finds them without a search, and states have a fixed size.
//  - A local that is read where it may not have been assigned is zeroed when the function begins. Of the others,
//  whatever
//    lay on the stack may be loaded with a state's registers, but no operand ever refers to it.
//  - local_register_ and first_reference_ are all kNoRegister and kNone between functions, so that no function pays for
//    another's locals.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "codegen/quick/look_ahead.hpp"
#include "codegen/quick/store_marks.hpp"
#include "codegen/quick/x86_64/frame.hpp"

namespace anew::codegen::quick {

class Values : public Frame {
 protected:
  using Frame::Frame;

  struct Operand {
    enum class Kind : std::uint8_t { kConstant, kLocal, kRegister, kFlags, kHome };
    ValueType type;
    Kind kind;
    Register reg = kNoRegister;            ///< kRegister
    Condition condition{};                 ///< kFlags
    std::uint32_t local = 0;               ///< kLocal
    std::uint32_t height = 0;              ///< its place on the stack
    std::uint32_t slot = 0;                ///< of its home: the slots of all operands below it
    std::uint32_t next_reference = kNone;  ///< kLocal: the next operand below that refers to the same local
    std::uint64_t bits = 0;                ///< kConstant
  };

  /// Which locals the registers hold where control flow meets.
  struct State {
    std::array<std::uint16_t, kRegisters> local{};  ///< by register, where `cached` says so; at most limits::kLocals
    RegisterSet cached = 0;                         ///< registers that hold a local
    RegisterSet dirty = 0;                          ///< of these, those newer than the home
    LocalSet assigned = 0;                          ///< locals that were assigned on each way here
  };

  /// Locals and the empty stack. The parameters that came in registers are there, dirty.
  void begin_values(std::uint32_t function_index);
  /// Forgets everything.
  void end_values();

  // --- The stack ---

  [[nodiscard]] std::uint32_t height() const noexcept { return static_cast<std::uint32_t>(stack_.size()); }
  [[nodiscard]] bool empty() const noexcept { return stack_.empty(); }
  [[nodiscard]] const Operand& operand(std::size_t height) const noexcept { return stack_[height]; }
  /// The topmost operand, or one so far below it.
  [[nodiscard]] const Operand& top(std::size_t below = 0) const noexcept { return stack_[stack_.size() - 1 - below]; }
  /// The slot behind the topmost operand.
  [[nodiscard]] std::uint32_t next_slot() const noexcept {
    return stack_.empty() ? 0 : stack_.back().slot + slots_of(stack_.back().type);
  }

  void push_constant(ValueType type, std::uint64_t bits);
  /// Of a register that is held.
  void push_register(ValueType type, Register reg);
  void push_flags(Condition condition);
  void push_local(std::uint32_t local) {
    zero_at_entry(in_set(local) & ~assigned_);
    Operand& operand = push(locals()[local], Operand::Kind::kLocal);
    operand.local = local;
    operand.next_reference = first_reference_[local];
    first_reference_[local] = operand.height;
  }
  /// An operand in its home, which is to be stored.
  const Operand& push_home(ValueType type) { return push(type, Operand::Kind::kHome); }
  /// Puts an operand back that was popped and brought into `reg` by use().
  void push_again(const Operand& operand, Register reg);
  /// Takes the top operand; a register it owned is held until release().
  Operand pop();
  /// Takes the top operand as a condition: emits a test unless it is flags already.
  Condition pop_condition();
  void drop_to(std::uint32_t height);
  /// Ends an operator: registers held by it and not pushed are free again.
  void release() noexcept;
  /// Turns waiting flags on top of the stack into a register: called by every operator that cannot use them.
  void settle_flags() {
    if (!stack_.empty() && stack_.back().kind == Operand::Kind::kFlags) settle_waiting_flags();
  }
  /// Turns the waiting flags on top of the stack into their opposite.
  void negate_flags() noexcept { stack_.back().condition = negate(stack_.back().condition); }

  // --- Registers ---

  /// A free register, held until release(). Never changes the flags.
  Register allocate(bool in_xmm, RegisterSet avoid = 0);
  Register allocate_for(ValueType type) { return allocate(is_in_xmm(type)); }
  /// Frees and holds this very register. It must not be held already.
  void claim(Register reg);
  /// Brings an operand taken by pop() into a register that may only be read. Never changes the flags.
  Register use(const Operand& operand);
  /// Brings it into a register that may be overwritten, held until release(). Never changes the flags.
  Register use_writable(const Operand& operand);
  /// The register that holds the operand's value now, or kNoRegister.
  [[nodiscard]] Register register_of(const Operand& operand) const noexcept;
  /// Copies an operand's value to `to`, which is held or scratch. Never changes the flags.
  void move_to(Register to, const Operand& operand);
  void move_to_memory(const Mem& to, const Operand& operand);
  /// Parallel move of operands to registers and memory.
  struct Move {
    Operand operand;
    Register reg = kNoRegister;  ///< where to; kNoRegister: `memory`
    Mem memory;
  };
  void move_all(std::span<const Move> moves);

  // --- Locals ---

  void set_local(std::uint32_t local, const Operand& value);
  [[nodiscard]] StoreMarks& marks() noexcept { return marks_; }

  // --- Before blocks and calls ---

  /// Puts all operands but constants into their homes: what a block expects below it.
  void settle_operands();
  /// Puts the constants from this height on into their homes, where all else is already.
  void settle_constants(std::uint32_t from);
  /// Before code that clobbers registers: stores dirty locals and all operands below `first_argument` that are in
  /// registers. The registers keep their values.
  void spill_for_call(std::uint32_t first_argument);
  void forget_volatile_registers();
  /// Takes the results of a call that lie in registers, and copies the others to their homes.
  void push_call_results(const FunctionType& type, const abi::Places& places);
  /// The innermost try block that is open; handlers find all locals in their homes.
  void set_try_block(std::uint32_t try_block) noexcept { try_block_ = try_block; }
  [[nodiscard]] std::uint32_t try_block() const noexcept { return try_block_; }
  /// What is to be noted of a call here.
  [[nodiscard]] CallNotes call_notes() { return {try_block_, current_roots()}; }

  // --- Where control flow meets ---

  [[nodiscard]] State current_state() const noexcept;
  /// Locals that were assigned on each way here.
  [[nodiscard]] LocalSet assigned() const noexcept { return assigned_; }
  void set_state(const State& state);
  /// Makes the registers what they will be at the start of each round of the loop that begins here: they hold what the
  /// loop uses, as many as there are.
  /// @return the loop, if something is known of it.
  const LookAhead::Loop* enter_loop();
  /// Whether the registers are as the state wants them, or it would take no code to make them so.
  /// @param loop  if the state is that of a loop's start; may be null.
  [[nodiscard]] bool is_in(const State& state, const LookAhead::Loop* loop) const noexcept;
  /// Stores what the state does not expect in a register. The model does not change, nor by what follows.
  void store_for(const State& state, const LookAhead::Loop* loop);
  /// Moves and loads what it does expect.
  void load_for(const State& state);
  /// Frees the register from being a local's cache.
  void uncache(Register reg) {
    if ((cached_ & bit(reg)) != 0) evict(reg);
  }
  /// Binds a label where several ways meet: what was marked on one way here need not be on the other.
  void meet(Label& label) {
    bind(label);
    marks_.forget();
  }

  /// Bytes of what grows with a function, counted as check_size() wants it.
  [[nodiscard]] std::uint64_t operand_bytes() const noexcept {
    // A vector that grows counts twice, for it has a copy beside it; what the validator has of each operand, too.
    return (2 * sizeof(Operand) + sizeof(ValueType)) * stack_.size() + look_ahead_.bytes();
  }

 private:
  Operand& push(ValueType type, Operand::Kind kind);
  void settle_waiting_flags();
  [[nodiscard]] Mem home_of(const Operand& operand);
  void evict(Register reg);
  void cache_local(std::uint32_t local, Register reg, bool dirty);
  void forget_local_in(Register reg) noexcept;
  void store_local_in(Register reg) {
    store_register(home(owner_[reg], locals()[owner_[reg]]), reg, locals()[owner_[reg]]);
  }
  /// Gives every operand that refers to `local` a value of its own, because the local is about to change.
  void detach_references(std::uint32_t local);
  /// Dirty registers whose locals the state does not keep in a dirty register: they must be stored.
  [[nodiscard]] RegisterSet to_store_for(const State& state, const LookAhead::Loop* loop) const noexcept;

  // --- References that a collection looks for (roots.cpp) ---

  void begin_roots();
  void add_roots(const Mem& slot, std::uint32_t next);
  /// Before a call: all exceptions that the operands below `height` refer to are in their homes, and listed.
  void list_operands(std::uint32_t height);
  /// The list of the slots in which this frame holds exceptions during a call.
  [[nodiscard]] std::uint32_t current_roots();

  std::vector<Operand> stack_;
  std::uint32_t settled_ = 0;  ///< operands below this height are constants or in their homes

  RegisterSet free_ = 0;
  RegisterSet held_ = 0;                           ///< by the operator being compiled
  RegisterSet pinned_ = 0;                         ///< caches of locals that the operator being compiled reads
  RegisterSet cached_ = 0;                         ///< owned by a local
  RegisterSet dirty_ = 0;                          ///< of cached_: newer than the home
  std::array<std::uint32_t, kRegisters> owner_{};  ///< the local of a cached register, else the height of the operand
  Register next_victim_ = 0;
  // By local; as large as the largest function so far.
  std::vector<Register> local_register_;
  std::vector<std::uint32_t> first_reference_;  ///< the topmost operand of kind kLocal
  LocalSet assigned_ = 0;                       ///< on each way here
  StoreMarks marks_;
  LookAhead look_ahead_;

  std::uint32_t try_block_ = kNoTryBlock;
  /// Operands of type exnref, from the bottom, that are in their homes; `roots` is the list of these and of the locals.
  struct ListedOperand {
    std::uint32_t height;
    std::uint32_t roots;
  };
  std::vector<ListedOperand> listed_;
  std::uint32_t listed_to_ = 0;           ///< operands below this height are in listed_ if they are exceptions
  bool has_exception_locals_ = false;     ///< some locals are exnrefs: they are in their homes during calls
  bool has_local_roots_ = false;          ///< local_roots_ is made
  std::uint32_t local_roots_ = kNoRoots;  ///< the list of these locals
};

}  // namespace anew::codegen::quick
