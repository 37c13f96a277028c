// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Idle instances: kept warm, restored later, trimmed, dropped.
#include <gtest/gtest.h>

#include <array>
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

constexpr std::string_view kCounter = R"((module (memory (export "memory") 20) (data (i32.const 70000) "\05")
  (func (export "count") (result i32)
    (i32.store (i32.const 70000) (i32.add (i32.load (i32.const 70000)) (i32.const 1))) (i32.load (i32.const 70000)))
  (func (export "trap") unreachable)))";

/// Whether it becomes true within 10 s.
template <typename Condition>
bool becomes(Condition&& condition) {
  const auto end = Clock::now() + 10s;
  while (!condition()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

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
  PoolOptions options = {.capacity = 4, .minimum_warm = 3};
  options.make_host_state = [&made]() -> HostState {
    if (++made == 3) throw std::runtime_error("no third");
    return {};
  };
  EXPECT_EQ(Pool::create(compile(kCounter), Linker(), options).error().code, ErrorCode::kHost);
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

TEST(Idle, InstancesGiveTheirMemoryBackThenGo) {
  const Pool pool = make_pool(kCounter, {.capacity = 3, .audit_every = 1, .minimum_warm = 1, .idle_time = 200ms});
  {
    const std::array leases{pool.acquire().value(), pool.acquire().value(), pool.acquire().value()};
  }
  EXPECT_EQ(pool.statistics().idle, 3u);
  EXPECT_TRUE(becomes([&] { return pool.statistics().trimmed == 2; }));
  {
    // One of them comes back to life.
    std::array leases{pool.acquire().value(), pool.acquire().value(), pool.acquire().value()};
    for (Lease& each : leases) EXPECT_EQ(each.call<int>("count").value(), 6);
  }
  EXPECT_TRUE(becomes([&] { return pool.statistics().evictions == 2; }));
  std::this_thread::sleep_for(500ms);
  EXPECT_EQ(pool.statistics().evictions, 2u) << "the one that is kept warm stays";
  EXPECT_EQ(pool.statistics().idle, 1u);
  EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Idle, InstancesThatAreUsedStay) {
  const Pool pool = make_pool(kCounter, {.capacity = 1, .idle_time = 400ms});
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(pool.statistics().evictions, 0u);
  EXPECT_EQ(pool.statistics().trimmed, 0u);
  EXPECT_EQ(pool.statistics().instances, 1u);
}

TEST(Idle, TrimmingDisturbsNobodyWhoCalls) {
#if defined(__SANITIZE_THREAD__)
  constexpr auto kTime = 1s;
#else
  constexpr auto kTime = 2s;
#endif
  const Pool pool = make_pool(kCounter, {.capacity = 3, .audit_every = 50, .idle_time = 1ms});
  const auto count = pool.function<int()>("count").value();
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, t, end = Clock::now() + kTime] {
        for (int i = 0; Clock::now() < end; ++i) {
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
  EXPECT_GT(pool.statistics().trimmed + pool.statistics().evictions, 0u);
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
  std::this_thread::sleep_for(700ms);
  EXPECT_EQ(calm.statistics().evictions, 0u);
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
  PoolOptions options = {.capacity = 1, .reset = ResetWhen::kAcquire};
  options.make_host_state = [] { return HostState{nullptr, [](void*) { throw 1; }}; };
  const Pool pool = make_pool(kCounter, options);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
  EXPECT_EQ(pool.statistics().instances, 3u);
  EXPECT_EQ(pool.statistics().acquired, 3u);
}

TEST(Reset, ByTheHelperHappensWithoutAnotherCall) {
  const Pool pool = make_pool(kCounter, {.capacity = 1, .audit_every = 1, .reset = ResetWhen::kHelper});
  EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
  EXPECT_TRUE(becomes([&] { return pool.statistics().restored == 1; }));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Reset, ByTheHelperServesManyThreads) {
#if defined(__SANITIZE_THREAD__)
  constexpr int kRounds = 300;
#else
  constexpr int kRounds = 5000;
#endif
  const Pool pool = make_pool(kCounter, {.capacity = 2, .audit_every = 50, .reset = ResetWhen::kHelper});
  const auto count = pool.function<int()>("count").value();
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
          auto lease = pool.acquire_until(Clock::now() + 20s);
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
  PoolOptions options = {.capacity = 1, .reset = ResetWhen::kHelper};
  options.make_host_state = [&] {
    return HostState{nullptr, [&](void*) {
                       pool->reset();
                       dropped = true;
                     }};
  };
  *pool = make_pool(kCounter, options);
  EXPECT_EQ((*pool)->acquire()->call<int>("count").value(), 6);
  EXPECT_TRUE(becomes([&] { return dropped.load(); }));
}

TEST(Reset, ByTheHelperMayAskThePoolForAnInstance) {
  std::optional<Pool> pool;
  std::atomic<int> refused = 0;
  PoolOptions options = {.capacity = 1, .reset = ResetWhen::kHelper};
  options.make_host_state = [&] {
    return HostState{nullptr, [&](void*) {
                       if (!pool->acquire()) ++refused;
                     }};
  };
  pool = make_pool(kCounter, options);
  EXPECT_EQ(pool->acquire()->call<int>("count").value(), 6);
  EXPECT_TRUE(becomes([&] { return refused.load() == 1; })) << "it waits for what it restores itself";
  if (refused == 0) std::_Exit(1);  // the pool's end would wait for it as well
}

TEST(Trim, LetsADrainGoOnThatBeganMeanwhile) {
  std::atomic<bool> destroying = false;
  PoolOptions options = {.capacity = 1};
  options.make_host_state = [&] {
    return HostState{std::shared_ptr<int>(new int,
                                          [&](const int* state) {
                                            delete state;
                                            destroying = true;
                                            std::this_thread::sleep_for(50ms);
                                          }),
                     {}};
  };
  const Pool pool = make_pool(kCounter, options);
  EXPECT_EQ(pool.acquire()->call<int>("count").value(), 6);
  std::jthread trimmer([&] { EXPECT_EQ(pool.trim(), 1u); });
  EXPECT_TRUE(becomes([&] { return destroying.load(); }));
  const auto begin = Clock::now();
  EXPECT_TRUE(pool.drain(begin + 5s).has_value());
  EXPECT_LT(Clock::now() - begin, 4s);
}

}  // namespace
}  // namespace anew::test
