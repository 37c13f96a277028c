// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions, blocks, branches and traps of the quick tier.
#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "codegen/quick/registers.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

QuickCompiler::QuickCompiler(const ModuleContext& context, Assembler& assembler, Tables& tables)
    : context_(context),
      a_(assembler),
      tables_(tables),
      try_tables_(tables.try_tables),
      position_writer_(tables.positions) {}

// --- Functions ---

namespace {

// The prologue has a fixed length; end_function fills in the frame size and blanks out the saves of preserved registers
// that were not used after all.
constexpr std::uint32_t kFrameSizeAt = 1 + 3;         // behind push rbp; mov rbp, rsp
constexpr std::uint32_t kSavesAt = kFrameSizeAt + 7;  // sub rsp, imm32
constexpr std::uint32_t kSaveBytes = 4;               // mov [rbp - disp8], r64
constexpr std::uint8_t kNop4[4] = {0x0F, 0x1F, 0x40, 0x00};
constexpr std::uint8_t kNop8[8] = {0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00};
constexpr std::uint32_t kUnprobedFrame = 4096;  // larger frames touch each page on their way

constexpr std::uint32_t kOperatorsBetweenChecks = 1024;
constexpr std::size_t kMaximumWaiting = 1024;  // traps, calls, constants' uses and targets of br_tables

/// Fills moves of preserved registers that are not needed with instructions that do nothing, as few as can be.
void blank_out(Assembler& a, std::uint64_t at, std::size_t moves) noexcept {
  for (; moves >= 2; moves -= 2, at += sizeof(kNop8)) a.patch(at, std::as_bytes(std::span(kNop8)));
  if (moves != 0) a.patch(at, std::as_bytes(std::span(kNop4)));
}

Register result_register(ValueType type) noexcept { return is_in_xmm(type) ? kXmm0 : kRax; }

}  // namespace

