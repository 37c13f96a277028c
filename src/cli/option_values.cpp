// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/option_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <system_error>
#include <utility>

#include "runtime/near_match.hpp"

namespace anew::cli {

namespace {

struct Unit {
  std::string_view name;
  double nanoseconds;
};
constexpr Unit kUnits[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kArgument, fmt::format("\"{}\" {}", text, why));
}

}  // namespace

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most)
    return refuse(text, fmt::format("is no whole number from {} to {}", least, most));
  return number;
}

Result<std::chrono::nanoseconds> parse_time(std::string_view text) {
  constexpr std::string_view kAllowed = "write a number and its unit, ns, us, ms or s, such as 20ms or 1.5s";
  if (text.starts_with('-')) return refuse(text, "is less than no time: 0s ends at once, and the longest is 1e9s");
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // from_chars also takes "inf" and "nan".
  const bool is_number = !text.empty() && (text.front() == '.' || (text.front() >= '0' && text.front() <= '9'));
  if (error == std::errc::invalid_argument || !is_number) return refuse(text, fmt::format("is no time: {}", kAllowed));
  const std::string_view unit_name(end, text.data() + text.size());
  const auto* const unit = std::ranges::find(kUnits, unit_name, &Unit::name);
  if (unit == std::end(kUnits)) {
    return refuse(text, unit_name.empty() ? fmt::format("has no unit: {}", kAllowed)
                                          : fmt::format("has an unknown unit, \"{}\": {}", unit_name, kAllowed));
  }
  const double nanoseconds = number * unit->nanoseconds;
  if (error == std::errc::result_out_of_range || nanoseconds > static_cast<double>(kLongestTime.count()))
    return refuse(text, "is longer than 1e9s, the longest time that can be asked for");
  return std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));  // fits: compared above, and not negative
}

Result<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::pair<std::string_view, unsigned> kSizeUnits[] = {{"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit_name(end, text.data() + text.size());
  const auto* const unit = std::ranges::find(kSizeUnits, unit_name, &std::pair<std::string_view, unsigned>::first);
  if (error == std::errc::invalid_argument || unit == std::end(kSizeUnits))
    return refuse(text, "is no size: write a whole number and its unit, B, KiB, MiB or GiB, such as 64MiB");
  if (error == std::errc::result_out_of_range || number > ~std::uint64_t{0} >> unit->second)
    return refuse(text, "is more than there can be");
  return number << unit->second;
}

Result<std::size_t> parse_name(std::string_view text, const std::vector<std::string_view>& names) {
  const auto found = std::ranges::find(names, text);
  if (found == names.end())
    return refuse(text, fmt::format("is not {}{}", list_names(names), detail::near_matches(text, names)));
  return static_cast<std::size_t>(found - names.begin());  // not negative
}

std::string list_names(const std::vector<std::string_view>& names, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 < names.size() ? ", " : fmt::format(" {} ", last);
    text += names[i];
  }
  return text;
}

}  // namespace anew::cli
