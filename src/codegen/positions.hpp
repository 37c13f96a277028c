// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The map from machine code back to operators, a byte stream for each function. An entry covers the code from its
// offset to the next entry's. Only operators that can trap or call have entries, so it stays small and is read only
// after a trap. An entry is of LEB128 numbers:
//
//   the distance in code bytes from the last entry
//   twice the distance in module bytes (zigzag), and 1 more if there is something to note
//   the notes, if so: kKeepsCell, and in further bits what more there is to say, whose own numbers would follow
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace anew::codegen {

/// A note: the entry is a call's whose frame keeps the cell pointer until the call has returned (FrameLayout).
inline constexpr std::uint64_t kKeepsCell = 1;

class PositionWriter {
 public:
  /// @param out  the stream to append to; outlives the writer.
  explicit PositionWriter(std::vector<std::byte>& out) noexcept : out_(&out) {}

  /// @param code_offset    from the function's first byte; never less than at the call before.
  /// @param module_offset  below 2^61.
  void add(std::uint64_t code_offset, std::uint64_t module_offset, std::uint64_t notes = 0) {
    put(code_offset - code_);
    // Two's complement: the difference modulo 2^64, then zigzag so that small distances of either sign are short.
    const std::uint64_t distance = module_offset - module_;
    const std::uint64_t zigzag = (distance << 1) ^ (0 - (distance >> 63));
    put(zigzag << 1 | (notes != 0 ? 1 : 0));
    if (notes != 0) put(notes);
    code_ = code_offset;
    module_ = module_offset;
  }

 private:
  void put(std::uint64_t value) {
    while (value >= 0x80) {
      out_->push_back(static_cast<std::byte>(value | 0x80));  // the low seven bits and the continuation bit
      value >>= 7;
    }
    out_->push_back(static_cast<std::byte>(value));
  }
  std::vector<std::byte>* out_;
  std::uint64_t code_ = 0;
  std::uint64_t module_ = 0;
};

struct FoundPosition {
  std::uint64_t module_offset = 0;
  std::uint64_t notes = 0;
  bool operator==(const FoundPosition&) const = default;
};

/// @return the last entry at or before `code_offset`; zeros if there is none. Reads no byte outside `stream`, whatever
/// it holds.
[[nodiscard]] inline FoundPosition find_in_positions(std::span<const std::byte> stream,
                                                     std::uint64_t code_offset) noexcept {
  std::size_t at = 0;
  auto get = [&]() -> std::uint64_t {
    std::uint64_t value = 0;
    for (unsigned shift = 0; at < stream.size() && shift < 64; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(stream[at++]);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  std::uint64_t code = 0;
  std::uint64_t module_offset = 0;
  FoundPosition found;
  while (at < stream.size()) {
    code += get();
    const std::uint64_t number = get();
    const std::uint64_t zigzag = number >> 1;
    module_offset += (zigzag >> 1) ^ (0 - (zigzag & 1));
    const std::uint64_t notes = (number & 1) != 0 ? get() : 0;
    if (code > code_offset) break;
    found = {module_offset, notes};
  }
  return found;
}

}  // namespace anew::codegen
