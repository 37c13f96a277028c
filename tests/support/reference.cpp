// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/reference.hpp"

#include <bit>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

using wasm::Op;

using I32 = std::int32_t;
using U32 = std::uint32_t;
using I64 = std::int64_t;
using U64 = std::uint64_t;
__extension__ using I128 = __int128;
__extension__ using U128 = unsigned __int128;

// A slot as a C++ value, and back. The conversions between integers keep the low bits, as C++20 defines them.
template <typename T>
T from(U64 bits) noexcept {
  if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<float>(static_cast<U32>(bits));
  else if constexpr (std::is_same_v<T, double>)
    return std::bit_cast<double>(bits);
  else
    return static_cast<T>(bits);
}
template <typename T>
Outcome to(T value) noexcept {
  if constexpr (std::is_same_v<T, float>)
    return {TrapKind::kNone, std::bit_cast<U32>(value)};
  else if constexpr (std::is_same_v<T, double>)
    return {TrapKind::kNone, std::bit_cast<U64>(value)};
  else if constexpr (sizeof(T) == 8)
    return {TrapKind::kNone, static_cast<U64>(value)};
  else
    return {TrapKind::kNone, static_cast<U32>(value)};
}
Outcome trap(TrapKind kind) noexcept { return {kind, 0}; }

template <typename T>
Outcome divide(T a, T b, bool remainder) noexcept {
  if (b == 0) return trap(TrapKind::kIntegerDivideByZero);
  if (std::is_signed_v<T> && a == std::numeric_limits<T>::min() && b == static_cast<T>(-1))
    return remainder ? to(T{0}) : trap(TrapKind::kIntegerOverflow);
  return to(static_cast<T>(remainder ? a % b : a / b));
}

