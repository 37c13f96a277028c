// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The functions of WASI preview 1 one by one: what they do, what they refuse, and that what a call did is gone in the
// next.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <limits>
#include <set>
#include <thread>

#include "wasi/guest.hpp"

namespace anew::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::uint32_t kRoot = 3;
constexpr std::uint32_t kEnd = kMemoryBytes;

/// A file descriptor of the test's own.
struct Ends {
  os::Descriptor first;
  os::Descriptor second;
};
Ends make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  return {os::Descriptor(ends[0]), os::Descriptor(ends[1])};
}
Ends make_sockets(int type = SOCK_STREAM) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) throw std::runtime_error("socketpair");
  return {os::Descriptor(ends[0]), os::Descriptor(ends[1])};
}

class Wasi : public testing::Test {
 protected:
  [[nodiscard]] wasi::Options with_directory() const {
    return {.directories = {{.host_path = directory_.path(), .guest_path = "/work"}}};
  }
  TemporaryDirectory directory_;
};

TEST_F(Wasi, GivesArgumentsAndEnvironment) {
  Guest guest({.arguments = {"program", "", "an argument"}, .environment = {"HOME=/", "EMPTY="}});
  const std::uint32_t sizes = guest.reserve(8);
  ASSERT_EQ(guest.call("args_sizes_get", sizes, sizes + 4), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint32_t>(sizes), 3u);
  EXPECT_EQ(guest.get<std::uint32_t>(sizes + 4), 21u);
  const std::uint32_t pointers = guest.reserve(12);
  const std::uint32_t bytes = guest.reserve(21);
  ASSERT_EQ(guest.call("args_get", pointers, bytes), Errno::kSuccess);
  EXPECT_EQ(guest.text(bytes, 21), std::string("program\0\0an argument\0", 21));
  EXPECT_EQ(guest.get<std::uint32_t>(pointers + 8), bytes + 9);
  ASSERT_EQ(guest.call("environ_sizes_get", sizes, sizes + 4), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint32_t>(sizes), 2u);
  EXPECT_EQ(guest.get<std::uint32_t>(sizes + 4), 14u);
  EXPECT_EQ(guest.call("args_get", kEnd - 8, bytes), Errno::kFault);
  EXPECT_EQ(guest.call("args_get", pointers, kEnd - 20), Errno::kFault);
  EXPECT_EQ(guest.call("environ_sizes_get", sizes, kEnd - 3), Errno::kFault);

  EXPECT_TRUE(guest.context().set_arguments({"other"}));
  EXPECT_TRUE(guest.context().set_environment({}));
  ASSERT_EQ(guest.call("args_sizes_get", sizes, sizes + 4), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint64_t>(sizes), (6ULL << 32) + 1);
  EXPECT_EQ(guest.context().set_arguments({std::string("a\0b", 3)}).error().message, "argument 0: it holds a NUL");
  guest.renew();
  ASSERT_EQ(guest.call("args_sizes_get", sizes, sizes + 4), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint64_t>(sizes), (21ULL << 32) + 3);
}

TEST_F(Wasi, ReadsAndWritesFiles) {
  Guest guest(with_directory());
  const auto [error, fd] = guest.open(kRoot, "file", kCreate | kExclusive, kReadsAndWrites);
  ASSERT_EQ(error, Errno::kSuccess);
  EXPECT_EQ(fd, 4u);
  EXPECT_EQ(guest.open(kRoot, "file", kCreate | kExclusive, kReadsAndWrites).error, Errno::kExist);
  // Two stretches, and one that is empty.
  const std::uint32_t list = guest.reserve(24);
  const std::array<std::uint32_t, 6> stretches = {guest.put("Hello, "), 7, 1, 0, guest.put("world"), 5};
  for (std::uint32_t i = 0; i < 6; ++i) guest.set(list + 4 * i, stretches[i]);
  const std::uint32_t done = guest.reserve(8);
  ASSERT_EQ(guest.call("fd_write", fd, list, 3u, done), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint32_t>(done), 12u);
  EXPECT_EQ(read_text(directory_ / "file"), "Hello, world");
  EXPECT_EQ(guest.read(fd).text, "");
  ASSERT_EQ(guest.call("fd_seek", fd, std::int64_t{-5}, 2u, done), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint64_t>(done), 7u);
  EXPECT_EQ(guest.read(fd).text, "world");
  ASSERT_EQ(guest.call("fd_tell", fd, done), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint64_t>(done), 12u);
  EXPECT_EQ(guest.call("fd_seek", fd, std::int64_t{-1}, 0u, done), Errno::kInval);
  EXPECT_EQ(guest.call("fd_seek", fd, std::int64_t{0}, 3u, done), Errno::kInval);
  ASSERT_EQ(guest.call("fd_pread", fd, list, 1u, std::uint64_t{7}, done), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint32_t>(done), 5u);
  EXPECT_EQ(guest.text(stretches[0], 7), "world, ");
  EXPECT_EQ(guest.call("fd_pread", fd, list, 1u, std::numeric_limits<std::uint64_t>::max(), done), Errno::kInval);
  ASSERT_EQ(guest.call("fd_pwrite", fd, list, 1u, std::uint64_t{5}, done), Errno::kSuccess);
  EXPECT_EQ(read_text(directory_ / "file"), "Helloworld, ");
  EXPECT_EQ(guest.call("fd_filestat_set_size", fd, std::uint64_t{5}), Errno::kSuccess);
  EXPECT_EQ(guest.call("fd_allocate", fd, std::uint64_t{0}, std::uint64_t{8}), Errno::kSuccess);
  EXPECT_EQ(fs::file_size(directory_ / "file"), 8u);
  EXPECT_EQ(guest.call("fd_advise", fd, std::uint64_t{0}, std::uint64_t{8}, 3u), Errno::kSuccess);
  EXPECT_EQ(guest.call("fd_advise", fd, std::uint64_t{0}, std::uint64_t{8}, 6u), Errno::kInval);
  EXPECT_EQ(guest.call("fd_sync", fd), Errno::kSuccess);
  EXPECT_EQ(guest.call("fd_datasync", fd), Errno::kNotcapable);  // the right was not asked for
  EXPECT_EQ(guest.call("fd_filestat_set_times", fd, std::uint64_t{1}, std::uint64_t{2}, 3u), Errno::kNotcapable);
  EXPECT_EQ(guest.call("fd_close", fd), Errno::kSuccess);
  EXPECT_EQ(guest.call("fd_close", fd), Errno::kBadf);
  EXPECT_EQ(guest.read(fd).error, Errno::kBadf);
}

