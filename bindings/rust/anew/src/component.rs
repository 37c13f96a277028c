// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Components of the component model, as WASI 0.2 uses it: compiled, linked and called as modules are. Values are text in
//! WAVE, the component model's notation for them: `7`, `"text"`, `[1, 2]`, `{name: "Ada"}`, `some(3)`, `ok("done")`.
//! Handles of resources have no text: functions that exchange them cannot be called or defined here.
//!
//! ```
//! use anew::component::{Component, Linker, Pool};
//!
//! # fn main() -> anew::Result<()> {
//! # let binary = include_bytes!("../../../../tests/data/component/greet.wasm");
//! let component = Component::new(&anew::Engine::new()?, binary)?;
//! let mut linker = Linker::new()?;
//! linker.define("test:host/log@0.1.0", "log", |arguments| {
//!     println!("{} was greeted", arguments[0]);
//!     Ok(String::new()) // the function has no result
//! })?;
//! linker.define("test:host/log@0.1.0", "lines", |_| Ok(r#"["one", "two"]"#.into()))?;
//! let pool = Pool::new(&component, &linker)?;
//!
//! let mut lease = pool.acquire()?; // an instance as new
//! assert_eq!(lease.call("greet", &[r#""Ada""#])?, r#""Hello, Ada!""#);
//! assert_eq!(lease.call("count-lines", &[])?, "2");
//! # Ok(())
//! # }
//! ```

use crate::engine::{CompileOptions, Engine};
use crate::error::{BoxError, Result};
use crate::lease::Canceller;
use crate::pool::PoolOptions;
use crate::{pending, raw};
use anew_sys as sys;
use std::ffi::c_void;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, slice, str};

raw::handle!(ComponentHandle, anew_component_t, anew_component_delete);
raw::handle!(PoolHandle, anew_component_pool_t, anew_component_pool_delete);

/// An import or an export, in WIT's words.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Item {
    /// Such as `"greet"`, or of an interface `"wasi:cli/run@0.2.0#run"`.
    pub name: String,
    /// Such as `"func(name: string) -> string"`, or `"resource"`.
    pub type_text: String,
}

/// A decoded, validated, compiled component. Immutable and cheap to clone; may be used after its engine is gone.
#[derive(Clone)]
pub struct Component(Arc<ComponentHandle>);

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component").field("exports", &self.exports()).finish_non_exhaustive()
    }
}

impl Component {
    /// Compiles a binary, its core modules in parallel. @return `Malformed`, `Invalid`, `Unsupported` or `Limit`.
    pub fn new(engine: &Engine, binary: &[u8]) -> Result<Component> {
        Component::with_options(engine, binary, &CompileOptions::default())
    }

    /// The same, compiled otherwise. @return also `Argument` for bad options.
    pub fn with_options(engine: &Engine, binary: &[u8], options: &CompileOptions) -> Result<Component> {
        let options = options.raw();
        // The slice is copied; the options live until the call returns.
        unsafe {
            Component::made(|out| {
                sys::anew_component_new(engine.raw(), binary.as_ptr().cast(), binary.len(), &options, out)
            })
        }
    }

    /// The same of a file. @return also `NotFound`, `Io`.
    pub fn load(engine: &Engine, path: impl AsRef<Path>, options: &CompileOptions) -> Result<Component> {
        let path = path.as_ref().as_os_str().as_bytes();
        let options = options.raw();
        // The path is read, and the options live, until the call returns.
        unsafe {
            Component::made(|out| {
                sys::anew_component_load(engine.raw(), path.as_ptr().cast(), path.len(), &options, out)
            })
        }
    }

    /// # Safety
    /// As [`raw::made`].
    unsafe fn made(make: impl FnOnce(*mut *mut sys::anew_component_t) -> *mut sys::anew_error_t) -> Result<Component> {
        Ok(Component(Arc::new(ComponentHandle::new(raw::made(make)?))))
    }
    fn raw(&self) -> *const sys::anew_component_t {
        self.0.raw()
    }

    /// Functions and resources that it wants from a [`Linker`].
    pub fn imports(&self) -> Vec<Item> {
        // The component is alive, and each index below the count is there.
        unsafe {
            let count = sys::anew_component_import_count(self.raw());
            (0..count).map(|index| owned_item(sys::anew_component_import(self.raw(), index))).collect()
        }
    }
    /// Functions that it gives.
    pub fn exports(&self) -> Vec<Item> {
        // As above.
        unsafe {
            let count = sys::anew_component_export_count(self.raw());
            (0..count).map(|index| owned_item(sys::anew_component_export(self.raw(), index))).collect()
        }
    }
}

