// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! WebAssembly's types and values, and which Rust types stand for them.

use std::fmt;

/// A value type. The common ones are constants here; what garbage collection and typed references bring is carried by
/// number and printed as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)] // an anew_type_t
pub struct ValueType(u32);

impl ValueType {
    /// `i32`
    pub const I32: ValueType = ValueType(0x7F);
    /// `i64`
    pub const I64: ValueType = ValueType(0x7E);
    /// `f32`
    pub const F32: ValueType = ValueType(0x7D);
    /// `f64`
    pub const F64: ValueType = ValueType(0x7C);
    /// `v128`
    pub const V128: ValueType = ValueType(0x7B);
    /// `funcref`
    pub const FUNC_REF: ValueType = ValueType(0x70);
    /// `externref`
    pub const EXTERN_REF: ValueType = ValueType(0x6F);

    pub(crate) const fn from_raw(number: u32) -> ValueType {
        ValueType(number)
    }
    pub(crate) const fn raw(self) -> u32 {
        self.0
    }
    /// Slots of 64 bits that a value takes where values pass between host and guest: two for a `v128`, low half first.
    pub const fn slots(self) -> usize {
        if self.0 == Self::V128.0 {
            2
        } else {
            1
        }
    }
    /// Whether it is a reference that is never null.
    const fn is_non_null(self) -> bool {
        self.0 & 0x100 != 0
    }
    /// The type without what says that it is never null.
    const fn nullable(self) -> ValueType {
        ValueType(self.0 & !0x100)
    }
    /// Whether it is a reference to what the host alone knows.
    const fn is_extern(self) -> bool {
        self.nullable().0 == Self::EXTERN_REF.0
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            ValueType::I32 => "i32",
            ValueType::I64 => "i64",
            ValueType::F32 => "f32",
            ValueType::F64 => "f64",
            ValueType::V128 => "v128",
            ValueType::FUNC_REF => "funcref",
            ValueType::EXTERN_REF => "externref",
            other => return write!(f, "(type {:#x})", other.0),
        })
    }
}
impl fmt::Debug for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a function takes and returns.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FunctionType {
    /// What it takes, in order.
    pub parameters: Vec<ValueType>,
    /// What it returns, in order.
    pub results: Vec<ValueType>,
}

impl FunctionType {
    /// The type of these parameters and results.
    pub fn new(parameters: &[ValueType], results: &[ValueType]) -> FunctionType {
        FunctionType { parameters: parameters.to_vec(), results: results.to_vec() }
    }
    /// The type of a function over these Rust types, such as `FunctionType::of::<(u32, u32), u64>()`.
    pub fn of<P: ValueList, R: ValueList>() -> FunctionType {
        FunctionType::new(P::TYPES, R::TYPES)
    }
    /// How many slots a call of it takes: for its parameters or for its results, whichever are more.
    pub(crate) fn slots(&self) -> usize {
        let count = |types: &[ValueType]| types.iter().map(|each| each.slots()).sum();
        usize::max(count(&self.parameters), count(&self.results))
    }
}

impl fmt::Display for FunctionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |types: &[ValueType]| types.iter().map(ValueType::to_string).collect::<Vec<_>>().join(" ");
        write!(f, "[{}] -> [{}]", list(&self.parameters), list(&self.results))
    }
}

/// A value with its type, for calls whose types are known at run time only.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// An `i32`.
    I32(i32),
    /// An `i64`.
    I64(i64),
    /// An `f32`.
    F32(f32),
    /// An `f64`.
    F64(f64),
    /// A `v128`, the first lane in the lowest bits.
    V128(u128),
    /// An `externref`: 64 bits that are the host's own; 0 is null.
    ExternRef(u64),
    /// Null, of a reference type.
    Null(ValueType),
    /// A reference that is not null to something in the instance, of this type. It says that it is there and no more: it
    /// is refused as an argument, for it could be of another instance, or of one that was restored meanwhile.
    Reference(ValueType),
}

