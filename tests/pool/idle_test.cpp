// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What becomes of instances that lie idle for long, or while memory is short.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "pool/counter.hpp"
#include "pool/pool_state.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A pool whose idle time no test lives to see, and a clock that only the test moves.
class Idle : public testing::Test {
 protected:
  static constexpr auto kIdleTime = 24h;

  void pass(std::chrono::nanoseconds time) {
    now_ += time;
    pool_->state()->keep_up(now_);
  }
  void make(std::uint32_t capacity, std::uint32_t minimum_warm) {
    pool_ = make_pool(kCounter,
                      {.capacity = capacity, .audit_every = 1, .minimum_warm = minimum_warm, .idle_time = kIdleTime});
    now_ = Clock::now();  // the helper's own first look is hours away
  }

  std::optional<Pool> pool_;
  Clock::time_point now_;
};

TEST_F(Idle, InstancesGiveTheirMemoryBackThenGo) {
  make(3, 1);
  const auto use_all = [&] {
    std::array leases{pool_->acquire().value(), pool_->acquire().value(), pool_->acquire().value()};
    for (Lease& each : leases) EXPECT_EQ(each.call<int>("count").value(), 6);
  };
  use_all();
  EXPECT_EQ(pool_->statistics().idle, 3u);
  pass(0s);  // seen to be idle
  pass(kIdleTime - 1s);
  EXPECT_EQ(pool_->statistics().trimmed, 0u);
  pass(1s);
  EXPECT_EQ(pool_->statistics().trimmed, 2u) << "one is kept warm";
  EXPECT_EQ(pool_->statistics().evictions, 0u);
  use_all();  // they come back to life
  pass(kIdleTime);
  EXPECT_EQ(pool_->statistics().trimmed, 2u) << "they were used meanwhile";
  pass(kIdleTime);
  EXPECT_EQ(pool_->statistics().trimmed, 4u);
  pass(kIdleTime - 1s);
  EXPECT_EQ(pool_->statistics().evictions, 0u);
  pass(1s);
  EXPECT_EQ(pool_->statistics().evictions, 2u);
  pass(10 * kIdleTime);
  EXPECT_EQ(pool_->statistics().evictions, 2u) << "the one that is kept warm stays";
  EXPECT_EQ(pool_->statistics().idle, 1u);
  EXPECT_EQ(pool_->acquire()->call<int>("count").value(), 6);
  EXPECT_EQ(pool_->statistics().audit_failures, 0u) << pool_->audit_report();
}

TEST_F(Idle, InstancesThatAreUsedStay) {
  make(1, 0);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(pool_->acquire()->call<int>("count").value(), 6);
    pass(kIdleTime / 2);
  }
  EXPECT_EQ(pool_->statistics().evictions, 0u);
  EXPECT_EQ(pool_->statistics().trimmed, 0u);
  EXPECT_EQ(pool_->statistics().instances, 1u);
}

TEST(IdleTime, IsTheHelpersToSeeTo) {
  const Pool pool = make_pool(kCounter, {.capacity = 2, .audit_every = 1, .idle_time = 10ms});
  EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
  EXPECT_TRUE(becomes([&] { return pool.statistics().evictions == 1; }));
  EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(IdleTime, DisturbsNobodyWhoCalls) {
  const Pool pool = make_pool(kCounter, {.capacity = 3, .audit_every = 50, .idle_time = 1ms});
  const auto count = pool.function<int()>("count").value();
  // Until some were trimmed, which a busy machine's idle instances are soon.
  const auto trimmed = [&] { return pool.statistics().trimmed + pool.statistics().evictions; };
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, t, end = Clock::now() + 120s] {
        for (int i = 0; (i < 5'000 || trimmed() < 100) && Clock::now() < end; ++i) {
          auto lease = pool.acquire();  // one for each thread: never exhausted
          if (!lease || lease->call(count).value() != 6) {
            ++wrong;
            continue;
          }
          lease->release();
          if ((i + t) % 16 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i % 5000));
        }
      });
    }
  }
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_GT(trimmed(), 0u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Pressure, DropsWhatIsIdle) {
  PoolOptions options = {.capacity = 3, .minimum_warm = 1};
  options.minimum_available_bytes = ~std::uint64_t{0} - 1;  // no machine has it
  const Pool pool = make_pool(kCounter, options);
  {
    const std::array leases{pool.acquire().value(), pool.acquire().value(), pool.acquire().value()};
  }
  EXPECT_TRUE(becomes([&] { return pool.statistics().evictions == 2; }));
  EXPECT_EQ(pool.statistics().idle, 1u);
  options.minimum_available_bytes = 1;
  const Pool calm = make_pool(kCounter, options);
  {
    const std::array leases{calm.acquire().value(), calm.acquire().value()};
  }
  calm.state()->keep_up(Clock::now());
  EXPECT_EQ(calm.statistics().evictions, 0u);
}

}  // namespace
}  // namespace anew::test
