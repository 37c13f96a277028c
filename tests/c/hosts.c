/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * Host functions and states, pools, snapshots and caches, as a client in C has them; and what it may do wrong. */
#include <stdlib.h>
#include <string.h>

#include "client.h"

static int finalized;
static void count_finalized(void* data) {
  (void)data;
  ++finalized;
}

/* (param i32 i64) (result i32 i64 externref f64): more results than parameters. */
static anew_error_t* by_slots(void* data, anew_caller_t* caller, uint64_t* slots) {
  CHECK(*(int*)data == 7 && caller != NULL && slots[2] == 0 && slots[3] == 0);
  if (slots[0] == 99) return anew_error_new(ANEW_ERROR_IO, ANEW_TEXT("no ninety-nine here"));
  const double half = (double)slots[0] / 2;
  slots[0] = UINT64_MAX; /* an i32: the upper half does not count */
  slots[1] += 1;
  slots[2] = 0xFEED;
  memcpy(&slots[3], &half, sizeof half);
  return NULL;
}

static anew_error_t* by_values(void* data, anew_caller_t* caller, const anew_value_t* arguments, size_t argument_count,
                               anew_value_t* results, size_t result_count) {
  (void)data;
  CHECK(argument_count == 2 && result_count == 2 && arguments[0].type == ANEW_I32 && arguments[1].type == ANEW_V128);
  CHECK(results[0].type == ANEW_V128 && results[1].type == ANEW_I32 && results[1].of.i32 == 0);
  if (arguments[0].of.i32 == -1) results[0].type = ANEW_F32;
  if (arguments[0].of.i32 == -2) {
    anew_value_t result;
    return anew_caller_call_values(caller, ANEW_TEXT("trap"), NULL, 0, &result, 0);
  }
  memcpy(results[0].of.v128, arguments[1].of.v128, 16);
  results[1].of.i32 = arguments[0].of.i32 * 2;
  return NULL;
}

/* Asks the guest for room and writes there. */
static anew_error_t* greet(void* data, anew_caller_t* caller, uint64_t* slots) {
  (void)data;
  anew_function_t* allocate;
  anew_memory_t memory;
  anew_value_t global;
  anew_error_t* error = anew_caller_function(caller, ANEW_TEXT("allocate"), NULL, &allocate);
  if (error) return error;
  uint64_t room[1] = {6};
  error = anew_caller_call(caller, allocate, room, 1);
  anew_function_delete(allocate);
  if (error) return error;
  OK(anew_caller_memory(caller, ANEW_TEXT("memory"), &memory));
  OK(anew_caller_global(caller, ANEW_TEXT("room"), &global));
  CHECK(global.type == ANEW_I32 && (uint64_t)global.of.i32 == room[0] + 6);
  CHECK(!anew_caller_stopping(caller));
  slots[0] = room[0];
  return anew_memory_write(&memory, room[0], "hello", 6);
}

static const anew_type_t kTypes[] = {ANEW_I32, ANEW_I64, ANEW_EXTERNREF, ANEW_F64, ANEW_V128, ANEW_FUNCREF};

