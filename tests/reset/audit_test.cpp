// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The audit must see whatever a restore could miss: each test plants one leak behind the ledger's back.
#include "reset/audit.hpp"

#include <gtest/gtest.h>

#include "reset/restore.hpp"
#include "support/linked.hpp"

namespace anew::test {
namespace {

constexpr abi::HostFunction kNoHostFunction = {};

class Audit : public testing::Test {
 protected:
  Fixture fixture{R"((module (memory 2 4) (memory $further 1 4)
    (table $f 3 6 funcref) (table $x 2 6 externref) (elem (table $f) (i32.const 0) func $a $b)
    (global $i (mut i32) (i32.const 1)) (global $f (mut funcref) (ref.func $a))
    (global $v (mut v128) (v128.const i64x2 3 4)) (tag (param i32))
    (data (i32.const 5000) "pristine") (data $passive "p")
    (func $a) (func $b)))"};
  detail::Instance* instance = &fixture.main();
  detail::Instance* reference = &fixture.reference->main();

  [[nodiscard]] std::string audit() const { return fixture.audit(); }
  /// Plants, audits both ways, takes away again. @return what the audit says.
  template <typename T>
  [[nodiscard]] std::string with(T& place, T value) {
    const T before = std::exchange(place, value);
    std::string text = audit();
    EXPECT_NE(fixture.copy.compare(*fixture.store), "") << "the audit says: " << text;
    place = before;
    EXPECT_EQ(audit(), "");
    EXPECT_EQ(fixture.copy.compare(*fixture.store), "");
    return text;
  }
};

TEST_F(Audit, SaysNothingOfAnInstanceAsNew) { EXPECT_EQ(audit(), ""); }

TEST_F(Audit, SeesASingleBitAnywhereInMemory) {
  for (const std::uint64_t address : {0ull, 1ull, 4095ull, 4096ull, 5003ull, 100'000ull, 131'071ull}) {
    auto& byte = reinterpret_cast<std::uint8_t&>(instance->cell[address]);
    EXPECT_NE(with(byte, static_cast<std::uint8_t>(byte ^ 0x10)), "") << address;
  }
  auto& byte = reinterpret_cast<std::uint8_t&>(instance->cell[5002]);
  EXPECT_EQ(with(byte, std::uint8_t{0x21}), "memory 0, address 0x138a: expected 0x69, found 0x21");
}

TEST_F(Audit, SeesTheMemorysSize) {
  EXPECT_EQ(with(instance->header().memory_bytes, std::uint64_t{65536}),
            "size of memory 0: expected 131072, found 65536");
  EXPECT_NE(with(instance->header().memory_reached, std::uint64_t{196608}), "");
  EXPECT_NE(with(instance->header().memory_maximum, std::uint64_t{1}), "");
}

TEST_F(Audit, SeesFurtherMemories) {
  const abi::MemoryReference& memory = instance->memory(1);
  auto& byte = reinterpret_cast<std::uint8_t&>(memory.base[65'535]);
  EXPECT_EQ(with(byte, std::uint8_t{1}), "memory 1, address 0xffff: expected 0x00, found 0x01");
  EXPECT_EQ(with(abi::hot_header(memory.base).memory_bytes, std::uint64_t{0}),
            "size of memory 1: expected 65536, found 0");
  EXPECT_NE(with(abi::hot_header(memory.base).memory_reached, std::uint64_t{131'072}), "");
  EXPECT_NE(with(abi::hot_header(memory.base).memory_maximum, std::uint64_t{1}), "");
  EXPECT_EQ(with(memory.cards[2], std::uint8_t{1}), "card 2 of memory 1, of address 0x400: expected clear, found set");
}

TEST_F(Audit, SeesGlobalsWhetherExportedOrNot) {
  EXPECT_EQ(with(instance->global(0)[0], std::uint64_t{2}), "global 0: expected 0x1, found 0x2");
  EXPECT_EQ(with(instance->global(1)[0], instance->reference_to(1)), "global 1: expected 0x1, found 0x2");
  EXPECT_NE(with(instance->global(1)[0], reference->reference_to(0)), "") << "a reference into another cell";
  EXPECT_EQ(with(instance->global(2)[0], std::uint64_t{5}), "global 2: expected 0x3, found 0x5");
  EXPECT_EQ(with(instance->global(2)[1], std::uint64_t{5}), "global 2: expected 0x4, found 0x5");
}

TEST_F(Audit, SeesDroppedSegments) {
  EXPECT_NE(with(*instance->at<std::uint8_t>(instance->layout().dropped_data(1)), std::uint8_t{1}), "");
  EXPECT_NE(with(*instance->at<std::uint8_t>(instance->layout().dropped_elements(0)), std::uint8_t{0}), "");
}

TEST_F(Audit, SeesTables) {
  EXPECT_EQ(with(instance->table(0)[1], std::uint64_t{0}), "table 0, element 1: expected 2, found 0");
  EXPECT_NE(with(instance->table(0)[0], reference->reference_to(0)), "");
  EXPECT_EQ(with(instance->table(1)[0], std::uint64_t{99}), "table 1, element 0: expected 0, found 99");
  EXPECT_EQ(with(detail::table_header(instance->table(1)).size, std::uint64_t{3}),
            "size of table 1: expected 2, found 3");
  EXPECT_NE(with(detail::table_header(instance->table(0)).written, std::uint64_t{1}), "");
  EXPECT_NE(with(detail::table_header(instance->table(0)).maximum, std::uint64_t{100}), "");
  EXPECT_NE(with(detail::table_header(instance->table(0)).cards[0], std::uint8_t{1}), "");
  EXPECT_EQ(with(instance->table(1)[2], std::uint64_t{1}), "table 1, element 2, past its size: not null");
}

TEST_F(Audit, SeesWhatStillCountsAsGrown) { EXPECT_NE(with(instance->store->grown_bytes, std::uint64_t{8}), ""); }

TEST_F(Audit, SeesExceptionsThatAreStillHeld) {
  EXPECT_EQ(with(instance->header().exception_bytes, std::uint64_t{32}), "bytes of exceptions: expected 0, found 32");
}

TEST_F(Audit, SeesCardsThatAreStillSet) {
  EXPECT_EQ(with(instance->memory(0).cards[3], std::uint8_t{1}),
            "card 3 of memory 0, of address 0x600: expected clear, found set");
  const std::uint64_t last = instance->layout().card_table_bytes() - 1;
  EXPECT_NE(with(instance->memory(0).cards[last], std::uint8_t{1}), "");
}

TEST_F(Audit, SeesWhatNoGuestShouldBeAbleToChange) {
  EXPECT_NE(with(instance->function_references()[1].cell, reference->cell), "");
  EXPECT_NE(with(instance->function_references()[0].type_id, 12345u), "");
  EXPECT_NE(with(*instance->at<std::uint32_t>(instance->layout().type_id(0)), 12345u), "");
  EXPECT_NE(with(instance->header().host_functions, &kNoHostFunction), "");
  EXPECT_NE(with(instance->memory(0).base, reference->cell), "");
  EXPECT_NE(with(instance->memory(1).card_shift, std::uint64_t{12}), "");
  EXPECT_NE(with(*instance->at<const void*>(instance->layout().tag(0)), static_cast<const void*>(this)), "");
}

}  // namespace
}  // namespace anew::test
