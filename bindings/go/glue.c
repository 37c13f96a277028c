// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "glue.h"

#include "_cgo_export.h"

static _Thread_local uintptr_t left;                // see anew_go_leave
static _Thread_local const anew_caller_t* current;  // of the innermost host function

static anew_go_result_t taken(anew_error_t* error) {
  const anew_go_result_t result = {error, left};
  left = 0;
  return result;
}

uintptr_t anew_go_leave(uintptr_t handle) {
  const uintptr_t before = left;
  left = handle;
  return before;
}

const anew_caller_t* anew_go_enter(const anew_caller_t* caller) {
  const anew_caller_t* const before = current;
  current = caller;
  return before;
}

anew_go_result_t anew_go_pool_new(const anew_module_t* module, const anew_linker_t* linker,
                                  const anew_pool_options_t* options, anew_pool_t** out) {
  return taken(anew_pool_new(module, linker, options, out));
}
anew_go_result_t anew_go_acquire(const anew_pool_t* pool, anew_lease_t** out) {
  return taken(anew_pool_acquire(pool, out));
}
anew_go_result_t anew_go_acquire_until(const anew_pool_t* pool, int64_t deadline, anew_lease_t** out) {
  return taken(anew_pool_acquire_until(pool, deadline, out));
}
anew_go_result_t anew_go_instantiate(const anew_pool_t* pool, anew_lease_t** out) {
  return taken(anew_pool_instantiate(pool, out));
}
anew_go_result_t anew_go_lease_call(anew_lease_t* lease, const anew_function_t* function, uint64_t* slots,
                                    size_t count) {
  return taken(anew_lease_call(lease, function, slots, count));
}
uintptr_t anew_go_release(anew_lease_t* lease) {
  anew_lease_release(lease);
  return anew_go_leave(0);
}
/// Of a start function that ran as an instance was made anew: of an acquired lease Go is told of the call's alone.
static void forget(void) {
  const uintptr_t unheard = anew_go_leave(0);
  if (unheard != 0) anewGoDelete(unheard);
}
anew_go_result_t anew_go_call_as_new(const anew_pool_t* pool, const anew_function_t* function, uint64_t* slots,
                                     size_t count) {
  anew_lease_t* lease = NULL;
  anew_error_t* const refused = anew_pool_acquire(pool, &lease);
  if (refused != NULL) return taken(refused);
  forget();
  const anew_go_result_t result = taken(anew_lease_call(lease, function, slots, count));
  anew_lease_release(lease);
  forget();
  return result;
}
anew_go_result_t anew_go_cache_get(const anew_pool_cache_t* cache, const void* code, size_t size,
                                   const anew_pool_settings_t* settings, int64_t deadline, anew_pool_t** out) {
  return taken(anew_pool_cache_get(cache, code, size, settings, deadline, out));
}

static anew_error_t* on_load(void* data, const void** code, size_t* size) {
  return anewGoLoad((uintptr_t)data, (void**)code, size);
}
anew_go_result_t anew_go_cache_get_by_hash(const anew_pool_cache_t* cache, const uint8_t* hash, uintptr_t loader,
                                           const anew_pool_settings_t* settings, int64_t deadline, anew_pool_t** out) {
  return taken(anew_pool_cache_get_by_hash(cache, hash, on_load, (void*)loader, settings, deadline, out));
}

// Null, or the error of who uses a caller elsewhere than in its host function.
static anew_error_t* misplaced(const anew_caller_t* caller) {
  if (caller != NULL && caller == current) return NULL;
  return anew_error_new(ANEW_ERROR_ARGUMENT,
                        ANEW_TEXT("a Caller is of use to its host function only, on that function's goroutine"));
}

