// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Pools of instances as new.

use crate::engine::Module;
use crate::error::{Error, Result};
use crate::function::{Function, TypedFunction};
use crate::lease::Lease;
use crate::linker::Linker;
use crate::value::ValueList;
use crate::{pending, raw};
use anew_sys as sys;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, mem};

/// How the state is made that every instance starts from. `SnapshotOptions { prelude: vec!["_initialize".into()],
/// ..Default::default() }`. For a module from a snapshot file all but `start_timeout` must be the default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SnapshotOptions {
    /// Pages of 64 KiB, added to the initial size of memory 0.
    pub extra_memory_pages: u64,
    /// A start function that calls the host runs once, not after each reset.
    pub freeze_start: bool,
    /// Exported functions without parameters to call once, in this order, before the snapshot is taken.
    pub prelude: Vec<String>,
    /// How long the start function, and each function of the prelude, may take; None: 10 s.
    pub start_timeout: Option<Duration>,
}

/// The options as the C API has them, and what these point to.
pub(crate) struct RawSnapshotOptions {
    pub(crate) options: sys::anew_snapshot_options_t,
    _prelude: Vec<sys::anew_text_t>,
}

impl SnapshotOptions {
    /// Good as long as this and what it returns.
    pub(crate) fn raw(&self) -> RawSnapshotOptions {
        let prelude: Vec<_> = self.prelude.iter().map(|name| raw::text_struct(name.as_bytes())).collect();
        RawSnapshotOptions {
            options: sys::anew_snapshot_options_t {
                struct_size: mem::size_of::<sys::anew_snapshot_options_t>(),
                extra_memory_pages: self.extra_memory_pages,
                freeze_start: self.freeze_start,
                prelude: prelude.as_ptr(),
                prelude_count: prelude.len(),
                start_timeout: self.start_timeout.map_or(0, raw::nanoseconds),
            },
            _prelude: prelude,
        }
    }
}

/// When an instance that was given back is made as new.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum ResetWhen {
    /// By the thread that gives it back.
    #[default]
    AtRelease,
    /// By the thread that takes it next. Until then what the call left, secrets too, stays in memory.
    AtAcquire,
    /// By a thread of the pool, soon.
    ByHelper,
}

/// How many instances a pool has, and what becomes of them between leases. `PoolOptions { capacity: 64,
/// ..Default::default() }`: what is 0 or None has its default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PoolOptions {
    /// Instances at most, made when first needed: 1 to 2^20; 0: 16.
    pub capacity: u32,
    /// Made with the pool; so many are never trimmed or dropped.
    pub minimum_warm: u32,
    /// How the state is made that instances start from.
    pub snapshot: SnapshotOptions,
    /// When an instance is made as new.
    pub reset: ResetWhen,
    /// One reset in so many is compared, byte for byte, with an instance made the slow way; 0: none.
    pub audit_every: u64,
    /// Instances unused for so long give memory back, and go after twice that; None: never.
    pub idle_time: Option<Duration>,
    /// While the machine has fewer bytes left, idle instances go; 0: never.
    pub minimum_available_bytes: u64,
    /// Of all memories and tables of an instance; 0: 8 GiB.
    pub maximum_memory_bytes: u64,
}

impl PoolOptions {
    /// @param snapshot  good as long as what this returns.
    pub(crate) fn raw(&self, snapshot: *const sys::anew_snapshot_options_t) -> sys::anew_pool_options_t {
        sys::anew_pool_options_t {
            struct_size: mem::size_of::<sys::anew_pool_options_t>(),
            capacity: self.capacity,
            minimum_warm: self.minimum_warm,
            snapshot,
            reset: match self.reset {
                ResetWhen::AtRelease => sys::ANEW_RESET_AT_RELEASE,
                ResetWhen::AtAcquire => sys::ANEW_RESET_AT_ACQUIRE,
                ResetWhen::ByHelper => sys::ANEW_RESET_BY_HELPER,
            },
            audit_every: self.audit_every,
            idle_time: self.idle_time.map_or(0, raw::nanoseconds),
            minimum_available_bytes: self.minimum_available_bytes,
            maximum_memory_bytes: self.maximum_memory_bytes,
        }
    }
}

