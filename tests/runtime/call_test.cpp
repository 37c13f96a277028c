// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls of exports: by handle, by name, with values known at run time; and what is wrong with a call.
#include "group.hpp"

namespace anew::test {
namespace {

constexpr std::string_view kText = R"((module
  (memory (export "memory") 1)
  (global (export "answer") i32 (i32.const 42))
  (global $negative (export "negative") (mut i64) (i64.const -1))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "add_float") (param f32 f64) (result f64) (f64.add (f64.promote_f32 (local.get 0)) (local.get 1)))
  (func (export "many") (param i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 i64 i64)
    (result i64 i64 i64 i64 i64 i64 f64)
    (local.get 1) (local.get 5) (local.get 9) (local.get 13) (local.get 14) (local.get 15) (local.get 11))
  (func (export "nothing"))
  (func $self (export "self") (result funcref) (ref.func $self))
  (func (export "is_null") (param funcref) (result i32) (ref.is_null (local.get 0)))
  (func (export "same") (param externref) (result externref) (local.get 0))
))";

TEST(Call, ByHandleAndByName) {
  const Pool pool = make_pool(kText);
  const auto add = pool.function<std::uint32_t(std::uint32_t, std::uint32_t)>("add").value();
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call(add, 2u, 40u).value(), 42u);
  EXPECT_EQ(lease.call<std::int32_t>("add", -3, 1).value(), -2);
  EXPECT_EQ(lease.call<double>("add_float", 0.5f, 0.25).value(), 0.75);
  EXPECT_TRUE(lease.call("nothing").has_value());
  EXPECT_EQ(lease.call<std::uint32_t>("add", 0xFFFFFFFFu, 1u).value(), 0u);
}

TEST(Call, WithValuesPassesManyArgumentsAndResults) {
  const Pool pool = make_pool(kText);
  std::vector<Value> arguments;
  for (std::uint32_t i = 0; i < 12; i += 4) {
    arguments.push_back(Value::i32(i));
    arguments.push_back(Value::i64(i + 1));
    arguments.push_back(Value::f32(static_cast<float>(i + 2)));
    arguments.push_back(Value::f64(i + 3));
  }
  arguments.push_back(Value::i32(12));
  for (std::uint32_t i = 13; i < 16; ++i) arguments.push_back(Value::i64(i));
  const std::vector<Value> expected = {Value::i64(1),  Value::i64(5),  Value::i64(9),   Value::i64(13),
                                       Value::i64(14), Value::i64(15), Value::f64(11.0)};
  EXPECT_EQ(pool.acquire()->call_values("many", arguments).value(), expected);
}

TEST(Call, OfTheWrongTypeSaysBothTypes) {
  const Pool pool = make_pool(kText);
  Lease lease = pool.acquire().value();
  const Error error = lease.call<std::int64_t>("add", 1, 2).error();
  EXPECT_EQ(error.code, ErrorCode::kArgument);
  EXPECT_EQ(error.message, "the function \"add\" is [i32 i32] -> [i32], but is called as [i32 i32] -> [i64]");
  EXPECT_EQ(pool.function<void(float)>("nothing").error().code, ErrorCode::kArgument);
}

TEST(Call, OfAMissingExportNamesNearOnes) {
  const Pool pool = make_pool(kText);
  const Error error = pool.acquire()->call("nothin").error();
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_NE(error.message.find("\"nothing\""), std::string::npos) << error.message;
  EXPECT_EQ(pool.acquire()->call("memory").error().message, "the export \"memory\" is a memory, not a function");
}

TEST(Call, WithValuesSaysWhatIsWrongWithThem) {
  const Pool pool = make_pool(kText);
  Lease lease = pool.acquire().value();
  const auto message = [&lease](std::string_view name, std::vector<Value> arguments) {
    const auto result = lease.call_values(name, arguments);
    EXPECT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::kArgument);
    return result.error().message;
  };
  EXPECT_EQ(message("add", {Value::i32(1)}), "the function \"add\" is [i32 i32] -> [i32]: it takes 2 arguments, not 1");
  EXPECT_EQ(message("add", {Value::i32(1), Value::i64(1)}),
            "argument 2 of \"add\" must be i32, is i64; the function is [i32 i32] -> [i32]");
  EXPECT_NE(message("add", {Value::i32(1), Value{ValueType::kI32, 1ull << 32}}).find("above the low 32"),
            std::string::npos);
}

