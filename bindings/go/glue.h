// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What Go has done in C. A goroutine stays on its thread only while it is in C or in a callback, so whatever is the
// thread's is taken within one call of C.
#ifndef ANEW_GO_GLUE_H
#define ANEW_GO_GLUE_H

#include <anew.h>

// The error of a call, and what a host function of it left for the host: a handle of Go's, or 0. Both are Go's to
// delete.
typedef struct {
  anew_error_t* error;
  uintptr_t left;
} anew_go_result_t;

// For callbacks: leaves a handle for the call around it. Returns the one that was there, or 0.
uintptr_t anew_go_leave(uintptr_t handle);

// For callbacks: says which caller is that of the innermost host function on this thread. Returns the one before.
const anew_caller_t* anew_go_enter(const anew_caller_t* caller);

// The functions of anew.h of these names, with what was left.
anew_go_result_t anew_go_pool_new(const anew_module_t* module, const anew_linker_t* linker,
                                  const anew_pool_options_t* options, anew_pool_t** out);
anew_go_result_t anew_go_acquire(const anew_pool_t* pool, anew_lease_t** out);
anew_go_result_t anew_go_acquire_until(const anew_pool_t* pool, int64_t deadline, anew_lease_t** out);
anew_go_result_t anew_go_instantiate(const anew_pool_t* pool, anew_lease_t** out);
anew_go_result_t anew_go_lease_call(anew_lease_t* lease, const anew_function_t* function, uint64_t* slots,
                                    size_t count);
uintptr_t anew_go_release(anew_lease_t* lease);
// Acquires, calls and releases at once.
anew_go_result_t anew_go_call_as_new(const anew_pool_t* pool, const anew_function_t* function, uint64_t* slots,
                                     size_t count);
anew_go_result_t anew_go_cache_get(const anew_pool_cache_t* cache, const void* code, size_t size,
                                   const anew_pool_settings_t* settings, int64_t deadline, anew_pool_t** out);
anew_go_result_t anew_go_cache_get_by_hash(const anew_pool_cache_t* cache, const uint8_t* hash, uintptr_t loader,
                                           const anew_pool_settings_t* settings, int64_t deadline, anew_pool_t** out);

// The functions of anew.h, which fail if the caller is not that of the innermost host function on this thread.
anew_go_result_t anew_go_caller_call(const anew_caller_t* caller, const anew_function_t* function, uint64_t* slots,
                                     size_t count);
anew_error_t* anew_go_caller_function(const anew_caller_t* caller, const char* name, size_t name_size,
                                      anew_function_t** out);
anew_error_t* anew_go_caller_memory(const anew_caller_t* caller, const char* name, size_t name_size,
                                    anew_memory_t* out);
anew_error_t* anew_go_caller_global(const anew_caller_t* caller, const char* name, size_t name_size, anew_value_t* out);
anew_error_t* anew_go_caller_state(const anew_caller_t* caller, const anew_state_type_t* type, uintptr_t* out);
anew_error_t* anew_go_caller_stopping(const anew_caller_t* caller, bool* out);

// The same for a memory: of a caller, or with null of a lease, which Go looks after.
anew_error_t* anew_go_memory_size(const anew_caller_t* caller, const anew_memory_t* memory, uint64_t* out);
anew_error_t* anew_go_memory_read(const anew_caller_t* caller, const anew_memory_t* memory, uint64_t address,
                                  void* bytes, size_t size);
anew_error_t* anew_go_memory_write(const anew_caller_t* caller, const anew_memory_t* memory, uint64_t address,
                                   const void* bytes, size_t size);
anew_error_t* anew_go_memory_view(const anew_caller_t* caller, const anew_memory_t* memory, uint64_t address,
                                  uint64_t size, bool writable, uint8_t** out);
anew_error_t* anew_go_memory_grow(const anew_caller_t* caller, const anew_memory_t* memory, uint64_t pages,
                                  uint64_t* old_pages);

// Callbacks whose data is a handle of Go's.
anew_error_t* anew_go_define(anew_linker_t* linker, const char* module, size_t module_size, const char* name,
                             size_t name_size, const anew_function_type_t* type, uintptr_t handle);
anew_error_t* anew_go_state_type_new(const char* name, size_t name_size, uintptr_t handle, anew_state_type_t** out);

#endif
