// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/shared_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "os/try.hpp"

namespace anew::os {
namespace {

constexpr mode_t kMode = 0600;

std::unexpected<Error> refused(const char* action, const std::filesystem::path& path, int reason) {
  return fail(ErrorCode::kIo, fmt::format("cannot {} {}: {}", action, path.string(), std::strerror(reason)));
}

}  // namespace

Result<SharedLog> SharedLog::create(const std::filesystem::path& path) {
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kMode));
  if (!file.is_open()) return refused("write", path, errno);
  struct stat status{};
  if (fstat(file.number(), &status) != 0) return refused("examine", path, errno);
  // One with another name may be a file of the user's that somebody linked to here.
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || status.st_nlink != 1)
    return fail(ErrorCode::kIo, fmt::format("cannot write {}: somebody else's file is in the way", path.string()));
  if (ftruncate(file.number(), 0) != 0) return refused("empty", path, errno);
  return SharedLog(std::move(file), path);
}

Result<void> SharedLog::append(std::span<const BytesView> pieces) {
  for (BytesView piece : pieces) {
    while (!piece.empty()) {
      const ssize_t put = write(descriptor_.number(), piece.data(), piece.size());
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return refused("write", path_, errno);
      piece = piece.subspan(static_cast<std::size_t>(put));  // positive by the test, and at most piece.size()
    }
  }
  return {};
}

Result<void> SharedLog::show_to_profilers() {
  shown_ = TRY(Mapping::reserve(kPageBytes));
  return map_file_over(shown_.data(), kPageBytes, descriptor_.number(), 0, Access::kReadExecute, Populate::kOnTouch);
}

std::uint64_t profiler_clock() noexcept {
  timespec now{};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);  // cannot fail: the clock and the pointer are good
  // Neither is negative.
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint32_t system_thread_id() noexcept { return static_cast<std::uint32_t>(gettid()); }  // never negative

}  // namespace anew::os
