// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Snapshots with a prelude, and as files.
#include <gtest/gtest.h>

#include <random>

#include "artifact/saved_snapshot.hpp"
#include "os/file.hpp"
#include "os/temporary_directory.hpp"
#include "support/linked.hpp"
#include "support/print.hpp"

namespace anew::test {
namespace {

constexpr std::string_view kRich = R"((module
  (memory (export "memory") 1 8) (memory $large i64 1 4)
  (table $functions 4 10 funcref) (table $externals 2 6 externref)
  (global $i (mut i32) (i32.const 1)) (global $l (mut i64) (i64.const 2)) (global $v (mut v128) (v128.const i64x2 3 4))
  (global $f (mut funcref) (ref.null func)) (global (export "e") (mut externref) (ref.null extern))
  (data (i32.const 100) "pristine") (data $passive "passive") (elem $elements func $one $two)
  (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
  (func (export "_initialize")
    (global.set $i (i32.const 10)) (global.set $l (i64.const 20)) (global.set $v (v128.const i64x2 30 40))
    (global.set $f (ref.func $two)) (drop (memory.grow (i32.const 2))) (drop (memory.grow $large (i64.const 1)))
    (i32.store (i32.const 150000) (i32.const 50)) (i32.store $large (i64.const 70000) (i32.const 60))
    (drop (table.grow $functions (ref.func $one) (i32.const 3))) (table.set $functions (i32.const 1) (ref.func $two))
    (data.drop $passive) (i32.store (i32.const 0) (i32.const 70)))
  (func (export "twice") (i32.store (i32.const 0) (i32.mul (i32.load (i32.const 0)) (i32.const 2))))
  (func (export "init") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 1)))
  (func (export "spoil") (global.set $i (i32.const 0)) (memory.fill (i32.const 0) (i32.const 255) (i32.const 150004))
    (table.fill $functions (i32.const 0) (ref.null func) (i32.const 7)) (drop (memory.grow (i32.const 1)))
    (i32.store $large (i64.const 70000) (i32.const 0)) (elem.drop $elements) (global.set $f (ref.null func)))
  (func (export "sum") (result i32)
    (i32.add (i32.add (global.get $i) (i32.wrap_i64 (global.get $l))) (i32.add (i32.load (i32.const 150000))
      (i32.add (i32.load $large (i64.const 70000)) (i32.add (call_indirect $functions (result i32) (i32.const 1))
        (i32.add (call_indirect $functions (result i32) (i32.const 6)) (i32.load (i32.const 0))))))))
  (func (export "sizes") (result i32) (i32.add (memory.size)
    (i32.add (i32.wrap_i64 (memory.size $large)) (table.size $functions))))
  (func (export "parameter") (param i32)) (func (export "trap") unreachable)
))";
constexpr int kSum = 10 + 20 + 50 + 60 + 2 + 1 + 140;  // after the prelude _initialize, twice
const SnapshotOptions kPrelude = {.prelude = {"_initialize", "twice"}};

void expect_frozen(const Pool& pool) {
  for (int i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<int>("sum").value(), kSum);
    EXPECT_EQ(lease.call<int>("sizes").value(), 3 + 2 + 7);
    EXPECT_TRUE(lease.call("spoil").has_value());
    if (i == 1) {
      EXPECT_FALSE(lease.call("trap").has_value());
    }
  }
  {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call("init").error().trap, TrapKind::kMemoryOutOfBounds) << "the segment was dropped";
  }
  EXPECT_EQ(pool.statistics().audited, 4u);
  EXPECT_EQ(pool.audit_report(), "");
}

class FrozenUnder : public testing::TestWithParam<Ledger> {};
INSTANTIATE_TEST_SUITE_P(Ledgers, FrozenUnder, testing::Values(Ledger::kCards, Ledger::kPagemap, Ledger::kCow),
                         [](const auto& each) { return to_string(each.param); });

TEST_P(FrozenUnder, APreludeHasHappenedInEveryInstance) {
  const Module module = compile(kRich, {.ledger = GetParam()});
  const Pool pool = Pool::create(module, {}, {.snapshot = kPrelude, .audit_every = 1}).value();
  expect_frozen(pool);
  EXPECT_EQ(pool.instantiate()->call<int>("sum").value(), kSum) << "made the slow way";
}

TEST_P(FrozenUnder, AFileHoldsTheSameState) {
  const TemporaryDirectory directory;
  const Module module = compile(kRich);
  const Pool pool = Pool::create(module, {}, {.snapshot = kPrelude}).value();
  ASSERT_TRUE(pool.save_snapshot(directory / "file"));
  const Engine engine({.cache = false});
  const auto loaded = engine.load(directory / "file", {.ledger = GetParam()});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->code_hash(), module.code_hash());
  EXPECT_EQ(engine.save(*loaded, directory / "compiled").error().code, ErrorCode::kUnsupported);
  const auto from_file = Pool::create(*loaded, {}, {.audit_every = 1});
  ASSERT_TRUE(from_file) << from_file.error().message;
  expect_frozen(*from_file);
  // And again from there.
  ASSERT_TRUE(from_file->save_snapshot(directory / "again"));
  EXPECT_EQ(os::read_file(directory / "again", 1 << 20).value(), os::read_file(directory / "file", 1 << 20).value());
}

