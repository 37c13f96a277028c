// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shutting a pool down while guests run.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Loops for some seconds, so that the test ends in any case.
constexpr std::string_view kLoops = R"((module (memory 1) (func (export "loop") (local i64)
  (loop (i64.store (i32.const 0) (local.get 0))
    (br_if 0 (i64.ne (local.tee 0 (i64.add (local.get 0) (i64.const 1))) (i64.const 1000000000)))))
  (func (export "f") (result i32) (i32.const 1))))";

TEST(Shutdown, OfAPoolThatIsIdleIsADrain) {
  const Pool pool = make_pool(kLoops, {.capacity = 2});
  EXPECT_EQ(pool.acquire()->call<int>("f").value(), 1);
  EXPECT_TRUE(pool.shutdown(Clock::now() + 120s).has_value());
  EXPECT_FALSE(pool.acquire().has_value());
}

TEST(Shutdown, SaysWhenLeasesAreNotGivenBack) {
  const Pool pool = make_pool(kLoops, {.capacity = 2});
  const Lease lease = pool.acquire().value();
  const auto refused = pool.shutdown(Clock::now() + 10ms);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResource);
  EXPECT_NE(refused.error().message.find("1 of the pool"), std::string::npos) << refused.error().message;
}

TEST(Shutdown, StopsCallsAndThoseThatBeginInALeaseThatIsOut) {
  const Pool pool = make_pool(kLoops, {.capacity = 2});
  const Pool other = make_pool(kLoops, {.capacity = 1});
  std::atomic<int> running{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      Lease lease = pool.acquire().value();
      ++running;
      EXPECT_EQ(lease.call("loop").error().trap, TrapKind::kInterrupted);
      EXPECT_EQ(lease.call("loop").error().trap, TrapKind::kInterrupted);
    });
  }
  while (running < 2) std::this_thread::yield();
  std::this_thread::sleep_for(5ms);
  const auto end = Clock::now() + 120s;
  EXPECT_TRUE(pool.shutdown(end).has_value());
  EXPECT_LT(Clock::now(), end - 60s) << "it does not wait for the deadline";
  EXPECT_EQ(pool.statistics().kills, 2u);
  EXPECT_EQ(pool.statistics().leased, 0u);
  EXPECT_EQ(other.acquire()->call<int>("f").value(), 1) << "another pool goes on";
}

}  // namespace
}  // namespace anew::test
