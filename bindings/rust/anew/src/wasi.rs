// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! WASI preview 1, and WASI 0.2 for components: what programs of ordinary toolchains import. docs/wasi.md says what is
//! there, and what the sandbox promises.

use crate::component;
use crate::error::{BoxError, Result};
use crate::lease::Lease;
use crate::linker::Linker;
use crate::{pending, raw};
use anew_sys as sys;
use std::ffi::c_void;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::{fmt, mem, ptr, slice};

/// Fills what it likes of the bytes, which are never none. @return how many; 0 is the end.
pub type WasiRead = Box<dyn Fn(&mut [u8]) -> std::result::Result<usize, BoxError> + Send + Sync>;
/// Takes all bytes.
pub type WasiWrite = Box<dyn Fn(&[u8]) -> std::result::Result<(), BoxError> + Send + Sync>;

/// Where a guest's standard input comes from.
#[derive(Default)]
#[non_exhaustive]
pub enum WasiInput {
    /// The end is found at once.
    #[default]
    Null,
    /// This process's own.
    Inherit,
    /// A file, pipe, terminal or socket.
    Descriptor(OwnedFd),
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// Called by the threads of all leases, maybe at once. An error ends the guest's call with its message.
    Callback(WasiRead),
}

/// Where a guest's standard output or standard error goes.
#[derive(Default)]
#[non_exhaustive]
pub enum WasiOutput {
    /// Nowhere.
    #[default]
    Null,
    /// To this process's own.
    Inherit,
    /// To a file, pipe, terminal or socket.
    Descriptor(OwnedFd),
    /// Kept until the lease goes, so many bytes at most (past it writes fail with "no space"); 0: 16 MiB.
    Capture {
        /// So many bytes at most; 0: 16 MiB.
        maximum_bytes: u64,
    },
    /// Called by the threads of all leases, maybe at once. An error ends the guest's call with its message.
    Callback(WasiWrite),
}

macro_rules! debug_as_name {
    ($($name:ident: $($variant:pat => $text:literal),*;)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($variant => $text),* })
            }
        }
    )*};
}
debug_as_name! {
    WasiInput: WasiInput::Null => "Null", WasiInput::Inherit => "Inherit", WasiInput::Descriptor(_) => "Descriptor",
               WasiInput::Bytes(_) => "Bytes", WasiInput::Callback(_) => "Callback";
    WasiOutput: WasiOutput::Null => "Null", WasiOutput::Inherit => "Inherit", WasiOutput::Descriptor(_) => "Descriptor",
                WasiOutput::Capture { .. } => "Capture", WasiOutput::Callback(_) => "Callback";
}

/// A directory of the host that the guest finds under a name of its own, with all that lies in it and nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WasiDirectory {
    /// Where it is.
    pub host_path: PathBuf,
    /// What the guest calls it, such as "/data" or ".".
    pub guest_path: String,
    /// Nothing in it can be created, changed, renamed or removed.
    pub read_only: bool,
}

/// What the guest's clocks show.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum WasiClock {
    /// The system's time to the millisecond.
    #[default]
    Coarse,
    /// The system's time as it is.
    Fine,
    /// The same in each lease.
    Simulated,
}

/// What a guest is given. The defaults give nothing: no directory, no stream, no environment.
#[derive(Debug, Default)]
pub struct WasiOptions {
    /// The program's name first.
    pub arguments: Vec<String>,
    /// "NAME=value"
    pub environment: Vec<String>,
    /// Opened when the linker is given WASI.
    pub directories: Vec<WasiDirectory>,
    /// Listening or connected sockets.
    pub sockets: Vec<OwnedFd>,
    /// Standard input.
    pub standard_input: WasiInput,
    /// Standard output.
    pub standard_output: WasiOutput,
    /// Standard error.
    pub standard_error: WasiOutput,
    /// What clocks show.
    pub clock: WasiClock,
    /// Random bytes are the same in each lease, made from the seed; None: the system's.
    pub random_seed: Option<u64>,
    /// That a lease may have at once; 0: the default.
    pub maximum_descriptors: u32,
    /// Of components.
    pub network: WasiNetwork,
}

