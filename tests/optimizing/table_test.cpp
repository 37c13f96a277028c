// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Globals, tables, references and the library's operators in the optimizing tier: where they lie, what is marked, and
// what the library is given.
#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "abi/library.hpp"
#include "probe.hpp"

namespace anew::codegen::optimizing::test {
namespace {

constexpr std::uint32_t kOwnTable = 1;  // behind an imported one
constexpr std::uint32_t kSize = 300;    // elements, now
constexpr std::uint64_t kLarge = 0x1'0000'0007;

/// What the library's functions were called with, but for the cell; and what they return.
std::vector<std::uint64_t> passed;
std::uint64_t returned = 0;

template <typename Result, typename... Arguments>
Result record(std::byte* /*cell*/, Arguments... arguments) {
  passed = {arguments...};
  return static_cast<Result>(returned);  // the test's number
}

/// A cell, and a table and a global of some other instance.
class Cell : public testing::Test {
 protected:
  explicit Cell(bool is_64 = false)
      : unit_(module(is_64)), bytes_(unit_.layout().header_bytes() + abi::kWasmPageBytes) {
    abi::HotHeader& header = abi::hot_header(cell());
    header.memory_bytes = 5 * abi::kWasmPageBytes;
    header.library = &library_;
    library_.memory_grow = &record;
    library_.memory_fill = &record;
    library_.memory_copy = &record;
    library_.memory_init = &record;
    library_.table_grow = &record;
    library_.table_fill = &record;
    library_.table_copy = &record;
    library_.table_init = &record;
    library_.is_reference_of = &record;
    put(unit_.layout().table_link(0), other_elements());
    put(unit_.layout().global(0), &other_global_);
    for (std::byte* const elements : {other_elements(), own_elements()}) {
      const abi::TableHeader header_of_table = {other_cards_.data(), kSize, 0, kSize};
      std::memcpy(elements - sizeof header_of_table, &header_of_table, sizeof header_of_table);
      for (std::uint64_t i = 0; i < kSize; ++i) std::memcpy(elements + 8 * i, &i, 8);
    }
  }

  static ModuleBuilder module(bool is_64) {
    ModuleBuilder builder;
    const TableType table = {.element = ValueType::kFuncRef, .limits = {kSize, std::nullopt}, .is_64 = is_64};
    builder.import_table("other", "table", table);
    builder.import_global("other", "global", {.type = kI64, .is_mutable = true});
    builder.table(table);
    builder.memory({.limits = {1, std::nullopt}, .is_64 = is_64});
    builder.memory({.limits = {1, std::nullopt}, .is_64 = is_64});
    for (const ValueType type : {kI32, kI64, kF32, kF64}) builder.global(type, 0);
    builder.function({}, {}, {});
    builder.element_segment(Code().byte(1).byte(0).unsigned_leb(1).unsigned_leb(0));
    builder.data({});
    return builder;
  }

  [[nodiscard]] std::byte* cell() { return bytes_.data() + unit_.layout().header_bytes(); }
  [[nodiscard]] std::byte* own_elements() { return cell() + unit_.layout().table_elements(kOwnTable); }
  [[nodiscard]] std::byte* other_elements() { return other_table_.data() + sizeof(abi::TableHeader); }
  template <typename T>
  void put(std::int32_t displacement, T value) {
    std::memcpy(cell() + displacement, &value, sizeof value);
  }
  [[nodiscard]] static std::uint64_t get(const std::byte* from, std::size_t bytes = 8) {
    std::uint64_t value = 0;
    std::memcpy(&value, from, bytes);
    return value;
  }

  Probe& begin() {
    unit_.probe().begin("f");
    return unit_.probe();
  }
  /// Ends the function, makes code of it and calls it.
  TrapKind run(std::array<std::uint64_t, 4> in) {
    unit_.probe().end();
    unit_.optimize();
    unit_.make_code();
    return run_again(in);
  }
  TrapKind run_again(std::array<std::uint64_t, 4> in) {
    return Unit::run(unit_.function("f"), out_.data(), in.data(), cell());
  }

