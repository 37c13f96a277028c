// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Atomic operators on memories that are not shared: what they load, store and return, wherever their operands are; that
// they trap at addresses that are not aligned, and then at those out of bounds; and the marks that they leave.
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
#include "support/reference.hpp"
#include "support/wat.hpp"
#include "wasm/signatures.hpp"

namespace anew::codegen::test {
namespace {

constexpr std::uint32_t kMemoryBytes = 65'536;
constexpr std::uint32_t kGuard = abi::kGuardBytes;

const std::vector<Op>& operators() {
  static const std::vector<Op> all = {
#define ANEW_X(name, ...) Op::k##name,
      ANEW_ATOMIC_OPERATORS(ANEW_X)
#undef ANEW_X
  };
  return all;
}

bool has(Op op, std::string_view part) { return wasm::to_string(op).find(part) != std::string_view::npos; }

std::uint64_t cut(std::uint64_t bits, std::uint32_t bytes) {
  return bytes == 8 ? bits : bits & ((1ull << 8 * bytes) - 1);
}

/// The operator with its natural alignment, which it must state.
void append(Code& code, Op op, std::uint32_t offset) {
  code.op(op).unsigned_leb(wasm::signature_of(op).access_log2).unsigned_leb(offset);
}

/// One operator at some offsets, with its operands in various places. Each function is called with all operands.
class AtomicModule {
 public:
  AtomicModule(Op op, const CompileOptions& options)
      : op_(op),
        signature_(wasm::signature_of(op)),
        bytes_(1u << signature_.access_log2),
        has_guard_(!options.explicit_bounds) {
    offsets_ = {0, 1, 8, 4'099, kMemoryBytes - 8, kGuard - 16, kGuard, 0xFFFF'FFF8};
    for (std::uint32_t i = 0; i <= 5; ++i) addresses_.push_back(i);
    for (std::uint32_t i : {1, 2, 4, 7, 8, 9}) addresses_.push_back(kMemoryBytes - i);
    addresses_.insert(addresses_.end(), {kMemoryBytes, 0x7FFF'FFF8, 0x8000'0000, 0xFFFF'FFF8, 0xFFFF'FFFF});
    builder_.memory(kMemoryBytes / 65'536);
    nothing_ = builder_.function({}, {}, {});
    for (std::uint32_t i = 0; i < signature_.operands; ++i)
      globals_.push_back(builder_.global(signature_.operand(i), 0));
    live_ = builder_.global(kI64, 0, "live");
    for (const std::uint32_t offset : offsets_) {
      for (const char* shape : {"locals", "registers", "homes", "local and home", "alive"}) add(shape, offset);
      for (const std::uint32_t address : addresses_) add_constant_address(address, offset);
    }
    auto module = engine().compile(builder_.finish(), options);
    if (!module) {
      ADD_FAILURE() << wasm::to_string(op) << ": " << module.error().to_string();
      return;
    }
    // Not each: after a trap an audit reads the whole card table, megabytes of it.
    pool_.emplace(Pool::create(*module, Linker(), {.audit_every = 100}).value());
    renew();
  }

  void check() {
    if (!pool_) return;
    for (const std::uint32_t offset : offsets_) {
      for (const std::uint32_t address : addresses_) {
        for (const char* shape : {"locals", "registers", "homes", "local and home", "alive"})
          check(fmt::format("{} {:#x}", shape, offset), address, offset);
        check(fmt::format("constant {:#x} {:#x}", address, offset), address, offset);
        if (testing::Test::HasFailure()) return;
      }
    }
    lease_.reset();
    EXPECT_EQ(pool_->statistics().audit_failures, 0u) << wasm::to_string(op_) << ": " << pool_->audit_report();
  }

 private:
  static constexpr std::uint32_t kAlive = 12;

  [[nodiscard]] FunctionType type() const {
    FunctionType result;
    for (std::uint32_t i = 0; i < signature_.operands; ++i) result.parameters.push_back(signature_.operand(i));
    if (signature_.results != 0) result.results.push_back(kI64);
    return result;
  }
  /// An i32 result is returned as an i64, so that its register's upper half shows.
  void finish(Code code, std::uint32_t offset, std::string_view name) {
    const ValueType locals[] = {kI64, kI64};
    append(code, op_, offset);
    if (signature_.results != 0 && signature_.result == kI32) code.op(Op::kI64ExtendI32U);
    if (name.starts_with("alive")) {
      const std::uint32_t result = signature_.operands;
      const std::uint32_t sum = result + 1;
      if (signature_.results != 0) code.set(result);
      for (std::uint32_t i = 0; i < kAlive; ++i) code.get(sum).op(Op::kI64Sub).set(sum);
      code.get(sum).op(Op::kGlobalSet, live_);
      if (signature_.results != 0) code.get(result);
    }
    builder_.function(type(), locals, code, name);
  }
  [[nodiscard]] static std::uint64_t sum_of_alive() {
    std::uint64_t sum = 0;
    for (std::uint32_t i = kAlive; i-- > 0;) sum = 1'000 + 37 * i - sum;
    return sum;
  }

  void add(std::string_view shape, std::uint32_t offset) {
    Code code;
    const std::uint32_t count = signature_.operands;
    if (shape == "alive")
      for (std::uint32_t i = 0; i < kAlive; ++i) code.get(count).i64(1'000 + 37 * i).op(Op::kI64Add);
    for (std::uint32_t i = 0; i < count; ++i) code.get(i).op(Op::kGlobalSet, globals_[i]);
    for (std::uint32_t i = 0; i < count; ++i) {
      const bool is_local = shape == "locals" || shape == "alive" || (shape == "local and home" && i == 0);
      is_local ? code.get(i) : code.op(Op::kGlobalGet, globals_[i]);
    }
    if (shape.find("home") != shape.npos) code.call(nothing_);
    finish(code, offset, fmt::format("{} {:#x}", shape, offset));
  }
  void add_constant_address(std::uint32_t address, std::uint32_t offset) {
    Code code;
    code.i32(address);
    for (std::uint32_t i = 1; i < signature_.operands; ++i) code.constant(signature_.operand(i), operand(i));
    finish(code, offset, fmt::format("constant {:#x} {:#x}", address, offset));
  }

  /// Of the operands behind the address: what comparisons look for is what renew() puts everywhere, with more bits than
  /// an access of few bytes compares.
  [[nodiscard]] std::uint64_t operand(std::uint32_t index) const {
    const std::uint64_t bits = index == 1 && has(op_, ".cmpxchg") ? kEverywhere : 0x8F91'A2B3'C4D5'E6F7;
    return signature_.operand(index) == kI32 ? bits & 0xFFFF'FFFF : bits;
  }
  static constexpr std::uint64_t kEverywhere = 0xB3B3'B3B3'B3B3'B3B3;

  /// A new instance, its memory full of the same byte.
  void renew() {
    lease_.reset();
    lease_.emplace(pool_->acquire().value());
    if (!has_guard_) open_address_space(lease_->memory());
    pattern_.assign(kMemoryBytes, static_cast<std::byte>(kEverywhere & 0xFF));
    std::ranges::copy(pattern_, lease_->memory().write(0, kMemoryBytes)->begin());
  }
  [[nodiscard]] bool is_as_expected() const {
    return std::memcmp(pattern_.data(), lease_->memory().read(0, kMemoryBytes)->data(), kMemoryBytes) == 0;
  }

  void check(const std::string& name, std::uint32_t address, std::uint32_t offset) {
    SCOPED_TRACE(fmt::format("{}, {}, address {:#x}", wasm::to_string(op_), name, address));
    const std::uint64_t at = std::uint64_t{address} + offset;
    std::vector<Value> arguments = {Value::i32(address)};
    for (std::uint32_t i = 1; i < signature_.operands; ++i) arguments.push_back({signature_.operand(i), operand(i)});
    const auto result = lease_->call_values(name, arguments);
    TrapKind trap = has(op_, ".wait") ? TrapKind::kExpectedSharedMemory : TrapKind::kNone;
    if (at + bytes_ > kMemoryBytes) trap = TrapKind::kMemoryOutOfBounds;
    if (at % bytes_ != 0) trap = TrapKind::kUnalignedAtomic;
    if (trap != TrapKind::kNone) {
      ASSERT_FALSE(result);
      ASSERT_EQ(result.error().trap, trap);
      ASSERT_TRUE(is_as_expected());
      renew();
      return;
    }
    ASSERT_TRUE(result) << result.error().to_string();
    std::uint64_t old = 0;
    std::memcpy(&old, &pattern_[at], bytes_);
    if (signature_.results != 0) {
      ASSERT_EQ(result->front(), Value::i64(has(op_, ".notify") ? 0 : old));
    }
    if (name.starts_with("alive")) {
      ASSERT_EQ(lease_->global("live")->bits, sum_of_alive());
    }
    const std::uint64_t now = has(op_, ".notify") ? old : updated(op_, old, operand(1), operand(2));
    std::memcpy(&pattern_[at], &now, bytes_);
    ASSERT_TRUE(is_as_expected());
    if (now == old) return;
    std::memcpy(&pattern_[at], &old, bytes_);
    std::memcpy(lease_->memory().write(at, bytes_)->data(), &old, bytes_);
  }

  Op op_;
  const wasm::Signature& signature_;
  std::uint32_t bytes_;
  bool has_guard_;
  std::vector<std::uint32_t> offsets_, addresses_;
  ModuleBuilder builder_;
  std::uint32_t nothing_ = 0, live_ = 0;
  std::vector<std::uint32_t> globals_;
  std::vector<std::byte> pattern_;
  std::optional<Pool> pool_;
  std::optional<Lease> lease_;  // behind the pool, so that it goes first
};

/// A part of all operators, and whether addresses are compared with the memory's size.
class AtomicOperators : public testing::TestWithParam<std::tuple<std::uint32_t, bool>> {};

TEST_P(AtomicOperators, AccessAlignedAddressesInsideTheMemory) {
  const auto [part, explicit_bounds] = GetParam();
  for (std::size_t i = part; i < operators().size(); i += 4) {
    AtomicModule(operators()[i], {.explicit_bounds = explicit_bounds}).check();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(PartsAndBounds, AtomicOperators, testing::Combine(testing::Range(0u, 4u), testing::Bool()),
                         [](const auto& each) {
                           return "part_" + std::to_string(std::get<0>(each.param)) + "_" +
                                  anew::test::bounds_name(std::get<1>(each.param));
                         });

TEST(Atomics, ComputeWithAnyNumbers) {
  const std::vector<std::uint64_t> numbers = {0,
                                              1,
                                              0x7F,
                                              0x80,
                                              0xFF,
                                              0x100,
                                              0x7FFF,
                                              0x8000,
                                              0xFFFF,
                                              0x1'0000,
                                              0x7FFF'FFFF,
                                              0x8000'0000,
                                              0xFFFF'FFFF,
                                              0x1'0000'0000,
                                              ~0ull,
                                              1ull << 63,
                                              0x0123'4567'89AB'CDEF};
  ModuleBuilder builder;
  builder.memory(1);
  for (const Op op : operators()) {
    const wasm::Signature& signature = wasm::signature_of(op);
    if (!has(op, ".rmw") && !has(op, ".store")) continue;
    FunctionType type;
    Code code;
    for (std::uint32_t i = 0; i < signature.operands; ++i) {
      type.parameters.push_back(signature.operand(i));
      code.get(i);
    }
    if (signature.results != 0) type.results = {signature.result};
    append(code, op, 16);
    builder.function(type, {}, code, wasm::to_string(op));
  }
  const std::optional<Pool> pool = make_pool(builder);
  ASSERT_TRUE(pool);
  Lease lease = pool->acquire().value();
  for (const Op op : operators()) {
    const wasm::Signature& signature = wasm::signature_of(op);
    if (!has(op, ".rmw") && !has(op, ".store")) continue;
    const std::uint32_t bytes = 1u << signature.access_log2;
    for (const std::uint64_t old : numbers) {
      for (const std::uint64_t number : numbers) {
        ASSERT_TRUE(lease.memory().store(24, old));
        const std::uint64_t first = signature.operand(1) == kI32 ? number & 0xFFFF'FFFF : number;
        std::vector<Value> arguments = {Value::i32(8), {signature.operand(1), first}};
        if (signature.operands == 3) arguments.push_back({signature.operand(2), 0x5A5B'5C5D & 0x7FFF'FFFF});
        const auto result = lease.call_values(wasm::to_string(op), arguments);
        ASSERT_TRUE(result) << result.error().to_string();
        const std::uint64_t before = cut(old, bytes);
        if (signature.results != 0) {
          EXPECT_EQ(result->front().bits, before) << wasm::to_string(op);
        }
        const std::uint64_t now = updated(op, before, first, 0x5A5B'5C5D);
        EXPECT_EQ(lease.memory().load<std::uint64_t>(24).value(), (old & ~cut(~0ull, bytes)) | cut(now, bytes))
            << wasm::to_string(op) << fmt::format(" of {:#x} and {:#x}", old, first);
      }
    }
  }
}

/// Of what is expected, an access of few bytes compares as many bytes: in every kind of memory.
TEST(Atomics, CompareWhatTheyAccess) {
  struct Kind {
    std::string text;
    std::string index;
    bool is_64;
  };
  std::vector<Kind> kinds;
  for (const bool is_64 : {false, true}) {
    const std::string type = is_64 ? "i64 1)" : "1)";
    kinds.push_back({"(memory (export \"m\") " + type, "0", is_64});
    kinds.push_back({"(memory 1) (memory (export \"m\") " + type, "1", is_64});
    kinds.push_back({"(import \"owner\" \"m\" (memory " + type + ")", "0", is_64});
    kinds.push_back({"(import \"owner\" \"m\" (memory " + type + ") (memory 1)", "0", is_64});
  }
  for (const Kind& kind : kinds) {
    const std::string address = kind.is_64 ? "i64" : "i32";
    std::string text = "(module " + kind.text;
    if (kind.text.find("import") != kind.text.npos) text += "(export \"m\" (memory 0))";
    for (const char* const operator_name :
         {"i32.atomic.rmw8", "i32.atomic.rmw16", "i64.atomic.rmw8", "i64.atomic.rmw16", "i64.atomic.rmw32"}) {
      const std::string type(operator_name, 3);
      text += fmt::format(R"((func (export "{0}") (param {1}) (param {2} {2}) (result {2})
        ({0}.cmpxchg_u {3} (local.get 0) (local.get 1) (local.get 2))))",
                          operator_name, address, type, kind.index);
    }
    Linker linker;
    linker.define_module(
        "owner", anew::test::compile(fmt::format(R"((module (memory (export "m") {} 1)))", kind.is_64 ? "i64" : "")));
    const Pool pool = anew::test::make_pool(text + ")", {.audit_every = 1}, linker);
    Lease lease = pool.acquire().value();
    for (const auto& [name, bits] :
         {std::pair{"i32.atomic.rmw8", 8u}, std::pair{"i32.atomic.rmw16", 16u}, std::pair{"i64.atomic.rmw8", 8u},
          std::pair{"i64.atomic.rmw16", 16u}, std::pair{"i64.atomic.rmw32", 32u}}) {
      const bool wide = std::string_view(name).starts_with("i64");
      const auto number = [&](std::uint64_t value) {
        return wide ? Value::i64(value) : Value::i32(static_cast<std::uint32_t>(value));
      };
      for (const std::uint64_t old : {std::uint64_t{0}, std::uint64_t{0x7F}, cut(~0ull, bits / 8)}) {
        for (std::uint32_t upper = bits; upper < (wide ? 64u : 32u); ++upper) {
          SCOPED_TRACE(fmt::format("{} {} of {:#x}, bit {}", kind.text, name, old, upper));
          for (const bool same : {true, false}) {
            ASSERT_TRUE(lease.memory("m")->store(16, old));
            const Value at = kind.is_64 ? Value::i64(16) : Value::i32(16);
            const std::uint64_t expected = (old ^ (same ? 0 : 1)) | std::uint64_t{1} << upper;
            const Value arguments[] = {at, number(expected), number(32)};
            const auto result = lease.call_values(name, arguments);
            ASSERT_TRUE(result) << result.error().to_string();
            EXPECT_EQ(result->front(), number(old));
            EXPECT_EQ(lease.memory("m")->load<std::uint64_t>(16).value(), same ? 32 : old);
          }
        }
      }
    }
  }
}

TEST(Atomics, LeaveMarks) {
  ModuleBuilder builder;
  builder.memory(1);
  std::vector<Op> writing;
  std::ranges::copy_if(operators(), std::back_inserter(writing),
                       [](Op op) { return has(op, ".rmw") || has(op, ".store"); });
  for (const Op op : writing) {
    Code code = Code().get(0);
    for (std::uint32_t i = 1; i < wasm::signature_of(op).operands; ++i)
      code.constant(wasm::signature_of(op).operand(i), i);
    if (has(op, ".cmpxchg")) code = Code().get(0).constant(wasm::signature_of(op).operand(1), 0).get(1);
    append(code, op, 8);
    if (wasm::signature_of(op).results != 0) code.op(Op::kDrop);
    builder.function({{kI32, wasm::signature_of(op).operand(1)}, {}}, {}, code, wasm::to_string(op));
  }
  const std::optional<Pool> pool = make_pool(builder);
  ASSERT_TRUE(pool);
  for (const Op op : writing) {
    const Value arguments[] = {Value::i32(20'000), {wasm::signature_of(op).operand(1), 3}};
    Lease lease = pool->acquire().value();
    ASSERT_TRUE(lease.call_values(wasm::to_string(op), arguments));
    EXPECT_TRUE(lease.memory().load<std::uint64_t>(20'008).value() != 0 || has(op, ".and")) << wasm::to_string(op);
    lease = pool->acquire().value();
    EXPECT_EQ(lease.memory().load<std::uint64_t>(20'008).value(), 0u) << wasm::to_string(op);
  }
  EXPECT_EQ(pool->statistics().audit_failures, 0u) << pool->audit_report();
}

TEST(Atomics, WorkOnTheSameLocalTwiceAndWithFlagsOnTheStack) {
  const Pool pool = anew::test::make_pool(R"((module (memory 1)
    (func (export "twice") (param i32) (result i32 i32 i32)
      (i32.atomic.rmw.add (local.get 0) (local.get 0))
      (i32.atomic.rmw.cmpxchg (local.get 0) (local.get 0) (local.get 0))
      (i32.atomic.rmw8.xchg_u (local.get 0) (i32.lt_u (local.get 0) (i32.const 9))))
    (func (export "fence") (param i32) (result i32)
      (i32.eq (local.get 0) (i32.const 8))
      (atomic.fence))))",
                                          {.audit_every = 1});
  Lease lease = pool.acquire().value();
  ASSERT_TRUE(lease.memory().store(8, 100u));
  const Value at[] = {Value::i32(8)};
  const auto results = lease.call_values("twice", at);
  ASSERT_TRUE(results) << results.error().to_string();
  EXPECT_EQ(*results, (std::vector<Value>{Value::i32(100), Value::i32(108), Value::i32(108)}));
  EXPECT_EQ(lease.memory().load<std::uint32_t>(8).value(), 1u);
  EXPECT_EQ(lease.call<std::uint32_t>("fence", 8u).value(), 1u);
  EXPECT_EQ(lease.call<std::uint32_t>("fence", 9u).value(), 0u);
}

TEST(Atomics, WorkInFurtherAndWideMemories) {
  const Pool pool = anew::test::make_pool(R"((module
    (memory 1) (memory 1) (memory i64 1)
    (func (export "other") (param i32 i64) (result i64)
      (i64.atomic.store 1 offset=8 (local.get 0) (local.get 1))
      (i64.add (i64.atomic.rmw16.sub_u 1 offset=8 (local.get 0) (i64.const 1))
        (i64.add (i64.atomic.rmw.cmpxchg 1 offset=8 (local.get 0) (i64.sub (local.get 1) (i64.const 1))
                                                                        (i64.const 1000))
                 (i64.atomic.load 1 offset=8 (local.get 0)))))
    (func (export "wide") (param i64 i64) (result i64)
      (i64.atomic.store 2 offset=8 (local.get 0) (local.get 1))
      (i64.add (i64.atomic.rmw16.sub_u 2 offset=8 (local.get 0) (i64.const 1))
        (i64.add (i64.atomic.rmw.cmpxchg 2 offset=8 (local.get 0) (i64.sub (local.get 1) (i64.const 1))
                                                                       (i64.const 1000))
                 (i64.atomic.load 2 offset=8 (local.get 0)))))
    (func (export "past") (param i64) (result i64)
      (i64.atomic.load 2 offset=0xFFFFFFF8 (local.get 0)))
    (func (export "main") (result i64) (i64.atomic.load (i32.const 16)))))",
                                          {.audit_every = 1});
  for (int round = 0; round < 2; ++round) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<std::uint64_t>("other", 65'520u, std::uint64_t{70'000}).value(),
              70'000 % 65'536 + 69'999 + 1'000);
    EXPECT_EQ(lease.call<std::uint64_t>("wide", std::uint64_t{65'520}, std::uint64_t{70'000}).value(),
              70'000 % 65'536 + 69'999 + 1'000);
    EXPECT_EQ(lease.call<std::uint64_t>("main").value(), 0u);
  }
  const auto trap = [&](std::string_view function, auto... arguments) {
    Lease lease = pool.acquire().value();
    const auto result = lease.call<std::uint64_t>(function, arguments...);
    return result ? TrapKind::kNone : result.error().trap;
  };
  EXPECT_EQ(trap("other", 65'528u, std::uint64_t{1}), TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(trap("other", 65'521u, std::uint64_t{1}), TrapKind::kUnalignedAtomic);
  EXPECT_EQ(trap("wide", std::uint64_t{65'528}, std::uint64_t{1}), TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(trap("wide", ~std::uint64_t{7}, std::uint64_t{1}), TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(trap("wide", std::uint64_t{4}, std::uint64_t{1}), TrapKind::kUnalignedAtomic);
  EXPECT_EQ(trap("past", std::uint64_t{8}), TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(trap("past", std::uint64_t{1}), TrapKind::kUnalignedAtomic);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Atomics, ThatTrapSayWhere) {
  const Pool pool = anew::test::make_pool(R"((module (memory 1)
    (func $f (export "f") (param i32) (result i32)
      (drop (i32.atomic.load (i32.const 0)))
      (i32.atomic.rmw.add (local.get 0) (i32.const 1)))))",
                                          {.audit_every = 1});
  std::vector<std::uint64_t> offsets;
  for (const std::uint32_t at : {1u, 65'536u}) {
    Lease lease = pool.acquire().value();
    const auto result = lease.call<std::uint32_t>("f", at);
    ASSERT_FALSE(result);
    ASSERT_EQ(result.error().backtrace.size(), 1u);
    offsets.push_back(result.error().backtrace.front().module_offset);
  }
  EXPECT_NE(offsets[0], 0u);
  EXPECT_EQ(offsets[0], offsets[1]);
}

}  // namespace
}  // namespace anew::codegen::test
