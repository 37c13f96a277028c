// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exceptions that a call holds by reference are state like any other: the restore drops them.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/linked.hpp"
#include "support/module_builder.hpp"

namespace anew::test {
namespace {

using wasm::Op;

/// Throws and catches as often as local 0 says, and keeps the last exception in global 0.
Code hold_exceptions(const Code& thrown) {
  Code code;
  code.open(Op::kLoop).open(Op::kBlock, ValueType::kExnRef);
  code.open(Op::kTryTable).unsigned_leb(1).byte(static_cast<std::uint8_t>(wasm::CatchKind::kCatchAllRef)).byte(0);
  code.append(thrown).end().op(Op::kUnreachable).end();
  code.op(Op::kGlobalSet, 0);
  code.get(0).i32(1).op(Op::kI32Sub).tee(0).op(Op::kBrIf, 0).end();
  return code;
}

ModuleBuilder make_module() {
  ModuleBuilder builder;
  const std::uint32_t tag = builder.tag({kI32});
  builder.global(ValueType::kExnRef, 0);
  builder.memory(1);
  builder.function({{kI32}, {}}, {}, hold_exceptions(Code().i32(5).op(Op::kThrow, tag)), "hold");
  // Each holds the last one.
  const std::uint32_t link = builder.tag({ValueType::kExnRef});
  builder.function({{kI32}, {}}, {}, hold_exceptions(Code().op(Op::kGlobalGet, 0).op(Op::kThrow, link)), "chain");
  builder.function({{}, {}}, {}, Code().op(Op::kRefNull).type(ValueType::kExnRef).op(Op::kGlobalSet, 0), "forget");
  builder.function({{}, {}}, {}, Code().i32(5).op(Op::kThrow, tag), "throw");
  return builder;
}

Module compile_binary(const ModuleBuilder& builder) {
  const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  return value_or_throw(engine.compile(builder.finish()));
}

TEST(HeldExceptions, AreDroppedByTheRestore) {
  Fixture fixture(compile_binary(make_module()));
  for (const std::uint32_t count : {1u, 1000u, 100'000u}) {
    ASSERT_EQ(call(fixture.main(), "hold", {count}), 0u);
    // Those that nothing holds are collected when they take more than a MiB.
    EXPECT_GE(fixture.main().header().exception_bytes,
              std::min<std::uint64_t>(count * sizeof(abi::Exception), 1 << 19));
    EXPECT_LE(fixture.main().header().exception_bytes, 2u << 20);
    EXPECT_NE(*fixture.main().global(0), 0u);
    EXPECT_NE(fixture.audit(), "");
    EXPECT_EQ(fixture.restore(), "") << count;
  }
}

TEST(HeldExceptions, ThatFillTheRoomTrapAndTheRoomIsThereAgain) {
  Fixture fixture(compile_binary(make_module()));
  for (int i = 0; i < 2; ++i) {
    const auto trap = static_cast<TrapKind>(call(fixture.main(), "chain", {0}));  // for ever, all but
    EXPECT_EQ(trap, TrapKind::kExceptionsExhausted);
    EXPECT_EQ(fixture.restore(), "");
  }
  EXPECT_EQ(static_cast<TrapKind>(call(fixture.main(), "throw")), TrapKind::kUnhandledException);
  EXPECT_EQ(fixture.restore(), "");
}

TEST(HeldExceptions, CannotBeFrozen) {
  Fixture fixture(compile_binary(make_module()));
  ASSERT_EQ(call(fixture.main(), "hold", {1}), 0u);
  const auto refused = reset::Snapshot::of(*fixture.store);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().message.find("global 0 holds an exception"), std::string::npos) << refused.error().message;
  ASSERT_EQ(call(fixture.main(), "forget"), 0u);
  EXPECT_TRUE(reset::Snapshot::of(*fixture.store));
}

}  // namespace
}  // namespace anew::test
