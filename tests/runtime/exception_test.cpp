// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exceptions that cross instances: which tag is which, what they carry, where they end.
#include "group.hpp"

namespace anew::test {
namespace {

using wasm::Op;

Value i32(std::uint32_t value) { return Value::i32(value); }

constexpr std::string_view kLibrary = R"((module
  (tag $tag (export "tag") (param i32)) (tag $other (export "other") (param i64 v128))
  (func $throw (export "throw") (param i32) (throw $tag (local.get 0)))
  (func (export "throw_other") (throw $other (i64.const 7) (v128.const i64x2 8 9)))
  (func (export "throw_deep") (param i32)
    (if (i32.eqz (local.get 0)) (then (throw $tag (i32.const 99))))
    (call 2 (i32.sub (local.get 0) (i32.const 1))))))";

/// Passes exceptions on from one instance to the next.
constexpr std::string_view kMiddle = R"((module
  (import "library" "throw" (func $throw (param i32))) (import "library" "throw_other" (func $throw_other))
  (import "library" "throw_deep" (func $throw_deep (param i32)))
  (memory 1)
  (func (export "throw") (param i32) (call $throw (local.get 0)))
  (func (export "throw_other") (call $throw_other))
  (func (export "throw_deep") (param i32) (call $throw_deep (local.get 0)))))";

/// The same by tail calls: its functions are gone when the exception comes.
constexpr std::string_view kTail = R"((module
  (import "library" "throw" (func $throw (param i32))) (import "library" "throw_other" (func $throw_other))
  (import "library" "throw_deep" (func $throw_deep (param i32)))
  (memory 1)
  (func (export "throw") (param i32) (return_call $throw (local.get 0)))
  (func (export "throw_other") (return_call $throw_other))
  (func (export "throw_deep") (param i32) (return_call $throw_deep (local.get 0)))))";

constexpr std::uint8_t kCatch = 0;
constexpr std::uint8_t kCatchRef = 1;
constexpr std::uint8_t kCatchAll = 2;
constexpr std::uint8_t kI32Byte = 0x7F;
constexpr std::uint8_t kI64Byte = 0x7E;
constexpr std::uint8_t kV128Byte = 0x7B;
constexpr std::uint8_t kExnRefByte = 0x69;
constexpr std::uint8_t kVoid = 0x40;

Code block(std::uint8_t type) { return Code().byte(0x02).byte(type); }
Code body(const Code& code) { return Code().unsigned_leb(code.size() + 2).byte(0).append(code).byte(0x0B); }