void client_host_functions(void) {
  anew_linker_t* linker;
  int seven = 7;
  finalized = 0;
  OK(anew_linker_new(&linker));
  const anew_function_type_t slots_type = {kTypes, 2, kTypes, 4};
  OK(anew_linker_define_slots(linker, ANEW_TEXT("env"), ANEW_TEXT("slots"), &slots_type, by_slots, &seven,
                              count_finalized));
  const anew_type_t parameters[] = {ANEW_I32, ANEW_V128}, results[] = {ANEW_V128, ANEW_I32};
  const anew_function_type_t values_type = {parameters, 2, results, 2};
  OK(anew_linker_define_values(linker, ANEW_TEXT("env"), ANEW_TEXT("values"), &values_type, by_values, NULL, NULL));
  const anew_function_type_t greet_type = {NULL, 0, kTypes, 1};
  OK(anew_linker_define_slots(linker, ANEW_TEXT("env"), ANEW_TEXT("greet"), &greet_type, greet, NULL, NULL));
  anew_value_t three = anew_value_i32(3);
  OK(anew_linker_define_global(linker, ANEW_TEXT("env"), ANEW_TEXT("three"), &three));
  OK(anew_linker_define_mutable_global(linker, ANEW_TEXT("env"), ANEW_TEXT("variable"), &three));
  OK(anew_linker_define_memory(linker, ANEW_TEXT("env"), ANEW_TEXT("memory"), 1, UINT64_MAX));
  OK(anew_linker_define_table(linker, ANEW_TEXT("env"), ANEW_TEXT("table"), ANEW_FUNCREF, 2, 2));
  FAILS(anew_linker_define_table(linker, ANEW_TEXT("env"), ANEW_TEXT("t"), ANEW_I32, 2, 2), ANEW_ERROR_ARGUMENT,
        "references");
  anew_module_t* const library = client_module("(module (func (export \"answer\") (result i32) (i32.const 42)))");
  OK(anew_linker_define_module(linker, ANEW_TEXT("library"), library));
  anew_module_delete(library);
  FAILS(anew_pool_new(NULL, linker, NULL, &(anew_pool_t*){NULL}), ANEW_ERROR_ARGUMENT, "\"module\" is null");

  static const char kGuest[] =
      "(module"
      "  (import \"env\" \"slots\" (func $slots (param i32 i64) (result i32 i64 externref f64)))"
      "  (import \"env\" \"values\" (func $values (param i32 v128) (result v128 i32)))"
      "  (import \"env\" \"greet\" (func $greet (result i32)))"
      "  (import \"env\" \"three\" (global $three i32))"
      "  (import \"env\" \"variable\" (global $variable (mut i32)))"
      "  (import \"env\" \"memory\" (memory 1))"
      "  (import \"env\" \"table\" (table 2 funcref))"
      "  (import \"library\" \"answer\" (func $answer (result i32)))"
      "  (import \"env\" \"missing\" (func $missing (param f32)))"
      "  (export \"memory\" (memory 0))"
      "  (global $room (export \"room\") (mut i32) (i32.const 100))"
      "  (func (export \"allocate\") (param i32) (result i32)"
      "    (global.get $room) (global.set $room (i32.add (global.get $room) (local.get 0))))"
      "  (func (export \"trap\") unreachable)"
      "  (func (export \"slots\") (param i32 i64) (result i64 i64 externref f64)"
      "    (local i64 externref f64)"
      "    (call $slots (local.get 0) (local.get 1)) (local.set 4) (local.set 3) (local.set 2)"
      "    (i64.extend_i32_u) (local.get 2) (local.get 3) (local.get 4))"
      "  (func (export \"values\") (param i32 v128) (result v128 i32) (call $values (local.get 0) (local.get 1)))"
      "  (func (export \"greet\") (result i32) (call $greet))"
      "  (func (export \"sum\") (result i32) (global.set $variable (i32.add (global.get $variable) (i32.const 1)))"
      "    (i32.add (global.get $variable) (i32.add (global.get $three) (call $answer))))"
      "  (func (export \"missing\") (call $missing (f32.const 0))))";
  anew_module_t* const module = client_module(kGuest);
  anew_pool_t* pool;
  FAILS(anew_pool_new(module, linker, NULL, &pool), ANEW_ERROR_LINK, "env.missing");
  CHECK(pool == NULL);
  OK(anew_linker_trap_unknown_functions(linker));
  OK(anew_pool_new(module, linker, NULL, &pool));
  anew_module_delete(module);
  anew_linker_delete(linker); /* the pool keeps what it needs */
  CHECK(finalized == 0);

  anew_lease_t* lease;
  OK(anew_pool_acquire(pool, &lease));
  anew_value_t arguments[2] = {anew_value_i32(5), anew_value_i64(-1)}, returned[4];
  OK(anew_lease_call_values(lease, ANEW_TEXT("slots"), arguments, 2, returned, 4));
  CHECK(returned[0].of.i64 == UINT32_MAX && returned[1].of.i64 == 0 && returned[2].of.reference == 0xFEED);
  CHECK(returned[3].of.f64 == 2.5);

  anew_value_t wide = {.type = ANEW_V128};
  memcpy(wide.of.v128, "sixteen bytes...", 16);
  arguments[0] = anew_value_i32(21);
  arguments[1] = wide;
  OK(anew_lease_call_values(lease, ANEW_TEXT("values"), arguments, 2, returned, 2));
  CHECK(memcmp(returned[0].of.v128, wide.of.v128, 16) == 0 && returned[1].of.i32 == 42);

  OK(anew_lease_call_values(lease, ANEW_TEXT("greet"), NULL, 0, returned, 1));
  CHECK(returned[0].of.i32 == 100);
  anew_memory_t memory;
  char text[6];
  OK(anew_lease_memory(lease, NULL, 0, &memory));
  OK(anew_memory_read(&memory, 100, text, 6));
  CHECK(strcmp(text, "hello") == 0);
  OK(anew_lease_call_values(lease, ANEW_TEXT("sum"), NULL, 0, returned, 1));
  CHECK(returned[0].of.i32 == 49);

  /* What fails in the host traps. */
  arguments[0] = anew_value_i32(99);
  arguments[1] = anew_value_i64(0);
  anew_error_t* error = anew_lease_call_values(lease, ANEW_TEXT("slots"), arguments, 2, returned, 4);
  CHECK(anew_error_code(error) == ANEW_ERROR_TRAP && anew_error_trap(error) == ANEW_TRAP_HOST_ERROR);
  CHECK(strstr(anew_error_message(error), "no ninety-nine here") != NULL);
  anew_frame_t frame = {.struct_size = sizeof frame};
  CHECK(anew_error_frame(error, 0, &frame) && frame.is_host);
  anew_error_delete(error);
  arguments[0] = anew_value_i32(-1);
  arguments[1] = wide;
  FAILS(anew_lease_call_values(lease, ANEW_TEXT("values"), arguments, 2, returned, 2), ANEW_ERROR_TRAP,
        "result 1 must be v128");
  arguments[0] = anew_value_i32(-2);
  error = anew_lease_call_values(lease, ANEW_TEXT("values"), arguments, 2, returned, 2);
  CHECK(anew_error_trap(error) == ANEW_TRAP_UNREACHABLE && anew_error_frame_count(error) == 3);
  anew_error_delete(error);
  FAILS(anew_lease_call_values(lease, ANEW_TEXT("missing"), NULL, 0, NULL, 0), ANEW_ERROR_TRAP, "not implemented");
  anew_lease_release(lease);
  anew_pool_delete(pool);
  CHECK(finalized == 1);

  /* A reference that a host function made up is found. */
  finalized = 0;
  OK(anew_linker_new(&linker));
  const anew_function_type_t bad_type = {NULL, 0, &kTypes[5], 1};
  OK(anew_linker_define_slots(linker, ANEW_TEXT("env"), ANEW_TEXT("f"), &bad_type, greet, NULL, count_finalized));
  FAILS(anew_linker_define_slots(linker, ANEW_TEXT("env"), ANEW_TEXT("f"), NULL, greet, NULL, count_finalized),
        ANEW_ERROR_ARGUMENT, "\"type\" is null");
  CHECK(finalized == 1); /* although it failed */
  anew_linker_delete(linker);
  CHECK(finalized == 2);
}

