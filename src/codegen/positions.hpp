// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The map from machine code back to operators, a byte stream for each function. An entry covers the code from its
// offset to the next entry's. Only operators that can trap or call have entries, so it stays small and is read only
// after a trap. An entry is of LEB128 numbers:
//
//   the distance in code bytes from the last entry
//   twice the distance in module bytes (zigzag), and 1 more if the operator is in a function that was inlined
//   if so, how many functions are inlined there, at least 1, and of each, the innermost first: its index in the module
//   (imports included), and the module offset of the call in the next function outwards, in whose place it stands
//
// The last of these calls is in the function whose stream it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace anew::codegen {

/// A function that stands in place of a call.
struct InlinedFunction {
  std::uint32_t function;     ///< index, imports included
  std::uint64_t call_offset;  ///< of the call, in the module
  bool operator==(const InlinedFunction&) const = default;
};

class PositionWriter {
 public:
  /// @param out  the stream to append to; outlives the writer.
  explicit PositionWriter(std::vector<std::byte>& out) noexcept : out_(&out), first_(out.size()) {}

  /// @param code_offset    from the function's first byte; never less than at the call before.
  /// @param module_offset  below 2^61.
  /// @param inlined        the innermost first.
  void add(std::uint64_t code_offset, std::uint64_t module_offset, std::span<const InlinedFunction> inlined = {}) {
    put(code_offset - code_);
    // Two's complement: the difference modulo 2^64, then zigzag so that small distances of either sign are short.
    const std::uint64_t distance = module_offset - module_;
    const std::uint64_t zigzag = (distance << 1) ^ (0 - (distance >> 63));
    put(zigzag << 1 | (inlined.empty() ? 0 : 1));
    if (!inlined.empty()) put(inlined.size());
    for (const InlinedFunction& each : inlined) {
      put(each.function);
      put(each.call_offset);
    }
    code_ = code_offset;
    module_ = module_offset;
  }

  /// Says that the function's first byte lies so far behind the one that all offsets so far count from, none of which
  /// is before it. The number becomes less and keeps its length, padded with zeros as LEB128 allows.
  void begin_later(std::uint64_t bytes) noexcept {
    if (out_->size() == first_) return;
    code_ -= bytes;
    std::uint64_t distance = 0;
    std::size_t end = first_;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>((*out_)[end++]);
      distance |= (byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    distance -= bytes;
    for (std::size_t at = first_; at < end; ++at, distance >>= 7)
      (*out_)[at] = static_cast<std::byte>((distance & 0x7F) | (at + 1 < end ? 0x80 : 0));  // the low seven bits
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
  std::size_t first_;  ///< byte of the stream
  std::uint64_t code_ = 0;
  std::uint64_t module_ = 0;
};

/// Goes over the entries of a stream, whatever it holds; reads no byte outside of it.
class PositionReader {
 public:
  explicit PositionReader(std::span<const std::byte> stream) noexcept : stream_(stream) {}

  /// On to the next entry; the first, to begin with. @return false at the end.
  [[nodiscard]] bool next() noexcept {
    if (at_ == stream_.size()) return false;
    code_ += get();
    const std::uint64_t number = get();
    const std::uint64_t zigzag = number >> 1;
    module_ += (zigzag >> 1) ^ (0 - (zigzag & 1));
    inlined_ = (number & 1) != 0 ? get() : 0;
    first_inlined_ = at_;
    for (std::uint64_t i = 0; i < inlined_ && at_ < stream_.size(); ++i) {
      (void)get();
      (void)get();
    }
    return true;
  }
  [[nodiscard]] std::uint64_t code_offset() const noexcept { return code_; }
  [[nodiscard]] std::uint64_t module_offset() const noexcept { return module_; }
  /// Calls `visit` with each InlinedFunction of the entry, the innermost first.
  template <typename Visit>
  void for_each_inlined(Visit&& visit) const {
    PositionReader reader(stream_);
    reader.at_ = first_inlined_;
    for (std::uint64_t i = 0; i < inlined_ && reader.at_ < stream_.size(); ++i) {
      const auto function = static_cast<std::uint32_t>(reader.get());  // an index, as it was written
      visit(InlinedFunction{function, reader.get()});
    }
  }

 private:
  std::uint64_t get() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; at_ < stream_.size() && shift < 64; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(stream_[at_++]);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
  std::span<const std::byte> stream_;
  std::size_t at_ = 0;
  std::uint64_t code_ = 0;
  std::uint64_t module_ = 0;
  std::uint64_t inlined_ = 0;  ///< of the entry
  std::size_t first_inlined_ = 0;
};

/// @return the last entry at or before `code_offset`; nothing if there is none. Reads no byte outside `stream`,
/// whatever it holds.
[[nodiscard]] inline std::optional<PositionReader> find_in_positions(std::span<const std::byte> stream,
                                                                     std::uint64_t code_offset) noexcept {
  std::optional<PositionReader> found;
  for (PositionReader reader(stream); reader.next() && reader.code_offset() <= code_offset;) found = reader;
  return found;
}

}  // namespace anew::codegen
