// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executors: which runtime executes, from many threads, and what they say of states that hold none.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <anew/substrate.hpp>
#include <string>
#include <thread>
#include <vector>

#include "host/substrate/storage_keys.hpp"
#include "substrate/bytes.hpp"
#include "substrate/chain_files.hpp"
#include "support/wat.hpp"

namespace anew::substrate {
namespace {

/// Answers `answer` with one byte; has an entry point for each thing that a call may do.
Bytes runtime_code(unsigned answer) {
  return test::wat(fmt::format(R"((module
    (import "env" "memory" (memory 1))
    (import "env" "ext_storage_set_version_1" (func $set (param i64 i64)))
    (import "env" "ext_storage_get_version_1" (func $get (param i64) (result i64)))
    (import "env" "ext_storage_start_transaction_version_1" (func $start))
    (import "env" "ext_storage_rollback_transaction_version_1" (func $rollback))
    (import "env" "ext_logging_log_version_1" (func $log (param i32 i64 i64)))
    (global (export "__heap_base") i32 (i32.const 4096))
    (data (i32.const 16) "key") (data (i32.const 32) ":code") (data (i32.const 48) "something is wrong")
    (data (i32.const 80) "\{:02x}")
    (func $pack (param i32 i32) (result i64)
      (i64.or (i64.extend_i32_u (local.get 0)) (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32))))
    (func (export "answer") (param i32 i32) (result i64) (call $pack (i32.const 80) (i32.const 1)))
    ;; "key" becomes the arguments
    (func (export "set") (param i32 i32) (result i64)
      (call $set (call $pack (i32.const 16) (i32.const 3)) (call $pack (local.get 0) (local.get 1))) (i64.const 0))
    (func (export "get") (param i32 i32) (result i64) (call $get (call $pack (i32.const 16) (i32.const 3))))
    ;; so does the code
    (func (export "upgrade") (param i32 i32) (result i64)
      (call $set (call $pack (i32.const 32) (i32.const 5)) (call $pack (local.get 0) (local.get 1))) (i64.const 0))
    (func (export "set_and_trap") (param i32 i32) (result i64)
      (call $set (call $pack (i32.const 16) (i32.const 3)) (call $pack (local.get 0) (local.get 1)))
      (call $log (i32.const 0) (i64.const 0) (call $pack (i32.const 48) (i32.const 18))) unreachable)
    (func (export "leave_open") (param i32 i32) (result i64)
      (call $start) (call $set (call $pack (i32.const 16) (i32.const 3)) (call $pack (local.get 0) (local.get 1)))
      (i64.const 0))
    (func (export "roll_back_too_much") (param i32 i32) (result i64) (call $rollback) (i64.const 0))
    (func (export "pages") (param i32 i32) (result i64)
      (i32.store (i32.const 96) (memory.size)) (call $pack (i32.const 96) (i32.const 4)))
    (func (export "spin") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0))
  ))",
                               answer));
}

MemoryState state_of(const Bytes& code, const std::map<std::string, Bytes>& more = {}) {
  StateChanges changes;
  changes.top[from_text(":code")] = make_value(code);
  for (const auto& [key, value] : more) changes.top[from_text(key)] = make_value(value);
  return MemoryState().with(changes, StateVersion::kV0).value();
}

Executor make_executor(ExecutorOptions options = {.runtime = {.heap_pages = 16, .audit_every = 1}}) {
  return Executor(Engine({.cache = false}), std::move(options));
}

Bytes call(const Executor& executor, const StateBackend& state, std::string_view method, const Bytes& arguments = {}) {
  const auto outcome = executor.call(state, method, arguments);
  EXPECT_TRUE(outcome) << outcome.error().to_string();
  return outcome ? outcome->result : Bytes{};
}

Error error_of(const Executor& executor, const StateBackend& state, std::string_view method = "answer") {
  const auto outcome = executor.call(state, method, {});
  EXPECT_FALSE(outcome);
  return outcome ? Error{} : outcome.error();
}

void expect_message(const Error& error, std::string_view part) {
  EXPECT_NE(error.message.find(part), std::string::npos) << error.to_string();
}

TEST(Executor, SaysWhatACallChanged) {
  const Executor executor = make_executor();
  const MemoryState state = state_of(runtime_code(1));
  const auto outcome = executor.call(state, "set", from_text("value"));
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  ASSERT_EQ(outcome->changes.top.size(), 1u);
  EXPECT_EQ(*outcome->changes.top.at(from_text("key")), from_text("value"));
  EXPECT_EQ(call(executor, state, "get"), from_hex("00")) << "the state is as it was";
  const MemoryState next = state.with(outcome->changes, StateVersion::kV0).value();
  EXPECT_EQ(call(executor, next, "get"), join({from_hex("0114"), from_text("value")}));
}

