// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Faults of guests become traps; all others go on to the handler that was there before.
//
// A fault is a guest's only if this thread is in guest state AND the address lies where a guest of this store can
// fault: in the inaccessible part of a memory, or in the guard of the guest stack it runs on. The program counter plays
// no part: library code that runs for a guest may fault on its stack as well. The handler changes the interrupted
// context so that the thread resumes in anew_landing, which takes it back to the host side of the innermost activation.
//
// A guest that is to be stopped from outside goes the same way: its thread is nudged (watchdog.hpp), and in guest state
// the handler redirects it. In host state it sets the kill flag only, which the guest finds where it would go on. One
// whose time slice is over is redirected to anew_park, if it is compiled code that the signal interrupted.
#pragma once

namespace anew::detail {

/// Installs the handlers, once for the process however often and from however many threads it is called.
/// Terminates if the system refuses, because guests could then take the process down.
void install_signal_handlers() noexcept;

}  // namespace anew::detail
