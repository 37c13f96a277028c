// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Values of options as text: numbers, times, sizes, one of several names. The error for one that is not allowed,
// kArgument, says what was written, what is allowed, and what was meant; whoever parses puts the option's name before
// it.
#pragma once

#include <anew/error.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace anew::cli {

/// The longest time that can be asked for, 31 years: far below what nanoseconds in 64 bits hold.
inline constexpr std::chrono::nanoseconds kLongestTime = std::chrono::seconds(1'000'000'000);

/// A whole number, decimal, from `least` to `most`.
[[nodiscard]] Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most);

/// A number and its unit: "20ms", "1.5s"; from 0 to kLongestTime.
[[nodiscard]] Result<std::chrono::nanoseconds> parse_time(std::string_view text);

/// A size and its unit: "64MiB", "1GiB"; up to 2^64 - 1 bytes.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// One of several names, as it is written there. @return the place of the name among them.
[[nodiscard]] Result<std::size_t> parse_name(std::string_view text, const std::vector<std::string_view>& names);

/// "cards, pagemap or cow".
[[nodiscard]] std::string list_names(const std::vector<std::string_view>& names, std::string_view last = "or");

}  // namespace anew::cli
