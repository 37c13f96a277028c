// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The price of a call in an instance as new, by what the call changes, beside its floor measured in the same run: a
// call through a function pointer, and a memcpy of the bytes that the reset must put back.
#include <anew.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "module_builder.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

// Where the functions below write; the image holds ones from here for 1 MiB, so that a reset has something to copy.
constexpr std::uint64_t kImageAddress = 65'536;
constexpr std::uint64_t kImageBytes = 1 << 20;
constexpr std::uint64_t kSparseBytes = 200;

/// Stores 7 to `count` 8-byte words of each of n 4 KiB pages, n being local 0.
[[nodiscard]] ModuleBytes store_to_pages(std::uint64_t count) {
  ModuleBytes body({0x03, 0x40});  // loop
  for (std::uint64_t word = 0; word < count; ++word) {
    // local.get 0  i32.const 12  i32.shl  i64.const 7  i64.store offset: that of the page before the image
    body.raw({0x20, 0, 0x41, 12, 0x74, 0x42, 7, 0x37, 3}).u(kImageAddress - 4096 + 8 * word);
  }
  return body.raw({0x20, 0, 0x41, 1, 0x6B, 0x22, 0, 0x0D, 0, 0x0B, 0x41, 7});  // until it is 0
}

/// Exports `constant`; `one`, one store; `page`, all of a 4 KiB page; `pages`, one store in each of n pages; `sparse`,
/// 200 bytes in each of n pages. They return something, so that no call can be left out.
[[nodiscard]] std::vector<std::byte> make_module(std::uint64_t memory_pages) {
  ModuleBuilder module;
  const auto plain = module.type({}, {kI32});
  const auto counted = module.type({kI32}, {kI32});
  const auto add = [&](const char* name, std::uint32_t type, const ModuleBytes& body) {
    module.export_function(name, module.function(type, {0}, body));
  };
  add("constant", plain, {0x41, 42});
  add("one", plain, ModuleBytes({0x41}).s(kImageAddress).raw({0x41, 7, 0x36, 2, 0, 0x41, 7}));
  add("page", plain, ModuleBytes({0x41}).s(kImageAddress).raw({0x41, 7, 0x41}).s(4096).raw({0xFC, 0x0B, 0, 0x41, 7}));
  add("pages", counted, store_to_pages(1));
  add("sparse", counted, store_to_pages(kSparseBytes / 8));
  module.memory(memory_pages);
  module.data(kImageAddress, ModuleBytes().repeat(kImageBytes, {1}));
  const ModuleBytes built = module.build();
  return {built.span().begin(), built.span().end()};
}

struct Memory {
  const char* name;
  std::uint64_t pages;  ///< Wasm pages
};
constexpr Memory kTwoMebibytes{"2 MiB", 32};
constexpr Memory kSixteenMebibytes{"16 MiB", 256};

[[nodiscard]] Pool make_pool(const Memory& memory) {
  const Engine engine({.cache = false});
  const Module module = value_or_exit(engine.compile(make_module(memory.pages)), memory.name);
  return value_or_exit(Pool::create(module, Linker(), {.capacity = 4}), memory.name);
}

int constant() { return 42; }

constexpr std::size_t kRounds = 2001;

void report(benchmark::State& state, const Pair& pair, double goal_ns) {
  state.counters["median_ns"] = pair.subject;
  state.counters["floor_ns"] = pair.floor;
  if (goal_ns > 0) state.counters["goal_ns"] = goal_ns;
}

void constant_call(benchmark::State& state, Memory memory) {
  const Pool pool = make_pool(memory);
  const auto function = value_or_exit(pool.function<std::int32_t()>("constant"), "constant");
  int (*volatile direct)() = constant;
  for (auto _ : state) {
    const Pair pair = measure_in_turn(
        kRounds, 100,
        [&] {
          Lease lease = *pool.acquire();
          keep_success(lease.call(function));
        },
        [&] { benchmark::DoNotOptimize(direct()); });
    report(state, pair, 50);
  }
}

void call_alone(benchmark::State& state) {
  const Pool pool = make_pool(kTwoMebibytes);
  const auto function = value_or_exit(pool.function<std::int32_t()>("constant"), "constant");
  Lease lease = value_or_exit(pool.acquire(), "acquire");
  int (*volatile direct)() = constant;
  for (auto _ : state) {
    const Pair pair = measure_in_turn(
        kRounds, 100, [&] { keep_success(lease.call(function)); }, [&] { benchmark::DoNotOptimize(direct()); });
    report(state, pair, 5);
  }
}

/// For functions of the C API, which fail in no benchmark.
void expect_none(anew_error_t* error) {
  if (error == nullptr) return;
  std::fprintf(stderr, "%s\n", anew_error_text(error));
  std::exit(1);
}

// The same call through the C API. The floor is the call from C++; the goal 5 ns more.
void call_alone_from_c(benchmark::State& state) {
  const Pool pool = make_pool(kTwoMebibytes);
  const auto function = value_or_exit(pool.function<std::int32_t()>("constant"), "constant");
  Lease lease = value_or_exit(pool.acquire(), "acquire");

  const std::vector<std::byte> binary = make_module(kTwoMebibytes.pages);
  anew_engine_options_t options = {};
  options.struct_size = sizeof(options);
  options.no_cache = true;
  anew_engine_t* engine = nullptr;
  anew_module_t* module = nullptr;
  anew_linker_t* linker = nullptr;
  anew_pool_t* c_pool = nullptr;
  anew_function_t* c_function = nullptr;
  anew_lease_t* c_lease = nullptr;
  expect_none(anew_engine_new(&options, &engine));
  expect_none(anew_engine_compile(engine, binary.data(), binary.size(), nullptr, &module));
  expect_none(anew_linker_new(&linker));
  expect_none(anew_pool_new(module, linker, nullptr, &c_pool));
  expect_none(anew_pool_function(c_pool, ANEW_TEXT("constant"), nullptr, &c_function));
  expect_none(anew_pool_acquire(c_pool, &c_lease));
  for (auto _ : state) {
    const Pair pair = measure_in_turn(
        kRounds, 100,
        [&] {
          std::uint64_t slots[1];
          anew_error_t* const error = anew_lease_call(c_lease, c_function, slots, 1);
          benchmark::DoNotOptimize(error);
          benchmark::DoNotOptimize(slots[0]);
        },
        [&] { keep_success(lease.call(function)); });
    report(state, pair, pair.floor + 5);
  }
  anew_lease_release(c_lease);
  anew_function_delete(c_function);
  anew_pool_delete(c_pool);
  anew_linker_delete(linker);
  anew_module_delete(module);
  anew_engine_delete(engine);
}

