// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package anew runs every WebAssembly call in an instance as new, at close to the price of a plain call.
//
// An [Engine] compiles a [Module]; a [Linker] has what the module imports; a [Pool] holds the instances of a module linked
// by a linker; a [Lease] is one of these instances, for as long as it is not closed. Closing it puts back all that the
// guest changed.
//
// # Goroutines
//
// All types may be used by many goroutines at once, but for these: a [Linker] is filled by one goroutine; a [Lease] is
// used by one goroutine at a time, and its methods return an error, rather than harm the process, when that is not so; a
// [Caller] belongs to the host function that it was passed to, on that function's goroutine. Nothing needs
// runtime.LockOSThread: a goroutine may be on another thread with each call of a lease. A call occupies a thread until it
// returns, as every call of C.
//
// # Host functions
//
// A host function runs on the goroutine of the call. An error that it returns traps the guest, and errors.Is and errors.As
// find it in the error of the call. A panic does not go through the guest: it ends the call, whose error has a [PanicError]
// with the value and the stack. runtime.Goexit (testing.T.FailNow calls it) cannot be stopped, and would leave the guest in
// its midst: the process ends with a message.
//
// # WASI
//
// [Linker.DefineWASI] gives guests WASI preview 1, with what [WASIOptions] grant and nothing else; [Lease.RunWASI] runs a
// program. The tag anew_no_wasi leaves it out, and libanew_wasi with it.
//
// # Memory
//
// Modules, pools and so on are freed when the garbage collector finds that nobody has them; it does not see how large they
// are. Leases too are given back then, if nobody closed them, but that is late: close them. Pools can be shut down.
//
// # Signals
//
// The first engine of a process installs handlers for SIGSEGV, SIGBUS and SIGRTMAX-1 behind which Go's own go on as
// before: nil pointers panic, in host functions too.
package anew

/*
#cgo pkg-config: anew
#include "glue.h"
*/
import "C"

import (
	"errors"
	"math"
	"runtime"
	"runtime/cgo"
	"time"
	"unsafe"
)

// Version is that of the library that runs, such as "1.2.3".
func Version() string { return C.GoString(C.anew_version_string()) }

// textOf is where a text lies and its size. C reads it during the call alone.
func textOf(text string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.size_t(len(text))
}

// bytesOf is where bytes lie and their size. Of none it is a place too: null would be an error.
func bytesOf(bytes []byte) (unsafe.Pointer, C.size_t) {
	if len(bytes) == 0 {
		return unsafe.Pointer(&noBytes), 0
	}
	return unsafe.Pointer(unsafe.SliceData(bytes)), C.size_t(len(bytes))
}

var noBytes C.char

// textIn is a text within a struct, which stays where it is until the pinner lets it go.
func textIn(pinner *runtime.Pinner, text string) C.anew_text_t {
	data, size := textOf(text)
	if data != nil {
		pinner.Pin(unsafe.StringData(text))
	}
	return C.anew_text_t{data: data, size: size}
}

func nanoseconds(duration time.Duration) C.uint64_t { return C.uint64_t(max(duration, 0)) }

// deadlineOf is a time as the C API has it; zero: none. It is a distance from now, whatever clock the time has.
func deadlineOf(at time.Time) C.int64_t {
	if at.IsZero() {
		return math.MaxInt64
	}
	return C.anew_deadline_after(nanoseconds(time.Until(at)))
}

// result is nil, or the error of a call with what a host function left for it. Both are deleted.
func result(of C.anew_go_result_t) error {
	cause := takeLeft(of.left)
	if of.error == nil {
		return nil // what was left is of something that was tried again, and nobody's
	}
	err := takeError(of.error)
	err.cause = cause
	return err
}

func takeLeft(left C.uintptr_t) error {
	if left == 0 {
		return nil
	}
	handle := cgo.Handle(left)
	defer handle.Delete()
	return handle.Value().(error)
}

// plainResult is the same for calls in which no host function runs.
func plainResult(err *C.anew_error_t) error {
	if err == nil {
		return nil
	}
	return takeError(err)
}

var errClosed = errors.New("anew: the lease is closed")
var errBusy = errors.New("anew: the lease is in use: by another goroutine, or by a call whose host function is to use its Caller")

// own makes an object that has a cleanup one of its own for the garbage collector: small objects without pointers lie in
// blocks, and a block's objects wait for one another. A pointer to what is C's is none to it.
type own struct{ _ unsafe.Pointer }