/// # Safety
/// Texts that are there.
unsafe fn owned_item(item: sys::anew_component_item_t) -> Item {
    let owned = |text: sys::anew_text_t| raw::owned_sized_text(text.data, text.size);
    Item { name: owned(item.name), type_text: owned(item.type_) }
}

/// Host functions that components import, by interface and name. A later definition of a name replaces the earlier one.
/// Pools keep what they were linked to: later definitions change nothing for them.
pub struct Linker(NonNull<sys::anew_component_linker_t>);
// anew_component.h: filled by one thread, which &mut says; then used from any.
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
        unsafe { sys::anew_component_linker_delete(self.0.as_ptr()) }
    }
}

impl Linker {
    /// An empty one. @return `Resource` without memory for it, as all functions here.
    pub fn new() -> Result<Linker> {
        // It makes a linker or fails.
        Ok(Linker(unsafe { raw::made(|out| sys::anew_component_linker_new(out))? }))
    }

    fn raw(&self) -> *const sys::anew_component_linker_t {
        self.0.as_ptr()
    }
    #[cfg(feature = "wasi")]
    pub(crate) fn raw_mut(&mut self) -> *mut sys::anew_component_linker_t {
        self.0.as_ptr()
    }

    /// Defines a host function. Its arguments are values of the types that the component declares; it returns one of the
    /// result's type, or an empty text if there is none. A text that is no such value traps the guest, and so does an
    /// error, which is the [`source`](std::error::Error::source) of the call's error. A panic goes on where the host
    /// called the guest, see the [crate's documentation](crate#panics-in-host-functions).
    ///
    /// The one closure is called for all instances, from all their threads, maybe at once.
    ///
    /// # Parameters
    /// - `interface`, such as `"test:host/log@0.1.0"`, is empty for a function that the component imports by itself; a
    ///   version serves all that it is compatible with.
    /// - `name` is the binary's: `"log"`.
    pub fn define<F>(&mut self, interface: &str, name: &str, function: F) -> Result<()>
    where
        F: Fn(&[&str]) -> std::result::Result<String, BoxError> + Send + Sync + 'static,
    {
        let (interface, interface_size) = raw::text(interface);
        let (name, name_size) = raw::text(name);
        let (data, finalize) = raw::boxed(function);
        // The box is that of the closure, and the library's from now on, even if it fails.
        unsafe {
            pending::check(sys::anew_component_linker_define(
                self.0.as_ptr(),
                interface,
                interface_size,
                name,
                name_size,
                Some(call_host::<F>),
                data,
                finalize,
            ))
        }
    }

    /// Every import that is not defined is a function that traps when called.
    pub fn trap_unknown_functions(&mut self) -> Result<()> {
        // The handle is alive.
        unsafe { pending::check(sys::anew_component_linker_trap_unknown_functions(self.0.as_ptr())) }
    }
}

/// `data` is the box of define(), shared by all threads.
unsafe extern "C" fn call_host<F>(
    data: *mut c_void,
    arguments: *const sys::anew_text_t,
    count: usize,
    result: *mut sys::anew_component_result_t,
) -> *mut sys::anew_error_t
where
    F: Fn(&[&str]) -> std::result::Result<String, BoxError>,
{
    pending::callback(|| {
        // So many texts, which are there until this returns.
        let texts = (0..count).map(|index| {
            let text = *arguments.add(index);
            let bytes = if text.size == 0 { &[] } else { slice::from_raw_parts(text.data.cast(), text.size) };
            str::from_utf8(bytes)
        });
        let given = (*data.cast::<F>())(&texts.collect::<std::result::Result<Vec<_>, _>>()?)?;
        let (text, size) = raw::text(&given);
        Ok(pending::check(sys::anew_component_result_set(result, text, size))?) // copies it
    })
}

