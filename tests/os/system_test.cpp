// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <fstream>
#include <string>

#include "os/child_process.hpp"
#include "os/environment.hpp"

namespace anew::os {
namespace {

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
