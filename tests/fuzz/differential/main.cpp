// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <sstream>
#include <thread>

#include "differential/process.hpp"
#include "differential/protocol.hpp"

namespace anew::differential {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kDeadline{20};
/// A worker is started anew after so many modules: V8 keeps address space of dead instances.
constexpr std::uint64_t kModulesPerProcess = 2000;
constexpr std::uint64_t kMaximumFindings = 100;

struct Options {
  double seconds = 60;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::uint64_t seed = 0;
  std::string features;  // empty: ask
  std::string only;
  std::string output = "build/fuzz/differential";
  std::string smith = ANEW_SMITH;
  std::string node = ANEW_NODE;
  std::string script = ANEW_V8_SCRIPT;
  bool wasmtime = false;  ///< rather than V8
  std::string wasmtime_script = ANEW_WASMTIME_SCRIPT;
  std::string wasm_opt = "wasm-opt";
  std::string self;
};

/// Names of smith/src/features.rs, with what switches them on in Binaryen; "" if it has none or an older version.
struct Feature {
  const char* name;
  const char* binaryen;
};
constexpr Feature kFeatures[] = {{"multi-value", "multivalue"},
                                 {"sign-extension", "sign-ext"},
                                 {"saturating-float-to-int", "nontrapping-float-to-int"},
                                 {"bulk-memory", "bulk-memory"},
                                 {"reference-types", "reference-types"},
                                 {"extended-const", "extended-const"},
                                 {"tail-call", "tail-call"},
                                 {"multi-memory", ""},
                                 {"memory64", ""},
                                 {"table64", ""},
                                 {"simd", "simd"},
                                 {"function-references", ""},
                                 {"exceptions", ""},
                                 {"wide-arithmetic", ""},
                                 {"threads", ""},
                                 // V8's and Anew's choices differ: only if asked for.
                                 {"relaxed-simd", ""}};

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}
void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

struct Counts {
  std::uint64_t modules = 0;
  std::uint64_t accepted = 0;
  std::uint64_t calls = 0;
  std::uint64_t traps = 0;
  std::uint64_t optimized = 0;  ///< functions
  std::uint64_t not_comparable = 0;
  std::uint64_t findings = 0;
};

/// What all jobs share.
struct Session {
  explicit Session(const Options& chosen) : options(chosen) {}

  const Options& options;
  std::mutex mutex;
  std::map<std::string, Counts> counts;  // by source
  std::uint64_t findings = 0;

  /// Keeps the module and says how it fails.
  void report(const std::string& source, std::uint64_t seed, std::string_view module, Settings settings,
              const std::string& difference, std::string_view anew, std::string_view other) {
    const std::lock_guard lock(mutex);
    ++counts[source].findings;
    if (++findings > kMaximumFindings) return;
    std::filesystem::create_directories(options.output);
    const std::string name = fmt::format("{}/{}-{}", options.output, source, seed);
    write_file(name + ".wasm", module);
    const std::string replay = fmt::format("{}{} --settings {} --replay {}.wasm", options.self,
                                           options.wasmtime ? " --wasmtime" : "", settings.bits, name);
    write_file(name + ".txt",
               fmt::format("{}\n\nreplay: {}\n\n--- Anew\n{}\n--- other\n{}\n", difference, replay, anew, other));
    fmt::print("FOUND {}\n  {}\n", difference, replay);
    std::fflush(stdout);
  }
};

struct Outcome {
  std::string anew;
  std::string other;
  std::optional<Comparison> comparison;  // nothing: the other engine did not answer
};

/// The two engines, side by side.
class Engines {
 public:
  explicit Engines(const Options& options)
      : anew_({options.self, "--worker"}),
        other_(options.wasmtime ? std::vector<std::string>{"python3", options.wasmtime_script}
                                // One tier is enough, and where it spends its time is known.
                                : std::vector<std::string>{options.node, "--no-wasm-tier-up", "--single-threaded",
                                                           "--stack-size=900", options.script}),
        canonical_nan_(options.wasmtime ? Settings::kCanonicalNan : 0) {}