TEST(FunctionReferences, PassOnlyIfTheInstanceHandedThemOut) {
  const Pool pool = make_pool(kText);
  Lease lease = pool.acquire().value();
  const Value self = lease.call_values("self", {}).value().at(0);
  EXPECT_NE(self.bits, 0u);
  const auto is_null = [&lease](std::uint64_t bits) {
    const std::vector<Value> arguments = {{ValueType::kFuncRef, bits}};
    return lease.call_values("is_null", arguments);
  };
  EXPECT_EQ(is_null(self.bits).value().at(0), Value::i32(0));
  EXPECT_EQ(is_null(0).value().at(0), Value::i32(1));
  EXPECT_EQ(is_null(self.bits + 8).error().code, ErrorCode::kArgument);
  EXPECT_EQ(is_null(1).error().code, ErrorCode::kArgument);
  EXPECT_EQ(is_null(self.bits + (1 << 20)).error().code, ErrorCode::kArgument);
  const std::vector<Value> external = {{ValueType::kExternRef, 0x1234567812345678}};
  EXPECT_EQ(lease.call_values("same", external).value(), external) << "an externref is the host's own business";
}

TEST(FunctionReferences, OfAGivenTypePassOnlyIfTheyAreOfIt) {
  constexpr std::uint8_t kI32Byte = 0x7F;
  // $number = [] -> [i32], [(ref null $number)] -> [i32], [(ref $number)] -> [i32], [] -> [funcref]
  const Module module = raw_module({
      {1, Code()
              .byte(4)
              .byte(0x60)
              .byte(0)
              .byte(1)
              .byte(kI32Byte)
              .byte(0x60)
              .byte(1)
              .byte(0x63)
              .byte(0)
              .byte(1)
              .byte(kI32Byte)
              .byte(0x60)
              .byte(1)
              .byte(0x64)
              .byte(0)
              .byte(1)
              .byte(kI32Byte)
              .byte(0x60)
              .byte(0)
              .byte(1)
              .byte(0x70)},
      {3, Code().byte(5).byte(0).byte(1).byte(2).byte(3).byte(3)},
      {7, Code()
              .byte(4)
              .name("is_null")
              .byte(0)
              .byte(1)
              .name("run")
              .byte(0)
              .byte(2)
              .name("number")
              .byte(0)
              .byte(3)
              .name("other")
              .byte(0)
              .byte(4)},
      {9, Code().byte(1).byte(3).byte(0).byte(2).byte(0).byte(3)},
      {10, Code()
               .byte(5)
               .byte(4)
               .byte(0)
               .byte(0x41)
               .byte(3)
               .byte(0x0B)
               .byte(5)
               .byte(0)
               .byte(0x20)
               .byte(0)
               .byte(0xD1)
               .byte(0x0B)
               .byte(6)
               .byte(0)
               .byte(0x20)
               .byte(0)
               .byte(0x14)
               .byte(0)
               .byte(0x0B)
               .byte(4)
               .byte(0)
               .byte(0xD2)
               .byte(0)
               .byte(0x0B)
               .byte(4)
               .byte(0)
               .byte(0xD2)
               .byte(3)
               .byte(0x0B)},
  });
  Group group;
  const Instance instance = group.add("m", module);
  const Value number = call(instance, "number");
  const Value other = call(instance, "other");
  const Value null = {ValueType::kNullFuncRef, 0};
  EXPECT_EQ(call(instance, "run", {number}), Value::i32(3));
  EXPECT_EQ(call(instance, "is_null", {number}), Value::i32(0));
  EXPECT_EQ(call(instance, "is_null", {null}), Value::i32(1));
  const auto message = [&](const char* name, Value argument) {
    const Error error = call_error(instance, name, {argument});
    EXPECT_EQ(error.code, ErrorCode::kArgument);
    return error.message;
  };
  EXPECT_EQ(message("run", null), "argument 1 of \"run\", (ref 0), is null, which its type does not allow");
  EXPECT_TRUE(contains(message("run", other), "is a reference to a function of another type"));
  EXPECT_TRUE(contains(message("is_null", other), "is a reference to a function of another type"));
  EXPECT_TRUE(contains(message("is_null", Value{ValueType::kFuncRef, number.bits + 8}), "did not hand out"));
  EXPECT_TRUE(contains(message("is_null", Value{ValueType::kExternRef, 0}), "must be (ref null 0), is externref"));
}

