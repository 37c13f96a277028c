// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimizer that tests use.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace anew::test {

/// $ANEW_OPTIMIZER as the program began with it: a build without LLVM can take one of another build of the same
/// sources. Else the one of this build. It may not be there.
inline const std::filesystem::path kOptimizer = [] {
  const char* const chosen = std::getenv("ANEW_OPTIMIZER");
  return chosen != nullptr ? std::filesystem::path(chosen) : std::filesystem::path(ANEW_BINARY_DIR) / "anew-optimizer";
}();

}  // namespace anew::test
