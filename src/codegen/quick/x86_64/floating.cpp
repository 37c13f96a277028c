// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Floating-point operators of the quick tier (specification, 4.3.3). All are the processor's own IEEE 754 operations
// but min and max, the conversions, and what works on bits.
#include <cassert>

#include "codegen/quick/x86_64/operators.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;
namespace Inst = asmjit::x86::Inst;

namespace {

constexpr std::uint64_t kTwoTo63As64 = 0x43E0'0000'0000'0000;  // 2^63 as an f64
constexpr std::uint32_t kTwoTo63As32 = 0x5F00'0000;            // 2^63 as an f32
constexpr int kSuppressPrecision = 8;                          // vround's flag: raise no inexact exception

constexpr ValueType floating(bool is_64) noexcept { return is_64 ? ValueType::kF64 : ValueType::kF32; }

}  // namespace

void Operators::float_numeric(Op op) {
  constexpr int kNearest = 0, kFloor = 1, kCeil = 2, kTrunc = 3;
  switch (op) {
    case Op::kF32Add: return float_binary(Inst::kIdVaddss, ValueType::kF32);
    case Op::kF32Sub: return float_binary(Inst::kIdVsubss, ValueType::kF32);
    case Op::kF32Mul: return float_binary(Inst::kIdVmulss, ValueType::kF32);
    case Op::kF32Div: return float_binary(Inst::kIdVdivss, ValueType::kF32);
    case Op::kF64Add: return float_binary(Inst::kIdVaddsd, ValueType::kF64);
    case Op::kF64Sub: return float_binary(Inst::kIdVsubsd, ValueType::kF64);
    case Op::kF64Mul: return float_binary(Inst::kIdVmulsd, ValueType::kF64);
    case Op::kF64Div: return float_binary(Inst::kIdVdivsd, ValueType::kF64);
    case Op::kF32Min: return float_min_max(false, true);
    case Op::kF32Max: return float_min_max(false, false);
    case Op::kF64Min: return float_min_max(true, true);
    case Op::kF64Max: return float_min_max(true, false);
    case Op::kF32Copysign: return float_copysign(false);
    case Op::kF64Copysign: return float_copysign(true);
    case Op::kF32Abs: return float_sign(false, false);
    case Op::kF32Neg: return float_sign(false, true);
    case Op::kF64Abs: return float_sign(true, false);
    case Op::kF64Neg: return float_sign(true, true);
    case Op::kF32Ceil: return float_round(false, kCeil);
    case Op::kF32Floor: return float_round(false, kFloor);
    case Op::kF32Trunc: return float_round(false, kTrunc);
    case Op::kF32Nearest: return float_round(false, kNearest);
    case Op::kF64Ceil: return float_round(true, kCeil);
    case Op::kF64Floor: return float_round(true, kFloor);
    case Op::kF64Trunc: return float_round(true, kTrunc);
    case Op::kF64Nearest: return float_round(true, kNearest);
    case Op::kF32Sqrt: return float_sqrt(false);
    case Op::kF64Sqrt: return float_sqrt(true);

    case Op::kF32Eq:
    case Op::kF32Ne:
    case Op::kF32Lt:
    case Op::kF32Gt:
    case Op::kF32Le:
    case Op::kF32Ge: return float_compare(op, false);
    case Op::kF64Eq:
    case Op::kF64Ne:
    case Op::kF64Lt:
    case Op::kF64Gt:
    case Op::kF64Le:
    case Op::kF64Ge: return float_compare(op, true);

    case Op::kI32TruncF32S: return integer_from_float(false, false, true, false);
    case Op::kI32TruncF32U: return integer_from_float(false, false, false, false);
    case Op::kI32TruncF64S: return integer_from_float(false, true, true, false);
    case Op::kI32TruncF64U: return integer_from_float(false, true, false, false);
    case Op::kI64TruncF32S: return integer_from_float(true, false, true, false);
    case Op::kI64TruncF32U: return integer_from_float(true, false, false, false);
    case Op::kI64TruncF64S: return integer_from_float(true, true, true, false);
    case Op::kI64TruncF64U: return integer_from_float(true, true, false, false);
    case Op::kI32TruncSatF32S: return integer_from_float(false, false, true, true);
    case Op::kI32TruncSatF32U: return integer_from_float(false, false, false, true);
    case Op::kI32TruncSatF64S: return integer_from_float(false, true, true, true);
    case Op::kI32TruncSatF64U: return integer_from_float(false, true, false, true);
    case Op::kI64TruncSatF32S: return integer_from_float(true, false, true, true);
    case Op::kI64TruncSatF32U: return integer_from_float(true, false, false, true);
    case Op::kI64TruncSatF64S: return integer_from_float(true, true, true, true);
    case Op::kI64TruncSatF64U: return integer_from_float(true, true, false, true);

    case Op::kF32ConvertI32S: return float_from_integer(false, false, true);
    case Op::kF32ConvertI32U: return float_from_integer(false, false, false);
    case Op::kF32ConvertI64S: return float_from_integer(false, true, true);
    case Op::kF32ConvertI64U: return float_from_integer(false, true, false);
    case Op::kF64ConvertI32S: return float_from_integer(true, false, true);
    case Op::kF64ConvertI32U: return float_from_integer(true, false, false);
    case Op::kF64ConvertI64S: return float_from_integer(true, true, true);
    case Op::kF64ConvertI64U: return float_from_integer(true, true, false);

    case Op::kF32DemoteF64:
    case Op::kF64PromoteF32: {
      const bool demote = op == Op::kF32DemoteF64;
      const Operand operand = pop();
      const Register from = use(operand);
      const Register to = operand.kind == Operand::Kind::kRegister ? operand.reg : allocate(true);
      a_.emit(demote ? Inst::kIdVcvtsd2ss : Inst::kIdVcvtss2sd, xmm(to), xmm(from), xmm(from));
      push_register(floating(!demote), to);
      return release();
    }
    case Op::kI32ReinterpretF32:
    case Op::kI64ReinterpretF64: {
      const Register from = use(pop());
      const Register to = allocate(false);
      if (op == Op::kI64ReinterpretF64) {
        a_.vmovq(gp64(to), xmm(from));
        push_register(ValueType::kI64, to);
      } else {
        a_.vmovd(gp32(to), xmm(from));
        push_register(ValueType::kI32, to);
      }
      return release();
    }
    case Op::kF32ReinterpretI32:
    case Op::kF64ReinterpretI64: {
      const Register from = use(pop());
      const Register to = allocate(true);
      if (op == Op::kF64ReinterpretI64) {
        a_.vmovq(xmm(to), gp64(from));
        push_register(ValueType::kF64, to);
      } else {
        a_.vmovd(xmm(to), gp32(from));
        push_register(ValueType::kF32, to);
      }
      return release();
    }
    default:
      // The opcode table holds no other numeric operator; the validator hands over nothing else.
      assert(false);
  }
}

