// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exceptions of the quick tier. try_table and try cost nothing on the way in but one store: a throw finds its handler
// by the return addresses on the stack (codegen/image.hpp). A handler finds in the frame what it needs: operands below
// the block are in their homes since it began, locals since each call in it (spill_for_call), the rest since
// prepare_for_handlers().
#include "codegen/quick/quick_compiler.hpp"

namespace anew::codegen::quick {

// --- Where handlers are looked for ---

QuickCompiler::Control& QuickCompiler::open_try(Control::Kind kind, wasm::BlockType type) {
  settle_flags();
  Control& control = open_block(kind, type);
  control.try_block = static_cast<std::uint32_t>(try_tables().try_blocks.size());  // bounded by the bytes of a body
  control.within = control.try_block;
  try_tables().try_blocks.push_back({try_block(), 0, 0});
  set_try_block(control.try_block);
  prepare_for_handlers();
  return control;
}

void QuickCompiler::leave_try() {
  Control& control = innermost();
  control.within = try_tables().try_blocks[control.try_block].outer;
  set_try_block(control.within);
}

// --- Handlers ---

void QuickCompiler::begin_handler(const Control& control) {
  drop_to(control.height);
  // Whatever the try assigned, a throw may have come before.
  set_state(State{.assigned = control.assigned});
  marks().forget();
  enter_handler();
  claim(kCaughtException);
}

void QuickCompiler::push_caught_values(std::uint32_t tag) {
  std::uint32_t slot = 0;
  for (const ValueType type : context_.module.types[context_.module.tags[tag].type].parameters) {
    const Register scratch = scratch_for(type);
    load_register(scratch, exception_value(slot, type), type);
    store_register(operand_home(push_home(type).slot, type), scratch, type);
    slot += slots_of(type);
  }
}

// --- try_table ---

void QuickCompiler::try_table(wasm::BlockType type, std::span<const wasm::CatchClause> clauses) {
  Control& control = open_try(Control::Kind::kTryTable, type);
  control.first_clause = static_cast<std::uint32_t>(clauses_.size());  // bounded by the bytes of a body
  clauses_.insert(clauses_.end(), clauses.begin(), clauses.end());
}

void QuickCompiler::end_try_table(bool reachable) {
  leave_arm(reachable);
  leave_try();
  Control control = close_block();
  emit_clauses(control);
  clauses_.resize(control.first_clause);
  drop_to(control.height);
  if (!control.has_state()) return;
  go_on_behind(control);
}

void QuickCompiler::emit_clauses(const Control& control) {
  TryBlock& block = try_tables().try_blocks[control.try_block];
  block.first_handler = static_cast<std::uint32_t>(try_tables().handlers.size());
  block.handlers = static_cast<std::uint32_t>(clauses_.size()) - control.first_clause;
  for (std::size_t i = control.first_clause; i < clauses_.size(); ++i) {
    const wasm::CatchClause clause = clauses_[i];
    try_tables().handlers.push_back({clause.kind, clause.tag, static_cast<std::uint32_t>(code_offset())});
    begin_handler(control);
    if (clause.kind == wasm::CatchKind::kCatch || clause.kind == wasm::CatchKind::kCatchRef)
      push_caught_values(clause.tag);
    if (clause.kind == wasm::CatchKind::kCatchRef || clause.kind == wasm::CatchKind::kCatchAllRef)
      push_register(non_null(ValueType::kExnRef), kCaughtException);
    release();
    branch(clause.depth);
  }
  drop_to(control.height);
  set_state(State{});
}

// --- try, catch, catch_all, delegate and rethrow (legacy-exceptions) ---
//
// What was caught lies below the values of a catch as an operand that the module does not know of, until the block
// ends: rethrow finds it there, and so does a collection.

void QuickCompiler::try_(wasm::BlockType type) {
  Control& control = open_try(Control::Kind::kTry, type);
  control.first_clause = static_cast<std::uint32_t>(handlers_.size());  // bounded by the bytes of a body
}

void QuickCompiler::catch_(std::uint32_t tag, bool reachable) {
  begin_catch(wasm::CatchKind::kCatchRef, tag, reachable);
  push_caught_values(tag);
}

void QuickCompiler::catch_all(bool reachable) { begin_catch(wasm::CatchKind::kCatchAllRef, 0, reachable); }

void QuickCompiler::begin_catch(wasm::CatchKind kind, std::uint32_t tag, bool reachable) {
  leave_arm(reachable);
  Control& control = innermost();
  if (control.kind == Control::Kind::kTry) leave_try();
  control.kind = Control::Kind::kCatch;
  handlers_.push_back({kind, tag, static_cast<std::uint32_t>(code_offset())});
  begin_handler(control);
  push_register(non_null(ValueType::kExnRef), kCaughtException);
}

void QuickCompiler::end_handlers(const Control& control) {
  TryBlock& block = try_tables().try_blocks[control.try_block];
  block.first_handler = static_cast<std::uint32_t>(try_tables().handlers.size());
  block.handlers = static_cast<std::uint32_t>(handlers_.size()) - control.first_clause;
  for (std::size_t i = control.first_clause; i < handlers_.size(); ++i) try_tables().handlers.push_back(handlers_[i]);
  handlers_.resize(control.first_clause);
}

void QuickCompiler::delegate(std::uint32_t depth, bool reachable) {
  if (reachable) settle_flags();
  leave_try();
  // The label counts from outside of the block, which is still open.
  TryBlock& block = try_tables().try_blocks[innermost().try_block];
  block.outer = depth + 1 == open_blocks() ? kNoTryBlock : block_at(depth + 1).within;
  end_block(reachable);
}

void QuickCompiler::rethrow(std::uint32_t depth) {
  settle_flags();
  spill_for_call(height());
  move_to(kThrownException, operand(block_at(depth).height));
  throw_exception(call_notes());
}

// --- throw and throw_ref ---

void QuickCompiler::throw_(std::uint32_t tag) {
  const std::vector<ValueType>& types = context_.module.types[context_.module.tags[tag].type].parameters;
  call_library(offsetof(abi::Library, new_exception), 0, {tag});
  trap_if_zero(kLibraryResult, true, TrapKind::kExceptionsExhausted);
  const std::size_t first = height() - types.size();
  std::uint32_t slot = 0;
  for (std::size_t i = 0; i < types.size(); ++i) {
    move_to_memory(exception_value(slot, types[i]), operand(first + i));
    slot += slots_of(types[i]);
  }
  drop_to(static_cast<std::uint32_t>(first));
  move_register(kThrownException, kLibraryResult, ValueType::kExnRef);
  throw_exception(call_notes());
}

void QuickCompiler::throw_ref() {
  settle_flags();
  const Operand exception = pop();
  spill_for_call(height());
  move_to(kThrownException, exception);
  release();
  trap_if_zero(kThrownException, true, TrapKind::kNullExceptionReference);
  throw_exception(call_notes());
}

}  // namespace anew::codegen::quick
