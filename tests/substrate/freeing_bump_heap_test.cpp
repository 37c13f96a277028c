// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/freeing_bump_heap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace anew::substrate {
namespace {

constexpr std::uint64_t kPage = FreeingBumpHeap::kPageBytes;
constexpr std::uint64_t kOccupied = 1ull << 32;

struct Buffer {
  std::vector<std::byte> bytes;
  std::uint64_t maximum_pages;
};

/// A guest memory of which only what it holds is known.
class BufferMemory {
 public:
  explicit BufferMemory(Buffer& buffer) : buffer_(&buffer) {}
  [[nodiscard]] std::uint64_t size() const { return buffer_->bytes.size(); }
  [[nodiscard]] std::uint64_t maximum_pages() const { return buffer_->maximum_pages; }
  [[nodiscard]] bool grow(std::uint64_t pages) {
    if (size() / kPage + pages > buffer_->maximum_pages) return false;
    buffer_->bytes.resize(buffer_->bytes.size() + pages * kPage);
    return true;
  }
  [[nodiscard]] std::optional<std::uint64_t> load_u64(std::uint64_t address) const {
    if (address > size() || size() - address < 8) return std::nullopt;
    std::uint64_t value = 0;
    std::memcpy(&value, buffer_->bytes.data() + address, sizeof(value));
    return value;
  }
  [[nodiscard]] bool store_u64(std::uint64_t address, std::uint64_t value) {
    if (address > size() || size() - address < 8) return false;
    std::memcpy(buffer_->bytes.data() + address, &value, sizeof(value));
    return true;
  }

 private:
  Buffer* buffer_;
};
static_assert(HeapMemory<BufferMemory>);

class HeapTest : public testing::Test {
 protected:
  explicit HeapTest(std::uint64_t pages = 1, std::uint64_t maximum_pages = 1)
      : buffer{std::vector<std::byte>(pages * kPage), maximum_pages} {}

  std::uint32_t allocate(std::uint32_t size) {
    const auto address = heap.allocate(memory, size);
    EXPECT_TRUE(address) << address.error().message;
    return address.value_or(0);
  }
  void deallocate(std::uint32_t address) {
    const auto freed = heap.deallocate(memory, address);
    EXPECT_TRUE(freed) << freed.error().message;
  }
  /// Every later call of a heap that failed fails too.
  void expect_poisoned() {
    for (const Error& error : {heap.allocate(memory, 1).error(), heap.deallocate(memory, 8).error()})
      EXPECT_NE(error.message.find("poisoned"), std::string::npos) << error.message;
  }
  void expect_allocation_fails(std::uint32_t size, const char* reason) {
    const auto address = heap.allocate(memory, size);
    ASSERT_FALSE(address) << "at " << *address;
    EXPECT_EQ(address.error().code, ErrorCode::kHost);
    EXPECT_NE(address.error().message.find(reason), std::string::npos) << address.error().message;
    expect_poisoned();
  }
  void expect_deallocation_fails(std::uint32_t address, const char* reason) {
    const auto freed = heap.deallocate(memory, address);
    ASSERT_FALSE(freed);
    EXPECT_EQ(freed.error().code, ErrorCode::kHost);
    EXPECT_NE(freed.error().message.find(reason), std::string::npos) << freed.error().message;
    expect_poisoned();
  }

