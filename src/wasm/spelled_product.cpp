// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/spelled_product.hpp"

#include <algorithm>
#include <iterator>

namespace anew::wasm::spelled {
namespace {

// The factors are a + 2^64 a' and b + 2^64 b'. With a = a0 + 2^32 a1, b = b0 + 2^32 b1 and pij = ai bj,
//
//     a b = p00 + 2^32 (p01 + p10) + 2^64 p11,                                                   (1)
//
// and modulo 2^128 the product has the low half of a b, and its high half plus a b' + a' b. Each pij is at most
// (2^32 - 1)^2 = 2^64 - 2 * 2^32 + 1, so a number below 2^32 can be added twice without a carry. LOW(x) and HIGH(x) are
// the two halves of 32 bits. There are three ways to add (1) up:
//
// One after the other. t = p10 + HIGH(p00) and u = p01 + LOW(t) have no carry, so
//     a b = LOW(p00) + 2^32 (p01 + t) + 2^64 p11 = LOW(p00) + 2^32 LOW(u) + 2^64 (p11 + HIGH(t) + HIGH(u)):
//     low half 2^32 u | LOW(p00), high half p11 + HIGH(t) + HIGH(u). The same with p01 and p10 exchanged: t', u'.
//
// With carries. Let s = p01 + p10 modulo 2^64 and c its carry, which is 1 if s < p01, and just then s < p10. The low
// half
//     is l = p00 + 2^32 s modulo 2^64, with a carry d, which is 1 if l < p00; the high half is
//     p11 + HIGH(s) + 2^32 c + d. HIGH(s) | 2^32 c is their sum, for they share no bit.
//
// By halves. v = LOW(p01) + LOW(p10) + HIGH(p00) has no carry:
//     low half 2^32 v | LOW(p00), high half p11 + HIGH(p01) + HIGH(p10) + HIGH(v).
//
// A test computes each rule's terms for many factors, and the halves from them.

constexpr Sum term(unsigned number) { return Sum{1} << number; }

constexpr Sum kA = term(0);      // a
constexpr Sum kAHigh = term(1);  // a'
constexpr Sum kB = term(2);
constexpr Sum kBHigh = term(3);
constexpr Sum k32 = term(4);    // the number 32
constexpr Sum kMask = term(5);  // 2^32 - 1
constexpr Sum kA0 = term(6);
constexpr Sum kA1 = term(7);
constexpr Sum kB0 = term(8);
constexpr Sum kB1 = term(9);
constexpr Sum kP00 = term(10);
constexpr Sum kP01 = term(11);
constexpr Sum kP10 = term(12);
constexpr Sum kP11 = term(13);
constexpr Sum kP00Low = term(14);
constexpr Sum kP00High = term(15);
constexpr Sum kCross = term(16) | term(17);  // a b' and a' b
constexpr Sum kLow = term(18);               // the product's low half

constexpr Sum kT = kP10 | kP00High;
constexpr Sum kTLow = term(19);
constexpr Sum kTHigh = term(20);
constexpr Sum kU = kP01 | kTLow;
constexpr Sum kUHigh = term(21);
constexpr Sum kUShifted = term(22);

constexpr Sum kT2 = kP01 | kP00High;  // t'
constexpr Sum kT2Low = term(23);
constexpr Sum kT2High = term(24);
constexpr Sum kU2 = kP10 | kT2Low;  // u'
constexpr Sum kU2High = term(25);
constexpr Sum kU2Shifted = term(26);

constexpr Sum kS = kP01 | kP10;
constexpr Sum kSHigh = term(27);
constexpr Sum kSShifted = term(28);
constexpr Sum kL = kP00 | kSShifted;
constexpr Sum kCBit = term(29);  // c and d as an i32
constexpr Sum kC = term(30);
constexpr Sum kCShifted = term(31);
constexpr Sum kDBit = term(32);
constexpr Sum kD = term(33);

constexpr Sum kP01Low = term(34);
constexpr Sum kP01High = term(35);
constexpr Sum kP10Low = term(36);
constexpr Sum kP10High = term(37);
constexpr Sum kV = kP01Low | kP10Low | kP00High;
constexpr Sum kVHigh = term(38);
constexpr Sum kVShifted = term(39);

using enum Op;
constexpr Rule kRules[] = {
    {kI64And, kA, kMask, kA0},
    {kI64ShrU, kA, k32, kA1},
    {kI64And, kB, kMask, kB0},
    {kI64ShrU, kB, k32, kB1},
    {kI64Mul, kA0, kB0, kP00},
    {kI64Mul, kA0, kB1, kP01},
    {kI64Mul, kA1, kB0, kP10},
    {kI64Mul, kA1, kB1, kP11},
    {kI64Mul, kA, kBHigh, term(16)},
    {kI64Mul, kAHigh, kB, term(17)},
    {kI64And, kP00, kMask, kP00Low},
    {kI64ShrU, kP00, k32, kP00High},
    // One after the other.
    {kI64And, kT, kMask, kTLow},
    {kI64ShrU, kT, k32, kTHigh},
    {kI64ShrU, kU, k32, kUHigh},
    {kI64Shl, kU, k32, kUShifted},
    {kI64Or, kUShifted, kP00Low, kLow},
    {kI64And, kT2, kMask, kT2Low},
    {kI64ShrU, kT2, k32, kT2High},
    {kI64ShrU, kU2, k32, kU2High},
    {kI64Shl, kU2, k32, kU2Shifted},
    {kI64Or, kU2Shifted, kP00Low, kLow},
    // With carries.
    {kI64ShrU, kS, k32, kSHigh},
    {kI64Shl, kS, k32, kSShifted},
    {kI64LtU, kS, kP01, kCBit},
    {kI64LtU, kS, kP10, kCBit},
    {kI64ExtendI32U, kCBit, 0, kC},
    {kI64Shl, kC, k32, kCShifted},
    {kI64Or, kCShifted, kSHigh, kCShifted | kSHigh},
    {kI64LtU, kL, kP00, kDBit},
    {kI64ExtendI32U, kDBit, 0, kD},
    // By halves.
    {kI64And, kP01, kMask, kP01Low},
    {kI64ShrU, kP01, k32, kP01High},
    {kI64And, kP10, kMask, kP10Low},
    {kI64ShrU, kP10, k32, kP10High},
    {kI64ShrU, kV, k32, kVHigh},
    {kI64Shl, kV, k32, kVShifted},
    {kI64Or, kVShifted, kP00Low, kLow},
};

constexpr Sum kLowHalves[] = {kLow, kL};
/// Without kCross.
constexpr Sum kHighHalves[] = {
    kP11 | kTHigh | kUHigh,
    kP11 | kT2High | kU2High,
    kP11 | kSHigh | kCShifted | kD,
    kP11 | kP01High | kP10High | kVHigh,
};

constexpr bool is_commutative(Op op) { return op == kI64Mul || op == kI64And || op == kI64Or; }

// Bodies that are worth a look, with a margin: those known have 110 bytes to 266.
constexpr std::size_t kLeastBytes = 64;
constexpr std::size_t kMostBytes = 400;

}  // namespace

Rules rules() { return {kRules, kLowHalves, kHighHalves}; }

Sum apply(Op op, Sum left, Sum right) {
  if (op == kI64Add) return left != 0 && right != 0 && (left & right) == 0 ? left | right : 0;
  for (const Rule& rule : kRules) {
    if (rule.op == op && ((rule.left == left && rule.right == right) ||
                          (is_commutative(op) && rule.left == right && rule.right == left))) {
      return rule.result;
    }
  }
  return 0;
}

Sum constant(ValueType type, std::uint64_t bits) {
  if (type != ValueType::kI64) return 0;
  return bits == 32 ? k32 : bits == 0xFFFF'FFFF ? kMask : 0;
}

Sum call(const Module& module, std::uint32_t function, std::span<const Sum> arguments) {
  const bool all_known = std::ranges::find(arguments, Sum{0}) == arguments.end();
  if (function < module.imported_functions || !all_known) return 0;
  // No locals; local.get with an index of one byte.
  const BytesView body = module.bodies[function - module.imported_functions].bytes;
  const auto byte = [&](std::size_t at) { return std::to_integer<std::uint8_t>(body[at]); };
  const auto is = [&](std::size_t at, Op op) { return byte(at) == static_cast<std::uint16_t>(op); };
  const auto gets = [&](std::size_t at) { return is(at, kLocalGet) && byte(at + 1) < arguments.size(); };
  if (body.size() == 4 && byte(0) == 0 && gets(1) && is(3, kEnd)) return arguments[byte(2)];
  if (body.size() == 7 && byte(0) == 0 && gets(1) && gets(3) && is(6, kEnd))
    return apply(static_cast<Op>(byte(5)), arguments[byte(2)], arguments[byte(4)]);  // one that no rule has gives none
  return 0;
}

std::optional<Half> half_of(Sum sum, std::uint32_t parameters) {
  if (std::ranges::find(kLowHalves, sum) != std::end(kLowHalves)) return Half::kLow;
  const Sum cross = parameters == 5 ? kCross : 0;
  const bool is_high = (sum & kCross) == cross && std::ranges::find(kHighHalves, sum & ~cross) != std::end(kHighHalves);
  return is_high ? std::optional(Half::kHigh) : std::nullopt;
}

bool may_multiply(const Module& module, std::uint32_t defined_index) {
  const std::size_t bytes = module.bodies[defined_index].bytes.size();
  if (bytes < kLeastBytes || bytes > kMostBytes) return false;
  const FunctionType& type = module.function_type(module.imported_functions + defined_index);
  const std::span<const ValueType> types = type.parameters;
  return type.results.empty() && (types.size() == 3 || types.size() == 5) && types[0] == ValueType::kI32 &&
         std::ranges::all_of(types.subspan(1), [](ValueType each) { return each == ValueType::kI64; });
}

const Parameters& parameters(std::uint32_t count) {
  static constexpr Parameters kHalves = {0, kA, kAHigh, kB, kBHigh};
  static constexpr Parameters kWhole = {0, kA, kB, 0, 0};
  return count == 5 ? kHalves : kWhole;
}

}  // namespace anew::wasm::spelled
