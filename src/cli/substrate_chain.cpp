// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/substrate_chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "cli/input.hpp"
#include "cli/instance_options.hpp"
#include "cli/measure.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "host/substrate/hex.hpp"
#include "os/terminal.hpp"
#include "os/try.hpp"

namespace anew::cli {

namespace {

using Clock = std::chrono::steady_clock;

/// Names the file that an error is about.
template <typename T>
Result<T> in_file(const std::string& file, Result<T> result) {
  if (!result) result.error().message = fmt::format("{}: {}", file, result.error().message);
  return result;
}

Result<substrate::ChainSpec> read_spec(const std::string& file) {
  const auto text = TRY(read_input(file, kMaximumStateBytes));
  return in_file(file, substrate::parse_chain_spec(as_text(text)));
}

substrate::StateVersion state_version(const substrate::RuntimeVersion& version) {
  return version.state_version == 0 ? substrate::StateVersion::kV0 : substrate::StateVersion::kV1;
}

/// How the state's values lie in the trie: the runtime, which lies in the state, says so.
Result<substrate::StateVersion> find_state_version(const substrate::Runtime& runtime) {
  const auto version = runtime.version();
  if (version) return state_version(*version);
  // It has no Core_version: none of a chain's, and as good as one from before there were state versions.
  if (version.error().code == ErrorCode::kNotFound) return substrate::StateVersion::kV0;
  return std::unexpected(version.error());
}

}  // namespace

Engine make_engine(const std::string& what, bool cache, Features features) {
  EngineOptions options;
  options.cache = cache;
  options.features = features;
  const auto progress = std::make_shared<Progress>("compiling " + what);
  options.progress = [progress](std::uint32_t done, std::uint32_t all) {
    progress->update(done, all);
    if (done == all) progress->finish();
  };
  return Engine(std::move(options));
}

void report_notes(const substrate::Runtime& runtime) {
  if (const std::string& note = runtime.cache_note(); !note.empty())
    fmt::print(stderr, "anew: note: {}\n", printable(note));
  if (const std::string note = runtime.optimization().note; !note.empty())
    fmt::print(stderr, "anew: note: {}\n", printable(note));
  if (const substrate::HeapBase base = runtime.heap_base(); !base.announced) {
    fmt::print(stderr, "anew: note: the runtime has no global __heap_base; its heap begins at {:#x}, {}\n",
               base.address, base.found);
  }
}

void add_repeat_options(const Command& command, RepeatOptions& options) {
  add_measure_options(command, options.calls, options.threads, options.audit);
  command.flag("--json", options.json, "Print one JSON object");
}

void add_chain_options(const Command& command, ChainOptions& options) {
  command
      .text("--chain", options.spec,
            "A raw chain specification (JSON); the state is its genesis, if not --state; - reads standard input")
      .required()
      .value_name("SPEC");
  command
      .text("--state", options.pairs,
            "The whole state, instead: a JSON list of pairs of key and value, the answer of state_getPairs; - reads "
            "standard input")
      .value_name("PAIRS");
  add_features_option(command, options.features);
  add_cache_option(command, options.cache);
  add_tier_option(command, options.tier);
  command.flag("--changes", options.all_changes, "Print all storage changes; without it, on a terminal the first 20");
}

Result<Chain> load_chain(const ChainOptions& options) {
  const auto spec = TRY(read_spec(options.spec));
  std::vector<std::byte> pairs;
  if (!options.pairs.empty()) {
    auto read = TRY(read_input(options.pairs, kMaximumStateBytes));
    pairs = std::move(read);
  }
  const auto read = [&](substrate::StateVersion version) {
    if (options.pairs.empty()) return in_file(options.spec, substrate::MemoryState::from_chain_spec(spec, version));
    return in_file(options.pairs, substrate::MemoryState::from_pairs(as_text(pairs), version));
  };

  const Engine engine = make_engine(options.spec, options.cache, options.features);
  const substrate::Executor executor(
      engine, {.runtime = {.tier = options.tier, .capacity = 1, .audit_every = options.repeat.audit ? 1u : 0u}});
  auto state = read(substrate::StateVersion::kV0);
  if (!state) return std::unexpected(std::move(state.error()));
  auto runtime = executor.runtime(*state);
  if (!runtime) {
    Error error = std::move(runtime.error());
    // The command line was fine: a state that holds no runtime is not wrong usage.
    if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kMalformed;
    error.message = fmt::format("{}: {}", options.pairs.empty() ? options.spec : options.pairs, error.message);
    return std::unexpected(std::move(error));
  }
  report_notes(*runtime);
  const auto version = TRY(find_state_version(*runtime));
  if (version != substrate::StateVersion::kV0) {
    state = read(version);
    if (!state) return std::unexpected(std::move(state.error()));
  }
  return Chain{spec.name, engine, options.tier, std::move(*state), executor, std::move(*runtime)};
}

Result<Cost> Cost::start(const Pool& pool) {
  Cost cost(pool);
  TRY(pool.acquire());
  cost.pages_ = pool.statistics().pages_restored;
  cost.begin_ = Clock::now();
  return cost;
}

void Cost::stop() {
  const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin_);
  nanoseconds_ = static_cast<std::uint64_t>(time.count());  // the clock never goes back
  pages_ = pool_.statistics().pages_restored - pages_;
}