TEST(Globals, ExportedOnesCanBeRead) {
  const Pool pool = make_pool(kText);
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.global("answer").value(), Value::i32(42));
  EXPECT_EQ(lease.global("negative").value(), Value::i64(~0ull));
  EXPECT_EQ(lease.global("nothing").error().code, ErrorCode::kArgument);
  EXPECT_EQ(lease.global("answers").error().code, ErrorCode::kNotFound);
}

TEST(MemoryView, ChecksEveryAccessAgainstTheSizeNow) {
  const Pool pool = make_pool(R"((module (memory 1 2)))");
  Lease lease = pool.acquire().value();
  MemoryView memory = lease.memory();
  EXPECT_EQ(memory.size(), 65536u);
  EXPECT_TRUE(memory.read(0, 65536).has_value());
  EXPECT_TRUE(memory.read(65536, 0).has_value());
  EXPECT_FALSE(memory.read(65536, 1).has_value());
  EXPECT_FALSE(memory.read(1, ~0ull).has_value()) << "the sum overflows";
  EXPECT_FALSE(memory.write(~0ull, 2).has_value());
  EXPECT_EQ(memory.grow(1).value(), 1u);
  EXPECT_TRUE(memory.store(65536, std::uint64_t{7}).has_value());
  EXPECT_EQ(memory.load<std::uint64_t>(65536).value(), 7u);
  EXPECT_EQ(memory.grow(1).error().code, ErrorCode::kResource);
  EXPECT_EQ(memory.grow(~0ull).error().code, ErrorCode::kResource);
}

TEST(Growth, IsRefusedAtTheMaximumAndMemoryIsZeroAndUsable) {
  const Pool pool = make_pool(R"((module (memory 1 3)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "size") (result i32) (memory.size))
    (func (export "swap") (param i32) (result i32)
      (i32.load (local.get 0)) (i32.store (local.get 0) (i32.const 77)))))",
                              {.capacity = 1, .audit_every = 1});
  for (int round = 0; round < 3; ++round) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("size").value(), 1);
    EXPECT_EQ(lease.call<int>("grow", 1).value(), 1);
    EXPECT_EQ(lease.call<int>("grow", 0).value(), 2);
    EXPECT_EQ(lease.call<int>("grow", 2).value(), -1);
    EXPECT_EQ(lease.call<int>("grow", -1).value(), -1);
    EXPECT_EQ(lease.call<int>("grow", 1).value(), 2);
    EXPECT_EQ(lease.call<int>("grow", 1).value(), -1);
    EXPECT_EQ(lease.call<int>("swap", 3 * 65536 - 4).value(), 0) << "grown memory is zero, in every instance as new";
    EXPECT_FALSE(lease.call<int>("swap", 3 * 65536 - 3).has_value());
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Growth, WithoutAMaximumEndsAt4GiB) {
  const Pool pool = make_pool(R"((module (memory 1)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))))");
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call<int>("grow", 65536).value(), -1);
  EXPECT_EQ(lease.call<int>("grow", 1000).value(), 1);
  EXPECT_EQ(lease.call<int>("grow", 64536).value(), -1);
}

}  // namespace
}  // namespace anew::test