static int states_alive, states_made, states_reset;
static anew_error_t* create_state(void* data, void** state) {
  (void)data;
  ++states_made;
  ++states_alive;
  *state = calloc(1, sizeof(int));
  return NULL;
}
static anew_error_t* refuse_state(void* data, void** state) {
  (void)data;
  (void)state;
  return anew_error_new(ANEW_ERROR_HOST, ANEW_TEXT("no state today"));
}
static anew_error_t* reset_state(void* data, void* state) {
  (void)data;
  ++states_reset;
  *(int*)state = 0;
  return NULL;
}
static void destroy_state(void* data, void* state) {
  (void)data;
  --states_alive;
  free(state);
}
static anew_error_t* next_number(void* type, anew_caller_t* caller, uint64_t* slots) {
  int* const number = anew_caller_state(caller, type);
  if (number == NULL) return anew_error_new(ANEW_ERROR_HOST, ANEW_TEXT("there is no state"));
  slots[0] = (uint64_t)++*number;
  return NULL;
}

void client_host_state(void) {
  static const char kGuest[] =
      "(module (import \"env\" \"next\" (func $next (result i32)))"
      "  (func (export \"next\") (result i32) (call $next)))";
  for (int with_reset = 0; with_reset < 2; ++with_reset) {
    states_alive = states_made = states_reset = finalized = 0;
    const anew_state_options_t options = {.struct_size = sizeof options,
                                          .finalize = count_finalized,
                                          .create = create_state,
                                          .reset = with_reset ? reset_state : NULL,
                                          .destroy = destroy_state};
    anew_state_type_t *numbers, *others;
    anew_linker_t* linker;
    OK(anew_state_type_new(ANEW_TEXT("numbers"), &options, &numbers));
    OK(anew_state_type_new(ANEW_TEXT("numbers"), &options, &others)); /* of the same name, but another */
    OK(anew_linker_new(&linker));
    const anew_function_type_t type = {NULL, 0, kTypes, 1};
    OK(anew_linker_define_slots(linker, ANEW_TEXT("env"), ANEW_TEXT("next"), &type, next_number, numbers, NULL));
    OK(anew_linker_define_state(linker, numbers));
    anew_pool_t* const pool = client_pool(kGuest, linker, NULL);
    for (int round = 0; round < 3; ++round) {
      anew_lease_t* lease;
      anew_value_t number;
      OK(anew_pool_acquire(pool, &lease));
      for (int i = 1; i < 4; ++i) {
        OK(anew_lease_call_values(lease, ANEW_TEXT("next"), NULL, 0, &number, 1));
        CHECK(number.of.i32 == i);
      }
      CHECK(anew_lease_state(lease, numbers) != NULL && *(int*)anew_lease_state(lease, numbers) == 3);
      CHECK(anew_lease_state(lease, others) == NULL && anew_lease_state(lease, NULL) == NULL);
      anew_lease_release(lease);
    }
    anew_linker_delete(linker);
    anew_pool_delete(pool);
    CHECK(states_alive == 0 && (with_reset ? states_reset >= 3 : states_made >= 4));
    CHECK(finalized == 0);
    anew_state_type_delete(numbers);
    anew_state_type_delete(others);
    CHECK(finalized == 2);
  }
  const anew_state_options_t refusing = {.struct_size = sizeof refusing, .create = refuse_state};
  anew_state_type_t* type;
  anew_linker_t* linker;
  anew_pool_t* pool;
  OK(anew_state_type_new(NULL, 0, &refusing, &type));
  OK(anew_linker_new(&linker));
  OK(anew_linker_define_state(linker, type));
  anew_module_t* const module = client_module("(module (func (export \"f\")))");
  anew_error_t* error = anew_pool_new(module, linker, NULL, &pool);
  if (error == NULL) {
    anew_lease_t* lease;
    error = anew_pool_acquire(pool, &lease);
  }
  FAILS(error, ANEW_ERROR_HOST, "no state today");
  anew_pool_delete(pool);
  anew_module_delete(module);
  anew_linker_delete(linker);
  anew_state_type_delete(type);
  const anew_state_options_t without = {.struct_size = sizeof without, .finalize = count_finalized};
  finalized = 0;
  FAILS(anew_state_type_new(NULL, 0, &without, &type), ANEW_ERROR_ARGUMENT, "create");
  CHECK(finalized == 1);
}

