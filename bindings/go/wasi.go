// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//go:build !anew_no_wasi

package anew

/*
#cgo pkg-config: anew-wasi
#include "wasi_glue.h"
*/
import "C"

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/cgo"
	"unsafe"
)

// WASIInput is where a guest's standard input comes from: one of these, or nothing, and the end is found at once.
type WASIInput struct {
	Bytes  []byte    // these, then the end, in each lease anew; they are copied
	File   *os.File  // such as os.Stdin: a regular file is read in each lease anew, all else is one stream that leases share
	Reader io.Reader // called by the goroutines of all leases, maybe at once; its errors, but for the end, end the guest's call
}

// WASIOutput is where a guest's standard output or standard error goes: one of these, or nowhere.
type WASIOutput struct {
	Capture      bool      // kept until the lease is closed, for Lease.WASIStandardOutput and WASIStandardError
	MaximumBytes uint64    // of Capture: past it the guest's writes fail with "no space"; 0: 16 MiB
	File         *os.File  // such as os.Stdout
	Writer       io.Writer // called by the goroutines of all leases, maybe at once; its errors end the guest's call
}

// WASIDirectory is a directory of the host that the guest finds under a name of its own, with all that lies in it and
// nothing else.
type WASIDirectory struct {
	HostPath  string
	GuestPath string // such as "/data" or "."
	ReadOnly  bool   // nothing in it can be created, changed, renamed or removed
}

// WASIClock is what a guest's clocks show.
type WASIClock uint32

// The clocks.
const (
	WASIClockCoarse    WASIClock = C.ANEW_WASI_CLOCK_COARSE    // the system's time to the millisecond
	WASIClockFine      WASIClock = C.ANEW_WASI_CLOCK_FINE      // the system's time as it is
	WASIClockSimulated WASIClock = C.ANEW_WASI_CLOCK_SIMULATED // the same in each lease
)

// WASIOptions are what a guest is given. The zero value gives nothing: no directory, no stream, no environment.
type WASIOptions struct {
	Arguments          []string // the program's name first
	Environment        []string // "NAME=value"
	Directories        []WASIDirectory
	Sockets            []*os.File // listening or connected
	StandardInput      WASIInput
	StandardOutput     WASIOutput
	StandardError      WASIOutput
	Clock              WASIClock
	RandomSeed         *uint64 // random bytes are the same in each lease, made from it; nil: the system's
	MaximumDescriptors uint32  // that a lease may have at once; 0: the default
}

// DefineWASI defines the functions of wasi_snapshot_preview1: docs/wasi.md says what the sandbox promises. Directories are
// opened, and files duplicated, now. It fails with [NotFound] or [IO] for a directory that cannot be opened, and [Argument].
func (linker *Linker) DefineWASI(options WASIOptions) error {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	raw := C.anew_wasi_options_t{
		struct_size:         C.sizeof_anew_wasi_options_t,
		clock:               C.anew_wasi_clock_t(options.Clock),
		maximum_descriptors: C.uint32_t(options.MaximumDescriptors),
	}
	raw.arguments, raw.argument_count = textsIn(&pinner, options.Arguments)
	raw.environment, raw.environment_count = textsIn(&pinner, options.Environment)
	directories := make([]C.anew_wasi_directory_t, len(options.Directories))
	for i, each := range options.Directories {
		directories[i] = C.anew_wasi_directory_t{
			host_path:  textIn(&pinner, each.HostPath),
			guest_path: textIn(&pinner, each.GuestPath),
			read_only:  C.bool(each.ReadOnly),
		}
	}
	raw.directories, raw.directory_count = arrayIn(&pinner, directories)
	sockets := make([]C.int32_t, len(options.Sockets))
	for i, each := range options.Sockets {
		var err error
		if sockets[i], err = descriptorOf(each); err != nil {
			return err
		}
	}
	raw.sockets, raw.socket_count = arrayIn(&pinner, sockets)
	if options.RandomSeed != nil {
		raw.has_random_seed, raw.random_seed = true, C.uint64_t(*options.RandomSeed)
	}
	input, err := options.StandardInput.raw(&pinner)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	output, err := options.StandardOutput.raw()
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	errors, err := options.StandardError.raw()
	if err != nil {
		return fmt.Errorf("standard error: %w", err)
	}
	// The library deletes the handles, also if it fails.
	streams := C.anew_go_wasi_streams_t{
		input: input, reader: handleOf(options.StandardInput.Reader),
		output: output, output_writer: handleOf(options.StandardOutput.Writer),
		error: errors, error_writer: handleOf(options.StandardError.Writer),
	}
	err = plainResult(C.anew_go_wasi_define(linker.raw, &raw, &streams))
	runtime.KeepAlive(linker)
	runtime.KeepAlive(options) // the files stay open until they are duplicated
	return err
}

