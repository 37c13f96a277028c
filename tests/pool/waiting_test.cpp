// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Waiting for an instance, closing a pool, and leases that are used too late.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kCounter =
    R"((module (memory (export "memory") 2) (global $g (export "g") (mut i32) (i32.const 0))
  (func (export "count") (result i32) (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
    (global.set $g (i32.load (i32.const 8))) (global.get $g))
  (func (export "trap") unreachable)))";

constexpr int kRounds = kThreadSanitizer ? 500 : 20'000;

/// Waits until so many callers wait for an instance.
void await_waiters(const Pool& pool, std::uint64_t count) {
  while (pool.statistics().waited < count) std::this_thread::sleep_for(1ms);
}

TEST(Waiting, EndsWhenALeaseIsGivenBack) {
  const Pool pool = make_pool(kCounter, {.capacity = 1, .audit_every = 1});
  Lease lease = pool.acquire().value();
  std::jthread waiter([&pool] {
    auto waited = pool.acquire_until(Clock::time_point::max());
    ASSERT_TRUE(waited.has_value()) << waited.error().message;
    EXPECT_EQ(waited->call<int>("count").value(), 1);
  });
  await_waiters(pool, 1);
  EXPECT_EQ(lease.call<int>("count").value(), 1);
  lease.release();
  waiter.join();
  EXPECT_EQ(pool.statistics().waited, 1u);
  EXPECT_EQ(pool.statistics().timed_out, 0u);
  EXPECT_EQ(pool.statistics().acquired, 2u);
}

TEST(Waiting, DoesNotHappenWhileThereIsAnInstance) {
  const Pool pool = make_pool(kCounter, {.capacity = 2});
  Lease first = pool.acquire_until(Clock::now()).value();
  Lease second = pool.acquire_until(Clock::now()).value();
  EXPECT_EQ(pool.statistics().waited, 0u);
}

TEST(Waiting, EndsAtTheDeadlineWithAnError) {
  const Pool pool = make_pool(kCounter, {.capacity = 1});
  const Lease lease = pool.acquire().value();
  const auto begin = Clock::now();
  const auto refused = pool.acquire_until(begin + 20ms);
  ASSERT_FALSE(refused);
  EXPECT_GE(Clock::now() - begin, 20ms);
  EXPECT_EQ(refused.error().code, ErrorCode::kResource);
  EXPECT_NE(refused.error().message.find("deadline"), std::string::npos) << refused.error().message;
  EXPECT_EQ(pool.statistics().timed_out, 1u);
}

TEST(Waiting, ServesInTheOrderOfComingAndNobodyOvertakes) {
  const Pool pool = make_pool(kCounter, {.capacity = 1});
  std::optional<Lease> lease = pool.acquire().value();
  std::vector<int> order;  // written by whoever holds the only lease
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 5; ++i) {
      threads.emplace_back([&, i] {
        const auto mine = pool.acquire_until(Clock::time_point::max());
        ASSERT_TRUE(mine.has_value());
        order.push_back(i);
        std::this_thread::sleep_for(2ms);
      });
      await_waiters(pool, static_cast<std::uint64_t>(i) + 1);
    }
    std::jthread impatient([&pool] {
      for (int i = 0; i < 1000 && pool.statistics().acquired < 6; ++i) {
        EXPECT_FALSE(pool.acquire().has_value() && pool.statistics().acquired < 6) << "it took a waiter's";
        std::this_thread::yield();
      }
    });
    lease.reset();
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(Waiting, AlsoGetsTheSlotOfAnInstanceThatWasDestroyed) {
  Linker linker;
  linker.define_state<int>({}, [](int&) { throw 1; });
  const Pool pool = make_pool(kCounter, {.capacity = 1}, linker);
  Lease lease = pool.acquire().value();
  std::jthread waiter([&pool] { EXPECT_TRUE(pool.acquire_until(Clock::time_point::max()).has_value()); });
  await_waiters(pool, 1);
  lease.release();
  waiter.join();
  EXPECT_EQ(pool.statistics().instances, 2u);
}

/// More threads than instances: a wake-up that got lost would end in a deadline.
TEST(Waiting, LosesNobody) {
  const Pool pool = make_pool(kCounter, {.capacity = 2, .audit_every = 100});
  const auto count = pool.function<int()>("count").value();
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
          auto lease = pool.acquire_until(Clock::now() + 120s);
          if (!lease || lease->call(count).value() != 1) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(pool.statistics().timed_out, 0u);
  EXPECT_EQ(pool.statistics().acquired, 4u * kRounds);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
  EXPECT_LE(pool.statistics().instances, 2u);
}

TEST(Waiting, WithShortDeadlinesLeavesNothingBehind) {
  const Pool pool = make_pool(kCounter, {.capacity = 1});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRounds / 20; ++i)
          (void)pool.acquire_until(Clock::now() + std::chrono::microseconds(i % 50));
      });
    }
  }
  EXPECT_EQ(pool.statistics().leased, 0u);
  EXPECT_TRUE(pool.acquire().has_value()) << "as if nobody had ever waited";
}

