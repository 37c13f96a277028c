// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What calls see of a state and what they change of it, one after the other.
#include <gtest/gtest.h>

#include <anew/substrate.hpp>
#include <string_view>

#include "host/substrate/externalities_state.hpp"
#include "host/substrate/storage_keys.hpp"
#include "substrate/bytes.hpp"
#include "support/wat.hpp"

namespace anew::substrate {
namespace {

/// Has an entry point for each thing that a call may do to a state.
MemoryState genesis() {
  const Bytes code = test::wat(R"((module
    (import "env" "memory" (memory 1))
    (import "env" "ext_storage_set_version_1" (func $set (param i64 i64)))
    (import "env" "ext_storage_get_version_1" (func $get (param i64) (result i64)))
    (import "env" "ext_storage_start_transaction_version_1" (func $start))
    (import "env" "ext_storage_rollback_transaction_version_1" (func $rollback))
    (import "env" "ext_storage_clear_prefix_version_2" (func $clear_prefix (param i64 i64) (result i64)))
    (import "env" "ext_default_child_storage_storage_kill_version_1" (func $kill (param i64)))
    (import "env" "ext_offchain_submit_transaction_version_1" (func $submit (param i64) (result i64)))
    (import "env" "ext_logging_log_version_1" (func $log (param i32 i64 i64)))
    (global (export "__heap_base") i32 (i32.const 4096))
    (data (i32.const 16) "key") (data (i32.const 48) "something is wrong")
    (func $pack (param i32 i32) (result i64)
      (i64.or (i64.extend_i32_u (local.get 0)) (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32))))
    ;; "key" becomes the arguments
    (func (export "set") (param i32 i32) (result i64)
      (call $set (call $pack (i32.const 16) (i32.const 3)) (call $pack (local.get 0) (local.get 1))) (i64.const 0))
    (func (export "get") (param i32 i32) (result i64) (call $get (call $pack (i32.const 16) (i32.const 3))))
    (func (export "set_and_trap") (param i32 i32) (result i64)
      (call $set (call $pack (i32.const 16) (i32.const 3)) (call $pack (local.get 0) (local.get 1)))
      (call $log (i32.const 0) (i64.const 0) (call $pack (i32.const 48) (i32.const 18))) unreachable)
    (func (export "leave_open") (param i32 i32) (result i64)
      (call $start) (call $set (call $pack (i32.const 16) (i32.const 3)) (call $pack (local.get 0) (local.get 1)))
      (i64.const 0))
    ;; for ever: values of 32 KiB; transactions within one another
    (func (export "set_on") (param i32 i32) (result i64)
      (loop $on (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.const 1)))
        (call $set (call $pack (i32.const 16) (i32.const 4)) (call $pack (i32.const 0) (i32.const 32768))) (br $on))
      (i64.const 0))
    (func (export "start_on") (param i32 i32) (result i64) (loop $on (call $start) (br $on)) (i64.const 0))
    ;; all keys of the state; those of a child trie; transactions of 32 KiB, for ever
    (func (export "clear") (param i32 i32) (result i64)
      (call $clear_prefix (call $pack (i32.const 16) (i32.const 3)) (call $pack (i32.const 0) (i32.const 1))))
    (func (export "kill") (param i32 i32) (result i64)
      (call $kill (call $pack (i32.const 16) (i32.const 3))) (i64.const 0))
    (func (export "submit_on") (param i32 i32) (result i64)
      (loop $on (drop (call $submit (call $pack (i32.const 0) (i32.const 32768)))) (br $on)) (i64.const 0))
    (func (export "roll_back_too_much") (param i32 i32) (result i64) (call $rollback) (i64.const 0))
  ))");
  StateChanges changes;
  changes.top[from_text(":code")] = make_value(code);
  return MemoryState().with(changes, StateVersion::kV0).value();
}

Executor make_executor() {
  return Executor(Engine({.cache = false}), {.runtime = {.heap_pages = 16, .audit_every = 1}});
}

Bytes call(const Executor& executor, const StateBackend& state, std::string_view method, const Bytes& arguments = {}) {
  const auto outcome = executor.call(state, method, arguments);
  EXPECT_TRUE(outcome) << outcome.error().to_string();
  return outcome ? outcome->result : Bytes{};
}

void expect_message(const Error& error, std::string_view part) {
  EXPECT_NE(error.message.find(part), std::string::npos) << error.to_string();
}

