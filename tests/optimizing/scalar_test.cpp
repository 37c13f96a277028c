// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every numeric operator of the operator table, on all pairs of corner values, with operands that the optimizer knows
// and that it does not; the same for those on integers of 128 bits.
#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "probe.hpp"
#include "support/print.hpp"
#include "support/reference.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::optimizing::test {
namespace {

using codegen::test::corner_values;
using codegen::test::evaluate;
using codegen::test::numeric_operators;
using codegen::test::Outcome;
using codegen::test::same_value;

std::uint64_t quiet_bit(ValueType type) { return std::uint64_t{1} << (type == kF32 ? 22 : 51); }

class OperatorFunctions {
 public:
  OperatorFunctions(Op op, bool canonical_nan)
      : op_(op),
        canonical_nan_(canonical_nan),
        signature_(wasm::signature_of(op)),
        binary_(signature_.operands == 2),
        left_(corner_values(signature_.operand(0))),
        right_(binary_ ? corner_values(signature_.operand(1)) : std::vector<std::uint64_t>{0}),
        unit_({}, {.canonical_nan = canonical_nan}) {}

  void check() {
    for (std::size_t i = 0; i < left_.size(); ++i)
      for (std::size_t j = 0; j < right_.size(); ++j) pairs_.push_back({left_[i], right_[j]});
    // Of a function with constants the operator's results are many, but for one that traps, which has one of its own.
    add("neither", false, false, {{0, 0}});
    std::vector<Pair> without_trap;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      if (evaluate(op_, pairs_[i].left, pairs_[i].right).trap == TrapKind::kNone)
        without_trap.push_back(pairs_[i]);
      else
        add(fmt::format("both {}", i), true, true, {pairs_[i]});
    }
    add("both", true, true, without_trap);
    if (binary_) {
      const bool may_trap = wasm::outcome_of(op_) == wasm::Outcome::kTraps;
      add_with_one("left", true, left_, may_trap);
      add_with_one("right", false, right_, may_trap);
    }
    unit_.optimize();
    if (testing::Test::HasFatalFailure()) return;
    unit_.make_code();
    call();
  }

 private:
  struct Pair {
    std::uint64_t left, right;
  };

  void add(const std::string& name, bool knows_left, bool knows_right, const std::vector<Pair>& pairs) {
    Probe& probe = unit_.probe();
    probe.begin(name);
    for (std::uint32_t i = 0; i < pairs.size(); ++i) {
      knows_left ? probe.constant(signature_.operand(0), pairs[i].left) : probe.parameter(signature_.operand(0), 0);
      if (binary_)
        knows_right ? probe.constant(signature_.operand(1), pairs[i].right) : probe.parameter(signature_.operand(1), 1);
      probe.numeric(op_);
      probe.result(i);
    }
    probe.end();
  }
  void add_with_one(const std::string& name, bool is_left, const std::vector<std::uint64_t>& values, bool alone) {
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < values.size(); ++i) {
      pairs.push_back(is_left ? Pair{values[i], 0} : Pair{0, values[i]});
      if (!alone) continue;
      add(fmt::format("{} {}", name, i), is_left, !is_left, pairs);
      pairs.clear();
    }
    if (!alone) add(name, is_left, !is_left, pairs);
  }

  void call() {
    Function* const neither = unit_.function("neither");
    for (const Pair& pair : pairs_) run("neither", neither, pair, std::span(&pair, 1));
    std::vector<Pair> without_trap;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      if (evaluate(op_, pairs_[i].left, pairs_[i].right).trap == TrapKind::kNone)
        without_trap.push_back(pairs_[i]);
      else
        run("both", unit_.function(fmt::format("both {}", i)), {0, 0}, std::span(&pairs_[i], 1));
    }
    run("both", unit_.function("both"), {0, 0}, without_trap);
    if (binary_) {
      call_with_one("left", true, left_, right_);
      call_with_one("right", false, right_, left_);
    }
  }
  void call_with_one(const std::string& name, bool is_left, const std::vector<std::uint64_t>& known,
                     const std::vector<std::uint64_t>& others) {
    const bool alone = wasm::outcome_of(op_) == wasm::Outcome::kTraps;
    std::vector<Function*> functions;
    for (std::size_t i = 0; i < (alone ? known.size() : 1); ++i)
      functions.push_back(unit_.function(alone ? fmt::format("{} {}", name, i) : name));
    for (const std::uint64_t other : others) {
      std::vector<Pair> pairs;
      for (const std::uint64_t each : known) pairs.push_back(is_left ? Pair{each, other} : Pair{other, each});
      if (!alone) {
        run(name, functions[0], {other, other}, pairs);
        continue;
      }
      for (std::size_t i = 0; i < pairs.size(); ++i) run(name, functions[i], {other, other}, std::span(&pairs[i], 1));
    }
  }

  /// Calls a function that computes the results of those pairs.
  void run(std::string_view known, Function* function, Pair parameters, std::span<const Pair> pairs) {
    std::vector<std::uint64_t> found(pairs.size());
    const std::array<std::uint64_t, 2> in = {parameters.left, parameters.right};
    const TrapKind trap = Unit::run(function, found.data(), in.data(), nullptr);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const Outcome expected = evaluate(op_, pairs[i].left, pairs[i].right);
      if (trap == expected.trap && (trap != TrapKind::kNone || is_right(expected, found[i]))) continue;
      ADD_FAILURE() << fmt::format("{} of {:#x} and {:#x} (known: {}): expected {:#x} {}, found {:#x} {}",
                                   wasm::to_string(op_), pairs[i].left, pairs[i].right, known, expected.bits,
                                   to_string(expected.trap), found[i], to_string(trap));
    }
  }
  [[nodiscard]] bool is_right(const Outcome& expected, std::uint64_t found) const {
    if (canonical_nan_) return found == codegen::test::canonical(op_, expected).bits;
    const wasm::Outcome outcome = wasm::outcome_of(op_);
    const bool is_open = outcome == wasm::Outcome::kNan32 || outcome == wasm::Outcome::kNan64;
    if (!is_open || !codegen::test::is_nan(signature_.result, expected.bits)) return found == expected.bits;
    return codegen::test::is_nan(signature_.result, found) && (found & quiet_bit(signature_.result)) != 0;
  }

  Op op_;
  bool canonical_nan_;
  const wasm::Signature& signature_;
  bool binary_;
  std::vector<std::uint64_t> left_, right_;
  std::vector<Pair> pairs_;
  Unit unit_;
};

