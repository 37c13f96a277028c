// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiled code against the interpreter, on thousands of random programs, the same in every run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <anew/anew.hpp>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <string>
#include <tuple>

#include "interpreter.hpp"
#include "support/generator.hpp"
#include "support/program.hpp"
#include "support/reference.hpp"
#include "support/soiled_stack.hpp"

#if ANEW_WITH_LLVM
#include "support/optimizing/optimize_here.hpp"
#endif

namespace anew::codegen::test {
namespace {

constexpr std::uint64_t kSteps = 100'000;

std::string describe(const FunctionType& type, const Effects& effects) {
  if (effects.trap != TrapKind::kNone) return fmt::format("trap: {}\n", to_string(effects.trap));
  std::string text = "results:";
  for (std::size_t i = 0; i < effects.results.size(); ++i)
    text += " " + to_string(Value{type.results[i], effects.results[i]});
  text += "\nglobals:";
  for (const std::uint64_t global : effects.globals) text += fmt::format(" {:#x}", global);
  return text + fmt::format("\nhost: {:#x}\n", effects.host);
}

/// @return what differs first, or "".
std::string difference(const Program& program, const Effects& expected, const Effects& found, Nans nans) {
  const auto same = [&](ValueType type, std::uint64_t a, std::uint64_t b) {
    return nans == Nans::kShown ? a == b : same_value(type, a, b);
  };
  if (expected.trap != found.trap) return "the trap";
  // State after a trap is nobody's.
  if (expected.trap != TrapKind::kNone) return "";
  const FunctionType& type = program.functions.back().type;
  for (std::size_t i = 0; i < type.results.size(); ++i)
    if (!same(type.results[i], expected.results[i], found.results[i])) return fmt::format("result {}", i);
  for (std::size_t i = 0; i < program.globals.size(); ++i)
    if (!same(program.globals[i].type, expected.globals[i], found.globals[i])) return fmt::format("global {}", i);
  for (std::size_t i = 0; i < expected.memory.size(); ++i)
    if (expected.memory[i] != found.memory[i]) return fmt::format("memory at {:#x}", i);
  return expected.host != found.host ? "what the host was called with" : "";
}

constexpr std::uint64_t kPlenty = 1'000'000'000;

/// A program, compiled and linked.
class Compiled {
 public:
  Compiled(const Program& program, const CompileOptions& options)
      : program_(program), nans_(options.canonical_nan ? Nans::kShown : Nans::kHidden) {
    static const Engine engine(
        EngineOptions{.compile_threads = 1, .cache = false, .cache_directory = {}, .progress = {}});
    auto module = engine.compile(encode(program), options);
    if (!module) {
      error_ = module.error().to_string();
      return;
    }
    optimization_ = module->optimization();
    if (!optimization_.note.empty()) {
      error_ = "no optimized code: " + optimization_.note;
      return;
    }
    Linker linker;
    for (std::uint32_t i = 0; i < program.imports.size(); ++i) {
      linker.define("host", fmt::format("h{}", i), program.imports[i],
                    [this, i](Caller, std::span<std::uint64_t> slots) -> Result<void> {
                      call_host(host_, i, program_.imports[i], slots, nans_);
                      return {};
                    });
    }
    auto pool = Pool::create(*module, linker, {.capacity = 1, .audit_every = 1});
    if (!pool) {
      error_ = pool.error().to_string();
      return;
    }
    pool_.emplace(std::move(*pool));
  }
  Compiled(const Compiled&) = delete;  // the linker's functions point here
  Compiled& operator=(const Compiled&) = delete;

  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] const Optimization& optimization() const { return optimization_; }
  [[nodiscard]] PoolStatistics statistics() const { return pool_->statistics(); }
  [[nodiscard]] std::string audit_report() const { return pool_->audit_report(); }

  Effects call(std::span<const std::uint64_t> arguments, std::uint64_t fuel = kPlenty) {
    Effects effects;
    host_ = 0;
    std::vector<Value> values;
    const FunctionType& type = program_.functions.back().type;
    for (std::size_t i = 0; i < arguments.size(); ++i) values.push_back({type.parameters[i], arguments[i]});
    auto lease = pool_->acquire();
    if (!lease) {
      ADD_FAILURE() << lease.error().to_string();
      return effects;
    }
    lease->set_fuel(fuel);
    soil_stack();
    auto results = lease->call_values("run", values);
    effects.fuel = fuel - lease->fuel();
    effects.host = host_;
    if (!results) {
      EXPECT_EQ(results.error().code, ErrorCode::kTrap) << results.error().to_string();
      effects.trap = results.error().trap;
      return effects;
    }
    for (const Value& value : *results) effects.results.push_back(value.bits);
    for (std::size_t i = 0; i < program_.globals.size(); ++i)
      effects.globals.push_back(lease->global(fmt::format("g{}", i)).value().bits);
    const auto memory = lease->memory().read(0, kProgramMemoryBytes).value();
    effects.memory.assign(memory.begin(), memory.end());
    return effects;
  }

