// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What one instance exports and another imports: every kind, seen from both sides; and what does not match.
#include "group.hpp"

namespace anew::test {
namespace {

constexpr std::string_view kLibrary = R"((module
  (memory (export "memory") 1 4)
  (table (export "table") 2 6 funcref)
  (global $counter (export "counter") (mut i32) (i32.const 10))
  (global (export "vector") (mut v128) (v128.const i64x2 1 2))
  (global (export "constant") i64 (i64.const -5))
  (global (export "vector_constant") v128 (v128.const i64x2 3 4))
  (tag (export "tag") (param i32 i64))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "get") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "set") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "table_size") (result i32) (table.size 0))
  (func (export "table_grow") (param i32) (result i32) (table.grow 0 (ref.null func) (local.get 0)))
  (func (export "count") (result i32) (global.set $counter (i32.add (global.get $counter) (i32.const 1)))
    (global.get $counter))
))";

constexpr std::string_view kUser = R"((module
  (import "library" "memory" (memory 1 5))
  (import "library" "table" (table 1 funcref))
  (import "library" "counter" (global $counter (mut i32)))
  (import "library" "vector" (global $vector (mut v128)))
  (import "library" "constant" (global $constant i64))
  (import "library" "vector_constant" (global $vector_constant v128))
  (import "library" "add" (func $add (param i32 i32) (result i32)))
  (global (export "copy") i64 (global.get $constant))
  (global (export "vector_copy") v128 (global.get $vector_constant))
  (func (export "call_add") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
  (func (export "get") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "set") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "table_size") (result i32) (table.size 0))
  (func (export "table_grow") (param i32) (result i32) (table.grow 0 (ref.null func) (local.get 0)))
  (func (export "counter") (result i32) (global.get $counter))
  (func (export "set_counter") (param i32) (global.set $counter (local.get 0)))
  (func (export "swap_vector") (param v128) (result v128) (global.get $vector) (global.set $vector (local.get 0)))
  (func (export "constant") (result i64) (global.get $constant))
  (export "add" (func $add)) (export "memory" (memory 0)) (export "again" (global $constant))
))";

TEST(LinkedInstances, ShareFunctionsAndGlobals) {
  Group group;
  const Instance library = group.add("library", kLibrary);
  const Instance user = group.add("user", kUser);
  EXPECT_EQ(call(user, "call_add", {Value::i32(2), Value::i32(40)}), Value::i32(42));
  EXPECT_EQ(call(user, "add", {Value::i32(2), Value::i32(40)}), Value::i32(42)) << "called by the host in its owner";
  EXPECT_EQ(call(user, "counter"), Value::i32(10));
  EXPECT_EQ(call(library, "count"), Value::i32(11));
  EXPECT_EQ(call(user, "counter"), Value::i32(11));
  call(user, "set_counter", {Value::i32(100)});
  EXPECT_EQ(call(library, "count"), Value::i32(101));
  EXPECT_EQ(library.global("counter").value(), Value::i32(101));
  EXPECT_EQ(call(user, "swap_vector", {Value::v128(5, 6)}), Value::v128(1, 2));
  EXPECT_EQ(library.global("vector").value(), Value::v128(5, 6));
  EXPECT_EQ(call(user, "constant"), Value::i64(static_cast<std::uint64_t>(-5)));
  EXPECT_EQ(user.global("copy").value(), Value::i64(static_cast<std::uint64_t>(-5)));
  EXPECT_EQ(user.global("vector_copy").value(), Value::v128(3, 4));
  EXPECT_EQ(user.global("again").value(), Value::i64(static_cast<std::uint64_t>(-5)));
}

