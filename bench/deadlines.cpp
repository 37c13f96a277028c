// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How long after its deadline a call ends, by what it does; and what a deadline costs a call that ends before it. What
// the end of a time slice costs.
#include <time.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "module_builder.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

/// A memory of 1 GiB, and functions that do not end: `spin`; `host`, which calls env.f for ever; `fill`, which fills
/// the memory for ever; `recurse`, which calls itself, and itself again when that returns; and `constant` and `count`,
/// which do, the latter after as many turns as it is told.
[[nodiscard]] std::vector<std::byte> make_module() {
  ModuleBuilder module;
  const auto plain = module.type({}, {});
  module.import_function("f", plain);
  const auto add = [&](const char* name, const ModuleBytes& body) {
    const auto function = module.function(plain, {0}, body);
    module.export_function(name, function);
    return function;
  };
  constexpr std::uint64_t kBytes = 1 << 30;
  add("spin", {0x03, 0x40, 0x0C, 0, 0x0B});
  add("host", {0x03, 0x40, 0x10, 0, 0x0C, 0, 0x0B});
  add("fill", ModuleBytes({0x03, 0x40, 0x41, 0, 0x41, 7, 0x41}).s(kBytes).raw({0xFC, 0x0B, 0, 0x0C, 0, 0x0B}));
  // Function 4 is `recurse` itself: a tree of calls, 64 deep at most, that takes 2^64 calls. The depth is at address 0.
  add("recurse", ModuleBytes({0x41, 0, 0x28, 2, 0, 0x41})
                     .s(64)
                     .raw({0x4F, 0x04, 0x40, 0x0F, 0x0B})
                     .raw({0x41, 0, 0x41, 0, 0x28, 2, 0, 0x41, 1, 0x6A, 0x36, 2, 0})
                     .raw({0x10, 4, 0x10, 4})
                     .raw({0x41, 0, 0x41, 0, 0x28, 2, 0, 0x41, 1, 0x6B, 0x36, 2, 0}));
  add("constant", {});
  module.export_function("count",
                         module.function(module.type({kI64}, {}), {0},
                                         {0x03, 0x40, 0x20, 0, 0x42, 1, 0x7D, 0x22, 0, 0x42, 0, 0x52, 0x0D, 0, 0x0B}));
  module.memory(kBytes / 65'536);
  const ModuleBytes built = module.build();
  return {built.span().begin(), built.span().end()};
}

[[nodiscard]] Pool make_pool(std::uint32_t capacity) {
  const Engine engine({.cache = false});
  const Module module = value_or_exit(engine.compile(make_module()), "compile");
  Linker linker;
  linker.define("env", "f", [] {});
  return value_or_exit(Pool::create(module, linker, {.capacity = capacity}), "pool");
}

/// Calls with a deadline `after` ahead. @return by how many ns the call ended later than that.
[[nodiscard]] double lateness(const Pool& pool, const char* name, std::chrono::nanoseconds after) {
  Lease lease = value_or_exit(pool.acquire(), name);
  const auto deadline = Clock::now() + after;
  lease.set_deadline(deadline);
  const auto result = lease.call(name);
  const auto ended = Clock::now();
  if (result || result.error().trap != TrapKind::kInterrupted) {
    fmt::print(stderr, "{}: the call was not interrupted\n", name);
    std::exit(1);
  }
  return nanoseconds(ended - deadline);
}

void report(const char* name, std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double part) {
    return samples[static_cast<std::size_t>(part * static_cast<double>(samples.size() - 1))] / 1e6;
  };
  fmt::print("{:<28}{:>8}{:>10.2f}{:>10.2f}{:>10.2f}\n", name, samples.size(), at(0.5), at(0.99), at(1));
}

void storm(const Pool& pool, unsigned threads) {
  std::vector<std::vector<double>> samples(threads);
  {
    std::vector<std::jthread> running;
    for (unsigned i = 0; i < threads; ++i) {
      running.emplace_back([&, i] {
        std::mt19937 random(i);
        for (int n = 0; n < 500; ++n) {
          const char* const names[] = {"spin", "host", "recurse"};
          samples[i].push_back(lateness(pool, names[random() % 3], std::chrono::microseconds(random() % 3000)));
        }
      });
    }
  }
  std::vector<double> all;
  for (const auto& each : samples) all.insert(all.end(), each.begin(), each.end());
  report(fmt::format("storm on {} threads", threads).c_str(), std::move(all));
}

/// Processor time of this thread, ns.
[[nodiscard]] double processor_time() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

/// Calls `count` with time slices of that length. @return how often it left its thread.
[[nodiscard]] std::uint64_t count(const Pool& pool, std::chrono::nanoseconds time_slice) {
  Lease lease = value_or_exit(pool.acquire(), "acquire");
  lease.set_time_slice(time_slice);
  const auto function = value_or_exit(pool.function<void(std::int64_t)>("count"), "count");
  auto call = std::move(lease).start(function, std::int64_t{100'000'000});
  std::uint64_t times = 0;
  for (; !call.is_done(); ++times) call.resume();
  return times;
}

/// What leaving the thread and going on takes of its processor time: the difference to the same call without slices.
void report_time_slices(const Pool& pool) {
  std::vector<double> costs;
  std::uint64_t all = 0;
  for (int round = 0; round < 21; ++round) {
    const double begin = processor_time();
    (void)count(pool, std::chrono::nanoseconds::max());
    const double middle = processor_time();
    const std::uint64_t times = count(pool, std::chrono::nanoseconds(1));
    const double end = processor_time();
    all += times;
    if (times != 0) costs.push_back((end - middle - (middle - begin)) / static_cast<double>(times));
  }
  if (costs.empty()) return;
  std::ranges::nth_element(costs, costs.begin() + static_cast<std::ptrdiff_t>(costs.size() / 2));
  fmt::print("the end of a time slice, and going on: {:.0f} ns of the thread's processor time ({} of them)\n",
             costs[costs.size() / 2], all);
}

}  // namespace
}  // namespace anew::bench

int main() {
  using namespace anew::bench;
  const anew::Pool pool = make_pool(4);
  fmt::print("ms from a call's deadline to its end\n{:<28}{:>8}{:>10}{:>10}{:>10}\n", "", "calls", "p50", "p99", "max");
  for (const char* const name : {"spin", "host", "fill", "recurse"}) {
    std::vector<double> samples;
    for (int i = 0; i < 100; ++i) samples.push_back(lateness(pool, name, std::chrono::milliseconds(5)));
    report(name, std::move(samples));
  }
  for (const unsigned threads : {1u, 2u, 4u}) storm(pool, threads);

  anew::Lease lease = value_or_exit(pool.acquire(), "acquire");
  anew::Lease limited = value_or_exit(pool.acquire(), "acquire");
  limited.set_deadline(Clock::now() + std::chrono::hours(1));
  const auto constant = value_or_exit(pool.function<void()>("constant"), "constant");
  const Pair pair = measure_in_turn(
      2001, 100, [&] { keep_success(limited.call(constant)); }, [&] { keep_success(lease.call(constant)); });
  fmt::print("\na call with a deadline {:.2f} ns, without {:.2f} ns\n", pair.subject, pair.floor);
  report_time_slices(pool);
  return 0;
}
