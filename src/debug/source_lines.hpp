// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From byte offsets in a module to lines of its source, as the module's DWARF has them: the custom section
// ".debug_line" and the strings in ".debug_str" and ".debug_line_str" (DWARF 2 to 5, chapter 6.2). An address in there
// is an offset in the payload of the code section ("DWARF for WebAssembly", chapter 3).
//
// The sections are whatever the module's author wrote. Reading goes over them once, reads nothing outside of them, and
// stops at what is malformed, or past the limits below: what was read until then holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wasm/module.hpp"

namespace anew::debug {

inline constexpr std::size_t kMaximumRows = 4 << 20;     ///< 12 bytes each; a large program has some hundred thousand
inline constexpr std::size_t kMaximumFiles = 256 << 10;  ///< 32 bytes each
inline constexpr std::size_t kMaximumPath = 1024;        ///< bytes of each part of a path; what is longer is cut

struct SourceLine {
  std::uint32_t file;  ///< a number for file()
  std::uint32_t line;  ///< from 1
  bool operator==(const SourceLine&) const = default;
};

/// Immutable; looks at the module's binary, which must outlive it.
class SourceLines {
 public:
  SourceLines() = default;
  explicit SourceLines(const wasm::Module& module, std::span<const std::byte> binary);

  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  [[nodiscard]] std::uint32_t files() const noexcept { return static_cast<std::uint32_t>(files_.size()); }  // limited
  /// The line that the byte at this offset in the module's binary was compiled from.
  [[nodiscard]] std::optional<SourceLine> find(std::uint64_t module_offset) const noexcept;
  /// The path of a file as the compiler wrote it: it may hold anything.
  [[nodiscard]] std::string file(std::uint32_t number) const;

 private:
  friend class LineReader;
  /// From here on, until the next row, code is of this line. One with `file` kNoFile ends a stretch.
  struct Row {
    std::uint32_t address;
    std::uint32_t file;
    std::uint32_t line;
  };
  static constexpr std::uint32_t kNoFile = UINT32_MAX;
  struct File {
    std::string_view directory;
    std::string_view name;
  };

  std::uint64_t code_offset_ = 0;  ///< of the code section's payload
  std::vector<Row> rows_;          ///< by address
  std::vector<File> files_;
};

}  // namespace anew::debug
