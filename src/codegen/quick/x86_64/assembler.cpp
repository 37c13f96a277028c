// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/quick/x86_64/assembler.hpp"

#include <cassert>

namespace anew::codegen::quick {

namespace {
constexpr std::uint8_t kJump = 0xE9, kShortJump = 0xEB, kCall = 0xE8, kTwoBytes = 0x0F, kJumpIf = 0x80,
                       kShortJumpIf = 0x70;
constexpr std::size_t kDisplacement = 4;
}  // namespace

void Assembler::bind(Label& label) {
  assert(!label.bound_);
  // Text stays below 2^31 bytes or is refused as a whole (compile.cpp), so offsets fit, and so do distances.
  const auto here = static_cast<std::uint32_t>(offset());
  for (std::uint32_t at = label.at_; at != Label::kNone;) {
    const std::uint32_t before = read(at);
    patch(at, here - (at + static_cast<std::uint32_t>(kDisplacement)));
    at = before;
  }
  label.at_ = here;
  label.bound_ = true;
}

void Assembler::refer_to(Label& label) {
  const auto at = static_cast<std::uint32_t>(offset() - kDisplacement);
  if (label.bound_) {
    patch(at, label.at_ - (at + static_cast<std::uint32_t>(kDisplacement)));  // modulo 2^32, as the processor adds it
  } else {
    patch(at, label.at_);
    label.at_ = at;
  }
}

bool Assembler::is_short(const Label& to, std::uint8_t opcode) {
  if (!to.bound_) return false;
  const std::int64_t distance = static_cast<std::int64_t>(to.at_) - static_cast<std::int64_t>(offset() + 2);
  if (distance < INT8_MIN) return false;  // bound labels lie behind
  const std::uint8_t code[] = {opcode, static_cast<std::uint8_t>(distance)};
  embed(code, sizeof(code));
  return true;
}

void Assembler::jmp(Label& to) {
  if (is_short(to, kShortJump)) return;
  constexpr std::uint8_t kCode[1 + kDisplacement] = {kJump};
  embed(kCode, sizeof(kCode));
  refer_to(to);
}

void Assembler::call(Label& to) {
  constexpr std::uint8_t kCode[1 + kDisplacement] = {::anew::codegen::quick::kCall};
  embed(kCode, sizeof(kCode));
  refer_to(to);
}

void Assembler::j(Condition condition, Label& to) {
  const auto number = static_cast<std::uint8_t>(condition);  // asmjit numbers conditions as the processor does
  if (is_short(to, kShortJumpIf | number)) return;
  const std::uint8_t code[2 + kDisplacement] = {kTwoBytes, static_cast<std::uint8_t>(kJumpIf | number)};
  embed(code, sizeof(code));
  refer_to(to);
}

void Assembler::lea(const asmjit::x86::Gp& to, Label& label) {
  Base::lea(to, asmjit::x86::ptr(asmjit::x86::rip, 0));
  refer_to(label);
}

}  // namespace anew::codegen::quick
