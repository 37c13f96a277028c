// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What it costs to grow a memory in every call: acquire + call + release, where the call grows the memory by N Wasm
// pages and stores once to each of their 4 KiB pages. Beside it the same stores to a memory that has the size already,
// which is what a prelude that grows it makes of such a module.
#include <thread>

#include "module_builder.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

constexpr std::uint64_t kMaximumPages = 64;

/// (func (export "grow") (param i32)    grows by n Wasm pages, then stores to each of 16 n 4 KiB pages behind the first
/// (func (export "store") (param i32)   only stores
/// (func (export "prepare")             grows by the most
[[nodiscard]] std::vector<std::byte> make_module() {
  ModuleBuilder module;
  const auto type = module.type({kI32}, {});
  const auto prepare = module.type({}, {});
  // local.get 0  i32.const 4  i32.shl  local.set 0  (loop ... i32.store offset=61440 ...): pages from the second on
  const ModuleBytes stores =
      ModuleBytes({0x20, 0, 0x41, 4, 0x74, 0x21, 0, 0x03, 0x40, 0x20, 0, 0x41, 12, 0x74, 0x41, 7, 0x36, 2})
          .u(61'440)
          .raw({0x20, 0, 0x41, 1, 0x6B, 0x22, 0, 0x0D, 0, 0x0B});
  module.export_function("grow", module.function(type, {0}, ModuleBytes({0x20, 0, 0x40, 0, 0x1A}).raw(stores)));
  module.export_function("store", module.function(type, {0}, stores));
  module.export_function("prepare",
                         module.function(prepare, {0}, ModuleBytes({0x41}).s(kMaximumPages).raw({0x40, 0, 0x1A})));
  module.memory(1);
  const ModuleBytes built = module.build();
  return {built.span().begin(), built.span().end()};
}

struct Way {
  const char* name;
  CompileOptions compile;
  SnapshotOptions snapshot;
  const char* function;
};

/// Median ns of a call on each of `threads` threads, of their medians the largest.
[[nodiscard]] double time_calls(const Way& way, std::uint64_t pages, unsigned threads) {
  const Engine engine({.cache = false});
  const Module module = value_or_exit(engine.compile(make_module(), way.compile), way.name);
  const Pool pool =
      value_or_exit(Pool::create(module, Linker(), {.capacity = threads, .snapshot = way.snapshot}), way.name);
  const auto function = value_or_exit(pool.function<void(std::int32_t)>(way.function), way.function);
  std::vector<double> medians(threads);
  {
    std::vector<std::jthread> running;
    for (unsigned i = 0; i < threads; ++i) {
      running.emplace_back([&, i] {
        medians[i] = measure_in_turn(
                         501, 10,
                         [&] {
                           Lease lease = value_or_exit(pool.acquire(), "acquire");
                           (void)lease.call(function, static_cast<std::int32_t>(pages));
                         },
                         [] {})
                         .subject;
      });
    }
  }
  return *std::max_element(medians.begin(), medians.end());
}

}  // namespace
}  // namespace anew::bench

int main() {
  using namespace anew::bench;
  const Way ways[] = {{"guard", {}, {}, "grow"},
                      {"explicit bounds", {.explicit_bounds = true}, {}, "grow"},
                      {"guard, pagemap", {.ledger = anew::Ledger::kPagemap}, {}, "grow"},
                      {"grown by a prelude", {}, {.prelude = {"prepare"}}, "store"}};
  fmt::print("growing by N Wasm pages in every call: ns a call (median)\n{:>10}{:>10}", "N", "threads");
  for (const Way& way : ways) fmt::print("{:>22}", way.name);
  fmt::print("\n");
  for (const std::uint64_t pages : {1, 4, 16, 64}) {
    for (const unsigned threads : {1u, 2u}) {
      fmt::print("{:>10}{:>10}", pages, threads);
      for (const Way& way : ways) fmt::print("{:>22.0f}", time_calls(way, pages, threads));
      fmt::print("\n");
    }
  }
  return 0;
}
