// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Canonical NaNs (Options::canonical_nan): where the specification leaves open which NaN an operator gives (4.3.3, the
// set nans_N), it is the positive canonical one, as the specification's deterministic profile has it. Operators that
// pass on the bits of an operand (neg, abs, copysign, pmin, pmax, select, loads and so on) keep doing that.
#include <cassert>

#include "codegen/quick/x86_64/operators.hpp"
#include "codegen/quick/x86_64/vectors.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;
namespace Inst = asmjit::x86::Inst;

namespace {

constexpr std::uint32_t kCanonical32 = 0x7FC0'0000;
constexpr std::uint64_t kCanonical64 = 0x7FF8'0000'0000'0000;

}  // namespace

void Operators::canonicalize_nan(Op op) {
  const wasm::Outcome outcome = wasm::outcome_of(op);
  if (outcome != wasm::Outcome::kNan32 && outcome != wasm::Outcome::kNan64) return;
  const bool is_64 = outcome == wasm::Outcome::kNan64;
  // These operators leave their result in a register of its own.
  assert(top().kind == Operand::Kind::kRegister);
  const Xmm value = xmm(top().reg);
  const Mem canonical = vector_in_code(is_64 ? splat64(kCanonical64) : splat32(kCanonical32));
  if (wasm::is_vector_operator(op)) {
    constexpr int kUnordered = 3;  // vcmp's predicate
    a_.emit(is_64 ? Inst::kIdVcmppd : Inst::kIdVcmpps, x86::xmm15, value, value, asmjit::imm(kUnordered));
    a_.emit(is_64 ? Inst::kIdVblendvpd : Inst::kIdVblendvps, value, value, canonical, x86::xmm15);
    return;
  }
  // A branch that is always predicted: nobody waits for a comparison.
  Label number;
  a_.emit(is_64 ? Inst::kIdVucomisd : Inst::kIdVucomiss, value, value);
  a_.j(Condition::kNP, number);
  is_64 ? a_.vmovsd(value, canonical.cloneResized(8)) : a_.vmovss(value, canonical.cloneResized(4));
  a_.bind(number);
}

}  // namespace anew::codegen::quick
