// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "artifact/code_cache.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "artifact/sample.hpp"
#include "os/child_process.hpp"
#include "os/temporary_directory.hpp"

namespace anew::artifact {
namespace {

constexpr std::uint64_t kNoLimit = 1ull << 40;

CacheKey key_of(const test::Sample& sample) {
  return {
      sample.hash,
      {.card_bytes = 1u << sample.options.card_shift, .ledger = sample.options.marks ? Ledger::kCards : Ledger::kCow}};
}

/// Sets when a cached artifact was last used.
void set_age(const std::filesystem::path& file, std::chrono::seconds age) {
  const auto time = std::chrono::system_clock::now() - age;
  const timespec times[2] = {{std::chrono::system_clock::to_time_t(time), 0},
                             {std::chrono::system_clock::to_time_t(time), 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
}

class Cache : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path file_of(const test::Sample& sample) const {
    return cache_.directory() / file_name(key_of(sample));
  }
  test::TemporaryDirectory directory_;
  CodeCache cache_ = CodeCache::open(directory_ / "cache").value();
};

TEST_F(Cache, FindsWhatWasStoredAndNothingElse) {
  const test::Sample sample(100);
  const test::Sample other(200);
  ASSERT_TRUE(cache_.store(key_of(sample), sample.encode(), kNoLimit));
  const auto found = cache_.find(key_of(sample));
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ(test::call_entry((*found)->code, 2), 102u);

  const auto absent = cache_.find(key_of(other));
  ASSERT_TRUE(absent) << absent.error().message;
  EXPECT_FALSE(absent->has_value());
  CacheKey other_cards = key_of(sample);
  other_cards.options.card_bytes = 512;
  EXPECT_FALSE(cache_.find(other_cards)->has_value());
  CacheKey other_marks = key_of(sample);
  other_marks.options.ledger = Ledger::kCow;
  EXPECT_FALSE(cache_.find(other_marks)->has_value());
  CacheKey other_tier = key_of(sample);
  other_tier.tier = static_cast<codegen::Tier>(0xFF);
  EXPECT_FALSE(cache_.find(other_tier)->has_value());
}

TEST_F(Cache, RefusesAFileThatBearsTheNameOfAnotherModule) {
  const test::Sample sample(100);
  const test::Sample other(200);
  ASSERT_TRUE(cache_.store(key_of(sample), sample.encode(), kNoLimit));
  std::filesystem::rename(file_of(sample), file_of(other));
  const auto found = cache_.find(key_of(other));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kArtifact);
  EXPECT_NE(found.error().message.find("another module"), std::string::npos) << found.error().message;
}

TEST_F(Cache, RefusesAChosenCardSizeThatIsNotTheModules) {
  const test::Sample sample;
  ASSERT_NE(sample.options.card_shift, abi::default_card_shift(sample.module)) << "the test needs another card size";
  const CacheKey chosen{sample.hash, {}};
  ASSERT_TRUE(cache_.store(chosen, sample.encode(), kNoLimit));
  const auto found = cache_.find(chosen);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kArtifact);
}

TEST_F(Cache, RefusesADamagedFileUntilItIsStoredAgain) {
  const test::Sample sample;
  ASSERT_TRUE(cache_.store(key_of(sample), sample.encode(), kNoLimit));
  ASSERT_EQ(truncate(file_of(sample).c_str(), 5000), 0);
  const auto damaged = cache_.find(key_of(sample));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::kArtifact);
  ASSERT_TRUE(cache_.store(key_of(sample), sample.encode(), kNoLimit));
  EXPECT_TRUE(cache_.find(key_of(sample))->has_value());
}

