// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "os/memory_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/try.hpp"

namespace anew::os {
namespace {

std::unexpected<Error> refused(const char* what, std::uint64_t bytes) {
  const int reason = errno;
  return fail(ErrorCode::kResource,
              fmt::format("cannot {} a file of {} bytes in memory: {}{}", what, bytes, std::strerror(reason),
                          reason == EMFILE ? "; raise the limit on open files (ulimit -n), or keep fewer pools" : ""));
}

}  // namespace

Result<MemoryFile> MemoryFile::create(std::uint64_t bytes) {
  MemoryFile file;
  file.descriptor_ = Descriptor(memfd_create("anew-image", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.is_open()) return refused("make", bytes);
  // The callers' sizes are at most those of a memory, so they fit in an off_t.
  if (ftruncate(file.descriptor(), static_cast<off_t>(bytes)) != 0) return refused("size", bytes);
  auto writable = TRY(Mapping::of_shared_file(file.descriptor(), bytes));
  file.writable_ = std::move(writable);
  return file;
}

Result<void> MemoryFile::seal() {
  const std::uint64_t bytes = writable_.size();
  writable_ = Mapping();  // a file with a writable mapping cannot be sealed
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (fcntl(descriptor(), F_ADD_SEALS, kSeals) != 0) return refused("seal", bytes);
  return {};
}

Result<Mapping> MemoryFile::map(std::uint64_t bytes) const {
  auto mapping = Mapping::reserve(bytes);
  if (!mapping) return mapping;
  // On touch: the file may be sparse, and reading a hole would fill it.
  TRY(map_file_over(mapping->data(), bytes, descriptor(), 0, Access::kRead, Populate::kOnTouch));
  return mapping;
}

}  // namespace anew::os
