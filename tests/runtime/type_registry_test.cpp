// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types have one identity each across modules, for as long as a module has them.
#include "runtime/type_registry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "runtime/module_state.hpp"
#include "support/wat.hpp"

namespace anew::test {
namespace {

using detail::count_known_types;
using detail::TypeIdentities;

/// A module with these types.
wasm::Module of(std::vector<FunctionType> types) {
  wasm::Module module;
  module.canonical_types.resize(types.size());
  for (std::uint32_t i = 0; i < types.size(); ++i) {
    std::uint32_t same = 0;
    while (types[same] != types[i]) ++same;
    module.canonical_types[i] = same;
  }
  module.types = std::move(types);
  return module;
}

FunctionType random_type(std::mt19937& random, std::size_t most_parameters) {
  constexpr ValueType kTypes[] = {ValueType::kI32, ValueType::kI64, ValueType::kFuncRef, ValueType::kExternRef};
  FunctionType type;
  type.parameters.resize(random() % (most_parameters + 1));
  for (ValueType& each : type.parameters) each = kTypes[random() % 4];
  return type;
}

TEST(TypeRegistry, KnowsTypesForAsLongAsAModuleHasThem) {
  const std::size_t before = count_known_types();
  const FunctionType a = {std::vector(9, ValueType::kV128), {ValueType::kI64}};
  const FunctionType b = {std::vector(10, ValueType::kV128), {ValueType::kI64}};
  {
    TypeIdentities first(of({a, b, a}));
    EXPECT_EQ(first[0], first[2]);
    EXPECT_NE(first[0], first[1]);
    EXPECT_EQ(count_known_types(), before + 2);
    const TypeIdentities second(of({b}));
    EXPECT_EQ(second[0], first[1]);
    const std::uint32_t kept = first[1];
    first = TypeIdentities();
    EXPECT_EQ(count_known_types(), before + 1);
    EXPECT_EQ(second[0], kept);
    EXPECT_EQ(TypeIdentities(of({a, b}))[1], kept);
  }
  EXPECT_EQ(count_known_types(), before);
}

TEST(TypeRegistry, GivesNoIdentityThatIsInUse) {
  const std::size_t before = count_known_types();
  std::mt19937 random(1);
  struct Living {
    wasm::Module module;
    TypeIdentities ids;
  };
  std::vector<Living> living;
  for (int turn = 0; turn < 300; ++turn) {
    if (living.size() > 8) living.erase(living.begin() + static_cast<std::ptrdiff_t>(random() % living.size()));
    std::vector<FunctionType> types(1 + random() % 12);
    for (FunctionType& each : types) each = random_type(random, 4);
    wasm::Module module = of(types);
    TypeIdentities ids(module);
    living.push_back({std::move(module), std::move(ids)});
    const Living& last = living.back();
    for (const Living& each : living) {
      for (std::size_t i = 0; i < each.module.types.size(); ++i) {
        for (std::size_t j = 0; j < last.module.types.size(); ++j) {
          ASSERT_EQ(each.ids[i] == last.ids[j], each.module.types[i] == last.module.types[j]);
        }
      }
    }
  }
  living.clear();
  EXPECT_EQ(count_known_types(), before);
}

TEST(TypeRegistry, TellsTypesApartByTheTypesThatTheyName) {
  // Type 1 refers to type 0, which is another one in each module.
  const FunctionType naming = {{typed_reference(0, true)}, {}};
  const TypeIdentities first(of({FunctionType{{ValueType::kI32}, {}}, naming}));
  const TypeIdentities second(of({FunctionType{{ValueType::kI64}, {}}, naming}));
  const TypeIdentities third(of({FunctionType{{ValueType::kI32}, {}}, naming}));
  EXPECT_NE(first[1], second[1]);
  EXPECT_EQ(first[1], third[1]);
}

TEST(TypeRegistry, ForgetsTheTypesOfPoolsThatAreGone) {
  const Module module = compile("(module (type (func (param v128 v128 i32 externref))) (func (type 0)))");
  const std::size_t before = count_known_types();
  for (int i = 0; i < 3; ++i) {
    const Pool pool = Pool::create(module, Linker()).value();
    EXPECT_TRUE(pool.acquire().has_value());
    EXPECT_EQ(count_known_types(), before + 1);
  }
  EXPECT_EQ(count_known_types(), before);
  // A module that does not link leaves none either.
  const Module refused = compile("(module (import \"a\" \"b\" (func (param v128 v128 i64 externref))))");
  EXPECT_FALSE(Pool::create(refused, Linker()).has_value());
  EXPECT_EQ(count_known_types(), before);
}

TEST(TypeRegistry, MayBeUsedByManyThreads) {
  const std::size_t before = count_known_types();
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      std::mt19937 random(t);
      for (int i = 0; i < 300; ++i) {
        const wasm::Module module = of({random_type(random, 3), random_type(random, 3)});
        const TypeIdentities ids(module);
        const TypeIdentities again(module);
        EXPECT_TRUE(std::ranges::equal(ids, again));
        EXPECT_EQ(ids[0] == ids[1], module.types[0] == module.types[1]);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(count_known_types(), before);
}

}  // namespace
}  // namespace anew::test
