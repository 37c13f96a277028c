// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Components as an embedder has them: compiled, linked, called, each call as new. What they are made of stands beside
// the binaries in tests/data/component.
#include <gtest/gtest.h>

#include <anew/component/component.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "component/linked.hpp"
#include "engine.hpp"
#include "runtime/module_state.hpp"

namespace anew::component {
namespace {

Component load(const char* name) {
  auto component = Component::load(engine(), data(name));
  EXPECT_TRUE(component) << component.error().to_string();
  return std::move(component).value();
}

/// Calls an export and expects it to trap. @return the message.
std::string trap_of(Lease& lease, std::string_view name, std::initializer_list<Value> arguments) {
  auto result = lease.call(name, arguments);
  EXPECT_FALSE(result) << name;
  if (result) return "";
  EXPECT_EQ(result.error().code, ErrorCode::kTrap) << result.error().to_string();
  return result.error().to_string();
}

constexpr PoolOptions kAudited = {.capacity = 1, .audit_every = 1};

TEST(Components, AreCalledWithIntegers) {
  const Component component = load("add.wasm");
  ASSERT_EQ(component.exports().size(), 1u);
  EXPECT_EQ(component.exports()[0].name, "add");
  EXPECT_EQ(component.exports()[0].type, "func(a: s32, b: s32) -> s32");
  EXPECT_TRUE(component.imports().empty());
  const Pool pool = Pool::create(component, Linker(), kAudited).value();
  const Function add = pool.function("add").value();
  EXPECT_EQ(add.type(), "func(a: s32, b: s32) -> s32");
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call(add, {std::int32_t{40}, std::int32_t{2}}).value(), Value(std::int32_t{42}));
  EXPECT_EQ(lease.call(add, {std::int32_t{-1}, std::int32_t{-2}}).value(), Value(std::int32_t{-3}));
  // Arguments of other types, or too few, are refused, and the instance can still be called.
  EXPECT_EQ(lease.call(add, {std::int64_t{40}, std::int32_t{2}}).error().code, ErrorCode::kArgument);
  EXPECT_EQ(lease.call(add, {std::int32_t{40}}).error().code, ErrorCode::kArgument);
  EXPECT_EQ(lease.call("add", {std::int32_t{1}, std::int32_t{1}}).value(), Value(std::int32_t{2}));
  const Error unknown = lease.call("ad", {}).error();
  EXPECT_EQ(unknown.code, ErrorCode::kNotFound);
  EXPECT_NE(unknown.message.find("did you mean \"add\""), std::string::npos) << unknown.message;
  const Pool other = Pool::create(component, Linker(), kAudited).value();
  EXPECT_EQ(lease.call(other.function("add").value(), {}).error().code, ErrorCode::kArgument);
}

/// The host of greet.wat.
struct Log {
  std::vector<std::string> lines;
};

Linker make_linker() {
  Linker linker;
  linker.define_state<Log>();
  // Another version of the interface than the component asks for.
  linker.define("test:host/log@0.1.0", "log", [](Caller& caller, Values arguments) -> Result<Value> {
    const auto& message = arguments.at(0).as<std::string>();
    if (message == "refuse") return fail(ErrorCode::kHost, "it does not like that");
    caller.state<Log>().lines.push_back(message + " " + std::to_string(arguments.at(1).as<std::uint64_t>()));
    return Value();
  });
  linker.define("test:host/log@0.1.0", "lines", [](Caller& caller, Values) -> Result<Value> {
    Values lines;
    for (const std::string& line : caller.state<Log>().lines) lines.emplace_back(line);
    return Value(std::move(lines));
  });
  return linker;
}

TEST(Components, HaveSmallCardsUnlessToldOtherwise) {
  const Engine engine({.cache = false});
  const auto card_shift = [&](const CompileOptions& options) {
    const Component component = Component::load(engine, data("greet.wasm"), options).value();
    return component.state()->modules.front().state()->layout.card_shift();
  };
  EXPECT_EQ(card_shift({}), 9u);
  EXPECT_EQ(card_shift({.card_bytes = 4096}), 12u);
}

TEST(Components, ExchangeStringsAndAreAsNew) {
  const Component component = load("greet.wasm");
  const auto imports = component.imports();
  ASSERT_EQ(imports.size(), 2u);
  EXPECT_EQ(imports[0].name, "test:host/log@0.1.3#log");
  EXPECT_EQ(imports[0].type, "func(message: string, count: u64)");
  EXPECT_EQ(imports[1].type, "func() -> list<string>");
  const Pool pool = Pool::create(component, make_linker(), kAudited).value();
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call("greet", {std::string("Ada")}).value(), Value(std::string("Hello, Ada!")));
    EXPECT_EQ(lease.call("greet", {std::string("Ëva")}).value(), Value(std::string("Hello, Ëva!")));
    EXPECT_EQ(lease.core().find_state<Log>()->lines, (std::vector<std::string>{"Ada 1", "Ëva 2"})) << "of this lease";
    EXPECT_EQ(lease.call("cleaned", {}).value(), Value(std::uint32_t{2})) << "post-return";
    EXPECT_EQ(lease.call("count-lines", {}).value(), Value(std::uint32_t{2})) << "a list that the host returns";
    EXPECT_EQ(lease.call("greet", {std::string("\xFF")}).error().code, ErrorCode::kArgument) << "no UTF-8";
  }
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

