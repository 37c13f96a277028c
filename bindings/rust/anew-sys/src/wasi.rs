// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// include/anew_wasi.h, as tests/header.rs translates it: change that, not this.
use crate::component::{anew_component_lease_t, anew_component_linker_t};
use crate::ffi::*;
use std::ffi::{c_char, c_void};
use std::mem::{offset_of, size_of};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_wasi_directory_t {
    pub host_path: anew_text_t,
    pub guest_path: anew_text_t,
    pub read_only: bool,
}
pub type anew_wasi_stream_t = u32;
pub const ANEW_WASI_NULL: anew_wasi_stream_t = 0;
pub const ANEW_WASI_DESCRIPTOR: anew_wasi_stream_t = 1;
pub const ANEW_WASI_BYTES: anew_wasi_stream_t = 2;
pub const ANEW_WASI_CAPTURE: anew_wasi_stream_t = 3;
pub const ANEW_WASI_CALLBACK: anew_wasi_stream_t = 4;
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_wasi_input_t {
    pub kind: anew_wasi_stream_t,
    pub descriptor: i32,
    pub bytes: anew_text_t,
    pub read: Option<unsafe extern "C" fn(data: *mut c_void, bytes: *mut c_void, size: usize, count: *mut usize) -> *mut anew_error_t>,
    pub data: *mut c_void,
    pub finalize: anew_finalizer_t,
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_wasi_output_t {
    pub kind: anew_wasi_stream_t,
    pub descriptor: i32,
    pub maximum_bytes: u64,
    pub write: Option<unsafe extern "C" fn(data: *mut c_void, bytes: *const c_void, size: usize) -> *mut anew_error_t>,
    pub data: *mut c_void,
    pub finalize: anew_finalizer_t,
}
pub type anew_wasi_clock_t = u32;
pub const ANEW_WASI_CLOCK_COARSE: anew_wasi_clock_t = 0;
pub const ANEW_WASI_CLOCK_FINE: anew_wasi_clock_t = 1;
pub const ANEW_WASI_CLOCK_SIMULATED: anew_wasi_clock_t = 2;
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_wasi_options_t {
    pub struct_size: usize,
    pub arguments: *const anew_text_t,
    pub argument_count: usize,
    pub environment: *const anew_text_t,
    pub environment_count: usize,
    pub directories: *const anew_wasi_directory_t,
    pub directory_count: usize,
    pub sockets: *const i32,
    pub socket_count: usize,
    pub standard_input: *const anew_wasi_input_t,
    pub standard_output: *const anew_wasi_output_t,
    pub standard_error: *const anew_wasi_output_t,
    pub clock: anew_wasi_clock_t,
    pub has_random_seed: bool,
    pub random_seed: u64,
    pub maximum_descriptors: u32,
    pub connect: *const anew_text_t,
    pub connect_count: usize,
    pub listen: *const anew_text_t,
    pub listen_count: usize,
    pub look_up: *const anew_text_t,
    pub look_up_count: usize,
}

extern "C" {
    pub fn anew_wasi_define(linker: *mut anew_linker_t, options: *const anew_wasi_options_t) -> *mut anew_error_t;
    pub fn anew_wasi_run(lease: *mut anew_lease_t, exit_code: *mut u32) -> *mut anew_error_t;
    pub fn anew_wasi_set_arguments(lease: *mut anew_lease_t, arguments: *const anew_text_t, count: usize) -> *mut anew_error_t;
    pub fn anew_wasi_set_environment(lease: *mut anew_lease_t, environment: *const anew_text_t, count: usize) -> *mut anew_error_t;
    pub fn anew_wasi_set_standard_input(lease: *mut anew_lease_t, bytes: *const c_void, size: usize) -> *mut anew_error_t;
    pub fn anew_wasi_standard_output(lease: *const anew_lease_t, size: *mut usize) -> *const c_char;
    pub fn anew_wasi_standard_error(lease: *const anew_lease_t, size: *mut usize) -> *const c_char;
    pub fn anew_wasi_exit_code(lease: *const anew_lease_t, exit_code: *mut u32) -> bool;
    pub fn anew_wasi_component_define(linker: *mut anew_component_linker_t, options: *const anew_wasi_options_t) -> *mut anew_error_t;
    pub fn anew_wasi_component_run(lease: *mut anew_component_lease_t, exit_code: *mut u32) -> *mut anew_error_t;
    pub fn anew_wasi_component_set_arguments(lease: *mut anew_component_lease_t, arguments: *const anew_text_t, count: usize) -> *mut anew_error_t;
    pub fn anew_wasi_component_set_environment(lease: *mut anew_component_lease_t, environment: *const anew_text_t, count: usize) -> *mut anew_error_t;
    pub fn anew_wasi_component_set_standard_input(lease: *mut anew_component_lease_t, bytes: *const c_void, size: usize) -> *mut anew_error_t;
    pub fn anew_wasi_component_standard_output(lease: *const anew_component_lease_t, size: *mut usize) -> *const c_char;
    pub fn anew_wasi_component_standard_error(lease: *const anew_component_lease_t, size: *mut usize) -> *const c_char;
    pub fn anew_wasi_component_exit_code(lease: *const anew_component_lease_t, exit_code: *mut u32) -> bool;
}

/// Sizes and offsets, each with the C expression that it is to be equal to.
#[doc(hidden)]
pub const LAYOUT: &[(&str, usize)] = &[
    ("sizeof(anew_wasi_directory_t)", size_of::<anew_wasi_directory_t>()),
    ("offsetof(anew_wasi_directory_t, host_path)", offset_of!(anew_wasi_directory_t, host_path)),
    ("offsetof(anew_wasi_directory_t, guest_path)", offset_of!(anew_wasi_directory_t, guest_path)),
    ("offsetof(anew_wasi_directory_t, read_only)", offset_of!(anew_wasi_directory_t, read_only)),
    ("sizeof(anew_wasi_input_t)", size_of::<anew_wasi_input_t>()),
    ("offsetof(anew_wasi_input_t, kind)", offset_of!(anew_wasi_input_t, kind)),
    ("offsetof(anew_wasi_input_t, descriptor)", offset_of!(anew_wasi_input_t, descriptor)),
    ("offsetof(anew_wasi_input_t, bytes)", offset_of!(anew_wasi_input_t, bytes)),
    ("offsetof(anew_wasi_input_t, read)", offset_of!(anew_wasi_input_t, read)),
    ("offsetof(anew_wasi_input_t, data)", offset_of!(anew_wasi_input_t, data)),
    ("offsetof(anew_wasi_input_t, finalize)", offset_of!(anew_wasi_input_t, finalize)),
    ("sizeof(anew_wasi_output_t)", size_of::<anew_wasi_output_t>()),
    ("offsetof(anew_wasi_output_t, kind)", offset_of!(anew_wasi_output_t, kind)),
    ("offsetof(anew_wasi_output_t, descriptor)", offset_of!(anew_wasi_output_t, descriptor)),
    ("offsetof(anew_wasi_output_t, maximum_bytes)", offset_of!(anew_wasi_output_t, maximum_bytes)),
    ("offsetof(anew_wasi_output_t, write)", offset_of!(anew_wasi_output_t, write)),
    ("offsetof(anew_wasi_output_t, data)", offset_of!(anew_wasi_output_t, data)),
    ("offsetof(anew_wasi_output_t, finalize)", offset_of!(anew_wasi_output_t, finalize)),
    ("sizeof(anew_wasi_options_t)", size_of::<anew_wasi_options_t>()),
    ("offsetof(anew_wasi_options_t, struct_size)", offset_of!(anew_wasi_options_t, struct_size)),
    ("offsetof(anew_wasi_options_t, arguments)", offset_of!(anew_wasi_options_t, arguments)),
    ("offsetof(anew_wasi_options_t, argument_count)", offset_of!(anew_wasi_options_t, argument_count)),
    ("offsetof(anew_wasi_options_t, environment)", offset_of!(anew_wasi_options_t, environment)),
    ("offsetof(anew_wasi_options_t, environment_count)", offset_of!(anew_wasi_options_t, environment_count)),
    ("offsetof(anew_wasi_options_t, directories)", offset_of!(anew_wasi_options_t, directories)),
    ("offsetof(anew_wasi_options_t, directory_count)", offset_of!(anew_wasi_options_t, directory_count)),
    ("offsetof(anew_wasi_options_t, sockets)", offset_of!(anew_wasi_options_t, sockets)),
    ("offsetof(anew_wasi_options_t, socket_count)", offset_of!(anew_wasi_options_t, socket_count)),
    ("offsetof(anew_wasi_options_t, standard_input)", offset_of!(anew_wasi_options_t, standard_input)),
    ("offsetof(anew_wasi_options_t, standard_output)", offset_of!(anew_wasi_options_t, standard_output)),
    ("offsetof(anew_wasi_options_t, standard_error)", offset_of!(anew_wasi_options_t, standard_error)),
    ("offsetof(anew_wasi_options_t, clock)", offset_of!(anew_wasi_options_t, clock)),
    ("offsetof(anew_wasi_options_t, has_random_seed)", offset_of!(anew_wasi_options_t, has_random_seed)),
    ("offsetof(anew_wasi_options_t, random_seed)", offset_of!(anew_wasi_options_t, random_seed)),
    ("offsetof(anew_wasi_options_t, maximum_descriptors)", offset_of!(anew_wasi_options_t, maximum_descriptors)),
    ("offsetof(anew_wasi_options_t, connect)", offset_of!(anew_wasi_options_t, connect)),
    ("offsetof(anew_wasi_options_t, connect_count)", offset_of!(anew_wasi_options_t, connect_count)),
    ("offsetof(anew_wasi_options_t, listen)", offset_of!(anew_wasi_options_t, listen)),
    ("offsetof(anew_wasi_options_t, listen_count)", offset_of!(anew_wasi_options_t, listen_count)),
    ("offsetof(anew_wasi_options_t, look_up)", offset_of!(anew_wasi_options_t, look_up)),
    ("offsetof(anew_wasi_options_t, look_up_count)", offset_of!(anew_wasi_options_t, look_up_count)),
];
