// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// docs/embedding.md, embedding-c.md, wasi.md and components.md: what their code says must compile and do as it says.
// Each block is a quotation from an example or a test; what is in no other file is below.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/wat.hpp"

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = ANEW_SOURCE_DIR;

/// The lines of a file, without what they begin and end with of blanks, and without empty ones.
std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream stream(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin != std::string::npos) lines.push_back(line.substr(begin, line.find_last_not_of(' ') + 1 - begin));
  }
  return lines;
}

/// Whether the block that begins behind line `at` of the guide stands in `source`; `at` is then behind its end.
bool is_quotation(const std::vector<std::string>& guide, std::size_t& at, const std::vector<std::string>& source) {
  std::vector<std::string> block;
  for (++at; at < guide.size() && guide[at] != "```"; ++at) block.push_back(guide[at]);
  return !block.empty() && std::ranges::search(source, block).begin() != source.end();
}

/// @return how many blocks of code a page has, each of which must be a quotation.
std::size_t check_quotations(const std::string& page) {
  const std::vector<std::string> guide = lines_of(kRoot / "docs" / page);
  constexpr std::string_view kMark = "<!-- ";
  std::size_t checked = 0;
  for (std::size_t at = 0; at < guide.size(); ++at) {
    if (guide[at] != "```cpp" && guide[at] != "```c" && guide[at] != "```rust") continue;
    if (at == 0 || !guide[at - 1].starts_with(kMark) || at + 1 == guide.size()) {
      ADD_FAILURE() << page << ": a block without <!-- FILE --> before it: " << at;
      continue;
    }
    const std::string name = guide[at - 1].substr(kMark.size(), guide[at - 1].find(" -->") - kMark.size());
    const std::string first = guide[at + 1];
    EXPECT_TRUE(is_quotation(guide, at, lines_of(kRoot / name))) << name << " has no block that begins " << first;
    ++checked;
  }
  return checked;
}

TEST(Guide, QuotesCodeThatIsCompiledAndRun) {
  EXPECT_GT(check_quotations("embedding.md"), 10u);
  EXPECT_GT(check_quotations("embedding-c.md"), 5u);
  EXPECT_EQ(check_quotations("wasi.md"), 2u);
  EXPECT_EQ(check_quotations("components.md"), 3u);
}

TEST(Guide, SeesWhatIsNoQuotation) {
  std::size_t at = 0;
  EXPECT_FALSE(is_quotation({"```cpp", "int a;", "int b;", "```"}, at, {"int a;", "int c;"}));
  at = 0;
  EXPECT_TRUE(is_quotation({"```cpp", "int a;", "int b;", "```"}, at, {"int;", "int a;", "int b;"}));
  EXPECT_EQ(at, 3u);
}

// --- the guide's code that is in no example -------------------------------------------------------------------------

using namespace std::chrono_literals;

class GuideCode : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(directory); }
  void TearDown() override { fs::remove_all(directory); }
  static std::vector<std::byte> code(int answer) {
    return anew::test::wat(R"((module
      (memory (export "memory") 1)
      (func (export "_initialize") (i32.store (i32.const 0) (i32.const )" +
                           std::to_string(answer) + R"()))
      (func (export "warm_up"))
      (func (export "get") (result i32) (i32.load (i32.const 0)))))");
  }

  const fs::path directory = fs::temp_directory_path() / ("anew-guide-" + std::to_string(getpid()));
  anew::Engine engine{anew::EngineOptions{.cache_directory = directory / "cache"}};
  anew::Linker linker;
};

TEST_F(GuideCode, Pool) {
  const anew::Module module = engine.compile(code(42)).value();
  const anew::PoolOptions options = {
      .capacity = 64,                        // instances at most
      .minimum_warm = 8,                     // made now, and kept
      .idle_time = 1min,                     // the others: trimmed, later dropped
      .minimum_available_bytes = 256 << 20,  // dropped when memory is short
  };
  const auto pool = anew::Pool::create(module, linker, options);
  EXPECT_EQ(pool.value().statistics().instances, 8u);
}

TEST(Guide, ChoosesFeatures) {
  const anew::Engine engine({.features = anew::Features::wasm_2().without(anew::Feature::kSimd)});
  const auto asked = anew::Features::parse("mvp,sign-extension,multi-value");
  EXPECT_TRUE(asked.value().has(anew::Feature::kMultiValue));
  const auto refused = engine.compile(anew::test::wat("(module (func (param v128)))"));
  EXPECT_EQ(refused.error().code, anew::ErrorCode::kUnsupported);
}

TEST_F(GuideCode, Cancelling) {
  const auto module = engine.compile(anew::test::wat("(module (func (export \"spin\") (loop (br 0))))"));
  const auto pool = anew::Pool::create(module.value(), linker);
  anew::Lease lease = pool.value().acquire().value();
  const auto canceller = lease.canceller();  // cheap to copy; outlives the lease
  std::thread client([&] { canceller->cancel(); });
  const auto result = lease.call("spin");  // TrapKind::kInterrupted, whenever it began
  client.join();
  EXPECT_EQ(result.error().trap, anew::TrapKind::kInterrupted);
}

