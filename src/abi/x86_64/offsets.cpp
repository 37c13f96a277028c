// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "abi/x86_64/offsets.h"

#include <cstddef>
#include <type_traits>

#include "abi/cell.hpp"
#include "abi/library.hpp"

namespace anew::abi {
namespace {

// A ThreadRecord's members are initialized, but it is a structure of numbers: its displacements are what they seem.
static_assert(std::is_standard_layout_v<ThreadRecord> && std::is_standard_layout_v<HotHeader>);
static_assert(offsetof(ThreadRecord, state) == ANEW_RECORD_STATE);
static_assert(offsetof(ThreadRecord, kill) == ANEW_RECORD_KILL);
static_assert(offsetof(ThreadRecord, host_sp) == ANEW_RECORD_HOST_SP);
static_assert(offsetof(ThreadRecord, trap_kind) == ANEW_RECORD_TRAP_KIND);
static_assert(offsetof(ThreadRecord, trap_is_fault) == ANEW_RECORD_TRAP_IS_FAULT);
static_assert(offsetof(ThreadRecord, trap_pc) == ANEW_RECORD_TRAP_PC);
static_assert(offsetof(ThreadRecord, trap_fp) == ANEW_RECORD_TRAP_FP);
static_assert(offsetof(ThreadRecord, host_calls) == ANEW_RECORD_HOST_CALLS);
static_assert(offsetof(ThreadRecord, stub_frame) == ANEW_RECORD_STUB_FRAME);
static_assert(offsetof(ThreadRecord, left_stack_pointer) == ANEW_RECORD_LEFT_STACK_POINTER);
// enter.S stores and compares 32 bits of these, and 64 of the others.
static_assert(sizeof(ThreadRecord::state) == 4 && sizeof(ThreadRecord::kill) == 4 &&
              sizeof(ThreadRecord::trap_kind) == 4 && sizeof(ThreadRecord::trap_is_fault) == 4);
static_assert(sizeof(ThreadRecord::host_sp) == 8 && sizeof(ThreadRecord::trap_pc) == 8 &&
              sizeof(ThreadRecord::trap_fp) == 8 && sizeof(ThreadRecord::host_calls) == 8 &&
              sizeof(ThreadRecord::left_stack_pointer) == 8 && sizeof(ThreadRecord::stub_frame) == 8);

static_assert(static_cast<int>(ThreadState::kHost) == ANEW_STATE_HOST);
static_assert(static_cast<int>(ThreadState::kGuest) == ANEW_STATE_GUEST);
static_assert(static_cast<int>(TrapKind::kInterrupted) == ANEW_TRAP_INTERRUPTED);
static_assert(kLeft == static_cast<std::uint32_t>(ANEW_LEFT) && kParked == static_cast<std::uint32_t>(ANEW_PARKED));

static_assert(offsetof(FunctionReference, entry) == ANEW_REFERENCE_ENTRY);
static_assert(offsetof(FunctionReference, cell) == ANEW_REFERENCE_CELL);
static_assert(kThread == ANEW_CELL_THREAD);
static_assert(kHostFunctions == ANEW_CELL_HOST_FUNCTIONS);

static_assert(sizeof(HostFunction) == 1 << ANEW_HOST_FUNCTION_SHIFT);
static_assert(offsetof(HostFunction, call) == ANEW_HOST_FUNCTION_CALL);
static_assert(offsetof(HostFunction, environment) == ANEW_HOST_FUNCTION_ENVIRONMENT);

static_assert(sizeof(Landing) == ANEW_LANDING_BYTES);
static_assert(offsetof(Landing, pc) == ANEW_LANDING_PC);
static_assert(offsetof(Landing, frame) == ANEW_LANDING_FRAME);

// anew_call_other: the stack stays aligned.
static_assert(ANEW_OTHER_CELL_BYTES % 16 == 0);
static_assert(ANEW_PARKED_GENERAL_BYTES == 15 * 8 && ANEW_PARKED_VECTOR_BYTES == 16 * 32);

// In rax and rdx, as System V returns two integers.
static_assert(sizeof(EnterResult) == 16 && std::is_trivially_copyable_v<EnterResult> &&
              offsetof(EnterResult, trap) == 0 && offsetof(EnterResult, record) == 8);

}  // namespace
}  // namespace anew::abi
