// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <anew/anew.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "artifact/artifact.hpp"
#include "artifact/code_cache.hpp"
#include "artifact/sample.hpp"
#include "os/child_process.hpp"
#include "os/temporary_directory.hpp"
#include "runtime/module_state.hpp"
#include "support/module_builder.hpp"
#include "support/wat.hpp"

namespace anew {
namespace {

class EngineWithCache : public testing::Test {
 protected:
  [[nodiscard]] static EngineOptions options_for(const std::filesystem::path& directory) {
    EngineOptions options;
    options.cache_directory = directory;
    options.compile_threads = 1;
    return options;
  }
  test::TemporaryDirectory directory_;
  std::filesystem::path cache_ = directory_ / "cache";
  std::vector<std::byte> binary_ = test::sample_binary();
};

/// What must be the same of a module however it was made.
void expect_same(const Module& one, const Module& other) {
  EXPECT_EQ(one.code_hash(), other.code_hash());
  EXPECT_TRUE(std::ranges::equal(one.state()->image.text, other.state()->image.text));
  EXPECT_TRUE(std::ranges::equal(one.state()->image.functions, other.state()->image.functions));
  EXPECT_TRUE(std::ranges::equal(one.state()->image.positions, other.state()->image.positions));
  EXPECT_EQ(one.state()->options, other.state()->options);
  EXPECT_EQ(one.exports().size(), other.exports().size());
  for (std::uint32_t i = 0; i < one.state()->image.functions.size(); ++i) {
    EXPECT_EQ(one.state()->names[i], other.state()->names[i]);
    EXPECT_EQ(*other.state()->code.entry(i), other.state()->image.text.data() + other.state()->image.functions[i]);
  }
}

TEST_F(EngineWithCache, CompilesOnceAndThenFindsTheModule) {
  const Engine engine(options_for(cache_));
  const auto compiled = engine.compile(binary_);
  ASSERT_TRUE(compiled) << compiled.error().message;
  EXPECT_FALSE(compiled->from_cache());
  EXPECT_EQ(compiled->cache_note(), "");
  const auto found = Engine(options_for(cache_)).compile(binary_);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->from_cache());
  EXPECT_EQ(found->cache_note(), "");
  expect_same(*compiled, *found);
}

TEST_F(EngineWithCache, ModulesOutliveTheBinaryAndTheEngine) {
  auto binary = std::make_unique<std::vector<std::byte>>(binary_);
  auto engine = std::make_unique<Engine>(options_for(cache_));
  const Module compiled = engine->compile(*binary).value();
  const Module found = engine->compile(*binary).value();
  std::ranges::fill(*binary, std::byte{0xEE});
  binary.reset();
  engine.reset();
  std::filesystem::remove_all(cache_);
  expect_same(compiled, found);
  EXPECT_EQ(compiled.exports()[0].name, "answer");
  EXPECT_EQ(found.exports()[0].name, "answer");
}

TEST_F(EngineWithCache, KeepsModulesOfDifferentOptionsApart) {
  const Engine engine(options_for(cache_));
  ASSERT_TRUE(engine.compile(binary_, {.card_bytes = 512, .ledger = Ledger::kCards}));
  EXPECT_FALSE(engine.compile(binary_, {.card_bytes = 1024, .ledger = Ledger::kCards})->from_cache());
  EXPECT_FALSE(engine.compile(binary_, {.card_bytes = 512, .ledger = Ledger::kCow})->from_cache());
  const auto found = engine.compile(binary_, {.card_bytes = 512, .ledger = Ledger::kCards});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->from_cache());
  EXPECT_EQ(found->state()->options.card_shift, 9u);
}

TEST_F(EngineWithCache, WritesNothingWhenTheCacheIsOff) {
  EngineOptions options = options_for(cache_);
  options.cache = false;
  const auto compiled = Engine(options).compile(binary_);
  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->cache_note(), "");
  EXPECT_FALSE(std::filesystem::exists(cache_));
}

