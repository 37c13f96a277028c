// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The quick tier's model of the operand stack and the registers.
#include <bit>
#include <cassert>

#include "codegen/quick/registers.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

// --- Homes ---

namespace {
// Below the preserved registers and the cell pointer. A value of two slots begins at the lower one.
constexpr std::int64_t kFirstHome = 40 + 8;
x86::Mem frame_slot(std::int64_t slot, ValueType type) {
  // Locals and operands are bounded by limits::kLocals and kOperandStack: under 2^31 bytes.
  return {x86::rbp, static_cast<std::int32_t>(-kFirstHome - 8 * (slot + slots_of(type) - 1)), bytes_of(type)};
}
}  // namespace

QuickCompiler::Mem QuickCompiler::home(std::uint32_t local, ValueType type) const {
  if (local < stack_home_.size() && stack_home_[local] != kNone) {
    // Parameters are at most limits::kParameters, so this fits easily.
    return x86::Mem(x86::rbp, static_cast<std::int32_t>(16 + 8 * stack_home_[local]), bytes_of(type));
  }
  return frame_slot(local_slot_.empty() ? local : local_slot_[local], type);
}

QuickCompiler::Mem QuickCompiler::operand_home(std::uint32_t slot, ValueType type) const {
  return frame_slot(static_cast<std::int64_t>(local_slots_) + slot, type);
}

QuickCompiler::Mem QuickCompiler::home_of(const Operand& operand) const {
  return operand.kind == Operand::Kind::kLocal ? home(operand.local, operand.type)
                                               : operand_home(operand.slot, operand.type);
}

// --- Pushing and popping ---

QuickCompiler::Operand& QuickCompiler::push(ValueType type, Operand::Kind kind) {
  const std::uint32_t slot = next_slot();
  Operand& operand = stack_.emplace_back();
  operand.type = type;
  operand.kind = kind;
  operand.height = height() - 1;
  operand.slot = slot;
  max_slot_ = std::max(max_slot_, slot + slots_of(type));
  return operand;
}

void QuickCompiler::push_constant(ValueType type, std::uint64_t bits) {
  push(type, Operand::Kind::kConstant).bits = bits;
}

void QuickCompiler::push_register(ValueType type, Register reg) {
  assert((held_ & bit(reg)) != 0);
  held_ &= ~bit(reg);
  Operand& operand = push(type, Operand::Kind::kRegister);
  operand.reg = reg;
  owner_[reg] = operand.height;
}

void QuickCompiler::push_flags(Condition condition) {
  push(ValueType::kI32, Operand::Kind::kFlags).condition = condition;
}

QuickCompiler::Operand QuickCompiler::pop() {
  const Operand operand = stack_.back();
  stack_.pop_back();
  if (operand.kind == Operand::Kind::kLocal) {
    first_reference_[operand.local] = operand.next_reference;
  } else if (operand.kind == Operand::Kind::kRegister) {
    held_ |= bit(operand.reg);
  }
  settled_ = std::min(settled_, height());
  listed_to_ = std::min(listed_to_, height());
  return operand;
}

void QuickCompiler::drop_to(std::uint32_t height_wanted) {
  while (height() > height_wanted) {
    const Operand operand = pop();
    if (operand.kind == Operand::Kind::kRegister) {
      held_ &= ~bit(operand.reg);
      free_ |= bit(operand.reg);
    }
  }
}

void QuickCompiler::release() noexcept {
  free_ |= held_;
  held_ = 0;
  pinned_ = 0;
}

void QuickCompiler::settle_flags() {
  if (stack_.empty() || stack_.back().kind != Operand::Kind::kFlags) return;
  const Condition condition = stack_.back().condition;
  stack_.pop_back();
  const Register reg = allocate(false);
  a_.set(condition, gp32(reg).r8());
  a_.movzx(gp32(reg), gp32(reg).r8());
  push_register(ValueType::kI32, reg);
  release();
}

// --- Registers ---

void QuickCompiler::forget_local_in(Register reg) noexcept {
  local_register_[owner_[reg]] = kNoRegister;
  cached_ &= ~bit(reg);
  dirty_ &= ~bit(reg);
  free_ |= bit(reg);
}

