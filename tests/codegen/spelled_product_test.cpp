// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products of 128 bits that functions spell out (wasm/spelled_product.hpp): that each rule and each sum for a half
// computes what it is said to; that the bodies of real modules are recognized, and do the same, byte for byte and trap
// for trap, as code that executes them as they are; and that no body which differs by one operator does anything else
// than it says.
#include "wasm/spelled_product.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "run.hpp"
#include "support/generator.hpp"
#include "support/reference.hpp"
#include "support/spelled_products.hpp"
#include "support/wat.hpp"
#include "wasm/decoder.hpp"

namespace anew::codegen::test {
namespace {

using anew::test::has_high_halves;
using anew::test::kSpelledProducts;
using anew::test::wat;
using Body = anew::test::SpelledProduct;
using wasm::spelled::Half;
using wasm::spelled::Sum;

using Halves = std::array<std::uint64_t, 2>;

// --- The rules ---

/// The low half of each factor before its high half: those at which a partial product, or a sum of some, is just below
/// or above a power of 2, and others.
const std::vector<std::array<std::uint64_t, 4>>& many_factors() {
  static const std::vector<std::array<std::uint64_t, 4>> kFactors = [] {
    constexpr std::uint64_t kCorners[] = {0,
                                          1,
                                          0x7FFF'FFFF,
                                          0x8000'0000,
                                          0xFFFF'FFFE,
                                          0xFFFF'FFFF,
                                          0x1'0000'0000,
                                          0x1'0000'0001,
                                          0x7FFF'FFFF'FFFF'FFFF,
                                          0x8000'0000'0000'0000,
                                          0xFFFF'FFFE'FFFF'FFFF,
                                          0xFFFF'FFFF'0000'0000,
                                          0xFFFF'FFFF'0000'0001,
                                          0xFFFF'FFFF'FFFF'FFFF};
    std::vector<std::array<std::uint64_t, 4>> factors;
    for (const std::uint64_t a : kCorners)
      for (const std::uint64_t b : kCorners) factors.push_back({a, ~b, b, a ^ b});
    Random random(1);
    const auto any = [&] { return random_value(random, kI64); };
    const auto bits = [&] { return random.bits(); };
    for (int i = 0; i < 1'000; ++i) factors.push_back({any(), any(), any(), any()});
    for (int i = 0; i < 1'000; ++i) factors.push_back({bits(), bits(), bits(), bits()});
    return factors;
  }();
  return kFactors;
}

Sum term_of(std::size_t factor) { return wasm::spelled::parameters(5)[factor + 1]; }

/// What the terms of sums are for some factors: those of the parameters, and what the rules make of them.
class Terms {
 public:
  /// @param factors  the low half of each before its high half.
  explicit Terms(const std::array<std::uint64_t, 4>& factors) {
    for (std::size_t i = 0; i < factors.size(); ++i) define(term_of(i), factors[i]);
    for (const std::uint64_t each : {std::uint64_t{32}, std::uint64_t{0xFFFF'FFFF}})
      define(wasm::spelled::constant(kI64, each), each);
  }
  /// @return none if a term is not known.
  [[nodiscard]] std::optional<std::uint64_t> value(Sum sum) const {
    std::uint64_t total = 0;
    for (; sum != 0; sum &= sum - 1) {
      const std::optional<std::uint64_t>& value = values_[std::countr_zero(sum)];
      if (!value) return std::nullopt;
      total += *value;
    }
    return total;
  }
  /// @param term  one.
  void define(Sum term, std::uint64_t value) { values_[std::countr_zero(term)] = value; }

 private:
  std::array<std::optional<std::uint64_t>, 64> values_;
};

void check_rules(const std::array<std::uint64_t, 4>& factors) {
  const wasm::spelled::Rules rules = wasm::spelled::rules();
  Terms terms(factors);
  const auto [a, a_high, b, b_high] = factors;
  const Halves product = evaluate_wide(Op::kI64MulWideU, std::array{a, b});
  for (const wasm::spelled::Rule& rule : rules.rules) {
    const auto left = terms.value(rule.left);
    const auto right = terms.value(rule.right);
    ASSERT_TRUE(left && right) << wasm::to_string(rule.op) << " stands before what it needs";
    const std::uint64_t result = evaluate(rule.op, *left, *right).bits;
    const auto known = terms.value(rule.result);
    if (known) {
      ASSERT_EQ(*known, result) << wasm::to_string(rule.op) << ", rule " << &rule - rules.rules.data();
    }
    if (!known) terms.define(rule.result, result);
  }
  const Sum cross = wasm::spelled::apply(Op::kI64Add, wasm::spelled::apply(Op::kI64Mul, term_of(0), term_of(3)),
                                         wasm::spelled::apply(Op::kI64Mul, term_of(1), term_of(2)));
  for (const Sum half : rules.low_halves) {
    EXPECT_EQ(wasm::spelled::half_of(half, 3), Half::kLow);
    EXPECT_EQ(wasm::spelled::half_of(half, 5), Half::kLow);
    EXPECT_EQ(terms.value(half), product[0]);
  }
  for (const Sum half : rules.high_halves) {
    EXPECT_EQ(wasm::spelled::half_of(half, 3), Half::kHigh);
    EXPECT_EQ(wasm::spelled::half_of(half, 5), std::nullopt);
    EXPECT_EQ(terms.value(half), product[1]);
    EXPECT_EQ(wasm::spelled::half_of(half | cross, 3), std::nullopt);
    EXPECT_EQ(wasm::spelled::half_of(half | cross, 5), Half::kHigh);
    EXPECT_EQ(terms.value(half | cross), product[1] + a * b_high + a_high * b);
  }
}

TEST(SpelledProduct, RulesComputeWhatTheyAreSaidTo) {
  for (const std::array<std::uint64_t, 4>& factors : many_factors()) {
    check_rules(factors);
    ASSERT_FALSE(HasFailure()) << fmt::format("{:x}", fmt::join(factors, " "));
  }
}

// --- Functions ---

std::vector<std::string> operators_of(const Body& body) {
  std::vector<std::string> operators;
  for (std::string_view text = body.operators; !text.empty();) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const bool is_immediate = word[0] < 'a' || word.contains('=');
    if (is_immediate)
      operators.back() += ' ' + std::string(word);
    else
      operators.emplace_back(word);
  }
  return operators;
}

std::vector<std::byte> module_of(const Body& body, const std::vector<std::string>& operators) {
  return wat(anew::test::text_of(body, fmt::format("{}", fmt::join(operators, " "))));
}

/// Whether the module's last function is recognized.
bool is_recognized(const std::vector<std::byte>& binary) {
  const wasm::Module module = wasm::decode_module(binary).value();
  const std::uint32_t last = module.defined_functions() - 1;
  if (!wasm::spelled::may_multiply(module, last)) return false;
  wasm::FunctionValidator validator(module);
  wasm::SpelledProduct<wasm::NullSink> product(module, nullptr, {});
  return validator.validate(last, product) && product.homes();
}

/// The function in code that executes each operator as it is, and in code that need not.
class Pair {
 public:
  Pair(const Body& body, const std::vector<std::byte>& binary, bool explicit_bounds = false)
      : has_high_halves_(has_high_halves(body)) {
    for (const bool fuel : {true, false}) {
      const CompileOptions options{.explicit_bounds = explicit_bounds, .fuel = fuel};
      pools_.push_back(Pool::create(engine().compile(binary, options).value(), Linker(), {.capacity = 1}).value());
      leases_.push_back(pools_.back().acquire().value());
    }
  }
  /// Both must do the same.
  void call(std::uint32_t address, const std::array<std::uint64_t, 4>& factors) {
    SCOPED_TRACE(fmt::format("at {:#x}: {:x}", address, fmt::join(factors, " ")));
    const Result<void> as_it_is = call(leases_[0], address, factors);
    const Result<void> result = call(leases_[1], address, factors);
    ASSERT_EQ(result.has_value(), as_it_is.has_value());
    if (!result) {
      EXPECT_EQ(result.error().trap, as_it_is.error().trap);
      ASSERT_FALSE(result.error().backtrace.empty());
      ASSERT_EQ(result.error().backtrace.size(), as_it_is.error().backtrace.size());
      for (std::size_t i = 0; i < result.error().backtrace.size(); ++i) {
        EXPECT_EQ(result.error().backtrace[i].function_index, as_it_is.error().backtrace[i].function_index);
        EXPECT_EQ(result.error().backtrace[i].module_offset, as_it_is.error().backtrace[i].module_offset);
      }
    }
    ASSERT_EQ(memory(leases_[0]).size(), memory(leases_[1]).size());
    ASSERT_EQ(std::memcmp(memory(leases_[0]).data(), memory(leases_[1]).data(), memory(leases_[0]).size()), 0);
    EXPECT_EQ(leases_[0].global("stack")->bits, leases_[1].global("stack")->bits);
  }
  /// What the last call left in memory.
  [[nodiscard]] Halves halves_at(std::uint32_t address) {
    Halves halves{};
    std::memcpy(halves.data(), memory(leases_[1]).data() + address, sizeof halves);
    return halves;
  }

 private:
  Result<void> call(Lease& lease, std::uint32_t address, const std::array<std::uint64_t, 4>& factors) const {
    const auto& [a, a_high, b, b_high] = factors;
    return has_high_halves_ ? lease.call<void>("product", address, a, a_high, b, b_high)
                            : lease.call<void>("product", address, a, b);
  }
  static std::span<const std::byte> memory(Lease& lease) {
    const MemoryView view = lease.memory();
    return view.read(0, view.size()).value();
  }
  bool has_high_halves_;
  std::vector<Pool> pools_;
  std::vector<Lease> leases_;
};

TEST(SpelledProduct, OfRealModulesIsRecognizedAndDoesTheSame) {
  for (const Body& body : kSpelledProducts) {
    SCOPED_TRACE(body.name);
    const std::vector<std::byte> binary = module_of(body, operators_of(body));
    EXPECT_TRUE(is_recognized(binary));
    Pair pair(body, binary);
    const auto check = [&](const std::array<std::uint64_t, 4>& factors) {
      ASSERT_NO_FATAL_FAILURE(pair.call(1'024, factors));
      const auto [a, a_high, b, b_high] = factors;
      Halves expected = evaluate_wide(Op::kI64MulWideU, std::array{a, b});
      if (has_high_halves(body))
        expected[1] += a * b_high + a_high * b;
      else
        std::swap(expected[0], expected[1]);  // as that one stores them
      ASSERT_EQ(pair.halves_at(1'024), expected);
    };
    for (const std::array<std::uint64_t, 4>& factors : many_factors()) ASSERT_NO_FATAL_FAILURE(check(factors));
  }
}

TEST(SpelledProduct, TrapsWhereTheFunctionDoesAndLeavesTheSameBytes) {
  for (const Body& body : kSpelledProducts) {
    for (const bool explicit_bounds : {false, true}) {
      SCOPED_TRACE(fmt::format("{}, explicit bounds: {}", body.name, explicit_bounds));
      Pair pair(body, module_of(body, operators_of(body)), explicit_bounds);
      for (const std::uint32_t address :
           {65'520u, 65'521u, 65'528u, 65'529u, 65'536u, 0x7FFF'FFFFu, 0xFFFF'FFF0u, 0xFFFF'FFF8u, 0xFFFF'FFFFu}) {
        ASSERT_NO_FATAL_FAILURE(pair.call(address, {~0ull - address, 1, ~0ull - 1, 2}));
      }
    }
  }
}

// --- Functions that are not quite the same ---

/// What an operator could be instead, of the same types.
/// @param locals  the types, parameters first.
std::vector<std::string> others(const std::string& op, const std::vector<ValueType>& locals) {
  static constexpr const char* kBinary[] = {"i64.add", "i64.sub",   "i64.mul",  "i64.and",  "i64.or",    "i64.xor",
                                            "i64.shl", "i64.shr_u", "i64.rotl", "i64.rotr", "i64.shr_s", "i64.div_u"};
  static constexpr const char* kComparisons[] = {"i64.lt_u", "i64.lt_s", "i64.gt_u", "i64.le_u",
                                                 "i64.ge_u", "i64.eq",   "i64.ne"};
  static constexpr const char* kStores[] = {"i64.store",   "i64.store offset=8",  "i64.store offset=4",
                                            "i64.store32", "i64.store8 offset=8", "drop drop"};
  static constexpr const char* kCalls[] = {"call $low", "call $high", "call $add", "call $multiply"};
  static constexpr const char* kExtensions[] = {"i64.extend_i32_u", "i64.extend_i32_s"};
  std::vector<std::string> all;
  const auto add_from = [&](const auto& list) {
    if (std::ranges::find(list, std::string_view(op)) != std::end(list))
      all.insert(all.end(), std::begin(list), std::end(list));
  };
  add_from(kBinary);
  add_from(kComparisons);
  add_from(kStores);
  add_from(kCalls);
  add_from(kExtensions);
  const std::string name = op.substr(0, op.find(' '));
  if (name.starts_with("local.")) {
    const ValueType type = locals.at(std::stoull(op.substr(op.find(' '))));
    for (std::size_t i = 0; i < locals.size(); ++i)
      if (locals[i] == type) all.push_back(fmt::format("{} {}", name, i));
    if (name == "local.tee") all.push_back("nop");
  }
  if (name == "i64.const") {
    const std::uint64_t value = std::stoull(op.substr(op.find(' ')));
    for (const std::uint64_t each : {value - 1, value + 1, value ^ 64, value << 1, ~value, std::uint64_t{0}})
      all.push_back(fmt::format("i64.const {}", each));
  }
  std::erase(all, op);
  return all;
}

TEST(SpelledProduct, ThatDiffersByAnOperatorDoesWhatItSays) {
  std::size_t tried = 0;
  std::size_t recognized = 0;
  for (const Body& body : kSpelledProducts) {
    const std::vector<std::string> operators = operators_of(body);
    std::vector<ValueType> locals(has_high_halves(body) ? 5 : 3, kI64);
    locals[0] = kI32;
    for (const char each : std::string_view(body.locals))
      if (each == '3' || each == '6') locals.push_back(each == '3' ? kI32 : kI64);
    for (std::size_t at = 0; at < operators.size(); ++at) {
      for (const std::string& other : others(operators[at], locals)) {
        SCOPED_TRACE(fmt::format("{}: {} instead of {}, number {}", body.name, other, operators[at], at));
        std::vector<std::string> changed = operators;
        changed[at] = other;
        const std::vector<std::byte> binary = module_of(body, changed);
        ++tried;
        if (!is_recognized(binary)) continue;
        ++recognized;
        Pair pair(body, binary);
        for (std::size_t i = 0; i < many_factors().size(); i += 20)
          ASSERT_NO_FATAL_FAILURE(pair.call(1'024, many_factors()[i]));
      }
    }
  }
  RecordProperty("tried", static_cast<int>(tried));
  RecordProperty("recognized", static_cast<int>(recognized));
  EXPECT_GT(tried, 2'000u);
  EXPECT_LT(recognized, tried / 10);  // such as one that stores elsewhere
}

// --- Everything else stays ---

TEST(SpelledProduct, IsNotSeenWhereAnOperatorIsUnknown) {
  const Body& body = kSpelledProducts[0];
  for (const char* const before : {"nop", "block end", "memory.size drop", "i32.const 0 if end", "f32.const 0 drop"}) {
    std::vector<std::string> operators = operators_of(body);
    operators.insert(operators.begin(), before);
    EXPECT_EQ(is_recognized(module_of(body, operators)), std::string_view(before) == "nop") << before;
  }
}

TEST(SpelledProduct, NeedsNoProposal) {
  const Engine engine(EngineOptions{
      .compile_threads = 1, .cache = false, .cache_directory = {}, .features = Features::substrate(), .progress = {}});
  EXPECT_TRUE(engine.compile(module_of(kSpelledProducts[0], operators_of(kSpelledProducts[0]))));
}

}  // namespace
}  // namespace anew::codegen::test
