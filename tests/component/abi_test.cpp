// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The canonical ABI: the cases of its reference (component model, canonical-abi/run_tests.py), and its traps.
#include "component/abi.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "guest.hpp"

namespace anew::component {
namespace {

using Slots = std::vector<std::uint64_t>;

class Abi : public ::testing::Test {
 protected:
  TypeMaker make;
  Guest guest{make.types};

  void lifts(Type type, const Slots& slots, const Value& expected) {
    const auto lifted = guest.lift(type, slots);
    ASSERT_TRUE(lifted) << lifted.error().message;
    EXPECT_EQ(*lifted, expected) << make.types.text(type);
  }
  /// And what it is lifted to is lowered to something that is lifted to the same.
  void both(Type type, const Slots& slots, const Value& expected) {
    lifts(type, slots, expected);
    const auto lowered = guest.lower(type, expected);
    ASSERT_TRUE(lowered) << lowered.error().message;
    lifts(type, *lowered, expected);
  }
  void traps(Type type, const Slots& slots, std::string_view words) {
    const auto lifted = guest.lift(type, slots);
    ASSERT_FALSE(lifted) << make.types.text(type);
    EXPECT_EQ(lifted.error().code, ErrorCode::kTrap);
    EXPECT_NE(lifted.error().message.find(words), std::string::npos) << lifted.error().message;
  }
};

TEST_F(Abi, RecordsAndTuplesAreTheirFields) {
  both(make.record({{"x", kU8}, {"y", kU16}, {"z", kU32}}), {1, 2, 3},
       Values{std::uint8_t{1}, std::uint16_t{2}, std::uint32_t{3}});
  both(make.tuple({make.tuple({kU8, kU8}), kU8}), {1, 2, 3}, Values{values<std::uint8_t>(1, 2), std::uint8_t{3}});
}

TEST_F(Abi, FlagsIgnoreBitsBeyondThem) {
  const Type two = make.flags(2);
  both(two, {0}, Flags{0});
  both(two, {2}, Flags{2});
  both(two, {3}, Flags{3});
  both(two, {4}, Flags{0});
  both(make.flags(32), {0xFFFFFFFF}, Flags{0xFFFFFFFF});
}

TEST_F(Abi, CasesShareSlots) {
  const Type variant = make.variant({{"x", kU8}, {"y", kF32}, {"z", std::nullopt}});
  both(variant, {0, 42}, Case(0, std::uint8_t{42}));
  both(variant, {0, 256}, Case(0, std::uint8_t{0}));
  both(variant, {1, 0x4048F5C3}, Case(1, 3.14F));
  both(variant, {2, 0xFFFFFFFF}, Case(2));
  traps(variant, {3, 0}, "case 3");
  both(make.option(kF32), {0, std::bit_cast<std::uint32_t>(3.14F)}, none());
  both(make.option(kF32), {1, std::bit_cast<std::uint32_t>(3.14F)}, some(3.14F));
  both(make.result(kU8, kU32), {0, 42}, ok(std::uint8_t{42}));
  both(make.result(kU8, kU32), {1, 1000}, error(std::uint32_t{1000}));
  both(make.result(std::nullopt, std::nullopt), {1}, error());
  traps(make.option(kU8), {2, 0}, "case 2");
}

TEST_F(Abi, CasesAreJoinedToWhatHoldsAllOfThem) {
  // i32 and f32: i32; anything else that differs: i64.
  const Type variant = make.variant({{"a", kF32}, {"b", kU64}, {"c", kS32}, {"d", make.tuple({kF64, kF32})}});
  const FunctionType type = {.parameters = {{"", variant}}, .result = {}};
  EXPECT_EQ(core_type_of_lift(make.types, type).parameters,
            (std::vector{ValueType::kI32, ValueType::kI64, ValueType::kF32}));
  EXPECT_EQ(guest.lower(variant, Case(0, 1.5F)).value(), (Slots{0, 0x3FC00000, 0}));
  EXPECT_EQ(guest.lower(variant, Case(2, std::int32_t{-1})).value(), (Slots{2, 0xFFFFFFFF, 0}));
  EXPECT_EQ(guest.lower(variant, Case(3, Values{1.5, 2.5F})).value(), (Slots{3, 0x3FF8000000000000, 0x40200000}));
  // What is above 32 bits in an i64 is dropped (wrap_i64_to_i32).
  both(variant, {0, 0x12345678'3FC00000, 7}, Case(0, 1.5F));
  both(variant, {2, 0x12345678'FFFFFFFF, 7}, Case(2, std::int32_t{-1}));
}

TEST_F(Abi, NumbersAreTheLowBitsOfTheirSlots) {
  for (const std::uint64_t slot : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{4294967295}})
    lifts(kBool, {slot}, true);
  both(kBool, {0}, false);
  struct {
    std::uint32_t slot;
    int u8, s8;
  } const bytes[] = {{127, 127, 127},       {128, 128, -128},        {255, 255, -1},        {256, 0, 0},
                     {4294967295, 255, -1}, {4294967168, 128, -128}, {4294967167, 127, 127}};
  for (const auto& [slot, u8, s8] : bytes) {
    both(kU8, {slot}, static_cast<std::uint8_t>(u8));
    both(kS8, {slot}, static_cast<std::int8_t>(s8));
  }
  struct {
    std::uint32_t slot;
    int u16, s16;
  } const halves[] = {{32767, 32767, 32767},   {32768, 32768, -32768},      {65535, 65535, -1},        {65536, 0, 0},
                      {4294967295, 65535, -1}, {4294934528, 32768, -32768}, {4294934527, 32767, 32767}};
  for (const auto& [slot, u16, s16] : halves) {
    both(kU16, {slot}, static_cast<std::uint16_t>(u16));
    both(kS16, {slot}, static_cast<std::int16_t>(s16));
  }
  for (const std::uint32_t slot : {0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
    both(kU32, {slot}, slot);
    both(kS32, {slot}, std::bit_cast<std::int32_t>(slot));
  }
  for (const std::uint64_t slot : {0x7FFFFFFFFFFFFFFFU, 0x8000000000000000U, 0xFFFFFFFFFFFFFFFFU}) {
    both(kU64, {slot}, slot);
    both(kS64, {slot}, std::bit_cast<std::int64_t>(slot));
  }
  both(kF32, {std::bit_cast<std::uint32_t>(3.14F)}, 3.14F);
  both(kF64, {std::bit_cast<std::uint64_t>(3.14)}, 3.14);
}

TEST_F(Abi, SmallNegativeNumbersAreLoweredAsAnI32) {
  EXPECT_EQ(guest.lower(kS8, std::int8_t{-1}).value(), Slots{0xFFFFFFFF});
  EXPECT_EQ(guest.lower(kS16, std::int16_t{-2}).value(), Slots{0xFFFFFFFE});
  EXPECT_EQ(guest.lower(kU8, std::uint8_t{255}).value(), Slots{255});
}

TEST_F(Abi, CharsAreScalarValues) {
  for (const std::uint32_t good : {0U, 65U, 0xD7FFU, 0xE000U, 0x10FFFFU})
    both(kChar, {good}, static_cast<char32_t>(good));
  for (const std::uint32_t bad : {0xD800U, 0xDFFFU, 0x110000U, 0xFFFFFFFFU}) traps(kChar, {bad}, "Unicode scalar");
}

TEST_F(Abi, EnumsHaveOnlyTheirCases) {
  const Type two = make.enumeration(2);
  both(two, {0}, Case(0));
  both(two, {1}, Case(1));
  traps(two, {2}, "case 2");
}

TEST_F(Abi, ANanIsAlwaysTheSame) {
  for (const std::uint32_t bits : {0x7FC00000U, 0x7FC00001U, 0x7FE00000U, 0x7FFFFFFFU, 0xFFFFFFFFU, 0x7F800001U}) {
    const Value lifted = guest.lift(kF32, {bits}).value();
    EXPECT_EQ(std::bit_cast<std::uint32_t>(lifted.as<float>()), 0x7FC00000U);
    EXPECT_EQ(guest.lower(kF32, std::bit_cast<float>(bits)).value(), Slots{0x7FC00000});
  }
  for (const std::uint64_t bits :
       {0x7FF8000000000001U, 0x7FFFFFFFFFFFFFFFU, 0xFFFFFFFFFFFFFFFFU, 0x7FF0000000000001U}) {
    const Value lifted = guest.lift(kF64, {bits}).value();
    EXPECT_EQ(std::bit_cast<std::uint64_t>(lifted.as<double>()), 0x7FF8000000000000U);
    EXPECT_EQ(guest.lower(kF64, std::bit_cast<double>(bits)).value(), Slots{0x7FF8000000000000});
  }
  both(kF32, {0x7F800000}, std::numeric_limits<float>::infinity());
  both(kF64, {0x7FF0000000000000}, std::numeric_limits<double>::infinity());
}

TEST_F(Abi, ListsOfNumbers) {
  guest.write(0, {1, 0, 2});
  both(make.list(kBool), {0, 3}, Values{true, false, true});
  guest.write(0, {1, 2, 3});
  both(make.list(kU8), {0, 3}, bytes({1, 2, 3}));
  both(make.list(kU8), {0, 0}, Bytes());
  guest.write(0, {0xFF, 0xFE, 0xFD, 0});
  both(make.list(kS8), {0, 3}, values<std::int8_t>(-1, -2, -3));
  guest.write(0, {1, 0, 2, 0, 3, 0});
  both(make.list(kU16), {0, 3}, values<std::uint16_t>(1, 2, 3));
  traps(make.list(kU16), {1, 3}, "multiple of 2");
  guest.write(0, {0xFF, 0xFF, 0xFE, 0xFF, 0xFD, 0xFF});
  both(make.list(kS16), {0, 3}, values<std::int16_t>(-1, -2, -3));
  guest.write(0, {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0});
  both(make.list(kU32), {0, 3}, values<std::uint32_t>(1, 2, 3));
  guest.write(0, {0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF});
  both(make.list(kS32), {0, 2}, values<std::int32_t>(-1, -2));
  both(make.list(kS64), {0, 1}, values<std::int64_t>(static_cast<std::int64_t>(0xFFFFFFFEFFFFFFFF)));
  both(make.list(kU64), {0, 1}, values<std::uint64_t>(0xFFFFFFFEFFFFFFFF));
  guest.write(0, {65, 0, 0, 0, 66, 0, 0, 0, 99, 0, 0, 0});
  both(make.list(kChar), {0, 3}, Values{U'A', U'B', U'c'});
}

TEST_F(Abi, ListsOfLists) {
  guest.write(0, {16, 0, 0, 0, 2, 0, 0, 0, 21, 0, 0, 0, 3, 0, 0, 0, 'h', 'i', 15, 15, 15, 'w', 'a', 't'});
  both(make.list(kString), {0, 2}, Values{std::string("hi"), std::string("wat")});
  guest.write(0, {24, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 27, 0, 0, 0, 2, 0, 0, 0, 3, 4, 5, 6, 7});
  both(make.list(make.list(kU8)), {0, 3}, Values{bytes({3, 4, 5}), bytes({}), bytes({6, 7})});
  guest.write(0, {8, 0, 0, 0, 2, 0, 0, 0, 5, 0, 6, 0});
  both(make.list(make.list(kU16)), {0, 1}, Values{Value(values<std::uint16_t>(5, 6))});
  guest.write(0, {9, 0, 0, 0, 2, 0, 0, 0, 0, 5, 0, 6, 0});
  traps(make.list(make.list(kU16)), {0, 1}, "multiple of 2");
}

TEST_F(Abi, ListsOfRecordsHaveTheirPadding) {
  guest.write(0, {6, 7, 8, 0, 9, 0, 0, 0, 4, 5, 6, 0, 7, 0, 0, 0});
  both(make.list(make.tuple({kU8, kU8, kU16, kU32})), {0, 2},
       Values{Values{std::uint8_t{6}, std::uint8_t{7}, std::uint16_t{8}, std::uint32_t{9}},
              Values{std::uint8_t{4}, std::uint8_t{5}, std::uint16_t{6}, std::uint32_t{7}}});
  guest.write(0, {6, 0xFF, 7, 0, 8, 0xFF, 0xFF, 0xFF, 9, 0, 0, 0, 4, 0xFF, 5, 0, 6, 0xFF, 0xFF, 0xFF, 7, 0, 0, 0});
  both(make.list(make.tuple({kU8, kU16, kU8, kU32})), {0, 2},
       Values{Values{std::uint8_t{6}, std::uint16_t{7}, std::uint8_t{8}, std::uint32_t{9}},
              Values{std::uint8_t{4}, std::uint16_t{5}, std::uint8_t{6}, std::uint32_t{7}}});
  guest.write(0, {4, 0, 5, 0xFF, 6, 0xFF, 7, 0, 8, 0xFF, 9, 0xFF});
  both(make.list(make.tuple({make.tuple({kU16, kU8}), kU8})), {0, 2},
       Values{Values{Values{std::uint16_t{4}, std::uint8_t{5}}, std::uint8_t{6}},
              Values{Values{std::uint16_t{7}, std::uint8_t{8}}, std::uint8_t{9}}});
}

TEST_F(Abi, ListsOfFlags) {
  guest.write(0, {0, 2, 4});
  both(make.list(make.flags(2)), {0, 3}, Values{Flags{0}, Flags{2}, Flags{0}});
  guest.write(0, {0xFF, 3, 0, 0});
  both(make.list(make.flags(9)), {0, 2}, Values{Flags{0x1FF}, Flags{0}});
  guest.write(0, {0xFF, 0xFF, 3, 0, 0, 0, 0, 0});
  both(make.list(make.flags(17)), {0, 2}, Values{Flags{0x1FFFF}, Flags{0}});
  guest.write(0, {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0});
  both(make.list(make.flags(32)), {0, 2}, Values{Flags{0xFFFFFFFF}, Flags{0}});
}

TEST_F(Abi, DiscriminantsGrowWithTheirCases) {
  for (const int cases : {1, 2, 255, 256, 257, 65536, 65537}) {
    const Type type = make.enumeration(cases);
    const std::uint32_t expected = cases <= 256 ? 1 : cases <= 65536 ? 2 : 4;
    EXPECT_EQ(make.types.layout(type).size, expected) << cases;
    const auto last = static_cast<std::uint32_t>(cases - 1);
    const Value value = Values{Case(last), Case(0)};
    EXPECT_EQ(guest.lift(make.list(type), guest.lower(make.list(type), value).value()).value(), value);
  }
}

TEST_F(Abi, OutOfBounds) {
  const std::uint64_t size = 65536;
  const Type list = make.list(kU32);
  lifts(list, {size, 0}, Values());
  traps(list, {size + 4, 0}, "its memory has 65536 bytes");
  traps(list, {size - 4, 2}, "its memory has 65536 bytes");
  traps(list, {0xFFFFFFFC, 2}, "its memory has 65536 bytes");
  traps(list, {0, 0x40000000}, "may pass 268435455");  // * 4 is 2^32
  traps(list, {0, 0xFFFFFFFF}, "may pass 268435455");
  traps(make.list(kU8), {1, size}, "its memory has 65536 bytes");
  traps(kString, {1, size}, "its memory has 65536 bytes");
  traps(kString, {0, 1U << 28}, "may pass 268435455");
  EXPECT_EQ(guest.lift(kString, {1, size}).error().trap, TrapKind::kMemoryOutOfBounds);
}

TEST_F(Abi, FunctionTypes) {
  const auto check = [&](const std::vector<Type>& parameters, std::optional<Type> result, std::vector<ValueType> flat,
                         std::vector<ValueType> lift_results, std::vector<ValueType> lower_results,
                         bool is_by_address) {
    const FunctionType type = {.parameters = TypeMaker::unnamed(parameters), .result = result};
    EXPECT_EQ(core_type_of_lift(make.types, type), (anew::FunctionType{flat, std::move(lift_results)}));
    if (is_by_address) flat.push_back(ValueType::kI32);
    EXPECT_EQ(core_type_of_lower(make.types, type), (anew::FunctionType{flat, std::move(lower_results)}));
  };
  const std::vector<ValueType> three = {ValueType::kI32, ValueType::kF32, ValueType::kF64};
  check({kU8, kF32, kF64}, {}, three, {}, {}, false);
  check({kU8, kF32, kF64}, kF32, three, {ValueType::kF32}, {ValueType::kF32}, false);
  check({kU8, kF32, kF64}, make.tuple({kF32}), three, {ValueType::kF32}, {ValueType::kF32}, false);
  check({kU8, kF32, kF64}, make.tuple({kF32, kF32}), three, {ValueType::kI32}, {}, true);
  check({kU8, kF32, kF64}, kString, three, {ValueType::kI32}, {}, true);
  const std::vector<Type> sixteen(16, kU8);
  check(sixteen, {}, std::vector(16, ValueType::kI32), {}, {}, false);
  const std::vector<Type> seventeen(17, kU8);
  check(seventeen, {}, {ValueType::kI32}, {}, {}, false);
  check(seventeen, make.tuple({kU8, kU8}), {ValueType::kI32}, {ValueType::kI32}, {}, true);
  check({make.option(make.tuple(sixteen))}, {}, {ValueType::kI32}, {}, {}, false);
  check({make.option(make.tuple(std::vector<Type>(15, kU8)))}, {}, std::vector(16, ValueType::kI32), {}, {}, false);
}

TEST_F(Abi, ManyParametersAndResultsGoThroughMemory) {
  FunctionType type;
  Values arguments;
  for (int k = 0; k < 17; ++k) {
    type.parameters.push_back({"p", k % 2 == 0 ? kU8 : kU64});
    arguments.push_back(k % 2 == 0 ? Value(static_cast<std::uint8_t>(k)) : Value(std::uint64_t{1} << (k * 3)));
  }
  type.result = make.tuple({kString, kU8});
  Slots slots(1);
  ASSERT_TRUE(lower_parameters(guest.side, type, arguments, slots));
  EXPECT_EQ(slots, Slots{Guest::kFirst});
  EXPECT_EQ(guest.requests, (std::vector<Request>{{0, 0, 8, 17 * 8}}));
  EXPECT_EQ(lift_parameters(guest.side, type, slots).value(), arguments);
  EXPECT_EQ(lift_parameters(guest.side, type, Slots{4}).error().code, ErrorCode::kTrap);
  EXPECT_EQ(lift_parameters(guest.side, type, Slots{65536 - 16 * 8}).error().trap, TrapKind::kMemoryOutOfBounds);

  const Value result = Values{std::string("text"), std::uint8_t{9}};
  slots = {0, 0x1000};  // the arguments, which are one, and where the result goes
  ASSERT_TRUE(lower_result(guest.side, type, result, slots));
  EXPECT_EQ(lift_result(guest.side, type, Slots{0x1000}).value(), result);
  for (const std::uint64_t address : {std::uint64_t{0x1002}, std::uint64_t{65536 - 8}, std::uint64_t{0xFFFFFFFC}}) {
    slots = {0, address};
    EXPECT_EQ(lower_result(guest.side, type, result, slots).error().code, ErrorCode::kTrap);
    EXPECT_EQ(lift_result(guest.side, type, Slots{address}).error().code, ErrorCode::kTrap);
  }
}

TEST_F(Abi, FlatResults) {
  Slots slots = {7, 7};
  const FunctionType type = {.parameters = {{"a", kS32}, {"b", kS32}}, .result = kS32};
  ASSERT_TRUE(lower_result(guest.side, type, std::int32_t{-5}, slots));
  EXPECT_EQ(slots, (Slots{0xFFFFFFFB, 7}));
  EXPECT_EQ(lift_result(guest.side, type, slots).value(), Value(std::int32_t{-5}));
  const FunctionType nothing = {};
  ASSERT_TRUE(lower_result(guest.side, nothing, Value(), {}));
  EXPECT_EQ(lift_result(guest.side, nothing, {}).value(), Value());
  EXPECT_EQ(lower_result(guest.side, nothing, true, {}).error().code, ErrorCode::kArgument);
}

TEST_F(Abi, AllocatorsAreNotTrusted) {
  const Type list = make.list(kU32);
  const auto answers = [&](std::uint64_t answer) {
    guest.answer = answer;
    const auto lowered = guest.lower(list, values<std::uint32_t>(1, 2));
    return lowered ? ErrorCode::kArgument : lowered.error().code;
  };
  EXPECT_EQ(answers(2), ErrorCode::kTrap);
  EXPECT_EQ(answers(65536 - 4), ErrorCode::kTrap);
  EXPECT_EQ(answers(0xFFFFFFFC), ErrorCode::kTrap);
  EXPECT_EQ(answers(~std::uint64_t{3}), ErrorCode::kTrap);
  guest.answer = 65536 - 8;
  EXPECT_EQ(guest.lower(list, values<std::uint32_t>(1, 2)).value(), (Slots{65536 - 8, 2}));
}

TEST_F(Abi, MemoryMayGrowUnderAnAllocator) {
  guest.grows = true;
  const Type type = make.list(make.record({{"name", kString}, {"numbers", make.list(kU32)}}));
  Values list;
  for (std::uint32_t k = 0; k < 20; ++k)
    list.push_back(Values{std::string(5000, static_cast<char>('a' + k)), values<std::uint32_t>(k, k + 1)});
  const Slots slots = guest.lower(type, list).value();
  EXPECT_EQ(guest.lift(type, slots).value(), Value(list));
}

TEST_F(Abi, ManyValuesOfFewBytes) {
  // A list of 4096 lists, each the list itself; four deep.
  Type type = kU8;
  for (int k = 0; k < 6; ++k) type = make.list(make.tuple({type, kU32}));
  std::string pairs;
  for (int k = 0; k < 4096; ++k) pairs += std::string("\0\0\0\0\0\x10\0\0\0\0\0\0", 12);
  guest.write(0, pairs);
  traps(type, {0, 4096}, "268435456 bytes of values");
}

}  // namespace
}  // namespace anew::component