void QuickCompiler::begin_function(std::uint32_t function_index, const FunctionType& type,
                                   std::span<const ValueType> locals) {
  a_.align(asmjit::AlignMode::kCode, 16);
  function_start_ = code_offset();
  // Text stays below 2^31 bytes or is refused as a whole (compile.cpp).
  tables_.functions.push_back(static_cast<std::uint32_t>(function_start_));
  tables_.position_starts.push_back(static_cast<std::uint32_t>(tables_.positions.size()));
  position_writer_ = PositionWriter(tables_.positions);
  operators_until_check_ = kOperatorsBetweenChecks;
  type_ = &type;
  type_index_ = context_.module.functions[function_index];
  locals_ = locals;
  max_slot_ = 0;
  local_slots_ = static_cast<std::uint32_t>(locals.size());
  local_slot_.clear();
  // A search by bytes first, which is many times as fast: functions have up to limits::kLocals locals.
  if (!locals.empty() &&
      std::memchr(locals.data(), static_cast<int>(ValueType::kV128), locals.size_bytes()) != nullptr &&
      std::ranges::find(locals, ValueType::kV128) != locals.end()) {
    local_slots_ = 0;
    for (const ValueType local : locals) {
      local_slot_.push_back(local_slots_);
      local_slots_ += slots_of(local);
    }
  }
  stack_.clear();
  settled_ = 0;
  listed_.clear();
  listed_to_ = 0;
  // A search by bytes first, as above; an exnref's first byte is as distinct.
  has_exception_locals_ =
      !locals.empty() &&
      std::memchr(locals.data(), static_cast<int>(ValueType::kExnRef), locals.size_bytes()) != nullptr &&
      std::ranges::any_of(locals, is_exception_reference);
  has_local_roots_ = false;
  controls_.clear();
  states_.clear();
  free_states_.clear();
  cold_.clear();
  cross_calls_.clear();
  clauses_.clear();
  try_block_ = kNoTryBlock;
  frame_size_at_.clear();
  preserved_loads_at_.clear();
  vectors_.clear();
  jump_tables_.clear();
  jump_targets_.clear();
  free_ = kAllocatable;
  held_ = pinned_ = cached_ = dirty_ = preserved_used_ = 0;
  next_victim_ = 0;
  if (local_register_.size() < locals.size()) {
    local_register_.resize(locals.size(), kNoRegister);
    first_reference_.resize(locals.size(), kNone);
    local_version_.resize(locals.size(), 0);
  }
  stack_home_.assign(type.parameters.size(), kNone);
  forget_marks();
  epilogue_ = Label{};

  a_.push(x86::rbp);
  a_.mov(x86::rbp, x86::rsp);
  a_.long_().sub(x86::rsp, 0x7FFF'FFF0);
  assert(code_offset() - function_start_ == kSavesAt);
  for (std::size_t i = 0; i < kPreservedRegisters.size(); ++i) {
    a_.mov(x86::qword_ptr(x86::rbp, -8 * static_cast<std::int32_t>(i + 1)), gp64(kPreservedRegisters[i]));
  }
  assert(code_offset() - function_start_ == kSavesAt + kSaveBytes * kPreservedRegisters.size());

  const abi::Places& places = context_.arguments[type_index_];
  for (std::uint32_t i = 0; i < type.parameters.size(); ++i) {
    const abi::Place place = places.places[i];
    if (place.kind == abi::Place::Kind::kMemory) {
      stack_home_[i] = place.index;
      continue;
    }
    const Register reg = place.kind == abi::Place::Kind::kFloat ? static_cast<Register>(kXmm0 + place.index)
                                                                : kArgumentRegisters[place.index];
    claim(reg);
    cache_local(i, reg, true);
  }
  if (context_.options.metered_stack) enter_metered(function_index);
  // All other locals begin as zero.
  const auto parameters = static_cast<std::uint32_t>(slots_of(type.parameters));  // at most 2 * limits::kParameters
  const std::uint32_t count = local_slots_ - parameters;                          // slots
  if (count > 0) {
    constexpr std::uint32_t kUnrolled = 32;
    a_.vpxor(x86::xmm15, x86::xmm15, x86::xmm15);
    Mem lowest = operand_home(0, ValueType::kI64).cloneAdjusted(8);  // the last local's slot
    Mem highest = lowest.cloneAdjusted(std::int64_t{8} * (count - 1));
    highest.setSize(8);
    lowest.setSize(16);
    if (count == 1) {
      a_.vmovsd(highest, x86::xmm15);
    } else if (count <= kUnrolled) {
      for (std::uint32_t i = 0; i + 1 < count; i += 2)
        a_.vmovups(lowest.cloneAdjusted(std::int64_t{8} * i), x86::xmm15);
      if (count % 2 != 0) a_.vmovups(lowest.cloneAdjusted(std::int64_t{8} * (count - 2)), x86::xmm15);
    } else {
      // Rounds down to pairs; an odd one is stored on its own.
      if (count % 2 != 0) a_.vmovsd(highest, x86::xmm15);
      Label again;
      a_.lea(x86::r10, lowest);
      a_.mov(x86::r11d, count / 2);
      a_.bind(again);
      a_.vmovups(x86::xmmword_ptr(x86::r10), x86::xmm15);
      a_.add(x86::r10, 16);
      a_.dec(x86::r11d);
      a_.jnz(again);
    }
  }
  if (context_.options.metered_stack) ++local_slots_;  // for kept_stack_left(), before any operand has a home
}

void QuickCompiler::emit_return() {
  const std::span<const ValueType> results = type_->results;
  if (results.size() == 1) {
    move_to(result_register(results[0]), stack_.back());
  } else if (!results.empty()) {
    const abi::Places& places = context_.results[type_index_];
    if (places.memory_slots != 0) a_.mov(x86::r10, cell_field(abi::kThread, 8));
    std::vector<Move> moves(results.size());
    const std::size_t first = stack_.size() - results.size();
    for (std::size_t i = 0; i < results.size(); ++i) {
      moves[i].operand = stack_[first + i];
      const abi::Place place = places.places[i];
      switch (place.kind) {
        case abi::Place::Kind::kInteger: moves[i].reg = kResultRegisters[place.index]; break;
        case abi::Place::Kind::kFloat: moves[i].reg = static_cast<Register>(kXmm0 + place.index); break;
        case abi::Place::Kind::kMemory: moves[i].memory = spilled_result(x86::r10, place.index, results[i]); break;
      }
    }
    move_all(moves);
  }
}

void QuickCompiler::end_function(bool reachable) {
  if (reachable) {
    settle_flags();
    emit_return();
  }
  // Leaves the tables of locals as it found them, so that no function pays for another's locals.
  drop_to(0);
  set_state(State{});
  a_.bind(epilogue_);
  if (context_.options.metered_stack) leave_metered();
  for (std::size_t i = 0; i < kPreservedRegisters.size(); ++i) {
    if ((preserved_used_ & bit(kPreservedRegisters[i])) == 0) continue;
    a_.mov(gp64(kPreservedRegisters[i]), x86::qword_ptr(x86::rbp, -8 * static_cast<std::int32_t>(i + 1)));
  }
  a_.leave();
  if (const std::uint32_t bytes = context_.arguments[type_index_].stack_bytes(); bytes != 0) {
    a_.ret(bytes);
  } else {
    a_.ret();
  }
  emit_out_of_line();

  // Under 8.5 MB: bounded by limits::kLocals and kOperandStack.
  const std::uint64_t slots = kPreservedRegisters.size() + 1 + local_slots_ + max_slot_;
  const auto frame = static_cast<std::uint32_t>((8 * slots + 15) & ~std::uint64_t{15});
  std::uint64_t probe_at = 0;
  if (frame > kUnprobedFrame) {  // the prologue calls this in place of its sub
    probe_at = code_offset();
    Label again;
    a_.pop(x86::r11);
    a_.mov(x86::eax, frame);
    a_.bind(again);
    a_.sub(x86::rsp, kUnprobedFrame);
    a_.or_(x86::dword_ptr(x86::rsp), 0);
    a_.sub(x86::eax, kUnprobedFrame);
    a_.cmp(x86::eax, kUnprobedFrame);
    a_.ja(again);
    a_.sub(x86::rsp, x86::rax);
    a_.jmp(x86::r11);
  }
  if (context_.options.metered_stack) fill_in_stack_units(frame);
  if (frame > kUnprobedFrame) {
    constexpr std::uint8_t kCall[7] = {0xE8, 0, 0, 0, 0, 0x66, 0x90};  // call rel32, and a two-byte nop
    const std::uint64_t call_at = function_start_ + kFrameSizeAt;
    a_.patch(call_at, std::as_bytes(std::span(kCall)));
    a_.patch(call_at + 1, static_cast<std::uint32_t>(probe_at - (call_at + 5)));  // both in this function
  } else {
    a_.patch(function_start_ + kFrameSizeAt + 3, frame);
  }
  const auto is_used = [&](std::size_t i) { return (preserved_used_ & bit(kPreservedRegisters[i])) != 0; };
  for (std::size_t i = 0; i < kPreservedRegisters.size();) {
    std::size_t end = i;  // of the registers from i on that are not used
    while (end < kPreservedRegisters.size() && !is_used(end)) ++end;
    blank_out(a_, function_start_ + kSavesAt + kSaveBytes * i, end - i);
    for (const std::uint32_t loads : preserved_loads_at_) blank_out(a_, loads + kSaveBytes * i, end - i);
    i = end + 1;
  }
  const std::uint32_t displacement = 0 - frame;
  for (const std::uint32_t at : frame_size_at_) a_.patch(at, displacement);
}

// --- States ---

QuickCompiler::State QuickCompiler::current_state() const noexcept {
  State state;
  state.cached = cached_;
  state.dirty = dirty_;
  static_assert(wasm::limits::kLocals <= 1 << 16);
  for_each(cached_, [&](Register reg) { state.local[reg] = static_cast<std::uint16_t>(owner_[reg]); });
  return state;
}

std::uint32_t QuickCompiler::keep(const State& state) {
  if (free_states_.empty()) {
    states_.push_back(state);
    return static_cast<std::uint32_t>(states_.size() - 1);  // at most two for each block that is open
  }
  const std::uint32_t index = free_states_.back();
  free_states_.pop_back();
  states_[index] = state;
  return index;
}

void QuickCompiler::forget_states_of(const Control& control) {
  for (const std::uint32_t index : {control.state, control.else_state}) {
    if (index != kNone) free_states_.push_back(index);
  }
}

void QuickCompiler::set_state(const State& state) {
  for_each(cached_, [&](Register reg) { local_register_[owner_[reg]] = kNoRegister; });
  assert(held_ == 0);
  cached_ = state.cached;
  dirty_ = state.dirty;
  free_ = kAllocatable & ~cached_;
  for_each(cached_, [&](Register reg) {
    owner_[reg] = state.local[reg];
    local_register_[owner_[reg]] = reg;
  });
}

void QuickCompiler::bind(Label& label) {
  a_.bind(label);
  forget_marks();  // what was marked on one way here need not be on the other
}

bool QuickCompiler::results_in_place(const Control& control) const noexcept {
  const std::span<const ValueType> types = control.label_types();
  if (types.empty()) return true;
  if (types.size() == 1 && control.kind != Control::Kind::kLoop) {
    const Operand& top = stack_.back();
    return top.kind == Operand::Kind::kRegister && top.reg == result_register(types[0]);
  }
  std::uint32_t slot = control.slot;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const Operand& operand = stack_[stack_.size() - types.size() + i];
    if (operand.kind != Operand::Kind::kHome || operand.slot != slot) return false;
    slot += slots_of(types[i]);
  }
  return true;
}

