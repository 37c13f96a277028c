// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Options whose value is a number, a time, a size or one of several names. A value that is not allowed is wrong usage:
// what the error says of it is what was written, what is allowed, and what was meant.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anew::cli {

/// The longest time that can be asked for, 31 years: far below what nanoseconds in 64 bits hold.
inline constexpr std::chrono::nanoseconds kLongestTime = std::chrono::seconds(1'000'000'000);

/// A whole number, decimal. @param set  given the number, which is from `least` to `most`.
CLI::Option* add_number_option(CLI::App& command, const char* name, std::uint64_t least, std::uint64_t most,
                               std::function<void(std::uint64_t)> set, const char* description);

/// A number and its unit: "20ms", "1.5s"; from 0 to kLongestTime.
CLI::Option* add_time_option(CLI::App& command, const char* name, std::function<void(std::chrono::nanoseconds)> set,
                             const char* description);

/// A size and its unit: "64MiB", "1GiB"; up to 2^64 - 1 bytes.
CLI::Option* add_size_option(CLI::App& command, const char* name, std::function<void(std::uint64_t)> set,
                             const char* description);

/// One of several names, as it is written there. @param set  given the place of the name among them.
CLI::Option* add_name_option(CLI::App& command, const char* name, std::vector<std::string_view> names,
                             std::function<void(std::size_t)> set, const char* description);

/// The same for a variable. @param choices  names, which last as long as the program, and what they stand for.
template <typename T>
CLI::Option* add_choice_option(CLI::App& command, const char* name, T& target,
                               std::vector<std::pair<std::string_view, T>> choices, const char* description) {
  std::vector<std::string_view> names;
  for (const auto& [each, value] : choices) names.push_back(each);
  return add_name_option(
      command, name, std::move(names),
      [&target, choices = std::move(choices)](std::size_t place) { target = choices[place].second; }, description);
}

/// "cards, pagemap or cow".
[[nodiscard]] std::string list_names(const std::vector<std::string_view>& names, std::string_view last = "or");

}  // namespace anew::cli
