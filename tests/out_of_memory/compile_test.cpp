// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A compilation that runs out of memory, wherever that is, ends with kResource: it writes nowhere (run it under ASan),
// throws nothing, and leaves an engine that works.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <anew/anew.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "failing_allocator.hpp"

namespace anew::test {
namespace {

namespace fs = std::filesystem;
using Binary = std::vector<std::byte>;

Binary read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  Binary binary(text.size());
  std::ranges::transform(text, binary.begin(), [](char c) { return static_cast<std::byte>(c); });
  return binary;
}

/// Small modules that use every feature.
std::vector<Binary> corpus() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(fs::path(ANEW_SOURCE_DIR) / "tests" / "fuzz" / "corpus"))
    paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<Binary> modules;
  for (const fs::path& path : paths) modules.push_back(read(path));
  return modules;
}

/// One function of hundreds of kilobytes of code with thousands of traps, labels, constants and a table of jumps, so
/// that every buffer of the compiler grows many times.
Binary large_function() {
  std::string operators;
  for (int i = 0; i < 3'000; ++i) {
    operators += std::string("\x20\x00\x20\x00\x6d\x21\x00", 7);               // local 0 = local 0 / local 0
    operators += std::string("\x02\x40\x20\x00\x0d\x00\x0b", 7);               // a block that is left on local 0
    operators += std::string("\x20\x00\xb2\xa9\x21\x00", 6);                   // to f32 and back, trapping
    operators += std::string("\x02\x40\x20\x00\x0e\x02\x00\x01\x00\x0b", 10);  // br_table
  }
  const auto leb = [](std::size_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);  // its low eight bits
    return bytes + static_cast<char>(value);
  };
  const auto section = [&](char id, const std::string& content) { return id + leb(content.size()) + content; };
  const std::string body = std::string("\x00\x02\x40", 3) + operators + "\x0b\x0b";
  const std::string text = std::string("\0asm\1\0\0\0", 8) + section(1, std::string("\x01\x60\x01\x7f\x00", 5)) +
                           section(3, std::string("\x01\x00", 2)) + section(10, "\x01" + leb(body.size()) + body);
  Binary binary(text.size());
  std::ranges::transform(text, binary.begin(), [](char c) { return static_cast<std::byte>(c); });
  return binary;
}

class OutOfMemory : public testing::Test {
 protected:
  ~OutOfMemory() override { fs::remove_all(cache_); }

  /// Fails allocations of a compilation, about `samples` of them spread over all, each in both ways.
  void fail_each(const Engine& engine, const Binary& binary, const CompileOptions& options, std::uint64_t samples) {
    std::uint64_t all = 0;
    std::optional<ErrorCode> refused;  // what is wrong with the module itself
    {
      const FailingAllocations none(UINT64_MAX, Failing::kOnce);
      const Result<Module> module = engine.compile(binary, options);
      all = FailingAllocations::counted();
      from_malloc_ += FailingAllocations::counted_from_malloc();
      if (!module) refused = module.error().code;
    }
    const std::uint64_t step = std::max<std::uint64_t>(1, all / samples);
    // Each module starts elsewhere, so that steps do not fall on the same allocations of all.
    for (std::uint64_t at = runs_++ % step; at < all; at += step) {
      for (const Failing how : {Failing::kOnce, Failing::kForEver}) {
        fs::remove_all(cache_);  // or the module would be found there
        const FailingAllocations failing(at, how);
        const Result<Module> module = engine.compile(binary, options);
        failed_ += module ? 0 : 1;
        if (module || module.error().code == refused) continue;
        ASSERT_EQ(module.error().code, ErrorCode::kResource) << "allocation " << at << ": " << module.error().message;
        ASSERT_TRUE(module.error().message.starts_with("out of memory")) << module.error().message;
      }
    }
  }

  const fs::path cache_ = fs::temp_directory_path() / fmt::format("anew-out-of-memory-{}", ::getpid());
  const Engine engine_{EngineOptions{.compile_threads = 1, .cache = false}};
  const Engine caching_{EngineOptions{.compile_threads = 1, .cache = true, .cache_directory = cache_}};
  std::uint64_t runs_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t from_malloc_ = 0;  ///< asmjit's allocations, which the test must reach
};

TEST_F(OutOfMemory, EndsACompilationWhereverItHappens) {
  for (const Binary& binary : corpus()) {
    fail_each(engine_, binary, {}, 20);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(failed_, 100u);
  EXPECT_GT(from_malloc_, 100u);
}

TEST_F(OutOfMemory, EndsTheCompilationOfALargeFunction) {
  const Binary binary = large_function();
  for (const CompileOptions& options : {CompileOptions{}, CompileOptions{.explicit_bounds = true, .fuel = true}}) {
    fail_each(engine_, binary, options, 60);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(failed_, 50u);
  EXPECT_GT(from_malloc_, 0u);
}

TEST_F(OutOfMemory, OfAModuleThatIsToBeCached) {
  const std::vector<Binary> modules = corpus();
  ASSERT_FALSE(modules.empty());
  fail_each(caching_, modules.front(), {}, 60);
  if (HasFatalFailure()) return;
  fs::remove_all(cache_);
  EXPECT_TRUE(caching_.compile(modules.front()).has_value());
}

}  // namespace
}  // namespace anew::test
