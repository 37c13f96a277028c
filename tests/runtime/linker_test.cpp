// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

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

// --- What a linker gives to all instances of a store --------------------------------------------------------------

/// A side module as linkers for dynamic linking make them, which the main module is linked to.
constexpr const char* kSide = R"((module
  (import "env" "memory" (memory 1)) (import "env" "__indirect_function_table" (table 2 funcref))
  (import "env" "__stack_pointer" (global $stack (mut i32))) (import "env" "__table_base" (global $base i32))
  (type $t (func (result i32)))
  (func $answer (type $t) (i32.const 42)) (elem (global.get $base) $answer)
  (func (export "push") (param i32) (result i32)
    (global.set $stack (i32.sub (global.get $stack) (i32.const 4)))
    (i32.store (global.get $stack) (local.get 0))
    (global.get $stack))
  (func (export "take") (result i32) (memory.grow (i32.const 1)))))";
constexpr const char* kMain = R"((module
  (import "side" "push" (func $push (param i32) (result i32))) (import "side" "take" (func $take (result i32)))
  (import "env" "memory" (memory 2)) (import "env" "__indirect_function_table" (table 1 funcref))
  (import "env" "__stack_pointer" (global $stack (mut i32))) (export "stack" (global $stack))
  (type $t (func (result i32)))
  (func (export "push") (param i32) (result i32) (drop (call $push (local.get 0))) (i32.load (global.get $stack)))
  (func (export "call") (param i32) (result i32) (call_indirect (type $t) (local.get 0)))
  (func (export "grow") (result i32) (drop (call $take)) (memory.size))
  (func (export "clear") (table.set 0 (i32.const 1) (ref.null func)))
  (func (export "peek") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "fail") (global.set $stack (i32.const 1)) unreachable)))";

Linker dynamic_linker() {
  Linker linker;
  linker.define_memory("env", "memory", {.minimum = 2, .maximum = 4});
  linker.define_table("env", "__indirect_function_table", {ValueType::kFuncRef, {.minimum = 2, .maximum = {}}});
  linker.define_global("env", "__stack_pointer", Value::i32(1024), Mutability::kMutable);
  linker.define_global("env", "__table_base", Value::i32(1));
  return linker;
}

/// That a lease of a pool of kMain is as new, and changes all that it can.
void expect_as_new_and_change(Lease lease, std::uint32_t stack) {
  EXPECT_EQ(lease.global("stack").value(), Value::i32(stack));
  EXPECT_EQ(lease.call<std::uint32_t>("peek", stack - 4).value(), 0u);
  EXPECT_EQ(lease.call<int>("call", 1).value(), 42) << "what the side module put into the table";
  EXPECT_EQ(lease.call<int>("push", 7).value(), 7) << "one memory and one stack pointer";
  EXPECT_EQ(lease.call<int>("push", 8).value(), 8);
  EXPECT_EQ(lease.global("stack").value(), Value::i32(stack - 8));
  EXPECT_EQ(lease.call<int>("grow").value(), 3) << "the side module's growth is seen";
  EXPECT_TRUE(lease.call("clear").has_value());
  EXPECT_EQ(lease.call<int>("call", 1).error().trap, TrapKind::kUninitializedElement);
}

