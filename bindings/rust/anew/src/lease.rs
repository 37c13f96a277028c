// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! One instance as new.

use crate::error::Result;
use crate::function::{Function, TypedFunction};
use crate::linker::{owned_value, raw_value};
use crate::memory::{Memory, MemoryMut};
use crate::state::StateType;
use crate::value::{Value, ValueList, ValueType};
use crate::{pending, raw};
use anew_sys as sys;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, mem, ptr};

/// One instance as new. When it is dropped all that the guest changed is put back, and the instance is the pool's again;
/// it may outlive its [`Pool`](crate::Pool).
///
/// The instance keeps its state between the calls of one lease. After a trap it is as the trap left it, in the midst of
/// its work: drop the lease.
///
/// A lease moves between threads and is used by one at a time:
///
/// ```
/// fn moves<T: Send>() {}
/// moves::<anew::Lease>();
/// ```
/// ```compile_fail,E0277
/// fn is_shared<T: Sync>() {}
/// is_shared::<anew::Lease>();
/// ```
///
/// It is gone once it is released:
///
/// ```compile_fail,E0382
/// # fn f(mut lease: anew::Lease, next: &anew::TypedFunction<(), u32>) {
/// lease.release();
/// lease.call(next, ());
/// # }
/// ```
pub struct Lease(NonNull<sys::anew_lease_t>); // a pointer: neither Send nor Sync by itself
                                              // anew.h: one thread at a time, not always the same. Host states are Send.
unsafe impl Send for Lease {}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}

impl Drop for Lease {
    #[inline]
    fn drop(&mut self) {
        // The owner. A start function may run, of whose panic nobody is told.
        unsafe { sys::anew_lease_release(self.0.as_ptr()) };
        pending::discard();
    }
}

impl Lease {
    /// # Safety
    /// A lease that is this one's from now on.
    #[inline]
    pub(crate) unsafe fn new(raw: NonNull<sys::anew_lease_t>) -> Lease {
        Lease(raw)
    }
    pub(crate) fn raw(&self) -> *mut sys::anew_lease_t {
        self.0.as_ptr()
    }

    /// Calls a function: allocates nothing, looks nothing up.
    ///
    /// @return `Trap`; `Argument` if the function was found in another pool.
    /// # Panics
    /// If a host function does, with what that panicked with.
    #[inline]
    pub fn call<P: ValueList, R: ValueList>(&mut self, function: &TypedFunction<P, R>, arguments: P) -> Result<R> {
        let lease = self.raw();
        // The slots are those of the function's type.
        unsafe {
            function.call(arguments, |function, slots, count| sys::anew_lease_call(lease, function, slots, count))
        }
    }

    /// The same by name: `lease.call_export::<(u32, u32), u32>("add", (2, 40))`. It is looked up, and its types compared,
    /// with each call. @return also `NotFound`; `Argument` if it is of another type.
    pub fn call_export<P: ValueList, R: ValueList>(&mut self, export: &str, arguments: P) -> Result<R> {
        let mut slots = [0; crate::value::MAXIMUM_SLOTS];
        // So many slots there are for any list, here and below.
        unsafe { arguments.write_all(slots.as_mut_ptr()) };
        let arguments = values_of(P::TYPES, &slots).iter().map(raw_value).collect::<Result<Vec<_>>>()?;
        // Zero is a value.
        let mut results = vec![unsafe { mem::zeroed() }; R::TYPES.len()];
        let (name, size) = raw::text(export);
        // Lists and their sizes.
        unsafe {
            pending::check(sys::anew_lease_call_values(
                self.raw(),
                name,
                size,
                arguments.as_ptr(),
                arguments.len(),
                results.as_mut_ptr(),
                results.len(),
            ))?
        };
        let mut place = 0;
        for (value, of) in results.iter().map(owned_value).zip(R::TYPES) {
            if value.value_type() != *of {
                let message = format!(
                    "the function {export:?} returns {}, where {of} is expected; what it did is done",
                    value.value_type()
                );
                return Err(crate::Error::new(crate::ErrorCode::Argument, message));
            }
            let (low, high) = value.bits().unwrap_or((0, 0)); // numbers and vectors have them
            slots[place] = low;
            if of.slots() == 2 {
                slots[place + 1] = high;
            }
            place += of.slots();
        }
        Ok(unsafe { R::read_all(slots.as_ptr()) })
    }

    /// Calls with values, any number of results. @return `Argument` for other types, `Trap`.
    pub fn call_values(&mut self, function: &Function, arguments: &[Value]) -> Result<Vec<Value>> {
        let lease = self.raw();
        // As many slots as the function has.
        unsafe {
            function.call(arguments, |function, slots, count| sys::anew_lease_call(lease, function, slots, count))
        }
    }

