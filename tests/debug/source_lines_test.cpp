// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Lines of the guest's source, from real DWARF and from DWARF that means harm.
#include "debug/source_lines.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "debug/debug_module.hpp"
#include "support/module_builder.hpp"
#include "wasm/decoder.hpp"

namespace anew::debug {
namespace {

using test::Code;

SourceLines lines_of(const std::vector<std::byte>& binary) {
  const auto module = wasm::decode_module(binary);
  if (!module) throw std::runtime_error(module.error().to_string());
  return SourceLines(*module, binary);
}

/// All that can be asked: nothing may read outside of the module, or name a file that is not there.
void expect_harmless(const std::vector<std::byte>& original) {
  const std::vector<std::byte> binary(original.begin(), original.end());  // of just this size, for the sanitizer
  const auto module = wasm::decode_module(binary);
  ASSERT_TRUE(module);
  const SourceLines lines(*module, binary);
  for (std::uint64_t at = 0; at <= binary.size() + 1; ++at) {
    const auto line = lines.find(at);
    if (!line) continue;
    ASSERT_LT(line->file, lines.files());
    ASSERT_GT(line->line, 0u);
    ASSERT_LE(lines.file(line->file).size(), 2 * kMaximumPath + 1);
  }
}

class SourceLinesOfC : public testing::TestWithParam<int> {};

TEST_P(SourceLinesOfC, StandInBacktraces) {
  const Error error = test::trap_of(test::debug_module(GetParam()), 3);
  ASSERT_EQ(error.trap, TrapKind::kIntegerDivideByZero);
  ASSERT_EQ(error.backtrace.size(), 3u);
  const std::uint32_t expected[] = {6, 13, 18};  // the division's operator is in line 6
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(error.backtrace[i].source_line, expected[i]);
    EXPECT_TRUE(error.backtrace[i].source_file.ends_with("divide.c")) << error.backtrace[i].source_file;
  }
  EXPECT_NE(error.to_string().find("divide.c:13\n"), std::string::npos) << error.to_string();
}

TEST_P(SourceLinesOfC, CoverFunctionsAndNothingElse) {
  const auto binary = test::debug_module(GetParam());
  const auto module = wasm::decode_module(binary);
  const SourceLines lines(*module, binary);
  EXPECT_EQ(lines.find(0), std::nullopt);
  EXPECT_EQ(lines.find(module->bodies.front().offset - 2), std::nullopt);
  EXPECT_EQ(lines.find(binary.size()), std::nullopt);
  ASSERT_TRUE(lines.find(module->bodies.front().offset));
  // `middle` comes first in the module.
  EXPECT_EQ(lines.find(module->bodies.front().offset)->line, 10u);
  EXPECT_EQ(lines.file(0), GetParam() == 4 ? "divide.c" : "/guest/divide.c");
}

TEST_P(SourceLinesOfC, OfCutSectionsAreHarmless) {
  const auto binary = test::debug_module(GetParam());
  const std::vector<std::byte> section = test::custom_section(binary, ".debug_line");
  ASSERT_GT(section.size(), 100u);
  for (std::size_t size = 0; size < section.size(); ++size)
    expect_harmless(test::with_section(binary, ".debug_line", std::span(section).first(size)));
  for (const char* const strings : {".debug_str", ".debug_line_str"})
    expect_harmless(test::with_section(binary, strings, {}));
}

TEST_P(SourceLinesOfC, OfChangedSectionsAreHarmless) {
  const auto binary = test::debug_module(GetParam());
  std::vector<std::byte> section = test::custom_section(binary, ".debug_line");
  for (std::byte& changed : section) {
    const std::byte before = changed;
    for (const unsigned value : {0x00u, 0x01u, 0x7Fu, 0x80u, 0xFFu, std::to_integer<unsigned>(before) ^ 0x10u}) {
      changed = static_cast<std::byte>(value);
      expect_harmless(test::with_section(binary, ".debug_line", section));
    }
    changed = before;
  }
}

INSTANTIATE_TEST_SUITE_P(Dwarf, SourceLinesOfC, testing::Values(4, 5),
                         [](const auto& version) { return "Version" + std::to_string(version.param); });

TEST(SourceLines, AreNoneWithoutDwarf) {
  const auto binary = test::debug_module(4);
  const SourceLines lines = lines_of(test::with_section(binary, ".debug_line", {}));
  EXPECT_TRUE(lines.empty());
  const Error error = test::trap_of(test::with_section(binary, ".debug_line", {}), 3);
  EXPECT_EQ(error.backtrace.front().source_line, 0u);
  EXPECT_EQ(error.to_string().find("divide.c"), std::string::npos);
}

/// A unit of DWARF 5 around what follows its header's fixed part.
Code unit(const Code& tables, const Code& program) {
  Code header;
  header.byte(1).byte(1).byte(1).byte(0xFF).byte(3).byte(10);  // 15: a byte and a line on; 13: a byte on, a line back
  for (const unsigned operands : {0u, 1u, 1u, 1u, 1u, 0u, 0u, 0u, 1u}) header.byte(static_cast<std::uint8_t>(operands));
  header.append(tables);
  Code content;
  content.fixed(5, 2).byte(4).byte(0).fixed(header.size(), 4).append(header).append(program);
  return Code().fixed(content.size(), 4).append(content);
}

/// No directories, and one file of that name.
Code one_file(std::string_view name) {
  Code tables;
  tables.byte(0).unsigned_leb(0).byte(1).unsigned_leb(1).unsigned_leb(8).unsigned_leb(1);
  for (const char c : name) tables.byte(static_cast<std::uint8_t>(c));
  return tables.byte(0);
}

Code set_address(std::uint32_t address) { return Code().byte(0).unsigned_leb(5).byte(2).fixed(address, 4); }
Code set_file(std::uint32_t file) { return Code().byte(4).unsigned_leb(file); }
Code advance_line(std::int64_t lines) { return Code().byte(3).signed_leb(lines); }
Code end_stretch() { return Code().byte(0).unsigned_leb(1).byte(1); }

SourceLines lines_of_unit(const Code& bytes) {
  static const auto binary = test::debug_module(4);
  static std::vector<std::vector<std::byte>> kept;  // what the lines look at
  return lines_of(kept.emplace_back(test::with_section(binary, ".debug_line", bytes.bytes())));
}

TEST(SourceLines, WithNamesThatAreLongOrHaveControlCharactersAreShortAndEscaped) {
  const std::string name = "a\n\x1b" + std::string(5000, 'b');
  Code program;
  program.append(set_address(1)).append(set_file(0)).byte(1).byte(2).unsigned_leb(1000).append(end_stretch());
  const auto binary = test::with_section(test::debug_module(4), ".debug_line", unit(one_file(name), program).bytes());
  EXPECT_EQ(lines_of(binary).file(0), name.substr(0, kMaximumPath));
  const std::string text = test::trap_of(binary, 3).to_string();
  EXPECT_NE(text.find(R"(a\n\x1b)"), std::string::npos) << text;
  EXPECT_LT(text.size(), 3000u);
}

TEST(SourceLines, EntriesOfNothingAreNotCounted) {
  Code program;
  program.append(set_address(1)).append(set_file(0)).byte(1).byte(2).unsigned_leb(100).append(end_stretch());
  const auto with_directories = [&program](std::uint64_t count) {  // without a part each
    Code tables;
    tables.byte(0).unsigned_leb(count).byte(1).unsigned_leb(1).unsigned_leb(8).unsigned_leb(1).byte('f').byte(0);
    return lines_of_unit(unit(tables, program));
  };
  EXPECT_FALSE(with_directories(0).empty());
  EXPECT_TRUE(with_directories(3).empty()) << "the unit is not believed";
  EXPECT_TRUE(with_directories(std::uint64_t{1} << 60).empty());
}

TEST(SourceLines, ALineOfNothingOrPastTheNumbersIsUnknown) {
  Code program;
  program.append(set_address(1)).append(set_file(0)).append(advance_line(-1)).byte(1);  // line 0
  program.byte(2).unsigned_leb(1).append(advance_line(std::int64_t{1} << 33)).byte(1);  // past 32 bits
  program.byte(2).unsigned_leb(1).append(set_file(7)).append(advance_line(1)).byte(1);  // no such file
  program.byte(2).unsigned_leb(std::uint64_t{1} << 62).byte(1).append(end_stretch());   // past the section
  const SourceLines lines = lines_of_unit(unit(one_file("f"), program));
  for (std::uint64_t at = 0; at < 2000; ++at) EXPECT_EQ(lines.find(at), std::nullopt) << at;
}

TEST(SourceLines, OfFunctionsThatTheLinkerLeftOutAreNone) {
  Code at_0;
  at_0.append(set_address(0)).append(set_file(0)).byte(1).byte(2).unsigned_leb(100).append(end_stretch());
  EXPECT_TRUE(lines_of_unit(unit(one_file("f"), at_0)).empty());
  for (const unsigned bytes : {4u, 8u}) {
    Code past_the_end;
    past_the_end.byte(0).unsigned_leb(1 + bytes).byte(2);
    for (unsigned i = 0; i < bytes; ++i) past_the_end.byte(0xFF);
    past_the_end.append(set_file(0)).byte(1).byte(2).unsigned_leb(20).append(advance_line(4)).byte(1);
    past_the_end.byte(2).unsigned_leb(20).append(end_stretch());
    EXPECT_TRUE(lines_of_unit(unit(one_file("f"), past_the_end)).empty()) << bytes;
  }
}

TEST(SourceLines, ALineOfNoBytesCoversNone) {
  const auto module = wasm::decode_module(test::debug_module(4));
  const auto code = std::ranges::find(module->sections, 10, &wasm::SectionRange::id);
  Code program;
  program.append(set_address(10)).append(set_file(0)).byte(1).append(end_stretch());
  const SourceLines lines = lines_of_unit(unit(one_file("f"), program));
  EXPECT_EQ(lines.find(code->offset + 10), std::nullopt);
  EXPECT_EQ(lines.find(code->offset + 50), std::nullopt);
}

TEST(SourceLines, AreLimited) {
  const auto module = wasm::decode_module(test::debug_module(4));
  const auto code = std::ranges::find(module->sections, 10, &wasm::SectionRange::id);
  // Two lines for each of some bytes, then line 77 for byte 300.
  const auto lines_behind = [](std::uint64_t rows) {
    Code program = set_file(0);
    for (std::uint64_t i = 0; i < rows; i += 128) {
      program.append(set_address(1));
      for (int pair = 0; pair < 64; ++pair) program.byte(15).byte(13);
    }
    program.append(end_stretch()).append(set_address(300)).append(set_file(0)).append(advance_line(76)).byte(1);
    return lines_of_unit(unit(one_file("f"), program.byte(2).unsigned_leb(1).append(end_stretch())));
  };
  const std::uint64_t most = std::min<std::uint64_t>(kMaximumRows, 2 * code->size) / 128 * 128;
  EXPECT_EQ(lines_behind(most - 128).find(code->offset + 300), (SourceLine{0, 77}));
  EXPECT_NE(lines_behind(most + 128).find(code->offset + 300), (SourceLine{0, 77}));

  Code files;
  files.byte(0).unsigned_leb(0).byte(1).unsigned_leb(1).unsigned_leb(8).unsigned_leb(2 * kMaximumFiles);
  for (std::size_t i = 0; i < 2 * kMaximumFiles; ++i) files.byte('f').byte(0);
  EXPECT_EQ(lines_of_unit(unit(files, Code())).files(), kMaximumFiles);
}

}  // namespace
}  // namespace anew::debug
