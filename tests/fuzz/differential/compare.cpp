// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "differential/protocol.hpp"

namespace anew::differential {
namespace {

using Lines = std::vector<std::string_view>;

struct Answer {
  std::string_view verdict;
  std::string remarks;
  std::string_view complaint;  // the first line with "!"
  std::uint64_t optimized = 0;
  std::vector<std::pair<std::string_view, Lines>> segments;  // in the order in which they ran
};

Answer parse(std::string_view text) {
  Answer answer;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (answer.verdict.empty()) {
      answer.verdict = line;
    } else if (constexpr std::string_view kOptimized = "# optimized "; line.starts_with(kOptimized)) {
      std::from_chars(line.data() + kOptimized.size(), line.data() + line.size(), answer.optimized);
    } else if (line.starts_with('#')) {
      answer.remarks.append(line).append("\n");
    } else if (line.starts_with('!')) {
      if (answer.complaint.empty()) answer.complaint = line;
    } else if (line.starts_with("segment ")) {
      answer.segments.emplace_back(line, Lines{});
    } else if (!answer.segments.empty()) {
      answer.segments.back().second.push_back(line);
    }
  }
  return answer;
}

bool ends_with_exhaustion(const Lines& lines) {
  return std::ranges::any_of(lines, [](std::string_view line) { return line.ends_with(" trap stack"); });
}

/// The traps that V8 has one message for where Anew has two are named alike by both workers already.
std::string describe(std::string_view segment, std::string_view anew, std::string_view other) {
  return std::string(segment).append("\n  Anew:  ").append(anew).append("\n  other: ").append(other);
}

/// Of the state behind a trap what the host saw alone.
std::string without_state_of_traps(std::string_view text) {
  std::string result;
  bool trapped = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    if (trapped && line.starts_with("state")) line.remove_prefix(std::min(line.find(" host="), line.size()));
    trapped = line.contains(" trap ");
    result += line;
  }
  return result;
}

}  // namespace

std::string compare_tiers(std::string_view optimized, std::string_view quick) {
  const std::string verdict = "accepted\n";
  // In this order: what the first complains about is a difference.
  return compare(verdict + without_state_of_traps(optimized), verdict + without_state_of_traps(quick), true).difference;
}

Comparison compare(std::string_view anew_text, std::string_view other_text, bool must_be_accepted) {
  const Answer anew = parse(anew_text);
  const Answer other = parse(other_text);
  Comparison comparison;
  comparison.optimized = anew.optimized;
  if (!anew.complaint.empty()) {
    comparison.difference = anew.complaint;
    return comparison;
  }
  if (anew.verdict != other.verdict) {
    // What Anew does not support yet it says; what it sets limits to, V8 may set others to.
    comparison.comparable = must_be_accepted || !anew.remarks.contains("(excused)");
    comparison.difference = describe("the module", std::string(anew.verdict) + "\n" + anew.remarks,
                                     std::string(other.verdict) + "\n" + other.remarks);
    return comparison;
  }
  if (anew.verdict != "accepted") {
    if (anew.verdict == "failed" || must_be_accepted)
      comparison.difference = describe("both", anew.remarks, other.remarks);
    return comparison;
  }
  for (std::size_t i = 0; i < std::max(anew.segments.size(), other.segments.size()); ++i) {
    if (i >= anew.segments.size() || i >= other.segments.size()) {
      comparison.difference = "one has fewer segments";
      return comparison;
    }
    const auto& [name, left] = anew.segments[i];
    const auto& right = other.segments[i].second;
    if (ends_with_exhaustion(left) || ends_with_exhaustion(right)) {
      ++comparison.skipped_segments;
      // If a start function exhausts the stack, nothing comes after in that engine.
      if (left.front().starts_with("instantiate") || right.front().starts_with("instantiate")) return comparison;
      continue;
    }
    for (std::size_t k = 0; k < std::max(left.size(), right.size()); ++k) {
      const std::string_view a = k < left.size() ? left[k] : "(nothing)";
      const std::string_view b = k < right.size() ? right[k] : "(nothing)";
      if (a != b) {
        comparison.difference = describe(name, a, b);
        return comparison;
      }
      comparison.calls += a.starts_with("call ") ? 1 : 0;
      comparison.traps += a.contains(" trap ") ? 1 : 0;
    }
  }
  return comparison;
}

}  // namespace anew::differential