TEST(LinkedInstances, ShareAMemoryThatGrowsForBoth) {
  Group group;
  const Instance library = group.add("library", kLibrary);
  const Instance user = group.add("user", kUser);
  ASSERT_TRUE(group.store.freeze().has_value());
  call(user, "set", {Value::i32(65532), Value::i32(7)});
  EXPECT_EQ(call(library, "get", {Value::i32(65532)}), Value::i32(7));
  EXPECT_EQ(call_error(user, "set", {Value::i32(65533), Value::i32(7)}).trap, TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(call(user, "grow", {Value::i32(1)}), Value::i32(1));
  EXPECT_EQ(call(library, "size"), Value::i32(2));
  call(library, "set", {Value::i32(2 * 65536 - 4), Value::i32(8)});
  EXPECT_EQ(call(user, "get", {Value::i32(2 * 65536 - 4)}), Value::i32(8));
  EXPECT_EQ(call(library, "grow", {Value::i32(2)}), Value::i32(2));
  EXPECT_EQ(call(user, "size"), Value::i32(4));
  EXPECT_EQ(call(user, "grow", {Value::i32(1)}), Value::i32(~0u)) << "the owner's maximum, not the import's";
  call(user, "fill", {Value::i32(100), Value::i32(0xAB), Value::i32(8)});
  EXPECT_EQ(library.memory().load<std::uint32_t>(104).value(), 0xABABABABu);
  EXPECT_EQ(user.memory().load<std::uint32_t>(104).value(), 0xABABABABu) << "the host's view goes to the owner too";
  EXPECT_EQ(user.memory().size(), 4u * 65536);
  EXPECT_TRUE(user.memory("memory")->store(0, std::uint64_t{1}).has_value());
  EXPECT_EQ(library.memory("memory")->load<std::uint64_t>(0).value(), 1u);
  EXPECT_EQ(library.memory("table").error().code, ErrorCode::kArgument);
  const auto reset = group.store.reset();
  ASSERT_TRUE(reset.has_value()) << reset.error().to_string();
  EXPECT_EQ(call(user, "size"), Value::i32(1));
  EXPECT_EQ(call(user, "get", {Value::i32(100)}), Value::i32(0));
  EXPECT_EQ(call(library, "get", {Value::i32(65532)}), Value::i32(0));
}

TEST(LinkedInstances, ShareATableThatGrowsForBoth) {
  Group group;
  const Instance library = group.add("library", kLibrary);
  const Instance user = group.add("user", kUser);
  EXPECT_EQ(call(user, "table_grow", {Value::i32(2)}), Value::i32(2));
  EXPECT_EQ(call(library, "table_size"), Value::i32(4));
  EXPECT_EQ(call(library, "table_grow", {Value::i32(2)}), Value::i32(4));
  EXPECT_EQ(call(user, "table_size"), Value::i32(6));
  EXPECT_EQ(call(user, "table_grow", {Value::i32(1)}), Value::i32(~0u));
}

TEST(LinkedInstances, FindWhatIsExportedAgainAtItsOwner) {
  Group group;
  const Instance library = group.add("library", kLibrary);
  group.add("user", kUser);
  const Instance third = group.add("third", R"((module
    (import "user" "add" (func $add (param i32 i32) (result i32)))
    (import "user" "memory" (memory 1))
    (import "user" "again" (global $constant i64))
    (func (export "run") (result i64) (i32.store (i32.const 20) (call $add (i32.const 1) (i32.const 2)))
      (global.get $constant))))");
  EXPECT_EQ(call(third, "run"), Value::i64(static_cast<std::uint64_t>(-5)));
  EXPECT_EQ(library.memory().load<std::uint32_t>(20).value(), 3u);
}

TEST(LinkedInstances, AreFoundUnderTheirLatestName) {
  Group group;
  const auto text = [](int number) {
    return "(module (func (export \"f\") (result i32) (i32.const " + std::to_string(number) + ")))";
  };
  constexpr std::string_view kCaller =
      R"((module (import "m" "f" (func $f (result i32))) (func (export "run") (result i32) (call $f))))";
  group.add("m", text(1));
  const Instance first = group.add("first", kCaller);
  group.add("m", text(2));
  const Instance second = group.add("second", kCaller);
  EXPECT_EQ(call(first, "run"), Value::i32(1)) << "links stay as they were made";
  EXPECT_EQ(call(second, "run"), Value::i32(2));
}

TEST(LinkedInstances, GoBeforeTheLinkersDefinitionsWhichFillTheGaps) {
  Linker linker;
  linker.define("library", "add", [](std::int32_t, std::int32_t) { return 0; });
  linker.define("library", "missing", [] { return 77; });
  Group group;
  group.add("library", kLibrary);
  const Instance user = group.add("user", R"((module
    (import "library" "add" (func $add (param i32 i32) (result i32)))
    (import "library" "missing" (func $missing (result i32)))
    (func (export "run") (result i32) (call $add (call $missing) (i32.const 1)))))",
                                  linker);
  EXPECT_EQ(call(user, "run"), Value::i32(78));
}

