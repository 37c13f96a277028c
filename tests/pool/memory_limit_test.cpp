// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// PoolOptions::maximum_memory_bytes and StoreOptions::maximum_memory_bytes: one limit for all memories and tables of a
// lease, the same in each lease.
#include <gtest/gtest.h>
#include <unistd.h>

#include <anew/store.hpp>
#include <filesystem>

#include "support/wat.hpp"

namespace anew::test {
namespace {

constexpr std::uint64_t kPage = 65'536;

constexpr std::string_view kTwoMemories = R"((module (memory $a (export "a") 2) (memory $b 1) (table $t 100 funcref)
  (func $f) (elem declare func $f)
  (func (export "grow_a") (param i32) (result i32) (memory.grow $a (local.get 0)))
  (func (export "grow_b") (param i32) (result i32) (memory.grow $b (local.get 0)))
  (func (export "grow_t") (param i32) (result i32) (table.grow $t (ref.func $f) (local.get 0)))
  (func (export "grow_and_trap") (drop (memory.grow $a (i32.const 1))) unreachable)
  (func (export "size_a") (result i32) (memory.size $a))))";
constexpr std::uint64_t kInitial = 3 * kPage + 800;

std::int32_t call(Lease& lease, std::string_view name, std::int32_t argument) {
  return lease.call<std::int32_t>(name, argument).value();
}

struct Way {
  const char* name;
  CompileOptions options;
};
void PrintTo(const Way& way, std::ostream* stream) { *stream << way.name; }

class MemoryLimit : public testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(Ways, MemoryLimit,
                         testing::Values(Way{"guard", {}}, Way{"explicit_bounds", {.explicit_bounds = true}},
                                         Way{"cow", {.ledger = Ledger::kCow}}),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(MemoryLimit, IsOneForAllMemoriesAndTablesAndTheSameInEachLease) {
  const Pool pool =
      make_pool(kTwoMemories, {.capacity = 1, .audit_every = 1, .maximum_memory_bytes = kInitial + 3 * kPage}, {},
                GetParam().options);
  for (int round = 0; round < 6; ++round) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(call(lease, "grow_a", 4), -1) << "past the limit at once";
    EXPECT_EQ(call(lease, "grow_a", 1), 2);
    EXPECT_EQ(call(lease, "grow_b", 1), 1);
    EXPECT_EQ(call(lease, "grow_b", 2), -1);
    EXPECT_EQ(call(lease, "grow_t", 8193), -1) << "an element counts eight bytes";
    EXPECT_EQ(call(lease, "grow_t", 8191), 100);
    EXPECT_EQ(call(lease, "grow_t", 1), 8291) << "exactly the limit";
    EXPECT_EQ(call(lease, "grow_t", 1), -1);
    EXPECT_EQ(call(lease, "grow_a", 1), -1);
    EXPECT_EQ(call(lease, "grow_a", 0), 3);
    const auto refused = lease.memory("a").value().grow(1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kResource);
    EXPECT_NE(refused.error().message.find("maximum_memory_bytes"), std::string::npos) << refused.error().message;
    if (round % 2 == 1) {
      EXPECT_EQ(lease.call("grow_and_trap").error().trap, TrapKind::kUnreachable);
    }
  }
  Lease fresh = pool.instantiate().value();
  EXPECT_EQ(call(fresh, "grow_a", 3), 2) << "the same in an instance made the slow way";
  EXPECT_EQ(call(fresh, "grow_a", 1), -1);
  EXPECT_EQ(pool.audit_report(), "");
}

TEST_P(MemoryLimit, CoversWhatTheHostGrows) {
  const Pool pool =
      make_pool(kTwoMemories, {.capacity = 1, .maximum_memory_bytes = kInitial + kPage}, {}, GetParam().options);
  for (int round = 0; round < 3; ++round) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.memory().grow(1).value(), 2u);
    EXPECT_FALSE(lease.memory().grow(1));
    EXPECT_EQ(call(lease, "grow_b", 1), -1);
  }
}

TEST(MemoryLimitAtFirst, RefusesAModuleThatBeginsWithMore) {
  const auto refused = [](std::string_view text, PoolOptions options) {
    const auto pool = Pool::create(compile(text), Linker(), std::move(options));
    if (pool) return std::string("it was not refused");
    EXPECT_EQ(pool.error().code, ErrorCode::kLimit) << pool.error().message;
    return pool.error().message;
  };
  const std::string message = refused(kTwoMemories, {.maximum_memory_bytes = kInitial - 1});
  EXPECT_NE(message.find("197408 bytes"), std::string::npos) << message;
  EXPECT_NE(message.find("197407"), std::string::npos) << message;
  EXPECT_NE(message.find("maximum_memory_bytes"), std::string::npos) << message;
  EXPECT_TRUE(Pool::create(compile(kTwoMemories), Linker(), {.maximum_memory_bytes = kInitial}));
  PoolOptions extra{.maximum_memory_bytes = kInitial};
  extra.snapshot.extra_memory_pages = 1;
  EXPECT_NE(refused(kTwoMemories, extra), "");
  std::string many = "(module ";
  for (int i = 0; i < 100; ++i) many += "(memory 65536)";
  EXPECT_NE(refused(many + ")", {}), "") << "a hundred memories of 4 GiB, by default";
}