TEST_F(EngineWithCache, CompilesAgainWhatWasDamagedAndSaysSo) {
  const Engine engine(options_for(cache_));
  ASSERT_TRUE(engine.compile(binary_));
  for (const auto& entry : std::filesystem::directory_iterator(cache_))
    ASSERT_EQ(truncate(entry.path().c_str(), 1000), 0);
  const auto again = engine.compile(binary_);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(again->from_cache());
  EXPECT_NE(again->cache_note().find("truncated"), std::string::npos) << again->cache_note();
  const auto healed = engine.compile(binary_);
  ASSERT_TRUE(healed);
  EXPECT_TRUE(healed->from_cache());
  EXPECT_EQ(healed->cache_note(), "");
}

TEST_F(EngineWithCache, CompilesWithoutACacheDirectoryAndSaysWhy) {
  test::write_text(directory_ / "file", "");
  const auto compiled = Engine(options_for(directory_ / "file/cache")).compile(binary_);
  ASSERT_TRUE(compiled) << compiled.error().message;
  EXPECT_NE(compiled->cache_note().find("file/cache"), std::string::npos) << compiled->cache_note();
}

TEST_F(EngineWithCache, CompilesBesideACacheThatItMayNotReadOrWrite) {
  constexpr int kNotPermitted = 77;
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  for (const mode_t mode : {0500, 0000}) {
    const auto cache = directory_ / std::to_string(mode);
    const int status = test::run_in_child([&] {
      // Permission bits do not hold root back, so become somebody else.
      std::filesystem::create_directory(cache);
      if (geteuid() == 0 && (chown(cache.c_str(), 65'534, 65'534) != 0 || setgid(65'534) != 0 || setuid(65'534) != 0))
        return kNotPermitted;
      if (chmod(cache.c_str(), mode) != 0) return 1;
      const auto compiled = Engine(options_for(cache)).compile(binary_);
      if (!compiled || compiled->from_cache()) return 2;
      return compiled->cache_note().find("Permission denied") != std::string::npos ? 0 : 3;
    });
    if (status == kNotPermitted) GTEST_SKIP() << "cannot become another user";
    EXPECT_EQ(status, 0) << "mode " << mode;
  }
}

TEST_F(EngineWithCache, CompilesOnAFullDiskAndSaysSo) {
  constexpr int kNotPermitted = 77;
  std::filesystem::create_directory(cache_);
  const int status = test::run_in_child([&] {
    if (!test::mount_small_disk(cache_, "4k")) return kNotPermitted;
    const auto compiled = Engine(options_for(cache_)).compile(binary_);
    if (!compiled || compiled->from_cache()) return 1;
    return compiled->cache_note().find("No space left") != std::string::npos ? 0 : 2;
  });
  if (status == kNotPermitted) GTEST_SKIP() << "mounting a small file system is not permitted here";
  EXPECT_EQ(status, 0);
}

