// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every numeric operator of the operator table, on all pairs of corner values, with its operands in every place that
// the quick tier knows: constants, locals in registers and in memory, registers, homes; and with other values alive in
// the registers that the operator would like to have. The same for those on integers of 128 bits.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "run.hpp"
#include "support/generator.hpp"
#include "support/module_builder.hpp"
#include "support/print.hpp"
#include "support/reference.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

using wasm::Signature;

enum class Place : std::uint8_t {
  kLocal,        ///< a parameter, in the register it came in
  kStoredLocal,  ///< a parameter behind a call, in memory only
  kRegister,
  kHome,
};
constexpr std::uint32_t kPlaces = 4;

struct Shape {
  std::string name;
  Place left = Place::kLocal;
  Place right = Place::kLocal;
  std::uint32_t live = 0;   ///< values of either class alive in registers meanwhile
  bool same_local = false;  ///< both operands are the first parameter
};

std::uint64_t live_value(std::uint32_t i) { return 0x0101'0101'0101'0101 * (i + 1) + (std::uint64_t{i} << 60); }

/// A module with one function for each way to apply one operator.
class OperatorModule {
 public:
  OperatorModule(Op op, bool canonical_nan)
      : op_(op), canonical_nan_(canonical_nan), signature_(wasm::signature_of(op)), binary_(signature_.operands == 2) {
    add_shapes();
    builder_.memory(1);
    nothing_ = builder_.function({}, {}, {});
    left_ = builder_.global(signature_.operand(0), 0);
    right_ = builder_.global(binary_ ? signature_.operand(1) : kI32, 0);
    checksum_ = builder_.global(kI64, 0, "live");
    for (std::uint32_t i = 0; i < 16; ++i) {
      live_integers_.push_back(builder_.global(kI64, live_value(i)));
      live_floats_.push_back(builder_.global(kF64, live_value(i)));
    }
    for (const Shape& shape : shapes_) add_function(shape);
    add_constants();
    static const Engine engine(
        EngineOptions{.compile_threads = 1, .cache = false, .cache_directory = {}, .progress = {}});
    auto module = engine.compile(builder_.finish(), {.canonical_nan = canonical_nan});
    if (!module) {
      ADD_FAILURE() << wasm::to_string(op) << ": " << module.error().to_string();
      return;
    }
    pool_.emplace(Pool::create(*module, Linker()).value());
    lease_.emplace(pool_->acquire().value());
  }

  void check() {
    if (!pool_) return;
    const std::vector<std::uint64_t>& left = corner_values(signature_.operand(0));
    const std::vector<std::uint64_t> none = {0};
    const std::vector<std::uint64_t>& right = binary_ ? corner_values(signature_.operand(1)) : none;
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      for (std::size_t j = 0; j < right.size(); ++j) {
        const Outcome expected = evaluate(op_, left[i], right[j]);
        for (std::size_t shape = 0; shape < shapes_.size(); ++shape) {
          // The first shapes see all pairs, the others every fifth, each a different one.
          if (binary_ && shape >= 3 && (number + shape) % 5 != 0) continue;
          call(shapes_[shape], left[i], right[j],
               shapes_[shape].same_local ? evaluate(op_, left[i], left[i]) : expected);
          if (testing::Test::HasFailure()) return;
        }
        if (binary_) {
          expect(expected, call(fmt::format("constant_right_{}", j), {{signature_.operand(0), left[i]}}), left[i],
                 right[j], "constant on the right");
          expect(expected, call(fmt::format("constant_left_{}", i), {{signature_.operand(1), right[j]}}), left[i],
                 right[j], "constant on the left");
        }
        if (expected.trap != TrapKind::kNone)
          expect(expected, call(fmt::format("constants_{}_{}", i, j), {}), left[i], right[j], "constants");
        ++number;
      }
      check_constants(i, left[i], right);
    }
  }

 private:
  void add_shapes() {
    static constexpr const char* kNames[kPlaces] = {"local", "stored local", "register", "home"};
    for (std::uint32_t left = 0; left < kPlaces; ++left) {
      for (std::uint32_t right = 0; right < (binary_ ? kPlaces : 1); ++right) {
        // The call that puts the right one into its home takes the left one along.
        if (binary_ && static_cast<Place>(right) == Place::kHome && static_cast<Place>(left) != Place::kHome) continue;
        shapes_.push_back({fmt::format("{}, {}", kNames[left], kNames[right]), static_cast<Place>(left),
                           static_cast<Place>(right), 0, false});
      }
    }
    for (const std::uint32_t live : {1u, 2u, 3u, 4u, 7u, 9u, 12u, 15u}) {
      shapes_.push_back({fmt::format("locals, {} alive", live), Place::kLocal, Place::kLocal, live, false});
      shapes_.push_back({fmt::format("registers, {} alive", live), Place::kRegister, Place::kRegister, live, false});
    }
    if (binary_ && signature_.operand(0) == signature_.operand(1))
      shapes_.push_back({"one local twice", Place::kLocal, Place::kLocal, 0, true});
  }

  /// An i32 result is returned as an i64, so that its register's upper half shows.
  [[nodiscard]] ValueType returned() const { return signature_.result == kI32 ? kI64 : signature_.result; }
  void widen(Code& code) const {
    if (signature_.result == kI32) code.op(Op::kI64ExtendI32U);
  }

  void push_operand(Code& code, std::uint32_t index, Place place) {
    if (place == Place::kLocal || place == Place::kStoredLocal) {
      code.get(index);
      return;
    }
    code.op(Op::kGlobalGet, index == 0 ? left_ : right_);
    if (place == Place::kHome) code.call(nothing_);
  }

  void add_function(const Shape& shape) {
    Code code;
    code.get(0).op(Op::kGlobalSet, left_);
    if (binary_) code.get(1).op(Op::kGlobalSet, right_);
    if (shape.left == Place::kStoredLocal || shape.right == Place::kStoredLocal) code.call(nothing_);
    for (std::uint32_t i = 0; i < shape.live; ++i)
      code.op(Op::kGlobalGet, live_integers_[i]).op(Op::kGlobalGet, live_floats_[i]);
    push_operand(code, 0, shape.left);
    if (binary_) push_operand(code, shape.same_local ? 0 : 1, shape.right);
    code.op(op_);
    widen(code);
    const std::uint32_t result = binary_ ? 2 : 1;
    const std::uint32_t sum = result + 1;
    code.set(result);
    // Folded in the order in which they come off the stack: a value in the wrong place changes the sum.
    for (std::uint32_t i = 0; i < shape.live; ++i) {
      code.op(Op::kI64ReinterpretF64).get(sum).op(Op::kI64Sub).set(sum);
      code.get(sum).op(Op::kI64Sub).i64(3).op(Op::kI64Mul).set(sum);
    }
    code.get(sum).op(Op::kGlobalSet, checksum_).get(result);
    FunctionType type{{signature_.operand(0)}, {returned()}};
    if (binary_) type.parameters.push_back(signature_.operand(1));
    const ValueType locals[] = {returned(), kI64};
    builder_.function(type, locals, code, shape.name);
  }

  [[nodiscard]] static std::uint64_t checksum(std::uint32_t live) {
    std::uint64_t sum = 0;
    for (std::uint32_t i = live; i-- > 0;) {
      sum = live_value(i) - sum;
      sum = (live_value(i) - sum) * 3;
    }
    return sum;
  }

  void add_constants() {
    const std::vector<std::uint64_t>& left = corner_values(signature_.operand(0));
    static constexpr Op kStores[] = {Op::kI32Store, Op::kI64Store, Op::kF32Store, Op::kF64Store};
    const Op store = kStores[static_cast<std::size_t>(kI32) - static_cast<std::size_t>(signature_.result)];
    for (std::size_t i = 0; i < left.size(); ++i) {
      const Code constant = Code().constant(signature_.operand(0), left[i]);
      // All pairs with this constant in one function, results to memory; those that trap in functions of their own.
      Code all;
      auto pair = [&](const Code& operands, std::uint64_t right, std::size_t j) {
        if (evaluate(op_, left[i], right).trap == TrapKind::kNone) {
          all.i32(static_cast<std::uint32_t>(8 * j)).append(operands).op(op_).access(store, 0);
        } else {
          builder_.function({{}, {signature_.result}}, {}, Code(operands).op(op_),
                            fmt::format("constants_{}_{}", i, j));
        }
      };
      if (!binary_) {
        pair(constant, 0, 0);
      } else {
        const std::vector<std::uint64_t>& right = corner_values(signature_.operand(1));
        for (std::size_t j = 0; j < right.size(); ++j)
          pair(Code(constant).constant(signature_.operand(1), right[j]), right[j], j);
        Code with_parameter = Code(constant).get(0).op(op_);
        widen(with_parameter);
        builder_.function({{signature_.operand(1)}, {returned()}}, {}, with_parameter,
                          fmt::format("constant_left_{}", i));
      }
      builder_.function({}, {}, all, fmt::format("constants_{}", i));
    }
    if (!binary_) return;
    const std::vector<std::uint64_t>& right = corner_values(signature_.operand(1));
    for (std::size_t j = 0; j < right.size(); ++j) {
      Code code = Code().get(0).constant(signature_.operand(1), right[j]).op(op_);
      widen(code);
      builder_.function({{signature_.operand(0)}, {returned()}}, {}, code, fmt::format("constant_right_{}", j));
    }
  }

  Outcome call(std::string_view name, std::vector<Value> arguments) {
    auto results = lease_->call_values(name, arguments);
    if (results) return {TrapKind::kNone, results->empty() ? 0 : results->front().bits};
    EXPECT_EQ(results.error().code, ErrorCode::kTrap) << results.error().to_string();
    lease_.reset();
    lease_.emplace(pool_->acquire().value());
    return {results.error().trap, 0};
  }

  void call(const Shape& shape, std::uint64_t left, std::uint64_t right, const Outcome& expected) {
    std::vector<Value> arguments = {{signature_.operand(0), left}};
    if (binary_) arguments.push_back({signature_.operand(1), right});
    expect(expected, call(shape.name, arguments), left, right, shape.name);
    if (expected.trap != TrapKind::kNone) return;
    EXPECT_EQ(lease_->global("live")->bits, checksum(shape.live))
        << "values that were alive changed: " << wasm::to_string(op_) << ", " << shape.name;
  }

  void check_constants(std::size_t i, std::uint64_t left, const std::vector<std::uint64_t>& right) {
    call(fmt::format("constants_{}", i), {});
    for (std::size_t j = 0; j < right.size(); ++j) {
      const Outcome expected = evaluate(op_, left, right[j]);
      if (expected.trap != TrapKind::kNone) continue;
      std::uint64_t bits = lease_->memory().load<std::uint64_t>(8 * j).value();
      if (signature_.result == kI32 || signature_.result == kF32) bits &= 0xFFFF'FFFF;
      expect(expected, {TrapKind::kNone, bits}, left, right[j], "constants");
    }
  }

  void expect(const Outcome& expected, const Outcome& found, std::uint64_t left, std::uint64_t right,
              std::string_view shape) const {
    const bool same = canonical_nan_ ? canonical(op_, expected).bits == found.bits
                                     : same_value(signature_.result, expected.bits, found.bits);
    if (expected.trap == found.trap && same) return;
    ADD_FAILURE() << fmt::format("{} of {:#x} and {:#x} ({}): expected {:#x} {}, found {:#x} {}", wasm::to_string(op_),
                                 left, right, shape, expected.bits, to_string(expected.trap), found.bits,
                                 to_string(found.trap));
  }

  Op op_;
  bool canonical_nan_;
  const Signature& signature_;
  bool binary_;
  std::vector<Shape> shapes_;
  ModuleBuilder builder_;
  std::uint32_t nothing_ = 0, left_ = 0, right_ = 0, checksum_ = 0;
  std::vector<std::uint32_t> live_integers_, live_floats_;
  std::optional<Pool> pool_;
  std::optional<Lease> lease_;  // behind the pool, so that it goes first
};

