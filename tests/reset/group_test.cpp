// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Instances that are linked to one another are one closed group: whoever's code changes whoever's state, a restore puts
// all of it back. Every restore here is audited against a group made the slow way.
#include <gtest/gtest.h>

#include <random>

#include "support/linked.hpp"
#include "support/print.hpp"
#include "support/sanitizers.hpp"

namespace anew::test {
namespace {

// State of every kind, exported.
constexpr std::string_view kLibrary = R"((module
  (memory (export "memory") 2 6) (memory (export "second") 1 4) (memory $hidden 1 3)
  (memory (export "large") i64 1 3)
  (table (export "functions") 4 10 funcref) (table (export "externals") 2 6 externref)
  (table $hidden_table 3 8 funcref)
  (global (export "number") (mut i32) (i32.const 7)) (global (export "float") (mut f64) (f64.const 1.5))
  (global (export "vector") (mut v128) (v128.const i64x2 1 2))
  (global (export "function") (mut funcref) (ref.func $one)) (global (export "external") (mut externref) (ref.null extern))
  (global $calls (mut i32) (i32.const 0)) (global (export "constant") i32 (i32.const 40))
  (data (i32.const 10) "library") (data (memory 1) (i32.const 20) "second") (data $passive "passive")
  (elem (table 0) (i32.const 1) func $one $two) (elem (table 2) (i32.const 0) func $two)
  (elem $passive_elements func $two $one)
  (func $one (export "one") (result i32) (i32.const 1)) (func $two (export "two") (result i32) (i32.const 2))
  (func (export "count") (param i32 i32) (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store $hidden (local.get 0) (local.get 1)))
  (func (export "grow_hidden") (param i32 i32) (drop (memory.grow $hidden (i32.const 1))) (i32.store $hidden (i32.const 70000) (i32.const 1)))
  (func (export "drop") (param i32 i32) (data.drop $passive) (elem.drop $passive_elements))
  (func (export "hide") (param i32 i32) (table.set $hidden_table (i32.const 2) (ref.func $one)))
  (func (export "trap") (param i32 i32) (i32.store (i32.const 100) (i32.const 1)) unreachable)
))";

// Reaches part of the library's state through this module.
constexpr std::string_view kMiddle = R"((module
  (import "library" "second" (memory $second 1)) (import "library" "number" (global $number (mut i32)))
  (import "library" "functions" (table $functions 4 funcref)) (import "library" "one" (func $one (result i32)))
  (export "memory" (memory $second)) (export "number" (global $number)) (export "table" (table $functions))
  (export "one" (func $one))
  (memory $own (export "own") 1 2) (global $g (mut i32) (i32.const 3))
  (func (export "change") (param i32 i32) (i32.store $second (local.get 0) (local.get 1)) (global.set $g (local.get 1))
    (i32.store $own (local.get 0) (i32.const 5)))
))";