TEST(Executor, CallsThatShareExternalitiesSeeOneAnother) {
  const Executor executor = make_executor();
  const MemoryState state = state_of(runtime_code(1));
  Externalities externalities(state);
  const auto make_call = [&](std::string_view method, const Bytes& arguments = {}) {
    return executor.call(state, externalities, method, arguments);
  };
  ASSERT_TRUE(make_call("set", from_text("one")));
  EXPECT_EQ(make_call("get").value(), join({from_hex("010c"), from_text("one")}));

  const auto trapped = make_call("set_and_trap", from_text("two"));
  ASSERT_FALSE(trapped);
  EXPECT_EQ(trapped.error().trap, TrapKind::kUnreachable);
  expect_message(trapped.error(), "; the runtime said: something is wrong");
  EXPECT_EQ(make_call("get").value(), join({from_hex("010c"), from_text("one")})) << "as before the trap";
  ASSERT_TRUE(make_call("leave_open", from_text("three")));
  EXPECT_EQ(make_call("get").value(), join({from_hex("010c"), from_text("one")})) << "its transaction was left open";
  const auto rolled_back = make_call("roll_back_too_much");
  ASSERT_FALSE(rolled_back) << "the call's own transaction is not the guest's";
  expect_message(rolled_back.error(), "ext_storage_rollback_transaction_version_1: there is no open transaction");
  EXPECT_EQ(externalities.changes().top.size(), 1u);
  EXPECT_EQ(executor.runtime(state)->pool().statistics().audit_failures, 0u);
}

TEST(Executor, FollowsRuntimeUpgrades) {
  const Executor executor = make_executor();
  const MemoryState first = state_of(runtime_code(1));
  EXPECT_EQ(call(executor, first, "answer"), from_hex("01"));

  Externalities externalities(first);
  ASSERT_TRUE(executor.call(first, externalities, "upgrade", runtime_code(2)));
  EXPECT_EQ(executor.call(first, externalities, "answer", {}).value(), from_hex("01"))
      << "counts from the next block on";
  const MemoryState second = first.with(externalities.changes(), StateVersion::kV0).value();
  EXPECT_EQ(call(executor, second, "answer"), from_hex("02"));
  EXPECT_EQ(call(executor, first, "answer"), from_hex("01")) << "the old one on the old state";
  EXPECT_EQ(executor.statistics().compilations, 2u);

  // The same code in another state is the same runtime.
  const MemoryState third = state_of(runtime_code(2), {{"more", from_text("here")}});
  EXPECT_EQ(call(executor, third, "answer"), from_hex("02"));
  EXPECT_EQ(executor.statistics().compilations, 2u);
}

TEST(Executor, ServesManyRuntimesOnManyThreads) {
  const Executor executor = make_executor({.runtime = {.heap_pages = 16, .capacity = 2, .audit_every = 7}});
  constexpr unsigned kRuntimes = 6;
  std::vector<MemoryState> states;
  for (unsigned i = 0; i < kRuntimes; ++i) states.push_back(state_of(runtime_code(i)));
  std::vector<std::string> failures(4);
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < failures.size(); ++t) {
      threads.emplace_back([&, t] {
        for (unsigned i = 0; i < 120 && failures[t].empty(); ++i) {
          const unsigned runtime = (i + t) % kRuntimes;
          const auto answer = executor.call(states[runtime], "answer", {});
          if (!answer) failures[t] = answer.error().to_string();
          if (answer && answer->result != Bytes{std::byte(runtime)}) failures[t] = "another runtime answered";
          const auto set = executor.call(states[runtime], "set", from_text("value"));
          if (!set) failures[t] = set.error().to_string();
          if (set && set->changes.top.size() != 1) failures[t] = "other changes";
        }
      });
    }
  }
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
  EXPECT_EQ(executor.statistics().compilations, kRuntimes) << "each once, however many ask";
  for (const MemoryState& state : states) {
    EXPECT_EQ(executor.runtime(state)->pool().statistics().audit_failures, 0u);
  }
}

TEST(Executor, ExecutesABlockOnManyThreadsAtOnce) {
  const Executor executor(Engine({.cache = false}), {.runtime = {.capacity = 2}});
  const MemoryState genesis = genesis_of("kusama");
  const Bytes block = read_block_1("kusama");
  std::vector<std::string> failures(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& failure : failures) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10 && failure.empty(); ++i) {
          const auto outcome = executor.execute_block(genesis, block);
          if (!outcome) failure = outcome.error().to_string();
        }
      });
    }
  }
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
}

TEST(Executor, TakesTheHeapPagesOfTheState) {
  const Executor executor = make_executor();
  const Bytes code = runtime_code(1);
  EXPECT_EQ(call(executor, state_of(code), "pages"), from_hex("11000000")) << "16 and the module's one";
  const MemoryState more = state_of(code, {{":heappages", from_hex("4000000000000000")}});
  EXPECT_EQ(call(executor, more, "pages"), from_hex("41000000"));
  expect_message(error_of(executor, state_of(code, {{":heappages", from_hex("40")}})), "\":heappages\" has 1 bytes");
  for (const char* pages : {"ffffffffffffffff", "0000010000000000"}) {
    EXPECT_EQ(error_of(executor, state_of(code, {{":heappages", from_hex(pages)}})).code, ErrorCode::kArgument)
        << pages;
  }
}

