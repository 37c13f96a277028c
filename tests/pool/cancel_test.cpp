// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cancelling a lease from another thread: it ends the lease's calls, whenever they begin, and never another's.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// "loop" takes some seconds, so that a test ends in any case; no cancelled call gets that far.
constexpr std::string_view kGuest = R"((module
  (import "env" "host" (func $host (result i32)))
  (memory 1)
  (func (export "f") (result i32) (i32.const 7))
  (func (export "host") (result i32) (call $host))
  (func (export "loop") (local i64)
    (loop (i64.store (i32.const 0) (local.get 0))
      (br_if 0 (i64.ne (local.tee 0 (i64.add (local.get 0) (i64.const 1))) (i64.const 2000000000)))))
  (func (export "host_loop") (local i32)
    (loop (drop (call $host))
      (br_if 0 (i32.ne (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 300000000)))))))";

Pool make_guests(PoolOptions options = {}, std::function<std::int32_t()> host = [] { return 1; }) {
  Linker linker;
  linker.define("env", "host", [host = std::move(host)] { return host(); });
  options.audit_every = 1;
  return make_pool(kGuest, std::move(options), linker);
}

void expect_cancelled(const auto& result) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kTrap);
  EXPECT_EQ(result.error().trap, TrapKind::kInterrupted);
  EXPECT_EQ(result.error().message, "interrupted: the call was cancelled");
}

TEST(Cancel, EndsTheCallThatRuns) {
  const Pool pool = make_guests();
  for (const char* const name : {"loop", "host_loop"}) {
    Lease lease = pool.acquire().value();
    std::atomic<bool> begins = false;
    std::thread client([&, canceller = lease.canceller().value()] {
      while (!begins) std::this_thread::yield();
      std::this_thread::sleep_for(5ms);
      canceller.cancel();
    });
    begins = true;
    expect_cancelled(lease.call(name));
    client.join();
  }
  EXPECT_EQ(pool.statistics().kills, 2u);
  EXPECT_EQ(pool.acquire()->call<int>("f").value(), 7);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Cancel, EndsAllLaterCallsOfTheLeaseWhateverItsDeadline) {
  const Pool pool = make_guests();
  Lease lease = pool.acquire().value();
  lease.set_deadline(Clock::now() + 1h);
  const Canceller canceller = lease.canceller().value();
  EXPECT_EQ(lease.call<int>("f").value(), 7);
  canceller.cancel();
  expect_cancelled(lease.call<int>("f"));
  expect_cancelled(lease.call_values("loop", {}));
  lease.set_deadline(Clock::time_point::max());
  expect_cancelled(lease.call<int>("f"));
  lease.set_deadline(Clock::now() + 1h);
  expect_cancelled(lease.call<int>("f"));
}

TEST(Cancel, LeavesDeadlinesAsTheyAre) {
  const Pool pool = make_guests();
  Lease lease = pool.acquire().value();
  const Canceller canceller = lease.canceller().value();
  lease.set_deadline(Clock::now() + 5ms);
  EXPECT_EQ(lease.call("loop").error().message, "interrupted: the call's deadline passed");
  lease.set_deadline(Clock::time_point::min());
  EXPECT_EQ(lease.call<int>("f").error().message, "interrupted: the call's deadline passed");
  lease.set_deadline(Clock::time_point::max());
  EXPECT_EQ(lease.call<int>("f").value(), 7);
  canceller.cancel();
  expect_cancelled(lease.call<int>("f"));
}

TEST(Cancel, ThatIsLateNeverReachesTheNextLease) {
  for (const ResetWhen reset : {ResetWhen::kRelease, ResetWhen::kAcquire, ResetWhen::kHelper}) {
    const Pool pool = make_guests({.capacity = 1, .reset = reset});
    std::vector<Canceller> late;
    for (int i = 0; i < 4; ++i) {
      Lease lease = pool.acquire_until(Clock::now() + 10s).value();
      for (const Canceller& each : late) each.cancel();
      EXPECT_EQ(lease.call<int>("f").value(), 7);
      if (i < 3) late.push_back(lease.canceller().value());
      for (std::size_t each = 0; each + 1 < late.size(); ++each) late[each].cancel();
      EXPECT_EQ(lease.call<int>("f").value(), 7);
      if (i < 2) continue;
      // Of the last one the canceller works.
      (i < 3 ? late.back() : lease.canceller().value()).cancel();
      expect_cancelled(lease.call<int>("f"));
      lease.release();
      for (const Canceller& each : late) each.cancel();
    }
  }
}

TEST(Cancel, OutlivesTheLeaseAndThePool) {
  std::vector<Canceller> cancellers;
  {
    const Pool pool = make_guests({.capacity = 2});
    Lease lease = pool.acquire().value();
    cancellers.push_back(lease.canceller().value());
    Lease made = pool.instantiate().value();
    cancellers.push_back(made.canceller().value());
    cancellers.back().cancel();
    expect_cancelled(made.call<int>("f"));
    EXPECT_EQ(lease.call<int>("f").value(), 7);
  }
  const Canceller moved = std::move(cancellers.front());
  for (const Canceller& each : cancellers) each.cancel();
  moved.cancel();
}

TEST(Cancel, NeedsALease) {
  const Pool pool = make_guests();
  Lease lease = pool.acquire().value();
  lease.release();
  EXPECT_EQ(lease.canceller().error().code, ErrorCode::kArgument);
}

