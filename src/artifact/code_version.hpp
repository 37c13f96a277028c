// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdint>

namespace anew::artifact {

/// A hash of the sources that decide what machine code looks like and what it expects of the runtime, made by the
/// build: code of another state of these sources is stale, whether or not somebody thought of raising a version.
inline constexpr std::uint64_t kCodeVersion = ANEW_CODE_VERSION;

}  // namespace anew::artifact