/// Where components may open sockets to or at, and nowhere else: "127.0.0.1:5432", "[::1]:5432", "10.0.0.0/8:443"; without
/// a port all are meant.
#[derive(Debug, Default, Clone)]
pub struct WasiNetwork {
    /// What TCP may connect to, and UDP exchange datagrams with.
    pub connect: Vec<String>,
    /// Where TCP may listen, and UDP receive of everybody.
    pub listen: Vec<String>,
    /// Names: "db.example.org", "*.example.org", "*" for all.
    pub look_up: Vec<String>,
}

fn texts(list: &[String]) -> Vec<sys::anew_text_t> {
    list.iter().map(|each| raw::text_struct(each.as_bytes())).collect()
}

fn raw_input(input: WasiInput, keep: &mut Vec<OwnedFd>, bytes: &mut Vec<u8>) -> sys::anew_wasi_input_t {
    // Zero is ANEW_WASI_NULL.
    let mut raw: sys::anew_wasi_input_t = unsafe { mem::zeroed() };
    match input {
        WasiInput::Null => {}
        WasiInput::Inherit => raw.kind = sys::ANEW_WASI_DESCRIPTOR, // 0
        WasiInput::Descriptor(descriptor) => {
            raw.kind = sys::ANEW_WASI_DESCRIPTOR;
            raw.descriptor = descriptor.as_raw_fd();
            keep.push(descriptor);
        }
        WasiInput::Bytes(given) => {
            *bytes = given;
            raw.kind = sys::ANEW_WASI_BYTES;
            raw.bytes = raw::text_struct(bytes);
        }
        WasiInput::Callback(read) => {
            raw.kind = sys::ANEW_WASI_CALLBACK;
            raw.read = Some(on_read);
            (raw.data, raw.finalize) = raw::boxed(read);
        }
    }
    raw
}

fn raw_output(output: WasiOutput, own: i32, keep: &mut Vec<OwnedFd>) -> sys::anew_wasi_output_t {
    // As above.
    let mut raw: sys::anew_wasi_output_t = unsafe { mem::zeroed() };
    match output {
        WasiOutput::Null => {}
        WasiOutput::Inherit => {
            raw.kind = sys::ANEW_WASI_DESCRIPTOR;
            raw.descriptor = own;
        }
        WasiOutput::Descriptor(descriptor) => {
            raw.kind = sys::ANEW_WASI_DESCRIPTOR;
            raw.descriptor = descriptor.as_raw_fd();
            keep.push(descriptor);
        }
        WasiOutput::Capture { maximum_bytes } => {
            raw.kind = sys::ANEW_WASI_CAPTURE;
            raw.maximum_bytes = maximum_bytes;
        }
        WasiOutput::Callback(write) => {
            raw.kind = sys::ANEW_WASI_CALLBACK;
            raw.write = Some(on_write);
            (raw.data, raw.finalize) = raw::boxed(write);
        }
    }
    raw
}

// Below, `data` is the box of a callback, shared by all threads.

unsafe extern "C" fn on_read(
    data: *mut c_void,
    bytes: *mut c_void,
    size: usize,
    count: *mut usize,
) -> *mut sys::anew_error_t {
    pending::callback(|| {
        // The guest's memory, or the host's, where bytes lie in any case.
        let read = (*data.cast::<WasiRead>())(slice::from_raw_parts_mut(bytes.cast(), size))?;
        *count = read; // the library checks it
        Ok(())
    })
}

unsafe extern "C" fn on_write(data: *mut c_void, bytes: *const c_void, size: usize) -> *mut sys::anew_error_t {
    pending::callback(|| {
        let bytes = if size == 0 { &[][..] } else { slice::from_raw_parts(bytes.cast(), size) };
        (*data.cast::<WasiWrite>())(bytes)
    })
}

impl Linker {
    /// Defines the functions of `wasi_snapshot_preview1`. Directories are opened now.
    ///
    /// ```
    /// use anew::{Engine, Linker, Module, Pool, WasiOptions, WasiOutput};
    ///
    /// # fn main() -> anew::Result<()> {
    /// # let binary = include_bytes!("../../../guests/wasi.wasm");
    /// let mut linker = Linker::new()?;
    /// linker.define_wasi(WasiOptions {
    ///     arguments: vec!["program".into()],
    ///     standard_output: WasiOutput::Capture { maximum_bytes: 0 },
    ///     ..Default::default()
    /// })?;
    /// let pool = Pool::new(&Module::new(&Engine::new()?, binary)?, &linker)?; // it greets, and exits with 3
    /// let mut lease = pool.acquire()?;
    /// assert_eq!(lease.wasi_run()?, 3);
    /// assert_eq!(lease.wasi_standard_output(), b"hello\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// @return `NotFound` or `Io` for a directory that cannot be opened; `Argument`.
    pub fn define_wasi(&mut self, options: WasiOptions) -> Result<()> {
        // The linker is alive and borrowed alone.
        unsafe { define(options, |raw| sys::anew_wasi_define(self.raw_mut(), raw)) }
    }
}

