// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Blocks and branches of the quick tier.
#include <utility>

#include "codegen/quick/quick_compiler.hpp"

namespace anew::codegen::quick {

// --- Blocks ---

void QuickCompiler::block(wasm::BlockType type) {
  settle_flags();
  open_block(Control::Kind::kBlock, type);
}

void QuickCompiler::loop(wasm::BlockType type) {
  settle_flags();
  Control& control = open_block(Control::Kind::kLoop, type);
  control.known_loop = enter_loop();
  control.state = keep_state();
  meet(control.label);
}

void QuickCompiler::if_(wasm::BlockType type) {
  const Condition condition = pop_condition();
  Control& control = open_block(Control::Kind::kIf, type);  // emits moves only: the flags stay
  release();
  control.else_state = keep_state();
  jump_if(negate(condition), control.else_label);
}

void QuickCompiler::leave_arm(bool reachable) {
  if (!reachable) return;
  Control& control = innermost();
  settle_flags();
  make_way_for_result(control);
  conform(control);
  jump(control.label);
}

void QuickCompiler::else_(bool reachable) {
  leave_arm(reachable);
  Control& control = innermost();
  control.kind = Control::Kind::kElse;
  go_on_at_else(control);
}

void QuickCompiler::end(bool reachable) {
  if (reachable) settle_flags();
  switch (innermost().kind) {
    case Control::Kind::kIf: return end_if(reachable);
    case Control::Kind::kTryTable: return end_try_table(reachable);
    case Control::Kind::kLoop: return forget_states_of(close_block());
    case Control::Kind::kTry: leave_try(); return end_block(reachable);
    case Control::Kind::kCatch: end_handlers(innermost()); return end_block(reachable);
    case Control::Kind::kBlock:
    case Control::Kind::kElse: return end_block(reachable);
  }
}

void QuickCompiler::end_block(bool reachable) {
  Control control = close_block();
  // If nothing branches here, it goes on as if the block were not there; but a caught exception lies below the results.
  const bool falls_through_alone = !control.has_state() && control.kind != Control::Kind::kCatch;
  if (falls_through_alone) return forget_states_of(control);
  if (reachable) {
    make_way_for_result(control);
    conform(control);
  }
  drop_to(control.height);
  if (control.has_state()) go_on_behind(control);
}

// Of an if without else.
void QuickCompiler::end_if(bool reachable) {
  Control control = close_block();
  if (!control.has_state() && control.results.empty()) {
    // The way past the if decides what registers hold, so it needs no code.
    control.state = std::exchange(control.else_state, kNone);
    if (reachable) conform(control);
    drop_to(control.height);
    meet(control.else_label);
  } else {
    if (reachable) {
      make_way_for_result(control);
      conform(control);
      jump(control.label);
    }
    go_on_at_else(control);  // its parameters are its results
    make_way_for_result(control);
    conform(control);
    drop_to(control.height);
  }
  go_on_behind(control);
}

// --- Branches ---

void QuickCompiler::move_results_of_function() {
  const std::span<const ValueType> results = function_type().results;
  if (results.size() == 1) {
    move_to(result_register(results[0]), top());
  } else if (!results.empty()) {
    const abi::Places& places = result_places();
    if (places.memory_slots != 0) load_thread();
    std::vector<Move> moves(results.size());
    const std::size_t first = height() - results.size();
    for (std::size_t i = 0; i < results.size(); ++i) {
      moves[i].operand = operand(first + i);
      const abi::Place place = places.places[i];
      if (place.kind == abi::Place::Kind::kMemory)
        moves[i].memory = spilled_value(place.index, results[i]);
      else
        moves[i].reg = result_register(place);
    }
    move_all(moves);
  }
}

void QuickCompiler::branch(std::uint32_t depth) {
  check_code_size();  // one br_table may branch to thousands of labels
  if (depth == open_blocks()) {
    move_results_of_function();
    jump_to_epilogue();
    return;
  }
  Control& control = block_at(depth);
  make_way_for_result(control);
  conform(control);
  jump(control.label);
}

void QuickCompiler::branch_if(Condition condition, std::uint32_t depth) {
  Label skip;
  if (depth == open_blocks()) {
    if (function_type().results.empty()) {
      jump_to_epilogue_if(condition);
    } else {
      jump_if(negate(condition), skip);
      move_results_of_function();
      jump_to_epilogue();
      bind(skip);
    }
    return;
  }
  Control& control = block_at(depth);
  make_way_for_result(control);
  if (conforms(control)) return jump_if(condition, control.label);
  jump_if(negate(condition), skip);
  conform(control);
  jump(control.label);
  bind(skip);
}

void QuickCompiler::br(std::uint32_t depth) {
  settle_flags();
  branch(depth);
}

void QuickCompiler::br_if(std::uint32_t depth) {
  const Condition condition = pop_condition();
  release();  // before a state is taken: the condition's register is free behind the branch
  branch_if(condition, depth);
}

void QuickCompiler::br_table(std::span<const std::uint32_t> depths) {
  settle_flags();
  move_to(kIndex, top());
  drop_to(height() - 1);
  for (const std::uint32_t depth : depths)
    if (depth < open_blocks()) make_way_for_result(block_at(depth));
  jump_by_table(static_cast<std::uint32_t>(depths.size() - 1));  // at most limits::kBrTableTargets
  // One way to each target, however often it is named.
  if (stub_of_depth_.size() <= open_blocks()) stub_of_depth_.resize(open_blocks() + 1, kNone);
  for (const std::uint32_t depth : depths) {
    std::uint32_t& stub = stub_of_depth_[depth];
    if (stub == kNone) {
      stub = static_cast<std::uint32_t>(code_offset());
      branch(depth);
    }
    add_jump_target(stub);
  }
  for (const std::uint32_t depth : depths) stub_of_depth_[depth] = kNone;
}

void QuickCompiler::return_() {
  settle_flags();
  move_results_of_function();
  jump_to_epilogue();
}

void QuickCompiler::br_on_null(std::uint32_t depth) {
  settle_flags();
  const Operand reference = pop();
  const Register reg = use(reference);
  const Condition is_there = compare_with_zero(reg, true);
  branch_if(negate(is_there), depth);
  push_again(reference, reg);
}

void QuickCompiler::br_on_non_null(std::uint32_t depth) {
  settle_flags();
  const Operand reference = pop();
  const Register reg = use(reference);
  const Condition is_there = compare_with_zero(reg, true);
  push_again(reference, reg);
  branch_if(is_there, depth);
  drop_to(height() - 1);
}

void QuickCompiler::br_on_cast(std::uint32_t depth, ValueType wanted) {
  const Condition is_wanted = test_reference(wanted);
  branch_if(is_wanted, depth);
}

void QuickCompiler::br_on_cast_fail(std::uint32_t depth, ValueType wanted) {
  const Condition is_wanted = test_reference(wanted);
  branch_if(negate(is_wanted), depth);
}

void QuickCompiler::unreachable() {
  settle_flags();
  trap(TrapKind::kUnreachable);
}

}  // namespace anew::codegen::quick
