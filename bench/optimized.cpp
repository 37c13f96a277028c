// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimizing tier beside the quick one, Cranelift (Wasmtime), TurboFan (node, default flags) and the same source
// compiled natively (clang-19 -O2).
//
//   anew_bench_optimized [--json] [NAME...]    the programs to run (all)
//
// Each program runs in turn in all of them; what is timed is the call of an export, after warm-up calls, in processor
// time of the process that runs it. All must come to the same result each time. The native code is for the processors
// that the optimizing tier compiles for (-march=x86-64-v3); its results are compared for the programs in plain C alone,
// since those of programs/wasi have another library there, glibc and libstdc++, and not of fft, which rounds otherwise
// where multiplications and additions are fused.
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "peers.hpp"
#include "scenarios.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

using nlohmann::json;

enum Runner : std::size_t { kOptimized, kQuick, kUnmarked, kCranelift, kTurbofan, kNative, kRunners };
constexpr const char* kNames[kRunners] = {"optimized", "quick", "unmarked", "cranelift", "turbofan", "native"};

struct Row {
  std::string name;
  double ms[kRunners] = {};                    ///< medians of one call
  std::optional<double> ratio[kRunners] = {};  ///< the optimizing tier's time to the runner's: median of the rounds'
  std::uint32_t functions = 0, optimized = 0;
  double compile_seconds = 0;  ///< of the whole module (Compilation)
};

[[nodiscard]] Row run(const Program& program, const Engine& engine, Node& turbofan) {
  Row row{.name = program.name};
  Compilation compilation;
  std::unique_ptr<Guest> guests[kRunners] = {
      make_anew_guest(engine, program.path, {.ledger = Ledger::kCards, .tier = Tier::kOptimized}, program.imports,
                      &compilation),
      make_anew_guest(engine, program.path, {.ledger = Ledger::kCards}, program.imports),
      make_anew_guest(engine, program.path, {.ledger = Ledger::kCow, .tier = Tier::kOptimized}, program.imports),
      make_wasmtime_guest(program.path, program.imports),
      make_v8_guest(turbofan, program.path, program.imports),
      make_native_guest(program.name)};
  const Optimization& optimization = compilation.optimization;
  row.optimized = optimization.optimized;
  row.functions = optimization.optimized + static_cast<std::uint32_t>(optimization.not_optimized.size());
  row.compile_seconds = compilation.seconds;
  std::unique_ptr<Scenario> scenarios[kRunners];
  for (std::size_t i = 0; i < kRunners; ++i) {
    if (guests[i] == nullptr) continue;
    scenarios[i] = program.make_scenario();
    scenarios[i]->set_up(*guests[i]);
  }
  std::vector<double> times[kRunners];
  const auto round = [&](bool backwards) {
    double spent = 0;
    std::string expected;
    for (std::size_t i = 0; i < kRunners; ++i) {
      const std::size_t at = backwards ? kRunners - 1 - i : i;
      if (guests[at] == nullptr) continue;
      const Outcome outcome = guests[at]->call(scenarios[at]->next(*guests[at]));
      times[at].push_back(outcome.ns);
      spent += outcome.ns;
      if (at == kNative && (program.source != "C" || program.name == "fft")) continue;
      const std::string result = scenarios[at]->check(*guests[at], outcome.result);
      if (expected.empty()) expected = result;
      if (result != expected) {
        fmt::print(stderr, "{}: the results differ: \"{}\" and, in {}, \"{}\"\n", program.name, expected, kNames[at],
                   result);
        std::exit(1);
      }
    }
    return spent;
  };
  constexpr double kBudget = 2e9;
  double spent = 0;
  for (int i = 0; i < 4; ++i) spent = round(i % 2 == 1);  // TurboFan needs a few calls
  for (auto& samples : times) samples.clear();
  const auto rounds = static_cast<int>(std::clamp(kBudget / spent, 7.0, 30.0));
  for (int i = 0; i < rounds; ++i) round(i % 2 == 1);
  for (std::size_t i = 0; i < kRunners; ++i) {
    if (guests[i] == nullptr) continue;
    row.ms[i] = median(times[i]) / 1e6;
    std::vector<double> ratios(times[i].size());
    std::transform(times[kOptimized].begin(), times[kOptimized].end(), times[i].begin(), ratios.begin(),
                   std::divides<>());
    row.ratio[i] = median(ratios);
  }
  return row;
}

