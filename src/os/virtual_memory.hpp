// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Address space and pages. This folder is the only code that names an operating system.
#pragma once

#include <anew/error.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

namespace anew::os {

enum class Access : std::uint8_t { kNone, kRead, kReadWrite, kReadExecute };

inline constexpr std::uint64_t kPageBytes = 4096;  ///< x86-64's base page

/// A range of address space that is unmapped when the object goes.
class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  /// Reserves address space that cannot be accessed and costs no memory. @param bytes  a multiple of kPageBytes.
  /// @return kResource with the reason and what to do (vm.max_map_count, ulimit -v) if refused.
  [[nodiscard]] static Result<Mapping> reserve(std::uint64_t bytes);
  /// Maps all of an open file, shared and writable.
  [[nodiscard]] static Result<Mapping> of_shared_file(int file, std::uint64_t bytes);

  /// Gives the address space behind the first `bytes` back. @param bytes  a multiple of kPageBytes, more than 0 and at
  /// most size().
  void shrink(std::uint64_t bytes) noexcept;

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::uint64_t bytes_ = 0;
};

/// Changes the access to whole pages inside a Mapping. Async-signal-safe; allocates nothing. @return false if refused.
[[nodiscard]] bool protect(std::byte* begin, std::uint64_t bytes, Access access) noexcept;
/// Gives pages of private memory back: they read as zero afterwards, or as the file that is mapped there.
[[nodiscard]] bool discard(std::byte* begin, std::uint64_t bytes) noexcept;
enum class Populate : std::uint8_t {
  kNow,     ///< one call instead of a page fault every few pages, for what is about to be read whole
  kOnTouch  ///< page by page
};
/// Maps part of an open file privately over whole pages inside a Mapping.
[[nodiscard]] Result<void> map_file_over(std::byte* begin, std::uint64_t bytes, int file, std::uint64_t offset,
                                         Access access, Populate populate = Populate::kNow);

}  // namespace anew::os
