// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimizing tier in the test's own process, for modules by the thousand.
#pragma once

#include <cstdint>

namespace anew::codegen::optimizing {
enum class MarkFault : std::uint8_t;  // marks.hpp, which includes much
}

namespace anew::test {

enum class Share : std::uint8_t { kAll, kHalf /* about, and always the same functions */ };

/// Has modules of Tier::kOptimized compiled here from now on, so many of their functions.
void optimize_here(Share share, codegen::optimizing::MarkFault planted = {}) noexcept;

}  // namespace anew::test
