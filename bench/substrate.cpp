// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls of real chains' runtimes on their genesis states, up to whole blocks, which the runtimes check to the last bit
// of the new state: how long each takes as new and in a fresh instance, what share of it the reset has, how many a
// second threads make, and where the time goes. All measured in turn, in one run.
#include <anew/substrate.hpp>
#include <array>
#include <functional>
#include <map>
#include <string_view>
#include <thread>

#include "host/substrate/hex.hpp"
#include "large_block.hpp"
#include "rate.hpp"
#include "support.hpp"

namespace anew::bench {
namespace {

using substrate::Bytes;

constexpr std::array<unsigned, 2> kThreads = {1, 2};
constexpr std::size_t kRounds = 9;
constexpr std::size_t kRoundsOfLongCalls = 3;
constexpr std::chrono::milliseconds kRoundTime{40};

struct Chain {
  explicit Chain(const std::string& name, const Engine& engine)
      : state(value_or_exit(
            substrate::MemoryState::from_chain_spec(
                value_or_exit(substrate::parse_chain_spec(read_text(fmt::format("{}/{}.json", ANEW_CHAIN_SPECS, name))),
                              name),
                substrate::StateVersion::kV0),
            name)),
        runtime(value_or_exit(substrate::Executor(engine).runtime(state), name)) {
    const std::string hex = read_text(fmt::format("{}/{}-block-1.hex", ANEW_BLOCKS, name));
    Bytes encoded;
    if (substrate::decode_hex(std::string_view(hex).substr(0, hex.find('\n')), encoded) != nullptr) std::exit(1);
    block = value_or_exit(substrate::decode_block(encoded), name).executable();
  }
  substrate::MemoryState state;
  substrate::Runtime runtime;
  Bytes block;
};

/// A call that is repeated.
struct Subject {
  std::string name;
  const Chain* chain;
  substrate::Method method;
  Bytes arguments;
  /// A fraction of a second each, so that a few tell enough.
  bool long_calls = false;