TEST(Matching, NamesBothTypesOfEachKind) {
  Group group;
  group.add("library", kLibrary);
  const Error error = group.error(R"((module
    (import "library" "add" (func (param i32) (result i32)))
    (import "library" "table" (table 3 funcref))
    (import "library" "memory" (memory 2))
    (import "library" "counter" (global i32))
    (import "library" "constant" (global i32))
    (import "library" "tag" (tag (param i32)))
    (import "library" "get" (global i32))
    (import "library" "sise" (func (result i32)))))");
  EXPECT_EQ(error.code, ErrorCode::kLink);
  EXPECT_TRUE(contains(error.message, "8 of the module's 8 imports"));
  EXPECT_TRUE(
      contains(error.message, "library.add (function [i32] -> [i32]) is defined as function [i32 i32] -> [i32]"));
  EXPECT_TRUE(
      contains(error.message, "library.table (table of 3 or more funcref) is defined as table of 2 to 6 funcref"));
  EXPECT_TRUE(
      contains(error.message, "library.memory (memory of 2 or more pages) is defined as memory of 1 to 4 pages"));
  EXPECT_TRUE(contains(error.message, "library.counter (immutable global i32) is defined as mutable global i32"));
  EXPECT_TRUE(contains(error.message, "library.constant (immutable global i32) is defined as immutable global i64"));
  EXPECT_TRUE(contains(error.message, "library.tag (tag [i32] -> []) is defined as tag [i32 i64] -> []"));
  EXPECT_TRUE(contains(error.message, "library.get (immutable global i32) is defined as function [i32] -> [i32]"));
  EXPECT_TRUE(
      contains(error.message, "library.sise (function [] -> [i32]) is not defined; did you mean \"library.size\""));
}

TEST(Matching, OfMemoriesAndTablesGoesByTheSizesNow) {
  Group group;
  const Instance library = group.add("library", kLibrary);
  constexpr std::string_view kMemory = R"((module (import "library" "memory" (memory 3))))";
  constexpr std::string_view kTable = R"((module (import "library" "table" (table 4 6 funcref))))";
  EXPECT_EQ(group.error(kMemory).code, ErrorCode::kLink);
  EXPECT_EQ(group.error(kTable).code, ErrorCode::kLink);
  call(library, "grow", {Value::i32(2)});
  call(library, "table_grow", {Value::i32(2)});
  group.add("memory", kMemory);
  group.add("table", kTable);
  EXPECT_TRUE(contains(group.error(R"((module (import "library" "memory" (memory 1 3))))").message,
                       "is defined as memory of 3 to 4 pages"));
}

TEST(Matching, OfAMaximumWantsOneThatIsDeclared) {
  Group group;
  group.add("library", R"((module (memory (export "memory") 1) (table (export "table") 1 funcref)))");
  EXPECT_TRUE(contains(group.error(R"((module (import "library" "memory" (memory 1 65536))))").message,
                       "(memory of 1 to 65536 pages) is defined as memory of 1 or more pages"));
  EXPECT_TRUE(contains(group.error(R"((module (import "library" "table" (table 1 10000000 funcref))))").message,
                       "(table of 1 to 10000000 funcref) is defined as table of 1 or more funcref"));
}

TEST(Matching, OfMemoriesWantsTheSameAddresses) {
  Group group;
  group.add("library", R"((module (memory (export "wide") i64 1) (memory (export "narrow") 1)))");
  EXPECT_TRUE(contains(group.error(R"((module (import "library" "wide" (memory 1))))").message,
                       "(memory of 1 or more pages) is defined as memory of 1 or more pages, 64-bit"));
  EXPECT_TRUE(contains(group.error(R"((module (import "library" "narrow" (memory i64 1))))").message,
                       "(memory of 1 or more pages, 64-bit) is defined as memory of 1 or more pages"));
}

TEST(Matching, OfTagsIsByTheTypeAndNotByItsIndex) {
  Group group;
  group.add("library", R"((module (type (func)) (type (func (param i64))) (tag (export "tag") (type 1))))");
  group.add("user", R"((module (type (func (param i64))) (import "library" "tag" (tag (type 0)))))");
}

