// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "reset/cards.hpp"

#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

namespace anew::reset {
namespace {

using Runs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Runs naive_runs(const std::vector<std::uint8_t>& cards) {
  Runs runs;
  for (std::size_t i = 0; i < cards.size(); ++i) {
    if (cards[i] == 0) continue;
    if (!runs.empty() && runs.back().second == i)
      ++runs.back().second;
    else
      runs.emplace_back(i, i + 1);
  }
  return runs;
}

void expect_same_as_naive(std::vector<std::uint8_t> cards, const std::string& what) {
  const Runs expected = naive_runs(cards);
  std::uint64_t expected_count = 0;
  for (const auto& [first, end] : expected) expected_count += end - first;
  Runs found;
  const std::uint64_t count =
      take_dirty_runs(cards.data(), cards.size() / kBlockCards,
                      [&](std::uint64_t first, std::uint64_t end) { found.emplace_back(first, end); });
  EXPECT_EQ(found, expected) << what;
  EXPECT_EQ(count, expected_count) << what;
  EXPECT_EQ(cards, std::vector<std::uint8_t>(cards.size())) << what << ": every card is cleared";
}

TEST(CardScan, FindsTheSameRunsAsANaiveScanAtEveryDensityAndSize) {
  std::mt19937_64 random(1);
  for (std::size_t blocks = 0; blocks <= 40; ++blocks) {
    for (const double density : {0.0, 0.001, 0.02, 0.3, 0.8, 0.99, 1.0}) {
      std::vector<std::uint8_t> cards(blocks * kBlockCards);
      std::bernoulli_distribution set(density);
      // Any value but 0 is set.
      for (std::uint8_t& card : cards) card = set(random) ? static_cast<std::uint8_t>(1 + random() % 255) : 0;
      expect_same_as_naive(cards, "blocks " + std::to_string(blocks) + ", density " + std::to_string(density));
    }
  }
}

TEST(CardScan, FindsEachSingleCard) {
  for (std::size_t i = 0; i < 12 * kBlockCards; ++i) {
    std::vector<std::uint8_t> cards(12 * kBlockCards);
    cards[i] = 0x80;
    expect_same_as_naive(cards, "card " + std::to_string(i));
  }
}

TEST(CardScan, MergesRunsOverBlockBoundaries) {
  for (std::size_t begin = 0; begin < 3 * kBlockCards; ++begin) {
    for (const std::size_t length : {2u, 63u, 64u, 65u, 200u}) {
      std::vector<std::uint8_t> cards(8 * kBlockCards);
      std::fill_n(cards.begin() + static_cast<std::ptrdiff_t>(begin), length, std::uint8_t{1});
      expect_same_as_naive(cards, "run at " + std::to_string(begin) + " of " + std::to_string(length));
    }
  }
}

TEST(CardScan, StartsWhereItIsToldOnEveryProcessor) {
  std::vector<std::uint8_t> cards(64 * kBlockCards);
  cards[3 * kBlockCards] = 1;
  cards[29 * kBlockCards + 63] = 1;
  for (const abi::FindDirtyBlock find : abi::scanners()) {
    EXPECT_EQ(find(cards.data(), 0, 64), 3u);
    EXPECT_EQ(find(cards.data(), 3, 64), 3u);
    EXPECT_EQ(find(cards.data(), 4, 64), 29u);
    EXPECT_EQ(find(cards.data(), 30, 64), 64u);
    EXPECT_EQ(find(cards.data(), 4, 20), 20u);
    EXPECT_EQ(find(cards.data(), 64, 64), 64u);
  }
}

TEST(CardScan, FindsEachSingleCardOnEveryProcessor) {
  std::vector<std::uint8_t> cards(48 * kBlockCards);
  for (std::size_t i = 0; i < cards.size(); ++i) {
    cards[i] = 0x80;
    for (const abi::FindDirtyBlock find : abi::scanners()) EXPECT_EQ(find(cards.data(), 0, 48), i / kBlockCards);
    cards[i] = 0;
  }
}

}  // namespace
}  // namespace anew::reset