constexpr std::string_view kMain = R"((module
  (import "library" "memory" (memory $shared 2)) (import "library" "second" (memory $second 1))
  (import "library" "functions" (table $functions 4 funcref)) (import "library" "externals" (table $externals 2 externref))
  (import "library" "number" (global $number (mut i32))) (import "library" "float" (global $float (mut f64)))
  (import "library" "vector" (global $vector (mut v128))) (import "library" "function" (global $function (mut funcref)))
  (import "library" "external" (global $external (mut externref)))
  (import "library" "constant" (global $constant i32))
  (import "library" "one" (func $one (result i32)))
  (import "library" "count" (func $count (param i32 i32))) (import "library" "grow_hidden" (func $grow_hidden (param i32 i32)))
  (import "library" "drop" (func $drop (param i32 i32))) (import "library" "hide" (func $hide (param i32 i32)))
  (import "library" "trap" (func $trap (param i32 i32)))
  (import "middle" "memory" (memory $again 1)) (import "middle" "number" (global $number_again (mut i32)))
  (import "middle" "table" (table $functions_again 4 funcref)) (import "middle" "change" (func $change (param i32 i32)))
  (import "middle" "own" (memory $middle_own 1)) (import "middle" "one" (func $one_again (result i32)))
  (import "library" "large" (memory $large i64 1))
  (memory $own 1 3) (table $own_table 2 6 funcref) (global $own_global (mut i32) (global.get $constant))
  (global $own_function (mut funcref) (ref.func $one))
  (data (memory $own) (i32.const 5) "main") (data (i32.const 5000) "written by main") (data $passive "passive")
  (elem (table $functions) (i32.const 3) func $mine) (elem (table $own_table) (i32.const 0) func $one)
  (elem declare func $mine $one_again)
  (func $mine (result i32) (i32.const 3))

  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "store_group") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))
    (i64.store offset=200 (local.get 0) (i64.const -1)) (v128.store offset=231 (local.get 0) (v128.const i64x2 -1 -1)))
  (func (export "store_second") (param i32 i32) (i32.store $second offset=3 (local.get 0) (local.get 1)))
  (func (export "store_again") (param i32 i32) (i32.store16 $again (local.get 0) (local.get 1)))
  (func (export "store_middle") (param i32 i32) (i64.store $middle_own (local.get 0) (i64.const -1)))
  (func (export "store_own") (param i32 i32) (f32.store $own (local.get 0) (f32.const 2.5)))
  (func (export "store_large") (param i32 i32) (i64.store $large offset=5 (i64.extend_i32_u (local.get 0)) (i64.const -1)))
  (func (export "grow_large") (param i32 i32) (drop (memory.grow $large (i64.const 1)))
    (i32.store $large (i64.const 65540) (i32.const -1)))
  (func (export "large_out_of_bounds") (param i32 i32) (i32.store $large (i64.const 9) (i32.const -1))
    (i32.store $large (i64.const 0x100000000) (i32.const -1)))
  (func (export "store_lane") (param i32 i32)
    (v128.store32_lane $second 2 (local.get 0) (v128.const i32x4 1 2 3 4)))
  (func (export "atomic") (param i32 i32)
    (drop (i32.atomic.rmw.add 1 (i32.and (local.get 0) (i32.const -4)) (i32.or (local.get 1) (i32.const 1)))))
  (func (export "exchange") (param i32 i32) (local i32) (local.set 2 (i32.and (local.get 0) (i32.const -4)))
    (drop (i32.atomic.rmw.cmpxchg (local.get 2) (i32.load (local.get 2)) (i32.const -1))))
  (func (export "fill") (param i32 i32) (memory.fill $shared (local.get 0) (i32.const 0xEE) (i32.const 9000)))
  (func (export "fill_second") (param i32 i32) (memory.fill $second (local.get 0) (i32.const 0xEE) (i32.const 900)))
  (func (export "copy") (param i32 i32) (memory.copy $own $shared (local.get 0) (i32.const 5000) (i32.const 600)))
  (func (export "copy_back") (param i32 i32) (memory.copy $shared $own (local.get 0) (i32.const 0) (i32.const 300)))
  (func (export "init") (param i32 i32) (memory.init $second $passive (local.get 0) (i32.const 0) (i32.const 7)))
  (func (export "grow") (param i32 i32) (drop (memory.grow $shared (i32.const 1)))
    (i32.store (i32.const 131072) (i32.const -1)))
  (func (export "grow_second") (param i32 i32) (drop (memory.grow $second (i32.const 1)))
    (i32.store $second (i32.const 65536) (i32.const -1)))
  (func (export "grow_own") (param i32 i32) (drop (memory.grow $own (i32.const 1))))
  (func (export "set_globals") (param i32 i32) (global.set $number (local.get 1)) (global.set $float (f64.const nan)))
  (func (export "set_vector") (param i32 i32) (global.set $vector (v128.const i64x2 1 3)))
  (func (export "set_function") (param i32 i32) (global.set $function (ref.func $mine)))
  (func (export "clear_function") (param i32 i32) (global.set $function (ref.null func)))
  (func (export "set_through_middle") (param i32 i32) (global.set $number_again (i32.add (local.get 1) (i32.const 9))))
  (func (export "set_own") (param i32 i32) (global.set $own_global (i32.add (local.get 1) (i32.const 9)))
    (global.set $own_function (ref.func $one_again)))
  (func (export "set_element") (param i32 i32) (table.set $functions (i32.and (local.get 0) (i32.const 3)) (ref.func $one_again)))
  (func (export "set_through_middle_table") (param i32 i32) (table.set $functions_again (i32.const 3) (ref.null func)))
  (func (export "set_own_element") (param i32 i32) (table.set $own_table (i32.const 1) (ref.func $mine)))
  (func (export "grow_table") (param i32 i32) (drop (table.grow $functions (ref.func $mine) (i32.const 2))))
  (func (export "grow_externals") (param i32 i32) (drop (table.grow $externals (ref.null extern) (i32.const 2))))
  (func (export "copy_table") (param i32 i32) (table.copy $own_table $functions (i32.const 0) (i32.const 2) (i32.const 2)))
  (func (export "drop_own") (param i32 i32) (data.drop $passive))
  (func (export "call_count") (param i32 i32) (call $count (local.get 0) (local.get 1)))
  (func (export "call_grow") (param i32 i32) (call $grow_hidden (local.get 0) (local.get 1)))
  (func (export "call_drop") (param i32 i32) (call $drop (local.get 0) (local.get 1)))
  (func (export "call_hide") (param i32 i32) (call $hide (local.get 0) (local.get 1)))
  (func (export "call_change") (param i32 i32) (call $change (local.get 0) (local.get 1)))
  (func (export "trap_there") (param i32 i32) (call $count (local.get 0) (local.get 1)) (call $trap (local.get 0) (local.get 1)))
  (func (export "trap_here") (param i32 i32) (i32.store $second (local.get 0) (i32.const 1)) unreachable)
  (func (export "out_of_bounds") (param i32 i32)
    (loop (i32.store (local.get 0) (i32.const -1)) (local.set 0 (i32.add (local.get 0) (i32.const 2000))) (br 0)))
  (func (export "second_out_of_bounds") (param i32 i32)
    (loop (i32.store $second (local.get 0) (i32.const -1)) (local.set 0 (i32.add (local.get 0) (i32.const 2000))) (br 0)))
))";