TEST(SharedDefinitions, AreOneForAllInstancesOfAStoreAndAsNewWithIt) {
  Linker linker = dynamic_linker();
  linker.define_module("side", compile(kSide));
  // 2 pages and 2 elements: what is shared counts once. And the page that is grown.
  const Pool pool = make_pool(
      kMain, {.capacity = 2, .audit_every = 1, .maximum_memory_bytes = 3 * std::uint64_t{65'536} + 16}, linker);
  for (int i = 0; i < 3; ++i) expect_as_new_and_change(pool.acquire().value(), 1024);
  EXPECT_EQ(pool.acquire()->call("fail").error().trap, TrapKind::kUnreachable);
  Lease first = pool.acquire().value();
  EXPECT_EQ(first.call<int>("push", 9).value(), 9);
  expect_as_new_and_change(pool.acquire().value(), 1024);  // another store has its own
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
  EXPECT_GT(pool.statistics().audited, 3u);
}

TEST(SharedDefinitions, AreInSnapshotsAndTheirFiles) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "anew_shared_definitions.snapshot";
  const Module side = compile(kSide);
  std::string main(kMain);
  main.insert(main.size() - 1, R"((func (export "begin") (global.set $stack (i32.const 512))))");
  Linker linker = dynamic_linker();
  linker.define_module("side", side);
  const Pool pool = make_pool(main, {.snapshot = {.prelude = {"begin"}}, .audit_every = 1}, linker);
  for (int i = 0; i < 2; ++i) expect_as_new_and_change(pool.acquire().value(), 512);
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
  ASSERT_TRUE(pool.save_snapshot(path).has_value());
  const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  const auto loaded = Pool::create(engine.load(path).value(), dynamic_linker(), {.audit_every = 1});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
  for (int i = 0; i < 2; ++i) expect_as_new_and_change(loaded->acquire().value(), 512);
  EXPECT_EQ(loaded->statistics().audit_failures, 0u) << loaded->audit_report();
  // A linker that gives something else is refused.
  Linker other = dynamic_linker();
  other.define_global("env", "__stack_pointer", Value::i64(1024), Mutability::kMutable);
  const Error error = Pool::create(engine.load(path).value(), other).error();
  EXPECT_TRUE(contains(error.message, "env.__stack_pointer (mutable global i32) is defined as mutable global i64"));
  std::filesystem::remove(path);
}

TEST(SharedDefinitions, OfEveryTypeAreGlobalsLikeOthers) {
  Linker linker;
  linker.define_global("env", "vector", Value::v128(1, 2), Mutability::kMutable);
  linker.define_global("env", "function", Value{ValueType::kFuncRef, 0}, Mutability::kMutable);
  linker.define_global("env", "object", Value{ValueType::kExternRef, 5}, Mutability::kMutable);
  linker.define_global("env", "number", Value::f64(0.5), Mutability::kMutable);
  const Pool pool = make_pool(R"((module
    (import "env" "vector" (global $vector (mut v128))) (import "env" "function" (global $function (mut funcref)))
    (import "env" "object" (global $object (mut externref))) (import "env" "number" (global $number (mut f64)))
    (export "vector" (global $vector)) (export "object" (global $object)) (export "number" (global $number))
    (elem declare func $f) (func $f)
    (func (export "set") (param externref)
      (global.set $vector (v128.const i64x2 3 4)) (global.set $function (ref.func $f))
      (global.set $object (local.get 0)) (global.set $number (f64.const 8)))
    (func (export "is_null") (result i32) (ref.is_null (global.get $function)))))",
                              {.audit_every = 1}, linker);
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.global("vector").value(), Value::v128(1, 2));
    EXPECT_EQ(lease.global("object").value(), (Value{ValueType::kExternRef, 5}));
    EXPECT_EQ(lease.global("number").value(), Value::f64(0.5));
    EXPECT_TRUE(lease.call<bool>("is_null").value());
    EXPECT_TRUE(lease.call("set", ExternReference{6}).has_value());
    EXPECT_EQ(lease.global("vector").value(), Value::v128(3, 4));
    EXPECT_FALSE(lease.call<bool>("is_null").value());
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(SharedDefinitions, ThatAModuleImportsTwiceAreTheSame) {
  Linker linker = dynamic_linker();
  const Pool pool = make_pool(R"((module
    (import "env" "memory" (memory $a 1)) (import "env" "memory" (memory $b 2))
    (import "env" "__indirect_function_table" (table $s 1 funcref))
    (import "env" "__indirect_function_table" (table $t 2 funcref))
    (import "env" "__stack_pointer" (global $x (mut i32))) (import "env" "__stack_pointer" (global $y (mut i32)))
    (func $f) (elem declare func $f)
    (func (export "run") (result i32 i32 i32)
      (i32.store $a (i32.const 8) (i32.const 5)) (table.set $s (i32.const 0) (ref.func $f))
      (global.set $x (i32.const 6))
      (i32.load $b (i32.const 8)) (ref.is_null (table.get $t (i32.const 0))) (global.get $y))
    (func (export "read") (result i32 i32 i32)
      (i32.load $b (i32.const 8)) (ref.is_null (table.get $t (i32.const 0))) (global.get $y))))",
                              {.audit_every = 1}, linker);
  using Seen = std::tuple<int, bool, int>;
  for (int i = 0; i < 2; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<Seen>("read").value(), Seen(0, true, 1024));
    EXPECT_EQ(lease.call<Seen>("run").value(), Seen(5, false, 6));
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(SharedDefinitions, AreTheStoresWhicheverLinkerNamesThemLater) {
  const Module user = compile(R"((module (import "env" "count" (global $count (mut i32)))
    (import "env" "base" (global $base i32)) (export "count" (global $count)) (export "base" (global $base))
    (func (export "add") (global.set $count (i32.add (global.get $count) (i32.const 1))))))");
  Linker linker;
  linker.define_global("env", "count", Value::i32(10), Mutability::kMutable);
  linker.define_global("env", "base", Value::i32(100));
  Store store({.audit = true});
  const Instance first = store.instantiate(user, linker).value();
  ASSERT_TRUE(store.freeze().has_value());
  // As a loader does for each further module: a base of its own, the rest shared.
  linker.define_global("env", "base", Value::i32(200));
  linker.define_global("env", "count", Value::i32(77), Mutability::kMutable);  // too late: the store has one
  const Instance second = store.instantiate(user, linker).value();
  EXPECT_EQ(first.global("base").value(), Value::i32(100));
  EXPECT_EQ(second.global("base").value(), Value::i32(200));
  ASSERT_TRUE(second.call_values("add", {}).has_value());
  ASSERT_TRUE(first.call_values("add", {}).has_value());
  EXPECT_EQ(first.global("count").value(), Value::i32(12));
  EXPECT_EQ(second.global("count").value(), Value::i32(12));
  const auto reset = store.reset();  // the second goes
  ASSERT_TRUE(reset.has_value()) << reset.error().to_string();
  EXPECT_EQ(first.global("count").value(), Value::i32(10));
  Store other;
  EXPECT_EQ(other.instantiate(user, linker)->global("count").value(), Value::i32(77)) << "another store, another one";
}

