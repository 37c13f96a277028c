// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/substrate_chain.hpp"

#include <fmt/format.h>

#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/measure.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "host/substrate/hex.hpp"
#include "os/file.hpp"

namespace anew::cli {

namespace {

using Clock = std::chrono::steady_clock;

/// A chain's whole state, as hexadecimal text.
constexpr std::uint64_t kMostStateBytes = 1ull << 30;

/// Reads a state from a file's text. The error names the file.
Result<substrate::MemoryState> read_state(
    const std::string& file, const std::function<Result<substrate::MemoryState>(std::string_view text)>& parse) {
  const auto content = os::read_file(file, kMostStateBytes);
  if (!content) return std::unexpected(file_error(content.error()));
  // Bytes seen as characters, which may alias any object.
  auto state = parse({reinterpret_cast<const char*>(content->data()), content->size()});
  if (!state) state.error().message = fmt::format("{}: {}", file, state.error().message);
  return state;
}

substrate::StateVersion state_version(const substrate::RuntimeVersion& version) {
  return version.state_version == 0 ? substrate::StateVersion::kV0 : substrate::StateVersion::kV1;
}

}  // namespace

Engine make_engine(const std::string& what) {
  EngineOptions options;
  const auto progress = std::make_shared<Progress>("compiling " + what);
  options.progress = [progress](std::uint32_t done, std::uint32_t all) {
    progress->update(done, all);
    if (done == all) progress->finish();
  };
  return Engine(std::move(options));
}

void report_notes(const substrate::Runtime& runtime) {
  if (const std::string& note = runtime.cache_note(); !note.empty()) fmt::print(stderr, "anew: note: {}\n", note);
  if (const substrate::HeapBase base = runtime.heap_base(); !base.announced) {
    fmt::print(stderr, "anew: note: the runtime has no global __heap_base; its heap begins at {:#x}, {}\n",
               base.address, base.found);
  }
}

void add_repeat_options(CLI::App& command, RepeatOptions& options) {
  add_measure_options(command, options.calls, options.threads, options.audit);
  command.add_flag("--json", options.json, "Print one JSON object");
}

void add_chain_options(CLI::App& command, ChainOptions& options) {
  command
      .add_option("--chain", options.spec, "A raw chain specification (JSON); the state is its genesis, if not --state")
      ->required()
      ->type_name("SPEC");
  command
      .add_option("--state", options.pairs,
                  "The whole state, instead: a JSON list of pairs of key and value, the answer of state_getPairs")
      ->type_name("PAIRS");
  add_repeat_options(command, options.repeat);
}

Result<Chain> load_chain(const ChainOptions& options) {
  const Engine engine = make_engine(options.spec);
  const substrate::Executor executor(engine,
                                     {.runtime = {.capacity = 1, .audit_every = options.repeat.audit ? 1u : 0u}});
  std::string name;
  const auto read = [&](substrate::StateVersion version) -> Result<substrate::MemoryState> {
    auto genesis = read_state(options.spec, [&](std::string_view text) -> Result<substrate::MemoryState> {
      const auto spec = substrate::parse_chain_spec(text);
      if (!spec) return std::unexpected(spec.error());
      name = spec->name;
      return substrate::MemoryState::from_chain_spec(*spec, version);
    });
    if (!genesis || options.pairs.empty()) return genesis;
    return read_state(options.pairs,
                      [&](std::string_view text) { return substrate::MemoryState::from_pairs(text, version); });
  };

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
  // The runtime, which lies in the state, says how the state's values lie in the trie.
  const auto version = runtime->version();
  if (!version) return std::unexpected(version.error());
  if (state_version(*version) != substrate::StateVersion::kV0) {
    state = read(state_version(*version));
    if (!state) return std::unexpected(std::move(state.error()));
  }
  return Chain{std::move(name), engine, std::move(*state), executor, std::move(*runtime)};
}

Result<Cost> Cost::start(const Pool& pool) {
  Cost cost(pool);
  if (auto lease = pool.acquire(); !lease) return std::unexpected(std::move(lease.error()));
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
      const auto before = state.get(id, change->first);
      if (!before) return std::unexpected(before.error());
      const substrate::StorageValue& after = change->second;
      const bool same = *before == after || (*before != nullptr && after != nullptr && **before == *after);
      change = same ? trie.erase(change) : std::next(change);
    }
    return {};
  };
  if (auto done = drop_idle({}, changes.top); !done) return std::unexpected(std::move(done.error()));
  for (auto& [storage_key, child] : changes.children) {
    auto done = drop_idle(substrate::TrieId::child(storage_key), child);
    if (!done) return std::unexpected(std::move(done.error()));
  }
  return changes;
}

void print_field(std::string_view name, std::string_view value) { fmt::print("{:<18} {}\n", name, value); }

void print_changes(const substrate::StateChanges& changes) {
  std::size_t count = changes.top.size();
  for (const auto& [storage_key, child] : changes.children) count += child.size();
  print_field("storage changes", fmt::format("{}", count));
  const auto print_trie = [](const substrate::TrieChanges& trie) {
    for (const auto& [key, value] : trie) {
      const std::string what = value == nullptr ? "removed" : fmt::format("{} bytes", value->size());
      fmt::print("  {}  {}\n", substrate::encode_hex(key), what);
    }
  };
  print_trie(changes.top);
  for (const auto& [storage_key, child] : changes.children) {
    fmt::print("  child trie {}\n", substrate::encode_hex(storage_key));
    print_trie(child);
  }
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
    return substrate::Executor(chain.engine, {.runtime = {.capacity = capacity, .audit_every = audit_every}})
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
    if (!options.json) {
      fmt::print("\naudit: {} checked, {} failures\n", statistics.audited, statistics.audit_failures);
    }
    if (statistics.audit_failures == 0) return kSuccess;
    fmt::print(stderr, "anew: the audit failed: {}\n", runtime.pool().audit_report());
    return kFailure;
  }

  const auto make_subject = [&](std::uint32_t capacity, std::uint64_t audit_every) -> Result<Subject> {
    auto made = make_runtime(capacity, audit_every);
    if (!made) return std::unexpected(std::move(made.error()));
    auto found = made->method(method);
    if (!found) return std::unexpected(std::move(found.error()));
    // The lambda keeps the runtime, and so the method, alive.
    return Subject{made->pool(), [&call, kept = *made, found = *found](Lease& lease, substrate::Bytes& result) {
                     return call(lease, found, result);
                   }};
  };
  const auto measurement =
      measure(make_subject, {.calls = options.calls, .threads = options.threads, .audit = options.audit});
  if (!measurement) return std::unexpected(measurement.error());
  object.update(measurement_json(*measurement));
  if (!options.json) {
    fmt::print("\n{}, each call in an instance as new:\n", method);
    print_measurement(*measurement);
  }
  report_leaks(*measurement);
  return measurement->leaked() ? kFailure : kSuccess;
}

}  // namespace anew::cli
