// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The fairness fuzzer (fairness.hpp): case after case, each with its own seed, until the time is over or one fails.
//
//   anew_fairness --seconds 60                     from seed 1 on
//   anew_fairness --seed 4711 --only-seed          one case again
//   anew_fairness --modules DIRECTORY              with modules of others'; --smith PROGRAM: with wasm-smith's
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "differential/process.hpp"
#include "fairness/fairness.hpp"
#include "module_edit.hpp"

namespace {

using namespace anew;
using namespace anew::fairness;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

struct Arguments {
  std::string program;  ///< this one, as it was called
  std::uint64_t seed = 1;
  double seconds = 10;
  bool only_seed = false;
  bool json = false;
  bool expect_failure = false;
  fs::path modules;
  std::string smith;
  fs::path found = "anew_fairness_found";
  Settings settings;
};

// Printed if the case crashes. No more than a handler may touch.
char crash_note[96];

void on_crash(int signal) {
  // Nothing to be done if it fails.
  (void)!::write(STDERR_FILENO, crash_note, std::strlen(crash_note));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// Before the engine installs its handlers, which pass on what is not a guest's.
void tell_seed_of_crashes() {
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE}) std::signal(signal, on_crash);
}

/// Modules that others made.
class Modules {
 public:
  explicit Modules(const Arguments& arguments) : smith_({arguments.smith}), has_smith_(!arguments.smith.empty()) {
    if (!arguments.modules.empty()) {
      for (const auto& entry : fs::directory_iterator(arguments.modules))
        if (entry.path().extension() == ".wasm") paths_.push_back(entry.path());
    }
    std::ranges::sort(paths_);
  }
  /// For this case; empty: one of our own. The kinds that there are take turns.
  std::vector<std::byte> pick(std::uint64_t seed) {
    const std::uint64_t kinds = 1 + (paths_.empty() ? 0 : 1) + (has_smith_ ? 1 : 0);
    const std::uint64_t turn = seed / kinds;
    if (seed % kinds == 0) return {};
    if (seed % kinds == 1 && !paths_.empty()) return read(paths_[turn % paths_.size()]);
    constexpr const char* kFeatures =
        "multi-value,sign-extension,saturating-float-to-int,bulk-memory,reference-types,extended-const,tail-call,"
        "multi-memory,memory64,table64,simd,function-references,exceptions,threads";
    if (!smith_.send(fmt::format("{} {} {}\n", turn % 2 == 0 ? "smith" : "dense", seed, kFeatures))) return {};
    const auto bytes = smith_.receive(std::chrono::seconds(20));
    if (!bytes) throw std::runtime_error("anew-smith: " + smith_.failure());
    const auto* const begin = reinterpret_cast<const std::byte*>(bytes->data());  // any object may be read as bytes
    return {begin, begin + bytes->size()};
  }

 private:
  /// With fuel in it, so that calls end. Empty if it is not valid.
  static std::vector<std::byte> read(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    const std::vector<std::uint8_t> file(std::istreambuf_iterator<char>(stream), {});
    const auto edited = fuzz::add_fuel(file).value_or(fuzz::Buffer());
    const auto bytes = std::as_bytes(std::span(edited));
    return {bytes.begin(), bytes.end()};
  }
  differential::Process smith_;
  bool has_smith_;
  std::vector<fs::path> paths_;
};

void save(const Finding& finding, const Arguments& arguments, std::uint64_t seed) {
  std::string text = fmt::format("seed {}: {}\n\n{}\n\nthe last calls:\n", seed, finding.difference, finding.options);
  for (const std::string& each : finding.calls) text += "  " + each + "\n";
  text += fmt::format(
      "\nreplay: {} --seed {} --only-seed{}{}{}{}\n", arguments.program, seed,
      (arguments.settings.kills ? " --kills" : "") +
          std::string(arguments.settings.tier == Tier::kOptimized ? " --optimized" : ""),
      std::string(arguments.settings.fuel ? " --fuel" : "") + (arguments.settings.stores ? " --stores" : ""),
      arguments.modules.empty() ? "" : " --modules " + arguments.modules.string(),
      arguments.smith.empty() ? "" : " --smith " + arguments.smith);
  fs::create_directories(arguments.found);
  for (const auto& [name, bytes] : finding.modules) {
    const fs::path path = arguments.found / fmt::format("{}-{}.wasm", seed, name);
    // Bytes to characters, of which any object consists.
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    text += fmt::format("{} module: {}\n", name, path.string());
  }
  std::ofstream(arguments.found / fmt::format("{}.txt", seed)) << text;
  fmt::print(stderr, "{}", text);
}