// --- Arithmetic ---

void Operators::float_binary(InstId inst, ValueType type) {
  const Operand right = pop();
  const Operand left = pop();
  const Register b = use(right);
  const Register a = use(left);
  const Register to = left.kind == Operand::Kind::kRegister    ? left.reg
                      : right.kind == Operand::Kind::kRegister ? right.reg
                                                               : allocate(true);
  a_.emit(inst, xmm(to), xmm(a), xmm(b));
  push_register(type, to);
  release();
}

void Operators::float_round(bool is_64, int mode) {
  const Operand operand = pop();
  const Register from = use(operand);
  const Register to = operand.kind == Operand::Kind::kRegister ? operand.reg : allocate(true);
  a_.emit(is_64 ? Inst::kIdVroundsd : Inst::kIdVroundss, xmm(to), xmm(from), xmm(from),
          asmjit::imm(mode | kSuppressPrecision));
  push_register(floating(is_64), to);
  release();
}

void Operators::float_sqrt(bool is_64) {
  const Operand operand = pop();
  const Register from = use(operand);
  const Register to = operand.kind == Operand::Kind::kRegister ? operand.reg : allocate(true);
  a_.emit(is_64 ? Inst::kIdVsqrtsd : Inst::kIdVsqrtss, xmm(to), xmm(from), xmm(from));
  push_register(floating(is_64), to);
  release();
}

void Operators::float_sign(bool is_64, bool negate) {
  const Operand operand = pop();
  const Register from = use(operand);
  const Register to = operand.kind == Operand::Kind::kRegister ? operand.reg : allocate(true);
  const std::uint64_t sign = is_64 ? std::uint64_t{1} << 63 : std::uint64_t{1} << 31;
  const std::uint64_t rest = is_64 ? ~sign : 0xFFFF'FFFF & ~sign;
  load_constant(kXmm15, floating(is_64), negate ? sign : rest);
  a_.emit(negate ? Inst::kIdVxorps : Inst::kIdVandps, xmm(to), xmm(from), x86::xmm15);
  push_register(floating(is_64), to);
  release();
}

void Operators::float_copysign(bool is_64) {
  const Operand sign_of = pop();
  const Operand magnitude = pop();
  const Register b = use(sign_of);
  const Register a = use(magnitude);
  const Register to = magnitude.kind == Operand::Kind::kRegister ? magnitude.reg : allocate(true);
  const std::uint64_t sign = is_64 ? std::uint64_t{1} << 63 : std::uint64_t{1} << 31;
  const Register signs = allocate(true);
  load_constant(signs, floating(is_64), sign);
  a_.vandnps(x86::xmm15, xmm(signs), xmm(a));  // (not signs) and a: the magnitude
  a_.vandps(xmm(signs), xmm(signs), xmm(b));
  a_.vorps(xmm(to), x86::xmm15, xmm(signs));
  push_register(floating(is_64), to);
  release();
}

