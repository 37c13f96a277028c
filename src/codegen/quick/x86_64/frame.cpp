// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/quick/x86_64/frame.hpp"

#include <cassert>
#include <cstring>

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

namespace {

// end_function fills in the frame size and blanks out the saves of preserved registers that were not used after all.
constexpr std::uint32_t kFrameSizeAt = 1 + 3;         // behind push rbp; mov rbp, rsp
constexpr std::uint32_t kSavesAt = kFrameSizeAt + 7;  // sub rsp, imm32
constexpr std::uint32_t kSaveBytes = 4;               // mov [rbp - disp8], r64
constexpr std::uint8_t kNop4[4] = {0x0F, 0x1F, 0x40, 0x00};
constexpr std::uint8_t kNop8[8] = {0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00};
constexpr std::uint32_t kUnprobedFrame = 4096;  // larger frames touch each page on their way

/// Fills moves of preserved registers that are not needed with instructions that do nothing, as few as can be.
void blank_out(Assembler& a, std::uint64_t at, std::size_t moves) noexcept {
  for (; moves >= 2; moves -= 2, at += sizeof(kNop8)) a.patch(at, std::as_bytes(std::span(kNop8)));
  if (moves != 0) a.patch(at, std::as_bytes(std::span(kNop4)));
}

// Below the preserved registers and the cell pointer. A value of two slots begins at the lower one.
constexpr std::int64_t kFirstHome = 40 + 8;
x86::Mem frame_slot(std::int64_t slot, ValueType type) {
  // Locals and operands are bounded by limits::kLocals and kOperandStack: under 2^31 bytes.
  return {x86::rbp, static_cast<std::int32_t>(-kFirstHome - 8 * (slot + slots_of(type) - 1)), bytes_of(type)};
}

x86::Mem saved_register(std::size_t i) {
  return x86::qword_ptr(x86::rbp, -8 * static_cast<std::int32_t>(i + 1));  // of kPreservedRegisters
}

}  // namespace

// --- Homes ---

Frame::Mem Frame::home(std::uint32_t local, ValueType type) const {
  return frame_slot(local_slot_.empty() ? local : local_slot_[local], type);
}

Frame::Mem Frame::operand_home(std::uint32_t slot, ValueType type) const {
  return frame_slot(static_cast<std::int64_t>(local_slots_) + slot, type);
}

// --- The way in ---

void Frame::begin_frame(std::uint32_t function_index, const FunctionType& type, std::span<const ValueType> locals) {
  type_ = &type;
  type_index_ = context_.module.functions[function_index];
  locals_ = locals;
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
  epilogue_ = Label{};
  preserved_used_ = 0;
  frame_size_at_.clear();
  preserved_loads_at_.clear();

  a_.push(x86::rbp);
  a_.mov(x86::rbp, x86::rsp);
  a_.long_().sub(x86::rsp, 0x7FFF'FFF0);
  assert(code_offset() - function_start() == kSavesAt);
  for (std::size_t i = 0; i < kPreservedRegisters.size(); ++i) a_.mov(saved_register(i), gp64(kPreservedRegisters[i]));
  assert(code_offset() - function_start() == kSavesAt + kSaveBytes * kPreservedRegisters.size());
  if (context_.options.metered_stack) enter_metered(function_index);
}

void Frame::zero_locals() {
  const auto parameters = static_cast<std::uint32_t>(slots_of(type_->parameters));  // at most 2 * limits::kParameters
  const std::uint32_t count = local_slots_ - parameters;                            // slots
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

// --- The way out ---

void Frame::load_preserved(RegisterSet registers) {
  for (std::size_t i = 0; i < kPreservedRegisters.size(); ++i)
    if ((registers & bit(kPreservedRegisters[i])) != 0) a_.mov(gp64(kPreservedRegisters[i]), saved_register(i));
}

void Frame::emit_epilogue() {
  a_.bind(epilogue_);
  if (context_.options.metered_stack) leave_metered();
  load_preserved(preserved_used_);
  a_.leave();
  a_.ret();
}

void Frame::take_down() {
  if (context_.options.metered_stack) leave_metered();
  preserved_loads_at_.push_back(static_cast<std::uint32_t>(code_offset()));
  load_preserved(kPreserved);
  a_.leave();
}

// --- Handlers ---

void Frame::prepare_for_handlers() {
  note_use_of(kPreserved);
  a_.mov(x86::qword_ptr(x86::rbp, kSavedCell), x86::r13);
  if (context_.options.metered_stack) keep_stack_left();
}

void Frame::enter_handler() {
  a_.lea(x86::rsp, x86::ptr(x86::rbp, -0x7FFF'FFF0));  // the frame's size, filled in by finish_frame
  frame_size_at_.push_back(static_cast<std::uint32_t>(code_offset() - 4));
  a_.mov(x86::r13, x86::qword_ptr(x86::rbp, kSavedCell));
  if (context_.options.metered_stack) restore_stack_left();
}

// --- What is known at the end ---

void Frame::finish_frame(std::uint32_t operand_slots) {
  // Under 8.5 MB: bounded by limits::kLocals and kOperandStack.
  const std::uint64_t slots = kPreservedRegisters.size() + 1 + local_slots_ + operand_slots;
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
    const std::uint64_t call_at = function_start() + kFrameSizeAt;
    a_.patch(call_at, std::as_bytes(std::span(kCall)));
    a_.patch(call_at + 1, static_cast<std::uint32_t>(probe_at - (call_at + 5)));  // both in this function
  } else {
    a_.patch(function_start() + kFrameSizeAt + 3, frame);
  }
  const auto is_used = [&](std::size_t i) { return (preserved_used_ & bit(kPreservedRegisters[i])) != 0; };
  for (std::size_t i = 0; i < kPreservedRegisters.size();) {
    std::size_t end = i;  // of the registers from i on that are not used
    while (end < kPreservedRegisters.size() && !is_used(end)) ++end;
    blank_out(a_, function_start() + kSavesAt + kSaveBytes * i, end - i);
    for (const std::uint32_t loads : preserved_loads_at_) blank_out(a_, loads + kSaveBytes * i, end - i);
    i = end + 1;
  }
  const std::uint32_t displacement = 0 - frame;
  for (const std::uint32_t at : frame_size_at_) a_.patch(at, displacement);
}

}  // namespace anew::codegen::quick
