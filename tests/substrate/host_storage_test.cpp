// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_storage_*, called by a guest.
#include <gtest/gtest.h>

#include "substrate/host_guest.hpp"
#include "substrate/naive_trie.hpp"

namespace anew::substrate {
namespace {

class HostStorage : public HostTest {
 protected:
  const MemoryState state = state_of({{from_text("a1"), from_text("one")},
                                      {from_text("a2"), from_text("two")},
                                      {from_text("a3"), from_text("three")},
                                      {from_text("b"), from_text("0123456789")}});
  Externalities externalities{state};

  Bytes ask(const Step& step) { return guest.ask(step, &externalities); }
  Answers run(const std::vector<Step>& steps) { return guest.run(steps, &externalities); }
  std::string trap(const std::vector<Step>& steps) { return guest.trap(steps, &externalities); }

  Bytes get(const char* key) { return ask({"storage_get_version_1", {key}}); }
  bool exists(const char* key) { return ask({"storage_exists_version_1", {key}}) == u32(1); }
};

TEST_F(HostStorage, GetSetExistsAndClear) {
  EXPECT_EQ(get("a1"), some(scale("one")));
  EXPECT_EQ(get("a"), kNone);
  EXPECT_EQ(get("a11"), kNone);
  EXPECT_TRUE(exists("a1"));
  EXPECT_FALSE(exists("a"));

  EXPECT_EQ(run({{"storage_set_version_1", {"new", "value"}},
                 {"storage_set_version_1", {"empty", ""}},
                 {"storage_set_version_1", {"", "of the empty key"}},
                 {"storage_clear_version_1", {"a1"}},
                 {"storage_clear_version_1", {"not there"}},
                 {"storage_get_version_1", {"new"}}})
                .back(),
            some(scale("value")));
  // The next call sees what this one did.
  EXPECT_EQ(get("new"), some(scale("value")));
  EXPECT_EQ(get("empty"), from_hex("01 00"));
  EXPECT_TRUE(exists("empty")) << "an empty value is one";
  EXPECT_EQ(get(""), some(scale("of the empty key")));
  EXPECT_EQ(get("a1"), kNone);
  EXPECT_FALSE(exists("a1"));
  EXPECT_EQ(state.get({}, from_text("a1")).value() != nullptr, true) << "the state below is as it was";
}

TEST_F(HostStorage, ValuesOfEveryLengthsForm) {
  for (const std::size_t size : {0u, 63u, 64u, 16'383u, 16'384u, 100'000u}) {
    const Bytes value(size, std::byte{0xA5});
    EXPECT_EQ(run({{"storage_set_version_1", {"v", value}}, {"storage_get_version_1", {"v"}}}).back(),
              some(scale(value)))
        << size;
  }
}

TEST_F(HostStorage, ReadWritesWhatTheBufferHasRoomForAndTellsHowMuchThereIs) {
  const auto read = [&](const char* key, const char* buffer, std::uint32_t offset) {
    return run({{"storage_read_version_1", {key, buffer, offset}}});
  };
  EXPECT_EQ(read("b", "....", 0), (Answers{some(u32(10)), from_text("0123")}));
  EXPECT_EQ(read("b", "..........", 0), (Answers{some(u32(10)), from_text("0123456789")}));
  EXPECT_EQ(read("b", "............", 0), (Answers{some(u32(10)), from_text("0123456789..")}));
  EXPECT_EQ(read("b", "....", 3), (Answers{some(u32(7)), from_text("3456")}));
  EXPECT_EQ(read("b", "....", 8), (Answers{some(u32(2)), from_text("89..")})) << "the rest stays";
  EXPECT_EQ(read("b", "....", 10), (Answers{some(u32(0)), from_text("....")}));
  EXPECT_EQ(read("b", "....", 11), (Answers{some(u32(0)), from_text("....")})) << "past the end";
  EXPECT_EQ(read("b", "....", UINT32_MAX), (Answers{some(u32(0)), from_text("....")}));
  EXPECT_EQ(read("b", "", 4), (Answers{some(u32(6)), Bytes{}}));
  EXPECT_EQ(read("c", "....", 0), (Answers{kNone, from_text("....")}));
}

TEST_F(HostStorage, ClearPrefixTakesAllThatBeginsWithIt) {
  (void)run({{"storage_set_version_1", {"a0", "new"}}, {"storage_clear_prefix_version_1", {"a"}}});
  for (const char* const key : {"a0", "a1", "a2", "a3"}) EXPECT_FALSE(exists(key)) << key;
  EXPECT_TRUE(exists("b"));
}

/// MultiRemovalResults. @param cursor  an Option.
Bytes results(const Bytes& cursor, std::uint32_t backend, std::uint32_t unique, std::uint32_t loops) {
  return join({cursor, u32(backend), u32(unique), u32(loops)});
}

TEST_F(HostStorage, ClearPrefixWithACursorGoesOnWhereItStopped) {
  const auto clear = [&](const char* prefix, const Bytes& limit, const Bytes& cursor) {
    return ask({"storage_clear_prefix_version_3", {prefix, limit, cursor}});
  };
  EXPECT_EQ(clear("x", kNone, kNone), results(kNone, 0, 0, 0));
  EXPECT_EQ(clear("a", some(u32(0)), kNone), results(some(scale("a1")), 0, 0, 0));
  EXPECT_TRUE(exists("a1"));
  (void)run({{"storage_set_version_1", {"a0", "new"}}, {"storage_set_version_1", {"a3", "changed"}}});
  EXPECT_EQ(clear("a", some(u32(1)), kNone), results(some(scale("a2")), 1, 3, 1)) << "and a0 and a3, which changed";
  for (const char* const key : {"a0", "a1", "a3"}) EXPECT_FALSE(exists(key)) << key;
  EXPECT_TRUE(exists("a2"));
  EXPECT_EQ(clear("a", some(u32(1)), some(scale("a2"))), results(some(scale("a3")), 1, 1, 1));
  EXPECT_EQ(clear("a", some(u32(1)), some(scale("a3"))), results(kNone, 0, 0, 1)) << "a3 was gone";
  EXPECT_TRUE(exists("b"));
}

TEST_F(HostStorage, ACursorIsAnyKey) {
  const auto clear = [&](const char* prefix, const char* cursor) {
    const Bytes answer = ask({"storage_clear_prefix_version_3", {prefix, kNone, some(scale(cursor))}});
    const bool clean = answer == results(kNone, 0, 0, 0);
    return clean;
  };
  EXPECT_TRUE(clear("a", "b")) << "behind the prefix";
  EXPECT_TRUE(clear("a", "a4"));
  EXPECT_TRUE(exists("a1"));
  EXPECT_FALSE(clear("a", "a2x")) << "between two keys";
  EXPECT_TRUE(exists("a2"));
  EXPECT_FALSE(exists("a3"));
  EXPECT_FALSE(clear("a", "0")) << "before the prefix";
  EXPECT_FALSE(exists("a1"));
  EXPECT_TRUE(has(guest.trap({{"storage_clear_prefix_version_3", {"a", kNone, from_hex("01 08 61")}}}, &externalities),
                  "ext_storage_clear_prefix_version_3: SCALE data"));
}

TEST_F(HostStorage, ClearPrefixWithALimitCountsTheKeysOfTheState) {
  const auto clear = [&](const char* prefix, const Bytes& limit) {
    return ask({"storage_clear_prefix_version_2", {prefix, limit}});
  };
  EXPECT_EQ(clear("x", kNone), from_hex("00 00000000")) << "all removed: there was none";
  EXPECT_EQ(clear("a", some(u32(0))), from_hex("01 00000000")) << "some remain";
  (void)ask({"storage_set_version_1", {"a0", "new"}});
  EXPECT_EQ(clear("a", some(u32(2))), from_hex("01 02000000"));
  EXPECT_FALSE(exists("a0")) << "what is new goes without being counted";
  EXPECT_FALSE(exists("a1"));
  EXPECT_FALSE(exists("a2"));
  EXPECT_TRUE(exists("a3"));
  EXPECT_EQ(clear("a", some(u32(2))), from_hex("01 02000000")) << "begins at the first key again, whatever is gone";
  EXPECT_TRUE(exists("a3"));
  EXPECT_EQ(clear("a", some(u32(3))), from_hex("00 03000000"));
  EXPECT_FALSE(exists("a3"));
  EXPECT_EQ(clear("b", kNone), from_hex("00 01000000"));
}

TEST_F(HostStorage, AppendCountsItems) {
  const auto append = [&](const char* key, const char* item) {
    (void)run({{"storage_append_version_1", {key, item}}});
    return get(key);
  };
  EXPECT_EQ(append("list", "x"), some(scale(join({from_hex("04"), from_text("x")}))));
  EXPECT_EQ(append("list", "yz"), some(scale(join({from_hex("08"), from_text("xyz")}))));
  std::vector<Step> many;
  for (int i = 0; i < 62; ++i)
    many.emplace_back("storage_append_version_1", std::initializer_list<Argument>{"list", "."});
  (void)run(many);
  EXPECT_EQ(get("list"), some(scale(join({from_hex("0101"), from_text("xyz" + std::string(62, '.'))}))))
      << "64: the count now takes two bytes";

  // Over what is no sequence.
  (void)ask({"storage_set_version_1", {"no list", from_hex("ff")}});
  EXPECT_EQ(append("no list", "x"), some(scale(join({from_hex("04"), from_text("x")}))));
  (void)ask({"storage_set_version_1", {"empty", ""}});
  EXPECT_EQ(append("empty", "x"), some(scale(join({from_hex("04"), from_text("x")}))));
}

TEST_F(HostStorage, NextKeyGoesThroughTheStateAndWhatIsNew) {
  (void)run({{"storage_set_version_1", {"a15", "new"}}, {"storage_clear_version_1", {"a2"}}});
  const auto next = [&](const char* key) { return ask({"storage_next_key_version_1", {key}}); };
  EXPECT_EQ(next(""), some(scale("a1")));
  EXPECT_EQ(next("a1"), some(scale("a15")));
  EXPECT_EQ(next("a15"), some(scale("a3"))) << "a2 is cleared";
  EXPECT_EQ(next("a2"), some(scale("a3")));
  EXPECT_EQ(next("a3"), some(scale("b")));
  EXPECT_EQ(next("b"), kNone);
}

TEST_F(HostStorage, RootIsThatOfTheStateWithTheChanges) {
  NaiveMap map = {{from_text("a1"), {from_text("one")}},
                  {from_text("a2"), {from_text("two")}},
                  {from_text("a3"), {from_text("three")}},
                  {from_text("b"), {from_text("0123456789")}}};
  const auto root = [&] { return ask({"storage_root_version_1"}); };
  EXPECT_EQ(root(), to_bytes(NaiveTrie::root(map))) << "32 bytes, without a length";

  const Bytes value(33, std::byte{7});
  map[from_text("long")] = {value};
  map.erase(from_text("a1"));
  (void)run({{"storage_set_version_1", {"long", value}}, {"storage_clear_version_1", {"a1"}}});
  EXPECT_EQ(root(), to_bytes(NaiveTrie::root(map)));
  EXPECT_EQ(ask({"storage_root_version_2", {0u}}), root());
  map[from_text("long")].hashed = true;  // in version 1, what changes and has more than 32 bytes
  EXPECT_EQ(ask({"storage_root_version_2", {1u}}), to_bytes(NaiveTrie::root(map)));
  EXPECT_EQ(to_bytes(externalities.root(StateVersion::kV1).value()), to_bytes(NaiveTrie::root(map)));

  const Answers inside = run({{"storage_start_transaction_version_1"},
                              {"storage_set_version_1", {"c", "c"}},
                              {"storage_root_version_1"},
                              {"storage_rollback_transaction_version_1"},
                              {"storage_root_version_1"}});
  map[from_text("long")].hashed = false;
  EXPECT_EQ(inside[4], to_bytes(NaiveTrie::root(map)));
  map[from_text("c")] = {from_text("c")};
  EXPECT_EQ(inside[2], to_bytes(NaiveTrie::root(map))) << "also within a transaction";
}

TEST_F(HostStorage, AnUnknownStateVersionTraps) {
  for (const std::uint32_t version : {2u, 255u, UINT32_MAX}) {
    const std::string message = trap({{"storage_root_version_2", {version}}});
    EXPECT_TRUE(has(message, "ext_storage_root_version_2"));
    EXPECT_TRUE(has(message, "no state version"));
  }
}

TEST_F(HostStorage, ChangesRootIsNoneAlways) {
  EXPECT_EQ(ask({"storage_changes_root_version_1", {Bytes(32)}}), kNone);
  EXPECT_EQ(ask({"storage_changes_root_version_1", {""}}), kNone);
}

TEST_F(HostStorage, ChildTriesRootsCannotBeTouchedThroughTheTopTrie) {
  (void)run({{"storage_set_version_1", {":child_storage:default:c", "forged"}}});
  EXPECT_FALSE(exists(":child_storage:default:c"));
  // A prefix of theirs is refused, the empty one too, as if there were no keys.
  for (const char* const prefix : {"", ":child_", ":child_storage:", ":child_storage:default:c"}) {
    EXPECT_EQ(ask({"storage_clear_prefix_version_3", {prefix, kNone, kNone}}), results(kNone, 0, 0, 0)) << prefix;
    EXPECT_EQ(ask({"storage_clear_prefix_version_2", {prefix, kNone}}), from_hex("00 00000000")) << prefix;
  }
  EXPECT_TRUE(exists("b"));
}

TEST_F(HostStorage, TransactionsNest) {
  const Answers answers = run({{"storage_set_version_1", {"k", "0"}},
                               {"storage_start_transaction_version_1"},
                               {"storage_set_version_1", {"k", "1"}},
                               {"storage_append_version_1", {"list", "x"}},
                               {"storage_start_transaction_version_1"},
                               {"storage_set_version_1", {"k", "2"}},
                               {"storage_append_version_1", {"list", "y"}},
                               {"storage_clear_prefix_version_1", {"a"}},
                               {"storage_get_version_1", {"list"}},
                               {"storage_rollback_transaction_version_1"},
                               {"storage_get_version_1", {"k"}},
                               {"storage_get_version_1", {"list"}},
                               {"storage_get_version_1", {"a1"}},
                               {"storage_start_transaction_version_1"},
                               {"storage_clear_version_1", {"b"}},
                               {"storage_commit_transaction_version_1"},
                               {"storage_commit_transaction_version_1"}});
  EXPECT_EQ(answers[8], some(scale(join({from_hex("08"), from_text("xy")}))));
  EXPECT_EQ(answers[10], some(scale("1")));
  EXPECT_EQ(answers[11], some(scale(join({from_hex("04"), from_text("x")}))));
  EXPECT_EQ(answers[12], some(scale("one")));
  EXPECT_EQ(get("k"), some(scale("1")));
  EXPECT_EQ(get("b"), kNone);

  (void)run({{"storage_start_transaction_version_1"},
             {"storage_set_version_1", {"k", "2"}},
             {"storage_start_transaction_version_1"},
             {"storage_set_version_1", {"k", "3"}},
             {"storage_commit_transaction_version_1"},
             {"storage_rollback_transaction_version_1"}});
  EXPECT_EQ(get("k"), some(scale("1"))) << "what is committed into one that is rolled back goes with it";
}

TEST_F(HostStorage, ATransactionThatIsNotOpenCannotBeClosed) {
  for (const char* const name : {"storage_commit_transaction_version_1", "storage_rollback_transaction_version_1"}) {
    EXPECT_TRUE(has(trap({{name}}), std::string("ext_") + name + ": there is no open transaction"));
    const std::string after = trap({{"storage_start_transaction_version_1"},
                                    {"storage_set_version_1", {"k", "1"}},
                                    {"storage_commit_transaction_version_1"},
                                    {name}});
    EXPECT_TRUE(has(after, "there is no open transaction"));
    EXPECT_FALSE(exists("k")) << "nothing of a call that traps stays";
  }
}

TEST_F(HostStorage, TransactionsThatACallLeavesOpenAreRolledBack) {
  (void)run({{"storage_set_version_1", {"kept", "1"}},
             {"storage_start_transaction_version_1"},
             {"storage_set_version_1", {"lost", "1"}},
             {"offchain_index_set_version_1", {"lost", "1"}},
             {"storage_start_transaction_version_1"},
             {"storage_clear_version_1", {"kept"}}});
  EXPECT_TRUE(exists("kept"));
  EXPECT_FALSE(exists("lost"));
  EXPECT_TRUE(externalities.offchain_index().empty());
  EXPECT_TRUE(has(trap({{"storage_commit_transaction_version_1"}}), "no open transaction"));
}

TEST_F(HostStorage, ACallThatTrapsLeavesTheExternalitiesAsTheyWere) {
  (void)run({{"storage_set_version_1", {"k", "before"}}, {"offchain_index_set_version_1", {"i", "before"}}});
  const Hash root = externalities.root(StateVersion::kV0).value();
  const StateChanges before = externalities.changes();
  for (int i = 0; i < 3; ++i) {
    const auto trapped = guest.call({{"storage_set_version_1", {"k", "after"}},
                                     {"storage_clear_prefix_version_1", {"a"}},
                                     {"storage_append_version_1", {"list", "x"}},
                                     {"default_child_storage_set_version_1", {"child", "k", "v"}},
                                     {"offchain_index_set_version_1", {"i", "after"}},
                                     {"storage_root_version_1"},
                                     {"storage_start_transaction_version_1"},
                                     {"crypto_start_batch_verify_version_1"},
                                     {"trap"}},
                                    &externalities);
    ASSERT_FALSE(trapped);
    EXPECT_EQ(trapped.error().trap, TrapKind::kUnreachable) << trapped.error().to_string();
    EXPECT_EQ(get("k"), some(scale("before")));
    EXPECT_TRUE(exists("a1"));
    EXPECT_FALSE(exists("list"));
    EXPECT_EQ(ask({"default_child_storage_get_version_1", {"child", "k"}}), kNone);
    EXPECT_EQ(externalities.offchain_index().at(from_text("i")), from_text("before"));
    EXPECT_EQ(externalities.root(StateVersion::kV0).value(), root);
    EXPECT_EQ(externalities.changes().top.size(), before.top.size());
  }
}

/// A database that is gone.
class FailingState final : public StateBackend {
 public:
  Result<StorageValue> get(TrieId, BytesView) const override { return failure(); }
  Result<std::optional<Hash>> value_hash(BytesView) const override { return failure(); }
  Result<std::optional<Bytes>> next_key(TrieId, BytesView) const override { return failure(); }
  Result<Hash> root(TrieId, std::span<const TrieChange>, StateVersion) const override { return failure(); }

 private:
  static std::unexpected<Error> failure() { return fail(ErrorCode::kIo, "the disk is gone"); }
};

TEST_F(HostStorage, AnErrorOfTheStateEndsTheCall) {
  const FailingState failing;
  Externalities over_it(failing);
  for (const Step& step : std::vector<Step>{{"storage_get_version_1", {"k"}},
                                            {"storage_read_version_1", {"k", "....", 0u}},
                                            {"storage_exists_version_1", {"k"}},
                                            {"storage_append_version_1", {"k", "item"}},
                                            {"storage_clear_prefix_version_1", {"k"}},
                                            {"storage_clear_prefix_version_2", {"k", kNone}},
                                            {"storage_next_key_version_1", {"k"}},
                                            {"storage_root_version_1"},
                                            {"storage_root_version_2", {1u}},
                                            {"default_child_storage_get_version_1", {"c", "k"}},
                                            {"default_child_storage_read_version_1", {"c", "k", "....", 0u}},
                                            {"default_child_storage_exists_version_1", {"c", "k"}},
                                            {"default_child_storage_clear_prefix_version_1", {"c", "k"}},
                                            {"default_child_storage_clear_prefix_version_2", {"c", "k", kNone}},
                                            {"default_child_storage_storage_kill_version_1", {"c"}},
                                            {"default_child_storage_storage_kill_version_2", {"c", kNone}},
                                            {"default_child_storage_storage_kill_version_3", {"c", kNone}},
                                            {"default_child_storage_next_key_version_1", {"c", "k"}},
                                            {"default_child_storage_root_version_1", {"c"}},
                                            {"default_child_storage_root_version_2", {"c", 1u}}}) {
    EXPECT_TRUE(has(guest.trap({step}, &over_it), "ext_" + step.function + ": the disk is gone"));
  }
}

}  // namespace
}  // namespace anew::substrate
