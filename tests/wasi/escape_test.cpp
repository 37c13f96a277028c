// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A guest tries to reach what lies beside its directory, in every way that has worked in some engine: with the kernel's
// walk of paths, and with Anew's own.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "os/sandbox/beneath.hpp"
#include "wasi/guest.hpp"

namespace anew::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSecret = "secret";

/// A directory for the guest, `inside`, and beside it what it must not reach: a file and a directory, which the test
/// looks at afterwards.
class Escape : public testing::TestWithParam<bool> {
 protected:
  Escape() {
    os::walk_always(GetParam());
    fs::create_directories(inside() / "sub" / "deep");
    fs::create_directories(root_ / "outside" / "empty");
    fs::create_directories(root_ / "readable");
    write_text(root_ / "outside" / "file", std::string(kSecret));
    write_text(inside() / "file", "inside");
    write_text(inside() / "sub" / "file", "below");
    write_text(root_ / "readable" / "file", "kept");
    const fs::path outside = root_ / "outside";
    fs::create_symlink(outside, inside() / "absolute");
    fs::create_symlink(outside / "file", inside() / "absolute-file");
    fs::create_symlink("../outside", inside() / "relative");
    fs::create_symlink("../outside/file", inside() / "relative-file");
    fs::create_symlink("sub/../../outside", inside() / "through-sub");
    fs::create_symlink("up", inside() / "chain");
    fs::create_symlink("..", inside() / "up");
    fs::create_symlink("../..", inside() / "sub" / "up-twice");
    fs::create_symlink("../outside/new", inside() / "dangling");
    fs::create_symlink("new", inside() / "dangling-inside");
    fs::create_symlink("/", inside() / "slash");
    fs::create_symlink("loop", inside() / "loop");
    fs::create_symlink("sub/deep/../file", inside() / "within");
    fs::create_symlink("sub", inside() / "to-sub");
    before_ = fs::last_write_time(root_ / "outside" / "file");
    guest_.emplace(
        wasi::Options{.directories = {{.host_path = inside(), .guest_path = "/"},
                                      {.host_path = root_ / "readable", .guest_path = "/readable", .read_only = true},
                                      {.host_path = "/proc", .guest_path = "/proc", .read_only = true}}});
  }
  ~Escape() override {
    os::walk_always(false);
    EXPECT_EQ(read_text(root_ / "outside" / "file"), kSecret);
    EXPECT_EQ(count_files(root_ / "outside"), 2u);
    EXPECT_TRUE(fs::exists(root_ / "outside" / "empty"));
    EXPECT_EQ(fs::last_write_time(root_ / "outside" / "file"), before_);
    EXPECT_EQ(fs::hard_link_count(root_ / "outside" / "file"), 1u);
    EXPECT_EQ(read_text(root_ / "readable" / "file"), "kept");
    EXPECT_EQ(count_files(root_ / "readable"), 1u);
    EXPECT_EQ(count_files(root_), 3u);
  }

  [[nodiscard]] fs::path inside() const { return root_ / "inside"; }
  Guest& guest() { return *guest_; }
  /// Paths to the file outside.
  static std::vector<std::string> to_file(const fs::path& root) {
    return {"../outside/file",
            "./../outside/file",
            "sub/../../outside/file",
            "sub/deep/../../../outside/file",
            "absolute/file",
            "absolute/",
            "absolute-file",
            "relative/file",
            "relative/./file",
            "relative-file",
            "through-sub/file",
            "chain/outside/file",
            "up/outside/file",
            "up/../inside/up/outside/file",
            "sub/up-twice/outside/file",
            "to-sub/../../outside/file",
            "slash" + (root / "outside/file").string(),
            (root / "outside/file").string(),
            "//" + (root / "outside/file").string(),
            (root / "inside/file").string(),
            "..",
            "../",
            "/",
            "sub/../..",
            "../inside/file"};
  }
  static constexpr std::uint32_t kRoot = 3;
  static constexpr std::uint32_t kReadable = 4;
  static constexpr std::uint32_t kProc = 5;

  TemporaryDirectory directory_;
  fs::path root_ = directory_.path();
  fs::file_time_type before_;
  std::optional<Guest> guest_;
};

INSTANTIATE_TEST_SUITE_P(Walks, Escape, testing::Values(false, true),
                         [](const auto& tested) { return tested.param ? "Own" : "Kernel"; });

