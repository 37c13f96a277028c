// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a reset costs, beside the call before it: processor time of the thread, the least of several, so that a busy
// machine changes little of it. The bounds are generous; what they are to find is work that grows with what a module
// asked for and not with what a call did, which takes a hundred times as long.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <random>

#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

constexpr double kSlower = kSanitized ? 20 : 1;

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// What a reset may take: so many times what the call took, and so many seconds.
constexpr double kTimes = 10;
constexpr double kConstant = 3e-3;

struct Cost {
  double call = std::numeric_limits<double>::max();   ///< seconds
  double reset = std::numeric_limits<double>::max();  ///< seconds
  [[nodiscard]] double allowed() const { return kSlower * (kTimes * call + kConstant); }
};

/// The least of so many times, and of some more while a busy machine may be why it is too much.
Cost measure(const Pool& pool, std::string_view function, int times = 5) {
  Cost least;
  for (int i = 0; i < times || (i < 10 * times && least.reset > least.allowed()); ++i) {
    Lease lease = pool.acquire().value();
    const double begin = thread_seconds();
    (void)lease.call(function);  // it may trap
    const double middle = thread_seconds();
    lease.release();
    least.call = std::min(least.call, middle - begin);
    least.reset = std::min(least.reset, thread_seconds() - middle);
  }
  return least;
}

void expect_in_proportion(const Cost& cost, const std::string& what) {
  EXPECT_LE(cost.reset, cost.allowed()) << what << ": the call took " << cost.call << " s, the reset " << cost.reset
                                        << " s";
}

std::uint64_t resident_bytes() {
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

PoolOptions without_limit() { return {.capacity = 1, .maximum_memory_bytes = std::uint64_t{1} << 40}; }

TEST(ResetCost, OfMemoriesThatGrewAndWereNotTouchedIsSmall) {
  std::string text = "(module ";
  for (int i = 0; i < 100; ++i) text += fmt::format("(memory $m{} 0 65536) ", i);
  text += R"((func (export "grow"))";
  for (int i = 0; i < 100; ++i) text += fmt::format(" (drop (memory.grow $m{} (i32.const 65536)))", i);
  const Pool pool = make_pool(text + "))", without_limit());
  const std::uint64_t before = resident_bytes();
  // A hundred card tables of 8 MB, if they were written.
  const Cost cost = measure(pool, "grow");
  EXPECT_LE(cost.reset, kSlower * (kTimes * cost.call + 10 * kConstant)) << cost.call << " s, " << cost.reset << " s";
  EXPECT_LT(resident_bytes(), before + (64 << 20));
}

TEST(ResetCost, OfATableIsThatOfTheElementsWritten) {
  const Pool pool = make_pool(R"((module (table $t 10000000 funcref) (func $f) (elem declare func $f)
    (func (export "nothing"))
    (func (export "set") (table.set $t (i32.const 5) (ref.func $f)) (table.set $t (i32.const 9999999) (ref.func $f)))
    (func (export "fill") (table.fill $t (i32.const 100) (ref.func $f) (i32.const 5000)))
    (func (export "trap") (table.set $t (i32.const 5) (ref.func $f)) unreachable)))",
                              without_limit());
  for (const std::string_view function : {"nothing", "set", "fill", "trap"})
    expect_in_proportion(measure(pool, function), std::string(function));
  const Pool growing = make_pool(R"((module (table $t 0 9000000 funcref) (func $f) (elem declare func $f)
    (func (export "null") (drop (table.grow $t (ref.null func) (i32.const 9000000))))
    (func (export "full") (drop (table.grow $t (ref.func $f) (i32.const 9000000))))))",
                                 without_limit());
  for (const std::string_view function : {"null", "full"})
    expect_in_proportion(measure(growing, function), std::string(function));
}

TEST(ResetCost, OfATrapIsThatOfThePagesTouched) {
  const Pool pool = make_pool(R"((module (memory 16384) (func (export "trap")
    (i32.store (i32.const 1000000000) (i32.const 1)) unreachable)))");
  expect_in_proportion(measure(pool, "trap"), "a trap in a memory of a GiB");
}

TEST(ResetCost, OfAStoreToEachCardIsBoundedByGivingPagesBack) {
  // 64 Ki stores, 4 KiB apart, in pages that stay the instance's own if nothing gives them back.
  const Pool pool = make_pool(R"((module (memory 4096) (func (export "stride") (local $at i32)
    (loop (i32.store8 (local.get $at) (i32.const 1))
      (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 0x10000000)))))))");
  expect_in_proportion(measure(pool, "stride"), "a store to each page of 256 MiB");
}

