// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Several memories, memories and tables with addresses of 64 bits, atomic accesses.
#include <gtest/gtest.h>

#include "feature_module.hpp"

namespace anew::wasm::test {
namespace {

using Lines = std::vector<std::string>;

TEST(Memories, AnAccessMayNameOne) {
  EXPECT_EQ(handed_over({0x41, 0, 0x28, 0x42, 2, 8, 0x1A, 0x42, 0, 0x28, 0x41, 1, 8, 0x1A}),
            (Lines{"i32.const 0", "i32.load memory=2 align=2 offset=8", "drop", "i64.const 0",
                   "i32.load memory=1 align=1 offset=8", "drop", "end_function true"}));
  EXPECT_EQ(handed_over({0x42, 0, 0x42, 1, 0x37, 0x43, 1, 0}),
            (Lines{"i64.const 0", "i64.const 1", "i64.store memory=1 align=3 offset=0", "end_function true"}));
  expect_accepted({0x41, 0, 0x28, 0x42, 0x80, 0x00, 0, 0x1A});  // a padded index
  expect_accepted({0x41, 0, 0x28, 0x40, 0, 0, 0x1A});           // memory 0 in so many words
  expect_invalid_function({0x41, 0, 0x28, 0x42, 3, 0, 0x1A}, "unknown memory 3", 2);
  expect_invalid_function({0x41, 0, 0x28, 0x43, 2, 0, 0x1A}, "alignment must not be larger than natural", 2);
  expect_invalid_function({0x41, 0, 0x28, 0x42, 1, 0, 0x1A}, "type mismatch: i32.load expects i64, found i32", 2);
  expect_invalid_function({0x42, 0, 0x28, 0x42, 2, 0, 0x1A}, "type mismatch: i32.load expects i32, found i64", 2);
  expect_invalid_function({0x41, 0, 0x42, 1, 0x37, 0x43, 1, 0}, "type mismatch: i64.store expects i64, found i32", 4);
  expect_rejected({0x41, 0, 0x28, 0x80, 0x01, 0, 0x1A}, ErrorCode::kMalformed, "malformed memop flags", 2);
}

TEST(Memories, OffsetsOf64BitsAreForAddressesOf64Bits) {
  EXPECT_EQ(handed_over(join({{0x42, 0, 0x2D, 0x40, 1}, leb(UINT64_MAX), {0x1A}}))[1],
            "i32.load8_u memory=1 align=0 offset=18446744073709551615");
  expect_accepted(join({{0x41, 0, 0x2D, 0x40, 2}, leb(UINT32_MAX), {0x1A}}));
  expect_invalid_function(join({{0x41, 0, 0x2D, 0x40, 2}, leb(std::uint64_t{1} << 32), {0x1A}}), "offset out of range",
                          2);
  expect_invalid_function(join({{0x41, 0, 0x2D, 0}, leb(std::uint64_t{1} << 32), {0x1A}}), "offset out of range", 2);
}

TEST(Memories, SizesAreAddresses) {
  EXPECT_EQ(
      handed_over({0x3F, 1, 0x40, 1, 0x1A, 0x3F, 2, 0x40, 2, 0x1A}),
      (Lines{"memory.size 1", "memory.grow 1", "drop", "memory.size 2", "memory.grow 2", "drop", "end_function true"}));
  expect_invalid_function({0x3F, 1, 0x40, 0, 0x1A}, "memory.grow expects i32, found i64", 2);
  expect_invalid_function({0x3F, 0, 0x40, 1, 0x1A}, "memory.grow expects i64, found i32", 2);
  expect_invalid_function({0x3F, 3, 0x1A}, "unknown memory 3", 0);
  expect_invalid_function({0x3F, 1}, "type mismatch: end expects i32, found i64", 2, 1);
}

TEST(Memories, FillTakesTheAddressTypeTwice) {
  EXPECT_EQ(handed_over({0x42, 0, 0x41, 0, 0x42, 0, 0xFC, 11, 1})[3], "memory.fill 1");
  EXPECT_EQ(handed_over({0x41, 0, 0x41, 0, 0x41, 0, 0xFC, 11, 2})[3], "memory.fill 2");
  expect_invalid_function({0x42, 0, 0x41, 0, 0x41, 0, 0xFC, 11, 1}, "memory.fill expects i64, found i32", 6);
  expect_invalid_function({0x42, 0, 0x42, 0, 0x42, 0, 0xFC, 11, 1}, "memory.fill expects i32, found i64", 6);
}

TEST(Memories, CopyTakesEachAddressTypeAndTheSmallerCount) {
  EXPECT_EQ(handed_over({0x42, 0, 0x42, 0, 0x42, 0, 0xFC, 10, 1, 1})[3], "memory.copy 1 1");
  EXPECT_EQ(handed_over({0x42, 0, 0x41, 0, 0x41, 0, 0xFC, 10, 1, 0})[3], "memory.copy 1 0");
  EXPECT_EQ(handed_over({0x41, 0, 0x42, 0, 0x41, 0, 0xFC, 10, 2, 1})[3], "memory.copy 2 1");
  EXPECT_EQ(handed_over({0x41, 0, 0x41, 0, 0x41, 0, 0xFC, 10, 0, 2})[3], "memory.copy 0 2");
  expect_invalid_function({0x42, 0, 0x41, 0, 0x42, 0, 0xFC, 10, 1, 0}, "memory.copy expects i32, found i64", 6);
  expect_invalid_function({0x41, 0, 0x42, 0, 0x41, 0, 0xFC, 10, 1, 0}, "type mismatch", 6);
  expect_invalid_function({0x41, 0, 0x41, 0, 0x41, 0, 0xFC, 10, 0, 3}, "unknown memory 3", 6);
}

TEST(Memories, InitTakesAnAddressAndTwoPositionsOf32Bits) {
  EXPECT_EQ(handed_over({0x42, 0, 0x41, 0, 0x41, 0, 0xFC, 8, 0, 1})[3], "memory.init 0 1");
  expect_invalid_function({0x42, 0, 0x41, 0, 0x42, 0, 0xFC, 8, 0, 1}, "memory.init expects i32, found i64", 6);
  expect_invalid_function({0x41, 0, 0x41, 0, 0x41, 0, 0xFC, 8, 0, 1}, "memory.init expects i64, found i32", 6);
}

TEST(Tables, Of64BitsTakeSuchAddresses) {
  const ByteVector null = {0xD0, kExternRef};
  EXPECT_EQ(handed_over({0x42, 0, 0x25, 1, 0x1A, 0xFC, 16, 1, 0x1A}),
            (Lines{"i64.const 0", "table.get 1", "drop", "table.size 1", "drop", "end_function true"}));
  EXPECT_EQ(handed_over(join({{0x42, 0}, null, {0x26, 1}}))[2], "table.set 1");
  EXPECT_EQ(handed_over(join({null, {0xFC, 16, 1, 0xFC, 15, 1, 0x1A}}))[2], "table.grow 1");
  EXPECT_EQ(handed_over(join({{0x42, 0}, null, {0x42, 0, 0xFC, 17, 1}}))[3], "table.fill 1");
  EXPECT_EQ(handed_over({0x42, 0, 0x41, 0, 0x41, 0, 0xFC, 12, 1, 1})[3], "table.init 1 1");
  EXPECT_EQ(handed_over({0x42, 0, 0x42, 0, 0x42, 0, 0xFC, 14, 3, 3})[3], "table.copy 3 3");
  EXPECT_EQ(handed_over({0x42, 0, 0x41, 0, 0x41, 0, 0xFC, 14, 3, 0})[3], "table.copy 3 0");
  EXPECT_EQ(handed_over({0x41, 0, 0x42, 0, 0x41, 0, 0xFC, 14, 0, 3})[3], "table.copy 0 3");
  EXPECT_EQ(handed_over({0x42, 0, 0x11, 0, 3})[1], "call_indirect 0 3");
  expect_invalid_function({0x41, 0, 0x25, 1, 0x1A}, "table.get expects i64, found i32", 2);
  expect_invalid_function(join({{0x41, 0}, null, {0x26, 1}}), "table.set expects i64, found i32", 4);
  expect_invalid_function(join({null, {0x41, 0, 0xFC, 15, 1, 0x1A}}), "table.grow expects i64, found i32", 4);
  expect_invalid_function(join({{0x42, 0}, null, {0x41, 0, 0xFC, 17, 1}}), "table.fill expects i64, found i32", 6);
  expect_invalid_function({0x42, 0, 0x41, 0, 0x42, 0, 0xFC, 12, 1, 1}, "table.init expects i32, found i64", 6);
  expect_invalid_function({0x42, 0, 0x41, 0, 0x42, 0, 0xFC, 14, 3, 0}, "table.copy expects i32, found i64", 6);
  expect_invalid_function({0x41, 0, 0x11, 0, 3}, "call_indirect expects i64, found i32", 2);
}

TEST(Atomics, AreHandedOver) {
  EXPECT_EQ(handed_over({0x41, 0,    0x41, 1,    0xFE, 0x00, 2,    0,    0x1A,           // notify
                         0x41, 0,    0x42, 1,    0x42, 2,    0xFE, 0x02, 3,    4, 0x1A,  // wait64
                         0x41, 0,    0xFE, 0x11, 3,    0,    0x1A,                       // i64.atomic.load
                         0x41, 0,    0x42, 1,    0xFE, 0x1B, 0,    0,                    // i64.atomic.store8
                         0x41, 0,    0x42, 1,    0x42, 2,    0xFE, 0x4D, 1,    0, 0x1A,  // i64.atomic.rmw16.cmpxchg_u
                         0xFE, 0x03, 0x00}),
            (Lines{"i32.const 0",
                   "i32.const 1",
                   "memory.atomic.notify memory=0 align=2 offset=0",
                   "drop",
                   "i32.const 0",
                   "i64.const 1",
                   "i64.const 2",
                   "memory.atomic.wait64 memory=0 align=3 offset=4",
                   "drop",
                   "i32.const 0",
                   "i64.atomic.load memory=0 align=3 offset=0",
                   "drop",
                   "i32.const 0",
                   "i64.const 1",
                   "i64.atomic.store8 memory=0 align=0 offset=0",
                   "i32.const 0",
                   "i64.const 1",
                   "i64.const 2",
                   "i64.atomic.rmw16.cmpxchg_u memory=0 align=1 offset=0",
                   "drop",
                   "atomic.fence",
                   "end_function true"}));
  // On a memory of 64 bits.
  EXPECT_EQ(handed_over({0x42, 0, 0x41, 1, 0x41, 2, 0xFE, 0x48, 0x42, 1, 0, 0x1A})[3],
            "i32.atomic.rmw.cmpxchg memory=1 align=2 offset=0");
}

TEST(Atomics, HaveOperandsLikeAllOthers) {
  expect_invalid_function({0x41, 0, 0x42, 1, 0x41, 2, 0xFE, 0x49, 3, 0, 0x1A}, "expects i64, found i32", 6);
  expect_invalid_function({0x41, 0, 0x41, 1, 0x42, 2, 0xFE, 0x49, 3, 0, 0x1A}, "expects i64, found i32", 6);
  expect_invalid_function({0x42, 0, 0x42, 1, 0x42, 2, 0xFE, 0x49, 3, 0, 0x1A}, "expects i32, found i64", 6);
  expect_invalid_function({0x42, 1, 0x42, 2, 0xFE, 0x49, 3, 0, 0x1A}, "found nothing on the stack", 4);
  expect_invalid_function({0x41, 0, 0x41, 1, 0x41, 2, 0xFE, 0x48, 0x42, 1, 0, 0x1A}, "expects i64, found i32", 6);
  expect_accepted({0x00, 0xFE, 0x49, 3, 0, 0x1A});
}

TEST(Atomics, AreAlignedExactly) {
  expect_invalid_function({0x41, 0, 0xFE, 0x10, 1, 0, 0x1A}, "atomic alignment must be natural", 2);
  expect_invalid_function({0x41, 0, 0xFE, 0x10, 3, 0, 0x1A}, "alignment must not be larger than natural", 2);
  expect_invalid_function({0x42, 0, 0xFE, 0x10, 0x41, 1, 0, 0x1A}, "atomic alignment must be natural", 2);
}

TEST(Atomics, TheFenceHasAByteOfZero) {
  expect_rejected({0xFE, 0x03, 0x01}, ErrorCode::kMalformed, "zero byte expected", 2);
  expect_rejected({0xFE, 0x03, 0x80, 0x00}, ErrorCode::kMalformed, "zero byte expected", 2);
}

}  // namespace
}  // namespace anew::wasm::test
