// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package anew

// #include "glue.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// ErrorCode says what kind of thing is wrong.
type ErrorCode uint32

// What kind of thing is wrong. [Error.Message] says the rest.
const (
	Malformed   ErrorCode = C.ANEW_ERROR_MALFORMED   // the bytes are not a WebAssembly module
	Invalid     ErrorCode = C.ANEW_ERROR_INVALID     // the module does not validate
	Unsupported ErrorCode = C.ANEW_ERROR_UNSUPPORTED // a feature, or a processor, that Anew does not run
	Limit       ErrorCode = C.ANEW_ERROR_LIMIT       // the module is past one of Anew's limits
	Link        ErrorCode = C.ANEW_ERROR_LINK        // an import is missing or of another type
	Trap        ErrorCode = C.ANEW_ERROR_TRAP        // the guest trapped; Error.Trap and Error.Backtrace say how and where
	Argument    ErrorCode = C.ANEW_ERROR_ARGUMENT    // a wrong argument: count, type or range
	NotFound    ErrorCode = C.ANEW_ERROR_NOT_FOUND   // no such export, file or key
	IO          ErrorCode = C.ANEW_ERROR_IO          // the operating system refused a file operation
	Resource    ErrorCode = C.ANEW_ERROR_RESOURCE    // out of memory, mappings, threads, pool capacity or time to wait
	Artifact    ErrorCode = C.ANEW_ERROR_ARTIFACT    // a compiled module or snapshot file that is refused
	Host        ErrorCode = C.ANEW_ERROR_HOST        // a callback of the host failed
)

// String is a few words, such as "link error".
func (code ErrorCode) String() string {
	return C.GoString(C.anew_error_code_name(C.anew_error_code_t(code)))
}

// TrapKind says why a guest stopped.
type TrapKind uint32

// Why a guest stopped.
const (
	NoTrap                     TrapKind = C.ANEW_TRAP_NONE
	Unreachable                TrapKind = C.ANEW_TRAP_UNREACHABLE
	MemoryOutOfBounds          TrapKind = C.ANEW_TRAP_MEMORY_OUT_OF_BOUNDS
	TableOutOfBounds           TrapKind = C.ANEW_TRAP_TABLE_OUT_OF_BOUNDS
	UndefinedElement           TrapKind = C.ANEW_TRAP_UNDEFINED_ELEMENT
	UninitializedElement       TrapKind = C.ANEW_TRAP_UNINITIALIZED_ELEMENT
	IndirectCallTypeMismatch   TrapKind = C.ANEW_TRAP_INDIRECT_CALL_TYPE_MISMATCH
	IntegerDivideByZero        TrapKind = C.ANEW_TRAP_INTEGER_DIVIDE_BY_ZERO
	IntegerOverflow            TrapKind = C.ANEW_TRAP_INTEGER_OVERFLOW
	InvalidConversionToInteger TrapKind = C.ANEW_TRAP_INVALID_CONVERSION_TO_INTEGER
	StackExhausted             TrapKind = C.ANEW_TRAP_STACK_EXHAUSTED
	HostError                  TrapKind = C.ANEW_TRAP_HOST_ERROR  // a host function returned an error, or panicked
	Interrupted                TrapKind = C.ANEW_TRAP_INTERRUPTED // stopped from outside: deadline, Canceller, shutdown
	NullReference              TrapKind = C.ANEW_TRAP_NULL_REFERENCE
	NullFunctionReference      TrapKind = C.ANEW_TRAP_NULL_FUNCTION_REFERENCE
	NullExceptionReference     TrapKind = C.ANEW_TRAP_NULL_EXCEPTION_REFERENCE
	UnalignedAtomic            TrapKind = C.ANEW_TRAP_UNALIGNED_ATOMIC
	ExpectedSharedMemory       TrapKind = C.ANEW_TRAP_EXPECTED_SHARED_MEMORY
	UnhandledException         TrapKind = C.ANEW_TRAP_UNHANDLED_EXCEPTION
	ExceptionsExhausted        TrapKind = C.ANEW_TRAP_EXCEPTIONS_EXHAUSTED
	OutOfFuel                  TrapKind = C.ANEW_TRAP_OUT_OF_FUEL // it needed more than Lease.SetFuel gave it
	CastFailure                TrapKind = C.ANEW_TRAP_CAST_FAILURE
)