TEST(Components, CannotBeEnteredAfterATrap) {
  const Pool pool = Pool::create(load("greet.wasm"), make_linker(), kAudited).value();
  {
    Lease lease = pool.acquire().value();
    EXPECT_NE(trap_of(lease, "trap", {}).find("unreachable"), std::string::npos);
    EXPECT_NE(trap_of(lease, "cleaned", {}).find("cannot enter"), std::string::npos);
  }
  {
    Lease lease = pool.acquire().value();
    const std::string words = trap_of(lease, "greet", {std::string("refuse")});
    EXPECT_NE(words.find("test:host/log@0.1.3#log: it does not like that"), std::string::npos) << words;
  }
  {
    Lease lease = pool.acquire().value();
    // More than the allocator has room for.
    EXPECT_NE(trap_of(lease, "greet", {std::string(100'000, 'x')}).find("unreachable"), std::string::npos);
  }
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call("cleaned", {}).value(), Value(std::uint32_t{0})) << "as new";
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u);
}

TEST(Components, AreNotLinkedWithoutTheirImports) {
  const Component component = load("greet.wasm");
  Linker linker;
  linker.define("test:host/log@0.2.0", "log", [](Caller&, Values) -> Result<Value> { return Value(); });
  const Error error = Pool::create(component, linker).error();
  EXPECT_EQ(error.code, ErrorCode::kLink);
  EXPECT_NE(error.message.find("test:host/log@0.1.3#log (func(message: string, count: u64)) is not defined"),
            std::string::npos)
      << error.message;
  EXPECT_NE(error.message.find("2 of the component's imports"), std::string::npos) << error.message;
  linker.trap_unknown_functions();
  const Pool pool = Pool::create(component, linker).value();
  Lease lease = pool.acquire().value();
  EXPECT_NE(trap_of(lease, "greet", {std::string("Ada")}).find("not implemented"), std::string::npos);
}

/// The host of counters.wat: a file's size is 100 times its number.
struct Files {
  std::vector<std::uint32_t> dropped;
};

Linker make_files() {
  Linker linker;
  linker.define_state<Files>();
  linker.define("test:host/files", "open", [](Caller&, Values arguments) -> Result<Value> {
    return Value(Resource{.representation = arguments.at(0).as<std::uint32_t>(), .is_owned = true});
  });
  linker.define("test:host/files", "[method]file.size", [](Caller&, Values arguments) -> Result<Value> {
    const auto& file = arguments.at(0).as<Resource>();
    EXPECT_FALSE(file.is_owned);
    return Value(file.representation * 100);
  });
  linker.define_resource("test:host/files", "file", [](Caller& caller, std::uint32_t file) -> Result<void> {
    caller.state<Files>().dropped.push_back(file);
    return {};
  });
  return linker;
}

TEST(Components, HaveResourcesOfTheirOwn) {
  const Pool pool = Pool::create(load("counters.wasm"), make_files(), kAudited).value();
  EXPECT_EQ(pool.function("make").value().type(), "func(value: u32) -> own<counter>");
  Lease lease = pool.acquire().value();
  const Value counter = lease.call("make", {std::uint32_t{7}}).value();
  EXPECT_EQ(counter.as<Resource>().representation, 7u);
  EXPECT_TRUE(counter.as<Resource>().is_owned);
  Resource lent = counter.as<Resource>();
  lent.is_owned = false;
  EXPECT_EQ(lease.call("get", {lent}).value(), Value(std::uint32_t{7}));
  EXPECT_EQ(lease.call("take", {lent}).error().code, ErrorCode::kArgument) << "it wants to own it";
  EXPECT_EQ(lease.call("take", {counter}).value(), Value(std::uint32_t{7}));
  EXPECT_EQ(lease.call("destroyed", {}).value(), Value(std::uint32_t{7})) << "the guest dropped it";
  const Value other = lease.call("make", {std::uint32_t{5}}).value();
  EXPECT_EQ(lease.drop(lent).error().code, ErrorCode::kArgument);
  EXPECT_TRUE(lease.drop(other.as<Resource>()));
  EXPECT_EQ(lease.call("destroyed", {}).value(), Value(std::uint32_t{12})) << "the host dropped it";
  const Value last = lease.call("make", {std::uint32_t{1}}).value();
  EXPECT_NE(trap_of(lease, "forge", {std::uint32_t{1000}}).find("handle"), std::string::npos);
  const auto dropped = lease.drop(last.as<Resource>());
  ASSERT_FALSE(dropped);
  EXPECT_EQ(dropped.error().code, ErrorCode::kTrap) << "nothing enters it after a trap";
}

TEST(Components, HaveResourcesOfTheHosts) {
  const Pool pool = Pool::create(load("counters.wasm"), make_files(), kAudited).value();
  {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call("sizes", {std::uint32_t{3}}).value(), Value(std::uint32_t{600}));
    EXPECT_EQ(lease.core().find_state<Files>()->dropped, std::vector<std::uint32_t>{3});
    EXPECT_EQ(lease.call("keep", {std::uint32_t{4}}).value(), Value(std::uint32_t{1})) << "the first free handle";
    EXPECT_EQ(lease.call("forge", {std::uint32_t{1}}).value(), Value(std::uint32_t{400}));
  }
  {
    Lease lease = pool.acquire().value();
    EXPECT_NE(trap_of(lease, "forge", {std::uint32_t{1}}).find("handle"), std::string::npos) << "of the last lease";
  }
  Lease lease = pool.acquire().value();
  EXPECT_NE(trap_of(lease, "twice", {std::uint32_t{9}}).find("handle"), std::string::npos);
  EXPECT_EQ(lease.core().find_state<Files>()->dropped, std::vector<std::uint32_t>{9});
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

TEST(Components, OfSeveralComponentsHandStringsAndResourcesAround) {
  const Component component = load("composed.wasm");
  EXPECT_EQ(component.exports().size(), 4u);
  const Pool pool = Pool::create(component, Linker(), kAudited).value();
  for (int i = 0; i < 2; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call("test:composed/api@1.2.0#shift-twice", {std::string("HAL")}).value(),
              Value(std::string("JCN")));
    EXPECT_EQ(lease.call("test:composed/api@1.3.1#through", {std::uint32_t{21}}).value(), Value(std::uint32_t{42}))
        << "a version that is compatible";
    EXPECT_EQ(lease.call("test:composed/api#through", {std::uint32_t{21}}).value(), Value(std::uint32_t{42}));
    EXPECT_EQ(lease.call("test:composed/api@2.0.0#through", {}).error().code, ErrorCode::kNotFound);
    EXPECT_NE(trap_of(lease, "fail", {}).find("unreachable"), std::string::npos);
    EXPECT_NE(trap_of(lease, "fail", {}).find("cannot enter"), std::string::npos);
  }
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

TEST(Components, RunAPreludeOnceForAllInstances) {
  PoolOptions options = kAudited;
  options.snapshot.prelude = {"cleaned", "count-lines"};
  const Pool pool = Pool::create(load("greet.wasm"), make_linker(), options).value();
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call("greet", {std::string("Ada")}).value(), Value(std::string("Hello, Ada!")));
  options.snapshot.prelude = {"greet"};
  EXPECT_EQ(Pool::create(load("greet.wasm"), make_linker(), options).error().code, ErrorCode::kArgument)
      << "it takes a parameter";
  options.snapshot.prelude = {"trap"};
  EXPECT_EQ(Pool::create(load("greet.wasm"), make_linker(), options).error().code, ErrorCode::kTrap);
  options.snapshot.prelude = {"gre"};
  EXPECT_EQ(Pool::create(load("greet.wasm"), make_linker(), options).error().code, ErrorCode::kNotFound);
}

TEST(Components, StartBehindAWarmUp) {
  const auto greet = [](Lease& lease) -> Result<void> {
    if (auto greeted = lease.call("greet", {std::string("Ada")}); !greeted) return std::unexpected(greeted.error());
    EXPECT_EQ(lease.core().find_state<Log>()->lines.size(), 1u);
    return {};
  };
  const Pool pool = Pool::create(load("greet.wasm"), make_linker(), kAudited, greet).value();
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call("cleaned", {}).value(), Value(std::uint32_t{1})) << "what the guest kept";
    EXPECT_EQ(lease.call("greet", {std::string("Eva")}).value(), Value(std::string("Hello, Eva!")));
    EXPECT_EQ(lease.core().find_state<Log>()->lines, std::vector<std::string>{"Eva 2"}) << "not what the host kept";
  }
  EXPECT_GE(pool.core().statistics().audited, 2u);
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

