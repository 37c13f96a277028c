// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads, stores, and the marks that stores leave for the reset.
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
#include "support/generator.hpp"
#include "support/module_builder.hpp"
#include "support/print.hpp"
#include "support/wat.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

Pool make_pool(const ModuleBuilder& builder, const CompileOptions& options, std::uint64_t audit_every = 1) {
  auto module = engine().compile(builder.finish(), options);
  EXPECT_TRUE(module) << module.error().to_string();
  return Pool::create(*module, Linker(), {.capacity = 2, .audit_every = audit_every}).value();
}

// --- Addresses ---

constexpr std::uint32_t kMemoryBytes = 65'536;
constexpr std::uint32_t kGuard = abi::kGuardBytes;

// Small, at the end of memory, at both sides of what the guard covers, at both sides of a displacement's limit.
constexpr std::uint32_t kOffsets[] = {0,           255,         kMemoryBytes - 8, kGuard - 17,
                                      kGuard - 16, 0x7FFF'FFFF, 0x8000'0000,      0xFFFF'FFFF};

/// All loads or stores of one kind, at one operator's offsets.
class AccessModule {
 public:
  AccessModule(Op op, const CompileOptions& options)
      : op_(op), bytes_(1u << wasm::signature_of(op).access_log2), has_guard_(!options.explicit_bounds) {
    is_store_ = wasm::signature_of(op).results == 0;
    value_ = is_store_ ? wasm::signature_of(op).operand(1) : wasm::signature_of(op).result;
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
    // Not each: after a trap an audit reads the whole card table, megabytes of it.
    pool_.emplace(make_pool(builder_, options, 40));
    renew();
  }

  void check() {
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
    if (is_store_) code.get(1);
    code.access(op_, offset);
    FunctionType type{{kI32, value_}, {}};
    if (!is_store_) type.results = {value_};
    builder_.function(type, {}, code, name);
  }

  /// A new instance, its memory full of bytes that tell where they are.
  void renew() {
    lease_.reset();
    lease_.emplace(pool_->acquire().value());
    if (!has_guard_) open_address_space(lease_->memory());
    pattern_.resize(kMemoryBytes);
    for (std::size_t i = 0; i < pattern_.size(); ++i) pattern_[i] = static_cast<std::byte>((i * 151 + i / 256) | 0x80);
    std::ranges::copy(pattern_, lease_->memory().write(0, kMemoryBytes)->begin());
  }

  void check(const std::string& name, std::uint32_t address, std::uint32_t offset) {
    SCOPED_TRACE(fmt::format("{}, {}, address {:#x}", wasm::to_string(op_), name, address));
    const std::uint64_t at = std::uint64_t{address} + offset;
    const std::uint64_t value = 0x8182'8384'8586'8788 & (value_ == kI32 || value_ == kF32 ? 0xFFFF'FFFF : ~0ull);
    const Value arguments[] = {Value::i32(address), {value_, value}};
    const auto result = lease_->call_values(name, arguments);
    if (at + bytes_ > kMemoryBytes) {
      ASSERT_FALSE(result);
      ASSERT_EQ(result.error().trap, TrapKind::kMemoryOutOfBounds);
      renew();
      return;
    }
    ASSERT_TRUE(result) << result.error().to_string();
    if (is_store_) {
      std::memcpy(pattern_.data() + at, &value, bytes_);
      ASSERT_TRUE(std::ranges::equal(pattern_, *lease_->memory().read(0, kMemoryBytes)));
    } else {
      ASSERT_EQ(result->front().bits, loaded(at));
    }
  }

  [[nodiscard]] std::uint64_t loaded(std::uint64_t at) const {
    std::uint64_t bits = 0;
    std::memcpy(&bits, pattern_.data() + at, bytes_);
    const bool is_signed = op_ == Op::kI32Load8S || op_ == Op::kI32Load16S || op_ == Op::kI64Load8S ||
                           op_ == Op::kI64Load16S || op_ == Op::kI64Load32S;
    if (is_signed) bits |= ~0ull << (8 * bytes_);  // every byte of the pattern has its top bit set
    return value_ == kI32 ? bits & 0xFFFF'FFFF : bits;
  }

  Op op_;
  std::uint32_t bytes_;
  bool has_guard_;
  bool is_store_ = false;
  ValueType value_ = kI32;
  std::vector<std::uint32_t> addresses_;
  ModuleBuilder builder_;
  std::vector<std::byte> pattern_;
  std::optional<Pool> pool_;
  std::optional<Lease> lease_;
};