TEST(SharedDefinitions, OfOtherTypesOrTooSmallAreRefused) {
  Linker linker;
  linker.define_global("env", "fixed", Value::i32(1));
  linker.define_global("env", "free", Value::i32(1), Mutability::kMutable);
  linker.define_memory("env", "memory", {.minimum = 1, .maximum = {}});
  linker.define_table("env", "table", {ValueType::kFuncRef, {.minimum = 1, .maximum = 8}});
  EXPECT_TRUE(contains(link_error(R"((module (import "env" "fixed" (global (mut i32)))))", linker).message,
                       "env.fixed (mutable global i32) is defined as immutable global i32"));
  EXPECT_TRUE(contains(link_error(R"((module (import "env" "free" (global i32))))", linker).message,
                       "env.free (immutable global i32) is defined as mutable global i32"));
  EXPECT_TRUE(contains(link_error(R"((module (import "env" "free" (global (mut i64)))))", linker).message,
                       "is defined as mutable global i32"));
  linker.define_module("side",
                       compile(R"((module (import "env" "memory" (memory 1)) (import "env" "table" (table 1 8 funcref))
    (import "env" "free" (global (mut i32)))))"));
  const std::string message =
      link_error(R"((module (import "env" "memory" (memory 3)) (import "env" "table" (table 2 8 funcref))
    (import "env" "free" (global i32))))",
                 linker)
          .message;
  EXPECT_TRUE(contains(message,
                       "env.memory (memory of 3 or more pages) is defined as memory of 1 or more pages, made "
                       "for the first import of it in the store: define it with limits that suit all"));
  EXPECT_TRUE(contains(message, "env.table (table of 2 to 8 funcref) is defined as table of 1 to 8 funcref, made for"));
  EXPECT_TRUE(contains(message, "env.free (immutable global i32) is defined as mutable global i32"));
  linker.define_global("env", "function", Value{ValueType::kFuncRef, 0x1000}, Mutability::kMutable);
  EXPECT_TRUE(contains(link_error(R"((module (import "env" "function" (global (mut funcref)))))", linker).message,
                       "only null can be imported"));
}

