// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/pagemap.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "os/memory_file.hpp"

namespace anew::os {
namespace {

constexpr std::uint64_t kPages = 1000;

using Runs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

/// The pages of a mapping that are its own, as [first, end).
Runs own_pages(const Mapping& mapping, std::size_t buffer) {
  Runs all;
  std::vector<PageRun> found(buffer);
  std::byte* const end = mapping.data() + mapping.size();
  for (std::byte* next = mapping.data(); next != end;) {
    const PagemapScan scan = scan_pagemap(next, end, found);
    if (scan.next == nullptr) {
      ADD_FAILURE() << "the system refused";
      return all;
    }
    for (const PageRun& run : std::span(found).first(scan.runs)) {
      const auto page = [&](const std::byte* at) {
        return static_cast<std::uint64_t>(at - mapping.data()) / kPageBytes;
      };
      // A full buffer may cut a run in two.
      if (!all.empty() && all.back().second == page(run.begin))
        all.back().second = page(run.end);
      else
        all.emplace_back(page(run.begin), page(run.end));
    }
    next = scan.next;
  }
  return all;
}

class Pagemap : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_pagemap_scan()) GTEST_SKIP() << "this kernel has no PAGEMAP_SCAN";
  }
};

TEST_F(Pagemap, FindsWhatWasWrittenToAnonymousMemory) {
  const Mapping mapping = Mapping::reserve(kPages * kPageBytes).value();
  ASSERT_TRUE(protect(mapping.data(), mapping.size(), Access::kReadWrite));
  EXPECT_EQ(own_pages(mapping, 8), Runs{});
  volatile const std::byte* const reader = mapping.data();
  (void)reader[7 * kPageBytes];  // the page of zeros
  EXPECT_EQ(own_pages(mapping, 8), Runs{});
  mapping.data()[3 * kPageBytes] = std::byte{1};
  mapping.data()[7 * kPageBytes] = std::byte{0};  // written, if only with what was there
  std::memset(mapping.data() + 20 * kPageBytes, 1, 5 * kPageBytes);
  EXPECT_EQ(own_pages(mapping, 8), (Runs{{3, 4}, {7, 8}, {20, 25}}));
  ASSERT_TRUE(discard(mapping.data(), 21 * kPageBytes));
  EXPECT_EQ(own_pages(mapping, 8), (Runs{{21, 25}}));
}

TEST_F(Pagemap, FindsMoreRunsThanAnyBufferHolds) {
  const Mapping mapping = Mapping::reserve(kPages * kPageBytes).value();
  ASSERT_TRUE(protect(mapping.data(), mapping.size(), Access::kReadWrite));
  Runs expected;
  for (std::uint64_t page = 0; page < kPages; page += 2) {
    mapping.data()[page * kPageBytes] = std::byte{1};
    expected.emplace_back(page, page + 1);
  }
  for (const std::size_t buffer : {1, 7, 128, 300}) EXPECT_EQ(own_pages(mapping, buffer), expected) << buffer;
}

TEST_F(Pagemap, TellsWrittenPagesFromThoseOfTheFile) {
  auto file = MemoryFile::create(kPages * kPageBytes).value();
  std::memset(file.data() + 10 * kPageBytes, 7, 10 * kPageBytes);
  ASSERT_TRUE(file.seal());
  const Mapping mapping = Mapping::reserve(kPages * kPageBytes).value();
  ASSERT_TRUE(
      map_file_over(mapping.data(), mapping.size(), file.descriptor(), 0, Access::kReadWrite, Populate::kOnTouch));
  EXPECT_EQ(mapping.data()[10 * kPageBytes], std::byte{7});
  EXPECT_EQ(mapping.data()[0], std::byte{0});
  EXPECT_EQ(own_pages(mapping, 8), Runs{}) << "read, not written";
  mapping.data()[12 * kPageBytes] = std::byte{1};
  mapping.data()[500 * kPageBytes] = std::byte{1};
  EXPECT_EQ(own_pages(mapping, 8), (Runs{{12, 13}, {500, 501}}));
  ASSERT_TRUE(discard(mapping.data(), mapping.size()));
  EXPECT_EQ(mapping.data()[12 * kPageBytes], std::byte{7}) << "the file's again";
  EXPECT_EQ(own_pages(mapping, 8), Runs{});
}

TEST(MemoryFile, CannotBeChangedOnceItIsSealed) {
  auto file = MemoryFile::create(4 * kPageBytes).value();
  file.data()[0] = std::byte{5};
  ASSERT_TRUE(file.seal());
  EXPECT_EQ(file.data(), nullptr);
  EXPECT_FALSE(Mapping::of_shared_file(file.descriptor(), 4 * kPageBytes));
  const Mapping mapping = file.map(4 * kPageBytes).value();
  EXPECT_EQ(mapping.data()[0], std::byte{5});
  EXPECT_FALSE(file.seal()) << "it is sealed against further seals";
}

TEST_F(Pagemap, OfAChildAfterForkIsItsOwn) {
  if (!has_pagemap_scan()) GTEST_SKIP() << "this kernel has no PAGEMAP_SCAN";
  const Mapping mapping = Mapping::reserve(4 * kPageBytes).value();
  ASSERT_TRUE(protect(mapping.data(), mapping.size(), Access::kReadWrite));
  mapping.data()[0] = std::byte{1};
  const pid_t child = fork();
  if (child == 0) {
    mapping.data()[2 * kPageBytes] = std::byte{1};
    _exit(own_pages(mapping, 8) == Runs{{0, 1}, {2, 3}} ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "it looked at its parent's pages";
  EXPECT_EQ(own_pages(mapping, 8), (Runs{{0, 1}}));
}

}  // namespace
}  // namespace anew::os
