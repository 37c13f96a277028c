// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/virtual_memory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstring>
#include <utility>

#include "os/child_process.hpp"
#include "os/file.hpp"
#include "os/temporary_directory.hpp"
#include "support/sanitizers.hpp"

namespace anew::os {
namespace {

TEST(VirtualMemory, ReservesFarMoreThanTheMachineHas) {
  auto mapping = Mapping::reserve(1ull << 42);
  ASSERT_TRUE(mapping) << mapping.error().message;
  EXPECT_EQ(mapping->size(), 1ull << 42);
}

TEST(VirtualMemory, ReservedPagesCannotBeTouchedUntilTheyAreProtectedForIt) {
  auto mapping = Mapping::reserve(2 * kPageBytes).value();
  volatile std::byte* const first = mapping.data();
  EXPECT_DEATH((void)*first, "");
  ASSERT_TRUE(protect(mapping.data(), kPageBytes, Access::kReadWrite));
  *first = std::byte{7};
  EXPECT_EQ(mapping.data()[0], std::byte{7});
  EXPECT_DEATH((void)first[kPageBytes], "");
  ASSERT_TRUE(protect(mapping.data(), kPageBytes, Access::kRead));
  EXPECT_DEATH(*first = std::byte{8}, "");
}

TEST(VirtualMemory, DiscardedPagesReadAsZero) {
  auto mapping = Mapping::reserve(kPageBytes).value();
  ASSERT_TRUE(protect(mapping.data(), kPageBytes, Access::kReadWrite));
  std::memset(mapping.data(), 0xAB, kPageBytes);
  ASSERT_TRUE(discard(mapping.data(), kPageBytes));
  for (std::uint64_t i = 0; i < kPageBytes; ++i) ASSERT_EQ(mapping.data()[i], std::byte{0});
}

TEST(VirtualMemory, GoesWithItsOwnerAndMovesWithoutACopy) {
  auto mapping = Mapping::reserve(kPageBytes).value();
  std::byte* const place = mapping.data();
  ASSERT_TRUE(protect(place, kPageBytes, Access::kReadWrite));
  Mapping moved = std::move(mapping);
  EXPECT_EQ(moved.data(), place);
  EXPECT_EQ(mapping.data(), nullptr);
  {
    const Mapping last = std::move(moved);
  }
  EXPECT_FALSE(protect(place, kPageBytes, Access::kReadWrite));
}

TEST(VirtualMemory, MapsAFileWithoutEverWritingToIt) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "file", std::string(kPageBytes, 'a') + std::string(kPageBytes, 'b'));
  auto file = File::open(directory / "file", File::Links::kRefuse).value();
  auto mapping = Mapping::reserve(2 * kPageBytes).value();
  ASSERT_TRUE(
      map_file_over(mapping.data() + kPageBytes, kPageBytes, file.descriptor(), kPageBytes, Access::kReadWrite));
  EXPECT_EQ(mapping.data()[kPageBytes], std::byte{'b'});
  mapping.data()[kPageBytes] = std::byte{'c'};
  EXPECT_EQ(read_file(directory / "file", 1 << 20).value()[kPageBytes], std::byte{'b'});
}

TEST(VirtualMemory, SaysThatTheAddressSpaceLimitIsTheReason) {
  if (test::kSanitized) GTEST_SKIP() << "the sanitizers' own memory does not live within such limits";
  const int status = test::run_in_child([] {
    const rlimit limit{1ull << 32, 1ull << 32};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 1;
    const auto mapping = Mapping::reserve(1ull << 40);
    return !mapping && mapping.error().code == ErrorCode::kResource &&
                   mapping.error().message.find("RLIMIT_AS") != std::string::npos &&
                   mapping.error().message.find("ulimit -v") != std::string::npos
               ? 0
               : 2;
  });
  EXPECT_EQ(status, 0);
}

TEST(VirtualMemory, SaysThatTheNumberOfMappingsIsTheReason) {
  if (test::kSanitized) GTEST_SKIP() << "the sanitizers' own memory does not live within such limits";
  const int status = test::run_in_child([] {
    // Neighbours of unlike access stay apart in the kernel's list, so this ends where the limit is.
    int access = PROT_READ;
    while (::mmap(nullptr, kPageBytes, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) access ^= PROT_WRITE;
    // And this is unlike the one that it would come to lie beside.
    const auto mapping = Mapping::reserve(2 * kPageBytes);
    if (mapping) return 2;
    return mapping.error().message.find("vm.max_map_count") != std::string::npos &&
                   mapping.error().message.find("sysctl") != std::string::npos
               ? 0
               : 1;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace anew::os
