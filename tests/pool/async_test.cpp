// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Host functions that give their results later, and calls that wait for them (anew/async.hpp).
#include <gtest/gtest.h>

#include <anew/anew.hpp>
#include <atomic>
#include <chrono>
#include <deque>
#include <optional>
#include <semaphore>
#include <thread>
#include <tuple>
#include <vector>

#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kAsks = R"((module
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (import "env" "pair" (func $pair (result i64 f64)))
  (import "env" "pause" (func $pause))
  (memory (export "memory") 1)
  (global $asked (mut i32) (i32.const 0))
  (func (export "ask") (param i32) (result i32) (local $answer i32)
    (i32.store (i32.const 8) (local.get 0))
    (local.set $answer (call $ask (local.get 0)))
    (global.set $asked (i32.add (global.get $asked) (i32.const 1)))
    (i32.add (local.get $answer) (i32.load (i32.const 8))))
  (func (export "ask_twice") (param i32) (result i32)
    (i32.add (i32.mul (call $ask (local.get 0)) (i32.const 1000)) (call $ask (i32.add (local.get 0) (i32.const 1)))))
  (func (export "pair") (result i64 f64) (call $pair))
  (func (export "pause") (call $pause))
  (func (export "asked") (result i32) (global.get $asked))))";

/// Questions that nobody has answered yet.
struct Questions {
  struct Question {
    std::int32_t about;
    Completion<std::int32_t> completion;
  };
  std::deque<Question> open;
  std::optional<Completion<std::tuple<std::int64_t, double>>> pair;
  std::optional<Completion<void>> pause;

  [[nodiscard]] Linker linker() {
    Linker linker;
    linker.define_async("env", "ask", [this](std::int32_t about, Completion<std::int32_t> completion) {
      if (about < 0) return completion.complete(-about);  // there at once
      open.push_back({about, std::move(completion)});
    });
    linker.define_async("env", "pair", [this](Completion<std::tuple<std::int64_t, double>> completion) {
      pair = std::move(completion);
    });
    linker.define_async("env", "pause", [this](Completion<void> completion) -> Result<void> {
      if (pause) return fail(ErrorCode::kHost, "it pauses already");
      pause = std::move(completion);
      return {};
    });
    return linker;
  }
  void answer(std::int32_t answer) {
    const Question question = std::move(open.front());
    open.pop_front();
    question.completion.complete(answer);
  }
};

Pool make_asking_pool(Questions& questions, PoolOptions options = {.capacity = 1, .audit_every = 1}) {
  const Engine engine({.cache = false, .stack_bytes = 64 << 10});
  return Pool::create(engine.compile(wat(kAsks)).value(), questions.linker(), std::move(options)).value();
}

TEST(AsyncCall, WaitsWithoutItsThreadAndGoesOn) {
  Questions questions;
  const Pool pool = make_asking_pool(questions);
  const auto ask = pool.function<std::int32_t(std::int32_t)>("ask").value();
  Call<std::int32_t> call = pool.acquire().value().start(ask, 5);
  EXPECT_FALSE(call.is_done());
  EXPECT_FALSE(call.is_ready());
  EXPECT_FALSE(call.resume()) << "there is nothing to go on with";
  EXPECT_EQ(call.result().error().code, ErrorCode::kArgument);
  int woken = 0;
  call.on_ready([&] { ++woken; });
  EXPECT_EQ(woken, 0);
  questions.answer(100);
  EXPECT_EQ(woken, 1);
  EXPECT_TRUE(call.is_ready());
  EXPECT_TRUE(call.resume());
  EXPECT_EQ(call.result().value(), 105);
  EXPECT_EQ(call.lease().call<std::int32_t>("asked").value(), 1) << "the lease can be called again";
}

TEST(AsyncCall, IsDoneAtOnceIfTheResultIs) {
  Questions questions;
  const Pool pool = make_asking_pool(questions);
  const auto ask = pool.function<std::int32_t(std::int32_t)>("ask").value();
  const Call<std::int32_t> call = pool.acquire().value().start(ask, -5);
  ASSERT_TRUE(call.is_done());
  EXPECT_EQ(call.result().value(), 0);
}

