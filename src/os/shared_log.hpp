// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A file that other programs read while this one writes it, record by record.
#pragma once

#include <anew/error.hpp>
#include <anew/types.hpp>
#include <cstdint>
#include <filesystem>
#include <span>

#include "os/file.hpp"
#include "os/virtual_memory.hpp"

namespace anew::os {

class SharedLog {
 public:
  /// Makes the file, empty, or empties one of this user's. Follows no symbolic link: the place may be open to others.
  [[nodiscard]] static Result<SharedLog> create(const std::filesystem::path& path);
  /// Appends the pieces, one after the other.
  [[nodiscard]] Result<void> append(std::span<const BytesView> pieces);
  /// Maps the file's first page as if it were to be executed: a profiler of the system sees that, and so where the file
  /// is.
  [[nodiscard]] Result<void> show_to_profilers();

 private:
  SharedLog(Descriptor descriptor, std::filesystem::path path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}
  Descriptor descriptor_;
  std::filesystem::path path_;
  Mapping shown_;
};

/// Nanoseconds of the clock by which profilers of the system sort what they see.
[[nodiscard]] std::uint64_t profiler_clock() noexcept;
/// Of the current thread, as the system numbers them.
[[nodiscard]] std::uint32_t system_thread_id() noexcept;

}  // namespace anew::os