impl component::Linker {
    /// Defines the interfaces of WASI 0.2 that programs import: `wasi:io`, `wasi:cli`, `wasi:clocks`, `wasi:random`,
    /// `wasi:filesystem`, `wasi:sockets`. Directories are opened now.
    ///
    /// ```
    /// use anew::component::{Component, Linker, Pool};
    /// use anew::{Engine, WasiOptions, WasiOutput};
    ///
    /// # fn main() -> anew::Result<()> {
    /// # let binary = include_bytes!("../../../../tests/data/component/write.wasm");
    /// let mut linker = Linker::new()?;
    /// linker.define_wasi(WasiOptions {
    ///     standard_output: WasiOutput::Capture { maximum_bytes: 0 },
    ///     ..Default::default()
    /// })?;
    /// let pool = Pool::new(&Component::new(&Engine::new()?, binary)?, &linker)?;
    /// let mut lease = pool.acquire()?;
    /// assert_eq!(lease.wasi_run()?, 0);
    /// assert_eq!(lease.wasi_standard_output(), b"run 1 of a component\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// @return `NotFound` or `Io` for a directory that cannot be opened; `Argument`.
    pub fn define_wasi(&mut self, options: WasiOptions) -> Result<()> {
        // As above.
        unsafe { define(options, |raw| sys::anew_wasi_component_define(self.raw_mut(), raw)) }
    }
}

/// # Safety
/// `define` reads the options, and what they point to, while it runs.
unsafe fn define(
    options: WasiOptions,
    define: impl FnOnce(*const sys::anew_wasi_options_t) -> *mut sys::anew_error_t,
) -> Result<()> {
    let (arguments, environment) = (texts(&options.arguments), texts(&options.environment));
    let (connect, listen, look_up) =
        (texts(&options.network.connect), texts(&options.network.listen), texts(&options.network.look_up));
    let directory = |each: &WasiDirectory| sys::anew_wasi_directory_t {
        host_path: raw::text_struct(each.host_path.as_os_str().as_bytes()),
        guest_path: raw::text_struct(each.guest_path.as_bytes()),
        read_only: each.read_only,
    };
    let directories: Vec<_> = options.directories.iter().map(directory).collect();
    let sockets: Vec<_> = options.sockets.iter().map(AsRawFd::as_raw_fd).collect();
    let (mut descriptors, mut bytes) = (Vec::new(), Vec::new());
    let standard_input = raw_input(options.standard_input, &mut descriptors, &mut bytes);
    let standard_output = raw_output(options.standard_output, 1, &mut descriptors);
    let standard_error = raw_output(options.standard_error, 2, &mut descriptors);
    let raw_options = sys::anew_wasi_options_t {
        struct_size: mem::size_of::<sys::anew_wasi_options_t>(),
        arguments: arguments.as_ptr(),
        argument_count: arguments.len(),
        environment: environment.as_ptr(),
        environment_count: environment.len(),
        directories: directories.as_ptr(),
        directory_count: directories.len(),
        sockets: sockets.as_ptr(),
        socket_count: sockets.len(),
        standard_input: &standard_input,
        standard_output: &standard_output,
        standard_error: &standard_error,
        clock: match options.clock {
            WasiClock::Coarse => sys::ANEW_WASI_CLOCK_COARSE,
            WasiClock::Fine => sys::ANEW_WASI_CLOCK_FINE,
            WasiClock::Simulated => sys::ANEW_WASI_CLOCK_SIMULATED,
        },
        has_random_seed: options.random_seed.is_some(),
        random_seed: options.random_seed.unwrap_or(0),
        maximum_descriptors: options.maximum_descriptors,
        connect: connect.as_ptr(),
        connect_count: connect.len(),
        listen: listen.as_ptr(),
        listen_count: listen.len(),
        look_up: look_up.as_ptr(),
        look_up_count: look_up.len(),
    };
    // All that the options point to lives until the call returns; descriptors are duplicated, bytes copied, and the boxes
    // are the library's from now on, even if it fails.
    pending::check(define(&raw_options))
}

