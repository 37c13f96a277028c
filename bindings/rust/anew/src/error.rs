// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Why something failed.

use crate::raw;
use anew_sys as sys;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::{fmt, mem};

/// A value, or why there is none.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error that a host function may return.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

macro_rules! numbered {
    ($(#[$outer:meta])* $name:ident: $($(#[$inner:meta])* $variant:ident = $number:ident,)*) => {
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$inner])* $variant,)*
            /// One that a later version of the library knows.
            Other(u32),
        }
        impl $name {
            fn from_raw(number: u32) -> $name {
                match number {
                    $(sys::$number => $name::$variant,)*
                    other => $name::Other(other),
                }
            }
            fn raw(self) -> u32 {
                match self {
                    $($name::$variant => sys::$number,)*
                    $name::Other(number) => number,
                }
            }
        }
    };
}

numbered! {
    /// What kind of thing is wrong. [`Error::message`] says the rest.
    ErrorCode:
    /// The bytes are not a WebAssembly module.
    Malformed = ANEW_ERROR_MALFORMED,
    /// The module does not validate.
    Invalid = ANEW_ERROR_INVALID,
    /// A WebAssembly feature that Anew does not run, or a processor that it does not run on.
    Unsupported = ANEW_ERROR_UNSUPPORTED,
    /// The module is past one of Anew's limits.
    Limit = ANEW_ERROR_LIMIT,
    /// An import is missing or of another type.
    Link = ANEW_ERROR_LINK,
    /// The guest trapped.
    Trap = ANEW_ERROR_TRAP,
    /// A wrong argument: count, type or range.
    Argument = ANEW_ERROR_ARGUMENT,
    /// No such export, file or key.
    NotFound = ANEW_ERROR_NOT_FOUND,
    /// The operating system refused a file operation.
    Io = ANEW_ERROR_IO,
    /// Out of memory, address space, mappings, threads, pool capacity or time to wait.
    Resource = ANEW_ERROR_RESOURCE,
    /// A compiled module or snapshot file that is truncated, altered, foreign or stale.
    Artifact = ANEW_ERROR_ARTIFACT,
    /// A callback of the host failed.
    Host = ANEW_ERROR_HOST,
}

numbered! {
    /// Why a guest stopped.
    TrapKind:
    /// `unreachable`
    Unreachable = ANEW_TRAP_UNREACHABLE,
    /// An access outside of a memory.
    MemoryOutOfBounds = ANEW_TRAP_MEMORY_OUT_OF_BOUNDS,
    /// An access outside of a table.
    TableOutOfBounds = ANEW_TRAP_TABLE_OUT_OF_BOUNDS,
    /// `call_indirect` with an index past the end of the table.
    UndefinedElement = ANEW_TRAP_UNDEFINED_ELEMENT,
    /// `call_indirect` through a null reference.
    UninitializedElement = ANEW_TRAP_UNINITIALIZED_ELEMENT,
    /// `call_indirect` of a function of another type.
    IndirectCallTypeMismatch = ANEW_TRAP_INDIRECT_CALL_TYPE_MISMATCH,
    /// An integer divided by zero.
    IntegerDivideByZero = ANEW_TRAP_INTEGER_DIVIDE_BY_ZERO,
    /// The quotient of two integers does not fit.
    IntegerOverflow = ANEW_TRAP_INTEGER_OVERFLOW,
    /// A float that no integer is near.
    InvalidConversionToInteger = ANEW_TRAP_INVALID_CONVERSION_TO_INTEGER,
    /// Calls nested too deeply.
    StackExhausted = ANEW_TRAP_STACK_EXHAUSTED,
    /// A host function returned an error.
    HostError = ANEW_TRAP_HOST_ERROR,
    /// Stopped from outside: deadline, [`Canceller`](crate::Canceller), shutdown of the pool.
    Interrupted = ANEW_TRAP_INTERRUPTED,
    /// `ref.as_non_null` of null.
    NullReference = ANEW_TRAP_NULL_REFERENCE,
    /// `call_ref` through null.
    NullFunctionReference = ANEW_TRAP_NULL_FUNCTION_REFERENCE,
    /// `throw_ref` of null.
    NullExceptionReference = ANEW_TRAP_NULL_EXCEPTION_REFERENCE,
    /// An atomic access that is not aligned.
    UnalignedAtomic = ANEW_TRAP_UNALIGNED_ATOMIC,
    /// A wait on a memory that no other thread could change.
    ExpectedSharedMemory = ANEW_TRAP_EXPECTED_SHARED_MEMORY,
    /// An exception that nothing caught.
    UnhandledException = ANEW_TRAP_UNHANDLED_EXCEPTION,
    /// More exceptions held than there is room for.
    ExceptionsExhausted = ANEW_TRAP_EXCEPTIONS_EXHAUSTED,
    /// It needed more than [`Lease::set_fuel`](crate::Lease::set_fuel) gave it.
    OutOfFuel = ANEW_TRAP_OUT_OF_FUEL,
    /// `ref.cast` of what is of another type.
    CastFailure = ANEW_TRAP_CAST_FAILURE,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A text that lives as long as the library.
        f.write_str(&unsafe { raw::owned_text(sys::anew_error_code_name(self.raw())) })
    }
}
impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As above.
        f.write_str(&unsafe { raw::owned_text(sys::anew_trap_name(self.raw())) })
    }
}

