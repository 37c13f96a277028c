// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random types and values of them: what is lowered is lifted to the same, what is written as text reads back.
#include <gtest/gtest.h>

#include <random>

#include "component/strings.hpp"
#include "component/wave.hpp"
#include "guest.hpp"

namespace anew::component {
namespace {

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(random_() % end); }

  /// @param depth  of types within types, at most.
  Type type(int depth) {
    if (depth == 0 || below(3) == 0) return {static_cast<Kind>(below(static_cast<std::uint32_t>(Kind::kString) + 1))};
    const auto inner = [&] { return type(depth - 1); };
    const auto maybe = [&]() -> std::optional<Type> {
      if (below(3) == 0) return std::nullopt;
      return inner();
    };
    switch (below(8)) {
      case 0: return make.list(inner());
      case 1: return make.option(inner());
      case 2: {
        const auto ok = maybe();
        return make.result(ok, maybe());
      }
      case 3: return make.flags(1 + static_cast<int>(below(32)));
      case 4: return make.enumeration(1 + static_cast<int>(below(300)));
      case 5: return make.record(parts("field-", 8, inner));
      case 6: return make.variant(parts("case-", 5, maybe));
      default: {
        std::vector<Type> elements;
        for (std::uint32_t k = below(5) + 1; k != 0; --k) elements.push_back(inner());
        return make.tuple(elements);
      }
    }
  }

  Value value(Type type) {
    switch (type.kind) {
      case Kind::kBool: return below(2) == 1;
      case Kind::kS8: return number<std::int8_t>();
      case Kind::kU8: return number<std::uint8_t>();
      case Kind::kS16: return number<std::int16_t>();
      case Kind::kU16: return number<std::uint16_t>();
      case Kind::kS32: return number<std::int32_t>();
      case Kind::kU32: return number<std::uint32_t>();
      case Kind::kS64: return number<std::int64_t>();
      case Kind::kU64: return number<std::uint64_t>();
      case Kind::kF32: return static_cast<float>(number<std::int32_t>()) / 3.0F;
      case Kind::kF64: return static_cast<double>(number<std::int64_t>()) / 3.0;
      case Kind::kChar: return character();
      case Kind::kString: return text();
      default: break;
    }
    const Compound& compound = make.types.compound(type);
    switch (type.kind) {
      case Kind::kList: {
        const std::uint32_t count = below(6);
        if (compound.parts[0].type->kind == Kind::kU8) {
          Bytes bytes(count * 7);
          for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
          return bytes;
        }
        Values elements;
        for (std::uint32_t k = 0; k < count; ++k) elements.push_back(value(*compound.parts[0].type));
        return elements;
      }
      case Kind::kRecord:
      case Kind::kTuple: {
        Values fields;
        for (const NamedType& part : compound.parts) fields.push_back(value(*part.type));
        return fields;
      }
      case Kind::kFlags: return Flags{static_cast<std::uint32_t>(random_()) >> (32 - compound.parts.size())};
      default: {
        const std::uint32_t which = below(static_cast<std::uint32_t>(compound.parts.size()));
        const auto& payload = compound.parts[which].type;
        return payload ? Case(which, value(*payload)) : Case(which);
      }
    }
  }

  TypeMaker make;

 private:
  template <typename T>
  T number() {
    const auto bits = std::uint64_t{random_()} << 32 | random_();
    return static_cast<T>(bits >> below(64));  // small ones, too
  }
  char32_t character() {
    switch (below(4)) {
      case 0: return below(0x80);
      case 1: return 0x80 + below(0x80);
      case 2: return 0x100 + below(0xD700);
      default: return 0xE000 + below(0x102000);
    }
  }
  std::string text() {
    std::string text;
    for (std::uint32_t k = below(12); k != 0; --k) append_utf8(text, below(3) == 0 ? character() : U'a' + below(26));
    return text;
  }
  std::vector<NamedType> parts(const std::string& prefix, std::uint32_t most, const auto& type_of) {
    std::vector<NamedType> parts;
    const std::uint32_t count = below(most) + 1;
    for (std::uint32_t k = 0; k < count; ++k) parts.push_back({prefix + static_cast<char>('a' + k), type_of()});
    return parts;
  }

