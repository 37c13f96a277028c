// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_default_child_storage_*, called by a guest.
#include <gtest/gtest.h>

#include "substrate/host_guest.hpp"
#include "substrate/naive_trie.hpp"

namespace anew::substrate {
namespace {

class HostChildStorage : public HostTest {
 protected:
  const MemoryState state =
      state_of({{from_text("k"), from_text("top")}}, {{from_text("child"),
                                                       {{from_text("a1"), from_text("one")},
                                                        {from_text("a2"), from_text("two")},
                                                        {from_text("b"), from_text("0123456789")}}},
                                                      {from_text("other"), {{from_text("a1"), from_text("1")}}}});
  Externalities externalities{state};

  /// @param name  without "default_child_storage_".
  static Step step(std::string_view name, std::initializer_list<Argument> arguments) {
    return {"default_child_storage_" + std::string(name), arguments};
  }
  Bytes ask(std::string_view name, std::initializer_list<Argument> arguments) {
    return guest.ask(step(name, arguments), &externalities);
  }
  Answers run(const std::vector<Step>& steps) { return guest.run(steps, &externalities); }
  bool exists(const char* child, const char* key) { return ask("exists_version_1", {child, key}) == u32(1); }
  /// The root that the top trie holds of a child trie, as an Option.
  Bytes stored_root(const std::string& child) {
    return guest.ask({"storage_get_version_1", {from_text(":child_storage:default:" + child)}}, &externalities);
  }
};

TEST_F(HostChildStorage, GetSetExistsAndClear) {
  EXPECT_EQ(ask("get_version_1", {"child", "a1"}), some(scale("one")));
  EXPECT_EQ(ask("get_version_1", {"other", "a1"}), some(scale("1"))) << "each child trie has its own keys";
  EXPECT_EQ(ask("get_version_1", {"child", "k"}), kNone) << "and not those of the top trie";
  EXPECT_EQ(ask("get_version_1", {"none", "a1"}), kNone);
  EXPECT_TRUE(exists("child", "a1"));
  EXPECT_FALSE(exists("child", "a"));

  (void)run({step("set_version_1", {"child", "new", ""}), step("set_version_1", {"fresh", "k", "v"}),
             step("clear_version_1", {"child", "a1"}), step("clear_version_1", {"none", "k"})});
  EXPECT_EQ(ask("get_version_1", {"child", "new"}), from_hex("01 00"));
  EXPECT_EQ(ask("get_version_1", {"fresh", "k"}), some(scale("v")));
  EXPECT_FALSE(exists("child", "a1"));
  EXPECT_TRUE(exists("other", "a1"));
  EXPECT_EQ(guest.ask({"storage_get_version_1", {"k"}}, &externalities), some(scale("top")));
}

TEST_F(HostChildStorage, ReadWritesWhatTheBufferHasRoomFor) {
  const auto read = [&](const char* key, const char* buffer, std::uint32_t offset) {
    return run({step("read_version_1", {"child", key, buffer, offset})});
  };
  EXPECT_EQ(read("b", "....", 0), (Answers{some(u32(10)), from_text("0123")}));
  EXPECT_EQ(read("b", "....", 8), (Answers{some(u32(2)), from_text("89..")}));
  EXPECT_EQ(read("b", "....", 11), (Answers{some(u32(0)), from_text("....")}));
  EXPECT_EQ(read("c", "....", 0), (Answers{kNone, from_text("....")}));
}

TEST_F(HostChildStorage, ClearPrefixTakesAllThatBeginsWithIt) {
  (void)ask("clear_prefix_version_1", {"child", "a"});
  EXPECT_FALSE(exists("child", "a1"));
  EXPECT_FALSE(exists("child", "a2"));
  EXPECT_TRUE(exists("child", "b"));
  EXPECT_TRUE(exists("other", "a1"));
}

TEST_F(HostChildStorage, ClearPrefixWithALimitCountsTheKeysOfTheState) {
  (void)ask("set_version_1", {"child", "a0", "new"});
  EXPECT_EQ(ask("clear_prefix_version_2", {"child", "a", some(u32(1))}), from_hex("01 01000000"));
  EXPECT_FALSE(exists("child", "a0"));
  EXPECT_FALSE(exists("child", "a1"));
  EXPECT_TRUE(exists("child", "a2"));
  EXPECT_EQ(ask("clear_prefix_version_2", {"child", "a", some(u32(2))}), from_hex("00 02000000"));
  EXPECT_EQ(ask("clear_prefix_version_2", {"child", "", kNone}), from_hex("00 03000000"))
      << "the empty prefix is none that is refused here";
  EXPECT_EQ(ask("clear_prefix_version_2", {"none", "", kNone}), from_hex("00 00000000"));
}

/// MultiRemovalResults. @param cursor  an Option.
Bytes results(const Bytes& cursor, std::uint32_t backend, std::uint32_t unique, std::uint32_t loops) {
  return join({cursor, u32(backend), u32(unique), u32(loops)});
}

TEST_F(HostChildStorage, ClearPrefixAndKillWithACursorGoOnWhereTheyStopped) {
  (void)ask("set_version_1", {"child", "a0", "new"});
  EXPECT_EQ(ask("clear_prefix_version_3", {"child", "a", some(u32(1)), kNone}), results(some(scale("a2")), 1, 2, 1));
  EXPECT_TRUE(exists("child", "a2"));
  EXPECT_EQ(ask("clear_prefix_version_3", {"child", "a", some(u32(1)), some(scale("a2"))}), results(kNone, 1, 1, 1));
  EXPECT_TRUE(exists("child", "b"));
  EXPECT_EQ(ask("storage_kill_version_4", {"child", some(u32(2)), kNone}), results(some(scale("b")), 0, 0, 2));
  EXPECT_EQ(ask("storage_kill_version_4", {"child", some(u32(2)), some(scale("b"))}), results(kNone, 1, 1, 1));
  EXPECT_EQ(ask("storage_kill_version_4", {"other", kNone, kNone}), results(kNone, 1, 1, 1));
  EXPECT_EQ(ask("storage_kill_version_4", {"none", kNone, kNone}), results(kNone, 0, 0, 0));
  EXPECT_FALSE(exists("child", "b"));
  EXPECT_FALSE(exists("other", "a1"));
}

TEST_F(HostChildStorage, KillTakesAWholeTrie) {
  (void)run({step("set_version_1", {"child", "new", "1"}), step("storage_kill_version_1", {"child"})});
  for (const char* const key : {"a1", "a2", "b", "new"}) EXPECT_FALSE(exists("child", key)) << key;
  EXPECT_TRUE(exists("other", "a1"));
}

TEST_F(HostChildStorage, KillVersion2TellsWhetherAllIsGone) {
  EXPECT_EQ(ask("storage_kill_version_2", {"child", some(u32(2))}), u32(0));
  EXPECT_FALSE(exists("child", "a2"));
  EXPECT_TRUE(exists("child", "b"));
  EXPECT_EQ(ask("storage_kill_version_2", {"child", some(u32(3))}), u32(1));
  EXPECT_FALSE(exists("child", "b"));
  EXPECT_EQ(ask("storage_kill_version_2", {"other", kNone}), u32(1));
  EXPECT_EQ(ask("storage_kill_version_2", {"none", some(u32(0))}), u32(1));
}

TEST_F(HostChildStorage, KillVersion3TellsHowManyKeysToo) {
  EXPECT_EQ(ask("storage_kill_version_3", {"child", some(u32(0))}), from_hex("01 00000000"));
  EXPECT_EQ(ask("storage_kill_version_3", {"child", some(u32(2))}), from_hex("01 02000000"));
  EXPECT_EQ(ask("storage_kill_version_3", {"child", kNone}), from_hex("00 03000000"));
  EXPECT_EQ(ask("storage_kill_version_3", {"none", kNone}), from_hex("00 00000000"));
}

TEST_F(HostChildStorage, NextKeyStaysInItsTrie) {
  (void)run({step("set_version_1", {"child", "a15", "new"}), step("clear_version_1", {"child", "a2"})});
  const auto next = [&](const char* key) { return ask("next_key_version_1", {"child", key}); };
  EXPECT_EQ(next(""), some(scale("a1")));
  EXPECT_EQ(next("a1"), some(scale("a15")));
  EXPECT_EQ(next("a15"), some(scale("b")));
  EXPECT_EQ(next("b"), kNone);
  EXPECT_EQ(ask("next_key_version_1", {"none", ""}), kNone);
}

TEST_F(HostChildStorage, RootIsPutIntoTheTopTrie) {
  NaiveMap map = {{from_text("a1"), {from_text("one")}},
                  {from_text("a2"), {from_text("two")}},
                  {from_text("b"), {from_text("0123456789")}}};
  EXPECT_EQ(ask("root_version_1", {"child"}), to_bytes(NaiveTrie::root(map)));
  const Bytes value(40, std::byte{7});
  (void)ask("set_version_1", {"child", "long", value});
  map[from_text("long")] = {value};
  EXPECT_EQ(ask("root_version_1", {"child"}), to_bytes(NaiveTrie::root(map)));
  EXPECT_EQ(ask("root_version_2", {"child", 0u}), to_bytes(NaiveTrie::root(map)));
  EXPECT_EQ(stored_root("child"), some(scale(to_bytes(NaiveTrie::root(map)))));
  map[from_text("long")].hashed = true;
  EXPECT_EQ(ask("root_version_2", {"child", 1u}), to_bytes(NaiveTrie::root(map)));
  EXPECT_EQ(stored_root("child"), some(scale(to_bytes(NaiveTrie::root(map)))));
}

TEST_F(HostChildStorage, TheTopTriesRootTakesChildTriesAlong) {
  (void)run({step("set_version_1", {"fresh", "k", "v"}), step("storage_kill_version_1", {"other"})});
  const Hash child = NaiveTrie::root({{from_text("a1"), {from_text("one")}},
                                      {from_text("a2"), {from_text("two")}},
                                      {from_text("b"), {from_text("0123456789")}}});
  const Hash fresh = NaiveTrie::root({{from_text("k"), {from_text("v")}}});
  const Hash root = NaiveTrie::root({{from_text("k"), {from_text("top")}},
                                     {from_text(":child_storage:default:child"), {to_bytes(child)}},
                                     {from_text(":child_storage:default:fresh"), {to_bytes(fresh)}}});
  EXPECT_EQ(guest.ask({"storage_root_version_1"}, &externalities), to_bytes(root));
}

TEST_F(HostChildStorage, TheRootOfATrieWithoutKeysIsNotStored) {
  const Bytes empty = to_bytes(NaiveTrie::root({}));
  EXPECT_EQ(ask("root_version_1", {"none"}), empty);
  EXPECT_EQ(stored_root("none"), kNone);
  (void)ask("storage_kill_version_1", {"other"});
  EXPECT_EQ(ask("root_version_2", {"other", 1u}), empty);
  EXPECT_EQ(stored_root("other"), kNone);
}

TEST_F(HostChildStorage, AnUnknownStateVersionTraps) {
  const std::string message = guest.trap({step("root_version_2", {"child", 2u})}, &externalities);
  EXPECT_TRUE(has(message, "ext_default_child_storage_root_version_2: 2 is no state version"));
}

TEST_F(HostChildStorage, TransactionsCoverChildTries) {
  (void)run({{"storage_start_transaction_version_1"},
             step("set_version_1", {"child", "a1", "changed"}),
             step("storage_kill_version_1", {"other"}),
             step("set_version_1", {"fresh", "k", "v"}),
             {"storage_rollback_transaction_version_1"}});
  EXPECT_EQ(ask("get_version_1", {"child", "a1"}), some(scale("one")));
  EXPECT_TRUE(exists("other", "a1"));
  EXPECT_FALSE(exists("fresh", "k"));
}

}  // namespace
}  // namespace anew::substrate
