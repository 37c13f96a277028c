// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package anew

// #include "glue.h"
import "C"

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"runtime/cgo"
)

// Linker has host functions and other things that modules import, by module and name. A later definition of a name
// replaces the earlier one. One goroutine fills it; then many may use it. Pools keep what they were linked to.
type Linker struct {
	raw *C.anew_linker_t
	_   own
}

// NewLinker makes an empty one.
func NewLinker() (*Linker, error) {
	linker := &Linker{}
	if err := plainResult(C.anew_linker_new(&linker.raw)); err != nil {
		return nil, err
	}
	runtime.AddCleanup(linker, func(raw *C.anew_linker_t) { C.anew_linker_delete(raw) }, linker.raw)
	return linker, nil
}

// HostFunction is a host function by its slots: the arguments are there when it is called, from the first slot, and its
// results, from the first slot, when it returns. An i32 or f32 is in the lower half of a slot; a v128 takes two.
type HostFunction func(caller *Caller, slots []uint64) error

type hostFunction struct {
	call  HostFunction
	slots int
}

// DefineSlots defines a host function by its slots: the fast form. The one function is called for all instances, from all
// their goroutines, maybe at once.
func (linker *Linker) DefineSlots(module, name string, of FunctionType, function HostFunction) error {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	raw := of.raw(&pinner)
	handle := cgo.NewHandle(&hostFunction{function, of.Slots()}) // deleted by the library, also if it fails
	moduleData, moduleSize := textOf(module)
	nameData, nameSize := textOf(name)
	err := plainResult(C.anew_go_define(linker.raw, moduleData, moduleSize, nameData, nameSize, &raw, C.uintptr_t(handle)))
	runtime.KeepAlive(linker)
	return err
}

// Define defines a host function of any type: a Go function over int32, uint32, int64, uint64, float32, float64 and bool,
// before which it may take a *[Caller], that returns any number of these, and behind them maybe an error. It is called by
// reflection, which takes longer than DefineSlots.
func (linker *Linker) Define(module, name string, function any) error {
	of, call, err := reflected(function)
	if err != nil {
		return &Error{Code: Argument, Message: fmt.Sprintf("the host function %q %q: %v", module, name, err)}
	}
	return linker.DefineSlots(module, name, of, call)
}

var callerType, errorType = reflect.TypeFor[*Caller](), reflect.TypeFor[error]()

var kindTypes = map[reflect.Kind]ValueType{
	reflect.Int32: TypeI32, reflect.Uint32: TypeI32, reflect.Bool: TypeI32, reflect.Int64: TypeI64,
	reflect.Uint64: TypeI64, reflect.Float32: TypeF32, reflect.Float64: TypeF64,
}

func reflected(function any) (of FunctionType, call HostFunction, err error) {
	value := reflect.ValueOf(function)
	if value.Kind() != reflect.Func || value.IsNil() || value.Type().IsVariadic() {
		return of, nil, fmt.Errorf("%T is no function of a fixed number of parameters", function)
	}
	goType := value.Type()
	first, results := 0, goType.NumOut()
	if goType.NumIn() > 0 && goType.In(0) == callerType {
		first = 1
	}
	fails := results > 0 && goType.Out(results-1) == errorType
	if fails {
		results--
	}
	for i := first; i < goType.NumIn(); i++ {
		each, known := kindTypes[goType.In(i).Kind()]
		if !known {
			return of, nil, fmt.Errorf("no value type stands for the parameter %v", goType.In(i))
		}
		of.Parameters = append(of.Parameters, each)
	}
	for i := range results {
		each, known := kindTypes[goType.Out(i).Kind()]
		if !known {
			return of, nil, fmt.Errorf("no value type stands for the result %v", goType.Out(i))
		}
		of.Results = append(of.Results, each)
	}
	call = func(caller *Caller, slots []uint64) error {
		arguments := make([]reflect.Value, 0, goType.NumIn())
		if first == 1 {
			arguments = append(arguments, reflect.ValueOf(caller))
		}
		for i := first; i < goType.NumIn(); i++ {
			argument := reflect.New(goType.In(i)).Elem()
			fromSlot(argument, slots[i-first])
			arguments = append(arguments, argument)
		}
		returned := value.Call(arguments)
		if fails {
			if err, _ := returned[results].Interface().(error); err != nil {
				return err
			}
		}
		for i := range results {
			slots[i] = toSlot(returned[i])
		}
		return nil
	}
	return of, call, nil
}

func fromSlot(to reflect.Value, slot uint64) {
	switch to.Kind() {
	case reflect.Int32:
		to.SetInt(int64(int32(slot)))
	case reflect.Uint32:
		to.SetUint(uint64(uint32(slot)))
	case reflect.Bool:
		to.SetBool(uint32(slot) != 0)
	case reflect.Int64:
		to.SetInt(int64(slot))
	case reflect.Uint64:
		to.SetUint(slot)
	case reflect.Float32:
		to.SetFloat(float64(math.Float32frombits(uint32(slot))))
	case reflect.Float64:
		to.SetFloat(math.Float64frombits(slot))
	}
}

