// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Moves, jumps and fuel.
#include "codegen/quick/x86_64/emitter.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

void Emitter::begin_code(std::uint32_t room) {
  function_start_ = code_offset();
  // So that how a body's loops are aligned depends on nothing before it.
  const std::uint64_t body = (function_start_ + room + 15) & ~std::uint64_t{15};
  constexpr std::uint8_t kNeverRun = 0xCC;  // int3
  a_.embedUInt8(kNeverRun, body - function_start_);
  tables_.position_starts.push_back(static_cast<std::uint32_t>(tables_.positions.size()));
  position_writer_ = PositionWriter(tables_.positions);
  cold_.clear();
  cross_calls_.clear();
  subtype_checks_.clear();
  vectors_.clear();
  jump_tables_.clear();
  jump_targets_.clear();
}

void Emitter::end_code(std::uint64_t start) {
  position_writer_.begin_later(start - function_start_);
  // Text stays below 2^31 bytes or is refused as a whole (compile.cpp).
  tables_.functions.push_back(static_cast<std::uint32_t>(start));
}

// --- Moves ---

void Emitter::load_register(Register to, const Mem& from, ValueType type) {
  if (type == ValueType::kV128)
    a_.vmovups(xmm(to), from);
  else if (is_float(type))
    is_wide(type) ? a_.vmovsd(xmm(to), from) : a_.vmovss(xmm(to), from);
  else
    a_.mov(gp(to, is_wide(type)), from);
}

void Emitter::store_register(const Mem& to, Register from, ValueType type) {
  if (type == ValueType::kV128)
    a_.vmovups(to, xmm(from));
  else if (is_float(type))
    is_wide(type) ? a_.vmovsd(to, xmm(from)) : a_.vmovss(to, xmm(from));
  else
    a_.mov(to, gp(from, is_wide(type)));
}

void Emitter::move_register(Register to, Register from, ValueType type) {
  if (to == from) return;
  if (is_in_xmm(type))
    a_.vmovaps(xmm(to), xmm(from));
  else
    a_.mov(gp(to, is_wide(type)), gp(from, is_wide(type)));
}

// Uses no instruction that changes the flags: `xor reg, reg` would.
void Emitter::load_constant(Register to, ValueType type, std::uint64_t bits) {
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

void Emitter::move_registers(std::span<RegisterMove> moves) {
  std::array<std::uint8_t, kRegisters> readers{};  // moves still to do that read this register
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
      const Register scratch = scratch_for(move.type);
      move_register(scratch, move.from, is_in_xmm(move.type) ? ValueType::kV128 : ValueType::kI64);
      --readers[move.from];
      move.from = scratch;
      ++readers[scratch];
    }
  }
}

void Emitter::load_condition(Register to, Condition condition) {
  a_.set(condition, gp32(to).r8());
  a_.movzx(gp32(to), gp32(to).r8());
}

// --- Jumps ---

Emitter::Condition Emitter::compare_with_zero(Register reg, bool is_64) {
  a_.test(gp(reg, is_64), gp(reg, is_64));
  return Condition::kNotZero;
}

void Emitter::jump_by_table(std::uint32_t last) {
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
}

// --- Fuel ---

std::uint64_t Emitter::emit_charge() {
  a_.mov(x86::r11, cell_field(abi::kThread, 8));
  a_.sub(x86::qword_ptr(x86::r11, abi::kFuel), 0x7FFF'FFFF);
  const std::uint64_t at = code_offset() - sizeof(std::uint32_t);
  a_.js(cold_trap(TrapKind::kOutOfFuel));
  return at;
}

void Emitter::trap_if_out_of_fuel() {
  a_.mov(x86::r11, cell_field(abi::kThread, 8));
  a_.cmp(x86::qword_ptr(x86::r11, abi::kFuel), 0);
  a_.jl(cold_trap(TrapKind::kOutOfFuel));
}

}  // namespace anew::codegen::quick
