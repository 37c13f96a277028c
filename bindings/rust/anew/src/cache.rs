// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Pools by the hash of their code.

use crate::engine::{CompileOptions, Engine, Module};
use crate::error::{BoxError, Result};
use crate::linker::Linker;
use crate::pool::{statistics, Pool, PoolOptions, SnapshotOptions};
use crate::{pending, raw};
use anew_sys as sys;
use std::ffi::c_void;
use std::sync::Arc;
use std::time::Instant;
use std::{fmt, mem, ptr};

/// Makes the linker for a module; None: the cache's own. Called before each pool is made, from the thread that makes it,
/// maybe several at once; always with the same definitions for the same module.
pub type Prepare = Box<dyn Fn(&Module) -> std::result::Result<Option<Linker>, BoxError> + Send + Sync>;

/// What a cache may keep, and how it makes pools. What is 0 or None has its default.
#[derive(Default)]
pub struct PoolCacheOptions {
    /// What the cached pools may take together; the least recently used go first; 0: 1 GiB.
    pub maximum_bytes: u64,
    /// Likewise, of the mappings that a process may have; 0: 32,000.
    pub maximum_mappings: u64,
    /// Likewise, of address space, in bytes; 0: 2^46.
    pub maximum_address_space: u64,
    /// So many of the last failures are remembered; 0: 64; `u64::MAX`: none.
    pub remembered_failures: u64,
    /// Of all pools; the snapshot is that of [`PoolSettings`].
    pub pool: PoolOptions,
    /// Makes the linker for a module.
    pub prepare: Option<Prepare>,
}

impl fmt::Debug for PoolCacheOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolCacheOptions")
            .field("maximum_bytes", &self.maximum_bytes)
            .field("maximum_mappings", &self.maximum_mappings)
            .field("maximum_address_space", &self.maximum_address_space)
            .field("remembered_failures", &self.remembered_failures)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

/// With the hash, what a pool is found by: another value of any of these is another pool.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PoolSettings {
    /// How the module is compiled.
    pub compile: CompileOptions,
    /// How the state is made that instances start from.
    pub snapshot: SnapshotOptions,
}

impl PoolSettings {
    fn with_raw<T>(&self, run: impl FnOnce(*const sys::anew_pool_settings_t) -> T) -> T {
        let (compile, snapshot) = (self.compile.raw(), self.snapshot.raw());
        run(&sys::anew_pool_settings_t {
            struct_size: mem::size_of::<sys::anew_pool_settings_t>(),
            compile: &compile,
            snapshot: &snapshot.options,
        })
    }
}

statistics! {
    /// What a cache did so far. Each call of `get` counts as one of the first four.
    PoolCacheStatistics, anew_pool_cache_statistics_t:
    /// The pool was there.
    hits,
    /// Somebody else was making it.
    joined,
    /// It had to be made.
    misses,
    /// Making it had failed before, and was not tried again.
    remembered_failures,
    /// Modules that were compiled, those that failed included.
    compilations,
    /// Modules and pools that could not be made.
    failures,
    /// Pools that went because others needed the room.
    evictions,
    /// Pools that are there now.
    pools,
    /// What they take, counted as [`PoolCacheOptions::maximum_bytes`] says.
    bytes,
    /// Likewise, of mappings.
    mappings,
    /// Likewise, of address space, in bytes.
    address_space,
}

raw::handle!(CacheHandle, anew_pool_cache_t, anew_pool_cache_delete);

/// Keeps pools by the hash of their code. Cheap to clone. A [`Pool`] that it handed out works on, whatever it forgets.
#[derive(Clone)]
pub struct PoolCache(Arc<CacheHandle>);

impl fmt::Debug for PoolCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolCache").field(&self.statistics()).finish()
    }
}

impl PoolCache {
    /// @param linker  for all pools, unless [`PoolCacheOptions::prepare`] returns others.
    pub fn new(engine: &Engine, linker: &Linker, options: PoolCacheOptions) -> Result<PoolCache> {
        let pool = options.pool.raw(ptr::null());
        let (prepare_data, prepare_finalize) = match options.prepare {
            Some(prepare) => raw::boxed(prepare),
            None => (ptr::null_mut(), None),
        };
        let raw_options = sys::anew_pool_cache_options_t {
            struct_size: mem::size_of::<sys::anew_pool_cache_options_t>(),
            maximum_bytes: options.maximum_bytes,
            maximum_mappings: options.maximum_mappings,
            maximum_address_space: options.maximum_address_space,
            remembered_failures: options.remembered_failures,
            pool: &pool,
            prepare: if prepare_finalize.is_some() { Some(on_prepare) } else { None },
            prepare_data,
            prepare_finalize,
        };
        // The options live until the call returns; the box is the library's from now on, even if it fails.
        unsafe {
            let raw = raw::made(|out| sys::anew_pool_cache_new(engine.raw(), linker.raw(), &raw_options, out))?;
            Ok(PoolCache(Arc::new(CacheHandle::new(raw))))
        }
    }

