// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/vector_reference.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include "support/generator.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

using wasm::Op;

using I8 = std::int8_t;
using U8 = std::uint8_t;
using I16 = std::int16_t;
using U16 = std::uint16_t;
using I32 = std::int32_t;
using U32 = std::uint32_t;
using I64 = std::int64_t;
using U64 = std::uint64_t;

template <typename T>
using Lanes = std::array<T, 16 / sizeof(T)>;

template <typename T>
Lanes<T> lanes_of(const Vector& vector) noexcept {
  return std::bit_cast<Lanes<T>>(vector);
}
template <typename T>
Vector vector_of(const Lanes<T>& lanes) noexcept {
  return std::bit_cast<Vector>(lanes);
}
Vector scalar(U64 bits) noexcept { return {bits, 0}; }

/// A vector with f(i) in lane i. Only the low bits of an integer count.
template <typename T, typename F>
Vector generate(F f) {
  Lanes<T> result{};
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<T>(f(i));
  return vector_of<T>(result);
}
template <typename T, typename F>
Vector map(const Vector& a, F f) {
  return generate<T>([&](std::size_t i) { return f(lanes_of<T>(a)[i]); });
}
template <typename T, typename F>
Vector zip(const Vector& a, const Vector& b, F f) {
  return generate<T>([&](std::size_t i) { return f(lanes_of<T>(a)[i], lanes_of<T>(b)[i]); });
}

/// The unsigned lanes and those twice as wide.
template <typename T>
using Bits = std::make_unsigned_t<T>;
template <typename T>
using Wider = std::conditional_t<std::is_signed_v<T>,
                                 std::conditional_t<sizeof(T) == 1, I16, std::conditional_t<sizeof(T) == 2, I32, I64>>,
                                 std::conditional_t<sizeof(T) == 1, U16, std::conditional_t<sizeof(T) == 2, U32, U64>>>;

/// All ones where the comparison holds.
template <typename T, typename F>
Vector compare(const Vector& a, const Vector& b, F f) {
  return generate<Bits<T>>(
      [&](std::size_t i) { return f(lanes_of<T>(a)[i], lanes_of<T>(b)[i]) ? ~Bits<T>{0} : Bits<T>{0}; });
}

// The operator on scalars of type T does it.
template <typename T>
Vector by_scalar(Op op, const Vector& a, const Vector& b = {}) {
  return zip<T>(a, b, [&](T x, T y) { return evaluate(op, x, y).bits; });
}
template <typename T>
Vector compare_by_scalar(Op op, const Vector& a, const Vector& b) {
  return compare<T>(a, b, [&](T x, T y) { return evaluate(op, x, y).bits != 0; });
}