class NumericOperators : public testing::TestWithParam<ValueType> {};

TEST_P(NumericOperators, ComputeWhatTheSpecificationSaysWhereverTheirOperandsAre) {
  for (const Op op : numeric_operators()) {
    if (wasm::signature_of(op).operand(0) != GetParam()) continue;
    OperatorModule(op, false).check();
    if (HasFailure()) return;
  }
}

TEST_P(NumericOperators, GiveTheCanonicalNanWhereThatIsAskedFor) {
  for (const Op op : numeric_operators()) {
    const wasm::Signature& signature = wasm::signature_of(op);
    if (signature.operand(0) != GetParam() || !(is_float(signature.operand(0)) || is_float(signature.result))) continue;
    OperatorModule(op, true).check();
    if (HasFailure()) return;
  }
}

/// Where an operand of an operator on wide integers is: a constant, a parameter, or what was computed of one.
enum class WidePlace : std::uint8_t { kConstant, kParameter, kRegister, kHome };
constexpr std::uint32_t kWidePlaces = 4;

/// A function of two or four i64 that gives them to the operator, whatever `places` says of each, while `live` other
/// values lie in registers. It returns the two results, and a sum of those values and its parameters.
class WideShape {
 public:
  WideShape(Op op, std::uint32_t places, std::uint32_t live, std::uint64_t constant) : op_(op), live_(live) {
    for (std::uint32_t i = 0; i < wasm::signature_of(op).operands; ++i, places /= kWidePlaces) {
      places_.push_back(static_cast<WidePlace>(places % kWidePlaces));
      constants_.push_back(constant * i + constant);
    }
  }

