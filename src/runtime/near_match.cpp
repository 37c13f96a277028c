// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/near_match.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "wasm/printable.hpp"

namespace anew::detail {
namespace {

/// Names longer than this are compared by their beginning only, so that a message costs little whatever a module holds.
constexpr std::size_t kComparedBytes = 128;
constexpr std::size_t kComparedNames = 10'000;
constexpr std::size_t kShown = 3;

/// Insertions, deletions and replacements that lead from one text to the other (Levenshtein's distance).
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string near_matches(std::string_view wanted, std::span<const std::string_view> names) {
  const std::string_view start = wanted.substr(0, kComparedBytes);
  const std::size_t most_edits = std::max<std::size_t>(1, start.size() / 3);
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const std::string_view name : names.first(std::min(names.size(), kComparedNames))) {
    const std::string_view candidate = name.substr(0, kComparedBytes);
    const bool extends = !start.empty() && candidate.starts_with(start);
    const std::size_t distance = edit_distance(start, candidate);
    if (extends || distance <= most_edits) {
      // What was cut short comes behind what was mistyped.
      near.emplace_back(distance <= most_edits ? distance : most_edits + distance, candidate);
    }
  }
  std::sort(near.begin(), near.end());
  near.resize(std::min(near.size(), kShown));
  std::string text;
  for (std::size_t i = 0; i < near.size(); ++i) {
    text += i == 0 ? "; did you mean \"" : i + 1 < near.size() ? ", \"" : " or \"";
    text += wasm::printable(near[i].second);
    text += '"';
  }
  return text.empty() ? text : text + "?";
}

}  // namespace anew::detail
