// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Programs that ordinary toolchains make, as commands: those of C in programs/.
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
    const auto output = wasi::Context::find(lease)->standard_output();
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
    auto& context = *wasi::Context::find(lease);
    ASSERT_TRUE(context.set_arguments({"streams", "two words", std::to_string(code)}));
    if (code == 3) context.set_standard_input("of this lease");
    EXPECT_EQ(wasi::run(lease).value(), code);
    EXPECT_EQ(context.standard_output(), "call 1 of streams [two words] [" + std::to_string(code) + "] in here\n" +
                                             (code == 3 ? "OF THIS LEASE" : "FROM THE OPTIONS"));
    EXPECT_EQ(context.standard_error(), "a word of warning\n");
  }
  Lease lease = pool.acquire().value();
  ASSERT_TRUE(wasi::Context::find(lease)->set_arguments({"streams", "99"}));
  EXPECT_EQ(wasi::run(lease).error().trap, TrapKind::kUnreachable);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(Programs, RunAsTheGuideSays) {
  const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  const Module module = engine.load(program("streams")).value();
  const TemporaryDirectory directory;
  const fs::path& data = directory.path();

  anew::wasi::Options options;
  options.arguments = {"streams", "0"};
  options.environment = {"PLACE=here"};
  options.directories = {{.host_path = data, .guest_path = "/data", .read_only = true}};
  options.standard_input = std::string("some text");
  options.standard_output = anew::wasi::Capture{};
  anew::Linker linker;
  if (const auto defined = anew::wasi::define(linker, options); !defined) FAIL() << defined.error().to_string();
  const anew::Pool pool = anew::Pool::create(module, linker).value();
  for (int request = 0; request < 3; ++request) {
    anew::Lease lease = pool.acquire().value();  // a process as new, without the price of one
    const anew::Result<std::uint32_t> code = anew::wasi::run(lease);
    const auto& context = *anew::wasi::Context::find(lease);
    EXPECT_EQ(code.value(), 0u);
    EXPECT_EQ(context.standard_output(), "call 1 of streams [0] in here\nSOME TEXT");
  }
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

}  // namespace
}  // namespace anew::test