bool QuickCompiler::conforms(const Control& control) const noexcept {
  if (!results_in_place(control)) return false;
  if (!control.has_state()) return true;
  const State& state = states_[control.state];
  bool same = to_store_for(state) == 0;
  for_each(state.cached, [&](Register reg) { same &= local_register_[state.local[reg]] == reg; });
  return same;
}

RegisterSet QuickCompiler::to_store_for(const State& state) const noexcept {
  RegisterSet kept = 0;
  for_each(state.cached & state.dirty, [&](Register reg) {
    if (const Register now = local_register_[state.local[reg]]; now != kNoRegister) kept |= bit(now);
  });
  return cached_ & dirty_ & ~kept;
}

void QuickCompiler::load_for(const State& state) {
  std::array<RegisterMove, 32> moves;
  std::size_t count = 0;
  for_each(state.cached, [&](Register reg) {
    const std::uint32_t local = state.local[reg];
    const Register now = local_register_[local];
    if (now != kNoRegister && now != reg) moves[count++] = {now, reg, locals_[local]};
  });
  move_registers(std::span(moves).first(count));
  for_each(state.cached, [&](Register reg) {
    const std::uint32_t local = state.local[reg];
    if (local_register_[local] == kNoRegister) load_register(reg, home(local, locals_[local]), locals_[local]);
  });
}

