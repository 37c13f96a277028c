// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Host functions of the embedder's own, called by a runtime.
#include <gtest/gtest.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <anew/substrate.hpp>
#include <string>

#include "host/substrate/hashing.hpp"
#include "substrate/host_guest.hpp"

namespace anew::substrate {
namespace {

/// Calls what it imports with its arguments, as a span, and returns the span that it gets.
Bytes runtime_code(const std::string& imports_and_body) {
  return test::wat(R"((module
      )" + imports_and_body +
                   R"(
      (memory (export "memory") 2)
      (global (export "__heap_base") i32 (i32.const 1024))
      (func $span (param i32 i32) (result i64)
        (i64.or (i64.extend_i32_u (local.get 0)) (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32)))))
  )");
}

Runtime make(const Bytes& code, Linker functions) {
  auto runtime = Runtime::create(Engine({.cache = false}), code,
                                 {.heap_pages = 16, .audit_every = 1, .functions = std::move(functions)});
  EXPECT_TRUE(runtime) << runtime.error().to_string();
  return std::move(runtime.value());
}

const Bytes& reversing_code() {
  static const Bytes code = runtime_code(R"(
      (import "env" "ext_my_chain_reverse_version_1" (func $reverse (param i64) (result i64)))
      (func (export "reverse") (param i32 i32) (result i64) (call $reverse (call $span (local.get 0) (local.get 1)))))");
  return code;
}

