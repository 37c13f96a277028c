// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The options that ask for a Measurement; a Measurement as a table, and as JSON.
#include <fmt/format.h>

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

nlohmann::ordered_json times_json(const Distribution& times) {
  const auto whole = [](double value) { return static_cast<std::uint64_t>(value); };  // samples are whole nanoseconds
  return {{"min", whole(times.min)},
          {"p50", whole(times.p50)},
          {"p99", whole(times.p99)},
          {"max", whole(times.max)},
          {"mean", std::round(times.mean * 10) / 10}};
}

}  // namespace

void add_measure_options(CLI::App& command, std::uint64_t& repeat, std::uint32_t& threads, bool& audit) {
  command
      .add_option("--repeat", repeat,
                  "Make N calls, each in an instance as new, and print how long they took and whether all results "
                  "agree, beside at most 100 fresh instantiations")
      ->check(CLI::Range(std::uint64_t{1}, kMaximumRepeat))
      ->type_name("N");
  command.add_option("--threads", threads, "Share the N calls among this many threads")
      ->check(CLI::Range(1u, kMaximumThreads))
      ->type_name("N");
  command.add_flag("--audit", audit,
                   "Compare the instance, byte for byte, with one made the slow way after each of N calls, which are "
                   "made besides those that are timed");
}

void report_leaks(const Measurement& measurement) {
  if (measurement.distinct > 1) {
    fmt::print(stderr,
               "anew: {} distinct results: the function's result depends on more than its arguments, so something "
               "leaked from call to call\n",
               measurement.distinct);
  }
  if (measurement.audit_failures > 0) {
    fmt::print(stderr, "anew: {} of {} audits failed: {}\n", measurement.audit_failures, measurement.audit_checked,
               measurement.audit_report);
  }
}

void print_measurement(const Measurement& measurement) {
  print_row("", "as new", "fresh instantiation");
  print_row("calls", format_count(measurement.calls), format_count(measurement.fresh_calls));
  const auto print_times = [&](std::string_view name, double Distribution::* time) {
    print_row(name, format_time(measurement.as_new.*time), format_time(measurement.fresh.*time));
  };
  print_times("time, min", &Distribution::min);
  print_times("time, p50", &Distribution::p50);
  print_times("time, p99", &Distribution::p99);
  print_times("time, max", &Distribution::max);
  print_times("time, mean", &Distribution::mean);
  print_row("distinct results", format_count(measurement.distinct_as_new), format_count(measurement.distinct_fresh));
  print_row("pages restored, p50", fmt::format("{:g}", measurement.dirty_pages.p50), "all made anew");
  print_row("pages restored, max", fmt::format("{:g}", measurement.dirty_pages.max), "all made anew");
  if (measurement.audit) {
    print_row("restores audited", format_count(measurement.audit_checked), "-");
    print_row("audit failures", format_count(measurement.audit_failures), "-");
  }
  fmt::print("\nOn {} thread{}. Each time includes {:.0f} ns for reading the clock. ", measurement.threads,
             measurement.threads == 1 ? "" : "s", measurement.clock);
  if (measurement.as_new.p50 > 0) {
    fmt::print("By p50, a call as new takes 1/{:.0f} of a fresh instantiation.",
               measurement.fresh.p50 / measurement.as_new.p50);
  }
  fmt::print("\n");
}

nlohmann::ordered_json measurement_json(const Measurement& measurement) {
  return {{"calls", measurement.calls},
          {"fresh_calls", measurement.fresh_calls},
          {"threads", measurement.threads},
          {"distinct_results", measurement.distinct},
          {"ns", times_json(measurement.as_new)},
          {"fresh_ns", times_json(measurement.fresh)},
          {"dirty_pages", {{"p50", measurement.dirty_pages.p50}, {"max", measurement.dirty_pages.max}}},
          {"audit", {{"checked", measurement.audit_checked}, {"failures", measurement.audit_failures}}}};
}

}  // namespace anew::cli
