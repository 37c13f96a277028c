// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Handles of the C API, texts, and times.

use crate::error::Result;
use crate::pending;
use anew_sys as sys;
use std::ffi::{c_char, c_void, CStr};
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

/// Declares the owner of a handle that may be used from any thread.
macro_rules! handle {
    ($name:ident, $raw:ident, $delete:ident) => {
        pub(crate) struct $name(std::ptr::NonNull<anew_sys::$raw>);
        impl $name {
            /// # Safety
            /// A handle that is this one's from now on.
            pub(crate) unsafe fn new(raw: std::ptr::NonNull<anew_sys::$raw>) -> Self {
                $name(raw)
            }
            pub(crate) fn raw(&self) -> *mut anew_sys::$raw {
                self.0.as_ptr()
            }
        }
        // anew.h: "any thread".
        unsafe impl Send for $name {}
        unsafe impl Sync for $name {}
        impl Drop for $name {
            fn drop(&mut self) {
                // The owner of the handle, which nobody else deletes.
                unsafe { anew_sys::$delete(self.raw()) }
            }
        }
    };
}
pub(crate) use handle;

/// Calls a function that makes an object.
/// # Safety
/// `make` stores a handle, or returns an error.
pub(crate) unsafe fn made<T>(make: impl FnOnce(*mut *mut T) -> *mut sys::anew_error_t) -> Result<NonNull<T>> {
    let mut out = ptr::null_mut();
    pending::check(make(&mut out))?;
    Ok(NonNull::new(out).expect("what goes well makes an object"))
}

/// Where a text lies, and its size, which is what the C API takes.
pub(crate) fn text(text: &str) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

pub(crate) fn text_struct(bytes: &[u8]) -> sys::anew_text_t {
    sys::anew_text_t { data: bytes.as_ptr().cast(), size: bytes.len() }
}

/// # Safety
/// Null, or a text that ends with a zero.
pub(crate) unsafe fn owned_text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    CStr::from_ptr(text).to_string_lossy().into_owned()
}

/// # Safety
/// Null, or so many bytes.
pub(crate) unsafe fn owned_sized_text(text: *const c_char, size: usize) -> String {
    if text.is_null() {
        return String::new();
    }
    String::from_utf8_lossy(std::slice::from_raw_parts(text.cast(), size)).into_owned()
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A point in time as the C API has it.
pub(crate) fn deadline(at: Option<Instant>) -> i64 {
    match at {
        None => sys::ANEW_NO_DEADLINE,
        // No instant can be read as a number, so it is taken as a distance from now.
        Some(at) => deadline_after(at.saturating_duration_since(Instant::now())),
    }
}

pub(crate) fn deadline_after(duration: Duration) -> i64 {
    // Any number will do.
    unsafe { sys::anew_deadline_after(nanoseconds(duration)) }
}

/// A closure as the `data` of a callback, with what deletes it.
pub(crate) fn boxed<T>(value: T) -> (*mut c_void, sys::anew_finalizer_t) {
    (Box::into_raw(Box::new(value)).cast(), Some(delete_boxed::<T>))
}

unsafe extern "C" fn delete_boxed<T>(data: *mut c_void) {
    pending::contain(|| drop(Box::from_raw(data.cast::<T>())));
}