void print_title() {
  fmt::print(
      "Milliseconds of one call, and the optimizing tier's time to that of each other: below 1, it is faster.\n\n");
  fmt::print("{:<16} {:>9} | {:>9} {:>5} | {:>9} {:>5} | {:>9} {:>5} | {:>9} {:>5} | {:>9} {:>5} | {:>9} {:>7}\n",
             "program", "optimized", "quick", "", "no marks", "", "Cranelift", "", "TurboFan", "", "native", "",
             "functions", "compile");
}

void print(const Row& row) {
  fmt::print("{:<16} {:>9.2f}", row.name, row.ms[kOptimized]);
  for (const Runner runner : {kQuick, kUnmarked, kCranelift, kTurbofan, kNative})
    if (row.ratio[runner])
      fmt::print(" | {:>9.2f} {:>5.2f}", row.ms[runner], *row.ratio[runner]);
    else
      fmt::print(" | {:>9} {:>5}", "", "");
  fmt::print(" | {:>4}/{:<4} {:>5.1f} s\n", row.optimized, row.functions, row.compile_seconds);
  std::fflush(stdout);
}

struct Mean {
  double value = 0;
  int programs = 0;
};

/// Of the time in the optimizing tier to that in `runner`; or, with another, of the time in that.
[[nodiscard]] std::optional<Mean> mean_of(std::span<const Row> rows, Runner runner, Runner of = kOptimized) {
  double sum = 0;
  int count = 0;
  for (const Row& row : rows) {
    if (!row.ratio[runner] || !row.ratio[of]) continue;
    sum += std::log(*row.ratio[runner] / *row.ratio[of]);
    ++count;
  }
  if (count == 0) return std::nullopt;
  return Mean{std::exp(sum / count), count};
}

int compare(bool as_json, const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const Program& program : programs()) known.push_back(program.name);
  require_names(names, known);
  if (!has_wasmtime())
    fmt::print(stderr, "without Cranelift: Wasmtime's library is not there; scripts/fetch-wasmtime fetches it\n");
  Node turbofan({});
  const Engine engine({.cache = false});
  std::vector<Row> rows;
  json report;
  for (const Program& program : programs()) {
    if (!names.empty() && std::ranges::find(names, program.name) == names.end()) continue;
    if (!as_json && rows.empty()) print_title();
    rows.push_back(run(program, engine, turbofan));
    const Row& row = rows.back();
    if (!as_json) print(row);
    json& one = report["programs"].emplace_back(json{{"name", row.name},
                                                     {"functions", row.functions},
                                                     {"optimized", row.optimized},
                                                     {"compile_seconds", row.compile_seconds}});
    for (std::size_t i = 0; i < kRunners; ++i) {
      if (!row.ratio[i]) continue;
      one[fmt::format("{}_ms", kNames[i])] = row.ms[i];
      one[fmt::format("ratio_to_{}", kNames[i])] = *row.ratio[i];
    }
  }
  constexpr std::pair<Runner, double> kGoals[] = {
      {kQuick, 1}, {kUnmarked, 1.01}, {kCranelift, 0.8}, {kTurbofan, 0.9}, {kNative, 1.15}};
  for (const auto& [runner, goal] : kGoals) {
    const auto mean = mean_of(rows, runner);
    if (!mean) continue;
    json& one = report["geometric_means"][kNames[runner]] = {{"mean", mean->value}, {"programs", mean->programs}};
    std::string floor;  // what a compiler of WebAssembly can hardly go below
    if (runner == kCranelift || runner == kTurbofan) {
      if (const auto native = mean_of(rows, runner, kNative)) {
        one["native"] = native->value;
        floor = fmt::format("; of the native code to it {:.3f}, of {} programs", native->value, native->programs);
      }
    }
    if (!as_json) {
      fmt::print("geometric mean to {:<10} {:.3f}, goal {:.2f}, of {} programs{}\n", kNames[runner], mean->value, goal,
                 mean->programs, floor);
    }
  }
  if (as_json) fmt::print("{}\n", report.dump(2));
  return 0;
}

}  // namespace
}  // namespace anew::bench

int main(int argc, char** argv) {
  std::vector<std::string> names(argv + 1, argv + argc);
  const bool as_json = std::erase(names, "--json") > 0;
  return anew::bench::compare(as_json, names);
}