class Accesses : public testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] static CompileOptions options() { return {.explicit_bounds = GetParam()}; }
};

TEST_P(Accesses, ReachEveryByteOfTheMemoryAndNoneBehindIt) {
  const Op operators[] = {
#define ANEW_X(name, ...) Op::k##name,
      ANEW_LOAD_OPERATORS(ANEW_X) ANEW_STORE_OPERATORS(ANEW_X)
#undef ANEW_X
  };
  for (const Op op : operators) {
    AccessModule(op, options()).check();
    if (HasFailure()) return;
  }
}

TEST_P(Accesses, StoreConstantsOfAnyWidth) {
  for (const Op op : {Op::kI32Store8, Op::kI32Store16, Op::kI32Store, Op::kI64Store8, Op::kI64Store16, Op::kI64Store32,
                      Op::kI64Store, Op::kF32Store, Op::kF64Store}) {
    const ValueType type = wasm::signature_of(op).operand(1);
    const std::vector<std::uint64_t> values = {0,      1,           0x7F,        0x80,        0xFF,
                                               0x8000, 0x7FFF'FFFF, 0x8000'0000, 0xFFFF'FFFF, 0x1'0000'0000,
                                               ~0ull,  ~0ull << 31, ~0ull << 32, 1ull << 63,  0x0123'4567'89AB'CDEF};
    ModuleBuilder builder;
    builder.memory(1);
    for (std::size_t i = 0; i < values.size(); ++i) {
      builder.function({{kI32}, {}}, {}, Code().get(0).constant(type, values[i]).access(op, 0),
                       fmt::format("local {}", i));
      builder.function({{kI32}, {}}, {}, Code().i32(24).constant(type, values[i]).access(op, 0),
                       fmt::format("constant {}", i));
      // An offset that the guard does not cover: out of bounds whatever the value is.
      builder.function({{kI32}, {}}, {}, Code().get(0).constant(type, values[i]).access(op, kGuard),
                       fmt::format("far {}", i));
    }
    const Pool pool = make_pool(builder, options());
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::uint64_t expected = ~0ull;
      std::memcpy(&expected, &values[i], std::size_t{1} << wasm::signature_of(op).access_log2);
      for (const char* base : {"local", "constant"}) {
        Lease lease = pool.acquire().value();
        ASSERT_TRUE(lease.memory().store(24, ~0ull));
        ASSERT_TRUE(lease.call(fmt::format("{} {}", base, i), 24u));
        EXPECT_EQ(lease.memory().load<std::uint64_t>(24).value(), expected)
            << wasm::to_string(op) << fmt::format(" of {:#x} at a {}", values[i], base);
      }
      Lease lease = pool.acquire().value();
      const auto far = lease.call(fmt::format("far {}", i), 24u);
      ASSERT_FALSE(far);
      EXPECT_EQ(far.error().trap, TrapKind::kMemoryOutOfBounds);
    }
  }
}

