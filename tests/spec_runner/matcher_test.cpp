// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the runner of the specification's test suite takes for equal, and above all what it does not.
#include "spec/matcher.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace anew::spec {
namespace {

Value f32_bits(std::uint32_t bits) { return {ValueType::kF32, bits}; }
Value f64_bits(std::uint64_t bits) { return {ValueType::kF64, bits}; }

bool match(const char* expected, const Value& value) { return matches(Json::parse(expected), value); }

TEST(SpecMatcher, ComparesEveryBitOfAScalar) {
  EXPECT_TRUE(match(R"({"type":"i32","value":"4294967295"})", Value::i32(0xffff'ffff)));
  EXPECT_FALSE(match(R"({"type":"i32","value":"4294967295"})", Value::i32(0x7fff'ffff)));
  EXPECT_TRUE(match(R"({"type":"i64","value":"18446744073709551615"})", Value::i64(~0ull)));
  EXPECT_FALSE(match(R"({"type":"i64","value":"1"})", Value::i64(1ull << 63 | 1)));
  EXPECT_TRUE(match(R"({"type":"f32","value":"2147483648"})", Value::f32(-0.0f)));
  EXPECT_FALSE(match(R"({"type":"f32","value":"0"})", Value::f32(-0.0f)));
  EXPECT_TRUE(match(R"({"type":"f64","value":"9223372036854775808"})", Value::f64(-0.0)));
  EXPECT_FALSE(match(R"({"type":"f64","value":"0"})", Value::f64(-0.0)));
}

TEST(SpecMatcher, RefusesAnotherTypeOfTheSameBits) {
  EXPECT_FALSE(match(R"({"type":"i32","value":"1"})", Value::i64(1)));
  EXPECT_FALSE(match(R"({"type":"i64","value":"1"})", Value::i32(1)));
  EXPECT_FALSE(match(R"({"type":"f32","value":"1"})", Value::i32(1)));
  EXPECT_FALSE(match(R"({"type":"f64","value":"0"})", Value::i64(0)));
  EXPECT_FALSE(match(R"({"type":"i32","value":"0"})", Value{ValueType::kExternRef}));
  EXPECT_FALSE(match(R"({"type":"v128","shape":"i64x2","lanes":["1","0"]})", Value::i64(1)));
}

TEST(SpecMatcher, RefusesBitsThatAScalarDoesNotHave) {
  EXPECT_FALSE(match(R"({"type":"i32","value":"1"})", Value{ValueType::kI32, 1ull << 32 | 1}));
  EXPECT_FALSE(match(R"({"type":"f32","value":"nan:canonical"})", Value{ValueType::kF32, 1ull << 32 | 0x7fc0'0000}));
  EXPECT_FALSE(match(R"({"type":"i64","value":"1"})", Value{ValueType::kI64, 1, 1}));
}

TEST(SpecMatcher, CanonicalNanHasOneFractionBitAndAnySign) {
  const char* const f32 = R"({"type":"f32","value":"nan:canonical"})";
  EXPECT_TRUE(match(f32, f32_bits(0x7fc0'0000)));
  EXPECT_TRUE(match(f32, f32_bits(0xffc0'0000)));
  EXPECT_FALSE(match(f32, f32_bits(0x7fc0'0001)));
  EXPECT_FALSE(match(f32, f32_bits(0x7fe0'0000)));
  EXPECT_FALSE(match(f32, f32_bits(0x7fa0'0000))) << "a signalling NaN";
  EXPECT_FALSE(match(f32, f32_bits(0x7f80'0000))) << "infinity";
  EXPECT_FALSE(match(f32, f32_bits(0)));
  const char* const f64 = R"({"type":"f64","value":"nan:canonical"})";
  EXPECT_TRUE(match(f64, f64_bits(0x7ff8'0000'0000'0000)));
  EXPECT_TRUE(match(f64, f64_bits(0xfff8'0000'0000'0000)));
  EXPECT_FALSE(match(f64, f64_bits(0x7ff8'0000'0000'0001)));
  EXPECT_FALSE(match(f64, f64_bits(0x7ffc'0000'0000'0000)));
  EXPECT_FALSE(match(f64, f64_bits(0x7ff4'0000'0000'0000)));
  EXPECT_FALSE(match(f64, f64_bits(0x7ff0'0000'0000'0000)));
}

TEST(SpecMatcher, ArithmeticNanHasTheHighestFractionBitAndAnyOthers) {
  const char* const f32 = R"({"type":"f32","value":"nan:arithmetic"})";
  EXPECT_TRUE(match(f32, f32_bits(0x7fc0'0000)));
  EXPECT_TRUE(match(f32, f32_bits(0xffc0'1234)));
  EXPECT_FALSE(match(f32, f32_bits(0x7fa0'0000)));
  EXPECT_FALSE(match(f32, f32_bits(0x7f80'0000)));
  EXPECT_FALSE(match(f32, f32_bits(0x3fc0'0000))) << "a number";
  const char* const f64 = R"({"type":"f64","value":"nan:arithmetic"})";
  EXPECT_TRUE(match(f64, f64_bits(0xfff8'0000'0000'0001)));
  EXPECT_FALSE(match(f64, f64_bits(0x7ff4'0000'0000'0000)));
  EXPECT_FALSE(match(f64, f64_bits(0x7ff0'0000'0000'0000)));
  EXPECT_FALSE(match(f64, f64_bits(0x3ff8'0000'0000'0000)));
}

TEST(SpecMatcher, ANanGivenByItsBitsIsThatNanOnly) {
  EXPECT_TRUE(match(R"({"type":"f32","value":"2141192192"})", f32_bits(0x7fa0'0000)));
  EXPECT_FALSE(match(R"({"type":"f32","value":"2141192192"})", f32_bits(0x7fe0'0000))) << "quieted";
}

TEST(SpecMatcher, ComparesEachLaneInItsPlace) {
  const char* const bytes =
      R"({"type":"v128","shape":"i8x16","lanes":["0","1","2","3","4","5","6","7","8","9","10","11","12","13","14","255"]})";
  const Value value = Value::v128(0x0706'0504'0302'0100, 0xff0e'0d0c'0b0a'0908);
  EXPECT_TRUE(match(bytes, value));
  for (unsigned bit = 0; bit < 128; ++bit) {
    Value other = value;
    (bit < 64 ? other.bits : other.high) ^= 1ull << bit % 64;
    EXPECT_FALSE(match(bytes, other)) << "bit " << bit;
  }
  EXPECT_TRUE(match(R"({"type":"v128","shape":"i16x8","lanes":["1","2","3","4","5","6","7","65535"]})",
                    Value::v128(0x0004'0003'0002'0001, 0xffff'0007'0006'0005)));
  EXPECT_TRUE(match(R"({"type":"v128","shape":"i32x4","lanes":["1","2","3","4294967295"]})",
                    Value::v128(0x0000'0002'0000'0001, 0xffff'ffff'0000'0003)));
  EXPECT_FALSE(match(R"({"type":"v128","shape":"i64x2","lanes":["1","2"]})", Value::v128(2, 1))) << "halves swapped";
}

TEST(SpecMatcher, AppliesNanPatternsLaneByLane) {
  const char* const f32x4 = R"({"type":"v128","shape":"f32x4","lanes":["nan:canonical","nan:arithmetic","0","1"]})";
  EXPECT_TRUE(match(f32x4, Value::v128(0x7fc0'0001'ffc0'0000, 0x0000'0001'0000'0000)));
  EXPECT_FALSE(match(f32x4, Value::v128(0x7fc0'0001'ffc0'0001, 0x0000'0001'0000'0000))) << "lane 0 is not canonical";
  EXPECT_FALSE(match(f32x4, Value::v128(0x7fa0'0001'ffc0'0000, 0x0000'0001'0000'0000))) << "lane 1 signals";
  EXPECT_FALSE(match(f32x4, Value::v128(0x7fc0'0001'ffc0'0000, 0x0000'0001'8000'0000))) << "lane 2 is -0";
  const char* const f64x2 = R"({"type":"v128","shape":"f64x2","lanes":["0","nan:canonical"]})";
  EXPECT_TRUE(match(f64x2, Value::v128(0, 0xfff8'0000'0000'0000)));
  EXPECT_FALSE(match(f64x2, Value::v128(0xfff8'0000'0000'0000, 0)));
}

TEST(SpecMatcher, EitherTakesOneOfItsCasesAndNothingElse) {
  const char* const either = R"({"type":"either","cases":[{"type":"i32","value":"1"},{"type":"i32","value":"3"}]})";
  EXPECT_TRUE(match(either, Value::i32(1)));
  EXPECT_TRUE(match(either, Value::i32(3)));
  EXPECT_FALSE(match(either, Value::i32(2)));
  EXPECT_FALSE(match(either, Value::i64(1)));
  EXPECT_FALSE(match(R"({"type":"either","cases":[]})", Value::i32(0)));
}

TEST(SpecMatcher, NullIsNullOfItsKind) {
  const Value function{ValueType::kFuncRef};
  const Value external{ValueType::kExternRef};
  const Value exception{ValueType::kExnRef};
  for (const Value& null : {function, external, exception}) EXPECT_TRUE(match(R"({"type":"ref.null"})", null));
  EXPECT_TRUE(match(R"({"type":"ref.null","heap":"func"})", function));
  EXPECT_TRUE(match(R"({"type":"ref.null","heap":"func"})", Value{typed_reference(3, true)}));
  EXPECT_FALSE(match(R"({"type":"ref.null","heap":"func"})", external));
  EXPECT_TRUE(match(R"({"type":"ref.null","heap":"extern"})", external));
  EXPECT_FALSE(match(R"({"type":"ref.null","heap":"extern"})", function));
  EXPECT_TRUE(match(R"({"type":"ref.null","heap":"exn"})", exception));
  EXPECT_FALSE(match(R"({"type":"ref.null","heap":"exn"})", external));
  EXPECT_FALSE(match(R"({"type":"ref.null","heap":"any"})", external));
  EXPECT_FALSE(match(R"({"type":"ref.null"})", Value{ValueType::kExternRef, 1}));
  EXPECT_FALSE(match(R"({"type":"ref.null"})", Value::i32(0)));
}

TEST(SpecMatcher, HostObjectsAreOneMoreThanTheirNumber) {
  EXPECT_TRUE(match(R"({"type":"ref.extern","value":"0"})", Value{ValueType::kExternRef, 1}));
  EXPECT_FALSE(match(R"({"type":"ref.extern","value":"0"})", Value{ValueType::kExternRef, 0})) << "null";
  EXPECT_FALSE(match(R"({"type":"ref.extern","value":"1"})", Value{ValueType::kExternRef, 1}));
  EXPECT_TRUE(match(R"({"type":"ref.extern"})", Value{ValueType::kExternRef, 7}));
  EXPECT_FALSE(match(R"({"type":"ref.extern"})", Value{ValueType::kExternRef, 0}));
  EXPECT_FALSE(match(R"({"type":"ref.extern"})", Value{ValueType::kFuncRef, 7}));
}

TEST(SpecMatcher, FunctionReferencesAreNotNull) {
  EXPECT_TRUE(match(R"({"type":"ref.func"})", Value{ValueType::kFuncRef, 64}));
  EXPECT_TRUE(match(R"({"type":"ref.func"})", Value{typed_reference(0, false), 64}));
  EXPECT_FALSE(match(R"({"type":"ref.func"})", Value{ValueType::kFuncRef, 0}));
  EXPECT_FALSE(match(R"({"type":"ref.func"})", Value{ValueType::kExternRef, 64}));
}

TEST(SpecMatcher, NoValueIsGarbageCollected) {
  for (const char* const type : {"ref.any", "ref.eq", "ref.array", "ref.struct", "ref.i31"})
    EXPECT_FALSE(matches(Json{{"type", type}}, Value{ValueType::kExternRef, 1})) << type;
}

TEST(SpecMatcher, ResultsAreAsManyAsExpected) {
  const Json two = Json::parse(R"([{"type":"i32","value":"1"},{"type":"i64","value":"2"}])");
  const std::vector<Value> values = {Value::i32(1), Value::i64(2)};
  EXPECT_TRUE(matches(two, values));
  EXPECT_FALSE(matches(two, std::span(values).first(1)));
  EXPECT_FALSE(matches(Json::array(), values));
  EXPECT_FALSE(matches(two, std::vector{values[1], values[0]}));
  EXPECT_TRUE(matches(Json::array(), std::vector<Value>()));
}

TEST(SpecMatcher, ThrowsAtWhatItDoesNotKnow) {
  const Value value = Value::v128(0, 0);
  EXPECT_ANY_THROW(match(R"({"type":"i33","value":"1"})", value));
  EXPECT_ANY_THROW(match(R"({"value":"1"})", value));
  EXPECT_ANY_THROW(match(R"({"type":"i32","value":"4294967296"})", Value::i32(0))) << "33 bits";
  EXPECT_ANY_THROW(match(R"({"type":"i32","value":"-1"})", Value::i32(0)));
  EXPECT_ANY_THROW(match(R"({"type":"i32","value":""})", Value::i32(0)));
  EXPECT_ANY_THROW(match(R"({"type":"i32","value":"nan:canonical"})", Value::i32(0x7fc0'0000)));
  EXPECT_ANY_THROW(match(R"({"type":"f32","value":"nan:other"})", f32_bits(0x7fc0'0000)));
  EXPECT_ANY_THROW(match(R"({"type":"v128","shape":"i64x2","lanes":["0"]})", value));
  EXPECT_ANY_THROW(match(R"({"type":"v128","shape":"i65x2","lanes":["0","0"]})", value));
  EXPECT_ANY_THROW(match(R"({"type":"ref.null","heap":"other"})", Value{ValueType::kFuncRef}));
  EXPECT_ANY_THROW(static_cast<void>(to_value(Json{{"type", "i31"}, {"value", "0"}})));
}

TEST(SpecMatcher, ArgumentsAreWhatTheyMatch) {
  for (const char* const text : {R"({"type":"i32","value":"4294967295"})", R"({"type":"i64","value":"1"})",
                                 R"({"type":"f32","value":"2147483648"})", R"({"type":"f64","value":"3"})",
                                 R"({"type":"v128","shape":"i16x8","lanes":["1","2","3","4","5","6","7","65535"]})",
                                 R"({"type":"v128","shape":"f64x2","lanes":["1","18446744073709551615"]})",
                                 R"({"type":"ref.extern","value":"5"})", R"({"type":"ref.null","heap":"extern"})",
                                 R"({"type":"ref.null","heap":"func"})", R"({"type":"ref.null","heap":"exn"})",
                                 R"({"type":"ref.null","heap":"any"})"}) {
    const auto value = to_value(Json::parse(text));
    ASSERT_TRUE(value.has_value()) << text;
    EXPECT_TRUE(match(text, *value)) << text;
  }
  EXPECT_FALSE(to_value(Json::parse(R"({"type":"ref.host","value":"1"})")));
}

TEST(SpecMatcher, ATrapBeginsWithTheScriptsWords) {
  EXPECT_TRUE(matches("integer divide by zero", TrapKind::kIntegerDivideByZero));
  EXPECT_TRUE(matches("undefined", TrapKind::kUndefinedElement));
  EXPECT_TRUE(matches("uninitialized element 7", TrapKind::kUninitializedElement));
  EXPECT_FALSE(matches("uninitialized element 7", TrapKind::kUndefinedElement));
  EXPECT_FALSE(matches("integer overflow", TrapKind::kIntegerDivideByZero));
  EXPECT_FALSE(matches("divide by zero", TrapKind::kIntegerDivideByZero)) << "in it, but not its beginning";
  EXPECT_FALSE(matches("out of bounds table access", TrapKind::kMemoryOutOfBounds));
  EXPECT_FALSE(matches("", TrapKind::kUnreachable));
  EXPECT_FALSE(matches("unreachable", TrapKind::kNone));
}

}  // namespace
}  // namespace anew::spec
