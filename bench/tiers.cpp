// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tier::kAuto: how soon code is fast that was compiled just now, and what that takes; and what those pay that need none
// of it.
//
//   anew_bench_tiers [--json] [NAME...]    the programs to run (all)
//
// Each program is compiled by the quick tier, for kAuto and for kOptimized, without the code cache, and called. Speed
// is by processor time of the calling thread, and its peak that of the last calls with kAuto: the time to 90 % of it is
// by the clock, from before the module is compiled to the end of the first call that is so fast, as are the calls
// behind it.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stop_token>
#include <thread>
#include <utility>

#include "codegen/image.hpp"
#include "module_builder.hpp"
#include "runtime/module_state.hpp"
#include "scenarios.hpp"
#include "support.hpp"
#include "tier/optimizer_process.hpp"

namespace anew::bench {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

[[nodiscard]] double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

[[nodiscard]] double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// Processor time of the processes that this one started and that have ended, and of all its threads but this one.
[[nodiscard]] double others_seconds() {
  rusage children{};
  getrusage(RUSAGE_CHILDREN, &children);
  return seconds_of(children.ru_utime) + seconds_of(children.ru_stime) + processor_time() / 1e9 - thread_seconds();
}

/// One guest of a program, called again and again.
class Running {
 public:
  Running(const Engine& engine, const Program& program, Tier tier)
      : guest_(make_anew_guest(engine, program.path, {.tier = tier}, program.imports, &compilation_)),
        scenario_(program.make_scenario()) {
    scenario_->set_up(*guest_);
  }
  /// @return processor time of the call, in ms.
  double call() {
    const Call call = scenario_->next(*guest_);
    const double begin = thread_seconds();
    const Outcome outcome = guest_->call(call);
    const double ms = (thread_seconds() - begin) * 1e3;
    result_ = scenario_->check(*guest_, outcome.result);
    return ms;
  }
  [[nodiscard]] const std::string& result() const { return result_; }
  [[nodiscard]] const Module& module() const { return *compilation_.module; }

