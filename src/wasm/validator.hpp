// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One pass over a function body: decode, validate (specification, 3.3 and the appendix "Validation Algorithm"), and
// hand each validated operator to a sink (sink.hpp has the contract). Each code generator is such a sink.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wasm/limits.hpp"
#include "wasm/module.hpp"
#include "wasm/reader.hpp"
#include "wasm/signatures.hpp"
#include "wasm/sink.hpp"
#include "wasm/subtyping.hpp"

namespace anew::wasm {

/// Validates bodies of one module, one after the other; keeps its buffers between them. One thread at a time.
class FunctionValidator {
 public:
  /// @param module  must outlive the validator and stay where it is.
  explicit FunctionValidator(const Module& module);

  /// @param defined_index  index into Module::bodies.
  /// @return nothing, or kMalformed, kInvalid, kUnsupported or kLimit, with the byte offset in the module and, where
  ///         known from the caller's names, without the function's name (the caller adds it).
  template <OperatorSink Sink>
  [[nodiscard]] Result<void> validate(std::uint32_t defined_index, Sink& sink);
  /// The proposals that the bodies validated so far need; all are among Module::accepted.
  [[nodiscard]] Features features() const noexcept { return features_; }

 private:
  /// A block that is open (the appendix "Validation Algorithm" calls it ctrl_frame). Two things are kept apart that the
  /// specification has no need to tell apart: `polymorphic`, whether operands may be popped that are not there, which
  /// is all that validation knows of unreachable code; and live_, whether execution can get here at all.
  struct Frame {
    ValueType* base = nullptr;  ///< the operand stack below the block's own operands
    BlockType type;
    Op op = Op::kBlock;        ///< kBlock, kLoop, kIf, kElse, kTryTable, kTry, kCatch or kCatchAll
    bool handed_over = false;  ///< the block was reachable, so the sink knows it
    bool polymorphic = false;
    bool end_reached = false;      ///< by a branch, or from the first arm of an if
    std::uint32_t locals_set = 0;  ///< the size of locals_set_ at its start
  };

  /// Types that may be read below the first operand, see apply_signature.
  static constexpr std::size_t kStackSlack = 2;

  /// Reads the local declarations and puts all in the state at the function's start.
  [[nodiscard]] bool begin(std::uint32_t defined_index);
  void append_locals(std::uint32_t count, ValueType type);

