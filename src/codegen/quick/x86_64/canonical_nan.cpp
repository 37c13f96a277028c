// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Canonical NaNs (Options::canonical_nan): where the specification leaves open which NaN an operator gives (4.3.3, the
// set nans_N), it is the positive canonical one, as the specification's deterministic profile has it. Operators that
// pass on the bits of an operand (neg, abs, copysign, pmin, pmax, select, loads and so on) keep doing that.
#include <cassert>

#include "codegen/quick/x86_64/operators.hpp"
#include "codegen/quick/x86_64/vectors.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;
namespace Inst = asmjit::x86::Inst;

namespace {

constexpr std::uint32_t kCanonical32 = 0x7FC0'0000;
constexpr std::uint64_t kCanonical64 = 0x7FF8'0000'0000'0000;

/// kF32 or kF64: the operator computes floats, or lanes, of that type, and which NaN it gives is open. Else kI32.
constexpr ValueType computed_floats(Op op) noexcept {
  switch (op) {
    case Op::kF32Ceil:
    case Op::kF32Floor:
    case Op::kF32Trunc:
    case Op::kF32Nearest:
    case Op::kF32Sqrt:
    case Op::kF32Add:
    case Op::kF32Sub:
    case Op::kF32Mul:
    case Op::kF32Div:
    case Op::kF32Min:
    case Op::kF32Max:
    case Op::kF32DemoteF64:
    case Op::kF32x4Ceil:
    case Op::kF32x4Floor:
    case Op::kF32x4Trunc:
    case Op::kF32x4Nearest:
    case Op::kF32x4Sqrt:
    case Op::kF32x4Add:
    case Op::kF32x4Sub:
    case Op::kF32x4Mul:
    case Op::kF32x4Div:
    case Op::kF32x4Min:
    case Op::kF32x4Max:
    case Op::kF32x4RelaxedMin:
    case Op::kF32x4RelaxedMax:
    case Op::kF32x4RelaxedMadd:
    case Op::kF32x4RelaxedNmadd:
    case Op::kF32x4DemoteF64x2Zero: return ValueType::kF32;
    case Op::kF64Ceil:
    case Op::kF64Floor:
    case Op::kF64Trunc:
    case Op::kF64Nearest:
    case Op::kF64Sqrt:
    case Op::kF64Add:
    case Op::kF64Sub:
    case Op::kF64Mul:
    case Op::kF64Div:
    case Op::kF64Min:
    case Op::kF64Max:
    case Op::kF64PromoteF32:
    case Op::kF64x2Ceil:
    case Op::kF64x2Floor:
    case Op::kF64x2Trunc:
    case Op::kF64x2Nearest:
    case Op::kF64x2Sqrt:
    case Op::kF64x2Add:
    case Op::kF64x2Sub:
    case Op::kF64x2Mul:
    case Op::kF64x2Div:
    case Op::kF64x2Min:
    case Op::kF64x2Max:
    case Op::kF64x2RelaxedMin:
    case Op::kF64x2RelaxedMax:
    case Op::kF64x2RelaxedMadd:
    case Op::kF64x2RelaxedNmadd:
    case Op::kF64x2PromoteLowF32x4: return ValueType::kF64;
    default: return ValueType::kI32;
  }
}

}  // namespace

void Operators::canonicalize_nan(Op op) {
  const ValueType type = computed_floats(op);
  if (type == ValueType::kI32) return;
  const bool is_64 = type == ValueType::kF64;
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
