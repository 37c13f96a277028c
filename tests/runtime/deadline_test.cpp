// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls end at their deadlines, or when they are interrupted, whatever they are doing; and nothing else does.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <random>
#include <thread>

#include "runtime/store_state.hpp"
#include "runtime/thread.hpp"
#include "support/processor_time.hpp"
#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kGuest = R"((module
  (import "env" "nothing" (func $nothing))
  (import "env" "sleep" (func $sleep (param i32)))
  (import "env" "nested" (func $nested))
  (memory 256)
  (global $g (mut i32) (i32.const 0))
  (func (export "fine") (result i32) (i32.const 7))
  (func (export "spin") (loop $again (br $again)))
  (func (export "host_loop") (loop $again (call $nothing) (br $again)))
  (func (export "sleep") (param i32) (call $sleep (local.get 0)) (global.set $g (i32.const 1)))
  (func (export "fill") (loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (br $again)))
  (func (export "grow") (loop $again (drop (memory.grow (i32.const 0))) (br $again)))
  (func $fibonacci (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fibonacci (i32.sub (local.get 0) (i32.const 1)))
                     (call $fibonacci (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "recurse") (result i32) (call $fibonacci (i32.const 90)))
  (func (export "nested") (call $nested) (loop $again (br $again)))
  (func (export "nested_once") (call $nested))
  (func (export "write") (param i32) (i32.store (local.get 0) (i32.const 1))
    (loop $again (i32.store8 (local.get 0) (i32.add (i32.load8_u (local.get 0)) (i32.const 1)))
      (local.set 0 (i32.and (i32.add (local.get 0) (i32.const 4099)) (i32.const 0xffffff))) (br $again)))
))";

Linker make_linker(std::function<void()> nested = {}) {
  Linker linker;
  linker.define("env", "nothing", [] {});
  linker.define("env", "sleep", [](std::uint32_t milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  });
  linker.define("env", "nested", [nested] { nested(); });
  return linker;
}

Pool make_guests(std::function<void()> nested = {}, std::uint64_t audit_every = 1) {
  return make_pool(kGuest, {.capacity = 8, .audit_every = audit_every}, make_linker(std::move(nested)));
}

// A busy machine may let anybody wait for long, the watchdog too: what bounds there are, are of the time that the guest
// itself ran. Were it not stopped at all, the test would not end.
constexpr Clock::duration kUsual = kSanitized ? 1s : 50ms;  // a sanitizer may make much of a signal

struct Ended {
  Error error;
  Clock::duration late;  ///< behind the deadline, by the clock: no less than zero
  Clock::duration ran;   ///< processor time that the call took
};

Ended run_until(Lease& lease, Clock::time_point deadline, std::string_view name, std::vector<Value> arguments = {}) {
  lease.set_deadline(deadline);
  const auto begin = thread_time();
  const auto result = lease.call_values(name, arguments);
  return {result ? Error{} : result.error(), Clock::now() - deadline, thread_time() - begin};
}

/// The same with time, and if that was over before the guest had begun, since the machine is busy, with twice as much.
Ended run_begun(const Pool& pool, std::chrono::milliseconds time, std::string_view name) {
  for (;; time *= 2) {
    Lease lease = pool.acquire().value();
    Ended ended = run_until(lease, Clock::now() + time, name);
    if (!ended.error.backtrace.empty() || time > 1min) return ended;
  }
}

TEST(Deadlines, AreSeenByHostFunctionsThatAsk) {
  bool loops = true;
  Linker linker;
  linker.define("env", "work", [&](Caller caller) -> Result<void> {
    EXPECT_FALSE(caller.stopping()) << "yet";
    if (!loops) return {};
    while (!caller.stopping()) {
    }
    return fail(ErrorCode::kHost, "not done");
  });
  const Pool pool =
      make_pool(R"((module (import "env" "work" (func $f)) (func (export "run") (call $f))))", {}, linker);
  {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(run_until(lease, Clock::now() + 20ms, "run").error.trap, TrapKind::kInterrupted);
  }
  loops = false;
  EXPECT_TRUE(pool.acquire()->call("run"));
}