TEST_P(Escape, IsNotByAnyPathThatIsOpened) {
  for (const std::string& path : to_file(root_)) {
    for (const std::uint32_t flags : {0u, kDirectory, kCreate, kTruncate, kCreate | kTruncate, kCreate | kExclusive}) {
      for (const std::uint64_t rights : {kReads, kReadsAndWrites}) {
        for (const std::uint32_t lookup : {0u, kFollow}) {
          const auto [error, fd] = guest().open(kRoot, path, flags, rights, lookup);
          EXPECT_NE(error, Errno::kSuccess) << path << " with " << flags;
        }
      }
    }
    EXPECT_EQ(guest().open(kRoot, path).error, Errno::kPerm) << path;
  }
  EXPECT_EQ(guest().open(kRoot, "loop").error, Errno::kLoop);
  EXPECT_EQ(guest().open(kRoot, "dangling", kCreate, kReadsAndWrites).error, Errno::kPerm);
  EXPECT_EQ(guest().open(kRoot, "absolute-file", kTruncate, kReadsAndWrites, 0).error, Errno::kLoop);
  EXPECT_EQ(guest().open(kRoot, "dangling-inside", kCreate | kExclusive, kReadsAndWrites).error, Errno::kExist)
      << "what is to be new is no link";
  EXPECT_FALSE(fs::exists(inside() / "new"));
}

TEST_P(Escape, IsNotWhatStopsOrdinaryPaths) {
  for (const char* const path : {"file", "./file", "sub/../file", "sub/deep/../../file", "to-sub/../file", ".//file",
                                 "sub/./../sub/deep/../../file"}) {
    const auto [error, fd] = guest().open(kRoot, path);
    ASSERT_EQ(error, Errno::kSuccess) << path;
    EXPECT_EQ(guest().read(fd).text, "inside") << path;
  }
  for (const char* const path : {"within", "to-sub/file", "sub/file", "to-sub/deep/../file"}) {
    const auto [error, fd] = guest().open(kRoot, path);
    ASSERT_EQ(error, Errno::kSuccess) << path;
    EXPECT_EQ(guest().read(fd).text, "below") << path;
  }
  for (const char* const path : {".", "./", "sub/", "sub/..", "to-sub/", "to-sub/."})
    EXPECT_EQ(guest().open(kRoot, path, kDirectory).error, Errno::kSuccess) << path;
  EXPECT_EQ(guest().open(kRoot, "file/").error, Errno::kNotdir);
  EXPECT_EQ(guest().open(kRoot, "within/").error, Errno::kNotdir);
  EXPECT_EQ(guest().open(kRoot, "within", 0, kReads, 0).error, Errno::kLoop);
  EXPECT_EQ(guest().open(kRoot, "file/file").error, Errno::kNotdir);
  EXPECT_EQ(guest().open(kRoot, "none/file").error, Errno::kNoent);
  EXPECT_EQ(guest().open(kRoot, "").error, Errno::kNoent);
  EXPECT_EQ(guest().open(kRoot, std::string(300, 'x')).error, Errno::kNametoolong);
  EXPECT_EQ(guest().open(kRoot, std::string(5000, '/')).error, Errno::kNametoolong);
  EXPECT_EQ(guest().open(kRoot, std::string("file\0/../x", 10)).error, Errno::kInval);
}

TEST_P(Escape, IsNotByAnyOtherFunctionThatTakesAPath) {
  for (const std::string& path : to_file(root_)) {
    for (const std::uint32_t lookup : {0u, kFollow}) {
      // Links themselves are inside.
      if (lookup == 0 && (path == "absolute-file" || path == "relative-file")) continue;
      EXPECT_EQ(guest().status(kRoot, path, lookup).error, Errno::kPerm) << path;
      EXPECT_EQ(guest().set_times(kRoot, path, lookup), Errno::kPerm) << path;
      EXPECT_EQ(guest().link(kRoot, path, kRoot, "stolen", lookup), Errno::kPerm) << path;
    }
    if (path == "absolute-file" || path == "relative-file") continue;
    const std::string beside = path.ends_with("/file") ? path + "-new" : path;
    for (const std::string& each : {path, beside}) {
      EXPECT_NE(guest().on_path("path_create_directory", kRoot, each), Errno::kSuccess) << each;
      EXPECT_NE(guest().symlink("file", kRoot, each), Errno::kSuccess) << each;
      EXPECT_NE(guest().rename(kRoot, "file", kRoot, each), Errno::kSuccess) << each;
      EXPECT_NE(guest().rename(kRoot, each, kRoot, "stolen"), Errno::kSuccess) << each;
      EXPECT_NE(guest().link(kRoot, "file", kRoot, each), Errno::kSuccess) << each;
      EXPECT_NE(guest().on_path("path_unlink_file", kRoot, each), Errno::kSuccess) << each;
      EXPECT_NE(guest().on_path("path_remove_directory", kRoot, each), Errno::kSuccess) << each;
      EXPECT_NE(guest().read_link(kRoot, each).error, Errno::kSuccess) << each;
    }
  }
  for (const char* const path :
       {"up/outside/empty", "absolute/empty", "relative/empty", "../outside/empty", "sub/../../outside/empty/"}) {
    EXPECT_EQ(guest().on_path("path_remove_directory", kRoot, path), Errno::kPerm) << path;
    EXPECT_EQ(guest().rename(kRoot, path, kRoot, "stolen"), Errno::kPerm) << path;
    EXPECT_EQ(guest().rename(kRoot, "sub", kRoot, path), Errno::kPerm) << path;
  }
  EXPECT_TRUE(fs::exists(inside() / "sub"));
  EXPECT_FALSE(fs::exists(inside() / "stolen"));
}

