// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package anew

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func guest(t testing.TB, name string) []byte {
	t.Helper()
	binary, err := os.ReadFile(filepath.Join("..", "guests", name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// must is for what the test is not about.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

var engine = sync.OnceValue(func() *Engine { return must(NewEngine(&EngineOptions{NoCache: true})) })

func plain(t testing.TB, options *PoolOptions) *Pool {
	t.Helper()
	return must(NewPool(must(engine().Compile(guest(t, "plain"), nil)), must(NewLinker()), options))
}

// host is a pool of the guest that calls its host, with what is defined; the rest traps.
func host(t testing.TB, define func(linker *Linker)) *Pool {
	t.Helper()
	linker := must(NewLinker())
	define(linker)
	check(linker.TrapUnknownFunctions())
	return must(NewPool(must(engine().Compile(guest(t, "host"), nil)), linker, nil))
}

// of is the library's error in an error.
func of(t testing.TB, err error) *Error {
	t.Helper()
	var found *Error
	if !errors.As(err, &found) {
		t.Fatalf("%v (%T) has no *anew.Error", err, err)
	}
	return found
}

func expect[T comparable](t testing.TB, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Fatalf("got %v, wanted %v", got, wanted)
	}
}

func call(t testing.TB, pool *Pool, name string, arguments ...Value) ([]Value, error) {
	t.Helper()
	lease := must(pool.Acquire())
	defer lease.Close()
	return lease.Call(must(pool.Function(name)), arguments...)
}

func TestEachLeaseIsAsNew(t *testing.T) {
	pool := plain(t, nil)
	next := must(pool.Function("next"))
	for range 3 {
		lease := must(pool.Acquire())
		expect(t, must(lease.Call(next))[0].I32(), 1)
		expect(t, must(lease.Call(next))[0].I32(), 2)
		expect(t, must(lease.Global("calls")), I32(2))
		memory := must(lease.Memory())
		check(memory.Write(4096, []byte("left behind")))
		if must(lease.DirtyBytes()) == 0 {
			t.Fatal("nothing is dirty")
		}
		check(lease.Close())
		check(lease.Close()) // again
	}
	lease := must(pool.Acquire())
	defer lease.Close()
	left := make([]byte, 11)
	check(must(lease.Memory()).Read(4096, left))
	expect(t, string(left), string(make([]byte, 11)))
	expect(t, must(next.CallAsNew())[0].I32(), 1)
	expect(t, must(next.CallAsNew())[0].I32(), 1)
	statistics := pool.Statistics()
	expect(t, statistics.Acquired, 6)
	expect(t, statistics.Leased, 1)
	expect(t, statistics.Restored, 5)
}

func TestAllTypesPass(t *testing.T) {
	pool := plain(t, nil)
	results := must(call(t, pool, "divide", I32(17), I32(5)))
	if !slices.Equal(results, []Value{I32(3), I32(2)}) {
		t.Fatal(results)
	}
	expect(t, must(call(t, pool, "add", I32(-2), I32(1)))[0].I32(), -1)
	expect(t, must(call(t, pool, "mix", I32(-1), I64(1<<40), F32(0.5), F64(0.25)))[0].F64(), (1<<40)-0.25)
	low, high := must(call(t, pool, "add_vectors", V128(math.MaxUint64, 7), V128(1, 1)))[0].V128()
	expect(t, low, 0)
	expect(t, high, 8)
	expect(t, must(call(t, pool, "reference", ExternRef(77)))[0].ExternRef(), 77)
	expect(t, must(call(t, pool, "reference", Null(TypeExternRef)))[0].IsNull(), true)
	expect(t, len(must(call(t, pool, "nothing"))), 0)
	expect(t, must(pool.Function("add_vectors")).Type().String(), "[v128 v128] -> [v128]")
	expect(t, must(pool.Function("add_vectors")).Type().Slots(), 4)
}

func TestWrongCallsAreRefused(t *testing.T) {
	pool := plain(t, nil)
	_, err := pool.Function("nex")
	expect(t, of(t, err).Code, NotFound)
	if !strings.Contains(err.Error(), `did you mean "next"?`) {
		t.Fatal(err)
	}
	for _, arguments := range [][]Value{{}, {I32(1)}, {I32(1), I64(2)}, {I32(1), I32(2), I32(3)}} {
		_, err := call(t, pool, "add", arguments...)
		expect(t, of(t, err).Code, Argument)
	}
	lease := must(pool.Acquire())
	_, err = lease.Call(must(plain(t, nil).Function("next"))) // of another pool
	expect(t, of(t, err).Code, Argument)
	expect(t, of(t, lease.CallSlots(must(pool.Function("add")), make([]uint64, 1))).Code, Argument)
	expect(t, of(t, lease.CallSlots(must(pool.Function("add")), nil)).Code, Argument)
	check(lease.Close())
	_, err = lease.Call(must(pool.Function("next")))
	expect(t, err, errClosed)
	_, err = lease.Memory()
	expect(t, err, errClosed)

	_, err = engine().Compile([]byte("\x00asm\x01\x00\x00\x00\xff"), nil)
	expect(t, of(t, err).Code, Malformed)
	expect(t, of(t, err).Offset, 8)
	_, err = engine().Compile(nil, nil)
	expect(t, of(t, err).Code, Malformed)
	_, err = engine().Load("/nowhere/at all", nil)
	expect(t, of(t, err).Code, NotFound)
	_, err = NewPool(must(engine().Compile(guest(t, "host"), nil)), must(NewLinker()), nil)
	expect(t, of(t, err).Code, Link)
	for _, function := range []any{nil, 5, func(string) {}, func() []byte { return nil }, func(...int32) {},
		func() (error, int32) { return nil, 0 }} {
		expect(t, of(t, must(NewLinker()).Define("env", "f", function)).Code, Argument)
	}
}

func TestTrapsSayWhatAndWhere(t *testing.T) {
	pool := plain(t, nil)
	_, err := call(t, pool, "divide", I32(1), I32(0))
	trap := of(t, err)
	expect(t, trap.Code, Trap)
	expect(t, trap.Trap, IntegerDivideByZero)
	expect(t, trap.Trap.String(), "integer divide by zero")
	expect(t, len(trap.Backtrace), 1)
	expect(t, trap.Backtrace[0].FunctionName, "divide")
	if trap.Backtrace[0].ModuleOffset == 0 || !strings.Contains(trap.Text, "at divide") || trap.Unwrap() != nil {
		t.Fatalf("%+v", trap)
	}
	for name, kind := range map[string]TrapKind{"recurse": StackExhausted, "unreachable": Unreachable} {
		_, err := call(t, pool, name)
		expect(t, of(t, err).Trap, kind)
	}
	_, err = call(t, pool, "peek", I32(-1))
	expect(t, of(t, err).Trap, MemoryOutOfBounds)
	expect(t, pool.Statistics().Traps, 4)
}

// Both handlers see what is theirs, in whatever order the faults come.
func TestSignalsOfGuestsAndOfGo(t *testing.T) {
	pool := plain(t, nil)
	peek := must(pool.Function("peek"))
	nilPointer := func() (value any) {
		defer func() { value = recover() }()
		var nothing *int
		return *nothing
	}
	var group sync.WaitGroup
	for range 4 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 20 {
				if err, is := nilPointer().(runtime.Error); !is {
					t.Errorf("a nil pointer gave %v", err)
				}
				_, err := peek.CallAsNew(I32(-1))
				if of(t, err).Trap != MemoryOutOfBounds {
					t.Errorf("a fault gave %v", err)
				}
				runtime.Gosched()
			}
		}()
	}
	group.Wait()
	// A fault of Go's in a host function, with the guest's frames below it.
	pool = host(t, func(linker *Linker) {
		check(linker.Define("env", "twice", func(value int64) int64 {
			var nothing *int64
			return *nothing
		}))
	})
	_, err := call(t, pool, "twice", I64(1))
	var panicked *PanicError
	var fault runtime.Error
	if !errors.As(err, &panicked) || !errors.As(err, &fault) || len(panicked.Stack) == 0 {
		t.Fatal(err)
	}
}

