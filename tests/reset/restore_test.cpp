// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Each piece of state a guest can change is put back; every restore here is audited against an instance made the slow
// way.
#include "reset/restore.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "reset/audit.hpp"
#include "support/linked.hpp"
#include "support/print.hpp"

namespace anew::test {
namespace {

// One export for each way of changing state.
constexpr std::string_view kMutator = R"((module
  (type $nullary (func (result i32)))
  (memory (export "memory") 4 8)
  (table $f 4 8 funcref) (table $x 2 6 externref) (table $wide 700 1500 funcref)
  (global $hidden (mut i32) (i32.const 5))
  (global $shown (export "shown") (mut i64) (i64.const 6))
  (global $float (mut f64) (f64.const 1.5))
  (global $function (mut funcref) (ref.func $one))
  (global $external (mut externref) (ref.null extern))
  (data (i32.const 0) "first page") (data (i32.const 70000) "second") (data (i32.const 262140) "last")
  (data $passive "passive")
  (elem (table $f) (i32.const 1) func $one $two)
  (elem $passive_elements func $two $one $two)
  (elem (table $wide) (i32.const 126) func $one $two $one $two) (elem (table $wide) (i32.const 640) func $two)
  (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))

  (func (export "store8") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "store32") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "store64") (param i32 i32) (i64.store offset=13 (local.get 0) (i64.extend_i32_u (local.get 1))))
  (func (export "store_group") (param i32 i32)
    (i32.store (local.get 0) (local.get 1)) (i32.store offset=100 (local.get 0) (local.get 1))
    (i64.store offset=232 (local.get 0) (i64.const -1)) (i32.store8 offset=600 (local.get 0) (local.get 1))
    (i64.store offset=4090 (local.get 0) (i64.const -1)))
  (func (export "store_float") (param i32 i32) (f64.store (local.get 0) (f64.const 3.5)))
  (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 0xEE) (i32.and (local.get 1) (i32.const 0xFFFF))))
  (func (export "copy") (param i32 i32) (memory.copy (local.get 0) (local.get 1) (i32.const 5000)))
  (func (export "init") (param i32 i32) (memory.init $passive (local.get 0) (i32.const 0) (i32.const 7)))
  (func (export "drop_data") (param i32 i32) (data.drop $passive))
  (func (export "drop_elements") (param i32 i32) (elem.drop $passive_elements))
  (func (export "grow") (param i32 i32) (drop (memory.grow (i32.and (local.get 1) (i32.const 1)))))
  (func (export "grow_and_store") (param i32 i32)
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1))
      (then (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const -1)))))
  (func (export "set_hidden") (param i32 i32) (global.set $hidden (local.get 1)))
  (func (export "set_shown") (param i32 i32) (global.set $shown (i64.const -1)))
  (func (export "set_float") (param i32 i32) (global.set $float (f64.const nan)))
  (func (export "set_function") (param i32 i32)
    (global.set $function (select (result funcref) (ref.func $two) (ref.null func) (i32.and (local.get 1) (i32.const 1)))))
  (func (export "set_element") (param i32 i32)
    (table.set $f (i32.and (local.get 0) (i32.const 3)) (ref.null func)))
  (func (export "grow_table") (param i32 i32) (drop (table.grow $f (ref.func $two) (i32.const 1))))
  (func (export "grow_externals") (param i32 i32) (drop (table.grow $x (ref.null extern) (i32.const 2))))
  (func (export "fill_table") (param i32 i32) (table.fill $f (i32.const 0) (ref.func $one) (i32.const 4)))
  (func (export "copy_table") (param i32 i32) (table.copy $f $f (i32.const 0) (i32.const 1) (i32.const 3)))
  (func (export "init_table") (param i32 i32) (table.init $f $passive_elements (i32.const 0) (i32.const 0) (i32.const 3)))
  (func (export "set_in_wide") (param i32 i32)
    (table.set $wide (i32.and (local.get 0) (i32.const 511))
      (select (result funcref) (ref.func $two) (ref.null func) (i32.and (local.get 1) (i32.const 1)))))
  (func (export "fill_wide") (param i32 i32)
    (table.fill $wide (i32.and (local.get 0) (i32.const 255)) (ref.func $one) (i32.add (i32.and (local.get 1) (i32.const 255)) (i32.const 1))))
  (func (export "clear_wide") (param i32 i32) (table.fill $wide (i32.const 0) (ref.null func) (i32.const 700)))
  (func (export "copy_in_wide") (param i32 i32)
    (table.copy $wide $wide (i32.and (local.get 0) (i32.const 511)) (i32.const 120) (i32.const 150)))
  (func (export "grow_wide") (param i32 i32)
    (drop (table.grow $wide (ref.func $two) (i32.add (i32.and (local.get 1) (i32.const 255)) (i32.const 1)))))
  (func (export "grow_wide_by_null") (param i32 i32)
    (drop (table.grow $wide (ref.null func) (i32.add (i32.and (local.get 1) (i32.const 255)) (i32.const 1))))
    (table.set $wide (i32.sub (table.size $wide) (i32.const 1)) (ref.func $one)))
  (func (export "trap_in_wide") (param i32 i32)
    (table.set $wide (i32.and (local.get 0) (i32.const 511)) (ref.func $two))
    (drop (table.grow $wide (ref.func $two) (i32.const 100))) unreachable)
  (func (export "trap") (param i32 i32) (i32.store (i32.const 1000) (i32.const 1)) unreachable)
  (func $recurse (export "recurse") (param i32 i32)
    (i32.store (local.get 0) (i32.const 1))
    (call $recurse (i32.and (i32.add (local.get 0) (i32.const 64)) (i32.const 0x3FFC0)) (local.get 1)))
  (func (export "store_until_out_of_bounds") (param i32 i32)
    (loop (i32.store (local.get 0) (i32.const -1)) (local.set 0 (i32.add (local.get 0) (i32.const 2000))) (br 0)))
))";