func toSlot(value reflect.Value) uint64 {
	switch value.Kind() {
	case reflect.Int32:
		return uint64(uint32(value.Int()))
	case reflect.Int64:
		return uint64(value.Int())
	case reflect.Uint32, reflect.Uint64:
		return value.Uint()
	case reflect.Float32:
		return uint64(math.Float32bits(float32(value.Float())))
	case reflect.Float64:
		return math.Float64bits(value.Float())
	}
	if value.Bool() {
		return 1
	}
	return 0
}

// DefineGlobal defines an immutable global. A reference must be null, or an externref.
func (linker *Linker) DefineGlobal(module, name string, value Value) error {
	raw := value.raw()
	moduleData, moduleSize := textOf(module)
	nameData, nameSize := textOf(name)
	err := plainResult(C.anew_linker_define_global(linker.raw, moduleData, moduleSize, nameData, nameSize, &raw))
	runtime.KeepAlive(linker)
	return err
}

// DefineMutableGlobal defines a global that guests may change: each lease has one of its own, as new with it.
func (linker *Linker) DefineMutableGlobal(module, name string, value Value) error {
	raw := value.raw()
	moduleData, moduleSize := textOf(module)
	nameData, nameSize := textOf(name)
	err := plainResult(C.anew_linker_define_mutable_global(linker.raw, moduleData, moduleSize, nameData, nameSize, &raw))
	runtime.KeepAlive(linker)
	return err
}

// NoMaximum is for memories and tables without one.
const NoMaximum uint64 = math.MaxUint64

// DefineMemory defines a memory of the leases' own, of so many pages of 64 KiB.
func (linker *Linker) DefineMemory(module, name string, minimum, maximum uint64) error {
	moduleData, moduleSize := textOf(module)
	nameData, nameSize := textOf(name)
	err := plainResult(C.anew_linker_define_memory(linker.raw, moduleData, moduleSize, nameData, nameSize,
		C.uint64_t(minimum), C.uint64_t(maximum)))
	runtime.KeepAlive(linker)
	return err
}

// DefineTable defines a table of the leases' own, with null elements.
func (linker *Linker) DefineTable(module, name string, element ValueType, minimum, maximum uint64) error {
	moduleData, moduleSize := textOf(module)
	nameData, nameSize := textOf(name)
	err := plainResult(C.anew_linker_define_table(linker.raw, moduleData, moduleSize, nameData, nameSize,
		C.anew_type_t(element), C.uint64_t(minimum), C.uint64_t(maximum)))
	runtime.KeepAlive(linker)
	return err
}

// DefineModule makes a module's exports importable under a name: every instance of a pool gets its own instance of it,
// made before the main one, in the order of these definitions. They are leased and reset together.
func (linker *Linker) DefineModule(name string, module *Module) error {
	data, size := textOf(name)
	err := plainResult(C.anew_linker_define_module(linker.raw, data, size, module.raw))
	runtime.KeepAlive(linker)
	runtime.KeepAlive(module)
	return err
}

// DefineState gives the instances a host state of this kind.
func (linker *Linker) DefineState(state *StateType) error {
	err := plainResult(C.anew_linker_define_state(linker.raw, state.raw))
	runtime.KeepAlive(linker)
	runtime.KeepAlive(state)
	return err
}

// TrapUnknownFunctions lets every function import that is not defined trap when called, with "not implemented: NAME".
func (linker *Linker) TrapUnknownFunctions() error {
	err := plainResult(C.anew_linker_trap_unknown_functions(linker.raw))
	runtime.KeepAlive(linker)
	return err
}

// StateType is a kind of host state: what host functions keep for the guests that call them, one for each lease, as new
// with it.
type StateType struct {
	raw *C.anew_state_type_t
	_   own
}

type stateFunctions struct {
	create func() any
	reset  func(state any)
}

// NewStateType makes a kind of state. The name is for messages; create makes a state as new, for each instance that is
// made, maybe on several goroutines at once; reset puts one back to that, on the goroutine that closes a lease. An instance
// whose state panics there is destroyed, and made anew when it is needed.
func NewStateType(name string, create func() any, reset func(state any)) (*StateType, error) {
	handle := cgo.NewHandle(&stateFunctions{create, reset}) // deleted by the library, also if it fails
	data, size := textOf(name)
	state := &StateType{}
	if err := plainResult(C.anew_go_state_type_new(data, size, C.uintptr_t(handle), &state.raw)); err != nil {
		return nil, err
	}
	runtime.AddCleanup(state, func(raw *C.anew_state_type_t) { C.anew_state_type_delete(raw) }, state.raw)
	return state, nil
}