/// Types of functions that take references to functions of a given type: equal whatever their indices are.
TEST(Matching, OfTypedReferencesIsByStructure) {
  constexpr std::uint8_t kRefNull = 0x63;
  // $a = [] -> [i32], $b = [(ref null $a)] -> [], $self = [(ref null $self)] -> [].
  const auto export_module = raw_module({
      {1, Code()
              .byte(3)
              .byte(0x60)
              .byte(0)
              .byte(1)
              .byte(0x7F)  // 0: $a
              .byte(0x60)
              .byte(1)
              .byte(kRefNull)
              .byte(0)
              .byte(0)  // 1: $b
              .byte(0x60)
              .byte(1)
              .byte(kRefNull)
              .byte(2)
              .byte(0)},  // 2: $self
      {3, Code().byte(3).byte(1).byte(2).byte(0)},
      {6, Code()
              .byte(2)
              .byte(kRefNull)
              .byte(0)
              .byte(0)
              .byte(0xD2)
              .byte(2)
              .byte(0x0B)  // (global (ref null $a) $f)
              .byte(kRefNull)
              .byte(0)
              .byte(1)
              .byte(0xD0)
              .byte(0)
              .byte(0x0B)},  // mutable, null
      {7, Code()
              .byte(4)
              .name("b")
              .byte(0)
              .byte(0)
              .name("self")
              .byte(0)
              .byte(1)
              .name("global")
              .byte(3)
              .byte(0)
              .name("mutable")
              .byte(3)
              .byte(1)},
      {10, Code().byte(3).byte(2).byte(0).byte(0x0B).byte(2).byte(0).byte(0x0B).byte(4).byte(0).byte(0x41).byte(9).byte(
               0x0B)},
  });
  // The same types at other places: $self = 1, $a = 2, $b = 3; $other = 4 is [(ref null $self)] -> [i32].
  const Code types = Code()
                         .byte(5)
                         .byte(0x60)
                         .byte(0)
                         .byte(0)
                         .byte(0x60)
                         .byte(1)
                         .byte(kRefNull)
                         .byte(1)
                         .byte(0)
                         .byte(0x60)
                         .byte(0)
                         .byte(1)
                         .byte(0x7F)
                         .byte(0x60)
                         .byte(1)
                         .byte(kRefNull)
                         .byte(2)
                         .byte(0)
                         .byte(0x60)
                         .byte(1)
                         .byte(kRefNull)
                         .byte(1)
                         .byte(1)
                         .byte(0x7F);
  const auto imports = [&](std::string_view name, std::uint8_t kind, std::initializer_list<std::uint8_t> type) {
    Code section;
    section.byte(1).name("library").name(name).byte(kind);
    for (const std::uint8_t each : type) section.byte(each);
    return raw_module({{1, types}, {2, section}});
  };
  Group group;
  group.add("library", export_module);
  const auto links = [&](const Module& module) { return group.store.instantiate(module, Linker()).has_value(); };
  EXPECT_TRUE(links(imports("b", 0, {3})));
  EXPECT_FALSE(links(imports("b", 0, {1})));
  EXPECT_TRUE(links(imports("self", 0, {1})));
  EXPECT_FALSE(links(imports("self", 0, {3})));
  EXPECT_FALSE(links(imports("self", 0, {4})));
  EXPECT_TRUE(links(imports("global", 3, {kRefNull, 2, 0})));
  EXPECT_TRUE(links(imports("global", 3, {0x70, 0}))) << "an immutable global may be asked for as a funcref";
  EXPECT_FALSE(links(imports("global", 3, {kRefNull, 0, 0})));
  EXPECT_FALSE(links(imports("global", 3, {0x64, 2, 0}))) << "it may be null";
  EXPECT_TRUE(links(imports("mutable", 3, {kRefNull, 2, 1})));
  EXPECT_FALSE(links(imports("mutable", 3, {0x70, 1}))) << "a mutable one only as what it is";
}

TEST(Matching, OfHostTablesAndGlobalsRefusesNullsThatTheTypeForbids) {
  Linker linker;
  linker.define_table("env", "table",
                      {.element = non_null(ValueType::kFuncRef), .limits = {.minimum = 1, .maximum = {}}});
  linker.define_global("env", "null", Value{non_null(ValueType::kExternRef), 0});
  linker.define_global("env", "bits", Value{ValueType::kFuncRef, 0x1000});
  Group group;
  const auto error = [&](Code section) {
    auto made = group.store.instantiate(raw_module({{2, Code().byte(1).append(section)}}), linker);
    return made ? std::string("it was made") : made.error().message;
  };
  EXPECT_TRUE(contains(error(Code().name("env").name("table").byte(1).byte(0x64).byte(0x70).byte(0).byte(1)),
                       "is defined as table of 1 or more (ref func)"));
  EXPECT_TRUE(
      contains(error(Code().name("env").name("null").byte(3).byte(0x64).byte(0x6F).byte(0)), "is defined as null"));
  EXPECT_TRUE(contains(error(Code().name("env").name("bits").byte(3).byte(0x70).byte(0)), "only null can be imported"));
}