macro_rules! statistics {
    ($(#[$outer:meta])* $name:ident, $raw:ident: $($(#[$inner:meta])* $field:ident,)*) => {
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$inner])* pub $field: u64,)*
        }
        impl $name {
            pub(crate) fn read(get: impl FnOnce(*mut sys::$raw) -> *mut sys::anew_error_t) -> $name {
                // Numbers; it fails for handles that are null only.
                unsafe {
                    let mut raw: sys::$raw = std::mem::zeroed();
                    raw.struct_size = std::mem::size_of::<sys::$raw>();
                    crate::pending::check(get(&mut raw)).expect("statistics are there");
                    $name { $($field: raw.$field,)* }
                }
            }
        }
    };
}
pub(crate) use statistics;

statistics! {
    /// What a pool did so far. While other threads use it the numbers may be of slightly different moments.
    PoolStatistics, anew_pool_statistics_t:
    /// Instances made so far, without those of [`Pool::instantiate`].
    instances,
    /// Leases that are out now.
    leased,
    /// Instances that lie ready now.
    idle,
    /// Leases handed out.
    acquired,
    /// Calls that had to wait for a lease.
    waited,
    /// Of these, in vain.
    timed_out,
    /// Resets after a lease.
    restored,
    /// Leases in which a call trapped or could not begin: restored whole.
    distrusted,
    /// Of these, those that ended with any trap but the next.
    traps,
    /// Of these, those that ended with [`Interrupted`](crate::TrapKind::Interrupted).
    kills,
    /// Pages of 4 KiB that were put back.
    pages_restored,
    /// Resets that were compared, see [`PoolOptions::audit_every`].
    audited,
    /// Of these, those that differed: a defect of Anew.
    audit_failures,
    /// Idle instances whose memory was given back to the system.
    trimmed,
    /// Idle instances that were dropped.
    evictions,
}

raw::handle!(PoolHandle, anew_pool_t, anew_pool_delete);

/// Instances of one linked module, handed out as leases. Cheap to clone. When the last clone goes, so do the idle
/// instances; leased ones go when they are given back.
#[derive(Clone)]
pub struct Pool(Arc<PoolHandle>);

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.statistics()).finish()
    }
}

impl Pool {
    /// Links and instantiates the module once, as the specification says, and keeps the result as the snapshot that every
    /// instance starts from.
    ///
    /// @return `Link` with each import that is missing or ill-typed; `Trap`, `Unsupported`, `NotFound` for a prelude that
    /// is not exported, `Limit`, `Resource`, `Host`.
    pub fn new(module: &Module, linker: &Linker) -> Result<Pool> {
        Pool::with_options(module, linker, &PoolOptions::default())
    }

    /// The same with options. @return also `Argument` for bad ones.
    pub fn with_options(module: &Module, linker: &Linker, options: &PoolOptions) -> Result<Pool> {
        let snapshot = options.snapshot.raw();
        let options = options.raw(&snapshot.options);
        // The options live until the call returns.
        unsafe {
            let raw = raw::made(|out| sys::anew_pool_new(module.raw(), linker.raw(), &options, out))?;
            Ok(Pool::from_raw(raw))
        }
    }

    /// # Safety
    /// A handle that is this one's from now on.
    pub(crate) unsafe fn from_raw(raw: NonNull<sys::anew_pool_t>) -> Pool {
        Pool(Arc::new(PoolHandle::new(raw)))
    }
    fn raw(&self) -> *const sys::anew_pool_t {
        self.0.raw()
    }

