// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <cstdint>

#include "os/file.hpp"
#include "os/virtual_memory.hpp"

namespace anew::os {

/// A file without a name that lies in memory (memfd_create). What was never written takes no memory. It is filled
/// through its one writable mapping, then sealed: from then on nobody can change it, whatever he has of it, and it can
/// be mapped privately any number of times.
class MemoryFile {
 public:
  MemoryFile() = default;
  /// @param bytes  a multiple of kPageBytes, not 0. @return kResource, with the reason and what to do.
  [[nodiscard]] static Result<MemoryFile> create(std::uint64_t bytes);
  /// The writable mapping; empty once it is sealed.
  [[nodiscard]] std::byte* data() const noexcept { return writable_.data(); }
  /// Ends the writing. @return kResource if the system refuses.
  [[nodiscard]] Result<void> seal();
  /// A private, read-only mapping of the first `bytes` bytes, a multiple of kPageBytes.
  [[nodiscard]] Result<Mapping> map(std::uint64_t bytes) const;
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.number(); }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_.is_open(); }

 private:
  Descriptor descriptor_;
  Mapping writable_;
};

}  // namespace anew::os
