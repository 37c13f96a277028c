// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/quick/x86_64/frame.hpp"

#include <bit>
#include <cassert>
#include <cstring>
#include <stdexcept>

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;

namespace {

constexpr std::uint32_t kSaveBytes = 4;  // mov [rbp - disp8], r64
constexpr std::uint8_t kNop4[4] = {0x0F, 0x1F, 0x40, 0x00};
constexpr std::uint8_t kNop8[8] = {0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00};
constexpr std::uint32_t kUnprobedFrame = 4096;  // larger frames touch each page on their way

// What a prologue takes at most: push rbp; mov rbp, rsp; sub rsp, imm32; saves; and if locals are zeroed, vpxor and
// either these stores, one for two slots at most, or a loop.
constexpr std::uint32_t kEntryBytes = 1 + 3 + 7;
constexpr std::uint32_t kMaximumStores = 16;
constexpr std::uint32_t kClearBytes = 5;
constexpr std::uint32_t kStoreBytes = 8;
constexpr std::uint32_t kLoopBytes = 48;
static_assert(kLoopBytes <= kMaximumStores * kStoreBytes);

/// @param slots  of locals that may have to be zeroed.
constexpr std::uint32_t prologue_bytes(std::uint32_t slots) {
  // Stretches of slots have one between them at least, so whichever are zeroed, half as many stores do for all.
  const std::uint32_t stores = std::min(kMaximumStores, (slots + 1) / 2);
  return kEntryBytes + kSaveBytes * static_cast<std::uint32_t>(kPreservedRegisters.size()) +
         (slots != 0 ? kClearBytes + kStoreBytes * stores : 0);
}

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

Frame::Mem Frame::home_at(std::uint64_t slot, ValueType type) {
  used_slots_ = std::max<std::uint64_t>(used_slots_, slot + slots_of(type));
  return frame_slot(static_cast<std::int64_t>(slot), type);
}

// --- The way in ---

void Frame::begin_frame(std::uint32_t function_index, const FunctionType& type, std::span<const ValueType> locals) {
  type_ = &type;
  type_index_ = context_.module.functions[function_index];
  locals_ = locals;
  parameters_ = static_cast<std::uint32_t>(type.parameters.size());  // at most limits::kParameters
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
  keeps_cell_ = false;
  used_slots_ = 0;
  zeroed_ = 0;
  frame_size_at_.clear();
  preserved_loads_at_.clear();

  room_ = prologue_bytes(local_slots_ - static_cast<std::uint32_t>(slots_of(type.parameters)));
  begin_code(room_);
  body_start_ = code_offset();
  if (context_.options.metered_stack) {
    ++local_slots_;  // for kept_stack_left()
    enter_metered(function_index);
  }
}

void Frame::find_zeroed() {
  stretches_.clear();
  const auto add = [&](std::uint32_t first, std::uint32_t last) {
    if (!stretches_.empty() && stretches_.back().last == first)
      stretches_.back().last = last;
    else
      stretches_.push_back({first, last});
  };
  for (LocalSet rest = zeroed_; rest != 0; rest &= rest - 1) {
    const std::uint32_t local = parameters_ + static_cast<std::uint32_t>(std::countr_zero(rest));
    add(slot_of(local), slot_of(local) + static_cast<std::uint32_t>(slots_of(locals_[local])));
  }
  if (locals_.size() - parameters_ > std::numeric_limits<LocalSet>::digits) {
    const std::uint32_t others = parameters_ + std::numeric_limits<LocalSet>::digits;
    add(slot_of(others), local_slots_ - (context_.options.metered_stack ? 1 : 0));
  }
  if (!stretches_.empty()) used_slots_ = std::max<std::uint64_t>(used_slots_, stretches_.back().last);
}

void Frame::emit_zeros() {
  if (stretches_.empty()) return;
  std::size_t stores = 0;
  for (const Stretch& each : stretches_) stores += (each.last - each.first + 1) / 2;
  a_.vpxor(x86::xmm15, x86::xmm15, x86::xmm15);
  const auto store_one = [&](std::uint32_t slot) { a_.vmovsd(frame_slot(slot, ValueType::kI64), x86::xmm15); };
  const auto store_two = [&](std::uint32_t slot) { a_.vmovups(frame_slot(slot, ValueType::kV128), x86::xmm15); };
  if (stores <= kMaximumStores) {
    for (const Stretch& each : stretches_) {
      std::uint32_t slot = each.first;
      for (; slot + 1 < each.last; slot += 2) store_two(slot);
      if (slot != each.last) store_one(slot);
    }
    return;
  }
  // All from the first to the last, upwards in memory: nothing that lies between has a value yet.
  const std::uint32_t count = stretches_.back().last - stretches_.front().first;
  if (count % 2 != 0) store_one(stretches_.front().first);
  Label again;
  a_.lea(x86::r10, frame_slot(stretches_.back().last - 2, ValueType::kV128));
  a_.mov(x86::r11d, count / 2);
  a_.bind(again);
  a_.vmovups(x86::xmmword_ptr(x86::r10), x86::xmm15);
  a_.add(x86::r10, 16);
  a_.dec(x86::r11d);
  a_.jnz(again);
}

std::uint64_t Frame::emit_prologue(std::uint32_t frame) {
  std::uint64_t probe_from = 0;
  a_.push(x86::rbp);
  a_.mov(x86::rbp, x86::rsp);
  if (frame > kUnprobedFrame) {
    constexpr std::uint8_t kCall[5] = {0xE8};
    a_.embed(kCall, sizeof(kCall));
    probe_from = code_offset() - sizeof(std::uint32_t);
  } else if (frame != 0) {
    a_.sub(x86::rsp, frame);
  }
  for (std::size_t i = 0; i < kPreservedRegisters.size(); ++i)
    if (saves(i)) a_.mov(saved_register(i), gp64(kPreservedRegisters[i]));
  emit_zeros();
  return probe_from;
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
  keeps_cell_ = true;
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

std::uint32_t Frame::frame_bytes() const noexcept {
  std::uint64_t words = 0;
  for (std::size_t i = 0; i < kPreservedRegisters.size(); ++i)
    if (saves(i)) words = i + 1;
  if (keeps_cell_) words = kPreservedRegisters.size() + 1;
  if (used_slots_ != 0) words = kPreservedRegisters.size() + 1 + used_slots_;
  return static_cast<std::uint32_t>((8 * words + 15) & ~std::uint64_t{15});  // under 8.5 MB, as in frame_slot
}

void Frame::finish_frame() {
  find_zeroed();
  const std::uint32_t frame = frame_bytes();
  const std::uint64_t probe_at = code_offset();
  if (frame > kUnprobedFrame) {  // the prologue calls this in place of its sub
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
  // The prologue is emitted here, and moves to the end of its room: only then is known how long it is.
  const std::uint64_t end = code_offset();
  const std::uint64_t probe_from = emit_prologue(frame);
  const std::uint64_t bytes = code_offset() - end;
  if (bytes > room_) throw std::logic_error("a prologue is longer than the room for it");
  const std::uint64_t start = body_start_ - bytes;
  if (probe_from != 0) {
    const std::uint64_t from = start + (probe_from - end);  // both in this function
    a_.patch(probe_from, static_cast<std::uint32_t>(probe_at - (from + sizeof(std::uint32_t))));
  }
  a_.take_back(end, start);
  end_code(start);

  for (std::size_t i = 0; i < kPreservedRegisters.size();) {
    std::size_t last = i;  // of the registers from i on that are not used
    while (last < kPreservedRegisters.size() && !saves(last)) ++last;
    for (const std::uint32_t loads : preserved_loads_at_) blank_out(a_, loads + kSaveBytes * i, last - i);
    i = last + 1;
  }
  const std::uint32_t displacement = 0 - frame;
  for (const std::uint32_t at : frame_size_at_) a_.patch(at, displacement);
}

}  // namespace anew::codegen::quick
