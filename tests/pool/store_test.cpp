// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <anew/store.hpp>
#include <random>

#include "support/linked.hpp"

namespace anew::test {
namespace {

constexpr StoreOptions kAudited{.audit = true};

constexpr std::string_view kLibrary = R"((module
  (memory (export "memory") 1 4) (table (export "table") 4 8 funcref) (global (export "g") (mut i32) (i32.const 1))
  (data (i32.const 8) "library") (func $two (export "two") (result i32) (i32.const 2))
  (elem (i32.const 0) func $two)
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "trap") (param i32) (i32.store (local.get 0) (i32.const -1)) unreachable)
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "size") (result i32) (memory.size))
  (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))))";

constexpr std::string_view kUser = R"((module
  (import "library" "memory" (memory 1)) (import "library" "table" (table 4 funcref))
  (import "library" "g" (global $g (mut i32))) (import "library" "two" (func $two (result i32)))
  (func $three (export "three") (result i32) (i32.add (call $two) (i32.const 1)))
  (elem (i32.const 2) func $three) (data (i32.const 100) "user")
  (func (export "change") (global.set $g (i32.const 50)) (i32.store (i32.const 8) (i32.const 0))
    (table.set 0 (i32.const 0) (ref.func $three)))))";

std::int32_t call_i32(const Instance& instance, std::string_view name, std::initializer_list<std::uint32_t> arguments) {
  std::vector<Value> values;
  for (const std::uint32_t argument : arguments) values.push_back(Value::i32(argument));
  const auto results = value_or_throw(instance.call_values(name, values));
  return results.empty() ? 0 : static_cast<std::int32_t>(results.at(0).bits);
}

TEST(Store, LinksInstancesByNameAndResetsThemTogether) {
  Store store(kAudited);
  const Instance library = store.instantiate(compile(kLibrary), Linker()).value();
  store.define("library", library);
  const Instance user = store.instantiate(compile(kUser), Linker()).value();
  ASSERT_TRUE(store.freeze());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(call_i32(library, "call", {0}), 2);
    EXPECT_EQ(call_i32(library, "call", {2}), 3) << "a function of the other instance";
    EXPECT_EQ(call_i32(library, "load", {100}), 0x72657375);
    EXPECT_EQ(user.global("none").error().code, ErrorCode::kNotFound);
    (void)call_i32(user, "change", {});
    EXPECT_EQ(library.global("g").value(), Value::i32(50));
    EXPECT_EQ(call_i32(library, "call", {0}), 3);
    if (i % 2 == 1) {
      EXPECT_EQ(call_i32(library, "grow", {}), 1);
    }
    if (i % 3 == 1) {
      EXPECT_FALSE(library.call_values("trap", std::vector{Value::i32(3000)}));
    }
    const auto done = store.reset();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(library.global("g").value(), Value::i32(1));
    EXPECT_EQ(call_i32(library, "size", {}), 1);
    EXPECT_EQ(library.memory().size(), 65'536u);
  }
}

TEST(Store, ResetGoesBackToTheLastFreeze) {
  Store store(kAudited);
  EXPECT_EQ(store.reset().error().code, ErrorCode::kArgument);
  const Instance library = store.instantiate(compile(kLibrary), Linker()).value();
  ASSERT_TRUE(store.freeze());
  for (std::uint32_t i = 1; i < 30; ++i) {
    (void)call_i32(library, "store", {64 * i, i});
    if (i == 7) (void)library.call_values("trap", std::vector{Value::i32(40'000)});
    if (i == 9) (void)call_i32(library, "grow", {});
    const auto frozen = store.freeze();
    ASSERT_TRUE(frozen) << frozen.error().message;
    (void)call_i32(library, "store", {64 * i, 99});
    (void)call_i32(library, "store", {65'000, 99});
    if (i % 4 == 0) (void)library.call_values("trap", std::vector{Value::i32(50'000)});
    const auto done = store.reset();
    ASSERT_TRUE(done) << done.error().message;
    for (std::uint32_t j = 1; j <= i; ++j) ASSERT_EQ(call_i32(library, "load", {64 * j}), static_cast<std::int32_t>(j));
    EXPECT_EQ(call_i32(library, "load", {40'000}), i >= 7 ? -1 : 0);
    EXPECT_EQ(call_i32(library, "load", {65'000}), 0);
    EXPECT_EQ(call_i32(library, "load", {50'000}), 0);
    EXPECT_EQ(call_i32(library, "size", {}), i >= 9 ? 2 : 1);
  }
}

TEST(Store, DropsInstancesMadeAfterTheFreezeAndWhatTheyWrote) {
  Store store(kAudited);
  const Instance library = store.instantiate(compile(kLibrary), Linker()).value();
  store.define("library", library);
  ASSERT_TRUE(store.freeze());
  const Module user = compile(kUser);
  const Module unmarked = compile(kUser, {.ledger = Ledger::kCow});
  for (int i = 0; i < 10; ++i) {
    const Instance made = store.instantiate(i % 3 == 2 ? unmarked : user, Linker()).value();
    store.define(i % 2 == 0 ? "user" : "library", made);
    EXPECT_EQ(call_i32(library, "call", {2}), 3);
    (void)call_i32(made, "change", {});
    const auto done = store.reset();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(call_i32(library, "load", {100}), 0);
    EXPECT_FALSE(library.call_values("call", std::vector{Value::i32(2)}));
    EXPECT_EQ(
        store.instantiate(compile(R"((module (import "user" "three" (func (result i32)))))"), Linker()).error().code,
        ErrorCode::kLink)
        << "the name is gone";
  }
}

TEST(Store, KeepsWhatAnInstanceWroteThatFailedOnTheWay) {
  Store store(kAudited);
  const Instance library = store.instantiate(compile(kLibrary), Linker()).value();
  store.define("library", library);
  const auto failed = store.instantiate(compile(R"((module
    (import "library" "memory" (memory 1)) (import "library" "table" (table 4 funcref))
    (func $nine (result i32) (i32.const 9)) (elem (i32.const 3) func $nine) (data (i32.const 200) "\2a")
    (data (i32.const 65536) "does not fit")))"),
                                        Linker());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().trap, TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(call_i32(library, "load", {200}), 42);
  EXPECT_EQ(call_i32(library, "call", {3}), 9) << "a function of the instance that nobody got";
  ASSERT_TRUE(store.freeze());
  (void)call_i32(library, "store", {200, 1});
  ASSERT_TRUE(store.reset());
  EXPECT_EQ(call_i32(library, "load", {200}), 42);
  EXPECT_EQ(call_i32(library, "call", {3}), 9);
}

TEST(Store, SaysWhatAnAuditFinds) {
  Store store(kAudited);
  const Instance library = store.instantiate(compile(kLibrary), Linker()).value();
  ASSERT_TRUE(store.freeze());
  library.state()->memory(0).base[77] = std::byte{1};  // what no card tells
  const auto failed = store.reset();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kHost);
  EXPECT_NE(failed.error().message.find("memory 0, byte 77: expected 0x00, found 0x01"), std::string::npos)
      << failed.error().message;
}

TEST(Store, MovesWithItsInstances) {
  Store store(kAudited);
  const Instance library = store.instantiate(compile(kLibrary), Linker()).value();
  ASSERT_TRUE(store.freeze());
  Store moved = std::move(store);
  (void)call_i32(library, "store", {0, 7});
  ASSERT_TRUE(moved.reset());
  EXPECT_EQ(call_i32(library, "load", {0}), 0);
}

}  // namespace
}  // namespace anew::test