    /// Memory 0, for reading; of size 0 if there is none.
    pub fn memory(&self) -> Result<Memory<'_>> {
        // Borrowed as long as the view lives: the guest does not run.
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
        // The lease is alive.
        unsafe { pending::check(sys::anew_lease_memory(self.raw(), name, size, &mut memory))? };
        Ok(memory)
    }

    /// The value of an exported global. @return `NotFound`, or `Argument` if the export is no global.
    pub fn global(&self, export: &str) -> Result<Value> {
        let (name, size) = raw::text(export);
        // Zero is a value; the lease is alive.
        unsafe {
            let mut value = mem::zeroed();
            pending::check(sys::anew_lease_global(self.raw(), name, size, &mut value))?;
            Ok(owned_value(&value))
        }
    }

    /// The host state of that kind. @return None if the linker defines none.
    pub fn state<T>(&self, of: &StateType<T>) -> Option<&T> {
        // A Box<T> of the store's, used by the lease's thread alone, and changed only through &mut self.
        unsafe { sys::anew_lease_state(self.raw(), of.raw()).cast::<T>().as_ref() }
    }
    /// The same, to change it.
    pub fn state_mut<T>(&mut self, of: &StateType<T>) -> Option<&mut T> {
        // As above.
        unsafe { sys::anew_lease_state(self.raw(), of.raw()).cast::<T>().as_mut() }
    }

    /// Calls that begin from now on end with [`Interrupted`](crate::TrapKind::Interrupted) when the time has come, within
    /// milliseconds. None: no deadline, as at first. A call that is in a host function then ends when that returns.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        // The lease is alive.
        unsafe { sys::anew_lease_set_deadline(self.raw(), raw::deadline(deadline)) }
    }
    /// The same, so much later than now.
    pub fn set_timeout(&mut self, timeout: Duration) {
        // The lease is alive.
        unsafe { sys::anew_lease_set_deadline(self.raw(), raw::deadline_after(timeout)) }
    }
    /// What calls in this lease may still execute, in a module compiled with
    /// [`fuel`](crate::CompileOptions::fuel): about one unit for each operator. Past it they end with
    /// [`OutOfFuel`](crate::TrapKind::OutOfFuel). Without this call there is no limit.
    pub fn set_fuel(&mut self, fuel: u64) {
        // The lease is alive.
        unsafe { sys::anew_lease_set_fuel(self.raw(), fuel) }
    }
    /// What is left of it.
    pub fn fuel(&self) -> u64 {
        // The lease is alive.
        unsafe { sys::anew_lease_fuel(self.raw()) }
    }
    /// About how many bytes of memory a release would restore now.
    pub fn dirty_bytes(&self) -> u64 {
        // The lease is alive.
        unsafe { sys::anew_lease_dirty_bytes(self.raw()) }
    }

    /// What ends this lease's calls from other threads.
    pub fn canceller(&mut self) -> Result<Canceller> {
        // The lease is alive.
        unsafe { Canceller::made(|out| sys::anew_lease_canceller(self.raw(), out)) }
    }

    /// Gives the instance back, as dropping it does.
    pub fn release(self) {}
}

fn values_of(types: &[ValueType], slots: &[u64]) -> Vec<Value> {
    let mut slots = slots.iter().copied();
    let mut next = || slots.next().unwrap_or(0);
    let value = |of: &ValueType| {
        let low = next();
        Value::from_bits(*of, low, if of.slots() == 2 { next() } else { 0 })
    };
    types.iter().map(value).collect()
}

raw::handle!(CancellerHandle, anew_canceller_t, anew_canceller_delete);

/// Ends the calls of one lease from any thread, at any time. Cheap to clone; outlives its lease.
#[derive(Clone)]
pub struct Canceller(Arc<CancellerHandle>);

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canceller")
    }
}

impl Canceller {
    /// # Safety
    /// As [`raw::made`].
    pub(crate) unsafe fn made(
        make: impl FnOnce(*mut *mut sys::anew_canceller_t) -> *mut sys::anew_error_t,
    ) -> Result<Canceller> {
        Ok(Canceller(Arc::new(CancellerHandle::new(raw::made(make)?))))
    }

    /// Ends the call that runs in the lease, and each that begins later in it, with
    /// [`Interrupted`](crate::TrapKind::Interrupted). Does not wait for the end. Once the lease has gone it does nothing.
    pub fn cancel(&self) {
        // The handle is alive.
        unsafe { sys::anew_canceller_cancel(self.0.raw()) }
    }
}
