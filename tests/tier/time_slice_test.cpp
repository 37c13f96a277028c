// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Optimized code that leaves its thread in the midst of its work (Lease::set_time_slice).
#include <gtest/gtest.h>

#include <anew/anew.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "support/mixing_program.hpp"
#include "support/optimizer.hpp"
#include "support/wat.hpp"

namespace anew {
namespace {

struct Kind {
  const char* name;
  CompileOptions options;
};

class OptimizedTimeSlices : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(test::kOptimizer)) GTEST_SKIP() << "built where LLVM is found only";
    setenv("ANEW_OPTIMIZER", test::kOptimizer.c_str(), 1);
  }
  void TearDown() override { unsetenv("ANEW_OPTIMIZER"); }
};

TEST_P(OptimizedTimeSlices, WhatCallsComputeInTurnIsTheSame) {
  const Module module = test::compile(test::mixing_program(), GetParam().options);
  EXPECT_TRUE(module.optimization().not_optimized.empty());
  const Pool pool = Pool::create(module, {}, {.capacity = 16, .audit_every = 1}).value();
  for (const char* const name : {"mix", "deep"}) {
    const auto run = pool.function<std::int64_t(std::int64_t)>(name).value();
    const std::int64_t argument = std::string(name) == "mix" ? 50'000 : 21;
    const std::int64_t expected = pool.acquire()->call(run, argument).value();
    std::uint64_t times = 0;
    for (int i = 0; i < 3 || times < 100; ++i) {
      ASSERT_LT(i, 1'000) << "parked " << times << " times";
      std::vector<Call<std::int64_t>> calls;
      for (int k = 0; k < 5; ++k) {
        Lease lease = pool.acquire().value();
        lease.set_time_slice(std::chrono::nanoseconds(1));
        calls.push_back(std::move(lease).start(run, argument));
      }
      while (!calls.empty()) {
        std::erase_if(calls, [&](auto& call) {
          if (!call.is_done()) {
            ++times;
            call.resume();
            return false;
          }
          EXPECT_EQ(call.result().value(), expected);
          return true;
        });
      }
    }
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, OptimizedTimeSlices,
                         testing::Values(Kind{"Plain", {.tier = Tier::kOptimized}},
                                         Kind{"Metered",
                                              {.fuel = true, .stack_limit = 1 << 20, .tier = Tier::kOptimized}}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace anew
