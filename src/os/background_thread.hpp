// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <anew/version.hpp>

namespace anew::os {

/// Runs `run` on a new thread that nobody waits for and that gets none of the process's signals.
/// @return false if the system refused.
[[nodiscard]] ANEW_DETAIL_API bool start_background_thread(void (*run)()) noexcept;

/// Has these called around each fork() of the process: in this order, the last one in the child, where the thread that
/// forked is the only one; null for nothing to do. @return false if the system has no room for it.
[[nodiscard]] ANEW_DETAIL_API bool call_at_fork(void (*before)(), void (*after)(), void (*in_child)()) noexcept;

}  // namespace anew::os
