// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What hostile modules and full memories may not do to the process that compiles them.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/module_builder.hpp"
#include "support/sanitizers.hpp"
#include "support/wat.hpp"
#include "wasm/limits.hpp"

namespace anew::test {
namespace {

Error compile_error(const std::vector<std::byte>& binary, EngineOptions options = {}) {
  options.cache = false;
  auto module = Engine(std::move(options)).compile(binary);
  return module ? Error{} : module.error();
}

Error compile_error(const std::string& text) { return compile_error(wat(text)); }

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
                  repeat("(local.get 0)", 1000), repeat("(br_if 0 (local.get 0))", 9000), repeat("drop ", 1000));
  const Error error = compile_error(text);
  EXPECT_EQ(error.code, ErrorCode::kLimit) << error.message;
  EXPECT_NE(error.message.find("bytes of memory, the limit for a module of"), std::string::npos) << error.message;
}

TEST(CodeSize, OfABranchTableWithManyLabelsIsLimited) {
  constexpr std::uint32_t kLabels = 6000;
  const FunctionType thousand{{}, std::vector<ValueType>(1000, ValueType::kI32)};
  ModuleBuilder module;
  const std::uint32_t type = module.type(thousand);
  Code body;
  for (std::uint32_t i = 0; i < kLabels; ++i) body.open(wasm::Op::kBlock, type);
  for (int i = 0; i < 1001; ++i) body.get(0);
  body.op(wasm::Op::kBrTable, kLabels - 1);
  for (std::uint32_t i = 0; i < kLabels; ++i) body.unsigned_leb(i);
  for (std::uint32_t i = 1; i < kLabels; ++i) body.end().op(wasm::Op::kUnreachable);
  body.end();
  for (int i = 0; i < 1000; ++i) body.op(wasm::Op::kDrop);
  module.function({{ValueType::kI32}, {}}, {}, body);
  const Error error = compile_error(module.finish());
  EXPECT_EQ(error.code, ErrorCode::kLimit) << error.message;
}

TEST(CodeSize, OfImportsWithAThousandParametersIsLimited) {
  const std::string text = fmt::format("(module (type $t (func (param{}))) {})", repeat(" i32", 1000),
                                       repeat(R"((import "a" "b" (func (type $t))))", 5000));
  const Error error = compile_error(text);
  EXPECT_EQ(error.code, ErrorCode::kLimit) << error.message;
}

// --- The memory that a compilation takes ---

/// A module of one function that repeats these operators, on an i32 parameter, inside a block.
std::vector<std::byte> repeated(const Code& operators, std::size_t bytes) {
  Code body;
  body.open(wasm::Op::kBlock);
  for (std::size_t i = 0; i < bytes / operators.size(); ++i) body.append(operators);
  ModuleBuilder module;
  module.function({{ValueType::kI32}, {}}, {}, body.end(), "f");
  return module.finish();
}

/// Bytes of the field of /proc/self/status.
double status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::strtod(line.c_str() + field.size(), nullptr) * 1024;
  return 0;
}

/// What a compilation adds to the resident memory at most, measured in a process of its own.
double peak_bytes(const std::vector<std::byte>& binary) {
  int channel[2];
  if (::pipe(channel) != 0) return 0;
  const pid_t child = ::fork();
  if (child == 0) {
    const Engine engine({.compile_threads = 1, .cache = false});
    const double before = status_bytes("VmRSS:");
    std::ofstream("/proc/self/clear_refs") << 5;  // VmHWM, the peak, starts anew
    const bool done = engine.compile(binary).has_value();
    const double peak = done ? status_bytes("VmHWM:") - before : 0;
    std::_Exit(::write(channel[1], &peak, sizeof(peak)) == sizeof(peak) ? 0 : 1);
  }
  ::close(channel[1]);
  double peak = 0;
  const bool complete = ::read(channel[0], &peak, sizeof(peak)) == sizeof(peak);
  ::close(channel[0]);
  ::waitpid(child, nullptr, 0);
  return complete ? peak : 0;
}