int run(const Arguments& arguments) {
  tell_seed_of_crashes();
  const Engine engine({.compile_threads = 1, .cache = false});
  Modules modules(arguments);
  Tally tally;
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const auto begin = Clock::now();
  auto shown = begin;
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  std::optional<Finding> finding;
  std::uint64_t seed = arguments.seed;
  for (;; ++seed) {
    *fmt::format_to_n(crash_note, sizeof crash_note - 1, "{}: crashed; replay with --seed {} --only-seed\n",
                      arguments.program, seed)
         .out = '\0';
    finding = run_case(engine, seed, modules.pick(seed), arguments.settings, tally);
    if (finding || arguments.only_seed || elapsed() >= arguments.seconds) break;
    if (terminal && Clock::now() - shown > std::chrono::milliseconds(200)) {
      shown = Clock::now();
      fmt::print(stderr, "\r\033[K{:.0f} s, {} modules, {} resets", elapsed(), tally.modules, tally.resets);
    }
  }
  if (terminal) fmt::print(stderr, "\r\033[K");
  const double seconds = elapsed();
  if (finding && !arguments.expect_failure) save(*finding, arguments, seed);
  if (arguments.json) {
    nlohmann::json json = {{"seconds", seconds},           {"modules", tally.modules},     {"refused", tally.refused},
                           {"calls", tally.calls},         {"traps", tally.traps},         {"kills", tally.kills},
                           {"probes", tally.probes},       {"resets", tally.resets},       {"audits", tally.audits},
                           {"optimized", tally.optimized}, {"first_seed", arguments.seed}, {"last_seed", seed},
                           {"found", finding.has_value()}};
    for (const auto& [kind, count] : tally.traps_by_kind) json["traps_by_kind"][to_string(kind)] = count;
    if (finding) json["difference"] = finding->difference;
    fmt::print("{}\n", json.dump(2));
  } else {
    if (finding && arguments.expect_failure)
      fmt::print("found after {:.2f} s, at seed {}: {}\n", seconds, seed, finding->difference);
    fmt::print(
        "{}: {} modules ({} refused), {} calls, {} traps, {} kills, {} functions optimized, {} resets, {} audits, {} "
        "probes in {:.1f} s: {}\n",
        arguments.program, tally.modules, tally.refused, tally.calls, tally.traps, tally.kills, tally.optimized,
        tally.resets, tally.audits, tally.probes, seconds, finding ? "a difference" : "no difference");
  }
  if (arguments.settings.tier == Tier::kOptimized && !finding && tally.optimized == 0) {
    fmt::print(stderr, "{}: not a function was optimized: this shows nothing\n", arguments.program);
    return 1;
  }
  return finding.has_value() == arguments.expect_failure ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Checks that an instance that was used and reset cannot be told from a fresh one.");
  Arguments arguments;
  if (argc > 0) arguments.program = fs::path(argv[0]).filename();
  app.add_option("--seed", arguments.seed, "The first case");
  app.add_option("--seconds", arguments.seconds, "How long to go on");
  app.add_flag("--only-seed", arguments.only_seed, "Only the first case");
  app.add_flag("--kills", arguments.settings.kills, "With deadlines, and functions that never return");
  app.add_flag("!--no-audit", arguments.settings.audit, "Without audits: only what guests can see counts");
  app.add_flag("--fuel", arguments.settings.fuel, "With little fuel, where modules count it");
  app.add_flag("--stores", arguments.settings.stores, "With functions that store to memories, and do little else");
  app.add_flag_callback(
      "--optimized", [&] { arguments.settings.tier = Tier::kOptimized; }, "Optimize all modules' functions");
  app.add_option("--modules", arguments.modules, "A directory of modules to use besides our own")
      ->check(CLI::ExistingDirectory);
  app.add_option("--smith", arguments.smith, "The program of tests/fuzz/smith, for modules besides our own")
      ->check(CLI::ExistingFile);
  app.add_option("--found", arguments.found, "Where to write a case that fails");
  app.add_flag("--expect-failure", arguments.expect_failure, "Succeed if and only if a difference is found");
  app.add_flag("--json", arguments.json, "Print a summary as JSON");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "anew_fairness: {}\n", error.what());
    return 2;
  }
}