// Deadlines send signals to threads, as the scheduler of Go does to preempt goroutines.
func TestDeadlinesWhileGoPreempts(t *testing.T) {
	pool := plain(t, nil)
	spin, next := must(pool.Function("spin")), must(pool.Function("next"))
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 2 {
		group.Add(1)
		go func() {
			defer group.Done()
			for count := 0; ; count++ { // busy, so that it is preempted
				if count%1000 == 0 {
					select {
					case <-stop:
						return
					default:
					}
				}
			}
		}()
	}
	for range 10 {
		lease := must(pool.Acquire())
		check(lease.SetDeadline(time.Now().Add(2 * time.Millisecond)))
		_, err := lease.Call(spin)
		expect(t, of(t, err).Trap, Interrupted)
		check(lease.Close())
		runtime.GC()
		expect(t, must(next.CallAsNew())[0].I32(), 1)
	}
	close(stop)
	group.Wait()
	expect(t, pool.Statistics().Kills, 10)
}

func TestFuelAndCancelling(t *testing.T) {
	module := must(engine().Compile(guest(t, "plain"), &CompileOptions{Fuel: true}))
	pool := must(NewPool(module, must(NewLinker()), nil))
	spin := must(pool.Function("spin"))
	lease := must(pool.Acquire())
	check(lease.SetFuel(1000))
	expect(t, must(lease.Fuel()), 1000)
	_, err := lease.Call(spin)
	expect(t, of(t, err).Trap, OutOfFuel)
	check(lease.Close())

	lease = must(pool.Acquire())
	canceller := must(lease.Canceller())
	go canceller.Cancel()
	_, err = lease.Call(spin)
	expect(t, of(t, err).Trap, Interrupted)
	check(lease.Close())
	canceller.Cancel() // of a lease that has gone

	lease = must(pool.Acquire())
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
	defer cancel()
	_, err = lease.CallContext(ctx, spin)
	expect(t, of(t, err).Trap, Interrupted)
	expect(t, errors.Is(err, context.DeadlineExceeded), true)
	check(lease.Close())
	expect(t, must(must(pool.Acquire()).CallContext(context.Background(), must(pool.Function("next"))))[0].I32(), 1)
}

