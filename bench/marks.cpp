// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What marks beside stores, explicit bounds, fuel, canonical NaNs and a stack limit cost: the same program compiled
// with and without each of them, run in turn, as a ratio.
#include "support.hpp"

namespace anew::bench {
namespace {

struct Program {
  const char* name;
  std::int32_t size;
};
constexpr Program kPrograms[] = {
    {"fannkuch", 8}, {"hashtable", 20'000}, {"levenshtein", 1'000}, {"life", 20},      {"mandelbrot", 200},
    {"matmul", 160}, {"nbody", 20'000},     {"quicksort", 100'000}, {"sha256", 5'000}, {"sieve", 1'000'000},
};

/// An option, and what it is compared with.
struct Option {
  const char* name;
  CompileOptions with;
  CompileOptions without;
};
const Option kOptions[] = {
    {"marks", {.ledger = Ledger::kCards}, {.ledger = Ledger::kCow}},
    {"bounds", {.ledger = Ledger::kCards, .explicit_bounds = true}, {.ledger = Ledger::kCards}},
    {"fuel", {.ledger = Ledger::kCards, .fuel = true}, {.ledger = Ledger::kCards}},
    {"canonical_nan", {.ledger = Ledger::kCards, .canonical_nan = true}, {.ledger = Ledger::kCards}},
    {"stack_limit", {.ledger = Ledger::kCards, .stack_limit = 100'000}, {.ledger = Ledger::kCards}},
};

[[nodiscard]] Pool make_pool(const Engine& engine, const Program& program, const CompileOptions& options) {
  const std::string path = fmt::format("{}/{}.wasm", ANEW_BENCH_PROGRAMS, program.name);
  const Module module = value_or_exit(engine.load(path, options), path);
  return value_or_exit(Pool::create(module, Linker(), {.capacity = 1}), path);
}

void compare(benchmark::State& state, const Option& option, const Program& program) {
  const Engine engine({.cache = false});
  const Pool with = make_pool(engine, program, option.with);
  const Pool without = make_pool(engine, program, option.without);
  const auto run_with = value_or_exit(with.function<std::int32_t(std::int32_t)>("run"), program.name);
  const auto run_without = value_or_exit(without.function<std::int32_t(std::int32_t)>("run"), program.name);
  // One lease for all runs: what is measured is the program, not the reset.
  Lease subject = value_or_exit(with.acquire(), program.name);
  Lease floor = value_or_exit(without.acquire(), program.name);
  if (*subject.call(run_with, program.size) != *floor.call(run_without, program.size)) {
    state.SkipWithError("the two disagree");
    return;
  }
  for (auto _ : state) {
    const Pair pair = measure_in_turn(
        61, 1, [&] { keep_success(subject.call(run_with, program.size)); },
        [&] { keep_success(floor.call(run_without, program.size)); });
    state.counters["with_us"] = pair.subject / 1000;
    state.counters["without_us"] = pair.floor / 1000;
    state.counters["ratio"] = pair.subject / pair.floor;
  }
}

}  // namespace
}  // namespace anew::bench

int main(int argc, char** argv) {
  for (const auto& option : anew::bench::kOptions) {
    for (const auto& program : anew::bench::kPrograms) {
      benchmark::RegisterBenchmark(fmt::format("{}/{}", option.name, program.name).c_str(),
                                   [&](benchmark::State& state) { anew::bench::compare(state, option, program); })
          ->Iterations(1)
          ->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
