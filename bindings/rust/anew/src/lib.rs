// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Anew runs every WebAssembly call in an instance *as new*, at close to the price of a plain call.
//!
//! An [`Engine`] compiles a [`Module`]; a [`Linker`] has what the module imports; a [`Pool`] holds the instances of a
//! module linked by a linker; a [`Lease`] is one of these instances, for as long as you hold it. When the lease goes, all
//! that the guest changed is put back.
//!
//! ```
//! use anew::{Engine, Linker, Module, Pool};
//!
//! # fn main() -> anew::Result<()> {
//! # let binary = include_bytes!("../../../guests/plain.wasm");
//! let engine = Engine::new()?;
//! let module = Module::new(&engine, binary)?; // a counter and other things
//! let pool = Pool::new(&module, &Linker::new()?)?;
//! let next = pool.function::<(), u32>("next")?; // looked up and type-checked once
//!
//! let mut lease = pool.acquire()?; // an instance as new
//! assert_eq!(lease.call(&next, ())?, 1);
//! assert_eq!(lease.call(&next, ())?, 2);
//! drop(lease); // given back: restored here
//!
//! assert_eq!(pool.acquire()?.call(&next, ())?, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! All types are [`Send`]; all but [`Lease`] are [`Sync`]. A lease may move to another thread, but is used by one at a
//! time. [`Caller`], [`Memory`] and [`MemoryMut`] belong to the call or lease that they come from.
//!
//! # Panics in host functions
//!
//! A panic in a host function does not unwind through the guest. It is caught, the call of the guest ends, and the panic
//! goes on where the host called the guest: [`Lease::call`] panics with the same payload, as if the guest were not there.
//! So do [`Caller::call`] in a host function that calls its guest, and [`Pool::new`] for a start function. The lease can
//! be dropped as always: it is restored whole. A panic in a callback that nobody waits for (a start function that runs
//! again when a lease goes, [`StateType`]'s reset) is reported by the panic hook and ends there. With `panic = "abort"`
//! panics end the process, as everywhere.
//!
//! # Errors
//!
//! [`Error`] has a code, a message, for traps the kind and the backtrace, and the error that a host function returned as
//! its [`source`](std::error::Error::source).
//!
//! # WASI
//!
//! [`Linker::define_wasi`] gives guests WASI preview 1, with what [`WasiOptions`] grant and nothing else; [`Lease::wasi_run`]
//! runs a program. [`component::Linker`] and [`component::Lease`] have the same with WASI 0.2. It is the feature `wasi`, a
//! default one.
//!
//! # Signals
//!
//! The first engine of a process installs handlers for SIGSEGV, SIGBUS and SIGRTMAX - 1, which pass on what is not Anew's,
//! to the standard library's own, say, which report stack overflows.
#![deny(missing_docs)]
#![warn(missing_debug_implementations)]

mod cache;
mod caller;
pub mod component;
mod engine;
mod error;
mod function;
mod lease;
mod linker;
mod memory;
mod pending;
mod pool;
mod raw;
mod state;
mod value;
#[cfg(feature = "wasi")]
mod wasi;

pub use cache::{PoolCache, PoolCacheOptions, PoolCacheStatistics, PoolSettings, Prepare};
pub use caller::Caller;
pub use engine::{
    code_hash, version, CompileOptions, Engine, EngineOptions, Export, ExternalKind, Import, Ledger, Module, Progress,
    Tier,
};
pub use error::{BoxError, Error, ErrorCode, Frame, Result, TrapKind};
pub use function::{Function, TypedFunction};
pub use lease::{Canceller, Lease};
pub use linker::{HostFunction, HostResult, Linker};
pub use memory::{Memory, MemoryMut};
pub use pool::{Pool, PoolOptions, PoolStatistics, ResetWhen, SnapshotOptions};
pub use state::StateType;
pub use value::{FunctionType, Value, ValueList, ValueType, WasmType};
#[cfg(feature = "wasi")]
pub use wasi::{WasiClock, WasiDirectory, WasiInput, WasiNetwork, WasiOptions, WasiOutput, WasiRead, WasiWrite};
