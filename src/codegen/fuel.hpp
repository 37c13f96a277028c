// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fuel (Options::fuel): what is charged, and when, is the same in every tier and on every machine.
//
// A body is cut into segments. One begins at the start of the function and behind each loop, else, catch, catch_all,
// delegate, end, if, br_if, br_on_null, br_on_non_null, br_on_cast and br_on_cast_fail. Its price is the sum of its
// operators' prices, those that can never be reached left out (wasm/sink.hpp says which these are): 0 for block, loop,
// else, catch, catch_all, delegate, end and nop, 1 for every other; calls and branches also pay for the values that
// they move, one for each whole kValuesPerUnit. To the first segment of a function adds one for each whole
// kLocalsPerUnit locals that it declares.
//
// A segment is charged when its first operator that costs something is about to run; if the fuel goes below zero by
// that, the call ends with kOutOfFuel before the operator. So a call that returns has paid just for what it executed,
// whatever the cuts; one that leaves a segment in its midst, by a trap or an exception, has paid for all of that
// segment. Bulk operators also pay for what they move, in runtime/library.cpp, before they move it; a throw for where
// it looks for a handler, in runtime/exceptions.cpp.
#pragma once

#include <cstdint>

namespace anew::codegen {

/// Entering a function sets its locals to zero, which takes time that no operator pays for.
inline constexpr std::uint32_t kLocalsPerUnit = 8;
/// So does moving parameters and results, of which there may be thousands.
inline constexpr std::uint32_t kValuesPerUnit = 8;

}  // namespace anew::codegen
