// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "wasm/reader.hpp"

#include <fmt/format.h>

#include <utility>

#include "wasm/limits.hpp"

namespace anew::wasm {

bool Reader::fail(ErrorCode code, std::uint64_t offset, std::string message) {
  error_ = Error{code, std::move(message), offset, TrapKind::kNone, {}};
  return false;
}

bool Reader::fail_unexpected_end() {
  return fail(ErrorCode::kMalformed, offset_of(end_), "unexpected end of section or function");
}

bool Reader::u32_slow(std::uint32_t& value) {
  const std::uint64_t start = offset();
  std::uint32_t result = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    std::uint8_t next = 0;
    if (!byte(next)) {
      return false;
    }
    if (shift == 28 && (next & 0x80) != 0) {
      break;
    }
    if (shift == 28 && next > 0x0F) {
      return fail(ErrorCode::kMalformed, start, "integer too large: more than 32 bits");
    }
    result |= static_cast<std::uint32_t>(next & 0x7F) << shift;  // an int after promotion, and not negative
    if ((next & 0x80) == 0) {
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
    if (!byte(next)) {
      return false;
    }
    result |= static_cast<std::uint64_t>(next & 0x7F) << shift;  // an int after promotion, and not negative
    const unsigned used = width - shift;  // bits of this byte that belong to the integer, if it is the last possible
    if (used <= 7) {
      if ((next & 0x80) != 0) {
        break;
      }
      // The sign bit and all the unused bits above it must agree.
      const unsigned top = (next & 0x7Fu) >> (used - 1);
      if (top != 0 && top != 0x7Fu >> (used - 1)) {
        return fail(ErrorCode::kMalformed, start, fmt::format("integer too large: more than {} bits", width));
      }
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
  Bytes view;
  if (!bytes(4, view)) {
    return false;
  }
  bits = 0;
  for (unsigned i = 0; i < 4; ++i) {
    bits |= std::to_integer<std::uint32_t>(view[i]) << (8 * i);
  }
  return true;
}

bool Reader::fixed64(std::uint64_t& bits) {
  Bytes view;
  if (!bytes(8, view)) {
    return false;
  }
  bits = 0;
  for (unsigned i = 0; i < 8; ++i) {
    bits |= std::to_integer<std::uint64_t>(view[i]) << (8 * i);
  }
  return true;
}

bool Reader::bytes(std::uint64_t size, Bytes& view) {
  if (size > remaining()) {
    return fail(ErrorCode::kMalformed, offset(),
                fmt::format("unexpected end of section or function: length out of bounds, {} bytes are announced and "
                            "{} are left",
                            size, remaining()));
  }
  view = Bytes(position_, static_cast<std::size_t>(size));  // fits: it is not more than remaining()
  position_ += size;
  return true;
}

bool Reader::count(std::uint32_t limit, std::string_view what, std::uint32_t& count) {
  const std::uint64_t start = offset();
  if (!u32(count)) {
    return false;
  }
  if (count > remaining()) {
    return fail(
        ErrorCode::kMalformed, start,
        fmt::format(
            "unexpected end of section or function: length out of bounds, {} {} are announced and {} bytes are left",
            count, what, remaining()));
  }
  if (count > limit) {
    return fail(ErrorCode::kLimit, start, fmt::format("too many {}: {}, the limit is {}", what, count, limit));
  }
  return true;
}

bool Reader::name(std::string_view& view) {
  std::uint32_t size = 0;
  Bytes text;
  if (!u32(size)) {
    return false;
  }
  const std::uint64_t start = offset();
  if (!bytes(size, text)) {
    return false;
  }
  // Reading std::byte objects as char is what char may alias.
  view = std::string_view(reinterpret_cast<const char*>(text.data()), text.size());
  if (!is_utf8(view)) {
    return fail(ErrorCode::kMalformed, start, "malformed UTF-8 encoding");
  }
  return true;
}

bool Reader::value_type(ValueType& type) {
  const std::uint64_t start = offset();
  std::uint8_t code = 0;
  if (!byte(code)) {
    return false;
  }
  type = static_cast<ValueType>(code);  // an enum of this underlying type; checked at once
  switch (type) {
    case ValueType::kI32:
    case ValueType::kI64:
    case ValueType::kF32:
    case ValueType::kF64:
    case ValueType::kFuncRef:
    case ValueType::kExternRef: return true;
    case ValueType::kV128: break;
  }
  return fail_type(start, code, false);
}

bool Reader::reference_type(ValueType& type) {
  const std::uint64_t start = offset();
  std::uint8_t code = 0;
  if (!byte(code)) {
    return false;
  }
  type = static_cast<ValueType>(code);  // an enum of this underlying type; checked at once
  return is_reference(type) || fail_type(start, code, true);
}

bool Reader::zero_byte() {
  const std::uint64_t start = offset();
  std::uint8_t value = 0;
  if (!byte(value)) {
    return false;
  }
  return value == 0 || fail(ErrorCode::kMalformed, start, "zero byte expected: a second memory is not supported yet");
}

bool Reader::fail_type(std::uint64_t at, std::uint8_t code, bool reference) {
  if (code == 0x7B && !reference) {
    return fail(ErrorCode::kUnsupported, at, "not supported yet: vector instructions (value type v128)");
  }
  if (code == 0x63 || code == 0x64) {
    return fail(ErrorCode::kUnsupported, at, "not supported yet: typed function references and garbage collection");
  }
  if (code == 0x69 || code == 0x74) {
    return fail(ErrorCode::kUnsupported, at, "not supported yet: exception handling (exception references)");
  }
  if (code >= 0x6A && code <= 0x73) {
    return fail(ErrorCode::kUnsupported, at, "not supported yet: garbage collection (abstract heap types)");
  }
  return fail(ErrorCode::kMalformed, at,
              fmt::format("malformed {} type: 0x{:02X}", reference ? "reference" : "value", code));
}

bool is_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);  // char may be signed
    if (lead < 0x80) {
      ++i;
      continue;
    }
    std::size_t more = 0;
    unsigned char lowest = 0x80;  // of the second byte; what follows is 80 to BF always
    unsigned char highest = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      more = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      more = 2;
      lowest = lead == 0xE0 ? 0xA0 : 0x80;
      highest = lead == 0xED ? 0x9F : 0xBF;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      more = 3;
      lowest = lead == 0xF0 ? 0x90 : 0x80;
      highest = lead == 0xF4 ? 0x8F : 0xBF;
    } else {
      return false;
    }
    if (text.size() - i <= more) {
      return false;
    }
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);  // char may be signed
      if (next < lowest || next > highest) {
        return false;
      }
      lowest = 0x80;
      highest = 0xBF;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace anew::wasm