TEST(CompileMemory, StaysBelowAMultipleOfTheModule) {
  if (kSanitized) GTEST_SKIP() << "sanitizers take memory of their own";
  using wasm::Op;
  const std::pair<const char*, Code> shapes[] = {
      {"branches", Code().get(0).op(Op::kBrIf, 0)},
      {"traps", Code().get(0).get(0).op(Op::kI32DivS).op(Op::kDrop)},
      {"ifs", Code().get(0).open(Op::kIf).end()},
      {"tables of jumps", Code().open(Op::kBlock).get(0).op(Op::kBrTable).byte(2).byte(0).byte(1).byte(0).end()},
  };
  for (const auto& [name, operators] : shapes) {
    const std::vector<std::byte> binary = repeated(operators, 3'000'000);
    const double peak = peak_bytes(binary);
    EXPECT_GT(peak, 0) << name << " did not compile";
    EXPECT_LE(peak, static_cast<double>(wasm::limits::compile_bytes(binary.size()))) << name;
  }
}

TEST(CompileMemory, OfAModuleThatTakesMoreThanItsSizeAllowsIsRefused) {
  // A custom section of three bytes becomes eighty.
  std::vector<std::byte> binary = repeated(Code().op(wasm::Op::kNop), 1);
  for (int i = 0; i < 1'000'000; ++i) binary.insert(binary.end(), {std::byte{0}, std::byte{1}, std::byte{0}});
  const auto module = Engine({.cache = false}).compile(binary);
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().code, ErrorCode::kLimit);
  EXPECT_EQ(module.error().message,
            fmt::format("compiling the module takes more than {} bytes of memory, the limit for "
                        "a module of {} bytes",
                        wasm::limits::compile_bytes(binary.size()), binary.size()));
}

TEST(CompileMemory, CanBeLimitedByAnOptionWhoseWordDoesNotDependOnThreads) {
  // Some batches of functions.
  const std::string function =
      "(func (param i32) " + repeat("(drop (i32.div_s (local.get 0) (local.get 0)))", 8000) + ")";
  const std::vector<std::byte> binary = wat("(module " + repeat(function, 6) + ")");
  const auto compile = [&](std::uint64_t most, unsigned threads) {
    return Engine({.compile_threads = threads, .cache = false, .maximum_compile_bytes = most}).compile(binary);
  };
  std::uint64_t too_little = 0;
  std::uint64_t enough = 64 << 20;
  ASSERT_TRUE(compile(enough, 1));
  while (enough - too_little > 1) {
    const std::uint64_t middle = (too_little + enough) / 2;
    (compile(middle, 1) ? enough : too_little) = middle;
  }
  EXPECT_GT(enough, binary.size());
  EXPECT_LT(enough, wasm::limits::kCompilerBytes + 16 * binary.size());
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_TRUE(compile(enough, 4));
    const auto refused = compile(too_little, 4);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
    EXPECT_EQ(refused.error().message, fmt::format("compiling the module takes more than {} bytes of memory, the limit "
                                                   "that EngineOptions::maximum_compile_bytes sets",
                                                   too_little));
  }
}

TEST(Compilation, ReportsAnExceptionWhicheverThreadThrewIt) {
  // Bodies of 64 KiB and more are compiled on threads of their own.
  const std::string body = "(func " + repeat("(drop (i64.const 0x7fffffffffffffff))", 8000) + ")";
  EngineOptions options;
  options.compile_threads = 4;
  options.progress = [](std::uint32_t, std::uint32_t) { throw std::runtime_error("the embedder's own"); };
  const Error error = compile_error(wat("(module " + repeat(body, 8) + ")"), options);
  EXPECT_EQ(error.code, ErrorCode::kHost);
  EXPECT_NE(error.message.find("the embedder's own"), std::string::npos) << error.message;
}

}  // namespace
}  // namespace anew::test
