// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package anew

// #include "glue.h"
import "C"

import (
	"fmt"
	"os"
	"runtime/cgo"
	"runtime/debug"
	"unsafe"
)

// contained runs what C has called. Neither a panic nor its error leaves it but as an error of the C API, behind which the
// Go error is left for the call around it.
func contained(run func() error) (raw *C.anew_error_t) {
	returned := false
	defer func() {
		if value := recover(); value != nil {
			raw = leave(&PanicError{value, debug.Stack()})
		} else if !returned {
			// To let the goroutine end would take C's frames, and the guest's, from under it.
			fmt.Fprintf(os.Stderr, "anew: runtime.Goexit in a host function, which testing.T.FailNow calls too:\n%s", debug.Stack())
			os.Exit(2)
		}
	}()
	err := run()
	returned = true
	if err != nil {
		raw = leave(err)
	}
	return raw
}

func leave(err error) *C.anew_error_t {
	if before := C.anew_go_leave(C.uintptr_t(cgo.NewHandle(err))); before != 0 {
		cgo.Handle(before).Delete()
	}
	return newError(Host, wordsOf(err))
}

// wordsOf is the message of an error, whatever making it does.
func wordsOf(err error) (words string) {
	defer func() {
		if recover() != nil {
			words = "an error of the host has no message"
		}
	}()
	return err.Error()
}

//export anewGoCall
func anewGoCall(data C.uintptr_t, caller *C.anew_caller_t, slots *C.uint64_t) *C.anew_error_t {
	function := cgo.Handle(data).Value().(*hostFunction)
	from := &Caller{raw: caller}
	defer func() { from.raw = nil }()
	return contained(func() error {
		return function.call(from, unsafe.Slice((*uint64)(unsafe.Pointer(slots)), function.slots))
	})
}

//export anewGoLoad
func anewGoLoad(data C.uintptr_t, code *unsafe.Pointer, size *C.size_t) *C.anew_error_t {
	loader := cgo.Handle(data).Value().(*loader)
	return contained(func() error {
		loaded, err := loader.load()
		if err != nil {
			return err
		}
		if len(loaded) > 0 {
			loader.pinner.Pin(unsafe.SliceData(loaded))
		}
		*code, *size = unsafe.Pointer(unsafe.SliceData(loaded)), C.size_t(len(loaded))
		return nil
	})
}

//export anewGoCreateState
func anewGoCreateState(data C.uintptr_t, state *unsafe.Pointer) *C.anew_error_t {
	functions := cgo.Handle(data).Value().(*stateFunctions)
	return contained(func() error {
		// The handle, as a pointer that nobody follows.
		*(*uintptr)(unsafe.Pointer(state)) = uintptr(cgo.NewHandle(functions.create()))
		return nil
	})
}

//export anewGoResetState
func anewGoResetState(data, state C.uintptr_t) *C.anew_error_t {
	functions := cgo.Handle(data).Value().(*stateFunctions)
	return contained(func() error {
		functions.reset(cgo.Handle(state).Value())
		return nil
	})
}

//export anewGoDelete
func anewGoDelete(handle C.uintptr_t) { cgo.Handle(handle).Delete() }
