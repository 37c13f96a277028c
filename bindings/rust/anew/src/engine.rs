// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! From bytes to machine code.

use crate::error::Result;
use crate::value::{FunctionType, ValueType};
use crate::{pending, raw};
use anew_sys as sys;
use std::ffi::c_void;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::{fmt, mem};

/// The version of the library that runs, such as "1.2.3".
pub fn version() -> String {
    // A text that lives as long as the library.
    unsafe { raw::owned_text(sys::anew_version_string()) }
}

/// BLAKE2b-256 of a binary, by which a [`PoolCache`](crate::PoolCache) finds pools.
pub fn code_hash(code: &[u8]) -> Result<[u8; 32]> {
    let mut hash = [0; 32];
    // Reads the slice and writes 32 bytes.
    unsafe { pending::check(sys::anew_code_hash(code.as_ptr().cast(), code.len(), hash.as_mut_ptr()))? };
    Ok(hash)
}

/// Is told how many functions are compiled, of how many. From any thread, maybe several at once.
pub type Progress = Box<dyn Fn(u32, u32) + Send + Sync>;

/// Settings of an [`Engine`]. `EngineOptions { stack_bytes: 1 << 16, ..Default::default() }`: what is not said, and what
/// is 0, has its default.
#[derive(Default)]
pub struct EngineOptions {
    /// Threads that compile one module; 0: all cores.
    pub compile_threads: u32,
    /// Keep no compiled modules on disk.
    pub no_cache: bool,
    /// Where compiled modules are kept. None: `$ANEW_CACHE_DIR`, else `$XDG_CACHE_HOME/anew`, else `~/.cache/anew`.
    pub cache_directory: Option<PathBuf>,
    /// The cache keeps at most this much on disk; 0: 1 GiB.
    pub cache_bytes: u64,
    /// Memory that compiling one module may take; 0: 4 GiB.
    pub maximum_compile_bytes: u64,
    /// Of a guest stack: a multiple of 4096 from 16 KiB to 4 GiB; 0: 1 MiB.
    pub stack_bytes: u64,
    /// Proposals to WebAssembly that modules may use, such as `"2.0"` or `"all,-simd"`; empty: all.
    pub features: String,
    /// Called while a module compiles. A panic in it is reported by the hook and ends there.
    pub progress: Option<Progress>,
}

impl fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineOptions")
            .field("compile_threads", &self.compile_threads)
            .field("no_cache", &self.no_cache)
            .field("cache_directory", &self.cache_directory)
            .field("cache_bytes", &self.cache_bytes)
            .field("maximum_compile_bytes", &self.maximum_compile_bytes)
            .field("stack_bytes", &self.stack_bytes)
            .field("features", &self.features)
            .finish_non_exhaustive()
    }
}

/// What tells a reset which pages of memory a call has written; docs/ledgers.md compares them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Ledger {
    /// `Cards`; for a file of code without marks one of the others.
    #[default]
    Auto,
    /// The compiled code marks what it writes.
    Cards,
    /// The kernel is asked which pages were written.
    Pagemap,
    /// All pages that are the instance's own are given back.
    Cow,
}

impl Ledger {
    fn raw(self) -> sys::anew_ledger_t {
        match self {
            Ledger::Auto => sys::ANEW_LEDGER_AUTO,
            Ledger::Cards => sys::ANEW_LEDGER_CARDS,
            Ledger::Pagemap => sys::ANEW_LEDGER_PAGEMAP,
            Ledger::Cow => sys::ANEW_LEDGER_COW,
        }
    }
}

/// How much work is put into code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tier {
    /// One pass, as fast as the module can be read.
    #[default]
    Quick,
    /// And functions that run long again with LLVM, in a process of its own, while the module runs.
    Auto,
    /// And every function so, before a module is returned.
    Optimized,
}