template <typename F>
F minimum(F a, F b) noexcept {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<F>::quiet_NaN();
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
template <typename F>
F maximum(F a, F b) noexcept {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<F>::quiet_NaN();
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

/// @param x  the operand; a float widened to double keeps its value.
template <typename T>
Outcome truncate(double x, bool saturate) noexcept {
  const double whole = std::trunc(x);
  // Both limits are powers of two or zero, so they are exact.
  const double low = static_cast<double>(std::numeric_limits<T>::min());
  const double past = std::ldexp(1.0, std::numeric_limits<T>::digits);
  if (std::isnan(x)) return saturate ? to(T{0}) : trap(TrapKind::kInvalidConversionToInteger);
  if (whole < low) return saturate ? to(std::numeric_limits<T>::min()) : trap(TrapKind::kIntegerOverflow);
  if (whole >= past) return saturate ? to(std::numeric_limits<T>::max()) : trap(TrapKind::kIntegerOverflow);
  return to(static_cast<T>(whole));
}

/// By way of the 64-bit mantissa of long double, which holds every integer: one rounding.
template <typename F, typename T>
Outcome convert(T value) noexcept {
  static_assert(std::numeric_limits<long double>::digits >= 64);
  return to(static_cast<F>(static_cast<long double>(value)));
}

template <typename T>
Outcome integer(Op base, Op op, U64 x, U64 y) {
  using S = std::make_signed_t<T>;
  const T a = from<T>(x);
  const T b = from<T>(y);
  const S sa = from<S>(x);
  const S sb = from<S>(y);
  const int count = static_cast<int>(b % std::numeric_limits<T>::digits);
  // In the order of the opcodes, which are the same for both widths.
  switch (static_cast<int>(op) - static_cast<int>(base)) {
    case 0: return to(static_cast<U32>(std::countl_zero(a)));  // the caller widens the count
    case 1: return to(static_cast<U32>(std::countr_zero(a)));
    case 2: return to(static_cast<U32>(std::popcount(a)));
    case 3: return to(static_cast<T>(a + b));
    case 4: return to(static_cast<T>(a - b));
    case 5: return to(static_cast<T>(a * b));
    case 6: return divide(sa, sb, false);
    case 7: return divide(a, b, false);
    case 8: return divide(sa, sb, true);
    case 9: return divide(a, b, true);
    case 10: return to(static_cast<T>(a & b));
    case 11: return to(static_cast<T>(a | b));
    case 12: return to(static_cast<T>(a ^ b));
    case 13: return to(static_cast<T>(a << count));
    case 14: return to(static_cast<S>(sa >> count));
    case 15: return to(static_cast<T>(a >> count));
    case 16: return to(std::rotl(a, count));
    case 17: return to(std::rotr(a, count));
    default: std::abort();
  }
}

template <typename T>
Outcome integer_compare(Op base, Op op, U64 x, U64 y) {
  using S = std::make_signed_t<T>;
  const T a = from<T>(x);
  const T b = from<T>(y);
  const S sa = from<S>(x);
  const S sb = from<S>(y);
  switch (static_cast<int>(op) - static_cast<int>(base)) {
    case 0: return to<U32>(a == 0);
    case 1: return to<U32>(a == b);
    case 2: return to<U32>(a != b);
    case 3: return to<U32>(sa < sb);
    case 4: return to<U32>(a < b);
    case 5: return to<U32>(sa > sb);
    case 6: return to<U32>(a > b);
    case 7: return to<U32>(sa <= sb);
    case 8: return to<U32>(a <= b);
    case 9: return to<U32>(sa >= sb);
    case 10: return to<U32>(a >= b);
    default: std::abort();
  }
}

template <typename F>
Outcome float_compare(Op base, Op op, U64 x, U64 y) {
  const F a = from<F>(x);
  const F b = from<F>(y);
  switch (static_cast<int>(op) - static_cast<int>(base)) {
    case 0: return to<U32>(a == b);
    case 1: return to<U32>(!(a == b));
    case 2: return to<U32>(a < b);
    case 3: return to<U32>(a > b);
    case 4: return to<U32>(a <= b);
    case 5: return to<U32>(a >= b);
    default: std::abort();
  }
}

template <typename F>
Outcome floating(Op base, Op op, U64 x, U64 y) {
  const F a = from<F>(x);
  const F b = from<F>(y);
  const U64 sign = sizeof(F) == 4 ? U64{1} << 31 : U64{1} << 63;
  switch (static_cast<int>(op) - static_cast<int>(base)) {
    case 0: return {TrapKind::kNone, x & ~sign};
    case 1: return {TrapKind::kNone, x ^ sign};
    case 2: return to(std::ceil(a));
    case 3: return to(std::floor(a));
    case 4: return to(std::trunc(a));
    case 5: return to(std::nearbyint(a));  // the thread's rounding mode is to nearest, ties to even
    case 6: return to(std::sqrt(a));
    case 7: return to(static_cast<F>(a + b));
    case 8: return to(static_cast<F>(a - b));
    case 9: return to(static_cast<F>(a * b));
    case 10: return to(static_cast<F>(a / b));
    case 11: return to(minimum(a, b));
    case 12: return to(maximum(a, b));
    case 13: return {TrapKind::kNone, (x & ~sign) | (y & sign)};
    default: std::abort();
  }
}

constexpr bool between(Op first, Op op, Op last) noexcept { return first <= op && op <= last; }

}  // namespace

Outcome evaluate(Op op, U64 a, U64 b) {
  if (between(Op::kI32Eqz, op, Op::kI32GeU)) return integer_compare<U32>(Op::kI32Eqz, op, a, b);
  if (between(Op::kI64Eqz, op, Op::kI64GeU)) return integer_compare<U64>(Op::kI64Eqz, op, a, b);
  if (between(Op::kF32Eq, op, Op::kF32Ge)) return float_compare<float>(Op::kF32Eq, op, a, b);
  if (between(Op::kF64Eq, op, Op::kF64Ge)) return float_compare<double>(Op::kF64Eq, op, a, b);
  if (between(Op::kI32Clz, op, Op::kI32Rotr)) return integer<U32>(Op::kI32Clz, op, a, b);
  if (between(Op::kI64Clz, op, Op::kI64Rotr)) return integer<U64>(Op::kI64Clz, op, a, b);
  if (between(Op::kF32Abs, op, Op::kF32Copysign)) return floating<float>(Op::kF32Abs, op, a, b);
  if (between(Op::kF64Abs, op, Op::kF64Copysign)) return floating<double>(Op::kF64Abs, op, a, b);
  const double f32 = from<float>(a);
  const double f64 = from<double>(a);
  switch (op) {
    case Op::kI32WrapI64: return to(static_cast<U32>(a));
    case Op::kI32TruncF32S: return truncate<I32>(f32, false);
    case Op::kI32TruncF32U: return truncate<U32>(f32, false);
    case Op::kI32TruncF64S: return truncate<I32>(f64, false);
    case Op::kI32TruncF64U: return truncate<U32>(f64, false);
    case Op::kI64ExtendI32S: return to(I64{from<I32>(a)});
    case Op::kI64ExtendI32U: return to(U64{from<U32>(a)});
    case Op::kI64TruncF32S: return truncate<I64>(f32, false);
    case Op::kI64TruncF32U: return truncate<U64>(f32, false);
    case Op::kI64TruncF64S: return truncate<I64>(f64, false);
    case Op::kI64TruncF64U: return truncate<U64>(f64, false);
    case Op::kF32ConvertI32S: return convert<float>(from<I32>(a));
    case Op::kF32ConvertI32U: return convert<float>(from<U32>(a));
    case Op::kF32ConvertI64S: return convert<float>(from<I64>(a));
    case Op::kF32ConvertI64U: return convert<float>(from<U64>(a));
    case Op::kF32DemoteF64: return to(static_cast<float>(f64));
    case Op::kF64ConvertI32S: return convert<double>(from<I32>(a));
    case Op::kF64ConvertI32U: return convert<double>(from<U32>(a));
    case Op::kF64ConvertI64S: return convert<double>(from<I64>(a));
    case Op::kF64ConvertI64U: return convert<double>(from<U64>(a));
    case Op::kF64PromoteF32: return to(f32);
    case Op::kI32ReinterpretF32:
    case Op::kF32ReinterpretI32:
    case Op::kI64ReinterpretF64:
    case Op::kF64ReinterpretI64: return {TrapKind::kNone, a};
    case Op::kI32Extend8S: return to(I32{from<std::int8_t>(a)});
    case Op::kI32Extend16S: return to(I32{from<std::int16_t>(a)});
    case Op::kI64Extend8S: return to(I64{from<std::int8_t>(a)});
    case Op::kI64Extend16S: return to(I64{from<std::int16_t>(a)});
    case Op::kI64Extend32S: return to(I64{from<I32>(a)});
    case Op::kI32TruncSatF32S: return truncate<I32>(f32, true);
    case Op::kI32TruncSatF32U: return truncate<U32>(f32, true);
    case Op::kI32TruncSatF64S: return truncate<I32>(f64, true);
    case Op::kI32TruncSatF64U: return truncate<U32>(f64, true);
    case Op::kI64TruncSatF32S: return truncate<I64>(f32, true);
    case Op::kI64TruncSatF32U: return truncate<U64>(f32, true);
    case Op::kI64TruncSatF64S: return truncate<I64>(f64, true);
    case Op::kI64TruncSatF64U: return truncate<U64>(f64, true);
    default: std::abort();  // the operator table has no other numeric operator
  }
}

std::array<U64, 2> evaluate_wide(Op op, std::span<const U64> operands) {
  const auto whole = [&](std::size_t low) { return U128{operands[low + 1]} << 64 | operands[low]; };
  const auto as_signed = [&](std::size_t i) { return I128{static_cast<I64>(operands[i])}; };
  U128 result = 0;
  switch (op) {
    case Op::kI64Add128: result = whole(0) + whole(2); break;
    case Op::kI64Sub128: result = whole(0) - whole(2); break;
    case Op::kI64MulWideS: result = static_cast<U128>(as_signed(0) * as_signed(1)); break;
    case Op::kI64MulWideU: result = U128{operands[0]} * operands[1]; break;
    default: std::abort();
  }
  return {static_cast<U64>(result), static_cast<U64>(result >> 64)};
}

U64 updated(Op op, U64 old, U64 first, U64 second) {
  const auto has = [name = wasm::to_string(op)](std::string_view part) { return name.find(part) != name.npos; };
  if (has(".cmpxchg")) {
    const std::uint32_t bits = 8u << wasm::signature_of(op).access_log2;
    return old == (bits == 64 ? first : first & ((U64{1} << bits) - 1)) ? second : old;
  }
  if (has(".store") || has(".xchg")) return first;
  if (has(".add")) return old + first;
  if (has(".sub")) return old - first;
  if (has(".and")) return old & first;
  if (has(".xor")) return old ^ first;
  if (has(".or")) return old | first;
  return old;
}

Outcome canonical(Op op, Outcome outcome) noexcept {
  // Of the operators with floats as results these move bits, and the conversions from integers give numbers.
  switch (op) {
    case Op::kF32Abs:
    case Op::kF32Neg:
    case Op::kF32Copysign:
    case Op::kF64Abs:
    case Op::kF64Neg:
    case Op::kF64Copysign:
    case Op::kF32ReinterpretI32:
    case Op::kF64ReinterpretI64: return outcome;
    default: break;
  }
  const ValueType type = wasm::signature_of(op).result;
  if (is_nan(type, outcome.bits)) outcome.bits = type == ValueType::kF32 ? 0x7FC0'0000 : 0x7FF8'0000'0000'0000;
  return outcome;
}

bool is_nan(ValueType type, U64 bits) noexcept {
  if (type == ValueType::kF32) return std::isnan(from<float>(bits));
  if (type == ValueType::kF64) return std::isnan(from<double>(bits));
  return false;
}

bool same_value(ValueType type, U64 a, U64 b) noexcept { return a == b || (is_nan(type, a) && is_nan(type, b)); }

const std::vector<U64>& corner_values(ValueType type) {
  static const std::vector<U64> i32 = {0,           1,           2,           3,           5,           7,
                                       10,          31,          32,          33,          63,          64,
                                       127,         128,         255,         256,         0x7FFF,      0x8000,
                                       0xFFFF,      0x1'0000,    0x0100'0000, 0x0100'0001, 0x4000'0000, 0x7FFF'FFFE,
                                       0x7FFF'FFFF, 0x8000'0000, 0x8000'0001, 0xFFFF'FF7F, 0xFFFF'FF80, 0xFFFF'8000,
                                       0xFFFF'FFFE, 0xFFFF'FFFF, 0x1234'5678, 0xDEAD'BEEF};
  static const std::vector<U64> i64 = {0,
                                       1,
                                       2,
                                       3,
                                       7,
                                       31,
                                       32,
                                       63,
                                       64,
                                       65,
                                       128,
                                       0x8000,
                                       0x7FFF'FFFF,
                                       0x8000'0000,
                                       0x8000'0001,
                                       0xFFFF'FFFF,
                                       0x1'0000'0000,
                                       0x1'0000'0001,
                                       0x20'0000'0000'0000,
                                       0x20'0000'0000'0001,
                                       0x4000'0000'0000'0000,
                                       0x7FFF'FF40'0000'0001,
                                       0x7FFF'FFFF'FFFF'FBFF,
                                       0x7FFF'FFFF'FFFF'FFFF,
                                       0x8000'0000'0000'0000,
                                       0x8000'0000'0000'0001,
                                       0x8000'0080'0000'0001,
                                       0xFFFF'FFFF'0000'0000,
                                       0xFFFF'FFFF'7FFF'FFFF,
                                       0xFFFF'FFFF'8000'0000,
                                       0xFFFF'FFFF'FFFF'FF80,
                                       0xFFFF'FFFF'FFFF'FFFE,
                                       0xFFFF'FFFF'FFFF'FFFF,
                                       0x0123'4567'89AB'CDEF,
                                       0xDEAD'BEEF'CAFE'F00D};
  static const auto floats = [](auto zero) {
    using F = decltype(zero);
    std::vector<U64> result;
    auto add = [&](F value) {
      result.push_back(to(value).bits);
      result.push_back(to(static_cast<F>(-value)).bits);
    };
    for (const F value :
         {F{0}, F(0.5), F(0.99), F(1), F(1.5), F(2.5), F(3), F(1e10), F(16777217), F(4503599627370497.5)}) {
      add(value);
    }
    using Limits = std::numeric_limits<F>;
    for (const F value : {Limits::denorm_min(), Limits::min(), Limits::max(), Limits::infinity()}) add(value);
    for (const int exponent : {31, 32, 63, 64}) {
      const F power = std::ldexp(F{1}, exponent);
      add(power);
      add(std::nextafter(power, F{0}));
      add(std::nextafter(power, Limits::infinity()));
    }
    // Between the largest integer of a narrower type and the next one.
    for (const F value : {F(2147483647.5), F(2147483648.5), F(4294967295.5)}) add(value);
    if constexpr (sizeof(F) == 4) {
      for (const U64 nan : {0x7FC0'0000, 0x7F80'0001, 0x7FFF'FFFF}) {
        result.push_back(nan);
        result.push_back(nan | U64{1} << 31);
      }
    } else {
      for (const U64 nan : {0x7FF8'0000'0000'0000, 0x7FF0'0000'0000'0001, 0x7FFF'FFFF'FFFF'FFFF}) {
        result.push_back(nan);
        result.push_back(nan | U64{1} << 63);
      }
    }
    return result;
  };
  static const std::vector<U64> f32 = floats(float{0});
  static const std::vector<U64> f64 = floats(double{0});
  switch (type) {
    case ValueType::kI32: return i32;
    case ValueType::kI64: return i64;
    case ValueType::kF32: return f32;
    case ValueType::kF64: return f64;
    default: std::abort();  // numeric operators have no other operands
  }
}

const std::vector<Op>& numeric_operators() {
  static const std::vector<Op> operators = {
#define ANEW_X(name, ...) Op::k##name,
      ANEW_NUMERIC_OPERATORS(ANEW_X)
#undef ANEW_X
  };
  return operators;
}

}  // namespace anew::codegen::test
