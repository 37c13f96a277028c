// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// States that host functions keep for their guests: any number of them, found by type, one of each for a store, as new
// in each lease.
#include <gtest/gtest.h>

#include <anew/store.hpp>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kVisitor = R"((module (import "env" "visit" (func $visit (result i32)))
  (export "visit" (func $visit))
  (func (export "visit_and_trap") (drop (call $visit)) unreachable)
  (func (export "visit_for_ever") (drop (call $visit)) (loop (br 0)))))";

struct Visits {
  int count = 0;
};

/// Counts the visits.
Linker visited() {
  Linker linker;
  linker.define_state<Visits>();
  linker.define("env", "visit", [](Visits& visits) { return ++visits.count; });
  return linker;
}

/// Neither copied nor moved, and made of what the linker knows.
class Journal {
 public:
  explicit Journal(std::string title) : lines_{std::move(title)} {}
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  void write(std::string line) { lines_.push_back(std::move(line)); }
  void clear() noexcept { lines_.resize(1); }
  [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }

 private:
  std::vector<std::string> lines_;
};

TEST(HostState, IsMadeForEachInstanceAndReset) {
  std::atomic<int> made = 0;
  Linker linker = visited();
  linker.define_state<Visits>(
      [&made] {
        ++made;
        return Visits();
      },
      [](Visits& visits) { visits = {}; });
  const Pool pool = make_pool(kVisitor, {.capacity = 2, .audit_every = 1}, linker);
  Lease other = pool.acquire().value();
  EXPECT_EQ(other.call<int>("visit").value(), 1);
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("visit").value(), 1);
    EXPECT_EQ(lease.call<int>("visit").value(), 2);
    EXPECT_EQ(lease.find_state<Visits>()->count, 2);
  }
  EXPECT_EQ(made, 2);
}

TEST(HostState, ThatHasNoResetIsMadeAgain) {
  int alive = 0;
  int made = 0;
  const auto leave = [&alive](const int* number) {
    delete number;
    --alive;
  };
  using Number = std::unique_ptr<int, decltype(leave)>;
  {
    Linker linker;
    linker.define_state<Number>([&] {
      EXPECT_EQ(alive, 0) << "the one before has gone";
      ++alive;
      return Number(new int(++made), leave);
    });
    const Pool pool = make_pool("(module)", {.capacity = 1}, linker);
    for (int i = 1; i <= 3; ++i) {
      const Lease lease = pool.acquire().value();
      EXPECT_EQ(**lease.find_state<Number>(), i);
    }
  }
  EXPECT_EQ(alive, 0);
}

TEST(HostState, IsResetHoweverTheCallsEnd) {
  const Pool pool = make_pool(kVisitor, {.capacity = 1, .audit_every = 1}, visited());
  const auto expect_new = [&](const char* after) { EXPECT_EQ(pool.acquire()->call<int>("visit").value(), 1) << after; };
  expect_new("nothing");
  expect_new("a normal return");
  EXPECT_EQ(pool.acquire()->call("visit_and_trap").error().trap, TrapKind::kUnreachable);
  expect_new("a trap");
  {
    Lease lease = pool.acquire().value();
    lease.set_deadline(Clock::now() + 5ms);
    EXPECT_EQ(lease.call("visit_for_ever").error().trap, TrapKind::kInterrupted);
  }
  expect_new("a kill");
  pool.acquire()->find_state<Visits>()->count = 17;
  expect_new("a lease without a call");
  EXPECT_EQ(pool.statistics().instances, 1u);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(HostState, OfSeveralHostModulesLieSideBySide) {
  Linker linker = visited();
  linker.define_state<Journal>([title = std::string("the title")] { return Journal(title); }, &Journal::clear);
  linker.define_state<std::optional<int>>([]() -> Result<std::optional<int>> { return 5; });
  linker.define("env", "note", [](Journal& journal, Caller caller, std::optional<int>& kept, int value) {
    journal.write(std::to_string(value));
    if (kept) kept = *kept + value;
    return caller.state<Visits>().count;
  });
  linker.define("env", "keep", [](Visits&, std::optional<int>& kept) { return kept.value_or(-1); });
  const Pool pool = make_pool(R"((module (import "env" "visit" (func (result i32)))
    (import "env" "note" (func (param i32) (result i32))) (import "env" "keep" (func (result i32)))
    (export "visit" (func 0)) (export "note" (func 1)) (export "keep" (func 2))))",
                              {.capacity = 1}, linker);
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("visit").value(), 1);
    EXPECT_EQ(lease.call<int>("note", 10).value(), 1);
    EXPECT_EQ(lease.call<int>("note", 20).value(), 1);
    EXPECT_EQ(lease.call<int>("keep").value(), 35);
    EXPECT_EQ(lease.find_state<Journal>()->lines(), (std::vector<std::string>{"the title", "10", "20"}));
    lease.find_state<std::optional<int>>()->reset();
  }
}

