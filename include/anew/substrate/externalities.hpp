// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What calls into a runtime see of the world outside their instance, and what they did to it.
#pragma once

#include <anew/error.hpp>
#include <anew/substrate/keystore.hpp>
#include <anew/substrate/offchain.hpp>
#include <anew/substrate/state.hpp>
#include <anew/substrate/types.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace anew::substrate {

/// What a host offers beyond the state. Execution of blocks gets none of it: what is not in the state must not matter
/// there, and a runtime that asks for it traps.
struct HostServices {
  Keystore* keystore = nullptr;
  Offchain* offchain = nullptr;
};

/// That the node is to keep the data of a transaction (`ext_transaction_index_*`).
struct TransactionIndexing {
  std::uint32_t extrinsic = 0;        ///< its index in the block
  Hash hash{};                        ///< of the data
  std::optional<std::uint32_t> size;  ///< of the data, at the extrinsic's end; nothing: it is kept already, and stays
  bool operator==(const TransactionIndexing&) const = default;
};

/// Calls of one host function, and the time it took.
struct HostFunctionUse {
  std::uint64_t calls = 0;
  std::uint64_t nanoseconds = 0;
};
/// By the function's name.
using HostProfile = std::map<std::string_view, HostFunctionUse>;

/// A state with what calls changed of it. Several calls may share one, one after the other, and each sees what those
/// before it changed: so a block is built by `Core_initialize_block`, `BlockBuilder_apply_extrinsic` and
/// `BlockBuilder_finalize_block`. A call that fails changes nothing. Used by one thread at a time.
class ANEW_API Externalities {
 public:
  /// @param state  must outlive it, as the services must.
  explicit Externalities(const StateBackend& state, HostServices services = {});
  Externalities(Externalities&&) noexcept;
  Externalities& operator=(Externalities&&) noexcept;
  ~Externalities();

  /// The value of a key now, or null; in the top trie, or in the one that is named.
  [[nodiscard]] Result<StorageValue> get(BytesView key) const { return get(TrieId(), key); }
  [[nodiscard]] Result<StorageValue> get(TrieId trie, BytesView key) const;
  /// Changes a key, as a call could; null: removes it. Does nothing to keys of the top trie where roots of child tries
  /// lie: they follow from the child tries. @return kResource.
  [[nodiscard]] Result<void> set(BytesView key, StorageValue value) { return set(TrieId(), key, std::move(value)); }
  [[nodiscard]] Result<void> set(TrieId trie, BytesView key, StorageValue value);
  /// Transactions around calls, which may be nested: what changes from here on is kept or undone as one. So a node
  /// discards an extrinsic that it does not include, or what a call changed that it only asked.
  /// @return kArgument while a call runs, or if none is open that was begun here; kResource.
  [[nodiscard]] Result<void> begin_transaction();
  [[nodiscard]] Result<void> commit_transaction();
  [[nodiscard]] Result<void> rollback_transaction();
  /// Others over the same state and services, with the same changes; from then on each goes its own way. Costs about
  /// what the changes take. @return kArgument while a transaction is open or a call runs; kResource.
  [[nodiscard]] Result<Externalities> fork() const;

  /// The root that the state has now; computed only if something changed since it was asked for last.
  [[nodiscard]] Result<Hash> root(StateVersion version);
  /// What changed so far.
  [[nodiscard]] StateChanges changes() const;
  /// What was indexed for offchain workers (`ext_offchain_index_*`): by key the value, or nothing where it was cleared.
  [[nodiscard]] std::map<Bytes, std::optional<Bytes>> offchain_index() const;

  /// What the node is to keep of transactions, in the order in which it was asked for.
  [[nodiscard]] std::vector<TransactionIndexing> transaction_index() const;

  /// From now on calls and times of host functions are added up in `profile`, which must outlive the calls; null: no
  /// more. Costs each host function two readings of the clock.
  void set_profile(HostProfile* profile) noexcept;

  /// For the library's own folders.
  struct State;
  [[nodiscard]] State& state() noexcept { return *state_; }

 private:
  explicit Externalities(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace anew::substrate
