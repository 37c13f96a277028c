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
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
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

    /// The same of a file, which may be one of [`Pool::save_snapshot`]: pools of that start from its state. @return also
    /// `NotFound`, `Io`; `Artifact` for a snapshot that is damaged.
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

    /// Defines a host function that may give its result later: it has somebody complete the [`Completion`], on any
    /// thread, and returns. A call that was begun by [`Lease::start`] waits without a thread; any other keeps its thread until
    /// then, or until its deadline. All else is as for [`define`](Linker::define).
    pub fn define_async<F>(&mut self, interface: &str, name: &str, function: F) -> Result<()>
    where
        F: Fn(&[&str], Completion) -> std::result::Result<(), BoxError> + Send + Sync + 'static,
    {
        let (interface, interface_size) = raw::text(interface);
        let (name, name_size) = raw::text(name);
        let (data, finalize) = raw::boxed(function);
        // As in define().
        unsafe {
            pending::check(sys::anew_component_linker_define_async(
                self.0.as_ptr(),
                interface,
                interface_size,
                name,
                name_size,
                Some(begin_host::<F>),
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
        let given = (*data.cast::<F>())(&texts(arguments, count)?)?;
        let (text, size) = raw::text(&given);
        Ok(pending::check(sys::anew_component_result_set(result, text, size))?) // copies it
    })
}

/// The same of define_async().
unsafe extern "C" fn begin_host<F>(
    data: *mut c_void,
    arguments: *const sys::anew_text_t,
    count: usize,
    completion: *mut sys::anew_component_completion_t,
) -> *mut sys::anew_error_t
where
    F: Fn(&[&str], Completion) -> std::result::Result<(), BoxError>,
{
    pending::callback(|| {
        let completion = Completion(NonNull::new(completion).expect("each call has one"));
        (*data.cast::<F>())(&texts(arguments, count)?, completion)
    })
}

/// # Safety
/// So many texts, which are there as long as the result.
unsafe fn texts<'a>(arguments: *const sys::anew_text_t, count: usize) -> std::result::Result<Vec<&'a str>, BoxError> {
    let texts = (0..count).map(|index| {
        let text = *arguments.add(index);
        let bytes = if text.size == 0 { &[] } else { slice::from_raw_parts(text.data.cast(), text.size) };
        str::from_utf8(bytes)
    });
    Ok(texts.collect::<std::result::Result<Vec<_>, _>>()?)
}

/// What a host function that is not done yet keeps, to give its result later, from any thread. If it goes without one, the
/// guest's call traps.
pub struct Completion(NonNull<sys::anew_component_completion_t>);
// anew_component.h: any thread ends it.
unsafe impl Send for Completion {}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Completion")
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        // The owner.
        unsafe { sys::anew_component_completion_delete(self.0.as_ptr()) }
    }
}

impl Completion {
    /// Gives the result, an empty text if the function has none. @return `Argument` for a text that is no value of its
    /// type: the guest's call traps then.
    pub fn complete(self, result: &str) -> Result<()> {
        let (text, size) = raw::text(result);
        let completion = ManuallyDrop::new(self);
        // The call ends it.
        unsafe { pending::check(sys::anew_component_completion_complete(completion.0.as_ptr(), text, size)) }
    }
    /// Traps the guest's call with these words.
    pub fn fail(self, message: &str) {
        let (message, size) = raw::text(message);
        let completion = ManuallyDrop::new(self);
        // The call ends it.
        unsafe { sys::anew_component_completion_fail(completion.0.as_ptr(), message, size) }
    }
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

