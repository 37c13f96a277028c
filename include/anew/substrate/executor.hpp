// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executes blocks and calls on a state, by the runtime that this state holds under ":code".
//
//   substrate::Executor executor(engine);
//   auto outcome = executor.execute_block(state, block).value();            // the runtime checked its state root
//   state = state.with(outcome.changes, outcome.state_version).value();     // the next block's, maybe with new code
#pragma once

#include <anew/engine.hpp>
#include <anew/error.hpp>
#include <anew/pool_cache.hpp>
#include <anew/substrate/block.hpp>
#include <anew/substrate/externalities.hpp>
#include <anew/substrate/runtime.hpp>
#include <anew/substrate/state.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace anew::substrate {

struct ExecutorOptions {
  /// For all runtimes; heap_pages counts where the state has no ":heappages".
  RuntimeOptions runtime = {};
  /// What the runtimes that are kept may take together (see PoolCacheOptions::maximum_bytes).
  std::uint64_t maximum_bytes = 1ull << 30;
  /// How long a call waits for an instance while all are leased.
  std::chrono::nanoseconds acquire_timeout = std::chrono::seconds(60);
  /// How long a call may run; past it, it ends with TrapKind::kInterrupted. 0: as long as it likes.
  std::chrono::nanoseconds call_timeout = {};
};

/// What a call returned and changed.
struct CallOutcome {
  Bytes result;
  StateChanges changes;
  std::map<Bytes, std::optional<Bytes>> offchain_index;
  std::vector<TransactionIndexing> transaction_index;
};

/// What a block that was accepted changed.
struct BlockOutcome {
  Block block;
  Hash state_root{};                               ///< of the state with the changes: the one in the header
  StateVersion state_version = StateVersion::kV0;  ///< in which the runtime computed it
  StateChanges changes;
  std::map<Bytes, std::optional<Bytes>> offchain_index;
  std::vector<TransactionIndexing> transaction_index;
};

/// Keeps compiled runtimes by the hash of their code: a state whose code changes is executed by the new one, and the
/// old ones stay callable on the states that hold them. Cheap to copy; may be used from many threads.
class ANEW_API Executor {
 public:
  explicit Executor(const Engine& engine, ExecutorOptions options = {});

  /// The runtime that this state holds: compiled when it is first asked for, once however many ask.
  /// @return kNotFound if the state has no ":code"; kMalformed if that does not decompress or is no module; what
  ///         Runtime::create returns.
  [[nodiscard]] Result<Runtime> runtime(const StateBackend& state) const;

  /// Calls an entry point of the state's runtime in an instance as new, with its arguments SCALE-encoded one after the
  /// other. @return as runtime() and Runtime::call(); kResource also if no instance came free in time.
  [[nodiscard]] Result<CallOutcome> call(const StateBackend& state, std::string_view method, BytesView arguments,
                                         HostServices services = {}) const;
  /// The same with externalities that the caller keeps, for several calls in a row. The runtime is that of the state
  /// without their changes, as on a chain, where new code counts from the next block on.
  [[nodiscard]] Result<Bytes> call(const StateBackend& state, Externalities& externalities, std::string_view method,
                                   BytesView arguments) const;

  /// Executes a SCALE-encoded block on the state of its parent. A seal is set aside, as a node does.
  /// @return kMalformed for a block that does not decode; kTrap, with the runtime's own words, if the runtime refuses
  ///         it; kHost if the state root is not that of the header although the runtime took it.
  [[nodiscard]] Result<BlockOutcome> execute_block(const StateBackend& state, BytesView block) const;

  [[nodiscard]] PoolCacheStatistics statistics() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace anew::substrate