void QuickCompiler::evict(Register reg) {
  if ((cached_ & bit(reg)) != 0) {
    const std::uint32_t local = owner_[reg];
    if ((dirty_ & bit(reg)) != 0) store_register(home(local, locals_[local]), reg, locals_[local]);
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

Register QuickCompiler::allocate(bool in_xmm, RegisterSet avoid) {
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
  preserved_used_ |= bit(reg) & kPreserved;
  free_ &= ~bit(reg);
  held_ |= bit(reg);
  return reg;
}

void QuickCompiler::claim(Register reg) {
  assert((held_ & bit(reg)) == 0);
  if ((free_ & bit(reg)) == 0) evict(reg);
  free_ &= ~bit(reg);
  held_ |= bit(reg);
}

void QuickCompiler::cache_local(std::uint32_t local, Register reg, bool dirty) {
  assert((held_ & bit(reg)) != 0 && local_register_[local] == kNoRegister);
  held_ &= ~bit(reg);
  cached_ |= bit(reg);
  if (dirty) dirty_ |= bit(reg);
  owner_[reg] = local;
  local_register_[local] = reg;
}

// --- Moving values ---

void QuickCompiler::load_register(Register to, const Mem& from, ValueType type) {
  if (type == ValueType::kV128) {
    a_.vmovups(xmm(to), from);
  } else if (is_float(type)) {
    is_wide(type) ? a_.vmovsd(xmm(to), from) : a_.vmovss(xmm(to), from);
  } else {
    a_.mov(gp(to, is_wide(type)), from);
  }
}

void QuickCompiler::store_register(const Mem& to, Register from, ValueType type) {
  if (type == ValueType::kV128) {
    a_.vmovups(to, xmm(from));
  } else if (is_float(type)) {
    is_wide(type) ? a_.vmovsd(to, xmm(from)) : a_.vmovss(to, xmm(from));
  } else {
    a_.mov(to, gp(from, is_wide(type)));
  }
}

void QuickCompiler::move_register(Register to, Register from, ValueType type) {
  if (to == from) return;
  if (is_in_xmm(type)) {
    a_.vmovaps(xmm(to), xmm(from));
  } else {
    a_.mov(gp(to, is_wide(type)), gp(from, is_wide(type)));
  }
}

// Uses no instruction that changes the flags: `xor reg, reg` would.
void QuickCompiler::load_constant(Register to, ValueType type, std::uint64_t bits) {
  if (!is_float(type)) {
    bits <= 0xFFFF'FFFF ? a_.mov(gp32(to), asmjit::imm(bits)) : a_.mov(gp64(to), asmjit::imm(bits));
  } else if (bits == 0) {
    a_.vxorps(xmm(to), xmm(to), xmm(to));
  } else if (is_wide(type)) {
    a_.mov(x86::r11, asmjit::imm(bits));
    a_.vmovq(xmm(to), x86::r11);
  } else {
    a_.mov(x86::r11d, asmjit::imm(bits));
    a_.vmovd(xmm(to), x86::r11d);
  }
}

void QuickCompiler::move_to(Register to, const Operand& operand) {
  switch (operand.kind) {
    case Operand::Kind::kConstant: load_constant(to, operand.type, operand.bits); break;
    case Operand::Kind::kRegister:
    case Operand::Kind::kLocal:
    case Operand::Kind::kHome:
      if (const Register from = register_of(operand); from != kNoRegister) {
        move_register(to, from, operand.type);
      } else {
        load_register(to, home_of(operand), operand.type);
      }
      break;
    case Operand::Kind::kFlags: assert(false); break;
  }
}

void QuickCompiler::move_to_memory(const Mem& to, const Operand& operand) {
  Register from = register_of(operand);
  if (from == kNoRegister) {
    from = is_in_xmm(operand.type) ? kXmm15 : kR11;
    move_to(from, operand);
  }
  store_register(to, from, operand.type);
}

Register QuickCompiler::use(const Operand& operand) {
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

Register QuickCompiler::use_writable(const Operand& operand) {
  if (operand.kind == Operand::Kind::kRegister) return operand.reg;
  // If the operand is a cached local, its register may not be the one to make room.
  if (operand.kind == Operand::Kind::kLocal && local_register_[operand.local] != kNoRegister) {
    pinned_ |= bit(local_register_[operand.local]);
  }
  const Register reg = allocate_for(operand.type);
  move_to(reg, operand);
  return reg;
}

void QuickCompiler::move_registers(std::span<RegisterMove> moves) {
  std::array<std::uint8_t, 32> readers{};  // moves still to do that read this register
  for (const RegisterMove& move : moves) ++readers[move.from];
  std::size_t pending = moves.size();
  while (pending > 0) {
    bool progress = false;
    for (std::size_t at = 0; at < pending;) {
      const RegisterMove move = moves[at];
      if (readers[move.to] != 0) {
        ++at;
        continue;
      }
      move_register(move.to, move.from, move.type);
      --readers[move.from];
      moves[at] = moves[--pending];
      progress = true;
    }
    if (!progress) {  // only cycles are left: break one with the scratch register
      RegisterMove& move = moves[0];
      const Register scratch = is_in_xmm(move.type) ? kXmm15 : kR11;
      move_register(scratch, move.from, is_in_xmm(move.type) ? ValueType::kV128 : ValueType::kI64);
      --readers[move.from];
      move.from = scratch;
      ++readers[scratch];
    }
  }
}

Register QuickCompiler::register_of(const Operand& operand) const noexcept {
  if (operand.kind == Operand::Kind::kRegister) return operand.reg;
  if (operand.kind == Operand::Kind::kLocal) return local_register_[operand.local];
  return kNoRegister;
}

void QuickCompiler::move_all(std::span<const Move> moves) {
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
  for (const Move& move : moves) {
    if (move.reg != kNoRegister && register_of(move.operand) == kNoRegister) move_to(move.reg, move.operand);
  }
}

// --- Locals ---

void QuickCompiler::detach_references(std::uint32_t local) {
  std::uint32_t at = first_reference_[local];
  if (at == kNone) return;
  first_reference_[local] = kNone;
  const ValueType type = locals_[local];
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

void QuickCompiler::set_local(std::uint32_t local, const Operand& value) {
  if (value.kind == Operand::Kind::kLocal && value.local == local) return;
  ++local_version_[local];
  detach_references(local);
  if (local_register_[local] != kNoRegister) forget_local_in(local_register_[local]);
  const Register reg = use_writable(value);
  cache_local(local, reg, true);
}

void QuickCompiler::local_get(std::uint32_t local) {
  settle_flags();
  Operand& operand = push(locals_[local], Operand::Kind::kLocal);
  operand.local = local;
  operand.next_reference = first_reference_[local];
  first_reference_[local] = operand.height;
}

void QuickCompiler::local_set(std::uint32_t local) {
  settle_flags();
  set_local(local, pop());
  release();
}

void QuickCompiler::local_tee(std::uint32_t local) {
  settle_flags();
  const Operand value = pop();
  set_local(local, value);
  release();
  local_get(local);
}

void QuickCompiler::constant(ValueType type, std::uint64_t bits) {
  settle_flags();
  push_constant(type, bits);
}

void QuickCompiler::drop() {
  settle_flags();
  drop_to(height() - 1);
}

void QuickCompiler::ref_null(ValueType type) { constant(type, 0); }

// --- Before blocks and calls ---

void QuickCompiler::settle_operands() {
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

void QuickCompiler::spill_for_call(std::uint32_t first_argument) {
  // A handler of this function finds its locals in their homes, whatever the registers hold by then; so does a
  // collection.
  for_each(try_block_ == kNoTryBlock && !has_exception_locals_ ? dirty_ & kVolatile : dirty_, [&](Register reg) {
    const std::uint32_t local = owner_[reg];
    store_register(home(local, locals_[local]), reg, locals_[local]);
    dirty_ &= ~bit(reg);
  });
  for_each(kVolatile & ~free_ & ~held_ & ~cached_, [&](Register reg) {
    if (owner_[reg] < first_argument) evict(reg);
  });
  list_operands(first_argument);
}

void QuickCompiler::forget_volatile_registers() {
  for_each(cached_ & kVolatile, [&](Register reg) { forget_local_in(reg); });
}

}  // namespace anew::codegen::quick