    /// The same, with what is done once, behind the prelude, with the instance that the snapshot is taken of: every
    /// instance starts behind it. It is called again for each instance that an audit makes the slow way. What the guest
    /// read meanwhile, randomness and time too, is the same in all instances.
    ///
    /// @return also what the closure returns; `Argument` of a component from a snapshot file.
    pub fn with_warm_up<F>(component: &Component, linker: &Linker, options: &PoolOptions, warm_up: F) -> Result<Pool>
    where
        F: Fn(&mut WarmUp<'_>) -> std::result::Result<(), BoxError> + Send + Sync + 'static,
    {
        let snapshot = options.snapshot.raw();
        let options = options.raw(&snapshot.options);
        let (data, finalize) = raw::boxed(warm_up);
        // As in with_options(); the box is the library's from now on, even if it fails.
        unsafe {
            let raw = raw::made(|out| {
                sys::anew_component_pool_new_warm(
                    component.raw(),
                    linker.raw(),
                    &options,
                    Some(call_warm_up::<F>),
                    data,
                    finalize,
                    out,
                )
            })?;
            Ok(Pool(Arc::new(PoolHandle::new(raw))))
        }
    }

    /// Writes the state that the instances start from, with the component, to a file that [`Component::load`] takes. Atomic.
    ///
    /// @return `Unsupported` if a global or table holds an external reference; `Io`.
    pub fn save_snapshot(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref().as_os_str().as_bytes();
        // The handle is alive.
        unsafe {
            pending::check(sys::anew_component_pool_save_snapshot(self.0.raw(), path.as_ptr().cast(), path.len()))
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

/// `data` is the box of with_warm_up().
unsafe extern "C" fn call_warm_up<F>(
    data: *mut c_void,
    lease: *mut sys::anew_component_lease_t,
) -> *mut sys::anew_error_t
where
    F: Fn(&mut WarmUp<'_>) -> std::result::Result<(), BoxError>,
{
    pending::callback(|| (*data.cast::<F>())(&mut WarmUp { lease, lent: PhantomData }))
}

/// The instance that a snapshot is about to be taken of.
pub struct WarmUp<'a> {
    lease: *mut sys::anew_component_lease_t,
    lent: PhantomData<&'a mut Lease>,
}

impl fmt::Debug for WarmUp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WarmUp")
    }
}

impl WarmUp<'_> {
    /// As [`Lease::call`].
    pub fn call(&mut self, export: &str, arguments: &[&str]) -> Result<String> {
        // It is lent for as long as this lives.
        unsafe { call(self.lease, export, arguments) }
    }
}

/// # Safety
/// A lease that nobody else uses.
unsafe fn call(lease: *mut sys::anew_component_lease_t, export: &str, arguments: &[&str]) -> Result<String> {
    let (name, size) = raw::text(export);
    let arguments: Vec<_> = arguments.iter().map(|each| raw::text_struct(each.as_bytes())).collect();
    let mut result = sys::anew_text_t { data: ptr::null(), size: 0 };
    // The texts live until the call returns; the result is good until the next one.
    pending::check(sys::anew_component_lease_call(
        lease,
        name,
        size,
        arguments.as_ptr(),
        arguments.len(),
        &mut result,
    ))?;
    Ok(raw::owned_sized_text(result.data, result.size))
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
        // The lease is alive, and &mut says that nobody else uses it.
        unsafe { call(self.raw(), export, arguments) }
    }

