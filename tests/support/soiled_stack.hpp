// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What earlier calls leave on the stack, made certain.
#pragma once

#include <cstdint>

namespace anew::test {

/// Fills what lies below the caller's frame, where a guest that is called next has its frames.
[[gnu::noinline]] inline void soil_stack() {
  volatile std::uint64_t words[2048];
  for (volatile std::uint64_t& word : words) word = 0x5017'ED5A'5017'ED5B;
}

}  // namespace anew::test
