// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Frames pay for their depth (Options::metered_stack); abi/stack_limit.hpp says what and when.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "abi/stack_limit.hpp"
#include "abi/x86_64/frame.hpp"
#include "codegen/quick/x86_64/frame.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

Frame::Mem Frame::stack_left() { return x86::qword_ptr(x86::r11, abi::kStackLeft); }

std::uint32_t Frame::stack_units() const noexcept {
  // Bounded by limits::kLocals and kOperandStack: far below 2^31. The last local slot is what is kept for handlers.
  return abi::kFrameUnits + (local_slots_ - 1) + highest_operands_;
}

void Frame::enter_metered(std::uint32_t function_index) {
  highest_operands_ = 0;
  stack_units_at_.clear();
  set_position(context_.module.bodies[function_index - context_.module.imported_functions].offset);
  a_.mov(x86::r11, cell_field(abi::kThread, 8));
  a_.sub(stack_left(), 0x7FFF'FFFF);  // fill_in_stack_units does
  stack_units_at_.push_back(code_offset() - 4);
  a_.js(cold_trap(TrapKind::kStackExhausted));
}

void Frame::leave_metered() {
  a_.mov(x86::r11, cell_field(abi::kThread, 8));
  a_.add(stack_left(), 0x7FFF'FFFF);
  stack_units_at_.push_back(code_offset() - 4);
}

Frame::Mem Frame::kept_stack_left() {
  return home_at(local_slots_ - 1, ValueType::kI64);  // begin_frame() added it
}

void Frame::keep_stack_left() {
  a_.mov(x86::r11, cell_field(abi::kThread, 8));
  a_.mov(x86::r11, stack_left());
  a_.mov(kept_stack_left(), x86::r11);
}

void Frame::restore_stack_left() {
  a_.mov(x86::r11, cell_field(abi::kThread, 8));
  a_.mov(x86::r10, kept_stack_left());
  a_.mov(stack_left(), x86::r10);
}

void Frame::fill_in_stack_units(std::uint32_t frame_bytes) {
  const std::uint32_t units = stack_units();
  // Return address, rbp, frame, and what calls into other instances add.
  assert(16 + frame_bytes + abi::kOtherCellBytes <= abi::kStackBytesPerUnit * units);
  (void)frame_bytes;
  for (const std::uint64_t at : stack_units_at_) a_.patch(at, units);
}

}  // namespace anew::codegen::quick
