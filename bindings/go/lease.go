// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package anew

// #include "glue.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/cgo"
	"sync/atomic"
	"time"
	"unsafe"
)

// Function is an exported function of a pool, good for the leases of that pool, which it keeps.
type Function struct {
	raw   *C.anew_function_t
	of    FunctionType
	slots int
	pool  *Pool
}

func newFunction(raw *C.anew_function_t) *Function {
	of := C.anew_function_type(raw)
	function := &Function{raw: raw, of: goType(&of)}
	function.slots = function.of.Slots()
	runtime.AddCleanup(function, func(raw *C.anew_function_t) { C.anew_function_delete(raw) }, raw)
	return function
}

// Type is what it takes and returns.
func (function *Function) Type() FunctionType { return function.of }

// with calls with values: checks them, and makes slots of them.
func (function *Function) with(arguments []Value, call func(slots []uint64) error) ([]Value, error) {
	var few [8]uint64
	slots := few[:]
	if function.slots > len(few) {
		slots = make([]uint64, function.slots)
	}
	if err := putSlots(slots, arguments, function.of); err != nil {
		return nil, err
	}
	if err := call(slots); err != nil {
		return nil, err
	}
	return valuesOf(slots, function.of.Results), nil
}

// CallAsNew calls the function in an instance as new: Acquire, Call and Close at once, in one change from Go to C.
func (function *Function) CallAsNew(arguments ...Value) ([]Value, error) {
	return function.with(arguments, function.CallAsNewSlots)
}

// CallAsNewSlots is CallAsNew by slots, as [Lease.CallSlots].
func (function *Function) CallAsNewSlots(slots []uint64) error {
	err := result(C.anew_go_call_as_new(function.pool.raw, function.raw, first(slots), C.size_t(len(slots))))
	runtime.KeepAlive(function)
	return err
}

func first(slots []uint64) *C.uint64_t { return (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(slots))) }

const (
	idle int32 = iota
	busy
	closed
)

// Lease is one instance as new. [Lease.Close] gives it back, which puts back all that the guest changed. The instance keeps
// its state between the calls of one lease. After a trap it is as the trap left it, in the midst of its work: close it.
//
// One goroutine at a time uses a lease. Within a host function its guest is reached through the [Caller], not through the
// lease, whose methods fail then.
type Lease struct {
	raw     *C.anew_lease_t
	state   atomic.Int32
	cleanup runtime.Cleanup
}

func (lease *Lease) acquired(pool *Pool, err error) (*Lease, error) {
	runtime.KeepAlive(pool)
	if err != nil {
		return nil, err
	}
	lease.cleanup = runtime.AddCleanup(lease, release, lease.raw)
	return lease, nil
}

func release(raw *C.anew_lease_t) {
	if left := C.anew_go_release(raw); left != 0 {
		cgo.Handle(left).Delete() // of a start function that ran again: nobody waits for it
	}
}

// begin makes the lease busy, end idle again.
func (lease *Lease) begin() error {
	if lease.state.CompareAndSwap(idle, busy) {
		return nil
	}
	if lease.state.Load() == closed {
		return errClosed
	}
	return errBusy
}
func (lease *Lease) end() { lease.state.Store(idle) }

// Close gives the instance back, which makes it as new. A second time it does nothing. It fails if the lease is in use.
func (lease *Lease) Close() error {
	if !lease.state.CompareAndSwap(idle, closed) {
		if lease.state.Load() == closed {
			return nil
		}
		return errBusy
	}
	lease.cleanup.Stop()
	release(lease.raw)
	return nil
}

// Call calls a function with values. It fails with [Trap], and with [Argument] for other types or if the function was found
// in another pool.
func (lease *Lease) Call(function *Function, arguments ...Value) ([]Value, error) {
	return function.with(arguments, func(slots []uint64) error { return lease.CallSlots(function, slots) })
}