TEST_P(Accesses, FollowTheMemoryAsItGrows) {
  const Pool pool = anew::test::make_pool(R"((module (memory 1 3)
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "far") (param i32 i32) (i32.store8 offset=0x8000000 (local.get 0) (local.get 1)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "constant") (i32.store16 offset=3 (i32.const 131068) (i32.const 0xFFFF)))
    (func (export "size") (result i32) (memory.size))))",
                                          {.audit_every = 1}, {}, options());
  for (int round = 0; round < 3; ++round) {
    Lease lease = pool.acquire().value();
    ASSERT_TRUE(lease.call("store", 65'535u, 1u));
    EXPECT_EQ(lease.call<std::uint32_t>("grow", 2u).value(), 1u);
    EXPECT_EQ(lease.call<std::uint32_t>("grow", 1u).value(), ~0u);
    EXPECT_EQ(lease.call<std::uint32_t>("size").value(), 3u);
    ASSERT_TRUE(lease.call("store", 3 * 65'536u - 1, 1u));
    ASSERT_TRUE(lease.call("store", 65'536u, 1u));
    ASSERT_TRUE(lease.call("constant"));
    EXPECT_EQ(lease.memory().load<std::uint16_t>(131'071).value(), 0xFFFFu);
  }
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call("store", 65'536u, 1u).error().trap, TrapKind::kMemoryOutOfBounds);
  lease = pool.acquire().value();
  EXPECT_EQ(lease.call("constant").error().trap, TrapKind::kMemoryOutOfBounds);
  lease = pool.acquire().value();
  ASSERT_EQ(lease.call<std::uint32_t>("grow", 1u).value(), 1u);
  EXPECT_EQ(lease.call("constant").error().trap, TrapKind::kMemoryOutOfBounds);  // its second byte alone is behind
  lease = pool.acquire().value();
  EXPECT_EQ(lease.call("far", 0u, 1u).error().trap, TrapKind::kMemoryOutOfBounds);
  lease.release();
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

INSTANTIATE_TEST_SUITE_P(Bounds, Accesses, testing::Bool(),
                         [](const auto& each) { return anew::test::bounds_name(each.param); });

// --- Marks ---

/// Whether all of an instance's memory is zero, without asking the audit.
bool is_zero(const Lease& lease) {
  const auto bytes = *lease.memory().read(0, lease.memory().size());
  return std::ranges::all_of(bytes, [](std::byte each) { return each == std::byte{0}; });
}

/// The size of a card, and whether addresses are compared with the memory's size.
class Marks : public testing::TestWithParam<std::tuple<std::uint32_t, bool>> {
 protected:
  [[nodiscard]] static std::uint32_t card_bytes() { return std::get<0>(GetParam()); }
  [[nodiscard]] static CompileOptions options() {
    return {.card_bytes = card_bytes(), .explicit_bounds = std::get<1>(GetParam())};
  }
};

TEST_P(Marks, OnOneWayAreNotTakenForMarksOnTheOther) {
  // The store in the if marks; the one behind it, at the same base, must do so again.
  const Pool pool = anew::test::make_pool(R"((module (memory 1)
    (func (export "run") (param $at i32) (param $condition i32)
      (if (local.get $condition) (then (i32.store8 (local.get $at) (i32.const 1))))
      (i32.store8 (i32.const 40000) (i32.const 2))
      (i32.store8 (local.get $at) (i32.const 3)))))",
                                          {.audit_every = 1}, {}, options());
  for (const std::uint32_t condition : {0u, 1u}) {
    Lease lease = pool.acquire().value();
    ASSERT_TRUE(lease.call("run", 20'000u, condition));
    lease = pool.acquire().value();
    EXPECT_TRUE(is_zero(lease)) << "condition " << condition;
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST_P(Marks, OfOneFunctionAreNotTakenForMarksOfAnother) {
  const Pool pool = anew::test::make_pool(R"((module (memory 1)
    (func (export "first") (param $at i32)
      (i32.store8 (local.get $at) (i32.const 1))
      (i32.store8 (i32.const 40000) (i32.const 1))
      (i32.store8 (i32.const 50000) (i32.const 1)))
    (func (export "second") (param $at i32)
      (i32.store8 (i32.const 10000) (i32.const 2))
      (i32.store8 (local.get $at) (i32.const 2)))
    (func (export "third") (param $at i32)
      (i32.store8 (i32.const 40000) (i32.const 3))
      (i32.store8 (i32.const 50000) (i32.const 3)))))",
                                          {.audit_every = 1}, {}, options());
  for (const char* function : {"first", "second", "third"}) {
    Lease lease = pool.acquire().value();
    ASSERT_TRUE(lease.call(function, 20'000u));
    lease = pool.acquire().value();
    EXPECT_TRUE(is_zero(lease)) << function;
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST_P(Marks, CoverStoresOffTheSameBaseUpToTheSlack) {
  // A second store so far behind a first one, for each distance around the slack, both ways round.
  ModuleBuilder builder;
  builder.memory(1);
  std::vector<std::uint32_t> distances;
  for (std::uint32_t i = 0; i < 20; ++i) distances.push_back(i);
  for (std::uint32_t i = abi::kSlackBytes - 20; i < abi::kSlackBytes + 20; ++i) distances.push_back(i);
  for (const std::uint32_t distance : distances) {
    const Code first = Code().get(0).i32(1).access(Op::kI32Store8, 0);
    const Code second = Code().get(0).i64(~0ull).access(Op::kI64Store, distance);
    builder.function({{kI32}, {}}, {}, Code(first).append(second), fmt::format("up {}", distance));
    builder.function({{kI32}, {}}, {}, Code(second).append(first), fmt::format("down {}", distance));
  }
  const Pool pool = make_pool(builder, options());
  for (const std::uint32_t distance : distances) {
    for (const char* way : {"up", "down"}) {
      for (const std::uint32_t at : {0u, 8'191u, 8'192u, 8'193u, 65'536u - 8 - distance}) {
        Lease lease = pool.acquire().value();
        ASSERT_TRUE(lease.call(fmt::format("{} {}", way, distance), at));
        lease = pool.acquire().value();
        ASSERT_TRUE(is_zero(lease)) << way << " " << distance << " at " << at;
      }
    }
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

constexpr std::uint32_t kMarkedPages = 4;

/// Writes functions that store and store: off few bases, at offsets around cards and slack, on branching ways.
class StoreGenerator {
 public:
  StoreGenerator(Random& random, ModuleBuilder& builder, std::uint32_t card_bytes)
      : random_(random), builder_(builder), card_bytes_(card_bytes) {}

  void function(std::string_view name) {
    Code code;
    depth_ = 0;
    statements(code, 12);
    functions_.push_back(builder_.function({kParameters, {}}, kLocals, code, name));
  }

 private:
  static constexpr std::uint32_t kConditions = 3;  // the parameter with the bits that decide ifs
  static constexpr std::uint32_t kCounter = 5;
  static constexpr ValueType kLocals[] = {kI32, kI32, kI32, kI32, kI32};
  static inline const std::vector<ValueType> kParameters = {kI32, kI32, kI32, kI32};

  void statements(Code& code, std::uint32_t most) {
    for (std::uint32_t i = 1 + random_.below(most); i-- > 0;) statement(code);
  }
  void condition(Code& code) {
    code.get(kConditions).i32(1u << random_.below(16)).op(Op::kI32And);
    if (random_.percent(30)) code.op(Op::kI32Eqz);
  }
  std::uint32_t base_local() { return random_.percent(75) ? random_.below(3) : 4; }
  std::uint32_t offset() {
    const std::uint32_t way = random_.below(10);
    if (way < 4) return random_.below(32);
    if (way < 6) return abi::kSlackBytes - 12 + random_.below(24);
    if (way < 8) return card_bytes_ * random_.below(4) + random_.below(16);
    return random_.below(65'536 - 8);
  }
  void base(Code& code) {
    const std::uint32_t way = random_.below(10);
    if (way < 7)
      code.get(base_local());
    else if (way < 9)
      code.i32(random_.percent(50) ? 4'096 * random_.below(40) : random_.below(150'000));
    else
      code.get(base_local()).i32(0xFFFF).op(Op::kI32And);
  }
  void store(Code& code) {
    static constexpr Op kStores[] = {Op::kI32Store8, Op::kI32Store16, Op::kI32Store,
                                     Op::kI64Store,  Op::kF32Store,   Op::kF64Store};
    const Op op = kStores[random_.below(std::size(kStores))];
    base(code);
    code.constant(wasm::signature_of(op).operand(1), random_.bits() | 0x0101'0101'0101'0101).access(op, offset());
  }
  void bulk(Code& code) {
    base(code);
    const std::uint32_t kind = random_.below(3);
    if (kind == 0) {
      code.i32(0x77).i32(random_.below(3'000)).op(Op::kMemoryFill).byte(0);
    } else if (kind == 1) {
      base(code);
      code.i32(random_.below(3'000)).op(Op::kMemoryCopy).byte(0).byte(0);
    } else {
      code.i32(random_.below(100)).i32(random_.below(900)).op(Op::kMemoryInit).unsigned_leb(0).byte(0);
    }
  }
  void statement(Code& code) {
    const std::uint32_t way = random_.below(100);
    if (way < 62 || depth_ > 4) {
      store(code);
    } else if (way < 70) {  // another base in the same local
      code.get(random_.below(3)).i32(random_.below(9'000)).op(Op::kI32Add).i32(0xFFFF).op(Op::kI32And);
      random_.percent(50) ? code.set(base_local()) : code.tee(base_local()).op(Op::kDrop);
    } else if (way < 75) {
      bulk(code);
    } else if (way < 80 && !functions_.empty()) {
      code.get(base_local()).get(1).get(base_local()).get(kConditions).call(random_.pick(functions_));
    } else if (way < 90) {
      ++depth_;
      condition(code);
      code.open(Op::kIf);
      statements(code, 4);
      if (random_.percent(50)) {
        code.op(Op::kElse);
        statements(code, 4);
      }
      code.end();
      --depth_;
    } else if (way < 96) {
      ++depth_;
      code.open(Op::kBlock);
      statements(code, 3);
      condition(code);
      code.op(Op::kBrIf, 0u);
      statements(code, 3);
      code.end();
      --depth_;
    } else if (depth_ == 0) {  // one counter: loops do not nest
      ++depth_;
      code.i32(3).set(kCounter).open(Op::kLoop);
      statements(code, 5);
      code.get(kCounter).i32(1).op(Op::kI32Sub).tee(kCounter).op(Op::kBrIf, 0u).end();
      --depth_;
    }
  }

  Random& random_;
  ModuleBuilder& builder_;
  std::uint32_t card_bytes_;
  std::uint32_t depth_ = 0;
  std::vector<std::uint32_t> functions_;
};

TEST_P(Marks, LetTheResetFindEveryStoreOfRandomFunctions) {
  constexpr std::uint32_t kModules = 60, kFunctions = 6, kCalls = 5;
  for (std::uint32_t seed = 1; seed <= kModules; ++seed) {
    Random random(seed * 7'919 + card_bytes());
    ModuleBuilder builder;
    builder.memory(kMarkedPages, kMarkedPages);
    builder.data(std::vector<std::byte>(1'000, std::byte{0x5A}));
    StoreGenerator generator(random, builder, card_bytes());
    for (std::uint32_t i = 0; i < kFunctions; ++i) generator.function(fmt::format("f{}", i));
    const Pool pool = make_pool(builder, options());
    std::uint64_t normal = 0;
    for (std::uint32_t call = 0; call < kCalls * kFunctions; ++call) {
      Lease lease = pool.acquire().value();
      const auto address = [&] {
        return random.percent(30) ? card_bytes() * (1 + random.below(10)) - random.below(9) : random.below(0xFFFF);
      };
      normal += lease.call(fmt::format("f{}", call % kFunctions), address(), address(), address(),
                           static_cast<std::uint32_t>(random.bits()))
                    ? 1
                    : 0;
      lease = pool.acquire().value();
      ASSERT_TRUE(is_zero(lease)) << "seed " << seed << ", call " << call;
    }
    ASSERT_EQ(normal, kCalls * kFunctions) << "seed " << seed;  // a trap would restore everything, marked or not
    ASSERT_EQ(pool.statistics().audit_failures, 0u) << "seed " << seed << ": " << pool.audit_report();
  }
}

INSTANTIATE_TEST_SUITE_P(CardBytesAndBounds, Marks,
                         testing::Combine(testing::Values(512u, 1'024u, 2'048u, 4'096u), testing::Bool()),
                         [](const auto& each) {
                           return "cards_of_" + std::to_string(std::get<0>(each.param)) + "_" +
                                  anew::test::bounds_name(std::get<1>(each.param));
                         });

}  // namespace
}  // namespace anew::codegen::test