class OptimizedNumbers : public testing::TestWithParam<ValueType> {};

TEST_P(OptimizedNumbers, AreWhatTheSpecificationSaysWhateverOfTheirOperandsIsKnown) {
  for (const Op op : numeric_operators()) {
    if (wasm::signature_of(op).operand(0) != GetParam()) continue;
    OperatorFunctions(op, false).check();
    if (HasFailure()) return;
  }
}

TEST_P(OptimizedNumbers, HaveTheCanonicalNanWhereThatIsAskedFor) {
  for (const Op op : numeric_operators()) {
    const wasm::Signature& signature = wasm::signature_of(op);
    if (signature.operand(0) != GetParam() || !(is_float(signature.operand(0)) || is_float(signature.result))) continue;
    OperatorFunctions(op, true).check();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, OptimizedNumbers, testing::Values(kI32, kI64, kF32, kF64),
                         [](const auto& value) { return to_string(value.param); });

TEST(OptimizedNumbers, OfWideIntegersHaveBothHalves) {
  const std::vector<std::uint64_t>& values = corner_values(kI64);
  for (const Op op : {Op::kI64Add128, Op::kI64Sub128, Op::kI64MulWideS, Op::kI64MulWideU}) {
    Unit unit;
    const std::uint32_t operands = wasm::signature_of(op).operands;
    unit.probe().begin("f");
    for (std::uint32_t i = 0; i < operands; ++i) unit.probe().parameter(kI64, i);
    unit.probe().numeric(op);
    unit.probe().result(1);
    unit.probe().result(0);
    unit.probe().end();
    unit.optimize();
    unit.make_code();
    Function* const function = unit.function("f");
    for (const std::uint64_t a : values) {
      for (const std::uint64_t b : values) {
        const std::array<std::uint64_t, 4> in = {a, b, ~b, a ^ (b << 7)};
        std::array<std::uint64_t, 2> found{};
        ASSERT_EQ(Unit::run(function, found.data(), in.data(), nullptr), TrapKind::kNone);
        ASSERT_EQ(found, codegen::test::evaluate_wide(op, std::span(in).first(operands)))
            << wasm::to_string(op) << " " << a << " " << b;
      }
    }
  }
}

}  // namespace
}  // namespace anew::codegen::optimizing::test