func arrayIn[T any](pinner *runtime.Pinner, array []T) (*T, C.size_t) {
	if len(array) == 0 {
		return nil, 0
	}
	pinner.Pin(&array[0])
	return &array[0], C.size_t(len(array))
}

func textsIn(pinner *runtime.Pinner, texts []string) (*C.anew_text_t, C.size_t) {
	raw := make([]C.anew_text_t, len(texts))
	for i, text := range texts {
		raw[i] = textIn(pinner, text)
	}
	return arrayIn(pinner, raw)
}

// descriptorOf leaves the file as it is, which os.File.Fd does not.
func descriptorOf(file *os.File) (number C.int32_t, err error) {
	connection, err := file.SyscallConn()
	if err == nil {
		err = connection.Control(func(descriptor uintptr) { number = C.int32_t(descriptor) })
	}
	if err != nil {
		return 0, &Error{Code: Argument, Message: err.Error(), cause: err}
	}
	return number, nil
}

// handleOf is 0 for none.
func handleOf(stream any) C.uintptr_t {
	if stream == nil {
		return 0
	}
	return C.uintptr_t(cgo.NewHandle(stream))
}

var errStreams = &Error{Code: Argument, Message: "a stream has one of its fields: bytes, a file, what is called, or capture"}

// raw lacks the callback, as below.
func (input WASIInput) raw(pinner *runtime.Pinner) (raw C.anew_wasi_input_t, err error) {
	given := 0
	if len(input.Bytes) > 0 {
		given++
		raw.kind = C.ANEW_WASI_BYTES
		pinner.Pin(&input.Bytes[0])
		raw.bytes = C.anew_text_t{data: (*C.char)(unsafe.Pointer(&input.Bytes[0])), size: C.size_t(len(input.Bytes))}
	}
	if input.File != nil {
		given++
		raw.kind = C.ANEW_WASI_DESCRIPTOR
		raw.descriptor, err = descriptorOf(input.File)
	}
	if input.Reader != nil {
		given++
		raw.kind = C.ANEW_WASI_CALLBACK
	}
	if given > 1 {
		err = errStreams
	}
	return raw, err
}

func (output WASIOutput) raw() (raw C.anew_wasi_output_t, err error) {
	given := 0
	if output.Capture {
		given++
		raw.kind, raw.maximum_bytes = C.ANEW_WASI_CAPTURE, C.uint64_t(output.MaximumBytes)
	}
	if output.File != nil {
		given++
		raw.kind = C.ANEW_WASI_DESCRIPTOR
		raw.descriptor, err = descriptorOf(output.File)
	}
	if output.Writer != nil {
		given++
		raw.kind = C.ANEW_WASI_CALLBACK
	}
	if given > 1 {
		err = errStreams
	}
	return raw, err
}

//export anewGoRead
func anewGoRead(reader C.uintptr_t, bytes unsafe.Pointer, size C.size_t, count *C.size_t) *C.anew_error_t {
	return contained(func() error {
		room := unsafe.Slice((*byte)(bytes), size) // never none
		for range 100 {                            // a reader may return nothing, but not for ever
			read, err := cgo.Handle(reader).Value().(io.Reader).Read(room)
			if err != nil && err != io.EOF {
				return err
			}
			if read > 0 || err == io.EOF {
				*count = C.size_t(read) // the library checks it
				return nil
			}
		}
		return io.ErrNoProgress
	})
}