/// (import "library" "tag") and "other", "throw", "throw_other", "throw_deep" from `from`; exports:
///   catch (i32) -> i32     the value that throw(i32) threw
///   other () -> i64        what throw_other threw, added up
///   rethrow (i32) -> i32   what throw(i32) threw, caught by reference and thrown again
///   miss () -> i32         a clause for the wrong tag, then catch_all: 5
///   deep (i32) -> i32      what throw_deep(i32) threw
///   uncaught () -> ()      a clause for the wrong tag
Module catcher(std::string_view from) {
  Code imports;
  imports.byte(5).name("library").name("tag").byte(4).byte(0).byte(0);
  imports.name("library").name("other").byte(4).byte(0).byte(1);
  imports.name(from).name("throw").byte(0).byte(0);
  imports.name(from).name("throw_other").byte(0).byte(2);
  imports.name(from).name("throw_deep").byte(0).byte(0);
  Code types;
  types.byte(8).byte(0x60).byte(1).byte(kI32Byte).byte(0);            // 0: [i32] -> []
  types.byte(0x60).byte(2).byte(kI64Byte).byte(kV128Byte).byte(0);    // 1: [i64 v128] -> []
  types.byte(0x60).byte(0).byte(0);                                   // 2: [] -> []
  types.byte(0x60).byte(1).byte(kI32Byte).byte(1).byte(kI32Byte);     // 3: [i32] -> [i32]
  types.byte(0x60).byte(0).byte(1).byte(kI64Byte);                    // 4: [] -> [i64]
  types.byte(0x60).byte(0).byte(2).byte(kI64Byte).byte(kV128Byte);    // 5: [] -> [i64 v128]
  types.byte(0x60).byte(0).byte(2).byte(kI32Byte).byte(kExnRefByte);  // 6: [] -> [i32 exnref]
  types.byte(0x60).byte(0).byte(1).byte(kI32Byte);                    // 7: [] -> [i32]
  const Code try_one = Code().byte(0x1F).byte(kVoid).byte(1);
  const auto caught = [&](std::uint32_t function) {
    return block(kI32Byte).append(try_one).byte(kCatch).byte(0).byte(0).get(0).call(function).end().i32(~0u).end();
  };
  const Code other = block(5)
                         .append(try_one)
                         .byte(kCatch)
                         .byte(1)
                         .byte(0)
                         .call(1)
                         .end()
                         .byte(0x00)
                         .end()
                         .op(Op::kI64x2ExtractLane)
                         .byte(1)
                         .op(Op::kI64Add);
  const Code again = block(kI32Byte)
                         .append(try_one)
                         .byte(kCatch)
                         .byte(0)
                         .byte(0)
                         .append(block(6))
                         .append(try_one)
                         .byte(kCatchRef)
                         .byte(0)
                         .byte(0)
                         .get(0)
                         .call(0)
                         .end()
                         .byte(0x00)
                         .end()
                         .op(Op::kThrowRef)
                         .end()
                         .byte(0x00)
                         .end();
  const Code miss = block(kVoid)
                        .append(Code().byte(0x1F).byte(kVoid).byte(2))
                        .byte(kCatch)
                        .byte(0)
                        .byte(1)
                        .byte(kCatchAll)
                        .byte(0)
                        .call(1)
                        .end()
                        .i32(4)
                        .byte(0x0F)
                        .end()
                        .i32(5);
  const Code wrong_tag =
      block(kI32Byte).append(try_one).byte(kCatch).byte(0).byte(0).call(1).end().byte(0x0F).end().op(Op::kDrop);
  Code bodies;
  bodies.byte(6)
      .append(body(caught(0)))
      .append(body(other))
      .append(body(again))
      .append(body(block(kI32Byte).append(miss).end()));
  bodies.append(body(caught(2))).append(body(wrong_tag));
  Code exports;
  exports.byte(6).name("catch").byte(0).byte(3).name("other").byte(0).byte(4).name("rethrow").byte(0).byte(5);
  exports.name("miss").byte(0).byte(6).name("deep").byte(0).byte(7).name("uncaught").byte(0).byte(8);
  return raw_module({{1, types},
                     {2, imports},
                     {3, Code().byte(6).byte(3).byte(4).byte(3).byte(7).byte(3).byte(2)},
                     {7, exports},
                     {10, bodies}});
}

class CrossException : public testing::TestWithParam<const char*> {
 protected:
  CrossException() {
    group.add("library", kLibrary);
    group.add("middle", kMiddle);
    group.add("tail", kTail);
  }
  Group group;
};

TEST_P(CrossException, IsCaughtByTheTagThatAnotherInstanceDefines) {
  const Instance user = group.add("user", catcher(GetParam()));
  ASSERT_TRUE(group.store.freeze().has_value());
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(call(user, "catch", {i32(40 + i)}), i32(40 + i));
    EXPECT_EQ(call(user, "other"), Value::i64(7 + 9));
    EXPECT_EQ(call(user, "miss"), i32(5));
    EXPECT_EQ(call(user, "deep", {i32(500)}), i32(99));
    EXPECT_EQ(call(user, "rethrow", {i32(60 + i)}), i32(60 + i));
  }
  const auto reset = group.store.reset();
  ASSERT_TRUE(reset.has_value()) << reset.error().to_string();
  EXPECT_EQ(call(user, "catch", {i32(3)}), i32(3));
}