TEST_F(Cache, EvictsTheLeastRecentlyUsed) {
  const test::Sample samples[] = {test::Sample(100), test::Sample(200), test::Sample(300), test::Sample(400)};
  const std::uint64_t each = samples[0].encode().bytes();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(cache_.store(key_of(samples[i]), samples[i].encode(), 3 * each));
    set_age(file_of(samples[i]), std::chrono::hours(10 - i));
  }
  ASSERT_TRUE(cache_.find(key_of(samples[0]))->has_value());  // now the most recently used
  ASSERT_TRUE(cache_.store(key_of(samples[3]), samples[3].encode(), 3 * each));
  EXPECT_TRUE(std::filesystem::exists(file_of(samples[0])));
  EXPECT_FALSE(std::filesystem::exists(file_of(samples[1])));
  EXPECT_TRUE(std::filesystem::exists(file_of(samples[2])));
  EXPECT_TRUE(std::filesystem::exists(file_of(samples[3])));
  // What was just stored stays even if its time stamp says that it is old.
  set_age(file_of(samples[0]), std::chrono::hours(-1));
  set_age(file_of(samples[2]), std::chrono::hours(-1));
  ASSERT_TRUE(cache_.store(key_of(samples[1]), samples[1].encode(), each));
  EXPECT_TRUE(std::filesystem::exists(file_of(samples[1])));
  EXPECT_EQ(test::count_files(cache_.directory()), 1u);
}

TEST_F(Cache, DoesNotStoreWhatIsLargerThanItsBound) {
  const test::Sample small(100);
  const test::Sample large(200, 1 << 20);
  ASSERT_TRUE(cache_.store(key_of(small), small.encode(), 1 << 20));
  const auto stored = cache_.store(key_of(large), large.encode(), 1 << 20);
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code, ErrorCode::kLimit);
  EXPECT_TRUE(cache_.find(key_of(small))->has_value());
}

TEST_F(Cache, SweepsTemporaryFilesThatNobodyWritesAnyMore) {
  const test::Sample sample;
  const auto old_file = cache_.directory() / (std::string(os::kTemporaryPrefix) + "1-old");
  const auto new_file = cache_.directory() / (std::string(os::kTemporaryPrefix) + "2-new");
  test::write_text(old_file, "half");
  test::write_text(new_file, "half");
  set_age(old_file, std::chrono::minutes(61));
  set_age(new_file, std::chrono::minutes(59));
  ASSERT_TRUE(cache_.store(key_of(sample), sample.encode(), kNoLimit));
  EXPECT_FALSE(std::filesystem::exists(old_file));
  EXPECT_TRUE(std::filesystem::exists(new_file));
}

TEST_F(Cache, ListsAndClearsWhatIsItsOwn) {
  const test::Sample first(100);
  const test::Sample second(200);
  ASSERT_TRUE(cache_.store(key_of(first), first.encode(), kNoLimit));
  ASSERT_TRUE(cache_.store(key_of(second), second.encode(), kNoLimit));
  set_age(file_of(first), std::chrono::hours(1));
  test::write_text(cache_.directory() / "README", "not the cache's");
  test::write_text(cache_.directory() / (std::string(os::kTemporaryPrefix) + "x"), "1234");

  const auto entries = cache_.list().value();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, file_name(key_of(second)));
  EXPECT_EQ(entries[1].name, file_name(key_of(first)));
  EXPECT_EQ(entries[0].bytes, second.encode().bytes());
  EXPECT_EQ(entries[1].module, "64" + std::string(62, '0'));  // the hash of a Sample is its seed

  EXPECT_EQ(cache_.clear().value(), first.encode().bytes() + second.encode().bytes() + 4);
  EXPECT_TRUE(cache_.list().value().empty());
  EXPECT_TRUE(std::filesystem::exists(cache_.directory() / "README"));
}

