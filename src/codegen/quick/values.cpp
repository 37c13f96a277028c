// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/quick/values.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

#include "wasm/limits.hpp"

namespace anew::codegen::quick {

// --- Functions ---

void Values::begin_values(std::uint32_t function_index) {
  const FunctionType& type = function_type();
  stack_.clear();
  settled_ = 0;
  assigned_ = 0;
  free_ = kAllocatable;
  held_ = pinned_ = cached_ = dirty_ = 0;
  next_victim_ = 0;
  if (local_register_.size() < locals().size()) {
    local_register_.resize(locals().size(), kNoRegister);
    first_reference_.resize(locals().size(), kNone);
  }
  marks_.begin_function(locals().size());
  try_block_ = kNoTryBlock;
  begin_roots();
  if (has_exception_locals_) {  // a collection reads them before they are assigned
    for (std::uint32_t i = 0; i < locals().size(); ++i)
      if (is_exception_reference(locals()[i])) zero_at_entry(in_set(i));
  }
  look_ahead_.begin_function(context_.module.bodies[function_index - context_.module.imported_functions],
                             static_cast<std::uint32_t>(locals().size()));  // at most limits::kLocals
  if (argument_places().memory_slots != 0) load_thread();
  for (std::uint32_t i = 0; i < type.parameters.size(); ++i) {
    const abi::Place place = argument_places().places[i];
    if (place.kind == abi::Place::Kind::kMemory) {
      const ValueType parameter = type.parameters[i];
      const Register scratch = scratch_for(parameter);
      load_register(scratch, spilled_value(place.index, parameter), parameter);
      store_register(home(i, parameter), scratch, parameter);
      continue;
    }
    const Register reg = argument_register(place);
    claim(reg);
    cache_local(i, reg, true);
  }
}

void Values::end_values() {
  drop_to(0);
  set_state(State{});
}

Values::Mem Values::home_of(const Operand& operand) {
  return operand.kind == Operand::Kind::kLocal ? home(operand.local, operand.type)
                                               : operand_home(operand.slot, operand.type);
}

// --- Pushing and popping ---

Values::Operand& Values::push(ValueType type, Operand::Kind kind) {
  const std::uint32_t slot = next_slot();
  Operand& operand = stack_.emplace_back();
  operand.type = type;
  operand.kind = kind;
  operand.height = height() - 1;
  operand.slot = slot;
  return operand;
}

void Values::push_constant(ValueType type, std::uint64_t bits) { push(type, Operand::Kind::kConstant).bits = bits; }

void Values::push_register(ValueType type, Register reg) {
  assert((held_ & bit(reg)) != 0);
  held_ &= ~bit(reg);
  Operand& operand = push(type, Operand::Kind::kRegister);
  operand.reg = reg;
  owner_[reg] = operand.height;
}

void Values::push_flags(Condition condition) { push(ValueType::kI32, Operand::Kind::kFlags).condition = condition; }

void Values::push_again(const Operand& operand, Register reg) {
  if (operand.kind == Operand::Kind::kLocal) {
    settle_flags();
    push_local(operand.local);
  } else {
    push_register(operand.type, reg);
  }
  release();
}

Values::Operand Values::pop() {
  const Operand operand = stack_.back();
  stack_.pop_back();
  if (operand.kind == Operand::Kind::kLocal)
    first_reference_[operand.local] = operand.next_reference;
  else if (operand.kind == Operand::Kind::kRegister)
    held_ |= bit(operand.reg);
  settled_ = std::min(settled_, height());
  listed_to_ = std::min(listed_to_, height());
  return operand;
}

Values::Condition Values::pop_condition() {
  const Operand operand = pop();
  if (operand.kind == Operand::Kind::kFlags) return operand.condition;
  return compare_with_zero(use(operand), false);
}

void Values::drop_to(std::uint32_t height_wanted) {
  while (height() > height_wanted) {
    const Operand operand = pop();
    if (operand.kind == Operand::Kind::kRegister) {
      held_ &= ~bit(operand.reg);
      free_ |= bit(operand.reg);
    }
  }
}

void Values::release() noexcept {
  free_ |= held_;
  held_ = 0;
  pinned_ = 0;
}

void Values::settle_waiting_flags() {
  const Condition condition = stack_.back().condition;
  stack_.pop_back();
  const Register reg = allocate(false);
  load_condition(reg, condition);
  push_register(ValueType::kI32, reg);
  release();
}

// --- Registers ---

void Values::forget_local_in(Register reg) noexcept {
  local_register_[owner_[reg]] = kNoRegister;
  cached_ &= ~bit(reg);
  dirty_ &= ~bit(reg);
  free_ |= bit(reg);
}

void Values::evict(Register reg) {
  if ((cached_ & bit(reg)) != 0) {
    if ((dirty_ & bit(reg)) != 0) store_local_in(reg);
    forget_local_in(reg);
    return;
  }
  Operand& operand = stack_[owner_[reg]];
  assert(operand.kind == Operand::Kind::kRegister && operand.reg == reg);
  store_register(operand_home(operand.slot, operand.type), reg, operand.type);
  operand.kind = Operand::Kind::kHome;
  operand.reg = kNoRegister;
  free_ |= bit(reg);
}

Register Values::allocate(bool in_xmm, RegisterSet avoid) {
  const RegisterSet candidates = (in_xmm ? kFloats : kGeneral) & ~avoid;
  RegisterSet choice = free_ & candidates;
  if (choice == 0) {
    const RegisterSet victims = candidates & ~held_ & ~pinned_;
    assert(victims != 0);  // an operator holds and pins fewer registers than there are
    // A clean cache costs nothing to give up. Otherwise go round, so that no value is the victim each time.
    RegisterSet set = victims & cached_ & ~dirty_;
    if (set == 0) set = victims;
    const RegisterSet behind = set & ~(bit(next_victim_) | (bit(next_victim_) - 1));
    const auto victim = static_cast<Register>(std::countr_zero(behind != 0 ? behind : set));
    next_victim_ = victim;
    evict(victim);
    choice = bit(victim);
  }
  // Preserved registers last: using one costs a save and a restore.
  if ((choice & kVolatile) != 0) choice &= kVolatile;
  const auto reg = static_cast<Register>(std::countr_zero(choice));
  note_use_of(bit(reg));
  free_ &= ~bit(reg);
  held_ |= bit(reg);
  return reg;
}

void Values::claim(Register reg) {
  assert((held_ & bit(reg)) == 0);
  if ((free_ & bit(reg)) == 0) evict(reg);
  free_ &= ~bit(reg);
  held_ |= bit(reg);
}

void Values::cache_local(std::uint32_t local, Register reg, bool dirty) {
  assert((held_ & bit(reg)) != 0 && local_register_[local] == kNoRegister);
  held_ &= ~bit(reg);
  cached_ |= bit(reg);
  if (dirty) dirty_ |= bit(reg);
  owner_[reg] = local;
  local_register_[local] = reg;
}

// --- Moving values ---

void Values::move_to(Register to, const Operand& operand) {
  switch (operand.kind) {
    case Operand::Kind::kConstant: load_constant(to, operand.type, operand.bits); break;
    case Operand::Kind::kRegister:
    case Operand::Kind::kLocal:
    case Operand::Kind::kHome:
      if (const Register from = register_of(operand); from != kNoRegister)
        move_register(to, from, operand.type);
      else
        load_register(to, home_of(operand), operand.type);
      break;
    case Operand::Kind::kFlags: assert(false); break;
  }
}

void Values::move_to_memory(const Mem& to, const Operand& operand) {
  Register from = register_of(operand);
  if (from == kNoRegister) {
    from = scratch_for(operand.type);
    move_to(from, operand);
  }
  store_register(to, from, operand.type);
}

Register Values::use(const Operand& operand) {
  if (operand.kind == Operand::Kind::kRegister) return operand.reg;
  if (operand.kind == Operand::Kind::kLocal) {
    Register reg = local_register_[operand.local];
    if (reg == kNoRegister) {
      reg = allocate_for(operand.type);
      load_register(reg, home(operand.local, operand.type), operand.type);
      cache_local(operand.local, reg, false);
    }
    pinned_ |= bit(reg);
    return reg;
  }
  const Register reg = allocate_for(operand.type);
  move_to(reg, operand);
  return reg;
}

Register Values::use_writable(const Operand& operand) {
  if (operand.kind == Operand::Kind::kRegister) return operand.reg;
  // If the operand is a cached local, its register may not be the one to make room.
  if (operand.kind == Operand::Kind::kLocal && local_register_[operand.local] != kNoRegister)
    pinned_ |= bit(local_register_[operand.local]);
  const Register reg = allocate_for(operand.type);
  move_to(reg, operand);
  return reg;
}

Register Values::register_of(const Operand& operand) const noexcept {
  if (operand.kind == Operand::Kind::kRegister) return operand.reg;
  if (operand.kind == Operand::Kind::kLocal) return local_register_[operand.local];
  return kNoRegister;
}

void Values::move_all(std::span<const Move> moves) {
  // What goes to memory first: it only reads registers. What comes from memory last: it only writes them.
  std::array<RegisterMove, abi::kIntegerArguments + abi::kFloatArguments> between;
  std::size_t count = 0;
  for (const Move& move : moves) {
    if (move.reg == kNoRegister) {
      move_to_memory(move.memory, move.operand);
      continue;
    }
    const Register from = register_of(move.operand);
    if (from == kNoRegister || from == move.reg) continue;
    between[count++] = {from, move.reg, move.operand.type};
  }
  move_registers(std::span(between).first(count));
  for (const Move& move : moves)
    if (move.reg != kNoRegister && register_of(move.operand) == kNoRegister) move_to(move.reg, move.operand);
}

// --- Locals ---

void Values::detach_references(std::uint32_t local) {
  std::uint32_t at = first_reference_[local];
  if (at == kNone) return;
  first_reference_[local] = kNone;
  const ValueType type = locals()[local];
  Register reg = local_register_[local];
  if (reg == kNoRegister) {
    reg = allocate_for(type);
    load_register(reg, home(local, type), type);
    held_ &= ~bit(reg);
  } else {  // the local's register passes to the first operand: the local gets a new value anyway
    forget_local_in(reg);
    free_ &= ~bit(reg);
  }
  Operand& first = stack_[at];
  at = first.next_reference;
  first.kind = Operand::Kind::kRegister;
  first.reg = reg;
  owner_[reg] = first.height;
  while (at != kNone) {
    Operand& operand = stack_[at];
    at = operand.next_reference;
    store_register(operand_home(operand.slot, type), reg, type);
    operand.kind = Operand::Kind::kHome;
  }
}

void Values::set_local(std::uint32_t local, const Operand& value) {
  if (value.kind == Operand::Kind::kLocal && value.local == local) return;
  marks_.change(local);
  assigned_ |= in_set(local);
  detach_references(local);
  if (local_register_[local] != kNoRegister) forget_local_in(local_register_[local]);
  const Register reg = use_writable(value);
  cache_local(local, reg, true);
}

// --- Before blocks and calls ---

void Values::settle_operands() {
  for (std::uint32_t at = settled_; at < height(); ++at) {
    Operand& operand = stack_[at];
    if (operand.kind == Operand::Kind::kConstant || operand.kind == Operand::Kind::kHome) continue;
    move_to_memory(operand_home(operand.slot, operand.type), operand);
    // Every reference to a local is above settled_, so all of the chain goes in this loop.
    if (operand.kind == Operand::Kind::kLocal) first_reference_[operand.local] = kNone;
    if (operand.kind == Operand::Kind::kRegister) free_ |= bit(operand.reg);
    operand.kind = Operand::Kind::kHome;
    operand.reg = kNoRegister;
  }
  settled_ = height();
}

void Values::settle_constants(std::uint32_t from) {
  for (std::uint32_t at = from; at < height(); ++at) {
    Operand& operand = stack_[at];
    if (operand.kind != Operand::Kind::kConstant) continue;
    move_to_memory(operand_home(operand.slot, operand.type), operand);
    operand.kind = Operand::Kind::kHome;
    listed_to_ = std::min(listed_to_, at);
  }
}

void Values::spill_for_call(std::uint32_t first_argument) {
  // A handler of this function finds its locals in their homes, whatever the registers hold by then; so does a
  // collection.
  for_each(try_block_ == kNoTryBlock && !has_exception_locals_ ? dirty_ & kVolatile : dirty_, [&](Register reg) {
    store_local_in(reg);
    dirty_ &= ~bit(reg);
  });
  for_each(kVolatile & ~free_ & ~held_ & ~cached_, [&](Register reg) {
    if (owner_[reg] < first_argument) evict(reg);
  });
  list_operands(first_argument);
}

void Values::forget_volatile_registers() {
  for_each(cached_ & kVolatile, [&](Register reg) { forget_local_in(reg); });
}

void Values::push_call_results(const FunctionType& type, const abi::Places& places) {
  if (places.memory_slots != 0) load_thread();
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const ValueType result = type.results[i];
    const abi::Place place = places.places[i];
    if (place.kind == abi::Place::Kind::kMemory) {
      const Operand& operand = push_home(result);
      const Register scratch = scratch_for(result);
      load_register(scratch, spilled_value(place.index, result), result);
      store_register(operand_home(operand.slot, result), scratch, result);
    } else {
      const Register reg = result_register(place);
      claim(reg);
      push_register(result, reg);
    }
  }
}

