// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls that leave their thread and go on later: because a host function leaves them, on the same thread or another; or
// because their time slice is over, on the same one.
//
// Host functions run on the thread's own stack, guests on a stack of their activation. So a host function that returns
// leave() leaves nothing of the call but that guest stack: the import's stub waits there for the host function to
// return, with the registers that it preserves pushed below. The stack goes into the SuspendedCall, whoever started or
// resumed the call gets kLeft, and the thread is free. resume() puts the stack into an activation of its thread and
// returns from the host function.
//
// Two things in a guest stack name a thread. Cells point to the record of the thread that runs them: resume() sets
// those of the whole store. And the first frame returns to anew_enter of the thread that began: resume() has it return
// to anew_return_resumed, which finds its thread in the cell.
//
// Between leaving and resuming the store is as the host function left it: in use, of no thread's, with no deadline
// watched. The same holds of a guest that is parked: StoreState::time_slice behind its start, a signal handler finds
// the thread in compiled code and has that go on at anew_park, which pushes all registers (interruption.hpp). If the
// handler finds it elsewhere, in a host function or the library, the call has another slice. Compiled code has values
// in the thread's record for some instructions on end, and the record's address in registers: so the values are kept,
// and it goes on on that thread.
//
// No other call may be made in the store, for frames of the suspended one hold references that a collection of
// exceptions would not find; but for what the host function still has to do once the call goes on (FinishHostCall): by
// then the frames are found. To give the call up, let the SuspendedCall go and restore the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "abi/library.hpp"
#include "runtime/instance.hpp"
#include "runtime/thread.hpp"

namespace anew::detail {

struct Wait;

struct SuspendedCall {
  Instance* instance = nullptr;  ///< whose function was called
  FunctionHandle function;
  std::uint64_t* slots = nullptr;         ///< of the call: whoever starts it keeps them until it has ended
  std::uint64_t* host_slots = nullptr;    ///< of the host function that left it, where its results go
  std::uint64_t guest_stack_pointer = 0;  ///< where enter.S has the preserved registers; 0: not suspended
  std::int64_t stack_left = 0;            ///< ThreadRecord::stack_left
  std::uint64_t stub_frame = 0;           ///< ThreadRecord::stub_frame, where the host function's stub waits
  std::shared_ptr<Wait> waits_for;        ///< if a function of Linker::define_async left it
  GuestStack stack;                       ///< while suspended the call's; else one that a thread has in exchange
  const Thread* parked_on = nullptr;      ///< while it is parked
  std::uint64_t callee = 0;               ///< while it is parked: ThreadRecord::callee
  std::vector<std::uint64_t> spilled;     ///< and ThreadRecord::spilled_values, up to the last that is not 0

  [[nodiscard]] bool is_suspended() const noexcept { return guest_stack_pointer != 0; }
};

/// invoke() for a call that may leave its thread. @param call  stays where it is until the call has ended.
/// @return as invoke(), or abi::kLeft: then the call is suspended.
[[nodiscard]] std::uint32_t start(SuspendedCall& call, Instance& instance, const FunctionHandle& function,
                                  std::uint64_t* slots) noexcept;
/// What a host function that left its call still does, behind the wait: it writes the results to
/// SuspendedCall::host_slots, and may call the guest. @return 0, or a TrapKind; or what leave() returns, to wait again.
using FinishHostCall = std::uint32_t (*)(SuspendedCall& call) noexcept;
/// Goes on with a suspended call as if the host function had never left it, and now did `finish` and returned.
/// @return as start().
[[nodiscard]] std::uint32_t resume(SuspendedCall& call, FinishHostCall finish) noexcept;
/// Goes on with a call that was parked on this thread. @return as start().
[[nodiscard]] std::uint32_t resume_parked(SuspendedCall& call) noexcept;

/// What a host function returns, at once, to leave the call that it was called from: abi::kLeft, or a TrapKind if that
/// is not a call that may be left. @param slots  its own.
[[nodiscard]] std::uint32_t leave(std::uint64_t* slots) noexcept;
/// The call that the host function would leave; null if that is not one that may be left.
[[nodiscard]] SuspendedCall* suspendable_call() noexcept;

}  // namespace anew::detail