    /// An instance as new. Never waits for a lease to be given back.
    ///
    /// @return `Resource` if all instances are leased, no more can be made or the pool is closed; what the start function
    /// returns, if it runs each time.
    #[inline]
    pub fn acquire(&self) -> Result<Lease> {
        // The handle is alive.
        unsafe { self.lease(|out| sys::anew_pool_acquire(self.raw(), out)) }
    }
    /// The same, but waits until then; those that wait are served in the order in which they came. None: as long as it
    /// takes. Not from a host function of the pool's own guests: all may be waiting then.
    pub fn acquire_until(&self, deadline: Option<Instant>) -> Result<Lease> {
        let deadline = raw::deadline(deadline);
        // The handle is alive.
        unsafe { self.lease(|out| sys::anew_pool_acquire_until(self.raw(), deadline, out)) }
    }
    /// An instance made the slow way, not counted against the capacity and not kept; for comparison.
    pub fn instantiate(&self) -> Result<Lease> {
        // The handle is alive.
        unsafe { self.lease(|out| sys::anew_pool_instantiate(self.raw(), out)) }
    }
    /// # Safety
    /// As [`raw::made`].
    #[inline]
    unsafe fn lease(
        &self,
        acquire: impl FnOnce(*mut *mut sys::anew_lease_t) -> *mut sys::anew_error_t,
    ) -> Result<Lease> {
        let lease = Lease::new(raw::made(acquire)?);
        pending::discard(); // of a start function that ran before this instance was made
        Ok(lease)
    }

    /// Finds an exported function and checks its type: `pool.function::<(u32, u32), u32>("add")`.
    ///
    /// @return `NotFound`, with near matches in the message; `Argument` if the type is another one.
    pub fn function<P: ValueList, R: ValueList>(&self, export: &str) -> Result<TypedFunction<P, R>> {
        let (name, size) = raw::text(export);
        // It is given the type, and checks it.
        unsafe { TypedFunction::find(|of, out| sys::anew_pool_function(self.raw(), name, size, of, out)) }
    }
    /// Finds an exported function of any type.
    pub fn any_function(&self, export: &str) -> Result<Function> {
        let (name, size) = raw::text(export);
        // The handle is alive.
        unsafe { Function::find(|out| sys::anew_pool_function(self.raw(), name, size, ptr::null(), out)) }
    }

    /// Drops idle instances now, down to [`PoolOptions::minimum_warm`]. @return how many.
    pub fn trim(&self) -> u32 {
        // The handle is alive.
        unsafe { sys::anew_pool_trim(self.raw()) }
    }
    /// Closes the pool: nobody gets a lease any more. Then waits until all are back. @return `Resource` if some are still
    /// out when the time has passed.
    pub fn drain(&self, timeout: Duration) -> Result<()> {
        // The handle is alive.
        unsafe { pending::check(sys::anew_pool_drain(self.raw(), raw::deadline_after(timeout))) }
    }
    /// The same, but ends the calls that run with [`Interrupted`](crate::TrapKind::Interrupted).
    pub fn shutdown(&self, timeout: Duration) -> Result<()> {
        // The handle is alive.
        unsafe { pending::check(sys::anew_pool_shutdown(self.raw(), raw::deadline_after(timeout))) }
    }

    /// Writes the state that the instances start from, with the modules, to a file that [`Module::load`] takes. Atomic.
    ///
    /// @return `Unsupported` if a global or table holds an external reference; `Io`.
    pub fn save_snapshot(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref().as_os_str().as_bytes();
        // The handle is alive.
        unsafe { pending::check(sys::anew_pool_save_snapshot(self.raw(), path.as_ptr().cast(), path.len())) }
    }

    /// What the pool did so far. Costs the calls nothing.
    pub fn statistics(&self) -> PoolStatistics {
        // The handle is alive.
        PoolStatistics::read(|out| unsafe { sys::anew_pool_statistics(self.raw(), out) })
    }
    /// The first audit that found a difference, if there is one.
    pub fn audit_failure(&self) -> Option<Error> {
        // The handle is alive.
        unsafe { pending::check(sys::anew_pool_audit(self.raw())).err() }
    }
}
