// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Blocks, exceptions and calls: a part of validator_inl.hpp. Included by validator.hpp only.
#pragma once

#include "wasm/validator.hpp"

namespace anew::wasm {

template <typename Sink>
bool FunctionValidator::open_block(Op op, Sink& sink) {
  Frame frame;
  if (!block_type(frame.type) || (op == Op::kTryTable && !catch_clauses()) ||
      (op == Op::kIf && !pop(ValueType::kI32)) || !pop(frame.type.parameters)) {
    return false;
  }
  if (frames_.size() > limits::kNesting) return nesting_limit();
  frame.op = op;
  frame.base = top_;
  frame.handed_over = live_;
  frame.locals_set = static_cast<std::uint32_t>(locals_set_.size());  // at most the number of locals
  if (op == Op::kTryTable && live_)
    for (const CatchClause& clause : clauses_) frame_at(clause.depth).end_reached = true;
  frames_.push_back(frame);
  base_ = top_;
  if (!push(frame.type.parameters)) return false;
  if (live(sink)) {
    if (op == Op::kBlock)
      sink.block(frame.type);
    else if (op == Op::kLoop)
      sink.loop(frame.type);
    else if (op == Op::kIf)
      sink.if_(frame.type);
    else if (op == Op::kTry)
      sink.try_(frame.type);
    else
      sink.try_table(frame.type, std::span<const CatchClause>(clauses_));
  }
  return true;
}

inline bool FunctionValidator::end_of_arm() {
  const Frame& frame = frames_.back();
  if (!pop(frame.type.results)) return false;
  if (top_ != base_) return left_over();
  if (locals_set_.size() != frame.locals_set) [[unlikely]]
    forget_locals();
  return true;
}

template <typename Sink>
bool FunctionValidator::else_block(Sink& sink) {
  Frame& frame = frames_.back();
  if (frame.op != Op::kIf) return invalid("else without if");
  if (!end_of_arm()) return false;
  const bool falls_through = live_;
  frame.op = Op::kElse;
  frame.polymorphic = false;
  frame.end_reached |= falls_through;
  live_ = frame.handed_over;
  if (!push(frame.type.parameters)) return false;
  if (live(sink)) sink.else_(falls_through);
  return true;
}

template <typename Sink>
bool FunctionValidator::catch_block(Op op, Sink& sink) {
  Frame& frame = frames_.back();
  if (frame.op != Op::kTry && frame.op != Op::kCatch)
    return invalid(operator_name() + " without try, or behind its catch_all");
  std::uint32_t tag = 0;
  if (op == Op::kCatch && !tag_index(tag)) return false;
  if (!end_of_arm()) return false;
  const bool falls_through = live_;
  frame.op = op;
  frame.polymorphic = false;
  frame.end_reached |= falls_through;
  live_ = frame.handed_over;
  if (op == Op::kCatch && !push(module_.types[module_.tags[tag].type].parameters)) return false;
  if (live(sink)) {
    if (op == Op::kCatch)
      sink.catch_(tag, falls_through);
    else
      sink.catch_all(falls_through);
  }
  return true;
}

template <typename Sink>
bool FunctionValidator::end_block(Sink& sink) {
  const Frame frame = frames_.back();
  if (!end_of_arm()) return false;
  const bool without_else = frame.op == Op::kIf;
  if (without_else && !are_subtypes(module_.declarations, frame.type.parameters, frame.type.results))
    return invalid("type mismatch: an if without else must have the same parameters and results");
  frames_.pop_back();
  if (frame.handed_over) {
    sink.at(operator_offset());
    if (frames_.empty()) {
      sink.end_function(live_);
      return true;
    }
    sink.end(live_);
    live_ = live_ || without_else || (frame.end_reached && frame.op != Op::kLoop);
  }
  base_ = frames_.back().base;
  return push(frame.type.results);
}

template <typename Sink>
bool FunctionValidator::delegate(Sink& sink) {
  const Frame frame = frames_.back();
  if (frame.op != Op::kTry) return invalid("delegate without try, or behind its catch or catch_all");
  std::uint32_t depth = 0;
  if (!end_of_arm()) return false;
  frames_.pop_back();  // a try, so the function's body is still there
  if (!label(depth)) return false;
  if (frame.handed_over) {
    sink.at(operator_offset());
    sink.delegate(depth, live_);
    live_ = live_ || frame.end_reached;
  }
  base_ = frames_.back().base;
  return push(frame.type.results);
}

// Branches that depend on a reference; the others stand in operators().
template <typename Sink>
bool FunctionValidator::branch_operator(Op op, Sink& sink) {
  std::uint32_t depth = 0;
  if (!label(depth) || !(op == Op::kBrOnNull ? branch_on_null(depth) : branch_on_non_null(depth))) return false;
  if (live(sink)) {
    frame_at(depth).end_reached = true;
    if (op == Op::kBrOnNull)
      sink.br_on_null(depth);
    else
      sink.br_on_non_null(depth);
  }
  return true;
}

template <typename Sink>
bool FunctionValidator::throw_operator(Op op, Sink& sink) {
  std::uint32_t tag = 0;
  if (op == Op::kThrow) {
    if (!tag_index(tag) || !pop(module_.types[module_.tags[tag].type].parameters)) return false;
  } else if (!pop(ValueType::kExnRef)) {
    return false;
  }
  if (live(sink)) {
    if (op == Op::kThrow)
      sink.throw_(tag);
    else
      sink.throw_ref();
  }
  set_unreachable();
  return true;
}

template <typename Sink>
bool FunctionValidator::rethrow(Sink& sink) {
  std::uint32_t depth = 0;
  if (!label(depth)) return false;
  if (const Op op = frame_at(depth).op; op != Op::kCatch && op != Op::kCatchAll)
    return invalid("invalid rethrow label " + std::to_string(depth) + ": it is that of no catch or catch_all");
  if (live(sink)) sink.rethrow(depth);
  set_unreachable();
  return true;
}

template <typename Sink>
bool FunctionValidator::call_operator(Op op, Sink& sink) {
  std::uint32_t index = 0;  // of the function, or of its type
  std::uint32_t table = 0;
  const FunctionType* type = nullptr;
  if (op == Op::kCall || op == Op::kReturnCall) {
    if (!function_index(index)) return false;
    type = &module_.function_type(index);
  } else {
    if (!type_index(index) || !callee(op, index, table)) return false;
    type = &module_.types[index];
  }
  const bool tail = op == Op::kReturnCall || op == Op::kReturnCallIndirect || op == Op::kReturnCallRef;
  // Of a tail call through a reference the table names the other proposal that it needs.
  if (tail && !reader_.accepts(Feature::kTailCall)) return not_accepted(Feature::kTailCall);
  if (!pop(type->parameters) || !(tail ? returns(type->results) : push(type->results))) return false;
  if (live(sink)) {
    switch (op) {
      case Op::kCall: sink.call(index); break;
      case Op::kCallIndirect: sink.call_indirect(index, table); break;
      case Op::kCallRef: sink.call_ref(index); break;
      case Op::kReturnCall: sink.return_call(index); break;
      case Op::kReturnCallIndirect: sink.return_call_indirect(index, table); break;
      default: sink.return_call_ref(index); break;
    }
  }
  if (tail) set_unreachable();
  return true;
}

}  // namespace anew::wasm
