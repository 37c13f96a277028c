// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/virtual_memory.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

namespace anew::os {
namespace {

int protection(Access access) noexcept {
  switch (access) {
    case Access::kNone: return PROT_NONE;
    case Access::kRead: return PROT_READ;
    case Access::kReadWrite: return PROT_READ | PROT_WRITE;
    case Access::kReadExecute: return PROT_READ | PROT_EXEC;
  }
  return PROT_NONE;
}

std::uint64_t count_own_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::uint64_t count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

/// The limits that make the kernel answer ENOMEM for address space, and which of them it was as far as can be told.
std::string explain_no_memory() {
  std::uint64_t most_mappings = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> most_mappings;
  const std::uint64_t mappings = count_own_mappings();
  if (most_mappings != 0 && mappings + 2 >= most_mappings) {
    return fmt::format(
        "the process has {} mappings and vm.max_map_count allows {}: raise it with `sysctl -w vm.max_map_count=N`, or "
        "keep fewer instances",
        mappings, most_mappings);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    return fmt::format(
        "RLIMIT_AS allows this process {} MiB of address space: lift it with `ulimit -v unlimited`, or keep fewer "
        "instances",
        limit.rlim_cur >> 20);
  }
  return fmt::format(
      "neither vm.max_map_count ({} of {} mappings in use) nor RLIMIT_AS (none) explains it: the machine is out of "
      "memory or the 47 bits of address space are used up; keep fewer instances",
      mappings, most_mappings);
}

std::unexpected<Error> mapping_refused(int reason, std::uint64_t bytes, const char* what) {
  return fail(ErrorCode::kResource,
              fmt::format("cannot {} {} bytes of address space: {}{}{}", what, bytes, std::strerror(reason),
                          reason == ENOMEM ? "; " : "", reason == ENOMEM ? explain_no_memory() : ""));
}

}  // namespace

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

Result<Mapping> Mapping::reserve(std::uint64_t bytes) {
  // MAP_NORESERVE: most of a reservation is never touched, and must not count against the commit limit.
  void* const base = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return mapping_refused(errno, bytes, "reserve");
  // Where transparent huge pages are set to "always", the first touch of a page would clear 2 MiB. Fails only where
  // the kernel has none.
  (void)madvise(base, bytes, MADV_NOHUGEPAGE);
  Mapping mapping;
  mapping.data_ = static_cast<std::byte*>(base);
  mapping.bytes_ = bytes;
  return mapping;
}

Result<Mapping> Mapping::of_shared_file(int file, std::uint64_t bytes) {
  void* const base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (base == MAP_FAILED) return mapping_refused(errno, bytes, "map a file of");
  Mapping mapping;
  mapping.data_ = static_cast<std::byte*>(base);
  mapping.bytes_ = bytes;
  return mapping;
}

void Mapping::shrink(std::uint64_t bytes) noexcept {
  // Unmapping an end splits no mapping, so it cannot fail for want of one; were it to, the destructor would do it.
  if (bytes < bytes_ && munmap(data_ + bytes, bytes_ - bytes) == 0) bytes_ = bytes;
}

bool protect(std::byte* begin, std::uint64_t bytes, Access access) noexcept {
  return mprotect(begin, bytes, protection(access)) == 0;
}

bool discard(std::byte* begin, std::uint64_t bytes) noexcept { return madvise(begin, bytes, MADV_DONTNEED) == 0; }

Result<void> map_file_over(std::byte* begin, std::uint64_t bytes, int file, std::uint64_t offset, Access access,
                           Populate populate) {
  // MAP_FIXED replaces what is mapped there: by contract pages inside a Mapping, so nothing of anybody else's.
  const int flags = MAP_PRIVATE | MAP_FIXED | (populate == Populate::kNow ? MAP_POPULATE : 0);
  void* const base = mmap(begin, bytes, protection(access), flags, file, static_cast<off_t>(offset));
  if (base == MAP_FAILED) return mapping_refused(errno, bytes, "map a file over");
  return {};
}

}  // namespace anew::os
