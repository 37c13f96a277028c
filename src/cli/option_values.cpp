// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/option_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include "runtime/near_match.hpp"

namespace anew::cli {

namespace {

struct Unit {
  std::string_view name;
  double nanoseconds;
};
constexpr Unit kUnits[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};

[[noreturn]] void refuse(const char* name, std::string_view text, std::string_view why) {
  throw CLI::ValidationError(name, fmt::format("\"{}\" {}", text, why));
}

std::uint64_t parse_number(const char* name, std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most) {
    refuse(name, text, fmt::format("is no whole number from {} to {}", least, most));
  }
  return number;
}

std::chrono::nanoseconds parse_time(const char* name, std::string_view text) {
  constexpr std::string_view kAllowed = "write a number and its unit, ns, us, ms or s, such as 20ms or 1.5s";
  if (text.starts_with('-')) refuse(name, text, "is less than no time: 0s ends at once, and the longest is 1e9s");
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // from_chars also takes "inf" and "nan".
  const bool is_number = !text.empty() && (text.front() == '.' || (text.front() >= '0' && text.front() <= '9'));
  if (error == std::errc::invalid_argument || !is_number) refuse(name, text, fmt::format("is no time: {}", kAllowed));
  const std::string_view unit_name(end, text.data() + text.size());
  const auto* const unit = std::ranges::find(kUnits, unit_name, &Unit::name);
  if (unit == std::end(kUnits)) {
    refuse(name, text,
           unit_name.empty() ? fmt::format("has no unit: {}", kAllowed)
                             : fmt::format("has an unknown unit, \"{}\": {}", unit_name, kAllowed));
  }
  const double nanoseconds = number * unit->nanoseconds;
  if (error == std::errc::result_out_of_range || nanoseconds > static_cast<double>(kLongestTime.count())) {
    refuse(name, text, "is longer than 1e9s, the longest time that can be asked for");
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));  // fits: compared above, and not negative
}

std::uint64_t parse_size(const char* name, std::string_view text) {
  constexpr std::pair<std::string_view, unsigned> kSizeUnits[] = {{"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit_name(end, text.data() + text.size());
  const auto* const unit = std::ranges::find(kSizeUnits, unit_name, &std::pair<std::string_view, unsigned>::first);
  if (error == std::errc::invalid_argument || unit == std::end(kSizeUnits)) {
    refuse(name, text, "is no size: write a whole number and its unit, B, KiB, MiB or GiB, such as 64MiB");
  }
  if (error == std::errc::result_out_of_range || number > ~std::uint64_t{0} >> unit->second) {
    refuse(name, text, "is more than there can be");
  }
  return number << unit->second;
}

}  // namespace

std::string list_names(const std::vector<std::string_view>& names, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 < names.size() ? ", " : fmt::format(" {} ", last);
    text += names[i];
  }
  return text;
}

CLI::Option* add_number_option(CLI::App& command, const char* name, std::uint64_t least, std::uint64_t most,
                               std::function<void(std::uint64_t)> set, const char* description) {
  return command
      .add_option_function<std::string>(
          name,
          [name, least, most, set = std::move(set)](const std::string& text) {
            set(parse_number(name, text, least, most));
          },
          description)
      ->type_name("N");
}

CLI::Option* add_time_option(CLI::App& command, const char* name, std::function<void(std::chrono::nanoseconds)> set,
                             const char* description) {
  return command
      .add_option_function<std::string>(
          name, [name, set = std::move(set)](const std::string& text) { set(parse_time(name, text)); }, description)
      ->type_name("TIME");
}

CLI::Option* add_size_option(CLI::App& command, const char* name, std::function<void(std::uint64_t)> set,
                             const char* description) {
  return command
      .add_option_function<std::string>(
          name, [name, set = std::move(set)](const std::string& text) { set(parse_size(name, text)); }, description)
      ->type_name("SIZE");
}

CLI::Option* add_name_option(CLI::App& command, const char* name, std::vector<std::string_view> names,
                             std::function<void(std::size_t)> set, const char* description) {
  return command
      .add_option_function<std::string>(
          name,
          [name, names = std::move(names), set = std::move(set)](const std::string& text) {
            const auto found = std::ranges::find(names, text);
            if (found == names.end()) {
              refuse(name, text, fmt::format("is not {}{}", list_names(names), detail::near_matches(text, names)));
            }
            set(static_cast<std::size_t>(found - names.begin()));  // not negative
          },
          description)
      ->type_name("NAME");
}

}  // namespace anew::cli