// CallSlots calls a function by slots of 64 bits: the fast way. They hold the arguments, from the first slot, and when it
// returns the results, from the first slot; there are as many as [FunctionType.Slots] says, at least. An i32 or f32 is in
// the lower half of its slot; a v128 takes two.
func (lease *Lease) CallSlots(function *Function, slots []uint64) error {
	if err := lease.begin(); err != nil {
		return err
	}
	err := result(C.anew_go_lease_call(lease.raw, function.raw, first(slots), C.size_t(len(slots))))
	lease.end()
	runtime.KeepAlive(function)
	return err
}

// CallContext is Call, ended with [Interrupted] when the context is done; errors.Is finds the context's error in that. The
// lease is of no more use then: close it.
func (lease *Lease) CallContext(ctx context.Context, function *Function, arguments ...Value) ([]Value, error) {
	if ctx.Done() == nil {
		return lease.Call(function, arguments...)
	}
	canceller, err := lease.Canceller()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, canceller.Cancel)
	results, err := lease.Call(function, arguments...)
	stop()
	var trap *Error
	if errors.As(err, &trap) && trap.Trap == Interrupted && ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", err, context.Cause(ctx))
	}
	return results, err
}

// Memory is memory 0, of size 0 if there is none.
func (lease *Lease) Memory() (*Memory, error) { return lease.memory(nil, 0) }

// ExportedMemory is a memory by its name. It fails with [NotFound], or [Argument] if the export is no memory.
func (lease *Lease) ExportedMemory(name string) (*Memory, error) {
	data, size := textOf(name)
	if data == nil {
		data = &noBytes // null would be memory 0
	}
	return lease.memory(data, size)
}

func (lease *Lease) memory(name *C.char, size C.size_t) (*Memory, error) {
	if err := lease.begin(); err != nil {
		return nil, err
	}
	defer lease.end()
	memory := &Memory{lease: lease}
	if err := plainResult(C.anew_lease_memory(lease.raw, name, size, &memory.raw)); err != nil {
		return nil, err
	}
	return memory, nil
}

// Global is the value of an exported global. It fails with [NotFound], or [Argument] if the export is no global.
func (lease *Lease) Global(name string) (Value, error) {
	if err := lease.begin(); err != nil {
		return Value{}, err
	}
	defer lease.end()
	var raw C.anew_value_t
	data, size := textOf(name)
	if err := plainResult(C.anew_lease_global(lease.raw, data, size, &raw)); err != nil {
		return Value{}, err
	}
	return goValue(&raw), nil
}

// State is the host state of that kind, or nil if the linker defines none.
func (lease *Lease) State(of *StateType) (any, error) {
	if err := lease.begin(); err != nil {
		return nil, err
	}
	defer lease.end()
	state := uintptr(C.anew_lease_state(lease.raw, of.raw))
	runtime.KeepAlive(of)
	return stateOf(state), nil
}

func stateOf(handle uintptr) any {
	if handle == 0 {
		return nil
	}
	return cgo.Handle(handle).Value()
}

// SetDeadline lets calls that begin from now on end with [Interrupted] when the time has come, within milliseconds; zero:
// no deadline. A call that is in a host function then ends when that returns.
func (lease *Lease) SetDeadline(deadline time.Time) error {
	if err := lease.begin(); err != nil {
		return err
	}
	C.anew_lease_set_deadline(lease.raw, deadlineOf(deadline))
	lease.end()
	return nil
}

// SetFuel is what calls in this lease may still execute, in a module compiled with CompileOptions.Fuel: about one unit for
// each operator. Past it they end with [OutOfFuel]. Without this call there is no limit.
func (lease *Lease) SetFuel(fuel uint64) error {
	if err := lease.begin(); err != nil {
		return err
	}
	C.anew_lease_set_fuel(lease.raw, C.uint64_t(fuel))
	lease.end()
	return nil
}

// Fuel is what is left of it.
func (lease *Lease) Fuel() (uint64, error) {
	if err := lease.begin(); err != nil {
		return 0, err
	}
	defer lease.end()
	return uint64(C.anew_lease_fuel(lease.raw)), nil
}