void client_pools(void) {
  const anew_pool_options_t options = {.struct_size = sizeof options, .capacity = 2, .audit_every = 1};
  anew_pool_t *pool = client_pool("(module (memory 1) (func (export \"f\") (i32.store (i32.const 0) (i32.const 1))))",
                                  NULL, &options),
              *copy;
  anew_lease_t *one, *two, *three, *slow;
  OK(anew_pool_copy(pool, &copy));
  OK(anew_pool_acquire(pool, &one));
  OK(anew_pool_acquire(copy, &two));
  FAILS(anew_pool_acquire(pool, &three), ANEW_ERROR_RESOURCE, "");
  CHECK(three == NULL);
  FAILS(anew_pool_acquire_until(pool, anew_deadline_after(1000000), &three), ANEW_ERROR_RESOURCE, "");
  OK(anew_pool_instantiate(pool, &slow));
  OK(anew_lease_call_values(slow, ANEW_TEXT("f"), NULL, 0, NULL, 0));
  OK(anew_lease_call_values(one, ANEW_TEXT("f"), NULL, 0, NULL, 0));
  anew_lease_release(one);
  OK(anew_pool_acquire_until(pool, ANEW_NO_DEADLINE, &one));
  anew_lease_release(slow);
  anew_lease_release(one);
  anew_pool_statistics_t statistics = {.struct_size = sizeof statistics};
  OK(anew_pool_statistics(pool, &statistics));
  FAILS(anew_pool_statistics(pool, &(anew_pool_statistics_t){0}), ANEW_ERROR_ARGUMENT, "struct_size");
  CHECK(statistics.instances == 2 && statistics.leased == 1 && statistics.acquired == 3 && statistics.audited >= 1);
  CHECK(statistics.audit_failures == 0 && statistics.timed_out == 1);
  OK(anew_pool_audit(pool));
  CHECK(anew_pool_trim(pool) == 1);
  FAILS(anew_pool_drain(pool, anew_deadline_after(0)), ANEW_ERROR_RESOURCE, "");
  anew_lease_release(two);
  OK(anew_pool_shutdown(pool, anew_deadline_after(1000000000)));
  FAILS(anew_pool_acquire(pool, &one), ANEW_ERROR_RESOURCE, "");
  anew_pool_delete(pool);
  anew_pool_delete(copy);
}

