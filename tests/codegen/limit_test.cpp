// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What hostile modules and full memories may not do to the process that compiles them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "support/wat.hpp"

namespace anew::test {
namespace {

Error compile_error(const std::string& text, EngineOptions options = {}) {
  options.cache = false;
  auto module = Engine(std::move(options)).compile(wat(text));
  return module ? Error{} : module.error();
}

std::string repeat(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

TEST(CodeSize, OfAFewBytesThatPassAThousandValuesIsLimited) {
  const std::string values = repeat(" i32", 1000);
  // One operand too many lies below the values, so each branch moves them all.
  const std::string text =
      fmt::format("(module (func (param i32) (block (result{}) (local.get 0) {} {} unreachable) {}))", values,
                  repeat("(local.get 0)", 1000), repeat("(br_if 0 (local.get 0))", 3000), repeat("drop ", 1000));
  const Error error = compile_error(text);
  EXPECT_EQ(error.code, ErrorCode::kLimit) << error.message;
  EXPECT_NE(error.message.find("bytes of machine code"), std::string::npos) << error.message;
}

TEST(CodeSize, OfABranchTableWithManyLabelsIsLimited) {
  constexpr int kLabels = 6000;
  std::string depths;
  for (int i = 0; i < kLabels; ++i) depths += fmt::format(" {}", i);
  const std::string text = fmt::format(
      "(module (type $t (func (result{}))) (func (param i32) {} (local.get 0) {} (br_table {} (local.get 0)) {} {}))",
      repeat(" i32", 1000), repeat("block (type $t) ", kLabels), repeat("(local.get 0)", 1000), depths,
      repeat("end unreachable ", kLabels - 1), "end " + repeat("drop ", 1000));
  const Error error = compile_error(text);
  EXPECT_EQ(error.code, ErrorCode::kLimit) << error.message;
}

TEST(CodeSize, OfImportsWithAThousandParametersIsLimited) {
  const std::string text = fmt::format("(module (type $t (func (param{}))) {})", repeat(" i32", 1000),
                                       repeat(R"((import "a" "b" (func (type $t))))", 5000));
  const Error error = compile_error(text);
  EXPECT_EQ(error.code, ErrorCode::kLimit) << error.message;
}

TEST(Compilation, ReportsAnExceptionWhicheverThreadThrewIt) {
  // Bodies of 64 KiB and more are compiled on threads of their own.
  const std::string body = "(func " + repeat("(drop (i64.const 0x7fffffffffffffff))", 8000) + ")";
  EngineOptions options;
  options.compile_threads = 4;
  options.progress = [](std::uint32_t, std::uint32_t) { throw std::runtime_error("the embedder's own"); };
  const Error error = compile_error("(module " + repeat(body, 8) + ")", options);
  EXPECT_EQ(error.code, ErrorCode::kHost);
  EXPECT_NE(error.message.find("the embedder's own"), std::string::npos) << error.message;
}

}  // namespace
}  // namespace anew::test
