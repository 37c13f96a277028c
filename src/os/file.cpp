// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "os/try.hpp"

namespace anew::os {
namespace {

/// @param action  such as "open".
std::unexpected<Error> refused(const char* action, const std::filesystem::path& path, int reason,
                               const char* advice = "") {
  return fail(reason == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              fmt::format("cannot {} {}: {}{}", action, path.string(), std::strerror(reason), advice));
}

FileStatus to_status(const struct stat& status) noexcept {
  FileStatus result;
  result.kind = S_ISREG(status.st_mode)   ? FileStatus::Kind::kRegular
                : S_ISDIR(status.st_mode) ? FileStatus::Kind::kDirectory
                                          : FileStatus::Kind::kOther;
  result.bytes = static_cast<std::uint64_t>(status.st_size);  // never negative
  result.owned_by_user = status.st_uid == geteuid();
  result.owned_by_root = status.st_uid == 0;
  result.writable_by_others = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  result.modified = std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::seconds(status.st_mtim.tv_sec) +
                                                                    std::chrono::nanoseconds(status.st_mtim.tv_nsec));
  return result;
}

Result<FileStatus> status_of(const Descriptor& descriptor, const std::filesystem::path& path) {
  struct stat status{};
  if (fstat(descriptor.number(), &status) != 0) return refused("examine", path, errno);
  return to_status(status);
}

/// Up to `count` bytes at `to`. @return bytes read, fewer only at the end of the file; or -1 with errno.
std::int64_t read_fully(int file, std::byte* to, std::uint64_t count) noexcept {
  std::uint64_t done = 0;
  while (done < count) {
    const ssize_t got = ::read(file, to + done, count - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::uint64_t>(got);  // positive by the tests
  }
  return static_cast<std::int64_t>(done);  // at most `count`, the size of an allocation
}

/// Has the system provide the memory behind a large buffer in one go: that takes half the time of a page fault a page.
void populate(std::vector<std::byte>& bytes) noexcept {
  constexpr std::size_t kLarge = 256 << 10;
  if (bytes.capacity() < kLarge) return;
  constexpr std::uintptr_t kPage = 4096;
  // Only whole pages inside the buffer; an address as an integer, to round it.
  const auto begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + kPage - 1) & ~(kPage - 1);
  const auto end = (reinterpret_cast<std::uintptr_t>(bytes.data()) + bytes.capacity()) & ~(kPage - 1);
  // Kernels before 5.14 refuse, and the pages come one by one as ever.
  (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);
}

bool write_fully(int file, BytesView bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(put));  // positive by the test, and at most bytes.size()
  }
  return true;
}

