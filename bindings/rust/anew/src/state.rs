// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! What host functions keep for the guests that call them.

use crate::error::{BoxError, Result};
use crate::{pending, raw};
use anew_sys as sys;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::sync::Arc;
use std::{fmt, mem};

raw::handle!(StateHandle, anew_state_type_t, anew_state_type_delete);

/// A kind of host state: one `T` for each lease, as new with it. [`Linker::define_state`](crate::Linker::define_state)
/// gives it to the instances of a pool; [`Caller::state`](crate::Caller::state) and [`Lease::state`](crate::Lease::state)
/// find it. Cheap to clone; the clones are the same kind.
///
/// ```
/// use anew::{Caller, Engine, Linker, Module, Pool, StateType};
///
/// # fn main() -> Result<(), anew::BoxError> {
/// # let binary = include_bytes!("../../../guests/host.wasm");
/// let lines = StateType::new("lines", Vec::<String>::new, |lines| lines.clear())?;
/// let mut linker = Linker::new()?;
/// linker.define_state(&lines)?;
/// let state = lines.clone();
/// linker.define("env", "log", move |mut caller: Caller<'_>, address: u32, size: u32| {
///     let line = String::from_utf8_lossy(caller.memory()?.bytes(address.into(), size as usize)?).into_owned();
///     caller.state_mut(&state).expect("it is defined").push(line);
///     Ok::<(), anew::Error>(())
/// })?;
/// # linker.trap_unknown_functions()?;
/// let module = Module::new(&Engine::new()?, binary)?;
/// let pool = Pool::new(&module, &linker)?;
///
/// let mut lease = pool.acquire()?;
/// lease.call_export::<(), ()>("hello", ())?;
/// assert_eq!(lease.state(&lines).unwrap(), &["hello"]);
/// drop(lease);
/// assert!(pool.acquire()?.state(&lines).unwrap().is_empty()); // as new
/// # Ok(())
/// # }
/// ```
///
/// A kind of state of one type is not one of another, for all that it lives longer:
///
/// ```compile_fail
/// fn shorter<'a>(of: &'a anew::StateType<&'static str>) -> &'a anew::StateType<&'a str> {
///     of
/// }
/// ```
pub struct StateType<T> {
    handle: Arc<StateHandle>,
    /// Invariant: who finds a state as `&mut T` may write a `T` there.
    _state: PhantomData<fn(T) -> T>,
}

impl<T> Clone for StateType<T> {
    fn clone(&self) -> Self {
        StateType { handle: self.handle.clone(), _state: PhantomData }
    }
}

impl<T> fmt::Debug for StateType<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateType<{}>", std::any::type_name::<T>())
    }
}

struct Functions<M, R> {
    make: M,
    reset: R,
}

impl<T: Send + 'static> StateType<T> {
    /// # Parameters
    /// - `name` is for messages.
    /// - `make` makes a state as new, for each instance that is made, maybe on several threads at once.
    /// - `reset` puts a state back to what `make` makes, on the thread that gives a lease back. After a panic the instance
    ///   is destroyed, and made anew when it is needed.
    pub fn new<M, R>(name: &str, make: M, reset: R) -> Result<StateType<T>>
    where
        M: Fn() -> T + Send + Sync + 'static,
        R: Fn(&mut T) + Send + Sync + 'static,
    {
        let (data, finalize) = raw::boxed(Functions { make, reset });
        let options = sys::anew_state_options_t {
            struct_size: mem::size_of::<sys::anew_state_options_t>(),
            data,
            finalize,
            create: Some(create::<T, M, R>),
            reset: Some(reset_state::<T, M, R>),
            destroy: Some(destroy::<T>),
        };
        let (name, size) = raw::text(name);
        // The box is the library's from now on, even if it fails.
        let handle = unsafe { raw::made(|out| sys::anew_state_type_new(name, size, &options, out))? };
        Ok(StateType { handle: Arc::new(unsafe { StateHandle::new(handle) }), _state: PhantomData })
    }
}

impl<T> StateType<T> {
    pub(crate) fn raw(&self) -> *const sys::anew_state_type_t {
        self.handle.raw()
    }
}

// Below, `data` is the box of new(), and `state` one that create() has made: a Box<T>.

unsafe extern "C" fn create<T, M: Fn() -> T, R>(data: *mut c_void, state: *mut *mut c_void) -> *mut sys::anew_error_t {
    pending::callback(|| {
        let functions = &*data.cast::<Functions<M, R>>();
        *state = Box::into_raw(Box::new((functions.make)())).cast();
        Ok::<(), BoxError>(())
    })
}

unsafe extern "C" fn reset_state<T, M, R: Fn(&mut T)>(data: *mut c_void, state: *mut c_void) -> *mut sys::anew_error_t {
    pending::callback(|| {
        let functions = &*data.cast::<Functions<M, R>>();
        (functions.reset)(&mut *state.cast::<T>());
        Ok::<(), BoxError>(())
    })
}

unsafe extern "C" fn destroy<T>(_data: *mut c_void, state: *mut c_void) {
    pending::contain(|| drop(Box::from_raw(state.cast::<T>())));
}
