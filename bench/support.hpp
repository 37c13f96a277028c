// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the benchmarks share.
#pragma once

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace anew::bench {

using Clock = std::chrono::steady_clock;

[[nodiscard]] inline double nanoseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::nano>(duration).count();
}

/// Ends the program with the error's message: a benchmark that cannot run has nothing to report.
template <typename T>
[[nodiscard]] T value_or_exit(Result<T> result, const std::string& what) {
  if (result) return std::move(*result);
  fmt::print(stderr, "{}: {}\n", what, result.error().to_string());
  std::exit(1);
}

/// Behind a call that is measured: one that fails is not what the figure is of.
template <typename T>
void keep_success(const Result<T>& result) {
  if (!result) [[unlikely]] {
    fmt::print(stderr, "a call that is measured failed: {}\n", result.error().to_string());
    std::exit(1);
  }
  benchmark::DoNotOptimize(result);
}

/// Of a file, which a benchmark cannot run without.
[[nodiscard]] inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    fmt::print(stderr, "{} is missing\n", path.string());
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

[[nodiscard]] inline double median(std::vector<double>& samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

/// How long two things take, measured in turn so that both see the same machine.
struct Pair {
  double subject = 0;  ///< median, ns
  double floor = 0;    ///< median, ns
};

template <typename Subject, typename Floor>
[[nodiscard]] Pair measure_in_turn(std::size_t rounds, std::size_t repeat, Subject&& subject, Floor&& floor) {
  std::vector<double> subjects(rounds);
  std::vector<double> floors(rounds);
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    for (std::size_t i = 0; i < repeat; ++i) subject();
    const auto middle = Clock::now();
    for (std::size_t i = 0; i < repeat; ++i) floor();
    const auto end = Clock::now();
    subjects[round] = nanoseconds(middle - start) / static_cast<double>(repeat);
    floors[round] = nanoseconds(end - middle) / static_cast<double>(repeat);
  }
  return {median(subjects), median(floors)};
}

}  // namespace anew::bench