impl Tier {
    fn raw(self) -> sys::anew_tier_t {
        match self {
            Tier::Quick => sys::ANEW_TIER_QUICK,
            Tier::Auto => sys::ANEW_TIER_AUTO,
            Tier::Optimized => sys::ANEW_TIER_OPTIMIZED,
        }
    }
}

/// What changes a module's machine code. `CompileOptions { fuel: true, ..Default::default() }`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CompileOptions {
    /// 512, 1024, 2048 or 4096; 0: chosen by the size of the module's memory.
    pub card_bytes: u32,
    /// What tells a reset what was written.
    pub ledger: Ledger,
    /// Compare every access with the memory's size: for modules that grow their memory in every call.
    pub explicit_bounds: bool,
    /// Count what is executed: see [`Lease::set_fuel`](crate::Lease::set_fuel).
    pub fuel: bool,
    /// NaNs that operators make have the same bits on every machine.
    pub canonical_nan: bool,
    /// How deep calls may nest, in units that the module alone determines; 0: where the machine's stack ends.
    pub stack_limit: u32,
    /// How much work is put into the code.
    pub tier: Tier,
}

impl CompileOptions {
    pub(crate) fn raw(&self) -> sys::anew_compile_options_t {
        sys::anew_compile_options_t {
            struct_size: mem::size_of::<sys::anew_compile_options_t>(),
            card_bytes: self.card_bytes,
            ledger: self.ledger.raw(),
            explicit_bounds: self.explicit_bounds,
            fuel: self.fuel,
            canonical_nan: self.canonical_nan,
            stack_limit: self.stack_limit,
            tier: self.tier.raw(),
        }
    }
}

raw::handle!(EngineHandle, anew_engine_t, anew_engine_delete);
raw::handle!(ModuleHandle, anew_module_t, anew_module_delete);

/// Compiler settings, code cache, and what all modules share. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<EngineHandle>);

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    /// An engine with the default options.
    pub fn new() -> Result<Engine> {
        Engine::with_options(EngineOptions::default())
    }

    /// @return [`Argument`](crate::ErrorCode::Argument) for bad options.
    pub fn with_options(options: EngineOptions) -> Result<Engine> {
        let directory = options.cache_directory.unwrap_or_default();
        let (progress_data, progress_finalize) = match options.progress {
            Some(progress) => raw::boxed(progress),
            None => (ptr::null_mut(), None),
        };
        let raw_options = sys::anew_engine_options_t {
            struct_size: mem::size_of::<sys::anew_engine_options_t>(),
            compile_threads: options.compile_threads,
            no_cache: options.no_cache,
            cache_directory: raw::text_struct(directory.as_os_str().as_bytes()),
            cache_bytes: options.cache_bytes,
            maximum_compile_bytes: options.maximum_compile_bytes,
            stack_bytes: options.stack_bytes,
            features: raw::text_struct(options.features.as_bytes()),
            progress: progress_finalize.map(|_| on_progress as unsafe extern "C" fn(*mut c_void, u32, u32)),
            progress_data,
            progress_finalize,
        };
        // The options live until the call returns; the box is the library's from now on, even if it fails.
        let engine = unsafe { raw::made(|out| sys::anew_engine_new(&raw_options, out))? };
        Ok(Engine(Arc::new(unsafe { EngineHandle::new(engine) })))
    }

    pub(crate) fn raw(&self) -> *const sys::anew_engine_t {
        self.0.raw()
    }
}

unsafe extern "C" fn on_progress(data: *mut c_void, done: u32, of: u32) {
    // The box of with_options, shared by all threads that compile.
    pending::contain(|| (*data.cast::<Progress>())(done, of));
}

/// What an import or export is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ExternalKind {
    /// A function.
    Function,
    /// A table.
    Table,
    /// A memory.
    Memory,
    /// A global.
    Global,
    /// A tag of exceptions.
    Tag,
}