  Outcome run(std::string_view module, Settings settings, bool must_be_accepted) {
    settings.bits |= canonical_nan_;
    if (++modules_ % kModulesPerProcess == 0) {
      anew_.stop();
      other_.stop();
    }
    const auto length = static_cast<std::uint32_t>(module.size());
    std::string request;
    request.append(reinterpret_cast<const char*>(&length),
                   sizeof length);  // the protocol's byte order is the machine's
    request.append(reinterpret_cast<const char*>(&settings.bits), sizeof settings.bits);
    request.append(module);
    other_.send(request);
    anew_.send(request);
    const auto anew = anew_.receive(kDeadline);
    const auto other = other_.receive(kDeadline);
    Outcome outcome{anew.value_or("failed\n# " + anew_.failure() + "\n"),
                    other.value_or("failed\n# " + other_.failure() + "\n"), std::nullopt};
    if (!anew)
      outcome.comparison = Comparison{.difference = "Anew: " + anew_.failure()};
    else if (other && !other->starts_with("failed"))
      outcome.comparison = compare(*anew, *other, must_be_accepted);
    return outcome;
  }

 private:
  Process anew_;
  Process other_;
  std::uint32_t canonical_nan_;  ///< in the settings of all modules
  std::uint64_t modules_ = 0;
};

/// Features that both engines have.
std::string common_features(const Options& options) {
  Engines engines(options);
  Process smith({options.smith});
  std::string list;
  for (const Feature& feature : kFeatures) {
    if (std::string_view(feature.name) == "relaxed-simd") continue;
    smith.send(fmt::format("probe {}\n", feature.name));
    const auto probe = smith.receive(kDeadline);
    if (!probe) {
      fmt::print(stderr, "anew_differential: {}: {}\n", options.smith, smith.failure());
      std::exit(1);
    }
    const Outcome outcome = engines.run(*probe, {}, false);
    if (outcome.anew.starts_with("accepted") && outcome.other.starts_with("accepted")) {
      list += (list.empty() ? "" : ",") + std::string(feature.name);
    } else {
      fmt::print("not tested: {} (Anew: {}, the other: {})\n", feature.name,
                 outcome.anew.substr(0, outcome.anew.find('\n')), outcome.other.substr(0, outcome.other.find('\n')));
    }
  }
  // Not a feature of an engine: modules may look at the bits of NaNs, rather than hide them.
  return options.wasmtime ? list + ",nans" : list;
}

