// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What WASI costs: its hot functions by the call, and a command written in C, run as new with its reset, beside one in
// a fresh instance.
#include <anew/wasi.hpp>

#include "support.hpp"

namespace anew::bench {
namespace {

[[nodiscard]] Pool make_pool() {
  const Engine engine({.cache = false});
  const Module module = value_or_exit(engine.load(std::string(ANEW_BENCH_PROGRAMS) + "/command.wasm"), "command.wasm");
  Linker linker;
  wasi::Options options;
  options.arguments = {"command"};
  options.standard_output = wasi::Capture{.maximum_bytes = 64 << 20};
  if (auto defined = wasi::define(linker, options); !defined) {
    fmt::print(stderr, "{}\n", defined.error().to_string());
    std::exit(1);
  }
  return value_or_exit(Pool::create(module, linker, {.capacity = 1}), "the pool");
}

/// Median time of running the command, the lease's beginning and end included. @return nanoseconds.
[[nodiscard]] double time_of(int rounds, const std::vector<std::string>& arguments, const auto& lease_of) {
  std::vector<double> samples;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = Clock::now();
    {
      Lease lease = value_or_exit(lease_of(), "a lease");
      if (!arguments.empty()) (void)wasi::Context::find(lease)->set_arguments(arguments);
      if (value_or_exit(wasi::run(lease), "the command") != 0) std::exit(1);
    }
    samples.push_back(nanoseconds(Clock::now() - begin));
  }
  return median(samples);
}

void run() {
  const Pool pool = make_pool();
  const auto as_new = [&] { return pool.acquire(); };
  constexpr int kCalls = 1'000'000;
  struct Function {
    const char* what;
    const char* argument;
  };
  for (const auto& [what, argument] :
       {Function{"fd_write of 16 bytes to memory", "write"}, Function{"clock_time_get", "clock"},
        Function{"random_get of 16 bytes", "random"}})
    fmt::print("{:48} {:10.1f} ns\n", what, time_of(5, {"command", argument, std::to_string(kCalls)}, as_new) / kCalls);
  fmt::print("{:48} {:10.2f} us\n", "a command as new, with its reset", time_of(1001, {}, as_new) / 1000);
  fmt::print("{:48} {:10.2f} us\n", "one that ends by exit()", time_of(1001, {"command", "exit"}, as_new) / 1000);
  fmt::print("{:48} {:10.2f} us\n", "the first in a fresh instance",
             time_of(201, {}, [&] { return pool.instantiate(); }) / 1000);
}

}  // namespace
}  // namespace anew::bench

int main() { anew::bench::run(); }