/// What a module wants from a [`Linker`](crate::Linker).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Import {
    /// The module that it names.
    pub module: String,
    /// The name there.
    pub name: String,
    /// What it is.
    pub kind: ExternalKind,
    /// Its type as text, such as `"[i32] -> []"`.
    pub type_text: String,
    /// Of a function or tag.
    pub function: Option<FunctionType>,
}

/// What a module gives.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Export {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ExternalKind,
    /// Its type as text, such as `"[i32] -> []"`.
    pub type_text: String,
    /// Of a function or tag.
    pub function: Option<FunctionType>,
}

/// Decoded, validated, compiled code. Immutable and cheap to clone; may be used after its engine is gone.
#[derive(Clone)]
pub struct Module(Arc<ModuleHandle>);

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("exports", &self.exports()).finish_non_exhaustive()
    }
}

impl Module {
    /// Compiles a binary, or takes it from the code cache.
    ///
    /// @return `Malformed`, `Invalid`, `Unsupported` or `Limit`, with an offset; `Resource`.
    pub fn new(engine: &Engine, binary: &[u8]) -> Result<Module> {
        Module::with_options(engine, binary, &CompileOptions::default())
    }

    /// The same, compiled otherwise. @return also `Argument` for bad options.
    pub fn with_options(engine: &Engine, binary: &[u8], options: &CompileOptions) -> Result<Module> {
        let options = options.raw();
        // The slice is copied; the options live until the call returns.
        unsafe {
            Module::made(|out| {
                sys::anew_engine_compile(engine.raw(), binary.as_ptr().cast(), binary.len(), &options, out)
            })
        }
    }

    /// Reads a file: a binary, compiled code that [`Module::save`] wrote, or a snapshot that
    /// [`Pool::save_snapshot`](crate::Pool::save_snapshot) wrote. The content decides which it is, and is checked.
    ///
    /// @return as [`Module::with_options`]; `NotFound`, `Io`, `Artifact`.
    pub fn load(engine: &Engine, path: impl AsRef<Path>, options: &CompileOptions) -> Result<Module> {
        let path = path.as_ref().as_os_str().as_bytes();
        let options = options.raw();
        // As above.
        unsafe {
            Module::made(|out| sys::anew_engine_load(engine.raw(), path.as_ptr().cast(), path.len(), &options, out))
        }
    }

    /// Writes the compiled module to a file, atomically. @return `Io`; `Unsupported` for a module from a snapshot file.
    pub fn save(&self, engine: &Engine, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref().as_os_str().as_bytes();
        // Both handles are alive.
        unsafe { pending::check(sys::anew_engine_save(engine.raw(), self.raw(), path.as_ptr().cast(), path.len())) }
    }

    /// # Safety
    /// As [`raw::made`].
    unsafe fn made(make: impl FnOnce(*mut *mut sys::anew_module_t) -> *mut sys::anew_error_t) -> Result<Module> {
        Ok(Module::from_raw(raw::made(make)?))
    }
    /// # Safety
    /// A handle that is this one's from now on.
    unsafe fn from_raw(raw: NonNull<sys::anew_module_t>) -> Module {
        Module(Arc::new(ModuleHandle::new(raw)))
    }
    /// Another handle of a module that is lent. @return None without memory for it.
    /// # Safety
    /// A module.
    pub(crate) unsafe fn copied(raw: *const sys::anew_module_t) -> Result<Module> {
        Module::made(|out| sys::anew_module_copy(raw, out))
    }
    pub(crate) fn raw(&self) -> *const sys::anew_module_t {
        self.0.raw()
    }

    /// In the order of the binary.
    pub fn imports(&self) -> Vec<Import> {
        // The module is alive, and each index below the count is there.
        let count = unsafe { sys::anew_module_import_count(self.raw()) };
        let items = (0..count).map(|index| self.item(index, sys::anew_module_import));
        items
            .map(|item| Import {
                module: item.module,
                name: item.name,
                kind: item.kind,
                type_text: item.type_text,
                function: item.function,
            })
            .collect()
    }