void QuickCompiler::move_results(const Control& control) {
  const std::span<const ValueType> types = control.label_types();
  if (types.size() == 1 && control.kind != Control::Kind::kLoop) {
    move_to(result_register(types[0]), stack_.back());
    return;
  }
  // Upwards, because a value never lies below its place: nothing is overwritten before it was read.
  const std::size_t first = stack_.size() - types.size();
  std::uint32_t slot = control.slot;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const Operand& operand = stack_[first + i];
    if (operand.kind != Operand::Kind::kHome || operand.slot != slot) {
      move_to_memory(operand_home(slot, types[i]), operand);
    }
    slot += slots_of(types[i]);
  }
}

void QuickCompiler::make_way_for_result(const Control& control) {
  if (control.kind == Control::Kind::kLoop || control.results.size() != 1) return;
  const Register reg = result_register(control.results[0]);
  if ((cached_ & bit(reg)) != 0) evict(reg);
}

void QuickCompiler::conform(Control& control) {
  if (!control.has_state()) {
    control.state = keep(current_state());
    move_results(control);
    return;
  }
  for_each(to_store_for(states_[control.state]),
           [&](Register reg) { store_register(home(owner_[reg], locals_[owner_[reg]]), reg, locals_[owner_[reg]]); });
  move_results(control);
  load_for(states_[control.state]);
}