/// Instances of one linked component, handed out as leases. Cheap to clone. When the last clone goes, so do the idle
/// instances; leased ones go when they are given back.
#[derive(Clone)]
pub struct Pool(Arc<PoolHandle>);

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl Pool {
    /// Links and instantiates the component once, and keeps the result as the snapshot that every instance starts from.
    ///
    /// @return `Link` with each import that is missing or of another type; `Trap`, `Unsupported`, `Limit`, `Resource`,
    /// `Host`.
    pub fn new(component: &Component, linker: &Linker) -> Result<Pool> {
        Pool::with_options(component, linker, &PoolOptions::default())
    }

    /// The same with options; [`prelude`](crate::SnapshotOptions::prelude) names exports of the component without
    /// parameters. @return also `Argument` for bad ones; `NotFound` for a prelude that is not exported.
    pub fn with_options(component: &Component, linker: &Linker, options: &PoolOptions) -> Result<Pool> {
        let snapshot = options.snapshot.raw();
        let options = options.raw(&snapshot.options);
        // The options live until the call returns; the pool keeps what it needs of the component and the linker.
        unsafe {
            let raw = raw::made(|out| sys::anew_component_pool_new(component.raw(), linker.raw(), &options, out))?;
            Ok(Pool(Arc::new(PoolHandle::new(raw))))
        }
    }

    /// An instance as new. Never waits for a lease to be given back.
    ///
    /// @return `Resource` if all instances are leased, or no more can be made.
    pub fn acquire(&self) -> Result<Lease> {
        // The handle is alive.
        unsafe { Lease::made(|out| sys::anew_component_pool_acquire(self.0.raw(), out)) }
    }
    /// The same, but waits until then; those that wait are served in the order in which they came. None: as long as it
    /// takes. Not from a host function of the pool's own guests: all may be waiting then.
    pub fn acquire_until(&self, deadline: Option<Instant>) -> Result<Lease> {
        let deadline = raw::deadline(deadline);
        // The handle is alive.
        unsafe { Lease::made(|out| sys::anew_component_pool_acquire_until(self.0.raw(), deadline, out)) }
    }
}

/// One instance of a component as new. When it is dropped all that the guest changed is put back, and the instance is the
/// pool's again; it may outlive its [`Pool`].
///
/// The instance keeps its state between the calls of one lease. After a trap it cannot be called again: drop the lease.
///
/// A lease moves between threads and is used by one at a time:
///
/// ```
/// fn moves<T: Send>() {}
/// moves::<anew::component::Lease>();
/// ```
/// ```compile_fail,E0277
/// fn is_shared<T: Sync>() {}
/// is_shared::<anew::component::Lease>();
/// ```
pub struct Lease(NonNull<sys::anew_component_lease_t>); // a pointer: neither Send nor Sync by itself

// As a module's lease: one thread at a time, not always the same. What it keeps of its pool any thread may have.
unsafe impl Send for Lease {}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The owner. A start function may run, of whose panic nobody is told.
        unsafe { sys::anew_component_lease_release(self.0.as_ptr()) };
        pending::discard();
    }
}

impl Lease {
    /// # Safety
    /// As [`raw::made`].
    unsafe fn made(
        acquire: impl FnOnce(*mut *mut sys::anew_component_lease_t) -> *mut sys::anew_error_t,
    ) -> Result<Lease> {
        let lease = Lease(raw::made(acquire)?);
        pending::discard(); // of a start function that ran before this instance was made
        Ok(lease)
    }
    pub(crate) fn raw(&self) -> *mut sys::anew_component_lease_t {
        self.0.as_ptr()
    }

    /// Calls an exported function: `lease.call("add", &["40", "2"])`. The result is empty if the function has none.
    ///
    /// @param export  such as `"greet"`, or of an interface `"test:guest/greeter#greet"`, with its version or without.
    /// @return `NotFound`, with near matches in the message; `Argument` for texts that are no values of the parameters'
    /// types; `Trap`.
    /// # Panics
    /// If a host function does, with what that panicked with.
    pub fn call(&mut self, export: &str, arguments: &[&str]) -> Result<String> {
        let (name, size) = raw::text(export);
        let arguments: Vec<_> = arguments.iter().map(|each| raw::text_struct(each.as_bytes())).collect();
        let mut result = sys::anew_text_t { data: ptr::null(), size: 0 };
        // The texts live until the call returns; the result is good until the next one.
        unsafe {
            pending::check(sys::anew_component_lease_call(
                self.raw(),
                name,
                size,
                arguments.as_ptr(),
                arguments.len(),
                &mut result,
            ))?;
            Ok(raw::owned_sized_text(result.data, result.size))
        }
    }

    /// As [`Lease::set_deadline`](crate::Lease::set_deadline).
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        // The lease is alive, here and below.
        unsafe { sys::anew_component_lease_set_deadline(self.raw(), raw::deadline(deadline)) }
    }
    /// As [`Lease::set_timeout`](crate::Lease::set_timeout).
    pub fn set_timeout(&mut self, timeout: Duration) {
        unsafe { sys::anew_component_lease_set_deadline(self.raw(), raw::deadline_after(timeout)) }
    }
    /// As [`Lease::set_fuel`](crate::Lease::set_fuel).
    pub fn set_fuel(&mut self, fuel: u64) {
        unsafe { sys::anew_component_lease_set_fuel(self.raw(), fuel) }
    }
    /// What ends this lease's calls from other threads.
    pub fn canceller(&mut self) -> Result<Canceller> {
        unsafe { Canceller::made(|out| sys::anew_component_lease_canceller(self.raw(), out)) }
    }

    /// Gives the instance back, as dropping it does.
    pub fn release(self) {}
}