struct Mode {
  std::uint32_t card_bytes;
  Ledger ledger;
  bool explicit_bounds = false;
};
void PrintTo(const Mode& mode, std::ostream* out) {
  *out << to_string(mode.ledger) << (mode.card_bytes != 0 ? " of " + std::to_string(mode.card_bytes) + " bytes" : "")
       << (mode.explicit_bounds ? ", explicit bounds" : "");
}

class Restore : public testing::TestWithParam<Mode> {
 protected:
  Fixture fixture{kMutator,
                  {},
                  {.card_bytes = GetParam().card_bytes,
                   .ledger = GetParam().ledger,
                   .explicit_bounds = GetParam().explicit_bounds}};
};

INSTANTIATE_TEST_SUITE_P(Modes, Restore,
                         testing::Values(Mode{512, Ledger::kCards}, Mode{1024, Ledger::kCards},
                                         Mode{2048, Ledger::kCards}, Mode{4096, Ledger::kCards},
                                         Mode{1024, Ledger::kCards, true}, Mode{0, Ledger::kPagemap},
                                         Mode{0, Ledger::kPagemap, true}, Mode{0, Ledger::kCow},
                                         Mode{0, Ledger::kCow, true}),
                         name_of<Mode>);

TEST_P(Restore, AnInstanceMadeFromTheSnapshotIsAsOneMadeTheSlowWay) { EXPECT_EQ(fixture.audit(), ""); }

TEST_P(Restore, PutsBackWhatEachKindOfChangeChanges) {
  for (const std::string& name : functions_of(*fixture.main().linked)) {
    (void)call(fixture.main(), name, {2000, 1});  // some trap
    EXPECT_NE(fixture.audit(), "") << name << " changed nothing: the test is blind";
    EXPECT_EQ(fixture.restore(), "") << name;
  }
}