    /// In the order of the binary.
    pub fn exports(&self) -> Vec<Export> {
        // As above.
        let count = unsafe { sys::anew_module_export_count(self.raw()) };
        let items = (0..count).map(|index| self.item(index, sys::anew_module_export));
        items
            .map(|item| Export { name: item.name, kind: item.kind, type_text: item.type_text, function: item.function })
            .collect()
    }

    fn item(
        &self,
        index: usize,
        get: unsafe extern "C" fn(*const sys::anew_module_t, usize, *mut sys::anew_item_t) -> *mut sys::anew_error_t,
    ) -> Item {
        // Numbers and pointers; the texts are the module's, which is alive.
        unsafe {
            let mut item: sys::anew_item_t = mem::zeroed();
            item.struct_size = mem::size_of::<sys::anew_item_t>();
            pending::check(get(self.raw(), index, &mut item)).expect("each index below the count is there");
            let kind = match item.kind {
                sys::ANEW_TABLE => ExternalKind::Table,
                sys::ANEW_MEMORY => ExternalKind::Memory,
                sys::ANEW_GLOBAL => ExternalKind::Global,
                sys::ANEW_TAG => ExternalKind::Tag,
                _ => ExternalKind::Function,
            };
            let has_signature = matches!(kind, ExternalKind::Function | ExternalKind::Tag);
            Item {
                module: raw::owned_sized_text(item.module, item.module_size),
                name: raw::owned_sized_text(item.name, item.name_size),
                kind,
                type_text: raw::owned_text(item.type_),
                function: has_signature.then(|| owned_type(&item.function)),
            }
        }
    }

    /// The proposals to WebAssembly that it needs, as a list that [`EngineOptions::features`] takes.
    pub fn features(&self) -> String {
        // A text of the module's.
        unsafe { raw::owned_text(sys::anew_module_features(self.raw())) }
    }
    /// What tells its resets what a call wrote, never [`Ledger::Auto`].
    pub fn ledger(&self) -> Ledger {
        // The module is alive.
        match unsafe { sys::anew_module_ledger(self.raw()) } {
            sys::ANEW_LEDGER_PAGEMAP => Ledger::Pagemap,
            sys::ANEW_LEDGER_COW => Ledger::Cow,
            _ => Ledger::Cards,
        }
    }
    /// Why it is that one, in words.
    pub fn ledger_reason(&self) -> String {
        // A text of the module's.
        unsafe { raw::owned_text(sys::anew_module_ledger_reason(self.raw())) }
    }
    /// How many functions have optimized code by now.
    pub fn optimized_functions(&self) -> u32 {
        // The module is alive.
        unsafe { sys::anew_module_optimized_functions(self.raw()) }
    }
    /// BLAKE2b-256 of the binary, as [`code_hash`] computes it.
    pub fn code_hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        // Writes 32 bytes.
        let result = unsafe { pending::check(sys::anew_module_code_hash(self.raw(), hash.as_mut_ptr())) };
        result.expect("a module has its hash");
        hash
    }
    /// Whether the machine code came from the code cache.
    pub fn from_cache(&self) -> bool {
        // The module is alive.
        unsafe { sys::anew_module_from_cache(self.raw()) }
    }
    /// Why the code cache was not used or not written, in words; empty if all went well.
    pub fn cache_note(&self) -> String {
        // A text of the module's.
        unsafe { raw::owned_text(sys::anew_module_cache_note(self.raw())) }
    }
}

struct Item {
    module: String,
    name: String,
    kind: ExternalKind,
    type_text: String,
    function: Option<FunctionType>,
}

/// # Safety
/// A type whose lists are there.
pub(crate) unsafe fn owned_type(of: &sys::anew_function_type_t) -> FunctionType {
    let list = |types: *const u32, count: usize| -> Vec<ValueType> {
        (0..count).map(|index| ValueType::from_raw(*types.add(index))).collect()
    };
    FunctionType { parameters: list(of.parameters, of.parameter_count), results: list(of.results, of.result_count) }
}