    /// Begins a call that functions of [`Linker::define_async`] may leave; the lease goes with it.
    ///
    /// @return the call, which may be done already; `NotFound` and `Argument` as [`call`](Lease::call).
    /// # Panics
    /// As [`call`](Lease::call).
    pub fn start(self, export: &str, arguments: &[&str]) -> Result<Call> {
        let (name, size) = raw::text(export);
        let arguments: Vec<_> = arguments.iter().map(|each| raw::text_struct(each.as_bytes())).collect();
        let lease = ManuallyDrop::new(self);
        // The lease is the call's from now on, even if it fails; the texts live until it returns.
        let raw = unsafe {
            raw::made(|out| {
                sys::anew_component_lease_start(lease.raw(), name, size, arguments.as_ptr(), arguments.len(), out)
            })?
        };
        let mut call = Call { raw, outcome: None, wake: None };
        call.settle();
        Ok(call)
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
    /// For about how long calls that are [started](Lease::start) from now on may compute before they leave their thread, in
    /// the midst of their work, and are ready to go on, on that thread ([`Call::is_parked`]). None: as long as they like.
    pub fn set_time_slice(&mut self, slice: Option<Duration>) {
        let slice = slice.and_then(|slice| i64::try_from(raw::nanoseconds(slice)).ok());
        unsafe { sys::anew_component_lease_set_time_slice(self.raw(), slice.unwrap_or(i64::MAX)) }
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

/// A call that may wait, with the lease that it is made in, which is given back when this is dropped; the guest of one that
/// is not done goes with it. A call moves between threads and is used by one at a time.
pub struct Call {
    raw: NonNull<sys::anew_component_call_t>,
    /// Read where the call ended: what a host function panicked with lies on that thread.
    outcome: Option<Result<String>>,
    wake: Option<usize>,
}
// As a lease.
unsafe impl Send for Call {}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("result", &self.outcome).finish()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // The owner.
        unsafe { sys::anew_component_call_delete(self.raw.as_ptr()) };
        pending::discard();
        self.forget_wake();
    }
}

impl Call {
    /// Whether it has returned or trapped.
    pub fn is_done(&self) -> bool {
        // The call is alive, here and below.
        unsafe { sys::anew_component_call_done(self.raw.as_ptr()) }
    }
    /// Whether what it waits for is there, so that [`resume`](Call::resume) goes on.
    pub fn is_ready(&self) -> bool {
        unsafe { sys::anew_component_call_ready(self.raw.as_ptr()) }
    }
    /// Whether its time slice was over in the midst of its work: it is ready then on the thread that it was on, and on no
    /// other.
    pub fn is_parked(&self) -> bool {
        unsafe { sys::anew_component_call_parked(self.raw.as_ptr()) }
    }
    /// Goes on until the call ends, waits again or is parked; does nothing if it is not ready. @return whether it is done.
    /// # Panics
    /// If a host function does, with what that panicked with.
    pub fn resume(&mut self) -> bool {
        unsafe { sys::anew_component_call_resume(self.raw.as_ptr()) };
        self.settle();
        self.outcome.is_some()
    }
    /// Has a closure called when what the call waits for now is there: by the thread that completes it, which should not
    /// resume the call itself but tell who does; or at once, if it is there already or the call is done.
    pub fn on_ready(&mut self, wake: impl FnOnce() + Send + 'static) -> Result<()> {
        self.forget_wake();
        if self.outcome.is_some() {
            wake();
            return Ok(());
        }
        let number = NEXT_WAKE.fetch_add(1, Ordering::Relaxed);
        WAKES.lock().unwrap().insert(number, Box::new(wake));
        self.wake = Some(number);
        // The number is no pointer, and nobody takes it for one.
        unsafe {
            pending::check(sys::anew_component_call_on_ready(self.raw.as_ptr(), Some(call_wake), number as *mut c_void))
        }
    }
    fn forget_wake(&mut self) {
        let forgotten = self.wake.take().and_then(take_wake);
        pending::contain(|| drop(forgotten));
    }
    /// The result of a call that is done, empty if the function has none; `Trap`. None while it is not done.
    pub fn result(&self) -> Option<&Result<String>> {
        self.outcome.as_ref()
    }

    fn settle(&mut self) {
        if self.outcome.is_some() || !self.is_done() {
            return;
        }
        let mut result = sys::anew_text_t { data: ptr::null(), size: 0 };
        // The result is good as long as the call.
        self.outcome = Some(unsafe {
            pending::check(sys::anew_component_call_result(self.raw.as_ptr(), &mut result))
                .map(|()| raw::owned_sized_text(result.data, result.size))
        });
    }
}

/// What on_ready() is to call, by numbers: the library may hold on to one behind the end of its call.
static WAKES: Mutex<BTreeMap<usize, Box<dyn FnOnce() + Send>>> = Mutex::new(BTreeMap::new());
static NEXT_WAKE: AtomicUsize = AtomicUsize::new(1);

fn take_wake(number: usize) -> Option<Box<dyn FnOnce() + Send>> {
    WAKES.lock().unwrap().remove(&number)
}

unsafe extern "C" fn call_wake(number: *mut c_void) {
    pending::contain(|| {
        if let Some(wake) = take_wake(number as usize) {
            wake();
        }
    });
}