TEST_F(GuideCode, Snapshot) {
  const anew::Module module = engine.compile(code(42)).value();
  anew::SnapshotOptions snapshot;
  snapshot.prelude = {"_initialize", "warm_up"};  // called once, now
  const auto pool = anew::Pool::create(module, linker, {.snapshot = snapshot});
  EXPECT_EQ(pool.value().acquire().value().call<int>("get").value(), 42);

  const fs::path path = directory / "warm.snapshot";
  if (const auto saved = pool->save_snapshot(path); !saved) FAIL() << saved.error().to_string();
  // Later, maybe in another process:
  const auto warm = engine.load(path);
  const auto warm_pool = anew::Pool::create(warm.value(), linker);
  EXPECT_EQ(warm_pool.value().acquire().value().call<int>("get").value(), 42);
}

TEST_F(GuideCode, CompileOptions) {
  const fs::path path = directory / "module.wasm";
  {
    const auto binary = code(0);
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(binary.data()), std::ssize(binary));
  }
  const auto copied = engine.load(path, {.ledger = anew::Ledger::kCow});
  const auto growing = engine.load(path, {.explicit_bounds = true});
  EXPECT_EQ(copied.value().ledger(), anew::Ledger::kCow);
  EXPECT_EQ(growing.value().ledger(), anew::Ledger::kCards);
  const auto deterministic = engine.load(path, {.fuel = true, .canonical_nan = true, .stack_limit = 65'536});
  EXPECT_TRUE(deterministic.has_value());
}

TEST_F(GuideCode, ModulesThatImportFromOneAnother) {
  const anew::Module library = engine.compile(code(42)).value();
  const anew::Module main_module = engine
                                       .compile(anew::test::wat(R"((module
            (import "library" "_initialize" (func $set))
            (import "library" "memory" (memory 1))
            (func (export "run") (result i32) (call $set) (i32.load (i32.const 0)))))"))
                                       .value();
  linker.define_module("library", library);
  const auto pool = anew::Pool::create(main_module, linker);  // with an instance of `library` in each lease
  EXPECT_EQ(pool.value().acquire().value().call<int>("run").value(), 42);

  anew::Store store;
  const auto first = store.instantiate(library, anew::Linker());
  if (!first) FAIL() << first.error().to_string();
  store.define("library", *first);  // what later modules import from "library"
  const auto second = store.instantiate(main_module, anew::Linker());
  if (!second) FAIL() << second.error().to_string();
  const auto frozen = store.freeze();  // the state that reset() goes back to
  const auto results = second->call_values("run", {});
  const auto reset = store.reset();  // both are as they were
  EXPECT_TRUE(frozen && reset);
  EXPECT_EQ(results.value().front(), anew::Value::i32(42));
  EXPECT_EQ(first->call_values("get", {}).value().front(), anew::Value::i32(0));
}

TEST_F(GuideCode, DynamicLinking) {
  const anew::Module library = engine
                                   .compile(anew::test::wat(R"((module
            (import "env" "memory" (memory 1)) (import "env" "__indirect_function_table" (table 2 funcref))
            (import "env" "__stack_pointer" (global $stack (mut i32))) (import "env" "__memory_base" (global $data i32))
            (import "env" "__table_base" (global $functions i32))
            (func $f) (elem (global.get $functions) $f) (data (global.get $data) "\00\00\00\00\05")
            (func (export "__wasm_apply_data_relocs") (i32.store (global.get $data) (global.get $data)))
            (func (export "pointer") (result i32)
              (global.set $stack (i32.sub (global.get $stack) (i32.const 16)))
              (i32.load8_u (i32.add (i32.load (global.get $data)) (i32.const 4))))))"))
                                   .value();
  linker.define_memory("env", "memory", {.minimum = 16, .maximum = 256});  // limits that suit all that import it
  linker.define_table("env", "__indirect_function_table", {anew::ValueType::kFuncRef, {.minimum = 64, .maximum = {}}});
  linker.define_global("env", "__stack_pointer", anew::Value::i32(65'536), anew::Mutability::kMutable);
  linker.define_global("env", "__memory_base", anew::Value::i32(65'536));  // where the library's data goes
  linker.define_global("env", "__table_base", anew::Value::i32(1));        // and its functions
  const auto pool = anew::Pool::create(library, linker, {.snapshot = {.prelude = {"__wasm_apply_data_relocs"}}});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(pool.value().acquire().value().call<int>("pointer").value(), 5);
}

TEST_F(GuideCode, PoolCache) {
  const std::vector<std::byte> first_code = code(1);
  const std::vector<std::byte> second_code = code(2);
  const anew::Hash second_hash = anew::hash_code(second_code);
  int fetched = 0;
  const auto fetch = [&]() -> anew::Result<std::vector<std::byte>> {
    ++fetched;
    return second_code;
  };

  const anew::PoolCache cache(engine, linker, {.maximum_bytes = 512 << 20});
  const auto pool = cache.get(first_code);           // hashes, then finds or compiles
  const auto other = cache.get(second_hash, fetch);  // fetched only if it is not there
  const anew::PoolSettings large{.snapshot = {.extra_memory_pages = 2048}};
  const auto larger = cache.get(second_hash, fetch, large);  // another pool, the same compiled module
  EXPECT_TRUE(pool && other && larger);
  EXPECT_EQ(fetched, 1);
  EXPECT_EQ(cache.statistics().compilations, 2u);
}

}  // namespace