void client_snapshots(void) {
  static const char kGuest[] =
      "(module (global $n (mut i32) (i32.const 1))"
      "  (func (export \"prepare\") (global.set $n (i32.const 33)))"
      "  (func (export \"get\") (result i32) (global.get $n)))";
  const anew_text_t prelude[] = {{ANEW_TEXT("prepare")}};
  const anew_snapshot_options_t snapshot = {.struct_size = sizeof snapshot, .prelude = prelude, .prelude_count = 1};
  const anew_pool_options_t options = {.struct_size = sizeof options, .snapshot = &snapshot};
  anew_pool_t* pool = client_pool(kGuest, NULL, &options);
  const char* const path = client_path("snapshot.anew");
  OK(anew_pool_save_snapshot(pool, path, strlen(path)));
  anew_pool_delete(pool);

  anew_engine_t* engine;
  anew_module_t *module, *plain;
  anew_linker_t* linker;
  anew_lease_t* lease;
  anew_value_t number;
  OK(anew_engine_new(NULL, &engine));
  OK(anew_engine_load(engine, path, strlen(path), NULL, &module));
  OK(anew_linker_new(&linker));
  OK(anew_pool_new(module, linker, NULL, &pool));
  OK(anew_pool_acquire(pool, &lease));
  OK(anew_lease_call_values(lease, ANEW_TEXT("get"), NULL, 0, &number, 1));
  CHECK(number.of.i32 == 33);
  anew_lease_release(lease);
  anew_pool_delete(pool);
  anew_module_delete(module);

  /* Compiled code on disk. */
  plain = client_module(kGuest);
  const char* const code = client_path("code.anew");
  OK(anew_engine_save(engine, plain, code, strlen(code)));
  OK(anew_engine_load(engine, code, strlen(code), NULL, &module));
  CHECK(anew_module_export_count(module) == 2);
  anew_module_delete(plain);
  anew_module_delete(module);
  anew_linker_delete(linker);
  anew_engine_delete(engine);
}

struct code {
  const void* bytes;
  size_t size;
  int asked;
};
static anew_error_t* load_code(void* data, const void** code, size_t* size) {
  struct code* const known = data;
  ++known->asked;
  if (known->bytes == NULL) return anew_error_new(ANEW_ERROR_IO, ANEW_TEXT("the code is not to be had"));
  *code = known->bytes;
  *size = known->size;
  return NULL;
}
static anew_error_t* prepare_linker(void* data, const anew_module_t* module, anew_linker_t** linker) {
  CHECK(anew_module_export_count(module) == 1);
  if (data == NULL) return NULL;
  anew_error_t* const error = anew_linker_new(linker);
  return error ? error : anew_linker_trap_unknown_functions(*linker);
}

