// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// To core values and linear memory: "Storing", "Flat Lowering" and "Lifting and Lowering Values" of CanonicalABI.md.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "component/abi.hpp"
#include "component/conforms.hpp"
#include "component/strings.hpp"
#include "component/trap.hpp"
#include "os/try.hpp"

namespace anew::component {
namespace {

/// "maybe_scramble_nan", of the deterministic profile: a NaN is always the same one.
std::uint32_t bits_of(float number) {
  return std::bit_cast<std::uint32_t>(std::isnan(number) ? std::numeric_limits<float>::quiet_NaN() : number);
}
std::uint64_t bits_of(double number) {
  return std::bit_cast<std::uint64_t>(std::isnan(number) ? std::numeric_limits<double>::quiet_NaN() : number);
}

/// An integer, char or flags as the low bits of a slot: negative ones as an i32 or i64 has them.
template <typename T>
std::uint64_t slot_of(T number) {
  if constexpr (sizeof(T) == 8)
    return static_cast<std::uint64_t>(number);
  else
    return static_cast<std::uint32_t>(number);
}

/// Values that conform to their types: what they hold is not asked again. Functions return whether it went well, and
/// leave what did not in error().
class Lowerer {
 public:
  Lowerer(Side& side, std::span<std::uint64_t> slots) : side_(side), types_(*side.types), slots_(slots) {}

  [[nodiscard]] Error&& error() noexcept { return std::move(error_); }

  /// Writes as many slots as the type is flat.
  [[nodiscard]] bool flat(Type type, const Value& value);
  /// Whether something can go to an address that the guest gives.
  [[nodiscard]] bool admits(std::uint64_t address, std::uint64_t size, std::uint32_t alignment);
  /// Has what is written next go through a window on memory, which is marked as written at once.
  [[nodiscard]] bool open(std::uint64_t address, std::uint64_t size);
  /// An address of the allocator's.
  [[nodiscard]] bool allocate(std::uint64_t size, std::uint32_t alignment, std::uint64_t& address);
  /// @param address  aligned, and all of the type is in memory.
  [[nodiscard]] bool store(Type type, const Value& value, std::uint64_t address);

 private:
  struct Range {
    std::uint64_t address = 0;
    std::uint64_t length = 0;  ///< in elements, or as the encoding counts
  };

  [[nodiscard, gnu::cold]] bool failed(Error error) {
    error_ = std::move(error);
    return false;
  }
  [[nodiscard, gnu::cold]] bool traps(std::string message, TrapKind kind = TrapKind::kHostError) {
    return failed(trap(std::move(message), kind).error());
  }
  [[nodiscard]] bool reallocate(std::uint64_t old_size, std::uint64_t size, std::uint32_t alignment,
                                std::uint64_t& address);
  [[nodiscard]] bool string(const std::string& text, Range& range);
  [[nodiscard]] bool utf16(const std::string& text, Range& range);
  [[nodiscard]] bool latin1_or_utf16(const std::string& text, Range& range);
  [[nodiscard]] bool list(Type element, const Value& value, Range& range);
  [[nodiscard]] bool handle(Type type, Resource resource, std::uint32_t& handle);
  [[nodiscard]] bool put_range(std::uint64_t address, const Range& range);

  /// The bytes at an address, 1 at least, to be written. @return null after an error.
  std::byte* room(std::uint64_t address, std::uint64_t size) {
    if (address >= window_begin_ && address - window_begin_ + size <= window_.size()) [[likely]]
      return window_.data() + (address - window_begin_);
    auto bytes = side_.memory.write(address, size);
    if (bytes) [[likely]]
      return bytes->data();
    error_ = std::move(bytes).error();
    return nullptr;
  }
  [[nodiscard]] bool copy(std::uint64_t address, const void* from, std::size_t size) {
    if (size == 0) return true;
    std::byte* to = room(address, size);
    if (to == nullptr) return false;
    std::memcpy(to, from, size);
    return true;
  }
  template <typename T>
  [[nodiscard]] bool put(std::uint64_t address, T bits) {
    return copy(address, &bits, sizeof(T));
  }
  [[nodiscard]] bool put_unsigned(std::uint64_t address, std::uint32_t bits, std::uint32_t bytes) {
    if (bytes == 1) return put(address, static_cast<std::uint8_t>(bits));  // it fits, all three times
    return bytes == 2 ? put(address, static_cast<std::uint16_t>(bits)) : put(address, bits);
  }
  bool slot(std::uint64_t bits) {
    slots_[next_++] = bits;
    return true;
  }
  bool slots(const Range& range) { return slot(range.address) && slot(range.length); }