TEST_P(Escape, IsNotByASlashBehindALink) {
  // A kernel follows a last link with a slash behind it whatever it is told.
  EXPECT_EQ(guest().status(kRoot, "absolute/", 0).error, Errno::kPerm);
  EXPECT_EQ(guest().status(kRoot, "relative/", 0).error, Errno::kPerm);
  EXPECT_EQ(guest().set_times(kRoot, "relative/", 0), Errno::kPerm);
  EXPECT_EQ(guest().on_path("path_remove_directory", kRoot, "relative/"), Errno::kNotdir);
  EXPECT_EQ(guest().on_path("path_unlink_file", kRoot, "relative/"), Errno::kNotdir);
  EXPECT_EQ(guest().on_path("path_create_directory", kRoot, "dangling/"), Errno::kExist);
  EXPECT_EQ(guest().symlink("x", kRoot, "dangling/"), Errno::kExist);
  EXPECT_EQ(guest().symlink("x", kRoot, "new/"), Errno::kNoent);
  EXPECT_EQ(guest().rename(kRoot, "relative/", kRoot, "moved"), Errno::kNotdir);
  EXPECT_EQ(guest().rename(kRoot, "file", kRoot, "relative/"), Errno::kNotdir);
  EXPECT_EQ(guest().link(kRoot, "relative/", kRoot, "stolen"), Errno::kPerm);
  EXPECT_EQ(guest().status(kRoot, "to-sub/", 0).type, 3);
  EXPECT_EQ(guest().status(kRoot, "file/").error, Errno::kNotdir);
}

TEST_P(Escape, IsNotByWhatTheGuestMakes) {
  EXPECT_EQ(guest().symlink("/etc/passwd", kRoot, "made"), Errno::kPerm);
  EXPECT_EQ(guest().symlink("../outside/file", kRoot, "made"), Errno::kSuccess);  // but nobody here can follow it
  EXPECT_EQ(guest().open(kRoot, "made").error, Errno::kPerm);
  EXPECT_EQ(guest().open(kRoot, "made", kCreate | kTruncate, kReadsAndWrites).error, Errno::kPerm);
  // A link that is harmless where it was made, and moved to where it is not.
  EXPECT_EQ(guest().symlink("../../outside", kRoot, "sub/deep/x"), Errno::kSuccess);
  EXPECT_EQ(guest().open(kRoot, "sub/deep/x", kDirectory).error, Errno::kNoent);
  EXPECT_EQ(guest().rename(kRoot, "sub/deep/x", kRoot, "sub/x"), Errno::kSuccess);
  EXPECT_EQ(guest().open(kRoot, "sub/x", kDirectory).error, Errno::kPerm);
  // A hard link of a symbolic link is the link.
  EXPECT_EQ(guest().link(kRoot, "relative-file", kRoot, "same-link"), Errno::kSuccess);
  EXPECT_EQ(guest().open(kRoot, "same-link").error, Errno::kPerm);
  EXPECT_EQ(guest().read_link(kRoot, "same-link").text, "../outside/file");
  // Links that double with each other end at some number.
  EXPECT_EQ(guest().symlink(".", kRoot, "l0"), Errno::kSuccess);
  for (int i = 1; i < 10; ++i) {
    const std::string last = "l" + std::to_string(i - 1);
    EXPECT_EQ(guest().symlink(last + "/" + last, kRoot, "l" + std::to_string(i)), Errno::kSuccess);
  }
  EXPECT_EQ(guest().open(kRoot, "l9").error, Errno::kLoop);
}

