// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a node does besides, called by a guest: ext_storage_proof_size_*, ext_transaction_index_*, ext_wasm_tracing_*.
#include <gtest/gtest.h>

#include "substrate/host_guest.hpp"

namespace anew::substrate {
namespace {

class HostNode : public HostTest {
 protected:
  const MemoryState state;
  Externalities externalities{state};

  static Hash hash_of(std::uint8_t byte) {
    Hash hash;
    hash.fill(std::byte{byte});
    return hash;
  }
};

TEST_F(HostNode, NoProofIsRecorded) {
  EXPECT_EQ(guest.ask({"storage_proof_size_storage_proof_size_version_1"}), from_hex("ffffffff ffffffff"));
}

TEST_F(HostNode, NobodySubscribesToWhatIsTraced) {
  EXPECT_EQ(guest.ask({"wasm_tracing_enabled_version_1", {"metadata"}}), u32(0));
  EXPECT_EQ(guest.ask({"wasm_tracing_enter_span_version_1", {"attributes"}}), u64(0));
  EXPECT_EQ(guest.run({{"wasm_tracing_event_version_1", {"attributes"}}, {"wasm_tracing_exit_version_1", {u64(0)}}}),
            (Answers{Bytes{}, Bytes{}}));
}

TEST_F(HostNode, WhatToKeepOfTransactionsIsPartOfTheOutcome) {
  (void)guest.run({{"transaction_index_index_version_1", {3u, 1000u, hash_of(1)}},
                   {"transaction_index_renew_version_1", {4u, hash_of(2)}}},
                  &externalities);
  (void)guest.run({{"transaction_index_index_version_1", {UINT32_MAX, 0u, hash_of(3)}}}, &externalities);
  const std::vector<TransactionIndexing> expected = {
      {3, hash_of(1), 1000}, {4, hash_of(2), std::nullopt}, {UINT32_MAX, hash_of(3), 0}};
  EXPECT_EQ(externalities.transaction_index(), expected);
}

TEST_F(HostNode, WhatToKeepOutlivesATransactionButNotACallThatFails) {
  (void)guest.run({{"storage_start_transaction_version_1"},
                   {"transaction_index_renew_version_1", {1u, hash_of(1)}},
                   {"storage_rollback_transaction_version_1"}},
                  &externalities);
  (void)guest.call({{"transaction_index_renew_version_1", {2u, hash_of(2)}}, {"trap"}}, &externalities);
  EXPECT_EQ(externalities.transaction_index(), (std::vector<TransactionIndexing>{{1, hash_of(1), std::nullopt}}));
}

}  // namespace
}  // namespace anew::substrate