  Side& side_;
  const Types& types_;
  std::span<std::uint64_t> slots_;
  std::size_t next_ = 0;
  /// What is to be written next, so that memory is not asked for each number; nothing once the allocator has run.
  std::uint64_t window_begin_ = 0;
  std::span<std::byte> window_;
  Error error_;
};

bool Lowerer::admits(std::uint64_t address, std::uint64_t size, std::uint32_t alignment) {
  if ((address & (alignment - 1)) != 0) [[unlikely]] {
    return traps(
        fmt::format("the guest gives address {} to write to, which is to be a multiple of {}", address, alignment));
  }
  const std::uint64_t memory_size = side_.memory.size();
  if (size > memory_size || address > memory_size - size) [[unlikely]] {
    return traps(fmt::format("the guest gives {} bytes at address {} to write to, but its memory has {} bytes", size,
                             address, memory_size),
                 TrapKind::kMemoryOutOfBounds);
  }
  return true;
}

bool Lowerer::open(std::uint64_t address, std::uint64_t size) {
  auto window = side_.memory.write(address, size);
  if (!window) return failed(std::move(window).error());
  window_begin_ = address;
  window_ = *window;
  return true;
}

bool Lowerer::reallocate(std::uint64_t old_size, std::uint64_t size, std::uint32_t alignment, std::uint64_t& address) {
  if (side_.allocator == nullptr)
    return failed(make_error(ErrorCode::kInvalid, "a function takes a string or list and names no allocator"));
  window_ = {};
  if (size > std::numeric_limits<std::uint32_t>::max())
    return traps(fmt::format("the parameters take {} bytes, and addresses have 32 bits", size));
  // The address is one that it gave before; the old size was its size then.
  auto given = side_.allocator->reallocate(static_cast<std::uint32_t>(address), static_cast<std::uint32_t>(old_size),
                                           alignment, static_cast<std::uint32_t>(size));
  if (!given) return failed(std::move(given).error());
  address = *given;
  return admits(address, size, alignment);
}

bool Lowerer::allocate(std::uint64_t size, std::uint32_t alignment, std::uint64_t& address) {
  address = 0;
  return reallocate(0, size, alignment, address);
}

bool Lowerer::string(const std::string& text, Range& range) {
  switch (side_.encoding) {
    case binary::StringEncoding::kUtf8: {
      range.length = text.size();
      return allocate(text.size(), 1, range.address) && copy(range.address, text.data(), text.size());
    }
    case binary::StringEncoding::kUtf16: return utf16(text, range);
    case binary::StringEncoding::kLatin1OrUtf16: return latin1_or_utf16(text, range);
  }
  std::unreachable();
}

/// store_utf8_to_utf16: room for as much as it may be, which is then made smaller.
bool Lowerer::utf16(const std::string& text, Range& range) {
  const std::size_t most = 2 * text.size();
  const std::size_t bytes = utf16_bytes(text);
  range.length = bytes / 2;
  if (!allocate(most, 2, range.address)) return false;
  if (!open(range.address, bytes)) return false;
  to_utf16(text, window_);
  return bytes == most || reallocate(most, bytes, 2, range.address);
}

/// store_string_to_latin1_or_utf16: Latin-1 first. What the reference leaves to the allocator to move is written after
/// it has.
bool Lowerer::latin1_or_utf16(const std::string& text, Range& range) {
  constexpr std::uint64_t kUtf16Tag = 1U << 31;
  if (!allocate(text.size(), 2, range.address)) return false;
  if (const auto bytes = latin1_bytes(text)) {
    range.length = *bytes;
    if (!open(range.address, *bytes)) return false;
    to_latin1(text, window_);
    return *bytes == text.size() || reallocate(text.size(), *bytes, 2, range.address);
  }
  const std::size_t most = 2 * text.size();
  const std::size_t bytes = utf16_bytes(text);
  range.length = bytes / 2 | kUtf16Tag;
  if (!reallocate(text.size(), most, 2, range.address)) return false;
  if (!open(range.address, bytes)) return false;
  to_utf16(text, window_);
  return bytes == most || reallocate(most, bytes, 2, range.address);
}

bool Lowerer::list(Type element, const Value& value, Range& range) {
  if (element.kind == Kind::kU8) {
    const Bytes& bytes = value.as<Bytes>();
    range.length = bytes.size();
    return allocate(bytes.size(), 1, range.address) && copy(range.address, bytes.data(), bytes.size());
  }
  const Values& values = value.as<Values>();
  const Layout& layout = types_.layout(element);
  const std::uint64_t size = values.size() * layout.size;
  range.length = values.size();
  if (!allocate(size, layout.alignment, range.address) || !open(range.address, size)) return false;
  std::uint64_t address = range.address;
  for (const Value& each : values) {
    if (!store(element, each, address)) return false;
    address += layout.size;
  }
  return true;
}

bool Lowerer::handle(Type type, Resource resource, std::uint32_t& handle) {
  if (type.kind == Kind::kBorrow && side_.implementers[type.index] == side_.instance) {
    handle = resource.representation;
    return true;
  }
  auto added = type.kind == Kind::kOwn ? side_.handles->add_own(type.index, resource.representation)
                                       : side_.handles->add_borrow(type.index, resource.representation, *side_.scope);
  if (!added) return failed(std::move(added).error());
  handle = *added;
  return true;
}

bool Lowerer::flat(Type type, const Value& value) {
  switch (type.kind) {
    case Kind::kBool: return slot(value.as<bool>() ? 1 : 0);
    case Kind::kS8: return slot(slot_of(value.as<std::int8_t>()));
    case Kind::kU8: return slot(slot_of(value.as<std::uint8_t>()));
    case Kind::kS16: return slot(slot_of(value.as<std::int16_t>()));
    case Kind::kU16: return slot(slot_of(value.as<std::uint16_t>()));
    case Kind::kS32: return slot(slot_of(value.as<std::int32_t>()));
    case Kind::kU32: return slot(slot_of(value.as<std::uint32_t>()));
    case Kind::kS64: return slot(slot_of(value.as<std::int64_t>()));
    case Kind::kU64: return slot(slot_of(value.as<std::uint64_t>()));
    case Kind::kF32: return slot(bits_of(value.as<float>()));
    case Kind::kF64: return slot(bits_of(value.as<double>()));
    case Kind::kChar: return slot(value.as<char32_t>());
    case Kind::kFlags: return slot(value.as<Flags>().bits);
    case Kind::kString: {
      Range range;
      return string(value.as<std::string>(), range) && slots(range);
    }
    case Kind::kList: {
      Range range;
      return list(*types_.compound(type).parts[0].type, value, range) && slots(range);
    }
    case Kind::kRecord:
    case Kind::kTuple: {
      const Compound& compound = types_.compound(type);
      const Values& fields = value.as<Values>();
      for (std::size_t k = 0; k < fields.size(); ++k)
        if (!flat(*compound.parts[k].type, fields[k])) return false;
      return true;
    }
    case Kind::kVariant:
    case Kind::kEnum:
    case Kind::kOption:
    case Kind::kResult: {
      const Compound& compound = types_.compound(type);
      const Case& which = value.as<Case>();
      const std::size_t end = next_ + compound.layout.flat_count;
      slot(which.index);
      if (which.payload && !flat(*compound.parts[which.index].type, *which.payload)) return false;
      while (next_ < end) slot(0);
      return true;
    }
    case Kind::kOwn:
    case Kind::kBorrow: {
      std::uint32_t number = 0;
      return handle(type, value.as<Resource>(), number) && slot(number);
    }
  }
  std::unreachable();
}

bool Lowerer::put_range(std::uint64_t address, const Range& range) {
  // Addresses and lengths of a memory of 32 bits.
  return put(address, static_cast<std::uint32_t>(range.address)) &&
         put(address + 4, static_cast<std::uint32_t>(range.length));
}

bool Lowerer::store(Type type, const Value& value, std::uint64_t address) {
  switch (type.kind) {
    case Kind::kBool: return put(address, std::uint8_t{value.as<bool>()});
    case Kind::kS8: return put(address, value.as<std::int8_t>());
    case Kind::kU8: return put(address, value.as<std::uint8_t>());
    case Kind::kS16: return put(address, value.as<std::int16_t>());
    case Kind::kU16: return put(address, value.as<std::uint16_t>());
    case Kind::kS32: return put(address, value.as<std::int32_t>());
    case Kind::kU32: return put(address, value.as<std::uint32_t>());
    case Kind::kS64: return put(address, value.as<std::int64_t>());
    case Kind::kU64: return put(address, value.as<std::uint64_t>());
    case Kind::kF32: return put(address, bits_of(value.as<float>()));
    case Kind::kF64: return put(address, bits_of(value.as<double>()));
    case Kind::kChar: return put(address, static_cast<std::uint32_t>(value.as<char32_t>()));
    case Kind::kFlags: return put_unsigned(address, value.as<Flags>().bits, types_.compound(type).discriminant_bytes);
    case Kind::kString: {
      Range range;
      return string(value.as<std::string>(), range) && put_range(address, range);
    }
    case Kind::kList: {
      Range range;
      return list(*types_.compound(type).parts[0].type, value, range) && put_range(address, range);
    }
    case Kind::kRecord:
    case Kind::kTuple: {
      const Compound& compound = types_.compound(type);
      const Values& fields = value.as<Values>();
      for (std::size_t k = 0; k < fields.size(); ++k)
        if (!store(*compound.parts[k].type, fields[k], address + compound.offsets[k])) return false;
      return true;
    }
    case Kind::kVariant:
    case Kind::kEnum:
    case Kind::kOption:
    case Kind::kResult: {
      const Compound& compound = types_.compound(type);
      const Case& which = value.as<Case>();
      if (!put_unsigned(address, which.index, compound.discriminant_bytes)) return false;
      return !which.payload ||
             store(*compound.parts[which.index].type, *which.payload, address + compound.payload_offset);
    }
    case Kind::kOwn:
    case Kind::kBorrow: {
      std::uint32_t number = 0;
      return handle(type, value.as<Resource>(), number) && put(address, number);
    }
  }
  std::unreachable();
}

}  // namespace

Result<void> lower_parameters(Side& side, const FunctionType& type, std::span<const Value> values,
                              std::span<std::uint64_t> slots) {
  TRY(conforms(*side.types, type, values));
  Lowerer lowerer(side, slots);
  bool is_lowered = true;
  const ParametersLayout layout = side.types->layout(type);
  if (layout.flat_count <= kMostFlatParameters) {
    for (std::size_t k = 0; is_lowered && k < values.size(); ++k)
      is_lowered = lowerer.flat(*type.parameters[k].type, values[k]);
  } else {
    std::uint64_t address = 0;
    is_lowered = lowerer.allocate(layout.size, layout.alignment, address) && lowerer.open(address, layout.size);
    slots[0] = address;
    for (std::size_t k = 0; is_lowered && k < values.size(); ++k) {
      const Type parameter = *type.parameters[k].type;
      const Layout& part = side.types->layout(parameter);
      address = align_to(address, part.alignment);
      is_lowered = lowerer.store(parameter, values[k], address);
      address += part.size;
    }
  }
  if (!is_lowered) return std::unexpected(lowerer.error());
  return {};
}

Result<void> lower_result(Side& side, const FunctionType& type, const Value& value, std::span<std::uint64_t> slots) {
  TRY(conforms_to_result(*side.types, type, value));
  if (!type.result) return {};
  Lowerer lowerer(side, slots);
  const Layout& layout = side.types->layout(*type.result);
  bool is_lowered = false;
  if (layout.flat_count <= kMostFlatResults) {
    is_lowered = lowerer.flat(*type.result, value);
  } else {
    const std::uint64_t address = static_cast<std::uint32_t>(slots.back());  // an i32
    is_lowered = lowerer.admits(address, layout.size, layout.alignment) && lowerer.open(address, layout.size) &&
                 lowerer.store(*type.result, value, address);
  }
  if (!is_lowered) return std::unexpected(lowerer.error());
  return {};
}

}  // namespace anew::component
