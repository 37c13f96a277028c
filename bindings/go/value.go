// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package anew

// #include "glue.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"unsafe"
)

// ValueType is a value type: one of those below, or a reference type that they do not list.
type ValueType uint32

// The value types.
const (
	TypeI32       ValueType = C.ANEW_I32
	TypeI64       ValueType = C.ANEW_I64
	TypeF32       ValueType = C.ANEW_F32
	TypeF64       ValueType = C.ANEW_F64
	TypeV128      ValueType = C.ANEW_V128
	TypeFuncRef   ValueType = C.ANEW_FUNCREF
	TypeExternRef ValueType = C.ANEW_EXTERNREF
	TypeExnRef    ValueType = C.ANEW_EXNREF
)

// String is the type as the specification writes it.
func (of ValueType) String() string {
	switch of {
	case TypeI32:
		return "i32"
	case TypeI64:
		return "i64"
	case TypeF32:
		return "f32"
	case TypeF64:
		return "f64"
	case TypeV128:
		return "v128"
	case TypeFuncRef:
		return "funcref"
	case TypeExternRef:
		return "externref"
	case TypeExnRef:
		return "exnref"
	}
	return fmt.Sprintf("(type %#x)", uint32(of))
}

func (of ValueType) slots() int {
	if of == TypeV128 {
		return 2
	}
	return 1
}

// FunctionType is what a function takes and returns.
type FunctionType struct {
	Parameters []ValueType
	Results    []ValueType
}

// String is the type as the specification writes it: "[i32 i64] -> [f32]".
func (of FunctionType) String() string {
	list := func(types []ValueType) string {
		words := make([]string, len(types))
		for i, each := range types {
			words[i] = each.String()
		}
		return strings.Join(words, " ")
	}
	return "[" + list(of.Parameters) + "] -> [" + list(of.Results) + "]"
}

// Slots says how many slots of 64 bits a call takes: those of the parameters or of the results, whichever are more.
func (of FunctionType) Slots() int { return max(slotsOf(of.Parameters), slotsOf(of.Results)) }

func slotsOf(types []ValueType) int {
	slots := 0
	for _, each := range types {
		slots += each.slots()
	}
	return slots
}

// raw is good until the pinner lets go.
func (of FunctionType) raw(pinner *runtime.Pinner) C.anew_function_type_t {
	list := func(types []ValueType) (*C.anew_type_t, C.size_t) {
		if len(types) == 0 {
			return nil, 0
		}
		pinner.Pin(&types[0])
		return (*C.anew_type_t)(unsafe.Pointer(&types[0])), C.size_t(len(types)) // both are 32 bits
	}
	var raw C.anew_function_type_t
	raw.parameters, raw.parameter_count = list(of.Parameters)
	raw.results, raw.result_count = list(of.Results)
	return raw
}

func goType(raw *C.anew_function_type_t) FunctionType {
	list := func(types *C.anew_type_t, count C.size_t) []ValueType {
		return append([]ValueType(nil), unsafe.Slice((*ValueType)(unsafe.Pointer(types)), int(count))...)
	}
	return FunctionType{list(raw.parameters, raw.parameter_count), list(raw.results, raw.result_count)}
}

// Value is a value with its type: what I32 and its siblings make, and calls return.
type Value struct {
	Type      ValueType
	low, high uint64
}

// I32 is an i32.
func I32(value int32) Value { return Value{Type: TypeI32, low: uint64(uint32(value))} }

// I64 is an i64.
func I64(value int64) Value { return Value{Type: TypeI64, low: uint64(value)} }

// F32 is an f32.
func F32(value float32) Value { return Value{Type: TypeF32, low: uint64(math.Float32bits(value))} }

// F64 is an f64.
func F64(value float64) Value { return Value{Type: TypeF64, low: math.Float64bits(value)} }

// V128 is a v128, its first lanes in low.
func V128(low, high uint64) Value { return Value{Type: TypeV128, low: low, high: high} }

// ExternRef is 64 bits of the host's own; 0 is null.
func ExternRef(bits uint64) Value { return Value{Type: TypeExternRef, low: bits} }

// Null is the null of a reference type.
func Null(of ValueType) Value { return Value{Type: of} }

// I32 is the value of an i32, or the lower half of another one's bits.
func (value Value) I32() int32 { return int32(value.low) }

// I64 is the value of an i64, or the lower 64 bits of another one.
func (value Value) I64() int64 { return int64(value.low) }

// F32 is the value of an f32.
func (value Value) F32() float32 { return math.Float32frombits(uint32(value.low)) }

// F64 is the value of an f64.
func (value Value) F64() float64 { return math.Float64frombits(value.low) }

// V128 is the value of a v128, its first lanes in low.
func (value Value) V128() (low, high uint64) { return value.low, value.high }

// ExternRef is the bits of an externref.
func (value Value) ExternRef() uint64 { return value.low }

// IsNull says whether a reference is null.
func (value Value) IsNull() bool { return value.low == 0 }

func (value Value) raw() C.anew_value_t {
	raw := C.anew_value_t{_type: C.anew_type_t(value.Type)}
	*(*[2]uint64)(unsafe.Pointer(&raw.of)) = [2]uint64{value.low, value.high} // 16 bytes, see anew.h
	return raw
}

func goValue(raw *C.anew_value_t) Value {
	bits := *(*[2]uint64)(unsafe.Pointer(&raw.of))
	return Value{Type: ValueType(raw._type), low: bits[0], high: bits[1]}
}

// putSlots checks values against types, and writes them to slots.
func putSlots(slots []uint64, values []Value, of FunctionType) error {
	mismatch := len(values) != len(of.Parameters)
	for i := 0; i < len(values) && !mismatch; i++ {
		mismatch = values[i].Type != of.Parameters[i]
	}
	if mismatch {
		given := FunctionType{Results: of.Results}
		for _, value := range values {
			given.Parameters = append(given.Parameters, value.Type)
		}
		return &Error{Code: Argument, Message: fmt.Sprintf("the function is %v, but is called as %v", of, given)}
	}
	next := 0
	for _, value := range values {
		slots[next] = value.low
		if value.Type == TypeV128 {
			slots[next+1] = value.high
		}
		next += value.Type.slots()
	}
	return nil
}

func valuesOf(slots []uint64, types []ValueType) []Value {
	values := make([]Value, len(types))
	next := 0
	for i, of := range types {
		values[i] = Value{Type: of, low: slots[next]}
		if of == TypeV128 {
			values[i].high = slots[next+1]
		}
		next += of.slots()
	}
	return values
}