TEST(Executor, SaysWhatIsWrongWithTheCode) {
  const Executor executor = make_executor();
  const Error none = error_of(executor, MemoryState());
  EXPECT_EQ(none.code, ErrorCode::kNotFound);
  expect_message(none, "the state has no key 0x3a636f6465 (\":code\")");
  expect_message(executor.execute_block(MemoryState(), read_block_1("kusama")).error(), "(\":code\")");

  const Bytes prefix = from_hex("52bc537646db8e05");
  const auto compress = [&](const Bytes& data) {
    Bytes compressed(ZSTD_compressBound(data.size()));
    compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), data.data(), data.size(), 1));
    return join({prefix, compressed});
  };
  EXPECT_EQ(call(executor, state_of(compress(runtime_code(3))), "answer"), from_hex("03"));
  for (const Bytes& code : {Bytes{}, from_text("garbage"), prefix, join({prefix, from_text("garbage")})}) {
    const Error error = error_of(executor, state_of(code));
    EXPECT_EQ(error.code, ErrorCode::kMalformed) << error.to_string();
  }
  Bytes cut = compress(runtime_code(3));
  cut.pop_back();
  EXPECT_EQ(error_of(executor, state_of(cut)).code, ErrorCode::kMalformed);
  const Error bomb = error_of(executor, state_of(compress(Bytes(60u << 20))));
  EXPECT_EQ(bomb.code, ErrorCode::kMalformed);
  expect_message(bomb, "52428800");
  EXPECT_EQ(call(executor, state_of(runtime_code(4)), "answer"), from_hex("04")) << "others are not affected";
}

TEST(Executor, BoundsHowLongACallRunsAndWaits) {
  using std::chrono::milliseconds;
  const Executor executor = make_executor({.runtime = {.heap_pages = 16, .capacity = 1},
                                           .acquire_timeout = milliseconds(20),
                                           .call_timeout = milliseconds(50)});
  const MemoryState state = state_of(runtime_code(1));
  const Error interrupted = error_of(executor, state, "spin");
  EXPECT_EQ(interrupted.trap, TrapKind::kInterrupted) << interrupted.to_string();
  EXPECT_EQ(call(executor, state, "answer"), from_hex("01")) << "the next is as new";
  const auto lease = executor.runtime(state)->pool().acquire();
  ASSERT_TRUE(lease);
  EXPECT_EQ(error_of(executor, state).code, ErrorCode::kResource);
}

TEST(Executor, NamesWhatTheRuntimeLacks) {
  const Error error = error_of(make_executor(), state_of(runtime_code(1)), "anwser");
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  expect_message(error, "anwser");
}

TEST(Executor, ReadsAVersionFromTheCustomSectionsAsTheRuntimeSaysIt) {
  const Executor executor(Engine({.cache = false}));
  const MemoryState state = genesis_of("rococo-asset-hub");
  const auto embedded = executor.runtime(state)->version();
  ASSERT_TRUE(embedded) << embedded.error().to_string();
  const auto answered = decode_version(call(executor, state, "Core_version"));
  ASSERT_TRUE(answered) << answered.error().to_string();
  EXPECT_EQ(embedded->spec_name, "statemine");
  EXPECT_EQ(embedded->spec_name, answered->spec_name);
  EXPECT_EQ(embedded->spec_version, answered->spec_version);
  EXPECT_EQ(embedded->state_version, answered->state_version);
  ASSERT_EQ(embedded->apis.size(), answered->apis.size());
  for (std::size_t i = 0; i < embedded->apis.size(); ++i) {
    EXPECT_EQ(embedded->apis[i].id, answered->apis[i].id);
    EXPECT_EQ(embedded->apis[i].version, answered->apis[i].version);
  }
}

/// An error of a database.
class BrokenState final : public StateBackend {
 public:
  explicit BrokenState(MemoryState state) : state_(std::move(state)) {}
  Result<StorageValue> get(TrieId trie, BytesView key) const override {
    if (key.size() == 3) return fail(ErrorCode::kIo, "the disk is gone");
    return state_.get(trie, key);
  }
  Result<std::optional<Hash>> value_hash(BytesView key) const override { return state_.value_hash(key); }
  Result<std::optional<Bytes>> next_key(TrieId trie, BytesView key) const override {
    return state_.next_key(trie, key);
  }
  Result<Hash> root(TrieId trie, const TrieChanges& changes, StateVersion version) const override {
    return state_.root(trie, changes, version);
  }

 private:
  MemoryState state_;
};

TEST(Executor, EndsACallWithTheBackendsError) {
  const Executor executor = make_executor();
  const Error error = error_of(executor, BrokenState(state_of(runtime_code(1))), "get");
  EXPECT_EQ(error.code, ErrorCode::kTrap);
  EXPECT_EQ(error.trap, TrapKind::kHostError);
  expect_message(error, "ext_storage_get_version_1: the disk is gone");
}

}  // namespace
}  // namespace anew::substrate
