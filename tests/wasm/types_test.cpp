// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <algorithm>
#include <anew/value.hpp>
#include <limits>
#include <vector>

#include "wasm/opcodes.hpp"
#include "wasm/signatures.hpp"
#include "wasm/subtyping.hpp"

namespace anew::wasm::test {
namespace {

TEST(Types, FunctionTypesReadAsTheSpecificationWritesThem) {
  EXPECT_EQ(to_string(FunctionType{}), "[] -> []");
  EXPECT_EQ(to_string(FunctionType{{ValueType::kI32, ValueType::kI64}, {ValueType::kF32}}), "[i32 i64] -> [f32]");
  EXPECT_EQ(to_string(FunctionType{{}, {ValueType::kFuncRef, ValueType::kExternRef}}), "[] -> [funcref externref]");
  EXPECT_EQ(to_string(FunctionType{{ValueType::kV128}, {ValueType::kExnRef}}), "[v128] -> [exnref]");
}

TEST(Types, ReferencesHaveAShortNameOrAFullOne) {
  EXPECT_EQ(to_string(ValueType::kNullFuncRef), "nullfuncref");
  EXPECT_EQ(to_string(ValueType::kNullExternRef), "nullexternref");
  EXPECT_EQ(to_string(ValueType::kNullExnRef), "nullexnref");
  EXPECT_EQ(to_string(non_null(ValueType::kFuncRef)), "(ref func)");
  EXPECT_EQ(to_string(non_null(ValueType::kExternRef)), "(ref extern)");
  EXPECT_EQ(to_string(non_null(ValueType::kExnRef)), "(ref exn)");
  EXPECT_EQ(to_string(non_null(ValueType::kNullFuncRef)), "(ref nofunc)");
  EXPECT_EQ(to_string(non_null(ValueType::kNullExternRef)), "(ref noextern)");
  EXPECT_EQ(to_string(non_null(ValueType::kNullExnRef)), "(ref noexn)");
  EXPECT_EQ(to_string(typed_reference(7, true)), "(ref null 7)");
  EXPECT_EQ(to_string(typed_reference(999'999, false)), "(ref 999999)");
}

TEST(Types, SubtypesAreThoseOfTheSpecification) {
  constexpr ValueType kTyped = typed_reference(3, true);
  const std::vector<TypeDeclaration> declarations(5);
  const auto is_subtype = [&](ValueType type, ValueType wanted) {
    return wasm::is_subtype(declarations, type, wanted);
  };
  // Each is below the others of its row, and of nothing else: the bottom, what is between, the top.
  const std::vector<std::vector<ValueType>> chains = {
      {ValueType::kNullFuncRef, kTyped, ValueType::kFuncRef},
      {ValueType::kNullFuncRef, typed_reference(4, true), ValueType::kFuncRef},
      {ValueType::kNullExternRef, ValueType::kExternRef},
      {ValueType::kNullExnRef, ValueType::kExnRef},
      {ValueType::kNullRef, ValueType::kEqRef, ValueType::kAnyRef},
      {ValueType::kI32},
      {ValueType::kV128},
  };
  const auto in_chain = [&](ValueType type, ValueType wanted) {
    return std::ranges::any_of(chains, [&](const std::vector<ValueType>& chain) {
      const auto below = std::ranges::find(chain, type);
      return std::find(below, chain.end(), wanted) != chain.end();
    });
  };
  for (const auto& one : chains) {
    for (const auto& other : chains) {
      for (const ValueType type : one) {
        for (const ValueType wanted : other) {
          EXPECT_EQ(is_subtype(type, wanted), in_chain(type, wanted)) << to_string(type) << " " << to_string(wanted);
          if (is_reference(type) && is_reference(wanted)) {
            EXPECT_EQ(is_subtype(non_null(type), wanted), in_chain(type, wanted));
            EXPECT_EQ(is_subtype(non_null(type), non_null(wanted)), in_chain(type, wanted));
            EXPECT_FALSE(is_subtype(type, non_null(wanted)));
          }
        }
        EXPECT_TRUE(is_subtype(kUnknown, type));
        EXPECT_EQ(is_subtype(kUnknownReference, type), is_reference(type));
      }
    }
  }
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
  EXPECT_EQ(to_string(Value{typed_reference(1, true), 0}), "null");
  EXPECT_EQ(to_string(Value::v128(0x89AB, 0x0123)), "0x000000000000012300000000000089ab");
}

TEST(Opcodes, NamesComeFromTheTable) {
  EXPECT_EQ(to_string(Op::kI32Add), "i32.add");
  EXPECT_EQ(to_string(Op::kTableFill), "table.fill");
  EXPECT_EQ(to_string(static_cast<Op>(0x16)), "");
  EXPECT_EQ(to_string(Op::kI32x4RelaxedDotI8x16I7x16AddS), "i32x4.relaxed_dot_i8x16_i7x16_add_s");
  EXPECT_EQ(why_unsupported(0xFB, 2), "not supported yet: garbage-collected types, structures");
  EXPECT_EQ(why_unsupported(0xFB, 0x1C), "not supported yet: garbage-collected types, i31");
  EXPECT_EQ(why_unsupported(0x6A, 0), "");
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
  EXPECT_EQ(signature_of(Op::kV128Load).access_log2, 4);
  EXPECT_EQ(signature_of(Op::kV128Load64Lane).access_log2, 3);
  EXPECT_EQ(signature_of(Op::kV128Load64Lane).lanes, 2);
  EXPECT_EQ(signature_of(Op::kI8x16ReplaceLane).lanes, 16);
  const Signature& exchange = signature_of(Op::kI64AtomicRmw8CmpxchgU);
  EXPECT_EQ(exchange.operands, 3);
  EXPECT_EQ(exchange.operand(0), ValueType::kI32);
  EXPECT_EQ(exchange.operand(2), ValueType::kI64);
  EXPECT_EQ(exchange.access_log2, 0);
  const Signature& add = signature_of(Op::kI64Add128);
  EXPECT_EQ(add.operands, 4);
  EXPECT_EQ(add.operand(3), ValueType::kI64);
  EXPECT_EQ(add.results, 2);
  EXPECT_EQ(add.result, ValueType::kI64);
}

}  // namespace
}  // namespace anew::wasm::test