TEST(Components, LiftWhatIsLowered) {
  std::vector<std::uint32_t> gone;
  int allocations = 0;
  Linker linker;
  linker.define("", "double", [](Caller&, Values arguments) -> Result<Value> {
    return Value(arguments.at(0).as<std::uint32_t>() * 2);
  });
  linker.define("", "gone", [&](Caller&, Values arguments) -> Result<Value> {
    gone.push_back(arguments.at(0).as<std::uint32_t>());
    return Value();
  });
  linker.define("", "allocate", [&](Caller&, Values) -> Result<Value> { return Value(std::uint32_t(++allocations)); });
  const Component component = load("lowered.wasm");
  EXPECT_EQ(component.state()->plan.members.size(), 6u) << "one of its own, and one for each function so named";
  const Pool pool = Pool::create(component, linker, kAudited).value();
  for (int i = 0; i < 2; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call("double", {std::uint32_t{4}}).value(), Value(std::uint32_t{8}));
    EXPECT_EQ(lease.call("double-again", {std::uint32_t{5}}).value(), Value(std::uint32_t{10}));
    const Value thing = lease.call("make", {std::uint32_t{7}}).value();
    EXPECT_EQ(thing.as<Resource>().representation, 7u);
    EXPECT_TRUE(lease.call("drop", {thing}));
    EXPECT_EQ(gone, std::vector<std::uint32_t>(std::size_t(i) + 1, 7u)) << "its destructor";
    const bool cleans = i == 0;
    const std::string words =
        cleans ? trap_of(lease, "clean", {std::uint32_t{3}}) : trap_of(lease, "length", {std::string("text")});
    EXPECT_NE(words.find("cannot leave the component's instance"), std::string::npos) << words;
  }
  EXPECT_EQ(gone.size(), 2u);
  EXPECT_EQ(allocations, 0);
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

