// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/reader.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <utility>

#include "wasm/limits.hpp"

namespace anew::wasm {
namespace {

// What announces a heap type in full: the other reference types are short for one of them.
constexpr std::uint8_t kNullableReference = 0x63;
constexpr std::uint8_t kReference = 0x64;

// Heap types that stand for themselves, not for a type of the module. Structures, arrays and i31 are not among them.
bool is_abstract(std::uint8_t code) {
  switch (static_cast<ValueType>(code)) {  // what is no enumerator ends in `default`
    case ValueType::kFuncRef:
    case ValueType::kExternRef:
    case ValueType::kExnRef:
    case ValueType::kAnyRef:
    case ValueType::kEqRef:
    case ValueType::kNullFuncRef:
    case ValueType::kNullExternRef:
    case ValueType::kNullExnRef:
    case ValueType::kNullRef: return true;
    default: return false;
  }
}

}  // namespace

bool Reader::fail(ErrorCode code, std::uint64_t offset, std::string message) {
  error_ = Error{code, std::move(message), offset, TrapKind::kNone, {}};
  return false;
}

bool Reader::fail_unexpected_end() {
  return fail(ErrorCode::kMalformed, offset_of(end_), "unexpected end of section or function");
}

bool Reader::fail_proposal(Feature proposal, std::uint64_t at, std::string_view what) {
  return fail(ErrorCode::kUnsupported, at,
              fmt::format("{} needs the proposal {}, which this engine does not accept: add it to "
                          "EngineOptions::features (--features)",
                          what, to_string(proposal)));
}

bool Reader::unsigned_slow(unsigned width, std::uint64_t& value) {
  constexpr unsigned kBitsOf5Bytes = 35;
  const std::byte* const first = position_;
  const std::uint64_t start = offset();
  std::uint64_t result = 0;
  for (unsigned shift = 0; shift < width; shift += 7) {
    std::uint8_t next = 0;
    if (!byte(next)) return false;
    const unsigned used = width - shift;  // bits of this byte that belong to the integer, if it is the last possible
    if (used < 7) {
      if ((next & 0x80) != 0) break;
      if (next >> used != 0)
        return fail(ErrorCode::kMalformed, start, fmt::format("integer too large: more than {} bits", width));
    }
    result |= static_cast<std::uint64_t>(next & 0x7F) << shift;  // an int after promotion, and not negative
    if ((next & 0x80) == 0) {
      if (shift >= kBitsOf5Bytes && wide_ == nullptr) wide_ = first;
      value = result;
      return true;
    }
  }
  return fail(ErrorCode::kMalformed, start, "integer representation too long");
}

bool Reader::signed_slow(unsigned width, std::int64_t& value) {
  const std::uint64_t start = offset();
  std::uint64_t result = 0;
  for (unsigned shift = 0; shift < width; shift += 7) {
    std::uint8_t next = 0;
    if (!byte(next)) return false;
    result |= static_cast<std::uint64_t>(next & 0x7F) << shift;  // an int after promotion, and not negative
    const unsigned used = width - shift;  // bits of this byte that belong to the integer, if it is the last possible
    if (used <= 7) {
      if ((next & 0x80) != 0) break;
      // The sign bit and all the unused bits above it must agree.
      const unsigned top = (next & 0x7Fu) >> (used - 1);
      if (top != 0 && top != 0x7Fu >> (used - 1))
        return fail(ErrorCode::kMalformed, start, fmt::format("integer too large: more than {} bits", width));
    }
    if ((next & 0x80) == 0) {
      const unsigned unused = shift + 7 < 64 ? 64 - (shift + 7) : 0;
      value = std::bit_cast<std::int64_t>(result << unused) >> unused;
      return true;
    }
  }
  return fail(ErrorCode::kMalformed, start, "integer representation too long");
}

bool Reader::fixed32(std::uint32_t& bits) {
  BytesView view;
  if (!bytes(4, view)) return false;
  bits = 0;
  for (unsigned i = 0; i < 4; ++i) bits |= std::to_integer<std::uint32_t>(view[i]) << (8 * i);
  return true;
}

bool Reader::fixed64(std::uint64_t& bits) {
  BytesView view;
  if (!bytes(8, view)) return false;
  bits = 0;
  for (unsigned i = 0; i < 8; ++i) bits |= std::to_integer<std::uint64_t>(view[i]) << (8 * i);
  return true;
}

bool Reader::bytes(std::uint64_t size, BytesView& view) {
  if (size > remaining()) {
    return fail(ErrorCode::kMalformed, offset(),
                fmt::format("unexpected end of section or function: length out of bounds, {} bytes are announced and "
                            "{} are left",
                            size, remaining()));
  }
  view = BytesView(position_, static_cast<std::size_t>(size));  // fits: it is not more than remaining()
  position_ += size;
  return true;
}

bool Reader::count(std::uint32_t limit, std::string_view what, std::uint32_t& count) {
  const std::uint64_t start = offset();
  if (!u32(count)) return false;
  if (count > remaining()) {
    return fail(
        ErrorCode::kMalformed, start,
        fmt::format(
            "unexpected end of section or function: length out of bounds, {} {} are announced and {} bytes are left",
            count, what, remaining()));
  }
  if (count > limit)
    return fail(ErrorCode::kLimit, start, fmt::format("too many {}: {}, the limit is {}", what, count, limit));
  return true;
}

bool Reader::name(std::string_view& view) {
  std::uint32_t size = 0;
  BytesView text;
  if (!u32(size)) return false;
  const std::uint64_t start = offset();
  if (!bytes(size, text)) return false;
  // Reading std::byte objects as char is what char may alias.
  view = std::string_view(reinterpret_cast<const char*>(text.data()), text.size());
  if (!is_utf8(view)) return fail(ErrorCode::kMalformed, start, "malformed UTF-8 encoding");
  return true;
}

bool Reader::value_type(CanonicalTypes canonical, ValueType& type) {
  if (position_ != end_) {
    const auto code = static_cast<ValueType>(*position_);  // checked at once
    switch (code) {
      case ValueType::kI32:
      case ValueType::kI64:
      case ValueType::kF32:
      case ValueType::kF64:
        ++position_;
        type = code;
        return true;
      case ValueType::kV128:
        ++position_;
        type = code;
        return needs(Feature::kSimd, offset() - 1, "the type v128");
      default: break;
    }
  }
  const std::uint64_t start = offset();
  return reference(canonical, "value", type) && needs(Feature::kReferenceTypes, start, "a reference as a value");
}

bool Reader::reference_type(CanonicalTypes canonical, ValueType& type) {
  return reference(canonical, "reference", type);
}

bool Reader::reference(CanonicalTypes canonical, std::string_view expected, ValueType& type) {
  const std::uint64_t start = offset();
  std::uint8_t code = 0;
  if (!byte(code)) return false;
  if (code == kReference || code == kNullableReference) {
    if (!heap_type(canonical, type)) return false;
    type = code == kReference ? non_null(type) : type;
    return needs(Feature::kFunctionReferences, start, "a reference type that names its heap type");
  }
  type = static_cast<ValueType>(code);  // checked at once
  return is_abstract(code) ? abstract_type(start, type) : fail_type(start, code, expected);
}

bool Reader::abstract_type(std::uint64_t at, ValueType type) {
  const auto type_needs = [&](Feature proposal) {
    return accepts(proposal) || fail_proposal(proposal, at, fmt::format("the type {}", to_string(type)));
  };
  switch (type) {
    case ValueType::kFuncRef: return true;  // what tables have held from the first
    case ValueType::kExternRef: return type_needs(Feature::kReferenceTypes);
    case ValueType::kExnRef: return type_needs(Feature::kExceptions);
    case ValueType::kNullExnRef: return type_needs(Feature::kExceptions) && type_needs(Feature::kGc);
    default: return type_needs(Feature::kGc);
  }
}

bool Reader::heap_type(CanonicalTypes canonical, ValueType& type) {
  const std::uint64_t start = offset();
  if (position_ != end_) {
    const auto code = std::to_integer<std::uint8_t>(*position_);
    if (is_abstract(code)) {
      ++position_;
      type = static_cast<ValueType>(code);  // one of its enumerators
      return abstract_type(start, type);
    }
    if (code >= 0x40 && code < 0x80)  // a negative integer
      return fail_type(start, code, "heap");
  }
  std::int64_t index = 0;
  if (!s33(index)) return false;
  if (index < 0) return fail(ErrorCode::kMalformed, start, "malformed heap type: negative type index");
  const auto at = static_cast<std::uint64_t>(index);  // not negative
  if (at >= canonical.size()) return fail(ErrorCode::kInvalid, start, fmt::format("unknown type {}", at));
  type = typed_reference(canonical[at], true);
  return needs(Feature::kFunctionReferences, start, "a heap type of the module's own");
}

bool Reader::zero_byte() {
  const std::uint64_t start = offset();
  std::uint8_t value = 0;
  if (!byte(value)) return false;
  return value == 0 || fail(ErrorCode::kMalformed, start, "zero byte expected");
}

bool Reader::fail_type(std::uint64_t at, std::uint8_t code, std::string_view expected) {
  if (code >= 0x6A && code <= 0x6C) {
    constexpr std::array<std::string_view, 3> kNames = {"arrays", "structures", "i31"};
    return fail(
        ErrorCode::kUnsupported, at,
        fmt::format("not supported yet: garbage-collected types, {} (type 0x{:02X})", kNames[code - 0x6A], code));
  }
  return fail(ErrorCode::kMalformed, at, fmt::format("malformed {} type: 0x{:02X}", expected, code));
}

std::size_t utf8_length(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto lead = static_cast<unsigned char>(text[0]);  // char may be signed
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned char lowest = 0x80;  // of the second byte; what follows is 80 to BF always
  unsigned char highest = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    lowest = lead == 0xE0 ? 0xA0 : 0x80;
    highest = lead == 0xED ? 0x9F : 0xBF;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    lowest = lead == 0xF0 ? 0x90 : 0x80;
    highest = lead == 0xF4 ? 0x8F : 0xBF;
  }
  if (text.size() < length) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    const auto next = static_cast<unsigned char>(text[k]);  // char may be signed
    if (next < lowest || next > highest) return 0;
    lowest = 0x80;
    highest = 0xBF;
  }
  return length;
}

bool is_utf8(std::string_view text) noexcept {
  constexpr std::uint64_t kNotAscii = 0x8080'8080'8080'8080;
  while (!text.empty()) {
    // Most text is ASCII, and long.
    for (std::uint64_t word = 0; text.size() >= sizeof word; text.remove_prefix(sizeof word)) {
      std::memcpy(&word, text.data(), sizeof word);
      if ((word & kNotAscii) != 0) break;
    }
    if (text.empty()) return true;
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace anew::wasm