TEST(Externalities, SaysWhatACallChanged) {
  const Executor executor = make_executor();
  const MemoryState state = genesis();
  const auto outcome = executor.call(state, "set", from_text("value"));
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  ASSERT_EQ(outcome->changes.top.size(), 1u);
  EXPECT_EQ(*outcome->changes.top.at(from_text("key")), from_text("value"));
  EXPECT_EQ(call(executor, state, "get"), from_hex("00")) << "the state is as it was";
  const MemoryState next = state.with(outcome->changes, StateVersion::kV0).value();
  EXPECT_EQ(call(executor, next, "get"), join({from_hex("0114"), from_text("value")}));
}

TEST(Externalities, CallsThatShareExternalitiesSeeOneAnother) {
  const Executor executor = make_executor();
  const MemoryState state = genesis();
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

TEST(Externalities, AreUndoneAndKeptFromOutside) {
  const Executor executor = make_executor();
  const MemoryState state = genesis();
  Externalities externalities(state);
  const auto set = [&](std::string_view value) {
    EXPECT_TRUE(executor.call(state, externalities, "set", from_text(value)));
  };
  const auto value = [&] {
    const StorageValue found = externalities.get(from_text("key")).value();
    return found == nullptr ? std::string("none")
                            : std::string(reinterpret_cast<const char*>(found->data()), found->size());
  };
  const Hash root = externalities.root(StateVersion::kV0).value();
  ASSERT_TRUE(externalities.begin_transaction());
  set("one");
  ASSERT_TRUE(externalities.begin_transaction());
  set("two");
  EXPECT_FALSE(executor.call(state, externalities, "set_and_trap", from_text("three")));
  ASSERT_TRUE(executor.call(state, externalities, "leave_open", from_text("four")));
  EXPECT_FALSE(executor.call(state, externalities, "roll_back_too_much", {}))
      << "those around a call are not the guest's";
  EXPECT_EQ(value(), "two");
  EXPECT_EQ(externalities.fork().error().code, ErrorCode::kArgument) << "a transaction is open";
  ASSERT_TRUE(externalities.rollback_transaction());
  EXPECT_EQ(value(), "one");
  ASSERT_TRUE(externalities.begin_transaction());
  set("five");
  ASSERT_TRUE(externalities.commit_transaction());
  EXPECT_EQ(value(), "five");
  ASSERT_TRUE(externalities.rollback_transaction());
  EXPECT_EQ(value(), "none");
  EXPECT_TRUE(externalities.changes().empty());
  EXPECT_EQ(externalities.root(StateVersion::kV0).value(), root);
  EXPECT_EQ(externalities.rollback_transaction().error().code, ErrorCode::kArgument);
  EXPECT_EQ(externalities.commit_transaction().error().code, ErrorCode::kArgument);
}

TEST(Externalities, ForkIntoSomeThatGoTheirOwnWays) {
  const Executor executor = make_executor();
  const MemoryState state = genesis();
  Externalities parent(state);
  ASSERT_TRUE(executor.call(state, parent, "set", from_text("parent")));
  // A value that grows: what is appended in one fork is not seen in another.
  const Bytes list = from_text("list");
  const auto append = [&](Externalities& where, std::string_view item) {
    ASSERT_TRUE(where.state().append(list, from_text(item)));
  };
  append(parent, "a");
  Externalities left = parent.fork().value();
  Externalities right = parent.fork().value();
  append(left, "left");
  append(right, "r");
  append(parent, "bc");
  append(left, "!");
  EXPECT_EQ(*parent.get(list).value(), join({from_hex("08"), from_text("abc")}));
  EXPECT_EQ(*left.get(list).value(), join({from_hex("0c"), from_text("aleft!")}));
  EXPECT_EQ(*right.get(list).value(), join({from_hex("08"), from_text("ar")}));
  ASSERT_TRUE(executor.call(state, left, "set", from_text("left")));
  EXPECT_EQ(executor.call(state, right, "get", {}).value(), join({from_hex("0118"), from_text("parent")}));
  EXPECT_EQ(executor.call(state, parent, "get", {}).value(), join({from_hex("0118"), from_text("parent")}));
  EXPECT_EQ(executor.call(state, left, "get", {}).value(), join({from_hex("0110"), from_text("left")}));
  EXPECT_NE(left.root(StateVersion::kV0).value(), right.root(StateVersion::kV0).value());
}

TEST(Externalities, ChangeChildTries) {
  const MemoryState state = genesis();
  Externalities externalities(state);
  const Bytes name = from_text("child");
  const auto child = TrieId::child(name);
  ASSERT_TRUE(externalities.set(child, from_text("a"), make_value(from_text("1"))));
  EXPECT_EQ(*externalities.get(child, from_text("a")).value(), from_text("1"));
  EXPECT_EQ(externalities.get(from_text("a")).value(), nullptr);
  const Hash root = externalities.root(StateVersion::kV1).value();
  EXPECT_EQ(state.with(externalities.changes(), StateVersion::kV1)->root(), root);
  const Bytes root_key = join({from_text(":child_storage:default:"), name});
  EXPECT_EQ(externalities.get(root_key).value()->size(), 32u);
  ASSERT_TRUE(externalities.set(root_key, nullptr)) << "it follows from the child trie";
  EXPECT_NE(externalities.get(root_key).value(), nullptr);
  ASSERT_TRUE(externalities.set(child, from_text("a"), nullptr));
  EXPECT_EQ(externalities.root(StateVersion::kV1).value(), state.root());
}

TEST(Externalities, BoundWhatACallTakesOfTheHostsMemory) {
  const Executor executor = make_executor();
  const MemoryState state = genesis();
  Externalities externalities(state);
  for (const char* method : {"set_on", "start_on"}) {
    const auto ended = executor.call(state, externalities, method, {});
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().trap, TrapKind::kHostError);
    expect_message(ended.error(), "the call's changes take more than 512 MiB of the host's memory");
    EXPECT_TRUE(externalities.changes().empty());
  }
  EXPECT_TRUE(executor.call(state, externalities, "set", from_text("one"))) << "each call has as much";
}

