/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * Components from C. */
#include <anew_component.h>
#include <anew_wasi.h>
#include <stdio.h>
#include <string.h>

#include "client.h"

static bool is(anew_text_t text, const char* expected) {
  return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

/* A component of tests/data/component, in an engine of its own. */
static void load(const char* directory, const char* name, anew_engine_t** engine, anew_component_t** component) {
  char path[1000];
  OK(anew_engine_new(&(anew_engine_options_t){.struct_size = sizeof(anew_engine_options_t), .no_cache = true}, engine));
  snprintf(path, sizeof path, "%s/%s.wasm", directory, name);
  OK(anew_component_load(*engine, path, strlen(path), NULL, component));
}

/* The host of tests/data/component/greet.wat. */
static anew_error_t* take_line(void* data, const anew_text_t* arguments, size_t count,
                               anew_component_result_t* result) {
  (void)result;
  CHECK(count == 2);
  CHECK(is(arguments[0], "\"Ada\"") && is(arguments[1], "1"));
  ++*(int*)data;
  return NULL;
}

static anew_error_t* give_lines(void* data, const anew_text_t* arguments, size_t count,
                                anew_component_result_t* result) {
  (void)data, (void)arguments, (void)count;
  return anew_component_result_set(result, ANEW_TEXT("[\"a\", \"b\", \"c\"]"));
}

static anew_error_t* give_nonsense(void* data, const anew_text_t* arguments, size_t count,
                                   anew_component_result_t* result) {
  (void)data, (void)arguments, (void)count;
  return anew_component_result_set(result, ANEW_TEXT("[1"));
}

void client_component(const char* directory) {
  anew_engine_t* engine;
  anew_component_t* component;
  anew_component_linker_t* linker;
  anew_component_pool_t* pool;
  anew_component_lease_t* lease;
  int lines = 0;
  anew_text_t result;
  const anew_text_t ada = {ANEW_TEXT("\"Ada\"")};
  const anew_text_t number = {ANEW_TEXT("7")};
  load(directory, "greet", &engine, &component);
  CHECK(anew_component_import_count(component) == 2 && anew_component_export_count(component) == 4);
  CHECK(is(anew_component_import(component, 0).name, "test:host/log@0.1.3#log"));
  CHECK(is(anew_component_export(component, 2).type, "func(name: string) -> string"));
  CHECK(anew_component_export(component, 4).name.size == 0);

  OK(anew_component_linker_new(&linker));
  FAILS(anew_component_pool_new(component, linker, NULL, &pool), ANEW_ERROR_LINK, "test:host/log@0.1.3#log");
  OK(anew_component_linker_define(linker, ANEW_TEXT("test:host/log@0.1.0"), ANEW_TEXT("log"), take_line, &lines, NULL));
  OK(anew_component_linker_define(linker, ANEW_TEXT("test:host/log@0.1.0"), ANEW_TEXT("lines"), give_lines, NULL,
                                  NULL));
  OK(anew_component_pool_new(component, linker, NULL, &pool));
  for (int i = 0; i < 2; ++i) { /* as new each time: the host is told of call 1 */
    OK(anew_component_pool_acquire(pool, &lease));
    OK(anew_component_lease_call(lease, ANEW_TEXT("greet"), &ada, 1, &result));
    CHECK(is(result, "\"Hello, Ada!\""));
    OK(anew_component_lease_call(lease, ANEW_TEXT("count-lines"), NULL, 0, &result));
    CHECK(is(result, "3"));
    FAILS(anew_component_lease_call(lease, ANEW_TEXT("greet"), &number, 1, &result), ANEW_ERROR_ARGUMENT, "argument 1");
    FAILS(anew_component_lease_call(lease, ANEW_TEXT("greet"), NULL, 0, &result), ANEW_ERROR_ARGUMENT, "takes 1");
    FAILS(anew_component_lease_call(lease, ANEW_TEXT("gree"), NULL, 0, &result), ANEW_ERROR_NOT_FOUND, "greet");
    CHECK(result.size == 0);
    FAILS(anew_component_lease_call(lease, ANEW_TEXT("trap"), NULL, 0, &result), ANEW_ERROR_TRAP, "unreachable");
    anew_component_lease_release(lease);
  }
  CHECK(lines == 2);
  anew_component_pool_delete(pool);

  OK(anew_component_linker_define(linker, ANEW_TEXT("test:host/log@0.1.0"), ANEW_TEXT("lines"), give_nonsense, NULL,
                                  NULL));
  OK(anew_component_pool_new(component, linker, NULL, &pool));
  anew_canceller_t* canceller;
  OK(anew_component_pool_acquire_until(pool, ANEW_NO_DEADLINE, &lease));
  anew_component_lease_set_deadline(lease, ANEW_NO_DEADLINE);
  anew_component_lease_set_fuel(lease, UINT64_MAX);
  OK(anew_component_lease_canceller(lease, &canceller));
  FAILS(anew_component_lease_call(lease, ANEW_TEXT("count-lines"), NULL, 0, &result), ANEW_ERROR_TRAP, "lines");
  anew_canceller_delete(canceller);
  anew_component_lease_release(lease);
  anew_component_pool_delete(pool);
  OK(anew_component_linker_trap_unknown_functions(linker));
  anew_component_linker_delete(linker);
  anew_component_delete(component);
  const unsigned char module[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  FAILS(anew_component_new(engine, module, sizeof module, NULL, &component), ANEW_ERROR_MALFORMED, "core module");
  anew_engine_delete(engine);

  FAILS(anew_component_load(NULL, "", 0, NULL, &component), ANEW_ERROR_ARGUMENT, "engine");
  FAILS(anew_component_linker_new(NULL), ANEW_ERROR_ARGUMENT, "out");
  FAILS(anew_component_pool_acquire(NULL, &lease), ANEW_ERROR_ARGUMENT, "pool");
  FAILS(anew_component_lease_call(NULL, "", 0, NULL, 0, &result), ANEW_ERROR_ARGUMENT, "lease");
  FAILS(anew_component_result_set(NULL, "", 0), ANEW_ERROR_ARGUMENT, "result");
  CHECK(anew_component_import_count(NULL) == 0 && anew_component_export_count(NULL) == 0);
  anew_component_lease_set_fuel(NULL, 1);
  anew_component_lease_set_deadline(NULL, 1);
  anew_component_delete(NULL);
  anew_component_linker_delete(NULL);
  anew_component_pool_delete(NULL);
  anew_component_lease_release(NULL);
}

/* The completion that nobody has ended yet. */
static anew_error_t* give_lines_later(void* data, const anew_text_t* arguments, size_t count,
                                      anew_component_completion_t* completion) {
  (void)arguments;
  CHECK(count == 0);
  *(anew_component_completion_t**)data = completion;
  return NULL;
}

static anew_error_t* give_no_lines(void* data, const anew_text_t* arguments, size_t count,
                                   anew_component_completion_t* completion) {
  (void)data, (void)arguments, (void)count;
  anew_component_completion_fail(completion, ANEW_TEXT("nobody knows"));
  return NULL;
}

static void complete_lines(void* data) {
  OK(anew_component_completion_complete(*(anew_component_completion_t**)data, ANEW_TEXT("[\"a\", \"b\"]")));
}

static void count_wakes(void* data) { ++*(int*)data; }

static anew_error_t* greet_ada(void* data, anew_component_lease_t* lease) {
  const anew_text_t ada = {ANEW_TEXT("\"Ada\"")};
  anew_text_t result;
  anew_component_call_t* call;
  ++*(int*)data;
  anew_component_lease_release(lease); /* it is not the client's: nothing happens */
  FAILS(anew_component_lease_start(lease, ANEW_TEXT("greet"), &ada, 1, &call), ANEW_ERROR_ARGUMENT, "warm-up");
  return anew_component_lease_call(lease, ANEW_TEXT("greet"), &ada, 1, &result);
}

static void finish_warm_up(void* data) { *(int*)data = -*(int*)data; }

static anew_component_call_t* start_counting(anew_component_pool_t* pool) {
  anew_component_lease_t* lease;
  anew_component_call_t* call;
  OK(anew_component_pool_acquire(pool, &lease));
  anew_component_lease_set_time_slice(lease, INT64_MAX);
  OK(anew_component_lease_start(lease, ANEW_TEXT("count-lines"), NULL, 0, &call));
  return call;
}

/* Calls that wait, warm-ups and snapshots; greet.wat again. */
void client_component_calls(const char* directory, const char* scratch) {
  char path[1000];
  anew_engine_t* engine;
  anew_component_t* component;
  anew_component_linker_t* linker;
  anew_component_pool_t* pool;
  anew_component_lease_t* lease;
  anew_component_completion_t* completion = NULL;
  anew_component_call_t* call;
  anew_text_t result;
  int lines = 0;
  int warmed = 0;
  load(directory, "greet", &engine, &component);
  OK(anew_component_linker_new(&linker));
  OK(anew_component_linker_define(linker, ANEW_TEXT("test:host/log@0.1.0"), ANEW_TEXT("log"), take_line, &lines, NULL));
  OK(anew_component_linker_define_async(linker, ANEW_TEXT("test:host/log@0.1.0"), ANEW_TEXT("lines"), give_lines_later,
                                        &completion, NULL));
  OK(anew_component_pool_new(component, linker, NULL, &pool));

  int woken = 0;
  call = start_counting(pool);
  CHECK(!anew_component_call_done(call) && !anew_component_call_ready(call) && !anew_component_call_parked(call));
  CHECK(!anew_component_call_resume(call));
  FAILS(anew_component_call_result(call, &result), ANEW_ERROR_ARGUMENT, "not done");
  OK(anew_component_call_on_ready(call, count_wakes, &woken));
  client_on_thread(complete_lines, &completion);
  CHECK(woken == 1 && anew_component_call_ready(call));
  CHECK(anew_component_call_resume(call) && anew_component_call_done(call));
  OK(anew_component_call_result(call, &result));
  CHECK(is(result, "2"));
  anew_component_call_delete(call);

  /* A text of another type, and nobody who completes it. */
  call = start_counting(pool);
  FAILS(anew_component_completion_complete(completion, ANEW_TEXT("[1]")), ANEW_ERROR_ARGUMENT, "column 2");
  CHECK(anew_component_call_resume(call));
  FAILS(anew_component_call_result(call, &result), ANEW_ERROR_TRAP, "column 2");
  anew_component_call_delete(call);
  call = start_counting(pool);
  anew_component_completion_delete(completion);
  CHECK(anew_component_call_resume(call));
  FAILS(anew_component_call_result(call, &result), ANEW_ERROR_TRAP, "nobody is left");
  anew_component_call_delete(call);

  /* Given up: whoever completes it later, when all else is gone, does nothing. */
  call = start_counting(pool);
  anew_component_call_delete(call);
  OK(anew_component_pool_acquire(pool, &lease));
  FAILS(anew_component_lease_start(lease, ANEW_TEXT("count"), NULL, 0, &call), ANEW_ERROR_NOT_FOUND, "count-lines");
  anew_component_pool_delete(pool);

  anew_component_completion_t* const late = completion;
  OK(anew_component_linker_define_async(linker, ANEW_TEXT("test:host/log@0.1.0"), ANEW_TEXT("lines"), give_no_lines,
                                        NULL, NULL));
  OK(anew_component_pool_new_warm(component, linker, NULL, greet_ada, &warmed, finish_warm_up, &pool));
  CHECK(warmed == 1 && lines == 1);
  call = start_counting(pool);
  FAILS(anew_component_call_result(call, &result), ANEW_ERROR_TRAP, "nobody knows");
  anew_component_call_delete(call);
  snprintf(path, sizeof path, "%s/greet.snapshot", scratch);
  OK(anew_component_pool_save_snapshot(pool, path, strlen(path)));
  anew_component_pool_delete(pool);
  CHECK(warmed == -1);
  anew_component_delete(component);

  OK(anew_component_load(engine, path, strlen(path), NULL, &component));
  FAILS(anew_component_pool_new_warm(component, linker, NULL, greet_ada, &warmed, NULL, &pool), ANEW_ERROR_ARGUMENT,
        "snapshot");
  OK(anew_component_pool_new(component, linker, NULL, &pool));
  OK(anew_component_pool_acquire(pool, &lease));
  OK(anew_component_lease_call(lease, ANEW_TEXT("cleaned"), NULL, 0, &result));
  CHECK(is(result, "1")); /* what the guest kept of its warm-up */
  anew_component_lease_release(lease);
  anew_component_pool_delete(pool);
  anew_component_linker_delete(linker);
  anew_component_delete(component);
  anew_engine_delete(engine);
  OK(anew_component_completion_complete(late, ANEW_TEXT("[]")));

  FAILS(anew_component_pool_save_snapshot(NULL, "", 0), ANEW_ERROR_ARGUMENT, "pool");
  FAILS(anew_component_lease_start(NULL, "", 0, NULL, 0, &call), ANEW_ERROR_ARGUMENT, "lease");
  FAILS(anew_component_call_on_ready(NULL, count_wakes, &woken), ANEW_ERROR_ARGUMENT, "call");
  FAILS(anew_component_call_result(NULL, &result), ANEW_ERROR_ARGUMENT, "call");
  FAILS(anew_component_completion_complete(NULL, "", 0), ANEW_ERROR_ARGUMENT, "completion");
  CHECK(!anew_component_call_done(NULL) && !anew_component_call_ready(NULL) && !anew_component_call_resume(NULL));
  anew_component_lease_set_time_slice(NULL, 1);
  anew_component_completion_fail(NULL, "", 0);
  anew_component_completion_delete(NULL);
  anew_component_call_delete(NULL);
}

/* tests/data/component/write.wat, a program of WASI 0.2. */
void client_wasi_component(const char* directory) {
  anew_engine_t* engine;
  anew_component_t* component;
  anew_component_linker_t* linker;
  anew_component_pool_t* pool;
  anew_component_lease_t* lease;
  uint32_t code = 7;
  size_t size = 1;
  load(directory, "write", &engine, &component);
  OK(anew_component_linker_new(&linker));
  const anew_wasi_output_t capture = {.kind = ANEW_WASI_CAPTURE};
  anew_wasi_options_t options = {.struct_size = sizeof options, .standard_output = &capture};
  OK(anew_wasi_component_define(linker, &options));
  OK(anew_component_pool_new(component, linker, NULL, &pool));
  for (int round = 0; round < 2; ++round) { /* as new each time: it counts its runs */
    OK(anew_component_pool_acquire(pool, &lease));
    CHECK(anew_wasi_component_standard_output(lease, &size) == NULL && size == 0);
    OK(anew_wasi_component_set_arguments(lease, NULL, 0));
    OK(anew_wasi_component_set_environment(lease, NULL, 0));
    OK(anew_wasi_component_set_standard_input(lease, "!", 1));
    OK(anew_wasi_component_run(lease, &code));
    CHECK(code == 0 && !anew_wasi_component_exit_code(lease, &code));
    const char* const printed = anew_wasi_component_standard_output(lease, &size);
    CHECK(size == 21 && memcmp(printed, "run 1 of a component\n", 21) == 0);
    CHECK(anew_wasi_component_standard_error(lease, NULL) == NULL);
    FAILS(anew_wasi_component_set_arguments(lease, NULL, 1), ANEW_ERROR_ARGUMENT, "null");
    anew_component_lease_release(lease);
  }
  anew_component_pool_delete(pool);
  anew_component_linker_delete(linker);

  /* What its sockets may reach. */
  const anew_text_t addresses[] = {{"127.0.0.1:5432", 14}, {"nowhere", 7}};
  anew_wasi_options_t open = {.struct_size = sizeof open,
                              .connect = addresses,
                              .connect_count = 1,
                              .listen = addresses,
                              .listen_count = 1,
                              .look_up = addresses + 1,
                              .look_up_count = 1};
  OK(anew_component_linker_new(&linker));
  OK(anew_wasi_component_define(linker, &open));
  open.connect_count = 2;
  FAILS(anew_wasi_component_define(linker, &open), ANEW_ERROR_ARGUMENT, "nowhere");
  open.connect_count = 1, open.listen_count = 2;
  FAILS(anew_wasi_component_define(linker, &open), ANEW_ERROR_ARGUMENT, "nowhere");
  open.listen_count = 1, open.look_up = NULL;
  FAILS(anew_wasi_component_define(linker, &open), ANEW_ERROR_ARGUMENT, "null");
  anew_component_linker_delete(linker);

  /* Its output refuses what it writes, so it returns an error. */
  const anew_wasi_output_t small = {.kind = ANEW_WASI_CAPTURE, .maximum_bytes = 1};
  options.standard_output = &small;
  OK(anew_component_linker_new(&linker));
  OK(anew_wasi_component_define(linker, &options));
  OK(anew_component_pool_new(component, linker, NULL, &pool));
  OK(anew_component_pool_acquire(pool, &lease));
  OK(anew_wasi_component_run(lease, &code));
  CHECK(code == 1);
  anew_component_lease_release(lease);
  anew_component_pool_delete(pool);
  anew_component_linker_delete(linker);

  /* Without WASI. */
  OK(anew_component_linker_new(&linker));
  OK(anew_component_linker_trap_unknown_functions(linker));
  OK(anew_component_pool_new(component, linker, NULL, &pool));
  OK(anew_component_pool_acquire(pool, &lease));
  FAILS(anew_wasi_component_run(lease, &code), ANEW_ERROR_ARGUMENT, "has no WASI");
  FAILS(anew_wasi_component_set_standard_input(lease, "!", 1), ANEW_ERROR_ARGUMENT, "has no WASI");
  CHECK(!anew_wasi_component_exit_code(lease, &code) && anew_wasi_component_standard_output(lease, &size) == NULL);
  anew_component_lease_release(lease);
  anew_component_pool_delete(pool);
  anew_component_linker_delete(linker);
  anew_component_delete(component);
  anew_engine_delete(engine);

  FAILS(anew_wasi_component_define(NULL, &options), ANEW_ERROR_ARGUMENT, "linker");
  FAILS(anew_wasi_component_run(NULL, &code), ANEW_ERROR_ARGUMENT, "lease");
  FAILS(anew_wasi_component_set_arguments(NULL, NULL, 0), ANEW_ERROR_ARGUMENT, "lease");
  FAILS(anew_wasi_component_set_environment(NULL, NULL, 0), ANEW_ERROR_ARGUMENT, "lease");
  FAILS(anew_wasi_component_set_standard_input(NULL, NULL, 0), ANEW_ERROR_ARGUMENT, "lease");
  CHECK(anew_wasi_component_standard_error(NULL, &size) == NULL && !anew_wasi_component_exit_code(NULL, &code));
}
