// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the subcommands of `anew substrate` share: a chain's state from files and the executor for it, and how a call is
// measured and shown.
#pragma once

#include <anew/substrate.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "cli/command_line.hpp"
#include "cli/instance_options.hpp"

namespace anew::cli {

/// A chain's whole state, as hexadecimal text.
inline constexpr std::uint64_t kMaximumStateBytes = 1ull << 30;

void add_substrate_version(const Command& substrate);
void add_substrate_call(const Command& substrate);
void add_substrate_execute_block(const Command& substrate);
void add_substrate_build_block(const Command& substrate);

/// An engine that shows how far it has come with compiling `what`. @param cache  compiled runtimes may be kept on disk.
[[nodiscard]] Engine make_engine(const std::string& what, bool cache, Features features);
/// Says on standard error what is remarkable about a runtime: that the code cache could not be used, that nothing could
/// be optimized, or that the module does not say where its heap begins.
void report_notes(const substrate::Runtime& runtime);

/// Many calls instead of one, and how to print.
struct RepeatOptions {
  std::uint64_t calls = 0;  ///< 0: not asked for
  std::uint32_t threads = 1;
  bool audit = false;
  bool json = false;
};
void add_repeat_options(const Command& command, RepeatOptions& options);

struct ChainOptions {
  std::string spec;
  std::string pairs;  ///< empty: the genesis state of `spec`
  bool cache = true;  ///< compiled runtimes may be kept on disk
  Tier tier = default_tier();
  Features features = Features::all();
  RepeatOptions repeat;
  bool all_changes = false;  ///< to print
};
void add_chain_options(const Command& command, ChainOptions& options);

/// A chain's state, and what executes on it.
struct Chain {
  std::string name;
  Engine engine;
  Tier tier;
  substrate::MemoryState state;
  substrate::Executor executor;
  substrate::Runtime runtime;
};
/// Reads the files and compiles the runtime.
[[nodiscard]] Result<Chain> load_chain(const ChainOptions& options);

/// Time and pages of one call, from its making on.
class Cost {
 public:
  /// Has the pool make its instance now.
  [[nodiscard]] static Result<Cost> start(const Pool& pool);
  /// The call is over.
  void stop();
  void print() const;
  void add_to(nlohmann::ordered_json& object) const;

 private:
  explicit Cost(Pool pool) : pool_(std::move(pool)) {}
  Pool pool_;
  std::chrono::steady_clock::time_point begin_;
  std::uint64_t nanoseconds_ = 0;
  std::uint64_t pages_ = 0;
};

/// The changes less those that change nothing: runtimes set values that were there before, and clear keys that were
/// not.
[[nodiscard]] Result<substrate::StateChanges> real_changes(const substrate::MemoryState& state,
                                                           substrate::StateChanges changes);

void print_field(std::string_view name, std::string_view value);
/// @param all  on a terminal, too, which a block's thousands of changes would flood.
void print_changes(const substrate::StateChanges& changes, bool all);
[[nodiscard]] nlohmann::ordered_json changes_json(const substrate::StateChanges& changes);

/// Makes a runtime with so many instances that audits one restore in so many; 0: none.
using MakeRuntime = std::function<Result<substrate::Runtime>(std::uint32_t capacity, std::uint64_t audit_every)>;
/// Of the runtime that the chain's state holds. @param chain  must outlive it.
[[nodiscard]] MakeRuntime runtime_maker(const Chain& chain);
using RuntimeCall =
    std::function<Result<void>(Lease& lease, const substrate::Method& method, substrate::Bytes& result)>;

/// Makes calls as --repeat, --threads and --audit say, and shows the measurement or adds it to the JSON object. Without
/// --repeat, says what the audit of the one call on `runtime` found, if one was asked for.
/// @return kFailure if something leaked.
[[nodiscard]] Result<ExitCode> repeat_call(const RepeatOptions& options, const substrate::Runtime& runtime,
                                           const MakeRuntime& make_runtime, std::string_view method,
                                           const RuntimeCall& call, nlohmann::ordered_json& object);

}  // namespace anew::cli