// The floor of a call that writes: a memcpy of the bytes that it dirtied.
void writing_call(benchmark::State& state, Memory memory, const char* name, std::size_t bytes, double goal_ns) {
  const Pool pool = make_pool(memory);
  const auto function = value_or_exit(pool.function<std::int32_t()>(name), name);
  std::vector<std::byte> from(bytes, std::byte{1});
  std::vector<std::byte> to(bytes);
  for (auto _ : state) {
    const Pair pair = measure_in_turn(
        kRounds, 20,
        [&] {
          Lease lease = *pool.acquire();
          keep_success(lease.call(function));
        },
        [&] {
          std::memcpy(to.data(), from.data(), bytes);
          benchmark::DoNotOptimize(to.data());
          benchmark::ClobberMemory();
        });
    report(state, pair, goal_ns);
  }
}

// The floor is a memcpy of the whole pages; the goal 1.25 times that and 60 ns.
void many_pages_call(benchmark::State& state, Memory memory, const char* name, std::uint32_t pages) {
  const Pool pool = make_pool(memory);
  const auto function = value_or_exit(pool.function<std::int32_t(std::int32_t)>(name), name);
  const std::size_t bytes = std::size_t{pages} * 4096;
  std::vector<std::byte> from(bytes, std::byte{1});
  std::vector<std::byte> to(bytes);
  for (auto _ : state) {
    const Pair pair = measure_in_turn(
        pages > 1 ? 501 : kRounds, pages > 1 ? 4 : 50,
        [&] {
          Lease lease = *pool.acquire();
          keep_success(lease.call(function, static_cast<std::int32_t>(pages)));
        },
        [&] {
          std::memcpy(to.data(), from.data(), bytes);
          benchmark::DoNotOptimize(to.data());
          benchmark::ClobberMemory();
        });
    report(state, pair, 1.25 * pair.floor + 60);
    state.counters["ratio"] = pair.subject / pair.floor;
  }
}

void fresh_instance(benchmark::State& state, Memory memory) {
  const Pool pool = make_pool(memory);
  const auto function = value_or_exit(pool.function<std::int32_t()>("constant"), "constant");
  for (auto _ : state) {
    const Pair pair = measure_in_turn(
        501, 1,
        [&] {
          Lease lease = value_or_exit(pool.instantiate(), "instantiate");
          keep_success(lease.call(function));
        },
        [] {});
    report(state, pair, 0);
  }
}

#define ANEW_ONCE ->Iterations(1)->Unit(benchmark::kMillisecond)
BENCHMARK(call_alone) ANEW_ONCE;
BENCHMARK(call_alone_from_c) ANEW_ONCE;
BENCHMARK_CAPTURE(constant_call, memory_2MiB, kTwoMebibytes) ANEW_ONCE;
BENCHMARK_CAPTURE(constant_call, memory_16MiB, kSixteenMebibytes) ANEW_ONCE;
BENCHMARK_CAPTURE(writing_call, one_store_2MiB, kTwoMebibytes, "one", 512 + 256, 200) ANEW_ONCE;
BENCHMARK_CAPTURE(writing_call, one_store_16MiB, kSixteenMebibytes, "one", 4096 + 256, 200) ANEW_ONCE;
BENCHMARK_CAPTURE(writing_call, one_page_2MiB, kTwoMebibytes, "page", 4096 + 256, 200) ANEW_ONCE;
BENCHMARK_CAPTURE(writing_call, one_page_16MiB, kSixteenMebibytes, "page", 4096 + 256, 200) ANEW_ONCE;
BENCHMARK_CAPTURE(many_pages_call, 1_page_16MiB, kSixteenMebibytes, "pages", 1) ANEW_ONCE;
BENCHMARK_CAPTURE(many_pages_call, 16_pages_16MiB, kSixteenMebibytes, "pages", 16) ANEW_ONCE;
BENCHMARK_CAPTURE(many_pages_call, 256_pages_16MiB, kSixteenMebibytes, "pages", 256) ANEW_ONCE;
// 200 bytes in each page: a memory of 16 MiB has cards of 4 KiB, one of 2 MiB cards of 512 bytes.
BENCHMARK_CAPTURE(many_pages_call, sparse_256_pages_16MiB, kSixteenMebibytes, "sparse", 256) ANEW_ONCE;
BENCHMARK_CAPTURE(many_pages_call, sparse_256_pages_2MiB, kTwoMebibytes, "sparse", 256) ANEW_ONCE;
BENCHMARK_CAPTURE(fresh_instance, memory_2MiB, kTwoMebibytes) ANEW_ONCE;
BENCHMARK_CAPTURE(fresh_instance, memory_16MiB, kSixteenMebibytes) ANEW_ONCE;

}  // namespace
}  // namespace anew::bench

BENCHMARK_MAIN();