func TestMemoryIsCheckedAndGrows(t *testing.T) {
	pool := plain(t, nil)
	lease := must(pool.Acquire())
	memory := must(lease.Memory())
	expect(t, must(memory.Size()), 65536)
	copy(must(memory.ViewWritable(65532, 4)), []byte{1, 2, 3, 4})
	expect(t, string(must(memory.View(65532, 4))), "\x01\x02\x03\x04")
	for _, wrong := range []struct{ address, count uint64 }{{65533, 4}, {math.MaxUint64, 1}, {0, math.MaxUint64}, {65537, 0}} {
		_, err := memory.View(wrong.address, wrong.count)
		expect(t, of(t, err).Code, Argument)
		_, err = memory.ViewWritable(wrong.address, wrong.count)
		expect(t, of(t, err).Code, Argument)
	}
	expect(t, of(t, memory.Read(65533, make([]byte, 4))).Code, Argument)
	expect(t, of(t, memory.Write(65533, make([]byte, 4))).Code, Argument)
	check(memory.Read(65536, nil))
	expect(t, must(memory.Grow(2)), 1)
	expect(t, must(memory.Size()), 3*65536)
	_, err := memory.Grow(2) // the maximum is 4
	expect(t, of(t, err).Code, Resource)
	expect(t, must(must(lease.ExportedMemory("memory")).Size()), 3*65536)
	_, err = lease.ExportedMemory("add")
	expect(t, of(t, err).Code, Argument)
	_, err = lease.ExportedMemory("")
	expect(t, of(t, err).Code, NotFound)
	check(lease.Close())
	_, err = memory.Size()
	expect(t, err, errClosed)
}