TEST(MemoryLimitAtFirst, CountsWhatAPreludeGrewAndItIsTheLimitOfThePrelude) {
  constexpr std::string_view kPrelude = R"((module (memory 1) (global $first (mut i32) (i32.const 0))
    (global $second (mut i32) (i32.const 0))
    (func (export "prepare") (global.set $first (memory.grow (i32.const 2)))
      (global.set $second (memory.grow (i32.const 2))))
    (func (export "first") (result i32) (global.get $first)) (func (export "second") (result i32) (global.get $second))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))))";
  const Pool pool =
      make_pool(kPrelude, {.capacity = 1, .snapshot = {.prelude = {"prepare"}}, .maximum_memory_bytes = 4 * kPage});
  for (int round = 0; round < 3; ++round) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<std::int32_t>("first").value(), 1);
    EXPECT_EQ(lease.call<std::int32_t>("second").value(), -1);
    EXPECT_EQ(call(lease, "grow", 2), -1);
    EXPECT_EQ(call(lease, "grow", 1), 3);
  }
  // A snapshot file holds what it holds: pools with less are refused.
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("anew-limit-" + std::to_string(getpid()) + ".snapshot");
  ASSERT_TRUE(pool.save_snapshot(path));
  const auto loaded = Engine(EngineOptions{.cache = false}).load(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(loaded);
  const auto refused = Pool::create(*loaded, Linker(), {.capacity = 1, .maximum_memory_bytes = 3 * kPage - 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit) << refused.error().message;
  const auto same = Pool::create(*loaded, Linker(), {.capacity = 1, .maximum_memory_bytes = 4 * kPage});
  ASSERT_TRUE(same) << same.error().message;
  Lease lease = same->acquire().value();
  EXPECT_EQ(call(lease, "grow", 2), -1);
  EXPECT_EQ(call(lease, "grow", 1), 3);
}

TEST(MemoryLimitOfAStore, CoversAllItsInstances) {
  const Module library = compile(R"((module (memory (export "memory") 2)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))))");
  const Module user = compile(R"((module (import "library" "memory" (memory 2)) (table $t 0 funcref)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "grow_t") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))))");
  Linker linker;
  linker.define_module("library", library);
  const Pool pool = Pool::create(user, linker, {.capacity = 1, .maximum_memory_bytes = 4 * kPage}).value();
  for (int round = 0; round < 3; ++round) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(call(lease, "grow", 1), 2) << "the other instance's memory";
    EXPECT_EQ(call(lease, "grow_t", 8193), -1);
    EXPECT_EQ(call(lease, "grow_t", 8192), 0);
    EXPECT_EQ(call(lease, "grow", 1), -1);
  }

  Store store({.audit = true, .maximum_memory_bytes = 5 * kPage});
  const Instance first = store.instantiate(library, Linker()).value();
  ASSERT_TRUE(store.freeze());
  for (int round = 0; round < 3; ++round) {
    const Instance second = store.instantiate(library, Linker()).value();
    const auto third = store.instantiate(library, Linker());
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code, ErrorCode::kLimit) << third.error().message;
    EXPECT_EQ(second.call_values("grow", std::vector{Value::i32(1)}).value().at(0), Value::i32(2));
    EXPECT_EQ(first.call_values("grow", std::vector{Value::i32(1)}).value().at(0), Value::i32(-1));
    ASSERT_TRUE(store.reset());
    EXPECT_EQ(first.call_values("grow", std::vector{Value::i32(3)}).value().at(0), Value::i32(2));
    EXPECT_EQ(first.call_values("grow", std::vector{Value::i32(1)}).value().at(0), Value::i32(-1));
    ASSERT_TRUE(store.reset());
  }
  // What was grown before it was frozen is part of the state.
  EXPECT_EQ(first.call_values("grow", std::vector{Value::i32(2)}).value().at(0), Value::i32(2));
  ASSERT_TRUE(store.freeze());
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(first.call_values("grow", std::vector{Value::i32(2)}).value().at(0), Value::i32(-1));
    EXPECT_EQ(first.call_values("grow", std::vector{Value::i32(1)}).value().at(0), Value::i32(4));
    ASSERT_TRUE(store.reset());
  }
}

}  // namespace
}  // namespace anew::test
