// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The stretches of guest memory that a read or write is for (`iovec_array`), so that bytes go straight between them and
// the system.
#pragma once

#include <anew/memory_view.hpp>
#include <array>
#include <cstdint>
#include <span>

#include "host/wasi/errno.hpp"
#include "os/sandbox/system_result.hpp"

namespace anew::wasi::detail {

/// Up to 1024 of them, as POSIX has it, and 2 GiB together: what is behind that is left for the guest's next call.
class GuestBuffers {
 public:
  GuestBuffers() = default;
  GuestBuffers(const GuestBuffers&) = delete;
  GuestBuffers& operator=(const GuestBuffers&) = delete;

  /// Reads the list at an address. Nothing is marked as written. @return kInval for more than 1024, kFault if the list
  /// or one of them is not inside the memory.
  [[nodiscard]] Outcome<void> load(const MemoryView& memory, std::uint32_t address, std::uint32_t count);
  /// Those that are not empty.
  [[nodiscard]] std::span<const os::Buffer> all() const noexcept {
    return std::span(buffers_).subspan(first_, count_ - first_);
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// Leaves out what is behind the first bytes.
  void limit(std::uint64_t bytes) noexcept;
  /// Leaves out the first bytes.
  void skip(std::uint64_t bytes) noexcept;
  /// Marks the first bytes in the memory as written: they were, just now, or are about to be.
  void mark(MemoryView& memory, std::uint64_t bytes) const;

 private:
  static constexpr std::uint32_t kMaximum = 1024;
  std::array<os::Buffer, kMaximum> buffers_;  // not set before load(): it is large
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace anew::wasi::detail
