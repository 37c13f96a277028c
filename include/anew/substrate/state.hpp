// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A chain's state: key-value pairs in a base-16 Merkle-Patricia trie, whose root a block's header holds, and child
// tries, whose roots are values of that trie (Polkadot specification, "State Storage and the Storage Trie").
//
//   auto state = substrate::MemoryState::from_chain_spec(spec, substrate::StateVersion::kV0).value();
//   substrate::Hash root = state.root();
//   auto next = state.with(outcome.changes, outcome.state_version).value();      // shares what did not change
#pragma once

#include <anew/error.hpp>
#include <anew/substrate/chain_spec.hpp>
#include <anew/substrate/types.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace anew::substrate {

/// How values lie in the trie's nodes: in version 0 as they are, in version 1 those of more than 32 bytes as their
/// hash.
enum class StateVersion : std::uint8_t { kV0 = 0, kV1 = 1 };

/// A value of a state, shared and never changed; null: there is none.
using StorageValue = std::shared_ptr<const Bytes>;

/// Which trie of a state: the top one, or the default child trie of a storage key. A view, as std::span is.
class ANEW_API TrieId {
 public:
  /// The top trie.
  constexpr TrieId() noexcept = default;
  /// A child trie. @param storage_key  without the prefix ":child_storage:default:".
  [[nodiscard]] static constexpr TrieId child(BytesView storage_key) noexcept { return TrieId(storage_key); }

  [[nodiscard]] constexpr bool is_child() const noexcept { return storage_key_.has_value(); }
  /// Of a child trie.
  [[nodiscard]] constexpr BytesView storage_key() const noexcept { return *storage_key_; }

 private:
  constexpr explicit TrieId(BytesView storage_key) noexcept : storage_key_(storage_key) {}
  std::optional<BytesView> storage_key_;
};

/// A change to a trie, as it is looked at.
struct TrieChange {
  BytesView key;
  StorageValue value;  ///< null: the key goes
};

/// Changes to one trie: by key the new value, or null for one that goes.
using TrieChanges = std::map<Bytes, StorageValue>;

/// Changes to a state.
struct StateChanges {
  /// Also holds the new roots of child tries once a root was computed.
  TrieChanges top;
  std::map<Bytes, TrieChanges> children;  ///< by storage key, without the prefix

  [[nodiscard]] bool empty() const noexcept { return top.empty() && children.empty(); }
};

/// The read-only state that calls start from. Implement it over a database; MemoryState is one in memory. Used by many
/// threads at once. An error of any of its functions ends the call that asked as a trap, with the error's message.
class ANEW_API StateBackend {
 public:
  StateBackend() = default;
  StateBackend(const StateBackend&) = default;
  StateBackend& operator=(const StateBackend&) = default;
  virtual ~StateBackend() = default;

  /// The value of a key, or null.
  [[nodiscard]] virtual Result<StorageValue> get(TrieId trie, BytesView key) const = 0;
  /// BLAKE2b-256 of the value in the top trie, or nothing if there is none. Asked for ":code" before each call, so an
  /// implementation keeps that.
  [[nodiscard]] virtual Result<std::optional<Hash>> value_hash(BytesView key) const = 0;
  /// The first key that is greater than `key` in the order of their bytes, or nothing.
  [[nodiscard]] virtual Result<std::optional<Bytes>> next_key(TrieId trie, BytesView key) const = 0;
  /// The root that one trie would have with these changes. Values that change are stored as `version` says, the others
  /// stay as they are. Of a trie without keys: BLAKE2b-256 of one zero byte.
  /// @param changes  in the strict order of their keys.
  [[nodiscard]] virtual Result<Hash> root(TrieId trie, std::span<const TrieChange> changes,
                                          StateVersion version) const = 0;
};

/// A state in memory. Immutable; cheap to copy, and with() shares all that does not change. May be used from many
/// threads.
class ANEW_API MemoryState final : public StateBackend {
 public:
  /// No keys.
  MemoryState();
  MemoryState(const MemoryState&);
  MemoryState(MemoryState&&) noexcept;
  MemoryState& operator=(const MemoryState&);
  MemoryState& operator=(MemoryState&&) noexcept;
  ~MemoryState() override;

  /// The genesis state of a chain. Its child tries' roots are computed, whatever the top map says of them.
  /// @return kMalformed if the top map has the root of a child trie whose keys are not there.
  /// @param version  that of the runtime in it (RuntimeVersion::state_version): in another one the root is another.
  [[nodiscard]] static Result<MemoryState> from_chain_spec(const ChainSpec& spec, StateVersion version);
  /// From a list of pairs of hexadecimal strings, as JSON: the answer of the RPC `state_getPairs`, alone or in the
  /// "result" of a JSON-RPC answer. @return kMalformed, with what is wrong and where: also if a key is there twice, or
  /// the root of a child trie, whose keys such a list does not have.
  [[nodiscard]] static Result<MemoryState> from_pairs(std::string_view json, StateVersion version);

  /// This state with changes. Roots of child tries that change are put into the top trie, or go from it with their last
  /// key.
  [[nodiscard]] Result<MemoryState> with(const StateChanges& changes, StateVersion version) const;

  /// The root of the top trie; free of cost.
  [[nodiscard]] Hash root() const noexcept;
  /// How many keys the top trie has.
  [[nodiscard]] std::size_t size() const noexcept;

  [[nodiscard]] Result<StorageValue> get(TrieId trie, BytesView key) const override;
  [[nodiscard]] Result<std::optional<Hash>> value_hash(BytesView key) const override;
  [[nodiscard]] Result<std::optional<Bytes>> next_key(TrieId trie, BytesView key) const override;
  [[nodiscard]] Result<Hash> root(TrieId trie, std::span<const TrieChange> changes,
                                  StateVersion version) const override;

 private:
  struct Content;
  explicit MemoryState(std::shared_ptr<const Content> content) noexcept;
  std::shared_ptr<const Content> content_;  // never null
};

}  // namespace anew::substrate