//export anewGoWrite
func anewGoWrite(writer C.uintptr_t, bytes unsafe.Pointer, size C.size_t) *C.anew_error_t {
	return contained(func() error {
		written, err := cgo.Handle(writer).Value().(io.Writer).Write(unsafe.Slice((*byte)(bytes), size))
		if err == nil && written != int(size) {
			err = io.ErrShortWrite
		}
		return err
	})
}

// RunWASI calls the program's _start, in a lease whose linker has WASI, and returns its exit code, 0 if it returned. It
// fails with [NotFound] if the module is no program, [Argument] if the linker has no WASI, [Trap] for every other end.
func (lease *Lease) RunWASI() (exitCode uint32, err error) {
	if err := lease.begin(); err != nil {
		return 0, err
	}
	defer lease.end()
	var code C.uint32_t
	err = result(C.anew_go_wasi_run(lease.raw, &code))
	return uint32(code), err
}

// SetWASIArguments is in place of [WASIOptions.Arguments], for this lease.
func (lease *Lease) SetWASIArguments(arguments ...string) error {
	return lease.setWASI(func(pinner *runtime.Pinner) *C.anew_error_t {
		data, count := textsIn(pinner, arguments)
		return C.anew_wasi_set_arguments(lease.raw, data, count)
	})
}

// SetWASIEnvironment is in place of [WASIOptions.Environment], for this lease.
func (lease *Lease) SetWASIEnvironment(environment ...string) error {
	return lease.setWASI(func(pinner *runtime.Pinner) *C.anew_error_t {
		data, count := textsIn(pinner, environment)
		return C.anew_wasi_set_environment(lease.raw, data, count)
	})
}

// SetWASIStandardInput is in place of [WASIOptions.StandardInput], for this lease: these bytes, which are copied, then the
// end.
func (lease *Lease) SetWASIStandardInput(input []byte) error {
	return lease.setWASI(func(*runtime.Pinner) *C.anew_error_t {
		data, size := bytesOf(input)
		return C.anew_wasi_set_standard_input(lease.raw, data, size)
	})
}

func (lease *Lease) setWASI(set func(pinner *runtime.Pinner) *C.anew_error_t) error {
	if err := lease.begin(); err != nil {
		return err
	}
	defer lease.end()
	var pinner runtime.Pinner
	defer pinner.Unpin()
	return plainResult(set(&pinner))
}

// WASIStandardOutput is what the calls of this lease wrote, if the option is a Capture; else it is empty.
func (lease *Lease) WASIStandardOutput() ([]byte, error) {
	return lease.captured(func(size *C.size_t) *C.char { return C.anew_wasi_standard_output(lease.raw, size) })
}

// WASIStandardError is the same of standard error.
func (lease *Lease) WASIStandardError() ([]byte, error) {
	return lease.captured(func(size *C.size_t) *C.char { return C.anew_wasi_standard_error(lease.raw, size) })
}

func (lease *Lease) captured(get func(size *C.size_t) *C.char) ([]byte, error) {
	if err := lease.begin(); err != nil {
		return nil, err
	}
	defer lease.end()
	var size C.size_t
	data := get(&size)
	return []byte(goText(data, size)), nil
}

// WASIExitCode is what the guest gave to proc_exit, which ends a call with a trap; exited is false if it did not call it in
// this lease. [Lease.RunWASI] asks that already.
func (lease *Lease) WASIExitCode() (exitCode uint32, exited bool, err error) {
	if err := lease.begin(); err != nil {
		return 0, false, err
	}
	defer lease.end()
	var code C.uint32_t
	exited = bool(C.anew_wasi_exit_code(lease.raw, &code))
	return uint32(code), exited, nil
}