func TestHostFunctionsSeeTheirGuest(t *testing.T) {
	var lines []string
	pool := host(t, func(linker *Linker) {
		check(linker.Define("env", "log", func(caller *Caller, address, size uint32) error {
			memory, err := caller.Memory()
			if err != nil {
				return err
			}
			line := make([]byte, size)
			if err := memory.Read(uint64(address), line); err != nil {
				return err
			}
			lines = append(lines, string(line))
			return nil
		}))
		check(linker.DefineSlots("env", "twice", FunctionType{[]ValueType{TypeI64}, []ValueType{TypeI64}},
			func(_ *Caller, slots []uint64) error {
				slots[0] *= 2
				return nil
			}))
	})
	must(call(t, pool, "hello"))
	expect(t, lines[0], "hello")
	minus := int64(-42)
	expect(t, must(call(t, pool, "twice", I64(-21)))[0].I64(), minus)
	_, err := call(t, pool, "hello_outside")
	expect(t, of(t, err).Trap, HostError)
	_, err = call(t, pool, "call_back", I32(1))
	if !strings.Contains(err.Error(), "not implemented") {
		t.Fatal(err)
	}
}

func TestAnErrorOfAHostFunctionIsInTheCallsError(t *testing.T) {
	pool := host(t, func(linker *Linker) {
		check(linker.Define("env", "twice", func(value int64) (int64, error) {
			return 0, fmt.Errorf("reading: %w", io.ErrUnexpectedEOF)
		}))
		check(linker.Define("env", "call_back", func(caller *Caller, value int32) (int32, error) {
			_, err := caller.CallExport("twice", I64(1))
			if !errors.Is(err, io.ErrUnexpectedEOF) || value == 0 {
				return 7, nil
			}
			return 0, err
		}))
	})
	_, err := call(t, pool, "twice", I64(1))
	expect(t, of(t, err).Trap, HostError)
	expect(t, errors.Is(err, io.ErrUnexpectedEOF), true)
	if !strings.Contains(err.Error(), "reading: unexpected EOF") {
		t.Fatal(err)
	}
	_, err = call(t, pool, "call_back", I32(1))
	expect(t, errors.Is(err, io.ErrUnexpectedEOF), true)
	expect(t, must(call(t, pool, "call_back", I32(0)))[0].I32(), 7)
	_, err = call(t, pool, "inner_trap") // nothing is left of the error that was handled
	expect(t, errors.Is(err, io.ErrUnexpectedEOF), false)
}

type silent struct{}

func (silent) Error() string { panic("no words") }

func TestAPanicOfAHostFunctionIsAnError(t *testing.T) {
	pool := host(t, func(linker *Linker) {
		check(linker.Define("env", "twice", func(value int64) (int64, error) {
			if value == 0 {
				return 0, silent{}
			}
			panic(fmt.Sprint("no twice of ", value))
		}))
		check(linker.Define("env", "call_back", func(caller *Caller, value int32) int32 {
			_, err := caller.CallExport("twice", I64(int64(value)))
			panic(err)
		}))
	})
	for _, name := range []string{"twice", "call_back"} {
		lease := must(pool.Acquire())
		argument := I64(21)
		if name == "call_back" {
			argument = I32(21)
		}
		_, err := lease.Call(must(pool.Function(name)), argument)
		var panicked *PanicError
		if !errors.As(err, &panicked) || !strings.Contains(err.Error(), "no twice of 21") {
			t.Fatal(err)
		}
		expect(t, of(t, err).Trap, HostError)
		if name == "twice" {
			expect(t, panicked.Value, any("no twice of 21"))
			if !strings.Contains(string(panicked.Stack), "TestAPanicOfAHostFunctionIsAnError") {
				t.Fatal(string(panicked.Stack))
			}
		}
		check(lease.Close())
	}
	_, err := call(t, pool, "twice", I64(0))
	if !strings.Contains(err.Error(), "has no message") || !errors.Is(err, silent{}) {
		t.Fatal("an error without words")
	}
	expect(t, must(call(t, pool, "inner", I32(1)))[0].I32(), 2)
}

