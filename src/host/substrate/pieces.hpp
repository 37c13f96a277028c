// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Long data, piece by piece.
#pragma once

#include <anew/substrate/types.hpp>
#include <cstddef>

#include "runtime/stop.hpp"

namespace anew::substrate {

/// So much is worked on without asking whether the call is to end: some milliseconds at most.
inline constexpr std::size_t kPiece = 1u << 20;

/// Calls `work` with one piece after the other, with the whole if it is not longer. Between two of them it may throw
/// CallStopped.
template <typename F>
void for_each_piece(BytesView data, F&& work) {
  for (; data.size() > kPiece; data = data.subspan(kPiece)) {
    work(data.first(kPiece));
    detail::check_stop();
  }
  work(data);
}

}  // namespace anew::substrate
