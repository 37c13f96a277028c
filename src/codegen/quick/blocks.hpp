// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The fourth layer of the quick tier, and the last of the model: the blocks that are open and their labels.
//
// Where control flow meets (a label), registers must agree. The first branch to a label decides: the label's state is
// the locals cached at that moment. Later branches *conform*: they store what the label does not expect in a register,
// and move or load what it does. Operands below a block are in their homes before the block begins (constants stay
// constants), so a state holds locals only; a block's single result is in the result register of its type, several are
// in their homes. Behind a label, those locals were assigned that were on each way to it; at a loop's start, those that
// were before it, for nothing takes that back within.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "codegen/quick/values.hpp"
#include "wasm/sink.hpp"

namespace anew::codegen::quick {

class Blocks : public Values {
 protected:
  using Values::Values;

  struct Control {
    /// kTryTable; kTry and, behind its first catch or catch_all, kCatch.
    enum class Kind : std::uint8_t { kBlock, kLoop, kIf, kElse, kTryTable, kTry, kCatch };
    Kind kind;
    std::uint32_t height = 0;                     ///< of the stack below the parameters
    std::uint32_t slot = 0;                       ///< the first of the parameters
    const LookAhead::Loop* known_loop = nullptr;  ///< of the look-ahead, which keeps it: what is known of a loop
    /// The innermost try_table or try that what stands here is within; kNoTryBlock if there is none.
    std::uint32_t within = kNoTryBlock;
    std::span<const ValueType> parameters;
    std::span<const ValueType> results;
    Label label;
    Label else_label;
    // In states_, because few of many blocks that are open at once have both.
    std::uint32_t state = kNone;            ///< at the label; kNone until a branch reaches it
    std::uint32_t else_state = kNone;       ///< at the else or, without one, on the way past the if
    std::uint32_t try_block = kNoTryBlock;  ///< its own in the tables
    std::uint32_t first_clause = 0;         ///< kTryTable: of its clauses; kTry and kCatch: of its handlers
    LocalSet assigned = 0;                  ///< where the block began
    [[nodiscard]] bool has_state() const noexcept { return state != kNone; }
    [[nodiscard]] std::span<const ValueType> label_types() const noexcept {
      return kind == Kind::kLoop ? parameters : results;
    }
  };

  void begin_blocks();
  /// How many are open, without the function's body.
  [[nodiscard]] std::uint32_t open_blocks() const noexcept { return static_cast<std::uint32_t>(controls_.size()); }
  [[nodiscard]] Control& innermost() noexcept { return controls_.back(); }
  [[nodiscard]] Control& block_at(std::uint32_t depth) noexcept { return controls_[controls_.size() - 1 - depth]; }
  [[nodiscard]] const Control& block_at(std::uint32_t depth) const noexcept {
    return controls_[controls_.size() - 1 - depth];
  }

  Control& open_block(Control::Kind kind, wasm::BlockType type);
  /// Takes the innermost block, which keeps its states.
  [[nodiscard]] Control close_block();
  /// Gives back the states of a block that was closed.
  void forget_states_of(const Control& control);
  /// Goes on at the label of a block that was closed, with its results.
  void go_on_behind(Control& control);
  /// Goes on at the innermost block's else, with its parameters.
  void go_on_at_else(Control& control);

  /// Remembers what the registers hold. @return its number.
  [[nodiscard]] std::uint32_t keep_state();
  // Each way to a label passes one of these two before its jump.
  /// Emits what a branch to `control` needs. The model of this path's values does not change, so that a conditional
  /// branch can go on behind it.
  void conform(Control& control);
  /// The same if that takes no code. @return whether it takes none; else the label does not know of this way yet.
  [[nodiscard]] bool conforms(Control& control);
  /// Frees the register in which the block's single result arrives from being a local's.
  void make_way_for_result(const Control& control);

  /// Bytes of what grows with a function, counted as check_size() wants it.
  [[nodiscard]] std::uint64_t block_bytes() const noexcept {
    constexpr std::uint64_t kOfValidator = 56;  // what it has of each block
    return (sizeof(Control) + sizeof(State) + kOfValidator) * controls_.size();
  }

 private:
  /// @return whether it is the first that is known.
  bool note_way_to(Control& control);
  void move_results(const Control& control);
  [[nodiscard]] bool results_in_place(const Control& control) const noexcept;
  void push_results(std::span<const ValueType> types, bool in_register);

  // Deques, for these grow large in one step of a hostile function's at a time, never with an old copy beside a new.
  std::deque<Control> controls_;
  std::deque<State> states_;
  std::vector<std::uint32_t> free_states_;
};

}  // namespace anew::codegen::quick
