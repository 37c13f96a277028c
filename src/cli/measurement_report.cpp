// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The options that ask for a Measurement; a Measurement as a table, and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/measure.hpp"

namespace anew::cli {

namespace {

constexpr std::uint64_t kMaximumRepeat = 100'000'000;  // each call's time is kept: 4 bytes
constexpr std::uint32_t kMaximumThreads = 1024;

/// With thousands separators, whatever the locale.
std::string format_count(std::uint64_t count) {
  std::string text = fmt::format("{}", count);
  for (std::size_t i = text.size(); i > 3;) {
    i -= 3;
    text.insert(i, 1, ',');
  }
  return text;
}

std::string format_time(double nanoseconds) {
  if (nanoseconds < 10'000) return fmt::format("{:.0f} ns", nanoseconds);
  if (nanoseconds < 10'000'000) return fmt::format("{:.1f} µs", nanoseconds / 1e3);
  return fmt::format("{:.1f} ms", nanoseconds / 1e6);
}

void print_row(std::string_view name, std::string_view as_new, std::string_view fresh) {
  fmt::print("{:<24}{:>12}{:>24}\n", name, as_new, fresh);
}

/// Which is faster, and by how much; a line of its own, or nothing.
std::string comparison(double as_new, double fresh) {
  if (as_new <= 0 || fresh <= 0) return "";  // nothing was measured, or the clock is too coarse
  const double ratio = std::max(as_new, fresh) / std::min(as_new, fresh);
  const std::string factor = ratio < 9.995 ? fmt::format("{:.2f}", ratio) : fmt::format("{:.0f}", ratio);
  if (factor == "1.00") return "By p50, a call as new takes as long as a fresh instantiation.\n";
  return fmt::format("By p50, a call as new is {} times {} than a fresh instantiation.\n", factor,
                     as_new < fresh ? "faster" : "slower");
}

nlohmann::ordered_json times_json(const Distribution& times) {
  const auto whole = [](double value) { return static_cast<std::uint64_t>(value); };  // samples are whole nanoseconds
  return {{"min", whole(times.min)},
          {"p50", whole(times.p50)},
          {"p99", whole(times.p99)},
          {"max", whole(times.max)},
          {"mean", std::round(times.mean * 10) / 10}};
}

}  // namespace

Option add_measure_options(const Command& command, std::uint64_t& repeat, std::uint32_t& threads, bool& audit) {
  const Option repeated = command.number(
      "--repeat", 1, kMaximumRepeat, [&repeat](std::uint64_t calls) { repeat = calls; },
      "Make N calls, each in an instance as new, and print how long they took and whether all results "
      "agree, beside at most 100 fresh instantiations");
  // Fits: at most kMaximumThreads.
  const auto set_threads = [&threads](std::uint64_t count) { threads = static_cast<std::uint32_t>(count); };
  command.number("--threads", 1, kMaximumThreads, set_threads, "Share the N calls of --repeat among this many threads")
      .needs(repeated);
  command.flag("--audit", audit,
               "Compare the instance, byte for byte, with one made the slow way after each of N calls, which are "
               "made besides those that are timed");
  return repeated;
}

ExitCode report_failures(const Measurement& measurement, bool failed, Results results) {
  const bool differ = measurement.distinct > 1 && results == Results::kAreEqual;
  if (differ) {
    fmt::print(stderr,
               "anew: {} distinct results: the function's result depends on more than its arguments, so something "
               "leaked from call to call, unless it looks at the bits of a NaN (--canonical-nan)\n",
               measurement.distinct);
  }
  if (measurement.audit_failures > 0) {
    fmt::print(stderr, "anew: {} of {} audits failed: {}\n", measurement.audit_failures, measurement.audit_checked,
               measurement.audit_report);
  }
  if (measurement.interrupted) fmt::print(stderr, "anew: interrupted: this is what was measured until then\n");
  if (differ || measurement.audit_failures > 0 || failed) return kFailure;
  return measurement.interrupted ? kInterrupted : kSuccess;
}

void print_measurement(const Measurement& measurement) {
  const std::uint64_t fresh = measurement.fresh_calls;
  const std::uint64_t checked = measurement.checked_calls;
  // A dash for what was interrupted before anything was measured.
  const auto known = [](std::uint64_t count, std::string text) {
    return count > 0 ? std::move(text) : std::string("-");
  };
  print_row("", "as new", "fresh instantiation");
  print_row("calls", format_count(measurement.calls), format_count(fresh));
  const auto print_times = [&](std::string_view name, double Distribution::* time) {
    print_row(name, known(measurement.calls, format_time(measurement.as_new.*time)),
              known(fresh, format_time(measurement.fresh.*time)));
  };
  print_times("time, min", &Distribution::min);
  print_times("time, p50", &Distribution::p50);
  print_times("time, p99", &Distribution::p99);
  print_times("time, max", &Distribution::max);
  print_times("time, mean", &Distribution::mean);
  print_row("distinct results", format_count(measurement.distinct_as_new), format_count(measurement.distinct_fresh));
  const auto print_pages = [&](std::string_view name, double pages) {
    print_row(name, known(checked, fmt::format("{:g}", pages)), "all made anew");
  };
  print_pages("pages restored, p50", measurement.dirty_pages.p50);
  print_pages("pages restored, max", measurement.dirty_pages.max);
  if (measurement.audit) {
    print_row("restores audited", format_count(measurement.audit_checked), "-");
    print_row("audit failures", format_count(measurement.audit_failures), "-");
  }
  fmt::print("\nOn {} thread{}. Each time includes {:.0f} ns for reading the clock.\n", measurement.threads,
             measurement.threads == 1 ? "" : "s", measurement.clock);
  fmt::print("{}", comparison(measurement.as_new.p50, measurement.fresh.p50));
}

nlohmann::ordered_json measurement_json(const Measurement& measurement) {
  const auto known = [](std::uint64_t count, nlohmann::ordered_json value) {
    return count > 0 ? std::move(value) : nlohmann::ordered_json();
  };
  nlohmann::ordered_json pages = {{"p50", measurement.dirty_pages.p50}, {"max", measurement.dirty_pages.max}};
  return {{"calls", measurement.calls},
          {"fresh_calls", measurement.fresh_calls},
          {"threads", measurement.threads},
          {"distinct_results", measurement.distinct},
          {"ns", known(measurement.calls, times_json(measurement.as_new))},
          {"fresh_ns", known(measurement.fresh_calls, times_json(measurement.fresh))},
          {"dirty_pages", known(measurement.checked_calls, std::move(pages))},
          {"audit", {{"checked", measurement.audit_checked}, {"failures", measurement.audit_failures}}},
          {"interrupted", measurement.interrupted}};
}

}  // namespace anew::cli