TEST(AsyncCall, WaitsAgainAndMovesBetweenThreads) {
  Questions questions;
  const Pool pool = make_asking_pool(questions);
  const auto ask = pool.function<std::int32_t(std::int32_t)>("ask_twice").value();
  std::optional<Call<std::int32_t>> call;
  std::thread([&] { call.emplace(pool.acquire().value().start(ask, 7)); }).join();
  EXPECT_EQ(questions.open.front().about, 7);
  std::thread([&] { questions.answer(3); }).join();
  std::thread([&] { EXPECT_FALSE(call->resume()); }).join();
  EXPECT_EQ(questions.open.front().about, 8);
  questions.answer(4);
  int woken = 0;
  call->on_ready([&] { ++woken; });
  EXPECT_EQ(woken, 1) << "at once, for it is there";
  EXPECT_TRUE(call->resume());
  EXPECT_EQ(call->result().value(), 3004);
}

TEST(AsyncCall, TakesResultsOfAllKinds) {
  Questions questions;
  const Pool pool = make_asking_pool(questions);
  const auto pair = pool.function<std::tuple<std::int64_t, double>()>("pair").value();
  Call<std::tuple<std::int64_t, double>> call = pool.acquire().value().start(pair);
  questions.pair->complete({std::int64_t{1} << 40, 2.5});
  ASSERT_TRUE(call.resume());
  EXPECT_EQ(call.result().value(), std::tuple(std::int64_t{1} << 40, 2.5));
}

TEST(AsyncCall, TrapsIfTheHostFails) {
  Questions questions;
  const Pool pool = make_asking_pool(questions);
  const auto ask = pool.function<std::int32_t(std::int32_t)>("ask").value();
  {
    Call<std::int32_t> call = pool.acquire().value().start(ask, 1);
    questions.open.front().completion.fail({ErrorCode::kHost, "no answer", std::nullopt, TrapKind::kNone, {}});
    questions.open.front().completion.complete(1);  // too late
    EXPECT_TRUE(call.resume());
    const Error error = call.result().error();
    EXPECT_EQ(error.trap, TrapKind::kHostError);
    EXPECT_NE(error.message.find("no answer"), std::string::npos) << error.message;
    ASSERT_EQ(error.backtrace.size(), 2u);
    EXPECT_EQ(error.backtrace[1].function_name, "ask");
    questions.open.clear();
  }
  {
    Call<std::int32_t> call = pool.acquire().value().start(ask, 1);
    questions.open.clear();
    std::thread([&] { EXPECT_TRUE(call.resume()); }).join();  // one that no guest has run on
    EXPECT_NE(call.result().error().message.find("nobody is left"), std::string::npos);
  }
  const auto pause = pool.function<void()>("pause").value();
  Call<void> waits = pool.acquire().value().start(pause);
  EXPECT_FALSE(waits.is_done());
  questions.pause->complete();
  EXPECT_TRUE(waits.resume());
  EXPECT_TRUE(waits.result());
  EXPECT_EQ(waits.lease().call("pause").error().trap, TrapKind::kHostError) << "fails at once";
}