TEST_F(Wasi, HoldsDescriptorsToTheirRights) {
  write_text(directory_ / "file", "text");
  Guest guest(with_directory());
  const std::uint32_t fd = guest.open(kRoot, "file").fd;
  const std::uint32_t at = guest.reserve(24);
  ASSERT_EQ(guest.call("fd_fdstat_get", fd, at), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint8_t>(at), 4u);  // a regular file
  EXPECT_EQ(guest.get<std::uint16_t>(at + 2), 0u);
  EXPECT_EQ(guest.get<std::uint64_t>(at + 8), kReads & ~wasi::right::kFdReaddir);  // which means nothing for a file
  EXPECT_EQ(guest.write(fd, "x"), Errno::kNotcapable);
  EXPECT_EQ(guest.call("fd_fdstat_set_rights", fd, kReadsAndWrites, std::uint64_t{0}), Errno::kNotcapable);
  EXPECT_EQ(guest.call("fd_fdstat_set_rights", fd, std::uint64_t{0}, std::uint64_t{0}), Errno::kSuccess);
  EXPECT_EQ(guest.read(fd).error, Errno::kNotcapable);
  EXPECT_EQ(guest.call("fd_filestat_get", fd, at), Errno::kNotcapable);
  // A directory that may not make files.
  const std::uint64_t all = wasi::right::kOfDirectories;
  EXPECT_EQ(guest.call("fd_fdstat_set_rights", kRoot, all & ~wasi::right::kPathCreateFile, all), Errno::kSuccess);
  EXPECT_EQ(guest.open(kRoot, "new", kCreate).error, Errno::kNotcapable);
  EXPECT_EQ(guest.open(kRoot, "file", 0, kReadsAndWrites).error, Errno::kNotcapable);  // it passes on no such right
  guest.renew();
  EXPECT_EQ(guest.open(kRoot, "new", kCreate, kReadsAndWrites).error, Errno::kSuccess);
}

TEST_F(Wasi, OpensWithTheRightsThatGoAsksFor) {
  write_text(directory_ / "file", "text");
  wasi::Options options = with_directory();
  options.directories.front().read_only = true;
  // What is opened to be read: all but writing and allocating.
  constexpr std::uint64_t kOfGo = kReads | wasi::right::kFdFilestatSetSize | wasi::right::kFdFilestatSetTimes;
  Guest reader(options);
  const auto [error, fd] = reader.open(kRoot, "file", 0, kOfGo);
  ASSERT_EQ(error, Errno::kSuccess);
  EXPECT_EQ(reader.read(fd).text, "text");
  EXPECT_EQ(reader.call("fd_filestat_set_size", fd, std::uint64_t{0}), Errno::kNotcapable);
  // A directory whose files it truncates without the right to do so by their names: it could once they are open.
  Guest writer(with_directory());
  const std::uint64_t all = wasi::right::kOfDirectories & ~wasi::right::kPathFilestatSetSize;
  const std::uint64_t inheriting = wasi::right::kOfFiles;
  ASSERT_EQ(writer.call("fd_fdstat_set_rights", kRoot, all, inheriting), Errno::kSuccess);
  ASSERT_EQ(writer.open(kRoot, "file", kTruncate, kReadsAndWrites).error, Errno::kSuccess);
  EXPECT_EQ(fs::file_size(directory_ / "file"), 0u);
  const std::uint64_t fewer = inheriting & ~wasi::right::kFdFilestatSetSize;
  ASSERT_EQ(writer.call("fd_fdstat_set_rights", kRoot, all, fewer), Errno::kSuccess);
  EXPECT_EQ(writer.open(kRoot, "file", kTruncate, kReadsAndWrites).error, Errno::kNotcapable);
}

TEST_F(Wasi, AppendsAndChangesFlags) {
  write_text(directory_ / "file", "12");
  Guest guest(with_directory());
  constexpr std::uint32_t kAppend = 1;
  const std::uint32_t fd = guest.open(kRoot, "file", 0, kReadsAndWrites, kFollow, kAppend).fd;
  EXPECT_EQ(guest.write(fd, "34"), Errno::kSuccess);
  EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, 0u), Errno::kSuccess);
  EXPECT_EQ(guest.call("fd_seek", fd, std::int64_t{0}, 0u, guest.reserve(8)), Errno::kSuccess);
  EXPECT_EQ(guest.write(fd, "5"), Errno::kSuccess);
  EXPECT_EQ(read_text(directory_ / "file"), "5234");
  EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, 2u), Errno::kNotsup);  // Linux cannot
  EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, 32u), Errno::kInval);
  EXPECT_EQ(guest.open(kRoot, "file", 0, kReadsAndWrites, kFollow, 2 | 8 | 16).error, Errno::kSuccess);
  EXPECT_EQ(guest.open(kRoot, "file", kDirectory | kCreate).error, Errno::kInval);
  EXPECT_EQ(guest.open(kRoot, "file", 16).error, Errno::kInval);
  EXPECT_EQ(guest.open(kRoot, "file", 0, kReads, 2).error, Errno::kInval);
}

