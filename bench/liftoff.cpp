// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The quick tier beside V8's baseline compiler Liftoff (`node --liftoff-only`): how fast the code is that the two make
// of the same modules, and how fast they make it. For information also beside node as it is, with TurboFan.
//
//   anew_bench_liftoff [--json] [NAME...]    the programs and modules to run (all)
//
// Each program runs in turn with and without marks in Anew and in both nodes; what is timed is the call of an export,
// after warm-up calls. All must come to the same result each time. Times are processor time of the process that runs
// the code or compiles, all its threads together, so they do not depend on what else the machine does, and a compiler
// gains nothing from a second thread.
#include <unistd.h>

#include <anew/substrate.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>

#include "scenarios.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

// Nothing but Liftoff, all at once, and on one thread.
const std::vector<std::string> kLiftoff = {"--liftoff-only", "--no-wasm-lazy-compilation", "--single-threaded",
                                           "--wasm-num-compilation-tasks=1", "--expose-gc"};

enum Runner : std::size_t { kAnew, kLiftoffOnly, kUnmarked, kTurbofan, kRunners };

void require(const std::string& path) {
  if (fs::exists(path)) return;
  fmt::print(stderr, "anew_bench_liftoff: there is no {}; scripts/fetch-npm-modules fetches what comes from npm\n",
             path);
  std::exit(1);
}

// --- The speed of the code ---

struct Row {
  std::string name, source;
  double ms[kRunners] = {};  ///< medians
  double ratio = 0;          ///< Anew's time to Liftoff's: median of the rounds' ratios
  double ratio_without_marks = 0;
};

[[nodiscard]] double ratio_of(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> ratios(a.size());
  std::transform(a.begin(), a.end(), b.begin(), ratios.begin(), std::divides<>());
  return median(ratios);
}

[[nodiscard]] Row run(const Program& program, const Engine& engine, Node& liftoff, Node& turbofan) {
  require(program.path);
  const std::unique_ptr<Guest> guests[kRunners] = {
      make_anew_guest(engine, program.path, {.ledger = Ledger::kCards}, program.imports),
      make_v8_guest(liftoff, program.path, program.imports),
      make_anew_guest(engine, program.path, {.ledger = Ledger::kCow}, program.imports),
      make_v8_guest(turbofan, program.path, program.imports)};
  std::unique_ptr<Scenario> scenarios[kRunners];
  for (std::size_t i = 0; i < kRunners; ++i) {
    scenarios[i] = program.make_scenario();
    scenarios[i]->set_up(*guests[i]);
  }
  std::vector<double> times[kRunners];
  auto round = [&](bool backwards) {
    double spent = 0;
    std::string expected;
    for (std::size_t i = 0; i < kRunners; ++i) {
      const std::size_t at = backwards ? kRunners - 1 - i : i;
      const Outcome outcome = guests[at]->call(scenarios[at]->next(*guests[at]));
      const std::string result = scenarios[at]->check(*guests[at], outcome.result);
      if (i == 0) expected = result;
      if (result != expected) {
        fmt::print(stderr, "{}: the results differ: \"{}\" and \"{}\"\n", program.name, expected, result);
        std::exit(1);
      }
      times[at].push_back(outcome.ns);
      spent += outcome.ns;
    }
    return spent;
  };
  constexpr double kBudget = 2e9;
  // TurboFan needs a few calls before its code takes over. Code that Liftoff or Anew made is final.
  double spent = 0;
  for (int i = 0; i < 4; ++i) spent = round(i % 2 == 1);
  for (auto& samples : times) samples.clear();
  const auto rounds = static_cast<int>(std::clamp(kBudget / spent, 10.0, 40.0));
  for (int i = 0; i < rounds; ++i) round(i % 2 == 1);

  Row row{.name = program.name, .source = program.source};
  row.ratio = ratio_of(times[kAnew], times[kLiftoffOnly]);
  row.ratio_without_marks = ratio_of(times[kUnmarked], times[kLiftoffOnly]);
  for (std::size_t i = 0; i < kRunners; ++i) row.ms[i] = median(times[i]) / 1e6;
  return row;
}