/// A state in which a long key always follows another one, as keys that begin with the same bytes take a trie little
/// room: more of them than fit into memory.
class EndlessState final : public StateBackend {
 public:
  explicit EndlessState(MemoryState state) : state_(std::move(state)) {}
  Result<StorageValue> get(TrieId trie, BytesView key) const override { return state_.get(trie, key); }
  Result<std::optional<Hash>> value_hash(BytesView key) const override { return state_.value_hash(key); }
  Result<std::optional<Bytes>> next_key(TrieId, BytesView) const override {
    Bytes next = from_text("key");
    next.resize(4u << 20);
    next.back() = static_cast<std::byte>(++asked);  // of 128
    return next;
  }
  Result<Hash> root(TrieId, std::span<const TrieChange>, StateVersion) const override { return Hash{}; }
  mutable std::size_t asked = 0;

 private:
  MemoryState state_;
};

TEST(Externalities, BoundWhatRemovingAPrefixTakesOfTheHostsMemory) {
  const Executor executor = make_executor();
  const EndlessState state(genesis());
  Externalities externalities(state);
  for (const char* method : {"clear", "kill"}) {
    state.asked = 0;
    const auto ended = executor.call(state, externalities, method, {});
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().trap, TrapKind::kHostError);
    expect_message(ended.error(), "the call's changes take more than 512 MiB of the host's memory");
    EXPECT_EQ(state.asked, 128u) << "of 4 MiB each";
    EXPECT_TRUE(externalities.changes().empty());
  }
}

TEST(Externalities, BoundWhatACallGivesToTheOffchainServices) {
  const Executor executor = make_executor();
  const MemoryState state = genesis();
  Offchain offchain;
  Externalities externalities(state, {.offchain = &offchain});
  const auto ended = executor.call(state, externalities, "submit_on", {});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().trap, TrapKind::kHostError);
  expect_message(ended.error(), "the call's changes take more than 512 MiB of the host's memory");
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
  Result<Hash> root(TrieId trie, std::span<const TrieChange> changes, StateVersion version) const override {
    return state_.root(trie, changes, version);
  }

 private:
  MemoryState state_;
};

TEST(Externalities, EndsACallWithTheBackendsError) {
  const auto outcome = make_executor().call(BrokenState(genesis()), "get", {});
  ASSERT_FALSE(outcome);
  const Error& error = outcome.error();
  EXPECT_EQ(error.code, ErrorCode::kTrap);
  EXPECT_EQ(error.trap, TrapKind::kHostError);
  expect_message(error, "ext_storage_get_version_1: the disk is gone");
}

}  // namespace
}  // namespace anew::substrate
