// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include "support/wat.hpp"

namespace anew::test {
namespace {

Error link_error(std::string_view text, const Linker& linker, PoolOptions options = {}) {
  auto pool = Pool::create(compile(text), linker, std::move(options));
  if (pool) {
    ADD_FAILURE() << "it linked";
    return {};
  }
  return pool.error();
}

testing::AssertionResult contains(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "\"" << part << "\" is not in: " << text;
}

TEST(Linking, NamesEveryImportThatIsMissingOrIllTyped) {
  Linker linker;
  linker.define("env", "clock", [] { return std::int64_t{1}; });
  linker.define("env", "log_line", [](std::int32_t) {});
  linker.define_global("env", "base", Value::i32(1));
  const Error error = link_error(R"((module
    (import "env" "clock" (func (result i32)))
    (import "env" "log_lines" (func (param i32)))
    (import "env" "base" (global i64))
    (import "env" "table" (table 1 funcref))
    (import "env" "log_line" (memory 1))
    (import "other" "unknown" (func (param i32 f64) (result i64)))))",
                                 linker);
  EXPECT_EQ(error.code, ErrorCode::kLink);
  EXPECT_TRUE(contains(error.message, "6 of the module's 6 imports"));
  EXPECT_TRUE(contains(error.message, "env.clock (function [] -> [i32]) is defined as function [] -> [i64]"));
  EXPECT_TRUE(
      contains(error.message, "env.log_lines (function [i32] -> []) is not defined; did you mean \"env.log_line\""));
  EXPECT_TRUE(contains(error.message, "env.base (immutable global i64) is defined as immutable global i32"));
  EXPECT_TRUE(contains(error.message, "env.table (table of 1 or more funcref) is not defined"));
  EXPECT_TRUE(contains(error.message, "env.log_line (memory of 1 or more pages) is defined as function [i32] -> []"));
  EXPECT_TRUE(contains(error.message, "other.unknown (function [i32 f64] -> [i64]) is not defined"));
}

TEST(Linking, NamesTheFirstHundredOfManyMissingImports) {
  std::string text = "(module";
  for (int i = 0; i < 150; ++i) text += " (import \"env\" \"f" + std::to_string(i) + "\" (func))";
  const Error error = link_error(text + ")", {});
  EXPECT_TRUE(contains(error.message, "150 of the module's 150 imports"));
  EXPECT_TRUE(contains(error.message, "env.f99 "));
  EXPECT_FALSE(contains(error.message, "env.f100 "));
  EXPECT_TRUE(contains(error.message, "and more"));
}

TEST(Linking, RefusesMutableGlobalsBecauseTheyCannotBeRestored) {
  Linker linker;
  linker.define_global("env", "counter", Value::i32(1));
  const Error error = link_error(R"((module (import "env" "counter" (global (mut i32)))))", linker);
  EXPECT_EQ(error.code, ErrorCode::kLink);
  EXPECT_TRUE(contains(error.message, "state outside the instances cannot be restored"));
}

TEST(Linking, GivesImportedGlobalsTheirValues) {
  Linker linker;
  linker.define_global("env", "a", Value::i32(40));
  linker.define_global("env", "b", Value::f64(0.5));
  const Pool pool = make_pool(R"((module
    (import "env" "a" (global $a i32)) (import "env" "b" (global $b f64)) (memory 1)
    (global $c (export "c") i32 (global.get $a))
    (data (global.get $a) "x")
    (func (export "sum") (result f64) (f64.add (f64.convert_i32_s (global.get $a)) (global.get $b)))
    (func (export "at") (param i32) (result i32) (i32.load8_u (local.get 0)))))",
                              {}, linker);
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call<double>("sum").value(), 40.5);
  EXPECT_EQ(lease.global("c").value(), Value::i32(40));
  EXPECT_EQ(lease.call<int>("at", 40).value(), 'x');
}