 private:
  Compilation compilation_;
  std::unique_ptr<Guest> guest_;
  std::unique_ptr<Scenario> scenario_;
  std::string result_;
};

struct Row {
  std::string name;
  double quick_ms = 0, peak_ms = 0, optimized_ms = 0;  ///< of a call; medians
  double seconds = 0;                                  ///< to 90 % of the peak
  double tier_seconds = 0;                             ///< processor time of all that optimized
  std::uint32_t optimized = 0, functions = 0;
  std::uint64_t quick_bytes = 0, replaced_bytes = 0, added_bytes = 0;
};

[[nodiscard]] double steady_ms(Running& running) {
  std::vector<double> ms;
  const auto end = Clock::now() + milliseconds(500);
  (void)running.call();
  while (ms.size() < 3 || Clock::now() < end) ms.push_back(running.call());
  return median(ms);
}

/// Bytes of quick code of the functions that are optimized.
[[nodiscard]] std::uint64_t replaced_bytes(const Module& module) {
  const codegen::ImageView& image = module.state()->image;
  std::uint64_t bytes = 0;
  for (const codegen::OptimizedFunction& each : codegen::optimized_by_now(image).functions) {
    const bool is_last = each.function + 1 == image.functions.size();
    bytes += (is_last ? image.text.size() : image.functions[each.function + 1]) - image.functions[each.function];
  }
  return bytes;
}

[[nodiscard]] Row run(const Engine& engine, const Program& program) {
  constexpr auto kQuiet = milliseconds(2'000);  // without a function that was optimized: it is at its peak
  constexpr auto kLongest = std::chrono::seconds(30);
  Row row{.name = program.name};
  {
    Running quick(engine, program, Tier::kQuick);
    row.quick_ms = steady_ms(quick);
  }
  {
    const double before = others_seconds();
    const auto begin = Clock::now();
    Running running(engine, program, Tier::kAuto);
    struct Sample {
      double ms, end;
    };
    std::vector<Sample> samples;
    for (auto changed = begin; Clock::now() - changed < kQuiet && Clock::now() - begin < kLongest;) {
      const double ms = running.call();
      const auto now = Clock::now();
      samples.push_back({ms, nanoseconds(now - begin) / 1e9});
      if (running.module().optimized_functions() != row.optimized) changed = now;
      row.optimized = running.module().optimized_functions();
    }
    std::vector<double> last;
    for (std::size_t i = samples.size() - (samples.size() + 2) / 3; i < samples.size(); ++i)
      last.push_back(samples[i].ms);
    row.peak_ms = median(last);
    // The first of which the median with the next four is fast enough.
    for (std::size_t i = 0; i < samples.size() && row.seconds == 0; ++i) {
      std::vector<double> next;
      for (std::size_t j = i; j < std::min(i + 5, samples.size()); ++j) next.push_back(samples[j].ms);
      if (samples[i].ms <= row.peak_ms / 0.9 && median(next) <= row.peak_ms / 0.9) row.seconds = samples[i].end;
    }
    row.tier_seconds = others_seconds() - before;
    const codegen::ImageView& image = running.module().state()->image;
    row.functions = running.module().state()->module.defined_functions();
    row.quick_bytes = image.text.size();
    row.replaced_bytes = replaced_bytes(running.module());
    row.added_bytes = codegen::code_bytes(image) - image.text.size();
    // What some give depends on how often they were called.
    Running quick(engine, program, Tier::kQuick);
    for (std::size_t i = 0; i < samples.size(); ++i) quick.call();
    if (quick.result() != running.result()) {
      fmt::print(stderr, "{}: the results of the tiers differ\n", program.name);
      std::exit(1);
    }
  }
  Running optimized(engine, program, Tier::kOptimized);
  row.optimized_ms = steady_ms(optimized);
  return row;
}

void print_title() {
  fmt::print("From a cold start: time to 90 % of the peak, and what it took. Code in KiB.\n\n");
  fmt::print("{:<16} {:>9} {:>9} {:>11} | {:>7} {:>7} | {:>11} | {:>7} {:>8} {:>7}\n", "program", "quick ms", "peak ms",
             "(optimized)", "to 90 %", "CPU", "functions", "quick", "replaced", "added");
}

void print(const Row& row) {
  const auto kibibytes = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1024; };
  fmt::print(
      "{:<16} {:>9.2f} {:>9.2f} {:>11.2f} | {:>5.2f} s {:>5.2f} s | {:>4} of {:>4} | {:>7.1f} {:>8.1f} {:>7.1f}\n",
      row.name, row.quick_ms, row.peak_ms, row.optimized_ms, row.seconds, row.tier_seconds, row.optimized,
      row.functions, kibibytes(row.quick_bytes), kibibytes(row.replaced_bytes), kibibytes(row.added_bytes));
  std::fflush(stdout);
}

/// A memory of 1 MiB and two functions: `nothing`, and `store`, which writes to a page.
[[nodiscard]] Pool make_pool(const Engine& engine, Tier tier) {
  ModuleBuilder module;
  const auto plain = module.type({}, {});
  module.export_function("nothing", module.function(plain, {0}, {}));
  module.export_function("store", module.function(plain, {0}, ModuleBytes({0x41}).s(64).raw({0x41, 1, 0x36, 2, 0})));
  module.memory(16);
  module.data(64, ModuleBytes().repeat(4096, {1}));
  const ModuleBytes binary = module.build();
  const std::vector<std::byte> bytes(binary.span().begin(), binary.span().end());
  return value_or_exit(
      Pool::create(value_or_exit(engine.compile(bytes, {.tier = tier}), "compile"), Linker(), {.capacity = 64}),
      "pool");
}

/// Calls of `name`, each as new, with kAuto beside kQuick: ns.
[[nodiscard]] Pair compare_calls(const Engine& engine, const char* name) {
  const Pool pools[] = {make_pool(engine, Tier::kAuto), make_pool(engine, Tier::kQuick)};
  const Function<void()> functions[] = {value_or_exit(pools[0].function<void()>(name), name),
                                        value_or_exit(pools[1].function<void()>(name), name)};
  const auto call = [&](std::size_t i) {
    Lease lease = value_or_exit(pools[i].acquire(), name);
    keep_success(lease.call(functions[i]));
  };
  return measure_in_turn(4001, 100, [&] { call(0); }, [&] { call(1); });
}

/// Calls a second of each thread, with nothing beside them; with a process that compiles in the background; and, as a
/// floor, with one that does nothing but compute.
struct Rates {
  double alone = 0, compiling = 0, computing = 0;
};

[[nodiscard]] Rates compare_rates(const Engine& engine, unsigned threads) {
  const Pool pool = make_pool(engine, Tier::kQuick);
  const auto store = value_or_exit(pool.function<void()>("store"), "store");
  const auto count = [&] {
    std::uint64_t calls = 0;
    const auto begin = Clock::now();
    for (const auto end = begin + milliseconds(200); Clock::now() < end; calls += 1'000) {
      for (int i = 0; i < 1'000; ++i) {
        Lease lease = value_or_exit(pool.acquire(), "store");
        keep_success(lease.call(store));
      }
    }
    return static_cast<double>(calls) * 1e9 / nanoseconds(Clock::now() - begin);
  };
  const auto rate = [&] {
    std::vector<double> rates(threads);
    {
      std::vector<std::jthread> callers;
      for (unsigned i = 1; i < threads; ++i) callers.emplace_back([&, i] { rates[i] = count(); });
      rates[0] = count();
    }
    return std::accumulate(rates.begin(), rates.end(), 0.0) / threads;
  };
  // What Tier::kAuto has done when a function is hot, for all of a module's, again and again.
  const Module module = value_or_exit(engine.load(fmt::format("{}/json.wasm", ANEW_BENCH_PROGRAMS)), "json");
  const detail::ModuleState& state = *module.state();
  std::vector<std::vector<std::uint32_t>> units;
  for (std::uint32_t i = 0; i < state.module.defined_functions(); ++i)
    units.push_back({state.module.imported_functions + i});
  const auto rate_beside_compiling = [&] {
    std::stop_source enough;
    std::jthread compiling([&] {
      while (!enough.stop_requested())
        (void)tier::optimize({.binary = state.binary,
                              .accepted = state.module.accepted,
                              .options = state.options,
                              .functions = static_cast<std::uint32_t>(state.module.functions.size()),
                              .units = units,
                              .threads = 1,
                              .in_background = true,
                              .stop = enough.get_token()});
    });
    std::this_thread::sleep_for(milliseconds(50));  // until its process is there
    const double result = rate();
    enough.request_stop();
    return result;
  };
  const auto rate_beside_computing = [&] {
    const pid_t child = fork();
    if (child == 0) {
      errno = 0;
      (void)nice(10);  // as the other one
      for (;;) benchmark::ClobberMemory();
    }
    std::this_thread::sleep_for(milliseconds(50));
    const double result = rate();
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    return result;
  };
  std::vector<double> alone;
  std::vector<double> compiling;
  std::vector<double> computing;
  for (int round = 0; round < 15; ++round) {
    alone.push_back(rate());
    compiling.push_back(rate_beside_compiling());
    computing.push_back(rate_beside_computing());
  }
  return {median(alone), median(compiling), median(computing)};
}

int report(bool as_json, const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const Program& program : programs()) known.push_back(program.name);
  require_names(names, known);
  const Engine engine({.compile_threads = 1, .cache = false});
  json result;
  bool is_first = true;
  for (const Program& program : programs()) {
    if (!names.empty() && std::ranges::find(names, program.name) == names.end()) continue;
    if (!as_json && std::exchange(is_first, false)) print_title();
    const Row row = run(engine, program);
    if (!as_json) print(row);
    result["programs"].push_back({{"name", row.name},
                                  {"quick_ms", row.quick_ms},
                                  {"peak_ms", row.peak_ms},
                                  {"optimized_ms", row.optimized_ms},
                                  {"seconds_to_90_percent", row.seconds},
                                  {"tier_up_cpu_seconds", row.tier_seconds},
                                  {"optimized", row.optimized},
                                  {"functions", row.functions},
                                  {"quick_bytes", row.quick_bytes},
                                  {"replaced_bytes", row.replaced_bytes},
                                  {"added_bytes", row.added_bytes}});
  }
  if (!as_json) fmt::print("\n");
  for (const char* const name : {"nothing", "store"}) {
    const Pair pair = compare_calls(engine, name);
    result["as_new"][name] = {{"auto_ns", pair.subject}, {"quick_ns", pair.floor}};
    if (!as_json)
      fmt::print("a call as new, {:<8} {:>6.1f} ns with auto, {:>6.1f} ns quick: {:.3f} times\n", name, pair.subject,
                 pair.floor, pair.subject / pair.floor);
  }
  const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  for (unsigned threads = 1; threads <= processors; threads += std::max(1u, processors - 1)) {
    const Rates rates = compare_rates(engine, threads);
    result["beside_a_compilation"].push_back({{"threads", threads},
                                              {"calls_per_second", rates.compiling},
                                              {"alone", rates.alone},
                                              {"beside_computing", rates.computing}});
    if (!as_json) {
      fmt::print(
          "calls a second of each of {} threads on {} processors: {:.0f}, beside a process that compiles {:.3f} times "
          "that, "
          "beside one that computes {:.3f} times\n",
          threads, processors, rates.alone, rates.compiling / rates.alone, rates.computing / rates.alone);
    }
  }
  if (as_json) fmt::print("{}\n", result.dump(2));
  return 0;
}

}  // namespace
}  // namespace anew::bench

int main(int argc, char** argv) {
  std::vector<std::string> names(argv + 1, argv + argc);
  const bool as_json = std::erase(names, "--json") > 0;
  return anew::bench::report(as_json, names);
}