  Buffer buffer;
  BufferMemory memory{buffer};
  FreeingBumpHeap heap{0};
};

class LargeHeapTest : public HeapTest {
 protected:
  LargeHeapTest() : HeapTest(2048, 2048) {}
};

class GrowingHeapTest : public HeapTest {
 protected:
  GrowingHeapTest() : HeapTest(2, 1024) {}
};

// The numbers of the next tests are those of the tests of Substrate's allocator.

TEST_F(HeapTest, AnAddressLiesBehindAHeader) { EXPECT_EQ(allocate(1), 8u); }

TEST_F(HeapTest, TheHeapBaseIsAlignedUp) {
  heap = FreeingBumpHeap(13);
  EXPECT_EQ(allocate(1), 24u);
}

TEST_F(HeapTest, SizesAreRoundedUpToPowersOfTwo) {
  EXPECT_EQ(allocate(1), 8u);
  EXPECT_EQ(allocate(9), 24u);
  EXPECT_EQ(allocate(1), 48u);
  EXPECT_EQ(allocate(0), 64u) << "an empty block takes as much as the smallest";
  EXPECT_EQ(heap.bumper(), 72u);
}

TEST_F(HeapTest, AFreedBlockServesTheNextRequestOfItsOrder) {
  heap = FreeingBumpHeap(13);
  EXPECT_EQ(allocate(1), 24u);
  EXPECT_EQ(allocate(9), 40u);
  deallocate(40);
  EXPECT_EQ(allocate(17), 64u) << "another order";
  EXPECT_EQ(allocate(16), 40u);
}

TEST_F(HeapTest, TheBlockFreedLastIsUsedFirst) {
  const std::array blocks = {allocate(8), allocate(8), allocate(8)};
  for (const std::uint32_t block : blocks) deallocate(block);
  EXPECT_EQ(allocate(8), blocks[2]);
  EXPECT_EQ(allocate(8), blocks[1]);
  EXPECT_EQ(allocate(8), blocks[0]);
  EXPECT_EQ(allocate(8), blocks[2] + 16);
}

TEST_F(HeapTest, HeadersAreSubstrates) {
  const std::uint32_t a = allocate(100);
  const std::uint32_t b = allocate(128);
  EXPECT_EQ(memory.load_u64(a - 8), kOccupied | 4);
  deallocate(a);
  EXPECT_EQ(memory.load_u64(a - 8), 0xFFFF'FFFFu) << "the last of its list";
  deallocate(b);
  EXPECT_EQ(memory.load_u64(b - 8), a - 8) << "leads to the block freed before";
}

TEST_F(HeapTest, TheHeapCanBeFilledToTheLastByte) {
  std::vector<std::uint32_t> blocks;
  for (std::uint64_t i = 0; i < kPage / 40; ++i) blocks.push_back(allocate(32));
  EXPECT_EQ(heap.allocated_bytes(), kPage - 16);
  for (const std::uint32_t block : blocks) deallocate(block);
  EXPECT_EQ(heap.allocated_bytes(), 0u);
  EXPECT_EQ(heap.bumper(), kPage - 16) << "the bumper never goes back";
  EXPECT_EQ(allocate(8), kPage - 8);
  expect_allocation_fails(8, "out of space for 8 bytes");
}

TEST_F(HeapTest, ARequestThatDoesNotFitFails) {
  heap = FreeingBumpHeap(13);
  expect_allocation_fails(kPage - 13, "out of space");
}

TEST_F(HeapTest, ResetMakesItAsNew) {
  const std::uint32_t first = allocate(8);
  deallocate(first);
  EXPECT_EQ(heap.deallocate(memory, first).has_value(), false);
  heap.reset();
  EXPECT_EQ(heap.allocated_bytes(), 0u);
  EXPECT_EQ(allocate(8), first);
  EXPECT_EQ(allocate(8), first + 16) << "the free list is empty, too";
}

TEST_F(HeapTest, ResetKeepsTheAlignedBase) {
  heap = FreeingBumpHeap(13);
  heap.reset();
  EXPECT_EQ(allocate(1), 24u);
}

TEST_F(HeapTest, AHeapBasePastTheMemoryFails) {
  heap = FreeingBumpHeap(0xFFFF'FFFF);
  expect_allocation_fails(8, "out of space");
}

TEST_F(HeapTest, FreeingTwiceFails) {
  const std::uint32_t block = allocate(8);
  deallocate(block);
  expect_deallocation_fails(block, "no occupied block");
}

TEST_F(HeapTest, FreeingBeforeTheFirstHeaderFails) { expect_deallocation_fails(7, "before the first header"); }

TEST_F(HeapTest, FreeingPastTheMemoryFails) {
  expect_deallocation_fails(static_cast<std::uint32_t>(kPage) + 8, "past the end");
}

TEST_F(HeapTest, FreeingWhatWasNeverAllocatedFails) { expect_deallocation_fails(4096, "no occupied block"); }

TEST_F(HeapTest, AHeaderWithAnUnknownOrderFails) {
  const std::uint32_t block = allocate(8);
  ASSERT_TRUE(memory.store_u64(block - 8, kOccupied | FreeingBumpHeap::kOrders));
  expect_deallocation_fails(block, "invalid header");
}

TEST_F(HeapTest, OtherHighBitsOfAHeaderAreIgnoredAsInSubstrate) {
  const std::uint32_t block = allocate(8);
  ASSERT_TRUE(memory.store_u64(block - 8, 0xFFFF'FFFF'0000'0000));
  deallocate(block);
  EXPECT_EQ(allocate(8), block);
}

TEST_F(HeapTest, FreeingMoreThanWasAllocatedFails) {
  const std::uint32_t block = allocate(8);
  ASSERT_TRUE(memory.store_u64(block - 8, kOccupied | 1)) << "forged: twice as large";
  expect_deallocation_fails(block, "more is freed");
}

TEST_F(HeapTest, AFreeListThatLeadsPastTheMemoryFails) {
  const std::uint32_t block = allocate(8);
  deallocate(block);
  ASSERT_TRUE(memory.store_u64(block - 8, kPage - 8)) << "forged: a link to where a header fits, but no payload";
  EXPECT_EQ(allocate(8), block);
  expect_allocation_fails(8, "past the end");
}

TEST_F(HeapTest, AFreeListThatLeadsToAnOccupiedBlockFails) {
  const std::uint32_t occupied = allocate(8);
  const std::uint32_t block = allocate(8);
  deallocate(block);
  ASSERT_TRUE(memory.store_u64(block - 8, occupied - 8));
  EXPECT_EQ(allocate(8), block);
  expect_allocation_fails(8, "occupied block");
}

TEST_F(HeapTest, AMemoryThatShrankFails) {
  buffer.bytes.resize(2 * kPage);
  (void)allocate(8);
  buffer.bytes.resize(kPage);
  expect_allocation_fails(8, "shrank");
}

TEST_F(LargeHeapTest, TheLargestBlockIs32MiB) {
  EXPECT_EQ(allocate(FreeingBumpHeap::kMaximumPayload), 8u);
  EXPECT_EQ(memory.load_u64(0), kOccupied | 22);
  expect_allocation_fails(FreeingBumpHeap::kMaximumPayload + 1, "the most is 33554432");
}

TEST_F(LargeHeapTest, TheLargestRequestOfAllFails) { expect_allocation_fails(0xFFFF'FFFF, "the most is"); }

TEST_F(GrowingHeapTest, AFullHeapDoublesTheMemory) {
  (void)allocate(65'536);
  EXPECT_EQ(memory.size(), 2 * kPage);
  (void)allocate(65'536);
  EXPECT_EQ(memory.size(), 4 * kPage);
}

TEST_F(GrowingHeapTest, ALargeRequestGrowsTheMemoryToWhatIsNeeded) {
  (void)allocate(1u << 20);
  EXPECT_EQ(memory.size(), 17 * kPage) << "16 pages and a header";
}

TEST_F(GrowingHeapTest, DoublingStopsAtTheMaximum) {
  buffer.maximum_pages = 3;
  (void)allocate(65'536);
  (void)allocate(65'536);
  EXPECT_EQ(memory.size(), 3 * kPage);
  expect_allocation_fails(65'536, "out of space");
}

TEST_F(GrowingHeapTest, WhatNeedsMoreThanTheMaximumFailsAndGrowsNothing) {
  buffer.maximum_pages = 16;
  expect_allocation_fails(1u << 20, "out of space");
  EXPECT_EQ(memory.size(), 2 * kPage);
}

/// What the allocator should do, told without headers in memory.
class Model {
 public:
  explicit Model(std::uint32_t base) : bumper_(base) {}
  std::uint32_t allocate(std::uint32_t size) {
    std::uint32_t payload = 8;
    while (payload < size) payload *= 2;
    std::vector<std::uint32_t>& free = free_[payload];
    std::uint32_t address = bumper_ + 8;
    if (free.empty()) {
      bumper_ += payload + 8;
    } else {
      address = free.back();
      free.pop_back();
    }
    live_[address] = payload;
    return address;
  }
  void deallocate(std::uint32_t address) {
    free_[live_.at(address)].push_back(address);
    live_.erase(address);
  }
  [[nodiscard]] const std::map<std::uint32_t, std::uint32_t>& live() const { return live_; }

 private:
  std::uint32_t bumper_;
  std::map<std::uint32_t, std::vector<std::uint32_t>> free_;
  std::map<std::uint32_t, std::uint32_t> live_;  // address, payload
};

TEST(HeapProperty, AllocatesWhereTheModelDoesAndBlocksKeepTheirContent) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 engine(seed);
    const auto below = [&](std::uint32_t bound) { return static_cast<std::uint32_t>(engine() % bound); };
    Buffer buffer{std::vector<std::byte>(kPage), 1u << 16};
    BufferMemory memory(buffer);
    const std::uint32_t base = 8 * (1 + below(1000));
    FreeingBumpHeap heap(base - below(8));
    Model model(base);
    for (int step = 0; step < 4000; ++step) {
      if (model.live().empty() || below(5) < 3) {
        const std::uint32_t size = below(1u << below(14));
        const std::uint32_t expected = model.allocate(size);
        const auto address = heap.allocate(memory, size);
        ASSERT_TRUE(address) << address.error().message;
        ASSERT_EQ(*address, expected) << "step " << step << ", size " << size;
        const std::uint32_t payload = model.live().at(expected);
        ASSERT_LE(expected + payload, buffer.bytes.size());
        // Filled to its end with what only this block holds: an overlap would show when it is freed.
        std::fill_n(buffer.bytes.begin() + expected, payload, static_cast<std::byte>(expected >> 3));
      } else {
        const auto [address, payload] =
            *std::next(model.live().begin(), below(static_cast<std::uint32_t>(model.live().size())));
        ASSERT_TRUE(std::all_of(buffer.bytes.begin() + address, buffer.bytes.begin() + address + payload,
                                [&](std::byte b) { return b == static_cast<std::byte>(address >> 3); }))
            << "step " << step << ": the block at " << address << " was overwritten";
        model.deallocate(address);
        const auto freed = heap.deallocate(memory, address);
        ASSERT_TRUE(freed) << freed.error().message;
      }
    }
    std::uint64_t allocated = 0;
    for (const auto& [address, payload] : model.live()) allocated += payload + 8;
    EXPECT_EQ(heap.allocated_bytes(), allocated);
  }
}

}  // namespace
}  // namespace anew::substrate