TEST_P(CrossException, ThatNothingCatchesTrapsWhereItWasThrown) {
  const Instance user = group.add("user", catcher(GetParam()));
  const Error error = call_error(user, "uncaught");
  EXPECT_EQ(error.trap, TrapKind::kUnhandledException);
  EXPECT_EQ(error.message, "unhandled exception");
  const bool between = GetParam() == std::string_view("middle");
  ASSERT_EQ(error.backtrace.size(), between ? 3u : 2u);
  EXPECT_EQ(error.backtrace.front().instance_name, "library");
  EXPECT_EQ(error.backtrace.front().function_name, "throw_other");
  EXPECT_NE(error.backtrace.front().module_offset, 0u);
  EXPECT_EQ(error.backtrace.back().instance_name, "user");
  EXPECT_EQ(error.backtrace.back().function_name, "uncaught");
  EXPECT_EQ(call(user, "catch", {i32(3)}), i32(3));
}

INSTANTIATE_TEST_SUITE_P(From, CrossException, testing::Values("library", "middle", "tail"),
                         [](const auto& each) { return std::string(each.param); });

/// Instances of one module have tags of their own: what one throws, the clauses of the other do not name.
TEST(Tags, OfTwoInstancesOfOneModuleDiffer) {
  // run: 1 if its own tag caught what element 0 of the shared table threw, 2 if catch_all did.
  const Module module = raw_module({
      {1, Code().byte(2).byte(0x60).byte(0).byte(0).byte(0x60).byte(0).byte(1).byte(kI32Byte)},
      {2, Code().byte(1).name("table").name("table").byte(1).byte(0x70).byte(0).byte(1)},
      {3, Code().byte(2).byte(0).byte(1)},
      {13, Code().byte(1).byte(0).byte(0)},
      {7, Code().byte(2).name("throw").byte(0).byte(0).name("run").byte(0).byte(1)},
      {10, Code()
               .byte(2)
               .append(body(Code().op(Op::kThrow, 0)))
               .append(body(block(kVoid)
                                .append(block(kVoid))
                                .byte(0x1F)
                                .byte(kVoid)
                                .byte(2)
                                .byte(kCatch)
                                .byte(0)
                                .byte(0)
                                .byte(kCatchAll)
                                .byte(1)
                                .i32(0)
                                .byte(0x11)
                                .byte(0)
                                .byte(0)
                                .end()
                                .i32(0)
                                .byte(0x0F)
                                .end()
                                .i32(1)
                                .byte(0x0F)
                                .end()
                                .i32(2)))},
  });
  Group group;
  group.add("table", R"((module (table (export "table") 1 funcref)))");
  const Instance first = group.add("first", module);
  const Instance second = group.add("second", module);
  const auto throw_from = [&](const char* name) {
    group.add("relay", std::string("(module (import \"") + name +
                           R"(" "throw" (func $throw)) (import "table" "table" (table 1 funcref))
      (elem (i32.const 0) $relay) (func $relay (call $throw))))");
  };
  throw_from("first");
  EXPECT_EQ(call(first, "run"), i32(1));
  EXPECT_EQ(call(second, "run"), i32(2));
  throw_from("second");
  EXPECT_EQ(call(first, "run"), i32(2));
  EXPECT_EQ(call(second, "run"), i32(1));
}

/// A module with one own tag that carries a hundred i64: hold(n) catches n exceptions by reference and drops the
/// references, pass(n) catches them without.
Module hoarder() {
  Code types;
  types.byte(3).byte(0x60).byte(100);
  for (int i = 0; i < 100; ++i) types.byte(kI64Byte);
  types.byte(0).byte(0x60).byte(1).byte(kI32Byte).byte(0).byte(0x60).byte(0).byte(0);
  Code thrower;
  for (int i = 0; i < 100; ++i) thrower.i64(1);
  thrower.op(Op::kThrow, 0);
  const auto loop = [&](std::uint8_t kind, std::uint8_t caught) {
    Code code;
    code.byte(0x03)
        .byte(kVoid)
        .append(block(caught))
        .byte(0x1F)
        .byte(kVoid)
        .byte(1)
        .byte(kind)
        .byte(0)
        .call(0)
        .end()
        .byte(0x00)
        .end();
    if (caught != kVoid) code.op(Op::kDrop);
    code.get(0).i32(1).op(Op::kI32Sub).byte(0x22).byte(0).byte(0x0D).byte(0).end();
    return code;
  };
  return raw_module(
      {{1, types},
       {3, Code().byte(3).byte(2).byte(1).byte(1)},
       {13, Code().byte(1).byte(0).byte(0)},
       {7, Code().byte(2).name("pass").byte(0).byte(1).name("hold").byte(0).byte(2)},
       {10,
        Code().byte(3).append(body(thrower)).append(body(loop(kCatchAll, kVoid))).append(body(loop(3, kExnRefByte)))}});
}