void client_pool_cache(void) {
  static const char kGuest[] = "(module (import \"env\" \"f\" (func)) (func (export \"g\")))";
  anew_engine_t* engine;
  anew_linker_t* linker;
  anew_pool_cache_t* cache;
  anew_pool_t *pool, *same;
  finalized = 0;
  OK(anew_engine_new(NULL, &engine));
  OK(anew_linker_new(&linker));
  const anew_pool_options_t pool_options = {.struct_size = sizeof pool_options, .capacity = 1};
  const anew_pool_cache_options_t options = {.struct_size = sizeof options,
                                             .pool = &pool_options,
                                             .prepare = prepare_linker,
                                             .prepare_data = &finalized,
                                             .prepare_finalize = count_finalized};
  OK(anew_pool_cache_new(engine, linker, &options, &cache));
  struct code code = {NULL, 0, 0};
  code.bytes = client_wat(kGuest, &code.size);
  uint8_t hash[32];
  OK(anew_code_hash(code.bytes, code.size, hash));
  OK(anew_pool_cache_get(cache, code.bytes, code.size, NULL, ANEW_NO_DEADLINE, &pool));
  OK(anew_pool_cache_get_by_hash(cache, hash, load_code, &code, NULL, ANEW_NO_DEADLINE, &same));
  CHECK(code.asked == 0);
  anew_lease_t *lease, *second;
  OK(anew_pool_acquire(pool, &lease));
  FAILS(anew_pool_acquire(same, &second), ANEW_ERROR_RESOURCE, "");
  anew_lease_release(lease);
  anew_pool_delete(pool);
  anew_pool_delete(same);
  anew_pool_cache_statistics_t statistics = {.struct_size = sizeof statistics};
  OK(anew_pool_cache_statistics(cache, &statistics));
  CHECK(statistics.hits == 1 && statistics.misses == 1 && statistics.pools == 1);
  CHECK(anew_pool_cache_trim(cache) == 0);
  CHECK(anew_pool_cache_invalidate(cache, hash) == 1);
  OK(anew_pool_cache_get_by_hash(cache, hash, load_code, &code, NULL, ANEW_NO_DEADLINE, &same));
  CHECK(code.asked == 1);
  anew_pool_delete(same);
  anew_pool_cache_clear(cache);
  code.bytes = NULL;
  FAILS(anew_pool_cache_get_by_hash(cache, hash, load_code, &code, NULL, ANEW_NO_DEADLINE, &same), ANEW_ERROR_IO,
        "not to be had");
  CHECK(finalized == 0);
  anew_pool_cache_delete(cache);
  CHECK(finalized == 1);
  OK(anew_pool_cache_new(engine, linker, NULL, &cache));
  code.bytes = client_wat(kGuest, &code.size);
  FAILS(anew_pool_cache_get(cache, code.bytes, code.size, NULL, ANEW_NO_DEADLINE, &pool), ANEW_ERROR_LINK, "env.f");
  anew_pool_cache_delete(cache);
  anew_linker_delete(linker);
  anew_engine_delete(engine);
}

void client_options(void) {
  anew_engine_t* engine;
  FAILS(anew_engine_new(&(anew_engine_options_t){.no_cache = true}, &engine), ANEW_ERROR_ARGUMENT, "struct_size");
  CHECK(engine == NULL);
  /* A client of a later version: what this one does not know must be zero. */
  struct {
    anew_engine_options_t options;
    uint64_t later;
  } later = {{.struct_size = sizeof later, .no_cache = true}, 0};
  OK(anew_engine_new(&later.options, &engine));
  anew_engine_delete(engine);
  later.later = 1;
  later.options.progress_finalize = count_finalized;
  finalized = 0;
  FAILS(anew_engine_new(&later.options, &engine), ANEW_ERROR_ARGUMENT, "does not know");
  CHECK(finalized == 1);
  const anew_engine_options_t small = {.struct_size = sizeof small, .stack_bytes = 5};
  FAILS(anew_engine_new(&small, &engine), ANEW_ERROR_ARGUMENT, "stack");
  const anew_engine_options_t features = {.struct_size = sizeof features, .features = {ANEW_TEXT("2.0,-simd")}};
  OK(anew_engine_new(&features, &engine));
  size_t size;
  const void* const binary = client_wat("(module (func (param v128)))", &size);
  anew_module_t* module;
  FAILS(anew_engine_compile(engine, binary, size, NULL, &module), ANEW_ERROR_UNSUPPORTED, "simd");
  const anew_compile_options_t bad = {.struct_size = sizeof bad, .ledger = 17};
  FAILS(anew_engine_compile(engine, binary, size, &bad, &module), ANEW_ERROR_ARGUMENT, "ledger 17");
  anew_engine_delete(engine);
  const anew_engine_options_t nonsense = {.struct_size = sizeof nonsense, .features = {ANEW_TEXT("nonsense")}};
  FAILS(anew_engine_new(&nonsense, &engine), ANEW_ERROR_ARGUMENT, "nonsense");
}