void Cost::print() const {
  print_field("time", fmt::format("{:.3f} ms", static_cast<double>(nanoseconds_) / 1e6));
  print_field("pages restored", fmt::format("{}", pages_));
}

void Cost::add_to(nlohmann::ordered_json& object) const {
  object["call_ns"] = nanoseconds_;
  object["pages_restored"] = pages_;
}

Result<substrate::StateChanges> real_changes(const substrate::MemoryState& state, substrate::StateChanges changes) {
  const auto drop_idle = [&](substrate::TrieId id, substrate::TrieChanges& trie) -> Result<void> {
    for (auto change = trie.begin(); change != trie.end();) {
      const auto before = TRY(state.get(id, change->first));
      const substrate::StorageValue& after = change->second;
      const bool same = before == after || (before != nullptr && after != nullptr && *before == *after);
      change = same ? trie.erase(change) : std::next(change);
    }
    return {};
  };
  TRY(drop_idle({}, changes.top));
  for (auto& [storage_key, child] : changes.children) TRY(drop_idle(substrate::TrieId::child(storage_key), child));
  return changes;
}

void print_field(std::string_view name, std::string_view value) { fmt::print("{:<18} {}\n", name, value); }

void print_changes(const substrate::StateChanges& changes, bool all) {
  constexpr std::size_t kMaximumOnATerminal = 20;
  std::size_t count = changes.top.size();
  for (const auto& [storage_key, child] : changes.children) count += child.size();
  print_field("storage changes", fmt::format("{}", count));
  std::size_t left = all || !os::standard_output_is_terminal() ? count : std::min(count, kMaximumOnATerminal);
  const bool cut = left < count;
  const auto print_trie = [&left](const substrate::TrieChanges& trie) {
    for (auto change = trie.begin(); change != trie.end() && left > 0; ++change, --left) {
      const substrate::StorageValue& value = change->second;
      const std::string what = value == nullptr ? "removed" : fmt::format("{} bytes", value->size());
      fmt::print("  {}  {}\n", substrate::encode_hex(change->first), what);
    }
  };
  print_trie(changes.top);
  for (const auto& [storage_key, child] : changes.children) {
    if (left == 0) break;
    fmt::print("  child trie {}\n", substrate::encode_hex(storage_key));
    print_trie(child);
  }
  if (cut) fmt::print("  ...\n(the first {}; --changes prints all, and a pipe gets all)\n", kMaximumOnATerminal);
}

nlohmann::ordered_json changes_json(const substrate::StateChanges& changes) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  const auto add_trie = [&](const substrate::TrieChanges& trie, const substrate::Bytes* storage_key) {
    for (const auto& [key, value] : trie) {
      nlohmann::ordered_json change = nlohmann::ordered_json::object();
      if (storage_key != nullptr) change["child"] = substrate::encode_hex(*storage_key);
      change["key"] = substrate::encode_hex(key);
      change["value"] = nullptr;
      if (value != nullptr) change["value"] = substrate::encode_hex(*value);
      list.push_back(std::move(change));
    }
  };
  add_trie(changes.top, nullptr);
  for (const auto& [storage_key, child] : changes.children) add_trie(child, &storage_key);
  return list;
}

MakeRuntime runtime_maker(const Chain& chain) {
  return [&chain](std::uint32_t capacity, std::uint64_t audit_every) {
    return substrate::Executor(chain.engine,
                               {.runtime = {.tier = chain.tier, .capacity = capacity, .audit_every = audit_every}})
        .runtime(chain.state);
  };
}

Result<ExitCode> repeat_call(const RepeatOptions& options, const substrate::Runtime& runtime,
                             const MakeRuntime& make_runtime, std::string_view method, const RuntimeCall& call,
                             nlohmann::ordered_json& object) {
  if (options.calls == 0) {
    if (!options.audit) return kSuccess;
    const PoolStatistics statistics = runtime.pool().statistics();
    object["audit"] = {{"checked", statistics.audited}, {"failures", statistics.audit_failures}};
    if (!options.json) fmt::print("\naudit: {} checked, {} failures\n", statistics.audited, statistics.audit_failures);
    if (statistics.audit_failures == 0) return kSuccess;
    fmt::print(stderr, "anew: the audit failed: {}\n", runtime.pool().audit_report());
    return kFailure;
  }

  std::optional<substrate::Runtime> measured;
  const auto make_subject = [&](std::uint32_t capacity, std::uint64_t audit_every) -> Result<Subject> {
    auto made = TRY(make_runtime(capacity, audit_every));
    if (!measured) measured = made;
    auto found = made.method(method);
    if (!found) return std::unexpected(std::move(found.error()));
    // The lambda keeps the runtime, and so the method, alive.
    return Subject{made.pool(), [&call, kept = made, found = *found](Lease& lease, substrate::Bytes& result) {
                     return call(lease, found, result);
                   }};
  };
  const auto measurement =
      TRY(measure(make_subject, {.calls = options.calls, .threads = options.threads, .audit = options.audit}));
  object.update(measurement_json(measurement));
  if (measured) object["optimized_functions"] = measured->optimization().optimized;
  if (!options.json) {
    fmt::print("\n{}, each call in an instance as new:\n", method);
    print_measurement(measurement);
  }
  return report_failures(measurement);
}

}  // namespace anew::cli
