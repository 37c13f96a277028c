// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls that leave their thread in the midst of their work (Lease::set_time_slice).
#include <gtest/gtest.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/mixing_program.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;

using Compute = Function<std::int64_t(std::int64_t)>;

/// Goes on until it is done. @return how often.
std::uint64_t finish(Call<std::int64_t>& call) {
  std::uint64_t times = 0;
  for (; !call.is_done(); ++times) {
    EXPECT_TRUE(call.is_parked());
    EXPECT_TRUE(call.is_ready());
    call.resume();
  }
  EXPECT_FALSE(call.is_parked());
  return times;
}

struct Kind {
  const char* name;
  CompileOptions options;
};

class TimeSlices : public ::testing::TestWithParam<Kind> {
 protected:
  Pool pool_ = make_pool(mixing_program(), {.capacity = 64, .audit_every = 1}, {}, GetParam().options);
  Compute mix_ = pool_.function<std::int64_t(std::int64_t)>("mix").value();
  Compute deep_ = pool_.function<std::int64_t(std::int64_t)>("deep").value();
};

TEST_P(TimeSlices, WhatACallComputesIsTheSame) {
  for (const auto& [run, argument] : {std::pair(mix_, std::int64_t{100'000}), std::pair(deep_, std::int64_t{21})}) {
    const std::int64_t expected = pool_.acquire()->call(run, argument).value();
    std::uint64_t times = 0;
    // Each time it is interrupted elsewhere.
    for (int i = 0; i < 3 || times < 100; ++i) {
      ASSERT_LT(i, 1'000) << "parked " << times << " times";
      Lease lease = pool_.acquire().value();
      lease.set_time_slice(1ns);
      Call<std::int64_t> call = std::move(lease).start(run, argument);
      times += finish(call);
      ASSERT_EQ(call.result().value(), expected);
    }
  }
  EXPECT_EQ(pool_.statistics().audit_failures, 0u);
}

TEST_P(TimeSlices, CallsInTurnDoNotDisturbOneAnother) {
  const std::int64_t expected = pool_.acquire()->call(mix_, 30'000).value();
  std::vector<Call<std::int64_t>> calls;
  for (int i = 0; i < 20; ++i) {
    Lease lease = pool_.acquire().value();
    lease.set_time_slice(1ns);
    calls.push_back(std::move(lease).start(mix_, 30'000));
  }
  while (!std::ranges::all_of(calls, [](const auto& call) { return call.is_done(); }))
    for (auto& call : calls) call.resume();
  for (auto& call : calls) EXPECT_EQ(call.result().value(), expected);
}

INSTANTIATE_TEST_SUITE_P(Kinds, TimeSlices,
                         ::testing::Values(Kind{"Plain", {}}, Kind{"Metered", {.fuel = true, .stack_limit = 1 << 20}},
                                           Kind{"ExplicitBounds", {.explicit_bounds = true}}),
                         [](const auto& kind) { return std::string(kind.param.name); });

class TimeSlice : public ::testing::Test {
 protected:
  /// One that never ends, parked.
  Call<std::int64_t> spinning(std::optional<std::chrono::steady_clock::time_point> deadline = {}) {
    Lease lease = pool_.acquire().value();
    lease.set_time_slice(1ns);
    if (deadline) lease.set_deadline(*deadline);
    canceller_ = lease.canceller().value();
    Call<std::int64_t> call = std::move(lease).start(spin_, 0);
    EXPECT_TRUE(call.is_parked());
    return call;
  }

  Pool pool_ = make_pool(mixing_program(), {.capacity = 1, .audit_every = 1});
  Compute spin_ = pool_.function<std::int64_t(std::int64_t)>("spin").value();
  Compute plain_ = pool_.function<std::int64_t(std::int64_t)>("plain").value();
  std::optional<Canceller> canceller_;
};

// The embedding guide has it.
TEST(TimeSliceInTheGuide, ManyCallsShareAThread) {
  const Pool pool = make_pool(mixing_program(), {.capacity = 8});
  const auto mix = pool.function<std::int64_t(std::int64_t)>("mix").value();
  std::vector<Lease> leases;
  for (int i = 0; i < 8; ++i) leases.push_back(pool.acquire().value());
  std::vector<Call<std::int64_t>> calls;
  for (Lease& lease : leases) {
    lease.set_time_slice(2ms);
    calls.push_back(std::move(lease).start(mix, 30'000));
  }
  while (!std::ranges::all_of(calls, [](const auto& call) { return call.is_done(); }))
    for (auto& call : calls) call.resume();  // each gets a slice in turn
  for (const auto& call : calls) EXPECT_EQ(call.result().value(), calls.front().result().value());
}

TEST_F(TimeSlice, ACallThatGoesLeavesNothing) {
  for (int i = 0; i < 20; ++i) {
    {
      const auto call = spinning();
    }
    EXPECT_EQ(pool_.acquire()->call(plain_, 3).value(), 3);
  }
  EXPECT_EQ(pool_.statistics().audit_failures, 0u);
}

TEST_F(TimeSlice, IsOfOneLease) {
  {
    const auto call = spinning();
  }
  Lease lease = pool_.acquire().value();
  lease.set_deadline(std::chrono::steady_clock::now() + 20ms);
  Call<std::int64_t> call = std::move(lease).start(spin_, 0);
  ASSERT_TRUE(call.is_done()) << "nothing but the deadline ends it";
  EXPECT_EQ(call.result().error().trap, TrapKind::kInterrupted);
}

TEST_F(TimeSlice, ADeadlinePassesInTheMidst) {
  auto call = spinning(std::chrono::steady_clock::now() + 30ms);
  finish(call);
  EXPECT_EQ(call.result().error().trap, TrapKind::kInterrupted);
  call.lease().release();
  EXPECT_EQ(pool_.acquire()->call(plain_, 3).value(), 3);
}

TEST_F(TimeSlice, ADeadlinePassesWhileItIsParked) {
  const auto deadline = std::chrono::steady_clock::now() + 30ms;
  auto call = spinning(deadline);
  std::this_thread::sleep_until(deadline + 1ms);
  EXPECT_TRUE(call.resume());
  EXPECT_EQ(call.result().error().trap, TrapKind::kInterrupted);
}

TEST_F(TimeSlice, IsCancelledWhileItIsParked) {
  auto call = spinning();
  canceller_->cancel();
  EXPECT_TRUE(call.resume());
  EXPECT_EQ(call.result().error().trap, TrapKind::kInterrupted);
}

TEST_F(TimeSlice, GoesOnOnItsThreadAlone) {
  auto call = spinning();
  std::thread([&] {
    EXPECT_FALSE(call.is_ready());
    EXPECT_FALSE(call.resume());
  }).join();
  EXPECT_TRUE(call.is_parked());
  call.resume();
  EXPECT_TRUE(call.is_parked());
}

TEST_F(TimeSlice, TellsAtOnceThatItIsReady) {
  auto call = spinning();
  bool told = false;
  call.on_ready([&] { told = true; });
  EXPECT_TRUE(told);
}

TEST_F(TimeSlice, IsNoneOfACallThatMayNotLeave) {
  Lease lease = pool_.acquire().value();
  lease.set_time_slice(1ns);
  lease.set_deadline(std::chrono::steady_clock::now() + 20ms);
  EXPECT_EQ(lease.call(spin_, 0).error().trap, TrapKind::kInterrupted);
}

/// A host function is never left in its midst, nor is a guest that it calls; behind it the guest is.
TEST(TimeSliceOfHosts, AreLeftInPeace) {
  Linker linker;
  int begun = 0;
  int ended = 0;
  std::optional<MemoryView> memory;
  linker.define("env", "work", [&](Caller caller) -> Result<void> {
    ++begun;
    memory = caller.memory();
    const auto until = std::chrono::steady_clock::now() + 5ms;
    while (std::chrono::steady_clock::now() < until) {
      auto called = caller.call<std::int64_t>("inner", std::int64_t{1000});
      if (!called) return std::unexpected(called.error());
    }
    ++ended;
    return {};
  });
  const Pool pool = make_pool(R"((module (import "env" "work" (func $work)) (memory (export "memory") 1)
    (func (export "inner") (param i64) (result i64)
      (loop (br_if 0 (i64.ne (local.tee 0 (i64.sub (local.get 0) (i64.const 1))) (i64.const 0)))) (local.get 0))
    (func (export "run") (param i64) (result i64)
      (call $work) (loop (br_if 0 (i32.eqz (i32.load8_u (i32.const 0))))) (call $work) (i64.const 5))))",
                              {}, linker);
  const Compute run = pool.function<std::int64_t(std::int64_t)>("run").value();
  Lease lease = pool.acquire().value();
  lease.set_time_slice(1ns);
  Call<std::int64_t> call = std::move(lease).start(run, 0);
  EXPECT_TRUE(call.is_parked());
  EXPECT_EQ(begun, 1);
  EXPECT_EQ(ended, 1);
  memory->write(0, 1).value()[0] = std::byte{1};
  finish(call);
  EXPECT_EQ(call.result().value(), 5);
  EXPECT_EQ(ended, 2);
}

}  // namespace
}  // namespace anew::test