  void add_to(ModuleBuilder& builder, std::uint32_t nothing, std::string_view name) const {
    const auto count = static_cast<std::uint32_t>(places_.size());
    const std::uint32_t low = count;
    const std::uint32_t high = count + 1;
    const std::uint32_t sum = count + 2;
    Code code;
    for (std::uint32_t i = 0; i < live_; ++i) code.get(i % count).i64(live_value(i)).op(Op::kI64Add);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (places_[i] == WidePlace::kConstant) {
        code.i64(constants_[i]);
        continue;
      }
      code.get(i);
      if (places_[i] != WidePlace::kParameter) code.i64(1).op(Op::kI64Xor);
      if (places_[i] == WidePlace::kHome) code.call(nothing);
    }
    code.op(op_).set(high).set(low);
    for (std::uint32_t i = 0; i < live_; ++i) code.get(sum).op(Op::kI64Sub).set(sum);
    code.get(low).get(high).get(sum);
    for (std::uint32_t i = 0; i < count; ++i) code.get(i).op(Op::kI64Add);
    const std::vector<ValueType> locals(3, kI64);
    builder.function({std::vector<ValueType>(count, kI64), std::vector<ValueType>(3, kI64)}, locals, code, name);
  }

  [[nodiscard]] std::array<std::uint64_t, 3> expected(const std::vector<std::uint64_t>& parameters) const {
    std::vector<std::uint64_t> operands;
    std::uint64_t sum = 0;
    for (std::uint32_t i = live_; i-- > 0;) sum = parameters[i % parameters.size()] + live_value(i) - sum;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      operands.push_back(places_[i] == WidePlace::kConstant    ? constants_[i]
                         : places_[i] == WidePlace::kParameter ? parameters[i]
                                                               : parameters[i] ^ 1);
      sum += parameters[i];
    }
    const auto [low, high] = evaluate_wide(op_, operands);
    return {low, high, sum};
  }

 private:
  Op op_;
  std::uint32_t live_;
  std::vector<WidePlace> places_;
  std::vector<std::uint64_t> constants_;
};