TEST(AsyncCall, ThatIsGivenUpLeavesNothing) {
  Questions questions;
  const Pool pool = make_asking_pool(questions);
  const auto ask = pool.function<std::int32_t(std::int32_t)>("ask").value();
  {
    const Call<std::int32_t> call = pool.acquire().value().start(ask, 9);
  }
  questions.answer(1);  // whoever works on it does not know
  {
    const Pool others = make_asking_pool(questions, {.capacity = 2, .audit_every = 1});
    Call<std::int32_t> call =
        others.acquire().value().start(others.function<std::int32_t(std::int32_t)>("ask").value(), 9);
    call = others.acquire().value().start(others.function<std::int32_t(std::int32_t)>("ask").value(), -1);
    EXPECT_EQ(others.statistics().distrusted, 1u) << "the first one went, and was restored whole";
    EXPECT_EQ(call.result().value(), 0);
  }
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.memory().load<std::uint32_t>(8).value(), 0u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(AsyncCall, EndsWhenItsDeadlineHasPassed) {
  Questions questions;
  const Pool pool = make_asking_pool(questions);
  const auto ask = pool.function<std::int32_t(std::int32_t)>("ask").value();
  Lease lease = pool.acquire().value();
  lease.set_deadline(std::chrono::steady_clock::now() + 20ms);
  Call<std::int32_t> call = std::move(lease).start(ask, 9);
  std::this_thread::sleep_for(30ms);
  if (!questions.open.empty()) questions.answer(1);  // on a busy machine it may end before it asks
  EXPECT_TRUE(call.resume());
  EXPECT_EQ(call.result().error().trap, TrapKind::kInterrupted);
  EXPECT_EQ(std::move(lease).start(ask, 1).result().error().code, ErrorCode::kArgument)
      << "the lease is empty";  // NOLINT
}

TEST(AsyncCall, OfAnyOtherKindKeepsItsThread) {
  Questions questions;
  Linker linker = questions.linker();
  linker.define_async("env", "ask", [](std::int32_t about, Completion<std::int32_t> completion) {
    std::thread([about, completion] { completion.complete(about * 2); }).detach();
  });
  const Pool pool = Pool::create(Engine({.cache = false}).compile(wat(kAsks)).value(), linker, {.capacity = 1}).value();
  EXPECT_EQ(pool.acquire().value().call<std::int32_t>("ask", 21).value(), 63);
  Lease lease = pool.acquire().value();
  lease.set_deadline(std::chrono::steady_clock::now() + 20ms);
  EXPECT_EQ(lease.call("pause").error().trap, TrapKind::kInterrupted) << "nobody ever completes it";
}

TEST(AsyncCall, OfTenThousandWaitAtOnceOnOneThread) {
  constexpr std::uint32_t kCalls = 10'000;
  Questions questions;
  const Pool pool = make_asking_pool(questions, {.capacity = kCalls});
  const auto ask = pool.function<std::int32_t(std::int32_t)>("ask").value();
  std::vector<Call<std::int32_t>> calls;
  for (std::uint32_t i = 0; i < kCalls; ++i) {
    auto lease = pool.acquire();
    // Where the system's limit of mappings is reached first, all that there is room for.
    if (!lease) {
      ASSERT_EQ(lease.error().code, ErrorCode::kResource);
      break;
    }
    calls.push_back(std::move(*lease).start(ask, static_cast<std::int32_t>(i)));
    if (calls.back().is_done()) {
      ASSERT_EQ(calls.back().result().error().trap, TrapKind::kStackExhausted) << "no room for a stack";
      calls.pop_back();
      break;
    }
  }
  EXPECT_GE(calls.size(), test::kThreadSanitizer ? 100u : 5'000u);  // that one has mappings of its own
  ASSERT_EQ(questions.open.size(), calls.size());
  while (!questions.open.empty()) questions.answer(1'000'000);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    ASSERT_TRUE(calls[i].resume());
    ASSERT_EQ(calls[i].result().value(), 1'000'000 + static_cast<std::int32_t>(i));
  }
}

/// As docs/embedding.md has it.
TEST(AsyncCall, IsAsTheGuideSays) {
  std::vector<std::jthread> workers;
  Questions questions;
  Linker linker = questions.linker();

  linker.define_async("env", "ask", [&](std::int32_t about, Completion<std::int32_t> completion) {
    workers.emplace_back([about, completion] { completion.complete(about + 1); });  // whoever has the result, later
  });

  const Pool pool = Pool::create(Engine({.cache = false}).compile(wat(kAsks)).value(), linker, {.capacity = 2}).value();
  const auto ask = pool.function<std::int32_t(std::int32_t)>("ask").value();

  Call<std::int32_t> call = pool.acquire().value().start(ask, 20);  // the lease goes with the call
  std::binary_semaphore ready(0);
  while (!call.is_done()) {
    call.on_ready([&] { ready.release(); });  // or post to the event loop
    ready.acquire();
    call.resume();  // until it ends or waits again
  }
  const Result<std::int32_t> answer = call.result();

  EXPECT_EQ(answer.value(), 41);
}

}  // namespace
}  // namespace anew::test