 private:
  const Program& program_;
  Nans nans_;
  std::uint64_t host_ = 0;
  std::string error_;
  Optimization optimization_;
  std::optional<Pool> pool_;
};

/// How the programs are compiled.
enum class Mode : std::uint8_t {
  kPlain,
  kExplicitBounds,
  kFuel,
  kDeterministic,  ///< with fuel too
  kOptimized,
  kOptimizedDeterministic
};
void PrintTo(Mode mode, std::ostream* out) {
  static constexpr const char* kNames[] = {"plain",         "explicit bounds", "fuel",
                                           "deterministic", "optimized",       "optimized deterministic"};
  *out << kNames[static_cast<std::size_t>(mode)];
}

struct Tally {
  std::uint64_t calls = 0;
  std::uint64_t trapped = 0;
  std::uint64_t too_long = 0;
  std::uint64_t optimized = 0;  ///< functions
  std::uint64_t not_optimized = 0;
};

constexpr std::uint32_t kPlentyOfStack = 1'000'000;

/// The call ends as it did with just the stack that it needs, and exhausts it with one unit less.
void check_stack(const Program& program, CompileOptions options, std::span<const std::uint64_t> arguments,
                 const Effects& expected) {
  options.stack_limit = static_cast<std::uint32_t>(expected.stack);  // of a few frames
  EXPECT_EQ(Compiled(program, options).call(arguments).trap, expected.trap) << options.stack_limit << print(program);
  --options.stack_limit;
  EXPECT_EQ(Compiled(program, options).call(arguments).trap, TrapKind::kStackExhausted)
      << options.stack_limit << print(program);
}

/// Runs one program with several arguments, each twice in one pool: an instance as new must give the same again.
void check(std::uint64_t seed, std::uint32_t size, Mode mode, Tally& tally) {
  const bool deterministic = mode == Mode::kDeterministic || mode == Mode::kOptimizedDeterministic;
  const bool optimized = mode == Mode::kOptimized || mode == Mode::kOptimizedDeterministic;
  const bool fuel = mode == Mode::kFuel || deterministic;
  const Nans nans = deterministic ? Nans::kShown : Nans::kHidden;
  const Program program = generate(seed, size, nans);
  const FunctionType& type = program.functions.back().type;
  const CompileOptions options{.card_bytes = 512u << (seed / 1'000 % 4),
                               .explicit_bounds = mode == Mode::kExplicitBounds,
                               .fuel = fuel,
                               .canonical_nan = deterministic,
                               .stack_limit = deterministic ? kPlentyOfStack : 0,
                               .tier = optimized ? Tier::kOptimized : Tier::kQuick};
  Compiled compiled(program, options);
  ASSERT_EQ(compiled.error(), "") << "seed " << seed << ", size " << size << "\n" << print(program);
  tally.optimized += compiled.optimization().optimized;
  for (const Optimization::Function& each : compiled.optimization().not_optimized) {
    ASSERT_EQ(each.reason.find("it handles exceptions"), 0u)
        << "seed " << seed << ", size " << size << ", function " << each.function << ": " << each.reason;
  }
  tally.not_optimized += compiled.optimization().not_optimized.size();
  Random random(~seed);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::uint64_t> arguments;
    for (const ValueType parameter : type.parameters) arguments.push_back(random_value(random, parameter));
    const std::optional<Effects> expected = interpret(program, arguments, kSteps, nans);
    if (!expected) {
      ++tally.too_long;
      continue;
    }
    std::uint64_t used = expected->fuel;
    for (int again = 0; again < 2; ++again) {
      const Effects found = compiled.call(arguments);
      std::string arguments_text;
      for (std::size_t i = 0; i < arguments.size(); ++i)
        arguments_text += " " + to_string(Value{type.parameters[i], arguments[i]});
      ASSERT_EQ(difference(program, *expected, found, nans), "")
          << "seed " << seed << ", size " << size << ", call " << again << ", arguments:" << arguments_text
          << "\nexpected " << describe(type, *expected) << "found " << describe(type, found) << print(program);
      if (!fuel) continue;
      // A call that traps has paid for what is left of its segments: just as much the next time.
      if (again == 0 && found.trap != TrapKind::kNone) used = found.fuel;
      ASSERT_EQ(found.fuel, used) << "seed " << seed << ", size " << size << ", call " << again << "\n"
                                  << print(program);
    }
    if (deterministic && round == 0 && seed / 1'000 % 8 == 0) check_stack(program, options, arguments, *expected);
    if (fuel && expected->trap == TrapKind::kNone && used > 0) {
      ASSERT_EQ(compiled.call(arguments, used).trap, TrapKind::kNone) << "seed " << seed << ", size " << size;
      ASSERT_EQ(compiled.call(arguments, used - 1).trap, TrapKind::kOutOfFuel) << "seed " << seed << ", size " << size;
    }
    ++tally.calls;
    tally.trapped += expected->trap != TrapKind::kNone ? 1 : 0;
  }
  const PoolStatistics statistics = compiled.statistics();
  ASSERT_EQ(statistics.audited, statistics.restored);
  ASSERT_EQ(statistics.audit_failures, 0u) << "seed " << seed << ", size " << size << "\n"
                                           << compiled.audit_report() << "\n"
                                           << print(program);
}

/// Small programs first, so that a defect shows in a small one. ANEW_RANDOM_PROGRAMS runs more of each size, and
/// ANEW_RANDOM_SEED others.
std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class RandomPrograms : public testing::TestWithParam<std::tuple<Mode, std::uint32_t>> {};

TEST_P(RandomPrograms, DoWhatTheInterpreterDoes) {
  const auto [mode, size] = GetParam();
  const std::uint64_t first = number_from("ANEW_RANDOM_SEED", 1);
  const bool optimized = mode == Mode::kOptimized || mode == Mode::kOptimizedDeterministic;
  const std::uint64_t count = number_from("ANEW_RANDOM_PROGRAMS", (optimized ? 2'400 : 36'000) / (size + 20));
#if ANEW_WITH_LLVM
  anew::test::optimize_here(anew::test::Share::kAll);
#endif
  Tally tally;
  for (std::uint64_t i = 0; i < count && !HasFatalFailure(); ++i) check((first + i) * 1'000 + size, size, mode, tally);
  RecordProperty("calls", std::to_string(tally.calls));
  RecordProperty("trapped", std::to_string(tally.trapped));
  RecordProperty("too_long", std::to_string(tally.too_long));
  RecordProperty("optimized", std::to_string(tally.optimized));
  RecordProperty("not_optimized", std::to_string(tally.not_optimized));
  if (optimized && !HasFatalFailure()) {
    EXPECT_GT(tally.optimized, 0u);
  }
  // Most programs must run to their end, or the test would show little.
  if (!HasFatalFailure() && count >= 100) {
    EXPECT_LT(tally.trapped, tally.calls / 2);
    EXPECT_LT(tally.too_long, tally.calls / 4);
  }
}

constexpr auto name_by_size = [](const auto& each) { return "size_" + std::to_string(std::get<1>(each.param)); };
constexpr auto kSizes = {5u, 15u, 40u, 120u, 300u};
INSTANTIATE_TEST_SUITE_P(Plain, RandomPrograms,
                         testing::Combine(testing::Values(Mode::kPlain), testing::ValuesIn(kSizes)), name_by_size);
INSTANTIATE_TEST_SUITE_P(ExplicitBounds, RandomPrograms,
                         testing::Combine(testing::Values(Mode::kExplicitBounds), testing::ValuesIn(kSizes)),
                         name_by_size);
INSTANTIATE_TEST_SUITE_P(Fuel, RandomPrograms,
                         testing::Combine(testing::Values(Mode::kFuel), testing::ValuesIn(kSizes)), name_by_size);
INSTANTIATE_TEST_SUITE_P(Deterministic, RandomPrograms,
                         testing::Combine(testing::Values(Mode::kDeterministic), testing::ValuesIn(kSizes)),
                         name_by_size);
#if ANEW_WITH_LLVM
INSTANTIATE_TEST_SUITE_P(Optimized, RandomPrograms,
                         testing::Combine(testing::Values(Mode::kOptimized), testing::ValuesIn(kSizes)), name_by_size);
INSTANTIATE_TEST_SUITE_P(OptimizedDeterministic, RandomPrograms,
                         testing::Combine(testing::Values(Mode::kOptimizedDeterministic), testing::ValuesIn(kSizes)),
                         name_by_size);
#endif

}  // namespace
}  // namespace anew::codegen::test
