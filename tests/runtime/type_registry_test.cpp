// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types have one identity each across modules, for as long as a module has them.
#include "runtime/type_registry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/module_state.hpp"
#include "support/processor_time.hpp"
#include "support/wat.hpp"
#include "wasm/decoder.hpp"

namespace anew::test {
namespace {

using detail::count_known_types;
using detail::TypeIdentities;

/// A module with these types.
wasm::Module of(std::vector<FunctionType> types) {
  wasm::Module module;
  module.canonical_types.resize(types.size());
  module.declarations.resize(types.size());
  for (std::uint32_t i = 0; i < types.size(); ++i) {
    std::uint32_t same = 0;
    while (types[same] != types[i]) ++same;
    module.canonical_types[i] = same;
    module.declarations[i].group = i;
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
      for (std::size_t i = 0; i < each.module.types.size(); ++i)
        for (std::size_t j = 0; j < last.module.types.size(); ++j)
          ASSERT_EQ(each.ids[i] == last.ids[j], each.module.types[i] == last.module.types[j]);
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

/// The types of a type section.
wasm::Module decoded(const std::vector<std::uint8_t>& section) {
  static std::vector<std::vector<std::uint8_t>> binaries;  // a module has views of its binary
  std::vector<std::uint8_t>& binary = binaries.emplace_back(
      std::vector<std::uint8_t>{0, 'a', 's', 'm', 1, 0, 0, 0, 1, static_cast<std::uint8_t>(section.size())});
  binary.insert(binary.end(), section.begin(), section.end());
  auto module = wasm::decode_module(std::as_bytes(std::span(binary)));
  if (!module) throw std::runtime_error(module.error().to_string());
  return std::move(*module);
}

TEST(TypeRegistry, ATypeIsItsPlaceInAGroupInAllModules) {
  const std::size_t before = count_known_types();
  {
    // Two types that name one another; the same behind another type; exchanged; and one of them alone.
    const TypeIdentities first(decoded({1, 0x4E, 2, 0x60, 1, 0x64, 1, 0, 0x60, 0, 1, 0x64, 0}));
    const TypeIdentities second(
        decoded({3, 0x60, 1, 0x7B, 0, 0x4E, 2, 0x60, 1, 0x64, 2, 0, 0x60, 0, 1, 0x64, 1, 0x60, 1, 0x64, 1, 0}));
    const TypeIdentities exchanged(decoded({1, 0x4E, 2, 0x60, 0, 1, 0x64, 1, 0x60, 1, 0x64, 0, 0}));
    EXPECT_EQ(second[1], first[0]);
    EXPECT_EQ(second[2], first[1]);
    EXPECT_NE(exchanged[0], first[1]);
    EXPECT_NE(exchanged[1], first[0]);
    EXPECT_NE(second[3], first[0]);
    EXPECT_EQ(count_known_types(), before + 6);
  }
  EXPECT_EQ(count_known_types(), before);
}

TEST(TypeRegistry, ATypeIsFinalOrNotAndHasItsSupertype) {
  const wasm::Module module = decoded({7,    0x60, 0,    0,             // 0
                                       0x50, 0,    0x60, 0,    0,       // 1: open
                                       0x50, 1,    1,    0x60, 0, 0,    // 2: below 1
                                       0x4F, 1,    1,    0x60, 0, 0,    // 3: below 1, final
                                       0x50, 1,    2,    0x60, 0, 0,    // 4: below 2
                                       0x4F, 0,    0x60, 0,    0,       // 5: as 0
                                       0x50, 1,    1,    0x60, 0, 0});  // 6: as 2
  const wasm::Module other = decoded({3, 0x50, 0, 0x60, 0, 0, 0x50, 1, 0, 0x60, 0, 0, 0x50, 1, 1, 0x60, 0, 0});
  const TypeIdentities ids(module);
  const TypeIdentities other_ids(other);
  EXPECT_EQ(ids[0], ids[5]);
  EXPECT_EQ(ids[2], ids[6]);
  for (std::uint32_t i = 0; i < 5; ++i)
    for (std::uint32_t k = 0; k < i; ++k) EXPECT_NE(ids[i], ids[k]);
  EXPECT_EQ(other_ids[0], ids[1]);
  EXPECT_EQ(other_ids[1], ids[2]);
  EXPECT_EQ(other_ids[2], ids[4]);
  const detail::TypeScope scope = {module.declarations, {ids.begin(), ids.end()}};
  const detail::TypeScope other_scope = {other.declarations, {other_ids.begin(), other_ids.end()}};
  const std::vector<std::vector<std::uint32_t>> above = {{}, {0}, {0, 1}, {0}, {0, 1, 2}, {}, {0, 1}};
  for (std::uint32_t type = 0; type < above.size(); ++type) {
    for (std::uint32_t wanted = 0; wanted < 3; ++wanted) {
      EXPECT_EQ(detail::is_subtype(scope, type, other_scope, wanted),
                std::ranges::find(above[type], wanted) != above[type].end())
          << type << " " << wanted;
    }
  }
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

TEST(TypeRegistry, ManyTypesAreBearable) {
  // Groups of a hundred types that differ in their last one alone.
  constexpr std::uint32_t kSize = 100;
  wasm::Module module;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    module.types.push_back({std::vector(4, ValueType::kV128), {}});
    if (i % kSize == kSize - 1) module.types.back().results.assign(1 + i / kSize, ValueType::kF32);
    module.canonical_types.push_back(i);
    module.declarations.push_back({.group = i - i % kSize});
  }
  const std::size_t before = count_known_types();
  const auto start = thread_time();
  {
    const TypeIdentities first(module);
    const TypeIdentities second(module);
    EXPECT_TRUE(std::ranges::equal(first, second));
    EXPECT_EQ(count_known_types(), before + 100'000);
  }
  EXPECT_EQ(count_known_types(), before);
  EXPECT_LT(thread_time() - start, std::chrono::seconds(10));
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
