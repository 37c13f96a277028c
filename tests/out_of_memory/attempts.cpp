// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "attempts.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "failing_allocator.hpp"

namespace anew::test {
namespace {

/// Which allocations of this thread fail.
struct Plan {
  Failing how = Failing::kOnce;
  std::uint64_t left = std::numeric_limits<std::uint64_t>::max();  ///< that succeed before
  bool failed = false;

  void count(std::uint64_t allocations) noexcept {
    if (allocations <= left) {
      left -= allocations;
      return;
    }
    failed = true;
    left = how == Failing::kOnce ? std::numeric_limits<std::uint64_t>::max() : 0;
  }
};
thread_local Plan plan;

}  // namespace

void for_each_allocation(std::string_view what, const std::function<void()>& scenario) {
  constexpr std::uint64_t kMost = 20'000;
  for (const Failing how : {Failing::kOnce, Failing::kForEver}) {
    for (std::uint64_t number = 0;; ++number) {
      SCOPED_TRACE(testing::Message() << what << ", allocation " << number
                                      << (how == Failing::kForEver ? " and all behind" : ""));
      plan = {how, number};
      scenario();
      if (testing::Test::HasFailure()) return;
      if (!plan.failed) break;
      ASSERT_LT(number, kMost);
    }
  }
  plan = {};
}

void fail_allocation(std::uint64_t number) { plan = {Failing::kOnce, number}; }

bool run_failing(const std::function<void()>& run) {
  {
    const FailingAllocations failing(plan.left, plan.how);
    run();
  }
  plan.count(FailingAllocations::counted());
  return plan.failed;
}

void report(std::string_view what) { ADD_FAILURE() << what; }

}  // namespace anew::test
