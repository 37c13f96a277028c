// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <anew/value.hpp>
#include <limits>

#include "wasm/opcodes.hpp"
#include "wasm/signatures.hpp"

namespace anew::wasm::test {
namespace {

TEST(Types, FunctionTypesReadAsTheSpecificationWritesThem) {
  EXPECT_EQ(to_string(FunctionType{}), "[] -> []");
  EXPECT_EQ(to_string(FunctionType{{ValueType::kI32, ValueType::kI64}, {ValueType::kF32}}), "[i32 i64] -> [f32]");
  EXPECT_EQ(to_string(FunctionType{{}, {ValueType::kFuncRef, ValueType::kExternRef}}), "[] -> [funcref externref]");
}

TEST(Types, ValuesReadBack) {
  EXPECT_EQ(to_string(Value::i32(0xFFFF'FFFF)), "-1");
  EXPECT_EQ(to_string(Value::i64(std::uint64_t{1} << 63)), "-9223372036854775808");
  EXPECT_EQ(to_string(Value::f32(0.1f)), "0.1");
  EXPECT_EQ(to_string(Value::f64(0.1)), "0.1");
  EXPECT_EQ(to_string(Value::f64(-0.0)), "-0");
  EXPECT_EQ(to_string(Value::f64(std::numeric_limits<double>::infinity())), "inf");
  EXPECT_EQ(to_string(Value{ValueType::kF32, 0x7FC0'0000}), "nan:0x400000");
  EXPECT_EQ(to_string(Value{ValueType::kF64, 0xFFF0'0000'0000'0001}), "-nan:0x1");
  EXPECT_EQ(to_string(Value{ValueType::kFuncRef, 0}), "null");
}

TEST(Opcodes, NamesComeFromTheTable) {
  EXPECT_EQ(to_string(Op::kI32Add), "i32.add");
  EXPECT_EQ(to_string(Op::kTableFill), "table.fill");
  EXPECT_EQ(to_string(static_cast<Op>(0x06)), "");
  EXPECT_EQ(unsupported_feature(0xFD), "vector instructions");
  EXPECT_EQ(unsupported_feature(0x6A), "");
}

TEST(Signatures, FollowTheTable) {
  const Signature& store = signature_of(Op::kI64Store32);
  EXPECT_EQ(store.operands, 2);
  EXPECT_EQ(store.results, 0);
  EXPECT_EQ(store.operand(0), ValueType::kI32);
  EXPECT_EQ(store.operand(1), ValueType::kI64);
  EXPECT_EQ(store.access_log2, 2);
  const Signature& convert = signature_of(Op::kI64TruncSatF32U);
  EXPECT_EQ(convert.operands, 1);
  EXPECT_EQ(convert.operand(0), ValueType::kF32);
  EXPECT_EQ(convert.results, 1);
  EXPECT_EQ(convert.result, ValueType::kI64);
  EXPECT_EQ(signature_of(Op::kF64Load).access_log2, 3);
  EXPECT_EQ(signature_of(Op::kI32Load8S).access_log2, 0);
  EXPECT_EQ(signature_of(Op::kI32Store16).access_log2, 1);
}

}  // namespace
}  // namespace anew::wasm::test
