// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! What a callback of the host leaves for the call around it: a panic, or the error that it returned. Both stay on the
//! thread while C code carries an error of its own from the callback to the call.

use crate::error::{BoxError, Error, ErrorCode, Result};
use anew_sys as sys;
use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::ptr;

pub(crate) enum Pending {
    Panic(Box<dyn Any + Send>),
    Source(BoxError),
}

thread_local! {
    static PENDING: RefCell<Option<Pending>> = const { RefCell::new(None) };
}

/// At the end of a thread, when thread-locals are gone, nothing is kept.
fn replace(pending: Option<Pending>) -> Option<Pending> {
    PENDING.try_with(|place| place.replace(pending)).unwrap_or(None)
}

/// Forgets what a callback left of which nobody is told: it ran in the midst of something that went well.
pub(crate) fn discard() {
    let is_there = PENDING.try_with(|place| place.borrow().is_some()).unwrap_or(false);
    if is_there {
        contain(|| drop(replace(None)));
    }
}

/// The result of a C function.
/// # Panics
/// With what a callback panicked with, if that is why it failed.
/// # Safety
/// Null, or an error that is nobody else's.
#[inline]
pub(crate) unsafe fn check(error: *mut sys::anew_error_t) -> Result<()> {
    if error.is_null() {
        Ok(())
    } else {
        Err(failed(error))
    }
}

#[cold]
unsafe fn failed(error: *mut sys::anew_error_t) -> Error {
    let error = Error::from_raw(error);
    match replace(None) {
        Some(Pending::Panic(payload)) => {
            drop(error);
            panic::resume_unwind(payload)
        }
        Some(Pending::Source(source)) => error.with_source(source),
        None => error,
    }
}

/// Runs a callback of the host: neither a panic nor its error leaves it but as the error of the C API that it returns.
pub(crate) fn callback(run: impl FnOnce() -> std::result::Result<(), BoxError>) -> *mut sys::anew_error_t {
    // What the closure left in disorder is seen by nobody before the panic goes on, as without the guest in between.
    match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => ptr::null_mut(),
        Ok(Err(error)) => contain_error(error),
        Err(payload) => {
            let message = format!("a callback panicked: {}", words_of(&*payload));
            replace(Some(Pending::Panic(payload)));
            Error::new(ErrorCode::Host, message).into_raw()
        }
    }
}

fn contain_error(error: BoxError) -> *mut sys::anew_error_t {
    let raw = panic::catch_unwind(AssertUnwindSafe(|| match error.downcast::<Error>() {
        // One of ours goes on as it is, with its backtrace; what it was caused by stays its source.
        Ok(mut own) => {
            replace(own.take_source().map(Pending::Source));
            own.into_raw()
        }
        Err(other) => {
            let raw = Error::new(ErrorCode::Host, other.to_string()).into_raw();
            replace(Some(Pending::Source(other)));
            raw
        }
    }));
    raw.unwrap_or_else(|payload| {
        replace(Some(Pending::Panic(payload))); // its Display did
        Error::new(ErrorCode::Host, "an error of the host has no message").into_raw()
    })
}

/// Runs what nobody waits for; a panic has been reported by the hook and ends here.
pub(crate) fn contain(run: impl FnOnce()) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(run)) {
        std::mem::forget(payload); // dropping it might panic again
    }
}

fn words_of(payload: &(dyn Any + Send)) -> &str {
    if let Some(words) = payload.downcast_ref::<&str>() {
        return words;
    }
    payload.downcast_ref::<String>().map_or("(no words)", String::as_str)
}
