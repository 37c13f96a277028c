// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From core values and linear memory: "Loading", "Flat Lifting" and "Lifting and Lowering Values" of CanonicalABI.md.
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "component/abi.hpp"
#include "component/strings.hpp"
#include "component/trap.hpp"
#include "os/try.hpp"
#include "wasm/reader.hpp"

namespace anew::component {
namespace {

/// Beside what is in a string, list or payload: the allocator's part, rounded up.
constexpr std::uint64_t kAllocation = 32;

/// "canonicalize_nan": nothing of a NaN but that it is one gets through.
template <typename T>
T canonical(T number) {
  return std::isnan(number) ? std::numeric_limits<T>::quiet_NaN() : number;
}
static_assert(std::bit_cast<std::uint32_t>(std::numeric_limits<float>::quiet_NaN()) == 0x7FC00000);
static_assert(std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN()) == 0x7FF8000000000000);

/// Functions return whether it went well, and leave what did not in error(). No guest runs meanwhile, so that its
/// memory stays where and as large as it is.
class Lifter {
 public:
  Lifter(Side& side, std::span<const std::uint64_t> slots) : side_(side), types_(*side.types), slots_(slots) {
    // The whole of it is within it.
    if (auto all = side.memory.read(0, side.memory.size())) memory_ = *all;
  }

  [[nodiscard]] Error&& error() noexcept { return std::move(error_); }

  /// Reads as many slots as the type is flat.
  [[nodiscard]] bool flat(Type type, Value& value);
  /// Where a tuple is that does not fit into slots.
  [[nodiscard]] bool address(std::uint32_t alignment, std::uint64_t size, std::uint64_t& address);
  /// @param address  aligned, and all of the type is in memory.
  [[nodiscard]] bool load(Type type, std::uint64_t address, Value& value);
  /// Room for a list's, record's or function's values, which are charged before it is made.
  [[nodiscard]] bool room(std::size_t count, Values& values);

 private:
  [[nodiscard, gnu::cold]] bool failed(Error error) {
    error_ = std::move(error);
    return false;
  }
  [[nodiscard, gnu::cold]] bool traps(std::string message, TrapKind kind = TrapKind::kHostError) {
    return failed(trap(std::move(message), kind).error());
  }
  [[nodiscard]] bool charge(std::uint64_t bytes);
  [[nodiscard]] bool in_memory(const char* what, std::uint64_t address, std::uint64_t size, std::uint32_t alignment);
  [[nodiscard]] bool character(std::uint32_t bits, Value& value);
  [[nodiscard]] bool string(std::uint64_t address, std::uint32_t length, Value& value);
  [[nodiscard]] bool list(Type element, std::uint64_t address, std::uint32_t length, Value& value);
  [[nodiscard]] bool handle(Type type, std::uint32_t handle, Value& value);
  [[nodiscard]] bool flat_case(Type type, Value& value);
  [[nodiscard]] bool load_case(const Compound& compound, std::uint64_t address, Value& value);
  [[nodiscard]] bool case_of(const Compound& compound, std::uint32_t index, Value& value, Value*& payload);
  static void flags(const Compound& compound, std::uint32_t bits, Value& value);

  template <typename T>
  [[nodiscard]] T at(std::uint64_t address) const {
    T bits;
    std::memcpy(&bits, memory_.data() + address, sizeof(T));
    return bits;
  }
  [[nodiscard]] std::uint32_t unsigned_at(std::uint64_t address, std::uint32_t bytes) const {
    return bytes == 1   ? at<std::uint8_t>(address)
           : bytes == 2 ? at<std::uint16_t>(address)
                        : at<std::uint32_t>(address);
  }
  /// "wrap_i64_to_i32", "decode_i32_as_float" and so on are all the same: the low bits of a slot.
  std::uint64_t slot() { return slots_[next_++]; }
  std::uint32_t slot_32() { return static_cast<std::uint32_t>(slot()); }

