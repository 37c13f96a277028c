// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every vector operator of the operator table, on corner values and random ones, with operands that the optimizer knows
// and that it does not.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <llvm/IR/Instructions.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "probe.hpp"
#include "support/generator.hpp"
#include "support/vector_reference.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::optimizing::test {
namespace {

using codegen::test::cut;
using codegen::test::evaluate_lane;
using codegen::test::evaluate_shuffle;
using codegen::test::evaluate_vector;
using codegen::test::is_allowed;
using codegen::test::Random;
using codegen::test::sample_operands;
using codegen::test::vector_operators;
using codegen::test::VectorOperands;
using wasm::Vector;

constexpr ValueType kV128 = ValueType::kV128;

std::string show(const Vector& vector) { return fmt::format("{:016x}'{:016x}", vector[1], vector[0]); }

/// An operator that computes, one way to use it: which operands the optimizer knows.
class Use {
 public:
  /// @param known  a bit for each operand.
  Use(Op op, unsigned known, std::vector<VectorOperands> samples)
      : op_(op), known_(known), samples_(std::move(samples)), name_(fmt::format("{} {}", wasm::to_string(op), known)) {}

  /// A function that applies the operator to each sample; if it knows no operand, to the parameters.
  void add_to(Probe& probe) const {
    const wasm::Signature& signature = wasm::signature_of(op_);
    probe.begin(name_);
    for (std::uint32_t sample = 0; sample < (known_ == 0 ? 1 : samples_.size()); ++sample) {
      for (std::uint32_t i = 0; i < signature.operands; ++i) {
        const ValueType type = signature.operand(i);
        const Vector& bits = samples_[sample][i];
        if ((known_ >> i & 1) == 0)
          probe.parameter(type, 6 * sample + 2 * i);
        else
          type == kV128 ? probe.vector_constant(bits) : probe.constant(type, bits[0]);
      }
      probe.numeric(op_);
      probe.result(2 * sample);
    }
    probe.end();
  }

  void check(Unit& unit, bool canonical_nan) const {
    Function* const function = unit.function(name_);
    const std::size_t at_once = known_ == 0 ? 1 : samples_.size();
    for (std::size_t first = 0; first < samples_.size(); first += at_once) {
      alignas(16) std::array<Vector, kKnownSamples> found{};
      // Vectors lie one behind the other, as parameters of two slots each.
      Unit::run(function, found[0].data(), samples_[first][0].data(), nullptr);
      for (std::size_t i = 0; i < at_once; ++i) expect(samples_[first + i], found[i], canonical_nan);
      if (testing::Test::HasFailure()) return;
    }
  }

  static constexpr std::size_t kKnownSamples = 24;  ///< at most

 private:
  void expect(const VectorOperands& operands, const Vector& found, bool canonical_nan) const {
    const Vector expected = evaluate_vector(op_, operands);
    if (canonical_nan ? codegen::test::canonical(op_, expected) == found : is_allowed(op_, operands, expected, found))
      return;
    ADD_FAILURE() << fmt::format("{} (known: {:b}) of {}, {}, {}: expected {}, found {}", wasm::to_string(op_), known_,
                                 show(operands[0]), show(operands[1]), show(operands[2]), show(expected), show(found));
  }

  Op op_;
  unsigned known_;
  std::vector<VectorOperands> samples_;
  std::string name_;
};
static_assert(sizeof(VectorOperands) == 6 * sizeof(std::uint64_t));

/// Operators in groups by the word before the dot.
class OptimizedVectorOperators : public testing::TestWithParam<const char*> {
 protected:
  static void check(bool canonical_nan) {
    Unit unit({}, {.canonical_nan = canonical_nan});
    std::vector<Use> uses;
    for (const Op op : vector_operators()) {
      const std::string_view name = wasm::to_string(op);
      const bool has_floats = name.find("f32x4") != name.npos || name.find("f64x2") != name.npos;
      if (!name.starts_with(GetParam()) || (canonical_nan && !has_floats)) continue;
      std::vector<VectorOperands> samples = sample_operands(op);
      // Operands that change nothing beside a signalling NaN: what the optimizer makes of these must quiet NaNs too.
      if (has_floats) add_neutral(samples, wasm::signature_of(op));
      const unsigned all = (1u << wasm::signature_of(op).operands) - 1;
      for (unsigned known = 0; known <= all; ++known) {
        const auto end = known == 0 ? samples.end() : samples.begin() + (has_floats ? Use::kKnownSamples : 8);
        uses.emplace_back(op, known, std::vector(samples.begin(), end));
      }
    }
    for (const Use& use : uses) use.add_to(unit.probe());
    unit.optimize();
    if (HasFatalFailure()) return;
    unit.make_code();
    for (const Use& use : uses) use.check(unit, canonical_nan);
  }

