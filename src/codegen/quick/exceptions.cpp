// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exceptions of the quick tier. try_table costs nothing on the way in but one store: a throw finds its handler by the
// return addresses on the stack (codegen/image.hpp). A handler finds in the frame what it needs: operands below the
// try_table are in their homes since it began, locals since each call in it (spill_for_call), the rest since
// prepare_for_handlers().
#include "codegen/quick/quick_compiler.hpp"

namespace anew::codegen::quick {

void QuickCompiler::try_table(wasm::BlockType type, std::span<const wasm::CatchClause> clauses) {
  settle_flags();
  Control& control = open_block(Control::Kind::kTry, type);
  // Both are bounded by the bytes of a body.
  control.first_clause = static_cast<std::uint32_t>(clauses_.size());
  control.try_block = static_cast<std::uint32_t>(try_tables().try_blocks.size());
  clauses_.insert(clauses_.end(), clauses.begin(), clauses.end());
  try_tables().try_blocks.push_back({try_block(), 0, 0});
  set_try_block(control.try_block);
  prepare_for_handlers();
}

void QuickCompiler::end_try(bool reachable) {
  if (reachable) {
    make_way_for_result(innermost());
    conform(innermost());
    jump(innermost().label);
  }
  Control control = close_block();
  set_try_block(try_tables().try_blocks[control.try_block].outer);
  emit_handlers(control);
  clauses_.resize(control.first_clause);
  drop_to(control.height);
  if (!control.has_state()) return;
  go_on_behind(control);
}

void QuickCompiler::emit_handlers(const Control& control) {
  TryBlock& block = try_tables().try_blocks[control.try_block];
  block.first_handler = static_cast<std::uint32_t>(try_tables().handlers.size());
  block.handlers = static_cast<std::uint32_t>(clauses_.size()) - control.first_clause;
  for (std::size_t i = control.first_clause; i < clauses_.size(); ++i) {
    const wasm::CatchClause clause = clauses_[i];
    drop_to(control.height);
    set_state(State{});
    marks().forget();
    try_tables().handlers.push_back({clause.kind, clause.tag, static_cast<std::uint32_t>(code_offset())});
    enter_handler();
    claim(kCaughtException);
    if (clause.kind == wasm::CatchKind::kCatch || clause.kind == wasm::CatchKind::kCatchRef) {
      std::uint32_t slot = 0;
      for (const ValueType type : context_.module.types[context_.module.tags[clause.tag].type].parameters) {
        const Register scratch = scratch_for(type);
        load_register(scratch, exception_value(slot, type), type);
        store_register(operand_home(push_home(type).slot, type), scratch, type);
        slot += slots_of(type);
      }
    }
    if (clause.kind == wasm::CatchKind::kCatchRef || clause.kind == wasm::CatchKind::kCatchAllRef)
      push_register(non_null(ValueType::kExnRef), kCaughtException);
    release();
    branch(clause.depth);
  }
  drop_to(control.height);
  set_state(State{});
}

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
