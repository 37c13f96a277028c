// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exceptions of the quick tier. try_table costs nothing on the way in but one store: a throw finds its handler by the
// return addresses on the stack (codegen/image.hpp). A handler finds in the frame what it needs: operands below the
// try_table are in their homes since it began, locals since each call in it (spill_for_call), the cell pointer at
// kSavedCell. A function with a try_table saves all preserved registers, so that its epilogue restores its caller's
// whatever the functions that were unwound had in them.
#include "codegen/quick/registers.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

namespace {

x86::Mem exception_value(const x86::Gp& exception, std::uint32_t slot, ValueType type) {
  // At most 2 * limits::kParameters slots.
  return {exception, static_cast<std::int32_t>(sizeof(abi::Exception) + 8ull * slot), bytes_of(type)};
}

}  // namespace

void QuickCompiler::try_table(wasm::BlockType type, std::span<const wasm::CatchClause> clauses) {
  settle_flags();
  open_block(Control::Kind::kTry, type);
  Control& control = controls_.back();
  // Both are bounded by the bytes of a body.
  control.first_clause = static_cast<std::uint32_t>(clauses_.size());
  control.try_block = static_cast<std::uint32_t>(try_tables_.try_blocks.size());
  clauses_.insert(clauses_.end(), clauses.begin(), clauses.end());
  try_tables_.try_blocks.push_back({try_block_, 0, 0});
  try_block_ = control.try_block;
  preserved_used_ |= kPreserved;
  a_.mov(x86::qword_ptr(x86::rbp, kSavedCell), x86::r13);
  if (context_.options.metered_stack) keep_stack_left();
}

void QuickCompiler::end_try(bool reachable) {
  if (reachable) {
    make_way_for_result(controls_.back());
    conform(controls_.back());
    a_.jmp(controls_.back().label);
  }
  Control control = controls_.back();
  controls_.pop_back();
  try_block_ = try_tables_.try_blocks[control.try_block].outer;
  emit_handlers(control);
  clauses_.resize(control.first_clause);
  drop_to(control.height);
  if (!control.has_state()) return;
  bind(control.label);
  set_state(states_[control.state]);
  forget_states_of(control);
  push_results(control.results, true);
}

void QuickCompiler::emit_handlers(const Control& control) {
  TryBlock& block = try_tables_.try_blocks[control.try_block];
  block.first_handler = static_cast<std::uint32_t>(try_tables_.handlers.size());
  block.handlers = static_cast<std::uint32_t>(clauses_.size()) - control.first_clause;
  for (std::size_t i = control.first_clause; i < clauses_.size(); ++i) {
    const wasm::CatchClause clause = clauses_[i];
    drop_to(control.height);
    set_state(State{});
    forget_marks();
    try_tables_.handlers.push_back({clause.kind, clause.tag, static_cast<std::uint32_t>(code_offset())});
    a_.lea(x86::rsp, x86::ptr(x86::rbp, -0x7FFF'FFF0));  // the frame's size, filled in by end_function
    frame_size_at_.push_back(static_cast<std::uint32_t>(code_offset() - 4));
    a_.mov(x86::r13, x86::qword_ptr(x86::rbp, kSavedCell));
    if (context_.options.metered_stack) restore_stack_left();
    claim(kRax);
    if (clause.kind == wasm::CatchKind::kCatch || clause.kind == wasm::CatchKind::kCatchRef) {
      std::uint32_t slot = 0;
      for (const ValueType type : context_.module.types[context_.module.tags[clause.tag].type].parameters) {
        const Register scratch = is_in_xmm(type) ? kXmm15 : kR11;
        load_register(scratch, exception_value(x86::rax, slot, type), type);
        store_register(operand_home(push(type, Operand::Kind::kHome).slot, type), scratch, type);
        slot += slots_of(type);
      }
    }
    if (clause.kind == wasm::CatchKind::kCatchRef || clause.kind == wasm::CatchKind::kCatchAllRef) {
      push_register(non_null(ValueType::kExnRef), kRax);
    }
    release();
    branch(clause.depth);
  }
  drop_to(control.height);
  set_state(State{});
}

void QuickCompiler::add_roots(const Mem& slot, std::uint32_t next) {
  check_code_size();  // there may be as many as operands, each stored before; the tables are looked at elsewhere
  try_tables_.roots.push_back({static_cast<std::int32_t>(slot.offset()), 1, next});  // of a frame
}

void QuickCompiler::list_operands(std::uint32_t height) {
  while (!listed_.empty() && listed_.back().height >= listed_to_) listed_.pop_back();
  for (; listed_to_ < height; ++listed_to_) {
    const Operand& operand = stack_[listed_to_];
    // A constant is null. It is not in its home where another way leads to the same label.
    if (!is_exception_reference(operand.type) || operand.kind == Operand::Kind::kConstant) continue;
    const Mem home = operand_home(operand.slot, operand.type);
    // It may stay in a register or refer to a local: what it is does not change any more.
    if (operand.kind != Operand::Kind::kHome) move_to_memory(home, operand);
    add_roots(home, current_roots());
    listed_.push_back({listed_to_, static_cast<std::uint32_t>(try_tables_.roots.size() - 1)});
  }
}

std::uint32_t QuickCompiler::current_roots() {
  while (!listed_.empty() && listed_.back().height >= listed_to_) listed_.pop_back();
  if (!listed_.empty()) return listed_.back().roots;
  if (!has_exception_locals_) return kNoRoots;
  if (has_local_roots_) return local_roots_;
  has_local_roots_ = true;
  local_roots_ = kNoRoots;
  for (std::uint32_t i = 0; i < locals_.size(); ++i) {
    if (!is_exception_reference(locals_[i])) continue;
    const Mem slot = home(i, locals_[i]);
    if (local_roots_ != kNoRoots) {  // often the next one down, or for stack arguments up
      Roots& last = try_tables_.roots.back();
      const std::int64_t above = slot.offset() - last.displacement;
      if (above == -8) last.displacement -= 8;
      if (above == -8 || above == 8 * std::int64_t{last.count}) {
        ++last.count;
        continue;
      }
    }
    add_roots(slot, local_roots_);
    local_roots_ = static_cast<std::uint32_t>(try_tables_.roots.size() - 1);
  }
  return local_roots_;
}

void QuickCompiler::emit_throw() {
  a_.mov(x86::r11, cell_field(abi::kLibrary, 8));
  add_position();
  a_.call(x86::qword_ptr(x86::r11, offsetof(abi::Library, throw_exception)));
  note_call_site();
}

void QuickCompiler::throw_(std::uint32_t tag) {
  const std::vector<ValueType>& types = context_.module.types[context_.module.tags[tag].type].parameters;
  call_library(offsetof(abi::Library, new_exception), 0, {tag});
  a_.test(x86::rax, x86::rax);
  a_.jz(cold_trap(TrapKind::kExceptionsExhausted));
  const std::size_t first = height() - types.size();
  std::uint32_t slot = 0;
  for (std::size_t i = 0; i < types.size(); ++i) {
    move_to_memory(exception_value(x86::rax, slot, types[i]), stack_[first + i]);
    slot += slots_of(types[i]);
  }
  drop_to(static_cast<std::uint32_t>(first));
  a_.mov(x86::rdi, x86::rax);
  emit_throw();
}

void QuickCompiler::throw_ref() {
  settle_flags();
  const Operand exception = pop();
  spill_for_call(height());
  move_to(kRdi, exception);
  release();
  a_.test(x86::rdi, x86::rdi);
  a_.jz(cold_trap(TrapKind::kNullExceptionReference));
  emit_throw();
}

}  // namespace anew::codegen::quick
