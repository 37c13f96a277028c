// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Several memories of one instance, own and imported, and memories with 64-bit addresses.
#include "group.hpp"

namespace anew::test {
namespace {

Value i32(std::uint32_t value) { return Value::i32(value); }
Value i64(std::uint64_t value) { return Value::i64(value); }

constexpr std::string_view kSeveral = R"((module
  (memory $a (export "a") 1 3) (memory $b (export "b") 1 2) (memory $c (export "c") i64 1 3)
  (data (memory $b) (i32.const 8) "bbbb") (data $bytes "passive")
  (data (memory $c) (i64.const 16) "cccc")
  (func (export "load_a") (param i32) (result i32) (i32.load $a (local.get 0)))
  (func (export "load_b") (param i32) (result i32) (i32.load $b (local.get 0)))
  (func (export "load_c") (param i64) (result i32) (i32.load $c (local.get 0)))
  (func (export "store_b") (param i32 i32) (i32.store $b (local.get 0) (local.get 1)))
  (func (export "store_c") (param i64 i32) (i32.store $c (local.get 0) (local.get 1)))
  (func (export "far_c") (param i64) (result i32) (i32.load $c offset=0xFFFFFFFF (local.get 0)))
  (func (export "grow_b") (param i32) (result i32) (memory.grow $b (local.get 0)))
  (func (export "grow_c") (param i64) (result i64) (memory.grow $c (local.get 0)))
  (func (export "size_b") (result i32) (memory.size $b))
  (func (export "size_c") (result i64) (memory.size $c))
  (func (export "fill_b") (param i32 i32) (memory.fill $b (local.get 0) (i32.const 7) (local.get 1)))
  (func (export "fill_c") (param i64 i64) (memory.fill $c (local.get 0) (i32.const 9) (local.get 1)))
  (func (export "b_to_a") (param i32 i32 i32) (memory.copy $a $b (local.get 0) (local.get 1) (local.get 2)))
  (func (export "c_to_a") (param i32 i64 i32) (memory.copy $a $c (local.get 0) (local.get 1) (local.get 2)))
  (func (export "c_to_c") (param i64 i64 i64) (memory.copy $c $c (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init_b") (param i32 i32 i32) (memory.init $b $bytes (local.get 0) (local.get 1) (local.get 2)))
))";

TEST(Memories, AreSeparateAndEachHasItsSize) {
  Group group;
  const Instance instance = group.add("m", kSeveral);
  ASSERT_TRUE(group.store.freeze().has_value());
  EXPECT_EQ(call(instance, "load_b", {i32(8)}), i32(0x62626262));
  EXPECT_EQ(call(instance, "load_c", {i64(16)}), i32(0x63636363));
  EXPECT_EQ(call(instance, "load_a", {i32(8)}), i32(0));
  EXPECT_EQ(call(instance, "grow_b", {i32(1)}), i32(1));
  EXPECT_EQ(call(instance, "grow_b", {i32(1)}), i32(~0u));
  EXPECT_EQ(call(instance, "grow_c", {i64(1)}), i64(1));
  EXPECT_EQ(call(instance, "grow_c", {i64(1ull << 40)}), i64(~0ull));
  EXPECT_EQ(call(instance, "grow_c", {i64(~0ull)}), i64(~0ull));
  EXPECT_EQ(call(instance, "size_c"), i64(2));
  call(instance, "store_b", {i32(2 * 65536 - 4), i32(5)});
  call(instance, "store_c", {i64(2 * 65536 - 4), i32(6)});
  EXPECT_EQ(call(instance, "load_b", {i32(2 * 65536 - 4)}), i32(5));
  EXPECT_EQ(instance.memory("c")->load<std::uint32_t>(2 * 65536 - 4).value(), 6u);
  EXPECT_EQ(instance.memory("a")->size(), 65536u);
  EXPECT_EQ(instance.memory("b")->grow(1).error().code, ErrorCode::kResource);
  EXPECT_EQ(instance.memory("c")->grow(1).value(), 2u);
  const auto reset = group.store.reset();
  ASSERT_TRUE(reset.has_value()) << reset.error().to_string();
  EXPECT_EQ(call(instance, "size_b"), i32(1));
  EXPECT_EQ(call(instance, "size_c"), i64(1));
  EXPECT_EQ(call(instance, "load_c", {i64(16)}), i32(0x63636363));
}

TEST(Memories, TrapAtTheirOwnEnds) {
  Group group;
  const Instance instance = group.add("m", kSeveral);
  const auto traps = [&](const char* name, std::vector<Value> arguments) {
    const auto result = instance.call_values(name, arguments);
    return !result && result.error().trap == TrapKind::kMemoryOutOfBounds && !result.error().backtrace.empty();
  };
  EXPECT_TRUE(traps("load_b", {i32(65533)}));
  EXPECT_TRUE(traps("load_b", {i32(~0u)}));
  EXPECT_TRUE(traps("store_b", {i32(65533), i32(1)}));
  EXPECT_TRUE(traps("load_c", {i64(65533)}));
  EXPECT_TRUE(traps("load_c", {i64(~0ull)}));
  EXPECT_TRUE(traps("load_c", {i64(1ull << 32)})) << "no address is cut to 32 bits";
  EXPECT_TRUE(traps("store_c", {i64((1ull << 63) + 8), i32(1)}));
  EXPECT_TRUE(traps("far_c", {i64(~0xFFFFFFFEull)})) << "the sum wraps to 0";
  EXPECT_TRUE(traps("fill_b", {i32(65530), i32(7)}));
  EXPECT_TRUE(traps("fill_c", {i64(65530), i64(7)}));
  EXPECT_TRUE(traps("fill_c", {i64(8), i64(~0ull - 4)})) << "the sum wraps to 3";
  EXPECT_TRUE(traps("b_to_a", {i32(0), i32(65535), i32(2)}));
  EXPECT_TRUE(traps("c_to_a", {i32(0), i64(1ull << 32), i32(1)}));
  EXPECT_TRUE(traps("c_to_c", {i64(~0ull), i64(0), i64(1)}));
  EXPECT_TRUE(traps("init_b", {i32(65530), i32(0), i32(7)}));
  EXPECT_TRUE(traps("init_b", {i32(0), i32(1), i32(7)}));
}

TEST(Memories, AreCopiedFilledAndInitialized) {
  Group group;
  const Instance instance = group.add("m", kSeveral);
  ASSERT_TRUE(group.store.freeze().has_value());
  call(instance, "b_to_a", {i32(100), i32(8), i32(4)});
  EXPECT_EQ(call(instance, "load_a", {i32(100)}), i32(0x62626262));
  call(instance, "c_to_a", {i32(200), i64(18), i32(4)});
  EXPECT_EQ(call(instance, "load_a", {i32(200)}), i32(0x00006363));
  call(instance, "fill_b", {i32(65532), i32(4)});
  EXPECT_EQ(call(instance, "load_b", {i32(65532)}), i32(0x07070707));
  call(instance, "fill_c", {i64(65536), i64(0)});
  call(instance, "fill_c", {i64(65532), i64(4)});
  call(instance, "c_to_c", {i64(65529), i64(65530), i64(6)});
  EXPECT_EQ(call(instance, "load_c", {i64(65530)}), i32(0x09090900));
  call(instance, "init_b", {i32(0), i32(1), i32(4)});
  EXPECT_EQ(call(instance, "load_b", {i32(0)}), i32(0x69737361));
  const auto reset = group.store.reset();
  ASSERT_TRUE(reset.has_value()) << reset.error().to_string() << ": every write was marked";
  EXPECT_EQ(call(instance, "load_b", {i32(65532)}), i32(0));
}

TEST(Memories, OfOthersAreReachedBesideOnesOwn) {
  Group group;
  const Instance library = group.add("library", kSeveral);
  // Memory 0 is another instance's, 1 its own, 2 another's with 64 bits.
  const Instance user = group.add("user", R"((module
    (import "library" "b" (memory $b 1)) (import "library" "c" (memory $c i64 1))
    (memory $own 1)
    (func (export "move") (param i32)
      (i32.store $own (i32.const 0) (i32.load $b (local.get 0)))
      (i32.store $b (i32.const 4) (i32.load $own (i32.const 0)))
      (i64.store $c (i64.const 65528) (i64.load32_u $own (i32.const 0)))
      (memory.copy $b $own (i32.const 12) (i32.const 0) (i32.const 4)))
    (func (export "trap_b") (param i32) (i64.store $b (local.get 0) (i64.const 1)))
    (func (export "trap_own") (param i32) (i64.store $own (local.get 0) (i64.const 1)))
    (func (export "grow") (result i32) (drop (memory.grow $own (i32.const 1))) (memory.grow $b (i32.const 1)))
    (func (export "sizes") (result i32) (i32.add (i32.mul (i32.const 10) (memory.size $b)) (memory.size $own)))))");
  ASSERT_TRUE(group.store.freeze().has_value());
  call(user, "move", {i32(8)});
  EXPECT_EQ(call(library, "load_b", {i32(4)}), i32(0x62626262));
  EXPECT_EQ(call(library, "load_b", {i32(12)}), i32(0x62626262));
  EXPECT_EQ(call(library, "load_c", {i64(65528)}), i32(0x62626262));
  EXPECT_EQ(user.memory().load<std::uint32_t>(4).value(), 0x62626262u);
  EXPECT_EQ(call(user, "grow"), i32(1));
  EXPECT_EQ(call(user, "sizes"), i32(22));
  EXPECT_EQ(call(library, "size_b"), i32(2));
  const auto reset = group.store.reset();
  ASSERT_TRUE(reset.has_value()) << reset.error().to_string();
  EXPECT_EQ(call(user, "sizes"), i32(11));
  EXPECT_EQ(call_error(user, "trap_b", {i32(65529)}).trap, TrapKind::kMemoryOutOfBounds);
  EXPECT_EQ(call_error(user, "trap_own", {i32(~0u)}).trap, TrapKind::kMemoryOutOfBounds);
  ASSERT_TRUE(group.store.reset().has_value());
}

TEST(Memories, TheHostDefinesMayBeAny) {
  Linker linker;
  linker.define_memory("env", "first", {.minimum = 2, .maximum = {}});
  linker.define_memory("env", "second", {.minimum = 1, .maximum = 4});
  Group group;
  const Instance instance = group.add("m", R"((module
    (import "env" "first" (memory $first 1)) (import "env" "second" (memory $second i64 3 4))
    (export "second" (memory $second))
    (func (export "sizes") (result i64) (i64.add (i64.mul (i64.const 10) (i64.extend_i32_u (memory.size $first)))
      (memory.size $second)))
    (func (export "grow") (result i64) (memory.grow $second (i64.const 2)))))",
                                      linker);
  EXPECT_EQ(call(instance, "sizes"), i64(23));
  EXPECT_EQ(call(instance, "grow"), i64(~0ull));
  EXPECT_TRUE(contains(group.error(R"((module (import "m" "second" (memory i64 1 3))))").message,
                       "is defined as memory of 3 to 4 pages, 64-bit"));
}

/// A module that imports memory 0 is compiled again where another instance has it: also when it came from a file.
TEST(Memories, OfOthersAreReachedByALoadedModule) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "anew_foreign_memory.anew";
  const Engine engine(EngineOptions{.cache = false, .cache_directory = {}, .progress = {}});
  const Module compiled = compile(R"((module (import "library" "a" (memory 1))
    (func $f (export "run") (param i32) (result i32) (i32.store (i32.const 4) (local.get 0)) (i32.load (i32.const 4)))))");
  ASSERT_TRUE(engine.save(compiled, path).has_value());
  const auto loaded = engine.load(path);
  ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
  Group group;
  const Instance library = group.add("library", kSeveral);
  const Instance user = group.add("user", *loaded);
  EXPECT_EQ(call(user, "run", {i32(77)}), i32(77));
  EXPECT_EQ(call(library, "load_a", {i32(4)}), i32(77));
  // The same module with a memory of its own, in another store.
  Linker linker;
  linker.define_memory("library", "a", {.minimum = 1, .maximum = {}});
  EXPECT_EQ(call(Group().add("alone", *loaded, linker), "run", {i32(78)}), i32(78));
  EXPECT_EQ(call(library, "load_a", {i32(4)}), i32(77));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace anew::test
