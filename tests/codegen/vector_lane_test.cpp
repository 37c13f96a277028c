// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vector operators with a lane index, at each lane; and shuffles: all that the quick tier makes of special
// instructions, and many that it does not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "run.hpp"
#include "support/generator.hpp"
#include "support/module_builder.hpp"
#include "support/vector_reference.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

constexpr ValueType kV128 = ValueType::kV128;
constexpr std::uint32_t kResults = 64;  // behind the operands, at 16 times their number

/// One function for each of a number of operators, with results one behind the other.
class Applications {
 public:
  /// The places of the operands. In a register means: just loaded from memory.
  enum class Places : std::uint8_t { kRegisters, kLocals, kRegisterAndLocal, kLocalAndRegister, kConstants };
  static constexpr Places kAll[] = {Places::kRegisters, Places::kLocals, Places::kRegisterAndLocal,
                                    Places::kLocalAndRegister, Places::kConstants};

  Applications(ValueType left, std::optional<ValueType> right, ValueType result, const VectorOperands& operands)
      : left_(left), right_(right), result_(result), operands_(operands) {
    locals_ = {left, right.value_or(kI32)};
  }

  void add(const Code& operation, const Vector& expected, std::string what) {
    for (const Places places : kAll) {
      const auto at = static_cast<std::uint32_t>(kResults + 16 * expected_.size());
      code_.i32(at);
      push(left_, 0, places == Places::kRegisters || places == Places::kRegisterAndLocal, places == Places::kConstants);
      if (right_) {
        push(*right_, 1, places == Places::kRegisters || places == Places::kLocalAndRegister,
             places == Places::kConstants);
      }
      code_.append(operation);
      store(code_, result_);
      expected_.push_back({expected, fmt::format("{}, operands {}", what, static_cast<int>(places))});
    }
  }