void QuickCompiler::push_results(std::span<const ValueType> types, bool in_register) {
  if (types.size() == 1 && in_register) {
    const Register reg = result_register(types[0]);
    claim(reg);
    push_register(types[0], reg);
    return;
  }
  for (const ValueType type : types) push(type, Operand::Kind::kHome);
}

// --- Blocks ---

void QuickCompiler::open_block(Control::Kind kind, wasm::BlockType type) {
  settle_operands();
  Control& control = controls_.emplace_back();
  control.kind = kind;
  control.height = height() - static_cast<std::uint32_t>(type.parameters.size());
  control.parameters = type.parameters;
  control.results = type.results;
  control.slot = control.height < height() ? stack_[control.height].slot : next_slot();
  // Where else_() or a loop's next round takes its parameters up again, constants would be forgotten.
  for (std::uint32_t at = control.height; at < height(); ++at) {
    Operand& operand = stack_[at];
    if (operand.kind != Operand::Kind::kConstant) continue;
    move_to_memory(operand_home(operand.slot, operand.type), operand);
    operand.kind = Operand::Kind::kHome;
    listed_to_ = std::min(listed_to_, at);
  }
}

void QuickCompiler::block(wasm::BlockType type) {
  settle_flags();
  open_block(Control::Kind::kBlock, type);
}

void QuickCompiler::loop(wasm::BlockType type) {
  settle_flags();
  open_block(Control::Kind::kLoop, type);
  Control& control = controls_.back();
  // The next round will come with other values in the same registers: none may be taken for stored.
  dirty_ = cached_;
  control.state = keep(current_state());
  bind(control.label);
}

void QuickCompiler::if_(wasm::BlockType type) {
  const Condition condition = pop_condition();
  open_block(Control::Kind::kIf, type);  // emits moves only: the flags stay
  release();
  Control& control = controls_.back();
  control.else_state = keep(current_state());
  a_.j(x86::negateCond(condition), control.else_label);
}

void QuickCompiler::else_(bool reachable) {
  Control& control = controls_.back();
  if (reachable) {
    settle_flags();
    make_way_for_result(control);
    conform(control);
    a_.jmp(control.label);
  }
  drop_to(control.height);
  bind(control.else_label);
  set_state(states_[control.else_state]);
  control.kind = Control::Kind::kElse;
  push_results(control.parameters, false);
}

void QuickCompiler::end(bool reachable) {
  if (reachable) settle_flags();
  Control control = controls_.back();
  if (control.kind == Control::Kind::kLoop) {
    controls_.pop_back();
    return forget_states_of(control);
  }
  if (control.kind == Control::Kind::kIf) {
    if (!control.has_state() && control.results.empty()) {
      // The way past the if decides what registers hold, so it needs no code.
      control.state = std::exchange(control.else_state, kNone);
      if (reachable) conform(control);
      drop_to(control.height);
      bind(control.else_label);
    } else {
      if (reachable) {
        make_way_for_result(control);
        conform(control);
        a_.jmp(control.label);
      }
      drop_to(control.height);
      bind(control.else_label);
      set_state(states_[control.else_state]);
      push_results(control.parameters, false);  // an if without else has the same parameters and results
      make_way_for_result(control);
      conform(control);
      drop_to(control.height);
    }
  } else if (control.kind == Control::Kind::kTry) {
    return end_try(reachable);
  } else if (!control.has_state()) {  // nothing branches here: go on as if there were no block
    controls_.pop_back();
    return forget_states_of(control);
  } else {
    if (reachable) {
      make_way_for_result(control);
      conform(control);
    }
    drop_to(control.height);
  }
  controls_.pop_back();
  bind(control.label);
  set_state(states_[control.state]);
  forget_states_of(control);
  push_results(control.results, true);
}

// --- Branches ---

QuickCompiler::Condition QuickCompiler::pop_condition() {
  const Operand operand = pop();
  if (operand.kind == Operand::Kind::kFlags) return operand.condition;
  const Register reg = use(operand);
  a_.test(gp32(reg), gp32(reg));
  return Condition::kNotZero;
}