impl Value {
    /// Its type.
    pub fn value_type(&self) -> ValueType {
        match *self {
            Value::I32(_) => ValueType::I32,
            Value::I64(_) => ValueType::I64,
            Value::F32(_) => ValueType::F32,
            Value::F64(_) => ValueType::F64,
            Value::V128(_) => ValueType::V128,
            Value::ExternRef(_) => ValueType::EXTERN_REF,
            Value::Null(of) | Value::Reference(of) => of,
        }
    }

    /// @return the low and high bits; None for what may not be passed.
    pub(crate) fn bits(&self) -> Option<(u64, u64)> {
        Some(match *self {
            Value::I32(value) => (u64::from(value as u32), 0),
            Value::I64(value) => (value as u64, 0),
            Value::F32(value) => (u64::from(value.to_bits()), 0),
            Value::F64(value) => (value.to_bits(), 0),
            Value::V128(value) => (value as u64, (value >> 64) as u64),
            Value::ExternRef(bits) => (bits, 0),
            Value::Null(of) if !of.is_non_null() => (0, 0),
            Value::Null(_) | Value::Reference(_) => return None,
        })
    }

    pub(crate) fn from_bits(of: ValueType, low: u64, high: u64) -> Value {
        match of {
            ValueType::I32 => Value::I32(low as u32 as i32),
            ValueType::I64 => Value::I64(low as i64),
            ValueType::F32 => Value::F32(f32::from_bits(low as u32)),
            ValueType::F64 => Value::F64(f64::from_bits(low)),
            ValueType::V128 => Value::V128(u128::from(low) | u128::from(high) << 64),
            of if of.is_extern() => Value::ExternRef(low),
            of if low == 0 => Value::Null(of),
            of => Value::Reference(of),
        }
    }
}

macro_rules! value_from {
    ($($rust:ty => $variant:ident as $inner:ty),* $(,)?) => {$(
        impl From<$rust> for Value {
            fn from(value: $rust) -> Value {
                Value::$variant(value as $inner)
            }
        }
    )*};
}
value_from!(i32 => I32 as i32, u32 => I32 as i32, i64 => I64 as i64, u64 => I64 as i64, f32 => F32 as f32,
            f64 => F64 as f64, u128 => V128 as u128);

mod sealed {
    /// What only this crate implements: its methods read and write slots unchecked.
    pub trait Sealed {}
}

/// A Rust type that stands for a value type: `i32`, `u32` and `bool` for `i32`; `i64` and `u64` for `i64`; `f32`; `f64`;
/// `u128` for `v128`.
pub trait WasmType: sealed::Sealed + Copy + Send + 'static {
    /// The value type.
    const TYPE: ValueType;
    /// # Safety
    /// There are `TYPE.slots()` slots to write.
    #[doc(hidden)]
    unsafe fn write(self, slots: *mut u64);
    /// # Safety
    /// There are `TYPE.slots()` slots to read.
    #[doc(hidden)]
    unsafe fn read(slots: *const u64) -> Self;
}

macro_rules! wasm_type {
    ($($rust:ty: $type:ident, $value:ident => $to:expr, $slot:ident => $from:expr;)*) => {$(
        impl sealed::Sealed for $rust {}
        impl WasmType for $rust {
            const TYPE: ValueType = ValueType::$type;
            unsafe fn write(self, slots: *mut u64) {
                let $value = self;
                *slots = $to;
            }
            unsafe fn read(slots: *const u64) -> Self {
                let $slot = *slots;
                $from
            }
        }
    )*};
}
wasm_type! {
    u32: I32, value => u64::from(value), slot => slot as u32;
    i32: I32, value => u64::from(value as u32), slot => slot as u32 as i32;
    bool: I32, value => u64::from(value), slot => slot as u32 != 0;
    u64: I64, value => value, slot => slot;
    i64: I64, value => value as u64, slot => slot as i64;
    f32: F32, value => u64::from(value.to_bits()), slot => f32::from_bits(slot as u32);
    f64: F64, value => value.to_bits(), slot => f64::from_bits(slot);
}
impl sealed::Sealed for u128 {}
impl WasmType for u128 {
    const TYPE: ValueType = ValueType::V128;
    unsafe fn write(self, slots: *mut u64) {
        *slots = self as u64;
        *slots.add(1) = (self >> 64) as u64;
    }
    unsafe fn read(slots: *const u64) -> Self {
        u128::from(*slots) | u128::from(*slots.add(1)) << 64
    }
}