TEST(ResetCost, AnInstanceWithLargeTablesIsMadeFast) {
  const Pool pool = make_pool(R"((module (table 4000000 funcref) (table 4000000 externref) (func $f)
    (elem (i32.const 3000000) func $f)))",
                              {.capacity = 20, .maximum_memory_bytes = std::uint64_t{1} << 40});
  Cost cost;
  const std::uint64_t before = resident_bytes();
  std::vector<Lease> leases;
  for (int i = 0; i < 20; ++i) {
    const double begin = thread_seconds();
    leases.push_back(pool.acquire().value());
    cost.reset = std::min(cost.reset, thread_seconds() - begin);
  }
  EXPECT_LE(cost.reset, kSlower * 2 * kConstant);
  EXPECT_LT(resident_bytes(), before + (64 << 20));
}

// --- random modules -------------------------------------------------------------------------------------------------

/// A function of a few statements over large memories and tables.
std::string random_function(std::mt19937& random, int memories, int tables, std::uint32_t pages, std::uint32_t size) {
  const auto below = [&random](std::uint32_t end) { return static_cast<std::uint32_t>(random() % end); };
  std::string text = "(local $i i32)";
  for (std::uint32_t i = 1 + below(6); i-- != 0;) {
    const std::uint32_t memory = below(static_cast<std::uint32_t>(memories));
    const std::uint32_t table = below(static_cast<std::uint32_t>(tables));
    switch (below(8)) {
      case 0: text += fmt::format("(drop (memory.grow $m{} (i32.const {})))", memory, 1 + below(10'000)); break;
      case 1: text += fmt::format("(drop (table.grow $t{} (ref.null func) (i32.const {})))", table, below(size)); break;
      case 2: text += fmt::format("(drop (table.grow $t{} (ref.func $f) (i32.const {})))", table, below(2000)); break;
      case 3: text += fmt::format("(table.set $t{} (i32.const {}) (ref.func $f))", table, below(size)); break;
      case 4:
        text += fmt::format("(table.fill $t{} (i32.const {}) (ref.func $f) (i32.const {}))", table, below(size / 2),
                            below(size / 2));
        break;
      case 5:
        text += fmt::format("(memory.fill $m{} (i32.const {}) (i32.const 7) (i32.const {}))", memory,
                            below(pages / 2 * 65536), below(200'000));
        break;
      default:
        text += fmt::format(
            "(local.set $i (i32.const {})) (loop (i32.store $m{} (local.get $i) (i32.const -1)) (br_if 0 "
            "(i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const {}))) (i32.const {}))))",
            below(1000), memory, 4 + below(20'000), below(pages * 65536 - 8));
        break;
    }
  }
  if (below(4) == 0) text += "unreachable";
  return text;
}

TEST(ResetCost, OfRandomModulesIsInProportionToTheCall) {
  for (std::uint32_t seed = 0; seed < 14; ++seed) {
    std::mt19937 random(seed);
    const int memories = 1 + static_cast<int>(random() % 6);
    const int tables = 1 + static_cast<int>(random() % 4);
    const std::uint32_t pages = 4u << random() % 8;
    const std::uint32_t size = 10u << random() % 17;
    std::string text = "(module (func $f) (elem declare func $f)";
    for (int i = 0; i < memories; ++i) text += fmt::format("(memory $m{} {})", i, pages);
    for (int i = 0; i < tables; ++i) text += fmt::format("(table $t{} {} funcref)", i, size);
    for (int i = 0; i < 3; ++i)
      text += fmt::format("(func (export \"f{}\") {})", i, random_function(random, memories, tables, pages, size));
    const Module module = compile(text + ")", {.explicit_bounds = random() % 4 == 0});
    const Pool pool = Pool::create(module, Linker(), without_limit()).value();
    for (int i = 0; i < 3; ++i)
      expect_in_proportion(measure(pool, fmt::format("f{}", i)), fmt::format("seed {}, function {}", seed, i));
    if (seed % 5 != 0) continue;
    const Pool audited = Pool::create(module, Linker(), {.capacity = 1, .audit_every = 1}).value();
    for (int i = 0; i < 6; ++i) (void)audited.acquire()->call(fmt::format("f{}", i % 3));  // it may trap
    EXPECT_EQ(audited.audit_report(), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace anew::test
