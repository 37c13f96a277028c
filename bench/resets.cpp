// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a reset costs where a call asks for much and touches little, beside the call itself and a fresh instance: the
// shapes that a hostile module would choose. Least of several, processor time of the thread.
#include <time.h>

#include <limits>

#include "module_builder.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

constexpr std::uint64_t kMaximumPages = 65'536;

[[nodiscard]] double thread_microseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
}

struct Shape {
  const char* name;
  ModuleBuilder module;
  ModuleBytes body;
};

[[nodiscard]] std::vector<Shape> shapes() {
  std::vector<Shape> all;
  all.push_back({"nothing", {}, {}});

  // memory.grow of each of a hundred memories by 4 GiB.
  ModuleBuilder memories;
  ModuleBytes types;
  ModuleBytes grow;
  for (std::uint64_t i = 0; i < 100; ++i) {
    types.raw({0, 0});
    grow.raw({0x41}).s(kMaximumPages).op(0x40, i).raw({0x1A});
  }
  memories.memories(100, types);
  all.push_back({"memory.grow of 100 memories", memories, grow});

  // table.set 0 (i32.const 5) (ref.func 0) in a table of 10,000,000 elements; and the same, then a trap.
  ModuleBuilder table;
  table.table(10'000'000);
  table.declare(0);
  const ModuleBytes set = ModuleBytes({0x41, 5, 0xD2, 0, 0x26, 0});
  all.push_back({"table.set in 10 million", table, set});
  all.push_back({"table.set in 10 million, trap", table, ModuleBytes(set).raw({0x00})});

  // i32.store8 to one page of a memory of a GiB, then a trap.
  ModuleBuilder large;
  large.memory(kMaximumPages / 4);
  all.push_back({"trap in a GiB", large, ModuleBytes({0x41}).s(1u << 29).raw({0x41, 1, 0x3A, 0, 0, 0x00})});

  // (loop i32.store8 to every fourth KiB of 256 MiB), from local 0 = 0
  ModuleBuilder strided;
  strided.memory(kMaximumPages / 16);
  all.push_back({"a store to each page of 256 MiB", strided,
                 ModuleBytes({0x03, 0x40, 0x20, 0, 0x41, 1, 0x3A, 0, 0, 0x20, 0, 0x41})
                     .s(4096)
                     .raw({0x6A, 0x22, 0, 0x41})
                     .s(1u << 28)
                     .raw({0x49, 0x0D, 0, 0x0B})});
  return all;
}

struct Times {
  double call = std::numeric_limits<double>::max();
  double reset = std::numeric_limits<double>::max();
  double fresh = std::numeric_limits<double>::max();
};

[[nodiscard]] Times measure(Shape& shape) {
  const auto type = shape.module.type({}, {});
  shape.module.export_function("f", shape.module.function(type, {1, 1, kI32}, shape.body));
  const ModuleBytes binary = shape.module.build();
  const Engine engine({.cache = false});
  const Module module =
      value_or_exit(engine.compile(std::vector<std::byte>(binary.span().begin(), binary.span().end())), shape.name);
  const Pool pool = value_or_exit(
      Pool::create(module, Linker(), {.capacity = 1, .maximum_memory_bytes = std::uint64_t{1} << 40}), shape.name);
  const auto function = value_or_exit(pool.function<void()>("f"), shape.name);
  Times least;
  for (int i = 0; i < 7; ++i) {
    const double begin = thread_microseconds();
    {
      const Lease fresh = value_or_exit(pool.instantiate(), shape.name);
    }
    const double made = thread_microseconds();
    Lease lease = value_or_exit(pool.acquire(), shape.name);
    const double leased = thread_microseconds();
    (void)lease.call(function);
    const double called = thread_microseconds();
    lease.release();
    least.fresh = std::min(least.fresh, made - begin);
    least.call = std::min(least.call, called - leased);
    least.reset = std::min(least.reset, thread_microseconds() - called);
  }
  return least;
}

}  // namespace
}  // namespace anew::bench

int main() {
  using namespace anew::bench;
  fmt::print("resets of calls that ask for much: us of processor time (least of 7)\n{:<36}{:>12}{:>12}{:>12}\n", "call",
             "call", "reset", "fresh");
  for (Shape& shape : shapes()) {
    const Times times = measure(shape);
    fmt::print("{:<36}{:>12.1f}{:>12.1f}{:>12.1f}\n", shape.name, times.call, times.reset, times.fresh);
  }
  return 0;
}