TEST_P(Escape, IsNotFromADirectoryThatWasOpened) {
  const auto [error, deep] = guest().open(kRoot, "sub/deep", kDirectory, kAllRights);
  ASSERT_EQ(error, Errno::kSuccess);
  EXPECT_EQ(guest().open(deep, "..", kDirectory).error, Errno::kPerm);
  EXPECT_EQ(guest().open(deep, "../file").error, Errno::kPerm);
  // Nor when it lies somewhere else meanwhile.
  EXPECT_EQ(guest().rename(kRoot, "sub/deep", kRoot, "moved"), Errno::kSuccess);
  EXPECT_EQ(guest().open(deep, "../file").error, Errno::kPerm);
  fs::rename(inside() / "moved", root_ / "outside" / "empty" / "moved");
  EXPECT_EQ(guest().open(deep, "..", kDirectory).error, Errno::kPerm);
  EXPECT_EQ(guest().open(deep, "../../file").error, Errno::kPerm);
  EXPECT_EQ(guest().open(kRoot, "moved/../file").error, Errno::kNoent);
  fs::remove(root_ / "outside" / "empty" / "moved");
  EXPECT_EQ(guest().open(deep, "file", kCreate, kReadsAndWrites).error, Errno::kNoent);
}

TEST_P(Escape, IsNotWhileDirectoriesAreMovedAway) {
  // The host, or another guest, moves the directory that is walked out of the sandbox and back; `..` from there would
  // lead to what is outside.
  fs::create_directories(root_ / "inside" / "a" / "b" / "c");
  write_text(root_ / "inside" / "a" / "file", "inside");
  fs::create_directories(root_ / "outside" / "empty" / "hole");
  write_text(root_ / "outside" / "empty" / "file", std::string(kSecret));
  std::atomic<bool> ends = false;
  std::thread mover([&] {
    while (!ends) {
      fs::rename(root_ / "inside" / "a" / "b", root_ / "outside" / "empty" / "hole" / "b");
      fs::rename(root_ / "outside" / "empty" / "hole" / "b", root_ / "inside" / "a" / "b");
    }
  });
  int found = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  while (std::chrono::steady_clock::now() < end) {
    for (const char* const path : {"a/b/../file", "a/b/c/../../file", "a/b/c/../../../a/file"}) {
      const auto [error, fd] = guest().open(kRoot, path);
      if (error != Errno::kSuccess) continue;
      ++found;
      EXPECT_EQ(guest().read(fd).text, "inside");
      guest().call("fd_close", fd);
    }
  }
  ends = true;
  mover.join();
  EXPECT_GT(found, 0);
  fs::remove_all(root_ / "outside" / "empty");
  fs::create_directory(root_ / "outside" / "empty");
}

TEST_P(Escape, IsNotByProc) {
  // Links of /proc that lead to open files and directories without being paths.
  const std::string own = std::to_string(getpid());
  const os::Descriptor open_file(::open((root_ / "outside" / "file").c_str(), O_RDONLY | O_CLOEXEC));
  const std::string link = "self/fd/" + std::to_string(open_file.number());
  for (const std::string& path : {link, std::string("self/root"), std::string("self/cwd"), own + "/root/etc/passwd",
                                  own + "/cwd/.", std::string("self/exe")}) {
    EXPECT_NE(guest().open(kProc, path).error, Errno::kSuccess) << path;
    EXPECT_NE(guest().status(kProc, path).error, Errno::kSuccess) << path;
  }
  EXPECT_EQ(guest().open(kProc, "self/status").error, Errno::kSuccess);  // a plain file, by a link that is a path
}

