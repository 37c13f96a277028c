// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <anew/substrate.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "substrate/bytes.hpp"

namespace anew::substrate {
namespace {

constexpr std::string_view kCode = R"("0x3a636f6465": "0x0061736d01000000")";

std::string spec_with(std::string_view genesis) {
  return fmt::format(R"({{"name": "Test Chain", "id": "test", "bootNodes": [], "genesis": {}}})", genesis);
}
std::string spec_with_top(std::string_view top) {
  return spec_with(fmt::format(R"({{"raw": {{"top": {{{}}}, "childrenDefault": {{}}}}}})", top));
}

TEST(ChainSpec, ReadsTheObjectForm) {
  const auto spec = parse_chain_spec(spec_with_top(fmt::format(R"({}, "0xAb": "0x", "0xaA00": "0x0102")", kCode)));
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->name, "Test Chain");
  EXPECT_EQ(spec->id, "test");
  EXPECT_EQ(spec->code(), from_hex("0061736d01000000"));
  EXPECT_EQ(spec->heap_pages, std::nullopt);
  const std::map<Bytes, Bytes> expected = {
      {from_text(":code"), spec->code()}, {from_hex("aa00"), from_hex("0102")}, {from_hex("ab"), {}}};
  EXPECT_EQ(spec->top, expected);
}

TEST(ChainSpec, ReadsTheOlderListForm) {
  const auto spec = parse_chain_spec(spec_with(fmt::format(R"({{"raw": [{{{}}}, {{}}]}})", kCode)));
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->code(), from_hex("0061736d01000000"));
  EXPECT_EQ(spec->top.size(), 1u);
}

TEST(ChainSpec, ReadsChildTries) {
  const std::map<Bytes, std::map<Bytes, Bytes>> expected = {
      {from_text("one"), {{from_hex("01"), from_hex("aa")}, {from_hex("02"), {}}}}, {from_text("two"), {}}};
  const auto object = parse_chain_spec(spec_with(fmt::format(
      R"({{"raw": {{"top": {{{}}}, "childrenDefault": {{"0x6f6e65": {{"0x02": "0x", "0x01": "0xaa"}}, "0x74776f": {{}}}}}}}})",
      kCode)));
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(object->children, expected);
  // In the older form their keys are those of their roots in the top trie: here with the prefix, there without.
  const auto list = parse_chain_spec(spec_with(fmt::format(
      R"({{"raw": [{{{}}}, {{"0x3a6368696c645f73746f726167653a64656661756c743a6f6e65": {{"0x02": "0x", "0x01": "0xaa"}},
          "0x74776f": {{}}}}]}})",
      kCode)));
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->children, expected);
  // Not every spec has them.
  const auto none = parse_chain_spec(spec_with(fmt::format(R"({{"raw": {{"top": {{{}}}}}}})", kCode)));
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_TRUE(none->children.empty());
}

TEST(ChainSpec, ReadsHeapPagesLittleEndian) {
  const auto spec =
      parse_chain_spec(spec_with_top(fmt::format(R"({}, "0x3a686561707061676573": "0x0110000000000000")", kCode)));
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->heap_pages, 0x1001u);
}

std::string spec_with_children(std::string_view children) {
  return spec_with(fmt::format(R"({{"raw": {{"top": {{{}}}, "childrenDefault": {}}}}})", kCode, children));
}

struct Malformed {
  const char* what;
  std::string json;
  const char* message;
};