// The processor's min and max return the second operand for NaN and for zeros of either sign: both need care.
void Operators::float_min_max(bool is_64, bool is_min) {
  const Operand right = pop();
  const Operand left = pop();
  const Register b = use(right);
  const Register a = use(left);
  const Register to = left.kind == Operand::Kind::kRegister ? left.reg : allocate(true);
  Label unordered;
  Label equal;
  Label done;
  a_.emit(is_64 ? Inst::kIdVucomisd : Inst::kIdVucomiss, xmm(a), xmm(b));
  a_.jp(unordered);
  a_.je(equal);
  const InstId inst =
      is_64 ? (is_min ? Inst::kIdVminsd : Inst::kIdVmaxsd) : (is_min ? Inst::kIdVminss : Inst::kIdVmaxss);
  a_.emit(inst, xmm(to), xmm(a), xmm(b));
  a_.jmp(done);
  a_.bind(unordered);  // the sum is a quiet NaN
  a_.emit(is_64 ? Inst::kIdVaddsd : Inst::kIdVaddss, xmm(to), xmm(a), xmm(b));
  a_.jmp(done);
  a_.bind(equal);  // equal bits, or zeros: min takes the negative one, max the positive one
  a_.emit(is_min ? Inst::kIdVorps : Inst::kIdVandps, xmm(to), xmm(a), xmm(b));
  a_.bind(done);
  push_register(floating(is_64), to);
  release();
}

void Operators::float_compare(Op op, bool is_64) {
  const Operand right = pop();
  const Operand left = pop();
  const Register b = use(right);
  const Register a = use(left);
  const InstId compare = is_64 ? Inst::kIdVucomisd : Inst::kIdVucomiss;
  switch (op) {
    // "Above" is false for unordered operands, so less-than compares the other way round.
    case Op::kF32Lt:
    case Op::kF64Lt:
      a_.emit(compare, xmm(b), xmm(a));
      release();
      return push_flags(Condition::kA);
    case Op::kF32Le:
    case Op::kF64Le:
      a_.emit(compare, xmm(b), xmm(a));
      release();
      return push_flags(Condition::kAE);
    case Op::kF32Gt:
    case Op::kF64Gt:
      a_.emit(compare, xmm(a), xmm(b));
      release();
      return push_flags(Condition::kA);
    case Op::kF32Ge:
    case Op::kF64Ge:
      a_.emit(compare, xmm(a), xmm(b));
      release();
      return push_flags(Condition::kAE);
    default: {
      // No single condition tells equal from unordered: compare into a mask of ones.
      constexpr int kEqualOrdered = 0, kNotEqualUnordered = 4;
      const int predicate = op == Op::kF32Eq || op == Op::kF64Eq ? kEqualOrdered : kNotEqualUnordered;
      a_.emit(is_64 ? Inst::kIdVcmpsd : Inst::kIdVcmpss, x86::xmm15, xmm(a), xmm(b), asmjit::imm(predicate));
      const Register to = allocate(false);
      a_.vmovd(gp32(to), x86::xmm15);
      a_.and_(gp32(to), 1);
      push_register(ValueType::kI32, to);
      return release();
    }
  }
}

// --- Conversions ---

void Operators::float_from_integer(bool to_64, bool from_64, bool is_signed) {
  const Operand operand = pop();
  const Register from = use(operand);
  const Register to = allocate(true);
  const InstId convert = to_64 ? Inst::kIdVcvtsi2sd : Inst::kIdVcvtsi2ss;
  a_.vxorps(xmm(to), xmm(to), xmm(to));  // the instruction merges into its operand: no waiting for old values
  if (!from_64 || is_signed) {
    // An unsigned 32-bit integer, zero-extended, is a signed 64-bit one.
    a_.emit(convert, xmm(to), xmm(to), gp(from, from_64 || !is_signed));
  } else {
    Label large;
    Label done;
    a_.test(gp64(from), gp64(from));
    a_.js(large);
    a_.emit(convert, xmm(to), xmm(to), gp64(from));
    a_.jmp(done);
    a_.bind(large);  // halve, keeping the lost bit sticky for the rounding, convert, double
    a_.mov(x86::r11, gp64(from));
    a_.mov(x86::r10, gp64(from));
    a_.shr(x86::r11, 1);
    a_.and_(x86::r10d, 1);
    a_.or_(x86::r11, x86::r10);
    a_.emit(convert, xmm(to), xmm(to), x86::r11);
    a_.emit(to_64 ? Inst::kIdVaddsd : Inst::kIdVaddss, xmm(to), xmm(to), xmm(to));
    a_.bind(done);
  }
  push_register(floating(to_64), to);
  release();
}