func TestCallbacksReachBackIntoTheGuest(t *testing.T) {
	var kept *Caller
	var keptMemory *Memory
	var lease *Lease
	pool := host(t, func(linker *Linker) {
		check(linker.Define("env", "call_back", func(caller *Caller, value int32) (int32, error) {
			kept = caller
			added := must(caller.CallExport("inner", I32(value)))[0].I32()
			memory := must(caller.Memory())
			keptMemory = memory
			written := make([]byte, 1)
			check(memory.Read(0, written))
			expect(t, written[0], byte(value))
			check(memory.Write(4, []byte{1}))
			expect(t, must(must(caller.ExportedMemory("memory")).Size()), 65536)
			expect(t, caller.Stopping(), false)
			_, err := caller.Global("none")
			expect(t, of(t, err).Code, NotFound)
			_, err = caller.CallExport("inner_trap")
			expect(t, of(t, err).Trap, Unreachable)
			// The guest is the caller's now.
			expect(t, lease.Close(), errBusy)
			_, err = lease.Memory()
			expect(t, err, errBusy)
			// And nobody's on other goroutines.
			elsewhere := make(chan error)
			go func() {
				_, err := caller.Memory()
				elsewhere <- err
				elsewhere <- memory.Write(4, []byte{1})
			}()
			expect(t, of(t, <-elsewhere).Code, Argument)
			expect(t, of(t, <-elsewhere).Code, Argument)
			return added, nil
		}))
	})
	lease = must(pool.Acquire())
	expect(t, must(lease.Call(must(pool.Function("call_back")), I32(41)))[0].I32(), 42)
	_, err := kept.CallExport("inner", I32(1))
	expect(t, of(t, err).Code, Argument)
	expect(t, kept.Stopping(), true)
	expect(t, of(t, keptMemory.Write(0, []byte{1})).Code, Argument)
	check(lease.Close())
}

// A stack of Go that grows moves, and goroutines change threads, while guests wait for their host.
func TestGoroutinesAndStacksMove(t *testing.T) {
	var deep func(n int) int64
	deep = func(n int) int64 {
		var room [1 << 10]byte
		if n == 0 {
			return int64(room[0])
		}
		return deep(n-1) + int64(room[n%len(room)])
	}
	pool := host(t, func(linker *Linker) {
		check(linker.Define("env", "twice", func(value int64) int64 {
			runtime.Gosched()
			return 2*value + deep(1000)
		}))
	})
	twice := must(pool.Function("twice"))
	var group sync.WaitGroup
	for i := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 20 {
				lease := must(pool.AcquireUntil(time.Time{}))
				if got := must(lease.Call(twice, I64(int64(i))))[0].I64(); got != 2*int64(i) {
					t.Errorf("twice %v is %v", i, got)
				}
				runtime.Gosched() // another thread, maybe
				check(lease.Close())
			}
		}()
	}
	group.Wait()
}

func TestALeaseIsUsedByOneGoroutineAtATime(t *testing.T) {
	pool := plain(t, nil)
	lease := must(pool.Acquire())
	canceller := must(lease.Canceller())
	done := make(chan error)
	go func() {
		_, err := lease.Call(must(pool.Function("spin")))
		done <- err
	}()
	for !errors.Is(lease.SetFuel(1), errBusy) {
		runtime.Gosched()
	}
	expect(t, lease.Close(), errBusy)
	canceller.Cancel()
	expect(t, of(t, <-done).Trap, Interrupted)
	check(lease.Close())
}

func TestPoolsAreFullDrainedAndAudited(t *testing.T) {
	pool := plain(t, &PoolOptions{Capacity: 1, AuditEvery: 1})
	lease := must(pool.Acquire())
	_, err := pool.Acquire()
	expect(t, of(t, err).Code, Resource)
	_, err = pool.AcquireUntil(time.Now().Add(time.Millisecond))
	expect(t, of(t, err).Code, Resource)
	_, err = must(pool.Function("next")).CallAsNew()
	expect(t, of(t, err).Code, Resource)
	slow := must(pool.Instantiate())
	expect(t, must(slow.Call(must(pool.Function("next"))))[0].I32(), 1)
	check(slow.Close())
	expect(t, of(t, pool.Drain(time.Now().Add(time.Millisecond))).Code, Resource)
	check(lease.Close())
	check(pool.Shutdown(time.Now().Add(10 * time.Second)))
	_, err = pool.Acquire()
	expect(t, of(t, err).Code, Resource)
	check(pool.AuditFailure())
	expect(t, pool.Statistics().Audited, 1)
	expect(t, pool.Trim(), 0)
}