TEST_F(Wasi, TellsAndSetsTheStatusOfFiles) {
  write_text(directory_ / "file", "12345");
  fs::create_symlink("file", directory_ / "link");
  Guest guest(with_directory());
  EXPECT_EQ(guest.status(kRoot, "file").type, 4);
  EXPECT_EQ(guest.status(kRoot, "file").size, 5u);
  EXPECT_EQ(guest.status(kRoot, "link", 0).type, 7);
  EXPECT_EQ(guest.status(kRoot, ".").type, 3);
  EXPECT_EQ(guest.set_times(kRoot, "link", 0), Errno::kSuccess);  // of the link
  EXPECT_NE(guest.status(kRoot, "file").modified, 1'000'000'000u);
  EXPECT_EQ(guest.status(kRoot, "link", 0).modified, 1'000'000'000u);
  EXPECT_EQ(guest.set_times(kRoot, "link", kFollow), Errno::kSuccess);
  EXPECT_EQ(guest.status(kRoot, "file").modified, 1'000'000'000u);
  const std::uint32_t fd = guest.open(kRoot, "file", 0, kAllRights).fd;
  const std::uint32_t at = guest.reserve(64);
  EXPECT_EQ(guest.call("fd_filestat_set_times", fd, std::uint64_t{0}, std::uint64_t{7}, 2u | 4u), Errno::kSuccess);
  ASSERT_EQ(guest.call("fd_filestat_get", fd, at), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint64_t>(at + 48), 7u);
  EXPECT_GT(guest.get<std::uint64_t>(at + 40), 7u);
  EXPECT_EQ(guest.get<std::uint64_t>(at + 24), 1u);
  for (const std::uint32_t flags : {3u, 12u, 16u})
    EXPECT_EQ(guest.call("fd_filestat_set_times", fd, std::uint64_t{0}, std::uint64_t{7}, flags), Errno::kInval);
  EXPECT_EQ(guest.call("fd_filestat_get", fd, kEnd - 63), Errno::kFault);
}

TEST_F(Wasi, NamesTheDirectoriesThatTheLeaseBeginsWith) {
  Guest guest(with_directory());
  const std::uint32_t at = guest.reserve(8);
  ASSERT_EQ(guest.call("fd_prestat_get", kRoot, at), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint64_t>(at), 5ULL << 32);
  ASSERT_EQ(guest.call("fd_prestat_dir_name", kRoot, at, 5u), Errno::kSuccess);
  EXPECT_EQ(guest.text(at, 5), "/work");
  EXPECT_EQ(guest.call("fd_prestat_dir_name", kRoot, at, 4u), Errno::kNametoolong);
  EXPECT_EQ(guest.call("fd_prestat_get", kRoot + 1, at), Errno::kBadf);
  EXPECT_EQ(guest.call("fd_prestat_get", 1u, at), Errno::kBadf);
  fs::create_directory(directory_ / "sub");
  EXPECT_EQ(guest.call("fd_prestat_get", guest.open(kRoot, "sub", kDirectory).fd, at), Errno::kBadf);
}

TEST_F(Wasi, MakesMovesAndRemovesNames) {
  Guest guest(with_directory());
  EXPECT_EQ(guest.on_path("path_create_directory", kRoot, "a"), Errno::kSuccess);
  EXPECT_EQ(guest.on_path("path_create_directory", kRoot, "a/"), Errno::kExist);
  EXPECT_EQ(guest.on_path("path_create_directory", kRoot, "a/b/"), Errno::kSuccess);
  EXPECT_EQ(guest.on_path("path_create_directory", kRoot, "x/b"), Errno::kNoent);
  write_text(directory_ / "a" / "file", "text");
  EXPECT_EQ(guest.on_path("path_remove_directory", kRoot, "a"), Errno::kNotempty);
  EXPECT_EQ(guest.on_path("path_remove_directory", kRoot, "a/file"), Errno::kNotdir);
  EXPECT_EQ(guest.on_path("path_unlink_file", kRoot, "a/b"), Errno::kIsdir);
  EXPECT_EQ(guest.on_path("path_unlink_file", kRoot, "a/b/"), Errno::kIsdir);
  EXPECT_EQ(guest.on_path("path_unlink_file", kRoot, "a/file/"), Errno::kNotdir);
  EXPECT_EQ(guest.on_path("path_unlink_file", kRoot, "a/none"), Errno::kNoent);
  EXPECT_EQ(guest.link(kRoot, "a/file", kRoot, "second"), Errno::kSuccess);
  EXPECT_EQ(fs::hard_link_count(directory_ / "second"), 2u);
  EXPECT_EQ(guest.link(kRoot, "a", kRoot, "c"), Errno::kPerm);
  EXPECT_EQ(guest.symlink("a/file", kRoot, "link"), Errno::kSuccess);
  EXPECT_EQ(guest.read_link(kRoot, "link"), (Guest::Bytes{Errno::kSuccess, "a/file"}));
  EXPECT_EQ(guest.read_link(kRoot, "second").error, Errno::kInval);
  EXPECT_EQ(guest.link(kRoot, "link", kRoot, "third", kFollow), Errno::kSuccess);  // of what it leads to
  EXPECT_EQ(fs::hard_link_count(directory_ / "third"), 3u);
  EXPECT_EQ(guest.rename(kRoot, "a/file", kRoot, "a/b/moved"), Errno::kSuccess);
  EXPECT_EQ(guest.rename(kRoot, "second/", kRoot, "x"), Errno::kNotdir);
  EXPECT_EQ(guest.rename(kRoot, "second", kRoot, "x/"), Errno::kNotdir);
  EXPECT_EQ(guest.rename(kRoot, "a/b/", kRoot, "b/"), Errno::kSuccess);
  EXPECT_EQ(guest.rename(kRoot, "b", kRoot, "b/x"), Errno::kInval);
  EXPECT_EQ(guest.on_path("path_unlink_file", kRoot, "b/moved"), Errno::kSuccess);
  EXPECT_EQ(guest.on_path("path_remove_directory", kRoot, "b/"), Errno::kSuccess);
  EXPECT_EQ(guest.on_path("path_remove_directory", 1, "b"), Errno::kNotdir);
  EXPECT_EQ(guest.on_path("path_remove_directory", kRoot, "."), Errno::kInval);
}

TEST_F(Wasi, ListsLargeDirectoriesInPieces) {
  constexpr int kFiles = 1000;
  for (int i = 0; i < kFiles; ++i) write_text(directory_ / ("file-" + std::to_string(i)), "");
  Guest guest(with_directory());
  for (int round = 0; round < 2; ++round) {
    const std::uint32_t bytes = guest.reserve(500);
    const std::uint32_t used = guest.reserve(4);
    std::set<std::string> names;
    std::uint64_t cookie = 0;
    for (std::uint32_t length = 500; length == 500;) {
      ASSERT_EQ(guest.call("fd_readdir", kRoot, bytes, 500u, cookie, used), Errno::kSuccess);
      length = guest.get<std::uint32_t>(used);
      for (std::uint32_t at = 0; at + 24 <= length;) {
        const auto name_length = guest.get<std::uint32_t>(bytes + at + 16);
        if (at + 24 + name_length > length) break;  // cut off: it comes again
        EXPECT_TRUE(names.insert(guest.text(bytes + at + 24, name_length)).second);
        cookie = guest.get<std::uint64_t>(bytes + at);
        at += 24 + name_length;
      }
    }
    EXPECT_EQ(names.size(), kFiles + 2u);
    EXPECT_TRUE(names.contains("file-999") && names.contains(".") && names.contains(".."));
    EXPECT_EQ(guest.call("fd_readdir", kRoot, bytes, 500u, std::uint64_t{1} << 63, used), Errno::kInval);
    EXPECT_EQ(guest.call("fd_readdir", kRoot, kEnd - 499, 500u, std::uint64_t{0}, used), Errno::kFault);
    EXPECT_EQ(guest.call("fd_readdir", kRoot, bytes, 0u, std::uint64_t{0}, used), Errno::kSuccess);
    guest.renew();
  }
}

TEST_F(Wasi, RefusesPointersAtTheEndOfMemory) {
  write_text(directory_ / "file", "text");
  Guest guest(with_directory());
  const std::uint32_t fd = guest.open(kRoot, "file", 0, kReadsAndWrites).fd;
  const std::uint32_t done = guest.reserve(8);
  EXPECT_EQ(guest.call("fd_read", fd, kEnd - 7, 1u, done), Errno::kFault);
  EXPECT_EQ(guest.call("fd_read", fd, 0xFFFF'FFF8u, 1u, done), Errno::kFault);
  EXPECT_EQ(guest.call("fd_read", fd, guest.buffer(kEnd - 3, 4), 1u, done), Errno::kFault);
  EXPECT_EQ(guest.call("fd_read", fd, guest.buffer(1, 0xFFFF'FFFF), 1u, done), Errno::kFault);
  EXPECT_EQ(guest.call("fd_write", fd, guest.buffer(kEnd, 1), 1u, done), Errno::kFault);
  EXPECT_EQ(guest.call("fd_write", fd, guest.buffer(kEnd, 0), 1u, done), Errno::kSuccess);
  EXPECT_EQ(guest.call("fd_read", fd, guest.buffer(0, 4), 1u, kEnd - 3), Errno::kFault);
  EXPECT_EQ(guest.read(fd).text, "text");  // nothing was read before
  EXPECT_EQ(guest.call("fd_read", fd, guest.buffer(0, 4), 0xFFFF'FFFFu, done), Errno::kInval);
  EXPECT_EQ(guest.call("fd_read", fd, 0u, 1025u, done), Errno::kInval);
  EXPECT_EQ(guest.call("fd_read", fd, 100'000u, 1024u, done), Errno::kSuccess);
  EXPECT_EQ(guest.call("random_get", kEnd - 3, 4u), Errno::kFault);
  EXPECT_EQ(guest.call("random_get", kEnd, 0u), Errno::kSuccess);
  EXPECT_EQ(guest.call("clock_time_get", 0u, std::uint64_t{0}, kEnd - 7), Errno::kFault);
  EXPECT_EQ(guest.call("path_open", kRoot, 0u, kEnd - 3, 4u, 0u, kReads, kReads, 0u, done), Errno::kFault);
  EXPECT_EQ(guest.call("path_open", kRoot, 0u, guest.put("new"), 3u, kCreate, kReads, kReads, 0u, kEnd - 3),
            Errno::kFault);
  EXPECT_FALSE(fs::exists(directory_ / "new"));
  EXPECT_EQ(guest.call("poll_oneoff", 0u, 0u, 0xFFFF'FFFFu, done), Errno::kFault);
  EXPECT_EQ(guest.call("path_readlink", kRoot, 0u, 4u, kEnd - 3, 4u, done), Errno::kFault);
}

TEST_F(Wasi, LetsAGuestHaveSoManyDescriptors) {
  write_text(directory_ / "file", "text");
  wasi::Options options = with_directory();
  options.maximum_descriptors = 20;
  Guest guest(options);
  const auto count = [] { return count_files("/proc/self/fd"); };
  const std::size_t before = count();
  for (int round = 0; round < 3; ++round) {
    for (int i = 4; i < 20; ++i) ASSERT_EQ(guest.open(kRoot, "file").error, Errno::kSuccess);
    EXPECT_EQ(guest.open(kRoot, "file").error, Errno::kMfile);
    EXPECT_EQ(guest.open(kRoot, "new", kCreate, kReadsAndWrites).error, Errno::kMfile);
    EXPECT_FALSE(fs::exists(directory_ / "new"));
    EXPECT_EQ(guest.call("fd_close", 10u), Errno::kSuccess);
    EXPECT_EQ(guest.open(kRoot, "file").fd, 10u);
    guest.renew();
    EXPECT_EQ(count(), before);
  }
  options.maximum_descriptors = 3;
  Linker linker;
  EXPECT_EQ(wasi::define(linker, options).error().code, ErrorCode::kArgument);
}

TEST_F(Wasi, EndsAtTheSystemsLimitOfDescriptors) {
  write_text(directory_ / "file", "text");
  wasi::Options options = with_directory();
  options.maximum_descriptors = 10'100;
  Guest guest(options);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit limit = before;
  limit.rlim_cur = 200;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  Errno error = Errno::kSuccess;
  for (int i = 0; i < 10'000 && error == Errno::kSuccess; ++i) error = guest.open(kRoot, "file").error;
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(error, Errno::kMfile);
  EXPECT_EQ(guest.open(kRoot, "file").error, Errno::kSuccess);
}

TEST_F(Wasi, IsAsNewInTheNextLease) {
  write_text(directory_ / "input", "first line");
  const os::Descriptor input(::open((directory_ / "input").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(lseek(input.number(), 6, SEEK_SET), 6);
  wasi::Options options = with_directory();
  options.standard_input = wasi::Descriptor{input.number()};
  options.standard_output = wasi::Capture{};
  options.standard_error = wasi::Capture{};
  options.random_seed = 7;
  options.clock = wasi::Clock::kSimulated;
  Guest guest(options);
  std::string random_bytes;
  for (int round = 0; round < 3; ++round) {
    const std::uint32_t at = guest.reserve(64);
    EXPECT_EQ(guest.read(0, 2).text, "li");  // from where the file stood
    EXPECT_EQ(guest.read(0).text, "ne");
    EXPECT_EQ(guest.context().standard_output(), "");
    EXPECT_EQ(guest.write(1, "out"), Errno::kSuccess);
    EXPECT_EQ(guest.write(2, "error"), Errno::kSuccess);
    EXPECT_EQ(guest.context().standard_output(), "out");
    EXPECT_EQ(guest.context().standard_error(), "error");
    EXPECT_EQ(guest.context().exit_code(), std::nullopt);
    ASSERT_EQ(guest.call("random_get", at, 21u), Errno::kSuccess);
    if (round == 0) random_bytes = guest.text(at, 21);
    EXPECT_EQ(guest.text(at, 21), random_bytes);
    ASSERT_EQ(guest.call("clock_time_get", 1u, std::uint64_t{0}, at), Errno::kSuccess);
    EXPECT_EQ(guest.get<std::uint64_t>(at), 1000u);
    ASSERT_EQ(guest.call("clock_time_get", 0u, std::uint64_t{0}, at), Errno::kSuccess);
    EXPECT_EQ(guest.get<std::uint64_t>(at), 2000u);
    ASSERT_EQ(guest.call("fd_fdstat_get", 1u, at), Errno::kSuccess);
    EXPECT_EQ(guest.get<std::uint16_t>(at + 2), 0u);
    EXPECT_EQ(guest.call("fd_fdstat_set_flags", 1u, 4u), Errno::kSuccess);
    EXPECT_EQ(guest.open(kRoot, "input").fd, 4u);
    EXPECT_EQ(guest.call("fd_renumber", 1u, 4u), Errno::kSuccess);
    EXPECT_EQ(guest.call("fd_close", kRoot), Errno::kSuccess);
    EXPECT_EQ(guest.call("fd_close", 0u), Errno::kSuccess);
    const auto exited = guest.lease().call<void>("proc_exit", 7u);
    EXPECT_EQ(exited.error().trap, TrapKind::kHostError);
    EXPECT_EQ(guest.context().exit_code(), 7u);
    guest.renew();
  }
  EXPECT_EQ(lseek(input.number(), 0, SEEK_CUR), 6);
  EXPECT_EQ(guest.pool().statistics().audit_failures, 0u) << guest.pool().audit_report();
}

TEST_F(Wasi, RestoresWhatTheFunctionsWrite) {
  // What each writes to memory is marked, so an audit finds the memory as it was.
  write_text(directory_ / "file", std::string(5000, 'x'));
  fs::create_symlink("file", directory_ / "link");
  const Ends sockets = make_sockets();
  wasi::Options options = with_directory();
  options.arguments = {"program"};
  options.standard_input = std::string(3000, 'y');
  options.sockets = {{sockets.first.number()}};
  Guest guest(options);
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(send(sockets.second.number(), "datagram", 8, 0), 8);
    const std::uint32_t far = 3 * 65'536;
    const std::uint32_t fd = guest.open(kRoot, "file").fd;
    const std::uint32_t done = guest.reserve(8);
    EXPECT_EQ(guest.call("fd_read", fd, guest.buffer(far, 5000), 1u, done), Errno::kSuccess);
    EXPECT_EQ(guest.call("fd_read", 0u, guest.buffer(far + 6000, 5000), 1u, done), Errno::kSuccess);
    EXPECT_EQ(guest.call("sock_recv", 4u, guest.buffer(far + 12'000, 5000), 1u, 0u, done, done + 4), Errno::kSuccess);
    EXPECT_EQ(guest.call("fd_readdir", kRoot, far + 20'000, 5000u, std::uint64_t{0}, done), Errno::kSuccess);
    EXPECT_EQ(guest.call("random_get", far + 26'000, 5000u), Errno::kSuccess);
    EXPECT_EQ(guest.call("args_get", far + 32'000, far + 33'000), Errno::kSuccess);
    EXPECT_EQ(guest.call("path_readlink", kRoot, guest.put("link"), 4u, far + 36'000, 100u, far + 38'000),
              Errno::kSuccess);
    EXPECT_EQ(guest.call("fd_filestat_get", fd, far + 40'000), Errno::kSuccess);
    EXPECT_EQ(guest.call("fd_prestat_dir_name", kRoot, far + 42'000, 5u), Errno::kSuccess);
    guest.renew();
  }
  EXPECT_EQ(guest.pool().statistics().audited, 2u);
  EXPECT_EQ(guest.pool().statistics().audit_failures, 0u) << guest.pool().audit_report();
  // A short read marks what it read, not all it had room for.
  EXPECT_EQ(guest.call("fd_read", guest.open(kRoot, "file").fd, guest.buffer(100'000, 100'000), 1u, guest.reserve(8)),
            Errno::kSuccess);
  EXPECT_LT(guest.lease().dirty_bytes(), 20'000u);
}

TEST_F(Wasi, KeepsOutputWithinItsLimit) {
  Guest guest({.standard_output = wasi::Capture{.maximum_bytes = 10}});
  EXPECT_EQ(guest.write(1, "1234567"), Errno::kSuccess);
  EXPECT_EQ(guest.write(1, "1234567"), Errno::kSuccess);
  EXPECT_EQ(guest.written, 3u);
  EXPECT_EQ(guest.write(1, "x"), Errno::kNospc);
  EXPECT_EQ(guest.write(1, ""), Errno::kSuccess);
  EXPECT_EQ(guest.context().standard_output(), "1234567123");
  // Many long stretches of the same memory: as much as there is room for.
  const std::uint32_t list = guest.reserve(8 * 1024);
  for (std::uint32_t i = 0; i < 1024; ++i) {
    guest.set(list + 8 * i, 0u);
    guest.set(list + 8 * i + 4, kEnd);
  }
  EXPECT_EQ(guest.call("fd_write", 1u, list, 1024u, guest.reserve(4)), Errno::kNospc);
  EXPECT_EQ(guest.call("fd_write", 2u, list, 1024u, guest.reserve(4)), Errno::kSuccess);  // dropped
}

TEST_F(Wasi, CallsBack) {
  std::string written;
  std::string left = "callback";
  Guest guest({.standard_input = wasi::Reader([&](std::span<std::byte> bytes) -> Result<std::size_t> {
                 const std::size_t count = std::min(bytes.size(), left.size());
                 std::memcpy(bytes.data(), left.data(), count);
                 left.erase(0, count);
                 return count;
               }),
               .standard_output = wasi::Writer([&](std::span<const std::byte> bytes) -> Result<void> {
                 if (bytes.size() == 3) return fail(ErrorCode::kHost, "the client went away");
                 written.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                 return {};
               })});
  EXPECT_EQ(guest.read(0, 4).text, "call");
  EXPECT_EQ(guest.read(0).text, "back");
  EXPECT_EQ(guest.read(0).text, "");
  EXPECT_EQ(guest.write(1, "written"), Errno::kSuccess);
  EXPECT_EQ(written, "written");
  try {
    (void)guest.write(1, "end");
    FAIL() << "the call went on";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("the client went away"), std::string::npos) << error.what();
  }
}

TEST_F(Wasi, ReadsAndWritesPipes) {
  Ends input = make_pipe();
  Ends output = make_pipe();
  Guest guest({.standard_input = wasi::Descriptor{input.first.number()},
               .standard_output = wasi::Descriptor{output.second.number()}});
  ASSERT_EQ(write(input.second.number(), "piped", 5), 5);
  EXPECT_EQ(guest.read(0).text, "piped");
  EXPECT_EQ(guest.call("fd_fdstat_set_flags", 0u, 4u), Errno::kSuccess);
  EXPECT_EQ(guest.read(0).error, Errno::kAgain);
  EXPECT_EQ(guest.write(1, "result"), Errno::kSuccess);
  std::array<char, 10> bytes{};
  EXPECT_EQ(read(output.first.number(), bytes.data(), bytes.size()), 6);
  EXPECT_EQ(guest.call("fd_seek", 1u, std::int64_t{0}, 1u, guest.reserve(8)), Errno::kSpipe);
  EXPECT_EQ(guest.call("fd_sync", 1u), Errno::kNotcapable);
  EXPECT_EQ(fcntl(input.first.number(), F_GETFL) & O_NONBLOCK, 0);  // how the others opened it
  // The end of the stream, and a reader that went away.
  input.second = {};
  guest.renew();
  EXPECT_EQ(guest.read(0), (Guest::Bytes{Errno::kSuccess, ""}));
  output.first = {};
  EXPECT_EQ(guest.write(1, "x"), Errno::kPipe);
}

TEST_F(Wasi, EndsWaitsAtTheDeadline) {
  const Ends input = make_pipe();
  const Ends output = make_pipe();
  Guest guest({.standard_input = wasi::Descriptor{input.first.number()},
               .standard_output = wasi::Descriptor{output.second.number()}});
  const auto expect_interrupted = [&](const auto& call) {
    const auto begin = Steady::now();
    guest.lease().set_deadline(begin + 30ms);
    EXPECT_THROW((void)call(), std::runtime_error);
    EXPECT_LT(Steady::now() - begin, 2s);
    guest.renew();
  };
  expect_interrupted([&] { return guest.read(0).error; });
  expect_interrupted([&] {  // until the pipe is full, and then for ever
    for (;;) (void)guest.write(1, std::string(100'000, 'x'));
    return Errno::kSuccess;
  });
  expect_interrupted([&] {  // an hour
    const std::uint32_t subscription = guest.reserve(48);
    guest.set(subscription + 16, 1u);
    guest.set(subscription + 24, std::uint64_t{3'600'000'000'000});
    return guest.call("poll_oneoff", subscription, guest.reserve(32), 1u, guest.reserve(4));
  });
  expect_interrupted([&] {  // both, from another thread
    const auto canceller = guest.lease().canceller().value();
    std::thread client([canceller] {
      std::this_thread::sleep_for(20ms);
      canceller.cancel();
    });
    guest.lease().set_deadline(Steady::time_point::max());
    struct Joins {
      std::thread& thread;
      ~Joins() { thread.join(); }
    } joins{client};
    return guest.read(0).error;
  });
}

TEST_F(Wasi, SaysThatADiskIsFull) {
  const os::Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  Guest guest({.standard_output = wasi::Descriptor{full.number()}});
  EXPECT_EQ(guest.write(1, "x"), Errno::kNospc);
  const std::uint32_t at = guest.reserve(24);
  ASSERT_EQ(guest.call("fd_fdstat_get", 1u, at), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint8_t>(at), 2u);  // a character device, but no terminal, as libraries tell them apart
  EXPECT_NE(guest.get<std::uint64_t>(at + 8) & wasi::right::kFdTell, 0u);
}

/// Subscriptions and events of poll_oneoff.
class Poll {
 public:
  explicit Poll(Guest& guest) : guest_(guest) {}
  void add_clock(std::uint32_t clock, std::uint64_t timeout, std::uint16_t flags = 0) {
    const std::uint32_t at = add(0, clock);
    guest_.set(at + 24, timeout);
    guest_.set(at + 40, flags);
  }
  void add_descriptor(std::uint8_t type, std::uint32_t fd) { add(type, fd); }
  /// The numbers of the subscriptions that happened.
  std::vector<std::uint64_t> run() {
    const std::uint32_t done = guest_.reserve(8);
    events = guest_.reserve(32 * count_);
    error = guest_.call("poll_oneoff", first_, events, count_, done);
    std::vector<std::uint64_t> happened;
    for (std::uint32_t i = 0; error == Errno::kSuccess && i < guest_.get<std::uint32_t>(done); ++i)
      happened.push_back(guest_.get<std::uint64_t>(events + 32 * i));
    return happened;
  }
  Errno error = Errno::kSuccess;
  std::uint32_t events = 0;

 private:
  std::uint32_t add(std::uint8_t type, std::uint32_t number) {
    const std::uint32_t at = guest_.reserve(48);
    if (count_ == 0) first_ = at;
    guest_.set(at, std::uint64_t{count_++});
    guest_.set(at + 8, type);
    guest_.set(at + 16, number);
    return at;
  }
  Guest& guest_;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
};
using Happened = std::vector<std::uint64_t>;

TEST_F(Wasi, WaitsForTimeAndDescriptors) {
  write_text(directory_ / "file", "12345");
  const Ends input = make_pipe();
  const Ends output = make_pipe();
  wasi::Options options = with_directory();
  options.standard_input = wasi::Descriptor{input.first.number()};
  options.standard_output = wasi::Descriptor{output.second.number()};
  Guest guest(options);
  const auto begin = Steady::now();
  {
    Poll poll(guest);
    poll.add_descriptor(1, 0);
    poll.add_clock(1, 30'000'000);
    poll.add_clock(0, 3'000'000'000);
    EXPECT_EQ(poll.run(), Happened{1});
    EXPECT_GE(Steady::now() - begin, 28ms);
    EXPECT_LT(Steady::now() - begin, 2s);
  }
  ASSERT_EQ(write(input.second.number(), "abc", 3), 3);
  {
    Poll poll(guest);
    poll.add_clock(1, 1'000'000'000'000);
    poll.add_descriptor(1, 0);
    poll.add_descriptor(2, 1);
    poll.add_descriptor(2, 77);
    poll.add_clock(5, 0);
    poll.add_descriptor(2, 0);  // not to be written
    EXPECT_EQ(poll.run(), (Happened{1, 2, 3, 4, 5}));
    EXPECT_EQ(guest.get<std::uint64_t>(poll.events + 16), 3u);  // bytes that can be read
    EXPECT_EQ(guest.get<std::uint8_t>(poll.events + 10), 1u);
    EXPECT_EQ(guest.get<std::uint16_t>(poll.events + 2 * 32 + 8), static_cast<std::uint16_t>(Errno::kBadf));
    EXPECT_EQ(guest.get<std::uint16_t>(poll.events + 3 * 32 + 8), static_cast<std::uint16_t>(Errno::kInval));
  }
  {
    const std::uint32_t fd = guest.open(kRoot, "file").fd;
    Poll poll(guest);
    poll.add_descriptor(1, fd);
    poll.add_clock(0, 1, 1);  // a moment of 1970
    EXPECT_EQ(poll.run(), (Happened{0, 1}));
    EXPECT_EQ(guest.get<std::uint64_t>(poll.events + 16), 5u);
  }
  Poll nothing(guest);
  nothing.run();
  EXPECT_EQ(nothing.error, Errno::kInval);
  Poll unknown(guest);
  unknown.add_descriptor(3, 0);
  unknown.run();
  EXPECT_EQ(unknown.error, Errno::kInval);
}

TEST_F(Wasi, WaitsForAMillionThings) {
  const Ends input = make_pipe();
  constexpr std::uint32_t kCount = 1'000'000;
  Linker linker;
  ASSERT_TRUE(wasi::define(linker, {.standard_input = wasi::Descriptor{input.first.number()}}));
  std::string text = all_functions();
  text.replace(text.find("(export \"memory\") 4"), 19, "(export \"memory\") 2000");
  const Pool pool = make_pool(text, {}, linker);
  Lease lease = pool.acquire().value();
  for (std::uint32_t i = 0; i < kCount; ++i) {
    // Half are reads; the others are clocks, of which the last one alone has come.
    const std::uint64_t timeout = i + 1 == kCount ? 0 : 1'000'000'000'000;
    const bool stored = i % 2 == 0 ? lease.memory().store(i * 48 + 8, std::uint8_t{1}).has_value()
                                   : lease.memory().store(i * 48 + 24, timeout).has_value();
    ASSERT_TRUE(stored);
  }
  const std::uint32_t events = kCount * 48;
  const auto begin = Steady::now();
  EXPECT_EQ(lease.call<std::uint32_t>("poll_oneoff", 0u, events, kCount, events + kCount * 32 + 8).value(), 0u);
  EXPECT_EQ(lease.memory().load<std::uint32_t>(events + kCount * 32 + 8).value(), 1u);
  EXPECT_LT(Steady::now() - begin, 5s);
}

TEST_F(Wasi, SimulatesTime) {
  Guest guest({.clock = wasi::Clock::kSimulated});
  const auto begin = Steady::now();
  const std::uint32_t at = guest.reserve(8);
  Poll poll(guest);
  poll.add_clock(1, 3'600'000'000'000);
  poll.add_clock(0, 7'200'000'000'000, 1);
  EXPECT_EQ(poll.run(), Happened{0});
  ASSERT_EQ(guest.call("clock_time_get", 0u, std::uint64_t{0}, at), Errno::kSuccess);
  EXPECT_GE(guest.get<std::uint64_t>(at), 3'600'000'000'000u);
  EXPECT_LT(guest.get<std::uint64_t>(at), 3'600'001'000'000u);
  EXPECT_LT(Steady::now() - begin, 10s);
  ASSERT_EQ(guest.call("clock_res_get", 1u, at), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint64_t>(at), 1000u);
}

TEST_F(Wasi, ShowsCoarseTimeUnlessAskedForFine) {
  Guest coarse({});
  Guest fine({.clock = wasi::Clock::kFine});
  bool is_finer = false;
  for (int i = 0; i < 100; ++i) {
    const std::uint32_t clock = i % 2;
    ASSERT_EQ(coarse.call("clock_time_get", clock, std::uint64_t{0}, 0u), Errno::kSuccess);
    EXPECT_EQ(coarse.get<std::uint64_t>(0) % 1'000'000, 0u);
    ASSERT_EQ(fine.call("clock_time_get", clock, std::uint64_t{0}, 0u), Errno::kSuccess);
    is_finer = is_finer || fine.get<std::uint64_t>(0) % 1'000'000 != 0;
  }
  EXPECT_TRUE(is_finer);
  EXPECT_EQ(coarse.call("clock_res_get", 0u, 0u), Errno::kSuccess);
  EXPECT_EQ(coarse.get<std::uint64_t>(0), 1'000'000u);
  EXPECT_EQ(coarse.call("clock_res_get", 2u, 0u), Errno::kInval);
  EXPECT_EQ(coarse.call("clock_time_get", 3u, std::uint64_t{0}, 0u), Errno::kInval);
  ASSERT_EQ(fine.call("random_get", 0u, 8u), Errno::kSuccess);
  ASSERT_EQ(coarse.call("random_get", 0u, 8u), Errno::kSuccess);
  EXPECT_NE(fine.get<std::uint64_t>(0), coarse.get<std::uint64_t>(0));
  EXPECT_EQ(fine.call("sched_yield"), Errno::kSuccess);
}

TEST_F(Wasi, RaisesSignalsByWhatTheyDo) {
  Guest guest({});
  EXPECT_EQ(guest.call("proc_raise", 0u), Errno::kSuccess);
  EXPECT_EQ(guest.call("proc_raise", 17u), Errno::kSuccess);
  EXPECT_EQ(guest.call("proc_raise", 18u), Errno::kNotsup);
  EXPECT_EQ(guest.call("proc_raise", 31u), Errno::kInval);
  const auto ended = guest.lease().call<std::uint32_t>("proc_raise", 6u);
  EXPECT_NE(ended.error().message.find("signal 6"), std::string::npos) << ended.error().message;
  EXPECT_EQ(guest.context().exit_code(), std::nullopt);
}

TEST_F(Wasi, AcceptsConnections) {
  const os::Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  ASSERT_EQ(bind(listener.number(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  ASSERT_EQ(listen(listener.number(), 5), 0);
  ASSERT_EQ(getsockname(listener.number(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  Guest guest({.sockets = {{listener.number()}}});
  const std::uint32_t fd = guest.reserve(8);
  constexpr std::uint32_t kNonblock = 4;
  EXPECT_EQ(guest.call("fd_fdstat_set_flags", 3u, kNonblock), Errno::kSuccess);
  EXPECT_EQ(guest.call("sock_accept", 3u, 0u, fd), Errno::kAgain);
  EXPECT_EQ(guest.call("fd_fdstat_set_flags", 3u, 0u), Errno::kSuccess);
  os::Descriptor client;
  std::thread connects([&] {
    std::this_thread::sleep_for(20ms);
    client = os::Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(client.number(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    EXPECT_EQ(send(client.number(), "request", 7, 0), 7);
  });
  ASSERT_EQ(guest.call("sock_accept", 3u, 0u, fd), Errno::kSuccess);
  connects.join();
  const auto connection = guest.get<std::uint32_t>(fd);
  const std::uint32_t bytes = guest.reserve(7);
  const std::uint32_t done = guest.reserve(8);
  constexpr std::uint32_t kPeek = 1;
  constexpr std::uint32_t kWaitAll = 2;
  const std::uint32_t list = guest.buffer(bytes, 7);
  ASSERT_EQ(guest.call("sock_recv", connection, list, 1u, kPeek, done, done + 4), Errno::kSuccess);
  ASSERT_EQ(guest.call("sock_recv", connection, list, 1u, kWaitAll, done, done + 4), Errno::kSuccess);
  EXPECT_EQ(guest.text(bytes, 7), "request");
  EXPECT_EQ(guest.get<std::uint32_t>(done), 7u);
  EXPECT_EQ(guest.get<std::uint16_t>(done + 4), 0u);
  ASSERT_EQ(guest.call("sock_send", connection, list, 1u, 0u, done), Errno::kSuccess);
  EXPECT_EQ(guest.call("sock_send", connection, list, 1u, 1u, done), Errno::kInval);
  EXPECT_EQ(guest.call("sock_recv", connection, list, 1u, 4u, done, done + 4), Errno::kInval);
  EXPECT_EQ(guest.call("sock_shutdown", connection, 0u), Errno::kInval);
  EXPECT_EQ(guest.call("sock_shutdown", connection, 2u), Errno::kSuccess);
  std::array<char, 20> answer{};
  EXPECT_EQ(recv(client.number(), answer.data(), answer.size(), MSG_WAITALL), 7);
  EXPECT_EQ(guest.write(connection, "x"), Errno::kPipe);
  EXPECT_EQ(guest.call("sock_shutdown", 1u, 3u), Errno::kNotsock);
  guest.renew();  // and the connection is closed
  EXPECT_EQ(guest.write(connection, "x"), Errno::kBadf);
  EXPECT_EQ(recv(client.number(), answer.data(), answer.size(), 0), 0);
}

TEST_F(Wasi, TellsThatADatagramWasCutOff) {
  const Ends sockets = make_sockets(SOCK_DGRAM);
  Guest guest({.sockets = {{sockets.first.number()}}});
  ASSERT_EQ(send(sockets.second.number(), "datagram", 8, 0), 8);
  const std::uint32_t done = guest.reserve(8);
  ASSERT_EQ(guest.call("sock_recv", 3u, guest.buffer(guest.reserve(4), 4), 1u, 0u, done, done + 4), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint32_t>(done), 4u);
  EXPECT_EQ(guest.get<std::uint16_t>(done + 4), 1u);
  const std::uint32_t at = guest.reserve(24);
  ASSERT_EQ(guest.call("fd_fdstat_get", 3u, at), Errno::kSuccess);
  EXPECT_EQ(guest.get<std::uint8_t>(at), 5u);
}

TEST(WasiOptions, InputThatIsSetForTheLeaseIsTheDescriptorsWhateverIsSetNext) {
  Guest guest({});
  guest.context().set_standard_input("the first input, which is not short");
  EXPECT_EQ(guest.read(0, 4).text, "the ");
  ASSERT_EQ(guest.call("fd_renumber", 0u, 1u), Errno::kSuccess);
  guest.context().set_standard_input("the second, which nobody can read: number 0 is closed");
  EXPECT_EQ(guest.read(1).text, "first input, which is not short");
  EXPECT_EQ(guest.read(0).error, Errno::kBadf);
  guest.renew();
  guest.context().set_standard_input("the third input, which is not short");
  guest.context().set_standard_input("the fourth");
  EXPECT_EQ(guest.read(0).text, "the fourth");
}

TEST(WasiOptions, AreRefusedWithWords) {
  const auto message = [](const wasi::Options& options) {
    Linker linker;
    const auto defined = wasi::define(linker, options);
    return defined ? std::string() : defined.error().message;
  };
  EXPECT_EQ(message({}), "");
  EXPECT_EQ(message({.directories = {{.host_path = "/nowhere", .guest_path = "/"}}}),
            "the directory \"/nowhere\": No such file or directory");
  EXPECT_EQ(message({.directories = {{.host_path = "/dev/null", .guest_path = "/"}}}),
            "the directory \"/dev/null\": Not a directory");
  EXPECT_NE(message({.directories = {{.host_path = "/", .guest_path = ""}}}).find("guest's path"), std::string::npos);
  EXPECT_EQ(message({.standard_input = wasi::Descriptor{-1}}), "standard input, descriptor -1: Bad file descriptor");
  EXPECT_NE(message({.standard_output = wasi::Writer()}).find("callback is empty"), std::string::npos);
  EXPECT_NE(message({.environment = {std::string("A\0", 2)}}).find("variable 0: it holds a NUL"), std::string::npos);
  const Ends pipe = make_pipe();
  EXPECT_EQ(message({.standard_output = wasi::Descriptor{pipe.first.number()}}),
            "standard output, descriptor " + std::to_string(pipe.first.number()) + ", was not opened to write it");
  EXPECT_NE(message({.sockets = {{pipe.first.number()}}}).find("another kind"), std::string::npos);
}

}  // namespace
}  // namespace anew::test
