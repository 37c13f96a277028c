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
  CodeMemory() = default;
  /// Copies the text to fresh memory and makes it executable.
  [[nodiscard]] static Result<CodeMemory> from_image(const ImageView& image);
  /// Maps the text from an open file; the caller checks the mapped bytes (text()) before it executes them.
  /// @param text_offset  in the file; a multiple of 4096.
  [[nodiscard]] static Result<CodeMemory> from_file(int file, std::uint64_t text_offset, std::uint64_t text_bytes,
                                                    std::uint64_t functions);
  /// Sets every entry to its function in the text.
  void fill_entries(std::span<const std::uint32_t> functions) noexcept;

  [[nodiscard]] std::span<const std::byte> text() const noexcept { return {text_, text_bytes_}; }
  /// The text with the rest of its last page: all that is mapped executable.
  [[nodiscard]] std::span<const std::byte> text_pages() const noexcept;
  [[nodiscard]] void* const* entry(std::uint32_t function) const noexcept { return entries_ + function; }

 private:
  friend class CodeMemoryBuilder;
  /// Reserves room for entries and text; makes the entries writable.
  [[nodiscard]] static Result<CodeMemory> reserve(std::uint64_t text_bytes, std::uint64_t functions);

  os::Mapping mapping_;
  void** entries_ = nullptr;
  const std::byte* text_ = nullptr;
  std::uint64_t text_bytes_ = 0;
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
  [[nodiscard]] Result<CodeMemory> finish() &&;

 private:
  CodeMemory memory_;
  std::uint64_t entries_bytes_ = 0;
  std::uint64_t reserved_ = 0;  ///< for the text, in whole pages
  std::uint64_t writable_ = 0;  ///< of these, from the first on
};

}  // namespace anew::codegen