func TestSnapshotsStartFromAPrelude(t *testing.T) {
	module := must(engine().Compile(guest(t, "plain"), nil))
	options := &PoolOptions{Snapshot: SnapshotOptions{Prelude: []string{"nothing", "prepare"}}}
	pool := must(NewPool(module, must(NewLinker()), options))
	expect(t, must(call(t, pool, "next"))[0].I32(), 101)
	saved, compiled := filepath.Join(t.TempDir(), "saved.anew"), filepath.Join(t.TempDir(), "compiled.anew")
	check(pool.SaveSnapshot(saved))
	check(engine().Save(module, compiled))
	for path, first := range map[string]int32{saved: 101, compiled: 1} {
		pool := must(NewPool(must(engine().Load(path, nil)), must(NewLinker()), nil))
		expect(t, must(call(t, pool, "next"))[0].I32(), first)
	}
	options.Snapshot.Prelude = []string{"prepared"}
	_, err := NewPool(module, must(NewLinker()), options)
	expect(t, of(t, err).Code, NotFound)
}

func TestLinkersGiveWhatModulesImport(t *testing.T) {
	module := must(engine().Compile(guest(t, "imports"), nil))
	linker := must(NewLinker())
	check(linker.DefineGlobal("env", "global", I64(-5)))
	check(linker.DefineMutableGlobal("env", "count", I32(6)))
	check(linker.DefineTable("env", "table", TypeFuncRef, 1, NoMaximum))
	check(linker.DefineMemory("env", "memory", 2, 3))
	_, err := NewPool(module, linker, nil)
	expect(t, of(t, err).Code, Link)
	check(linker.DefineModule("plain", must(engine().Compile(guest(t, "plain"), nil))))
	pool := must(NewPool(module, linker, nil))
	for range 2 {
		lease := must(pool.Acquire())
		expect(t, must(lease.Global("global")), I64(-5))
		expect(t, must(must(lease.Memory()).Grow(1)), 2)
		expect(t, must(lease.Call(must(pool.Function("count"))))[0].I32(), 7)
		expect(t, must(lease.Call(must(pool.Function("next_of_plain"))))[0].I32(), 1)
		check(lease.Close())
	}
}

func TestHostStatesAreAsNew(t *testing.T) {
	type state struct{ calls int }
	var made atomic.Int32
	kind := must(NewStateType("calls", func() any { made.Add(1); return &state{} },
		func(each any) { each.(*state).calls = 0 }))
	other := must(NewStateType("other", func() any { return 5 }, func(any) {}))
	pool := host(t, func(linker *Linker) {
		check(linker.DefineState(kind))
		check(linker.Define("env", "twice", func(caller *Caller, value int64) int64 {
			must(caller.State(kind)).(*state).calls++
			if must(caller.State(other)) != nil {
				panic("the linker does not define it")
			}
			return value
		}))
	})
	for range 3 {
		lease := must(pool.Acquire())
		must(lease.Call(must(pool.Function("twice")), I64(1)))
		expect(t, must(lease.State(kind)).(*state).calls, 1)
		check(lease.Close())
	}
	expect(t, made.Load(), 1)
}

func TestCachesFindPoolsByTheirCode(t *testing.T) {
	cache := must(NewPoolCache(engine(), must(NewLinker()), nil))
	code := guest(t, "plain")
	expect(t, must(call(t, must(cache.Get(code, nil, time.Time{})), "next"))[0].I32(), 1)
	hash := must(CodeHash(code))
	loads := 0
	load := func() ([]byte, error) { loads++; return slices.Clone(code), nil }
	must(cache.GetByHash(hash, load, nil, time.Now().Add(time.Minute)))
	expect(t, loads, 0)
	settings := &PoolSettings{Snapshot: SnapshotOptions{Prelude: []string{"prepare"}}}
	expect(t, must(call(t, must(cache.Get(code, settings, time.Time{})), "next"))[0].I32(), 101)
	expect(t, cache.Statistics().Pools, 2)
	expect(t, cache.Statistics().Hits, 1)
	expect(t, cache.Invalidate(hash), 2)
	must(cache.GetByHash(hash, load, nil, time.Time{}))
	expect(t, loads, 1)
	_, err := cache.GetByHash([32]byte{7}, func() ([]byte, error) { return nil, os.ErrNotExist }, nil, time.Time{})
	expect(t, errors.Is(err, os.ErrNotExist), true)
	_, err = cache.GetByHash([32]byte{8}, func() ([]byte, error) { panic("lost") }, nil, time.Time{})
	var panicked *PanicError
	expect(t, errors.As(err, &panicked), true)
	expect(t, cache.Trim(), 0)
	cache.Clear()
	expect(t, cache.Statistics().Pools, 0)
}

