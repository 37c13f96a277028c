// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace anew::os {

/// Has free(object) called when this thread ends, after the destructors of all its thread-local objects: they may still
/// use the object. Not on the main thread, whose end is that of the process. One object a thread at a time, and one
/// `free` for the process: a later call takes the earlier one's place. @return false if the system has no room for it.
[[nodiscard]] bool free_at_thread_exit(void* object, void (*free)(void*)) noexcept;

/// Another one in a child after fork(), where the other threads of its parent are not.
[[nodiscard]] int process_id() noexcept;

}  // namespace anew::os
