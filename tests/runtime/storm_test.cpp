// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls that are stopped at any instruction: of compiled code, of the library, of the ways in and out. Each restore is
// audited.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "pool/pool_state.hpp"
#include "runtime/deadline.hpp"
#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kOther = R"((module
  (memory (export "memory") 1 64) (memory (export "second") 1 16) (table (export "table") 4 4000 funcref)
  (global (export "global") (mut i64) (i64.const 1)) (tag (export "tag") (param i64 i32))
  (func $f (export "f") (result i32) (i32.const 1))
  (func (export "throw") (throw 0 (i64.const 1) (i32.const 2)))
  (func (export "write") (param i32) (global.set 0 (i64.add (global.get 0) (i64.const 1)))
    (i32.store offset=4 (local.get 0) (i32.const -1)))
  (func (export "grow") (drop (memory.grow (i32.const 2))) (drop (memory.grow 1 (i32.const 1)))
    (drop (table.grow 0 (ref.func $f) (i32.const 300))))))";

constexpr std::string_view kMain = R"((module
  (import "other" "memory" (memory $theirs 1 64)) (import "other" "second" (memory $second 1 16))
  (import "other" "table" (table $table 4 4000 funcref)) (import "other" "global" (global $global (mut i64)))
  (import "other" "tag" (tag $tag (param i64 i32))) (import "other" "throw" (func $throw))
  (import "other" "write" (func $write (param i32))) (import "other" "grow" (func $grow))
  (import "env" "nothing" (func $nothing))
  (memory $own 1 100) (table $t 2 5000 funcref) (global $g (mut i32) (i32.const 0))
  (data $data "some bytes") (data (memory $own) (i32.const 65000) "at the end") (elem $elem func $f $f $f)
  (func $f)
  (func (export "run") (param i32) (local i32)
    (loop $again
      (local.set 1 (i32.and (i32.mul (local.get 0) (i32.const 4099)) (i32.const 0xFFFF)))
      (drop (memory.grow $own (i32.const 1)))
      (memory.fill $own (local.get 1) (i32.const 255) (i32.const 300))
      (i32.store8 $own (i32.sub (i32.shl (memory.size $own) (i32.const 16)) (i32.const 1)) (i32.const 7))
      (memory.copy $theirs $own (i32.const 100) (i32.const 0) (i32.const 5000))
      (memory.init $own $data (i32.const 17) (i32.const 0) (i32.const 10))
      (drop (table.grow $t (ref.func $f) (i32.const 100)))
      (table.fill $t (i32.const 0) (ref.func $f) (table.size $t))
      (table.init $table $elem (i32.const 0) (i32.const 0) (i32.const 3))
      (table.copy $table $t (i32.const 0) (i32.const 0) (i32.const 2))
      (call $grow) (call $write (local.get 0)) (call $nothing)
      (if (i32.eq (local.get 0) (i32.const 333)) (then (call $throw)))
      (if (i32.gt_u (local.get 0) (i32.const 700)) (then (elem.drop $elem) (data.drop $data) (return)))
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (br $again))))
  )";

struct Storm {
  const char* name;
  Ledger ledger;
  bool explicit_bounds;
};
void PrintTo(const Storm& storm, std::ostream* out) { *out << storm.name; }
class StormUnder : public testing::TestWithParam<Storm> {};

TEST_P(StormUnder, LeavesNothingBehindWhereverACallIsStopped) {
  if (kThreadSanitizer)
    GTEST_SKIP() << "a guest stopped in ThreadSanitizer's own memset, which it calls, would leave its locks taken";
  const CompileOptions options = {.ledger = GetParam().ledger, .explicit_bounds = GetParam().explicit_bounds};
  Linker linker;
  linker.define("env", "nothing", [] {});
  linker.define_module("other", compile(kOther, options));
  const Pool pool = make_pool(kMain, {.capacity = 2, .audit_every = 1}, linker, options);
  const auto run = pool.function<void(int)>("run").value();
  {
    const std::jthread storm([&](const std::stop_token& stop) {
      std::minstd_rand random(1);
      while (!stop.stop_requested()) {
        const auto until = Clock::now() + std::chrono::microseconds(random() % 150);
        while (Clock::now() < until) {
        }
        detail::interrupt_calls(pool.state().get());
      }
    });
    std::minstd_rand random(2);
    // For two seconds, and longer where a busy machine had the storm stop next to nothing.
    constexpr std::uint64_t kEnough = 30;
    const auto begin = Clock::now();
    while (Clock::now() < begin + 2s || (pool.statistics().kills < kEnough && Clock::now() < begin + 120s)) {
      Lease lease = pool.acquire().value();
      const int calls = 1 + static_cast<int>(random() % 3);
      for (int i = 0; i < calls; ++i) (void)lease.call(run, static_cast<int>(random() % 700));
      if (random() % 8 == 0) lease.set_deadline(Clock::now() + 1s);
    }
  }
  EXPECT_GT(pool.statistics().kills, 3u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
  Lease lease = pool.acquire().value();
  const auto done = lease.call(run, 690);
  EXPECT_TRUE(done) << done.error().to_string() << ": a kill outlived its call";
}

INSTANTIATE_TEST_SUITE_P(Ledgers, StormUnder,
                         testing::Values(Storm{"cards", Ledger::kCards, false},
                                         Storm{"cards_explicit", Ledger::kCards, true},
                                         Storm{"pagemap_explicit", Ledger::kPagemap, true},
                                         Storm{"cow", Ledger::kCow, false}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace anew::test
