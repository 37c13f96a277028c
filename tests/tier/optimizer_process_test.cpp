// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tier/optimizer_process.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "os/helper_process.hpp"
#include "os/temporary_directory.hpp"
#include "support/optimizer.hpp"
#include "support/wat.hpp"

namespace anew::tier {
namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

/// Sets ANEW_OPTIMIZER as long as it is there.
struct ChosenOptimizer {
  explicit ChosenOptimizer(const fs::path& program) { setenv("ANEW_OPTIMIZER", program.c_str(), 1); }
  ~ChosenOptimizer() { unsetenv("ANEW_OPTIMIZER"); }
};

/// Functions 1 to 40 are defined; 0 is imported.
struct Source {
  static constexpr std::uint32_t kFunctions = 41;
  std::vector<std::byte> binary = [] {
    std::string text = "(module (import \"a\" \"b\" (func)) (memory 1)";
    for (std::uint32_t i = 1; i < kFunctions; ++i) {
      text += "(func (param i32) (result i32) (i32.store (local.get 0) (i32.const " + std::to_string(i) +
              ")) (call $callee (local.get 0)))";
    }
    text.replace(text.find("(func (param"), 5, "(func $callee");
    text.replace(text.find("(call $callee (local.get 0))"), 28, "(i32.const 1)");
    return anew::test::wat(text + ")");
  }();
  std::vector<std::vector<std::uint32_t>> units = {{1, 2, 3}, {}, {4}, {10, 9}};
  OptimizeJob job = {.binary = binary,
                     .accepted = Features::all(),
                     .options = {},
                     .functions = kFunctions,
                     .units = units,
                     .threads = 1,
                     .unit_limit = milliseconds(60'000)};
  std::vector<std::uint32_t> all() const {
    std::vector<std::uint32_t> functions;
    for (const auto& unit : units) functions.insert(functions.end(), unit.begin(), unit.end());
    return functions;
  }
};

/// A program that sh runs.
fs::path script(const fs::path& directory, const std::string& text) {
  const fs::path path = directory / "script";
  std::ofstream(path) << "#!/bin/sh\n" << text << '\n';
  fs::permissions(path, fs::perms::owner_all);
  return path;
}

class Optimizing : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(test::kOptimizer)) GTEST_SKIP() << "built where LLVM is found only";
  }
  ChosenOptimizer chosen_{test::kOptimizer};
};

TEST_F(Optimizing, GivesTheCodeOfEachFunctionInOrder) {
  for (const unsigned threads : {1u, 3u}) {
    Source source;
    source.job.threads = threads;
    std::atomic<std::uint32_t> most = 0;
    source.job.progress = [&](std::uint32_t done, std::uint32_t all) {
      EXPECT_EQ(all, 6u);
      EXPECT_LE(done, all);
      for (std::uint32_t seen = most; seen < done && !most.compare_exchange_weak(seen, done);) {
      }
    };
    const auto codes = optimize(source.job);
    ASSERT_TRUE(codes) << codes.error().message;
    const std::vector<std::uint32_t> expected = source.all();
    ASSERT_EQ(codes->size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const codegen::optimizing::FunctionCode& code = (*codes)[i];
      EXPECT_EQ(code.function, expected[i]);
      EXPECT_EQ(code.not_compiled, "");
      EXPECT_FALSE(code.code.empty());
      EXPECT_FALSE(code.positions.empty());
      EXPECT_GE(code.frame_bytes, 16u);
      EXPECT_TRUE(code.relocations.empty()) << "the callee is small enough to be inlined";
    }
    EXPECT_EQ(most, expected.size());
  }
}

TEST_F(Optimizing, TellsOfAModuleThatItDoesNotUnderstand) {
  Source source;
  source.binary[4] = std::byte{9};
  const auto codes = optimize(source.job);
  ASSERT_FALSE(codes);
  EXPECT_NE(codes.error().message.find("cannot be used"), std::string::npos) << codes.error().message;
  EXPECT_NE(codes.error().message.find("version"), std::string::npos) << codes.error().message;
}

TEST_F(Optimizing, KeepsWithinItsMemory) {
  Source source;
  source.job.memory_limit = 1 << 16;
  const auto codes = optimize(source.job);
  if (codes) {
    for (const auto& code : *codes) EXPECT_NE(code.not_compiled.find("memory"), std::string::npos) << code.not_compiled;
  } else {
    EXPECT_EQ(codes.error().code, ErrorCode::kResource);
  }
}

TEST_F(Optimizing, EndsWhenItIsStopped) {
  Source source;
  std::stop_source stop;
  source.job.stop = stop.get_token();
  source.job.progress = [&](std::uint32_t, std::uint32_t) { stop.request_stop(); };
  const auto codes = optimize(source.job);
  ASSERT_FALSE(codes);
  EXPECT_EQ(codes.error().code, ErrorCode::kResource);
  EXPECT_NE(codes.error().message.find("stopped"), std::string::npos);
}