TEST(OwnHostFunctions, ReadAndGiveBytes) {
  Linker functions;
  functions.define("env", "ext_my_chain_reverse_version_1",
                   [](Caller caller, std::uint64_t text) -> Result<std::uint64_t> {
                     const RuntimeCaller runtime(caller);
                     const auto bytes = runtime.read(text);
                     if (!bytes) return std::unexpected(bytes.error());
                     return runtime.give(Bytes(bytes->rbegin(), bytes->rend()));
                   });
  RuntimeOptions options;
  options.functions = functions;
  const auto created = Runtime::create(Engine({.cache = false}), reversing_code(), options);
  ASSERT_TRUE(created) << created.error().to_string();
  EXPECT_EQ(created->call("reverse", from_text("drawer")).value(), from_text("reward"));

  const Runtime runtime = make(reversing_code(), functions);
  EXPECT_EQ(runtime.call("reverse", from_text("drawer")).value(), from_text("reward"));
  EXPECT_EQ(runtime.call("reverse", {}).value(), Bytes{});
  EXPECT_TRUE(has(runtime.call("reverse", Bytes(700'000)).error().message, "out of space"));
  EXPECT_EQ(runtime.call("reverse", from_text("drawer")).value(), from_text("reward"));
  EXPECT_EQ(runtime.pool().statistics().audit_failures, 0u) << runtime.pool().audit_report();
}

TEST(OwnHostFunctions, AreNotThereUnlessGiven) {
  const Runtime runtime = make(reversing_code(), {});
  EXPECT_TRUE(has(runtime.call("reverse", {}).error().message, "not implemented"));
}

TEST(OwnHostFunctions, SpansOutsideTheMemoryAreRefused) {
  Linker functions;
  functions.define("env", "ext_my_chain_reverse_version_1", [](Caller caller, std::uint64_t) -> Result<std::uint64_t> {
    const auto bytes = RuntimeCaller(caller).read(0xFFFF'FFFF'0000'0001);
    return std::unexpected(bytes.error());
  });
  EXPECT_TRUE(
      has(make(reversing_code(), functions).call("reverse", {}).error().message, "are not inside the memory of"));
}

TEST(OwnHostFunctions, ReplaceThoseGiven) {
  const Bytes code = runtime_code(R"(
      (import "env" "ext_hashing_twox_64_version_1" (func $twox (param i64) (result i32)))
      (import "env" "ext_hashing_sha2_256_version_1" (func $sha (param i64) (result i32)))
      (func (export "twox") (param i32 i32) (result i64)
        (call $span (call $twox (call $span (local.get 0) (local.get 1))) (i32.const 8)))
      (func (export "sha") (param i32 i32) (result i64)
        (call $span (call $sha (call $span (local.get 0) (local.get 1))) (i32.const 32))))");
  Linker functions;
  functions.define("env", "ext_hashing_twox_64_version_1", [](Caller, std::uint64_t) { return 1024u; });
  const Runtime runtime = make(code, functions);
  EXPECT_EQ(runtime.call("sha", from_text("abc")).value(), to_bytes(sha2_256(from_text("abc")))) << "the others stay";
  EXPECT_NE(runtime.call("twox", from_text("abc")).value(), to_bytes(twox_64(from_text("abc"))));
  EXPECT_EQ(make(code, {}).call("twox", from_text("abc")).value(), to_bytes(twox_64(from_text("abc"))))
      << "what a runtime was given is not the next one's";
}

TEST(OwnHostFunctions, OfAnotherTypeThanTheRuntimeImportsDoNotLink) {
  Linker functions;
  functions.define("env", "ext_my_chain_reverse_version_1", [](Caller, std::uint32_t) {});
  const auto runtime = Runtime::create(Engine({.cache = false}), reversing_code(), {.functions = functions});
  ASSERT_FALSE(runtime);
  EXPECT_EQ(runtime.error().code, ErrorCode::kLink);
  EXPECT_TRUE(has(runtime.error().message, "ext_my_chain_reverse_version_1"));
}

Bytes counting_code() {
  return runtime_code(R"(
      (import "env" "ext_my_chain_count_version_1" (func $count))
      (func (export "count") (param i32 i32) (result i64) (call $count) (i64.const 0))
      (func (export "fail") (param i32 i32) (result i64) (call $count) unreachable))");
}

/// A Linker with a function that counts in the state.
Linker counting() {
  Linker functions;
  functions.define("env", "ext_my_chain_count_version_1", [](Caller caller) -> Result<void> {
    const RuntimeCaller runtime(caller);
    const auto count = runtime.get(from_text("count"));
    if (!count) return std::unexpected(count.error());
    const std::byte next{static_cast<std::uint8_t>(*count == nullptr ? 1 : std::to_integer<int>((*count)->at(0)) + 1)};
    return runtime.set(from_text("count"), std::make_shared<const Bytes>(Bytes{next}));
  });
  return functions;
}

TEST(OwnHostFunctions, ReadAndChangeTheStateAsTheCallsOwnDo) {
  const Runtime runtime = make(counting_code(), counting());
  const MemoryState state = state_of({{from_text("count"), {std::byte{41}}}});
  Externalities externalities(state);
  ASSERT_TRUE(runtime.call("count", {}, &externalities));
  EXPECT_EQ(*externalities.get(from_text("count")).value(), Bytes{std::byte{42}});
  ASSERT_FALSE(runtime.call("fail", {}, &externalities));
  EXPECT_EQ(*externalities.get(from_text("count")).value(), Bytes{std::byte{42}}) << "as the call left no trace";
  EXPECT_TRUE(has(runtime.call("count", {}).error().message, "this call has no state"));
}

TEST(OwnHostFunctions, ServeAllRuntimesOfAnExecutor) {
  const Executor executor(Engine({.cache = false}), {.runtime = {.heap_pages = 16, .functions = counting()}});
  const MemoryState state = state_of({{from_text(":code"), counting_code()}});
  const auto outcome = executor.call(state, "count", {});
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_EQ(*outcome->changes.top.at(from_text("count")), Bytes{std::byte{1}});
}

struct Calls {
  std::uint32_t count = 0;
};

TEST(OwnHostFunctions, HaveStatesOfTheirOwnBesideTheRuntimes) {
  Linker functions;
  functions.define_state<Calls>();
  functions.define("env", "ext_my_chain_count_version_1", [](Caller caller, Calls& calls) -> Result<void> {
    const auto given = RuntimeCaller(caller).give(Bytes(++calls.count));
    return given ? Result<void>() : std::unexpected(given.error());
  });
  const Runtime runtime = make(counting_code(), functions);
  const Method count = runtime.method("count").value();
  for (int i = 0; i < 3; ++i) {
    Lease lease = runtime.pool().acquire().value();
    Bytes result;
    ASSERT_TRUE(Runtime::call_in(lease, count, {}, result));
    ASSERT_TRUE(Runtime::call_in(lease, count, {}, result));
    EXPECT_EQ(lease.find_state<Calls>()->count, 2u);
  }
  EXPECT_EQ(runtime.pool().statistics().audit_failures, 0u) << runtime.pool().audit_report();
}

TEST(OwnHostFunctions, KnowWhetherARuntimeCalls) {
  const Module module = Engine({.cache = false}).compile(counting_code()).value();
  for (const bool has_state : {false, true}) {
    Linker linker = counting();
    if (has_state) linker.define_state<int>();
    const Pool pool = Pool::create(module, linker).value();
    const auto called = pool.acquire().value().call<std::uint64_t>("count", 0u, 0u);
    ASSERT_FALSE(called);
    EXPECT_TRUE(has(called.error().message, "no instance of a substrate::Runtime"));
  }
}

}  // namespace
}  // namespace anew::substrate