  Unit unit_;
  abi::Library library_{};
  std::vector<std::byte> bytes_;
  std::vector<std::byte> other_table_ = std::vector<std::byte>(sizeof(abi::TableHeader) + 8 * kSize);
  std::array<std::uint8_t, 3> other_cards_{};
  std::uint64_t other_global_ = 17;
  std::array<std::uint64_t, 4> out_{};
};

class OptimizedTables : public Cell {};
class OptimizedTables64 : public Cell {
 protected:
  OptimizedTables64() : Cell(true) {}
};
class OptimizedLibrary : public Cell {};
class OptimizedLibrary64 : public Cell {
 protected:
  OptimizedLibrary64() : Cell(true) {}
};

// --- Globals ---

TEST_F(OptimizedTables, GlobalsKeepWhatIsStored) {
  const std::array<ValueType, 4> types = {kI32, kI64, kF32, kF64};
  Probe& probe = begin();
  for (std::uint32_t i = 0; i < types.size(); ++i) {
    probe.parameter(types[i], i);
    probe.global_set(1 + i);
    probe.global_get(1 + i);
    probe.result(i);
  }
  ASSERT_EQ(run({1, kLarge, 3, ~kLarge}), TrapKind::kNone);
  EXPECT_EQ(out_, (std::array<std::uint64_t, 4>{1, kLarge, 3, ~kLarge}));
  for (std::uint32_t i = 0; i < types.size(); ++i) EXPECT_EQ(get(cell() + unit_.layout().global(1 + i)), out_[i]);
}

TEST_F(OptimizedTables, GlobalsOfOtherInstancesAreReachedThroughTheLink) {
  Probe& probe = begin();
  probe.global_get(0);
  probe.result(0);
  probe.parameter(kI64, 0);
  probe.global_set(0);
  ASSERT_EQ(run({kLarge}), TrapKind::kNone);
  EXPECT_EQ(out_[0], 17);
  EXPECT_EQ(other_global_, kLarge);
}

// --- Tables ---

TEST_F(OptimizedTables, ElementsAreReadAsFarAsTheTableGoes) {
  Probe& probe = begin();
  for (const std::uint32_t table : {0u, kOwnTable}) {
    probe.parameter(kI32, table);
    probe.table_get(table);
    probe.result(table);
    probe.table_size(table);
    probe.result(2 + table);
  }
  ASSERT_EQ(run({kSize - 1, 7}), TrapKind::kNone);
  EXPECT_EQ(out_, (std::array<std::uint64_t, 4>{kSize - 1, 7, kSize, kSize}));
  EXPECT_EQ(run_again({kSize, 0}), TrapKind::kTableOutOfBounds);
  EXPECT_EQ(run_again({0, 0xFFFF'FFFF}), TrapKind::kTableOutOfBounds);
}

TEST_F(OptimizedTables, ElementsAreMarkedAndWritten) {
  Probe& probe = begin();
  for (const std::uint32_t table : {0u, kOwnTable}) {
    probe.parameter(kI32, 0);
    probe.parameter(kI64, 1);
    probe.table_set(table);
  }
  ASSERT_EQ(run({2 * abi::kTableCardElements + 3, kLarge}), TrapKind::kNone);
  for (std::byte* const elements : {own_elements(), other_elements()}) {
    EXPECT_EQ(get(elements + 8 * (2 * abi::kTableCardElements + 3)), kLarge);
    EXPECT_EQ(get(elements + abi::kTableWritten), 1);
  }
  EXPECT_EQ(other_cards_, (std::array<std::uint8_t, 3>{0, 0, 1}));
  other_cards_ = {};
  EXPECT_EQ(run_again({kSize, 1}), TrapKind::kTableOutOfBounds);
  EXPECT_EQ(other_cards_, (std::array<std::uint8_t, 3>{}));
}

TEST_F(OptimizedTables64, HaveIndicesOf64Bits) {
  Probe& probe = begin();
  probe.parameter(kI64, 0);
  probe.table_get(kOwnTable);
  probe.result(0);
  ASSERT_EQ(run({kSize - 2}), TrapKind::kNone);
  EXPECT_EQ(out_[0], kSize - 2);
  EXPECT_EQ(run_again({0x1'0000'0000}), TrapKind::kTableOutOfBounds);
}

// --- References ---

TEST_F(OptimizedTables, ReferencesAreAddressesAndNullIsZero) {
  Probe& probe = begin();
  probe.ref_func(0);
  probe.result(0);
  probe.ref_null(ValueType::kFuncRef);
  probe.ref_is_null();
  probe.result(1);
  probe.parameter(kI64, 0);
  probe.ref_is_null();
  probe.result(2);
  probe.parameter(kI64, 0);
  probe.ref_as_non_null();
  probe.result(3);
  ASSERT_EQ(run({kLarge}), TrapKind::kNone);
  EXPECT_EQ(out_[0], reinterpret_cast<std::uintptr_t>(cell() + unit_.layout().function_reference(0)));
  EXPECT_EQ(out_[1], 1);
  EXPECT_EQ(out_[2], 0);
  EXPECT_EQ(out_[3], kLarge);
  EXPECT_EQ(run_again({0}), TrapKind::kNullReference);
}

TEST_F(OptimizedLibrary, IsAskedAboutTheTypeOfReferences) {
  Probe& probe = begin();
  probe.parameter(kI64, 0);
  probe.ref_test(ValueType::kFuncRef);
  probe.result(0);
  probe.parameter(kI64, 0);
  probe.ref_cast(ValueType::kFuncRef);
  probe.result(1);
  returned = 1;
  ASSERT_EQ(run({kLarge}), TrapKind::kNone);
  EXPECT_EQ(passed, (std::vector<std::uint64_t>{kLarge, 0x70}));
  EXPECT_EQ(out_[0], 1);
  EXPECT_EQ(out_[1], kLarge);
  returned = 0;
  EXPECT_EQ(run_again({kLarge}), TrapKind::kCastFailure);
  EXPECT_EQ(out_[0], 0);
}

// --- What the library does ---

/// Operands, the operator, and the operands as the library got them.
using Operator = void (*)(Probe&);
struct Bulk {
  Operator operation;
  std::vector<ValueType> operands;
  std::vector<std::uint64_t> passed;
  std::vector<std::uint64_t> passed_64;  ///< the same of 64-bit memories and tables
};
constexpr ValueType kAddress = ValueType::kV128;  // here: an i32 or i64

const std::vector<Bulk>& bulk_operators() {
  constexpr std::uint64_t kHigh = 0x9'0000'0000;
  constexpr std::uint64_t a = 0xFFFF'FFF1, b = 0xFFFF'FFF2, c = 0xFFFF'FFF3;  // as the first three parameters say
  static const std::vector<Bulk> all = {
      {[](Probe& probe) { probe.memory_fill(1); },
       {kAddress, kI32, kAddress},
       {a, b, c, 1},
       {kHigh + a, b, kHigh + c, 1}},
      {[](Probe& probe) { probe.memory_copy(1, 0); },
       {kAddress, kAddress, kAddress},
       {a, b, c, 1, 0},
       {kHigh + a, kHigh + b, kHigh + c, 1, 0}},
      {[](Probe& probe) { probe.memory_init(0, 1); }, {kAddress, kI32, kI32}, {a, b, c, 0, 1}, {kHigh + a, b, c, 0, 1}},
      {[](Probe& probe) { probe.table_fill(1); },
       {kAddress, kI64, kAddress},
       {a, kHigh + b, c, 1},
       {kHigh + a, kHigh + b, kHigh + c, 1}},
      {[](Probe& probe) { probe.table_copy(1, 0); },
       {kAddress, kAddress, kAddress},
       {a, b, c, 1, 0},
       {kHigh + a, kHigh + b, kHigh + c, 1, 0}},
      {[](Probe& probe) { probe.table_init(0, 1); }, {kAddress, kI32, kI32}, {a, b, c, 1, 0}, {kHigh + a, b, c, 1, 0}},
  };
  return all;
}

class OptimizedBulk : public Cell, public testing::WithParamInterface<std::tuple<bool, std::size_t>> {
 protected:
  OptimizedBulk() : Cell(std::get<0>(GetParam())) {}
};

TEST_P(OptimizedBulk, IsTheLibrarysAndMayTrap) {
  const auto [is_64, index] = GetParam();
  const Bulk& bulk = bulk_operators()[index];
  Probe& probe = begin();
  for (std::uint32_t i = 0; i < bulk.operands.size(); ++i) {
    const ValueType address = is_64 ? kI64 : kI32;
    probe.parameter(bulk.operands[i] == kAddress ? address : bulk.operands[i], i);
  }
  bulk.operation(probe);
  returned = 0;
  ASSERT_EQ(run({0x9'FFFF'FFF1, 0x9'FFFF'FFF2, 0x9'FFFF'FFF3}), TrapKind::kNone);
  EXPECT_EQ(passed, is_64 ? bulk.passed_64 : bulk.passed);
  returned = static_cast<std::uint64_t>(TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(run_again({}), TrapKind::kMemoryOutOfBounds);
}

INSTANTIATE_TEST_SUITE_P(Operators, OptimizedBulk,
                         testing::Combine(testing::Bool(), testing::Range(std::size_t{0}, bulk_operators().size())),
                         [](const auto& each) {
                           return (std::get<0>(each.param) ? "of_64_bits_number_" : "of_32_bits_number_") +
                                  std::to_string(std::get<1>(each.param));
                         });

void grow(Probe& probe, ValueType address) {
  probe.parameter(address, 0);
  probe.memory_grow(1);
  probe.result(0);
  probe.parameter(kI64, 1);
  probe.parameter(address, 0);
  probe.table_grow(1);
  probe.result(1);
  probe.memory_size(0);
  probe.result(2);
}

TEST_F(OptimizedLibrary, GrowsAndRefusesAsA32BitNumber) {
  grow(begin(), kI32);
  returned = 70'000;
  ASSERT_EQ(run({0x9'0000'0003, kLarge}), TrapKind::kNone);
  EXPECT_EQ(passed, (std::vector<std::uint64_t>{kLarge, 3, 1}));
  EXPECT_EQ(out_, (std::array<std::uint64_t, 4>{70'000, 70'000, 5, 0}));
  returned = ~std::uint64_t{0};
  ASSERT_EQ(run_again({1, 0}), TrapKind::kNone);
  EXPECT_EQ(out_, (std::array<std::uint64_t, 4>{0xFFFF'FFFF, 0xFFFF'FFFF, 5, 0}));
}

TEST_F(OptimizedLibrary64, GrowsAndRefusesAsA64BitNumber) {
  grow(begin(), kI64);
  returned = ~std::uint64_t{0};
  ASSERT_EQ(run({0x9'0000'0003, kLarge}), TrapKind::kNone);
  EXPECT_EQ(passed, (std::vector<std::uint64_t>{kLarge, 0x9'0000'0003, 1}));
  EXPECT_EQ(out_, (std::array<std::uint64_t, 4>{~std::uint64_t{0}, ~std::uint64_t{0}, 5, 0}));
}

TEST_F(OptimizedLibrary, SegmentsAreDroppedByAByte) {
  Probe& probe = begin();
  probe.data_drop(0);
  probe.elem_drop(0);
  ASSERT_EQ(run({}), TrapKind::kNone);
  EXPECT_EQ(get(cell() + unit_.layout().dropped_data(0), 1), 1);
  EXPECT_EQ(get(cell() + unit_.layout().dropped_elements(0), 1), 1);
}

}  // namespace
}  // namespace anew::codegen::optimizing::test
