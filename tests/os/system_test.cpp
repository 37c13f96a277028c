// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <fstream>
#include <string>

#include "os/child_process.hpp"
#include "os/cpu.hpp"
#include "os/environment.hpp"

namespace anew::os {
namespace {

TEST(Cpu, FeaturesAreThoseTheKernelShows) {
  std::ifstream info("/proc/cpuinfo");
  std::string flags;
  while (std::getline(info, flags) && !flags.starts_with("flags")) {
  }
  ASSERT_TRUE(flags.starts_with("flags")) << "/proc/cpuinfo shows no flags";
  flags += ' ';
  const auto shown = [&flags](const char* name) {
    return flags.find(std::string(" ") + name + " ") != std::string::npos;
  };
  const std::uint64_t features = cpu_features();
  EXPECT_EQ((features & cpu::kAvx2) != 0, shown("avx2"));
  EXPECT_EQ((features & cpu::kBmi1) != 0, shown("bmi1"));
  EXPECT_EQ((features & cpu::kBmi2) != 0, shown("bmi2"));
  EXPECT_EQ((features & cpu::kLzcnt) != 0, shown("abm"));
  EXPECT_EQ((features & cpu::kPopcnt) != 0, shown("popcnt"));
  EXPECT_EQ((features & cpu::kFma) != 0, shown("fma"));
  EXPECT_EQ((features & cpu::kMovbe) != 0, shown("movbe"));
}

TEST(Cpu, FeaturesAreNamed) {
  EXPECT_EQ(cpu_feature_names(cpu::kBaseline), "AVX2, BMI1, BMI2, LZCNT, POPCNT, FMA, MOVBE");
  EXPECT_EQ(cpu_feature_names(cpu::kBmi2 | cpu::kMovbe), "BMI2, MOVBE");
  EXPECT_EQ(cpu_feature_names(1ull << 63), "features unknown to this version");
}

TEST(Cpu, CoresAreThoseThisProcessMayUse) {
  const int status = test::run_in_child([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    return sched_setaffinity(0, sizeof one, &one) == 0 && core_count() == 1 ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_GE(core_count(), 1u);
}

TEST(Environment, AnEmptyVariableCountsAsUnset) {
  setenv("ANEW_TEST_VARIABLE", "", 1);
  EXPECT_EQ(environment("ANEW_TEST_VARIABLE"), std::nullopt);
  setenv("ANEW_TEST_VARIABLE", "text", 1);
  EXPECT_EQ(environment("ANEW_TEST_VARIABLE"), "text");
  unsetenv("ANEW_TEST_VARIABLE");
  EXPECT_EQ(environment("ANEW_TEST_VARIABLE"), std::nullopt);
}

TEST(Environment, CachesLieWhereTheXdgSpecificationSays) {
  const int status = test::run_in_child([] {
    setenv("HOME", "/home/somebody", 1);
    setenv("XDG_CACHE_HOME", "/caches", 1);
    if (user_cache_home() != "/caches") return 1;
    setenv("XDG_CACHE_HOME", "relative/is/ignored", 1);
    if (user_cache_home() != "/home/somebody/.cache") return 2;
    unsetenv("XDG_CACHE_HOME");
    if (user_cache_home() != "/home/somebody/.cache") return 3;
    unsetenv("HOME");
    return user_cache_home() ? 4 : 0;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace anew::os
