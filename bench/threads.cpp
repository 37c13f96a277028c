// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls of one pool from several threads: an empty one, and one that writes to each of the 256 pages of 1 MiB; the two
// that Substrate's executor is measured by (call_empty_function, dirty_1mb_of_memory). For each ledger, for an instance
// made fresh for each call, and for the floor, what a plain C++ program would do. And what finding a pool in a
// PoolCache costs. All measured in turn, in one run.
#include <array>
#include <cstring>
#include <memory>
#include <thread>

#include "module_builder.hpp"
#include "rate.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

constexpr std::array<unsigned, 5> kThreads = {1, 2, 4, 8, 16};
constexpr std::size_t kRounds = 7;
constexpr std::chrono::milliseconds kRoundTime{30};
constexpr std::size_t kDirtyBytes = 1 << 20;
constexpr std::uint64_t kMemoryPages = 256;  // 16 MiB

[[nodiscard]] ModuleBytes make_module() {
  ModuleBuilder module;
  module.memory(kMemoryPages);
  const std::uint32_t type = module.type({}, {});
  module.export_function("empty", module.function(type, {0}, {}));
  // for (i = 255; i >= 0; --i) *(8-byte word at 1 MiB + 4096 * i) = -1
  const ModuleBytes body =
      ModuleBytes({0x41})
          .s(256)
          .raw({0x21, 0, 0x03, 0x40, 0x20, 0, 0x41, 1, 0x6B, 0x22, 0, 0x41, 12, 0x74, 0x42, 0x7F, 0x37, 3})
          .u(1 << 20)
          .raw({0x20, 0, 0x0D, 0, 0x0B});
  module.export_function("dirty", module.function(type, {1, 1, kI32}, body));
  module.data(0, ModuleBytes().repeat(65'536, {1}));
  return module.build();
}

struct Row {
  std::string name;
  Work work;
  std::array<std::vector<double>, kThreads.size()> samples;  ///< calls a second, by number of threads
};

void print(Row& row) {
  fmt::print("{:34}", row.name);
  double one = 0;
  for (std::size_t i = 0; i < kThreads.size(); ++i) {
    const double calls = std::ranges::max(row.samples[i]);
    if (i == 0) one = calls;
    fmt::print(" {:>11.0f} {:5.2f}x", calls, calls / one);
  }
  fmt::print(" {:>11.1f}\n", 1e9 / one);
}

void measure(const std::string& title, std::vector<Row>& rows) {
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (Row& row : rows)
      for (std::size_t i = 0; i < kThreads.size(); ++i)
        row.samples[i].push_back(calls_per_second(row.work, kThreads[i], kRoundTime));
  }
  fmt::print("\n{}\n{:34}", title, "calls/s, times 1 thread's");
  for (const unsigned threads : kThreads) fmt::print(" {:>8} threads ", threads);
  fmt::print(" {:>11}\n", "ns, 1 thread");
  for (Row& row : rows) print(row);
}

void run() {
  const ModuleBytes binary = make_module();
  const Engine engine({.cache = false});
  std::vector<std::pair<std::string, Pool>> pools;
  for (const Ledger ledger : {Ledger::kCards, Ledger::kPagemap, Ledger::kCow}) {
    const auto module = engine.compile(binary.span(), {.ledger = ledger});
    if (!module) {
      fmt::print("{}: {}\n", to_string(ledger), module.error().message);
      continue;
    }
    pools.emplace_back(fmt::format("ledger {}", to_string(ledger)),
                       value_or_exit(Pool::create(*module, Linker(), {.capacity = 16, .minimum_warm = 16}), "pool"));
  }
  fmt::print("{} processors; a memory of 16 MiB; the best of {} rounds of {} ms each\n",
             std::thread::hardware_concurrency(), kRounds, kRoundTime.count());

  for (const bool dirty : {false, true}) {
    const char* const name = dirty ? "dirty" : "empty";
    std::vector<Row> rows;
    for (const auto& [ledger, pool] : pools) {
      const auto function = value_or_exit(pool.function<void()>(name), name);
      rows.push_back({ledger,
                      [pool, function]() -> std::function<void()> {
                        return [pool, function] {
                          Lease lease = value_or_exit(pool.acquire(), "acquire");
                          if (!lease.call(function)) std::exit(1);
                        };
                      },
                      {}});
    }
    const Pool pool = pools.front().second;
    const auto function = value_or_exit(pool.function<void()>(name), name);
    rows.push_back({"instantiated for each call",
                    [pool, function]() -> std::function<void()> {
                      return [pool, function] {
                        Lease lease = value_or_exit(pool.instantiate(), "instantiate");
                        if (!lease.call(function)) std::exit(1);
                      };
                    },
                    {}});
    if (dirty) {
      rows.push_back({"floor: memset and memcpy of 1 MiB",
                      []() -> std::function<void()> {
                        struct Buffers {
                          std::vector<std::byte> from = std::vector<std::byte>(kDirtyBytes, std::byte{1});
                          std::vector<std::byte> to = std::vector<std::byte>(kDirtyBytes);
                        };
                        return [buffers = std::make_shared<Buffers>()] {
                          std::memset(buffers->to.data(), 7, kDirtyBytes);
                          benchmark::ClobberMemory();
                          std::memcpy(buffers->to.data(), buffers->from.data(), kDirtyBytes);
                          benchmark::ClobberMemory();
                        };
                      },
                      {}});
    } else {
      rows.push_back({"floor: a call of a C++ function",
                      []() -> std::function<void()> { return [] { benchmark::ClobberMemory(); }; },
                      {}});
    }
    measure(dirty ? "dirty_1mb_of_memory" : "call_empty_function", rows);
  }

  const PoolCache cache(engine, Linker());
  const Hash hash = hash_code(binary.span());
  (void)value_or_exit(cache.get(binary.span()), "cache");
  std::vector<Row> rows;
  rows.push_back({"PoolCache::get by hash",
                  [&]() -> std::function<void()> {
                    return [&] { (void)value_or_exit(cache.get(hash, PoolCache::Loader()), "cache"); };
                  },
                  {}});
  measure("a pool that is in the cache", rows);
}

}  // namespace
}  // namespace anew::bench

int main() { anew::bench::run(); }