/// Makes modules and runs them, one after the other.
class Job {
 public:
  Job(Session& session, std::string features, std::uint64_t number)
      : session_(session),
        engines_(session.options),
        smith_({session.options.smith}),
        features_(std::move(features)),
        scratch_(fmt::format("{}/scratch-{}-{}", session.options.output, getpid(), number)) {
    std::filesystem::create_directories(scratch_);
  }
  ~Job() { std::filesystem::remove_all(scratch_); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// @param seed  names the module: the same seed and features make the same one.
  void step(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const std::string& only = session_.options.only;
    if (!previous_.empty() && (only == "mutant" || (only.empty() && seed % 8 >= 6))) {
      run("mutant", seed, mutate(previous_, random), {}, false);
      return;
    }
    constexpr std::array<const char*, 8> kTurns = {"binaryen", "smith", "smith", "dense",
                                                   "dense",    "dense", "dense", "smith"};
    const std::string source = only.empty() || only == "mutant" ? kTurns[seed % kTurns.size()] : only;
    std::string module = source == "binaryen" ? make_with_binaryen(seed, random) : make_with_smith(source, seed);
    if (module.empty()) return;
    run(source, seed, module, {static_cast<std::uint32_t>(random() & 0xFFFF)}, true);
    previous_ = std::move(module);
  }

 private:
  std::string make_with_smith(const std::string& source, std::uint64_t seed) {
    smith_.send(fmt::format("{} {} {}\n", source, seed, features_));
    return smith_.receive(kDeadline).value_or("");
  }

  std::string make_with_binaryen(std::uint64_t seed, std::mt19937_64& random) {
    std::string bytes(600 + random() % 24'000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const std::string input = scratch_ + "/input";
    const std::string output = scratch_ + "/output.wasm";
    write_file(input, bytes);
    std::vector<std::string> command = {
        session_.options.wasm_opt, input, "--translate-to-fuzz", "--denan", "-o", output};
    constexpr std::array<const char*, 5> kLevels = {"-O0", "-O1", "-O2", "-O3", "-Os"};
    command.emplace_back(kLevels[random() % kLevels.size()]);
    command.emplace_back("--mvp-features");
    command.emplace_back("--enable-mutable-globals");
    std::string used = "-";
    for (const Feature& feature : kFeatures) {
      if (*feature.binaryen == '\0' ||
          ("," + features_ + ",").find(fmt::format(",{},", feature.name)) == std::string::npos) {
        continue;
      }
      if (random() % 4 == 0) continue;
      command.emplace_back(fmt::format("--enable-{}", feature.binaryen));
      used += fmt::format(",{}", feature.name);
    }
    if (random() % 4 == 0) command.emplace_back("--no-fuzz-oob");
    std::filesystem::remove(output);
    if (!differential::run(command)) return {};
    smith_.send(fmt::format("instrument {} {} {}\n", seed, used, output));
    return smith_.receive(kDeadline).value_or("");
  }

  /// A few bytes changed: mostly not valid, which both engines must see.
  static std::string mutate(std::string module, std::mt19937_64& random) {
    const auto below = [&random](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
    static constexpr char kBytes[] =
        "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x1a\x1b\x1c\x1f\x20\x21"
        "\x23"
        "\x24\x25\x26\x28\x36\x3f\x40\x41\x42\x43\x44\x45\x60\x63\x64\x69\x6a\x6f\x70\x7b\x7c\x7d\x7e\x7f\x80\xc0\xd0"
        "\xd1"
        "\xd2\xd3\xd4\xd5\xd6\xfc\xfd\xff";
    const std::size_t changes = below(4) == 0 ? 1 + below(4) : 1;
    for (std::size_t i = 0; i < changes && module.size() > 9; ++i) {
      const std::size_t at =
          8 + below(below(3) == 0 ? std::min<std::size_t>(600, module.size() - 8) : module.size() - 8);
      switch (below(8)) {
        case 0: module[at] = static_cast<char>(module[at] ^ (1 << below(8))); break;
        case 1: module[at] = static_cast<char>(random()); break;
        case 2: module[at] = static_cast<char>(module[at] + 1); break;
        case 3: module[at] = static_cast<char>(module[at] - 1); break;
        case 4: module.insert(at, 1, kBytes[below(sizeof kBytes - 1)]); break;
        case 5: module.erase(at, 1); break;
        default: module[at] = kBytes[below(sizeof kBytes - 1)]; break;
      }
    }
    // The plan goes: nothing bounds the loops any longer, so the module is not to be run.
    if (const auto plan = module.rfind("anew.plan"); plan != std::string::npos) module[plan] = 'x';
    return module;
  }

  /// What to think of two engines that disagree about a mutant: V8 has features, and limits, that Anew does not have.
  bool is_valid(std::string_view module) {
    const std::string path = scratch_ + "/mutant.wasm";
    write_file(path, module);
    smith_.send(fmt::format("validate 0 {} {}\n", features_, path));
    return !smith_.receive(kDeadline).value_or("").empty();
  }

  void run(const std::string& source, std::uint64_t seed, std::string_view module, Settings settings, bool valid) {
    Outcome outcome = engines_.run(module, settings, valid);
    if (!valid && outcome.comparison && outcome.comparison->comparable && !outcome.comparison->difference.empty() &&
        is_valid(module) == outcome.anew.starts_with("accepted")) {
      outcome.comparison->comparable = false;
    }
    {
      const std::lock_guard lock(session_.mutex);
      Counts& counts = session_.counts[source];
      ++counts.modules;
      if (!outcome.comparison || !outcome.comparison->comparable) {
        ++counts.not_comparable;
      } else {
        counts.accepted += outcome.anew.starts_with("accepted") ? 1 : 0;
        counts.calls += outcome.comparison->calls;
        counts.traps += outcome.comparison->traps;
        counts.optimized += outcome.comparison->optimized;
      }
    }
    if (outcome.comparison && outcome.comparison->comparable && !outcome.comparison->difference.empty())
      session_.report(source, seed, module, settings, outcome.comparison->difference, outcome.anew, outcome.other);
  }

  Session& session_;
  Engines engines_;
  Process smith_;
  std::string features_;
  std::string scratch_;
  std::string previous_;
};

int replay(const Options& options, const std::string& path, Settings settings) {
  const std::string module = read_file(path);
  const Outcome outcome = Engines(options).run(module, settings, false);
  fmt::print("--- Anew\n{}--- other\n{}", outcome.anew, outcome.other);
  const bool differ = outcome.comparison && outcome.comparison->comparable && !outcome.comparison->difference.empty();
  fmt::print("---\n{}\n", differ ? outcome.comparison->difference : "no difference");
  return differ ? 1 : 0;
}

int fuzz(const Options& options) {
  const auto begin = Clock::now();
  const std::string features = options.features.empty() ? common_features(options) : options.features;
  const std::uint64_t seed = options.seed != 0 ? options.seed : std::random_device{}();
  fmt::print("features: {}\nseed: {}\n", features, seed);
  std::fflush(stdout);
  Session session(options);
  std::atomic<std::uint64_t> next{seed << 20};
  const auto end = begin + std::chrono::duration<double>(options.seconds);
  {
    std::vector<std::jthread> threads;
    for (unsigned number = 0; number < options.jobs; ++number) {
      threads.emplace_back([&, number] {
        Job job(session, features, number);
        while (Clock::now() < end) job.step(next++);
      });
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  Counts all;
  for (const auto& [source, counts] : session.counts) {
    fmt::print(
        "{}: {} modules, {} accepted by both, {} calls, {} traps, {} functions optimized, {} not comparable, {} "
        "findings\n",
        source, counts.modules, counts.accepted, counts.calls, counts.traps, counts.optimized, counts.not_comparable,
        counts.findings);
    all.modules += counts.modules;
    all.calls += counts.calls;
    all.findings += counts.findings;
  }
  fmt::print("anew_differential: {} modules, {} executions, {} failures ({:.0f} modules/s)\n", all.modules, all.calls,
             all.findings, static_cast<double>(all.modules) / seconds);
  return all.findings == 0 ? 0 : 1;
}

}  // namespace
}  // namespace anew::differential

int main(int argc, char** argv) {
  using namespace anew::differential;
  signal(SIGPIPE, SIG_IGN);  // a child that is gone is found out by reading
  Options options;
  options.self = std::filesystem::canonical("/proc/self/exe");
  std::string replayed;
  Settings settings;
  bool worker = false;
  CLI::App app(
      "Runs random modules in Anew and in V8, or in Wasmtime, which must agree. Findings are kept with how to repeat "
      "them.");
  app.add_option("--seconds", options.seconds, "How long")->capture_default_str();
  app.add_option("--jobs", options.jobs, "Threads, each with its own workers")->capture_default_str();
  app.add_option("--seed", options.seed, "0: a random one")->capture_default_str();
  app.add_option("--features", options.features, "Names with commas; by default those that both engines have");
  app.add_option("--only", options.only, "One source of modules")
      ->check(CLI::IsMember({"smith", "dense", "binaryen", "mutant"}));
  app.add_option("--output", options.output, "Where findings are kept")->capture_default_str();
  app.add_option("--smith", options.smith, "The program anew-smith")->capture_default_str();
  app.add_flag("--wasmtime", options.wasmtime,
               "Wasmtime rather than V8, with canonical NaNs in both; PYTHONPATH says where the package wasmtime is");
  app.add_option("--node", options.node, "The program node")->capture_default_str();
  app.add_option("--wasm-opt", options.wasm_opt, "Binaryen's program")->capture_default_str();
  app.add_option("--replay", replayed, "Only run this module, and print both engines' outcomes");
  app.add_option("--settings", settings.bits, "For --replay, as it was printed");
  app.add_flag("--worker", worker, "Answer requests on standard input")->group("");
  CLI11_PARSE(app, argc, argv);
  if (worker) return serve();
  return replayed.empty() ? fuzz(options) : replay(options, replayed, settings);
}
