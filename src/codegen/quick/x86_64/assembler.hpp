// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// asmjit's assembler with labels that take no memory of their own: a module of branches alone would make a hundred
// bytes of asmjit's labels and links from each byte. Here those that refer to a label that is not bound yet are chained
// through the code: the displacement of each holds the place of the one before, until bind() fills all of them in.
#pragma once

#include <asmjit/x86.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace anew::codegen::quick {

/// A place in the code that branches reach. Copies made before a use do not know of it.
class Label {
 public:
  [[nodiscard]] bool is_bound() const noexcept { return bound_; }
  /// Of the place; only once it is bound.
  [[nodiscard]] std::uint32_t offset() const noexcept { return at_; }

 private:
  friend class Assembler;
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  std::uint32_t at_ = kNone;  ///< bound: the place; else the last displacement that is to reach it
  bool bound_ = false;
};

class Assembler : public asmjit::x86::Assembler {
  using Base = asmjit::x86::Assembler;

 public:
  using Condition = asmjit::x86::CondCode;
  using Base::bind;
  using Base::call;
  using Base::jmp;
  using Base::lea;

  void bind(Label& label);
  void jmp(Label& to);
  void call(Label& to);
  void j(Condition condition, Label& to);
  /// The label's address, relative to the instruction pointer.
  void lea(const asmjit::x86::Gp& to, Label& label);
  void ja(Label& to) { j(Condition::kA, to); }
  void jae(Label& to) { j(Condition::kAE, to); }
  void jb(Label& to) { j(Condition::kB, to); }
  void jbe(Label& to) { j(Condition::kBE, to); }
  void jc(Label& to) { j(Condition::kC, to); }
  void je(Label& to) { j(Condition::kE, to); }
  void jl(Label& to) { j(Condition::kL, to); }
  void jne(Label& to) { j(Condition::kNE, to); }
  void jno(Label& to) { j(Condition::kNO, to); }
  void jnp(Label& to) { j(Condition::kNP, to); }
  void jnz(Label& to) { j(Condition::kNZ, to); }
  void jp(Label& to) { j(Condition::kP, to); }
  void js(Label& to) { j(Condition::kS, to); }
  void jz(Label& to) { j(Condition::kZ, to); }

  /// Replaces code that was emitted already. @param at  its offset; all of it lies before offset().
  void patch(std::uint64_t at, std::span<const std::byte> code) noexcept {
    std::memcpy(bufferData() + at, code.data(), code.size());
  }
  void patch(std::uint64_t at, std::uint32_t word) noexcept { patch(at, std::as_bytes(std::span(&word, 1))); }
  /// Moves what was emitted from `from` on to `to`, where its last byte still lies before `from`, and goes on at
  /// `from`.
  void take_back(std::uint64_t from, std::uint64_t to) {
    std::memcpy(bufferData() + to, bufferData() + from, offset() - from);
    setOffset(from);
  }

 private:
  /// The displacement that was just emitted, 32 bits wide, is to reach the label.
  void refer_to(Label& label);
  [[nodiscard]] std::uint32_t read(std::uint32_t at) const noexcept {
    std::uint32_t word = 0;
    std::memcpy(&word, bufferData() + at, sizeof(word));
    return word;
  }
  /// Emits the one with a displacement of 8 bits if the label is bound and that near. @return whether it did.
  [[nodiscard]] bool is_short(const Label& to, std::uint8_t opcode);
};

}  // namespace anew::codegen::quick
