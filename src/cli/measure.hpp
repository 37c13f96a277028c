// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Many calls of one guest function, each in an instance as new, beside fresh instantiations of the same.
//
// Three passes, so that what is counted does not distort what is timed:
//   as new   acquire + call + release of a pool's instance; each call timed. Every thread's instance is made, and has
//            been through one call, before the clock starts
//   fresh    instantiate + call + unmap, the slow way; each timed
//   checks   calls as new that are not timed: the dirty pages of each, and, if asked for, an audit of each restore
#pragma once

#include <anew/error.hpp>
#include <anew/pool.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/command_line.hpp"

namespace anew::cli {

/// Calls the guest. Leaves what the call returned in `result`, as bytes that are equal if and only if the results are;
/// the vector comes with its capacity from the call before.
using GuestCall = std::function<Result<void>(Lease& lease, std::vector<std::byte>& result)>;

/// What is measured.
struct Subject {
  Pool pool;
  GuestCall call;  ///< may hold handles of the pool's functions
};
/// Makes a subject whose pool has this capacity and audits one restore in `audit_every`; 0: none.
using MakeSubject = std::function<Result<Subject>(std::uint32_t capacity, std::uint64_t audit_every)>;

struct MeasureOptions {
  std::uint64_t calls = 1;  ///< at least 1
  std::uint32_t threads = 1;
  bool audit = false;
};

/// Of times in nanoseconds, or of pages.
struct Distribution {
  double min = 0;
  double p50 = 0;
  double p99 = 0;
  double max = 0;
  double mean = 0;
};

struct Measurement {
  bool interrupted = false;  ///< by the user: what follows is of what was done until then
  std::uint64_t calls = 0;
  std::uint64_t fresh_calls = 0;
  std::uint64_t checked_calls = 0;
  std::uint32_t threads = 1;
  Distribution as_new;
  Distribution fresh;
  std::uint64_t distinct_as_new = 0;
  std::uint64_t distinct_fresh = 0;
  std::uint64_t distinct = 0;  ///< over all passes: 1, unless results depend on more than arguments
  Distribution dirty_pages;    ///< of 4096 bytes; parts of a page count as such
  double clock = 0;            ///< nanoseconds that each time includes for reading the clock
  bool audit = false;
  std::uint64_t audit_checked = 0;
  std::uint64_t audit_failures = 0;
  std::string audit_report;
};

/// Fresh instantiations, and calls whose pages are counted, at most; of the former no more once they have taken so
/// long.
inline constexpr std::uint64_t kFreshCalls = 100;
inline constexpr std::chrono::seconds kFreshTime{5};
inline constexpr std::uint64_t kSampledCalls = 1000;

/// An interrupt (Ctrl-C) ends it early, with what was measured until then. @return the first error of any call or
/// instantiation.
[[nodiscard]] Result<Measurement> measure(const MakeSubject& make_subject, const MeasureOptions& options);

/// The options --repeat, --threads and --audit; `repeat` stays 0 if it is not given. @return --repeat.
Option add_measure_options(const Command& command, std::uint64_t& repeat, std::uint32_t& threads, bool& audit);

/// Prints the two ways side by side.
void print_measurement(const Measurement& measurement);
/// The fields that every subcommand with --repeat has in its JSON object: calls, distinct_results, ns and so on.
[[nodiscard]] nlohmann::ordered_json measurement_json(const Measurement& measurement);
/// What it means that results differ.
enum class Results : std::uint8_t { kAreEqual /* or something leaked */, kMayDiffer };

/// Says on standard error what leaked, if anything did, and that the measurement was interrupted, if it was.
/// @param failed  besides. @return the exit code.
[[nodiscard]] ExitCode report_failures(const Measurement& measurement, bool failed = false,
                                       Results results = Results::kAreEqual);

}  // namespace anew::cli
