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
  std::shared_ptr<const detail::LinkedModule> linked = link(R"((module (memory 2 4)
    (table $f 3 6 funcref) (table $x 2 6 externref) (elem (table $f) (i32.const 0) func $a $b)
    (global $i (mut i32) (i32.const 1)) (global $f (mut funcref) (ref.func $a))
    (data (i32.const 5000) "pristine") (data $passive "p")
    (func $a) (func $b)))");
  reset::Snapshot snapshot = take_snapshot(linked);
  std::unique_ptr<detail::Instance> instance = std::move(*reset::make_instance(snapshot));
  std::unique_ptr<detail::Instance> reference = std::move(*reset::instantiate(linked, true));

  [[nodiscard]] std::string audit() const { return reset::audit(*instance, *reference); }
  /// Plants, audits, takes away again.
  template <typename T>
  [[nodiscard]] std::string with(T& place, T value) {
    const T before = std::exchange(place, value);
    std::string text = audit();
    place = before;
    EXPECT_EQ(audit(), "");
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

TEST_F(Audit, SeesGlobalsWhetherExportedOrNot) {
  EXPECT_EQ(with(instance->global(0), std::uint64_t{2}), "global 0: expected 0x1, found 0x2");
  EXPECT_EQ(with(instance->global(1), instance->reference_to(1)), "global 1: expected 0x1, found 0x2");
  EXPECT_NE(with(instance->global(1), reference->reference_to(0)), "") << "a reference into another cell";
}

TEST_F(Audit, SeesDroppedSegments) {
  EXPECT_NE(with(*instance->at<std::uint8_t>(instance->layout().dropped_data(1)), std::uint8_t{1}), "");
  EXPECT_NE(with(*instance->at<std::uint8_t>(instance->layout().dropped_elements(0)), std::uint8_t{0}), "");
}

TEST_F(Audit, SeesTables) {
  EXPECT_EQ(with(instance->table(0)[1], std::uint64_t{0}), "table 0, element 1: expected 2, found 0");
  EXPECT_NE(with(instance->table(0)[0], reference->reference_to(0)), "");
  EXPECT_EQ(with(instance->table(1)[0], std::uint64_t{99}), "table 1, element 0: expected 0, found 99");
  EXPECT_EQ(with(instance->table_size(1), std::uint64_t{3}), "size of table 1: expected 2, found 3");
  EXPECT_NE(with(instance->header().tables_written, std::uint64_t{1}), "");
}

TEST_F(Audit, SeesCardsThatAreStillSet) {
  EXPECT_EQ(with(instance->cards()[3], std::uint8_t{1}), "card 3, of address 0x600: expected clear, found set");
  const std::uint64_t last = instance->layout().card_table_bytes() - 1;
  EXPECT_NE(with(instance->cards()[last], std::uint8_t{1}), "");
}

TEST_F(Audit, SeesWhatNoGuestShouldBeAbleToChange) {
  EXPECT_NE(with(instance->function_references()[1].cell, reference->cell), "");
  EXPECT_NE(with(instance->function_references()[0].type_id, 12345u), "");
  EXPECT_NE(with(*instance->at<std::uint32_t>(instance->layout().type_id(0)), 12345u), "");
  EXPECT_NE(with(instance->header().host_functions, &kNoHostFunction), "");
}

}  // namespace
}  // namespace anew::test
