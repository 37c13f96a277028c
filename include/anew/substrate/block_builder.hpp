// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Makes blocks, as a node does that authors them.
//
//   auto builder = substrate::BlockBuilder::begin(executor, parent_state, {parent_hash, number, digest}).value();
//   for (const auto& extrinsic : builder.inherent_extrinsics(inherents).value()) (void)builder.apply(extrinsic);
//   for (const auto& extrinsic : pool_of_transactions) (void)builder.apply(extrinsic);   // refused: leaves no trace
//   substrate::BlockOutcome built = builder.finish().value();                            // as if it had been executed
#pragma once

#include <anew/error.hpp>
#include <anew/substrate/block.hpp>
#include <anew/substrate/executor.hpp>
#include <anew/substrate/externalities.hpp>
#include <anew/substrate/state.hpp>
#include <anew/substrate/types.hpp>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace anew::substrate {

/// What is known of a block before it is built.
struct BlockStart {
  Hash parent_hash{};
  std::uint32_t number = 0;
  std::vector<Bytes> digest;  ///< items, encoded; most runtimes want a pre-runtime item of their consensus
};

/// The pre-runtime digest item of a slot, as a secondary author of BABE (one without a proof) or one of Aura has it.
[[nodiscard]] ANEW_API Bytes babe_pre_digest(std::uint64_t slot, std::uint32_t authority);
[[nodiscard]] ANEW_API Bytes aura_pre_digest(std::uint64_t slot);

/// What inherent extrinsics are made of: data by an identifier of eight characters, such as "timstap0".
using InherentData = std::map<std::array<char, 8>, Bytes>;
/// That of `timstap0`, in milliseconds since 1970.
[[nodiscard]] ANEW_API InherentData inherent_timestamp(std::uint64_t milliseconds);

/// What became of an extrinsic.
struct ExtrinsicOutcome {
  bool included = false;  ///< whether it is in the block; if not, it left no trace
  bool succeeded =
      false;           ///< of one that is included: whether what it calls did. If not, its fees are paid all the same
  Bytes result;        ///< ApplyExtrinsicResult, SCALE-encoded
  std::string reason;  ///< why it is not included, or failed, in words; empty if it succeeded
};

/// A block that is being built on the state of its parent. A call that traps leaves the block as it was before; so a
/// node can leave out the extrinsic and go on. Used by one thread at a time.
class ANEW_API BlockBuilder {
 public:
  /// Begins a block: `Core_initialize_block`. @param parent  must outlive the builder, as the services must.
  /// @return kArgument for a digest of more than 1,024 items; as Executor::call().
  [[nodiscard]] static Result<BlockBuilder> begin(const Executor& executor, const StateBackend& parent,
                                                  const BlockStart& start, HostServices services = {});
  BlockBuilder(BlockBuilder&&) noexcept = default;
  BlockBuilder& operator=(BlockBuilder&&) noexcept = default;
  ~BlockBuilder() = default;

  /// The extrinsics that the runtime makes of this data, for apply(); what it changed to make them is undone.
  /// @return as Executor::call(); kMalformed if the runtime returns something else.
  [[nodiscard]] Result<std::vector<Bytes>> inherent_extrinsics(const InherentData& data);
  /// Applies an extrinsic, which is without its length. If the runtime refuses it, all is as before.
  /// @return as Executor::call(); kMalformed if the runtime returns something else.
  [[nodiscard]] Result<ExtrinsicOutcome> apply(BytesView extrinsic);
  /// Ends the block: `BlockBuilder_finalize_block`. The builder is of no use afterwards.
  /// @return what Executor::execute_block() would return for this block; as Executor::call(); kHost if the root in the
  ///         header is not that of the state; kArgument if it was called before.
  [[nodiscard]] Result<BlockOutcome> finish();

  /// What the block changed so far. Transactions of it are the caller's to close before the next call.
  [[nodiscard]] Externalities& externalities() noexcept { return externalities_; }

 private:
  BlockBuilder(const Executor& executor, const StateBackend& parent, HostServices services);
  [[nodiscard]] Result<Bytes> call(std::string_view method, BytesView arguments);

  Executor executor_;
  const StateBackend* parent_;
  Externalities externalities_;
  std::vector<Bytes> extrinsics_;
  bool finished_ = false;
};

}  // namespace anew::substrate
