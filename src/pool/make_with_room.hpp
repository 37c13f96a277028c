// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/error.hpp>
#include <cstddef>

namespace anew::pool {

/// Makes something and, while the system refuses what that takes and `make_room` can do something about it, makes it
/// again. @param make_room  is told to let 1, 2, 4 and so on things go, and returns whether any went.
template <typename Make, typename MakeRoom>
auto make_with_room(Make&& make, const MakeRoom& make_room) -> decltype(make()) {
  auto made = make();
  for (std::size_t count = 1; !made && made.error().code == ErrorCode::kResource && make_room(count); count *= 2)
    made = make();
  return made;
}

}  // namespace anew::pool