std::string temporary_name() {
  std::uint64_t random = 0;
  // Cannot fail for so few bytes; if it did, O_EXCL would still keep two writers apart.
  (void)!getrandom(&random, sizeof random, 0);
  return fmt::format("{}{}-{:016x}", kTemporaryPrefix, getpid(), random);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() { (void)close(); }

bool Descriptor::close() noexcept { return number_ < 0 || ::close(std::exchange(number_, -1)) == 0; }

Result<File> File::open(const std::filesystem::path& path, Links links) {
  // O_NONBLOCK so that opening a named pipe returns; for regular files it means nothing.
  const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (links == Links::kRefuse ? O_NOFOLLOW : 0);
  Descriptor descriptor(::open(path.c_str(), flags));
  if (!descriptor.is_open()) {
    const int reason = errno;
    return refused("open", path, reason,
                   reason == ELOOP && links == Links::kRefuse ? " (a symbolic link: give the file it points to)" : "");
  }
  // Reading does wait: `anew call <(make-a-module) ...` is fine.
  (void)fcntl(descriptor.number(), F_SETFL, O_RDONLY);
  return File(std::move(descriptor), path);
}

Result<FileStatus> File::status() const { return status_of(descriptor_, path_); }

Result<std::vector<std::byte>> File::read(std::uint64_t count) {
  std::vector<std::byte> bytes(count);
  const std::int64_t got = read_fully(descriptor_.number(), bytes.data(), count);
  if (got < 0) return refused("read", path_, errno);
  bytes.resize(static_cast<std::size_t>(got));  // not negative by the test
  return bytes;
}

Result<void> File::read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = pread(descriptor_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused("read", path_, errno);
    if (got == 0) return fail(ErrorCode::kIo, fmt::format("cannot read {}: it ended too early", path_.string()));
    offset += static_cast<std::uint64_t>(got);  // positive by the tests, and at most bytes.size()
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Result<void> File::read_rest(std::vector<std::byte>& bytes, std::uint64_t maximum) {
  auto now = TRY(status());
  // The size is only a first guess: a pipe has none, and a file may change while it is read.
  constexpr std::uint64_t kStep = 64 << 10;
  std::uint64_t step = now.kind == FileStatus::Kind::kRegular ? now.bytes + 1 : kStep;
  while (true) {
    const std::uint64_t old_size = bytes.size();
    // One byte past the maximum tells that there is more.
    const std::uint64_t wanted = std::min(std::max(step, kStep), maximum - std::min(old_size, maximum) + 1);
    bytes.reserve(old_size + wanted);
    populate(bytes);
    bytes.resize(old_size + wanted);
    const std::int64_t got = read_fully(descriptor_.number(), bytes.data() + old_size, wanted);
    if (got < 0) return refused("read", path_, errno);
    bytes.resize(old_size + static_cast<std::uint64_t>(got));  // not negative by the test
    if (bytes.size() > maximum)
      return fail(ErrorCode::kLimit, fmt::format("{} is larger than {} bytes", path_.string(), maximum));
    if (static_cast<std::uint64_t>(got) < wanted) return {};
    step = bytes.size();
  }
}

bool File::touch() noexcept {
  const timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
  return futimens(descriptor_.number(), times) == 0;
}

Result<std::vector<std::byte>> read_file(const std::filesystem::path& path, std::uint64_t maximum) {
  auto file = TRY(File::open(path, File::Links::kFollow));
  std::vector<std::byte> bytes;
  TRY(file.read_rest(bytes, maximum));
  return bytes;
}

Result<Directory> Directory::open(const std::filesystem::path& path) {
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open()) return refused("open the directory", path, errno);
  return Directory(std::move(descriptor), path);
}

Result<FileStatus> Directory::status() const { return status_of(descriptor_, path_); }

Result<File> Directory::open_file(const std::string& name) const {
  Descriptor descriptor(
      openat(descriptor_.number(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW));
  if (!descriptor.is_open()) return refused("open", path_ / name, errno);
  return File(std::move(descriptor), path_ / name);
}

Result<void> Directory::write(const std::string& name, std::span<const BytesView> pieces, unsigned mode) const {
  struct stat old{};
  if (fstatat(descriptor_.number(), name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(old.st_mode) &&
      !S_ISLNK(old.st_mode)) {
    // A rename would replace a device such as /dev/null, if it may.
    return fail(ErrorCode::kIo,
                fmt::format("cannot write {}: there is something that is not a regular file", (path_ / name).string()));
  }
  const std::string temporary = temporary_name();
  Descriptor file(openat(descriptor_.number(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                         static_cast<mode_t>(mode)));
  if (!file.is_open()) return refused("create a file in", path_, errno);
  bool written = true;
  for (const BytesView piece : pieces) written = written && write_fully(file.number(), piece);
  // Some file systems report a full disk only when the file is closed.
  int reason = written ? 0 : errno;
  if (!file.close() && reason == 0) reason = errno;
  if (reason == 0 && renameat(descriptor_.number(), temporary.c_str(), descriptor_.number(), name.c_str()) != 0)
    reason = errno;
  if (reason != 0) {
    (void)unlinkat(descriptor_.number(), temporary.c_str(), 0);
    return refused("write", path_ / name, reason, reason == ENOSPC ? ": free some space" : "");
  }
  return {};
}

Result<bool> Directory::remove(const std::string& name) const {
  if (unlinkat(descriptor_.number(), name.c_str(), 0) != 0) {
    if (errno == ENOENT) return false;
    return refused("remove", path_ / name, errno);
  }
  return true;
}

Result<std::vector<Directory::Entry>> Directory::list() const {
  // A descriptor of its own: reading a directory moves the position of the open file description.
  Descriptor own(openat(descriptor_.number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own.is_open()) return refused("list", path_, errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(own.number()), closedir);
  if (stream == nullptr) return refused("list", path_, errno);
  const int directory = dirfd(stream.get());
  (void)own.release();  // closedir closes it from here on
  std::vector<Entry> entries;
  while (true) {
    errno = 0;
    const dirent* const entry = readdir(stream.get());
    if (entry == nullptr) {
      if (errno != 0) return refused("list", path_, errno);
      return entries;
    }
    const std::string_view name = entry->d_name;
    struct stat status{};
    if (name == "." || name == ".." || fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    entries.push_back({std::string(name), to_status(status)});
  }
}

Result<void> write_file(const std::filesystem::path& path, std::span<const BytesView> pieces, unsigned mode) {
  if (!path.has_filename())
    return fail(ErrorCode::kIo, fmt::format("cannot write \"{}\": it names no file", path.string()));
  auto directory = TRY(Directory::open(path.has_parent_path() ? path.parent_path() : "."));
  return directory.write(path.filename().string(), pieces, mode);
}

Result<void> make_private_directory(const std::filesystem::path& path) {
  if (mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST) return {};
  const int reason = errno;
  if (reason == ENOENT && path.has_parent_path() && path.parent_path() != path) {
    if (auto made = make_private_directory(path.parent_path()); !made) return made;
    if (mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST) return {};
    return refused("make the directory", path, errno);
  }
  return refused("make the directory", path, reason);
}

}  // namespace anew::os
