// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A guest that a signal interrupted: what its registers say, and how it is made to go on at anew_landing or anew_park.
#pragma once

#include <cstdint>

#include "abi/library.hpp"
#include "os/machine_context.hpp"

namespace anew::abi {

struct Interrupted {
  std::uint64_t pc;             ///< of the instruction that comes next; of the one that faulted
  std::uint64_t frame_pointer;  ///< of the function, once it has set it
  std::uint64_t stack_pointer;  ///< whether that code was a guest's, or a signal handler that interrupted one
};

/// Async-signal-safe.
[[nodiscard]] Interrupted interrupted_by(const os::MachineContext& context) noexcept;

/// Makes the thread go on at anew_landing, with what that expects. Async-signal-safe.
void resume_at_landing(os::MachineContext& context, ThreadRecord& record) noexcept;

/// Has the thread leave the guest where it is: anew_park saves its registers on its stack. The interrupted code must be
/// compiled code (not the library's, which may be in the midst of something). Async-signal-safe.
/// @param stack_bottom  of the guest's stack. @return false, changing nothing, if it has no room for the registers.
[[nodiscard]] bool resume_at_park(os::MachineContext& context, ThreadRecord& record,
                                  std::uint64_t stack_bottom) noexcept;

}  // namespace anew::abi
