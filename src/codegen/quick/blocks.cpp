// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/quick/blocks.hpp"

#include <cassert>

namespace anew::codegen::quick {

void Blocks::begin_blocks() {
  controls_.clear();
  states_.clear();
  free_states_.clear();
}

// --- States ---

std::uint32_t Blocks::keep_state() {
  if (free_states_.empty()) {
    states_.push_back(current_state());
    return static_cast<std::uint32_t>(states_.size() - 1);  // at most two for each block that is open
  }
  const std::uint32_t index = free_states_.back();
  free_states_.pop_back();
  states_[index] = current_state();
  return index;
}

void Blocks::forget_states_of(const Control& control) {
  for (const std::uint32_t index : {control.state, control.else_state})
    if (index != kNone) free_states_.push_back(index);
}

// --- Opening and closing ---

Blocks::Control& Blocks::open_block(Control::Kind kind, wasm::BlockType type) {
  settle_operands();
  Control& control = controls_.emplace_back();
  control.kind = kind;
  control.within = try_block();
  control.assigned = assigned();
  control.height = height() - static_cast<std::uint32_t>(type.parameters.size());
  control.parameters = type.parameters;
  control.results = type.results;
  control.slot = control.height < height() ? operand(control.height).slot : next_slot();
  // Where an else or a loop's next round takes its parameters up again, constants would be forgotten.
  settle_constants(control.height);
  return control;
}

Blocks::Control Blocks::close_block() {
  const Control control = controls_.back();
  controls_.pop_back();
  return control;
}

void Blocks::go_on_behind(Control& control) {
  meet(control.label);
  set_state(states_[control.state]);
  forget_states_of(control);
  push_results(control.results, true);
}

void Blocks::go_on_at_else(Control& control) {
  drop_to(control.height);
  meet(control.else_label);
  set_state(states_[control.else_state]);
  push_results(control.parameters, false);
}

void Blocks::push_results(std::span<const ValueType> types, bool in_register) {
  if (types.size() == 1 && in_register) {
    const Register reg = result_register(types[0]);
    claim(reg);
    push_register(types[0], reg);
    return;
  }
  for (const ValueType type : types) push_home(type);
}

// --- Branches ---

bool Blocks::results_in_place(const Control& control) const noexcept {
  const std::span<const ValueType> types = control.label_types();
  if (types.empty()) return true;
  if (types.size() == 1 && control.kind != Control::Kind::kLoop) {
    const Operand& result = top();
    return result.kind == Operand::Kind::kRegister && result.reg == result_register(types[0]);
  }
  std::uint32_t slot = control.slot;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const Operand& result = operand(height() - types.size() + i);
    if (result.kind != Operand::Kind::kHome || result.slot != slot) return false;
    slot += slots_of(types[i]);
  }
  return true;
}

bool Blocks::note_way_to(Control& control) {
  if (!control.has_state()) {
    control.state = keep_state();
    return true;
  }
  LocalSet& assigned_there = states_[control.state].assigned;
  assert(control.kind != Control::Kind::kLoop || (assigned_there & ~assigned()) == 0);  // some of its code is there
  assigned_there &= assigned();
  return false;
}

bool Blocks::conforms(Control& control) {
  if (!results_in_place(control)) return false;
  if (control.has_state() && !is_in(states_[control.state], control.known_loop)) return false;
  note_way_to(control);
  return true;
}

void Blocks::move_results(const Control& control) {
  const std::span<const ValueType> types = control.label_types();
  if (types.size() == 1 && control.kind != Control::Kind::kLoop) {
    move_to(result_register(types[0]), top());
    return;
  }
  // Upwards, because a value never lies below its place: nothing is overwritten before it was read.
  const std::size_t first = height() - types.size();
  std::uint32_t slot = control.slot;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const Operand& result = operand(first + i);
    if (result.kind != Operand::Kind::kHome || result.slot != slot)
      move_to_memory(operand_home(slot, types[i]), result);
    slot += slots_of(types[i]);
  }
}

void Blocks::make_way_for_result(const Control& control) {
  if (control.kind == Control::Kind::kLoop || control.results.size() != 1) return;
  uncache(result_register(control.results[0]));
}

void Blocks::conform(Control& control) {
  if (note_way_to(control)) return move_results(control);
  store_for(states_[control.state], control.known_loop);
  move_results(control);
  load_for(states_[control.state]);
}

}  // namespace anew::codegen::quick