TEST(Linking, MakesAnImportedMemoryForEachInstance) {
  Linker linker;
  linker.define_memory("env", "memory", {.minimum = 2, .maximum = 3});
  const Pool pool = make_pool(R"((module (import "env" "memory" (memory 1 4))
    (func (export "size") (result i32) (memory.size))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "set") (i32.store (i32.const 0) (i32.const 1)))
    (func (export "get") (result i32) (i32.load (i32.const 0)))))",
                              {}, linker);
  Lease first = pool.acquire().value();
  Lease second = pool.acquire().value();
  EXPECT_EQ(first.call<int>("size").value(), 2) << "the larger of both minimums";
  EXPECT_EQ(first.call<int>("grow", 2).value(), -1) << "the definition's maximum";
  EXPECT_EQ(first.call<int>("grow", 1).value(), 2);
  EXPECT_TRUE(first.call("set").has_value());
  EXPECT_EQ(second.call<int>("get").value(), 0) << "no instance sees another's";
}

TEST(Linking, ChecksTheLimitsOfAnImportedMemory) {
  Linker linker;
  linker.define_memory("env", "memory", {.minimum = 1, .maximum = 5});
  const Error error = link_error(R"((module (import "env" "memory" (memory 1 4))))", linker);
  EXPECT_TRUE(contains(error.message, "env.memory (memory of 1 to 4 pages) is defined as memory of 1 to 5 pages"));
}

TEST(Linking, MakesAnImportedTableForEachInstance) {
  Linker linker;
  linker.define_table("env", "table", {ValueType::kFuncRef, {.minimum = 3, .maximum = 5}});
  const Pool pool = make_pool(R"((module (import "env" "table" (table 2 funcref)) (elem (i32.const 2) $f) (func $f)
    (func (export "size") (result i32) (table.size 0))
    (func (export "grow") (param i32) (result i32) (table.grow 0 (ref.null func) (local.get 0)))))",
                              {}, linker);
  Lease lease = pool.acquire().value();
  EXPECT_EQ(lease.call<int>("size").value(), 3);
  EXPECT_EQ(lease.call<int>("grow", 3).value(), -1);
  EXPECT_EQ(lease.call<int>("grow", 2).value(), 3);
  const Error error = link_error(R"((module (import "env" "table" (table 4 funcref))))", linker);
  EXPECT_TRUE(contains(error.message, "is defined as table of 3 to 5 funcref"));
}

TEST(Linking, RefusesSharedMemoryBecauseItCannotBeRestored) {
  // (module (memory 1 1 shared)): wat2wasm would want an option for it.
  constexpr unsigned char kModule[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 5, 4, 1, 3, 1, 1};
  const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  const auto module = engine.compile(std::as_bytes(std::span(kModule)));
  const Error error = module ? Pool::create(*module, Linker(), {}).error() : module.error();
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_TRUE(contains(error.message, "shared memory"));
}

TEST(TrapUnknownFunctions, LinksThemToATrapThatNamesThem) {
  Linker linker;
  linker.trap_unknown_functions();
  const Pool pool = make_pool(R"((module (import "env" "ext_unheard_of_version_1" (func $f (param i64) (result i32)))
    (func (export "run") (result i32) (call $f (i64.const 1))) (func (export "fine"))))",
                              {}, linker);
  EXPECT_TRUE(pool.acquire()->call("fine").has_value());
  const Error error = pool.acquire()->call<int>("run").error();
  EXPECT_EQ(error.trap, TrapKind::kHostError);
  EXPECT_TRUE(contains(error.message, "not implemented: ext_unheard_of_version_1"));
  // Only functions: what else is missing still is an error.
  EXPECT_EQ(link_error(R"((module (import "env" "g" (global i32))))", linker).code, ErrorCode::kLink);
}

TEST(ExtraMemoryPages, AreAddedToTheInitialSizeIfTheyFit) {
  constexpr std::string_view kText = R"((module (memory 2 6) (func (export "size") (result i32) (memory.size))))";
  const Pool pool = make_pool(kText, {.snapshot = {.extra_memory_pages = 4}});
  EXPECT_EQ(pool.acquire()->call<int>("size").value(), 6);
  const Error error = link_error(kText, Linker(), {.snapshot = {.extra_memory_pages = 5}});
  EXPECT_EQ(error.code, ErrorCode::kArgument);
  EXPECT_TRUE(contains(error.message, "ask for 4 at most"));
  EXPECT_EQ(link_error("(module)", Linker(), {.snapshot = {.extra_memory_pages = 1}}).code, ErrorCode::kArgument);
  EXPECT_EQ(link_error(kText, Linker(), {.snapshot = {.extra_memory_pages = ~0ull}}).code, ErrorCode::kArgument);
}

}  // namespace
}  // namespace anew::test
