// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bytes and LEB128 integers (specification, 5.2), read one after the other from untrusted input.
//
// Every read returns false once something is wrong and then leaves the reason in error(); nothing is ever read past
// the end. What is read most, an integer of one byte, is inline; all the rest is in reader.cpp.
//
// The reader also knows which proposals are accepted, and notes which of them what was read needs: decoder and
// validator say so where a proposal shows, and the reader does where it shows in a type.
#pragma once

#include <anew/features.hpp>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "wasm/module.hpp"

namespace anew::wasm {

class Reader {
 public:
  Reader() = default;
  /// @param bytes   what to read; must outlive the reader.
  /// @param offset    of bytes[0] in the module's binary, for messages.
  /// @param accepted  Module::accepted.
  explicit Reader(BytesView bytes, std::uint64_t offset = 0, Features accepted = Features::all())
      : begin_(bytes.data()),
        position_(bytes.data()),
        end_(bytes.data() + bytes.size()),
        origin_(offset),
        accepted_(accepted) {}

  /// The offset in the module's binary of the byte to be read next.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_of(position_); }
  [[nodiscard]] std::uint64_t offset_of(const std::byte* position) const noexcept {
    return origin_ + static_cast<std::uint64_t>(position - begin_);  // never negative: position_ only moves forward
  }
  [[nodiscard]] const std::byte* position() const noexcept { return position_; }
  [[nodiscard]] std::size_t remaining() const noexcept {
    return static_cast<std::size_t>(end_ - position_);  // never negative, as above
  }
  [[nodiscard]] bool at_end() const noexcept { return position_ == end_; }
  /// Whether the next byte is this one.
  [[nodiscard]] bool is_next(std::uint8_t value) const noexcept {
    return position_ != end_ && *position_ == std::byte{value};
  }

  /// Notes what is needed. @return whether all of it is accepted.
  [[nodiscard]] bool accepts(Features needs) noexcept {
    needs_ = needs_.with(needs);
    return accepted_.has_all(needs);
  }
  /// The same of one proposal, with an error if it is not accepted. @param what  needs it, such as "a second memory".
  [[nodiscard]] bool needs(Feature proposal, std::uint64_t at, std::string_view what) {
    return accepts(proposal) || fail_proposal(proposal, at, what);
  }
  /// All that was needed so far.
  [[nodiscard]] Features features() const noexcept { return needs_; }
  [[nodiscard, gnu::cold]] bool fail_proposal(Feature proposal, std::uint64_t at, std::string_view what);

  [[nodiscard]] bool byte(std::uint8_t& value) {
    if (position_ == end_) [[unlikely]]
      return fail_unexpected_end();
    value = std::to_integer<std::uint8_t>(*position_++);
    return true;
  }

  [[nodiscard]] bool u32(std::uint32_t& value) {
    if (position_ != end_) [[likely]] {
      const auto first = std::to_integer<std::uint32_t>(*position_);
      if (first < 0x80) [[likely]] {
        ++position_;
        value = first;
        return true;
      }
    }
    std::uint64_t wide = 0;
    if (!unsigned_slow(32, wide)) return false;
    value = static_cast<std::uint32_t>(wide);  // unsigned_slow checked the range
    return true;
  }
  /// Of more bytes than an integer of 32 bits may have it needs memory64, which wide_integers_accepted() looks at.
  [[nodiscard]] bool u64(std::uint64_t& value) {
    if (position_ != end_) [[likely]] {
      const auto first = std::to_integer<std::uint64_t>(*position_);
      if (first < 0x80) [[likely]] {
        ++position_;
        value = first;
        return true;
      }
    }
    return unsigned_slow(64, value);
  }

  /// To be asked once behind what was read: u64 is read for each access to memory.
  [[nodiscard]] bool wide_integers_accepted() {
    return wide_ == nullptr || needs(Feature::kMemory64, offset_of(wide_), "an integer of more than 5 bytes");
  }