// --- Where control flow meets ---

Values::State Values::current_state() const noexcept {
  State state;
  state.cached = cached_;
  state.dirty = dirty_;
  state.assigned = assigned_;
  static_assert(wasm::limits::kLocals <= 1 << 16);
  for_each(cached_, [&](Register reg) { state.local[reg] = static_cast<std::uint16_t>(owner_[reg]); });
  return state;
}

const LookAhead::Loop* Values::enter_loop() {
  constexpr int kForOperands = 3;
  // A collection reads exceptions' homes, whatever the code does.
  const LookAhead::Loop* loop =
      has_exception_locals_ ? nullptr : look_ahead_.loop_at(position(), try_block_ != kNoTryBlock);
  // The next round will come with other values in the same registers: none may be taken for stored.
  if (loop == nullptr) {
    dirty_ = cached_;
    return nullptr;
  }
  RegisterSet unassigned = 0;
  RegisterSet unused = 0;
  for_each(cached_, [&](Register reg) {
    const std::uint32_t local = owner_[reg];
    if (loop->assigns_first(local)) return forget_local_in(reg);
    if (loop->assigns(local))
      dirty_ |= bit(reg);
    else
      (loop->reads(local) ? unassigned : unused) |= bit(reg);
  });
  // What it does not use may stay in a register where enough are left for the rest.
  std::array<int, 2> wanted = {kForOperands, kForOperands};
  const auto make_room = [&](bool in_xmm) {
    const RegisterSet kind = in_xmm ? kFloats : kGeneral;
    for_each(unused & kind & cached_, [&](Register reg) {
      if (std::popcount(free_ & kind) < wanted[in_xmm]) evict(reg);
    });
    return std::popcount(free_ & kind) >= wanted[in_xmm];
  };
  for (const auto& [local, assigned_first] : loop->first_locals()) {
    if (local_register_[local] != kNoRegister) continue;
    const ValueType type = locals()[local];
    const bool in_xmm = is_in_xmm(type);
    ++wanted[in_xmm];
    if (assigned_first || loop->calls || !make_room(in_xmm)) continue;
    const Register reg = allocate_for(type);
    load_register(reg, home(local, type), type);
    cache_local(local, reg, loop->assigns(local));
    --wanted[in_xmm];
  }
  // What it does not assign is stored before it rather than in each round, where it will lose its register.
  for (const bool in_xmm : {false, true}) {
    if (make_room(in_xmm) && !loop->calls) continue;
    const RegisterSet stored = (unassigned | unused) & cached_ & dirty_ & (in_xmm ? kFloats : kGeneral);
    for_each(stored, [&](Register reg) { store_local_in(reg); });
    dirty_ &= ~stored;
  }
  return loop;
}