void Operators::integer_from_float(bool to_64, bool from_64, bool is_signed, bool saturate) {
  const Register x = use(pop());
  const Register to = allocate(false);
  const InstId convert = from_64 ? Inst::kIdVcvttsd2si : Inst::kIdVcvttss2si;
  const InstId compare = from_64 ? Inst::kIdVucomisd : Inst::kIdVucomiss;
  Label done;
  if (to_64 && !is_signed) {
    wide_unsigned_from_float(from_64, saturate, x, to);
  } else if (!to_64) {
    // Convert to 64 bits; the value is in range if its low half, extended, is the whole. Out of the 64-bit range the
    // instruction gives 2^63, which is not.
    a_.emit(convert, gp64(to), xmm(x));
    if (is_signed)
      a_.movsxd(x86::r11, gp32(to));
    else
      a_.mov(x86::r11d, gp32(to));
    a_.cmp(x86::r11, gp64(to));
    if (!saturate) {
      a_.jne(cold_overflow_trap(x, from_64));
    } else {
      a_.je(done);
      a_.vxorps(x86::xmm15, x86::xmm15, x86::xmm15);
      a_.mov(gp32(to), 0);
      a_.emit(compare, xmm(x), x86::xmm15);
      a_.jp(done);  // NaN becomes 0
      if (is_signed) {
        a_.mov(gp32(to), 0x7FFF'FFFF);
        a_.ja(done);
        a_.mov(gp32(to), 0x8000'0000u);
      } else {
        a_.jb(done);
        a_.mov(gp32(to), 0xFFFF'FFFFu);
      }
    }
    a_.bind(done);
    a_.mov(gp32(to), gp32(to));  // an i32 has a clear upper half
  } else {
    a_.emit(convert, gp64(to), xmm(x));
    a_.cmp(gp64(to), 1);
    a_.jno(done);  // only -2^63, the mark of an invalid conversion, overflows here
    // -2^63 itself is in range.
    load_constant(kXmm15, floating(from_64),
                  from_64 ? kTwoTo63As64 | std::uint64_t{1} << 63 : kTwoTo63As32 | std::uint64_t{1} << 31);
    a_.emit(compare, xmm(x), x86::xmm15);
    if (!saturate) {
      Label& outside = cold_overflow_trap(x, from_64);
      a_.jp(outside);
      a_.jne(outside);
    } else {
      a_.mov(gp64(to), 0);
      a_.jp(done);
      a_.mov(gp64(to), asmjit::imm(std::uint64_t{1} << 63));
      a_.jbe(done);
      a_.mov(gp64(to), asmjit::imm(~(std::uint64_t{1} << 63)));
    }
    a_.bind(done);
  }
  push_register(to_64 ? ValueType::kI64 : ValueType::kI32, to);
  release();
}

// From 2^63 on, subtract 2^63, convert as signed, and put the top bit back.
void Operators::wide_unsigned_from_float(bool from_64, bool saturate, Register x, Register result) {
  const InstId convert = from_64 ? Inst::kIdVcvttsd2si : Inst::kIdVcvttss2si;
  const InstId compare = from_64 ? Inst::kIdVucomisd : Inst::kIdVucomiss;
  Label large;
  Label done;
  Label beyond;
  Label& outside = saturate ? beyond : cold_overflow_trap(x, from_64);
  const Gp to = gp64(result);
  load_constant(kXmm15, floating(from_64), from_64 ? kTwoTo63As64 : kTwoTo63As32);
  a_.emit(compare, xmm(x), x86::xmm15);
  a_.jae(large);
  a_.emit(convert, to, xmm(x));  // NaN and what is below the signed range give a negative number
  a_.test(to, to);
  a_.js(outside);
  a_.jmp(done);
  a_.bind(large);
  a_.emit(from_64 ? Inst::kIdVsubsd : Inst::kIdVsubss, x86::xmm15, xmm(x), x86::xmm15);
  a_.emit(convert, to, x86::xmm15);
  a_.test(to, to);
  a_.js(outside);
  a_.btc(to, 63);
  if (saturate) {
    a_.jmp(done);
    a_.bind(outside);  // 0 below and for NaN, all ones above
    a_.vxorps(x86::xmm15, x86::xmm15, x86::xmm15);
    a_.mov(to, 0);
    a_.emit(compare, xmm(x), x86::xmm15);
    a_.jbe(done);  // unordered too
    a_.mov(to, asmjit::imm(~std::uint64_t{0}));
  }
  a_.bind(done);
}

}  // namespace anew::codegen::quick
