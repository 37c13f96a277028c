// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Handles of a guest's functions: found once by name, called through a lease or, by a host function, through its caller.

use crate::engine::owned_type;
use crate::error::{Error, ErrorCode, Result};
use crate::value::{FunctionType, Value, ValueList, ValueType, MAXIMUM_SLOTS};
use crate::{pending, raw};
use anew_sys as sys;
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::Arc;

raw::handle!(FunctionHandle, anew_function_t, anew_function_delete);

/// An exported function of a pool, over Rust types: `TypedFunction<(u32, u32), u64>`. Cheap to clone; good for the leases
/// of the pool that it was found in; it keeps the compiled module.
pub struct TypedFunction<P, R> {
    handle: Arc<FunctionHandle>,
    _signature: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunction<P, R> {
    fn clone(&self) -> Self {
        TypedFunction { handle: self.handle.clone(), _signature: PhantomData }
    }
}

impl<P: ValueList, R: ValueList> fmt::Debug for TypedFunction<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedFunction({})", FunctionType::of::<P, R>())
    }
}

/// The type as the C API takes it; its lists are the constants'.
pub(crate) fn raw_type(parameters: &[ValueType], results: &[ValueType]) -> sys::anew_function_type_t {
    sys::anew_function_type_t {
        parameters: parameters.as_ptr().cast(), // a ValueType is an anew_type_t
        parameter_count: parameters.len(),
        results: results.as_ptr().cast(),
        result_count: results.len(),
    }
}

/// Calls a function through its slots, with whatever calls it.
/// # Safety
/// `call` reads and writes no more slots than the parameters and results take, and calls a function of that type.
#[inline]
unsafe fn call_typed<P: ValueList, R: ValueList>(
    arguments: P,
    call: impl FnOnce(*mut u64, usize) -> *mut sys::anew_error_t,
) -> Result<R> {
    let mut slots = MaybeUninit::<[u64; MAXIMUM_SLOTS]>::uninit();
    let slots = slots.as_mut_ptr().cast::<u64>();
    arguments.write_all(slots);
    pending::check(call(slots, MAXIMUM_SLOTS))?;
    Ok(R::read_all(slots))
}

impl<P: ValueList, R: ValueList> TypedFunction<P, R> {
    /// # Safety
    /// `find` is given the type, and finds a function of that type.
    pub(crate) unsafe fn find(
        find: impl FnOnce(*const sys::anew_function_type_t, *mut *mut sys::anew_function_t) -> *mut sys::anew_error_t,
    ) -> Result<TypedFunction<P, R>> {
        let of = raw_type(P::TYPES, R::TYPES);
        let function = raw::made(|out| find(&of, out))?;
        Ok(TypedFunction { handle: Arc::new(FunctionHandle::new(function)), _signature: PhantomData })
    }

    /// # Safety
    /// `call` calls the function that it is given.
    #[inline]
    pub(crate) unsafe fn call(
        &self,
        arguments: P,
        call: impl FnOnce(*const sys::anew_function_t, *mut u64, usize) -> *mut sys::anew_error_t,
    ) -> Result<R> {
        call_typed(arguments, |slots, count| call(self.handle.raw(), slots, count))
    }
}

/// An exported function of a pool, whatever its type: called with [`Value`]s, which are checked with each call. Cheap to
/// clone.
#[derive(Clone)]
pub struct Function {
    handle: Arc<FunctionHandle>,
    function_type: Arc<FunctionType>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function({})", self.function_type)
    }
}

impl Function {
    /// # Safety
    /// As [`raw::made`].
    pub(crate) unsafe fn find(
        find: impl FnOnce(*mut *mut sys::anew_function_t) -> *mut sys::anew_error_t,
    ) -> Result<Function> {
        let handle = FunctionHandle::new(raw::made(find)?);
        let function_type = owned_type(&sys::anew_function_type(handle.raw()));
        Ok(Function { handle: Arc::new(handle), function_type: Arc::new(function_type) })
    }

    /// What it takes and returns.
    pub fn function_type(&self) -> &FunctionType {
        &self.function_type
    }

    /// # Safety
    /// `call` calls the function that it is given.
    pub(crate) unsafe fn call(
        &self,
        arguments: &[Value],
        call: impl FnOnce(*const sys::anew_function_t, *mut u64, usize) -> *mut sys::anew_error_t,
    ) -> Result<Vec<Value>> {
        let parameters = &self.function_type.parameters;
        let mut slots = Vec::with_capacity(self.function_type.slots());
        let fits = |(value, of): (&Value, &ValueType)| value.value_type() == *of;
        if arguments.len() != parameters.len() || !arguments.iter().zip(parameters).all(fits) {
            let given: Vec<_> = arguments.iter().map(|value| value.value_type().to_string()).collect();
            let message = format!("the function is {}, but is called with [{}]", self.function_type, given.join(" "));
            return Err(Error::new(ErrorCode::Argument, message));
        }
        for value in arguments {
            let (low, high) = value.bits().ok_or_else(refused_reference)?;
            slots.push(low);
            if value.value_type().slots() == 2 {
                slots.push(high);
            }
        }
        slots.resize(self.function_type.slots(), 0);
        pending::check(call(self.handle.raw(), slots.as_mut_ptr(), slots.len()))?;
        let mut rest = slots.into_iter();
        let mut next = || rest.next().unwrap_or(0);
        let results = self.function_type.results.iter();
        Ok(results
            .map(|of| {
                let low = next();
                Value::from_bits(*of, low, if of.slots() == 2 { next() } else { 0 })
            })
            .collect())
    }
}

pub(crate) fn refused_reference() -> Error {
    Error::new(
        ErrorCode::Argument,
        "a reference to what lies in an instance is not passed: it could be of another one, or null where none may be",
    )
}
