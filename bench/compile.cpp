// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How fast modules compile (decode, validate, machine code) on the genesis runtimes of four chains, on one core and on
// all; and whether the code cache pays: the way from bytes to the first result with it and without.
#include <unistd.h>

#include <anew/substrate.hpp>
#include <filesystem>

#include "support.hpp"

namespace anew::bench {
namespace {

[[nodiscard]] std::vector<std::byte> runtime_of(const char* chain) {
  const std::string path = fmt::format("{}/{}.json", ANEW_CHAIN_SPECS, chain);
  return value_or_exit(substrate::load_runtime(path), path).code;
}

void compile(benchmark::State& state, const char* chain, unsigned threads) {
  const std::vector<std::byte> code = runtime_of(chain);
  const Engine engine({.compile_threads = threads, .cache = false});
  for (auto _ : state) {
    const Pair pair =
        measure_in_turn(21, 1, [&] { benchmark::DoNotOptimize(value_or_exit(engine.compile(code), chain)); }, [] {});
    state.counters["ms"] = pair.subject / 1e6;
    state.counters["MB_per_s"] = static_cast<double>(code.size()) * 1e3 / pair.subject;
    state.counters["wasm_bytes"] = static_cast<double>(code.size());
  }
}

void first_result(benchmark::State& state, const char* chain, bool cached) {
  const std::vector<std::byte> code = runtime_of(chain);
  const auto directory = std::filesystem::temp_directory_path() / fmt::format("anew-bench-{}", ::getpid());
  {
    const Engine engine({.cache = cached, .cache_directory = directory});
    auto version = [&] {
      const auto runtime = value_or_exit(substrate::Runtime::create(engine, code, {.capacity = 1}), chain);
      benchmark::DoNotOptimize(value_or_exit(runtime.call("Core_version", {}), chain));
    };
    version();  // fills the cache
    for (auto _ : state) {
      const Pair pair = measure_in_turn(21, 1, version, [] {});
      state.counters["ms"] = pair.subject / 1e6;
    }
  }
  std::filesystem::remove_all(directory);
}

#define ANEW_ONCE ->Iterations(1)->Unit(benchmark::kMillisecond)
#define ANEW_COMPILE(chain)                                        \
  BENCHMARK_CAPTURE(compile, chain##_1_core, #chain, 1) ANEW_ONCE; \
  BENCHMARK_CAPTURE(compile, chain##_all_cores, #chain, 0) ANEW_ONCE
ANEW_COMPILE(polkadot);
ANEW_COMPILE(kusama);
ANEW_COMPILE(westend);
ANEW_COMPILE(rococo);
BENCHMARK_CAPTURE(first_result, polkadot_compiled, "polkadot", false) ANEW_ONCE;
BENCHMARK_CAPTURE(first_result, polkadot_from_cache, "polkadot", true) ANEW_ONCE;

}  // namespace
}  // namespace anew::bench

BENCHMARK_MAIN();
