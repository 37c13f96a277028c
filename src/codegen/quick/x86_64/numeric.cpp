// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Integer operators of the quick tier, and select.
#include <bit>
#include <cassert>

#include "codegen/quick/x86_64/operators.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;
namespace Inst = asmjit::x86::Inst;

namespace {

constexpr std::uint64_t truncate(std::uint64_t bits, bool is_64) noexcept { return is_64 ? bits : bits & 0xFFFF'FFFF; }

/// Whether an x86 instruction can hold the value as its sign-extended 32-bit immediate.
constexpr bool fits_immediate(std::uint64_t bits, bool is_64) noexcept {
  return !is_64 || static_cast<std::int64_t>(bits) == static_cast<std::int32_t>(static_cast<std::uint32_t>(bits));
}
constexpr std::int64_t immediate_of(std::uint64_t bits, bool is_64) noexcept {
  return is_64 ? static_cast<std::int64_t>(bits) : static_cast<std::int32_t>(static_cast<std::uint32_t>(bits));
}
constexpr ValueType integer(bool is_64) noexcept { return is_64 ? ValueType::kI64 : ValueType::kI32; }

}  // namespace

void Operators::numeric(Op op) {
  compute(op);
  if (context_.options.canonical_nan) canonicalize_nan(op);
}

void Operators::compute(Op op) {
  using Kind = Condition;
  // eqz turns a waiting comparison around; everything else needs it as a value.
  if (op != Op::kI32Eqz) settle_flags();
  if (wasm::is_vector_operator(op)) return vector_numeric(op);
  switch (op) {
    case Op::kI32Eqz: return integer_eqz(false);
    case Op::kI64Eqz: return integer_eqz(true);
    case Op::kI32Eq: return integer_compare(Kind::kE, false);
    case Op::kI32Ne: return integer_compare(Kind::kNE, false);
    case Op::kI32LtS: return integer_compare(Kind::kL, false);
    case Op::kI32LtU: return integer_compare(Kind::kB, false);
    case Op::kI32GtS: return integer_compare(Kind::kG, false);
    case Op::kI32GtU: return integer_compare(Kind::kA, false);
    case Op::kI32LeS: return integer_compare(Kind::kLE, false);
    case Op::kI32LeU: return integer_compare(Kind::kBE, false);
    case Op::kI32GeS: return integer_compare(Kind::kGE, false);
    case Op::kI32GeU: return integer_compare(Kind::kAE, false);
    case Op::kI64Eq: return integer_compare(Kind::kE, true);
    case Op::kI64Ne: return integer_compare(Kind::kNE, true);
    case Op::kI64LtS: return integer_compare(Kind::kL, true);
    case Op::kI64LtU: return integer_compare(Kind::kB, true);
    case Op::kI64GtS: return integer_compare(Kind::kG, true);
    case Op::kI64GtU: return integer_compare(Kind::kA, true);
    case Op::kI64LeS: return integer_compare(Kind::kLE, true);
    case Op::kI64LeU: return integer_compare(Kind::kBE, true);
    case Op::kI64GeS: return integer_compare(Kind::kGE, true);
    case Op::kI64GeU: return integer_compare(Kind::kAE, true);

    case Op::kI32Clz: return integer_unary(Inst::kIdLzcnt, false);
    case Op::kI32Ctz: return integer_unary(Inst::kIdTzcnt, false);
    case Op::kI32Popcnt: return integer_unary(Inst::kIdPopcnt, false);
    case Op::kI64Clz: return integer_unary(Inst::kIdLzcnt, true);
    case Op::kI64Ctz: return integer_unary(Inst::kIdTzcnt, true);
    case Op::kI64Popcnt: return integer_unary(Inst::kIdPopcnt, true);

    case Op::kI32Add: return integer_add(false);
    case Op::kI64Add: return integer_add(true);
    case Op::kI32Sub: return integer_binary(Inst::kIdSub, false, false);
    case Op::kI64Sub: return integer_binary(Inst::kIdSub, true, false);
    case Op::kI32Mul: return integer_binary(Inst::kIdImul, false, true);
    case Op::kI64Mul: return integer_binary(Inst::kIdImul, true, true);
    case Op::kI32And: return integer_binary(Inst::kIdAnd, false, true);
    case Op::kI64And: return integer_binary(Inst::kIdAnd, true, true);
    case Op::kI32Or: return integer_binary(Inst::kIdOr, false, true);
    case Op::kI64Or: return integer_binary(Inst::kIdOr, true, true);
    case Op::kI32Xor: return integer_binary(Inst::kIdXor, false, true);
    case Op::kI64Xor: return integer_binary(Inst::kIdXor, true, true);

    case Op::kI32DivS: return divide(false, true, false);
    case Op::kI32DivU: return divide(false, false, false);
    case Op::kI32RemS: return divide(false, true, true);
    case Op::kI32RemU: return divide(false, false, true);
    case Op::kI64DivS: return divide(true, true, false);
    case Op::kI64DivU: return divide(true, false, false);
    case Op::kI64RemS: return divide(true, true, true);
    case Op::kI64RemU: return divide(true, false, true);

    case Op::kI32Shl: return shift(Inst::kIdShl, Inst::kIdShlx, false);
    case Op::kI32ShrS: return shift(Inst::kIdSar, Inst::kIdSarx, false);
    case Op::kI32ShrU: return shift(Inst::kIdShr, Inst::kIdShrx, false);
    case Op::kI64Shl: return shift(Inst::kIdShl, Inst::kIdShlx, true);
    case Op::kI64ShrS: return shift(Inst::kIdSar, Inst::kIdSarx, true);
    case Op::kI64ShrU: return shift(Inst::kIdShr, Inst::kIdShrx, true);
    case Op::kI32Rotl: return rotate(Inst::kIdRol, false);
    case Op::kI32Rotr: return rotate(Inst::kIdRor, false);
    case Op::kI64Rotl: return rotate(Inst::kIdRol, true);
    case Op::kI64Rotr: return rotate(Inst::kIdRor, true);

    case Op::kI32WrapI64: return extend(Inst::kIdMov, 32, ValueType::kI32);
    case Op::kI64ExtendI32U: return extend(Inst::kIdMov, 32, ValueType::kI64);
    case Op::kI64ExtendI32S: return extend(Inst::kIdMovsxd, 32, ValueType::kI64);
    case Op::kI64Extend32S: return extend(Inst::kIdMovsxd, 32, ValueType::kI64);
    case Op::kI32Extend8S: return extend(Inst::kIdMovsx, 8, ValueType::kI32);
    case Op::kI32Extend16S: return extend(Inst::kIdMovsx, 16, ValueType::kI32);
    case Op::kI64Extend8S: return extend(Inst::kIdMovsx, 8, ValueType::kI64);
    case Op::kI64Extend16S: return extend(Inst::kIdMovsx, 16, ValueType::kI64);
    case Op::kI64Add128: return wide_add(Inst::kIdAdd, Inst::kIdAdc, true);
    case Op::kI64Sub128: return wide_add(Inst::kIdSub, Inst::kIdSbb, false);
    case Op::kI64MulWideS: return wide_multiply(Inst::kIdImul);
    case Op::kI64MulWideU: return wide_multiply(Inst::kIdMul);
    default: return float_numeric(op);
  }
}

// --- Arithmetic ---

void Operators::integer_binary(InstId inst, bool is_64, bool commutative) {
  Operand right = pop();
  Operand left = pop();
  // A constant belongs on the right, and a register of our own on the left.
  if (commutative && (left.kind == Operand::Kind::kConstant ||
                      (right.kind == Operand::Kind::kRegister && left.kind != Operand::Kind::kRegister))) {
    std::swap(left, right);
  }
  const bool is_immediate = right.kind == Operand::Kind::kConstant && fits_immediate(right.bits, is_64);
  if (inst == Inst::kIdImul && is_immediate) {
    const Register from = use(left);
    const Register to = left.kind == Operand::Kind::kRegister ? left.reg : allocate(false);
    a_.imul(gp(to, is_64), gp(from, is_64), immediate_of(right.bits, is_64));
    push_register(integer(is_64), to);
    release();
    return;
  }
  const Register from = is_immediate ? kNoRegister : use(right);
  const Register to = use_writable(left);
  if (is_immediate)
    a_.emit(inst, gp(to, is_64), asmjit::imm(immediate_of(right.bits, is_64)));
  else
    a_.emit(inst, gp(to, is_64), gp(from, is_64));
  push_register(integer(is_64), to);
  release();
}

// lea adds without destroying an operand.
void Operators::integer_add(bool is_64) {
  const Operand& second = top();
  const Operand& first = top(1);
  if (second.kind == Operand::Kind::kRegister || first.kind == Operand::Kind::kRegister ||
      first.kind == Operand::Kind::kConstant ||
      (second.kind == Operand::Kind::kConstant && !fits_immediate(second.bits, is_64))) {
    return integer_binary(Inst::kIdAdd, is_64, true);
  }
  const Operand right = pop();
  const Operand left = pop();
  const Register base = use(left);
  if (right.kind == Operand::Kind::kConstant) {
    const Register to = allocate(false);
    // lea takes 64-bit registers as its address and keeps as many bits as the destination has.
    a_.lea(gp(to, is_64), x86::ptr(gp64(base), static_cast<std::int32_t>(immediate_of(right.bits, is_64))));
    push_register(integer(is_64), to);
  } else {
    const Register index = use(right);
    const Register to = allocate(false);
    a_.lea(gp(to, is_64), x86::ptr(gp64(base), gp64(index)));
    push_register(integer(is_64), to);
  }
  release();
}

void Operators::integer_unary(InstId inst, bool is_64) {
  const Operand operand = pop();
  const Register from = use(operand);
  const Register to = operand.kind == Operand::Kind::kRegister ? operand.reg : allocate(false);
  a_.emit(inst, gp(to, is_64), gp(from, is_64));
  push_register(integer(is_64), to);
  release();
}

void Operators::extend(InstId inst, std::uint32_t bits, ValueType result) {
  Operand operand = pop();
  const Register from = use(operand);
  const Register to = operand.kind == Operand::Kind::kRegister ? operand.reg : allocate(false);
  // An i32 in a register has a clear upper half, so widening it is nothing to do.
  if (to == from && operand.type == ValueType::kI32 && inst == Inst::kIdMov) {
    push_register(result, to);
    return release();
  }
  const bool is_64 = is_wide(result) && inst != Inst::kIdMov;  // a 32-bit mov clears the upper half
  const Gp source = bits == 8 ? gp32(from).r8() : bits == 16 ? gp32(from).r16() : gp32(from);
  a_.emit(inst, gp(to, is_64), source);
  push_register(result, to);
  release();
}

// --- Comparisons ---

void Operators::integer_eqz(bool is_64) {
  if (top().kind == Operand::Kind::kFlags) return negate_flags();
  const Operand operand = pop();
  const Register reg = use(operand);
  a_.test(gp(reg, is_64), gp(reg, is_64));
  release();
  push_flags(Condition::kE);
}

void Operators::integer_compare(Condition condition, bool is_64) {
  Operand right = pop();
  Operand left = pop();
  if (left.kind == Operand::Kind::kConstant && right.kind != Operand::Kind::kConstant) {
    std::swap(left, right);
    condition = x86::reverseCond(condition);
  }
  if (right.kind == Operand::Kind::kConstant && fits_immediate(right.bits, is_64)) {
    const Register reg = use(left);
    const bool with_zero = right.bits == 0 && (condition == Condition::kE || condition == Condition::kNE);
    if (with_zero)
      a_.test(gp(reg, is_64), gp(reg, is_64));
    else
      a_.cmp(gp(reg, is_64), asmjit::imm(immediate_of(right.bits, is_64)));
  } else {
    const Register b = use(right);
    const Register a = use(left);
    a_.cmp(gp(a, is_64), gp(b, is_64));
  }
  release();
  push_flags(condition);
}

void Operators::select(ValueType type) {
  const Condition condition = pop_condition();
  const Operand otherwise = pop();
  const Operand chosen = pop();
  // From here on only moves, until the flags are read.
  const Register other = use(otherwise);
  const Register to = use_writable(chosen);
  if (is_in_xmm(type)) {
    Label skip;
    a_.j(condition, skip);
    a_.vmovaps(xmm(to), xmm(other));
    a_.bind(skip);
  } else {
    a_.cmov(negate(condition), gp(to, is_wide(type)), gp(other, is_wide(type)));
  }
  push_register(type, to);
  release();
}

// --- Shifts ---

void Operators::shift(InstId by_constant, InstId by_register, bool is_64) {
  const Operand count = pop();
  const Operand value = pop();
  if (count.kind == Operand::Kind::kConstant) {
    const Register to = use_writable(value);
    a_.emit(by_constant, gp(to, is_64), asmjit::imm(count.bits & (is_64 ? 63 : 31)));
    push_register(integer(is_64), to);
  } else {
    const Register by = use(count);
    const Register from = use(value);
    const Register to = value.kind == Operand::Kind::kRegister ? value.reg : allocate(false);
    a_.emit(by_register, gp(to, is_64), gp(from, is_64), gp(by, is_64));  // BMI2; takes the count modulo the width
    push_register(integer(is_64), to);
  }
  release();
}

void Operators::rotate(InstId inst, bool is_64) {
  const Operand count = pop();
  const Operand value = pop();
  if (count.kind == Operand::Kind::kConstant) {
    const Register to = use_writable(value);
    a_.emit(inst, gp(to, is_64), asmjit::imm(count.bits & (is_64 ? 63 : 31)));
    push_register(integer(is_64), to);
  } else {
    // The count must be in cl: rotate in scratch, so that whatever the operands lie in does not matter.
    move_to(kR11, value);
    move_to(kR10, count);
    release();
    claim(kRcx);
    a_.mov(x86::rcx, x86::r10);
    a_.emit(inst, gp(kR11, is_64), x86::cl);
    const Register to = allocate(false);
    a_.mov(gp(to, is_64), gp(kR11, is_64));
    push_register(integer(is_64), to);
  }
  release();
}

// --- Division ---

void Operators::divide(bool is_64, bool is_signed, bool remainder) {
  const Operand divisor = pop();
  const Operand dividend = pop();
  const bool known = divisor.kind == Operand::Kind::kConstant;
  const std::uint64_t by = truncate(divisor.bits, is_64);
  if (known && !is_signed && std::has_single_bit(by)) {
    const Register to = use_writable(dividend);
    if (remainder) {
      if (fits_immediate(by - 1, is_64)) {
        a_.and_(gp(to, is_64), asmjit::imm(immediate_of(by - 1, is_64)));
      } else {
        a_.mov(x86::r11, asmjit::imm(by - 1));
        a_.and_(gp(to, is_64), gp(kR11, is_64));
      }
    } else {
      a_.shr(gp(to, is_64), std::countr_zero(by));
    }
    push_register(integer(is_64), to);
    release();
    return;
  }
  // The instruction wants the dividend in rdx:rax. Both operands go to scratch first, so that rax and rdx can be had
  // whatever they hold.
  move_to(kR10, divisor);
  move_to(kR11, dividend);
  release();
  claim(kRax);
  claim(kRdx);
  const Gp b = gp(kR10, is_64);
  const Gp a = gp(kR11, is_64);
  Label done;
  if (!known || by == 0) {
    a_.test(b, b);
    a_.jz(cold_trap(TrapKind::kIntegerDivideByZero));
  }
  const std::uint64_t minus_one = truncate(~std::uint64_t{0}, is_64);
  const bool may_overflow = is_signed && (!known || by == minus_one);
  if (may_overflow) {
    Label divide;
    a_.cmp(b, -1);
    a_.jne(divide);
    if (remainder) {  // by -1 it is 0, also where the quotient overflows and the instruction would fault
      a_.xor_(x86::edx, x86::edx);
      a_.jmp(done);
    } else {
      a_.mov(x86::rax, asmjit::imm(is_64 ? std::uint64_t{1} << 63 : std::uint64_t{1} << 31));
      a_.cmp(a, gp(kRax, is_64));
      a_.je(cold_trap(TrapKind::kIntegerOverflow));
    }
    a_.bind(divide);
  }
  a_.mov(gp(kRax, is_64), a);
  if (is_signed) {
    is_64 ? a_.cqo() : a_.cdq();
    a_.idiv(b);
  } else {
    a_.xor_(x86::edx, x86::edx);
    a_.div(b);
  }
  a_.bind(done);
  push_register(integer(is_64), remainder ? kRdx : kRax);
  release();
}

// --- Integers of 128 bits ---

void Operators::wide_add(InstId low_half, InstId high_half, bool commutative) {
  struct Half {
    Operand left, right;
    Register to, from;
  };
  Half high{};
  Half low{};
  high.right = pop();
  low.right = pop();
  high.left = pop();
  low.left = pop();
  for (Half* const half : {&low, &high}) {
    Operand& left = half->left;
    Operand& right = half->right;
    if (commutative && (left.kind == Operand::Kind::kConstant ||
                        (right.kind == Operand::Kind::kRegister && left.kind != Operand::Kind::kRegister))) {
      std::swap(left, right);
    }
    const bool is_immediate = right.kind == Operand::Kind::kConstant && fits_immediate(right.bits, true);
    half->from = is_immediate ? kNoRegister : use(right);
    half->to = use_writable(left);
  }
  const auto emit = [&](InstId inst, const Half& half) {
    if (half.from == kNoRegister)
      a_.emit(inst, gp64(half.to), asmjit::imm(immediate_of(half.right.bits, true)));
    else
      a_.emit(inst, gp64(half.to), gp64(half.from));
  };
  emit(low_half, low);
  emit(high_half, high);
  push_register(ValueType::kI64, low.to);
  push_register(ValueType::kI64, high.to);
  release();
}

// rdx:rax = rax * factor.
void Operators::wide_multiply(InstId inst) {
  Operand right = pop();
  Operand left = pop();
  if (register_of(right) == kRax) std::swap(left, right);
  Register factor = register_of(right);
  if (factor == kNoRegister || factor == kRax || factor == kRdx) {
    move_to(kR10, right);
    factor = kR10;
  }
  // Nothing but rax and rdx is claimed, and a register that is given up keeps its value until it is written.
  const Register from = register_of(left);
  release();
  claim(kRax);
  claim(kRdx);
  if (from == kNoRegister)
    move_to(kRax, left);
  else if (from != kRax)
    move_register(kRax, from, ValueType::kI64);
  a_.emit(inst, gp64(factor));
  push_register(ValueType::kI64, kRax);
  push_register(ValueType::kI64, kRdx);
  release();
}

}  // namespace anew::codegen::quick
