// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/sandbox/files.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <limits>
#include <type_traits>

#include "os/try.hpp"

namespace anew::os {
namespace {

constexpr std::uint64_t kNanoseconds = 1'000'000'000;

static_assert(sizeof(Buffer) == sizeof(iovec) && offsetof(Buffer, data) == offsetof(iovec, iov_base) &&
              offsetof(Buffer, size) == offsetof(iovec, iov_len) && sizeof(std::size_t) == sizeof(iovec::iov_len));
/// The same memory under the system's name for it: two members of the same sizes at the same places.
const iovec* to_iovec(std::span<const Buffer> buffers) noexcept {
  return reinterpret_cast<const iovec*>(buffers.data());
}
int count_of(std::span<const Buffer> buffers) noexcept { return static_cast<int>(buffers.size()); }  // 1024 at most

/// The system takes offsets as signed numbers.
bool is_offset(std::uint64_t value) noexcept {
  return value <= static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
}

std::uint64_t nanoseconds_of(const timespec& time) noexcept {
  if (time.tv_sec < 0) return 0;
  const auto seconds = static_cast<std::uint64_t>(time.tv_sec);  // not negative
  constexpr std::uint64_t kMaximum = std::numeric_limits<std::uint64_t>::max() / kNanoseconds - 1;
  return seconds > kMaximum ? std::numeric_limits<std::uint64_t>::max()
                            : seconds * kNanoseconds + static_cast<std::uint64_t>(time.tv_nsec);
}

timespec to_timespec(NewTime time) noexcept {
  switch (time.what) {
    case NewTime::What::kKeep: return {0, UTIME_OMIT};
    case NewTime::What::kNow: return {0, UTIME_NOW};
    case NewTime::What::kGiven: break;
  }
  // Both fit: 2^64 nanoseconds are 2^35 seconds.
  return {static_cast<time_t>(time.nanoseconds / kNanoseconds), static_cast<long>(time.nanoseconds % kNanoseconds)};
}

NodeKind kind_of(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFBLK: return NodeKind::kBlockDevice;
    case S_IFCHR: return NodeKind::kCharacterDevice;
    case S_IFDIR: return NodeKind::kDirectory;
    case S_IFREG: return NodeKind::kRegular;
    case S_IFLNK: return NodeKind::kSymbolicLink;
    case S_IFIFO: return NodeKind::kPipe;
    case S_IFSOCK: return NodeKind::kStreamSocket;
    default: return NodeKind::kUnknown;
  }
}

NodeKind kind_of_entry(unsigned char type) noexcept {
  return kind_of(static_cast<mode_t>(type) << 12);  // as DTTOIF of the C library
}

NodeStatus to_status(const struct stat& status) noexcept {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .kind = kind_of(status.st_mode),
          .links = status.st_nlink,
          .bytes = static_cast<std::uint64_t>(status.st_size),  // never negative
          .accessed = nanoseconds_of(status.st_atim),
          .modified = nanoseconds_of(status.st_mtim),
          .changed = nanoseconds_of(status.st_ctim)};
}

