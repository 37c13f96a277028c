// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// include/anew.h, as tests/header.rs translates it: change that, not this.
use std::ffi::{c_char, c_void};
use std::mem::{offset_of, size_of};

pub const ANEW_NO_DEADLINE: i64 = i64::MAX;
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_text_t {
    pub data: *const c_char,
    pub size: usize,
}
#[repr(C)]
pub struct anew_error_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_engine_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_module_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_linker_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_state_type_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_pool_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_function_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_lease_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_canceller_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_completion_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_call_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_pool_cache_t {
    _private: [u8; 0],
}
#[repr(C)]
pub struct anew_caller_t {
    _private: [u8; 0],
}
pub type anew_finalizer_t = Option<unsafe extern "C" fn(data: *mut c_void)>;
pub type anew_type_t = u32;
pub const ANEW_I32: anew_type_t = 0x7F;
pub const ANEW_I64: anew_type_t = 0x7E;
pub const ANEW_F32: anew_type_t = 0x7D;
pub const ANEW_F64: anew_type_t = 0x7C;
pub const ANEW_V128: anew_type_t = 0x7B;
pub const ANEW_FUNCREF: anew_type_t = 0x70;
pub const ANEW_EXTERNREF: anew_type_t = 0x6F;
pub const ANEW_EXNREF: anew_type_t = 0x69;
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_function_type_t {
    pub parameters: *const anew_type_t,
    pub parameter_count: usize,
    pub results: *const anew_type_t,
    pub result_count: usize,
}
pub type anew_kind_t = u32;
pub const ANEW_FUNCTION: anew_kind_t = 0;
pub const ANEW_TABLE: anew_kind_t = 1;
pub const ANEW_MEMORY: anew_kind_t = 2;
pub const ANEW_GLOBAL: anew_kind_t = 3;
pub const ANEW_TAG: anew_kind_t = 4;
#[repr(C)]
#[derive(Clone, Copy)]
pub union anew_value_t_of {
    pub i32: i32,
    pub i64: i64,
    pub f32: f32,
    pub f64: f64,
    pub v128: [u8; 16],
    pub reference: u64,
    pub slots: [u64; 2],
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_value_t {
    pub type_: anew_type_t,
    pub unused: u32,
    pub of: anew_value_t_of,
}
pub type anew_error_code_t = u32;
pub const ANEW_ERROR_MALFORMED: anew_error_code_t = 0;
pub const ANEW_ERROR_INVALID: anew_error_code_t = 1;
pub const ANEW_ERROR_UNSUPPORTED: anew_error_code_t = 2;
pub const ANEW_ERROR_LIMIT: anew_error_code_t = 3;
pub const ANEW_ERROR_LINK: anew_error_code_t = 4;
pub const ANEW_ERROR_TRAP: anew_error_code_t = 5;
pub const ANEW_ERROR_ARGUMENT: anew_error_code_t = 6;
pub const ANEW_ERROR_NOT_FOUND: anew_error_code_t = 7;
pub const ANEW_ERROR_IO: anew_error_code_t = 8;
pub const ANEW_ERROR_RESOURCE: anew_error_code_t = 9;
pub const ANEW_ERROR_ARTIFACT: anew_error_code_t = 10;
pub const ANEW_ERROR_HOST: anew_error_code_t = 11;
pub type anew_trap_t = u32;
pub const ANEW_TRAP_NONE: anew_trap_t = 0;
pub const ANEW_TRAP_UNREACHABLE: anew_trap_t = 1;
pub const ANEW_TRAP_MEMORY_OUT_OF_BOUNDS: anew_trap_t = 2;
pub const ANEW_TRAP_TABLE_OUT_OF_BOUNDS: anew_trap_t = 3;
pub const ANEW_TRAP_UNDEFINED_ELEMENT: anew_trap_t = 4;
pub const ANEW_TRAP_UNINITIALIZED_ELEMENT: anew_trap_t = 5;
pub const ANEW_TRAP_INDIRECT_CALL_TYPE_MISMATCH: anew_trap_t = 6;
pub const ANEW_TRAP_INTEGER_DIVIDE_BY_ZERO: anew_trap_t = 7;
pub const ANEW_TRAP_INTEGER_OVERFLOW: anew_trap_t = 8;
pub const ANEW_TRAP_INVALID_CONVERSION_TO_INTEGER: anew_trap_t = 9;
pub const ANEW_TRAP_STACK_EXHAUSTED: anew_trap_t = 10;
pub const ANEW_TRAP_HOST_ERROR: anew_trap_t = 11;
pub const ANEW_TRAP_INTERRUPTED: anew_trap_t = 12;
pub const ANEW_TRAP_NULL_REFERENCE: anew_trap_t = 13;
pub const ANEW_TRAP_NULL_FUNCTION_REFERENCE: anew_trap_t = 14;
pub const ANEW_TRAP_NULL_EXCEPTION_REFERENCE: anew_trap_t = 15;
pub const ANEW_TRAP_UNALIGNED_ATOMIC: anew_trap_t = 16;
pub const ANEW_TRAP_EXPECTED_SHARED_MEMORY: anew_trap_t = 17;
pub const ANEW_TRAP_UNHANDLED_EXCEPTION: anew_trap_t = 18;
pub const ANEW_TRAP_EXCEPTIONS_EXHAUSTED: anew_trap_t = 19;
pub const ANEW_TRAP_OUT_OF_FUEL: anew_trap_t = 20;
pub const ANEW_TRAP_CAST_FAILURE: anew_trap_t = 21;
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_frame_t {
    pub struct_size: usize,
    pub function_index: u32,
    pub is_host: bool,
    pub module_offset: u64,
    pub function_name: *const c_char,
    pub function_name_size: usize,
    pub instance_name: *const c_char,
    pub instance_name_size: usize,
    pub source_file: *const c_char,
    pub source_file_size: usize,
    pub source_line: u32,
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_engine_options_t {
    pub struct_size: usize,
    pub compile_threads: u32,
    pub no_cache: bool,
    pub cache_directory: anew_text_t,
    pub cache_bytes: u64,
    pub maximum_compile_bytes: u64,
    pub stack_bytes: u64,
    pub features: anew_text_t,
    pub progress: Option<unsafe extern "C" fn(data: *mut c_void, functions_done: u32, functions_in_all: u32)>,
    pub progress_data: *mut c_void,
    pub progress_finalize: anew_finalizer_t,
}
pub type anew_ledger_t = u32;
pub const ANEW_LEDGER_AUTO: anew_ledger_t = 0;
pub const ANEW_LEDGER_CARDS: anew_ledger_t = 1;
pub const ANEW_LEDGER_PAGEMAP: anew_ledger_t = 2;
pub const ANEW_LEDGER_COW: anew_ledger_t = 3;
pub type anew_tier_t = u32;
pub const ANEW_TIER_QUICK: anew_tier_t = 0;
pub const ANEW_TIER_AUTO: anew_tier_t = 1;
pub const ANEW_TIER_OPTIMIZED: anew_tier_t = 2;
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_compile_options_t {
    pub struct_size: usize,
    pub card_bytes: u32,
    pub ledger: anew_ledger_t,
    pub explicit_bounds: bool,
    pub fuel: bool,
    pub canonical_nan: bool,
    pub stack_limit: u32,
    pub tier: anew_tier_t,
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_item_t {
    pub struct_size: usize,
    pub module: *const c_char,
    pub module_size: usize,
    pub name: *const c_char,
    pub name_size: usize,
    pub kind: anew_kind_t,
    pub type_: *const c_char,
    pub function: anew_function_type_t,
    pub value_type: anew_type_t,
    pub is_mutable: bool,
    pub is_64: bool,
    pub is_shared: bool,
    pub has_maximum: bool,
    pub minimum: u64,
    pub maximum: u64,
}
pub type anew_slots_function_t = Option<unsafe extern "C" fn(data: *mut c_void, caller: *mut anew_caller_t, slots: *mut u64) -> *mut anew_error_t>;
pub type anew_values_function_t = Option<unsafe extern "C" fn(data: *mut c_void, caller: *mut anew_caller_t, arguments: *const anew_value_t, argument_count: usize, results: *mut anew_value_t, result_count: usize) -> *mut anew_error_t>;
pub type anew_async_function_t = Option<unsafe extern "C" fn(data: *mut c_void, caller: *mut anew_caller_t, slots: *const u64, completion: *mut anew_completion_t) -> *mut anew_error_t>;
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_state_options_t {
    pub struct_size: usize,
    pub data: *mut c_void,
    pub finalize: anew_finalizer_t,
    pub create: Option<unsafe extern "C" fn(data: *mut c_void, state: *mut *mut c_void) -> *mut anew_error_t>,
    pub reset: Option<unsafe extern "C" fn(data: *mut c_void, state: *mut c_void) -> *mut anew_error_t>,
    pub destroy: Option<unsafe extern "C" fn(data: *mut c_void, state: *mut c_void)>,
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_memory_t {
    pub internal: [usize; 4],
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_snapshot_options_t {
    pub struct_size: usize,
    pub extra_memory_pages: u64,
    pub freeze_start: bool,
    pub prelude: *const anew_text_t,
    pub prelude_count: usize,
    pub start_timeout: u64,
}
pub type anew_reset_when_t = u32;
pub const ANEW_RESET_AT_RELEASE: anew_reset_when_t = 0;
pub const ANEW_RESET_AT_ACQUIRE: anew_reset_when_t = 1;
pub const ANEW_RESET_BY_HELPER: anew_reset_when_t = 2;
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_pool_options_t {
    pub struct_size: usize,
    pub capacity: u32,
    pub minimum_warm: u32,
    pub snapshot: *const anew_snapshot_options_t,
    pub reset: anew_reset_when_t,
    pub audit_every: u64,
    pub idle_time: u64,
    pub minimum_available_bytes: u64,
    pub maximum_memory_bytes: u64,
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_pool_statistics_t {
    pub struct_size: usize,
    pub instances: u64,
    pub leased: u64,
    pub idle: u64,
    pub acquired: u64,
    pub waited: u64,
    pub timed_out: u64,
    pub restored: u64,
    pub distrusted: u64,
    pub traps: u64,
    pub kills: u64,
    pub pages_restored: u64,
    pub audited: u64,
    pub audit_failures: u64,
    pub trimmed: u64,
    pub evictions: u64,
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_pool_cache_options_t {
    pub struct_size: usize,
    pub maximum_bytes: u64,
    pub maximum_mappings: u64,
    pub maximum_address_space: u64,
    pub remembered_failures: u64,
    pub pool: *const anew_pool_options_t,
    pub prepare: Option<unsafe extern "C" fn(data: *mut c_void, module: *const anew_module_t, linker: *mut *mut anew_linker_t) -> *mut anew_error_t>,
    pub prepare_data: *mut c_void,
    pub prepare_finalize: anew_finalizer_t,
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_pool_settings_t {
    pub struct_size: usize,
    pub compile: *const anew_compile_options_t,
    pub snapshot: *const anew_snapshot_options_t,
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct anew_pool_cache_statistics_t {
    pub struct_size: usize,
    pub hits: u64,
    pub joined: u64,
    pub misses: u64,
    pub remembered_failures: u64,
    pub compilations: u64,
    pub failures: u64,
    pub evictions: u64,
    pub pools: u64,
    pub bytes: u64,
    pub mappings: u64,
    pub address_space: u64,
}
pub type anew_loader_t = Option<unsafe extern "C" fn(data: *mut c_void, code: *mut *const c_void, size: *mut usize) -> *mut anew_error_t>;

extern "C" {
    pub fn anew_version() -> u32;
    pub fn anew_version_string() -> *const c_char;
    pub fn anew_deadline_after(nanoseconds: u64) -> i64;
    pub fn anew_error_new(code: anew_error_code_t, message: *const c_char, message_size: usize) -> *mut anew_error_t;
    pub fn anew_error_delete(error: *mut anew_error_t);
    pub fn anew_error_code(error: *const anew_error_t) -> anew_error_code_t;
    pub fn anew_error_message(error: *const anew_error_t) -> *const c_char;
    pub fn anew_error_text(error: *mut anew_error_t) -> *const c_char;
    pub fn anew_error_trap(error: *const anew_error_t) -> anew_trap_t;
    pub fn anew_error_offset(error: *const anew_error_t, offset: *mut u64) -> bool;
    pub fn anew_error_frame_count(error: *const anew_error_t) -> usize;
    pub fn anew_error_frame(error: *const anew_error_t, index: usize, frame: *mut anew_frame_t) -> bool;
    pub fn anew_trap_name(trap: anew_trap_t) -> *const c_char;
    pub fn anew_error_code_name(code: anew_error_code_t) -> *const c_char;
    pub fn anew_engine_new(options: *const anew_engine_options_t, out: *mut *mut anew_engine_t) -> *mut anew_error_t;
    pub fn anew_engine_delete(engine: *mut anew_engine_t);
    pub fn anew_engine_compile(engine: *const anew_engine_t, binary: *const c_void, size: usize, options: *const anew_compile_options_t, out: *mut *mut anew_module_t) -> *mut anew_error_t;
    pub fn anew_engine_load(engine: *const anew_engine_t, path: *const c_char, path_size: usize, options: *const anew_compile_options_t, out: *mut *mut anew_module_t) -> *mut anew_error_t;
    pub fn anew_engine_save(engine: *const anew_engine_t, module: *const anew_module_t, path: *const c_char, path_size: usize) -> *mut anew_error_t;
    pub fn anew_code_hash(code: *const c_void, size: usize, hash: *mut u8) -> *mut anew_error_t;
    pub fn anew_module_delete(module: *mut anew_module_t);
    pub fn anew_module_copy(module: *const anew_module_t, out: *mut *mut anew_module_t) -> *mut anew_error_t;
    pub fn anew_module_import_count(module: *const anew_module_t) -> usize;
    pub fn anew_module_export_count(module: *const anew_module_t) -> usize;
    pub fn anew_module_import(module: *const anew_module_t, index: usize, item: *mut anew_item_t) -> *mut anew_error_t;
    pub fn anew_module_export(module: *const anew_module_t, index: usize, item: *mut anew_item_t) -> *mut anew_error_t;
    pub fn anew_module_features(module: *const anew_module_t) -> *const c_char;
    pub fn anew_module_ledger(module: *const anew_module_t) -> anew_ledger_t;
    pub fn anew_module_ledger_reason(module: *const anew_module_t) -> *const c_char;
    pub fn anew_module_code_hash(module: *const anew_module_t, hash: *mut u8) -> *mut anew_error_t;
    pub fn anew_module_from_cache(module: *const anew_module_t) -> bool;
    pub fn anew_module_cache_note(module: *const anew_module_t) -> *const c_char;
    pub fn anew_module_optimized_functions(module: *const anew_module_t) -> u32;
    pub fn anew_linker_new(out: *mut *mut anew_linker_t) -> *mut anew_error_t;
    pub fn anew_linker_delete(linker: *mut anew_linker_t);
    pub fn anew_linker_define_slots(linker: *mut anew_linker_t, module: *const c_char, module_size: usize, name: *const c_char, name_size: usize, type_: *const anew_function_type_t, function: anew_slots_function_t, data: *mut c_void, finalize: anew_finalizer_t) -> *mut anew_error_t;
    pub fn anew_linker_define_values(linker: *mut anew_linker_t, module: *const c_char, module_size: usize, name: *const c_char, name_size: usize, type_: *const anew_function_type_t, function: anew_values_function_t, data: *mut c_void, finalize: anew_finalizer_t) -> *mut anew_error_t;
    pub fn anew_linker_define_async(linker: *mut anew_linker_t, module: *const c_char, module_size: usize, name: *const c_char, name_size: usize, type_: *const anew_function_type_t, function: anew_async_function_t, data: *mut c_void, finalize: anew_finalizer_t) -> *mut anew_error_t;
    pub fn anew_completion_complete(completion: *mut anew_completion_t, slots: *const u64, slot_count: usize) -> *mut anew_error_t;
    pub fn anew_completion_fail(completion: *mut anew_completion_t, message: *const c_char, message_size: usize);
    pub fn anew_linker_define_global(linker: *mut anew_linker_t, module: *const c_char, module_size: usize, name: *const c_char, name_size: usize, value: *const anew_value_t) -> *mut anew_error_t;
    pub fn anew_linker_define_mutable_global(linker: *mut anew_linker_t, module: *const c_char, module_size: usize, name: *const c_char, name_size: usize, value: *const anew_value_t) -> *mut anew_error_t;
    pub fn anew_linker_define_memory(linker: *mut anew_linker_t, module: *const c_char, module_size: usize, name: *const c_char, name_size: usize, minimum: u64, maximum: u64) -> *mut anew_error_t;
    pub fn anew_linker_define_table(linker: *mut anew_linker_t, module: *const c_char, module_size: usize, name: *const c_char, name_size: usize, element: anew_type_t, minimum: u64, maximum: u64) -> *mut anew_error_t;
    pub fn anew_linker_define_module(linker: *mut anew_linker_t, name: *const c_char, name_size: usize, module: *const anew_module_t) -> *mut anew_error_t;
    pub fn anew_linker_trap_unknown_functions(linker: *mut anew_linker_t) -> *mut anew_error_t;
    pub fn anew_state_type_new(name: *const c_char, name_size: usize, options: *const anew_state_options_t, out: *mut *mut anew_state_type_t) -> *mut anew_error_t;
    pub fn anew_state_type_delete(type_: *mut anew_state_type_t);
    pub fn anew_linker_define_state(linker: *mut anew_linker_t, type_: *const anew_state_type_t) -> *mut anew_error_t;
    pub fn anew_memory_size(memory: *const anew_memory_t) -> u64;
    pub fn anew_memory_read(memory: *const anew_memory_t, address: u64, bytes: *mut c_void, size: usize) -> *mut anew_error_t;
    pub fn anew_memory_write(memory: *const anew_memory_t, address: u64, bytes: *const c_void, size: usize) -> *mut anew_error_t;
    pub fn anew_memory_view(memory: *const anew_memory_t, address: u64, size: u64, out: *mut *const u8) -> *mut anew_error_t;
    pub fn anew_memory_view_writable(memory: *const anew_memory_t, address: u64, size: u64, out: *mut *mut u8) -> *mut anew_error_t;
    pub fn anew_memory_grow(memory: *const anew_memory_t, delta_pages: u64, old_pages: *mut u64) -> *mut anew_error_t;
    pub fn anew_caller_memory(caller: *const anew_caller_t, name: *const c_char, name_size: usize, out: *mut anew_memory_t) -> *mut anew_error_t;
    pub fn anew_caller_global(caller: *const anew_caller_t, name: *const c_char, name_size: usize, out: *mut anew_value_t) -> *mut anew_error_t;
    pub fn anew_caller_call(caller: *const anew_caller_t, function: *const anew_function_t, slots: *mut u64, slot_count: usize) -> *mut anew_error_t;
    pub fn anew_caller_call_values(caller: *const anew_caller_t, name: *const c_char, name_size: usize, arguments: *const anew_value_t, argument_count: usize, results: *mut anew_value_t, result_count: usize) -> *mut anew_error_t;
    pub fn anew_caller_function(caller: *const anew_caller_t, name: *const c_char, name_size: usize, type_: *const anew_function_type_t, out: *mut *mut anew_function_t) -> *mut anew_error_t;
    pub fn anew_caller_state(caller: *const anew_caller_t, type_: *const anew_state_type_t) -> *mut c_void;
    pub fn anew_caller_stopping(caller: *const anew_caller_t) -> bool;
    pub fn anew_pool_new(module: *const anew_module_t, linker: *const anew_linker_t, options: *const anew_pool_options_t, out: *mut *mut anew_pool_t) -> *mut anew_error_t;
    pub fn anew_pool_delete(pool: *mut anew_pool_t);
    pub fn anew_pool_copy(pool: *const anew_pool_t, out: *mut *mut anew_pool_t) -> *mut anew_error_t;
    pub fn anew_pool_acquire(pool: *const anew_pool_t, out: *mut *mut anew_lease_t) -> *mut anew_error_t;
    pub fn anew_pool_acquire_until(pool: *const anew_pool_t, deadline: i64, out: *mut *mut anew_lease_t) -> *mut anew_error_t;
    pub fn anew_pool_instantiate(pool: *const anew_pool_t, out: *mut *mut anew_lease_t) -> *mut anew_error_t;
    pub fn anew_pool_trim(pool: *const anew_pool_t) -> u32;
    pub fn anew_pool_drain(pool: *const anew_pool_t, deadline: i64) -> *mut anew_error_t;
    pub fn anew_pool_shutdown(pool: *const anew_pool_t, deadline: i64) -> *mut anew_error_t;
    pub fn anew_pool_function(pool: *const anew_pool_t, name: *const c_char, name_size: usize, type_: *const anew_function_type_t, out: *mut *mut anew_function_t) -> *mut anew_error_t;
    pub fn anew_pool_save_snapshot(pool: *const anew_pool_t, path: *const c_char, path_size: usize) -> *mut anew_error_t;
    pub fn anew_pool_statistics(pool: *const anew_pool_t, out: *mut anew_pool_statistics_t) -> *mut anew_error_t;
    pub fn anew_pool_audit(pool: *const anew_pool_t) -> *mut anew_error_t;
    pub fn anew_function_delete(function: *mut anew_function_t);
    pub fn anew_function_type(function: *const anew_function_t) -> anew_function_type_t;
    pub fn anew_function_slots(function: *const anew_function_t) -> usize;
    pub fn anew_lease_release(lease: *mut anew_lease_t);
    pub fn anew_lease_call(lease: *mut anew_lease_t, function: *const anew_function_t, slots: *mut u64, slot_count: usize) -> *mut anew_error_t;
    pub fn anew_lease_call_values(lease: *mut anew_lease_t, name: *const c_char, name_size: usize, arguments: *const anew_value_t, argument_count: usize, results: *mut anew_value_t, result_count: usize) -> *mut anew_error_t;
    pub fn anew_lease_memory(lease: *const anew_lease_t, name: *const c_char, name_size: usize, out: *mut anew_memory_t) -> *mut anew_error_t;
    pub fn anew_lease_global(lease: *const anew_lease_t, name: *const c_char, name_size: usize, out: *mut anew_value_t) -> *mut anew_error_t;
    pub fn anew_lease_set_deadline(lease: *mut anew_lease_t, deadline: i64);
    pub fn anew_lease_set_time_slice(lease: *mut anew_lease_t, nanoseconds: i64);
    pub fn anew_lease_set_fuel(lease: *mut anew_lease_t, fuel: u64);
    pub fn anew_lease_fuel(lease: *const anew_lease_t) -> u64;
    pub fn anew_lease_dirty_bytes(lease: *const anew_lease_t) -> u64;
    pub fn anew_lease_state(lease: *const anew_lease_t, type_: *const anew_state_type_t) -> *mut c_void;
    pub fn anew_lease_canceller(lease: *mut anew_lease_t, out: *mut *mut anew_canceller_t) -> *mut anew_error_t;
    pub fn anew_lease_start(lease: *mut anew_lease_t, function: *const anew_function_t, slots: *const u64, slot_count: usize, out: *mut *mut anew_call_t) -> *mut anew_error_t;
    pub fn anew_call_done(call: *const anew_call_t) -> bool;
    pub fn anew_call_ready(call: *const anew_call_t) -> bool;
    pub fn anew_call_parked(call: *const anew_call_t) -> bool;
    pub fn anew_call_resume(call: *mut anew_call_t) -> bool;
    pub fn anew_call_on_ready(call: *mut anew_call_t, wake: Option<unsafe extern "C" fn(data: *mut c_void)>, data: *mut c_void) -> *mut anew_error_t;
    pub fn anew_call_results(call: *const anew_call_t, slots: *mut u64, slot_count: usize) -> *mut anew_error_t;
    pub fn anew_call_delete(call: *mut anew_call_t);
    pub fn anew_canceller_cancel(canceller: *const anew_canceller_t);
    pub fn anew_canceller_delete(canceller: *mut anew_canceller_t);
    pub fn anew_pool_cache_new(engine: *const anew_engine_t, linker: *const anew_linker_t, options: *const anew_pool_cache_options_t, out: *mut *mut anew_pool_cache_t) -> *mut anew_error_t;
    pub fn anew_pool_cache_delete(cache: *mut anew_pool_cache_t);
    pub fn anew_pool_cache_get(cache: *const anew_pool_cache_t, code: *const c_void, size: usize, settings: *const anew_pool_settings_t, deadline: i64, out: *mut *mut anew_pool_t) -> *mut anew_error_t;
    pub fn anew_pool_cache_get_by_hash(cache: *const anew_pool_cache_t, hash: *const u8, loader: anew_loader_t, loader_data: *mut c_void, settings: *const anew_pool_settings_t, deadline: i64, out: *mut *mut anew_pool_t) -> *mut anew_error_t;
    pub fn anew_pool_cache_invalidate(cache: *const anew_pool_cache_t, hash: *const u8) -> usize;
    pub fn anew_pool_cache_clear(cache: *const anew_pool_cache_t);
    pub fn anew_pool_cache_trim(cache: *const anew_pool_cache_t) -> usize;
    pub fn anew_pool_cache_statistics(cache: *const anew_pool_cache_t, out: *mut anew_pool_cache_statistics_t) -> *mut anew_error_t;
}

/// Sizes and offsets, each with the C expression that it is to be equal to.
#[doc(hidden)]
pub const LAYOUT: &[(&str, usize)] = &[
    ("sizeof(anew_text_t)", size_of::<anew_text_t>()),
    ("offsetof(anew_text_t, data)", offset_of!(anew_text_t, data)),
    ("offsetof(anew_text_t, size)", offset_of!(anew_text_t, size)),
    ("sizeof(anew_function_type_t)", size_of::<anew_function_type_t>()),
    ("offsetof(anew_function_type_t, parameters)", offset_of!(anew_function_type_t, parameters)),
    ("offsetof(anew_function_type_t, parameter_count)", offset_of!(anew_function_type_t, parameter_count)),
    ("offsetof(anew_function_type_t, results)", offset_of!(anew_function_type_t, results)),
    ("offsetof(anew_function_type_t, result_count)", offset_of!(anew_function_type_t, result_count)),
    ("sizeof(anew_value_t)", size_of::<anew_value_t>()),
    ("offsetof(anew_value_t, type)", offset_of!(anew_value_t, type_)),
    ("offsetof(anew_value_t, unused)", offset_of!(anew_value_t, unused)),
    ("offsetof(anew_value_t, of)", offset_of!(anew_value_t, of)),
    ("sizeof(anew_frame_t)", size_of::<anew_frame_t>()),
    ("offsetof(anew_frame_t, struct_size)", offset_of!(anew_frame_t, struct_size)),
    ("offsetof(anew_frame_t, function_index)", offset_of!(anew_frame_t, function_index)),
    ("offsetof(anew_frame_t, is_host)", offset_of!(anew_frame_t, is_host)),
    ("offsetof(anew_frame_t, module_offset)", offset_of!(anew_frame_t, module_offset)),
    ("offsetof(anew_frame_t, function_name)", offset_of!(anew_frame_t, function_name)),
    ("offsetof(anew_frame_t, function_name_size)", offset_of!(anew_frame_t, function_name_size)),
    ("offsetof(anew_frame_t, instance_name)", offset_of!(anew_frame_t, instance_name)),
    ("offsetof(anew_frame_t, instance_name_size)", offset_of!(anew_frame_t, instance_name_size)),
    ("offsetof(anew_frame_t, source_file)", offset_of!(anew_frame_t, source_file)),
    ("offsetof(anew_frame_t, source_file_size)", offset_of!(anew_frame_t, source_file_size)),
    ("offsetof(anew_frame_t, source_line)", offset_of!(anew_frame_t, source_line)),
    ("sizeof(anew_engine_options_t)", size_of::<anew_engine_options_t>()),
    ("offsetof(anew_engine_options_t, struct_size)", offset_of!(anew_engine_options_t, struct_size)),
    ("offsetof(anew_engine_options_t, compile_threads)", offset_of!(anew_engine_options_t, compile_threads)),
    ("offsetof(anew_engine_options_t, no_cache)", offset_of!(anew_engine_options_t, no_cache)),
    ("offsetof(anew_engine_options_t, cache_directory)", offset_of!(anew_engine_options_t, cache_directory)),
    ("offsetof(anew_engine_options_t, cache_bytes)", offset_of!(anew_engine_options_t, cache_bytes)),
    ("offsetof(anew_engine_options_t, maximum_compile_bytes)", offset_of!(anew_engine_options_t, maximum_compile_bytes)),
    ("offsetof(anew_engine_options_t, stack_bytes)", offset_of!(anew_engine_options_t, stack_bytes)),
    ("offsetof(anew_engine_options_t, features)", offset_of!(anew_engine_options_t, features)),
    ("offsetof(anew_engine_options_t, progress)", offset_of!(anew_engine_options_t, progress)),
    ("offsetof(anew_engine_options_t, progress_data)", offset_of!(anew_engine_options_t, progress_data)),
    ("offsetof(anew_engine_options_t, progress_finalize)", offset_of!(anew_engine_options_t, progress_finalize)),
    ("sizeof(anew_compile_options_t)", size_of::<anew_compile_options_t>()),
    ("offsetof(anew_compile_options_t, struct_size)", offset_of!(anew_compile_options_t, struct_size)),
    ("offsetof(anew_compile_options_t, card_bytes)", offset_of!(anew_compile_options_t, card_bytes)),
    ("offsetof(anew_compile_options_t, ledger)", offset_of!(anew_compile_options_t, ledger)),
    ("offsetof(anew_compile_options_t, explicit_bounds)", offset_of!(anew_compile_options_t, explicit_bounds)),
    ("offsetof(anew_compile_options_t, fuel)", offset_of!(anew_compile_options_t, fuel)),
    ("offsetof(anew_compile_options_t, canonical_nan)", offset_of!(anew_compile_options_t, canonical_nan)),
    ("offsetof(anew_compile_options_t, stack_limit)", offset_of!(anew_compile_options_t, stack_limit)),
    ("offsetof(anew_compile_options_t, tier)", offset_of!(anew_compile_options_t, tier)),
    ("sizeof(anew_item_t)", size_of::<anew_item_t>()),
    ("offsetof(anew_item_t, struct_size)", offset_of!(anew_item_t, struct_size)),
    ("offsetof(anew_item_t, module)", offset_of!(anew_item_t, module)),
    ("offsetof(anew_item_t, module_size)", offset_of!(anew_item_t, module_size)),
    ("offsetof(anew_item_t, name)", offset_of!(anew_item_t, name)),
    ("offsetof(anew_item_t, name_size)", offset_of!(anew_item_t, name_size)),
    ("offsetof(anew_item_t, kind)", offset_of!(anew_item_t, kind)),
    ("offsetof(anew_item_t, type)", offset_of!(anew_item_t, type_)),
    ("offsetof(anew_item_t, function)", offset_of!(anew_item_t, function)),
    ("offsetof(anew_item_t, value_type)", offset_of!(anew_item_t, value_type)),
    ("offsetof(anew_item_t, is_mutable)", offset_of!(anew_item_t, is_mutable)),
    ("offsetof(anew_item_t, is_64)", offset_of!(anew_item_t, is_64)),
    ("offsetof(anew_item_t, is_shared)", offset_of!(anew_item_t, is_shared)),
    ("offsetof(anew_item_t, has_maximum)", offset_of!(anew_item_t, has_maximum)),
    ("offsetof(anew_item_t, minimum)", offset_of!(anew_item_t, minimum)),
    ("offsetof(anew_item_t, maximum)", offset_of!(anew_item_t, maximum)),
    ("sizeof(anew_state_options_t)", size_of::<anew_state_options_t>()),
    ("offsetof(anew_state_options_t, struct_size)", offset_of!(anew_state_options_t, struct_size)),
    ("offsetof(anew_state_options_t, data)", offset_of!(anew_state_options_t, data)),
    ("offsetof(anew_state_options_t, finalize)", offset_of!(anew_state_options_t, finalize)),
    ("offsetof(anew_state_options_t, create)", offset_of!(anew_state_options_t, create)),
    ("offsetof(anew_state_options_t, reset)", offset_of!(anew_state_options_t, reset)),
    ("offsetof(anew_state_options_t, destroy)", offset_of!(anew_state_options_t, destroy)),
    ("sizeof(anew_memory_t)", size_of::<anew_memory_t>()),
    ("offsetof(anew_memory_t, internal)", offset_of!(anew_memory_t, internal)),
    ("sizeof(anew_snapshot_options_t)", size_of::<anew_snapshot_options_t>()),
    ("offsetof(anew_snapshot_options_t, struct_size)", offset_of!(anew_snapshot_options_t, struct_size)),
    ("offsetof(anew_snapshot_options_t, extra_memory_pages)", offset_of!(anew_snapshot_options_t, extra_memory_pages)),
    ("offsetof(anew_snapshot_options_t, freeze_start)", offset_of!(anew_snapshot_options_t, freeze_start)),
    ("offsetof(anew_snapshot_options_t, prelude)", offset_of!(anew_snapshot_options_t, prelude)),
    ("offsetof(anew_snapshot_options_t, prelude_count)", offset_of!(anew_snapshot_options_t, prelude_count)),
    ("offsetof(anew_snapshot_options_t, start_timeout)", offset_of!(anew_snapshot_options_t, start_timeout)),
    ("sizeof(anew_pool_options_t)", size_of::<anew_pool_options_t>()),
    ("offsetof(anew_pool_options_t, struct_size)", offset_of!(anew_pool_options_t, struct_size)),
    ("offsetof(anew_pool_options_t, capacity)", offset_of!(anew_pool_options_t, capacity)),
    ("offsetof(anew_pool_options_t, minimum_warm)", offset_of!(anew_pool_options_t, minimum_warm)),
    ("offsetof(anew_pool_options_t, snapshot)", offset_of!(anew_pool_options_t, snapshot)),
    ("offsetof(anew_pool_options_t, reset)", offset_of!(anew_pool_options_t, reset)),
    ("offsetof(anew_pool_options_t, audit_every)", offset_of!(anew_pool_options_t, audit_every)),
    ("offsetof(anew_pool_options_t, idle_time)", offset_of!(anew_pool_options_t, idle_time)),
    ("offsetof(anew_pool_options_t, minimum_available_bytes)", offset_of!(anew_pool_options_t, minimum_available_bytes)),
    ("offsetof(anew_pool_options_t, maximum_memory_bytes)", offset_of!(anew_pool_options_t, maximum_memory_bytes)),
    ("sizeof(anew_pool_statistics_t)", size_of::<anew_pool_statistics_t>()),
    ("offsetof(anew_pool_statistics_t, struct_size)", offset_of!(anew_pool_statistics_t, struct_size)),
    ("offsetof(anew_pool_statistics_t, instances)", offset_of!(anew_pool_statistics_t, instances)),
    ("offsetof(anew_pool_statistics_t, leased)", offset_of!(anew_pool_statistics_t, leased)),
    ("offsetof(anew_pool_statistics_t, idle)", offset_of!(anew_pool_statistics_t, idle)),
    ("offsetof(anew_pool_statistics_t, acquired)", offset_of!(anew_pool_statistics_t, acquired)),
    ("offsetof(anew_pool_statistics_t, waited)", offset_of!(anew_pool_statistics_t, waited)),
    ("offsetof(anew_pool_statistics_t, timed_out)", offset_of!(anew_pool_statistics_t, timed_out)),
    ("offsetof(anew_pool_statistics_t, restored)", offset_of!(anew_pool_statistics_t, restored)),
    ("offsetof(anew_pool_statistics_t, distrusted)", offset_of!(anew_pool_statistics_t, distrusted)),
    ("offsetof(anew_pool_statistics_t, traps)", offset_of!(anew_pool_statistics_t, traps)),
    ("offsetof(anew_pool_statistics_t, kills)", offset_of!(anew_pool_statistics_t, kills)),
    ("offsetof(anew_pool_statistics_t, pages_restored)", offset_of!(anew_pool_statistics_t, pages_restored)),
    ("offsetof(anew_pool_statistics_t, audited)", offset_of!(anew_pool_statistics_t, audited)),
    ("offsetof(anew_pool_statistics_t, audit_failures)", offset_of!(anew_pool_statistics_t, audit_failures)),
    ("offsetof(anew_pool_statistics_t, trimmed)", offset_of!(anew_pool_statistics_t, trimmed)),
    ("offsetof(anew_pool_statistics_t, evictions)", offset_of!(anew_pool_statistics_t, evictions)),
    ("sizeof(anew_pool_cache_options_t)", size_of::<anew_pool_cache_options_t>()),
    ("offsetof(anew_pool_cache_options_t, struct_size)", offset_of!(anew_pool_cache_options_t, struct_size)),
    ("offsetof(anew_pool_cache_options_t, maximum_bytes)", offset_of!(anew_pool_cache_options_t, maximum_bytes)),
    ("offsetof(anew_pool_cache_options_t, maximum_mappings)", offset_of!(anew_pool_cache_options_t, maximum_mappings)),
    ("offsetof(anew_pool_cache_options_t, maximum_address_space)", offset_of!(anew_pool_cache_options_t, maximum_address_space)),
    ("offsetof(anew_pool_cache_options_t, remembered_failures)", offset_of!(anew_pool_cache_options_t, remembered_failures)),
    ("offsetof(anew_pool_cache_options_t, pool)", offset_of!(anew_pool_cache_options_t, pool)),
    ("offsetof(anew_pool_cache_options_t, prepare)", offset_of!(anew_pool_cache_options_t, prepare)),
    ("offsetof(anew_pool_cache_options_t, prepare_data)", offset_of!(anew_pool_cache_options_t, prepare_data)),
    ("offsetof(anew_pool_cache_options_t, prepare_finalize)", offset_of!(anew_pool_cache_options_t, prepare_finalize)),
    ("sizeof(anew_pool_settings_t)", size_of::<anew_pool_settings_t>()),
    ("offsetof(anew_pool_settings_t, struct_size)", offset_of!(anew_pool_settings_t, struct_size)),
    ("offsetof(anew_pool_settings_t, compile)", offset_of!(anew_pool_settings_t, compile)),
    ("offsetof(anew_pool_settings_t, snapshot)", offset_of!(anew_pool_settings_t, snapshot)),
    ("sizeof(anew_pool_cache_statistics_t)", size_of::<anew_pool_cache_statistics_t>()),
    ("offsetof(anew_pool_cache_statistics_t, struct_size)", offset_of!(anew_pool_cache_statistics_t, struct_size)),
    ("offsetof(anew_pool_cache_statistics_t, hits)", offset_of!(anew_pool_cache_statistics_t, hits)),
    ("offsetof(anew_pool_cache_statistics_t, joined)", offset_of!(anew_pool_cache_statistics_t, joined)),
    ("offsetof(anew_pool_cache_statistics_t, misses)", offset_of!(anew_pool_cache_statistics_t, misses)),
    ("offsetof(anew_pool_cache_statistics_t, remembered_failures)", offset_of!(anew_pool_cache_statistics_t, remembered_failures)),
    ("offsetof(anew_pool_cache_statistics_t, compilations)", offset_of!(anew_pool_cache_statistics_t, compilations)),
    ("offsetof(anew_pool_cache_statistics_t, failures)", offset_of!(anew_pool_cache_statistics_t, failures)),
    ("offsetof(anew_pool_cache_statistics_t, evictions)", offset_of!(anew_pool_cache_statistics_t, evictions)),
    ("offsetof(anew_pool_cache_statistics_t, pools)", offset_of!(anew_pool_cache_statistics_t, pools)),
    ("offsetof(anew_pool_cache_statistics_t, bytes)", offset_of!(anew_pool_cache_statistics_t, bytes)),
    ("offsetof(anew_pool_cache_statistics_t, mappings)", offset_of!(anew_pool_cache_statistics_t, mappings)),
    ("offsetof(anew_pool_cache_statistics_t, address_space)", offset_of!(anew_pool_cache_statistics_t, address_space)),
];