TEST(Components, AreNotMadeOfAWarmUpThatFails) {
  const auto pool_of = [](const WarmUp& warm_up) {
    return Pool::create(load("greet.wasm"), make_linker(), kAudited, warm_up);
  };
  EXPECT_EQ(pool_of([](Lease&) -> Result<void> { return fail(ErrorCode::kIo, "no reason"); }).error().message,
            "no reason");
  const Error trapped = pool_of([](Lease& lease) -> Result<void> {
                          EXPECT_NE(trap_of(lease, "trap", {}).find("unreachable"), std::string::npos);
                          return {};  // it does not tell
                        }).error();
  EXPECT_EQ(trapped.code, ErrorCode::kTrap) << trapped.to_string();
  const auto ask = [](Lease& lease) -> Result<void> {
    return lease.function("gre").error().code == ErrorCode::kNotFound ? Result<void>() : fail(ErrorCode::kIo, "found");
  };
  EXPECT_TRUE(pool_of(ask)) << "what is left out is as new";
}

TEST(Components, KeepHandlesFromBeforeTheSnapshot) {
  const auto keep = [](Lease& lease) -> Result<void> {
    EXPECT_EQ(lease.call("keep", {std::uint32_t{4}}).value(), Value(std::uint32_t{1}));
    return {};
  };
  const Pool pool = Pool::create(load("counters.wasm"), make_files(), kAudited, keep).value();
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call("keep", {std::uint32_t{5}}).value(), Value(std::uint32_t{2})) << "1 is there";
    EXPECT_EQ(lease.call("forge", {std::uint32_t{2}}).value(), Value(std::uint32_t{500}));
    const std::string words = trap_of(lease, "forge", {std::uint32_t{1}});
    EXPECT_NE(words.find("from before the snapshot was taken"), std::string::npos) << words;
    EXPECT_TRUE(lease.core().find_state<Files>()->dropped.empty());
  }
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

