// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/tiers.hpp"

#include <utility>

#include "codegen/quick/tier.hpp"

namespace anew {

const codegen::Compiler& detail::compiler_of(codegen::Tier tier) noexcept {
  switch (tier) {
    case codegen::Tier::kQuick:
    case codegen::Tier::kOptimized:
    case codegen::Tier::kAuto: return codegen::quick::tier();  // it comes first
  }
  std::unreachable();
}

}  // namespace anew