TEST(Prelude, ThatCannotRunIsRefusedByName) {
  const Module module = compile(kRich);
  const auto error = [&](std::vector<std::string> prelude) {
    const auto pool = Pool::create(module, {}, {.snapshot = {.prelude = std::move(prelude)}});
    return pool ? Error{} : pool.error();
  };
  EXPECT_EQ(error({"twice", "absent"}).code, ErrorCode::kNotFound);
  EXPECT_NE(error({"twice", "absent"}).message.find("the prelude \"absent\""), std::string::npos);
  EXPECT_EQ(error({"parameter"}).code, ErrorCode::kArgument);
  EXPECT_EQ(error({"memory"}).code, ErrorCode::kArgument);
  EXPECT_EQ(error({"trap"}).trap, TrapKind::kUnreachable);
}

TEST(Prelude, MayCallTheHostOnceForAllInstances) {
  int calls = 0;
  Linker linker;
  linker.define_state<int>();
  linker.define("env", "next", [&calls](Caller caller) {
    ++caller.state<int>();
    return ++calls;
  });
  const Module module =
      compile(R"((module (import "env" "next" (func $next (result i32))) (global $g (mut i32) (i32.const 0))
    (func (export "_initialize") (global.set $g (call $next))) (func (export "get") (result i32) (global.get $g))))");
  const Pool pool = Pool::create(module, linker, {.snapshot = {.prelude = {"_initialize"}}, .audit_every = 1}).value();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.acquire()->call<int>("get").value(), 1);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(*pool.acquire()->find_state<int>(), 0) << "host state is made for each instance";
  const Lease slow = pool.instantiate().value();
  EXPECT_EQ(calls, 2) << "made the slow way, the prelude runs again";
  EXPECT_EQ(*slow.find_state<int>(), 0) << "but what it did to the host's state is in no instance";
}

TEST(Start, ThatCallsTheHostIsFrozenIfAskedFor) {
  int calls = 0;
  Linker linker;
  linker.define("env", "next", [&calls] { return ++calls; });
  const Module module =
      compile(R"((module (import "env" "next" (func $next (result i32))) (global $g (mut i32) (i32.const 0))
    (func $start (global.set $g (call $next))) (start $start) (func (export "get") (result i32) (global.get $g))
    (func (export "set") (global.set $g (i32.const 100)))))");
  {
    const Pool pool = Pool::create(module, linker, {.snapshot = {.freeze_start = true}, .audit_every = 1}).value();
    for (int i = 0; i < 3; ++i) {
      Lease lease = pool.acquire().value();
      EXPECT_EQ(lease.call<int>("get").value(), 1);
      EXPECT_TRUE(lease.call("set").has_value());
    }
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(pool.audit_report(), "");
  }
  const auto refused = Pool::create(module, linker, {.snapshot = {.prelude = {"set"}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kArgument);
  const Pool both = Pool::create(module, linker, {.snapshot = {.freeze_start = true, .prelude = {"set"}}}).value();
  EXPECT_EQ(both.acquire()->call<int>("get").value(), 100);
}

TEST(SavedSnapshot, HoldsAGroupOfLinkedInstances) {
  const TemporaryDirectory directory;
  Linker linker;
  linker.define_module("library",
                       compile(R"((module (memory (export "memory") 1 2) (global (export "g") (mut i32) (i32.const 1))
    (table (export "table") 2 funcref) (func $one (export "one") (result i32) (i32.const 1)) (elem (i32.const 0) func $one)))"));
  const Module main =
      compile(R"((module (import "library" "memory" (memory 1)) (import "library" "g" (global $g (mut i32)))
    (import "library" "table" (table 2 funcref)) (import "library" "one" (func $one (result i32)))
    (func $five (result i32) (i32.const 5)) (elem declare func $five $one)
    (func (export "_initialize") (i32.store (i32.const 8) (i32.const 40)) (global.set $g (i32.const 7))
      (table.set 0 (i32.const 1) (ref.func $five)) (table.set 0 (i32.const 0) (ref.func $one)))
    (func (export "get") (result i32) (i32.add (i32.add (i32.load (i32.const 8)) (global.get $g))
      (i32.add (call_indirect (result i32) (i32.const 1)) (call_indirect (result i32) (i32.const 0)))))))");
  const Pool pool = Pool::create(main, linker, {.snapshot = {.prelude = {"_initialize"}}}).value();
  EXPECT_EQ(pool.acquire()->call<int>("get").value(), 53);
  ASSERT_TRUE(pool.save_snapshot(directory / "file"));
  const Module loaded = Engine({.cache = false}).load(directory / "file").value();
  const auto from_file = Pool::create(loaded, {}, {.audit_every = 1});
  ASSERT_TRUE(from_file) << from_file.error().message;
  EXPECT_EQ(from_file->acquire()->call<int>("get").value(), 53);
  EXPECT_EQ(from_file->audit_report(), "");
  EXPECT_EQ(Pool::create(loaded, linker).error().code, ErrorCode::kArgument) << "the group is what it is";
  EXPECT_EQ(Pool::create(loaded, {}, {.snapshot = {.extra_memory_pages = 1}}).error().code, ErrorCode::kArgument);
}

