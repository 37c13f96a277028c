// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Declarations of Anew's C API, `anew.h`, which documents them. The crate `anew` makes them safe.
//!
//! The library is found in this order:
//!
//! 1. `ANEW_LIB_DIR`: a directory with `libanew.so` or `libanew.a`, such as Anew's own build directory;
//! 2. pkg-config's `anew` (`PKG_CONFIG` names another program, `PKG_CONFIG_PATH` further directories).
//!
//! With `ANEW_STATIC=1` it is linked statically, and so are not the libraries that it needs in turn: {fmt}, xxHash,
//! libsodium and the C++ runtime. Without it the shared library is taken, if there is one.
#![allow(non_camel_case_types)]

#[rustfmt::skip] // as it was translated
mod ffi;
pub use ffi::*;