// DirtyBytes is about how many bytes of memory closing would restore now.
func (lease *Lease) DirtyBytes() (uint64, error) {
	if err := lease.begin(); err != nil {
		return 0, err
	}
	defer lease.end()
	return uint64(C.anew_lease_dirty_bytes(lease.raw)), nil
}

// Canceller ends the calls of one lease from any goroutine, at any time. It outlives its lease.
type Canceller struct {
	raw *C.anew_canceller_t
	_   own
}

// Canceller is what ends this lease's calls from other goroutines.
func (lease *Lease) Canceller() (*Canceller, error) {
	if err := lease.begin(); err != nil {
		return nil, err
	}
	defer lease.end()
	canceller := &Canceller{}
	if err := plainResult(C.anew_lease_canceller(lease.raw, &canceller.raw)); err != nil {
		return nil, err
	}
	runtime.AddCleanup(canceller, func(raw *C.anew_canceller_t) { C.anew_canceller_delete(raw) }, canceller.raw)
	return canceller, nil
}

// Cancel ends the call that runs in the lease, and each that begins later in it, with [Interrupted]. It does not wait for
// the end. Once the lease is closed it does nothing.
func (canceller *Canceller) Cancel() {
	C.anew_canceller_cancel(canceller.raw)
	runtime.KeepAlive(canceller)
}

// Caller is the instance that calls a host function, for as long as that runs.
//
// Calls of the guest's own functions nest in the call that the host function is part of: the same deadline and canceller,
// what that call has left of fuel and stack, and 64 calls within one another at most. A trap ends the nested call alone:
// the host function may return its error, which ends the call around it too, or go on.
type Caller struct{ raw *C.anew_caller_t }

// Call calls a function that was found in the pool of the instance.
func (caller *Caller) Call(function *Function, arguments ...Value) ([]Value, error) {
	return function.with(arguments, func(slots []uint64) error { return caller.CallSlots(function, slots) })
}

// CallSlots is Call by slots, as [Lease.CallSlots].
func (caller *Caller) CallSlots(function *Function, slots []uint64) error {
	err := result(C.anew_go_caller_call(caller.raw, function.raw, first(slots), C.size_t(len(slots))))
	runtime.KeepAlive(function)
	return err
}

// CallExport calls a function by its name, which is looked up each time. It fails with [NotFound], [Argument], [Trap].
func (caller *Caller) CallExport(name string, arguments ...Value) ([]Value, error) {
	var raw *C.anew_function_t
	data, size := textOf(name)
	if err := plainResult(C.anew_go_caller_function(caller.raw, data, size, &raw)); err != nil {
		return nil, err
	}
	defer C.anew_function_delete(raw) // it is good as long as the pool, which this call keeps
	of := C.anew_function_type(raw)
	function := &Function{raw: raw, of: goType(&of)}
	function.slots = function.of.Slots()
	return caller.Call(function, arguments...)
}

// Memory is memory 0, of size 0 if there is none.
func (caller *Caller) Memory() (*Memory, error) { return caller.memory(nil, 0) }

// ExportedMemory is a memory by its name. It fails with [NotFound], or [Argument] if the export is no memory.
func (caller *Caller) ExportedMemory(name string) (*Memory, error) {
	data, size := textOf(name)
	if data == nil {
		data = &noBytes
	}
	return caller.memory(data, size)
}

func (caller *Caller) memory(name *C.char, size C.size_t) (*Memory, error) {
	memory := &Memory{caller: caller}
	if err := plainResult(C.anew_go_caller_memory(caller.raw, name, size, &memory.raw)); err != nil {
		return nil, err
	}
	return memory, nil
}

// Global is the value of an exported global. It fails with [NotFound], or [Argument] if the export is no global.
func (caller *Caller) Global(name string) (Value, error) {
	var raw C.anew_value_t
	data, size := textOf(name)
	if err := plainResult(C.anew_go_caller_global(caller.raw, data, size, &raw)); err != nil {
		return Value{}, err
	}
	return goValue(&raw), nil
}

