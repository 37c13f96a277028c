// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/near_match.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace anew::detail {
namespace {

TEST(NearMatch, OffersWhatIsAFewEditsAway) {
  const std::vector<std::string_view> names = {"add", "sub", "Core_version", "Core_execute_block"};
  EXPECT_EQ(near_matches("ad", names), "; did you mean \"add\"?");
  EXPECT_EQ(near_matches("core_versoin", names), "; did you mean \"Core_version\"?");
  EXPECT_EQ(near_matches("multiply", names), "");
  EXPECT_EQ(near_matches("add", std::vector<std::string_view>{}), "");
}

TEST(NearMatch, OffersWhatBeginsWithTheName) {
  const std::vector<std::string_view> names = {"Core_version", "Core_execute_block", "Metadata_metadata"};
  EXPECT_EQ(near_matches("Core_", names), "; did you mean \"Core_version\" or \"Core_execute_block\"?");
  EXPECT_EQ(near_matches("", names), "");
}

TEST(NearMatch, OffersTheNearestThree) {
  const std::vector<std::string_view> names = {"abcdefgh12", "abcdefgh1", "abcdefxy", "abcdefgX", "zzz"};
  EXPECT_EQ(near_matches("abcdefgh", names), "; did you mean \"abcdefgX\", \"abcdefgh1\" or \"abcdefgh12\"?");
}

TEST(NearMatch, CostsLittleForHugeNames) {
  const std::string huge(100'000, 'a');
  const std::vector<std::string_view> names(1'000, huge);
  EXPECT_LT(near_matches(huge, names).size(), 1'000u);
}

}  // namespace
}  // namespace anew::detail
