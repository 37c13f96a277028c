// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

#include "os/child_process.hpp"
#include "os/temporary_directory.hpp"

namespace anew::os {
namespace {

BytesView bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

unsigned mode_of(const std::filesystem::path& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777u : ~0u;
}

TEST(File, IsReadWholeWhateverItsSize) {
  const test::TemporaryDirectory directory;
  for (const std::size_t size : {0, 1, 65'535, 65'536, 65'537, 1'000'000}) {
    const std::string text(size, 'x');
    test::write_text(directory / "file", text);
    const auto bytes = read_file(directory / "file", 1 << 20);
    ASSERT_TRUE(bytes) << bytes.error().message;
    EXPECT_EQ(text_of(*bytes), text);
  }
}

TEST(File, LargerThanTheMaximumIsRefused) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "file", std::string(100, 'x'));
  EXPECT_TRUE(read_file(directory / "file", 100));
  const auto bytes = read_file(directory / "file", 99);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, ErrorCode::kLimit);
}

TEST(File, IsReadFromAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string text(300'000, 'p');  // more than a pipe holds
  std::thread writer([&] {
    EXPECT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(ends[1]);
  });
  const auto bytes = read_file("/dev/fd/" + std::to_string(ends[0]), 1 << 20);
  writer.join();
  close(ends[0]);
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(text_of(*bytes), text);
}

TEST(File, ThatIsMissingOrADirectoryIsNamedInTheError) {
  const test::TemporaryDirectory directory;
  const auto missing = read_file(directory / "missing", 100);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("missing: No such file"), std::string::npos) << missing.error().message;
  const auto a_directory = read_file(directory.path(), 100);
  ASSERT_FALSE(a_directory);
  EXPECT_EQ(a_directory.error().code, ErrorCode::kIo);
  EXPECT_NE(a_directory.error().message.find("Is a directory"), std::string::npos) << a_directory.error().message;
}

TEST(File, ReachedThroughASymbolicLinkIsRefusedIfAskedFor) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "file", "text");
  std::filesystem::create_symlink(directory / "file", directory / "link");
  EXPECT_TRUE(File::open(directory / "link", File::Links::kFollow));
  const auto refused = File::open(directory / "link", File::Links::kRefuse);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("symbolic link"), std::string::npos);
}

TEST(File, ReadAtRefusesToReadPastTheEnd) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "file", "0123456789");
  const auto file = File::open(directory / "file", File::Links::kRefuse).value();
  std::vector<std::byte> bytes(4);
  ASSERT_TRUE(file.read_at(6, bytes));
  EXPECT_EQ(text_of(bytes), "6789");
  EXPECT_FALSE(file.read_at(7, bytes));
}

TEST(Directory, WritesPiecesInOrderWithTheModeAskedForAndLeavesNothingElse) {
  const test::TemporaryDirectory directory;
  const BytesView pieces[] = {bytes_of("one "), bytes_of(""), bytes_of("two")};
  ASSERT_TRUE(write_file(directory / "file", pieces, 0600));
  EXPECT_EQ(text_of(read_file(directory / "file", 100).value()), "one two");
  EXPECT_EQ(mode_of(directory / "file"), 0600u);
  ASSERT_TRUE(write_file(directory / "file", std::span(pieces).first(1), 0600));
  EXPECT_EQ(text_of(read_file(directory / "file", 100).value()), "one ");
  EXPECT_EQ(test::count_files(directory.path()), 1u);
}

TEST(Directory, WritesAreNeverSeenInPlace) {
  const test::TemporaryDirectory directory;
  const BytesView old_text[] = {bytes_of("old")};
  const BytesView new_text[] = {bytes_of("new text")};
  ASSERT_TRUE(write_file(directory / "file", old_text, 0600));
  auto reader = File::open(directory / "file", File::Links::kRefuse).value();
  ASSERT_TRUE(write_file(directory / "file", new_text, 0600));
  EXPECT_EQ(text_of(reader.read(100).value()), "old");
}

TEST(Directory, RefusesToReplaceWhatIsNoRegularFile) {
  const test::TemporaryDirectory directory;
  const BytesView pieces[] = {bytes_of("text")};
  std::filesystem::create_directory(directory / "directory");
  ASSERT_EQ(mkfifo((directory / "pipe").c_str(), 0600), 0);
  for (const char* name : {"directory", "pipe"}) {
    const auto written = write_file(directory / name, pieces, 0600);
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().message.find("not a regular file"), std::string::npos);
  }
  EXPECT_EQ(test::count_files(directory.path()), 2u);
}

TEST(Directory, LeavesTheOldFileAndNothingElseWhenAWriteFails) {
  const test::TemporaryDirectory directory;
  const BytesView old_text[] = {bytes_of("old")};
  ASSERT_TRUE(write_file(directory / "file", old_text, 0600));
  const int status = test::run_in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);  // the write fails with EFBIG instead
    const rlimit limit{1000, 1000};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    const std::string text(5000, 'x');
    const BytesView pieces[] = {bytes_of(text)};
    const auto written = write_file(directory / "file", pieces, 0600);
    return !written && written.error().code == ErrorCode::kIo ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(text_of(read_file(directory / "file", 100).value()), "old");
  EXPECT_EQ(test::count_files(directory.path()), 1u);
}

TEST(Directory, SaysThatTheDiskIsFullAndLeavesNothingBehind) {
  const test::TemporaryDirectory directory;
  constexpr int kNotPermitted = 77;
  const int status = test::run_in_child([&] {
    if (!test::mount_small_disk(directory.path(), "64k")) return kNotPermitted;
    const std::string text(1 << 20, 'x');
    const BytesView pieces[] = {bytes_of(text)};
    const auto written = write_file(directory / "file", pieces, 0600);
    if (written || written.error().message.find("No space left on device") == std::string::npos) return 1;
    return test::count_files(directory.path()) == 0 ? 0 : 2;
  });
  if (status == kNotPermitted) GTEST_SKIP() << "mounting a small file system is not permitted here";
  EXPECT_EQ(status, 0);
}

TEST(Directory, ListsWhatItHoldsAndRemovesByName) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "a", "12345");
  std::filesystem::create_directory(directory / "b");
  const auto opened = Directory::open(directory.path()).value();
  for (int i = 0; i < 2; ++i) {  // a second listing starts from the beginning
    const auto entries = opened.list().value();
    ASSERT_EQ(entries.size(), 2u);
    const auto& file = entries[0].name == "a" ? entries[0] : entries[1];
    EXPECT_EQ(file.status.bytes, 5u);
    EXPECT_EQ(file.status.kind, FileStatus::Kind::kRegular);
  }
  EXPECT_TRUE(opened.remove("a").value());
  EXPECT_FALSE(opened.remove("a").value());
  EXPECT_FALSE(opened.remove("b"));
}

TEST(Directory, PrivateOnesAreMadeWithTheirParentsForThisUserOnly) {
  const test::TemporaryDirectory directory;
  ASSERT_TRUE(make_private_directory(directory / "a/b/c"));
  ASSERT_TRUE(make_private_directory(directory / "a/b/c"));
  EXPECT_EQ(mode_of(directory / "a"), 0700u);
  EXPECT_EQ(mode_of(directory / "a/b/c"), 0700u);
  test::write_text(directory / "file", "");
  const auto refused = make_private_directory(directory / "file/below");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("Not a directory"), std::string::npos);
}

}  // namespace
}  // namespace anew::os
