// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The numbers that enter.S knows of the structures in src/abi, each once: offsets.cpp asserts every one of them against
// the structure, or C++ takes it from here. For the preprocessor alone: assembly includes it.
#pragma once

// ThreadRecord
#define ANEW_RECORD_STATE 0
#define ANEW_RECORD_KILL 4
#define ANEW_RECORD_HOST_SP 8
#define ANEW_RECORD_TRAP_KIND 16
#define ANEW_RECORD_TRAP_IS_FAULT 20
#define ANEW_RECORD_TRAP_PC 24
#define ANEW_RECORD_TRAP_FP 32
#define ANEW_RECORD_HOST_CALLS 40
#define ANEW_RECORD_STUB_FRAME 48
#define ANEW_RECORD_LEFT_STACK_POINTER 56

// ThreadState
#define ANEW_STATE_HOST 0
#define ANEW_STATE_GUEST 1

// TrapKind
#define ANEW_TRAP_INTERRUPTED 12

// What a host function returns instead of a TrapKind: kLeft
#define ANEW_LEFT -1
// How a guest that was parked comes back: kParked
#define ANEW_PARKED -2

// FunctionReference
#define ANEW_REFERENCE_ENTRY 8
#define ANEW_REFERENCE_CELL 16

// HotHeader, from the cell pointer
#define ANEW_CELL_THREAD -16
#define ANEW_CELL_HOST_FUNCTIONS -32

// HostFunction: its size is a power of two
#define ANEW_HOST_FUNCTION_SHIFT 4
#define ANEW_HOST_FUNCTION_CALL 0
#define ANEW_HOST_FUNCTION_ENVIRONMENT 8

// Landing, which lies on the stack, 16-aligned
#define ANEW_LANDING_BYTES 16
#define ANEW_LANDING_PC 0
#define ANEW_LANDING_FRAME 8

// What anew_call_other has between a function and its callee, both return addresses among it.
#define ANEW_OTHER_CELL_BYTES 32

// What is on the stack of a guest that is parked (anew_park): the code that it interrupts may use what lies right below
// the stack pointer.
#define ANEW_RED_ZONE_BYTES 128
#define ANEW_PARKED_GENERAL_BYTES 120
#define ANEW_PARKED_VECTOR_BYTES 512
#define ANEW_PARKED_BYTES (8 + 8 + 8 + ANEW_PARKED_GENERAL_BYTES + ANEW_PARKED_VECTOR_BYTES)

// MXCSR (float_control.hpp)
#define ANEW_GUEST_FLOAT_CONTROL 0x1F80
#define ANEW_FLOAT_FLAGS 0x3F
