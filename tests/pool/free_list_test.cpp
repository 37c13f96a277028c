// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "pool/free_list.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace anew::pool {
namespace {

TEST(FreeList, IsLastInFirstOut) {
  FreeList list(3);
  EXPECT_EQ(list.pop(), FreeList::kNone);
  for (const std::uint32_t index : {0u, 2u, 1u}) list.push(index);
  EXPECT_EQ(list.pop(), 1u);
  list.push(1);
  EXPECT_EQ(list.pop(), 1u);
  EXPECT_EQ(list.pop(), 2u);
  EXPECT_EQ(list.pop(), 0u);
  EXPECT_EQ(list.pop(), FreeList::kNone);
  EXPECT_EQ(list.pop(), FreeList::kNone);
}

TEST(FreeList, HandsEachIndexToOneThreadAtATimeAndPublishesWhatItsHolderWrote) {
  constexpr std::uint32_t kIndices = 3;
  constexpr int kThreads = 4;
  constexpr int kRounds = 50'000;
  FreeList list(kIndices);
  // Not atomic on purpose: only the list orders the accesses, so TSan sees a missing order and counts go wrong.
  std::vector<std::uint64_t> uses(kIndices);
  for (std::uint32_t i = 0; i < kIndices; ++i) list.push(i);
  std::atomic<std::uint64_t> taken{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
          const std::uint32_t index = list.pop();
          if (index == FreeList::kNone) continue;
          ASSERT_LT(index, kIndices);
          ++uses[index];
          taken.fetch_add(1, std::memory_order_relaxed);
          list.push(index);
        }
      });
    }
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t each : uses) sum += each;
  EXPECT_EQ(sum, taken.load());
  EXPECT_GT(sum, 0u);
  std::vector<bool> there(kIndices);
  for (std::uint32_t i = 0; i < kIndices; ++i) {
    const std::uint32_t index = list.pop();
    ASSERT_LT(index, kIndices);
    EXPECT_FALSE(there[index]) << "an index is in the list twice";
    there[index] = true;
  }
  EXPECT_EQ(list.pop(), FreeList::kNone);
}

TEST(FreeList, LetsAThreadTakeWhatAnotherPutBack) {
  FreeList list(40);
  // More threads than there are stacks inside.
  for (std::uint32_t index = 0; index < 40; ++index) std::jthread([&list, index] { list.push(index); }).join();
  std::vector<bool> there(40);
  for (int i = 0; i < 40; ++i) {
    const std::uint32_t index = list.pop();
    ASSERT_LT(index, 40u);
    EXPECT_FALSE(there[index]);
    there[index] = true;
  }
  EXPECT_EQ(list.pop(), FreeList::kNone);
}

TEST(FreeList, NeverSeemsEmptyWhileThereIsOneForEachThread) {
  constexpr int kThreads = 4;
  FreeList list(kThreads);
  for (std::uint32_t i = 0; i < kThreads; ++i) list.push(i);
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&list] {
      for (int i = 0; i < 50'000; ++i) {
        const std::uint32_t index = list.pop();
        ASSERT_NE(index, FreeList::kNone);
        list.push(index);
      }
    });
  }
}

}  // namespace
}  // namespace anew::pool