struct Mode {
  std::uint32_t library_cards;
  std::uint32_t main_cards;
  Ledger main_ledger = Ledger::kCards;  ///< the libraries' code has marks
};
void PrintTo(const Mode& mode, std::ostream* out) {
  *out << mode.library_cards << " and " << mode.main_cards << " bytes a card"
       << ", " << to_string(mode.main_ledger);
}

class Group : public testing::TestWithParam<Mode> {
 protected:
  static Linker make_linker(const Mode& mode) {
    Linker linker;
    linker.define_module("library", compile(kLibrary, {.card_bytes = mode.library_cards}));
    linker.define_module("middle", compile(kMiddle, {.card_bytes = 1024}));
    return linker;
  }
  Fixture fixture{
      kMain, make_linker(GetParam()), {.card_bytes = GetParam().main_cards, .ledger = GetParam().main_ledger}};
};

// The cards of a memory are its owner's, whoever writes to it.
INSTANTIATE_TEST_SUITE_P(Modes, Group,
                         testing::Values(Mode{512, 512}, Mode{512, 4096}, Mode{4096, 512},
                                         Mode{1024, 2048, Ledger::kCow}, Mode{1024, 2048, Ledger::kPagemap}),
                         name_of<Mode>);

TEST_P(Group, MadeFromTheSnapshotIsAsOneMadeTheSlowWay) {
  ASSERT_EQ(fixture.store->instances.size(), 3u);
  EXPECT_EQ(fixture.audit(), "");
}

TEST_P(Group, PutsBackWhatEachKindOfChangeChanges) {
  for (const std::string& name : functions_of(*fixture.main().linked)) {
    (void)call(fixture.main(), name, {2000, 1});  // some trap
    EXPECT_NE(fixture.audit(), "") << name << " changed nothing: the test is blind";
    EXPECT_EQ(fixture.restore(), "") << name;
  }
}

TEST_P(Group, PutsBackAnySequenceOfChanges) {
  std::mt19937 random(GetParam().library_cards + GetParam().main_cards);
  const std::vector<std::string> names = functions_of(*fixture.main().linked);
  constexpr int kRounds = kSanitized ? 40 : 200;
  for (int round = 0; round < kRounds; ++round) {
    const std::size_t calls = random() % 12;
    std::string history;
    for (std::size_t i = 0; i < calls && !fixture.store->distrusted; ++i) {
      const std::string& name = names[random() % names.size()];
      const auto address = static_cast<std::uint32_t>(random() % 5 == 0 ? 65'536 - random() % 5000 : random() % 60'000);
      const auto value = static_cast<std::uint32_t>(random());  // of 32 bits
      history += name + "(" + std::to_string(address) + ", " + std::to_string(value) + ") ";
      (void)call(fixture.main(), name, {address, value});
    }
    ASSERT_EQ(fixture.restore(), "") << history;
  }
}