/// What this very program does as an optimizer that is not well: it makes code of one byte, dies of function 2 and does
/// not come to an end with function 9.
[[noreturn]] void serve_badly() {
  using namespace codegen::optimizing;
  JobHeader job;
  const auto read = [](auto& to) { return os::read_from_parent(std::as_writable_bytes(std::span(&to, 1))); };
  const auto write = [](const auto& what) { (void)os::write_to_parent(std::as_bytes(std::span(&what, 1))); };
  if (!read(job)) std::_Exit(1);
  std::vector<std::byte> binary(job.module_bytes);
  if (!os::read_from_parent(binary)) std::_Exit(1);
  write(JobReply{kReplyMagic, 0});
  for (UnitHeader unit; read(unit);) {
    write(UnitReply{unit.functions});
    for (std::uint32_t i = 0; i < unit.functions; ++i) {
      std::uint32_t function = 0;
      if (!read(function)) std::_Exit(1);
      if (function == 2) {
        std::fprintf(stderr, "a line\nfunction 2 is not liked\n");
        std::_Exit(3);
      }
      while (function == 9) std::this_thread::sleep_for(milliseconds(1'000));
      write(FunctionReply{function, 0, 1, 0, 0, 16, 16});
      write('x');
    }
  }
  std::_Exit(0);
}
// Before main(), which writes to standard output.
[[maybe_unused]] const bool kServesBadly = [] {
  if (std::getenv("ANEW_TEST_SERVES_BADLY") != nullptr) serve_badly();
  return false;
}();

TEST(FailingOptimizer, IsGivenTheFunctionsOfAUnitAloneAndTheOthersAfterThem) {
  setenv("ANEW_TEST_SERVES_BADLY", "1", 1);
  const ChosenOptimizer chosen(fs::canonical("/proc/self/exe"));
  for (const unsigned threads : {1u, 2u}) {
    Source source;
    source.units.back() = {10};
    source.job.units = source.units;
    source.job.threads = threads;
    auto codes = optimize(source.job);
    ASSERT_TRUE(codes) << codes.error().message;
    // The limit is that of starting the process as well: a short one is for what never ends alone.
    source.units = {{9}};
    source.job.units = source.units;
    source.job.unit_limit = milliseconds(1'000);
    const auto hanging = optimize(source.job);
    ASSERT_TRUE(hanging) << hanging.error().message;
    codes->insert(codes->end(), hanging->begin(), hanging->end());
    ASSERT_EQ(codes->size(), 6u);
    for (const auto& code : *codes) {
      const std::string expected = code.function == 2   ? "exited with status 3: function 2 is not liked"
                                   : code.function == 9 ? "it took longer than 1000 ms"
                                                        : "";
      EXPECT_EQ(code.not_compiled, expected) << code.function;
      EXPECT_EQ(code.code.size(), expected.empty() ? 1u : 0u);
    }
  }
  unsetenv("ANEW_TEST_SERVES_BADLY");
}

TEST(NoOptimizer, IsToldWithWhatToDo) {
  const ChosenOptimizer chosen("/nowhere/anew-optimizer");
  Source source;
  const auto codes = optimize(source.job);
  ASSERT_FALSE(codes);
  EXPECT_EQ(codes.error().code, ErrorCode::kNotFound);
  EXPECT_NE(codes.error().message.find("/nowhere/anew-optimizer"), std::string::npos);
}

TEST(NoOptimizer, IsLookedForBesideTheProgramAndWhereItIsInstalled) {
  unsetenv("ANEW_OPTIMIZER");
  const fs::path beside = fs::canonical("/proc/self/exe").parent_path() / "anew-optimizer";
  const auto found = find_optimizer();
  if (found) {
    EXPECT_TRUE(fs::exists(*found));
  } else {
    EXPECT_NE(found.error().message.find(beside.string()), std::string::npos) << found.error().message;
    EXPECT_NE(found.error().message.find("ANEW_OPTIMIZER"), std::string::npos);
  }
}

TEST(NoOptimizer, MayDieAtOnceOrBeAnotherProgram) {
  for (const auto& [program, reason] :
       {std::pair("/bin/false", "exited with status 1"), std::pair("/bin/cat", "it is no such program")}) {
    const ChosenOptimizer chosen(program);
    Source source;
    const auto codes = optimize(source.job);
    ASSERT_FALSE(codes);
    EXPECT_EQ(codes.error().code, ErrorCode::kResource);
    EXPECT_NE(codes.error().message.find(reason), std::string::npos) << codes.error().message;
  }
}

TEST(NoOptimizer, MayHang) {
  const test::TemporaryDirectory directory;
  const ChosenOptimizer chosen(script(directory.path(), "exec sleep 1000"));
  Source source;
  source.job.unit_limit = milliseconds(100);
  const auto codes = optimize(source.job);
  ASSERT_FALSE(codes);
  EXPECT_NE(codes.error().message.find("longer than 100 ms"), std::string::npos) << codes.error().message;
}

TEST(NoOptimizer, IsKilledWhenTheJobIsStopped) {
  const test::TemporaryDirectory directory;
  const fs::path started = directory.path() / "started";
  const ChosenOptimizer chosen(script(directory.path(), "echo $$ > " + started.string() + "; exec sleep 1000"));
  Source source;
  std::stop_source stop;
  source.job.stop = stop.get_token();
  const std::jthread stopper([&] {
    // Bounded: a script that never starts ends with the job.
    for (int i = 0; i < 30'000 && !fs::exists(started); ++i) std::this_thread::sleep_for(milliseconds(1));
    stop.request_stop();
  });
  const auto codes = optimize(source.job);
  ASSERT_FALSE(codes);
  EXPECT_NE(codes.error().message.find("stopped"), std::string::npos) << codes.error().message;
  int id = 0;
  std::ifstream(started) >> id;
  if (id != 0) {
    EXPECT_FALSE(fs::exists("/proc/" + std::to_string(id)));
  }
}

}  // namespace
}  // namespace anew::tier