anew_go_result_t anew_go_caller_call(const anew_caller_t* caller, const anew_function_t* function, uint64_t* slots,
                                     size_t count) {
  anew_error_t* const error = misplaced(caller);
  return taken(error != NULL ? error : anew_caller_call(caller, function, slots, count));
}
anew_error_t* anew_go_caller_function(const anew_caller_t* caller, const char* name, size_t name_size,
                                      anew_function_t** out) {
  anew_error_t* const error = misplaced(caller);
  return error != NULL ? error : anew_caller_function(caller, name, name_size, NULL, out);
}
anew_error_t* anew_go_caller_memory(const anew_caller_t* caller, const char* name, size_t name_size,
                                    anew_memory_t* out) {
  anew_error_t* const error = misplaced(caller);
  return error != NULL ? error : anew_caller_memory(caller, name, name_size, out);
}
anew_error_t* anew_go_caller_global(const anew_caller_t* caller, const char* name, size_t name_size,
                                    anew_value_t* out) {
  anew_error_t* const error = misplaced(caller);
  return error != NULL ? error : anew_caller_global(caller, name, name_size, out);
}
anew_error_t* anew_go_caller_state(const anew_caller_t* caller, const anew_state_type_t* type, uintptr_t* out) {
  anew_error_t* const error = misplaced(caller);
  if (error == NULL) *out = (uintptr_t)anew_caller_state(caller, type);
  return error;
}
anew_error_t* anew_go_caller_stopping(const anew_caller_t* caller, bool* out) {
  anew_error_t* const error = misplaced(caller);
  if (error == NULL) *out = anew_caller_stopping(caller);
  return error;
}

anew_error_t* anew_go_memory_size(const anew_caller_t* caller, const anew_memory_t* memory, uint64_t* out) {
  anew_error_t* const error = caller == NULL ? NULL : misplaced(caller);
  if (error == NULL) *out = anew_memory_size(memory);
  return error;
}
anew_error_t* anew_go_memory_read(const anew_caller_t* caller, const anew_memory_t* memory, uint64_t address,
                                  void* bytes, size_t size) {
  anew_error_t* const error = caller == NULL ? NULL : misplaced(caller);
  return error != NULL ? error : anew_memory_read(memory, address, bytes, size);
}
anew_error_t* anew_go_memory_write(const anew_caller_t* caller, const anew_memory_t* memory, uint64_t address,
                                   const void* bytes, size_t size) {
  anew_error_t* const error = caller == NULL ? NULL : misplaced(caller);
  return error != NULL ? error : anew_memory_write(memory, address, bytes, size);
}
anew_error_t* anew_go_memory_view(const anew_caller_t* caller, const anew_memory_t* memory, uint64_t address,
                                  uint64_t size, bool writable, uint8_t** out) {
  anew_error_t* const error = caller == NULL ? NULL : misplaced(caller);
  if (error != NULL) return error;
  if (writable) return anew_memory_view_writable(memory, address, size, out);
  return anew_memory_view(memory, address, size, (const uint8_t**)out);
}
anew_error_t* anew_go_memory_grow(const anew_caller_t* caller, const anew_memory_t* memory, uint64_t pages,
                                  uint64_t* old_pages) {
  anew_error_t* const error = caller == NULL ? NULL : misplaced(caller);
  return error != NULL ? error : anew_memory_grow(memory, pages, old_pages);
}

static anew_error_t* on_call(void* data, anew_caller_t* caller, uint64_t* slots) {
  const anew_caller_t* const around = anew_go_enter(caller);
  anew_error_t* const error = anewGoCall((uintptr_t)data, caller, slots);
  anew_go_enter(around);
  return error;
}
static void on_finalize(void* data) { anewGoDelete((uintptr_t)data); }

anew_error_t* anew_go_define(anew_linker_t* linker, const char* module, size_t module_size, const char* name,
                             size_t name_size, const anew_function_type_t* type, uintptr_t handle) {
  return anew_linker_define_slots(linker, module, module_size, name, name_size, type, on_call, (void*)handle,
                                  on_finalize);
}

static anew_error_t* on_create(void* data, void** state) { return anewGoCreateState((uintptr_t)data, state); }
static anew_error_t* on_reset(void* data, void* state) { return anewGoResetState((uintptr_t)data, (uintptr_t)state); }
static void on_destroy(void* data, void* state) {
  (void)data;
  anewGoDelete((uintptr_t)state);
}
anew_error_t* anew_go_state_type_new(const char* name, size_t name_size, uintptr_t handle, anew_state_type_t** out) {
  const anew_state_options_t options = {.struct_size = sizeof(options),
                                        .data = (void*)handle,
                                        .finalize = on_finalize,
                                        .create = on_create,
                                        .reset = on_reset,
                                        .destroy = on_destroy};
  return anew_state_type_new(name, name_size, &options, out);
}