TEST_P(Escape, IsNotFromADirectoryThatIsReadOnly) {
  EXPECT_EQ(guest().open(kReadable, "file").error, Errno::kSuccess);
  EXPECT_EQ(guest().open(kReadable, "file", 0, kReadsAndWrites).error, Errno::kNotcapable);
  EXPECT_EQ(guest().open(kReadable, "file", kTruncate).error, Errno::kNotcapable);
  EXPECT_EQ(guest().open(kReadable, "new", kCreate).error, Errno::kNotcapable);
  EXPECT_EQ(guest().on_path("path_create_directory", kReadable, "new"), Errno::kNotcapable);
  EXPECT_EQ(guest().on_path("path_unlink_file", kReadable, "file"), Errno::kNotcapable);
  EXPECT_EQ(guest().on_path("path_remove_directory", kReadable, "file"), Errno::kNotcapable);
  EXPECT_EQ(guest().symlink("x", kReadable, "new"), Errno::kNotcapable);
  EXPECT_EQ(guest().set_times(kReadable, "file", 0), Errno::kNotcapable);
  EXPECT_EQ(guest().rename(kReadable, "file", kRoot, "stolen"), Errno::kNotcapable);
  EXPECT_EQ(guest().rename(kRoot, "file", kReadable, "new"), Errno::kNotcapable);
  // A second name in a directory that can be written would let it be written.
  EXPECT_EQ(guest().link(kReadable, "file", kRoot, "stolen"), Errno::kNotcapable);
  EXPECT_EQ(guest().link(kRoot, "file", kReadable, "new"), Errno::kNotcapable);
  // Nor by a directory in it, or by what was opened there.
  const auto [error, again] = guest().open(kReadable, ".", kDirectory, kAllRights);
  ASSERT_EQ(error, Errno::kSuccess);
  EXPECT_EQ(guest().open(again, "file", 0, kReadsAndWrites).error, Errno::kNotcapable);
  EXPECT_EQ(guest().open(again, "new", kCreate).error, Errno::kNotcapable);
  EXPECT_EQ(guest().call("fd_fdstat_set_rights", again, kAllRights, kAllRights), Errno::kNotcapable);
  EXPECT_EQ(guest().call("fd_filestat_set_times", again, std::uint64_t{0}, std::uint64_t{0}, 4u), Errno::kNotcapable);
  const std::uint32_t file = guest().open(kReadable, "file").fd;
  EXPECT_EQ(guest().write(file, "x"), Errno::kNotcapable);
  EXPECT_EQ(guest().call("fd_filestat_set_size", file, std::uint64_t{0}), Errno::kNotcapable);
  EXPECT_EQ(guest().call("fd_allocate", file, std::uint64_t{0}, std::uint64_t{9}), Errno::kNotcapable);
}

TEST_P(Escape, IsNotByNumbersOfDescriptors) {
  // The process has others open than the guest knows of.
  for (const std::uint32_t fd : {6u, 7u, 100u, 0x7FFF'FFFFu, 0x8000'0000u, 0xFFFF'FFFFu}) {
    EXPECT_EQ(guest().read(fd).error, Errno::kBadf);
    EXPECT_EQ(guest().open(fd, "file").error, Errno::kBadf);
    EXPECT_EQ(guest().call("fd_renumber", fd, kRoot), Errno::kBadf);
    EXPECT_EQ(guest().call("fd_renumber", kRoot, fd), Errno::kBadf);
    EXPECT_EQ(guest().call("fd_close", fd), Errno::kBadf);
  }
  // What is renamed over another takes its own rights along.
  EXPECT_EQ(guest().call("fd_renumber", kReadable, kRoot), Errno::kSuccess);
  EXPECT_EQ(guest().open(kRoot, "new", kCreate).error, Errno::kNotcapable);
  EXPECT_EQ(guest().open(kReadable, "file").error, Errno::kBadf);
  EXPECT_EQ(guest().call("fd_renumber", kRoot, kRoot), Errno::kSuccess);
}

TEST_P(Escape, IsNotByPipesSocketsAndDevices) {
  ASSERT_EQ(mkfifo((inside() / "pipe").c_str(), 0600), 0);
  const os::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = (inside() / "socket").string();
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  std::ranges::copy(path, address.sun_path);
  ASSERT_EQ(bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  // None of these waits for another end.
  const auto [error, pipe] = guest().open(kRoot, "pipe");
  EXPECT_EQ(error, Errno::kSuccess);
  EXPECT_EQ(guest().open(kRoot, "socket").error, Errno::kNxio);
  const auto writer = guest().open(kRoot, "pipe", 0, wasi::right::kFdWrite);
  ASSERT_EQ(writer.error, Errno::kSuccess);
  EXPECT_EQ(guest().write(writer.fd, "through"), Errno::kSuccess);
  EXPECT_EQ(guest().read(pipe).text, "through");
  guest().call("fd_close", pipe);
  EXPECT_EQ(guest().write(writer.fd, "x"), Errno::kPipe);  // and no SIGPIPE
  EXPECT_EQ(guest().open(kRoot, "pipe", 0, wasi::right::kFdWrite).error, Errno::kNxio);
}

}  // namespace
}  // namespace anew::test
