// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_offchain_*, called by a guest.
#include <gtest/gtest.h>

#include <atomic>

#include "substrate/host_guest.hpp"

namespace anew::substrate {
namespace {

class HostOffchain : public HostTest {
 protected:
  Offchain offchain{{.now = [] { return 0x0123'4567'89ab'cdefull; },
                     .random =
                         [] {
                           Hash seed;
                           seed.fill(std::byte{0x5A});
                           return seed;
                         }}};
  const MemoryState state;
  Externalities externalities{state, {.offchain = &offchain}};

  /// @param name  without "offchain_".
  static Step step(std::string_view name, std::initializer_list<Argument> arguments = {}) {
    return {"offchain_" + std::string(name), arguments};
  }
  Bytes ask(std::string_view name, std::initializer_list<Argument> arguments = {}) {
    return guest.ask(step(name, arguments), &externalities);
  }
};

constexpr std::uint32_t kPersistent = 1, kLocal = 2;

TEST_F(HostOffchain, TellsTimeAndSeedAndWhetherItIsAValidator) {
  EXPECT_EQ(ask("timestamp_version_1"), u64(0x0123'4567'89ab'cdef));
  EXPECT_EQ(ask("random_seed_version_1"), Bytes(32, std::byte{0x5A}));
  EXPECT_EQ(ask("is_validator_version_1"), u32(0));
  Offchain validator({.is_validator = true});
  Externalities with_validator(state, {.offchain = &validator});
  EXPECT_EQ(guest.ask(step("is_validator_version_1"), &with_validator), u32(1));
}

TEST_F(HostOffchain, SleepsByItsClock) {
  std::atomic<std::uint64_t> now = 1000;
  Offchain with_clock({.now = [&] { return now++; }});
  Externalities with(state, {.offchain = &with_clock});
  (void)guest.ask(step("sleep_until_version_1", {u64(1003)}), &with);
  EXPECT_EQ(now, 1004u) << "looked at until it said so";
  (void)guest.ask(step("sleep_until_version_1", {u64(0)}), &with);
  EXPECT_EQ(now, 1005u);
}

TEST_F(HostOffchain, TakesAuthorizedNodesAndDoesNothingWithThem) {
  EXPECT_EQ(guest.run({step("set_authorized_nodes_version_1", {join({from_hex("08"), scale("a"), scale("b")}), 1u})},
                      &externalities),
            Answers{Bytes{}});
  EXPECT_TRUE(has(guest.trap({step("set_authorized_nodes_version_1", {from_hex("08 04 61"), 1u})}, &externalities),
                  "ext_offchain_set_authorized_nodes_version_1: SCALE data"));
}

TEST_F(HostOffchain, NetworkStateIsAResult) {
  EXPECT_EQ(ask("network_state_version_1"), from_hex("01")) << "an error without a value";
  Offchain networked(
      {.network_state = NetworkState{from_text("peer"), {from_text("one"), from_text("two"), Bytes(64)}}});
  Externalities with_network(state, {.offchain = &networked});
  EXPECT_EQ(guest.ask(step("network_state_version_1"), &with_network),
            join({from_hex("00"), scale("peer"), from_hex("0c"), scale("one"), scale("two"), scale(Bytes(64))}));
}

TEST_F(HostOffchain, TransactionsAreKept) {
  EXPECT_EQ(ask("submit_transaction_version_1", {"first"}), from_hex("00"));
  EXPECT_EQ(ask("submit_transaction_version_1", {"second"}), from_hex("00"));
  EXPECT_EQ(offchain.submitted(), (std::vector<Bytes>{from_text("first"), from_text("second")}));
}

TEST_F(HostOffchain, LocalStorageHasTwoSpaces) {
  const auto get = [&](std::uint32_t kind, const char* key) { return ask("local_storage_get_version_1", {kind, key}); };
  (void)ask("local_storage_set_version_1", {kPersistent, "k", "persistent"});
  (void)ask("local_storage_set_version_1", {kLocal, "k", "local"});
  (void)ask("local_storage_set_version_1", {kLocal, "empty", ""});
  EXPECT_EQ(get(kPersistent, "k"), some(scale("persistent")));
  EXPECT_EQ(get(kLocal, "k"), some(scale("local")));
  EXPECT_EQ(get(kLocal, "empty"), from_hex("01 00"));
  EXPECT_EQ(get(kPersistent, "empty"), kNone);
  (void)ask("local_storage_clear_version_1", {kLocal, "k"});
  (void)ask("local_storage_clear_version_1", {kLocal, "none"});
  EXPECT_EQ(get(kLocal, "k"), kNone);
  EXPECT_EQ(get(kPersistent, "k"), some(scale("persistent")));
  EXPECT_EQ(offchain.get(StorageKind::kPersistent, from_text("k")), from_text("persistent"));
}

TEST_F(HostOffchain, CompareAndSetSetsWhatIsAsExpected) {
  const auto set = [&](const Bytes& old_value, const char* value) {
    return ask("local_storage_compare_and_set_version_1", {kPersistent, "k", old_value, value});
  };
  const auto value = [&] { return ask("local_storage_get_version_1", {kPersistent, "k"}); };
  EXPECT_EQ(set(some(scale("")), "1"), u32(0)) << "an empty value is not none";
  EXPECT_EQ(value(), kNone);
  EXPECT_EQ(set(kNone, "1"), u32(1));
  EXPECT_EQ(set(kNone, "2"), u32(0));
  EXPECT_EQ(set(some(scale("2")), "2"), u32(0));
  EXPECT_EQ(value(), some(scale("1")));
  EXPECT_EQ(set(some(scale("1")), ""), u32(1));
  EXPECT_EQ(value(), some(scale("")));
}

TEST_F(HostOffchain, CompareAndSetRefusesAMalformedOption) {
  for (const Bytes& old_value : {Bytes{}, from_hex("02"), from_hex("01"), from_hex("01 08 61")}) {
    EXPECT_TRUE(has(guest.trap({step("local_storage_compare_and_set_version_1", {kPersistent, "k", old_value, "v"})},
                               &externalities),
                    "ext_offchain_local_storage_compare_and_set_version_1: SCALE data"));
  }
}

TEST_F(HostOffchain, AnUnknownKindOfStorageTraps) {
  for (const std::uint32_t kind : {3u, UINT32_MAX}) {
    for (const Step& call :
         {step("local_storage_set_version_1", {kind, "k", "v"}), step("local_storage_clear_version_1", {kind, "k"}),
          step("local_storage_get_version_1", {kind, "k"}),
          step("local_storage_compare_and_set_version_1", {kind, "k", kNone, "v"})}) {
      EXPECT_TRUE(has(guest.trap({call}, &externalities), "ext_" + call.function + ": "));
    }
  }
}

TEST_F(HostOffchain, WhatACallChangedStaysThoughItTraps) {
  EXPECT_FALSE(guest.call({step("local_storage_set_version_1", {kLocal, "k", "v"}),
                           step("submit_transaction_version_1", {"t"}), Step("trap")},
                          &externalities));
  EXPECT_EQ(offchain.get(StorageKind::kLocal, from_text("k")), from_text("v"));
  EXPECT_EQ(offchain.submitted().size(), 1u);
}

// HttpError counts from 1 and HttpRequestStatus from 0: there Invalid is 3, and here 2.
TEST_F(HostOffchain, ThereIsNoHttp) {
  EXPECT_EQ(ask("http_request_start_version_1", {"GET", "http://localhost", ""}), from_hex("01"));
  EXPECT_EQ(ask("http_request_add_header_version_1", {0u, "name", "value"}), from_hex("01"));
  EXPECT_EQ(ask("http_request_write_body_version_1", {0u, "body", kNone}), from_hex("01 03"));
  EXPECT_EQ(ask("http_response_wait_version_1", {from_hex("0c 0000 0100 ffff"), kNone}), from_hex("0c 02 02 02"));
  EXPECT_EQ(ask("http_response_wait_version_1", {from_hex("00"), kNone}), from_hex("00"));
  EXPECT_EQ(ask("http_response_headers_version_1", {0u}), from_hex("00"));
  EXPECT_EQ(guest.run({step("http_response_read_body_version_1", {0u, "....", kNone})}, &externalities),
            (Answers{from_hex("01 03"), from_text("....")}));
}

TEST_F(HostOffchain, MalformedIdsOfRequestsTrap) {
  for (const Bytes& ids : {Bytes{}, from_hex("04 00"), from_hex("08 0000 00"), from_hex("feffffff 0000")}) {
    EXPECT_TRUE(has(guest.trap({step("http_response_wait_version_1", {ids, kNone})}, &externalities),
                    "ext_offchain_http_response_wait_version_1: SCALE data"));
  }
}

TEST_F(HostOffchain, WithoutServicesOnlyTheIndexIsThere) {
  Externalities bare(state);
  for (const HostFunction& function : kHostFunctions) {
    if (!function.name.starts_with("ext_offchain_") || function.name.starts_with("ext_offchain_index_")) continue;
    std::vector<Argument> arguments;
    for (const std::string& word : function.parameter_words())
      arguments.push_back(word == "u32" ? Argument(1u) : Argument(kNone));
    const std::string message = guest.trap({{function.name.substr(4), arguments}}, &bare);
    EXPECT_TRUE(has(message, function.name));
    EXPECT_TRUE(has(message, "no offchain services"));
  }
  (void)guest.run({step("index_set_version_1", {"k", "v"})}, &bare);
  EXPECT_EQ(bare.offchain_index().at(from_text("k")), from_text("v"));
}

TEST_F(HostOffchain, TheIndexKeepsWhatWasSaidLast) {
  (void)guest.run({step("index_set_version_1", {"a", "1"}), step("index_set_version_1", {"a", "2"}),
                   step("index_set_version_1", {"b", "1"}), step("index_clear_version_1", {"b"}),
                   step("index_clear_version_1", {"c"}), step("index_set_version_1", {"d", ""})},
                  &externalities);
  const std::map<Bytes, std::optional<Bytes>> expected = {{from_text("a"), from_text("2")},
                                                          {from_text("b"), std::nullopt},
                                                          {from_text("c"), std::nullopt},
                                                          {from_text("d"), Bytes{}}};
  EXPECT_EQ(externalities.offchain_index(), expected);
}

TEST_F(HostOffchain, TheIndexIsRolledBackWithTransactions) {
  (void)guest.run({step("index_set_version_1", {"k", "0"}),
                   {"storage_start_transaction_version_1"},
                   step("index_set_version_1", {"k", "1"}),
                   {"storage_start_transaction_version_1"},
                   step("index_clear_version_1", {"k"}),
                   {"storage_rollback_transaction_version_1"},
                   {"storage_commit_transaction_version_1"},
                   {"storage_start_transaction_version_1"},
                   step("index_set_version_1", {"k", "2"}),
                   {"storage_rollback_transaction_version_1"}},
                  &externalities);
  EXPECT_EQ(externalities.offchain_index().at(from_text("k")), from_text("1"));
}

}  // namespace
}  // namespace anew::substrate
