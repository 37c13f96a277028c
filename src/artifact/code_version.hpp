// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <asmjit/core/api-config.h>

#include <cstdint>

namespace anew::artifact {

/// A hash of the sources that decide what machine code looks like, what it expects of the runtime, and what is believed
/// of it because a validator has seen its module (CMakeLists.txt lists them), and the version of the assembler: code of
/// another state of these is stale, whether or not somebody thought of raising a version.
inline constexpr std::uint64_t kCodeVersion = std::uint64_t{ANEW_CODE_VERSION} ^ std::uint64_t{ASMJIT_LIBRARY_VERSION}
                                                                                     << 32;

}  // namespace anew::artifact
