// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// include/anew_component.h, as tests/header.rs translates it: change that, not this.
use crate::ffi::*;
use std::ffi::{c_char, c_void};
use std::mem::{offset_of, size_of};

#[repr(C)]
pub struct anew_component_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_component_linker_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_component_pool_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_component_lease_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_component_result_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_component_completion_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_component_call_t {
    _private: [u8; 0],
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_component_item_t {
    pub name: anew_text_t,
    pub type_: anew_text_t,
}
pub type anew_component_function_t = Option<unsafe extern "C" fn(data: *mut c_void, arguments: *const anew_text_t, argument_count: usize, result: *mut anew_component_result_t) -> *mut anew_error_t>;
pub type anew_component_async_function_t = Option<unsafe extern "C" fn(data: *mut c_void, arguments: *const anew_text_t, argument_count: usize, completion: *mut anew_component_completion_t) -> *mut anew_error_t>;
pub type anew_component_warm_up_t = Option<unsafe extern "C" fn(data: *mut c_void, lease: *mut anew_component_lease_t) -> *mut anew_error_t>;

extern "C" {
    pub fn anew_component_new(engine: *const anew_engine_t, binary: *const c_void, size: usize, options: *const anew_compile_options_t, out: *mut *mut anew_component_t) -> *mut anew_error_t;
    pub fn anew_component_load(engine: *const anew_engine_t, path: *const c_char, path_size: usize, options: *const anew_compile_options_t, out: *mut *mut anew_component_t) -> *mut anew_error_t;
    pub fn anew_component_delete(component: *mut anew_component_t);
    pub fn anew_component_import_count(component: *const anew_component_t) -> usize;
    pub fn anew_component_import(component: *const anew_component_t, index: usize) -> anew_component_item_t;
    pub fn anew_component_export_count(component: *const anew_component_t) -> usize;
    pub fn anew_component_export(component: *const anew_component_t, index: usize) -> anew_component_item_t;
    pub fn anew_component_result_set(result: *mut anew_component_result_t, text: *const c_char, size: usize) -> *mut anew_error_t;
    pub fn anew_component_linker_new(out: *mut *mut anew_component_linker_t) -> *mut anew_error_t;
    pub fn anew_component_linker_delete(linker: *mut anew_component_linker_t);
    pub fn anew_component_linker_define(linker: *mut anew_component_linker_t, interface_name: *const c_char, interface_size: usize, name: *const c_char, name_size: usize, function: anew_component_function_t, data: *mut c_void, finalize: anew_finalizer_t) -> *mut anew_error_t;
    pub fn anew_component_linker_define_async(linker: *mut anew_component_linker_t, interface_name: *const c_char, interface_size: usize, name: *const c_char, name_size: usize, function: anew_component_async_function_t, data: *mut c_void, finalize: anew_finalizer_t) -> *mut anew_error_t;
    pub fn anew_component_completion_complete(completion: *mut anew_component_completion_t, text: *const c_char, size: usize) -> *mut anew_error_t;
    pub fn anew_component_completion_fail(completion: *mut anew_component_completion_t, message: *const c_char, message_size: usize);
    pub fn anew_component_completion_delete(completion: *mut anew_component_completion_t);
    pub fn anew_component_linker_trap_unknown_functions(linker: *mut anew_component_linker_t) -> *mut anew_error_t;
    pub fn anew_component_pool_new(component: *const anew_component_t, linker: *const anew_component_linker_t, options: *const anew_pool_options_t, out: *mut *mut anew_component_pool_t) -> *mut anew_error_t;
    pub fn anew_component_pool_new_warm(component: *const anew_component_t, linker: *const anew_component_linker_t, options: *const anew_pool_options_t, warm_up: anew_component_warm_up_t, data: *mut c_void, finalize: anew_finalizer_t, out: *mut *mut anew_component_pool_t) -> *mut anew_error_t;
    pub fn anew_component_pool_save_snapshot(pool: *const anew_component_pool_t, path: *const c_char, path_size: usize) -> *mut anew_error_t;
    pub fn anew_component_pool_delete(pool: *mut anew_component_pool_t);
    pub fn anew_component_pool_acquire(pool: *const anew_component_pool_t, out: *mut *mut anew_component_lease_t) -> *mut anew_error_t;
    pub fn anew_component_pool_acquire_until(pool: *const anew_component_pool_t, deadline: i64, out: *mut *mut anew_component_lease_t) -> *mut anew_error_t;
    pub fn anew_component_lease_release(lease: *mut anew_component_lease_t);
    pub fn anew_component_lease_call(lease: *mut anew_component_lease_t, name: *const c_char, name_size: usize, arguments: *const anew_text_t, argument_count: usize, result: *mut anew_text_t) -> *mut anew_error_t;
    pub fn anew_component_lease_set_deadline(lease: *mut anew_component_lease_t, deadline: i64);
    pub fn anew_component_lease_set_time_slice(lease: *mut anew_component_lease_t, nanoseconds: i64);
    pub fn anew_component_lease_set_fuel(lease: *mut anew_component_lease_t, fuel: u64);
    pub fn anew_component_lease_canceller(lease: *mut anew_component_lease_t, out: *mut *mut anew_canceller_t) -> *mut anew_error_t;
    pub fn anew_component_lease_start(lease: *mut anew_component_lease_t, name: *const c_char, name_size: usize, arguments: *const anew_text_t, argument_count: usize, out: *mut *mut anew_component_call_t) -> *mut anew_error_t;
    pub fn anew_component_call_done(call: *const anew_component_call_t) -> bool;
    pub fn anew_component_call_ready(call: *const anew_component_call_t) -> bool;
    pub fn anew_component_call_parked(call: *const anew_component_call_t) -> bool;
    pub fn anew_component_call_resume(call: *mut anew_component_call_t) -> bool;
    pub fn anew_component_call_on_ready(call: *mut anew_component_call_t, wake: Option<unsafe extern "C" fn(data: *mut c_void)>, data: *mut c_void) -> *mut anew_error_t;
    pub fn anew_component_call_result(call: *mut anew_component_call_t, result: *mut anew_text_t) -> *mut anew_error_t;
    pub fn anew_component_call_delete(call: *mut anew_component_call_t);
}

/// Sizes and offsets, each with the C expression that it is to be equal to.
#[doc(hidden)]
pub const LAYOUT: &[(&str, usize)] = &[
    ("sizeof(anew_component_item_t)", size_of::<anew_component_item_t>()),
    ("offsetof(anew_component_item_t, name)", offset_of!(anew_component_item_t, name)),
    ("offsetof(anew_component_item_t, type)", offset_of!(anew_component_item_t, type_)),
];