/* Each function with a null for each of its arguments that may not be. */
void client_null_arguments(void) {
  anew_engine_t* engine;
  anew_module_t* module = client_module("(module (memory 1) (func (export \"f\")))");
  anew_linker_t* linker;
  anew_pool_t* pool;
  anew_lease_t* lease;
  anew_function_t* function;
  anew_pool_cache_t* cache;
  OK(anew_engine_new(NULL, &engine));
  OK(anew_linker_new(&linker));
  OK(anew_pool_new(module, linker, NULL, &pool));
  OK(anew_pool_acquire(pool, &lease));
  OK(anew_pool_function(pool, ANEW_TEXT("f"), NULL, &function));
  OK(anew_pool_cache_new(engine, linker, NULL, &cache));
  anew_memory_t memory;
  OK(anew_lease_memory(lease, NULL, 0, &memory));
  anew_module_t* m;
  anew_pool_t* p;
  anew_lease_t* l;
  anew_function_t* f;
  anew_canceller_t* c;
  anew_value_t v = anew_value_i32(0);
  anew_item_t item = {.struct_size = sizeof item};
  uint8_t hash[32];
  uint8_t* w;
  const uint8_t* r;
  const anew_function_type_t type = {NULL, 0, NULL, 0};
#define NULLS(call, name) FAILS(call, ANEW_ERROR_ARGUMENT, "\"" name "\" is null")
  NULLS(anew_engine_new(NULL, NULL), "out");
  NULLS(anew_engine_compile(NULL, "", 0, NULL, &m), "engine");
  NULLS(anew_engine_compile(engine, NULL, 8, NULL, &m), "binary");
  NULLS(anew_engine_compile(engine, "", 0, NULL, NULL), "out");
  NULLS(anew_engine_load(NULL, "", 0, NULL, &m), "engine");
  NULLS(anew_engine_load(engine, NULL, 0, NULL, &m), "path");
  NULLS(anew_engine_save(NULL, module, "", 0), "engine");
  NULLS(anew_engine_save(engine, NULL, "", 0), "module");
  NULLS(anew_engine_save(engine, module, NULL, 0), "path");
  NULLS(anew_code_hash(NULL, 0, hash), "code");
  NULLS(anew_code_hash("", 0, NULL), "hash");
  NULLS(anew_module_copy(NULL, &m), "module");
  NULLS(anew_module_import(NULL, 0, &item), "module");
  NULLS(anew_module_export(module, 0, NULL), "item");
  NULLS(anew_module_code_hash(NULL, hash), "module");
  CHECK(anew_module_import_count(NULL) == 0 && anew_module_export_count(NULL) == 0);
  CHECK(anew_module_ledger(NULL) == ANEW_LEDGER_AUTO && !anew_module_from_cache(NULL));
  CHECK(*anew_module_features(NULL) == '\0' && *anew_module_ledger_reason(NULL) == '\0');
  CHECK(*anew_module_cache_note(NULL) == '\0');
  NULLS(anew_linker_new(NULL), "out");
  NULLS(anew_linker_define_slots(NULL, "", 0, "", 0, &type, next_number, NULL, NULL), "linker");
  NULLS(anew_linker_define_slots(linker, "", 0, "", 0, &type, NULL, NULL, NULL), "function");
  NULLS(anew_linker_define_values(linker, "", 0, "", 0, &type, NULL, NULL, NULL), "function");
  NULLS(anew_linker_define_global(linker, "", 0, "", 0, NULL), "value");
  NULLS(anew_linker_define_memory(NULL, "", 0, "", 0, 1, 1), "linker");
  NULLS(anew_linker_define_table(NULL, "", 0, "", 0, ANEW_FUNCREF, 1, 1), "linker");
  NULLS(anew_linker_define_module(linker, "", 0, NULL), "module");
  NULLS(anew_linker_trap_unknown_functions(NULL), "linker");
  NULLS(anew_linker_define_state(linker, NULL), "type");
  NULLS(anew_memory_read(NULL, 0, hash, 1), "memory");
  NULLS(anew_memory_read(&memory, 0, NULL, 1), "bytes");
  NULLS(anew_memory_write(&memory, 0, NULL, 1), "bytes");
  NULLS(anew_memory_view(NULL, 0, 0, &r), "memory");
  NULLS(anew_memory_view_writable(&memory, 0, 0, NULL), "out");
  NULLS(anew_memory_view_writable(NULL, 0, 0, &w), "memory");
  NULLS(anew_memory_grow(NULL, 0, NULL), "memory");
  CHECK(anew_memory_size(NULL) == 0);
  NULLS(anew_caller_memory(NULL, NULL, 0, &memory), "caller");
  NULLS(anew_caller_global(NULL, "", 0, &v), "caller");
  NULLS(anew_caller_call(NULL, function, NULL, 0), "caller");
  NULLS(anew_caller_call_values(NULL, "", 0, NULL, 0, NULL, 0), "caller");
  NULLS(anew_caller_function(NULL, "", 0, NULL, &f), "caller");
  CHECK(anew_caller_state(NULL, NULL) == NULL && !anew_caller_stopping(NULL));
  NULLS(anew_pool_new(module, NULL, NULL, &p), "linker");
  NULLS(anew_pool_new(module, linker, NULL, NULL), "out");
  NULLS(anew_pool_copy(NULL, &p), "pool");
  NULLS(anew_pool_acquire(NULL, &l), "pool");
  NULLS(anew_pool_acquire(pool, NULL), "out");
  NULLS(anew_pool_acquire_until(NULL, 0, &l), "pool");
  NULLS(anew_pool_instantiate(NULL, &l), "pool");
  CHECK(anew_pool_trim(NULL) == 0);
  NULLS(anew_pool_drain(NULL, 0), "pool");
  NULLS(anew_pool_shutdown(NULL, 0), "pool");
  NULLS(anew_pool_function(NULL, "", 0, NULL, &f), "pool");
  NULLS(anew_pool_function(pool, "f", 1, NULL, NULL), "out");
  FAILS(anew_pool_function(pool, NULL, 1, NULL, &f), ANEW_ERROR_NOT_FOUND, "");
  NULLS(anew_pool_save_snapshot(pool, NULL, 0), "path");
  NULLS(anew_pool_statistics(pool, NULL), "out");
  NULLS(anew_pool_audit(NULL), "pool");
  CHECK(anew_function_slots(NULL) == 0 && anew_function_type(NULL).parameters == NULL);
  NULLS(anew_lease_call(NULL, function, NULL, 0), "lease");
  NULLS(anew_lease_call(lease, NULL, NULL, 0), "function");
  NULLS(anew_lease_call_values(lease, "f", 1, NULL, 1, NULL, 0), "arguments");
  NULLS(anew_lease_call_values(lease, "f", 1, NULL, 0, NULL, 1), "results");
  NULLS(anew_lease_memory(lease, NULL, 0, NULL), "out");
  NULLS(anew_lease_global(NULL, "", 0, &v), "lease");
  NULLS(anew_lease_canceller(NULL, &c), "lease");
  CHECK(anew_lease_fuel(NULL) == 0 && anew_lease_dirty_bytes(NULL) == 0 && anew_lease_state(NULL, NULL) == NULL);
  NULLS(anew_lease_start(NULL, function, NULL, 0, &(anew_call_t*){NULL}), "lease");
  NULLS(anew_linker_define_async(linker, "", 0, "", 0, &(anew_function_type_t){0}, NULL, NULL, NULL), "function");
  NULLS(anew_completion_complete(NULL, NULL, 0), "completion");
  NULLS(anew_call_on_ready(NULL, NULL, NULL), "call");
  NULLS(anew_call_results(NULL, NULL, 0), "call");
  CHECK(!anew_call_done(NULL) && !anew_call_ready(NULL) && !anew_call_resume(NULL));
  anew_completion_fail(NULL, "", 0);
  anew_call_delete(NULL);
  anew_lease_set_fuel(NULL, 1);
  anew_lease_set_deadline(NULL, 1);
  anew_canceller_cancel(NULL);
  NULLS(anew_pool_cache_new(NULL, linker, NULL, &(anew_pool_cache_t*){NULL}), "engine");
  NULLS(anew_pool_cache_get(cache, NULL, 0, NULL, 0, &p), "code");
  NULLS(anew_pool_cache_get_by_hash(cache, NULL, load_code, NULL, NULL, 0, &p), "hash");
  NULLS(anew_pool_cache_get_by_hash(cache, hash, NULL, NULL, NULL, 0, &p), "loader");
  CHECK(anew_pool_cache_invalidate(cache, NULL) == 0 && anew_pool_cache_trim(NULL) == 0);
  anew_pool_cache_clear(NULL);
  NULLS(anew_pool_cache_statistics(cache, NULL), "out");
  CHECK(anew_error_code(NULL) == ANEW_ERROR_ARGUMENT && anew_error_trap(NULL) == ANEW_TRAP_NONE);
  CHECK(*anew_error_message(NULL) == '\0' && *anew_error_text(NULL) == '\0' && anew_error_frame_count(NULL) == 0);
  anew_error_delete(NULL);
  anew_engine_delete(NULL);
  anew_module_delete(NULL);
  anew_linker_delete(NULL);
  anew_state_type_delete(NULL);
  anew_pool_delete(NULL);
  anew_function_delete(NULL);
  anew_lease_release(NULL);
  anew_canceller_delete(NULL);
  anew_pool_cache_delete(NULL);

  anew_pool_cache_delete(cache);
  anew_function_delete(function);
  anew_lease_release(lease);
  anew_pool_delete(pool);
  anew_linker_delete(linker);
  anew_module_delete(module);
  anew_engine_delete(engine);
}