    fn raw(&self) -> *const sys::anew_pool_cache_t {
        self.0.raw()
    }

    /// The pool for this code. If it is not there it is made; whoever asks for it meanwhile waits for that, but not past
    /// the deadline, if there is one.
    ///
    /// @return what [`Module::with_options`] and [`Pool::with_options`] return; `Resource` if the deadline passed.
    pub fn get(&self, code: &[u8], settings: &PoolSettings, deadline: Option<Instant>) -> Result<Pool> {
        let deadline = raw::deadline(deadline);
        // The slice is copied; the settings live until the call returns.
        settings.with_raw(|settings| unsafe {
            let code_size = code.len();
            let code = code.as_ptr().cast();
            self.got(|out| sys::anew_pool_cache_get(self.raw(), code, code_size, settings, deadline, out))
        })
    }

    /// The same for code whose hash is known. `load` is called if the pool and its module are not there, and must not ask
    /// the cache for the same code. The caller vouches that the hash is that of the code.
    pub fn get_by_hash<L, E>(
        &self,
        hash: &[u8; 32],
        load: L,
        settings: &PoolSettings,
        deadline: Option<Instant>,
    ) -> Result<Pool>
    where
        L: FnOnce() -> std::result::Result<Vec<u8>, E>,
        E: Into<BoxError>,
    {
        let deadline = raw::deadline(deadline);
        let mut loader = Loader { load: Some(load), code: Vec::new() };
        let data = ptr::from_mut(&mut loader).cast();
        // The loader is called on this thread, before the call returns.
        settings.with_raw(|settings| unsafe {
            let on_load: sys::anew_loader_t = Some(on_load::<L, E>);
            self.got(|out| {
                sys::anew_pool_cache_get_by_hash(self.raw(), hash.as_ptr(), on_load, data, settings, deadline, out)
            })
        })
    }

    /// # Safety
    /// As [`raw::made`].
    unsafe fn got(&self, get: impl FnOnce(*mut *mut sys::anew_pool_t) -> *mut sys::anew_error_t) -> Result<Pool> {
        let pool = Pool::from_raw(raw::made(get)?);
        pending::discard();
        Ok(pool)
    }

    /// Forgets what it has of this code. @return how many pools.
    pub fn invalidate(&self, hash: &[u8; 32]) -> usize {
        // Reads 32 bytes.
        unsafe { sys::anew_pool_cache_invalidate(self.raw(), hash.as_ptr()) }
    }
    /// Forgets everything.
    pub fn clear(&self) {
        // The handle is alive.
        unsafe { sys::anew_pool_cache_clear(self.raw()) }
    }
    /// Drops the pools that are least recently used until the limits are kept. @return how many.
    pub fn trim(&self) -> usize {
        // The handle is alive.
        unsafe { sys::anew_pool_cache_trim(self.raw()) }
    }
    /// What it did so far.
    pub fn statistics(&self) -> PoolCacheStatistics {
        // The handle is alive.
        PoolCacheStatistics::read(|out| unsafe { sys::anew_pool_cache_statistics(self.raw(), out) })
    }
}

struct Loader<L> {
    load: Option<L>,
    code: Vec<u8>,
}

unsafe extern "C" fn on_load<L, E>(
    data: *mut c_void,
    code: *mut *const c_void,
    size: *mut usize,
) -> *mut sys::anew_error_t
where
    L: FnOnce() -> std::result::Result<Vec<u8>, E>,
    E: Into<BoxError>,
{
    pending::callback(|| {
        let loader = &mut *data.cast::<Loader<L>>();
        // Another call would find the code that the first one has loaded.
        if let Some(load) = loader.load.take() {
            loader.code = load().map_err(Into::into)?;
        }
        *code = loader.code.as_ptr().cast();
        *size = loader.code.len();
        Ok(())
    })
}

unsafe extern "C" fn on_prepare(
    data: *mut c_void,
    module: *const sys::anew_module_t,
    linker: *mut *mut sys::anew_linker_t,
) -> *mut sys::anew_error_t {
    pending::callback(|| {
        let module = Module::copied(module)?;
        if let Some(made) = (*data.cast::<Prepare>())(&module)? {
            *linker = made.into_raw();
        }
        Ok(())
    })
}
