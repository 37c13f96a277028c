// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What host functions work on.
#pragma once

#include <anew/substrate/externalities.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "host/substrate/overlay.hpp"

namespace anew::substrate {

/// What the changes of one call may take of the host's memory, roughly, in bytes: far more than any block's do. Writing
/// the same again counts again.
inline constexpr std::uint64_t kMaximumBytesOfACall = 512ull << 20;

struct Externalities::State {
  State(const StateBackend& base, HostServices with_services) : State(Overlay(base), with_services) {}
  State(Overlay with_overlay, HostServices with_services) : overlay(std::move(with_overlay)), services(with_services) {}

  Overlay overlay;
  HostServices services;
  /// Between start_batch_verify and finish_batch_verify: whether all signatures were good so far.
  std::optional<bool> batch;
  /// Of the root that a call computed last.
  std::optional<StateVersion> root_version;
  HostProfile* profile = nullptr;

  /// What was indexed, in order; a null value clears the key. Rolled back with the transactions.
  std::vector<std::pair<Bytes, std::optional<Bytes>>> offchain_index;
  std::vector<std::size_t> offchain_marks;  ///< the size of offchain_index at the start of each open transaction

  /// What was asked for, in order. As in Substrate, not rolled back with a runtime's transactions; but of a call that
  /// fails, or is undone from outside, nothing is left.
  std::vector<TransactionIndexing> transaction_index;

  /// Host functions change the state by these: @return kLimit once a call has written more than kMaximumBytesOfACall.
  [[nodiscard]] Result<void> set(TrieId trie, BytesView key, StorageValue value);
  [[nodiscard]] Result<void> append(BytesView key, BytesView item);
  [[nodiscard]] Result<Overlay::Removal> clear_prefix(TrieId trie, BytesView prefix, std::optional<std::uint32_t> limit,
                                                      std::optional<BytesView> cursor = std::nullopt);
  [[nodiscard]] Result<Hash> root(StateVersion version);
  [[nodiscard]] Result<void> index_offchain(BytesView key, std::optional<BytesView> value);
  [[nodiscard]] Result<void> index_transaction(const TransactionIndexing& indexing);
  [[nodiscard]] Result<void> start_transaction();
  /// Counts what a call adds to the host's memory.
  [[nodiscard]] Result<void> charge(std::uint64_t bytes);

  /// @return false if none is open that the call itself started: the others are begin_call()'s and those around the
  /// call.
  [[nodiscard]] bool commit_transaction();
  [[nodiscard]] bool rollback_transaction();

  /// Transactions around calls: @return kArgument while one runs, or if none is open.
  [[nodiscard]] Result<void> begin_outside();
  [[nodiscard]] Result<void> close_outside(bool commit);
  /// A copy with changes of its own. @pre no transaction is open.
  [[nodiscard]] State fork() const;

  /// A call is a transaction: what it leaves open is rolled back, and so is all if it fails.
  void begin_call();
  void end_call(bool succeeded);

 private:
  [[nodiscard]] Overlay::Charge charge_this() {
    return [this](std::uint64_t bytes) { return charge(bytes); };
  }
  void open_transaction();
  [[nodiscard]] bool close_transaction(bool commit);
  /// Opens the transaction of a call, or one around calls.
  void open_index();
  /// @pre it is closed.
  void close_index(bool commit);

  std::uint64_t charged_ = 0;    ///< of the call
  std::size_t of_the_call_ = 0;  ///< transactions that are open when it begins, its own and those around it
  bool in_call_ = false;
  std::vector<std::size_t>
      index_marks_;  ///< the size of transaction_index before the call, and each transaction around
};

}  // namespace anew::substrate