  template <typename Sink>
  [[nodiscard]] bool operators(Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool open_block(Op op, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool else_block(Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool catch_block(Op op, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool end_block(Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool delegate(Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool rare_operator(Op op, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool prefixed_operator(std::uint8_t prefix, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool branch_operator(Op op, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool throw_operator(Op op, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool rethrow(Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool call_operator(Op op, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool memory_operator(Op op, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool table_operator(Op op, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool reference_operator(Op op, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool cast_operator(Op op, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool cast_branch(Op op, Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool vector_constant(Sink& sink);
  template <typename Sink>
  [[nodiscard]] bool shuffle(Sink& sink);

  /// Whether the operator is to be handed over; if so, says where it stands.
  template <typename Sink>
  [[nodiscard]] bool live(Sink& sink) {
    if (live_) sink.at(operator_offset());
    return live_;
  }

  /// Notes that the operator's proposal is needed. @return false if it is not accepted.
  [[nodiscard]] bool accepted(Op op) { return reader_.accepts(needs_of(op)) || not_accepted(*proposal_of(op)); }

  /// The same of what the operator has besides. @param what  such as "a block whose type is a type index".
  [[nodiscard]] bool operator_needs(Feature proposal, std::string_view what) {
    return reader_.needs(proposal, operator_offset(), what);
  }

  /// Ends what stands in the innermost block so far: its results are popped, and nothing else may be there.
  [[nodiscard]] bool end_of_arm();

  // The operand stack. The types that are popped are given as the specification lists them, the topmost one last.
  [[nodiscard]] bool push(ValueType type);
  [[nodiscard]] bool push(std::span<const ValueType> types);
  [[nodiscard]] bool pop(ValueType expected);
  [[nodiscard]] bool pop(std::span<const ValueType> expected);
  [[nodiscard]] bool pop_any(ValueType& type);
  [[nodiscard]] bool pop_reference(ValueType& type);
  /// The operands must be on top of the stack, which stays as it is.
  [[nodiscard]] bool expect(std::span<const ValueType> expected);
  /// As if popped and pushed again: what was unknown is known then.
  [[nodiscard]] bool pop_and_push(std::span<const ValueType> types);
  [[nodiscard]] bool apply_signature(Op op);
  /// The same for operators with a memory argument, whose first operand is an address.
  [[nodiscard]] bool apply_access(Op op, const MemoryArgument& argument);
  [[nodiscard]] bool topmost_are(std::span<const ValueType> types) const;
  void set_unreachable();

  [[nodiscard]] bool pop_slow(ValueType expected);
  [[nodiscard]] bool pop_slow(std::span<const ValueType> expected);
  [[nodiscard]] bool expect_slow(std::span<const ValueType> expected);
  [[nodiscard]] bool apply_signature_slow(Op op, ValueType first_operand);

  // Immediates, checked against the index space they point into.
  [[nodiscard]] bool local_to_read(std::uint32_t& index);
  [[nodiscard]] bool local_to_set(std::uint32_t& index);
  [[nodiscard]] bool local_to_read_slow(std::uint32_t index);
  [[nodiscard]] bool local_to_set_slow(std::uint32_t index);
  [[nodiscard]] bool global_index(std::uint32_t& index);
  [[nodiscard]] bool function_index(std::uint32_t& index);
  [[nodiscard]] bool type_index(std::uint32_t& index);
  [[nodiscard]] bool table_index(std::uint32_t& index);
  [[nodiscard]] bool element_index(std::uint32_t& index);
  [[nodiscard]] bool data_index(std::uint32_t& index);
  [[nodiscard]] bool memory_index(std::uint32_t& index);
  [[nodiscard]] bool tag_index(std::uint32_t& index);
  [[nodiscard]] bool memory_argument(Op op, MemoryArgument& argument);
  [[nodiscard]] bool memory_argument_slow(Op op, std::uint32_t align, MemoryArgument& argument);
  [[nodiscard]] bool atomic_argument(Op op, MemoryArgument& argument);
  [[nodiscard]] bool lane_index(Op op, std::uint32_t& lane);
  [[nodiscard]] bool block_type(BlockType& type);
  [[nodiscard]] bool block_type_slow(BlockType& type);
  [[nodiscard]] bool prefixed_opcode(std::uint8_t prefix, std::uint32_t& code);
  [[nodiscard]] bool label(std::uint32_t& depth);
  /// The types of a branch that happens if an operand is null, or is not: what it takes on the stack, and what the
  /// operator leaves.
  [[nodiscard]] bool branch_on_null(std::uint32_t depth);
  [[nodiscard]] bool branch_on_non_null(std::uint32_t depth);
  /// The same for a branch that happens if an operand is of a type, or is not.
  /// @param wanted  that type, which is read here.
  [[nodiscard]] bool branch_on_cast(Op op, std::uint32_t& depth, ValueType& wanted);
  /// Reads the clauses into clauses_ and checks what they hand to their labels.
  [[nodiscard]] bool catch_clauses();
  [[nodiscard]] bool catch_clause(CatchClause& clause);
  /// Of a call through a table or reference: pops which function it is.
  [[nodiscard]] bool callee(Op op, std::uint32_t type, std::uint32_t& table);
  /// For a tail call: what the callee returns, the function returns.
  [[nodiscard]] bool returns(std::span<const ValueType> results);
  /// From here on, locals that were first set in the innermost block are not set.
  void forget_locals();
  /// Reads the labels into targets_ and checks the operands against each.
  [[nodiscard]] bool branch_table();
  /// Of two labels of a br_table: their types may differ only since operands may be of unknown type.
  [[nodiscard]] bool alike(std::span<const ValueType> types, std::span<const ValueType> others);
  [[nodiscard]] bool select(bool typed, ValueType& type);

  [[nodiscard]] Frame& frame_at(std::uint32_t depth) { return frames_[frames_.size() - 1 - depth]; }
  [[nodiscard]] static std::span<const ValueType> label_types(const Frame& frame) {
    return frame.op == Op::kLoop ? frame.type.parameters : frame.type.results;
  }
  [[nodiscard]] std::uint64_t operator_offset() const noexcept { return reader_.offset_of(operator_position_); }

  // What is wrong, out of line. All return false.
  [[nodiscard, gnu::cold]] bool invalid(std::string message);
  [[nodiscard, gnu::cold]] bool unknown(const char* what, std::uint64_t index);
  [[nodiscard, gnu::cold]] bool mismatch(ValueType expected, ValueType found);
  [[nodiscard, gnu::cold]] bool missing_operand(std::string_view expected);
  [[nodiscard, gnu::cold]] bool wrong_types(const char* who, std::span<const ValueType> types, const char* target,
                                            std::span<const ValueType> wanted);
  [[nodiscard, gnu::cold]] bool left_over();
  [[nodiscard, gnu::cold]] bool stack_limit();
  [[nodiscard, gnu::cold]] bool nesting_limit();
  [[nodiscard, gnu::cold]] bool not_accepted(Feature proposal);
  [[nodiscard, gnu::cold]] bool illegal_opcode(std::uint8_t first);
  [[nodiscard, gnu::cold]] bool invalid_lane(std::uint32_t lane, std::uint32_t lanes);
  [[nodiscard, gnu::cold]] bool missing_end();
  [[nodiscard, gnu::cold]] bool bytes_after_end();
  [[nodiscard]] std::string operator_name() const;

  const Module& module_;
  const bool plain_memories_;  ///< there is a memory, and no address has 64 bits
  Reader reader_;
  const std::byte* operator_position_ = nullptr;  ///< of the operator being validated

  // The operand stack: stack_ has room for the limit from the start (pages that are not touched cost nothing), so that
  // it never moves.
  std::unique_ptr<ValueType[]> stack_;
  ValueType* top_ = nullptr;    ///< behind the topmost operand
  ValueType* base_ = nullptr;   ///< of the innermost block: frames_.back().base
  ValueType* limit_ = nullptr;  ///< no operand at or above it

  std::vector<Frame> frames_;                 ///< the function body first
  bool live_ = false;                         ///< whether execution can reach the operator
  std::unique_ptr<ValueType[]> local_types_;  ///< room for limits::kLocals
  std::span<ValueType> locals_;               ///< those of the function, in it
  // Locals that have no null must be set before they are read, and are forgotten at the end of the block that set them.
  std::uint32_t plain_locals_ = 0;         ///< before the first local of this kind, all of them if there is none
  std::vector<bool> local_is_set_;         ///< from plain_locals_ on
  std::vector<std::uint32_t> locals_set_;  ///< in order; see Frame::locals_set
  std::vector<std::uint32_t> targets_;     ///< of a br_table
  std::vector<CatchClause> clauses_;       ///< of a try_table
  std::vector<ValueType> caught_;          ///< what a catch clause hands to its label
  std::deque<ValueType> block_results_;    ///< of the blocks whose single result is a reference; they never move
  std::uint32_t function_index_ = 0;
  Features features_;
};

}  // namespace anew::wasm

#include "wasm/validator_bulk_inl.hpp"
#include "wasm/validator_control_inl.hpp"
#include "wasm/validator_inl.hpp"
#include "wasm/validator_prefixed_inl.hpp"