/// Completions of `open` of counters.wat that wait, of whichever lease.
struct Waiting {
  std::vector<std::pair<std::uint32_t, Completion>> opens;
  void complete(std::size_t number) {
    opens.at(number).second.complete(Value(Resource{.representation = opens[number].first, .is_owned = true}));
  }
};
Linker make_waiting(Waiting& waiting) {
  Linker linker = make_files();
  linker.define_async("test:host/files", "open", [&](Caller&, Values arguments, Completion completion) -> Result<void> {
    const auto number = arguments.at(0).as<std::uint32_t>();
    if (number == 0) return fail(ErrorCode::kHost, "there is no file 0");
    waiting.opens.emplace_back(number, std::move(completion));
    return {};
  });
  return linker;
}

TEST(ComponentCalls, WaitWithoutAThread) {
  Waiting waiting;
  PoolOptions options = {.capacity = 100, .audit_every = 1};
  const Pool pool = Pool::create(load("counters.wasm"), make_waiting(waiting), options).value();
  const Function sizes = pool.function("sizes").value();
  std::vector<Call> calls;
  for (std::uint32_t i = 1; i <= 100; ++i) calls.push_back(pool.acquire().value().start(sizes, {i}));
  ASSERT_EQ(waiting.opens.size(), 100u);
  int told = 0;
  for (Call& call : calls) {
    EXPECT_FALSE(call.is_done());
    EXPECT_FALSE(call.resume()) << "nothing is there";
    EXPECT_EQ(call.result().error().code, ErrorCode::kArgument);
    call.on_ready([&] { ++told; });
  }
  for (std::size_t i = 100; i > 0; --i) {
    waiting.complete(i - 1);
    EXPECT_EQ(told, static_cast<int>(101 - i));
    ASSERT_TRUE(calls[i - 1].is_ready());
    bool is_done = false;
    std::thread([&] { is_done = calls[i - 1].resume(); }).join();  // on any thread
    ASSERT_TRUE(is_done);
    EXPECT_EQ(calls[i - 1].result().value(), Value(static_cast<std::uint32_t>(i * 200)));
    EXPECT_EQ(calls[i - 1].lease().core().find_state<Files>()->dropped, std::vector<std::uint32_t>{std::uint32_t(i)});
    waiting.complete(i - 1);  // again: nothing
  }
  calls.clear();
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

/// What nested.wasm asks, by number.
struct Questions {
  std::vector<std::pair<std::uint32_t, Completion>> asked;
  [[nodiscard]] Linker linker() {
    Linker linker;
    linker.define_async("", "ask", [this](Caller&, Values arguments, Completion completion) -> Result<void> {
      asked.emplace_back(arguments.at(0).as<std::uint32_t>(), std::move(completion));
      return {};
    });
    return linker;
  }
};

TEST(ComponentCalls, WaitWithoutAThreadWithinAComponent) {
  Questions questions;
  const Pool pool = Pool::create(load("nested.wasm"), questions.linker(), {.capacity = 20, .audit_every = 1}).value();
  const Function count = pool.function("count").value();
  std::vector<Call> calls;
  for (std::uint32_t i = 0; i < 20; ++i) calls.push_back(pool.acquire().value().start(count, {10 * i}));
  ASSERT_EQ(questions.asked.size(), 20u) << "each has left this thread in its inner component";
  for (std::uint32_t round = 0; round < 4; ++round) {
    const auto asked = std::exchange(questions.asked, {});
    ASSERT_EQ(asked.size(), 20u);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      EXPECT_EQ(asked[i].first, 10 * i + round);
      EXPECT_FALSE(calls[i].resume());
      bool is_told = false;
      calls[i].on_ready([&] { is_told = true; });
      asked[i].second.complete(Value(std::string(asked[i].first, 'x')));
      EXPECT_TRUE(is_told);
      ASSERT_TRUE(calls[i].is_ready());
      std::thread([&] { calls[i].resume(); }).join();  // on any thread
      EXPECT_EQ(calls[i].is_done(), round == 3);
    }
  }
  for (std::size_t i = 0; i < calls.size(); ++i)
    EXPECT_EQ(calls[i].result().value(), Value(static_cast<std::uint32_t>(40 * i + 6)));
  calls.clear();
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

TEST(ComponentCalls, CostTheSameFuelWhetherTheyWaitWithinAComponentOrNot) {
  const CompileOptions metered = {.fuel = true, .stack_limit = 1 << 16};
  const auto path = data("nested.wasm");
  const Component component = Component::load(engine(), path, metered).value();
  constexpr std::uint64_t kFuel = 1'000'000;
  Questions questions;
  const Pool pool = Pool::create(component, questions.linker(), kAudited).value();
  const auto answer = [&](const Completion& completion) { completion.complete(Value(std::string("answer"))); };
  std::uint64_t left = 0;
  {
    Lease lease = pool.acquire().value();
    lease.core().set_fuel(kFuel);
    lease.core().set_time_slice(std::chrono::milliseconds(1));
    Call call = std::move(lease).start(pool.function("count").value(), {std::uint32_t{1}});
    while (!call.is_done()) {
      if (!call.is_parked()) answer(std::exchange(questions.asked, {}).at(0).second);
      call.resume();
    }
    EXPECT_EQ(call.result().value(), Value(std::uint32_t{24}));
    left = call.lease().core().fuel();
  }
  Linker linker;
  linker.define_async("", "ask", [&](Caller&, Values, Completion completion) -> Result<void> {
    answer(completion);
    return {};
  });
  const Pool other = Pool::create(component, linker, kAudited).value();
  Lease lease = other.acquire().value();
  lease.core().set_fuel(kFuel);
  EXPECT_EQ(lease.call("count", {std::uint32_t{1}}).value(), Value(std::uint32_t{24}));
  EXPECT_LT(left, kFuel);
  EXPECT_EQ(lease.core().fuel(), left);
}

TEST(ComponentCalls, EndWithTheirErrorsWithinAComponent) {
  Questions questions;
  const Pool pool = Pool::create(load("nested.wasm"), questions.linker(), kAudited).value();
  const Function count = pool.function("count").value();
  {
    Call call = pool.acquire().value().start(count, {std::uint32_t{1}});
    questions.asked.at(0).second.fail(make_error(ErrorCode::kIo, "the disk is gone"));
    ASSERT_TRUE(call.resume());
    ASSERT_FALSE(call.result());
    EXPECT_NE(call.result().error().to_string().find("the disk is gone"), std::string::npos)
        << call.result().error().to_string();
  }
  questions.asked.clear();
  {
    const Call call = pool.acquire().value().start(count, {std::uint32_t{1}});
    EXPECT_FALSE(call.is_done());  // and is given up
  }
  {
    // Its deadline passes while it waits.
    Lease lease = pool.acquire().value();
    lease.core().set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
    Call call = std::move(lease).start(count, {std::uint32_t{1}});
    ASSERT_FALSE(call.is_done());
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    questions.asked.back().second.complete(Value(std::string("late")));
    ASSERT_TRUE(call.resume());
    ASSERT_FALSE(call.result());
    EXPECT_EQ(call.result().error().trap, TrapKind::kInterrupted) << call.result().error().to_string();
  }
  questions.asked.clear();
  // In a call that has to return the thread waits.
  Linker linker;
  linker.define_async("", "ask", [](Caller&, Values arguments, Completion completion) -> Result<void> {
    completion.complete(Value(std::string(arguments.at(0).as<std::uint32_t>(), 'x')));
    return {};
  });
  const Pool other = Pool::create(load("nested.wasm"), linker, kAudited).value();
  EXPECT_EQ(other.acquire().value().call("count", {std::uint32_t{5}}).value(), Value(std::uint32_t{26}));
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

TEST(ComponentCalls, GiveStringsToAGuestThatWaited) {
  // The result is lowered by the guest's own allocator, when the call goes on.
  std::vector<Completion> waiting;
  Linker linker = make_linker();
  linker.define_async("test:host/log@0.1.0", "lines", [&](Caller&, Values, Completion completion) -> Result<void> {
    waiting.push_back(std::move(completion));
    return {};
  });
  const Pool pool = Pool::create(load("greet.wasm"), linker, kAudited).value();
  const Function count = pool.function("count-lines").value();
  for (int i = 0; i < 2; ++i) {
    Call call = pool.acquire().value().start(count, {});
    ASSERT_EQ(waiting.size(), 1u);
    waiting[0].complete(Values{std::string("one"), std::string("two"), std::string(1000, 'x')});
    ASSERT_TRUE(call.resume());
    EXPECT_EQ(call.result().value(), Value(std::uint32_t{3}));
    waiting.clear();
    EXPECT_EQ(call.lease().call("cleaned", {}).value(), Value(std::uint32_t{0})) << "it can be called again";
  }
  {
    Call call = pool.acquire().value().start(count, {});
    waiting[0].complete(Values{std::string(100'000, 'x')});  // more than the allocator has room for
    waiting.clear();
    ASSERT_TRUE(call.resume());
    ASSERT_FALSE(call.result());
    EXPECT_NE(call.result().error().to_string().find("unreachable"), std::string::npos)
        << call.result().error().message;
  }
  {
    Call call = pool.acquire().value().start(count, {});
    waiting[0].complete(Value(std::uint32_t{5}));  // it is no list
    waiting.clear();
    ASSERT_TRUE(call.resume());
    EXPECT_FALSE(call.result());
  }
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

TEST(ComponentCalls, EndWithTheirErrors) {
  Waiting waiting;
  const Pool pool = Pool::create(load("counters.wasm"), make_waiting(waiting), kAudited).value();
  const Function sizes = pool.function("sizes").value();
  const auto message = [](const Call& call) { return call.result() ? "" : call.result().error().to_string(); };
  {
    const Call call = pool.acquire().value().start(sizes, {std::uint32_t{0}});
    EXPECT_TRUE(call.is_done());
    EXPECT_NE(message(call).find("there is no file 0"), std::string::npos) << message(call);
  }
  {
    Call call = pool.acquire().value().start(sizes, {std::uint32_t{1}});
    waiting.opens.back().second.fail(make_error(ErrorCode::kIo, "the disk is gone"));
    ASSERT_TRUE(call.resume());
    EXPECT_NE(message(call).find("test:host/files#open: the disk is gone"), std::string::npos) << message(call);
    EXPECT_NE(call.lease().call("keep", {std::uint32_t{1}}).error().to_string().find("cannot enter"),
              std::string::npos);
  }
  {
    Call call = pool.acquire().value().start(sizes, {std::uint32_t{1}});
    waiting.opens.clear();
    ASSERT_TRUE(call.resume());
    EXPECT_NE(message(call).find("nobody is left"), std::string::npos) << message(call);
  }
  {
    const Call call = pool.acquire().value().start(sizes, {std::int64_t{1}});
    EXPECT_EQ(call.result().error().code, ErrorCode::kArgument);
  }
  {
    const Call call = pool.acquire().value().start(sizes, {std::uint32_t{1}});
    EXPECT_FALSE(call.is_done());  // and is given up
  }
  {
    Lease lease = pool.acquire().value();
    const Lease other = std::move(lease);
    EXPECT_EQ(std::move(lease).start(sizes, {std::uint32_t{1}}).result().error().code, ErrorCode::kArgument);
  }
  EXPECT_EQ(pool.core().statistics().audit_failures, 0u) << pool.core().audit_report();
}

TEST(ComponentCalls, ThatHaveToReturnHaveTheirThreadWait) {
  Linker linker = make_files();
  std::vector<std::thread> threads;
  linker.define_async("test:host/files", "open", [&](Caller&, Values arguments, Completion completion) -> Result<void> {
    threads.emplace_back([number = arguments.at(0).as<std::uint32_t>(), completion] {
      completion.complete(Value(Resource{.representation = number, .is_owned = true}));
    });
    return {};
  });
  const Pool pool = Pool::create(load("counters.wasm"), linker, kAudited).value();
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call("sizes", {std::uint32_t{3}}).value(), Value(std::uint32_t{600}));
  for (std::thread& thread : threads) thread.join();
}

struct Journal {
  std::vector<std::string> lines;
};

TEST(Components, AreAsTheGuideSays) {
  namespace component = anew::component;
  const Engine engine({.cache = false});
  const auto path = data("greet.wasm");

  component::Linker linker;
  linker.define_state<Journal>();  // one for each lease
  linker.define("test:host/log@0.1.0", "log",
                [](component::Caller& caller, component::Values arguments) -> Result<component::Value> {
                  caller.state<Journal>().lines.push_back(arguments.at(0).as<std::string>());
                  return component::Value();  // the function has no result
                });
  linker.define("test:host/log@0.1.0", "lines", [](component::Caller&, component::Values) -> Result<component::Value> {
    return component::Values{};  // a list<string>, empty
  });

  const auto greeter = component::Component::load(engine, path);
  const auto pool = component::Pool::create(greeter.value(), linker);
  const auto greet = pool.value().function("greet");  // func(name: string) -> string

  component::Lease lease = pool.value().acquire().value();  // an instance as new
  const auto greeting = lease.call(greet.value(), {std::string("Ada")});

  EXPECT_EQ(greeting.value(), Value(std::string("Hello, Ada!")));
  EXPECT_EQ(lease.core().find_state<Journal>()->lines, std::vector<std::string>{"Ada"});
}

TEST(Components, AreNoCoreModules) {
  const std::byte module[] = {std::byte{0}, std::byte{'a'}, std::byte{'s'}, std::byte{'m'},
                              std::byte{1}, std::byte{0},   std::byte{0},   std::byte{0}};
  EXPECT_EQ(Component::compile(engine(), module).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(Component::load(engine(), "/nowhere.wasm").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace anew::component
