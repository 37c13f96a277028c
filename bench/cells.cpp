// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many instances fit into a process: makes as many of a small module as there is room for, and prints how many,
// what each takes of address space and of memory while it is idle, and what ended it.
#include <fstream>
#include <vector>

#include "module_builder.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

/// A module with one memory of a page, a global, and a function that writes to both.
[[nodiscard]] ModuleBytes make_module() {
  ModuleBuilder module;
  module.memory(1);
  module.global(0);
  const std::uint32_t type = module.type({}, {kI32});
  const ModuleBytes body(
      {0x41, 8, 0x41, 8, 0x28, 2, 0, 0x41, 1, 0x6A, 0x36, 2, 0, 0x23, 0, 0x41, 1, 0x6A, 0x24, 0, 0x23, 0});
  module.export_function("count", module.function(type, {0}, body));
  module.data(0, ModuleBytes().repeat(64, {1}));
  return module.build();
}

struct Use {
  double address_space = 0;  ///< all in KiB
  double resident = 0;
  double page_tables = 0;
};

[[nodiscard]] Use own_use() {
  Use use;
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmSize:") status >> use.address_space;
    if (word == "VmRSS:") status >> use.resident;
    if (word == "VmPTE:") status >> use.page_tables;
  }
  return use;
}

void run() {
  const ModuleBytes binary = make_module();
  const Engine engine({.cache = false});
  const Module module = value_or_exit(engine.compile(binary.span()), "compile");
  const Pool pool = value_or_exit(Pool::create(module, Linker(), {.capacity = 1u << 20}), "pool");
  const auto count = value_or_exit(pool.function<std::int32_t()>("count"), "count");
  std::vector<Lease> leases;
  leases.reserve(1u << 20);
  leases.push_back(value_or_exit(pool.acquire(), "acquire"));
  (void)value_or_exit(leases.back().call(count), "call");  // maps what the thread needs

  const Use before = own_use();
  const std::size_t first = leases.size();
  const auto begin = Clock::now();
  std::string ended_by = "the pool's capacity";
  for (;;) {
    auto lease = pool.acquire();
    if (!lease) {
      ended_by = lease.error().message;
      break;
    }
    leases.push_back(std::move(*lease));
  }
  const double each_ns = nanoseconds(Clock::now() - begin) / static_cast<double>(leases.size() - first);
  const Use made = own_use();
  for (Lease& lease : leases) (void)value_or_exit(lease.call(count), "call");
  leases.clear();
  const Use idle = own_use();

  const auto each = [n = static_cast<double>(pool.statistics().instances) - static_cast<double>(first)](
                        double now, double then) { return (now - then) / n; };
  fmt::print("{} instances of a module with one memory, {:.1f} us to make each; ended by: {}\n",
             pool.statistics().instances, each_ns / 1000, ended_by);
  fmt::print("{:34} {:>12} {:>12} {:>12}\n", "KiB for each", "addresses", "resident", "page tables");
  const auto print = [&](const char* what, const Use& use) {
    fmt::print("{:34} {:>12.0f} {:>12.2f} {:>12.2f}\n", what, each(use.address_space, before.address_space),
               each(use.resident, before.resident), each(use.page_tables, before.page_tables));
  };
  print("never called", made);
  print("called once and idle", idle);
}

}  // namespace
}  // namespace anew::bench

int main() { anew::bench::run(); }