template <typename T>
T saturate(I64 value) noexcept {
  return static_cast<T>(std::clamp<I64>(value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

constexpr auto kLess = [](auto x, auto y) { return x < y; };
constexpr auto kGreater = [](auto x, auto y) { return x > y; };
constexpr auto kLessEqual = [](auto x, auto y) { return x <= y; };
constexpr auto kGreaterEqual = [](auto x, auto y) { return x >= y; };
constexpr auto kSmaller = [](auto x, auto y) { return std::min(x, y); };
constexpr auto kLarger = [](auto x, auto y) { return std::max(x, y); };
constexpr auto kAverage = [](auto x, auto y) { return (U32{x} + U32{y} + 1) / 2; };
constexpr auto kQ15Product = [](I16 x, I16 y) { return saturate<I16>((I64{x} * y + 0x4000) >> 15); };
// Computed with unsigned numbers: they wrap.
constexpr auto kMagnitude = [](auto x) {
  using T = Bits<decltype(x)>;
  return x < 0 ? static_cast<T>(T{0} - static_cast<T>(x)) : static_cast<T>(x);
};

template <typename T>
Vector shift(const Vector& a, const Vector& count, bool left) {
  const auto by = static_cast<unsigned>(count[0] % (8 * sizeof(T)));
  return map<T>(a, [&](T x) { return left ? static_cast<T>(static_cast<Bits<T>>(x) << by) : static_cast<T>(x >> by); });
}

/// The lower lanes of the result are the first operand's.
template <typename From, typename To>
Vector narrow(const Vector& a, const Vector& b) {
  constexpr std::size_t kHalf = 8 / sizeof(To);
  return generate<To>(
      [&](std::size_t i) { return saturate<To>(i < kHalf ? lanes_of<From>(a)[i] : lanes_of<From>(b)[i - kHalf]); });
}
template <typename T>
Vector extend(const Vector& a, bool high) {
  return generate<Wider<T>>([&](std::size_t i) { return lanes_of<T>(a)[i + (high ? 8 / sizeof(T) : 0)]; });
}
template <typename T>
Vector extmul(const Vector& a, const Vector& b, bool high) {
  return zip<Wider<T>>(extend<T>(a, high), extend<T>(b, high),
                       [](auto x, auto y) { return static_cast<U64>(x) * static_cast<U64>(y); });
}
template <typename T>
Vector extadd_pairwise(const Vector& a) {
  const Lanes<T> lanes = lanes_of<T>(a);
  return generate<Wider<T>>([&](std::size_t i) { return lanes[2 * i] + lanes[2 * i + 1]; });
}
Vector dot_words(const Vector& a, const Vector& b) {
  const Lanes<I16> x = lanes_of<I16>(a);
  const Lanes<I16> y = lanes_of<I16>(b);
  return generate<U32>([&](std::size_t i) { return I64{x[2 * i]} * y[2 * i] + I64{x[2 * i + 1]} * y[2 * i + 1]; });
}
/// A choice of Anew's (see vector.cpp of the quick tier).
Vector relaxed_dot_bytes(const Vector& a, const Vector& b) {
  const Lanes<I8> x = lanes_of<I8>(a);
  const Lanes<U8> y = lanes_of<U8>(b);
  return generate<I16>([&](std::size_t i) { return saturate<I16>(x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1]); });
}

template <typename T>
U64 bitmask(const Vector& a) {
  U64 mask = 0;
  for (std::size_t i = 0; i < 16 / sizeof(T); ++i) mask |= U64{lanes_of<T>(a)[i] < 0} << i;
  return mask;
}
template <typename T>
U64 all_true(const Vector& a) {
  return std::ranges::all_of(lanes_of<T>(a), [](T lane) { return lane != 0; }) ? 1 : 0;
}

Vector swizzle(const Vector& a, const Vector& b) {
  return map<U8>(b, [&](U8 index) { return index < 16 ? lanes_of<U8>(a)[index] : U8{0}; });
}

/// @param negate  the product.
template <typename F>
Vector multiply_add(const VectorOperands& v, bool negate) {
  const Lanes<F> a = lanes_of<F>(v[0]);
  const Lanes<F> b = lanes_of<F>(v[1]);
  const Lanes<F> c = lanes_of<F>(v[2]);
  return generate<F>([&](std::size_t i) { return std::fma(negate ? -a[i] : a[i], b[i], c[i]); });
}

/// The lower lanes converted, the upper ones of the result zero.
template <typename From, typename To>
Vector convert_low(Op op, const Vector& a) {
  constexpr std::size_t kCount = std::min(Lanes<From>{}.size(), Lanes<To>{}.size());
  return generate<To>([&](std::size_t i) { return i < kCount ? evaluate(op, lanes_of<From>(a)[i], 0).bits : 0; });
}

Vector bits(Op op, const VectorOperands& v) {
  const auto& [a, b, c] = v;
  switch (op) {
    case Op::kV128Not: return map<U64>(a, [](U64 x) { return ~x; });
    case Op::kV128And: return zip<U64>(a, b, [](U64 x, U64 y) { return x & y; });
    case Op::kV128Andnot: return zip<U64>(a, b, [](U64 x, U64 y) { return x & ~y; });
    case Op::kV128Or: return zip<U64>(a, b, [](U64 x, U64 y) { return x | y; });
    case Op::kV128Xor: return zip<U64>(a, b, [](U64 x, U64 y) { return x ^ y; });
    case Op::kV128Bitselect:
    case Op::kI8x16RelaxedLaneselect:
    case Op::kI16x8RelaxedLaneselect:
    case Op::kI32x4RelaxedLaneselect:
    case Op::kI64x2RelaxedLaneselect:
      return generate<U64>([&](std::size_t i) { return (v[0][i] & v[2][i]) | (v[1][i] & ~v[2][i]); });
    case Op::kV128AnyTrue: return scalar((a[0] | a[1]) != 0 ? 1 : 0);
    case Op::kI8x16Swizzle:
    case Op::kI8x16RelaxedSwizzle: return swizzle(a, b);
    case Op::kI8x16Splat: return generate<U8>([&](std::size_t) { return v[0][0]; });
    case Op::kI16x8Splat: return generate<U16>([&](std::size_t) { return v[0][0]; });
    case Op::kI32x4Splat:
    case Op::kF32x4Splat: return generate<U32>([&](std::size_t) { return v[0][0]; });
    case Op::kI64x2Splat:
    case Op::kF64x2Splat: return {a[0], a[0]};
    default: std::abort();  // the reference does not know an operator: see vector_test.cpp
  }
}

Vector floats(Op op, const VectorOperands& v) {
  const auto& [a, b, c] = v;
  switch (op) {
    case Op::kF32x4Eq: return compare_by_scalar<U32>(Op::kF32Eq, a, b);
    case Op::kF32x4Ne: return compare_by_scalar<U32>(Op::kF32Ne, a, b);
    case Op::kF32x4Lt: return compare_by_scalar<U32>(Op::kF32Lt, a, b);
    case Op::kF32x4Gt: return compare_by_scalar<U32>(Op::kF32Gt, a, b);
    case Op::kF32x4Le: return compare_by_scalar<U32>(Op::kF32Le, a, b);
    case Op::kF32x4Ge: return compare_by_scalar<U32>(Op::kF32Ge, a, b);
    case Op::kF64x2Eq: return compare_by_scalar<U64>(Op::kF64Eq, a, b);
    case Op::kF64x2Ne: return compare_by_scalar<U64>(Op::kF64Ne, a, b);
    case Op::kF64x2Lt: return compare_by_scalar<U64>(Op::kF64Lt, a, b);
    case Op::kF64x2Gt: return compare_by_scalar<U64>(Op::kF64Gt, a, b);
    case Op::kF64x2Le: return compare_by_scalar<U64>(Op::kF64Le, a, b);
    case Op::kF64x2Ge: return compare_by_scalar<U64>(Op::kF64Ge, a, b);

    case Op::kF32x4Ceil: return by_scalar<U32>(Op::kF32Ceil, a);
    case Op::kF32x4Floor: return by_scalar<U32>(Op::kF32Floor, a);
    case Op::kF32x4Trunc: return by_scalar<U32>(Op::kF32Trunc, a);
    case Op::kF32x4Nearest: return by_scalar<U32>(Op::kF32Nearest, a);
    case Op::kF32x4Abs: return by_scalar<U32>(Op::kF32Abs, a);
    case Op::kF32x4Neg: return by_scalar<U32>(Op::kF32Neg, a);
    case Op::kF32x4Sqrt: return by_scalar<U32>(Op::kF32Sqrt, a);
    case Op::kF32x4Add: return by_scalar<U32>(Op::kF32Add, a, b);
    case Op::kF32x4Sub: return by_scalar<U32>(Op::kF32Sub, a, b);
    case Op::kF32x4Mul: return by_scalar<U32>(Op::kF32Mul, a, b);
    case Op::kF32x4Div: return by_scalar<U32>(Op::kF32Div, a, b);
    case Op::kF32x4Min:
    case Op::kF32x4RelaxedMin: return by_scalar<U32>(Op::kF32Min, a, b);
    case Op::kF32x4Max:
    case Op::kF32x4RelaxedMax: return by_scalar<U32>(Op::kF32Max, a, b);
    case Op::kF32x4Pmin:
      return zip<U32>(a, b, [](U32 x, U32 y) { return evaluate(Op::kF32Lt, y, x).bits != 0 ? y : x; });
    case Op::kF32x4Pmax:
      return zip<U32>(a, b, [](U32 x, U32 y) { return evaluate(Op::kF32Lt, x, y).bits != 0 ? y : x; });
    case Op::kF64x2Ceil: return by_scalar<U64>(Op::kF64Ceil, a);
    case Op::kF64x2Floor: return by_scalar<U64>(Op::kF64Floor, a);
    case Op::kF64x2Trunc: return by_scalar<U64>(Op::kF64Trunc, a);
    case Op::kF64x2Nearest: return by_scalar<U64>(Op::kF64Nearest, a);
    case Op::kF64x2Abs: return by_scalar<U64>(Op::kF64Abs, a);
    case Op::kF64x2Neg: return by_scalar<U64>(Op::kF64Neg, a);
    case Op::kF64x2Sqrt: return by_scalar<U64>(Op::kF64Sqrt, a);
    case Op::kF64x2Add: return by_scalar<U64>(Op::kF64Add, a, b);
    case Op::kF64x2Sub: return by_scalar<U64>(Op::kF64Sub, a, b);
    case Op::kF64x2Mul: return by_scalar<U64>(Op::kF64Mul, a, b);
    case Op::kF64x2Div: return by_scalar<U64>(Op::kF64Div, a, b);
    case Op::kF64x2Min:
    case Op::kF64x2RelaxedMin: return by_scalar<U64>(Op::kF64Min, a, b);
    case Op::kF64x2Max:
    case Op::kF64x2RelaxedMax: return by_scalar<U64>(Op::kF64Max, a, b);
    case Op::kF64x2Pmin:
      return zip<U64>(a, b, [](U64 x, U64 y) { return evaluate(Op::kF64Lt, y, x).bits != 0 ? y : x; });
    case Op::kF64x2Pmax:
      return zip<U64>(a, b, [](U64 x, U64 y) { return evaluate(Op::kF64Lt, x, y).bits != 0 ? y : x; });
    case Op::kF32x4RelaxedMadd: return multiply_add<float>(v, false);
    case Op::kF32x4RelaxedNmadd: return multiply_add<float>(v, true);
    case Op::kF64x2RelaxedMadd: return multiply_add<double>(v, false);
    case Op::kF64x2RelaxedNmadd: return multiply_add<double>(v, true);

    case Op::kF32x4DemoteF64x2Zero: return convert_low<U64, U32>(Op::kF32DemoteF64, a);
    case Op::kF64x2PromoteLowF32x4: return convert_low<U32, U64>(Op::kF64PromoteF32, a);
    case Op::kF32x4ConvertI32x4S: return by_scalar<U32>(Op::kF32ConvertI32S, a);
    case Op::kF32x4ConvertI32x4U: return by_scalar<U32>(Op::kF32ConvertI32U, a);
    case Op::kF64x2ConvertLowI32x4S: return convert_low<U32, U64>(Op::kF64ConvertI32S, a);
    case Op::kF64x2ConvertLowI32x4U: return convert_low<U32, U64>(Op::kF64ConvertI32U, a);
    case Op::kI32x4TruncSatF32x4S:
    case Op::kI32x4RelaxedTruncF32x4S: return by_scalar<U32>(Op::kI32TruncSatF32S, a);
    case Op::kI32x4TruncSatF32x4U:
    case Op::kI32x4RelaxedTruncF32x4U: return by_scalar<U32>(Op::kI32TruncSatF32U, a);
    case Op::kI32x4TruncSatF64x2SZero:
    case Op::kI32x4RelaxedTruncF64x2SZero: return convert_low<U64, U32>(Op::kI32TruncSatF64S, a);
    case Op::kI32x4TruncSatF64x2UZero:
    case Op::kI32x4RelaxedTruncF64x2UZero: return convert_low<U64, U32>(Op::kI32TruncSatF64U, a);
    default: return bits(op, v);
  }
}

}  // namespace

// Integer lanes; whatever is none of these is handed on.
Vector evaluate_vector(Op op, const VectorOperands& v) {
  const auto& [a, b, c] = v;
  constexpr auto kEqual = [](auto x, auto y) { return x == y; };
  constexpr auto kUnequal = [](auto x, auto y) { return x != y; };
  constexpr auto kSum = [](auto x, auto y) { return x + y; };
  constexpr auto kDifference = [](auto x, auto y) { return x - y; };
  constexpr auto kNegative = [](auto x) { return U64{0} - x; };
  switch (op) {
    case Op::kI8x16Eq: return compare<U8>(a, b, kEqual);
    case Op::kI8x16Ne: return compare<U8>(a, b, kUnequal);
    case Op::kI8x16LtS: return compare<I8>(a, b, kLess);
    case Op::kI8x16LtU: return compare<U8>(a, b, kLess);
    case Op::kI8x16GtS: return compare<I8>(a, b, kGreater);
    case Op::kI8x16GtU: return compare<U8>(a, b, kGreater);
    case Op::kI8x16LeS: return compare<I8>(a, b, kLessEqual);
    case Op::kI8x16LeU: return compare<U8>(a, b, kLessEqual);
    case Op::kI8x16GeS: return compare<I8>(a, b, kGreaterEqual);
    case Op::kI8x16GeU: return compare<U8>(a, b, kGreaterEqual);
    case Op::kI8x16Abs: return map<I8>(a, kMagnitude);
    case Op::kI8x16Neg: return map<U8>(a, kNegative);
    case Op::kI8x16Popcnt: return map<U8>(a, [](U8 x) { return std::popcount(x); });
    case Op::kI8x16AllTrue: return scalar(all_true<U8>(a));
    case Op::kI8x16Bitmask: return scalar(bitmask<I8>(a));
    case Op::kI8x16NarrowI16x8S: return narrow<I16, I8>(a, b);
    case Op::kI8x16NarrowI16x8U: return narrow<I16, U8>(a, b);
    case Op::kI8x16Shl: return shift<U8>(a, b, true);
    case Op::kI8x16ShrS: return shift<I8>(a, b, false);
    case Op::kI8x16ShrU: return shift<U8>(a, b, false);
    case Op::kI8x16Add: return zip<U8>(a, b, kSum);
    case Op::kI8x16AddSatS: return zip<I8>(a, b, [](I8 x, I8 y) { return saturate<I8>(x + y); });
    case Op::kI8x16AddSatU: return zip<U8>(a, b, [](U8 x, U8 y) { return saturate<U8>(x + y); });
    case Op::kI8x16Sub: return zip<U8>(a, b, kDifference);
    case Op::kI8x16SubSatS: return zip<I8>(a, b, [](I8 x, I8 y) { return saturate<I8>(x - y); });
    case Op::kI8x16SubSatU: return zip<U8>(a, b, [](U8 x, U8 y) { return saturate<U8>(x - y); });
    case Op::kI8x16MinS: return zip<I8>(a, b, kSmaller);
    case Op::kI8x16MinU: return zip<U8>(a, b, kSmaller);
    case Op::kI8x16MaxS: return zip<I8>(a, b, kLarger);
    case Op::kI8x16MaxU: return zip<U8>(a, b, kLarger);
    case Op::kI8x16AvgrU: return zip<U8>(a, b, kAverage);

    case Op::kI16x8Eq: return compare<U16>(a, b, kEqual);
    case Op::kI16x8Ne: return compare<U16>(a, b, kUnequal);
    case Op::kI16x8LtS: return compare<I16>(a, b, kLess);
    case Op::kI16x8LtU: return compare<U16>(a, b, kLess);
    case Op::kI16x8GtS: return compare<I16>(a, b, kGreater);
    case Op::kI16x8GtU: return compare<U16>(a, b, kGreater);
    case Op::kI16x8LeS: return compare<I16>(a, b, kLessEqual);
    case Op::kI16x8LeU: return compare<U16>(a, b, kLessEqual);
    case Op::kI16x8GeS: return compare<I16>(a, b, kGreaterEqual);
    case Op::kI16x8GeU: return compare<U16>(a, b, kGreaterEqual);
    case Op::kI16x8Abs: return map<I16>(a, kMagnitude);
    case Op::kI16x8Neg: return map<U16>(a, kNegative);
    case Op::kI16x8AllTrue: return scalar(all_true<U16>(a));
    case Op::kI16x8Bitmask: return scalar(bitmask<I16>(a));
    case Op::kI16x8NarrowI32x4S: return narrow<I32, I16>(a, b);
    case Op::kI16x8NarrowI32x4U: return narrow<I32, U16>(a, b);
    case Op::kI16x8ExtendLowI8x16S: return extend<I8>(a, false);
    case Op::kI16x8ExtendHighI8x16S: return extend<I8>(a, true);
    case Op::kI16x8ExtendLowI8x16U: return extend<U8>(a, false);
    case Op::kI16x8ExtendHighI8x16U: return extend<U8>(a, true);
    case Op::kI16x8Shl: return shift<U16>(a, b, true);
    case Op::kI16x8ShrS: return shift<I16>(a, b, false);
    case Op::kI16x8ShrU: return shift<U16>(a, b, false);
    case Op::kI16x8Add: return zip<U16>(a, b, kSum);
    case Op::kI16x8AddSatS: return zip<I16>(a, b, [](I16 x, I16 y) { return saturate<I16>(x + y); });
    case Op::kI16x8AddSatU: return zip<U16>(a, b, [](U16 x, U16 y) { return saturate<U16>(x + y); });
    case Op::kI16x8Sub: return zip<U16>(a, b, kDifference);
    case Op::kI16x8SubSatS: return zip<I16>(a, b, [](I16 x, I16 y) { return saturate<I16>(x - y); });
    case Op::kI16x8SubSatU: return zip<U16>(a, b, [](U16 x, U16 y) { return saturate<U16>(x - y); });
    case Op::kI16x8Mul: return zip<U16>(a, b, [](U16 x, U16 y) { return U32{x} * y; });
    case Op::kI16x8MinS: return zip<I16>(a, b, kSmaller);
    case Op::kI16x8MinU: return zip<U16>(a, b, kSmaller);
    case Op::kI16x8MaxS: return zip<I16>(a, b, kLarger);
    case Op::kI16x8MaxU: return zip<U16>(a, b, kLarger);
    case Op::kI16x8AvgrU: return zip<U16>(a, b, kAverage);
    case Op::kI16x8Q15mulrSatS:
    case Op::kI16x8RelaxedQ15mulrS: return zip<I16>(a, b, kQ15Product);
    case Op::kI16x8ExtmulLowI8x16S: return extmul<I8>(a, b, false);
    case Op::kI16x8ExtmulHighI8x16S: return extmul<I8>(a, b, true);
    case Op::kI16x8ExtmulLowI8x16U: return extmul<U8>(a, b, false);
    case Op::kI16x8ExtmulHighI8x16U: return extmul<U8>(a, b, true);
    case Op::kI16x8ExtaddPairwiseI8x16S: return extadd_pairwise<I8>(a);
    case Op::kI16x8ExtaddPairwiseI8x16U: return extadd_pairwise<U8>(a);
    case Op::kI16x8RelaxedDotI8x16I7x16S: return relaxed_dot_bytes(a, b);

    case Op::kI32x4Eq: return compare<U32>(a, b, kEqual);
    case Op::kI32x4Ne: return compare<U32>(a, b, kUnequal);
    case Op::kI32x4LtS: return compare<I32>(a, b, kLess);
    case Op::kI32x4LtU: return compare<U32>(a, b, kLess);
    case Op::kI32x4GtS: return compare<I32>(a, b, kGreater);
    case Op::kI32x4GtU: return compare<U32>(a, b, kGreater);
    case Op::kI32x4LeS: return compare<I32>(a, b, kLessEqual);
    case Op::kI32x4LeU: return compare<U32>(a, b, kLessEqual);
    case Op::kI32x4GeS: return compare<I32>(a, b, kGreaterEqual);
    case Op::kI32x4GeU: return compare<U32>(a, b, kGreaterEqual);
    case Op::kI32x4Abs: return map<I32>(a, kMagnitude);
    case Op::kI32x4Neg: return map<U32>(a, kNegative);
    case Op::kI32x4AllTrue: return scalar(all_true<U32>(a));
    case Op::kI32x4Bitmask: return scalar(bitmask<I32>(a));
    case Op::kI32x4ExtendLowI16x8S: return extend<I16>(a, false);
    case Op::kI32x4ExtendHighI16x8S: return extend<I16>(a, true);
    case Op::kI32x4ExtendLowI16x8U: return extend<U16>(a, false);
    case Op::kI32x4ExtendHighI16x8U: return extend<U16>(a, true);
    case Op::kI32x4Shl: return shift<U32>(a, b, true);
    case Op::kI32x4ShrS: return shift<I32>(a, b, false);
    case Op::kI32x4ShrU: return shift<U32>(a, b, false);
    case Op::kI32x4Add: return by_scalar<U32>(Op::kI32Add, a, b);
    case Op::kI32x4Sub: return by_scalar<U32>(Op::kI32Sub, a, b);
    case Op::kI32x4Mul: return by_scalar<U32>(Op::kI32Mul, a, b);
    case Op::kI32x4MinS: return zip<I32>(a, b, kSmaller);
    case Op::kI32x4MinU: return zip<U32>(a, b, kSmaller);
    case Op::kI32x4MaxS: return zip<I32>(a, b, kLarger);
    case Op::kI32x4MaxU: return zip<U32>(a, b, kLarger);
    case Op::kI32x4DotI16x8S: return dot_words(a, b);
    case Op::kI32x4ExtmulLowI16x8S: return extmul<I16>(a, b, false);
    case Op::kI32x4ExtmulHighI16x8S: return extmul<I16>(a, b, true);
    case Op::kI32x4ExtmulLowI16x8U: return extmul<U16>(a, b, false);
    case Op::kI32x4ExtmulHighI16x8U: return extmul<U16>(a, b, true);
    case Op::kI32x4ExtaddPairwiseI16x8S: return extadd_pairwise<I16>(a);
    case Op::kI32x4ExtaddPairwiseI16x8U: return extadd_pairwise<U16>(a);
    case Op::kI32x4RelaxedDotI8x16I7x16AddS:
      return by_scalar<U32>(Op::kI32Add, extadd_pairwise<I16>(relaxed_dot_bytes(a, b)), c);

    case Op::kI64x2Eq: return compare<U64>(a, b, kEqual);
    case Op::kI64x2Ne: return compare<U64>(a, b, kUnequal);
    case Op::kI64x2LtS: return compare<I64>(a, b, kLess);
    case Op::kI64x2GtS: return compare<I64>(a, b, kGreater);
    case Op::kI64x2LeS: return compare<I64>(a, b, kLessEqual);
    case Op::kI64x2GeS: return compare<I64>(a, b, kGreaterEqual);
    case Op::kI64x2Abs: return map<I64>(a, kMagnitude);
    case Op::kI64x2Neg: return map<U64>(a, kNegative);
    case Op::kI64x2AllTrue: return scalar(all_true<U64>(a));
    case Op::kI64x2Bitmask: return scalar(bitmask<I64>(a));
    case Op::kI64x2ExtendLowI32x4S: return extend<I32>(a, false);
    case Op::kI64x2ExtendHighI32x4S: return extend<I32>(a, true);
    case Op::kI64x2ExtendLowI32x4U: return extend<U32>(a, false);
    case Op::kI64x2ExtendHighI32x4U: return extend<U32>(a, true);
    case Op::kI64x2Shl: return shift<U64>(a, b, true);
    case Op::kI64x2ShrS: return shift<I64>(a, b, false);
    case Op::kI64x2ShrU: return shift<U64>(a, b, false);
    case Op::kI64x2Add: return by_scalar<U64>(Op::kI64Add, a, b);
    case Op::kI64x2Sub: return by_scalar<U64>(Op::kI64Sub, a, b);
    case Op::kI64x2Mul: return by_scalar<U64>(Op::kI64Mul, a, b);
    case Op::kI64x2ExtmulLowI32x4S: return extmul<I32>(a, b, false);
    case Op::kI64x2ExtmulHighI32x4S: return extmul<I32>(a, b, true);
    case Op::kI64x2ExtmulLowI32x4U: return extmul<U32>(a, b, false);
    case Op::kI64x2ExtmulHighI32x4U: return extmul<U32>(a, b, true);
    default: return floats(op, v);
  }
}

Vector evaluate_lane(Op op, const VectorOperands& v, std::uint32_t lane) {
  const auto extract = [&]<typename T>(T) { return static_cast<U64>(lanes_of<T>(v[0])[lane]); };
  const auto replace = [&]<typename T>(T) {
    Lanes<T> lanes = lanes_of<T>(v[0]);
    lanes[lane] = static_cast<T>(v[1][0]);
    return vector_of<T>(lanes);
  };
  switch (op) {
    case Op::kI8x16ExtractLaneS: return scalar(extract(I8{}) & 0xFFFF'FFFF);
    case Op::kI8x16ExtractLaneU: return scalar(extract(U8{}));
    case Op::kI16x8ExtractLaneS: return scalar(extract(I16{}) & 0xFFFF'FFFF);
    case Op::kI16x8ExtractLaneU: return scalar(extract(U16{}));
    case Op::kI32x4ExtractLane:
    case Op::kF32x4ExtractLane: return scalar(extract(U32{}));
    case Op::kI64x2ExtractLane:
    case Op::kF64x2ExtractLane: return scalar(extract(U64{}));
    case Op::kI8x16ReplaceLane: return replace(U8{});
    case Op::kI16x8ReplaceLane: return replace(U16{});
    case Op::kI32x4ReplaceLane:
    case Op::kF32x4ReplaceLane: return replace(U32{});
    default: return replace(U64{});
  }
}

Vector evaluate_shuffle(const VectorOperands& v, std::span<const std::uint8_t, 16> lanes) {
  return generate<U8>([&](std::size_t i) { return lanes_of<U8>(v[lanes[i] / 16])[lanes[i] % 16]; });
}

// --- Allowed results ---

namespace {

/// The lanes of an operator's result in which any NaN may stand for a NaN; none for operators that move bits.
ValueType computed_floats(Op op) noexcept {
  switch (op) {
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
    default: return ValueType::kV128;
  }
}

template <typename T>
constexpr T kQuietBit = sizeof(T) == 4 ? T{1} << 22 : static_cast<T>(U64{1} << 51);
template <typename T>
bool nan(T lane) noexcept {
  return is_nan(sizeof(T) == 4 ? ValueType::kF32 : ValueType::kF64, lane);
}
/// Of either sign.
template <typename T>
bool canonical(T lane) noexcept {
  return (lane & (2 * kQuietBit<T> - 1)) == kQuietBit<T>;
}
template <typename T>
bool holds_other_nans(const VectorOperands& operands) {
  return std::ranges::any_of(operands, [](const Vector& operand) {
    return std::ranges::any_of(lanes_of<T>(operand), [](T lane) { return nan(lane) && !canonical(lane); });
  });
}

template <typename T>
bool same_floats(const Vector& expected, const Vector& found, bool must_be_canonical) {
  for (std::size_t i = 0; i < 16 / sizeof(T); ++i) {
    const T x = lanes_of<T>(expected)[i];
    const T y = lanes_of<T>(found)[i];
    if (!nan(x) ? x != y : !nan(y) || (y & kQuietBit<T>) == 0 || (must_be_canonical && !canonical(y))) return false;
  }
  return true;
}

}  // namespace

bool is_allowed(Op op, const VectorOperands& operands, const Vector& expected, const Vector& found) {
  const ValueType type = computed_floats(op);
  if (type == ValueType::kV128) return expected == found;
  const bool from_64 = op == Op::kF32x4DemoteF64x2Zero || (type == ValueType::kF64 && op != Op::kF64x2PromoteLowF32x4);
  const bool must_be_canonical = !(from_64 ? holds_other_nans<U64>(operands) : holds_other_nans<U32>(operands));
  return type == ValueType::kF32 ? same_floats<U32>(expected, found, must_be_canonical)
                                 : same_floats<U64>(expected, found, must_be_canonical);
}

Vector canonical(Op op, const Vector& expected) {
  const auto of_lanes = [&](auto canonical_lane) {
    return map<decltype(canonical_lane)>(expected, [&](auto lane) { return nan(lane) ? canonical_lane : lane; });
  };
  switch (computed_floats(op)) {
    case ValueType::kF32: return of_lanes(kQuietBit<U32> | 0x7F80'0000u);
    case ValueType::kF64: return of_lanes(kQuietBit<U64> | 0x7FF0'0000'0000'0000u);
    default: return expected;
  }
}

const std::vector<Op>& vector_operators() {
  static const std::vector<Op> operators = {
#define ANEW_X(name, ...) Op::k##name,
      ANEW_VECTOR_NUMERIC_OPERATORS(ANEW_X)
#undef ANEW_X
  };
  return operators;
}

Vector cut(ValueType type, const Vector& bits) {
  if (type == ValueType::kV128) return bits;
  return {type == ValueType::kI64 || type == ValueType::kF64 ? bits[0] : bits[0] & 0xFFFF'FFFF, 0};
}

namespace {

/// Most lanes are among `values`, which are `bits` wide.
Vector random_lanes(Random& random, const std::vector<U64>& values, std::uint32_t bits) {
  const std::uint32_t noise = random.percent(50) ? 0 : 15;  // in percent
  Vector result{};
  for (std::uint32_t at = 0; at < 128; at += bits) {
    const U64 lane = random.percent(noise) ? random.bits() : random.pick(values);
    const U64 kept = bits == 64 ? lane : lane & ((U64{1} << bits) - 1);
    result[at / 64] |= kept << (at % 64);
  }
  return result;
}

/// A vector of lanes of one width, most of them corner values of it.
Vector random_vector(Random& random, Op op) {
  const std::string_view name = wasm::to_string(op);
  std::uint32_t style = random.below(8);
  if (random.percent(50)) {
    if (name.find("f32x4") != name.npos) style = 4;
    if (name.find("f64x2") != name.npos) style = 5;
    if (name.starts_with("i8x16")) style = 0;
    if (name.starts_with("i16x8")) style = random.below(2);
  }
  static const std::vector<U64> kBytes = {0, 1, 2, 0x0F, 0x10, 0x7E, 0x7F, 0x80, 0x81, 0xFE, 0xFF};
  static const std::vector<U64> kWords = {0,      1,      2,      0x7F,   0x80,   0xFF,   0x100,
                                          0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFF7F, 0xFF80, 0xFFFF};
  switch (style) {
    case 0: return random_lanes(random, kBytes, 8);
    case 1: return random_lanes(random, kWords, 16);
    case 2: return random_lanes(random, corner_values(ValueType::kI32), 32);
    case 3: return random_lanes(random, corner_values(ValueType::kI64), 64);
    case 4: return random_lanes(random, corner_values(ValueType::kF32), 32);
    case 5: return random_lanes(random, corner_values(ValueType::kF64), 64);
    case 6: {
      static constexpr Vector kWhole[] = {{0, 0}, {~0ull, ~0ull},  {0, ~0ull},
                                          {1, 0}, {0, 1ull << 63}, {0x0101'0101'0101'0101, 0x0101'0101'0101'0101}};
      return kWhole[random.below(std::size(kWhole))];
    }
    default: return {random.bits(), random.bits()};
  }
}

}  // namespace

std::vector<VectorOperands> sample_operands(Op op) {
  const wasm::Signature& signature = wasm::signature_of(op);
  Random random(static_cast<U64>(op));
  std::vector<VectorOperands> samples;
  // All pairs of bytes, 16 at a time, for what works on bytes alone.
  if (wasm::to_string(op).starts_with("i8x16.") && signature.operands == 2 &&
      signature.operand(1) == ValueType::kV128) {
    for (std::uint32_t i = 0; i < 4096; ++i) {
      const U64 y = 0x0101'0101'0101'0101 * (i % 256);
      const U64 x = 0x0706'0504'0302'0100 + 0x1010'1010'1010'1010 * (i / 256);
      samples.push_back({Vector{x, x + 0x0808'0808'0808'0808}, Vector{y, y}, Vector{}});
    }
  }
  while (samples.size() < 600) {
    VectorOperands operands{};
    for (std::uint32_t i = 0; i < signature.operands; ++i) {
      operands[i] = cut(signature.operand(i), random_vector(random, op));
      // Counts of shifts: each from 0 to twice the widest lane.
      if (signature.operand(0) == ValueType::kV128 && signature.operand(i) == ValueType::kI32 && random.percent(80))
        operands[i] = {samples.size() % 130, 0};
    }
    samples.push_back(operands);
  }
  for (std::size_t i = samples.size(); i > 1; --i) std::swap(samples[i - 1], samples[random.below(i)]);
  return samples;
}

}  // namespace anew::codegen::test
