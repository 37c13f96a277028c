// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tests of Go's own standard library, compiled for wasip1. Those run by default that ask most of the system;
// ANEW_GO_PACKAGES="time regexp strings" names others.
#include <gtest/gtest.h>

#include <anew/anew.hpp>
#include <anew/wasi.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "os/temporary_directory.hpp"

namespace anew::test {
namespace {

namespace fs = std::filesystem;

/// There is no /dev/null where they run.
constexpr const char* kSkipped = "^(TestDevNullFile|TestOpenFileDevNull)$";

std::string first_line_of(const std::string& command) {
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  char buffer[4096];
  std::string line = std::fgets(buffer, sizeof buffer, pipe) != nullptr ? buffer : "";
  pclose(pipe);
  return line.substr(0, line.find('\n'));
}

/// The tests find the sources of Go, which cannot be changed, and are free to do what they like elsewhere.
void run_tests(const fs::path& program, const std::string& package, const fs::path& go_root) {
  const TemporaryDirectory root;
  fs::create_directory(root / "tmp");
  const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  const Module module = engine.load(program).value();
  Linker linker;
  wasi::define(linker, {.arguments = {package + ".test", "-test.short", "-test.skip", kSkipped},
                        .environment = {"PWD=" + (go_root / "src" / package).string()},
                        .directories = {{.host_path = root.path(), .guest_path = "/"},
                                        {.host_path = go_root, .guest_path = go_root.string(), .read_only = true}},
                        .standard_output = wasi::Capture{},
                        .standard_error = wasi::Capture{},
                        .clock = wasi::Clock::kFine})
      .value();
  const Pool pool = Pool::create(module, linker, {.capacity = 1, .audit_every = 1}).value();
  {
    Lease lease = pool.acquire().value();
    const Result<std::uint32_t> code = wasi::run(lease);
    const auto& context = *wasi::Context::find(lease);
    ASSERT_TRUE(code) << code.error().to_string() << "\n" << context.standard_error();
    EXPECT_EQ(*code, 0u) << context.standard_output() << context.standard_error();
    EXPECT_TRUE(context.standard_output().ends_with("PASS\n")) << context.standard_output();
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Go, TestsItsStandardLibrary) {
  const fs::path go_root = first_line_of("go env GOROOT 2> /dev/null");
  if (go_root.empty()) GTEST_SKIP() << "go is not installed";
  const char* const packages = std::getenv("ANEW_GO_PACKAGES");
  std::istringstream names(packages != nullptr ? packages : "os io/fs path/filepath");
  const TemporaryDirectory directory;
  const fs::path program = directory / "test.wasm";
  for (std::string package; names >> package;) {
    SCOPED_TRACE(package);
    // The module that the tests are started in, if any, is not theirs.
    ASSERT_EQ(
        std::system(("cd / && GOOS=wasip1 GOARCH=wasm go test -c -o " + program.string() + " " + package).c_str()), 0);
    run_tests(program, package, go_root);
  }
}

}  // namespace
}  // namespace anew::test