TEST_F(EngineWithCache, ServesProcessesThatCompileTheSameModuleAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(test::start_child([&] {
      const Engine engine(options_for(cache_));
      for (int round = 0; round < 20; ++round) {
        const auto compiled = engine.compile(binary_);
        if (!compiled || !compiled->cache_note().empty()) return 1;
        if (compiled->function_type("answer")->results.size() != 1) return 2;
        if (round > 0 && !compiled->from_cache()) return 3;
      }
      return 0;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(test::wait_for(child), 0);
  EXPECT_EQ(test::count_files(cache_), 1u);
}

TEST_F(EngineWithCache, LoadsWhatItSaved) {
  const Engine engine(options_for(cache_));
  const Module compiled = engine.compile(binary_, {.card_bytes = 512, .ledger = Ledger::kCards}).value();
  ASSERT_TRUE(engine.save(compiled, directory_ / "one.anew"));
  const auto loaded = engine.load(directory_ / "one.anew");
  ASSERT_TRUE(loaded) << loaded.error().message;
  expect_same(compiled, *loaded);
  // What was loaded can be saved again, with the same result.
  ASSERT_TRUE(engine.save(*loaded, directory_ / "two.anew"));
  EXPECT_EQ(os::read_file(directory_ / "one.anew", 1 << 20).value(),
            os::read_file(directory_ / "two.anew", 1 << 20).value());
}

TEST_F(EngineWithCache, LoadsAModuleThatCatchesExceptions) {
  using test::kI32;
  using wasm::Op;
  test::ModuleBuilder builder;
  const std::uint32_t tag = builder.tag({kI32});
  const std::uint32_t thrower = builder.function({{kI32}, {}}, {}, test::Code().get(0).op(Op::kThrow, tag));
  test::Code body;
  body.open(Op::kBlock, kI32).open(Op::kTryTable).unsigned_leb(1);
  body.byte(static_cast<std::uint8_t>(wasm::CatchKind::kCatch)).unsigned_leb(tag).byte(0);
  body.get(0).call(thrower).end().i32(0).end().i32(1).op(Op::kI32Add);
  builder.function({{kI32}, {kI32}}, {}, body, "caught");
  const Engine engine(options_for(cache_));
  ASSERT_TRUE(engine.save(engine.compile(builder.finish()).value(), directory_ / "file"));
  const auto loaded = engine.load(directory_ / "file");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_FALSE(loaded->state()->image.handlers.empty());
  const Pool pool = Pool::create(*loaded, Linker(), {.capacity = 1, .audit_every = 1}).value();
  for (std::int32_t i = 0; i < 3; ++i) {
    Lease lease = pool.acquire().value();
    EXPECT_EQ(lease.call<std::int32_t>("caught", 40 + i).value(), 41 + i);
  }
  EXPECT_EQ(pool.statistics().audit_failures, 0u) << pool.audit_report();
}

/// Loaded from a file, a module can still be linked to another one's memory, for which it is compiled again.
TEST_F(EngineWithCache, LinksALoadedModuleToAnotherOnesMemory) {
  const Engine engine(options_for(cache_));
  const Module owner =
      engine.compile(test::wat(R"((module (memory (export "memory") 1) (data (i32.const 7) "x")))")).value();
  const Module user = engine
                          .compile(test::wat(R"((module (import "owner" "memory" (memory 1))
    (func (export "load") (result i32) (i32.load8_u (i32.const 7)))))"))
                          .value();
  ASSERT_TRUE(engine.save(user, directory_ / "file"));
  const Module loaded = engine.load(directory_ / "file").value();
  const Module from_cache = Engine(options_for(cache_))
                                .compile(test::wat(R"((module (import "owner" "memory" (memory 1))
    (func (export "load") (result i32) (i32.load8_u (i32.const 7)))))"))
                                .value();
  EXPECT_TRUE(from_cache.from_cache());
  Linker linker;
  linker.define_module("owner", owner);
  for (const Module& module : {user, loaded, from_cache}) {
    const auto pool = Pool::create(module, linker);
    ASSERT_TRUE(pool) << pool.error().to_string();
    EXPECT_EQ(pool->acquire()->call<std::int32_t>("load").value(), 'x');
  }
}

TEST_F(EngineWithCache, KeepsTheCodeForAnothersMemoryApart) {
  const auto binary = test::wat(R"((module (import "m" "memory" (memory 1))
    (func (export "store") (param i32) (i32.store (i32.const 8) (local.get 0)))))");
  const auto files = [&] {
    std::vector<std::filesystem::path> found;
    for (const auto& each : std::filesystem::directory_iterator(cache_)) found.push_back(each.path());
    return found;
  };
  const Module compiled = Engine(options_for(cache_)).compile(binary).value();
  const std::vector<std::filesystem::path> own = files();
  ASSERT_EQ(own.size(), 1u);
  const auto variant = compiled.state()->foreign_variant().value();
  EXPECT_FALSE(variant->from_cache);
  EXPECT_TRUE(variant->options.foreign_memory);
  EXPECT_EQ(files().size(), 2u);

  const Module found = Engine(options_for(cache_)).compile(binary).value();
  EXPECT_TRUE(found.from_cache());
  EXPECT_FALSE(found.state()->options.foreign_memory);
  const auto variant_found = found.state()->foreign_variant().value();
  EXPECT_TRUE(variant_found->from_cache);
  EXPECT_EQ(variant_found->options, variant->options);
  EXPECT_EQ(variant_found->layout.card_table_bytes(), variant->layout.card_table_bytes());
  EXPECT_TRUE(std::ranges::equal(variant_found->image.text, variant->image.text));
  EXPECT_FALSE(std::ranges::equal(variant_found->image.text, found.state()->image.text));

  // One under the name of the other would write where no memory is.
  std::vector<std::filesystem::path> both = files();
  const auto foreign = *std::ranges::find_if(both, [&](const auto& each) { return each != own[0]; });
  std::filesystem::rename(foreign, own[0]);
  const Module again = Engine(options_for(cache_)).compile(binary).value();
  EXPECT_FALSE(again.from_cache());
  EXPECT_NE(again.cache_note().find("its code is for a memory of another instance's"), std::string::npos)
      << again.cache_note();
}

TEST_F(EngineWithCache, RefusesASavedModuleWithOtherOptions) {
  const Engine engine(options_for(cache_));
  ASSERT_TRUE(
      engine.save(engine.compile(binary_, {.card_bytes = 512, .ledger = Ledger::kCards}).value(), directory_ / "file"));
  for (const CompileOptions& options :
       {CompileOptions{.card_bytes = 1024, .ledger = Ledger::kCards}, CompileOptions{.ledger = Ledger::kCow},
        CompileOptions{.explicit_bounds = true}, CompileOptions{.fuel = true}, CompileOptions{.canonical_nan = true},
        CompileOptions{.stack_limit = 1'000}}) {
    const auto loaded = engine.load(directory_ / "file", options);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kArtifact);
  }
}

TEST_F(EngineWithCache, LoadsABinaryFromAFileByWayOfTheCache) {
  const Engine engine(options_for(cache_));
  const BytesView pieces[] = {binary_};
  ASSERT_TRUE(os::write_file(directory_ / "module.wasm", pieces, 0644));
  EXPECT_FALSE(engine.load(directory_ / "module.wasm")->from_cache());
  const auto found = engine.load(directory_ / "module.wasm");
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->from_cache());
  expect_same(engine.compile(binary_).value(), *found);
}

TEST_F(EngineWithCache, SaysWhatAFileIsThatIsNoModule) {
  const Engine engine(options_for(cache_));
  const auto expect = [&](const char* content, ErrorCode code, const char* why) {
    test::write_text(directory_ / "file", content);
    const auto loaded = engine.load(directory_ / "file");
    ASSERT_FALSE(loaded) << content;
    EXPECT_EQ(loaded.error().code, code) << loaded.error().message;
    EXPECT_NE(loaded.error().message.find(why), std::string::npos) << loaded.error().message;
  };
  expect("", ErrorCode::kMalformed, "not a WebAssembly module");
  expect("", ErrorCode::kMalformed, "is empty");
  expect("(module)", ErrorCode::kMalformed, "starts with \"(mod");
  expect("PK\x03\x04", ErrorCode::kMalformed, "starts with 50 4b 03 04");
  expect(
      "\x7F"
      "ELF",
      ErrorCode::kArtifact, "truncated");
  const auto missing = engine.load(directory_ / "missing.wasm");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  const auto a_directory = engine.load(directory_.path());
  ASSERT_FALSE(a_directory);
  EXPECT_EQ(a_directory.error().code, ErrorCode::kIo);
}

TEST_F(EngineWithCache, PassesOnWhatIsWrongWithAModuleAndCachesNothing) {
  const Engine engine(options_for(cache_));
  binary_.resize(binary_.size() - 3);
  const auto compiled = engine.compile(binary_);
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().code, ErrorCode::kMalformed) << compiled.error().message;
  EXPECT_EQ(test::count_files(cache_), 0u);
}

/// Refused code, whichever way it came: the same words, which name what it is, its place, the proposal and the option.
void expect_sign_extension_missing(const Result<Module>& module) {
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(
      module.error().message,
      "function 0 (f): i32.extend8_s needs the proposal sign-extension, which this engine does not accept: add it "
      "to EngineOptions::features (--features)");
  EXPECT_NE(module.error().offset.value_or(0), 0u);
}

TEST_F(EngineWithCache, HoldsCodeFromFilesToItsFeatures) {
  const std::vector<std::byte> binary =
      test::wat("(module (func (export \"f\") (param i32) (result i32) (i32.extend8_s (local.get 0))))");
  const auto accepting = [&](Features features, bool cache) {
    EngineOptions options = options_for(cache_);
    options.features = features;
    options.cache = cache;
    return Engine(options);
  };
  const auto compiled = accepting(Features::all(), true).compile(binary);
  ASSERT_TRUE(compiled) << compiled.error().message;
  EXPECT_EQ(compiled->features(), Features(Feature::kSignExtension));
  const auto found = accepting(Feature::kSignExtension, true).compile(binary);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->from_cache());
  EXPECT_EQ(found->features(), Features(Feature::kSignExtension));

  ASSERT_TRUE(Engine().save(*compiled, directory_ / "compiled"));
  const auto pool = Pool::create(*compiled, {});
  ASSERT_TRUE(pool && pool->save_snapshot(directory_ / "snapshot"));
  for (const bool cache : {false, true}) {
    const Engine refusing = accepting(Features::all().without(Feature::kSignExtension), cache);
    expect_sign_extension_missing(refusing.compile(binary));
    expect_sign_extension_missing(refusing.load(directory_ / "compiled"));
    expect_sign_extension_missing(refusing.load(directory_ / "snapshot"));
    const Engine narrow = accepting(Feature::kSignExtension, cache);
    EXPECT_TRUE(narrow.load(directory_ / "compiled"));
    EXPECT_EQ(narrow.load(directory_ / "snapshot")->features(), Features(Feature::kSignExtension));
  }
}