TEST_P(Restore, PutsBackAnySequenceOfChanges) {
  std::mt19937 random(GetParam().card_bytes + static_cast<unsigned>(GetParam().ledger));
  const std::vector<std::string> names = functions_of(*fixture.main().linked);
  for (int round = 0; round < 300; ++round) {
    const std::size_t calls = random() % 12;
    std::string history;
    for (std::size_t i = 0; i < calls; ++i) {
      const std::string& name = names[random() % names.size()];
      const auto address =
          static_cast<std::uint32_t>(random() % 5 == 0 ? 4 * 65536 - random() % 5000 : random() % (4 * 65536));
      const auto value = static_cast<std::uint32_t>(random());  // of 32 bits
      history += name + "(" + std::to_string(address) + ", " + std::to_string(value) + ") ";
      (void)call(fixture.main(), name, {address, value});
      if (fixture.store->distrusted) break;
    }
    ASSERT_EQ(fixture.restore(), "") << history;
  }
}

TEST_P(Restore, LeavesNothingBehindTheMemorysEndForTheNextCallToGrowInto) {
  for (const bool trap : {false, true}) {
    (void)call(fixture.main(), "grow_and_store", {0, 0});
    if (trap) (void)call(fixture.main(), "trap", {0, 0});
    ASSERT_EQ(fixture.restore(), "");
    MemoryView memory = fixture.main().memory_view();
    ASSERT_TRUE(memory.grow(1).has_value());
    EXPECT_EQ(memory.load<std::uint32_t>(memory.size() - 4).value(), 0u) << "after a trap: " << trap;
    ASSERT_EQ(fixture.restore(), "");
  }
}

TEST_P(Restore, CoversWhatTheHostWrites) {
  MemoryView memory = fixture.main().memory_view();
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t address = random() % memory.size();
    const std::uint64_t count = std::min<std::uint64_t>(random() % 9000, memory.size() - address);
    const std::span<std::byte> bytes = memory.write(address, count).value();
    std::ranges::fill(bytes, std::byte{0xDD});
    if (round % 8 == 0) {
      EXPECT_TRUE(memory.grow(1).has_value());
    }
    ASSERT_EQ(fixture.restore(), "") << count << " bytes at " << address;
  }
}

TEST(RestoreCost, IsTheDirtyCardsAndNothingElse) {
  Fixture fixture(kMutator, {}, {.card_bytes = 512});
  EXPECT_EQ(reset::restore(*fixture.store, fixture.snapshot).bytes, 0u);
  (void)call(fixture.main(), "store32", {2000, 1});
  EXPECT_EQ(reset::count_dirty_bytes(*fixture.store), 512u);
  EXPECT_EQ(reset::restore(*fixture.store, fixture.snapshot).bytes, 512u);
  (void)call(fixture.main(), "fill", {0, 5000});
  EXPECT_EQ(reset::restore(*fixture.store, fixture.snapshot).bytes, 5120u);
}

TEST(RestoreCost, AStoreAtTheEndOfACardIsCoveredByTheSlack) {
  Fixture fixture(kMutator, {}, {.card_bytes = 512});
  (void)call(fixture.main(), "store32", {511, 0xFFFFFFFF});
  EXPECT_EQ(reset::count_dirty_bytes(*fixture.store), 512u) << "the mark is of the card where the store begins";
  EXPECT_EQ(fixture.restore(), "");
}

