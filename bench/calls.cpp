// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The price of a call in an instance as new, by what the call changes, beside its floor measured in the same run: a
// call through a function pointer, and a memcpy of the bytes that the reset must put back.
#include <cstring>

#include "support.hpp"

namespace anew::bench {
namespace {

using Bytes = std::vector<int>;

void append(Bytes& to, const Bytes& bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

[[nodiscard]] Bytes leb128(std::uint64_t value) {
  Bytes bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<int>(value & 0x7F) | 0x80);
  bytes.push_back(static_cast<int>(value));
  return bytes;
}

/// A size in front of the bytes: how sections, bodies and names stand in the binary format.
[[nodiscard]] Bytes sized(const Bytes& bytes) {
  Bytes result = leb128(bytes.size());
  append(result, bytes);
  return result;
}

// Where the functions below write; the image holds ones from here for 1 MiB, so that a reset has something to copy.
constexpr std::size_t kImageBytes = 1 << 20;

// (module
//   (memory PAGES)
//   (data (i32.const 65536) "\01...")
//   (func (export "constant") (result i32) i32.const 42)
//   (func (export "one") (result i32)                 one store
//     i32.const 65536  i32.const 7  i32.store  i32.const 7)
//   (func (export "page") (result i32)                all of a 4 KiB page
//     i32.const 65536  i32.const 7  i32.const 4096  memory.fill  i32.const 7)
//   (func (export "pages") (param i32) (result i32)   one store in each of n 4 KiB pages
//     (loop  local.get 0  i32.const 12  i32.shl  i32.const 7  i32.store offset=61440
//            local.get 0  i32.const 1  i32.sub  local.tee 0  br_if 0)  i32.const 7))
[[nodiscard]] std::vector<std::byte> make_module(std::uint64_t memory_pages) {
  Bytes module = {0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
  auto section = [&](int id, const Bytes& payload) {
    module.push_back(id);
    append(module, sized(payload));
  };
  section(1, {2, 0x60, 0, 1, 0x7F, 0x60, 1, 0x7F, 1, 0x7F});
  section(3, {4, 0, 0, 0, 1});
  Bytes memory = {1, 0};
  append(memory, leb128(memory_pages));
  section(5, memory);
  section(7, {4,                                                //
              8, 'c', 'o', 'n', 's', 't', 'a', 'n', 't', 0, 0,  //
              3, 'o', 'n', 'e', 0,   1,                         //
              4, 'p', 'a', 'g', 'e', 0,   2,                    //
              5, 'p', 'a', 'g', 'e', 's', 0,   3});
  Bytes code = {4};
  append(code, sized({0, 0x41, 42, 0x0B}));
  append(code, sized({0, 0x41, 0x80, 0x80, 0x04, 0x41, 7, 0x36, 2, 0, 0x41, 7, 0x0B}));
  append(code, sized({0, 0x41, 0x80, 0x80, 0x04, 0x41, 7, 0x41, 0x80, 0x20, 0xFC, 0x0B, 0, 0x41, 7, 0x0B}));
  append(code, sized({0,    0x03, 0x40, 0x20, 0, 0x41, 12,   0x74, 0x41, 7, 0x36, 2,    0x80, 0xE0,
                      0x03, 0x20, 0,    0x41, 1, 0x6B, 0x22, 0,    0x0D, 0, 0x0B, 0x41, 7,    0x0B}));
  section(10, code);
  Bytes data = {1, 0, 0x41, 0x80, 0x80, 0x04, 0x0B};
  append(data, sized(Bytes(kImageBytes, 1)));
  section(11, data);
  std::vector<std::byte> binary;
  for (const int byte : module) binary.push_back(static_cast<std::byte>(byte));
  return binary;
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
          benchmark::DoNotOptimize(lease.call(function));
        },
        [&] { benchmark::DoNotOptimize(direct()); });
    report(state, pair, 100);
  }
}

void call_alone(benchmark::State& state) {
  const Pool pool = make_pool(kTwoMebibytes);
  const auto function = value_or_exit(pool.function<std::int32_t()>("constant"), "constant");
  Lease lease = value_or_exit(pool.acquire(), "acquire");
  int (*volatile direct)() = constant;
  for (auto _ : state) {
    const Pair pair = measure_in_turn(
        kRounds, 100, [&] { benchmark::DoNotOptimize(lease.call(function)); },
        [&] { benchmark::DoNotOptimize(direct()); });
    report(state, pair, 0);
  }
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
          benchmark::DoNotOptimize(lease.call(function));
        },
        [&] {
          std::memcpy(to.data(), from.data(), bytes);
          benchmark::DoNotOptimize(to.data());
          benchmark::ClobberMemory();
        });
    report(state, pair, goal_ns);
  }
}

void many_pages_call(benchmark::State& state, Memory memory, std::uint32_t pages) {
  const Pool pool = make_pool(memory);
  const auto function = value_or_exit(pool.function<std::int32_t(std::int32_t)>("pages"), "pages");
  const std::size_t bytes = std::size_t{pages} * 4096;
  std::vector<std::byte> from(bytes, std::byte{1});
  std::vector<std::byte> to(bytes);
  for (auto _ : state) {
    const Pair pair = measure_in_turn(
        501, 4,
        [&] {
          Lease lease = *pool.acquire();
          benchmark::DoNotOptimize(lease.call(function, static_cast<std::int32_t>(pages)));
        },
        [&] {
          std::memcpy(to.data(), from.data(), bytes);
          benchmark::DoNotOptimize(to.data());
          benchmark::ClobberMemory();
        });
    report(state, pair, 0);
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
          benchmark::DoNotOptimize(lease.call(function));
        },
        [] {});
    report(state, pair, 0);
  }
}

#define ANEW_ONCE ->Iterations(1)->Unit(benchmark::kMillisecond)
BENCHMARK(call_alone) ANEW_ONCE;
BENCHMARK_CAPTURE(constant_call, memory_2MiB, kTwoMebibytes) ANEW_ONCE;
BENCHMARK_CAPTURE(constant_call, memory_16MiB, kSixteenMebibytes) ANEW_ONCE;
BENCHMARK_CAPTURE(writing_call, one_store_2MiB, kTwoMebibytes, "one", 512 + 256, 200) ANEW_ONCE;
BENCHMARK_CAPTURE(writing_call, one_store_16MiB, kSixteenMebibytes, "one", 4096 + 256, 200) ANEW_ONCE;
BENCHMARK_CAPTURE(writing_call, one_page_2MiB, kTwoMebibytes, "page", 4096 + 256, 200) ANEW_ONCE;
BENCHMARK_CAPTURE(writing_call, one_page_16MiB, kSixteenMebibytes, "page", 4096 + 256, 200) ANEW_ONCE;
BENCHMARK_CAPTURE(many_pages_call, 16_pages_16MiB, kSixteenMebibytes, 16) ANEW_ONCE;
BENCHMARK_CAPTURE(many_pages_call, 256_pages_16MiB, kSixteenMebibytes, 256) ANEW_ONCE;
BENCHMARK_CAPTURE(fresh_instance, memory_2MiB, kTwoMebibytes) ANEW_ONCE;
BENCHMARK_CAPTURE(fresh_instance, memory_16MiB, kSixteenMebibytes) ANEW_ONCE;

}  // namespace
}  // namespace anew::bench

BENCHMARK_MAIN();