/// While it lives, this thread gets no SIGPIPE: one that comes meanwhile is taken away again.
class WithoutPipeSignal {
 public:
  WithoutPipeSignal() noexcept {
    sigset_t pending;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigpending(&pending);
    // One that waits already is somebody else's.
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  WithoutPipeSignal(const WithoutPipeSignal&) = delete;
  WithoutPipeSignal& operator=(const WithoutPipeSignal&) = delete;
  ~WithoutPipeSignal() {
    const int error = errno;
    if (raised && !was_pending_) {
      const timespec at_once{};
      while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }
  bool raised = false;

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

/// As the kernel hands out entries: a header, and the name with a NUL behind it.
struct RawEntry {
  std::uint64_t inode;
  std::int64_t next;
  std::uint16_t bytes;
  unsigned char type;
};
constexpr std::size_t kNameOffset = 19;
static_assert(offsetof(RawEntry, type) + 1 == kNameOffset);

}  // namespace

SystemResult<Descriptor> duplicate(int descriptor) { return check_descriptor(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)); }

SystemResult<Descriptor> open_directory(const std::filesystem::path& path) {
  return check_descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

SystemResult<NodeStatus> status_of(int descriptor) {
  struct stat status;
  TRY(check(fstat(descriptor, &status)));
  NodeStatus node = to_status(status);
  int type = 0;
  socklen_t length = sizeof(type);
  if (node.kind == NodeKind::kStreamSocket && getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
      type == SOCK_DGRAM)
    node.kind = NodeKind::kDatagramSocket;
  return node;
}

SystemResult<std::uint64_t> read(int descriptor, std::span<const Buffer> buffers) {
  return check_count(readv(descriptor, to_iovec(buffers), count_of(buffers)));
}

SystemResult<std::uint64_t> read_at(int descriptor, std::span<const Buffer> buffers, std::uint64_t position) {
  if (!is_offset(position)) return fail_with(EINVAL);
  return check_count(preadv(descriptor, to_iovec(buffers), count_of(buffers), static_cast<off_t>(position)));
}

SystemResult<std::uint64_t> write(int descriptor, std::span<const Buffer> buffers, NodeKind kind) {
  if (kind == NodeKind::kRegular) return check_count(writev(descriptor, to_iovec(buffers), count_of(buffers)));
  WithoutPipeSignal guard;
  const ssize_t count = writev(descriptor, to_iovec(buffers), count_of(buffers));
  guard.raised = count < 0 && errno == EPIPE;
  return check_count(count);
}

SystemResult<std::uint64_t> write_at(int descriptor, std::span<const Buffer> buffers, std::uint64_t position) {
  if (!is_offset(position)) return fail_with(EINVAL);
  return check_count(pwritev(descriptor, to_iovec(buffers), count_of(buffers), static_cast<off_t>(position)));
}

SystemResult<std::uint64_t> append(int descriptor, std::span<const Buffer> buffers) {
  return check_count(pwritev2(descriptor, to_iovec(buffers), count_of(buffers), 0, RWF_APPEND));
}

SystemResult<std::uint64_t> seek(int descriptor, std::int64_t offset, Whence whence) {
  constexpr std::array<int, 3> kWhence = {SEEK_SET, SEEK_CUR, SEEK_END};
  return check_count(lseek(descriptor, offset, kWhence[static_cast<std::size_t>(whence)]));
}

SystemResult<void> advise(int descriptor, std::uint64_t position, std::uint64_t bytes, Advice advice) {
  constexpr std::array<int, 6> kAdvice = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                                          POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
  if (!is_offset(position) || !is_offset(bytes)) return fail_with(EINVAL);
  const int error = posix_fadvise(descriptor, static_cast<off_t>(position), static_cast<off_t>(bytes),
                                  kAdvice[static_cast<std::size_t>(advice)]);
  if (error != 0) return fail_with(error);
  return {};
}

SystemResult<void> allocate(int descriptor, std::uint64_t position, std::uint64_t bytes) {
  if (!is_offset(position) || !is_offset(bytes)) return fail_with(EINVAL);
  return check(fallocate(descriptor, 0, static_cast<off_t>(position), static_cast<off_t>(bytes)));
}

SystemResult<void> resize(int descriptor, std::uint64_t bytes) {
  if (!is_offset(bytes)) return fail_with(EINVAL);
  return check(ftruncate(descriptor, static_cast<off_t>(bytes)));
}

SystemResult<void> sync(int descriptor) { return check(fsync(descriptor)); }
SystemResult<void> sync_data(int descriptor) { return check(fdatasync(descriptor)); }

SystemResult<void> set_append(int descriptor, bool append) {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return fail_with(errno);
  return check(fcntl(descriptor, F_SETFL, append ? flags | O_APPEND : flags & ~O_APPEND));
}

SystemResult<void> set_times(int descriptor, NewTime accessed, NewTime modified) {
  const std::array<timespec, 2> times = {to_timespec(accessed), to_timespec(modified)};
  return check(futimens(descriptor, times.data()));
}

SystemResult<void> read_directory(int descriptor, std::uint64_t place, DirectoryReader& reader) {
  if (!is_offset(place)) return fail_with(EINVAL);
  if (lseek(descriptor, static_cast<off_t>(place), SEEK_SET) < 0) return fail_with(errno);
  alignas(RawEntry) std::array<std::byte, 16'384> bytes;
  while (reader.goes_on()) {
    const long count = syscall(SYS_getdents64, descriptor, bytes.data(), bytes.size());
    if (count < 0) return fail_with(errno);
    if (count == 0) return {};
    for (std::size_t at = 0; at < static_cast<std::size_t>(count);) {
      RawEntry entry;
      std::memcpy(&entry, &bytes[at], kNameOffset);
      // The kernel ends the name with a NUL, inside the entry.
      const std::string_view name(reinterpret_cast<const char*>(&bytes[at]) + kNameOffset);
      const DirectoryEntry each{.next = static_cast<std::uint64_t>(entry.next),
                                .inode = entry.inode,
                                .kind = kind_of_entry(entry.type),
                                .name = name};
      if (!reader.take(each)) return {};
      at += entry.bytes;
    }
  }
  return {};
}

SystemResult<NodeStatus> status_beneath(int directory, std::string_view path, LastLink last) {
  if (const auto opened = look_beneath(directory, path, last)) {
    if (!*opened) return std::unexpected(opened->error());
    return status_of((*opened)->number());
  }
  const bool has_slash = path.ends_with('/');
  const Place place = TRY(find_beneath(directory, path, has_slash ? LastLink::kFollow : last));
  const NodeStatus status = TRY(status_of(place));
  if (place.is_directory && status.kind != NodeKind::kDirectory) return fail_with(ENOTDIR);
  return status;
}

SystemResult<NodeStatus> status_of(const Place& place) {
  struct stat status;
  TRY(check(fstatat(place.parent(), place.name(), &status, AT_SYMLINK_NOFOLLOW)));
  return to_status(status);
}

SystemResult<void> set_times(const Place& place, NewTime accessed, NewTime modified) {
  const std::array<timespec, 2> times = {to_timespec(accessed), to_timespec(modified)};
  return check(utimensat(place.parent(), place.name(), times.data(), AT_SYMLINK_NOFOLLOW));
}

SystemResult<void> create_directory(const Place& place) { return check(mkdirat(place.parent(), place.name(), 0777)); }
SystemResult<void> remove_directory(const Place& place) {
  return check(unlinkat(place.parent(), place.name(), AT_REMOVEDIR));
}
SystemResult<void> remove_file(const Place& place) { return check(unlinkat(place.parent(), place.name(), 0)); }
SystemResult<void> rename(const Place& from, const Place& to) {
  return check(renameat(from.parent(), from.name(), to.parent(), to.name()));
}
SystemResult<void> link(const Place& from, const Place& to) {
  return check(linkat(from.parent(), from.name(), to.parent(), to.name(), 0));
}
SystemResult<void> create_symbolic_link(const char* target, const Place& place) {
  return check(symlinkat(target, place.parent(), place.name()));
}
SystemResult<std::uint64_t> read_symbolic_link(const Place& place, std::span<std::byte> target) {
  return check_count(
      readlinkat(place.parent(), place.name(), reinterpret_cast<char*>(target.data()), target.size()));  // bytes
}

}  // namespace anew::os
