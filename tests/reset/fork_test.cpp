// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A pool made before fork() serves in the child.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <thread>

#include "support/print.hpp"
#include "support/sanitizers.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

class ForkUnder : public testing::TestWithParam<Ledger> {};
INSTANTIATE_TEST_SUITE_P(Ledgers, ForkUnder, testing::Values(Ledger::kCards, Ledger::kPagemap, Ledger::kCow),
                         [](const auto& each) { return to_string(each.param); });

TEST_P(ForkUnder, TheChildsInstancesAreRestored) {
  const Pool pool = make_pool(R"((module (memory 20) (data (i32.const 0) "pristine")
    (func (export "count") (result i32)
      (i32.store (i32.const 70000) (i32.add (i32.load (i32.const 70000)) (i32.const 1))) (i32.load (i32.const 70000)))))",
                              {.capacity = 1}, {}, {.ledger = GetParam()});
  const auto count = pool.function<int()>("count").value();
  (void)pool.acquire().value();
  const pid_t child = fork();
  if (child == 0) {
    int wrong = 0;
    for (int i = 0; i < 3; ++i) wrong += pool.acquire()->call(count).value() != 1;
    _exit(wrong);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child saw what its last call wrote";
}

TEST(Fork, AChildNeitherNeedsThePoolsHelperNorWaitsForIt) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not like threads' children";
  std::optional<Pool> pool = make_pool(R"((module (func (export "f"))))", {.capacity = 1, .reset = ResetWhen::kHelper});
  EXPECT_TRUE(pool->acquire()->call("f"));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    bool good = true;
    for (int i = 0; i < 3; ++i) good = good && pool->acquire()->call("f");
    pool.reset();
    _exit(good ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace anew::test