/// One WebAssembly frame of a backtrace.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Frame {
    /// Of the function, in its module.
    pub function_index: u32,
    /// As the guest wrote it; empty where unknown.
    pub function_name: String,
    /// Of an instance that others import from; empty for the main one.
    pub instance_name: String,
    /// The import through which the guest called a host function.
    pub is_host: bool,
    /// Of the operator, in bytes of the module's binary; None where unknown.
    pub module_offset: Option<u64>,
    /// Of the guest's source, if the module has DWARF that tells; empty where unknown.
    pub source_file: String,
    /// The line there; None where unknown.
    pub source_line: Option<u32>,
}

/// The C API's error. It is used by one thread at a time: it lies in a mutex.
struct RawError(NonNull<sys::anew_error_t>);
unsafe impl Send for RawError {}
impl Drop for RawError {
    fn drop(&mut self) {
        // The owner's.
        unsafe { sys::anew_error_delete(self.0.as_ptr()) }
    }
}

struct Inner {
    code: ErrorCode,
    trap: Option<TrapKind>,
    offset: Option<u64>,
    message: String,
    backtrace: Vec<Frame>,
    source: Option<BoxError>,
    raw: Mutex<RawError>,
}

/// Why something failed: a code, a message that says what is wrong and what to do, for modules that are refused the byte
/// offset, for traps the kind and the backtrace, and as [`source`](std::error::Error::source) what a host function
/// returned.
///
/// Formatted with `{}` it is the message; with `{:#}`, and as `{:?}`, the backtrace is there too.
pub struct Error(Box<Inner>);

impl Error {
    /// An error of the host's own.
    pub fn new(code: ErrorCode, message: impl AsRef<str>) -> Error {
        let (data, size) = raw::text(message.as_ref());
        // The function copies the text, and always returns an error.
        unsafe { Error::from_raw(sys::anew_error_new(code.raw(), data, size)) }
    }

    /// # Safety
    /// An error, not null, that is nobody else's.
    pub(crate) unsafe fn from_raw(error: *mut sys::anew_error_t) -> Error {
        let raw = RawError(NonNull::new(error).expect("an error is not null"));
        let mut offset = 0;
        let offset = sys::anew_error_offset(error, &mut offset).then_some(offset);
        let trap = sys::anew_error_trap(error);
        let backtrace = (0..sys::anew_error_frame_count(error)).filter_map(|index| frame(error, index)).collect();
        Error(Box::new(Inner {
            code: ErrorCode::from_raw(sys::anew_error_code(error)),
            trap: (trap != sys::ANEW_TRAP_NONE).then(|| TrapKind::from_raw(trap)),
            offset,
            message: raw::owned_text(sys::anew_error_message(error)),
            backtrace,
            source: None,
            raw: Mutex::new(raw),
        }))
    }

    /// For a callback to return.
    pub(crate) fn into_raw(self) -> *mut sys::anew_error_t {
        let raw = match self.0.raw.into_inner() {
            Ok(raw) => raw,
            Err(poisoned) => poisoned.into_inner(),
        };
        let pointer = raw.0.as_ptr();
        mem::forget(raw); // the library's from now on
        pointer
    }

    pub(crate) fn with_source(mut self, source: BoxError) -> Error {
        self.0.source = Some(source);
        self
    }
    pub(crate) fn take_source(&mut self) -> Option<BoxError> {
        self.0.source.take()
    }

    /// What kind of thing is wrong.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }
    /// What is wrong, where, and what to do about it.
    pub fn message(&self) -> &str {
        &self.0.message
    }
    /// Why the guest stopped, if it trapped.
    pub fn trap(&self) -> Option<TrapKind> {
        self.0.trap
    }
    /// Of a module that is refused: the byte offset in the binary.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }
    /// Where the guest trapped, innermost frame first; a deep one leaves out the outermost.
    pub fn backtrace(&self) -> &[Frame] {
        &self.0.backtrace
    }
    /// The message, the offset and the backtrace, in lines: names demangled, a guest's words escaped.
    pub fn text(&self) -> String {
        let raw = self.0.raw.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // Alive, and used by this thread alone.
        unsafe { raw::owned_text(sys::anew_error_text(raw.0.as_ptr())) }
    }
}

/// # Safety
/// An error.
unsafe fn frame(error: *const sys::anew_error_t, index: usize) -> Option<Frame> {
    let mut frame: sys::anew_frame_t = mem::zeroed(); // numbers and pointers
    frame.struct_size = mem::size_of::<sys::anew_frame_t>();
    sys::anew_error_frame(error, index, &mut frame).then(|| Frame {
        function_index: frame.function_index,
        function_name: raw::owned_sized_text(frame.function_name, frame.function_name_size),
        instance_name: raw::owned_sized_text(frame.instance_name, frame.instance_name_size),
        is_host: frame.is_host,
        module_offset: (frame.module_offset != 0).then_some(frame.module_offset),
        source_file: raw::owned_sized_text(frame.source_file, frame.source_file_size),
        source_line: (frame.source_line != 0).then_some(frame.source_line),
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            f.write_str(&self.text())
        } else {
            f.write_str(self.message())
        }
    }
}
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.text())
    }
}
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