template <typename T>
[[nodiscard]] double geometric_mean(std::span<const T> rows, double T::* member) {
  double sum = 0;
  for (const T& row : rows) sum += std::log(row.*member);
  return std::exp(sum / static_cast<double>(rows.size()));
}

// --- The speed of compiling ---

struct CompileRow {
  std::string name;
  std::uint64_t bytes = 0;
  double ms[2] = {};  ///< medians: Anew, Liftoff
  double ratio = 0;   ///< median of the rounds' ratios
};

/// Each round compiles a module that is another one by its last section, so that nothing is found in a cache.
[[nodiscard]] CompileRow compile(const std::string& name, std::vector<std::byte> binary, const fs::path& scratch,
                                 Node& liftoff) {
  constexpr std::size_t kRounds = 11;
  CompileRow row{.name = name, .bytes = binary.size()};
  const Engine engine({.compile_threads = 1, .cache = false});
  const std::size_t counter = binary.size() + 4;
  for (const char byte : {'\0', '\3', '\1', 'n', '\0'}) binary.push_back(static_cast<std::byte>(byte));
  std::vector<double> times[2];
  for (std::size_t i = 0; i <= kRounds; ++i) {
    binary[counter] = static_cast<std::byte>(i);
    std::ofstream(scratch, std::ios::binary)
        // A file's bytes are chars.
        .write(reinterpret_cast<const char*>(binary.data()), static_cast<std::streamsize>(binary.size()));
    double ns[2] = {};
    for (std::size_t j = 0; j < 2; ++j) {
      if ((i + j) % 2 == 0) {
        const double start = processor_time();
        const Module module = value_or_exit(engine.compile(binary), name);
        ns[0] = processor_time() - start;
      } else {
        ns[1] = liftoff.ask({{"request", "compile"}, {"path", scratch.string()}}).at("ns");
      }
    }
    if (i == 0) continue;  // warm-up
    times[0].push_back(ns[0]);
    times[1].push_back(ns[1]);
  }
  row.ratio = ratio_of(times[0], times[1]);
  row.ms[0] = median(times[0]) / 1e6;
  row.ms[1] = median(times[1]) / 1e6;
  return row;
}

