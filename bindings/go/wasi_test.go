// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//go:build !anew_no_wasi

package anew

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// program is a pool of the guest that prints "hello" and its standard input, and exits with 3.
func program(t testing.TB, options WASIOptions) *Pool {
	t.Helper()
	linker := must(NewLinker())
	check(linker.DefineWASI(options))
	return must(NewPool(must(engine().Compile(guest(t, "wasi"), nil)), linker, nil))
}

// run runs it once, and expects its exit code.
func run(t testing.TB, pool *Pool) {
	t.Helper()
	lease := must(pool.Acquire())
	expect(t, must(lease.RunWASI()), 3)
	check(lease.Close())
}

func TestWASIProgramsHaveWhatTheyAreGiven(t *testing.T) {
	seed := uint64(1)
	pool := program(t, WASIOptions{
		Arguments:      []string{"program", "argument"},
		Environment:    []string{"NAME=value"},
		Directories:    []WASIDirectory{{HostPath: t.TempDir(), GuestPath: "/data", ReadOnly: true}},
		StandardInput:  WASIInput{Bytes: []byte("given")},
		StandardOutput: WASIOutput{Capture: true},
		StandardError:  WASIOutput{Capture: true, MaximumBytes: 10},
		Clock:          WASIClockSimulated,
		RandomSeed:     &seed,
	})
	for range 2 {
		lease := must(pool.Acquire())
		_, exited, err := lease.WASIExitCode()
		check(err)
		expect(t, exited, false)
		expect(t, must(lease.RunWASI()), 3)
		expect(t, string(must(lease.WASIStandardOutput())), "hello\ngiven")
		expect(t, len(must(lease.WASIStandardError())), 0)
		code, exited, err := lease.WASIExitCode()
		check(err)
		expect(t, code, 3)
		expect(t, exited, true)
		check(lease.Close())
		_, err = lease.RunWASI()
		expect(t, err, errClosed)
	}
	lease := must(pool.Acquire())
	defer lease.Close()
	check(lease.SetWASIArguments("other"))
	check(lease.SetWASIEnvironment())
	check(lease.SetWASIStandardInput([]byte("another")))
	expect(t, must(lease.RunWASI()), 3)
	expect(t, string(must(lease.WASIStandardOutput())), "hello\nanother")
	check(lease.SetWASIStandardInput(nil))
	expect(t, must(lease.RunWASI()), 3)
	expect(t, string(must(lease.WASIStandardOutput())), "hello\nanotherhello\n")
	expect(t, of(t, lease.SetWASIArguments("a\x00b")).Code, Argument)
}

func TestWASIStreamsAreFilesReadersAndWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "input")
	check(os.WriteFile(path, []byte("of a file"), 0o600))
	input, output := must(os.Open(path)), must(os.Create(path+".out"))
	pool := program(t, WASIOptions{StandardInput: WASIInput{File: input}, StandardOutput: WASIOutput{File: output}})
	check(input.Close()) // they were duplicated
	check(output.Close())
	run(t, pool)
	run(t, pool) // the file is read from its beginning
	expect(t, string(must(os.ReadFile(path+".out"))), "hello\nof a filehello\nof a file")

	var written bytes.Buffer
	pool = program(t, WASIOptions{
		// Its end comes with the last bytes, and before them a read without any.
		StandardInput:  WASIInput{Reader: io.MultiReader(strings.NewReader(""), iotest.DataErrReader(strings.NewReader("read")))},
		StandardOutput: WASIOutput{Writer: &written},
	})
	run(t, pool)
	run(t, pool) // the reader is at its end
	expect(t, written.String(), "hello\nreadhello\n")
}

type writer func(bytes []byte) (int, error)

func (write writer) Write(bytes []byte) (int, error) { return write(bytes) }

type reader func(bytes []byte) (int, error)

func (read reader) Read(bytes []byte) (int, error) { return read(bytes) }

func TestErrorsAndPanicsOfWASIStreamsEndTheCall(t *testing.T) {
	failure := func(options WASIOptions) error {
		lease := must(program(t, options).Acquire())
		defer lease.Close()
		_, err := lease.RunWASI()
		expect(t, of(t, err).Trap, HostError)
		return err
	}
	broken := reader(func([]byte) (int, error) { return 1, io.ErrUnexpectedEOF })
	expect(t, errors.Is(failure(WASIOptions{StandardInput: WASIInput{Reader: broken}}), io.ErrUnexpectedEOF), true)
	idle := reader(func([]byte) (int, error) { return 0, nil })
	expect(t, errors.Is(failure(WASIOptions{StandardInput: WASIInput{Reader: idle}}), io.ErrNoProgress), true)
	boastful := reader(func(bytes []byte) (int, error) { return len(bytes) + 1, nil })
	failure(WASIOptions{StandardInput: WASIInput{Reader: boastful}})
	short := writer(func([]byte) (int, error) { return 1, nil })
	expect(t, errors.Is(failure(WASIOptions{StandardOutput: WASIOutput{Writer: short}}), io.ErrShortWrite), true)
	var panicked *PanicError
	panicking := writer(func([]byte) (int, error) { panic("no room") })
	if err := failure(WASIOptions{StandardOutput: WASIOutput{Writer: panicking}}); !errors.As(err, &panicked) {
		t.Fatal(err)
	}
	expect(t, panicked.Value, any("no room"))
}

func TestWrongWASIOptionsAreRefused(t *testing.T) {
	refused := func(options WASIOptions) *Error { return of(t, must(NewLinker()).DefineWASI(options)) }
	nowhere := WASIDirectory{HostPath: "/nowhere/at all", GuestPath: "."}
	expect(t, refused(WASIOptions{Directories: []WASIDirectory{nowhere}}).Code, NotFound)
	two := WASIInput{Bytes: []byte("a"), Reader: strings.NewReader("b")}
	expect(t, refused(WASIOptions{StandardInput: two}), errStreams)
	expect(t, refused(WASIOptions{StandardError: WASIOutput{Capture: true, Writer: io.Discard}}), errStreams)
	closed := must(os.Open(os.DevNull))
	check(closed.Close())
	expect(t, refused(WASIOptions{StandardInput: WASIInput{File: closed}}).Code, Argument)
	expect(t, refused(WASIOptions{Sockets: []*os.File{nil}}).Code, Argument)
	lease := must(plain(t, nil).Acquire()) // without WASI
	defer lease.Close()
	_, err := lease.RunWASI()
	expect(t, of(t, err).Code, Argument)
	expect(t, of(t, lease.SetWASIArguments()).Code, Argument)
	expect(t, len(must(lease.WASIStandardOutput())), 0)
}
