// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <cstdint>

#include "component/limits.hpp"

namespace anew::component {

/// Counts steps of the validator, and parts of the types that it makes: a few bytes can ask for a type to be looked at,
/// or copied, again and again.
class Effort {
 public:
  /// @return kLimit once there are too many.
  [[nodiscard]] Result<void> take(std::uint64_t steps) {
    left_ -= steps < left_ ? steps : left_;
    if (left_ == 0) [[unlikely]]
      return fail(ErrorCode::kLimit, "the component's types take too long to compare: use fewer or smaller ones");
    return {};
  }

 private:
  std::uint64_t left_ = limits::kSteps;
};

}  // namespace anew::component
