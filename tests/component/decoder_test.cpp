// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "component/decoder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "binary_text.hpp"
#include "component/limits.hpp"

namespace anew::component {
namespace {

Error refuse(const std::string& sections) {
  const std::string binary = component(sections);
  const auto decoded = decode(bytes(binary));
  EXPECT_FALSE(decoded);
  return decoded ? Error() : decoded.error();
}

TEST(ComponentDecoder, TellsComponentsFromModules) {
  EXPECT_TRUE(is_component(bytes(component(""))));
  EXPECT_FALSE(is_component(bytes(std::string_view("\0asm\x01\0\0\0", 8))));
  EXPECT_FALSE(is_component(bytes(std::string_view("\0asm\x0D\0\x01", 7))));
  EXPECT_EQ(decode(bytes(std::string_view("\0asm\x01\0\0\0", 8))).error().code, ErrorCode::kMalformed);
}

TEST(ComponentDecoder, KeepsDefinitionsInTheirOrderWithTheirOffsets) {
  const std::string binary =
      component(section(0, sized("note") + "anything") + section(7, number(2) + byte(0x73) + byte(0x70) + number(0)) +
                section(4, component("")) + one(10, byte(0) + sized("f") + byte(0x03) + byte(0x01)));
  const auto decoded = decode(bytes(binary));
  ASSERT_TRUE(decoded) << decoded.error().to_string();
  const auto& definitions = (*decoded)->definitions;
  ASSERT_EQ(definitions.size(), 4);
  EXPECT_EQ(std::get<binary::Primitive>(std::get<binary::TypeDefinition>(definitions[0])), binary::Primitive::kString);
  const auto& list = std::get<binary::List>(std::get<binary::TypeDefinition>(definitions[1]));
  EXPECT_EQ(std::get<std::uint32_t>(list.element), 0);
  EXPECT_TRUE(std::holds_alternative<std::unique_ptr<binary::Component>>(definitions[2]));
  EXPECT_EQ(std::get<binary::Import>(definitions[3]).name, "f");
  EXPECT_EQ((*decoded)->offsets, (std::vector<std::size_t>{26, 27, 31, 42}));
}

TEST(ComponentDecoder, RefusesWhatIsNotSupportedByItsName) {
  const auto expect = [](const std::string& sections, std::string_view name) {
    const Error error = refuse(sections);
    EXPECT_EQ(error.code, ErrorCode::kUnsupported) << name;
    EXPECT_NE(error.message.find(name), std::string::npos) << error.message;
  };
  expect(section(9, "\0"), "start functions");
  expect(section(12, "\0"), "value definitions");
  expect(one(7, byte(0x43)), "async functions");
  expect(one(7, byte(0x66) + byte(0)), "stream");
  expect(one(7, byte(0x70) + byte(0x64)), "error-context");
  expect(one(7, byte(0x67) + byte(0x7D) + number(4)), "lists of fixed length");
  expect(one(8, byte(0x09)), "task.return");
  expect(one(8, byte(0x2D)), "thread.yield-then-promote");
  expect(one(8, byte(0x00) + byte(0) + number(0) + number(1) + byte(0x06)), "async");
  expect(one(10, byte(0x02)), "attributes of names");
  expect(one(3, byte(0x4E)), "no function types");
}

TEST(ComponentDecoder, RefusesWhatIsMalformedAndSaysWhere) {
  const auto expect = [](const std::string& sections, std::uint64_t offset) {
    const Error error = refuse(sections);
    EXPECT_EQ(error.code, ErrorCode::kMalformed) << error.message;
    EXPECT_EQ(error.offset, offset) << error.message;
  };
  expect(section(13, ""), 8);                                            // no such section
  expect(byte(7) + number(5) + byte(0), 10);                             // longer than the binary
  expect(section(7, number(1) + byte(0x73) + byte(0)), 12);              // a byte is left over
  expect(section(7, number(2) + byte(0x73)), 10);                        // fewer than are announced
  expect(one(7, byte(0x70) + byte(0x40)), 12);                           // no type
  expect(one(7, byte(0x6B) + "\xFF\x7F"), 12);                           // nor is a number of two bytes
  expect(one(7, byte(0x40) + number(0) + byte(0x01) + byte(0x01)), 14);  // more than one result
  expect(one(10, byte(0x03) + sized("f")), 11);                          // no such kind of name
  expect(one(10, byte(0x00) + sized("\xFF")), 13);                       // no UTF-8
  expect(one(8, byte(0x43)), 11);                                        // no such canonical definition
}

TEST(ComponentDecoder, RefusesAnOptionThatOccursTwice) {
  const std::string lift = byte(0x00) + byte(0) + number(0);
  EXPECT_EQ(refuse(one(8, lift + number(2) + byte(0x03) + number(0) + byte(0x03) + number(0))).code,
            ErrorCode::kInvalid);
  EXPECT_EQ(refuse(one(8, lift + number(2) + byte(0x00) + byte(0x01))).code, ErrorCode::kInvalid);
}

TEST(ComponentDecoder, NestsComponentsAndTypesToALimit) {
  std::string nested = component("");
  std::string type = byte(0x42) + number(0);
  for (std::uint32_t k = 0; k < limits::kNesting; ++k) {
    EXPECT_TRUE(decode(bytes(nested))) << k;
    EXPECT_TRUE(decode(bytes(component(one(7, type))))) << k;
    nested = component(section(4, nested));
    type = byte(0x42) + number(1) + byte(0x01) + type;
  }
  EXPECT_TRUE(decode(bytes(nested)));
  EXPECT_EQ(decode(bytes(component(section(4, nested)))).error().code, ErrorCode::kLimit);
  EXPECT_EQ(decode(bytes(component(one(7, type)))).error().code, ErrorCode::kLimit);
}

TEST(ComponentDecoder, TakesAsManyPartsAsTheLimitSays) {
  const auto types = [](std::uint32_t count) {
    return component(section(7, number(count) + std::string(count, static_cast<char>(0x73))));
  };
  EXPECT_TRUE(decode(bytes(types(limits::kParts))));
  EXPECT_EQ(decode(bytes(types(limits::kParts + 1))).error().code, ErrorCode::kLimit);
  const std::string half = section(7, number(600'000) + std::string(600'000, static_cast<char>(0x73)));
  EXPECT_EQ(decode(bytes(component(half + half))).error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace anew::component