// String is the specification's words for it, such as "integer divide by zero".
func (trap TrapKind) String() string { return C.GoString(C.anew_trap_name(C.anew_trap_t(trap))) }

// Frame is one WebAssembly frame of a backtrace.
type Frame struct {
	FunctionIndex uint32
	FunctionName  string // as the guest wrote it; empty where unknown
	InstanceName  string // of an instance that others import from; empty for the main one
	IsHost        bool   // the import through which the guest called a host function
	ModuleOffset  uint64 // of the operator, in bytes of the module's binary; 0 where unknown
	SourceFile    string // of the guest's source, if the module has DWARF that tells; empty where unknown
	SourceLine    uint32 // the line there; 0 where unknown
}

// Error is what the library's functions fail with: errors.As finds it.
type Error struct {
	Code      ErrorCode
	Message   string   // what is wrong, where, and what to do about it
	Trap      TrapKind // of a call that trapped
	HasOffset bool     // of a module that is refused: whether Offset says where
	Offset    uint64   // byte offset in the binary
	Backtrace []Frame  // of a call that trapped, innermost frame first; a deep one leaves out the outermost
	Text      string   // the message, the offset and the backtrace in lines: names demangled, a guest's words escaped

	cause error
}

// Error is the message.
func (err *Error) Error() string { return "anew: " + err.Message }

// Unwrap is what a host function returned or panicked with (a [PanicError]), or nil.
func (err *Error) Unwrap() error { return err.cause }

// PanicError is what a host function panicked with.
type PanicError struct {
	Value any
	Stack []byte // of the goroutine, as debug.Stack has it
}

// Error is the value, in words.
func (err *PanicError) Error() string { return fmt.Sprintf("a host function panicked: %v", err.Value) }

// Unwrap is the value, if it is an error.
func (err *PanicError) Unwrap() error {
	cause, _ := err.Value.(error)
	return cause
}

// takeError copies an error, and deletes it.
func takeError(raw *C.anew_error_t) *Error {
	defer C.anew_error_delete(raw)
	err := &Error{
		Code:    ErrorCode(C.anew_error_code(raw)),
		Message: C.GoString(C.anew_error_message(raw)),
		Trap:    TrapKind(C.anew_error_trap(raw)),
		Text:    C.GoString(C.anew_error_text(raw)),
	}
	var offset C.uint64_t
	if C.anew_error_offset(raw, &offset) {
		err.HasOffset, err.Offset = true, uint64(offset)
	}
	for index := range C.anew_error_frame_count(raw) {
		frame := C.anew_frame_t{struct_size: C.sizeof_anew_frame_t}
		if !C.anew_error_frame(raw, index, &frame) {
			break
		}
		err.Backtrace = append(err.Backtrace, Frame{
			FunctionIndex: uint32(frame.function_index),
			FunctionName:  goText(frame.function_name, frame.function_name_size),
			InstanceName:  goText(frame.instance_name, frame.instance_name_size),
			IsHost:        bool(frame.is_host),
			ModuleOffset:  uint64(frame.module_offset),
			SourceFile:    goText(frame.source_file, frame.source_file_size),
			SourceLine:    uint32(frame.source_line),
		})
	}
	return err
}

func goText(data *C.char, size C.size_t) string {
	return string(unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size)))
}

// newError is an error for a callback to return.
func newError(code ErrorCode, message string) *C.anew_error_t {
	data, size := textOf(message)
	return C.anew_error_new(C.anew_error_code_t(code), data, size)
}
