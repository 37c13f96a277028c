// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What scripts_test.cpp has not: what a few bytes may ask for, and components that are damaged.
#include "component/validator.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "binary_text.hpp"
#include "check.hpp"
#include "component/decoder.hpp"
#include "component/limits.hpp"

namespace anew::component {
namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// `(alias outer 1 INDEX (type))` as a declaration.
std::string outer_type(std::size_t index) { return byte(0x02) + byte(0x03) + byte(0x02) + number(1) + number(index); }

TEST(ComponentValidator, SaysWhereAComponentIsInvalid) {
  const Result<void> result = check(bytes(component(one(7, byte(0x73)) + one(7, byte(0x70) + number(7)))));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(result.error().offset, 15);
  // In a component within another one it is the inner definition.
  const Result<void> inner = check(bytes(component(section(4, component(one(7, byte(0x70) + number(7)))))));
  ASSERT_FALSE(inner);
  EXPECT_EQ(inner.error().offset, 21);
}

// Each list and tuple has the one before it twice: written out, the last has 2^60 parts.
TEST(ComponentValidator, LooksAtATypeOnceHoweverOftenItIsNamed) {
  std::string types = one(7, byte(0x73));
  std::size_t last = 0;
  for (int k = 0; k < 48; ++k) {
    types += one(7, byte(0x70) + value_type(last)) +
             one(7, byte(0x6F) + number(2) + value_type(last + 1) + value_type(last + 1));
    last += 2;
  }
  types += one(7, byte(0x40) + number(1) + sized("x") + value_type(last) + byte(0x01) + byte(0x00));
  types += one(10, byte(0) + sized("f") + byte(0x01) + number(last + 1));
  EXPECT_TRUE(check(bytes(component(types)))) << check(bytes(component(types))).error().to_string();
}

// Each instance type has ten instances of the one before it: an instance of the last has 10^8 exports.
TEST(ComponentValidator, RefusesInstanceTypesThatTakeTooLong) {
  // A resource, for without one no instance needs types of its own.
  std::string types = one(7, byte(0x42) + number(1) + byte(0x04) + byte(0) + sized("r") + byte(0x03) + byte(0x01));
  for (std::size_t level = 0; level < 8; ++level) {
    std::string declarations = outer_type(level);
    for (int k = 0; k < 10; ++k)
      declarations += byte(0x04) + byte(0) + sized("i" + std::to_string(k)) + byte(0x05) + number(0);
    types += one(7, byte(0x42) + number(11) + declarations);
  }
  const Result<void> result = check(bytes(component(types)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kLimit);
}

TEST(ComponentValidator, NestsTypesToALimit) {
  const auto lists = [](std::size_t count) {
    std::string types = one(7, byte(0x73));
    for (std::size_t k = 0; k < count; ++k) types += one(7, byte(0x70) + value_type(k));
    return component(types);
  };
  EXPECT_TRUE(check(bytes(lists(limits::kNesting - 1))));
  EXPECT_EQ(check(bytes(lists(limits::kNesting))).error().code, ErrorCode::kLimit);
  // Types that name each other are as deep as if they were written in each other.
  std::string types = one(7, byte(0x42) + number(0));
  for (std::size_t k = 0; k < limits::kNesting; ++k)
    types +=
        one(7, byte(0x42) + number(2) + outer_type(k) + byte(0x04) + byte(0) + sized("i") + byte(0x05) + number(0));
  EXPECT_EQ(check(bytes(component(types))).error().code, ErrorCode::kLimit);
}

TEST(ComponentValidator, RefusesFewerModulesThanThereAre) {
  const std::string binary = component(section(1, std::string_view("\0asm\x01\0\0\0", 8)));
  EXPECT_TRUE(check(bytes(binary)));
  const auto decoded = decode(bytes(binary));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(validate(**decoded, {}).error().code, ErrorCode::kArgument);
}

// Every other end, and every byte changed in one of four ways: an answer, with its place. (More takes minutes with
// sanitizers; the fuzzer of components looks further.)
TEST(ComponentValidator, AnswersForComponentsThatAreDamaged) {
  int accepted = 0;
  int refused = 0;
  const auto answer = [&](const std::string& binary) {
    const Result<void> result = check(bytes(binary));
    ++(result ? accepted : refused);
    if (result) return;
    const Error& error = result.error();
    EXPECT_TRUE(error.code == ErrorCode::kMalformed || error.code == ErrorCode::kInvalid ||
                error.code == ErrorCode::kUnsupported || error.code == ErrorCode::kLimit)
        << error.to_string();
    EXPECT_TRUE(error.offset && *error.offset <= binary.size()) << error.to_string();
  };
  for (const auto& entry : std::filesystem::directory_iterator(ANEW_SOURCE_DIR "/tests/data/component")) {
    if (entry.path().extension() != ".wasm") continue;
    const std::string whole = read(entry.path());
    ASSERT_TRUE(check(bytes(whole))) << entry.path();
    for (std::size_t k = 0; k < whole.size(); ++k) {
      if (k % 2 == 0) answer(whole.substr(0, k));
      constexpr unsigned kChanges[] = {0x01, 0x02, 0x80, 0xFF};
      std::string other = whole;
      other[k] = static_cast<char>(static_cast<unsigned char>(other[k]) ^ kChanges[k % std::size(kChanges)]);
      answer(other);
    }
  }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace anew::component