 private:
  static void add_neutral(std::vector<VectorOperands>& samples, const wasm::Signature& signature) {
    static constexpr std::uint64_t kSignalling32 = 0x7FA0'0000'FFA0'0001, kSignalling64 = 0x7FF4'0000'0000'0001;
    static constexpr std::array<std::uint64_t, 6> kNeutral = {0x3F80'0000'3F80'0000, 0xBF80'0000'BF80'0000,
                                                              0x8000'0000'8000'0000, 0x3FF0'0000'0000'0000,
                                                              0xBFF0'0000'0000'0000, 0x8000'0000'0000'0000};
    for (std::uint32_t i = 0; i < kNeutral.size(); ++i) {
      for (std::uint32_t which = 0; which < signature.operands; ++which) {
        VectorOperands operands{};
        for (std::uint32_t j = 0; j < signature.operands; ++j) {
          std::uint64_t bits = kNeutral[i / 3 * 3 + (i + 2 * j) % 3];
          if (j == which) bits = i < 3 ? kSignalling32 : kSignalling64;
          operands[j] = cut(signature.operand(j), {bits, bits});
        }
        samples.insert(samples.begin(), operands);
      }
    }
  }
};

TEST_P(OptimizedVectorOperators, ComputeWhatTheSpecificationSays) { check(false); }
TEST_P(OptimizedVectorOperators, GiveTheCanonicalNanWhereThatIsAskedFor) { check(true); }

INSTANTIATE_TEST_SUITE_P(LaneShapes, OptimizedVectorOperators,
                         testing::Values("v128", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2"),
                         [](const auto& each) { return std::string(each.param); });

// --- Lanes ---

std::vector<Op> lane_operators() {
  return {
#define ANEW_X(name, ...) Op::k##name,
      ANEW_LANE_OPERATORS(ANEW_X)
#undef ANEW_X
  };
}

constexpr VectorOperands kOperands = {
    Vector{0x8091'A2B3'C4D5'E6F7, 0x7FA1'2345'FFB6'5432}, {0xFEDC'BA98'7654'3210, 0x0F1E'2D3C'4B5A'6978}, {}};

TEST(OptimizedVectors, ExtractAndReplaceLanes) {
  Unit unit;
  const auto name = [](Op op, std::uint32_t lane) { return fmt::format("{} {}", wasm::to_string(op), lane); };
  for (const Op op : lane_operators()) {
    const wasm::Signature& signature = wasm::signature_of(op);
    for (std::uint32_t lane = 0; lane < signature.lanes; ++lane) {
      Probe& probe = unit.probe();
      probe.begin(name(op, lane));
      for (std::uint32_t i = 0; i < signature.operands; ++i) probe.parameter(signature.operand(i), 2 * i);
      probe.lane(op, lane);
      probe.result(0);
      probe.end();
    }
  }
  unit.optimize();
  if (HasFatalFailure()) return;
  unit.make_code();
  for (const Op op : lane_operators()) {
    for (std::uint32_t lane = 0; lane < wasm::signature_of(op).lanes; ++lane) {
      alignas(16) Vector found{};
      alignas(16) const VectorOperands in = kOperands;
      Unit::run(unit.function(name(op, lane)), found.data(), in[0].data(), nullptr);
      EXPECT_EQ(show(found), show(evaluate_lane(op, kOperands, lane))) << name(op, lane);
    }
  }
}

TEST(OptimizedVectors, ShuffleLanes) {
  using Lanes = std::array<std::uint8_t, 16>;
  Random random(1);
  std::vector<Lanes> shuffles(64);
  for (Lanes& lanes : shuffles) {
    // Units of 1 to 8 bytes, of one operand or both.
    const std::uint32_t unit = 1u << random.below(4);
    const std::uint32_t bytes = random.percent(50) ? 16 : 32;
    const std::uint32_t start = random.percent(30) ? 16 : 0;
    for (std::uint32_t i = 0; i < 16; i += unit) {
      const std::uint32_t from = (start + unit * random.below(bytes / unit)) % 32;
      for (std::uint32_t j = 0; j < unit; ++j) lanes[i + j] = static_cast<std::uint8_t>(from + j);
    }
  }
  Unit unit;
  for (std::size_t i = 0; i < shuffles.size(); ++i) {
    Probe& probe = unit.probe();
    probe.begin(fmt::format("shuffle {}", i));
    probe.parameter(kV128, 0);
    probe.parameter(kV128, 2);
    probe.shuffle(shuffles[i]);
    probe.result(0);
    probe.end();
  }
  unit.optimize();
  if (HasFatalFailure()) return;
  unit.make_code();
  for (std::size_t i = 0; i < shuffles.size(); ++i) {
    alignas(16) Vector found{};
    alignas(16) const VectorOperands in = kOperands;
    Unit::run(unit.function(fmt::format("shuffle {}", i)), found.data(), in[0].data(), nullptr);
    EXPECT_EQ(show(found), show(evaluate_shuffle(kOperands, shuffles[i]))) << i;
  }
}

// --- Memory ---

std::vector<Op> memory_operators() {
  return {
#define ANEW_X(name, ...) Op::k##name,
      ANEW_VECTOR_LOAD_OPERATORS(ANEW_X) ANEW_VECTOR_STORE_OPERATORS(ANEW_X) ANEW_LOAD_LANE_OPERATORS(ANEW_X)
          ANEW_STORE_LANE_OPERATORS(ANEW_X)
#undef ANEW_X
  };
}

constexpr std::uint32_t kMemoryBytes = 64, kAddress = 5, kOffset = 8;  // nothing is aligned

ModuleBuilder with_memory() {
  ModuleBuilder builder;
  builder.memory(1);
  return builder;
}

/// Applies the operator to the address in slot 0, and to the vector in slot 2 if it has one.
void apply(Probe& probe, Op op, std::uint32_t lane) {
  const wasm::Signature& signature = wasm::signature_of(op);
  const wasm::MemoryArgument argument{.offset = kOffset};
  probe.parameter(kI32, 0);
  if (signature.operands == 2) probe.parameter(kV128, 2);
  if (signature.lanes != 0)
    signature.results == 0 ? probe.store_lane(op, argument, lane) : probe.load_lane(op, argument, lane);
  else
    signature.results == 0 ? probe.store(op, argument) : probe.load(op, argument);
}

/// What the loaded bytes become, by an operator that does the same to a vector.
Vector loaded(Op op, const Vector& bytes, const Vector& operand, std::uint32_t lane) {
  const VectorOperands both = {operand, bytes, {}};
  switch (op) {
    case Op::kV128Load8x8S: return evaluate_vector(Op::kI16x8ExtendLowI8x16S, {bytes});
    case Op::kV128Load8x8U: return evaluate_vector(Op::kI16x8ExtendLowI8x16U, {bytes});
    case Op::kV128Load16x4S: return evaluate_vector(Op::kI32x4ExtendLowI16x8S, {bytes});
    case Op::kV128Load16x4U: return evaluate_vector(Op::kI32x4ExtendLowI16x8U, {bytes});
    case Op::kV128Load32x2S: return evaluate_vector(Op::kI64x2ExtendLowI32x4S, {bytes});
    case Op::kV128Load32x2U: return evaluate_vector(Op::kI64x2ExtendLowI32x4U, {bytes});
    case Op::kV128Load8Splat: return evaluate_vector(Op::kI8x16Splat, {bytes});
    case Op::kV128Load16Splat: return evaluate_vector(Op::kI16x8Splat, {bytes});
    case Op::kV128Load32Splat: return evaluate_vector(Op::kI32x4Splat, {bytes});
    case Op::kV128Load64Splat: return evaluate_vector(Op::kI64x2Splat, {bytes});
    case Op::kV128Load8Lane: return evaluate_lane(Op::kI8x16ReplaceLane, both, lane);
    case Op::kV128Load16Lane: return evaluate_lane(Op::kI16x8ReplaceLane, both, lane);
    case Op::kV128Load32Lane: return evaluate_lane(Op::kI32x4ReplaceLane, both, lane);
    case Op::kV128Load64Lane: return evaluate_lane(Op::kI64x2ReplaceLane, both, lane);
    default: return bytes;
  }
}

TEST(OptimizedVectors, LoadAndStore) {
  Unit unit(with_memory());
  const auto name = [](Op op, std::uint32_t lane) { return fmt::format("{} {}", wasm::to_string(op), lane); };
  const auto lanes = [](Op op) { return std::max<std::uint32_t>(wasm::signature_of(op).lanes, 1); };
  for (const Op op : memory_operators()) {
    for (std::uint32_t lane = 0; lane < lanes(op); ++lane) {
      unit.probe().begin(name(op, lane));
      apply(unit.probe(), op, lane);
      if (wasm::signature_of(op).results != 0) unit.probe().result(0);
      unit.probe().end();
    }
  }
  unit.optimize();
  if (HasFatalFailure()) return;
  unit.make_code();
  for (const Op op : memory_operators()) {
    const std::uint32_t bytes = wasm::access_bytes(op);
    for (std::uint32_t lane = 0; lane < lanes(op); ++lane) {
      std::array<std::byte, kMemoryBytes> memory;
      for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::byte>(0xF1 * i + 0x7E);
      std::array<std::byte, kMemoryBytes> expected_memory = memory;
      Vector expected{};
      if (wasm::signature_of(op).results != 0) {
        Vector from_memory{};
        std::memcpy(&from_memory, &memory[kAddress + kOffset], bytes);
        expected = loaded(op, from_memory, kOperands[1], lane);
      } else {
        std::memcpy(&expected_memory[kAddress + kOffset],
                    reinterpret_cast<const std::byte*>(&kOperands[1]) + bytes * lane, bytes);
      }
      alignas(16) Vector found{};
      alignas(16) const std::array<Vector, 2> in = {Vector{kAddress, 0}, kOperands[1]};
      Unit::run(unit.function(name(op, lane)), found.data(), in[0].data(), memory.data());
      EXPECT_EQ(show(found), show(expected)) << name(op, lane);
      EXPECT_EQ(memory, expected_memory) << name(op, lane);
    }
  }
}

TEST(OptimizedVectors, LoadInFullWidthThoughNobodyWantsTheValue) {
  Unit unit(with_memory());
  for (const Op op : memory_operators()) {
    if (wasm::signature_of(op).results == 0) continue;
    unit.probe().begin(std::string(wasm::to_string(op)));
    apply(unit.probe(), op, 0);
    unit.probe().drop();
    unit.probe().end();
  }
  unit.optimize();
  if (HasFatalFailure()) return;
  for (const Op op : memory_operators()) {
    if (wasm::signature_of(op).results == 0) continue;
    std::uint64_t bits = 0;
    for (const ::llvm::BasicBlock& block : *unit.ir().getFunction(std::string(wasm::to_string(op))))
      for (const ::llvm::Instruction& each : block)
        if (const auto* const load = ::llvm::dyn_cast<::llvm::LoadInst>(&each))
          if (load->getPointerAddressSpace() == kMemorySpace) bits = load->getType()->getPrimitiveSizeInBits();
    EXPECT_EQ(bits, 8 * wasm::access_bytes(op)) << wasm::to_string(op);
  }
}

}  // namespace
}  // namespace anew::codegen::optimizing::test
