// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads and stores of vectors and of their lanes: what they load and store, to the last byte of the memory and not past
// it; and the marks that they leave.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <cstring>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "abi/cell.hpp"
#include "run.hpp"
#include "support/module_builder.hpp"
#include "support/print.hpp"
#include "support/vector_reference.hpp"
#include "support/wat.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

constexpr ValueType kV128 = ValueType::kV128;
constexpr std::uint32_t kMemoryBytes = 65'536;
constexpr std::uint32_t kGuard = abi::kGuardBytes;

// Small, at both sides of what the guard covers, at both sides of a displacement's limit.
constexpr std::uint32_t kOffsets[] = {0,           255,         kMemoryBytes - 16, kGuard - 17,
                                      kGuard - 16, 0x7FFF'FFFF, 0x8000'0000,       0xFFFF'FFFF};
constexpr Vector kValue = {0x8182'8384'8586'8788, 0x898A'8B8C'8D8E'8F90};

template <typename From, typename To>
Vector widened(const std::byte* from) {
  std::array<To, 16 / sizeof(To)> lanes;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    From lane;
    std::memcpy(&lane, from + i * sizeof(From), sizeof(From));
    lanes[i] = static_cast<To>(lane);  // keeps the value; a signed one's sign
  }
  return std::bit_cast<Vector>(lanes);
}
Vector repeated(const std::byte* from, std::size_t bytes) {
  std::array<std::byte, 16> result;
  for (std::size_t i = 0; i < 16; ++i) result[i] = from[i % bytes];
  return std::bit_cast<Vector>(result);
}
/// @param lane  of `into` that the bytes go to.
Vector with_lane(Vector into, const std::byte* from, std::size_t bytes, std::uint32_t lane) {
  auto result = std::bit_cast<std::array<std::byte, 16>>(into);
  std::memcpy(&result[lane * bytes], from, bytes);
  return std::bit_cast<Vector>(result);
}

Vector loaded(Op op, const std::byte* from, std::uint32_t lane) {
  switch (op) {
    case Op::kV128Load: return repeated(from, 16);
    case Op::kV128Load8x8S: return widened<std::int8_t, std::int16_t>(from);
    case Op::kV128Load8x8U: return widened<std::uint8_t, std::uint16_t>(from);
    case Op::kV128Load16x4S: return widened<std::int16_t, std::int32_t>(from);
    case Op::kV128Load16x4U: return widened<std::uint16_t, std::uint32_t>(from);
    case Op::kV128Load32x2S: return widened<std::int32_t, std::int64_t>(from);
    case Op::kV128Load32x2U: return widened<std::uint32_t, std::uint64_t>(from);
    case Op::kV128Load8Splat: return repeated(from, 1);
    case Op::kV128Load16Splat: return repeated(from, 2);
    case Op::kV128Load32Splat: return repeated(from, 4);
    case Op::kV128Load64Splat: return repeated(from, 8);
    case Op::kV128Load32Zero: return with_lane({}, from, 4, 0);
    case Op::kV128Load64Zero: return with_lane({}, from, 8, 0);
    default: return with_lane(kValue, from, std::size_t{1} << wasm::signature_of(op).access_log2, lane);
  }
}