  Side& side_;
  const Types& types_;
  std::span<const std::uint64_t> slots_;
  std::size_t next_ = 0;
  std::span<const std::byte> memory_;
  std::uint64_t charged_ = 0;
  Error error_;
};

bool Lifter::charge(std::uint64_t bytes) {
  charged_ += bytes;  // each time by less than 2^34, and no more once it is past kMostLifted
  if (charged_ <= kMostLifted) return true;
  return traps(fmt::format("the guest passed more than the {} bytes of values that a call may", kMostLifted));
}

bool Lifter::room(std::size_t count, Values& values) {
  if (!charge(count * sizeof(Value) + kAllocation)) return false;
  values.resize(count);
  return true;
}

bool Lifter::in_memory(const char* what, std::uint64_t address, std::uint64_t size, std::uint32_t alignment) {
  if ((address & (alignment - 1)) != 0) [[unlikely]] {
    return traps(
        fmt::format("the guest passed address {} for {}, which is to be a multiple of {}", address, what, alignment));
  }
  if (size > memory_.size() || address > memory_.size() - size) [[unlikely]] {
    return traps(fmt::format("the guest passed {} of {} bytes at address {}, but its memory has {} bytes", what, size,
                             address, memory_.size()),
                 TrapKind::kMemoryOutOfBounds);
  }
  return true;
}

bool Lifter::address(std::uint32_t alignment, std::uint64_t size, std::uint64_t& address) {
  address = slot_32();
  return in_memory("values", address, size, alignment);
}

bool Lifter::character(std::uint32_t bits, Value& value) {
  if (bits >= 0x110000 || (bits >= 0xD800 && bits < 0xE000))
    return traps(fmt::format("the guest passed {:#x} for a char, which is no Unicode scalar value", bits));
  value.alternatives().emplace<char32_t>(bits);
  return true;
}

bool Lifter::string(std::uint64_t address, std::uint32_t length, Value& value) {
  constexpr std::uint32_t kUtf16Tag = 1U << 31;
  using Encoding = binary::StringEncoding;
  Encoding encoding = side_.encoding;
  std::uint32_t alignment = 2;
  std::uint64_t bytes = length;
  if (encoding == Encoding::kUtf8) {
    alignment = 1;
  } else if (encoding == Encoding::kUtf16) {
    bytes *= 2;
  } else if ((length & kUtf16Tag) != 0) {
    encoding = Encoding::kUtf16;
    bytes = 2 * std::uint64_t{length & ~kUtf16Tag};
  }
  if (bytes > kMostBytes)
    return traps(fmt::format("the guest passed a string of {} bytes, and may pass {}", bytes, kMostBytes));
  if (!in_memory("a string", address, bytes, alignment)) return false;
  const auto text = memory_.subspan(address, bytes);
  // In UTF-8 no more than 3 bytes for 2 of UTF-16, or 2 for 1 of Latin-1.
  if (!charge((encoding == Encoding::kUtf8 ? bytes : 2 * bytes) + kAllocation)) return false;
  switch (encoding) {
    case Encoding::kUtf8: {
      // Reading std::byte objects as char is what char may alias.
      const std::string_view utf8(reinterpret_cast<const char*>(text.data()), text.size());
      if (!wasm::is_utf8(utf8)) return traps("the guest passed a string that is not UTF-8");
      value.alternatives().emplace<std::string>(utf8);
      return true;
    }
    case Encoding::kUtf16: {
      auto utf8 = utf8_of_utf16(text);
      if (!utf8) return traps("the guest passed a string that is not UTF-16");
      value.alternatives().emplace<std::string>(*std::move(utf8));
      return true;
    }
    case Encoding::kLatin1OrUtf16: value.alternatives().emplace<std::string>(utf8_of_latin1(text)); return true;
  }
  std::unreachable();
}

bool Lifter::list(Type element, std::uint64_t address, std::uint32_t length, Value& value) {
  const Layout& layout = types_.layout(element);
  const std::uint64_t bytes = std::uint64_t{length} * layout.size;
  if (bytes > kMostBytes)
    return traps(fmt::format("the guest passed a list of {} bytes, and may pass {}", bytes, kMostBytes));
  if (!in_memory("a list", address, bytes, layout.alignment)) return false;
  if (element.kind == Kind::kU8) {
    if (!charge(bytes + kAllocation)) return false;
    const auto all = memory_.subspan(address, bytes);
    value.alternatives().emplace<Bytes>(all.begin(), all.end());
    return true;
  }
  Values& values = value.alternatives().emplace<Values>();
  if (!room(length, values)) return false;
  for (Value& each : values) {
    if (!load(element, address, each)) return false;
    address += layout.size;
  }
  return true;
}

bool Lifter::handle(Type type, std::uint32_t handle, Value& value) {
  const bool is_owned = type.kind == Kind::kOwn;
  auto representation =
      is_owned ? side_.handles->take_own(type.index, handle) : side_.handles->lend(type.index, handle, *side_.scope);
  if (!representation) return failed(std::move(representation).error());
  value.alternatives().emplace<Resource>(*representation, is_owned, type.index);
  return true;
}

void Lifter::flags(const Compound& compound, std::uint32_t bits, Value& value) {
  // Of 1 to 32 flags. Bits beyond them are to be ignored.
  value.alternatives().emplace<Flags>(bits & ~std::uint32_t{0} >> (32 - compound.parts.size()));
}

bool Lifter::case_of(const Compound& compound, std::uint32_t index, Value& value, Value*& payload) {
  payload = nullptr;
  if (index >= compound.parts.size())
    return traps(fmt::format("the guest passed case {} of a type that has {} cases", index, compound.parts.size()));
  Case& which = value.alternatives().emplace<Case>(index);
  if (!compound.parts[index].type) return true;
  if (!charge(sizeof(Value) + kAllocation)) return false;
  which.payload = std::make_unique<Value>();
  payload = which.payload.get();
  return true;
}

bool Lifter::flat_case(Type type, Value& value) {
  const Compound& compound = types_.compound(type);
  const std::size_t end = next_ + compound.layout.flat_count;
  const std::uint32_t index = slot_32();
  Value* payload = nullptr;
  if (!case_of(compound, index, value, payload)) return false;
  if (payload != nullptr && !flat(*compound.parts[index].type, *payload)) return false;
  next_ = end;  // what other cases have more is not looked at
  return true;
}

bool Lifter::load_case(const Compound& compound, std::uint64_t address, Value& value) {
  const std::uint32_t index = unsigned_at(address, compound.discriminant_bytes);
  Value* payload = nullptr;
  if (!case_of(compound, index, value, payload)) return false;
  return payload == nullptr || load(*compound.parts[index].type, address + compound.payload_offset, *payload);
}

bool Lifter::flat(Type type, Value& value) {
  auto& to = value.alternatives();
  switch (type.kind) {
    case Kind::kBool: to.emplace<bool>(slot_32() != 0); return true;
    // Those that are smaller than their slot are its low bits.
    case Kind::kS8: to.emplace<std::int8_t>(static_cast<std::int8_t>(slot_32())); return true;
    case Kind::kU8: to.emplace<std::uint8_t>(static_cast<std::uint8_t>(slot_32())); return true;
    case Kind::kS16: to.emplace<std::int16_t>(static_cast<std::int16_t>(slot_32())); return true;
    case Kind::kU16: to.emplace<std::uint16_t>(static_cast<std::uint16_t>(slot_32())); return true;
    case Kind::kS32: to.emplace<std::int32_t>(static_cast<std::int32_t>(slot_32())); return true;
    case Kind::kU32: to.emplace<std::uint32_t>(slot_32()); return true;
    case Kind::kS64: to.emplace<std::int64_t>(static_cast<std::int64_t>(slot())); return true;
    case Kind::kU64: to.emplace<std::uint64_t>(slot()); return true;
    case Kind::kF32: to.emplace<float>(canonical(std::bit_cast<float>(slot_32()))); return true;
    case Kind::kF64: to.emplace<double>(canonical(std::bit_cast<double>(slot()))); return true;
    case Kind::kChar: return character(slot_32(), value);
    case Kind::kString: {
      const std::uint64_t address = slot_32();
      return string(address, slot_32(), value);
    }
    case Kind::kList: {
      const std::uint64_t address = slot_32();
      return list(*types_.compound(type).parts[0].type, address, slot_32(), value);
    }
    case Kind::kRecord:
    case Kind::kTuple: {
      const Compound& compound = types_.compound(type);
      Values& fields = to.emplace<Values>();
      if (!room(compound.parts.size(), fields)) return false;
      for (std::size_t k = 0; k < fields.size(); ++k)
        if (!flat(*compound.parts[k].type, fields[k])) return false;
      return true;
    }
    case Kind::kVariant:
    case Kind::kEnum:
    case Kind::kOption:
    case Kind::kResult: return flat_case(type, value);
    case Kind::kFlags: flags(types_.compound(type), slot_32(), value); return true;
    case Kind::kOwn:
    case Kind::kBorrow: return handle(type, slot_32(), value);
  }
  std::unreachable();
}

bool Lifter::load(Type type, std::uint64_t address, Value& value) {
  auto& to = value.alternatives();
  switch (type.kind) {
    case Kind::kBool: to.emplace<bool>(at<std::uint8_t>(address) != 0); return true;
    case Kind::kS8: to.emplace<std::int8_t>(at<std::int8_t>(address)); return true;
    case Kind::kU8: to.emplace<std::uint8_t>(at<std::uint8_t>(address)); return true;
    case Kind::kS16: to.emplace<std::int16_t>(at<std::int16_t>(address)); return true;
    case Kind::kU16: to.emplace<std::uint16_t>(at<std::uint16_t>(address)); return true;
    case Kind::kS32: to.emplace<std::int32_t>(at<std::int32_t>(address)); return true;
    case Kind::kU32: to.emplace<std::uint32_t>(at<std::uint32_t>(address)); return true;
    case Kind::kS64: to.emplace<std::int64_t>(at<std::int64_t>(address)); return true;
    case Kind::kU64: to.emplace<std::uint64_t>(at<std::uint64_t>(address)); return true;
    case Kind::kF32: to.emplace<float>(canonical(at<float>(address))); return true;
    case Kind::kF64: to.emplace<double>(canonical(at<double>(address))); return true;
    case Kind::kChar: return character(at<std::uint32_t>(address), value);
    case Kind::kString: return string(at<std::uint32_t>(address), at<std::uint32_t>(address + 4), value);
    case Kind::kList: {
      const Type element = *types_.compound(type).parts[0].type;
      return list(element, at<std::uint32_t>(address), at<std::uint32_t>(address + 4), value);
    }
    case Kind::kRecord:
    case Kind::kTuple: {
      const Compound& compound = types_.compound(type);
      Values& fields = to.emplace<Values>();
      if (!room(compound.parts.size(), fields)) return false;
      for (std::size_t k = 0; k < fields.size(); ++k)
        if (!load(*compound.parts[k].type, address + compound.offsets[k], fields[k])) return false;
      return true;
    }
    case Kind::kVariant:
    case Kind::kEnum:
    case Kind::kOption:
    case Kind::kResult: return load_case(types_.compound(type), address, value);
    case Kind::kFlags: {
      const Compound& compound = types_.compound(type);
      flags(compound, unsigned_at(address, compound.discriminant_bytes), value);
      return true;
    }
    case Kind::kOwn:
    case Kind::kBorrow: return handle(type, at<std::uint32_t>(address), value);
  }
  std::unreachable();
}

}  // namespace