TEST_F(EngineWithCache, KnowsWhatSectionsNeedToo) {
  const Engine engine(options_for(cache_));
  const auto module =
      engine.compile(test::wat("(module (memory 1) (memory 1) (global (export \"g\") (mut v128) "
                               "(v128.const i64x2 0 0)))"));
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_EQ(module->features(), Features({Feature::kMultiMemory, Feature::kMutableGlobal, Feature::kSimd}));
  EXPECT_TRUE(engine.compile(test::wat("(module (memory 1))"))->features().empty());
}

TEST_F(EngineWithCache, RefusesOptionsThatMeanNothing) {
  const Engine engine(options_for(cache_));
  for (const std::uint32_t card_bytes : {1u, 256u, 1000u, 8192u, 0x8000'0000u}) {
    const auto compiled = engine.compile(binary_, {.card_bytes = card_bytes, .ledger = Ledger::kCards});
    ASSERT_FALSE(compiled);
    EXPECT_EQ(compiled.error().code, ErrorCode::kArgument);
  }
  for (const std::uint64_t stack_bytes : {0ull, 4096ull, 1'000'000ull, 1ull << 40}) {
    EngineOptions options = options_for(cache_);
    options.stack_bytes = stack_bytes;
    const auto compiled = Engine(options).compile(binary_);
    ASSERT_FALSE(compiled);
    EXPECT_EQ(compiled.error().code, ErrorCode::kArgument);
  }
}

TEST_F(EngineWithCache, DescribesImportsAndExports) {
  const Module module = Engine(options_for(cache_)).compile(binary_).value();
  ASSERT_EQ(module.imports().size(), 1u);
  EXPECT_EQ(module.imports()[0].module, "env");
  EXPECT_EQ(module.imports()[0].name, "log");
  EXPECT_EQ(module.imports()[0].kind, ExternalKind::kFunction);
  EXPECT_EQ(module.imports()[0].type, "[i32] -> []");
  ASSERT_EQ(module.exports().size(), 2u);
  EXPECT_EQ(module.exports()[1].name, "other");
  EXPECT_EQ(module.exports()[1].type, "[] -> [i32]");
  EXPECT_EQ(module.function_type("other")->results, std::vector{ValueType::kI32});
  const auto missing = module.function_type("anwser");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("did you mean \"answer\"?"), std::string::npos) << missing.error().message;
}

TEST_F(EngineWithCache, HashesAsBlake2bDoes) {
  const Module module = Engine(options_for(cache_)).compile(BytesView(binary_).first(8)).value();
  std::string hash;
  for (const std::byte byte : module.code_hash()) {
    constexpr char kDigits[] = "0123456789abcdef";
    hash += kDigits[std::to_integer<int>(byte >> 4)];
    hash += kDigits[std::to_integer<int>(byte & std::byte{15})];
  }
  // printf '\0asm\1\0\0\0' | b2sum -l 256
  EXPECT_EQ(hash, "f6a5dbf080e9c9d7834145653bce4c8cded62e664d7ddcdb5c526f5877006d74");
}

}  // namespace
}  // namespace anew
