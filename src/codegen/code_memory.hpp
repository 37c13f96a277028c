// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "codegen/image.hpp"
#include "os/virtual_memory.hpp"

namespace anew::codegen {

/// An image mapped for execution, with its table of entry addresses before it (see image.hpp). Immutable but for the
/// entries. Shared by all cells of a module.
class CodeMemory {
 public:
  /// Whether address space is kept behind the text for code that comes while the module runs: as much as the text
  /// takes, four times, and 1 MiB.
  enum class Spare : std::uint8_t { kNone, kKept };

  CodeMemory() = default;
  /// Copies the text to fresh memory and makes it executable.
  [[nodiscard]] static Result<CodeMemory> from_image(const ImageView& image);
  /// Maps the text from an open file; the caller checks the mapped bytes (text()) before it executes them.
  /// @param text_offset  in the file; a multiple of 4096.
  [[nodiscard]] static Result<CodeMemory> from_file(int file, std::uint64_t text_offset, std::uint64_t text_bytes,
                                                    std::uint64_t functions, Spare spare);
  /// Sets every entry to its function in the text, to the optimized one if there is one.
  void fill_entries(const ImageView& image) noexcept;

  // --- Code that comes while the module runs (Spare::kKept) ---

  /// How far from the start of the text code may come to lie.
  [[nodiscard]] std::uint64_t reach() const noexcept { return spare_end_; }
  /// Writable pages for at least so many bytes of code, behind all that there are. Nobody may run it until
  /// close_spare(), and what is opened next lies behind it only then. @return kLimit if there is no room left,
  /// kResource.
  [[nodiscard]] Result<std::span<std::byte>> open_spare(std::uint64_t bytes);
  /// Makes what open_spare() gave executable, for good. @return kResource.
  [[nodiscard]] Result<void> close_spare(std::span<std::byte> pages);
  /// Replaces a function, with calls in flight: those that begin from now on find the code at that offset in the text.
  void set_entry(std::uint32_t function, std::uint64_t offset) noexcept;

  [[nodiscard]] std::span<const std::byte> text() const noexcept { return {text_, text_bytes_}; }
  /// The text with the rest of its last page: all that is mapped executable.
  [[nodiscard]] std::span<const std::byte> text_pages() const noexcept;
  [[nodiscard]] void* const* entry(std::uint32_t function) const noexcept { return entries_ + function; }

 private:
  friend class CodeMemoryBuilder;
  /// Reserves room for entries and text; makes the entries writable.
  [[nodiscard]] static Result<CodeMemory> reserve(std::uint64_t text_bytes, std::uint64_t functions);
  [[nodiscard]] static constexpr std::uint64_t to_pages(std::uint64_t bytes) noexcept {
    return (bytes + os::kPageBytes - 1) / os::kPageBytes * os::kPageBytes;
  }
  [[nodiscard]] static constexpr std::uint64_t spare_bytes(std::uint64_t text_bytes, Spare spare) noexcept {
    // No text is larger than 2^32 bytes.
    return spare == Spare::kNone ? 0 : to_pages(4 * text_bytes + (1 << 20));
  }

  os::Mapping mapping_;
  void** entries_ = nullptr;
  const std::byte* text_ = nullptr;
  std::uint64_t text_bytes_ = 0;
  std::uint64_t spare_begin_ = 0;  ///< from the start of the text, whole pages: what no code has taken yet
  std::uint64_t spare_end_ = 0;
};

/// Text that is written piece by piece where it will be executed, so that there is never a second copy of it.
class CodeMemoryBuilder {
 public:
  /// Reserves address space. @param most_text_bytes  all pieces together, with what aligns them.
  [[nodiscard]] static Result<CodeMemoryBuilder> reserve(std::uint64_t most_text_bytes, std::uint64_t functions);
  /// Room for a piece, aligned as code is, with abi::kCodePadding before it. @return kLimit if it does not fit what was
  /// reserved, kResource. The room stays where it is.
  [[nodiscard]] Result<std::span<std::byte>> append(std::uint64_t bytes);
  [[nodiscard]] std::uint64_t text_bytes() const noexcept { return memory_.text_bytes_; }
  /// Makes the text executable; from then on nobody may write to it.
  [[nodiscard]] Result<CodeMemory> finish(CodeMemory::Spare spare) &&;

 private:
  CodeMemory memory_;
  std::uint64_t entries_bytes_ = 0;
  std::uint64_t reserved_ = 0;  ///< for the text, in whole pages
  std::uint64_t writable_ = 0;  ///< of these, from the first on
};

}  // namespace anew::codegen
