// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Programs that ordinary toolchains make, as commands: those of C in programs/, and Go's own tests of its library.
#include <gtest/gtest.h>
#include <unistd.h>

#include <anew/anew.hpp>
#include <anew/wasi.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "os/temporary_directory.hpp"

namespace anew::test {
namespace {

namespace fs = std::filesystem;

Pool make_pool(const fs::path& path, const wasi::Options& options, PoolOptions pool_options = {}) {
  static const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  auto module = engine.load(path);
  if (!module) throw std::runtime_error(module.error().to_string());
  Linker linker;
  if (auto defined = wasi::define(linker, options); !defined) throw std::runtime_error(defined.error().to_string());
  auto pool = Pool::create(*module, linker, std::move(pool_options));
  if (!pool) throw std::runtime_error(pool.error().to_string());
  return std::move(*pool);
}

fs::path program(const std::string& name) { return fs::path(ANEW_WASI_PROGRAMS) / (name + ".wasm"); }

TEST(Programs, OfCDoWithFilesWhatTheyLike) {
  const TemporaryDirectory directory;
  const Pool pool = make_pool(program("files"),
                              {.arguments = {"files"},
                               .directories = {{.host_path = directory.path(), .guest_path = "/work"}},
                               .standard_output = wasi::Capture{}},
                              {.capacity = 1, .audit_every = 1});
  for (int i = 0; i < 3; ++i) {
    for (const auto& entry : fs::directory_iterator(directory.path())) fs::remove_all(entry);
    Lease lease = pool.acquire().value();
    const auto code = wasi::run(lease);
    const auto output = lease.find_state<wasi::Context>()->standard_output();
    EXPECT_EQ(output, "done\n");
    EXPECT_EQ(code.value(), 0u);
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Programs, OfCAreAsNewInEachLease) {
  const Pool pool = make_pool(program("streams"),
                              {.environment = {"PLACE=here"},
                               .standard_input = "from the options",
                               .standard_output = wasi::Capture{},
                               .standard_error = wasi::Capture{}},
                              {.capacity = 1, .audit_every = 1});
  for (const std::uint32_t code : {0u, 3u, 42u, 0u, 3u}) {
    Lease lease = pool.acquire().value();
    auto& context = *lease.find_state<wasi::Context>();
    ASSERT_TRUE(context.set_arguments({"streams", "two words", std::to_string(code)}));
    if (code == 3) context.set_standard_input("of this lease");
    EXPECT_EQ(wasi::run(lease).value(), code);
    EXPECT_EQ(context.standard_output(), "call 1 of streams [two words] [" + std::to_string(code) + "] in here\n" +
                                             (code == 3 ? "OF THIS LEASE" : "FROM THE OPTIONS"));
    EXPECT_EQ(context.standard_error(), "a word of warning\n");
  }
  Lease lease = pool.acquire().value();
  ASSERT_TRUE(lease.find_state<wasi::Context>()->set_arguments({"streams", "99"}));
  EXPECT_EQ(wasi::run(lease).error().trap, TrapKind::kUnreachable);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Programs, ThatAreNoneAreRefused) {
  const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  const Module module = engine.load(program("streams")).value();
  EXPECT_EQ(Pool::create(module, Linker()).error().code, ErrorCode::kLink);
  Linker linker;
  ASSERT_TRUE(wasi::define(linker, {}));
  const std::vector<std::byte> empty = {std::byte{0}, std::byte{'a'}, std::byte{'s'}, std::byte{'m'},
                                        std::byte{1}, std::byte{0},   std::byte{0},   std::byte{0}};
  const Module nothing = engine.compile(empty).value();
  Lease without = Pool::create(nothing, Linker()).value().acquire().value();
  EXPECT_EQ(wasi::run(without).error().code, ErrorCode::kArgument);
  Lease lease = Pool::create(nothing, linker).value().acquire().value();
  EXPECT_EQ(wasi::run(lease).error().code, ErrorCode::kNotFound);
}

/// Go's packages whose tests run here. They call all of its system interface, and know what it is to answer.
class GoPackage : public testing::TestWithParam<const char*> {};

int run_command(const std::string& command) { return std::system(command.c_str()); }

TEST_P(GoPackage, PassesItsTests) {
  if (run_command("go version > /dev/null 2>&1") != 0) GTEST_SKIP() << "there is no go command";
  const std::string package = GetParam();
  const TemporaryDirectory directory;
  const fs::path binary = directory / "test.wasm";
  // A cache of its own would compile the library anew for each package; the user's is left alone.
  const std::string cache = std::string(ANEW_BINARY_DIR) + "/go";
  const std::string build = "cd \"$(go env GOROOT)/src/" + package + "\" && GOCACHE=" + cache +
                            " GOOS=wasip1 GOARCH=wasm GOFLAGS=-mod=mod go test -p 1 -c -o " + binary.string() + " > " +
                            (directory / "log").string() + " 2>&1 && pwd > " + (directory / "source").string();
  if (run_command(build) != 0)
    GTEST_SKIP() << "go cannot compile for wasip1: " << [&] {
      std::ifstream log(directory / "log");
      return std::string(std::istreambuf_iterator<char>(log), {});
    }();
  std::string source;
  std::getline(std::ifstream(directory / "source") >> std::ws, source);
  fs::create_directory(directory / "tmp");
  const Pool pool =
      make_pool(binary,
                {.arguments = {"test", "-test.short", "-test.v=false"},
                 .environment = {"PWD=" + source, "TMPDIR=" + (directory / "tmp").string(), "PATH=/usr/bin", "HOME=/"},
                 .directories = {{.host_path = "/", .guest_path = "/"}},
                 .standard_output = wasi::Capture{},
                 .standard_error = wasi::Capture{},
                 .clock = wasi::Clock::kFine},
                {.capacity = 1});
  Lease lease = pool.acquire().value();
  lease.set_deadline(std::chrono::steady_clock::now() + std::chrono::minutes(3));
  const auto code = wasi::run(lease);
  const auto& context = *lease.find_state<wasi::Context>();
  ASSERT_TRUE(code.has_value()) << code.error().to_string().substr(0, 2000) << context.standard_output()
                                << context.standard_error();
  EXPECT_EQ(*code, 0u) << context.standard_output() << context.standard_error();
}

INSTANTIATE_TEST_SUITE_P(Go, GoPackage,
                         testing::Values("os", "io", "io/fs", "path/filepath", "bufio", "strings", "sort", "time"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::ranges::replace(name, '/', '_');
                           return name;
                         });

}  // namespace
}  // namespace anew::test
