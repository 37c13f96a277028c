// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <fmt/format.h>

#include <anew/error.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

namespace anew::component {

/// What an index space has there. @return kInvalid if it has not that many.
template <typename T>
[[nodiscard]] Result<T> at(const std::vector<T>& space, std::uint32_t index, std::string_view what) {
  if (index < space.size()) return space[index];
  return fail(ErrorCode::kInvalid,
              fmt::format("unknown {} {}: index out of bounds, there are {} so far", what, index, space.size()));
}

/// The same result, but an error with what it happened in before its message.
template <typename T, typename Where>
[[nodiscard]] Result<T> within(Result<T> result, Where where) {
  if (!result) [[unlikely]]
    result.error().message = fmt::format("{}: {}", where(), result.error().message);
  return result;
}

}  // namespace anew::component
