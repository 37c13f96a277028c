// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <expected>
#include <utility>

/// The value of a Result; an error is returned from the function around it, which returns a Result as well:
///
///     const auto file = TRY(os::File::open(path));
///     TRY(file.lock());
///
/// At most one in a statement, and what it is the whole of: a `return` amid an expression would leave what else is in
/// it half done.
#define TRY(...) ANEW_TRY_AS(ANEW_TRY_JOIN(result_, __COUNTER__), (__VA_ARGS__))
#define ANEW_TRY_JOIN(name, number) ANEW_TRY_JOIN_EXPANDED(name, number)
#define ANEW_TRY_JOIN_EXPANDED(name, number) name##number
#define ANEW_TRY_AS(result, expression)                  \
  __extension__({                                        \
    auto result = expression;                            \
    if (!result) [[unlikely]]                            \
      return std::unexpected(std::move(result).error()); \
    *std::move(result);                                  \
  })
