// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the optimizing tier's pipeline and LLVM's own cost and gain: processor time of the compilation, bytes of code,
// and the speed of the code beside that of O2, called in turn.
//
//   anew_bench_pipelines [--chain]    the programs in plain C; with --chain also Polkadot's runtime, its first block
//                                     (minutes)
#include <sys/resource.h>

#include <anew/substrate.hpp>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <string_view>

#include "codegen/llvm/protocol.hpp"
#include "host/substrate/hex.hpp"
#include "scenarios.hpp"
#include "support.hpp"
#include "tier/optimizer_process.hpp"

namespace anew::bench {
namespace {

using codegen::optimizing::FunctionCode;
using codegen::optimizing::Pipeline;

struct Candidate {
  const char* name;
  Pipeline pipeline;
};
/// The first is what the others are compared with.
constexpr std::array kCandidates = {Candidate{"O2", Pipeline::kO2}, Candidate{"guest", Pipeline::kGuest},
                                    Candidate{"O1", Pipeline::kO1}, Candidate{"O3", Pipeline::kO3},
                                    Candidate{"Os", Pipeline::kOs}};

/// What compilations took, of one candidate.
struct Spent {
  double seconds = 0;
  double bytes = 0;
};

/// How the functions of the next modules are compiled, and who is told. No compilation runs beside another.
Pipeline pipeline_of_next = Pipeline::kO2;
Spent* spent_by_next = nullptr;

/// Of processes that have ended.
[[nodiscard]] double seconds_of_children() {
  rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Stands in for the optimizer: calls it with the pipeline, and without limits of time, so that all is compiled.
Result<std::vector<FunctionCode>> optimize(const tier::OptimizeJob& job) {
  tier::OptimizeJob own = job;
  own.pipeline = pipeline_of_next;
  own.limit = own.unit_limit = std::chrono::hours(1);
  const double before = seconds_of_children();
  tier::set_optimizer(nullptr);
  auto codes = tier::optimize(own);
  tier::set_optimizer(&optimize);
  spent_by_next->seconds += seconds_of_children() - before;
  if (codes)
    for (const FunctionCode& each : *codes) spent_by_next->bytes += static_cast<double>(each.code.size());
  return codes;
}

/// Something that was compiled with each candidate and is called in turn.
using Calls = std::array<std::function<double()>, kCandidates.size()>;  ///< ns

/// @return each candidate's time to that of the first: medians.
[[nodiscard]] std::array<double, kCandidates.size()> compare(const Calls& calls) {
  std::array<std::vector<double>, kCandidates.size()> ratios;
  std::array<double, kCandidates.size()> times{};
  for (int i = 0; i < 2; ++i)
    for (const auto& call : calls) (void)call();
  for (int round = 0; round < 15; ++round) {
    for (std::size_t i = 0; i < calls.size(); ++i) times[i] = calls[i]();
    for (std::size_t i = 0; i < calls.size(); ++i) ratios[i].push_back(times[i] / times[0]);
  }
  std::array<double, kCandidates.size()> medians{};
  std::ranges::transform(ratios, medians.begin(), [](auto& each) { return median(each); });
  return medians;
}

void print_title(const char* what) {
  fmt::print("{}\n{:<8} {:>12} {:>6} {:>9} {:>6} {:>12}\n", what, "", "compile, s", "", "code, KiB", "", "time to O2");
}

void print(std::size_t candidate, const Spent& spent, const Spent& first, double ratio) {
  fmt::print("{:<8} {:>12.2f} {:>5.2f}x {:>9.0f} {:>5.2f}x {:>12.3f}\n", kCandidates[candidate].name, spent.seconds,
             spent.seconds / first.seconds, spent.bytes / 1024, spent.bytes / first.bytes, ratio);
}

void compare_programs() {
  const Engine engine({.cache = false});
  std::array<Spent, kCandidates.size()> spent;
  std::array<double, kCandidates.size()> logarithms{};
  int programs_run = 0;
  for (const Program& program : programs()) {
    if (program.source != "C") continue;
    std::array<std::unique_ptr<Guest>, kCandidates.size()> guests;
    std::array<std::unique_ptr<Scenario>, kCandidates.size()> scenarios;
    Calls calls;
    for (std::size_t i = 0; i < kCandidates.size(); ++i) {
      pipeline_of_next = kCandidates[i].pipeline;
      spent_by_next = &spent[i];
      guests[i] =
          make_anew_guest(engine, program.path, {.ledger = Ledger::kCards, .tier = Tier::kOptimized}, program.imports);
      scenarios[i] = program.make_scenario();
      scenarios[i]->set_up(*guests[i]);
      calls[i] = [&guest = *guests[i], &scenario = *scenarios[i]] { return guest.call(scenario.next(guest)).ns; };
    }
    const auto ratios = compare(calls);
    for (std::size_t i = 0; i < kCandidates.size(); ++i) logarithms[i] += std::log(ratios[i]);
    ++programs_run;
  }
  print_title(fmt::format("{} programs in C, geometric mean", programs_run).c_str());
  for (std::size_t i = 0; i < kCandidates.size(); ++i)
    print(i, spent[i], spent[0], std::exp(logarithms[i] / programs_run));
}

void compare_blocks() {
  const Engine engine({.cache = false});
  const auto spec =
      value_or_exit(substrate::parse_chain_spec(read_text(fmt::format("{}/polkadot.json", ANEW_CHAIN_SPECS))), "spec");
  const auto state =
      value_or_exit(substrate::MemoryState::from_chain_spec(spec, substrate::StateVersion::kV0), "state");
  const std::string hex = read_text(fmt::format("{}/polkadot-block-1.hex", ANEW_BLOCKS));
  substrate::Bytes encoded;
  if (substrate::decode_hex(std::string_view(hex).substr(0, hex.find('\n')), encoded) != nullptr) std::exit(1);
  const substrate::Bytes block = value_or_exit(substrate::decode_block(encoded), "block").executable();

  std::array<Spent, kCandidates.size()> spent;
  std::vector<substrate::Runtime> runtimes;
  std::vector<substrate::Method> methods;
  Calls calls;
  for (std::size_t i = 0; i < kCandidates.size(); ++i) {
    pipeline_of_next = kCandidates[i].pipeline;
    spent_by_next = &spent[i];
    const substrate::Executor executor(engine, {.runtime = {.tier = Tier::kOptimized}});
    runtimes.push_back(value_or_exit(executor.runtime(state), "runtime"));
    methods.push_back(value_or_exit(runtimes.back().method("Core_execute_block"), "method"));
    calls[i] = [&, i] {
      constexpr int kCalls = 20;
      const auto begin = Clock::now();
      for (int call = 0; call < kCalls; ++call) {
        Lease lease = value_or_exit(runtimes[i].pool().acquire(), "lease");
        substrate::Bytes result;
        substrate::Externalities externalities(state);
        if (!substrate::Runtime::call_in(lease, methods[i], block, result, &externalities)) std::exit(1);
      }
      return nanoseconds(Clock::now() - begin) / kCalls;
    };
  }
  const auto ratios = compare(calls);
  print_title("Polkadot's runtime, execution of block 1");
  for (std::size_t i = 0; i < kCandidates.size(); ++i) print(i, spent[i], spent[0], ratios[i]);
}

}  // namespace
}  // namespace anew::bench

int main(int argc, char** argv) {
  const bool with_chain = argc == 2 && std::string_view(argv[1]) == "--chain";
  anew::tier::set_optimizer(&anew::bench::optimize);
  anew::bench::compare_programs();
  if (with_chain) anew::bench::compare_blocks();
  return 0;
}
