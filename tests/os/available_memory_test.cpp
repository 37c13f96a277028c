// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/available_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "os/process_barrier.hpp"

namespace anew::os {
namespace {

namespace fs = std::filesystem;

class AvailableMemory : public testing::Test {
 protected:
  AvailableMemory() : root_(fs::temp_directory_path() / ("anew-memory-" + std::to_string(getpid()))) {}
  ~AvailableMemory() override { fs::remove_all(root_); }
  void write(const fs::path& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  const fs::path root_;
};

TEST_F(AvailableMemory, IsUnknownWhereTheSystemSaysNothing) { EXPECT_EQ(available_memory(root_), ~std::uint64_t{0}); }

TEST_F(AvailableMemory, IsTheMachines) {
  write("proc/meminfo", "MemTotal:  4000 kB\nMemFree: 1 kB\nMemAvailable:    1000 kB\n");
  EXPECT_EQ(available_memory(root_), 1000u * 1024);
}

TEST_F(AvailableMemory, IsTheLeastOfAnyGroupsAround) {
  write("proc/meminfo", "MemAvailable: 1000 kB\n");
  write("proc/self/cgroup", "12:memory:/old\n0::/outer/inner\n");
  write("sys/fs/cgroup/outer/memory.max", "500000\n");
  write("sys/fs/cgroup/outer/memory.current", "200000\n");
  write("sys/fs/cgroup/outer/inner/memory.max", "max\n");
  write("sys/fs/cgroup/outer/inner/memory.current", "1\n");
  EXPECT_EQ(available_memory(root_), 300'000u);
  write("sys/fs/cgroup/outer/memory.stat", "anon 1\ninactive_file 50000\n");
  EXPECT_EQ(available_memory(root_), 350'000u) << "page cache is given up first";
  write("sys/fs/cgroup/outer/inner/memory.max", "100\n");
  write("sys/fs/cgroup/outer/inner/memory.current", "400\n");
  EXPECT_EQ(available_memory(root_), 0u) << "over its limit";
}

TEST_F(AvailableMemory, OfThisMachineIsThere) {
  EXPECT_GT(available_memory(), 1u << 20);
  EXPECT_LT(available_memory(), std::uint64_t{1} << 50);
}

TEST(ProcessBarrier, Works) {
  EXPECT_TRUE(barrier_in_all_threads());
  EXPECT_TRUE(barrier_in_all_threads());
}

}  // namespace
}  // namespace anew::os
