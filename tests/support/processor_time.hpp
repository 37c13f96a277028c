// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Time that passes only while somebody works: what bounds in tests are made of, since a busy machine does not stretch
// it.
#pragma once

#include <time.h>

#include <chrono>

namespace anew::test {

/// Of the calling thread.
inline std::chrono::nanoseconds thread_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace anew::test