Result<Values> lift_parameters(Side& side, const FunctionType& type, std::span<const std::uint64_t> slots) {
  Lifter lifter(side, slots);
  Values values;
  bool is_lifted = lifter.room(type.parameters.size(), values);
  const ParametersLayout layout = side.types->layout(type);
  if (layout.flat_count <= kMostFlatParameters) {
    for (std::size_t k = 0; is_lifted && k < values.size(); ++k)
      is_lifted = lifter.flat(*type.parameters[k].type, values[k]);
  } else {
    std::uint64_t address = 0;
    is_lifted = is_lifted && lifter.address(layout.alignment, layout.size, address);
    for (std::size_t k = 0; is_lifted && k < values.size(); ++k) {
      const Type parameter = *type.parameters[k].type;
      const Layout& part = side.types->layout(parameter);
      address = align_to(address, part.alignment);
      is_lifted = lifter.load(parameter, address, values[k]);
      address += part.size;
    }
  }
  if (!is_lifted) return std::unexpected(lifter.error());
  return values;
}

Result<Value> lift_result(Side& side, const FunctionType& type, std::span<const std::uint64_t> slots) {
  Value value;
  if (!type.result) return value;
  Lifter lifter(side, slots);
  const Layout& layout = side.types->layout(*type.result);
  bool is_lifted = false;
  if (layout.flat_count <= kMostFlatResults) {
    is_lifted = lifter.flat(*type.result, value);
  } else {
    std::uint64_t address = 0;
    is_lifted = lifter.address(layout.alignment, layout.size, address) && lifter.load(*type.result, address, value);
  }
  if (!is_lifted) return std::unexpected(lifter.error());
  return value;
}

}  // namespace anew::component