  /// Signed integers are handed out as the bits of their two's complement, the form that a slot holds.
  [[nodiscard]] bool s32(std::uint32_t& bits) {
    std::int64_t value = 0;
    if (!signed_integer(32, value)) return false;
    bits = static_cast<std::uint32_t>(value);  // the low half is the value: signed_integer checked the range
    return true;
  }
  [[nodiscard]] bool s33(std::int64_t& value) { return signed_integer(33, value); }
  [[nodiscard]] bool s64(std::uint64_t& bits) {
    std::int64_t value = 0;
    if (!signed_integer(64, value)) return false;
    bits = static_cast<std::uint64_t>(value);  // same bits
    return true;
  }

  /// Little-endian words of a fixed size, the bits of an f32 or f64.
  [[nodiscard]] bool fixed32(std::uint32_t& bits);
  [[nodiscard]] bool fixed64(std::uint64_t& bits);

  /// The next `size` bytes, as a view.
  [[nodiscard]] bool bytes(std::uint64_t size, BytesView& view);
  /// A vector's length (5.1.3). Each entry takes one byte at least, so a count past the bytes left is malformed: after
  /// this check it is safe to reserve memory for `count` entries.
  /// @param limit  refused with kLimit above it; `what` names the entries in the message.
  [[nodiscard]] bool count(std::uint32_t limit, std::string_view what, std::uint32_t& count);
  /// A name (5.2.4), checked to be UTF-8; a view into the binary.
  [[nodiscard]] ANEW_DETAIL_API bool name(std::string_view& view);

  /// Types (5.3). @param canonical  Module::canonical_types: the function types that a reference may name, and the
  /// indices by which the type read names them.
  using CanonicalTypes = std::span<const std::uint32_t>;
  [[nodiscard]] bool value_type(CanonicalTypes canonical, ValueType& type);
  [[nodiscard]] bool reference_type(CanonicalTypes canonical, ValueType& type);
  /// @param type  the type of nullable references to what the heap type says.
  [[nodiscard]] bool heap_type(CanonicalTypes canonical, ValueType& type);

  /// A byte that the specification reserves.
  [[nodiscard]] bool zero_byte();

  /// Records what is wrong. Always false, so that a caller can return it.
  [[nodiscard, gnu::cold]] bool fail(ErrorCode code, std::uint64_t offset, std::string message);
  [[nodiscard, gnu::cold]] bool fail(Error error) {
    error_ = std::move(error);
    return false;
  }
  /// The reason of the last false.
  [[nodiscard]] Error take_error() { return std::move(error_); }

 private:
  [[nodiscard]] bool signed_integer(unsigned width, std::int64_t& value) {
    if (position_ != end_) [[likely]] {
      const auto first = std::to_integer<std::uint64_t>(*position_);
      if (first < 0x80) [[likely]] {
        ++position_;
        value = std::bit_cast<std::int64_t>(first << 57) >> 57;  // bit 6 is the sign
        return true;
      }
    }
    return signed_slow(width, value);
  }
  [[nodiscard]] bool unsigned_slow(unsigned width, std::uint64_t& value);
  [[nodiscard]] bool signed_slow(unsigned width, std::int64_t& value);
  [[nodiscard, gnu::cold]] bool fail_unexpected_end();
  [[nodiscard]] bool reference(CanonicalTypes canonical, std::string_view expected, ValueType& type);
  /// An abstract heap type by what it needs besides the proposal that lets references be written where it stands.
  [[nodiscard]] bool abstract_type(std::uint64_t at, ValueType type);
  [[nodiscard, gnu::cold]] bool fail_type(std::uint64_t at, std::uint8_t code, std::string_view expected);

  const std::byte* begin_ = nullptr;
  const std::byte* position_ = nullptr;
  const std::byte* end_ = nullptr;
  const std::byte* wide_ = nullptr;  ///< the first u64 that was too long for 32 bits
  std::uint64_t origin_ = 0;
  Features accepted_ = Features::all();
  Features needs_;
  Error error_;
};

/// Of the character that the text begins with, in bytes; 0 if it is none, or the text is empty.
[[nodiscard]] std::size_t utf8_length(std::string_view text) noexcept;
/// Whether the bytes are well-formed UTF-8 (Unicode, table 3-7: no surrogates, nothing overlong or past U+10FFFF).
[[nodiscard]] ANEW_DETAIL_API bool is_utf8(std::string_view text) noexcept;

}  // namespace anew::wasm