TEST_F(Cache, WritesFilesThatOnlyThisUserMayRead) {
  const test::Sample sample;
  ASSERT_TRUE(cache_.store(key_of(sample), sample.encode(), kNoLimit));
  struct stat status{};
  ASSERT_EQ(stat(file_of(sample).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  ASSERT_EQ(stat(cache_.directory().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0700u);
}

TEST_F(Cache, ReportsAFullDiskAndLeavesNothingBehind) {
  constexpr int kNotPermitted = 77;
  const int status = test::run_in_child([&] {
    if (!test::mount_small_disk(cache_.directory(), "64k")) return kNotPermitted;
    const CodeCache cache = CodeCache::open(cache_.directory()).value();
    const test::Sample small(100);
    const test::Sample large(200, 1 << 20);
    if (!cache.store(key_of(small), small.encode(), kNoLimit)) return 1;
    const auto stored = cache.store(key_of(large), large.encode(), kNoLimit);
    if (stored || stored.error().message.find("No space left") == std::string::npos) return 2;
    if (test::count_files(cache_.directory()) != 1) return 3;
    return cache.find(key_of(small))->has_value() ? 0 : 4;
  });
  if (status == kNotPermitted) GTEST_SKIP() << "mounting a small file system is not permitted here";
  EXPECT_EQ(status, 0);
}

TEST_F(Cache, ServesManyProcessesAtOnce) {
  // Room for two of three: the processes store, find and evict each other's files all the time.
  const std::uint64_t limit = 2 * test::Sample(1).encode().bytes();
  std::vector<pid_t> children;
  for (int child = 0; child < 6; ++child) {
    children.push_back(test::start_child([&] {
      const CodeCache cache = CodeCache::open(cache_.directory()).value();
      const test::Sample samples[] = {test::Sample(100), test::Sample(200), test::Sample(300)};
      int hits = 0;
      for (int i = 0; i < 300; ++i) {
        const test::Sample& sample = samples[(i + child) % 3];
        const auto found = cache.find(key_of(sample));
        if (!found) return 1;  // whatever is found is whole
        if (*found) {
          ++hits;
          std::uint32_t seed = 0;
          std::memcpy(&seed, sample.hash.data(), sizeof seed);
          if (test::call_entry((*found)->code, 1) != seed + 1) return 2;
        } else if (!cache.store(key_of(sample), sample.encode(), limit)) {
          return 3;
        }
      }
      return hits > 0 ? 0 : 4;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(test::wait_for(child), 0);
  EXPECT_FALSE(cache_.list().value().empty());
  EXPECT_LE(test::count_files(cache_.directory()), 3u);  // and no temporary files
}

TEST(CacheDirectory, IsFoundByOptionThenVariableThenXdgRules) {
  const int status = test::run_in_child([] {
    setenv("ANEW_CACHE_DIR", "/variable", 1);
    setenv("XDG_CACHE_HOME", "/xdg", 1);
    setenv("HOME", "/home/somebody", 1);
    if (CodeCache::locate("/option").value() != "/option") return 1;
    if (CodeCache::locate({}).value() != "/variable") return 2;
    unsetenv("ANEW_CACHE_DIR");
    if (CodeCache::locate({}).value() != "/xdg/anew") return 3;
    unsetenv("XDG_CACHE_HOME");
    if (CodeCache::locate({}).value() != "/home/somebody/.cache/anew") return 4;
    unsetenv("HOME");
    const auto nowhere = CodeCache::locate({});
    return !nowhere && nowhere.error().message.find("ANEW_CACHE_DIR") != std::string::npos ? 0 : 5;
  });
  EXPECT_EQ(status, 0);
}

TEST(CacheDirectory, ThatOthersMayWriteIsRefused) {
  const test::TemporaryDirectory directory;
  for (const mode_t mode : {0770, 0707, 0777, 01777}) {
    ASSERT_EQ(chmod(directory.path().c_str(), mode), 0);
    const auto cache = CodeCache::open(directory.path());
    ASSERT_FALSE(cache);
    EXPECT_NE(cache.error().message.find("others may write"), std::string::npos) << cache.error().message;
  }
  ASSERT_EQ(chmod(directory.path().c_str(), 0755), 0);
  EXPECT_TRUE(CodeCache::open(directory.path()));
}

TEST(CacheDirectory, OfAnotherUserIsRefused) {
  const test::TemporaryDirectory directory;
  if (chown(directory.path().c_str(), 65'534, 65'534) != 0) GTEST_SKIP() << "only root may give directories away";
  const auto cache = CodeCache::open(directory.path());
  ASSERT_FALSE(cache);
  EXPECT_NE(cache.error().message.find("another user"), std::string::npos) << cache.error().message;
}

TEST(CacheDirectory, ThatCannotBeMadeIsAnErrorThatNamesIt) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "file", "");
  const auto cache = CodeCache::open(directory / "file/cache");
  ASSERT_FALSE(cache);
  EXPECT_EQ(cache.error().code, ErrorCode::kIo);
  EXPECT_NE(cache.error().message.find("file/cache"), std::string::npos) << cache.error().message;
}

}  // namespace
}  // namespace anew::artifact
