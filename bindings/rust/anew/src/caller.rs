// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! What a host function knows of the instance that calls it.

use crate::error::Result;
use crate::function::{Function, TypedFunction};
use crate::linker::owned_value;
use crate::memory::{Memory, MemoryMut};
use crate::state::StateType;
use crate::value::{Value, ValueList};
use crate::{pending, raw};
use anew_sys as sys;
use std::marker::PhantomData;
use std::{fmt, mem, ptr};

/// The instance that calls a host function; there during the call, on its thread.
///
/// Calls of the guest's own functions nest in the call that the host function is part of: the same deadline and
/// canceller, what that call has left of fuel and stack, and 64 calls within one another at most. A trap ends the nested
/// call alone: the host function may return its error, which ends the call around it too, or go on. What stops a call from
/// outside stops those around it too, when the host function returns.
///
/// It does not outlive the call:
///
/// ```compile_fail
/// # let mut linker = anew::Linker::new().unwrap();
/// let kept = std::sync::Mutex::new(None);
/// linker.define("env", "keep", move |caller: anew::Caller<'_>| *kept.lock().unwrap() = Some(caller));
/// ```
pub struct Caller<'a> {
    raw: *const sys::anew_caller_t,
    _call: PhantomData<&'a mut ()>,
}

impl fmt::Debug for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller")
    }
}

impl Caller<'_> {
    /// # Safety
    /// The caller of a host function that runs while 'a lasts.
    pub(crate) unsafe fn new<'a>(raw: *const sys::anew_caller_t) -> Caller<'a> {
        Caller { raw, _call: PhantomData }
    }

    /// Memory 0, for reading; of size 0 if there is none.
    pub fn memory(&self) -> Result<Memory<'_>> {
        // Borrowed as long as the view lives: no nested call writes.
        unsafe { Ok(Memory::new(self.raw_memory(None)?)) }
    }
    /// An exported memory, for reading. @return `NotFound`, or `Argument` if the export is no memory.
    pub fn exported_memory(&self, export: &str) -> Result<Memory<'_>> {
        // As above.
        unsafe { Ok(Memory::new(self.raw_memory(Some(export))?)) }
    }
    /// Memory 0, for reading and writing.
    pub fn memory_mut(&mut self) -> Result<MemoryMut<'_>> {
        // Borrowed alone as long as the view lives.
        unsafe { Ok(MemoryMut::new(self.raw_memory(None)?)) }
    }
    /// An exported memory, for reading and writing.
    pub fn exported_memory_mut(&mut self, export: &str) -> Result<MemoryMut<'_>> {
        // As above.
        unsafe { Ok(MemoryMut::new(self.raw_memory(Some(export))?)) }
    }
    fn raw_memory(&self, export: Option<&str>) -> Result<sys::anew_memory_t> {
        let (name, size) = export.map_or((ptr::null(), 0), raw::text);
        let mut memory = sys::anew_memory_t { internal: [0; 4] };
        // The caller is good as long as this.
        unsafe { pending::check(sys::anew_caller_memory(self.raw, name, size, &mut memory))? };
        Ok(memory)
    }

    /// The value of an exported global. @return `NotFound`, or `Argument` if the export is no global.
    pub fn global(&self, export: &str) -> Result<Value> {
        let (name, size) = raw::text(export);
        // Zero is a value; the caller is good.
        unsafe {
            let mut value = mem::zeroed();
            pending::check(sys::anew_caller_global(self.raw, name, size, &mut value))?;
            Ok(owned_value(&value))
        }
    }

    /// The host state of that kind. @return None if the linker defines none.
    pub fn state<T>(&self, of: &StateType<T>) -> Option<&T> {
        // A Box<T> of the store's, used by this thread alone, and by a nested call only through &mut self.
        unsafe { sys::anew_caller_state(self.raw, of.raw()).cast::<T>().as_ref() }
    }
    /// The same, to change it.
    pub fn state_mut<T>(&mut self, of: &StateType<T>) -> Option<&mut T> {
        // As above.
        unsafe { sys::anew_caller_state(self.raw, of.raw()).cast::<T>().as_mut() }
    }

    /// Calls a function that the instance exports, found in its pool.
    ///
    /// @return `Trap`; `Argument` if it was found in another module or pool.
    pub fn call<P: ValueList, R: ValueList>(&mut self, function: &TypedFunction<P, R>, arguments: P) -> Result<R> {
        let caller = self.raw;
        // The slots are those of the function's type.
        unsafe {
            function.call(arguments, |function, slots, count| sys::anew_caller_call(caller, function, slots, count))
        }
    }
    /// The same by name, such as `caller.call_export::<(u32,), u32>("malloc", (8,))`. It is looked up, and its type
    /// compared, with each call. @return also `NotFound`; `Argument` if it is of another type.
    pub fn call_export<P: ValueList, R: ValueList>(&mut self, export: &str, arguments: P) -> Result<R> {
        let caller = self.raw;
        let (name, size) = raw::text(export);
        // The function is gone before the call returns to its guest, which keeps the pool.
        unsafe {
            let function =
                TypedFunction::<P, R>::find(|of, out| sys::anew_caller_function(caller, name, size, of, out))?;
            self.call(&function, arguments)
        }
    }
    /// The same with values. @return `NotFound`, `Argument`, `Trap`.
    pub fn call_values(&mut self, export: &str, arguments: &[Value]) -> Result<Vec<Value>> {
        let caller = self.raw;
        let (name, size) = raw::text(export);
        // As above; as many slots as the function has.
        unsafe {
            let find = |out| sys::anew_caller_function(caller, name, size, ptr::null(), out);
            Function::find(find)?
                .call(arguments, |function, slots, count| sys::anew_caller_call(caller, function, slots, count))
        }
    }

    /// Whether the call is to end as soon as the host function returns: its deadline has passed, or its pool shuts down. A
    /// host function that works long asks now and then, and returns any error.
    pub fn stopping(&self) -> bool {
        // The caller is good.
        unsafe { sys::anew_caller_stopping(self.raw) }
    }
}