[[nodiscard]] std::vector<std::byte> read_file(const std::string& path) {
  require(path);
  std::ifstream file(path, std::ios::binary);
  std::vector<std::byte> bytes(fs::file_size(path));
  // A file's bytes are chars.
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

// --- What is printed ---

void print_header(const json& version) {
  fmt::print("The quick tier beside V8's Liftoff\n\n");
  fmt::print(
      "node {}, V8 {}. Milliseconds are medians of one call. A ratio is Anew's time to Liftoff's, the median\n"
      "over the rounds: below 1, Anew is faster.\n\n",
      version.at("node").get<std::string>(), version.at("v8").get<std::string>());
}

void print_title() {
  fmt::print("{:<16} {:<33} {:>8} {:>8} {:>6} | {:>8} {:>6} | {:>8}\n", "", "", "Anew", "Liftoff", "", "no marks", "",
             "TurboFan");
  fmt::print("{:<16} {:<33} {:>8} {:>8} {:>6} | {:>8} {:>6} | {:>8}\n", "program", "from", "ms", "ms", "ratio", "ms",
             "ratio", "ms");
}

void print(const Row& row) {
  fmt::print("{:<16} {:<33} {:>8.2f} {:>8.2f} {:>6.2f} | {:>8.2f} {:>6.2f} | {:>8.2f}\n", row.name, row.source,
             row.ms[kAnew], row.ms[kLiftoffOnly], row.ratio, row.ms[kUnmarked], row.ratio_without_marks,
             row.ms[kTurbofan]);
  std::fflush(stdout);
}

void print(const CompileRow& row) {
  fmt::print("{:<16} {:>10} {:>8.1f} {:>8.1f} {:>6.2f} | {:>7.1f} {:>7.1f}\n", row.name, row.bytes, row.ms[0],
             row.ms[1], row.ratio, static_cast<double>(row.bytes) / 1e3 / row.ms[0],
             static_cast<double>(row.bytes) / 1e3 / row.ms[1]);
  std::fflush(stdout);
}

[[nodiscard]] json to_json(const Row& row) {
  return {{"name", row.name},
          {"from", row.source},
          {"anew_ms", row.ms[kAnew]},
          {"liftoff_ms", row.ms[kLiftoffOnly]},
          {"ratio", row.ratio},
          {"anew_without_marks_ms", row.ms[kUnmarked]},
          {"ratio_without_marks", row.ratio_without_marks},
          {"turbofan_ms", row.ms[kTurbofan]}};
}

[[nodiscard]] json to_json(const CompileRow& row) {
  return {{"name", row.name},
          {"wasm_bytes", row.bytes},
          {"anew_ms", row.ms[0]},
          {"liftoff_ms", row.ms[1]},
          {"ratio", row.ratio}};
}

int compare(bool as_json, const std::vector<std::string>& names) {
  auto wanted = [&](const std::string& name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
  };
  constexpr const char* kChains[] = {"polkadot", "kusama"};
  constexpr const char* kModules[] = {"sqlite3", "brotli", "pyodide", "esbuild", "swc"};
  std::vector<std::string> known(std::begin(kModules), std::end(kModules));
  for (const Program& program : programs()) known.push_back(program.name);
  for (const char* chain : kChains) known.push_back(fmt::format("{}_runtime", chain));
  require_names(names, known);
  Node liftoff(kLiftoff);
  Node turbofan({});
  json report = liftoff.ask({{"request", "version"}});
  if (!as_json) print_header(report);

  const Engine engine({.cache = false});
  std::vector<Row> rows;
  for (const Program& program : programs()) {
    if (!wanted(program.name)) continue;
    if (!as_json && rows.empty()) print_title();
    rows.push_back(run(program, engine, liftoff, turbofan));
    report["programs"].push_back(to_json(rows.back()));
    if (!as_json) print(rows.back());
  }
  if (!rows.empty()) {
    const double mean = geometric_mean(std::span<const Row>(rows), &Row::ratio);
    const double without_marks = geometric_mean(std::span<const Row>(rows), &Row::ratio_without_marks);
    report["geometric_mean"] = mean;
    report["geometric_mean_without_marks"] = without_marks;
    if (!as_json) {
      fmt::print("{:<16} {:<33} {:>8} {:>8} {:>6.2f} | {:>8} {:>6.2f} |\n\n", "geometric mean",
                 fmt::format("of {} programs; goal 1.00", rows.size()), "", "", mean, "", without_marks);
    }
  }

  const fs::path scratch = fs::temp_directory_path() / fmt::format("anew-bench-{}.wasm", ::getpid());
  std::vector<CompileRow> compiled;
  auto measure = [&](const std::string& name, auto&& load) {
    if (!wanted(name)) return;
    if (!as_json && compiled.empty()) {
      fmt::print("{:<16} {:>10} {:>8} {:>8} {:>6} | {:>7} {:>7}\n", "compiling", "", "Anew", "Liftoff", "", "Anew",
                 "Liftoff");
      fmt::print("{:<16} {:>10} {:>8} {:>8} {:>6} | {:>7} {:>7}\n", "on one thread", "bytes", "ms", "ms", "ratio",
                 "MB/s", "MB/s");
    }
    compiled.push_back(compile(name, load(), scratch, liftoff));
    report["compile"].push_back(to_json(compiled.back()));
    if (!as_json) print(compiled.back());
  };
  for (const char* chain : kChains) {
    measure(fmt::format("{}_runtime", chain), [&] {
      const std::string path = fmt::format("{}/{}.json", ANEW_CHAIN_SPECS, chain);
      return value_or_exit(substrate::load_runtime(path), path).code;
    });
  }
  for (const char* name : kModules)
    measure(name, [&] { return read_file(fmt::format("{}/{}.wasm", ANEW_NPM_MODULES, name)); });
  fs::remove(scratch);
  if (!compiled.empty()) {
    const double mean = geometric_mean(std::span<const CompileRow>(compiled), &CompileRow::ratio);
    report["compile_geometric_mean"] = mean;
    if (!as_json) fmt::print("{:<16} {:>10} {:>8} {:>8} {:>6.2f} |\n", "geometric mean", "goal 1.00", "", "", mean);
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
