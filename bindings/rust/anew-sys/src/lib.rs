// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Declarations of Anew's C API, `anew.h`, `anew_component.h` and with the feature `wasi` (a default) `anew_wasi.h`, which
//! document them. The crate `anew` makes them safe.
//!
//! The library is found in this order:
//!
//! 1. `ANEW_LIB_DIR`: a directory with `libanew.so` or `libanew.a`, and `libanew_wasi`, such as Anew's own build directory;
//! 2. pkg-config's `anew` and `anew-wasi` (`PKG_CONFIG` names another program, `PKG_CONFIG_PATH` further directories).
//!
//! With `ANEW_STATIC=1` it is linked statically, and so are not the libraries that it needs in turn: {fmt}, xxHash,
//! libsodium and the C++ runtime. Without it the shared library is taken, if there is one.
#![allow(non_camel_case_types)]

#[rustfmt::skip] // as they were translated
mod component;
#[rustfmt::skip]
mod ffi;
#[cfg(feature = "wasi")]
#[rustfmt::skip]
mod wasi;

#[doc(hidden)]
pub use component::LAYOUT as COMPONENT_LAYOUT;
pub use component::*;
pub use ffi::*;
#[cfg(feature = "wasi")]
#[doc(hidden)]
pub use wasi::LAYOUT as WASI_LAYOUT;
#[cfg(feature = "wasi")]
pub use wasi::*;
// All have one of this name.
#[doc(hidden)]
pub use ffi::LAYOUT;
