/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * Components from C, of libanew. C11, and C++. The rules at the top of anew.h hold here. Values cross as text in WAVE,
 * the component model's notation for them: 7, "text", [1, 2], {name: "Ada"}, some(3), ok("done"). Handles of resources
 * have no text: functions that exchange them are for the C++ API (anew/component/component.hpp).
 *
 *   anew_component_t* component;
 *   error = anew_component_load(engine, ANEW_TEXT("greeter.wasm"), NULL, &component);
 *   ...
 *   anew_component_pool_t* pool;
 *   error = anew_component_pool_new(component, linker, NULL, &pool);
 *   anew_component_lease_t* lease;
 *   error = anew_component_pool_acquire(pool, &lease);              // an instance as new
 *   const anew_text_t arguments[] = {{ANEW_TEXT("\"Ada\"")}};
 *   anew_text_t result;
 *   error = anew_component_lease_call(lease, ANEW_TEXT("greet"), arguments, 1, &result);   // "\"Hello, Ada!\""
 *   anew_component_lease_release(lease);
 */
#ifndef ANEW_COMPONENT_H
#define ANEW_COMPONENT_H

#include <anew.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anew_component_t anew_component_t;
typedef struct anew_component_linker_t anew_component_linker_t;
typedef struct anew_component_pool_t anew_component_pool_t;
typedef struct anew_component_lease_t anew_component_lease_t;
typedef struct anew_component_result_t anew_component_result_t;
typedef struct anew_component_completion_t anew_component_completion_t;
typedef struct anew_component_call_t anew_component_call_t;

/* Decodes, validates and compiles. The bytes are copied. Any thread. ANEW_ERROR_MALFORMED, INVALID, UNSUPPORTED, LIMIT.
 */
ANEW_C_API anew_error_t* anew_component_new(const anew_engine_t* engine, const void* binary, size_t size,
                                            const anew_compile_options_t* options, anew_component_t** out);
/* The same of a file, which may be a snapshot (anew_component_pool_save_snapshot). Also ANEW_ERROR_NOT_FOUND, IO;
 * ARTIFACT for a snapshot that is damaged. */
ANEW_C_API anew_error_t* anew_component_load(const anew_engine_t* engine, const char* path, size_t path_size,
                                             const anew_compile_options_t* options, anew_component_t** out);
ANEW_C_API void anew_component_delete(anew_component_t* component);

/* An import or an export, in WIT's words. */
typedef struct anew_component_item_t {
  anew_text_t name; /* "greet"; of an interface "wasi:cli/run@0.2.0#run" */
  anew_text_t type; /* "func(name: string) -> string", "resource" */
} anew_component_item_t;

/* Good as long as the component. Past the last one: all zero. */
ANEW_C_API size_t anew_component_import_count(const anew_component_t* component);
ANEW_C_API anew_component_item_t anew_component_import(const anew_component_t* component, size_t index);
ANEW_C_API size_t anew_component_export_count(const anew_component_t* component);
ANEW_C_API anew_component_item_t anew_component_export(const anew_component_t* component, size_t index);

/* A host function. Its arguments are texts of the types that the component declares, good until it returns; a result is
 * given by anew_component_result_set. Returns null, or an error, which traps the guest with its message. */
typedef anew_error_t* (*anew_component_function_t)(void* data, const anew_text_t* arguments, size_t argument_count,
                                                   anew_component_result_t* result);
/* The result of a host function, copied. A text that is no value of its type traps the guest. */
ANEW_C_API anew_error_t* anew_component_result_set(anew_component_result_t* result, const char* text, size_t size);

/* As anew_linker_t: filled by one thread, then used from any. */
ANEW_C_API anew_error_t* anew_component_linker_new(anew_component_linker_t** out);
ANEW_C_API void anew_component_linker_delete(anew_component_linker_t* linker);
/* `interface` is empty for a function that the component imports by itself; a version serves all that it is compatible
 * with. */
ANEW_C_API anew_error_t* anew_component_linker_define(anew_component_linker_t* linker, const char* interface_name,
                                                      size_t interface_size, const char* name, size_t name_size,
                                                      anew_component_function_t function, void* data,
                                                      anew_finalizer_t finalize);
/* A host function that may give its result later: it returns at once, and `completion` is whoever's that completes it,
 * from any thread. A call that was begun by anew_component_lease_start costs no thread meanwhile; any other waits on
 * its own. The arguments are good until it returns. An error that it returns traps the guest; the completion is to be
 * deleted then, too. */
typedef anew_error_t* (*anew_component_async_function_t)(void* data, const anew_text_t* arguments,
                                                         size_t argument_count,
                                                         anew_component_completion_t* completion);
ANEW_C_API anew_error_t* anew_component_linker_define_async(anew_component_linker_t* linker, const char* interface_name,
                                                            size_t interface_size, const char* name, size_t name_size,
                                                            anew_component_async_function_t function, void* data,
                                                            anew_finalizer_t finalize);
/* Gives the result, a text of its type, empty for a function that has none; ends the completion. The first one counts.
 * ANEW_ERROR_ARGUMENT for a text that is none: the guest traps then. */