  void check() {
    ModuleBuilder builder;
    builder.memory(static_cast<std::uint32_t>((kResults + 16 * expected_.size()) / 65'536 + 1));
    Code code;
    for (std::uint32_t i = 0; i < 2; ++i) code.i32(16 * i).access(load_of(locals_[i]), 0).set(i);
    code.append(code_);
    // The locals, unless an operator destroyed them.
    for (std::uint32_t i = 0; i < 2; ++i) store(code.i32(32 + 16 * i).get(i), locals_[i]);
    builder.function({}, locals_, code, "run");
    const std::optional<Pool> pool = make_pool(builder);
    if (!pool) return;
    Lease lease = pool->acquire().value();
    for (std::uint32_t i = 0; i < 2; ++i) ASSERT_TRUE(lease.memory().store(16 * i, operands_[i]));
    ASSERT_TRUE(lease.call("run"));
    for (std::uint32_t i = 0; i < 2; ++i)
      EXPECT_EQ(lease.memory().load<std::uint64_t>(32 + 16 * i).value(), low(locals_[i], operands_[i]));
    for (std::size_t i = 0; i < expected_.size(); ++i) {
      const Vector found = lease.memory().load<Vector>(kResults + 16 * i).value();
      ASSERT_EQ(found, expected_[i].first) << expected_[i].second;
    }
  }

 private:
  static Op load_of(ValueType type) {
    static constexpr Op kLoads[] = {Op::kI32Load, Op::kI64Load, Op::kF32Load, Op::kF64Load, Op::kV128Load};
    return kLoads[static_cast<std::size_t>(kI32) - static_cast<std::size_t>(type)];
  }
  static void store(Code& code, ValueType type) {
    if (type == kI32) code.op(Op::kI64ExtendI32U);  // so that its register's upper half shows
    static constexpr Op kStores[] = {Op::kI64Store, Op::kI64Store, Op::kF32Store, Op::kF64Store, Op::kV128Store};
    code.access(kStores[static_cast<std::size_t>(kI32) - static_cast<std::size_t>(type)], 0);
  }
  static std::uint64_t low(ValueType type, const Vector& bits) {
    return type == kI32 || type == kF32 ? bits[0] & 0xFFFF'FFFF : bits[0];
  }
  void push(ValueType type, std::uint32_t index, bool in_register, bool is_constant) {
    if (is_constant)
      type == kV128 ? code_.v128(operands_[index][0], operands_[index][1]) : code_.constant(type, operands_[index][0]);
    else if (in_register)
      code_.i32(16 * index).access(load_of(type), 0);
    else
      code_.get(index);
  }

  ValueType left_;
  std::optional<ValueType> right_;
  ValueType result_;
  VectorOperands operands_;
  std::vector<ValueType> locals_;
  Code code_;
  std::vector<std::pair<Vector, std::string>> expected_;
};

constexpr Vector kFirst = {0x8786'8584'8382'8180, 0x7F0E'0D0C'0B0A'0908};
constexpr Vector kSecond = {0x9716'1514'1312'1190, 0xFF1E'1D1C'1B1A'1998};

TEST(VectorLanes, AreExtractedAndReplaced) {
  const Op operators[] = {
#define ANEW_X(name, ...) Op::k##name,
      ANEW_LANE_OPERATORS(ANEW_X)
#undef ANEW_X
  };
  for (const Op op : operators) {
    const wasm::Signature& signature = wasm::signature_of(op);
    const bool replaces = signature.operands == 2;
    const std::optional<ValueType> scalar = replaces ? std::optional(signature.operand(1)) : std::nullopt;
    for (const Vector& value : {kFirst, Vector{~kFirst[0], ~kFirst[1]}}) {
      const VectorOperands operands = {value, kSecond, {}};
      Applications applications(kV128, scalar, signature.result, operands);
      for (std::uint32_t lane = 0; lane < signature.lanes; ++lane) {
        applications.add(Code().op(op).byte(static_cast<std::uint8_t>(lane)), evaluate_lane(op, operands, lane),
                         fmt::format("{} {}", wasm::to_string(op), lane));
      }
      applications.check();
      if (HasFailure()) return;
    }
  }
}

TEST(VectorLanes, OfFloatsAreComputedWithWhateverLiesBesideThem) {
  ModuleBuilder builder;
  builder.memory(1);
  Code code;
  code.i32(0).v128(0x7FA0'0000'4000'0000, ~0ull).op(Op::kF32x4ExtractLane).byte(0).constant(kF32, 0x4040'0000);
  code.op(Op::kF32Mul).access(Op::kF32Store, 0);
  code.i32(8).v128(0x4000'0000'0000'0000, ~0ull).op(Op::kF64x2ExtractLane).byte(0).op(Op::kF32DemoteF64);
  code.op(Op::kF32x4Splat).op(Op::kF32x4ExtractLane).byte(3).access(Op::kF32Store, 0);
  builder.function({}, {}, code, "run");
  const std::optional<Pool> pool = make_pool(builder);
  ASSERT_TRUE(pool);
  Lease lease = pool->acquire().value();
  ASSERT_TRUE(lease.call("run"));
  EXPECT_EQ(lease.memory().load<float>(0).value(), 6.0f);
  EXPECT_EQ(lease.memory().load<float>(8).value(), 2.0f);
}

// --- Shuffles ---

using Pattern = std::array<std::uint8_t, 16>;

/// Units of 16 / count bytes from these places of both operands.
template <typename Units>
Pattern units(const Units& from) {
  const std::size_t bytes = 16 / from.size();
  Pattern pattern;
  for (std::size_t i = 0; i < 16; ++i) pattern[i] = static_cast<std::uint8_t>(from[i / bytes] * bytes + i % bytes);
  return pattern;
}

/// Checks in batches: one function for so many patterns.
void check_shuffles(const std::vector<Pattern>& patterns) {
  const VectorOperands operands = {kFirst, kSecond, {}};
  for (std::size_t i = 0; i < patterns.size();) {
    Applications applications(kV128, kV128, kV128, operands);
    for (const std::size_t end = std::min(patterns.size(), i + 500); i < end; ++i) {
      Code code;
      code.op(Op::kI8x16Shuffle);
      for (const std::uint8_t lane : patterns[i]) code.byte(lane);
      applications.add(code, evaluate_shuffle(operands, patterns[i]), fmt::format("{}", fmt::join(patterns[i], " ")));
    }
    applications.check();
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Shuffles, OfLanesOf32Bits) {
  std::vector<Pattern> patterns;
  for (unsigned which = 0; which < 8 * 8 * 8 * 8; ++which)
    patterns.push_back(units(std::array{which & 7, which >> 3 & 7, which >> 6 & 7, which >> 9}));
  check_shuffles(patterns);
}

TEST(Shuffles, OfLanesOf64BitsAndStretches) {
  std::vector<Pattern> patterns;
  for (unsigned which = 0; which < 16; ++which) patterns.push_back(units(std::array{which & 3, which >> 2}));
  for (unsigned start = 0; start < 32; ++start) {
    Pattern both;
    Pattern one;
    Pattern other;
    for (unsigned i = 0; i < 16; ++i) {
      both[i] = static_cast<std::uint8_t>((start + i) % 32);
      one[i] = static_cast<std::uint8_t>((start + i) % 16);
      other[i] = static_cast<std::uint8_t>(16 + (start + i) % 16);
    }
    patterns.insert(patterns.end(), {both, one, other});
  }
  check_shuffles(patterns);
}

TEST(Shuffles, OfLanesOf16Bits) {
  std::vector<Pattern> patterns;
  for (unsigned which = 0; which < 256; ++which) {
    std::array<unsigned, 8> low;
    std::array<unsigned, 8> high;
    std::array<unsigned, 8> blend;
    std::array<unsigned, 8> crossed;
    for (unsigned i = 0; i < 8; ++i) {
      const unsigned chosen = which >> (2 * (i % 4)) & 3;
      low[i] = i < 4 ? chosen : i;
      high[i] = i < 4 ? i : 4 + chosen;
      blend[i] = i + 8 * (which >> i & 1);
      crossed[i] = i < 4 ? 4 + chosen : i;  // of a half that it may not be taken from
    }
    for (const auto& each : {low, high, blend, crossed}) {
      patterns.push_back(units(each));
      for (std::uint8_t& lane : patterns.emplace_back(units(each))) lane ^= 16;
    }
  }
  for (unsigned lane = 0; lane < 16; ++lane)
    patterns.push_back(units(std::array{lane, lane, lane, lane, lane, lane, lane, lane}));
  check_shuffles(patterns);
}

TEST(Shuffles, ThatInterleave) {
  std::vector<Pattern> patterns;
  for (const unsigned bytes : {1u, 2u, 4u, 8u}) {
    for (unsigned start = 0; start <= 16 - 8; ++start) {
      Pattern pattern;
      for (unsigned i = 0; i < 16; ++i) {
        const unsigned unit = i / bytes;
        pattern[i] = static_cast<std::uint8_t>(start + unit / 2 * bytes + i % bytes + unit % 2 * 16);
      }
      patterns.push_back(pattern);
      for (std::uint8_t& lane : pattern) lane ^= 16;
      patterns.push_back(pattern);
      for (std::uint8_t& lane : pattern) lane &= 15;
      patterns.push_back(pattern);
    }
  }
  check_shuffles(patterns);
}

TEST(Shuffles, OfBytes) {
  Random random(7);
  std::vector<Pattern> patterns;
  for (unsigned lane = 0; lane < 32; ++lane) {
    Pattern& same = patterns.emplace_back();
    same.fill(static_cast<std::uint8_t>(lane));
    // Almost a special one: one lane of the identity, of a stretch and of a broadcast is another.
    for (unsigned i = 0; i < 16; ++i) {
      Pattern identity;
      for (unsigned j = 0; j < 16; ++j) identity[j] = static_cast<std::uint8_t>(j);
      Pattern stretch = identity;
      for (std::uint8_t& each : stretch) each = static_cast<std::uint8_t>(each + 3);
      Pattern zeros{};
      for (Pattern* each : {&identity, &stretch, &zeros}) {
        (*each)[i] = static_cast<std::uint8_t>(lane);
        patterns.push_back(*each);
      }
    }
  }
  for (int i = 0; i < 2'000; ++i) {
    Pattern& pattern = patterns.emplace_back();
    const bool in_place = random.percent(20);
    for (unsigned j = 0; j < 16; ++j)
      pattern[j] = static_cast<std::uint8_t>(in_place ? j + 16 * random.below(2) : random.below(32));
  }
  check_shuffles(patterns);
}

TEST(Shuffles, OfOneLocalTwice) {
  // Which operand a lane comes from makes no difference then.
  Random random(8);
  std::vector<Pattern> patterns;
  for (int i = 0; i < 500; ++i) {
    Pattern& pattern = patterns.emplace_back();
    for (std::uint8_t& lane : pattern) lane = static_cast<std::uint8_t>(random.below(32));
  }
  ModuleBuilder builder;
  builder.memory(1);
  Code code;
  code.i32(0).access(Op::kV128Load, 0).set(0);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    code.i32(static_cast<std::uint32_t>(kResults + 16 * i)).get(0).get(0).op(Op::kI8x16Shuffle);
    for (const std::uint8_t lane : patterns[i]) code.byte(lane);
    code.access(Op::kV128Store, 0);
  }
  const ValueType locals[] = {kV128};
  builder.function({}, locals, code, "run");
  const std::optional<Pool> pool = make_pool(builder);
  ASSERT_TRUE(pool);
  Lease lease = pool->acquire().value();
  ASSERT_TRUE(lease.memory().store(0, kFirst));
  ASSERT_TRUE(lease.call("run"));
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    EXPECT_EQ(lease.memory().load<Vector>(kResults + 16 * i).value(),
              evaluate_shuffle({kFirst, kFirst, {}}, patterns[i]));
  }
}

// --- Constants ---

TEST(VectorConstants, AreWhatTheyAreAlsoIfThereAreThousands) {
  // Some of them again and again: more different ones than a function keeps apart by their hash.
  Random random(9);
  std::vector<Vector> values = {{0, 0}, {~0ull, ~0ull}, {0, ~0ull}, {~0ull, 0}, {1, 0}, {0, 1}};
  for (int i = 0; i < 1'000; ++i) values.push_back({random.bits(), random.bits()});
  std::vector<Vector> used;
  for (int i = 0; i < 3'000; ++i) used.push_back(random.percent(50) ? values[random.below(20)] : random.pick(values));
  ModuleBuilder builder;
  builder.memory(1);
  for (const std::size_t half : {0u, 1u}) {  // a function finds nothing of the one before it
    Code code;
    for (std::size_t i = half; i < used.size(); i += 2)
      code.i32(static_cast<std::uint32_t>(16 * i)).v128(used[i][0], used[i][1]).access(Op::kV128Store, 0);
    builder.function({}, {}, code, half == 0 ? "even" : "odd");
  }
  const std::optional<Pool> pool = make_pool(builder);
  ASSERT_TRUE(pool);
  Lease lease = pool->acquire().value();
  ASSERT_TRUE(lease.call("even"));
  ASSERT_TRUE(lease.call("odd"));
  for (std::size_t i = 0; i < used.size(); ++i)
    ASSERT_EQ(lease.memory().load<Vector>(16 * i).value(), used[i]) << "constant " << i;
}

}  // namespace
}  // namespace anew::codegen::test