/// What clang-19 and wasm-ld-19 make of
///
///   extern int base_of(int);
///   int counter = 40, *where = &counter;
///   static int twice(int x) { return 2 * x; }
///   int (*chosen)(int) = twice;
///   int side_count(void) { return ++*where; }
///   int side_call(int x) { int room[4] = {x, x, x, x}; return chosen(room[x & 3]) + base_of(x); }
///
/// with -O2 -fPIC and --experimental-pic -shared --unresolved-symbols=import-dynamic, as wasm2wat shows it.
constexpr const char* kLibrary = R"((module
  (import "env" "memory" (memory 1)) (import "env" "__indirect_function_table" (table 1 funcref))
  (import "env" "__stack_pointer" (global $__stack_pointer (mut i32)))
  (import "env" "__memory_base" (global $__memory_base i32)) (import "env" "__table_base" (global $__table_base i32))
  (type $unary (func (param i32) (result i32)))
  (import "env" "base_of" (func $base_of (type $unary)))
  (import "GOT.mem" "where" (global $where (mut i32))) (import "GOT.mem" "chosen" (global $chosen (mut i32)))
  (import "GOT.mem" "counter" (global $counter (mut i32)))
  (func (export "__wasm_apply_data_relocs")
    i32.const 4  global.get $__memory_base  i32.add  global.get $counter  i32.store
    i32.const 8  global.get $__memory_base  i32.add  global.get $__table_base  i32.const 0  i32.add  i32.store)
  (func $twice (type $unary) (i32.shl (local.get 0) (i32.const 1)))
  (func (export "side_count") (result i32) (local i32)
    global.get $where  i32.load  local.tee 0  local.get 0  i32.load  i32.const 1  i32.add  local.tee 0  i32.store
    local.get 0)
  (func (export "side_call") (param i32) (result i32) (local i32 i32)
    global.get $__stack_pointer  i32.const 16  i32.sub  local.tee 1  global.set $__stack_pointer
    local.get 1  local.get 0  i32.store offset=12  local.get 1  local.get 0  i32.store offset=8
    local.get 1  local.get 0  i32.store offset=4  local.get 1  local.get 0  i32.store
    local.get 1  local.get 0  i32.const 3  i32.and  i32.const 2  i32.shl  i32.or  i32.load
    global.get $chosen  i32.load  call_indirect (type $unary)  local.set 2
    local.get 0  call $base_of  local.set 0
    local.get 1  i32.const 16  i32.add  global.set $__stack_pointer
    local.get 0  local.get 2  i32.add)
  (global (export "where") i32 (i32.const 4)) (global (export "chosen") i32 (i32.const 8))
  (global (export "counter") i32 (i32.const 0))
  (elem (global.get $__table_base) $twice)
  (data (global.get $__memory_base) "\28\00\00\00\00\00\00\00\00\00\00\00")))";

