// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/x86_64/features.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace anew::abi {
namespace {

TEST(Features, AreThoseTheKernelShows) {
  std::ifstream info("/proc/cpuinfo");
  std::string flags;
  while (std::getline(info, flags) && !flags.starts_with("flags")) {
  }
  ASSERT_TRUE(flags.starts_with("flags")) << "/proc/cpuinfo shows no flags";
  flags += ' ';
  const auto shown = [&flags](const char* name) {
    return flags.find(std::string(" ") + name + " ") != std::string::npos;
  };
  const std::uint64_t features = processor_features();
  EXPECT_EQ((features & feature::kAvx2) != 0, shown("avx2"));
  EXPECT_EQ((features & feature::kBmi1) != 0, shown("bmi1"));
  EXPECT_EQ((features & feature::kBmi2) != 0, shown("bmi2"));
  EXPECT_EQ((features & feature::kLzcnt) != 0, shown("abm"));
  EXPECT_EQ((features & feature::kPopcnt) != 0, shown("popcnt"));
  EXPECT_EQ((features & feature::kFma) != 0, shown("fma"));
  EXPECT_EQ((features & feature::kMovbe) != 0, shown("movbe"));
}

TEST(Features, AreNamed) {
  EXPECT_EQ(feature_names(kBaselineFeatures), "AVX2, BMI1, BMI2, LZCNT, POPCNT, FMA, MOVBE");
  EXPECT_EQ(feature_names(feature::kBmi2 | feature::kMovbe), "BMI2, MOVBE");
  EXPECT_EQ(feature_names(1ull << 63), "features unknown to this version");
}

}  // namespace
}  // namespace anew::abi
