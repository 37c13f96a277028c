// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vector operators that move lanes: splat, extract_lane, replace_lane, swizzle and shuffle.
#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

#include "codegen/quick/x86_64/operators.hpp"
#include "codegen/quick/x86_64/vectors.hpp"

namespace anew::codegen::quick {

namespace x86 = asmjit::x86;
using wasm::Op;
namespace Inst = asmjit::x86::Inst;

void Operators::vector_splat(Op op) {
  if (op == Op::kI8x16Swizzle || op == Op::kI8x16RelaxedSwizzle) {
    const Vectors v = take_vectors(2);
    // The instruction gives 0 if the index's top bit is set; this sets it from 16 on.
    a_.vpaddusb(x86::xmm15, v.b, vector_in_code(splat8(0x70)));
    a_.vpshufb(v.to, v.a, x86::xmm15);
    return push_vector(v);
  }
  const Operand scalar = pop();
  const Register from = use(scalar);
  const Register to = is_in_xmm(scalar.type) && scalar.kind != Operand::Kind::kLocal ? from : allocate(true);
  switch (op) {
    case Op::kI8x16Splat:
      a_.vmovd(xmm(to), gp32(from));
      a_.vpbroadcastb(xmm(to), xmm(to));
      break;
    case Op::kI16x8Splat:
      a_.vmovd(xmm(to), gp32(from));
      a_.vpbroadcastw(xmm(to), xmm(to));
      break;
    case Op::kI32x4Splat:
      a_.vmovd(xmm(to), gp32(from));
      a_.vpbroadcastd(xmm(to), xmm(to));
      break;
    case Op::kI64x2Splat:
      a_.vmovq(xmm(to), gp64(from));
      a_.vpbroadcastq(xmm(to), xmm(to));
      break;
    case Op::kF32x4Splat: a_.vbroadcastss(xmm(to), xmm(from)); break;
    case Op::kF64x2Splat: a_.vmovddup(xmm(to), xmm(from)); break;
    default:
      // The opcode table holds no other vector operator; the validator hands over nothing else.
      assert(false);
  }
  push_register(ValueType::kV128, to);
  release();
}

// --- Single lanes ---

void Operators::lane(Op op, std::uint32_t lane) {
  settle_flags();
  switch (op) {
    case Op::kI8x16ReplaceLane:
    case Op::kI16x8ReplaceLane:
    case Op::kI32x4ReplaceLane:
    case Op::kI64x2ReplaceLane:
    case Op::kF32x4ReplaceLane:
    case Op::kF64x2ReplaceLane: return replace_lane(op, lane);
    case Op::kF32x4ExtractLane:
    case Op::kF64x2ExtractLane: return extract_float_lane(op == Op::kF64x2ExtractLane, lane);
    default: break;
  }
  const Register from = use(pop());
  const Register to = allocate(false);
  ValueType type = ValueType::kI32;
  switch (op) {
    case Op::kI8x16ExtractLaneS:
    case Op::kI8x16ExtractLaneU:
      a_.vpextrb(gp32(to), xmm(from), lane);
      if (op == Op::kI8x16ExtractLaneS) a_.movsx(gp32(to), gp32(to).r8());
      break;
    case Op::kI16x8ExtractLaneS:
    case Op::kI16x8ExtractLaneU:
      a_.vpextrw(gp32(to), xmm(from), lane);
      if (op == Op::kI16x8ExtractLaneS) a_.movsx(gp32(to), gp32(to).r16());
      break;
    case Op::kI32x4ExtractLane:
      lane == 0 ? a_.vmovd(gp32(to), xmm(from)) : a_.vpextrd(gp32(to), xmm(from), lane);
      break;
    default:
      lane == 0 ? a_.vmovq(gp64(to), xmm(from)) : a_.vpextrq(gp64(to), xmm(from), lane);
      type = ValueType::kI64;
      break;
  }
  push_register(type, to);
  release();
}

void Operators::extract_float_lane(bool is_64, std::uint32_t lane) {
  const Vectors v = take_vectors(1);
  if (lane != 0)  // what is in a float's register above the float does not matter
    is_64 ? a_.vunpckhpd(v.to, v.a, v.a) : a_.vpermilps(v.to, v.a, lane);
  else if (v.to != v.a)
    a_.vmovaps(v.to, v.a);
  push_register(is_64 ? ValueType::kF64 : ValueType::kF32, v.result);
  release();
}

void Operators::replace_lane(Op op, std::uint32_t lane) {
  const Operand value = pop();
  const Register from = use(value);
  const Vectors v = take_vectors(1);
  switch (op) {
    case Op::kI8x16ReplaceLane: a_.vpinsrb(v.to, v.a, gp32(from), lane); break;
    case Op::kI16x8ReplaceLane: a_.vpinsrw(v.to, v.a, gp32(from), lane); break;
    case Op::kI32x4ReplaceLane: a_.vpinsrd(v.to, v.a, gp32(from), lane); break;
    case Op::kI64x2ReplaceLane: a_.vpinsrq(v.to, v.a, gp64(from), lane); break;
    case Op::kF32x4ReplaceLane:
      lane == 0 ? a_.vblendps(v.to, v.a, xmm(from), 1) : a_.vinsertps(v.to, v.a, xmm(from), lane << 4);
      break;
    default: lane == 0 ? a_.vblendpd(v.to, v.a, xmm(from), 1) : a_.vunpcklpd(v.to, v.a, xmm(from)); break;
  }
  push_vector(v);
}

// --- Shuffle ---

namespace {

using Lanes = std::span<const std::uint8_t, 16>;

template <typename F>
constexpr bool every_lane(Lanes lanes, F&& expected) {
  for (std::uint32_t i = 0; i < 16; ++i)
    if (lanes[i] != expected(i)) return false;
  return true;
}

/// The shuffle in units of `bytes` bytes, if it moves such units whole: the unit of both operands that each comes from.
template <std::size_t kUnits>
std::optional<std::array<std::uint8_t, kUnits>> units_of(Lanes lanes) {
  constexpr std::size_t kBytes = 16 / kUnits;
  std::array<std::uint8_t, kUnits> units{};
  for (std::size_t i = 0; i < kUnits; ++i) {
    if (lanes[i * kBytes] % kBytes != 0) return std::nullopt;
    for (std::size_t j = 1; j < kBytes; ++j)
      if (lanes[i * kBytes + j] != lanes[i * kBytes] + j) return std::nullopt;
    units[i] = static_cast<std::uint8_t>(lanes[i * kBytes] / kBytes);
  }
  return units;
}

/// Two bits for each of four units, as the instructions want them.
template <typename Units>
unsigned selector(const Units& units, std::size_t first = 0) {
  unsigned result = 0;
  for (std::uint32_t i = 0; i < 4; ++i) result |= (units[first + i] & 3u) << (2 * i);
  return result;
}

/// The unpack instruction that takes units alternately from the operands, the first one first, if this is one.
asmjit::InstId unpack_of(Lanes lanes) {
  struct Unpack {
    std::uint32_t bytes;
    asmjit::InstId low;
    asmjit::InstId high;
  };
  static constexpr std::array<Unpack, 4> kUnpacks = {{{1, Inst::kIdVpunpcklbw, Inst::kIdVpunpckhbw},
                                                      {2, Inst::kIdVpunpcklwd, Inst::kIdVpunpckhwd},
                                                      {4, Inst::kIdVpunpckldq, Inst::kIdVpunpckhdq},
                                                      {8, Inst::kIdVpunpcklqdq, Inst::kIdVpunpckhqdq}}};
  for (const Unpack& unpack : kUnpacks) {
    for (const std::uint32_t start : {0u, 8u}) {
      const bool matches = every_lane(lanes, [&](std::uint32_t i) {
        const std::uint32_t unit = i / unpack.bytes;
        return start + unit / 2 * unpack.bytes + i % unpack.bytes + unit % 2 * 16;
      });
      if (matches) return start == 0 ? unpack.low : unpack.high;
    }
  }
  return Inst::kIdNone;
}

}  // namespace

void Operators::shuffle(std::span<const std::uint8_t, 16> lanes) {
  settle_flags();
  const std::array<Operand, 2> operands = {top(1), top()};
  pop();
  pop();
  const bool same_local = operands[0].kind == Operand::Kind::kLocal && operands[1].kind == Operand::Kind::kLocal &&
                          operands[0].local == operands[1].local;
  const bool only_first = std::ranges::all_of(lanes, [](std::uint8_t lane) { return lane < 16; });
  const bool only_second = std::ranges::all_of(lanes, [](std::uint8_t lane) { return lane >= 16; });
  if (!same_local && !only_first && !only_second) {
    const Vectors v = use_vectors(operands);
    shuffle_two(v, lanes);
    return push_vector(v);
  }
  VectorBytes of_one;
  std::ranges::transform(lanes, of_one.begin(), [](std::uint8_t lane) { return static_cast<std::uint8_t>(lane & 15); });
  const Vectors v = use_vectors(std::span(operands).subspan(only_second ? 1 : 0, 1));
  shuffle_one(v, of_one);
  push_vector(v);
}

void Operators::shuffle_one(const Vectors& v, std::span<const std::uint8_t, 16> lanes) {
  if (every_lane(lanes, [](std::uint32_t i) { return i; })) {
    if (v.to != v.a) a_.vmovaps(v.to, v.a);
    return;
  }
  if (const auto units = units_of<4>(lanes)) {
    a_.vpshufd(v.to, v.a, selector(*units));
    return;
  }
  if (every_lane(lanes, [](std::uint32_t) { return 0u; })) {
    a_.vpbroadcastb(v.to, v.a);
    return;
  }
  if (every_lane(lanes, [&](std::uint32_t i) { return (lanes[0] + i) % 16; })) {
    a_.vpalignr(v.to, v.a, v.a, lanes[0]);
    return;
  }
  if (const auto units = units_of<8>(lanes)) {
    const auto in_half = [&](std::size_t first, unsigned half) {
      return std::all_of(&(*units)[first], &(*units)[first] + 4, [&](std::uint8_t unit) { return unit / 4 == half; });
    };
    if (in_half(0, 0) && selector(*units, 4) == 0b11'10'01'00 && in_half(4, 1)) {
      a_.vpshuflw(v.to, v.a, selector(*units));
      return;
    }
    if (in_half(4, 1) && selector(*units) == 0b11'10'01'00 && in_half(0, 0)) {
      a_.vpshufhw(v.to, v.a, selector(*units, 4));
      return;
    }
    if (std::ranges::all_of(*units, [](std::uint8_t unit) { return unit == 0; })) {
      a_.vpbroadcastw(v.to, v.a);
      return;
    }
  }
  VectorBytes bytes;
  std::ranges::copy(lanes, bytes.begin());
  a_.vpshufb(v.to, v.a, vector_in_code(vector_of(bytes)));
}

void Operators::shuffle_two(const Vectors& v, std::span<const std::uint8_t, 16> lanes) {
  // A stretch of the operands one behind the other, either first.
  if (every_lane(lanes, [&](std::uint32_t i) { return (lanes[0] + i) % 32; })) {
    lanes[0] < 16 ? a_.vpalignr(v.to, v.b, v.a, lanes[0]) : a_.vpalignr(v.to, v.a, v.b, lanes[0] - 16u);
    return;
  }
  VectorBytes swapped;
  std::ranges::transform(lanes, swapped.begin(),
                         [](std::uint8_t lane) { return static_cast<std::uint8_t>(lane ^ 16); });
  if (const InstId unpack = unpack_of(lanes); unpack != Inst::kIdNone) {
    a_.emit(unpack, v.to, v.a, v.b);
    return;
  }
  if (const InstId unpack = unpack_of(swapped); unpack != Inst::kIdNone) {
    a_.emit(unpack, v.to, v.b, v.a);
    return;
  }
  if (const auto units = units_of<4>(lanes)) {
    shuffle_units(v, *units);
    return;
  }
  const bool in_place = every_lane(lanes, [&](std::uint32_t i) { return i + (lanes[i] & 16u); });
  if (const auto units = units_of<8>(lanes); units && in_place) {
    unsigned from_second = 0;
    for (std::uint32_t i = 0; i < 8; ++i) from_second |= ((*units)[i] >> 3 & 1u) << i;
    a_.vpblendw(v.to, v.a, v.b, from_second);
    return;
  }
  // An index with its top bit set gives 0.
  VectorBytes first;
  VectorBytes second;
  for (std::uint32_t i = 0; i < 16; ++i) {
    first[i] = lanes[i] < 16 ? lanes[i] : 0x80;
    second[i] = lanes[i] < 16 ? 0x80 : static_cast<std::uint8_t>(lanes[i] - 16);
  }
  a_.vpshufb(x86::xmm15, v.a, vector_in_code(vector_of(first)));
  a_.vpshufb(v.to, v.b, vector_in_code(vector_of(second)));
  a_.vpor(v.to, v.to, x86::xmm15);
}

// Lanes of 32 bits: 0 to 3 are the first operand's, 4 to 7 the second's.
void Operators::shuffle_units(const Vectors& v, const std::array<std::uint8_t, 4>& units) {
  unsigned from_second = 0;
  bool in_place = true;
  for (std::uint32_t i = 0; i < 4; ++i) {
    from_second |= (units[i] >> 2 & 1u) << i;
    in_place &= (units[i] & 3u) == i;
  }
  if (in_place) {
    a_.vpblendd(v.to, v.a, v.b, from_second);
  } else if (from_second == 0b1100) {
    a_.vshufps(v.to, v.a, v.b, selector(units));
  } else if (from_second == 0b0011) {
    a_.vshufps(v.to, v.b, v.a, selector(units));
  } else {
    a_.vpshufd(x86::xmm15, v.a, selector(units));
    a_.vpshufd(v.to, v.b, selector(units));
    a_.vpblendd(v.to, x86::xmm15, v.to, from_second);
  }
}

}  // namespace anew::codegen::quick