TEST(DynamicLinking, LoadsALibraryOfClangBesideItsProgram) {
  Store store({.audit = true});
  Linker linker;
  linker.define_memory("env", "memory", {.minimum = 4, .maximum = 16});
  linker.define_table("env", "__indirect_function_table", {ValueType::kFuncRef, {.minimum = 16, .maximum = {}}});
  linker.define_global("env", "__stack_pointer", Value::i32(65'536), Mutability::kMutable);
  const Instance program = store
                               .instantiate(compile(R"((module (import "env" "memory" (memory 2))
    (import "env" "__indirect_function_table" (table 1 funcref)) (type $unary (func (param i32) (result i32)))
    (import "env" "__stack_pointer" (global $stack (mut i32))) (export "stack" (global $stack))
    (func (export "base_of") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1000)))
    (func (export "call") (param i32 i32) (result i32) (call_indirect (type $unary) (local.get 1) (local.get 0)))
    (func (export "peek") (param i32) (result i32) (i32.load (local.get 0)))))"),
                                            linker)
                               .value();
  store.define("env", program);

  // What a loader does: a place in memory and table, and in the global offset table where each symbol is.
  constexpr std::uint32_t kMemoryBase = 131'072;
  constexpr std::uint32_t kTableBase = 5;
  linker.define_global("env", "__memory_base", Value::i32(kMemoryBase));
  linker.define_global("env", "__table_base", Value::i32(kTableBase));
  for (const auto& [name, offset] : {std::pair("counter", 0), std::pair("where", 4), std::pair("chosen", 8)})
    linker.define_global("GOT.mem", name, Value::i32(kMemoryBase + static_cast<std::uint32_t>(offset)),
                         Mutability::kMutable);
  const auto library = store.instantiate(compile(kLibrary), linker);
  ASSERT_TRUE(library.has_value()) << library.error().to_string();
  ASSERT_TRUE(library->call_values("__wasm_apply_data_relocs", {}).has_value());
  ASSERT_TRUE(store.freeze().has_value());

  const auto call = [](const Instance& instance, const char* name, std::vector<Value> arguments) {
    return instance.call_values(name, arguments).value().at(0);
  };
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(call(*library, "side_count", {}), Value::i32(41));
    EXPECT_EQ(call(*library, "side_count", {}), Value::i32(42));
    EXPECT_EQ(call(program, "peek", {Value::i32(kMemoryBase)}), Value::i32(42)) << "in the program's memory";
    EXPECT_EQ(call(*library, "side_call", {Value::i32(21)}), Value::i32(42 + 1021));
    EXPECT_EQ(call(program, "peek", {Value::i32(65'532)}), Value::i32(21)) << "on the program's stack";
    EXPECT_EQ(call(program, "call", {Value::i32(kTableBase), Value::i32(9)}), Value::i32(18)) << "by its table";
    EXPECT_EQ(program.global("stack").value(), Value::i32(65'536));
    const auto reset = store.reset();
    ASSERT_TRUE(reset.has_value()) << reset.error().to_string();
  }
}

// --- Memories that are declared shared ------------------------------------------------------------------------------

/// As linkers make modules for threads: the first to come copies the data, the others wait for it.
constexpr const char* kForThreads = R"((module
  (import "env" "memory" (memory 1 3 shared))
  (data $d "thread")
  (func $init
    (if (i32.atomic.rmw.cmpxchg (i32.const 64) (i32.const 0) (i32.const 1))
      (then (drop (memory.atomic.wait32 (i32.const 64) (i32.const 1) (i64.const -1))))
      (else (memory.init $d (i32.const 0) (i32.const 0) (i32.const 6))
            (i32.atomic.store (i32.const 64) (i32.const 2))
            (drop (memory.atomic.notify (i32.const 64) (i32.const -1)))))
    (data.drop $d))
  (start $init)
  (func (export "init") (call $init))
  (func (export "add") (param i32) (result i32) (i32.atomic.rmw.add (i32.const 68) (local.get 0)))
  (func (export "notify") (result i32) (memory.atomic.notify (i32.const 64) (i32.const 9)))
  (func (export "wait32") (param i32) (result i32)
    (memory.atomic.wait32 (i32.const 64) (local.get 0) (i64.const 1000)))
  (func (export "wait64") (result i32) (memory.atomic.wait64 (i32.const 72) (i64.const 0) (i64.const 0)))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "text") (result i32) (i32.load8_u (i32.const 0)))))";

Engine engine_that_accepts(Features features) {
  return Engine(EngineOptions{.cache = false, .cache_directory = {}, .features = features, .progress = {}});
}