TEST(HostState, OfAnotherTypeIsNotFound) {
  Linker linker = visited();
  linker.define("env", "visit", [](Caller caller) {
    EXPECT_EQ(caller.find_state<Journal>(), nullptr);
    return static_cast<int>(caller.state<Journal>().lines().size());
  });
  const Pool pool = make_pool(kVisitor, {.capacity = 1}, linker);
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.find_state<Journal>(), nullptr);
  const Error error = lease.call<int>("visit").error();
  EXPECT_EQ(error.trap, TrapKind::kHostError);
  EXPECT_NE(error.message.find("Journal: define it with Linker::define_state"), std::string::npos) << error.message;
}

TEST(HostState, ThatAHostFunctionTakesIsThereOrTheModuleIsNotLinked) {
  Linker linker;
  linker.define("env", "visit", [](Visits& visits) { return ++visits.count; });
  const auto pool = Pool::create(compile(kVisitor), linker);
  ASSERT_FALSE(pool.has_value());
  EXPECT_EQ(pool.error().code, ErrorCode::kLink);
  EXPECT_NE(pool.error().message.find("Visits that the linker does not define"), std::string::npos)
      << pool.error().message;
  linker.define_state<Visits>();
  EXPECT_TRUE(Pool::create(compile(kVisitor), linker).has_value());
}

TEST(HostState, OfALinkerThatIsGoneOrHasAnotherByNowIsWhatThePoolWasLinkedTo) {
  std::optional<Linker> linker = visited();
  const Linker same = *linker;  // shares what is defined
  const Pool pool = make_pool(kVisitor, {.capacity = 2}, same);
  Linker(*linker).define_state<Visits>([] { return Visits{100}; });
  const Pool later = make_pool(kVisitor, {.capacity = 2}, same);
  linker.reset();
  Lease first = pool.acquire().value();
  EXPECT_EQ(first.call<int>("visit").value(), 1);
  EXPECT_EQ(pool.acquire()->call<int>("visit").value(), 1);
  EXPECT_EQ(later.acquire()->call<int>("visit").value(), 101);
}

TEST(HostState, ThatFailsIsAnErrorOrCostsTheInstance) {
  Linker throws = visited();
  throws.define_state<Journal>([]() -> Journal { throw std::runtime_error("no state today"); });
  const Pool pool = make_pool(kVisitor, {.capacity = 1}, throws);
  const Error error = pool.acquire().error();
  EXPECT_EQ(error.code, ErrorCode::kHost);
  EXPECT_NE(error.message.find("no state today"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("Journal"), std::string::npos) << error.message;
  EXPECT_EQ(pool.instantiate().error().code, ErrorCode::kHost);

  int left = 2;
  Linker fails;
  fails.define_state<int>([&left]() -> Result<int> {
    if (left-- > 0) return 7;
    return fail(ErrorCode::kIo, "no more");
  });
  const Pool few = make_pool("(module)", {.capacity = 1}, fails);
  EXPECT_EQ(*few.acquire()->find_state<int>(), 7);  // given back, it is made a second time
  EXPECT_EQ(*few.acquire()->find_state<int>(), 7);
  EXPECT_EQ(few.acquire().error().code, ErrorCode::kIo) << "the third time failed, and so did the instance's";
  EXPECT_EQ(few.statistics().instances, 1u);
  left = 100;
  EXPECT_TRUE(few.acquire().has_value());

  Linker throws_in_reset = visited();
  throws_in_reset.define_state<int>({}, [](int&) { throw 1; });
  const Pool other = make_pool(kVisitor, {.capacity = 1}, throws_in_reset);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(other.acquire()->call<int>("visit").value(), 1);
  EXPECT_EQ(other.statistics().instances, 3u);
}

/// Says when it goes.
struct Last {
  std::vector<int>* order;
  int number;
  ~Last() {
    if (order != nullptr) order->push_back(number);
  }
};
struct First : Last {};

TEST(HostState, ThatWasDefinedLastGoesFirst) {
  std::vector<int> order;
  Linker linker;
  linker.define_state<First>([&] { return First{{&order, 1}}; }, [](First&) {});
  linker.define_state<Last>([&] { return Last{&order, 2}; }, [](Last&) {});
  {
    const Lease lease = make_pool("(module)", {.capacity = 1}, linker).acquire().value();
  }
  EXPECT_EQ(order, (std::vector<int>{2, 1}));
}

TEST(HostState, IsSharedByTheInstancesOfAStore) {
  Linker linker = visited();
  linker.define_module("inner", compile(kVisitor));
  const Pool pool = make_pool(R"((module (import "env" "visit" (func $here (result i32)))
    (import "inner" "visit" (func $there (result i32))) (import "inner" "visit_and_trap" (func $trap))
    (export "here" (func $here)) (export "there" (func $there)) (export "trap" (func $trap))))",
                              {.capacity = 1, .audit_every = 1}, linker);
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("here").value(), 1);
    EXPECT_EQ(lease.call<int>("there").value(), 2);
    EXPECT_EQ(lease.call("trap").error().trap, TrapKind::kUnreachable);
    EXPECT_EQ(lease.call<int>("here").value(), 4) << "the trap left it as it was";
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(HostState, OfAStartFunctionAndAPreludeIsOneAndIsInNoInstance) {
  std::vector<int> seen;
  Linker linker;
  linker.define_state<Visits>();
  linker.define("env", "visit", [&seen](Visits& visits) { seen.push_back(++visits.count); });
  const Pool pool = make_pool(R"((module (import "env" "visit" (func $visit))
    (func $start (call $visit)) (start $start)
    (func (export "prelude") (call $visit) (call $visit)) (export "visit" (func $visit))))",
                              {.capacity = 1, .snapshot = {.freeze_start = true, .prelude = {"prelude"}}}, linker);
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(pool.acquire()->call("visit").has_value());
    EXPECT_EQ(seen.back(), 1);
  }
  seen.clear();
  Lease slow = pool.instantiate().value();
  EXPECT_TRUE(slow.call("visit").has_value());
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3, 1})) << "nor in one that is made the slow way";
}

