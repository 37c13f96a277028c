// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/quick/metered_compiler.hpp"

#include <cassert>
#include <cstddef>
#include <cstring>
#include <utility>

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;

void MeteredCompiler::begin_function(std::uint32_t function_index, const FunctionType& type,
                                     std::span<const ValueType> locals) {
  QuickCompiler::begin_function(function_index, type, locals);
  body_ = &context_.module.bodies[function_index - context_.module.imported_functions];
  entry_price_ = static_cast<std::uint32_t>((locals.size() - type.parameters.size()) / kLocalsPerUnit);
  price_ = 0;
  price_at_ = 0;
}

void MeteredCompiler::at(std::uint64_t module_offset) {
  QuickCompiler::at(module_offset);
  if (entry_price_ != 0) charge(std::exchange(entry_price_, 0));
  // The operators that matter here have an opcode of one byte.
  switch (static_cast<Op>(std::to_integer<std::uint8_t>(body_->bytes[module_offset - body_->offset]))) {
    case Op::kBlock: break;
    case Op::kLoop:
    case Op::kElse:
    case Op::kEnd: end_segment(); break;
    case Op::kIf:
    case Op::kBrIf:
    case Op::kBrOnNull:
    case Op::kBrOnNonNull:
      charge(1);
      end_segment();
      break;
    default: charge(1); break;
  }
}

QuickCompiler::Mem MeteredCompiler::fuel() { return x86::qword_ptr(x86::r11, abi::kFuel); }

void MeteredCompiler::charge(std::uint32_t units) {
  price_ += units;
  if (price_at_ != 0) return;
  // No comparison waits: whatever ends a segment has used it or brought it into a register.
  assert(stack_.empty() || stack_.back().kind != Operand::Kind::kFlags);
  a_.mov(x86::r11, cell_field(abi::kThread, 8));
  a_.sub(fuel(), 0x7FFF'FFFF);  // end_segment fills in the price
  price_at_ = code_offset() - sizeof(price_);
  a_.js(cold_trap(TrapKind::kOutOfFuel));
}

void MeteredCompiler::end_segment() {
  if (price_at_ != 0) a_.patch(price_at_, price_);
  price_ = 0;
  price_at_ = 0;
}

void MeteredCompiler::memory_grow(std::uint32_t memory) {
  QuickCompiler::memory_grow(memory);
  trap_if_out_of_fuel();
}

void MeteredCompiler::table_grow(std::uint32_t table) {
  QuickCompiler::table_grow(table);
  trap_if_out_of_fuel();
}

void MeteredCompiler::trap_if_out_of_fuel() {
  a_.mov(x86::r11, cell_field(abi::kThread, 8));
  a_.cmp(fuel(), 0);
  a_.jl(cold_trap(TrapKind::kOutOfFuel));
}

}  // namespace anew::codegen::quick