TEST(Instantiation, ThatFailsKeepsWhatItWroteToOthersBefore) {
  Group group;
  const Instance library = group.add("library", kLibrary);
  const Instance user = group.add("user", R"((module (import "library" "table" (table 2 funcref))
    (type $t (func (result i32)))
    (func (export "call") (param i32) (result i32) (call_indirect (type $t) (local.get 0)))))");
  const Error data =
      group.error(R"((module (import "library" "memory" (memory 1)) (import "library" "table" (table 2 funcref))
    (func $seven (result i32) (i32.const 7))
    (elem (i32.const 1) $seven)
    (data (i32.const 4) "abc") (data (i32.const 65535) "de") (data (i32.const 8) "x")))");
  EXPECT_EQ(data.trap, TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(library.memory().load<std::uint32_t>(4).value(), 0x00636261u);
  EXPECT_EQ(library.memory().load<std::uint8_t>(8).value(), 0u);
  EXPECT_EQ(library.memory().load<std::uint8_t>(65535).value(), 0u) << "a segment is written whole or not at all";
  EXPECT_EQ(call(user, "call", {Value::i32(1)}), Value::i32(7)) << "the failed instance lives on behind its function";
  const Error element = group.error(R"((module (import "library" "table" (table 2 funcref)) (func $f)
    (elem (i32.const 0) $f) (elem (i32.const 1) $f $f)))");
  EXPECT_EQ(element.trap, TrapKind::kTableOutOfBounds);
  EXPECT_EQ(call_error(user, "call", {Value::i32(0)}).trap, TrapKind::kIndirectCallTypeMismatch);
  const Error start = group.error(R"((module (import "library" "memory" (memory 1)) (start $boom)
    (func $boom (i32.store (i32.const 12) (i32.const 5)) unreachable)))");
  EXPECT_EQ(start.message, "the start function failed: unreachable");
  EXPECT_EQ(library.memory().load<std::uint32_t>(12).value(), 5u);
}

TEST(Instantiation, FillsTablesThatHaveAnInitialElement) {
  // (table 3 4 (ref func) (ref.func 0)), whose elements are never null.
  const Module module = raw_module({
      {1, Code().byte(1).byte(0x60).byte(0).byte(1).byte(0x7F)},
      {3, Code().byte(2).byte(0).byte(0)},
      {4,
       Code().byte(1).byte(0x40).byte(0).byte(0x64).byte(0x70).byte(1).byte(3).byte(4).byte(0xD2).byte(0).byte(0x0B)},
      {7, Code().byte(2).name("table").byte(1).byte(0).name("run").byte(0).byte(1)},
      {10, Code()
               .byte(2)
               .byte(4)
               .byte(0)
               .byte(0x41)
               .byte(9)
               .byte(0x0B)
               .byte(7)
               .byte(0)
               .byte(0x41)
               .byte(2)
               .byte(0x11)
               .byte(0)
               .byte(0)
               .byte(0x0B)},
  });
  Group group;
  EXPECT_EQ(call(group.add("m", module), "run"), Value::i32(9));
}

TEST(ExtraMemoryPages, AreRefusedForAMemoryOfAnotherInstance) {
  Linker linker;
  linker.define_module("library", compile(kLibrary));
  const Module user = compile(kUser);
  const auto pool = Pool::create(user, linker, {.snapshot = {.extra_memory_pages = 1}});
  ASSERT_FALSE(pool.has_value());
  EXPECT_EQ(pool.error().code, ErrorCode::kArgument);
  EXPECT_TRUE(contains(pool.error().message, "another instance's"));
}

TEST(Modules, DescribeImportsAndExportsOfAllKinds) {
  const Module module = compile(R"((module
    (import "m" "tag" (tag (param i32))) (import "m" "memory" (memory i64 1 2)) (import "m" "table" (table 1 externref))
    (global (export "g") (mut v128) (v128.const i64x2 0 0)) (tag (export "own") (param f32 f64))
    (memory (export "memory") 3)))");
  std::vector<std::string> types;
  for (const auto& each : module.imports()) types.push_back(each.type);
  for (const auto& each : module.exports()) types.push_back(each.type);
  const std::vector<std::string> expected = {"[i32] -> []",  "1 to 2 pages, 64-bit", "1 or more externref",
                                             "mutable v128", "[f32 f64] -> []",      "3 or more pages"};
  EXPECT_EQ(types, expected);
}

}  // namespace
}  // namespace anew::test