TEST(HostState, IsAsNewWhenTheStartFunctionRunsAfterAReset) {
  const Pool pool = make_pool(R"((module (import "env" "visit" (func $visit (result i32)))
    (global $first (mut i32) (i32.const 0)) (func $start (global.set $first (call $visit))) (start $start)
    (func (export "first") (result i32) (global.get $first)) (export "visit" (func $visit))))",
                              {.capacity = 1}, visited());
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("first").value(), 1);
    EXPECT_EQ(lease.call<int>("visit").value(), 2);
  }
}

TEST(HostState, OfAStoreIsMadeByTheLinkerThatFirstNeedsItAndIsResetWithTheStore) {
  const Module visitor = compile(kVisitor);
  const Linker linker = visited();
  Store store;
  const Instance one = store.instantiate(visitor, linker).value();
  const auto visit = [](const Instance& instance) { return instance.call_values("visit", {}).value()[0].bits; };
  EXPECT_EQ(visit(one), 1u);
  const Instance two = store.instantiate(visitor, Linker(linker)).value();
  EXPECT_EQ(visit(two), 2u) << "a copy of the linker has the same definition";
  const auto foreign = store.instantiate(visitor, visited());
  ASSERT_FALSE(foreign.has_value());
  EXPECT_EQ(foreign.error().code, ErrorCode::kArgument);
  EXPECT_NE(foreign.error().message.find("of another linker"), std::string::npos) << foreign.error().message;

  ASSERT_TRUE(store.freeze().has_value());
  EXPECT_EQ(visit(one), 3u);
  Linker further;
  auto gone = std::make_shared<int>(1);
  further.define_state<std::shared_ptr<int>>([&gone] { return gone; });
  ASSERT_TRUE(store.instantiate(compile("(module)"), further).has_value());
  EXPECT_EQ(gone.use_count(), 2);
  ASSERT_TRUE(store.reset().has_value());
  EXPECT_EQ(visit(one), 1u) << "as it was made";
  EXPECT_EQ(gone.use_count(), 1) << "it came after the freeze, and went with its instance";
}

TEST(HostState, IsEachThreadsOwn) {
  constexpr int kThreads = 4;
  constexpr int kRounds = kThreadSanitizer ? 200 : 2000;
  Linker linker = visited();
  linker.define_state<std::string>([] { return std::string("as it was made"); });
  linker.define("env", "visit", [](Visits& visits, std::string& text) {
    text += '.';
    return ++visits.count;
  });
  const Pool pool = make_pool(kVisitor, {.capacity = kThreads}, linker);
  const auto visit = pool.function<int()>("visit").value();
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
          Lease lease = pool.acquire_until(Clock::time_point::max()).value();
          if (lease.call(visit).value() != 1 || lease.call(visit).value() != 2) ++wrong;
          if (*lease.find_state<std::string>() != "as it was made..") ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace anew::test