TEST(RestoreCost, PastSixtyFourMebibytesPagesAreGivenBack) {
  // Of few pages of the image cells have copies, many are mapped.
  for (const std::uint32_t image_pages : {3u, 500u}) {
    std::string text = R"((module (memory 1280)
      (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
      (func (export "stride") (param i32 i32) (loop (i32.store (local.get 0) (i32.const -1))
        (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (local.get 1))) (i32.const 83886080))))))";
    for (std::uint32_t i = 0; i < image_pages; ++i) {
      text += fmt::format("(data (i32.const {}) \"{}\")", (83'886'000 / image_pages * i + 60'000) % 83'886'000, i);
    }
    for (const std::uint32_t card_bytes : {512u, 4096u}) {
      Fixture fixture(text + ")", {}, {.card_bytes = card_bytes});
      EXPECT_EQ(fixture.snapshot.instances[0].memories[0].is_mapped(), image_pages > 16);
      for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(call(fixture.main(), "fill", {5'000'100, 75'000'000}), 0u);
        EXPECT_EQ(fixture.restore(), "") << image_pages;
        EXPECT_EQ(call(fixture.main(), "stride", {1, card_bytes == 512 ? 600u : 4200u}), 0u);
        EXPECT_EQ(fixture.restore(), "") << image_pages;
        EXPECT_EQ(call(fixture.main(), "fill", {70'000'000, 10'000'000}), 0u);
        EXPECT_EQ(fixture.restore(), "") << image_pages;
      }
    }
  }
}

TEST(Snapshot, KeepsOnlyPagesThatAreNotZero) {
  const Fixture fixture(kMutator);
  const reset::MemoryImage& image = fixture.snapshot.instances[0].memories[0];
  std::vector<std::uint64_t> pages;
  for (std::uint64_t page = 0; page < image.bytes / 4096; ++page) {
    if (image.is_nonzero(page)) pages.push_back(page);
  }
  EXPECT_EQ(pages, (std::vector<std::uint64_t>{0, 70000 / 4096, 63}));
}

TEST(Snapshot, OfAModuleWithoutMemoryOrAnythingElse) {
  Fixture fixture(R"((module (func (export "f"))))");
  EXPECT_EQ(call(fixture.main(), "f"), 0u);
  EXPECT_EQ(fixture.restore(), "");
  fixture.store->distrusted = true;
  EXPECT_EQ(fixture.restore(), "");
}

TEST(Snapshot, FreezesAStartFunctionThatDoesNotCallTheHostWithAllItsEffects) {
  Fixture fixture(R"((module (memory 1 4) (table 1 5 funcref) (global $g (mut i32) (i32.const 0))
    (global $f (mut funcref) (ref.null func)) (data $d "x") (elem declare func $start)
    (func $start (global.set $g (i32.const 9)) (drop (memory.grow (i32.const 2)))
      (i32.store (i32.const 150000) (i32.const 77)) (data.drop $d)
      (drop (table.grow 0 (ref.func $start) (i32.const 2))) (global.set $f (ref.func $start)))
    (start $start)
    (func (export "spoil") (drop (memory.grow (i32.const 1))) (i32.store (i32.const 150000) (i32.const 1))
      (global.set $g (i32.const 1)) (table.set 0 (i32.const 2) (ref.null func)) (global.set $f (ref.null func)))
    (func (export "trap") (i32.store (i32.const 150000) (i32.const 1)) unreachable)))");
  EXPECT_FALSE(fixture.snapshot.start_after_restore);
  EXPECT_EQ(fixture.snapshot.instances[0].memories[0].bytes, 3u * 65536);
  EXPECT_EQ(fixture.audit(), "");
  EXPECT_EQ(call(fixture.main(), "spoil"), 0u);
  EXPECT_EQ(fixture.restore(), "");
  EXPECT_NE(call(fixture.main(), "trap"), 0u);
  EXPECT_EQ(fixture.restore(), "");
}

TEST(Snapshot, IsTakenBeforeAStartFunctionThatCallsTheHostWhichDoesNotSeeTheAttempt) {
  int calls = 0;
  Linker linker;
  linker.define("env", "note", [&calls] { ++calls; });
  const Module module = compile(R"((module (import "env" "note" (func $note)) (memory 1)
    (func $start (i32.store (i32.const 0) (i32.const 1)) (call $note)) (start $start)))");
  const reset::Snapshot snapshot = take_snapshot(module, linker);
  EXPECT_TRUE(snapshot.start_after_restore);
  EXPECT_EQ(calls, 0);
  EXPECT_FALSE(snapshot.instances[0].memories[0].is_nonzero(0));
}

}  // namespace
}  // namespace anew::test