func TestModulesSayWhatTheyAre(t *testing.T) {
	module := must(engine().Compile(guest(t, "host"), nil))
	imports := module.Imports()
	expect(t, imports[0].Module+"."+imports[0].Name, "env.log")
	expect(t, imports[0].Function.String(), "[i32 i32] -> []")
	expect(t, imports[1].Type, "[i64] -> [i64]")
	expect(t, module.Exports()[0].Kind, KindMemory)
	expect(t, module.CodeHash(), must(CodeHash(guest(t, "host"))))
	ledger, reason := module.Ledger()
	expect(t, ledger, LedgerCards)
	from, _ := module.FromCache()
	if reason == "" || from || Version() == "" {
		t.Fatal(reason, from, Version())
	}
	_, err := must(NewEngine(&EngineOptions{NoCache: true, Features: "all,-simd"})).Compile(guest(t, "plain"), nil)
	expect(t, of(t, err).Code, Unsupported)
}

func TestWhatNobodyHasIsFreed(t *testing.T) {
	var freed atomic.Int32
	pool := plain(t, &PoolOptions{Capacity: 4})
	func() {
		for range 4 {
			must(pool.Acquire()) // and forgotten
		}
		kept := host(t, func(linker *Linker) {
			value := &struct{ bytes [64]byte }{}
			runtime.AddCleanup(value, func(int) { freed.Add(1) }, 0)
			check(linker.Define("env", "twice", func(each int64) int64 { return each + int64(value.bytes[0]) }))
		})
		must(call(t, kept, "twice", I64(1)))
	}()
	for limit := time.Now().Add(10 * time.Second); pool.Statistics().Leased > 0 || freed.Load() == 0; {
		if time.Now().After(limit) {
			t.Fatal("leases ", pool.Statistics().Leased, ", closures ", freed.Load())
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	check(must(pool.Acquire()).Close())
}

// What a call costs. BenchmarkCallAsNew is beside anew_bench_calls' acquire, call and release.
func BenchmarkCall(b *testing.B) {
	pool := plain(b, nil)
	nothing := must(pool.Function("nothing"))
	lease := must(pool.Acquire())
	defer lease.Close()
	for b.Loop() {
		check(lease.CallSlots(nothing, nil))
	}
}

func BenchmarkCallValues(b *testing.B) {
	pool := plain(b, nil)
	add := must(pool.Function("add"))
	lease := must(pool.Acquire())
	defer lease.Close()
	for b.Loop() {
		must(lease.Call(add, I32(2), I32(40)))
	}
}

func BenchmarkCallAsNew(b *testing.B) {
	nothing := must(plain(b, nil).Function("nothing"))
	for b.Loop() {
		check(nothing.CallAsNewSlots(nil))
	}
}

func BenchmarkAcquireCallClose(b *testing.B) {
	pool := plain(b, nil)
	nothing := must(pool.Function("nothing"))
	for b.Loop() {
		lease := must(pool.Acquire())
		check(lease.CallSlots(nothing, nil))
		check(lease.Close())
	}
}

func benchmarkHost(b *testing.B, define func(linker *Linker)) {
	pool := host(b, define)
	twice := must(pool.Function("twice"))
	lease := must(pool.Acquire())
	defer lease.Close()
	slots := make([]uint64, 1)
	for b.Loop() {
		check(lease.CallSlots(twice, slots))
	}
}

func BenchmarkCallWithHostFunctionBySlots(b *testing.B) {
	benchmarkHost(b, func(linker *Linker) {
		of := FunctionType{[]ValueType{TypeI64}, []ValueType{TypeI64}}
		check(linker.DefineSlots("env", "twice", of, func(_ *Caller, slots []uint64) error {
			slots[0] *= 2
			return nil
		}))
	})
}

func BenchmarkCallWithHostFunctionByReflection(b *testing.B) {
	benchmarkHost(b, func(linker *Linker) {
		check(linker.Define("env", "twice", func(value int64) int64 { return 2 * value }))
	})
}