TEST(ChainSpec, SaysWhatIsWrong) {
  const std::vector<Malformed> cases = {
      {"empty", "", "not JSON"},
      {"cut short", spec_with_top(kCode).substr(0, 90), "not JSON"},
      {"behind the end", spec_with_top(kCode) + "}", "not JSON"},
      {"not UTF-8", "{\"name\": \"\xFF\"}", "not JSON"},
      {"a list", "[]", "not a JSON object"},
      {"no name", R"({"id": "test"})", "no string \"name\""},
      {"no id", R"({"name": "Test", "id": 1})", "no string \"id\""},
      {"no genesis", R"({"name": "Test", "id": "test"})", "no object \"genesis\""},
      {"genesis a number", spec_with("1"), "no object \"genesis\""},
      {"not raw", spec_with(R"({"runtime": {}})"), "build-spec --raw"},
      {"raw a string", spec_with(R"({"raw": "0x"})"), "neither an object nor a list"},
      {"raw an empty list", spec_with(R"({"raw": []})"), "neither an object nor a list"},
      {"raw a list of lists", spec_with(R"({"raw": [[]]})"), "is not an object"},
      {"no top", spec_with(R"({"raw": {"childrenDefault": {}}})"), "no \"top\""},
      {"no code", spec_with_top(R"("0x00": "0x00")"), "0x3a636f6465 (\":code\")"},
      {"key without 0x", spec_with_top(R"("3a636f6465": "0x00")"), "storage key \"3a636f6465\" does not begin with 0x"},
      {"key odd", spec_with_top(R"("0x3a6": "0x00")"), "storage key \"0x3a6\" has an odd number"},
      {"key not hex", spec_with_top(R"("0x3g": "0x00")"), "storage key \"0x3g\" has a character"},
      {"value without 0x", spec_with_top(R"("0x00": "")"), "value of storage key \"0x00\" does not begin with 0x"},
      {"value odd", spec_with_top(R"("0x00": "0x123")"), "value of storage key \"0x00\" has an odd number"},
      {"value not hex", spec_with_top(R"("0x00": "0x1 ")"), "value of storage key \"0x00\" has a character"},
      {"value a number", spec_with_top(R"("0x00": 0)"), "value of storage key \"0x00\" is not a string"},
      {"key twice", spec_with_top(R"("0xAA": "0x00", "0xaa": "0x01")"), "is there twice"},
      {"heap pages short", spec_with_top(fmt::format(R"({}, "0x3a686561707061676573": "0x01")", kCode)),
       "1 bytes, not 8"},
      {"children a list", spec_with_children("[]"), "child tries of \"genesis.raw\" are not an object"},
      {"children in a list a string", spec_with(fmt::format(R"({{"raw": [{{{}}}, "0x"]}})", kCode)),
       "child tries of \"genesis.raw\" are not an object"},
      {"child a string", spec_with_children(R"({"0x01": "0x02"})"), "child trie \"0x01\" is not an object"},
      {"child key not hex", spec_with_children(R"({"one": {}})"), "storage key \"one\" does not begin with 0x"},
      {"child value not hex", spec_with_children(R"({"0x01": {"0x02": "3"}})"),
       "value of storage key \"0x02\" does not begin with 0x, in child trie \"0x01\""},
      {"child twice", spec_with_children(R"({"0xAA": {}, "0xaa": {}})"), "child trie \"0xaa\" is there twice"},
      {"nested deep", std::string(200'000, '['), "not JSON"},
  };
  for (const Malformed& malformed : cases) {
    SCOPED_TRACE(malformed.what);
    const auto spec = parse_chain_spec(malformed.json);
    ASSERT_FALSE(spec);
    EXPECT_EQ(spec.error().code, ErrorCode::kMalformed);
    EXPECT_NE(spec.error().message.find(malformed.message), std::string::npos) << spec.error().message;
    EXPECT_LT(spec.error().message.size(), 600u) << "a message quotes no more than a line of the file";
  }
}

class LoadRuntime : public testing::Test {
 protected:
  ~LoadRuntime() override { std::filesystem::remove(path); }
  void write(std::string_view content) { std::ofstream(path, std::ios::binary) << content; }
  std::filesystem::path path = std::filesystem::temp_directory_path() / fmt::format("anew-load-runtime-{}", ::getpid());
};

TEST_F(LoadRuntime, TellsASpecByItsContent) {
  write("\n  " + spec_with_top(fmt::format(R"({}, "0x3a686561707061676573": "0x0010000000000000")", kCode)));
  const auto source = load_runtime(path);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(source->code, from_hex("0061736d01000000"));
  EXPECT_EQ(source->heap_pages, 4096u);
  EXPECT_EQ(source->chain, "Test Chain");
}

TEST_F(LoadRuntime, TellsBareCodeByItsContent) {
  write(std::string_view("\0asm\1\0\0\0", 8));
  const auto source = load_runtime(path);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(source->code, from_hex("0061736d01000000"));
  EXPECT_EQ(source->heap_pages, kDefaultHeapPages);
  EXPECT_EQ(source->chain, "");
}

TEST_F(LoadRuntime, ErrorsNameTheFile) {
  for (const char* content : {"", "text", "{", "\x52\xBC\x53\x76\x46\xDB\x8E\x05garbage"}) {
    write(content);
    const auto source = load_runtime(path);
    ASSERT_FALSE(source) << content;
    EXPECT_EQ(source.error().code, ErrorCode::kMalformed);
    EXPECT_TRUE(source.error().message.starts_with(path.string())) << source.error().message;
  }
  std::filesystem::remove(path);
  const auto missing = load_runtime(path);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find(path.string()), std::string::npos) << missing.error().message;
}

}  // namespace
}  // namespace anew::substrate
