// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The registers of x86-64 as the quick tier divides them up (see abi/x86_64/convention.hpp): r13 is the cell pointer;
// r10, r11 and xmm15 are scratch within one operator; all others hold operands and locals.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "abi/x86_64/convention.hpp"

namespace anew::codegen::quick {

/// A general register (0 to 15) or an xmm register (16 to 31).
using Register = std::uint8_t;
inline constexpr Register kNoRegister = 0xFF;
inline constexpr Register kFirstXmm = 16;
using RegisterSet = std::uint32_t;  ///< bit r: register r
inline constexpr std::size_t kRegisters = 32;

inline constexpr Register kRax = 0, kRcx = 1, kRdx = 2, kRbx = 3, kRsi = 6, kRdi = 7, kR8 = 8, kR9 = 9, kR10 = 10,
                          kR11 = 11, kR12 = 12, kR13 = 13, kR14 = 14, kR15 = 15;
inline constexpr Register kXmm0 = kFirstXmm, kXmm15 = kFirstXmm + 15;

constexpr RegisterSet bit(Register reg) noexcept { return RegisterSet{1} << reg; }

inline constexpr RegisterSet kVolatileGeneral =
    bit(kRax) | bit(kRcx) | bit(kRdx) | bit(kRsi) | bit(kRdi) | bit(kR8) | bit(kR9);
inline constexpr RegisterSet kPreserved = bit(kRbx) | bit(kR12) | bit(kR14) | bit(kR15);
inline constexpr RegisterSet kGeneral = kVolatileGeneral | kPreserved;
inline constexpr RegisterSet kFloats = 0x7FFF'0000;  // xmm0 to xmm14
inline constexpr RegisterSet kAllocatable = kGeneral | kFloats;
inline constexpr RegisterSet kVolatile = kVolatileGeneral | kFloats;

inline constexpr std::array<Register, abi::kIntegerArguments> kArgumentRegisters = {kRdi, kRsi, kRdx, kRcx, kR8, kR9};
inline constexpr std::array<Register, abi::kIntegerResults> kResultRegisters = {kRax, kRdx, kRcx, kR8};
/// In the order of their places in the frame.
inline constexpr std::array<Register, 4> kPreservedRegisters = {kRbx, kR12, kR14, kR15};

// Scratch registers that carry a value from the model of values to an instruction.
inline constexpr Register kIndex = kR10;            ///< of a br_table
inline constexpr Register kCallee = kR10;           ///< the FunctionReference of who is called
inline constexpr Register kLibraryResult = kRax;    ///< what a library function returns
inline constexpr Register kCaughtException = kRax;  ///< what a handler is given
inline constexpr Register kThrownException = kRdi;  ///< what is thrown

/// Where a function keeps its cell pointer, from rbp (FrameLayout::kept_cell).
inline constexpr std::int32_t kSavedCell = -40;

/// Calls f(register) for each member of the set.
template <typename F>
void for_each(RegisterSet set, F&& f) {
  for (; set != 0; set &= set - 1) f(static_cast<Register>(std::countr_zero(set)));
}

constexpr bool is_wide(ValueType type) noexcept { return type != ValueType::kI32 && type != ValueType::kF32; }
/// Whether values of the type live in xmm registers.
constexpr bool is_in_xmm(ValueType type) noexcept { return is_float(type) || type == ValueType::kV128; }
constexpr std::uint32_t bytes_of(ValueType type) noexcept {
  return type == ValueType::kV128 ? 16 : is_wide(type) ? 8 : 4;
}

constexpr Register argument_register(abi::Place place) noexcept {
  return place.kind == abi::Place::Kind::kFloat ? static_cast<Register>(kXmm0 + place.index)
                                                : kArgumentRegisters[place.index];
}
constexpr Register result_register(abi::Place place) noexcept {
  return place.kind == abi::Place::Kind::kFloat ? static_cast<Register>(kXmm0 + place.index)
                                                : kResultRegisters[place.index];
}
/// Of a block's single result.
constexpr Register result_register(ValueType type) noexcept { return is_in_xmm(type) ? kXmm0 : kRax; }
/// A register that holds nothing between two steps of an operator.
constexpr Register scratch_for(ValueType type) noexcept { return is_in_xmm(type) ? kXmm15 : kR11; }

}  // namespace anew::codegen::quick