TEST(Drain, RefusesNewLeasesAndWaitsForThoseThatAreOut) {
  const Pool pool = make_pool(kCounter, {.capacity = 3, .audit_every = 1});
  std::optional<Lease> lease = pool.acquire().value();
  std::optional<Lease> instantiated = pool.instantiate().value();
  (void)pool.acquire().value();  // lies idle
  const auto early = pool.drain(Clock::now() + 5ms);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::kResource);
  EXPECT_NE(early.error().message.find("2 of the pool"), std::string::npos) << early.error().message;
  EXPECT_EQ(lease->call<int>("count").value(), 1) << "calls in flight go on";

  const auto refused = pool.acquire();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("closed"), std::string::npos) << refused.error().message;
  EXPECT_FALSE(pool.acquire_until(Clock::time_point::max()).has_value()) << "does not wait either";
  EXPECT_FALSE(pool.instantiate().has_value());

  std::jthread releaser([&] {
    std::this_thread::sleep_for(10ms);
    lease.reset();
    instantiated.reset();
  });
  EXPECT_TRUE(pool.drain(Clock::time_point::max()).has_value());
  EXPECT_EQ(pool.statistics().leased, 0u);
  EXPECT_EQ(pool.statistics().idle, 0u) << "their memory is given back";
  EXPECT_EQ(pool.statistics().evictions, 0u);
  EXPECT_TRUE(pool.drain(Clock::now()).has_value()) << "again";
}

TEST(Drain, TellsThoseWhoWait) {
  const Pool pool = make_pool(kCounter, {.capacity = 1});
  const Lease lease = pool.acquire().value();
  std::jthread waiter([&pool] {
    const auto refused = pool.acquire_until(Clock::time_point::max());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("closed"), std::string::npos) << refused.error().message;
  });
  await_waiters(pool, 1);
  EXPECT_FALSE(pool.drain(Clock::now()).has_value());
}

TEST(Drain, WhileThreadsCall) {
  for (int round = 0; round < 20; ++round) {
    const Pool pool = make_pool("(module (func (export \"f\")))", {.capacity = 4});
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([pool] {
        while (pool.acquire_until(Clock::time_point::max()).has_value()) {
        }
      });
    }
    EXPECT_TRUE(pool.drain(Clock::now() + 120s).has_value());
    EXPECT_EQ(pool.statistics().leased, 0u);
  }
}

TEST(Lease, MayOutliveItsPool) {
  std::weak_ptr<int> host;
  Linker linker;
  linker.define_state<std::shared_ptr<int>>([&host] {
    auto made = std::make_shared<int>(0);
    host = made;
    return made;
  });
  std::optional<Lease> lease;
  std::optional<Lease> instantiated;
  {
    const Pool pool = make_pool(kCounter, {.capacity = 2}, linker);
    instantiated = pool.instantiate().value();
    lease = pool.acquire().value();
  }
  EXPECT_EQ(lease->call<int>("count").value(), 1);
  EXPECT_EQ(instantiated->call<int>("count").value(), 1);
  instantiated.reset();
  EXPECT_EQ(lease->call<int>("count").value(), 2);
  lease.reset();
  EXPECT_TRUE(host.expired()) << "the instance went with the last lease";
}

/// The last Pool goes while the last lease is given back by another thread.
TEST(Lease, IsGivenBackWhileItsPoolGoes) {
  const Module module = compile(kCounter);
  for (int i = 0; i < kRounds / 50; ++i) {
    std::optional<Pool> pool = Pool::create(module, Linker(), {.capacity = 1}).value();
    std::atomic<bool> go{false};
    std::jthread thread([&go, lease = pool->acquire().value()]() mutable {
      while (!go.load()) {
      }
      lease.release();
    });
    go.store(true);
    pool.reset();
  }
}

TEST(Lease, IsGivenBackByAnotherThread) {
  const Pool pool = make_pool(kCounter, {.capacity = 1, .audit_every = 1});
  for (int i = 0; i < 10; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("count").value(), 1);
    std::jthread([moved = std::move(lease)]() mutable { moved.release(); }).join();
  }
  EXPECT_EQ(pool.statistics().instances, 1u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u);
}

TEST(Lease, ThatIsEmptyRefusesEverything) {
  Linker linker;
  linker.define_state<int>();
  const Pool pool = make_pool(kCounter, {.capacity = 1}, linker);
  const auto count = pool.function<int()>("count").value();
  Lease lease = pool.acquire().value();
  const Lease moved = std::move(lease);
  // NOLINTBEGIN(bugprone-use-after-move): what is tested
  EXPECT_EQ(lease.call(count).error().code, ErrorCode::kArgument);
  const Error error = lease.call<int>("count").error();
  EXPECT_EQ(error.code, ErrorCode::kArgument);
  EXPECT_NE(error.message.find("released or moved from"), std::string::npos) << error.message;
  EXPECT_EQ(lease.call_values("count", {}).error().code, ErrorCode::kArgument);
  EXPECT_EQ(lease.memory().size(), 0u);
  EXPECT_FALSE(lease.memory().read(0, 1).has_value());
  EXPECT_EQ(lease.memory("memory").error().code, ErrorCode::kArgument);
  EXPECT_EQ(lease.global("g").error().code, ErrorCode::kArgument);
  EXPECT_EQ(lease.find_state<int>(), nullptr);
  EXPECT_EQ(lease.dirty_bytes(), 0u);
  EXPECT_EQ(lease.fuel(), 0u);
  lease.set_fuel(1);
  lease.set_deadline(Clock::now());
  lease.release();
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(pool.statistics().acquired, 1u);
  EXPECT_EQ(pool.statistics().leased, 1u);
}

TEST(Lease, ThatWasAcquiredAfterATrapIsAsNewAndTheTrapIsCounted) {
  const Pool pool = make_pool(kCounter, {.capacity = 1, .audit_every = 1});
  EXPECT_FALSE(pool.acquire()->call("trap").has_value());
  EXPECT_EQ(pool.acquire()->call<int>("count").value(), 1);
  EXPECT_EQ(pool.statistics().traps, 1u);
  EXPECT_EQ(pool.statistics().kills, 0u);
  EXPECT_EQ(pool.statistics().distrusted, 1u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

}  // namespace
}  // namespace anew::test