TEST(Exceptions, TakeRoomOnlyWhileTheyAreHeld) {
  Group group;
  const Instance instance = group.add("m", hoarder());
  ASSERT_TRUE(group.store.freeze().has_value());
  for (int round = 0; round < 2; ++round) {
    call(instance, "pass", {i32(200'000)});
    call(instance, "hold", {i32(200'000)});
    const auto reset = group.store.reset();
    ASSERT_TRUE(reset.has_value()) << reset.error().to_string();
  }
}

TEST(Exceptions, DoNotCrossTheHost) {
  Group group;
  const Instance library = group.add("library", kLibrary);
  Linker linker;
  TrapKind seen = TrapKind::kNone;
  linker.define("env", "throw", [&](std::int32_t value) -> Result<void> {
    auto result = try_call(library, "throw", {Value::i32(static_cast<std::uint32_t>(value))});
    if (result) return {};
    seen = result.error().trap;
    if (value == 1) return {};  // the host may do without
    return std::unexpected(std::move(result.error()));
  });
  linker.define("env", "throw_other", [] {});
  linker.define("env", "throw_deep", [](std::int32_t) {});
  auto user = group.store.instantiate(catcher("env"), linker);
  ASSERT_TRUE(user.has_value()) << user.error().to_string();
  EXPECT_EQ(call(*user, "catch", {i32(1)}), i32(~0u)) << "nothing was thrown here";
  EXPECT_EQ(seen, TrapKind::kUnhandledException);
  const Error error = call_error(*user, "catch", {i32(2)});
  EXPECT_EQ(error.trap, TrapKind::kUnhandledException) << "a trap, which no clause catches";
  EXPECT_EQ(error.backtrace.size(), 3u) << error.to_string();
}

TEST(Exceptions, PassToAndFromTheHostAsNullOnly) {
  // (func (export "same") (param exnref) (result exnref)), and one that returns an exception.
  const Module module = raw_module({
      {1, Code()
              .byte(3)
              .byte(0x60)
              .byte(1)
              .byte(kExnRefByte)
              .byte(1)
              .byte(kExnRefByte)
              .byte(0x60)
              .byte(0)
              .byte(0)
              .byte(0x60)
              .byte(0)
              .byte(1)
              .byte(kExnRefByte)},
      {3, Code().byte(2).byte(0).byte(2)},
      {13, Code().byte(1).byte(0).byte(1)},
      {7, Code().byte(2).name("same").byte(0).byte(0).name("make").byte(0).byte(1)},
      {10, Code()
               .byte(2)
               .append(body(Code().get(0)))
               .append(body(block(kExnRefByte)
                                .byte(0x1F)
                                .byte(kVoid)
                                .byte(1)
                                .byte(3)
                                .byte(0)
                                .op(Op::kThrow, 0)
                                .end()
                                .byte(0x00)
                                .end()))},
  });
  Group group;
  const Instance instance = group.add("m", module);
  EXPECT_EQ(call(instance, "same", {{ValueType::kExnRef, 0}}).bits, 0u);
  const Value made = call(instance, "make");
  EXPECT_EQ(made.type, ValueType::kExnRef);
  EXPECT_NE(made.bits, 0u);
  const Error error = call_error(instance, "same", {made});
  EXPECT_EQ(error.code, ErrorCode::kArgument);
  EXPECT_TRUE(contains(error.message, "the host can pass null only"));
}

}  // namespace
}  // namespace anew::test