TEST(SavedSnapshot, KeepsThatTheStartFunctionRunsAfterEachReset) {
  const TemporaryDirectory directory;
  int calls = 0;
  Linker linker;
  linker.define("env", "next", [&calls] { return ++calls; });
  const Module module =
      compile(R"((module (import "env" "next" (func $next (result i32))) (global $g (mut i32) (i32.const 0))
    (func $start (global.set $g (call $next))) (start $start) (func (export "get") (result i32) (global.get $g))))");
  ASSERT_TRUE(Pool::create(module, linker)->save_snapshot(directory / "file"));
  EXPECT_EQ(calls, 0);
  const Pool pool = Pool::create(Engine({.cache = false}).load(directory / "file").value(), linker).value();
  EXPECT_EQ(pool.acquire()->call<int>("get").value(), 1);
  EXPECT_EQ(pool.acquire()->call<int>("get").value(), 2);
}

TEST(SavedSnapshot, RefusesToHoldTheHostsReferences) {
  const TemporaryDirectory directory;
  Linker linker;
  linker.define("env", "give", {.parameters = {}, .results = {ValueType::kExternRef}},
                [](Caller, std::span<std::uint64_t> slots) -> Result<void> {
                  slots[0] = 1234;
                  return {};
                });
  const Module module = compile(R"((module (import "env" "give" (func $give (result externref)))
    (table 2 externref) (func (export "_initialize") (table.set 0 (i32.const 1) (call $give)))
    (func (export "get") (result i32) (ref.is_null (table.get 0 (i32.const 1))))))");
  const Pool pool = Pool::create(module, linker, {.snapshot = {.prelude = {"_initialize"}}, .audit_every = 1}).value();
  EXPECT_EQ(pool.acquire()->call<int>("get").value(), 0) << "instances of this process have it";
  const auto refused = pool.save_snapshot(directory / "file");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

