// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Floating-point control (MXCSR): part of what a guest computes with, and not the guest's to change. Whoever enters one
// compares it first, for a library that somebody loaded may have set another (-ffast-math does); enter.S puts it back
// where a host function returns to its guest.
#pragma once

#include <xmmintrin.h>

#include <cstdint>

#include "abi/x86_64/offsets.h"

namespace anew::abi {

/// Of guests: round to nearest, subnormals are numbers, nothing traps.
inline constexpr std::uint32_t kGuestFloatControl = ANEW_GUEST_FLOAT_CONTROL;
/// These bits say what happened and control nothing.
inline constexpr std::uint32_t kFloatFlags = ANEW_FLOAT_FLAGS;

[[nodiscard]] inline std::uint32_t float_control() noexcept { return _mm_getcsr(); }
inline void set_float_control(std::uint32_t control) noexcept { _mm_setcsr(control); }
/// Whether guests must not run with it.
[[nodiscard]] constexpr bool is_foreign_float_control(std::uint32_t control) noexcept {
  return (control & ~kFloatFlags) != kGuestFloatControl;
}

}  // namespace anew::abi
