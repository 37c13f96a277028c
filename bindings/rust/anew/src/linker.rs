// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! What a module imports.

use crate::caller::Caller;
use crate::engine::Module;
use crate::error::{BoxError, Error, ErrorCode, Result};
use crate::function::{raw_type, refused_reference};
use crate::state::StateType;
use crate::value::{FunctionType, Value, ValueList, ValueType, WasmType};
use crate::{pending, raw};
use anew_sys as sys;
use std::ffi::{c_char, c_void};
use std::ops::RangeFrom;
use std::ptr::NonNull;
use std::{fmt, mem, slice};

/// What a host function may return: a [`ValueList`], or a `Result` of one. An error of any type that becomes a
/// [`BoxError`] traps the guest with its message, and is the [`source`](std::error::Error::source) of the call's error.
pub trait HostResult {
    /// What goes to the guest.
    type List: ValueList;
    #[doc(hidden)]
    fn into_list(self) -> std::result::Result<Self::List, BoxError>;
}

impl<L: ValueList> HostResult for L {
    type List = L;
    #[inline]
    fn into_list(self) -> std::result::Result<L, BoxError> {
        Ok(self)
    }
}
impl<L: ValueList, E: Into<BoxError>> HostResult for std::result::Result<L, E> {
    type List = L;
    #[inline]
    fn into_list(self) -> std::result::Result<L, BoxError> {
        self.map_err(Into::into)
    }
}

/// A function or closure that a guest may import: over up to twelve [`WasmType`]s, maybe with [`Caller`] before them, with
/// a [`HostResult`]. `P` and `R` are found by the compiler.
pub trait HostFunction<P, R>: Send + Sync + 'static {
    #[doc(hidden)]
    fn function_type() -> FunctionType;
    /// # Safety
    /// As many slots as the parameters or results take, which hold the arguments.
    #[doc(hidden)]
    unsafe fn call(&self, caller: Caller<'_>, slots: *mut u64) -> std::result::Result<(), BoxError>;
}

/// Stands for [`Caller`] among the parameters of a [`HostFunction`].
#[derive(Debug)]
pub enum WithCaller {}

macro_rules! host_function {
    ($($name:ident)*) => {
        impl<F, R: HostResult, $($name: WasmType),*> HostFunction<($($name,)*), R> for F
        where
            F: Fn($($name),*) -> R + Send + Sync + 'static,
        {
            fn function_type() -> FunctionType {
                FunctionType::of::<($($name,)*), R::List>()
            }
            #[allow(non_snake_case)]
            unsafe fn call(&self, _caller: Caller<'_>, slots: *mut u64) -> std::result::Result<(), BoxError> {
                let ($($name,)*) = <($($name,)*)>::read_all(slots);
                self($($name),*).into_list()?.write_all(slots);
                Ok(())
            }
        }
        impl<F, R: HostResult, $($name: WasmType),*> HostFunction<(WithCaller, $($name,)*), R> for F
        where
            F: Fn(Caller<'_>, $($name),*) -> R + Send + Sync + 'static,
        {
            fn function_type() -> FunctionType {
                FunctionType::of::<($($name,)*), R::List>()
            }
            #[allow(non_snake_case)]
            unsafe fn call(&self, caller: Caller<'_>, slots: *mut u64) -> std::result::Result<(), BoxError> {
                let ($($name,)*) = <($($name,)*)>::read_all(slots);
                self(caller, $($name),*).into_list()?.write_all(slots);
                Ok(())
            }
        }
    };
}
host_function!();
host_function!(A);
host_function!(A B);
host_function!(A B C);
host_function!(A B C D);
host_function!(A B C D E);
host_function!(A B C D E G);
host_function!(A B C D E G H);
host_function!(A B C D E G H I);
host_function!(A B C D E G H I J);
host_function!(A B C D E G H I J K);
host_function!(A B C D E G H I J K L);
host_function!(A B C D E G H I J K L M);

/// Host functions and other things that modules import, by module and name. A later definition of a name replaces the
/// earlier one. Pools keep what they were linked to: later definitions change nothing for them.
///
/// ```
/// use anew::{Caller, Linker};
///
/// # fn main() -> anew::Result<()> {
/// let mut linker = Linker::new()?;
/// linker.define("env", "now", || 42i64)?;
/// linker.define("env", "divide", |a: u32, b: u32| a.checked_div(b).ok_or("divided by zero"))?;
/// linker.define("env", "hash", |caller: Caller<'_>, address: u32, size: u32| -> anew::Result<u32> {
///     let memory = caller.memory()?;
///     Ok(memory.bytes(address.into(), size as usize)?.iter().fold(0, |sum, byte| sum * 31 + u32::from(*byte)))
/// })?;
/// # Ok(())
/// # }
/// ```
pub struct Linker(NonNull<sys::anew_linker_t>);
// anew.h: filled by one thread, which &mut says; then used from any.
unsafe impl Send for Linker {}
unsafe impl Sync for Linker {}

impl fmt::Debug for Linker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Linker")
    }
}