// State is the host state of that kind, or nil if the linker defines none.
func (caller *Caller) State(of *StateType) (any, error) {
	var handle C.uintptr_t
	err := plainResult(C.anew_go_caller_state(caller.raw, of.raw, &handle))
	runtime.KeepAlive(of)
	return stateOf(uintptr(handle)), err
}

// Stopping says whether the call is to end as soon as the host function returns: its deadline has passed, or its pool shuts
// down. A host function that works long asks now and then, and returns any error.
func (caller *Caller) Stopping() bool {
	var stopping C.bool
	return plainResult(C.anew_go_caller_stopping(caller.raw, &stopping)) != nil || bool(stopping)
}

// Memory is a linear memory of an instance, as long as the [Lease] or the host function's call that it comes from. Every
// access is checked against the memory's size now; what is written is marked, so that the reset restores it.
type Memory struct {
	raw    C.anew_memory_t
	lease  *Lease // either
	caller *Caller
}

// use runs what uses the memory, if its lease or caller is still good.
func (memory *Memory) use(run func(caller *C.anew_caller_t) *C.anew_error_t) error {
	if memory.lease == nil {
		if memory.caller.raw == nil {
			return &Error{Code: Argument, Message: "the host function that the memory was asked in has returned"}
		}
		return plainResult(run(memory.caller.raw))
	}
	if err := memory.lease.begin(); err != nil {
		return err
	}
	defer memory.lease.end()
	return plainResult(run(nil))
}

// Size is in bytes.
func (memory *Memory) Size() (uint64, error) {
	var size C.uint64_t
	err := memory.use(func(caller *C.anew_caller_t) *C.anew_error_t {
		return C.anew_go_memory_size(caller, &memory.raw, &size)
	})
	return uint64(size), err
}

// Read copies bytes out of the memory. It fails with [Argument], copying nothing, if they are not all inside.
func (memory *Memory) Read(address uint64, bytes []byte) error {
	return memory.use(func(caller *C.anew_caller_t) *C.anew_error_t {
		data, size := bytesOf(bytes)
		return C.anew_go_memory_read(caller, &memory.raw, C.uint64_t(address), data, size)
	})
}

// Write copies bytes into it, likewise.
func (memory *Memory) Write(address uint64, bytes []byte) error {
	return memory.use(func(caller *C.anew_caller_t) *C.anew_error_t {
		data, size := bytesOf(bytes)
		return C.anew_go_memory_write(caller, &memory.raw, C.uint64_t(address), data, size)
	})
}

// View is the bytes themselves, to be read only, without a copy. They are good until the guest runs again, the memory
// grows, or the lease is closed: whoever keeps them longer sees another guest's bytes, or ends the process.
func (memory *Memory) View(address, count uint64) ([]byte, error) {
	return memory.view(address, count, false)
}

// ViewWritable is the same to be written: it marks them, so ask for what will be written and no more, and write it at once.
// What is written later escapes the reset.
func (memory *Memory) ViewWritable(address, count uint64) ([]byte, error) {
	return memory.view(address, count, true)
}

func (memory *Memory) view(address, count uint64, writable bool) ([]byte, error) {
	var start *C.uint8_t
	err := memory.use(func(caller *C.anew_caller_t) *C.anew_error_t {
		return C.anew_go_memory_view(caller, &memory.raw, C.uint64_t(address), C.uint64_t(count), C.bool(writable), &start)
	})
	if err != nil || count == 0 {
		return nil, err
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(start)), count), nil
}

// Grow grows the memory by pages of 64 KiB. It returns the old size in pages, or fails with [Resource] if the maximum or
// the system refuses.
func (memory *Memory) Grow(pages uint64) (uint64, error) {
	var old C.uint64_t
	err := memory.use(func(caller *C.anew_caller_t) *C.anew_error_t {
		return C.anew_go_memory_grow(caller, &memory.raw, C.uint64_t(pages), &old)
	})
	return uint64(old), err
}