class WideOperators : public testing::TestWithParam<Op> {};

TEST_P(WideOperators, ComputeBothHalvesWhereverTheirOperandsAre) {
  const std::vector<std::uint64_t>& corners = corner_values(kI64);
  const std::uint32_t operands = wasm::signature_of(GetParam()).operands;
  const std::uint32_t combinations = operands == 2 ? 16 : 256;
  std::vector<WideShape> shapes;
  ModuleBuilder builder;
  const std::uint32_t nothing = builder.function({}, {}, {});
  for (const std::uint32_t live : {0u, 1u, 3u, 9u, 15u}) {
    for (std::uint32_t places = 0; places < combinations; ++places) {
      const std::uint64_t constant = corners[(7 * places + live) % corners.size()];
      shapes.emplace_back(GetParam(), places, live, constant)
          .add_to(builder, nothing, fmt::format("f{}", shapes.size() - 1));
    }
  }
  const std::optional<Pool> pool = make_pool(builder);
  ASSERT_TRUE(pool);
  Lease lease = pool->acquire().value();
  Random random(operands);
  for (std::size_t shape = 0; shape < shapes.size(); ++shape) {
    for (int round = 0; round < 25; ++round) {
      std::vector<std::uint64_t> parameters;
      std::vector<Value> arguments;
      for (std::uint32_t i = 0; i < operands; ++i) {
        parameters.push_back(random_value(random, kI64));
        arguments.push_back({kI64, parameters.back()});
      }
      const auto results = lease.call_values(fmt::format("f{}", shape), arguments);
      ASSERT_TRUE(results) << results.error().to_string();
      const auto expected = shapes[shape].expected(parameters);
      for (std::size_t i = 0; i < 3; ++i)
        ASSERT_EQ((*results)[i].bits, expected[i]) << "shape " << shape << ", round " << round << ", result " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, WideOperators,
                         testing::Values(Op::kI64Add128, Op::kI64Sub128, Op::kI64MulWideS, Op::kI64MulWideU),
                         [](const auto& each) {
                           std::string name(wasm::to_string(each.param));
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

INSTANTIATE_TEST_SUITE_P(OperandTypes, NumericOperators, testing::Values(kI32, kI64, kF32, kF64),
                         [](const auto& each) { return std::string(to_string(each.param)); });

}  // namespace
}  // namespace anew::codegen::test