TEST(UnsharedMemory, IsTheInstancesOwnAndWaitingForOthersTraps) {
  const Engine engine = engine_that_accepts(Features::every());
  const Module module = engine.compile(wat(kForThreads)).value();
  EXPECT_TRUE(module.features().has_all({Feature::kThreads, Feature::kUnsharedMemory, Feature::kBulkMemory}));
  EXPECT_EQ(module.imports().at(0).type, "1 to 3 pages, shared");
  Linker linker;
  linker.define_memory("env", "memory", {.minimum = 1, .maximum = 3});
  const Pool pool = Pool::create(module, linker, {.capacity = 2, .audit_every = 1}).value();
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("text").value(), 't');
    EXPECT_EQ(lease.call<int>("add", 5).value(), 0);
    EXPECT_EQ(lease.call<int>("add", 5).value(), 5);
    EXPECT_EQ(pool.acquire()->call<int>("add", 1).value(), 0) << "nobody else sees it";
    EXPECT_EQ(lease.call<int>("notify").value(), 0);
    EXPECT_EQ(lease.call<int>("grow").value(), 1);
    EXPECT_TRUE(lease.call("init").has_value()) << "the data is there, so it need not wait";
    EXPECT_EQ(lease.call<int>("wait32", 1).value(), 1) << "not equal";
    EXPECT_EQ(lease.call<int>("wait32", 2).error().trap, TrapKind::kExpectedSharedMemory) << "it would wait";
    EXPECT_EQ(lease.call<int>("wait64").error().trap, TrapKind::kExpectedSharedMemory);
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

TEST(UnsharedMemory, IsRefusedWithoutTheOptionWhereverTheModuleComesFrom) {
  const std::filesystem::path directory(testing::TempDir());
  const std::filesystem::path compiled = directory / "anew_unshared.anew";
  const std::filesystem::path snapshot = directory / "anew_unshared.snapshot";
  const Engine accepts = engine_that_accepts(Features::every());
  const Engine refuses = engine_that_accepts(Features::all());
  const std::vector<std::byte> binary = wat("(module (memory (export \"memory\") 1 1 shared))");
  const Module module = accepts.compile(binary).value();
  ASSERT_TRUE(accepts.save(module, compiled).has_value());
  ASSERT_TRUE(Pool::create(module, {})->save_snapshot(snapshot).has_value());
  EXPECT_TRUE(accepts.load(compiled).has_value());
  EXPECT_TRUE(Pool::create(accepts.load(snapshot).value(), {}).has_value());
  for (const Result<Module>& each : {refuses.compile(binary), refuses.load(compiled), refuses.load(snapshot)}) {
    ASSERT_FALSE(each.has_value());
    EXPECT_EQ(each.error().code, ErrorCode::kUnsupported);
    EXPECT_TRUE(contains(each.error().message, "shared memory"));
    EXPECT_TRUE(contains(each.error().message, "add unshared-memory to EngineOptions::features"));
  }
  std::filesystem::remove(compiled);
  std::filesystem::remove(snapshot);
}

TEST(UnsharedMemory, DoesNotStartThreadsAndIsNotGivenForAnother) {
  const Engine engine = engine_that_accepts(Features::every());
  const auto error = [&engine](std::string_view text, const Linker& linker = {}) {
    const auto module = engine.compile(wat(text));
    return module ? Pool::create(*module, linker).error() : module.error();
  };
  EXPECT_TRUE(contains(error(R"((module (import "wasi" "thread-spawn" (func (param i32) (result i32)))
    (memory 1 1 shared)))")
                           .message,
                       "wasi.thread-spawn (function [i32] -> [i32]) is not defined"));
  Linker linker;
  linker.define_module("m", engine.compile(wat("(module (memory (export \"memory\") 1 1))")).value());
  EXPECT_TRUE(contains(error(R"((module (import "m" "memory" (memory 1 1 shared))))", linker).message,
                       "m.memory (memory of 1 to 1 pages, shared) is defined as memory of 1 to 1 pages"));
  // (module (memory 1 shared)), which wat2wasm refuses too.
  constexpr unsigned char kWithoutMaximum[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 5, 3, 1, 2, 1};
  const auto malformed = engine.compile(std::as_bytes(std::span(kWithoutMaximum)));
  EXPECT_TRUE(contains(malformed.error().message, "shared memory must have maximum"));
}

}  // namespace
}  // namespace anew::test
