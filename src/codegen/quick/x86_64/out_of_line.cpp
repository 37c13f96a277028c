// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What stands behind a function's code: traps, calls into other instances, constants, tables of jumps.
#include <bit>

#include "codegen/quick/x86_64/emitter.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

void Emitter::emit_out_of_line() {
  emit_cold_code();
  emit_vectors();
  emit_jump_tables();
}

void Emitter::emit_out_of_line_here() {
  const std::uint64_t module_offset = module_offset_;
  Label behind;
  a_.jmp(behind);
  emit_out_of_line();
  a_.bind(behind);
  module_offset_ = module_offset;
}

// --- Traps ---

Label& Emitter::cold_trap(TrapKind kind) {
  Cold& cold = cold_.emplace_back();
  cold.kind = kind;
  cold.module_offset = module_offset_;
  return cold.label;
}

Label& Emitter::cold_overflow_trap(Register checked, bool is_64) {
  Label& label = cold_trap(TrapKind::kIntegerOverflow);
  cold_.back().checked = checked;
  cold_.back().checked_64 = is_64;
  return label;
}

void Emitter::emit_cold_code() {
  std::array<Label, abi::kTrapKinds> raise;  // by TrapKind; kNone: the kind is in eax
  std::array<bool, abi::kTrapKinds> is_raised{};
  auto call_raise = [&](TrapKind kind) {
    const auto index = static_cast<std::size_t>(kind);
    is_raised[index] = true;
    a_.call(raise[index]);  // the return address says where
  };
  for (CrossCall& cross : cross_calls_) emit_cross_call(cross);
  for (SubtypeCheck& check : subtype_checks_) emit_subtype_check(check);
  for (Cold& cold : cold_) {
    module_offset_ = cold.module_offset;
    a_.bind(cold.label);
    add_position();
    if (cold.checked != kNoRegister) {
      Label is_nan;
      if (cold.checked_64)
        a_.vucomisd(xmm(cold.checked), xmm(cold.checked));
      else
        a_.vucomiss(xmm(cold.checked), xmm(cold.checked));
      a_.jp(is_nan);
      call_raise(cold.kind);
      a_.bind(is_nan);
      call_raise(TrapKind::kInvalidConversionToInteger);
    } else {
      call_raise(cold.kind);
    }
  }
  cross_calls_.clear();
  subtype_checks_.clear();
  cold_.clear();
  for (std::size_t kind = 0; kind < abi::kTrapKinds; ++kind) {
    if (!is_raised[kind]) continue;
    a_.bind(raise[kind]);
    if (kind != 0) a_.mov(x86::eax, static_cast<std::uint32_t>(kind));
    a_.mov(x86::r11, cell_field(abi::kLibrary, 8));
    a_.jmp(x86::qword_ptr(x86::r11, offsetof(abi::Library, trap)));
  }
}

// --- Constants ---

Emitter::Mem Emitter::vector_in_code(wasm::Vector bits) {
  // Finds almost every constant that the function has already, in one step. What other functions left in the table
  // does no harm: an index counts only if this function's constant there is the wanted one.
  const std::uint64_t hash = (bits[0] ^ std::rotl(bits[1], 29)) * 0x9E37'79B9'7F4A'7C15;
  std::uint32_t& index = vector_by_hash_[hash >> 56];
  static_assert(std::tuple_size_v<decltype(vector_by_hash_)> == 256);
  if (index >= vectors_.size() || vectors_[index].bits != bits) {
    index = static_cast<std::uint32_t>(vectors_.size());  // at most a few an operator
    vectors_.push_back({bits, a_.newLabel()});
  }
  ++vector_uses_;
  return x86::ptr(vectors_[index].label, 0, sizeof(bits));
}

void Emitter::emit_vectors() {
  if (vectors_.empty()) return;
  a_.align(asmjit::AlignMode::kZero, sizeof(wasm::Vector));
  for (const VectorConstant& vector : vectors_) {
    a_.bind(vector.label);
    a_.embed(vector.bits.data(), sizeof(vector.bits));
  }
  vectors_.clear();
  vector_uses_ = 0;
}

// --- Tables of jumps ---

void Emitter::emit_jump_tables() {
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

}  // namespace anew::codegen::quick