class SnapshotFile : public testing::Test {
 protected:
  void SetUp() override {
    const Pool pool = Pool::create(compile(kRich), {}, {.snapshot = kPrelude}).value();
    ASSERT_TRUE(pool.save_snapshot(path_));
    bytes_ = os::read_file(path_, 1 << 20).value();
  }
  [[nodiscard]] Result<Pool> load(const std::vector<std::byte>& bytes) const {
    const BytesView pieces[] = {bytes};
    EXPECT_TRUE(os::write_file(path_, pieces, 0644));
    const auto module = Engine({.cache = false}).load(path_);
    if (!module) return std::unexpected(module.error());
    return Pool::create(*module, {}, {.audit_every = 1});
  }
  /// Changes what the file says, with the hash that fits.
  template <typename Change>
  Result<Pool> load_changed(Change change) {
    artifact::SavedSnapshot snapshot = artifact::decode_saved(bytes_, "file").value();
    change(snapshot.instances.back());
    return load(artifact::encode(snapshot));
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "file";
  std::vector<std::byte> bytes_;
};

TEST_F(SnapshotFile, IsRefusedWhicheverBitWasChangedAndWhereverItIsCutOff) {
  for (std::size_t at = 0; at < bytes_.size(); at += at < 64 ? 1 : 61) {
    auto changed = bytes_;
    changed[at] ^= std::byte{static_cast<unsigned char>(1u << at % 8)};
    const auto pool = load(changed);
    ASSERT_FALSE(pool) << "byte " << at;
    // Of the first eight the file is told by.
    EXPECT_EQ(pool.error().code, at < 8 ? ErrorCode::kMalformed : ErrorCode::kArtifact) << at;
  }
  for (std::size_t size = 8; size < bytes_.size(); size += 97) {
    const auto pool = load({bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(size)});
    ASSERT_FALSE(pool);
    EXPECT_NE(pool.error().message.find("truncated"), std::string::npos) << pool.error().message;
  }
}

TEST_F(SnapshotFile, WhoseStateDoesNotFitItsModuleIsRefused) {
  using Instance = artifact::SavedInstance;
  EXPECT_TRUE(load_changed([](Instance&) {}));
  const auto refused = [&](auto change, std::string_view words) {
    const auto pool = load_changed(change);
    ASSERT_FALSE(pool) << words;
    EXPECT_EQ(pool.error().code, ErrorCode::kArtifact) << pool.error().message;
    EXPECT_NE(pool.error().message.find(words), std::string::npos) << pool.error().message;
  };
  refused([](Instance& each) { each.memories[0].bytes = 1; }, "memory 0");
  refused([](Instance& each) { each.memories[0].bytes = 9 << 16; }, "memory 0");
  refused([](Instance& each) { each.memories[0].bytes = ~std::uint64_t{0xFFFF}; }, "memory 0");
  refused([](Instance& each) { each.memories[0].pages[0] = 3 * 16; }, "a page of memory 0");
  refused([](Instance& each) { each.memories[0].pages[0] = ~std::uint64_t{0}; }, "a page of memory 0");
  refused([](Instance& each) { each.memories.pop_back(); }, "its memories");
  refused([](Instance& each) { each.memories.push_back(each.memories[0]); }, "its memories");
  refused([](Instance& each) { each.memories[0].memory = 1; }, "its memories");
  refused([](Instance& each) { each.globals.pop_back(); }, "too few globals");
  refused([](Instance& each) { each.globals.push_back(0); }, "too many globals");
  refused([](Instance& each) { each.globals[4] = 1 + (std::uint64_t{1} << 32); }, "function that is not there");
  refused([](Instance& each) { each.globals[4] = 1 + 1000; }, "function that is not there");
  refused([](Instance& each) { each.globals[4] = ~std::uint64_t{0}; }, "function that is not there");
  refused([](Instance& each) { each.globals[5] = 5; }, "global 4 holds a reference that a file cannot have");
  refused([](Instance& each) { each.tables[0].elements[0] = 1000; }, "element 0 of table 0");
  refused([](Instance& each) { each.tables[0].elements.resize(11); }, "table 0 of 11 elements");
  refused([](Instance& each) { each.tables[0].elements.resize(1); }, "table 0 of 1 elements");
  refused([](Instance& each) { each.tables.pop_back(); }, "its tables");
  refused([](Instance& each) { each.dropped.pop_back(); }, "its segments");
  refused([](Instance& each) { each.dropped[0] = std::byte{2}; }, "its segments");
  refused([](Instance& each) { each.names = {"twice", "twice"}; }, "two instances have the same name");
  EXPECT_FALSE(load_changed([](Instance& each) { each.binary = each.binary.first(20); }));
}

TEST_F(SnapshotFile, OfMillionsOfInstancesIsRefusedBeforeAnyIsMade) {
  artifact::SavedSnapshot parsed = artifact::decode_saved(bytes_, "file").value();
  parsed.instances.resize(artifact::kMaximumSavedInstances + 1, parsed.instances[0]);
  const auto refused = load(artifact::encode(parsed));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kArtifact) << refused.error().message;
  EXPECT_NE(refused.error().message.find("1001 instances"), std::string::npos) << refused.error().message;
}

TEST_F(SnapshotFile, NoRandomChangeOfItsNumbersDoesHarm) {
  std::mt19937_64 random(7);
  const std::vector<std::byte> good = bytes_;
  for (int round = 0; round < 400; ++round) {
    // What is behind the head, where most 8-byte words are lengths and indices; with the hash that fits.
    std::vector<std::byte> changed = good;
    const std::size_t word = 5 + random() % 12;
    const std::uint64_t values[] = {0, 1, 2, random() % 64, random(), ~std::uint64_t{0}, changed.size()};
    const std::uint64_t value = values[random() % std::size(values)];
    std::memcpy(changed.data() + 8 * word, &value, sizeof value);
    const auto snapshot = artifact::decode_saved(changed, "file");
    EXPECT_FALSE(snapshot && changed != good) << "the hash must not fit";
    artifact::SavedSnapshot parsed = artifact::decode_saved(good, "file").value();
    auto& instance = parsed.instances.back();
    std::uint64_t* const targets[] = {&instance.memories[random() % 2].bytes,
                                      &instance.memories[0].pages[random() % instance.memories[0].pages.size()],
                                      &instance.tables[0].elements[random() % instance.tables[0].elements.size()],
                                      &instance.globals[random() % instance.globals.size()]};
    *targets[random() % std::size(targets)] = value;
    if (const auto pool = load(artifact::encode(parsed))) {
      Lease lease = pool->acquire().value();
      (void)lease.call<int>("sum");
      (void)lease.call("spoil");
      lease.release();
      EXPECT_EQ(pool->audit_report(), "");
    }
  }
}

}  // namespace
}  // namespace anew::test