  /// @param lease  of the chain's runtime.
  void call(Lease& lease, Bytes& result, substrate::HostProfile* profile = nullptr) const {
    substrate::Externalities externalities(chain->state);
    externalities.set_profile(profile);
    if (auto called = substrate::Runtime::call_in(lease, method, arguments, result, &externalities); !called) {
      fmt::print(stderr, "{}: {}\n", name, called.error().to_string());
      std::exit(1);
    }
  }
  void call_as_new(Bytes& result) const {
    Lease lease = value_or_exit(chain->runtime.pool().acquire(), name);
    call(lease, result);
  }
  void call_fresh(Bytes& result) const {
    Lease lease = value_or_exit(chain->runtime.pool().instantiate(), name);
    call(lease, result);
  }
};

/// What a subject's rounds measured: ns, bytes, and calls a second.
struct Row {
  std::vector<double> as_new;
  std::vector<double> fresh;
  std::vector<double> reset;
  std::array<std::vector<double>, kThreads.size()> rates;
  double restored = 0;
};

/// Calls until the round's time is over. @param at_once  between two looks at the clock. @return ns a call.
[[nodiscard]] double time_calls(std::size_t at_once, const std::function<void()>& call) {
  const auto begin = Clock::now();
  std::size_t calls = 0;
  auto end = begin;
  for (; end - begin < kRoundTime; end = Clock::now()) {
    for (std::size_t i = 0; i < at_once; ++i) call();
    calls += at_once;
  }
  return nanoseconds(end - begin) / static_cast<double>(calls);
}

/// What two readings of the clock, one behind the other, are apart.
[[nodiscard]] double clock_time() {
  std::vector<double> samples(1001);
  for (double& sample : samples) {
    const auto begin = Clock::now();
    sample = nanoseconds(Clock::now() - begin);
  }
  return median(samples);
}

void measure_reset(const Subject& subject, Row& row) {
  Bytes result;
  std::vector<double> samples;
  const auto begin = Clock::now();
  while (Clock::now() - begin < kRoundTime) {
    Lease lease = value_or_exit(subject.chain->runtime.pool().acquire(), subject.name);
    subject.call(lease, result);
    row.restored = static_cast<double>(lease.dirty_bytes());
    const auto released = Clock::now();
    lease.release();
    samples.push_back(nanoseconds(Clock::now() - released));
  }
  row.reset.push_back(std::max(0.0, median(samples) - clock_time()));
}

void measure_round(const Subject& subject, Row& row) {
  Bytes result;
  subject.call_as_new(result);
  const std::size_t at_once = subject.long_calls ? 1 : 4;
  row.as_new.push_back(time_calls(at_once, [&] { subject.call_as_new(result); }));
  row.fresh.push_back(time_calls(at_once, [&] { subject.call_fresh(result); }));
  measure_reset(subject, row);
  const Work work = [&subject]() -> std::function<void()> {
    return [&subject, own = Bytes()]() mutable { subject.call_as_new(own); };
  };
  for (std::size_t i = 0; i < kThreads.size(); ++i)
    row.rates[i].push_back(calls_per_second(work, kThreads[i], kRoundTime));
}

void print(const Subject& subject, Row& row) {
  const double as_new = median(row.as_new);
  const double fresh = median(row.fresh);
  const double reset = median(row.reset);
  const double one = median(row.rates[0]);
  const double two = median(row.rates[1]);
  fmt::print("{:30} {:>9.2f} {:>9.2f} {:>6.2f}x {:>8.3f} {:>6.2f}% {:>8.1f} {:>10.0f} {:>10.0f} {:>5.2f}x\n",
             subject.name, as_new / 1e3, fresh / 1e3, fresh / as_new, reset / 1e3, reset / as_new * 100,
             row.restored / 1024, one, two, two / one);
}

/// "ext_storage_get_version_1": "storage".
[[nodiscard]] std::string group_of(std::string_view name) {
  for (const std::string_view group : {"default_child_storage", "storage", "trie", "hashing", "crypto", "allocator"}) {
    if (name.starts_with("ext_" + std::string(group))) {
      // The root is the trie's, whoever asks for it.
      return name.find("_root_version") != name.npos ? "trie" : std::string(group);
    }
  }
  return "others";
}

/// Where the time of a call goes: in the host functions, by group, and elsewhere.
void print_profile(const Subject& subject) {
  const int repeat = subject.long_calls ? 4 : 200;
  Bytes result;
  substrate::HostProfile profile;
  const auto begin = Clock::now();
  for (int i = 0; i < repeat; ++i) {
    Lease lease = value_or_exit(subject.chain->runtime.pool().acquire(), subject.name);
    subject.call(lease, result, &profile);
  }
  const double all = nanoseconds(Clock::now() - begin) / repeat;
  // Each host function's time includes a reading of the clock, and so does the rest.
  const double clock = clock_time();
  std::map<std::string, std::pair<double, double>> groups;  // calls and ns of one call
  double in_host = 0;
  double in_clock = 0;
  for (const auto& [name, use] : profile) {
    const double calls = static_cast<double>(use.calls) / repeat;
    const double time = std::max(0.0, static_cast<double>(use.nanoseconds) / repeat - calls * clock);
    auto& group = groups[group_of(name)];
    group.first += calls;
    group.second += time;
    in_host += time;
    in_clock += 2 * calls * clock;
  }
  const double whole = all - in_clock;
  fmt::print("{:30}", subject.name);
  for (const auto& [name, group] : groups)
    fmt::print("  {} {:.1f}% ({:.0f} calls)", name, group.second / whole * 100, group.first);
  fmt::print("  guest and all else {:.1f}%\n", (whole - in_host) / whole * 100);
}

void run() {
  const Engine engine({.cache = false});
  const Chain polkadot("polkadot", engine);
  const Chain kusama("kusama", engine);
  std::vector<Subject> subjects;
  const auto add = [&](const char* name, const Chain& chain, const char* method, const Bytes& arguments = {}) {
    subjects.push_back({name, &chain, value_or_exit(chain.runtime.method(method), method), arguments});
  };
  add("Polkadot, Core_version", polkadot, "Core_version");
  add("Kusama, Core_version", kusama, "Core_version");
  add("Polkadot, Metadata_metadata", polkadot, "Metadata_metadata");
  add("Kusama, Metadata_metadata", kusama, "Metadata_metadata");
  add("Polkadot, execute block 1", polkadot, "Core_execute_block", polkadot.block);
  add("Kusama, execute block 1", kusama, "Core_execute_block", kusama.block);
  Chain large = polkadot;
  LargeBlock large_block = make_large_block(polkadot.runtime, polkadot.state, polkadot.block);
  large.state = std::move(large_block.state);
  large.block = std::move(large_block.block);
  add("Polkadot, large block", large, "Core_execute_block", large.block);
  subjects.back().long_calls = true;

  std::vector<Row> rows(subjects.size());
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < subjects.size(); ++i)
      if (!subjects[i].long_calls || round < kRoundsOfLongCalls) measure_round(subjects[i], rows[i]);
  }
  fmt::print("{} processors; medians of {} rounds of {} ms each\n\n", std::thread::hardware_concurrency(), kRounds,
             kRoundTime.count());
  fmt::print("{:30} {:>9} {:>9} {:>7} {:>8} {:>7} {:>8} {:>10} {:>10} {:>6}\n", "", "as new", "fresh", "fresh /",
             "reset", "reset /", "restored", "calls/s,", "calls/s,", "2 thr.");
  fmt::print("{:30} {:>9} {:>9} {:>7} {:>8} {:>7} {:>8} {:>10} {:>10} {:>6}\n", "", "us", "us", "as new", "us",
             "as new", "KiB", "1 thread", "2 threads", "/ 1");
  for (std::size_t i = 0; i < subjects.size(); ++i) print(subjects[i], rows[i]);
  fmt::print("\nThe large block changes {} keys.\n", large_block.changed_keys);
  fmt::print("\nWhere the time goes, and calls of host functions a call:\n");
  for (const Subject& subject : subjects) print_profile(subject);
}

}  // namespace
}  // namespace anew::bench

int main() { anew::bench::run(); }
