// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every limit that Anew sets to a component beside those of its core modules (wasm/limits.hpp), in one place. A
// component past one of them is refused with ErrorCode::kLimit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anew::component::limits {

inline constexpr std::uint64_t kComponentBytes = 1ull << 30;
/// Of components, and of types of components and instances, in one another.
inline constexpr std::uint32_t kNesting = 100;
/// Definitions, declarations, fields, cases, names of flags, arguments and so on, of a component and its nested ones
/// together: each takes about 100 bytes.
inline constexpr std::uint32_t kParts = 1'000'000;
inline constexpr std::uint32_t kNameBytes = 100'000;  ///< as of a core import's or export's

/// Of the validator: comparing a part of a type, or copying it (some 50 bytes). A component of 18 MB from Python takes
/// 20,000.
inline constexpr std::uint64_t kSteps = 2'000'000;

}  // namespace anew::component::limits