impl Drop for Linker {
    fn drop(&mut self) {
        // The owner.
        unsafe { sys::anew_linker_delete(self.0.as_ptr()) }
    }
}

impl Linker {
    /// An empty one. @return `Resource` without memory for it, as all functions here.
    pub fn new() -> Result<Linker> {
        // It makes a linker or fails.
        Ok(Linker(unsafe { raw::made(|out| sys::anew_linker_new(out))? }))
    }

    pub(crate) fn raw(&self) -> *const sys::anew_linker_t {
        self.0.as_ptr()
    }
    #[cfg(feature = "wasi")]
    pub(crate) fn raw_mut(&mut self) -> *mut sys::anew_linker_t {
        self.0.as_ptr()
    }
    pub(crate) fn into_raw(self) -> *mut sys::anew_linker_t {
        let raw = self.0.as_ptr();
        mem::forget(self); // the library's from now on
        raw
    }

    /// Defines a host function. The one closure is called for all instances, from all their threads, maybe at once: what
    /// it keeps is shared; for state of each instance there is [`StateType`]. A panic in it goes on where the host called
    /// the guest, see the [crate's documentation](crate#panics-in-host-functions).
    pub fn define<P, R, F: HostFunction<P, R>>(&mut self, module: &str, name: &str, function: F) -> Result<()> {
        let of = F::function_type();
        let of = raw_type(&of.parameters, &of.results);
        let (module, module_size) = raw::text(module);
        let (name, name_size) = raw::text(name);
        let (data, finalize) = raw::boxed(function);
        // The type is that of the closure; the box is the library's from now on, even if it fails.
        unsafe {
            pending::check(sys::anew_linker_define_slots(
                self.0.as_ptr(),
                module,
                module_size,
                name,
                name_size,
                &of,
                Some(call_slots::<P, R, F>),
                data,
                finalize,
            ))
        }
    }