ANEW_C_API anew_error_t* anew_component_completion_complete(anew_component_completion_t* completion, const char* text,
                                                            size_t size);
/* Traps the guest with the message; ends the completion. */
ANEW_C_API void anew_component_completion_fail(anew_component_completion_t* completion, const char* message,
                                               size_t message_size);
/* The guest traps if nobody has completed it. */
ANEW_C_API void anew_component_completion_delete(anew_component_completion_t* completion);
/* Every import that is not defined is a function that traps when it is called. */
ANEW_C_API anew_error_t* anew_component_linker_trap_unknown_functions(anew_component_linker_t* linker);

/* Instantiates the component once and keeps the result as the snapshot that every instance starts from; see
 * anew_pool_new. ANEW_ERROR_LINK with each import that is missing. */
ANEW_C_API anew_error_t* anew_component_pool_new(const anew_component_t* component,
                                                 const anew_component_linker_t* linker,
                                                 const anew_pool_options_t* options, anew_component_pool_t** out);
/* What is done once, behind the prelude, with the instance that the snapshot is taken of: it may call anything, with a
 * lease that is good until it returns. What the guest reads meanwhile, randomness and time too, is the same in all
 * instances; what the host keeps for it is in none. An error that it returns is that of the pool. */
typedef anew_error_t* (*anew_component_warm_up_t)(void* data, anew_component_lease_t* lease);
/* The same with such a function, which is called with `data` by this call and by later ones that make an instance the
 * slow way (audits): `finalize` tells when no more. */
ANEW_C_API anew_error_t* anew_component_pool_new_warm(const anew_component_t* component,
                                                      const anew_component_linker_t* linker,
                                                      const anew_pool_options_t* options,
                                                      anew_component_warm_up_t warm_up, void* data,
                                                      anew_finalizer_t finalize, anew_component_pool_t** out);
/* Writes the state that its instances start from, with the component, to a file for anew_component_load. */
ANEW_C_API anew_error_t* anew_component_pool_save_snapshot(const anew_component_pool_t* pool, const char* path,
                                                           size_t path_size);
ANEW_C_API void anew_component_pool_delete(anew_component_pool_t* pool);
/* An instance as new. Any thread. As anew_pool_acquire and anew_pool_acquire_until. */
ANEW_C_API anew_error_t* anew_component_pool_acquire(const anew_component_pool_t* pool, anew_component_lease_t** out);
ANEW_C_API anew_error_t* anew_component_pool_acquire_until(const anew_component_pool_t* pool, int64_t deadline,
                                                           anew_component_lease_t** out);

/* Gives the instance back, which makes it as new. Null does nothing. */
ANEW_C_API void anew_component_lease_release(anew_component_lease_t* lease);
/* Calls an export. The result is good until the lease's next call or its end; empty if the function has none, or if
 * this fails. ANEW_ERROR_NOT_FOUND; ARGUMENT for texts that are no values of the parameters' types; TRAP. */
ANEW_C_API anew_error_t* anew_component_lease_call(anew_component_lease_t* lease, const char* name, size_t name_size,
                                                   const anew_text_t* arguments, size_t argument_count,
                                                   anew_text_t* result);
/* As anew_lease_set_deadline, anew_lease_set_time_slice, anew_lease_set_fuel, anew_lease_canceller. */
ANEW_C_API void anew_component_lease_set_deadline(anew_component_lease_t* lease, int64_t deadline);
ANEW_C_API void anew_component_lease_set_time_slice(anew_component_lease_t* lease, int64_t nanoseconds);
ANEW_C_API void anew_component_lease_set_fuel(anew_component_lease_t* lease, uint64_t fuel);
ANEW_C_API anew_error_t* anew_component_lease_canceller(anew_component_lease_t* lease, anew_canceller_t** out);

/* Begins a call that may leave its thread: while a host function that completes later is waited for, or at the end of a
 * time slice. The lease is the call's from now on, also if this fails. As anew_component_lease_call. */
ANEW_C_API anew_error_t* anew_component_lease_start(anew_component_lease_t* lease, const char* name, size_t name_size,
                                                    const anew_text_t* arguments, size_t argument_count,
                                                    anew_component_call_t** out);
/* As the functions of anew_call_t of these names. */
ANEW_C_API bool anew_component_call_done(const anew_component_call_t* call);
ANEW_C_API bool anew_component_call_ready(const anew_component_call_t* call);
ANEW_C_API bool anew_component_call_parked(const anew_component_call_t* call);
ANEW_C_API bool anew_component_call_resume(anew_component_call_t* call);
ANEW_C_API anew_error_t* anew_component_call_on_ready(anew_component_call_t* call, void (*wake)(void* data),
                                                      void* data);
/* Of a call that is done; good as long as the call. As anew_component_lease_call; ANEW_ERROR_ARGUMENT if it is not
 * done.
 */
ANEW_C_API anew_error_t* anew_component_call_result(anew_component_call_t* call, anew_text_t* result);
/* Releases the lease too. One that is not done goes with its guest. */
ANEW_C_API void anew_component_call_delete(anew_component_call_t* call);

#ifdef __cplusplus
}
#endif
#endif
