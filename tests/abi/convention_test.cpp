// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/x86_64/convention.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace anew::abi {
namespace {

constexpr ValueType kI32 = ValueType::kI32, kI64 = ValueType::kI64, kF32 = ValueType::kF32, kF64 = ValueType::kF64,
                    kRef = ValueType::kFuncRef;
constexpr auto kInteger = Place::Kind::kInteger, kFloat = Place::Kind::kFloat, kMemory = Place::Kind::kMemory;

void expect_places(const Places& found, const std::vector<Place>& expected) {
  ASSERT_EQ(found.places.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(found.places[i].kind, expected[i].kind) << i;
    EXPECT_EQ(found.places[i].index, expected[i].index) << i;
  }
}

TEST(Convention, TakesRegistersOfEachClassInOrderAndThenMemory) {
  expect_places(argument_places({}), {});
  const std::vector<ValueType> mixed = {kI32, kF64, kI64, kF32, kRef};
  expect_places(argument_places(mixed), {{kInteger, 0}, {kFloat, 0}, {kInteger, 1}, {kFloat, 1}, {kInteger, 2}});
  expect_places(result_places(mixed), {{kInteger, 0}, {kFloat, 0}, {kInteger, 1}, {kFloat, 1}, {kInteger, 2}});

  // Past the last register of its class a value goes to memory, whatever the other class still has.
  const std::vector<ValueType> integers(8, kI64);
  const Places eight = argument_places(integers);
  expect_places(eight, {{kInteger, 0},
                        {kInteger, 1},
                        {kInteger, 2},
                        {kInteger, 3},
                        {kInteger, 4},
                        {kInteger, 5},
                        {kMemory, 0},
                        {kMemory, 1}});
  EXPECT_EQ(eight.memory_slots, 2u);
  std::vector<ValueType> both(9, kF64);
  both.push_back(kI32);
  both.push_back(kF32);
  const Places floats = argument_places(both);
  EXPECT_EQ(floats.places[7].kind, kFloat);
  EXPECT_EQ(floats.places[8].kind, kMemory);
  EXPECT_EQ(floats.places[9].kind, kInteger);
  EXPECT_EQ(floats.places[10].kind, kMemory);
  EXPECT_EQ(floats.places[10].index, 1u);

  const Places results =
      result_places(std::vector<ValueType>{kI32, kI32, kI32, kI32, kI32, kF32, kF32, kF32, kF32, kF32, kI64});
  EXPECT_EQ(results.places[3].index, 3u);
  EXPECT_EQ(results.places[4].kind, kMemory);
  EXPECT_EQ(results.places[8].kind, kFloat);
  EXPECT_EQ(results.places[9].kind, kMemory);
  EXPECT_EQ(results.places[9].index, 1u);
  EXPECT_EQ(results.places[10].index, 2u);
}

TEST(Convention, GivesVectorsFloatRegistersAndThenAlignedPairsOfSlots) {
  constexpr ValueType kV128 = ValueType::kV128;
  std::vector<ValueType> types(8, kV128);
  types.insert(types.end(), {kF32, kV128, kF64, kI32});
  const Places arguments = argument_places(types);
  EXPECT_EQ(arguments.places[7].kind, kFloat);
  EXPECT_EQ(arguments.places[7].index, 7u);
  EXPECT_EQ(arguments.places[8].index, 0u);
  EXPECT_EQ(arguments.places[9].kind, kMemory);
  EXPECT_EQ(arguments.places[9].index, 2u);
  EXPECT_EQ(arguments.places[10].index, 4u);
  EXPECT_EQ(arguments.places[11].kind, kInteger);
  EXPECT_EQ(arguments.memory_slots, 5u);
}

}  // namespace
}  // namespace anew::abi