/// What leases of modules and of components have in common.
macro_rules! wasi_lease {
    ($lease:ty, $(#[$run_doc:meta])* $run:ident, $set_arguments:ident, $set_environment:ident, $set_standard_input:ident,
     $standard_output:ident, $standard_error:ident, $(#[$exit_doc:meta])* $exit_code:ident) => {
        /// For a lease whose linker has WASI; for another one functions fail with `Argument`, or have nothing to give.
        impl $lease {
            $(#[$run_doc])*
            pub fn wasi_run(&mut self) -> Result<u32> {
                let mut exit_code = 0;
                // The lease is alive, here and below.
                unsafe { pending::check(sys::$run(self.raw(), &mut exit_code))? };
                Ok(exit_code)
            }
            /// In place of the options', for this lease; the program's name first.
            pub fn wasi_set_arguments(&mut self, arguments: &[String]) -> Result<()> {
                let arguments = texts(arguments);
                unsafe { pending::check(sys::$set_arguments(self.raw(), arguments.as_ptr(), arguments.len())) }
            }
            /// Likewise: "NAME=value".
            pub fn wasi_set_environment(&mut self, environment: &[String]) -> Result<()> {
                let environment = texts(environment);
                unsafe { pending::check(sys::$set_environment(self.raw(), environment.as_ptr(), environment.len())) }
            }
            /// Likewise: these bytes, then the end.
            pub fn wasi_set_standard_input(&mut self, bytes: &[u8]) -> Result<()> {
                unsafe { pending::check(sys::$set_standard_input(self.raw(), bytes.as_ptr().cast(), bytes.len())) }
            }
            /// What the calls of this lease wrote to a [`WasiOutput::Capture`].
            pub fn wasi_standard_output(&self) -> &[u8] {
                // Good until the guest runs again, which needs the lease alone.
                unsafe { captured(|size| sys::$standard_output(self.raw(), size)) }
            }
            /// The same of standard error.
            pub fn wasi_standard_error(&self) -> &[u8] {
                // As above.
                unsafe { captured(|size| sys::$standard_error(self.raw(), size)) }
            }
            $(#[$exit_doc])*
            pub fn wasi_exit_code(&self) -> Option<u32> {
                let mut exit_code = 0;
                unsafe { sys::$exit_code(self.raw(), &mut exit_code) }.then_some(exit_code)
            }
        }
    };
}
wasi_lease!(
    Lease,
    /// Calls the program's `_start`. @return the exit code, 0 if it returned; `NotFound` if the module is no program;
    /// `Trap` for every other end.
    anew_wasi_run,
    anew_wasi_set_arguments,
    anew_wasi_set_environment,
    anew_wasi_set_standard_input,
    anew_wasi_standard_output,
    anew_wasi_standard_error,
    /// What the guest gave to `proc_exit`, which ends a call with a trap. @return None if it did not call it in this lease.
    anew_wasi_exit_code
);
wasi_lease!(
    component::Lease,
    /// Calls the program's `wasi:cli/run`. @return the exit code, 0 for ok and 1 for an error that it returned; `NotFound`
    /// if the component is no program; `Trap` for every other end.
    anew_wasi_component_run,
    anew_wasi_component_set_arguments,
    anew_wasi_component_set_environment,
    anew_wasi_component_set_standard_input,
    anew_wasi_component_standard_output,
    anew_wasi_component_standard_error,
    /// What the guest gave to `wasi:cli/exit`, which ends a call with a trap. @return None if it did not call it in this
    /// lease.
    anew_wasi_component_exit_code
);

/// # Safety
/// `get` gives so many bytes, good for 'a, or null.
unsafe fn captured<'a>(get: impl FnOnce(*mut usize) -> *const std::ffi::c_char) -> &'a [u8] {
    let mut size = 0;
    let bytes = get(&mut size);
    if ptr::eq(bytes, ptr::null()) || size == 0 {
        return &[];
    }
    slice::from_raw_parts(bytes.cast(), size)
}