TEST(Cancel, InAHostFunctionEndsTheCallWhenThatReturns) {
  std::optional<Canceller> canceller;
  int calls = 0;
  const Pool pool = make_guests({}, [&] {
    if (++calls == 2) canceller->cancel();
    return calls;
  });
  Lease lease = pool.acquire().value();
  canceller = lease.canceller().value();
  EXPECT_EQ(lease.call<int>("host").value(), 1);
  expect_cancelled(lease.call("host_loop"));
  EXPECT_EQ(calls, 2);
}

TEST(Cancel, OfAnInnerCallEndsOnlyItAndOfAnOuterOneBoth) {
  std::optional<Canceller> inner;
  std::optional<Canceller> outer;
  std::optional<Pool> inner_pool = make_guests();
  int refused = 0;
  bool cancel_outer = false;
  const Pool pool = make_guests({}, [&] {
    for (int i = 0; i < 3; ++i) {
      Lease lease = inner_pool->acquire().value();
      inner = lease.canceller().value();
      if (i == 1) (cancel_outer ? outer : inner)->cancel();
      refused += lease.call<int>("f").has_value() ? 0 : 1;
    }
    return 3;
  });
  Lease lease = pool.acquire().value();
  outer = lease.canceller().value();
  EXPECT_EQ(lease.call<int>("host").value(), 3);
  EXPECT_EQ(refused, 1);
  cancel_outer = true;
  expect_cancelled(lease.call<int>("host"));
  EXPECT_EQ(refused, 3) << "the second and the third: nothing runs inside a call that is to end";
}

TEST(Cancel, IsNeverMissedByACallThatBeginsJustThen) {
  const Pool pool = make_guests({.capacity = 4});
  const auto loop = pool.function<void()>("loop").value();
  std::atomic<const Canceller*> handed = nullptr;
  std::atomic<bool> done = false;
  std::thread client([&] {
    std::mt19937 random(1);
    while (!done) {
      const Canceller* const canceller = handed.exchange(nullptr);
      if (canceller == nullptr) {
        std::this_thread::yield();
        continue;
      }
      const Canceller copy = *canceller;
      for (unsigned wait = random() % 256; wait > 0; --wait) std::atomic_signal_fence(std::memory_order_seq_cst);
      copy.cancel();
    }
  });
  std::mt19937 random(2);
  int ended = 0;
  constexpr int kCalls = 200;
  for (int i = 0; i < kCalls; ++i) {
    Lease lease = pool.acquire().value();
    const Canceller canceller = lease.canceller().value();
    if (i % 3 == 0) lease.set_deadline(Clock::now() + 1h);
    handed = &canceller;
    while (handed != nullptr) std::this_thread::yield();
    for (unsigned wait = random() % 2048; wait > 0; --wait) std::atomic_signal_fence(std::memory_order_seq_cst);
    const auto result = lease.call(loop);
    ended += !result && result.error().message == "interrupted: the call was cancelled" ? 1 : 0;
    if (ended <= i) break;  // one that was missed takes seconds
  }
  done = true;
  client.join();
  EXPECT_EQ(ended, kCalls);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

/// What one lease of the storm knows of its cancelling.
struct Request {
  std::optional<Canceller> canceller;
  std::atomic<bool> asked = false;
  std::atomic<bool> done = false;
};

TEST(Cancel, InAStormEndsWhatWasAskedForAndNothingElse) {
  const Pool pool = make_guests({.capacity = 4});
  constexpr int kThreads = 3;
  constexpr int kLeases = 400;
  std::mutex mutex;
  std::vector<std::shared_ptr<Request>> recent;  // guarded by the mutex; of leases that are out, and of some that were
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::atomic<int> ended = 0;
  std::vector<std::thread> pests;
  for (unsigned t = 0; t < 2; ++t) {
    pests.emplace_back([&, t] {
      std::mt19937 random(t);
      while (!stop) {
        std::shared_ptr<Request> request;
        {
          const std::lock_guard lock(mutex);
          if (!recent.empty()) request = recent[random() % recent.size()];
        }
        if (request == nullptr) continue;
        request->asked = true;
        request->canceller->cancel();
        request->done = true;
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 200));
      }
    });
  }
  std::vector<std::thread> callers;
  for (unsigned t = 0; t < kThreads; ++t) {
    callers.emplace_back([&, t] {
      std::mt19937 random(100 + t);
      // Until something was ended, which is soon unless the others get no time.
      const auto give_up = Clock::now() + 60s;
      for (int i = 0; i < kLeases || (ended == 0 && Clock::now() < give_up); ++i) {
        Lease lease = pool.acquire_until(Clock::now() + 60s).value();
        const auto request = std::make_shared<Request>();
        request->canceller = lease.canceller().value();
        {
          const std::lock_guard lock(mutex);
          recent.push_back(request);
          if (recent.size() > 6) recent.erase(recent.begin());
        }
        for (int call = 0; call < 20; ++call) {
          const bool done = request->done;
          const auto result = lease.call<int>("f");
          const bool asked = request->asked;
          ended += result ? 0 : 1;
          if (result ? done || *result != 7 : !asked || result.error().trap != TrapKind::kInterrupted) ++wrong;
        }
      }
    });
  }
  for (std::thread& each : callers) each.join();
  stop = true;
  for (std::thread& each : pests) each.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(ended, 0);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

}  // namespace
}  // namespace anew::test