class Deadline : public testing::TestWithParam<const char*> {};

TEST_P(Deadline, EndsACallThatWouldNotEnd) {
  if (kThreadSanitizer && (GetParam() == std::string_view("fill") || GetParam() == std::string_view("grow")))
    GTEST_SKIP() << "a guest stopped in ThreadSanitizer's own memset, which it calls, would leave its locks taken";
  const Pool pool = make_guests();
  std::vector<Clock::duration> ran;
  int with_frames = 0;
  for (int i = 0; i < 15; ++i) {
    {
      Lease lease = pool.acquire().value();
      std::vector<Value> arguments;
      if (GetParam() == std::string_view("write")) arguments.push_back(Value::i32(8));
      const Ended ended = run_until(lease, Clock::now() + 5ms, GetParam(), arguments);
      EXPECT_EQ(ended.error.code, ErrorCode::kTrap);
      EXPECT_EQ(ended.error.trap, TrapKind::kInterrupted);
      EXPECT_EQ(ended.error.message.find("interrupted: the call's deadline passed"), 0u) << ended.error.message;
      // Where the guest is stopped in the first instructions of a library function, its own frame is not seen.
      with_frames += ended.error.backtrace.empty() ? 0 : 1;
      EXPECT_GE(ended.late, 0ms);
      ran.push_back(ended.ran);
    }
    Lease next = pool.acquire().value();
    next.set_deadline(Clock::time_point::max());
    EXPECT_EQ(next.call<int>("fine").value(), 7);
  }
  std::ranges::sort(ran);
  EXPECT_LT(ran[ran.size() / 4], 5ms + kUsual);
  EXPECT_GT(with_frames, 0);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

INSTANTIATE_TEST_SUITE_P(Guests, Deadline, testing::Values("spin", "host_loop", "fill", "grow", "recurse", "write"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST(Deadlines, ThatAreFarDoNothing) {
  const Pool pool = make_guests();
  Lease lease = pool.acquire().value();
  lease.set_deadline(Clock::now() + 1h);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(lease.call<int>("fine").value(), 7);
  EXPECT_TRUE(lease.call("sleep", 20).has_value());
}

TEST(Deadlines, ThatHavePassedLetNoGuestRun) {
  const Pool pool = make_guests();
  for (int i = 0; i < 50; ++i) {
    Lease lease = pool.acquire().value();
    const Ended ended = run_until(lease, Clock::now() - 5s, "fine");
    EXPECT_EQ(ended.error.trap, TrapKind::kInterrupted);
    EXPECT_EQ(ended.error.message, "interrupted: the call's deadline passed");
  }
}

TEST(Deadlines, WorkAgainAfterTheWatchdogFellAsleep) {
  const Pool pool = make_guests();
  for (int i = 0; i < 2; ++i) {
    Lease lease = pool.acquire().value();
    const Ended ended = run_until(lease, Clock::now() + 3ms, "spin");
    EXPECT_EQ(ended.error.trap, TrapKind::kInterrupted);
    if (i == 0) std::this_thread::sleep_for(1100ms);
  }
}

/// A guest that calls a function which does not return until the call's deadline has passed.
class Overslept {
 public:
  explicit Overslept(Result<void> result) {
    Linker linker;
    linker.define("env", "sleep", [this, result]() -> Result<void> {
      std::this_thread::sleep_until(deadline_ + 70ms);
      return result;
    });
    pool_.emplace(
        make_pool(R"((module (import "env" "sleep" (func $f)) (func (export "run") (call $f))))", {}, linker));
  }
  Overslept(const Overslept&) = delete;  // the function looks at this
  Overslept& operator=(const Overslept&) = delete;

  /// Of a call that got as far as the function before its deadline.
  Ended run() {
    for (auto time = 30ms;; time *= 2) {
      Lease lease = pool_->acquire().value();
      deadline_ = Clock::now() + time;
      Ended ended = run_until(lease, deadline_, "run");
      if (!ended.error.backtrace.empty() || time > 1min) return ended;
    }
  }

 private:
  Clock::time_point deadline_;
  std::optional<Pool> pool_;
};

TEST(Deadlines, EndACallInAHostFunctionWhenItReturns) {
  const Ended ended = Overslept({}).run();
  EXPECT_EQ(ended.error.trap, TrapKind::kInterrupted);
  EXPECT_GE(ended.late, 70ms) << "the sleep is not cut short";
  ASSERT_EQ(ended.error.backtrace.size(), 2u);
  EXPECT_TRUE(ended.error.backtrace[0].is_host);
}

TEST(Deadlines, AreTheReasonEvenIfTheHostFunctionFailed) {
  const Ended ended = Overslept(fail(ErrorCode::kHost, "interrupted system call")).run();
  EXPECT_EQ(ended.error.trap, TrapKind::kInterrupted);
  EXPECT_EQ(ended.error.message, "interrupted: the call's deadline passed");
  EXPECT_EQ(ended.error.backtrace.size(), 2u);
}

TEST(Deadlines, OfAnInnerCallEndOnlyIt) {
  const Pool inner = make_guests();
  Error error;
  int after = 0;
  const Pool outer = make_guests([&] {
    Lease lease = inner.acquire().value();
    error = run_until(lease, Clock::now() + 5ms, "spin").error;
    after = inner.acquire()->call<int>("fine").value_or(-1);
  });
  Lease lease = outer.acquire().value();
  lease.set_deadline(Clock::now() + 1h);
  EXPECT_TRUE(lease.call("nested_once").has_value());
  EXPECT_EQ(error.trap, TrapKind::kInterrupted);
  EXPECT_TRUE(lease.call("nested_once").has_value());
}

TEST(Deadlines, OfAnOuterCallEndTheInnerOnesWhateverTheHostMakesOfIt) {
  const Pool inner = make_guests();
  std::vector<TrapKind> inner_ends;
  const Pool outer = make_guests([&] {
    for (int i = 0; i < 3; ++i) {
      Lease lease = inner.acquire().value();
      // One has no deadline of its own, one a later one.
      lease.set_deadline(i == 0 ? Clock::time_point::max() : Clock::now() + 1h);
      const auto result = lease.call("spin");
      inner_ends.push_back(result ? TrapKind::kNone : result.error().trap);
    }
  });
  const Ended ended = run_begun(outer, 50ms, "nested");
  EXPECT_EQ(ended.error.trap, TrapKind::kInterrupted);
  EXPECT_EQ(inner_ends, std::vector<TrapKind>(3, TrapKind::kInterrupted));
  Lease next = outer.acquire().value();
  next.set_deadline(Clock::time_point::max());
  EXPECT_EQ(next.call<int>("fine").value(), 7) << "the kill went with the call that it was for";
}

TEST(Deadlines, OfAnOuterCallCountAfterAnInnerOneWasStopped) {
  const Pool inner = make_guests();
  const Pool outer = make_guests([&] {
    Lease lease = inner.acquire().value();
    EXPECT_EQ(run_until(lease, Clock::now() + 3ms, "spin").error.trap, TrapKind::kInterrupted);
  });
  Lease lease = outer.acquire().value();
  const Ended ended = run_until(lease, Clock::now() + 15ms, "nested");
  EXPECT_EQ(ended.error.trap, TrapKind::kInterrupted);
  EXPECT_GE(ended.late, 0ms);
}

TEST(Deadlines, LetAHostFunctionPassOnTheInnerErrorWithAllFrames) {
  const Pool inner = make_guests();
  Linker linker;
  linker.define("env", "nested", [&]() -> Result<void> { return inner.acquire()->call("spin"); });
  const Pool outer =
      make_pool(R"((module (import "env" "nested" (func $f)) (func (export "run") (call $f))))", {}, linker);
  const Ended ended = run_begun(outer, 50ms, "run");
  EXPECT_EQ(ended.error.trap, TrapKind::kInterrupted);
  EXPECT_EQ(ended.error.backtrace.size(), 3u) << ended.error.to_string();
}

// On a busy machine the watchdog repeats itself before the thread can answer.
TEST(Deadlines, TellWhereTheGuestWasHoweverManyNudgesComeAtOnce) {
  const Pool pool = make_guests();
  // Blocked until the handler of another signal returns, on the alternate stack; then all come at once.
  struct sigaction action = {};
  action.sa_handler = [](int) {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(os::nudge(os::current_thread_id()));
    for (const auto end = Clock::now() + 20ms; Clock::now() < end;) {
    }
  };
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, os::nudge_signal());
  struct sigaction before = {};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  std::jthread sender([guest = pthread_self()] {
    std::this_thread::sleep_for(5ms);
    pthread_kill(guest, SIGUSR1);
  });
  const Ended ended = run_begun(pool, 10ms, "spin");
  sender.join();
  sigaction(SIGUSR1, &before, nullptr);
  EXPECT_EQ(ended.error.trap, TrapKind::kInterrupted);
  EXPECT_EQ(ended.error.backtrace.size(), 1u) << ended.error.to_string();
}

// A short call may end just before its deadline, at it, or long after; the next one must never notice.
void storm(const Pool& pool, std::uint32_t seed, int calls, std::atomic<int>& stopped) {
  std::mt19937 random(seed);
  constexpr std::array kNames = {"spin", "host_loop", "fill", "grow", "recurse", "fine", "fine"};
  for (int i = 0; i < calls; ++i) {
    const std::string_view name = kNames[random() % kNames.size()];
    {
      Lease lease = pool.acquire().value();
      const Ended ended = run_until(lease, Clock::now() + std::chrono::microseconds(random() % 1000), name);
      if (ended.error.code == ErrorCode::kTrap) {
        ASSERT_EQ(ended.error.trap, TrapKind::kInterrupted) << ended.error.to_string();
        ++stopped;
      } else {
        ASSERT_EQ(name, "fine");
      }
    }
    Lease next = pool.acquire().value();
    next.set_deadline(Clock::time_point::max());
    const auto result = next.call<int>("fine");
    ASSERT_TRUE(result.has_value()) << result.error().to_string();
    ASSERT_EQ(*result, 7);
  }
}

TEST(Deadlines, InAStormEndEachCallAndHurtNoOther) {
  if (kThreadSanitizer)
    GTEST_SKIP() << "a guest stopped in ThreadSanitizer's own memset, which it calls, would leave its locks taken";
  const Pool pool = make_guests({}, 50);
  std::atomic<int> stopped = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < 3; ++i) threads.emplace_back([&, i] { storm(pool, i, 700, stopped); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(stopped, 1000);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Nudges, ThatAreForNoCallStopNone) {
  const Pool pool = make_guests();
  Lease lease = pool.acquire().value();
  std::atomic<bool> done = false;
  const os::ThreadId target = os::current_thread_id();
  std::thread pest([&] {
    for (; !done; std::this_thread::sleep_for(20us)) (void)os::nudge(target);
  });
  int fine = 0;
  for (int i = 0; i < 20'000; ++i) fine += lease.call<int>("fine").value_or(0);
  lease.set_deadline(Clock::now() + 1h);
  for (int i = 0; i < 20'000; ++i) fine += lease.call<int>("fine").value_or(0);
  lease.set_deadline(Clock::now() + 5ms);
  const auto spin = lease.call("spin");
  done = true;
  pest.join();
  EXPECT_EQ(fine, 40'000 * 7);
  EXPECT_EQ(spin.error().trap, TrapKind::kInterrupted);
}

TEST(Nudges, AreHarmlessWhileThreadsComeAndGo) {
  const Pool pool = make_guests();
  for (int i = 0; i < 100; ++i) {
    std::thread([&] {
      Lease lease = pool.acquire().value();
      (void)run_until(lease, Clock::now() + std::chrono::microseconds(20 * i), i % 2 == 0 ? "spin" : "fine");
    }).join();
  }
}

TEST(InterruptCalls, StopsCallsOfItsOwnerAndNoOthers) {
  const int owner = 0;
  const int other = 0;
  const auto own = [](const int& by) {
    // The store of the call that runs: the next call in the lease belongs to `by`.
    return [&by] { detail::this_thread()->activations[0].store.load()->owner = &by; };
  };
  const Pool pool = make_guests(own(owner));
  const Pool other_pool = make_guests(own(other));
  std::atomic<int> running = 0;
  std::atomic<int> ended = 0;
  const auto spin = [&](const Pool& from) {
    Lease lease = from.acquire().value();
    EXPECT_TRUE(lease.call("nested_once").has_value());
    ++running;
    const Error error = lease.call("spin").error();
    ++ended;
    EXPECT_EQ(error.trap, TrapKind::kInterrupted);
    EXPECT_EQ(error.message, "interrupted: the pool was shut down");
  };
  std::thread first(spin, std::cref(pool));
  std::thread second(spin, std::cref(pool));
  std::thread third(spin, std::cref(other_pool));
  // Until all have ended: which of them have begun by now is not known.
  const auto interrupt_until = [&](const int& by, int wanted) {
    for (; ended < wanted; std::this_thread::sleep_for(1ms)) detail::interrupt_calls(&by);
  };
  while (running < 3) std::this_thread::yield();
  interrupt_until(owner, 2);
  first.join();
  second.join();
  for (int i = 0; i < 20; ++i, std::this_thread::sleep_for(1ms)) detail::interrupt_calls(&owner);
  EXPECT_EQ(ended, 2);
  interrupt_until(other, 3);
  third.join();
}

TEST(InterruptCalls, DoesNotStopCallsThatBeginLater) {
  const int owner = 0;
  const Pool pool = make_guests([&] { detail::this_thread()->activations[0].store.load()->owner = &owner; });
  Lease lease = pool.acquire().value();
  EXPECT_TRUE(lease.call("nested_once").has_value());
  EXPECT_EQ(lease.call<int>("fine").value(), 7);
  detail::interrupt_calls(&owner);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(lease.call<int>("fine").value(), 7);
}

TEST(InterruptCalls, StopsTheCallThatTheHostFunctionReturnsTo) {
  const int owner = 0;
  const Pool pool = make_guests([&, calls = 0]() mutable {
    detail::this_thread()->activations[0].store.load()->owner = &owner;
    if (++calls == 2) detail::interrupt_calls(&owner);
  });
  Lease lease = pool.acquire().value();
  EXPECT_TRUE(lease.call("nested_once").has_value());
  EXPECT_EQ(lease.call("nested_once").error().message, "interrupted: the pool was shut down");
}

TEST(Deadlines, WorkInAChildAfterFork) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers do not like threads in children";
  const Pool pool = make_guests();
  {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(run_until(lease, Clock::now() + 2ms, "spin").error.trap, TrapKind::kInterrupted);
  }
  const pid_t child = fork();
  if (child == 0) {
    alarm(120);
    Lease lease = pool.acquire().value();
    _exit(run_until(lease, Clock::now() + 2ms, "spin").error.trap == TrapKind::kInterrupted ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

std::atomic<int> handlers_entered = 0;
std::atomic<int> handlers_left = 0;
void slow_handler(int) {
  ++handlers_entered;
  for (const auto end = Clock::now() + 3ms; Clock::now() < end;) {
  }
  ++handlers_left;
}

TEST(Deadlines, LeaveNoOtherSignalsHandlerInItsMidst) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer runs handlers later";
  struct sigaction action = {};
  action.sa_handler = slow_handler;
  action.sa_flags = SA_ONSTACK;
  struct sigaction before = {};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  const Pool pool = make_guests();
  const pthread_t guest = pthread_self();
  {
    const std::jthread sender([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        pthread_kill(guest, SIGUSR1);
        std::this_thread::sleep_for(5ms);
      }
    });
    for (int i = 0; i < 30 || handlers_entered <= 5; ++i) {
      Lease lease = pool.acquire().value();
      EXPECT_EQ(run_until(lease, Clock::now() + 4ms, "spin").error.trap, TrapKind::kInterrupted);
    }
    // Stopped at once, not at a deadline: nobody looks again unless it is woken.
    std::jthread stopper([&] {
      std::this_thread::sleep_for(20ms);
      EXPECT_TRUE(pool.shutdown(Clock::now() + 120s).has_value());
    });
    Lease lease = pool.acquire().value();
    EXPECT_EQ(run_until(lease, Clock::now() + 120s, "spin").error.trap, TrapKind::kInterrupted);
    lease.release();
  }
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_FALSE(sigismember(&mask, SIGUSR1)) << "a handler that did not return leaves its signal masked";
  EXPECT_GT(handlers_entered, 5);
  EXPECT_EQ(handlers_entered, handlers_left);
  sigaction(SIGUSR1, &before, nullptr);
}

/// Signals that wait for this process's user.
int queued_signals() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (int queued = -1; word == "SigQ:" && status >> queued) return queued;
  return -1;
}

TEST(Deadlines, DoNotFillTheQueueOfAThreadThatMasksTheSignal) {
  Linker linker;
  int most = 0;
  linker.define("env", "wait", [&most] {
    for (int i = 0; i < 50; ++i) {
      std::this_thread::sleep_for(10ms);
      most = std::max(most, queued_signals());
    }
  });
  const Pool pool =
      make_pool(R"((module (import "env" "wait" (func $wait)) (func (export "wait") (call $wait))))", {}, linker);
  sigset_t nudge;
  sigset_t before;
  sigemptyset(&nudge);
  sigaddset(&nudge, os::nudge_signal());
  pthread_sigmask(SIG_BLOCK, &nudge, &before);
  const int queued = queued_signals();
  Lease lease = pool.acquire().value();
  lease.set_deadline(Clock::now() + 2ms);
  (void)lease.call("wait");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_GT(most, queued);
  EXPECT_LT(most, queued + 50);
}

TEST(Guests, AreNotAffectedByTheFloatingPointControlThatAHostFunctionLeaves) {
  Linker linker;
  linker.define("env", "change", [] { __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040u | 0x4000u); });
  const Pool pool = make_pool(R"((module (import "env" "change" (func $change))
    (func (export "third") (param i32) (result f64)
      (if (local.get 0) (then (call $change)))
      (f64.div (f64.const 1) (f64.const 3)))
    (func (export "subnormal") (param f64) (result f64) (call $change) (f64.mul (local.get 0) (f64.const 0.5)))))",
                              {}, linker);
  const unsigned before = __builtin_ia32_stmxcsr();
  const auto third = pool.acquire()->call<double>("third", 0);
  const auto changed = pool.acquire()->call<double>("third", 1);
  const auto half = pool.acquire()->call<double>("subnormal", std::numeric_limits<double>::min());
  __builtin_ia32_ldmxcsr(before);
  EXPECT_EQ(changed.value(), third.value());
  EXPECT_EQ(half.value(), std::numeric_limits<double>::denorm_min() * (1ull << 51));
}

}  // namespace
}  // namespace anew::test