void Values::set_state(const State& state) {
  for_each(cached_, [&](Register reg) { local_register_[owner_[reg]] = kNoRegister; });
  assert(held_ == 0);
  cached_ = state.cached;
  dirty_ = state.dirty;
  assigned_ = state.assigned;
  free_ = kAllocatable & ~cached_;
  for_each(cached_, [&](Register reg) {
    owner_[reg] = state.local[reg];
    local_register_[owner_[reg]] = reg;
  });
}

bool Values::is_in(const State& state, const LookAhead::Loop* loop) const noexcept {
  bool same = to_store_for(state, loop) == 0;
  for_each(state.cached, [&](Register reg) { same &= local_register_[state.local[reg]] == reg; });
  return same;
}

RegisterSet Values::to_store_for(const State& state, const LookAhead::Loop* loop) const noexcept {
  RegisterSet kept = 0;
  for_each(state.cached & state.dirty, [&](Register reg) {
    if (const Register now = local_register_[state.local[reg]]; now != kNoRegister) kept |= bit(now);
  });
  RegisterSet stored = cached_ & dirty_ & ~kept;
  if (loop != nullptr) {
    for_each(stored, [&](Register reg) {
      if (loop->assigns_first(owner_[reg])) stored &= ~bit(reg);
    });
  }
  return stored;
}

void Values::store_for(const State& state, const LookAhead::Loop* loop) {
  for_each(to_store_for(state, loop), [&](Register reg) { store_local_in(reg); });
}

void Values::load_for(const State& state) {
  std::array<RegisterMove, kRegisters> moves;
  std::size_t count = 0;
  for_each(state.cached, [&](Register reg) {
    const std::uint32_t local = state.local[reg];
    const Register now = local_register_[local];
    if (now != kNoRegister && now != reg) moves[count++] = {now, reg, locals()[local]};
  });
  move_registers(std::span(moves).first(count));
  for_each(state.cached, [&](Register reg) {
    const std::uint32_t local = state.local[reg];
    if (local_register_[local] == kNoRegister) load_register(reg, home(local, locals()[local]), locals()[local]);
  });
}

}  // namespace anew::codegen::quick
