// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Instances that nobody uses: kept warm, restored later, dropped.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "pool/counter.hpp"
#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(MinimumWarm, IsMadeWithThePool) {
  const Pool pool = make_pool(kCounter, {.capacity = 4, .audit_every = 1, .minimum_warm = 3});
  EXPECT_EQ(pool.statistics().instances, 3u);
  EXPECT_EQ(pool.statistics().idle, 3u);
  EXPECT_EQ(pool.statistics().acquired, 0u);
  std::vector<Lease> leases;
  for (int i = 0; i < 4; ++i) leases.push_back(pool.acquire().value());
  EXPECT_EQ(pool.statistics().instances, 4u);
  EXPECT_EQ(pool.statistics().idle, 0u);
  EXPECT_EQ(pool.statistics().leased, 4u);
}

TEST(MinimumWarm, IsCheckedAndItsFailureIsTheCreators) {
  EXPECT_EQ(Pool::create(compile(kCounter), Linker(), {.capacity = 1, .minimum_warm = 2}).error().code,
            ErrorCode::kArgument);
  int made = 0;
  Linker linker;
  linker.define_state<int>([&made] { return ++made == 3 ? throw std::runtime_error("no third") : made; });
  EXPECT_EQ(Pool::create(compile(kCounter), linker, {.capacity = 4, .minimum_warm = 3}).error().code, ErrorCode::kHost);
}

TEST(Trim, DropsWhatIsIdleDownToTheMinimum) {
  const Pool pool = make_pool(kCounter, {.capacity = 6, .minimum_warm = 1});
  {
    std::vector<Lease> leases;
    for (int i = 0; i < 6; ++i) leases.push_back(pool.acquire().value());
    EXPECT_EQ(pool.trim(), 0u) << "leased ones stay";
  }
  Lease lease = pool.acquire().value();
  EXPECT_EQ(pool.trim(), 5u) << "the leased one counts as warm";
  EXPECT_EQ(pool.trim(), 0u);
  EXPECT_EQ(pool.statistics().evictions, 5u);
  EXPECT_EQ(pool.statistics().idle, 0u);
  lease.release();
  EXPECT_EQ(pool.trim(), 0u);
  EXPECT_EQ(pool.statistics().idle, 1u);
  EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
}

TEST(Reset, OnAcquireLeavesTheCallsStateUntilThen) {
  const Pool pool = make_pool(kCounter, {.capacity = 1, .audit_every = 1, .reset = ResetWhen::kAcquire});
  const std::byte* memory = nullptr;
  {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("count").value(), 6);
    memory = lease.memory().read(70'000, 1)->data();
  }
  EXPECT_EQ(pool.statistics().restored, 0u);
  EXPECT_EQ(*memory, std::byte{6});
  for (int i = 0; i < 10; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("count").value(), 6);
    if (i % 3 == 0) {
      EXPECT_FALSE(lease.call("trap").has_value());
    }
  }
  EXPECT_EQ(pool.statistics().restored, 10u);
  EXPECT_EQ(pool.statistics().instances, 1u);
  EXPECT_EQ(pool.statistics().traps, 3u) << "that of the last lease is not seen yet";
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Reset, OnAcquireReplacesAnInstanceThatCannotBeRestored) {
  Linker linker;
  linker.define_state<int>({}, [](int&) { throw 1; });
  const Pool pool = make_pool(kCounter, {.capacity = 1, .reset = ResetWhen::kAcquire}, linker);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
  EXPECT_EQ(pool.statistics().instances, 3u);
  EXPECT_EQ(pool.statistics().acquired, 3u);
}

TEST(Reset, ByTheHelperHappensWithoutAnotherCall) {
  const Pool pool = make_pool(kCounter, {.capacity = 1, .audit_every = 1, .reset = ResetWhen::kHelper});
  EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
  EXPECT_TRUE(becomes([&] { return pool.statistics().restored == 1; }));
  for (int i = 0; i < (kThreadSanitizer ? 50 : 1000); ++i) EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Reset, ByTheHelperServesManyThreads) {
  constexpr int kRounds = kThreadSanitizer ? 300 : 5000;
  const Pool pool = make_pool(kCounter, {.capacity = 2, .audit_every = 50, .reset = ResetWhen::kHelper});
  const auto count = pool.function<int()>("count").value();
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
          auto lease = pool.acquire_until(Clock::now() + 120s);
          if (!lease || lease->call(count).value() != 6) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(pool.statistics().timed_out, 0u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Reset, ByTheHelperIsNotWaitedForByAPoolThatGoes) {
  for (int i = 0; i < 20; ++i) {
    std::optional<Pool> pool = make_pool("(module (memory 1))", {.capacity = 2, .reset = ResetWhen::kHelper});
    std::optional<Lease> late = pool->acquire().value();
    (void)pool->acquire();
    pool.reset();
    late.reset();
  }
}

TEST(Reset, ByTheHelperMayDropTheLastPool) {
  auto pool = std::make_shared<std::optional<Pool>>();
  std::atomic<bool> dropped = false;
  Linker linker;
  linker.define_state<int>({}, [&](int&) {
    pool->reset();
    dropped = true;
  });
  *pool = make_pool(kCounter, {.capacity = 1, .reset = ResetWhen::kHelper}, linker);
  EXPECT_EQ((*pool)->acquire()->call<int>("count").value(), 6);
  EXPECT_TRUE(becomes([&] { return dropped.load(); }));
}

TEST(Reset, ByTheHelperMayAskThePoolForAnInstance) {
  std::optional<Pool> pool;
  std::atomic<int> refused = 0;
  Linker linker;
  linker.define_state<int>({}, [&](int&) {
    if (!pool->acquire()) ++refused;
  });
  pool = make_pool(kCounter, {.capacity = 1, .reset = ResetWhen::kHelper}, linker);
  EXPECT_EQ(pool->acquire()->call<int>("count").value(), 6);
  EXPECT_TRUE(becomes([&] { return refused.load() == 1; })) << "it waits for what it restores itself";
  if (refused == 0) std::_Exit(1);  // the pool's end would wait for it as well
}

TEST(Trim, LetsADrainGoOnThatBeganMeanwhile) {
  std::atomic<bool> destroying = false;
  const auto destroy = [&](const int* state) {
    delete state;
    destroying = true;
    std::this_thread::sleep_for(50ms);
  };
  Linker linker;
  linker.define_state<std::shared_ptr<int>>([&] { return std::shared_ptr<int>(new int, destroy); },
                                            [](std::shared_ptr<int>&) {});
  const Pool pool = make_pool(kCounter, {.capacity = 1}, linker);
  EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
  std::jthread trimmer([&] { EXPECT_EQ(pool.trim(), 1u); });
  EXPECT_TRUE(becomes([&] { return destroying.load(); }));
  // It is woken: at the deadline it would find the pool drained as well.
  const auto end = Clock::now() + 120s;
  EXPECT_TRUE(pool.drain(end).has_value());
  EXPECT_LT(Clock::now(), end - 60s);
}

}  // namespace
}  // namespace anew::test