/// All loads or stores of one kind, at one operator's offsets and one lane.
class VectorAccess {
 public:
  VectorAccess(Op op, std::uint32_t lane, const CompileOptions& options)
      : op_(op), lane_(lane), bytes_(1u << wasm::signature_of(op).access_log2), has_guard_(!options.explicit_bounds) {
    is_store_ = wasm::signature_of(op).results == 0;
    takes_vector_ = wasm::signature_of(op).operands == 2;
    addresses_ = {0, 1, kMemoryBytes - bytes_, kMemoryBytes - bytes_ + 1, 0x7FFF'FFFF, 0x8000'0000, 0xFFFF'FFFF};
    builder_.memory(kMemoryBytes / 65'536);
    const std::uint32_t nothing = builder_.function({}, {}, {});
    const std::uint32_t global = builder_.global(kI32, 0);
    for (const std::uint32_t offset : kOffsets) {
      add(fmt::format("parameter {:#x}", offset), Code().get(0), offset);
      add(fmt::format("register {:#x}", offset), Code().get(0).op(Op::kGlobalSet, global).op(Op::kGlobalGet, global),
          offset);
      add(fmt::format("home {:#x}", offset),
          Code().get(0).op(Op::kGlobalSet, global).op(Op::kGlobalGet, global).call(nothing), offset);
      for (const std::uint32_t address : addresses_)
        add(fmt::format("constant {:#x} {:#x}", address, offset), Code().i32(address), offset);
    }
    auto module = engine().compile(builder_.finish(), options);
    if (!module) {
      ADD_FAILURE() << wasm::to_string(op) << ": " << module.error().to_string();
      return;
    }
    // Not each: after a trap an audit reads the whole card table, megabytes of it.
    pool_.emplace(Pool::create(*module, Linker(), {.audit_every = 40}).value());
    renew();
  }

  void check() {
    if (!pool_) return;
    for (const std::uint32_t offset : kOffsets) {
      for (const std::uint32_t address : addresses_) {
        for (const char* base : {"parameter", "register", "home"})
          check(fmt::format("{} {:#x}", base, offset), address, offset);
        check(fmt::format("constant {:#x} {:#x}", address, offset), address, offset);
        if (testing::Test::HasFailure()) return;
      }
    }
    lease_.reset();
    EXPECT_EQ(pool_->statistics().audit_failures, 0u) << wasm::to_string(op_) << ": " << pool_->audit_report();
  }

 private:
  void add(std::string_view name, const Code& base, std::uint32_t offset) {
    Code code = base;
    if (takes_vector_) code.v128(kValue[0], kValue[1]);
    code.access(op_, offset);
    if (wasm::signature_of(op_).lanes != 0) code.byte(static_cast<std::uint8_t>(lane_));
    FunctionType type{{kI32}, {}};
    if (!is_store_) type.results = {kV128};
    builder_.function(type, {}, code, name);
  }

  /// A new instance, its memory full of bytes that tell where they are, all with their top bit set.
  void renew() {
    lease_.reset();
    lease_.emplace(pool_->acquire().value());
    if (!has_guard_) open_address_space(lease_->memory());
    pattern_.resize(kMemoryBytes);
    for (std::size_t i = 0; i < pattern_.size(); ++i) pattern_[i] = static_cast<std::byte>((i * 151 + i / 256) | 0x80);
    std::ranges::copy(pattern_, lease_->memory().write(0, kMemoryBytes)->begin());
  }

  void check(const std::string& name, std::uint32_t address, std::uint32_t offset) {
    SCOPED_TRACE(fmt::format("{} {}, {}, address {:#x}", wasm::to_string(op_), lane_, name, address));
    const std::uint64_t at = std::uint64_t{address} + offset;
    const Value arguments[] = {Value::i32(address)};
    const auto result = lease_->call_values(name, arguments);
    if (at + bytes_ > kMemoryBytes) {
      ASSERT_FALSE(result);
      ASSERT_EQ(result.error().trap, TrapKind::kMemoryOutOfBounds);
      renew();
      return;
    }
    ASSERT_TRUE(result) << result.error().to_string();
    if (is_store_) {
      const auto value = std::bit_cast<std::array<std::byte, 16>>(kValue);
      std::memcpy(pattern_.data() + at, &value[lane_ * bytes_], bytes_);
      ASSERT_TRUE(std::ranges::equal(pattern_, *lease_->memory().read(0, kMemoryBytes)));
    } else {
      const Vector expected = loaded(op_, pattern_.data() + at, lane_);
      ASSERT_EQ(result->front(), Value::v128(expected[0], expected[1]));
    }
  }

  Op op_;
  std::uint32_t lane_;
  std::uint32_t bytes_;
  bool has_guard_;
  bool is_store_ = false;
  bool takes_vector_ = false;
  std::vector<std::uint32_t> addresses_;
  ModuleBuilder builder_;
  std::vector<std::byte> pattern_;
  std::optional<Pool> pool_;
  std::optional<Lease> lease_;
};

class VectorAccesses : public testing::TestWithParam<bool> {};

TEST_P(VectorAccesses, ReachEveryByteOfTheMemoryAndNoneBehindIt) {
  const Op operators[] = {
#define ANEW_X(name, ...) Op::k##name,
      ANEW_VECTOR_LOAD_OPERATORS(ANEW_X) ANEW_VECTOR_STORE_OPERATORS(ANEW_X) ANEW_LOAD_LANE_OPERATORS(ANEW_X)
          ANEW_STORE_LANE_OPERATORS(ANEW_X)
#undef ANEW_X
  };
  for (const Op op : operators) {
    const std::uint32_t lanes = wasm::signature_of(op).lanes;
    for (const std::uint32_t lane : {0u, 1u, lanes / 2, lanes - 1}) {
      if (lanes == 0 && lane != 0) continue;
      VectorAccess(op, lane, {.explicit_bounds = GetParam()}).check();
      if (HasFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Bounds, VectorAccesses, testing::Bool(),
                         [](const auto& each) { return anew::test::bounds_name(each.param); });

TEST(VectorLoadsAndStores, TakeEachLane) {
  for (const Op op : {Op::kV128Load8Lane, Op::kV128Load16Lane, Op::kV128Load32Lane, Op::kV128Load64Lane,
                      Op::kV128Store8Lane, Op::kV128Store16Lane, Op::kV128Store32Lane, Op::kV128Store64Lane}) {
    const wasm::Signature& signature = wasm::signature_of(op);
    const std::size_t bytes = std::size_t{1} << signature.access_log2;
    ModuleBuilder builder;
    builder.memory(1);
    for (std::uint32_t lane = 0; lane < signature.lanes; ++lane) {
      FunctionType type{{kV128}, {}};
      if (signature.results != 0) type.results = {kV128};
      builder.function(type, {}, Code().i32(5).get(0).access(op, 3).byte(static_cast<std::uint8_t>(lane)),
                       fmt::format("{}", lane));
    }
    const std::optional<Pool> pool = make_pool(builder);
    ASSERT_TRUE(pool);
    for (std::uint32_t lane = 0; lane < signature.lanes; ++lane) {
      SCOPED_TRACE(fmt::format("{} {}", wasm::to_string(op), lane));
      Lease lease = pool->acquire().value();
      std::array<std::byte, 24> memory;
      for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::byte>(0x40 + i);
      ASSERT_TRUE(lease.memory().store(0, memory));
      const Value arguments[] = {Value::v128(kValue[0], kValue[1])};
      const auto result = lease.call_values(fmt::format("{}", lane), arguments);
      ASSERT_TRUE(result) << result.error().to_string();
      if (signature.results != 0) {
        const Vector expected = with_lane(kValue, &memory[8], bytes, lane);
        EXPECT_EQ(result->front(), Value::v128(expected[0], expected[1]));
      } else {
        const auto value = std::bit_cast<std::array<std::byte, 16>>(kValue);
        std::memcpy(&memory[8], &value[lane * bytes], bytes);
      }
      EXPECT_EQ((lease.memory().load<std::array<std::byte, 24>>(0).value()), memory);
    }
  }
}

TEST(VectorLoadsAndStores, WorkInFurtherAndWideMemories) {
  const Pool pool = anew::test::make_pool(R"((module
    (memory 1) (memory $other 1) (memory $wide i64 1)
    (func (export "other") (param i32) (param $v v128) (result v128)
      (v128.store $other offset=1 (local.get 0) (local.get $v))
      (v128.store8_lane $other offset=3 5 (local.get 0) (local.get $v))
      (v128.load16_lane $other offset=2 7 (local.get 0) (v128.load $other offset=1 (local.get 0))))
    (func (export "wide") (param i64) (param $v v128) (result v128)
      (v128.store $wide offset=1 (local.get 0) (local.get $v))
      (v128.store64_lane $wide offset=9 0 (local.get 0) (local.get $v))
      (i16x8.add (v128.load8x8_u $wide offset=9 (local.get 0)) (v128.load8_splat $wide (local.get 0))))
    (func (export "main") (result v128) (v128.load (i32.const 0)))))",
                                          {.audit_every = 1});
  const Value value = Value::v128(kValue[0], kValue[1]);
  for (int round = 0; round < 2; ++round) {
    Lease lease = pool.acquire().value();
    const Value at[] = {Value::i32(65'536 - 17), value};
    auto result = lease.call_values("other", at);
    ASSERT_TRUE(result) << result.error().to_string();
    // Byte 5 of the value went to byte 2, then bytes 1 and 2 to lane 7.
    EXPECT_EQ(result->front(), Value::v128(0x8182'8384'8583'8788, 0x8387'8B8C'8D8E'8F90));
    const Value wide[] = {Value::i64(65'536 - 17), value};
    result = lease.call_values("wide", wide);
    ASSERT_TRUE(result) << result.error().to_string();
    EXPECT_EQ(result->front(), Value::v128(0x0085'0086'0087'0088, 0x0081'0082'0083'0084));
    result = lease.call_values("main", {});
    ASSERT_TRUE(result) << result.error().to_string();
    EXPECT_EQ(result->front(), Value::v128(0, 0));
  }
  for (const char* const name : {"other", "wide"}) {
    Lease lease = pool.acquire().value();
    const Value at[] = {name[0] == 'w' ? Value::i64(65'536 - 16) : Value::i32(65'536 - 16), value};
    const auto result = lease.call_values(name, at);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().trap, TrapKind::kMemoryOutOfBounds);
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(VectorLoadsAndStores, ThatTrapSayWhere) {
  // One after the other, each at an address of its own: the one whose address is out of bounds has trapped.
  const Op operators[] = {Op::kV128Load,       Op::kV128Store,       Op::kV128Load8x8S,    Op::kV128Load32Lane,
                          Op::kV128Store8Lane, Op::kV128Load16Splat, Op::kV128Store64Lane, Op::kV128Load64Zero};
  constexpr std::uint32_t kCount = std::size(operators);
  ModuleBuilder builder;
  builder.memory(1);
  Code code;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const wasm::Signature& signature = wasm::signature_of(operators[i]);
    code.get(i);
    if (signature.operands == 2) code.v128(kValue[0], kValue[1]);
    code.access(operators[i], 0);
    if (signature.lanes != 0) code.byte(0);
    if (signature.results != 0) code.op(Op::kDrop);
  }
  builder.function({std::vector<ValueType>(kCount, kI32), {}}, {}, code, "run");
  const std::optional<Pool> pool = make_pool(builder);
  ASSERT_TRUE(pool);
  std::uint64_t last = 0;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    std::vector<Value> arguments(kCount, Value::i32(0));
    arguments[i] = Value::i32(kMemoryBytes);
    const auto result = pool->acquire()->call_values("run", arguments);
    ASSERT_FALSE(result);
    ASSERT_EQ(result.error().backtrace.size(), 1u);
    EXPECT_GT(result.error().backtrace.front().module_offset, last) << wasm::to_string(operators[i]);
    last = result.error().backtrace.front().module_offset;
  }
}

/// The size of a card, and whether addresses are compared with the memory's size.
class VectorMarks : public testing::TestWithParam<std::tuple<std::uint32_t, bool>> {};

TEST_P(VectorMarks, CoverStoresOfEachWidthAtTheEdgesOfCards) {
  ModuleBuilder builder;
  builder.memory(1);
  const Op stores[] = {Op::kV128Store, Op::kV128Store8Lane, Op::kV128Store16Lane, Op::kV128Store32Lane,
                       Op::kV128Store64Lane};
  // A second store so far behind a first one, around the reach of the first one's mark.
  std::vector<std::uint32_t> distances = {0, 1, 16};
  for (std::uint32_t i = abi::kSlackBytes - 34; i < abi::kSlackBytes + 4; ++i) distances.push_back(i);
  for (const Op op : stores) {
    for (const std::uint32_t distance : distances) {
      Code code;
      for (const std::uint32_t offset : {0u, distance}) {
        code.get(0).v128(~0ull, ~0ull).access(op, offset);
        if (op != Op::kV128Store) code.byte(1);
      }
      builder.function({{kI32}, {}}, {}, code, fmt::format("{} {}", wasm::to_string(op), distance));
    }
  }
  const auto [card_bytes, explicit_bounds] = GetParam();
  auto module = engine().compile(builder.finish(), {.card_bytes = card_bytes, .explicit_bounds = explicit_bounds});
  ASSERT_TRUE(module) << module.error().to_string();
  const Pool pool = Pool::create(*module, Linker(), {.capacity = 1, .audit_every = 1}).value();
  for (const Op op : stores) {
    for (const std::uint32_t distance : distances) {
      for (const std::uint32_t at : {0u, 4'095u, 4'096u - 16, 8'191u, 8'192u - 8, 65'536u - 16 - distance}) {
        Lease lease = pool.acquire().value();
        ASSERT_TRUE(lease.call(fmt::format("{} {}", wasm::to_string(op), distance), at));
      }
    }
  }
  Lease lease = pool.acquire().value();
  const auto bytes = *lease.memory().read(0, lease.memory().size());
  EXPECT_TRUE(std::ranges::all_of(bytes, [](std::byte each) { return each == std::byte{0}; }));
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

INSTANTIATE_TEST_SUITE_P(CardBytesAndBounds, VectorMarks,
                         testing::Combine(testing::Values(512u, 1'024u, 2'048u, 4'096u), testing::Bool()),
                         [](const auto& each) {
                           return "cards_of_" + std::to_string(std::get<0>(each.param)) + "_" +
                                  anew::test::bounds_name(std::get<1>(each.param));
                         });

}  // namespace
}  // namespace anew::codegen::test
