/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * What the clients in C share: checks that do not end the program, and modules in the text format. The functions here
 * are C++'s (c_test.cpp), which runs the clients. */
#ifndef ANEW_TESTS_C_CLIENT_H
#define ANEW_TESTS_C_CLIENT_H

#include <anew.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fails the test that runs, with what was expected. */
void client_failed(const char* file, int line, const char* what);
#define CHECK(condition) ((condition) ? (void)0 : client_failed(__FILE__, __LINE__, #condition))
/* That a function went well; says the error if not, and deletes it. */
bool client_succeeded(const char* file, int line, const char* what, anew_error_t* error);
#define OK(call) client_succeeded(__FILE__, __LINE__, #call, (call))
/* That a function failed with this code and with these words in its message. */
void client_fails(const char* file, int line, const char* what, anew_error_t* error, anew_error_code_t code,
                  const char* words);
#define FAILS(call, code, words) client_fails(__FILE__, __LINE__, #call, (call), (code), (words))

/* The binary of a module in the text format; good until the next call. */
const void* client_wat(const char* text, size_t* size);
/* A module compiled from the text format, and a pool of it. */
anew_module_t* client_module(const char* text);
anew_pool_t* client_pool(const char* text, anew_linker_t* linker, const anew_pool_options_t* options);
/* A path in a directory of the test's own. */
const char* client_path(const char* name);
/* Runs a function on another thread, and waits for it. */
void client_on_thread(void (*function)(void*), void* data);

/* The clients. */
void client_calls(void);
void client_errors(void);
void client_modules(void);
void client_host_functions(void);
void client_host_state(void);
void client_memory(void);
void client_pools(void);
void client_limits(void);
void client_snapshots(void);
void client_pool_cache(void);
void client_null_arguments(void);
void client_options(void);
void client_wasi(void);
void client_async(void);
void client_component(const char* directory);
void client_component_calls(const char* directory, const char* scratch);
void client_wasi_component(const char* directory);

#ifdef __cplusplus
}
#endif
#endif