void QuickCompiler::br(std::uint32_t depth) {
  settle_flags();
  branch(depth);
}

void QuickCompiler::branch(std::uint32_t depth) {
  check_code_size();  // one br_table may branch to thousands of labels
  if (depth == controls_.size()) {
    emit_return();
    a_.jmp(epilogue_);
    return;
  }
  Control& control = controls_[controls_.size() - 1 - depth];
  make_way_for_result(control);
  conform(control);
  a_.jmp(control.label);
}

void QuickCompiler::br_if(std::uint32_t depth) {
  const Condition condition = pop_condition();
  release();  // before a state is taken: the condition's register is free behind the branch
  branch_if(condition, depth);
}

void QuickCompiler::branch_if(Condition condition, std::uint32_t depth) {
  Label skip;
  if (depth == controls_.size()) {
    if (type_->results.empty()) {
      a_.j(condition, epilogue_);
    } else {
      a_.j(x86::negateCond(condition), skip);
      emit_return();
      a_.jmp(epilogue_);
      a_.bind(skip);
    }
    return;
  }
  Control& control = controls_[controls_.size() - 1 - depth];
  make_way_for_result(control);
  if (conforms(control)) {
    if (!control.has_state()) control.state = keep(current_state());
    a_.j(condition, control.label);
    return;
  }
  a_.j(x86::negateCond(condition), skip);
  conform(control);
  a_.jmp(control.label);
  a_.bind(skip);
}

void QuickCompiler::br_table(std::span<const std::uint32_t> depths) {
  settle_flags();
  move_to(kR10, stack_.back());
  drop_to(height() - 1);
  for (const std::uint32_t depth : depths) {
    if (depth < controls_.size()) make_way_for_result(controls_[controls_.size() - 1 - depth]);
  }
  const auto last = static_cast<std::uint32_t>(depths.size() - 1);  // at most limits::kBrTableTargets
  JumpTable& table = jump_tables_.emplace_back();
  table.first = static_cast<std::uint32_t>(jump_targets_.size());  // bounded by the function's bytes
  // The clamp is also what keeps a mispredicted index inside the table.
  a_.mov(x86::r11d, last);
  a_.cmp(x86::r10d, x86::r11d);
  a_.cmova(x86::r10d, x86::r11d);
  a_.lea(x86::r11, table.label);
  a_.movsxd(x86::r10, x86::dword_ptr(x86::r11, x86::r10, 2));
  a_.add(x86::r10, x86::r11);
  a_.jmp(x86::r10);
  // One way to each target, however often it is named.
  if (stub_of_depth_.size() <= controls_.size()) stub_of_depth_.resize(controls_.size() + 1, kNone);
  for (const std::uint32_t depth : depths) {
    std::uint32_t& stub = stub_of_depth_[depth];
    if (stub == kNone) {
      stub = static_cast<std::uint32_t>(code_offset());
      branch(depth);
    }
    jump_targets_.push_back(stub);
  }
  for (const std::uint32_t depth : depths) stub_of_depth_[depth] = kNone;
}

void QuickCompiler::return_() {
  settle_flags();
  emit_return();
  a_.jmp(epilogue_);
}

void QuickCompiler::br_on_null(std::uint32_t depth) {
  settle_flags();
  const Operand reference = pop();
  const Register reg = use(reference);
  a_.test(gp64(reg), gp64(reg));
  branch_if(Condition::kZero, depth);
  push_again(reference, reg);
}

void QuickCompiler::br_on_non_null(std::uint32_t depth) {
  settle_flags();
  const Operand reference = pop();
  const Register reg = use(reference);
  a_.test(gp64(reg), gp64(reg));
  push_again(reference, reg);
  branch_if(Condition::kNotZero, depth);
  drop_to(height() - 1);
}

void QuickCompiler::ref_as_non_null() {
  settle_flags();
  const Operand reference = pop();
  const Register reg = use(reference);
  a_.test(gp64(reg), gp64(reg));
  a_.jz(cold_trap(TrapKind::kNullReference));
  push_again(reference, reg);
}