    /// Defines a host function whose type is known at run time only: reads its arguments, and writes its results, which
    /// are there as zeros or nulls of their types.
    pub fn define_values<F>(&mut self, module: &str, name: &str, of: &FunctionType, function: F) -> Result<()>
    where
        F: Fn(Caller<'_>, &[Value], &mut [Value]) -> std::result::Result<(), BoxError> + Send + Sync + 'static,
    {
        let of = raw_type(&of.parameters, &of.results);
        let (module, module_size) = raw::text(module);
        let (name, name_size) = raw::text(name);
        let (data, finalize) = raw::boxed(function);
        // As above.
        unsafe {
            pending::check(sys::anew_linker_define_values(
                self.0.as_ptr(),
                module,
                module_size,
                name,
                name_size,
                &of,
                Some(call_values::<F>),
                data,
                finalize,
            ))
        }
    }

    /// An immutable global. A reference must be null, or an `externref`.
    pub fn define_global(&mut self, module: &str, name: &str, value: Value) -> Result<()> {
        // The function of that type.
        unsafe { self.define_any_global(module, name, value, sys::anew_linker_define_global) }
    }

    /// A global that guests may change: each lease has one of its own, as new with it.
    pub fn define_mutable_global(&mut self, module: &str, name: &str, value: Value) -> Result<()> {
        // As above.
        unsafe { self.define_any_global(module, name, value, sys::anew_linker_define_mutable_global) }
    }

    /// # Safety
    /// `define` copies the value, and reads the names.
    unsafe fn define_any_global(
        &mut self,
        module: &str,
        name: &str,
        value: Value,
        define: unsafe extern "C" fn(
            *mut sys::anew_linker_t,
            *const c_char,
            usize,
            *const c_char,
            usize,
            *const sys::anew_value_t,
        ) -> *mut sys::anew_error_t,
    ) -> Result<()> {
        let value = raw_value(&value)?;
        let (module, module_size) = raw::text(module);
        let (name, name_size) = raw::text(name);
        pending::check(define(self.0.as_ptr(), module, module_size, name, name_size, &value))
    }

    /// A memory of the leases' own, of so many pages of 64 KiB; without a maximum the import's is the maximum.
    pub fn define_memory(&mut self, module: &str, name: &str, minimum: u64, maximum: Option<u64>) -> Result<()> {
        let (module, module_size) = raw::text(module);
        let (name, name_size) = raw::text(name);
        // Texts and numbers.
        unsafe {
            pending::check(sys::anew_linker_define_memory(
                self.0.as_ptr(),
                module,
                module_size,
                name,
                name_size,
                minimum,
                maximum.unwrap_or(u64::MAX),
            ))
        }
    }

    /// A table of the leases' own, with null elements.
    pub fn define_table(
        &mut self,
        module: &str,
        name: &str,
        element: ValueType,
        minimum: u64,
        maximum: Option<u64>,
    ) -> Result<()> {
        let (module, module_size) = raw::text(module);
        let (name, name_size) = raw::text(name);
        // Texts and numbers; types that are none are refused.
        unsafe {
            pending::check(sys::anew_linker_define_table(
                self.0.as_ptr(),
                module,
                module_size,
                name,
                name_size,
                element.raw(),
                minimum,
                maximum.unwrap_or(u64::MAX),
            ))
        }
    }

    /// A module whose exports are importable under `name`: every instance of a pool gets its own instance of it, made
    /// before the main one, in the order of these definitions. They are leased and reset together.
    pub fn define_module(&mut self, name: &str, module: &Module) -> Result<()> {
        let (name, size) = raw::text(name);
        // Both handles are alive.
        unsafe { pending::check(sys::anew_linker_define_module(self.0.as_ptr(), name, size, module.raw())) }
    }

    /// Gives the instances a host state of this kind.
    pub fn define_state<T>(&mut self, state: &StateType<T>) -> Result<()> {
        // Both handles are alive.
        unsafe { pending::check(sys::anew_linker_define_state(self.0.as_ptr(), state.raw())) }
    }

    /// Every function import that is not defined traps when called, with "not implemented: NAME".
    pub fn trap_unknown_functions(&mut self) -> Result<()> {
        // The handle is alive.
        unsafe { pending::check(sys::anew_linker_trap_unknown_functions(self.0.as_ptr())) }
    }
}

// Below, `data` is the box of define() or define_values(), shared by all threads.

unsafe extern "C" fn call_slots<P, R, F: HostFunction<P, R>>(
    data: *mut c_void,
    caller: *mut sys::anew_caller_t,
    slots: *mut u64,
) -> *mut sys::anew_error_t {
    pending::callback(|| (*data.cast::<F>()).call(Caller::new(caller), slots))
}

unsafe extern "C" fn call_values<F>(
    data: *mut c_void,
    caller: *mut sys::anew_caller_t,
    arguments: *const sys::anew_value_t,
    argument_count: usize,
    results: *mut sys::anew_value_t,
    result_count: usize,
) -> *mut sys::anew_error_t
where
    F: Fn(Caller<'_>, &[Value], &mut [Value]) -> std::result::Result<(), BoxError>,
{
    pending::callback(|| {
        let read = |values: RangeFrom<usize>, of: *const sys::anew_value_t, count| -> Vec<Value> {
            values.take(count).map(|index| owned_value(&*of.add(index))).collect()
        };
        let arguments = read(0.., arguments, argument_count);
        let mut returned = read(0.., results, result_count);
        (*data.cast::<F>())(Caller::new(caller), &arguments, &mut returned)?;
        if result_count == 0 {
            return Ok(());
        }
        for (place, value) in slice::from_raw_parts_mut(results, result_count).iter_mut().zip(&returned) {
            if value.value_type().raw() != place.type_ {
                let expected = ValueType::from_raw(place.type_);
                let message = format!("a host function returned {} for {expected}", value.value_type());
                return Err(Error::new(ErrorCode::Argument, message).into());
            }
            place.of = raw_value(value)?.of;
        }
        Ok(())
    })
}

pub(crate) fn raw_value(value: &Value) -> Result<sys::anew_value_t> {
    let (low, high) = value.bits().ok_or_else(refused_reference)?;
    Ok(sys::anew_value_t {
        type_: value.value_type().raw(),
        unused: 0,
        of: sys::anew_value_t_of { slots: [low, high] },
    })
}

pub(crate) fn owned_value(value: &sys::anew_value_t) -> Value {
    // All 16 bytes are there whatever the value is: what its type does not use is zero.
    let [low, high] = unsafe { value.of.slots };
    Value::from_bits(ValueType::from_raw(value.type_), low, high)
}
