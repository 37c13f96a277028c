// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Modules of npm packages that need something of a linker or an engine, which scripts/fetch-npm-modules downloads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/wat.hpp"

namespace anew::test {
namespace {

Module load_npm(const std::string& name, Features features = Features::all()) {
  const char* const folder = std::getenv("ANEW_NPM_MODULES");
  const std::filesystem::path path = std::filesystem::path(folder != nullptr ? folder : ANEW_SOURCE_DIR "/build/npm");
  const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .features = features, .progress = {}});
  auto module = engine.load(path / name);
  if (!module)
    throw std::runtime_error(module.error().to_string() +
                             "; run `scripts/fetch-npm-modules tests` in " ANEW_SOURCE_DIR);
  return *module;
}

/// tree-sitter's grammar of HTML, linked as Emscripten links side modules, and a program beside it.
TEST(NpmModules, AGrammarOfTreeSitterSharesMemoryTableAndStackWithItsProgram) {
  Linker linker;
  linker.trap_unknown_functions();  // of the C library
  linker.define("env", "calloc", [](std::uint32_t, std::uint32_t) { return 0x8'0000; });
  linker.define_memory("env", "memory", {.minimum = 16, .maximum = 256});
  linker.define_table("env", "__indirect_function_table", {ValueType::kFuncRef, {.minimum = 64, .maximum = {}}});
  linker.define_global("env", "__stack_pointer", Value::i32(65'536), Mutability::kMutable);
  linker.define_global("env", "__memory_base", Value::i32(65'536));
  linker.define_global("env", "__table_base", Value::i32(8));
  linker.define_module("grammar", load_npm("tree_sitter_html.wasm"));
  const Pool pool = make_pool(R"((module
    (import "grammar" "__wasm_apply_data_relocs" (func $relocate))
    (import "grammar" "tree_sitter_html" (func $language (result i32)))
    (import "env" "memory" (memory 1)) (import "env" "__indirect_function_table" (table 1 funcref))
    (import "env" "__stack_pointer" (global $stack (mut i32))) (export "stack" (global $stack))
    (type $create (func (result i32))) (type $deserialize (func (param i32 i32 i32)))
    (export "relocate" (func $relocate)) (export "language" (func $language))
    (func (export "create") (param i32) (result i32) (call_indirect (type $create) (local.get 0)))
    (func (export "deserialize") (param i32 i32)
      (call_indirect (type $deserialize) (local.get 1) (i32.const 0) (i32.const 0) (local.get 0)))))",
                              {.snapshot = {.prelude = {"relocate"}}, .audit_every = 1}, linker);
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    const std::uint32_t language = lease.call<std::uint32_t>("language").value();
    const auto word = [&lease](std::uint32_t address) { return lease.memory().load<std::uint32_t>(address).value(); };
    EXPECT_EQ(word(language), 14u) << "the version of its binary interface";
    const std::uint32_t first_name = word(word(language + 56));  // TSLanguage::symbol_names
    const auto name = lease.memory().read(first_name, 4).value();
    EXPECT_EQ(std::memcmp(name.data(), "end", 4), 0) << "a pointer that was relocated";
    // TSLanguage::external_scanner: states, symbols, create, destroy, scan, serialize, deserialize.
    const std::uint32_t create = word(language + 112);
    EXPECT_GE(create, 8u) << "where the table's base is";
    const std::uint32_t scanner = lease.call<std::uint32_t>("create", create).value();
    EXPECT_EQ(scanner, 0x8'0000u);
    EXPECT_EQ(word(scanner), 0u);
    const auto deserialized = lease.call("deserialize", word(language + 128), scanner);
    EXPECT_TRUE(deserialized.has_value()) << deserialized.error().to_string();
    EXPECT_EQ(lease.global("stack").value(), Value::i32(65'536));
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

/// oxipng as Squoosh has it, built for threads; without a thread it works in the one that calls it.
TEST(NpmModules, AnOptimizerOfPicturesThatIsBuiltForThreadsRunsWithoutThem) {
  Linker linker;
  linker.trap_unknown_functions();
  linker.define("wbg", "__wbg_self_ce0dbfc45cf2f5be", [] { return 200; });  // an object
  linker.define("wbg", "__wbindgen_is_undefined", [](int) { return false; });
  linker.define("wbg", "__wbindgen_object_clone_ref", [](int object) { return object; });
  linker.define("wbg", "__wbindgen_object_drop_ref", [](int) {});
  linker.define("wbg", "__wbg_instanceof_Window_f401953a2cf86220", [](int) { return false; });
  linker.define_memory("wbg", "memory", {.minimum = 18, .maximum = {}});
  EXPECT_THROW((void)load_npm("oxipng_threads.wasm"), std::runtime_error) << "its memory is shared";
  const Module module = load_npm("oxipng_threads.wasm", Features::every());
  const auto pool = Pool::create(module, linker, {.snapshot = {.prelude = {"__wbindgen_start"}}, .audit_every = 1});
  ASSERT_TRUE(pool.has_value()) << pool.error().to_string();
  constexpr std::uint32_t kSide = 16;
  constexpr std::uint32_t kBytes = kSide * kSide * 4;
  std::vector<std::byte> first;
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool->acquire().value();
    const auto result = lease.call<std::uint32_t>("__wbindgen_add_to_stack_pointer", -16).value();
    const auto picture = lease.call<std::uint32_t>("__wbindgen_malloc", kBytes, 1).value();
    const auto pixels = lease.memory().write(picture, kBytes).value();
    for (std::uint32_t j = 0; j < kBytes; ++j) pixels[j] = static_cast<std::byte>(j % 4 == 3 ? 255 : j >> 6 & 255);
    const auto done = lease.call("optimise_raw", result, picture, kBytes, kSide, kSide, 2, false, false);
    ASSERT_TRUE(done.has_value()) << done.error().to_string();
    const auto address = lease.memory().load<std::uint32_t>(result).value();
    const auto bytes = lease.memory().load<std::uint32_t>(result + 4).value();
    const auto png = lease.memory().read(address, bytes).value();
    ASSERT_GT(png.size(), 8u);
    EXPECT_EQ(std::memcmp(png.data(), "\x89PNG\r\n\x1A\n", 8), 0);
    if (i == 0) first.assign(png.begin(), png.end());
    EXPECT_TRUE(std::ranges::equal(png, first));
  }
  EXPECT_EQ(first.size(), 101u) << "what V8 makes of it";
  EXPECT_EQ(pool->statistics().audit_failures, 0u) << pool->audit_report();
}

}  // namespace
}  // namespace anew::test