void QuickCompiler::push_again(const Operand& operand, Register reg) {
  if (operand.kind == Operand::Kind::kLocal) {
    local_get(operand.local);
  } else {
    push_register(operand.type, reg);
  }
  release();
}

// --- Out of line ---

void QuickCompiler::check_and_clear() {
  operators_until_check_ = kOperatorsBetweenChecks;
  // What the validator has of each block and operand counts with this compiler's, and a vector that grows twice, for it
  // has a copy beside it.
  constexpr std::uint64_t kBlockBytes = sizeof(Control) + sizeof(State) + 56;
  constexpr std::uint64_t kOperandBytes = 2 * sizeof(Operand) + sizeof(ValueType);
  const std::uint64_t scratch = kBlockBytes * controls_.size() + kOperandBytes * stack_.size() +
                                std::uint64_t{16} * (clauses_.size() + frame_size_at_.size());
  most_scratch_ = std::max(most_scratch_, scratch);
  if (code_offset() + 2 * tables_.bytes() + scratch > most_bytes_) throw CodeTooLarge{};
  if (cold_.size() + cross_calls_.size() + vector_uses_ + jump_targets_.size() < kMaximumWaiting) return;
  const std::uint64_t module_offset = module_offset_;
  Label behind;
  a_.jmp(behind);  // leaves the flags as they are, for an operand may be waiting in them
  emit_out_of_line();
  a_.bind(behind);
  module_offset_ = module_offset;
}

void QuickCompiler::emit_out_of_line() {
  emit_cold_code();
  emit_vectors();
  emit_jump_tables();
}

void QuickCompiler::emit_jump_tables() {
  for (std::size_t i = 0; i < jump_tables_.size(); ++i) {
    JumpTable& table = jump_tables_[i];
    a_.bind(table.label);
    const std::size_t end = i + 1 < jump_tables_.size() ? jump_tables_[i + 1].first : jump_targets_.size();
    // Distances from the table, modulo 2^32: within one function, whose code stays below 2^31 bytes.
    for (std::size_t at = table.first; at < end; ++at) a_.embedUInt32(jump_targets_[at] - table.label.offset());
  }
  jump_tables_.clear();
  jump_targets_.clear();
}

// --- Traps ---

Label& QuickCompiler::cold_trap(TrapKind kind) {
  Cold& cold = cold_.emplace_back();
  cold.kind = kind;
  cold.module_offset = module_offset_;
  return cold.label;
}

void QuickCompiler::unreachable() {
  settle_flags();
  a_.jmp(cold_trap(TrapKind::kUnreachable));
}

void QuickCompiler::emit_cold_code() {
  constexpr std::size_t kKinds = 24;
  std::array<Label, kKinds> raise;  // by TrapKind; kNone: the kind is in eax
  std::array<bool, kKinds> is_raised{};
  auto call_raise = [&](TrapKind kind) {
    const auto index = static_cast<std::size_t>(kind);
    is_raised[index] = true;
    a_.call(raise[index]);  // the return address says where
  };
  for (CrossCall& cross : cross_calls_) emit_cross_call(cross);
  for (Cold& cold : cold_) {
    module_offset_ = cold.module_offset;
    a_.bind(cold.label);
    add_position();
    if (cold.checked != kNoRegister) {
      Label is_nan;
      if (cold.checked_64) {
        a_.vucomisd(xmm(cold.checked), xmm(cold.checked));
      } else {
        a_.vucomiss(xmm(cold.checked), xmm(cold.checked));
      }
      a_.jp(is_nan);
      call_raise(cold.kind);
      a_.bind(is_nan);
      call_raise(TrapKind::kInvalidConversionToInteger);
    } else {
      call_raise(cold.kind);
    }
  }
  cross_calls_.clear();
  cold_.clear();
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    if (!is_raised[kind]) continue;
    a_.bind(raise[kind]);
    if (kind != 0) a_.mov(x86::eax, static_cast<std::uint32_t>(kind));
    a_.mov(x86::r11, cell_field(abi::kLibrary, 8));
    a_.jmp(x86::qword_ptr(x86::r11, offsetof(abi::Library, trap)));
  }
}

}  // namespace anew::codegen::quick