TEST(GroupOfMany, ATrapInOneInstanceDistrustsAll) {
  Linker linker;
  linker.define_module("library",
                       compile(R"((module (memory (export "memory") 1) (func (export "trap") unreachable)))"));
  Fixture fixture(R"((module (import "library" "trap" (func $trap)) (memory 1)
    (func (export "f") (call $trap))))",
                  linker);
  detail::Instance& library = *fixture.store->instances[0];
  EXPECT_NE(call(fixture.main(), "f"), 0u);
  EXPECT_TRUE(fixture.store->distrusted);
  library.memory(0).base[77] = std::byte{1};  // what no card tells
  fixture.main().memory(0).base[78] = std::byte{1};
  EXPECT_EQ(fixture.restore(), "");
  EXPECT_FALSE(fixture.store->distrusted);
}

TEST(GroupOfMany, StartFunctionsRunInOrderAndSeeOneAnothersState) {
  Linker linker;
  linker.define_module("first", compile(R"((module (memory (export "memory") 1 3) (table (export "table") 3 funcref)
    (func $start (i32.store (i32.const 0) (i32.const 5)) (drop (memory.grow (i32.const 1)))) (start $start)))"));
  linker.define_module("second", compile(R"((module (import "first" "memory" (memory 2))
    (import "first" "table" (table 3 funcref)) (elem (i32.const 1) func $f)
    (func $f (export "f") (result i32) (i32.const 21))
    (func $start (i32.store (i32.const 4) (i32.add (i32.load (i32.const 0)) (i32.const 1)))) (start $start)))"));
  Fixture fixture(R"((module (import "first" "memory" (memory 2)) (import "first" "table" (table 3 funcref))
    (global $sum (mut i32) (i32.const 0))
    (func $start (global.set $sum (i32.add (call_indirect (result i32) (i32.const 1)) (i32.load (i32.const 4)))))
    (start $start) (func (export "spoil") (global.set $sum (i32.const 0)) (i32.store (i32.const 4) (i32.const 0))
      (table.set 0 (i32.const 1) (ref.null func)))))",
                  linker);
  EXPECT_FALSE(fixture.snapshot.start_after_restore);
  EXPECT_EQ(*fixture.main().global(0), 27u);
  EXPECT_EQ(fixture.audit(), "");
  EXPECT_EQ(call(fixture.main(), "spoil"), 0u);
  EXPECT_EQ(fixture.restore(), "");
}

TEST(GroupOfMany, OnlyTheMainStartFunctionMayCallTheHost) {
  int calls = 0;
  Linker linker;
  linker.define("env", "note", [&calls] { ++calls; });
  const Module note = compile(R"((module (import "env" "note" (func $note)) (memory (export "memory") 1)
    (func (export "note") (i32.store (i32.const 0) (i32.const 1)) (call $note))))");
  linker.define_module("note", note);
  // By way of another instance.
  const Module main = compile(R"((module (import "note" "note" (func $note)) (import "note" "memory" (memory 1))
    (func $start (i32.store (i32.const 4) (i32.const 1)) (call $note)) (start $start)))");
  const reset::Snapshot snapshot = take_snapshot(main, linker);
  EXPECT_TRUE(snapshot.start_after_restore);
  EXPECT_EQ(calls, 0);
  EXPECT_FALSE(snapshot.instances[0].memories[0].is_nonzero(0)) << "what the start function did before is not kept";

  linker.define_module("eager", main);
  const auto refused = reset::Snapshot::take(note.state(), *linker.state(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().message.find("module \"eager\": its start function calls the host"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(calls, 0);
}

TEST(GroupOfMany, ErrorsNameTheModule) {
  Linker linker;
  linker.define_module("broken", compile(R"((module (memory 1) (data (i32.const 65536) "x")))"));
  const auto refused = reset::Snapshot::take(compile("(module)").state(), *linker.state(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kTrap);
  EXPECT_NE(refused.error().message.find("module \"broken\""), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace anew::test