/// The most slots that a [`ValueList`] takes.
pub(crate) const MAXIMUM_SLOTS: usize = 24;

/// What a function takes or returns: `()`, one [`WasmType`], or a tuple of up to twelve.
pub trait ValueList: sealed::Sealed + Copy + Send + 'static {
    /// Their value types.
    const TYPES: &'static [ValueType];
    /// # Safety
    /// There are [`MAXIMUM_SLOTS`] slots, or as many as the types take, to write.
    #[doc(hidden)]
    unsafe fn write_all(self, slots: *mut u64);
    /// # Safety
    /// There are as many slots to read as the types take.
    #[doc(hidden)]
    unsafe fn read_all(slots: *const u64) -> Self;
}

impl<T: WasmType> ValueList for T {
    const TYPES: &'static [ValueType] = &[T::TYPE];
    #[inline]
    unsafe fn write_all(self, slots: *mut u64) {
        self.write(slots);
    }
    #[inline]
    unsafe fn read_all(slots: *const u64) -> Self {
        T::read(slots)
    }
}

macro_rules! value_list {
    ($($name:ident)*) => {
        impl<$($name: WasmType),*> sealed::Sealed for ($($name,)*) {}
        impl<$($name: WasmType),*> ValueList for ($($name,)*) {
            const TYPES: &'static [ValueType] = &[$($name::TYPE),*];
            #[inline]
            #[allow(non_snake_case, unused_mut, unused_variables, unused_assignments)]
            unsafe fn write_all(self, mut slots: *mut u64) {
                let ($($name,)*) = self;
                $($name.write(slots); slots = slots.add($name::TYPE.slots());)*
            }
            #[inline]
            #[allow(unused_mut, unused_variables, unused_assignments, clippy::unused_unit)]
            unsafe fn read_all(mut slots: *const u64) -> Self {
                // A tuple's expressions are evaluated from left to right.
                ($({ let value = $name::read(slots); slots = slots.add($name::TYPE.slots()); value },)*)
            }
        }
    };
}
value_list!();
value_list!(A);
value_list!(A B);
value_list!(A B C);
value_list!(A B C D);
value_list!(A B C D E);
value_list!(A B C D E F);
value_list!(A B C D E F G);
value_list!(A B C D E F G H);
value_list!(A B C D E F G H I);
value_list!(A B C D E F G H I J);
value_list!(A B C D E F G H I J K);
value_list!(A B C D E F G H I J K L);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_through_slots() {
        let mut slots = [0; MAXIMUM_SLOTS];
        let list = (-1i32, u128::MAX - 5, true, -2i64, 1.5f32, 2.5f64);
        unsafe {
            list.write_all(slots.as_mut_ptr());
            assert_eq!(slots[0], 0xFFFF_FFFF); // the upper half is zero
            assert_eq!(<(i32, u128, bool, i64, f32, f64)>::read_all(slots.as_ptr()), list);
        }
    }

    #[test]
    fn what_is_an_instance_s_is_not_passed() {
        assert_eq!(Value::from_bits(ValueType::FUNC_REF, 0x1234, 0), Value::Reference(ValueType::FUNC_REF));
        assert_eq!(Value::Reference(ValueType::FUNC_REF).bits(), None);
        assert_eq!(Value::Null(ValueType::FUNC_REF).bits(), Some((0, 0)));
        assert_eq!(Value::Null(ValueType::from_raw(0x170)).bits(), None); // (ref func)
        assert_eq!(Value::ExternRef(7).bits(), Some((7, 0)));
    }

    #[test]
    fn types_print_as_the_specification_writes_them() {
        let of = FunctionType::of::<(u32, u128), (f64, bool)>();
        assert_eq!(of.to_string(), "[i32 v128] -> [f64 i32]");
        assert_eq!(of.slots(), 3);
    }
}