  std::mt19937 random_;
};

TEST(RandomValues, ComeBack) {
  constexpr int kRounds = 400;
  int flat = 0;
  Maker maker(20'240'117);
  Guest guest(maker.make.types);
  for (int round = 0; round < kRounds; ++round) {
    guest.free = Guest::kFirst;
    guest.side.encoding = static_cast<binary::StringEncoding>(maker.below(3));
    guest.grows = round % 50 == 7;
    FunctionType type = {.parameters = {}, .result = maker.type(4)};
    Values arguments;
    for (std::uint32_t k = maker.below(10); k != 0; --k) {
      type.parameters.push_back({"p", maker.type(3)});
      arguments.push_back(maker.value(*type.parameters.back().type));
    }
    const Value result = maker.value(*type.result);
    const std::string words = maker.make.types.text(*type.result);

    // What is not the result's or an argument's must stay as it is, such as what the slots of other cases have.
    std::vector<std::uint64_t> slots(core_type_of_lift(maker.make.types, type).parameters.size(), ~std::uint64_t{0});
    const auto lowered = lower_parameters(guest.side, type, arguments, slots);
    ASSERT_TRUE(lowered) << words << lowered.error().message;
    const auto lifted = lift_parameters(guest.side, type, slots);
    ASSERT_TRUE(lifted) << lifted.error().message;
    EXPECT_EQ(*lifted, arguments);
    if (maker.make.types.layout(type).flat_count <= kMostFlatParameters) ++flat;

    slots.assign(core_type_of_lower(maker.make.types, type).parameters.size() + 1, 0);
    const bool is_flat = maker.make.types.layout(*type.result).flat_count <= kMostFlatResults;
    const std::uint64_t address = align_to(guest.free, 8);
    slots.back() = address;
    guest.free = address + maker.make.types.layout(*type.result).size;
    const auto returned = lower_result(guest.side, type, result, slots);
    ASSERT_TRUE(returned) << words << returned.error().message;
    const auto got = lift_result(guest.side, type, std::span(is_flat ? &slots.front() : &slots.back(), 1));
    ASSERT_TRUE(got) << words << got.error().message;
    EXPECT_EQ(*got, result) << words;

    const std::string wave = to_wave(maker.make.types, *type.result, result);
    const auto read = from_wave(maker.make.types, *type.result, wave);
    ASSERT_TRUE(read) << wave << read.error().message;
    EXPECT_EQ(*read, result) << wave;
  }
  EXPECT_GT(flat, kRounds / 4);
  EXPECT_LT(flat, kRounds * 3 / 4);
}

/// What lies in memory and slots is the guest's choice: it is lifted or it traps.
TEST(RandomValues, OfAnyBytes) {
  Maker maker(7);
  Guest guest(maker.make.types);
  int traps = 0;
  int values = 0;
  for (int round = 0; round < 1000; ++round) {
    guest.side.encoding = static_cast<binary::StringEncoding>(maker.below(3));
    std::string bytes(2048, '\0');
    const std::uint32_t largest = maker.below(2) == 0 ? 4 : 256;
    for (char& byte : bytes) byte = static_cast<char>(maker.below(3) == 0 ? maker.below(largest) : 0);
    guest.write(0, bytes);
    const FunctionType type = {.parameters = {}, .result = maker.type(4)};
    const auto lifted = lift_result(guest.side, type, std::vector<std::uint64_t>{maker.below(64) * 8});
    if (lifted) {
      ++values;
      std::vector<std::uint64_t> slots(2, 0x8000);  // flat or not
      guest.free = 0x8000 + maker.make.types.layout(*type.result).size;
      const auto lowered = lower_result(guest.side, type, *lifted, slots);
      EXPECT_TRUE(lowered || lowered.error().trap == TrapKind::kMemoryOutOfBounds) << lowered.error().message;
    } else {
      ++traps;
      EXPECT_EQ(lifted.error().code, ErrorCode::kTrap) << lifted.error().message;
    }
  }
  EXPECT_GT(values, 100);
  EXPECT_GT(traps, 100);
}

}  // namespace
}  // namespace anew::component
